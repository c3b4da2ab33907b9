"""What a price source is, and what a live one needs of AWS."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from pricing.errors import SourceError
from pricing.market import Market

Page = Mapping[str, Any]


Row = TypeVar("Row")


def read_in_threads(kind: type[Row]) -> type[Row]:
    """Let msgspec learn a type when it is declared.

    It learns a type at first use, and several threads that use one for the first time at once crash
    the interpreter (seen with msgspec 0.22: a type half learnt is taken for a whole one).
    """
    msgspec.json.Decoder(kind)
    return kind


def rows(pages: Iterable[Page], key: str, kind: type[Row]) -> Iterator[Row]:
    """The rows of all pages, each of a type that says what is needed of it.

    Raises :class:`SourceError` for a row of another form, and for a page that has none, not even an
    empty list: botocore makes an empty answer of half a JSON text, and of what a proxy sent in
    AWS's stead.
    """
    for page in pages:
        if key not in page:
            raise SourceError("malformed", f"an answer without {key}: cut off, or not from AWS")
        for row in page[key]:
            try:
                yield msgspec.convert(row, kind)
            except msgspec.ValidationError as error:
                raise SourceError("malformed", f"a row of {key} is damaged: {error}") from error


class PriceSource(Protocol):
    """Reads the market of regions."""

    def read(self, regions: tuple[str, ...], instance_types: tuple[str, ...]) -> Market:
        """Return the offers of all types that match the names or globs, and the regions' rates.

        Raises :class:`pricing.errors.UnknownRegion` and
        :class:`pricing.errors.UnknownInstanceType`; what is known but has no price in a region
        comes back as ``Unpriced``.
        """
        ...


class Aws(Protocol):
    """The calls that live sources make. Safe to use from several threads at once."""

    def pages(
        self, service: str, operation: str, region: str, parameters: Mapping[str, Any]
    ) -> Iterator[Page]:
        """Yield the pages of an answer, ``operation`` as in ``get_products``.

        Raises :class:`pricing.errors.SourceError`, in the middle too.
        """
        ...

    def public_object(self, bucket: str, key: str) -> bytes:
        """Read an object that anyone may read. Raises :class:`pricing.errors.SourceError`."""
        ...
