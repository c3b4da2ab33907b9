"""Changes of the stack that reach a running host, without another boot."""

from templates_out.generate import SHAPES
from tests.boot.conftest import Lab, Saw
from tests.boot.host import APP, PROGRAM, Host
from tests.boot.stack import SOURCE

SHAPE = "on-demand-always"
SECOND = "print('the second version')\n"


def hup(host: Host) -> str:
    """The unit that runs cfn-hup."""
    command = ("grep", "--files-with-matches", "/opt/aws/bin/cfn-hup", "-r", "/etc/systemd/system")
    [path] = [one for one in host.run(*command).stdout.splitlines() if one.endswith(".service")][:1]
    return path.rpartition("/")[2]


def boot_id(host: Host) -> str:
    return host.read("/proc/sys/kernel/random/boot_id")


def look(host: Host) -> None:
    """Have cfn-hup look now, and not in five minutes."""
    host.run("systemctl", "restart", hup(host))


def published(lab: Lab, host: Host) -> str:
    commit = lab.git.publish("v2.0.0", {PROGRAM: SECOND})
    host.stack.change(SHAPES[SHAPE], f"{SOURCE}@v2.0.0")
    return commit


def has_second(host: Host) -> None:
    host.until("grep", "--quiet", "second", f"{APP}/{PROGRAM}", seconds=600)


def test_a_new_version_comes_up_without_a_reboot(lab: Lab, saw: Saw) -> None:
    host = lab.ready(SHAPE)
    before = boot_id(host)
    look(host)
    # Its first look is what later ones are compared with.
    host.until("test", "-s", "/var/lib/cfn-hup/data/metadata_db.json")
    commit = published(lab, host)
    look(host)
    has_second(host)
    host.until("systemctl", "is-active", "--quiet", "trading-web.service", seconds=300)
    said = host.reported("done", source=f"{SOURCE}@v2.0.0")
    assert said["commit"] == commit
    assert boot_id(host) == before
    assert host.failed() == []
    assert host.errors() == []
    saw("a new version of the bot", SHAPE, "taken up by cfn-hup within its look, same boot")


def test_a_change_right_after_the_first_boot_is_not_lost(lab: Lab, saw: Saw) -> None:
    """What cfn-hup sees first is not what cfn-init took."""
    host = lab.ready(SHAPE)
    published(lab, host)
    host.run("rm", "-f", "/var/lib/cfn-hup/data/metadata_db.json")
    look(host)
    has_second(host)
    saw("a change before cfn-hup's first look", SHAPE, "taken up")
