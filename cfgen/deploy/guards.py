"""What must not happen unasked. Pure."""

import re
from collections.abc import Collection
from datetime import datetime

from cfgen.deploy.changeset import Change
from cfgen.errors import Refused

PROTECTED = {
    "AWS::EC2::Instance": "the host",
    "AWS::AutoScaling::AutoScalingGroup": "the host's group",
    "AWS::EC2::EIP": "its address",
    "AWS::SecretsManager::Secret": "the secret",
    "AWS::S3::Bucket": "the bucket",
}
"""Types whose loss costs more than a deploy."""


FATES = {"Remove": "would be removed", "Dynamic": "would change in a way known only then"}


def check_account(account: str, allowed: Collection[str], config: str = "cfgen.toml") -> None:
    """Raise :class:`Refused` for an account that is not on the list; an empty list allows any.

    ``config`` is the file that the list stands in.
    """
    if allowed and account not in allowed:
        raise Refused(
            f"account {account} is not among stack.allowed_accounts ({', '.join(allowed)})",
            f"choose another --profile, or add the account to it in {config}",
        )


MODE = re.compile(r"Trading bot \((demo|real)\) ")
"""How the description of a template of ``build`` begins, and with it that of its stack."""


def mode_change(before: str, after: str) -> str:
    """What to say where the bot of a stack moves to another kind of account, by its descriptions.

    Empty where it does not, or one of them is not of ``build``.
    """
    old, new = (MODE.match(one) for one in (before, after))
    if not (old and new) or old[1] == new[1]:
        return ""
    return (
        f"this stack runs the bot on a {old[1]} account until now, and on a {new[1]} one from now "
        "on (bot.mode): is it the right stack?"
    )


def check_replacements(changes: Collection[Change], allowed: Collection[str]) -> None:
    """Raise :class:`Refused` if something protected may be lost that is not in ``allowed``."""
    lost = [
        change
        for change in changes
        if change.may_destroy
        and change.resource_type in PROTECTED
        and change.logical_id not in allowed
    ]
    if lost:
        what = "; ".join(
            f"{change.logical_id} ({PROTECTED[change.resource_type]}) "
            f"{FATES.get(change.action) or _replaced(change)}"
            for change in lost
        )
        flags = " ".join(f"--allow-replace {change.logical_id}" for change in lost)
        raise Refused(what, f"if that is wanted, add {flags}")


def check_subnet(changes: Collection[Change]) -> None:
    """Raise :class:`Refused` for a subnet replaced in its own range: the new one would conflict."""
    for change in changes:
        if (
            change.resource_type == "AWS::EC2::Subnet"
            and change.replacement == "True"
            and "CidrBlock" not in change.because
        ):
            raise Refused(
                f"{change.logical_id} {_replaced(change)}, in the address range that it has now",
                "set another network.subnet_cidr as well, or keep the zone that the stack has: "
                "--parameter AvailabilityZoneId=ID",
            )


HOSTS = ("AWS::EC2::Instance", "AWS::AutoScaling::AutoScalingGroup")

ROLLED = {"LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier"}
"""Properties of a group whose change replaces its host (UpdatePolicy attribute, CloudFormation
Template Reference)."""


def check_session(changes: Collection[Change], end: datetime | None, *, insisted: bool) -> str:
    """Raise :class:`Refused` where the host would go while the exchange is open, until ``end``.

    Where somebody insists, gives what is to be said of it; empty where nothing is.
    """
    going = [change for change in changes if _ends_host(change)]
    if end is None or not going:
        return ""
    hosts = ", ".join(change.logical_id for change in going)
    what = (
        f"the exchange is open (until {end:%H:%M %Z} of {end:%Y-%m-%d}), and {hosts} would be "
        "replaced: the bot is down until the old host has gone and the new one is ready, two or "
        "three minutes or more; a daily run at work is ended, and not begun again"
    )
    if not insisted:
        raise Refused(what, "deploy after the session, or add --in-session")
    return what


def _ends_host(change: Change) -> bool:
    """Whether the machine that runs the bot may go, or be stopped, in a change."""
    if change.resource_type not in HOSTS:
        return False
    return change.may_destroy or bool(ROLLED.intersection(change.because))


def _replaced(change: Change) -> str:
    certain = "would" if change.replacement == "True" else "might"
    because = f" because of {', '.join(change.because)}" if change.because else ""
    return f"{certain} be replaced{because}"
