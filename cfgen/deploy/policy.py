"""The stack policy: what an update must not replace or delete. Pure.

It holds for the console and other tools as well, which know nothing of cfgen's own guard.
"""

import json
from collections.abc import Collection, Mapping

from cfgen.deploy.guards import PROTECTED


def held(types: Mapping[str, str], allowed: Collection[str] = ()) -> list[str]:
    """Logical ids (of logical id -> type) that no update may replace or delete."""
    return sorted(name for name, kind in types.items() if kind in PROTECTED and name not in allowed)


def policy_for(kept: Collection[str]) -> str:
    """A policy that lets updates do anything but replace or delete the logical ids ``kept``."""
    statements = [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
    denial = {
        "Effect": "Deny",
        "Action": ["Update:Replace", "Update:Delete"],
        "Principal": "*",
        "Resource": [f"LogicalResourceId/{name}" for name in kept],
    }
    return json.dumps({"Statement": [*statements, *([denial] if kept else [])]})


def is_ours(policy: str) -> bool:
    """Whether a policy is one of :func:`policy_for`; none at all is nobody's."""
    try:
        statements = json.loads(policy)["Statement"] if policy else []
        kept = [name.partition("/")[2] for one in statements[1:] for name in one["Resource"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return not policy or same_policy(policy, policy_for(kept))


def same_policy(one: str, other: str) -> bool:
    """Whether two policies say the same; what is not JSON says nothing."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False
