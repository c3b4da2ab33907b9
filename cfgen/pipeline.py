"""The stages, in order. The command line calls these and nothing below them.

Each is a function from values to a value. AWS's clients, the clock for waiting and sleep are made
here and passed down; the moment of a run comes from above.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from cfgen.config.checks import is_folder
from cfgen.config.given import PLAIN, Given
from cfgen.config.jobs import jobs_of
from cfgen.config.load import FILE_NAME as CONFIG_NAME
from cfgen.config.load import Override, make_config
from cfgen.config.load import load_config as load_config
from cfgen.config.refs import can_move, is_git, split_source
from cfgen.config.schema import (
    Config,
    commitments_of,
    host_shape_of,
    usage_of,
    workload_of,
)
from cfgen.config.write import render as render_config
from cfgen.errors import ConfigError, Refused
from cfgen.files import read_text, write_atomically
from cfgen.lock import FILE_NAME as LOCK
from cfgen.lock import Lock, LockedPlan, lock_for, lock_of, write_lock
from cfgen.lock import lock_path as lock_path
from cfgen.prices import Prices, live_source, wanted_regions
from cfgen.prices import read_market as read_prices
from pricing.bill import Bill
from pricing.commitments import hold
from pricing.market import Market, Notice
from pricing.offers import Architecture
from pricing.plans import Plan, make_plans
from pricing.price import Unpriced
from pricing.recommend import Recommendation
from pricing.recommend import recommend as rank
from pricing.sources.assemble import assemble
from pricing.sources.snapshot import encode, snapshot_of
from pricing.workload import HostShape

if TYPE_CHECKING:
    from cfgen.deploy.app import Pip, Reach
    from cfgen.deploy.bundle import Bundle
    from cfgen.deploy.changeset import ChangeSet
    from cfgen.deploy.manner import Manner
    from cfgen.deploy.plan import Watcher, Wish
    from cfgen.deploy.rehearse import Rehearsal
    from cfgen.deploy.run import Result
    from cfgen.deploy.waiting import Waiting
    from cfgen.detect.propose import Draft, Wishes
    from cfgen.detect.survey import Survey
    from cfgen.lint.findings import Finding
    from cfgen.template.switch import Effect

Format = Literal["yaml", "json"]


class Choice(msgspec.Struct, frozen=True):
    """The plan to build, for a ``stack``. ``lock`` is the lock that holds it, if there is one.

    ``cheaper`` is a plan that would cost less than the locked one; ``left`` is what a lock kept
    until another plan was chosen. ``effect`` is what the switch between the two does to the host,
    ``None`` where there is no other plan, or it cannot be built.
    """

    plan: LockedPlan
    recommendation: Recommendation
    lock: Lock | None
    cheaper: Plan | None
    stack: str = Config().stack.name
    left: LockedPlan | None = None
    effect: "Effect | None" = None

    @property
    def current(self) -> Plan | None:
        """The plan at today's prices."""
        return self.recommendation.plan(self.plan.id)


class Kept(msgspec.Struct, frozen=True):
    """The plan that a lock keeps, and what the recommended one would do to its host.

    ``effect`` is ``None`` where that is the same plan, or cannot be built.
    """

    plan: LockedPlan
    effect: "Effect | None" = None


class DeployRequest(msgspec.Struct, frozen=True):
    """What ``deploy`` was asked for; ``limit`` is in seconds, ``base`` where paths begin.

    ``ask`` asks a person what else is packed, ``None`` where there is nobody to ask. Without a
    ``manner`` it is an ordinary deploy.
    ``lock`` is the plan's lock, beside which the locked requirements are; ``architectures`` are
    those that the host may have. ``cache`` says whether what had its wheels may be remembered.
    ``wait_host`` waits until the host has the change; ``in_session`` lets the host go while the
    exchange is open, which is not looked at without ``now``.
    """

    config: Config
    body: str
    parameters: dict[str, str]
    allow_replace: tuple[str, ...]
    refresh_image: bool
    limit: float
    base: Path = Path()
    built: bool = True
    execute: bool = True
    compare_cost: bool = False
    manner: "Manner | None" = None
    given: Given = PLAIN
    ask: Callable[[str, bool], bool] | None = None
    lock: Path = Path(LOCK)
    architectures: tuple[Architecture, ...] = ()
    check_wheels: bool = True
    cache: bool = True
    wait_host: bool = True
    in_session: bool = False
    now: Callable[[], datetime] | None = None


