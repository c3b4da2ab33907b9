"""``cfgen init``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import again, global_options, settings
from cfgen.cli.terminal import someone_to_ask, talk

if TYPE_CHECKING:
    from cfgen.detect.propose import Draft

FLAGS = {
    "name": "stack.name",
    "source": "bot.source",
    "requirements": "bot.requirements",
    "mode": "bot.mode",
    "email": "monitoring.email",
    "hours": "workload.hours",
}


@click.command(epilog="Example: cfgen init --non-interactive --email me@example.com")
@click.option("--name", help="Name of the stack.")
@click.option("--source", help="The bot's git repository at a pinned ref, or its folder.")
@click.option(
    "--entrypoint",
    "entrypoints",
    multiple=True,
    metavar="PATH",
    help="The bot's program within its folder; repeated, each is a job.",
)
@click.option("--requirements", metavar="PATH", help="pip requirements file; '' for none.")
@click.option("--no-dashboard", is_flag=True, help="Run no dashboard.")
@click.option("--mode", type=click.Choice(["demo", "real"]), help="Paper trading or real.")
@click.option("--email", help="Address for alarms.")
@click.option("--hours", type=click.Choice(["always", "market"]), help="When the host runs.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing: flags and defaults only.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@global_options
def init(
    *,
    entrypoints: tuple[str, ...],
    no_dashboard: bool,
    non_interactive: bool,
    force: bool,
    **answers: str | None,
) -> None:
    """Write a commented cfgen.toml, from flags or by asking.

    What is seen in the bot's folder is the default of each question, and what is written where
    nothing is asked. Programs are read, never run.
    """
    from cfgen import pipeline
    from cfgen.cli.questions import ask, tell
    from cfgen.detect.propose import Wishes

    path = pipeline.new_config_path(settings().config, force=force)
    given = _given(answers)
    seen = pipeline.look(path, str(given.get("bot.source", "")))
    pipeline.check_programs(seen, entrypoints)
    if not seen:
        given |= pipeline.without_a_folder(entrypoints, no_dashboard=no_dashboard)
    wishes = Wishes(
        entrypoints or None,
        page="" if no_dashboard else None,
        hours=str(given.get("workload.hours", "")),
    )
    if not non_interactive:
        pipeline.needs_terminal(
            "init asks questions", "--non-interactive", present=someone_to_ask()
        )
        defaults = {"stack.name": pipeline.own_stack_name(path)}
        if seen:
            talk(f"{len(seen[0].programs)} Python files were looked at; Enter takes what is seen")
            defaults["bot.source"] = seen[1]
        seen, wishes = ask(path, seen, wishes, given, defaults)
    draft = pipeline.propose(seen, wishes)
    tell(draft, given, asked=not non_interactive)
    values: dict[str, object] = {}
    if path.stem != "cfgen":
        values["stack.name"] = pipeline.own_stack_name(path)
    values |= {one.key: one.value for one in draft.proposals} | given
    pipeline.write_config(path, values, _remarks(draft, given))
    talk(f"wrote {path}; next: {again('recommend')}")


def _given(answers: dict[str, str | None]) -> dict[str, object]:
    """What flags say, by key. Raises :class:`ConfigError` naming each flag that is not allowed."""
    from cfgen import pipeline

    flags = {"region": settings().region or None, **answers}
    said = {
        FLAGS.get(name, "stack.region"): (f"--{name}", value)
        for name, value in flags.items()
        if value is not None
    }
    pipeline.check_flags(said)
    return {key: value for key, (_, value) in said.items()}


def _remarks(draft: "Draft", given: dict[str, object]) -> dict[str, tuple[str, ...]]:
    """Comments of keys: where a value comes from, and what its owner must know."""
    remarks: dict[str, tuple[str, ...]] = {}
    for one in draft.proposals:
        if one.origin and one.key not in given:
            remarks[one.key] = (f"from: {one.origin}",)
    for note in draft.notes:
        remarks[note.key] = (*remarks.get(note.key, ()), f"note: {note.text}")
    return remarks
