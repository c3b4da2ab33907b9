"""``cfgen deploy``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cfgen.cli.options import (
    configuration,
    global_options,
    json_option,
    settings,
    timeout_option,
)
from cfgen.cli.subject import read_subject, subject_options
from cfgen.cli.terminal import emit, now, talk

if TYPE_CHECKING:
    from cfgen.cli.watcher import Watcher
    from cfgen.deploy.run import Result
    from cfgen.pipeline import Choice
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen deploy --rehearse --yes")
@subject_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--allow-replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Accept that this host, address, secret or bucket is replaced or removed.",
)
@click.option("--fail-on-empty", is_flag=True, help="Exit 8 where nothing changes.")
@timeout_option
@click.option(
    "--no-execute", is_flag=True, help="Keep the change set, for --changeset on another day."
)
@click.option("--changeset", metavar="ARN", help="Execute just this change set, which was kept.")
@click.option("--attach", is_flag=True, help="Follow what is under way; change nothing.")
@click.option("--rehearse", is_flag=True, help="Deploy to an AWS in memory instead.")
@json_option
@global_options
def deploy(
    template: str | None,
    prices: "Prices",
    parameters: dict[str, str],
    allow_replace: tuple[str, ...],
    timeout: int,
    changeset: str | None,
    *,
    yes: bool,
    no_execute: bool,
    attach: bool,
    refresh_image: bool,
    fail_on_empty: bool,
    rehearse: bool,
    as_json: bool,
    refresh: bool,
    no_lint: bool,
    **choice: object,
) -> None:
    """Deploy a template by a change set: shown, confirmed, executed, followed to its end.

    TEMPLATE is a file, or - for standard input; without it, the template that build would write
    is deployed.
    """
    from cfgen import pipeline
    from cfgen.cli.watcher import JsonWatcher, Watcher
    from cfgen.report.choice import cost_text
    from cfgen.report.deploy import rehearsal_text

    given = {"--no-execute": no_execute, "--changeset": changeset, "--attach": attach,
             "--rehearse": rehearse}  # fmt: skip
    chosen_ways = [name for name, value in given.items() if value]
    if len(chosen_ways) > 1:
        raise click.UsageError(f"{' and '.join(chosen_ways)} do not go together")
    form = JsonWatcher if as_json else Watcher
    if changeset or attach:
        if template or parameters:
            raise click.UsageError(f"{chosen_ways[0]} takes no template and no --parameter")
        _go_on(changeset, allow_replace, timeout * 60, form(yes=yes))
        return
    config, body, chosen = read_subject(template, prices, choice, refresh=refresh, no_lint=no_lint)
    lock = pipeline.lock_path(settings().config)
    request = pipeline.DeployRequest(
        config,
        body,
        parameters,
        allow_replace,
        refresh_image,
        timeout * 60,
        lock.parent,
        chosen is not None,
        not no_execute,
        chosen is not None,
    )
    kept = (lambda: _keep(chosen, lock)) if chosen and not rehearse else None
    cost = (lambda before: cost_text(chosen, before)) if chosen else None
    watcher = form(yes=yes or rehearse, on_agreed=kept, cost=cost)
    if rehearse:
        talk("rehearsal: an AWS in memory; nothing real is touched")
        rehearsal = pipeline.rehearse(request, watcher)
        if not isinstance(watcher, JsonWatcher):
            emit(rehearsal_text(rehearsal))
        else:
            watcher.result(changed=False, tried=rehearsal.tried, untried=rehearsal.untried)
        return
    result = pipeline.deploy(request, settings().profile, watcher)
    if not result.changed and not result.kept:
        talk("nothing to change: the stack is as the template says")
    _tell(result, watcher)
    if fail_on_empty and not result.changed and not result.kept:
        from cfgen.errors import Findings

        raise Findings("nothing changed, and --fail-on-empty is set")


def _go_on(
    changeset: str | None, allow_replace: tuple[str, ...], limit: float, watcher: "Watcher"
) -> None:
    """Execute a change set that was kept, or follow what is under way."""
    from cfgen import operations

    config, profile = configuration({}), settings().profile
    if changeset:
        result = operations.execute_change_set(
            config, profile, watcher, limit, changeset, allow_replace
        )
    else:
        result = operations.attach(config, profile, watcher, limit)
    _tell(result, watcher)


def _tell(result: "Result", watcher: "Watcher") -> None:
    from cfgen.cli.watcher import JsonWatcher
    from cfgen.report.deploy import outputs_text

    if isinstance(watcher, JsonWatcher):
        watcher.outputs(result.outputs)
        watcher.result(
            changed=result.changed, stack=result.stack_arn, changeset=result.kept or None
        )
    elif result.kept:
        talk("kept; execute it with: cfgen deploy --changeset")
        emit(f"{result.kept}\n")
    else:
        emit(outputs_text(result.outputs))


def _keep(chosen: "Choice", path: Path) -> None:
    """Lock what is about to be deployed. Where that cannot be written the deploy goes on."""
    from cfgen import pipeline
    from cfgen.errors import ConfigError

    try:
        if pipeline.keep_choice(chosen, path, now()):
            talk(f"wrote {path}: later runs keep {chosen.plan.id}")
    except ConfigError as error:
        talk(f"warning: the choice is not locked: {error}")
