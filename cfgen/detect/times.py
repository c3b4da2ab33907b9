"""Times of the day that a bot's settings name, and which of them start it."""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from cfgen.detect.program import CLOCK

Role = Literal["enter", "leave", "run"]

LEAVE = {"exit", "leave", "sell", "close", "liquidate", "liquidation", "flatten", "eod", "clear"}
ENTER = {"entry", "enter", "buy", "open", "start", "begin", "trade", "trading"}
RUN = {"run", "runs", "schedule", "schedules", "rebalance", "execute", "execution", "cron"}
NEVER = {
    "market", "session", "end", "until", "latest", "deadline", "before", "timeout", "backtest",
    "max", "last", "stop", "holiday", "interval", "timezone", "duration", "pre", "after", "auction",
}  # fmt: skip
SETTINGS = re.compile(r"(?:[^/]+/)?[^/]+\.(?:ya?ml|json)")
OTHERS = re.compile(r"(?i)docker|compose|mkdocs|pre-commit|package|tsconfig|action|openapi")


class Moment(msgspec.Struct, frozen=True):
    """A time, as ``09:05``, with the key and file that name it."""

    clock: str
    role: Role
    key: str
    file: str

    @property
    def origin(self) -> str:
        """Where it stands."""
        return f"{self.file}: {self.key}: {self.clock}"


def moments(contents: dict[str, bytes], clocks: Iterable[tuple[str, str, str]]) -> list[Moment]:
    """The times in settings, and in ``clocks`` (file, name, time) of programs, that say a role."""
    found = [
        (file, keys, text)
        for file, content in contents.items()
        if SETTINGS.fullmatch(file) and not file.startswith(".") and not OTHERS.search(file)
        for keys, text in _scalars(content)
    ]
    found += [(file, (name,), text) for file, name, text in clocks]
    roles = ((file, keys, text, _role(keys)) for file, keys, text in found)
    return [Moment(_minute(text), role, keys[-1], file) for file, keys, text, role in roles if role]


def starts(found: list[Moment]) -> list[Moment]:
    """Of those, when the bot must run: at the first entry, the first exit and every run's time."""
    ordered = sorted(found, key=lambda one: one.clock)
    chosen = [one for one in ordered if one.role == "run"]
    for role in ("enter", "leave"):
        chosen += [one for one in ordered if one.role == role][:1]
    return sorted({one.clock: one for one in chosen}.values(), key=lambda one: one.clock)


def _minute(text: str) -> str:
    hour, minute, *_ = text.split(":")
    return f"{int(hour):02}:{minute}"


def _role(keys: tuple[str, ...]) -> Role | None:
    words = [set(re.split(r"[^a-z]+", _snake(key))) for key in keys[-2:]]
    if any(NEVER & one for one in words[-1:]) or any({"backtest"} & one for one in words):
        return None
    for one in reversed(words):
        for role, known in (("leave", LEAVE), ("run", RUN), ("enter", ENTER)):
            if known & one and not ({"market", "session"} & one):
                return role  # type: ignore[return-value]
    return None


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()


def _scalars(content: bytes) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys and value of each time in YAML or JSON, which is YAML as well."""
    import yaml

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp949", errors="replace")
    if not CLOCK.search(text):
        return
    try:
        # The tree of nodes, not their values: YAML 1.1 reads 15:20 as the number 920.
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    seen: set[int] = set()
    waiting: list[tuple[tuple[str, ...], object]] = [((), one) for one in documents]
    while waiting:
        keys, node = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            if keys and CLOCK.fullmatch(node.value):
                yield keys, node.value
        elif isinstance(node, yaml.CollectionNode) and id(node) not in seen:
            # An alias leads to the same node again.
            seen.add(id(node))
            if isinstance(node, yaml.MappingNode):
                waiting += [((*keys, str(key.value)), value) for key, value in node.value]
            else:
                waiting += [(keys, value) for value in node.value]
