"""What a run was given: by it hints name the same file and the same stack."""

import shlex
from collections.abc import Mapping

import msgspec

from cfgen.config.load import FILE_NAME


class Given(msgspec.Struct, frozen=True):
    """The configuration's ``file`` and the global ``options``, as they stood on the line."""

    file: str = FILE_NAME
    options: str = ""

    @classmethod
    def of(cls, config: object, options: Mapping[str, object]) -> "Given":
        """``config`` is the file's path, if one was given; so are the ``options`` by their flag."""
        named = {"--config": config, **options}
        words = [f"{name} {shlex.quote(str(value))}" for name, value in named.items() if value]
        return cls(str(config or FILE_NAME), " ".join(words))

    def command(self, words: str) -> str:
        """A command of cfgen's for the same stack."""
        return " ".join(filter(None, ("cfgen", words, self.options)))


PLAIN = Given()
"""A run without any of these options."""
