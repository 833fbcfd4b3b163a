"""The records of the page of positions say where they are not all."""

from __future__ import annotations

from bearskin.app.web._page_positions_tabs import TABS, newest_of

FILLS = next(one for one in TABS if one.key == "fills")


def test_who_has_more_fills_than_are_shown_is_told() -> None:
    assert "Only the newest 100 are shown, and at most the newest 500" in newest_of(FILLS, [{}] * 100)
    assert newest_of(FILLS, [{}] * 99) == ""


def test_every_record_that_is_had_as_a_file_says_how_many_it_has() -> None:
    assert [one.key for one in TABS if one.csv and not one.most] == []
    orders = next(one for one in TABS if one.key == "orders")
    assert newest_of(orders, [{}] * 2_000) == ""  # all of them are there
