"""An operation's events as a tree of what is under way, for a terminal. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from rich.text import Text
from rich.tree import Tree

from cfgen.deploy.events import Event

ABOVE = 8
"""Lines of a terminal that the tree leaves to what is above it."""


class Row(msgspec.Struct, frozen=True):
    """A resource under way, and since when."""

    resource_type: str
    status: str
    since: datetime


class Progress(msgspec.Struct, frozen=True):
    """How far an operation is. ``total`` counts its resources, 0 where that is not known.

    ``under_way`` and ``done`` are by logical id; ``status`` is the stack's own.
    """

    stack: str
    total: int = 0
    status: str = ""
    begun: datetime | None = None
    under_way: Mapping[str, Row] = {}
    done: frozenset[str] = frozenset()


def advance(progress: Progress, event: Event, now: datetime) -> Progress:
    """The progress after an event that was read ``now``."""
    begun = progress.begun or now
    if event.logical_id == progress.stack:
        return msgspec.structs.replace(progress, status=event.status, begun=begun)
    under_way = dict(progress.under_way)
    done = progress.done
    if event.status.endswith("_IN_PROGRESS"):
        under_way[event.logical_id] = Row(event.resource_type, event.status, now)
        done -= {event.logical_id}
    elif not event.hook:
        under_way.pop(event.logical_id, None)
        done |= {event.logical_id}
    return msgspec.structs.replace(progress, begun=begun, under_way=under_way, done=done)


def progress_tree(progress: Progress, now: datetime, height: int = 24) -> Tree:
    """The stack, and below it what is under way, the longest first, a line each.

    As many as fit on a terminal of so many lines.
    """
    most = max(3, height - ABOVE)
    head = Text(f"{progress.stack} ", no_wrap=True, overflow="ellipsis")
    head.append(progress.status, style="bold")
    of = f" of {progress.total}" if progress.total >= len(progress.done) > 0 else ""
    head.append(f"  {len(progress.done)}{of} done, {_elapsed(progress.begun, now)}")
    tree = Tree(head, guide_style="dim")
    rows = sorted(progress.under_way.items(), key=lambda item: item[1].since)
    for name, row in rows[:most]:
        line = Text(f"{name} ", no_wrap=True, overflow="ellipsis")
        line.append(row.resource_type, style="dim")
        line.append(f" {row.status} {_elapsed(row.since, now)}")
        tree.add(line)
    if len(rows) > most:
        tree.add(Text(f"and {len(rows) - most} more", style="dim"))
    return tree


def _elapsed(since: datetime | None, now: datetime) -> str:
    seconds = int((now - since) / timedelta(seconds=1)) if since else 0
    return f"{seconds // 60}:{seconds % 60:02}"