def read_market(config: Config, prices: Prices, *, everywhere: bool = False) -> Market:
    """Read the prices of the configured types, in the configured region or ``everywhere``.

    Raises :class:`pricing.errors.PricingError`, :class:`ConfigError` and :class:`AwsError`.
    """
    types = tuple(config.workload.instance_types)
    market = read_prices(prices, config.stack.region, types, everywhere=everywhere)
    return hold(market, commitments_of(config), prices.now.date().isoformat())


def refresh_snapshot(
    config: Config, prices: Prices, path: Path, *, everywhere: bool
) -> tuple[Market, tuple[Notice, ...]]:
    """Read every figure from the live APIs, write them as a snapshot and say what it lacks.

    Raises :class:`pricing.errors.PricingError`, :class:`ConfigError` and :class:`AwsError`, before
    anything is written.
    """
    home, types = config.stack.region, tuple(config.workload.instance_types)
    with live_source(msgspec.structs.replace(prices, mode="live")) as source:
        regions, notices = wanted_regions(source, home, everywhere=everywhere)
        names, figures, replaced = source.figures(regions, types)
    market = assemble(regions, names, figures, (*notices, *replaced))
    if all(isinstance(offer.hourly, Unpriced) for offer in market.offers):
        reasons = dict.fromkeys(one.message for one in (*market.notices, *_lacking(market)))
        raise Refused("\n  ".join(["no price was found to write", *list(reasons)[:3]]))
    write_atomically(path, encode(snapshot_of(figures)).decode())
    return market, (*market.notices, *_lacking(market))


def _lacking(market: Market) -> Iterator[Notice]:
    """Each price that is not known, once."""
    absences = [
        *(offer.hourly for offer in market.offers),
        *(rate for rates in market.rates.values() for rate in rates.values()),
        *(one.absence for one in market.missing),
    ]
    for one in dict.fromkeys(one for one in absences if isinstance(one, Unpriced)):
        yield Notice(one.code, one.reason)


def recommend(config: Config, prices: Prices, *, everywhere: bool = False) -> Recommendation:
    """Rank every way to run the configured bot."""
    market = read_market(config, prices, everywhere=everywhere)
    return rank(market, workload_of(config), host_shape_of(config), usage_of(config))


def write_recommended(
    config: Config,
    recommendation: Recommendation,
    path: Path,
    now: datetime,
    given: Given = PLAIN,
) -> tuple[Lock, Kept | None]:
    """Lock the recommended plan, and give what a lock kept until then, if it was another.

    Raises :class:`Refused` where nothing fits.
    """
    lock = lock_of(recommendation, _recommended(recommendation, given), now, config.stack.name)
    try:
        kept = kept_plan(config, recommendation, path, now)
    except ConfigError:
        # What cannot be read, or is another stack's, gives way: that was asked for.
        kept = None
    write_lock(path, lock)
    return lock, kept if kept and kept.plan.id != lock.plan.id else None


def needs_one_region(what: str, *, everywhere: bool) -> None:
    """Raise :class:`ConfigError` where a command that needs one region was given all."""
    if everywhere:
        raise ConfigError(f"--region all: {what} is for one region", "name the region")


def kept_plan(
    config: Config,
    recommendation: Recommendation,
    path: Path,
    now: datetime,
    given: Given = PLAIN,
) -> Kept | None:
    """What the lock keeps for this stack, if anything. Raises :class:`ConfigError`."""
    lock = lock_for(path, config.stack.name, recommendation.market.region, given.command)
    if lock is None:
        return None
    return Kept(lock.plan, _effect(config, lock.plan, recommendation, now.year))


