"""Buckets that a stack would leave, or that would keep it from going."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber
from mypy_boto3_s3 import S3Client

from cfgen.aws import Clients
from cfgen.deploy.buckets import empty, holds, remove
from cfgen.deploy.destroy import DestroyWish, destroy
from cfgen.deploy.fates import Fate
from cfgen.errors import AwsError, ConfigError, Declined, NeedsRepair, Refused, StillRunning
from tests.conftest import Run, Terminal
from tests.recorded import REGION, STACK, START, Person, Recorded, event

ACCOUNT = "123456789012"


class WithBuckets(Recorded):
    """An AWS of recorded answers that has S3, too."""

    def __init__(self) -> None:
        super().__init__()
        session = boto3.session.Session("x", "x", region_name=REGION)
        self.s3: S3Client = session.client("s3")
        self.stubs["s3"] = Stubber(self.s3)
        self.stubs["s3"].activate()

    @property
    def clients(self) -> Clients:
        return cast(Clients, SimpleNamespace(**{**vars(super().clients), "s3": self.s3}))

    def s3_answer(self, method: str, response: dict[str, Any], **asked: Any) -> None:
        """A bucket's owner is named in every call."""
        self.stubs["s3"].add_response(method, response, {"ExpectedBucketOwner": ACCOUNT, **asked})

    def s3_fail(self, method: str, code: str, status: int = 400) -> None:
        self.stubs["s3"].add_client_error(method, code, "no", status)

    def looked_into(self, bucket: str, *, full: bool) -> None:
        found = {"Versions": [version("a")]} if full else {}
        self.s3_answer("list_object_versions", found, Bucket=bucket, MaxKeys=1)

    def listed(self, bucket: str, *names: str) -> None:
        found = {"Versions": [version(name) for name in names], "IsTruncated": False}
        self.s3_answer("list_object_versions", found, Bucket=bucket, MaxKeys=1000)

    def emptied(self, bucket: str, *names: str, **answer: Any) -> None:
        self.listed(bucket, *names)
        gone = {"Objects": [version(name) for name in names], "Quiet": True}
        self.s3_answer("delete_objects", answer, Bucket=bucket, Delete=gone)


def version(key: str, number: str = "1") -> dict[str, str]:
    return {"Key": key, "VersionId": number}


@pytest.fixture
def aws() -> WithBuckets:
    return WithBuckets()


# One bucket


def test_a_bucket_holds_versions_or_delete_markers_or_nothing(aws: WithBuckets) -> None:
    for found in ({"Versions": [version("a")]}, {"DeleteMarkers": [version("a")]}, {}):
        aws.s3_answer("list_object_versions", found, Bucket="b", MaxKeys=1)
        assert holds(aws.s3, "b", ACCOUNT) == bool(found)


def test_every_page_of_versions_and_markers_goes(aws: WithBuckets) -> None:
    first = {"Versions": [version("a", "2")], "DeleteMarkers": [version("a", "3")],
             "IsTruncated": True, "NextKeyMarker": "a", "NextVersionIdMarker": "2"}  # fmt: skip
    aws.s3_answer("list_object_versions", first, Bucket="b", MaxKeys=1000)
    gone = {"Objects": [version("a", "2"), version("a", "3")], "Quiet": True}
    aws.s3_answer("delete_objects", {}, Bucket="b", Delete=gone)
    aws.s3_answer(
        "list_object_versions",
        {"Versions": [version("b", "null")], "IsTruncated": False},
        Bucket="b", MaxKeys=1000, KeyMarker="a", VersionIdMarker="2",
    )  # fmt: skip
    gone = {"Objects": [version("b", "null")], "Quiet": True}
    aws.s3_answer("delete_objects", {}, Bucket="b", Delete=gone)
    said: list[str] = []
    assert empty(aws.s3, "b", ACCOUNT, said.append) == 3
    assert said[-1] == "bucket b: 3 objects and versions deleted"
    aws.done()


def test_what_cannot_be_deleted_is_named(aws: WithBuckets) -> None:
    errors = [{"Key": key, "Code": "AccessDenied", "Message": "locked"} for key in ("x", "y")]
    aws.emptied("b", "w", "x", "y", Errors=errors)
    with pytest.raises(AwsError, match="bucket b: x cannot be deleted: AccessDenied: locked"):
        empty(aws.s3, "b", ACCOUNT, lambda _: None)


def test_a_bucket_that_is_gone_is_an_empty_one(aws: WithBuckets) -> None:
    aws.s3_fail("list_object_versions", "NoSuchBucket", 404)
    assert not holds(aws.s3, "b", ACCOUNT)
    aws.s3_fail("list_object_versions", "NoSuchBucket", 404)
    assert empty(aws.s3, "b", ACCOUNT, lambda _: None) == 0
    aws.s3_fail("delete_bucket", "NoSuchBucket", 404)
    remove(aws.s3, "b", ACCOUNT)
    aws.done()


