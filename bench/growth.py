"""How the choice and the Spot statistics grow: seconds, and memory.

The figures are made up: ``types`` in ``regions`` with 3 zones and 12 purchases (Spot in each zone,
on demand, ten commitments), and histories of a type in 4 zones over 90 days. Each size runs in a
process of its own, so that its peak of memory is its own.
"""

import gc
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pricing.market import Market
from pricing.offers import COMMITTED, ON_DEMAND, SPOT, InstanceType, Offer, Purchase
from pricing.price import Price, Source
from pricing.recommend import recommend
from pricing.sources.snapshot import load_snapshot
from pricing.sources.spot import statistics
from pricing.workload import HostShape, Usage, Workload

MARKETS = ((100, 1), (1_000, 1), (1_000, 10), (1_000, 34))
"""Types and regions."""

HISTORIES = (1_000, 10_000, 100_000, 1_000_000)
"""Rows."""

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def market(types: int, regions: int) -> Market:
    """A market of made-up types at the real rates of Seoul."""
    names = [f"made-up-{number}" for number in range(regions)]
    offers: list[Offer] = []
    for number in range(types):
        kind = InstanceType(f"t{number}.micro", "arm64", 2, 1024, Decimal(10))
        price = Price(Decimal(number + 1) / 1000, "Hrs", "2026-10-01", "made up")
        ways: list[tuple[Purchase, str | None]] = [
            *((purchase, None) for purchase in (ON_DEMAND, *COMMITTED[:10])),
            *((SPOT, f"zone{zone}") for zone in (1, 2, 3)),
        ]
        offers += [Offer(kind, way, name, zone, price) for name in names for way, zone in ways]
    source = Source("made up", "2026-10-01", "2026-10-01", "this benchmark")
    rates = dict.fromkeys(names, load_snapshot().regions["ap-northeast-2"].rates)
    return Market(tuple(names), "snapshot", (source,), tuple(offers), rates)


def history(rows: int) -> Iterator[Mapping[str, Any]]:
    """Pages of a thousand rows, a new price at each."""
    step = timedelta(days=90) / rows
    for start in range(0, rows, 1000):
        yield {
            "SpotPriceHistory": [
                {
                    "ProductDescription": "Linux/UNIX",
                    "InstanceType": "t4g.micro",
                    "AvailabilityZoneId": f"apne2-az{number % 4}",
                    "Timestamp": NOW - step * number,
                    "SpotPrice": f"0.00{3000 + number * 7919 % 3000}",
                }
                for number in range(start, min(start + 1000, rows))
            ]
        }


def peak_mib() -> int:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(kind: str, *sizes: int) -> None:
    """One run: prints what it took."""
    if kind == "market":
        made = market(*sizes)
        start = time.perf_counter()
        plans = len(recommend(made, Workload(), HostShape(), Usage()).plans)
        taken = time.perf_counter() - start
        each = taken / plans * 1e6
        print(f"{sizes[0]:>8}{sizes[1]:>9}{plans:>9}{taken:>9.2f}{each:>11.1f}{peak_mib():>6}")
    else:
        start = time.perf_counter()
        statistics(history(*sizes), NOW, 90)
        taken = time.perf_counter() - start
        print(f"{sizes[0]:>10}{taken:>9.2f}{taken / sizes[0] * 1e6:>10.1f}{peak_mib():>6}")


def main() -> None:
    """Measure and print."""
    if len(sys.argv) > 1:
        # As the program does, cfgen/cli/main.py.
        gc.set_threshold(100_000, 20, 20)
        measure(sys.argv[1], *map(int, sys.argv[2:]))
        return
    print("A recommendation, all told")
    print(f"{'types':>8}{'regions':>9}{'plans':>9}{'seconds':>9}{'us a plan':>11}{'MiB':>6}")
    runs = [("market", *sizes) for sizes in MARKETS]
    _run(runs)
    print("\nStatistics of a Spot price history")
    print(f"{'rows':>10}{'seconds':>9}{'us a row':>10}{'MiB':>6}")
    _run([("history", rows) for rows in HISTORIES])


def _run(runs: list[Any]) -> None:
    for run in runs:
        subprocess.run([sys.executable, __file__, *map(str, run)], check=True)


if __name__ == "__main__":
    main()