def _effect(
    config: Config, kept: LockedPlan, recommendation: Recommendation, year: int
) -> "Effect | None":
    """What the switch from a kept plan to the recommended one does to the host."""
    best = recommendation.recommended
    if best is None or best.id == kept.id or best.offer.region != recommendation.market.region:
        return None
    from cfgen.template.build import build
    from cfgen.template.switch import effect_of

    plans = (kept, LockedPlan.of(best, recommendation))
    try:
        return effect_of(*(build(config, plan, year).to_dict() for plan in plans))
    except ConfigError:
        # Why a plan cannot be built is told when it is.
        return None


def choose(
    config: Config,
    prices: Prices,
    path: Path,
    *,
    refresh: bool,
    insist: bool,
    given: Given = PLAIN,
) -> Choice:
    """Keep the locked plan, or choose one where nothing is locked or ``refresh`` is set.

    ``insist`` says that the user asked for a choice of their own: it is refused where it differs
    from the lock, rather than ignored. Raises :class:`Refused` and :class:`ConfigError`.
    """
    recommendation = recommend(config, prices)
    stack, year = config.stack.name, prices.now.year
    if refresh:
        return _choose_anew(config, recommendation, path, prices.now, given)
    lock = lock_for(path, stack, config.stack.region, given.command)
    if lock is None:
        plan = LockedPlan.of(_recommended(recommendation, given), recommendation)
        return Choice(plan, recommendation, None, None, stack)
    anew = "add --refresh to choose anew"
    current = recommendation.plan(lock.plan.id)
    if current is None and (absence := recommendation.absence(lock.plan.id)):
        if insist:
            raise Refused(
                f"{path}: keeps {lock.plan.id}, which these options cannot be compared with: "
                f"{absence.reason}",
                anew,
            )
        # Kept all the same: what was chosen does not change because a price cannot be read today.
        return Choice(lock.plan, recommendation, lock, None, stack)
    if current is None:
        raise Refused(f"{path}: keeps {lock.plan.id}, which is not among the wanted plans", anew)
    if not lock.plan.is_like(LockedPlan.of(current, recommendation)):
        raise ConfigError(f"{path}: what it says of {lock.plan.id} does not hold together", anew)
    if current.rejected_because:
        reasons = "; ".join(rejection.reason for rejection in current.rejected_because)
        wishes = (REMEDIES.get(rejection.code) for rejection in current.rejected_because)
        accept = " and ".join(dict.fromkeys(filter(None, wishes)))
        raise Refused(
            f"{path}: keeps {lock.plan.id}, which {given.file} does not accept: {reasons}",
            f"set {accept}; or choose anew with --refresh" if accept else anew,
        )
    best = _recommended(recommendation, given)
    if insist and best.id != current.id:
        raise Refused(f"{path}: keeps {current.id}, these options would choose {best.id}", anew)
    if best.monthly >= current.monthly:
        return Choice(lock.plan, recommendation, lock, None, stack)
    effect = _effect(config, lock.plan, recommendation, year)
    return Choice(lock.plan, recommendation, lock, best, stack, effect=effect)


def _choose_anew(
    config: Config, recommendation: Recommendation, path: Path, now: datetime, given: Given
) -> Choice:
    plan = LockedPlan.of(_recommended(recommendation, given), recommendation)
    try:
        kept = kept_plan(config, recommendation, path, now)
    except ConfigError:
        # What cannot be read, or is another stack's, gives way: that was asked for.
        kept = None
    choice = Choice(plan, recommendation, None, None, config.stack.name)
    if kept is None or kept.plan.id == plan.id:
        return choice
    return msgspec.structs.replace(choice, left=kept.plan, effect=kept.effect)


