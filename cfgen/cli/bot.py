"""``cfgen status``, ``logs``, ``connect`` and ``dashboard``: the running bot."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import again, configuration, given, global_options, settings
from cfgen.cli.terminal import emit, now, paper, talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from cfgen.bot.logs import Line
    from cfgen.config.schema import Config


@click.command(epilog="Example: cfgen status --watch")
@click.option("--watch", is_flag=True, help="Look again every ten seconds, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line each time.")
@global_options
def status(*, watch: bool, as_json: bool) -> None:
    """Show how stack, host and alarms are, and when the bot runs next."""
    import time

    from cfgen import operations, pipeline
    from cfgen.errors import ConfigError
    from cfgen.report.status import redrawn, status_json, status_text

    config = configuration({})
    try:
        kept = operations.kept_cost(config, pipeline.lock_path(settings().config), given())
    except ConfigError as error:
        # How a running bot is can be seen without it.
        talk(f"warning: what it costs is not known: {error}")
        kept = None
    while True:
        moment = now()
        found = operations.status(config, settings().profile, moment)
        text = (
            status_json(found, kept)
            if as_json
            else status_text(found, kept, moment, paper(), again)
        )
        emit(redrawn(text, paper()) if watch and not as_json else text)
        if not watch:
            return
        time.sleep(10)


@click.command(epilog="Example: cfgen logs --follow --since 1h")
@click.option("--follow", is_flag=True, help="Show what comes, until interrupted.")
@click.option(
    "--since",
    default="1h",
    show_default=True,
    help="From how long ago (30m, 2h, 1d) or from which time (2026-11-24T09:00) on.",
)
@click.option(
    "--filter", "pattern", default="", help="Only what matches this filter pattern of CloudWatch's."
)
@click.option("--job", help="Only this job of bot.jobs.")
@click.option("--boot", is_flag=True, help="The log of the host: bootstrap, keys, updates.")
@click.option("--events", is_flag=True, help="The events of the stack instead, in UTC.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each event.")
@global_options
def logs(
    since: str,
    pattern: str,
    job: str | None,
    *,
    follow: bool,
    boot: bool,
    events: bool,
    as_json: bool,
) -> None:
    """Show the log of bot and dashboard, or of the host.

    With --events, what happened to the stack.
    """
    from cfgen.bot.logs import since_of

    others = [
        name for name, given in (("--boot", boot), ("--filter", pattern), ("--job", job)) if given
    ]
    if events and others:
        raise click.UsageError(f"--events and {' and '.join(others)} do not go together")
    if boot and job:
        raise click.UsageError("--boot and --job do not go together")
    config = configuration({})
    start = since_of(since, now())
    lines = (
        _event_lines(config, start, follow=follow, as_json=as_json)
        if events
        else _log_lines(config, start, pattern, job, boot=boot, follow=follow, as_json=as_json)
    )
    found = False
    for line in lines:
        found = True
        emit(line)
    if not found:
        what = "nothing happened to the stack" if events else "nothing was logged"
        talk(f"{what} since {start:%Y-%m-%d %H:%M} UTC")


def _log_lines(
    config: "Config",
    start: "datetime",
    pattern: str,
    job: str | None,
    *,
    boot: bool,
    follow: bool,
    as_json: bool,
) -> "Iterable[str]":
    from cfgen import operations
    from cfgen.deploy.redact import printable

    # Whatever the bot or a library of its logs must not steer a terminal; a file gets it as it is.
    shown = printable if paper().terminal else str
    for line in operations.log_lines(
        config, settings().profile, start, pattern, job, boot=boot, follow=follow
    ):
        yield _json(line) if as_json else _text(line, config.bot.timezone, shown)


def _event_lines(
    config: "Config", start: "datetime", *, follow: bool, as_json: bool
) -> "Iterable[str]":
    from cfgen import operations
    from cfgen.report.deploy import event_json, event_text

    sheet = paper()
    for event in operations.stack_events(config, settings().profile, start, follow=follow):
        # A log may go over days; a deploy, whose lines these are, shows the time only.
        text = f"{event.time:%Y-%m-%d} {event_text(event, sheet)}\n"
        yield event_json(event) if as_json else text


def _text(line: "Line", zone: str, shown: "Callable[[str], str]") -> str:
    from zoneinfo import ZoneInfo

    here = line.time.astimezone(ZoneInfo(zone))
    return f"{here:%Y-%m-%d %H:%M:%S} {line.stream.rpartition('/')[2]}: {shown(line.text)}\n"


def _json(line: "Line") -> str:
    import json

    from cfgen.times import timestamp

    fields = {"time": timestamp(line.time), "stream": line.stream, "message": line.text}
    return json.dumps(fields, ensure_ascii=False) + "\n"


@click.command(epilog="Example: cfgen connect --command 'systemctl list-timers'")
@click.option("--command", "line", help="Run this on the host and show what it says, instead.")
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long the command may take.",
)
@global_options
def connect(line: str | None, timeout: int) -> None:
    """Open a shell on the host through Session Manager, without an open port.

    With --command, runs that and exits with its exit code.
    """
    from cfgen import operations

    config = configuration({})
    if line is None:
        code = operations.shell(config, settings().profile, talk, given())
    else:
        ended = operations.remote_command(config, settings().profile, line, float(timeout), given())
        emit(ended.stdout)
        if ended.stderr:
            talk(ended.stderr.rstrip("\n"))
        if ended.cut:
            talk("Run Command cuts what a command says at 24,000 characters")
        code = ended.exit_code
    click.get_current_context().exit(code)


@click.command(epilog="Example: cfgen dashboard --port 8080")
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    default=5001,
    show_default=True,
    help="Port on this machine.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@global_options
def dashboard(port: int, *, no_browser: bool) -> None:
    """Forward the dashboard's port to this machine, and open it in a browser."""
    from cfgen import operations

    config = configuration({})
    code = operations.forward_dashboard(
        config, settings().profile, port, talk, given(), browse=not no_browser
    )
    click.get_current_context().exit(code)
