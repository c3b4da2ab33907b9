"""``cfgen secret set`` and ``cfgen secret check``."""

import click

from cfgen.cli.options import configuration, given, global_options, settings
from cfgen.cli.terminal import answered, emit, read_input, someone_to_ask, talk


@click.group(epilog="Example: cfgen secret set --from-env-file .env")
def secret() -> None:
    """Put the broker's keys into the stack's secret, or look which are there.

    No key is ever shown, taken as an argument, or written to disk.
    """


@secret.command("set", epilog="Example: cfgen secret set --from-env-file .env")
@click.option(
    "--from-env-file",
    "file",
    metavar="FILE",
    help="NAME=VALUE lines, - for standard input; without it, each key is asked for, hidden.",
)
@global_options
def set_keys(file: str | None) -> None:
    """Store keys, checked for their shape, beside those that are there already."""
    from cfgen import operations, pipeline
    from cfgen.errors import ConfigError
    from cfgen.secret.keys import parse_env

    config = configuration({})
    if file is not None:
        name, text = read_input(file)
        keys = parse_env(text, name)
    else:
        pipeline.needs_terminal(
            "secret set asks for each key", "--from-env-file FILE", present=someone_to_ask()
        )
        keys = _ask(config.bot.mode)
        if not keys:
            raise ConfigError("no key was given: nothing to store")
    changed = operations.store_keys(config, settings().profile, keys, talk, given())
    if changed:
        talk("the host reads them before the bot's next run, and within a minute if it has none")


def _ask(mode: str) -> dict[str, str]:
    from cfgen.secret.keys import NEEDED, problem

    talk(f"Keys of a {mode} account; an empty answer keeps what is stored.")
    keys = {}
    for shape in NEEDED[mode]:  # type: ignore[index]
        while True:
            typed = click.prompt(
                f"{shape.name} ({shape.looks})",
                default="",
                show_default=False,
                hide_input=shape.hidden,
                err=True,
            )
            value = str(answered(typed)).strip()
            wrong = problem(shape.name, value) if value else ""
            if not wrong:
                break
            talk(f"  {wrong}")
        if value:
            keys[shape.name] = value
    return keys


@secret.command(epilog="Example: cfgen secret check")
@global_options
def check() -> None:
    """Say which keys the secret holds and which the bot still needs. Exits 8 where it needs any."""
    from cfgen import operations
    from cfgen.errors import Findings

    config = configuration({})
    found = operations.check_keys(config, settings().profile, given())
    emit("".join(f"{name}: {what}\n" for name, what in found))
    wrong = [name for name, what in found if what not in ("stored", "stored, of the other mode")]
    if wrong:
        raise Findings(f"the bot ({config.bot.mode}) cannot run: {', '.join(wrong)}")
