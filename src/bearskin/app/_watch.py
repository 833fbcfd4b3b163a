"""What a person wants to see of a running bot: a fold of its audit stream, told as plain JSON."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from bearskin import engine as words
from bearskin.app._gauges import gauges_of
from bearskin.app._watch_more import end_more, plan_more, regime_figures, signal_more
from bearskin.risk import LimitRules
from bearskin.terms import (
    SECOND_NS,
    AccountNow,
    Answered,
    AnyEvent,
    BalanceNow,
    BarClosed,
    Connected,
    Filled,
    Funded,
    Marked,
    MoveMargin,
    OrderChanged,
    Quoted,
    Side,
    Throttled,
    iso,
    our_id,
)

ZERO = Decimal(0)
DECISIONS_KEPT, WARNINGS_KEPT, SIGNALS_KEPT = 400, 60, 500
RULES = LimitRules()  # the engine's own
LONG_S = 0.5
BEYOND_R = 0.1  # a stop that slips by more is told


_OF_VENUE = (Quoted, Marked, OrderChanged, Filled, AccountNow, BalanceNow)


@dataclass(slots=True)
class _Told:
    """Prices of one symbol as they were last told."""

    mark: Decimal | None = None
    index: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    rate: Decimal | None = None
    next_funding_ns: int | None = None

    @property
    def price(self) -> Decimal | None:
        """Mark, else the middle of the book, else nothing."""
        if self.mark is not None:
            return self.mark
        return (self.bid + self.ask) / 2 if self.bid and self.ask else None


class Memory(Protocol):
    """Who has the book: the engine, which makes another when it is restored."""

    @property
    def book(self) -> words.Book:
        """The bot's memory; only read."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Takes every record of a run in order; `state` says where it stands. Figures of money are strings, as in --json.

    `facts` are said as they are: run, venue, symbols... Fed with a run's journal first, its counts are those of the
    whole run; `restored` ends that part.
    """

    memory: Memory
    facts: Mapping[str, Any]
    regimes_now: Callable[[], Mapping[str, Any]] = dict  # the daily regimes the engine reckons with
    sequence: int = 0
    account_changes: Counter[str] = field(default_factory=Counter)  # by symbol: what concerns the account was noted
    changes: int = 0  # how often something was heard: who looks again knows whether there is anything new
    time_ns: int = 0
    wall_ns: int = 0
    bars: int = 0
    signals: int = 0
    entries: int = 0
    exits: int = 0
    wins: int = 0
    gross: Decimal = ZERO
    net: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    unprotected_s_max: float = 0.0
    high_water: Decimal = ZERO
    declined: Counter[str] = field(default_factory=Counter)
    by_setup: Counter[str] = field(default_factory=Counter)
    prices: dict[str, _Told] = field(default_factory=dict)
    limits: dict[str, words.Limited] = field(default_factory=dict)
    regimes: dict[str, words.Regimed] = field(default_factory=dict)
    channels: dict[str, bool] = field(default_factory=dict)
    lost_wall_ns: dict[str, int] = field(default_factory=dict)  # channels that are down, and when the venue was heard
    venue_wall_ns: int = 0  # when the venue was last heard, by whichever channel
    silent_until_wall_ns: int = 0
    decisions: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=DECISIONS_KEPT))
    warnings: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=WARNINGS_KEPT))
    _signals: dict[tuple[str, str, int], dict[str, Any]] = field(default_factory=dict)  # those not decided yet
    listeners: list[Callable[[AnyEvent], None]] = field(default_factory=list)  # who else hears what is heard
    _entered: set[int] = field(default_factory=set)
    _filled_wall_ns: int = 0
    _free_wall_ns: int = 0  # when the venue was last asked what is free
    _number: int = 0
    _restored: int = 0

    @property
    def book(self) -> words.Book:
        """The memory as it is now."""
        return self.memory.book

    def told(self, sequence: int, record: words.Record) -> None:
        """Take in one record."""
        event = record.event
        self.sequence = max(self.sequence, sequence)
        self.heard(event)
        self.account_changes.update(_of_account(record))
        match event:
            case BarClosed():
                self.bars += 1
            case Filled():
                self._filled(event)
                self._filled_wall_ns = max(self._filled_wall_ns, event.wall_ns)
            case AccountNow():
                self._free_wall_ns = max(self._free_wall_ns, event.asked_wall_ns)
            case BalanceNow() if event.available is not None:
                self._free_wall_ns = max(self._free_wall_ns, event.wall_ns)
            case Connected():
                self._connected(event)
            case Throttled():
                self.silent_until_wall_ns = event.until_wall_ns
            case _:
                pass
        for note in record.notes:
            self._noted(note)

    def restored(self) -> None:
        """What was told so far is the past: a log need not tell it again."""
        self._restored = self._number
        self.channels.clear()
        self.lost_wall_ns.clear()
        self.warnings.clear()

    def _connected(self, event: Connected) -> None:
        self.channels[event.channel] = event.up
        if event.up:
            self.lost_wall_ns.pop(event.channel, None)
        else:
            self.lost_wall_ns.setdefault(event.channel, self.venue_wall_ns or event.wall_ns)

    def heard(self, event: AnyEvent) -> None:
        """Take in what is heard but not written down: prices, and that time passes."""
        self.changes += 1
        for listener in self.listeners:
            listener(event)
        self.time_ns, self.wall_ns = max(self.time_ns, event.time_ns), max(self.wall_ns, event.wall_ns)
        if isinstance(event, _OF_VENUE):
            self.venue_wall_ns = max(self.venue_wall_ns, event.wall_ns)
        match event:
            case Quoted():
                told = self.prices.setdefault(event.symbol, _Told())
                told.bid, told.ask = event.bid, event.ask
            case Marked():
                told = self.prices.setdefault(event.symbol, _Told())
                told.mark, told.rate, told.next_funding_ns = event.mark, event.rate, event.next_funding_ns
                told.index = event.index
            case _:
                pass

    def _filled(self, event: Filled) -> None:
        ours = our_id(event.client_id)
        if ours is not None and ours.role == "entry" and ours.trade not in self._entered:
            self._entered.add(ours.trade)
            self.entries += 1

    def _noted(self, note: words.AnyNote) -> None:
        match note:
            case words.Signalled():
                self.signals += 1
                self.by_setup[note.setup] += 1
                self._signalled(note)
            case words.Declined():
                self.declined[note.reason] += 1
                figures = note.detail.startswith("(")
                what = f"{note.reason}{'' if figures else ':'} {note.detail}" if note.detail else note.reason
                more = {**self._signal_of(note), "reason": note.reason, "detail": note.detail}
                self._decided(note, "declined", what, side=note.side, origin=note.origin, more=more)
            case words.Planned():
                more = {**self._signal_of(note), **plan_more(note)}
                told = _plan_told(note)
                self._decided(note, "enter", told, side=note.side, origin=note.origin, why=note.why, more=more)
            case words.Protection():
                self._protection(note)
            case words.StopMoved():
                moved = f"stop {_shown(note.old)} → {_shown(note.new)}" if note.old else f"stop {_shown(note.new)}"
                self._decided(note, "stop", f"{moved}: {note.why}")
            case words.TargetMoved():
                moved = f"target {note.number} {_shown(note.old)} → {_shown(note.new)}"
                self._decided(note, "target", f"{moved}: {note.why}")
            case words.Leaving():
                share = "" if note.share == 1 else f" {100 * note.share:.0f} % of it"
                self._decided(note, "leave", f"leaving{share}: {note.reason}")
            case words.Ended():
                self._ended(note)
            case words.Limited():
                self.limits[note.limit] = note
                state = "reached" if note.active else "lifted"
                self._decided(note, "limit", f"{note.limit} {state}{': ' + note.detail if note.detail else ''}")
            case words.ModeSet():
                self._decided(note, "mode", _mode_told(note))
            case words.Adjusted() | words.Foreign() | words.Reconciled():
                self._differences(note)
            case words.Regimed():
                self.regimes[note.symbol] = note
            case words.Equity():
                self.high_water = note.high_water
            case words.Warned():
                self._warned(note)
            case words.Done() | words.Issued():
                pass

    def _signalled(self, note: words.Signalled) -> None:
        self._signals[note.symbol, f"setup:{note.setup}", note.known_ns] = signal_more(note)
        while len(self._signals) > SIGNALS_KEPT:
            self._signals.pop(next(iter(self._signals)))

    def _signal_of(self, note: words.Declined | words.Planned) -> dict[str, Any]:
        return self._signals.pop((note.symbol, note.origin, note.known_ns), {})

    def _decided(
        self,
        note: Any,
        kind: str,
        text: str,
        *,
        side: Side | None = None,
        origin: str = "",
        why: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self._number += 1
        self.decisions.append(
            {
                "number": self._number,
                "time": iso(note.time_ns),
                "kind": kind,
                "symbol": getattr(note, "symbol", ""),
                "side": None if side is None else side.name.lower(),
                "origin": origin,
                "text": text,
                "why": why,
                "more": dict(more or {}),
            }
        )

    def _protection(self, note: words.Protection) -> None:
        self.unprotected_s_max = max(self.unprotected_s_max, note.unprotected_s)
        if note.protected:
            self._decided(note, "protected", f"PROTECTED, the venue has its stop; {note.unprotected_s:.3f} s without")
        elif note.open_qty and note.unprotected_s >= LONG_S:  # an entry is always a moment ahead of its stop
            covered = f"{_shown(abs(note.covered_qty))} of {_shown(abs(note.open_qty))}"
            self._decided(note, "unprotected", f"UNPROTECTED: a stop rests for {covered}")

    def _ended(self, note: words.Ended) -> None:
        self.limits.pop("", None)
        self.fees, self.funding = self.fees + note.fees, self.funding + note.funding
        if note.entry is None:
            more = {"trade": note.trade}
            self._decided(note, "unfilled", f"not filled: {note.reason}", side=note.side, origin=note.origin, more=more)
            return
        self.exits += 1
        self.wins += note.net > 0
        self.gross, self.net = self.gross + note.gross, self.net + note.net
        self.unprotected_s_max = max(self.unprotected_s_max, note.unprotected_s_max)
        r = "" if note.r is None else f" ({note.r:+.2f} R)"
        text = f"closed by {_BY.get(note.reason, note.reason)} at {_shown(note.exit)}, net {note.net:+.2f} USDT{r}"
        beyond_r = _beyond_r(note)
        if beyond_r > BEYOND_R:
            text += f", {note.slippage_exit:.2f} of it ({beyond_r:.2f} R) beyond the stop"
        self._decided(note, "exit", text, side=note.side, origin=note.origin, more=end_more(note))

    def _differences(self, note: words.Adjusted | words.Foreign | words.Reconciled) -> None:
        if isinstance(note, words.Reconciled):
            if note.differences:
                self._decided(note, "reconciled", "the venue differs: " + "; ".join(note.differences))
        elif isinstance(note, words.Foreign):
            state = "not ours, the symbol is left alone" if note.blocked else "free again"
            self._decided(note, "foreign", f"{state}: {note.detail}")
        else:
            taken = f"position {_shown(note.ours)} → {_shown(note.theirs)}, as the venue has it"
            self._decided(note, "adjusted", f"{taken}: {note.why}")

    def _warned(self, note: words.Warned) -> None:
        self._decided(note, "warning", f"{note.kind}: {note.text}")
        self.warnings.append(
            {
                "time": iso(note.time_ns),
                "kind": note.kind,
                "symbol": note.symbol,
                "text": note.text,
                "severity": note.severity,
                "number": self._number,
            }
        )

    # --- what is told ------------------------------------------------------------------------------------------------

    def state(self, wall_ns: int) -> dict[str, Any]:
        """Where the run stands at a moment of the wall clock."""
        heard_ns = min(self.lost_wall_ns.values(), default=None)  # None: the venue is heard now
        last = last_known(heard_ns, wall_ns)
        positions = [self._position(trade, wall_ns) | last for trade in self.book.trades.values()]
        open_pnl = sum((Decimal(one["pnl"]) for one in positions if one["pnl"] is not None), ZERO)
        account = self.book.account
        live = list(self.book.trades.values())
        risk = sum((_open_risk(trade) for trade in live), ZERO)
        equity = account.wallet + open_pnl
        stale = self._free_wall_ns < self._filled_wall_ns  # what is free was told before the last fill
        return {
            **self.facts,
            "sequence": self.sequence,
            "account_changes": dict(self.account_changes),
            "time": iso(self.time_ns) if self.time_ns else None,
            "heard_s_ago": round((wall_ns - self.wall_ns) / SECOND_NS, 3) if self.wall_ns else None,
            "account": {
                "asset": account.asset,
                "known": account.known,
                "wallet": _money(account.wallet),
                "equity": _money(equity),
                "available": _money(account.available) if account.available is not None and not stale else None,
                "high_water": _money(max(self.high_water, equity)),
                "transferred": _money(self.book.worth.transferred),
                "open_pnl": _money(open_pnl),
                "open_risk": _money(risk),
                "open_risk_frac": f"{risk / equity:.6f}" if equity > 0 else None,
                "gross": _money(self.gross),
                "net": _money(self.net),
                "fees": _money(self.fees + sum((trade.fees for trade in live), ZERO)),
                "funding": _money(self.funding + sum((trade.funding for trade in live), ZERO)),
            },
            "mode": {"paused": self.book.paused, "panicked": self.book.panicked, "sides": self.book.sides},
            "limits": [_limit(one) for one in self.limits.values() if one.active],
            "channels": dict(self.channels),
            "venue_unheard_s": last["protected_unheard_s"],
            "silent_s": max(0.0, round((self.silent_until_wall_ns - wall_ns) / SECOND_NS, 1)),
            "positions": positions,
            "orders": [_order(trade, order) for trade in live for order in trade.orders.values() if order.live],
            "foreign": dict(self.book.foreign),
            "not_trading": dict(self.book.trading),
            "prices": {symbol: _price(told) for symbol, told in sorted(self.prices.items())},
            "regimes": {symbol: one.label for symbol, one in sorted(self._regimes().items())},
            "regime_figures": {symbol: regime_figures(one.figures) for symbol, one in self._regimes().items()},
            "gauges": self._gauges(equity, wall_ns),
            "counts": self.counts(),
            "decisions": list(self.decisions),
            "restored": self._restored,
            "warnings": list(self.warnings),
        }

    def _regimes(self) -> dict[str, Any]:
        """By symbol: what was written down last, or better what the engine reckons with since the day began."""
        return {**self.regimes, **self.regimes_now()}

    def _gauges(self, equity: Decimal, wall_ns: int) -> list[dict[str, Any]]:
        gaps = {
            symbol: abs(told.mark / told.index - 1)
            for symbol, told in self.prices.items()
            if told.mark is not None and told.index
        }
        return gauges_of(self.book.worth, RULES, equity=equity, time_ns=self.time_ns, wall_ns=wall_ns, gaps=gaps)

    def counts(self) -> dict[str, Any]:
        """How many of what, from the run's first record on."""
        longest = max((trade.unprotected_s_max for trade in self.book.trades.values()), default=0.0)
        return {
            "bars": self.bars,
            "signals": self.signals,
            "by_setup": dict(self.by_setup.most_common()),
            "entries": self.entries,
            "exits": self.exits,
            "wins": self.wins,
            "declined": dict(self.declined.most_common()),
            "max_unprotected_s": round(max(self.unprotected_s_max, longest), 3),
        }

    def _position(self, trade: words.Trade, wall_ns: int) -> dict[str, Any]:
        plan, told = trade.plan, self.prices.get(trade.symbol, _Told())
        mark = told.price
        pnl = None if mark is None or not trade.qty else trade.qty * mark - trade.cost
        liquidation = self.book.liquidation_price(trade)
        without_s = None
        if trade.unprotected_since_wall_ns is not None:
            without_s = round(max(0, wall_ns - trade.unprotected_since_wall_ns) / SECOND_NS, 3)
        return {
            "trade": trade.number,
            "symbol": trade.symbol,
            "side": plan.side.name.lower(),
            "purpose": plan.purpose,
            "origin": plan.origin,
            "phase": trade.phase,
            "qty": f"{trade.qty.normalize():f}",
            "planned_qty": f"{plan.qty.normalize():f}",
            "entry": _plain(trade.cost / trade.qty if trade.qty else plan.entry_price or plan.entry_ref),
            "mark": _plain(mark),
            "stop": _plain(trade.stop),
            "targets": [_plain(price) for price in trade.targets],
            "liquidation_price": _plain(liquidation),
            "liquidation_frac": f"{abs(liquidation / mark - 1):.6f}" if liquidation and mark else None,
            "stop_frac": f"{abs(trade.stop / mark - 1):.6f}" if trade.stop and mark else None,
            "protected": _protected(trade),
            "unprotected_s": without_s,
            "max_unprotected_s": round(trade.unprotected_s_max, 3),
            "pnl": None if pnl is None else _money(pnl),
            "realised": _money(trade.realised),
            "r": f"{pnl / plan.loss_at_stop:.4f}" if pnl is not None and plan.loss_at_stop > 0 else None,
            "fees": _money(trade.fees),
            "funding": _money(trade.funding),
            "rate": None if told.rate is None else f"{told.rate:f}",
            "leverage": f"{plan.leverage.normalize():f}",
            "margin_mode": str(plan.margin_mode),
            "entered": iso(trade.entered_ns) if trade.entered_ns else None,
            "until": iso(plan.until_ns) if plan.until_ns else None,
            "held_s": (self.time_ns - trade.entered_ns) / SECOND_NS if trade.entered_ns else None,
            "why": plan.why,
            "thesis": trade.thesis,
            "alarm": trade.alarm,
        }


