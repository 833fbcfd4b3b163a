"""From a signal to a position: what it asks for in ticks, whether it may be taken, how large."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bearskin.backtest._book import Book, Position
from bearskin.backtest._override import overridden, rules_of
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._symbols import Offer, Symbol
from bearskin.paths import NEVER, UNFILLED, Ticket, walk
from bearskin.risk import Entry, EntryRules, Exposure, Holding, Sized, exposure, size_entry
from bearskin.setups import GuardRules, GuardVerdict, SetupEvent, entry_ok, facts_of, guard
from bearskin.terms import MarginMode, Reason, Refused, Side, dec

RECENT_BARS = 6  # the guards hear of the symbol's signals up to so many bars before
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A signal that was not traded."""

    offer: Offer
    refused: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Costs of one symbol as fractions."""

    taker: Decimal
    maker: Decimal
    slip: Decimal


def rates_of(request: BacktestRequest, symbol: Symbol) -> Rates:
    """The request's fees where it names them, else the instrument's, and its slippage, times its `cost_scale`."""
    instrument, scale = symbol.panel.instrument, request.cost_scale
    taker = instrument.taker_fee_rate if request.taker_fee_rate is None else request.taker_fee_rate
    maker = instrument.maker_fee_rate if request.maker_fee_rate is None else request.maker_fee_rate
    if scale == ONE:
        return Rates(taker=taker, maker=maker, slip=request.slippage_frac)
    return Rates(taker=taker * scale, maker=maker * scale, slip=request.slippage_frac * scale)


def ticket_of(request: BacktestRequest, symbol: Symbol, bar: int, event: SetupEvent, steps: int) -> Ticket[float]:
    """The event as an order: prices in ticks, the stop and the limit rounded against us, targets too."""
    course, side, rates = symbol.course, event.side, rates_of(request, symbol)
    tick = symbol.panel.instrument.tick
    limit = event.limit_price if event.entry == "limit" else None
    two = len(event.targets) > 1
    share1 = math.floor(steps * request.target1_share) if two else steps  # exact: 0.29 of 100 is 29
    trail = (float(request.trail_atr) or event.trail_atr) * event.atr
    first = event.targets[0] if event.targets else None
    if two and share1 == 0:
        # too small to be split: the whole waits for the further target
        first, two, share1 = event.targets[1], False, steps
    return Ticket(
        steps=steps,
        steps1=share1,
        start=bar,
        end=len(symbol.panel),
        valid=event.valid_bars if limit is not None else 0,
        limit=0 if limit is None else course.ticks(side, limit, up=True),
        stop=course.ticks(side, event.stop, up=True),
        stop_on_mark=1 if request.stop_trigger == "mark" else 0,
        target1=-NEVER if first is None else course.ticks(side, first, up=False),
        target2=course.ticks(side, event.targets[1], up=False) if two else -NEVER,
        invalidation=course.ticks(side, event.invalidation, up=True) if event.invalidation > 0 else NEVER,
        trail=round(event.entry_ref * math.expm1(trail) / float(tick)) * course.through,  # on the venue's grid
        hold=event.horizon_bars,
        through=course.through,
        leverage=float(request.leverage) if request.margin_mode is MarginMode.ISOLATED else 0.0,
        taker=float(rates.taker),
        maker=float(rates.maker),
        slip=float(rates.slip),
        liquidation_fee=float(symbol.panel.instrument.liquidation_fee_rate),
    )


def hold_ticket(request: BacktestRequest, symbol: Symbol, bar: int) -> Ticket[float]:
    """The yardstick: in at the first open, out at the last close, nothing in between."""
    rates = rates_of(request, symbol)
    steps = symbol.course.steps(float(request.qty))
    return Ticket(
        steps=steps, steps1=steps, start=bar, end=len(symbol.panel), valid=0, limit=0, stop=NEVER, stop_on_mark=1,
        target1=-NEVER, target2=-NEVER, invalidation=NEVER, trail=0, hold=0, through=1, leverage=0.0,
        taker=float(rates.taker), maker=float(rates.maker), slip=float(rates.slip), liquidation_fee=0.0,
    )  # fmt: skip


class Gate:
    """Decides about each offer in turn: guards, the open it would be filled at, the book, size."""

    def __init__(self, request: BacktestRequest, book: Book, offers: Iterable[Offer] = ()) -> None:
        """`offers` are all that will come, in order of time: of each the guards hear those known by then."""
        self.request = request
        self.book = book
        self._guards = request.guard_rules or GuardRules(families_min=request.families_min)
        self.rules = rules_of(request)
        self._signals: dict[int, list[SetupEvent]] = {}
        for offer in offers:
            if offer.event is not None:
                self._signals.setdefault(offer.symbol.index, []).append(offer.event)

    def consider(self, offer: Offer) -> Position | Declined:
        """The position an offer becomes, or why it is let go."""
        if offer.event is None:
            return self._hold(offer)
        symbol, bar, panel = offer.symbol, offer.bar, offer.symbol.panel
        event = overridden(self.request, offer.event, panel.instrument)
        if bar >= len(panel) or int(panel.time_ns[bar]) != offer.order_ns:
            detail = "the data ends here" if bar >= len(panel) else "the next bar is missing from the data"
            return Declined(offer=offer, refused=Refused(reason=Reason.NO_DATA, detail=detail))
        if self.book.busy(symbol):
            return Declined(offer=offer, refused=Refused(reason=Reason.SYMBOL_BUSY))
        verdict = self.guarded(offer) if self.request.guards else None
        if verdict is not None and verdict.veto is not None:
            return Declined(offer=offer, refused=verdict.veto)
        opening = float(panel.open[bar])
        refused = entry_ok(event, opening, self.rules)
        if refused is not None:
            return Declined(offer=offer, refused=refused)
        standing = self.standing(offer.order_ns)
        sized = self.size(offer, event, standing, ONE if verdict is None else dec(verdict.size_multiplier))
        if isinstance(sized, Refused):
            return Declined(offer=offer, refused=sized)
        return self._position(offer, event, sized, verdict, standing)

    def guarded(self, offer: Offer) -> GuardVerdict:
        """What the guards say of the trade as the set-up asks for it, whatever the request makes of it."""
        symbol, event = offer.symbol, offer.event
        assert event is not None
        known, facts = self._known(symbol, event.bar), facts_of(symbol.brackets)
        return guard(event, symbol.panel, known, self._guards, symbol.days, facts)

    def _known(self, symbol: Symbol, bar: int) -> list[SetupEvent]:
        """The symbol's signals of the last bars, those of the same close included: they are known together."""
        signals = self._signals.get(symbol.index, [])
        first = bisect_left(signals, bar - RECENT_BARS, key=_bar_of)
        return signals[first : bisect_right(signals, bar, key=_bar_of)]

    def standing(self, now_ns: int) -> Exposure[float]:
        """What the account is worth and has at stake at the marks that open now."""
        isolated = self.request.margin_mode is MarginMode.ISOLATED
        return exposure(self.book.wallet, isolated, [_held(p, now_ns) for p in self.book.positions.values()])

    def size(self, offer: Offer, event: SetupEvent, standing: Exposure[float], multiplier: Decimal) -> Sized | Refused:
        """How large the trade may be on an account that stands so; `event` is the request's shape of the offer's."""
        request, rates, panel = self.request, rates_of(self.request, offer.symbol), offer.symbol.panel
        price = float(panel.open[offer.bar]) if event.limit_price is None else event.limit_price
        return size_entry(
            Entry(
                side=event.side,
                price=dec(price),
                stop=dec(event.stop),
                resting=event.entry == "limit",
                instrument=panel.instrument,
                brackets=offer.symbol.brackets,
            ),
            EntryRules(
                preset=request.preset,
                risk_frac=request.risk_frac,
                leverage=request.leverage,
                margin_mode=request.margin_mode,
                heat_frac=request.heat_frac,
                slippage_frac=rates.slip,
                taker_fee_rate=rates.taker,
                maker_fee_rate=rates.maker,
                beyond=request.no_preflight,
            ),
            standing,
            multiplier,
        )

    def _position(
        self, offer: Offer, event: SetupEvent, sized: Sized, verdict: GuardVerdict | None, standing: Exposure[float]
    ) -> Position | Declined:
        symbol, course = offer.symbol, offer.symbol.course
        ticket = ticket_of(self.request, symbol, offer.bar, event, course.steps(float(sized.qty)))
        outcome = walk(course.lanes[event.side], symbol.tiers, ticket)
        if outcome.reason == UNFILLED and ticket.start + ticket.valid > ticket.end:
            return Declined(offer=offer, refused=Refused(reason=Reason.NO_DATA, detail="the data ends before a fill"))
        coins = course.coins(ticket.steps)
        terms: dict[str, float | None] = {
            "stop": event.stop,
            "target1": event.targets[0] if event.targets else None,
            "target2": event.targets[1] if len(event.targets) > 1 else None,
            "leverage": float(sized.leverage),
            "invalidation": event.invalidation,
            "limit": event.limit_price,
        }
        said = [] if verdict is None else verdict.told
        return Position(
            offer=offer,
            side=event.side,
            outcome=outcome,
            planned=coins,
            entry_ns=int(symbol.panel.time_ns[outcome.entry_bar]),
            exit_ns=0,
            margin=float(sized.margin),
            risk=float(sized.loss_at_stop),
            equity_before=standing.equity,
            terms=terms,
            why="; ".join([event.why, *said, f"size bound by {sized.bound_by}"]),
        )

    def _hold(self, offer: Offer) -> Position | Declined:
        symbol = offer.symbol
        side = Side.LONG if tuple(self.request.sides) == (Side.LONG,) else Side.SHORT
        ticket = hold_ticket(self.request, symbol, offer.bar)
        if ticket.steps == 0:
            need = f"at least {symbol.panel.instrument.step}"
            return Declined(
                offer=offer, refused=Refused(reason=Reason.SIZE_ZERO, have=str(self.request.qty), need=need)
            )
        outcome = walk(symbol.course.lanes[side], symbol.tiers, ticket)
        return Position(
            offer=offer,
            side=side,
            outcome=outcome,
            planned=symbol.course.coins(ticket.steps),
            entry_ns=int(symbol.panel.time_ns[outcome.entry_bar]),
            exit_ns=0,
            margin=0.0,
            risk=0.0,
            equity_before=self.standing(offer.order_ns).equity,
            why="held over the whole set as a yardstick",
        )


