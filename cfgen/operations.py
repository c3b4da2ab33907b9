"""What is done to a stack that is there: its end, its repair, its keys, and the bot on it.

Beside ``pipeline.py``, which brings a stack there. The command line calls these and nothing below.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cfgen.config.given import PLAIN, Given
from cfgen.config.schema import Config
from cfgen.errors import ConfigError, Refused
from cfgen.lock import LockedPlan, check_stack, lock_path, read_lock
from cfgen.pipeline import new_token, session_end_for, waiting_for

if TYPE_CHECKING:
    from cfgen.aws import Clients
    from cfgen.bot.brake import Brake, Change, Start
    from cfgen.bot.command import Outcome
    from cfgen.bot.host import Host
    from cfgen.bot.logs import Line
    from cfgen.bot.status import Status
    from cfgen.config.schema import Job
    from cfgen.deploy.destroy import DestroyWatcher
    from cfgen.deploy.drift import Drift
    from cfgen.deploy.events import Event
    from cfgen.deploy.fates import Fate
    from cfgen.deploy.manner import Manner
    from cfgen.deploy.plan import Watcher, Wish
    from cfgen.deploy.run import Result
    from cfgen.doctor.broker import OnHost
    from cfgen.doctor.findings import Finding
    from cfgen.doctor.wheels import Wheels
    from cfgen.secret.check import KeyState
    from cfgen.secret.store import KeyStore


def attach(
    config: Config,
    profile: str | None,
    watcher: "Watcher",
    limit: float,
    given: Given,
    *,
    wait_host: bool = True,
) -> "Result":
    """Follow what is under way. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.run import attach as run

    with aws_errors():
        clients = Clients(config.stack.region, profile)
        wish = _guards(config, wait_host=wait_host)
        return run(wish, clients, waiting_for(limit, given), watcher)


def execute_change_set(
    config: Config,
    profile: str | None,
    watcher: "Watcher",
    limit: float,
    given: Given,
    arn: str,
    allow_replace: tuple[str, ...],
    manner: "Manner",
    *,
    wait_host: bool = True,
    in_session: bool = False,
    now: Callable[[], datetime] | None = None,
) -> "Result":
    """Execute a change set that was kept. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.run import execute as run

    with aws_errors():
        clients = Clients(config.stack.region, profile)
        wish = _guards(
            config, allow_replace, manner, wait_host=wait_host, in_session=in_session, now=now
        )
        return run(arn, wish, clients, waiting_for(limit, given), watcher)


def _guards(
    config: Config,
    allow_replace: tuple[str, ...] = (),
    manner: "Manner | None" = None,
    *,
    wait_host: bool = True,
    in_session: bool = False,
    now: Callable[[], datetime] | None = None,
) -> "Wish":
    """A wish for a stack that is there: its guards only."""
    from cfgen.deploy.manner import Manner
    from cfgen.deploy.plan import Wish

    stack = config.stack
    return Wish(
        stack.name,
        "",
        new_token(),
        allowed_accounts=tuple(stack.allowed_accounts),
        allow_replace=allow_replace,
        protect=stack.termination_protection,
        manner=manner or Manner(),
        wait_host=wait_host,
        in_session=in_session,
        session_end=session_end_for(config, now),
    )


def destroy(
    config: Config,
    profile: str | None,
    watcher: "DestroyWatcher",
    limit: float,
    given: Given,
    *,
    disable_protection: bool,
    retain: tuple[str, ...],
    empty_buckets: tuple[str, ...] = (),
    ask: bool = True,
) -> "tuple[Fate, ...] | None":
    """Delete the stack; ``None`` where there is none. Raises the errors of ``cfgen/errors.py``.

    ``empty_buckets`` are logical ids; with ``ask`` the watcher is asked about the other buckets.
    """
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.destroy import DestroyWish
    from cfgen.deploy.destroy import destroy as run

    stack = config.stack
    wish = DestroyWish(
        stack.name,
        new_token(),
        tuple(stack.allowed_accounts),
        disable_protection,
        retain,
        empty_buckets,
        ask,
    )
    with aws_errors():
        clients = Clients(stack.region, profile)
        return run(wish, clients, waiting_for(limit, given, "destroy"), watcher)


def rollback(
    config: Config,
    profile: str | None,
    watcher: "Watcher",
    limit: float,
    given: Given,
    *,
    skip: tuple[str, ...],
) -> str:
    """Bring a stuck stack back to a stable state, and give it. Raises those errors, too."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.rollback import RollbackWish
    from cfgen.deploy.rollback import rollback as run

    stack = config.stack
    wish = RollbackWish(stack.name, new_token(), tuple(stack.allowed_accounts), skip)
    with aws_errors():
        clients = Clients(stack.region, profile)
        return run(wish, clients, waiting_for(limit, given), watcher)


