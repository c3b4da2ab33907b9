"""Session Manager's sessions, carried by its plugin.

The plugin is a program of AWS's own: it speaks the protocol that a session's stream URL leads to.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cfgen.errors import Refused

if TYPE_CHECKING:
    from cfgen.aws import Clients

PLUGIN = "session-manager-plugin"
FORWARD = "AWS-StartPortForwardingSession"
RESPONSE = "AWS_SSM_START_SESSION_RESPONSE"
"""Plugins newer than 1.2.497.0 read the answer, which holds a token, from this variable: an
argument could be read by everyone on the machine."""
FROM_ENVIRONMENT = (1, 2, 497, 0)

Run = Callable[[Sequence[str], Mapping[str, str]], int]
"""Runs a program with an environment and gives its exit code."""


def run_program(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program that takes over the terminal."""
    return subprocess.call(list(arguments), env=dict(environment))  # noqa: S603


def plugin_version(which: Callable[[str], str | None]) -> tuple[int, ...]:
    """The plugin's version. Raises :class:`Refused` where it is not there."""
    path = which(PLUGIN)
    if path is None:
        raise Refused(
            f"{PLUGIN} is not on PATH",
            "install AWS's Session Manager plugin: docs.aws.amazon.com/systems-manager, "
            '"Install the Session Manager plugin"',
        )
    said = subprocess.run(  # noqa: S603
        [path, "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    numbers = said.split(".")
    return tuple(int(one) for one in numbers) if all(one.isdigit() for one in numbers) else ()


def open_session(
    clients: "Clients",
    instance: str,
    version: tuple[int, ...],
    run: Run,
    document: str = "",
    parameters: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Start a session and hand it to the plugin; gives the plugin's exit code.

    The session is ended where the plugin could not take it.
    """
    request: dict[str, Any] = {"Target": instance}
    if document:
        request |= {"DocumentName": document, "Parameters": dict(parameters or {})}
    answer = clients.ssm.start_session(**request)
    told = json.dumps({name: answer[name] for name in ("SessionId", "TokenValue", "StreamUrl")})
    modern = version >= FROM_ENVIRONMENT
    environment = {**os.environ, **({RESPONSE: told} if modern else {})}
    arguments = [
        PLUGIN,
        RESPONSE if modern else told,
        clients.region,
        "StartSession",
        "",
        json.dumps(request),
        clients.ssm.meta.endpoint_url,
    ]
    try:
        return run(arguments, environment)
    except OSError:
        clients.ssm.terminate_session(SessionId=answer["SessionId"])
        raise
