"""What an order book says about the next minutes: for the moment of an entry, never for whether to make one.

A book is two sequences of (price, quantity), best first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bearskin.terms import MINUTE_NS, SECOND_NS, BadInput, Side

Rung = tuple[float, float]
Sample = tuple[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRules:
    """When an entry waits for the book."""

    within: float = 0.001  # of the mid: ten basis points
    mean_ns: int = 60 * SECOND_NS
    against: float = 0.6  # a mean imbalance beyond this says wait
    wait_max_ns: int = 3 * MINUTE_NS


def _mid(bids: Sequence[Rung], asks: Sequence[Rung]) -> float:
    if not bids or not asks:
        raise BadInput("a book needs at least one bid and one ask")
    bid, ask = bids[0][0], asks[0][0]
    if not 0 < bid < ask:
        raise BadInput(f"the best bid must lie below the best ask, were {bid:g} and {ask:g}")
    return (bid + ask) / 2


def book_imbalance(bids: Sequence[Rung], asks: Sequence[Rung], within: float = 0.001) -> float:
    """Bids less asks over both, in quantity resting within `within` of the mid: from -1 to 1, 0 where none rests there.

    Above 0 more is bid than offered. Raises BadInput for an empty or crossed book.
    """
    mid = _mid(bids, asks)
    bid = math.fsum(qty for price, qty in bids if price >= mid * (1 - within))
    ask = math.fsum(qty for price, qty in asks if price <= mid * (1 + within))
    return (bid - ask) / (bid + ask) if bid + ask > 0 else 0.0


def microprice(bids: Sequence[Rung], asks: Sequence[Rung]) -> float:
    """The mid weighted by the other side's quantity at the best prices: nearer to where less rests.

    (ask quantity * bid + bid quantity * ask) / both; the mid where nothing rests. Raises BadInput as `book_imbalance`.
    """
    mid = _mid(bids, asks)
    (bid, bid_qty), (ask, ask_qty) = bids[0], asks[0]
    both = bid_qty + ask_qty
    return (ask_qty * bid + bid_qty * ask) / both if both > 0 else mid


def order_flow_imbalance(best: Sequence[tuple[Rung, Rung]]) -> float:
    """Net quantity that came to the best bid less that to the best ask, over quotes (best bid, best ask) in time.

    Cont, Kukanov and Stoikov (2014): each step adds the bid's quantity where its price did not fall, takes the former
    one off where it did not rise, and the other way round for the ask. 0 with fewer than two quotes.
    """
    flow = 0.0
    for ((bid0, bid_qty0), (ask0, ask_qty0)), ((bid, bid_qty), (ask, ask_qty)) in itertools.pairwise(best):
        flow += (bid_qty if bid >= bid0 else 0.0) - (bid_qty0 if bid <= bid0 else 0.0)
        flow -= (ask_qty if ask <= ask0 else 0.0) - (ask_qty0 if ask >= ask0 else 0.0)
    return flow


def book_says_wait(
    side: Side, imbalances: Iterable[Sample], since_ns: int, now_ns: int, rules: BookRules | None = None
) -> bool:
    """Whether an entry of `side`, wanted since `since_ns`, had better wait: the book leans hard against it.

    `imbalances` are (time in ns, `book_imbalance`) in time; those of the last minute up to `now_ns` are averaged. A
    short waits while more than 0.6 is bid, a long while less than -0.6 is, three minutes at most. Without samples of
    the last minute nothing waits. Raises BadInput for an imbalance beyond -1 to 1.
    """
    rules = rules or BookRules()
    recent = [value for at, value in imbalances if now_ns - rules.mean_ns < at <= now_ns]
    if any(not -1 <= value <= 1 for value in recent):
        raise BadInput(f"an imbalance lies between -1 and 1, were {min(recent):g} to {max(recent):g}")
    if not recent or now_ns - since_ns >= rules.wait_max_ns:
        return False
    return -int(side) * math.fsum(recent) / len(recent) > rules.against
