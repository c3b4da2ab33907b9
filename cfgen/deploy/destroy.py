"""Taking a stack down, saying what dies, what stays and what keeps billing."""

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

import msgspec
from cfnlint.decode.decode import decode_str

from cfgen.aws import Clients
from cfgen.deploy.causes import first_cause
from cfgen.deploy.plan import Watcher, identify
from cfgen.deploy.stack import Deployed, Stack, Waiting
from cfgen.errors import Declined, NeedsRepair, Refused

KEPT = {"Retain", "RetainExceptOnCreate", "Snapshot"}
"""Deletion policies that leave something behind (DeletionPolicy in the CloudFormation Guide)."""

BILLS = {
    "AWS::SecretsManager::Secret": "a secret, $0.40 a month",
    "AWS::S3::Bucket": "a bucket, by what it holds",
    "AWS::Logs::LogGroup": "a log group, by what it holds, until its retention empties it",
    "AWS::EC2::EIP": "an address, $3.65 a month",
    "AWS::EC2::Volume": "a volume, by its size",
    "AWS::EC2::Instance": "a host, by the hour",
}
"""What a resource costs that outlives its stack, in Seoul at the embedded snapshot's prices."""


class Fate(msgspec.Struct, frozen=True):
    """What becomes of one resource; ``bills`` is what it goes on to cost, where it stays."""

    logical_id: str
    physical_id: str
    resource_type: str
    stays: bool

    @property
    def bills(self) -> str:
        """What it goes on to cost, empty if nothing."""
        return BILLS.get(self.resource_type, "") if self.stays else ""


class DestroyWish(msgspec.Struct, frozen=True):
    """Which stack, and what is allowed on the way. ``retain`` are logical ids."""

    stack: str
    token: str
    allowed_accounts: tuple[str, ...] = ()
    disable_protection: bool = False
    retain: tuple[str, ...] = ()


class DestroyWatcher(Watcher, Protocol):
    """Whoever looks on while a stack goes."""

    def fates(self, fates: tuple[Fate, ...]) -> None:
        """What dies and what stays."""

    def confirm_by_name(self, question: str, name: str) -> bool:
        """Ask for the stack's name. Raises :class:`Refused` where there is nobody to ask."""
        ...


def destroy(
    wish: DestroyWish, clients: Clients, waiting: Waiting, watcher: DestroyWatcher
) -> tuple[Fate, ...] | None:
    """Delete the stack, after asking, and wait for its end; ``None`` where there is none.

    Gives what became of each resource. Raises the errors of ``cfgen/errors.py`` and botocore's.
    """
    identify(clients, wish.stack, wish.allowed_accounts, watcher)
    stack = Stack(clients.cloudformation, wish.stack, waiting)
    found = stack.find()
    if found is None or destroy_way(found.status) is Way.NOTHING:
        return None
    _check(found, wish)
    fates = tuple(_fates(stack, found, wish))
    watcher.fates(fates)
    if destroy_way(found.status) is not Way.FOLLOW:
        if not watcher.confirm_by_name(f"Delete stack {wish.stack}?", wish.stack):
            raise Declined("declined")
        watcher.agreed()
        if found.protected:
            stack.protect(found.arn, enabled=False)
        seen = stack.event_ids(found.arn)
        stack.delete(found.arn, wish.token, wish.retain)
    else:
        watcher.note("it is being deleted already: following that")
        seen = stack.event_ids_before_current(found.arn)
    # By its ARN: the name stops resolving once it is gone.
    events = stack.follow(found.arn, seen, watcher.event)
    if events[-1].status == "DELETE_COMPLETE":
        return fates
    cause = first_cause(events)
    left = sorted({event.logical_id for event in events if event.status == "DELETE_FAILED"})
    retain = " ".join(f"--retain {name}" for name in left if name != wish.stack)
    why = f": {cause.logical_id}: {cause.reason}" if cause else ""
    raise NeedsRepair(
        f"stack {wish.stack} could not be deleted and is in {events[-1].status}{why}",
        f"mend the cause and destroy again, or leave behind what is stuck: cfgen destroy {retain}",
    )


class Way(Enum):
    """What a destroy does in a state."""

    DELETE = "deletes it, after asking for its name"
    FOLLOW = "follows the deletion"
    NOTHING = "nothing: it is gone"
    WAIT = "refuses: something is under way"


def destroy_way(status: str) -> Way:
    """What a destroy does in a state (StackStatus in the CloudFormation API Reference)."""
    if status == "DELETE_COMPLETE":
        return Way.NOTHING
    if status == "DELETE_IN_PROGRESS":
        return Way.FOLLOW
    under_way = status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    return Way.WAIT if under_way else Way.DELETE


def _check(found: Deployed, wish: DestroyWish) -> None:
    if destroy_way(found.status) is Way.WAIT:
        raise Refused(
            f"stack {found.arn} is in {found.status}: something else is under way",
            "wait until it has ended, then destroy",
        )
    if found.protected and not wish.disable_protection:
        raise Refused(
            f"stack {found.arn} is protected from deletion", "if it shall go, --disable-protection"
        )
    if wish.retain and found.status != "DELETE_FAILED":
        raise Refused(
            f"--retain: stack {found.arn} is in {found.status}, and CloudFormation leaves things "
            "behind only where a deletion has failed",
            "destroy without it first",
        )


def _fates(stack: Stack, found: Deployed, wish: DestroyWish) -> list[Fate]:
    declared = _declared(stack.template_of(found.arn)) if _came_up(found) else {}
    return [
        Fate(
            one.logical_id,
            one.physical_id,
            one.resource_type,
            one.logical_id in wish.retain or _stays(declared.get(one.logical_id, {}), found),
        )
        for one in stack.contents(found.arn)
        if one.status != "DELETE_COMPLETE"
    ]


def _came_up(found: Deployed) -> bool:
    return found.status != "REVIEW_IN_PROGRESS"


def _stays(resource: Mapping[str, object], found: Deployed) -> bool:
    policy = resource.get("DeletionPolicy")
    never_up = found.status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
    return policy in KEPT and not (policy == "RetainExceptOnCreate" and never_up)


def _declared(text: str) -> Mapping[str, Mapping[str, object]]:
    template, _ = decode_str(text)
    resources = template.get("Resources") if isinstance(template, dict) else None
    return resources if isinstance(resources, dict) else {}
