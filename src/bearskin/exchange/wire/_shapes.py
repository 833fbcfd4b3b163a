"""Contracts, orders and conditional orders in the JSON form of the venue.

Fields are those that ccxt, python-binance, the official SDK and freqtrade read, with the JSON types the SDK expects:
prices, quantities and amounts are strings, ids, times and counts are numbers, truths are booleans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bearskin.exchange._state import Algo, Contract, Market, Order
from bearskin.exchange.wire._numbers import NS_PER_MS, Grid, bare, money, price_of
from bearskin.terms import QUOTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bearskin.exchange._archive import Archive
    from bearskin.exchange._rows import FillRow

Row = dict[str, Any]
SIDES = {1: "BUY", -1: "SELL"}
DELIVERY_MS = 4133404800000  # the far date all perpetuals carry
ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
TIFS = ["GTC", "IOC", "FOK", "GTX", "GTD"]
ZERO_PRICE = "0.00"


class Face:
    """What is worked out once for a contract: its grids and its row of exchangeInfo."""

    __slots__ = ("contract", "prices", "qtys", "row", "symbol")

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.symbol = contract.symbol
        self.prices = Grid(contract.tick)
        self.qtys = Grid(contract.step)
        self.row = contract_row(contract, self.prices, self.qtys)


class Faces:
    """The faces of all listed contracts, made anew when a contract's terms have changed."""

    __slots__ = ("_faces", "_markets")

    def __init__(self, markets: dict[str, Market]) -> None:
        self._markets = markets
        self._faces: dict[str, Face] = {}

    def get(self, symbol: str) -> Face | None:
        """The face of a listed symbol."""
        market = self._markets.get(symbol)
        if market is None:
            return None
        face = self._faces.get(symbol)
        if face is None or face.contract is not market.contract:
            face = self._faces[symbol] = Face(market.contract)
        return face

    def __getitem__(self, symbol: str) -> Face:
        face = self.get(symbol)
        if face is None:
            raise KeyError(symbol)
        return face

    def __iter__(self) -> Iterator[Face]:
        return (self[symbol] for symbol in self._markets)


def contract_row(contract: Contract, prices: Grid, qtys: Grid) -> Row:
    """A contract as exchangeInfo lists it, but for its status."""
    show, count = prices.show, qtys.show
    return {
        "symbol": contract.symbol,
        "pair": contract.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": contract.onboard_ns // NS_PER_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": contract.base,
        "quoteAsset": contract.quote,
        "marginAsset": contract.settle,
        "pricePrecision": prices.digits,
        "quantityPrecision": qtys.digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": bare(contract.trigger_protect),
        "liquidationFee": bare(contract.liquidation_fee_rate),
        "marketTakeBound": bare(contract.market_take_bound),
        "maxMoveOrderLimit": 10000,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": show(contract.min_price),
                "maxPrice": show(contract.max_price),
                "tickSize": show(contract.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": count(contract.min_qty),
                "maxQty": count(contract.max_qty),
                "stepSize": count(contract.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": count(contract.min_qty),
                "maxQty": count(contract.market_max_qty),
                "stepSize": count(contract.step),
            },
            {"filterType": "MAX_NUM_ORDERS", "limit": contract.max_orders},
            {"filterType": "MIN_NOTIONAL", "notional": bare(contract.min_notional)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": bare(contract.multiplier_up),
                "multiplierDown": bare(contract.multiplier_down),
                "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE", "notionalCap": "0"},
        ],
        "orderTypes": ORDER_TYPES,
        "timeInForce": TIFS,
        "permissionSets": ["GRID", "COPY", "DCA"],
    }


def order_row(order: Order, face: Face) -> Row:
    """An order as all order endpoints tell it: the superset of what they return at the venue."""
    filled = order.filled_steps
    qtys = face.qtys
    executed = qtys.text(filled)
    original = order.original_type or order.type
    return {
        "orderId": order.id,
        "symbol": order.symbol,
        "pair": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_id,
        "price": face.prices.text(order.price_ticks) if order.price_ticks else "0",
        "avgPrice": average_price(order, face) if filled else ZERO_PRICE,
        "origQty": qtys.text(order.qty_steps),
        "executedQty": executed,
        "cumQty": executed,
        "cumQuote": money(order.quote) if filled else "0",
        "cumBase": "0",
        "timeInForce": order.tif,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": "BUY" if order.side > 0 else "SELL",
        "positionSide": order.position_side,
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": original,
        "priceMatch": "NONE",
        "selfTradePreventionMode": order.self_trade,
        "goodTillDate": order.good_till_ns // NS_PER_MS,
        "time": order.created_ns // NS_PER_MS,
        "updateTime": order.updated_ns // NS_PER_MS,
    }


