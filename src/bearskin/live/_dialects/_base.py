"""What the dialects share: exact contracts, ccxt's unified calls, and its structures in our words.

A venue's own file overrides what its orders, stops and answers do differently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from bearskin.live._dialects._answers import LOCAL, answer_of
from bearskin.live._dialects._words import Abilities, Answer, Call, State, Traded
from bearskin.terms import (
    AddMargin,
    Amend,
    AnyCommand,
    BalanceNow,
    Cancel,
    Filled,
    Funded,
    Leg,
    MarginMode,
    OrderNow,
    OrderStatus,
    Place,
    PlaceStop,
    PositionNow,
    SetLeverage,
    SetMarginMode,
    VenueRejected,
    client_id,
    dec,
    our_id,
)

NS_PER_MS = 1_000_000
ZERO = Decimal(0)
RECV_WINDOW_MS = 5_000
ENTRY_RECV_WINDOW_MS = 2_000
_STATUSES: Mapping[str, OrderStatus] = {
    "open": "open",
    "closed": "filled",
    "canceled": "canceled",
    "canceling": "open",
    "expired": "expired",
    "rejected": "rejected",
}
# what order_now reads, for answers that are a number and nothing else
_SILENT: Mapping[str, Any] = {"info": {}}
Forced = Literal["", "liquidation", "adl", "settlement"]


class Unfit(VenueRejected):
    """A command that this venue cannot carry out as it stands; becomes a rejected `Answer`, nothing was sent."""

    def __init__(self, message: str, reason: Any = "filter") -> None:
        super().__init__(message)
        self.answer = Answer(outcome="rejected", code=LOCAL, reason=reason, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one venue is spoken to through ccxt. Pure: it makes calls and reads answers, and sends nothing.

    `venue` is our name for it, `ccxt_id` ccxt's class. Quantities are coins with the side as sign; ccxt counts
    contracts.
    """

    venue: str
    ccxt_id: str
    able: Abilities
    codes: Mapping[str, Any] = field(default_factory=dict)
    # whether conditional orders are numbered apart: theirs may then be the number of somebody's ordinary order, too
    stops_apart: ClassVar[bool] = False
    coin_amounts: ClassVar[bool] = False  # whether this venue's orders count coins whatever ccxt's contract size says
    # where in its own words a venue tells the most of one market or stop order, which ccxt leaves out
    most_market_at: ClassVar[tuple[tuple[str, ...], ...]] = ()

    # --- markets ------------------------------------------------------------------------------------------------------

    def traded(self, market: Mapping[str, Any]) -> Traded:
        """A linear perpetual of `exchange.markets` as its orders count it; Unfit (a VenueRejected) for others."""
        if not (market.get("swap") and market.get("linear")):
            raise Unfit(f"{self.venue}: {market.get('symbol')} is no linear perpetual", "filter")
        amount = market["limits"].get("amount") or {}
        cost = market["limits"].get("cost") or {}
        return Traded(
            unified=market["symbol"],
            symbol=own_name(market),
            settle=str(market["settle"]),
            contract_size=Decimal(1) if self.coin_amounts else dec(market["contractSize"] or 1),
            step=dec(market["precision"]["amount"]),
            tick=dec(market["precision"]["price"]),
            least=dec(amount.get("min") or 0),
            most=number(amount.get("max")),
            most_market=self._most_market(market),
            min_notional=number(cost.get("min")),
        )

    def _most_market(self, market: Mapping[str, Any]) -> Decimal | None:
        told = [positive((market["limits"].get("market") or {}).get("max"))]
        for path in self.most_market_at:
            value: Any = market["info"]
            for name in path:
                value = (value or {}).get(name)
            told.append(positive(value))
        return min((most for most in told if most is not None), default=None)

    # --- commands -----------------------------------------------------------------------------------------------------

    def requests_of(self, command: AnyCommand, market: Traded, state: State) -> tuple[Call, ...] | Answer:
        """The calls that carry a command out, in order, or the rejection of what does not fit; nothing is rounded.

        Orders are always one call. A command whose calls all succeed is accepted.
        """
        refused = self.able.refusals.get("live")
        if refused:
            return Answer(outcome="rejected", code=LOCAL, reason="mode", message=refused)
        try:
            return self._requests(command, market, state)
        except Unfit as unfit:
            return unfit.answer

    def _requests(self, command: AnyCommand, market: Traded, state: State) -> tuple[Call, ...]:
        match command:
            case Place():
                check_leg(command.leg, dual=state.dual, able=self.able.hedge_mode)
                return (self.place(command, market, state),)
            case PlaceStop():
                check_leg(command.leg, dual=state.dual, able=self.able.hedge_mode)
                return (self.place_stop(command, market, state),)
            case Cancel():
                return (self.cancel(command, market, state),)
            case Amend():
                return (self.amend(command, market, state),)
            case SetLeverage():
                return self.set_leverage(command, market, state)
            case SetMarginMode():
                return self.set_margin_mode(command, market, state)
            case AddMargin():
                return (self.add_margin(command, market, state),)

    def place(self, command: Place, market: Traded, state: State) -> Call:
        """A market or limit order."""
        return create(market, command.qty, price=command.price, params=self.place_params(command, market, state))

    def place_stop(self, command: PlaceStop, market: Traded, state: State) -> Call:
        """A conditional market order that only reduces."""
        return create(market, command.qty, price=None, params=self.stop_params(command, market, state))

    def place_params(self, command: Place, market: Traded, state: State) -> dict[str, Any]:
        """ccxt's parameters of an order."""
        raise NotImplementedError

    def stop_params(self, command: PlaceStop, market: Traded, state: State) -> dict[str, Any]:
        """ccxt's parameters of a protective stop."""
        raise NotImplementedError

    def cancel(self, command: Cancel, market: Traded, state: State) -> Call:
        """Cancel by our id."""
        raise NotImplementedError

    def amend(self, command: Amend, market: Traded, state: State) -> Call:
        """Change a resting limit order."""
        raise NotImplementedError

    def set_leverage(self, command: SetLeverage, market: Traded, state: State) -> tuple[Call, ...]:
        """The leverage of a symbol."""
        return (Call(method="set_leverage", args=(command.leverage, market.unified)),)

    def set_margin_mode(self, command: SetMarginMode, market: Traded, state: State) -> tuple[Call, ...]:
        """Isolated or cross."""
        return (Call(method="set_margin_mode", args=(mode_word(command.margin_mode), market.unified)),)

    def add_margin(self, command: AddMargin, market: Traded, state: State) -> Call:
        """Add margin to an isolated position, or take some out."""
        method = "add_margin" if command.amount > 0 else "reduce_margin"
        return Call(
            method=method, args=(market.unified, plain(abs(command.amount))), params=self.leg_of(command.leg, state)
        )

    def leg_of(self, leg: Leg, state: State) -> dict[str, Any]:
        """The parameters that name a position side; none in one-way mode."""
        return {"positionSide": leg} if state.dual else {}

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask_of(self, market: Traded, client_id: str, *, conditional: bool, state: State) -> tuple[Call, ...]:
        """Where an order of ours is to be looked for, best first.

        Each answers with an order, or a list to look through by client id, or raises ccxt's OrderNotFound; the next is
        asked where one does not know it.
        """
        raise NotImplementedError

    def open_orders_of(self, market: Traded) -> tuple[Call, ...]:
        """All open orders of a symbol: ordinary and conditional, one list each."""
        raise NotImplementedError

    def positions_of(self, markets: Sequence[Traded]) -> Call:
        """The open positions, a list."""
        return Call(method="fetch_positions", args=([market.unified for market in markets],), writes=False)

    def mode_of(self, market: Traded) -> Call:
        """The question whether the account holds longs and shorts apart."""
        return Call(method="fetch_position_mode", args=(market.unified,), writes=False)

    def dual_of(self, told: Any) -> bool:
        """The answer to it; Unfit (a VenueRejected) for a mode in which we do not trade."""
        return bool(told.get("hedged"))

    def limits_of(self) -> Call | None:
        """The question for how many orders the venue takes; None where no answer tells."""
        return None

    def limits_in(self, told: Any) -> Sequence[Mapping[str, Any]]:
        """The limits in the answer to it, as Binance writes them."""
        return list(told.get("rateLimits") or ())

    def balance_of(self) -> Call:
        """The balance in ccxt's form."""
        return Call(method="fetch_balance", writes=False)

    def fills_of(self, market: Traded, since_ms: int | None, limit: int | None = None) -> tuple[Call, ...]:
        """Our fills in a symbol since a time, forced ones too; the lists together are all of them.

        What comes back goes through `trades_in`. `limit` is cut to the venue's page.
        """
        return (Call(method="fetch_my_trades", args=(market.unified, since_ms, self.page(limit)), writes=False),)

    def page(self, limit: int | None) -> int:
        """Rows to ask for at a time."""
        return min(limit or self.able.fills_page, self.able.fills_page)

    def order_streams(self) -> tuple[Call, ...]:
        """The streams of ccxt.pro that together tell all orders, conditional ones too."""
        return (Call(method="watch_orders", args=(None, None, None), writes=False),)

    def fundings_of(self, market: Traded, since_ms: int | None, limit: int | None = None) -> Call:
        """Funding received and paid in a symbol since a time."""
        return Call(method="fetch_funding_history", args=(market.unified, since_ms, limit), writes=False)

    # --- answers ------------------------------------------------------------------------------------------------------

    def answer_of(self, error: BaseException) -> Answer:
        """What an error means for the command that ran into it."""
        return answer_of(error, self.codes)

    def order_now(self, order: Mapping[str, Any], market: Traded) -> OrderNow:
        """A ccxt order in our words."""
        sign = -1 if order.get("side") == "sell" else 1
        count, average = self.filled_of(order)
        filled = sign * market.coins(count)
        price = positive(order.get("price"))
        conditional = self.is_conditional(order)
        trigger = self.trigger_of(order) if conditional else None
        leg = self.order_leg(order)
        return OrderNow(
            symbol=market.symbol,
            client_id=self.client_id_of(order),
            venue_id=self.venue_id_of(order),
            status=self.status_of(order),
            qty=sign * market.coins(number(order.get("amount")) or ZERO),
            filled=filled,
            average=average if filled else None,
            price=None if order.get("type") == "market" or conditional else price,
            trigger=trigger,
            conditional=conditional,
            # in hedge mode an order against its position's side can only reduce, whether it says so or not
            reduce_only=bool(order.get("reduceOnly")) or leg == ("SHORT" if sign > 0 else "LONG"),
            leg=leg,
            child_id=self.child_of(order),
        )

    def order_after(
        self, command: Place | PlaceStop | Cancel | Amend, told: Mapping[str, Any], market: Traded, state: State
    ) -> OrderNow:
        """The order that an accepted command leaves, from what the venue answered and, where it is silent, from what
        was asked: many answers are a number and nothing else. `venue_id` may be empty.
        """
        now = self.order_now({**_SILENT, **told}, market)
        before = state.orders.get(command.client_id)
        match command:
            case Place() | PlaceStop():
                asked = OrderNow(
                    symbol=market.symbol,
                    client_id=command.client_id,
                    venue_id=now.venue_id,
                    status="open",
                    qty=command.qty,
                    price=command.price if isinstance(command, Place) else None,
                    trigger=command.trigger if isinstance(command, PlaceStop) else None,
                    conditional=isinstance(command, PlaceStop),
                    reduce_only=isinstance(command, PlaceStop) or command.reduce_only,
                    leg=command.leg,
                )
                # an order's own figures are believed only where the answer is a whole order
                return now if now.qty == command.qty and told.get("status") else asked
            case Cancel():
                known_now = before if before is not None and now.qty == ZERO else now
                return replace(known_now, client_id=command.client_id, status="canceled")
            case Amend():
                if now.qty == command.qty and told.get("status"):
                    return now
                base = before if before is not None else replace(now, client_id=command.client_id)
                return replace(base, qty=command.qty, price=command.price, status="open")

    def client_id_of(self, order: Mapping[str, Any]) -> str:
        """Our id on an order."""
        return str(order.get("clientOrderId") or "")

    def status_of(self, order: Mapping[str, Any]) -> OrderStatus:
        """An order's status; a word we do not know counts as open, which asks again rather than forgets."""
        return _STATUSES.get(str(order.get("status")), "open")

    def filled_of(self, order: Mapping[str, Any]) -> tuple[Decimal, Decimal | None]:
        """Contracts filled, and the average price of them."""
        return number(order.get("filled")) or ZERO, positive(order.get("average"))

    def venue_id_of(self, order: Mapping[str, Any]) -> str:
        """The venue's number of an order."""
        return str(order.get("id") or "")

    def is_conditional(self, order: Mapping[str, Any]) -> bool:
        """Whether an order waits, or has waited, for a trigger of its own (an attached stop is none of the order's)."""
        return positive(order.get("triggerPrice")) is not None

    def trigger_of(self, order: Mapping[str, Any]) -> Decimal | None:
        """The trigger of a conditional order."""
        return positive(order.get("triggerPrice")) or positive(order.get("stopLossPrice"))

    def order_leg(self, order: Mapping[str, Any]) -> Leg:
        """The position side of an order."""
        return leg_word(order["info"].get("positionSide"))

    def child_of(self, order: Mapping[str, Any]) -> str:
        """The venue's number of the order that a conditional order became."""
        return ""

    def position_now(self, position: Mapping[str, Any], market: Traded) -> PositionNow | None:
        """A ccxt position in our words; None where nothing is open."""
        size = market.coins(abs(number(position.get("contracts")) or ZERO))
        if not size:
            return None
        sign = -1 if position.get("side") == "short" else 1
        mode = str(position.get("marginMode") or "")
        return PositionNow(
            symbol=market.symbol,
            qty=sign * size,
            entry=number(position.get("entryPrice")) or ZERO,
            leg=self.position_leg(position),
            mark=positive(position.get("markPrice")),
            margin_mode=MarginMode(mode) if mode in tuple(MarginMode) else None,
            leverage=self.leverage_of(position),
            margin=self.margin_of(position),
            unrealised=number(position.get("unrealizedPnl")),
            liquidation_price=positive(position.get("liquidationPrice")),
            stop=self.stop_of(position),
            adl_quantile=self.adl_of(position),
        )

    def position_leg(self, position: Mapping[str, Any]) -> Leg:
        """The position side of a position."""
        return leg_word(position["info"].get("positionSide"))

    def leverage_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """The leverage of a position, where it is told."""
        return positive(position.get("leverage"))

    def margin_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """The margin a position stands on, without its open profit where the venue tells them apart."""
        return positive(position.get("collateral"))

    def stop_of(self, position: Mapping[str, Any]) -> Decimal | None:
        """The stop that the venue keeps with a position."""
        return positive(position.get("stopLossPrice"))

    def adl_of(self, position: Mapping[str, Any]) -> int | None:
        """The place in the queue of deleveraging, where the venue shows it."""
        return None

    def fill_of(
        self, trade: Mapping[str, Any], market: Traded, *, wall_ns: int, client_ids: Mapping[str, str] | None = None
    ) -> Filled | None:
        """A ccxt trade of ours, None for what is none (funding told as a trade).

        `client_ids` are ours by the venue's order number, where the trade does not tell them.
        """
        if not self.is_fill(trade):
            return None
        venue_id = self.trade_order(trade)
        sign = -1 if trade.get("side") == "sell" else 1
        cost, asset = self.fee_of(trade, market)
        return Filled(
            time_ns=int(trade["timestamp"]) * NS_PER_MS,
            wall_ns=wall_ns,
            symbol=market.symbol,
            client_id=self.trade_client_id(trade) or (client_ids or {}).get(venue_id, ""),
            venue_id=venue_id,
            trade_id=str(trade["id"]),
            qty=sign * market.coins(abs(dec(trade["amount"]))),
            price=self.price_of(trade),
            fee=cost,
            fee_asset=asset,
            realised=self.realised_of(trade),
            maker=trade.get("takerOrMaker") == "maker",
            leg=self.order_leg(trade),
            why=self.forced(trade),
        )

    def trades_in(self, told: Any) -> list[Mapping[str, Any]]:
        """The ccxt trades in the answer to one of `fills_of`."""
        return list(told)

    def trade_order(self, trade: Mapping[str, Any]) -> str:
        """The venue's number of the order that a fill belongs to."""
        return str(trade.get("order") or "")

    def is_fill(self, trade: Mapping[str, Any]) -> bool:
        """Whether a row of the venue's trades is a fill."""
        return True

    def price_of(self, trade: Mapping[str, Any]) -> Decimal:
        """The price of a fill, by its value where the venue tells that instead."""
        price = number(trade.get("price"))
        return price if price is not None else dec(trade["cost"]) / dec(trade["amount"])

    def fee_of(self, trade: Mapping[str, Any], market: Traded) -> tuple[Decimal, str]:
        """What a fill cost (positive: paid) and in what."""
        fee = trade.get("fee") or {}
        return number(fee.get("cost")) or ZERO, str(fee.get("currency") or market.settle)

    def trade_client_id(self, trade: Mapping[str, Any]) -> str:
        """Our id on a fill, where the venue tells it."""
        return ""

    def realised_of(self, trade: Mapping[str, Any]) -> Decimal | None:
        """Profit a fill realised, before its fee, where the venue tells it."""
        return None

    def forced(self, trade: Mapping[str, Any]) -> Forced:
        """Why the venue itself closed, empty for an order of the account."""
        return ""

    def funding_of(self, entry: Mapping[str, Any], market: Traded, *, wall_ns: int) -> Funded:
        """A settlement of funding: positive when received."""
        return Funded(
            time_ns=int(entry["timestamp"]) * NS_PER_MS,
            wall_ns=wall_ns,
            symbol=market.symbol,
            amount=dec(entry["amount"]),
            asset=str(entry.get("code") or market.settle),
        )

    def balance_now(self, balance: Mapping[str, Any], asset: str, *, time_ns: int, wall_ns: int) -> BalanceNow:
        """The wallet in one asset, without open profit."""
        wallet, available = self.wallet_fields(balance, asset)
        return BalanceNow(
            time_ns=time_ns, wall_ns=wall_ns, asset=asset, wallet=number(wallet) or ZERO, available=number(available)
        )

    def wallet_fields(self, balance: Mapping[str, Any], asset: str) -> tuple[Any, Any]:
        """Wallet without open profit and free margin, as the venue prints them."""
        row = balance.get(asset) or {}
        return row.get("total"), row.get("free")


