"""What is open, at each bar's end: trailing and break-even stops, invalidation, the time stop; and entries that chase.

The rules are those of the compiled kernel: what a bar has shown counts from its close on, never within it. Stops and
targets rest at the venue and need nobody here.
"""

from __future__ import annotations

from decimal import Decimal

from bearskin.engine._desk import Desk
from bearskin.engine._fold import opened_bar_ns
from bearskin.engine._notes import StopMoved
from bearskin.engine._plan import against
from bearskin.engine._tape import Memory
from bearskin.engine._trade import ZERO, Trade
from bearskin.risk import approve_entry
from bearskin.terms import QUOTE, SECOND_NS, Amend, BarClosed, Quoted, Refused, dec

CHASE_EVERY_NS = SECOND_NS  # of the wall
CHASE_ATR = 0.5  # a resting entry follows the price this far from the signal's close


def bar_closed(desk: Desk, memory: Memory, bar: BarClosed) -> None:
    """Manage our trade in the symbol whose bar has closed."""
    trade = desk.book.trade_in(bar.symbol)
    if trade is None or trade.plan.purpose == "hedge" or not trade.open_qty:
        return
    closes_ns = bar.opened_ns + bar.interval_ns
    entered_bar_ns = opened_bar_ns(trade, bar.interval_ns)
    if bar.opened_ns < entered_bar_ns:
        return  # a bar of before the entry, told late
    if trade.leaving_at_market:
        return
    reason = _exit(trade, bar, closes_ns, entered_bar_ns)
    if reason:
        desk.leave(trade, reason)
        return
    _trail(desk, memory, trade)
    _break_even(desk, memory, trade)


def _exit(trade: Trade, bar: BarClosed, closes_ns: int, entered_bar_ns: int) -> str:
    """Why the trade leaves at the open that comes now; a broken invalidation is told before the time."""
    plan = trade.plan
    if plan.invalidation is not None and (dec(bar.close) - plan.invalidation) * plan.side < 0:
        return "invalidated"
    held_ns = plan.until_ns - plan.known_ns if plan.until_ns else 0
    if held_ns and closes_ns >= entered_bar_ns + held_ns:
        return "time"
    return ""


def _trail(desk: Desk, memory: Memory, trade: Trade) -> None:
    """The chandelier: so far behind the best price, never looser than before."""
    plan = trade.plan
    if plan.trail <= 0 or not trade.best:
        return
    tick = memory.instrument.tick
    best = against(trade.best, plan.side, tick)
    move_stop(desk, trade, best - plan.side * plan.trail, f"trail: {plan.trail:f} behind {best:f}")


def _break_even(desk: Desk, memory: Memory, trade: Trade) -> None:
    """Once the best price was so many risks ahead, the stop goes to where fees are paid."""
    plan = trade.plan
    if plan.break_even_r is None or plan.stop is None or not trade.entered_qty or not trade.best:
        return
    entry = QUOTE.divide(trade.entered_value, trade.entered_qty)
    ahead = (dec(trade.best) - entry) * plan.side
    if ahead < plan.break_even_r * abs(entry - plan.stop):
        return
    price = break_even(memory, trade)
    move_stop(desk, trade, price, f"break-even after {plan.break_even_r} R")


def break_even(memory: Memory, trade: Trade) -> Decimal:
    """The price at which closing what is open leaves nothing: entry, the fees paid, funding, and the fee of closing.

    On the grid, on the losing side of nothing: rounded so that it never leaves a loss.
    """
    qty, rate = trade.qty, memory.instrument.taker_fee_rate
    share = QUOTE.divide(abs(qty), abs(trade.entered_qty)) if trade.entered_qty else Decimal(1)
    fee_in = abs(trade.cost) * rate if trade.plan.entry_price is None else abs(trade.cost) * _maker(memory)
    # qty * price - cost - fee_in + funding - |qty| * price * rate = 0
    exact = QUOTE.divide(trade.cost + fee_in - trade.funding * share, qty - abs(qty) * rate)
    return against(exact, type(trade.plan.side)(-int(trade.plan.side)), memory.instrument.tick)


def _maker(memory: Memory) -> Decimal:
    return memory.instrument.maker_fee_rate


def move_stop(desk: Desk, trade: Trade, price: Decimal, why: str) -> None:
    """Move the stop to `price` when that is tighter; where the market is beyond it already, the venue says so."""
    if trade.stop is not None and (price - trade.stop) * trade.plan.side <= 0:
        return
    desk.note(
        StopMoved(
            time_ns=desk.time_ns,
            wall_ns=desk.wall_ns,
            trade=trade.number,
            symbol=trade.symbol,
            old=trade.stop,
            new=price,
            why=why,
        )
    )


def quoted(desk: Desk, quote: Quoted) -> None:
    """Let a resting entry that chases follow the price: at most once a second, and not past where it was wanted."""
    if desk.settings.entry != "chase":
        return
    trade = desk.book.trade_in(quote.symbol)
    if trade is None or trade.leaving:
        return
    plan = trade.plan
    price = quote.ask if plan.side < 0 else quote.bid
    worse = dec(CHASE_ATR * plan.atr) * plan.entry_ref
    if (plan.entry_ref - price) * -plan.side > worse:
        return
    for order in trade.live("entry"):
        ripe = order.status == "open" and order.amend is None and not order.cancel
        if not ripe or order.price == price or desk.wall_ns - order.changed_wall_ns < CHASE_EVERY_NS:
            continue
        others = sum((other.qty for other in trade.live("entry") if other is not order), ZERO)
        approved = approve_entry(
            Amend(symbol=trade.symbol, client_id=order.client_id, qty=order.qty, price=price),
            side=plan.side,
            sized_qty=plan.qty,
            other_qty=others,
            reference=price,
            stop=trade.stop,
            survives_frac=plan.survives_frac,
            why=f"following the price to {price:f}",
        )
        if not isinstance(approved, Refused):
            desk.send(trade.number, approved)
