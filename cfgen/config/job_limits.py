"""Limits of jobs that more than one key has a part in. Pure."""

from collections.abc import Iterator

from cfgen.config.jobs import jobs_of, lanes_of, timings_of
from cfgen.config.market import Problem, time_problem
from cfgen.config.schema import Bot, Config, Job
from cfgen.config.sessions import last_close, placed_sessions, trading_weekdays, up_weekdays
from cfgen.config.weekdays import days_text, parse_days
from pricing.calendar import Window, clock

LEAST_MEMORY_MIB = 100
"""What a bot's process takes with pandas loaded, less what the kernel may take back of it."""

STARTING_TAKES = 10
"""Minutes that a market host must be up before the bot runs."""

PATCHING_TAKES = 20
"""Minutes after the close that a market host must stay up to be patched."""

OF_ONE_JOB = ("entrypoint", "arguments", "kind", "run_at", "days")
"""Keys of ``[bot]`` that describe the one job there is without ``[[bot.jobs]]``."""


def job_problems(config: Config) -> Iterator[Problem]:
    """What does not go together: pairs of a key's path and what is allowed there."""
    jobs = jobs_of(config)
    if config.bot.jobs:
        yield from _beside_jobs(config.bot)
    names = [job.name for job in jobs]
    found = []
    for index, job in enumerate(jobs):
        if job.name in names[:index]:
            found.append(
                (f"bot.jobs[{index}].name", f"{job.name} is the name of an earlier job, too")
            )
        found += _times(config, index, job)
        if config.bot.jobs:
            found += _combinations(f"bot.jobs[{index}]", job)
    yield from found
    yield from _memory(config)
    if config.workload.hours == "market" and not found:
        yield from _market_hours(config)


def _beside_jobs(bot: Bot) -> Iterator[Problem]:
    default = Bot()
    for key in OF_ONE_JOB:
        if getattr(bot, key) != getattr(default, key):
            yield f"bot.{key}", "is of the one job without [[bot.jobs]]: put it into a job's table"


def _times(config: Config, index: int, job: Job) -> Iterator[Problem]:
    key, every = _key(config, index, "run_at", "at"), f"bot.jobs[{index}].every"
    if job.every:
        if job.at != Job(name="", entrypoint="").at:
            yield key, "and every are two ways to say when: name one of them"
        if not job.market:
            yield every, "runs within the session: it needs market = true, or times in at"
        elif not parse_days(job.days) <= trading_weekdays(config):
            days = days_text(trading_weekdays(config))
            yield f"bot.jobs[{index}].days", f"{job.days}: the exchange is open on {days}"
        return
    if not job.at:
        yield key, "is empty: name a time such as 09:05, or say how often in every"
    for time in job.at if job.market else []:
        if problem := time_problem(config, time):
            other = "; market = false runs a job whatever the exchange does"
            yield key, problem + (other if config.bot.jobs else "")


def _combinations(path: str, job: Job) -> Iterator[Problem]:
    if job.kind == "service" and job.exclusive:
        yield f"{path}.exclusive", "a service never ends, so that no other job would have its turn"
    if job.kind == "service" and job.every:
        yield f"{path}.every", "is for daily jobs: a service is started once, and stays up"
    if job.every and job.retries:
        yield f"{path}.retries", "a job with every is not tried again: its next run comes by itself"


def _memory(config: Config) -> Iterator[Problem]:
    lanes = lanes_of(config)
    share = config.workload.memory_mib // (lanes + config.dashboard.enabled)
    if lanes > 1 and share < LEAST_MEMORY_MIB:
        yield (
            "bot.jobs",
            (
                f"{lanes} jobs that may run at once leave each {share} MiB of workload.memory_mib, "
                f"less than {LEAST_MEMORY_MIB}: raise that, or give jobs the same word in exclusive"
            ),
        )


def _market_hours(config: Config) -> Iterator[Problem]:
    window = Window.parse(config.workload.window)
    ready = Window(window.start + STARTING_TAKES, window.end)
    for index, job in enumerate(jobs_of(config)):
        key = _key(config, index, "run_at", "every" if job.every else "at")
        if late := [time for time in start_times(config, job) if not ready.covers(time)]:
            yield (
                key,
                (
                    f"{late[0]} is not within the host's window {window}, at least "
                    f"{STARTING_TAKES} minutes after its start: a run before the host is up is "
                    "missed"
                ),
            )
        elif not job.every:
            yield from _days(config, index, job)
    if config.host.patching and window.end < last_close(config) + PATCHING_TAKES:
        yield (
            "host.patching",
            (
                f"the host goes down before {PATCHING_TAKES} minutes after the close, when updates "
                "are installed; end workload.window later, or set it to false"
            ),
        )


def _days(config: Config, index: int, job: Job) -> Iterator[Problem]:
    for timing in timings_of(config, job):
        time = clock(timing.minutes[0])
        up = up_weekdays(config, time)
        if not timing.days <= up:
            yield (
                _key(config, index, "days", "days"),
                f"{job.days}: a market host is up at {time} on {days_text(up)}, and down on other "
                "days",
            )


def start_times(config: Config, job: Job) -> list[str]:
    """Times of the day, in ``bot.timezone`` and however clocks stand, at which a job starts."""
    if not job.every:
        return job.at
    sessions = [session for season in placed_sessions(config) for session in season]
    return [clock(minute) for one in sessions for minute in (one.start, one.end - 1)]


def _key(config: Config, index: int, of_bot: str, of_job: str) -> str:
    """The path of a job's key, which is one of ``[bot]``'s own where there are no jobs."""
    return f"bot.jobs[{index}].{of_job}" if config.bot.jobs else f"bot.{of_bot}"
