import json
from pathlib import Path

import pytest

from cfgen.lint.findings import Finding
from cfgen.lint.run import lint_template
from cfgen.report.findings import findings_json, findings_sarif, findings_text

BAD = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Unused:
    Type: String
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: nonsense
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: a, AttributeType: S}]
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: a, KeyType: HASH}]
"""


def test_findings_of_every_level_with_their_places() -> None:
    findings = lint_template(BAD, "ap-northeast-2")
    levels = {finding.level: finding for finding in findings}
    assert set(levels) == {"error", "warning", "informational"}
    assert levels["error"].line == 9
    assert levels["error"].path == ("Resources", "Vpc", "Properties", "CidrBlock")
    assert levels["warning"].rule == "W2001"
    assert [finding.line for finding in findings] == sorted(finding.line for finding in findings)


@pytest.mark.parametrize(
    "text", ["", " \n", "{", "a: [", "- a", "\x00", "Resources: 5", "just words"]
)
def test_what_is_no_template_is_a_finding(text: str) -> None:
    assert [
        finding for finding in lint_template(text, "ap-northeast-2") if finding.level == "error"
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' + "[" * 30_000,
        "x" * 1_000_001,
        "Metadata:\nResources: {T: {Type: AWS::SNS::Topic}}\n",
        "Metadata: {cfn-lint: 5}\nResources: {T: {Type: AWS::SNS::Topic}}\n",
    ],
)
def test_what_the_linter_cannot_bear_is_a_finding(text: str) -> None:
    assert lint_template(text, "ap-northeast-2")


def test_a_strangers_configuration_is_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".cfnlintrc").write_text("ignore_checks: [E, W, I]\nappend_rules: [rules]\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/evil.py").write_text("raise SystemExit('the rule ran')\n")
    monkeypatch.chdir(tmp_path)
    assert lint_template(BAD, "ap-northeast-2")


FINDINGS = [
    Finding("E3002", "error", "'x' is not a y", 9, 3, ("Resources", "Vpc"), "https://example.com"),
    Finding("I3011", "informational", "retain", 12, 1),
]


def test_text_can_be_followed_by_an_editor() -> None:
    assert findings_text(FINDINGS, "t.yaml").splitlines()[0] == "t.yaml:9:3: E3002 'x' is not a y"


def test_json_has_every_field() -> None:
    [first, _] = json.loads(findings_json(FINDINGS, "t.yaml"))
    assert first == {
        "file": "t.yaml",
        "rule": "E3002",
        "level": "error",
        "message": "'x' is not a y",
        "line": 9,
        "column": 3,
        "path": ["Resources", "Vpc"],
        "url": "https://example.com",
    }


def test_sarif_has_rules_levels_and_places() -> None:
    document = json.loads(findings_sarif(FINDINGS, "t.yaml"))
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E3002", "I3011"]
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    [location] = run["results"][0]["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 9, "startColumn": 3}
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "t.yaml"}
