"""``cfgen deploy``."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cfgen.cli.options import (
    again,
    configuration,
    given,
    global_options,
    json_option,
    progress_option,
    settings,
    timeout_option,
    yes_option,
)
from cfgen.cli.subject import read_subject, subject_options
from cfgen.cli.terminal import asker, emit, now, talk

if TYPE_CHECKING:
    from cfgen.cli.watcher import Form, Watcher
    from cfgen.deploy.manner import Manner, OnFailure
    from cfgen.deploy.run import Result
    from cfgen.pipeline import Choice, DeployRequest
    from cfgen.prices import Prices


def manner_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how the change is made; the function gets them as ``manner``."""

    @functools.wraps(function)
    def packed(
        on_failure: "OnFailure | None",
        *,
        retry: bool,
        express: bool,
        revert_drift: bool,
        import_existing: bool,
        **rest: object,
    ) -> object:
        from cfgen.deploy.manner import Manner

        if express and on_failure not in (None, "keep"):
            raise click.UsageError(f"--express and --on-failure {on_failure} do not go together")
        if retry and on_failure not in (None, "keep"):
            raise click.UsageError(f"--retry and --on-failure {on_failure} do not go together")
        manner = Manner(on_failure or "rollback", retry, express, revert_drift, import_existing)
        return function(manner=manner, **rest)

    decorated: Callable[..., Any] = packed
    for option in reversed(
        (
            click.option(
                "--on-failure",
                type=click.Choice(["rollback", "delete", "keep"]),
                help="What becomes of a deploy that fails: rollback if not given; delete is for a "
                "new stack; keep leaves it for --retry or cfgen rollback.",
            ),
            click.option(
                "--retry", is_flag=True, help="Go on with a deploy that failed and was kept."
            ),
            click.option(
                "--express",
                is_flag=True,
                help="End when all is configured, not when it runs; a failure is kept.",
            ),
            click.option(
                "--revert-drift", is_flag=True, help="Undo what was changed by hand, too."
            ),
            click.option(
                "--import-existing-resources",
                "import_existing",
                is_flag=True,
                help="Adopt what the template names and is there already.",
            ),
        )
    ):
        decorated = option(decorated)
    return decorated


