"""The person at the terminal, as a deploy sees them."""

import json
import sys
from collections.abc import Callable, Mapping

import click

from cfgen.cli.terminal import answered, emit, paper, someone_to_ask, talk
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.destroy import Fate
from cfgen.deploy.events import Event
from cfgen.deploy.plan import Identity
from cfgen.errors import Refused
from cfgen.report.deploy import change_set_data, event_text, fates_text, preview_text
from cfgen.times import timestamp


class Watcher:
    """Shows each step on standard error, and asks there.

    ``yes`` answers every question; ``on_agreed`` is called when the change is about to start.
    ``cost`` says what a change costs. A ``quiet`` one leaves the preview to whoever gets the
    result.
    """

    def __init__(
        self,
        *,
        yes: bool,
        on_agreed: Callable[[], None] | None = None,
        cost: Callable[[Mapping[str, object] | None], str] | None = None,
        quiet: bool = False,
    ) -> None:
        self._yes = yes
        self._cost = cost
        self._quiet = quiet
        self._on_agreed = on_agreed
        self._paper = paper(sys.stderr)

    def identity(self, identity: Identity) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        talk(f"account {identity.account} as {identity.arn}")
        talk(f"region {identity.region}, stack {identity.stack}")

    def preview(self, change_set: ChangeSet, capabilities: str, parameters: list[str]) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self._quiet:
            for line in parameters:
                talk(f"parameter {line}")
            return
        talk(preview_text(change_set, capabilities, parameters, self._paper))

    def built_for(self, metadata: Mapping[str, object] | None) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self._cost:
            self.note(self._cost(metadata))

    def confirm(self, question: str) -> bool:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self._yes:
            return True
        if not someone_to_ask():
            raise Refused(f"{question} There is no terminal to ask on", "add --yes")
        return bool(answered(click.confirm(question, default=False, err=True)))

    def confirm_by_name(self, question: str, name: str) -> bool:
        """See :class:`cfgen.deploy.destroy.DestroyWatcher`."""
        if self._yes:
            return True
        if not someone_to_ask():
            raise Refused(f"{question} There is no terminal to ask on", "add --yes")
        typed = click.prompt(f"{question} Type its name", default="", err=True)
        return bool(answered(typed) == name)

    def fates(self, fates: tuple[Fate, ...]) -> None:
        """See :class:`cfgen.deploy.destroy.DestroyWatcher`."""
        talk(fates_text(fates, self._paper))

    def agreed(self) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self._on_agreed:
            self._on_agreed()

    def event(self, event: Event) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        talk(event_text(event, self._paper))

    def note(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        talk(text)

    def warning(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        talk(f"warning: {text}")


class JsonWatcher(Watcher):
    """Writes each step as a line of JSON on standard output; questions still need ``yes``."""

    def identity(self, identity: Identity) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("info", identity={field: getattr(identity, field) for field in
                                     identity.__struct_fields__})  # fmt: skip

    def preview(self, change_set: ChangeSet, capabilities: str, parameters: list[str]) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line(
            "changeset",
            **change_set_data(change_set),
            capabilities=capabilities,
            parameters=parameters,
        )

    def fates(self, fates: tuple[Fate, ...]) -> None:
        """See :class:`cfgen.deploy.destroy.DestroyWatcher`."""
        self._line(
            "info",
            fates=[
                {
                    "logical_id": one.logical_id,
                    "physical_id": one.physical_id,
                    "resource_type": one.resource_type,
                    "stays": one.stays,
                    "bills": one.bills or None,
                }
                for one in fates
            ],
        )

    def event(self, event: Event) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line(
            "event",
            time=timestamp(event.time),
            logical_id=event.logical_id,
            physical_id=event.physical_id or None,
            resource_type=event.resource_type,
            status=event.status,
            reason=event.reason or None,
        )

    def note(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("info", message=text)

    def warning(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("warning", message=text)

    def outputs(self, outputs: Mapping[str, tuple[str, str]]) -> None:
        """The stack's outputs."""
        self._line("outputs", outputs={name: value for name, (value, _) in outputs.items()})

    def result(self, **fields: object) -> None:
        """How it ended: the last line."""
        self._line("result", **fields)

    def _line(self, line: str, /, **fields: object) -> None:
        emit(json.dumps({"type": line, **fields}, ensure_ascii=False) + "\n")