def store_keys(
    config: Config,
    profile: str | None,
    keys: Mapping[str, str],
    note: Callable[[str], None],
    given: Given = PLAIN,
) -> bool:
    """Put keys into the stack's secret, and say whether anything changed.

    Raises the errors of ``cfgen/errors.py``; none of them shows a key.
    """
    from cfgen.aws import aws_errors
    from cfgen.secret.intake import remark, told
    from cfgen.secret.keys import modes_of

    with aws_errors():
        store = _key_store(config, profile, note, given)
        change = store.merge(keys, new_token())
    modes = modes_of(config)
    for name, done in change.done.items():
        said = remark(name, modes)
        note(f"{name}: kept in the secret, but {said}" if said else f"{name}: {done}")
    if not change.done:
        note(f"{store.name} holds these keys already")
    for line in told(change.after, modes):
        note(line)
    return bool(change.done)


def remove_keys(
    config: Config,
    profile: str | None,
    names: Collection[str],
    note: Callable[[str], None],
    given: Given = PLAIN,
) -> None:
    """Take keys out of the stack's secret. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import aws_errors
    from cfgen.secret.intake import told
    from cfgen.secret.keys import modes_of

    with aws_errors():
        change = _key_store(config, profile, note, given).remove(names, new_token())
    for name, done in change.done.items():
        note(f"{name}: {done}")
    for line in told(change.after, modes_of(config)):
        note(line)


def check_keys(config: Config, profile: str | None, given: Given = PLAIN) -> "list[KeyState]":
    """What is to be said of each key; those that the bot's jobs need come first."""
    from cfgen.aws import aws_errors
    from cfgen.secret.check import key_states
    from cfgen.secret.keys import modes_of

    with aws_errors():
        keys = _key_store(config, profile, lambda _: None, given).read()
    return key_states(keys, modes_of(config))


def kept_cost(config: Config, path: Path, given: Given) -> LockedPlan | None:
    """The plan that the lock keeps, with what it cost then; ``None`` for another region.

    Raises :class:`ConfigError` for a lock that cannot be read, or is another stack's.
    """
    lock = read_lock(path, given.command)
    if lock is None or lock.region != config.stack.region:
        return None
    check_stack(lock, path, config.stack.name, given.command)
    return lock.plan


def status(config: Config, profile: str | None, now: datetime) -> "Status":
    """How the bot is. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.bot.status import read_status

    with aws_errors():
        return read_status(Clients(config.stack.region, profile), config, now)


def log_lines(
    config: Config,
    profile: str | None,
    since: datetime,
    pattern: str,
    job: str | None = None,
    *,
    boot: bool,
    follow: bool,
) -> "Iterator[Line]":
    """Lines of the log of all jobs, of one, or of the host. Raises ``cfgen/errors.py``'s errors."""
    import time

    from cfgen.aws import Clients, aws_errors
    from cfgen.bot.host import resource_ids
    from cfgen.bot.logs import read_lines

    stream = f"/{_log_of(config, job)}" if job else ""

    clients = Clients(config.stack.region, profile)
    with aws_errors():
        ids = resource_ids(clients, config.stack.name)
        group = ids.get("HostLogGroup" if boot else "BotLogGroup")
        if group is None:
            raise ConfigError(
                f"stack {config.stack.name} has no log of ours",
                "it was not made from a template of cfgen's, or is not up yet",
            )
        yield from read_lines(
            clients.logs,
            group,
            since,
            pattern,
            lambda name: name.endswith(stream),
            time.sleep if follow else None,
        )


def _log_of(config: Config, name: str) -> str:
    """The log of a job by its name. Raises :class:`ConfigError` where there is no such job."""
    from cfgen.config.jobs import jobs_of
    from cfgen.host.jobs import log_of

    logs = {job.name: log_of(job) for job in jobs_of(config)}
    if name not in logs:
        raise ConfigError(f"--job: there is no job {name!r}", f"allowed are {', '.join(logs)}")
    return logs[name]


def stack_events(
    config: Config, profile: str | None, since: datetime, *, follow: bool
) -> "Iterator[Event]":
    """The stack's events. Raises the errors of ``cfgen/errors.py``."""
    import time

    from cfgen.aws import Clients, aws_errors
    from cfgen.bot.events import read_events

    clients = Clients(config.stack.region, profile)
    with aws_errors():
        yield from read_events(
            clients, config.stack.name, since, wait=time.sleep if follow else None
        )


