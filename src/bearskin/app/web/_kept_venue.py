"""The venue as pages know it: opened once for all of them, and what it has told is not asked for again soon."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from bearskin.app.web._pace import Errand
from bearskin.live import Budget, CcxtVenue, MarketClock, Past
from bearskin.market import Panel
from bearskin.terms import Brackets, Instrument

TERMS_S = 1_800.0  # filters, fees and brackets change once in months
CLOCK_S = 1.0
WIDE = 1e9  # the line has a pace of its own


class KeptVenue(CcxtVenue):
    """A `CcxtVenue` on the dashboard's line. It is never opened, sends nothing, and asks for new bars alone."""

    def __init__(self, dialect: Any, exchange: Any) -> None:
        clock = MarketClock(time.time_ns)
        super().__init__(dialect, exchange, (), clock=clock, budget=Budget(time.time_ns, per_s=WIDE, at_once=WIDE))
        self.past = Past()
        self._terms: dict[str, tuple[float, tuple[Instrument, Brackets | None]]] = {}
        self._asking, self._clock_s = Errand(), float("-inf")

    def include(self, symbols: Iterable[str], **_: Any) -> None:
        """Know these as well; raises UnknownSymbol."""
        before = self.symbols
        try:
            super().include(symbols)
        except Exception:
            self.symbols = before  # who asks for what there is not must not stand in the way of the others
            raise

    async def measure_skew(self) -> int:
        """The line measures it."""
        return 0

    async def instruments(self, symbols: Sequence[str]) -> dict[str, tuple[Instrument, Brackets | None]]:
        """As the venue's, no older than `TERMS_S`."""
        async with self._asking.alone():
            since_s = time.monotonic() - TERMS_S
            missing = [symbol for symbol in symbols if symbol not in self._terms or self._terms[symbol][0] < since_s]
            if missing:
                found = await super().instruments(missing)
                self._terms.update((symbol, (time.monotonic(), told)) for symbol, told in found.items())
        return {symbol: self._terms[symbol][1] for symbol in symbols}

    async def history(self, symbol: str, interval: str, bars: int) -> Panel:
        """As the venue's; what was asked for before is not asked for again."""
        if time.monotonic() - self._clock_s > CLOCK_S:  # a clock that nobody tells the time stands still
            self.clock, self._clock_s = MarketClock(time.time_ns), time.monotonic()
        return await super().history(symbol, interval, bars)
