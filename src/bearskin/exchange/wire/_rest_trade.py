"""Orders, conditional orders and the account's own trades."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from bearskin.exchange._codes import Code
from bearskin.exchange._state import Algo, Order
from bearskin.exchange._words import (
    AlgoUpdated,
    Amend,
    Cancel,
    CancelAlgo,
    CancelAll,
    CancelAllAlgos,
    Event,
    OrderUpdated,
    Place,
    PlaceAlgo,
    PositionSide,
    SelfTrade,
    SetCountdown,
)
from bearskin.exchange.wire._numbers import NS_PER_MS
from bearskin.exchange.wire._params import (
    Denied,
    check_names,
    choice,
    client_id,
    flag,
    integer,
    invalid,
    limited,
    missing,
    need,
    number,
    paged,
    rows_of,
    span,
    span_of_week,
    words_of,
)
from bearskin.exchange.wire._routes import SIGNED, Ask, Route, bad_symbol, names_of, route
from bearskin.exchange.wire._shapes import Row, algo_row, fill_row, order_row

BATCH_MAX = 5
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
SELF_TRADE = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "NONE")
POSITION_SIDES = ("BOTH", "LONG", "SHORT")
TIFS = ("GTC", "IOC", "FOK", "GTX", "GTD")
ALGO_TIFS = (*TIFS, "GTE_GTC")
PLACE_NAMES = names_of(
    "symbol side positionSide type timeInForce quantity reduceOnly price newClientOrderId newOrderRespType"
    " priceMatch selfTradePreventionMode goodTillDate"
)
PLACE_ALGO_NAMES = (
    "algoType symbol side positionSide type timeInForce quantity price triggerPrice workingType priceMatch"
    " closePosition priceProtect reduceOnly activatePrice callbackRate clientAlgoId newOrderRespType"
    " selfTradePreventionMode goodTillDate"
)
NO_SUCH_ORDER = "Order does not exist."


def not_required(name: str) -> Denied:
    """A parameter that goes with other kinds of orders."""
    return Denied(Code.PARAM_NOT_REQUIRED, f"Parameter '{name}' sent when not required.")


def side_of(args: dict[str, str]) -> int:
    """+1 for BUY, -1 for SELL."""
    side = args.get("side")
    if side == "BUY":
        return 1
    if side == "SELL":
        return -1
    if not side:
        raise missing("side")
    raise Denied(Code.INVALID_SIDE, "Invalid side.")


def quantity_of(args: dict[str, str]) -> Decimal:
    """The quantity, above zero."""
    qty = number(args, "quantity", Code.QTY_BELOW_ZERO)
    if qty is None:
        raise missing("quantity")
    if not qty:
        raise Denied(Code.QTY_BELOW_ZERO, "Quantity less than or equal to zero.")
    return qty


def price_of(args: dict[str, str], name: str = "price", code: Code = Code.PRICE_BELOW_ZERO) -> Decimal | None:
    """A price, above zero."""
    price = number(args, name, code)
    if price is not None and not price:
        raise Denied(code, f"Parameter '{name}' is less than or equal to zero.")
    return price


def common(ask: Ask, args: dict[str, str]) -> tuple[PositionSide, bool, SelfTrade]:
    """What plain and conditional orders share: position side, reduce-only and self-trade prevention."""
    position_side = choice(args, "positionSide", POSITION_SIDES, Code.INVALID_POSITION_SIDE, "Invalid positionSide.")
    reduce_only = flag(args, "reduceOnly")
    if reduce_only is not None and ask.account.dual:
        raise not_required("reduceonly")
    if args.get("priceMatch", "NONE") != "NONE":
        raise Denied(Code.INVALID_PARAMETER, "priceMatch is not served here; send a price.")
    self_trade = choice(
        args, "selfTradePreventionMode", SELF_TRADE, Code.INVALID_PARAMETER, "Invalid selfTradePreventionMode."
    )
    answer = args.get("newOrderRespType")
    if answer is not None and answer not in ("ACK", "RESULT"):
        raise invalid("newOrderRespType")
    return (
        cast("PositionSide", position_side or "BOTH"),
        bool(reduce_only),
        cast("SelfTrade", self_trade or "EXPIRE_MAKER"),
    )


def good_till_ns(args: dict[str, str], tif: str) -> int:
    """When a GTD order ends; only such an order carries it."""
    good_till_ms = integer(args, "goodTillDate")
    if tif == "GTD":
        if good_till_ms is None:
            raise missing("goodTillDate")
        return good_till_ms * NS_PER_MS
    if good_till_ms:
        raise not_required("goodtilldate")
    return 0


def place_of(ask: Ask, args: dict[str, str]) -> Place:
    """The command that a new order's parameters mean."""
    kind = args.get("type")
    if kind != "LIMIT" and kind != "MARKET":
        if not kind:
            raise missing("type")
        if kind in CONDITIONAL:
            raise Denied(
                Code.USE_ALGO_API,
                "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
            )
        raise Denied(Code.INVALID_ORDER_TYPE, "Invalid orderType.")
    check_names(args, PLACE_NAMES)
    symbol = need(args, "symbol")
    if symbol not in ask.wire.markets:
        raise bad_symbol()
    side = side_of(args)
    position_side, reduce_only, self_trade = common(ask, args)
    qty = quantity_of(args)
    price = price_of(args)
    tif = choice(args, "timeInForce", TIFS, Code.INVALID_TIF, "Invalid timeInForce.")
    if kind == "LIMIT":
        if tif is None:
            raise missing("timeInForce")
        if price is None:
            raise missing("price")
    else:
        if tif is not None:
            raise not_required("timeinforce")
        if price is not None:
            raise not_required("price")
        tif = "GTC"
    return Place(
        time_ns=ask.wire.service.now_ns(),
        account=ask.account_id,
        symbol=symbol,
        side=side,
        type=kind,  # type: ignore[arg-type]  # one of the two, looked at above
        qty=qty,
        price=price,
        tif=tif,  # type: ignore[arg-type]  # one of TIFS
        position_side=position_side,
        reduce_only=reduce_only,
        client_id=client_id(args, "newClientOrderId") or ask.wire.new_name(),
        self_trade=self_trade,
        good_till_ns=good_till_ns(args, tif) if tif == "GTD" or "goodTillDate" in args else 0,
    )


