"""The WebSocket API at /ws-fapi/v1: the calls of REST, one JSON message each way, ids echoed as they were sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bearskin.exchange._codes import Code
from bearskin.exchange._service import ServiceStopped
from bearskin.exchange.wire import _rest_account, _rest_market, _rest_trade
from bearskin.exchange.wire._auth import check_signature, check_time
from bearskin.exchange.wire._params import Denied, check_names, text_of
from bearskin.exchange.wire._routes import KEYED, OPEN, SIGNED, Ask, Route, Wire, caller

PATH = "/ws-fapi/v1"
MESSAGE_BYTES_MAX = 64 * 1024
AT_ONCE_MAX = 100  # calls of one connection under way together
TRADE, ACCOUNT, MARKET = _rest_trade.ROUTES, _rest_account.ROUTES, _rest_market.ROUTES
METHODS: dict[str, Route] = {
    "ping": MARKET["GET", "/fapi/v1/ping"],
    "time": MARKET["GET", "/fapi/v1/time"],
    "exchangeInfo": MARKET["GET", "/fapi/v1/exchangeInfo"],
    "depth": MARKET["GET", "/fapi/v1/depth"],
    "ticker.price": MARKET["GET", "/fapi/v1/ticker/price"],
    "ticker.book": MARKET["GET", "/fapi/v1/ticker/bookTicker"],
    "order.place": TRADE["POST", "/fapi/v1/order"],
    "order.test": TRADE["POST", "/fapi/v1/order/test"],
    "order.modify": TRADE["PUT", "/fapi/v1/order"],
    "order.cancel": TRADE["DELETE", "/fapi/v1/order"],
    "order.status": TRADE["GET", "/fapi/v1/order"],
    "algoOrder.place": TRADE["POST", "/fapi/v1/algoOrder"],
    "algoOrder.cancel": TRADE["DELETE", "/fapi/v1/algoOrder"],
    "account.balance": ACCOUNT["GET", "/fapi/v2/balance"],
    "v2/account.balance": ACCOUNT["GET", "/fapi/v3/balance"],
    "account.status": ACCOUNT["GET", "/fapi/v2/account"],
    "v2/account.status": ACCOUNT["GET", "/fapi/v3/account"],
    "account.position": ACCOUNT["GET", "/fapi/v2/positionRisk"],
    "v2/account.position": ACCOUNT["GET", "/fapi/v3/positionRisk"],
    "userDataStream.start": ACCOUNT["POST", "/fapi/v1/listenKey"],
    "userDataStream.ping": ACCOUNT["PUT", "/fapi/v1/listenKey"],
    "userDataStream.stop": ACCOUNT["DELETE", "/fapi/v1/listenKey"],
}
# what ccxt leaves behind, and the names under which it has sent that already
LEFT_BEHIND = {
    "stopPrice": ("triggerPrice",),
    "stopLossPrice": ("triggerPrice",),
    "takeProfitPrice": ("triggerPrice",),
    "trailingPercent": ("callbackRate",),
    "trailingTriggerPrice": ("activatePrice",),
    "clientOrderId": ("newClientOrderId", "clientAlgoId"),
}
encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct):
    """One message of a client. The id may be a number, a text or nothing."""

    method: str
    id: int | str | None = None
    params: dict[str, msgspec.Raw] = {}


CALLS = msgspec.json.Decoder(Call)


class Speaker:
    """One connection: who has logged on, and from where."""

    __slots__ = ("account", "address", "since_ms", "wire")

    def __init__(self, wire: Wire, address: str) -> None:
        self.wire = wire
        self.address = address
        self.account = 0
        self.since_ms = 0

    async def answer(self, raw: bytes) -> bytes:
        """The answer to one message."""
        wire = self.wire
        wall_ms = wire.service.wall_ms()
        call_id: int | str | None = None
        limits: list[dict[str, Any]] | None = None
        try:
            call = CALLS.decode(raw)
            call_id = call.id
            args = {name: text_of(value) for name, value in call.params.items()}
            shown = args.get("returnRateLimits", "true") != "false"
            status, key, value = 200, "result", await self.carry_out(call.method, args, wall_ms)
            limits = self.limits(wall_ms) if shown else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            no = Denied(Code.ILLEGAL_CHARS, "Malformed request: JSON with id, method and params is expected.")
            status, key, value = 400, "error", no.body()
        except Denied as no:
            status, key, value = no.status, "error", no.body()
        except ServiceStopped:
            status, key = 503, "error"
            value = {"code": int(Code.DISCONNECTED), "msg": "Internal error; unable to process your request."}
        found = {"id": call_id, "status": status, key: value}
        if limits is not None:
            found["rateLimits"] = limits
        return encode(found)

    async def carry_out(self, method: str, args: dict[str, str], wall_ms: int) -> Any:
        """What a method's REST endpoint answers."""
        if method.startswith("session."):
            return self.session(method, args, wall_ms)
        found = METHODS.get(method)
        if found is None:
            raise Denied(Code.BAD_PATH, f"Method {method[:60]} is not supported.")
        wire = self.wire
        account, mark, sent_ms = self.identify(found, args, wall_ms)
        for name in ("apiKey", "returnRateLimits", "timestamp", "recvWindow", "signature"):
            args.pop(name, None)
        if method in ("order.place", "algoOrder.place"):
            drop_left_behind(args)
        weight = found.weight
        wire.limits.spend(self.address, weight if type(weight) is int else weight(args), wall_ms)  # type: ignore[operator]
        if found.names is not None:
            check_names(args, found.names)
        if found.once and mark:
            wire.heard.once(mark, sent_ms, wall_ms)
        return await found.handler(Ask(wire, account, args, wall_ms))

    def identify(self, found: Route, args: dict[str, str], wall_ms: int) -> tuple[int, bytes, int]:
        """Account, mark and sending time of a call; what its endpoint needs of them is checked."""
        if found.security == OPEN:
            return 0, b"", 0
        if "apiKey" not in args and self.account:
            if found.security == SIGNED:
                check_time(args, wall_ms)
            return self.account, b"", 0
        api_key = args.get("apiKey")
        account, owner = caller(self.wire, api_key)
        if found.security == KEYED:
            return account, b"", 0
        mark = check_signature(owner, sorted_text(args), args.get("signature", "").encode())
        return account, mark, check_time(args, wall_ms)

    def session(self, method: str, args: dict[str, str], wall_ms: int) -> dict[str, Any]:
        """Log on with a signature once, ask who is logged on, or log out."""
        if method == "session.logon":
            account, owner = caller(self.wire, args.get("apiKey"))
            check_signature(owner, sorted_text(args), args.get("signature", "").encode())
            check_time(args, wall_ms)
            self.account, self.since_ms = account, wall_ms
        elif method == "session.logout":
            self.account = self.since_ms = 0
        elif method != "session.status":
            raise Denied(Code.BAD_PATH, f"Method {method[:60]} is not supported.")
        return {
            "apiKey": args.get("apiKey") if self.account else None,
            "authorizedSince": self.since_ms or None,
            "connectedSince": self.since_ms or None,
            "returnRateLimits": True,
            "serverTime": wall_ms,
        }

    def limits(self, wall_ms: int) -> list[dict[str, Any]]:
        """What the connection's address has used of its weight."""
        limits = self.wire.limits
        return [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": limits.weight_per_minute,
                "count": limits.weight_used(self.address, wall_ms),
            }
        ]


