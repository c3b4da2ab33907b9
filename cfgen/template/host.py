"""The host, its bootstrap and its logs: an instance, or for Spot a group of exactly one.

What both have in common stands here; ``group.py`` has what a group has besides.
"""

from typing import Any

from troposphere import Base64, If, NoValue, Ref, Sub, Tags, Template, cloudformation, ec2, logs
from troposphere.policies import CreationPolicy, ResourceSignal

from cfgen.host.render import SCRIPTS, host_files, steps, user_data
from cfgen.template import group
from cfgen.template.design import Design
from cfgen.template.network import further_zones, subnet_of
from cfgen.template.parameters import image

SIGNAL_TIMEOUT = "PT30M"
"""On standard credits, of which T3 and T4g get none at launch, a first boot is that slow."""

NETWORK = ("DefaultRoute", "SubnetRoutes")
"""What a host must come after: without a way out the bootstrap could fetch nothing."""


def add(template: Template, design: Design) -> None:
    """Add the log groups and the host."""
    for name in ("BotLogGroup", "HostLogGroup"):
        template.add_resource(
            logs.LogGroup(
                name,
                RetentionInDays=design.config.monitoring.log_retention_days,
                DeletionPolicy="Retain",
                UpdateReplacePolicy="Retain",
            )
        )
    policy = CreationPolicy(ResourceSignal=ResourceSignal(Count=1, Timeout=SIGNAL_TIMEOUT))
    routes = [*NETWORK, *(f"{subnet_of(zone)}Routes" for zone in further_zones(design))]
    common = {"DependsOn": routes, "CreationPolicy": policy, "Metadata": _init(design)}
    if design.is_group:
        group.add(template, design, _machine(design), common)
    else:
        template.add_resource(_instance(design, common))


def _instance(design: Design, common: dict[str, Any]) -> ec2.Instance:
    return ec2.Instance(
        design.host,
        InstanceType=design.plan.instance_type,
        ImageId=image(0),
        SubnetId=Ref("PublicSubnet"),
        IamInstanceProfile=Ref("HostProfile"),
        PropagateTagsToVolumeOnCreation=True,
        Tags=Tags(Name=Ref("AWS::StackName")),
        **_machine(design),
        **common,
    )


def _machine(design: Design) -> dict[str, Any]:
    """Properties that an instance and a launch template share; CloudFormation types them apart."""
    host = design.config.host
    if design.is_group:
        mapping, disk = ec2.LaunchTemplateBlockDeviceMapping, ec2.EBSBlockDevice
        cpu = ec2.LaunchTemplateCreditSpecification(CpuCredits=host.credits)
    else:
        mapping, disk = ec2.BlockDeviceMapping, ec2.EbsBlockDevice
        cpu = ec2.CreditSpecification(CPUCredits=host.credits)
    volume = disk(
        DeleteOnTermination=True, Encrypted=True, VolumeSize=host.disk_gib, VolumeType="gp3"
    )
    return {
        "KeyName": If("HasKey", Ref("KeyName"), NoValue),
        "SecurityGroupIds": [Ref("SecurityGroup")],
        "MetadataOptions": ec2.MetadataOptions(
            HttpEndpoint="enabled", HttpPutResponseHopLimit=1, HttpTokens="required"
        ),
        "BlockDeviceMappings": [mapping(DeviceName="/dev/xvda", Ebs=volume)],
        "UserData": Base64(Sub(user_data(design.plan))),
        **({"CreditSpecification": cpu} if design.plan.burstable else {}),
    }


def _init(design: Design) -> cloudformation.Metadata:
    """What cfn-init does, as root, whose the files therefore are."""
    files = {
        file.path: cloudformation.InitFile(
            content=Sub(file.text) if file.substituted else file.text,
            mode=f"00{file.mode}",
        )
        for file in host_files(design.config, design.plan, design.year)
    }
    commands = {
        f"{number:02d}0-{step}": {"command": f"{SCRIPTS}/bootstrap {step}"}
        for number, step in enumerate(steps(design.config, design.plan), start=1)
    }
    return cloudformation.Metadata(
        cloudformation.Init(
            {
                "config": cloudformation.InitConfig(
                    files=cloudformation.InitFiles(files), commands=commands
                )
            }
        )
    )
