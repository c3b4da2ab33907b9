"""The deploy itself, step by step."""

from datetime import datetime

import msgspec

from cfgen.aws import Clients
from cfgen.deploy.arriving import Host, await_host, look_at_host
from cfgen.deploy.body import fit
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.execution import UnderWay, finish, start_change, tighten_policy
from cfgen.deploy.failure import judge
from cfgen.deploy.following import Followed, Running, follow, goes_on
from cfgen.deploy.guards import check_replacements, check_session, check_subnet
from cfgen.deploy.manner import check_manner
from cfgen.deploy.plan import (
    Prepared,
    Watcher,
    Wish,
    ask_for,
    check_way,
    identify,
    open_stack,
    prepare,
    show,
    take_back,
)
from cfgen.deploy.remedies import console_link
from cfgen.deploy.stack import Deployed, Stack, Started
from cfgen.deploy.states import KEPT, ROLLED_BACK, SUCCEEDED, Way, repair, way_of
from cfgen.deploy.waiting import Waiting
from cfgen.errors import ConfigError, Declined, DeployFailed, NeedsRepair, Refused


class Result(msgspec.Struct, frozen=True):
    """How it ended: whether anything changed, and the stack's outputs with their descriptions.

    ``kept`` is the ARN of a change set that waits to be executed; ``host`` says whether the host
    has what the stack says, empty where nobody looked.
    """

    changed: bool
    stack_arn: str
    outputs: dict[str, tuple[str, str]]
    kept: str = ""
    host: Host = ""


