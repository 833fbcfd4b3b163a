"""A set-up as a picture: candles, the structure it was found by, and the trade it asks for; SVG, no script.

The same drawing stands in a scan's page, whose style gives the colours, and alone in a file that brings its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bearskin.report._html import Markup, el
from bearskin.report._words import Kind, clean, shown
from bearskin.setups import SetupEvent
from bearskin.terms import iso

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 8, 124, 14, 26
LABEL_PX = 14  # between two labels
AHEAD = 0.06  # of the width, empty to the right of the last bar
REACH = 1.2  # a target further than this many heights of the candles is told, not drawn to scale
F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


def picture_rules() -> str:
    """The style of a picture, but for its colours."""
    return _asset("_picture.css")


def _asset(name: str) -> str:
    text = resources.files("bearskin.report").joinpath(name).read_text(encoding="utf-8")
    return "".join(line.strip() for line in text.split("\n") if not line.startswith("/*"))


class Candles(Protocol):
    """The bars of a picture, as a scan keeps them; a panel's fit too."""

    @property
    def interval_ns(self) -> int: ...

    @property
    def time_ns(self) -> I8: ...

    @property
    def open(self) -> F8: ...

    @property
    def high(self) -> F8: ...

    @property
    def low(self) -> F8: ...

    @property
    def close(self) -> F8: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What is drawn of an event's trade."""

    event: SetupEvent
    entry: float


class _Scale:
    """From times and prices to pixels."""

    def __init__(self, bars: Candles, bottom: float, top: float) -> None:
        self.bars, self.count = bars, len(bars.time_ns)
        self.bottom, self.top = bottom, top
        self.step = (WIDTH - LEFT - RIGHT) * (1 - AHEAD) / max(self.count, 1)

    def x(self, time_ns: int) -> float:
        """The middle of the bar that opens at `time_ns`, or that it falls into."""
        at = int(np.searchsorted(self.bars.time_ns, time_ns, side="right")) - 1
        return LEFT + (max(at, 0) + 0.5) * self.step

    def y(self, price: float) -> float:
        """Prices run upwards, pixels down."""
        share = (price - self.bottom) / (self.top - self.bottom)
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)

    @property
    def right(self) -> float:
        """Where the drawing ends and the labels begin."""
        return WIDTH - RIGHT


def picture(bars: Candles, trade: Trade, *, alone: bool = False) -> Markup:
    """`trade` on the candles of `bars`; `alone` makes a file of its own, dark or light as the reader's system asks."""
    event = trade.event
    scale, names = _Scale(bars, *_range(bars, trade)), _Names()
    body = [
        el("rect", x=0, y=0, width=WIDTH, height=HEIGHT, class_="bg", rx=8),
        _times(bars, scale),
        [_zone(part, scale) for part in _zones(event)],
        _candles(bars, scale),
        [_line(part, scale, names) for part in _lines(event)],
        _levels(trade, scale),
        _mark(bars, event, scale),
    ]
    label = f"{clean(event.symbol)}: {event.setup.replace('_', ' ')}, {event.side.word}"
    attributes: dict[str, Any] = {"xmlns": "http://www.w3.org/2000/svg"} if alone else {}
    style = el("style", Markup(_asset("_picture_alone.css") + picture_rules())) if alone else None
    return el(
        "svg", el("title", label), style, *body,
        class_="pic", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT, role="img", aria_label=label,
        **attributes,
    )  # fmt: skip


def _lines(event: SetupEvent) -> list[Any]:
    return [part for part in event.drawing if hasattr(part, "start_price")]


def _zones(event: SetupEvent) -> list[Any]:
    return [part for part in event.drawing if hasattr(part, "low_price")]


def _range(bars: Candles, trade: Trade) -> tuple[float, float]:
    """The prices the picture spans: the candles, the trade, and a target as far as it stays readable."""
    low, high = float(bars.low.min()), float(bars.high.max())
    reach = REACH * (high - low)
    prices = [low, high, trade.entry]
    prices += [one for one in (trade.event.stop, *trade.event.targets) if low - reach <= one <= high + reach]
    bottom, top = min(prices), max(prices)
    air = 0.04 * (top - bottom) or abs(top) * 0.01 or 1.0
    return bottom - air, top + air


def _n(value: float) -> str:
    """Tenths of a pixel are enough, and keep the file small."""
    return f"{value:.1f}".removesuffix(".0")


def _candles(bars: Candles, scale: _Scale) -> list[Markup]:
    """Hollow closed higher, filled lower."""
    half = max(0.6, 0.36 * scale.step)
    wicks: list[str] = []
    up: list[str] = []
    down: list[str] = []
    for k in range(scale.count):
        x = LEFT + (k + 0.5) * scale.step
        first, last = float(bars.open[k]), float(bars.close[k])
        top, bottom = scale.y(max(first, last)), scale.y(min(first, last))
        wicks.append(f"M{_n(x)} {_n(scale.y(float(bars.high[k])))}V{_n(scale.y(float(bars.low[k])))}")
        tall = max(bottom - top, 0.8)
        body = f"M{_n(x - half)} {_n(top)}h{_n(2 * half)}v{_n(tall)}h{_n(-2 * half)}z"
        (up if last >= first else down).append(body)
    drawn = (("w", wicks), ("u", up), ("n", down))
    return [el("path", d="".join(parts), class_=name) for name, parts in drawn if parts]


