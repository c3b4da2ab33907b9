"""A small scripted CloudFormation over HTTP, for tests: what moto cannot play.

Every state of a stack, pre-deployment validations, rollbacks that fail, hooks, nested stacks,
drift, throttling, expired tokens, cut connections. Requests and answers are checked against
botocore's own models. Nothing happens by itself: an operation goes one step further each time that
somebody describes its stack, so every run of a test is the same.

Beside it stand as much of STS, SSM, CloudWatch Logs and S3 as a deploy calls.
"""

import json
import re
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator
from cfnlint.decode.decode import decode_str

from tests.fake_aws import Fault, _Server

STACK = "AWS::CloudFormation::Stack"
KEY = "AKIDEXAMPLE"
SMALL = """\
Parameters:
  Name: {Type: String, Default: bot}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Ref Name}
Outputs:
  QueueUrl: {Value: !Ref Queue}
"""

STABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
STACK_ONLY = {
    "REVIEW_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
}
"""AWS gives these in a stack's own events too, though the model of ResourceStatus lacks them."""
RETRIABLE = {"CREATE_FAILED", "UPDATE_FAILED"}
REPLACING = {
    ("AWS::EC2::EIP", "Domain"),
    ("AWS::EC2::FlowLog", "LogGroupName"),
    ("AWS::EC2::Instance", "AvailabilityZone"),
    ("AWS::EC2::Instance", "ImageId"),
    ("AWS::EC2::Instance", "KeyName"),
    ("AWS::EC2::Instance", "SubnetId"),
    ("AWS::EC2::SecurityGroup", "GroupDescription"),
    ("AWS::EC2::SecurityGroup", "VpcId"),
    ("AWS::EC2::Subnet", "AvailabilityZone"),
    ("AWS::EC2::Subnet", "AvailabilityZoneId"),
    ("AWS::EC2::Subnet", "CidrBlock"),
    ("AWS::EC2::VPC", "CidrBlock"),
    ("AWS::EC2::Volume", "AvailabilityZone"),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::S3::Bucket", "BucketName"),
    ("AWS::SNS::Topic", "TopicName"),
    ("AWS::SQS::Queue", "QueueName"),
    ("AWS::SecretsManager::Secret", "Name"),
}
"""Properties whose change replaces the resource ("Update requires: Replacement")."""

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)
INVALID = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To "
    "troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure "
    "information."
)
HALTED = (
    "This stack is currently in a non-terminal [{}] state. To update the stack from this state, "
    "please use the disable-rollback parameter with update-stack API. To rollback to the last "
    "known good state, use the rollback-stack API"
)

NO_VALUE = {"Ref": "AWS::NoValue"}

Fields = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A request."""

    operation: str
    parameters: Fields
    service: str = "cloudformation"
    region: str = "ap-northeast-2"
    access_key: str = KEY

    @property
    def token(self) -> str:
        return str(self.parameters.get("ClientRequestToken", ""))


@dataclass(frozen=True)
class FakeResource:
    """A resource of a stack; ``properties`` are resolved as far as parameters reach."""

    logical_id: str
    type: str
    physical_id: str = ""
    status: str = "CREATE_COMPLETE"
    properties: Fields = field(default_factory=dict)
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"

    @property
    def exists(self) -> bool:
        return self.status not in ("CREATE_FAILED", "DELETE_COMPLETE", "DELETE_SKIPPED")


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
class Template:
    """A template with the values of its parameters."""

    text: str
    parameters: dict[str, str]
    stack_arn: str
    image: str

    def __post_init__(self) -> None:
        self.body = parse(self.text)
        self.declared: Fields = self.body.get("Parameters", {})
        self.resolved = {
            name: self.image
            for name in self.parameters
            if self.declared[name]["Type"].startswith("AWS::SSM::Parameter::Value")
        }
        _, partition, _, region, account, path = self.stack_arn.split(":")
        pseudo = {
            "AWS::AccountId": account,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::StackId": self.stack_arn,
            "AWS::StackName": path.split("/")[1],
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.names = pseudo | self.parameters | self.resolved

    @cached_property
    def resources(self) -> dict[str, FakeResource]:
        """The resources whose conditions hold, without physical ids."""
        return {
            logical_id: FakeResource(
                logical_id,
                entry["Type"],
                properties=self.resolve(entry.get("Properties", {})),
                deletion_policy=entry.get("DeletionPolicy", "Delete"),
                replace_policy=entry.get("UpdateReplacePolicy", "Delete"),
            )
            for logical_id, entry in self.body["Resources"].items()
            if "Condition" not in entry or self.holds({"Condition": entry["Condition"]})
        }

    def holds(self, condition: Any) -> bool:
        [(function, value)] = condition.items()
        if function == "Condition":
            return self.holds(self.body["Conditions"][value])
        if function == "Fn::Equals":
            left, right = (self.resolve(one) for one in value)
            return bool(left == right)
        if function == "Fn::Not":
            return not self.holds(value[0])
        return {"Fn::And": all, "Fn::Or": any}[function](map(self.holds, value))

    def resolve(self, value: Any, ids: Mapping[str, str] | None = None) -> Any:
        """A value with parameters in place of their names, and resources' ids where given."""
        if isinstance(value, list):
            rows = [self.resolve(one, ids) for one in value]
            return [one for one in rows if one != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, inner)] = value.items()
            value = self._call(function, inner, ids or {})
            if not isinstance(value, dict):
                return value
        found = {name: self.resolve(one, ids) for name, one in value.items()}
        return {name: one for name, one in found.items() if one != NO_VALUE}

    def _call(self, function: str, inner: Any, ids: Mapping[str, str]) -> Any:
        """The value of an intrinsic function; itself where it has none yet, or is none."""
        names = self.names | dict(ids)
        if function == "Ref":
            return names.get(inner, {function: inner})
        if function == "Fn::GetAtt":
            return names.get(inner[0], {function: inner})
        if function == "Fn::If":
            return self.resolve(inner[1 if self.holds({"Condition": inner[0]}) else 2], ids)
        if function == "Fn::Sub":
            text, own = (inner, {}) if isinstance(inner, str) else inner
            names |= {name: str(self.resolve(one, ids)) for name, one in own.items()}
            return re.sub(r"\$\{([\w:]+)(\.[\w.]+)?\}", lambda hit: names.get(hit[1], hit[0]), text)
        if function == "Fn::Join":
            parts = self.resolve(inner[1], ids)
            if all(isinstance(one, str) for one in parts):
                return inner[0].join(parts)
        return {function: inner}

    def causes(self, logical_id: str, name: str, changed: set[str]) -> Iterator[Fields]:
        """Why a property changed: the parameters that it names, or the template itself."""
        text = json.dumps(self.body["Resources"][logical_id].get("Properties", {}).get(name))
        hits = set(re.findall(r'(?:"Ref": "|\$\{)(\w+)', text)) & changed
        for parameter in sorted(hits):
            yield {"ChangeSource": "ParameterReference", "CausingEntity": parameter}
        if not hits:
            yield {"ChangeSource": "DirectModification"}

    def shown(self) -> list[Fields]:
        return [
            {
                "ParameterKey": name,
                "ParameterValue": "****" if is_secret(self.declared[name]) else value,
            }
            | ({"ResolvedValue": self.resolved[name]} if name in self.resolved else {})
            for name, value in self.parameters.items()
        ]


