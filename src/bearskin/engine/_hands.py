"""Acts of the user, a webhook or a script: through the same risk as signals, each answered once.

An act that was answered is answered again with the same words and not done again. An entry may have to wait, for the
venue to set leverage or for a close to finish; its answer waits with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin.engine._account import adopt
from bearskin.engine._desk import Desk
from bearskin.engine._fold import RESET
from bearskin.engine._leave import panic
from bearskin.engine._manage import break_even
from bearskin.engine._margin import Margins
from bearskin.engine._notes import Done, Limited, ModeSet, Planned, StopMoved, TargetMoved
from bearskin.engine._open import Opening, opening
from bearskin.engine._pace import passed_ns
from bearskin.engine._plan import against, configured, open_trade, rules_of, standing, towards
from bearskin.engine._signals import Asking
from bearskin.engine._switches import by_limits
from bearskin.engine._tape import Memory, Tape
from bearskin.engine._trade import ZERO, Trade
from bearskin.risk import EntryRules, StopMove, liquidation_at, preset_of, stop_refusal
from bearskin.terms import (
    QUOTE,
    SECOND_NS,
    Act,
    Adopt,
    Answered,
    Close,
    MarginMode,
    Mode,
    MoveMargin,
    MoveStop,
    MoveTarget,
    Open,
    Panic,
    Pause,
    Reason,
    Refused,
    Remark,
    Resume,
    Reverse,
    Side,
    step_down,
)

ANSWER_S = 10  # seconds of the wall in which the venue has to set up a symbol
CLOSE_S = 30  # ... and in which a reversal has to have closed the old position


@dataclass(slots=True, kw_only=True)
class Asked(Asking):
    """An entry by hand that is not done yet; `closing` is the trade that has to end first."""

    act: Open
    closing: int = 0


class Hands:
    """Does what is asked, or says in one sentence why not."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.waiting: list[Asked] = []
        self._margins = Margins(_done, ANSWER_S)

    def act(self, desk: Desk, act: Act) -> None:
        """Take an act up."""
        before = desk.book.acts.get(act.act_id)
        if before is not None:
            _done(desk, act.act_id, refused=before.refused, detail=before.detail, trade=before.trade)
            return
        if act.act_id in self._known():
            return  # its answer comes when it is done
        match act:
            case Open():
                self._open(desk, Asked(symbol=act.symbol, heard_wall_ns=desk.wall_ns, act=act))
            case Close():
                _close(desk, act, self._tape.markets.get(act.symbol))
            case MoveStop():
                self._move_stop(desk, act)
            case MoveTarget():
                _move_target(desk, act, self._tape.markets.get(act.symbol))
            case MoveMargin():
                self._margins.ask(desk, act)
            case Reverse():
                self._reverse(desk, act)
            case Adopt():
                self._adopt(desk, act)
            case Panic():
                panic(desk, act)
            case Remark():
                trade = desk.book.trade_in(act.symbol)
                _done(
                    desk, act.act_id, refused="" if trade else _nothing(act.symbol), trade=trade.number if trade else 0
                )
            case Pause() | Resume() | Mode():
                _switch(desk, act)
            case _:
                _done(desk, act.act_id, refused=f"{type(act).__name__} is not something the engine does")

    def carry_on(self, desk: Desk) -> None:
        """Look at the entries that wait, and answer what a restart has cut off."""
        self._margins.carry_on(desk)
        if not self.waiting and not desk.book.unanswered:
            return
        waiting, self.waiting = self.waiting, []
        for asked in waiting:
            self._open(desk, asked)
        known = self._known()
        for act_id in [act_id for act_id in desk.book.unanswered if act_id not in known]:
            _done(desk, act_id, refused="the bot was started again before this was done: look, and ask again")

    def answered(self, desk: Desk, event: Answered) -> None:
        """Take in what the venue says of margin that was to be moved."""
        self._margins.answered(desk, event)

    def _known(self) -> set[str]:
        return {asked.act.act_id for asked in self.waiting} | self._margins.acts

    # --- entries -----------------------------------------------------------------------------------------------------

    def _open(self, desk: Desk, asked: Asked) -> None:
        act = asked.act
        late_s = passed_ns(desk.wall_ns, asked.heard_wall_ns) / SECOND_NS
        if asked.closing:
            if asked.closing in desk.book.trades:
                if late_s > CLOSE_S:
                    _done(desk, act.act_id, refused=f"the old position is not closed after {CLOSE_S} s: nothing opened")
                else:
                    self.waiting.append(asked)
                return
            asked.closing, asked.heard_wall_ns = 0, desk.wall_ns
        memory = self._tape.markets.get(act.symbol)
        found = opening(desk, memory, act)
        if memory is None or isinstance(found, str):
            _done(desk, act.act_id, refused=str(found))
            return
        if asked.refused or late_s > ANSWER_S:
            why = asked.refused or f"the venue has not answered {asked.asked} within {ANSWER_S} s"
            _done(desk, act.act_id, refused=why)
            return
        sized = found.intent.sized
        if not configured(desk, asked, sized.margin_mode, int(sized.leverage)):
            self.waiting.append(asked)
            return
        self._opened(desk, memory, act, found)

    def _opened(self, desk: Desk, memory: Memory, act: Open, found: Opening) -> None:
        trade = open_trade(desk, memory, found.intent)
        _done(desk, act.act_id, detail=found.said, trade=trade.number)

    def _reverse(self, desk: Desk, act: Reverse) -> None:
        trade = desk.book.trade_in(act.symbol)
        memory = self._tape.markets.get(act.symbol)
        if trade is None or memory is None or not trade.open_qty:
            _done(desk, act.act_id, refused=_nothing(act.symbol))
            return
        side, own = Side(-int(trade.plan.side)), rules_of(desk.settings)
        most = preset_of(own.preset).leverage_max if own.leverage is None else own.leverage
        after = Open(
            time_ns=act.time_ns,
            wall_ns=act.wall_ns,
            act_id=act.act_id,
            by=act.by,
            symbol=act.symbol,
            side=side,
            stop=act.stop,
            targets=act.targets,
            leverage=min(most, trade.plan.leverage),  # the other side is not levered higher than this one was,
            risk_frac=_risk_kept(trade, own, standing(desk).equity),  # and nothing more is put at risk
        )
        refused = opening(desk, memory, after, closing=trade)
        if isinstance(refused, str):
            _done(desk, act.act_id, refused=f"{refused}: nothing was closed")
            return
        if not trade.leaving:
            desk.leave(trade, "reversed", act_id=act.act_id)
        self.waiting.append(Asked(symbol=act.symbol, heard_wall_ns=desk.wall_ns, act=after, closing=trade.number))

    # --- what is open ------------------------------------------------------------------------------------------------

    def _move_stop(self, desk: Desk, act: MoveStop) -> None:
        trade, memory = desk.book.trade_in(act.symbol), self._tape.markets.get(act.symbol)
        if trade is None or memory is None or (act.stop is None and not trade.qty):
            _done(desk, act.act_id, refused=_nothing(act.symbol))
            return
        if act.trade not in (0, trade.number):
            _done(desk, act.act_id, refused=_another(act, trade))
            return
        if trade.leaving:
            _done(desk, act.act_id, refused=f"the position in {act.symbol} is being closed")
            return
        wanted = break_even(memory, trade) if act.stop is None else against(
            act.stop, trade.plan.side, memory.instrument.tick
        )  # fmt: skip
        move = self._asked_move(desk, memory, trade, wanted)
        refused = stop_refusal(move) or disaster_refusal(trade.plan, move.entry, wanted)
        if (
            refused is not None
            and act.stop is None
            and refused.reason is Reason.STOP_WRONG_SIDE
            and move.mark is not None
        ):
            text = f"break-even after fees is {wanted:f}, and the mark {move.mark.normalize():f} is not past it"
            _done(desk, act.act_id, refused=text)
            return
        if refused is not None:
            _done(desk, act.act_id, refused=str(refused))
            return
        wider = trade.stop is None or (wanted - trade.stop) * trade.plan.side < 0
        if wider and self._margins.lessens(act.symbol):
            text = f"margin of {act.symbol} goes out, and the venue has not told yet where that liquidates: try again"
            _done(desk, act.act_id, refused=text)
            return
        if wanted != trade.stop:
            why = "break-even by hand" if act.stop is None else f"by {act.by}"
            desk.note(
                StopMoved(
                    time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=trade.number, symbol=trade.symbol,
                    old=trade.stop, new=wanted, why=why,
                )
            )  # fmt: skip
        _done(desk, act.act_id, detail=f"the stop goes to {wanted:f}", trade=trade.number)

    def _asked_move(self, desk: Desk, memory: Memory, trade: Trade, wanted: Decimal) -> StopMove:
        plan, settings = trade.plan, desk.settings
        qty = abs(trade.open_qty) or abs(plan.qty)
        entry = QUOTE.divide(trade.cost, trade.qty) if trade.qty else plan.entry_price or plan.entry_ref
        risk_frac = settings.risk_frac if settings.risk_frac is not None else preset_of(settings.preset).risk_frac
        watched = desk.mark(trade.symbol) or memory.price(-int(plan.side))
        equity = standing(desk).equity
        return StopMove(
            side=plan.side,
            qty=qty,
            entry=entry,
            old=trade.stop,
            new=wanted,
            mark=watched,
            liquidation_price=desk.book.liquidation_price(trade),
            risk_max=None if risk_frac is None or plan.purpose == "hedge" else equity * risk_frac,
            taker_fee_rate=memory.instrument.taker_fee_rate,
            slippage_frac=settings.slippage_frac,
        )

    def _adopt(self, desk: Desk, act: Adopt) -> None:
        survives = None
        now = next((each for each in desk.book.account.positions.values() if each.symbol == act.symbol), None)
        found = desk.market.get(act.symbol)
        if now is not None and now.qty and act.stop is not None and now.liquidation_price is not None:
            side = Side.SHORT if now.qty < 0 else Side.LONG
            if (act.stop - now.liquidation_price) * side <= 0:
                need = f"liquidation at {now.liquidation_price:f} comes before the stop {act.stop:f}"
                _done(desk, act.act_id, refused=need)
                return
        if act.purpose == "hedge" and now is not None and now.qty and found is not None and found[1] is not None:
            level = now.liquidation_price
            if level is None:
                wallet = now.margin if now.margin_mode is MarginMode.ISOLATED and now.margin else standing(desk).equity
                level = liquidation_at(found[0], found[1], now.qty, now.entry, wallet)
            price = desk.mark(act.symbol) or now.entry
            survives = Decimal(10) if level is None else QUOTE.divide(abs(level - price), price)
        refused = adopt(desk, act, survives)
        trade = desk.book.trade_in(act.symbol)
        _done(desk, act.act_id, refused=refused, trade=trade.number if trade is not None and not refused else 0)


