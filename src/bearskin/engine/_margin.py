"""Margin moved by hand: into an isolated position, or out of it as far as risk lets it; answered once the venue has."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol

from bearskin.engine._desk import Desk
from bearskin.engine._pace import passed_ns
from bearskin.engine._trade import Trade
from bearskin.risk import MarginMove, approve_margin, liquidation_at, preset_of
from bearskin.terms import (
    QUOTE,
    SECOND_NS,
    AccountNow,
    AddMargin,
    Answered,
    Brackets,
    Instrument,
    MarginMode,
    MoveMargin,
    PositionNow,
    Refused,
)

_SENT: Final = "AddMargin"


class Answering(Protocol):
    """Answers an act."""

    def __call__(self, desk: Desk, act_id: str, *, refused: str = "", detail: str = "", trade: int = 0) -> None:
        """With why not, or with what was done."""


@dataclass(slots=True, kw_only=True)
class _Moving:
    act: MoveMargin
    trade: int
    detail: str
    heard_wall_ns: int


@dataclass(slots=True)
class Margins:
    """What is on its way to the venue, one at a time for each symbol. `late_s` is how long the venue may take.

    Soon after an entry, or after margin was moved, the venue has not told what the margin of the position is now: it is
    asked, and the act waits for its word.
    """

    done: Answering
    late_s: float
    _moving: dict[str, _Moving] = field(default_factory=dict)
    _untold: dict[str, tuple[MoveMargin, int]] = field(default_factory=dict)
    _moved_wall_ns: dict[str, int] = field(default_factory=dict)
    _less: set[str] = field(default_factory=set)

    @property
    def acts(self) -> set[str]:
        """The acts that wait for the venue's answer."""
        return {one.act.act_id for one in self._moving.values()} | set(self._untold)

    def lessens(self, symbol: str) -> bool:
        """Whether margin goes out, or has and the venue has not told since where that liquidates."""
        moving = self._moving.get(symbol)
        return symbol in self._less or (moving is not None and moving.act.take)

    def ask(self, desk: Desk, act: MoveMargin) -> None:
        """Have margin moved, or say why not."""
        since_ns = self._untold.pop(act.act_id, (act, desk.wall_ns))[1]
        trade, found = desk.book.trade_in(act.symbol), desk.market.get(act.symbol)
        if trade is None or found is None or not trade.qty:
            self.done(desk, act.act_id, refused=f"there is no position of ours in {act.symbol}")
            return
        if act.symbol in self._moving:
            self.done(desk, act.act_id, refused=f"the margin of {act.symbol} is being moved already")
            return
        now = desk.book.account.positions.get((trade.symbol, trade.leg))
        told = act.symbol not in self._moved_wall_ns and now is not None and _is_told(trade, now)
        if not told and not trade.leaving and not self._late(desk, since_ns):
            self._untold[act.act_id] = (act, since_ns)
            desk.look = True
            return
        refused = _unfit(trade, now if told else None, act)
        if refused or now is None or now.margin is None:
            self.done(desk, act.act_id, refused=refused)
            return
        amount = -act.amount if act.take else act.amount
        move = _move(desk, trade, now.margin, amount)
        word = f"{act.amount.normalize():f} {found[0].settle} {'taken out' if act.take else 'added'} by {act.by}"
        command = AddMargin(symbol=act.symbol, amount=amount, leg=trade.leg, act_id=act.act_id)
        approved = approve_margin(command, move, *found, why=word)
        if isinstance(approved, Refused):
            self.done(desk, act.act_id, refused=str(approved))
            return
        detail = word + _goes(move, *found)
        self._moving[act.symbol] = _Moving(act=act, trade=trade.number, detail=detail, heard_wall_ns=desk.wall_ns)
        desk.send(trade.number, approved)

    def answered(self, desk: Desk, event: Answered) -> None:
        """The venue has moved it, or not; either way its word on the account is asked for."""
        if event.what != _SENT or event.outcome == "unknown":
            return
        desk.look = True
        moving = self._moving.get(event.symbol)
        if moving is None or moving.act.act_id != event.act_id:  # late, of one that was answered as lost
            if event.outcome == "accepted":
                self._moved_wall_ns[event.symbol] = desk.wall_ns
                self._less.add(event.symbol)  # it may be that margin went out
            return
        del self._moving[event.symbol]
        if event.outcome == "accepted":
            self._moved(desk, moving.act)
            self.done(desk, moving.act.act_id, detail=moving.detail, trade=moving.trade)
        else:
            why = event.message or event.code or "no reason given"
            self.done(desk, moving.act.act_id, refused=f"the venue has refused it: {why}")

    def carry_on(self, desk: Desk) -> None:
        """Take up what the venue's word has come for, and answer what the venue has not answered in time."""
        if isinstance(desk.event, AccountNow):
            asked_ns = desk.event.asked_wall_ns
            self._moved_wall_ns = {symbol: ns for symbol, ns in self._moved_wall_ns.items() if ns >= asked_ns}
            self._less &= self._moved_wall_ns.keys()
        for act, _ in list(self._untold.values()):
            self.ask(desk, act)
        for symbol, moving in list(self._moving.items()):
            if self._late(desk, moving.heard_wall_ns):
                del self._moving[symbol]
                self._moved(desk, moving.act)
                desk.look = True
                text = f"the venue has not answered within {self.late_s:g} s: look whether it was done"
                self.done(desk, moving.act.act_id, refused=text)

    def _moved(self, desk: Desk, act: MoveMargin) -> None:
        self._moved_wall_ns[act.symbol] = desk.wall_ns
        if act.take:
            self._less.add(act.symbol)

    def _late(self, desk: Desk, since_wall_ns: int) -> bool:
        return passed_ns(desk.wall_ns, since_wall_ns) > self.late_s * SECOND_NS


def _is_told(trade: Trade, now: PositionNow) -> bool:
    # of a position that has grown or shrunk since, the margin is another
    return now.margin is not None and now.qty == trade.qty


def _unfit(trade: Trade, now: PositionNow | None, act: MoveMargin) -> str:
    """Why there is nothing to move; empty when there is."""
    if trade.leaving:
        return f"the position in {act.symbol} is being closed"
    if now is None:
        return f"the venue has not told the margin of {act.symbol} yet: try again in a moment"
    if now.margin_mode is not MarginMode.ISOLATED:
        return f"{act.symbol} is on cross margin: the whole wallet stands behind it, there is nothing to move"
    return ""


def _move(desk: Desk, trade: Trade, margin: Decimal, amount: Decimal) -> MarginMove:
    plan, preset = trade.plan, preset_of(desk.settings.preset)
    return MarginMove(
        qty=trade.qty,
        cost=trade.cost,
        mark=desk.mark(trade.symbol) or plan.entry_ref,
        margin=margin,
        after=margin + amount,
        stop=trade.stop,
        leverage_max=max(preset.leverage_max, plan.leverage),
        ratio=preset.liquidation_stop_ratio,
        survives_frac=plan.survives_frac if plan.purpose == "hedge" else None,
    )


def _goes(move: MarginMove, instrument: Instrument, brackets: Brackets | None) -> str:
    """Where the liquidation price goes to by that, as far as it can be reckoned."""
    if brackets is None:
        return ""
    levels = [liquidation_at(instrument, brackets, move.qty, move.entry, one) for one in (move.margin, move.after)]
    old, new = ("none" if level is None else f"{QUOTE.plus(level):.8g}" for level in levels)
    return f": liquidation {old} → {new}"
