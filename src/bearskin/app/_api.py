"""The local door of a running bot: state, audit stream, acts, signals; for its owner on this machine alone."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bearskin.app._rates import positive_of
from bearskin.app._watch import Watch
from bearskin.engine import Done, Record
from bearskin.terms import AnyAct, BadInput, BearskinError

BODY_MAX = 64_000
TARGETS_MAX, WORD_MAX = 5, 64
TEXT_MAX = {"text": 1_000, "note": 1_000}
WHOLE_MAX = 1_000_000
BEHIND_MAX = 10_000
BEAT_S = 10.0
STATES_S, STATES_BEAT = 0.1, 10
BY = "hand"
_NAMES = ("127.0.0.1", "localhost", "[::1]")
Answer = Callable[[Request], Awaitable[Response]]


class Acting(Protocol):
    """What the door opens to: the runner of the bot."""

    async def act(self, act: AnyAct) -> Done:
        """Have an act taken up, and the engine's answer."""


class Events:
    """The audit stream for any number of readers; one that falls too far behind is let go."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[bytes | None]] = set()
        self.closed = False

    def told(self, sequence: int, record: Record) -> None:
        """Pass one record on."""
        if not self._readers:
            return
        data = b'{"sequence":%d,"record":%b}' % (sequence, msgspec.json.encode(record))
        for reader in list(self._readers):
            try:
                reader.put_nowait(data)
            except asyncio.QueueFull:
                self._readers.discard(reader)
                while not reader.empty():
                    reader.get_nowait()
                reader.put_nowait(None)

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        for reader in list(self._readers):
            with contextlib.suppress(asyncio.QueueFull):
                reader.put_nowait(None)

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events from now on."""
        reader: asyncio.Queue[bytes | None] = asyncio.Queue(BEHIND_MAX)
        self._readers.add(reader)
        try:
            yield b": from here on\n\n"
            while True:
                try:
                    data = await asyncio.wait_for(reader.get(), BEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if data is None:
                    return
                yield b"data: " + data + b"\n\n"
        finally:
            self._readers.discard(reader)


class Door:
    """Lets nobody in but who holds the token, speaks to this very address, and comes from no foreign page."""

    def __init__(self, inner: ASGIApp, token: str, port: int, open_paths: frozenset[str] = frozenset()) -> None:
        self._inner, self._token = inner, token
        self._hosts = {f"{name}:{port}" for name in _NAMES}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._open_paths = open_paths  # they bring a proof of their own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 4xx, or hand on."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(headers, scope["path"])
        if refused is not None:
            status, why = refused
            await JSONResponse({"error": why}, status)(scope, receive, send)
            return
        await self._inner(scope, receive, send)

    def _refusal(self, headers: Mapping[str, str], path: str) -> tuple[int, str] | None:
        if headers.get("host") not in self._hosts:
            return 421, "this address answers to its own name only"
        if headers.get("origin") not in (None, *self._origins):
            return 403, "no other page may speak to a bot"
        given = headers.get("authorization", "")
        if path not in self._open_paths and not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return 401, "the token of bot.json is missing or wrong"
        return None


def new_token() -> str:
    """A token nobody guesses."""
    return secrets.token_urlsafe(32)


def bot_app(
    watch: Watch, events: Events, acting: Acting, clocks: Callable[[], tuple[int, int]], signals: Answer | None = None
) -> Starlette:
    """The routes. `clocks` says market and wall time now; `signals` takes signals from outside, by its own proof."""

    async def state(_: Request) -> Response:
        return JSONResponse(watch.state(clocks()[1]))

    async def act(request: Request) -> Response:
        try:
            made = act_of(await _body(request), *clocks())
        except (BadInput, ValueError) as error:
            return JSONResponse({"error": str(error)}, 422)
        try:
            done = await acting.act(made)
        except BadInput as error:  # the same act is being worked on, or the name was another one's
            return JSONResponse({"refused": str(error), "act_id": made.act_id}, 409)
        except BearskinError as error:  # the bot is ending, as on a disk that is full
            return JSONResponse({"error": str(error), "act_id": made.act_id}, 503)
        return JSONResponse(msgspec.to_builtins(done), 200 if not done.refused else 409)

    async def stream(_: Request) -> Response:
        return StreamingResponse(events.stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def watched(request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", 0))
        except ValueError:
            return JSONResponse({"error": "after is the number of a decision"}, 422)
        return StreamingResponse(
            states(watch, clocks, events, after), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    routes = [
        Route("/state", state),
        Route("/act", act, methods=["POST"]),
        Route("/events", stream),
        Route("/watch", watched),
    ]
    if signals is not None:
        routes.append(Route("/signals", signals, methods=["POST"]))
    return Starlette(routes=routes)


async def states(
    watch: Watch, clocks: Callable[[], tuple[int, int]], events: Events, after: int
) -> AsyncIterator[bytes]:
    """Server-sent states, each with the decisions that are new since the one before, a few in a second.

    What has not changed is told again once a second, so that whoever listens knows the line is alive.
    """
    told, beat = -1, 0
    while not events.closed:
        beat += 1
        if watch.changes != told or beat % STATES_BEAT == 0:
            told = watch.changes
            state = watch.state(clocks()[1])
            if state["decisions"] and after > state["decisions"][-1]["number"]:
                after = 0  # another life of the run: its numbers begin anew
            state["decisions"] = [one for one in state["decisions"] if one["number"] > after]
            after = max([after, *(one["number"] for one in state["decisions"])])
            yield b"data: " + msgspec.json.encode(state) + b"\n\n"
        await asyncio.sleep(STATES_S)


def act_of(said: Any, time_ns: int, wall_ns: int) -> AnyAct:
    """The act in a JSON object: `is` names it, the rest are its fields; raises BadInput for what it cannot be."""
    if not isinstance(said, dict):
        raise BadInput('an act is an object such as {"is": "Pause"}')
    if said.get("by", BY) != BY:  # the journal says who asked: a caller who could say so could make it lie
        raise BadInput(f"by is not the caller's to say: what comes in here is asked by {BY}; leave it out")
    given = {**said, "time_ns": time_ns, "wall_ns": wall_ns}
    given.setdefault("act_id", secrets.token_hex(8))
    try:
        made: AnyAct = msgspec.convert(given, AnyAct, strict=False)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise BadInput(f"this is no act ({error})") from None
    unknown = sorted(set(said) - {"is", *made.__struct_fields__})
    if unknown:
        raise BadInput(f"{unknown[0][:40]!r} is no field of {type(made).__name__}")
    _sane(made)
    return made


def _sane(act: AnyAct) -> None:
    """Raise BadInput for what no engine can reckon with and no journal can hold: not a number, without end, signed,
    text without measure."""
    for name in act.__struct_fields__:
        value = getattr(act, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Decimal):
                positive_of(str(one), name)
            elif isinstance(one, str):
                _sane_text(one, name)
            elif isinstance(one, int) and name not in ("time_ns", "wall_ns") and abs(one) > WHOLE_MAX:
                raise BadInput(f"{name} is too large")
    if len(getattr(act, "targets", ())) > TARGETS_MAX:
        raise BadInput(f"there are {len(act.targets)} targets, at most {TARGETS_MAX} are taken")  # type: ignore[union-attr]
    for name in ("risk_frac", "share"):
        share = getattr(act, name, None)
        if share is not None and share > 1:
            raise BadInput(f"{name} was {share}, must be a share of one, such as 0.5")


def _sane_text(text: str, name: str) -> None:
    most = TEXT_MAX.get(name, WORD_MAX)
    if len(text) > most:
        raise BadInput(f"{name} has {len(text):,} signs, at most {most:,} are taken")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BadInput(f"{name} has half a sign in it (a lone surrogate), which cannot be written down")


async def _body(request: Request) -> Any:
    taken = b""
    async for part in request.stream():
        taken += part
        if len(taken) > BODY_MAX:
            raise BadInput(f"an act has at most {BODY_MAX:,} bytes")
    try:
        return json.loads(taken)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this is no JSON ({error})") from None
