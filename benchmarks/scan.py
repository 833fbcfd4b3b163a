"""A scan of 500 symbols, 1,500 hourly bars each, every set-up, both sides: looking alone, and with reading the store.

The market is a made-up one (random walks, no kernel), 50 walks under ten names each: looking costs the same for two
symbols alike. What it takes to start Python and to import is left out of looking; the limit is on the computing of the
slower half, which is what it takes where nothing else runs.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bearskin.backtest import ScanRequest
from bearskin.market import Panel, SeriesKey, Store
from bearskin.risk import EntryRules
from bearskin.setups._worlds import walks
from bearskin.terms import Instrument, MarginMode

SYMBOLS, WALKS, BARS = 500, 50, 1_500
LOOKING_S_MAX = 5.0
PROCESSES = 2


def request(at_ns: int) -> ScanRequest:
    """Everything, as the command asks it."""
    rules = EntryRules(
        preset="standard", risk_frac=Decimal("0.01"), leverage=None, margin_mode=MarginMode.ISOLATED,
        heat_frac=Decimal("0.03"), slippage_frac=Decimal("0.0002"),
    )  # fmt: skip
    return ScanRequest(at_ns=at_ns, rules=rules)


def _names() -> list[str]:
    """Symbols that the packaged snapshot knows, so that the command takes them for real ones."""
    from bearskin.market import load_brackets

    return load_brackets().symbols("binance", "linear")[:SYMBOLS]


def _panels(part: int) -> list[Panel]:
    """A part of the symbols; made in the process that scans them."""
    made = walks(WALKS, BARS, seed=11)
    names = _names()[part::PROCESSES]
    return [_named(made[k % WALKS], name) for k, name in enumerate(names)]


def _named(panel: Panel, name: str) -> Panel:
    instrument: Instrument = dataclasses.replace(
        panel.instrument, venue="binance", symbol=name, base=name.removesuffix("USDT"), tick=Decimal("0.01")
    )
    prices = {side: np.round(getattr(panel, side), 2) for side in ("open", "high", "low", "close")}
    return dataclasses.replace(panel, instrument=instrument, **prices)


def look(part: int) -> tuple[float, float, int]:
    """Seconds that one process takes for its part of the symbols, those of computing, and what it found."""
    from bearskin.backtest import scan_panel
    from bearskin.market import load_brackets

    panels, book = _panels(part), load_brackets()
    asked = request(panels[0].known_ns(BARS - 1))
    scan_panel(panels[0], asked, book)  # imports what is imported late
    start, computing = time.perf_counter(), time.process_time()
    found = [scan_panel(panel, asked, book) for panel in panels]
    took = time.perf_counter() - start, time.process_time() - computing
    return *took, sum(len(one.found) for one in found)


def _stored(root: Path) -> None:
    """The same symbols in a store: candles and funding."""
    store = Store(root)
    for part in range(PROCESSES):
        for panel in _panels(part):
            key = SeriesKey("binance", "linear", panel.instrument.symbol, "trade", "1h")
            times = pl.Series("time", panel.time_ns).cast(pl.Datetime("ns", "UTC"))
            known = pl.Series("known_at", panel.time_ns + panel.interval_ns).cast(pl.Datetime("ns", "UTC"))
            names = ("open", "high", "low", "close", "volume", "quote_volume")
            frame = pl.DataFrame([times, known, *(pl.Series(name, getattr(panel, name)) for name in names)])
            store.append(key, frame, "walk")
            assert panel.funding is not None
            settled = pl.Series("time", panel.funding.time_ns).cast(pl.Datetime("ns", "UTC"))
            frame = pl.DataFrame({"time": settled, "known_at": settled, "rate": panel.funding.rate})
            store.append(SeriesKey("binance", "linear", panel.instrument.symbol, "funding", "event"), frame, "walk")


def whole() -> tuple[float, float, float]:
    """Seconds of the command's function over a store, in one process and in two, and of computing in the first.

    Imports are left out of the one, the start of two processes is in the other.
    """
    from bearskin.app._scan import scan

    with tempfile.TemporaryDirectory(prefix="bearskin-scan-") as folder:
        root = Path(folder) / "store"
        _stored(root)
        common: dict[str, Any] = {"home": folder, "store": root, "venue": "binance"}
        scan(symbols=_names()[0], **common)
        took = []
        for processes in (1, PROCESSES):
            start, busy = time.perf_counter(), time.process_time()
            found = scan(processes=processes, **common)
            took.append((time.perf_counter() - start, time.process_time() - busy))
            assert len(found.symbols) == SYMBOLS
        return took[0][0], took[1][0], took[0][1]


def measure() -> dict[str, float]:
    """Seconds of looking on two cores, of the verb with reading, and what was found."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        parts = list(pool.map(look, range(PROCESSES)))
    one_s, two_s, cpu_s = whole()
    return {
        "looking_s": max(took for took, _, _ in parts), "looking_cpu_s": max(took for _, took, _ in parts),
        "found": sum(found for _, _, found in parts), "verb_one_s": one_s, "verb_two_s": two_s, "verb_cpu_s": cpu_s,
    }  # fmt: skip


def main() -> int:
    """Print the figures; 1 when beyond the limit."""
    found = measure()
    print(
        f"{SYMBOLS} symbols of {BARS:,} bars, every set-up, both sides, {found['found']:.0f} candidates:"
        f" {found['looking_s']:.2f} s on {PROCESSES} cores, {found['looking_cpu_s']:.2f} s of it computing"
        f" (under {LOOKING_S_MAX:g}); with reading the store {found['verb_one_s']:.2f} s in one process"
        f" ({found['verb_cpu_s']:.2f} s of computing),"
        f" {found['verb_two_s']:.2f} s in {PROCESSES} with their start"
    )
    return 0 if found["looking_cpu_s"] < LOOKING_S_MAX else 1


if __name__ == "__main__":
    raise SystemExit(main())
