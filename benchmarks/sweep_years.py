"""A sweep at size: many symbols with a year of minutes each, streamed from Parquet, its memory and time measured.

    python benchmarks/sweep_years.py STORE [SYMBOLS] [DAYS] [DISTINCT] [PROCESSES]

STORE is a folder to make the market in, kept for another run (a symbol's year of minutes takes 60 MB). DISTINCT markets
are made from as many seeds, the other symbols are hard links to them: every symbol is read, decoded and traded as if it
were the only one of its kind, what is saved is the disk and the time to invent it. Memory is that of the whole family
of processes, looked at five times a second, and the peak of the largest.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SYMBOLS, DAYS, DISTINCT, PROCESSES = 500, 365, 10, 1
GIB = 2**30
SETUPS, VARY = "failed_breakout", ("stop_scale=0.8,1", "target_r=1,2")
LOOK_S = 0.2


def make(root: Path, count: int, days: int, distinct: int) -> None:
    """The market, unless it is there."""
    from bearskin.market import Store, known_instruments, load_brackets, write_synthetic

    with_brackets = set(load_brackets().symbols("binance", "linear"))
    names = [name for name in known_instruments("binance", "linear") if name in with_brackets][:count]
    if len(names) < count:
        raise SystemExit(f"there are brackets of {len(names)} symbols only")
    for place in range(distinct):
        made = root / f"seed-{place + 1}" / "synthetic" / "linear" / "BTCUSDT"
        if not made.exists():
            aside = root / f"seed-{place + 1}.aside"
            shutil.rmtree(aside, ignore_errors=True)
            write_synthetic(Store(aside), seed=place + 1, symbols=("BTCUSDT",), days=days, interval="1m")
            aside.rename(root / f"seed-{place + 1}")
        for name in names[place::distinct]:
            for path in made.rglob("*.parquet"):
                link = root / "store" / "binance" / "linear" / name / path.relative_to(made)
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.exists():
                    os.link(path, link)


def child(store: str, out: str, count: str, processes: str) -> None:
    """The sweep itself, in a process of its own; goes on with what is there."""
    import bearskin
    from bearskin.market import Store, list_symbols

    names = [one.symbol for one in list_symbols(Store(Path(store)), "binance", "linear", "1m")][: int(count)]
    began_s, cpu_s = time.perf_counter(), time.process_time()
    ran = bearskin.sweep(
        SETUPS, vary=VARY, symbols=names, interval="1m", store=store, out=out, processes=int(processes),
        resume=(Path(out) / "sweep.json").exists(),
    )  # fmt: skip
    own, under = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({
        "seconds": time.perf_counter() - began_s,
        "computing_s": time.process_time() - cpu_s + under.ru_utime + under.ru_stime,
        "symbols": len(ran.sweep.symbols), "left_out": len(ran.sweep.about["left_out"]), "units": ran.sweep.units_done,
        "peak": own.ru_maxrss * 1024, "peak_worker": under.ru_maxrss * 1024,
    }))  # fmt: skip


def resident_bytes(pid: int) -> int:
    """What a process and all below it hold now; shared pages count once for each."""
    try:
        held = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        below = [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
        ]
    except (OSError, IndexError, ValueError):
        return 0
    return held + sum(resident_bytes(one) for one in below)


def measure(root: Path, count: int, days: int, distinct: int, processes: int) -> dict[str, float]:
    """Make the market, sweep it, and say what that took."""
    make(root, count, days, distinct)
    out = root / f"sweep-{count}-{days}"
    run = subprocess.Popen(
        [sys.executable, __file__, "--child", str(root / "store"), str(out), str(count), str(processes)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "BEARSKIN_HOME": str(root / "home")},
    )  # fmt: skip
    peak = 0

    def look() -> None:
        nonlocal peak
        while run.poll() is None:
            peak = max(peak, resident_bytes(run.pid))
            time.sleep(LOOK_S)

    watcher = threading.Thread(target=look)
    watcher.start()
    said, _ = run.communicate()
    watcher.join()
    if run.returncode:
        raise SystemExit(run.returncode)
    return {**json.loads(said.splitlines()[-1]), "peak_family": peak, "bars": days * 1440, "distinct": distinct}


def main() -> int:
    """Print the figures."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    asked = [int(word) for word in sys.argv[2:6]]
    count, days, distinct, processes = [*asked, *(SYMBOLS, DAYS, DISTINCT, PROCESSES)[len(asked) :]]
    found = measure(root, count, days, min(distinct, count), processes)
    print(json.dumps(found))
    print(
        f"{found['symbols']} symbols of {found['bars']:,} minutes ({found['distinct']} different markets),"
        f" {processes} process{'es' if processes > 1 else ''}: {found['seconds'] / 60:.1f} min"
        f" ({found['computing_s'] / 60:.1f} of computing), peak {found['peak'] / GIB:.2f} GiB in the first process,"
        f" {found['peak_worker'] / GIB:.2f} in the largest below it, {found['peak_family'] / GIB:.2f} in all at once"
    )
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:6])
        sys.exit(0)
    sys.exit(main())
