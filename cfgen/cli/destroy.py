"""``cfgen destroy``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import (
    configuration,
    given,
    global_options,
    json_option,
    progress_option,
    settings,
    timeout_option,
    yes_option,
)
from cfgen.cli.terminal import talk

if TYPE_CHECKING:
    from cfgen.cli.watcher import Form


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
@click.option(
    "--empty-bucket",
    "empty_buckets",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Empty this bucket of the stack, every version, and let it die; may be repeated.",
)
@timeout_option
@progress_option
@json_option
@global_options
def destroy(
    retain: tuple[str, ...],
    empty_buckets: tuple[str, ...],
    timeout: int,
    progress: "Form",
    *,
    yes: bool,
    disable_protection: bool,
    as_json: bool,
) -> None:
    """Delete the stack, saying what dies, what stays and what keeps billing.

    Asks for the stack's name, and about each bucket that holds something. With --yes only those
    of --empty-bucket are emptied. A stack that does not exist is no failure.
    """
    from cfgen import operations
    from cfgen.cli.watcher import JsonWatcher, Watcher

    config = configuration({})
    with (JsonWatcher if as_json else Watcher)(yes=yes, progress=progress) as watcher:
        fates = operations.destroy(
            config,
            settings().profile,
            watcher,
            timeout * 60,
            given(),
            disable_protection=disable_protection,
            retain=retain,
            empty_buckets=empty_buckets,
            ask=not yes,
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
            if way := one.removal(config.stack.region):
                talk(f"  to remove it: {way}")
