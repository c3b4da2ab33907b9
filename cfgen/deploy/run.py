"""The deploy, step by step."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from cfgen.aws import FAILURES, Clients, brief
from cfgen.deploy.causes import first_cause, remedy
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.events import Event
from cfgen.deploy.guards import check_account, check_replacements, check_subnet
from cfgen.deploy.parameters import (
    IMAGE,
    LATEST_IMAGE,
    Declared,
    changed,
    choose_parameters,
)
from cfgen.deploy.stack import Deployed, Stack, Started, Waiting
from cfgen.deploy.states import ROLLED_BACK, SUCCEEDED, Way, repair_command, way_of
from cfgen.errors import ConfigError, Declined, DeployFailed, NeedsRepair, Refused

BODY_LIMIT = 51_200
"""Bytes of a template that CloudFormation takes without S3 (CloudFormation quotas)."""


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


def deploy(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Bring the stack to what the template says.

    Raises the errors of ``cfgen/errors.py`` and botocore's. Interrupted before the change starts,
    it takes back what it made; afterwards the operation goes on in AWS.
    """
    size = len(wish.body.encode())
    if size > BODY_LIMIT:
        raise ConfigError(
            f"the template has {size} bytes, CloudFormation takes {BODY_LIMIT} without S3",
            "shorten arguments and environment in cfgen.toml",
        )
    caller = clients.sts.get_caller_identity()
    identity = Identity(caller["Account"], caller["Arn"], clients.region, wish.stack)
    watcher.identity(identity)
    check_account(identity.account, wish.allowed_accounts)
    stack = Stack(clients.cloudformation, wish.stack, waiting)
    found = stack.find()
    deployed = _ready(stack, found, wish, clients.region, watcher)
    existed = found is not None and found.status == "REVIEW_IN_PROGRESS"
    running = _start(stack, deployed, existed, wish, clients, watcher)
    if running is None:
        if deployed is None:
            raise DeployFailed(
                "the template holds no resource to create", "check the conditions in it"
            )
        return Result(False, deployed.arn, deployed.outputs)
    try:
        events = stack.follow(running.stack_arn, running.seen, watcher.event)
    except KeyboardInterrupt:
        watcher.warning(
            f"the operation goes on in AWS; its events: aws cloudformation describe-stack-events "
            f"--region {clients.region} --stack-name {running.stack_arn}"
        )
        raise
    _judge(events[-1].status, events, running.stack_arn, clients.region)
    return Result(True, running.stack_arn, _finish(stack, running.stack_arn, wish, watcher))


def _ready(
    stack: Stack, deployed: Deployed | None, wish: Wish, region: str, watcher: Watcher
) -> Deployed | None:
    """The stack to update, or ``None`` where one is to be created."""
    status = deployed.status if deployed else None
    way = way_of(status)
    if deployed is None or way is Way.CREATE:
        return None
    if way is Way.UPDATE:
        return deployed
    if way is Way.WAIT:
        raise Refused(
            f"stack {stack.name} is in {status}: something else is under way",
            "wait until it has ended, then deploy again",
        )
    if way is Way.REPAIR:
        raise NeedsRepair(
            f"stack {stack.name} is in {status}"
            + (f": {deployed.reason}" if deployed.reason else ""),
            f"it may hold resources that bill; mend it with: "
            f"{repair_command(deployed.status, deployed.arn, region)}",
        )
    resources = stack.resources(deployed.arn)
    left = sorted(name for name, state in resources.items() if state != "DELETE_COMPLETE")
    question = (
        f"{stack.name} is in {status}: it never came up, and left behind "
        f"{', '.join(left) or 'nothing'}. Delete it first?"
    )
    _ask(watcher, question)
    stack.delete(deployed.arn, f"{wish.token}-delete")
    ended = stack.wait_deleted(deployed.arn)
    if ended != "DELETE_COMPLETE":
        raise NeedsRepair(
            f"stack {stack.name} could not be deleted and is in {ended}",
            repair_command(ended, deployed.arn, region),
        )
    return None


