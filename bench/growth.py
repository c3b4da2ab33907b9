"""How the choice grows with the number of offers: seconds for each, and for each offer.

The offers are made up: ``types`` x 3 zones x Spot, on demand and 10 commitments, of one region.
"""

import time
from decimal import Decimal

from pricing.market import Market
from pricing.offers import COMMITTED, ON_DEMAND, SPOT, InstanceType, Offer, Purchase
from pricing.plans import make_plans
from pricing.price import Price, Source
from pricing.sources.snapshot import load_snapshot
from pricing.workload import HostShape, Usage, Workload

SIZES = (100, 1_000, 10_000)


def market(types: int) -> Market:
    """A market of made-up types at the real rates of Seoul."""
    rates = load_snapshot().regions["ap-northeast-2"].rates
    offers: list[Offer] = []
    for number in range(types):
        kind = InstanceType(f"t{number}.micro", "arm64", 2, 1024, Decimal(10))
        price = Price(Decimal(number + 1) / 1000, "Hrs", "2026-10-01", "made up")
        ways: list[tuple[Purchase, str | None]] = [
            *((purchase, None) for purchase in (ON_DEMAND, *COMMITTED[:10])),
            *((SPOT, f"apne2-az{zone}") for zone in (1, 2, 3)),
        ]
        offers += [Offer(kind, way, "ap-northeast-2", zone, price) for way, zone in ways]
    source = Source("made up", "2026-10-01", "2026-10-01", "this benchmark")
    return Market("ap-northeast-2", "snapshot", (source,), tuple(offers), {"ap-northeast-2": rates})


def main() -> None:
    """Measure and print."""
    print(f"{'types':>8}{'plans':>9}{'seconds':>9}{'us a plan':>11}")
    for size in SIZES:
        made = market(size)
        start = time.perf_counter()
        plans, _ = make_plans(made, Workload(), HostShape(), Usage())
        taken = time.perf_counter() - start
        print(f"{size:>8}{len(plans):>9}{taken:>9.2f}{taken / len(plans) * 1e6:>11.1f}")


if __name__ == "__main__":
    main()
