"""OKX linear swaps: amounts in contracts of less than a coin, and a conditional order that becomes another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from bearskin.live._dialects._base import (
    Dialect,
    Forced,
    attached_id,
    contracts,
    leg_word,
    mode_word,
    number,
    on_tick,
    positive,
)
from bearskin.live._dialects._words import Abilities, Call, Reason, State, Traded
from bearskin.terms import (
    AddMargin,
    Amend,
    Cancel,
    Leg,
    MarginMode,
    OrderStatus,
    Place,
    PlaceStop,
    SetLeverage,
    SetMarginMode,
)

CODES: Final[Mapping[str, Reason]] = {
    "50001": "maintenance",
    "50004": "lost",
    "50005": "lost",
    "50013": "lost",
    "50026": "lost",
    "51149": "lost",
    "51410": "lost",  # the cancellation is on its way
    "50011": "rate-limit",
    "50061": "rate-limit",
    "50102": "clock",
    "50103": "auth",
    "50104": "auth",
    "50105": "auth",
    "50110": "auth",
    "50111": "auth",
    "50113": "auth",
    "50114": "auth",
    "50119": "auth",
    "51010": "mode",
    "51000": "mode",
    "51011": "duplicate-id",
    "51016": "duplicate-id",
    "51065": "duplicate-id",
    "51006": "filter",
    "51020": "filter",
    "51121": "filter",
    "51004": "margin",
    "51008": "margin",
    "51127": "margin",
    "51131": "margin",
    "51023": "reduce-only",
    "51112": "reduce-only",
    "51169": "reduce-only",
    "51205": "reduce-only",
    "51046": "would-trigger",
    "51047": "would-trigger",
    "51277": "would-trigger",
    "51278": "would-trigger",
    "51279": "would-trigger",
    "51280": "would-trigger",
    "50017": "liquidation",
    "50020": "liquidation",
    "51400": "unknown-order",
    "51401": "unknown-order",
    "51402": "unknown-order",
    "51503": "unknown-order",
    "51509": "unknown-order",
    "51603": "unknown-order",
}
ABLE: Final = Abilities(
    attached_stops=True,
    hedge_mode=True,
    stop_ids=True,
    amends=True,
    stream_fills=True,
    countdown=None,
    brackets="contracts",
    demo="sandbox",
    late_ms=30_000,
    fills_page=100,
    refusals={
        "brackets": "OKX states its tiers in contracts, which are no notional until a price is chosen: "
        "give them with --brackets, or trade at 1x",
        "countdown": "the countdown cancel is not used: OKX does not say that conditional orders survive it",
    },
)
_ALGO_TYPES: Final = ("conditional", "oco", "trigger", "move_order_stop")
_STATUSES: Final[Mapping[str, OrderStatus]] = {
    "effective": "triggered",
    "partially_effective": "triggered",
    "order_failed": "rejected",
    "pause": "open",
}
# what a bill's sub-type says of the order behind a fill
_FORCED: Final[Mapping[str, Forced]] = {
    **dict.fromkeys(("100", "101", "102", "103", "104", "105", "106", "107"), "liquidation"),
    **dict.fromkeys(("125", "126", "127", "128"), "adl"),
    **dict.fromkeys(("112", "113"), "settlement"),
    "full_liquidation": "liquidation",
    "partial_liquidation": "liquidation",
    "adl": "adl",
    "delivery": "settlement",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Okx(Dialect):
    """The margin mode is said with every order."""

    most_market_at: ClassVar[tuple[tuple[str, ...], ...]] = (("maxMktSz",), ("maxStopSz",), ("maxTriggerSz",))

    def place_params(self, command: Place, market: Traded, state: State) -> dict[str, Any]:
        """An order; its attached stop carries an id of ours, too."""
        params = {"clientOrderId": command.client_id, **self._sides(command.leg, state, command.reduce_only)}
        if command.post_only:
            params["postOnly"] = True
        if command.attached_stop is not None:
            params["attachAlgoOrds"] = [
                {
                    "attachAlgoClOrdId": attached_id(command.client_id),
                    "slTriggerPx": f"{on_tick(market, command.attached_stop):.15g}",
                    "slOrdPx": "-1",
                    "slTriggerPxType": command.stop_by,
                }
            ]
        return params

    def stop_params(self, command: PlaceStop, market: Traded, state: State) -> dict[str, Any]:
        """A conditional order at market (ccxt writes slOrdPx -1)."""
        return {
            "clientOrderId": command.client_id,  # without it ccxt sends one of its own beside ours
            "algoClOrdId": command.client_id,
            "stopLossPrice": on_tick(market, command.trigger),
            "slTriggerPxType": command.by,
            **self._sides(command.leg, state, True),
        }

    def _sides(self, leg: Leg, state: State, reduce_only: bool) -> dict[str, Any]:
        params: dict[str, Any] = {"tdMode": mode_word(state.margin_mode)}
        if state.dual:
            params["positionSide"] = leg.lower()
        elif reduce_only:
            params["reduceOnly"] = True
        return params

    def cancel(self, command: Cancel, market: Traded, state: State) -> Call:
        """By our id, which the two kinds of order keep under different names; by OKX's number what has none."""
        if command.venue_id:
            kind = {"trigger": True} if command.conditional else {}
            return Call(method="cancel_order", args=(command.venue_id, market.unified), params=kind)
        params = (
            {"clientOrderId": command.client_id, "trigger": True}
            if command.conditional
            else {"clOrdId": command.client_id}
        )
        return Call(method="cancel_order", args=("", market.unified), params=params)

    def amend(self, command: Amend, market: Traded, state: State) -> Call:
        """By our id; the quantity is the whole one, with what is filled."""
        side = "buy" if command.qty > 0 else "sell"
        amount, price = contracts(market, command.qty), on_tick(market, command.price)
        args = ("", market.unified, "limit", side, amount, price)
        return Call(method="edit_order", args=args, params={"clOrdId": command.client_id})

    def set_leverage(self, command: SetLeverage, market: Traded, state: State) -> tuple[Call, ...]:
        """For a margin mode, and in isolated hedge mode for each side."""
        return tuple(
            Call(
                method="set_leverage",
                args=(command.leverage, market.unified),
                params={"mgnMode": mode_word(command.margin_mode), **side},
            )
            for side in self._mode_sides(command.margin_mode, state)
        )

    def set_margin_mode(self, command: SetMarginMode, market: Traded, state: State) -> tuple[Call, ...]:
        """There is no such switch: the mode rides on each order, and leverage belongs to a mode."""
        return tuple(
            Call(
                method="set_margin_mode",
                args=(mode_word(command.margin_mode), market.unified),
                params={"lever": command.leverage, **side},
            )
            for side in self._mode_sides(command.margin_mode, state)
        )

    def _mode_sides(self, mode: MarginMode, state: State) -> list[dict[str, Any]]:
        if mode == MarginMode.CROSS:
            return [{}]
        return [{"posSide": side} for side in (("long", "short") if state.dual else ("net",))]

    def add_margin(self, command: AddMargin, market: Traded, state: State) -> Call:
        """The venue's own call: ccxt's unified one trips over the answer to what it has sent."""
        params = {
            "instId": market.symbol,
            "amt": f"{abs(command.amount):f}",
            "type": "add" if command.amount > 0 else "reduce",
            "posSide": command.leg.lower() if state.dual else "net",
        }
        return Call(method="private_post_account_position_margin_balance", params=params)

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask_of(self, market: Traded, client_id: str, *, conditional: bool, state: State) -> tuple[Call, ...]:
        """One question by our id."""
        params: dict[str, Any] = {"clientOrderId": client_id}
        if conditional:
            params["trigger"] = True
        return (Call(method="fetch_order", args=("", market.unified), params=params, writes=False),)

    def open_orders_of(self, market: Traded) -> tuple[Call, ...]:
        """Ordinary orders and conditional ones."""
        return tuple(
            Call(method="fetch_open_orders", args=(market.unified, None, None), params=params, writes=False)
            for params in ({}, {"trigger": True, "ordType": "conditional"})
        )

    def order_streams(self) -> tuple[Call, ...]:
        """Conditional orders have a channel of their own."""
        return tuple(
            Call(method="watch_orders", args=(None, None, None), params=params, writes=False)
            for params in ({"type": "swap"}, {"type": "swap", "trigger": True})
        )

    # --- answers ------------------------------------------------------------------------------------------------------

    def client_id_of(self, order: Mapping[str, Any]) -> str:
        """Ours; an order that a stop of ours became has the stop's."""
        info = order["info"]
        return str(info.get("algoClOrdId") or info.get("clOrdId") or order.get("clientOrderId") or "")

    def venue_id_of(self, order: Mapping[str, Any]) -> str:
        """ccxt shows the number of the stop for the order that it became."""
        info = order["info"]
        return str((info.get("algoId") if self.is_conditional(order) else info.get("ordId")) or order.get("id") or "")

    def status_of(self, order: Mapping[str, Any]) -> OrderStatus:
        """The venue's own word where ccxt's says less."""
        return _STATUSES.get(str(order["info"].get("state") or "")) or Dialect.status_of(self, order)

    def filled_of(self, order: Mapping[str, Any]) -> tuple[Decimal, Decimal | None]:
        """ccxt takes a triggered order for a filled one; what its order is to trade stands in fields of its own."""
        if not self.is_conditional(order):
            return Dialect.filled_of(self, order)
        # the venue tells what was placed, not what was traded: that is for the order that it became
        return Decimal(0), None

    def is_conditional(self, order: Mapping[str, Any]) -> bool:
        """Whether it is an algo order; answers to commands say only which number they have."""
        info = order["info"]
        kind = info.get("ordType")
        return kind in _ALGO_TYPES if kind else bool(info.get("algoId")) and not info.get("ordId")

    def trigger_of(self, order: Mapping[str, Any]) -> Decimal | None:
        """Of the stop."""
        return positive(order["info"].get("slTriggerPx")) or positive(order["info"].get("triggerPx"))

    def child_of(self, order: Mapping[str, Any]) -> str:
        """The order it became, once triggered."""
        info = order["info"]
        numbers = info.get("ordIdList") or [info.get("ordId")]
        return str(numbers[0] or "") if self.is_conditional(order) else ""

    def order_leg(self, order: Mapping[str, Any]) -> Leg:
        """net is both."""
        return leg_word(order["info"].get("posSide"))

    def position_leg(self, position: Mapping[str, Any]) -> Leg:
        """net is both."""
        return leg_word(position["info"].get("posSide"))

    def margin_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """Of an isolated position, without open profit."""
        return positive(position["info"].get("margin"))

    def stop_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """A stop that closes the whole position."""
        closing = position["info"].get("closeOrderAlgo") or []
        stops = [figure for row in closing if (figure := positive(row.get("slTriggerPx"))) is not None]
        return stops[0] if stops else None

    def adl_of(self, position: Mapping[str, Any]) -> int | None:
        """0 to 5 lights."""
        rank = position["info"].get("adl")
        return None if rank in (None, "") else int(rank)

    def trade_order(self, trade: Mapping[str, Any]) -> str:
        """The order's own number."""
        return str(trade["info"].get("ordId") or trade.get("order") or "")

    def trade_client_id(self, trade: Mapping[str, Any]) -> str:
        """As for orders."""
        info = trade["info"]
        return str(info.get("algoClOrdId") or info.get("clOrdId") or "")

    def fee_of(self, trade: Mapping[str, Any], market: Traded) -> tuple[Decimal, str]:
        """OKX writes what was paid as negative; ccxt turns it round for the question but not for the stream."""
        info = trade["info"]
        cost = number(info.get("fillFee") if "fillFee" in info else info.get("fee"))
        asset = str(info.get("fillFeeCcy") or info.get("feeCcy") or market.settle)
        return -cost if cost else Decimal(0), asset

    def realised_of(self, trade: Mapping[str, Any]) -> Decimal | None:
        """Profit of the fill."""
        return number(trade["info"].get("fillPnl"))

    def forced(self, trade: Mapping[str, Any]) -> Forced:
        """By the order's category (stream) or the bill's sub-type (question)."""
        info = trade["info"]
        return _FORCED.get(str(info.get("category") or "")) or _FORCED.get(str(info.get("subType") or ""), "")

    def wallet_fields(self, balance: Mapping[str, Any], asset: str) -> tuple[Any, Any]:
        """ccxt's total is equity, with open profit."""
        accounts = balance["info"].get("data") or [{}]
        row: Mapping[str, Any] = next((row for row in accounts[0].get("details") or [] if row.get("ccy") == asset), {})
        equity = number(row.get("eq"))
        if equity is None:
            return row.get("cashBal"), row.get("availBal")
        return equity - (number(row.get("upl")) or 0), row.get("availEq") or row.get("availBal")


def okx() -> Okx:
    """The dialect of OKX."""
    return Okx(venue="okx", ccxt_id="okx", able=ABLE, codes=CODES)
