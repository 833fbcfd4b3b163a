"""A run in figures: what happened, how long without a stop, and money that adds up to the last digit."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from bearskin.engine import (
    AnyNote,
    Declined,
    Ended,
    Equity,
    Issued,
    Planned,
    Protection,
    Record,
    Signalled,
    Warned,
    record_bytes,
    rows_of,
)
from bearskin.journal import Projection, begin_run
from bearskin.report import (
    caught_up,
    decisions_table,
    left_tables,
    orders_of,
    positions_of,
    run_json,
    run_summary,
    run_tables,
    tables_of,
    trades_table,
)
from bearskin.terms import (
    AccountNow,
    AnyEvent,
    BalanceNow,
    BarClosed,
    Filled,
    Funded,
    Place,
    PlaceStop,
    PositionNow,
    Pulse,
    Side,
    client_id,
)

D = Decimal
T0 = 1_760_000_000_000_000_000
SECOND = 1_000_000_000


class Story:
    """Records of one bot (tag demo), a second apart."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    @property
    def now(self) -> dict[str, int]:
        at = T0 + len(self.records) * SECOND
        return {"time_ns": at, "wall_ns": at + 5}

    def told(self, event: AnyEvent | None = None, *notes: AnyNote) -> Story:
        self.records.append(Record(event or Pulse(**self.now), notes))
        return self

    def wallet(self, amount: str) -> Story:
        return self.told(BalanceNow(**self.now, asset="USDT", wallet=D(amount)))

    def planned(self, trade: int, qty: str = "-0.5", *, origin: str = "setup:stop_hunt", **given: Any) -> Story:
        plan = Planned(
            **self.now, trade=trade, symbol="BTCUSDT", side=Side.SHORT, leg="BOTH", purpose="speculation",
            origin=origin, qty=D(qty), entry_ref=D(60000), stop=D(62500), leverage=D(5),
            liquidation_price=D("71713.15"), why="wick above the range", **given,
        )  # fmt: skip
        entry = Place(symbol="BTCUSDT", client_id=client_id("demo", trade, "entry", 0), role="entry", qty=D(qty))
        stop = PlaceStop(
            symbol="BTCUSDT", client_id=client_id("demo", trade, "stop", 0), role="stop", qty=-D(qty), trigger=D(62500)
        )
        return self.told(
            None,
            plan,
            *(Issued(**self.now, trade=trade, command=command, why="as planned") for command in (entry, stop)),
        )

    def filled(self, trade: int, role: Any, qty: str, price: str, **given: Any) -> Story:
        told = {"client_id": client_id("demo", trade, role, 0), "venue_id": "1", "fee": D("0.1"), "realised": D(0)}
        number = str(len(self.records))
        return self.told(
            Filled(**self.now, symbol="BTCUSDT", trade_id=number, qty=D(qty), price=D(price), **(told | given))
        )

    def protected(self, trade: int, seconds: float) -> Story:
        return self.told(None, self.protection(trade, True, seconds))

    def protection(self, trade: int, on: bool, seconds: float = 0.0) -> Protection:
        covered = D("-0.5") if on else D(0)
        return Protection(
            **self.now, trade=trade, symbol="BTCUSDT", protected=on, open_qty=D("-0.5"), covered_qty=covered,
            unprotected_s=seconds,
        )  # fmt: skip

    def ended(self, trade: int, net: str, **given: Any) -> Story:
        told: dict[str, Any] = {"reason": "target", "qty": D("-0.5"), "entry": D(60000), "exit": D(58000), "r": 1.5}
        note = Ended(
            **self.now, trade=trade, symbol="BTCUSDT", side=Side.SHORT, origin="setup:stop_hunt", entered_ns=T0,
            gross=D(net), fees=D(0), funding=D(0), net=D(net), unprotected_s_max=0.2, **(told | given),
        )  # fmt: skip
        return self.told(None, note)


def one_trade() -> Story:
    """10,000 in the wallet, a short filled in two parts, funding received, closed with a profit of 999.98."""
    story = Story().wallet("10000").planned(1)
    story.filled(1, "entry", "-0.3", "60000", fee=D("0.00000001")).filled(1, "entry", "-0.2", "60000.1")
    story.protected(1, 0.125).told(Funded(**story.now, symbol="BTCUSDT", amount=D("3.33333333")))
    story.filled(1, "target", "0.5", "58000", realised=D("1000.02"))
    return story.ended(1, "999.98").wallet("11003.15333332")


@pytest.fixture
def projection(database: str) -> Iterator[Projection]:
    made = Projection.open(database)
    yield made
    made.close()


