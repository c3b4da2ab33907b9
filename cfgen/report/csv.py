"""``recommend --csv``: a row a plan."""

import csv
import io

from cfgen.report.numbers import plain
from pricing.commitments import break_even_percent
from pricing.recommend import Recommendation

COLUMNS = (
    "id",
    "region",
    "instance_type",
    "arch",
    "purchase",
    "availability_zone_id",
    "hours",
    "hours_per_month",
    "instance_usd",
    "upfront_usd",
    "monthly_usd",
    "break_even_percent",
    "interruption",
    "spot_mean_usd",
    "spot_p50_usd",
    "spot_p95_usd",
    "spot_maximum_usd",
    "not_counted",
    "recommended",
    "rejected_because",
)


def recommendation_csv(recommendation: Recommendation) -> str:
    """All priced plans, cheapest first; reasons are joined by ``; ``."""
    chosen = recommendation.recommended
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for plan in recommendation.plans:
        offer, history = plan.offer, plan.offer.history
        hourly = recommendation.on_demand(plan)
        share = break_even_percent(offer, hourly) if hourly else None
        spot = (history.mean, history.p50, history.p95, history.maximum) if history else (None,) * 4
        writer.writerow(
            (
                plan.id,
                offer.region,
                offer.instance_type.name,
                offer.instance_type.arch,
                offer.purchase.name,
                offer.availability_zone_id or "",
                plan.hours,
                plain(plan.hours_per_month),
                plain(plan.bill.items[0].monthly),
                plain(offer.upfront),
                plain(plan.monthly),
                "" if share is None else plain(share),
                offer.interruption.range if offer.interruption else "",
                *("" if amount is None else plain(amount) for amount in spot),
                "; ".join(lack.item for lack in plan.bill.not_counted),
                "yes" if plan is chosen else "no",
                "; ".join(reason.reason for reason in plan.rejected_because),
            )
        )
    return file.getvalue()
