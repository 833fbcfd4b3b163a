"""Signals in: `POST /signals` opens a position through the same risk as everything else.

Two proofs are known. Whoever can sign does: HMAC-SHA256 over the time and the body. A chart service that can only write
a body puts a token and the time into it. Either way the time must be of now and an id is taken once; the bot's own
memory of acts, which survives restarts, drops what comes again later.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bearskin.app._rates import positive_of, share_of
from bearskin.app._webhook_out import SIGNATURE_HEADER, TIME_HEADER, signature
from bearskin.engine import Done
from bearskin.live import Secret
from bearskin.terms import SECOND_NS, AnyAct, BadInput, Open, Side, parse_time

BODY_MAX: Final = 16_000
SIGNED_WINDOW_NS: Final = 60 * SECOND_NS
TOKEN_WINDOW_NS: Final = 300 * SECOND_NS  # chart services are not in a hurry, and their clocks are their own
IDS_MAX: Final = 10_000
TARGETS_MAX: Final = 5
TOKEN_LEAST: Final = 16
_SIDES: Final = {"short": Side.SHORT, "sell": Side.SHORT, "long": Side.LONG, "buy": Side.LONG}
_FIELDS: Final = frozenset(("id", "symbol", "side", "stop", "targets", "price", "qty", "risk", "note", "time", "token"))

Answer = Callable[[Request], Awaitable[Response]]
Clocks = Callable[[], tuple[int, int]]  # market and wall time now


class Acting(Protocol):
    """What the door opens to: the runner of the bot."""

    async def act(self, act: AnyAct) -> Done:
        """Have an act taken up, and the engine's answer."""


class Unproven(Exception):
    """Whoever sent this has not shown that they may."""


class Seen:
    """Ids that were taken, the oldest forgotten when there are too many."""

    def __init__(self, most: int = IDS_MAX) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def take(self, name: str) -> bool:
        """Whether this id comes for the first time."""
        if name in self._ids:
            return False
        self._ids[name] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)
        return True


