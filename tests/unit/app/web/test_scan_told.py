"""What the scan's page and routes are made of: the same candidates as `scan`, drafts on the grid, cards, tables."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from bearskin.app._house import open_house
from bearskin.app._scan import scan
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._draft import draft_of
from bearskin.app.web._hub import Hub
from bearskin.app.web._scan import SCAN, Asked, Scanner, checked, notes_of, stored, warnings_of
from bearskin.app.web._scan_html import fitting, in_order, rest_html, scan_table
from bearskin.market import Store, write_synthetic
from bearskin.terms import BadInput

AT = "2025-02-24T16:00"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk without bot and venue, over a store of two coins."""
    root = tmp_path_factory.mktemp("scan")
    write_synthetic(Store(root / "store"), seed=4, symbols=["BTCUSDT", "ETHUSDT"], days=70)
    house = open_house(root, store=root / "store", venue="synthetic")
    return SimpleNamespace(
        house=house, place=None, market=None, hub=Hub(), tasks=set(), kept={}, symbols=(),
        bot=SimpleNamespace(now=BotNow(up=False, state=None, why="no bot is running")),
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(desk, tmp_path_factory):
    """A scan of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEARSKIN_VENUE", "synthetic")
        return stored(desk, Asked(source="store", at=AT, within=100), lambda *_: None)


def test_it_tells_what_scan_tells(desk, told, monkeypatch):
    from bearskin.report import scan_json

    monkeypatch.setenv("BEARSKIN_VENUE", "synthetic")
    same = scan_json(scan(at=AT, within=100, home=desk.house.home.root, store=desk.house.store_folder))
    assert told["candidates"]
    keys = same["candidates"][0].keys()
    assert [{key: row[key] for key in keys} for row in told["candidates"]] == same["candidates"]
    assert told["source"] == "store"


def test_a_draft_is_on_the_grid_and_errs_towards_caution(told):
    for row in told["candidates"]:
        draft = draft_of(dict(parse_qsl(urlsplit(row["path"]).query)))
        tick = Decimal(1).scaleb(-row["digits"])
        assert (draft.symbol, draft.side, draft.setup) == (row["symbol"], row["side"], row["setup"])
        assert draft.stop is not None
        assert draft.stop % tick == 0
        beyond = draft.stop - Decimal(row["stop"])
        assert 0 <= (beyond if row["side"] == "short" else -beyond) < tick
        assert len(draft.targets) == min(2, len(row["targets"]))


def test_a_card_says_who_pays_and_what_nobody_tells(told):
    for row in told["candidates"]:
        card = told["cards"][row["symbol"]]
        says = card["says"][row["side"]]
        other = card["says"]["long" if row["side"] == "short" else "short"]
        assert card["funding"] is None or ("you receive" in says[0]) != ("you receive" in other[0])
        assert set(card["no_data"]) == {
            name for name, key in (
                ("funding", "funding"), ("open interest", "open_interest"), ("Fear & Greed", "greed"),
                ("long-short ratio of accounts", "accounts"), ("positions of the largest accounts", "largest"),
            ) if card[key] is None
        }  # fmt: skip


def test_rows_are_found_and_put_in_order(told):
    rows = told["candidates"]
    one = rows[0]
    found = fitting(rows, side=one["side"], search=f"{one['symbol'].lower()} {one['setup'].replace('_', ' ')}")
    assert one in found
    assert all(row["side"] == one["side"] and row["symbol"] == one["symbol"] for row in found)
    assert fitting(rows, search="no such word") == []
    ages = [row["age_bars"] for row in in_order(rows, "age", down=True)]
    assert ages == sorted(ages, reverse=True)
    assert in_order(rows, "", down=False) == rows


def test_the_table_escapes_opens_and_names_its_order(told):
    row = {**told["candidates"][0], "why": "<script>alert(1)</script>"}
    made = scan_table([row], told["cards"], {row["key"]}, ("age", True))
    assert "<script>" not in made
    assert "Who is on the other side" in made
    assert 'aria-sort="descending"' in made
    assert "Who is on" not in scan_table([row], {}, set(), ("", False))
    assert "<details>" in rest_html({**told, "left_out": [{"symbol": "X", "why": "no bars"}]})


def test_what_guards_only_tell_is_no_warning():
    row = {
        "guards": {"veto": None, "size_multiplier": "1", "reasons": ["volume confirms"], "unchecked": []},
        "carry": {"money": "-3.2", "horizon_h": 24.0}, "qty": "1", "liquidation_distance_frac": "0.05",
        "stop_distance_frac": "0.03", "families_enough": True,
    }  # fmt: skip
    assert notes_of(row) == ["volume confirms"]
    assert warnings_of(row) == [
        "funding would cost 3.20 over 24 h at the last rate",
        "liquidation lies less than twice as far as the stop",
    ]
    smaller = {**row, "guards": {**row["guards"], "size_multiplier": "0.5"}}
    assert notes_of(smaller) == []
    assert warnings_of(smaller)[0] == "volume confirms"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(sides="up"), "must be one of both, short, long"),
        (Asked(within=0), "from 1 to 500"),
        (Asked(interval="7m"), "must be one of 1m"),
        (Asked(at="2024-01-01"), "stored data"),
    ],
)
def test_what_cannot_be_looked_for_is_said(asked, words):
    with pytest.raises(BadInput, match=words):
        checked(asked)


def test_a_scanner_tells_how_far_it_is_stops_and_says_what_went_wrong(desk, monkeypatch):
    monkeypatch.setenv("BEARSKIN_VENUE", "synthetic")

    async def run():
        async def aside(work):
            return await asyncio.get_running_loop().run_in_executor(None, work)

        desk.aside = aside
        scanner, heard = Scanner(desk), []
        desk.hub.listen(SCAN, heard.append, 0.0)
        scanner.start(Asked(source="store", at=AT))
        now = await scanner.wait()
        assert (now.running, now.number, now.wrong) == (False, 1, "")
        assert now.result["counts"]["symbols"] == 2
        scanner.start(Asked(source="store", at=AT))
        scanner.cancel()
        assert (scanner.now.running, scanner.now.wrong) == (False, "stopped")
        assert scanner.now.result is now.result  # what was found before stays
        scanner.start(Asked())
        now = await scanner.wait()
        assert "no symbols" in now.wrong
        await asyncio.sleep(0.05)
        assert heard[-1] == now
        assert any(one.running for one in heard)

    asyncio.run(run())
