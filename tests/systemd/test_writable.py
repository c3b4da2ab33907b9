"""What a bot that wants to write elsewhere is told, and gets."""

from tests.systemd.conftest import Up
from tests.systemd.counting import BOT_LOG, PROGRAM, job


def test_a_path_that_is_read_only_is_named_with_its_key(up: Up) -> None:
    program = "open('/srv/reports/today.csv', 'w')\n"
    host = up("breakout", {PROGRAM: program}, bot={"jobs": [job("bot")]})
    host.run("install", "-d", "-o", "trading", "/srv/reports")
    host.start()
    host.until("grep", "-q", "^ERROR .*bot.writable", BOT_LOG)
    assert any("/srv/reports" in line and "bot.writable" in line for line in host.errors())


def test_a_folder_that_was_asked_for_is_there_to_write_to(up: Up) -> None:
    program = (
        "import os\nopen('/srv/reports/today.csv', 'w')\n"
        "open(os.path.expanduser('~/KIS/config/token'), 'w')\n"
    )
    host = up(
        "breakout",
        {PROGRAM: program},
        bot={"writable": ["/srv/reports", "~/KIS/config"], "jobs": [job("bot")]},
    )
    assert host.start(), host.log()
    assert host.exists("/srv/reports/today.csv")
