"""The generated parts of README.md and docs/, for cog."""

import os
import re
import subprocess
import sys
import tempfile
from decimal import Decimal

import cog
import msgspec

from cfgen.config.schema import Config
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
    from cfgen.deploy.states import Way, way_of

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
        cog.outl(
            f"| {status} | {way.value} | {diffs.get(way, way.value)} "
            f"| {rollbacks[rollback_way(status)]} | {destroy_way(status).value} |"
        )


def keys() -> None:
    """Show every key of cfgen.toml with its default and meaning."""
    cog.outl("| key | default | meaning |\n| --- | --- | --- |")
    defaults = Config()
    for section in msgspec.structs.fields(Config):
        table = getattr(defaults, section.name)
        for key in msgspec.structs.fields(table):
            default = toml_value(getattr(table, key.name))
            cog.outl(f"| `{section.name}.{key.name}` | `{default}` | {describe(key.type)} |")


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
