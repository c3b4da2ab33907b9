"""What was changed by hand, for people and programs."""

import json

from rich.console import RenderableType
from rich.text import Text

from cfgen.deploy.drift import Drift
from cfgen.deploy.redact import shown
from cfgen.report.paper import Paper


def drift_text(drifts: tuple[Drift, ...], paper: Paper) -> str:
    """A row a resource, then a line a property: what the stack says, and what is there."""
    table = paper.table("Drift", "Resource", "Type", "Id")
    for one in drifts:
        style = "red" if one.status == "DELETED" else "yellow"
        row = Text(one.status.lower(), style=style), one.logical_id, one.resource_type
        table.add_row(*row, one.physical_id)
    parts: list[RenderableType] = [table]
    parts += [
        Text(f"{one.logical_id} {how.path}: {shown(how.expected)} -> {shown(how.actual)}")
        for one in drifts
        for how in one.differences
    ]
    return paper.render(parts).rstrip("\n") + "\n"


def drift_json(drifts: tuple[Drift, ...]) -> str:
    """One line, values whole."""
    found = [
        {
            "logical_id": one.logical_id,
            "physical_id": one.physical_id or None,
            "resource_type": one.resource_type,
            "status": one.status,
            "differences": [
                {
                    "path": how.path,
                    "expected": how.expected,
                    "actual": how.actual,
                    "kind": how.kind,
                }
                for how in one.differences
            ],
        }
        for one in drifts
    ]
    return json.dumps({"drift": found}, ensure_ascii=False) + "\n"
