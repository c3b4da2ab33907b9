"""The root of the command line."""

import gc

import click

from cfgen import __version__
from cfgen.cli.bot import connect, dashboard, logs, status
from cfgen.cli.boundary import run as run_to_its_end
from cfgen.cli.brake import pause, resume, run
from cfgen.cli.build import build
from cfgen.cli.deploy import deploy
from cfgen.cli.destroy import destroy
from cfgen.cli.diff import diff
from cfgen.cli.doctor import doctor
from cfgen.cli.init import init
from cfgen.cli.lint import lint
from cfgen.cli.options import global_options
from cfgen.cli.prices import prices
from cfgen.cli.recommend import recommend
from cfgen.cli.rollback import rollback
from cfgen.cli.secret import secret


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "CFGEN"},
    epilog="Start with: cfgen recommend --prices offline",
)
@global_options
@click.version_option(__version__, message="%(prog)s %(version)s")
def cfgen() -> None:
    """Run one small trading bot on AWS for the least money that is safe.

    Reads EC2's prices, picks the cheapest way to run the bot, writes a linted CloudFormation
    template for it, and deploys that template.
    """


for command in (
    init,
    recommend,
    build,
    lint,
    deploy,
    diff,
    secret,
    status,
    logs,
    connect,
    dashboard,
    doctor,
    pause,
    resume,
    run,
    rollback,
    destroy,
    prices,
):
    cfgen.add_command(command)


def main() -> None:
    """Entry point of the ``cfgen`` program."""
    # A short run makes little garbage and many objects: looking for cycles at the default rate
    # costs a tenth of a linted build (bench/startup.py).
    gc.set_threshold(100_000, 20, 20)
    run_to_its_end(cfgen)
