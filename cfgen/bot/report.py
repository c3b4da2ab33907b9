"""What the host says of itself in its log: how far a change of the stack is, and what it has.

``scripts/report`` writes these lines on the host, into the stream ``<instance id>/report`` of the
stack's ``HostLogGroup``.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import code_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

EVER = datetime(2020, 1, 1, tzinfo=UTC)
"""Before the first report: a log keeps what it keeps."""


class Report(msgspec.Struct, frozen=True):
    """A line of the host's. ``event`` is step, done, failed, waiting, or one that others may know.

    ``version`` is that of the host's files (``HostVersion`` in the template's metadata), ``source``
    where the app comes from and ``commit`` what was installed of it. ``step`` is one of the
    bootstrap's; ``reason`` says why it failed or waits, ``until`` for how long at the most, empty
    where that is not known. ``seconds`` is how long the bootstrap took. ``reboot_due`` says that
    what was patched needs one, ``boot`` that this was told at a boot. ``time`` is the host's.
    """

    time: datetime
    event: str
    step: str = ""
    version: str = ""
    source: str = ""
    commit: str = ""
    reason: str = ""
    until: datetime | None = None
    seconds: int = 0
    reboot_due: bool = False
    boot: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """What the stack wants on its host; ``source`` is empty where the template does not say."""

    version: str
    source: str = ""

    def is_of(self, report: Report) -> bool:
        """Whether a report is about this."""
        same = not self.source or report.source in ("", self.source)
        return report.version == self.version and same


def wanted_of(metadata: object, parameters: Mapping[str, str]) -> Wanted | None:
    """What a stack wants on its host, by its template's metadata and its parameters.

    ``None`` for a template that does not say. A bundle comes before a source of git.
    """
    version = metadata.get("HostVersion") if isinstance(metadata, dict) else None
    if not isinstance(version, str):
        return None
    key = parameters.get("AppBundleKey")
    bundle = f"s3://{parameters.get('AppBundleBucket', '')}/{key}" if key else ""
    return Wanted(version, bundle or parameters.get("AppSource", ""))


Arrival = Literal["there", "failed", "waiting", "coming", "unknown"]


class Progress(msgspec.Struct, frozen=True):
    """How far the host is with what is wanted; ``report`` is the one that says so, if any."""

    arrival: Arrival
    report: Report | None = None


def read_reports(
    client: "CloudWatchLogsClient", group: str, instance_id: str, since: datetime = EVER
) -> tuple[Report, ...]:
    """The reports of a host, in order of time; none where it has not written any.

    What is not a report is left out. Raises botocore's errors.
    """
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        logStreamNames=[f"{instance_id}/report"],
        startTime=int(since.timestamp() * 1000),
    )
    try:
        lines = [(one["timestamp"], one["message"]) for page in pages for one in page["events"]]
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return ()
        raise
    found = (parse_report(datetime.fromtimestamp(ms / 1000, UTC), text) for ms, text in lines)
    return tuple(sorted((one for one in found if one), key=lambda one: one.time))


def parse_report(time: datetime, text: str) -> Report | None:
    """Read a line, ``None`` where it is none of ours."""
    try:
        fields = msgspec.json.decode(text)
        return msgspec.convert({**fields, "time": time}, Report)
    except (msgspec.MsgspecError, TypeError):
        return None


def progress_of(
    reports: Iterable[Report], wanted: Wanted, since: datetime | None = None
) -> Progress:
    """How far a host is with what is wanted, by its reports in order of time.

    What failed or waited before ``since`` counts for nothing: it was another try.
    """
    told = list(reports)
    last = next((one for one in reversed(told) if one.event == "done"), None)
    if last and wanted.is_of(last):
        return Progress("there", last)
    later = [one for one in told if one.time >= since] if since else told
    if last:
        later = [one for one in later if one.time > last.time]
    ours = [one for one in later if wanted.is_of(one)]
    for one in reversed(ours):
        if one.event in ("failed", "waiting"):
            return Progress("failed" if one.event == "failed" else "waiting", one)
        if one.event == "step":
            return Progress("coming", one)
    return Progress("coming" if last else "unknown", None)


def reboot_due(reports: Iterable[Report]) -> datetime | None:
    """Since when the host waits for a reboot, ``None`` where it does not, as far as it told."""
    due: datetime | None = None
    for report in reports:
        if report.event == "patched":
            due = report.time if report.reboot_due else None
        elif report.boot:
            due = None
    return due
