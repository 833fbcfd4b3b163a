"""The demo exchange's own control: prices pushed by hand, to watch what a liquidation is. No venue lets you do that."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from bearskin.app._house import House
from bearskin.app._world import demo_folders
from bearskin.terms import BadInput, VenueBroken

SILENT_S = 10.0
NAME = re.compile("[A-Za-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class DemoControl:
    """Where the demo exchange is controlled; the token stays in this process."""

    url: str
    token: str = field(repr=False)

    async def push(self, symbol: str, price: Decimal) -> dict[str, Any]:
        """Move the index of a symbol to `price` and hold it there; the symbol as it stands then."""
        return await self._asked("POST", _index_of(symbol), {"price": f"{price:f}"})

    async def release(self, symbol: str) -> dict[str, Any]:
        """Give the symbol back to its source of prices."""
        return await self._asked("DELETE", _index_of(symbol))

    async def speed(self) -> float:
        """Market seconds in a second; 0 where the market stands still."""
        clock = await self._asked("GET", "/clock")
        return 0.0 if clock["paused"] else float(clock["speed"])

    async def _asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=SILENT_S) as http:
                answer = await http.request(method, f"{self.url}{path}", headers=headers, json=body)
        except httpx.HTTPError as error:
            raise VenueBroken(f"the demo exchange has not answered ({type(error).__name__})") from None
        try:
            said: dict[str, Any] = answer.json()
        except ValueError:
            raise VenueBroken(f"the demo exchange has answered {answer.status_code} without a word") from None
        if answer.is_error:
            raise BadInput(f"the demo exchange refused: {said.get('msg', answer.status_code)}")
        return said


def _index_of(symbol: str) -> str:
    """Where the index of a symbol is moved; what cannot be a symbol is none of an address. Raises BadInput."""
    if not NAME.fullmatch(symbol):
        raise BadInput(f"{symbol[:40]!r} is no symbol: name one such as BTCUSDT")
    return f"/symbols/{symbol}/index"


def demo_control(house: House, folder: str | None) -> DemoControl | None:
    """That of the demo exchange which is running; None where none is."""
    from bearskin.exchange import read_address

    for one in demo_folders(house, folder):
        address = read_address(one)
        if address is not None:
            return DemoControl(address.control_url, address.token)
    return None
