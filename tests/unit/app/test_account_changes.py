"""What a bot's state says of its account: which symbols are others at the venue than before."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.app.bot_kit import at, watched

from bearskin import engine as words
from bearskin.terms import AccountNow, BalanceNow, BarClosed, Filled, Funded, OrderChanged, OrderNow, Pulse

ORDER = OrderNow(symbol="ETHUSDT", client_id="x", venue_id="1", status="open", qty=Decimal(-1), filled=Decimal(0))
BAR = BarClosed(
    **at(300), symbol="BTCUSDT", interval_ns=60 * 10**9, opened_ns=0, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0
)
ACCOUNT = AccountNow(
    **at(300), asset="USDT", wallet=Decimal(1), available=None, positions=(), orders=(), asked_wall_ns=0
)
AGREED, DIFFERS = (words.Reconciled(**at(300), differences=told) for told in ((), ("BTCUSDT: 1, we have 0",)))
FOREIGN = words.Foreign(**at(300), symbol="SOLUSDT", detail="an order", blocked=True)
WARNED = words.Warned(**at(300), symbol="BTCUSDT", kind="latency", text="late")


@pytest.mark.parametrize(
    ("event", "notes", "changed"),
    [
        (BAR, (), []),  # a fast market closes one every moment
        (BAR, (WARNED,), []),
        (Pulse(**at(300)), (), []),
        (ACCOUNT, (AGREED,), []),
        (ACCOUNT, (DIFFERS,), [""]),
        (ACCOUNT, (FOREIGN,), ["SOLUSDT"]),
        (OrderChanged(**at(300), order=ORDER), (), ["ETHUSDT"]),
        (BalanceNow(**at(300), asset="USDT", wallet=Decimal(1)), (), [""]),
        (Funded(**at(300), symbol="BTCUSDT", amount=Decimal(1), asset="USDT"), (), ["BTCUSDT"]),
        (
            Filled(**at(300), symbol="BTCUSDT", client_id="", venue_id="1", trade_id="7", qty=Decimal(1),
                   price=Decimal(1), fee=Decimal(0), fee_asset="USDT", realised=Decimal(0), maker=False),
            (),
            ["BTCUSDT"],
        ),
    ],
)  # fmt: skip
def test_only_what_concerns_the_account_counts(event, notes, changed):
    watch = watched()
    before = watch.state(at(300)["wall_ns"])["account_changes"]
    watch.told(900, words.Record(event=event, notes=notes))
    after = watch.state(at(300)["wall_ns"])["account_changes"]
    assert [name for name in after if after[name] != before.get(name)] == changed
