"""An AWS of recorded answers for deploys: botocore's Stubber refuses calls and fields AWS lacks."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import boto3
from botocore.stub import ANY, Stubber

from cfgen.aws import Clients, aws_errors
from cfgen.bot.report import Report
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.events import Event
from cfgen.deploy.fates import Fate
from cfgen.deploy.following import Answer
from cfgen.deploy.plan import Identity, Wish
from cfgen.deploy.policy import policy_for
from cfgen.deploy.run import Result, deploy
from cfgen.deploy.waiting import Waiting

W = TypeVar("W")
R = TypeVar("R")

REGION = "ap-northeast-2"
STACK = f"arn:aws:cloudformation:{REGION}:123456789012:stack/bot/1"
SET = f"arn:aws:cloudformation:{REGION}:123456789012:changeSet/t/1"
START = datetime(2026, 11, 23, tzinfo=UTC)
OPEN = policy_for([])
"""The stack policy of a stack that has nothing to protect."""
WISH = Wish("bot", "body", "token")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Person:
    """Watches, remembers, and answers."""

    def __init__(
        self, answer: bool | BaseException = True, after_interrupt: Answer | None = None
    ) -> None:
        self.answer = answer
        self.after_interrupt = after_interrupt
        self.seen: list[str] = []
        self.changes: ChangeSet | None = None
        self.parameters: list[str] = []
        self.warnings: list[str] = []
        self.fate: dict[str, tuple[bool, str]] = {}

    def identity(self, identity: Identity) -> None:
        self.seen.append(f"identity {identity.account}")

    def preview(self, change_set: ChangeSet) -> None:
        names = ", ".join(change_set.capabilities)
        self.seen.append(f"preview {names} ({change_set.capabilities_reason})")
        self.changes = change_set
        self.parameters = [str(one) for one in change_set.parameters]

    def interrupted(self, cancel: str) -> Answer:
        self.seen.append(f"interrupted: {cancel}")
        if self.after_interrupt is None:
            raise KeyboardInterrupt
        return self.after_interrupt

    def built_for(self, metadata: Mapping[str, object] | None) -> None:
        self.seen.append(f"built for {metadata}")

    def confirm(self, question: str) -> bool:
        self.seen.append(f"confirm {question}")
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def confirm_by_name(self, question: str, name: str) -> bool:
        return self.confirm(f"{question} {name}")

    def fates(self, fates: tuple[Fate, ...]) -> None:
        self.fate = {one.logical_id: (one.stays, one.bills) for one in fates}

    def agreed(self) -> None:
        self.seen.append("agreed")

    def event(self, event: Event) -> None:
        self.seen.append(f"{event.logical_id} {event.status}")

    def note(self, text: str) -> None:
        self.seen.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def host(self, report: Report) -> None:
        self.seen.append(f"host {report.event} {report.step or report.reason}".rstrip())


class Recorded:
    """An AWS that answers in the recorded order, and insists on being asked for all of it."""

    def __init__(self) -> None:
        session = boto3.session.Session(
            aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION
        )
        self.cloudformation = session.client("cloudformation")
        self.sts, self.ssm = session.client("sts"), session.client("ssm")
        self.logs = session.client("logs")
        self.stubs = {
            name: Stubber(getattr(self, name)) for name in ("cloudformation", "sts", "ssm", "logs")
        }
        for stub in self.stubs.values():
            stub.activate()
        self.time = Time()
        self.waiting = Waiting(lambda: self.time.now, self.time.sleep, 600)

    def answer(self, method: str, response: dict[str, Any], **expected: Any) -> None:
        self.stubs["cloudformation"].add_response(method, response, expected or None)

    def fail(self, method: str, code: str, message: str = "", status: int = 400) -> None:
        self.stubs["cloudformation"].add_client_error(method, code, message, status)

    def identity(self) -> None:
        self.stubs["sts"].add_response(
            "get_caller_identity",
            {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me", "UserId": "me"},
        )

    def image(self, value: str) -> None:
        self.stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": value}})

    def stack(self, status: str | None, **fields: Any) -> None:
        if status is None:
            self.fail("describe_stacks", "ValidationError", "Stack with id bot does not exist")
            return
        found = {
            "StackId": STACK,
            "StackName": "bot",
            "StackStatus": status,
            "CreationTime": START,
            **fields,
        }
        self.answer("describe_stacks", {"Stacks": [found]})

    def summary(self, *parameters: dict[str, Any]) -> None:
        self.answer(
            "get_template_summary",
            {
                "Parameters": list(parameters),
                "Capabilities": ["CAPABILITY_IAM"],
                "CapabilitiesReason": "it has roles",
            },
        )

    def change_set(
        self, status: str = "CREATE_COMPLETE", reason: str = "", changes: Any = (), **expected: Any
    ) -> None:
        created = {"Id": SET, "StackId": STACK}
        if expected:
            keys = {
                "StackName": "bot",
                "ChangeSetName": "token",
                "ChangeSetType": ANY,
                "TemplateBody": "body",
                "Parameters": ANY,
                "Capabilities": ["CAPABILITY_IAM"],
                "Tags": ANY,
                "ClientToken": "token",
            }
            self.answer("create_change_set", created, **(keys | expected))
        else:
            self.answer("create_change_set", created)
        self.describe(status, reason)
        if status == "CREATE_COMPLETE":
            self.describe(status, reason, changes, IncludePropertyValues=True)
            self.validations()

    def describe(self, status: str, reason: str = "", changes: Any = (), **expected: Any) -> None:
        self.answer(
            "describe_change_set",
            {
                "Status": status,
                "StatusReason": reason,
                "Changes": [{"Type": "Resource", "ResourceChange": change} for change in changes],
            },
            ChangeSetName=SET,
            **expected,
        )

    def validations(self, *found: dict[str, Any]) -> None:
        """What CloudFormation's own checks found of the change set."""
        made = [
            {"EventId": str(number), "EventType": "VALIDATION_ERROR", **one}
            for number, one in enumerate(found)
        ]
        self.answer("describe_events", {"OperationEvents": made}, ChangeSetName=SET)

    def failures(self, *events: dict[str, Any]) -> None:
        """What DescribeEvents lists of a failed operation."""
        self.answer(
            "describe_events",
            {"OperationEvents": list(events)},
            StackName=STACK,
            Filters={"FailedEvents": True},
        )

    def held(self, *resources: tuple[str, str]) -> None:
        """What the stack has: logical ids and types."""
        found = [
            {
                "LogicalResourceId": name,
                "ResourceType": kind,
                "LastUpdatedTimestamp": START,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for name, kind in resources
        ]
        self.answer("list_stack_resources", {"StackResourceSummaries": found}, StackName=STACK)

    def policed(self, before: str = OPEN) -> None:
        """The stack policy is looked at, and is as it should be, for nothing is precious."""
        self.held()
        self.answer("get_stack_policy", {"StackPolicyBody": before}, StackName=STACK)

    def events(self, *events: dict[str, Any]) -> None:
        self.answer("describe_stack_events", {"StackEvents": list(events)}, StackName=STACK)

    def executed(self) -> None:
        self.answer(
            "execute_change_set",
            {},
            ChangeSetName=SET,
            ClientRequestToken="token",
            DisableRollback=False,
        )

    def change_sets(self, *others: str) -> None:
        """The change sets of the stack, ours and others."""
        found = [
            {"ChangeSetId": one, "ChangeSetName": one.split("/")[1], "CreationTime": START}
            for one in (SET, *others)
        ]
        self.answer("list_change_sets", {"Summaries": found}, StackName=STACK)

    def discarded(self) -> None:
        """The change set is taken back, and the stack stays."""
        self.change_sets()
        self.answer("delete_change_set", {}, ChangeSetName=SET)

    def vanished(self, token: str = "token-take-back") -> None:
        """The stack that was only made for the asking is taken back with its change set."""
        self.change_sets()
        self.stack("REVIEW_IN_PROGRESS")
        self.answer("delete_stack", {}, StackName=STACK, ClientRequestToken=token)

    @property
    def clients(self) -> Clients:
        own = SimpleNamespace(
            cloudformation=self.cloudformation,
            sts=self.sts,
            ssm=self.ssm,
            logs=self.logs,
            region=REGION,
            renew=lambda: False,
        )
        return cast(Clients, own)

    def deploy(self, wish: Wish = WISH, person: Person | None = None) -> Result:
        return self.run(deploy, wish, person)

    def run(
        self,
        action: Callable[[W, Clients, Waiting, Person], R],
        wish: W,
        person: Person | None = None,
    ) -> R:
        with aws_errors():
            return action(wish, self.clients, self.waiting, person or Person())

    def done(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


def event(
    second: int, status: str, name: str = "bot", reason: str = "", **fields: Any
) -> dict[str, Any]:
    own = name == "bot"
    return {
        "StackId": STACK,
        "StackName": "bot",
        "EventId": f"{second}",
        "Timestamp": START + timedelta(seconds=second),
        "LogicalResourceId": name,
        "PhysicalResourceId": STACK if own else name,
        "ResourceType": "AWS::CloudFormation::Stack" if own else "AWS::EC2::EIP",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **fields,
    }


def stack_states() -> list[str]:
    """Every state of a stack that the SDK knows."""
    session = boto3.session.Session("x", "x", region_name=REGION)
    model = session.client("cloudformation").meta.service_model
    enum: list[str] = model.shape_for("StackStatus").enum  # type: ignore[attr-defined]
    return enum
