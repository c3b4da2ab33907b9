"""Live prices: every source read at once, with the cache before them and a snapshot behind them.

Two steps at most: the names that globs stand for, then everything else side by side. What a source
cannot give is taken from the cache, then from the snapshot, part by part, and said; in strict mode
it is an error instead.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from pricing.errors import SourceError, UnknownInstanceType
from pricing.market import Market, Notice
from pricing.price import Source, Unpriced
from pricing.rates import Service
from pricing.sources import figures as part
from pricing.sources import instance_types, on_demand, savings_plans, services, spot, spot_advisor
from pricing.sources.assemble import assemble
from pricing.sources.cache import Cache, age, is_fresh
from pricing.sources.failures import Failures, reason_of
from pricing.sources.figures import Figures, Found, Key, Part, part_of
from pricing.sources.interface import Aws
from pricing.sources.names import is_glob, matching
from pricing.sources.parallel import Job, in_parallel
from pricing.sources.snapshot import SnapshotSource

HINT = "see: aws ec2 describe-instance-types"


@dataclass(frozen=True)
class LiveSource:
    """Reads markets from AWS.

    Without ``aws`` nothing is asked, and the cache and the snapshot answer alone. ``strict``
    refuses to fall back on either, and so does not look into the cache; only how often Spot is
    interrupted, which is no price, may be missing then. ``days`` is the length of the Spot history.
    ``now`` is the moment of reading, with a time zone; ``lacking`` says why there is no ``aws``.
    """

    aws: Aws | None
    snapshot: SnapshotSource
    now: datetime
    days: int = 30
    cache: Cache | None = None
    strict: bool = False
    lacking: tuple[Notice, ...] = ()

    def read(self, regions: tuple[str, ...], instance_types: tuple[str, ...]) -> Market:
        """See :class:`pricing.sources.interface.PriceSource`; ``strict``, also ``SourceError``."""
        names, figures, notices = self.figures(regions, instance_types)
        if self.aws is None and not _any_price(figures):
            market = self.snapshot.read(regions, instance_types)
            return msgspec.structs.replace(market, notices=notices)
        return assemble(regions, names, figures, notices)

    def regions(self, home: str) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
        """Every region there is, asked in ``home``, and what had to be replaced.

        With ``strict``, raises ``SourceError``.
        """
        if self.aws is None:
            return self.snapshot.regions, ()
        try:
            return instance_types.read_regions(self.aws, home), ()
        except SourceError as error:
            self._refuse_if_strict(error)
            used = "used instead: the regions of the snapshot"
            return self.snapshot.regions, (
                Notice(f"source-{error.code}", f"regions: {reason_of(error)}; {used}"),
            )

    def figures(
        self, regions: tuple[str, ...], patterns: tuple[str, ...]
    ) -> tuple[list[str], Figures, tuple[Notice, ...]]:
        """The types that match, every figure of them, and what had to be replaced."""
        failures = Failures()
        names = self._names(regions, patterns, failures)
        kept = self._cached(regions, names)
        figures = {
            key: found
            for key, found in kept.items()
            if self.aws is not None and is_fresh(found, part_of(key), self.now)
        }
        if self.aws is not None:
            figures |= self._live(self.aws, regions, names, figures, failures)
            self._keep(figures)
        for key in _wanted(regions, names):
            if key not in figures:
                figures[key] = self._instead(key, kept, failures)
        self._check(names, patterns, regions, figures, failures)
        told = self.cache.notices if self.cache else ()
        return names, figures, (*self.lacking, *failures.notices(regions), *told)

    def _names(
        self, regions: tuple[str, ...], patterns: tuple[str, ...], failures: Failures
    ) -> list[str]:
        """The names that patterns stand for; those without wildcards stand for themselves."""
        globs = tuple(pattern for pattern in patterns if is_glob(pattern))
        plain = {pattern for pattern in patterns if pattern not in globs}
        if not globs:
            return sorted(plain)
        offered: set[str] = set()
        if self.aws is not None:
            read = partial(instance_types.read_names, self.aws)
            jobs = [
                Job(part.INSTANCE_TYPES, (region,), globs, partial(read, region))
                for region in regions
            ]
            for job, answer in in_parallel(jobs):
                if isinstance(answer, SourceError):
                    self._refuse_if_strict(answer)
                    failures.add(job, answer)
                else:
                    offered |= set(answer)
        if not offered:
            failures.names_replaced(globs)
            return sorted(plain | set(self.snapshot.matching(globs)))
        matched = matching(globs, offered)
        for pattern, names in matched.items():
            if not names:
                where = ", ".join(regions)
                raise UnknownInstanceType(f"no instance type in {where} matches {pattern!r}", HINT)
        return sorted(plain.union(*matched.values()))

    def _check(
        self,
        names: list[str],
        patterns: tuple[str, ...],
        regions: tuple[str, ...],
        figures: Figures,
        failures: Failures,
    ) -> None:
        """Raise where a type was asked for by a name that nobody knows.

        One that is known, and not offered, is a plan without a price.
        """
        for name in names:
            absences = [
                part.find(figures, part.INSTANCE_TYPES, region, name).value for region in regions
            ]
            known = self.snapshot.find(part.INSTANCE_TYPES, regions[0], name).value
            if (
                name not in patterns
                or not isinstance(known, Unpriced)
                or any(not isinstance(absence, Unpriced) for absence in absences)
            ):
                continue
            if error := failures.of((regions[0], part.INSTANCE_TYPES.name, name)):
                raise error
            if self.aws is None:
                self.snapshot.matching((name,))
            [reason, *_] = [one.reason for one in absences if isinstance(one, Unpriced)]
            raise UnknownInstanceType(f"{name}: {reason}", HINT)

    def _cached(self, regions: tuple[str, ...], names: list[str]) -> dict[Key, Found[Any]]:
        if self.cache is None or self.strict:
            return {}
        wanted = set(_wanted(regions, names))
        return {
            (region, one.name, item): found
            for region in regions
            for one in part.PARTS
            for item, found in self.cache.read(one, region, self._variant(one)).items()
            if (region, one.name, item) in wanted
        }

    def _variant(self, one: Part[Any]) -> str:
        """Spot statistics of different windows are different figures."""
        return f"{self.days}d" if one is part.SPOT else ""

    def _keep(self, figures: Mapping[Key, Found[Any]]) -> None:
        if self.cache is None:
            return
        fresh: dict[tuple[str, str], dict[str, Found[Any]]] = {}
        for (region, name, item), found in figures.items():
            if found.mode == "live":
                fresh.setdefault((region, name), {})[item] = found
        for (region, name), found_by_item in fresh.items():
            one = part_of((region, name, ""))
            self.cache.write(one, region, found_by_item, self._variant(one))

    def _live(
        self,
        aws: Aws,
        regions: tuple[str, ...],
        names: list[str],
        have: Mapping[Key, Found[Any]],
        failures: Failures,
    ) -> dict[Key, Found[Any]]:
        """Read what is not had yet."""
        jobs = [
            job
            for job in _jobs(aws, regions, tuple(names), self)
            if any(
                (region, job.part.name, item) not in have
                for region in job.regions
                for item in job.items
            )
        ]
        found: dict[Key, Found[Any]] = {}
        for job, answer in in_parallel(jobs):
            if isinstance(answer, SourceError):
                if job.part is not part.INTERRUPTION:
                    self._refuse_if_strict(answer)
                failures.add(job, answer)
                continue
            source = self.source(job.part)
            for (region, item), value in answer.items():
                found[region, job.part.name, item] = Found(value, source, "live")
        return found

    def source(self, one: Part[Any]) -> Source:
        """Where a part read now comes from."""
        moment = self.now.isoformat(timespec="seconds").replace("+00:00", "Z")
        return Source(one.source, self.now.date().isoformat(), moment, one.origin)

    def _refuse_if_strict(self, error: SourceError) -> None:
        if self.strict:
            raise error

    def _instead(self, key: Key, kept: Mapping[Key, Found[Any]], failures: Failures) -> Found[Any]:
        """A figure that could not be read now: from the cache, the snapshot, or its absence."""
        region, _, item = key
        one = part_of(key)
        embedded = self.snapshot.find(one, region, item)
        stored = kept.get(key)
        if (
            stored
            and age(stored, self.now) >= timedelta(0)
            and (
                isinstance(embedded.value, Unpriced) or stored.source.as_of >= embedded.source.as_of
            )
        ):
            failures.replaced(key, stored)
            return stored
        if not isinstance(embedded.value, Unpriced) and not self.strict:
            failures.replaced(key, embedded)
            return embedded
        error = failures.of(key)
        if error is None:
            return embedded
        absence = Unpriced(error.code, f"{one.said} could not be read: {error}")
        return Found(absence, self.source(one), "live")


def _wanted(regions: tuple[str, ...], names: Iterable[str]) -> Iterator[Key]:
    for region in regions:
        for one in part.BY_TYPE:
            for name in names:
                yield region, one.name, name
        for service in Service:
            yield region, part.RATES.name, service.value


def _any_price(figures: Figures) -> bool:
    return any(
        name == part.TERMS.name and not isinstance(found.value, Unpriced)
        for (_, name, _), found in figures.items()
    )


def _jobs(
    aws: Aws, regions: tuple[str, ...], names: tuple[str, ...], live: LiveSource
) -> Iterator[Job]:
    # The price list first: it is the slowest, and the strictest with those who hurry.
    for types in on_demand.queries(regions, names):
        read = partial(on_demand.read, aws, regions, types, live.now)
        yield Job(part.TERMS, regions, types, read)
    source = live.source(part.RATES)
    for query in services.QUERIES:
        items = tuple(service.value for service in query.rates)
        read_rates = partial(services.read, aws, query, regions, live.now, source)
        yield Job(part.RATES, regions, items, read_rates)
    for types in savings_plans.queries(regions, names):
        read_plans = partial(savings_plans.read, aws, regions, types)
        yield Job(part.SAVINGS_PLANS, regions, types, read_plans)
    read_advice = partial(spot_advisor.read, aws, regions, names)
    yield Job(part.INTERRUPTION, regions, names, read_advice)
    for region in regions:
        for types in instance_types.queries(names):
            read_types = partial(instance_types.read_types, aws, region, types)
            yield Job(part.INSTANCE_TYPES, (region,), types, read_types)
            read_zones = partial(instance_types.read_zones, aws, region, types)
            yield Job(part.ZONES, (region,), types, read_zones)
        for types in spot.queries(names, len(regions)):
            read_spot = partial(spot.read, aws, region, types, live.now, live.days)
            yield Job(part.SPOT, (region,), types, read_spot)