REMEDIES = {
    "interruption": 'workload.max_interruption = "any"',
    "interruption-unknown": 'workload.max_interruption = "any"',
    "hours": 'workload.hours = "market"',
    "commitment": 'workload.commitment = "3yr"',
    "spot-for-real": "bot.allow_spot_for_real = true",
    "memory": "a smaller workload.memory_mib",
    "architecture": "its architecture in workload.architectures",
}
"""What of the configuration accepts a plan, by the code of its rejection."""


def _recommended(recommendation: Recommendation, given: Given = PLAIN) -> Plan:
    plan = recommendation.recommended
    if plan is None:
        reasons = [
            f"{plan.id}: {'; '.join(rejection.reason for rejection in plan.rejected_because)}"
            for plan in recommendation.plans[:3]
        ]
        shows = f"{given.command('recommend --all')} shows every plan"
        raise Refused(
            "\n  ".join(["no plan fits the workload", *reasons]),
            f"relax what {given.file} asks for; {shows}",
        )
    return plan


def bill_of(choice: Choice, built_for: Mapping[str, object]) -> Bill | None:
    """Today's bill of what a template was built for; ``None`` where that is not known any more."""
    recommendation = choice.recommendation
    try:
        host = msgspec.convert(built_for.get("Host"), HostShape)
    except msgspec.ValidationError:
        return None
    plans, _ = make_plans(
        recommendation.market, recommendation.workload, host, recommendation.usage
    )
    return next((one.bill for one in plans if one.id == built_for.get("Plan")), None)


def build(
    config: Config,
    plan: LockedPlan,
    year: int,
    output: Format = "yaml",
    given: Given = PLAIN,
) -> str:
    """The template's text: the same input gives the same bytes.

    ``year`` is the first of the three whose holidays the host is told. Raises
    :class:`ConfigError`, naming the file that was given.
    """
    # Here and not at the top: troposphere and PyYAML take 0.1 s, which `recommend` must not pay.
    from cfgen.template import render
    from cfgen.template.build import build as build_template

    try:
        template = build_template(config, plan, year)
    except ConfigError as error:
        raise ConfigError(f"{given.file}: {error}", error.hint) from error
    return render.to_yaml(template) if output == "yaml" else render.to_json(template)


def moving_ref(config: Config) -> str:
    """The branch or tag at which ``bot.source`` stands; empty for a commit or a folder."""
    source = config.bot.source
    return split_source(source)[1] if can_move(source) else ""


def packs_folder(config: Config) -> bool:
    """Whether ``bot.source`` is a local folder, which a deploy packs."""
    return is_folder(config.bot.source)


def lint(text: str, region: str) -> "tuple[Finding, ...]":
    """Lint a template's text."""
    from cfgen.lint.run import lint_template

    return lint_template(text, region)


def lint_or_refuse(text: str, region: str, name: str) -> None:
    """Raise :class:`Refused` with the findings, if there are any."""
    if findings := lint(text, region):
        lines = "\n  ".join(finding.located(name) for finding in findings)
        raise Refused(f"{name}: lint findings:\n  {lines}", "--no-lint goes on all the same")


def write_template(path: Path, text: str) -> None:
    """Write a template, whole or not at all. Raises :class:`ConfigError`."""
    write_atomically(path, text)


def new_config_path(path: Path | None, *, force: bool) -> Path:
    """Where ``init`` writes. Raises :class:`Refused` if something is there already."""
    target = path or Path(CONFIG_NAME)
    # Its lock must have a place beside it.
    lock_path(target)
    if target.exists() and not force:
        raise Refused(f"{target} exists", "edit it, or overwrite it with --force")
    return target


def own_stack_name(path: Path) -> str:
    """The stack of a configuration: one that is not ``cfgen.toml`` has a stack of its own."""
    import re

    default = Config().stack.name
    # Stack names: letters, digits and -, at most 128 (CreateStack, CloudFormation API Reference).
    word = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:60].strip("-")
    return default if path.name == CONFIG_NAME or not word else f"{default}-{word}"


