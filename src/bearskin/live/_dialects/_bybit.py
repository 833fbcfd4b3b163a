"""Bybit linear perpetuals (unified account): a conditional order keeps its number and our id when it triggers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from bearskin.live._dialects._base import (
    RECV_WINDOW_MS,
    Dialect,
    Forced,
    contracts,
    number,
    on_tick,
    positive,
)
from bearskin.live._dialects._words import Abilities, Call, Reason, State, Traded
from bearskin.terms import AddMargin, Amend, Cancel, Funded, Leg, OrderStatus, Place, PlaceStop, StopBy, dec

CODES: Final[Mapping[str, Reason]] = {
    "10000": "lost",
    "10016": "lost",
    "170007": "lost",
    "10002": "clock",
    "10003": "auth",
    "10004": "auth",
    "10005": "auth",
    "10007": "auth",
    "10009": "auth",
    "10010": "auth",
    "33004": "auth",
    "10006": "rate-limit",
    "10018": "rate-limit",
    "110001": "unknown-order",
    "110008": "unknown-order",
    "110010": "unknown-order",
    "110003": "filter",
    "110094": "filter",
    "110016": "margin",
    "110017": "reduce-only",
    "110034": "reduce-only",
    "110025": "no-change",
    "110026": "no-change",
    "110027": "no-change",
    "110043": "no-change",
    "34040": "no-change",
    "110024": "mode",
    "110028": "mode",
    "110029": "mode",
    "110030": "duplicate-id",
    "110072": "duplicate-id",
    "110092": "would-trigger",
    "110093": "would-trigger",
}
ABLE: Final = Abilities(
    attached_stops=True,
    hedge_mode=True,
    stop_ids=True,
    amends=True,
    stream_fills=True,
    countdown=None,
    brackets="unproved",
    demo="demo-trading",
    late_ms=RECV_WINDOW_MS,
    fills_page=100,
    refusals={
        "brackets": "Bybit's formula for linear contracts changed in 2026 and is not established: "
        "give its tiers with --brackets, or trade at 1x",
        "countdown": "the countdown cancel is not used: Bybit does not say that conditional orders survive it",
    },
)
_INDEX: Final[Mapping[Leg, int]] = {"BOTH": 0, "LONG": 1, "SHORT": 2}
_LEGS: Final[Mapping[str, Leg]] = {"1": "LONG", "2": "SHORT"}
_STATUSES: Final[Mapping[str, OrderStatus]] = {
    "Triggered": "triggered",
    "PartiallyFilledCanceled": "canceled",  # ccxt calls it closed
    "Deactivated": "canceled",
}
_EXECUTIONS: Final = ("Trade", "BustTrade", "AdlTrade", "Settle", "Delivery")
_FORCED: Final[Mapping[str, Forced]] = {
    "BustTrade": "liquidation",
    "AdlTrade": "adl",
    "Settle": "settlement",
    "Delivery": "settlement",
}
ROWS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Bybit(Dialect):
    """One endpoint for all orders; the stop of an entry rests with the position."""

    most_market_at: ClassVar[tuple[tuple[str, ...], ...]] = (("lotSizeFilter", "maxMktOrderQty"),)

    def place_params(self, command: Place, market: Traded, state: State) -> dict[str, Any]:
        """An order, with its stop for the whole position where it brings one."""
        params: dict[str, Any] = {"clientOrderId": command.client_id, "positionIdx": _INDEX[command.leg]}
        if command.reduce_only:
            params["reduceOnly"] = True
        if command.post_only:
            params["postOnly"] = True
        if command.attached_stop is not None:
            params |= {
                "stopLoss": {"triggerPrice": on_tick(market, command.attached_stop)},
                "slTriggerBy": _by(command.stop_by),
                "slOrderType": "Market",
                "tpslMode": "Full",
            }
        return params

    def stop_params(self, command: PlaceStop, market: Traded, state: State) -> dict[str, Any]:
        """A conditional market order; ccxt makes it reduce-only and works out the direction of its trigger."""
        return {
            "clientOrderId": command.client_id,
            "stopLossPrice": on_tick(market, command.trigger),
            "triggerBy": _by(command.by),
            "positionIdx": _INDEX[command.leg],
        }

    def cancel(self, command: Cancel, market: Traded, state: State) -> Call:
        """By our id; ccxt sends an id of its own argument whenever it is not None."""
        if command.venue_id:
            return Call(method="cancel_order", args=(command.venue_id, market.unified))
        return Call(method="cancel_order", args=(None, market.unified), params={"orderLinkId": command.client_id})

    def amend(self, command: Amend, market: Traded, state: State) -> Call:
        """By our id."""
        side = "buy" if command.qty > 0 else "sell"
        amount, price = contracts(market, command.qty), on_tick(market, command.price)
        args = ("", market.unified, "limit", side, amount, price)
        return Call(method="edit_order", args=args, params={"orderLinkId": command.client_id})

    def add_margin(self, command: AddMargin, market: Traded, state: State) -> Call:
        """ccxt has no unified call for it."""
        params = {
            "category": "linear",
            "symbol": market.symbol,
            "margin": f"{command.amount:f}",
            "positionIdx": _INDEX[command.leg],
        }
        return Call(method="private_post_v5_position_add_margin", params=params)

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask_of(self, market: Traded, client_id: str, *, conditional: bool, state: State) -> tuple[Call, ...]:
        """Open ones (and those lately done), then the history."""
        return tuple(
            Call(method=method, args=(market.unified, None, None), params={"orderLinkId": client_id}, writes=False)
            for method in ("fetch_open_orders", "fetch_canceled_and_closed_orders")
        )

    def open_orders_of(self, market: Traded) -> tuple[Call, ...]:
        """Both kinds come in one list."""
        return (Call(method="fetch_open_orders", args=(market.unified, None, ROWS), writes=False),)

    def positions_of(self, markets: Sequence[Traded]) -> Call:
        """ccxt takes one symbol or none: all that settle in the same coin."""
        settle = markets[0].settle if markets else "USDT"
        return Call(method="fetch_positions", args=(None,), params={"settleCoin": settle}, writes=False)

    def mode_of(self, market: Traded) -> Call:
        """Asked for by its symbol a flat position is told too, one for each side that is held apart."""
        return Call(method="fetch_positions", args=([market.unified],), writes=False)

    def dual_of(self, told: Any) -> bool:
        """Positions have an index per side in hedge mode."""
        return any(str(position["info"].get("positionIdx")) in _LEGS for position in told)

    def fills_of(self, market: Traded, since_ms: int | None, limit: int | None = None) -> tuple[Call, ...]:
        """One list per kind of execution: ccxt asks for ordinary trades unless told otherwise."""
        return tuple(
            Call(
                method="fetch_my_trades",
                args=(market.unified, since_ms, self.page(limit)),
                params={"execType": kind},
                writes=False,
            )
            for kind in _EXECUTIONS
        )

    # --- answers ------------------------------------------------------------------------------------------------------

    def status_of(self, order: Mapping[str, Any]) -> OrderStatus:
        """The venue's own word where ccxt's says less."""
        word = str(order["info"].get("orderStatus") or "")
        return _STATUSES.get(word) or Dialect.status_of(self, order)

    def is_conditional(self, order: Mapping[str, Any]) -> bool:
        """By its own trigger; stopLoss is that of an entry's attached stop."""
        return positive(order["info"].get("triggerPrice")) is not None

    def trigger_of(self, order: Mapping[str, Any]) -> Decimal | None:
        """Its own trigger."""
        return positive(order["info"].get("triggerPrice"))

    def order_leg(self, order: Mapping[str, Any]) -> Leg:
        """By the index of the position."""
        return _LEGS.get(str(order["info"].get("positionIdx")), "BOTH")

    def position_leg(self, position: Mapping[str, Any]) -> Leg:
        """By its index."""
        return self.order_leg(position)

    def margin_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """Without open profit."""
        return positive(position["info"].get("positionBalance"))

    def stop_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """The stop for the whole position."""
        return positive(position["info"].get("stopLoss"))

    def adl_of(self, position: Mapping[str, Any]) -> int | None:
        """0 (none) to 5 (next)."""
        rank = position["info"].get("adlRankIndicator")
        return None if rank in (None, "") else int(rank)

    def is_fill(self, trade: Mapping[str, Any]) -> bool:
        """Funding and transfers of positions are told as executions, too."""
        return str(trade["info"].get("execType") or "Trade") in _EXECUTIONS

    def trade_client_id(self, trade: Mapping[str, Any]) -> str:
        """Told with every execution."""
        return str(trade["info"].get("orderLinkId") or "")

    def realised_of(self, trade: Mapping[str, Any]) -> Decimal | None:
        """Profit of the execution."""
        return number(trade["info"].get("execPnl"))

    def funding_of(self, entry: Mapping[str, Any], market: Traded, *, wall_ns: int) -> Funded:
        """An execution's fee is positive when paid, funding too; ccxt hands the sign on as it is."""
        return Dialect.funding_of(self, {**entry, "amount": -dec(entry["amount"])}, market, wall_ns=wall_ns)

    def forced(self, trade: Mapping[str, Any]) -> Forced:
        """By the type of the execution."""
        return _FORCED.get(str(trade["info"].get("execType") or ""), "")


def _by(word: StopBy) -> str:
    return "MarkPrice" if word == "mark" else "LastPrice"


def bybit() -> Bybit:
    """The dialect of Bybit."""
    return Bybit(venue="bybit", ccxt_id="bybit", able=ABLE, codes=CODES)
