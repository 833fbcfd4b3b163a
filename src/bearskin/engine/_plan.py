"""From a waiting signal to a planned trade, or to the reason why not: the same questions in the same order as the
compiled backtest asks, at the quote instead of the next open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from bearskin.engine._desk import Desk
from bearskin.engine._notes import Declined, Planned
from bearskin.engine._pace import passed_ns
from bearskin.engine._settings import EngineSettings
from bearskin.engine._signals import Asking, Signals, Waiting
from bearskin.engine._switches import barred, multiplier, told
from bearskin.engine._tape import Memory
from bearskin.engine._timing import book_holds, book_told, book_unchecked
from bearskin.engine._trade import ZERO, Trade
from bearskin.risk import (
    Entry,
    EntryRules,
    Exposure,
    Holding,
    Sized,
    approve_config,
    approve_entry,
    exposure,
    liquidation_at,
    size_entry,
)
from bearskin.setups import GuardRules, GuardVerdict, SetupEvent, entry_ok, facts_of, guard
from bearskin.terms import (
    QUOTE,
    SECOND_NS,
    Brackets,
    Leg,
    MarginMode,
    Place,
    Reason,
    Refused,
    SetLeverage,
    SetMarginMode,
    Side,
    dec,
    step_down,
    tick_down,
    tick_up,
)

ONE = Decimal(1)
PATIENCE_NS = 2 * SECOND_NS  # of the wall: for exits of the same bar to come first, for a quote of the new bar
ASK_AGAIN_NS = 5 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A trade as it is asked for, by a set-up or by hand, once it has its size."""

    side: Side
    origin: str
    sized: Sized
    entry_ref: Decimal
    stop: Decimal | None
    limit: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    invalidation: Decimal | None = None
    until_ns: int = 0
    entry_until_ns: int = 0
    known_ns: int = 0
    atr: float = 0.0
    trail: Decimal = ZERO
    why: str = ""
    unchecked: tuple[str, ...] = ()
    equity: Decimal = ZERO
    act_id: str = ""
    hedge: bool = False
    survives_frac: Decimal | None = None
    style: str = "market"


def rules_of(settings: EngineSettings) -> EntryRules:
    """How this bot sizes."""
    return EntryRules(
        preset=settings.preset,
        risk_frac=settings.risk_frac,
        leverage=None if settings.leverage is None else Decimal(max(1, int(settings.leverage))),
        margin_mode=settings.margin_mode,
        heat_frac=settings.heat_frac,
        slippage_frac=settings.slippage_frac,
        equity_cap=settings.equity_cap,
        notional_cap=settings.notional_cap,
    )


def standing(desk: Desk) -> Exposure[Decimal]:
    """What the account is worth and has at stake at the last marks."""
    isolated = desk.settings.margin_mode is MarginMode.ISOLATED
    account = exposure(desk.book.account.wallet, isolated, [_held(desk, t) for t in desk.book.trades.values()])
    available = desk.book.account.available
    if desk.book.foreign and available is not None and available < account.free:
        account = account._replace(free=available)  # what others hold takes margin that our book knows nothing of
    return account


def _held(desk: Desk, trade: Trade) -> Holding[Decimal]:
    plan, qty = trade.plan, trade.open_qty
    planned = abs(plan.qty)
    coming = sum((abs(order.left) for order in trade.live("entry")), ZERO)
    share = ONE if not planned else min(ONE, QUOTE.divide(abs(qty) + coming, planned))
    mark = desk.mark(trade.symbol) or plan.entry_ref
    return Holding(int(plan.side), planned, share, trade.qty, trade.cost, mark, plan.margin, plan.loss_at_stop)