def last_known(heard_ns: int | None, wall_ns: int) -> dict[str, Any]:
    """What stands beside `protected` where the venue is not heard: when it was last, on the wall, and how long ago."""
    if heard_ns is None:
        return {"protected_as_of": None, "protected_unheard_s": None}
    return {"protected_as_of": iso(heard_ns), "protected_unheard_s": round(max(0, wall_ns - heard_ns) / SECOND_NS, 1)}


def _of_account(record: words.Record) -> set[str]:
    """The symbols whose position or orders at the venue are others than before, or may be; "" is the account's own."""
    event = record.event
    found = set()
    if isinstance(event, OrderChanged):
        found.add(event.order.symbol)
    elif isinstance(event, Filled | Answered | Funded | MoveMargin):
        found.add(event.symbol)
    elif isinstance(event, BalanceNow):
        found.add("")
    for note in record.notes:
        if isinstance(note, words.Adjusted | words.Foreign | words.Ended | words.Protection):
            found.add(note.symbol)
        elif isinstance(note, words.Reconciled) and note.differences:
            found.add("")
    return found


def _protected(trade: words.Trade) -> bool:
    """Whether the venue has confirmed its stop; for a hedge that is the one against disaster, where it has one."""
    if trade.plan.purpose != "hedge":
        return trade.protected
    return any(order.confirmed and order.stop_price == trade.stop for order in trade.stops())


