"""How the figures of `dashboard_load.py` are summed up and shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def summary(values: Sequence[float]) -> dict[str, float]:
    """Mean, p50, p95, p99 and the largest; empty for none."""
    if not values:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive") if len(values) > 1 else [values[0]] * 99
    return {
        "count": len(values), "mean": statistics.fmean(values), "p50": cuts[49], "p95": cuts[94], "p99": cuts[98],
        "max": max(values),
    }  # fmt: skip


def slope(values: Sequence[float], step_s: float) -> float:
    """How much they grow in a minute, by the straight line through the second half of them."""
    half = list(values[len(values) // 2 :])
    if len(half) < 3:
        return 0.0
    return statistics.linear_regression([at * step_s / 60 for at in range(len(half))], half).slope


def in_ms(values: Sequence[float]) -> dict[str, float]:
    """The summary of seconds, in milliseconds."""
    return {name: value if name == "count" else 1e3 * value for name, value in summary(values).items()}


def faults_of(figures: dict[str, Any], wanted: float) -> list[str]:
    """What makes the figures other than they claim to be."""
    found = []
    for page in figures["pages"]:
        if page["ended"]:
            found.append(f"{page['path']}: {page['ended']}")
        if page["errors"]:
            found.append(f"{page['path']}: {len(page['errors'])} console errors, such as {page['errors'][0][:200]!r}")
        rate = page["trades_per_s"]
        if rate is not None and page["shown"] and rate < wanted:
            found.append(f"{page['path']}: {rate:.1f} trades a second reached it, {wanted:g} are wanted")
    return found


def printed(figures: dict[str, Any]) -> None:
    """The figures as tables."""
    print(f"{figures['tabs']} tabs for {figures['minutes']:g} minutes; {figures['cores']} cores, load "
          f"{figures['load_before']:.1f} before and {figures['load_after']:.1f} at the end")  # fmt: skip
    rates = figures["trades_per_s"].values()
    print(f"the market: {min(rates, default=0):.1f} to {max(rates, default=0):.1f} trades a second and symbol, "
          f"{figures['trades_not_shown']} that the page in front did not show")  # fmt: skip
    print(f"\n{'process':<12}{'CPU of a core, %':>18}{'p95 of 10 s':>13}{'MB first':>10}{'last':>8}{'max':>8}"
          f"{'growth/min':>12}")  # fmt: skip
    for name, share in figures["cpu_percent_of_a_core"].items():
        mb = figures["memory_mb"][name]
        print(f"{name:<12}{share['mean']:>18.1f}{share['p95']:>13.1f}{mb['first']:>10.0f}{mb['last']:>8.0f}"
              f"{mb['max']:>8.0f}{mb['growth_per_min']:>+12.2f}")  # fmt: skip
    asked = figures["weight_per_min"]
    print(f"dashboard before any tab: {figures['dashboard_without_tabs_mb']:.0f} MB; asked of the venue: at most "
          f"{asked['max']:.0f} weight a minute, {asked['last']:.0f} in the last")  # fmt: skip
    print(f"\n{'lag of a trade, exchange to page':<36}{'p50 ms':>9}{'p99':>9}{'max':>9}{'of':>9}")
    for name, lag in figures["lag_ms"].items():
        if lag:
            print(f"{name:<36}{lag['p50']:>9.1f}{lag['p99']:>9.1f}{lag['max']:>9.1f}{lag['count']:>9,}")
    _pages_printed(figures)
    if figures["frames_per_s"]:
        print(f"frames a second of the first tab: {', '.join(f'{one:.0f}' for one in figures['frames_per_s'])}")
    for note in figures["notes"]:
        print(note)


def _pages_printed(figures: dict[str, Any]) -> None:
    print(f"\n{'tab':<24}{'kB/s':>8}{'messages/s':>12}{'largest kB':>12}{'trades/s':>10}{'heap MB':>14}"
          f"{'DOM nodes':>16}"
          f"{'draws/s':>9}{'long tasks':>12}{'ms':>8}{'errors':>8}")  # fmt: skip
    for page in figures["pages"]:
        heap, nodes = page["heap_mb"], page["nodes"]
        seconds = 60 * figures["minutes"]
        seen = heap[1] is not None
        print(
            f"{page['path'][:21] + ' *' * page['shown']:<24}{page['bytes_per_s'] / 1e3:>8.1f}"
            f"{page['messages_per_s']:>12.1f}"
            f"{page['largest_message_bytes'] / 1e3:>12.1f}"
            + (f"{page['trades_per_s']:>10.1f}" if page["trades_per_s"] is not None else f"{'':>10}")
            + (f"{heap[0]:>7.1f}{heap[1]:>7.1f}{nodes[0]:>8.0f}{nodes[1]:>8.0f}{page['draws_per_s']:>9.1f}"
               f"{page['tasks_per_s'] * seconds:>12.0f}{page['tasks_ms_per_s'] * seconds:>8.0f}" if seen else "")
            + f"{len(page['errors']):>8}  {page['ended']}"
        )  # fmt: skip
    print("  * in front; below: what costs each tab most")
    for page in figures["pages"]:
        kinds = sorted(page["kinds"].items(), key=lambda one: -one[1]["bytes_per_s"])[:5]
        words = ", ".join(f"{name} {one['messages_per_s']:.1f}/s {one['bytes_per_s'] / 1e3:.1f} kB/s"
                          for name, one in kinds)  # fmt: skip
        print(f"  {page['path'][:22]:<22} {words}")
