"""Run Command: lines of shell on the host, without an open port and without a plugin.

AWS Systems Manager API Reference, SendCommand and GetCommandInvocation.
"""

import shlex
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, code_of, is_transient
from cfgen.bot.host import Host
from cfgen.deploy.waiting import Waiting
from cfgen.errors import Refused

if TYPE_CHECKING:
    from cfgen.aws import Clients

DOCUMENT = "AWS-RunShellScript"
POLL_SECONDS = 1.0
OUTPUT_LIMIT = 24_000
"""Characters of each output that AWS gives back; the rest is cut."""

LEAST_DELIVERY = 30
"""Seconds: the shortest time that SendCommand may be given to reach a host."""

UNDER_WAY = {"Pending", "InProgress", "Delayed", "Cancelling"}
UNDELIVERED = {"Undeliverable", "Terminated", "DeliveryTimedOut", "Delivery Timed Out"}


class Outcome(msgspec.Struct, frozen=True):
    """How a command ended: ``status`` is Run Command's, such as Success, Failed or TimedOut.

    ``exit_code`` is -1 where it did not end by itself.
    """

    status: str
    exit_code: int
    stdout: str
    stderr: str

    @property
    def cut(self) -> bool:
        """Whether AWS may have cut an output."""
        return max(len(self.stdout), len(self.stderr)) >= OUTPUT_LIMIT


def remote_script(name: str, *arguments: str) -> list[str]:
    """Lines that run a script of ``cfgen/host/remote`` by bash, which the agent's shell may not be.

    They are sent each time, so that they fit this cfgen and not the one that made the stack.
    """
    text = resources.files("cfgen.host").joinpath(f"remote/{name}").read_text(encoding="utf-8")
    return [f"bash -s -- {shlex.join(arguments)} <<'CFGEN'", *text.splitlines(), "CFGEN"]


def run_on_host(
    clients: "Clients", host: Host, lines: Sequence[str], waiting: Waiting, seconds: float
) -> Outcome:
    """Run lines of shell as root, and wait for their end, at most ``seconds``.

    Of ``waiting`` only clock and sleep count. Raises :class:`Refused` where the host does not take
    the command or it does not end in time (it is cancelled then), and botocore's errors.
    """
    command = _send(clients, host, lines, seconds)
    begun = waiting.clock()
    while waiting.clock() - begun <= seconds:
        waiting.sleep(POLL_SECONDS)
        found = _look(clients, host, command)
        if found is None or found["Status"] in UNDER_WAY:
            continue
        if found.get("StatusDetails", "") in UNDELIVERED:
            raise _unreachable(host, found["StatusDetails"])
        return Outcome(
            found["Status"],
            found.get("ResponseCode", -1),
            found.get("StandardOutputContent", ""),
            found.get("StandardErrorContent", ""),
        )
    clients.ssm.cancel_command(CommandId=command)
    raise Refused(
        f"the command on host {host.instance_id} did not end within {seconds:.0f} s, "
        "and was cancelled",
        "its agent may be at its limit: try again, or give it more time where there is a --timeout",
    )


def _send(clients: "Clients", host: Host, lines: Sequence[str], seconds: float) -> str:
    """Send a command and give its id."""
    limit = max(int(seconds), LEAST_DELIVERY)
    try:
        sent = clients.ssm.send_command(
            InstanceIds=[host.instance_id],
            DocumentName=DOCUMENT,
            # Without it, a host that comes back within the hour would still run it.
            TimeoutSeconds=limit,
            Parameters={"commands": list(lines), "executionTimeout": [str(limit)]},
        )
    except ClientError as error:
        if code_of(error) == "InvalidInstanceId":
            raise _unreachable(host, "Systems Manager does not know it") from error
        raise
    return sent["Command"]["CommandId"]


def _look(clients: "Clients", host: Host, command: str) -> Any:
    """What is known of a command, ``None`` where nothing is yet."""
    try:
        return clients.ssm.get_command_invocation(CommandId=command, InstanceId=host.instance_id)
    except FAILURES as error:
        # Right after it was sent, it is not known everywhere.
        early = isinstance(error, ClientError) and code_of(error) == "InvocationDoesNotExist"
        if early or is_transient(error):
            return None
        raise


def _unreachable(host: Host, why: str) -> Refused:
    return Refused(
        f"host {host.instance_id} does not take commands ({why})",
        "its SSM agent does not answer: a new host needs some minutes, a stuck one a reboot",
    )
