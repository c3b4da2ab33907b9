"""The configuration, which is read and checked before anything else. Pure."""

from collections.abc import Iterator

from cfgen.config.schema import Config
from cfgen.config.warnings import warnings
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok


def judge_configuration(config: Config, file: str, *, there: bool) -> Iterator[Finding]:
    """``there`` says whether the file is; without it every key has its default."""
    advice = warnings(config)
    for text in advice:
        yield found("configuration-advice", text=text, file=file)
    if not advice:
        yield ok("configuration", file if there else f"no {file} here: the defaults are looked at")