def arrival_and_now(events: Iterable[Event], command: Place) -> tuple[Order, Order]:
    """The order as it came in and as the command left it."""
    account, name = command.account, command.client_id
    first: Order | None = None
    last: Order | None = None
    for event in events:
        if type(event) is OrderUpdated:
            order = event.order
            if first is None:
                if order.account == account and order.client_id == name:
                    first = last = order
            elif order.id == first.id:
                last = order
    assert first is not None  # an order that was taken is told
    assert last is not None
    return first, last


def last_of(events: Iterable[Event], account: int, order_id: int | None, name: str | None) -> Order:
    """The order that a cancel or an amendment spoke of, as the command left it."""
    found: Order | None = None
    for event in events:
        if type(event) is OrderUpdated:
            order = event.order
            if order.account == account and (order.id == order_id if order_id is not None else order.client_id == name):
                found = order
    assert found is not None
    return found


def placed_row(ask: Ask, args: dict[str, str], command: Place, events: list[Event]) -> Row:
    """ACK tells the order as it came in, RESULT as it ended up."""
    first, last = arrival_and_now(events, command)
    return order_row(last if args.get("newOrderRespType") == "RESULT" else first, ask.wire.faces[command.symbol])


async def post_order(ask: Ask) -> Row:
    """A new order."""
    args = ask.args
    command = place_of(ask, args)
    ask.count_orders(1)
    return placed_row(ask, args, command, await ask.submit(command))


