"""ccxt as installed trades on an exchange served from this process, after pasting the text the exchange gives it."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread

ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed (the `venues` extra)")
PAIR, SYMBOL = "BTC/USDT:USDT", "BTCUSDT"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """An exchange of its own, without a crowd, on any free port."""
    found = start_in_thread(ExchangeOptions(port=0, symbols=(SYMBOL,), crowd=False, seed=11))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def exchange(running: Running) -> Iterator[Any]:
    """ccxt, made by the printed snippet."""
    account = int(running.key[:8], 16)
    names: dict[str, Any] = {}
    exec(control(running, "GET", f"/accounts/{account}/snippets")["ccxt"], names)
    found = names["exchange"]
    found.enableRateLimit = False
    yield found
    found.session.close()


def control(running: Running, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call of the control room."""
    headers = {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.control_url + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def pin_mark(running: Running, price: Decimal | None) -> None:
    """Hold the mark, or let it go."""
    control(running, "POST", f"/symbols/{SYMBOL}/mark", {"price": None if price is None else str(price)})


def soon(seen: Callable[[], Any]) -> Any:
    """What is seen within five seconds."""
    until = time.monotonic() + 5
    while not (found := seen()):
        assert time.monotonic() < until, "not seen within 5 s"
        time.sleep(0.05)
    return found


def wallet(exchange: Any) -> Decimal:
    """The wallet in USDT, without open profit."""
    return next(Decimal(row["balance"]) for row in exchange.fapiPrivateV3GetBalance() if row["asset"] == "USDT")


def test_a_short_with_stop_and_target_is_stopped_out_and_income_explains_the_wallet(
    running: Running, exchange: Any
) -> None:
    """
    isolated, 3x, sell 0.05 by market, stop above by mark, target below
    funding settles
    mark touches the stop
    -> flat; the stop FINISHED; commission + profit + funding = change of the wallet, to the last digit
    """
    assert exchange.load_markets()[PAIR]["linear"]
    before = wallet(exchange)
    exchange.set_margin_mode("isolated", PAIR)
    exchange.set_leverage(3, PAIR)
    made = exchange.create_order(PAIR, "market", "sell", 0.05)
    assert (made["status"], made["filled"]) == ("closed", 0.05)
    [position] = exchange.fetch_positions([PAIR])
    assert (position["side"], position["contracts"], position["marginMode"]) == ("short", 0.05, "isolated")
    assert position["liquidationPrice"] > position["entryPrice"]

    entry, by_mark = position["entryPrice"], {"workingType": "MARK_PRICE", "reduceOnly": True}
    stop = exchange.create_order(PAIR, "STOP_MARKET", "buy", 0.05, None, {"stopPrice": entry * 1.02, **by_mark})
    target = exchange.create_order(
        PAIR, "TAKE_PROFIT_MARKET", "buy", 0.05, None, {"stopPrice": entry * 0.95, **by_mark}
    )
    assert {order["id"] for order in exchange.fetch_open_orders(PAIR, params={"trigger": True})} == {
        stop["id"],
        target["id"],
    }

    control(running, "POST", f"/symbols/{SYMBOL}/settle")
    assert exchange.fetch_funding_history(PAIR)
    pin_mark(running, round(Decimal(str(stop["triggerPrice"])) + 1, 1))
    soon(lambda: not exchange.fetch_positions([PAIR]))
    pin_mark(running, None)
    assert exchange.fetch_order(stop["id"], PAIR, {"trigger": True})["info"]["algoStatus"] == "FINISHED"
    exchange.cancel_order(target["id"], PAIR, {"trigger": True})

    sums: dict[str, Decimal] = {}
    for row in exchange.fapiPrivateGetIncome({"symbol": SYMBOL}):
        sums[row["incomeType"]] = sums.get(row["incomeType"], Decimal(0)) + Decimal(row["income"])
    assert set(sums) == {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"}
    assert sum(sums.values()) == wallet(exchange) - before


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("InsufficientFunds", ("market", "sell", 100, None, {})),
        ("OrderImmediatelyFillable", ("market", "buy", 0.05, None, {"stopLossPrice": 0.9, "reduceOnly": True})),
        ("OrderNotFillable", ("limit", "sell", 0.05, 0.99, {"postOnly": True})),
        ("InvalidOrder", ("market", "buy", 0.05, None, {"reduceOnly": True})),
        ("BadRequest", ("market", "sell", 0.05, None, {"stopLoss": {"triggerPrice": 1.05}})),
    ],
)
def test_a_refusal_is_the_class_a_bot_catches(exchange: Any, kind: str, order: tuple[Any, ...]) -> None:
    """Prices are given as parts of the last price. The last case: a stop that ccxt would send where it makes none."""
    last = exchange.fetch_ticker(PAIR)["last"]
    type_, side, amount, price, params = order
    if "stopLossPrice" in params:
        params = {**params, "stopLossPrice": params["stopLossPrice"] * last}
    with pytest.raises(ccxt.ExchangeError) as caught:
        exchange.create_order(PAIR, type_, side, amount, price and price * last, params)
    assert caught.type is getattr(ccxt, kind), caught.value


def test_unknown_orders_and_unchanged_margin_modes_are_told_apart(exchange: Any) -> None:
    """-2011, -2013 and -4046."""
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("987654321", PAIR)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.fetch_order("987654321", PAIR)
    with contextlib.suppress(ccxt.MarginModeAlreadySet):
        exchange.set_margin_mode("isolated", PAIR)
    with pytest.raises(ccxt.MarginModeAlreadySet):
        exchange.set_margin_mode("isolated", PAIR)


def test_a_wrong_secret_is_an_authentication_error(exchange: Any) -> None:
    """And nothing else."""
    secret, exchange.secret = exchange.secret, "wrong"
    try:
        with pytest.raises(ccxt.AuthenticationError):
            exchange.fetch_balance()
    finally:
        exchange.secret = secret


def test_every_snippet_names_only_this_exchange(running: Running) -> None:
    """No snippet lets a client reach another host, and none still has a gap to fill."""
    account = int(running.key[:8], 16)
    for name, text in control(running, "GET", f"/accounts/{account}/snippets").items():
        assert running.url in text, name
        assert "$" not in text, name
        assert running.secret in text, name
        assert "binance.com" not in text, name
