"""A VPC with one public subnet, no NAT, no open port, and the broker's ports outward."""

from awacs import logs as logs_actions
from troposphere import GetAtt, If, NoValue, Ref, Sub, Tags, Template, ec2, iam, logs

from cfgen.template.design import Design
from cfgen.template.policies import allow, policy, trust, write_logs

EGRESS = (
    (443, "AWS, package and git servers"),
    (9443, "Broker REST, real account"),
    (29443, "Broker REST, demo account"),
    (21000, "Broker WebSocket, real account"),
    (31000, "Broker WebSocket, demo account"),
)
"""TCP ports that the host may reach. DNS and time go to link-local addresses, which security
groups do not filter (Amazon VPC User Guide, "Security groups")."""

FLOW_LOG_DAYS = 7
NAME = Tags(Name=Ref("AWS::StackName"))


def add(template: Template, design: Design) -> None:
    """Add the network and, if wanted, its flow logs."""
    network = design.config.network
    resources = [
        ec2.VPC(
            "Vpc",
            CidrBlock=network.vpc_cidr,
            EnableDnsHostnames=True,
            EnableDnsSupport=True,
            Tags=NAME,
        ),
        ec2.InternetGateway("InternetGateway", Tags=NAME),
        ec2.VPCGatewayAttachment(
            "GatewayAttachment", VpcId=Ref("Vpc"), InternetGatewayId=Ref("InternetGateway")
        ),
        ec2.Subnet(
            "PublicSubnet",
            VpcId=Ref("Vpc"),
            CidrBlock=network.subnet_cidr,
            AvailabilityZoneId=If("HasZone", Ref("AvailabilityZoneId"), NoValue),
            # The host's way out until it has its fixed address, and for good if it gets none.
            MapPublicIpOnLaunch=True,
            Tags=NAME,
        ),
        ec2.RouteTable("RouteTable", VpcId=Ref("Vpc"), Tags=NAME),
        ec2.Route(
            "DefaultRoute",
            RouteTableId=Ref("RouteTable"),
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=Ref("InternetGateway"),
            DependsOn="GatewayAttachment",
        ),
        ec2.SubnetRouteTableAssociation(
            "SubnetRoutes", SubnetId=Ref("PublicSubnet"), RouteTableId=Ref("RouteTable")
        ),
        _security_group(design),
    ]
    for resource in resources:
        template.add_resource(resource)
    if network.flow_logs:
        _add_flow_logs(template)


def _security_group(design: Design) -> ec2.SecurityGroup:
    config = design.config
    ingress = [(22, cidr, "SSH") for cidr in config.network.ssh_cidrs]
    if config.dashboard.enabled:
        ingress += [(config.dashboard.port, cidr, "Dashboard") for cidr in config.dashboard.cidrs]
    return ec2.SecurityGroup(
        "SecurityGroup",
        GroupDescription="Trading bot: ports of the broker outward, inward only what is named",
        VpcId=Ref("Vpc"),
        SecurityGroupEgress=[_rule(port, "0.0.0.0/0", text) for port, text in EGRESS],
        Tags=NAME,
        **({"SecurityGroupIngress": [_rule(*rule) for rule in ingress]} if ingress else {}),
    )


def _rule(port: int, cidr: str, description: str) -> ec2.SecurityGroupRule:
    return ec2.SecurityGroupRule(
        CidrIp=cidr, Description=description, FromPort=port, IpProtocol="tcp", ToPort=port
    )


def _add_flow_logs(template: Template) -> None:
    # Statements of the VPC User Guide's "IAM role for publishing flow logs to CloudWatch Logs",
    # without CreateLogGroup: the group is ours.
    lists = allow(
        Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"),
        logs_actions.DescribeLogGroups,
    )
    template.add_resource(
        logs.LogGroup(
            "FlowLogGroup",
            RetentionInDays=FLOW_LOG_DAYS,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )
    template.add_resource(
        iam.Role(
            "FlowLogRole",
            AssumeRolePolicyDocument=trust("vpc-flow-logs", own_account=True),
            Policies=[policy("write-flow-logs", write_logs("FlowLogGroup"), lists)],
        )
    )
    template.add_resource(
        ec2.FlowLog(
            "FlowLog",
            DeliverLogsPermissionArn=GetAtt("FlowLogRole", "Arn"),
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref("FlowLogGroup"),
            MaxAggregationInterval=600,
            ResourceId=Ref("Vpc"),
            ResourceType="VPC",
            TrafficType="ALL",
            Tags=NAME,
        )
    )
