"""States, change sets, guards, parameters and causes: values in, values out."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from cfgen.deploy.causes import causes, is_nested, stuck
from cfgen.deploy.changeset import Change, parse_changes, says_no_changes
from cfgen.deploy.events import Event, parse_event
from cfgen.deploy.guards import (
    check_account,
    check_replacements,
    check_subnet,
    mode_change,
)
from cfgen.deploy.parameters import Chosen, Declared, changed, choose_parameters
from cfgen.deploy.states import ROLLED_BACK, SUCCEEDED, WAYS, Way, repair, way_of
from cfgen.errors import ConfigError, Refused
from tests.trees import tree


def stack_statuses() -> list[str]:
    client = boto3.session.Session().client("cloudformation", region_name="ap-northeast-2")
    shape = client.meta.service_model.shape_for("StackStatus")
    return list(shape.enum)  # type: ignore[attr-defined]


def test_every_state_that_aws_knows_has_a_way() -> None:
    for status in stack_statuses():
        way = way_of(status)
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            assert way is Way.WAIT, status
        else:
            assert status in WAYS, status
    assert set(WAYS) <= set(stack_statuses())
    assert set(stack_statuses()) >= SUCCEEDED | ROLLED_BACK


def test_absence_creates_and_what_is_unknown_is_left_alone() -> None:
    assert way_of(None) is Way.CREATE
    assert way_of("SOMETHING_NEW") is Way.REPAIR
    assert way_of("SOMETHING_NEW_IN_PROGRESS") is Way.WAIT


def test_every_state_that_needs_repair_has_a_command_and_no_other() -> None:
    for status in [*stack_statuses(), "SOMETHING_NEW"]:
        known = "mend it with: cfgen " in repair(status)
        assert known == (WAYS.get(status) is Way.REPAIR), status


@pytest.mark.parametrize(
    ("reason", "none"),
    [
        ("The submitted information didn't contain changes. Submit different ...", True),
        ("No updates are to be performed.", True),
        ("Template error: ...", False),
        ("", False),
    ],
)
def test_both_texts_of_no_changes(reason: str, none: bool) -> None:
    assert says_no_changes(reason) is none


def test_a_change_set_of_two_pages_with_all_six_actions() -> None:
    actions = ["Add", "Modify", "Remove", "Import", "Dynamic", "SyncWithActual"]
    entries = [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": action,
                "LogicalResourceId": f"R{number}",
                "ResourceType": "AWS::EC2::Instance",
            },
        }
        for number, action in enumerate(actions)
    ]
    entries[1]["ResourceChange"] |= {  # type: ignore[operator]
        "Replacement": "True",
        "Details": [
            {"Target": {"Attribute": "Properties", "Name": "ImageId"}},
            {"Target": {"Attribute": "Tags"}},
            {"Target": {"Attribute": "Properties", "Name": "ImageId"}},
        ],
    }
    hook = {"Type": "Resource"}
    changes = parse_changes([{"Changes": entries[:3]}, {"Changes": [*entries[3:], hook]}, {}])
    assert [change.action for change in changes] == actions
    assert changes[1].because == ("ImageId", "Tags")
    assert [change.action for change in changes if change.may_destroy] == [
        "Modify",
        "Remove",
        "Dynamic",
    ]


@pytest.mark.parametrize(
    "kind",
    ["AWS::EC2::Instance", "AWS::EC2::EIP", "AWS::SecretsManager::Secret", "AWS::S3::Bucket"],
)
@pytest.mark.parametrize(
    "fate",
    [
        {"action": "Remove"},
        {"action": "Modify", "replacement": "True", "because": ("ImageId",)},
        {"action": "Modify", "replacement": "Conditional"},
        {"action": "Dynamic"},
    ],
)
def test_what_may_be_lost_needs_its_own_leave(kind: str, fate: dict[str, str]) -> None:
    change = Change("Precious", kind, **fate)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="Precious") as caught:
        check_replacements([change], ["Other"])
    assert "--allow-replace Precious" in caught.value.hint
    check_replacements([change], ["Precious"])


def test_what_is_not_precious_may_go() -> None:
    check_replacements([Change("Alarm", "AWS::CloudWatch::Alarm", "Remove")], [])
    check_replacements([Change("Host", "AWS::EC2::Instance", "Modify", "False")], [])


def test_a_subnet_is_not_replaced_in_its_own_address_range() -> None:
    kind = "AWS::EC2::Subnet"
    moved = Change("PublicSubnet", kind, "Modify", "True", ("AvailabilityZoneId",))
    with pytest.raises(Refused, match="because of AvailabilityZoneId") as caught:
        check_subnet([moved])
    assert "network.subnet_cidr" in caught.value.hint
    both = ("AvailabilityZoneId", "CidrBlock")
    check_subnet([Change("PublicSubnet", kind, "Modify", "True", both)])
    check_subnet([Change("PublicSubnet", kind, "Add")])


def test_accounts() -> None:
    check_account("1", [])
    check_account("1", ["1", "2"])
    with pytest.raises(Refused, match="account 3 is not among") as caught:
        check_account("3", ["1", "2"], "demo.toml")
    assert caught.value.hint.endswith("in demo.toml")


def test_a_bot_that_moves_to_another_kind_of_account() -> None:
    # As ``build`` describes its templates, and so CloudFormation their stacks.
    demo, real = (tree(bot={"mode": mode})["Description"] for mode in ("demo", "real"))
    assert "on a demo account until now, and on a real one" in mode_change(demo, real)
    assert "on a real account until now, and on a demo one" in mode_change(real, demo)
    for before, after in ((demo, demo), ("", real), (demo, ""), ("A bot (demo) of mine", real)):
        assert mode_change(before, after) == ""


DECLARED = (
    Declared("AppSource", None),
    Declared("ImageId", ""),
    Declared("AlertEmail", "new@example.com"),
    Declared("Token", "", secret=True),
)


def values(chosen: tuple[Chosen, ...]) -> dict[str, tuple[str, str]]:
    return {one.name: (one.value, one.source) for one in chosen}


def test_a_first_deploy_takes_flags_the_newest_image_and_defaults() -> None:
    chosen = choose_parameters(DECLARED, {"AppSource": "https://h/a@v1"}, {}, {"ImageId": "ami-1"})
    assert values(chosen) == {
        "AppSource": ("https://h/a@v1", "flag"),
        "ImageId": ("ami-1", "image"),
        "AlertEmail": ("new@example.com", "default"),
        "Token": ("", "default"),
    }


def test_a_later_deploy_keeps_image_and_what_has_no_default_and_takes_new_defaults() -> None:
    deployed = {"AppSource": "https://h/a@v1", "ImageId": "ami-1", "AlertEmail": "old@example.com"}
    chosen = choose_parameters(DECLARED, {}, deployed, {})
    assert values(chosen)["AppSource"] == ("https://h/a@v1", "kept")
    assert values(chosen)["ImageId"] == ("ami-1", "kept")
    assert values(chosen)["AlertEmail"] == ("new@example.com", "default")
    assert [str(one) for one in changed(chosen, deployed)] == [
        "AlertEmail: 'old@example.com' -> 'new@example.com'"
    ]


def test_secrets_are_masked_where_values_are_shown() -> None:
    chosen = choose_parameters(DECLARED, {"Token": "canary", "AppSource": "x"}, {}, {})
    (change,) = changed(chosen, {"Token": "old-canary"})
    assert (change.before, change.after) == ("****", "****")


def test_a_parameter_without_a_value_says_how_to_give_one() -> None:
    with pytest.raises(ConfigError, match="AppSource has no value") as caught:
        choose_parameters(DECLARED, {}, {}, {})
    assert caught.value.hint == ("add --parameter AppSource=VALUE, or set bot.source in cfgen.toml")


def test_a_value_without_a_parameter_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="Sorce"):
        choose_parameters(DECLARED, {"Sorce": "x"}, {}, {})


START = datetime(2026, 11, 23, tzinfo=UTC)


def event(
    second: int, name: str, status: str, reason: str = "", kind: str = "AWS::EC2::EIP"
) -> Event:
    return Event(str(second), START + timedelta(seconds=second), name, "", kind, status, reason)


def test_the_cause_is_the_earliest_failure_of_its_own() -> None:
    events = [
        event(1, "Vpc", "CREATE_IN_PROGRESS"),
        event(2, "Host", "CREATE_FAILED", "Resource creation cancelled"),
        event(3, "Nested", "CREATE_FAILED", "echo", "AWS::CloudFormation::Stack"),
        event(4, "Address", "CREATE_FAILED", "The maximum number of addresses has been reached."),
        event(5, "Other", "CREATE_FAILED", "later"),
        event(6, "stack", "ROLLBACK_IN_PROGRESS", "", "AWS::CloudFormation::Stack"),
        event(7, "Vpc", "DELETE_FAILED", "clean-up"),
    ]
    assert [cause.logical_id for cause in causes(events)] == ["Address", "Other"]
    assert [event.logical_id for event in stuck(events)] == ["Vpc"]


def test_of_each_resource_the_earliest_failure_counts() -> None:
    events = [
        event(1, "Host", "CREATE_FAILED", "no capacity"),
        event(2, "Host", "CREATE_FAILED", "again"),
    ]
    assert [cause.reason for cause in causes(events)] == ["no capacity"]


def test_a_hook_that_fails_a_resource_is_its_cause_and_one_that_warns_is_not() -> None:
    entry = {
        "EventId": "1",
        "Timestamp": START,
        "LogicalResourceId": "Host",
        "ResourceType": "AWS::EC2::Instance",
        "ResourceStatus": "CREATE_IN_PROGRESS",
        "HookType": "My::Guard::Hook",
        "HookStatus": "HOOK_COMPLETE_FAILED",
        "HookStatusReason": "no tags",
    }
    failed = event(2, "Host", "CREATE_FAILED", "The following hook(s) failed: [My::Guard::Hook]")
    (cause,) = causes([parse_event(entry | {"HookFailureMode": "FAIL"}), failed])
    assert (cause.hook, cause.reason) == ("My::Guard::Hook", "no tags")
    (cause,) = causes([parse_event(entry | {"HookFailureMode": "WARN"}), failed])
    assert cause is failed


def test_a_nested_stack_is_another_one() -> None:
    own, other = (f"arn:aws:cloudformation:r:1:stack/{name}/1" for name in ("bot", "inner"))
    kind = "AWS::CloudFormation::Stack"
    nested = Event("1", START, "Nested", other, kind, "CREATE_FAILED", "echo")
    assert is_nested(nested, own)
    assert not is_nested(nested, other)
    assert not is_nested(event(1, "Host", "CREATE_FAILED"), own)


def test_where_no_resource_says_why_the_stack_does() -> None:
    kind = "AWS::CloudFormation::Stack"
    events = [
        event(1, "bot", "CREATE_IN_PROGRESS", "User Initiated", kind),
        event(2, "bot", "ROLLBACK_IN_PROGRESS", "Role is not authorized", kind),
        event(3, "bot", "ROLLBACK_COMPLETE", "", kind),
    ]
    assert [cause.reason for cause in causes(events)] == ["Role is not authorized"]


def test_a_secret_parameter_is_kept_and_not_reset() -> None:
    chosen = choose_parameters(DECLARED[3:], {}, {"Token": "****"}, {})
    assert values(chosen) == {"Token": ("****", "kept")}
    assert changed(chosen, {"Token": "****"}) == ()


def test_no_cause_is_not_invented() -> None:
    assert causes([event(1, "Vpc", "CREATE_COMPLETE")]) == ()
