"""Binance USDⓈ-M, and the demo exchange, which speaks the same: conditional orders are orders of their own kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from bearskin.live._dialects._base import (
    ENTRY_RECV_WINDOW_MS,
    RECV_WINDOW_MS,
    ZERO,
    Dialect,
    Forced,
    contracts,
    known,
    leg_word,
    number,
    on_tick,
    plain,
    positive,
)
from bearskin.live._dialects._words import Abilities, Call, Reason, State, Traded
from bearskin.terms import AddMargin, Amend, Cancel, Leg, OrderStatus, Place, PlaceStop

CODES: Final[Mapping[str, Reason]] = {
    "-1000": "lost",
    "-1001": "lost",
    "-1006": "lost",
    "-1007": "lost",
    "-1003": "rate-limit",
    "-1008": "rate-limit",  # the venue sheds load: it says that nothing was executed
    "-1015": "rate-limit",
    "-1021": "clock",
    "-5028": "clock",
    "-1002": "auth",
    "-1022": "auth",
    "-1099": "auth",
    "-2014": "auth",
    "-2015": "auth",
    "-2017": "auth",
    "-1111": "filter",
    "-1013": "filter",
    "-4003": "filter",
    "-4004": "filter",
    "-4005": "filter",
    "-4013": "filter",
    "-4014": "filter",
    "-4015": "filter",
    "-4016": "filter",
    "-4024": "filter",
    "-4131": "filter",
    "-4164": "filter",
    "-4183": "filter",
    "-4184": "filter",
    "-2011": "unknown-order",
    "-2013": "unknown-order",
    "-4116": "duplicate-id",
    "-2018": "margin",
    "-2019": "margin",
    "-2027": "margin",
    "-2028": "margin",
    "-4161": "margin",
    "-2021": "would-trigger",
    "-2022": "reduce-only",
    "-2024": "reduce-only",
    "-4118": "reduce-only",
    "-4509": "reduce-only",
    "-2023": "liquidation",
    "-5021": "would-take",
    "-5022": "would-take",
    "-4046": "no-change",
    "-4059": "no-change",
    "-5027": "no-change",
    "-1106": "mode",
    "-4047": "mode",
    "-4048": "mode",
    "-4061": "mode",
    "-4067": "mode",
    "-4068": "mode",
    "-4168": "mode",
}
ABLE: Final = Abilities(
    attached_stops=False,
    hedge_mode=True,
    stop_ids=True,
    amends=True,
    stream_fills=True,
    countdown=None,
    brackets="signed",
    demo="demo-trading",
    late_ms=RECV_WINDOW_MS,
    fills_page=500,
    refusals={
        "countdown": "the countdown cancel is not used: no document of Binance says that conditional orders survive it",
    },
)
_ALGO_STATUSES: Final[Mapping[str, OrderStatus]] = {
    "NEW": "open",
    "TRIGGERING": "triggered",
    "TRIGGERED": "triggered",
    "FINISHED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "REJECTED": "rejected",
}
_FORCED: Final[tuple[tuple[str, Forced], ...]] = (
    ("adl_autoclose", "adl"),
    ("settlement_autoclose", "settlement"),
    ("delivery_autoclose", "settlement"),
    ("autoclose-", "liquidation"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binance(Dialect):
    """Protective stops are conditional (algo) orders of their own, found and cancelled as such."""

    stops_apart: ClassVar[bool] = True

    def place_params(self, command: Place, market: Traded, state: State) -> dict[str, Any]:
        """An order; an attached stop is left out, since Binance has none."""
        window = RECV_WINDOW_MS if command.reduce_only else ENTRY_RECV_WINDOW_MS
        params: dict[str, Any] = {"clientOrderId": command.client_id, "recvWindow": window}
        if command.post_only:
            params["postOnly"] = True
        return params | self._reducing(command.leg, state, reduce_only=command.reduce_only)

    def stop_params(self, command: PlaceStop, market: Traded, state: State) -> dict[str, Any]:
        """A STOP_MARKET by quantity; never closePosition, never priceProtect."""
        params: dict[str, Any] = {
            "clientOrderId": command.client_id,
            "stopLossPrice": on_tick(market, command.trigger),
            "workingType": "MARK_PRICE" if command.by == "mark" else "CONTRACT_PRICE",
            "recvWindow": RECV_WINDOW_MS,
        }
        return params | self._reducing(command.leg, state, reduce_only=True)

    def _reducing(self, leg: Leg, state: State, *, reduce_only: bool) -> dict[str, Any]:
        """In hedge mode the side of the position says it, and reduceOnly is refused (-1106)."""
        if state.dual:
            return {"positionSide": leg}
        return {"reduceOnly": True} if reduce_only else {}

    def cancel(self, command: Cancel, market: Traded, state: State) -> Call:
        """By our id, which Binance keeps for both kinds of order; by its number what has none."""
        params: dict[str, Any] = {"recvWindow": RECV_WINDOW_MS}
        if not command.venue_id:
            params["clientOrderId"] = command.client_id
        if command.conditional:
            params["trigger"] = True
        return Call(method="cancel_order", args=(command.venue_id or command.client_id, market.unified), params=params)

    def amend(self, command: Amend, market: Traded, state: State) -> Call:
        """PUT order: price and whole quantity; the order loses its place in the queue."""
        order = known(command, state)
        side = "buy" if command.qty > 0 else "sell"
        amount, price = contracts(market, command.qty), on_tick(market, command.price)
        args = (order.venue_id, market.unified, "limit", side, amount, price)
        return Call(method="edit_order", args=args, params={"recvWindow": RECV_WINDOW_MS})

    def add_margin(self, command: AddMargin, market: Traded, state: State) -> Call:
        """Quote is truncated by ccxt to the step of the quantity, so the amount is said again in the parameters."""
        method = "add_margin" if command.amount > 0 else "reduce_margin"
        amount = abs(command.amount)
        params = {"amount": f"{amount:f}", **self.leg_of(command.leg, state)}
        return Call(method=method, args=(market.unified, plain(amount)), params=params)

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask_of(self, market: Traded, client_id: str, *, conditional: bool, state: State) -> tuple[Call, ...]:
        """One question by our id; a conditional order keeps its own answer after it has triggered."""
        params: dict[str, Any] = {"clientOrderId": client_id}
        if conditional:
            params["trigger"] = True
        return (Call(method="fetch_order", args=(client_id, market.unified), params=params, writes=False),)

    def limits_of(self) -> Call:
        """They stand beside the markets; ccxt does not keep them."""
        return Call(method="fapiPublicGetExchangeInfo", writes=False)

    def open_orders_of(self, market: Traded) -> tuple[Call, ...]:
        """Ordinary orders and conditional ones."""
        return tuple(
            Call(method="fetch_open_orders", args=(market.unified, None, None), params=params, writes=False)
            for params in ({}, {"trigger": True})
        )

    # --- answers ------------------------------------------------------------------------------------------------------

    def client_id_of(self, order: Mapping[str, Any]) -> str:
        """Ours; ccxt.pro prefers the field of cancelled orders, which Binance's futures do not send."""
        info = order["info"]
        return str(info.get("clientAlgoId") or info.get("caid") or info.get("c") or order.get("clientOrderId") or "")

    def status_of(self, order: Mapping[str, Any]) -> OrderStatus:
        """The venue's own words: ccxt calls a triggered order closed, whatever became of what it placed."""
        info = order["info"]
        if self.is_conditional(order):
            word = str(info.get("algoStatus") or info.get("X") or "")
            traded, whole = (
                number(info.get("aq") or info.get("actualQty")),
                number(info.get("q") or info.get("quantity")),
            )
            if word == "FINISHED" and traded is not None and whole is not None and traded < whole:
                return "expired"  # the order it became has ended with part of it untraded
            # the answer to a cancellation says no more than that it was taken
            return _ALGO_STATUSES.get(word, "canceled" if str(info.get("code")) == "200" else "open")
        return Dialect.status_of(self, order)

    def filled_of(self, order: Mapping[str, Any]) -> tuple[Decimal, Decimal | None]:
        """ccxt takes a triggered order for a filled one; what its order really traded stands in fields of its own."""
        info = order["info"]
        if not self.is_conditional(order):
            return Dialect.filled_of(self, order)
        count = number(info.get("aq") or info.get("actualQty"))
        return count or ZERO, positive(info.get("ap") or info.get("actualPrice"))

    def is_conditional(self, order: Mapping[str, Any]) -> bool:
        """Whether it is an algo order."""
        return "algoId" in order["info"] or "aid" in order["info"]

    def order_leg(self, order: Mapping[str, Any]) -> Leg:
        """REST says positionSide, the stream ps."""
        return leg_word(order["info"].get("positionSide") or order["info"].get("ps"))

    def child_of(self, order: Mapping[str, Any]) -> str:
        """The order it became, once triggered."""
        word = str(order["info"].get("actualOrderId") or order["info"].get("ai") or "")
        return "" if word == "0" else word

    def leverage_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """The third version of the endpoint leaves it out, but initial margin is notional over leverage.

        It is that of the position alone: the whole has that of resting orders in it, and would tell far too little.
        """
        told = Dialect.leverage_of(self, position)
        own = positive((position.get("info") or {}).get("positionInitialMargin"))
        notional, initial = number(position.get("notional")), own or positive(position.get("initialMargin"))
        if told is None and notional and initial:
            return positive(round(abs(notional) / initial))
        return told

    def margin_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """The isolated wallet; nothing of its own in cross."""
        return positive(position["info"].get("isolatedWallet"))

    def stop_of(self, position: Mapping[str, Any]) -> None:
        """Binance keeps no stop with a position."""

    def adl_of(self, position: Mapping[str, Any]) -> int | None:
        """0 (far) to 4 (next)."""
        rank = position["info"].get("adl")
        return None if rank is None else int(rank)

    def trade_client_id(self, trade: Mapping[str, Any]) -> str:
        """Told on the stream only."""
        return str(trade["info"].get("c") or "")

    def realised_of(self, trade: Mapping[str, Any]) -> Any:
        """REST says realizedPnl, the stream rp."""
        info = trade["info"]
        return number(info.get("realizedPnl", info.get("rp")))

    def forced(self, trade: Mapping[str, Any]) -> Forced:
        """By the client id the venue gives such orders."""
        word = str(trade["info"].get("c") or trade["info"].get("clientOrderId") or "")
        return next((why for start, why in _FORCED if word.startswith(start)), "")

    def wallet_fields(self, balance: Mapping[str, Any], asset: str) -> tuple[Any, Any]:
        """Wallet and free margin: ccxt's total counts open profit, the venue's walletBalance does not."""
        rows = balance["info"].get("assets") or []
        row: Mapping[str, Any] = next((row for row in rows if row.get("asset") == asset), {})
        return row.get("walletBalance"), row.get("availableBalance")


def binance() -> Binance:
    """The dialect of Binance USDⓈ-M."""
    return Binance(venue="binance", ccxt_id="binanceusdm", able=ABLE, codes=CODES)