def summed(projection: Projection, records: Sequence[Record]) -> Any:
    projection.begin("r", {"venue": "demo", "tag": "demo"})
    for sequence, record in enumerate(records, 1):
        projection.apply("r", sequence, rows_of(sequence, record, "demo"))
    return run_summary(projection, "r")


def test_a_trade_from_wallet_to_wallet_adds_up_to_the_last_digit(projection):
    told = run_json(summed(projection, one_trade().records))
    assert (told["entries"], told["exits"], told["open"]) == (1, 1, 0)
    assert (told["realised"], told["fees"], told["funding"]) == ("1000.02", "0.20000001", "3.33333333")
    assert (told["wallet_start"], told["wallet_end"]) == ("10000", "11003.15333332")
    assert told["wallet_unexplained"] == "0"
    assert told["unexplained"] == []
    assert told["max_unprotected_s"] == 0.2
    assert told["by_origin"][0] == {
        "origin": "setup:stop_hunt", "signals": 0, "declined": 0, "entries": 1, "exits": 1, "wins": 1,
        "net": "999.98", "r_mean": 1.5,
    }  # fmt: skip


def test_funding_that_is_told_after_the_end_is_of_the_trade_it_was_paid_on(projection):
    story = one_trade()
    paid = Funded(time_ns=story.now["time_ns"] - 2 * SECOND, wall_ns=0, symbol="BTCUSDT", amount=D("0.5"))
    told = run_json(summed(projection, story.told(paid).wallet("11003.65333332").records))
    assert (told["funding"], told["wallet_unexplained"], told["unexplained"]) == ("3.83333333", "0", [])


def test_a_position_that_was_closed_since_the_last_account_is_not_shown_as_somebody_elses(projection):
    story = Story().wallet("10000").planned(1).filled(1, "entry", "-0.5", "60000")
    ours = (PositionNow(symbol="BTCUSDT", qty=D("-0.5"), entry=D(60000), mark=D(59000)),)
    told = {"asset": "USDT", "wallet": D(10000), "available": None, "orders": (), "asked_wall_ns": 1}
    story.told(AccountNow(**story.now, positions=ours, **told))
    story.filled(1, "target", "0.5", "58000").ended(1, "999.98")
    summed(projection, story.records)
    assert positions_of(projection, "r") == ()


def test_the_smallest_unit_that_is_missing_is_seen(projection):
    assert (
        run_json(summed(projection, one_trade().wallet("11003.15333331").records))["wallet_unexplained"]
        == "-0.00000001"
    )


def test_figures_of_many_digits_are_not_rounded_on_the_way(projection):
    story = Story().wallet("123456789012345678901.000000000001").planned(1)
    story.filled(1, "entry", "-0.5", "60000", fee=D("0.000000000001")).wallet("123456789012345678901")
    assert run_json(summed(projection, story.records))["wallet_unexplained"] == "0"


def test_a_fill_told_twice_counts_once(projection):
    story = one_trade()
    again = next(record for record in story.records if isinstance(record.event, Filled))
    story.records.append(again)
    assert run_json(summed(projection, story.records))["wallet_unexplained"] == "0"


def test_what_is_not_ours_is_told_apart(projection):
    story = one_trade()
    story.filled(1, "entry", "1", "60000", client_id="web_1", realised=D("5"), fee=D("1"))
    story.told(Funded(**story.now, symbol="ETHUSDT", amount=D("-0.5"))).wallet("11006.65333332")
    summary = summed(projection, story.records)
    assert (summary.books.foreign, summary.books.sum) == (D("3.5"), 0)
    assert summary.books.realised == D("1000.02")
    assert summary.entries == 1
    assert [sentence.split()[0] for sentence in summary.books.unexplained] == ["1", "1"]
    assert "not ours" in summary.books.unexplained[0]


def test_a_liquidation_is_of_the_trade_it_hit(projection):
    story = Story().wallet("1000").planned(1).filled(1, "entry", "-0.5", "60000")
    story.filled(1, "entry", "0.5", "71800", client_id="autoclose-1", why="liquidation", realised=D("-900"), fee=D("9"))
    story.ended(1, "-909.1", reason="liquidated").wallet("90.9")
    summary = summed(projection, story.records)
    assert (summary.books.realised, summary.books.fees, summary.books.sum) == (D("-900"), D("9.1"), 0)
    assert summary.books.foreign == 0


def test_profit_that_the_venue_does_not_tell_is_worked_out_and_said(projection):
    story = Story().wallet("1000").planned(1)
    story.filled(1, "entry", "-0.3", "60000", realised=None).filled(1, "entry", "-0.2", "59000", realised=None)
    story.filled(1, "exit", "0.1", "59000", realised=None).filled(1, "exit", "0.4", "60100", realised=None)
    story.wallet("859.6")  # the average entry is 59,600: 60 won, 200 lost, four fees
    summary = summed(projection, story.records)
    assert (summary.books.realised, summary.books.sum) == (D(-140), 0)
    assert "4 fills without a profit of the venue's" in summary.books.unexplained[0]


