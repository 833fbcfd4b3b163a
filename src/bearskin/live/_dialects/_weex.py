"""WEEX linear swaps: quantities in coins whatever ccxt's contract size says, and every order names LONG or SHORT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from bearskin.live._dialects._base import Dialect, Unfit, known, leg_word, mode_word, number, on_tick, positive
from bearskin.live._dialects._words import Abilities, Call, Reason, State, Traded
from bearskin.terms import AddMargin, Amend, Cancel, Leg, OrderStatus, Place, PlaceStop, SetLeverage

CODES: Final[Mapping[str, Reason]] = {
    "-1000": "lost",
    "-1054": "lost",
    "-1040": "auth",
    "-1041": "auth",
    "-1042": "auth",
    "-1044": "auth",
    "-1047": "auth",
    "-1049": "auth",
    "-1050": "auth",
    "-1051": "auth",
    "-1052": "auth",
    "-1053": "auth",
    "-1055": "auth",
    "-1056": "auth",
    "-1057": "auth",
    "-1043": "clock",
    "-1046": "clock",
    "-1160": "filter",
    "-3007": "filter",
    "-2200": "unknown-order",
    "-3200": "unknown-order",
}
ABLE: Final = Abilities(
    attached_stops=True,
    hedge_mode=True,
    stop_ids=True,
    amends=False,
    stream_fills=True,
    countdown=None,
    brackets="none",
    demo="",
    late_ms=30_000,
    fills_page=100,
    refusals={
        "amend": "WEEX has no call that changes a resting order: cancel it and place a new one",
        "margin": "WEEX adds margin to a position by a number of its own, which is not kept here: add it at the venue",
        "brackets": "ccxt has no tiers of WEEX: give them with --brackets, or trade at 1x",
        "demo": "WEEX's demo environment takes no conditional orders and no cancellations, so no stop can rest there",
        "countdown": "WEEX has no countdown cancel",
    },
)
_STATUSES: Final[Mapping[str, OrderStatus]] = {
    "PARTIAL_FILL": "open",  # ccxt calls it closed
    "PARTIALLY_FILLED": "open",
    "PENDING": "open",
    "UNTRIGGERED": "open",
    "TRIGGERED": "triggered",
    "CANCELING": "open",
    "EXPIRED": "expired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weex(Dialect):
    """Longs and shorts are always told apart; an order against a position's side can only reduce it."""

    coin_amounts: ClassVar[bool] = True
    most_market_at: ClassVar[tuple[tuple[str, ...], ...]] = (("marketOpenLimitSize",),)

    def place_params(self, command: Place, market: Traded, state: State) -> dict[str, Any]:
        """An order, with its stop where it brings one."""
        leg = _side_of(command.leg, command.qty, reduces=command.reduce_only)
        params: dict[str, Any] = {"clientOrderId": command.client_id, "positionSide": leg}
        if command.post_only:
            params["timeInForce"] = "POST_ONLY"
        if command.attached_stop is not None:
            trigger = on_tick(market, command.attached_stop)
            params["stopLoss"] = {"triggerPrice": trigger, "triggerPriceType": command.stop_by}
        return params

    def stop_params(self, command: PlaceStop, market: Traded, state: State) -> dict[str, Any]:
        """A STOP_MARKET against the position's side."""
        return {
            "clientOrderId": command.client_id,
            "stopLossPrice": on_tick(market, command.trigger),
            "stopLossPriceType": command.by,
            "positionSide": _side_of(command.leg, command.qty, reduces=True),
        }

    def cancel(self, command: Cancel, market: Traded, state: State) -> Call:
        """By our id, but a conditional order only by the venue's number."""
        if command.conditional:
            number = command.venue_id or known(command, state).venue_id
            return Call(method="cancel_order", args=(number, market.unified), params={"trigger": True})
        if command.venue_id:
            return Call(method="cancel_order", args=(command.venue_id, market.unified))
        return Call(method="cancel_order", args=("", market.unified), params={"clientOrderId": command.client_id})

    def amend(self, command: Amend, market: Traded, state: State) -> Call:
        """Refused."""
        raise Unfit(self.able.refusals["amend"], "mode")

    def set_leverage(self, command: SetLeverage, market: Traded, state: State) -> tuple[Call, ...]:
        """For a margin mode; both sides of an isolated symbol at once."""
        params = {"marginMode": mode_word(command.margin_mode)}
        return (Call(method="set_leverage", args=(command.leverage, market.unified), params=params),)

    def add_margin(self, command: AddMargin, market: Traded, state: State) -> Call:
        """Refused."""
        raise Unfit(self.able.refusals["margin"], "mode")

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask_of(self, market: Traded, client_id: str, *, conditional: bool, state: State) -> tuple[Call, ...]:
        """By the venue's number where we know it; else through the lists: contracts cannot be asked by our id."""
        order = state.orders.get(client_id)
        trigger = {"trigger": True} if conditional else {}
        lists = (
            Call(method="fetch_open_orders", args=(market.unified, None, None), params=trigger, writes=False),
            Call(method="fetch_canceled_and_closed_orders", args=(market.unified, None, None), writes=False),
        )
        if conditional or order is None or not order.venue_id:
            return lists
        return (Call(method="fetch_order", args=(order.venue_id, market.unified), writes=False), *lists)

    def open_orders_of(self, market: Traded) -> tuple[Call, ...]:
        """Ordinary orders and conditional ones."""
        return tuple(
            Call(method="fetch_open_orders", args=(market.unified, None, None), params=params, writes=False)
            for params in ({}, {"trigger": True})
        )

    def dual_of(self, told: Any) -> bool:
        """Always; a separate position for every order is a mode in which nothing could be protected as a whole."""
        if told.get("hedged"):
            raise Unfit("WEEX keeps a position of its own for every order here: switch the symbol to merged positions")
        return True

    # --- answers ------------------------------------------------------------------------------------------------------

    def status_of(self, order: Mapping[str, Any]) -> OrderStatus:
        """The venue's own word where ccxt's says less."""
        word = str(order["info"].get("algoStatus") or order["info"].get("status") or "").upper()
        return _STATUSES.get(word) or Dialect.status_of(self, order)

    def is_conditional(self, order: Mapping[str, Any]) -> bool:
        """By its kind."""
        info = order["info"]
        kind = str(info.get("orderType") or info.get("type") or "").upper()
        return "algoId" in info or "STOP" in kind or "TAKE_PROFIT" in kind

    def child_of(self, order: Mapping[str, Any]) -> str:
        """The order it became, once triggered."""
        word = str(order["info"].get("actualOrderId") or "")
        return word if self.status_of(order) != "open" and word != "0" else ""

    def position_leg(self, position: Mapping[str, Any]) -> Leg:
        """Its side."""
        return leg_word(position.get("side"))

    def margin_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """Without open profit."""
        return positive(position.get("positionMargin"))

    def realised_of(self, trade: Mapping[str, Any]) -> Decimal | None:
        """Profit of the fill."""
        return number(trade["info"].get("realizedPnl"))


def _side_of(leg: Leg, qty: Decimal, *, reduces: bool) -> Leg:
    """The position side of an order; of what it opens or closes where none was named."""
    if leg != "BOTH":
        return leg
    return "LONG" if (qty > 0) != reduces else "SHORT"


def weex() -> Weex:
    """The dialect of WEEX."""
    return Weex(venue="weex", ccxt_id="weex", able=ABLE, codes=CODES)
