"""All there is to remember: what a snapshot holds and what the state hash covers.

Plain mutable records without behaviour. Dictionaries keep the order in which things came to be; no sets, so that two
processes walk them alike. What can be derived (the book's queues, the watch on liquidation) lives on the floor.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from bearskin.ledger import Ledger

ZERO = Decimal(0)

Origin = Literal["USER", "ALGO", "LIQUIDATION", "ADL", "FUND"]
OrderStatus = Literal["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"]
AlgoStatus = Literal["NEW", "CANCELED", "TRIGGERING", "TRIGGERED", "FINISHED", "REJECTED", "EXPIRED"]


class BracketRow(msgspec.Struct, frozen=True, kw_only=True):
    """One maintenance tier: notional above `floor` up to `cap`."""

    floor: Decimal
    cap: Decimal
    mmr: Decimal
    max_leverage: int
    cum: Decimal


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a listed perpetual. Rates are fractions; `*_multiplier_*` bound limit prices against mark.

    `market_take_bound` bounds how far from mark a market order may fill, `trigger_protect` how far last and mark may
    lie apart at a protected trigger; `index_cap_rate` is how far a spot source may lie from the median of all before it
    is cut; `funding_cap_rate` holds the funding rate on both sides.
    """

    symbol: str
    base: str
    quote: str
    settle: str
    tick: Decimal
    step: Decimal
    min_price: Decimal
    max_price: Decimal
    min_qty: Decimal
    max_qty: Decimal
    market_max_qty: Decimal
    min_notional: Decimal
    brackets: tuple[BracketRow, ...]
    multiplier_up: Decimal = Decimal("1.05")
    multiplier_down: Decimal = Decimal("0.95")
    market_take_bound: Decimal = Decimal("0.05")
    trigger_protect: Decimal = Decimal("0.05")
    liquidation_fee_rate: Decimal = Decimal("0.0125")
    maker_fee_rate: Decimal = Decimal("0.0002")
    taker_fee_rate: Decimal = Decimal("0.0005")
    max_orders: int = 200
    max_algos: int = 200
    funding_interval_h: int = 8
    funding_cap_rate: Decimal = Decimal("0.02")
    interest_rate_8h: Decimal = Decimal("0.0001")
    index_cap_rate: Decimal = Decimal("0.03")
    impact_margin: Decimal = Decimal(200)
    onboard_ns: int = 0


class Market(msgspec.Struct, kw_only=True):
    """A symbol as it trades. `basis` holds the samples of the mid's distance to the index, oldest first.

    `premium_sum` and `premium_count` carry the weighted premium of the running funding period: sample i weighs i.
    """

    contract: Contract
    status: str = "TRADING"
    sources: dict[str, Decimal] = {}
    source_times_ns: dict[str, int] = {}
    index: Decimal | None = None
    mark: Decimal | None = None
    pinned_mark: Decimal | None = None
    pinned_rate: Decimal | None = None
    last_ticks: int | None = None
    last_price: Decimal | None = None
    basis: list[Decimal] = []
    premium_sum: Decimal = ZERO
    premium_count: int = 0
    premium_sampled_ns: int = 0
    last_rate: Decimal = ZERO  # the rate that would settle at next_funding_ns
    settled_rate: Decimal = ZERO  # the rate of the last settlement
    interval_h: int = 8
    next_funding_ns: int = 0
    marked_ns: int = 0
    update_id: int = 0
    trade_id: int = 0
    open_interest: Decimal = ZERO  # coins held long


class Setting(msgspec.Struct, kw_only=True):
    """What an account has chosen for a symbol."""

    leverage: int = 20
    isolated: bool = False


class Position(msgspec.Struct, kw_only=True):
    """A position that is or was open. `margin_name` is the ledger account of its isolated margin.

    `realised` is what it has realised so far, before fees. `taken_steps` is what resting reduce-only orders have
    spoken for.
    """

    symbol: str
    side: str
    margin_name: str
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    taken_steps: int = 0
    updated_ns: int = 0


class Reserve(msgspec.Struct, kw_only=True):
    """Notional and steps of the resting orders that may open or add, at their assuming prices, by side."""

    bid: Decimal = ZERO
    ask: Decimal = ZERO
    bid_steps: int = 0
    ask_steps: int = 0


class Account(msgspec.Struct, kw_only=True):
    """A trader. Money is in the ledger under `wallet_name` (cross) and the positions' `margin_name` (isolated).

    `positions` and `reserves` are keyed `SYMBOL/SIDE` with SIDE one of BOTH, LONG, SHORT; flat positions are removed.
    """

    id: int
    name: str
    kind: str
    wallet_name: str
    spot_name: str
    parent: int | None = None
    fee_tier: int = 0
    dual: bool = False
    settings: dict[str, Setting] = {}
    positions: dict[str, Position] = {}
    reserves: dict[str, Reserve] = {}
    orders: dict[int, None] = {}
    client_ids: dict[str, int] = {}
    algos: dict[int, None] = {}
    algo_client_ids: dict[str, int] = {}
    order_counts: dict[str, int] = {}  # open orders by symbol
    countdowns: dict[str, int] = {}  # deadline in ns by symbol
    warned: dict[str, None] = {}  # margins (a position key, or CROSS/ and the asset) told to be low


class Order(msgspec.Struct, kw_only=True):
    """An order, open or just ended. Prices and quantities in whole ticks and steps; `price_ticks` 0 is market.

    `assumed` is the price its margin is reserved at, `quote` the value filled so far, `priority` its place in time.
    """

    id: int
    account: int
    symbol: str
    side: int
    position_side: str
    type: str
    original_type: str
    tif: str
    price_ticks: int
    qty_steps: int
    filled_steps: int = 0
    quote: Decimal = ZERO
    reduce_only: bool = False
    close_position: bool = False
    client_id: str = ""
    self_trade: str = "EXPIRE_MAKER"
    good_till_ns: int = 0
    status: OrderStatus = "NEW"
    origin: Origin = "USER"
    algo_id: int = 0
    assumed: Decimal = ZERO
    priority: int = 0
    amendments: int = 0
    created_ns: int = 0
    updated_ns: int = 0


class Algo(msgspec.Struct, kw_only=True):
    """A conditional order. `extreme` is the best price since a trailing stop was armed; `order_id` what it became."""

    id: int
    account: int
    symbol: str
    side: int
    position_side: str
    type: str
    tif: str
    trigger_price: Decimal | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    by_mark: bool = False
    price_protect: bool = False
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None
    client_id: str = ""
    self_trade: str = "EXPIRE_MAKER"
    good_till_ns: int = 0
    status: AlgoStatus = "NEW"
    armed: bool = False
    extreme: Decimal | None = None
    order_id: int = 0
    reject_reason: str = ""
    created_ns: int = 0
    updated_ns: int = 0


class State(msgspec.Struct, kw_only=True):
    """The whole exchange. Account 1 is the insurance fund; `orders` holds open orders.

    `algos` holds the conditional orders that wait for their price, `triggered` those whose order is still open.
    """

    time_ns: int = 0
    sequence: int = 0  # commands carried out
    next_account: int = 1
    next_order: int = 1
    next_algo: int = 1
    next_transfer: int = 1
    priority: int = 0
    accounts: dict[int, Account] = {}
    markets: dict[str, Market] = {}
    orders: dict[int, Order] = {}
    algos: dict[int, Algo] = {}
    triggered: dict[int, Algo] = {}
    ledgers: dict[str, Ledger] = {}
