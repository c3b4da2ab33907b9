"""Writing a template as a person reads it; the same template gives the same bytes.

Sections come in the order of use, resources in the order of their layers, a resource's type before
what it depends on before its properties, and everything below sorted by name.
"""

import json
import re
from typing import Any

import yaml
from troposphere import Template

SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Conditions",
    "Resources",
    "Outputs",
)
ATTRIBUTES = (
    "Type",
    "Condition",
    "DependsOn",
    "CreationPolicy",
    "UpdatePolicy",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Properties",
    "Metadata",
)
LITERAL = re.compile(r"(?<=[ ])\|(2?)([-+]?)$")
"""The opening of a literal block, with a digit where its text begins with a blank."""
KEEP_ORDER = {"Parameters", "Resources", "Outputs"}


def to_yaml(template: Template) -> str:
    """YAML with CloudFormation's short forms and literal blocks."""
    return _narrowed(
        yaml.dump(
            _ordered(template),
            Dumper=_Dumper,
            default_flow_style=False,
            width=110,
            allow_unicode=True,
        )
    )


def _narrowed(text: str) -> str:
    """Indent by one blank a level, which no YAML library writes, for what a call takes is bounded.

    Most of a template are scripts, whose every line is indented seven levels deep.
    """
    lines: list[str] = []
    levels = [(0, 0)]  # Columns of the open levels: as they were, and as they become.
    block: tuple[int, int] | None = None  # The same of a literal block's lines.
    for line in text.splitlines():
        bare = line.lstrip(" ")
        column = len(line) - len(bare)
        if block and (not bare or column >= block[0]):
            lines.append(" " * block[1] + line[block[0] :] if bare else "")
            continue
        block = None
        while levels[-1][0] > column:
            levels.pop()
        if levels[-1][0] < column:
            levels.append((column, levels[-1][1] + 1))
        lines.append(" " * levels[-1][1] + bare)
        while bare.startswith("- "):
            bare = bare[2:]
            levels.append((levels[-1][0] + 2, levels[-1][1] + 2))
        if opening := LITERAL.search(bare):
            block = levels[-1][0] + 2, levels[-1][1] + 1
            if opening[1]:
                lines[-1] = f"{lines[-1][: -len(opening[0])]}|1{opening[2]}"
    return "\n".join(lines) + "\n"


def to_json(template: Template) -> str:
    """The same as JSON."""
    return json.dumps(_ordered(template), indent=2, ensure_ascii=False) + "\n"


def _ordered(template: Template) -> dict[str, object]:
    tree = template.to_dict()
    unknown = tree.keys() - set(SECTIONS)
    if unknown:
        raise ValueError(f"sections without a place: {', '.join(sorted(unknown))}")
    ordered: dict[str, object] = {}
    for section in SECTIONS:
        if section not in tree:
            continue
        content = tree[section]
        if section == "Resources":
            content = {name: _attributes(resource) for name, resource in content.items()}
        elif section in KEEP_ORDER:
            content = {name: _sorted(entry) for name, entry in content.items()}
        elif section == "Metadata":
            content = dict(sorted(content.items()))
        else:
            content = _sorted(content)
        ordered[section] = content
    return ordered


def _attributes(resource: dict[str, object]) -> dict[str, object]:
    return {name: _sorted(resource[name]) for name in ATTRIBUTES if name in resource}


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


class _Dumper(yaml.CSafeDumper):
    """Knows CloudFormation's short forms; repeats nothing by anchor."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_dict(dumper: _Dumper, value: dict[str, Any]) -> yaml.Node:
    if len(value) == 1:
        [(key, argument)] = value.items()
        if key == "Ref" or key.startswith("Fn::"):
            tag = "!" + key.removeprefix("Fn::")
            if key == "Fn::GetAtt" and isinstance(argument, list):
                argument = ".".join(argument)
            if isinstance(argument, str):
                style = "|" if "\n" in argument else None
                return dumper.represent_scalar(tag, argument, style=style)
            if isinstance(argument, list):
                return dumper.represent_sequence(tag, argument)
            # Short forms cannot be nested in one line: the long form stays.
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items())


def _represent_str(dumper: _Dumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(dict, _represent_dict)
_Dumper.add_representer(str, _represent_str)
