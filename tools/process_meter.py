"""What processes use: their share of a core and their memory, as Linux tells it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """What it holds in memory, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def part_mb(pid: int) -> float:
    """The same with what several processes share counted once among them (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) / 1024


@dataclass(slots=True, repr=False)
class Meter:
    """CPU and memory of the processes, a row each time it looks. `browser` gives the processes of the browser."""

    pids: dict[str, int]
    browser: Callable[[], list[int]]
    shares: dict[str, list[float]] = field(default_factory=dict)  # of one core, in per cent
    memory: dict[str, list[float]] = field(default_factory=dict)
    _used: dict[int, float] = field(default_factory=dict)
    _at_s: float = 0.0

    def begin(self) -> None:
        """From now on."""
        self._at_s, self._used = time.monotonic(), {}
        self.shares.clear()
        for pid in [*self.pids.values(), *self.browser()]:
            with contextlib.suppress(OSError):
                self._used[pid] = cpu_s(pid)

    def look(self) -> None:
        """The window is over."""
        now_s = time.monotonic()
        seconds, self._at_s = now_s - self._at_s, now_s
        for name, pid in self.pids.items():
            self.shares.setdefault(name, []).append(100 * self._spent([pid]) / seconds)
            with contextlib.suppress(OSError):
                self.memory.setdefault(name, []).append(rss_mb(pid))
        if family_now := self.browser():
            self.shares.setdefault("browser", []).append(100 * self._spent(family_now) / seconds)
            self.memory.setdefault("browser", []).append(_sum(part_mb, family_now))

    def _spent(self, pids: list[int]) -> float:
        spent = 0.0
        for pid in pids:
            with contextlib.suppress(OSError):
                used = cpu_s(pid)
                spent += used - self._used.get(pid, 0.0)
                self._used[pid] = used
        return spent


def _sum(weigh: Callable[[int], float], pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            total += weigh(pid)
    return total