def sorted_text(args: dict[str, str]) -> bytes:
    """What a call's signature covers: its parameters by name, joined, numbers and truths as written in the JSON."""
    return "&".join(f"{name}={args[name]}" for name in sorted(args) if name != "signature").encode()


def drop_left_behind(args: dict[str, str]) -> None:
    """Forget what ccxt leaves in an order beside what it has made of it: its own words, sent a second time.

    They go only where they say the same as what was made of them (prices to a tenth of a percent: those were rounded to
    the tick); anything else stays and is refused as a parameter the endpoint does not know.
    """
    for name, made in LEFT_BEHIND.items():
        if name in args and any(says_the_same(args[name], args[other]) for other in made if other in args):
            del args[name]
    if args.get("postOnly", "") == "true" and args.get("timeInForce") == "GTX":
        del args["postOnly"]
    if args.get("hedged", "") == "true" and "positionSide" in args:
        del args["hedged"]


def says_the_same(left: str, made: str) -> bool:
    """Whether two values are one, to a tenth of a percent if they are numbers."""
    if left == made:
        return True
    try:
        first, second = Decimal(left[:60]), Decimal(made[:60])
        return abs(first - second) * 1000 <= abs(second)
    except ArithmeticError:
        return False


def ws_api_route(wire: Wire) -> WebSocketRoute:
    """The route of the WebSocket API."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        speaker = Speaker(wire, socket.client.host if socket.client else "unknown")
        under_way: set[asyncio.Task[None]] = set()

        async def reply(raw: bytes) -> None:
            answer = await speaker.answer(raw)
            with suppress(WebSocketDisconnect, RuntimeError):  # who has left is not answered
                await socket.send_text(answer.decode())

        try:
            while True:
                message = await socket.receive()
                if message["type"] != "websocket.receive":
                    break
                raw = message.get("bytes") or (message.get("text") or "").encode()
                if len(raw) > MESSAGE_BYTES_MAX:
                    await socket.close(1009)
                    break
                # orders of one client are taken in the order they were sent: the tasks start in that order, and each
                # hands its command over before it waits
                task = asyncio.create_task(reply(raw))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                if len(under_way) >= AT_ONCE_MAX:
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        except WebSocketDisconnect:
            pass
        finally:
            for task in list(under_way):
                task.cancel()

    return WebSocketRoute(PATH, endpoint)
