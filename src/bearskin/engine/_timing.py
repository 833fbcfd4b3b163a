"""When an entry goes out: one at market may wait a little while the order book leans hard against it, and never longer.

The book says nothing of whether to trade. A book that is silent, empty or crossed holds nothing up.
"""

from __future__ import annotations

import math

from bearskin.engine._desk import Desk
from bearskin.engine._signals import Waiting
from bearskin.engine._tape import Memory
from bearskin.setups import BookRules, SetupEvent, book_says_wait
from bearskin.terms import SECOND_NS

WAIT_OF_BAR = 4  # at most a quarter of a bar: the entry belongs to the bar that follows its signal
UNCHECKED = "order book"


def asks_book(desk: Desk, event: SetupEvent) -> bool:
    """Whether the book is asked about this entry: only about one at market, and only where the settings say so."""
    resting = event.limit_price is not None or desk.settings.entry in ("chase", "ladder")
    return desk.settings.book_wait_s > 0 and not resting


def book_holds(desk: Desk, waiting: Waiting, event: SetupEvent, memory: Memory) -> bool:
    """Whether an entry waits on for the book; how it leant is kept with the signal."""
    if not asks_book(desk, event) or not memory.leans:
        return False
    longest_ns = min(int(desk.settings.book_wait_s * SECOND_NS), memory.interval_ns // WAIT_OF_BAR)
    rules = BookRules(wait_max_ns=longest_ns)
    holds = book_says_wait(event.side, memory.leans, event.known_ns, desk.time_ns, rules)
    if holds or waiting.leans:
        mean = _mean(memory, desk.time_ns, rules.mean_ns)
        if mean is not None:
            waiting.leans = [*waiting.leans[:1], mean]
    return holds


def book_told(desk: Desk, waiting: Waiting) -> str:
    """What waiting for the book came to, for the note that decides; empty when nothing was waited for."""
    if not waiting.leans:
        return ""
    waited_s = (desk.time_ns - waiting.event.known_ns) / SECOND_NS
    first, last = waiting.leans[0], waiting.leans[-1]
    leant = f"{first:+.2f}, then {last:+.2f}"
    return f"{waited_s:.0f} s after the close, having waited for the order book, which leant {leant}"


def book_unchecked(desk: Desk, event: SetupEvent, memory: Memory) -> tuple[str, ...]:
    """The word for `unchecked` when the book was to be asked and said nothing in the last minute."""
    asked = asks_book(desk, event)
    return (UNCHECKED,) if asked and _mean(memory, desk.time_ns, BookRules().mean_ns) is None else ()


def _mean(memory: Memory, now_ns: int, mean_ns: int) -> float | None:
    recent = [value for at, value in memory.leans if now_ns - mean_ns < at <= now_ns]
    return math.fsum(recent) / len(recent) if recent else None
