"""``cfgen rollback``."""

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


@click.command(epilog="Example: cfgen rollback --skip Host")
@yes_option
@click.option(
    "--skip",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Leave this as it is, where its rollback has failed; may be repeated.",
)
@timeout_option
@progress_option
@json_option
@global_options
def rollback(
    skip: tuple[str, ...], timeout: int, progress: "Form", *, yes: bool, as_json: bool
) -> None:
    """Bring a stack that got stuck back to a stable state.

    Takes up a rollback that failed, rolls a failed update back, or cancels one that is under way.
    """
    from cfgen import operations
    from cfgen.cli.watcher import JsonWatcher, Watcher

    with (JsonWatcher if as_json else Watcher)(yes=yes, progress=progress) as watcher:
        status = operations.rollback(
            configuration({}),
            settings().profile,
            watcher,
            timeout * 60,
            given(),
            skip=skip,
        )
    if isinstance(watcher, JsonWatcher):
        watcher.result(status=status)
    else:
        talk(f"the stack is in {status}")
