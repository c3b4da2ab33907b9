"""``cfgen doctor``."""

import click

from cfgen.cli.options import configuration, given, global_options, settings, yes_option
from cfgen.cli.terminal import asker, emit, now, paper, talk


@click.command(epilog="Example: cfgen doctor --live")
@click.option(
    "--live",
    is_flag=True,
    help="Let the host ask the broker for one token, with the keys that it has.",
)
@click.option("--no-wheel-check", is_flag=True, help="Do not ask pip, which takes a minute.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@yes_option
@global_options
def doctor(*, live: bool, no_wheel_check: bool, as_json: bool, yes: bool) -> None:
    """Look at everything between you and a running bot.

    Credentials, permissions, stack, host, keys, versions, alarms: what is wrong, and the command
    that puts it right. Exits 8 where there is a problem.
    """
    from cfgen import operations
    from cfgen.errors import Findings
    from cfgen.report.doctor import doctor_json, doctor_text

    config = configuration({})
    if live:
        _agree(yes=yes)
    moment, options = now(), settings()
    findings = operations.examine(
        config,
        options.config,
        options.profile,
        moment,
        given(),
        live=live,
        wheels=not no_wheel_check,
    )
    if as_json:
        emit(doctor_json(findings, config.stack.name, config.stack.region, moment))
    else:
        emit(doctor_text(findings, paper()))
    problems = sum(one.level == "problem" for one in findings)
    if problems:
        raise Findings(f"{problems} problem{'s' if problems > 1 else ''}")


def _agree(*, yes: bool) -> None:
    """Say what asking the broker does, and ask whether to."""
    from cfgen.doctor.broker import WARNING
    from cfgen.errors import Declined, Refused

    talk(WARNING)
    if yes:
        return
    ask = asker()
    if ask is None:
        raise Refused("--live: there is nobody to ask", "add --yes to go on all the same")
    if not ask("Ask for a token?", False):
        raise Declined("nothing was looked at")
