"""What the fake CloudFormation knows: calls, templates with their values, and stacks of them."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any

from cfnlint.decode.decode import decode_str

from tests.fake_aws import Fault

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
RETRIABLE = {"CREATE_FAILED", "UPDATE_FAILED"}
NO_VALUE = {"Ref": "AWS::NoValue"}
NAMES = {"RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"}
"""Properties that name an IAM resource."""

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

    def is_like(self, other: "FakeResource") -> bool:
        return (self.physical_id, self.properties) == (other.physical_id, other.properties)


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
            if self.has(entry)
        }

    def has(self, entry: Fields) -> bool:
        """Whether a resource or an output is there, by its condition."""
        return "Condition" not in entry or self.holds({"Condition": entry["Condition"]})

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
    previous: "FakeStack | None" = None
    token: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)

    @property
    def parameters(self) -> dict[str, str]:
        return self.deployed.parameters

    def next_id(self, logical_id: str) -> str:
        self.numbers[logical_id] += 1
        if logical_id == "Host":
            return f"i-{self.numbers[logical_id] - 1}"
        return f"{self.name}-{logical_id}-{self.numbers[logical_id]}"

    def begin_operation(self, kind: str) -> None:
        operation_id = f"{self.arn.rpartition('/')[2][:8]}-operation-{len(self.last_operations)}"
        self.last_operations.insert(0, {"OperationType": kind, "OperationId": operation_id})

    def remember(self) -> None:
        """Make the present state the one to roll back to."""
        self.previous = replace(self, resources=dict(self.resources), previous=None)

    def restore(self) -> None:
        if self.previous:
            self.deployed, self.tags = self.previous.deployed, self.previous.tags

    def denial(self, action: str, logical_id: str) -> str:
        """Why the stack policy denies an action, empty if it does not."""
        resource = f"LogicalResourceId/{logical_id}"
        for number, statement in enumerate(json.loads(self.policy or "{}").get("Statement", ()), 1):
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


def tags(values: Mapping[str, str]) -> list[Fields]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def invalid(message: str) -> Fault:
    return Fault("ValidationError", 400, message)


def wrong_state(stack: FakeStack, action: str) -> Fault:
    return invalid(f"Stack:{stack.arn} is in {stack.status} state and can not {action}")


def capability(template: Fields) -> tuple[str, str]:
    """The capability that a template needs, and why; empty if none."""
    found = [one for one in template["Resources"].values() if one["Type"].startswith("AWS::IAM::")]
    if not found:
        return "", ""
    named = any(NAMES & one.get("Properties", {}).keys() for one in found)
    types = ", ".join(sorted({one["Type"] for one in found}))
    reason = f"The following resource(s) require capabilities: [{types}]"
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM", reason