def average_price(order: Order, face: Face) -> str:
    """Value over quantity of what was filled."""
    return price_of(QUOTE.divide(order.quote, face.qtys.number(order.filled_steps)))


def algo_row(algo: Algo, archive: Archive, face: Face) -> Row:
    """A conditional order as the algo endpoints tell it, with the order it has become."""
    actual = archive.order(algo.account, algo.symbol, order_id=algo.order_id) if algo.order_id else None
    market = algo.type in ("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
    return {
        "algoId": algo.id,
        "clientAlgoId": algo.client_id,
        "algoType": "CONDITIONAL",
        "orderType": algo.type,
        "symbol": algo.symbol,
        "side": "BUY" if algo.side > 0 else "SELL",
        "positionSide": algo.position_side,
        "timeInForce": algo.tif,
        "quantity": face.qtys.show(algo.qty) if algo.qty is not None else "0",
        "algoStatus": algo.status,
        "actualOrderId": str(actual.id) if actual is not None else "",
        "actualPrice": average_price(actual, face) if actual is not None and actual.filled_steps else "0",
        "actualQty": face.qtys.text(actual.filled_steps) if actual is not None else "0",
        "actualType": ("MARKET" if market else "LIMIT") if actual is not None else "",
        "triggerPrice": face.prices.show(algo.trigger_price) if algo.trigger_price is not None else "0",
        "price": face.prices.show(algo.price) if algo.price is not None else "0",
        "icebergQuantity": None,
        "tpTriggerPrice": "0",
        "tpPrice": "0",
        "slTriggerPrice": "0",
        "slPrice": "0",
        "tpOrderType": "",
        "selfTradePreventionMode": algo.self_trade,
        "workingType": "MARK_PRICE" if algo.by_mark else "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": algo.close_position,
        "priceProtect": algo.price_protect,
        "reduceOnly": algo.reduce_only,
        "activatePrice": bare(algo.activate_price) if algo.activate_price is not None else "",
        "callbackRate": bare(algo.callback_rate) if algo.callback_rate is not None else "",
        "createTime": algo.created_ns // NS_PER_MS,
        "updateTime": algo.updated_ns // NS_PER_MS,
        "triggerTime": algo.updated_ns // NS_PER_MS if algo.order_id or algo.status == "REJECTED" else 0,
        "goodTillDate": algo.good_till_ns // NS_PER_MS,
        "rejectReason": algo.reject_reason,
    }


def fill_row(fill: FillRow, face: Face) -> Row:
    """One of the account's own trades."""
    return {
        "symbol": fill.symbol,
        "pair": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": "BUY" if fill.side > 0 else "SELL",
        "price": face.prices.show(fill.price),
        "qty": face.qtys.show(fill.qty),
        "realizedPnl": money(fill.realised),
        "quoteQty": money(fill.quote),
        "baseQty": "0",
        "commission": money(fill.fee),
        "commissionAsset": face.contract.settle,
        "marginAsset": face.contract.settle,
        "time": fill.time_ns // NS_PER_MS,
        "positionSide": fill.position_side,
        "maker": fill.maker,
        "buyer": fill.side > 0,
    }


def bracket_rows(contract: Contract) -> list[Row]:
    """The tiers of a contract; `cum` is a whole number wherever it is one (the SDK insists)."""
    return [
        {
            "bracket": place,
            "initialLeverage": row.max_leverage,
            "notionalCap": int(row.cap),
            "notionalFloor": int(row.floor),
            "maintMarginRatio": float(row.mmr),
            "cum": int(row.cum) if row.cum == int(row.cum) else float(row.cum),
        }
        for place, row in enumerate(contract.brackets, 1)
    ]


def top_notional(contract: Contract, leverage: int) -> str:
    """The largest position that `leverage` allows: the cap of the highest bracket that still permits it."""
    caps = [row.cap for row in contract.brackets if row.max_leverage >= leverage]
    return bare(max(caps)) if caps else "0"