@dataclass(eq=False)
class FakeChangeSet:
    """A change set. ``changes`` are shown; ``plan`` is what executing it does."""

    arn: str
    name: str
    token: str
    stack_arn: str
    created: datetime
    template: Template
    tags: dict[str, str]
    request: Fields
    changes: list[Fields]
    plan: dict[str, Fields]
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    execution_status: str = "AVAILABLE"
    validations: list[Fields] = field(default_factory=list)
    pending: int = 0

    def fail(self, reason: str) -> None:
        self.status, self.reason, self.execution_status = "FAILED", reason, "UNAVAILABLE"


@dataclass(eq=False)
class FakeStack:
    """A stack. ``events``, oldest first, and ``last_operations`` are as the API gives them.

    ``previous`` is the state to roll back to, if there is one.
    """

    name: str
    arn: str
    created: datetime
    deployed: Template
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    resources: dict[str, FakeResource] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    policy: str | None = None
    protected: bool = False
    disable_rollback: bool = False
    events: list[Fields] = field(default_factory=list)
    change_sets: dict[str, FakeChangeSet] = field(default_factory=dict)
    change_set_arn: str = ""
    last_operations: list[Fields] = field(default_factory=list)
    operation_types: dict[str, str] = field(default_factory=dict)
    previous: "FakeStack | None" = None
    steps: Iterator[Step] = field(default_factory=lambda: iter(()))
    token: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def template(self) -> str:
        return self.deployed.text

    @property
    def parameters(self) -> dict[str, str]:
        return self.deployed.parameters

    def next_id(self, logical_id: str) -> str:
        self.numbers[logical_id] = self.numbers.get(logical_id, 0) + 1
        return f"{self.name}-{logical_id}-{self.numbers[logical_id]}"

    def begin_operation(self, kind: str) -> None:
        operation_id = f"{self.arn.rpartition('/')[2][:8]}-operation-{len(self.operation_types)}"
        self.operation_types[operation_id] = kind
        self.last_operations.insert(0, {"OperationType": kind, "OperationId": operation_id})

    def remember(self) -> None:
        """Make the present state the one to roll back to."""
        self.previous = replace(self, resources=dict(self.resources), previous=None)

    def restore(self) -> None:
        if self.previous:
            self.deployed, self.tags = self.previous.deployed, self.previous.tags


@dataclass(eq=False)
class Scripts:
    """What a test asks for.

    Failures are reasons by logical id (for a Hook, with its type): of creating or updating, of
    rolling back (or of the deletions of a creation's rollback), of deleting, of a nested stack's
    resource. ``changes`` are told of in place of those that were computed, and executed too.
    ``drift`` has property differences by logical id; none means that the resource was deleted.

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
        stack.steps = iter(operation or ())
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
        stack.steps = self._slowed(steps)
        self.advance(stack)

    def advance(self, stack: FakeStack, steps: int = 1) -> None:
        for step in islice(stack.steps, steps):
            for move in step:
                self.apply(stack, move)

    def _slowed(self, steps: Iterator[Step]) -> Iterator[Step]:
        yield from islice(steps, 2)
        for _ in range(self.extra_steps):
            yield ()
        yield from steps

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
        denied = denial(stack.policy, action, name) if replaces or "Delete" in action else ""
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
        changed = [
            one
            for name, one in before.items()
            if name not in skip
            and not (now[name].status.endswith("COMPLETE") and same(now[name], one))
        ]
        moves = []
        failed: dict[str, str] = {}
        for one in changed:
            moves.append(Move("UPDATE_IN_PROGRESS", target=one))
            if one.logical_id in self.rollback_failures:
                failed[one.logical_id] = "UPDATE"
                why = self.rollback_failures[one.logical_id]
                moves.append(Move("UPDATE_FAILED", why, now[one.logical_id]))
            else:
                moves.append(Move("UPDATE_COMPLETE", target=one))
        yield moves
        if failed:
            yield [ended("UPDATE_ROLLBACK", failed)]
            return
        for name in skip:
            stack.resources[name] = replace(now[name], status="UPDATE_COMPLETE")
        new = [one for name, one in now.items() if name not in before]
        new += [now[one.logical_id] for one in changed if not same_id(now[one.logical_id], one)]
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


def same(one: FakeResource, other: FakeResource) -> bool:
    return same_id(one, other) and one.properties == other.properties


def same_id(one: FakeResource, other: FakeResource) -> bool:
    return one.physical_id == other.physical_id


def sentence(failed: Mapping[str, str]) -> str:
    """CloudFormation's sentence on what failed, by the word for what was being done."""
    return "".join(
        f"The following resource(s) failed to {word.lower()}: [{', '.join(names)}]. "
        for word in ("CREATE", "UPDATE", "DELETE")
        if (names := [name for name, one in failed.items() if one == word])
    )