def drift(
    config: Config, profile: str | None, watcher: "Watcher", limit: float, given: Given
) -> "tuple[Drift, ...]":
    """What was changed by hand. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.drift import detect

    stack = config.stack
    with aws_errors():
        clients = Clients(stack.region, profile)
        waiting = waiting_for(limit, given)
        return detect(stack.name, tuple(stack.allowed_accounts), clients, waiting, watcher)


def shell(
    config: Config, profile: str | None, note: Callable[[str], None], given: Given = PLAIN
) -> int:
    """Open a shell on the host. Raises the errors of ``cfgen/errors.py``."""
    return _session(config, profile, note, given)


def forward_dashboard(
    config: Config,
    profile: str | None,
    port: int,
    note: Callable[[str], None],
    given: Given = PLAIN,
    *,
    browse: bool,
) -> int:
    """Forward the dashboard to a port of this machine. Raises the errors of ``cfgen/errors.py``."""
    if not config.dashboard.enabled:
        raise Refused("dashboard.enabled is false: the host runs none", "set it, and deploy")
    url = f"http://localhost:{port}"

    def announce() -> None:
        if browse:
            _open_browser_later(url)
        note(f"the dashboard is on {url} while this runs; Ctrl-C ends it")

    ports = {"portNumber": [str(config.dashboard.port)], "localPortNumber": [str(port)]}
    return _session(config, profile, note, given, announce, ports)


def _open_browser_later(url: str) -> None:
    """Open the browser once the session has had time to begin."""
    import threading
    import webbrowser

    timer = threading.Timer(3.0, webbrowser.open, (url,))
    timer.daemon = True
    timer.start()


def _session(
    config: Config,
    profile: str | None,
    note: Callable[[str], None],
    given: Given,
    announce: Callable[[], None] = lambda: None,
    ports: Mapping[str, list[str]] | None = None,
) -> int:
    import shutil

    from cfgen.aws import Clients, aws_errors
    from cfgen.bot.host import reachable_host
    from cfgen.bot.session import FORWARD, open_session, plugin_version, run_program

    # Before a session is started that nobody could take.
    version = plugin_version(shutil.which)
    clients = Clients(config.stack.region, profile)
    with aws_errors():
        host = reachable_host(clients, config.stack.name, given.command)
        note(f"host {host.instance_id}, region {clients.region}, stack {config.stack.name}")
        announce()
        document = FORWARD if ports else ""
        return open_session(clients, host.instance_id, version, run_program, document, ports)


def remote_command(
    config: Config, profile: str | None, line: str, limit: float, given: Given = PLAIN
) -> "Outcome":
    """Run a command on the host. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.bot.command import run_on_host
    from cfgen.bot.host import reachable_host

    clients = Clients(config.stack.region, profile)
    with aws_errors():
        host = reachable_host(clients, config.stack.name, given.command)
        return run_on_host(clients, host, [line], waiting_for(limit, given), limit)


def pause(
    config: Config,
    profile: str | None,
    until: "date | None",
    note: Callable[[str], None],
    given: Given = PLAIN,
    *,
    let_finish: bool,
) -> "Change":
    """Let no job begin, and stop those at work. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.bot.brake import Brake

    brake = Brake(True, until)
    script = ("pause", brake.value, "let-finish" if let_finish else "stop")
    return _set_brake(config, profile, brake, script, note, given)


def resume(
    config: Config, profile: str | None, note: Callable[[str], None], given: Given = PLAIN
) -> "Change":
    """Let jobs begin again. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.bot.brake import Brake

    return _set_brake(config, profile, Brake(False), ("resume",), note, given)


def _set_brake(
    config: Config,
    profile: str | None,
    brake: "Brake",
    script: tuple[str, ...],
    note: Callable[[str], None],
    given: Given,
) -> "Change":
    from cfgen.aws import aws_errors
    from cfgen.bot.brake import set_brake

    with aws_errors():
        clients = _allowed_clients(config, profile, note, given)
        waiting = waiting_for(0, given, "status")
        return set_brake(clients, config.stack.name, brake, waiting, script)


