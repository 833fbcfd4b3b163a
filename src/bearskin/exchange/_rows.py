"""The rows that the archive keeps, and the shelves they lie on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from bearskin.exchange._series import Series
from bearskin.exchange._state import Algo, Order
from bearskin.exchange._words import MarkSet

ALL_ROWS = 20_000  # of all accounts of a kind together
NS_PER_MS = 1_000_000
T = TypeVar("T")


class FillRow(msgspec.Struct, frozen=True, array_like=True):
    """One of an account's own trades. `side` is +1 or -1, `fee` positive when paid, `realised` before the fee."""

    trade_id: int
    order_id: int
    symbol: str
    side: int
    position_side: str
    price: Decimal
    qty: Decimal
    quote: Decimal
    fee: Decimal
    realised: Decimal
    maker: bool
    time_ns: int


class IncomeRow(msgspec.Struct, frozen=True, array_like=True):
    """One line of an income history; positive is received."""

    tran_id: int
    type: str
    asset: str
    amount: Decimal
    symbol: str
    trade_id: int
    info: str
    time_ns: int


class MarginRow(msgspec.Struct, frozen=True, array_like=True):
    """Margin added to an isolated position by its owner, or taken from it (negative)."""

    symbol: str
    position_side: str
    amount: Decimal
    asset: str
    time_ns: int


class TradeRow(msgspec.Struct, frozen=True, array_like=True):
    """One public trade."""

    trade_id: int
    price: Decimal
    qty: Decimal
    quote: Decimal
    time_ns: int
    buyer_is_maker: bool


class AggRow(msgspec.Struct, array_like=True):
    """The trades of one taker order at one price, told as one."""

    id: int
    price: Decimal
    qty: Decimal
    first_id: int
    last_id: int
    time_ns: int
    buyer_is_maker: bool
    taker_order: int


class FundingRow(msgspec.Struct, frozen=True, array_like=True):
    """One settlement of funding: what it was at which mark."""

    symbol: str
    rate: Decimal
    mark: Decimal
    time_ns: int


class HeldRow(msgspec.Struct, frozen=True, array_like=True):
    """What was held of a symbol at a moment: coins long, the mark, and how many accounts were long and short."""

    time_ms: int
    coins: Decimal
    mark: Decimal
    longs: int
    shorts: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The last 24 hours of a symbol. `change_rate` is a fraction; ids are -1 where nothing traded."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    last_qty: Decimal
    average: Decimal
    change: Decimal
    change_rate: Decimal
    volume: Decimal
    quote: Decimal
    open_ms: int
    close_ms: int
    first_id: int
    last_id: int
    count: int


class Rows(msgspec.Struct, Generic[T]):
    """Rows by account, oldest first: bounded for each and for all together.

    When all together are a quarter too many, every account loses the oldest fifth of its rows; those with fewer than
    five lose none, so that the newest row of everybody stays.
    """

    by_account: dict[int, list[T]] = {}
    count: int = 0

    def add(self, account: int, row: T, kept: int) -> None:
        """Append a row; of this account about `kept` rows remain."""
        rows = self.by_account.get(account)
        if rows is None:
            rows = self.by_account[account] = []
        rows.append(row)
        self.count += 1
        if len(rows) > kept + (kept >> 2):
            self.count -= len(rows) - kept
            del rows[:-kept]
        if self.count > ALL_ROWS + (ALL_ROWS >> 2) and self.count > 5 * len(self.by_account):
            for each in self.by_account.values():
                del each[: len(each) // 5]
            self.count = sum(map(len, self.by_account.values()))

    def of(self, account: int) -> Sequence[T]:
        """The rows of an account."""
        return self.by_account.get(account, ())


class Shelf(msgspec.Struct):
    """What is kept of the accounts of one kind: of users much, of the venue's own players little."""

    kept: int
    orders: Rows[Order] = msgspec.field(default_factory=Rows)
    algos: Rows[Algo] = msgspec.field(default_factory=Rows)
    fills: Rows[FillRow] = msgspec.field(default_factory=Rows)
    incomes: Rows[IncomeRow] = msgspec.field(default_factory=Rows)
    margins: Rows[MarginRow] = msgspec.field(default_factory=Rows)


class Tape(msgspec.Struct):
    """What one symbol has done. `marked` is the last mark with all that a stream tells of it.

    `held` is a sample each five minutes of what `holders` hold, by account and position side.
    """

    trades: list[TradeRow] = []
    aggs: list[AggRow] = []
    next_agg: int = 1
    candles: dict[str, Series] = {}
    funding: list[FundingRow] = []
    marked: MarkSet | None = None
    holders: dict[str, Decimal] = {}
    held: list[HeldRow] = []

    def series(self, kind: str) -> Series:
        """The candles of a kind, begun with the first one."""
        found = self.candles.get(kind)
        if found is None:
            found = self.candles[kind] = Series()
        return found


def span_ns(start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    """From and (excluded) to in nanoseconds."""
    low = start_ms * NS_PER_MS if start_ms is not None else -(1 << 63)
    return low, (end_ms + 1) * NS_PER_MS if end_ms is not None else 1 << 63


def page(
    rows: Sequence[T], limit: int, start_ms: int | None, from_id: int | None, id_of: Callable[[T], int] | None
) -> list[T]:
    """The first `limit` rows from an id or a start on, else the last ones; rows with ids ascend by them."""
    if limit <= 0:
        return []
    if from_id is not None and id_of is not None:
        low = bisect_left(rows, from_id, key=id_of)
        return list(rows[low : low + limit])
    return list(rows[:limit] if start_ms is not None else rows[-limit:])


def id_of(row: AggRow) -> int:
    """The number of an aggregate trade, to search by."""
    return row.id


def trade_of(row: TradeRow) -> int:
    """The number of a trade, to search by."""
    return row.trade_id


def time_of(row: AggRow | FundingRow) -> int:
    """When a row happened, to search by."""
    return row.time_ns


def digits_of(grid: Decimal) -> int:
    """Digits behind the point that multiples of `grid` need."""
    exponent = grid.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)