def disaster_refusal(plan: Planned, entry: Decimal, stop: Decimal) -> Refused | None:
    """Why a hedge's stop may not lie there: within the shock that it insures against it would be an ordinary one."""
    shock = plan.survives_frac
    if plan.purpose != "hedge" or shock is None or (entry - stop) * plan.side > shock * entry:
        return None
    detail = "it would take the insurance away within the shock it is meant for"
    return Refused(reason=Reason.STOP_TOO_TIGHT, have=f"{stop:f}", detail=detail)


def _move_target(desk: Desk, act: MoveTarget, memory: Memory | None) -> None:
    trade = desk.book.trade_in(act.symbol)
    if trade is None or memory is None:
        _done(desk, act.act_id, refused=_nothing(act.symbol))
        return
    if act.trade not in (0, trade.number):
        _done(desk, act.act_id, refused=_another(act, trade))
        return
    wanted = towards(act.target, trade.plan.side, memory.instrument.tick)
    refused = _target_refusal(trade, act, memory, wanted)
    if refused:
        _done(desk, act.act_id, refused=refused)
        return
    at, targets = act.number - 1, trade.targets
    if wanted != targets[at]:
        desk.note(
            TargetMoved(
                time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=trade.number, symbol=trade.symbol, number=act.number,
                old=targets[at], new=wanted, targets=(*targets[:at], wanted, *targets[at + 1 :]), why=f"by {act.by}",
            )
        )  # fmt: skip
    _done(desk, act.act_id, detail=f"target {act.number} goes to {wanted:f}", trade=trade.number)


