"""The tape of the market page: each trade is sent once."""

from __future__ import annotations

from bearskin.app.web._page_market_side import newer


def trade(ms: int) -> dict[str, object]:
    return {"time_ms": ms, "price": 1.0, "qty": 2.0, "side": "sell"}


def test_only_what_came_since_is_new():
    trades = [trade(at) for at in range(5)]
    assert newer(trades, None) == trades
    assert newer(trades, trades[2]) == trades[3:]
    assert newer(trades, trades[-1]) == []


def test_a_trade_that_looks_like_the_last_one_is_another():
    twins = [trade(1), trade(1)]
    assert newer(twins, twins[0]) == twins[1:]


def test_all_are_told_where_the_last_one_has_left_the_list():
    trades = [trade(at) for at in range(5)]
    assert newer(trades, trade(0)) == trades
