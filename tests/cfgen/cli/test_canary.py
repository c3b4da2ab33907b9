"""A key never shows: not in a template, a log, a lock, the cache, a change set or an error."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conftest import Run
from tests.fake_aws import FakeAws

CANARY = "PScanary0123456789"
ENVIRONMENT = {
    "KIS_APP_KEY": CANARY,
    "KIS_APP_SECRET": CANARY,
    "CFGEN_KIS_APP_KEY": CANARY,
    "AWS_SESSION_TOKEN": CANARY,
}
SOURCE = (
    "--parameter",
    "AppSource=https://git.example.com/bot.git@4b825dc642cb6eb9a060e54bf8d69288fbee4904",
)


def shown(folder: Path, home: Path, *results: Any) -> str:
    """All that was printed, and all that was written."""
    texts = [text for result in results for text in (result.stdout, result.stderr)]
    for place in (folder, home):
        texts += [path.read_text(errors="replace") for path in place.rglob("*") if path.is_file()]
    return "\n".join(texts)


def test_a_key_in_the_environment_and_the_secret(
    cfgen: Run, folder: Path, tmp_path: Path, memory_aws: dict[str, str], moto_server: str
) -> None:
    session = boto3.session.Session("testing", "testing", region_name="ap-northeast-2")
    secrets = session.client("secretsmanager", endpoint_url=moto_server)
    secrets.create_secret(Name="canary/kis-api", SecretString=json.dumps({"KIS_APP_KEY": CANARY}))
    (folder / "cfgen.toml").write_text('[stack]\nname = "canary"\n')
    extra = memory_aws | ENVIRONMENT
    results = [
        cfgen(*line, extra=extra)
        for line in (
            ("recommend", "--prices", "offline", "--write", "--explain", "--debug"),
            ("build", "--prices", "offline", "-o", "template.yaml", "--debug"),
            ("lint", "template.yaml", "--format", "sarif"),
            ("deploy", "--prices", "offline", "--yes", "--no-lint", *SOURCE),
            ("deploy", "--prices", "offline", "--yes", "--no-lint", "--debug"),
            ("deploy", "--prices", "offline", "--rehearse", "--yes", "--no-lint"),
            ("build", "--max-interruption", "any", "--refresh", "--no-lint"),
        )
    ]
    assert [result.returncode for result in results] == [0] * len(results), results[-1].stderr
    assert (folder / "cfgen.lock").exists()
    assert CANARY not in shown(folder, tmp_path / "home", *results)


def test_a_key_among_the_credentials_that_read_prices(
    cfgen: Run, folder: Path, tmp_path: Path, fake_aws: FakeAws
) -> None:
    extra = fake_aws.environment | {"AWS_SECRET_ACCESS_KEY": CANARY, **ENVIRONMENT}
    results = [
        cfgen("recommend", "--prices", "live", "--debug", extra=extra),
        cfgen("prices", "refresh", "-o", "snapshot.json", extra=extra),
    ]
    assert [result.returncode for result in results] == [0, 0], results[0].stderr
    assert CANARY not in shown(folder, tmp_path / "home", *results)


@pytest.mark.parametrize(
    "text",
    [
        f'[bot]\nsource = "https://me:{CANARY}@git.example.com/bot.git@v1"\n',
        f'[bot]\nsource = "https://{CANARY}@git.example.com/bot.git@v1"\n',
        f'[bot]\nsource = "git@git.example.com:{CANARY}"\n',
        f'[bot]\nenvironment = {{ KIS_APP_KEY = "{CANARY}" }}\n',
        f'[bot]\nenvironment = {{ api_token = "{CANARY}" }}\n',
        f'[bot]\nkis_app_secret = "{CANARY}"\n',
        f'[secret]\nKIS_APP_KEY = "{CANARY}"\n',
    ],
)
def test_a_key_in_the_configuration_is_refused_and_not_shown(
    cfgen: Run, folder: Path, text: str
) -> None:
    (folder / "cfgen.toml").write_text(text)
    result = cfgen("build", "--no-lint")
    assert result.returncode == 2
    assert CANARY not in result.stdout + result.stderr


@pytest.mark.parametrize("name", ["AppSource", "KeyName"])
def test_a_key_in_a_template_is_found_and_not_shown(cfgen: Run, folder: Path, name: str) -> None:
    template = {
        "Parameters": {name: {"Type": "String", "Default": "x"}},
        "Resources": {
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"SecretString": CANARY, "Description": {"Ref": name}},
            }
        },
    }
    (folder / "template.json").write_text(json.dumps(template))
    for form in ("text", "json", "sarif"):
        result = cfgen("lint", "template.json", "--format", form)
        assert result.returncode == 8
        assert "E9005" in result.stdout
        assert CANARY not in result.stdout + result.stderr
