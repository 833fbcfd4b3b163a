"""What the page of the bot says was gained, worked out by hand."""

from decimal import Decimal

import pytest

from bearskin.app.web._page_bot_equity import since_start

D = Decimal


@pytest.mark.parametrize(
    ("equity", "transferred", "gained", "words"),
    [
        ("10100", "0", "100", "+100.00 (+1.00 %)"),
        ("9481.13", "-500", "-18.87", "−18.87 (−0.19 %), apart from 500.00 taken out"),
        ("11400", "1500", "-100", "−100.00 (−1.00 %), apart from 1,500.00 paid in"),
        ("10000", "0", "0", "0.00 (0.00 %)"),
    ],
)
def test_what_was_paid_in_or_taken_out_is_no_gain(equity, transferred, gained, words):
    assert since_start(D(equity), D(10_000), D(transferred)) == (D(gained), words)
