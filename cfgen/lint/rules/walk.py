"""Going through a template's resources, whichever way its conditions turn out."""

from collections.abc import Iterator
from typing import Any

from cfnlint.template import Template

Path = list[str | int]
Place = tuple[Any, Path]
"""A value of the template and where it stands."""


def section(cfn: Template, name: str) -> dict[str, Any]:
    """A section of the template, empty where it is none."""
    found = cfn.template.get(name)
    return found if isinstance(found, dict) else {}


def resources(cfn: Template, *types: str) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """Name, properties and place of each resource of these types; of all without any."""
    for name, resource in section(cfn, "Resources").items():
        if not isinstance(resource, dict) or (types and resource.get("Type") not in types):
            continue
        properties = resource.get("Properties")
        if isinstance(properties, dict | None):
            yield name, properties or {}, ["Resources", name]


def values(node: Any, path: Path, *keys: str) -> Iterator[Place]:
    """Every value that ``keys`` lead to, through lists and both sides of ``Fn::If``.

    What is absent, and ``AWS::NoValue``, yields nothing.
    """
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from values(item, [*path, index], *keys)
    elif isinstance(node, dict) and "Fn::If" in node and isinstance(node["Fn::If"], list):
        for index, item in enumerate(node["Fn::If"][1:], start=1):
            yield from values(item, [*path, "Fn::If", index], *keys)
    elif isinstance(node, dict) and node.get("Ref") == "AWS::NoValue":
        return
    elif not keys:
        yield node, path
    elif isinstance(node, dict) and keys[0] in node:
        yield from values(node[keys[0]], [*path, keys[0]], *keys[1:])


def strings(node: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Every text below a value."""
    if isinstance(node, str):
        yield node, path
    elif isinstance(node, dict):
        for key, item in node.items():
            yield from strings(item, [*path, key])
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from strings(item, [*path, index])


def is_computed(value: Any) -> bool:
    """Whether a value is worked out at deployment, by an intrinsic function."""
    return isinstance(value, dict) and any(
        key == "Ref" or str(key).startswith("Fn::") for key in value
    )


def is_true(value: Any) -> bool:
    """Whether a value is true for certain."""
    return value is True or value == "true"
