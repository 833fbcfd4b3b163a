"""Small pictures of a series: lines the size of a word."""

from __future__ import annotations

import html
from collections.abc import Sequence

POINTS_MAX = 120


def spark(values: Sequence[float], words: str, *, zero: bool = False, width: int = 200, height: int = 40) -> str:
    """SVG of a line from the oldest to the newest value, with `words` for who cannot see it; empty without two values.

    With `zero` the line of nothing is drawn as well, and what lies below it is filled apart.
    """
    if len(values) < 2:
        return ""
    step = max(1, len(values) // POINTS_MAX)
    kept = [*values[:-1:step], values[-1]]
    low, high = min(kept), max(kept)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    tall = high - low or 1.0
    points = [
        (k * width / (len(kept) - 1), 2 + (height - 4) * (1 - (value - low) / tall)) for k, value in enumerate(kept)
    ]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    base = 2 + (height - 4) * (1 - (0.0 - low) / tall) if zero else float(height)
    line = f'<path class="zero" d="M0 {base:.1f}H{width}"/>' if zero else ""
    return (
        f'<svg class="mk-spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
        f' aria-label="{html.escape(words)}">{line}<path class="area" d="M0 {base:.1f}L{path}L{width} {base:.1f}z"/>'
        f'<path class="line" d="M{path}"/></svg>'
    )
