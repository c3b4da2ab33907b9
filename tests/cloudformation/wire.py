"""The query protocol: forms read and XML written by botocore's own models."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore.validate import ParamValidator

from tests.cloudformation.template import Fields

STACK_ONLY = {
    "REVIEW_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
}
"""AWS gives these in a stack's own events too, though the model of ResourceStatus lacks them."""


@cache
def service_model(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def check(value: Fields, shape: Any) -> None:
    problems = ParamValidator().validate(value, shape)
    assert not problems.has_errors(), problems.generate_report()


def decode(value: Any, shape: Any) -> Any:
    """A value of the query protocol: ``value`` is the form as a tree, split at the dots."""
    if shape.type_name == "structure":
        return {
            name: decode(value[name], inner)
            for name, inner in shape.members.items()
            if name in value
        }
    if shape.type_name == "list":
        # An empty list is sent as an empty value.
        rows = value["member"] if value else {}
        return [decode(rows[key], shape.member) for key in sorted(rows, key=int)]
    if shape.type_name == "map":
        return {
            entry["key"]: decode(entry["value"], shape.value) for entry in value["entry"].values()
        }
    if shape.type_name == "boolean":
        return value == "true"
    return int(value) if shape.type_name in ("integer", "long") else value


def tree(form: Iterable[tuple[str, str]]) -> Fields:
    root: Fields = {}
    for key, value in form:
        *path, last = key.split(".")
        here = root
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value
    return root


def encode(value: Any, shape: Any) -> str:
    """The query protocol's XML of a value."""
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{encode(value[name], inner)}</{name}>"
            for name, inner in shape.members.items()
            if name in value
        )
    if shape.type_name == "list":
        return "".join(f"<member>{encode(one, shape.member)}</member>" for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    # ParamValidator passes any string.
    allowed = getattr(shape, "enum", None)
    assert not allowed or value in allowed or value in STACK_ONLY, f"{shape.name} is never {value}"
    return escape(value.isoformat() if isinstance(value, datetime) else str(value))
