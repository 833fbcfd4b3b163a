"""Event to command: eighteen symbols, every set-up on both sides, each bar's end and the quote that follows it.

Wall time is what a trade waits for, processor time what is left of it on a machine that does nothing else.
"""

from __future__ import annotations

import gc
import time
from decimal import Decimal

import numpy as np

from bearskin.engine import Engine, EngineSettings
from bearskin.market import Funding, Known, Panel
from bearskin.terms import (
    HOUR_NS,
    AccountNow,
    Answered,
    BarClosed,
    Bracket,
    Brackets,
    Filled,
    Instrument,
    Marked,
    OrderNow,
    Place,
    PlaceStop,
    Product,
    Quoted,
)

SYMBOLS = 18
HISTORY = 3_000
BARS = 150
TICKS = 20_000
P99_MS_MAX = 5.0
START_NS = 1_735_689_600_000_000_000
D = Decimal


def measure() -> dict[str, float]:
    """Milliseconds from a bar's end (and from the quote after it) to the commands, and how much was decided.

    `..._cpu_...` is processor time. The collector is told, as by a running bot, that what is there at the start stays.
    """
    rng = np.random.default_rng(7)
    panels = [_panel(rng, f"C{k:02d}USDT") for k in range(SYMBOLS)]
    symbols = tuple(panel.instrument.symbol for panel in panels)
    market = {panel.instrument.symbol: (panel.instrument, _brackets(panel.instrument.symbol)) for panel in panels}
    engine = Engine(EngineSettings(symbols=symbols, heat_frac=D("0.5"), limits=False), market)
    for panel in panels:
        engine.preload(_head(panel, HISTORY))
    _tell(engine, _account())
    gc.collect()
    gc.freeze()
    bars_ms: list[tuple[float, float]] = []
    quotes_ms: list[tuple[float, float]] = []
    signals = planned = 0
    for i in range(HISTORY, HISTORY + BARS):
        for panel in panels:
            symbol, at = panel.instrument.symbol, panel.known_ns(i)
            took_ms, names = _tell(engine, _bar(panel, i))
            bars_ms.append(took_ms)
            signals += names.count("Signalled")
            _tell(engine, Marked(time_ns=at, wall_ns=at, symbol=symbol, mark=_price(panel, i)))
            quote = Quoted(time_ns=at, wall_ns=at, symbol=symbol, bid=_price(panel, i), ask=_price(panel, i))
            took_ms, names = _tell(engine, quote)
            quotes_ms.append(took_ms)
            planned += names.count("Planned")
    # the first bars of a symbol fill what is kept between bars: they are not what a running bot does
    bars, quotes = np.array(bars_ms[SYMBOLS:]), np.array(quotes_ms[SYMBOLS:])
    ticks_s = _ticks_s(engine, symbols)
    gc.unfreeze()
    return {
        "bar_p50_ms": float(np.percentile(bars[:, 0], 50)),
        "bar_p99_ms": float(np.percentile(bars[:, 0], 99)),
        "bar_cpu_p50_ms": float(np.percentile(bars[:, 1], 50)),
        "bar_cpu_p99_ms": float(np.percentile(bars[:, 1], 99)),
        "quote_p99_ms": float(np.percentile(quotes[:, 0], 99)),
        "quote_cpu_p99_ms": float(np.percentile(quotes[:, 1], 99)),
        "ticks_s": ticks_s,
        "signals": float(signals),
        "planned": float(planned),
    }


