"""``cfgen build``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cfgen.cli.options import choice_options, configuration, given, global_options, settings
from cfgen.cli.terminal import advise, emit, talk, warn

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen build > template.yaml")
@choice_options
@click.option("--refresh", is_flag=True, help="Choose anew, whatever the lock keeps.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
@click.option(
    "--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True
)
@click.option("--no-lint", is_flag=True, help="Do not lint the template.")
@global_options
def build(
    prices: "Prices",
    output: Path | None,
    form: str,
    *,
    refresh: bool,
    no_lint: bool,
    **choice: object,
) -> None:
    """Write the linted CloudFormation template of the cheapest plan that fits.

    Keeps the plan of the lock beside the configuration, if there is one. A lint finding of any
    level stops it.
    """
    from cfgen import pipeline
    from cfgen.report.choice import choice_text

    config = configuration(choice)
    advise(config)
    lock = pipeline.lock_path(settings().config)
    chosen = pipeline.choose(
        config, prices, lock, refresh=refresh, insist=any(choice.values()), given=given()
    )
    warn(chosen.recommendation.market.notices)
    text = pipeline.build(config, chosen.plan, prices.now.year, form, given())  # type: ignore[arg-type]
    if not no_lint:
        pipeline.lint_or_refuse(text, config.stack.region, str(output or "template.yaml"))
    if output and str(output) != "-":
        pipeline.write_template(output, text)
    else:
        emit(text)
    talk(choice_text(chosen, lock, given()))
    if pipeline.packs_folder(config):
        talk(
            f"bot.source: {config.bot.source} is a folder, which cfgen deploy packs and uploads: "
            "deploy this template with it, not in the console"
        )
    if ref := pipeline.moving_ref(config):
        talk(f"bot.source: {ref} is a branch or tag, which can move; deploy pins its commit")
