"""The jobs of a configuration: what runs from the checkout, and when. Pure."""

from cfgen.config.schema import Bot, Config, Job

THE_BOT = "bot"
"""Name of the job that the keys of ``[bot]`` describe."""


def jobs_of(config: Config) -> tuple[Job, ...]:
    """``[[bot.jobs]]`` as given; without any, the one job that the keys of ``[bot]`` describe."""
    return tuple(config.bot.jobs) or (_only_job(config.bot),)


def _only_job(bot: Bot) -> Job:
    return Job(
        name=THE_BOT,
        entrypoint=bot.entrypoint,
        arguments=bot.arguments,
        kind=bot.kind,
        days=bot.days,
        at=[bot.run_at],
        retries=0 if bot.mode == "real" else 3,
        timeout="",
    )


def unit_of(job: Job) -> str:
    """The name of a job's units, without ``.service`` or ``.timer``."""
    return "trading-bot" if job.name == THE_BOT else f"trading-bot-{job.name}"
