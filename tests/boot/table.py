"""Write the table of docs/boot.md from what the last ``make test-boot`` saw.

    .venv/bin/python -m tests.boot.table          # write it
    .venv/bin/python -m tests.boot.table --check  # every test has its rows there

Seconds are this machine's, and differ from run to run: they are not compared.
"""

import json
import re
import sys
from pathlib import Path

PAGE = Path("docs/boot.md")
RESULTS = Path("build/boot/results.jsonl")
BEGIN, END = "<!-- table -->", "<!-- end of the table -->"


def main(arguments: list[str]) -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    old, _, after = rest.partition(END)
    if arguments == ["--check"]:
        missing = sorted(_tests() - set(re.findall(r"`(test_\w+)`", old)))
        for name in missing:
            sys.stderr.write(f"{PAGE} has no row of {name}: run make test-boot and this script\n")
        return int(bool(missing))
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: row["test"])
    lines = ["", "| case | shape | s | what was seen | test |", "| --- | --- | ---: | --- | --- |"]
    for row in rows:
        test = re.sub(r".*::(\w+).*", r"`\1`", row["test"])
        lines.append(
            f"| {row['case']} | {row['shape']} | {row['seconds']} | {row['seen']} | {test} |"
        )
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, encoding="utf-8")
    return 0


def _tests() -> set[str]:
    files = Path(__file__).parent.glob("test_*.py")
    return {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
