"""Live prices: every source read at once, with the cache before them and a snapshot behind them.

Two steps at most: the names that globs stand for, then everything else side by side, so that the
depth does not grow with types, zones, regions or services. What a source cannot give is taken from
the cache, then from the snapshot, part by part, and said; in strict mode it is an error instead.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from pricing.errors import SourceError, UnknownInstanceType
from pricing.market import Market, Notice
from pricing.offers import InstanceType
from pricing.price import Source, Unpriced
from pricing.rates import Service
from pricing.sources import figures as part
from pricing.sources import instance_types, on_demand, savings_plans, services, spot, spot_advisor
from pricing.sources.assemble import assemble
from pricing.sources.cache import Cache, is_fresh
from pricing.sources.figures import Figures, Found, Key, Part
from pricing.sources.interface import Aws
from pricing.sources.names import is_glob, matching
from pricing.sources.snapshot import SnapshotSource

THREADS = 32


class Job(msgspec.Struct, frozen=True):
    """One call: the items it reads of a part, and how."""

    part: Part[Any]
    regions: tuple[str, ...]
    items: tuple[str, ...]
    read: Callable[[], Any]


ORIGINS = {
    part.INSTANCE_TYPES.name: ("ec2-instance-types", instance_types.ORIGIN),
    part.ZONES.name: ("ec2-instance-types", instance_types.ORIGIN),
    part.TERMS.name: ("aws-price-list", on_demand.ORIGIN),
    part.RATES.name: ("aws-price-list", on_demand.ORIGIN),
    part.SAVINGS_PLANS.name: ("aws-savings-plans", savings_plans.ORIGIN),
    part.SPOT.name: ("ec2-spot-price-history", spot.ORIGIN),
    part.INTERRUPTION.name: ("spot-advisor", spot_advisor.ORIGIN),
}
"""The source's name and origin, by part."""

SAID = {
    part.INSTANCE_TYPES.name: "instance types",
    part.ZONES.name: "zones",
    part.TERMS.name: "on-demand and reserved prices",
    part.SAVINGS_PLANS.name: "Savings Plans rates",
    part.SPOT.name: "Spot prices",
    part.INTERRUPTION.name: "interruption ranges",
    part.RATES.name: "rates around the host",
}
"""A part's name in a sentence."""


