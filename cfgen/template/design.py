"""What every layer is given."""

import msgspec

from cfgen.config.schema import Config
from cfgen.host.render import HOSTS, keeps_state, takes_address
from cfgen.lock import LockedPlan


class Design(msgspec.Struct, frozen=True):
    """A configuration and the plan to build for it; ``year`` is the first of the calendar."""

    config: Config
    plan: LockedPlan
    year: int

    @property
    def is_group(self) -> bool:
        """Whether the host is one of a group, which comes and goes, and no instance."""
        return self.plan.shape == "group"

    @property
    def host(self) -> str:
        """Logical id of the instance or group."""
        return HOSTS[self.plan.shape]

    @property
    def keeps_state(self) -> bool:
        """Whether there is a bucket for what the bot writes."""
        return keeps_state(self.config, self.plan)

    @property
    def takes_address(self) -> bool:
        """Whether the host takes the fixed address itself."""
        return takes_address(self.config, self.plan)

    @property
    def first_zone(self) -> str:
        """Id of the first subnet's zone, empty for none.

        A group's does not follow the prices: another zone would need another range of addresses.
        """
        return min(self.plan.zones, default=self.plan.availability_zone_id or "")
