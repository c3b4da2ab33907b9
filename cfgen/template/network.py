"""A VPC with one public subnet, no NAT, no open port, and the broker's ports outward."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from awacs import logs as logs_actions
from troposphere import (
    AWSHelperFn,
    AWSObject,
    GetAtt,
    If,
    NoValue,
    Ref,
    Sub,
    Tags,
    Template,
    ec2,
    iam,
    logs,
)

from cfgen.errors import ConfigError
from cfgen.lock import ZONE
from cfgen.template.design import Design
from cfgen.template.policies import allow, allow_all, policy, trust

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
        _subnet("PublicSubnet", network.subnet_cidr, Ref("AvailabilityZoneId")),
        ec2.RouteTable("RouteTable", VpcId=Ref("Vpc"), Tags=NAME),
        ec2.Route(
            "DefaultRoute",
            RouteTableId=Ref("RouteTable"),
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=Ref("InternetGateway"),
            DependsOn="GatewayAttachment",
        ),
        _routes("SubnetRoutes", "PublicSubnet"),
        *_further_subnets(design),
        _security_group(design),
    ]
    for resource in resources:
        template.add_resource(resource)
    if network.flow_logs:
        _add_flow_logs(template)


def _subnet(name: str, cidr: str, zone: AWSHelperFn | str) -> ec2.Subnet:
    return ec2.Subnet(
        name,
        VpcId=Ref("Vpc"),
        CidrBlock=cidr,
        # Without the parameter AWS chooses them all: that goes in every region.
        AvailabilityZoneId=If("HasZone", zone, NoValue),
        # The host's way out until it has its fixed address, and for good if it gets none.
        MapPublicIpOnLaunch=True,
        Tags=NAME,
    )


def _routes(name: str, subnet: str) -> ec2.SubnetRouteTableAssociation:
    return ec2.SubnetRouteTableAssociation(
        name, SubnetId=Ref(subnet), RouteTableId=Ref("RouteTable")
    )


def _further_subnets(design: Design) -> Iterator[AWSObject]:
    """One in each further zone of a group."""
    for zone, cidr in further_zones(design).items():
        yield _subnet(subnet_of(zone), cidr, zone)
        yield _routes(f"{subnet_of(zone)}Routes", subnet_of(zone))


def subnets(design: Design) -> list[AWSHelperFn]:
    """The subnets that a group starts its host in."""
    return [Ref("PublicSubnet"), *(Ref(subnet_of(zone)) for zone in further_zones(design))]


def subnet_of(zone: str) -> str:
    """The logical id of a further zone's subnet: the zone's own for ever, whatever others come."""
    return f"PublicSubnetAz{_number(zone)}"


def further_zones(design: Design) -> dict[str, str]:
    """Zone ids of a group beside that of the first subnet, each with its address range.

    The ranges follow on the first one's, in the order of the zones' numbers: which one a zone has
    depends on no other zone. Raises :class:`ConfigError`, naming the key and not the file, where
    the VPC has no room for them.
    """
    network = design.config.network
    first, vpc = IPv4Network(network.subnet_cidr), IPv4Network(network.vpc_cidr)
    zones = [zone for zone in design.plan.zones if zone != design.first_zone]
    size = 1 << (32 - first.prefixlen)
    found = {}
    for zone in zones:
        start = int(first.network_address) + _number(zone) * size
        if start + size > int(vpc.broadcast_address) + 1:
            raise ConfigError(
                f"network.subnet_cidr: {first} leaves no room in network.vpc_cidr {vpc} for a "
                f"subnet of the same size in each zone that a Spot host may start in, up to {zone}",
                "name a smaller or earlier one, such as 10.0.1.0/24 in 10.0.0.0/16; or stay on "
                'demand (workload.max_interruption = "none")',
            )
        found[zone] = str(IPv4Network((start, first.prefixlen)))
    return found


def _number(zone: str) -> int:
    match = ZONE.fullmatch(zone)
    if match is None:
        raise ValueError(f"{zone} is no id of a zone")
    return int(match[1])


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
    writes = allow_all(
        ("FlowLogGroup",),
        logs_actions.CreateLogStream,
        logs_actions.DescribeLogStreams,
        logs_actions.PutLogEvents,
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
            Policies=[policy("write-flow-logs", writes, lists)],
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
