"""The archive: what can be asked for later, in which order, and that it stays bounded and survives a restart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bearskin.exchange import _archive, _rows
from bearskin.exchange._archive import Archive
from bearskin.exchange._rows import FundingRow
from bearskin.exchange._state import Account, Algo, Contract, Market, Order, State
from bearskin.exchange._words import (
    AlgoUpdated,
    Event,
    Fill,
    FundingSettled,
    Income,
    LevelChanged,
    MarginMoved,
    MarkSet,
    OrderUpdated,
    Traded,
)

D = Decimal
MS = 1_000_000
USER, MAKER = 3, 2


def account(number: int, kind: str) -> Account:
    return Account(id=number, name=str(number), kind=kind, wallet_name=f"user/{number}", spot_name=f"spot/{number}")


@pytest.fixture
def state() -> State:
    contract = Contract(
        symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick=D("0.1"), step=D("0.001"), min_price=D("0.1"),
        max_price=D(1_000_000), min_qty=D("0.001"), max_qty=D(1000), market_max_qty=D(120), min_notional=D(100),
        brackets=(),
    )  # fmt: skip
    return State(
        accounts={MAKER: account(MAKER, "MAKER"), USER: account(USER, "USER")},
        markets={"BTCUSDT": Market(contract=contract)},
    )


@pytest.fixture
def archive(state: State) -> Archive:
    made = Archive()
    made.bind(state)
    return made


def order(number: int, status: str = "CANCELED", *, owner: int = USER, **more: Any) -> Order:
    fields: dict[str, Any] = {
        "id": number, "account": owner, "symbol": "BTCUSDT", "side": 1, "position_side": "BOTH", "type": "LIMIT",
        "original_type": "LIMIT", "tif": "GTC", "price_ticks": 600_000, "qty_steps": 100, "status": status,
        "client_id": f"c{number}", "created_ns": number * MS, "updated_ns": number * MS,
    }  # fmt: skip
    return Order(**(fields | more))


def ended(number: int, **more: Any) -> OrderUpdated:
    return OrderUpdated(time_ns=number * MS, order=order(number, **more), execution="CANCELED")


def filled(number: int, *, owner: int = USER, status: str = "FILLED", at: int | None = None) -> OrderUpdated:
    fill = Fill(trade_id=number, price=D("60000.5"), qty=D("0.1"), maker=False, fee=D("3.000025"), realised=D(-7))
    return OrderUpdated(
        time_ns=(at or number) * MS, order=order(number, status, owner=owner, filled_steps=100), execution="TRADE",
        fill=fill,
    )  # fmt: skip


def ids(rows: list[Order]) -> list[int]:
    return [row.id for row in rows]


def test_an_order_is_found_by_either_id_open_or_ended(archive: Archive, state: State) -> None:
    archive.take([ended(1), ended(2, client_id="again"), ended(3, client_id="again")], state)
    waiting = order(4, "NEW", client_id="open")
    state.orders[4] = waiting
    state.accounts[USER].orders[4] = None
    state.accounts[USER].client_ids["open"] = 4
    assert archive.order(USER, "BTCUSDT", order_id=1) is not None
    assert archive.order(USER, "BTCUSDT", order_id=4) is waiting
    assert archive.order(USER, "BTCUSDT", client_id="open") is waiting
    found = archive.order(USER, "BTCUSDT", client_id="again")
    assert found is not None
    assert found.id == 3, "of ended orders of one name the latest"
    assert archive.order(USER, "ETHUSDT", order_id=1) is None
    assert archive.order(MAKER, "BTCUSDT", order_id=1) is None, "another's order is none"
    assert archive.order(99, "BTCUSDT", order_id=1) is None
    assert ids(archive.orders(USER, "BTCUSDT")) == [1, 2, 3, 4]


def test_orders_come_in_pages(archive: Archive, state: State) -> None:
    archive.take([ended(number) for number in (5, 3, 9, 7)], state)
    assert ids(archive.orders(USER, "BTCUSDT", limit=2)) == [7, 9]
    assert ids(archive.orders(USER, "BTCUSDT", order_id=5, limit=2)) == [5, 7]
    assert ids(archive.orders(USER, "BTCUSDT", start_ms=4, limit=2)) == [5, 7]
    assert ids(archive.orders(USER, "BTCUSDT", start_ms=5, end_ms=7)) == [5, 7], "both ends are in"
    assert archive.orders(USER, "BTCUSDT", limit=0) == []


def test_a_new_order_leaves_no_trace_until_it_ends_or_fills(archive: Archive, state: State) -> None:
    archive.take([OrderUpdated(time_ns=MS, order=order(1, "NEW"), execution="NEW")], state)
    archive.take([filled(1, status="PARTIALLY_FILLED")], state)
    assert archive.orders(USER, "BTCUSDT") == []
    (row,) = archive.fills(USER, "BTCUSDT")
    assert (row.order_id, row.quote, row.fee, row.realised) == (1, D("6000.05"), D("3.000025"), D(-7))


def test_fills_by_order_trade_and_time(archive: Archive, state: State) -> None:
    archive.take([filled(number) for number in range(1, 8)], state)
    trades = [row.trade_id for row in archive.fills(USER, "BTCUSDT", from_id=3, limit=2)]
    assert trades == [3, 4]
    assert [row.trade_id for row in archive.fills(USER, "BTCUSDT", limit=2)] == [6, 7]
    assert [row.trade_id for row in archive.fills(USER, "BTCUSDT", order_id=5)] == [5]
    assert [row.trade_id for row in archive.fills(USER, "BTCUSDT", start_ms=2, end_ms=3)] == [2, 3]
    assert archive.fills(MAKER, "BTCUSDT") == []


def test_incomes_are_numbered_across_accounts(archive: Archive, state: State) -> None:
    lines: list[Event] = [
        Income(time_ns=n * MS, account=USER if n % 2 else MAKER, type=kind, asset="USDT", amount=D(n), symbol="BTCUSDT")
        for n, kind in enumerate(("TRANSFER", "COMMISSION", "FUNDING_FEE", "COMMISSION", "REALIZED_PNL"), 1)
    ]
    archive.take(lines, state)
    mine = archive.income(USER)
    assert [(row.tran_id, row.type) for row in mine] == [(1, "TRANSFER"), (3, "FUNDING_FEE"), (5, "REALIZED_PNL")]
    assert [row.tran_id for row in archive.income(USER, type="FUNDING_FEE")] == [3]
    assert [row.tran_id for row in archive.income(USER, start_ms=1, limit=2)] == [1, 3]
    assert archive.income(USER, symbol="ETHUSDT") == []


def test_a_conditional_order_is_kept_once_through_its_life(archive: Archive, state: State) -> None:
    def told(status: str, order_id: int = 0) -> AlgoUpdated:
        algo = Algo(
            id=7, account=USER, symbol="BTCUSDT", side=1, position_side="BOTH", type="STOP_MARKET", tif="GTC",
            status=status, order_id=order_id, client_id="stop", created_ns=MS,
        )  # fmt: skip
        return AlgoUpdated(time_ns=MS, algo=algo)

    waiting = told("NEW").algo
    state.algos[7] = waiting
    state.accounts[USER].algos[7] = None
    state.accounts[USER].algo_client_ids["stop"] = 7
    archive.take([told("NEW")], state)
    assert archive.algo(USER, client_id="stop") is waiting
    state.algos.clear()
    state.accounts[USER].algos.clear()
    state.accounts[USER].algo_client_ids.clear()
    archive.take([told("TRIGGERING"), told("TRIGGERED", 11), told("FINISHED", 11)], state)
    (only,) = archive.algos(USER, "BTCUSDT")
    assert (only.status, only.order_id) == ("FINISHED", 11)
    assert archive.algo(USER, algo_id=7) is only
    assert archive.algo(USER, client_id="stop") is only
    assert archive.algo(MAKER, algo_id=7) is None


def traded(number: int, price: str, taker: int, at: int = 1) -> Traded:
    return Traded(
        time_ns=at * MS, symbol="BTCUSDT", trade_id=number, price=D(price), qty=D("0.5"), buyer_is_maker=True,
        taker_order=taker,
    )  # fmt: skip


def test_trades_of_one_taker_at_one_price_are_told_as_one(archive: Archive, state: State) -> None:
    """An order that takes two makers at 60000 and one at 59999 is two aggregate trades; the next order is another."""
    archive.take(
        [traded(1, "60000", 8), traded(2, "60000", 8), traded(3, "59999", 8), traded(4, "59999", 9, at=5)], state
    )
    rows = archive.agg_trades("BTCUSDT")
    assert [(r.id, r.first_id, r.last_id, r.qty) for r in rows] == [
        (1, 1, 2, D("1.0")), (2, 3, 3, D("0.5")), (3, 4, 4, D("0.5")),
    ]  # fmt: skip
    assert [r.id for r in archive.agg_trades("BTCUSDT", 500, 2)] == [2, 3]
    assert [r.id for r in archive.agg_trades("BTCUSDT", start_ms=2, end_ms=5)] == [3]
    assert [r.trade_id for r in archive.trades("BTCUSDT", 2)] == [3, 4]
    assert [r.trade_id for r in archive.trades("BTCUSDT", 2, 2)] == [2, 3]
    assert archive.trades("ETHUSDT") == []
    assert archive.agg_trades("ETHUSDT") == []


def test_forced_orders_are_remembered_by_what_forced_them(archive: Archive, state: State) -> None:
    archive.take(
        [
            ended(1, origin="LIQUIDATION", filled_steps=5),
            ended(2, origin="LIQUIDATION"),
            ended(3, origin="ADL", owner=MAKER, filled_steps=5),
            ended(4),
        ],
        state,
    )
    assert ids(archive.forced()) == [1, 3], "one that found nobody was not executed"
    assert ids(archive.forced("BTCUSDT", USER)) == [1]
    assert ids(archive.forced(start_ms=2)) == [3]


def test_funding_and_margin_moves(archive: Archive, state: State) -> None:
    archive.seed_funding("BTCUSDT", [FundingRow("BTCUSDT", D("0.0003"), D(1), -MS)])
    archive.take(
        [
            FundingSettled(time_ns=5 * MS, symbol="BTCUSDT", rate=D("0.0001"), mark=D(60000)),
            FundingSettled(time_ns=6 * MS, symbol="ETHUSDT", rate=D("-0.0002"), mark=D(3000)),
            MarginMoved(
                time_ns=7 * MS, account=USER, symbol="BTCUSDT", position_side="BOTH", amount=D(-5), asset="USDT"
            ),
        ],
        state,
    )
    assert [row.rate for row in archive.funding("BTCUSDT")] == [D("0.0003"), D("0.0001")]
    assert [row.symbol for row in archive.funding(start_ms=0)] == ["BTCUSDT", "ETHUSDT"]
    (moved,) = archive.margin_moves(USER, "BTCUSDT")
    assert (moved.amount, moved.time_ns) == (D(-5), 7 * MS)


def test_everything_is_bounded(archive: Archive, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it runs: a user keeps much, a maker little, and all users together no more than so much."""
    monkeypatch.setattr(_rows, "ALL_ROWS", 3_000)
    for number in range(1, 12_001):
        state.accounts.setdefault(100 + number % 7, account(100 + number % 7, "USER"))
        archive.take([ended(number, owner=100 + number % 7), ended(number, owner=MAKER)], state)
    rows = archive.users.orders
    assert rows.count == sum(map(len, rows.by_account.values()))
    assert 3_000 - 7 <= rows.count <= 3_750
    latest = {owner: of[-1].id for owner, of in rows.by_account.items()}
    assert sorted(latest.values()) == list(range(11_994, 12_001)), "the newest are always there"
    house = archive.house.orders
    assert len(house.by_account[MAKER]) <= _archive.HOUSE_ROWS * 5 // 4
    assert house.by_account[MAKER][-1].id == 12_000
    assert house.count == len(house.by_account[MAKER])


