"""The calls to CloudFormation about one stack.

Every call after the first takes the stack's ARN, for its name stops resolving during a delete.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import msgspec
from botocore.exceptions import ClientError
from cfnlint.decode.decode import decode_str

from cfgen.aws import DENIED, FAILURES, Clients, brief, code_of, message_of
from cfgen.deploy.changeset import ChangeSet, Kind, parse_changes, says_no_changes
from cfgen.deploy.events import Event, Validation, parse_event, parse_validation
from cfgen.deploy.manner import Manner
from cfgen.deploy.parameters import Chosen, Declared, differences
from cfgen.deploy.redact import MASK, hide
from cfgen.deploy.waiting import Waiting, wait_until
from cfgen.errors import AwsError, ConfigError, Refused, StillRunning

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, TagTypeDef

T = TypeVar("T")

ABANDONED = timedelta(days=1)
"""After this a change set of ours that nobody executed counts as left behind by a crash."""

OURS = re.compile(r"cfgen-[0-9a-f]{32}")
"""Names of change sets that are not meant to stay."""


class Deployed(msgspec.Struct, frozen=True):
    """A stack that exists; ``changed`` is when its last operation began, if AWS says so."""

    arn: str
    status: str
    reason: str
    parameters: dict[str, str]
    outputs: dict[str, tuple[str, str]]
    protected: bool
    description: str = ""
    changed: datetime | None = None


class Held(msgspec.Struct, frozen=True):
    """A resource of a stack."""

    logical_id: str
    physical_id: str
    resource_type: str
    status: str


class Summary(msgspec.Struct, frozen=True):
    """What CloudFormation says of a template before anything is done."""

    parameters: tuple[Declared, ...]
    capabilities: tuple[str, ...]
    capabilities_reason: str
    description: str = ""


class Listed(msgspec.Struct, frozen=True):
    """A change set in the list of a stack's. ``created`` is ``None`` where AWS does not say."""

    arn: str
    name: str
    created: datetime | None

    def is_abandoned(self, now: datetime) -> bool:
        """Whether a crash of ours left it behind: kept ones have other names."""
        old = self.created is not None and now - self.created > ABANDONED
        return old and bool(OURS.fullmatch(self.name))


class TemplateAt(TypedDict, total=False):
    """A template as the API takes it: its text, or where it lies in S3."""

    TemplateBody: str
    TemplateURL: str


class Started(msgspec.Struct, frozen=True):
    """A change set that was asked for."""

    arn: str
    stack_arn: str
    kind: Kind


