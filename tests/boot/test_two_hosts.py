"""Two machines of one stack, as while CloudFormation replaces the host: one bot."""

from collections.abc import Iterator

import pytest

from tests.boot.cloud import Cloud
from tests.boot.conftest import BUILD, MORNING, Lab, Saw
from tests.boot.host import BOT, Host, wait
from tests.boot.image import image
from tests.boot.machine import Machine

SHAPE = "spot-always"
ALONE = "trading-alone.service"


@pytest.fixture
def second(lab: Lab, worker_id: str) -> Iterator[tuple[Machine, Cloud]]:
    """A further machine; what AWS knows is the same, but for who asks."""
    cloud = Cloud(lab.cloud.wheels)
    folder = BUILD.absolute() / f"{worker_id}-b"
    machine = Machine(image(), folder, cloud.port, lab.git.port, MORNING)
    try:
        machine.start()
        yield machine, cloud
    finally:
        machine.remove()
        cloud.close()


def test_the_younger_waits_until_the_older_is_gone(
    lab: Lab, second: tuple[Machine, Cloud], saw: Saw
) -> None:
    old = lab.ready(SHAPE)
    machine, cloud = second
    young = Host(machine, old.stack.younger(cloud))
    young.until("systemctl", "is-active", "--quiet", "stand-ins.service")
    young.begin()
    assert young.signal() == "SUCCESS", young.said()
    young.settle()
    for host in (old, young):
        host.jump("2026-11-25 08:59:50")
    old.until_log("^run-ended: bot success 0$")
    young.until("sh", "-c", '[ "$(date +%H%M)" -ge 0901 ]')
    assert young.show(ALONE, "ActiveState") == "activating"
    assert young.runs() == 0
    assert young.show("trading-web.service", "ActiveState") != "active"
    lab.cloud.client("ec2").terminate_instances(InstanceIds=[old.stack.instance_id])
    wait(lambda: young.show(ALONE, "ActiveState") == "active", 300, "it waits on")
    young.until("systemctl", "is-active", "--quiet", "trading-web.service", seconds=300)
    young.jump("2026-11-26 08:59:50")
    young.until_log("^run-ended: bot success 0$")
    assert young.show(BOT, "Result") == "success"
    saw(
        "two hosts of one stack",
        SHAPE,
        "the younger runs nothing until EC2 says that the older is gone",
    )
