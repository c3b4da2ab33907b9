"""Running cfn-lint with every level of finding on, and our own rules beside its own."""

import os
from typing import Any

import msgspec
from cfnlint.api import lint

from cfgen.lint.findings import Finding, Level

BYTES = 1_000_000
"""What CloudFormation takes at the most, from S3 (CloudFormation quotas)."""

DEPTH = 500
"""Nesting in brackets beyond which cfn-lint's parser overruns the interpreter's stack."""


def lint_template(text: str, region: str) -> tuple[Finding, ...]:
    """Lint a template's text for a region: errors, warnings and informational findings alike.

    Text that is no template at all gives a finding, too. Sorted by place, then rule. No file of
    cfn-lint's own configuration is read: a finding does not depend on the folder, and no rule of a
    stranger's runs.
    """
    if problem := _unreadable(text):
        return (Finding("E0000", "error", problem, 1, 1),)
    settings: Any = {
        "include_checks": ["I"],
        "regions": [region],
        "config_file": os.devnull,
        "append_rules": ["cfgen.lint.rules"],
    }
    try:
        matches = lint(text, config=settings)
    except Exception as error:  # cfn-lint's rules fail in many ways on odd templates
        what = f"cfn-lint could not check it: {type(error).__name__}: {error}"
        return (Finding("E0002", "error", what, 1, 1),)
    findings = [
        Finding(
            match.rule.id,
            msgspec.convert(match.rule.severity.lower(), Level),
            match.message,
            match.linenumber,
            match.columnnumber,
            tuple(map(str, getattr(match, "path", None) or ())),
            match.rule.source_url,
        )
        for match in matches
    ]
    return tuple(
        sorted(findings, key=lambda finding: (finding.line, finding.rule, finding.message))
    )


def _unreadable(text: str) -> str:
    if not text.strip():
        return "the template is empty"
    if len(text.encode(errors="replace")) > BYTES:
        return f"the template has more than {BYTES} bytes"
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return f"the template is nested more than {DEPTH} deep" if deepest > DEPTH else ""
