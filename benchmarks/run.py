"""`make bench`: everything measured in one run on one machine; what matters is printed as a ratio."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import desk
import engine_core
import engine_decide
import exchange_core
import exchange_marks
import exchange_wire
import kernel
import peers
import scan
import scan_setups
import sweep
import unprotected

HELP_S_MAX = 0.5
FIRST_COMPILE_S_MAX = 14.0
FIRST_LINE_S_MAX = 2.0


def line(name: str, value: str, limit: str = "") -> None:
    """One measured figure and, where there is one, its limit."""
    print(f"{name:<58} {value:>12}  {limit}", flush=True)


def main() -> int:
    """Print the figures; 1 when one is beyond its limit."""
    parts = (
        kernels,
        swept,
        whole_desk,
        engine,
        looked,
        lived,
        exchange,
        protection,
        scanned,
        others,
    )
    beyond = [part() for part in parts]
    print("\nbeyond a limit" if any(beyond) else "\nwithin every limit")
    return 1 if any(beyond) else 0


def protection() -> bool:
    """How long a new position stands without a confirmed stop; True when beyond its limit."""
    found = unprotected.measure()
    print(f"\n{found['entries']:.0f} entries on the demo exchange, over HTTP, the exchange a process of its own")
    line("without a confirmed stop, median", f"{found['p50_s'] * 1e3:.1f} ms")
    line("99th percentile", f"{found['p99_s'] * 1e3:.1f} ms", f"under {unprotected.P99_S_MAX * 1e3:.0f} ms")
    return found["p99_s"] >= unprotected.P99_S_MAX


def scanned() -> bool:
    """Looking for every set-up in many symbols; True when beyond its limit."""
    found = scan.measure()
    print(
        f"\na scan of {scan.SYMBOLS} symbols, {scan.BARS:,} bars each, every set-up, both sides; starting Python apart"
    )
    line(f"looking, on {scan.PROCESSES} cores", f"{found['looking_s']:.2f} s")
    line("  of it computing, the slower core", f"{found['looking_cpu_s']:.2f} s", f"under {scan.LOOKING_S_MAX:g} s")
    line("with reading the store, one process", f"{found['verb_one_s']:.2f} s")
    line(f"with reading the store, {scan.PROCESSES} processes and their start", f"{found['verb_two_s']:.2f} s")
    return found["looking_cpu_s"] >= scan.LOOKING_S_MAX


def others() -> bool:
    """The same strategy on the same bars in other programs; True when one came too near."""
    found = peers.measure()
    print(f"\n{peers.BARS:,} one-minute bars, short where RSI(14) falls back through 70, stop 2 %, target 4 %, 5x")
    for name, value, limit in peers.lines(found):
        line(name, value, limit)
    return peers.beyond(found)


def kernels() -> bool:
    """The compiled trade against a bare loop; True when beyond its limit."""
    inner = kernel.measure()
    line("bare compiled loop, stop and target only, 525,600 bars", f"{inner['bare_ms']:.2f} ms")
    line("kernel with every cost, the same bars", f"{inner['kernel_ms']:.2f} ms")
    line("ratio", f"{inner['ratio']:.2f}", f"at most {kernel.RATIO_MAX}")
    return inner["ratio"] > kernel.RATIO_MAX


def swept() -> bool:
    """A thousand combinations over a year of minutes; True when beyond the limit."""
    found = sweep.measure()
    print(f"\n{found['combinations']:,.0f} stops and targets, {kernel.BARS:,} bars, {found['trades']:,.0f} trades")
    line("sweep with every cost", f"{found['sweep_s']:.2f} s")
    line("bars times combinations a second", f"{found['bars_s'] / 1e6:,.0f} M")
    line("processor seconds", f"{found['sweep_cpu_s']:.2f} s", f"at most {sweep.SECONDS_MAX} s")
    line("plain kernel for the same trades, as many, times", f"{found['ratio']:.1f}")
    line(f"one more combination with {found['many_trades']:,.0f} trades", f"{found['many_us']:,.0f} us")
    line(f"one more combination with {found['few_trades']:,.0f} trades", f"{found['few_us']:,.0f} us")
    line("vectorbt (0.367 s for one, fees alone), as long, times", f"{found['vectorbt']:,.0f}")
    return found["sweep_cpu_s"] > sweep.SECONDS_MAX


def whole_desk() -> bool:
    """From files to a report, and how soon the command answers; True when beyond a limit."""
    outer = desk.measure()
    print(f"\none year of hourly bars, {outer['market']}, {outer['trades']} trades")
    line("only reading the files", f"{outer['reading_s']:.2f} s")
    line("import to finished report, first time ever", f"{outer['cold_s']:.2f} s")
    line("import to finished report, kernels compiled", f"{outer['warm_s']:.2f} s")
    line("ratio to reading, first time", f"{outer['cold_over_reading']:.1f}")
    line("ratio to reading, kernels compiled", f"{outer['warm_over_reading']:.1f}")
    line(
        "compiling every kernel, first time ever", f"{outer['first_compile_s']:.1f} s", f"under {FIRST_COMPILE_S_MAX} s"
    )
    line("first line of progress, kernels compiled", f"{outer['first_line_s']:.2f} s", f"under {FIRST_LINE_S_MAX} s")
    line("bearskin --help", f"{outer['help_s']:.2f} s", f"under {HELP_S_MAX} s")
    return (
        outer["first_compile_s"] >= FIRST_COMPILE_S_MAX
        or outer["first_line_s"] >= FIRST_LINE_S_MAX
        or outer["help_s"] >= HELP_S_MAX
    )


def engine() -> bool:
    """The bot's loop, from a bar's end to its commands; True when beyond the limit."""
    print(f"\nengine, {engine_decide.SYMBOLS} symbols, every set-up, both sides, {engine_decide.HISTORY:,} bars kept")
    loop = engine_decide.measure()
    line("a bar's end to commands, median", f"{loop['bar_p50_ms']:.2f} ms")
    line("  of it computing, median", f"{loop['bar_cpu_p50_ms']:.2f} ms")
    line(
        "a bar's end to commands, 99 in 100 within",
        f"{loop['bar_p99_ms']:.2f} ms",
        f"under {engine_decide.P99_MS_MAX:g} ms",
    )
    line("  of it computing, 99 in 100 within", f"{loop['bar_cpu_p99_ms']:.2f} ms")
    line("the quote after it to the entry, 99 in 100 within", f"{loop['quote_p99_ms']:.2f} ms")
    line("quotes and marks between bars, a second of computing", f"{loop['ticks_s']:,.0f}")
    line("signals found, trades planned", f"{loop['signals']:.0f}, {loop['planned']:.0f}")
    return loop["bar_p99_ms"] >= engine_decide.P99_MS_MAX


def looked() -> bool:
    """Every set-up in many symbols, the last bars and all of them; True when beyond the limit."""
    found = scan_setups.measure()
    print(
        f"\n{scan_setups.SYMBOLS} symbols of {scan_setups.BARS:,} bars, {found['setups']:.0f} set-ups, both sides,"
        f" {scan_setups.PROCESSES} processes"
    )
    line(f"looking at the last {scan_setups.LAST_BARS} bars of each", f"{found['last_s']:.2f} s")
    limit = f"under {scan_setups.SCAN_S_MAX:g} s"
    line("  of it computing, the slower process", f"{found['last_cpu_s']:.2f} s", limit)
    line("looking at every bar", f"{found['all_s']:.2f} s")
    line("  of it computing, the slower process", f"{found['all_cpu_s']:.2f} s")
    line("events found", f"{found['last_events']:,.0f}, {found['all_events']:,.0f}")
    return found["last_cpu_s"] >= scan_setups.SCAN_S_MAX


def lived() -> bool:
    """The engine on the exchange core against the compiled backtest; True when beyond its limit."""
    both = engine_core.measure()
    print(f"\nthe same {both['bars']:,.0f} bars twice, {both['trades']:.0f} trades, identical")
    line("compiled backtest, bars a second", f"{both['compiled_bars_s']:,.0f}")
    line("engine on the exchange core, bars a second", f"{both['engine_bars_s']:,.0f}")
    line("as long as compiled, times", f"{both['ratio']:.1f}", f"at most {engine_core.RATIO_MAX}")
    return both["ratio"] > engine_core.RATIO_MAX


def exchange() -> bool:
    """The demo exchange: its core, its marks, its wire; True when beyond a limit."""
    print("\nexchange core, 1,000 accounts, 70 % place, 25 % cancel, 5 % take; events, postings, journal")
    core = exchange_core.measure()
    least = exchange_core.COMMANDS_S_MIN
    line("commands a second", f"{core['commands_s']:,.0f}", f"at least {least:,}")
    line("turns of a plain loop for one command", f"{core['turns_per_command']:,.0f}")
    line("commands a second, takers only", f"{core['takers_s']:,.0f}")
    print("\na mark that liquidates nobody")
    marks = exchange_marks.measure()
    slow = False
    for name, words, most in (
        ("isolated", "10,000 isolated positions", exchange_marks.ISOLATED_MS_MAX),
        ("cross", "1,000 cross accounts of three symbols", exchange_marks.CROSS_MS_MAX),
    ):
        median_ms = marks[f"{name}_median_ms"]
        line(f"{words}, median", f"{median_ms:.3f} ms", f"at most {most} ms")
        line(f"{words}, 99 in 100 within", f"{marks[f'{name}_p99_ms']:.3f} ms")
        line("  if everyone were looked at", f"{marks[f'{name}_scan_ms']:.1f} ms")
        slow = slow or median_ms > most
    print("\norders over HTTP while 50 sockets listen")
    wire = exchange_wire.measure()
    line("bare route with the same signature check, a second", f"{wire['bare_per_s']:,.0f}")
    line("orders a second", f"{wire['orders_per_s']:,.0f}")
    line("share of the bare route", f"{wire['share']:.2f}", f"at least {exchange_wire.SHARE_MIN}")
    line("at half that load: median", f"{wire['p50_ms']:.2f} ms")
    line("at half that load: 99 in 100 within", f"{wire['p99_ms']:.2f} ms", f"under {exchange_wire.P99_MS_MAX} ms")
    return (
        core["commands_s"] < least
        or slow
        or wire["share"] < exchange_wire.SHARE_MIN
        or wire["p99_ms"] >= exchange_wire.P99_MS_MAX
    )


if __name__ == "__main__":
    sys.exit(main())
