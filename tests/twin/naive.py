"""A slow, plain trade along a path in Decimal and in real prices: no mirror, no blocks, no arrays.

Written from the rules of docs/backtest.md alone, to disagree with the kernel wherever one of the two is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin import margin

ZERO = Decimal(0)


@dataclass(frozen=True)
class Bar:
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    mark_open: Decimal
    mark_high: Decimal
    mark_low: Decimal


@dataclass(frozen=True)
class Settlement:
    bar: int
    inside: bool
    rate: Decimal
    mark: Decimal


@dataclass(frozen=True)
class Order:
    side: int
    qty: Decimal
    qty1: Decimal
    start: int
    valid: int
    limit: Decimal | None
    stop: Decimal
    on_mark: bool
    target1: Decimal | None
    target2: Decimal | None
    invalidation: Decimal | None
    trail: Decimal
    hold: int
    tick: Decimal
    leverage: Decimal
    taker: Decimal
    maker: Decimal
    slip: Decimal
    liquidation_fee: Decimal


@dataclass(frozen=True)
class Fill:
    qty: Decimal
    bar: int
    place: str
    ref: Decimal
    price: Decimal
    rate: Decimal
    reason: str


class Trade:
    def __init__(self, bars: list[Bar], settlements: list[Settlement], tiers: object, order: Order) -> None:
        self.bars, self.settlements, self.tiers, self.o = bars, settlements, tiers, order
        self.fills: list[Fill] = []
        self.ambiguous = False
        self.optimist: list[Fill] | None = None
        self.liquidation = ZERO

    # --- words for "against us" ---
    def beyond(self, price: Decimal, level: Decimal) -> bool:
        """At the level or further against us."""
        return price >= level if self.o.side < 0 else price <= level

    def worse(self, a: Decimal, b: Decimal) -> Decimal:
        return max(a, b) if self.o.side < 0 else min(a, b)

    def bad(self, bar: Bar) -> Decimal:
        return bar.high if self.o.side < 0 else bar.low

    def good(self, bar: Bar) -> Decimal:
        return bar.low if self.o.side < 0 else bar.high

    def bad_mark(self, bar: Bar) -> Decimal:
        return bar.mark_high if self.o.side < 0 else bar.mark_low

    def through(self, bar: Bar, target: Decimal | None) -> bool:
        if target is None:
            return False
        return bar.low <= target - self.o.tick if self.o.side < 0 else bar.high >= target + self.o.tick

    def slipped(self, price: Decimal, direction: int) -> Decimal:
        """A market order in `direction` (1 buys) pays more, or gets less."""
        return price * (1 + direction * self.o.slip)

    # --- the walk ---
    def run(self) -> Trade:
        o = self.o
        entered = self.enter()
        if entered is None:
            return self
        i, first_of_limit = entered, o.limit is not None
        best: Decimal | None = None
        left, target = o.qty, o.target1
        self.liquidation = liquidation = self.level(left)
        deadline = i + o.hold if o.hold else len(self.bars)
        while True:
            if i >= min(deadline, len(self.bars)):
                self.leave(left, i, "time", liquidation)
                return self
            bar = self.bars[i]
            stop, trailed = o.stop, False
            if o.trail and best is not None and not self.beyond(best - o.side * o.trail, o.stop):
                stop, trailed = best - o.side * o.trail, True
            forced = self.forced(bar, i, left, stop, trailed, liquidation, first_of_limit)
            if forced is not None:
                self.judge_order(bar, i, left, target, stop, forced, first_of_limit)
                self.fills.append(forced)
                return self
            if not first_of_limit and self.through(bar, target):
                if target is o.target1 and o.qty1 < o.qty:
                    self.fills.append(Fill(o.qty1, i, "inside", target, target, o.maker, "target"))
                    left, target = left - o.qty1, o.target2
                    if self.through(bar, target):
                        self.fills.append(Fill(left, i, "inside", target, target, o.maker, "target"))
                        return self
                    liquidation = self.level(left)
                else:
                    self.fills.append(Fill(left, i, "inside", target, target, o.maker, "target"))
                    return self
            seen = self.good(bar)
            if first_of_limit:  # the limit has traded and the close; the kind extreme may have come before
                assert o.limit is not None
                seen = o.limit if self.beyond(bar.close, o.limit) else bar.close
            best = seen if best is None or self.beyond(best, seen) else best
            first_of_limit = False
            i += 1
            if o.invalidation is not None and bar.close != o.invalidation and self.beyond(bar.close, o.invalidation):
                self.leave(left, i, "invalidated", liquidation)
                return self

    def enter(self) -> int | None:
        o = self.o
        if o.start >= len(self.bars):
            return None
        self.rested = o.limit is not None
        if o.limit is None:
            self.entry_bar, self.ref = o.start, self.bars[o.start].open
            self.entry = self.slipped(self.ref, o.side)
            return o.start
        for i in range(o.start, min(o.start + o.valid, len(self.bars))):
            reached = self.bars[i].high >= o.limit + o.tick if o.side < 0 else self.bars[i].low <= o.limit - o.tick
            if reached:
                self.entry_bar = i
                self.ref = self.entry = o.limit
                return i
        return None

    def level(self, qty: Decimal) -> Decimal:
        """Liquidation price, zero for none."""
        if not self.o.leverage:
            return ZERO
        signed = self.o.side * qty
        wallet = qty * self.entry / self.o.leverage
        with margin.quoting():
            return margin.liquidation_price(self.tiers, signed, signed * self.entry, wallet)

    def forced(
        self, bar: Bar, i: int, left: Decimal, stop: Decimal, trailed: bool, liquidation: Decimal, limit_bar: bool
    ) -> Fill | None:
        o = self.o
        can = liquidation > 0
        if can and not limit_bar and self.beyond(bar.mark_open, liquidation):
            return Fill(left, i, "open", bar.mark_open, bar.mark_open, o.liquidation_fee, "liquidated")
        dead = can and self.beyond(self.bad_mark(bar), liquidation) and not self.beyond(bar.mark_open, liquidation)
        hit = self.beyond(self.bad_mark(bar) if o.on_mark else self.bad(bar), stop)
        nearer = can and liquidation != stop and self.beyond(stop, liquidation)
        if dead and (nearer or not hit):
            return Fill(left, i, "inside", liquidation, liquidation, o.liquidation_fee, "liquidated")
        if hit:
            ref = self.worse(stop, bar.open)
            return Fill(left, i, "inside", ref, self.slipped(ref, -o.side), o.taker, "trail" if trailed else "stop")
        return None

    def judge_order(
        self, bar: Bar, i: int, left: Decimal, target: Decimal | None, stop: Decimal, forced: Fill, limit_bar: bool
    ) -> None:
        """Whether a target may have come first in this bar, and the fills had it done so."""
        o = self.o
        if forced.place == "open" or limit_bar or self.beyond(bar.open, stop) or not self.through(bar, target):
            return
        self.ambiguous = True
        assert target is not None
        if target is o.target1 and o.qty1 < o.qty:
            fills = [Fill(o.qty1, i, "inside", target, target, o.maker, "target")]
            rest = left - o.qty1
            if self.through(bar, o.target2):
                assert o.target2 is not None
                fills.append(Fill(rest, i, "inside", o.target2, o.target2, o.maker, "target"))
            else:
                fills.append(Fill(rest, i, "inside", forced.ref, forced.price, forced.rate, forced.reason))
        else:
            fills = [Fill(left, i, "inside", target, target, o.maker, "target")]
        self.optimist = [*self.fills, *fills]

    def leave(self, left: Decimal, i: int, reason: str, liquidation: Decimal) -> None:
        o = self.o
        if i >= len(self.bars):
            ref, i, place, reason = self.bars[-1].close, len(self.bars) - 1, "close", "end"
        elif liquidation > 0 and self.beyond(self.bars[i].mark_open, liquidation):
            mark = self.bars[i].mark_open
            self.fills.append(Fill(left, i, "open", mark, mark, o.liquidation_fee, "liquidated"))
            return
        else:
            ref, place = self.bars[i].open, "open"
        self.fills.append(Fill(left, i, place, ref, self.slipped(ref, -o.side), o.taker, reason))

    # --- the money ---
    def money(self, fills: list[Fill]) -> dict[str, Decimal]:
        o = self.o
        entry_fee = o.qty * self.entry * (o.maker if self.rested else o.taker)
        total = {"fees": entry_fee, "funding": ZERO, "price": ZERO, "slippage": ZERO, "net": -entry_fee}
        for fill in fills:
            price, ref = fill.price, fill.ref
            fee = fill.qty * price * fill.rate
            if o.leverage:
                bankrupt = self.entry * (1 - o.side / o.leverage)
                if self.beyond(price, bankrupt):
                    price = bankrupt
                if self.beyond(ref, price):
                    ref = price
                margin_left = fill.qty * self.entry / o.leverage + fill.qty * o.side * (price - self.entry)
                fee = min(fill.qty * price * fill.rate, margin_left)
            gain = fill.qty * o.side * (price - self.entry)
            slip = fill.qty * (abs(self.ref - self.entry) + abs(ref - price))
            funding = self.funding(fill)
            total["fees"] += fee
            total["funding"] += funding
            total["slippage"] += slip
            total["price"] += gain
            total["net"] += gain - fee + funding
        return total

    def funding(self, fill: Fill) -> Decimal:
        total = ZERO
        for s in self.settlements:
            if not self.entry_bar <= s.bar <= fill.bar:
                continue
            if s.bar == fill.bar and s.inside and fill.place == "open":
                continue
            received = -self.o.side * fill.qty * s.mark * s.rate
            unsure = (s.bar == fill.bar and s.inside and fill.place == "inside") or (
                self.rested and s.bar == self.entry_bar
            )
            if not unsure or received < 0:
                total += received
        return total