_BY = {  # what a position is closed by, where the reason of its end is not a noun
    "invalidated": "invalidation", "reversed": "reversal", "liquidated": "liquidation", "delisted": "delisting",
}  # fmt: skip


def _beyond_r(note: words.Ended) -> float:
    """What the fills of a stop cost beyond its trigger, in R; 0 where there is no R."""
    return float(note.slippage_exit) * note.r / float(note.net) if note.r and note.net else 0.0


def _open_risk(trade: words.Trade) -> Decimal:
    """What is lost from the entry if the stop is hit, with the fees and the slippage the plan reckons with, never below
    zero; a hedge has none of this kind."""
    if trade.stop is None or not trade.qty:
        return ZERO
    plan, costs = trade.plan, ZERO
    if plan.stop is not None and plan.qty:
        apart = abs((plan.entry_price or plan.entry_ref) - plan.stop)
        costs = max(ZERO, plan.loss_at_stop - apart * abs(plan.qty)) * abs(trade.qty / plan.qty)
    return max(ZERO, trade.cost - trade.qty * trade.stop + costs)


def _plan_told(note: words.Planned) -> str:
    how = "at market" if note.entry_price is None else f"limit {_shown(note.entry_price)}"
    stop = "no stop (hedge)" if note.stop is None else f"stop {_shown(note.stop)}"
    targets = f", target {' and '.join(_shown(price) for price in note.targets)}" if note.targets else ""
    loss = f", {note.loss_at_stop:.2f} at risk" if note.loss_at_stop else ""
    bound = f" (size bound by {note.bound_by})" if note.bound_by else ""
    return f"{_shown(abs(note.qty))} {how}, {stop}{targets}{loss}{bound}"


