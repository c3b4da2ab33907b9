"""The deploy, step by step."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from cfgen.aws import FAILURES, Clients, brief
from cfgen.deploy.artifacts import Artifacts
from cfgen.deploy.body import BODY_LIMIT, Body, fit
from cfgen.deploy.causes import first_cause, remedy
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.events import Event
from cfgen.deploy.guards import check_account, check_replacements, check_subnet
from cfgen.deploy.parameters import (
    IMAGES,
    Chosen,
    Declared,
    changed,
    choose_parameters,
)
from cfgen.deploy.stack import Deployed, Stack, Started, TemplateAt, Waiting
from cfgen.deploy.states import ROLLED_BACK, SUCCEEDED, Way, repair, way_of
from cfgen.errors import (
    ConfigError,
    Declined,
    DeployFailed,
    NeedsRepair,
    Refused,
    StillRunning,
)


class Identity(msgspec.Struct, frozen=True):
    """Who deploys, and where to."""

    account: str
    arn: str
    region: str
    stack: str


class Wish(msgspec.Struct, frozen=True):
    """What is to be deployed, and what is allowed on the way.

    ``token`` names this deploy: the change set is called so, and AWS knows a repeated call by it.
    """

    stack: str
    body: str
    token: str
    parameters: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    allowed_accounts: tuple[str, ...] = ()
    allow_replace: tuple[str, ...] = ()
    refresh_image: bool = False
    protect: bool = True
    stand_in: str = ""


class Watcher(Protocol):
    """Whoever looks on: shown each step as it comes, and asked before anything is changed."""

    def identity(self, identity: Identity) -> None:
        """Who and where, before the first call that changes anything."""

    def preview(self, change_set: ChangeSet, capabilities: str, parameters: list[str]) -> None:
        """What would change."""

    def confirm(self, question: str) -> bool:
        """Ask. Raises :class:`Refused` where there is nobody to ask."""
        ...

    def agreed(self) -> None:
        """The change is about to start."""

    def event(self, event: Event) -> None:
        """A stack event."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warning(self, text: str) -> None:
        """Something that is wrong and does not stop the deploy."""


class Running(msgspec.Struct, frozen=True):
    """An operation that was started; ``seen`` are the ids of the events before it."""

    stack_arn: str
    seen: set[str]


class Result(msgspec.Struct, frozen=True):
    """How it ended: whether anything changed, and the stack's outputs with their descriptions."""

    changed: bool
    stack_arn: str
    outputs: dict[str, tuple[str, str]]


class _Prepared(msgspec.Struct, frozen=True):
    """What is known before anything is changed. ``before`` are the deployed parameters."""

    template: TemplateAt
    parameters: tuple[Chosen, ...]
    before: dict[str, str]
    capabilities: tuple[str, ...]
    capabilities_reason: str


