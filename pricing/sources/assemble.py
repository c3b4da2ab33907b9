"""From figures, wherever they were read, to the market of regions."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import product

from pricing.calendar import HOURS_A_YEAR
from pricing.commitments import savings_plan_upfront
from pricing.market import Market, Missing, Notice
from pricing.offers import (
    COMMITTED,
    ON_DEMAND,
    PURCHASES,
    SPOT,
    InstanceType,
    Interruption,
    Offer,
    Purchase,
    Range,
    SpotPrices,
)
from pricing.price import Price, Source, Unpriced
from pricing.rates import Service
from pricing.sources import figures as part
from pricing.sources.figures import Figures, Found, Mode, find

PLACES = 12
"""Decimal places of an hourly price that an upfront payment is spread over: a month of it, with all
else on a bill, stays exact in Decimal's 28 digits."""

_WORST: tuple[Mode, ...] = ("live", "cache", "snapshot")


def assemble(
    regions: tuple[str, ...],
    names: Iterable[str],
    figures: Figures,
    notices: tuple[Notice, ...] = (),
) -> Market:
    """The offers of types in regions, and the regions' rates."""
    offers: list[Offer] = []
    missing: list[Missing] = []
    for region, name in product(regions, names):
        kind = find(figures, part.INSTANCE_TYPES, region, name).value
        if isinstance(kind, Unpriced):
            missing.append(Missing(region, name, kind))
        else:
            offers += _offers(region, kind, figures)
    rates = {
        region: {
            service: find(figures, part.RATES, region, service.value).value for service in Service
        }
        for region in regions
    }
    known = [found for found in figures.values() if not isinstance(found.value, Unpriced)]
    return Market(
        regions,
        _mode(figures),
        _sources(known),
        tuple(offers),
        rates,
        notices,
        missing=tuple(missing),
    )


def _mode(figures: Figures) -> Mode:
    """Of the parts that hold prices, the one furthest from live."""
    priced = {part.TERMS.name, part.SAVINGS_PLANS.name, part.SPOT.name, part.RATES.name}
    modes = {found.mode for (_, name, _), found in figures.items() if name in priced}
    return max(modes, key=_WORST.index, default="live")


def _sources(known: list[Found[object]]) -> tuple[Source, ...]:
    """One for each name, as old as its oldest figure."""
    oldest: dict[str, Source] = {}
    for found in known:
        source = found.source
        kept = oldest.setdefault(source.name, source)
        if (source.as_of, source.fetched_at) < (kept.as_of, kept.fetched_at):
            oldest[source.name] = source
    return tuple(oldest[name] for name in sorted(oldest))


def _offers(region: str, kind: InstanceType, figures: Figures) -> Iterator[Offer]:
    zones = find(figures, part.ZONES, region, kind.name).value
    spot = find(figures, part.SPOT, region, kind.name)
    priced = {} if isinstance(spot.value, Unpriced) else spot.value.zones
    ids = tuple(priced) if isinstance(zones, Unpriced) else zones.ids
    if not ids and not isinstance(zones, Unpriced):
        absence = Unpriced("not-offered", f"{kind.name} is not offered in {region}")
        for purchase in PURCHASES.values():
            yield Offer(kind, purchase, region, None, absence)
        return
    first = min(ids, default=None)
    terms = find(figures, part.TERMS, region, kind.name)
    rates = find(figures, part.SAVINGS_PLANS, region, kind.name)
    yield _hourly(kind, region, first, terms)
    for purchase in COMMITTED:
        reserved = purchase.kind == "reserved"
        cost = _reserved(purchase, terms) if reserved else _planned(purchase, rates)
        source = terms.source if reserved else rates.source
        yield _committed(kind, purchase, region, first, cost, source)
    yield from _spot(kind, region, ids, spot, find(figures, part.INTERRUPTION, region, kind.name))


def _hourly(kind: InstanceType, region: str, zone: str | None, terms: Found[part.Terms]) -> Offer:
    source, value = terms.source, terms.value
    hourly: Decimal | Price | Unpriced
    hourly = value if isinstance(value, Unpriced) else value.on_demand
    if not isinstance(hourly, Unpriced):
        hourly = Price(hourly, "Hrs", source.as_of, source.name)
    return Offer(kind, ON_DEMAND, region, zone, hourly)


def _reserved(purchase: Purchase, terms: Found[part.Terms]) -> tuple[Decimal, Decimal] | Unpriced:
    """US dollars an hour, all told, and at the start."""
    if isinstance(terms.value, Unpriced):
        return terms.value
    one = terms.value.reserved.get(purchase.name)
    if one is None:
        return Unpriced("not-read", f"{terms.source.name} holds no reserved prices")
    if isinstance(one, Unpriced):
        return one
    return one.hourly + one.upfront / (purchase.years * HOURS_A_YEAR), one.upfront


def _planned(
    purchase: Purchase, rates: Found[part.SavingsPlanRates]
) -> tuple[Decimal, Decimal] | Unpriced:
    """US dollars an hour, all told, and at the start."""
    if isinstance(rates.value, Unpriced):
        return rates.value
    rate = rates.value.hourly.get(purchase.name)
    if rate is None:
        return Unpriced("not-read", f"{rates.source.name} holds no such rate")
    return rate if isinstance(rate, Unpriced) else (rate, savings_plan_upfront(purchase, rate))


def _committed(
    kind: InstanceType,
    purchase: Purchase,
    region: str,
    zone: str | None,
    cost: tuple[Decimal, Decimal] | Unpriced,
    source: Source,
) -> Offer:
    if isinstance(cost, Unpriced):
        return Offer(kind, purchase, region, zone, cost)
    hourly, upfront = cost
    price = Price(round(hourly, PLACES), "Hrs", source.as_of, source.name)
    return Offer(kind, purchase, region, zone, price, upfront)


def _spot(
    kind: InstanceType,
    region: str,
    ids: tuple[str, ...],
    spot: Found[part.SpotZones],
    range_: Found[Range],
) -> Iterator[Offer]:
    interruption = (
        None
        if isinstance(range_.value, Unpriced)
        else Interruption(range_.value, range_.source.as_of)
    )
    if isinstance(spot.value, Unpriced):
        yield Offer(kind, SPOT, region, None, spot.value, interruption=interruption)
        return
    for zone in ids:
        prices = spot.value.zones.get(zone) or Unpriced(
            "no-spot-price", f"no Spot price of {kind.name} is known in zone {zone}"
        )
        if isinstance(prices, Unpriced):
            yield Offer(kind, SPOT, region, zone, prices, interruption=interruption)
        else:
            yield Offer(
                kind,
                SPOT,
                region,
                zone,
                _ranked(prices, spot.source),
                interruption=interruption,
                spot=prices,
            )


def _ranked(prices: SpotPrices, source: Source) -> Price:
    """The price that a Spot plan is ranked on: the current one, or the mean where that is more."""
    history = prices.history
    if history is None:
        return Price(prices.current, "Hrs", source.as_of, f"{source.name}, one observed price")
    if history.mean > prices.current:
        said = f"{source.name}, {history.days}-day mean"
        return Price(history.mean, "Hrs", source.as_of, said)
    return Price(prices.current, "Hrs", source.as_of, f"{source.name}, current price")
