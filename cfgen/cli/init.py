"""``cfgen init``."""

from collections.abc import Callable

import click

from cfgen.cli.options import again, global_options, settings
from cfgen.cli.terminal import answered, someone_to_ask, talk

QUESTIONS = (
    ("name", "stack.name", "Name of the stack"),
    ("source", "bot.source", "Git repository at a ref, such as https://HOST/OWNER/REPO.git@v1.2"),
    ("mode", "bot.mode", "Account: demo or real"),
    ("email", "monitoring.email", "E-mail address for alarms"),
    ("hours", "workload.hours", "Host's hours: always, or market"),
)


@click.command(epilog="Example: cfgen init --non-interactive --email me@example.com")
@click.option("--name", help="Name of the stack.")
@click.option("--source", help="The bot's git repository at a pinned ref.")
@click.option("--mode", type=click.Choice(["demo", "real"]), help="Paper trading or real.")
@click.option("--email", help="Address for alarms.")
@click.option("--hours", type=click.Choice(["always", "market"]), help="When the host runs.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing: flags and defaults only.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@global_options
def init(*, non_interactive: bool, force: bool, **answers: str | None) -> None:
    """Write a commented cfgen.toml, from flags or by asking."""
    from cfgen import pipeline

    path = pipeline.new_config_path(settings().config, force=force)
    given = {path: answers[name] for name, path, _ in QUESTIONS if answers[name] is not None}
    if settings().region:
        given["stack.region"] = settings().region
    if not non_interactive:
        pipeline.needs_terminal(
            "init asks questions", "--non-interactive", present=someone_to_ask()
        )
        for _, key, question in QUESTIONS:
            if key not in given:
                default = pipeline.default_of(key)
                asked = click.prompt(question, default=default, err=True, value_proc=_checked(key))
                answer = str(answered(asked))
                if answer != default:
                    given[key] = answer
    pipeline.write_config(path, given)
    talk(f"wrote {path}; next: {again('recommend')}")


def _checked(key: str) -> Callable[[str], str]:
    """Make a wrong answer be asked for again, with what is allowed."""

    def check(answer: str) -> str:
        from cfgen import pipeline
        from cfgen.errors import ConfigError

        try:
            pipeline.check_value(key, answer)
        except ConfigError as error:
            raise click.UsageError(str(error)) from error
        return answer

    return check
