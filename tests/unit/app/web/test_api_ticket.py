"""Numbers that nobody can mean, given to the ticket and to positions over the API: one short sentence."""

from __future__ import annotations

from pathlib import Path

from unit.app.web.api_kit import quiet_desk
from unit.app.web.test_api_errors import asked

from bearskin.app.web._api import api_of

FIELDS = ("stop", "price", "qty", "risk_frac", "leverage", "trail_atr", "shock_frac")
UNMEANT = ("1e9999999", "1e-9999999", "1e-400", "1e999999999999999999", "0", "-1", "NaN")


def test_a_number_beyond_all_reach_is_one_short_sentence(home: Path) -> None:
    app = api_of(quiet_desk(home))
    for name in FIELDS:
        for value in UNMEANT:
            told = asked(app, "POST", "/api/v1/ticket/price", json={"symbol": "BTCUSDT", name: value})
            assert told.status_code == 422, (name, value)
            assert told.json()["error"].startswith(f"{name}: ")
            assert len(told.text) < 120


def test_so_is_one_of_a_position_a_transfer_or_a_shock(home: Path) -> None:
    app = api_of(quiet_desk(home))
    for path, body in (
        ("positions/BTCUSDT/stop", {"stop": "1e9999999"}),
        ("positions/BTCUSDT/margin", {"amount": "1e9999999"}),
        ("positions/BTCUSDT/close", {"share": "0.5", "price": "1e9999999"}),
        ("positions/BTCUSDT/close", {"share": "1e-9999999"}),
        ("transfer", {"amount": "1e9999999", "way": "to_spot"}),
    ):
        told = asked(app, "POST", f"/api/v1/{path}", json=body)
        assert told.status_code in (409, 422), (path, told.text)
        assert len(told.text) < 200
    for frac in ("1e9999999", "1e400", "-1e9999999"):
        assert asked(app, "GET", f"/api/v1/shock?frac={frac}").status_code == 422
