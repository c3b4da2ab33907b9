"""A name for the fixed address."""

from troposphere import Ref, Template, route53

from cfgen.template.design import Design

TTL_SECONDS = 300


def add(template: Template, design: Design) -> None:
    """Add a record to a hosted zone that is there already, if a name is wanted."""
    dns = design.config.dns
    if not dns.name:
        return
    template.add_resource(
        route53.RecordSetType(
            "AddressRecord",
            HostedZoneId=dns.zone_id,
            Name=dns.name,
            Type="A",
            TTL=str(TTL_SECONDS),
            ResourceRecords=[Ref("Address")],
        )
    )
