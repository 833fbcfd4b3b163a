"""Scans in the API: begin one, look how it stands, stop it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._scan import Asked, scanner_of


class ScanAsked(BaseModel):
    """What is looked for; without symbols those of the bot, of a store all."""

    model_config = ConfigDict(extra="forbid")

    source: Literal["venue", "store"] = "venue"
    symbols: list[str] = Field(default_factory=list)
    interval: str = ""
    sides: Literal["both", "short", "long"] = "both"
    within: int = 6
    guards: bool = True
    at: str | None = None
    wait: bool = False


def router_of(desk: WebDesk) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["scan"])

    @router.get("/scan", summary="How the scan stands, and what the last one found")
    async def now() -> dict[str, Any]:
        return scanner_of(desk).now.to_json()

    @router.post("/scan", summary="Begin a scan; with `wait` the answer comes when it has ended")
    async def begin(asked: ScanAsked | None = None) -> dict[str, Any]:
        given = (asked or ScanAsked()).model_dump()
        wait = given.pop("wait")
        scanner = scanner_of(desk)
        scanner.start(Asked(**{**given, "symbols": tuple(one.strip().upper() for one in given["symbols"])}))
        if wait:
            await scanner.wait()
        return scanner.now.to_json()

    @router.post("/scan/stop", summary="Stop the scan that runs; what was found before stays")
    async def stop() -> dict[str, Any]:
        scanner = scanner_of(desk)
        scanner.cancel()
        return scanner.now.to_json()

    return router
