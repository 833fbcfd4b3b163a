"""The parts of the tear sheet that are text and tables."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from bearskin.backtest import BacktestResult, brief_luck
from bearskin.report._charts import times_ms
from bearskin.report._html import Markup, el, join
from bearskin.report._view import (
    Facts,
    assumptions_of,
    declined_by_reason,
    left_out_by_reason,
    missing_by_kind,
    studied,
)
from bearskin.report._words import NOTHING, Column, Kind, column, moment_ns, number, prose, shown
from bearskin.terms import DAY_NS

_NUMERIC = frozenset({Kind.MONEY, Kind.PRICE, Kind.QTY, Kind.FRAC, Kind.R, Kind.RATIO, Kind.TIMES, Kind.COUNT})
_LONG_TEXT = frozenset({"why", "why_exit", "detail", "example"})
_SIGNS = {"short": "▼ short", "long": "▲ long"}  # a side is told by shape as well as by colour

TRADE_COLUMNS = (
    "trade_id",
    "symbol",
    "side",
    "setup",
    "entry_time",
    "exit_time",
    "exit_reason",
    "net",
    "r",
    "qty",
    "entry_price",
    "stop",
    "target1",
    "exit_price",
    "gross",
    "fees",
    "funding",
    "slippage",
    "mae_frac",
    "mfe_frac",
    "bars",
    "notional",
    "leverage",
    "margin_mode",
    "margin",
    "risk_at_stop",
    "liquidation_price",
    "target2",
    "ambiguous",
    "net_if_target_first",
    "funding_complete",
    "why",
    "why_exit",
)


def unit_of(kind: Kind, currency: str) -> str:
    """The unit that stands in a heading; kinds that carry their sign in the cell (%, R, ×) have none there."""
    return {Kind.MONEY: currency, Kind.PRICE: f"{currency} per coin", Kind.QTY: "coins", Kind.TIME: "UTC"}.get(kind, "")


def _tone(kind_signed: bool, text: str) -> str:
    if not kind_signed:
        return ""
    return "gain" if text.startswith("+") else "loss" if text.startswith("−") else ""


def _heading(name: str, spec: Column, currency: str, sortable: bool) -> Markup:
    unit = unit_of(spec.kind, currency)
    words = join(spec.title, el("span", f", {unit}", class_="unit") if unit else None)
    return el(
        "th",
        el("button", words, type="button") if sortable else words,
        scope="col",
        title=spec.hint or None,
        class_="num" if spec.kind in _NUMERIC else None,
        data_name=name,
    )


def cell(name: str, spec: Column, value: object) -> Markup:
    """One cell with its machine-readable value beside what is shown."""
    text = shown(spec.kind, value, signed=spec.signed)
    side = text in _SIGNS and name == "side"
    tone = _tone(spec.signed, text)
    classes = [
        "num" if spec.kind in _NUMERIC else "",
        "wrap" if name in _LONG_TEXT else "",
        text if side else "",
        tone,
    ]
    return el(
        "td",
        _SIGNS[text] if side else text,
        class_=" ".join(one for one in classes if one) or None,
        data_v=number(value) if spec.kind in _NUMERIC else None,
    )


def frame_table(frame: pl.DataFrame, currency: str, titles: dict[str, Column] | None = None, **attrs: object) -> Markup:
    """`frame` as a sortable table that scrolls inside its own box; units stand in the headings."""
    specs = {name: (titles or {}).get(name) or column(name, dtype) for name, dtype in frame.schema.items()}
    head = el("tr", [_heading(name, spec, currency, sortable=True) for name, spec in specs.items()])
    body = [
        el("tr", [cell(name, specs[name], value) for name, value in row.items()]) for row in frame.iter_rows(named=True)
    ]
    return el(
        "div",
        el("table", el("thead", head), el("tbody", body), class_="sortable", **attrs),
        class_="scroll",
        tabindex="0",
    )


def headline(facts: Facts, title: str | None) -> Markup:
    """Who, when, how; then the honest sentence."""
    shown_symbols = ", ".join(facts.symbols) or "none"
    return el(
        "header",
        el("div", "bearskin · backtest", class_="brand"),
        el("h1", title or facts.title),
        el("div", [el("span", label, class_="badge") for label in facts.labels]) if facts.labels else None,
        el("dl", [el("div", el("dt", name), el("dd", text)) for name, text in facts.rows], class_="facts"),
        el("p", "Symbols: ", el("b", shown_symbols), class_="symbols"),
        el("div", el("h2", "What this shows"), el("p", prose(facts.evidence)), class_="evidence", role="note"),
        class_="top",
    )


def _figure_of(value: object, kind: Kind, unit: str = "", signed: bool = False) -> Markup:
    text = shown(kind, value, signed=signed)
    raw = number(value)
    words = join(text, el("span", f" {unit}", class_="unit") if unit and text != NOTHING else None)
    return el("data", words, value="" if raw is None else repr(raw), class_=_tone(signed, text) or None)


def key_figures(result: BacktestResult, currency: str) -> Markup:
    """The figures one looks at first, each with its unit and what it must be read with."""
    s = result.summary

    def money(name: str, signed: bool = False) -> Markup:
        return _figure_of(s.get(name), Kind.MONEY, currency, signed)

    def of(name: str, kind: Kind, signed: bool = False) -> Markup:
        return _figure_of(s.get(name), kind, signed=signed)

    stderr = result_stderr(result)
    cards: list[tuple[str, str, Markup, Markup | str]] = [
        ("net", "Net result", money("net", True), join(of("equity_start", Kind.MONEY), " to ", money("equity_end"))),
        ("return_frac", "Return on equity", of("return_frac", Kind.FRAC, True), "whole period, not annualised"),
        (
            "max_drawdown_frac",
            "Max drawdown",
            of("max_drawdown_frac", Kind.FRAC, True),
            "from the highest equity before",
        ),
        ("trades", "Trades", of("trades", Kind.COUNT), join("win rate ", of("win_rate", Kind.FRAC))),
        (
            "expectancy_r",
            "Expectancy",
            of("expectancy_r", Kind.R, True),
            join("± ", _figure_of(stderr, Kind.R), " standard error, trades taken as independent"),
        ),
        ("profit_factor", "Profit factor", of("profit_factor", Kind.RATIO), "gains over losses"),
        (
            "sharpe_daily",
            "Sharpe, daily",
            of("sharpe_daily", Kind.RATIO, True),
            join("± ", of("sharpe_stderr", Kind.RATIO), " standard error"),
        ),
        ("fees", "Fees", money("fees"), "a cost when positive"),
        ("funding", "Funding", money("funding", True), "received when positive"),
        ("slippage", "Slippage", money("slippage"), "a cost when positive"),
        ("liquidations", "Liquidations", of("liquidations", Kind.COUNT), "of the trades above"),
        (
            "ambiguous_trades",
            "Ambiguous trades",
            of("ambiguous_trades", Kind.COUNT),
            join("net if target first ", money("net_if_target_first", True)),
        ),
    ]
    return el(
        "dl",
        [_card(*card) for card in cards],
        class_="keys",
        id="figures-list",
    )


def luck_figures(result: BacktestResult) -> Markup | None:
    """What the trades alone say of luck, before any figure that flatters; None where no trade has an R."""
    span = [moment_ns(result.summary.get(name)) for name in ("start", "end")]
    if span[0] is None or span[1] is None:
        return None
    found = brief_luck(result.trades, span[0] // DAY_NS, (span[1] - 1) // DAY_NS)
    whole = found.result
    if whole.mean is None:
        return None

    def mean(value: float | None) -> Markup:
        return _figure_of(value, Kind.R, signed=True)

    days = f"3 is asked for; {whole.days:,} days with entries, each one event"
    bounds = join(mean(whole.low), " to ", mean(whole.high)) if whole.low is not None else NOTHING
    cards: list[tuple[str, str, Markup | str, str]] = [
        (
            "luck_t",
            "t of mean R, days as clusters",
            _figure_of(whole.t, Kind.RATIO, signed=True),
            days,
        ),
        ("luck_interval", "Mean R, 95 %", bounds, "a range with zero in it shows nothing"),
        (
            "luck_best",
            "Without the best days",
            mean(found.without_best),
            f"mean R without {found.best_days:,} days (5 %)",
        ),
        (
            "luck_halves",
            "First and second half",
            join(mean(found.first_half), ", ", mean(found.second_half)),
            "an edge is there in both",
        ),
    ]
    return el(
        "section",
        el("h2", "Luck"),
        el("dl", [_card(*card) for card in cards], class_="keys", id="luck-list"),
        el("p", el("code", "bearskin luck"), " on this folder asks the rest: trials, random entries.", class_="quiet"),
        class_="bare",
        id="luck",
    )


def _card(name: str, title: str, figure: Markup | str, more: Markup | str) -> Markup:
    return el("div", el("dt", title), el("dd", figure), el("dd", more, class_="more"), class_="key", data_key=name)


def result_stderr(result: BacktestResult) -> float | None:
    """Standard error of the mean R over all trades: the summary's own, else the plain one of the trades."""
    said = number(result.summary.get("r_stderr"))
    values = result.trades["r"].drop_nulls().drop_nans()
    if said is not None or len(values) < 2:
        return said
    spread = number(values.std())
    return None if spread is None else spread / float(len(values)) ** 0.5