class Planner:
    """Decides about waiting signals."""

    def __init__(self, settings: EngineSettings, signals: Signals) -> None:
        self._settings = settings
        self._signals = signals
        self._rules = settings.guard_rules or GuardRules(families_min=settings.families_min)

    def consider(self, desk: Desk, waiting: Waiting, memory: Memory) -> bool:
        """Plan or decline a signal; False when it has to wait on."""
        event = styled(self._settings, waiting.event)
        if memory.closed_ns > waiting.event.known_ns or desk.time_ns >= waiting.event.known_ns + memory.interval_ns:
            return self._decline(desk, waiting, self._too_late(desk, waiting, memory))
        if waiting.refused:
            return self._decline(desk, waiting, Refused(reason=Reason.VENUE, detail=waiting.refused))
        shut = barred(desk, memory, event.side, self._signals.regimes[waiting.symbol])
        if shut is not None and (shut.reason is not Reason.STALE or self._impatient(desk, waiting)):
            return self._decline(desk, waiting, shut)
        if shut is not None or self._wait(desk, waiting, memory) or book_holds(desk, waiting, event, memory):
            return False
        decided = self._decided(desk, event, memory)
        waited = book_told(desk, waiting)
        if isinstance(decided, Refused):
            detail = "; ".join(text for text in (decided.detail, waited) if text)
            return self._decline(desk, waiting, replace(decided, detail=detail))
        why = "; ".join(text for text in (decided.why, waited) if text)
        unchecked = (*decided.unchecked, *book_unchecked(desk, event, memory))
        decided = replace(decided, why=why, unchecked=unchecked)
        sized = decided.sized
        if not configured(desk, waiting, sized.margin_mode, int(sized.leverage)):
            return False
        open_trade(desk, memory, decided)
        return True

    def _impatient(self, desk: Desk, waiting: Waiting) -> bool:
        if waiting.leans:  # the book held it up: it waits for a quote as long as its bar lasts
            return False
        return passed_ns(desk.wall_ns, waiting.heard_wall_ns) >= PATIENCE_NS

    def _wait(self, desk: Desk, waiting: Waiting, memory: Memory) -> bool:
        """Whether exits of this moment are still under way, or no quote of the new bar has come yet."""
        mine = desk.book.trade_in(waiting.symbol)
        if mine is not None and mine.leaving:
            return True
        if self._impatient(desk, waiting):
            return False
        return memory.quoted_ns < waiting.event.known_ns or any(t.leaving for t in desk.book.trades.values())

    def _too_late(self, desk: Desk, waiting: Waiting, memory: Memory) -> Refused:
        old = barred(desk, memory, waiting.event.side, self._signals.regimes[waiting.symbol])
        if old is not None:
            return old
        if desk.book.trade_in(waiting.symbol) is not None:
            return Refused(reason=Reason.SYMBOL_BUSY)
        if waiting.asked:
            return Refused(reason=Reason.VENUE, detail=f"no answer to {waiting.asked} within the bar")
        late_s = (desk.time_ns - waiting.event.known_ns) / SECOND_NS
        return Refused(reason=Reason.STALE, detail=f"the bar closed {late_s:.0f} s ago and the next one is there")

    def _decided(self, desk: Desk, event: SetupEvent, memory: Memory) -> Intent | Refused:
        if desk.book.trade_in(event.symbol) is not None:
            return Refused(reason=Reason.SYMBOL_BUSY)
        verdict: GuardVerdict | None = None
        if self._settings.guards:
            panel = memory.panel()
            at = replace(event, bar=int(panel.time_ns.searchsorted(event.known_ns - memory.interval_ns)))
            known, facts = self._signals.known(memory, at), facts_of(desk.market[event.symbol][1])
            verdict = guard(at, panel, known, self._rules, memory.whole_days(), facts)
            if verdict.veto is not None:
                return verdict.veto
        price = memory.price(int(event.side))
        if price is None:
            return Refused(reason=Reason.STALE, detail="no quote has come yet")
        moved = entry_ok(event, float(price))
        if moved is not None:
            return moved
        account = standing(desk)
        instrument, brackets = desk.market[event.symbol]
        entry = entry_of(event, price, instrument.tick, memory, brackets)
        factor = (ONE if verdict is None else dec(verdict.size_multiplier)) * multiplier(desk.book, hand=False)
        sized = size_entry(entry, within(rules_of(self._settings), brackets), account, factor)
        if isinstance(sized, Refused):
            return sized
        return intent_of(self._settings, event, entry, sized, verdict, account.equity)

    def _decline(self, desk: Desk, waiting: Waiting, refused: Refused) -> bool:
        decline(desk, waiting.event, refused)
        return True


def configured(desk: Desk, waiting: Asking, mode: MarginMode, leverage: int) -> bool:
    """Whether the symbol has this margin mode and leverage; asks the venue for what is missing, one at a time."""
    now = desk.book.configured.get(waiting.symbol)
    if now == (leverage, mode.value):
        return True
    if waiting.asked and passed_ns(desk.wall_ns, waiting.asked_wall_ns) < ASK_AGAIN_NS:
        answered = waiting.symbol not in desk.book.configuring
        if not answered:
            return False
    command: SetMarginMode | SetLeverage
    if now is None or now[1] != mode.value:
        command = SetMarginMode(symbol=waiting.symbol, margin_mode=mode, leverage=leverage)
    else:
        command = SetLeverage(symbol=waiting.symbol, leverage=leverage, margin_mode=mode)
    approved = approve_config(command, open_qty=ZERO, why=f"{leverage}x {mode.value} before the first order")
    if isinstance(approved, Refused):
        waiting.refused = str(approved)
        return False
    waiting.asked, waiting.asked_wall_ns = type(command).__name__, desk.wall_ns
    desk.send(0, approved)
    return False


