"""The template: a configuration and a plan in, CloudFormation out. Pure.

A module a layer of the drawing, each with an ``add`` that puts its resources into the template::

    network.py     VPC, subnet, routes, security group, flow logs
    access.py      the host's role and what it may do
    secret.py      the broker's keys: an empty secret
    host.py        the instance, its bootstrap and its logs
    group.py       for Spot: a group of one in the instance's place
    address.py     the Elastic IP              dns.py      its name
    schedule.py    market hours
    monitoring.py  topic, metrics and alarms   budget.py   the account's bill
    backup.py      the bucket for what the bot writes
    parameters.py  what a deploy may set        outputs.py  what a person needs next

``build.py`` puts them together, ``render.py`` writes the result. Layers name each other's
resources by logical id; cfn-lint checks that each name exists.
"""
