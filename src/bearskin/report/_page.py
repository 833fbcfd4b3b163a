"""The tear sheet: one HTML file with everything in it, plotly included, that asks the network for nothing."""

from __future__ import annotations

import polars as pl

from bearskin.backtest import BacktestResult
from bearskin.market import Panel
from bearskin.report._charts import (
    Figure,
    bucket_ns,
    costs_figure,
    equity_figure,
    excursion_figure,
    exits_figure,
    expectancy_figure,
    price_figure,
    r_figure,
)
from bearskin.report._html import Markup, el, join
from bearskin.report._sections import (
    data_part,
    declined_part,
    frame_table,
    headline,
    key_figures,
    luck_figures,
    months,
    study_part,
    trades_part,
    trades_payload,
    trust_part,
)
from bearskin.report._sheet import FOOTER, NO_SCRIPT, chart, navigation, script_data, whole_page
from bearskin.report._view import facts
from bearskin.report._words import Kind, clean, shown
from bearskin.terms import interval_word

MAX_PRICE_CHARTS = 40


def tear_sheet(result: BacktestResult, *, title: str | None = None, max_price_charts: int = MAX_PRICE_CHARTS) -> str:
    """`result` as one self-contained HTML page, dark or light as the reader's system asks.

    `title` replaces the made headline. At most `max_price_charts` symbols get a price chart (those with most trades);
    the page says which do not. Returns the text of the file (about 5 MB of it plotly).
    """
    about = facts(result)
    figures: dict[str, Figure] = {}
    return whole_page(
        f"{title or about.title}, {about.period}",
        headline(about, title),
        _navigation(result),
        el(
            "main",
            luck_figures(result),
            key_figures(result, about.currency),
            _parts(result, about.currency, figures, max_price_charts),
            el("noscript", el("p", NO_SCRIPT)),
        ),
        el("footer", FOOTER),
        script_data("figures", figures),
    )


def _navigation(result: BacktestResult) -> Markup:
    places = [("equity", "Equity"), ("months", "Months")]
    if result.trades.height:
        places += [("setups", "Set-ups"), ("shape", "Shape"), ("prices", "Prices"), ("trades-part", "Trades")]
    elif result.panels:
        places += [("prices", "Prices")]
    places += [("declined", "Declined"), ("data", "Data"), ("trust", "Assumptions")]
    return navigation(places)


def _parts(result: BacktestResult, currency: str, figures: dict[str, Figure], max_price_charts: int) -> Markup:
    any_trades = result.trades.height > 0
    return join(
        _equity_part(result, currency, figures),
        months(result, currency) if result.monthly.height else None,
        _setups_part(result, currency, figures) if result.by_setup.height else None,
        _shape_parts(result, currency, figures) if any_trades else None,
        _prices_part(result, max_price_charts),
        trades_part(result.trades, currency, _traded(result)) if any_trades else None,
        script_data("trades", trades_payload(result.trades, currency)) if any_trades else None,
        declined_part(result, currency),
        data_part(result, currency),
        trust_part(result),
    )


def _traded(result: BacktestResult) -> list[str]:
    return sorted({str(one) for one in result.trades["symbol"]})


def _equity_part(result: BacktestResult, currency: str, figures: dict[str, Figure]) -> Markup:
    if result.trades.is_empty():
        declined = shown(Kind.COUNT, result.summary.get("declined"))
        signals = shown(Kind.COUNT, result.summary.get("signals"))
        said = (
            f"No trades were made: {signals} signals were found and {declined} of them declined. Reasons stand below."
        )
        nothing = el("p", said, class_="empty", id="no-trades")
    else:
        nothing = None
    if result.equity.is_empty():
        return el(
            "section", el("h2", "Equity and drawdown"), nothing or el("p", "No equity was recorded."), id="equity"
        )
    drawn = chart(
        figures,
        "equity",
        equity_figure(result.equity, currency),
        "Equity counts open positions at mark, the wallet does not. Net exposure below zero is short. Drag to zoom.",
        "Equity, drawdown and exposure over time",
    )
    return el("section", el("h2", "Equity and drawdown"), nothing, drawn, id="equity")


