"""BingX linear swaps: amounts in coins, one kind of order for all, fills that have to be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bearskin.live._dialects._base import (
    NS_PER_MS,
    RECV_WINDOW_MS,
    Dialect,
    Forced,
    Unfit,
    leg_word,
    number,
    on_tick,
    plain,
    positive,
)
from bearskin.live._dialects._words import Abilities, Call, Reason, State, Traded
from bearskin.terms import (
    DAY_NS,
    AddMargin,
    Amend,
    Cancel,
    Leg,
    OrderStatus,
    Place,
    PlaceStop,
    SetLeverage,
    StopBy,
    parse_time,
)

CODES: Final[Mapping[str, Reason]] = {
    "100410": "rate-limit",
    "100500": "lost",
    "100503": "lost",
    "109500": "lost",
    "110500": "lost",
    "500": "lost",
    "504": "lost",
    "429": "rate-limit",
    "418": "banned",
    "100421": "clock",
    "100001": "auth",
    "100004": "auth",
    "100412": "auth",
    "100413": "auth",
    "100419": "auth",
    "101204": "margin",
    "80012": "margin",
    "101205": "reduce-only",
    "110424": "reduce-only",
    "101400": "filter",
    "110425": "filter",
    "101481": "duplicate-id",
    "109201": "duplicate-id",
    "80016": "unknown-order",
    "80017": "unknown-order",
    "80018": "unknown-order",
    "109421": "unknown-order",
    "110412": "would-trigger",
    "110413": "would-trigger",
}
ABLE: Final = Abilities(
    attached_stops=True,
    hedge_mode=True,
    stop_ids=True,
    amends=False,
    stream_fills=False,
    countdown=None,
    brackets="signed",
    demo="sandbox",
    late_ms=RECV_WINDOW_MS,
    fills_page=500,
    refusals={
        "amend": "BingX can only cancel an order and place another, which may leave neither: "
        "cancel it and place a new one",
        "countdown": "the countdown cancel is not used: BingX does not say that conditional orders survive it",
    },
)
_STATUSES: Final[Mapping[str, OrderStatus]] = {
    "EXPIRED": "expired",
    "FAILED": "rejected",
    "REJECTED": "rejected",
    "TRIGGERED": "triggered",
}
_FILLS_WINDOW_MS: Final = 7 * DAY_NS // NS_PER_MS
ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bingx(Dialect):
    """A stop is an order like any other; what was filled is asked for, since the stream gives fills no number."""

    def place_params(self, command: Place, market: Traded, state: State) -> dict[str, Any]:
        """An order, with its stop for its own quantity where it brings one."""
        params: dict[str, Any] = {
            "clientOrderId": command.client_id,
            **_reducing(command.leg, state, reduce_only=command.reduce_only),
        }
        if command.post_only:
            params["postOnly"] = True
        if command.attached_stop is not None:
            params["stopLoss"] = {
                "triggerPrice": on_tick(market, command.attached_stop),
                "type": "STOP_MARKET",
                "workingType": _by(command.stop_by),
            }
        return params

    def stop_params(self, command: PlaceStop, market: Traded, state: State) -> dict[str, Any]:
        """A STOP_MARKET by quantity."""
        return {
            "clientOrderId": command.client_id,
            "stopLossPrice": on_tick(market, command.trigger),
            "workingType": _by(command.by),
            **_reducing(command.leg, state, reduce_only=True),
        }

    def cancel(self, command: Cancel, market: Traded, state: State) -> Call:
        """By our id, for both kinds of order; by BingX's number what has none."""
        if command.venue_id:
            return Call(method="cancel_order", args=(command.venue_id, market.unified))
        return Call(method="cancel_order", args=("", market.unified), params={"clientOrderId": command.client_id})

    def amend(self, command: Amend, market: Traded, state: State) -> Call:
        """Refused: cancel and replace is no amendment."""
        raise Unfit(self.able.refusals["amend"], "mode")

    def set_leverage(self, command: SetLeverage, market: Traded, state: State) -> tuple[Call, ...]:
        """For each side that is held apart."""
        args = (command.leverage, market.unified)
        sides = ("LONG", "SHORT") if state.dual else ("BOTH",)
        return tuple(Call(method="set_leverage", args=args, params={"side": side}) for side in sides)

    def add_margin(self, command: AddMargin, market: Traded, state: State) -> Call:
        """Said again in the parameters, where ccxt does not round it to the step of the quantity."""
        amount = abs(command.amount)
        params = {"type": 1 if command.amount > 0 else 2, "amount": f"{amount:f}", "positionSide": command.leg}
        return Call(method="set_margin", args=(market.unified, plain(amount)), params=params)

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask_of(self, market: Traded, client_id: str, *, conditional: bool, state: State) -> tuple[Call, ...]:
        """By the venue's number where we know it; else through the lists: ccxt cannot ask by our id."""
        order = state.orders.get(client_id)
        lists = (
            Call(method="fetch_open_orders", args=(market.unified, None, None), writes=False),
            Call(method="fetch_orders", args=(market.unified, None, ROWS), writes=False),
        )
        if order is None or not order.venue_id:
            return lists
        return (Call(method="fetch_order", args=(order.venue_id, market.unified), writes=False), *lists)

    def open_orders_of(self, market: Traded) -> tuple[Call, ...]:
        """Both kinds come in one list."""
        return (Call(method="fetch_open_orders", args=(market.unified, None, None), writes=False),)

    def fills_of(self, market: Traded, since_ms: int | None, limit: int | None = None) -> tuple[Call, ...]:
        """The only list in which fills have a number and a side; a week of it at a time."""
        params: dict[str, Any] = {"symbol": market.symbol, "pageIndex": 1, "pageSize": self.page(limit)}
        if since_ms is not None:
            params |= {"startTs": since_ms, "endTs": since_ms + _FILLS_WINDOW_MS}
        return (Call(method="swap_v2_private_get_trade_fillhistory", params=params, writes=False),)

    # --- answers ------------------------------------------------------------------------------------------------------

    def trades_in(self, told: Any) -> list[Mapping[str, Any]]:
        """The venue's own rows as ccxt would have them: it does not read this list."""
        return [_trade(row) for row in (told.get("data") or {}).get("fill_history_orders") or []]

    def is_fill(self, trade: Mapping[str, Any]) -> bool:
        """What ccxt makes of the stream and of the older list has no number, and partly no side: it is no fill."""
        return "tradeId" in trade["info"]

    def trade_client_id(self, trade: Mapping[str, Any]) -> str:
        """Where the list tells it."""
        return str(trade["info"].get("clientOrderID") or "")

    def realised_of(self, trade: Mapping[str, Any]) -> Decimal | None:
        """Profit of the fill."""
        return number(trade["info"].get("realisedPNL"))

    def forced(self, trade: Mapping[str, Any]) -> Forced:
        """By the type of the order, or the price of the liquidation."""
        kind = str(trade["info"].get("type") or "").upper()
        if "ADL" in kind:
            return "adl"
        return "liquidation" if "LIQUIDAT" in kind or positive(trade["info"].get("liquidatedPrice")) else ""

    def status_of(self, order: Mapping[str, Any]) -> OrderStatus:
        """The venue's own word where ccxt's says less."""
        word = str(_raw(order).get("status") or _raw(order).get("X") or "").upper()
        return _STATUSES.get(word) or Dialect.status_of(self, order)

    def is_conditional(self, order: Mapping[str, Any]) -> bool:
        """By the type; stopLoss is that of an entry's attached stop."""
        kind = str(_raw(order).get("type") or _raw(order).get("o") or "").upper()
        return any(word in kind for word in ("STOP", "TAKE_PROFIT", "TRIGGER"))

    def trigger_of(self, order: Mapping[str, Any]) -> Decimal | None:
        """Its own trigger."""
        raw = _raw(order)
        return positive(raw.get("stopPrice")) or positive(raw.get("sp"))

    def order_leg(self, order: Mapping[str, Any]) -> Leg:
        """REST says positionSide, the stream ps."""
        return leg_word(_raw(order).get("positionSide") or _raw(order).get("ps"))

    def position_now(self, position: Mapping[str, Any], market: Traded) -> Any:
        """In one-way mode the side is told as LONG or SHORT all the same, or as BOTH with a signed amount."""
        side = str(position.get("side") or "")
        if side not in ("long", "short"):
            short = (number(position["info"].get("positionAmt")) or 0) < 0
            position = {**position, "side": "short" if short else "long"}
        return Dialect.position_now(self, position, market)

    def position_leg(self, position: Mapping[str, Any]) -> Leg:
        """A position that is the only one of its symbol is that of one-way mode."""
        info = position["info"]
        alone = str(info.get("onlyOnePosition")).lower() == "true"
        return "BOTH" if alone else leg_word(info.get("positionSide"))

    def wallet_fields(self, balance: Mapping[str, Any], asset: str) -> tuple[Any, Any]:
        """ccxt's total is what may be withdrawn; the demo environment counts in VST."""
        rows = balance["info"].get("data") or []
        names = (asset, "VST") if asset == "USDT" else (asset,)
        found: Mapping[str, Any] = next((row for row in rows if row.get("asset") in names), {})
        return found.get("balance"), found.get("availableMargin")


