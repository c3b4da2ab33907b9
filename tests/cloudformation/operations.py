"""Stacks, and how operations on them go: step by step, each a few events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, repeat

from tests.cloudformation.template import (
    SMALL,
    STABLE,
    Call,
    FakeChangeSet,
    FakeResource,
    FakeStack,
    Fields,
    Template,
    parse,
)

STACK = "AWS::CloudFormation::Stack"

RUNNING: Fields = {
    "InstanceId": "i-0",
    "InstanceType": "t4g.micro",
    "State": {"Name": "running"},
    "LaunchTime": datetime(2026, 11, 1, tzinfo=UTC),
}
"""An instance that has been up for long."""


@dataclass(frozen=True)
class Move:
    """An event and what it changes: the stack, or a resource (by its logical id, or as it is now).

    ``extra`` are further fields of the event.
    """

    status: str
    reason: str = ""
    target: FakeResource | str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


Step = Sequence[Move]


@dataclass(eq=False)
class Scripts:
    """What a test asks for.

    Failures are reasons by logical id (for a Hook, with its type): of creating or updating, of
    rolling back (or of the deletions of a creation's rollback), of deleting, of a nested stack's
    resource. ``changes`` are told of in place of those that were computed, and executed too.
    ``drift`` has property differences by logical id; none means that the resource was deleted.

    ``reports`` are what the host tells of itself, ``console`` what it wrote there, ``instance``
    what EC2 says of it.

    ``extra_steps`` are empty ones amid each operation; ``pending_polls`` is how often a change set
    is told of as being created; from ``expire_after`` calls on, the first access key has expired.
    """

    failures: dict[str, str] = field(default_factory=dict)
    hook_failures: dict[str, tuple[str, str]] = field(default_factory=dict)
    rollback_failures: dict[str, str] = field(default_factory=dict)
    delete_failures: dict[str, str] = field(default_factory=dict)
    nested: dict[str, str] = field(default_factory=dict)
    validations: list[Fields] = field(default_factory=list)
    changes: list[Fields] | None = None
    drift: dict[str, list[Fields]] = field(default_factory=dict)
    clock: datetime = datetime(2026, 11, 23, tzinfo=UTC)
    page_size: int = 100_000
    steps_per_poll: int = 1
    extra_steps: int = 0
    pending_polls: int = 0
    log_lines: list[str] = field(default_factory=list)
    reports: list[tuple[datetime, Fields]] = field(default_factory=list)
    console: str = ""
    instance: Fields = field(default_factory=lambda: dict(RUNNING))
    image: str = "ami-0123456789abcdef0"
    arn: str = "arn:aws:iam::123456789012:user/trader"
    account: str = "123456789012"
    expire_after: int | None = None


@dataclass(frozen=True)
class Part:
    """One resource's part in a deploy: what is there, what is to be, why it fails if it does."""

    old: FakeResource | None
    new: FakeResource
    replaces: bool = False
    reason: str = ""
    hook: Mapping[str, str] = field(default_factory=dict)

    @property
    def word(self) -> str:
        return "UPDATE" if self.old else "CREATE"

    @property
    def before(self) -> FakeResource:
        return self.old or self.new

    @property
    def end(self) -> Iterator[Move]:
        if self.hook:
            extra = {
                "HookStatus": "HOOK_COMPLETE_FAILED",
                "HookFailureMode": "FAIL",
                "HookInvocationPoint": "PRE_PROVISION",
                **self.hook,
            }
            yield Move(f"{self.word}_IN_PROGRESS", target=self.before, extra=extra)
        if self.reason:
            yield Move(f"{self.word}_FAILED", self.reason, self.before)
        else:
            yield Move(f"{self.word}_COMPLETE", target=self.new)


class Operations(Scripts):
    """The stacks, and how operations on them go, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.stacks: list[FakeStack] = []
        self._steps: dict[str, Iterator[Step]] = {}
        self._count = 0

    def stack(self, name: str) -> FakeStack | None:
        """The latest stack of a name that is not deleted, or any by its ARN."""
        found = [
            one
            for one in self.stacks
            if name == one.arn or (name == one.name and one.status != "DELETE_COMPLETE")
        ]
        return found[-1] if found else None

    def put(
        self,
        name: str,
        status: str,
        template: str = SMALL,
        parameters: Mapping[str, str] | None = None,
        protected: bool = False,
        policy: str | None = None,
        operation: Iterable[Step] | None = None,
    ) -> FakeStack:
        """A stack in any state. Without an ``operation``, one that is under way stays so for ever.

        Where it failed, so did the resources that the scripts name; the last one by default.
        """
        text = parse(template).get("Parameters", {})
        values = {key: str(one["Default"]) for key, one in text.items() if "Default" in one}
        arn = self.new_arn(name, "ap-northeast-2")
        deployed = Template(template, values | dict(parameters or {}), arn, self.image)
        stack = self.new_stack(name, deployed)
        stack.protected, stack.policy = protected, policy
        kind = status.partition("_")[0]
        stack.begin_operation("UPDATE_STACK" if kind == "UPDATE" else "CREATE_STACK")
        if status == "REVIEW_IN_PROGRESS":
            self.apply(stack, Move(status, "User Initiated"))
            return stack
        self.apply(stack, Move("CREATE_IN_PROGRESS", "User Initiated"))
        for resource in deployed.resources.values():
            there = replace(resource, physical_id=stack.next_id(resource.logical_id))
            self.apply(stack, Move("CREATE_COMPLETE", target=there))
        stack.remember()
        if kind in ("CREATE", "ROLLBACK"):
            stack.previous = None
        for move in self._put_resources(stack, status):
            self.apply(stack, move)
        self.apply(stack, Move(status))
        self._steps[stack.arn] = iter(operation or ())
        return stack

    def _put_resources(self, stack: FakeStack, status: str) -> Iterator[Move]:
        """What became of the resources of a stack that is put in a state."""
        if status in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
            yield from self.delete_all(stack, {})
        if not status.endswith("_FAILED"):
            return
        kind, scripts = status.partition("_")[0], self.failures
        if "ROLLBACK" in status:
            scripts, kind = self.rollback_failures, {"ROLLBACK": "DELETE"}.get(kind, kind)
        elif kind == "DELETE":
            scripts = self.delete_failures
        named = [name for name in stack.resources if name in scripts] or [*stack.resources][-1:]
        for name in named:
            yield Move(f"{kind}_FAILED", scripts.get(name, "Resource handler failed"), name)

    def new_arn(self, name: str, region: str) -> str:
        unique = f"{len(self.stacks) + 1:08x}-0000-4000-8000-000000000000"
        return f"arn:aws:cloudformation:{region}:{self.account}:stack/{name}/{unique}"

    def new_stack(self, name: str, template: Template) -> FakeStack:
        self.stacks.append(FakeStack(name, template.stack_arn, self.now(), template))
        return self.stacks[-1]

    def now(self) -> datetime:
        """The fake clock, which goes on by a second each time."""
        self.clock += timedelta(seconds=1)
        return self.clock

    def begin(self, stack: FakeStack, kind: str, call: Call, steps: Iterator[Step]) -> None:
        """Start an operation in place of the present one; its first step happens at once."""
        stack.token = call.token
        if call.token:
            stack.tokens[call.token] = call.operation
        for one in stack.change_sets.values():
            if one.execution_status == "EXECUTE_IN_PROGRESS":
                one.execution_status = "EXECUTE_FAILED"
        stack.begin_operation(kind)
        self._steps[stack.arn] = chain(islice(steps, 2), repeat((), self.extra_steps), steps)
        self.advance(stack)

    def advance(self, stack: FakeStack, steps: int = 1) -> None:
        for step in islice(self._steps.get(stack.arn, ()), steps):
            for move in step:
                self.apply(stack, move)

    def apply(self, stack: FakeStack, move: Move) -> None:
        """Let a move have its effect, and tell of it in an event."""
        target = move.target
        if target == "":
            shown = FakeResource(stack.name, STACK, stack.arn)
            self._apply_to_stack(stack, move)
        else:
            shown = stack.resources[target] if isinstance(target, str) else target
            now = stack.resources.get(shown.logical_id)
            if not (now and now.physical_id != shown.physical_id and "DELETE" in move.status):
                stack.resources[shown.logical_id] = replace(shown, status=move.status)
        self._count += 1
        event = {
            "StackId": stack.arn,
            "StackName": stack.name,
            "EventId": f"event-{self._count}",
            "OperationId": stack.last_operations[0]["OperationId"],
            "LogicalResourceId": shown.logical_id,
            "PhysicalResourceId": shown.physical_id,
            "ResourceType": shown.type,
            "Timestamp": self.now(),
            "ResourceStatus": move.status,
        }
        optional = {"ResourceStatusReason": move.reason, "ClientRequestToken": stack.token}
        event |= {name: value for name, value in optional.items() if value}
        stack.events.append(event | dict(move.extra))

    def _apply_to_stack(self, stack: FakeStack, move: Move) -> None:
        stack.status, stack.reason = move.status, move.reason
        under_way = stack.last_operations[0]["OperationType"]
        if "ROLLBACK_IN_PROGRESS" in move.status and "ROLLBACK" not in under_way:
            # A deploy that rolls back spans two operations.
            stack.begin_operation("ROLLBACK")
        if move.status == "UPDATE_ROLLBACK_IN_PROGRESS":
            stack.restore()
        if move.status in ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            stack.resources = {name: one for name, one in stack.resources.items() if one.exists}

    # The operations

    def deploy(
        self, stack: FakeStack, change_set: FakeChangeSet, on_failure: str
    ) -> Iterator[Step]:
        """Execute a change set."""
        verb = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
        if stack.status in STABLE:
            stack.remember()
        stack.deployed, stack.tags = change_set.template, change_set.tags
        stack.change_set_arn = change_set.arn
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        yield [Move(f"{verb}_IN_PROGRESS", "User Initiated")]
        working: list[Move] = []
        done: list[Move] = []
        failed: dict[str, str] = {}
        old: list[FakeResource] = []
        for change in change_set.plan.values():
            part = self._part(stack, change_set.template, change)
            if part.old and change["Action"] == "Remove":
                old.append(part.old)
            elif part.old and part.replaces:
                old.append(replace(part.old, deletion_policy=part.old.replace_policy))
            if change["Action"] == "Remove" and not part.reason:
                continue
            working.append(Move(f"{part.word}_IN_PROGRESS", target=part.before))
            if failed and not part.reason:
                done.append(cancelled(part.word, part.before))
            else:
                done += part.end
            if part.reason:
                failed[part.new.logical_id] = part.word
        yield working
        yield done
        change_set.execution_status = "EXECUTE_FAILED" if failed else "EXECUTE_COMPLETE"
        if failed:
            yield from self._after_failure(stack, verb, failed, on_failure)
            return
        if verb == "UPDATE":
            yield [Move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")]
            yield list(deletions(old, self.delete_failures))
        stack.previous = None
        yield [Move(f"{verb}_COMPLETE")]

    def _part(self, stack: FakeStack, template: Template, change: Fields) -> Part:
        """One resource's part in a deploy, by the scripts."""
        name, replaces = change["LogicalResourceId"], change.get("Replacement") == "True"
        there = stack.resources.get(name)
        old = there if there and there.exists else None
        new = template.resources.get(name) or old or FakeResource(name, change["ResourceType"])
        physical_id = old.physical_id if old and not replaces else stack.next_id(name)
        part = Part(old, replace(new, physical_id=physical_id), replaces)
        action = "Update:Delete" if change["Action"] == "Remove" else "Update:Replace"
        denied = stack.denial(action, name) if replaces or "Delete" in action else ""
        if denied or action == "Update:Delete":
            return replace(part, reason=denied)
        if old and replaces and stack.disable_rollback:
            text = "Replacement type updates not supported on stack with disable-rollback."
            return replace(part, reason=text)
        if name in self.hook_failures:
            hook, why = self.hook_failures[name]
            reason = f"The following hook(s) failed: [{hook}]"
            return replace(part, reason=reason, hook={"HookType": hook, "HookStatusReason": why})
        if name in self.nested:
            nested = self._fail_nested(stack, part.new)
            reason = (
                f"Embedded stack {nested.physical_id} was not successfully {part.word.lower()}d: "
                "The following resource(s) failed to create: [Inner]. "
            )
            return Part(nested if old else None, nested, reason=reason)
        return replace(part, reason=self.failures.get(name, ""))

    def _fail_nested(self, stack: FakeStack, resource: FakeResource) -> FakeResource:
        """The nested stack that fails, in the resource's place."""
        name = f"{stack.name}-{resource.logical_id}"
        arn = self.new_arn(name, stack.arn.split(":")[3])
        nested = self.new_stack(name, Template(SMALL, {}, arn, self.image))
        nested.begin_operation("CREATE_STACK")
        inner = FakeResource("Inner", "AWS::SQS::Queue", f"{name}-Inner-1")
        for move in (
            Move("CREATE_IN_PROGRESS", "User Initiated"),
            Move("CREATE_IN_PROGRESS", target=inner),
            Move("CREATE_FAILED", self.nested[resource.logical_id], inner),
            Move("CREATE_FAILED", sentence({"Inner": "CREATE"})),
        ):
            self.apply(nested, move)
        return replace(resource, type=STACK, physical_id=nested.arn)

    def _after_failure(
        self, stack: FakeStack, verb: str, failed: dict[str, str], on_failure: str
    ) -> Iterator[Step]:
        reason = sentence(failed)
        if on_failure == "DO_NOTHING":
            yield [Move(f"{verb}_FAILED", reason)]
        elif verb == "UPDATE":
            yield from self.roll_back(stack, reason)
        elif on_failure == "DELETE":
            yield from self.delete(stack, reason, ())
        else:
            yield [Move("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")]
            yield list(self.delete_all(stack, self.rollback_failures))
            yield [ended("ROLLBACK", self._undeleted(stack))]

    def roll_back(
        self, stack: FakeStack, reason: str = "User Initiated", skip: Sequence[str] = ()
    ) -> Iterator[Step]:
        """Bring the resources back to what they were, less those to skip."""
        broken_off = [
            cancelled(one.status.partition("_")[0], one)
            for one in stack.resources.values()
            if one.status.endswith("_IN_PROGRESS")
        ]
        yield [*broken_off, Move("UPDATE_ROLLBACK_IN_PROGRESS", reason)]
        before = stack.previous.resources if stack.previous else stack.resources
        now = dict(stack.resources)
        changed = {
            name: one
            for name, one in before.items()
            if name not in skip
            and not (now[name].status.endswith("COMPLETE") and now[name].is_like(one))
        }
        moves = []
        for name, one in changed.items():
            moves.append(Move("UPDATE_IN_PROGRESS", target=one))
            if name in self.rollback_failures:
                moves.append(Move("UPDATE_FAILED", self.rollback_failures[name], now[name]))
            else:
                moves.append(Move("UPDATE_COMPLETE", target=one))
        yield moves
        failed = {name: "UPDATE" for name in changed if name in self.rollback_failures}
        if failed:
            yield [ended("UPDATE_ROLLBACK", failed)]
            return
        for name in skip:
            stack.resources[name] = replace(now[name], status="UPDATE_COMPLETE")
        new = [one for name, one in now.items() if name not in before]
        new += [now[name] for name in changed if now[name].physical_id != before[name].physical_id]
        yield [Move("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")]
        yield list(deletions(new, self.delete_failures))
        stack.previous = None
        yield [Move("UPDATE_ROLLBACK_COMPLETE")]

    def delete(
        self, stack: FakeStack, reason: str, retain: Sequence[str], force: bool = False
    ) -> Iterator[Step]:
        """Delete a stack and what it has, less what is to be retained."""
        yield [Move("DELETE_IN_PROGRESS", reason)]
        if force:
            retain = [*retain, *self.delete_failures]
        yield list(self.delete_all(stack, self.delete_failures, retain))
        yield [ended("DELETE", self._undeleted(stack))]

    def delete_all(
        self, stack: FakeStack, failures: Mapping[str, str], retain: Sequence[str] = ()
    ) -> Iterator[Move]:
        there = [
            replace(one, deletion_policy="Retain") if one.logical_id in retain else one
            for one in reversed(stack.resources.values())
            if one.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        ]
        yield from deletions(there, failures)

    def _undeleted(self, stack: FakeStack) -> dict[str, str]:
        return {
            name: "DELETE" for name, one in stack.resources.items() if one.status == "DELETE_FAILED"
        }


def cancelled(word: str, resource: FakeResource) -> Move:
    noun = {"CREATE": "creation", "UPDATE": "update", "DELETE": "deletion"}[word]
    return Move(f"{word}_FAILED", f"Resource {noun} cancelled", resource)


def ended(word: str, failed: Mapping[str, str]) -> Move:
    return Move(f"{word}_FAILED", sentence(failed)) if failed else Move(f"{word}_COMPLETE")


def deletions(resources: Iterable[FakeResource], failures: Mapping[str, str]) -> Iterator[Move]:
    """What becomes of resources that are to go."""
    for one in resources:
        if one.deletion_policy.startswith("Retain") and one.status != "CREATE_FAILED":
            yield Move("DELETE_SKIPPED", target=one)
            continue
        yield Move("DELETE_IN_PROGRESS", target=one)
        if one.logical_id in failures:
            yield Move("DELETE_FAILED", failures[one.logical_id], one)
        else:
            yield Move("DELETE_COMPLETE", target=one)


def sentence(failed: Mapping[str, str]) -> str:
    """CloudFormation's sentence on what failed, by the word for what was being done."""
    return "".join(
        f"The following resource(s) failed to {word.lower()}: [{', '.join(names)}]. "
        for word in ("CREATE", "UPDATE", "DELETE")
        if (names := [name for name, one in failed.items() if one == word])
    )
