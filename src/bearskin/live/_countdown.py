"""The countdown cancel: should we fall silent, the venue cancels what rests, entries and targets, by itself.

Only where the venue's own documents say that protective stops survive it (`Abilities.countdown` names the call):
anywhere else a lost connection would take the stops away, which is the one thing that must not happen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from bearskin.live._ccxt import load_ccxt, venue_error
from bearskin.live._dialects import Abilities
from bearskin.terms import BearskinError

logger = logging.getLogger("bearskin.live")

COUNTDOWN_S: Final = 120.0
EVERY_S: Final = 30.0


class Countdown:
    """Sets the countdown of every symbol anew until cancelled, and takes it back at an orderly end.

    `exchange` is an asynchronous ccxt exchange with its markets loaded. `alive` says whether the bot still does its
    work: while it does not, nothing is set anew, so that the venue cancels. A call that fails is logged and made again
    in its turn.
    """

    def __init__(
        self,
        exchange: Any,
        call: str,
        symbols: Sequence[str],
        *,
        alive: Callable[[], bool],
        countdown_s: float = COUNTDOWN_S,
        every_s: float = EVERY_S,
    ) -> None:
        assert every_s < countdown_s, "the countdown would run out between two calls"
        self._call = getattr(exchange, call)
        self._venue, self._symbols = str(exchange.id), tuple(symbols)
        self._alive, self._countdown_s, self._every_s = alive, countdown_s, every_s

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                if self._alive():
                    await self._set(self._countdown_s)
                await asyncio.sleep(self._every_s)
        finally:
            await self._set(0.0)

    async def _set(self, countdown_s: float) -> None:
        ccxt = load_ccxt()
        for symbol in self._symbols:
            try:
                await self._call({"symbol": symbol, "countdownTime": int(1000 * countdown_s)})
            except ccxt.BaseError as error:
                told: BearskinError = venue_error(error, venue=self._venue, symbol=symbol)
                logger.warning("the countdown of %s was not set: %s", symbol, told)


def countdown_of(
    able: Abilities, exchange: Any, symbols: Sequence[str], *, alive: Callable[[], bool]
) -> Countdown | None:
    """The countdown of a venue; None where its documents do not say that protective stops survive it."""
    if able.countdown is None:
        return None
    return Countdown(exchange, able.countdown, symbols, alive=alive)
