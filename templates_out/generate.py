"""Write the templates of this folder, one a shape; ``--check`` only compares.

Prices come from the embedded snapshot, so the result changes with the code alone.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from cfgen import pipeline
from cfgen.config.load import make_config
from cfgen.lock import LockedPlan
from cfgen.prices import Prices

HERE = Path(__file__).parent

EVERYTHING = {
    "bot": {
        "source": "https://git.example.com/trading/bot.git@v1.2.0",
        "kind": "service",
        "environment": {"LOG_LEVEL": "INFO"},
    },
    "dashboard": {"cidrs": ["203.0.113.7/32"]},
    "network": {"ssh_cidrs": ["203.0.113.7/32"], "key_name": "trading"},
    "workload": {"hours": "market"},
    "host": {"disk_gib": 16, "credits": "unlimited"},
    "monitoring": {"email": "owner@example.com", "log_retention_days": 90},
    "backup": {"enabled": True},
    "dns": {"zone_id": "Z0123456789ABCDEFGHIJ", "name": "bot.example.com"},
    "budget": {"monthly_usd": "15"},
}
TWO_JOBS = {
    "bot": {
        "key_file": "config/kis_devlp.yaml",
        "jobs": [
            {
                "name": "bot",
                "entrypoint": "apps/daily_breakout_app.py",
                "arguments": ["--symbol", "069500"],
                "at": ["09:05", "15:20"],
                "exclusive": "account",
            },
            {
                "name": "rebalance",
                "entrypoint": "apps/rebalance_app.py",
                "every": "30min",
                "exclusive": "account",
            },
        ],
    },
}
SHAPES: dict[str, dict[str, object]] = {
    "on-demand-always": {},
    "on-demand-market": {"workload": {"hours": "market"}},
    "spot-always": {"workload": {"max_interruption": "any"}},
    "spot-market": {"workload": {"max_interruption": "any", "hours": "market"}},
    "two-jobs": dict(TWO_JOBS),
    "everything": dict(EVERYTHING),
}


PRICES = Prices(datetime(2026, 11, 1, tzinfo=UTC), "offline")
"""The embedded snapshot, and the first year of the exchange's calendar."""


def template(shape: str) -> str:
    """The text of one shape's template."""
    config = make_config(SHAPES[shape], "templates_out/generate.py")
    found = pipeline.recommend(config, PRICES)
    assert found.recommended is not None, f"nothing fits {shape}"
    plan = LockedPlan.of(found.recommended, found)
    return pipeline.build(config, plan, PRICES.now.year)


def main(arguments: list[str], folder: Path = HERE) -> int:
    """Write all templates, or with ``--check`` name those that are stale."""
    texts = {folder / f"{shape}.yaml": template(shape) for shape in SHAPES}
    if arguments == ["--check"]:
        stale = [
            path.name
            for path, text in texts.items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        ]
        stale += [path.name for path in folder.glob("*.yaml") if path not in texts]
        for name in stale:
            sys.stderr.write(f"templates_out/{name} is stale: run make templates\n")
        return int(bool(stale))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
