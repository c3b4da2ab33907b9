"""No host goes while the exchange is open, unless somebody insists."""

from datetime import UTC, datetime

import pytest

from cfgen.config.load import make_config
from cfgen.deploy.changeset import Change
from cfgen.deploy.guards import check_session
from cfgen.deploy.plan import Wish
from cfgen.errors import Declined, Refused
from cfgen.host.market import session_end
from cfgen.pipeline import session_end_for
from tests.recorded import Person, Recorded

END = datetime.fromisoformat("2026-11-24T15:30:00+09:00")
INSTANCE, GROUP = "AWS::EC2::Instance", "AWS::AutoScaling::AutoScalingGroup"


@pytest.mark.parametrize(
    "change",
    [
        Change("Host", INSTANCE, "Modify", "True", ("ImageId",)),
        # It is stopped for it, if not replaced.
        Change("Host", INSTANCE, "Modify", "Conditional", ("InstanceType",)),
        Change("Host", INSTANCE, "Remove"),
        Change("HostGroup", GROUP, "Modify", "False", ("MixedInstancesPolicy",)),
    ],
)
def test_a_host_that_would_go_in_a_session_is_refused(change: Change) -> None:
    with pytest.raises(Refused, match=r"open \(until 15:30 .* of 2026-11-24\), and Host") as caught:
        check_session([change], END, insisted=False)
    assert "two or three minutes" in str(caught.value)
    assert "--in-session" in caught.value.hint
    assert "a daily run at work is ended" in check_session([change], END, insisted=True)
    assert check_session([change], None, insisted=False) == ""


@pytest.mark.parametrize(
    "change",
    [
        Change("Host", INSTANCE, "Modify", "False", ("Metadata",)),
        Change("Host", INSTANCE, "Add"),
        Change("HostGroup", GROUP, "Modify", "False", ("Tags",)),
        Change("Address", "AWS::EC2::EIP", "Modify", "True", ("Domain",)),
    ],
)
def test_what_leaves_the_host_up_is_not(change: Change) -> None:
    assert check_session([change], END, insisted=False) == ""


REPLACED = {
    "Action": "Modify",
    "LogicalResourceId": "Host",
    "ResourceType": INSTANCE,
    "Replacement": "True",
    "Details": [{"Target": {"Attribute": "Properties", "Name": "ImageId"}}],
}


@pytest.mark.parametrize("insisted", [False, True])
def test_also_where_the_replacement_is_allowed(insisted: bool) -> None:
    aws, person = Recorded(), Person(answer=False)
    aws.identity()
    aws.stack("CREATE_COMPLETE")
    aws.summary()
    aws.change_set(changes=[REPLACED])
    aws.discarded()
    wish = Wish("bot", "body", "token", allow_replace=("Host",), in_session=insisted,
                session_end=lambda: END)  # fmt: skip
    with pytest.raises(Declined if insisted else Refused):
        aws.deploy(wish, person)
    assert ["the exchange is open" in one for one in person.warnings] == [True] * insisted
    aws.done()


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-24T08:59:59+09:00", None),
        ("2026-11-24T09:00:00+09:00", END),
        ("2026-11-24T15:30:00+09:00", END),
        ("2026-11-24T15:30:01+09:00", None),
        ("2026-11-22T10:00:00+09:00", None),
    ],
)
def test_the_session_that_is_on(moment: str, end: datetime | None) -> None:
    config, now = make_config({}, "test"), datetime.fromisoformat(moment).astimezone(UTC)
    assert session_end(config, now) == end
    assert session_end_for(config, lambda: now)() == end
    assert session_end_for(config, None)() is None


def test_a_night_session_is_that_of_the_day_before() -> None:
    market = {"calendar": "XNYS", "session": "09:30-16:00", "session_timezone": ""}
    now = datetime.fromisoformat("2026-11-25T03:00:00+09:00")
    bot = {"timezone": "America/New_York", "run_at": "10:00"}
    found = session_end(make_config({"market": market, "bot": bot}, "test"), now)
    assert found == datetime.fromisoformat("2026-11-24T16:00:00-05:00")
