"""``cfgen diff``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import global_options, settings, timeout_option
from cfgen.cli.subject import read_subject, subject_options
from cfgen.cli.terminal import emit, paper, talk

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen diff --local")
@subject_options
@click.option(
    "--local",
    is_flag=True,
    help="Compare with the stack's template, asking for no change set: nothing is written in AWS.",
)
@click.option("--fail", is_flag=True, help="Exit 8 where something differs.")
@click.option("--json", "as_json", is_flag=True, help="The differences as JSON.")
@timeout_option
@global_options
def diff(
    template: str | None,
    prices: "Prices",
    parameters: dict[str, str],
    timeout: int,
    *,
    local: bool,
    fail: bool,
    as_json: bool,
    refresh_image: bool,
    refresh: bool,
    no_lint: bool,
    **choice: object,
) -> None:
    """Show what a deploy would change, and leave nothing behind.

    TEMPLATE is a file, or - for standard input; without it, the template that build would write.
    """
    import json

    from cfgen import pipeline
    from cfgen.cli.watcher import Watcher
    from cfgen.errors import Findings
    from cfgen.report.deploy import change_set_data, preview_text

    config, body, chosen = read_subject(template, prices, choice, refresh=refresh, no_lint=no_lint)
    request = pipeline.DeployRequest(
        config,
        body,
        parameters,
        (),
        refresh_image,
        timeout * 60,
        pipeline.lock_path(settings().config).parent,
        chosen is not None,
    )
    if local:
        lines = pipeline.local_diff(request, settings().profile, Watcher(yes=False))
        changed = bool(lines)
        emit(json.dumps({"lines": lines}) + "\n" if as_json else "".join(lines))
    else:
        change_set = pipeline.diff(request, settings().profile, Watcher(yes=False, quiet=True))
        changed = change_set is not None
        if as_json:
            found = change_set_data(change_set) if change_set else {"changes": []}
            emit(json.dumps(found, ensure_ascii=False) + "\n")
        elif change_set:
            emit(preview_text(change_set, "", [], paper()) + "\n")
    if not changed:
        talk("nothing would change")
    elif fail:
        raise Findings("the stack differs from the template, and --fail is set")
