"""Lint findings as text, JSON and SARIF."""

import json
from collections.abc import Sequence

import msgspec

from cfgen import __version__
from cfgen.lint.findings import Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_LEVELS = {"error": "error", "warning": "warning", "informational": "note"}


def findings_text(findings: Sequence[Finding], file: str) -> str:
    """A line a finding."""
    return "".join(finding.located(file) + "\n" for finding in findings)


def findings_json(findings: Sequence[Finding], file: str) -> str:
    """An array of objects."""
    rows = [{"file": file, **msgspec.to_builtins(finding)} for finding in findings]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def findings_sarif(findings: Sequence[Finding], file: str) -> str:
    """SARIF 2.1.0, for code scanning."""
    rules = {finding.rule: finding.url for finding in findings}
    run = {
        "tool": {
            "driver": {
                "name": "cfgen",
                "version": __version__,
                "rules": [
                    {"id": rule, **({"helpUri": url} if url else {})}
                    for rule, url in sorted(rules.items())
                ],
            }
        },
        "results": [
            {
                "ruleId": finding.rule,
                "level": SARIF_LEVELS[finding.level],
                "message": {"text": finding.message},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": file},
                            "region": {
                                "startLine": finding.line,
                                "startColumn": finding.column,
                            },
                        }
                    }
                ],
            }
            for finding in findings
        ],
    }
    document = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
