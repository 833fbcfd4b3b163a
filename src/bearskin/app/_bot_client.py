"""Speaks to the local door of a bot that runs in another process."""

from __future__ import annotations

from typing import Any

import httpx

from bearskin.app._runs import BotAddress
from bearskin.terms import BadInput, BearskinError

TIMEOUT_S = 20.0


class BotClient:
    """One bot; every call raises BearskinError when it does not answer."""

    def __init__(self, address: BotAddress) -> None:
        self._http = httpx.Client(
            base_url=address.url,
            headers={"Authorization": f"Bearer {address.token}"},
            timeout=TIMEOUT_S,
            trust_env=False,  # no proxy stands between us and this machine
        )

    def state(self) -> dict[str, Any]:
        """How the bot stands."""
        found: dict[str, Any] = self._said(self._ask("GET", "/state"))
        return found

    def act(self, act: dict[str, Any]) -> dict[str, Any]:
        """Have an act done; the engine's note. Raises BadInput for what is no act."""
        answer = self._ask("POST", "/act", act)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise BadInput(str(answer.json()["error"]))
        found: dict[str, Any] = answer.json() if answer.status_code == httpx.codes.CONFLICT else self._said(answer)
        return found

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise BearskinError(f"the bot does not answer ({type(error).__name__})") from None

    @staticmethod
    def _said(answer: httpx.Response) -> Any:
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise BearskinError(str(answer.json()["error"]))
        if answer.status_code != httpx.codes.OK:
            raise BearskinError(f"the bot answered {answer.status_code}: {answer.text[:200]}")
        return answer.json()
