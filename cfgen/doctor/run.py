"""All checks, each in its turn. What cannot be asked stops nothing that does not rest on it."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from cfgen.bot.host import Host
from cfgen.bot.report import read_reports
from cfgen.bot.runs import JobRuns, read_run_lines, runs_of
from cfgen.config.schema import Config
from cfgen.doctor.account import Identity, judge_clock, judge_identity, read_identity
from cfgen.doctor.alarms import judge_alarms, judge_mail, read_alarms, read_subscriptions
from cfgen.doctor.asking import UNREADABLE, Denied, look, unasked
from cfgen.doctor.broker import (
    DOORS,
    OnHost,
    judge_answer,
    judge_host_clock,
    read_answer,
    soon,
)
from cfgen.doctor.catalog import UNASKED, found
from cfgen.doctor.configuration import judge_configuration
from cfgen.doctor.findings import Finding, sorted_findings
from cfgen.doctor.host import (
    judge_agent,
    judge_host,
    read_host,
    read_last_figure,
    read_machine,
    should_be_up,
)
from cfgen.doctor.image import judge_image, read_image
from cfgen.doctor.keys import judge_keys, read_keys
from cfgen.doctor.permissions import judge_denied, judge_permissions, read_permissions
from cfgen.doctor.plugin import judge_plugin
from cfgen.doctor.runs import judge_brake, judge_runs
from cfgen.doctor.session_manager import judge_preferences, read_preferences
from cfgen.doctor.stack import (
    Built,
    Stack,
    judge_disk_key,
    judge_offered,
    judge_stack,
    read_built,
    read_offered,
    read_stack,
)
from cfgen.doctor.version import judge_version
from cfgen.doctor.wheels import Wheels, judge_wheels
from cfgen.host.render import HOSTS
from cfgen.lock import LockedPlan
from cfgen.secret.keys import modes_of

if TYPE_CHECKING:
    from cfgen.aws import Clients

REPORTS_BACK = timedelta(days=30)
"""How far back a host's report of its version is looked for."""


class Case(msgspec.Struct, frozen=True):
    """What is looked at. ``file`` is the configuration's, ``there`` says whether it is; ``profile``
    is the option that names the profile, with a space before it, or empty. ``plan`` is the locked
    one, ``None`` without a lock."""

    config: Config
    file: str
    there: bool
    profile: str
    plan: LockedPlan | None
    now: datetime
    live: bool = False


class Edges(msgspec.Struct, frozen=True):
    """The ways out. ``plugin`` gives the plugin's version, ``None`` where there is none; without
    ``wheels`` pip is not asked. ``on_host`` makes a way to run lines on a host."""

    clients: Callable[[], "Clients"]
    clock: Callable[[], datetime]
    plugin: Callable[[], tuple[int, ...] | None]
    wheels: Callable[[], Wheels] | None
    on_host: Callable[["Clients", Host], OnHost]


def examine(case: Case, edges: Edges) -> tuple[Finding, ...]:
    """Look at everything. Raises :class:`ConfigError` for a profile that there is not."""
    denied: Denied = []
    return sorted_findings([*_here(case, edges, denied), *_there(case, edges, denied)])


def _here(case: Case, edges: Edges, denied: Denied) -> Iterator[Finding]:
    """What can be looked at without AWS."""
    yield from judge_configuration(case.config, case.file, there=case.there)
    yield from look("plugin", edges.plugin, judge_plugin, denied)
    if edges.wheels:
        yield from look("wheels", edges.wheels, judge_wheels, denied)


def _there(case: Case, edges: Edges, denied: Denied) -> Iterator[Finding]:
    clients, config = edges.clients(), case.config
    try:
        who = read_identity(clients, edges.clock)
    except UNREADABLE as error:
        yield unasked("credentials", error, denied)
        return
    yield from judge_clock(who.skew)
    told = list(judge_identity(who, config.stack.allowed_accounts, case.profile, case.file))
    yield from told
    if not isinstance(who, Identity) or any(one.level != "ok" for one in told):
        # With no credentials, or those of another account, there is nothing to ask.
        return
    yield from look(
        "permissions",
        lambda: read_permissions(clients, who.arn, who.account, config.stack.name),
        lambda facts: judge_permissions(facts, who.arn),
        denied,
    )
    yield from _region(case, clients, denied)
    yield from _Site(case, edges, clients, who, denied).look()
    yield from judge_denied(denied, who.arn)


def _region(case: Case, clients: "Clients", denied: Denied) -> Iterator[Finding]:
    """What region and account give a host, there or yet to come."""
    plan = case.plan
    # Which types a glob stands for is known when one is chosen.
    types = [one for one in case.config.workload.instance_types if not re.search(r"[*?[]", one)]
    zone = None
    if plan:
        types = [one.instance_type for one in plan.candidates] or [plan.instance_type]
        zone = plan.availability_zone_id
    if types:
        yield from look(
            "offer",
            lambda: read_offered(clients, types, zone),
            lambda offered: judge_offered(types, offered, zone or clients.region),
            denied,
        )
    hours = plan.hours if plan else case.config.workload.hours
    yield from look(
        "disk-key",
        lambda: clients.ec2.get_ebs_default_kms_key_id()["KmsKeyId"],
        lambda key: judge_disk_key(
            key, group=bool(plan and plan.shape == "group"), market=hours == "market"
        ),
        denied,
    )


