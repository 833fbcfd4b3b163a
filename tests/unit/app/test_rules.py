"""Alert rules: what a person may say, how they are kept, and when they ring in a bot."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from unit.app.bot_kit import START_NS, at, watched

from bearskin.app._home import Home
from bearskin.app._rules import (
    FILE,
    Rang,
    add_rule,
    change_rule,
    rang_rule,
    read_rules,
    remove_rule,
    rule_of,
)
from bearskin.app._rules_bell import Bell, position_ratio, ringing
from bearskin.engine import Record, Signalled
from bearskin.margin import liquidation_price, tiers_of
from bearskin.market import load_brackets
from bearskin.terms import BadInput, Marked, Pulse, Side

SECOND_NS = 10**9


@pytest.fixture
def place(tmp_path):
    return Home(root=tmp_path, origin="here")


class Desk:
    """A bot as it might run, whose clock is set by hand."""

    def __init__(self, home):
        self.watch, self.seconds = watched(), 300.0
        self.said: list[str] = []
        brackets = {"BTCUSDT": load_brackets().get("binance", "BTCUSDT")}
        self.bell = Bell(home=home, watch=self.watch, brackets=brackets, clocks=self.clocks)
        self.bell.tell += [self.watch.told, lambda _, record: self.said.append(record.notes[0].text)]
        self.watch.listeners.append(self.bell.heard)

    def clocks(self):
        moment = START_NS + int(self.seconds * SECOND_NS)
        return moment, moment

    def mark(self, price, symbol="BTCUSDT", rate="0.0001"):
        self.watch.heard(Marked(**at(self.seconds), symbol=symbol, mark=Decimal(price), rate=Decimal(rate)))

    def look(self, after_s=1.0):
        self.seconds += after_s
        rang = self.bell.look()
        for one in rang:
            rang_rule(self.bell.home, one)
        return [one.text for one in rang]


def price(value="62000", **more):
    return {"about": "price", "symbol": "BTCUSDT", "compare": "above", "value": value, **more}


def test_a_rule_is_kept_changed_switched_and_deleted(place):
    made = add_rule(place, price(note="resistance"))
    assert read_rules(place).rules == (made,)
    assert made.text == "BTCUSDT mark price above 62,000"
    changed = change_rule(place, made.id, {"value": "63000", "on": False})
    assert (changed.value, changed.on, changed.note) == (Decimal(63_000), False, "resistance")
    assert read_rules(place).rules == (changed,)
    remove_rule(place, made.id)
    assert read_rules(place).rules == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"about": "weather"}, "about was 'weather', must be one of price"),
        ({"about": "price", "compare": "above", "value": "5"}, "names its symbol"),
        (price("-5"), "must be above zero"),
        (price("much"), "price was 'much', must be a number"),
        (price("NaN"), "price was 'NaN'"),
        (price(None), "say at which mark price"),
        (price(compare="near"), "compare was 'near', must be one of above, below"),
        (price(symbol="../etc"), "symbol was"),
        ({"about": "liquidation-distance", "compare": "below", "value": "8"}, "write 8%"),
        ({"about": "margin-ratio", "compare": "above", "value": "-5%"}, "must be above zero"),
        ({"about": "setup", "setup": "nothing"}, "setup was 'nothing', must be one of failed_breakout"),
        (price(pause_s="1s"), "the pause was 1 s"),
        (price(urgent="yes"), "must be true or false"),
        (price(note="x" * 201), "at most 200 signs"),
        (price(id="mine"), "'id' is nothing a rule has"),
    ],
)
def test_what_cannot_be_a_rule_is_said_in_a_sentence_and_nothing_is_written(place, given, words):
    with pytest.raises(BadInput, match=words):
        add_rule(place, given)
    assert not (place.root / FILE).exists()


def test_a_damaged_file_is_said_and_not_written_over(place):
    (place.root / FILE).write_text('{"version": 1, "rules": [{"about"')
    for act in (lambda: read_rules(place), lambda: add_rule(place, price())):
        with pytest.raises(BadInput, match="cannot be read"):
            act()
    assert (place.root / FILE).read_text().endswith('{"about"')


def test_a_price_rule_rings_once_and_is_off_then(place):
    desk, made = Desk(place), add_rule(place, price())
    assert desk.look() == []
    desk.mark("61999.9")
    assert desk.look() == []
    desk.mark("62013.4")
    assert desk.look() == ["BTCUSDT mark price is 62,013.4, above 62,000"]
    kept = read_rules(place).rule(made.id)
    assert (kept.on, kept.rang) == (False, 1)
    desk.mark("61000")
    desk.look()
    desk.mark("62500")
    assert desk.look() == []


def test_a_price_that_only_touched_between_two_looks_rings(place):
    desk = Desk(place)
    add_rule(place, price(note="wick"))
    desk.look()
    for one in ("61000", "62500", "61000"):
        desk.mark(one)
    assert desk.look() == ["BTCUSDT mark price is 62,500, above 62,000 (wick)"]


def test_every_time_means_each_time_it_becomes_true_with_the_pause_between(place):
    desk = Desk(place)
    add_rule(place, price(often="always", pause_s=60))
    desk.mark("62100")
    assert len(desk.look()) == 1
    desk.mark("62200")
    assert desk.look(100) == [], "it has been true all the time"
    desk.mark("61000")
    desk.look()
    desk.mark("62100")
    assert len(desk.look()) == 1
    desk.mark("61000")
    desk.look()
    desk.mark("62300")
    assert desk.look(10) == [], "the pause is not over"
    assert len(desk.look(60)) == 1, "it is still true when the pause is over"


def test_a_restart_keeps_the_pause(place):
    desk = Desk(place)
    add_rule(place, price(often="always", pause_s=600))
    desk.mark("62100")
    assert len(desk.look()) == 1
    again = Desk(place)
    again.seconds = desk.seconds
    again.mark("62100")
    assert again.look() == []
    assert len(again.look(700)) == 1


def test_a_rule_changed_in_the_file_is_taken_up_while_it_runs(place):
    desk, made = Desk(place), add_rule(place, price())
    desk.mark("61000")
    desk.look()
    change_rule(place, made.id, {"value": "60500"})
    assert desk.look() == ["BTCUSDT mark price is 61,000, above 60,500"]


def test_funding_of_any_symbol_rings(place):
    desk = Desk(place)
    add_rule(place, {"about": "funding", "compare": "below", "value": "-0.02 %"})
    desk.mark("60000", rate="-0.0003")
    assert desk.look() == ["BTCUSDT funding rate is −0.03 %, below −0.02 %"]


def test_the_way_to_liquidation_and_the_margin_ratio_of_a_position_ring(place):
    desk = Desk(place)
    add_rule(place, {"about": "liquidation-distance", "compare": "below", "value": "8%", "symbol": "BTCUSDT"})
    add_rule(place, {"about": "margin-ratio", "compare": "above", "value": "0.04", "symbol": "BTCUSDT"})
    desk.mark("60000")
    assert desk.look() == []
    desk.mark("67000")
    rang = desk.look()
    assert [one.split(" is ")[0] for one in rang] == ["BTCUSDT the way to liquidation", "BTCUSDT the margin ratio"]


def test_the_margin_ratio_is_one_at_the_liquidation_price_and_maintenance_over_margin_before():
    brackets = load_brackets().get("binance", "BTCUSDT")
    qty, cost, margin = Decimal("-0.05"), Decimal(-3_000), Decimal(600)
    end = liquidation_price(tiers_of(brackets, Decimal), qty, cost, margin)
    told = {"qty": str(qty), "liquidation_price": str(end), "mark": "60000"}
    assert position_ratio(told, brackets) == pytest.approx(Decimal(3_000) * Decimal("0.004") / margin)
    assert position_ratio({**told, "mark": str(end)}, brackets) == pytest.approx(Decimal(1))
    assert position_ratio({**told, "mark": "90000"}, brackets) == 1
    assert position_ratio({**told, "liquidation_price": None}, brackets) is None
    assert position_ratio(told, None) is None


def test_a_set_up_rings_by_its_name_and_side(place):
    desk = Desk(place)
    add_rule(place, {"about": "setup", "setup": "stop_hunt", "side": "short", "often": "always", "pause_s": 10})
    note = Signalled(
        **at(301), symbol="BTCUSDT", setup="stop_hunt", side=Side.SHORT, known_ns=START_NS, entry_ref=60_000.0,
        stop=62_500.0, targets=(55_000.0,), why="a sweep above 61,000",
    )  # fmt: skip
    desk.bell.told(1, Record(Pulse(**at(301)), (note,)))
    assert desk.look() == ["BTCUSDT short set-up stop_hunt: a sweep above 61,000"]
    assert desk.look(60) == [], "it was found once"


def test_what_rings_stands_among_the_warnings_of_the_bot_and_goes_to_who_listens(place):
    desk = Desk(place)
    add_rule(place, price(urgent=True))
    desk.mark("62100")
    desk.look()
    warning = desk.watch.state(desk.clocks()[1])["warnings"][-1]
    assert (warning["kind"], warning["severity"], warning["symbol"]) == ("rule", "critical", "BTCUSDT")
    assert desk.said == [warning["text"]]


def test_a_rule_deleted_while_it_rings_is_passed_over(place):
    rang_rule(place, Rang(at="2026-11-22T11:00:00Z", rule="gone", symbol="BTCUSDT", text="x"))
    assert read_rules(place).rules == ()


def test_a_file_that_breaks_while_it_runs_leaves_the_rules_that_were_read(place):
    desk = Desk(place)
    add_rule(place, price())
    desk.look()
    (place.root / FILE).write_text("{")
    desk.mark("62100")
    desk.seconds += 1
    assert [one.text for one in desk.bell.look()] == ["BTCUSDT mark price is 62,100, above 62,000"]


def test_the_bell_rings_by_itself_and_keeps_what_rang(place):
    desk = Desk(place)
    add_rule(place, price())
    desk.mark("62100")

    async def story():
        async with ringing(desk.bell):
            for _ in range(100):
                if read_rules(place).rang:
                    return
                await asyncio.sleep(0.02)

    asyncio.run(story())
    assert [one.text for one in read_rules(place).rang] == ["BTCUSDT mark price is 62,100, above 62,000"]


def test_a_rule_in_the_file_may_name_a_set_up_that_is_not_loaded_here(place):
    rule = replace(rule_of({"about": "setup"}), setup="my_own")
    add_rule(place, {"about": "setup"})
    text = (place.root / FILE).read_text().replace('"setup": ""', '"setup": "my_own"')
    (place.root / FILE).write_text(text)
    assert read_rules(place).rules[0].setup == rule.setup
