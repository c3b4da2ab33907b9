"""What a price source is."""

from typing import Protocol

from pricing.market import Market


class PriceSource(Protocol):
    """Reads the market of one region."""

    def read(self, region: str, instance_types: tuple[str, ...]) -> Market:
        """Return the offers of all types that match the names or globs, and the region's rates.

        Raises :class:`pricing.errors.UnknownRegion` and
        :class:`pricing.errors.UnknownInstanceType`; what is known but has no price in this region
        comes back as ``Unpriced``.
        """
        ...
