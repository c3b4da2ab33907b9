"""No key is shown, wherever in a change set it stands, in whatever form it is shown."""

import json

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cfgen.deploy.changeset import Change, ChangeSet, PropertyChange
from cfgen.deploy.parameters import Chosen, changed
from cfgen.deploy.redact import mask, shown
from cfgen.report.deploy import change_set_data, preview_text
from cfgen.report.paper import Paper
from tests.recorded import SET, STACK

SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=6, max_size=70)
AROUND = st.text('ab \n{}:\\"/$', max_size=30)
PATHS = ("/Properties/UserData", "/Properties/Tags/0/Value", "Metadata", "/x")
KEY_PATHS = ("/Properties/SecretString", "/Properties/MasterUserPassword", "/p/KIS_APP_KEY",
             "AppSecret", "/Properties/ApiKey", "/Environment/TOKEN")  # fmt: skip


@st.composite
def shown_change_sets(draw: st.DrawFn) -> tuple[str, ChangeSet]:
    """A change set with a secret in any number of its values, and that secret."""
    secret = draw(SECRET)
    holds = st.tuples(AROUND, AROUND).map(lambda pair: pair[0] + secret + pair[1])
    value = st.none() | AROUND | holds | holds.map(json.dumps)
    properties = st.builds(PropertyChange, st.sampled_from(PATHS), value, value, drifted_from=value)
    named = st.builds(PropertyChange, st.sampled_from(KEY_PATHS), holds, holds)
    change = st.builds(
        Change,
        st.just("Host"),
        st.just("AWS::EC2::Instance"),
        st.sampled_from(["Add", "Modify", "SyncWithActual"]),
        properties=st.lists(properties | named, max_size=4).map(tuple),
    )
    parameters = changed([Chosen("Token", secret, "flag", secret=True)], {"Token": secret + "old"})
    return secret, ChangeSet(
        SET,
        STACK,
        "UPDATE",
        tuple(draw(st.lists(change, max_size=4))),
        parameters=parameters,
        secrets=(secret,),
    )


@given(shown_change_sets(), st.sampled_from([0, 80, 200]))
def test_in_no_form_is_a_secret_shown(case: tuple[str, ChangeSet], width: int) -> None:
    secret, change_set = case
    text = preview_text(change_set, Paper(terminal=bool(width), width=width))
    data = json.dumps(change_set_data(change_set), ensure_ascii=False)
    masked = msgspec.structs.replace(change_set, changes=())
    # What the frame spells by chance is no leak.
    assume(secret not in preview_text(masked, Paper()) + json.dumps(change_set_data(masked)))
    assume(not any(secret in name for name in (*PATHS, *KEY_PATHS, "Host", "AWS::EC2::Instance")))
    for form in (text, data):
        assert secret not in form
        # Neither as JSON within JSON writes it.
        assert json.dumps(secret)[1:-1] not in form


@given(SECRET, AROUND)
def test_a_secret_that_stays_as_it_was_is_not_known_and_not_shown(old: str, around: str) -> None:
    one = PropertyChange(
        "/Properties/UserData",
        around + old,
        around,
        cause="DirectModification, ParameterReference Token",
    )
    change_set = ChangeSet(
        SET,
        STACK,
        "UPDATE",
        (Change("Host", "AWS::EC2::Instance", "Modify", properties=(one,)),),
        secret_names=("Token",),
    )
    [line] = preview_text(change_set, Paper()).splitlines()[2:]
    assert line == "Host /Properties/UserData: **** -> ****"


@pytest.mark.parametrize("name", KEY_PATHS)
def test_what_is_called_a_key_is_masked_whatever_it_holds(name: str) -> None:
    assert mask(name, "anything") == "****"


def test_nothing_steers_the_terminal() -> None:
    assert shown("a\x1b[2Jb\x07\x9b1m\nc") == "a?[2Jb??1m c"


def test_names_within_a_whole_map_count_as_well() -> None:
    masked = mask("/Variables", '{"KIS_APP_SECRET": "x1", "A": [{"Name": "TOKEN", "Value": "x2"}]}')
    assert masked == '{"KIS_APP_SECRET": "****", "A": [{"Name": "TOKEN", "Value": "****"}]}'
    assert mask("/Variables", '{"A":1}') == '{"A":1}'
    assert mask("/UserData", "[not JSON") == "[not JSON"
