"""How long the demo takes to its first entry: the whole of it, process by process, over some seeds.

Nothing is made up for this: ordinary detectors, guards and sizing on the exchange's own market. One line a seed and a
summary; `--json` prints one object. A seed without an entry within `--most` counts with that time and is marked.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bearskin.app import demo
from bearskin.terms import parse_time


class _Entered(Exception):
    """The first entry is there."""


def one(seed: int, most_s: float, **given: Any) -> dict[str, Any]:
    """Market and wall seconds from the bot's first word to its first entry."""
    began: dict[str, float] = {}
    found: dict[str, Any] = {"seed": seed, "entered": False, "signals": 0, "declined": {}}

    def shown(state: dict[str, Any]) -> None:
        if state["time"] is None:
            return
        now_s, market_s = time.monotonic(), parse_time(state["time"]) / 1e9
        began.setdefault("wall", now_s)
        began.setdefault("market", market_s)
        counts = state["counts"]
        found.update(
            wall_s=round(now_s - began["wall"], 1),
            market_s=round(market_s - began["market"]),
            bars=counts["bars"],
            signals=counts["signals"],
            declined=counts["declined"],
            entered=counts["entries"] > 0,
            max_unprotected_s=counts["max_unprotected_s"],
        )
        if found["entered"] or found["wall_s"] >= most_s:
            raise _Entered

    with tempfile.TemporaryDirectory(prefix="bearskin-first-") as home, contextlib.suppress(_Entered):
        demo(seed=seed, home=Path(home), shown=shown, **given)
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--most", type=float, default=180.0, metavar="SECONDS")
    parser.add_argument("--interval")
    parser.add_argument("--speed")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    given = {name: value for name in ("interval", "speed") if (value := getattr(asked, name))}
    rows = []
    for seed in range(1, asked.seeds + 1):
        rows.append(row := one(seed, asked.most, **given))
        print(_line(row), file=sys.stderr, flush=True)
    walls = [row["wall_s"] for row in rows]
    summary = {
        **given,
        "seeds": len(rows),
        "entered": sum(row["entered"] for row in rows),
        "median_wall_s": round(statistics.median(walls), 1),
        "within_60_s": sum(row["entered"] and row["wall_s"] <= 60 for row in rows),
        "max_wall_s": max(walls),
        "median_market_s": round(statistics.median(row["market_s"] for row in rows)),
    }
    print(json.dumps({**summary, "rows": rows}) if asked.json else " ".join(f"{k}={v}" for k, v in summary.items()))
    return 0


def _line(row: dict[str, Any]) -> str:
    end = "first entry" if row["entered"] else "NO ENTRY"
    declined = f", declined {row['declined']}" if row["declined"] else ""
    return (
        f"seed {row['seed']}: {end} after {row.get('wall_s')} s, {row.get('market_s', 0) / 60:.0f} market minutes, "
        f"{row['signals']} signals{declined}"
    )


if __name__ == "__main__":
    sys.exit(main())
