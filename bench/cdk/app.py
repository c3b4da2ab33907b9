"""The same machine as ``cfgen build``'s defaults, as a CDK app: what ``cdk synth`` is timed on.

It lacks the bootstrap's files, so it does less than the template it is compared with.
"""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

app = cdk.App()
stack = cdk.Stack(app, "TradingBot")
vpc = ec2.Vpc(
    stack,
    "Vpc",
    ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/16"),
    max_azs=1,
    nat_gateways=0,
    restrict_default_security_group=False,
    subnet_configuration=[
        ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24)
    ],
    flow_logs={"Log": ec2.FlowLogOptions()},
)
group = ec2.SecurityGroup(stack, "SecurityGroup", vpc=vpc, allow_all_outbound=False)
for port in (443, 9443, 29443, 21000, 31000):
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port))
secret = secretsmanager.Secret(stack, "KisSecret", secret_name="trading-bot/kis-api")
role = iam.Role(
    stack,
    "HostRole",
    assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
    managed_policies=[
        iam.ManagedPolicy.from_aws_managed_policy_name(name)
        for name in ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
    ],
)
secret.grant_read(role)
host = ec2.Instance(
    stack,
    "Host",
    vpc=vpc,
    instance_type=ec2.InstanceType("t4g.micro"),
    machine_image=ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64),
    security_group=group,
    role=role,
    require_imdsv2=True,
    block_devices=[
        ec2.BlockDevice(
            device_name="/dev/xvda",
            volume=ec2.BlockDeviceVolume.ebs(
                8, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3
            ),
        )
    ],
)
address = ec2.CfnEIP(stack, "Address")
ec2.CfnEIPAssociation(
    stack,
    "AddressAssociation",
    allocation_id=address.attr_allocation_id,
    instance_id=host.instance_id,
)
logs.LogGroup(stack, "BotLogGroup", retention=logs.RetentionDays.ONE_MONTH)
topic = sns.Topic(stack, "AlertTopic")
for metric in ("CPUUtilization", "StatusCheckFailed_System", "StatusCheckFailed_Instance"):
    cloudwatch.Alarm(
        stack,
        metric,
        metric=cloudwatch.Metric(
            namespace="AWS/EC2",
            metric_name=metric,
            dimensions_map={"InstanceId": host.instance_id},
        ),
        threshold=80 if metric == "CPUUtilization" else 0,
        evaluation_periods=2,
    ).add_alarm_action(actions.SnsAction(topic))
app.synth()
