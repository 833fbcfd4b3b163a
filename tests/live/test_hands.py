"""Trading by hand on an exchange that runs, without a bot and beside one: what the venue has afterwards."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live.kit import SYMBOL, Eye, control

from bearskin.app import _hands as hands
from bearskin.app._cli import run
from bearskin.app._runs import bot_of, runs_of
from bearskin.app._trade import trade
from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread
from bearskin.terms import BadInput, parse_time

OTHER = "ETHUSDT"
D = Decimal


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """A home with an exchange that stands still unless it is pushed."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    home = tmp_path_factory.mktemp("hands")
    options = ExchangeOptions(
        folder=home / "exchange" / "demo", port=0, symbols=(SYMBOL, OTHER), prices="manual", crowd=False, limits=False,
        deposit=Decimal(100_000),
    )  # fmt: skip
    running = start_in_thread(options)
    control(running, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
    control(running, "POST", f"/symbols/{OTHER}/index", {"price": "3000"})
    yield home, running
    running.stop()


@pytest.fixture
def home(desk: tuple[Path, Running]) -> Iterator[Path]:
    """The home, with nothing open and nothing paused afterwards."""
    yield desk[0]
    hands.panic(foreign=True, home=desk[0])
    hands.resume(limits=True, home=desk[0])


@pytest.fixture
def eye(desk: tuple[Path, Running]) -> Eye:
    """The exchange's own books."""
    return Eye(desk[1])


def stops(eye: Eye, symbol: str = SYMBOL) -> list[Decimal]:
    """Triggers of the conditional orders that rest."""
    return sorted(D(row["triggerPrice"]) for row in eye.signed("GET", "/fapi/v1/openAlgoOrders", symbol=symbol))


def limits(eye: Eye, symbol: str = SYMBOL) -> list[Decimal]:
    """Prices of the limit orders that rest."""
    return sorted(D(row["price"]) for row in eye.signed("GET", "/fapi/v1/openOrders", symbol=symbol))


def told(capsys: pytest.CaptureFixture[str], home: Path, words: str) -> tuple[int, dict[str, Any]]:
    """How a command line ends, and its one object."""
    code = run(["--home", str(home), "--json", *words.split()])
    (line,) = capsys.readouterr().out.splitlines()
    return code, json.loads(line)


def test_opened_moved_closed_in_parts_and_reversed(home: Path, eye: Eye) -> None:
    opened = hands.short(SYMBOL, stop="62000", target=["57000"], qty="0.1", home=home)
    assert (opened.outcome, eye.position(), stops(eye)) == ("protected", D("-0.1"), [D(62000)])
    moved = hands.move_stop(SYMBOL, stop="61000", home=home)
    assert (moved.outcome, stops(eye)) == ("protected", [D(61000)])
    with pytest.raises(BadInput, match="one of the two"):
        hands.move_stop(SYMBOL, home=home)
    aimed = hands.move_target(SYMBOL, "56500", home=home)
    assert (aimed.outcome, aimed.detail, limits(eye), stops(eye)) == (
        "resting", "target 1 goes to 56500", [D(56500)], [D(61000)],
    )  # fmt: skip
    with pytest.raises(BadInput, match="wrong side"):
        hands.move_target(SYMBOL, "60100", home=home)
    half = hands.close(SYMBOL, part="50%", home=home)
    assert (half.outcome, eye.position()) == ("done", D("-0.05"))
    assert half.position is not None
    assert half.position["protected"]
    resting = hands.close(SYMBOL, part="40%", price="55000", home=home)
    assert (resting.outcome, eye.position()) == ("resting", D("-0.05"))
    assert D(55000) in limits(eye)
    turned = hands.reverse(SYMBOL, stop="58000", home=home)
    assert turned.outcome == "protected", turned
    assert eye.position() > 0
    assert stops(eye) == [D(58000)]
    assert hands.close(SYMBOL, home=home).outcome == "closed"
    assert (eye.position(), stops(eye), limits(eye)) == (0, [], [])


def test_margin_is_added_and_taken_out_again_and_not_more_than_risk_lets_it(
    home: Path, eye: Eye, capsys: pytest.CaptureFixture[str]
) -> None:
    def margin() -> Decimal:
        (row,) = (one for one in eye.signed("GET", "/fapi/v2/positionRisk", symbol=SYMBOL) if D(one["positionAmt"]))
        return D(row["isolatedMargin"])

    opened = hands.short(SYMBOL, stop="62000", qty="0.1", home=home)
    assert opened.position is not None
    before = margin()
    code, added = told(capsys, home, f"move-margin {SYMBOL} +100")
    assert (code, added["act"], added["outcome"], margin() - before) == (0, "move-margin", "done", D(100))
    assert D(added["position"]["liquidation_price"]) > D(opened.position["liquidation_price"]) + 900
    code, taken = told(capsys, home, f"move-margin {SYMBOL} -60")
    assert (code, taken["outcome"], margin() - before) == (0, "done", D(40)), taken["detail"]
    code, refused = told(capsys, home, f"move-margin {SYMBOL} -1000")
    assert (code, refused["outcome"], margin() - before) == (3, "refused", D(40))
    assert "at most 5x" in refused["detail"]


def test_to_break_even_only_once_the_trade_is_ahead(home: Path, eye: Eye, desk: tuple[Path, Running]) -> None:
    hands.short(SYMBOL, stop="62000", qty="0.02", home=home)
    refused = hands.move_stop(SYMBOL, break_even=True, home=home)
    assert refused.refused
    try:
        control(desk[1], "POST", f"/symbols/{SYMBOL}/index", {"price": "59000"})
        hands.positions(home=home)
        moved = hands.move_stop(SYMBOL, break_even=True, home=home)
        assert moved.outcome == "protected", moved
        (stop,) = stops(eye)
        assert D(59900) < stop < D(60000)
    finally:
        hands.close(SYMBOL, home=home)
        control(desk[1], "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})


def test_a_hedge_has_no_stop_and_the_margin_for_its_shock(home: Path, eye: Eye) -> None:
    opened = hands.short(SYMBOL, hedge=True, shock="30%", qty="0.5", home=home)
    assert (opened.outcome, eye.position(), stops(eye)) == ("done", D("-0.5"), [])
    assert opened.position is not None
    assert opened.position["purpose"] == "hedge"
    assert D(opened.position["liquidation_price"]) > D(60000) * D("1.3")
    assert "30" in opened.detail
    mixed = hands.short(SYMBOL, stop="62000", qty="0.01", home=home)
    assert mixed.refused
    assert "hedge" in mixed.detail
    assert eye.position() == D("-0.5")
    hands.close(SYMBOL, home=home)
    hands.short(SYMBOL, stop="62000", qty="0.01", home=home)
    mixed = hands.short(SYMBOL, hedge=True, shock="30%", qty="0.5", home=home)
    assert mixed.refused
    assert "speculation" in mixed.detail


def test_a_hedge_that_cannot_live_through_its_shock_is_refused_with_the_figures(home: Path, eye: Eye) -> None:
    with pytest.raises(BadInput, match="--qty"):
        hands.short(SYMBOL, hedge=True, shock="30%", home=home)
    refused = hands.short(SYMBOL, hedge=True, shock="60%", qty="5", home=home)
    assert refused.refused
    have, need = (D(found.replace(",", "")) for found in re.findall(r"[\d,]{4,}(?:\.\d+)?", refused.detail)[:2])
    assert 0 < have < need
    assert eye.position() == 0


def test_a_hedge_may_have_a_disaster_stop_within_liquidation(home: Path, eye: Eye) -> None:
    opened = hands.short(SYMBOL, hedge=True, shock="20%", qty="0.2", stop="74000", home=home)
    assert (opened.outcome, stops(eye)) == ("protected", [D(74000)])
    assert opened.position is not None
    assert D(opened.position["liquidation_price"]) > 74_000


def test_what_is_not_ours_is_adopted_with_a_stop_or_left_alone(home: Path, eye: Eye) -> None:
    eye.market(D("-0.05"))
    seen = hands.positions(home=home)
    assert (seen["positions"], list(seen["foreign"])) == ([], [SYMBOL])
    barred = hands.short(SYMBOL, stop="62000", qty="0.01", home=home)
    assert barred.refused
    assert "not ours" in barred.detail
    beyond = hands.adopt(SYMBOL, stop="59000", home=home)
    assert beyond.refused
    assert "wrong side" in beyond.detail
    assert hands.panic(home=home).outcome == "closed"
    assert eye.position() == D("-0.05")
    hands.resume(home=home)
    taken = hands.adopt(SYMBOL, stop="61500", home=home)
    assert (taken.outcome, stops(eye)) == ("protected", [D(61500)])
    assert hands.close(SYMBOL, home=home).outcome == "closed"
    assert eye.position() == 0


def test_panic_with_foreign_asks_and_closes_everything(home: Path, eye: Eye) -> None:
    eye.market(D("0.5"), OTHER)
    hands.short(SYMBOL, stop="62000", qty="0.01", home=home)
    with pytest.raises(BadInput, match="nothing was closed"):
        hands.panic(foreign=True, confirm=lambda question: OTHER not in question, home=home)
    assert eye.position(OTHER) == D("0.5")
    assert hands.panic(foreign=True, confirm=lambda _: True, home=home).outcome == "closed"
    assert (eye.position(), eye.position(OTHER), stops(eye)) == (0, 0, [])
    shut = hands.short(SYMBOL, stop="62000", qty="0.01", home=home)
    assert shut.refused
    assert "panic" in shut.detail


def test_a_pause_lasts_over_commands_until_it_is_lifted(home: Path, eye: Eye) -> None:
    assert hands.pause(home=home).outcome == "done"
    assert hands.positions(home=home)["mode"]["paused"]
    assert hands.short(SYMBOL, stop="62000", qty="0.01", home=home).refused
    assert hands.resume(home=home).outcome == "done"
    assert hands.short(SYMBOL, stop="62000", qty="0.01", home=home).outcome == "protected"


def test_scripts_get_signed_texts_and_times(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, opened = told(capsys, home, f"short {SYMBOL} --stop 62000 --qty 0.03 --target 58000")
    assert (code, opened["outcome"], opened["position"]["qty"]) == (0, "protected", "-0.03")
    code, seen = told(capsys, home, "positions")
    (position,) = seen["positions"]
    assert code == 0
    assert set(seen) == {"run", "venue", "time", "account", "mode", "channels", "positions", "foreign"}
    assert position["qty"] == "-0.03"
    for name in (
        "entry",
        "mark",
        "stop",
        "liquidation_price",
        "pnl",
        "fees",
        "funding",
        "leverage",
        "liquidation_frac",
    ):
        assert isinstance(position[name], str), name
        D(position[name])
    assert all(isinstance(seen["account"][name], str) for name in ("wallet", "equity", "open_risk"))
    assert isinstance(seen["account"]["available"], str | None)  # not known between a fill and the venue's word
    for time in (seen["time"], position["entered"]):
        assert time.endswith("Z")
        assert parse_time(time) > 0
    _, resting = told(capsys, home, "orders")
    by_role = {order["role"]: order for order in resting["orders"]}
    assert set(resting) == {"run", "venue", "time", "orders"}
    assert (by_role["stop"]["qty"], by_role["stop"]["trigger"]) == ("0.03", "62000")
    assert (by_role["target"]["qty"], by_role["target"]["price"]) == ("0.03", "58000")
    code, _ = told(capsys, home, f"note {SYMBOL} rich_funding")
    assert told(capsys, home, "positions")[1]["positions"][0]["thesis"] == "rich_funding"
    code, refused = told(capsys, home, f"short {SYMBOL} --stop 62000")
    assert (code, refused["outcome"]) == (3, "refused")
    code, wrong = told(capsys, home, f"short {OTHER} --stop 2000")
    assert (code, wrong["error"]["kind"]) == (2, "BadInput")


def test_two_hands_at_once_both_get_done(home: Path, eye: Eye) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(
            lambda asked: hands.short(asked[0], stop=asked[1], qty=asked[2], home=home),
            [(SYMBOL, "62000", "0.01"), (OTHER, "3100", "0.1")],
        )
        assert [one.outcome for one in found] == ["protected", "protected"]
    assert (eye.position(), eye.position(OTHER)) == (D("-0.01"), D("-0.1"))


@contextlib.contextmanager
def bot(home: Path) -> Iterator[None]:
    """A bot at work in a thread."""
    ready, over = threading.Event(), threading.Event()

    class Over(Exception):
        """The test is done."""

    def shown(_: Any) -> None:
        ready.set()
        if over.is_set():
            raise Over

    def work(then: Callable[..., Any]) -> None:
        with contextlib.suppress(Over):
            then(sides="none", home=home, shown=shown)

    thread = threading.Thread(target=work, args=(trade,))
    thread.start()
    try:
        assert ready.wait(20)
        yield
    finally:
        over.set()
        thread.join(60)


def test_beside_a_bot_it_is_the_bot_that_acts(home: Path, eye: Eye, capsys: pytest.CaptureFixture[str]) -> None:
    with bot(home):
        (running,) = [one for one in runs_of(home / "journal") if bot_of(one)]
        assert [one["running"] for one in hands.runs(home=home)].count(True) == 1
        opened = hands.short(SYMBOL, stop="62000", qty="0.01", home=home)
        assert (opened.outcome, opened.run) == ("protected", running.id), opened
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda stop: hands.long(OTHER, stop=stop, qty="0.1", home=home), ["2900", "2890"]))
        assert sorted(one.outcome for one in both) == ["protected", "refused"]
        assert eye.position(OTHER) == D("0.1")
        assert told(capsys, home, "positions")[1]["run"] == running.id
        assert hands.panic(home=home).outcome == "closed"
        assert (eye.position(), eye.position(OTHER)) == (0, 0)
        hands.resume(home=home)
    assert not any(one["running"] for one in hands.runs(home=home))