def decline(desk: Desk, event: SetupEvent, refused: Refused) -> None:
    """Write down why a signal is let go."""
    desk.note(
        Declined(
            time_ns=desk.time_ns,
            wall_ns=desk.wall_ns,
            symbol=event.symbol,
            side=event.side,
            origin=f"setup:{event.setup}",
            reason=refused.reason.value,
            detail=told(refused),
            known_ns=event.known_ns,
        )
    )


def styled(settings: EngineSettings, event: SetupEvent) -> SetupEvent:
    """The event with the entry the settings insist on: as the compiled backtest overrides it."""
    wanted = "market" if settings.entry == "market" else "limit"
    if settings.entry == "setup" or event.entry == wanted:
        return event
    if wanted == "market":
        return replace(event, entry="market", limit_price=None, valid_bars=1)
    return replace(event, entry="limit", limit_price=event.entry_ref)


def within(rules: EntryRules, brackets: Brackets | None) -> EntryRules:
    """Without the venue's brackets nobody can say where liquidation is: such a symbol is traded at 1x."""
    return rules if brackets is not None else replace(rules, leverage=ONE)


def entry_of(event: SetupEvent, price: Decimal, tick: Decimal, memory: Memory, brackets: Brackets | None) -> Entry:
    """What sizing is asked for: the quote of a market order, the price of a resting one."""
    resting = event.limit_price is not None
    return Entry(
        side=event.side,
        price=price if event.limit_price is None else against(event.limit_price, event.side, tick),
        stop=against(event.stop, event.side, tick),
        resting=resting,
        instrument=memory.instrument,
        brackets=brackets,
    )


def against(price: float | Decimal, side: Side, tick: Decimal) -> Decimal:
    """On the tick grid, off it the nearest price that is worse for this side's stop: above for a short."""
    exact = dec(price)
    return tick_up(exact, tick) if side < 0 else tick_down(exact, tick)


def towards(price: float | Decimal, side: Side, tick: Decimal) -> Decimal:
    """On the tick grid, off it the nearest price that is reached sooner by nobody: below for a short's target."""
    return against(price, Side(-int(side)), tick)


def intent_of(
    settings: EngineSettings,
    event: SetupEvent,
    entry: Entry,
    sized: Sized,
    verdict: GuardVerdict | None,
    equity: Decimal,
) -> Intent:
    """The trade a signal asks for, with its size; prices on the grid, rounded as the compiled backtest rounds them."""
    tick, interval_ns = entry.instrument.tick, settings.interval_ns
    trail_atr = float(settings.trail_atr) or event.trail_atr
    distance = dec(event.entry_ref * math.expm1(trail_atr * event.atr))
    said = [] if verdict is None else verdict.told
    return Intent(
        side=event.side,
        origin=f"setup:{event.setup}",
        sized=sized,
        entry_ref=dec(event.entry_ref),
        stop=entry.stop,
        limit=entry.price if entry.resting else None,
        targets=tuple(towards(target, event.side, tick) for target in event.targets),
        invalidation=against(event.invalidation, event.side, tick) if event.invalidation > 0 else None,
        until_ns=event.known_ns + event.horizon_bars * interval_ns if event.horizon_bars else 0,
        entry_until_ns=event.known_ns + event.valid_bars * interval_ns if entry.resting else 0,
        known_ns=event.known_ns,
        atr=event.atr,
        trail=_rounded(distance, tick),
        why="; ".join([event.why, *said, f"size bound by {sized.bound_by}"]),
        unchecked=(*sized.unchecked, *(verdict.unchecked if verdict else ())),
        equity=equity,
        style=settings.entry if settings.entry in ("chase", "ladder") else ("limit" if entry.resting else "market"),
    )


def _rounded(distance: Decimal, tick: Decimal) -> Decimal:
    return QUOTE.divide(distance, tick).to_integral_value() * tick


