"""The compiled backtest and the engine on the exchange core: the same trades, the same money to the cent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bearskin.backtest import BacktestRequest, BacktestResult, Latency, run, run_engine
from bearskin.backtest import _symbols as gathering
from bearskin.engine import _signals as hearing
from bearskin.market import Funding, Known, Panel, instrument_of, load_brackets
from bearskin.setups import SetupEvent
from bearskin.terms import (
    DAY_NS,
    HOUR_NS,
    MINUTE_NS,
    Bracket,
    Brackets,
    Instrument,
    MarginMode,
    Product,
    Side,
    UnknownBrackets,
    parse_time,
)

D = Decimal
BARS = 240
SAME = ("symbol", "setup", "side", "signal_time", "entry_time", "exit_time", "exit_reason", "qty", "bars")
CLOSE = ("entry_price", "exit_price", "fees", "funding", "slippage", "gross", "net", "risk_at_stop")


class Book:
    """Brackets made by hand: 0.4 % up to 50,000, 1 % above."""

    def get(self, venue: str, symbol: str, product: str = Product.LINEAR) -> Brackets:
        if symbol == "NOBODY":
            raise UnknownBrackets(symbol)
        rows = (
            Bracket(floor=D(0), cap=D(50_000), mmr=D("0.004"), max_leverage=125, cum=D(0)),
            Bracket(floor=D(50_000), cap=D(10**9), mmr=D("0.01"), max_leverage=50, cum=D(300)),
        )
        return Brackets(venue=venue, symbol=symbol, snapshot="made up", rows=rows)


def instrument(symbol: str) -> Instrument:
    return Instrument(
        venue="synthetic", symbol=symbol, product=Product.LINEAR, base=symbol, quote="USDT", settle="USDT",
        tick=D("0.1"), step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
    )  # fmt: skip


def wild(rng: np.random.Generator, symbol: str, bars: int = BARS, wildness: float = 0.006, decimals: int = 1) -> Panel:
    """A path with gaps, a mark that wanders off, and funding every eight hours."""
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, bars) * wildness))
    gap = np.where(rng.random(bars) < 0.1, rng.normal(0, 2 * wildness, bars), 0.0)
    open_ = np.concatenate([[100.0], close[:-1]]) * np.exp(gap)
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, wildness, bars)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, wildness, bars)))
    grid = [np.round(column, decimals) for column in (open_, high, low, close)]
    trade = {"open": grid[0], "high": np.maximum.reduce(grid), "low": np.minimum.reduce(grid), "close": grid[3]}
    basis = 1 + rng.normal(0, wildness / 12, bars)
    raw = {name: np.round(column * basis, 6) for name, column in trade.items()}
    times = np.arange(bars, dtype=np.int64) * HOUR_NS
    settled = times[::8]
    return Panel(
        instrument=instrument(symbol), interval_ns=HOUR_NS, time_ns=times, volume=np.full(bars, 10.0), **trade,
        mark_open=raw["open"], mark_high=raw["high"], mark_low=raw["low"], mark_close=raw["close"],
        mark_missing=np.zeros(bars, dtype=bool),
        funding=Funding(
            time_ns=settled, rate=np.round(rng.normal(0, 0.001, len(settled)), 6),
            interval_ns=np.full(len(settled), 8 * HOUR_NS),
        ),
    )  # fmt: skip


def drawn_signals(rng: np.random.Generator, panel: Panel) -> list[SetupEvent]:
    """Signals at random: both sides, market and limit, one or two targets, near and far stops, short lives."""
    found = []
    for bar in np.flatnonzero(rng.random(len(panel)) < 0.12).tolist():
        side = Side.SHORT if rng.random() < 0.5 else Side.LONG
        against, price = -int(side), float(panel.close[bar])
        limit = rng.random() < 0.35
        ref = round(price + against * float(rng.integers(0, 6)) / 10, 1) if limit else price
        stop = round(ref + against * float(rng.integers(8, 40)) / 10, 1)
        first = round(ref - against * float(rng.integers(6, 40)) / 10, 1)
        targets = (first, round(first - against * float(rng.integers(4, 30)) / 10, 1))
        found.append(
            SetupEvent(
                setup="drawn", side=side, symbol=panel.instrument.symbol, bar=bar, known_ns=panel.known_ns(bar),
                level=ref, entry_ref=ref, stop=stop, targets=targets[: int(rng.integers(1, 3))],
                invalidation=round(ref + against * float(rng.integers(3, 60)) / 10, 1),
                horizon_bars=int(rng.choice([3, 12, 48])), anchor_ns=0, atr=0.01,
                entry="limit" if limit else "market", limit_price=ref if limit else None,
                valid_bars=int(rng.integers(1, 5)) if limit else 1, why="drawn by lot",
            )
        )  # fmt: skip
    return found


Draw = Callable[[list[SetupEvent]], None]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Has both sides find the given signals instead of the set-ups' own."""

    def have(events: list[SetupEvent]) -> None:
        def compiled(panel: Panel, *_: object) -> list[SetupEvent]:
            return [e for e in events if e.symbol == panel.instrument.symbol and e.bar < len(panel)]

        def live(panel: Panel, *_: object, **__: object) -> list[SetupEvent]:
            at = {int(opened): i for i, opened in enumerate(panel.time_ns.tolist())}
            mine = [e for e in events if e.symbol == panel.instrument.symbol]
            return [
                dataclasses.replace(e, bar=at[e.known_ns - panel.interval_ns])
                for e in mine
                if e.known_ns - panel.interval_ns in at
            ]

        monkeypatch.setattr(gathering, "detect", compiled)
        monkeypatch.setattr(hearing, "detect", live)

    return have


