"""The charts as plotly figures in plain dicts (`data`, `layout`): no plotly is imported to describe one.

Colours are names of the page's CSS variables (`var(--short)`), resolved in the browser, so one figure serves the dark
and the light page. Times are epoch milliseconds (UTC). Text that came from outside goes through `safe`, since plotly
reads a small HTML of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest import BacktestResult
from bearskin.market import Panel
from bearskin.report._view import waterfall
from bearskin.report._words import Kind, clean, number, shown
from bearskin.terms import interval_word

Figure = dict[str, object]

POINTS_MAX = 1500
_MS = 1_000_000
_STEPS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168)  # buckets of whole bars that fall on the hours people look at
_SIDES = (("short", "var(--short)", "triangle-down"), ("long", "var(--long)", "triangle-up"))


def safe(text: object) -> str:
    """`text` as plotly shows it literally."""
    return clean(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def digits(values: Iterable[object], count: int = 7) -> list[float | None]:
    """Floats rounded to `count` significant digits (what a chart can show), None for what is not a number."""
    found: list[float | None] = []
    for value in values:
        figure = number(value)
        rounded = None if figure is None else float(f"{figure:.{count}g}")
        found.append(int(rounded) if rounded is not None and rounded.is_integer() and abs(rounded) < 2**53 else rounded)
    return found


def times_ms(column: pl.Series) -> list[int | None]:
    """Epoch milliseconds of a Datetime column."""
    return column.dt.epoch("ms").to_list()


def _figure(data: list[Figure], height_px: int, *, compact: bool = False, **layout: object) -> Figure:
    """`compact` figures stand two in a row and go without plotly's buttons."""
    return {"data": data, "layout": {"height": height_px, **layout}, "compact": compact}


# equity, drawdown, exposure