def open_trade(desk: Desk, memory: Memory, intent: Intent) -> Trade:
    """Write the plan down and send what enters it."""
    settings, symbol, sized = desk.settings, memory.instrument.symbol, intent.sized
    leg: Leg = "BOTH"
    if desk.book.account.dual:
        leg = "SHORT" if intent.side < 0 else "LONG"
    number = desk.book.next_trade
    shares = target_shares(settings, intent.targets, sized.qty, memory.instrument.step)
    desk.note(
        Planned(
            time_ns=desk.time_ns,
            wall_ns=desk.wall_ns,
            trade=number,
            symbol=symbol,
            side=intent.side,
            leg=leg,
            purpose="hedge" if intent.hedge else "speculation",
            origin=intent.origin,
            qty=sized.qty,
            entry_ref=intent.entry_ref,
            entry_price=intent.limit,
            stop=intent.stop,
            stop_by=settings.stop_by,
            targets=tuple(price for price, _ in shares),
            target_qtys=tuple(qty for _, qty in shares),
            invalidation=intent.invalidation,
            until_ns=intent.until_ns,
            entry_until_ns=intent.entry_until_ns,
            known_ns=intent.known_ns,
            atr=intent.atr,
            trail=intent.trail,
            break_even_r=settings.break_even_r,
            leverage=sized.leverage,
            margin_mode=sized.margin_mode,
            margin=sized.margin,
            loss_at_stop=sized.loss_at_stop,
            liquidation_price=_liquidation(desk, memory, intent),
            survives_frac=intent.survives_frac,
            bound_by=sized.bound_by,
            why=intent.why,
            unchecked=intent.unchecked,
            equity=intent.equity,
            act_id=intent.act_id,
        )
    )
    trade = desk.book.trades[number]
    enter(desk, memory, trade, intent.style)
    return trade


def _liquidation(desk: Desk, memory: Memory, intent: Intent) -> Decimal | None:
    brackets, sized = desk.market[memory.instrument.symbol][1], intent.sized
    if brackets is None:
        return None
    isolated = sized.margin_mode is MarginMode.ISOLATED
    price = intent.limit or memory.price(int(intent.side)) or intent.entry_ref
    wallet = sized.margin if isolated else intent.equity
    return liquidation_at(memory.instrument, brackets, sized.qty, price, wallet)


def target_shares(
    settings: EngineSettings, targets: tuple[Decimal, ...], qty: Decimal, step: Decimal
) -> list[tuple[Decimal, Decimal]]:
    """Each target with the signed part of the position it closes; too small to be split, all waits for the further."""
    if len(targets) < 2:
        return [(target, qty) for target in targets]
    first = step_down(qty * settings.target1_share, step)
    if first == 0:
        return [(targets[1], qty)]
    rest = qty - first
    return [(targets[0], first)] + ([(targets[1], rest)] if rest else [])


def enter(desk: Desk, memory: Memory, trade: Trade, style: str) -> None:
    """Send the orders that enter a trade."""
    plan = trade.plan
    for qty, price in _parts(desk, memory, trade, style):
        others = sum((order.qty for order in trade.live("entry")), ZERO)
        command = Place(
            symbol=trade.symbol,
            client_id=desk.next_id(trade, "entry"),
            role="entry",
            qty=qty,
            price=price,
            leg=trade.leg,
            post_only=style == "chase",
            attached_stop=plan.stop if desk.settings.attach_stops else None,
            stop_by=plan.stop_by,
        )
        approved = approve_entry(
            command,
            side=plan.side,
            sized_qty=plan.qty,
            other_qty=others,
            reference=plan.entry_price or memory.price(int(plan.side)) or plan.entry_ref,
            stop=plan.stop,
            survives_frac=plan.survives_frac,
            why=f"{plan.origin}: {plan.bound_by} bound the size, {plan.loss_at_stop:.2f} lost at the stop",
        )
        if isinstance(approved, Refused):
            desk.warn("rejected", trade.symbol, f"entry withheld: {approved}")
            continue
        desk.send(trade.number, approved)


def _parts(desk: Desk, memory: Memory, trade: Trade, style: str) -> Iterator[tuple[Decimal, Decimal | None]]:
    """Quantities and prices of the entry orders: one, or a ladder from the limit up to half way to the stop."""
    plan, tick, step = trade.plan, memory.instrument.tick, memory.instrument.step
    if style == "chase":
        yield plan.qty, memory.price(-int(plan.side)) or plan.entry_price
        return
    steps = desk.settings.ladder_steps
    if style != "ladder" or plan.entry_price is None or plan.stop is None or steps < 2:
        yield plan.qty, plan.entry_price
        return
    each = step_down(QUOTE.divide(plan.qty, Decimal(steps)), step)
    smallest = max(memory.instrument.min_qty, QUOTE.divide(memory.instrument.min_notional, plan.entry_price))
    if abs(each) < smallest:
        yield plan.qty, plan.entry_price
        return
    reach = QUOTE.divide(plan.stop - plan.entry_price, Decimal(2 * (steps - 1)))
    for rung in range(steps):
        qty = each if rung else plan.qty - each * (steps - 1)
        yield qty, towards(plan.entry_price + reach * rung, plan.side, tick)
