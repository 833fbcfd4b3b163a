"""Everything moves by the same share: what each position and the account would be, and who is liquidated on the way.

An estimate: prices go there without a stop being filled on the way (a gap), liquidation takes the whole of what a
position stands on, and nobody adds margin. What is liquidated is reckoned with brackets, by the venue's own formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bearskin import margin
from bearskin.app.web._account_link import Account
from bearskin.app.web._positions import Held, Standing, plain
from bearskin.terms import BadInput, MarginMode

ZERO = Decimal(0)
DOWN_MOST, UP_MOST = Decimal("-0.95"), Decimal(3)
ESTIMATE = "estimate: one jump, no stop is filled on the way, liquidation takes all that a position stands on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shocked:
    """A position after the move. `joint_frac` is the share of the move at which it is liquidated when everything moves
    together, `alone_frac` when only its own symbol does; None: it lives. `stop_frac` is where its stop lies, where that
    is on the way. `pnl` is its open profit then; what is liquidated has lost its margin.
    """

    held: Held
    mark: Decimal
    pnl: Decimal
    change: Decimal
    joint_frac: Decimal | None
    alone_frac: Decimal | None
    stop_frac: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """The account after all marks have moved by `frac`.

    `equity_joint` is with everything moved together; `equity_alone` is the worst of what is left where only one symbol
    moves, whose name is `worst_alone`. `unknown` names symbols without brackets: their liquidation is not reckoned.
    """

    frac: Decimal
    equity_before: Decimal
    equity_joint: Decimal
    equity_alone: Decimal
    worst_alone: str
    ratio: Decimal | None
    cross_frac: Decimal | None
    positions: tuple[Shocked, ...]
    unknown: tuple[str, ...]


def shock(standing: Standing, account: Account, frac: Decimal) -> Shock:
    """What a move of all marks by `frac` (0.2 is up twenty per cent) would do; BadInput beyond -95 % or +300 %."""
    if not DOWN_MOST <= frac <= UP_MOST:
        bounds = f"from {plain(100 * DOWN_MOST)} to {plain(100 * UP_MOST)} %"
        raise BadInput(f"a move of {plain(100 * frac)} % cannot be shown: {bounds}")
    with margin.quoting():
        held = [one for one in standing.held if one.matches != "unseen"]
        cross_frac = _reached([*standing.moves], frac)
        rows = tuple(_moved(one, frac, cross_frac) for one in held)
        alone = {symbol: _equity_alone(standing, rows, symbol) for symbol in {row.held.symbol for row in rows}}
        worst = min(alone, key=lambda symbol: (alone[symbol], symbol), default="")
        return Shock(
            frac=frac,
            equity_before=standing.equity,
            equity_joint=_equity_joint(standing, rows, cross_frac is not None),
            equity_alone=alone.get(worst, standing.equity),
            worst_alone=worst,
            ratio=None if cross_frac is not None else _ratio(standing, account, frac),
            cross_frac=cross_frac,
            positions=rows,
            unknown=tuple(sorted({one.symbol for one in held if one.maintenance is None})),
        )


def _moved(held: Held, frac: Decimal, cross_frac: Decimal | None) -> Shocked:
    mark = held.mark * (1 + frac)
    pnl = held.qty * (mark - held.entry)
    own = [price / held.mark - 1 for price in held.liquidation]
    alone = _reached(own, frac)
    isolated = held.mode is MarginMode.ISOLATED
    joint = alone if isolated else cross_frac
    stop = held.trade.get("stop")
    return Shocked(
        held=held,
        mark=mark,
        pnl=pnl,
        change=_lost(held) if isolated and joint is not None else pnl - held.pnl,
        joint_frac=joint,
        alone_frac=alone,
        stop_frac=_reached([Decimal(stop) / held.mark - 1], frac) if stop else None,
    )


def _reached(moves: Sequence[Decimal], frac: Decimal) -> Decimal | None:
    """The first of these moves that lies on the way to `frac`."""
    on_way = [move for move in moves if move * frac > 0 and abs(move) <= abs(frac)]
    return min(on_way, key=abs, default=None)


def _lost(held: Held) -> Decimal:
    """What the account loses of an isolated position that is liquidated: its margin and the open profit in it."""
    return -((held.margin or ZERO) + held.pnl)


def _equity_joint(standing: Standing, rows: Sequence[Shocked], cross_gone: bool) -> Decimal:
    isolated = sum((row.change for row in rows if row.held.mode is MarginMode.ISOLATED), ZERO)
    if cross_gone:
        return standing.equity - standing.cross_equity + isolated
    return standing.equity + isolated + sum((r.change for r in rows if r.held.mode is not MarginMode.ISOLATED), ZERO)


def _equity_alone(standing: Standing, rows: Sequence[Shocked], symbol: str) -> Decimal:
    """What is left where only this symbol moves."""
    left = standing.equity
    cross_gone = False
    for row in rows:
        if row.held.symbol != symbol:
            continue
        if row.held.mode is MarginMode.ISOLATED or row.alone_frac is None:
            left += row.change
        else:
            cross_gone = True
    return left - standing.cross_equity if cross_gone else left


def _ratio(standing: Standing, account: Account, frac: Decimal) -> Decimal | None:
    """The margin ratio of the cross wallet after the move."""
    cross = [one for one in standing.held if one.mode is not MarginMode.ISOLATED and one.matches != "unseen"]
    needed, equity = ZERO, standing.cross_wallet
    for one in cross:
        found = account.terms.get(one.symbol)
        if found is None or found[1] is None:
            return None
        mark = one.mark * (1 + frac)
        needed += margin.maintenance(margin.tiers_of(found[1], Decimal), abs(one.qty * mark))
        equity += one.qty * (mark - one.entry)
    return needed / equity if cross and equity > 0 else ZERO


def shock_json(found: Shock) -> dict[str, Any]:
    """As the API tells it."""
    return {
        "estimate": ESTIMATE,
        "frac": plain(found.frac),
        "equity_before": plain(found.equity_before),
        "equity_joint": plain(found.equity_joint),
        "equity_worst_alone": plain(found.equity_alone),
        "worst_alone": found.worst_alone or None,
        "margin_ratio": plain(found.ratio),
        "cross_liquidated_at_frac": plain(found.cross_frac),
        "without_brackets": list(found.unknown),
        "positions": [
            {
                "symbol": row.held.symbol,
                "leg": row.held.leg,
                "qty": plain(row.held.qty),
                "mark": plain(row.mark),
                "pnl": plain(row.pnl),
                "change": plain(row.change),
                "liquidated_joint_at_frac": plain(row.joint_frac),
                "liquidated_alone_at_frac": plain(row.alone_frac),
                "stop_at_frac": plain(row.stop_frac),
            }
            for row in found.positions
        ],
    }
