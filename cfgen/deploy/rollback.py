"""Ways out of a stack that got stuck."""

from typing import Literal

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import Clients
from cfgen.deploy.causes import causes, stuck
from cfgen.deploy.execution import tighten_policy
from cfgen.deploy.failure import told
from cfgen.deploy.following import Running, follow
from cfgen.deploy.plan import Watcher, open_stack
from cfgen.deploy.remedies import console_link
from cfgen.deploy.stack import Stack
from cfgen.deploy.waiting import Waiting
from cfgen.errors import ConfigError, Declined, NeedsRepair, Refused

Way = Literal["continue", "roll back", "cancel", "none", "never up", "destroy", "wait"]

WAYS: dict[str, Way] = {
    "UPDATE_ROLLBACK_FAILED": "continue",
    "UPDATE_FAILED": "roll back",
    "CREATE_FAILED": "roll back",
    "UPDATE_IN_PROGRESS": "cancel",
    "CREATE_COMPLETE": "none",
    "UPDATE_COMPLETE": "none",
    "UPDATE_ROLLBACK_COMPLETE": "none",
    "IMPORT_COMPLETE": "none",
    "IMPORT_ROLLBACK_COMPLETE": "none",
    "DELETE_COMPLETE": "none",
    "REVIEW_IN_PROGRESS": "never up",
    "ROLLBACK_COMPLETE": "never up",
    "ROLLBACK_FAILED": "destroy",
    "DELETE_FAILED": "destroy",
    "IMPORT_ROLLBACK_FAILED": "destroy",
}
"""State of a stack -> what a rollback does (StackStatus in the CloudFormation API Reference)."""

STABLE = {"UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "CREATE_COMPLETE",
          "DELETE_COMPLETE"}  # fmt: skip


class RollbackWish(msgspec.Struct, frozen=True):
    """Which stack; ``skip`` are logical ids that a continued rollback leaves as they are."""

    stack: str
    token: str
    allowed_accounts: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


def rollback_way(status: str) -> Way:
    """What a rollback does in a state; one that is not known is waited for, or for destroy."""
    return WAYS.get(status) or ("wait" if status.endswith("_IN_PROGRESS") else "destroy")


def rollback(wish: RollbackWish, clients: Clients, waiting: Waiting, watcher: Watcher) -> str:
    """Bring a stuck stack back to a stable state, after asking, and give that state.

    Raises the errors of ``cfgen/errors.py`` and botocore's.
    """
    _, stack, found = open_stack(wish.stack, wish.allowed_accounts, clients, waiting, watcher)
    if found is None:
        raise ConfigError(f"there is no stack {wish.stack} in {clients.region}", "see --region")
    way = rollback_way(found.status)
    where = f"stack {found.arn} is in {found.status}"
    if way == "none":
        watcher.note(f"{where}: there is nothing to roll back")
        return found.status
    _refuse(way, where, wish, stack)
    questions = {
        "continue": "Take up the rollback?",
        "cancel": "Cancel the update and roll it back?",
        "roll back": "Roll back? Where the stack has no stable state before, that deletes it.",
    }
    watcher.note(where)
    if not watcher.confirm(questions[way]):
        raise Declined("declined")
    watcher.agreed()
    running = Running(found.arn, stack.event_ids(found.arn), wish.token)
    if way == "continue":
        stack.continue_rollback(found.arn, wish.token, wish.skip)
    elif way == "cancel":
        try:
            stack.cancel_update(found.arn, wish.token)
        except ClientError:
            # It may have ended while the question stood.
            now = stack.find(found.arn)
            if now is None or rollback_way(now.status) != "none":
                raise
            watcher.note(f"stack {found.arn} is in {now.status}: it has ended in the meantime")
            return now.status
    else:
        stack.roll_back(found.arn, wish.token)
    followed = follow(stack, running, watcher)
    events, ended = followed.events, followed.status
    if ended in STABLE:
        if ended != "DELETE_COMPLETE":
            tighten_policy(stack, found.arn, watcher)
        return ended
    held = stuck(events) or causes(events)
    why = "".join(f"\n  {told(event)}" for event in held)
    again = stack.command(" ".join(["rollback", *(f"--skip {one.logical_id}" for one in held)]))
    raise NeedsRepair(
        f"the rollback ended in {ended}{':' if why else ''}{why}",
        f"mend the cause, or leave what is stuck as it is: {again}\n  {console_link(found.arn)}",
    )


def _refuse(way: Way, where: str, wish: RollbackWish, stack: Stack) -> None:
    """Refuse where a rollback is no way out."""
    if way == "never up":
        ways = f"{stack.command('deploy')}, or {stack.command('destroy')}"
        raise Refused(f"{where}: it never came up", ways)
    if way == "wait":
        raise Refused(f"{where}: it cannot be stopped", "wait until it has ended")
    if way == "destroy":
        raise NeedsRepair(f"{where}: no rollback leads out of that", stack.command("destroy"))
    if wish.skip and way != "continue":
        raise Refused(f"{where}: --skip is for UPDATE_ROLLBACK_FAILED", "leave it out")