def test_fees_in_another_coin_are_told_apart(projection):
    story = Story().wallet("1000").planned(1).filled(1, "entry", "-0.5", "60000", fee=D("0.01"), fee_asset="BNB")
    told = run_json(summed(projection, story.wallet("1000").records))
    assert (told["fees"], told["fees_in_other_assets"], told["wallet_unexplained"]) == ("0", {"BNB": "0.01"}, "0")
    assert "0.01 BNB" in told["unexplained"][0]


def test_a_wallet_never_told_is_unknown_not_zero(projection):
    told = run_json(summed(projection, Story().planned(1).filled(1, "entry", "-0.5", "60000").records))
    assert (told["wallet_unexplained"], told["wallet_end"], told["equity"]) == (None, None, None)
    assert told["unexplained"] == ["the wallet was never told"]


def test_money_that_came_before_the_wallet_was_told_is_in_it(projection):
    story = Story().planned(1).filled(1, "entry", "-0.5", "60000", fee=D("7")).wallet("993").wallet("993")
    assert run_json(summed(projection, story.records))["wallet_unexplained"] == "0"


def test_seconds_without_a_stop_are_of_each_filled_trade(projection):
    story = Story().wallet("1000")
    for trade in range(1, 101):
        story.planned(trade).filled(trade, "entry", "-0.5", "60000").protected(trade, trade / 1000)
    story.planned(101)  # never filled
    summary = summed(projection, story.records)
    assert len(summary.unprotected_s) == 100
    assert summary.unprotected_quantile_s(0.5) == 0.05
    assert summary.unprotected_quantile_s(0.99) == 0.099
    assert summary.max_unprotected_s == 0.1


def test_one_that_is_unprotected_now_counts_on(projection):
    story = Story().wallet("1000").planned(1).filled(1, "entry", "-0.5", "60000")
    story.told(None, story.protection(1, False, 0.5)).told().told().wallet("999.9")
    summary = summed(projection, story.records)
    assert summary.unprotected_now == 1
    assert summary.max_unprotected_s == 3.5


def test_refusals_and_warnings_are_counted_by_their_kind(projection):
    story = Story().wallet("1000")
    for reason in ("margin short", "blackout", "margin short"):
        signal = Signalled(
            **story.now, symbol="BTCUSDT", setup="stop_hunt", side=Side.SHORT, known_ns=1, entry_ref=1.0, stop=2.0,
            targets=(), why="",
        )  # fmt: skip
        no = Declined(**story.now, symbol="BTCUSDT", side=Side.SHORT, origin="setup:stop_hunt", reason=reason)
        story.told(None, signal, no)
    story.told(None, Warned(**story.now, kind="stale", symbol="", text="no prices"))
    story.told(None, Equity(**story.now, wallet=D(1000), equity=D("1001.5"), open_risk=D(0), high_water=D(1002)))
    told = run_json(summed(projection, story.records))
    assert told["declined"] == {"margin short": 2, "blackout": 1}
    assert (told["signals"], told["entries"], told["warnings"]) == (3, 0, {"stale": 1})
    assert told["equity"] == "1001.5"
    assert told["by_origin"][0]["declined"] == 3


# --- what is open ----------------------------------------------------------------------------------------------------


def left_open() -> Story:
    story = Story().wallet("10000").planned(7, targets=(D(58000), D(56000)))
    story.filled(7, "entry", "-0.3", "60000").filled(7, "entry", "-0.2", "60100").protected(7, 0.1)
    story.told(Funded(**story.now, symbol="BTCUSDT", amount=D("1.25")))
    theirs = (
        PositionNow(symbol="BTCUSDT", qty=D("-0.5"), entry=D(60040), liquidation_price=D("70000")),
        PositionNow(symbol="ETHUSDT", qty=D(2), entry=D(4000), mark=D(3990)),
    )
    story.told(
        AccountNow(
            **story.now,
            asset="USDT",
            wallet=D("10001.05"),
            available=None,
            positions=theirs,
            orders=(),
            asked_wall_ns=1,
        )
    )
    bar = {"interval_ns": 1, "opened_ns": 1, "open": 1.0, "high": 1.0, "low": 1.0, "close": 59001.0, "volume": 1.0}
    return story.told(BarClosed(**story.now, symbol="BTCUSDT", mark_close=59000.5, **bar))


