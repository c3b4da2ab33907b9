"""``cfgen recommend``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import (
    choice_options,
    configuration,
    everywhere,
    global_options,
    settings,
)
from cfgen.cli.terminal import advise, emit, paper, talk, warn

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen recommend --prices offline --type 't4g.*' --explain")
@choice_options
@click.option("--json", "output", flag_value="json", help="All plans as JSON.")
@click.option("--csv", "output", flag_value="csv", help="All plans as CSV.")
@click.option("--all", "everything", is_flag=True, help="Show every plan and missing price.")
@click.option("--explain", is_flag=True, help="Show each line's formula, source and age.")
@click.option("--write", is_flag=True, help="Lock the choice in cfgen.lock.")
@global_options
def recommend(
    output: str | None,
    prices: "Prices",
    *,
    everything: bool,
    explain: bool,
    write: bool,
    **choice: object,
) -> None:
    """Show the cheapest way to run the bot, and why.

    Ranks every plan on its whole monthly bill, and shows what accepting interruptions, a
    commitment, market hours or no fixed address would save. With --region all, of all regions.
    """
    from cfgen import pipeline
    from cfgen.report.choice import switch_text

    config = configuration(choice, wide=True)
    advise(config)
    path = pipeline.lock_path(settings().config)
    if write:
        pipeline.needs_one_region("--write", everywhere=everywhere())
    recommendation = pipeline.recommend(config, prices, everywhere=everywhere())
    if output == "json":
        from cfgen.report.json import recommendation_json

        emit(recommendation_json(recommendation, prices.now))
    elif output == "csv":
        from cfgen.report.csv import recommendation_csv

        emit(recommendation_csv(recommendation))
    else:
        from cfgen.report.text import recommendation_text

        emit(
            recommendation_text(
                recommendation, paper(), prices.now.date(), everything=everything, explain=explain
            )
        )
    warn(recommendation.market.notices)
    if prices.mode == "auto":
        talk(f"prices: {recommendation.market.mode}, as of {recommendation.market.as_of}")
    if write:
        lock = pipeline.write_recommended(recommendation, path, prices.now)
        talk(f"wrote {path}: {lock.plan.id}")
    elif kept := pipeline.kept_plan(recommendation, path):
        talk(switch_text(kept, recommendation))
