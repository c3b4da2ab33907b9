"""``cfgen prices``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cfgen.cli.options import (
    again,
    configuration,
    everywhere,
    global_options,
    price_options,
    settings,
    type_option,
    window_option,
)
from cfgen.cli.terminal import emit, now, paper, talk, warn

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.group(epilog="Example: cfgen prices show --prices offline")
@global_options
def prices() -> None:
    """Show the prices in use, or write a new snapshot of them."""


@prices.command(epilog="Example: cfgen prices show --prices offline --type t4g.micro")
@type_option
@price_options
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON.")
@global_options
def show(prices: "Prices", types: tuple[str, ...], *, as_json: bool) -> None:
    """Show every figure in use, with its source and age."""
    from cfgen import pipeline
    from cfgen.report.prices import figures_json, figures_text

    config = configuration({"types": types}, wide=True)
    market = pipeline.read_market(config, prices, everywhere=everywhere())
    if as_json:
        emit(figures_json(market, prices.now))
    else:
        emit(figures_text(market, paper(), prices.now.date()))
    warn(market.notices)


@prices.command(epilog="Example: cfgen prices refresh -o snapshot.json --type 't4g.*'")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write.",
)
@type_option
@window_option
@global_options
def refresh(output: Path, types: tuple[str, ...], window: int) -> None:
    """Write a snapshot from the live APIs, which --snapshot then reads.

    Nothing is written where a price cannot be read.
    """
    import shlex

    from cfgen import pipeline
    from cfgen.prices import Prices

    config = configuration({"types": types}, wide=True)
    how = Prices(now(), profile=settings().profile, days=window)
    market, notices = pipeline.refresh_snapshot(config, how, output, everywhere=everywhere())
    warn(notices)
    names = ", ".join(sorted({offer.instance_type.name for offer in market.offers}))
    talk(f"wrote {output}: {names} in {', '.join(market.regions)}")
    words = f"recommend --prices offline --snapshot {shlex.quote(str(output))}"
    talk(f"next: {again(words)}")
