"""What an account is told of itself: events of the exchange in the JSON form of the venue's user stream."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bearskin.exchange._archive import Archive
from bearskin.exchange._state import Algo, Order, State
from bearskin.exchange._words import (
    AccountUpdated,
    AlgoUpdated,
    BalanceNow,
    Event,
    MarginCalled,
    OrderUpdated,
    PositionNow,
    SettingChanged,
)
from bearskin.exchange.wire._numbers import NS_PER_MS, bare, money, price_of
from bearskin.exchange.wire._shapes import Face, Faces
from bearskin.margin import break_even_price
from bearskin.terms import QUOTE

Row = dict[str, Any]
SIDES = {1: "BUY", -1: "SELL"}
EXPIRY_REASONS = {"EXPIRED_IN_MATCH": "1"}  # the code for orders that would have traded with their own account


class UserEvents:
    """Turns an event into the messages its account hears; events that concern no account make none."""

    __slots__ = ("_archive", "_faces", "_makers", "_state")

    def __init__(self, state: State, archive: Archive, faces: Faces) -> None:
        self._state = state
        self._archive = archive
        self._faces = faces
        self._makers: dict[type[Event], Callable[[Any, int], list[Row]]] = {
            OrderUpdated: self._order,
            AlgoUpdated: self._algo,
            AccountUpdated: self._account,
            MarginCalled: self._margin_call,
            SettingChanged: self._setting,
        }

    def rows(self, event: Event, now_ms: int) -> list[Row]:
        """The messages of one event, in the order they are sent; `now_ms` is market time."""
        maker = self._makers.get(type(event))
        return maker(event, now_ms) if maker is not None else []

    # --- orders -------------------------------------------------------------------------------------------------------

    def _order(self, event: OrderUpdated, now_ms: int) -> list[Row]:
        order, fill = event.order, event.fill
        face = self._faces[order.symbol]
        time_ms = event.time_ns // NS_PER_MS
        row = self._order_row(event, face)
        told: Row = {"e": "ORDER_TRADE_UPDATE", "T": time_ms, "E": now_ms, "o": row}
        if fill is None:
            return [told]
        lite: Row = {
            "e": "TRADE_LITE",
            "E": now_ms,
            "T": time_ms,
            "s": order.symbol,
            "q": row["q"],
            "p": row["p"],
            "m": fill.maker,
            "c": order.client_id,
            "S": row["S"],
            "L": row["L"],
            "l": row["l"],
            "t": fill.trade_id,
            "i": order.id,
        }
        return [lite, told]

    def _order_row(self, event: OrderUpdated, face: Face) -> Row:
        order, fill = event.order, event.fill
        prices, qtys = face.prices, face.qtys
        algo = self._archive.algo(order.account, order.algo_id) if order.algo_id else None
        filled = order.filled_steps
        forced = order.origin == "LIQUIDATION"  # by this word clients know it; REST has it as the LIMIT it is
        holder = self._state.accounts.get(order.account)
        reserve = holder.reserves.get(f"{order.symbol}/{order.position_side}") if holder is not None else None
        row: Row = {
            "s": order.symbol,
            "c": order.client_id,
            "S": SIDES[order.side],
            "o": "LIQUIDATION" if forced else order.type,
            "f": order.tif,
            "q": qtys.text(order.qty_steps),
            "p": prices.text(order.price_ticks) if order.price_ticks else "0",
            "ap": price_of(QUOTE.divide(order.quote, qtys.number(filled))) if filled else "0",
            "sp": prices.show(algo.trigger_price) if algo is not None and algo.trigger_price is not None else "0",
            "x": event.execution,
            "X": order.status,
            "i": order.id,
            "l": qtys.show(fill.qty) if fill is not None else "0",
            "z": qtys.text(filled),
            "L": price_shown(face, fill.price) if fill is not None else "0",
        }
        if fill is not None:
            row["n"] = money(fill.fee)
            row["N"] = face.contract.settle
        row |= {
            "T": event.time_ns // NS_PER_MS,
            "t": fill.trade_id if fill is not None else 0,
            "b": bare(reserve.bid) if reserve is not None else "0",
            "a": bare(reserve.ask) if reserve is not None else "0",
            "m": fill.maker if fill is not None else False,
            "R": order.reduce_only,
            "wt": "MARK_PRICE" if algo is not None and algo.by_mark else "CONTRACT_PRICE",
            "ot": "LIQUIDATION" if forced else order.original_type or order.type,
            "ps": order.position_side,
            "cp": order.close_position,
        }
        if algo is not None and algo.type == "TRAILING_STOP_MARKET":
            row["AP"] = bare(algo.activate_price) if algo.activate_price is not None else "0"
            row["cr"] = bare(algo.callback_rate) if algo.callback_rate is not None else "0"
        row |= {
            "pP": algo.price_protect if algo is not None else False,
            "si": 0,
            "ss": 0,
            "rp": money(fill.realised) if fill is not None else "0",
            "V": order.self_trade,
            "pm": "NONE",
            "gtd": order.good_till_ns // NS_PER_MS,
            "er": EXPIRY_REASONS.get(order.status, "0"),
        }
        return row

    def _algo(self, event: AlgoUpdated, now_ms: int) -> list[Row]:
        algo = event.algo
        face = self._faces[algo.symbol]
        actual = self._archive.order(algo.account, algo.symbol, order_id=algo.order_id) if algo.order_id else None
        row: Row = {
            "caid": algo.client_id,
            "aid": algo.id,
            "at": "CONDITIONAL",
            "o": algo.type,
            "s": algo.symbol,
            "S": SIDES[algo.side],
            "ps": algo.position_side,
            "f": algo.tif,
            "q": face.qtys.show(algo.qty) if algo.qty is not None else "0",
            "X": algo.status,
            "ai": str(algo.order_id) if algo.order_id else "",
            "ap": "0",
            "aq": "0",
            "act": "0",
            "tp": price_shown(face, algo.trigger_price) if algo.trigger_price is not None else "0",
            "p": price_shown(face, algo.price) if algo.price is not None else "0",
            "V": algo.self_trade,
            "wt": "MARK_PRICE" if algo.by_mark else "CONTRACT_PRICE",
            "pm": "NONE",
            "cp": algo.close_position,
            "pP": algo.price_protect,
            "R": algo.reduce_only,
            "tt": triggered_ms(algo),
            "gtd": algo.good_till_ns // NS_PER_MS,
            "rm": algo.reject_reason,
        }
        if actual is not None and algo.status == "TRIGGERED":
            row["act"] = actual.type  # told before the order's own messages: nothing of it is filled yet
        elif actual is not None:
            row |= actual_fields(actual, face)
        if algo.type == "TRAILING_STOP_MARKET":
            row["ia"] = algo.armed
            row["AP"] = bare(algo.activate_price) if algo.activate_price is not None else "0"
            row["cr"] = bare(algo.callback_rate) if algo.callback_rate is not None else "0"
        return [{"e": "ALGO_UPDATE", "T": event.time_ns // NS_PER_MS, "E": now_ms, "o": row}]

    # --- money and positions ------------------------------------------------------------------------------------------

    def _account(self, event: AccountUpdated, now_ms: int) -> list[Row]:
        # funding of a cross position moves the wallet only; of an isolated one the venue shows the position too
        shown = [p for p in event.positions if event.reason != "FUNDING_FEE" or p.isolated]
        told = {
            "m": event.reason,
            "B": [balance_row(balance) for balance in event.balances],
            "P": [self._position(position) for position in shown],
        }
        return [{"e": "ACCOUNT_UPDATE", "T": event.time_ns // NS_PER_MS, "E": now_ms, "a": told}]

    def _position(self, position: PositionNow) -> Row:
        face = self._faces[position.symbol]
        entry = break_even = "0"
        if position.qty:
            entry = price_of(QUOTE.divide(position.cost, position.qty))
            with decimal.localcontext(QUOTE):
                break_even = price_of(break_even_price(position.qty, position.cost, face.contract.taker_fee_rate))
        return {
            "s": position.symbol,
            "pa": face.qtys.show(position.qty),
            "ep": entry,
            "bep": break_even,
            "cr": money(position.realised),
            "up": money(position.unrealised),
            "mt": "isolated" if position.isolated else "cross",
            "iw": money(position.isolated_wallet) if position.isolated else "0",
            "ps": position.side,
            "ma": face.contract.settle,
        }

    def _margin_call(self, event: MarginCalled, now_ms: int) -> list[Row]:
        told: Row = {"e": "MARGIN_CALL", "E": now_ms}
        if event.cross_wallet is not None:
            told["cw"] = money(event.cross_wallet)
        told["p"] = [self._called(position) for position in event.positions]
        return [told]

    def _called(self, position: PositionNow) -> Row:
        mark = self._state.markets[position.symbol].mark
        return {
            "s": position.symbol,
            "ps": position.side,
            "pa": self._faces[position.symbol].qtys.show(position.qty),
            "mt": "ISOLATED" if position.isolated else "CROSSED",
            "iw": money(position.isolated_wallet) if position.isolated else "0",
            "mp": price_of(mark) if mark is not None else "0",
            "up": money(position.unrealised),
            "mm": money(position.maintenance),
        }

    def _setting(self, event: SettingChanged, now_ms: int) -> list[Row]:
        # the venue tells of leverage here; of a margin mode as ACCOUNT_UPDATE, of the position mode not at all
        if event.leverage is None:
            return []
        told = {"s": event.symbol, "l": event.leverage}
        return [{"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": event.time_ns // NS_PER_MS, "ac": told}]


def balance_row(balance: BalanceNow) -> Row:
    """A wallet after a change."""
    return {
        "a": balance.asset,
        "wb": money(balance.wallet),
        "cw": money(balance.cross_wallet),
        "bc": money(balance.change) if balance.change else "0",
    }


def actual_fields(order: Order, face: Face) -> Row:
    """What an ALGO_UPDATE tells of the order that a conditional order has become."""
    filled = order.filled_steps
    return {
        "ap": price_of(QUOTE.divide(order.quote, face.qtys.number(filled))) if filled else "0",
        "aq": face.qtys.text(filled),
        "act": order.type,
    }


def triggered_ms(algo: Algo) -> int:
    """When a conditional order was triggered; 0 while it waits and when it never was."""
    was = algo.status in ("TRIGGERING", "TRIGGERED", "FINISHED", "REJECTED")
    return algo.updated_ns // NS_PER_MS if was else 0


def price_shown(face: Face, price: Decimal) -> str:
    """A price with the digits of its contract, or with its own where it lies off the tick (a deleveraging)."""
    text = face.prices.show(price)
    return text if Decimal(text) == price else price_of(price)


def listen_key_expired(key: str, now_ms: int) -> Row:
    """The last message of a listen key."""
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": key}
