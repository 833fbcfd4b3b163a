"""What a person should hear of now: liquidation coming near, funding that turns, mark and index that part."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bearskin.engine._desk import Desk
from bearskin.engine._switches import hedge_due
from bearskin.engine._tape import Memory
from bearskin.engine._trade import Trade
from bearskin.terms import HOUR_NS, QUOTE

NEAR: Final = (Decimal("0.50"), Decimal("0.25"))  # of the distance that there was at the entry
BACK: Final = Decimal("0.05")  # farther than that again before the same line is told again
BASIS: Final = Decimal("0.005")
CALM: Final = Decimal("0.8")


class Warnings:
    """Each line is told once when it is crossed; what was told before a restart is told once more."""

    def __init__(self) -> None:
        self._near: dict[int, int] = {}
        self._paid: dict[int, bool] = {}
        self._apart: dict[str, bool] = {}
        self._due: set[tuple[str, int]] = set()

    def closed(self, desk: Desk, symbol: str) -> None:
        """Look ahead at the close of a bar: an event of the calendar within a day is told once, with what is open."""
        event = hedge_due(desk.settings, symbol, desk.time_ns)
        if event is None or (event.name, event.moment_ns) in self._due:
            return
        self._due.add((event.name, event.moment_ns))
        hours = (event.moment_ns - desk.time_ns) / HOUR_NS
        held = [
            f"{trade.symbol} {trade.plan.side.word}"
            for trade in desk.book.trades.values()
            if trade.open_qty and (not event.symbols or trade.symbol in event.symbols)
        ]
        text = f"{event.name} in {hours:.0f} h: a hedge may be due for {', '.join(held) or 'what you hold elsewhere'}"
        desk.warn("hedge-suggest", event.symbols[0] if len(event.symbols) == 1 else "", text, "info")

    def marked(self, desk: Desk, memory: Memory) -> None:
        """Look at a symbol whose mark has changed."""
        symbol = memory.instrument.symbol
        self._basis(desk, memory, symbol)
        trade = desk.book.trade_in(symbol)
        if trade is None or not trade.open_qty or memory.mark is None:
            return
        for told in (self._near, self._paid):
            for number in [number for number in told if number not in desk.book.trades]:
                del told[number]
        self._liquidation(desk, trade, memory.mark)
        self._funding(desk, trade, memory)

    def _liquidation(self, desk: Desk, trade: Trade, mark: Decimal) -> None:
        level = desk.book.liquidation_price(trade)
        if level is None or not trade.entered_qty:
            return
        entry = QUOTE.divide(trade.entered_value, trade.entered_qty)
        whole = (entry - level) * trade.plan.side
        if whole <= 0:
            return
        left = QUOTE.divide((mark - level) * trade.plan.side, whole)
        told = self._near.get(trade.number, 0)
        crossed = sum(1 for line in NEAR if left < line)
        if crossed > told:
            text = (
                f"{trade.symbol} {trade.plan.side.word} is {100 * max(left, Decimal(0)):.0f} % of its first distance"
                f" from liquidation at {level:f} (mark {mark:f})"
            )
            desk.warn("liquidation-near", trade.symbol, text, "critical" if crossed == len(NEAR) else "warning")
            self._near[trade.number] = crossed
        elif crossed < told and left >= NEAR[told - 1] + BACK:
            self._near[trade.number] = crossed

    def _funding(self, desk: Desk, trade: Trade, memory: Memory) -> None:
        if memory.rate is None:
            return
        pays = memory.rate * trade.plan.side > 0
        before, self._paid[trade.number] = self._paid.get(trade.number), pays
        if pays and before is False:
            text = f"funding of {trade.symbol} has turned to {100 * memory.rate:.4f} %: the {trade.plan.side.word} pays"
            desk.warn("funding-flip", trade.symbol, text)

    def _basis(self, desk: Desk, memory: Memory, symbol: str) -> None:
        if memory.mark is None or memory.index is None or memory.index <= 0:
            return
        apart = QUOTE.divide(memory.mark - memory.index, memory.index)
        told = self._apart.get(symbol, False)
        if abs(apart) > BASIS and not told:
            text = f"mark of {symbol} is {100 * apart:+.2f} % off its index"
            desk.warn("basis", symbol, text)
            self._apart[symbol] = True
        elif told and abs(apart) < BASIS * CALM:
            self._apart[symbol] = False