def _setups_part(result: BacktestResult, currency: str, figures: dict[str, Figure]) -> Markup:
    known = result.by_setup.filter(pl.col("expectancy_r").is_not_null() & pl.col("expectancy_r").is_not_nan())
    return el(
        "section",
        el("h2", "Set-ups and sides"),
        frame_table(result.by_setup, currency, id="setups-table"),
        chart(
            figures,
            "expectancy",
            expectancy_figure(result.by_setup),
            "Whiskers that cross zero: not to be told from chance. With many rows some clear it by chance alone. "
            "Hollow, without whiskers: traded on too few days to say anything.",
            "Mean R of each set-up and side with two standard errors",
        )
        if known.height
        else None,
        study_part(result),
        el("h3", "By side", style="margin-top:1rem") if result.by_side.height else None,
        frame_table(result.by_side, currency, id="sides-table") if result.by_side.height else None,
        id="setups",
    )


def _shape_parts(result: BacktestResult, currency: str, figures: dict[str, Figure]) -> Markup:
    trades = result.trades
    charts = (
        (
            "How the trades ended, in R",
            "r",
            r_figure(trades),
            "Dashed: the mean. The outermost bars hold everything beyond ±5 R.",
        ),
        (
            "Worst and best excursion",
            "excursion",
            excursion_figure(trades),
            "Losses that were far ahead first lie high on the left.",
        ),
        ("From gross to net", "costs", costs_figure(result, currency), "Costs go down, funding received goes up."),
        (
            "Why trades were left",
            "exits",
            exits_figure(trades),
            "Plain: ended with a gain. Hatched: ended with a loss.",
        ),
    )
    return el(
        "div",
        [
            el("section", el("h2", heading), chart(figures, name, figure, caption, heading))
            for heading, name, figure, caption in charts
            if figure["data"]  # a position held without a stop has no R
        ],
        class_="pair",
        id="shape",
    )


def _prices_part(result: BacktestResult, max_price_charts: int) -> Markup | None:
    panels = [panel for panel in result.panels if len(panel)]
    if not panels or max_price_charts < 1:
        return None
    counts = dict(result.trades.group_by("symbol").len().iter_rows()) if result.trades.height else {}
    ranked = sorted(panels, key=lambda panel: -counts.get(panel.instrument.symbol, 0))[:max_price_charts]
    kept = [panel for panel in panels if any(panel is one for one in ranked)]
    without = [panel.instrument.symbol for panel in panels if not any(panel is one for one in kept)]
    options = [_option(index, panel, counts) for index, panel in enumerate(kept)]
    return el(
        "section",
        el("h2", "Prices and trades"),
        el(
            "div",
            el("label", "Symbol", el("select", options, id="price-symbol", autocomplete="off")),
            el("button", "Whole period", type="button", id="price-whole"),
            class_="tools",
        ),
        el(
            "figure",
            el("div", id="chart-price", role="img", aria_label="Prices of the chosen symbol with its trades"),
            el("figcaption", _price_caption(kept[0])),
            class_="chart",
        ),
        el("p", f"Without a chart, having fewer trades: {', '.join(without)}.", class_="quiet") if without else None,
        [
            script_data(f"price-{index}", price_figure(panel, _of(result.trades, panel)))
            for index, panel in enumerate(kept)
        ],
        id="prices",
    )


def _option(index: int, panel: Panel, counts: dict[str, int]) -> Markup:
    symbol = panel.instrument.symbol
    trades = counts.get(symbol, 0)
    words = f"{symbol} ({trades} trade{'' if trades == 1 else 's'})"
    return el("option", words, value=index, data_symbol=clean(symbol))


def _of(trades: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    return trades.filter(pl.col("symbol") == panel.instrument.symbol)


def _price_caption(panel: Panel) -> str:
    bar, bucket = interval_word(panel.interval_ns), interval_word(bucket_ns(panel))
    drawn = f"Candles of {bar}" if bar == bucket else f"Bars of {bar} drawn as candles of {bucket}"
    return (
        f"{drawn}: hollow closed higher, filled lower. ▼ short entry, ▲ long entry, ● left with a gain, ✕ with a loss. "
        "Dashed is the stop, dotted the target; liquidation prices are drawn where a trade was liquidated."
    )
