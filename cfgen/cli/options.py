"""Options that commands share, and the configuration that they make together with cfgen.toml."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from cfgen.config.given import Given
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


def given() -> "Given":
    """What this run was given: by it hints name the same file and the same stack."""
    from cfgen.config.given import Given

    found = settings()
    return Given.of(found.config, {"--profile": found.profile, "--region": found.region})


def again(command: str) -> str:
    """A command of cfgen's for the same stack as this run's."""
    return given().command(command)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep a global option; one given after the command stands above one given before it."""
    if value:
        meta = context.find_root().meta
        meta[_KEY] = meta.get(_KEY, Settings())._replace(**{str(parameter.name): value})
        if parameter.name == "debug":
            import logging

            logging.basicConfig(format="%(name)s: %(message)s")
            logging.getLogger("cfgen").setLevel(logging.DEBUG)


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
            click.option(
                "--region", help="AWS region, above stack.region; all with recommend and prices."
            ),
            click.option("--no-color", is_flag=True, help="No colour on a terminal."),
            click.option("--debug", is_flag=True, help="Show tracebacks and calls to AWS."),
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


window_option = click.option(
    "--window",
    type=click.IntRange(1, 90),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Length of the Spot price history, 1 to 90.",
)


def price_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how prices are read; the function gets them as ``prices``."""

    @functools.wraps(function)
    def packed(
        prices: str, snapshot: Path | None, window: int, *, no_cache: bool, **rest: object
    ) -> object:
        from cfgen.cli.terminal import now
        from cfgen.prices import Prices

        how = Prices(
            now(),
            prices,  # type: ignore[arg-type]
            settings().profile,
            snapshot,
            not no_cache,
            window,
        )
        return function(prices=how, **rest)

    decorated: Callable[..., Any] = packed
    for option in reversed(
        (
            click.option(
                "--prices",
                type=_PRICES,
                default="auto",
                show_default=True,
                help="auto: live with credentials, else what is kept; live: never falls back.",
            ),
            click.option(
                "--no-cache", is_flag=True, help="Neither read nor write the price cache."
            ),
            click.option(
                "--snapshot",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Snapshot of prices in place of the embedded one.",
            ),
            window_option,
        )
    ):
        decorated = option(decorated)
    return decorated


timeout_option = click.option(
    "--timeout",
    type=click.IntRange(1, 720),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="How long to wait for AWS.",
)

progress_option = click.option(
    "--progress",
    type=click.Choice(["auto", "tree", "lines", "none"]),
    default="auto",
    show_default=True,
    help="Events as they come: a live tree on a terminal, else lines.",
)

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="A line of JSON for each step, on standard output."
)


type_option = click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    help="Instance type or glob, such as 't4g.*'; may be repeated.",
)


def choice_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that steer the choice, for every command that chooses."""
    function = price_options(function)
    for option in reversed(
        (
            type_option,
            click.option("--hours", type=_HOURS, help="When the host runs."),
            click.option(
                "--max-interruption",
                type=_CAP,
                help="Accept Spot up to this range of interruptions a month.",
            ),
            click.option("--commitment", type=_COMMITMENT, help="Longest commitment accepted."),
        )
    ):
        function = option(function)
    return function


FLAGS = {
    "types": "--type",
    "hours": "--hours",
    "max_interruption": "--max-interruption",
    "commitment": "--commitment",
}
"""The flags of :func:`choice_options`, by their names as arguments."""


def choice_words(choice: Mapping[str, object]) -> list[str]:
    """The words that steer the choice, as they were given."""
    import shlex

    return [
        f"{FLAGS[name]} {shlex.quote(str(one))}"
        for name, value in choice.items()
        for one in (value if isinstance(value, tuple) else filter(None, (value,)))
    ]


EVERYWHERE = "all"
"""What ``--region`` says for every region."""


def everywhere() -> bool:
    """Whether every region is asked for."""
    return settings().region == EVERYWHERE


def configuration(flags: Mapping[str, object], *, wide: bool = False) -> "Config":
    """Read cfgen.toml and lay the flags over it; those not given are ``None`` or empty.

    ``wide`` is for commands that look at every region: ``--region all`` is none to them.
    """
    from cfgen.config.load import Override
    from cfgen.pipeline import load_config

    found = settings()
    region = None if wide and found.region == EVERYWHERE else found.region
    paths = {
        "region": ("stack.region", "--region"),
        "types": ("workload.instance_types", FLAGS["types"]),
        "hours": ("workload.hours", FLAGS["hours"]),
        "max_interruption": ("workload.max_interruption", FLAGS["max_interruption"]),
        "commitment": ("workload.commitment", FLAGS["commitment"]),
    }
    overrides = []
    for name, value in {"region": region, **flags}.items():
        if value:
            path, flag = paths[name]
            wanted = list(value) if isinstance(value, tuple) else value
            overrides.append(Override(path, wanted, flag))
    return load_config(found.config, tuple(overrides))
