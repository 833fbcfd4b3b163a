"""How much memory a sweep takes: 10,000 combinations over a folder of market data, hour and five minutes.

    python benchmarks/sweep_memory.py FOLDER [INTERVAL ...]

FOLDER is imported into a store that is thrown away. Peak memory is that of the process that sweeps, all of it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GIB = 2**30
PEAK_BYTES_MAX = 2 * GIB
VARY = ("failed_breakout.fail_bars=3..12", "stop_scale=0.6..1.5:0.1", "target_r=0.5..5:0.5", "hold_bars=6..60:6")
SETUPS = "failed_breakout"


def child(store: str, out: str, interval: str) -> None:
    """The sweep itself, in a process of its own: what it took is all there is to see."""
    import bearskin
    from bearskin import backtest

    backtest.warm()
    began_s = time.perf_counter()
    ran = bearskin.sweep(SETUPS, vary=VARY, interval=interval, mark="last", store=store, out=out)
    seconds = time.perf_counter() - began_s
    rows = ran.sweep.rows.select("combination").collect().height
    print(json.dumps({"seconds": seconds, "rows": rows, "symbols": len(ran.sweep.symbols), "peak": peak_bytes()}))


def peak_bytes() -> int:
    """The most memory this process ever held (resident)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(folder: Path, intervals: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """By interval: seconds, rows, symbols, peak bytes."""
    from bearskin.market import Store, import_path

    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as room:
        store = Path(room) / "store"
        import_path(Store(store), folder)
        for interval in intervals:
            run = subprocess.run(
                [sys.executable, __file__, "--child", str(store), str(Path(room) / interval), interval],
                capture_output=True, text=True, check=False, env={**os.environ, "BEARSKIN_HOME": room},
            )  # fmt: skip
            if run.returncode:
                raise SystemExit(run.stderr)
            found[interval] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Print the figures; 1 when memory is beyond its limit."""
    found = measure(Path(sys.argv[1]), tuple(sys.argv[2:]) or ("1h", "5m"))
    for interval, one in found.items():
        print(
            f"{interval}: {one['rows'] / one['symbols']:,.0f} combinations on {one['symbols']} symbols,"
            f" {one['seconds']:.0f} s, peak {one['peak'] / GIB:.2f} GiB"
        )
    return 1 if any(one["peak"] > PEAK_BYTES_MAX for one in found.values()) else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
        sys.exit(0)
    sys.exit(main())
