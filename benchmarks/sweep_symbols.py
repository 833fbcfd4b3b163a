"""Whether a sweep over many symbols takes more memory than one over few: minutes of made-up market, read one at a time.

    python benchmarks/sweep_symbols.py [DAYS] [FEW] [MANY]

One symbol's minutes are made and linked under as many names as are asked for (a second copy of the same file costs no
disk). Each sweep runs in a process of its own; what counts is the peak of its memory, with few symbols and with many.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sweep_memory import GIB, peak_bytes

DAYS, FEW, MANY = 90, 5, 50
GROWTH_MAX = 1.15  # the allocator keeps a little more after more symbols, and names and digests are kept
SETUPS, VARY = "failed_breakout", ("stop_scale=0.8,1", "target_r=1,2")


def child(store: str, out: str, count: str) -> None:
    """The sweep itself."""
    import bearskin
    from bearskin import backtest
    from bearskin.market import Store, list_symbols

    backtest.warm()
    names = [one.symbol for one in list_symbols(Store(Path(store)), "binance", "linear", "1m")][: int(count)]
    began_s = time.perf_counter()
    ran = bearskin.sweep(SETUPS, vary=VARY, symbols=names, interval="1m", store=store, out=out)
    seconds = time.perf_counter() - began_s
    assert ran.sweep.complete
    print(json.dumps({"seconds": seconds, "symbols": len(ran.sweep.symbols), "peak": peak_bytes()}))


def make(store: Path, days: int, count: int) -> int:
    """A store with `count` symbols of `days` days of minutes, all the same; the number of bars of one."""
    from bearskin.market import Store, known_instruments, load_brackets, write_synthetic

    write_synthetic(Store(store), seed=1, symbols=("BTCUSDT",), days=days, interval="1m")
    pattern = store / "synthetic" / "linear" / "BTCUSDT"
    with_brackets = set(load_brackets().symbols("binance", "linear"))
    names = [name for name in known_instruments("binance", "linear") if name in with_brackets]
    for name in names[:count]:
        for path in pattern.rglob("*.parquet"):
            link = store / "binance" / "linear" / name / path.relative_to(pattern)
            link.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, link)
    return days * 1440


def measure(days: int = DAYS, few: int = FEW, many: int = MANY) -> dict[str, float]:
    """Peak bytes and seconds with `few` and with `many` symbols, and the ratio of the peaks."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as room:
        store = Path(room) / "store"
        found["bars"] = make(store, days, many)
        for word, count in (("few", few), ("many", many)):
            run = subprocess.run(
                [sys.executable, __file__, "--child", str(store), str(Path(room) / word), str(count)],
                capture_output=True, text=True, check=False, env={**os.environ, "BEARSKIN_HOME": room},
            )  # fmt: skip
            if run.returncode:
                raise SystemExit(run.stderr)
            one = json.loads(run.stdout.splitlines()[-1])
            found |= {f"{word}_symbols": one["symbols"], f"{word}_peak": one["peak"], f"{word}_s": one["seconds"]}
    found["ratio"] = found["many_peak"] / found["few_peak"]
    return found


def main() -> int:
    """Print the figures; 1 when memory grew with the number of symbols."""
    found = measure(*(int(word) for word in sys.argv[1:4]))
    for word in ("few", "many"):
        print(
            f"{found[f'{word}_symbols']} symbols of {found['bars']:,} minutes: {found[f'{word}_s']:.0f} s, peak"
            f" {found[f'{word}_peak'] / GIB:.2f} GiB"
        )
    print(f"ratio of the peaks {found['ratio']:.2f}, at most {GROWTH_MAX}")
    return 1 if found["ratio"] > GROWTH_MAX else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
        sys.exit(0)
    sys.exit(main())
