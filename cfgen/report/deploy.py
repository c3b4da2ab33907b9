"""A deploy for people: the preview, the events, the outputs, the rehearsal."""

import json
import re
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from cfgen.bot.report import Report
from cfgen.deploy.changeset import Change, ChangeSet, PropertyChange
from cfgen.deploy.events import Event
from cfgen.deploy.fates import Fate
from cfgen.deploy.redact import MASK, mask, printable, shown
from cfgen.deploy.rehearse import Rehearsal
from cfgen.report.paper import Paper
from cfgen.times import timestamp

ACTION_STYLES = {"Add": "green", "Modify": "yellow", "Remove": "red"}


def preview_text(change_set: ChangeSet, paper: Paper) -> str:
    """What would change: a row a resource, replacements in red; then how, and what was found."""
    replaced = any(change.replacement for change in change_set.changes)
    because = any(change.because for change in change_set.changes)
    extra = [*(["Replaced"] if replaced else []), *(["Because of"] if because else [])]
    table = paper.table("Action", "Resource", "Type", *extra)
    for change in change_set.changes:
        table.add_row(
            Text(change.action, style=ACTION_STYLES.get(change.action, "")),
            change.logical_id,
            change.resource_type,
            *([_replaced(change)] if replaced else []),
            *([", ".join(change.because)] if because else []),
        )
    parts: list[RenderableType] = [table, *_properties(change_set)]
    parts += [f"parameter {change}" for change in change_set.parameters]
    if change_set.capabilities:
        reason = change_set.capabilities_reason
        names = ", ".join(change_set.capabilities)
        parts.append(f"capabilities: {names}" + (f" ({reason})" if reason else ""))
    parts += [
        Text(f"validation ({one.mode}): {one}", style="yellow") for one in change_set.validations
    ]
    return paper.render(parts).rstrip("\n")


def _properties(change_set: ChangeSet) -> Iterator[Text]:
    """Before and after of each property that AWS gives values for."""
    for change in change_set.changes:
        for one in change.properties:
            if one.before is None and one.after is None:
                continue
            before, after = (
                shown(_value(one, value, change_set)) for value in (one.before, one.after)
            )
            line = Text(f"{change.logical_id} {one.path}: {before} -> {after}")
            if one.drifted_from is not None:
                deployed = shown(_value(one, one.drifted_from, change_set))
                line.append(f" (changed by hand; was deployed as {deployed})", style="yellow")
            if one.recreation == "Always":
                line.append(" (replaces it)", style="bold red")
            yield line


def fates_text(fates: tuple[Fate, ...], paper: Paper) -> str:
    """What dies, what stays, and what that goes on to cost."""
    table = paper.table("Fate", "Resource", "Type", "Keeps billing")
    for one in sorted(fates, key=lambda fate: fate.stays):
        word = "stays" if one.stays else "emptied, dies" if one.emptied else "dies"
        fate = Text(word, style="" if one.stays else "red")
        table.add_row(fate, one.logical_id, one.resource_type, one.bills)
    return paper.render([table]).rstrip("\n")


def change_set_data(change_set: ChangeSet) -> dict[str, object]:
    """A change set for programs, secrets masked, values whole."""
    return {
        "arn": change_set.arn,
        "stack": change_set.stack_arn,
        "region": change_set.region,
        "account": change_set.account,
        "kind": change_set.kind,
        "capabilities": list(change_set.capabilities),
        "capabilities_reason": change_set.capabilities_reason or None,
        "parameters": [
            {"name": one.name, "before": one.before, "after": one.after}
            for one in change_set.parameters
        ],
        "validations": [
            {
                "name": one.name,
                "mode": one.mode,
                "logical_id": one.logical_id,
                "resource_type": one.resource_type,
                "path": one.path,
                "reason": one.reason,
            }
            for one in change_set.validations
        ],
        "changes": [
            {
                "logical_id": change.logical_id,
                "physical_id": change.physical_id or None,
                "resource_type": change.resource_type,
                "action": change.action,
                "replacement": change.replacement or None,
                "policy": change.policy or None,
                "properties": [
                    {
                        "path": one.path,
                        "before": _value(one, one.before, change_set),
                        "after": _value(one, one.after, change_set),
                        "drifted_from": _value(one, one.drifted_from, change_set),
                        "recreation": one.recreation or None,
                        "cause": one.cause or None,
                    }
                    for one in change.properties
                ],
            }
            for change in change_set.changes
        ],
    }


def _value(one: PropertyChange, value: str | None, change_set: ChangeSet) -> str | None:
    if value is None:
        return None
    # Made of a secret that stays as it was, and that nobody can know.
    if set(change_set.secret_names) & set(re.split(r"[ ,]+", one.cause)):
        return MASK
    return mask(one.path, value, change_set.secrets)


def _replaced(change: Change) -> Text:
    words = {"True": "yes", "Conditional": "maybe", "False": "no"}
    style = "bold red" if change.may_destroy else ""
    return Text(words.get(change.replacement, ""), style=style)


def event_text(event: Event, paper: Paper) -> str:
    """A line: time in UTC, status, resource, reason."""
    style = (
        "red"
        if "FAILED" in event.status or "ROLLBACK" in event.status
        else "green"
        if event.status.endswith("_COMPLETE")
        else ""
    )
    line = Text(f"{event.time:%H:%M:%S} ")
    line.append(f"{event.status:<20}", style=style)
    hook = f", Hook {event.hook}" if event.hook else ""
    line.append(f" {event.logical_id} ({event.resource_type}{hook})")
    if event.reason:
        line.append(f": {event.reason}")
    return paper.render([line]).rstrip("\n")


def event_data(event: Event) -> dict[str, object]:
    """The same for programs."""
    return {
        "time": timestamp(event.time),
        "logical_id": event.logical_id,
        "physical_id": event.physical_id or None,
        "resource_type": event.resource_type,
        "status": event.status,
        "reason": event.reason or None,
        "hook": event.hook or None,
    }


def event_json(event: Event) -> str:
    """A line of JSON."""
    return json.dumps(event_data(event), ensure_ascii=False) + "\n"


def host_text(report: Report) -> str:
    """How far the host is, in a line."""
    if report.event == "done":
        commit = f", the app is at {report.commit[:12]}" if report.commit else ""
        return printable(f"host: done after {report.seconds} s{commit}")
    if report.event == "waiting":
        until = f" (until {report.until:%H:%M %Z} at the latest)" if report.until else ""
        return printable(f"host: waits, {report.reason}{until}")
    return printable(f"host: {report.step}")


def host_data(report: Report) -> dict[str, object]:
    """The same for programs."""
    return {
        "time": timestamp(report.time),
        "event": report.event,
        "step": report.step or None,
        "version": report.version or None,
        "source": report.source or None,
        "commit": report.commit or None,
        "reason": report.reason or None,
        "until": timestamp(report.until) if report.until else None,
    }


def outputs_text(outputs: dict[str, tuple[str, str]]) -> str:
    """The stack's outputs: each one's description, then its value."""
    return "".join(
        f"{name}: {description}\n  {printable(value)}\n"
        for name, (value, description) in sorted(outputs.items())
    )


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """What the rehearsal showed, and what it could not show."""
    lines = [
        "The stack came up, and the same deploy again found nothing to change.",
        "Not rehearsed: the host's part, for in memory nothing boots.",
        "Exercised:",
        *(f"  {name}" for name in rehearsal.tried),
        "Not exercised: moto passes it over, an update leaves it alone, or a condition is false:",
        *(f"  {name}" for name in rehearsal.untried or ["nothing"]),
    ]
    return "\n".join(lines) + "\n"