async def post_order_test(ask: Ask) -> Row:
    """The checks of the request, without those of the exchange: nothing is placed."""
    command = place_of(ask, ask.args)
    face = ask.wire.faces[command.symbol]
    return {
        "orderId": 0,
        "symbol": command.symbol,
        "status": "NEW",
        "clientOrderId": command.client_id,
        "price": face.prices.show(command.price) if command.price is not None else "0",
        "avgPrice": "0.00",
        "origQty": face.qtys.show(command.qty),
        "executedQty": "0",
        "cumQty": "0",
        "cumQuote": "0",
        "timeInForce": command.tif,
        "type": command.type,
        "reduceOnly": command.reduce_only,
        "closePosition": False,
        "side": "BUY" if command.side > 0 else "SELL",
        "positionSide": command.position_side,
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": command.type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": command.self_trade,
        "goodTillDate": command.good_till_ns // NS_PER_MS,
        "updateTime": command.time_ns // NS_PER_MS,
    }


def ids_of(
    args: dict[str, str], id_name: str = "orderId", name_name: str = "origClientOrderId"
) -> tuple[int | None, str | None]:
    """Which order is meant: its number, or else its client id."""
    order_id = integer(args, id_name)
    name = args.get(name_name)
    if order_id is None and not name:
        raise Denied(
            Code.MANDATORY_PARAM, f"Param '{name_name}' or '{id_name}' must be sent, but both were empty/null!"
        )
    return order_id, None if order_id is not None else name


def amend_of(ask: Ask, args: dict[str, str]) -> Amend:
    """The command that a modification's parameters mean."""
    order_id, name = ids_of(args)
    symbol = need(args, "symbol")
    if symbol not in ask.wire.markets:
        raise bad_symbol()
    if args.get("priceMatch", "NONE") != "NONE":
        raise Denied(Code.INVALID_PARAMETER, "priceMatch is not served here; send a price.")
    price = price_of(args)
    if price is None:
        raise missing("price")
    side = side_of(args)
    reduce_only = flag(args, "reduceOnly")
    if reduce_only is not None:
        number_ = order_id if order_id is not None else ask.account.client_ids.get(name or "")
        order = ask.wire.state.orders.get(number_) if number_ is not None else None
        if order is not None and order.account == ask.account_id and order.reduce_only is not reduce_only:
            raise Denied(Code.AMEND_CONFLICT, "reduceOnly differs from that of the order.")
    return Amend(
        time_ns=ask.wire.service.now_ns(),
        account=ask.account_id,
        symbol=symbol,
        side=side,
        price=price,
        qty=quantity_of(args),
        order_id=order_id,
        client_id=name,
    )


AMEND_NAMES = "symbol orderId origClientOrderId side quantity price priceMatch modifyId reduceOnly stopPrice"


async def amend(ask: Ask, args: dict[str, str]) -> Row:
    """Carry out one modification."""
    command = amend_of(ask, args)
    modify_id = integer(args, "modifyId")
    events = await ask.submit(command)
    order = last_of(events, ask.account_id, command.order_id, command.client_id)
    row = order_row(order, ask.wire.faces[order.symbol])
    if modify_id is not None:
        row["modifyId"] = modify_id
    return row


async def put_order(ask: Ask) -> Row:
    """Modify a resting limit order."""
    ask.count_orders(1)
    return await amend(ask, ask.args)


async def cancel(ask: Ask, symbol: str, order_id: int | None, name: str | None) -> Row:
    """Cancel one order."""
    command = Cancel(
        time_ns=ask.wire.service.now_ns(), account=ask.account_id, symbol=symbol, order_id=order_id, client_id=name
    )
    order = last_of(await ask.submit(command), ask.account_id, order_id, name)
    return order_row(order, ask.wire.faces[symbol])


async def delete_order(ask: Ask) -> Row:
    """Cancel one order by either id."""
    face = ask.face()
    order_id, name = ids_of(ask.args)
    return await cancel(ask, face.symbol, order_id, name)