def denial(policy: str | None, action: str, logical_id: str) -> str:
    """Why a stack policy denies an action, empty if it does not."""
    resource = f"LogicalResourceId/{logical_id}"
    for number, statement in enumerate(json.loads(policy or "{}").get("Statement", ()), 1):
        actions, resources = (
            [value] if isinstance(value, str) else value
            for value in (statement["Action"], statement["Resource"])
        )
        if (
            statement["Effect"] == "Deny"
            and any(fnmatchcase(action, one) for one in actions)
            and any(fnmatchcase(resource, one) for one in resources)
        ):
            return (
                f"Action denied by stack policy: Statement [#{number}] does not allow "
                f"[{action}] for resource [{resource}]"
            )
    return ""


@cache
def parse(text: str) -> Fields:
    """A template as plain values. Raises a :class:`Fault`."""
    template, problems = decode_str(text)
    if problems or not isinstance(template, dict) or not template.get("Resources"):
        raise invalid("Template format error: unsupported structure.")
    plain: Fields = json.loads(json.dumps(template, default=str))
    return plain


def is_secret(parameter: Fields) -> bool:
    return str(parameter.get("NoEcho", False)).lower() == "true"


def invalid(message: str) -> Fault:
    return Fault("ValidationError", 400, message)


NAMES = {"RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"}


def capability(template: Fields) -> tuple[str, str]:
    """The capability that a template needs, and why; empty if none."""
    found = [one for one in template["Resources"].values() if one["Type"].startswith("AWS::IAM::")]
    if not found:
        return "", ""
    named = any(NAMES & one.get("Properties", {}).keys() for one in found)
    types = ", ".join(sorted({one["Type"] for one in found}))
    reason = f"The following resource(s) require capabilities: [{types}]"
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM", reason


def invalid_change_set(arn: str, status: str) -> Fault:
    text = f"ChangeSet [{arn}] cannot be executed in its current status of [{status}]"
    return Fault("InvalidChangeSetStatus", 400, text)


