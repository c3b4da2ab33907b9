"""The generated parts of README.md and docs/, for cog."""

import functools
import itertools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import cog
import msgspec

from cfgen.config.schema import Config, Job
from cfgen.config.write import describe, toml_value
from cfgen.report.numbers import plain, usd
from pricing.calendar import ALWAYS_HOURS
from pricing.price import Unpriced
from pricing.rates import Rate, Service
from pricing.recommend import recommend
from pricing.sources.snapshot import SnapshotSource, load_snapshot
from pricing.workload import HostShape, Usage, Workload


def console(*arguments: str) -> None:
    """Show a command and what it prints in an empty folder, without the ages: they change daily."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "COLUMNS": "100"}
    with tempfile.TemporaryDirectory() as folder:
        text = subprocess.run(
            [sys.executable, "-m", "cfgen", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=folder,
            env=environment,
        ).stdout
    text = re.sub(r"(, | \()\d+ days? old( where oldest|\))", "", text)
    cog.outl(f"```console\n$ cfgen {' '.join(arguments)}\n{text.rstrip()}\n```")


def commands() -> None:
    """Show every command's help, in the order of their use."""
    from cfgen.cli.main import cfgen

    for name in cfgen.commands:
        cog.outl(f"\n## cfgen {name}\n")
        console(name, "--help")


def states() -> None:
    """Show what each command does in each state that a stack can be in."""
    import boto3

    from cfgen.deploy.destroy import destroy_way
    from cfgen.deploy.rollback import rollback_way
    from cfgen.deploy.states import KEPT, Way, way_of

    session = boto3.session.Session("x", "x", region_name="us-east-1")
    model = session.client("cloudformation").meta.service_model
    rollbacks = {
        "continue": "takes up the rollback",
        "roll back": "rolls back; what has no stable state is deleted",
        "cancel": "cancels the update",
        "none": "nothing to do",
        "never up": "refuses: it never came up",
        "destroy": "needs `destroy` (exit 4)",
        "wait": "refuses: it cannot be stopped",
    }
    diffs = {Way.RECREATE: "refuses: all of it would be new"}
    cog.outl("| state | deploy | diff | rollback | destroy |\n| --- | --- | --- | --- | --- |")
    for status in model.shape_for("StackStatus").enum:
        way = way_of(status)
        retry = "; `--retry` goes on with it" if status in KEPT else ""
        cog.outl(
            f"| {status} | {way.value}{retry} | {diffs.get(way, way.value)} "
            f"| {rollbacks[rollback_way(status)]} | {destroy_way(status).value} |"
        )


def checks() -> None:
    """Show what ``doctor`` looks at, by group."""
    from cfgen.doctor.findings import CHECKS

    cog.outl("| group | check | what is looked at |\n| --- | --- | --- |")
    for check in CHECKS:
        cog.outl(f"| {check.group} | `{check.name}` | {check.asks} |")


def findings() -> None:
    """Show every finding of ``doctor`` with its remedy, by check."""
    from cfgen.doctor.catalog import ENTRIES

    def shown(text: str) -> str:
        # Within code nothing is in italics.
        text = text.replace("{profile}", " --profile {profile}")
        parts = re.split(r"(`[^`]*`)", text.replace("|", "\\|").replace("<", "&lt;"))
        return "".join(
            re.sub(r"{(\w+)[^}]*}", lambda match: match[1].upper(), part)
            if part.startswith("`")
            else re.sub(r"{(\w+)[^}]*}", r"*\1*", part)
            for part in parts
        )

    cog.outl("| finding | level | cause | remedy |\n| --- | --- | --- | --- |")
    for one in ENTRIES:
        cog.outl(f"| `{one.code}` | {one.level} | {shown(one.text)} | {shown(one.remedy)} |")


def transcript() -> None:
    """Show the life of a stack, told by the program itself against the tests' CloudFormation."""
    from tests.cloudformation.server import FakeCloudFormation

    with FakeCloudFormation() as aws, tempfile.TemporaryDirectory() as folder:
        aws.steps_per_poll = 100
        aws.after = functools.partial(_take_up, aws)
        for scene in SCENES:
            scene.set_up(aws)
            if scene.config:
                Path(folder, "cfgen.toml").write_text(scene.config)
            cog.outl(f"\n## {scene.title}\n\n{scene.text}\n")
            for line in scene.commands:
                cog.outl(f"```console\n$ cfgen {line}\n{_session(line, folder, aws)}```")