def test_of_many_users_each_keeps_a_few(archive: Archive, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "ALL_ROWS", 100)
    for number in range(1, 2_001):
        owner = 100 + number % 200
        state.accounts.setdefault(owner, account(owner, "USER"))
        archive.take([ended(number, owner=owner)], state)
    rows = archive.users.orders
    assert all(1 <= len(of) <= 10 for of in rows.by_account.values())
    assert rows.count == sum(map(len, rows.by_account.values())) <= 5 * 200
    assert sorted(of[-1].id for of in rows.by_account.values()) == list(range(1_801, 2_001))


def test_one_user_keeps_the_last_thousands(archive: Archive, state: State) -> None:
    archive.take([ended(number) for number in range(1, 2 * _archive.USER_ROWS + 1)], state)
    kept = ids(archive.orders(USER, "BTCUSDT", limit=10**6))
    assert _archive.USER_ROWS <= len(kept) <= _archive.USER_ROWS * 5 // 4
    assert kept == list(range(kept[0], 2 * _archive.USER_ROWS + 1))
    archive.take([traded(n, "60000", n, at=n) for n in range(1, 3 * _archive.TRADES_KEPT)], state)
    assert _archive.TRADES_KEPT <= len(archive.tapes["BTCUSDT"].trades) <= _archive.TRADES_KEPT * 5 // 4


