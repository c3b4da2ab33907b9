"""The keys of ``cfgen.toml`` that a bot's folder suggests, each with where it comes from. Pure."""

import posixpath
import re
from collections.abc import Iterator

import msgspec

from cfgen.config.exchanges import SESSIONS, ZONES
from cfgen.config.jobs import THE_BOT
from cfgen.config.schema import DEFAULT_SESSION, DEFAULT_TIME
from cfgen.config.sessions import parse_sessions
from cfgen.detect.market import LIBRARY, exchange
from cfgen.detect.options import Option
from cfgen.detect.packages import packages
from cfgen.detect.paths import UNKNOWN
from cfgen.detect.program import Program
from cfgen.detect.programs import NAMEABLE, Found, find_programs, origin_of
from cfgen.detect.survey import Survey
from cfgen.detect.times import Moment, moments, starts
from pricing.calendar import minute_of

SEOUL, NEW_YORK = "Asia/Seoul", "America/New_York"
AMERICAN = {"XNYS", "XNAS"}
"""Exchanges that bots of Seoul trade on at night."""
WINDOWS = {SEOUL: "22:00-06:30", NEW_YORK: "09:00-16:30"}
"""Hours of a host for that session: summer's opening to winter's close in Seoul, and updates."""
OPENING = {SEOUL: "23:30", NEW_YORK: "09:30"}
"""When that session is open all year round."""
SYMBOLS = {"--symbol", "--code", "--ticker", "--stock-code", "--stock_code", "--stock"}
A_SYMBOL = "069500"
REAL = {"real", "live", "prod", "production"}
PAPER = ("demo", "paper", "mock", "virtual", "vps", "sandbox", "test", "dry-run")
MOST_TIMES = 6
RUNNERS = re.compile(r"(?i)main|bot|run|engine|schedul|loop|trader|app|worker|service|strateg")
SHARED = ("/tmp", "/var/tmp", "/dev", "/proc", "/run", "/sys", "/opt/trading-bot")  # noqa: S108
"""Folders that every program has, or that are the bot's already."""


class Wishes(msgspec.Struct, frozen=True):
    """What the user has said; ``None`` leaves it to what is seen."""

    programs: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None
    times: tuple[str, ...] | None = None
    page: str | None = None
    calendar: str | None = None
    zone: str | None = None
    include: tuple[str, ...] | None = None
    hours: str = ""


class Proposal(msgspec.Struct, frozen=True):
    """A value for a key, and where it comes from; that is empty for what the user said."""

    key: str
    value: object
    origin: str


class Note(msgspec.Struct, frozen=True):
    """What the user must know of a key."""

    key: str
    text: str


class Draft(msgspec.Struct, frozen=True):
    """What is proposed. ``settled`` has every wish filled in; ``doubts`` names those to ask."""

    proposals: tuple[Proposal, ...] = ()
    notes: tuple[Note, ...] = ()
    settled: Wishes = Wishes()
    doubts: frozenset[str] = frozenset()


def propose(survey: Survey, wishes: Wishes, source: str) -> Draft:
    """Propose values; ``source`` is the folder as ``bot.source`` would name it.

    A folder without any Python proposes nothing.
    """
    if not survey.programs:
        return Draft(settled=wishes)
    found = find_programs(survey)
    return _Drafting(survey, wishes, found).draft(source)