def start_job(
    config: Config,
    profile: str | None,
    job: "Job",
    now: datetime,
    note: Callable[[str], None],
    given: Given = PLAIN,
) -> "Start":
    """Start a job through its own gates. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import aws_errors
    from cfgen.bot.brake import start_job as start
    from cfgen.bot.host import reachable_host

    stack = config.stack.name
    with aws_errors():
        clients = _allowed_clients(config, profile, note, given)
        host = reachable_host(clients, stack, given.command)
        waiting = waiting_for(0, given, "status")
        return start(clients, stack, host, job, now, config.bot.timezone, waiting)


def next_runs(config: Config, brake: "Brake", now: datetime) -> "dict[str, datetime | None]":
    """When each job runs next, as the brake stands."""
    from cfgen.bot.runs import next_run_of
    from cfgen.config.jobs import jobs_of

    free = brake.free_from(now, config.bot.timezone)
    return {job.name: free and next_run_of(config, job, free) for job in jobs_of(config)}


def job_named(config: Config, name: str | None) -> "Job":
    """A job by its name, which may be left out where there is one. Raises :class:`ConfigError`."""
    from cfgen.config.jobs import jobs_of

    jobs = {job.name: job for job in jobs_of(config)}
    if name is None and len(jobs) == 1:
        return next(iter(jobs.values()))
    if name not in jobs:
        what = "name one of the jobs" if name is None else f"there is no job {name!r}"
        raise ConfigError(f"JOB: {what}", f"allowed are {', '.join(jobs)}")
    return jobs[name]


def examine(
    config: Config,
    path: Path | None,
    profile: str | None,
    now: datetime,
    given: Given = PLAIN,
    *,
    live: bool = False,
    wheels: bool = True,
) -> "tuple[Finding, ...]":
    """Look at everything between the user and a running bot.

    ``path`` is the configuration's, ``None`` for ``./cfgen.toml``; with ``live`` the host asks the
    broker for a token; without ``wheels`` pip is not asked. Raises :class:`ConfigError`.
    """
    import os
    from datetime import UTC

    from cfgen.aws import Clients
    from cfgen.doctor.findings import addressed
    from cfgen.doctor.run import Case, Edges
    from cfgen.doctor.run import examine as run

    try:
        plan = kept_cost(config, lock_path(path), given)
    except ConfigError:
        # Commands that build on the lock say what is wrong with it.
        plan = None
    option = f" --profile {profile}" if profile else ""
    there = os.path.lexists(given.file)
    case = Case(config, given.file, there, option, plan, now, live)
    edges = Edges(
        lambda: Clients(config.stack.region, profile),
        lambda: datetime.now(UTC),
        _plugin,
        _wheels(config, path, plan) if wheels and config.bot.source else None,
        lambda clients, host: _on_host(clients, host, given),
    )
    return tuple(addressed(one, given.command) for one in run(case, edges))


def _plugin() -> tuple[int, ...] | None:
    """The plugin's version, ``None`` where there is none."""
    import shutil

    from cfgen.bot.session import PLUGIN, plugin_version

    return plugin_version(shutil.which) if shutil.which(PLUGIN) else None


def _wheels(config: Config, path: Path | None, plan: LockedPlan | None) -> "Callable[[], Wheels]":
    """Asks pip for the plan's architecture, or without a plan for all that are allowed."""
    from cfgen.config.checks import is_folder
    from cfgen.deploy.app import Pip
    from cfgen.deploy.requirements import Target
    from cfgen.doctor.wheels import read_wheels
    from cfgen.programs import run

    bot = config.bot
    arches = plan.architectures if plan else tuple(config.workload.architectures)
    targets = tuple(Target(arch, bot.python) for arch in arches)
    pip = Pip(bot.requirements, targets, "look", None, None, check=True, run=run)
    base = path.parent if path else Path()
    folder = base / Path(bot.source).expanduser() if is_folder(bot.source) else None
    return lambda: read_wheels(pip, folder, bot.source)


def _on_host(clients: "Clients", host: "Host", given: Given) -> "OnHost":
    """Runs lines on the host by Run Command. Raises :class:`Refused` where they fail."""
    from collections.abc import Sequence

    from cfgen.bot.command import run_on_host

    def run(lines: Sequence[str], seconds: float) -> str:
        waiting = waiting_for(0, given, "doctor")
        ended = run_on_host(clients, host, lines, waiting, seconds)
        if ended.exit_code:
            raise Refused(f"{ended.status} ({ended.exit_code}): {ended.stderr.strip()[-200:]}")
        return ended.stdout

    return run


def _key_store(
    config: Config, profile: str | None, note: Callable[[str], None], given: Given
) -> "KeyStore":
    """The stack's secret, in an account that is allowed. Raises :class:`Refused`."""
    from cfgen.secret.store import KeyStore

    clients = _allowed_clients(config, profile, note, given)
    return KeyStore(clients.secretsmanager, config.stack.name)


def _allowed_clients(
    config: Config, profile: str | None, note: Callable[[str], None], given: Given
) -> "Clients":
    """Clients of an account that is allowed, which is told. Raises :class:`Refused`."""
    from cfgen.aws import Clients
    from cfgen.deploy.guards import check_account

    clients = Clients(config.stack.region, profile)
    account = clients.sts.get_caller_identity()["Account"]
    check_account(account, config.stack.allowed_accounts, given.file)
    note(f"account {account}, region {clients.region}, stack {config.stack.name}")
    return clients
