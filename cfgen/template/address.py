"""The fixed public address."""

from troposphere import GetAtt, Ref, Tags, Template, ec2

from cfgen.template.design import Design


def add(template: Template, design: Design) -> None:
    """Add an Elastic IP, if one is wanted. A group's host takes it by itself."""
    if not design.config.network.elastic_ip:
        return
    template.add_resource(
        ec2.EIP(
            "Address",
            Domain="vpc",
            DependsOn="GatewayAttachment",
            Tags=Tags(Name=Ref("AWS::StackName")),
        )
    )
    if design.takes_address:
        return
    template.add_resource(
        ec2.EIPAssociation(
            "AddressAssociation",
            AllocationId=GetAtt("Address", "AllocationId"),
            InstanceId=Ref("Host"),
        )
    )