def months(result: BacktestResult, currency: str) -> Markup:
    """Returns by year and month as a heat map, then the figures."""
    by_month = {str(row["month"]): row for row in result.monthly.iter_rows(named=True)}
    years = sorted({month[:4] for month in by_month})
    deepest = max((abs(number(row["return_frac"]) or 0.0) for row in by_month.values()), default=0.0)
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    head = el("tr", el("th", "Year", scope="col"), [el("th", name, scope="col", class_="num") for name in names])
    body = [
        el("tr", el("th", year, scope="row"), [_heat(by_month.get(f"{year}-{m:02d}"), deepest) for m in range(1, 13)])
        for year in years
    ]
    return el(
        "section",
        el("h2", "Months"),
        el("div", el("table", el("thead", head), el("tbody", body), class_="heatmap"), class_="scroll", tabindex="0"),
        el("details", el("summary", "Month by month"), frame_table(result.monthly, currency, id="monthly-table")),
        id="months",
    )


def _heat(row: dict[str, object] | None, deepest: float) -> Markup:
    if row is None:
        return el("td", "", class_="heat")
    value = number(row["return_frac"]) or 0.0
    depth = 12 + 48 * abs(value) / deepest if deepest else 0
    text = shown(Kind.FRAC, value, signed=True)
    return el("td", text, class_=f"heat {_tone(True, text)}".strip(), style=f"--depth:{depth:.0f}%")


