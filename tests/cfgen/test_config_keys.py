"""Keys in cfgen.toml, which the template would publish."""

from typing import Any

import pytest

from cfgen.config.load import make_config
from cfgen.errors import ConfigError

APP_KEY = "PS" + "a1B2" * 8 + "cd"
HOOK = "https://hooks.slack.com/" + "services/T03AB12CD/B04EF34GH/" + "aB3dE6gH9jkL2mN5pQ8sT1vW"


@pytest.mark.parametrize(
    ("bot", "where", "value"),
    [
        ({"environment": {"NOTIFY": HOOK}}, "bot.environment: the value of NOTIFY", HOOK),
        ({"environment": {"DB": "mysql://a:canary@h/x"}}, "bot.environment: the value", "canary"),
        ({"environment": {"KIS_KEY": APP_KEY}}, "bot.environment: the value of KIS_KEY", APP_KEY),
        ({"environment": {"KIS_ACCT_STOCK": "50123471"}}, "an account number", "50123471"),
        ({"environment": {"DB_PWD": "canary"}}, "bot.environment: DB_PWD", "canary"),
        ({"environment": {"SENTRY_DSN": "canary"}}, "bot.environment: SENTRY_DSN", "canary"),
        ({"arguments": ["--app-key", "canary"]}, "bot.arguments: the value of --app-key", "canary"),
        ({"arguments": [f"--key={APP_KEY}"]}, "bot.arguments: the value of --key", APP_KEY),
        (
            {"jobs": [{"name": "buy", "entrypoint": "a.py", "arguments": ["--password=canary"]}]},
            "bot.jobs: buy: arguments: the value of --password",
            "canary",
        ),
    ],
)
def test_a_key_is_refused_with_its_place_and_never_shown(
    bot: dict[str, Any], where: str, value: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"bot": bot}, "cfgen.toml")
    assert where in str(caught.value)
    assert "cfgen secret set" in str(caught.value)
    assert value not in str(caught.value)


def test_another_mistake_in_the_same_value_does_not_show_the_key() -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"bot": {"arguments": ["--password", "canary\n"]}}, "cfgen.toml")
    assert "canary" not in str(caught.value)
