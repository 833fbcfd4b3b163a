"""How a sized position stands on its margin: liquidation, bankruptcy, maintenance, and the most it can lose."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bearskin import margin
from bearskin.risk._case import Case, Size
from bearskin.risk._figures import Gap, Standing, Survival
from bearskin.risk._payoff import ZERO, Columns, tiers
from bearskin.risk._request import plain
from bearskin.terms import BadInput, MarginMode

GAP_MOVES = tuple(Decimal(per_cent).scaleb(-2) for per_cent in (5, 10, 20, 50, 100))


def standing_of(case: Case, qty: Decimal, size: Size) -> Standing:
    """The figures of a futures position; brackets are there for every product but spot margin."""
    request, payoff, columns = case.request, case.payoff, columns_of(case)
    entry, value = request.entry, payoff.value(qty, request.entry)
    initial = margin.initial_margin(value, max(size.leverage, Decimal(1)))
    if request.wallet is not None and size.leverage_origin == "wallet":
        initial = min(value, request.wallet)  # the wallet made the leverage: no quotient may ask for more than it has
    cross = case.mode is MarginMode.CROSS
    wallet = request.wallet or (request.equity if cross else initial)
    if wallet is None:
        raise BadInput("margin mode cross needs the wallet: give --wallet or --equity, or choose isolated")
    liquidation = payoff.liquidation_price(columns, qty, entry, wallet)
    # isolated margin set by leverage is whole: its opening fee comes from the free balance
    fee_inside = cross or request.wallet is not None
    after_fee = payoff.liquidation_price(columns, qty, entry, wallet - value * case.fee_in_rate)
    maintenance = margin.maintenance(columns, value)
    bracket = margin.bracket_at(columns, value)
    at_liquidation = None
    if liquidation is not None:
        at_liquidation = margin.bracket_at(columns, payoff.value(qty, liquidation)) + 1
    worst, note = _worst(case, wallet)
    assert case.brackets is not None
    return Standing(
        leverage=size.leverage,
        initial_margin=initial,
        margin=wallet,
        cross_wallet=wallet if cross else request.equity or request.wallet,
        liquidation_price=liquidation,
        liquidation_price_after_fee=after_fee if fee_inside else None,
        liquidation_note=_liquidation_note(case, columns, qty, wallet, liquidation),
        bankruptcy_price=payoff.bankruptcy_price(qty, entry, wallet),
        bracket=bracket + 1,
        bracket_at_liquidation=at_liquidation,
        bracket_leverage_max=case.brackets.rows[bracket].max_leverage,
        brackets_snapshot=case.brackets.snapshot,
        maintenance_margin=maintenance,
        margin_ratio=margin.margin_ratio(maintenance, wallet),
        worst_loss=worst,
        worst_loss_note=note,
    )


def columns_of(case: Case) -> Columns:
    """The bracket columns of a case that has brackets."""
    assert case.brackets is not None
    return tiers(case.brackets)


def _liquidation_note(case: Case, columns: Columns, qty: Decimal, wallet: Decimal, price: Decimal | None) -> str:
    if case.payoff.is_liquidated(columns, qty, case.request.entry, case.request.entry, wallet):
        return "liquidated at once: the margin does not cover maintenance at the entry price"
    if price is not None:
        return "judged on mark: liquidated when equity is at or below maintenance there"
    if case.instrument.inverse and case.side < 0:
        return (
            "never liquidated by a rise: a coin-margined short of at most its collateral is worth the same "
            "in quote currency at every price"
        )
    return "never liquidated: the margin covers the whole position"


def _worst(case: Case, wallet: Decimal) -> tuple[Decimal, str]:
    if case.mode is MarginMode.CROSS:
        return (
            wallet,
            "cross: the whole wallet stands behind it; liquidation goes in steps until the account is safe again",
        )
    return (
        wallet,
        "isolated: never more than its own margin, liquidation fee included; the opening fee was paid beside it",
    )


def gap_rows(case: Case) -> list[tuple[str, Decimal]]:
    """Adverse moves to show, as (label, fraction): five round ones and the symbol's own worst."""
    rows = [(f"{plain(move * 100)} %", move) for move in GAP_MOVES]
    return rows + list(case.request.history.rows if case.request.history is not None else ())


def gap_mark(case: Case, move_frac: Decimal) -> Decimal:
    """The mark after a move of `move_frac` against the position, never below zero."""
    return max(ZERO, case.request.entry * (1 - case.side * move_frac))


def gaps_of(case: Case, qty: Decimal, standing: Standing) -> tuple[Gap, ...]:
    """The gap table: what is left of an isolated margin and of a cross wallet when mark jumps past every stop."""
    payoff, columns, entry = case.payoff, columns_of(case), case.request.entry
    isolated = standing.margin if case.mode is MarginMode.ISOLATED else standing.initial_margin
    rows = []
    for label, move in gap_rows(case):
        mark = gap_mark(case, move)
        if mark == 0 and case.instrument.inverse:
            continue  # a coin worth nothing has no price to pay in
        pnl = payoff.profit(qty, entry, mark)
        dead = payoff.is_liquidated(columns, qty, entry, mark, isolated)
        left = ZERO if dead else isolated + pnl
        cross_dead, cross_left, cross_loss = None, None, None
        wallet = standing.cross_wallet
        if wallet is not None:
            cross_dead = payoff.is_liquidated(columns, qty, entry, mark, wallet)
            fee = payoff.value(qty, mark) * case.instrument.liquidation_fee_rate if cross_dead else ZERO
            cross_left = max(ZERO, wallet + pnl - fee)
            cross_loss = max(ZERO, wallet - cross_left)
        rows.append(
            Gap(
                label=label,
                move_frac=move,
                mark=mark,
                pnl=pnl,
                isolated_equity=left,
                isolated_liquidated=dead,
                isolated_loss=max(ZERO, isolated - left),
                cross_equity=cross_left,
                cross_liquidated=cross_dead,
                cross_loss=cross_loss,
            )
        )
    return tuple(rows)


def survival_of(case: Case, qty: Decimal, wallet: Decimal, moves: Sequence[Decimal]) -> tuple[Survival, ...]:
    """What living through each move takes; a wallet that is needed negative (never liquidated) shows as zero."""
    payoff, columns, entry = case.payoff, columns_of(case), case.request.entry
    rows = []
    for move in moves:
        mark = gap_mark(case, move)
        if mark == 0:
            continue  # every long dies at zero
        needed = max(ZERO, payoff.wallet_needed(columns, qty, entry, mark))
        below = payoff.value(qty, entry) / needed if needed > 0 else None
        extra = max(ZERO, needed - wallet)
        rows.append(Survival(move_frac=move, wallet_above=needed, extra=extra, leverage_below=below))
    return tuple(rows)