def both(request: BacktestRequest, panels: list[Panel], book: Any = None) -> tuple[BacktestResult, BacktestResult]:
    return run(request, panels, book or Book()), run_engine(request, panels, book or Book())


def agree(compiled: BacktestResult, engine: BacktestResult) -> None:
    """Identical trades, reasons and quantities; equity to the cent at every bar."""
    assert engine.trades.select(SAME).rows() == compiled.trades.select(SAME).rows()
    for name in CLOSE:
        got, wanted = engine.trades[name].to_numpy(), compiled.trades[name].to_numpy()
        assert got == pytest.approx(wanted, abs=0.01), name
    assert engine.equity["time"].to_list() == compiled.equity["time"].to_list()
    for name in ("equity", "wallet"):
        assert np.abs(engine.equity[name].to_numpy() - compiled.equity[name].to_numpy()).max() < 0.01
    assert engine.equity["open_positions"].to_list() == compiled.equity["open_positions"].to_list()


@pytest.mark.parametrize("seed", range(6))
def test_random_signals_on_random_paths_come_to_the_same_trades(draw: Draw, seed: int) -> None:
    """
    Three symbols on one account, 5x isolated: gaps, limits and markets, two targets, time stops, invalidations,
    funding, exits and entries at the same open, sizes that lean on each other's results.
    """
    rng = np.random.default_rng(seed)
    panels = [wild(rng, name) for name in ("AAA", "BBB", "CCC")]
    draw([event for panel in panels for event in drawn_signals(rng, panel)])
    slip = D(0) if seed % 2 else D("0.0002")
    compiled, engine = both(BacktestRequest(guards=False, slippage_frac=slip, heat_frac=D("0.05")), panels)
    assert compiled.trades.height > 20
    assert set(compiled.trades["exit_reason"]) >= {"stop", "target", "time"}
    agree(compiled, engine)


@pytest.mark.parametrize("stop_trigger", ["mark", "last"])
def test_trailing_stops_come_to_the_same_trades(draw: Draw, stop_trigger: Any) -> None:
    rng = np.random.default_rng(77)
    panels = [wild(rng, name) for name in ("AAA", "BBB")]
    events = [event for panel in panels for event in drawn_signals(rng, panel) if event.entry == "market"]
    draw(events)
    request = BacktestRequest(guards=False, trail_atr=D("1.5"), stop_trigger=stop_trigger, slippage_frac=D(0))
    compiled, engine = both(request, panels)
    assert "trail" in set(compiled.trades["exit_reason"])
    agree(compiled, engine)


