"""What is said to the exchange and what it says back: commands, events and the parts they are made of.

Commands are complete: they carry their time and need nothing but the state. Prices are quote per coin, quantities are
coins and positive, `side` is +1 for a buy and -1 for a sell. Everything here can be written to the journal and read
back.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from bearskin.exchange._state import Algo, Contract, Order

PositionSide = Literal["BOTH", "LONG", "SHORT"]
OrderType = Literal["LIMIT", "MARKET"]
AlgoType = Literal["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
TimeInForce = Literal["GTC", "IOC", "FOK", "GTX", "GTD"]
SelfTrade = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="is"):
    """Anything that may change the exchange, at its market time in nanoseconds UTC; time never runs backwards."""

    time_ns: int


# --- the venue's own doing -------------------------------------------------------------------------------------------


class ListContract(Command, frozen=True, kw_only=True):
    """List a new contract, or replace the terms of a listed one (brackets, filters, funding, fees)."""

    contract: Contract


class SetTrading(Command, frozen=True, kw_only=True):
    """Open or halt trading in a symbol: TRADING, or HALT (only cancels are taken)."""

    symbol: str
    status: Literal["TRADING", "HALT"]


class OpenAccount(Command, frozen=True, kw_only=True):
    """Open an account; its number is the next one. `parent` makes it a sub-account of that account."""

    name: str
    kind: Literal["USER", "MAKER", "CROWD"] = "USER"
    parent: int | None = None
    fee_tier: int = 0


class Deposit(Command, frozen=True, kw_only=True):
    """Play money from outside into the futures wallet (negative takes out what is free)."""

    account: int
    amount: Decimal
    asset: str = "USDT"


class Transfer(Command, frozen=True, kw_only=True):
    """Move money between the futures wallets of an account and its sub-account, or from spot to futures and back."""

    source: int
    target: int
    amount: Decimal
    asset: str = "USDT"
    source_wallet: Literal["FUTURES", "SPOT"] = "FUTURES"
    target_wallet: Literal["FUTURES", "SPOT"] = "FUTURES"


class SetIndex(Command, frozen=True, kw_only=True):
    """What the spot sources of a symbol trade at now; sources not named keep their last price and grow stale."""

    symbol: str
    prices: dict[str, Decimal]


class SetMark(Command, frozen=True, kw_only=True):
    """Pin the mark of a symbol to `price` (replays and tests), or let it float again with None."""

    symbol: str
    price: Decimal | None


class SetFundingRate(Command, frozen=True, kw_only=True):
    """Pin the rate that the next settlement of a symbol uses, or let the premium decide again with None."""

    symbol: str
    rate: Decimal | None
    interval_h: int | None = None


class SettleFunding(Command, frozen=True, kw_only=True):
    """Settle funding of a symbol now, at its mark and its rate, besides the scheduled times."""

    symbol: str


class Tick(Command, frozen=True, kw_only=True):
    """Time passes: marks are sampled and set, orders expire, countdowns end, funding settles, the fund unwinds.

    One tick a second of market time is what the venue does; a longer step does at once what has come due.
    """


# --- accounts --------------------------------------------------------------------------------------------------------


class SetLeverage(Command, frozen=True, kw_only=True):
    """Set the leverage of a symbol."""

    account: int
    symbol: str
    leverage: int


class SetMarginMode(Command, frozen=True, kw_only=True):
    """Isolated or cross, for a symbol without position and orders."""

    account: int
    symbol: str
    isolated: bool


class SetPositionMode(Command, frozen=True, kw_only=True):
    """Hedge mode (`dual`) or one-way, for the whole account."""

    account: int
    dual: bool


class AddMargin(Command, frozen=True, kw_only=True):
    """Add to the margin of an isolated position; a negative amount takes from it what it does not need."""

    account: int
    symbol: str
    position_side: PositionSide
    amount: Decimal


class SetCountdown(Command, frozen=True, kw_only=True):
    """Cancel all open orders of a symbol after `after_ns` unless set anew; zero ends the countdown.

    Conditional orders stay: a protective stop must outlive the connection that placed it.
    """

    account: int
    symbol: str
    after_ns: int


# --- orders ----------------------------------------------------------------------------------------------------------


class Place(Command, frozen=True, kw_only=True):
    """A limit or market order. `qty` is positive; `price` is None for market orders."""

    account: int
    symbol: str
    side: int
    type: OrderType
    qty: Decimal
    price: Decimal | None = None
    tif: TimeInForce = "GTC"
    position_side: PositionSide = "BOTH"
    reduce_only: bool = False
    client_id: str = ""
    self_trade: SelfTrade = "EXPIRE_MAKER"
    good_till_ns: int = 0


class Amend(Command, frozen=True, kw_only=True):
    """New price and quantity for a resting limit order; it loses its place in the queue."""

    account: int
    symbol: str
    price: Decimal
    qty: Decimal
    side: int
    order_id: int | None = None
    client_id: str | None = None


class Cancel(Command, frozen=True, kw_only=True):
    """Cancel one open order, by either id."""

    account: int
    symbol: str
    order_id: int | None = None
    client_id: str | None = None


class CancelAll(Command, frozen=True, kw_only=True):
    """Cancel every open order of a symbol (conditional orders stay)."""

    account: int
    symbol: str


class PlaceAlgo(Command, frozen=True, kw_only=True):
    """A conditional order. Margin is looked at when it triggers, not now.

    `callback_rate` is in per cent, as the venue has it. `qty` is None with `close_position`.
    """

    account: int
    symbol: str
    side: int
    type: AlgoType
    trigger_price: Decimal | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    tif: Literal["GTC", "IOC", "FOK", "GTX", "GTD", "GTE_GTC"] = "GTC"
    position_side: PositionSide = "BOTH"
    reduce_only: bool = False
    close_position: bool = False
    by_mark: bool = False
    price_protect: bool = False
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None
    client_id: str = ""
    self_trade: SelfTrade = "EXPIRE_MAKER"
    good_till_ns: int = 0


class CancelAlgo(Command, frozen=True, kw_only=True):
    """Cancel one conditional order that has not triggered, by either id."""

    account: int
    algo_id: int | None = None
    client_id: str | None = None


class CancelAllAlgos(Command, frozen=True, kw_only=True):
    """Cancel every conditional order of a symbol that has not triggered."""

    account: int
    symbol: str


AnyCommand = (
    ListContract
    | SetTrading
    | OpenAccount
    | Deposit
    | Transfer
    | SetIndex
    | SetMark
    | SetFundingRate
    | SettleFunding
    | Tick
    | SetLeverage
    | SetMarginMode
    | SetPositionMode
    | AddMargin
    | SetCountdown
    | Place
    | Amend
    | Cancel
    | CancelAll
    | PlaceAlgo
    | CancelAlgo
    | CancelAllAlgos
)


# --- events ----------------------------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="is"):
    """Something that happened, at the market time of the command that brought it about."""

    time_ns: int


class Refused(Event, frozen=True, kw_only=True):
    """The command was understood and not carried out; nothing changed. Then it is the only event."""

    code: int
    message: str


class AccountOpened(Event, frozen=True, kw_only=True):
    """An account has come to be."""

    account: int
    name: str


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One side of one trade. `fee` is positive when paid; `realised` is before the fee."""

    trade_id: int
    price: Decimal
    qty: Decimal
    maker: bool
    fee: Decimal
    realised: Decimal


