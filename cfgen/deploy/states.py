"""What a deploy does in each state of a stack.

The states are those of ``StackStatus`` in the CloudFormation API Reference.
"""

from collections.abc import Callable
from enum import Enum


class Way(Enum):
    """How a deploy goes on from a state."""

    CREATE = "a change set that creates"
    UPDATE = "a change set that updates"
    RECREATE = "delete what never came up, then create"
    REPAIR = "refuse: the stack needs repair"
    WAIT = "refuse: something is under way"


WAYS: dict[str, Way] = {
    "REVIEW_IN_PROGRESS": Way.CREATE,
    "CREATE_COMPLETE": Way.UPDATE,
    "UPDATE_COMPLETE": Way.UPDATE,
    "UPDATE_ROLLBACK_COMPLETE": Way.UPDATE,
    "IMPORT_COMPLETE": Way.UPDATE,
    "IMPORT_ROLLBACK_COMPLETE": Way.UPDATE,
    "ROLLBACK_COMPLETE": Way.RECREATE,
    "CREATE_FAILED": Way.REPAIR,
    "UPDATE_FAILED": Way.REPAIR,
    "UPDATE_ROLLBACK_FAILED": Way.REPAIR,
    "ROLLBACK_FAILED": Way.REPAIR,
    "DELETE_FAILED": Way.REPAIR,
    "IMPORT_ROLLBACK_FAILED": Way.REPAIR,
    "DELETE_COMPLETE": Way.CREATE,
}

KEPT = {"CREATE_FAILED", "UPDATE_FAILED"}
"""Failed, and not rolled back."""

SUCCEEDED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
ROLLED_BACK = {"ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}


def way_of(status: str | None, *, retry: bool = False) -> Way:
    """The way on from a status, ``None`` for a stack that does not exist.

    With ``retry``, what failed and was kept is gone on with. A status that is not known counts as
    one that needs repair: nothing is done to it.
    """
    if status is None:
        return Way.CREATE
    if retry and status in KEPT:
        return Way.UPDATE
    if status in WAYS:
        return WAYS[status]
    return Way.WAIT if status.endswith("_IN_PROGRESS") else Way.REPAIR


REPAIRS = {
    "UPDATE_ROLLBACK_FAILED": ("rollback",),
    "UPDATE_FAILED": ("deploy --retry", "rollback"),
    "CREATE_FAILED": ("deploy --retry", "rollback", "destroy"),
    "ROLLBACK_FAILED": ("destroy",),
    "DELETE_FAILED": ("destroy",),
    "IMPORT_ROLLBACK_FAILED": ("destroy",),
}


def repair(status: str, command: Callable[[str], str] = "cfgen {}".format) -> str:
    """What to do about a stack in this state: a command where one is known to mend it."""
    ways = [command(words) for words in REPAIRS.get(status, ())]
    return f"mend it with: {', or '.join(ways)}" if ways else "look at the stack in the console"
