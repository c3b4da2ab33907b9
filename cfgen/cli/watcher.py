"""The person at the terminal, as a deploy sees them."""

import sys
from collections.abc import Callable

import click

from cfgen.cli.terminal import paper, someone_to_ask, talk
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.events import Event
from cfgen.deploy.plan import Identity
from cfgen.errors import Refused
from cfgen.report.deploy import event_text, preview_text


class Watcher:
    """Shows each step on standard error, and asks there.

    ``yes`` answers every question; ``on_agreed`` is called when the change is about to start.
    """

    def __init__(self, *, yes: bool, on_agreed: Callable[[], None] | None = None) -> None:
        self._yes = yes
        self._on_agreed = on_agreed
        self._paper = paper(sys.stderr)

    def identity(self, identity: Identity) -> None:
        """See :class:`cfgen.deploy.run.Watcher`."""
        talk(f"account {identity.account} as {identity.arn}")
        talk(f"region {identity.region}, stack {identity.stack}")

    def preview(self, change_set: ChangeSet, capabilities: str, parameters: list[str]) -> None:
        """See :class:`cfgen.deploy.run.Watcher`."""
        talk(preview_text(change_set, capabilities, parameters, self._paper))

    def confirm(self, question: str) -> bool:
        """See :class:`cfgen.deploy.run.Watcher`."""
        if self._yes:
            return True
        if not someone_to_ask():
            raise Refused(f"{question} There is no terminal to ask on", "add --yes")
        return click.confirm(question, default=False, err=True)

    def agreed(self) -> None:
        """See :class:`cfgen.deploy.run.Watcher`."""
        if self._on_agreed:
            self._on_agreed()

    def event(self, event: Event) -> None:
        """See :class:`cfgen.deploy.run.Watcher`."""
        talk(event_text(event, self._paper))

    def note(self, text: str) -> None:
        """See :class:`cfgen.deploy.run.Watcher`."""
        talk(text)

    def warning(self, text: str) -> None:
        """See :class:`cfgen.deploy.run.Watcher`."""
        talk(f"warning: {text}")
