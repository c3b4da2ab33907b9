"""``cfgen destroy``."""

import click

from cfgen.cli.options import (
    configuration,
    global_options,
    json_option,
    settings,
    timeout_option,
    yes_option,
)
from cfgen.cli.terminal import talk


@click.command(epilog="Example: cfgen destroy --disable-protection")
@yes_option
@click.option(
    "--disable-protection", is_flag=True, help="Delete a stack that is protected from it."
)
@click.option(
    "--retain",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Leave this behind, where a deletion of it has failed; may be repeated.",
)
@timeout_option
@json_option
@global_options
def destroy(
    retain: tuple[str, ...],
    timeout: int,
    *,
    yes: bool,
    disable_protection: bool,
    as_json: bool,
) -> None:
    """Delete the stack, saying what dies, what stays and what keeps billing.

    Asks for the stack's name. A stack that does not exist is no failure.
    """
    from cfgen import operations
    from cfgen.cli.watcher import JsonWatcher, Watcher

    watcher = (JsonWatcher if as_json else Watcher)(yes=yes)
    fates = operations.destroy(
        configuration({}),
        settings().profile,
        watcher,
        timeout * 60,
        disable_protection=disable_protection,
        retain=retain,
    )
    left = [one for one in fates or () if one.stays]
    if isinstance(watcher, JsonWatcher):
        watcher.result(deleted=fates is not None, left=[one.physical_id for one in left])
    elif fates is None:
        talk("there is no such stack: nothing to delete")
    else:
        for one in left:
            billing = f": {one.bills}" if one.bills else ""
            talk(f"left behind: {one.physical_id} ({one.resource_type}){billing}")
