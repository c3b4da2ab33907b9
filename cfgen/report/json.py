"""``recommend --json``, schema version 1. Money and quantities are decimal strings."""

import json
from datetime import datetime

import msgspec

from cfgen.report.numbers import plain
from cfgen.times import timestamp
from pricing.market import Market
from pricing.plans import Plan
from pricing.recommend import Recommendation

SCHEMA_VERSION = 1


def recommendation_json(recommendation: Recommendation, now: datetime) -> str:
    """The contract's document, with a final newline."""
    market = recommendation.market
    chosen = recommendation.recommended
    document = {
        "schema_version": SCHEMA_VERSION,
        "generated_at": timestamp(now),
        "region": market.region,
        "workload": _workload(recommendation),
        "prices": prices_json(market),
        "recommended": chosen.id if chosen else None,
        **({"recommended_region": chosen.offer.region} if chosen and market.is_wide else {}),
        "plans": [_where(plan.offer.region, market) | _plan(plan) for plan in recommendation.plans],
        "unpriced": [
            _where(plan.region, market)
            | {
                "instance_type": plan.instance_type,
                "purchase": plan.purchase,
                "hours": plan.hours,
                "code": plan.absence.code,
                "reason": plan.absence.reason,
            }
            for plan in recommendation.unpriced
        ],
        "warnings": [msgspec.to_builtins(notice) for notice in recommendation.notices],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def prices_json(market: Market) -> dict[str, object]:
    """What the figures rest on."""
    return {
        "mode": market.mode,
        "as_of": market.as_of,
        "sources": [msgspec.to_builtins(source) for source in market.sources],
    }


def _where(region: str, market: Market) -> dict[str, str]:
    """The region of a plan, where the document is of several."""
    return {"region": region} if market.is_wide else {}


def _workload(recommendation: Recommendation) -> dict[str, object]:
    workload = recommendation.workload
    fields: dict[str, object] = msgspec.to_builtins(workload)
    return fields | {
        "cpu_average_percent": plain(workload.cpu_average_percent),
        "window": str(workload.window),
    }


def _plan(plan: Plan) -> dict[str, object]:
    offer = plan.offer
    return {
        "id": plan.id,
        "instance_type": offer.instance_type.name,
        "arch": offer.instance_type.arch,
        "purchase": offer.purchase.name,
        "availability_zone_id": offer.availability_zone_id,
        "hours": plan.hours,
        "hours_per_month": plain(plan.hours_per_month),
        "shape": plan.shape,
        "commitment": offer.purchase.commitment,
        "upfront_usd": plain(offer.upfront),
        "monthly_usd": plain(plan.monthly),
        "interruption": msgspec.to_builtins(offer.interruption),
        "rejected_because": [msgspec.to_builtins(reason) for reason in plan.rejected_because],
        "bill": [
            {
                "item": str(item.item),
                "quantity": plain(item.quantity),
                "unit": item.price.unit,
                "unit_price_usd": plain(item.price.amount),
                "monthly_usd": plain(item.monthly),
                "source": item.price.source,
                "as_of": item.price.as_of,
            }
            for item in plan.bill.items
        ],
    }
