"""An entry by hand, priced and sized: what risk says of it, or one sentence why not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal

from bearskin.engine._desk import Desk
from bearskin.engine._plan import Intent, against, rules_of, standing, towards, within
from bearskin.engine._switches import by_limits, closed_by_hand, market_shut, multiplier, shrunk, stale
from bearskin.engine._tape import Memory
from bearskin.engine._trade import ZERO, Trade
from bearskin.risk import Entry, EntryRules, HedgeRequest, Sized, preset_of, prove_hedge, size_entry
from bearskin.setups import View
from bearskin.terms import QUOTE, MarginMode, Open, Reason, Refused, Side, dec, step_down

ATR_BARS = 14
HAND = "hand"  # asked by a person, not by a program


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A trade asked for by hand that may go out, and the sentence that answers the act."""

    intent: Intent
    said: str


def opening(desk: Desk, memory: Memory | None, act: Open, closing: Trade | None = None) -> Opening | str:
    """What an act asks for, as risk allows it now, or why it is refused; `closing` is a trade that goes first."""
    if memory is None:
        return f"{act.symbol} is not traded by this bot, which has {', '.join(sorted(desk.market)) or 'no symbols'}"
    if closing is None and (busy := _busy(desk, act)) is not None:
        return str(busy)
    if not desk.book.account.known:
        return "the account has not been seen yet"
    book, hand = desk.book, act.by == HAND
    shut = closed_by_hand(book) or by_limits(book, hand=hand) or market_shut(book, memory) or stale(desk, memory)
    if shut is not None:
        return str(shut)
    price = memory.price(int(act.side))
    if price is None:
        return "no quote has come yet"
    entry = price if act.price is None else towards(act.price, act.side, memory.instrument.tick)
    wrong = _wrong(desk, act, entry)
    if wrong:
        return wrong
    found = _hedge(desk, memory, act, entry) if act.purpose == "hedge" else _speculation(desk, memory, act, entry)
    return str(found) if isinstance(found, Refused) else found


def _busy(desk: Desk, act: Open) -> Refused | None:
    held = desk.book.trade_in(act.symbol)
    if held is None:
        return None
    if held.plan.purpose != act.purpose:
        detail = f"a {held.plan.purpose} is open there: use another contract or a sub-account"
        return Refused(reason=Reason.MIXED_PURPOSE, detail=detail)
    return Refused(reason=Reason.SYMBOL_BUSY)


def _wrong(desk: Desk, act: Open, entry: Decimal) -> str:
    """What cannot be meant, in one sentence; empty when all is in order."""
    side, word = act.side, act.side.word
    if act.purpose == "speculation" and act.stop is None:
        return "a speculation needs a stop: give one, or open a hedge and name the shock it has to survive"
    if act.purpose == "hedge" and (act.qty is None or act.shock_frac is None or not act.shock_frac > 0):
        return "a hedge needs a quantity and the adverse move it has to survive"
    if act.qty is not None and not act.qty > 0:
        return f"quantity was {act.qty}, must be positive: the side gives the sign"
    if act.price is not None and not act.price > 0:
        return f"price was {act.price}, must be positive"
    most = desk.market[act.symbol][0].market_max_qty
    if act.qty is not None and most is not None and act.qty > most:
        detail = "the largest market or stop order of the venue, which the way out has to fit into"
        need = f"at most {most.normalize():f}"
        return str(Refused(reason=Reason.NOT_SIZED, have=f"{act.qty:f}", need=need, detail=detail))
    where = "above" if side < 0 else "below"
    mark = desk.mark(act.symbol)
    if act.stop is not None:
        if (entry - act.stop) * side <= 0:
            return str(
                Refused(reason=Reason.STOP_WRONG_SIDE, have=f"{act.stop:f}", need=f"{where} {entry:f} for a {word}")
            )
        if mark is not None and (mark - act.stop) * side <= 0:
            need = f"{where} the mark {mark.normalize():f}"
            detail = "it would go off at once"
            return str(Refused(reason=Reason.STOP_WRONG_SIDE, have=f"{act.stop:f}", need=need, detail=detail))
    for target in act.targets:
        if (target - entry) * side <= 0:
            side_, need = Reason.TARGET_WRONG_SIDE, f"{'below' if side < 0 else 'above'} {entry:f} for a {word}"
            return str(Refused(reason=side_, have=f"{target:f}", need=need))
    return ""


