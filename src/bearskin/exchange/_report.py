"""The books laid open: who holds what, and that nothing came from nowhere."""

from __future__ import annotations

from typing import Any

from bearskin.exchange._state import ZERO, State
from bearskin.margin import deciding

# the first part of a ledger account's name, and what the report calls it
HEADS = {
    "user": "users",
    "spot": "spot",
    "fees": "fees",
    "insurance": "insurance",
    "clearing": "clearing",
    "rounding": "rounding",
    "outside": "outside",
    "house": "house",
}


def books_report(state: State) -> dict[str, Any]:
    """Sums of every ledger and every symbol, with `holds` and a sentence in `faults` for each law that is broken.

    `assets[asset]`: balances by kind of account (users' wallets and isolated margins together) and their `total`,
    which is exactly zero. `symbols[symbol]`: coins held `long` and `short` (negative), their sum `net` (zero), the
    `open_interest` the market shows (the coins held long), the sum of `costs`, the `clearing` balance (the negative
    of it, so that open profit at any mark is covered) and the `open_profit` at mark. All Decimal; `plain` turns it
    into text.
    """
    faults: list[str] = []
    with deciding():
        assets = {asset: _asset(state, asset, faults) for asset in state.ledgers}
        symbols = {symbol: _symbol(state, symbol, faults) for symbol in state.markets}
    return {
        "time_ns": state.time_ns,
        "sequence": state.sequence,
        "accounts": len(state.accounts),
        "open_orders": len(state.orders),
        "open_algos": len(state.algos),
        "assets": assets,
        "symbols": symbols,
        "faults": faults,
        "holds": not faults,
    }


def plain(report: Any) -> Any:
    """The same with every Decimal as text without an exponent, for JSON."""
    if isinstance(report, dict):
        return {name: plain(value) for name, value in report.items()}
    if isinstance(report, list):
        return [plain(value) for value in report]
    if isinstance(report, type(ZERO)):
        return f"{report:f}" if report else "0"
    return report


def _asset(state: State, asset: str, faults: list[str]) -> dict[str, Any]:
    ledger = state.ledgers[asset]
    sums: dict[str, Any] = dict.fromkeys(HEADS.values(), ZERO)
    for head, amount in ledger.sums().items():
        name = HEADS.get(head)
        if name is None:
            faults.append(f"{asset}: {head} is no account of the books")
            name = head
        sums[name] = sums.get(name, ZERO) + amount
    total = ledger.total()
    if total:
        faults.append(f"{asset}: the balances sum to {total:f}")
    sums["total"] = total
    return sums


def _symbol(state: State, symbol: str, faults: list[str]) -> dict[str, Any]:
    market = state.markets[symbol]
    long = short = costs = ZERO
    holders = 0
    for account in state.accounts.values():
        for position in account.positions.values():
            if position.symbol == symbol:
                holders += 1
                costs += position.cost
                if position.qty > 0:
                    long += position.qty
                else:
                    short += position.qty
    clearing = state.ledgers[market.contract.settle].balance(f"clearing/{symbol}")
    if long + short:
        faults.append(f"{symbol}: {long:f} coins are held long and {-short:f} short")
    if market.open_interest != long:
        faults.append(f"{symbol}: open interest was {market.open_interest:f}, {long:f} coins are held long")
    if clearing != -costs:
        faults.append(f"{symbol}: clearing holds {clearing:f}, the costs sum to {costs:f}")
    mark = market.mark
    return {
        "holders": holders,
        "long": long,
        "short": short,
        "net": long + short,
        "open_interest": market.open_interest,
        "costs": costs,
        "clearing": clearing,
        "open_profit": -costs if mark is None else (long + short) * mark - costs,
        "mark": mark,
    }
