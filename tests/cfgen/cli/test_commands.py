"""The program as a process, in a new empty folder, without credentials or a terminal."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, Terminal, command

COMMANDS = ("init", "recommend", "build", "lint", "deploy")


def document(cfgen: Run, *arguments: str) -> dict[str, Any]:
    result = cfgen("recommend", "--prices", "offline", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    parsed: dict[str, Any] = json.loads(result.stdout, parse_float=pytest.fail)
    return parsed


def refused(result: "subprocess.CompletedProcess[str]", code: int, *words: str) -> None:
    """One clear message, the right exit code, and no result."""
    assert result.returncode == code, result.stderr
    errors = [line for line in result.stderr.splitlines() if "error: " in line.lower()]
    assert len(errors) == 1, result.stderr
    for word in words:
        assert word in result.stderr
    assert result.stdout == ""


# recommend


def test_the_json_is_the_contract(cfgen: Run) -> None:
    found = document(cfgen)
    assert list(found) == [
        "schema_version",
        "generated_at",
        "region",
        "workload",
        "prices",
        "recommended",
        "plans",
        "unpriced",
        "warnings",
    ]
    assert found["schema_version"] == 1
    assert found["region"] == "ap-northeast-2"
    assert datetime.fromisoformat(found["generated_at"]).tzinfo
    assert list(found["prices"]) == ["mode", "as_of", "sources"]
    assert found["prices"]["mode"] == "snapshot"
    for source in found["prices"]["sources"]:
        assert list(source) == ["name", "as_of", "fetched_at", "origin"]
    for plan in found["plans"]:
        assert list(plan) == [
            "id",
            "instance_type",
            "arch",
            "purchase",
            "availability_zone_id",
            "hours",
            "hours_per_month",
            "shape",
            "commitment",
            "upfront_usd",
            "monthly_usd",
            "interruption",
            "rejected_because",
            "bill",
        ]
        assert plan["id"] == f"{plan['instance_type']}/{plan['purchase']}/{plan['hours']}"
        assert plan["shape"] == ("group" if plan["purchase"] == "spot" else "instance")
        for item in plan["bill"]:
            assert list(item) == [
                "item",
                "quantity",
                "unit",
                "unit_price_usd",
                "monthly_usd",
                "source",
                "as_of",
            ]
    for gap in found["unpriced"]:
        assert list(gap) == ["instance_type", "purchase", "hours", "code", "reason"]


def test_the_bills_sum_exactly_and_the_first_that_fits_is_recommended(cfgen: Run) -> None:
    found = document(cfgen)
    totals = []
    for plan in found["plans"]:
        for item in plan["bill"]:
            product = Decimal(item["quantity"]) * Decimal(item["unit_price_usd"])
            assert product == Decimal(item["monthly_usd"])
        total = sum(Decimal(item["monthly_usd"]) for item in plan["bill"])
        assert total == Decimal(plan["monthly_usd"])
        totals.append(total)
    assert totals == sorted(totals)
    fitting = [plan["id"] for plan in found["plans"] if not plan["rejected_because"]]
    assert found["recommended"] == fitting[0] == "t4g.micro/on-demand/always"


def test_seoul_has_the_lines_that_one_can_check_by_hand(cfgen: Run) -> None:
    found = document(cfgen)
    [plan] = [plan for plan in found["plans"] if plan["id"] == found["recommended"]]
    lines = {item["item"]: item for item in plan["bill"]}
    assert (lines["instance"]["quantity"], lines["instance"]["unit_price_usd"]) == ("730", "0.0104")
    address = lines["public-ipv4"]
    assert (address["quantity"], address["unit_price_usd"]) == ("730", "0.005")


def test_elsewhere_it_says_what_it_could_not_count(cfgen: Run) -> None:
    found = document(cfgen, "--region", "us-east-1")
    assert found["recommended"] == "t4g.micro/on-demand/always"
    missing = {warning["message"].split()[0] for warning in found["warnings"]}
    assert {"public-ipv4", "ebs-gp3", "secret"} <= missing
    text = cfgen("recommend", "--region", "us-east-1").stdout
    assert "at least $6.13 a month" in text
    assert "Not counted: public-ipv4, ebs-gp3" in text


def test_flags_steer_the_choice(cfgen: Run) -> None:
    assert document(cfgen, "--hours", "market")["recommended"] == "t4g.micro/on-demand/market"
    spot = document(cfgen, "--max-interruption", "<5%")
    assert spot["recommended"] == "t3.small/spot/always"
    types = {plan["instance_type"] for plan in document(cfgen, "--type", "t4g.*")["plans"]}
    assert types == {"t4g.nano", "t4g.micro", "t4g.small"}
    two = document(cfgen, "--type", "t3.nano", "--type", "t3a.micro")["plans"]
    assert {plan["instance_type"] for plan in two} == {"t3.nano", "t3a.micro"}


def test_global_options_stand_before_or_after_the_command(cfgen: Run) -> None:
    before = cfgen("--region", "us-east-1", "recommend", "--csv")
    after = cfgen("recommend", "--csv", "--region", "us-east-1")
    by_environment = cfgen("recommend", "--csv", extra={"CFGEN_REGION": "us-east-1"})
    assert before.stdout == after.stdout == by_environment.stdout
    both = cfgen("--region", "us-east-1", "recommend", "--csv", "--region", "ap-northeast-2")
    assert "apne2" in both.stdout


def test_the_csv_has_a_row_a_plan(cfgen: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(cfgen("recommend", "--csv").stdout)))
    assert len(rows) == 12
    [chosen] = [row for row in rows if row["recommended"] == "yes"]
    assert (chosen["id"], chosen["monthly_usd"]) == ("t4g.micro/on-demand/always", "12.3726")


def test_the_text_says_what_why_and_from_when(cfgen: Run) -> None:
    text = cfgen("recommend").stdout
    assert text.splitlines()[0] == (
        "t4g.micro on demand, around the clock, in ap-northeast-2: $12.37 a month"
    )
    assert "\x1b" not in text
    for word in (
        "$1.90 a month more",
        "AWS may interrupt it",
        "--hours market",
        "--max-interruption any",
        "network.elastic_ip = false",
        "the snapshot holds no Savings Plans rates",
        "holds no reserved prices",
        "Prices: snapshot, ",
    ):
        assert word in text
    assert re.search(r"2025-06-28 \(\d+ days old\)", text)


def test_explain_shows_each_formula_with_source_and_age(cfgen: Run) -> None:
    text = cfgen("recommend", "--explain", "--hours", "market").stdout
    assert "163.06 h = 7.5 h (08:30-16:00) x 5 days x 365.25/84 weeks a month" in text
    line = next(line for line in text.splitlines() if line.startswith("public-ipv4"))
    assert re.search(r"730 +\$0\.005 / Hrs +\$3\.65 +730 h, in use or idle", line)
    assert re.search(r"aws-offer-files, 2026-10-01 \(\d+ days old\)", line)


def test_all_names_every_missing_price(cfgen: Run) -> None:
    text = cfgen("recommend", "--all").stdout
    assert "t4g.micro/compute-savings-plan-3yr-all-upfront" in text


def test_auto_says_which_prices_it_took(cfgen: Run) -> None:
    assert "prices: snapshot" in cfgen("recommend").stderr
    assert cfgen("recommend", "--prices", "offline").stderr == ""


def test_write_locks_the_choice(cfgen: Run, folder: Path) -> None:
    assert cfgen("recommend", "--write").returncode == 0
    lock = json.loads((folder / "cfgen.lock").read_text())
    assert lock["plan"]["id"] == "t4g.micro/on-demand/always"


def test_nothing_fits(cfgen: Run, folder: Path) -> None:
    (folder / "cfgen.toml").write_text("[workload]\nmemory_mib = 9999\n")
    result = cfgen("recommend")
    assert result.returncode == 0
    assert "No plan fits in ap-northeast-2" in result.stdout
    assert "1024 MiB of memory, 9999 MiB are needed" in result.stdout
    assert "still nothing fits" in result.stdout
    assert document(cfgen)["recommended"] is None
    written = cfgen("recommend", "--json", "--write")
    assert written.returncode == 5
    refused(cfgen("build"), 5, "no plan fits", "9999 MiB are needed")


def test_live_prices_are_not_pretended(cfgen: Run) -> None:
    refused(cfgen("recommend", "--prices", "live"), 1, "needs AWS credentials", "--prices offline")


# build and lint


def test_build_in_an_empty_folder_is_clean_and_the_same_twice(cfgen: Run, folder: Path) -> None:
    first = cfgen("build")
    assert first.returncode == 0, first.stderr
    assert cfgen("build").stdout == first.stdout
    assert list(folder.iterdir()) == []
    path = folder / "template.yaml"
    path.write_text(first.stdout)
    linter = Path(sys.executable).with_name("cfn-lint")
    options = ["--include-checks", "I", "--regions", "ap-northeast-2"]
    result = subprocess.run(
        [linter, *options, "--", path], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")
    plain = subprocess.run([linter, path], capture_output=True, text=True, check=False)
    assert (plain.returncode, plain.stdout) == (0, "")
    assert cfgen("lint", "-", stdin=first.stdout).returncode == 0
    assert cfgen("lint", "template.yaml").returncode == 0
    assert cfgen("lint").returncode == 0


def test_a_template_of_a_folder_is_not_for_the_console(cfgen: Run, folder: Path) -> None:
    (folder / "bot").mkdir()
    (folder / "cfgen.toml").write_text('[bot]\nsource = "./bot"\n')
    result = cfgen("build", "--no-lint")
    assert result.returncode == 0, result.stderr
    [line] = [line for line in result.stderr.splitlines() if "./bot is a folder" in line]
    assert "deploy this template with it, not in the console" in line
    assert "not in the console" not in result.stdout
    (folder / "cfgen.toml").unlink()
    assert "not in the console" not in cfgen("build", "--no-lint").stderr


def test_build_to_a_file_and_as_json(cfgen: Run, folder: Path) -> None:
    result = cfgen("build", "-o", "out.json", "--format", "json", "--no-lint")
    assert (result.returncode, result.stdout) == (0, "")
    template = json.loads((folder / "out.json").read_text())
    assert template["Metadata"]["cfgen"]["Plan"] == "t4g.micro/on-demand/always"


def test_a_spot_plan_is_built_with_every_type_that_fits(cfgen: Run, folder: Path) -> None:
    result = cfgen("build", "--max-interruption", "any")
    assert result.returncode == 0, result.stderr
    types = re.findall(r"- InstanceType: (\S+)", result.stdout)
    assert types == ["t4g.micro", "t3.micro", "t3.small"]
    capped = cfgen("build", "--no-lint", "--max-interruption", "10-15%").stdout
    assert re.findall(r"- InstanceType: (\S+)", capped) == ["t3.micro", "t3.small"]
    # What a lock keeps is kept, whatever else would fit by now.
    cfgen("recommend", "--max-interruption", "10-15%", "--write")
    (folder / "cfgen.toml").write_text('[workload]\nmax_interruption = "any"\n')
    kept = cfgen("build", "--no-lint")
    assert "t3.micro/spot/always" in kept.stderr
    assert re.findall(r"- InstanceType: (\S+)", kept.stdout) == ["t3.micro", "t3.small"]


def test_a_real_account_needs_insistence_for_spot(cfgen: Run, folder: Path) -> None:
    real = '[workload]\nmax_interruption = "any"\n[bot]\nmode = "real"\n'
    (folder / "cfgen.toml").write_text(real)
    assert "Type: AWS::EC2::Instance\n" in cfgen("build", "--no-lint").stdout
    (folder / "cfgen.toml").write_text(f"{real}allow_spot_for_real = true\n")
    assert "AWS::AutoScaling::AutoScalingGroup" in cfgen("build", "--no-lint").stdout


def test_build_keeps_the_lock(cfgen: Run, folder: Path) -> None:
    cfgen("recommend", "--write")
    (folder / "cfgen.toml").write_text('[workload]\nhours = "market"\n')
    kept = cfgen("build", "--no-lint")
    assert "t4g.micro/on-demand/always, $12.37 a month, kept by cfgen.lock" in kept.stderr
    assert "t4g.micro/on-demand/market would save $5.90 a month" in kept.stderr
    assert "StartSchedule" not in kept.stdout
    refused(cfgen("build", "--no-lint", "--type", "t3.micro"), 5, "--refresh")
    assert "StartSchedule" in cfgen("build", "--no-lint", "--refresh").stdout


NEW_YORK = """
[bot]
run_at = "22:35"
[market]
calendar = "XNYS"
session = "09:30-16:00"
"""


@pytest.mark.parametrize(
    "line", [("recommend",), ("build", "--no-lint"), ("deploy", "--yes", "--no-lint")]
)
def test_two_time_zones_are_warned_of_once(cfgen: Run, folder: Path, line: tuple[str, ...]) -> None:
    (folder / "cfgen.toml").write_text(NEW_YORK)
    told = cfgen(*line, "--prices", "offline").stderr
    assert told.count("warning: bot.timezone: job times are in Asia/Seoul, where the session") == 1
    assert told.count("warning: bot.run_at: 22:35 is not within the session in January") == 1


def test_other_commands_do_not_repeat_the_warning(cfgen: Run, folder: Path) -> None:
    (folder / "cfgen.toml").write_text(NEW_YORK)
    assert "job times" not in cfgen("prices", "show", "--prices", "offline").stderr


def test_findings_stop_a_lint(cfgen: Run) -> None:
    bad = "Parameters: {Unused: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\n"
    result = cfgen("lint", "-", stdin=bad)
    assert result.returncode == 8
    assert result.stdout == "<stdin>:1:14: W2001 Parameter Unused not used.\n"
    sarif = cfgen("lint", "-", "--format", "sarif", stdin=bad)
    assert sarif.returncode == 8
    assert json.loads(sarif.stdout)["runs"][0]["results"][0]["ruleId"] == "W2001"
    assert json.loads(cfgen("lint", "-", "--format", "json", stdin=bad).stdout)[0]["line"] == 1


# init


def test_init_writes_a_file_that_build_reads(cfgen: Run, folder: Path) -> None:
    source = "https://git.example.com/bot.git@v1"
    result = cfgen(
        *("init", "--non-interactive", "--source", source, "--hours", "market"),
        *("--region", "us-east-1", "--email", "me@example.com"),
    )
    assert result.returncode == 0, result.stderr
    raw = tomllib.loads((folder / "cfgen.toml").read_text())
    assert {section: keys for section, keys in raw.items() if keys} == {
        "stack": {"region": "us-east-1"},
        "bot": {"source": source},
        "workload": {"hours": "market"},
        "monitoring": {"email": "me@example.com"},
    }
    built = cfgen("build", "--no-lint").stdout
    assert f"Default: {source}" in built
    assert "StartSchedule" in built
    before = (folder / "cfgen.toml").read_text()
    refused(cfgen("init", "--non-interactive"), 5, "cfgen.toml exists", "--force")
    assert (folder / "cfgen.toml").read_text() == before
    assert cfgen("init", "--non-interactive", "--force").returncode == 0


def test_init_without_a_terminal_does_not_hang(cfgen: Run, folder: Path) -> None:
    refused(cfgen("init"), 5, "--non-interactive")
    assert list(folder.iterdir()) == []


def test_init_asks_again_after_a_wrong_answer(
    terminal: Callable[..., Terminal], folder: Path
) -> None:
    person = terminal("init")
    for question, answer in (
        ("Name of the stack", "my-bot"),
        ("Git repository", "no repository"),
        ("is not a git repository at a ref", ""),
        ("Account", "prod"),
        ("allowed are demo, real", "demo"),
        ("E-mail", "me@example.com"),
        ("Host's hours", "market"),
    ):
        person.wait_for(question)
        person.type(f"{answer}\n")
    assert person.end() == 0
    raw = tomllib.loads((folder / "cfgen.toml").read_text())
    assert {section: keys for section, keys in raw.items() if keys} == {
        "stack": {"name": "my-bot"},
        "workload": {"hours": "market"},
        "monitoring": {"email": "me@example.com"},
    }


def test_init_can_be_interrupted(terminal: Callable[..., Terminal], folder: Path) -> None:
    person = terminal("init")
    person.wait_for("Name of the stack")
    person.process.send_signal(signal.SIGINT)
    person.type("\n")
    assert person.end() == 130
    assert list(folder.iterdir()) == []


def test_init_checks_what_it_is_given(cfgen: Run, folder: Path) -> None:
    refused(cfgen("init", "--non-interactive", "--email", "me"), 2, "e-mail")
    assert list(folder.iterdir()) == []


# Bad input


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[stack]\nregoin = 'x'\n", ("cfgen.toml: stack.regoin: unknown key", "region")),
        ("[network]\nvpc_cidr = '10.0.0.0/33'\n", ("cfgen.toml: network.vpc_cidr", "10.0.0.0/16")),
        ("[stack\n", ("cfgen.toml: not valid TOML",)),
        ("\x00", ("cfgen.toml: not valid TOML",)),
    ],
)
@pytest.mark.parametrize("name", ["recommend", "build"])
def test_a_bad_configuration(
    cfgen: Run, folder: Path, name: str, toml: str, words: tuple[str, ...]
) -> None:
    (folder / "cfgen.toml").write_text(toml)
    refused(cfgen(name), 2, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("recommend", "--type", "z9.micro"), ("z9.micro", "t4g.micro")),
        (("recommend", "--region", "mars"), ("--region: 'mars'", "ap-northeast-2")),
        (("recommend", "--region", "eu-north-9"), ("eu-north-9", "us-east-1")),
        (("recommend", "--hours", "never"), ("--hours", "market")),
        (("--config", "none.toml", "recommend"), ("none.toml: cannot be read",)),
        (("build", "-o", "/proc/none/x.yaml"), ("/proc/none/x.yaml: cannot be written",)),
        (("lint", "none.yaml"), ("none.yaml: cannot be read",)),
        (("lint", "."), (".: cannot be read",)),
        (("frobnicate",), ("frobnicate",)),
        (("deploy", "--parameter", "x"), ("NAME=VALUE",)),
    ],
)
def test_bad_arguments(cfgen: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    refused(cfgen(*arguments), 2, *words)


def test_a_folder_that_cannot_be_written_to(cfgen: Run, folder: Path) -> None:
    """A folder under a file: unlike a read-only one, it stops root as well."""
    (folder / "file").touch()
    refused(cfgen("build", "--no-lint", "-o", "file/t.yaml"), 2, "file/t.yaml: cannot be written")
    refused(cfgen("--config", "file/cfgen.toml", "init", "--non-interactive"), 2, "cannot be")


def test_a_read_only_folder(cfgen: Run) -> None:
    """/sys lets nobody make a file, root included."""
    refused(cfgen("build", "--no-lint", "-o", "/sys/t.yaml"), 2, "/sys/t.yaml: cannot be written")
    refused(cfgen("--config", "/sys/c.toml", "init", "--non-interactive"), 2, "cannot be written")
    refused(cfgen("--config", "/sys/c.toml", "build", "--no-lint"), 2, "cannot be read")


def test_bytes_that_are_no_text(folder: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        command(["lint", "-"]),
        cwd=folder,
        env=environment,
        input=b"\xff\xfe",
        capture_output=True,
        check=False,
    )
    assert result.returncode == 2
    assert b"<stdin>: not UTF-8 text (byte 0)" in result.stderr


@pytest.fixture
def shell(
    folder: Path, environment: dict[str, str]
) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """Run a shell line in which ``cfgen`` is the program."""

    def run(line: str) -> "subprocess.CompletedProcess[str]":
        script = f'cfgen() {{ {sys.executable} -m cfgen "$@"; }}\nset -o pipefail\n{line}'
        return subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("name", ["build --no-lint", "recommend", "recommend --json"])
def test_a_closed_or_full_output(
    shell: Callable[[str], "subprocess.CompletedProcess[str]"], name: str
) -> None:
    for line, word in (
        (f"cfgen {name} >&-", "standard output is closed"),
        (f"cfgen {name} > /dev/full", "No space left"),
        (f"cfgen {name} | true", "closed before"),
    ):
        result = shell(line)
        told = [text for text in result.stderr.splitlines() if "error" in text]
        if "| true" in line and not told:
            continue  # The pipe took it all before the reader ended.
        assert result.returncode == 1, line
        assert len(told) == 1, result.stderr
        assert word in told[0]
        assert "Traceback" not in result.stderr
        assert "Exception ignored" not in result.stderr


def test_the_first_line_can_be_had(
    shell: Callable[[str], "subprocess.CompletedProcess[str]"],
) -> None:
    result = shell("cfgen build --no-lint | head -1")
    assert result.stdout == "AWSTemplateFormatVersion: '2010-09-09'\n"
    assert "Traceback" not in result.stderr


def test_a_closed_standard_input(
    shell: Callable[[str], "subprocess.CompletedProcess[str]"],
) -> None:
    refused(shell("cfgen lint - <&-"), 2, "standard input is closed")
    refused(shell("cfgen init <&-"), 5, "--non-interactive")


def test_an_internal_error_has_no_traceback_without_debug(cfgen: Run, folder: Path) -> None:
    (folder / "cfgen.toml").write_text("[stack]\nregoin = 1\n")
    debugged = subprocess.run(
        command(["--debug", "recommend"]), cwd=folder, capture_output=True, text=True, check=False
    )
    assert debugged.returncode == 2
    assert "Traceback" in debugged.stderr
    refused(cfgen("recommend"), 2)


# Help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_a_command_that_works(cfgen: Run, name: str) -> None:
    text = cfgen(name, "--help").stdout
    example = re.sub(r"\s+", " ", text.partition("Example: ")[2]).strip()
    assert example.startswith("cfgen "), text
    arguments = example.partition(" ")[2]
    if name == "lint":
        assert arguments == "build | cfgen lint -"
        piped = cfgen("build").stdout
        assert cfgen("lint", "-", stdin=piped).returncode == 0
        return
    words = arguments.partition(" >")[0].replace("'", "").split()
    result = cfgen(*words)
    assert result.returncode == 0, result.stderr


def test_the_root_lists_every_command(cfgen: Run) -> None:
    text = cfgen("--help").stdout
    for name in (
        *COMMANDS,
        "diff",
        "secret",
        "status",
        "logs",
        "connect",
        "dashboard",
        "rollback",
        "destroy",
        "prices",
    ):
        assert re.search(rf"(?m)^  {name} +\S", text)


def test_the_version(cfgen: Run) -> None:
    assert re.fullmatch(r"cfgen \d+\.\d+\.\d+\n", cfgen("--version").stdout)


def test_no_heavy_import_before_it_is_needed() -> None:
    script = (
        "import sys, cfgen.cli.main; "
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'boto3', 'botocore', 'cfnlint', 'troposphere', 'rich', 'yaml', 'moto', 'msgspec'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("flags", [("--max-interruption", "any"), ("--hours", "market")])
def test_a_lock_that_was_made_with_a_flag_says_how_it_is_accepted(
    cfgen: Run, folder: Path, flags: tuple[str, str]
) -> None:
    cfgen("recommend", *flags, "--write")
    for name in ("build", "lint"):
        refused_ = cfgen(name, "--prices", "offline")
        assert refused_.returncode == 5
        [remedy] = re.findall(r"set workload\.(\w+ = \"\w+\")", refused_.stderr)
    (folder / "cfgen.toml").write_text(f"[workload]\n{remedy}\n")
    assert cfgen("build", "--no-lint").returncode == 0


def test_a_dash_is_standard_output(cfgen: Run, folder: Path) -> None:
    assert cfgen("build", "--no-lint", "-o", "-").stdout.startswith("AWSTemplateFormatVersion")
    assert list(folder.iterdir()) == []
