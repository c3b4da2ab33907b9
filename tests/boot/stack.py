"""A stack as its host meets it: the template's own user data and metadata, with AWS's side made."""

import json
from collections.abc import Mapping
from copy import copy
from typing import Any

from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.host.render import HOSTS
from cfgen.lock import LockedPlan
from templates_out.generate import PRICES
from tests.boot.cloud import ACCOUNT, REGION, Cloud
from tests.cloudformation.template import Template

SOURCE = "https://git.example.com/trading/bot.git"
KEYS = {
    "KIS_PAPER_APP_KEY": "canary-app-key-8c1f",
    "KIS_PAPER_APP_SECRET": "canary-app-secret-52d0",
    "KIS_PAPER_STOCK": "12345678",
}


class Stack:
    """A stack called ``name`` of the template for ``settings``, tables as in cfgen.toml."""

    def __init__(
        self,
        cloud: Cloud,
        name: str,
        settings: Mapping[str, Any],
        keys: Mapping[str, str] | None = KEYS,
        source: str = f"{SOURCE}@v1.2.0",
    ) -> None:
        self.cloud = cloud
        self.name = name
        self._source = source
        self._ids: dict[str, str] = {}
        self.first_reports: tuple[dict[str, Any], ...] = ()
        """What its host said of itself in its first boot."""

        self._template = self._built(settings)
        self.topic = self._make_resources(keys)
        self.use()

    def younger(self, cloud: Cloud) -> "Stack":
        """The same stack as a host sees it that is launched now."""
        other = copy(self)
        other.cloud = cloud
        other.instance_id = other.launch()
        other.use()
        return other

    @property
    def user_data(self) -> str:
        """The script that the host's first boot runs."""
        found: Any = self._machine["UserData"]
        return str(self._resolved(found["Fn::Base64"]))

    def use(self) -> None:
        """Have the cloud answer for this stack and its host."""
        self.cloud.instance_id = self.instance_id
        self.cloud.resources = {self.host: self.metadata}
        self.cloud.notice = ""
        self.cloud.signals.clear()
        self.cloud.calls.clear()
        self.cloud.reports.clear()
        self.cloud.broken.clear()

    @property
    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = self._resolved(
            self._template.body["Resources"][self.host]["Metadata"]
        )
        return found

    def change(self, settings: Mapping[str, Any], source: str = "") -> None:
        """Update the stack: other metadata, the same resources."""
        self._source = source or self._source
        self._template = self._built(settings)
        self.cloud.resources = {self.host: self.metadata}

    def store(self, keys: Mapping[str, str]) -> None:
        """Put the broker's keys into the secret."""
        self.cloud.client("secretsmanager").put_secret_value(
            SecretId=self._ids["KisSecret"], SecretString=json.dumps(dict(keys))
        )

    def empty_bucket(self) -> None:
        s3 = self.cloud.client("s3")
        for entry in s3.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            s3.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def saved(self) -> bool:
        """Whether the state's bucket holds anything."""
        return "Contents" in self.cloud.client("s3").list_objects_v2(Bucket=self.bucket)

    @property
    def bucket(self) -> str:
        return self._ids["StateBucket"]

    @property
    def messages(self) -> list[tuple[str, str]]:
        return self.cloud.messages(self.topic)

    @property
    def _machine(self) -> dict[str, Any]:
        resources = self._template.body["Resources"]
        properties: dict[str, Any] = resources[self.host]["Properties"]
        if "UserData" in properties:
            return properties
        [first, *_] = [
            one for one in resources.values() if one["Type"] == "AWS::EC2::LaunchTemplate"
        ]
        data: dict[str, Any] = first["Properties"]["LaunchTemplateData"]
        return data

    def _built(self, settings: Mapping[str, Any]) -> Template:
        config = make_config(json.loads(json.dumps(settings)), "tests/boot")
        found = pipeline.recommend(config, PRICES)
        assert found.recommended is not None
        plan = LockedPlan.of(found.recommended, found)
        self.host = HOSTS[plan.shape]
        text = pipeline.build(config, plan, PRICES.now.year)
        arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.name}/1"
        template = Template(text, {}, arn, "ami-0123456789abcdef0")
        for parameter, declared in template.declared.items():
            template.names[parameter] = declared.get("Default", "")
        if "AppSource" in template.declared:
            template.names["AppSource"] = self._source
        return template

    def _resolved(self, value: Any) -> Any:
        return self._template.resolve(value, self._ids)

    def _make_resources(self, keys: Mapping[str, str] | None) -> str:
        """Make what the host speaks to, and give the topic's ARN."""
        client = self.cloud.client
        for logical_id, entry in self._template.body["Resources"].items():
            made = f"{self.name}-{logical_id}".lower()
            match entry["Type"]:
                case "AWS::SecretsManager::Secret":
                    made = client("secretsmanager").create_secret(Name=f"{self.name}/kis-api")[
                        "ARN"
                    ]
                case "AWS::SNS::Topic":
                    made = client("sns").create_topic(Name=made)["TopicArn"]
                case "AWS::Logs::LogGroup":
                    client("logs").create_log_group(logGroupName=made)
                case "AWS::S3::Bucket":
                    place = {"LocationConstraint": REGION}
                    client("s3").create_bucket(Bucket=made, CreateBucketConfiguration=place)
                case "AWS::EC2::EIP":
                    made = client("ec2").allocate_address(Domain="vpc")["AllocationId"]
                case "AWS::SSM::Parameter":
                    value = entry["Properties"]["Value"]
                    client("ssm").put_parameter(Name=made, Type="String", Value=value)
            self._ids[logical_id] = made
        if keys is not None:
            self.store(keys)
        self.instance_id = self.launch()
        return self._ids["AlertTopic"]

    def launch(self) -> str:
        """Have EC2 know of a host of this stack; gives its id."""
        tags = [
            {"Key": "Name", "Value": self.name},
            {"Key": "aws:cloudformation:stack-name", "Value": self.name},
        ]
        ran = self.cloud.client("ec2").run_instances(
            ImageId="ami-0123456789abcdef0",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        made: str = ran["Instances"][0]["InstanceId"]
        return made
