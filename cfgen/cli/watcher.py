"""The person at the terminal, as a deploy sees them."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import click

from cfgen.bot.report import Report
from cfgen.cli.boundary import INTERRUPTED, by_person, forget_interrupts
from cfgen.cli.terminal import OutputClosed, answered, emit, now, paper, someone_to_ask, talk
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.events import Event
from cfgen.deploy.fates import Fate
from cfgen.deploy.following import Answer
from cfgen.deploy.plan import Identity
from cfgen.errors import CfgenError, Refused
from cfgen.report.deploy import (
    change_set_data,
    event_data,
    event_text,
    fates_text,
    host_data,
    host_text,
    preview_text,
)
from cfgen.report.progress import Progress, advance, progress_tree

if TYPE_CHECKING:
    from rich.live import Live

    from cfgen.report.choice import CostChange

Form = Literal["auto", "tree", "lines", "none"]


class Watcher:
    """Shows each step on standard error, and asks there.

    ``yes`` answers every question; ``on_agreed`` is called when the change is about to start.
    ``cost_of`` says what a change costs, given what cfgen wrote into the stack. A ``quiet`` one
    leaves the preview to whoever gets the result. ``progress`` is the form of the events. While it
    is entered it may draw a live tree.
    """

    def __init__(
        self,
        *,
        yes: bool,
        quiet: bool = False,
        progress: Form = "lines",
    ) -> None:
        self._yes = yes
        self._quiet = quiet
        self.on_agreed: Callable[[], None] | None = None
        self.cost_of: Callable[[Mapping[str, object] | None], CostChange] | None = None
        self._paper = paper(sys.stderr)
        alive = self._paper.terminal and os.environ.get("TERM") != "dumb"
        self._form = progress if progress in ("lines", "none") else "tree" if alive else "lines"
        self._height = shutil.get_terminal_size().lines
        self._progress = Progress("")
        self._live: Live | None = None
        self.cost: CostChange | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def identity(self, identity: Identity) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        # A rehearsal comes here twice.
        self._stop()
        self._progress = Progress(identity.stack)
        talk(f"account {identity.account} as {identity.arn}")
        talk(f"region {identity.region}, stack {identity.stack}")

    def built_for(self, metadata: Mapping[str, object] | None) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self.cost_of:
            self.cost = self.cost_of(metadata)

    def preview(self, change_set: ChangeSet) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._progress = Progress(change_set.stack, len(change_set.changes))
        if self._quiet:
            for change in change_set.parameters:
                talk(f"parameter {change}")
            return
        talk(preview_text(change_set, self._paper))
        if self.cost:
            talk(self.cost.text)

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

    def interrupted(self, cancel: str) -> Answer:
        """See :class:`cfgen.deploy.following.Onlooker`."""
        self._stop()
        if not (someone_to_ask() and by_person()):
            raise KeyboardInterrupt
        forget_interrupts()
        answers: dict[str, Answer] = {"d": "detach", "c": "cancel", "w": "watch"}
        if not cancel:
            del answers["c"]
        meanings = {"detach": "detach, as does Ctrl-C again", "cancel": cancel, "watch": "watch on"}
        talk("interrupted, but the operation goes on in AWS:")
        for letter, answer in answers.items():
            talk(f"  {letter}  {meanings[answer]}")
        letters = click.Choice(list(answers))
        try:
            # The default is there for a Ctrl-C that was swallowed, too: without one it asks again.
            typed = click.prompt("Answer", "w", type=letters, err=True, prompt_suffix="? ")
        except click.Abort as error:
            raise KeyboardInterrupt from error
        chosen = answers[str(answered(typed))]
        if chosen != "detach" and self._form == "tree":
            self._draw()
        return chosen

    def fates(self, fates: tuple[Fate, ...]) -> None:
        """See :class:`cfgen.deploy.destroy.DestroyWatcher`."""
        talk(fates_text(fates, self._paper))

    def agreed(self) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self.on_agreed:
            self.on_agreed()

    def event(self, event: Event) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        if self._form == "none":
            return
        if self._form == "tree":
            self._progress = advance(self._progress, event, now())
            self._draw()
            if event.status.endswith("_IN_PROGRESS"):
                return
        self._tell(event_text(event, self._paper))

    def note(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._tell(text)

    def warning(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._tell(f"warning: {text}")

    def host(self, report: Report) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        # The tree shows an operation, which is over.
        self._stop()
        self._tell(host_text(report))

    def _draw(self) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, no_color=not self._paper.color, highlight=False)
            # It draws itself four times a second, however many events come.
            live = Live(
                console=console,
                get_renderable=lambda: progress_tree(self._progress, now(), self._height),
                transient=True,
            )
            with self._blind():
                live.start()
                self._live = live

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live:
            with self._blind():
                live.stop()

    def _tell(self, text: str) -> None:
        """Say something above the tree, if there is one."""
        if self._live is None:
            talk(text)
            return
        from rich.text import Text

        with self._blind():
            self._live.console.print(Text.from_ansi(text), soft_wrap=True)

    @contextlib.contextmanager
    def _blind(self) -> Iterator[None]:
        """Go on without a tree where nobody can see it; rich exits where a pipe is closed."""
        try:
            yield
        except (OSError, ValueError, SystemExit):
            self._live, self._form = None, "lines"


class JsonWatcher(Watcher):
    """Writes each step as a line of JSON on standard output; questions still need ``yes``."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**(fields | {"progress": "lines"}))
        self._started = False
        self._closed: OutputClosed | None = None

    def agreed(self) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._started = True
        super().agreed()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """A failure is a result, too."""
        # It must not stand in the way of the error itself.
        with contextlib.suppress(OutputClosed):
            if isinstance(error, CfgenError):
                hint, code = error.hint or None, error.exit_code
                self._line("result", error=str(error), next=hint, exit_code=code)
            elif isinstance(error, KeyboardInterrupt | click.Abort):
                self._line("result", error="interrupted", next=None, exit_code=INTERRUPTED)

    def identity(self, identity: Identity) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("info", identity={field: getattr(identity, field) for field in
                                     identity.__struct_fields__})  # fmt: skip

    def preview(self, change_set: ChangeSet) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        cost = self.cost and {
            "before_usd": _money(self.cost.before),
            "after_usd": _money(self.cost.after),
        }
        self._line("changeset", **change_set_data(change_set), cost=cost)

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
                    "emptied": one.emptied,
                    "bills": one.bills or None,
                }
                for one in fates
            ],
        )

    def event(self, event: Event) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("event", **event_data(event))

    def note(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("info", message=text)

    def warning(self, text: str) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("warning", message=text)

    def host(self, report: Report) -> None:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        self._line("host", **host_data(report))

    def outputs(self, outputs: Mapping[str, tuple[str, str]]) -> None:
        """The stack's outputs."""
        self._line("outputs", outputs={name: value for name, (value, _) in outputs.items()})

    def result(self, **fields: object) -> None:
        """How it ended: the last line. Raises :class:`OutputClosed` for one that was not told."""
        self._line("result", **fields)
        if self._closed:
            raise self._closed

    def _line(self, line: str, /, **fields: object) -> None:
        if self._closed:
            return
        try:
            emit(json.dumps({"type": line, **fields}, ensure_ascii=False) + "\n")
        except OutputClosed as error:
            if not self._started:
                raise
            # The change is under way: it is followed to its end, though nobody listens.
            self._closed = error


def _money(amount: object) -> str | None:
    return None if amount is None else f"{amount:f}"
