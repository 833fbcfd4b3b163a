"""Prices drawn across the chart: of open positions and of the draft, and what becomes of one that is dragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Draft, Drafting, DraftLine
from bearskin.terms import BadInput, BearskinError, dec, tick_down, tick_up

BEHIND_BARS = 20  # a stop is offered beyond the extreme of so many bars
BEHIND_FRAC = Decimal("0.0015")
RISKS = 2  # and a target so many risks away


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    """A price across the chart. `key` is what a drag names; `whose` position or draft; `held` that it cannot be
    dragged."""

    key: str
    kind: str
    whose: str
    price: Decimal
    text: str
    says: str
    held: bool = True

    def to_json(self) -> dict[str, Any]:
        """As the chart takes it."""
        names = ("key", "kind", "whose", "text", "says", "held")
        return {**{name: getattr(self, name) for name in names}, "price": float(self.price)}


def _stop_text(one: Mapping[str, Any]) -> str:
    if not one["protected"]:
        return "stop, not yet confirmed"
    return "stop, last known" if one.get("protected_as_of") else "stop"


def position_lines(positions: Sequence[Mapping[str, Any]], symbol: str) -> list[ChartLine]:
    """Entry, stop, targets and liquidation of our positions in `symbol`; stop and targets can be dragged."""
    found: list[ChartLine] = []
    for one in positions:
        if one["symbol"] != symbol:
            continue
        of = f"of our {one['side']} in {symbol}"
        qty = one["qty"].replace("-", "−") if Decimal(one["qty"]) else f"{one['side']}, not filled yet"
        lines: list[tuple[str, str | None, str]] = [
            ("entry", one["entry"], f"entry {qty}"),
            ("stop", one["stop"], _stop_text(one)),
            *(("target", price, f"target {k}") for k, price in enumerate(one["targets"], 1)),
            ("liquidation", one["liquidation_price"], "liquidation"),
        ]
        found += [
            ChartLine(
                key=f"{text.replace(' ', '-') if kind == 'target' else kind}:{one['trade']}",
                kind=kind,
                whose="position",
                price=Decimal(price),
                text=text,
                says=f"{(text if kind == 'target' else kind).capitalize()} {of}",
                held=kind not in ("stop", "target"),
            )
            for kind, price, text in lines
            if price is not None
        ]
    return found


def draft_lines(draft: Draft, computed: Sequence[DraftLine] = ()) -> list[ChartLine]:
    """Stop, targets and limit price of a draft, to be dragged, and what the ticket has computed for it."""
    found: list[ChartLine] = []
    bare = draft.stop is None and not draft.targets and draft.kind == "market" and draft.purpose != "hedge"

    def add(key: str, kind: str, price: Decimal | None, text: str) -> None:
        if price is not None:
            says = f"{text.capitalize()} of the draft, {draft.side}"
            line = ChartLine(key=key, kind=kind, whose="draft", price=price, text=text, says=says, held=False)
            found.append(line)

    if draft.kind == "limit":
        add("draft-price", "entry", draft.price, "draft limit")
    add("draft-stop", "stop", draft.stop, "draft stop")
    for k, price in enumerate(draft.targets):
        add(f"draft-target-{k}", "target", price, f"draft target {k + 1}")
    found += [
        ChartLine(
            key=f"draft-{one.kind}", kind=one.kind, whose="draft", price=one.price, text=one.text,
            says=f"{one.kind} of the draft",
        )
        for one in (() if bare else computed)  # before anything is drafted it would only hide the newest candles
        if not (one.kind == "entry" and draft.kind == "limit" and draft.price is not None)
    ]  # fmt: skip
    return found


def wrong_side(draft: Draft, kind: str, price: Decimal, reference: Decimal | None) -> str:
    """Why a dragged price of the draft cannot stand there; empty when it can. `reference` is where it would enter."""
    entry = draft.price if draft.kind == "limit" and draft.price is not None else reference
    if entry is None or kind not in ("stop", "target"):
        return ""
    above = (draft.side == "short") == (kind == "stop")
    if (price > entry) if above else (price < entry):
        return ""
    return f"the {kind} of a {draft.side} stands {'above' if above else 'below'} {entry.normalize():f}, was {price:f}"


def drag_draft(drafting: Drafting, key: str, price: Decimal, reference: Decimal | None) -> str:
    """Put a dragged line of the draft where it was let go; says why not, empty when it is done."""
    draft = drafting.draft
    kind = key.removeprefix("draft-").split("-")[0]
    refused = wrong_side(draft, kind, price, reference)
    if refused:
        return refused
    if kind == "stop":
        drafting.set(stop=price)
    elif kind == "price":
        drafting.set(price=price)
    elif kind == "target" and (at := int(key.rsplit("-", 1)[1])) < len(draft.targets):
        drafting.set(targets=(*draft.targets[:at], price, *draft.targets[at + 1 :]))
    else:
        return "this line follows from the others"
    return ""


def offered(side: str, highs: Sequence[float], lows: Sequence[float], entry: Decimal, tick: Decimal) -> tuple[Any, Any]:
    """A stop beyond the extreme of the last bars and a target two risks away, on the tick, to begin a draft with."""
    short = side == "short"
    extreme = dec(max(highs[-BEHIND_BARS:], default=float(entry)) if short else min(lows[-BEHIND_BARS:], default=0.0))
    extreme = max(extreme, entry) if short else min(extreme or entry, entry)
    away = entry * BEHIND_FRAC
    stop = tick_up(extreme + away, tick) if short else tick_down(extreme - away, tick)
    target = entry - RISKS * (stop - entry)
    return stop, (tick_up if short else tick_down)(target, tick) if target > 0 else None


async def move_stop(desk: WebDesk, symbol: str, price: Decimal, trade: int) -> str:
    """Move the stop of that trade of ours through the bot; says why not, empty when the bot has taken it up."""
    return await _asked(desk, {"is": "MoveStop", "symbol": symbol, "stop": f"{price:f}", "trade": trade})


async def drag_position(desk: WebDesk, symbol: str, key: str, price: Decimal) -> str:
    """Move the stop or target whose line was let go through the bot; says why not, empty when it was taken up.

    The line names its trade: let go after that has ended, it moves nothing of the one that came after it.
    """
    line, _, of = key.partition(":")
    kind, _, number = line.partition("-")
    if kind not in ("stop", "target") or not of.isdecimal() or int(of) == 0:
        return "this line follows from the others"
    if kind == "target":
        act = {"is": "MoveTarget", "symbol": symbol, "target": f"{price:f}", "number": int(number), "trade": int(of)}
        return await _asked(desk, act)
    return await move_stop(desk, symbol, price, int(of))


async def _asked(desk: WebDesk, act: dict[str, Any]) -> str:
    try:
        said = await desk.bot.act(act)
    except (BadInput, BearskinError) as error:
        return str(error)
    return str(said.get("refused") or "")


def on_tick(price: float, tick: Decimal) -> Decimal:
    """A price of the screen on the tick grid."""
    return tick_down(dec(price) + tick / 2, tick)
