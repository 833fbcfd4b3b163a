"""What is held: the venue's positions beside the bot's trades, at the marks of this moment.

The venue says what is there; the bot says what it is for and whether it is protected. Figures that need brackets are
None where none are known. Money in the settle currency; the sign is the side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from bearskin import margin
from bearskin.app.web._account_link import Account, Terms
from bearskin.app.web._bot_link import not_trading
from bearskin.terms import MarginMode, PositionNow, dec

ZERO, ONE = Decimal(0), Decimal(1)
Match = Literal["equal", "differs", "not ours", "settling", "unseen"]
Key = tuple[str, str]  # symbol and leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One position. `liquidation` are the marks at which it is liquidated while every other symbol stands still, as the
    venue tells the nearest; `joint` is the mark when all marks move by the same share, None where nothing is shared.

    `ratio` is maintenance over what the position stands on (1 is liquidation), of an isolated one its own margin.
    `matches` tells whether the venue's quantity is the bot's (`ours_qty`); "settling" is what the bot holds no
    longer, or not yet, and has not called foreign. `trade` is the bot's position as its door tells it, empty where it
    has none. `not_trading` says why its symbol cannot be traded now; empty where it can.
    """

    symbol: str
    leg: str
    qty: Decimal
    entry: Decimal
    mark: Decimal
    pnl: Decimal
    roe: Decimal | None
    margin: Decimal | None
    mode: MarginMode | None
    leverage: Decimal | None
    ratio: Decimal | None
    maintenance: Decimal | None
    liquidation: tuple[Decimal, ...]
    liquidation_told: Decimal | None
    joint: Decimal | None
    joint_frac: Decimal | None
    lights: int | None
    matches: Match
    ours_qty: Decimal | None
    trade: Mapping[str, Any]
    not_trading: str = ""

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return self.symbol, self.leg

    @property
    def side(self) -> str:
        """short or long."""
        return "short" if self.qty < 0 else "long"

    @property
    def notional(self) -> Decimal:
        """What it is worth at mark, without sign."""
        return abs(self.qty * self.mark)

    @property
    def nearest(self) -> Decimal | None:
        """The liquidation price that is nearest to the mark."""
        found = self.liquidation or (() if self.liquidation_told is None else (self.liquidation_told,))
        return min(found, key=lambda price: abs(price - self.mark), default=None)

    def away(self, price: Decimal | None) -> Decimal | None:
        """How far `price` lies from the mark, as a signed fraction of it."""
        return None if price is None or not self.mark else price / self.mark - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The account at the marks of this moment.

    `ratio` is that of the cross wallet: maintenance over equity, None where brackets are missing and 0 without a cross
    position. `moves` are the shares by which all marks together would have to move until that wallet is liquidated.
    """

    asset: str
    wallet: Decimal
    equity: Decimal
    available: Decimal | None
    pnl: Decimal
    margin: Decimal
    maintenance: Decimal | None
    cross_wallet: Decimal
    cross_equity: Decimal
    cross_count: int
    ratio: Decimal | None
    moves: tuple[Decimal, ...]
    held: tuple[Held, ...]
    dual: bool
    why: str = ""


def standing_of(account: Account, state: Mapping[str, Any] | None, marks: Mapping[str, Decimal]) -> Standing:
    """The account and what it holds; `marks` stand in for the marks that the venue told with its positions."""
    with margin.quoting():
        return _standing(account, state or {}, marks)


def marks_of(state: Mapping[str, Any] | None) -> dict[str, Decimal]:
    """The marks that the bot has heard last."""
    prices = {} if state is None else state["prices"]
    return {symbol: Decimal(one["mark"]) for symbol, one in prices.items() if one["mark"]}


def _standing(account: Account, state: Mapping[str, Any], marks: Mapping[str, Decimal]) -> Standing:
    marked = {now.symbol: marks.get(now.symbol) or now.mark or now.entry for now in account.positions}
    cross = _cross(account.positions)
    isolated = sum((now.margin or ZERO for now in account.positions if now not in cross), ZERO)
    free = account.wallet - isolated
    legs = {_key(now): leg for now in account.positions if (leg := leg_of(account.terms, now, marked)) is not None}
    cross_legs = [legs[_key(now)] for now in cross if _key(now) in legs]
    whole = len(cross_legs) == len(cross)
    cross_equity = free + sum((_profit(now, marked) for now in cross), ZERO)
    needed = margin.account_maintenance(cross_legs) if whole and cross_legs else ZERO if whole else None
    moves = margin.joint_liquidation_moves(cross_legs, free) if whole and cross_legs else ()
    ratio = None if needed is None else ratio_of(needed, cross_equity)
    trades = {(one["symbol"], _leg(account, one)): one for one in state.get("positions", ())}
    held = [
        _held(now, marked, legs, free, (cross, ratio, moves), trades.pop(_key(now), None)) for now in account.positions
    ]
    foreign = state.get("foreign", ())  # the venue was asked before, or after, the bot told: then it is neither
    held = [
        replace(one, matches="settling") if one.matches == "not ours" and one.symbol not in foreign else one
        for one in held
    ]
    held += [_unseen(one, leg, marked, marks) for (_, leg), one in trades.items() if Decimal(one["qty"])]
    held = [replace(one, not_trading=not_trading(state, one.symbol)) for one in held]
    pnl = sum((one.pnl for one in held if one.matches != "unseen"), ZERO)
    keeps = [one.maintenance for one in held if one.maintenance is not None]
    return Standing(
        asset=account.asset,
        wallet=account.wallet,
        equity=account.wallet + pnl,
        available=account.available,
        pnl=pnl,
        margin=sum((one.margin or ZERO for one in held), ZERO),
        maintenance=sum(keeps, ZERO) if len(keeps) == len(held) else None,
        cross_wallet=free,
        cross_equity=cross_equity,
        cross_count=len(cross),
        ratio=ratio,
        moves=tuple(moves),
        held=tuple(sorted(held, key=lambda one: (one.matches == "not ours", one.symbol, one.leg))),
        dual=account.dual,
        why=account.why,
    )


def _held(
    now: PositionNow,
    marked: Mapping[str, Decimal],
    legs: Mapping[Key, margin.Leg[Decimal]],
    free: Decimal,
    shared: tuple[Sequence[PositionNow], Decimal | None, Sequence[Decimal]],
    trade: Mapping[str, Any] | None,
) -> Held:
    cross, cross_ratio, moves = shared
    mark, pnl, leg = marked[now.symbol], _profit(now, marked), legs.get(_key(now))
    needed = None if leg is None else margin.maintenance(leg.tiers, abs(now.qty * mark))
    is_cross = now in cross
    stands = now.margin
    if is_cross:
        stands = None if now.leverage is None else abs(now.qty * mark) / now.leverage
        ratio = cross_ratio
    else:
        ratio = None if needed is None or stands is None else ratio_of(needed, stands + pnl)
    ours = None if trade is None else Decimal(trade["qty"])
    near = min(moves, key=abs, default=None) if is_cross else None
    return Held(
        symbol=now.symbol,
        leg=now.leg,
        qty=now.qty,
        entry=now.entry,
        mark=mark,
        pnl=pnl,
        roe=None if now.leverage is None or not mark else pnl * now.leverage / abs(now.qty * mark),
        margin=stands,
        mode=now.margin_mode,
        leverage=now.leverage,
        ratio=ratio,
        maintenance=needed,
        liquidation=_alone(now, cross, legs, free) if is_cross else _isolated(now, leg),
        liquidation_told=now.liquidation_price,
        joint=None if near is None else mark * (1 + near),
        joint_frac=near,
        lights=now.adl_quantile,
        matches="not ours" if ours is None else "equal" if ours == now.qty else "differs",
        ours_qty=ours,
        trade=trade or {},
    )


def _unseen(trade: Mapping[str, Any], leg: str, marked: Mapping[str, Decimal], marks: Mapping[str, Decimal]) -> Held:
    """What the bot holds and the venue has not shown (yet): between two questions, or a difference to be cleared."""
    qty, entry = Decimal(trade["qty"]), Decimal(trade["entry"])
    mark = marks.get(trade["symbol"]) or marked.get(trade["symbol"]) or entry
    level = trade["liquidation_price"]
    return Held(
        symbol=trade["symbol"],
        leg=leg,
        qty=qty,
        entry=entry,
        mark=mark,
        pnl=qty * (mark - entry),
        roe=None,
        margin=None,
        mode=MarginMode(trade["margin_mode"]),
        leverage=Decimal(trade["leverage"]),
        ratio=None,
        maintenance=None,
        liquidation=(),
        liquidation_told=Decimal(level) if level else None,
        joint=None,
        joint_frac=None,
        lights=None,
        matches="unseen",
        ours_qty=qty,
        trade=trade,
    )


def _isolated(now: PositionNow, leg: margin.Leg[Decimal] | None) -> tuple[Decimal, ...]:
    if leg is None or now.margin is None:
        return ()
    price = margin.liquidation_price(leg.tiers, leg.qty, leg.cost, now.margin)
    return (price,) if price > 0 else ()


def _alone(
    now: PositionNow, cross: Sequence[PositionNow], legs: Mapping[Key, margin.Leg[Decimal]], free: Decimal
) -> tuple[Decimal, ...]:
    """The prices of one symbol of a cross account while the others are frozen; none where a bracket is missing."""
    if any(_key(one) not in legs for one in cross):
        return ()
    moving = [legs[_key(one)] for one in cross if one.symbol == now.symbol]
    frozen = [legs[_key(one)] for one in cross if one.symbol != now.symbol]
    return margin.cross_liquidation_prices(moving, free, frozen)


def leg_of(terms: Terms, now: PositionNow, marked: Mapping[str, Decimal]) -> margin.Leg[Decimal] | None:
    """A position as the margin formulas take it; None without brackets, or for what is margined in its coin."""
    found = terms.get(now.symbol)
    if found is None or found[1] is None or found[0].inverse:
        return None
    return margin.Leg(margin.tiers_of(found[1], Decimal), now.qty, now.qty * now.entry, marked[now.symbol])


def ratio_of(maintenance: Decimal, equity: Decimal) -> Decimal:
    """Maintenance over equity; what has no equity left is past liquidation, shown as a hundred times over."""
    if not maintenance:
        return ZERO
    return min(Decimal(100), maintenance / equity) if equity > 0 else Decimal(100)


def _cross(positions: Iterable[PositionNow]) -> list[PositionNow]:
    return [now for now in positions if now.margin_mode is not MarginMode.ISOLATED]


def _profit(now: PositionNow, marked: Mapping[str, Decimal]) -> Decimal:
    return now.qty * (marked[now.symbol] - now.entry)


def _key(now: PositionNow) -> Key:
    return now.symbol, now.leg


def _leg(account: Account, trade: Mapping[str, Any]) -> str:
    if not account.dual:
        return "BOTH"
    return "SHORT" if trade["side"] == "short" else "LONG"


# --- as JSON ---------------------------------------------------------------------------------------------------------


def plain(value: Decimal | None, digits: int = 8) -> str | None:
    """A figure as text, with at most so many digits after the point."""
    if value is None:
        return None
    text = f"{dec(value):.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def standing_json(standing: Standing) -> dict[str, Any]:
    """The account as the API tells it."""
    return {
        "asset": standing.asset,
        "wallet": plain(standing.wallet),
        "equity": plain(standing.equity),
        "available": plain(standing.available),
        "open_pnl": plain(standing.pnl),
        "margin": plain(standing.margin),
        "maintenance": plain(standing.maintenance),
        "cross_equity": plain(standing.cross_equity),
        "margin_ratio": plain(standing.ratio),
        "joint_liquidation_moves": [plain(move) for move in standing.moves],
        "hedge_mode": standing.dual,
        "stale": standing.why or None,
        "positions": [held_json(one) for one in standing.held],
    }


def held_json(held: Held) -> dict[str, Any]:
    """A position as the API tells it."""
    trade = held.trade
    told = {name: trade.get(name) for name in ("trade", "purpose", "stop", "targets", "protected", "protected_as_of",
            "protected_unheard_s", "unprotected_s",
            "funding", "fees", "why", "thesis", "entered", "origin", "r")}  # fmt: skip
    return {
        "symbol": held.symbol,
        "leg": held.leg,
        "side": held.side,
        "qty": plain(held.qty),
        "entry": plain(held.entry),
        "mark": plain(held.mark),
        "notional": plain(held.notional),
        "pnl": plain(held.pnl),
        "roe": plain(held.roe),
        "margin": plain(held.margin),
        "margin_mode": None if held.mode is None else held.mode.value,
        "leverage": plain(held.leverage),
        "margin_ratio": plain(held.ratio),
        "liquidation_prices": [plain(price) for price in held.liquidation],
        "liquidation_price_of_venue": plain(held.liquidation_told),
        "liquidation_frac": plain(held.away(held.nearest)),
        "joint_liquidation_price": plain(held.joint),
        "joint_liquidation_frac": plain(held.joint_frac),
        "adl_quantile": held.lights,
        "matches": held.matches,
        "not_trading": held.not_trading,
        "bot_qty": plain(held.ours_qty),
        **told,
    }
