"""What a rehearsal tells, in JSON: bars, signals, accounts. Nothing here looks beyond the bar that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bearskin.terms import dec, iso

if TYPE_CHECKING:
    from bearskin.backtest import BacktestResult, SymbolScan
    from bearskin.market import Panel
    from bearskin.setups import SetupEvent

STILL_OPEN = "end"
PROVES = "one stretch of one symbol proves nothing"
LEFT_BY = {"time": "closed by hand", STILL_OPEN: "open"}
Json = dict[str, Any]


def bar_json(panel: Panel, bar: int) -> Json:
    """One bar: opened at `time_ms`; mark and funding where they are known, funding being [rate, milliseconds]."""
    funding: list[list[Any]] = []
    if panel.funding is not None:
        a, b = panel.funding.time_ns.searchsorted([int(panel.time_ns[bar]), panel.known_ns(bar)])
        times, rates = panel.funding.time_ns[a:b].tolist(), panel.funding.rate[a:b].tolist()
        funding = [[f"{rate:.8f}", at // 1_000_000] for at, rate in zip(times, rates, strict=True)]
    mark = None if panel.mark_close is None else float(panel.mark_close[bar])
    return {
        "time_ms": int(panel.time_ns[bar]) // 1_000_000,
        "open": float(panel.open[bar]),
        "high": float(panel.high[bar]),
        "low": float(panel.low[bar]),
        "close": float(panel.close[bar]),
        "volume": float(panel.volume[bar]),
        "mark": mark if mark is not None and mark == mark else None,
        "funding": funding,
    }


def signals_json(scan: SymbolScan) -> list[Json]:
    """The signals of a scan, each with its verdict, its evidence and what a chart draws of it."""
    judged = [_signal(trade.event, trade.verdict, trade.reason, trade) for one in scan.found for trade in one.trades]
    return judged + [_signal(one.event, "over", one.why) for one in scan.gone]


def _signal(event: SetupEvent, verdict: str, reason: str, trade: Any = None) -> Json:
    from bearskin.report import evidence_sentence
    from bearskin.setups import evidence_verdict

    sized = None if trade is None else trade.sized
    return {
        "setup": event.setup,
        "side": event.side.word,
        "known": iso(event.known_ns),
        "entry": event.entry,
        "price": f"{dec(event.entry_ref):f}",
        "stop": f"{dec(event.stop):f}",
        "targets": [f"{dec(one):f}" for one in event.targets],
        "why": event.why,
        "verdict": verdict,
        "reason": reason,
        "qty": None if sized is None else f"{sized.qty:f}",
        "evidence": evidence_verdict(event.setup, event.side),
        "evidence_words": evidence_sentence(event.setup, event.side),
        "drawing": drawing_json(event),
    }


def drawing_json(event: SetupEvent) -> Json:
    """The structure of a set-up: `lines` [name, ms, price, ms, price] and `zones` [name, ms, ms, low, high]."""
    from bearskin.setups import Line

    lines: list[list[Any]] = []
    zones: list[list[Any]] = []
    for one in event.drawing:
        start, end = one.start_ns // 1_000_000, one.end_ns // 1_000_000
        if isinstance(one, Line):
            lines.append([one.name, start, one.start_price, end, one.end_price])
        else:
            zones.append([one.name, start, end, one.low_price, one.high_price])
    return {"lines": lines, "zones": zones}


def account_json(result: BacktestResult | None, start: float, events: Sequence[SetupEvent], shown: int) -> Json:
    """One account at the last close. `open` is what is held, `pending` what enters at the next open, `declined` why
    something was not entered; `trades` are those that were left."""
    rows = [] if result is None else result.trades.to_dicts()
    rows_open = [_row(row) for row in rows if row["exit_reason"] == STILL_OPEN]
    left = [_row(row) for row in rows if row["exit_reason"] != STILL_OPEN]
    equity, drawdown = start, 0.0
    if result is not None and result.equity.height:
        equity = float(result.equity["equity"][-1])
        drawdown = float(result.equity["drawdown_frac"].to_numpy().min())
    measured = [row["r"] for row in rows if row["r"] is not None]
    declined = [] if result is None else result.declined.to_dicts()
    pending = [one for one in events if one.bar + 1 >= shown]
    return {
        "equity": f"{equity:.2f}",
        "net": f"{equity - start:.2f}",
        "drawdown_frac": f"{drawdown:.6f}",
        "sum_r": f"{sum(measured):.2f}" if measured else None,
        "won": sum(row["net"] > 0 for row in rows if row["exit_reason"] != STILL_OPEN),
        "open": rows_open,
        "pending": [
            {"setup": one.setup, "side": one.side.word, "stop": f"{dec(one.stop):f}",
             "target": f"{dec(one.targets[0]):f}" if one.targets else None}
            for one in pending
        ],
        "trades": left,
        "declined": [
            {"time": row["time"].strftime("%Y-%m-%dT%H:%M:%SZ"), "setup": row["setup"], "side": row["side"],
             "why": row["detail"] or row["reason"]}
            for row in declined
        ],
    }  # fmt: skip


def _row(row: Mapping[str, Any]) -> Json:
    """One trade in strings; of an open one, exit and money are as if it were left at the last close."""
    return {
        "setup": row["setup"],
        "side": row["side"],
        "entered": row["entry_time"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "entered_ms": int(row["entry_time"].timestamp() * 1000),
        "left_ms": int(row["exit_time"].timestamp() * 1000),
        "entry": f"{row['entry_price']:.8g}",
        "qty": f"{row['qty']:.8g}",
        "stop": None if row["stop"] is None else f"{row['stop']:.8g}",
        "target": None if row["target1"] is None else f"{row['target1']:.8g}",
        "liquidation": None if not row["liquidation_price"] else f"{row['liquidation_price']:.8g}",
        "exit": f"{row['exit_price']:.8g}",
        "left_by": LEFT_BY.get(row["exit_reason"], row["exit_reason"]),
        "ambiguous": row["ambiguous"],
        "fees": f"{row['fees']:.2f}",
        "funding": f"{row['funding']:.2f}",
        "net": f"{row['net']:.2f}",
        "r": None if row["r"] is None else f"{row['r']:.2f}",
        "why": row["why"],
        "why_exit": row["why_exit"],
    }


def score_words(accounts: Mapping[str, Json], steps: int) -> str:
    """One honest sentence about all three."""
    mine, setups = accounts["mine"], accounts["setups"]
    count = f"{steps:,} bar{'' if steps == 1 else 's'}"
    return (
        f"{count}: you {_net(mine)} in {_trades(mine)}; doing as the set-ups said {_net(setups)} in {_trades(setups)};"
        f" doing nothing 0.00. {PROVES[0].upper()}{PROVES[1:]}."
    )


def _net(account: Json) -> str:
    text = f"{float(account['net']):+,.2f}".replace("-", "−")
    return "0.00" if float(account["net"]) == 0 else text


def _trades(account: Json) -> str:
    count = len(account["trades"]) + len(account["open"])
    return f"{count} trade{'' if count == 1 else 's'}"
