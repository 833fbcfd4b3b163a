"""What the bot does and decides, for its page and the API: acts through its door."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from bearskin.app.web._desk import WebDesk
from bearskin.terms import BadInput

SIDES = ("short", "long", "both", "auto", "none")


async def act(desk: WebDesk, said: Mapping[str, Any]) -> dict[str, Any]:
    """Have the bot do an act, said as its door takes it: `is` names it, the rest are its fields.

    Returns the engine's note: `refused` says why not where it was not done. Raises BadInput for what is no act,
    BearskinError without a bot.
    """
    if not isinstance(said.get("is"), str):
        raise BadInput('an act is an object such as {"is": "Pause"}')
    return await desk.bot.act({"act_id": secrets.token_hex(8), **said})


async def pause(desk: WebDesk) -> dict[str, Any]:
    """No new entries; what is open is managed on."""
    return await act(desk, {"is": "Pause"})


async def resume(desk: WebDesk, limits: bool = False) -> dict[str, Any]:
    """Lift a pause or a panic; with `limits` also a limit that asks for it by hand."""
    return await act(desk, {"is": "Resume", "limits": limits})


async def mode(desk: WebDesk, sides: str) -> dict[str, Any]:
    """Which sides the bot trades from now on; raises BadInput for another word."""
    if sides not in SIDES:
        raise BadInput(f"sides was {sides[:40]!r}, must be one of {', '.join(SIDES)}")
    return await act(desk, {"is": "Mode", "sides": sides})


async def panic(desk: WebDesk, foreign: bool = False) -> dict[str, Any]:
    """Close everything of ours at market (`foreign`: and what is not ours), and stay closed until resumed."""
    return await act(desk, {"is": "Panic", "foreign": foreign})