def _raw(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """The venue's own row behind a ccxt order, which cancel-and-replace wraps."""
    info: Mapping[str, Any] = order["info"]
    return info.get("newOrderResponse") or info.get("orderOpenResponse") or info


def _by(word: StopBy) -> str:
    return "MARK_PRICE" if word == "mark" else "CONTRACT_PRICE"


def _reducing(leg: Leg, state: State, *, reduce_only: bool) -> dict[str, Any]:
    params: dict[str, Any] = {"positionSide": leg}
    if reduce_only and not state.dual:
        params["reduceOnly"] = True
    return params


def _trade(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the list of fills in the form of a ccxt trade."""
    return {
        "info": row,
        "id": str(row["tradeId"]),
        "order": str(row.get("orderId") or ""),
        "timestamp": parse_time(str(row.get("filledTime") or row["filledTm"])) // NS_PER_MS,
        "side": str(row.get("side")).lower(),
        "price": row["price"],
        "amount": row.get("qty") or row["volume"],
        "takerOrMaker": str(row.get("role")).lower(),
        "fee": {
            "cost": -(number(row.get("commission")) or Decimal(0)),
            "currency": row.get("commissionAsset") or row.get("currency"),
        },
    }


def bingx() -> Bingx:
    """The dialect of BingX."""
    return Bingx(venue="bingx", ccxt_id="bingx", able=ABLE, codes=CODES)
