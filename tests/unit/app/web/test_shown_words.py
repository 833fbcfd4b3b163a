"""What a page says in a few words: amounts too small to be shown, and whose warning a toast is."""

from __future__ import annotations

import pytest

from bearskin.app.web._kit import money, per_cent, signed
from bearskin.app.web._page_alerts_toasts import headline


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (money("-0.001"), "0.00"),  # a loss of a tenth of a cent stood there as −0.00, in red
        (money("-0.006"), "−0.01"),
        (money("-1234.5"), "−1,234.50"),
        (signed("-0.004"), "0.00"),
        (signed("0.004"), "0.00"),
        (per_cent("-0.00003"), "0.00 %"),
        (per_cent("-0.0012"), "−0.12 %"),
        (per_cent(None), "–"),
    ],
)
def test_an_amount_that_is_nothing_as_shown_has_no_sign(shown, said):
    assert shown == said


@pytest.mark.parametrize(
    ("symbol", "text", "says"),
    [
        ("BTCUSDT", "halted: no new entries", "BTCUSDT halted"),  # of which symbol, one could not know
        ("BTCUSDT", "the mark of BTCUSDT is 2 % off", "halted"),
        ("", "the account channel is down", "halted"),
    ],
)
def test_a_toast_names_the_symbol_that_it_is_about(symbol, text, says):
    assert headline({"kind": "halted", "symbol": symbol, "text": text}) == says
