"""What ccxt sends over the socket beside what it means: forgotten where it agrees, refused where it does not."""

from __future__ import annotations

import pytest

from bearskin.exchange.wire._ws_api import drop_left_behind, says_the_same


def test_what_ccxt_leaves_behind_is_forgotten_only_where_it_says_the_same() -> None:
    """Over the socket ccxt sends its own words beside what it has made of them; a contradiction must not be hidden."""
    sent = {"triggerPrice": "61189.3", "stopPrice": "61189.29999999", "takeProfitPrice": "57000", "side": "BUY"}
    drop_left_behind(sent)
    assert sent == {"triggerPrice": "61189.3", "takeProfitPrice": "57000", "side": "BUY"}
    sent = {"timeInForce": "GTC", "postOnly": "true", "hedged": "true", "clientOrderId": "a", "newClientOrderId": "b"}
    kept = dict(sent)
    drop_left_behind(sent)
    assert sent == kept
    sent = {"timeInForce": "GTX", "postOnly": "true", "clientOrderId": "a", "newClientOrderId": "a"}
    drop_left_behind(sent)
    assert sent == {"timeInForce": "GTX", "newClientOrderId": "a"}


@pytest.mark.parametrize("left", ["NaN", "sNaN", "Infinity", "1e999999", "", "x", "-61189.3", "61300"])
def test_a_number_that_is_none_says_nothing(left: str) -> None:
    """Hostile values are no reason to fail."""
    assert not says_the_same(left, "61189.3")
