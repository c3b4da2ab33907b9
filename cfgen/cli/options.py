"""Options that commands share, and the configuration that they make together with cfgen.toml."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from cfgen.config.schema import Config

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_KEY = "cfgen.settings"


class Settings(NamedTuple):
    """The global options, wherever on the line they stand."""

    config: Path | None = None
    profile: str | None = None
    region: str | None = None
    no_color: bool = False
    debug: bool = False


def settings() -> Settings:
    """The global options of this run."""
    found: Settings = click.get_current_context().find_root().meta.get(_KEY, Settings())
    return found


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep a global option; one given after the command stands above one given before it."""
    if value:
        meta = context.find_root().meta
        meta[_KEY] = meta.get(_KEY, Settings())._replace(**{str(parameter.name): value})


def global_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that stand before or after the command."""
    for option in reversed(
        (
            click.option(
                "--config",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Configuration; without it ./cfgen.toml, if there is one.",
            ),
            click.option("--profile", help="Profile of the AWS configuration."),
            click.option("--region", help="AWS region; stands above stack.region."),
            click.option("--no-color", is_flag=True, help="No colour on a terminal."),
            click.option("--debug", is_flag=True, help="Show tracebacks."),
        )
    ):
        function = _quiet(option)(function)
    return function


def _quiet(option: Decorator) -> Decorator:
    """Make an option go to the settings instead of the function's arguments."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        decorated = option(function)
        made = decorated.__click_params__[-1]  # type: ignore[attr-defined]
        made.expose_value = False
        made.callback = _remember
        made.is_eager = True
        return decorated

    return decorate


_HOURS = click.Choice(["always", "market"])
_CAP = click.Choice(["none", "<5%", "5-10%", "10-15%", "15-20%", "any"])
_COMMITMENT = click.Choice(["none", "1yr", "3yr"])
_PRICES = click.Choice(["auto", "live", "offline"])


def choice_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that steer the choice, for every command that chooses."""
    for option in reversed(
        (
            click.option(
                "--type",
                "types",
                multiple=True,
                metavar="TYPE",
                help="Instance type or glob, such as 't4g.*'; may be repeated.",
            ),
            click.option("--hours", type=_HOURS, help="When the host runs."),
            click.option(
                "--max-interruption",
                type=_CAP,
                help="Accept Spot up to this range of interruptions a month.",
            ),
            click.option("--commitment", type=_COMMITMENT, help="Longest commitment accepted."),
            click.option(
                "--prices",
                type=_PRICES,
                default="auto",
                show_default=True,
                help="Where prices come from.",
            ),
        )
    ):
        function = option(function)
    return function


def configuration(**flags: object) -> "Config":
    """Read cfgen.toml and lay the flags over it; those not given are ``None`` or empty."""
    from cfgen.config.load import Override
    from cfgen.pipeline import load_config

    given = settings()
    paths = {
        "region": ("stack.region", "--region"),
        "types": ("workload.instance_types", "--type"),
        "hours": ("workload.hours", "--hours"),
        "max_interruption": ("workload.max_interruption", "--max-interruption"),
        "commitment": ("workload.commitment", "--commitment"),
    }
    overrides = []
    for name, value in {"region": given.region, **flags}.items():
        if value:
            path, flag = paths[name]
            wanted = list(value) if isinstance(value, tuple) else value
            overrides.append(Override(path, wanted, flag))
    return load_config(given.config, tuple(overrides))