def _held(position: Position, now_ns: int) -> Holding[float]:
    return Holding(
        int(position.side),
        position.planned,
        position.share,
        position.qty if position.coins > 0 else 0.0,
        position.cost,
        mark_at(position.symbol, now_ns),
        position.margin,
        position.risk,
    )


def _bar_of(event: SetupEvent) -> int:
    return event.bar


def mark_at(symbol: Symbol, now_ns: int) -> float:
    """The mark that opens at `now_ns`, the last one known where no bar does."""
    panel = symbol.panel
    i = min((now_ns - int(panel.time_ns[0])) // panel.interval_ns, len(panel) - 1)
    if int(panel.time_ns[i]) != now_ns:
        i = int(panel.time_ns.searchsorted(now_ns, side="right")) - 1
    prices = panel.open if panel.mark_open is None else panel.mark_open
    price = float(prices[i])
    return price if price == price else float(panel.open[i])  # a NaN is a missing mark


def risk_at_stop(position: Position, rates: Rates) -> float | None:
    """What the position as filled would lose at its stop, fees and slippage included; None without a stop."""
    stop = position.terms.get("stop")
    if stop is None:
        return None
    fill = stop * (1 - int(position.side) * float(rates.slip))
    fee = position.planned * fill * float(rates.taker)
    return position.planned * int(position.side) * (position.outcome.entry - fill) + fee + position.outcome.entry_fee
