"""The sample bots, each under its own units."""

import json

from tests.systemd.conftest import KEYS, Up

PROBE = """
import json, os, sys
seen = {"environment": dict(os.environ), "arguments": sys.argv[1:]}
print(json.dumps(seen), file=open("seen.json", "w"))
print("a line of the bot")
"""


def test_the_bot_sees_its_keys_and_no_others(up: Up) -> None:
    host = up("breakout", {"apps/daily_breakout_app.py": PROBE})
    assert host.start() == 0, host.log()
    seen = json.loads(host.read("seen.json"))
    assert KEYS.items() <= seen["environment"].items()
    assert not [name for name in seen["environment"] if name.startswith("AWS_")]
    assert seen["arguments"] == ["--mode", "demo", "--symbol", "069500"]
    assert "a line of the bot" in host.log()
    journal = host.run("journalctl", "--no-pager", "--output=export").stdout
    for told in (journal, host.log(), host.log("host")):
        assert not [value for value in KEYS.values() if value in told]
