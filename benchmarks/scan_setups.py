"""Every set-up on both sides of 500 symbols of 1,500 bars: what a scan of the last bars costs, and a look at all bars.

The bars are in memory: reading them is measured elsewhere. Two processes share the symbols; the limit is on the
computing of the slower one, which is what it takes where nothing else runs.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import TYPE_CHECKING

import engine_decide
import numpy as np

from bearskin.setups import SETUPS, abstentions, detect

if TYPE_CHECKING:
    from bearskin.market import Panel

SYMBOLS = 500
BARS = 1_500
LAST_BARS = 18  # what a scan asks for: twelve bars and the six before them
PROCESSES = 2
SCAN_S_MAX = 5.0


def measure() -> dict[str, float]:
    """Seconds for the last bars and for all bars, wall and processor time of the slower process, and events found."""
    panels = _panels()
    silent = {said.setup for said in abstentions(panels[0])}
    last_s, last_cpu_s, last = _shared(panels, BARS - LAST_BARS)
    all_s, all_cpu_s, every = _shared(panels, 0)
    return {
        "last_s": last_s,
        "last_cpu_s": last_cpu_s,
        "last_events": float(last),
        "all_s": all_s,
        "all_cpu_s": all_cpu_s,
        "all_events": float(every),
        "setups": float(len(SETUPS) - len(silent)),
    }


def _panels() -> list[Panel]:
    """Panels that differ, from as few random markets as keep the memory small."""
    rng = np.random.default_rng(11)
    long = [engine_decide._panel(rng, f"C{k:02d}USDT") for k in range(20)]
    step = (len(long[0]) - BARS) // (SYMBOLS // len(long))
    return [_part(panel, k * step) for panel in long for k in range(SYMBOLS // len(long))]


def _part(panel: Panel, first: int) -> Panel:
    names = ("time_ns", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
    columns = {name: np.ascontiguousarray(getattr(panel, name)[first : first + BARS]) for name in names}
    return type(panel)(
        instrument=panel.instrument, interval_ns=panel.interval_ns, funding=panel.funding,
        open_interest=panel.open_interest, **columns,
    )  # fmt: skip


def _shared(panels: list[Panel], first_bar: int) -> tuple[float, float, int]:
    """Wall seconds, processor seconds of the slower process, events: with the libraries there, as in a second scan."""
    context = multiprocessing.get_context("fork")
    pipes, workers = [], []
    for k in range(PROCESSES):
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, panels[k::PROCESSES], first_bar))
        worker.start()
        pipes.append(here)
        workers.append(worker)
    for pipe in pipes:
        pipe.recv()  # warm
    began = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    answers = [pipe.recv() for pipe in pipes]
    took_s = time.perf_counter() - began
    for worker in workers:
        worker.join()
    return took_s, max(cpu_s for cpu_s, _ in answers), sum(count for _, count in answers)


def _work(pipe: multiprocessing.connection.Connection, panels: list[Panel], first_bar: int) -> None:
    detect(panels[0], first_bar=BARS - 1)
    pipe.send(os.getpid())
    pipe.recv()
    began = time.process_time()
    count = sum(len(detect(panel, first_bar=first_bar)) for panel in panels)
    pipe.send((time.process_time() - began, count))


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<16} {value:10.3f}")
