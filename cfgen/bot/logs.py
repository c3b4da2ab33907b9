"""The bot's log, out of CloudWatch Logs."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from cfgen.aws import FAILURES, is_transient
from cfgen.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
POLL_SECONDS = 5.0
LATE_MS = 60_000
"""How long after its time an event may still arrive: what follows looks back so far again."""


class Line(msgspec.Struct, frozen=True):
    """One event; ``stream`` is ``<instance id>/<what>``."""

    time: datetime
    stream: str
    text: str


def since_of(text: str, now: datetime) -> datetime:
    """Read ``90s``, ``30m``, ``2h``, ``1d``, ``1w`` ago, or an ISO 8601 time, UTC without a zone.

    Raises :class:`ConfigError`.
    """
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if match:
        return now - timedelta(**{UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--since: {text!r} is neither like 30m, 2h or 1d nor a time such as 2026-11-24T09:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_lines(
    client: "CloudWatchLogsClient",
    group: str,
    since: datetime,
    pattern: str = "",
    streams: Callable[[str], bool] = lambda _: True,
    wait: Callable[[float], None] | None = None,
) -> Iterator[Line]:
    """Events of a group in the order of their coming, each once.

    ``wait`` sleeps between looks; without it the first look is the last. ``pattern`` is a filter
    pattern of CloudWatch's.
    """
    start = int(since.timestamp() * 1000)
    seen: dict[str, int] = {}
    while True:
        newest = start
        try:
            for event in _events(client, group, start, pattern):
                moment = event["timestamp"]
                newest = max(newest, moment - LATE_MS)
                if event["eventId"] in seen:
                    continue
                seen[event["eventId"]] = moment
                if streams(event["logStreamName"]):
                    yield Line(
                        datetime.fromtimestamp(moment / 1000, UTC),
                        event["logStreamName"],
                        event["message"].rstrip("\n"),
                    )
        except FAILURES as error:
            # Whoever follows wants to go on when the way is free again.
            if wait is None or not is_transient(error):
                raise
        if wait is None:
            return
        start = newest
        seen = {name: moment for name, moment in seen.items() if moment >= start}
        wait(POLL_SECONDS)


def _events(
    client: "CloudWatchLogsClient", group: str, start: int, pattern: str
) -> "Iterator[FilteredLogEventTypeDef]":
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        startTime=start,
        **({"filterPattern": pattern} if pattern else {}),  # type: ignore[arg-type]
    )
    for page in pages:
        yield from page["events"]
