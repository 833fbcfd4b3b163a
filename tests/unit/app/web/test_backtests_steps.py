"""A rehearsal bar by bar: what is told does not depend on what comes, and the rules are those of the kernel."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bearskin.app._house import House, open_house
from bearskin.app.web import _steps as steps
from bearskin.market import Funding, Store, write_synthetic
from bearskin.terms import BadInput

START = "2025-01-20"
Make = Callable[..., steps.Rehearsal]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds 40 made-up days."""
    home = tmp_path_factory.mktemp("home")
    write_synthetic(Store(home / "store"), seed=3, symbols=["BTCUSDT"], days=40)
    return home


@pytest.fixture
def house(made: Path, home: Path) -> House:
    """Its house; nothing of the environment reaches it."""
    assert home != made
    return open_house(made, venue="synthetic")


@pytest.fixture
def make(house: House) -> Make:
    """Begins a rehearsal of its market."""

    def go(bars: int = 60, **words: Any) -> steps.Rehearsal:
        return steps.begin(house, {"symbols": "BTCUSDT", "start": START, "venue": "synthetic", **words}, bars, "store")

    return go


def bent(on: steps.Rehearsal, from_bar: int, by: float) -> steps.Rehearsal:
    """The same rehearsal in a market whose bars from `from_bar` on cost `by` times as much."""
    panel, changes = on.panel, {}
    for field in dataclasses.fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            value = value.copy()
            value[from_bar:] *= by
            changes[field.name] = value
        elif isinstance(value, Funding):
            rate = np.where(value.time_ns >= panel.time_ns[from_bar], 0.01, value.rate)
            changes[field.name] = dataclasses.replace(value, rate=rate)
    return dataclasses.replace(on, panel=dataclasses.replace(panel, **changes), told=list(on.told), hand=[])


def bend_bar(on: steps.Rehearsal, bar: int, **prices: float) -> None:
    """Change prices of one bar, trade and mark alike."""
    for name, value in prices.items():
        getattr(on.panel, name)[bar] = value
        getattr(on.panel, f"mark_{name}")[bar] = value


def test_nothing_that_is_told_depends_on_bars_that_are_not_shown(make: Make) -> None:
    on = make()
    other = bent(on, on.first + 45, 1.5)
    assert json.dumps({**steps.opened(on), "id": ""}) == json.dumps({**steps.opened(other), "id": ""})
    signals = 0
    for k in range(45):
        a, b = steps.step(on), steps.step(other)
        assert json.dumps(a) == json.dumps(b)
        signals += len(a["signals"])
        if k == 3:
            price = on.price
            sent = [steps.trade(one, "short", str(price * 1.05), str(price * 0.9)) for one in (on, other)]
            assert sent[0] == sent[1]
            assert sent[0]["sent"]
    assert signals > 0
    assert json.dumps(steps.step(on)) != json.dumps(steps.step(other))


def test_a_page_begins_with_the_past_alone(make: Make) -> None:
    on = make()
    found = steps.opened(on)
    last = found["bars"][-1]
    assert last["time_ms"] * 1_000_000 + on.panel.interval_ns == on.now_ns == int(on.panel.time_ns[on.first])
    assert found["step"] == 0
    shown = {bar["close"] for bar in found["bars"]}
    assert not shown & set(on.panel.close[on.first :].tolist())


def test_a_trade_by_hand_enters_at_the_next_open_with_costs(make: Make) -> None:
    on = make()
    steps.step(on)
    price = on.price
    found = steps.trade(on, "short", str(price * 1.05), str(price * 0.9))
    assert found["refused"] is None
    assert found["qty"].startswith("-")
    assert steps.state(on)["mine"]["pending"][0]["side"] == "short"
    after = steps.step(on)
    opened = after["mine"]["open"][0]
    slip = float(on.request.slippage_frac)
    assert float(opened["entry"]) == pytest.approx(after["bar"]["open"] * (1 - slip), rel=1e-6)
    assert float(opened["fees"]) > 0
    assert float(opened["qty"]) == pytest.approx(float(found["qty"]))