def test_a_snapshot_holds_all_but_what_is_handed_in_again(archive: Archive, state: State) -> None:
    state.time_ns = 120_000 * MS
    archive.seed_funding("BTCUSDT", [FundingRow("BTCUSDT", D("0.0003"), D(1), 0)])
    archive.seed_candles("BTCUSDT", "trade", {k: [1.0] for k in ("open", "high", "low", "close")} | {"open_ms": [0]})
    marked = MarkSet(
        time_ns=9 * MS, symbol="BTCUSDT", mark=D(60000), index=D(60001), settle_estimate=D(60001), average=D(60002),
        rate=D("0.0001"), next_funding_ns=10,
    )  # fmt: skip
    happened: list[Event] = [
        traded(1, "60000", 8, at=61_000), filled(2), filled(3, owner=MAKER),
        ended(4, origin="LIQUIDATION", filled_steps=1),
        Income(time_ns=MS, account=USER, type="COMMISSION", asset="USDT", amount=D("-3.1")), marked,
        FundingSettled(time_ns=5 * MS, symbol="BTCUSDT", rate=D("0.0001"), mark=D(60000)),
        LevelChanged(time_ns=5, symbol="BTCUSDT", side=1, price=D(1), qty=D(1), update_id=5),
    ]  # fmt: skip
    archive.take(happened, state)
    data = msgspec.msgpack.encode(archive)
    again = msgspec.msgpack.decode(data, type=Archive)
    again.bind(state)
    assert msgspec.msgpack.encode(again) == data
    assert again.mark("BTCUSDT") == marked
    assert again.fills(USER, "BTCUSDT") == archive.fills(USER, "BTCUSDT")
    assert again.income(USER) == archive.income(USER)
    assert again.klines("BTCUSDT", "1m")[-1] == archive.klines("BTCUSDT", "1m")[-1]
    assert [row.rate for row in again.funding("BTCUSDT")] == [D("0.0001")], "the seed has to be handed in again"
    again.take([traded(2, "60000", 9, at=62_000)], state)
    assert [row.id for row in again.agg_trades("BTCUSDT")] == [1, 2], "numbers go on"
