"""The template that ``deploy`` and ``diff`` speak of, and the options that choose it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cfgen.cli.options import choice_options, configuration, settings
from cfgen.cli.terminal import advise, read_input, talk, warn

if TYPE_CHECKING:
    from cfgen.config.schema import Config
    from cfgen.pipeline import Choice
    from cfgen.prices import Prices


class Subject(NamedTuple):
    """A configuration, the template's text, and the choice it was built for, if it was built."""

    config: "Config"
    body: str
    chosen: "Choice | None"


def _pairs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = dict(value.partition("=")[::2] for value in values)
    for value in values:
        if "=" not in value or value.startswith("="):
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", context, parameter)
    return pairs


def subject_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The template, its parameters, and how it is chosen where it has yet to be built."""
    function = choice_options(function)
    for option in reversed(
        (
            click.argument("template", required=False),
            click.option(
                "--parameter",
                "parameters",
                multiple=True,
                callback=_pairs,
                metavar="NAME=VALUE",
                help="Value of a template parameter; may be repeated.",
            ),
            click.option("--refresh-image", is_flag=True, help="Move to the newest machine image."),
            click.option("--refresh", is_flag=True, help="Choose anew, whatever cfgen.lock keeps."),
            click.option("--no-lint", is_flag=True, help="Do not lint the template."),
        )
    ):
        function = option(function)
    return function


def read_subject(
    template: str | None,
    prices: "Prices",
    choice: dict[str, object],
    *,
    refresh: bool,
    no_lint: bool,
) -> Subject:
    """Read the template, or build the one that ``build`` would write; lint it."""
    from cfgen import pipeline
    from cfgen.report.choice import choice_text

    config = configuration(choice)
    advise(config)
    chosen = None
    if template is None:
        lock = pipeline.lock_path(settings().config)
        chosen = pipeline.choose(config, prices, lock, refresh=refresh, insist=any(choice.values()))
        warn(chosen.recommendation.market.notices)
        name, body = "template.yaml", pipeline.build(config, chosen.plan, prices.now.year)
        talk(choice_text(chosen))
    else:
        name, body = read_input(template)
    if not no_lint:
        pipeline.lint_or_refuse(body, config.stack.region, name)
    return Subject(config, body, chosen)
