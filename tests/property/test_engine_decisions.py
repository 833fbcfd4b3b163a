"""The engine decides like the compiled backtest: the same bars, the same trades, the same reasons."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.test_setups import VARIANTS, walk

from bearskin.backtest import BacktestRequest, BacktestResult, run, run_engine
from bearskin.market import Panel
from bearskin.setups import detect
from bearskin.terms import Bracket, Brackets, Product, Side

D = Decimal


class Book:
    """Brackets made by hand for every symbol."""

    def get(self, venue: str, symbol: str, product: str = Product.LINEAR) -> Brackets:
        rows = (
            Bracket(floor=D(0), cap=D(50_000), mmr=D("0.004"), max_leverage=125, cum=D(0)),
            Bracket(floor=D(50_000), cap=D(10**9), mmr=D("0.01"), max_leverage=50, cum=D(300)),
        )
        return Brackets(venue=venue, symbol=symbol, snapshot="made up", rows=rows)


def on_the_grid(panel: Panel, symbol: str) -> Panel:
    """A walk whose prices are on a tick of 0.001, under a name of its own; the mark is the last price."""
    prices = {name: np.round(getattr(panel, name), 3) for name in ("open", "high", "low", "close")}
    marks = {f"mark_{name}": column for name, column in prices.items()}
    named = dataclasses.replace(panel.instrument, symbol=symbol, tick=D("0.001"))
    missing = np.zeros(len(panel), dtype=np.bool_)
    return dataclasses.replace(panel, instrument=named, mark_missing=missing, **prices, **marks)


ENDS = ("the symbol is not open for trading", "a series this trade needs is absent")  # one moment, two words for it


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), guards=st.booleans())
def test_the_same_bars_lead_to_the_same_trades_and_the_same_refusals(seed, guards):
    panels = [on_the_grid(walk(seed + k, 420), f"W{k}USDT") for k in range(2)]
    request = BacktestRequest(guards=guards, funding="ignore", start_ns=int(panels[0].time_ns[300]))
    compiled, engine = run(request, panels, Book()), run_engine(request, panels, Book())
    same = ["symbol", "setup", "side", "signal_time", "entry_time", "qty"]
    assert engine.trades.select(same).rows() == compiled.trades.select(same).rows()
    assert refusals(engine) == refusals(compiled)


def refusals(result: BacktestResult) -> list[tuple[object, ...]]:
    """Who was declined and why; where the data ends both decline, each in its own words."""
    rows = result.declined.select("symbol", "side", "setup", "reason").rows()
    return sorted((*row[:3], "the data ends" if row[3] in ENDS else row[3]) for row in rows)


def test_there_is_something_to_agree_on():
    found = [e for k in range(4) for e in detect(on_the_grid(walk(k, 420), "WUSDT"), params=VARIANTS["plain"])]
    assert {event.side for event in found} == {Side.SHORT, Side.LONG}