def thinned(equity: pl.DataFrame, points_max: int = POINTS_MAX) -> pl.DataFrame:
    """At most `points_max` rows of `equity`, true ones: the ends and each stretch's extremes, so no trough is lost."""
    if equity.height <= points_max:
        return equity
    stretch = math.ceil(equity.height / (points_max // 3 - 1))
    rows = equity.with_row_index("_row")
    keep = (
        rows.group_by(pl.col("_row") // stretch)
        .agg(
            pl.col("_row").get(pl.col("equity").arg_min()).alias("low"),
            pl.col("_row").get(pl.col("equity").arg_max()).alias("high"),
            pl.col("_row").get(pl.col("drawdown_frac").arg_min()).alias("deep"),
        )
        .select(pl.concat_list("low", "high", "deep").explode().alias("_row"))
    )
    wanted = sorted({0, equity.height - 1, *(int(one) for one in keep["_row"].drop_nulls())})
    return rows.filter(pl.col("_row").is_in(wanted)).drop("_row")


def equity_figure(equity: pl.DataFrame, currency: str) -> Figure:
    """Equity and wallet, drawdown below them, exposure below that, over one time axis."""
    rows = thinned(equity)
    at = times_ms(rows["time"])

    def line(name: str, column: str, colour: str, axis: str, **more: object) -> Figure:
        return {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": at,
            "y": digits(rows[column]),
            "xaxis": "x",
            "yaxis": axis,
            "line": {"color": colour, "width": 1.6},
            **more,
        }

    drawdown: list[object] = [None if one is None else one * 100 for one in rows["drawdown_frac"]]
    money = f"%{{y:,.2f}} {safe(currency)}"
    data = [
        line("Wallet", "wallet", "var(--muted)", "y", hovertemplate=money),
        line("Equity", "equity", "var(--accent)", "y", hovertemplate=money),
        line("Drawdown", "drawdown_frac", "var(--loss)", "y2", fill="tozeroy", hovertemplate="%{y:.2f} %")
        | {"y": digits(drawdown, 4), "fillcolor": "var(--loss-wash)"},
        line("Gross exposure", "gross_exposure", "var(--muted)", "y3", hovertemplate=money),
        line("Net exposure", "net_exposure", "var(--net)", "y3", hovertemplate=money)
        | {"line": {"color": "var(--net)", "width": 1.6, "dash": "dot"}},
    ]
    return _figure(
        data,
        620,
        hovermode="x unified",
        hoversubplots="axis",
        xaxis={"type": "date", "anchor": "y3"},
        yaxis={"domain": [0.52, 1.0], "title": {"text": f"Equity, {safe(currency)}"}},
        yaxis2={"domain": [0.27, 0.47], "title": {"text": "Drawdown, %"}, "rangemode": "tozero"},
        yaxis3={"domain": [0.0, 0.22], "title": {"text": f"Exposure, {safe(currency)}"}, "zeroline": True},
    )


# trades as a whole


def r_figure(trades: pl.DataFrame) -> Figure:
    """How many trades ended at which R, shorts and longs stacked; bins of a quarter R, the tails gathered at ±5."""
    width, edge = 0.25, 5.0
    bins = np.arange(-edge, edge + width / 2, width)
    data: list[Figure] = []
    for side, colour, _ in _SIDES:
        values = trades.filter(pl.col("side") == side)["r"].drop_nulls().drop_nans().to_numpy()
        if not len(values):
            continue
        counts, _edges = np.histogram(np.clip(values, -edge, edge - width / 2), bins=bins)
        data.append(
            {
                "type": "bar",
                "name": f"{side.capitalize()}s",
                "x": [round(float(one) + width / 2, 4) for one in bins[:-1]],
                "y": [int(one) for one in counts],
                "width": width * 0.92,
                "marker": {"color": colour, "pattern": _hatch(side == "short")},
                "customdata": [f"{_signed(a)} to {_signed(a + width)} R" for a in bins[:-1]],
                "hovertemplate": "%{customdata}: %{y} trades",
            }
        )
    middle = trades["r"].drop_nulls().drop_nans().mean()
    return _figure(
        data,
        340,
        compact=True,
        barmode="stack",
        legend={"traceorder": "normal"},
        xaxis={"title": {"text": "R (net over the risk at the stop)"}, "zeroline": True},
        yaxis={"title": {"text": "Trades"}},
        shapes=[_upright(middle)] if isinstance(middle, float) else [],
    )


def _hatch(wanted: bool) -> Figure:
    """Stripes over a bar, so that two kinds of bars differ by more than colour."""
    return {
        "shape": "/" if wanted else "",
        "fillmode": "overlay",
        "fgcolor": "var(--panel)",
        "size": 7,
        "solidity": 0.2,
    }


def _signed(value: float) -> str:
    return shown(Kind.RATIO, float(value), signed=True)


def _upright(x: float) -> Figure:
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "var(--text)", "width": 1.5, "dash": "dash"},
    }


def excursion_figure(trades: pl.DataFrame) -> Figure:
    """Each trade's worst against its best excursion in per cent of the entry; filled marks ended with a gain."""
    data: list[Figure] = []
    for side, colour, symbol in _SIDES:
        for gain in (True, False):
            rows = trades.filter((pl.col("side") == side) & ((pl.col("net") > 0) == gain))
            if rows.is_empty():
                continue
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"{side.capitalize()}, {'gain' if gain else 'loss'}",
                    "x": digits((100 * one for one in rows["mae_frac"].fill_null(math.nan)), 4),
                    "y": digits((100 * one for one in rows["mfe_frac"].fill_null(math.nan)), 4),
                    "text": [_label(row) for row in rows.iter_rows(named=True)],
                    "hovertemplate": "%{text}<br>MAE %{x:.2f} %, MFE %{y:.2f} %<extra></extra>",
                    "marker": {
                        "color": colour,
                        "symbol": symbol if gain else f"{symbol}-open",
                        "size": 8,
                        "opacity": 0.85,
                    },
                }
            )
    return _figure(
        data,
        340,
        compact=True,
        hovermode="closest",
        xaxis={"title": {"text": "MAE: worst against the trade, %"}, "zeroline": True},
        yaxis={"title": {"text": "MFE: best for it, %"}, "rangemode": "tozero"},
    )


def _label(row: dict[str, object]) -> str:
    result = f"{shown(Kind.MONEY, row['net'], signed=True)}, {shown(Kind.R, row['r'], signed=True)}"
    return f"#{row['trade_id']} {safe(row['symbol'])} {safe(row['side'])}, {safe(row['setup'])}: {result}"


