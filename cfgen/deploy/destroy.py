"""Taking a stack down, saying what dies, what stays and what keeps billing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

import msgspec

from cfgen.aws import FAILURES, Clients, brief
from cfgen.deploy.buckets import empty, holds, remove
from cfgen.deploy.events import Event
from cfgen.deploy.failure import find_causes, told
from cfgen.deploy.fates import BUCKET, Fate, plan_fates
from cfgen.deploy.following import Followed, Running, follow
from cfgen.deploy.plan import Identity, Watcher, open_stack
from cfgen.deploy.remedies import console_link
from cfgen.deploy.stack import Deployed, Held, Stack
from cfgen.deploy.waiting import Waiting
from cfgen.errors import AwsError, ConfigError, Declined, NeedsRepair, Refused, StillRunning


class DestroyWish(msgspec.Struct, frozen=True):
    """Which stack, and what is allowed on the way. ``retain`` are logical ids.

    ``empty`` are logical ids of buckets to empty, and to delete where the stack would leave them.
    With ``ask`` the watcher is asked about the others; without, they keep what they hold.
    """

    stack: str
    token: str
    allowed_accounts: tuple[str, ...] = ()
    disable_protection: bool = False
    retain: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    ask: bool = True


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

    Gives what became of each resource. Data is lost only where the wish or the watcher says so.
    Raises the errors of ``cfgen/errors.py`` and botocore's.
    """
    identity, stack, found = open_stack(
        wish.stack, wish.allowed_accounts, clients, waiting, watcher
    )
    if found is None or destroy_way(found.status) is Way.NOTHING:
        return None
    _check(found, wish)
    template = stack.template_of(found.arn) if found.status != "REVIEW_IN_PROGRESS" else ""
    held = stack.contents(found.arn)
    _check_buckets(held, wish)
    planned = plan_fates(held, template, found.status, wish.retain)
    following = destroy_way(found.status) is Way.FOLLOW
    if not following:
        wish = _ask_for_buckets(planned, wish, clients, identity.account, watcher)
    fates = tuple(_told(one, wish) for one in planned)
    watcher.fates(fates)
    _ask_by_name(wish, following, watcher)
    if not following:
        watcher.agreed()
        seen = stack.event_ids(found.arn)
    else:
        watcher.note("it is being deleted already: following that")
        seen = stack.event_ids_before_current(found.arn)
    with _unprotected(stack, found, watcher):
        for one in _chosen(planned, wish, stays=False):
            empty(clients.s3, one.physical_id, identity.account, watcher.note)
        if not following:
            stack.delete(found.arn, wish.token, wish.retain)
    to_clear = _chosen(planned, wish, stays=True)
    followed = _follow(stack, Running(found.arn, seen, wish.token), watcher, to_clear)
    if followed.status != "DELETE_COMPLETE":
        raise _stuck(stack, found.arn, followed.events, watcher)
    # Only now: until the host is gone, it may write into them.
    _clear(to_clear, clients, identity, watcher)
    return fates


@contextmanager
def _unprotected(stack: Stack, found: Deployed, watcher: Watcher) -> Iterator[None]:
    """Take a stack's protection off, and put it back where its deletion does not begin."""
    if not found.protected:
        yield
        return
    stack.protect(found.arn, enabled=False)
    try:
        yield
    except BaseException:
        try:
            stack.protect(found.arn, enabled=True)
        except FAILURES as error:
            watcher.warning(f"stack {found.arn} is no longer protected: {brief(error)}")
        raise


def _follow(
    stack: Stack, running: Running, watcher: DestroyWatcher, to_clear: Sequence[Fate]
) -> Followed:
    """Follow to the end. Whoever looks away before is told how to keep what was promised."""
    try:
        # By its ARN: the name stops resolving once it is gone.
        return follow(stack, running, watcher)
    except StillRunning as error:
        if not to_clear:
            raise
        names = " ".join(f"--empty-bucket {one.logical_id}" for one in to_clear)
        raise StillRunning(
            str(error),
            f"{error.hint}\n  its buckets are left full unless "
            f"{stack.command(f'destroy {names}')} follows it to its end",
        ) from error


def _ask_by_name(wish: DestroyWish, following: bool, watcher: DestroyWatcher) -> None:
    """Ask before anything is lost, which following alone does not do. Raises :class:`Declined`."""
    question = f"Delete stack {wish.stack}?"
    if following:
        question = f"Empty {', '.join(wish.empty)} of stack {wish.stack}, which is being deleted?"
    if (wish.empty or not following) and not watcher.confirm_by_name(question, wish.stack):
        raise Declined("declined")


def _chosen(planned: Sequence[Fate], wish: DestroyWish, *, stays: bool) -> list[Fate]:
    """The buckets to empty: those that the stack would leave, or those that die with it."""
    return [
        one
        for one in planned
        if one.logical_id in wish.empty and one.physical_id and one.stays == stays
    ]


