"""What a conditional order has to fulfil when it arrives."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._checks import good_till_fits
from bearskin.exchange._codes import Code
from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Contract, Market, Position
from bearskin.exchange._words import PlaceAlgo, Refused

_CALLBACK_MIN = Decimal("0.1")  # per cent
_CALLBACK_MAX = Decimal(20)
_CALLBACK_STEP = Decimal("0.01")
_PLACES_MAX = 20  # more decimals than any grid has

Fault = tuple[Code, str]


def fault_of(floor: Floor, account: Account, market: Market, command: PlaceAlgo) -> Refused | None:
    """The refusal of a conditional order, or None where it may wait for its price.

    Checked in this order: what was sent, the sides, closing the position, numbers on their grids, limits of the
    account, and last whether it would trigger at once.
    """
    contract = market.contract
    fault = (
        _status(market)
        or _params(floor, command)
        or _sides(account, command)
        or _closing(floor, account, command)
        or _numbers(contract, command)
        or _limit_beyond_trigger(contract, command)
        or _too_small(market, command)
        or _account_limits(account, contract, command)
        or _would_trigger(market, command)
    )
    return None if fault is None else floor.no(*fault)


def closes(account: Account, symbol: str, position_side: str, side: int) -> Position | None:
    """The position that an order of this side would close, if there is one."""
    position = account.positions.get(f"{symbol}/{position_side}")
    return position if position is not None and position.qty * side < 0 else None


def _status(market: Market) -> Fault | None:
    return None if market.status == "TRADING" else (Code.MARKET_CLOSED, "Symbol is closed.")


def _params(floor: Floor, command: PlaceAlgo) -> Fault | None:
    trailing, limit = command.type == "TRAILING_STOP_MARKET", command.type in ("STOP", "TAKE_PROFIT")
    given = (
        ("triggerPrice", command.trigger_price, not trailing),
        ("callbackRate", command.callback_rate, trailing),
        ("price", command.price, limit),
    )
    for name, value, wanted in given:
        if wanted and value is None:
            return (
                Code.MANDATORY_PARAM, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            )  # fmt: skip
        if value is not None and not wanted:
            return Code.PARAM_NOT_REQUIRED, f"Parameter '{name}' sent when not required."
    if command.activate_price is not None and not trailing:
        return Code.PARAM_NOT_REQUIRED, "Parameter 'activatePrice' sent when not required."
    if command.qty is None and not command.close_position:
        return Code.MANDATORY_PARAM, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."
    if command.tif == "GTD":
        if not good_till_fits(floor.now_ns, command.good_till_ns):
            return Code.INVALID_PARAMETER, "Data sent for parameter 'goodTillDate' is not valid."
    elif command.good_till_ns:
        return Code.PARAM_NOT_REQUIRED, "Parameter 'goodTillDate' sent when not required."
    rate = command.callback_rate
    if rate is not None:
        if not rate.is_finite() or not _CALLBACK_MIN <= rate <= _CALLBACK_MAX:
            return Code.INVALID_PARAMETER, "Data sent for parameter 'callbackRate' is not valid."
        if _off_grid(rate, _CALLBACK_STEP):
            return Code.BAD_PRECISION, "Precision is over the maximum defined for this asset."
    return None


def _sides(account: Account, command: PlaceAlgo) -> Fault | None:
    if (command.position_side != "BOTH") != account.dual:
        return Code.POSITION_SIDE_UNMATCHED, "Order's position side does not match user's setting."
    if account.dual and command.reduce_only:
        return Code.REDUCE_ONLY_CONFLICT, "Invalid parameter 'reduceOnly' in hedge mode."
    return None


def _closing(floor: Floor, account: Account, command: PlaceAlgo) -> Fault | None:
    symbol, side = command.symbol, command.position_side
    if command.close_position:
        if command.type not in ("STOP_MARKET", "TAKE_PROFIT_MARKET"):
            return Code.INVALID_ORDER_TYPE, "Invalid orderType."
        if command.qty is not None:
            return Code.CLOSE_POSITION_QTY, "Quantity must be zero with closePosition equals true"
        if command.reduce_only:
            return Code.CLOSE_POSITION_REDUCE, "Parameter 'reduceOnly' must not be sent with closePosition equals true"
        if closes(account, symbol, side, command.side) is None:
            return Code.NO_POSITION_TO_CLOSE, "closePosition can only be used with an open position to close."
        algos = floor.state.algos
        for number in account.algos:
            other = algos[number]
            if (
                other.close_position
                and other.symbol == symbol
                and other.side == command.side
                and other.position_side == side
                and other.type == command.type
            ):
                return (
                    Code.CLOSE_POSITION_TAKEN,
                    "An open stop or take profit order with GTE and closePosition in the direction is existing.",
                )
    elif command.tif == "GTE_GTC" and f"{symbol}/{side}" not in account.positions:
        return Code.NO_POSITION_TO_CLOSE, "Time in Force (TIF) GTE can only be used with open positions."
    return None


def _numbers(contract: Contract, command: PlaceAlgo) -> Fault | None:
    for level in (command.trigger_price, command.activate_price):
        if level is not None:
            if not level.is_finite() or level <= 0:
                return Code.STOP_PRICE_BELOW_ZERO, "Stop price less than zero."
            fault = _price(contract, level)
            if fault is not None:
                return fault
    if command.price is not None:
        fault = _price(contract, command.price)
        if fault is not None:
            return fault
    qty = command.qty
    if qty is None:
        return None
    most = contract.max_qty if command.price is not None else contract.market_max_qty
    if not qty.is_finite() or qty <= 0:
        return Code.QTY_BELOW_ZERO, "Quantity less than or equal to zero."
    if qty > most:
        return Code.QTY_ABOVE_MAX, "Quantity greater than max quantity."
    if qty < contract.min_qty:
        return Code.QTY_BELOW_MIN, "Quantity less than min quantity."
    off = _off_grid(qty, contract.step)
    if off:
        return (
            (Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
            if off == "DIGITS"
            else (Code.QTY_OFF_STEP, "Quantity not increased by step size.")
        )
    return None


def _price(contract: Contract, price: Decimal) -> Fault | None:
    if not price.is_finite() or price <= 0:
        return Code.PRICE_BELOW_ZERO, "Price less than 0."
    if price > contract.max_price:
        return Code.PRICE_ABOVE_MAX, "Price greater than max price."
    if price < contract.min_price:
        return Code.PRICE_BELOW_MIN, "Price less than min price."
    off = _off_grid(price, contract.tick)
    if off:
        return (
            (Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
            if off == "DIGITS"
            else (Code.PRICE_OFF_TICK, "Price not increased by tick size.")
        )
    return None


def _limit_beyond_trigger(contract: Contract, command: PlaceAlgo) -> Fault | None:
    price, trigger = command.price, command.trigger_price
    if price is None or trigger is None:
        return None
    if command.side > 0 and price > trigger * contract.multiplier_up:
        return Code.STOP_PRICE_HIGH, f"Limit price can't be higher than {trigger * contract.multiplier_up:f}."
    if command.side < 0 and price < trigger * contract.multiplier_down:
        return Code.STOP_PRICE_LOW, f"Limit price can't be lower than {trigger * contract.multiplier_down:f}."
    return None


def _too_small(market: Market, command: PlaceAlgo) -> Fault | None:
    if command.qty is None or command.reduce_only or command.position_side != "BOTH":
        return None
    price = command.price or command.trigger_price or command.activate_price or _latest(market, command)
    least = market.contract.min_notional
    if price is not None and command.qty * price < least:
        return (
            Code.MIN_NOTIONAL, f"Order's notional must be no smaller than {least:f} (unless you choose reduce only)."
        )  # fmt: skip
    return None


def _account_limits(account: Account, contract: Contract, command: PlaceAlgo) -> Fault | None:
    if command.client_id and command.client_id in account.algo_client_ids:
        return Code.ALGO_ID_TAKEN, "ClientAlgoId is duplicated."
    if len(account.algos) >= contract.max_algos:
        return Code.MAX_OPEN_ORDERS, "Reach max open order limit."
    return None


def _would_trigger(market: Market, command: PlaceAlgo) -> Fault | None:
    latest = _latest(market, command)
    if latest is None:
        return None
    if command.trigger_price is not None:
        rising = (command.side > 0) == command.type.startswith("STOP")
        reached = latest >= command.trigger_price if rising else latest <= command.trigger_price
    elif command.activate_price is not None:
        # a buy waits for a fall to its activation price, a sell for a rise
        reached = (latest - command.activate_price) * command.side <= 0
    else:
        return None
    return (Code.WOULD_TRIGGER, "Order would immediately trigger.") if reached else None


def _latest(market: Market, command: PlaceAlgo) -> Decimal | None:
    return market.mark if command.by_mark else market.last_price


def _off_grid(value: Decimal, grid: Decimal) -> str:
    """DIGITS when a number has more decimals than its grid, GRID when it lies beside it, else nothing."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_PLACES_MAX:
        return "DIGITS"
    if not value % grid:
        return ""
    return "DIGITS" if _places(value) > _places(grid) else "GRID"


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