def signals_door(
    acting: Acting, clocks: Clocks, *, secret: Secret | None, token: Secret | None = None
) -> Answer | None:
    """What answers `POST /signals`; None when there is neither a secret nor a token, then there is no such door.

    200 with the trade when the bot took it up, 409 with its reason when risk or the bot refused it or the id has come
    before, 401 for a missing or wrong proof or a time that is not now, 413 and 422 for bodies that are no signal.
    Raises BadInput for a token that can be guessed.
    """
    if secret is None and token is None:
        return None
    for what in (secret, token):
        if what is not None and len(what.reveal()) < TOKEN_LEAST:
            raise BadInput(f"the secret of the webhook has fewer than {TOKEN_LEAST} signs: `bearskin keys set webhook`")
    seen = Seen()

    async def signals(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return JSONResponse({"error": f"a signal has at most {BODY_MAX:,} bytes"}, 413)
        market_ns, wall_ns = clocks()
        try:
            said = _proven(body, request.headers, wall_ns, secret, token)
            made = act_of(said, market_ns, wall_ns)
        except Unproven as error:
            return JSONResponse({"error": str(error)}, 401)
        except BadInput as error:
            return JSONResponse({"error": str(error)}, 422)
        if not seen.take(made.act_id):
            return JSONResponse({"error": "this id was taken before", "id": said["id"]}, 409)
        try:
            done = await acting.act(made)
        except BadInput as error:  # before the bot was started again, this id was another signal's
            return JSONResponse({"refused": str(error), "id": said["id"]}, 409)
        if done.refused:
            return JSONResponse({"refused": done.refused, "detail": done.detail, "id": said["id"]}, 409)
        return JSONResponse({"trade": done.trade, "detail": done.detail, "id": said["id"]})

    return signals


def act_of(said: Mapping[str, Any], time_ns: int, wall_ns: int) -> Open:
    """The act in the fields of a signal; raises BadInput naming the field that is wrong."""
    unknown = sorted(set(said) - _FIELDS)
    if unknown:
        raise BadInput(
            f"{unknown[0][:40]!r} is no field of a signal; they are {', '.join(sorted(_FIELDS - {'token'}))}"
        )
    side = _SIDES.get(str(said.get("side")).strip().lower())
    if side is None:
        raise BadInput(f"side was {str(said.get('side'))[:20]!r}, must be short or long")
    if said.get("qty") is not None and said.get("risk") is not None:
        raise BadInput("qty and risk were both given: one of them sizes a position")
    targets = said.get("targets") or ()
    if not isinstance(targets, list | tuple) or len(targets) > TARGETS_MAX:
        raise BadInput(f"targets must be a list of at most {TARGETS_MAX} prices")
    stop = _amount(said, "stop")
    if stop is None:
        raise BadInput("stop is missing: no position is opened without one")
    return Open(
        time_ns=time_ns,
        wall_ns=wall_ns,
        act_id=f"webhook-{_id(said)}",
        by="webhook",
        symbol=symbol_of(said.get("symbol")),
        side=side,
        stop=stop,
        targets=tuple(_number(target, "targets") for target in targets),
        price=_amount(said, "price"),
        qty=_amount(said, "qty"),
        risk_frac=None if said.get("risk") is None else _risk(said["risk"]),
        note=_note(said),
    )


def symbol_of(text: Any) -> str:
    """Our symbol from the words of chart services: `BINANCE:BTCUSDT.P` is BTCUSDT; raises BadInput."""
    word = str(text or "").strip().upper().rpartition(":")[2].removesuffix(".P")
    if not re.fullmatch(r"[A-Z0-9]{2,30}([-_][A-Z0-9]{1,20})?", word):
        raise BadInput(f"symbol was {str(text)[:30]!r}, must be such as BTCUSDT")
    return word


def _proven(
    body: bytes, headers: Mapping[str, str], wall_ns: int, secret: Secret | None, token: Secret | None
) -> dict[str, Any]:
    """The fields of the body, once it is clear who sent it and when; raises Unproven or BadInput."""
    given = headers.get(SIGNATURE_HEADER)
    if given is not None:
        stamp = headers.get(TIME_HEADER, "")
        if (
            secret is None
            or not stamp.isascii()
            or not hmac.compare_digest(given.encode(), signature(secret, stamp, body).encode())
        ):
            raise Unproven("the signature is wrong")
        if not re.fullmatch(r"\d{1,12}", stamp) or abs(int(stamp) * SECOND_NS - wall_ns) > SIGNED_WINDOW_NS:
            raise Unproven(f"{TIME_HEADER} is not within {SIGNED_WINDOW_NS // SECOND_NS} s of now")
        return _fields(body)
    try:
        said = _fields(body)
    except BadInput:
        raise Unproven(f"{SIGNATURE_HEADER} is missing, and no token was given") from None
    shown = said.pop("token", None)
    if shown is None:
        raise Unproven(f"{SIGNATURE_HEADER} is missing, and no token was given")
    if token is None or not hmac.compare_digest(str(shown).encode("utf-8", "replace"), token.reveal().encode()):
        raise Unproven("the token is wrong")
    try:
        at_ns = parse_time(str(said.get("time") or ""))
    except BadInput:
        raise Unproven('a signal with a token needs its time, such as "time": "{{timenow}}"') from None
    if abs(at_ns - wall_ns) > TOKEN_WINDOW_NS:
        raise Unproven(f"time is not within {TOKEN_WINDOW_NS // SECOND_NS} s of now")
    return said


def _fields(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise BadInput("the body is no JSON") from None
    if not isinstance(said, dict):
        raise BadInput("a signal is an object")
    return said


def _id(said: Mapping[str, Any]) -> str:
    name = said.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[\x21-\x7e]{1,64}", name):
        raise BadInput("id must be 1 to 64 signs without blanks, another one for every signal")
    return name


def _amount(said: Mapping[str, Any], name: str) -> Decimal | None:
    return None if said.get(name) is None else _number(said[name], name)


def _number(value: Any, name: str) -> Decimal:
    if not isinstance(value, str | int | float | Decimal) or len(str(value)) > 40:
        raise BadInput(f"{name} was {str(value)[:40]!r}, must be a number")
    return positive_of(value, name)


def _risk(value: Any) -> Decimal:
    if not isinstance(value, str | int | float | Decimal) or len(str(value)) > 40:
        raise BadInput(f"risk was {str(value)[:40]!r}, must be a share such as 1%")
    share = share_of(value, "risk")
    if share == 0:
        raise BadInput("risk was 0, must be above zero, such as 1%")
    return share


def _note(said: Mapping[str, Any]) -> str:
    text = str(said.get("note") or "")
    return "".join(sign if sign.isprintable() else " " for sign in text)[:500]


async def _body(request: Request) -> bytes | None:
    taken = b""
    async for part in request.stream():
        taken += part
        if len(taken) > BODY_MAX:
            return None
    return taken
