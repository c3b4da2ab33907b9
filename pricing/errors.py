"""Everything that can go wrong while reading prices and choosing.

::

    PricingError
    ├── UnknownRegion          the source has no price at all for the region
    ├── UnknownInstanceType    a pattern matches no instance type that the source knows
    ├── SnapshotError          a snapshot file is damaged or of another schema
    └── SourceError            a live source could not be read

Each carries what is wrong and, in ``hint``, what would be right.
"""


class PricingError(Exception):
    """Base of this package's errors; ``hint`` says what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnknownRegion(PricingError):
    """The source has no price at all for the region."""


class UnknownInstanceType(PricingError):
    """A name or pattern matches no instance type that the source knows."""


class SnapshotError(PricingError):
    """A snapshot is damaged, or was written for another schema version."""


class SourceError(PricingError):
    """A live source could not be read.

    ``code`` is for programs: ``no-credentials``, ``expired``, ``denied``, ``throttled``,
    ``unreachable``, ``malformed`` or ``failed``.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code
