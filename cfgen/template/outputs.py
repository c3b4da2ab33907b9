"""What a person needs next."""

from troposphere import AWSHelperFn, GetAtt, Output, Ref, Sub, Template

from cfgen.template.design import Design
from cfgen.template.parameters import IMAGES, image


def add(template: Template, design: Design) -> None:
    """Add the outputs; none of them holds a key."""
    config = design.config
    target = f'"$({_MEMBER})"' if design.is_group else "${Host}"
    fixed = config.network.elastic_ip
    if design.is_group:
        _add(template, "GroupName", "The group that the host belongs to", Ref(design.host))
    else:
        _add(template, "InstanceId", "The host", Ref(design.host))
    if fixed or not design.is_group:
        _add(
            template,
            "PublicAddress",
            "The host's fixed address" if fixed else "The host's address, until it is stopped",
            Ref("Address") if fixed else GetAtt(design.host, "PublicIp"),
        )
    _add(
        template,
        "StoreKeysCommand",
        "First of all: put the broker's keys, a JSON object in keys.json, into the secret",
        Sub(
            "aws secretsmanager put-secret-value --region ${AWS::Region} --secret-id ${KisSecret}"
            " --secret-string file://keys.json"
        ),
    )
    _add(
        template,
        "ConnectCommand",
        "A shell on the host, without an open port",
        Sub(f"aws ssm start-session --region ${{AWS::Region}} --target {target}"),
    )
    _add(
        template,
        "LogCommand",
        "The logs of bot and dashboard, as they come",
        Sub("aws logs tail ${BotLogGroup} --region ${AWS::Region} --follow"),
    )
    _add(
        template,
        "HostLogCommand",
        "The logs of the bootstrap, the updates and the loading of the keys",
        Sub("aws logs tail ${HostLogGroup} --region ${AWS::Region} --follow"),
    )
    if config.dashboard.enabled:
        ports = f'{{"portNumber":["{config.dashboard.port}"],"localPortNumber":["5001"]}}'
        _add(
            template,
            "DashboardCommand",
            "The dashboard, on http://localhost:5001 while the command runs",
            Sub(
                f"aws ssm start-session --region ${{AWS::Region}} --target {target}"
                f" --document-name AWS-StartPortForwardingSession --parameters '{ports}'"
            ),
        )
    for index, arch in enumerate(design.plan.architectures):
        name = IMAGES[index][1].removesuffix("Id")
        _add(template, name, f"The machine image of {arch} that new hosts get", image(index))
    if design.keeps_state:
        _add(template, "StateBucketName", "What the bot wrote; it stays when the stack goes",
             Ref("StateBucket"))  # fmt: skip
    _add(template, "AlertTopicArn", "The topic that alarms are sent to", Ref("AlertTopic"))


_MEMBER = (
    "aws autoscaling describe-auto-scaling-groups --region ${AWS::Region}"
    " --auto-scaling-group-names ${HostGroup}"
    " --query 'AutoScalingGroups[0].Instances[0].InstanceId' --output text"
)
"""Prints the id of the group's one host."""


def _add(template: Template, name: str, description: str, value: AWSHelperFn) -> None:
    template.add_output(Output(name, Description=description, Value=value))