def test_a_stop_and_a_target_in_one_bar_mean_the_stop(make: Make) -> None:
    on = make()
    steps.step(on)
    price, bar = on.price, on.shown + 1
    stop, target = price * 1.02, price * 0.98
    for k in (on.shown, bar):
        bend_bar(on, k, open=price, high=price * 1.001, low=price * 0.999, close=price)
    bend_bar(on, bar, high=price * 1.05, low=price * 0.95)
    steps.trade(on, "short", str(stop), str(target))
    steps.step(on)
    done = steps.step(on)["mine"]["trades"][0]
    assert done["left_by"] == "stop"
    assert done["ambiguous"] is True
    assert float(done["r"]) == pytest.approx(-1, abs=0.02)


def test_closing_by_hand_leaves_at_the_next_open(make: Make) -> None:
    on = make()
    steps.step(on)
    price = on.price
    steps.trade(on, "long", str(price * 0.94))
    steps.step(on)
    steps.leave(on)
    after = steps.step(on)
    left = after["mine"]["trades"][0]
    slip = float(on.request.slippage_frac)
    assert left["left_by"] == "closed by hand"
    assert float(left["exit"]) == pytest.approx(after["bar"]["open"] * (1 - slip), rel=1e-6)
    with pytest.raises(BadInput, match="no trade of yours"):
        steps.leave(on)


def test_a_trade_that_has_not_entered_is_taken_back(make: Make) -> None:
    on = make()
    steps.step(on)
    steps.trade(on, "long", str(on.price * 0.96))
    steps.leave(on)
    assert steps.step(on)["mine"]["open"] == []


@pytest.mark.parametrize(
    ("side", "stop", "target", "said"),
    [
        ("short", 0.99, None, "stop of a short lies above"),
        ("long", 1.01, None, "stop of a long lies below"),
        ("short", 1.02, 1.01, "target of a short lies below"),
        ("up", 1.02, None, "side"),
    ],
)
def test_prices_on_the_wrong_side_are_refused(
    make: Make, side: str, stop: float, target: float | None, said: str
) -> None:
    on = make()
    with pytest.raises(BadInput, match=said):
        steps.trade(on, side, str(on.price * stop), None if target is None else str(on.price * target))
    with pytest.raises(BadInput, match="needs a stop"):
        steps.trade(on, "short", None)
    assert on.hand == []


def test_preflight_is_that_of_the_bot(make: Make) -> None:
    on = make(preset="beginner", leverage="20")
    found = steps.trade(on, "short", str(on.price * 1.02))
    assert found["refused"] is not None
    assert not found["sent"]
    assert on.hand == []
    asked = make()
    steps.trade(asked, "short", str(asked.price * 1.02), send=False)
    assert asked.hand == []
    steps.trade(asked, "short", str(asked.price * 1.02))
    second = steps.trade(asked, "long", str(asked.price * 0.98))
    assert "in a trade already" in second["refused"]


def test_the_score_stands_against_the_set_ups_and_against_nothing(make: Make) -> None:
    on = make(bars=200)
    while on.more:
        found = steps.step(on)
    assert found["nothing"]["net"] == "0.00"
    assert found["mine"]["net"] == "0.00"
    assert len(found["setups"]["trades"]) > 0
    assert "proves nothing" in found["score"]
    with pytest.raises(BadInput, match="last bar"):
        steps.step(on)


def test_the_set_ups_do_as_a_backtest_of_the_same_stretch(make: Make, house: House) -> None:
    from bearskin.backtest import run

    on = make(bars=200)
    while on.more:
        found = steps.step(on)
    until = dataclasses.replace(on.request, end_ns=int(on.panel.time_ns[on.shown - 1]) + 1)
    whole = run(until, [on.panel], on.book)
    mine = [*found["setups"]["trades"], *found["setups"]["open"]]
    assert len(mine) == whole.trades.height > 0
    assert float(found["setups"]["net"]) == pytest.approx(float(whole.summary["net"]), abs=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "bars", "said"),
    [
        ({"symbols": "all"}, 60, "one symbol"),
        ({"symbols": "BTCUSDT,ETHUSDT"}, 60, "one symbol"),
        ({"start": "2025-01-01"}, 60, "50 bars"),
        ({"start": "2031-01-01"}, 60, "bar"),
        ({}, 5, "from 10"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(make: Make, words: dict[str, str], bars: int, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make(bars, **words)


def test_without_a_start_it_begins_somewhere_with_room(house: House) -> None:
    starts = {steps.begin(house, {"symbols": "BTCUSDT", "venue": "synthetic"}, 50, "store").first for _ in range(4)}
    assert len(starts) > 1
    assert all(first >= 300 for first in starts)