def deploy(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Bring the stack to what the template says.

    Raises the errors of ``cfgen/errors.py`` and botocore's. Interrupted before the change starts,
    it takes back what it made; afterwards the operation goes on in AWS.
    """
    body = fit(wish.body)
    identity, stack, found = open_stack(
        wish.stack, wish.allowed_accounts, clients, waiting, watcher
    )
    if not (found and found.status in KEPT):
        # There is nothing to go on with: an ordinary deploy, which may roll back.
        manner = msgspec.structs.replace(wish.manner, retry=False)
        wish = msgspec.structs.replace(wish, manner=manner)
    way = way_of(found.status if found else None, retry=wish.manner.retry)
    check_way(way, found, stack)
    if way is Way.RECREATE and not wish.execute:
        raise Refused(
            f"stack {stack.name} never came up, and would have to be deleted first",
            "leave out --no-execute",
        )
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
        outputs = finish(stack, deployed.arn, wish, watcher)
        host = look_at_host(stack, deployed.arn, clients, watcher) if wish.wait_host else ""
        return Result(False, deployed.arn, outputs, host=host)
    return _to_its_end(stack, running, wish, clients, watcher)


def execute(arn: str, wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Execute a change set that was kept, and just that one; of ``wish`` only the guards count.

    Raises the errors of ``cfgen/errors.py`` and botocore's.
    """
    if not arn.startswith("arn:"):
        gives = f"{waiting.command('deploy --no-execute')} gives it"
        raise ConfigError(f"--changeset: {arn} is no ARN", gives)
    identify(clients, wish.stack, wish.allowed_accounts, waiting, watcher)
    stack = Stack(clients, wish.stack, waiting, watcher.note)
    change_set = stack.kept_change_set(arn)
    watcher.preview(change_set)
    _agree(change_set, wish, watcher)
    running = start_change(stack, change_set, wish, watcher)
    return _to_its_end(stack, running, wish, clients, watcher)


def attach(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> Result:
    """Follow what is under way to its end, whoever started it, and set what protects the stack.

    Raises the errors of ``cfgen/errors.py`` and botocore's; those of a failure also where it ended
    before anybody looked.
    """
    _, stack, found = open_stack(wish.stack, wish.allowed_accounts, clients, waiting, watcher)
    if found is None:
        raise ConfigError(f"there is no stack {wish.stack} in {clients.region}", "see --region")
    arn, status = found.arn, found.status
    if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
        watcher.note(f"nothing is under way: stack {arn} is in {status}")
        check_way(way_of(status), found, stack)
        if status in ROLLED_BACK:
            tighten_policy(stack, arn, watcher)
            raise DeployFailed(
                f"the last deploy failed and was rolled back ({status})",
                f"{stack.command('logs --events --since 1d')} shows why\n  {console_link(arn)}",
            )
        if status == "REVIEW_IN_PROGRESS":
            return Result(False, arn, {})
        outputs = finish(stack, arn, wish, watcher)
        host = _host(stack, arn, status, found.changed, wish, clients, watcher)
        return Result(False, arn, outputs, host=host)
    running = Running(arn, stack.event_ids_before_current(arn), wish.token)
    followed = follow(stack, running, watcher)
    if status == "DELETE_IN_PROGRESS" and followed.status == "DELETE_COMPLETE":
        return Result(True, arn, {})
    if followed.status in ROLLED_BACK:
        tighten_policy(stack, arn, watcher)
    return _ended(stack, arn, followed, wish, clients, watcher)


def _to_its_end(
    stack: Stack, running: Running, wish: Wish, clients: Clients, watcher: Watcher
) -> Result:
    arn = running.stack_arn
    followed = follow(stack, running, watcher)
    ended = followed.status
    if ended not in SUCCEEDED and ended != "DELETE_COMPLETE":
        tighten_policy(stack, arn, watcher)
    return _ended(stack, arn, followed, wish, clients, watcher)


def _ended(
    stack: Stack, arn: str, followed: Followed, wish: Wish, clients: Clients, watcher: Watcher
) -> Result:
    """Judge an operation that ended, set what protects the stack, and wait for its host."""
    judge(stack, arn, followed, clients, watcher)
    if wish.manner.express:
        watcher.note(
            f"express: everything is configured, and may not run yet; see {stack.command('status')}"
        )
    outputs = finish(stack, arn, wish, watcher)
    begun = followed.events[0].time
    host = _host(stack, arn, followed.status, begun, wish, clients, watcher)
    return Result(True, arn, outputs, host=host)


def _host(
    stack: Stack,
    arn: str,
    status: str,
    begun: datetime | None,
    wish: Wish,
    clients: Clients,
    watcher: Watcher,
) -> Host:
    """Wait for the host, unless nobody wants to."""
    if not wish.wait_host or status == "DELETE_COMPLETE":
        return ""
    created = status == "CREATE_COMPLETE"
    return await_host(stack, arn, begun, clients, watcher, created=created)


def _delete_first(stack: Stack, found: Deployed, wish: Wish, watcher: Watcher) -> None:
    """Delete a stack that never came up, saying what it left behind."""
    contents = stack.contents(found.arn)
    left = sorted(one.logical_id for one in contents if one.status != "DELETE_COMPLETE")
    watcher.note(
        f"{stack.name} is in {found.status}: it never came up, and left behind "
        f"{', '.join(left) or 'nothing'}"
    )
    if found.protected:
        raise Refused(
            f"stack {found.arn} is in {found.status}, and protected from deletion",
            f"{stack.command('destroy --disable-protection')}, then deploy",
        )
    _ask(watcher, f"Delete stack {stack.name} first?")
    stack.delete(found.arn, f"{wish.token}-delete")
    watcher.note(f"deleting {found.arn}")
    try:
        ended = stack.wait_deleted(found.arn)
    except KeyboardInterrupt:
        watcher.warning(goes_on(stack, found.arn))
        raise
    if ended != "DELETE_COMPLETE":
        raise NeedsRepair(
            f"stack {stack.name} could not be deleted and is in {ended}",
            repair(ended, stack.command),
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
    started = ask_for(stack, deployed, prepared, wish, existed, watcher)
    if started is None:
        return None
    try:
        change_set = stack.read_change_set(started)
        if change_set:
            if wish.compare_cost:
                watcher.built_for(stack.built_for(deployed.arn) if deployed else None)
            change_set = show(stack, change_set, prepared, watcher)
            if not wish.execute:
                return started
            _agree(change_set, wish, watcher)
            return start_change(stack, change_set, wish, watcher)
    except UnderWay:
        raise
    except BaseException:
        take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
        raise
    take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
    return None


def _agree(change_set: ChangeSet, wish: Wish, watcher: Watcher) -> None:
    """Refuse what must not happen, and ask. Raises :class:`Refused` and :class:`Declined`."""
    check_subnet(change_set.changes)
    check_replacements(change_set.changes, wish.allow_replace)
    if said := check_session(change_set.changes, wish.session_end(), insisted=wish.in_session):
        watcher.warning(said)
    check_manner(wish.manner, change_set.kind, change_set.changes)
    _ask(watcher, f"{change_set.kind.capitalize()} stack {change_set.stack}?")
    watcher.agreed()


def _ask(watcher: Watcher, question: str) -> None:
    if not watcher.confirm(question):
        raise Declined("declined")
