"""The compiled kernel, the same source in Decimal, and a naive trade in real prices agree trade by trade."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bearskin import margin
from bearskin.market import Funding, Panel
from bearskin.paths import NEVER, REASONS, UNFILLED, Lane, Outcome, Ticket, lay, walk
from bearskin.terms import HOUR_NS, Bracket, Brackets, Instrument, Product, Side

_spec = importlib.util.spec_from_file_location("naive", Path(__file__).with_name("naive.py"))
assert _spec is not None
assert _spec.loader is not None
naive: Any = importlib.util.module_from_spec(_spec)
sys.modules["naive"] = naive
_spec.loader.exec_module(naive)

BARS = 60
D = Decimal
INSTRUMENT = Instrument(
    venue="synthetic", symbol="TWINUSDT", product=Product.LINEAR, base="TWIN", quote="USDT", settle="USDT",
    tick=D("0.1"), step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
)  # fmt: skip
ROWS = [
    ("0", "50000", "0.004", 125, "0"),
    ("50000", "250000", "0.005", 100, "50"),
    ("250000", "9e9", "0.01", 50, "1300"),
]
BRACKETS = Brackets(
    venue="synthetic", symbol="TWINUSDT", snapshot="made up",
    rows=tuple(Bracket(floor=D(f), cap=D(c), mmr=D(m), max_leverage=x, cum=D(u)) for f, c, m, x, u in ROWS),
)  # fmt: skip
FLOATS = margin.tiers_of(BRACKETS, float)
EXACT = margin.tiers_of(BRACKETS, D)


def a_panel(rng: np.random.Generator) -> Panel:
    """A path on a coarse grid, so that ties are common: gaps, marks between ticks, settlements anywhere."""
    steps = rng.standard_t(3, BARS) * 0.006
    close = 100 * np.exp(np.cumsum(steps))
    gap = np.where(rng.random(BARS) < 0.2, rng.normal(0, 0.01, BARS), 0.0)
    open_ = np.concatenate([[100.0], close[:-1]]) * np.exp(gap)
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 0.004, BARS)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 0.004, BARS)))
    basis = 1 + rng.normal(0, 0.004, BARS)
    grid = [np.round(column, 1) for column in (open_, high, low, close)]
    ticks = {"open": grid[0], "close": grid[3], "high": np.maximum.reduce(grid), "low": np.minimum.reduce(grid)}
    digits = int(rng.choice([1, 6]))
    marks = {name: np.round(column * basis, digits) for name, column in ticks.items()}
    every = int(rng.choice([HOUR_NS // 2, 2 * HOUR_NS, 8 * HOUR_NS]))
    times = np.arange(BARS, dtype=np.int64) * HOUR_NS
    settled = np.arange(0, BARS * HOUR_NS, every, dtype=np.int64)
    return Panel(
        instrument=INSTRUMENT, interval_ns=HOUR_NS, time_ns=times, volume=np.ones(BARS), **ticks,
        mark_open=marks["open"], mark_high=marks["high"], mark_low=marks["low"], mark_close=marks["close"],
        funding=Funding(
            time_ns=settled, rate=np.round(rng.normal(0, 0.002, len(settled)), 6),
            interval_ns=np.full(len(settled), every),
        ),
    )  # fmt: skip


def a_ticket(rng: np.random.Generator, panel: Panel, side: Side) -> tuple[Ticket[float], Any]:
    """One order for the kernel and for the naive trade, in tenths."""
    tenths = int(np.rint(panel.open[3] * 10))
    sign = -int(side)  # +1: against a short is up
    mirror = sign
    rested = rng.random() < 0.4
    limit = tenths + sign * int(rng.integers(0, 9)) if rested else None
    base = tenths if limit is None else limit
    stop = base + sign * int(rng.integers(2, 90))
    target1 = base - sign * int(rng.integers(1, 30)) if rng.random() < 0.9 else None
    target2 = target1 - sign * int(rng.integers(1, 30)) if target1 is not None and rng.random() < 0.6 else None
    inval = base + sign * int(rng.integers(1, 50)) if rng.random() < 0.5 else None
    steps = int(rng.integers(1, 4_000_000))
    steps1 = steps // 2 if target2 is not None else steps
    if steps1 == 0:
        target1, target2, steps1 = target2, None, steps
    leverage = float(rng.choice([0, 3, 20, 50, 125]))
    trail = int(rng.integers(3, 30)) if rng.random() < 0.3 else 0
    hold = int(rng.choice([0, 1, 5, 30]))
    slip = float(rng.choice([0.0, 0.0002]))
    level = lambda price, none: none if price is None else price * mirror  # noqa: E731
    ticket = Ticket(
        steps=steps, steps1=steps1, start=3, end=BARS, valid=4 if rested else 0, limit=level(limit, 0),
        stop=stop * mirror, stop_on_mark=int(rng.random() < 0.6), target1=level(target1, -NEVER),
        target2=level(target2, -NEVER), invalidation=level(inval, NEVER), trail=trail, hold=hold, through=1,
        leverage=leverage, taker=0.0005, maker=0.0002, slip=slip, liquidation_fee=0.0125,
    )  # fmt: skip
    price = lambda value: None if value is None else D(value) / 10  # noqa: E731
    order = naive.Order(
        side=int(side), qty=D(steps) / 1000, qty1=D(steps1) / 1000, start=3, valid=4, limit=price(limit),
        stop=price(stop), on_mark=ticket.stop_on_mark == 1, target1=price(target1), target2=price(target2),
        invalidation=price(inval), trail=D(trail) / 10, hold=hold, tick=D("0.1"), leverage=D(leverage),
        taker=D("0.0005"), maker=D("0.0002"), slip=D(repr(slip)), liquidation_fee=D("0.0125"),
    )  # fmt: skip
    return ticket, order


def exact_lane(lane: Lane[float]) -> Lane[Decimal]:
    grid = lane.grid._replace(**{name: D(int(getattr(lane.grid, name))) for name in lane.grid._fields[1:]})
    plain = {name: [int(x) for x in getattr(lane, name)] for name in lane._fields[1:]}
    for name in ("mark_open", "mark_worst", "fund_rate", "fund_mark"):
        plain[name] = [D(repr(float(x))) for x in getattr(lane, name)]
    return Lane(grid, **plain)


def naive_trade(panel: Panel, order: Any) -> Any:
    d = lambda x: D(repr(float(x)))  # noqa: E731
    columns = (panel.open, panel.high, panel.low, panel.close, panel.mark_open, panel.mark_high, panel.mark_low)
    bars = [naive.Bar(*map(d, row)) for row in zip(*columns, strict=True)]
    assert panel.funding is not None
    settlements = [
        naive.Settlement(int(t // HOUR_NS), bool(t % HOUR_NS), d(rate), d(panel.mark_open[t // HOUR_NS]))
        for t, rate in zip(panel.funding.time_ns, panel.funding.rate, strict=True)
    ]
    return naive.Trade(bars, settlements, EXACT, order).run()


@pytest.mark.parametrize("seed", range(12))
def test_three_ways_agree(seed: int) -> None:
    """
    Random paths with gaps, both sides, market and limit entries, every kind of exit:
    compiled floats, the same source on Decimal, and a naive trade come to the same bars, reasons and money.
    """
    rng = np.random.default_rng(seed)
    for _ in range(40):
        panel = a_panel(rng)
        side = Side.SHORT if rng.random() < 0.5 else Side.LONG
        course = lay(panel)
        ticket, order = a_ticket(rng, panel, side)
        got = walk(course.lanes[side], FLOATS, ticket)
        same_source(course.lanes[side], ticket, got)
        same_trade(naive_trade(panel, order), got)


def same_source(lane: Lane[float], ticket: Ticket[float], got: Outcome[float]) -> None:
    from bearskin.paths._kernel import walk as plain

    exact_ticket = ticket._replace(
        **{name: D(repr(getattr(ticket, name))) for name in ("leverage", "taker", "maker", "slip", "liquidation_fee")}
    )
    with margin.quoting():
        want = plain(exact_lane(lane), EXACT, exact_ticket)
    for name in got._fields:
        if isinstance(getattr(want, name), int):
            assert getattr(got, name) == getattr(want, name), name
        else:
            assert getattr(got, name) == pytest.approx(float(getattr(want, name)), rel=1e-9, abs=1e-7), name


def same_trade(trade: Any, got: Outcome[float]) -> None:
    if not trade.fills:
        assert got.reason == UNFILLED
        return
    last = trade.fills[-1]
    assert REASONS[got.reason] == last.reason
    assert (got.entry_bar, got.bar) == (trade.entry_bar, last.bar)
    assert ("open", "inside", "close")[got.place] == last.place
    assert got.steps1 == (round(trade.fills[0].qty * 1000) if len(trade.fills) == 2 else 0)
    assert got.ambiguous == trade.ambiguous
    with margin.quoting():
        money = trade.money(trade.fills)
        hopeful = trade.money(trade.optimist or trade.fills)
    near = {"rel": 1e-9, "abs": 1e-6}
    assert got.entry == pytest.approx(float(trade.entry), **near)
    assert got.liquidation_price == pytest.approx(float(trade.liquidation), **near)
    assert got.fees == pytest.approx(float(money["fees"]), **near)
    assert got.funding == pytest.approx(float(money["funding"]), **near)
    assert got.slippage == pytest.approx(float(money["slippage"]), **near)
    assert got.gross - got.slippage == pytest.approx(float(money["price"]), **near)
    assert got.net == pytest.approx(float(money["net"]), **near)
    assert got.net_if_target_first == pytest.approx(float(hopeful["net"]), **near)


def test_the_paths_cover_every_reason() -> None:
    """The twin proves nothing about exits that never happen on its paths."""
    seen: dict[tuple[str, int], int] = {}
    ambiguous = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        for _ in range(40):
            panel = a_panel(rng)
            side = Side.SHORT if rng.random() < 0.5 else Side.LONG
            ticket, _ = a_ticket(rng, panel, side)
            got = walk(lay(panel).lanes[side], FLOATS, ticket)
            seen[REASONS[got.reason], int(side)] = seen.get((REASONS[got.reason], int(side)), 0) + 1
            ambiguous += got.ambiguous
    assert {reason for reason, _ in seen} == set(REASONS)
    assert len(seen) == 2 * len(REASONS)
    assert ambiguous > 5


def test_long_quiet_stretches_agree_with_short_ones() -> None:
    """A walk of thousands of bars passes whole blocks at once and still meets the same bar as a walk bar by bar."""
    rng = np.random.default_rng(5)
    n = 5000
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.001, n)))
    open_ = np.round(np.concatenate([[1000.0], close[:-1]]), 1)
    close = np.round(close, 1)
    high, low = np.maximum(open_, close) + 0.3, np.minimum(open_, close) - 0.3
    panel = Panel(
        instrument=INSTRUMENT, interval_ns=HOUR_NS, time_ns=np.arange(n, dtype=np.int64) * HOUR_NS, open=open_,
        high=high, low=low, close=close, volume=np.ones(n),
    )  # fmt: skip
    for side in Side:
        lane = lay(panel).lanes[side]
        for start in range(0, n, 97):
            ref = int(lane.open[start])
            for away in (60, 200, 500):
                ticket = Ticket(
                    10, 10, start, n, 0, 0, ref + away, 0, ref - away, -NEVER, NEVER, 0, 0, 1, 0.0, 0.0, 0.0, 0.0, 0.0
                )
                hits = np.flatnonzero(
                    (np.array(lane.high[start:]) >= ref + away) | (np.array(lane.low[start:]) <= ref - away - 1)
                )
                want = start + int(hits[0]) if len(hits) else n - 1
                assert walk(lane, FLOATS, ticket).bar == want
                trailing = replace_trail(ticket, 40)
                assert walk(lane, FLOATS, trailing).bar == first_trail(lane, trailing)


def replace_trail(ticket: Ticket[float], trail: int) -> Ticket[float]:
    return ticket._replace(trail=trail)


def first_trail(lane: Lane[float], ticket: Ticket[float]) -> int:
    best = None
    for i in range(ticket.start, ticket.end):
        stop = ticket.stop if best is None else min(ticket.stop, best + ticket.trail)
        if lane.high[i] >= stop or lane.low[i] <= ticket.target1 - 1:
            return i
        best = lane.low[i] if best is None else min(best, lane.low[i])
    return ticket.end - 1


def test_arrays_are_not_changed() -> None:
    """The panel that was laid out is as it was."""
    panel = a_panel(np.random.default_rng(1))
    before = panel.close.copy()
    course = lay(replace(panel))
    ticket, _ = a_ticket(np.random.default_rng(2), panel, Side.LONG)
    walk(course.lanes[Side.LONG], FLOATS, ticket)
    assert np.array_equal(panel.close, before)
