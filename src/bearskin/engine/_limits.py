"""The limits of the account at work: what is remembered of it, when a limit begins and ends, when all is closed."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bearskin.engine._desk import Desk
from bearskin.engine._fold import RULES
from bearskin.engine._notes import Equity, Limited
from bearskin.engine._pace import passed_ns
from bearskin.engine._plan import standing
from bearskin.engine._tape import Memory, Tape
from bearskin.risk import Limit, limits_of
from bearskin.terms import QUOTE, SECOND_NS, AccountNow, BalanceNow, BarClosed, Depth, Filled, Marked, Pulse, Quoted

ZERO: Final = Decimal(0)
CALM: Final = Decimal("0.8")  # a gap that barred entries has to shrink to this share of what barred them
CATCH_UP_NS: Final = 5 * SECOND_NS  # by the wall, a bar may take so long on its way
OWED_NS: Final = 5 * SECOND_NS  # by the wall, a venue that tells the wallet at all has told it by then
PACE_NS: Final = 2 * SECOND_NS
HURRY: Final = 2.0  # times the wall, beyond which slippage says nothing of the market
_OURS: Final = ("drawdown", "daily-loss", "daily-stops", "hand-stops", "streak", "slippage", "errors", "skew")


class Limits:
    """Watches the account and the feed, and writes down when a limit begins and ends."""

    def __init__(self, tape: Tape, stale_bars: int) -> None:
        self._tape = tape
        self._stale_bars = stale_bars
        self._bar_ns = 0
        self._now_ns = 0  # the newest market time: bars that are caught up with are older, and lift nothing
        self._wallet = ZERO
        self._filled = (0, 0)  # times of the market and of the wall of the newest fill
        self._settled_ns = 0  # the wallet is known with the fills up to then
        self._pulse: tuple[int, int] | None = None  # time of the market and of the wall at the first pulse
        self._speed: float | None = None  # of the market, by the pulses
        self._last: dict[str, tuple[int, int]] = {}  # the close of the newest bar, and the wall when it was new here

    def watch(self, desk: Desk) -> None:
        """Look at what the event may have changed."""
        event, book = desk.event, desk.book
        self._now_ns = max(self._now_ns, desk.time_ns)
        if isinstance(event, Quoted | Depth):
            return
        if isinstance(event, BalanceNow) and event.transferred and event.asset == book.account.asset:
            what = "deposit" if event.transferred > 0 else "withdrawal"
            text = f"a {what} of {abs(event.transferred):f} {event.asset}: neither profit nor loss"
            desk.warn("transfer", "", text, "info")
        if not desk.settings.limits:
            self._worth(desk)
            return
        if isinstance(event, Marked):
            memory = self._tape.markets.get(event.symbol)
            if memory is not None:
                self._compare(desk, f"gap {event.symbol}", _gap(memory, f"gap {event.symbol}" in book.limits))
            return
        self._worth(desk)
        found = {limit.name: limit for limit in limits_of(book.worth, RULES, desk.time_ns, desk.wall_ns)}
        skew_s = self._tape.skew_ns / SECOND_NS
        if abs(skew_s) > RULES.skew_s:
            found["skew"] = Limit(name="skew", multiplier=ZERO, detail=f"our clock is {skew_s:+.2f} s off the venue's")
        if self._hurries(desk):
            found.pop("slippage", None)
        for name in _OURS:
            self._compare(desk, name, found.get(name))
        for symbol, memory in self._tape.markets.items():
            self._compare(desk, f"stale {symbol}", self._stale(desk, symbol, memory))

    def _worth(self, desk: Desk) -> None:
        """What the account is worth: at the first bar of each moment, after every trade, when the wallet has shrunk."""
        event, book = desk.event, desk.book
        ended = book.worth.stale and book.worth.day >= 0
        new_bar = isinstance(event, BarClosed) and event.time_ns > self._bar_ns
        # the wallet may tell of a loss long after the fill did
        late = isinstance(event, BalanceNow | AccountNow) and book.worth.day >= 0 and book.account.wallet < self._wallet
        if self._owed(desk) or not book.account.known or not (ended or new_bar or late):
            return
        self._wallet = book.account.wallet
        self._bar_ns = max(self._bar_ns, event.time_ns) if new_bar else self._bar_ns
        account = standing(desk)
        desk.note(
            Equity(
                time_ns=desk.time_ns,
                wall_ns=desk.wall_ns,
                wallet=book.account.wallet,
                equity=account.equity,
                open_risk=account.risk,
                high_water=max(book.worth.high_water, account.equity),
            )
        )

    def _owed(self, desk: Desk) -> bool:
        """Whether the wallet is of before a fill: what was made or lost then is open no more and in no wallet yet.

        Taken for the worth of the account a profit would look like a fall, and could end the day.
        """
        event = desk.event
        if isinstance(event, Filled):
            self._filled = (max(self._filled[0], event.time_ns), desk.wall_ns)
        elif isinstance(event, BalanceNow) and event.asset == desk.book.account.asset:
            self._settled_ns = max(self._settled_ns, event.time_ns)
        elif isinstance(event, AccountNow) and "balance" not in event.failed:
            self._settled_ns = self._filled[0] if event.asked_wall_ns >= self._filled[1] else self._settled_ns
        return self._filled[0] > self._settled_ns and passed_ns(desk.wall_ns, self._filled[1]) < OWED_NS

    def _hurries(self, desk: Desk) -> bool:
        """Whether the market runs faster than the wall, as on a demo exchange: there latency times that speed slips.

        Before pulses have told, only a bar of a run without pulses is judged.
        """
        if isinstance(desk.event, Pulse) and self._pulse is None:
            self._pulse = (desk.time_ns, desk.wall_ns)
        if self._pulse is None:
            return not isinstance(desk.event, BarClosed)
        if isinstance(desk.event, Pulse):
            wall_ns = desk.wall_ns - self._pulse[1]
            if wall_ns >= PACE_NS:
                self._speed = (desk.time_ns - self._pulse[0]) / wall_ns
        return self._speed is None or self._speed > HURRY

    def _stale(self, desk: Desk, symbol: str, memory: Memory) -> Limit | None:
        closed_ns = memory.closed_ns
        if not closed_ns:
            return None
        if self._last.get(symbol, (0, 0))[0] != closed_ns:
            self._last[symbol] = (closed_ns, desk.wall_ns)
        behind = (self._now_ns - closed_ns) // memory.interval_ns
        # while a market in a hurry is caught up with, bars are on their way: at its speed they are late, not missing
        waited_ns = passed_ns(desk.wall_ns, self._last[symbol][1])
        if behind <= self._stale_bars or (waited_ns < CATCH_UP_NS and f"stale {symbol}" not in desk.book.limits):
            return None
        detail = f"no bar for {behind} bars"
        return Limit(name="stale", multiplier=ZERO, detail=detail)

    def _compare(self, desk: Desk, name: str, limit: Limit | None) -> None:
        """Write down that a limit holds, holds differently, or no longer holds."""
        before = desk.book.limits.get(name)
        if limit is None and before is None:
            return
        if limit is not None and before is not None and before.size_multiplier == limit.multiplier:
            return
        desk.note(
            Limited(
                time_ns=desk.time_ns,
                wall_ns=desk.wall_ns,
                limit=name,
                active=limit is not None,
                detail="" if limit is None else limit.detail,
                until_ns=0 if limit is None else limit.until_ns,
                size_multiplier=Decimal(1) if limit is None else limit.multiplier,
            )
        )
        if limit is not None and limit.multiplier == 0:
            flat = name == "drawdown"
            symbol = name.partition(" ")[2]
            if limit.name == "stale":
                desk.warn("stale", symbol, limit.detail)
            else:
                desk.warn("kill-switch", symbol, f"{name}: {limit.detail}", "critical" if flat else "warning")
            if flat:
                _flatten(desk)


def _flatten(desk: Desk) -> None:
    """Close every speculation: a hedge is insurance and stays."""
    for trade in list(desk.book.trades.values()):
        if trade.plan.purpose == "speculation" and not trade.leaving_at_market:
            desk.leave(trade, "drawdown")


def _gap(memory: Memory, barred: bool) -> Limit | None:
    if memory.mark is None or memory.index is None or memory.index <= 0:
        return None
    gap = QUOTE.divide(abs(memory.mark - memory.index), memory.index)
    if gap <= (RULES.gap * CALM if barred else RULES.gap):
        return None
    return Limit(name="gap", multiplier=ZERO, detail=f"mark is {100 * gap:.2f} % off the index")
