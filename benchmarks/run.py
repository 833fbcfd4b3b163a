"""`make bench`: everything measured in one run on one machine; what matters is printed as a ratio."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import desk
import kernel

HELP_S_MAX = 0.5
FIRST_COMPILE_S_MAX = 14.0
FIRST_LINE_S_MAX = 2.0


def line(name: str, value: str, limit: str = "") -> None:
    """One measured figure and, where there is one, its limit."""
    print(f"{name:<58} {value:>12}  {limit}", flush=True)


def main() -> int:
    """Print the figures; 1 when one is beyond its limit."""
    inner = kernel.measure()
    line("bare compiled loop, stop and target only, 525,600 bars", f"{inner['bare_ms']:.2f} ms")
    line("kernel with every cost, the same bars", f"{inner['kernel_ms']:.2f} ms")
    line("ratio", f"{inner['ratio']:.2f}", f"at most {kernel.RATIO_MAX}")
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
    beyond = (
        inner["ratio"] > kernel.RATIO_MAX
        or outer["first_compile_s"] >= FIRST_COMPILE_S_MAX
        or outer["first_line_s"] >= FIRST_LINE_S_MAX
        or outer["help_s"] >= HELP_S_MAX
    )
    print("\nbeyond a limit" if beyond else "\nwithin every limit")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
