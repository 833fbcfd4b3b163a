"""Set-ups on the candles that are looked at: found, judged by the guards, with what is drawn of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bearskin.app._world import DEMO
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._market import FACTS_S, MS, Rows, Spec, candles, market_of_desk, price_line, spec, told, unified
from bearskin.app.web._market_crowd import SETTLED_MAX, statistic
from bearskin.market import Funding, Known, Panel
from bearskin.terms import Instrument, Product, dec, interval_ns

if TYPE_CHECKING:
    from bearskin.setups import SetupEvent

BARS, WITHIN = 1_000, 400
SHOWN_MAX = 40
FOUND_S = 300.0  # so long does what was found stand while no bar closes: what is known beside the bars grows
SESSIONS: dict[str, Literal["day", "week", "rolling"]] = {"1h": "week", "4h": "rolling", "1d": "rolling"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupShown:
    """A set-up on the chart. Times are bar opens in ms; `over` says why nobody can take it any more (None: it stands),
    `guard` what the guards say, `verdict` and `evidence` what is known of its worth."""

    setup: str
    title: str
    side: str
    bar_ms: int
    price: float
    entry: str
    entry_ref: float
    stop: float
    targets: tuple[float, ...]
    why: str
    verdict: str
    evidence: str
    guard: str
    vetoed: bool
    over: str | None
    lines: tuple[tuple[str, int, float, int, float], ...]
    zones: tuple[tuple[str, int, int, float, float], ...]

    @property
    def key(self) -> str:
        """Names it among those of a chart."""
        return f"{self.setup}:{self.side}:{self.bar_ms}"

    def to_json(self) -> dict[str, Any]:
        """As the API and the chart take it."""
        return {"key": self.key, **{name: getattr(self, name) for name in type(self).__slots__}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is found on the candles of a chart: set-ups, the newest first, and the turnover by price of the last whole
    session (None where there is none)."""

    setups: tuple[SetupShown, ...] = ()
    profile: dict[str, Any] | None = None


async def seen(desk: WebDesk, symbol: str, interval: str, bars: int = BARS) -> Seen:
    """What is found in the last complete bars; looked for in a thread, once for each bar that closes. Raises as
    `panel_of`."""
    panel = await panel_of(desk, symbol, interval, bars)
    if panel is None:
        return Seen()
    made_up = desk.place is not None and desk.place.venue == DEMO

    async def look() -> Seen:
        found: Seen = await desk.aside(
            lambda: Seen(setups=tuple(looked(panel, made_up=made_up)), profile=profiled(panel, interval))
        )
        return found

    key = ("setups", symbol, interval, bars)
    answers, newest = market_of_desk(desk).guard.answers, int(panel.time_ns[-1])
    found: tuple[int, Seen] = await answers.get(key, FOUND_S, lambda: _at(newest, look))
    if found[0] < newest:
        answers.forget(key)
        found = await answers.get(key, FOUND_S, lambda: _at(newest, look))
    return found[1]


async def _at(newest: int, look: Callable[[], Awaitable[Seen]]) -> tuple[int, Seen]:
    return newest, await look()


def profiled(panel: Panel, interval: str) -> dict[str, Any] | None:
    """The turnover by price of the last whole day, of the week where bars are long; None without a whole session."""
    from bearskin import setups as room

    session = SESSIONS.get(interval, "day")
    found = room.volume_profile(panel, len(panel) - 1, session)
    if found is None:
        return None
    return {
        "session": session,
        "start_ms": found.start_ns // MS,
        "end_ms": found.end_ns // MS,
        "poc": found.poc,
        "vah": found.vah,
        "val": found.val,
        "shrunk": found.shrunk,
        "edges": found.edges.tolist(),
        "turnover": found.turnover.tolist(),
    }


async def panel_of(desk: WebDesk, symbol: str, interval: str, bars: int = BARS) -> Panel | None:
    """The last complete bars with what is known beside them; None without any. Raises BadInput, VenueError."""
    name = unified(desk, symbol)
    rows, mark, settled, interest, ratio, contract = await asyncio.gather(
        candles(desk, symbol, interval, bars + 1),
        price_line(desk, symbol, interval, "mark", bars + 1),
        told(desk, "fetch_funding_rate_history", name, limit=SETTLED_MAX, fresh_s=FACTS_S),
        statistic(desk, "fetch_open_interest_history", symbol, interval),
        statistic(desk, "fetch_long_short_ratio_history", symbol, interval),
        spec(desk, symbol),
    )
    if len(rows) < 2:
        return None
    venue = "" if desk.place is None else desk.place.venue
    return made_panel(
        _instrument(contract, venue),
        interval_ns(interval),
        rows[:-1],  # the last one is still running
        mark,
        funding=_funding(settled or []),
        open_interest=_known(interest or [], "openInterestAmount"),
        long_short_ratio=_known(ratio or [], "longShortRatio"),
    )


