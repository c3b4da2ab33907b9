"""Starting a change, and setting what protects the stack afterwards."""

from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, brief, code_of, is_transient
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.following import Running, goes_on
from cfgen.deploy.plan import Watcher, Wish
from cfgen.deploy.policy import held, is_ours, policy_for, same_policy
from cfgen.deploy.stack import Stack, Started
from cfgen.errors import Refused


class UnderWay(KeyboardInterrupt):
    """Interrupted when the change had started."""


def start_change(stack: Stack, change_set: ChangeSet, wish: Wish, watcher: Watcher) -> Running:
    """Start the change, with a stack policy that lets through what was allowed by name.

    Raises :class:`UnderWay` where it started and somebody looks away; what could not be started
    leaves the policy as strict as it was.
    """
    arn = change_set.stack_arn
    deletes = "DELETE" in (change_set.on_stack_failure, wish.manner.on_failure.upper())
    seen = stack.event_ids(arn)
    running = Running(arn, seen, wish.token, deletes and change_set.kind == "CREATE")
    loosened = bool(wish.allow_replace) and change_set.kind == "UPDATE"
    if loosened:
        set_policy(stack, arn, watcher, wish.allow_replace)
    try:
        stack.execute(change_set, wish.token, wish.manner)
    except BaseException as error:
        started = Started(change_set.arn, arn, change_set.kind)
        # The answer may be lost although the change has started; a clear no is none.
        if not _is_refusal(error) and stack.was_executed(started):
            if isinstance(error, FAILURES):
                return running
            watcher.warning(goes_on(stack, arn))
            raise UnderWay from error
        if loosened:
            set_policy(stack, arn, watcher)
        if isinstance(error, ClientError) and code_of(error) in GONE:
            raise Refused(
                f"somebody else has changed stack {stack.name} in the meantime: {brief(error)}",
                "look at it, and deploy again",
            ) from error
        raise
    return running


GONE = {"ChangeSetNotFound", "ChangeSetNotFoundException", "InvalidChangeSetStatus"}
"""Why a change set cannot be executed that could be a moment ago (ExecuteChangeSet)."""


def _is_refusal(error: BaseException) -> bool:
    """Whether AWS has said that it does not execute a change set.

    That it is being executed, it says of a call that is repeated.
    """
    refused = isinstance(error, ClientError) and not is_transient(error)
    return refused and code_of(error) != "InvalidChangeSetStatus"  # type: ignore[arg-type]


def finish(stack: Stack, arn: str, wish: Wish, watcher: Watcher) -> dict[str, tuple[str, str]]:
    """Read the outputs and set what protects. The stack is up: nothing here makes it a failure."""
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
    set_policy(stack, arn, watcher)
    outputs = final.outputs if final else {}
    return {name: (stack.masked(value), text) for name, (value, text) in outputs.items()}


def tighten_policy(stack: Stack, arn: str, watcher: Watcher) -> None:
    """Set a policy that is there and ours to its full strength: a deploy may have loosened it."""
    try:
        there = stack.policy(arn)
    except FAILURES as error:
        watcher.warning(f"the stack policy could not be read: {brief(error)}")
        return
    if there and is_ours(there):
        set_policy(stack, arn, watcher)


def set_policy(stack: Stack, arn: str, watcher: Watcher, allowed: tuple[str, ...] = ()) -> None:
    """Set the stack policy to ours, but for what is ``allowed`` to go; a failure is told only."""
    try:
        types = {
            one.logical_id: one.resource_type
            for one in stack.contents(arn)
            if one.status != "DELETE_COMPLETE"
        }
        kept = held(types, allowed)
        wanted, there = policy_for(kept), stack.policy(arn)
        if not is_ours(there):
            watcher.warning("the stack policy is not of cfgen's making, and is left as it is")
        elif not same_policy(there, wanted):
            stack.set_policy(arn, wanted)
            watcher.note(
                f"stack policy: no update may replace or delete {', '.join(kept) or 'nothing'}"
            )
    except FAILURES as error:
        watcher.warning(f"the stack policy could not be set: {brief(error)}")