def _take_up(aws: Any, call: Any) -> None:
    """Play the host: after each look at its reports it is a step further with what is new.

    The first host is ready when its stack is.
    """
    stack = aws.stack("trading-bot")
    first = call.operation == "ExecuteChangeSet" and not aws.reports
    if stack is None or not (first or call.operation == "FilterLogEvents"):
        return
    known = {"version": stack.deployed.body["Metadata"]["cfgen"]["HostVersion"]}
    known["source"] = stack.deployed.parameters["AppSource"]
    told = [one for _, one in aws.reports if known.items() <= one.items()]
    left = [{"event": "step", "step": step} for step in ("packages", "app", "units")]
    left += [{"event": "done", "commit": known["source"].rpartition("@")[2], "seconds": 74}]
    for step in left if first else left[len(told) : len(told) + 1]:
        aws.reports.append((aws.now(), known | step))


class Scene(NamedTuple):
    """Commands after a change of cfgen.toml and of what the fake does."""

    title: str
    text: str
    commands: tuple[str, ...]
    config: str = ""
    set_up: Callable[[Any], None] = lambda _: None


OFFLINE = "--prices offline"
COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
NEXT = "8f94139338f9404f26296befa88755fc2598c289"
# Without requirements nobody is asked, and what is printed is the same everywhere.
SOURCE = f'[bot]\nsource = "https://github.com/you/bot.git@{COMMIT}"\nrequirements = ""\n'


def _fail(failures: dict[str, str], rollbacks: dict[str, str]) -> Callable[[Any], None]:
    def set_up(aws: Any) -> None:
        aws.failures, aws.rollback_failures = failures, rollbacks

    return set_up


SCENES = (
    Scene(
        "The first deploy",
        "Account, region and stack come first, then the change set and what a month costs.",
        (f"deploy --yes {OFFLINE}",),
        SOURCE,
    ),
    Scene("No change", "The same again, and nothing is left behind.", (f"deploy --yes {OFFLINE}",)),
    Scene(
        "A change and its cost",
        "The host in market hours only, which the lock lets through with `--refresh`.",
        (f"deploy --yes --hours market --refresh {OFFLINE}",),
    ),
    Scene(
        "A replacement that is refused",
        "Without `network.elastic_ip` the fixed address would go; `--yes` is no leave for that.",
        (f"deploy --yes {OFFLINE}",),
        SOURCE + '[workload]\nhours = "market"\n[network]\nelastic_ip = false\n',
    ),
    Scene(
        "A deploy that fails",
        "Exit 3: it was rolled back. The cause is the earliest one, with what to do about it.",
        (f"deploy --yes {OFFLINE}",),
        SOURCE + '[workload]\nhours = "market"\n[monitoring]\nlog_retention_days = 7\n',
        _fail(
            {
                "HostLogGroup": "User: arn:aws:iam::123456789012:user/trader is not authorized to "
                "perform: logs:PutRetentionPolicy"
            },
            {},
        ),
    ),
    Scene(
        "A rollback that fails, and the way out",
        "Exit 4: the stack needs repair before anything else. `rollback` tries again, once the "
        "cause is mended.",
        (f"deploy --yes {OFFLINE}", "rollback --yes"),
        "",
        _fail({"HostLogGroup": "denied"}, {"BotLogGroup": "denied as well"}),
    ),
    Scene(
        "Recovery",
        "What is stuck stays as it is; then a deploy goes through again.",
        ("rollback --yes --skip BotLogGroup", f"deploy --yes {OFFLINE}"),
        "",
        _fail({}, {}),
    ),
    Scene(
        "A new version of the bot",
        "The stack changes in seconds. The deploy is over when the host has taken the change up "
        "(`--no-wait-host` does not wait for it), exits 1 where the host could not, and 7 where it "
        "takes too long. While the exchange is open no host is replaced but with `--in-session`.",
        (f"deploy --yes {OFFLINE}",),
        SOURCE.replace(COMMIT, NEXT)
        + '[workload]\nhours = "market"\n[monitoring]\nlog_retention_days = 14\n',
    ),
    Scene(
        "The end",
        "Protected until it is said twice; what stays is named, with its price.",
        ("destroy --yes", "destroy --yes --disable-protection"),
    ),
)


