"""The tear sheet shows the figures of the result, all of them, and asks nobody for anything."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from unit.report.made_up import HOSTILE, held

from bearskin.report import tear_sheet

VOID = {"meta", "br", "col", "input", "wbr"}


class Page(HTMLParser):
    """The parts of a page that the tests look at, and proof that its elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}  # script id -> content
        self.keys: dict[str, list[float | None]] = {}
        self.tables: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.words: list[str] = []
        self._stack: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert not self._stack, f"left open: {self._stack}"

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.append((tag, named))
        if tag in VOID:
            return
        self._stack.append((tag, named))
        if "data-key" in named:
            self.keys[named["data-key"]] = []
        if tag == "data" and self.keys and self._inside("data-key"):
            self.keys[self._inside("data-key")].append(float(named["value"]) if named["value"] else None)
        if tag == "tr" and self._inside("id", "table"):
            self.tables.setdefault(self._inside("id", "table"), []).append([])
        if tag == "td" and self._inside("id", "table"):
            self.tables[self._inside("id", "table")][-1].append(("", named.get("data-v")))

    def _inside(self, attr, tag=None):
        for name, attrs in reversed(self._stack):
            if attrs.get(attr) and (tag is None or name == tag):
                return attrs[attr]
        return None

    def handle_endtag(self, tag):
        assert self._stack
        assert self._stack[-1][0] == tag, f"</{tag}> closes <{self._stack[-1][0]}>"
        self._stack.pop()

    def handle_data(self, data):
        tag, attrs = self._stack[-1] if self._stack else ("", {})
        if tag == "script":
            self.text[attrs.get("id") or f"code{len(self.text)}"] = data
            return
        if tag == "style":
            self.text["style"] = data
            return
        self.words.append(data)
        table = self._inside("id", "table")
        if table and any(name == "td" for name, _ in self._stack):
            shown, value = self.tables[table][-1][-1]
            self.tables[table][-1][-1] = (shown + data, value)


@pytest.fixture(scope="module")
def page(result):
    return Page(tear_sheet(result))


def test_key_figures_are_those_of_the_summary(page, result):
    s = result.summary
    assert page.keys["net"] == [s["net"], s["equity_start"], s["equity_end"]]
    assert page.keys["return_frac"] == [s["return_frac"]]
    assert page.keys["max_drawdown_frac"] == [s["max_drawdown_frac"]]
    assert page.keys["trades"] == [s["trades"], s["win_rate"]]
    assert page.keys["expectancy_r"][0] == s["expectancy_r"]
    assert page.keys["fees"] == [s["fees"]]
    assert page.keys["funding"] == [s["funding"]]
    assert page.keys["slippage"] == [s["slippage"]]
    assert page.keys["liquidations"] == [s["liquidations"]]
    assert page.keys["ambiguous_trades"] == [s["ambiguous_trades"], s["net_if_target_first"]]
    assert page.keys["sharpe_daily"] == [None, None]
    said = " ".join(page.words)
    for text in ("+1,081.25", "+10.81 %", "−20.79 %", "+5.41 R", "50.00 %", "−2.00", "+1,221.50"):
        assert text in said


@pytest.mark.parametrize("name", ["setups-table:by_setup", "sides-table:by_side", "monthly-table:monthly"])
def test_tables_hold_the_values_of_their_frames(page, result, name):
    table, frame_name = name.split(":")
    frame = getattr(result, frame_name)
    rows = [row for row in page.tables[table] if row]
    assert len(rows) == frame.height
    for cells, row in zip(rows, frame.iter_rows(named=True), strict=True):
        for (text, value), (column, wanted) in zip(cells, row.items(), strict=True):
            if isinstance(wanted, float | int):
                assert float(value) == wanted, column
            elif wanted is None:
                assert (text, value) == ("–", None)
            else:
                assert wanted in text


def test_the_trades_table_has_every_trade_and_why(page, result):
    payload = json.loads(page.text["trades"])
    names = [one["name"] for one in payload["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in payload["rows"]]
    assert [row["symbol"] for row in rows] == result.trades["symbol"].to_list()
    first = rows[0]
    assert first["side"] == "▼ short"
    assert first["qty"] == "−10"
    assert first["net"] == "+97.00"
    assert first["entry_time"] == "2025-01-01 11:00"
    assert first["why"] == "close fell back below the level"
    assert first["why_exit"] == "mark reached the stop"
    assert rows[2]["ambiguous"] == "yes"
    units = {one["name"]: one["unit"] for one in payload["columns"]}
    assert (units["net"], units["entry_price"], units["qty"]) == ("USDT", "USDT per coin", "coins")


def test_headline_evidence_and_labels_are_said(page, result):
    said = " ".join(page.words)
    for text in ("Shorts and longs on 2 symbols", "2025-01-01 to 2025-07-28", "failed-breakout, exhaustion", "5×"):
        assert text in said
    assert result.summary["evidence"] in said
    assert "ESTIMATED" in page.words
    assert "RESEARCH ONLY" in page.words
    assert "no candles in the store" in said
    assert [one for one in result.notes if one not in said] == []


def test_nothing_is_loaded_from_anywhere(page):
    for tag, attrs in page.tags:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "source"}
        for name in ("src", "srcset", "action", "poster", "background"):
            assert name not in attrs, (tag, attrs)
        if "href" in attrs:
            assert attrs["href"].startswith("#")
    own = page.text["style"]
    assert "@import" not in own
    assert "url(" not in own
    policies = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert "http" not in policies[0]


def test_the_page_is_well_within_its_size(result):
    assert len(tear_sheet(result).encode()) < 6_000_000


def test_a_result_without_trades_is_a_page_that_says_so(empty_result):
    page = Page(tear_sheet(empty_result))
    said = " ".join(page.words)
    assert "No trades were made: 7 signals were found and 3 of them declined." in said
    assert "stop too tight" in said
    assert "trades" not in page.text
    assert "chart-equity" in json.loads(page.text["figures"])
    assert page.keys["expectancy_r"] == [None, None]


def test_a_position_without_a_stop_has_a_page_without_r(result):
    page = Page(tear_sheet(held(result)))
    figures = json.loads(page.text["figures"])
    assert "chart-r" not in figures
    assert "chart-expectancy" not in figures
    assert "chart-costs" in figures
    traces = {one["name"] for one in json.loads(page.text["price-0"])["data"]}
    assert "Short entry" in traces
    assert "Stop" not in traces


def test_a_hostile_name_is_only_text(hostile_result):
    text = tear_sheet(hostile_result, title=HOSTILE)
    page = Page(text)
    running = [attrs for tag, attrs in page.tags if tag == "script" and attrs.get("type") != "application/json"]
    assert running == [{}, {}]  # plotly's and the page's own
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<script>alert" not in text
    assert "\x1b" not in text
    names = [attrs.get("data-symbol") for tag, attrs in page.tags if attrs.get("data-symbol")]
    assert names == [HOSTILE.replace("\x1b", "�")]
    assert json.loads(page.text["trades"])["rows"][0][1] == HOSTILE.replace("\x1b", "�")


def test_symbols_beyond_the_limit_are_named_not_hidden(result):
    page = Page(tear_sheet(result, max_price_charts=1))
    assert "price-0" in page.text
    assert "price-1" not in page.text
    assert "Without a chart, having fewer trades: ETHUSDT." in page.words
    without = Page(tear_sheet(result, max_price_charts=0))
    assert "price-0" not in without.text


def test_a_title_of_ones_own(result):
    assert "My october" in Page(tear_sheet(result, title="My october")).words
