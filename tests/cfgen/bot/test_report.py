"""What the host reported, read and judged."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfgen.bot.report import (
    EVER,
    Report,
    Wanted,
    parse_report,
    progress_of,
    read_reports,
    reboot_due,
    wanted_of,
)
from tests.cfgen.bot.test_bot import INSTANCE, NOW, Aws

V1, V2 = "0123456789ab", "ba9876543210"
WANTED = Wanted(V2, "git@v2")


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def told(minute: int, event: str, version: str = V2, source: str = "git@v2", **more: Any) -> Report:
    return Report(at(minute), event, version=version, source=source, **more)


def test_reports_are_read_in_order_and_foreign_lines_left_out() -> None:
    aws = Aws()
    lines = [
        (2, json.dumps({"event": "done", "version": V1, "seconds": 140, "commit": "c", "new": 1})),
        (1, json.dumps({"event": "step", "step": "app", "version": V1})),
        (3, "no JSON"),
        (4, "[1, 2]"),
        (5, '{"version": "without an event"}'),
        (6, '{"event": "waiting", "until": "2026-11-24T10:00:00+00:00", "reason": "at work"}'),
        (7, '{"event": "done", "seconds": "many"}'),
    ]
    events = [
        {"eventId": f"{minute}", "timestamp": int(at(minute).timestamp() * 1000), "message": text}
        for minute, text in lines
    ]
    asked = {"logGroupName": "host-log", "logStreamNames": [f"{INSTANCE}/report"],
             "startTime": int(EVER.timestamp() * 1000)}  # fmt: skip
    aws.answer("logs", "filter_log_events", {"events": events[:3], "nextToken": "x"}, **asked)
    aws.answer("logs", "filter_log_events", {"events": events[3:]}, **asked, nextToken="x")
    found = read_reports(aws.clients.logs, "host-log", INSTANCE)
    assert [(one.event, one.step, one.seconds) for one in found] == [
        ("step", "app", 0),
        ("done", "", 140),
        ("waiting", "", 0),
    ]
    assert found[2].until == datetime.fromisoformat("2026-11-24T10:00:00+00:00")
    aws.done()


def test_a_host_that_never_spoke_has_no_reports() -> None:
    aws = Aws()
    aws.stubs["logs"].add_client_error("filter_log_events", "ResourceNotFoundException")
    assert read_reports(aws.clients.logs, "host-log", INSTANCE) == ()
    aws.stubs["logs"].add_client_error("filter_log_events", "AccessDeniedException")
    with pytest.raises(ClientError):
        read_reports(aws.clients.logs, "host-log", INSTANCE)


def test_a_line_of_somebody_elses() -> None:
    assert parse_report(NOW, "null") is None
    assert parse_report(NOW, '{"event": 5}') is None
    assert parse_report(NOW, '{"event": "step", "time": "never"}') == Report(NOW, "step")


@pytest.mark.parametrize(
    ("reports", "arrival"),
    [
        ([], "unknown"),
        ([told(0, "done")], "there"),
        ([told(0, "done"), told(9, "done", boot=True)], "there"),
        # Back to what was there once is not there.
        ([told(0, "done"), told(1, "done", V1)], "coming"),
        ([told(0, "done", V1)], "coming"),
        ([told(0, "done", source="git@v1")], "coming"),
        ([told(0, "done", V1), told(11, "step", step="app")], "coming"),
        ([told(0, "done", V1), told(11, "failed", step="app", reason="no")], "failed"),
        # It is at it again.
        ([told(0, "done", V1), told(11, "failed"), told(21, "step", step="idle")], "coming"),
        ([told(0, "done", V1), told(11, "failed"), told(12, "waiting", reason="x")], "waiting"),
        # Other versions, and earlier tries, say nothing.
        ([told(0, "done", V1), told(11, "failed", V1)], "coming"),
        ([told(0, "done", V1), told(11, "failed", source="git@v1")], "coming"),
        ([told(0, "done", V1), told(5, "failed")], "coming"),
        ([told(0, "done", V1), told(11, "patched")], "coming"),
        # A host of an earlier cfgen gives no source with it.
        ([told(11, "failed", source="")], "failed"),
    ],
)
def test_how_far_a_host_is(reports: list[Report], arrival: str) -> None:
    assert progress_of(reports, WANTED, at(10)).arrival == arrival


def test_what_a_template_wants_on_its_host() -> None:
    wants = {"HostVersion": V2}
    assert wanted_of(wants, {"AppSource": "git@v2"}) == WANTED
    bundle = {"AppBundleBucket": "b", "AppBundleKey": "apps/1.tar.gz"}
    assert wanted_of(wants, bundle) == Wanted(V2, "s3://b/apps/1.tar.gz")
    assert wanted_of(wants, {}) == Wanted(V2)
    for other in ({}, None, "text", {"HostVersion": 5}):
        assert wanted_of(other, {}) is None


def test_a_reboot_is_due_until_there_was_one() -> None:
    patched = told(1, "patched", reboot_due=True)
    assert reboot_due([patched]) == at(1)
    # A change of the stack is no reboot.
    assert reboot_due([patched, told(2, "done")]) == at(1)
    assert reboot_due([patched, told(2, "done", boot=True)]) is None
    assert reboot_due([patched, told(2, "patched")]) is None
    assert reboot_due([]) is None
