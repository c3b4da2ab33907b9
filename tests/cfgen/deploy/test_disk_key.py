"""A customer's key for new disks, against recorded answers."""

import json
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from cfgen import pipeline
from cfgen.aws import Clients
from cfgen.config.schema import Config
from cfgen.deploy.disk_key import ROLE, key_problem
from tests.trees import YEAR, plan, spot

KEY = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
AS = f"arn:aws:iam::123456789012:{ROLE}"
ME = "arn:aws:iam::123456789012:user/me"
INSTANCE, GROUP = (pipeline.build(Config(), locked, YEAR) for locked in (plan(), spot()))


class Aws:
    """EC2 and KMS; what is asked that was not recorded fails the test."""

    def __init__(self) -> None:
        session = boto3.session.Session(
            aws_access_key_id="x", aws_secret_access_key="x", region_name="ap-northeast-2"
        )
        self.ec2, self.kms = session.client("ec2"), session.client("kms")
        self._stubs = {"ec2": Stubber(self.ec2), "kms": Stubber(self.kms)}
        for stub in self._stubs.values():
            stub.activate()

    def key(self, key: str = KEY) -> None:
        self._stubs["ec2"].add_response("get_ebs_default_kms_key_id", {"KmsKeyId": key}, {})

    def grants(self, *operations: str) -> None:
        grant = {"GrantId": "1", "GranteePrincipal": AS, "Operations": list(operations)}
        answer = {"Grants": [grant] if operations else [], "Truncated": False}
        asked = {"KeyId": KEY, "GranteePrincipal": AS}
        self._stubs["kms"].add_response("list_grants", answer, asked)

    def policy(self, *principals: str) -> None:
        text = json.dumps({"Statement": [{"Principal": {"AWS": list(principals)}}]})
        asked = {"KeyId": KEY, "PolicyName": "default"}
        self._stubs["kms"].add_response("get_key_policy", {"Policy": text}, asked)

    def denies(self, service: str, operation: str, code: str = "AccessDeniedException") -> None:
        self._stubs[service].add_client_error(operation, code, "no", 400)

    def problem(self, template: str, *, new: bool = True) -> str:
        clients = SimpleNamespace(ec2=self.ec2, kms=self.kms, region="ap-northeast-2")
        said = key_problem(template, ME, cast(Clients, clients), new=new)
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()
        return said


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.mark.parametrize("template", [INSTANCE, GROUP])
@pytest.mark.parametrize(
    "key", ["alias/aws/ebs", "arn:aws:kms:ap-northeast-2:123456789012:alias/aws/ebs"]
)
def test_with_awss_own_key_there_is_nothing_to_say(aws: Aws, template: str, key: str) -> None:
    aws.key(key)
    assert aws.problem(template) == ""


def test_a_group_without_a_grant_gets_the_command_that_gives_it(aws: Aws) -> None:
    aws.key()
    aws.grants()
    aws.policy("arn:aws:iam::123456789012:root")
    said = aws.problem(GROUP, new=False)
    assert "no host starts (Client.InternalError)" in said
    words = said.partition("aws kms create-grant ")[2].split()
    assert words[:6] == ["--region", "ap-northeast-2", "--key-id", KEY, "--grantee-principal", AS]
    # KMS knows each of them.
    known: Any = aws.kms.meta.service_model.shape_for("GrantOperation")
    assert words[6] == "--operations"
    assert set(words[7:]) < set(known.enum)


def test_a_grant_for_something_else_is_none(aws: Aws) -> None:
    aws.key()
    aws.grants("Encrypt")
    aws.policy()
    assert aws.problem(GROUP)


def test_a_grant_is_enough(aws: Aws) -> None:
    aws.key()
    aws.grants("CreateGrant", "Decrypt", "DescribeKey")
    assert aws.problem(GROUP) == ""


@pytest.mark.parametrize("denied", [False, True])
def test_a_key_policy_that_names_the_role_is_enough(aws: Aws, denied: bool) -> None:
    aws.key()
    if denied:
        aws.denies("kms", "list_grants")
    else:
        aws.grants()
    aws.policy(AS)
    assert aws.problem(GROUP) == ""


def test_what_cannot_be_looked_at_is_not_taken_for_a_grant(aws: Aws) -> None:
    aws.key()
    aws.denies("kms", "list_grants")
    aws.denies("kms", "get_key_policy")
    assert "nothing shows that Auto Scaling may use it" in aws.problem(GROUP)


def test_a_new_instance_needs_whoever_deploys_to_use_the_key(aws: Aws) -> None:
    aws.key()
    assert "allow whoever deploys kms:CreateGrant" in aws.problem(INSTANCE)


def test_an_instance_that_is_there_has_its_disk(aws: Aws) -> None:
    assert aws.problem(INSTANCE, new=False) == ""


def test_a_template_without_a_host_has_no_disk(aws: Aws) -> None:
    assert aws.problem("Resources: {}") == ""


@pytest.mark.parametrize(
    ("code", "new", "said"),
    [
        ("UnauthorizedOperation", True, "ec2:GetEbsDefaultKmsKeyId is denied"),
        ("UnauthorizedOperation", False, ""),
        ("InternalError", True, ""),
    ],
)
def test_without_permission_only_a_new_stack_is_spoken_of(
    aws: Aws, code: str, new: bool, said: str
) -> None:
    aws.denies("ec2", "get_ebs_default_kms_key_id", code)
    told = aws.problem(GROUP, new=new)
    assert said in told
    assert bool(told) == bool(said)
