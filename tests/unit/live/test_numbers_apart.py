"""A venue counts orders and conditional orders apart: one number, two things."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.live.test_unread import venue

from bearskin.terms import OrderNow, client_id

D = Decimal
STOP, EXIT = client_id("k3y0", 1, "stop", 0), client_id("k3y0", 1, "exit", 0)
ROW = {
    "id": "9",
    "order": "104",
    "timestamp": 1_000,
    "side": "buy",
    "price": 60_000.1,
    "amount": 0.05,
    "takerOrMaker": "taker",
    "fee": {"cost": 1.5, "currency": "USDT"},
    "info": {"orderId": 104, "side": "BUY", "price": "60000.1", "qty": "0.05", "positionSide": "BOTH"},
}


@pytest.mark.parametrize(("name", "conditional", "whose"), [(STOP, True, ""), (EXIT, False, EXIT)])
def test_a_fill_belongs_to_an_order_and_not_to_the_stop_of_that_number(name, conditional, whose):
    at = venue()
    at.heard_order(
        OrderNow(
            symbol="BTCUSDT", client_id=name, venue_id="104", status="open", qty=D("0.05"), conditional=conditional
        )
    )
    fill = at.fill_heard(ROW, at.markets["BTCUSDT"])
    assert fill is not None
    assert fill.client_id == whose