def deploy(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Bring the stack to what the template says.

    Raises the errors of ``cfgen/errors.py`` and botocore's. Interrupted before the change starts,
    it takes back what it made; afterwards the operation goes on in AWS.
    """
    body = fit(wish.body)
    caller = clients.sts.get_caller_identity()
    identity = Identity(caller["Account"], caller["Arn"], clients.region, wish.stack)
    watcher.identity(identity)
    check_account(identity.account, wish.allowed_accounts)
    stack = Stack(clients.cloudformation, wish.stack, waiting)
    found = stack.find()
    way = way_of(found.status if found else None)
    _check_way(way, found, clients.region)
    deployed = found if way is Way.UPDATE else None
    template = _place(body, identity, clients, watcher)
    prepared = _prepare(stack, deployed, template, wish, clients)
    if found and way is Way.RECREATE:
        _delete_first(stack, found, wish, clients.region, watcher)
    existed = found is not None and found.status == "REVIEW_IN_PROGRESS"
    running = _start(stack, deployed, existed, prepared, wish, watcher)
    if running is None:
        if deployed is None:
            raise DeployFailed(
                "the template holds no resource to create", "check the conditions in it"
            )
        return Result(False, deployed.arn, _finish(stack, deployed.arn, wish, watcher))
    events = _follow(stack, running, clients.region, watcher)
    _judge(events[-1].status, events, running.stack_arn, clients.region)
    return Result(True, running.stack_arn, _finish(stack, running.stack_arn, wish, watcher))


def _check_way(way: Way, found: Deployed | None, region: str) -> None:
    """Refuse a stack that cannot be deployed to as it is."""
    if found is None:
        return
    if way is Way.WAIT:
        raise Refused(
            f"stack {found.arn} is in {found.status}: something else is under way",
            "wait until it has ended, then deploy again",
        )
    if way is Way.REPAIR:
        reason = f": {found.reason}" if found.reason else ""
        raise NeedsRepair(
            f"stack {found.arn} is in {found.status}{reason}",
            f"it may hold resources that bill; {repair(found.status, found.arn, region)}",
        )


def _place(body: Body, identity: Identity, clients: Clients, watcher: Watcher) -> TemplateAt:
    """Put a template where CloudFormation takes it from."""
    if body.fits:
        if body.compacted:
            watcher.note(f"the template goes as compact JSON, for a call takes {BODY_LIMIT} bytes")
        return {"TemplateBody": body.text}
    artifacts = Artifacts(clients.s3, identity.arn, identity.region, watcher.note)
    artifacts.keep(body.key, body.text.encode())
    return {"TemplateURL": artifacts.url(body.key)}


def _prepare(
    stack: Stack, deployed: Deployed | None, template: TemplateAt, wish: Wish, clients: Clients
) -> _Prepared:
    summary = stack.summarize(template)
    before = deployed.parameters if deployed else {}
    parameters = choose_parameters(
        _with_stand_ins(summary.parameters, wish),
        wish.parameters,
        before,
        _newest_images(summary.parameters, wish, before, clients),
    )
    return _Prepared(
        template, parameters, before, summary.capabilities, summary.capabilities_reason
    )


def _delete_first(stack: Stack, found: Deployed, wish: Wish, region: str, watcher: Watcher) -> None:
    """Delete a stack that never came up, saying what it left behind."""
    resources = stack.resources(found.arn)
    left = sorted(name for name, state in resources.items() if state != "DELETE_COMPLETE")
    watcher.note(
        f"{stack.name} is in {found.status}: it never came up, and left behind "
        f"{', '.join(left) or 'nothing'}"
    )
    _ask(watcher, f"Delete stack {stack.name} first?")
    stack.delete(found.arn, f"{wish.token}-delete")
    watcher.note(f"deleting {found.arn}")
    ended = stack.wait_deleted(found.arn)
    if ended != "DELETE_COMPLETE":
        raise NeedsRepair(
            f"stack {stack.name} could not be deleted and is in {ended}",
            repair(ended, found.arn, region),
        )


def _start(
    stack: Stack,
    deployed: Deployed | None,
    existed: bool,
    prepared: _Prepared,
    wish: Wish,
    watcher: Watcher,
) -> Running | None:
    """Create the change set, show it, ask, and execute it; ``None`` where nothing would change.

    What is not executed is taken back; but a stack under review that was there before us
    (``existed``) is left alone.
    """
    started = stack.start_change_set(
        wish.token,
        "UPDATE" if deployed else "CREATE",
        prepared.template,
        prepared.parameters,
        prepared.capabilities,
        wish.tags,
    )
    if started is None:
        return None
    executing = False
    running = Running(started.stack_arn, set())
    try:
        change_set = stack.read_change_set(started)
        if change_set:
            _show(change_set, prepared, watcher)
            check_subnet(change_set.changes)
            check_replacements(change_set.changes, wish.allow_replace)
            _ask(watcher, f"{change_set.kind.capitalize()} stack {stack.name}?")
            watcher.agreed()
            running = Running(started.stack_arn, stack.event_ids(started.stack_arn))
            executing = True
            stack.execute(change_set, wish.token)
            return running
    except BaseException as error:
        # The answer may be lost although the change has started.
        if executing and stack.was_executed(started):
            if isinstance(error, FAILURES):
                return running
            watcher.warning(_goes_on(running.stack_arn, started.region))
            raise
        _take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
        raise
    _take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
    return None


def _show(change_set: ChangeSet, prepared: _Prepared, watcher: Watcher) -> None:
    reason = prepared.capabilities_reason
    capabilities = ", ".join(prepared.capabilities) + (f" ({reason})" if reason else "")
    watcher.preview(change_set, capabilities, changed(prepared.parameters, prepared.before))


def _follow(stack: Stack, running: Running, region: str, watcher: Watcher) -> list[Event]:
    """Follow to the end: all events, the last of which ended it.

    Nothing that goes wrong here is a failed deploy: the operation goes on without us.
    """
    try:
        return stack.follow(running.stack_arn, running.seen, watcher.event)
    except KeyboardInterrupt:
        watcher.warning(_goes_on(running.stack_arn, region))
        raise
    except FAILURES as error:
        raise StillRunning(
            f"lost sight of stack {stack.name}: {brief(error)}",
            _goes_on(running.stack_arn, region),
        ) from error


def _goes_on(arn: str, region: str) -> str:
    return (
        "the operation goes on in AWS; its events: aws cloudformation describe-stack-events "
        f"--region {region} --stack-name {arn}"
    )


def _ask(watcher: Watcher, question: str) -> None:
    if not watcher.confirm(question):
        raise Declined("declined")


def _with_stand_ins(declared: tuple[Declared, ...], wish: Wish) -> tuple[Declared, ...]:
    """In a rehearsal, what has no default gets one."""
    if not wish.stand_in:
        return declared
    return tuple(
        msgspec.structs.replace(one, default=wish.stand_in) if one.default is None else one
        for one in declared
    )


def _newest_images(
    declared: tuple[Declared, ...], wish: Wish, before: Mapping[str, str], clients: Clients
) -> dict[str, str]:
    """Images to pin: at the first deploy, when new ones are asked for, or of another kind."""
    defaults = {parameter.name: parameter.default for parameter in declared}
    images = {}
    for pinned, newest in IMAGES.items():
        parameter = wish.parameters.get(newest, defaults.get(newest))
        if pinned in defaults and parameter and pinned not in wish.parameters:
            # Another architecture comes with another parameter. (moto gives the image instead.)
            source = before.get(newest, parameter)
            same = source == parameter or source.startswith("ami-")
            if not (before.get(pinned) and same) or wish.refresh_image:
                answer = clients.ssm.get_parameter(Name=parameter)
                images[pinned] = answer["Parameter"]["Value"]
    if wish.refresh_image and not images:
        raise ConfigError(
            "--refresh-image: there is no newest image to move to",
            f"the template needs the parameters {' and '.join(next(iter(IMAGES.items())))}",
        )
    return images


def _take_back(stack: Stack, started: Started, token: str, existed: bool, watcher: Watcher) -> None:
    """Delete the change set and, if asking for it made an empty stack, that stack."""
    try:
        stack.delete_change_set(started.arn)
        ours = started.kind == "CREATE" and not existed
        left = stack.find(started.stack_arn) if ours else None
        if left and left.status == "REVIEW_IN_PROGRESS":
            stack.delete(left.arn, token)
    except FAILURES as error:
        watcher.warning(f"the change set {started.arn} could not be taken back: {brief(error)}")


def _judge(status: str, events: list[Event], arn: str, region: str) -> None:
    if status in SUCCEEDED:
        return
    cause = first_cause(events)
    why = (
        f"{cause.logical_id} ({cause.resource_type}): {cause.reason or cause.status}"
        if cause
        else "no event says why"
    )
    if status in ROLLED_BACK:
        raise DeployFailed(
            f"the deploy failed and was rolled back ({status}): {why}",
            remedy(cause, events, region),
        )
    raise NeedsRepair(
        f"the deploy failed and left the stack in {status}: {why}", repair(status, arn, region)
    )


def _finish(stack: Stack, arn: str, wish: Wish, watcher: Watcher) -> dict[str, tuple[str, str]]:
    """Read the outputs and set the protection. The stack is up: nothing here makes it a failure."""
    try:
        final = stack.find(arn)
    except FAILURES as error:
        watcher.warning(f"the outputs could not be read: {brief(error)}")
        return {}
    try:
        if final and final.protected != wish.protect:
            stack.protect(arn, enabled=wish.protect)
    except FAILURES as error:
        wanted = "on" if wish.protect else "off"
        watcher.warning(f"termination protection could not be set {wanted}: {brief(error)}")
    return final.outputs if final else {}