def _ticks_s(engine: Engine, symbols: tuple[str, ...]) -> float:
    """Marks and quotes in a second of processor time, between bars and with trades open."""
    events: list[Marked | Quoted] = []
    for k in range(TICKS // 2):
        symbol = symbols[k % len(symbols)]
        mark, at = engine._marks[symbol], engine._heard_wall_ns + k
        events.append(Marked(time_ns=at, wall_ns=at, symbol=symbol, mark=mark))
        events.append(Quoted(time_ns=at, wall_ns=at, symbol=symbol, bid=mark, ask=mark))
    began = time.thread_time()
    for event in events:
        engine.step(event)
    return len(events) / (time.thread_time() - began)


def _tell(engine: Engine, event: object) -> tuple[tuple[float, float], list[str]]:
    """One step, how long it took and how much of that was computing; the venue answers at once, not measured."""
    began, computed = time.perf_counter(), time.thread_time()
    stepped = engine.step(event)  # type: ignore[arg-type]
    took_ms = 1_000 * (time.perf_counter() - began), 1_000 * (time.thread_time() - computed)
    names = [type(note).__name__ for note in stepped.notes]
    for approved in stepped.commands:
        for answer in _answers(engine, approved.command, event):
            names += _tell(engine, answer)[1]
    return took_ms, names


def _answers(engine: Engine, command: object, event: object) -> list[object]:
    times = {"time_ns": event.time_ns, "wall_ns": event.wall_ns, "symbol": command.symbol}  # type: ignore[attr-defined]
    what, name = type(command).__name__, getattr(command, "client_id", "")
    order = None
    if isinstance(command, Place | PlaceStop):
        market = isinstance(command, Place) and command.price is None
        order = OrderNow(
            symbol=command.symbol, client_id=name, venue_id=f"v{name}", status="filled" if market else "open",
            qty=command.qty, filled=command.qty if market else D(0), price=getattr(command, "price", None),
            trigger=getattr(command, "trigger", None), conditional=isinstance(command, PlaceStop),
        )  # fmt: skip
        if market:
            mark = engine._marks[command.symbol]
            filled = Filled(**times, client_id=name, venue_id=f"v{name}", trade_id=name, qty=command.qty, price=mark)
            return [Answered(**times, client_id=name, what=what, outcome="accepted", order=order), filled]
    return [Answered(**times, client_id=name, what=what, outcome="accepted", order=order)]


def _panel(rng: np.random.Generator, symbol: str) -> Panel:
    bars = HISTORY + BARS + 1
    scale = 0.004 * np.exp(0.4 * np.sin(np.arange(bars) / 40.0 + rng.uniform(0, 6)))
    close = np.log(100) + np.cumsum(scale * rng.standard_t(3, bars))
    opens = np.concatenate([[np.log(100)], close[:-1]])
    high = np.maximum(opens, close) + scale * rng.exponential(0.7, bars)
    low = np.minimum(opens, close) - scale * rng.exponential(0.7, bars)
    times = START_NS + HOUR_NS * np.arange(bars, dtype=np.int64)
    volume = rng.lognormal(5, 1, bars)
    settled = times[::8]
    trail = close[::8] - np.log(100)
    o, h, lo, c = (np.round(np.exp(x), 3) for x in (opens, high, low, close))
    return Panel(
        instrument=Instrument(
            venue="synthetic", symbol=symbol, product=Product.LINEAR, base=symbol[:3], quote="USDT", settle="USDT",
            tick=D("0.001"), step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
        ),
        interval_ns=HOUR_NS, time_ns=times, open=o, high=h, low=lo, close=c, volume=volume, quote_volume=volume * c,
        taker_buy_volume=volume / 2,
        funding=Funding(
            time_ns=settled, rate=0.0001 + 0.002 * trail, interval_ns=np.full(len(settled), 8 * HOUR_NS)
        ),
        open_interest=Known(
            time_ns=times, known_ns=times + HOUR_NS // 12, value=10_000 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
        ),
    )  # fmt: skip


def _head(panel: Panel, bars: int) -> Panel:
    names = ("time_ns", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
    columns = {name: getattr(panel, name)[:bars] for name in names}
    others = {"funding": panel.funding, "open_interest": panel.open_interest}
    return Panel(instrument=panel.instrument, interval_ns=panel.interval_ns, **others, **columns)


def _bar(panel: Panel, i: int) -> BarClosed:
    names = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
    figures = {name: float(getattr(panel, name)[i]) for name in names}
    at = panel.known_ns(i)
    return BarClosed(
        time_ns=at, wall_ns=at, symbol=panel.instrument.symbol, interval_ns=panel.interval_ns,
        opened_ns=int(panel.time_ns[i]), **figures,
    )  # fmt: skip


def _price(panel: Panel, i: int) -> Decimal:
    return D(repr(float(panel.open[i + 1])))


def _brackets(symbol: str) -> Brackets:
    rows = (Bracket(floor=D(0), cap=D(10**7), mmr=D("0.005"), max_leverage=50, cum=D(0)),)
    return Brackets(venue="synthetic", symbol=symbol, snapshot="made up", rows=rows)


def _account() -> AccountNow:
    at, money = START_NS + HISTORY * HOUR_NS, D(1_000_000)
    return AccountNow(
        time_ns=at, wall_ns=at, asset="USDT", wallet=money, available=money, positions=(), orders=(), asked_wall_ns=at,
    )  # fmt: skip


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<16} {value:10.3f}")
