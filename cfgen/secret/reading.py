"""Reading names and values out of an env file or ``kis_devlp.yaml``. Pure; nothing is shown."""

import io
import re
from collections.abc import Iterator

import msgspec

from cfgen.errors import ConfigError
from cfgen.secret.keys import NAME
from cfgen.secret.kis_devlp import NAMES

ENV_FILE = "an env file"
YAML_FILE = "a kis_devlp.yaml"

_FIELD = re.compile(r"""['"]?[A-Za-z_]\w*['"]?[ \t]*:([ \t]|$)|[{%]|---""")
"""How the first line of a YAML file begins that is no comment."""


class Read(msgspec.Struct, frozen=True):
    """What a file holds. ``fields`` has the file's own name of what is stored under another."""

    origin: str
    form: str
    pairs: dict[str, str]
    fields: dict[str, str]


def read_keys(text: str, origin: str) -> Read:
    """Read either kind of file, told apart by what it holds and not by its name.

    Raises :class:`ConfigError` with a line's number or a field's name, never with a value.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if _is_yaml(text):
        return _from_yaml(text, origin)
    return Read(origin, ENV_FILE, dict(_env_lines(text, origin)), {})


def _is_yaml(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return _FIELD.match(first) is not None


def _env_lines(text: str, origin: str) -> Iterator[tuple[str, str]]:
    """Bindings as python-dotenv reads them for the bot; ``${NAME}`` stays as it is written."""
    from dotenv.parser import parse_stream

    for binding in parse_stream(io.StringIO(text)):
        if binding.key is None and not binding.error:
            continue
        whole = binding.original.string
        line = binding.original.line + whole[: len(whole) - len(whole.lstrip())].count("\n")
        if binding.error and re.match(r"[^=\n]*=\s*['\"]", whole.lstrip()):
            raise ConfigError(f"{origin}:{line}: its quotes do not end, or text follows them")
        if binding.key is None or binding.value is None or not NAME.fullmatch(binding.key):
            raise ConfigError(
                f"{origin}:{line}: is not NAME=VALUE",
                "a value of several lines belongs in quotes; a name has letters, digits and _",
            )
        yield binding.key, binding.value


def _from_yaml(text: str, origin: str) -> Read:
    import yaml

    try:
        # Of PyYAML's safe loaders the one that leaves every scalar as it is written: an account
        # such as 01234567 would be a number to the others.
        found = yaml.BaseLoader(text).get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{origin}:{mark.line + 1}" if mark else origin
        raise ConfigError(
            f"{where}: is not YAML", "one line a key, such as my_app: VALUE"
        ) from None
    if not isinstance(found, dict):
        raise ConfigError(f"{origin}: holds no names with values", "such as my_app: VALUE")
    pairs: dict[str, str] = {}
    fields: dict[str, str] = {}
    for field, value in found.items():
        if not isinstance(field, str) or not NAME.fullmatch(field) or not isinstance(value, str):
            shown = repr(field) if isinstance(field, str) and NAME.fullmatch(field) else "a field"
            raise ConfigError(f"{origin}: {shown} is not a name with one value")
        name = NAMES.get(field, field)
        if pairs.get(name, value) != value:
            raise ConfigError(f"{origin}: {name} is there twice, with two values")
        pairs[name] = value
        if name != field:
            fields[name] = field
    return Read(origin, YAML_FILE, pairs, fields)