def _target_refusal(trade: Trade, act: MoveTarget, memory: Memory, wanted: Decimal) -> str:
    """Why a target may not go there; empty when it may. The stop is not asked: it stays where it is."""
    plan, at, side = trade.plan, act.number - 1, trade.plan.side
    if trade.leaving:
        return f"the position in {act.symbol} is being closed"
    if not plan.target_qtys or not 0 <= at < min(len(trade.targets), len(plan.target_qtys)):
        return f"our position in {act.symbol} has no target {act.number}"
    if trade.taken_at(at) >= abs(plan.target_qtys[at]):
        return f"target {act.number} has been reached already"
    entry = QUOTE.divide(trade.cost, trade.qty) if trade.qty else plan.entry_price or plan.entry_ref
    meets, word, where = memory.price(-int(side)), side.word, "below" if side < 0 else "above"
    if not wanted > 0 or (wanted - entry) * side <= 0:
        need = f"{where} {entry.normalize():f} for a {word}"
        return str(Refused(reason=Reason.TARGET_WRONG_SIDE, have=f"{wanted:f}", need=need))
    if meets is None:
        return "no quote has come yet"
    if trade.qty and (wanted - meets) * side <= 0:
        name = "ask" if side is Side.SHORT else "bid"
        return f"a target at {wanted:f} would fill at once, the {name} is {meets.normalize():f}: close it instead"
    for nth, (other, beyond) in enumerate((one, (wanted - one) * side) for one in trade.targets):
        if nth != at and (beyond <= 0 if nth < at else beyond >= 0):
            order = "beyond" if nth < at else "before"
            return f"target {act.number} stands {order} target {nth + 1}, which is at {other:f}"
    stood = [one for one in trade.orders.values() if one.role == "target" and one.price == wanted]
    if trade.targets_before.get(wanted, at) != at and any(one.live or one.said for one in stood):
        return f"another target of this trade stood at {wanted:f}: take the next price"
    return ""


