"""What a deploy would change, with nothing left behind."""

import difflib
import json

import yaml
from cfnlint.decode.decode import decode_str

from cfgen.aws import Clients
from cfgen.deploy.body import fit
from cfgen.deploy.changeset import ChangeSet
from cfgen.deploy.plan import (
    Watcher,
    Wish,
    ask_for,
    check_way,
    open_stack,
    prepare,
    show,
    take_back,
)
from cfgen.deploy.states import Way, way_of
from cfgen.deploy.waiting import Waiting
from cfgen.errors import Refused


def diff(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> ChangeSet | None:
    """Ask CloudFormation for a change set, show it and take it back; ``None`` for no change.

    A stack that was only made for the asking goes, too. Raises the errors of ``cfgen/errors.py``
    and botocore's.
    """
    body = fit(wish.body)
    identity, stack, found = open_stack(
        wish.stack, wish.allowed_accounts, clients, waiting, watcher
    )
    way = way_of(found.status if found else None)
    check_way(way, found, stack)
    if found and way is Way.RECREATE:
        raise Refused(
            f"stack {found.arn} is in {found.status}: it never came up, so all of it would be new",
            f"{stack.command('deploy')} deletes it first, after asking",
        )
    deployed = found if way is Way.UPDATE else None
    prepared = prepare(stack, deployed, body, identity, wish, clients, watcher)
    existed = found is not None and found.status == "REVIEW_IN_PROGRESS"
    started = ask_for(stack, deployed, prepared, wish, existed, watcher)
    if started is None:
        return None
    try:
        change_set = stack.read_change_set(started)
        return show(stack, change_set, prepared, watcher) if change_set else None
    finally:
        take_back(stack, started, f"{wish.token}-take-back", existed, watcher)


def local_diff(wish: Wish, clients: Clients, waiting: Waiting, watcher: Watcher) -> list[str]:
    """Lines of a unified diff from the stack's template to the wished one; writes nothing in AWS.

    Both are compared as YAML in one order, so that only their meaning counts.
    """
    _, stack, found = open_stack(wish.stack, wish.allowed_accounts, clients, waiting, watcher)
    there = found is not None and way_of(found.status) is not Way.CREATE
    before = _plain(stack.template_of(found.arn)) if found and there else ""
    after = _plain(wish.body)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"{wish.stack}, as deployed",
        f"{wish.stack}, as wished",
    )
    return list(lines)


def _plain(text: str) -> str:
    tree, problems = decode_str(text)
    if problems or not isinstance(tree, dict):
        return text
    return yaml.safe_dump(json.loads(json.dumps(tree)), allow_unicode=True, width=110)