def costs_figure(result: BacktestResult, currency: str) -> Figure:
    """From gross to net, each cost one step."""
    steps = waterfall(result)
    net = sum(amount for _, amount in steps)
    words = [name for name, _ in steps] + ["Net"]
    values = [*(amount for _, amount in steps), net]
    return _figure(
        [
            {
                "type": "waterfall",
                "x": words,
                "y": [round(one, 2) for one in values],
                "measure": ["absolute", *("relative" for _ in steps[1:]), "total"],
                "text": [shown(Kind.MONEY, one, signed=True) for one in values],
                "textposition": "outside",
                "textfont": {"size": 11},
                "constraintext": "none",
                "cliponaxis": False,
                "hovertemplate": f"%{{x}}: %{{text}} {safe(currency)}<extra></extra>",
                "increasing": {"marker": {"color": "var(--gain)"}},
                "decreasing": {"marker": {"color": "var(--loss)"}},
                "totals": {"marker": {"color": "var(--accent)"}},
                "connector": {"line": {"color": "var(--line)", "width": 1}},
            }
        ],
        340,
        compact=True,
        showlegend=False,
        yaxis={"title": {"text": safe(currency)}, "zeroline": True},
    )


def exits_figure(trades: pl.DataFrame) -> Figure:
    """How many trades left by which reason, split into gains and losses."""
    total = dict(trades.group_by("exit_reason").len().sort("len", "exit_reason").iter_rows())
    order = list(total)
    data: list[Figure] = []
    for name, gain, colour in (("Gain", True, "var(--gain)"), ("Loss", False, "var(--loss)")):
        rows = trades.filter((pl.col("net") > 0) == gain)
        counts = dict(rows.group_by("exit_reason").len().iter_rows())
        net = dict(rows.group_by("exit_reason").agg(pl.col("net").sum()).iter_rows())
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "y": [f"{safe(one)}, {total[one]:,}" for one in order],
                "x": [counts.get(one, 0) for one in order],
                "customdata": [shown(Kind.MONEY, net.get(one, 0.0), signed=True) for one in order],
                "hovertemplate": "%{y}: %{x} trades, net %{customdata}",
                "marker": {"color": colour, "pattern": _hatch(not gain)},
            }
        )
    return _figure(
        data,
        340,
        compact=True,
        barmode="stack",
        legend={"traceorder": "normal"},
        xaxis={"title": {"text": "Trades"}},
        yaxis={"automargin": True},
    )


def expectancy_figure(by_setup: pl.DataFrame) -> Figure:
    """Mean R of every set-up and side with two standard errors either way, where there are days enough for a t."""
    rows = by_setup.filter(pl.col("expectancy_r").is_not_null() & pl.col("expectancy_r").is_not_nan()).reverse()
    measured = pl.col("t_day_clustered").is_not_null() & pl.col("t_day_clustered").is_not_nan()
    rows = rows.with_columns(pl.when(measured).then("r_stderr").alias("r_stderr"))  # of two days an error is luck
    data: list[Figure] = []
    for side, colour, symbol in _SIDES:
        part = rows.filter(pl.col("side") == side)
        if part.is_empty():
            continue
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{side.capitalize()}",
                "y": [f"{safe(one['setup'])} {safe(one['side'])}" for one in part.iter_rows(named=True)],
                "x": digits(part["expectancy_r"], 5),
                "error_x": {
                    "type": "data",
                    "array": digits((2 * one for one in part["r_stderr"].fill_null(math.nan)), 5),
                    "color": colour,
                    "thickness": 2,
                    "width": 6,
                },
                "marker": {
                    "color": colour,
                    "symbol": [symbol if one is not None else f"{symbol}-open" for one in part["r_stderr"]],
                    "size": 11,
                },
                "customdata": [shown(Kind.COUNT, one) for one in part["trades"]],
                "hovertemplate": "%{y}: %{x:+.3f} R, %{customdata} trades<extra></extra>",
            }
        )
    return _figure(
        data,
        120 + 34 * rows.height,
        hovermode="closest",
        xaxis={"title": {"text": "Mean R ± 2 standard errors"}, "zeroline": True, "zerolinewidth": 2},
        yaxis={
            "automargin": True,
            "categoryorder": "array",
            "categoryarray": [f"{safe(one['setup'])} {safe(one['side'])}" for one in rows.iter_rows(named=True)],
        },
    )


# prices


def bucket_ns(panel: Panel, points_max: int = POINTS_MAX) -> int:
    """The length of a bucket that turns the bars of `panel` into at most `points_max` candles."""
    if len(panel) <= points_max:
        return panel.interval_ns
    span = int(panel.time_ns[-1] - panel.time_ns[0]) // panel.interval_ns + 1
    least = math.ceil(span / (points_max - 1))  # one more candle is possible than fit: buckets stand on the clock
    return panel.interval_ns * next((step for step in _STEPS if step >= least), least)


