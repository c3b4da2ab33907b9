"""``recommend --csv``: a row a plan."""

import csv
import io

from cfgen.report.numbers import plain
from pricing.recommend import Recommendation

COLUMNS = (
    "id",
    "instance_type",
    "arch",
    "purchase",
    "availability_zone_id",
    "hours",
    "hours_per_month",
    "instance_usd",
    "monthly_usd",
    "interruption",
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
        offer = plan.offer
        writer.writerow(
            (
                plan.id,
                offer.instance_type.name,
                offer.instance_type.arch,
                offer.purchase.name,
                offer.availability_zone_id or "",
                plan.hours,
                plain(plan.hours_per_month),
                plain(plan.bill.items[0].monthly),
                plain(plan.monthly),
                offer.interruption.range if offer.interruption else "",
                "; ".join(lack.item for lack in plan.bill.not_counted),
                "yes" if plan is chosen else "no",
                "; ".join(reason.reason for reason in plan.rejected_because),
            )
        )
    return file.getvalue()