@click.command(epilog="Example: cfgen deploy --rehearse --yes")
@subject_options
@yes_option
@click.option(
    "--allow-replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Accept that this host, address, secret or bucket is replaced or removed.",
)
@click.option("--fail-on-empty", is_flag=True, help="Exit 8 where nothing changes.")
@manner_options
@click.option(
    "--no-wheel-check",
    is_flag=True,
    help="Do not ask pip whether each requirement has its wheel for the host.",
)
@timeout_option
@click.option(
    "--no-wait-host",
    is_flag=True,
    help="End when the stack is as wanted; do not wait until its host is, too.",
)
@click.option(
    "--in-session",
    is_flag=True,
    help="Replace the host even while the exchange is open.",
)
@progress_option
@click.option(
    "--no-execute", is_flag=True, help="Keep the change set, for --changeset on another day."
)
@click.option("--changeset", metavar="ARN", help="Execute just this change set, which was kept.")
@click.option(
    "--attach",
    is_flag=True,
    help="Follow what is under way; change nothing but what protects the stack.",
)
@click.option(
    "--rehearse",
    is_flag=True,
    help="Deploy to an AWS in memory instead, from what was rehearsed last.",
)
@json_option
@global_options
def deploy(
    template: str | None,
    prices: "Prices",
    parameters: dict[str, str],
    allow_replace: tuple[str, ...],
    manner: "Manner",
    timeout: int,
    progress: "Form",
    changeset: str | None,
    *,
    yes: bool,
    no_execute: bool,
    attach: bool,
    no_wheel_check: bool,
    no_wait_host: bool,
    in_session: bool,
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
    from cfgen.report.choice import cost_change

    options = {"--no-execute": no_execute, "--changeset": changeset, "--attach": attach,
             "--rehearse": rehearse}  # fmt: skip
    chosen_ways = [name for name, value in options.items() if value]
    if len(chosen_ways) > 1:
        raise click.UsageError(f"{' and '.join(chosen_ways)} do not go together")
    form = functools.partial(JsonWatcher if as_json else Watcher, progress=progress)
    if changeset or attach:
        other = {"template": template, "--parameter": parameters, "--refresh-image": refresh_image,
                 "--fail-on-empty": fail_on_empty, "--allow-replace": attach and allow_replace,
                 "--in-session": attach and in_session,
                 "way of making a change": not manner.is_ordinary(everything=attach)}  # fmt: skip
        if changeset and manner.on_failure == "delete":
            raise click.UsageError("--on-failure delete is told when a change set is made")
        if unfit := [name for name, value in other.items() if value]:
            raise click.UsageError(f"{chosen_ways[0]} takes no {' and no '.join(unfit)}")
        _go_on(
            changeset,
            allow_replace,
            manner,
            timeout * 60,
            form(yes=yes),
            wait_host=not no_wait_host,
            in_session=in_session,
        )
        return
    with form(yes=yes or rehearse) as watcher:
        config, body, chosen = read_subject(
            template, prices, choice, refresh=refresh, no_lint=no_lint
        )
        lock = pipeline.lock_path(settings().config)
        if chosen:
            watcher.cost_of = functools.partial(cost_change, chosen)
            watcher.on_agreed = None if rehearse else functools.partial(_keep, chosen, lock)
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
            manner,
            given(),
            asker(yes=yes),
            lock,
            chosen.plan.architectures if chosen else (),
            not no_wheel_check,
            prices.cache,
            not no_wait_host,
            in_session,
            now,
        )
        if rehearse:
            _rehearse(request, watcher, pipeline.rehearsals() if prices.cache else None)
            return
        result = pipeline.deploy(request, settings().profile, watcher)
        if result.kept and watcher.on_agreed:
            watcher.on_agreed()
        if not result.changed and not result.kept:
            watcher.note("nothing to change: the stack is as the template says")
    _tell(result, watcher, manner)
    if fail_on_empty and not result.changed and not result.kept:
        from cfgen.errors import Findings

        raise Findings("nothing changed, and --fail-on-empty is set")


def _rehearse(request: "DeployRequest", watcher: "Watcher", last: Path | None) -> None:
    """Deploy to an AWS in memory, and say what that could show."""
    from cfgen import pipeline
    from cfgen.cli.watcher import JsonWatcher
    from cfgen.report.deploy import rehearsal_text

    talk("rehearsal: an AWS in memory; nothing real is touched")
    rehearsal = pipeline.rehearse(request, watcher, last)
    if isinstance(watcher, JsonWatcher):
        watcher.result(changed=False, tried=rehearsal.tried, untried=rehearsal.untried)
    else:
        emit(rehearsal_text(rehearsal))


def _go_on(
    changeset: str | None,
    allow_replace: tuple[str, ...],
    manner: "Manner",
    limit: float,
    watcher: "Watcher",
    *,
    wait_host: bool,
    in_session: bool,
) -> None:
    """Execute a change set that was kept, or follow what is under way."""
    from cfgen import operations

    config, profile = configuration({}), settings().profile
    with watcher:
        if changeset:
            result = operations.execute_change_set(
                config,
                profile,
                watcher,
                limit,
                given(),
                changeset,
                allow_replace,
                manner,
                wait_host=wait_host,
                in_session=in_session,
                now=now,
            )
        else:
            result = operations.attach(
                config, profile, watcher, limit, given(), wait_host=wait_host
            )
    _tell(result, watcher, manner)


def _tell(result: "Result", watcher: "Watcher", manner: "Manner") -> None:
    from cfgen.cli.watcher import JsonWatcher
    from cfgen.report.deploy import outputs_text

    if isinstance(watcher, JsonWatcher):
        watcher.outputs(result.outputs)
        watcher.result(
            changed=result.changed,
            stack=result.stack_arn,
            changeset=result.kept or None,
            host=result.host or None,
        )
    elif result.kept:
        keep = " --on-failure keep" if manner.keeps else ""
        talk(f"kept; execute it with: {again('deploy --changeset ARN')}{keep}")
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
