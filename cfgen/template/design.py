"""What every layer is given."""

import msgspec

from cfgen.config.schema import Config
from cfgen.lock import LockedPlan


class Design(msgspec.Struct, frozen=True):
    """A configuration and the plan to build for it; ``year`` is the first of the calendar."""

    config: Config
    plan: LockedPlan
    year: int