class _Site:
    """The stack and what stands on it."""

    def __init__(
        self, case: Case, edges: Edges, clients: "Clients", who: Identity, denied: Denied
    ) -> None:
        self._case, self._edges, self._clients = case, edges, clients
        self._who, self._denied = who, denied
        self._name, self._now = case.config.stack.name, case.now
        self._host: Host | None = None
        self._jobs: tuple[JobRuns, ...] = ()

    def look(self) -> Iterator[Finding]:
        case = self._case
        try:
            stack = read_stack(self._clients, self._name)
        except UNREADABLE as error:
            yield unasked("stack", error, self._denied)
            return
        told = list(judge_stack(stack, case.config, case.file))
        yield from told
        foreign = any(one.code == "stack-foreign" for one in told)
        if stack is None or not stack.came_up or foreign:
            return
        yield from self._host_and_version(stack)
        yield from self._sessions(stack)
        yield from self._keys_and_runs(stack)
        yield from self._alarms(stack)
        if case.live:
            yield from self._broker()

    def _host_and_version(self, stack: Stack) -> Iterator[Finding]:
        clients, config = self._clients, self._case.config
        built = self._built()
        hours = (built and built.hours) or (self._case.plan and self._case.plan.hours)
        up = should_be_up(config, hours or config.workload.hours, self._now)

        def keep(host: Host | None) -> Iterator[Finding]:
            self._host = host
            yield from judge_host(host, config, clients.region, up=up)

        told = list(look("host", lambda: read_host(clients, self._name, stack), keep, self._denied))
        yield from told
        instance, running = self._instance(stack, told)
        if not instance:
            return
        group = stack.resources.get("HostLogGroup")
        since = max(stack.made, self._now - REPORTS_BACK)
        if group and built:
            yield from look(
                "version",
                lambda: read_reports(clients.logs, group, instance, since) if built.version else (),
                lambda reports: judge_version(built.version, reports),
                self._denied,
            )
        elif built is None:
            yield from look("version", self._read_built, lambda _: (), self._denied)
        if running:
            yield from self._machine(instance)

    def _instance(self, stack: Stack, told: Sequence[Finding]) -> tuple[str, bool]:
        """The host's id, empty if there is none, and whether it runs. Where that could not be
        asked, the stack's own instance is taken to."""
        if any(one.code == UNASKED for one in told):
            return stack.resources.get(HOSTS["instance"], ""), True
        host = self._host
        return (host.instance_id, host.state == "running") if host else ("", False)

    def _built(self) -> Built | None:
        try:
            return self._read_built()
        except UNREADABLE:
            return None

    def _read_built(self) -> Built:
        return read_built(self._clients, self._name)

    def _machine(self, instance: str) -> Iterator[Finding]:
        clients = self._clients
        try:
            machine = read_machine(clients, instance)
        except UNREADABLE as error:
            yield unasked("image", error, self._denied)
            return
        yield from look(
            "image",
            lambda: read_image(clients, machine.image),
            lambda image: judge_image(machine.image, image, self._now),
            self._denied,
        )
        yield from look(
            "agent",
            lambda: read_last_figure(clients, self._name, self._now),
            lambda last: judge_agent(last, machine.started, self._now),
            self._denied,
        )

    def _sessions(self, stack: Stack) -> Iterator[Finding]:
        role, who = stack.resources.get("HostRole"), self._who
        if role:
            partition = who.arn.split(":")[1]
            yield from look(
                "sessions",
                lambda: read_preferences(self._clients, role, who.account, partition),
                judge_preferences,
                self._denied,
            )

    def _keys_and_runs(self, stack: Stack) -> Iterator[Finding]:
        clients, config, now = self._clients, self._case.config, self._now
        modes, group = modes_of(config), stack.resources.get("BotLogGroup")
        yield from look(
            "keys",
            lambda: read_keys(clients, self._name),
            lambda keys: judge_keys(keys, modes),
            self._denied,
        )
        if brake := stack.resources.get("Brake"):
            yield from look(
                "brake",
                lambda: clients.ssm.get_parameter(Name=brake)["Parameter"]["Value"],
                lambda value: judge_brake(value, config, now),
                self._denied,
            )

        def keep(jobs: tuple[JobRuns, ...]) -> Iterator[Finding]:
            self._jobs = jobs
            yield from judge_runs(jobs, config, stack.made, now)

        if group:
            yield from look(
                "runs",
                lambda: runs_of(config, now, read_run_lines(clients.logs, group, now)),
                keep,
                self._denied,
            )

    def _alarms(self, stack: Stack) -> Iterator[Finding]:
        clients, case = self._clients, self._case
        has_run = any(one.last_run for one in self._jobs)
        yield from look(
            "alarms",
            lambda: read_alarms(clients, stack.resources),
            lambda alarms: judge_alarms(alarms, has_run=has_run),
            self._denied,
        )
        if topic := stack.resources.get("AlertTopic"):
            yield from look(
                "mail",
                lambda: read_subscriptions(clients, topic),
                lambda found_: judge_mail(
                    case.config.monitoring.email,
                    stack.email,
                    found_,
                    topic,
                    clients.region,
                    case.file,
                ),
                self._denied,
            )

    def _broker(self) -> Iterator[Finding]:
        host, clients = self._host, self._clients
        if host is None or host.state != "running" or host.online is False:
            yield found("broker-host-away")
            return
        if job := soon(self._jobs, self._now):
            yield found("broker-not-now", job=job.name, time=f"{job.next_run:%H:%M %Z}")
            return
        clock = f"sts.{clients.region}.amazonaws.com"
        on_host = self._edges.on_host(clients, host)
        for mode in modes_of(self._case.config):
            door = DOORS[mode]
            try:
                answer = read_answer(on_host, door, clock)
            except UNREADABLE as error:
                yield unasked("broker", error, self._denied)
                continue
            yield from judge_host_clock(answer)
            clock = ""
            yield from judge_answer(answer, door, mode)
