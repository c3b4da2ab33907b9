"""The answers to everything but change sets, as the SDK would show them."""

import base64
import json
from collections.abc import Iterator
from itertools import chain, repeat

from botocore import xform_name

from tests.cloudformation.change_sets import MISSING, ChangeSets
from tests.cloudformation.operations import Move
from tests.cloudformation.template import (
    RETRIABLE,
    Call,
    FakeStack,
    Fields,
    capability,
    invalid,
    is_secret,
    parse,
    tags,
    wrong_state,
)
from tests.fake_aws import Fault

WITH_ID = "Stack with id {} does not exist"


class Api(ChangeSets):
    """All the answers, as the SDK would show them: ``_x`` answers the operation X."""

    def __init__(self) -> None:
        super().__init__()
        self._detections: dict[str, tuple[FakeStack, Iterator[str]]] = {}

    def answer(self, call: Call) -> Fields:
        method = getattr(self, f"_{xform_name(call.operation)}", None)
        if method is None:
            raise Fault("InvalidAction", 400, f"the fake knows no {call.operation}")
        answer: Fields = method(call) or {}
        return answer

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
                raise wrong_state(stack, "roll back")
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
            raise wrong_state(stack, "be rolled back")
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

    def _described(self, call: Call, missing: str = MISSING) -> FakeStack:
        """The stack of a call that describes it, one step further unless it is a later page."""
        stack = self._found(call, missing)
        if "NextToken" not in call.parameters:
            self.advance(stack, self.steps_per_poll)
        return stack

    def _describe_stacks(self, call: Call) -> Fields:
        if "StackName" in call.parameters:
            stack = self._described(call, WITH_ID)
            return {"Stacks": [self._stack_fields(stack)]}
        there = [one for one in self.stacks if one.status != "DELETE_COMPLETE"]
        return self._page(call, "Stacks", [self._stack_fields(one) for one in there])

    def _stack_fields(self, stack: FakeStack) -> Fields:
        up = stack.status.startswith(("UPDATE", "IMPORT")) or stack.status == "CREATE_COMPLETE"
        review = stack.status == "REVIEW_IN_PROGRESS"
        optional = {
            "StackStatusReason": stack.reason,
            "Description": "" if review else stack.deployed.body.get("Description", ""),
            "ChangeSetId": stack.change_set_arn,
            "Outputs": outputs(stack) if up else [],
        }
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
        stack = self._found(call, WITH_ID)
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
        text = self._found(call, WITH_ID).deployed.text
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
            **({"Description": body["Description"]} if "Description" in body else {}),
        } | ({"Capabilities": [needed], "CapabilitiesReason": reason} if needed else {})

    # Drift

    def _detect_stack_drift(self, call: Call) -> Fields:
        stack = self._found(call)
        name = f"detection-{len(self._detections) + 1}"
        states = chain(["DETECTION_IN_PROGRESS"], repeat("DETECTION_COMPLETE"))
        self._detections[name] = stack, states
        return {"StackDriftDetectionId": name}

    def _describe_stack_drift_detection_status(self, call: Call) -> Fields:
        name = call.parameters["StackDriftDetectionId"]
        stack, states = self._detections[name]
        found = {
            "StackId": stack.arn,
            "StackDriftDetectionId": name,
            "DetectionStatus": next(states),
            "Timestamp": self.clock,
        }
        if found["DetectionStatus"] == "DETECTION_IN_PROGRESS":
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

    def _filter_log_events(self, call: Call) -> Fields:
        if "logStreamNames" in call.parameters:
            [stream] = call.parameters["logStreamNames"]
            return {"events": self._report_events(stream, call.parameters["startTime"])}
        stream = {"logStreamName": "i-0/bootstrap"}
        return {"events": [one | stream for one in self._log_events()]}

    def _get_log_events(self, _: Call) -> Fields:
        return {"events": self._log_events()}

    def _report_events(self, stream: str, start: int) -> list[Fields]:
        if not self.reports:
            raise Fault("ResourceNotFoundException", 400, "The specified log stream does not exist")
        told = [(int(time.timestamp() * 1000), json.dumps(one)) for time, one in self.reports]
        return [
            {"timestamp": time, "message": text, "logStreamName": stream, "eventId": f"{number}"}
            for number, (time, text) in enumerate(told)
            if time >= start
        ]

    def _describe_log_streams(self, _: Call) -> Fields:
        names = ["i-0/report"] if self.reports else []
        names += ["i-0/bootstrap"] if self.log_lines else []
        return {"logStreams": [{"logStreamName": name} for name in names]}

    def _describe_instances(self, _: Call) -> Fields:
        return {"Reservations": [{"Instances": [self.instance]}]}

    def _get_console_output(self, _: Call) -> Fields:
        data = base64.b64encode(self.console.encode()).decode()
        return {"InstanceId": "i-0", **({"Output": data} if data else {})}


def outputs(stack: FakeStack) -> list[Fields]:
    ids = {name: one.physical_id for name, one in stack.resources.items()}
    found = []
    for name, one in stack.deployed.body.get("Outputs", {}).items():
        if stack.deployed.has(one):
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
    kinds = {one["OperationId"]: one["OperationType"] for one in stack.last_operations}
    fields = {name: value for name, value in event.items() if name != "StackName"}
    return fields | {"EventType": kind, "OperationType": kinds[event["OperationId"]]}