# --- small parts shared by the dialects -------------------------------------------------------------------------------


def own_name(market: Mapping[str, Any]) -> str:
    """Our name of a ccxt market: the venue's own, in letters a file name may have."""
    own = str(market["id"])
    return re.sub(r"[^A-Za-z0-9._-]+", "-", own).strip("-.") if re.search(r"[A-Za-z]", own) else str(market["base"])


def create(market: Traded, qty: Decimal, *, price: Decimal | None, params: Mapping[str, Any]) -> Call:
    """ccxt's create_order for a signed quantity of coins; refuses (Unfit) what is off the step or the tick."""
    kind, side = ("market" if price is None else "limit"), ("buy" if qty > 0 else "sell")
    amount = contracts(market, qty, at_market=price is None)
    shown = None if price is None else on_tick(market, price)
    return Call(method="create_order", args=(market.unified, kind, side, amount, shown), params=params)


def contracts(market: Traded, qty: Decimal, *, at_market: bool = False) -> float:
    """|qty| of coins as a number of contracts that ccxt hands on digit by digit."""
    count = abs(qty) / market.contract_size
    if not count or count % market.step:
        raise Unfit(
            f"{market.symbol}: {abs(qty)} coins are {count.normalize():f} contracts of {market.contract_size}, "
            f"which is not a multiple of {market.step}"
        )
    if count < market.least:
        raise Unfit(f"{market.symbol}: {count.normalize():f} contracts are fewer than {market.least}, the least")
    most = market.most_market if at_market and market.most_market is not None else market.most
    if most is not None and count > most:
        raise Unfit(f"{market.symbol}: {count.normalize():f} contracts are more than {most}, the most of one order")
    return plain(count)


