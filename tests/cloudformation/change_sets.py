"""Change sets: what a template would change, and the answers about them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.cloudformation.operations import Move, Operations
from tests.cloudformation.template import (
    RETRIABLE,
    STABLE,
    Call,
    FakeChangeSet,
    FakeResource,
    FakeStack,
    Fields,
    Template,
    capability,
    invalid,
    parse,
    tags,
    wrong_state,
)
from tests.fake_aws import Fault

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
MISSING = "Stack [{}] does not exist"


class ChangeSets(Operations):
    """The answers about change sets: ``_x`` answers the operation X."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    # What several answers need

    def _found(self, call: Call, missing: str = MISSING) -> FakeStack:
        stack = self.stack(call.parameters["StackName"])
        if stack is None:
            raise invalid(missing.format(call.parameters["StackName"]))
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
        return stack.deployed.text

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
                if token and one.request.get("ClientToken") == token:
                    return {"Id": one.arn, "StackId": one.template.stack_arn}
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
            raise invalid(MISSING.format(name))
        elif stack.status not in STABLE | RETRIABLE:
            raise wrong_state(stack, "be updated.")

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
            raise wrong_state(stack, "be updated.")
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


def invalid_change_set(arn: str, status: str) -> Fault:
    text = f"ChangeSet [{arn}] cannot be executed in its current status of [{status}]"
    return Fault("InvalidChangeSetStatus", 400, text)


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
