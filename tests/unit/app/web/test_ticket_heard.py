"""The quote of a ticket where no bot tells one: what the market's streams say, as long as they go on."""

from __future__ import annotations

from decimal import Decimal

from bearskin.app.web._hub import Hub
from bearskin.app.web._market_link import Depth, Mark
from bearskin.app.web._ticket_market import HEARD_S, _heard_quote

D = Decimal
BTC = "BTCUSDT"


def test_a_stream_that_has_fallen_silent_is_not_the_market_any_more():
    """A page keeps its topics while their line is broken, and what was said last stood as the price of now."""
    now = [1_000.0]
    hub = Hub(now_s=lambda: now[0])
    hub.say(Depth(BTC), {"bids": [[59_999, 1]], "asks": [[60_001, 1]]})
    hub.say(Mark(BTC), {"mark": 60_000, "rate": "0.0001"})
    heard = _heard_quote(hub, BTC)
    assert heard is not None
    assert (heard.bid, heard.ask, heard.mark) == (D(59_999), D(60_001), D(60_000))
    now[0] += HEARD_S + 1
    assert _heard_quote(hub, BTC) is None
    hub.say(Depth(BTC), {"bids": [[49_999, 1]], "asks": [[50_001, 1]]})
    heard = _heard_quote(hub, BTC)
    assert heard is not None
    assert (heard.bid, heard.mark) == (D(49_999), None)
