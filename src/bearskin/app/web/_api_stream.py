"""The WebSocket of the API: whoever subscribes to a topic is told the newest of it, as fast as they can take it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from bearskin.app.web._api_errors import sentence_of
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._gate import LET_IN, PROOF
from bearskin.app.web._hub import BOT
from bearskin.app.web._limits import BODY_BYTES_MAX, Bucket
from bearskin.app.web._market_link import Candles, Depth, Mark, Tape
from bearskin.terms import BadInput

LINES_MAX, TOPICS_MAX, PROVE_S = 32, 48, 5.0
ASKED = (20.0, 100)  # messages from a client: in a second over time, and at once
REFUSED, TOO_MUCH, TOO_LONG = 1008, 1013, 1009
Symbol = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_/:.-]+$")]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BotWanted(_Wanted):
    """How the bot stands: {"up", "why", "state"}."""

    topic: Literal["bot"]


class DecisionsWanted(_Wanted):
    """Decisions after the one with this number, or from now on."""

    topic: Literal["decisions"]
    after: int | None = Field(None, ge=0, le=2**53, exclude=True)


class BookWanted(_Wanted):
    """The book, the last trades, or the mark price with its funding."""

    topic: Literal["depth", "tape", "mark"]
    symbol: Symbol


class CandlesWanted(_Wanted):
    """Candles, the running one last."""

    topic: Literal["candles"]
    symbol: Symbol
    interval: str = Field(min_length=2, max_length=4, pattern=r"^[0-9]+[smhdwM]$")


Wanted = Annotated[BotWanted | DecisionsWanted | BookWanted | CandlesWanted, Field(discriminator="topic")]


class Asked(BaseModel):
    """A message of a client."""

    model_config = ConfigDict(extra="forbid")
    subscribe: list[Wanted] = Field(default_factory=list, max_length=TOPICS_MAX)
    unsubscribe: list[Wanted] = Field(default_factory=list, max_length=TOPICS_MAX)
    every_s: float = Field(0.1, ge=0.05, le=60)


_ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)


@dataclass(slots=True, eq=False)
class Line:
    """One client. What it wants to hear and has changed since it was told waits in `fresh`, each topic once."""

    desk: WebDesk
    leaving: dict[str, Callable[[], None]] = field(default_factory=dict)
    wanted: dict[str, tuple[dict[str, Any], Hashable]] = field(default_factory=dict)
    fresh: dict[str, None] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    said: list[dict[str, Any]] = field(default_factory=list)
    after: int = 0

    def asked(self, text: str) -> None:
        """Take in a message; raises BadInput for what it cannot be."""
        try:
            asked = _ASKED.validate_python(json.loads(text))
        except ValidationError as error:
            raise BadInput(sentence_of(error.errors())) from None
        except (ValueError, RecursionError):
            raise BadInput("this is no JSON") from None
        for one in asked.unsubscribe:
            self.leave(_key(one))
        for one in asked.subscribe:
            self._join(one, asked.every_s)
        self.say({"subscribed": [named for named, _ in self.wanted.values()]})

    def say(self, thing: dict[str, Any]) -> None:
        """Put an answer on its way."""
        self.said.append(thing)
        self.news.set()

    def leave(self, key: str) -> None:
        """Hear no more of a topic."""
        self.wanted.pop(key, None)
        self.fresh.pop(key, None)
        left = self.leaving.pop(key, None)
        if left is not None:
            left()

    def close(self) -> None:
        """Hear no more of anything."""
        for key in list(self.leaving):
            self.leave(key)

    def next(self) -> list[dict[str, Any]]:
        """What to tell now, the newest of each topic."""
        self.news.clear()
        told, self.said = self.said, []
        for key in list(self.fresh):
            del self.fresh[key]
            named, topic = self.wanted[key]
            data = self._data(named, topic)
            if data is not None:
                told.append({**named, "data": data})
        return told

    def _join(self, wanted: Any, every_s: float) -> None:
        key = _key(wanted)
        topic = _topic(self.desk, wanted)
        if key not in self.wanted and len(self.wanted) >= TOPICS_MAX:
            raise BadInput(f"one line hears {TOPICS_MAX} topics at most")
        self.leave(key)
        if isinstance(wanted, DecisionsWanted):
            kept = self.desk.bot.now.decisions
            self.after = wanted.after if wanted.after is not None else kept[-1]["number"] if kept else 0
        self.wanted[key] = (wanted.model_dump(), topic)
        self.leaving[key] = self.desk.hub.listen(topic, lambda _: self._heard(key), every_s)

    def _heard(self, key: str) -> None:
        if key in self.wanted:
            self.fresh[key] = None
            self.news.set()

    def _data(self, named: dict[str, Any], topic: Hashable) -> Any:
        now = self.desk.bot.now
        if named["topic"] == "bot":
            return {"up": now.up, "why": now.why, "state": now.state}
        if named["topic"] != "decisions":
            return self.desk.hub.last(topic)
        if now.decisions and now.decisions[-1]["number"] < self.after:
            self.after = 0  # another run, whose numbers begin anew
        new = [one for one in now.decisions if one["number"] > self.after]
        if not new:
            return None
        self.after = new[-1]["number"]
        return new


def _key(wanted: Any) -> str:
    return json.dumps(wanted.model_dump(), sort_keys=True)


def _topic(desk: WebDesk, wanted: Any) -> Hashable:
    """What the hub calls it; raises BadInput for what the venue does not have."""
    if isinstance(wanted, BotWanted | DecisionsWanted):
        return BOT
    market = desk.market
    if market is None:
        raise BadInput("no venue is connected, so there is no market to hear")
    try:
        market.unified(wanted.symbol)
    except (KeyError, StopIteration):
        raise BadInput(f"{wanted.symbol} is no perpetual of this venue") from None
    if isinstance(wanted, CandlesWanted):
        if wanted.interval not in (market.exchange.timeframes or {}):
            raise BadInput(f"interval was {wanted.interval!r}, this venue has {', '.join(market.exchange.timeframes)}")
        return Candles(wanted.symbol, wanted.interval)
    return {"depth": Depth, "tape": Tape, "mark": Mark}[wanted.topic](wanted.symbol)


def router_of(desk: WebDesk) -> APIRouter:
    """The route of the stream."""
    router = APIRouter()
    lines: set[Line] = set()
    waiting: set[WebSocket] = set()

    @router.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        if len(lines) + len(waiting) >= LINES_MAX:
            await socket.close(TOO_MUCH, f"{LINES_MAX} lines are open already")
            return
        waiting.add(socket)
        try:
            proven = await _proven(socket)
        finally:
            waiting.discard(socket)
        if not proven:
            with contextlib.suppress(RuntimeError):
                await socket.close(REFUSED, "the token is missing or wrong")
            return
        line = Line(desk)
        lines.add(line)
        try:
            await _spoken(socket, line)
        finally:
            lines.discard(line)
            line.close()

    return router


async def _proven(socket: WebSocket) -> bool:
    """Whether the token was seen at the gate, or comes first of all."""
    if getattr(socket.state, LET_IN, False):
        return True
    proof = getattr(socket.state, PROOF, None)
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, ValueError, RecursionError, KeyError):
        said = json.loads(await asyncio.wait_for(socket.receive_text(), PROVE_S))
        if isinstance(said, dict) and proof is not None and proof(str(said.get("token"))):
            await socket.send_text('{"welcome":true}')
            return True
    return False


async def _spoken(socket: WebSocket, line: Line) -> None:
    """Both directions, until one ends."""
    tasks = {asyncio.ensure_future(_listened(socket, line)), asyncio.ensure_future(_told(socket, line))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, WebSocketDisconnect | RuntimeError | OSError):
                raise ended
        if socket.application_state == WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, OSError):
                await socket.close()


async def _listened(socket: WebSocket, line: Line) -> None:
    bucket = Bucket(*ASKED)
    while True:
        try:
            text = await socket.receive_text()
        except KeyError:  # bytes
            line.say({"error": "messages are JSON in text"})
            continue
        if len(text) > BODY_BYTES_MAX:
            await socket.close(TOO_LONG, f"a message has at most {BODY_BYTES_MAX:,} signs")
            return
        if bucket.wait_s():
            await socket.close(REFUSED, "too many messages in a short time")
            return
        try:
            line.asked(text)
        except BadInput as error:
            line.say({"error": str(error)})


async def _told(socket: WebSocket, line: Line) -> None:
    while True:
        await line.news.wait()
        for thing in line.next():
            await socket.send_text(msgspec.json.encode(thing, enc_hook=str).decode())
