"""What a check says, and which checks there are. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import msgspec

Level = Literal["ok", "warning", "problem", "unknown"]
Group = Literal["You", "Stack", "Host", "Bot", "Alarms", "Broker"]
GROUPS: tuple[Group, ...] = get_args(Group)

COMMAND = re.compile(r"`([^`]+)`")
"""How a command stands in a remedy."""


class Finding(msgspec.Struct, frozen=True):
    """What one check says.

    ``code`` is the entry of :mod:`cfgen.doctor.catalog`, empty where all is well. Commands in the
    ``remedy`` stand between backticks; the first one puts it right.
    """

    check: str
    level: Level
    text: str
    remedy: str = ""
    code: str = ""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that the remedy names."""
        return tuple(COMMAND.findall(self.remedy))


class Check(msgspec.Struct, frozen=True):
    """Something that is looked at; ``asks`` says what."""

    name: str
    group: Group
    asks: str


CHECKS = (
    Check("configuration", "You", "cfgen.toml, and what of it may not be meant"),
    Check("credentials", "You", "whose credentials these are, and of which account"),
    Check("clock", "You", "this machine's clock against AWS's"),
    Check("permissions", "You", "what the identity may do, by IAM's own simulator"),
    Check("plugin", "You", "session-manager-plugin, which connect and dashboard need"),
    Check("stack", "Stack", "the stack's state"),
    Check("offer", "Stack", "whether the region has the planned type of instance"),
    Check("disk-key", "Stack", "the key that the account encrypts disks with"),
    Check("wheels", "Stack", "whether each requirement has a wheel for the host"),
    Check("host", "Host", "the instance: state, EC2's checks, Session Manager"),
    Check("sessions", "Host", "the account's preferences for sessions, against the host's role"),
    Check("version", "Host", "the version that the stack wants, and the one that the host has"),
    Check("agent", "Host", "whether the CloudWatch agent reports"),
    Check("image", "Host", "the machine image that the host runs"),
    Check("host-clock", "Host", "the host's clock (--live)"),
    Check("keys", "Bot", "the broker's keys in the secret, by name and by shape"),
    Check("brake", "Bot", "whether the bot was told to pause"),
    Check("runs", "Bot", "how the last run of each job ended"),
    Check("alarms", "Alarms", "what rings, and what has no data"),
    Check("mail", "Alarms", "whether anybody is told"),
    Check("broker", "Broker", "one real token and one read of the account, by the host (--live)"),
)
ORDER = {check.name: place for place, check in enumerate(CHECKS)}
GROUP_OF = {check.name: check.group for check in CHECKS}


def ok(check: str, text: str) -> Finding:
    """A check that found nothing wrong."""
    return Finding(check, "ok", text)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In the order of the checks."""
    return tuple(sorted(findings, key=lambda one: ORDER[one.check]))


def addressed(finding: Finding, command: Callable[[str], str]) -> Finding:
    """The same, with cfgen's own commands written for the stack at hand."""

    def written(match: "re.Match[str]") -> str:
        words = match[1]
        own = words.startswith("cfgen ")
        return f"`{command(words.removeprefix('cfgen ')) if own else words}`"

    return msgspec.structs.replace(finding, remedy=COMMAND.sub(written, finding.remedy))


def remedies(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The commands that put things right, each once: those for problems first."""
    ordered = sorted_findings(findings)
    return tuple(
        dict.fromkeys(
            one.commands[0]
            for level in ("problem", "warning")
            for one in ordered
            if one.level == level and one.commands
        )
    )
