"""Sentences of engine, venue and set-ups as a screen shows them: their numbers written as figures."""

from __future__ import annotations

import pytest

from bearskin.app.web._kit import figured


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("closed by stop at 60445.8, net -3.11 USDT (-0.96 R)", "closed by stop at 60,445.8, net −3.11 USDT (−0.96 R)"),
        ("t -0.7, -85 bp a trade, over 12000 bars", "t −0.7, −85 bp a trade, over 12,000 bars"),
        ("a withdrawal of 500.00000000 USDT", "a withdrawal of 500 USDT"),
        ("60400.00 · needs above 59532.60", "60,400.00 · needs above 59,532.60"),
        ("stop -60445.8: why", "stop −60,445.8: why"),
    ],
)
def test_numbers_are_written_as_figures(told, shown):
    assert figured(told) == shown


@pytest.mark.parametrize(
    "told",
    [
        "since 2026-11-22T10:00:00Z", "trade 12345 of 1000PEPEUSDT", "BTCUSDT_240329 seed-7-18000", "in 2026",
        "order 1234567890123", "0.0000001234", "127.0.0.1:18080", "margin-share at 5x", "0.00012",
    ],
)  # fmt: skip
def test_dates_names_and_ids_stay_as_they_are(told):
    assert figured(told) == told
