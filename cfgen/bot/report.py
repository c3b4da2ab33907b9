"""What the host tells of itself: JSON events in the host's log group (``scripts/report``)."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from cfgen.bot.logs import read_lines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


class Report(msgspec.Struct, frozen=True):
    """One event: ``step``, ``failed``, ``done`` or ``patched``."""

    time: datetime
    event: str
    step: str = ""
    version: str = ""
    source: str = ""
    commit: str = ""
    reason: str = ""


class _Told(msgspec.Struct):
    event: str
    step: str = ""
    version: str = ""
    source: str = ""
    commit: str = ""
    reason: str = ""


def read_reports(
    client: "CloudWatchLogsClient", group: str, instance: str, since: datetime
) -> tuple[Report, ...]:
    """The host's reports, the oldest first; lines that are none are passed over.

    Raises botocore's errors.
    """
    lines = read_lines(client, group, since, '{ $.event = "*" }',
                       lambda name: name == f"{instance}/report")  # fmt: skip
    found = []
    for line in lines:
        try:
            told = msgspec.json.decode(line.text, type=_Told)
        except msgspec.DecodeError:
            continue
        found.append(Report(line.time.astimezone(UTC), *msgspec.structs.astuple(told)))
    return tuple(sorted(found, key=lambda one: one.time))