Execution = Literal["NEW", "CANCELED", "CALCULATED", "EXPIRED", "TRADE", "AMENDMENT"]


class OrderUpdated(Event, frozen=True, kw_only=True):
    """An order changed: a copy of it as it is now, what happened, and the fill if it traded."""

    order: Order
    execution: Execution
    fill: Fill | None = None


class AlgoUpdated(Event, frozen=True, kw_only=True):
    """A conditional order changed: a copy of it as it is now."""

    algo: Algo


class Traded(Event, frozen=True, kw_only=True):
    """A public trade. `buyer_is_maker` means the taker sold."""

    symbol: str
    trade_id: int
    price: Decimal
    qty: Decimal
    buyer_is_maker: bool
    taker_order: int


class LevelChanged(Event, frozen=True, kw_only=True):
    """The quantity resting at a price is now `qty` (zero: the level is gone); `update_id` counts per symbol."""

    symbol: str
    side: int
    price: Decimal
    qty: Decimal
    update_id: int


class BalanceNow(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet after a change; `change` leaves out realised profit and fees, as the venue's `bc` does."""

    asset: str
    wallet: Decimal
    cross_wallet: Decimal
    change: Decimal


class PositionNow(msgspec.Struct, frozen=True, kw_only=True):
    """A position after a change."""

    symbol: str
    side: PositionSide
    qty: Decimal
    cost: Decimal
    realised: Decimal
    unrealised: Decimal
    isolated: bool
    isolated_wallet: Decimal
    maintenance: Decimal


UpdateReason = Literal[
    "DEPOSIT", "WITHDRAW", "ORDER", "FUNDING_FEE", "ADJUSTMENT", "INSURANCE_CLEAR", "MARGIN_TRANSFER",
    "MARGIN_TYPE_CHANGE", "ASSET_TRANSFER"
]  # fmt: skip


class AccountUpdated(Event, frozen=True, kw_only=True):
    """Balances and positions of an account that changed, and why; never for an order that only rests."""

    account: int
    reason: UpdateReason
    balances: tuple[BalanceNow, ...]
    positions: tuple[PositionNow, ...]


IncomeType = Literal[
    "TRANSFER", "REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR", "INTERNAL_TRANSFER", "COIN_SWAP_DEPOSIT"
]


class Income(Event, frozen=True, kw_only=True):
    """One line of an account's income history; positive is received."""

    account: int
    type: IncomeType
    asset: str
    amount: Decimal
    symbol: str = ""
    trade_id: int = 0
    transfer_id: int = 0
    info: str = ""


class MarginMoved(Event, frozen=True, kw_only=True):
    """Margin was added to (or taken from, negative) an isolated position by its owner."""

    account: int
    symbol: str
    position_side: PositionSide
    amount: Decimal
    asset: str


class SettingChanged(Event, frozen=True, kw_only=True):
    """Leverage, margin mode (with a symbol) or position mode (without) of an account changed."""

    account: int
    symbol: str = ""
    leverage: int | None = None
    isolated: bool | None = None
    dual: bool | None = None


class MarkSet(Event, frozen=True, kw_only=True):
    """The mark of a symbol was set, with everything a mark-price stream carries. `rate` is the one to come."""

    symbol: str
    mark: Decimal
    index: Decimal
    settle_estimate: Decimal
    average: Decimal
    rate: Decimal
    next_funding_ns: int


class FundingSettled(Event, frozen=True, kw_only=True):
    """Funding of a symbol was settled between its longs and shorts."""

    symbol: str
    rate: Decimal
    mark: Decimal


class MarginCalled(Event, frozen=True, kw_only=True):
    """An account's (or an isolated position's) margin ratio has come above the warning level."""

    account: int
    cross_wallet: Decimal | None
    positions: tuple[PositionNow, ...]


class Liquidating(Event, frozen=True, kw_only=True):
    """The venue takes hold of a position: `qty` is what the forced order wants to close, `bankruptcy` its price."""

    account: int
    symbol: str
    position_side: PositionSide
    qty: Decimal
    bankruptcy: Decimal
    step: Literal["REDUCE", "CLOSE"]


class Deleveraged(Event, frozen=True, kw_only=True):
    """A winner was closed against a bankrupt position at its bankruptcy price, without a fee."""

    account: int
    counterparty: int
    symbol: str
    qty: Decimal
    price: Decimal


class Listed(Event, frozen=True, kw_only=True):
    """A contract was listed, changed, opened or halted."""

    symbol: str
    status: str


AnyEvent = (
    Refused
    | AccountOpened
    | OrderUpdated
    | AlgoUpdated
    | Traded
    | LevelChanged
    | AccountUpdated
    | Income
    | MarginMoved
    | SettingChanged
    | MarkSet
    | FundingSettled
    | MarginCalled
    | Liquidating
    | Deleveraged
    | Listed
)