class Stack:
    """One stack, by name until its ARN is known."""

    def __init__(
        self,
        clients: Clients,
        name: str,
        waiting: Waiting,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clients = clients
        self._tell = tell
        self._waiting = waiting
        self._secrets: tuple[str, ...] = ()
        self.name = name

    def keep_secret(self, values: Iterable[str]) -> None:
        """Mask these in whatever AWS says of events from now on."""
        self._secrets = tuple(values)

    @property
    def resume(self) -> str:
        """The command that goes on watching."""
        return self._waiting.resume

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._waiting.sleep(seconds)

    def command(self, words: str) -> str:
        """A command of cfgen's for this stack."""
        return self._waiting.command(words)

    @property
    def config(self) -> str:
        """The file of its configuration."""
        return self._waiting.config

    @property
    def _client(self) -> "CloudFormationClient":
        # Each time anew: with renewed credentials there is another one.
        return self._clients.cloudformation

    def find(self, stack: str | None = None) -> Deployed | None:
        """The stack (by default by its name), or ``None`` if there is none.

        Only AWS's "does not exist" counts as absence: AccessDenied is not.
        """
        try:
            found = self._client.describe_stacks(StackName=stack or self.name)["Stacks"][0]
        except ClientError as error:
            if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
                return None
            raise
        return Deployed(
            found["StackId"],
            found["StackStatus"],
            found.get("StackStatusReason", ""),
            {
                parameter["ParameterKey"]: parameter.get("ParameterValue", "")
                for parameter in found.get("Parameters", ())
            },
            {
                output["OutputKey"]: (output["OutputValue"], output.get("Description", ""))
                for output in found.get("Outputs", ())
            },
            found.get("EnableTerminationProtection", False),
            found.get("Description", ""),
            found.get("LastUpdatedTime", found["CreationTime"]),
        )

    def summarize(self, template: "TemplateAt") -> Summary:
        """Ask which parameters and capabilities a template needs."""
        summary = self._client.get_template_summary(**template)
        return Summary(
            tuple(
                Declared(
                    parameter["ParameterKey"],
                    parameter.get("DefaultValue"),
                    parameter.get("NoEcho", False),
                )
                for parameter in summary.get("Parameters", ())
            ),
            tuple(summary.get("Capabilities", ())),
            summary.get("CapabilitiesReason", ""),
            summary.get("Description", ""),
        )

    def start_change_set(
        self,
        name: str,
        kind: Kind,
        template: "TemplateAt",
        parameters: Sequence[Chosen],
        capabilities: Sequence[str],
        tags: Mapping[str, str],
        manner: Manner,
    ) -> Started | None:
        """Ask for a change set; ``None`` where AWS says at once that nothing would change."""
        try:
            created = self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=name,
                ChangeSetType=kind,
                **template,
                Parameters=[_api_parameter(parameter) for parameter in parameters],
                Capabilities=list(capabilities),  # type: ignore[arg-type]
                Tags=[_api_tag(key, value) for key, value in sorted(tags.items())],
                ClientToken=name,
                **manner.creation,
            )
        except ClientError as error:
            if says_no_changes(message_of(error)):
                return None
            raise
        return Started(created["Id"], created["StackId"], kind)

    def read_change_set(self, started: Started) -> ChangeSet | None:
        """Wait until the change set can be read; ``None`` if it holds no change.

        Raises :class:`Refused` with what CloudFormation's own checks found where they failed it,
        and :class:`AwsError` with AWS's reason where anything else did.
        """

        def probe() -> tuple[str, str] | None:
            described = self._client.describe_change_set(ChangeSetName=started.arn)
            status = described["Status"]
            if status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return None
            return status, described.get("StatusReason", "")

        try:
            status, reason = self._until(f"the change set of {self.name}", probe)
        except StillRunning as error:
            # It will not be executed, so nothing goes on.
            why = "the credentials expired" if error.__cause__ else "it took too long"
            raise AwsError(
                f"the change set of {self.name} was not to be had: {why}", "deploy again"
            ) from error
        if status != "CREATE_COMPLETE":
            if says_no_changes(reason):
                return None
            found = self.validations(started.arn)
            if isinstance(found, str):
                reason += f" ({found})"
            elif fatal := [one for one in found if one.mode == "FAIL"]:
                raise Refused(
                    "\n  ".join(["CloudFormation's validation found:", *map(str, fatal)]),
                    "mend the template; nothing was changed",
                )
            raise AwsError(f"CloudFormation turned the change set down: {reason or status}")
        pages = self._client.get_paginator("describe_change_set").paginate(
            ChangeSetName=started.arn, IncludePropertyValues=True
        )
        return _change_set(list(pages), started.arn, started.stack_arn, started.kind)

    def validations(self, change_set: str) -> tuple[Validation, ...] | str:
        """What CloudFormation's own checks found of a change set; or why that cannot be read."""
        try:
            # By its ARN: a bare name is an error.
            pages = self._client.get_paginator("describe_events").paginate(ChangeSetName=change_set)
            return tuple(
                parse_validation(event)
                for page in pages
                for event in page["OperationEvents"]
                if event.get("EventType") == "VALIDATION_ERROR"
            )
        except FAILURES as error:
            return _unread("what CloudFormation's validation found", error)

    def kept_change_set(self, arn: str) -> ChangeSet:
        """A change set that waits to be executed.

        Raises :class:`ConfigError` where there is none, or it is another stack's, and
        :class:`Refused` where it can no longer be executed.
        """
        pages: list[Mapping[str, Any]] = []
        try:
            paginator = self._client.get_paginator("describe_change_set")
            pages.extend(paginator.paginate(ChangeSetName=arn, IncludePropertyValues=True))
        except ClientError as error:
            if code_of(error) in ("ChangeSetNotFound", "ChangeSetNotFoundException"):
                raise ConfigError(f"--changeset: there is no change set {arn}") from error
            raise
        first = pages[0]
        if first["StackName"] != self.name:
            raise ConfigError(
                f"--changeset: {arn} is for stack {first['StackName']}, not for {self.name}",
                "set stack.name, or make another change set",
            )
        if first.get("ExecutionStatus") != "AVAILABLE":
            reason = first.get("StatusReason") or first.get("ExecutionStatus") or first["Status"]
            raise Refused(
                f"change set {arn} can not be executed: {reason}",
                f"make another: {self.command('deploy')}",
            )
        found = self.find(first["StackId"])
        new = found is None or found.status == "REVIEW_IN_PROGRESS"
        kind: Kind = "CREATE" if new else "UPDATE"
        change_set = _change_set(pages, first["ChangeSetId"], first["StackId"], kind)
        values = {one["ParameterKey"]: one.get("ParameterValue", "") for one in
                  first.get("Parameters", ())}  # fmt: skip
        before = found.parameters if found else {}
        found_wrong = self.validations(arn)
        if isinstance(found_wrong, str):
            self._tell(found_wrong)
        return msgspec.structs.replace(
            change_set,
            validations=() if isinstance(found_wrong, str) else found_wrong,
            capabilities=tuple(first.get("Capabilities", ())),
            parameters=differences(values, before),
            secret_names=tuple(name for name, value in values.items() if value == MASK),
        )

    def was_executed(self, started: Started) -> bool:
        """Whether a change set was executed after all; where nobody can say, that it was."""
        try:
            described = self._client.describe_change_set(ChangeSetName=started.arn)
        except FAILURES as error:
            return not (isinstance(error, ClientError) and code_of(error) == "ChangeSetNotFound")
        return str(described.get("ExecutionStatus", "")).startswith("EXECUTE_")

    def delete_change_set(self, arn: str) -> None:
        """Delete a change set that will not be executed."""
        self._client.delete_change_set(ChangeSetName=arn)

    def change_sets(self, arn: str) -> list[Listed]:
        """The change sets of a stack."""
        pages = self._client.get_paginator("list_change_sets").paginate(StackName=arn)
        return [
            Listed(one["ChangeSetId"], one["ChangeSetName"], one.get("CreationTime"))
            for page in pages
            for one in page["Summaries"]
            # moto lists those of all stacks.
            if one.get("StackId", arn) == arn
        ]

    def find_change_set(self, name: str, kind: Kind) -> Started | None:
        """A change set by its name; ``None`` where it is not there, or nobody can say."""
        try:
            found = self._client.describe_change_set(ChangeSetName=name, StackName=self.name)
        except FAILURES:
            return None
        return Started(found["ChangeSetId"], found["StackId"], kind)

    def execute(self, change_set: ChangeSet, token: str, manner: Manner) -> None:
        """Start the change."""
        # A kept change set was told on its creation.
        told = {} if change_set.on_stack_failure else manner.execution
        if change_set.express:
            told = {"DisableRollback": True}
        self._client.execute_change_set(
            ChangeSetName=change_set.arn, ClientRequestToken=token, **told
        )

    def policy(self, arn: str) -> str:
        """The stack policy, empty if there is none."""
        return self._client.get_stack_policy(StackName=arn).get("StackPolicyBody", "")

    def set_policy(self, arn: str, policy: str) -> None:
        """Set the stack policy."""
        self._client.set_stack_policy(StackName=arn, StackPolicyBody=policy)

    def delete(self, arn: str, token: str, retain: Sequence[str] = ()) -> None:
        """Start deleting the stack; what could not be deleted before may be kept (``retain``)."""
        self._client.delete_stack(
            StackName=arn,
            ClientRequestToken=token,
            **({"RetainResources": list(retain)} if retain else {}),  # type: ignore[arg-type]
        )

    def protect(self, arn: str, *, enabled: bool) -> None:
        """Set termination protection."""
        self._client.update_termination_protection(
            StackName=arn, EnableTerminationProtection=enabled
        )

    def template_of(self, arn: str) -> str:
        """The text of a stack's template, as it was sent."""
        body: object = self._client.get_template(StackName=arn, TemplateStage="Original")[
            "TemplateBody"
        ]
        # botocore reads a JSON template for us.
        return body if isinstance(body, str) else json.dumps(body)

    def built_for(self, arn: str) -> Mapping[str, object]:
        """What cfgen wrote into the template's metadata; nothing where that cannot be read."""
        try:
            template, _ = decode_str(self.template_of(arn))
        except FAILURES:
            # It is for a line of the preview only.
            return {}
        metadata = template.get("Metadata") if isinstance(template, dict) else None
        found = metadata.get("cfgen") if isinstance(metadata, dict) else None
        # Without what cfn-lint's parser adds to each value.
        plain: dict[str, object] = json.loads(json.dumps(found)) if isinstance(found, dict) else {}
        return plain

    def continue_rollback(self, arn: str, token: str, skip: Sequence[str]) -> None:
        """Take up a rollback that failed, leaving the resources in ``skip`` as they are."""
        self._client.continue_update_rollback(
            StackName=arn, ClientRequestToken=token, ResourcesToSkip=list(skip)
        )

    def roll_back(self, arn: str, token: str) -> None:
        """Go back to the last stable state; a stack that has none is deleted."""
        self._client.rollback_stack(StackName=arn, ClientRequestToken=token)

    def cancel_update(self, arn: str, token: str) -> None:
        """Stop an update that is under way, and roll it back."""
        self._client.cancel_update_stack(StackName=arn, ClientRequestToken=token)

    def contents(self, arn: str) -> list["Held"]:
        """The resources that the stack has, or had."""
        paginator = self._client.get_paginator("list_stack_resources")
        return [
            Held(
                resource["LogicalResourceId"],
                resource.get("PhysicalResourceId", ""),
                resource["ResourceType"],
                resource["ResourceStatus"],
            )
            for page in paginator.paginate(StackName=arn)
            for resource in page["StackResourceSummaries"]
        ]

    def event_ids(self, arn: str) -> set[str]:
        """Ids of all events so far: what comes later belongs to the next operation."""
        return {event.id for event in self._events_since(arn, set())}

    def event_ids_before_current(self, arn: str) -> set[str]:
        """Ids of all events before the operation that is under way, or was until just now."""
        events = self._events_since(arn, set())
        own = [index for index, event in enumerate(events) if event.is_own(arn)]
        # The newest of all may be the end of this one: it is no end of an earlier one.
        ends = [index for index in own[:-1] if events[index].ends(arn)]
        return {event.id for event in events[: ends[-1] + 1 if ends else 0]}

    def follow(
        self,
        arn: str,
        seen: set[str],
        events: list[Event],
        watch: Callable[[Event], None],
        ends: Callable[[Event], bool],
    ) -> None:
        """Wait for the operation's end, adding each new event to ``events`` in order of time.

        Raises :class:`StillRunning` when the time is up or the credentials run out.
        """

        def probe() -> bool | None:
            for event in self._events_since(arn, seen):
                seen.add(event.id)
                events.append(event)
                watch(event)
                if ends(event):
                    # What comes after it belongs to somebody else's operation.
                    return True
            return None

        self._until(f"stack {self.name}", probe)

    def failures(self, arn: str, since: datetime) -> list[Event] | str:
        """Events of failures from a moment on, in order of time; or why they cannot be read.

        They tell of hooks and validations more than the stack's own events do.
        """
        try:
            pages = self._client.get_paginator("describe_events").paginate(
                StackName=arn, Filters={"FailedEvents": True}
            )
            found = [
                self._event(event)
                for page in pages
                for event in page["OperationEvents"]
                if event.get("Timestamp", since) >= since and "ResourceType" in event
            ]
        except FAILURES as error:
            return _unread("CloudFormation's list of failures", error)
        return sorted(found, key=lambda event: event.time)

    def events(self, arn: str) -> list[Event]:
        """All events of a stack, a nested one too, in order of time."""
        return self._events_since(arn, set())

    def wait_deleted(self, arn: str) -> str:
        """Wait until a delete ended, and give the status that it ended in."""

        def probe() -> str | None:
            found = self.find(arn)
            status = found.status if found else "DELETE_COMPLETE"
            # Right after the call the old status may still be told.
            return status if status in ("DELETE_COMPLETE", "DELETE_FAILED") else None

        return self._until(f"the deletion of stack {self.name}", probe)

    def until(self, what: str, probe: Callable[[], T | None]) -> T:
        """Look until there is something; see :func:`cfgen.deploy.waiting.wait_until`."""
        return self._until(what, probe)

    def _events_since(self, arn: str, seen: set[str]) -> list[Event]:
        """New events in order of time. The API gives the newest first."""
        new: list[Event] = []
        paginator = self._client.get_paginator("describe_stack_events")
        for page in paginator.paginate(StackName=arn):
            for entry in page["StackEvents"]:
                if entry["EventId"] in seen:
                    return new[::-1]
                new.append(self._event(entry))
        return new[::-1]

    def _event(self, entry: Mapping[str, Any]) -> Event:
        event = parse_event(entry)
        return msgspec.structs.replace(event, reason=hide(event.reason, self._secrets))

    def masked(self, text: str) -> str:
        """A text without what must not be shown."""
        return hide(text, self._secrets)

    def _until(self, what: str, probe: Callable[[], T | None]) -> T:
        return wait_until(what, probe, self._waiting, self._clients.renew, self._tell)


def _change_set(
    pages: Sequence[Mapping[str, Any]], arn: str, stack_arn: str, kind: Kind
) -> ChangeSet:
    first = pages[0]
    return ChangeSet(
        arn,
        stack_arn,
        kind,
        parse_changes(pages),
        created=first.get("CreationTime"),
        on_stack_failure=first.get("OnStackFailure", ""),
        express=first.get("DeploymentConfig", {}).get("Mode") == "EXPRESS",
    )


def _unread(what: str, error: Exception) -> str:
    denied = isinstance(error, ClientError) and code_of(error) in DENIED
    why = "cloudformation:DescribeEvents is denied" if denied else brief(error)
    return f"{what} could not be read: {why}"


def _api_parameter(parameter: Chosen) -> "ParameterTypeDef":
    if parameter.keep:
        return {"ParameterKey": parameter.name, "UsePreviousValue": True}
    return {"ParameterKey": parameter.name, "ParameterValue": parameter.value}


def _api_tag(key: str, value: str) -> "TagTypeDef":
    return {"Key": key, "Value": value}