def candles(panel: Panel, points_max: int = POINTS_MAX) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
    """Open, high, low, close and the opening times (ns) of at most `points_max` candles; gaps stay gaps."""
    if not len(panel):
        return [np.empty(0)] * 4, np.empty(0, np.int64)
    bucket = panel.time_ns // bucket_ns(panel, points_max)
    starts = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]])
    ends = np.r_[starts[1:], len(panel)] - 1
    ohlc = [
        panel.open[starts],
        np.maximum.reduceat(panel.high, starts),
        np.minimum.reduceat(panel.low, starts),
        panel.close[ends],
    ]
    return ohlc, bucket[starts] * bucket_ns(panel, points_max)


def price_figure(panel: Panel, trades: pl.DataFrame) -> Figure:
    """Candles of one symbol with its trades: entries, exits, and the stop, target and liquidation price of each."""
    (opens, highs, lows, closes), at_ns = candles(panel)
    word = interval_word(bucket_ns(panel))
    data: list[Figure] = [
        {
            "type": "candlestick",
            "name": f"{word} candles",
            "x": [int(one) // _MS for one in at_ns],
            "open": digits(opens),
            "high": digits(highs),
            "low": digits(lows),
            "close": digits(closes),
            "increasing": {"line": {"color": "var(--candle)", "width": 1}, "fillcolor": "var(--panel)"},
            "decreasing": {"line": {"color": "var(--candle)", "width": 1}, "fillcolor": "var(--candle)"},
        }
    ]
    rows = trades.sort("entry_time").to_dicts()
    enter, leave = times_ms(trades.sort("entry_time")["entry_time"]), times_ms(trades.sort("entry_time")["exit_time"])
    for row, start, end in zip(rows, enter, leave, strict=True):
        row["start"], row["end"] = start, end if end is not None else start
    data += [
        _levels(rows, "stop", "Stop", "var(--loss)", "dash"),
        _levels(rows, "target1", "Target", "var(--gain)", "dot"),
        _levels(
            [one for one in rows if one["exit_reason"] == "liquidated"],
            "liquidation_price",
            "Liquidation price",
            "var(--text)",
            "longdashdot",
        ),
    ]
    for side, colour, symbol in _SIDES:
        data += _marks([one for one in rows if one["side"] == side], side, colour, symbol)
    instrument = panel.instrument
    return _figure(
        [one for one in data if one["x"]],
        520,
        hovermode="closest",
        xaxis={"type": "date", "rangeslider": {"visible": False}},
        yaxis={"title": {"text": f"{safe(instrument.quote)} per {safe(instrument.base)}"}},
    )


def _levels(rows: Sequence[dict[str, object]], column: str, name: str, colour: str, dash: str) -> Figure:
    at: list[object] = []
    price: list[object] = []
    for row in rows:
        level = number(row[column])
        if level is not None and level > 0:
            at += [row["start"], row["end"], None]
            price += [*digits([level, level], 8), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": at,
        "y": price,
        "line": {"color": colour, "width": 1.5, "dash": dash},
        "hovertemplate": f"{name} %{{y}}<extra></extra>",
    }


def _marks(rows: Sequence[dict[str, object]], side: str, colour: str, symbol: str) -> list[Figure]:
    held_at: list[object] = []
    held: list[object] = []
    for row in rows:
        held_at += [row["start"], row["end"], None]
        held += [*digits([row["entry_price"], row["exit_price"]], 8), None]
    found: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{side} held",
            "showlegend": False,
            "hoverinfo": "skip",
            "x": held_at,
            "y": held,
            "line": {"color": colour, "width": 1.5},
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{side.capitalize()} entry",
            "x": [row["start"] for row in rows],
            "y": digits((row["entry_price"] for row in rows), 8),
            "text": [_label(row) for row in rows],
            "hovertemplate": "%{text}<br>entry %{y}<extra></extra>",
            "marker": {"color": colour, "symbol": symbol, "size": 11, "line": {"color": "var(--bg)", "width": 1}},
        },
    ]
    for word, gain, shape in (("gain", True, "circle"), ("loss", False, "x")):
        part = [row for row in rows if ((number(row["net"]) or 0.0) > 0) == gain]
        found.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{side.capitalize()} exit, {word}",
                "x": [row["end"] for row in part],
                "y": digits((row["exit_price"] for row in part), 8),
                "text": [f"{_label(row)}<br>left by {safe(row['exit_reason'])}" for row in part],
                "hovertemplate": "%{text} at %{y}<extra></extra>",
                "marker": {"color": colour, "symbol": shape, "size": 8, "line": {"color": "var(--bg)", "width": 1}},
            }
        )
    return found