def _speculation(desk: Desk, memory: Memory, act: Open, entry: Decimal) -> Opening | Refused:
    tick = memory.instrument.tick
    assert act.stop is not None
    stop = against(act.stop, act.side, tick)
    brackets = desk.market[act.symbol][1]
    own = _own_rules(desk, act)
    rules = within(
        replace(
            own,
            risk_frac=own.risk_frac if act.risk_frac is None else act.risk_frac,
            leverage=_whole(own.leverage if act.leverage is None else act.leverage),
            margin_mode=act.margin_mode or own.margin_mode,
        ),
        brackets,
    )
    account = standing(desk)
    asked = Entry(
        side=act.side,
        price=entry,
        stop=stop,
        resting=act.price is not None,
        instrument=memory.instrument,
        brackets=brackets,
    )
    sized = size_entry(asked, rules, account, multiplier(desk.book, hand=act.by == HAND))
    if isinstance(sized, Sized) and act.qty is not None:
        sized = _of_qty(sized, step_down(act.qty, memory.instrument.step), memory)
    if isinstance(sized, Refused):
        return sized
    trail, atr = _trail(memory, act, entry)
    if trail is None:
        return Refused(reason=Reason.NO_DATA, detail=f"a trailing stop needs {ATR_BARS} bars of this symbol")
    targets = tuple(sorted((towards(t, act.side, tick) for t in act.targets), reverse=act.side < 0))
    intent = Intent(
        side=act.side,
        origin=act.by,
        sized=sized,
        entry_ref=entry,
        stop=stop,
        limit=entry if act.price is not None else None,
        targets=targets[:2],
        known_ns=desk.time_ns,
        atr=atr,
        trail=trail,
        why=f"{act.note or 'asked by ' + act.by}; size bound by {sized.bound_by}",
        unchecked=sized.unchecked,
        equity=account.equity,
        act_id=act.act_id,
        style="market" if act.price is None else "limit",
    )
    how = "at market" if act.price is None else f"by a limit at {entry:f}"
    said = (
        f"{act.side.word} {abs(sized.qty):f} {act.symbol} {how}, stop {stop:f}, {sized.loss_at_stop:.2f} at risk"
        f" (bound by {sized.bound_by}{shrunk(desk.book, hand=act.by == HAND)})"
    )
    return Opening(intent=intent, said=said)


def _own_rules(desk: Desk, act: Open) -> EntryRules:
    """The bot's rules; those of another preset where the act names one, without the bot's own choices in them."""
    rules = rules_of(desk.settings)
    if act.preset in ("", rules.preset):
        return rules
    mode = preset_of(act.preset).margin_mode
    return replace(rules, preset=act.preset, risk_frac=None, leverage=None, margin_mode=mode)


def _of_qty(sized: Sized, qty: Decimal, memory: Memory) -> Sized | Refused:
    """The size asked for, when it is within what risk allows."""
    largest = abs(sized.qty)
    if qty > largest:
        need = f"at most {largest:f}"
        return Refused(reason=Reason.NOT_SIZED, have=f"{qty:f}", need=need, detail=f"bound by {sized.bound_by}")
    smallest = max(memory.instrument.step, memory.instrument.min_qty)
    share = QUOTE.divide(qty, largest)
    if qty < smallest or sized.notional * share < memory.instrument.min_notional:
        return Refused(reason=Reason.SIZE_ZERO, have=f"{qty:f}", need=f"the venue's smallest order, {smallest:f}")
    return replace(
        sized,
        qty=qty * (1 if sized.qty > 0 else -1),
        notional=sized.notional * share,
        margin=sized.margin * share,
        loss_at_stop=sized.loss_at_stop * share,
        funding_reserve=sized.funding_reserve * share,
        bound_by="quantity",
    )


def _whole(leverage: Decimal | None) -> Decimal | None:
    return None if leverage is None else Decimal(max(1, int(leverage)))


def _trail(memory: Memory, act: Open, entry: Decimal) -> tuple[Decimal | None, float]:
    """Distance of the chandelier stop in quote units and the ATR of the log price; (None, nan) without enough bars."""
    if not act.trail_atr:
        return ZERO, 0.0
    panel = memory.panel()
    atr = float(View(panel, Side.SHORT).atr(ATR_BARS)[-1]) if len(panel) > ATR_BARS else math.nan
    if not math.isfinite(atr):
        return None, atr
    exact = entry * dec(math.expm1(float(act.trail_atr) * atr))
    tick = memory.instrument.tick
    return QUOTE.divide(exact, tick).to_integral_value() * tick, atr


def _hedge(desk: Desk, memory: Memory, act: Open, entry: Decimal) -> Opening | Refused:
    preset, account = preset_of("hedge"), standing(desk)
    mode = act.margin_mode or preset.margin_mode
    leverage = _whole(act.leverage) or preset.leverage_max
    assert act.qty is not None
    assert act.shock_frac is not None
    if leverage > preset.leverage_max:
        need = f"at most {preset.leverage_max}x"
        return Refused(reason=Reason.LEVERAGE_ABOVE_PRESET, have=f"{leverage}x", need=need, detail="hedge")
    held = [trade.plan.margin for trade in desk.book.trades.values()]
    behind = min(account.equity, desk.book.account.wallet) - sum(held, ZERO)
    tick = memory.instrument.tick
    proven = prove_hedge(
        HedgeRequest(
            side=act.side,
            qty=act.qty,
            entry=entry,
            shock_frac=act.shock_frac,
            leverage=leverage,
            margin_mode=mode,
            wallet=behind,
            free=behind,
            instrument=memory.instrument,
            brackets=desk.market[act.symbol][1],
            stop=None if act.stop is None else against(act.stop, act.side, tick),
        )
    )
    if isinstance(proven, Refused):
        return proven
    sized = proven.sized
    intent = Intent(
        side=act.side,
        origin=act.by,
        sized=sized,
        entry_ref=entry,
        stop=None if act.stop is None else against(act.stop, act.side, tick),
        limit=entry if act.price is not None else None,
        targets=tuple(towards(target, act.side, tick) for target in act.targets[:2]),
        known_ns=desk.time_ns,
        why="; ".join(text for text in (act.note, proven.why) if text),
        equity=behind if mode is MarginMode.CROSS else account.equity,
        act_id=act.act_id,
        hedge=True,
        survives_frac=act.shock_frac,
        style="market" if act.price is None else "limit",
    )
    said = f"hedge: {act.side.word} {abs(sized.qty):f} {act.symbol}; {proven.why}"
    return Opening(intent=intent, said=said)
