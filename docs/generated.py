"""The generated parts of README.md and docs/, for cog."""

import os
import re
import subprocess
import sys
import tempfile

import cog
import msgspec

from cfgen.config.schema import Config
from cfgen.config.write import describe, toml_value


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


def keys() -> None:
    """Show every key of cfgen.toml with its default and meaning."""
    cog.outl("| key | default | meaning |\n| --- | --- | --- |")
    defaults = Config()
    for section in msgspec.structs.fields(Config):
        table = getattr(defaults, section.name)
        for key in msgspec.structs.fields(table):
            default = toml_value(getattr(table, key.name))
            cog.outl(f"| `{section.name}.{key.name}` | `{default}` | {describe(key.type)} |")