class Api(Operations):
    """The answers, as the SDK would show them: ``_x`` answers the operation X."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self._detections: dict[str, tuple[FakeStack, deque[str]]] = {}

    def answer(self, call: Call) -> Fields:
        method = getattr(self, f"_{xform_name(call.operation)}", None)
        if method is None:
            raise Fault("InvalidAction", 400, f"the fake knows no {call.operation}")
        answer: Fields = method(call) or {}
        return answer

    # What several answers need

    def _found(self, call: Call, missing: str = "Stack [{}] does not exist") -> FakeStack:
        stack = self.stack(call.parameters["StackName"])
        if stack is None:
            raise invalid(missing.format(call.parameters["StackName"]))
        return stack

    def _described(self, call: Call, missing: str = "Stack [{}] does not exist") -> FakeStack:
        """The stack of a call that describes it, one step further unless it is a later page."""
        stack = self._found(call, missing)
        if "NextToken" not in call.parameters:
            self.advance(stack, self.steps_per_poll)
        return stack

    def _page(self, call: Call, name: str, rows: Sequence[Any]) -> Fields:
        start = int(call.parameters.get("NextToken", "row0")[3:])
        end = start + min(self.page_size, call.parameters.get("MaxResults", self.page_size))
        more = {"NextToken": f"row{end}"} if end < len(rows) else {}
        return {name: list(rows[start:end])} | more

    def _is_repeated(self, stack: FakeStack, call: Call) -> bool:
        """Whether this write was made before, by its token."""
        known = stack.tokens.get(call.token)
        if known not in (None, call.operation):
            raise Fault("TokenAlreadyExistsException", 400, f"Token [{call.token}] already exists")
        return known is not None

    def _text(self, call: Call, stack: FakeStack | None) -> str:
        asked = call.parameters
        if "TemplateBody" in asked:
            if len(asked["TemplateBody"].encode()) > 51_200:
                raise invalid("at 'templateBody': Member must have length at most 51200")
            return str(asked["TemplateBody"])
        if "TemplateURL" in asked:
            address = urlsplit(asked["TemplateURL"])
            path = f"/{address.netloc.partition('.s3.')[0]}{address.path}"
            if path not in self.objects:
                raise invalid("S3 error: The specified key does not exist.")
            return self.objects[path].decode()
        if stack is None:
            raise invalid("Either Template URL or Template Body must be specified.")
        return stack.template

    def _values(self, call: Call, declared: Fields, previous: Mapping[str, str]) -> dict[str, str]:
        given = {one["ParameterKey"]: one for one in call.parameters.get("Parameters", ())}
        if unknown := given.keys() - declared.keys():
            names = ", ".join(sorted(unknown))
            raise invalid(f"Parameters: [{names}] do not exist in the template")
        values: dict[str, str] = {}
        for name, declaration in declared.items():
            one = given.get(name, {})
            if one.get("UsePreviousValue"):
                if name not in previous:
                    raise invalid(
                        f"Invalid input for parameter key {name}. Cannot specify usePreviousValue "
                        "as true for a parameter key not in the previous template"
                    )
                values[name] = previous[name]
            elif "ParameterValue" in one or "Default" in declaration:
                values[name] = str(one.get("ParameterValue", declaration.get("Default")))
        if missing := [name for name in declared if name not in values]:
            raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
        return values

    # Change sets

    def _create_change_set(self, call: Call) -> Fields:
        asked = call.parameters
        name, token = asked["ChangeSetName"], asked.get("ClientToken", "")
        stack = self.stack(asked["StackName"])
        if stack and stack.status == "DELETE_COMPLETE":
            stack = None
        for one in stack.change_sets.values() if stack else ():
            if one.name == name:
                if token and one.token == token:
                    return {"Id": one.arn, "StackId": one.stack_arn}
                raise Fault("AlreadyExistsException", 400, f"ChangeSet {name} already exists")
        self._check_kind(call, stack)
        text = self._text(call, stack)
        body = parse(text)
        new = stack is None or stack.status == "REVIEW_IN_PROGRESS"
        previous = stack.parameters if stack and not new else {}
        values = self._values(call, body.get("Parameters", {}), previous)
        needed, _ = capability(body)
        if needed and not {needed, "CAPABILITY_NAMED_IAM"} & set(asked.get("Capabilities", ())):
            message = f"Requires capabilities : [{needed}]"
            raise Fault("InsufficientCapabilitiesException", 400, message)
        arn = stack.arn if stack else self.new_arn(asked["StackName"], call.region)
        template = Template(text, values, arn, self.image)
        if stack is None:
            stack = self.new_stack(asked["StackName"], template)
        stack.begin_operation("CREATE_CHANGESET")
        if not stack.events:
            self.apply(stack, Move("REVIEW_IN_PROGRESS", "User Initiated"))
        change_set = self._new_change_set(call, stack, template)
        return {"Id": change_set.arn, "StackId": stack.arn}

    def _check_kind(self, call: Call, stack: FakeStack | None) -> None:
        name = call.parameters["StackName"]
        if call.parameters.get("ChangeSetType", "UPDATE") == "CREATE":
            if stack and stack.status != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{name}] already exists and cannot be created again with the "
                    f"changeSet [{call.parameters['ChangeSetName']}]."
                )
        elif stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        elif stack.status not in STABLE | RETRIABLE:
            raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")

    def _new_change_set(self, call: Call, stack: FakeStack, template: Template) -> FakeChangeSet:
        asked = call.parameters
        self._count += 1
        arn = stack.arn.partition(":stack/")[0]
        arn += f":changeSet/{asked['ChangeSetName']}/{self._count:08x}-0000-4000-8000-000000000000"
        computed = list(compare(stack, template))
        shown = computed if self.changes is None else self.changes
        change_set = FakeChangeSet(
            arn,
            asked["ChangeSetName"],
            asked.get("ClientToken", ""),
            stack.arn,
            self.now(),
            template,
            {one["Key"]: one["Value"] for one in asked.get("Tags", ())},
            asked,
            shown,
            {one["LogicalResourceId"]: one for one in [*computed, *shown]},
            pending=self.pending_polls,
        )
        if not shown and template.body.get("Outputs") == stack.deployed.body.get("Outputs"):
            change_set.fail(NO_CHANGES)
        if not asked.get("DisableValidation"):
            change_set.validations = [self._validation(stack, one) for one in self.validations]
        if any(one["ValidationFailureMode"] == "FAIL" for one in change_set.validations):
            change_set.fail(INVALID)
        stack.change_sets[arn] = change_set
        return change_set

    def _validation(self, stack: FakeStack, event: Fields) -> Fields:
        self._count += 1
        return {
            "EventId": f"event-{self._count}",
            "StackId": stack.arn,
            "OperationType": "CREATE_CHANGESET",
            "Timestamp": self.now(),
            "EventType": "VALIDATION_ERROR",
        } | {**stack.last_operations[0], **event}

    def _change_set(self, call: Call) -> tuple[FakeStack, FakeChangeSet]:
        name, stack_name = call.parameters["ChangeSetName"], call.parameters.get("StackName")
        if not (name.startswith("arn:") or stack_name):
            raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN")
        for stack in reversed(self.stacks):
            for one in stack.change_sets.values():
                by_name = name == one.name and stack_name in (stack.name, stack.arn)
                if name == one.arn or by_name:
                    return stack, one
        raise Fault("ChangeSetNotFound", 404, f"ChangeSet [{name}] does not exist")

    def _describe_change_set(self, call: Call) -> Fields:
        stack, one = self._change_set(call)
        echoed = (
            "Capabilities",
            "DeploymentConfig",
            "DeploymentMode",
            "Description",
            "ImportExistingResources",
            "OnStackFailure",
        )
        found = self._summary(stack, one) | {
            "Parameters": one.template.shown(),
            "Tags": tags(one.tags),
            **{name: one.request[name] for name in echoed if name in one.request},
        }
        if one.pending:
            one.pending -= 1
            waits = {"Status": "CREATE_IN_PROGRESS", "ExecutionStatus": "UNAVAILABLE"}
            return found | waits | {"StatusReason": "", "Changes": []}
        values = call.parameters.get("IncludePropertyValues", False)
        shown = one.changes if values else [without_values(change) for change in one.changes]
        rows = [{"Type": "Resource", "ResourceChange": change} for change in shown]
        return found | self._page(call, "Changes", rows if one.status != "FAILED" else [])

    def _summary(self, stack: FakeStack, one: FakeChangeSet) -> Fields:
        return {
            "StackId": stack.arn,
            "StackName": stack.name,
            "ChangeSetId": one.arn,
            "ChangeSetName": one.name,
            "CreationTime": one.created,
            "Status": one.status,
            "ExecutionStatus": one.execution_status,
        } | ({"StatusReason": one.reason} if one.reason else {})

    def _list_change_sets(self, call: Call) -> Fields:
        stack = self._found(call)
        rows = [self._summary(stack, one) for one in stack.change_sets.values()]
        return self._page(call, "Summaries", rows)

    def _delete_change_set(self, call: Call) -> None:
        try:
            stack, one = self._change_set(call)
        except Fault as fault:
            if fault.code == "ChangeSetNotFound":
                return
            raise
        if one.execution_status == "EXECUTE_IN_PROGRESS":
            raise invalid_change_set(one.arn, one.execution_status)
        del stack.change_sets[one.arn]

    def _execute_change_set(self, call: Call) -> None:
        asked = call.parameters
        stack, one = self._change_set(call)
        if self._is_repeated(stack, call):
            return
        if one.pending:
            raise invalid_change_set(one.arn, "CREATE_IN_PROGRESS")
        if one.execution_status != "AVAILABLE":
            raise invalid_change_set(one.arn, one.execution_status)
        if stack.status not in STABLE | RETRIABLE | {"REVIEW_IN_PROGRESS"}:
            raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
        on_failure = one.request.get("OnStackFailure")
        if on_failure and "DisableRollback" in asked:
            raise invalid("OnStackFailure and DisableRollback cannot both be specified")
        config = one.request.get("DeploymentConfig", {})
        keeps = asked.get("DisableRollback", config.get("DisableRollback", False))
        if stack.status in RETRIABLE and not keeps:
            raise invalid(HALTED.format(stack.status))
        kind = "CREATE_STACK" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE_STACK"
        stack.disable_rollback = keeps
        stack.change_sets = {one.arn: one}
        on_failure = on_failure or ("DO_NOTHING" if keeps else "ROLLBACK")
        self.begin(stack, kind, call, self.deploy(stack, one, on_failure))

    # Other operations on a stack

    def _delete_stack(self, call: Call) -> None:
        asked = call.parameters
        stack = self.stack(asked["StackName"])
        gone = ("DELETE_COMPLETE", "DELETE_IN_PROGRESS")
        if stack is None or stack.status in gone or self._is_repeated(stack, call):
            return
        if stack.protected:
            raise invalid(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        force = asked.get("DeletionMode") == "FORCE_DELETE_STACK"
        if (asked.get("RetainResources") or force) and stack.status != "DELETE_FAILED":
            raise invalid(
                f"Invalid operation on stack [{stack.arn}]. The specified stack must be in "
                "DELETE_FAILED state to retain resources or to force its deletion."
            )
        under_way = stack.status.endswith("_IN_PROGRESS")
        if under_way and stack.status not in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"):
            raise invalid(f"Stack [{stack.arn}] cannot be deleted while in status {stack.status}")
        steps = self.delete(stack, "User Initiated", asked.get("RetainResources", ()), force)
        if stack.status == "REVIEW_IN_PROGRESS":
            at_once = [Move("DELETE_IN_PROGRESS", "User Initiated"), Move("DELETE_COMPLETE")]
            steps = iter([at_once])
        self.begin(stack, "DELETE_STACK", call, steps)

    def _rollback_stack(self, call: Call) -> Fields:
        stack = self._found(call)
        if not self._is_repeated(stack, call):
            if stack.status not in RETRIABLE:
                raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not roll back")
            steps = self.roll_back(stack)
            if stack.previous is None:
                steps = self.delete(stack, "User Initiated", ())
            self.begin(stack, "ROLLBACK", call, steps)
        return {"StackId": stack.arn, "OperationId": stack.last_operations[0]["OperationId"]}

    def _continue_update_rollback(self, call: Call) -> None:
        stack, skip = self._found(call), call.parameters.get("ResourcesToSkip", [])
        if self._is_repeated(stack, call):
            return
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise invalid(
                f"Stack:{stack.arn} is in {stack.status} state and can not be rolled back"
            )
        failed = [name for name, one in stack.resources.items() if one.status == "UPDATE_FAILED"]
        if wrong := [name for name in skip if name not in failed]:
            raise invalid(f"The resources {wrong} can not be skipped: they are not UPDATE_FAILED")
        self.begin(stack, "CONTINUE_ROLLBACK", call, self.roll_back(stack, skip=skip))

    def _cancel_update_stack(self, call: Call) -> None:
        stack = self._found(call)
        if self._is_repeated(stack, call):
            return
        if stack.status != "UPDATE_IN_PROGRESS":
            raise invalid("CancelUpdateStack cannot be called from current stack status")
        self.begin(stack, "ROLLBACK", call, self.roll_back(stack))

    def _update_termination_protection(self, call: Call) -> Fields:
        stack = self._found(call)
        stack.protected = call.parameters["EnableTerminationProtection"]
        return {"StackId": stack.arn}

    def _set_stack_policy(self, call: Call) -> None:
        self._found(call).policy = call.parameters["StackPolicyBody"]

    def _get_stack_policy(self, call: Call) -> Fields:
        policy = self._found(call).policy
        return {} if policy is None else {"StackPolicyBody": policy}

    # Describing

    def _describe_stacks(self, call: Call) -> Fields:
        if "StackName" in call.parameters:
            stack = self._described(call, "Stack with id {} does not exist")
            return {"Stacks": [self._stack_fields(stack)]}
        there = [one for one in self.stacks if one.status != "DELETE_COMPLETE"]
        return self._page(call, "Stacks", [self._stack_fields(one) for one in there])

    def _stack_fields(self, stack: FakeStack) -> Fields:
        up = stack.status.startswith(("UPDATE", "IMPORT")) or stack.status == "CREATE_COMPLETE"
        optional = {
            "StackStatusReason": stack.reason,
            "ChangeSetId": stack.change_set_arn,
            "Outputs": outputs(stack) if up else [],
        }
        review = stack.status == "REVIEW_IN_PROGRESS"
        return {
            "StackId": stack.arn,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "CreationTime": stack.created,
            "DisableRollback": stack.disable_rollback,
            "EnableTerminationProtection": stack.protected,
            "Parameters": [] if review else stack.deployed.shown(),
            "Tags": tags(stack.tags),
            "LastOperations": list(stack.last_operations),
        } | {name: value for name, value in optional.items() if value}

    def _describe_stack_events(self, call: Call) -> Fields:
        return self._page(call, "StackEvents", self._described(call).events[::-1])

    def _describe_events(self, call: Call) -> Fields:
        asked = call.parameters
        if "ChangeSetName" in asked and asked["ChangeSetName"].startswith("arn:"):
            _, one = self._change_set(call)
            return self._page(call, "OperationEvents", one.validations)
        if "StackName" not in asked:
            raise invalid("One of ChangeSetName, OperationId or StackName must be specified")
        stack = self._described(call)
        only_failed = asked.get("Filters", {}).get("FailedEvents", False)
        rows = [
            operation_event(stack, one)
            for one in reversed(stack.events)
            if asked.get("OperationId", one["OperationId"]) == one["OperationId"]
        ]
        kept = [one for one in rows if not only_failed or one["EventType"] != "STACK_EVENT"]
        return self._page(call, "OperationEvents", kept)

    def _list_stack_resources(self, call: Call) -> Fields:
        stack = self._found(call, "Stack with id {} does not exist")
        rows = [
            {
                "LogicalResourceId": one.logical_id,
                "PhysicalResourceId": one.physical_id,
                "ResourceType": one.type,
                "ResourceStatus": one.status,
                "LastUpdatedTimestamp": self.clock,
            }
            for one in stack.resources.values()
        ]
        return self._page(call, "StackResourceSummaries", rows)

    def _get_template(self, call: Call) -> Fields:
        text = self._found(call, "Stack with id {} does not exist").template
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    def _get_template_summary(self, call: Call) -> Fields:
        stack = self._found(call) if "StackName" in call.parameters else None
        body = parse(self._text(call, stack))
        needed, reason = capability(body)
        return {
            "Parameters": [
                {
                    "ParameterKey": name,
                    "ParameterType": one["Type"],
                    "NoEcho": is_secret(one),
                }
                | ({"DefaultValue": str(one["Default"])} if "Default" in one else {})
                for name, one in body.get("Parameters", {}).items()
            ],
            "ResourceTypes": sorted({one["Type"] for one in body["Resources"].values()}),
        } | ({"Capabilities": [needed], "CapabilitiesReason": reason} if needed else {})

    # Drift

    def _detect_stack_drift(self, call: Call) -> Fields:
        stack = self._found(call)
        name = f"detection-{len(self._detections) + 1}"
        states = deque(["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"])
        self._detections[name] = stack, states
        return {"StackDriftDetectionId": name}

    def _describe_stack_drift_detection_status(self, call: Call) -> Fields:
        name = call.parameters["StackDriftDetectionId"]
        stack, states = self._detections[name]
        found = {
            "StackId": stack.arn,
            "StackDriftDetectionId": name,
            "DetectionStatus": states[0],
            "Timestamp": self.clock,
        }
        if len(states) > 1:
            states.popleft()
            return found
        drifted = len(self.drift.keys() & stack.resources.keys())
        status = "DRIFTED" if drifted else "IN_SYNC"
        return found | {"StackDriftStatus": status, "DriftedStackResourceCount": drifted}

    def _describe_stack_resource_drifts(self, call: Call) -> Fields:
        stack = self._found(call)
        rows = [
            {
                "StackId": stack.arn,
                "LogicalResourceId": name,
                "PhysicalResourceId": one.physical_id,
                "ResourceType": one.type,
                "PropertyDifferences": self.drift.get(name, []),
                "StackResourceDriftStatus": self._drift_status(name),
                "Timestamp": self.clock,
            }
            for name, one in stack.resources.items()
        ]
        wanted = call.parameters.get("StackResourceDriftStatusFilters")
        kept = [one for one in rows if not wanted or one["StackResourceDriftStatus"] in wanted]
        return self._page(call, "StackResourceDrifts", kept)

    def _drift_status(self, logical_id: str) -> str:
        if logical_id not in self.drift:
            return "IN_SYNC"
        return "MODIFIED" if self.drift[logical_id] else "DELETED"

    # Other services

    def _get_caller_identity(self, _: Call) -> Fields:
        return {"UserId": "AIDEXAMPLE", "Account": self.account, "Arn": self.arn}

    def _get_parameter(self, call: Call) -> Fields:
        name = call.parameters["Name"]
        return {"Parameter": {"Name": name, "Type": "String", "Value": self.image}}

    def _log_events(self) -> list[Fields]:
        start = int(self.clock.timestamp() * 1000)
        return [{"timestamp": start + n, "message": one} for n, one in enumerate(self.log_lines)]

    def _filter_log_events(self, _: Call) -> Fields:
        stream = {"logStreamName": "i-0/bootstrap"}
        return {"events": [one | stream for one in self._log_events()]}

    def _get_log_events(self, _: Call) -> Fields:
        return {"events": self._log_events()}

    def _describe_log_streams(self, _: Call) -> Fields:
        return {"logStreams": [{"logStreamName": "i-0/bootstrap"}] if self.log_lines else []}


def compare(stack: FakeStack, template: Template) -> Iterator[Fields]:
    """What a template would change, as ResourceChange."""
    old = {name: one for name, one in stack.resources.items() if one.exists}
    new = template.resources
    before = stack.deployed.names
    changed = {name for name, value in template.names.items() if before.get(name) != value}
    for name, resource in new.items():
        change = {"LogicalResourceId": name, "ResourceType": resource.type}
        there = old.get(name)
        if there is None:
            yield {"Action": "Add"} | change
        elif there.properties != resource.properties:
            details = list(detail(there, resource, template, changed))
            replaces = any(one["Target"]["RequiresRecreation"] == "Always" for one in details)
            yield {
                "Action": "Modify",
                **change,
                "PhysicalResourceId": there.physical_id,
                "Replacement": str(replaces),
                "Scope": ["Properties"],
                "Details": details,
            } | ({"PolicyAction": f"ReplaceAnd{there.replace_policy}"} if replaces else {})
    for name, gone in old.items():
        if name not in new:
            yield {
                "Action": "Remove",
                "LogicalResourceId": name,
                "ResourceType": gone.type,
                "PhysicalResourceId": gone.physical_id,
                "PolicyAction": gone.deletion_policy,
            }


def detail(
    old: FakeResource, new: FakeResource, template: Template, changed: set[str]
) -> Iterator[Fields]:
    """What changes in a resource: an entry for each property and each cause."""
    for name in {**old.properties, **new.properties}:
        values = {
            key: one if isinstance(one, str) else json.dumps(one)
            for key, properties in (("BeforeValue", old.properties), ("AfterValue", new.properties))
            if (one := properties.get(name)) is not None
        }
        if old.properties.get(name) != new.properties.get(name):
            target = {
                "Attribute": "Properties",
                "Name": name,
                "Path": f"/Properties/{name}",
                "RequiresRecreation": "Always" if (new.type, name) in REPLACING else "Never",
            }
            for cause in template.causes(new.logical_id, name, changed):
                yield {"Target": target | values, "Evaluation": "Static"} | cause


def without_values(change: Fields) -> Fields:
    hidden = ("BeforeValue", "AfterValue")
    details = [
        one | {"Target": {key: value for key, value in one["Target"].items() if key not in hidden}}
        for one in change.get("Details", ())
        if "Target" in one
    ]
    return change | ({"Details": details} if details else {})


def outputs(stack: FakeStack) -> list[Fields]:
    ids = {name: one.physical_id for name, one in stack.resources.items()}
    found = []
    for name, one in stack.deployed.body.get("Outputs", {}).items():
        if "Condition" not in one or stack.deployed.holds({"Condition": one["Condition"]}):
            value = stack.deployed.resolve(one["Value"], ids)
            text = value if isinstance(value, str) else json.dumps(value)
            told = {"Description": one["Description"]} if "Description" in one else {}
            found.append({"OutputKey": name, "OutputValue": text} | told)
    return found


def operation_event(stack: FakeStack, event: Fields) -> Fields:
    """A stack event as DescribeEvents gives it."""
    kind = "PROVISIONING_ERROR" if event["ResourceStatus"].endswith("_FAILED") else "STACK_EVENT"
    if "HookType" in event:
        kind = "HOOK_INVOCATION_ERROR"
    operation = stack.operation_types[event["OperationId"]]
    fields = {name: value for name, value in event.items() if name != "StackName"}
    return fields | {"EventType": kind, "OperationType": operation}


def tags(values: Mapping[str, str]) -> list[Fields]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


# The wire


@cache
def models() -> Callable[[str, str], Any]:
    session = botocore.session.get_session()

    @cache
    def service(name: str) -> Any:
        return session.get_service_model(name)

    return lambda name, operation: service(name).operation_model(operation)


def check(value: Fields, shape: Any) -> None:
    problems = ParamValidator().validate(value, shape)
    assert not problems.has_errors(), problems.generate_report()


def decode(value: Any, shape: Any) -> Any:
    """A value of the query protocol: ``value`` is the form as a tree, split at the dots."""
    if shape.type_name == "structure":
        return {
            name: decode(value[name], inner)
            for name, inner in shape.members.items()
            if name in value
        }
    if shape.type_name == "list":
        # An empty list is sent as an empty value.
        rows = value["member"] if value else {}
        return [decode(rows[key], shape.member) for key in sorted(rows, key=int)]
    if shape.type_name == "map":
        return {
            entry["key"]: decode(entry["value"], shape.value) for entry in value["entry"].values()
        }
    if shape.type_name == "boolean":
        return value == "true"
    return int(value) if shape.type_name in ("integer", "long") else value


def tree(form: Iterable[tuple[str, str]]) -> Fields:
    root: Fields = {}
    for key, value in form:
        *path, last = key.split(".")
        here = root
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value
    return root


def encode(value: Any, shape: Any) -> str:
    """The query protocol's XML of a value."""
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{encode(value[name], inner)}</{name}>"
            for name, inner in shape.members.items()
            if name in value
        )
    if shape.type_name == "list":
        return "".join(f"<member>{encode(one, shape.member)}</member>" for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    # ParamValidator passes any string.
    allowed = getattr(shape, "enum", None)
    assert not allowed or value in allowed or value in STACK_ONLY, f"{shape.name} is never {value}"
    return escape(value.isoformat() if isinstance(value, datetime) else str(value))


Interference = Callable[[int], "Fault | str | None"]
"""Called with how often its operation was called before. Gives a fault or ``garbage`` (another's
answer), which have no effect; ``cut`` (the effect, half an answer); ``drop`` (the effect, no
answer); or nothing."""


class FakeCloudFormation(Api):
    """The server; ``with FakeCloudFormation() as aws`` starts and stops it.

    ``before`` and ``after`` are called before a call has its effect, and after it, before its
    answer is sent. What goes wrong in the fake itself is raised when it stops.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.interfere: dict[str, Interference] = {}
        self.before: Callable[[Call], None] | None = None
        self.after: Callable[[Call], None] | None = None
        self.problems: list[str] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"aws": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "FakeCloudFormation":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert not self.problems, "\n".join(self.problems)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads the program here, with credentials that are made up."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_MAX_ATTEMPTS": "2",
        }

    def count(self, operation: str) -> int:
        return sum(one.operation == operation for one in self.calls)

    def respond(self, call: Call, effect: Callable[[], bytes]) -> tuple[bytes, str | None]:
        """Play a call: the answer, and how its way back is interfered with."""
        with self._lock:
            before, total = self.count(call.operation), len(self.calls)
            self.calls.append(call)
        expired = self.expire_after is not None and total >= self.expire_after
        if expired and call.access_key == KEY:
            text = "The security token included in the request is expired"
            raise Fault("ExpiredToken", 403, text)
        interference = self.interfere.get(call.operation)
        what = interference(before) if interference else None
        if isinstance(what, Fault):
            raise what
        if what == "garbage":
            return b"<html><body>Sign in to the hotel's network</body></html>", what
        if self.before:
            self.before(call)
        with self._lock:
            data = effect()
        if self.after:
            self.after(call)
        return data, what


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    aws: FakeCloudFormation

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        key, region, service = self._scope()
        body = self._body()
        if service == "s3":
            self._s3("Post", lambda _: None)
            return
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        form = {} if target else tree(parse_qsl(body.decode(), keep_blank_values=True))
        operation = target or form.get("Action", self.path)
        if service not in ("cloudformation", "logs", "ssm", "sts"):
            self._serve(Call(operation, {}, service, region, key), unknown)
            return
        model = models()(service, operation)
        parameters = json.loads(body) if target else decode(form, model.input_shape)
        call = Call(operation, parameters, service, region, key)
        self._serve(call, lambda: self._answer(call, model))

    def _answer(self, call: Call, model: Any) -> bytes:
        shape = model.output_shape
        check(call.parameters, model.input_shape)
        answer = self.aws.answer(call)
        if shape:
            check(answer, shape)
        if self._is_json:
            return json.dumps(answer).encode()
        name = call.operation
        result = f"<{name}Result>{encode(answer, shape)}</{name}Result>" if shape else ""
        return f"<{name}Response>{result}<ResponseMetadata/></{name}Response>".encode()

    @property
    def _is_json(self) -> bool:
        return "X-Amz-Target" in self.headers

    # S3: just enough to keep a template in

    def do_PUT(self) -> None:
        body = self._body()
        self._s3("Put", lambda path: self.aws.objects.update({path: body}))

    def do_GET(self) -> None:
        self._s3("Get", lambda path: self.aws.objects[path])

    def do_HEAD(self) -> None:
        self._s3("Head", lambda path: self.aws.objects[path])

    def _s3(self, verb: str, effect: Callable[[str], bytes | None]) -> None:
        address = urlsplit(self.path)
        bucket, _, name = address.path.strip("/").partition("/")
        option = address.query.partition("=")[0].partition("&")[0]
        operation = f"{verb}{'Object' if name else 'Bucket'}{option[:1].upper()}{option[1:]}"
        key, region, _ = self._scope()

        def play() -> bytes:
            try:
                return (effect(address.path) if name else None) or b""
            except KeyError:
                raise Fault("NoSuchKey", 404) from None

        parameters = {"Bucket": bucket} | ({"Key": name} if name else {})
        self._serve(Call(operation, parameters, "s3", region, key), play)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _scope(self) -> tuple[str, str, str]:
        """The access key, region and service that a request was signed for."""
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        key, _, region, service = scope[:4]
        return key, region, service

    def _serve(self, call: Call, effect: Callable[[], bytes]) -> None:
        try:
            data, what = self.aws.respond(call, effect)
        except Fault as fault:
            self._send(fault.status, self._error(call, fault), None)
        except Exception:
            self.aws.problems.append(f"{call}\n{traceback.format_exc()}")
            self._send(500, b"", None)
        else:
            self._send(200, data, what)

    def _send(self, status: int, data: bytes, what: str | None) -> None:
        if what == "drop":
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if what == "cut" else data)
        self.close_connection = self.close_connection or what == "cut"

    def _error(self, call: Call, fault: Fault) -> bytes:
        if self._is_json:
            return json.dumps({"__type": fault.code, "message": fault.message}).encode()
        text = f"<Code>{fault.code}</Code><Message>{escape(fault.message)}</Message>"
        if call.service == "s3":
            return f"<Error>{text}</Error>".encode()
        return f"<ErrorResponse><Error><Type>Sender</Type>{text}</Error></ErrorResponse>".encode()


def unknown() -> bytes:
    raise Fault("InvalidAction", 400, "the fake does not play this service")
