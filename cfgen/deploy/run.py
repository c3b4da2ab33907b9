"""The deploy itself, step by step."""

import msgspec

from cfgen.aws import FAILURES, Clients, brief
from cfgen.deploy.body import fit
from cfgen.deploy.causes import first_cause, remedy
from cfgen.deploy.events import Event
from cfgen.deploy.guards import check_replacements, check_subnet
from cfgen.deploy.plan import (
    Prepared,
    Watcher,
    Wish,
    ask_for,
    check_way,
    identify,
    prepare,
    show,
    take_back,
)
from cfgen.deploy.stack import Deployed, Stack, Started, Waiting
from cfgen.deploy.states import ROLLED_BACK, SUCCEEDED, Way, repair, way_of
from cfgen.errors import ConfigError, Declined, DeployFailed, NeedsRepair, StillRunning


class Running(msgspec.Struct, frozen=True):
    """An operation that was started; ``seen`` are the ids of the events before it."""

    stack_arn: str
    seen: set[str]


class Result(msgspec.Struct, frozen=True):
    """How it ended: whether anything changed, and the stack's outputs with their descriptions.

    ``kept`` is the ARN of a change set that waits to be executed.
    """

    changed: bool
    stack_arn: str
    outputs: dict[str, tuple[str, str]]
    kept: str = ""


def deploy(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Bring the stack to what the template says.

    Raises the errors of ``cfgen/errors.py`` and botocore's. Interrupted before the change starts,
    it takes back what it made; afterwards the operation goes on in AWS.
    """
    body = fit(wish.body)
    identity = identify(clients, wish.stack, wish.allowed_accounts, watcher)
    stack = Stack(clients.cloudformation, wish.stack, waiting)
    found = stack.find()
    way = way_of(found.status if found else None)
    check_way(way, found)
    deployed = found if way is Way.UPDATE else None
    prepared = prepare(stack, deployed, body, identity, wish, clients, watcher)
    if found and way is Way.RECREATE:
        _delete_first(stack, found, wish, watcher)
    existed = found is not None and found.status == "REVIEW_IN_PROGRESS"
    running = _start(stack, deployed, existed, prepared, wish, watcher)
    if isinstance(running, Started):
        return Result(False, running.stack_arn, {}, kept=running.arn)
    if running is None:
        if deployed is None:
            raise DeployFailed(
                "the template holds no resource to create", "check the conditions in it"
            )
        return Result(False, deployed.arn, _finish(stack, deployed.arn, wish, watcher))
    return _to_its_end(stack, running, wish, clients.region, watcher)


def execute(arn: str, wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Execute a change set that was kept, and just that one; of ``wish`` only the guards count.

    Raises the errors of ``cfgen/errors.py`` and botocore's.
    """
    identify(clients, wish.stack, wish.allowed_accounts, watcher)
    stack = Stack(clients.cloudformation, wish.stack, waiting)
    change_set = stack.kept_change_set(arn)
    watcher.preview(change_set, "", [])
    check_subnet(change_set.changes)
    check_replacements(change_set.changes, wish.allow_replace)
    _ask(watcher, f"{change_set.kind.capitalize()} stack {stack.name}?")
    watcher.agreed()
    running = Running(change_set.stack_arn, stack.event_ids(change_set.stack_arn))
    try:
        stack.execute(change_set, wish.token)
    except FAILURES:
        started = Started(arn, change_set.stack_arn, change_set.kind)
        # The answer may be lost although the change has started.
        if not stack.was_executed(started):
            raise
    return _to_its_end(stack, running, wish, clients.region, watcher)


def attach(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Follow what is under way to its end, whoever started it; nothing is changed.

    Raises the errors of ``cfgen/errors.py`` and botocore's.
    """
    identify(clients, wish.stack, wish.allowed_accounts, watcher)
    stack = Stack(clients.cloudformation, wish.stack, waiting)
    found = stack.find()
    if found is None:
        raise ConfigError(f"there is no stack {wish.stack} in {clients.region}", "see --region")
    if not found.status.endswith("_IN_PROGRESS") or found.status == "REVIEW_IN_PROGRESS":
        watcher.note(f"nothing is under way: stack {found.arn} is in {found.status}")
        return Result(False, found.arn, found.outputs)
    running = Running(found.arn, stack.event_ids_before_current(found.arn))
    events = _follow(stack, running, clients.region, watcher)
    if events[-1].status == "DELETE_COMPLETE":
        return Result(True, found.arn, {})
    _judge(events[-1].status, events, clients.region)
    ended = stack.find(found.arn)
    return Result(True, found.arn, ended.outputs if ended else {})


def _to_its_end(
    stack: Stack, running: Running, wish: Wish, region: str, watcher: Watcher
) -> Result:
    events = _follow(stack, running, region, watcher)
    _judge(events[-1].status, events, region)
    return Result(True, running.stack_arn, _finish(stack, running.stack_arn, wish, watcher))


def _delete_first(stack: Stack, found: Deployed, wish: Wish, watcher: Watcher) -> None:
    """Delete a stack that never came up, saying what it left behind."""
    contents = stack.contents(found.arn)
    left = sorted(one.logical_id for one in contents if one.status != "DELETE_COMPLETE")
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
            repair(ended),
        )


def _start(
    stack: Stack,
    deployed: Deployed | None,
    existed: bool,
    prepared: Prepared,
    wish: Wish,
    watcher: Watcher,
) -> Running | Started | None:
    """Create the change set, show it, ask, and execute it; ``None`` where nothing would change.

    Where it shall not be executed it is given, and stays.
    What is not executed is taken back; but a stack under review that was there before us
    (``existed``) is left alone.
    """
    started = ask_for(stack, deployed, prepared, wish)
    if started is None:
        return None
    executing = False
    running = Running(started.stack_arn, set())
    try:
        change_set = stack.read_change_set(started)
        if change_set:
            show(change_set, prepared, watcher)
            if wish.compare_cost:
                watcher.built_for(stack.built_for(deployed.arn) if deployed else None)
            if not wish.execute:
                return started
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
        take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
        raise
    take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
    return None


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
        "the operation goes on in AWS; watch it with: cfgen deploy --attach, or "
        f"aws cloudformation describe-stack-events --region {region} --stack-name {arn}"
    )


def _ask(watcher: Watcher, question: str) -> None:
    if not watcher.confirm(question):
        raise Declined("declined")


def _judge(status: str, events: list[Event], region: str) -> None:
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
    raise NeedsRepair(f"the deploy failed and left the stack in {status}: {why}", repair(status))


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
