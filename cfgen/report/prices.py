"""``prices show``: every figure in use, with its source and age."""

import json
from collections.abc import Iterator
from datetime import date, datetime

import msgspec
from rich.console import RenderableType
from rich.text import Text

from cfgen.report.json import prices_json
from cfgen.report.numbers import age, plain
from cfgen.report.paper import Paper
from cfgen.times import timestamp
from pricing.market import Market
from pricing.offers import InstanceType, Interruption, Offer
from pricing.price import Price, Unpriced
from pricing.rates import Rate, Service


class Figure(msgspec.Struct, frozen=True):
    """A price in use, or why there is none. ``of`` names what it is the price of."""

    region: str
    of: str
    price: Price | Unpriced


def figures(market: Market) -> Iterator[Figure]:
    """All of a market: offers by type and purchase, then rates by tier."""
    for offer in market.offers:
        yield from _offer(offer)
    for one in market.missing:
        yield Figure(one.region, one.instance_type, one.absence)
    for region, rates in market.rates.items():
        for service, rate in rates.items():
            yield from _tiers(region, service, rate)


def _offer(offer: Offer) -> Iterator[Figure]:
    """What an offer is ranked on, and what that rests on."""
    zone = f" in {offer.availability_zone_id}" if offer.purchase.kind == "spot" else ""
    name = offer.name + zone
    yield Figure(offer.region, name, offer.hourly)
    if isinstance(offer.hourly, Unpriced):
        return
    parts = {}
    if offer.upfront:
        parts["upfront"] = msgspec.structs.replace(offer.hourly, amount=offer.upfront, unit="once")
    if offer.spot and offer.history:
        amounts = {
            "current": offer.spot.current,
            "mean": offer.history.mean,
            "median": offer.history.p50,
            "95%": offer.history.p95,
            "highest": offer.history.maximum,
        }
        source = offer.hourly.source.partition(",")[0]
        for what, amount in amounts.items():
            parts[what] = msgspec.structs.replace(offer.hourly, amount=amount, source=source)
    for what, price in parts.items():
        yield Figure(offer.region, f"{name}, {what}", price)


def _tiers(region: str, service: Service, rate: Rate | Unpriced) -> Iterator[Figure]:
    if isinstance(rate, Unpriced):
        yield Figure(region, str(service), rate)
        return
    for tier in rate.tiers:
        above = f" above {plain(tier.begin)}" if tier.begin else ""
        yield Figure(region, f"{service}{above}", tier.price)


def _free(market: Market) -> Iterator[dict[str, str]]:
    """Units a month that cost nothing; those of one pool are shared."""
    for region, rates in market.rates.items():
        for service, rate in rates.items():
            if isinstance(rate, Rate) and rate.free:
                yield {
                    "region": region,
                    "of": str(service),
                    "units": plain(rate.free),
                    "unit": rate.tiers[0].price.unit,
                    "pool": rate.free_pool,
                }


def _hardware(market: Market) -> list[InstanceType]:
    return list({offer.instance_type.name: offer.instance_type for offer in market.offers}.values())


def _interruption(market: Market) -> dict[tuple[str, str], Interruption]:
    return {
        (offer.region, offer.instance_type.name): offer.interruption
        for offer in market.offers
        if offer.interruption
    }


def figures_text(market: Market, paper: Paper, today: date) -> str:
    """A table of prices, and a list of what has none."""
    return paper.render(_parts(market, paper, today))


def _parts(market: Market, paper: Paper, today: date) -> Iterator[RenderableType]:
    region = ("Region",) if market.is_wide else ()
    where = "all regions" if region else market.region
    yield Text(f"Prices in {where} ({market.mode})", style="bold")
    yield ""
    table = paper.table(*region, "Price of", "US dollars", "Unit", "Source", right=("US dollars",))
    lacking = []
    for one in figures(market):
        place = (one.region,) if region else ()
        if isinstance(one.price, Unpriced):
            lacking.append(f"  {' '.join((*place, one.of))}: {one.price.reason}")
            continue
        since = f"{one.price.as_of} ({age(one.price.as_of, today)})"
        source = f"{one.price.source}, {since}"
        table.add_row(
            *place, paper.fold(one.of, 30), plain(one.price.amount), one.price.unit, source
        )
    yield table
    yield ""
    yield Text("Instance types", style="bold")
    for kind in _hardware(market):
        base = kind.baseline_percent
        burst = "" if base is None else f", {plain(base)}% of each for ever"
        yield f"  {kind.name}: {kind.arch}, {kind.vcpus} vCPUs{burst}, {kind.memory_mib} MiB"
    ranges = _interruption(market)
    if ranges:
        yield ""
        yield Text("Spot instances interrupted in a month", style="bold")
        for (near, name), share in ranges.items():
            since = f"{share.as_of} ({age(share.as_of, today)})"
            yield f"  {name} in {near}: {share.range}, {since}"
    if free := list(_free(market)):
        yield ""
        yield Text("Free every month", style="bold")
        for part in free:
            here = f" in {part['region']}" if region else ""
            shared = f", shared by all of {part['pool']}" if part["pool"] else ""
            yield f"  {part['of']}{here}: {part['units']} {part['unit']}{shared}"
    if lacking:
        yield ""
        yield Text("Without a price", style="bold")
        yield from lacking


def figures_json(market: Market, now: datetime) -> str:
    """The same as JSON; amounts are decimal strings."""
    document = {
        "schema_version": 1,
        "generated_at": timestamp(now),
        "region": market.region,
        "prices": prices_json(market),
        "figures": [
            {"region": one.region, "of": one.of}
            | (
                {"code": one.price.code, "reason": one.price.reason}
                if isinstance(one.price, Unpriced)
                else {
                    "usd": plain(one.price.amount),
                    "unit": one.price.unit,
                    "source": one.price.source,
                    "as_of": one.price.as_of,
                }
            )
            for one in figures(market)
        ],
        "free": list(_free(market)),
        "instance_types": [msgspec.to_builtins(kind) for kind in _hardware(market)],
        "interruption": [
            {"region": region, "instance_type": name} | msgspec.to_builtins(one)
            for (region, name), one in _interruption(market).items()
        ],
        "warnings": [msgspec.to_builtins(notice) for notice in market.notices],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