class _Drafting:
    """The facts that the proposals share."""

    def __init__(self, survey: Survey, wishes: Wishes, found: Found) -> None:
        self.survey, self.wishes, self.found = survey, wishes, found
        self.names = found.programs if wishes.programs is None else wishes.programs
        self.page = found.page if wishes.page is None else wishes.page
        self.programs = [self._program(name) for name in self.names]
        self.reached = self._reached()
        seen = exchange(self.reached)
        self.exchange = seen
        self.calendar = (seen.calendar or "XKRX") if wishes.calendar is None else wishes.calendar
        self.moments = self._moments()
        self.zone = self._guessed_zone() if wishes.zone is None else wishes.zone
        self.times = {one.path: self._times(one) for one in self.programs}
        self.include = self._ignored() if wishes.include is None else wishes.include

    def draft(self, source: str) -> Draft:
        needs = any(_needed(one) for one in self.programs)
        single = len(self.programs) == 1 and not self._loop(self.programs[0])
        clocks = tuple(one.clock for one in self.times[self.names[0]]) if self.programs else ()
        settled = Wishes(
            self.names,
            self._arguments(self.programs[0]) if self.programs else (),
            (clocks or (DEFAULT_TIME,)) if self.wishes.times is None else self.wishes.times,
            self.page,
            self.calendar,
            self.zone,
            self.include,
            self.wishes.hours,
        )
        doubts = {
            "programs": True,
            "arguments": needs and len(self.programs) == 1,
            "times": single,
            "page": bool(self.found.page),
            "calendar": bool(self.exchange.calendar),
            "zone": self.calendar in AMERICAN,
            "include": bool(self._ignored()),
        }
        asked = frozenset(name for name, is_asked in doubts.items() if is_asked)
        proposals = tuple(self._proposals(source))
        return Draft(proposals, tuple(dict.fromkeys(self._notes())), settled, asked)

    def _proposals(self, source: str) -> Iterator[Proposal]:
        yield Proposal("bot.source", source, self._source_origin())
        yield from self._bot()
        yield from self._surroundings()
        yield from self._market()
        program = self.survey.programs.get(self.page)
        if not program:
            why = (
                ""
                if self.wishes.page is not None
                else "a folder in which no program runs a Flask app"
            )
            yield Proposal("dashboard.enabled", False, why)
            return
        why = f"{self.page}, which runs a Flask app"
        yield Proposal("dashboard.entrypoint", self.page, why)
        if program.web.port:
            yield Proposal("dashboard.port", program.web.port, self.page)

    def _bot(self) -> Iterator[Proposal]:
        if not self.programs:
            return
        if self._modeless():
            yield Proposal("bot.mode_argument", "", f"{', '.join(self.names)}: no --mode in it")
        first = self.programs[0]
        times = self.times[first.path]
        if len(self.programs) > 1 or len(times) > 1:
            yield Proposal("bot.jobs", list(self._jobs()), self._jobs_origin())
            return
        yield Proposal("bot.entrypoint", first.path, self._entrypoint_origin(first))
        yield Proposal("bot.arguments", list(self._arguments(first)), self._arguments_origin(first))
        if line := self._loop(first):
            yield Proposal("bot.kind", "service", line)
        if self.calendar == "always":
            yield Proposal("bot.days", "Mon..Sun", f"market.calendar = {self.calendar}")
        if times:
            yield Proposal("bot.run_at", times[0].clock, times[0].origin)

    def _surroundings(self) -> Iterator[Proposal]:
        found = packages(self.survey.folder)
        yield Proposal(
            "bot.requirements", found.pinned, found.pinned or "a folder without a requirements file"
        )
        if found.python:
            yield Proposal("bot.python", found.python, found.python_origin)
        if key_file := self._key_file():
            yield Proposal("bot.key_file", *key_file)
        if folders := dict(self._writable()):
            origin = ", ".join(dict.fromkeys(folders.values()))
            yield Proposal("bot.writable", sorted(folders), f"{origin}, which writes there")
        if self.include:
            origin = "git ignores it, and the bot imports it" * (self.wishes.include is None)
            yield Proposal("bot.include", list(self.include), origin)

    def _market(self) -> Iterator[Proposal]:
        if self.calendar != "XKRX":
            origin = self.exchange.origin if self.wishes.calendar is None else ""
            yield Proposal("market.calendar", self.calendar, origin)
        if self.calendar in SESSIONS:
            session = SESSIONS[self.calendar]
            yield Proposal("market.session", session, f"market.calendar = {self.calendar}")
        if self.zone != SEOUL or self.calendar in AMERICAN:
            yield Proposal(
                "bot.timezone", self.zone, "the exchange's" * (self.zone == self._home())
            )
        if self.wishes.hours == "market" and self.calendar in AMERICAN and self.zone in WINDOWS:
            yield Proposal("workload.window", WINDOWS[self.zone], "market.session, in bot.timezone")

    # What is asked of the folder

    def _program(self, name: str) -> Program:
        return self.survey.programs.get(name) or Program(name)

    def _reached(self) -> tuple[Program, ...]:
        names = (*self.names, *filter(None, [self.page]))
        return tuple(dict.fromkeys(one for name in names for one in self.survey.reached(name)))

    def _moments(self) -> list[Moment]:
        clocks = [(one.path, *clock) for one in self.reached for clock in one.clocks]
        return moments(self.survey.folder.contents, clocks)

    def _guessed_zone(self) -> str:
        if self.calendar not in AMERICAN:
            return ZONES.get(self.calendar, SEOUL)
        night = any(one.clock >= "21:00" or one.clock < "07:00" for one in starts(self.moments))
        return SEOUL if night else NEW_YORK

    def _times(self, program: Program) -> list[Moment]:
        """When a program is started; empty for a service and where nothing says so."""
        if self.wishes.times is not None:
            return [Moment(clock, "run", "", "") for clock in self.wishes.times]
        found = [] if self._loop(program) else starts(self._of(program))
        kept = [one for one in found if self._in_session(one.clock)]
        if not kept and self.calendar in AMERICAN:
            return [Moment(OPENING.get(self.zone, DEFAULT_TIME), "run", "the opening", "XNYS")]
        return kept if len(kept) <= MOST_TIMES else []

    def _of(self, program: Program) -> list[Moment]:
        """The moments of a program: not those in a file that is named like another one."""
        stems = {_stem(one.path) for one in self.programs} - {_stem(program.path)}
        mine = [one for one in self.moments if _stem(one.file) == _stem(program.path)]
        return mine or [one for one in self.moments if _stem(one.file) not in stems]

    def _in_session(self, clock: str) -> bool:
        if self.calendar == "always" or self.zone == SEOUL != self._home():
            return True
        sessions = parse_sessions(SESSIONS.get(self.calendar, DEFAULT_SESSION))
        return any(one.start <= minute_of(clock) <= one.end for one in sessions)

    def _home(self) -> str:
        return ZONES.get(self.calendar, SEOUL)

    def _loop(self, program: Program) -> str:
        """Where a program keeps itself running, or empty."""
        if program.loop:
            return f"{program.path}, which loops from line {program.loop}"
        for name in (
            self.survey.imported(program.path) if program.path in self.survey.programs else []
        ):
            other = self.survey.programs[name]
            if other.loop and RUNNERS.search(_stem(name)) and not LIBRARY.search(name):
                return f"{name}, which loops from line {other.loop}"
        return ""

    def _arguments(self, program: Program) -> tuple[str, ...]:
        if self.wishes.arguments is not None and program.path == self.names[0]:
            return self.wishes.arguments
        given: list[str] = []
        for option in _needed(program):
            if value := self._value(option):
                given += [option.name, value] if option.name.startswith("-") else [value]
        return tuple(given)

    def _value(self, option: Option) -> str:
        """A value for an option without a default; never one that means real money."""
        for name in PAPER:
            if name in option.choices:
                return name
        harmless = [one for one in option.choices if one.lower() not in REAL]
        if option.choices:
            return harmless[0] if harmless and len(harmless) == len(option.choices) else ""
        symbol = f"--{option.name.lstrip('-')}" in SYMBOLS and self.calendar == "XKRX"
        return A_SYMBOL if symbol else ""

    def _jobs(self) -> Iterator[dict[str, object]]:
        taken: set[str] = set()
        for program in self.programs:
            alone = len(self.programs) == 1
            name = THE_BOT if alone else _job_name(_stem(program.path), taken)
            taken.add(name)
            job: dict[str, object] = {
                "name": name,
                "entrypoint": program.path,
                "arguments": list(self._arguments(program)),
            }
            if self._loop(program):
                job["kind"] = "service"
            if self.calendar == "always":
                job["days"] = "Mon..Sun"
            times = [one.clock for one in self.times[program.path]]
            yield job | {"at": times or [DEFAULT_TIME]}

    def _key_file(self) -> tuple[str, str] | None:
        for program in self.reached:
            for path in sorted(program.key_files, key=len, reverse=True):
                place = posixpath.normpath(path)
                if UNKNOWN not in place and not place.startswith(("/", "..")):
                    return place, f"{program.path}, which reads it there"
        return None

    def _writable(self) -> Iterator[tuple[str, str]]:
        for program in self.reached:
            for path in program.writes:
                sure = path.partition(UNKNOWN)[0]
                folder = posixpath.normpath(
                    sure if sure == path else posixpath.dirname(sure) or "."
                )
                outside = folder.startswith(("~/", "/")) and folder not in ("/", "//")
                if outside and not f"{folder}/".startswith(tuple(f"{one}/" for one in SHARED)):
                    yield folder, program.path

    def _ignored(self) -> tuple[str, ...]:
        folders = [one for one in self.survey.folder.ignored if one.endswith("/")]
        return tuple(
            folder
            for folder in folders
            if any(program.path.startswith(folder) for program in self.reached)
        )

    # What is said of it

    def _source_origin(self) -> str:
        folder = self.survey.folder
        text = "this folder, packed at each deploy"
        if folder.remote and folder.commit:
            text += f"; or {folder.remote}@{folder.commit}, if everybody may read that repository"
        return text

    def _entrypoint_origin(self, program: Program) -> str:
        origin = "" if self.wishes.programs is not None else origin_of(program)
        others = [one for one in self.found.others if one not in self.names]
        if others and origin:
            more = f" and {len(others) - 4} more" if len(others) > 4 else ""
            origin += f"; {', '.join(others[:4])}{more} could be further [[bot.jobs]]"
        return origin

    def _arguments_origin(self, program: Program) -> str:
        if self.wishes.arguments is not None:
            return ""
        needed = ", ".join(one.name for one in _needed(program))
        return (
            f"{program.path}, which needs {needed}"
            if needed
            else f"{program.path}, which needs none"
        )

    def _jobs_origin(self) -> str:
        if self.wishes.times is not None:
            return ""
        found = dict.fromkeys(one.origin for times in self.times.values() for one in times)
        programs = ", ".join(self.names) if len(self.names) > 1 else ""
        first = self._entrypoint_origin(self.programs[0]) if len(self.programs) == 1 else ""
        return "; ".join(filter(None, [first or programs, *found]))

    def _modeless(self) -> bool:
        """Whether each program parses its command line, and would fail at ``--mode``."""
        return all(
            one.line.parses and not one.line.unknown and not one.line.option("--mode")
            for one in self.programs
        )

    def _notes(self) -> Iterator[Note]:
        folder = self.survey.folder
        if folder.cut_short:
            yield Note("bot.source", "the folder is large: only a part of it was looked at")
        if not self.programs:
            yield Note("bot.entrypoint", "no program was seen that could be the bot: name it")
        for program in self.programs:
            yield from _mode_notes(program, self.reached, passed=not self._modeless())
            yield from self._argument_notes(program)
            yield from self._path_notes(program)
            if program.error:
                yield Note("bot.entrypoint", f"{program.path} is not read: line {program.error}")
            if not NAMEABLE.fullmatch(program.path):
                yield Note(
                    "bot.entrypoint", f"{program.path}: rename it, to letters, digits, . _ -"
                )
        yield from self._time_notes()
        found = packages(folder)
        if found.listed and not found.pinned:
            text = (
                f"pyproject.toml lists {found.listed} packages, but the host installs from a pip "
            )
            yield Note("bot.requirements", text + "requirements file: write one and name it here")
        elif not found.pinned:
            yield from self._package_notes()
        yield from self._git_notes(found.pinned)
        yield from self._key_notes()

    def _path_notes(self, program: Program) -> Iterator[Note]:
        """A program finds modules beside itself and in the checkout's root."""
        contents = self.survey.programs.contents
        if program.path.startswith("src/") and b"sys.path" not in contents.get(program.path, b""):
            names = self.survey.imported(program.path)
            own = posixpath.dirname(program.path) + "/"
            if (
                any(name.startswith("src/") and not name.startswith(own) for name in names)
                or any(one.level for one in program.imports)
                or self._imports_own_package(program)
            ):
                text = (
                    "which is not where Python looks when the host starts it: add src to sys.path"
                )
                yield Note("bot.entrypoint", f"{program.path} imports from src/, {text}")

    def _imports_own_package(self, program: Program) -> bool:
        package = program.path.split("/")[1]
        return any(one.name.partition(".")[0] == package for one in program.imports)

    def _package_notes(self) -> Iterator[Note]:
        foreign = sorted({name for one in self.reached for name in self.survey.foreign(one.path)})
        if foreign:
            named = ", ".join(foreign[:4]) + (" and others" if foreign[4:] else "")
            text = f"the bot imports {named}: its runs would fail until a pip requirements file"
            yield Note("bot.requirements", f"{text} lists them")

    def _argument_notes(self, program: Program) -> Iterator[Note]:
        given = self._arguments(program)
        if self.wishes.arguments is not None:
            return
        for option in _needed(program):
            dashed = option.name.startswith("-")
            if not self._value(option) and not (dashed and option.name in given):
                text = f"{program.path} needs {option.name}, which has no default: add it"
                yield Note("bot.arguments", text)

    def _time_notes(self) -> Iterator[Note]:
        if self.wishes.times is not None:
            return
        for program in self.programs:
            found = [] if self._loop(program) else starts(self._of(program))
            for one in found:
                if not self._in_session(one.clock):
                    text = (
                        f"{one.origin} is outside the session: it needs a [[bot.jobs]] of its own"
                    )
                    yield Note("bot.run_at", f"{text} with market = false")
            if len(found) > MOST_TIMES:
                yield Note("bot.run_at", f"{len(found)} times were seen: choose those to run at")

    def _git_notes(self, requirements: str) -> Iterator[Note]:
        tracked = self.survey.folder.tracked
        needed = (*self.names, self.page, requirements)
        for name in filter(None, dict.fromkeys(needed)):
            if tracked is not None and name not in tracked and name in self.survey.folder.names:
                yield Note("bot.source", f"git does not track {name}: git add it, or it stays here")
        for program in self.reached:
            if program.path in self.survey.folder.ignored:
                text = f"git ignores {program.path}, which the bot imports: it stays here"
                yield Note("bot.include", f"{text} unless it is named in bot.include")

    def _key_notes(self) -> Iterator[Note]:
        places = {(one.path, path) for one in self.reached for path in one.key_files}
        if places and not self._key_file():
            file, path = min(places)
            shown = path.replace(UNKNOWN, "*")
            text = f"{file} reads {shown}: the host can put it into the checkout or below ~ only"
            yield Note("bot.key_file", text)