class _Names:
    """Names of lines, each once and none over another."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._boxes: list[tuple[float, float, float, float]] = []

    def place(self, name: str, ends: Sequence[tuple[float, float]], right: float) -> list[Markup]:
        """The name above or below one of the ends of its line, where there is room; nothing when there is none."""
        if name in self._said:
            return []
        wide = 6.6 * len(name)
        for x, y in ends:
            left = max(min(x, right - wide), LEFT + 2.0)
            for base in (y - 5, y + 14):
                box = (left, base - 11, left + wide, base + 3)
                if box[1] >= TOP - 4 and box[3] <= HEIGHT - BOTTOM + 6 and not any(_meet(box, b) for b in self._boxes):
                    self._said.add(name)
                    self._boxes.append(box)
                    return [el("text", name, x=_n(left), y=_n(base), class_="lt", font_size=12)]
        return []


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _line(part: Any, scale: _Scale, names: _Names) -> list[Markup]:
    start, end, a, b = part.start_ns, part.end_ns, part.start_price, part.end_price
    first = int(scale.bars.time_ns[0])
    if end < first:
        return []
    if start < first and end > start:  # it began before the picture does
        a, start = a + (b - a) * (first - start) / (end - start), first
    x1, x2, y1, y2 = scale.x(start), scale.x(end), scale.y(a), scale.y(b)
    x1, x2 = (x1 - scale.step / 2, x2 + scale.step / 2) if x1 == x2 else (x1, x2)
    words = names.place(part.name.replace("_", " "), ((x1, y1), (x2, y2)), scale.right)
    return [el("path", d=f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}", class_="l"), *words]


def _zone(part: Any, scale: _Scale) -> Markup:
    x1, x2 = scale.x(part.start_ns) - scale.step / 2, scale.x(part.end_ns) + scale.step / 2
    y1, y2 = scale.y(part.high_price), scale.y(part.low_price)
    return el("rect", x=_n(x1), y=_n(y1), width=_n(max(x2 - x1, 1)), height=_n(max(y2 - y1, 1)), class_="z")


def _levels(trade: Trade, scale: _Scale) -> list[Markup]:
    """Entry, stop and targets from the signal to the right edge, each with its price; labels never cover each other."""
    event = trade.event
    x1 = scale.x(event.known_ns - scale.bars.interval_ns)
    wanted = [("entry", trade.entry, "e", ""), ("stop", event.stop, "s", "st")]
    one = len(event.targets) == 1
    wanted += [("target" if one else f"target {k}", price, "t", "tt") for k, price in enumerate(event.targets, 1)]
    drawn: list[Markup] = []
    labels: list[tuple[float, str, str]] = []
    for name, price, line, words in wanted:
        y = scale.y(price)
        inside = TOP - 1 <= y <= HEIGHT - BOTTOM + 1
        if inside:
            drawn.append(el("path", d=f"M{_n(x1)} {_n(y)}H{_n(scale.right)}", class_=line))
        arrow = "" if inside else ("↓ " if y > HEIGHT / 2 else "↑ ")
        labels.append((min(max(y, TOP), HEIGHT - BOTTOM), f"{arrow}{name} {shown(Kind.PRICE, price)}", words))
    labels.sort()
    for y, (text, words) in zip(_spread([one[0] for one in labels]), [one[1:] for one in labels], strict=True):
        drawn.append(el("text", text, x=_n(scale.right + 5), y=_n(y + 4), class_=words or None, font_size=13))
    return drawn


def _spread(heights: Sequence[float]) -> list[float]:
    """Rising heights, moved apart by at least a label."""
    placed: list[float] = []
    for y in heights:
        placed.append(y if not placed else max(y, placed[-1] + LABEL_PX))
    over = placed[-1] - (HEIGHT - BOTTOM) if placed else 0.0
    if over > 0:
        placed[-1] -= over
        for k in range(len(placed) - 2, -1, -1):
            placed[k] = min(placed[k], placed[k + 1] - LABEL_PX)
    return placed


def _mark(bars: Candles, event: SetupEvent, scale: _Scale) -> Markup:
    """A triangle over the signal's bar, pointing where the trade looks."""
    at = int(np.searchsorted(bars.time_ns, event.known_ns - bars.interval_ns, side="right")) - 1
    x, short = LEFT + (at + 0.5) * scale.step, int(event.side) < 0
    y = max(scale.y(float(bars.high[at])) - 5, TOP) if short else min(scale.y(float(bars.low[at])) + 5, HEIGHT - BOTTOM)
    tip, back = (y, y - 8) if short else (y, y + 8)
    return el("path", d=f"M{_n(x)} {_n(tip)}L{_n(x - 5)} {_n(back)}H{_n(x + 5)}z", class_="mk")


def _times(bars: Candles, scale: _Scale) -> list[Markup]:
    """A handful of times along the bottom: the day where it is another, else the hour."""
    drawn: list[Markup] = []
    day = ""
    for k in np.unique(np.linspace(0, scale.count - 1, 5).astype(int))[:-1]:
        text = iso(int(bars.time_ns[k]))
        words, day = (text[11:16] if text[5:10] == day else text[5:10]), text[5:10]
        x = LEFT + (k + 0.5) * scale.step
        drawn.append(el("path", d=f"M{_n(x)} {TOP}V{HEIGHT - BOTTOM}", class_="g"))
        drawn.append(el("text", words, x=_n(x), y=HEIGHT - 8, class_="m", font_size=12))
    return drawn