def check_flags(given: Mapping[str, tuple[str, object]]) -> None:
    """Raise :class:`ConfigError` naming each flag that is not allowed."""
    make_config({}, CONFIG_NAME, tuple(Override(key, one[1], one[0]) for key, one in given.items()))


def check_folder(path: Path, source: str) -> None:
    """Raise :class:`ConfigError` where ``bot.source`` names a folder that is not there."""
    if is_folder(source) and not (path.parent / Path(source).expanduser()).is_dir():
        raise ConfigError(f"bot.source: {source} is not a folder", "name the bot's folder")


def look(path: Path, source: str) -> "tuple[Survey, str] | None":
    """What is seen in the bot's folder, and its name as ``bot.source``.

    That is the folder ``source``, if it names one, else the one of the configuration ``path``, else
    the one that the command runs in. ``None`` where no program is there. Raises
    :class:`ConfigError` for a source that is no folder.
    """
    from os.path import relpath

    from cfgen.detect.folder import git_in, read_folder
    from cfgen.detect.survey import survey

    check_folder(path, source)
    base = path.parent
    named = source if is_folder(source) else ""
    for place in [named] if named else dict.fromkeys((".", relpath(".", base))):
        folder = base / Path(place).expanduser()
        if not folder.is_dir():
            continue
        seen = survey(read_folder(folder, git_in(folder)))
        if seen.programs:
            return seen, place
    return None


def without_a_folder(programs: tuple[str, ...], *, no_dashboard: bool) -> dict[str, object]:
    """The keys that flags name where there is no folder of the bot's to look into."""
    if len(programs) > 1:
        raise ConfigError(
            "--entrypoint: several need the bot's folder, and no Python file is here",
            "run it in that folder, or name it with --source",
        )
    values: dict[str, object] = {"bot.entrypoint": programs[0]} if programs else {}
    return values | ({"dashboard.enabled": False} if no_dashboard else {})


def propose(seen: "tuple[Survey, str] | None", wishes: "Wishes") -> "Draft":
    """The values that a bot's folder suggests."""
    from cfgen.detect.propose import Draft
    from cfgen.detect.propose import propose as run

    return run(seen[0], wishes, seen[1]) if seen else Draft(settled=wishes)


def check_programs(seen: "tuple[Survey, str] | None", names: tuple[str, ...]) -> None:
    """Raise :class:`ConfigError` where a program is not in the bot's folder."""
    for name in names:
        check_value("bot.entrypoint", name)
        if seen and name not in seen[0].folder.names:
            raise ConfigError(f"bot.entrypoint: {name} is not in the bot's folder")


def check_calendar(calendar: str) -> None:
    """Raise :class:`ConfigError` for a calendar that init has no session for."""
    from cfgen.config.exchanges import ALWAYS, KOREA, SESSIONS, WEEKDAYS, calendar_problem

    problem = calendar_problem(calendar)
    if not problem and calendar not in (KOREA, WEEKDAYS, ALWAYS, *SESSIONS):
        problem = (
            f"the regular session of {calendar} is not known here: take another, and set "
            "market.calendar and market.session in the file"
        )
    if problem:
        raise ConfigError(f"market.calendar: {problem}")


def check_key(key: str, values: tuple[str, ...]) -> None:
    """Raise :class:`ConfigError` where a key could not hold one of the values, by itself."""
    from cfgen.config.checks import CHECKS

    check = dict(CHECKS)[key]
    if problem := next(filter(None, map(check, values or ("",))), ""):
        raise ConfigError(f"{key}: {problem}")


def needs_terminal(what: str, instead: str, *, present: bool) -> None:
    """Raise :class:`Refused` where a question could not be asked."""
    if not present:
        raise Refused(f"{what}, and there is no terminal to ask on", f"add {instead}")


def default_of(key: str) -> str:
    """The default of a key, as a string."""
    section, _, name = key.partition(".")
    return str(getattr(getattr(Config(), section), name))


def check_value(key: str, value: object) -> None:
    """Raise :class:`ConfigError` where cfgen.toml could not hold the value."""
    make_config({}, CONFIG_NAME, (Override(key, value, key),))


