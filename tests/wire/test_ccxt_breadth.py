"""The unified methods of ccxt that read and those that come in bunches, on a served exchange with its own history."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread

ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed (the `venues` extra)")
PAIR, SYMBOL = "BTC/USDT:USDT", "BTCUSDT"
STEPS_MS = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000, "2h": 7_200_000,
    "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000, "12h": 43_200_000, "1d": 86_400_000, "3d": 259_200_000,
    "1w": 604_800_000,
}  # fmt: skip
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """An exchange whose market runs sixty times as fast, so that minutes close behind the history."""
    found = start_in_thread(ExchangeOptions(port=0, symbols=(SYMBOL, "1000PEPEUSDT"), seed=5, speed=60.0))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def exchange(running: Running) -> Iterator[Any]:
    """ccxt with every address turned here."""
    base = running.url
    kinds = ("Public", "Private", "PublicV2", "PrivateV2", "PublicV3", "PrivateV3")
    urls = {f"fapi{kind}": f"{base}/fapi/v{kind[-1] if 'V' in kind else 1}" for kind in kinds}
    urls |= {"fapiData": f"{base}/futures/data", "sapi": f"{base}/sapi/v1"}
    found = ccxt.binanceusdm(
        {"apiKey": running.key, "secret": running.secret, "enableRateLimit": False, "urls": {"api": urls}}
    )
    found.load_markets()
    yield found
    found.session.close()


def test_methods_that_read_are_all_answered(exchange: Any) -> None:
    """What `has` says of swaps and needs no position; a 404 would raise."""
    for name in (
        "fetch_time", "fetch_status", "fetch_tickers", "fetch_bids_asks", "fetch_last_prices", "fetch_funding_rates",
        "fetch_funding_intervals", "fetch_mark_prices", "fetch_leverage_tiers", "fetch_trading_fees", "fetch_balance",
        "fetch_positions", "fetch_positions_risk", "fetch_leverages", "fetch_margin_modes", "fetch_account_positions",
    ):  # fmt: skip
        getattr(exchange, name)()
    for name in (
        "fetch_ticker", "fetch_order_book", "fetch_trades", "fetch_mark_price", "fetch_funding_rate",
        "fetch_funding_interval", "fetch_open_interest", "fetch_open_interest_history", "fetch_adl_rank",
        "fetch_long_short_ratio_history", "fetch_market_leverage_tiers", "fetch_trading_fee", "fetch_leverage",
        "fetch_margin_mode", "fetch_margin_adjustment_history", "fetch_my_liquidations", "fetch_funding_history",
        "fetch_orders", "fetch_open_orders", "fetch_closed_orders", "fetch_canceled_orders", "fetch_my_trades",
    ):  # fmt: skip
        getattr(exchange, name)(PAIR)


def test_a_bot_that_looks_back_at_funding_finds_it(exchange: Any) -> None:
    """120 days of settlements each eight hours, and the contract as old as they are."""
    rows = exchange.fetch_funding_rate_history(PAIR, limit=1000)
    assert len(rows) >= 359
    times = [row["timestamp"] for row in rows]
    assert all(later - earlier == 8 * 3_600_000 for earlier, later in itertools.pairwise(times))
    since = exchange.fetch_funding_rate_history(PAIR, since=times[-3], limit=10)
    assert [row["timestamp"] for row in since] == times[-3:]
    age_ms = exchange.milliseconds() - int(exchange.market(PAIR)["info"]["onboardDate"])
    assert age_ms >= 120 * DAY_MS - 60_000
    first = exchange.fetch_ohlcv(PAIR, "1d", since=0, limit=1)[0][0]
    assert first <= times[0] < first + 2 * DAY_MS


def test_every_kind_of_price_has_its_history(exchange: Any) -> None:
    """Mark, index and premium reach back as far as the trades do; made-up bars lie at the index."""
    since = exchange.milliseconds() - 30 * DAY_MS
    for kind in ("mark", "index", "premiumIndex"):
        rows = exchange.fetch_ohlcv(PAIR, "1d", since=since, limit=5, params={"price": kind})
        assert len(rows) == 5
        assert rows[0][0] >= since
        if kind == "premiumIndex":
            assert {price for row in rows for price in row[1:5]} == {0.0}


@pytest.mark.parametrize("interval", [*STEPS_MS, "1M"])
def test_candles_paged_backward_meet_the_running_one_without_gap_or_double(exchange: Any, interval: str) -> None:
    """Over the seam between the history and what was traded since; closes end where the next opens."""
    rows: list[list[Any]] = []
    end: int | None = None
    for _ in range(4):
        asked = {"symbol": SYMBOL, "interval": interval, "limit": 400}
        page = exchange.fapiPublicGetKlines(asked if end is None else {**asked, "endTime": end})
        if not page:
            break
        assert end is None or int(page[-1][0]) <= end
        rows = page + rows
        end = int(page[0][0]) - 1
    opens = [int(row[0]) for row in rows]
    assert all(int(row[6]) + 1 == later for row, later in zip(rows, opens[1:], strict=False))
    step_ms = STEPS_MS.get(interval)
    if step_ms is not None:
        assert all(later - earlier == step_ms for earlier, later in itertools.pairwise(opens))
    for row in rows:
        low, high = Decimal(row[3]), Decimal(row[2])
        assert low <= min(Decimal(row[1]), Decimal(row[4])) <= max(Decimal(row[1]), Decimal(row[4])) <= high
        assert Decimal(row[9]) <= Decimal(row[5])
    forward = exchange.fapiPublicGetKlines(
        {"symbol": SYMBOL, "interval": interval, "startTime": opens[0], "limit": 400}
    )
    assert [int(row[0]) for row in forward] == opens[: len(forward)]


def test_orders_in_bunches(exchange: Any) -> None:
    """Created, edited and cancelled several at a time: one that cannot be leaves the others alone."""
    price = exchange.fetch_ticker(PAIR)["last"]
    limit = {"symbol": PAIR, "type": "limit", "side": "sell", "amount": 0.01}
    made = exchange.create_orders([{**limit, "price": price * (1.01 + n / 1000)} for n in range(3)])
    assert [order["status"] for order in made] == ["open"] * 3
    edited = exchange.edit_orders([{**limit, "id": made[0]["id"], "amount": 0.02, "price": price * 1.04}])
    assert (edited[0]["id"], edited[0]["amount"]) == (made[0]["id"], 0.02)
    exchange.cancel_orders([made[0]["id"], made[1]["id"], "987654"], PAIR)
    told = json.loads(exchange.last_http_response)
    assert [row.get("status", row.get("code")) for row in told] == ["CANCELED", "CANCELED", -2011]
    names = {"clientOrderIds": [made[2]["clientOrderId"]]}
    assert exchange.cancel_orders([], PAIR, names)[0]["status"] == "canceled"
    assert exchange.fetch_open_orders(PAIR) == []


def test_money_leaves_the_futures_wallet_and_is_remembered(exchange: Any) -> None:
    before = exchange.fetch_balance()["USDT"]["total"]
    moved = exchange.transfer("USDT", 25, "linear", "spot")
    assert exchange.fetch_balance()["USDT"]["total"] == pytest.approx(before - 25)
    (told,) = exchange.fetch_transfers("USDT", params={"type": "UMFUTURE_MAIN"})
    assert (told["id"], told["amount"], told["status"]) == (moved["id"], 25.0, "ok")


def test_cheap_coins_are_never_told_with_an_exponent(exchange: Any) -> None:
    """A coin at a hundredth of a dollar has seven digits; `1E-7` is no number to many parsers."""
    exchange.create_order("1000PEPE/USDT:USDT", "market", "sell", 100_003)
    for name in ("fapiPrivateV3GetPositionRisk", "fapiPrivateV3GetAccount", "fapiPrivateV2GetPositionRisk"):
        getattr(exchange, name)()
        assert "E-" not in exchange.last_http_response
    exchange.fetch_ticker("1000PEPE/USDT:USDT")
    assert "E-" not in exchange.last_http_response