def study_part(result: BacktestResult) -> Markup | None:
    """What the packaged study found of the set-ups that were traded here: more cases than one backtest has."""
    told = studied(result)
    if not told:
        return None
    items = [el("li", el("b", f"{setup}, {side}"), f": {sentence}") for setup, side, sentence in told]
    heading = el("h3", "What a study of these set-ups found", style="margin-top:1rem")
    return join(heading, el("ul", items, class_="said", id="studied"))


def declined_part(result: BacktestResult, currency: str) -> Markup:
    """Why signals were not traded: a fact of its own."""
    by_reason = declined_by_reason(result.declined)
    example = {"example": Column(title="For example", kind=Kind.TEXT)}
    inside = (
        join(
            el("p", "A signal is declined before it costs anything; every one is in declined.parquet.", class_="quiet"),
            frame_table(by_reason, currency, example, id="declined-table"),
        )
        if by_reason.height
        else el("p", "No signal was declined.")
    )
    return el("section", el("h2", "Declined signals"), inside, id="declined")


def data_part(result: BacktestResult, currency: str) -> Markup:
    """What the figures are made of and what was absent."""
    gone = missing_by_kind(result.missing)
    left = left_out_by_reason(result)
    return el(
        "section",
        el("h2", "Data that was missing"),
        el("p", "Missing data is listed, never taken as zero; times are in summary.json.", class_="quiet"),
        frame_table(gone, currency, id="missing-table")
        if gone.height
        else el("p", "Nothing that was needed was missing."),
        el("h3", "Symbols left out", style="margin-top:1rem") if left else None,
        el(
            "ul",
            [el("li", el("b", ", ".join(symbols)), f": {why}") for symbols, why in left],
            class_="said",
            id="left-out",
        )
        if left
        else None,
        id="data",
    )