def _start(
    stack: Stack,
    deployed: Deployed | None,
    existed: bool,
    wish: Wish,
    clients: Clients,
    watcher: Watcher,
) -> Running | None:
    """Create the change set, show it, ask, and execute it; ``None`` where nothing would change.

       What is not executed is taken back.
    ``existed`` says that a stack under review was there before
       us, which is then left alone.
    """
    summary = stack.summarize(wish.body)
    before = deployed.parameters if deployed else {}
    parameters = choose_parameters(
        _with_stand_ins(summary.parameters, wish),
        wish.parameters,
        before,
        _newest_image(summary.parameters, wish, before, clients),
    )
    started = stack.start_change_set(
        wish.token,
        "UPDATE" if deployed else "CREATE",
        wish.body,
        parameters,
        summary.capabilities,
        wish.tags,
    )
    if started is None:
        return None
    try:
        change_set = stack.read_change_set(started)
        if change_set:
            reason = summary.capabilities_reason
            capabilities = ", ".join(summary.capabilities) + (f" ({reason})" if reason else "")
            watcher.preview(change_set, capabilities, changed(parameters, before))
            check_subnet(change_set.changes)
            check_replacements(change_set.changes, wish.allow_replace)
            _ask(watcher, f"{change_set.kind.capitalize()} stack {stack.name}?")
            watcher.agreed()
            running = Running(started.stack_arn, stack.event_ids(started.stack_arn))
            stack.execute(change_set, wish.token)
            return running
    except BaseException:
        _take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
        raise
    _take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
    return None


def _ask(watcher: Watcher, question: str) -> None:
    if not watcher.confirm(question):
        raise Declined("declined: nothing was changed")


def _with_stand_ins(declared: tuple[Declared, ...], wish: Wish) -> tuple[Declared, ...]:
    """In a rehearsal, what has no default gets one."""
    if not wish.stand_in:
        return declared
    return tuple(
        msgspec.structs.replace(one, default=wish.stand_in) if one.default is None else one
        for one in declared
    )


def _newest_image(
    declared: tuple[Declared, ...], wish: Wish, before: Mapping[str, str], clients: Clients
) -> str | None:
    """The image to pin: at the first deploy, and when a new one is asked for."""
    defaults = {parameter.name: parameter.default for parameter in declared}
    parameter = defaults.get(LATEST_IMAGE)
    if IMAGE not in defaults or not parameter or wish.parameters.get(IMAGE):
        return None
    if before.get(IMAGE) and not wish.refresh_image:
        return None
    return clients.ssm.get_parameter(Name=parameter)["Parameter"]["Value"]


def _take_back(stack: Stack, started: Started, token: str, existed: bool, watcher: Watcher) -> None:
    """Delete the change set and, if asking for it made an empty stack, that stack."""
    try:
        stack.delete_change_set(started.arn)
        left = None if existed else stack.find(started.stack_arn)
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
        else "no resource says why"
    )
    if status in ROLLED_BACK:
        raise DeployFailed(
            f"the deploy failed and was rolled back ({status}): {why}",
            remedy(cause, events, region),
        )
    raise NeedsRepair(
        f"the deploy failed and left the stack in {status}: {why}",
        f"mend it with: {repair_command(status, arn, region)}",
    )


def _finish(stack: Stack, arn: str, wish: Wish, watcher: Watcher) -> dict[str, tuple[str, str]]:
    """Protect the stack and read its outputs. It is up: nothing here makes that a failure."""
    try:
        if wish.protect:
            stack.protect(arn, enabled=True)
    except FAILURES as error:
        watcher.warning(f"termination protection is off: {brief(error)}")
    try:
        final = stack.find(arn)
    except FAILURES as error:
        watcher.warning(f"the outputs could not be read: {brief(error)}")
        final = None
    return final.outputs if final else {}