def write_config(
    path: Path,
    values: Mapping[str, object],
    remarks: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Check the values as cfgen.toml's and write the file, with ``remarks`` as further comments."""
    overrides = tuple(Override(key, value, key) for key, value in values.items())
    make_config({}, str(path), overrides)
    write_atomically(path, render_config(values, remarks))


def keep_choice(choice: Choice, path: Path, now: datetime) -> bool:
    """Lock a plan that is not locked yet, and say whether it was written.

    A lock of an earlier schema gets its stack's name, and keeps its plan.
    """
    if choice.lock:
        if choice.lock.stack:
            return False
        write_lock(path, choice.lock.named(choice.stack))
        return True
    plan = choice.recommendation.plan(choice.plan.id)
    if plan is None:
        return False
    write_lock(path, lock_of(choice.recommendation, plan, now, choice.stack))
    return True


def deploy(request: DeployRequest, profile: str | None, watcher: "Watcher") -> "Result":
    """Deploy to AWS. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.run import deploy as run

    clients = Clients(request.config.stack.region, profile)
    with aws_errors():
        wish = _wish(request, watcher, "deploy")
        return run(wish, clients, waiting_for(request.limit, request.given), watcher)


def diff(request: DeployRequest, profile: str | None, watcher: "Watcher") -> "ChangeSet | None":
    """What a deploy would change. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.diff import diff as run

    clients = Clients(request.config.stack.region, profile)
    with aws_errors():
        wish = _wish(request, watcher, "look")
        return run(wish, clients, waiting_for(request.limit, request.given), watcher)


def local_diff(request: DeployRequest, profile: str | None, watcher: "Watcher") -> list[str]:
    """Lines of what differs between templates. Raises the errors of ``cfgen/errors.py``."""
    from cfgen.aws import Clients, aws_errors
    from cfgen.deploy.diff import local_diff as run

    clients = Clients(request.config.stack.region, profile)
    with aws_errors():
        wish = _wish(request, None, "offline")
        return run(wish, clients, waiting_for(request.limit, request.given), watcher)


def rehearse(request: DeployRequest, watcher: "Watcher", last: Path | None = None) -> "Rehearsal":
    """Deploy, twice, to an AWS in memory, from what was rehearsed before; keeps what was rehearsed.

    ``last`` is the folder where that is kept. Raises the errors of ``cfgen/errors.py``.
    """
    from cfgen.aws import aws_errors
    from cfgen.deploy.rehearse import rehearse as run

    stack = request.config.stack
    kept = last / f"{stack.region}-{stack.name}.yaml" if last else None
    before = read_text(kept) if kept and kept.is_file() else None
    with aws_errors():
        wish = _wish(request, watcher, "offline")
        done = run(wish, stack.region, waiting_for(request.limit, request.given), watcher, before)
    if kept:
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, request.body)
        except (OSError, ConfigError) as error:
            watcher.warning(f"the rehearsal is not remembered: {error}")
    return done


def rehearsals() -> Path:
    """Where rehearsals are remembered."""
    from platformdirs import user_cache_path

    return user_cache_path("cfgen", appauthor=False) / "rehearsals"


def _wish(request: DeployRequest, watcher: "Watcher | None", reach: "Reach") -> "Wish":
    """What is wanted, with everything certain that may move; without a ``watcher`` nothing is said.

    Raises :class:`Refused` and :class:`ConfigError` before AWS is asked.
    """
    from cfgen.deploy.manner import Manner
    from cfgen.deploy.plan import Wish

    stack = request.config.stack
    parameters = _pinned(request, watcher, reach)
    return Wish(
        stack.name,
        request.body,
        new_token(),
        parameters,
        stack.tags,
        tuple(stack.allowed_accounts),
        request.allow_replace,
        request.refresh_image,
        stack.termination_protection,
        bundle=_bundle(request, watcher, reach),
        execute=request.execute,
        compare_cost=request.compare_cost,
        manner=request.manner or Manner(),
        wait_host=request.wait_host,
        in_session=request.in_session,
        session_end=session_end_for(request.config, request.now),
    )


