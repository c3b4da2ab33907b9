"""How prices are read: live, from what is kept, or from a snapshot alone."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from cfgen.credentials import could_be_at_hand
from cfgen.errors import AwsError, ConfigError
from cfgen.files import read_text
from pricing.errors import SnapshotError
from pricing.market import Market, Notice
from pricing.sources.snapshot import SnapshotSource, load_snapshot

if TYPE_CHECKING:
    from cfgen.aws import PriceApis
    from pricing.sources.cache import Cache
    from pricing.sources.live import LiveSource

Mode = Literal["auto", "live", "offline"]


class Prices(msgspec.Struct, frozen=True):
    """How to read prices.

    ``auto`` is live where credentials are at hand, else from the cache or the snapshot; ``live``
    never falls back; ``offline`` is the snapshot alone. ``snapshot`` is a file that stands for the
    embedded one, ``days`` the length of the Spot history, ``now`` the moment of reading, ``cache``
    whether figures read lately will do.
    """

    now: datetime
    mode: Mode = "auto"
    profile: str | None = None
    snapshot: Path | None = None
    cache: bool = True
    days: int = 30


def read_market(prices: Prices, home: str, types: tuple[str, ...], *, everywhere: bool) -> Market:
    """Read the prices of types in the region ``home``, or ``everywhere``.

    Raises :class:`pricing.errors.PricingError`, :class:`ConfigError` and :class:`AwsError`.
    """
    if prices.mode == "offline":
        snapshot = _snapshot(prices.snapshot)
        return snapshot.read(snapshot.regions if everywhere else (home,), types)
    with live_source(prices) as source:
        regions, notices = wanted_regions(source, home, everywhere=everywhere)
        market = source.read(regions, types)
    return msgspec.structs.replace(market, notices=(*notices, *market.notices))


def wanted_regions(
    source: "LiveSource", home: str, *, everywhere: bool
) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """The region, or all that there are, and what had to be replaced to tell."""
    return source.regions(home) if everywhere else ((home,), ())


@contextmanager
def live_source(prices: Prices) -> "Iterator[LiveSource]":
    """Where live prices come from; says afterwards how many calls were made.

    Raises :class:`ConfigError` and :class:`AwsError`.
    """
    from pricing.sources.live import LiveSource

    apis, lacking = _apis(prices)
    cache = _cache(apis.endpoints() if apis else "") if prices.cache else None
    snapshot = _snapshot(prices.snapshot)
    strict = prices.mode == "live"
    try:
        yield LiveSource(apis, snapshot, prices.now, prices.days, cache, strict, lacking)
    finally:
        if apis:
            apis.log_calls()


def _snapshot(path: Path | None) -> SnapshotSource:
    if path is None:
        return SnapshotSource(load_snapshot())
    try:
        return SnapshotSource(load_snapshot(read_text(path).encode(), str(path)))
    except SnapshotError as error:
        raise ConfigError(f"--snapshot: {error}", error.hint) from error


def _apis(prices: Prices) -> "tuple[PriceApis | None, tuple[Notice, ...]]":
    """AWS, if it can be asked, and why it cannot where that is no matter of course.

    Raises :class:`AwsError` where it must be asked and cannot, and :class:`ConfigError` for an
    unknown ``--profile``.
    """
    must = prices.mode == "live"
    if not must and not could_be_at_hand(prices.profile, os.environ, _home()):
        return None, ()
    from cfgen.aws import PriceApis

    try:
        apis = PriceApis(prices.profile, metadata=must)
        if apis.has_credentials():
            return apis, ()
    except (AwsError, ConfigError) as error:
        if must or (prices.profile and isinstance(error, ConfigError)):
            raise
        said = f"live prices: {error}{f' ({error.hint})' if error.hint else ''}"
        return None, (Notice("source-no-credentials", said),)
    if must:
        raise AwsError(
            "--prices live needs AWS credentials, and there are none",
            "aws configure, aws sso login, or --profile; without an account: --prices offline",
        )
    return None, ()


def _home() -> Path | None:
    """The user's folder, if there is one that can be read."""
    try:
        # An empty HOME would be the root folder to Path.home().
        home = Path(os.environ["HOME"]) if "HOME" in os.environ else Path.home()
        return home if home.is_absolute() and home.is_dir() else None
    except (RuntimeError, OSError):
        return None


def _cache(endpoints: str) -> "Cache | None":
    """The cache, kept apart for each way to an AWS that is not AWS's own."""
    if _home() is None and not Path(os.environ.get("XDG_CACHE_HOME", "")).is_absolute():
        return None
    from platformdirs import user_cache_path

    from pricing.sources.cache import Cache

    # What an endpoint that stands for AWS says must not be taken for AWS's word.
    standing = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith("AWS_ENDPOINT_URL")
    )
    standing += [endpoints] if endpoints else []
    scope = hashlib.sha256("\n".join(standing).encode()).hexdigest()[:16] if standing else "aws"
    return Cache(user_cache_path("cfgen", appauthor=False) / "prices", scope)
