"""``cfgen secret set``, ``cfgen secret unset`` and ``cfgen secret check``."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from cfgen.cli.options import again, configuration, given, global_options, settings, yes_option
from cfgen.cli.terminal import answered, emit, read_input, someone_to_ask, talk

if TYPE_CHECKING:
    from cfgen.config.schema import Config
    from cfgen.secret.intake import Intake
    from cfgen.secret.keys import Mode
    from cfgen.secret.reading import Read


@click.group(epilog="Example: cfgen secret set --from-env-file .env")
def secret() -> None:
    """Put the broker's keys into the stack's secret, take them out, or look which are there.

    No key is ever shown, taken as an argument, or written to disk.
    """


@secret.command("set", epilog="Example: cfgen secret set --from-env-file .env")
@click.option(
    "--from-env-file",
    "file",
    metavar="FILE",
    help="An env file or kis_devlp.yaml, - for standard input; without it, each key is asked for, "
    "hidden.",
)
@yes_option
@global_options
def set_keys(file: str | None, *, yes: bool) -> None:
    """Store keys, checked for their shape, beside those that are there already.

    What a file holds is shown by name, and on a terminal asked about. Credentials of AWS are left
    out.
    """
    from cfgen import operations, pipeline
    from cfgen.errors import ConfigError
    from cfgen.secret.keys import modes_of

    config = configuration({})
    if file is not None:
        keys = _from_file(config, file, yes=yes)
    else:
        pipeline.needs_terminal(
            "secret set asks for each key", "--from-env-file FILE", present=someone_to_ask()
        )
        keys = _ask(modes_of(config))
        if not keys:
            raise ConfigError("no key was given: nothing to store")
    changed = operations.store_keys(config, settings().profile, keys, talk, given())
    if changed:
        talk("the host reads them before the bot's next run, and within a minute if it has none")


def _from_file(config: "Config", file: str, *, yes: bool) -> dict[str, str]:
    from cfgen.errors import Declined
    from cfgen.secret.intake import take_in
    from cfgen.secret.keys import modes_of
    from cfgen.secret.reading import read_keys
    from cfgen.secret.store import secret_name

    name, text = read_input(file)
    read, modes = read_keys(text, name), modes_of(config)
    intake = take_in(read, modes)
    where = secret_name(config.stack.name)
    talk(f"{name}, {read.form}; into {where} go")
    _show(read, intake, modes)
    if not yes and someone_to_ask():
        question = f"Store these in {where}?"
        if not answered(click.confirm(question, default=False, err=True)):
            raise Declined("nothing was stored")
    return intake.keys


def _show(read: "Read", intake: "Intake", modes: "Collection[Mode]") -> None:
    from cfgen.secret.intake import remark

    for key in sorted(intake.keys):
        field = f" ({read.fields[key]})" if key in read.fields else ""
        said = remark(key, modes)
        talk(f"  {key}{field}{': ' if said else ''}{said}")
    if intake.left_out:
        talk("left out")
    for key, why in sorted(intake.left_out.items()):
        talk(f"  {key}: {why}")


def _ask(modes: "Collection[Mode]") -> dict[str, str]:
    from cfgen.secret.keys import needed_shapes, problem

    talk(f"Keys of a {' and a '.join(modes)} account; an empty answer keeps what is stored.")
    keys = {}
    for shape in needed_shapes(modes):
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


@secret.command(epilog="Example: cfgen secret unset KIS_APP_KEY KIS_APP_SECRET")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@yes_option
@global_options
def unset(names: tuple[str, ...], *, yes: bool) -> None:
    """Take keys out of the secret. The host forgets them before the bot's next run."""
    from cfgen import operations, pipeline
    from cfgen.errors import Declined
    from cfgen.secret.store import secret_name

    config = configuration({})
    question = f"Take {', '.join(names)} out of {secret_name(config.stack.name)}?"
    if not yes:
        pipeline.needs_terminal("secret unset asks first", "--yes", present=someone_to_ask())
        if not answered(click.confirm(question, default=False, err=True)):
            raise Declined("nothing was taken out")
    operations.remove_keys(config, settings().profile, names, talk, given())
    talk("what runs already keeps them until it is started again")


@secret.command(epilog="Example: cfgen secret check")
@global_options
def check() -> None:
    """Say which keys the secret holds and which the bot still needs. Exits 8 where it needs any."""
    from cfgen import operations
    from cfgen.errors import Findings
    from cfgen.secret.keys import modes_of

    config = configuration({})
    found = operations.check_keys(config, settings().profile, given())
    emit("".join(f"{one.name}: {one.text}\n" for one in found))
    if wrong := [one.name for one in found if one.wrong]:
        modes = ", ".join(modes_of(config))
        raise Findings(
            f"the bot ({modes}) cannot run: {', '.join(wrong)}",
            f"{again('secret set')} asks for each; {again('secret unset NAME')} takes one out",
        )