def session_end_for(
    config: Config, now: Callable[[], datetime] | None
) -> Callable[[], datetime | None]:
    """What gives the end of the session that is on; without ``now`` none is."""
    from cfgen.host.market import session_end

    return lambda: session_end(config, now()) if now else None


def _pinned(request: DeployRequest, watcher: "Watcher | None", reach: "Reach") -> Mapping[str, str]:
    """The parameters, with the commit of the app's source in place of a branch or tag."""
    from cfgen.deploy.body import default_of
    from cfgen.deploy.source import pin
    from cfgen.programs import run

    given = request.parameters.get("AppSource")
    own = request.config.bot.source if request.built else default_of(request.body, "AppSource")
    source = own if given is None else given
    if source is None or not is_git(source):
        return request.parameters
    if reach == "offline":
        if watcher and can_move(source):
            watcher.note(
                "the source's branch or tag is not looked up here; a deploy pins its commit"
            )
        return request.parameters
    default = "bot.source" if request.built else "the default of AppSource"
    origin = default if given is None else "--parameter AppSource"
    pinned = pin(source, origin, run)
    if pinned:
        source = pinned.source
        if watcher:
            watcher.note(pinned.said)
    if request.built and watcher:
        from cfgen.deploy.app import check_commit

        check_commit(_pip(request, reach), source, watcher)
    return {**request.parameters, "AppSource": source}


def _bundle(request: DeployRequest, watcher: "Watcher | None", reach: "Reach") -> "Bundle | None":
    """The packed app, where the template was built for a local folder and none is given by hand."""
    bot = request.config.bot
    if not (request.built and is_folder(bot.source)) or "AppBundleKey" in request.parameters:
        return None
    from cfgen.config.own import own_files
    from cfgen.deploy.app import locked_lists
    from cfgen.deploy.bundle import Packing, pack

    def lists() -> Mapping[str, bytes]:
        return locked_lists(_pip(request, reach), folder, watcher) if watcher else {}

    dashboard = request.config.dashboard
    programs = [job.entrypoint for job in jobs_of(request.config)]
    needs = [*programs, bot.requirements, dashboard.entrypoint if dashboard.enabled else ""]
    folder = request.base / Path(bot.source).expanduser()
    own = (*own_files(request.base), *own_files(folder))
    packing = Packing(
        tuple(dict.fromkeys(filter(None, needs))),
        tuple(bot.include),
        own,
        request.ask,
        watcher.note if watcher else lambda _: None,
        more=lists,
    )
    return pack(folder, packing)


def _pip(request: DeployRequest, reach: "Reach") -> "Pip":
    """What pip is asked for a request."""
    from platformdirs import user_cache_path

    from cfgen.deploy.app import Pip
    from cfgen.deploy.requirements import Target
    from cfgen.programs import run

    bot = request.config.bot
    return Pip(
        bot.requirements,
        tuple(Target(arch, bot.python) for arch in request.architectures),
        reach,
        request.lock if bot.lock_requirements else None,
        user_cache_path("cfgen", appauthor=False) / "wheels" if request.cache else None,
        request.check_wheels,
        run,
    )


def new_token() -> str:
    """The name of one run, by which AWS knows a repeated call."""
    from uuid import uuid4

    return f"cfgen-{uuid4().hex}"


def waiting_for(limit: float, given: Given = PLAIN, watching: str = "deploy --attach") -> "Waiting":
    """How to wait for AWS, for ``limit`` seconds at the most; ``watching`` goes on after that."""
    import random
    import time

    from cfgen.deploy.waiting import Waiting

    return Waiting(
        time.monotonic,
        time.sleep,
        limit,
        lambda pause: random.uniform(0.8 * pause, pause),  # noqa: S311 - it hides nothing
        given.command,
        watching,
        given.file,
    )
