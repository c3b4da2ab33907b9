"""The table of findings: each entry is raised by the judgement that it belongs to."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cfgen.bot.host import Host
from cfgen.bot.report import Report
from cfgen.bot.runs import JobRuns, Run
from cfgen.config.load import make_config
from cfgen.deploy.states import REPAIRS, WAYS
from cfgen.doctor.account import Identity, Refusal, judge_clock, judge_identity
from cfgen.doctor.alarms import Alarm, Subscription, judge_alarms, judge_mail
from cfgen.doctor.asking import unasked
from cfgen.doctor.broker import DOORS, Answer, Said, judge_answer, judge_host_clock, soon
from cfgen.doctor.catalog import BY_CODE, ENTRIES, UNASKED, found
from cfgen.doctor.configuration import judge_configuration
from cfgen.doctor.findings import (
    CHECKS,
    Finding,
    addressed,
    ok,
    remedies,
    sorted_findings,
)
from cfgen.doctor.host import judge_agent, judge_host, should_be_up
from cfgen.doctor.image import Image, judge_image
from cfgen.doctor.keys import judge_keys
from cfgen.doctor.permissions import Simulated, judge_denied, judge_permissions
from cfgen.doctor.plugin import judge_plugin
from cfgen.doctor.runs import judge_brake, judge_runs
from cfgen.doctor.session_manager import Lack, Need, Preferences, judge_preferences, needs_of
from cfgen.doctor.stack import Stack, judge_disk_key, judge_offered, judge_stack
from cfgen.doctor.version import judge_version
from cfgen.doctor.wheels import Wheels, judge_wheels
from cfgen.errors import ConfigError, Refused
from cfgen.report.doctor import doctor_text
from cfgen.report.paper import Paper

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
"""A Wednesday, noon in Seoul."""

CONFIG = make_config({}, "test")
NEW_YORK = make_config(
    {
        "workload": {"window": "21:30-07:00"},
        "bot": {"run_at": "23:40"},
        "market": {"calendar": "XNYS", "session": "09:30-16:00"},
    },
    "test",
)
KEYS = {
    "KIS_PAPER_APP_KEY": "PScanary" + "a1" * 14,
    "KIS_PAPER_APP_SECRET": "canary" + "aB3/" * 43 + "xy",
    "KIS_PAPER_STOCK": "50123456",
    "KIS_HTS_ID": "me",
    "KIS_PROD_TYPE": "01",
}
INSTANCE = "i-0123456789abcdef0"
TOPIC = "arn:aws:sns:ap-northeast-2:123456789012:topic"
KEY_NEED = Need("encryption", "alias/sessions", ("kms:Decrypt",), "arn:aws:kms:x")
LOG_NEED = Need("logging", "bucket b", ("s3:PutObject",), "arn:aws:s3:::b/*")


def stack(status: str = "CREATE_COMPLETE", **fields: Any) -> Stack:
    given: dict[str, Any] = {"protected": True, "resources": {"Host": INSTANCE}} | fields
    return Stack(status, NOW - timedelta(days=90), **given)


def state(one: Stack | None, **config: Any) -> Iterable[Finding]:
    return judge_stack(one, make_config(config, "test"), "cfgen.toml")


def identity(one: Identity | Refusal, *allowed: str) -> Iterable[Finding]:
    return judge_identity(one, allowed, " --profile work", "cfgen.toml")


def host(state: str = "running", checks: str = "ok", online: bool | None = True,
         up: bool = True, bootstrapping: bool = False) -> Iterable[Finding]:  # fmt: skip
    one = Host(INSTANCE, "t4g.micro", state, checks, online, bootstrapping)
    return judge_host(one, CONFIG, "ap-northeast-2", up=up)


def report(
    event: str = "done",
    version: str = "0123456789ab",
    hours: int = 1,
    step: str = "",
    reason: str = "",
    commit: str = "",
) -> Report:
    moment = NOW - timedelta(hours=hours)
    return Report(moment, event, step, version, commit=commit, reason=reason)


def image(days: int, deprecated_days: int | None = None) -> Iterable[Finding]:
    ended = None if deprecated_days is None else NOW - timedelta(days=deprecated_days)
    return judge_image("ami-1", Image(NOW - timedelta(days=days), ended), NOW)


def jobs(last: Run | None, made_days: int = 90) -> Iterable[Finding]:
    runs = (JobRuns("bot", None, last),)
    return judge_runs(runs, CONFIG, NOW - timedelta(days=made_days), NOW)


def mail(email: str, *found_: Subscription) -> Iterable[Finding]:
    return judge_mail(email, "me@example.com" if email else "", found_, TOPIC, "r", "cfgen.toml")


def answer(**fields: Any) -> Iterable[Finding]:
    return judge_answer(Answer(**fields), DOORS["demo"], "demo")


RAISED: dict[str, Callable[[], Iterable[Finding]]] = {
    "configuration-advice": lambda: judge_configuration(NEW_YORK, "f", there=True),
    "credentials-none": lambda: identity(Refusal("none", "none at hand")),
    "credentials-sso": lambda: identity(Refusal("sso", "the token has expired")),
    "credentials-expired": lambda: identity(Refusal("expired", "ExpiredToken")),
    "credentials-invalid": lambda: identity(Refusal("invalid", "InvalidClientTokenId", 1.0)),
    "credentials-off-clock": lambda: identity(Refusal("invalid", "SignatureDoesNotMatch", -900.0)),
    "account-not-allowed": lambda: identity(Identity("123456789012", "arn"), "210987654321"),
    "clock-off": lambda: judge_clock(-900.0),
    "clock-drifts": lambda: judge_clock(31.0),
    "permission-needed": lambda: judge_permissions(Simulated(("cloudformation:A",)), "arn"),
    "permission-perhaps": lambda: judge_permissions(Simulated((), ("ec2:RunInstances",)), "arn"),
    "permission-unsimulated": lambda: judge_permissions(Simulated(reason="AccessDenied"), "arn"),
    "permission-denied": lambda: judge_denied(["GetSecretValue"], "arn"),
    "plugin-missing": lambda: judge_plugin(None),
    "plugin-old": lambda: judge_plugin((1, 2, 398, 0)),
    "stack-absent": lambda: state(None),
    "stack-never-up": lambda: state(stack("ROLLBACK_COMPLETE")),
    "stack-repair": lambda: state(stack("UPDATE_ROLLBACK_FAILED")),
    "stack-busy": lambda: state(stack("UPDATE_IN_PROGRESS")),
    "stack-undone": lambda: state(stack("UPDATE_ROLLBACK_COMPLETE")),
    "stack-foreign": lambda: state(stack(resources={"Vpc": "vpc-1"})),
    "stack-unprotected": lambda: state(stack(protected=False)),
    "stack-mode": lambda: state(stack(description="Trading bot (real) on t4g.micro")),
    "type-not-offered": lambda: judge_offered(["t4g.micro"], set(), "apne2-az2"),
    "disk-key-own": lambda: judge_disk_key("arn:aws:kms:x:1:key/1", group=False, market=False),
    "wheels-missing": lambda: judge_wheels(Wheels(missing="no wheel of x", hint="another x")),
    "wheels-unchecked": lambda: judge_wheels(Wheels(reason="the index is out of reach")),
    "host-none": lambda: judge_host(None, CONFIG, "r", up=True),
    "host-stopped": lambda: host("stopped"),
    "host-terminated": lambda: host("terminated"),
    "host-changing": lambda: host("pending"),
    "host-impaired": lambda: host(checks="impaired"),
    "host-starting": lambda: host(checks="initializing"),
    "host-bootstrapping": lambda: host(online=False, bootstrapping=True),
    "host-offline": lambda: host(online=False),
    "host-unreached": lambda: host(online=None),
    "session-encryption": lambda: judge_preferences(
        Preferences((KEY_NEED,), (Lack(KEY_NEED, KEY_NEED.actions),), "role")
    ),
    "session-logging": lambda: judge_preferences(
        Preferences((LOG_NEED,), (Lack(LOG_NEED, LOG_NEED.actions),), "role")
    ),
    "session-unsure": lambda: judge_preferences(
        Preferences((KEY_NEED,), (Lack(KEY_NEED, KEY_NEED.actions, "AccessDenied"),), "role")
    ),
    "version-failed": lambda: judge_version(
        "0123456789ab", [report(hours=2), report("failed", step="app", reason="no route")]
    ),
    "version-behind": lambda: judge_version("ffffffffffff", [report()]),
    "version-untold": lambda: judge_version("0123456789ab", [report("step", step="app")]),
    "version-old": lambda: judge_version("", []),
    "agent-silent": lambda: judge_agent(
        NOW - timedelta(minutes=21), NOW - timedelta(days=1), NOW
    ),
    "image-gone": lambda: judge_image("ami-1", None, NOW),
    "image-deprecated": lambda: image(95, 5),
    "image-old": lambda: image(200),
    "host-clock-off": lambda: judge_host_clock(Answer(skew=45.0)),
    "secret-absent": lambda: judge_keys(ConfigError("no secret", "deploy makes it"), ["demo"]),
    "secret-deleted": lambda: judge_keys(ConfigError("x", "aws secretsmanager y"), ["demo"]),
    "secret-empty": lambda: judge_keys({}, ["demo"]),
    "keys-missing": lambda: judge_keys(KEYS, ["real"]),
    "keys-wrong": lambda: judge_keys(KEYS | {"KIS_PAPER_STOCK": "50123456-01"}, ["demo"]),
    "keys-doubtful": lambda: judge_keys(
        KEYS | {"KIS_APP_KEY": KEYS["KIS_PAPER_APP_KEY"]}, ["demo"]
    ),
    "brake-on": lambda: judge_brake("paused until 2026-11-26", CONFIG, NOW),
    "brake-odd": lambda: judge_brake("stop", CONFIG, NOW),
    "run-failed": lambda: jobs(Run(NOW, "exit-code", "exit status 1")),
    "run-missing": lambda: jobs(None),
    "alarm-rings": lambda: judge_alarms((Alarm("CpuAlarm", "ALARM", "CPU"),), has_run=True),
    "alarm-first-run": lambda: judge_alarms((Alarm("NoRunAlarm", "ALARM"),), has_run=False),
    "alarm-no-data": lambda: judge_alarms((Alarm("CpuAlarm", "INSUFFICIENT_DATA"),), has_run=True),
    "alarm-absent": lambda: judge_alarms((Alarm("CpuAlarm", ""),), has_run=True),
    "mail-none": lambda: mail(""),
    "mail-pending": lambda: mail("me@example.com", Subscription("me@example.com",
                                                                "PendingConfirmation")),
    "mail-undeployed": lambda: mail("other@example.com"),
    "mail-ended": lambda: mail("me@example.com"),
    "broker-unloaded": lambda: answer(missing=("KIS_PAPER_APP_KEY",)),
    "broker-swapped": lambda: answer(token=True, account=Said(500, "EGW02007")),
    "broker-key": lambda: answer(status=403, code="EGW00103"),
    "broker-secret": lambda: answer(status=403, code="EGW00105"),
    "broker-too-soon": lambda: answer(status=403, code="EGW00133"),
    "broker-denied": lambda: answer(status=403, code="EGW00206"),
    "broker-account": lambda: answer(token=True, account=Said(200, "OPSQ2000")),
    "broker-tls": lambda: answer(failure="tls", detail="DH_KEY_TOO_SMALL", openssl="OpenSSL 3"),
    "broker-certificate": lambda: answer(failure="certificate", detail="expired"),
    "broker-dns": lambda: answer(failure="dns", detail="unknown"),
    "broker-timeout": lambda: answer(failure="timeout", detail="timed out"),
    "broker-away": lambda: answer(status=503, json=False),
    "broker-unclear": lambda: answer(status=403, code="EGW99999"),
    # What the whole decides, tests/cfgen/doctor/test_examine.py raises as well.
    "broker-not-now": lambda: [found("broker-not-now", job="bot", time="09:00 KST")],
    "broker-host-away": lambda: [found("broker-host-away")],
    UNASKED: lambda: [unasked("image", Refused("cut"), [])],
}  # fmt: skip


@pytest.mark.parametrize("code", BY_CODE)
def test_every_finding_is_raised(code: str) -> None:
    raised = {one.code: one for one in RAISED[code]()}
    assert code in raised
    one, entry = raised[code], BY_CODE[code]
    assert one.level == entry.level != "ok"
    assert one.check in {check.name for check in CHECKS}
    assert one.remedy
    assert not re.search(r"\{\w+\}|None", one.text + one.remedy)
    # A command, then what else there is to say: the first is listed as what puts it right.
    assert one.remedy.count("`") % 2 == 0


def test_the_table_and_the_causes_are_the_same() -> None:
    assert list(RAISED) == sorted(BY_CODE, key=list(RAISED).index)
    assert len(BY_CODE) == len(ENTRIES)
    assert {entry.check for entry in ENTRIES} - {""} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("make", "check"),
    [
        (lambda: judge_configuration(CONFIG, "cfgen.toml", there=False), "configuration"),
        (lambda: identity(Identity("123456789012", "arn"), "123456789012"), "credentials"),
        (lambda: judge_clock(0.4), "clock"),
        (lambda: judge_permissions(Simulated(), "arn"), "permissions"),
        (lambda: judge_plugin((1, 2, 650, 0)), "plugin"),
        (lambda: judge_plugin(()), "plugin"),
        (lambda: state(stack("UPDATE_COMPLETE", description="Trading bot (demo) on x")), "stack"),
        (lambda: judge_offered(["t3.micro", "t4g.micro"], {"t4g.micro"}, "z"), "offer"),
        (lambda: judge_disk_key("alias/aws/ebs", group=True, market=True), "disk-key"),
        (lambda: judge_disk_key("arn:aws:kms:r:1:alias/aws/ebs", group=True, market=True),
         "disk-key"),
        (lambda: judge_wheels(Wheels({"arm64 and Python 3.12": 61})), "wheels"),
        (lambda: judge_wheels(Wheels()), "wheels"),
        (host, "host"),
        (lambda: host("stopped", up=False), "host"),
        (lambda: judge_host(None, CONFIG, "r", up=False), "host"),
        (lambda: judge_preferences(Preferences((), (), "role")), "sessions"),
        (lambda: judge_preferences(Preferences((KEY_NEED,), (), "role")), "sessions"),
        (lambda: judge_version("0123456789ab", [report("failed", hours=3), report()]), "version"),
        (lambda: judge_agent(None, NOW - timedelta(minutes=5), NOW), "agent"),
        (lambda: judge_agent(NOW, NOW - timedelta(days=5), NOW), "agent"),
        (lambda: image(5, -85), "image"),
        (lambda: judge_host_clock(Answer(skew=-1.0)), "host-clock"),
        (lambda: judge_keys(KEYS, ["demo"]), "keys"),
        (lambda: judge_brake("running", CONFIG, NOW), "brake"),
        (lambda: judge_brake("paused until 2026-11-25", CONFIG, NOW), "brake"),
        (lambda: jobs(Run(NOW, "success")), "runs"),
        (lambda: jobs(None, made_days=1), "runs"),
        (lambda: judge_alarms((Alarm("CpuAlarm", "OK"),), has_run=True), "alarms"),
        (lambda: mail("me@example.com", Subscription("me@example.com", f"{TOPIC}:1")), "mail"),
        (lambda: mail("", Subscription("me@example.com", f"{TOPIC}:1")), "mail"),
        (lambda: answer(token=True, account=Said(200, "", read=True)), "broker"),
    ],
)  # fmt: skip
def test_what_is_well_is_said_to_be(make: Callable[[], Iterable[Finding]], check: str) -> None:
    [one] = make()
    assert (one.check, one.level, one.remedy) == (check, "ok", "")


@pytest.mark.parametrize("status", WAYS)
def test_every_state_of_a_stack_is_judged(status: str) -> None:
    told = [one for one in state(stack(status)) if one.check == "stack"]
    assert len(told) == 1
    if status in REPAIRS:
        assert told[0].commands == tuple(f"cfgen {words}" for words in REPAIRS[status])
    else:
        assert (told[0].level == "ok") == (status in ("CREATE_COMPLETE", "UPDATE_COMPLETE",
                                                      "IMPORT_COMPLETE"))  # fmt: skip


def test_a_state_of_tomorrow_needs_repair() -> None:
    [one] = state(stack("PAUSED"))
    assert (one.code, one.remedy) == (
        "stack-repair", "by what its state allows: look at the stack in the console")  # fmt: skip


# Keys


def test_no_key_is_in_any_finding() -> None:
    wrong = {name: f"CANARY{value}" for name, value in KEYS.items()}
    texts = [one.text + one.remedy for one in judge_keys(wrong, ["demo", "real"])]
    assert texts
    assert "CANARY" not in "".join(texts)


# Hours


@pytest.mark.parametrize(
    ("moment", "window", "up"),
    [
        ("2026-11-25T08:29", "08:30-16:00", False),
        ("2026-11-25T08:30", "08:30-16:00", True),
        ("2026-11-25T16:00", "08:30-16:00", False),
        ("2026-11-28T10:00", "08:30-16:00", False),
    ],
)
def test_a_market_host_is_up_in_its_window(moment: str, window: str, up: bool) -> None:
    config = make_config({"workload": {"window": window}}, "test")
    assert should_be_up(config, "market", seoul(moment)) == up
    assert should_be_up(config, "always", seoul(moment))


@pytest.mark.parametrize(
    ("moment", "up"),
    [("2026-11-27T23:00", True), ("2026-11-28T04:00", True), ("2026-11-29T04:00", False),
     ("2026-11-27T12:00", False), ("2026-11-30T04:00", False), ("2026-11-30T23:00", True)],
)  # fmt: skip
def test_over_midnight_the_night_belongs_to_the_day_before(moment: str, up: bool) -> None:
    assert should_be_up(NEW_YORK, "market", seoul(moment)) == up


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Seoul"))


# Sessions


def test_what_the_preferences_need_is_named_exactly() -> None:
    text = (
        '{"inputs": {"kmsKeyId": "0000-1111", "s3BucketName": "records", "s3KeyPrefix": "bot/",'
        ' "s3EncryptionEnabled": true, "cloudWatchLogGroupName": "/sessions"}}'
    )
    needs = needs_of(text, "ap-northeast-2", "123456789012", "aws")
    assert [(one.place, one.actions, one.resource) for one in needs] == [
        ("0000-1111", ("kms:Decrypt",), "arn:aws:kms:ap-northeast-2:123456789012:key/0000-1111"),
        ("bucket records", ("s3:PutObject",), "arn:aws:s3:::records/bot/*"),
        ("bucket records", ("s3:GetEncryptionConfiguration",), "arn:aws:s3:::records"),
        (
            "log group /sessions",
            ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
            "arn:aws:logs:ap-northeast-2:123456789012:log-group:/sessions:*",
        ),
        (
            "log group /sessions",
            ("logs:DescribeLogGroups",),
            "arn:aws:logs:ap-northeast-2:123456789012:log-group:*",
        ),
    ]
    assert needs_of('{"schemaVersion": "1.0"}', "r", "1", "aws") == ()


def test_the_command_gives_what_is_lacking_and_nothing_more() -> None:
    import json
    import shlex

    lacks = (Lack(KEY_NEED, ("kms:Decrypt",)), Lack(LOG_NEED, ("s3:PutObject",)))
    key, log = judge_preferences(Preferences((KEY_NEED, LOG_NEED), lacks, "bot-HostRole"))
    assert (key.level, log.level) == ("problem", "warning")
    words = shlex.split(key.commands[0])
    assert words[:6] == ["aws", "iam", "put-role-policy", "--role-name", "bot-HostRole",
                         "--policy-name"]  # fmt: skip
    statement = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "arn:aws:kms:x"}
    assert json.loads(words[-1])["Statement"] == [statement]
    # One policy does not overwrite the other.
    assert words[6] != shlex.split(log.commands[0])[6]


# The broker's minute


def test_a_job_that_starts_soon_keeps_its_token() -> None:
    later = JobRuns("later", NOW + timedelta(minutes=4), None)
    near = JobRuns("near", NOW + timedelta(minutes=2), None)
    assert soon([later, near, JobRuns("none", None, None)], NOW) is near
    assert soon([later], NOW) is None


# As a whole


def test_commands_are_written_for_the_stack_at_hand() -> None:
    one = addressed(found("stack-absent", stack="x", region="y"), "cfgen {} --profile w".format)
    assert one.commands == ("cfgen deploy --profile w",)
    foreign = found("clock-off", seconds="900", way="fast")
    assert addressed(foreign, "cfgen {}".format) == foreign


def test_problems_are_put_right_first_each_once_in_the_order_of_the_checks() -> None:
    findings = [
        *mail(""),
        *RAISED["run-failed"](),
        *RAISED["secret-empty"](),
        *RAISED["stack-mode"](),
        *RAISED["stack-absent"](),
        ok("host", "well"),
    ]
    assert [one.check for one in sorted_findings(findings)] == [
        "stack", "stack", "stack", "host", "keys", "runs", "mail"]  # fmt: skip
    assert remedies(findings) == (
        "cfgen deploy", "cfgen secret set", "cfgen logs --job bot --since 2d")  # fmt: skip


def test_a_line_a_check_by_group_and_what_puts_it_right_below() -> None:
    findings = sorted_findings([*RAISED["secret-empty"](), *RAISED["stack-busy"](),
                                ok("credentials", "account 1\x1b[2J")])  # fmt: skip
    assert doctor_text(findings, Paper()) == (
        "You\n"
        "  ok       credentials    account 1?[2J\n"
        "Stack\n"
        "  warning  stack          stack trading-bot is in UPDATE_IN_PROGRESS: something is under "
        "way\n"
        "                          -> cfgen deploy --attach follows it\n"
        "Bot\n"
        "  problem  keys           the secret holds no keys yet: the bot cannot run\n"
        "                          -> cfgen secret set asks for each; cfgen secret set "
        "--from-env-file .env takes a file's\n"
        "\n"
        "To put it right:\n"
        "  cfgen secret set\n"
        "  cfgen deploy --attach\n"
    )
    assert "\x1b[1;31mproblem" in doctor_text(findings, Paper(True, True, 120))
    well = doctor_text((ok("keys", "all"),), Paper())
    assert well == "Bot\n  ok       keys           all\n"
