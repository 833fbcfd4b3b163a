"""The desk as a user meets it: every figure from fresh processes of one run, shown as ratios where a ratio says more.

The market is the real candles of `$BEARSKIN_DATA` where they are at hand, else a synthetic one of the same size, both
of hourly bars.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

YEAR = ("2025-02-01", "2026-02-01")
READ = """
import sys, polars as pl
rows = 0
for path in sys.stdin.read().split():
    rows += pl.read_parquet(path).height
print(rows)
"""


def command(*words: str, home: Path, kernels: Path) -> tuple[float, float, str]:
    """Run bearskin; seconds until it ended, seconds until its first line of progress, and its standard output."""
    env = {**os.environ, "BEARSKIN_HOME": str(home), "NUMBA_CACHE_DIR": str(kernels)}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        run = subprocess.Popen(
            [sys.executable, "-m", "bearskin", *words], env=env, stdout=out, stderr=subprocess.PIPE, text=True
        )
        assert run.stderr is not None
        first = None
        said = []
        for line in run.stderr:
            first = first or time.perf_counter() - start
            said.append(line)
        code = run.wait()
        took = time.perf_counter() - start
        out.seek(0)
        text = out.read()
    if code != 0:
        sys.exit(f"bearskin {' '.join(words)} ended with {code}: {''.join(said)}{text}")
    return took, took if first is None else first, text


def best(times: list[float]) -> float:
    """The fastest: what is left when the machine's other work is taken away."""
    return min(times)


def help_s() -> float:
    """Seconds of `bearskin --help`, best of five."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bearskin", "--help"], check=True, capture_output=True)
        found.append(time.perf_counter() - start)
    return best(found)


def real_data() -> Path | None:
    """The main set of real candles, when this machine has it."""
    named = os.environ.get("BEARSKIN_DATA")
    folder = (Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data") / "binance_um_2025"
    return folder if folder.is_dir() else None


def fill(home: Path, kernels: Path) -> tuple[str, list[str]]:
    """Put the market into a fresh home; its words and the options that choose it in a backtest."""
    folder = real_data()
    if folder is not None:
        command("data", "import", str(folder), "--quiet", home=home, kernels=kernels)
        return "real candles of 18 symbols", ["--from", YEAR[0], "--to", YEAR[1]]
    from bearskin.market import Store, write_synthetic

    names = [f"{coin}USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "DOGE", "1000PEPE")]
    write_synthetic(Store(home / "store"), seed=1, symbols=names, days=1095, interval="1h")
    return "a synthetic market, 3 years of 6 symbols", ["--venue", "synthetic"]


def reading_s(store: Path) -> float:
    """Seconds of a fresh Python that reads the files a backtest of hourly bars reads, and does nothing else."""
    files = [str(p) for p in store.rglob("*.parquet") if "1h" in str(p) or "funding" in str(p)]
    found = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", READ], input="\n".join(files), text=True, check=True, capture_output=True)
        found.append(time.perf_counter() - start)
    return best(found)


def measure() -> dict[str, object]:
    """Seconds and ratios of help, first compile, cold and warm desk against reading the same files."""
    with tempfile.TemporaryDirectory() as scratch:
        home, kernels = Path(scratch) / "home", Path(scratch) / "kernels"
        market, options = fill(home, kernels)
        words = ["backtest", "--symbols", "all", "--setups", "all", "--side", "both", *options, "--json"]
        reading = reading_s(home / "store")
        cold, _, text = command(*words, home=home, kernels=kernels)
        warm_runs = [command(*words, home=home, kernels=kernels) for _ in range(3)]
        warm = best([run[0] for run in warm_runs])
        return {
            "market": market,
            "trades": json.loads(text.splitlines()[-1])["summary"]["trades"],
            "help_s": help_s(),
            "reading_s": reading,
            "cold_s": cold,
            "warm_s": warm,
            "first_compile_s": cold - warm,
            "first_line_s": best([run[1] for run in warm_runs]),
            "cold_over_reading": cold / reading,
            "warm_over_reading": warm / reading,
        }
