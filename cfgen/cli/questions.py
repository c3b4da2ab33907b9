"""The questions of ``cfgen init``: each with its default, which Enter takes."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from cfgen.cli.terminal import answered, talk

if TYPE_CHECKING:
    from cfgen.detect.propose import Draft, Wishes
    from cfgen.detect.survey import Survey

    Seen = tuple[Survey, str] | None

NONE = "none"


class Question(NamedTuple):
    """About a key of cfgen.toml, or a wish of ``detect/propose.py`` where ``wish`` is set."""

    text: str
    key: str = ""
    wish: str = ""


QUESTIONS = (
    Question("Name of the stack", "stack.name"),
    Question(
        "Git repository at a ref, such as https://HOST/OWNER/REPO.git@v1.2, or a local folder",
        "bot.source",
    ),
    Question("The bot's program (several: a comma between)", wish="programs"),
    Question("Its arguments", wish="arguments"),
    Question("Times it is started (several: a comma between)", wish="times"),
    Question("The dashboard's program, or none", wish="page"),
    Question("Exchange: XKRX, XNYS, another code, weekdays, or always", wish="calendar"),
    Question("Time zone of the times and the host", wish="zone"),
    Question("Folders that git ignores and the bot imports, to pack; or none", wish="include"),
    Question("Account: demo or real", "bot.mode"),
    Question("E-mail address for alarms", "monitoring.email"),
    Question("Host's hours: always, or market", "workload.hours"),
)


def ask(
    path: Path, seen: "Seen", wishes: "Wishes", given: dict[str, object], defaults: dict[str, str]
) -> "tuple[Seen, Wishes]":
    """Ask what is not given and add the answers to it; gives what is seen, and the wishes.

    ``path`` is the configuration's; ``defaults`` are those of keys that are not the schema's.
    """
    from msgspec.structs import replace

    from cfgen import pipeline

    for question in QUESTIONS:
        if question.wish:
            draft = pipeline.propose(seen, wishes)
            if question.wish in draft.doubts and getattr(wishes, question.wish) is None:
                answer = _wish(question, draft, seen)
                wishes = (
                    replace(wishes, **{question.wish: answer}) if answer is not None else wishes
                )
        elif question.key not in given:
            default = defaults.get(question.key, pipeline.default_of(question.key))
            answer = _asked(question.text, default, _checked(question.key, path))
            if answer != default:
                given[question.key] = answer
                if question.key == "bot.source":
                    seen = pipeline.look(path, answer)
                    wishes = replace(wishes, programs=None)
            if question.key == "workload.hours":
                wishes = replace(wishes, hours=answer)
    return seen, wishes


def tell(draft: "Draft", given: dict[str, object], *, asked: bool) -> None:
    """Say what is written without a question, and what the user must know."""
    from cfgen.config.write import toml_value

    known = {key for wish in draft.doubts for key in KEYS.get(wish, ())} | {"bot.source"}
    for one in draft.proposals:
        if one.origin and one.key not in given and not (asked and one.key in known):
            value = _jobs(one.value) if one.key == "bot.jobs" else toml_value(one.value)
            talk(f"{one.key} = {value}, from {one.origin}")
    for note in draft.notes:
        talk(f"note: {note.key}: {note.text}")


def _jobs(jobs: object) -> str:
    """Each job and when it is started, in a line."""
    listed = jobs if isinstance(jobs, list) else []
    return "; ".join(f"{job['name']} at {', '.join(job['at'])}" for job in listed)


KEYS = {
    "programs": ("bot.entrypoint",),
    "arguments": ("bot.arguments",),
    "times": ("bot.run_at", "bot.jobs"),
    "page": ("dashboard.enabled", "dashboard.entrypoint", "dashboard.port"),
    "calendar": ("market.calendar",),
    "zone": ("bot.timezone",),
    "include": ("bot.include",),
}
"""The keys that a wish decides."""


def _wish(question: Question, draft: "Draft", seen: "Seen") -> object:
    """The answer in the form of the wish; ``None`` where the default was taken."""
    is_words = question.wish == "arguments"
    proposed = getattr(draft.settled, question.wish)
    if isinstance(proposed, tuple):
        default = shlex.join(proposed) if is_words else ", ".join(proposed)
    else:
        default = str(proposed)
    default = default or ("" if is_words else NONE)
    for origin in (one.origin for one in draft.proposals if one.key in KEYS[question.wish]):
        if origin:
            talk(f"  seen: {origin}")
            break
    answer = _asked(question.text, default, _wish_checked(question.wish, seen))
    if answer == default:
        return None
    return _parsed(question.wish, answer)


def _parsed(wish: str, answer: str) -> object:
    if wish == "arguments":
        return tuple(shlex.split(answer))
    said = "" if answer.strip().lower() == NONE else answer.strip()
    if wish in ("programs", "times", "include"):
        return tuple(filter(None, (part.strip() for part in said.split(","))))
    return said


def _asked(text: str, default: str, check: Callable[[str], str]) -> str:
    return str(answered(click.prompt(text, default=default, err=True, value_proc=check)))


def _checked(key: str, path: Path) -> Callable[[str], str]:
    """Make a wrong answer be asked for again, with what is allowed."""

    def check(answer: str) -> str:
        from cfgen import pipeline

        _again(lambda: pipeline.check_value(key, answer))
        if key == "bot.source":
            _again(lambda: pipeline.check_folder(path, answer))
        return answer

    return check


def _wish_checked(wish: str, seen: "Seen") -> Callable[[str], str]:
    def check(answer: str) -> str:
        _again(lambda: _check_wish(wish, answer, seen))
        return answer

    return check


def _check_wish(wish: str, answer: str, seen: "Seen") -> None:
    from cfgen import pipeline
    from cfgen.errors import ConfigError

    try:
        value = _parsed(wish, answer)
    except ValueError as error:
        raise ConfigError(f"bot.arguments: {error}") from error
    if wish == "programs" or (wish == "page" and value):
        pipeline.check_programs(seen, value if isinstance(value, tuple) else (str(value),))
    elif wish in ("times", "zone"):
        # By itself: what it goes together with is asked later.
        pipeline.check_key(KEYS[wish][0], value if isinstance(value, tuple) else (str(value),))
    elif wish == "calendar":
        pipeline.check_calendar(str(value))
    elif wish != "page":
        pipeline.check_value(KEYS[wish][0], list(value) if isinstance(value, tuple) else value)


def _again(check: Callable[[], None]) -> None:
    from cfgen.errors import ConfigError

    try:
        check()
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