@dataclass(frozen=True)
class LiveSource:
    """Reads markets from AWS.

    Without ``aws`` nothing is asked, and the cache and the snapshot answer alone. ``strict``
    refuses to fall back on either, and so does not look into the cache. ``days`` is the length of
    the Spot history. ``now`` is the moment of reading, with a time zone.
    """

    aws: Aws | None
    snapshot: SnapshotSource
    now: datetime
    days: int = 30
    cache: Cache | None = None
    strict: bool = False

    def read(self, regions: tuple[str, ...], instance_types: tuple[str, ...]) -> Market:
        """See :class:`pricing.sources.interface.PriceSource`; ``strict``, also ``SourceError``."""
        names, figures, notices = self.figures(regions, instance_types)
        if self.aws is None and not _any_price(figures):
            return self.snapshot.read(regions, instance_types)
        notices += self.cache.notices if self.cache else []
        return assemble(regions, names, figures, tuple(notices))

    def regions(self, home: str) -> tuple[str, ...]:
        """Every region there is, asked in ``home``. With ``strict``, raises ``SourceError``."""
        if self.aws is None:
            return self.snapshot.regions
        try:
            return instance_types.read_regions(self.aws, home)
        except SourceError:
            if self.strict:
                raise
            return self.snapshot.regions

    def figures(
        self, regions: tuple[str, ...], patterns: tuple[str, ...]
    ) -> tuple[list[str], Figures, list[Notice]]:
        """The types that match, every figure of them, and what had to be replaced."""
        failures = _Failures()
        names = self._names(regions, patterns, failures)
        kept = self._cached(regions, names)
        figures = {
            key: found
            for key, found in kept.items()
            if self.aws is not None and not self.strict and is_fresh(found, _part(key), self.now)
        }
        if self.aws is not None:
            figures |= self._live(self.aws, regions, names, figures, failures)
            self._keep(figures)
        for key in _wanted(regions, names):
            if key not in figures:
                figures[key] = self._instead(key, kept, failures)
            elif key[1] == part.INSTANCE_TYPES.name and isinstance(figures[key].value, Unpriced):
                # Not offered here; where its hardware is known all the same, that can be said.
                hardware = self.snapshot.find(part.INSTANCE_TYPES, key[0], key[2])
                if not isinstance(hardware.value, Unpriced):
                    figures[key] = hardware
        return self._known(names, patterns, regions, figures), figures, failures.notices()

    def _names(
        self, regions: tuple[str, ...], patterns: tuple[str, ...], failures: "_Failures"
    ) -> list[str]:
        """The names that patterns stand for; those without wildcards stand for themselves."""
        globs = tuple(pattern for pattern in patterns if is_glob(pattern))
        plain = [pattern for pattern in patterns if pattern not in globs]
        if not globs:
            return sorted(set(plain))
        offered: set[str] = set()
        if self.aws is not None:
            aws = self.aws
            jobs = [
                Job(
                    part.INSTANCE_TYPES,
                    (region,),
                    globs,
                    partial(instance_types.read_names, aws, region),
                )
                for region in regions
            ]
            for job, answer in _in_parallel(jobs):
                if isinstance(answer, SourceError):
                    self._refuse_if_strict(answer)
                    failures.add(job, answer)
                else:
                    offered |= set(answer)
        if not offered:
            return self.snapshot.matching(patterns)
        matched = matching(globs, offered)
        for pattern, names in matched.items():
            if not names:
                raise UnknownInstanceType(
                    f"no instance type in {', '.join(regions)} matches {pattern!r}",
                    "see: aws ec2 describe-instance-types",
                )
        return sorted({*plain, *(name for names in matched.values() for name in names)})

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
            if found.mode == "live" and not isinstance(found.value, Unpriced):
                fresh.setdefault((region, name), {})[item] = found
        for (region, name), found_by_item in fresh.items():
            one = _part((region, name, ""))
            self.cache.write(one, region, found_by_item, self._variant(one))

    def _live(
        self,
        aws: Aws,
        regions: tuple[str, ...],
        names: list[str],
        have: Mapping[Key, Found[Any]],
        failures: "_Failures",
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
        for job, answer in _in_parallel(jobs):
            if isinstance(answer, SourceError):
                if job.part is not part.INTERRUPTION:
                    self._refuse_if_strict(answer)
                failures.add(job, answer)
                continue
            source = self.source(job.part)
            for (region, item), value in answer.items():
                found[region, job.part.name, item] = Found(value, source, "live")
        return found

    def _known(
        self, names: list[str], patterns: tuple[str, ...], regions: tuple[str, ...], had: Figures
    ) -> list[str]:
        """The names whose hardware is known somewhere. Raises :class:`UnknownInstanceType`."""
        known = [name for name in names if any(_hardware(had, region, name) for region in regions)]
        if self.aws is None and set(patterns) & (set(names) - set(known)):
            return self.snapshot.matching(patterns)
        for name in set(patterns) & (set(names) - set(known)):
            found = part.find(had, part.INSTANCE_TYPES, regions[0], name).value
            reason = found.reason if isinstance(found, Unpriced) else "it is not known"
            raise UnknownInstanceType(f"{name}: {reason}", "see: aws ec2 describe-instance-types")
        return known

    def source(self, one: Part[Any]) -> Source:
        """Where a part read now comes from."""
        name, origin = ORIGINS[one.name]
        moment = self.now.isoformat(timespec="seconds").replace("+00:00", "Z")
        return Source(name, self.now.date().isoformat(), moment, origin)

    def _refuse_if_strict(self, error: SourceError) -> None:
        if self.strict:
            raise error

    def _instead(
        self, key: Key, kept: Mapping[Key, Found[Any]], failures: "_Failures"
    ) -> Found[Any]:
        """A figure that could not be read now: from the cache, the snapshot, or its absence."""
        region, name, item = key
        one = _part(key)
        embedded = self.snapshot.find(one, region, item)
        stored = kept.get(key)
        if stored and (
            isinstance(embedded.value, Unpriced) or stored.source.as_of >= embedded.source.as_of
        ):
            failures.replaced(key, stored)
            return stored
        if not isinstance(embedded.value, Unpriced) and not self.strict:
            failures.replaced(key, embedded)
            return embedded
        error = failures.of(key)
        if error is None:
            return embedded
        absence = Unpriced(error.code, f"{SAID[name]} could not be read: {error}")
        return Found(absence, self.source(one), "live")


class _Failures:
    """What could not be read, and what stands in for it."""

    def __init__(self) -> None:
        self._errors: dict[Key, SourceError] = {}
        self._instead: dict[Key, Found[Any]] = {}

    def add(self, job: Job, error: SourceError) -> None:
        """Note why a job's items could not be read."""
        for region in job.regions:
            for item in job.items:
                self._errors[region, job.part.name, item] = error

    def of(self, key: Key) -> SourceError | None:
        """Why an item could not be read, if it was tried."""
        return self._errors.get(key)

    def replaced(self, key: Key, found: Found[Any]) -> None:
        """Note what stands in for an item."""
        self._instead[key] = found

    def notices(self) -> list[Notice]:
        """One for each error and what was used instead, naming the parts."""
        # Of several errors alike in one part, the first stands for all.
        first: dict[tuple[str, str], SourceError] = {}
        told: dict[tuple[str, str, str], _Told] = {}
        for key, own in self._errors.items():
            error = first.setdefault((key[1], own.code), own)
            reason = f"{error}{f' ({error.hint})' if error.hint else ''}"
            found = self._instead.get(key)
            mode = found.mode if found else ""
            one = told.setdefault((error.code, reason, mode), _Told({}, []))
            one.parts[SAID[key[1]]] = None
            one.dates.append(found.source.as_of if found else "")
        return [
            Notice(f"source-{code}", f"{', '.join(one.parts)}: {reason}; {one.used(mode)}")
            for (code, reason, mode), one in told.items()
        ]


class _Told(msgspec.Struct, frozen=True):
    parts: dict[str, None]
    dates: list[str]

    def used(self, mode: str) -> str:
        if not mode:
            return "not priced, or not known"
        oldest, newest = min(self.dates), max(self.dates)
        dates = oldest if oldest == newest else f"{oldest} to {newest}"
        return f"used instead: the {mode} of {dates}"


_BY_NAME = {one.name: one for one in part.PARTS}


def _part(key: Key) -> Part[Any]:
    return _BY_NAME[key[1]]


def _wanted(regions: tuple[str, ...], names: Iterable[str]) -> Iterator[Key]:
    for region in regions:
        for one in part.BY_TYPE:
            for name in names:
                yield region, one.name, name
        for service in Service:
            yield region, part.RATES.name, service.value


def _hardware(figures: Figures, region: str, name: str) -> InstanceType | None:
    found = part.find(figures, part.INSTANCE_TYPES, region, name).value
    return None if isinstance(found, Unpriced) else found


def _any_price(figures: Figures) -> bool:
    return any(
        name == part.TERMS.name and not isinstance(found.value, Unpriced)
        for (_, name, _), found in figures.items()
    )


def _jobs(
    aws: Aws, regions: tuple[str, ...], names: tuple[str, ...], live: LiveSource
) -> Iterator[Job]:
    now = live.now
    # The price list first: it is the slowest, and the strictest with those who hurry.
    for types in on_demand.queries(regions, names):
        yield Job(
            part.TERMS,
            regions,
            types,
            partial(on_demand.read, aws, regions, types, now),
        )
    for query in services.QUERIES:
        yield Job(
            part.RATES,
            regions,
            tuple(service.value for service in query.rates),
            partial(services.read, aws, query, regions, now, live.source(part.RATES)),
        )
    for types in savings_plans.queries(regions, names):
        yield Job(
            part.SAVINGS_PLANS,
            regions,
            types,
            partial(savings_plans.read, aws, regions, types),
        )
    yield Job(part.INTERRUPTION, regions, names, partial(spot_advisor.read, aws, regions, names))
    for region in regions:
        yield from _regional_jobs(aws, region, names, live)


def _regional_jobs(
    aws: Aws, region: str, names: tuple[str, ...], live: LiveSource
) -> Iterator[Job]:
    for types in instance_types.queries(names):
        yield Job(
            part.INSTANCE_TYPES,
            (region,),
            types,
            partial(instance_types.read_types, aws, region, types),
        )
        yield Job(
            part.ZONES,
            (region,),
            types,
            partial(instance_types.read_zones, aws, region, types),
        )
    for types in spot.queries(names):
        yield Job(
            part.SPOT,
            (region,),
            types,
            partial(spot.read, aws, region, types, live.now, live.days),
        )


def _read(job: Job) -> Any:
    """Read once more what was cut off: botocore tries again for much, but not for that."""
    try:
        return job.read()
    except SourceError as error:
        if error.code != "malformed":
            raise
    return job.read()


def _in_parallel(jobs: list[Job]) -> Iterator[tuple[Job, Any]]:
    """Each job with its answer or its ``SourceError``, in the order in which they end.

    The threads are daemons: an interrupt ends the program at once, whatever they wait for. Any
    other error is raised here.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Job, Any]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work() -> None:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((job, _read(job)))
            except Exception as error:
                done.put((job, error))

    for _ in range(min(THREADS, len(jobs))):
        threading.Thread(target=work, daemon=True).start()
    for _ in jobs:
        job, answer = done.get()
        if isinstance(answer, Exception) and not isinstance(answer, SourceError):
            raise answer
        yield job, answer
