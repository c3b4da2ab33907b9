"""``cfgen recommend``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import (
    again,
    choice_options,
    choice_words,
    configuration,
    everywhere,
    given,
    global_options,
    settings,
)
from cfgen.cli.terminal import advise, emit, paper, talk, warn, warn_of_shared_stack

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen recommend --prices offline --type 't4g.*' --explain")
@choice_options
@click.option("--json", "output", flag_value="json", help="All plans as JSON.")
@click.option("--csv", "output", flag_value="csv", help="All plans as CSV.")
@click.option("--all", "everything", is_flag=True, help="Show every plan and missing price.")
@click.option("--explain", is_flag=True, help="Show each line's formula, source and age.")
@click.option("--write", is_flag=True, help="Lock the choice, beside the configuration.")
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
    from cfgen.report.choice import switch_text, written_text

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
        lock, before = pipeline.write_recommended(config, recommendation, path, prices.now, given())
        talk(written_text(path, lock.plan.id, before))
        warn_of_shared_stack(config, path)
    elif kept := pipeline.kept_plan(config, recommendation, path, prices.now, given()):
        switching = again(" ".join(["recommend", *choice_words(choice), "--write"]))
        talk(switch_text(kept, recommendation, path, switching))