@pytest.mark.parametrize("stop_trigger", ["mark", "last"])
def test_set_ups_that_trail_without_target_or_time_come_to_the_same_trades(draw: Draw, stop_trigger: Any) -> None:
    """Each signal with its own trail, neither targets nor a time stop, some without invalidation; others beside."""
    rng = np.random.default_rng(78)
    panels = [wild(rng, name) for name in ("AAA", "BBB", "CCC")]
    events = [event for panel in panels for event in drawn_signals(rng, panel)]
    for i in range(0, len(events), 2):
        bare = {"targets": (), "horizon_bars": 0, "trail_atr": float(rng.choice([1.0, 2.0, 3.0]))}
        events[i] = dataclasses.replace(events[i], **bare, setup="trailing")
        if i % 4:
            events[i] = dataclasses.replace(events[i], invalidation=0.0)
    draw(events)
    compiled, engine = both(BacktestRequest(guards=False, stop_trigger=stop_trigger, slippage_frac=D(0)), panels)
    trailing = compiled.trades.filter(pl.col("setup") == "trailing")
    assert {"trail", "stop"} <= set(trailing["exit_reason"]) <= {"trail", "stop", "invalidated", "liquidated", "end"}
    assert trailing["target1"].null_count() == trailing.height > 10
    assert "target" in set(compiled.trades["exit_reason"])
    agree(compiled, engine)


