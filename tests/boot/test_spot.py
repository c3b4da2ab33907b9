"""A Spot host that is taken back."""

import time

from tests.boot.conftest import Lab, Saw
from tests.boot.host import BOT, wait
from tests.boot.working import at_work

NOTICE = '{"action": "terminate", "time": "2026-11-25T00:03:00Z"}'


def test_the_notice_stops_the_bot_saves_its_state_and_tells(lab: Lab, saw: Saw) -> None:
    host = lab.ready("spot-always")
    at_work(host)
    host.stack.empty_bucket()
    lab.cloud.notice = NOTICE
    began = time.monotonic()
    wait(lambda: any("taken back" in subject for subject, _ in host.stack.messages), 400, "no word")
    took = time.monotonic() - began
    assert host.stack.saved()
    [text] = [text for subject, text in host.stack.messages if "taken back" in subject]
    assert "its state is saved" in text
    assert host.show(BOT, "ActiveState") in ("inactive", "failed")
    assert host.show("trading-web.service", "ActiveState") == "inactive"
    stopped = host.show(BOT, "InactiveEnterTimestampMonotonic")
    saved = host.show("trading-state.service", "InactiveEnterTimestampMonotonic")
    assert 0 < int(stopped) < int(saved)
    assert host.errors() == []
    assert took < 240
    saw(
        "Spot's notice while the bot is at work",
        "spot-always",
        f"bot stopped, then state saved, then the topic told, in {took:.0f} s",
    )
