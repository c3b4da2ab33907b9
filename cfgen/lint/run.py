"""Running cfn-lint with every level of finding on."""

import msgspec
from cfnlint.api import ManualArgs, lint

from cfgen.lint.findings import Finding, Level


def lint_template(text: str, region: str) -> tuple[Finding, ...]:
    """Lint a template's text for a region: errors, warnings and informational findings alike.

    Text that is no template at all gives a finding, too. Sorted by place, then rule.
    """
    if not text.strip():
        return (Finding("E0000", "error", "the template is empty", 1, 1),)
    matches = lint(text, config=ManualArgs(include_checks=["I"], regions=[region]))
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
