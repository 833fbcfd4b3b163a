"""A draft in an address, and who is told when it changes."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from bearskin.app.web._draft import Draft, Drafting, DraftLine, draft_of, path_of

D = Decimal
WHOLE = Draft(
    symbol="BTCUSDT", side="long", kind="limit", price=D("60000.5"), stop=D(58_000), targets=(D(63_000), D(65_000)),
    risk_frac=D("0.005"), leverage=D(3), margin_mode="cross", trail_atr=D(3), purpose="hedge", shock_frac=D("0.3"),
    preset="hedge", setup="failed_breakout", note="back below",
)  # fmt: skip


def test_a_draft_comes_back_from_its_address():
    assert draft_of(dict(parse_qsl(urlsplit(path_of(WHOLE)).query))) == WHOLE
    assert path_of(Draft()) == "/?"


def test_what_cannot_be_read_in_an_address_is_left_out():
    found = draft_of({"symbol": "BTCUSDT", "stop": "high", "side": "up", "preset": "wild", "qty": "-1", "other": "1"})
    assert found == Draft(symbol="BTCUSDT")


def test_listeners_hear_of_a_change_once_and_of_none_never():
    heard: list[Draft] = []
    drafting = Drafting()
    drafting.listen(heard.append)
    drafting.set(stop=D(62_500))
    drafting.set(stop=D(62_500))
    assert [one.stop for one in heard] == [D(62_500)]


def test_computed_lines_are_told_like_the_draft():
    heard: list[Draft] = []
    drafting = Drafting()
    drafting.listen(heard.append)
    lines = (DraftLine(kind="liquidation", price=D("71713.1"), text="liquidation"),)
    drafting.draw(lines)
    drafting.draw(lines)
    assert (len(heard), drafting.lines) == (1, lines)