def _mode_told(note: words.ModeSet) -> str:
    state = "panic: everything of ours is closed" if note.panicked else "paused" if note.paused else "running"
    sides = f", sides {note.sides}" if note.sides else ""
    return f"{state}{sides}{': ' + note.why if note.why else ''}"


def _limit(note: words.Limited) -> dict[str, Any]:
    return {
        "limit": note.limit,
        "detail": note.detail,
        "until": iso(note.until_ns) if note.until_ns else None,
        "size_multiplier": f"{note.size_multiplier.normalize():f}",
    }


def _order(trade: words.Trade, order: words.Working) -> dict[str, Any]:
    return {
        "trade": trade.number,
        "symbol": trade.symbol,
        "client_id": order.client_id,
        "role": order.role,
        "qty": f"{order.qty.normalize():f}",
        "filled": f"{order.filled.normalize():f}",
        "price": _plain(order.price),
        "trigger": _plain(order.stop_price),
        "status": order.status,
    }


def _price(told: _Told) -> dict[str, Any]:
    return {
        "mark": _plain(told.mark),
        "index": _plain(told.index),
        "bid": _plain(told.bid),
        "ask": _plain(told.ask),
        "rate": None if told.rate is None else f"{told.rate:f}",
        "next_funding": iso(told.next_funding_ns) if told.next_funding_ns else None,
    }


def _money(value: Decimal) -> str:
    text = f"{value:.2f}"
    return text.lstrip("-") if float(text) == 0 else text


def _plain(value: Decimal | None) -> str | None:
    """A price with the digits it has, ten significant at most."""
    return None if value is None else f"{Decimal(f'{value:.10g}').normalize():f}"


def _shown(value: Decimal | None) -> str:
    return "–" if value is None else f"{Decimal(f'{value:.8g}').normalize():f}"
