"""Maintenance brackets as columns, and the maintenance margin they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

from bearskin.margin._formula import deciding, formula
from bearskin.terms import BadInput, Bracket, Brackets, Num, UnknownBrackets

Item_co = TypeVar("Item_co", covariant=True)


class Column(Protocol[Item_co]):
    """What a formula needs of a column: a tuple and a numpy array both have it."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Item_co: ...


class Tiers(NamedTuple, Generic[Num]):
    """Maintenance brackets as columns, lowest first: bracket i holds notionals above floor[i] up to cap[i].

    Maintenance margin of a notional N in it is `N * mmr[i] - cum[i]`. Notionals are in the settle currency. Above the
    last cap the last bracket goes on.
    """

    floor: Column[Num]
    mmr: Column[Num]
    cum: Column[Num]
    cap: Column[Num]


@formula
def bracket_at(tiers: Tiers[Num], value: Num) -> int:
    """Index of the bracket that a notional falls in; one that equals a cap still belongs to that bracket."""
    i = 0
    while i + 1 < len(tiers.floor) and value > tiers.floor[i + 1]:
        i += 1
    return i


@formula
def maintenance(tiers: Tiers[Num], value: Num) -> Num:
    """Maintenance margin of the notional `value`: `value * mmr - cum` of its bracket, whatever the leverage.

    Source: Binance, USDⓈ-M trading rules and FAQ b3c689c1f50a44cabb3a84e663b81d93.
    """
    i = bracket_at(tiers, value)
    return value * tiers.mmr[i] - tiers.cum[i]


@formula
def next_cum(floor: Num, mmr: Num, previous_mmr: Num, previous_cum: Num) -> Num:
    """The maintenance amount of a bracket from the one below: it makes maintenance continuous at `floor`.

    Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93.
    """
    return floor * (mmr - previous_mmr) + previous_cum


@formula
def root_bracket(tiers: Tiers[Num], free: Num, slope: int) -> int:
    """Index of the bracket in which `free + slope * N` meets the maintenance of the notional N; slope is 1 or -1.

    Maintenance is continuous and convex, so the excess crosses zero once; the first bracket whose upper edge lies
    beyond the crossing holds it. Nothing is divided.
    """
    i = 0
    while i + 1 < len(tiers.floor):
        edge = tiers.floor[i + 1]
        excess = free + slope * edge - (edge * tiers.mmr[i] - tiers.cum[i])
        if (excess > 0) == (slope > 0):
            break
        i += 1
    return i


def recompute_cum(floors: Sequence[Num], mmrs: Sequence[Num]) -> tuple[Num, ...]:
    """The maintenance amounts that follow from floors and rates, starting at zero.

    Some published tables leave them out; those that print them agree with this.
    """
    cums = [floors[0] - floors[0]]
    for i in range(1, len(floors)):
        cums.append(next_cum(floors[i], mmrs[i], mmrs[i - 1], cums[i - 1]))
    return tuple(cums)


def tiers_of(brackets: Brackets, number: type[Num]) -> Tiers[Num]:
    """The brackets as columns of `number`: tuples for Decimal and Fraction, numpy arrays for float.

    Raises UnknownBrackets when there are none, and BadInput for a table with holes, falling rates or amounts that do
    not follow from its rates: a liquidation price from such a table would be a guess.
    """
    if not brackets.rows:
        raise UnknownBrackets(f"no maintenance brackets for {brackets.symbol} on {brackets.venue}")
    for fault in _faults(brackets.rows):
        raise BadInput(f"brackets of {brackets.symbol} ({brackets.snapshot}): {fault}")
    rows = brackets.rows
    columns = [[number(getattr(row, name)) for row in rows] for name in ("floor", "mmr", "cum", "cap")]
    if number is float:
        import numpy as np

        arrays = [np.array(column, dtype=np.float64) for column in columns]
        return cast("Tiers[Num]", Tiers(*arrays))
    return Tiers(*(tuple(column) for column in columns))


def with_closing_fee(tiers: Tiers[Num], fee_rate: Num) -> Tiers[Num]:
    """The same brackets where the venue counts the fee to close into maintenance: every rate grows by `fee_rate`.

    OKX and Gate do so (their liquidation pages), Binance does not.
    """
    rates: Any = tiers.mmr
    if isinstance(rates, tuple):
        return tiers._replace(mmr=tuple(rate + fee_rate for rate in rates))
    return tiers._replace(mmr=rates + fee_rate)


def _faults(rows: Sequence[Bracket]) -> Iterator[str]:
    with deciding():
        cums = recompute_cum([row.floor for row in rows], [row.mmr for row in rows])
    if rows[0].floor != 0:
        yield f"the first bracket starts at {rows[0].floor:f}, it should start at 0"
    for i, row in enumerate(rows):
        if not 0 < row.mmr < 1:
            yield f"the rate from {row.floor:f} was {row.mmr:f}, it should lie between 0 and 1"
        if row.cap <= row.floor:
            yield f"the bracket from {row.floor:f} ends at {row.cap:f}, it should end above its floor"
        if i and row.floor != rows[i - 1].cap:
            yield f"a bracket ends at {rows[i - 1].cap:f} and the next starts at {row.floor:f}, they should meet"
        if i and row.mmr < rows[i - 1].mmr:
            yield f"the rate from {row.floor:f} was {row.mmr:f}, below the rate of the bracket before it"
        if row.cum != cums[i]:
            yield f"the maintenance amount from {row.floor:f} was {row.cum:f}, its rates give {cums[i]:f}"