def test_a_bucket_of_another_account_is_not(aws: WithBuckets) -> None:
    aws.s3_fail("list_object_versions", "AccessDenied", 403)
    with pytest.raises(aws.s3.exceptions.ClientError, match="AccessDenied"):
        empty(aws.s3, "b", ACCOUNT, lambda _: None)
    aws.s3_fail("delete_bucket", "AccessDenied", 403)
    with pytest.raises(aws.s3.exceptions.ClientError, match="AccessDenied"):
        remove(aws.s3, "b", ACCOUNT)


# The buckets of a stack that goes

TEMPLATE = {
    "Resources": {
        "Scratch": {"Type": "AWS::S3::Bucket"},
        "Backup": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
}


class Chooser(Person):
    """Says yes to the questions that hold one of some words."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def confirm(self, question: str) -> bool:
        super().confirm(question)
        return any(word in question for word in self.words)


def known(
    aws: WithBuckets, *names: str, status: str = "CREATE_COMPLETE", own: str = "CREATE_COMPLETE"
) -> None:
    """Up to the first question."""
    aws.identity()
    aws.stack(status)
    aws.answer("get_template", {"TemplateBody": json.dumps(TEMPLATE)})
    resources: dict[str, Any] = TEMPLATE["Resources"]
    held = [
        {"LogicalResourceId": name, "PhysicalResourceId": name.lower(),
         "ResourceType": resources[name]["Type"], "LastUpdatedTimestamp": START,
         "ResourceStatus": own}
        for name in names
    ]  # fmt: skip
    aws.answer("list_stack_resources", {"StackResourceSummaries": held})


def deleted(aws: WithBuckets, *events: Any) -> None:
    aws.events(event(0, "CREATE_COMPLETE"))
    aws.answer("delete_stack", {}, StackName=STACK, ClientRequestToken="token")
    aws.events(*(events or [event(1, "DELETE_COMPLETE")]), event(0, "CREATE_COMPLETE"))


def test_what_the_person_gives_up_is_emptied_after_the_name(aws: WithBuckets) -> None:
    known(aws, "Scratch", "Backup", "Topic")
    aws.looked_into("scratch", full=True)
    aws.looked_into("backup", full=True)
    aws.emptied("scratch", "a")
    deleted(aws)
    aws.emptied("backup", "a", "b")
    aws.s3_answer("delete_bucket", {}, Bucket="backup")
    person = Person()
    fates = aws.run(destroy, DestroyWish("bot", "token"), person)
    then = "Its objects and all their versions are gone then."
    assert person.seen[1:] == [
        f"confirm Empty bucket scratch (Scratch), which would be deleted with its stack? {then}",
        f"confirm Empty and delete bucket backup (Backup), which would stay and bill? {then}",
        "confirm Delete stack bot? bot",
        "agreed",
        "bucket scratch: 1 objects and versions deleted",
        "bot DELETE_COMPLETE",
        "bucket backup: 2 objects and versions deleted",
        "bucket backup is deleted",
    ]
    assert person.fate == dict.fromkeys(("Scratch", "Backup", "Topic"), (False, ""))
    assert fates is not None
    assert [one.emptied for one in fates] == [True, True, False]
    aws.done()


def test_nothing_is_touched_where_the_name_is_not_given(aws: WithBuckets) -> None:
    known(aws, "Scratch")
    aws.looked_into("scratch", full=True)
    with pytest.raises(Declined):
        aws.run(destroy, DestroyWish("bot", "token"), Chooser("Empty"))
    aws.done()


def test_one_that_dies_and_is_to_be_kept_ends_it(aws: WithBuckets) -> None:
    known(aws, "Scratch")
    aws.looked_into("scratch", full=True)
    with pytest.raises(Declined, match=r"bucket scratch \(Scratch\)") as caught:
        aws.run(destroy, DestroyWish("bot", "token"), Chooser("Delete"))
    assert "--empty-bucket Scratch" in caught.value.hint
    aws.done()


def test_one_that_stays_may_be_kept(aws: WithBuckets) -> None:
    known(aws, "Backup")
    aws.looked_into("backup", full=True)
    deleted(aws)
    person = Chooser("Delete")
    aws.run(destroy, DestroyWish("bot", "token"), person)
    assert person.fate["Backup"] == (True, "a bucket, by what it holds")
    aws.done()


def test_unasked_a_full_one_that_dies_is_refused(aws: WithBuckets) -> None:
    known(aws, "Scratch", "Backup")
    aws.looked_into("scratch", full=True)
    with pytest.raises(Refused, match=r"bucket scratch \(Scratch\)") as caught:
        aws.run(destroy, DestroyWish("bot", "token", ask=False))
    assert "--empty-bucket Scratch" in caught.value.hint
    aws.done()


def test_unasked_nothing_is_emptied_but_what_is_named(aws: WithBuckets) -> None:
    known(aws, "Scratch", "Backup")
    aws.looked_into("scratch", full=False)
    deleted(aws)
    aws.emptied("backup", "a")
    aws.s3_answer("delete_bucket", {}, Bucket="backup")
    person = Person()
    aws.run(destroy, DestroyWish("bot", "token", empty=("Backup",), ask=False), person)
    assert not [line for line in person.seen if "Empty" in line]
    aws.done()


@pytest.mark.parametrize(("held", "then"), [(("Topic", "Backup"), "Backup"), ((), "has none")])
def test_what_is_no_bucket_cannot_be_emptied(
    aws: WithBuckets, held: tuple[str, ...], then: str
) -> None:
    known(aws, *held)
    with pytest.raises(ConfigError, match="Topic is no bucket of stack bot") as caught:
        aws.run(destroy, DestroyWish("bot", "token", empty=("Topic",)))
    assert then in caught.value.hint
    aws.done()


def test_what_is_retained_is_not_emptied(aws: WithBuckets) -> None:
    known(aws, "Backup", status="DELETE_FAILED")
    with pytest.raises(ConfigError, match="do not go together"):
        aws.run(destroy, DestroyWish("bot", "token", retain=("Backup",), empty=("Backup",)))


def test_one_that_is_gone_already_may_be_named(aws: WithBuckets) -> None:
    known(aws, "Scratch", status="DELETE_FAILED", own="DELETE_COMPLETE")
    deleted(aws)
    assert aws.run(destroy, DestroyWish("bot", "token", empty=("Scratch",))) == ()
    aws.done()


def test_one_that_nobody_may_look_into_is_left_with_a_warning(aws: WithBuckets) -> None:
    known(aws, "Scratch")
    aws.s3_fail("list_object_versions", "AccessDenied", 403)
    failed = event(1, "DELETE_FAILED", "Scratch", "not empty", ResourceType="AWS::S3::Bucket")
    deleted(aws, event(2, "DELETE_FAILED"), failed)
    person = Person()
    with pytest.raises(NeedsRepair) as caught:
        aws.run(destroy, DestroyWish("bot", "token"), person)
    assert person.warnings == [
        "bucket scratch (Scratch) could not be looked into, and is left as it is: AccessDenied: no"
    ]
    assert caught.value.hint.startswith(
        "empty it: cfgen destroy --empty-bucket Scratch, or leave behind what is stuck: "
        "cfgen destroy --retain Scratch\n"
    )


def test_one_that_could_not_be_cleaned_is_told_of_with_a_way_on(aws: WithBuckets) -> None:
    known(aws, "Backup")
    deleted(aws)
    aws.s3_fail("list_object_versions", "AccessDenied", 403)
    with pytest.raises(AwsError, match=r"stack bot is deleted, but .* backup: AccessDenied") as got:
        aws.run(destroy, DestroyWish("bot", "token", empty=("Backup",)))
    assert f"aws s3 rb --region {REGION} s3://backup" in got.value.hint


def test_who_looks_away_is_told_that_buckets_are_left(aws: WithBuckets) -> None:
    known(aws, "Backup")
    aws.events(event(0, "CREATE_COMPLETE"))
    aws.answer("delete_stack", {})
    aws.fail("describe_stack_events", "ExpiredToken", "expired")
    with pytest.raises(StillRunning) as caught:
        aws.run(destroy, DestroyWish("bot", "token", empty=("Backup",)))
    assert "cfgen destroy --empty-bucket Backup" in caught.value.hint


def test_while_the_stack_goes_only_what_is_named_is_emptied(aws: WithBuckets) -> None:
    events = [event(2, "DELETE_COMPLETE"), event(1, "DELETE_IN_PROGRESS")]
    known(aws, "Backup", status="DELETE_IN_PROGRESS")
    aws.events(*events[1:])
    aws.events(*events)
    assert aws.run(destroy, DestroyWish("bot", "token"))
    aws.done()
    wish = DestroyWish("bot", "token", empty=("Backup",))
    known(aws, "Backup", status="DELETE_IN_PROGRESS")
    with pytest.raises(Declined):
        aws.run(destroy, wish, Chooser())
    aws.done()
    known(aws, "Backup", status="DELETE_IN_PROGRESS")
    aws.events(*events[1:])
    aws.events(*events)
    aws.listed("backup")
    aws.s3_answer("delete_bucket", {}, Bucket="backup")
    person = Person()
    aws.run(destroy, wish, person)
    assert person.seen[1] == ("confirm Empty Backup of stack bot, which is being deleted? bot")
    aws.done()


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("AWS::Logs::LogGroup", "aws logs delete-log-group --region r --log-group-name x"),
        ("AWS::SecretsManager::Secret", "aws secretsmanager delete-secret --region r"),
        ("AWS::EC2::EIP", "--public-ips x --query"),
        ("AWS::S3::Bucket", "aws s3 rb --region r s3://x"),
    ],
)
def test_what_stays_has_a_way_to_remove_it(kind: str, way: str) -> None:
    assert way in Fate("X", "x", kind, True).removal("r")
    assert not Fate("X", "x", kind, False).removal("r")


# As a process

OWN = """\
Resources:
  Scratch:
    Type: AWS::S3::Bucket
  Backup:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
"""


@pytest.fixture
def s3(moto_server: str) -> S3Client:
    session = boto3.session.Session("testing", "testing", region_name=REGION)
    return session.client("s3", endpoint_url=moto_server)


@pytest.fixture
def buckets(
    cfgen: Run, folder: Path, memory_aws: dict[str, str], moto_server: str, s3: S3Client,
    tmp_path: Path,
) -> Callable[[], dict[str, bool]]:  # fmt: skip
    """A stack of this test's own with two full buckets; says which are there and full."""
    stack = f"d{abs(hash(str(tmp_path))):x}"
    (folder / "cfgen.toml").write_text(f'[stack]\nname = "{stack}"\n')
    made = cfgen("deploy", "-", "--yes", "--no-lint", stdin=OWN, extra=memory_aws)
    assert made.returncode == 0, made.stderr
    session = boto3.session.Session("testing", "testing", region_name=REGION)
    cloudformation = session.client("cloudformation", endpoint_url=moto_server)
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    # moto does not read the property of a template that says so.
    s3.put_bucket_versioning(Bucket=names["Scratch"], VersioningConfiguration={"Status": "Enabled"})
    for name in names.values():
        for text in (b"old", b"new"):
            s3.put_object(Bucket=name, Key="state", Body=text)
    s3.delete_object(Bucket=names["Scratch"], Key="state")

    def full() -> dict[str, bool]:
        there = {one["Name"] for one in s3.list_buckets()["Buckets"]}
        return {
            logical: holds(s3, name, ACCOUNT) for logical, name in names.items() if name in there
        }

    return full


def test_with_yes_only_what_is_named_is_emptied(
    cfgen: Run, memory_aws: dict[str, str], buckets: Callable[[], dict[str, bool]]
) -> None:
    refused = cfgen("destroy", "--yes", extra=memory_aws)
    assert refused.returncode == 5, refused.stderr
    assert "--empty-bucket Scratch" in refused.stderr
    unknown = cfgen("destroy", "--yes", "--empty-bucket", "Nothing", extra=memory_aws)
    assert unknown.returncode == 2, unknown.stderr
    assert "its buckets: Backup, Scratch" in unknown.stderr
    assert buckets() == {"Scratch": True, "Backup": True}
    done = cfgen("destroy", "--yes", "--empty-bucket", "Scratch", extra=memory_aws)
    assert done.returncode == 0, done.stderr
    assert "3 objects and versions deleted" in done.stderr
    assert "left behind: " in done.stderr
    assert "  to remove it: no one command empties a bucket" in done.stderr
    assert buckets() == {"Backup": True}


def test_what_stays_is_cleaned_where_it_is_named(
    cfgen: Run, memory_aws: dict[str, str], buckets: Callable[[], dict[str, bool]]
) -> None:
    both = ("--empty-bucket", "Scratch", "--empty-bucket", "Backup")
    done = cfgen("destroy", "--yes", "--json", *both, extra=memory_aws)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["left"] == []
    assert buckets() == {}


def test_a_person_is_asked_about_each(
    terminal: Callable[..., Terminal],
    memory_aws: dict[str, str],
    buckets: Callable[[], dict[str, bool]],
) -> None:
    person = terminal("destroy", extra=memory_aws)
    person.wait_for("(Scratch), which would be deleted with its stack?")
    person.type("\n")
    assert person.end() == 6, person.read
    assert buckets() == {"Scratch": True, "Backup": True}
    person = terminal("destroy", extra=memory_aws)
    person.wait_for("(Scratch), which would be deleted with its stack?")
    person.type("y\n")
    person.wait_for("(Backup), which would stay and bill?")
    person.type("n\n")
    person.wait_for("Type its name")
    person.type("no\n")
    assert person.end() == 6, person.read
    assert buckets() == {"Scratch": True, "Backup": True}
