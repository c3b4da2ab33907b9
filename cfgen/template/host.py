"""The instance, its bootstrap and its logs."""

from troposphere import Base64, If, NoValue, Ref, Sub, Tags, Template, cloudformation, ec2, logs
from troposphere.policies import CreationPolicy, ResourceSignal

from cfgen.host.render import SCRIPTS, host_files, user_data
from cfgen.template.design import Design

STEPS = ("idle", "swap", "packages", "timezone", "user", "agent", "app", "units")
"""Steps of ``cfgen/host/scripts/bootstrap``, in order: swap before dnf, which needs the memory; the
agent before the app, so that the log of a failure leaves the host."""

SIGNAL_TIMEOUT = "PT30M"
"""Standard credits have no launch credits: a first boot runs near the baseline."""


def add(template: Template, design: Design) -> None:
    """Add the log groups and the instance."""
    config, plan = design.config, design.plan
    for name in ("BotLogGroup", "HostLogGroup"):
        template.add_resource(
            logs.LogGroup(
                name,
                RetentionInDays=config.monitoring.log_retention_days,
                DeletionPolicy="Retain",
                UpdateReplacePolicy="Retain",
            )
        )
    burstable = (
        {"CreditSpecification": ec2.CreditSpecification(CPUCredits=config.host.credits)}
        if plan.burstable
        else {}
    )
    template.add_resource(
        ec2.Instance(
            "Host",
            # Without a way out the bootstrap could fetch nothing.
            DependsOn=["DefaultRoute", "SubnetRoutes"],
            CreationPolicy=CreationPolicy(
                ResourceSignal=ResourceSignal(Count=1, Timeout=SIGNAL_TIMEOUT)
            ),
            Metadata=_init(design),
            InstanceType=plan.instance_type,
            ImageId=If("HasImage", Ref("ImageId"), Ref("LatestImageId")),
            KeyName=If("HasKey", Ref("KeyName"), NoValue),
            SubnetId=Ref("PublicSubnet"),
            SecurityGroupIds=[Ref("SecurityGroup")],
            IamInstanceProfile=Ref("HostProfile"),
            MetadataOptions=ec2.MetadataOptions(
                HttpEndpoint="enabled", HttpPutResponseHopLimit=1, HttpTokens="required"
            ),
            BlockDeviceMappings=[
                ec2.BlockDeviceMapping(
                    DeviceName="/dev/xvda",
                    Ebs=ec2.EbsBlockDevice(
                        DeleteOnTermination=True,
                        Encrypted=True,
                        VolumeSize=config.host.disk_gib,
                        VolumeType="gp3",
                    ),
                )
            ],
            PropagateTagsToVolumeOnCreation=True,
            UserData=Base64(Sub(user_data())),
            Tags=Tags(Name=Ref("AWS::StackName")),
            **burstable,
        )
    )


def _init(design: Design) -> cloudformation.Metadata:
    files = {
        file.path: cloudformation.InitFile(
            content=Sub(file.text) if file.substituted else file.text,
            mode=f"00{file.mode}",
            owner="root",
            group="root",
        )
        for file in host_files(design.config, design.year)
    }
    commands = {
        f"{number}0-{step}": {"command": f"{SCRIPTS}/bootstrap {step}"}
        for number, step in enumerate(STEPS, start=1)
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
