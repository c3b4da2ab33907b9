"""``cfgen recommend``."""

import click

from cfgen.cli.options import choice_options, configuration, global_options, settings
from cfgen.cli.terminal import emit, now, paper, talk


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
    prices: str,
    *,
    everything: bool,
    explain: bool,
    write: bool,
    **choice: object,
) -> None:
    """Show the cheapest way to run the bot, and why.

    Ranks every plan on its whole monthly bill, and shows what accepting interruptions, market
    hours or no fixed address would save.
    """
    from cfgen import pipeline

    moment = now()
    recommendation = pipeline.recommend(configuration(**choice), prices)  # type: ignore[arg-type]
    if output == "json":
        from cfgen.report.json import recommendation_json

        emit(recommendation_json(recommendation, moment))
    elif output == "csv":
        from cfgen.report.csv import recommendation_csv

        emit(recommendation_csv(recommendation))
    else:
        from cfgen.report.text import recommendation_text

        emit(
            recommendation_text(
                recommendation, paper(), moment.date(), everything=everything, explain=explain
            )
        )
    if prices == "auto":
        talk(f"prices: {recommendation.market.mode}, as of {recommendation.market.as_of}")
    if write:
        path = pipeline.lock_path(settings().config)
        lock = pipeline.write_recommended(recommendation, path, moment)
        talk(f"wrote {path}: {lock.plan.id}")