def on_tick(market: Traded, price: Decimal) -> float:
    """A price that ccxt hands on digit by digit."""
    if price <= 0 or price % market.tick:
        raise Unfit(f"{market.symbol}: price {price} is not a positive multiple of {market.tick}")
    return plain(price)


def plain(value: Decimal) -> float:
    """The float that prints as `value`; Unfit where a float cannot hold it."""
    shown = float(value)
    if dec(shown) != value:
        raise Unfit(f"{value} has more digits than an order can carry")
    return shown


def attached_id(entry: str) -> str:
    """The id of the stop that rides on an entry: one of ours, counted from the end so that it meets no other stop's."""
    ours = our_id(entry)
    return f"{entry}sl" if ours is None else client_id(ours.tag, ours.trade, "stop", 36**4 - 1 - ours.nth)


def check_leg(leg: Leg, *, dual: bool, able: bool) -> None:
    """Refuses a position side that does not go with the account's mode."""
    if dual and not able:
        raise Unfit("hedge mode is not traded at this venue: switch the account to one-way mode", "mode")
    if dual and leg == "BOTH":
        raise Unfit("the account holds longs and shorts apart: an order has to name LONG or SHORT", "mode")
    if not dual and leg != "BOTH":
        raise Unfit(f"the account is in one-way mode: an order cannot name {leg}", "mode")


def known(command: Cancel | Amend, state: State) -> OrderNow:
    """The order of ours that a command names; Unfit where the venue has never told us of it."""
    order = state.orders.get(command.client_id)
    if order is None or not order.venue_id:
        raise Unfit(f"{command.symbol}: the venue's number of order {command.client_id} is not known", "unknown-order")
    return order


def mode_word(mode: MarginMode) -> str:
    """ccxt's word for a margin mode."""
    return "isolated" if mode == MarginMode.ISOLATED else "cross"


def leg_word(word: Any) -> Leg:
    """A venue's position side as a leg."""
    text = str(word or "").upper()
    return "LONG" if text == "LONG" else "SHORT" if text == "SHORT" else "BOTH"


def number(value: Any) -> Decimal | None:
    """A figure of ccxt's or of the venue's, exactly as printed; None where there is none."""
    return None if value is None or value == "" else dec(value)


def positive(value: Any) -> Decimal | None:
    """A figure above zero, else None: venues write zero for what is not there."""
    figure = number(value)
    return figure if figure is not None and figure > 0 else None