async def one_of(work: Any) -> Row:
    """A row of a batch: its answer or its refusal."""
    try:
        return cast("Row", await work)
    except Denied as no:
        return no.body()


def batch_of(ask: Ask) -> list[dict[str, str]]:
    """The rows of batchOrders, one to five."""
    rows = rows_of(ask.args, "batchOrders")
    if not 1 <= len(rows) <= BATCH_MAX:
        raise Denied(Code.BATCH_SIZE, f"Invalid number of batch orders: {len(rows)}, 1 to {BATCH_MAX} are taken.")
    return rows


async def post_batch(ask: Ask) -> list[Row]:
    """Up to five new orders, each judged for itself, in their order."""
    rows = batch_of(ask)
    ask.count_orders(len(rows))

    async def place(args: dict[str, str]) -> Row:
        command = place_of(ask, args)
        return placed_row(ask, args, command, await ask.submit(command))

    return await asyncio.gather(*(one_of(place(args)) for args in rows))


async def put_batch(ask: Ask) -> list[Row]:
    """Up to five modifications."""
    rows = batch_of(ask)
    known = names_of(AMEND_NAMES)
    ask.count_orders(len(rows))

    async def change(args: dict[str, str]) -> Row:
        check_names(args, known)
        return await amend(ask, args)

    return await asyncio.gather(*(one_of(change(args)) for args in rows))


# as ccxt spells them
BATCH_NAMES = {"orderidlist": "orderIdList", "origclientorderidlist": "origClientOrderIdList"}


def listed(args: dict[str, str], name: str) -> list[str] | None:
    """A list of ids under its own name or, as ccxt writes it, in small letters."""
    return words_of(args, name if name in args else name.lower())


async def delete_batch(ask: Ask) -> list[Row]:
    """Cancel up to ten orders of a symbol."""
    face = ask.face()
    args = {BATCH_NAMES.get(name, name): value for name, value in ask.args.items()}
    numbers = words_of(args, "orderIdList")
    names = words_of(args, "origClientOrderIdList")
    if numbers is None and names is None:
        raise Denied(
            Code.MANDATORY_PARAM,
            "Param 'origClientOrderIdList' or 'orderIdList' must be sent, but both were empty/null!",
        )
    targets: list[tuple[int | None, str | None]] = []
    if numbers is not None:
        targets = [(integer({"orderIdList": text}, "orderIdList"), None) for text in numbers]
    else:
        targets = [(None, name) for name in names or []]
    if not 1 <= len(targets) <= 2 * BATCH_MAX:
        raise Denied(Code.BATCH_SIZE, f"Invalid number of orders: {len(targets)}, 1 to {2 * BATCH_MAX} are taken.")
    return await asyncio.gather(*(one_of(cancel(ask, face.symbol, *target)) for target in targets))


def found_order(ask: Ask) -> Order | None:
    """The order asked for, open or ended."""
    face = ask.face()
    order_id, name = ids_of(ask.args)
    number_ = order_id if order_id is not None else ask.account.client_ids.get(name or "")
    order = ask.wire.state.orders.get(number_) if number_ is not None else None
    if order is not None and order.account == ask.account_id and order.symbol == face.symbol:
        return order
    return ask.wire.archive.order(ask.account_id, face.symbol, order_id=order_id, client_id=name)


async def get_order(ask: Ask) -> Row:
    """One order, open or ended."""
    order = found_order(ask)
    if order is None:
        raise Denied(Code.NO_SUCH_ORDER, NO_SUCH_ORDER)
    return order_row(order, ask.wire.faces[order.symbol])


async def get_open_order(ask: Ask) -> Row:
    """One order that is still open."""
    order = found_order(ask)
    if order is None or order.id not in ask.wire.state.orders:
        raise Denied(Code.NO_SUCH_ORDER, NO_SUCH_ORDER)
    return order_row(order, ask.wire.faces[order.symbol])


