"""From figures, wherever they were read, to the market of regions."""

from collections.abc import Iterable, Iterator

from pricing.commitments import HOURS_A_YEAR, savings_plan_upfront
from pricing.market import Market, Notice
from pricing.offers import (
    COMMITTED,
    ON_DEMAND,
    SPOT,
    InstanceType,
    Interruption,
    Offer,
    Purchase,
    Range,
)
from pricing.price import Price, Source, Unpriced
from pricing.rates import Service
from pricing.sources import figures as part
from pricing.sources.figures import Commitment, Figures, Found, Mode, find

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
    """The offers of types in regions, and the regions' rates.

    A type whose hardware is not known in a region makes no offer there.
    """
    wanted = tuple(names)
    offers = tuple(
        offer for region in regions for name in wanted for offer in _offers(region, name, figures)
    )
    rates = {
        region: {
            service: find(figures, part.RATES, region, service.value).value for service in Service
        }
        for region in regions
    }
    known = [found for found in figures.values() if not isinstance(found.value, Unpriced)]
    return Market(
        regions[0] if len(regions) == 1 else "all",
        _mode(figures),
        _sources(known),
        offers,
        rates,
        notices,
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


def _offers(region: str, name: str, figures: Figures) -> Iterator[Offer]:
    kind = find(figures, part.INSTANCE_TYPES, region, name).value
    if not isinstance(kind, InstanceType):
        return
    zones = find(figures, part.ZONES, region, name).value
    spot = find(figures, part.SPOT, region, name)
    priced = {} if isinstance(spot.value, Unpriced) else spot.value.zones
    ids = tuple(priced) if isinstance(zones, Unpriced) else zones.ids
    if not ids and not isinstance(zones, Unpriced):
        absence = Unpriced("not-offered", f"{name} is not offered in {region}")
        for purchase in (ON_DEMAND, SPOT, *COMMITTED):
            yield Offer(kind, purchase, region, None, absence)
        return
    first = min(ids, default=None)
    yield from _listed(kind, region, first, find(figures, part.TERMS, region, name))
    yield from _planned(kind, region, first, find(figures, part.SAVINGS_PLANS, region, name))
    yield from _spot(kind, region, ids, spot, find(figures, part.INTERRUPTION, region, name))


def _listed(
    kind: InstanceType, region: str, zone: str | None, terms: Found[part.Terms]
) -> Iterator[Offer]:
    source, value = terms.source, terms.value
    hourly = value if isinstance(value, Unpriced) else value.on_demand
    yield Offer(
        kind,
        ON_DEMAND,
        region,
        zone,
        hourly if isinstance(hourly, Unpriced) else Price(hourly, "Hrs", source.as_of, source.name),
    )
    for purchase in COMMITTED:
        if purchase.kind == "reserved":
            one: Commitment | Unpriced
            if isinstance(value, Unpriced):
                one = value
            else:
                one = value.reserved.get(purchase.name) or Unpriced(
                    "not-read", f"{source.name} holds no reserved prices"
                )
            yield _committed(kind, purchase, region, zone, one, source)


def _planned(
    kind: InstanceType, region: str, zone: str | None, rates: Found[part.SavingsPlanRates]
) -> Iterator[Offer]:
    for purchase in COMMITTED:
        if purchase.kind == "reserved":
            continue
        one: Commitment | Unpriced
        if isinstance(rates.value, Unpriced):
            one = rates.value
        else:
            rate = rates.value.hourly.get(purchase.name) or Unpriced(
                "not-read", f"{rates.source.name} holds no such rate"
            )
            if isinstance(rate, Unpriced):
                one = rate
            else:
                paid = savings_plan_upfront(purchase, rate)
                one = Commitment(rate - paid / (purchase.years * HOURS_A_YEAR), paid)
        yield _committed(kind, purchase, region, zone, one, rates.source)


def _committed(
    kind: InstanceType,
    purchase: Purchase,
    region: str,
    zone: str | None,
    one: Commitment | Unpriced,
    source: Source,
) -> Offer:
    if isinstance(one, Unpriced):
        return Offer(kind, purchase, region, zone, one)
    spread = one.upfront / (purchase.years * HOURS_A_YEAR)
    hourly = Price(round(one.hourly + spread, PLACES), "Hrs", source.as_of, source.name)
    return Offer(kind, purchase, region, zone, hourly, one.upfront)


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
                history=prices.history,
            )


def _ranked(prices: part.SpotPrices, source: Source) -> Price:
    """The price that a Spot plan is ranked on: the current one, or the mean where that is more."""
    history = prices.history
    if history is None:
        return Price(prices.current, "Hrs", source.as_of, f"{source.name}, one observed price")
    if history.mean > prices.current:
        said = f"{source.name}, {history.days}-day mean"
        return Price(history.mean, "Hrs", source.as_of, said)
    return Price(prices.current, "Hrs", source.as_of, f"{source.name}, current price")
