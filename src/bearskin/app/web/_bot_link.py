"""The dashboard's line to the bot: hears how it stands as it changes, and has acts done."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from bearskin.app._house import House
from bearskin.app._runs import Run, bot_of, runs_of
from bearskin.app.web._hub import BOT, Hub, beside
from bearskin.terms import BadInput, BearskinError, iso

LOOK_S, SILENT_S, ACT_S = 0.5, 5.0, 30.0
DECISIONS_KEPT = 1_000
ROOM_BYTES = 1_000_000  # a journal that grows needs this much: with less it is written no more
logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotNow:
    """How the bot stands: `state` is what its door tells (None: never heard), `up` whether it is on the line.

    `decisions` are the newest last, each with its `number`; `why` says what is wrong where it is not up.
    """

    up: bool
    state: dict[str, Any] | None
    decisions: tuple[dict[str, Any], ...] = ()
    why: str = ""


@dataclass(slots=True, repr=False)
class BotLink:
    """Follows the bot of `run`, or whichever runs; comes back by itself when the bot does."""

    house: House
    hub: Hub
    run: str | None = None
    _now: BotNow = field(default_factory=lambda: BotNow(up=False, state=None, why="looking for the bot"))
    _decisions: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=DECISIONS_KEPT))
    _found: Run | None = None
    _http: httpx.AsyncClient | None = None

    @property
    def now(self) -> BotNow:
        """How it stands."""
        return self._now

    @property
    def found(self) -> Run | None:
        """The run that is followed; None before one was found."""
        return self._found

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._followed()
            except (httpx.HTTPError, OSError, ValueError) as error:
                logger.debug("the line to the bot broke: %s", type(error).__name__)
            except Exception:  # whatever it is: a state that nobody follows any more would stand as that of now
                logger.exception("the bot could not be followed")
            self._lost()
            await asyncio.sleep(LOOK_S)

    async def act(self, act: dict[str, Any]) -> dict[str, Any]:
        """Have an act done; the engine's note, whose `refused` says why not. Raises BadInput for what is no act."""
        if self._http is None:
            raise BearskinError("no bot is running: `bearskin demo` or `bearskin trade` starts one")
        try:
            answer = await self._http.post("/act", json=act, timeout=ACT_S)
        except httpx.HTTPError as error:
            raise BearskinError(
                f"the bot has not answered ({type(error).__name__}): look whether it was done before trying again"
            ) from None
        said = _said(answer)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise BadInput(str(said.get("error")))
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):
            raise BearskinError(f"the bot answered {answer.status_code}: {str(said)[:200]}")
        return said

    async def _followed(self) -> None:
        runs = [run for run in runs_of(self.house.home.part("journal")) if self.run in (None, run.id)]
        for run in reversed(runs):
            address = bot_of(run)
            if address is not None:
                break
        else:
            return
        if self._found is None or self._found.id != run.id:
            self._decisions.clear()
        self._found = run
        headers = {"Authorization": f"Bearer {address.token}"}
        limits = httpx.Timeout(SILENT_S, connect=2.0)
        async with httpx.AsyncClient(base_url=address.url, headers=headers, trust_env=False, timeout=limits) as http:
            self._http = http
            after = self._decisions[-1]["number"] if self._decisions else 0
            async with http.stream("GET", "/watch", params={"after": after}) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    if line.startswith("data: "):
                        self._heard(json.loads(line[6:]))

    def _heard(self, state: dict[str, Any]) -> None:
        for decision in state.pop("decisions"):
            if not self._decisions or decision["number"] > self._decisions[-1]["number"]:
                self._decisions.append(decision)
        self._say(BotNow(up=True, state=state, decisions=tuple(self._decisions)))

    def _lost(self) -> None:
        self._http = None
        if self._now.up:
            why = "the bot has stopped" + self._full()
            state = _last_known(self._now.state)
            self._say(BotNow(up=False, state=state, decisions=self._now.decisions, why=why))
        elif self._now.state is None:
            self._say(BotNow(up=False, state=None, why="no bot is running"))

    def _full(self) -> str:
        """Whether it stopped for want of room: it does nothing that it cannot write down."""
        folder = self.house.home.part("journal")
        try:
            free = shutil.disk_usage(folder).free
        except OSError:
            return ""
        if free >= ROOM_BYTES:
            return ""
        return (
            f": the disk of {folder} is full. What rests at the venue stays there; make room, then start the bot again"
        )

    def _say(self, now: BotNow) -> None:
        self._now = now
        self.hub.say(BOT, now)


def _last_known(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """The state of a bot that is no longer heard: whether something is protected is as it was."""
    if not state or "positions" not in state:
        return state
    as_of = iso(time.time_ns())
    held = [{**one, "protected_as_of": one.get("protected_as_of") or as_of} for one in state["positions"]]
    return {**state, "positions": held}


_NOT_TRADING = {
    "halted": "trading is halted at the venue",
    "delisting": "the venue is delisting it",
    "delisted": "the venue has delisted it",
}


def not_trading(state: Mapping[str, Any] | None, symbol: str) -> str:
    """What keeps a symbol from being traded, as the bot was last told by the venue; empty where it trades."""
    word = str((state or {}).get("not_trading", {}).get(symbol, ""))
    return _NOT_TRADING.get(word, word)


def _said(answer: httpx.Response) -> dict[str, Any]:
    """The object of an answer; raises BearskinError where it is none."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        why = f"the bot has answered {answer.status_code} without a word"
        raise BearskinError(f"{why}: look whether it was done before trying again")
    return said


@contextlib.asynccontextmanager
async def followed(link: BotLink) -> Any:
    """The link, followed as long as the context lasts."""
    async with beside(link.follow()):
        yield link