async def get_open_orders(ask: Ask) -> list[Row]:
    """All open orders, of one symbol or all."""
    face = ask.face_or_all()
    wire = ask.wire
    orders = (wire.state.orders[number_] for number_ in ask.account.orders)
    return [order_row(o, wire.faces[o.symbol]) for o in orders if face is None or o.symbol == face.symbol]


async def get_all_orders(ask: Ask) -> list[Row]:
    """Orders of a symbol, open and ended, oldest first."""
    face = ask.face()
    start_ms, end_ms = span_of_week(ask.args)
    orders = ask.wire.archive.orders(
        ask.account_id,
        face.symbol,
        order_id=integer(ask.args, "orderId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limited(ask.args, "limit", 500, 1000),
    )
    return [order_row(order, face) for order in orders]


async def delete_all_orders(ask: Ask) -> Row:
    """Cancel every open order of a symbol; conditional orders stay."""
    face = ask.face()
    await ask.submit(CancelAll(time_ns=ask.wire.service.now_ns(), account=ask.account_id, symbol=face.symbol))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


async def post_countdown(ask: Ask) -> Row:
    """Cancel all open orders of a symbol unless heard from in time."""
    face = ask.face()
    after_ms = integer(ask.args, "countdownTime")
    if after_ms is None:
        raise missing("countdownTime")
    command = SetCountdown(
        time_ns=ask.wire.service.now_ns(), account=ask.account_id, symbol=face.symbol, after_ns=after_ms * NS_PER_MS
    )
    await ask.submit(command)
    return {"symbol": face.symbol, "countdownTime": str(after_ms)}


def algo_of(ask: Ask, args: dict[str, str]) -> PlaceAlgo:
    """The command that a conditional order's parameters mean."""
    if need(args, "algoType") != "CONDITIONAL":
        raise Denied(Code.INVALID_PARAMETER, "algoType is not served here; CONDITIONAL is.")
    symbol = need(args, "symbol")
    if symbol not in ask.wire.markets:
        raise bad_symbol()
    side = side_of(args)
    kind = need(args, "type")
    if kind not in CONDITIONAL:
        raise Denied(Code.INVALID_ORDER_TYPE, "Invalid orderType.")
    position_side, reduce_only, self_trade = common(ask, args)
    trailing = kind == "TRAILING_STOP_MARKET"
    trigger = price_of(args, "triggerPrice", Code.STOP_PRICE_BELOW_ZERO)
    callback = price_of(args, "callbackRate", Code.INVALID_PARAMETER)
    activate = price_of(args, "activatePrice", Code.STOP_PRICE_BELOW_ZERO)
    if trailing:
        if callback is None:
            raise missing("callbackRate")
        if trigger is not None:
            raise not_required("triggerprice")
    elif trigger is None:
        raise missing("triggerPrice")
    elif callback is not None or activate is not None:
        raise not_required("callbackrate" if callback is not None else "activateprice")
    price = price_of(args)
    if kind in ("STOP", "TAKE_PROFIT"):
        if price is None:
            raise missing("price")
    elif price is not None:
        raise not_required("price")
    close = flag(args, "closePosition") or False
    qty = None if close and "quantity" not in args else quantity_of(args)
    tif = choice(args, "timeInForce", ALGO_TIFS, Code.INVALID_TIF, "Invalid timeInForce.") or "GTC"
    working = choice(
        args, "workingType", ("CONTRACT_PRICE", "MARK_PRICE"), Code.INVALID_PARAMETER, "Invalid workingType."
    )
    return PlaceAlgo(
        time_ns=ask.wire.service.now_ns(),
        account=ask.account_id,
        symbol=symbol,
        side=side,
        type=kind,  # type: ignore[arg-type]  # one of CONDITIONAL
        trigger_price=trigger,
        qty=qty,
        price=price,
        tif=tif,  # type: ignore[arg-type]  # one of ALGO_TIFS
        position_side=position_side,
        reduce_only=reduce_only,
        close_position=close,
        by_mark=working == "MARK_PRICE",
        price_protect=flag(args, "priceProtect") or False,
        activate_price=activate,
        callback_rate=callback,
        client_id=client_id(args, "clientAlgoId") or ask.wire.new_name(),
        self_trade=self_trade,
        good_till_ns=good_till_ns(args, tif),
    )


async def post_algo(ask: Ask) -> Row:
    """A new conditional order."""
    command = algo_of(ask, ask.args)
    ask.count_orders(1)
    for event in await ask.submit(command):
        if type(event) is AlgoUpdated and event.algo.account == ask.account_id:
            return algo_row(event.algo, ask.wire.archive, ask.wire.faces[command.symbol])
    raise AssertionError(f"conditional order {command.client_id} was taken and not told")


def found_algo(ask: Ask) -> Algo | None:
    """The conditional order asked for, waiting or ended."""
    algo_id, name = ids_of(ask.args, "algoId", "clientAlgoId")
    number_ = algo_id if algo_id is not None else ask.account.algo_client_ids.get(name or "")
    algo = ask.wire.state.algos.get(number_) if number_ is not None else None
    if algo is not None and algo.account == ask.account_id:
        return algo
    return ask.wire.archive.algo(ask.account_id, algo_id=algo_id, client_id=name)


async def get_algo(ask: Ask) -> Row:
    """One conditional order, waiting or ended."""
    algo = found_algo(ask)
    if algo is None:
        raise Denied(Code.NO_SUCH_ORDER, NO_SUCH_ORDER)
    return algo_row(algo, ask.wire.archive, ask.wire.faces[algo.symbol])


async def delete_algo(ask: Ask) -> Row:
    """Cancel one conditional order."""
    algo_id, name = ids_of(ask.args, "algoId", "clientAlgoId")
    command = CancelAlgo(time_ns=ask.wire.service.now_ns(), account=ask.account_id, algo_id=algo_id, client_id=name)
    for event in await ask.submit(command):
        if type(event) is AlgoUpdated and event.algo.account == ask.account_id:
            # `code` is text here and a number at algoOpenOrders: so the venue has it and the SDK expects it
            return {"algoId": event.algo.id, "clientAlgoId": event.algo.client_id, "code": "200", "msg": "success"}
    raise AssertionError("a conditional order was cancelled and not told")


async def get_open_algos(ask: Ask) -> list[Row]:
    """Conditional orders that wait, of one symbol or all."""
    face = ask.face_or_all()
    if ask.args.get("algoType", "CONDITIONAL") != "CONDITIONAL":
        return []
    algo_id = integer(ask.args, "algoId")
    wire = ask.wire
    algos = (wire.state.algos[number_] for number_ in ask.account.algos)
    return [
        algo_row(algo, wire.archive, wire.faces[algo.symbol])
        for algo in algos
        if (face is None or algo.symbol == face.symbol) and (algo_id is None or algo.id == algo_id)
    ]


async def get_all_algos(ask: Ask) -> list[Row]:
    """Conditional orders of a symbol, waiting and ended."""
    face = ask.face()
    start_ms, end_ms = span_of_week(ask.args)
    start_ms, upto, skipped = paged(ask.args, start_ms, limited(ask.args, "limit", 500, 1000))
    algos = ask.wire.archive.algos(
        ask.account_id,
        face.symbol,
        algo_id=integer(ask.args, "algoId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=upto,
    )
    return [algo_row(algo, ask.wire.archive, face) for algo in algos[skipped:]]


async def delete_all_algos(ask: Ask) -> Row:
    """Cancel every conditional order of a symbol."""
    face = ask.face()
    await ask.submit(CancelAllAlgos(time_ns=ask.wire.service.now_ns(), account=ask.account_id, symbol=face.symbol))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


async def get_user_trades(ask: Ask) -> list[Row]:
    """The account's own trades of a symbol."""
    face = ask.face()
    start_ms, end_ms = span_of_week(ask.args)
    fills = ask.wire.archive.fills(
        ask.account_id,
        face.symbol,
        order_id=integer(ask.args, "orderId"),
        from_id=integer(ask.args, "fromId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limited(ask.args, "limit", 500, 1000),
    )
    return [fill_row(fill, face) for fill in fills]


async def get_force_orders(ask: Ask) -> list[Row]:
    """The account's own orders that the venue forced."""
    face = ask.face_or_all()
    kind = choice(ask.args, "autoCloseType", ("LIQUIDATION", "ADL"), Code.INVALID_PARAMETER, "Invalid autoCloseType.")
    start_ms, end_ms = span(ask.args)
    orders = ask.wire.archive.forced(
        symbol=face.symbol if face else None,
        account=ask.account_id,
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limited(ask.args, "limit", 50, 100),
    )
    return [order_row(order, ask.wire.faces[order.symbol]) for order in orders if kind is None or order.origin == kind]


ORDER_IDS = "symbol orderId origClientOrderId"
PERIOD = "startTime endTime limit"

ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/fapi/v1/order"): Route(post_order, SIGNED, 0, None, once=True),
    ("PUT", "/fapi/v1/order"): route(put_order, AMEND_NAMES),
    ("GET", "/fapi/v1/order"): route(get_order, ORDER_IDS),
    ("DELETE", "/fapi/v1/order"): route(delete_order, ORDER_IDS),
    ("POST", "/fapi/v1/order/test"): Route(post_order_test, SIGNED, 1, None),
    ("POST", "/fapi/v1/batchOrders"): route(post_batch, "batchOrders", weight=5, once=True),
    ("PUT", "/fapi/v1/batchOrders"): route(put_batch, "batchOrders", weight=5),
    ("DELETE", "/fapi/v1/batchOrders"): route(
        delete_batch, f"symbol orderIdList origClientOrderIdList {' '.join(BATCH_NAMES)}"
    ),
    ("GET", "/fapi/v1/openOrder"): route(get_open_order, ORDER_IDS),
    ("GET", "/fapi/v1/openOrders"): route(get_open_orders, "symbol", weight=lambda a: 1 if "symbol" in a else 40),
    ("GET", "/fapi/v1/allOrders"): route(get_all_orders, "symbol orderId " + PERIOD, weight=5),
    ("DELETE", "/fapi/v1/allOpenOrders"): route(delete_all_orders, "symbol"),
    ("POST", "/fapi/v1/countdownCancelAll"): route(post_countdown, "symbol countdownTime", weight=10),
    ("POST", "/fapi/v1/algoOrder"): route(post_algo, PLACE_ALGO_NAMES, weight=0, once=True),
    ("GET", "/fapi/v1/algoOrder"): route(get_algo, "symbol algoId clientAlgoId"),
    ("DELETE", "/fapi/v1/algoOrder"): route(delete_algo, "symbol algoId clientAlgoId"),
    ("GET", "/fapi/v1/openAlgoOrders"): route(
        get_open_algos, "symbol algoType algoId", weight=lambda a: 1 if "symbol" in a else 40
    ),
    ("GET", "/fapi/v1/allAlgoOrders"): route(get_all_algos, "symbol algoId page " + PERIOD, weight=5),
    ("DELETE", "/fapi/v1/algoOpenOrders"): route(delete_all_algos, "symbol"),
    ("GET", "/fapi/v1/userTrades"): route(get_user_trades, "symbol orderId fromId " + PERIOD, weight=5),
    ("GET", "/fapi/v1/forceOrders"): route(
        get_force_orders, "symbol autoCloseType " + PERIOD, weight=lambda a: 20 if "symbol" in a else 50
    ),
}