def test_positions_are_told_with_profit_distance_and_protection(projection):
    summed(projection, left_open().records)
    ours, theirs = positions_of(projection, "r")
    assert (ours.qty, ours.entry_price, ours.mark_price) == (D("-0.5"), D(60040), D("59000.5"))
    assert ours.pnl == D("519.75")
    assert ours.roe_frac is not None
    assert abs(ours.roe_frac - D("519.75") * 5 / (D("59000.5") / 2)) < D("1e-20")
    assert f"{ours.liquidation_frac:.6f}" == "0.186431"
    assert (ours.protected, ours.unprotected_s, ours.funding, ours.fees) == (True, None, D("1.25"), D("0.2"))
    assert (theirs.ours, theirs.qty, theirs.pnl, theirs.side) == (False, D(2), D(-20), "long")
    told = ours.to_json()
    assert (told["qty"], told["pnl"], told["side"], told["target_prices"]) == (
        "-0.5", "519.75", "short", ["58000", "56000"],
    )  # fmt: skip
    assert positions_of(projection, "r", marks={"BTCUSDT": D(60040)})[0].pnl == 0


def test_a_position_without_a_stop_counts_its_seconds(projection):
    story = left_open()
    story.told(None, story.protection(7, False, 0.25))
    wall_ns = story.records[-1].notes[0].wall_ns
    summed(projection, story.records)
    row = positions_of(projection, "r", now_wall_ns=wall_ns + 2 * SECOND)[0]
    assert (row.protected, row.unprotected_s) == (False, 2.25)


def test_orders_that_may_trade_are_told_and_ended_ones_when_asked(projection):
    story = left_open()
    summed(projection, story.records)
    rows = orders_of(projection, "r")
    assert {(row.role, row.kind, row.qty) for row in rows} == {
        ("entry", "market", D("-0.5")),
        ("stop", "stop", D("0.5")),
    }
    entry = next(row for row in rows if row.role == "entry")
    assert entry.filled_qty == D("-0.5")
    assert next(row for row in rows if row.role == "stop").to_json()["trigger_price"] == "62500"
    assert len(orders_of(projection, "r", ended=True)) == 2


@pytest.mark.parametrize("width", [80, 140])
def test_everything_can_be_printed(projection, width):
    summary = summed(projection, left_open().ended(7, "-12.5").records)
    out = Console(file=io.StringIO(), width=width)
    for part in (
        *run_tables(summary),
        *left_tables(positions_of(projection, "r"), orders_of(projection, "r")),
        trades_table(projection, "r"),
        decisions_table(projection, "r", last=3),
    ):
        out.print(part)
    printed = out.file.getvalue()
    assert "wick above the range" in printed or "ended by target" in printed
    assert "−12.50" in printed
    assert "wallet, unexplained" in printed


def test_an_open_position_is_printed_with_its_protection(projection):
    summed(projection, left_open().records)
    out = Console(file=io.StringIO(), width=160)
    for part in left_tables(positions_of(projection, "r"), ()):
        out.print(part)
    printed = out.file.getvalue()
    assert "PROTECTED" in printed
    assert "−0.5" in printed
    assert "not ours" in printed


# --- from journals ---------------------------------------------------------------------------------------------------


def test_tables_are_brought_up_to_every_journal_at_rest(projection, tmp_path):
    for run in ("a", "b"):
        folder = begin_run(tmp_path, run, {"venue": "demo", "tag": "demo"})
        journal = folder.open_journal()
        journal.append([record_bytes(record) for record in one_trade().records])
        journal.close()
    held = begin_run(tmp_path, "held", {"venue": "demo", "tag": "demo"}).open_journal()
    count = len(one_trade().records)
    assert caught_up(projection, tmp_path) == tuple(f"{run}: {count} records, 0 were told before" for run in "ab")
    assert caught_up(projection, tmp_path) == ()
    assert {row["run"]: (row["mark"], row["venue"]) for row in projection.runs()} == {
        "a": (count, "demo"), "b": (count, "demo"),
    }  # fmt: skip
    told = run_json(run_summary(projection, "a"))
    assert told["wallet_unexplained"] == "0"
    assert len(caught_up(projection, tmp_path, rebuild=True)) == 2
    assert run_json(run_summary(projection, "a")) == told
    held.close()


def test_a_run_is_told_from_its_journal_alone(tmp_path):
    folder = begin_run(tmp_path, "a", {"venue": "demo", "tag": "demo"})
    journal = folder.open_journal()
    journal.append([record_bytes(record) for record in one_trade().records])
    journal.close()
    projection = tables_of(folder)
    assert run_json(run_summary(projection, "a"))["wallet_unexplained"] == "0"
    projection.close()