def made_panel(instrument: Instrument, step_ns: int, rows: Rows, mark: Rows, **beside: Any) -> Panel:
    """A panel of candles and mark closes, as a venue tells them. Without all marks there are none."""
    columns = np.array([row[:6] for row in rows], dtype=np.float64)
    times = np.array([row[0] * MS for row in rows], dtype=np.int64)
    names = ("open", "high", "low", "close", "volume")
    prices: dict[str, Any] = {name: np.ascontiguousarray(columns[:, 1 + at]) for at, name in enumerate(names)}
    closes = {row[0]: row[1] for row in mark}
    marks: dict[str, Any] = {}
    if all(row[0] in closes for row in rows):
        close = np.array([closes[row[0]] for row in rows], dtype=np.float64)
        marks = {f"mark_{part}": close for part in ("open", "high", "low", "close")}
    return Panel(
        instrument=instrument,
        interval_ns=step_ns,
        time_ns=times,
        **prices,
        **marks,
        **beside,
    )


def looked(panel: Panel, *, made_up: bool) -> list[SetupShown]:
    """Every set-up that was told within the last `WITHIN` bars, the newest first, at most `SHOWN_MAX`; slow."""
    from bearskin import setups as room

    rules = room.GuardRules(outside=room.OutsideRules(made_up=made_up))
    events = room.detect(panel, first_bar=max(0, len(panel) - WITHIN))
    shown = []
    for event in reversed(events[-SHOWN_MAX:]):
        verdict = room.guard(event, panel, [one for one in events if one.bar <= event.bar], rules)
        shown.append(_shown(event, panel, guard=_guard_words(verdict), vetoed=verdict.veto is not None))
    room.forget_views()
    return shown


def _guard_words(verdict: Any) -> str:
    if verdict.veto is not None:
        return f"the guards refuse it: {verdict.veto}"
    size = "usual size" if verdict.size_multiplier == 1 else f"{verdict.size_multiplier:g} of the usual size"
    return "; ".join([f"the guards allow {size}", *verdict.told])


def _shown(event: SetupEvent, panel: Panel, *, guard: str, vetoed: bool) -> SetupShown:
    from bearskin import setups as room

    found = room.evidence_of(event.setup, event.side)
    zones = [one for one in event.drawing if isinstance(one, room.Zone)]
    lines = [one for one in event.drawing if not isinstance(one, room.Zone)]
    short = event.side < 0
    return SetupShown(
        setup=event.setup,
        title=room.SETUPS[event.setup].title,
        side=event.side.word,
        bar_ms=int(panel.time_ns[event.bar]) // MS,
        price=float(panel.high[event.bar] if short else panel.low[event.bar]),
        entry=event.entry,
        entry_ref=event.entry_ref,
        stop=event.stop,
        targets=event.targets,
        why=event.why,
        verdict=room.evidence_verdict(event.setup, event.side),
        evidence="no proven edge: not studied" if found is None else found.sentence,
        guard=guard,
        vetoed=vetoed,
        over=room.over(event, panel),
        lines=tuple((one.name, one.start_ns // MS, one.start_price, one.end_ns // MS, one.end_price) for one in lines),
        zones=tuple((one.name, one.start_ns // MS, one.end_ns // MS, one.low_price, one.high_price) for one in zones),
    )


def _instrument(contract: Spec, venue: str) -> Instrument:
    return Instrument(
        venue=venue,
        symbol=contract.symbol,
        product=Product.LINEAR,
        base=contract.base,
        quote=contract.quote,
        settle=contract.settle,
        tick=dec(contract.tick),
        step=dec(contract.step),
        min_qty=dec(contract.min_qty or 0),
        min_notional=dec(contract.min_notional or 0),
        taker_fee_rate=dec(contract.taker_fee_rate or "0.0005"),
        maker_fee_rate=dec(contract.maker_fee_rate or "0.0002"),
        source="the venue",
    )


def _funding(rows: list[dict[str, Any]]) -> Funding | None:
    if len(rows) < 2:
        return None
    times = np.array([row["timestamp"] * MS for row in rows], dtype=np.int64) // 60_000_000_000 * 60_000_000_000
    between = np.diff(times)
    rates = np.array([row["fundingRate"] for row in rows], dtype=np.float64)
    return Funding(time_ns=times, rate=rates, interval_ns=np.concatenate([between[:1], between]))


def _known(rows: list[dict[str, Any]], name: str) -> Known | None:
    there = sorted((row["timestamp"] * MS, float(row[name])) for row in rows if row.get(name) is not None)
    if not there:
        return None
    times = np.array([row[0] for row in there], dtype=np.int64)
    return Known(time_ns=times, known_ns=times, value=np.array([row[1] for row in there], dtype=np.float64))
