"""The money of a run: what came, what went, and whether the wallet says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bearskin.terms import EXACT, QUOTE

ZERO = Decimal(0)
_LATE_NS = 60_000_000_000  # a settlement takes venues a moment
_EIGHT = Decimal("0.00000001")
Table = Sequence[Mapping[str, Any]]


def total(values: Iterable[Decimal | None]) -> Decimal:
    """The exact sum; None counts as nothing."""
    found = ZERO
    for value in values:
        if value is not None:
            found = EXACT.add(found, value)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Money in `asset` since the wallet was first told: `realised` before fees, `fees` positive when paid, `funding`
    positive when received; `foreign` is what moved the wallet without being ours.

    `sum` is wallet_end - (wallet_start + realised - fees + funding + foreign), which is 0 when nothing is missing, and
    None where no wallet is known. `unexplained` names what the tables cannot account for.
    """

    asset: str
    wallet_start: Decimal | None
    wallet_end: Decimal | None
    realised: Decimal
    fees: Decimal
    funding: Decimal
    foreign: Decimal = ZERO
    other_fees: Mapping[str, Decimal] = field(default_factory=dict)
    unexplained: tuple[str, ...] = ()

    @property
    def sum(self) -> Decimal | None:
        """What the flows leave unexplained of the wallet."""
        if self.wallet_start is None or self.wallet_end is None:
            return None
        flows = total((self.wallet_start, self.realised, -self.fees, self.funding, self.foreign))
        return EXACT.subtract(self.wallet_end, flows)


def books_of(trades: Table, fills: Table, funding: Table, balances: Table, *, asset: str | None) -> Books:
    """The books of a run from its tables; `asset` None is the one the wallet was first told in."""
    asset = asset or (balances[0]["asset"] if balances else "USDT")
    told = [row for row in balances if row["asset"] == asset]
    since = told[0]["sequence"] if told else 0
    counted = sorted((fill for fill in fills if fill["sequence"] > since), key=lambda fill: fill["sequence"])
    ours = [fill for fill in counted if is_ours(fill, trades)]
    theirs = [fill for fill in counted if not is_ours(fill, trades)]
    paid = [row for row in funding if row["sequence"] > since and row["asset"] == asset]
    held = [row for row in paid if funded_trade(row, trades) is not None]
    worked_out = realised_of(fills, trades)
    said = _unexplained(told, ours, theirs, paid, held, asset)
    return Books(
        asset=asset,
        wallet_start=told[0]["wallet"] if told else None,
        wallet_end=told[-1]["wallet"] if told else None,
        realised=total(_realised(fill, worked_out) for fill in ours),
        fees=total(fill["fee"] for fill in ours if fill["fee_asset"] == asset),
        funding=total(row["amount"] for row in held),
        foreign=total(
            (
                *(fill["realised"] for fill in theirs),
                *(-fill["fee"] for fill in theirs if fill["fee_asset"] == asset),
                *(row["amount"] for row in paid if row not in held),
            )
        ),
        other_fees=_other_fees(ours, asset),
        unexplained=said,
    )


def _realised(fill: Mapping[str, Any], worked_out: Mapping[tuple[str, str], Decimal]) -> Decimal:
    told: Decimal | None = fill["realised"]
    return worked_out[fill["symbol"], fill["trade_id"]] if told is None else told


def _other_fees(fills: Table, asset: str) -> dict[str, Decimal]:
    assets = sorted({fill["fee_asset"] for fill in fills if fill["fee_asset"] != asset and fill["fee"]})
    return {name: total(fill["fee"] for fill in fills if fill["fee_asset"] == name) for name in assets}


def _unexplained(told: Table, ours: Table, theirs: Table, paid: Table, held: Table, asset: str) -> tuple[str, ...]:
    if not told:
        return ("the wallet was never told",)
    last = told[-1]["sequence"]
    late = sum(1 for row in (*ours, *theirs, *paid) if row["sequence"] > last)
    unknown = sum(1 for fill in ours if fill["realised"] is None)
    others = ", ".join(f"{fee:f} {name}" for name, fee in _other_fees(ours, asset).items())
    said = (
        (late, f"{late} fills or fundings came after the wallet was last told"),
        (unknown, f"{unknown} fills without a profit of the venue's: worked out from the average entry"),
        (others, f"fees of {others} were not paid from the {asset} wallet"),
        (theirs, f"{len(theirs)} fills in this account are not ours"),
        (len(paid) - len(held), f"{len(paid) - len(held)} fundings are of positions that are not ours"),
    )
    return tuple(sentence for there, sentence in said if there)


def trade_at(symbol: str, leg: str | None, sequence: int, trades: Table) -> Mapping[str, Any] | None:
    """The trade of ours that was on in a symbol when a record was written; None for none."""
    for trade in trades:
        began, ended = trade["planned_sequence"], trade["ended_sequence"]
        if trade["symbol"] != symbol or began is None or not (leg is None or trade["leg"] == leg):
            continue
        if began <= sequence and (ended is None or sequence <= ended):
            return trade
    return None


def funded_trade(row: Mapping[str, Any], trades: Table) -> Mapping[str, Any] | None:
    """The trade of ours that a funding was paid on, which may be over when it is told; None for none."""
    for trade in trades:
        entered, ended = trade["entered_ns"] or trade["planned_ns"], trade["ended_ns"]
        if trade["symbol"] != row["symbol"] or entered is None:
            continue
        if entered - _LATE_NS <= row["time_ns"] and (ended is None or row["time_ns"] <= ended + _LATE_NS):
            return trade
    return trade_at(row["symbol"], None, row["sequence"], trades)


def is_ours(fill: Mapping[str, Any], trades: Table) -> bool:
    """Whether a fill is of a trade of ours: by its order, or because the venue closed our position by force."""
    if fill["ours"]:
        return True
    return bool(fill["why"]) and trade_at(fill["symbol"], fill["leg"], fill["sequence"], trades) is not None


def realised_of(fills: Table, trades: Table) -> dict[tuple[str, str], Decimal]:
    """The profit of each fill by (symbol, trade_id), before fees, from the average entry, to 8 decimals.

    A position that was taken over begins with its quantity at the price it had then.
    """
    held: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    found: dict[tuple[str, str], Decimal] = {}
    taken_over = [
        {**trade, "sequence": trade["planned_sequence"], "price": trade["entry_ref_price"], "trade_id": ""}
        for trade in trades
        if trade["origin"] == "adopted"
    ]
    for fill in sorted((*taken_over, *fills), key=lambda row: row["sequence"]):
        place, step, price = (fill["symbol"], fill["leg"]), fill["qty"], fill["price"]
        qty, cost = held.get(place, (ZERO, ZERO))
        closed = min(abs(qty), abs(step)).copy_sign(qty) if qty * step < 0 else ZERO
        part = QUOTE.divide(QUOTE.multiply(cost, closed), qty) if closed else ZERO
        profit = QUOTE.subtract(QUOTE.multiply(closed, price), part)
        found[fill["symbol"], fill["trade_id"]] = profit.quantize(_EIGHT, context=QUOTE)
        opened = QUOTE.add(step, closed)
        held[place] = QUOTE.add(qty, step), QUOTE.add(QUOTE.subtract(cost, part), QUOTE.multiply(opened, price))
    return found