def judged(rng: np.random.Generator, panel: Panel, **changed: object) -> Panel:
    """A coin of a real venue with everything the guards look at: turnover, takers, a spot pair, statistics."""
    bars = len(panel)
    volume = 5e5 * rng.lognormal(0, 0.6, bars)
    times = panel.time_ns + panel.interval_ns
    flat = dataclasses.replace(panel.funding, rate=np.full(len(panel.funding.rate), 0.0001)) if panel.funding else None

    def known(values: np.ndarray) -> Known:
        return Known(time_ns=times - 5 * MINUTE_NS, known_ns=times, value=values)

    given: dict[str, object] = {
        "instrument": dataclasses.replace(panel.instrument, venue="binance"),
        "volume": volume,
        "taker_buy_volume": volume * rng.uniform(0.3, 0.7, bars),
        "spot_close": panel.close * np.exp(rng.normal(0, 0.001, bars)),
        "spot_quote_volume": volume * panel.close * 0.2,
        "spot_buy_share": rng.uniform(0.3, 0.7, bars),
        "open_interest": known(1e6 * np.exp(np.cumsum(rng.normal(0, 0.004, bars)))),
        "long_short_ratio": known(rng.lognormal(0, 0.2, bars)),
        "top_positions_ratio": known(rng.lognormal(0, 0.2, bars)),
        "sentiment": known(rng.uniform(0, 100, bars)),
        "funding": flat,
    }
    return dataclasses.replace(panel, **{**given, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("families", [0, 2])
def test_guards_say_the_same_in_both(draw: Draw, families: int) -> None:
    """Spot, takers, open interest and turnover reach the engine with the bars; one coin is too thin, one is unknown."""
    rng = np.random.default_rng(79)
    rich, thin, bare = (wild(rng, name, 400, 0.003) for name in ("AAA", "BBB", "CCC"))
    panels = [
        judged(rng, rich),
        judged(rng, thin, volume=np.full(400, 10.0)),
        judged(rng, bare, spot_close=None, spot_quote_volume=None, spot_buy_share=None, open_interest=None),
    ]
    draw([dataclasses.replace(e, entry="market", limit_price=None) for p in panels for e in drawn_signals(rng, p)])
    compiled, engine = both(BacktestRequest(families_min=families, slippage_frac=D(0)), panels)
    reasons = set(compiled.declined["reason"])
    if families:
        assert compiled.trades.height == 0
        assert "too few kinds of evidence" in reasons
        return
    assert "low-cap and manipulability guard" in reasons
    first_day = compiled.trades["signal_time"].dt.epoch("ns") < DAY_NS  # too early to say how much is traded
    assert set(compiled.trades.filter(~first_day)["symbol"]) == {"AAA", "CCC"}
    said = " ".join(compiled.trades["why"])
    for words in ("spot leads the move", "are closing", "times the usual volume", "unchecked: trend"):
        assert words in said, words
    agree(compiled, engine)


def test_prices_finer_than_the_tick_trail_on_the_tick_in_both(draw: Draw) -> None:
    """A stop rests on the venue's tick of 0.1, though the bars of that time have prices of 0.01."""
    rng = np.random.default_rng(80)
    panels = [wild(rng, name, decimals=2) for name in ("AAA", "BBB")]
    events = [e for panel in panels for e in drawn_signals(rng, panel) if e.entry == "market"]
    draw([dataclasses.replace(e, targets=(), horizon_bars=0, trail_atr=1.5) for e in events])
    compiled, engine = both(BacktestRequest(guards=False, slippage_frac=D(0)), panels)
    trailed = compiled.trades.filter(pl.col("exit_reason") == "trail")
    assert trailed.height > 5
    assert any("finer than its tick" in note for note in compiled.notes)
    agree(compiled, engine)


def test_a_request_that_names_a_trail_overrides_the_set_ups_own(draw: Draw) -> None:
    rng = np.random.default_rng(79)
    panel = wild(rng, "AAA")
    bare = [dataclasses.replace(e, targets=(), horizon_bars=0) for e in drawn_signals(rng, panel)]
    results = []
    for own, asked in ((3.0, D(1)), (1.0, D(0))):
        draw([dataclasses.replace(e, trail_atr=own) for e in bare])
        compiled, engine = both(BacktestRequest(guards=False, trail_atr=asked), [panel])
        agree(compiled, engine)
        results.append(compiled.trades)
    assert results[0].equals(results[1])


def test_a_month_of_real_candles_with_the_crash_of_october_2025(real_data: Path) -> None:
    """The ordinary set-ups with their guards on BTC and SOL, default costs, from October 1 to November 1."""
    panels = [panel_of(real_data, name) for name in ("BTCUSDT", "SOLUSDT")]
    request = BacktestRequest(start_ns=parse_time("2025-10-01"), end_ns=parse_time("2025-11-01"))
    compiled, engine = both(request, panels, load_brackets())
    assert compiled.trades.height > 30
    agree(compiled, engine)


def panel_of(folder: Path, symbol: str) -> Panel:
    """Trades, marks and funding of one symbol over the time that matters here."""
    inside = pl.col("time").is_between(
        pl.lit("2025-06-01").str.to_datetime(time_zone="UTC"), pl.lit("2025-11-02").str.to_datetime(time_zone="UTC")
    )
    place = folder / "binance_um_2025"
    trades = pl.read_parquet(place / "trade" / f"{symbol}_1h.parquet").filter(inside)
    marks = pl.read_parquet(place / "mark" / f"{symbol}_1h.parquet")
    settled = pl.read_parquet(place / "funding" / f"{symbol}.parquet").filter(inside)
    rows = trades.join(marks, on="time", how="left", suffix="_mark")
    column = lambda frame, name: np.array(frame[name].to_numpy(), dtype=float)  # noqa: E731
    at = np.array(settled["time"].dt.epoch("ns").to_numpy()) // MINUTE_NS * MINUTE_NS
    mark = {f"mark_{name}": column(rows, f"{name}_mark") for name in ("open", "high", "low", "close")}
    return Panel(
        instrument=instrument_of("binance", symbol, "linear"), interval_ns=HOUR_NS,
        time_ns=np.array(rows["time"].dt.epoch("ns").to_numpy()), open=column(rows, "open"),
        high=column(rows, "high"), low=column(rows, "low"), close=column(rows, "close"),
        volume=column(rows, "volume"), mark_missing=np.isnan(mark["mark_open"]), **mark,
        funding=Funding(
            time_ns=at, rate=column(settled, "funding_rate"), interval_ns=np.diff(at, prepend=at[0] - 8 * HOUR_NS)
        ),
    )  # fmt: skip


def test_latency_costs_what_the_market_did_meanwhile(draw: Draw) -> None:
    """Two seconds each way: the trades are the same ones, later; the books of the exchange still sum to zero."""
    rng = np.random.default_rng(5)
    panel = wild(rng, "AAA")
    draw(drawn_signals(rng, panel))
    request = BacktestRequest(guards=False, margin_mode=MarginMode.ISOLATED)
    late = run_engine(request, [panel], Book(), latency=Latency(there_ns=2 * 10**9, back_ns=10**9, jitter_ns=10**8))
    assert late.trades.height > 5
    assert "2000 ms there" in late.notes[-1]
    again = run_engine(request, [panel], Book(), latency=Latency(there_ns=2 * 10**9, back_ns=10**9, jitter_ns=10**8))
    assert again.trades.equals(late.trades)


def still(bars: int = 40) -> Panel:
    """A market that stands at 100, to be bent where a test needs it."""
    panel = wild(np.random.default_rng(0), "AAA", bars)
    for name in ("open", "high", "low", "close"):
        getattr(panel, name)[:] = 100.0
        getattr(panel, f"mark_{name}")[:] = 100.0
    assert panel.funding is not None
    panel.funding.rate[:] = 0.0003
    return panel


def bend(panel: Panel, bar: int, *, mark: bool = True, **prices: float) -> None:
    for name, price in prices.items():
        key = name.rstrip("_")
        getattr(panel, key)[bar] = price
        if mark:
            getattr(panel, f"mark_{key}")[bar] = price


def one(side: Side, **changes: Any) -> SetupEvent:
    """A signal at the close of bar 10: stop 4 against, targets 5 and 9 in favour."""
    away = -int(side)
    event = SetupEvent(
        setup="drawn", side=side, symbol="AAA", bar=10, known_ns=11 * HOUR_NS, level=100.0, entry_ref=100.0,
        stop=100.0 + 4 * away, targets=(100.0 - 5 * away, 100.0 - 9 * away), invalidation=100.0 + 30 * away,
        horizon_bars=20, anchor_ns=0, atr=0.02, why="drawn by hand",
    )  # fmt: skip
    return dataclasses.replace(event, **changes)


def up(side: Side, points: float) -> float:
    """A price so many points against `side`."""
    return 100.0 - int(side) * points


CASES: dict[str, Callable[[Panel, Side], tuple[str, dict[str, Any]]]] = {}


def case(name: str) -> Any:
    def keep(build: Any) -> Any:
        CASES[name] = build
        return build

    return keep


def worst(side: Side, price: float) -> dict[str, float]:
    return {"high" if side is Side.SHORT else "low": price}


def kind(side: Side, price: float) -> dict[str, float]:
    return {"low" if side is Side.SHORT else "high": price}


@case("stop inside a bar")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 17, **worst(side, up(side, 5)))
    return "stop", {}


@case("gap through the stop")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 17, open_=up(side, 6), close=up(side, 6), **worst(side, up(side, 7)))
    return "stop", {}