_GLOSSARY = (
    ("R", "Net result over what the trade would have lost at its stop. −1 R is a full stop; costs come on top."),
    ("MAE, MFE", "The worst and the best excursion of the price while the trade was open, of the entry price."),
    ("Ambiguous", "Stop and target lie in one bar and the bar cannot tell which came first: the stop is taken."),
    ("Net if target first", "The other bound: the same trades had the target always come first."),
    ("t", "Mean R over its standard error with errors clustered by day. With many tests some pass 2 by chance."),
    ("Funding", "Positive funding rates are paid by longs to shorts. Here positive is received, whatever the side."),
    ("Qty", "Coins, or contracts of inverse products; negative is short."),
)


def trust_part(result: BacktestResult) -> Markup:
    """Assumptions, labels and what the words mean."""
    said = assumptions_of(result)
    return el(
        "section",
        el("h2", "Assumptions and labels"),
        el("ul", [el("li", prose(one)) for one in said], class_="said", id="assumptions")
        if said
        else el("p", "None were stated."),
        el(
            "details",
            el("summary", "What the words mean"),
            el("dl", [[el("dt", a), el("dd", b)] for a, b in _GLOSSARY], class_="words"),
        ),
        id="trust",
    )


def trades_payload(trades: pl.DataFrame, currency: str) -> dict[str, object]:
    """The trades as the page's script reads them: columns, rows of shown text, and each trade's span (epoch ms)."""
    names = [name for name in TRADE_COLUMNS if name in trades.columns]
    specs = [column(name, trades.schema[name]) for name in names]
    columns = [_payload_column(name, spec, currency) for name, spec in zip(names, specs, strict=True)]
    rows = [
        [_payload_text(name, spec, value) for name, spec, value in zip(names, specs, row, strict=True)]
        for row in trades.select(names).iter_rows()
    ]
    spans = list(zip(times_ms(trades["entry_time"]), times_ms(trades["exit_time"]), strict=True))
    return {"columns": columns, "rows": rows, "spans": spans, "symbol": names.index("symbol")}


def _payload_text(name: str, spec: Column, value: object) -> str:
    if name == "liquidation_price" and value == 0:  # as venues print it: there is none
        return NOTHING
    text = shown(spec.kind, value, signed=spec.signed)
    return _SIGNS.get(text, text) if name == "side" else text


def _payload_column(name: str, spec: Column, currency: str) -> dict[str, object]:
    return {
        "name": name,
        "num": spec.kind in _NUMERIC,
        "wide": name in _LONG_TEXT,
        "signed": spec.signed,
        "side": name == "side",
        "unit": unit_of(spec.kind, currency),
    }


def trades_part(trades: pl.DataFrame, currency: str, symbols: Sequence[str]) -> Markup:
    """The frame of the trades table; the page's script fills it."""
    names = [name for name in TRADE_COLUMNS if name in trades.columns]
    heads = [_heading(name, column(name, trades.schema[name]), currency, sortable=True) for name in names]
    options = [el("option", "all symbols", value=""), *(el("option", one, value=one) for one in symbols)]
    return el(
        "section",
        el("h2", "Trades"),
        el(
            "div",
            el("label", "Symbol", el("select", options, id="trades-symbol")),
            el("span", "", id="trades-count", class_="quiet", role="status"),
            el("span", "Click a heading to sort, a row to see the trade in its price chart.", class_="quiet"),
            class_="tools",
        ),
        el(
            "div",
            el("table", el("thead", el("tr", heads)), el("tbody"), id="trades-table"),
            class_="scroll tall",
            tabindex="0",
        ),
        el("button", "Show more", type="button", class_="more-rows", id="trades-more", hidden=True),
        id="trades-part",
    )
