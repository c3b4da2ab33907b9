"""``cfgen pause``, ``resume`` and ``run``: the brake, and a run by hand."""

import click

from cfgen.cli.options import again, configuration, given, global_options, settings, yes_option
from cfgen.cli.terminal import answered, emit, now, paper, someone_to_ask, talk

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, on one line.")


@click.command(epilog="Example: cfgen pause --until 2026-12-28")
@click.option(
    "--until",
    metavar="DATE",
    help="The day on which runs begin again, in bot.timezone; without it, after cfgen resume.",
)
@click.option(
    "--let-finish", is_flag=True, help="Leave daily runs that are at work alone until they end."
)
@json_option
@global_options
def pause(until: str | None, *, let_finish: bool, as_json: bool) -> None:
    """Let no job begin, and stop those at work. Asks nothing.

    Open orders at the broker stay, and so does the dashboard. It holds on the next host, too.
    """
    from cfgen import operations
    from cfgen.bot.brake import until_of
    from cfgen.report.brake import change_json, paused_text

    config = configuration({})
    moment = now()
    day = until_of(until, moment, config.bot.timezone) if until else None
    change = operations.pause(config, settings().profile, day, talk, given(), let_finish=let_finish)
    runs = operations.next_runs(config, change.brake, moment)
    text = paused_text(change, config, runs, again("resume"))
    emit(change_json(change, runs) if as_json else text)


@click.command(epilog="Example: cfgen resume")
@json_option
@global_options
def resume(*, as_json: bool) -> None:
    """Let jobs run again, and start those that stay up.

    Daily runs that were left out meanwhile are not made up for.
    """
    from cfgen import operations
    from cfgen.report.brake import change_json, resumed_text

    config = configuration({})
    change = operations.resume(config, settings().profile, talk, given())
    runs = operations.next_runs(config, change.brake, now())
    emit(change_json(change, runs) if as_json else resumed_text(change, config, runs))


@click.command(epilog="Example: cfgen run")
@click.argument("job", required=False)
@yes_option
@json_option
@global_options
def run(job: str | None, *, yes: bool, as_json: bool) -> None:
    """Start a job now, and say how its first seconds went.

    JOB may be left out where there is only one. Brake and market gate decide as ever: exits 5 where
    one of them leaves the run out, or the job is at work already.
    """
    from cfgen import operations, pipeline
    from cfgen.deploy.redact import printable
    from cfgen.errors import Declined
    from cfgen.report.brake import start_error, start_json, start_text

    config = configuration({})
    found = operations.job_named(config, job)
    if not yes:
        pipeline.needs_terminal("run asks first", "--yes", present=someone_to_ask())
        account = "a REAL account" if config.bot.mode == "real" else "a demo account"
        question = f"Start job {found.name} of stack {config.stack.name} now, on {account}?"
        if not answered(click.confirm(question, default=False, err=True)):
            raise Declined("nothing was started")
    start = operations.start_job(config, settings().profile, found, now(), talk, given())
    shown = printable if paper().terminal else str
    emit(start_json(start) if as_json else start_text(start, shown))
    if error := start_error(start, again):
        raise error