def _session(line: str, folder: str, aws: Any) -> str:
    """What a command prints, in the order of its coming, and its exit code if it is not 0."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CFGEN_"))}
    environment = kept | aws.environment | {"PYTHONPATH": os.getcwd(), "HOME": folder}
    done = subprocess.run(
        [sys.executable, "-m", "cfgen", *line.split()],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    # The outputs are the same each time.
    results = done.stdout if aws.count("ExecuteChangeSet") == 1 else "..." if done.stdout else ""
    text = "\n".join(_shorten([*done.stderr.splitlines(), *results.splitlines()]))
    ending = f"exit code {done.returncode}\n" if done.returncode else ""
    return f"{text}\n{ending}"


def _shorten(lines: list[str]) -> Iterator[str]:
    """Of many lines of one kind the first two and the last."""
    for _, group in itertools.groupby(lines, _kind):
        run = list(group)
        if len(run) <= LONGEST_RUN:
            yield from run
        else:
            yield from (*run[:2], f"... {len(run) - 3} more", run[-1])


LONGEST_RUN = 6


def _kind(line: str) -> str:
    """What a line is: an event by its status, a row by its first word."""
    words = line.split()
    if words and re.match(r"[0-9:]{8}$", words[0]):
        return "DELETE" if words[1].startswith("DELETE") else words[1]
    return words[0] if words else ""


def keys() -> None:
    """Show every key of cfgen.toml with its default and meaning."""
    cog.outl("| key | default | meaning |\n| --- | --- | --- |")
    defaults = Config()
    for section in msgspec.structs.fields(Config):
        table = getattr(defaults, section.name)
        for key in msgspec.structs.fields(table):
            default = toml_value(getattr(table, key.name))
            cog.outl(f"| `{section.name}.{key.name}` | `{default}` | {describe(key.type)} |")
    for key in msgspec.structs.fields(Job):
        default = (
            ""
            if key.required
            else f"`{toml_value(getattr(Job(name='', entrypoint=''), key.name))}`"
        )
        cog.outl(f"| `bot.jobs.{key.name}` | {default} | {describe(key.type)} |")


def seed_costs() -> None:
    """Set the first design's monthly costs beside the embedded snapshot's, line by line."""
    source = SnapshotSource(load_snapshot())
    market = source.read(("ap-northeast-2",), ("t4g.micro", "t3.micro", "t3.small"))
    usage = Usage(log_gb=Decimal(5))
    found = recommend(market, Workload(max_interruption="any"), HostShape(), usage)
    host = found.plan("t4g.micro/on-demand/always")
    spot = found.plan("t4g.micro/spot/always").bill.items[0]
    lines: dict[str, Decimal] = {}
    for item in host.bill.items:
        lines[item.item] = lines.get(item.item, Decimal(0)) + item.monthly
    rates = market.rates["ap-northeast-2"]

    def hours(name: str) -> str:
        price = found.on_demand_prices["ap-northeast-2", name]
        return f"{usd(price.amount * ALWAYS_HOURS)} (730 h x ${plain(price.amount)})"

    def each(service: Service, units: Decimal = Decimal(1)) -> str:
        rate = rates[service]
        if isinstance(rate, Unpriced):
            return f"not priced: {rate.reason}"
        assert isinstance(rate, Rate)
        price = rate.tiers[0].price
        free = f", {plain(rate.free)} {price.unit} free" if rate.free else ""
        return f"{usd(price.amount * units)} (${plain(price.amount)} / {price.unit}{free})"

    logs = lines[Service.LOG_INGESTION] + lines[Service.LOG_STORAGE]
    around = lines[Service.SECRET] + lines[Service.SECRET_REQUESTS] + lines[Service.ALARM]
    rows = (
        ("t4g.micro on demand", "$3 to $4", hours("t4g.micro")),
        ("t3.micro on demand", "$7 to $8", hours("t3.micro")),
        ("t3.small on demand", "$15 to $17", hours("t3.small")),
        ("8 GB of gp3", "$0.64", each(Service.EBS_GP3, Decimal(8))),
        ("Elastic IP in use", "$0", f"{usd(lines[Service.PUBLIC_IPV4])} (730 h x $0.005)"),
        ("1 GB of traffic out", "$0.12", f"{usd(lines[Service.EGRESS])} (100 GB free)"),
        ("5 GB of logs", "$2.50", f"{usd(logs)} (5 GB free, then stored 30 days)"),
        ("**together, t4g.micro**", "**$6 to $8**", f"**{usd(host.monthly - around)}**"),
        ("a secret, with 200 reads", "$0.40", usd(around)),
        ("1 GB of backup in S3", "$0.50", each(Service.S3_STORAGE)),
        ("a hosted zone", "$0.50", each(Service.HOSTED_ZONE)),
        (
            "t4g.micro on Spot",
            "$1.50",
            f"{usd(spot.monthly)} (one observed price, {spot.price.as_of})",
        ),
        ("t4g.micro reserved for a year", "$2.50", "not in the snapshot; read live"),
    )
    cog.outl("| a month, in US dollars | the first design | the snapshot |\n| --- | --- | --- |")
    for row in rows:
        cog.outl(f"| {' | '.join(row)} |")


def lint_rules() -> None:
    """Show our lint rules."""
    from cfgen.lint import rules

    cog.outl("| rule | finds | why |\n| --- | --- | --- |")
    known = [getattr(rules, name) for name in rules.__all__]
    for rule in sorted(known, key=lambda rule: rule.id[1:]):
        why = " ".join(rule.__doc__.split())
        cog.outl(f"| [{rule.id}]({rule.source_url}) | {rule.description}. | {why} |")
