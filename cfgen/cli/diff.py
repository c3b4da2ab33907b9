"""``cfgen diff``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import again, configuration, given, global_options, settings, timeout_option
from cfgen.cli.subject import read_subject, subject_options
from cfgen.cli.terminal import asker, emit, paper, talk

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen diff --local")
@subject_options
@click.option(
    "--local",
    is_flag=True,
    help="Compare with the stack's template, asking for no change set: nothing is written in AWS.",
)
@click.option(
    "--drift",
    is_flag=True,
    help="Compare the stack with what is there: show what was changed by hand.",
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
    drift: bool,
    fail: bool,
    as_json: bool,
    refresh_image: bool,
    refresh: bool,
    no_lint: bool,
    **choice: object,
) -> None:
    """Show what a deploy would change, and leave nothing behind.

    TEMPLATE is a file, or - for standard input; without it, the template that build would write.
    With --drift the template does not count.
    """
    import json

    from cfgen import pipeline
    from cfgen.cli.watcher import Watcher
    from cfgen.errors import Findings
    from cfgen.report.deploy import change_set_data, preview_text

    if drift:
        options = {"--local": local, "TEMPLATE": template, "--parameter": parameters,
                 "--refresh-image": refresh_image}  # fmt: skip
        if others := [name for name, value in options.items() if value]:
            raise click.UsageError(f"--drift and {' and '.join(others)} do not go together")
        _drift(timeout * 60, fail=fail, as_json=as_json)
        return
    config, body, chosen = read_subject(template, prices, choice, refresh=refresh, no_lint=no_lint)
    lock = pipeline.lock_path(settings().config)
    request = pipeline.DeployRequest(
        config,
        body,
        parameters,
        (),
        refresh_image,
        timeout * 60,
        lock.parent,
        chosen is not None,
        given=given(),
        ask=asker(),
        lock=lock,
        architectures=chosen.plan.architectures if chosen else (),
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
            emit(preview_text(change_set, paper()) + "\n")
    if not changed:
        talk("nothing would change")
    elif fail:
        raise Findings("the stack differs from the template, and --fail is set")


def _drift(limit: float, *, fail: bool, as_json: bool) -> None:
    """Show what was changed by hand, which takes no template."""
    from cfgen import operations
    from cfgen.cli.watcher import Watcher
    from cfgen.errors import Findings
    from cfgen.report.drift import drift_json, drift_text

    drifts = operations.drift(
        configuration({}), settings().profile, Watcher(yes=False), limit, given()
    )
    found = tuple(one for one in drifts if not one.pause)
    for one in drifts:
        if one.pause:
            talk(f"{one.logical_id}: {one.pause} by {again('pause')}, as it is meant to be")
    if as_json:
        emit(drift_json(found))
    elif found:
        emit(drift_text(found, paper()))
    if not found:
        talk("nothing was changed by hand, of what CloudFormation can compare")
        return
    talk(f"{again('deploy --revert-drift')} puts it back")
    if fail:
        raise Findings("the stack was changed by hand, and --fail is set")
