"""The look whether the bot ran, for real, with a stand-in for systemd."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cfgen.config.load import make_config
from cfgen.host.market import market_json
from tests.cfgen.host.conftest import Script, Stands

SEOUL = ZoneInfo("Asia/Seoul")
EVERY_DAY = "1234567"


def today() -> date:
    return datetime.now(SEOUL).date()


def calendar(tmp_path: Path, *, trading: bool) -> str:
    """A calendar that says what today is."""
    key = "open" if trading else "closed"
    config = make_config({"market": {key: [today().isoformat()]}}, "test")
    path = tmp_path / "market.json"
    path.write_text(market_json(config, today().year))
    return str(path)


@pytest.fixture
def bot(stands: Stands) -> "Bot":
    return Bot(stands)


class Bot:
    """What systemd says of the bot."""

    def __init__(self, stands: Stands) -> None:
        self._stands = stands

    def is_in(self, state: str, since: str = "") -> None:
        self._stands.add(
            "systemctl",
            f'case "$*" in *ActiveState*) echo {state};; *ExecMainStart*) echo "{since}";; esac',
        )


def at(clock: str) -> str:
    hour, minute = map(int, clock.split(":"))
    moment = datetime(today().year, today().month, today().day, hour, minute, tzinfo=SEOUL)
    return f"@{int(moment.timestamp())}"


@pytest.mark.parametrize(
    ("state", "since", "said"),
    [
        ("active", at("09:00"), "the bot is active"),
        ("activating", at("09:00"), "the bot is activating"),
        ("inactive", at("09:00"), "the bot ran at 09:00:00"),
        # A bot that stays up was started days ago.
        ("active", "@1700000000", "the bot is active"),
    ],
)
def test_a_run_is_accounted_for(
    script: Script, tmp_path: Path, bot: Bot, state: str, since: str, said: str
) -> None:
    bot.is_in(state, since)
    market = calendar(tmp_path, trading=True)
    result = script("check-run", RUN_DAYS=EVERY_DAY, RUN_AT="09:00", MARKET=market)
    assert result.returncode == 0, result.stdout
    assert result.stdout == f"check-run: ok: {said}\n"


@pytest.mark.parametrize(
    ("state", "since"),
    [("inactive", ""), ("inactive", "@1700000000"), ("failed", at("09:00")), ("inactive", "n/a")],
)
def test_a_missing_run_is_an_error(
    script: Script, tmp_path: Path, bot: Bot, state: str, since: str
) -> None:
    bot.is_in(state, since)
    market = calendar(tmp_path, trading=True)
    result = script("check-run", RUN_DAYS=EVERY_DAY, RUN_AT="09:00", MARKET=market)
    assert result.returncode == 1
    assert result.stdout == f"ERROR check-run: the bot has not run today: it is {state}\n"


def test_a_day_without_trading_is_accounted_for(script: Script, tmp_path: Path, bot: Bot) -> None:
    bot.is_in("inactive")
    market = calendar(tmp_path, trading=False)
    result = script("check-run", RUN_DAYS=EVERY_DAY, RUN_AT="09:00", MARKET=market)
    assert result.returncode == 0
    assert result.stdout == f"check-run: ok: closed today: {today()} is no trading day\n"


def test_a_weekday_on_which_no_run_is_wanted(script: Script, bot: Bot) -> None:
    bot.is_in("inactive")
    others = EVERY_DAY.replace(str(today().isoweekday()), "")
    result = script("check-run", RUN_DAYS=others, RUN_AT="09:00", MARKET="none")
    assert result.stdout == "check-run: ok: no run is wanted on this weekday\n"


def test_a_calendar_that_cannot_be_read_is_an_error(script: Script, bot: Bot) -> None:
    bot.is_in("inactive")
    result = script("check-run", RUN_DAYS=EVERY_DAY, RUN_AT="09:00", MARKET="/none.json")
    assert result.returncode == 1
    assert result.stdout.startswith("ERROR check-run: ERROR market-gate: cannot tell")