def _needed(program: Program) -> list[Option]:
    return [one for one in program.line.options if one.needed and "--mode" not in one.names]


def _mode_notes(program: Program, reached: tuple[Program, ...], *, passed: bool) -> Iterator[Note]:
    """The host calls every program with ``bot.mode_argument`` and ``demo`` (or ``real``)."""
    line = program.line
    mode = line.option("--mode")
    if mode and mode.choices and "demo" not in mode.choices:
        text = (
            f"takes --mode {' or '.join(mode.choices)} and refuses the host's demo or real: set "
            "mode_argument to nothing, and pass its own in arguments"
        )
        yield Note("bot.mode", f"{program.path} {text}")
    elif not mode and line.parses and not line.unknown and passed:
        text = "does not know --mode, which the host passes to each job: its runs would fail"
        yield Note("bot.entrypoint", f"{program.path} {text}")
    elif not mode and line.unknown:
        text = "reads its command line by a library that is not looked into: see that it takes"
        yield Note("bot.entrypoint", f"{program.path} {text} --mode, which the host passes")
    elif not mode and not any("ENV_MODE" in one.strings for one in reached):
        text = "does not read --mode nor ENV_MODE: whether it trades on a demo or a real account is"
        yield Note("bot.mode", f"{program.path} {text} up to its own settings and keys")


def _stem(path: str) -> str:
    return posixpath.basename(path).rpartition(".")[0]


def _job_name(stem: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:30].rstrip("-") or "job"
    name = name if name[0].isalpha() else f"job-{name}"
    return next(one for one in (name, *(f"{name}-{n}" for n in range(2, 99))) if one not in taken)