@case("stop and target in one bar")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 17, **worst(side, up(side, 5)), **kind(side, up(side, -10)))
    return "stop", {}


@case("both targets, one after the other")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 17, **kind(side, up(side, -6)))
    bend(panel, 19, **kind(side, up(side, -10)))
    return "target", {}


@case("a target that is only touched, then time")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 17, **kind(side, up(side, -5)))
    return "time", {}


@case("a close beyond the invalidation")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 17, close=up(side, 2), **worst(side, up(side, 2)))
    return "invalidated", {"invalidation": up(side, 1)}


@case("the mark opens beyond liquidation")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    panel.mark_open[17] = up(side, 19.8)
    getattr(panel, "mark_high" if side is Side.SHORT else "mark_low")[17] = up(side, 19.8)
    return "liquidated", {}


@case("the mark opens beyond bankruptcy")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    panel.mark_open[17] = up(side, 30)
    getattr(panel, "mark_high" if side is Side.SHORT else "mark_low")[17] = up(side, 30)
    return "liquidated", {}


@case("the data end")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    return "end", {"horizon_bars": 100}


@case("a resting entry, stopped in the bar it fills")
def _(panel: Panel, side: Side) -> tuple[str, dict[str, Any]]:
    bend(panel, 12, **worst(side, up(side, 5)), **kind(side, up(side, -12)))
    return "stop", {"entry": "limit", "limit_price": up(side, 1), "entry_ref": up(side, 1), "valid_bars": 3}


@pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])
@pytest.mark.parametrize("name", sorted(CASES))
def test_every_way_out_by_hand(draw: Draw, name: str, side: Side) -> None:
    panel = still()
    reason, changes = CASES[name](panel, side)
    draw([one(side, **changes)])
    compiled, engine = both(BacktestRequest(guards=False), [panel])
    assert compiled.trades["exit_reason"].to_list() == [reason]
    agree(compiled, engine)
    assert (engine.trades["funding"][0] != 0.0) == ("resting" not in name)  # all others are held over a settlement