def _stuck(stack: Stack, arn: str, events: Sequence[Event], watcher: Watcher) -> NeedsRepair:
    """Why a deletion failed, and the way on."""
    found = tuple(find_causes(stack, arn, events, watcher))
    why = "".join(f"\n  {told(event)}" for event in found)
    left = sorted({event.logical_id for event in events if event.status == "DELETE_FAILED"})
    retain = " ".join(f"--retain {name}" for name in left if name != stack.name)
    mend = "mend the cause and destroy again"
    if found and found[0].resource_type == BUCKET:
        mend = f"empty it: {stack.command(f'destroy --empty-bucket {found[0].logical_id}')}"
    return NeedsRepair(
        f"stack {stack.name} could not be deleted and is in {events[-1].status}:{why}",
        f"{mend}, or leave behind what is stuck: {stack.command(f'destroy {retain}')}"
        f"\n  {console_link(arn)}",
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


def _check_buckets(held: Sequence[Held], wish: DestroyWish) -> None:
    """Refuse to empty what is no bucket of the stack. One that is gone already may be named."""
    if both := sorted({*wish.empty} & {*wish.retain}):
        raise ConfigError(f"{', '.join(both)}: --retain and --empty-bucket do not go together")
    names = sorted(one.logical_id for one in held if one.resource_type == BUCKET)
    if unknown := [name for name in wish.empty if name not in names]:
        raise ConfigError(
            f"--empty-bucket: {', '.join(unknown)} is no bucket of stack {wish.stack}",
            f"its buckets: {', '.join(names)}" if names else "it has none: leave the option out",
        )


def _ask_for_buckets(
    planned: Sequence[Fate],
    wish: DestroyWish,
    clients: Clients,
    account: str,
    watcher: DestroyWatcher,
) -> DestroyWish:
    """The wish, and with it the buckets that the watcher gives up.

    Raises :class:`Refused` or :class:`Declined` where one that is kept full would make the deletion
    fail.
    """
    given_up = list(wish.empty)
    for one in planned:
        if one.resource_type != BUCKET or not one.physical_id or one.logical_id in wish.empty:
            continue
        # What stays and is not asked about is of no account.
        if (wish.ask or not one.stays) and _holds(clients, one, account, watcher):
            if wish.ask and watcher.confirm(_bucket_question(one)):
                given_up.append(one.logical_id)
            elif not one.stays:
                error = Declined if wish.ask else Refused
                raise error(
                    f"bucket {one.physical_id} ({one.logical_id}) would be deleted with its stack, "
                    "and CloudFormation deletes none that holds objects",
                    f"save what you need of it, then --empty-bucket {one.logical_id}",
                )
    return msgspec.structs.replace(wish, empty=tuple(given_up))


def _bucket_question(bucket: Fate) -> str:
    then = "would stay and bill" if bucket.stays else "would be deleted with its stack"
    what = "Empty and delete" if bucket.stays else "Empty"
    return (
        f"{what} bucket {bucket.physical_id} ({bucket.logical_id}), which {then}? "
        "Its objects and all their versions are gone then."
    )


def _holds(clients: Clients, bucket: Fate, account: str, watcher: DestroyWatcher) -> bool:
    try:
        return holds(clients.s3, bucket.physical_id, account)
    except FAILURES as error:
        # Who may delete a stack need not be allowed to look into its buckets.
        watcher.warning(
            f"bucket {bucket.physical_id} ({bucket.logical_id}) could not be looked into, and is "
            f"left as it is: {brief(error)}"
        )
        return False


def _clear(
    buckets: Sequence[Fate], clients: Clients, identity: Identity, watcher: DestroyWatcher
) -> None:
    """Empty and delete buckets that the stack left. Raises :class:`AwsError` after all of them."""
    failed = []
    for one in buckets:
        try:
            empty(clients.s3, one.physical_id, identity.account, watcher.note)
            remove(clients.s3, one.physical_id, identity.account)
        except (AwsError, *FAILURES) as error:
            failed.append((one, brief(error)))
        else:
            watcher.note(f"bucket {one.physical_id} is deleted")
    if failed:
        said = "; ".join(f"{one.physical_id}: {why}" for one, why in failed)
        raise AwsError(
            f"stack {identity.stack} is deleted, but buckets were left behind, which bill: {said}",
            "; ".join(one.removal(identity.region) for one, _ in failed),
        )


def _told(planned: Fate, wish: DestroyWish) -> Fate:
    """A fate as it will be: a bucket to be emptied dies, whatever its template says."""
    if planned.logical_id not in wish.empty:
        return planned
    return msgspec.structs.replace(planned, stays=False, emptied=True)
