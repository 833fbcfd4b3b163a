"""What one open market page looks at, and how it speaks to the chart in the browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nicegui import Client

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Drafting
from bearskin.app.web._market import INTERVALS, Spec
from bearskin.app.web._market_crowd import Series
from bearskin.terms import dec

INTERVAL = "5m"


@dataclass(slots=True, repr=False, kw_only=True)
class MarketView:
    """A symbol at an interval, and the draft of the page. `spec` is known once the venue has answered; `now` is the
    last of the Mark topic, `bars` the newest candles of the Candles topic. `crowd` are told the open interest and the
    long-short ratio whenever they have been asked for."""

    desk: WebDesk
    symbol: str
    interval: str
    drafting: Drafting
    client: Client
    spec: Spec | None = None
    now: dict[str, Any] = field(default_factory=dict)
    bars: list[list[Any]] = field(default_factory=list)
    crowd: list[Callable[[Series, Series], None]] = field(default_factory=list)

    @property
    def digits(self) -> int:
        """Digits of a price after the point."""
        return 2 if self.spec is None else self.spec.digits

    @property
    def tick(self) -> Decimal:
        """The step of prices."""
        return Decimal("0.01") if self.spec is None else dec(self.spec.tick)

    @property
    def local(self) -> bool:
        """Whether times are told in the zone of the browser."""
        return bool(self.desk.prefs().get("zone", "utc") == "local")

    @property
    def reference(self) -> Decimal | None:
        """The price a market order is reckoned from: the mark, else the last candle's close; None before either."""
        mark = self.now.get("mark") or (self.bars[-1][4] if self.bars else None)
        return None if mark is None else dec(mark)

    def tell(self, function: str, *values: Any) -> None:
        """Call one of the functions of static/market*.js in the browser of this page."""
        words = ",".join(json.dumps(value, separators=(",", ":")) for value in values)
        # a page may be there before its scripts are
        self.client.run_javascript(f"window.{function.split('.')[0]} && {function}({words})")

    def price(self, value: Any) -> str:
        """A price at the instrument's precision, thousands apart; a dash for None."""
        return "–" if value is None else f"{Decimal(str(value)):,.{self.digits}f}"


def interval_kept(desk: WebDesk) -> str:
    """The interval that was looked at last."""
    kept = str(desk.prefs().get("interval", INTERVAL))
    return kept if kept in INTERVALS else INTERVAL
