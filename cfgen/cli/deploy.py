"""``cfgen deploy``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cfgen.cli.options import choice_options, configuration, global_options, settings
from cfgen.cli.terminal import emit, now, read_input, talk, warn

if TYPE_CHECKING:
    from cfgen.pipeline import Choice
    from cfgen.prices import Prices


def _pairs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = dict(value.partition("=")[::2] for value in values)
    for value in values:
        if "=" not in value or value.startswith("="):
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", context, parameter)
    return pairs


@click.command(epilog="Example: cfgen deploy --rehearse --yes")
@click.argument("template", required=False)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="Value of a template parameter; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--allow-replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Accept that this host, address, secret or bucket is replaced or removed.",
)
@click.option("--refresh-image", is_flag=True, help="Move to the newest machine image.")
@click.option("--fail-on-empty", is_flag=True, help="Exit 8 where nothing changes.")
@click.option(
    "--timeout",
    type=click.IntRange(1, 720),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="How long to wait for AWS.",
)
@click.option("--rehearse", is_flag=True, help="Deploy to an AWS in memory instead.")
@click.option("--refresh", is_flag=True, help="Choose anew, whatever cfgen.lock keeps.")
@click.option("--no-lint", is_flag=True, help="Do not lint the template.")
@choice_options
@global_options
def deploy(
    template: str | None,
    prices: "Prices",
    parameters: dict[str, str],
    allow_replace: tuple[str, ...],
    timeout: int,
    *,
    yes: bool,
    refresh_image: bool,
    fail_on_empty: bool,
    rehearse: bool,
    refresh: bool,
    no_lint: bool,
    **choice: object,
) -> None:
    """Deploy a template by a change set: shown, confirmed, executed, followed to its end.

    TEMPLATE is a file, or - for standard input; without it, the template that build would write
    is deployed.
    """
    from cfgen import pipeline
    from cfgen.cli.watcher import Watcher
    from cfgen.errors import Findings
    from cfgen.report.choice import choice_text
    from cfgen.report.deploy import outputs_text, rehearsal_text

    config = configuration(choice)
    lock = pipeline.lock_path(settings().config)
    chosen = None
    if template is None:
        chosen = pipeline.choose(
            config,
            prices,
            lock,
            refresh=refresh,
            insist=any(choice.values()),
        )
        warn(chosen.recommendation.market.notices)
        name, body = "template.yaml", pipeline.build(config, chosen.plan, prices.now.year)
        talk(choice_text(chosen))
    else:
        name, body = read_input(template)
    if not no_lint:
        pipeline.lint_or_refuse(body, config.stack.region, name)
    request = pipeline.DeployRequest(
        config, body, parameters, allow_replace, refresh_image, timeout * 60
    )
    watcher = Watcher(
        yes=yes or rehearse,
        on_agreed=(lambda: _keep(chosen, lock)) if chosen and not rehearse else None,
    )
    if rehearse:
        talk("rehearsal: an AWS in memory; nothing real is touched")
        rehearsal = pipeline.rehearse(request, watcher)
        emit(rehearsal_text(rehearsal))
        return
    result = pipeline.deploy(request, settings().profile, watcher)
    if not result.changed:
        talk("nothing to change: the stack is as the template says")
    emit(outputs_text(result.outputs))
    if fail_on_empty and not result.changed:
        raise Findings("nothing changed, and --fail-on-empty is set")


def _keep(chosen: "Choice", path: Path) -> None:
    """Lock what is about to be deployed. Where that cannot be written the deploy goes on."""
    from cfgen import pipeline
    from cfgen.errors import ConfigError

    try:
        if pipeline.keep_choice(chosen, path, now()):
            talk(f"wrote {path}: later runs keep {chosen.plan.id}")
    except ConfigError as error:
        talk(f"warning: the choice is not locked: {error}")
