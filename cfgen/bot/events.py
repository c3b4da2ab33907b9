"""The stack's events, read like a log."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, is_expired, is_transient, message_of
from cfgen.bot.host import no_stack
from cfgen.bot.logs import POLL_SECONDS
from cfgen.deploy.events import Event, parse_event

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

    from cfgen.aws import Clients


def read_events(
    clients: "Clients",
    stack: str,
    since: datetime,
    wait: Callable[[float], None] | None = None,
) -> Iterator[Event]:
    """Events of a stack in the order of their coming, each once.

    ``wait`` sleeps between looks, until the stack is deleted; without it the first look is the
    last. Raises :class:`ConfigError` where there is no stack.
    """
    seen: set[str] = set()
    name = stack
    while True:
        new: list[Event] = []
        try:
            for entry in _newest_first(clients, name):
                event = parse_event(entry)
                # By its ARN from now on: the name stops resolving once the stack is deleted.
                name = entry["StackId"]
                if event.time < since or event.id in seen:
                    break
                new.append(event)
        except FAILURES as error:
            if isinstance(error, ClientError) and "does not exist" in message_of(error):
                raise no_stack(clients, stack) from error
            # Whoever follows wants to go on when the way is free again.
            passing = is_transient(error) or (is_expired(error) and clients.renew())
            if wait is None or not passing:
                raise
            new.clear()
        seen |= {event.id for event in new}
        yield from reversed(new)
        gone = any(one.status == "DELETE_COMPLETE" and one.ends(name) for one in new)
        if wait is None or gone:
            return
        wait(POLL_SECONDS)


def _newest_first(clients: "Clients", stack: str) -> "Iterator[StackEventTypeDef]":
    """All of them, a page at a time, as far as they are wanted."""
    pages = clients.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    for page in pages:
        yield from page["StackEvents"]
