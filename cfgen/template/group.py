"""Spot's host: an Auto Scaling group of exactly one.

A persistent Spot request behind an instance outlives its stack: EC2 starts hosts that nobody
manages and somebody pays for. A group ends with its stack, puts another host in the place of one
that EC2 took back, and takes whichever of its types EC2 has to spare.
"""

from typing import Any

from troposphere import GetAtt, Ref, Tags, Template, autoscaling, ec2
from troposphere.policies import (
    AutoScalingRollingUpdate,
    AutoScalingScheduledAction,
    UpdatePolicy,
)

from cfgen.lock import Candidate
from cfgen.template.design import Design
from cfgen.template.network import subnets
from cfgen.template.parameters import image

REPLACE_TIMEOUT = "PT30M"

SUSPENDED = (
    "AZRebalance",
    "AlarmNotification",
    "HealthCheck",
    "ReplaceUnhealthy",
    "ScheduledActions",
)
"""What must not interfere while CloudFormation replaces the host (AWS re:Post, on rolling
updates of Auto Scaling groups)."""


def add(
    template: Template, design: Design, machine: dict[str, Any], common: dict[str, Any]
) -> None:
    """Add the group and a launch template for each architecture.

    ``machine`` are the properties of a host, ``common`` the attributes of what runs it.
    """
    plan = design.plan
    candidates = plan.candidates or (Candidate(plan.instance_type, plan.arch),)
    names = {arch: f"LaunchTemplate{TITLES[arch]}" for arch in plan.architectures}
    for index, name in enumerate(names.values()):
        template.add_resource(_launch_template(name, index, machine))
    market = plan.hours == "market"
    template.add_resource(
        autoscaling.AutoScalingGroup(
            design.host,
            MinSize="0" if market else "1",
            MaxSize="1",
            DesiredCapacity="1",
            # Every zone that has its types: they cost nothing, and each may have capacity to spare.
            VPCZoneIdentifier=subnets(design),
            # It would start a second host, and with it a second bot, before the first has gone.
            CapacityRebalance=False,
            HealthCheckType="EC2",
            MixedInstancesPolicy=autoscaling.MixedInstancesPolicy(
                InstancesDistribution=autoscaling.InstancesDistribution(
                    OnDemandBaseCapacity=0,
                    OnDemandPercentageAboveBaseCapacity=0,
                    SpotAllocationStrategy="price-capacity-optimized",
                ),
                LaunchTemplate=autoscaling.LaunchTemplate(
                    LaunchTemplateSpecification=_version(names[plan.arch]),
                    Overrides=[
                        autoscaling.LaunchTemplateOverrides(
                            InstanceType=one.instance_type,
                            LaunchTemplateSpecification=_version(names[one.arch]),
                        )
                        for one in candidates
                    ],
                ),
            ),
            NotificationConfigurations=[
                autoscaling.NotificationConfigurations(
                    TopicARN=Ref("AlertTopic"),
                    # No capacity at the opening, above all.
                    NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH_ERROR"],
                )
            ],
            Tags=autoscaling.Tags(Name=Ref("AWS::StackName")),
            UpdatePolicy=UpdatePolicy(
                AutoScalingRollingUpdate=AutoScalingRollingUpdate(
                    # The old host goes before the new one comes: never two bots.
                    MaxBatchSize=1,
                    MinInstancesInService=0,
                    PauseTime=REPLACE_TIMEOUT,
                    SuspendProcesses=list(SUSPENDED),
                    WaitOnResourceSignals=True,
                ),
                # What the schedule set stays: an update at night starts no host.
                AutoScalingScheduledAction=AutoScalingScheduledAction(
                    IgnoreUnmodifiedGroupSizeProperties=True
                ),
            ),
            **common,
        )
    )


TITLES = {"arm64": "Arm", "x86_64": "X86"}


def _launch_template(name: str, index: int, machine: dict[str, Any]) -> ec2.LaunchTemplate:
    tags = Tags(Name=Ref("AWS::StackName"))
    return ec2.LaunchTemplate(
        name,
        LaunchTemplateData=ec2.LaunchTemplateData(
            ImageId=image(index),
            IamInstanceProfile=ec2.IamInstanceProfile(Arn=GetAtt("HostProfile", "Arn")),
            TagSpecifications=[
                ec2.TagSpecifications(ResourceType=kind, Tags=tags)
                # The address is taken by hosts with this name only.
                for kind in ("instance", "network-interface", "volume")
            ],
            **machine,
        ),
        TagSpecifications=[ec2.TagSpecifications(ResourceType="launch-template", Tags=tags)],
    )


def _version(name: str) -> autoscaling.LaunchTemplateSpecification:
    return autoscaling.LaunchTemplateSpecification(
        LaunchTemplateId=Ref(name), Version=GetAtt(name, "LatestVersionNumber")
    )