def _another(act: MoveStop | MoveTarget, trade: Trade) -> str:
    return f"trade {act.trade} in {act.symbol} is not open: trade {trade.number} is, which was not meant"


def _risk_kept(trade: Trade, rules: EntryRules, equity: Decimal) -> Decimal | None:
    """The share of equity that a trade was entered to lose at its stop, no more than the rules have it; None where
    it is not known.
    """
    lost, most = trade.plan.loss_at_stop, rules.risk_frac
    if most is None:
        most = preset_of(rules.preset).risk_frac
    if most is None or lost <= 0 or equity <= 0:
        return None
    return min(most, QUOTE.divide(lost, equity))


def _nothing(symbol: str) -> str:
    return f"there is no position of ours in {symbol}"


def _close(desk: Desk, act: Close, memory: Memory | None) -> None:
    trade = desk.book.trade_in(act.symbol)
    if trade is None:
        _done(desk, act.act_id, refused=_nothing(act.symbol))
        return
    if not 0 < act.share <= 1:
        _done(desk, act.act_id, refused=f"share was {act.share}, must be above 0 and at most 1")
        return
    if trade.leaving and trade.leave_price is None:
        _done(desk, act.act_id, detail="it is being closed already", trade=trade.number)
        return
    step = desk.step_of(act.symbol)
    if act.share < 1 and not step_down(abs(trade.open_qty) * act.share, step):
        share, qty = f"{(100 * act.share).normalize():f} %", f"{abs(trade.open_qty).normalize():f}"
        _done(desk, act.act_id, refused=f"{share} of {qty} is less than the smallest step, {step.normalize():f}")
        return
    price = act.price
    if price is not None and not price > ZERO:
        _done(desk, act.act_id, refused=f"price was {price}, must be positive")
        return
    if price is not None:
        tick = desk.market[act.symbol][0].tick
        price = against(price, trade.plan.side, tick)
    desk.leave(trade, "hand", share=act.share, price=price, act_id=act.act_id)
    how = "at market" if price is None else f"by a limit at {price:f}"
    side = trade.plan.side
    meets = memory.price(-int(side)) if memory is not None and price is not None else None
    if price is not None and meets is not None and (price - meets) * side <= 0:
        word = "ask" if side is Side.SHORT else "bid"
        how += f", which fills at once: the {word} is {meets.normalize():f}"
    _done(desk, act.act_id, detail=f"closing {(100 * act.share).normalize():f} % {how}", trade=trade.number)


def _switch(desk: Desk, act: Pause | Resume | Mode) -> None:
    book, detail = desk.book, ""
    paused, panicked, sides = book.paused, book.panicked, book.sides
    match act:
        case Pause():
            paused = True
        case Resume():
            paused = panicked = False
        case Mode():
            sides = act.sides
    desk.note(
        ModeSet(
            time_ns=desk.time_ns, wall_ns=desk.wall_ns, paused=paused, panicked=panicked, sides=sides,
            why=f"{type(act).__name__.lower()} by {act.by}",
        )
    )  # fmt: skip
    if isinstance(act, Resume) and act.limits:
        desk.note(Limited(time_ns=desk.time_ns, wall_ns=desk.wall_ns, limit=RESET, active=False, detail=f"by {act.by}"))
    elif isinstance(act, Resume) and (still := by_limits(book, hand=False)) is not None:
        detail = f"entries stay barred by a limit: {still.detail}"
    _done(desk, act.act_id, detail=detail)


def _done(desk: Desk, act_id: str, *, refused: str = "", detail: str = "", trade: int = 0) -> None:
    desk.note(
        Done(time_ns=desk.time_ns, wall_ns=desk.wall_ns, act_id=act_id, refused=refused, detail=detail, trade=trade)
    )
