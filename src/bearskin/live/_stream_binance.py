"""Binance's sockets, kept open by ccxt.pro and read as they are: nothing is cached, nothing is collapsed.

ccxt's unified streams leave out what we need (whether a candle is complete, who was the taker, index and rate beside
the mark) and hand on only the newest state of an order; so its connections are used, its messages taken as they come.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bearskin.live._bars import Bars
from bearskin.live._seams import Put
from bearskin.terms import BalanceNow, Depth, Marked, OrderChanged, Quoted

if TYPE_CHECKING:
    from bearskin.live._dialects import Traded
    from bearskin.live._venue import CcxtVenue

logger = logging.getLogger("bearskin.live")
MS: Final = 1_000_000
_PER_REQUEST: Final = 100
_FILLS: Final = ("TRADE", "CALCULATED")
_TRANSFERS: Final = (
    "DEPOSIT", "WITHDRAW", "WITHDRAW_REJECT", "ADMIN_DEPOSIT", "ADMIN_WITHDRAW", "ASSET_TRANSFER", "COIN_SWAP_DEPOSIT",
    "COIN_SWAP_WITHDRAW",
)  # fmt: skip
Hold = Callable[[Callable[[], None]], Any]


class BinanceStreams:
    """What comes over the three sockets, as events."""

    def __init__(
        self, venue: CcxtVenue, bars: Bars, put: Put, funding: Callable[[], None], *, depth: bool = False
    ) -> None:
        self._venue, self._bars, self._put, self._funding = venue, bars, put, funding
        self._deep = depth
        self._exchange = venue.exchange
        self._by_id: dict[str, Traded] = {
            str(self._exchange.market(market.unified)["id"]): market for market in venue.markets.values()
        }
        self._kinds: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "bookTicker": self._quote,
            "depthUpdate": self._depth,
            "markPriceUpdate": self._mark,
            "kline": self._kline,
            "markPrice_kline": self._mark_kline,
            "ORDER_TRADE_UPDATE": self._order,
            "ALGO_UPDATE": self._order,
            "ACCOUNT_UPDATE": self._account,
            "listenKeyExpired": self._key_expired,
        }
        self._exchange.streaming["keepAlive"] = 10_000  # a dead socket is noticed within half a minute
        self._exchange.handle_message = self._heard
        self._interval = ""

    def channels(self, interval: str) -> dict[str, tuple[Hold, ...]]:
        """What keeps each channel open, until it breaks."""
        return {
            "market": (lambda up: self._market(up, interval),),
            "account": (self._user,),
        }

    # --- connections --------------------------------------------------------------------------------------------------

    async def _market(self, up: Callable[[], None], interval: str) -> None:
        names = [market.lower() for market in self._by_id]
        step = self._exchange.timeframes[interval]
        public = [f"{name}@bookTicker" for name in names]
        public += [f"{name}@depth20@500ms" for name in names if self._deep]
        market = [
            f"{name}@{stream}"
            for name in names
            for stream in ("markPrice@1s", f"kline_{step}", f"markPriceKline_{step}")
        ]
        opened: set[str] = set()

        def one_up(category: str) -> None:
            opened.add(category)
            if len(opened) == 2:
                up()

        async with asyncio.TaskGroup() as group:
            group.create_task(self._subscribed("public", public, lambda: one_up("public")))
            group.create_task(self._subscribed("market", market, lambda: one_up("market")))

    async def _subscribed(self, category: str, streams: list[str], up: Callable[[], None]) -> None:
        url = f"{self._exchange.get_ws_url('linear', category)}/{category == 'market':d}"
        first, *others = [streams[at : at + _PER_REQUEST] for at in range(0, len(streams), _PER_REQUEST)]
        request = {"method": "SUBSCRIBE", "params": first, "id": 1}
        await self._held(url, f"bearskin:{category}", f"bearskin:{category}", request, up, others)

    async def _user(self, up: Callable[[], None]) -> None:
        exchange = self._exchange
        # the same key again while it is good, a new one when it is not
        exchange.options["linear"] = {**exchange.options.get("linear", {}), "lastAuthenticatedTime": 0}
        await exchange.authenticate({"type": "swap", "subType": "linear"})
        url = exchange.get_private_ws_url("linear", exchange.options["linear"]["listenKey"])
        await self._held(url, "bearskin:user", "linear", None, up, [])

    async def _held(
        self, url: str, name: str, subscription: str, request: Any, up: Callable[[], None], others: list[list[str]]
    ) -> None:
        """Open a socket and stay until it breaks, which is raised."""
        exchange = self._exchange
        broken = asyncio.ensure_future(exchange.watch(url, name, request, subscription))
        client = exchange.clients[url]
        try:
            await asyncio.wait({broken, client.connected}, return_when=asyncio.FIRST_COMPLETED)
            if not broken.done():
                await client.connected
                for count, streams in enumerate(others, 2):
                    await client.send({"method": "SUBSCRIBE", "params": streams, "id": count})
                up()
            await broken
        finally:
            broken.cancel()
            exchange.clients.pop(url, None)
            await client.close()

    # --- messages -----------------------------------------------------------------------------------------------------

    def _heard(self, client: Any, message: Any) -> None:  # noqa: ARG002 - ccxt's signature
        try:
            if isinstance(message, dict) and (kind := self._kinds.get(message.get("e", ""))) is not None:
                kind(message)
        except Exception:  # one message we do not understand must not end the stream
            logger.exception("a message of the venue could not be read")

    def _quote(self, message: Mapping[str, Any]) -> None:
        market = self._by_id.get(message["s"])
        if market is None:
            return
        time_ns = int(message.get("T") or message["E"]) * MS
        self._venue.clock.heard(time_ns)
        bid, ask = Decimal(message["b"]), Decimal(message["a"])
        if bid > 0 and ask > 0:
            self._put(
                Quoted(time_ns=time_ns, wall_ns=self._venue.clock.wall_ns(), symbol=market.symbol, bid=bid, ask=ask)
            )

    def _depth(self, message: Mapping[str, Any]) -> None:
        market = self._by_id.get(message["s"])
        if market is not None and message["b"] and message["a"]:
            time_ns = int(message.get("T") or message["E"]) * MS
            bids, asks = (tuple((float(row[0]), float(row[1])) for row in message[side]) for side in ("b", "a"))
            wall_ns = self._venue.clock.wall_ns()
            self._put(Depth(time_ns=time_ns, wall_ns=wall_ns, symbol=market.symbol, bids=bids, asks=asks))

    def _mark(self, message: Mapping[str, Any]) -> None:
        market = self._by_id.get(message["s"])
        if market is None:
            return
        time_ns = int(message["E"]) * MS
        self._venue.clock.heard(time_ns)
        self._put(
            Marked(
                time_ns=time_ns,
                wall_ns=self._venue.clock.wall_ns(),
                symbol=market.symbol,
                mark=Decimal(message["p"]),
                index=Decimal(message["i"]) if message.get("i") else None,
                rate=Decimal(message["r"]) if message.get("r") else None,
                next_funding_ns=int(message["T"]) * MS if message.get("T") else None,
            )
        )

    def _kline(self, message: Mapping[str, Any]) -> None:
        row = message["k"]
        self._venue.clock.heard(int(message["E"]) * MS)
        market = self._by_id.get(row["s"])
        if market is not None and row["x"]:
            prices = (float(row["o"]), float(row["h"]), float(row["l"]), float(row["c"]))
            self._bars.heard(
                market.symbol, (int(row["t"]) * MS, *prices, float(row["v"]), float(row["q"]), float(row["V"]))
            )

    def _mark_kline(self, message: Mapping[str, Any]) -> None:
        row = message["k"]
        market = self._by_id.get(row.get("s") or message.get("ps") or "")
        if market is not None and row["x"]:
            prices = (float(row["o"]), float(row["h"]), float(row["l"]), float(row["c"]))
            self._bars.heard(market.symbol, (int(row["t"]) * MS, *prices, 0.0, None, None), mark=True)

    def _order(self, message: Mapping[str, Any]) -> None:
        row = message["o"]
        market = self._by_id.get(row["s"])
        if market is None:
            return
        time_ns, wall_ns = int(message["T"]) * MS, self._venue.clock.wall_ns()
        row.setdefault("T", message["T"])
        order = self._venue.dialect.order_now(self._exchange.parse_ws_order(row), market)
        self._venue.heard_order(order)
        if row.get("x") in _FILLS and row.get("t"):
            # ccxt reads the fill of a forced order (liquidation, deleveraging) only when it is called a trade
            fill = self._venue.fill_heard(self._exchange.parse_ws_trade({**row, "x": "TRADE"}), market)
            if fill is not None:
                self._put(fill)
        self._put(OrderChanged(time_ns=time_ns, wall_ns=wall_ns, order=order))

    def _account(self, message: Mapping[str, Any]) -> None:
        told = message["a"]
        for row in told.get("B", ()):
            if row["a"] == self._venue.settle:
                wallet = Decimal(row["wb"])
                time_ns, wall_ns = int(message["T"]) * MS, self._venue.clock.wall_ns()
                moved = Decimal(row.get("bc") or 0) if told.get("m") in _TRANSFERS else Decimal(0)
                self._put(
                    BalanceNow(time_ns=time_ns, wall_ns=wall_ns, asset=row["a"], wallet=wallet, transferred=moved)
                )
        if told.get("m") == "FUNDING_FEE":
            self._funding()

    def _key_expired(self, message: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all
        for url, client in list(self._exchange.clients.items()):
            if "listenKey" in url:
                client.on_error(ConnectionError("the listen key has expired"))
