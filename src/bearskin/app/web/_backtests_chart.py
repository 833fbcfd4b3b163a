"""One trade of a backtest on its candles: where it came from, what it cost, why it was left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._house import House
from bearskin.app._made_up import SYNTHETIC, synthetic_folder, synthetic_made
from bearskin.app.web._backtests import Json, folder_of, result_of, trade_of
from bearskin.app.web._steps_tell import bar_json, drawing_json
from bearskin.terms import BadInput, BearskinError, Side, interval_ns, parse_time

if TYPE_CHECKING:
    from bearskin.market import Panel
    from bearskin.setups import SetupEvent

WARM_BARS = 1_500  # what a set-up looks back on
BEFORE_BARS, AFTER_BARS = 40, 25
CANDLES_MAX = 1_500
GONE = "its market is not kept: nothing can be drawn of it"


def trade_chart(house: House, name: str, number: int) -> Json:
    """The trade, the candles around it, the structure of its set-up and what funding was settled while it was held.

    `bars` is empty and `said` tells why where the candles are not there any more. Raises BadInput for no such trade.
    """
    trade = trade_of(house, name, number)
    asked = result_of(house, name)["asked"]
    empty: Json = {"trade": trade, "bars": [], "drawing": {"lines": [], "zones": []}, "funding": [], "said": GONE}
    if not isinstance(asked, Mapping):
        return empty
    try:
        panel = _panel(house, asked, trade)
    except BearskinError as error:
        return {**empty, "said": str(error)}
    event = _event(panel, trade)
    first, last = _span(panel, trade, event)
    return {
        "trade": trade,
        "bars": [bar_json(panel, bar) for bar in range(first, last)],
        "interval_s": panel.interval_ns // 1_000_000_000,
        "tick": f"{panel.instrument.tick:f}",
        "drawing": {"lines": [], "zones": []} if event is None else drawing_json(event),
        "funding": _funding(panel, trade),
        "said": "" if last < len(panel) or len(panel) - first < CANDLES_MAX else "only its first bars are drawn",
    }


def store_of(house: House, asked: Mapping[str, Any]) -> Path:
    """The store that a backtest was made on; a synthetic one of ours is made again where it is gone."""
    folder = Path(str(asked.get("store") or house.store_folder))
    interval = str(asked.get("interval") or house.settings.interval)
    if asked.get("venue") == SYNTHETIC and folder.resolve() == synthetic_folder(house, interval).resolve():
        return synthetic_made(house, interval)
    if not folder.is_dir():
        raise BadInput(f"the store {folder} it was made on is gone: nothing can be drawn")
    return folder


def _panel(house: House, asked: Mapping[str, Any], trade: Json) -> Panel:
    from bearskin import market

    interval = str(asked["interval"])
    step = interval_ns(interval)
    signal, left = parse_time(trade["signal_time"]), parse_time(trade["exit_time"])
    return market.load_panel(
        market.Store(store_of(house, asked)),
        venue=str(asked["venue"]),
        product=str(asked["product"]),
        symbol=trade["symbol"],
        interval=interval,
        start_ns=signal - WARM_BARS * step,
        end_ns=left + AFTER_BARS * step,
    )


def _event(panel: Panel, trade: Json) -> SetupEvent | None:
    """The signal of the trade, found again; None where its set-up is not here or the data have changed since."""
    from bearskin.setups import SETUPS, detect

    known_ns = parse_time(trade["signal_time"])
    if trade["setup"] not in SETUPS:
        return None
    bar = int(panel.time_ns.searchsorted(known_ns - panel.interval_ns))
    if bar >= len(panel):
        return None
    events = detect(panel, (trade["setup"],), (Side[trade["side"].upper()],), first_bar=bar)
    return next((one for one in events if one.known_ns == known_ns), None)


def _span(panel: Panel, trade: Json, event: SetupEvent | None) -> tuple[int, int]:
    """The bars that are drawn: [first, last), from where the structure began to a little after the exit."""
    began = parse_time(trade["entry_time"])
    if event is not None:
        began = min([began, event.anchor_ns, *(one.start_ns for one in event.drawing)])
    entered = int(panel.time_ns.searchsorted(parse_time(trade["entry_time"])))
    first = max(0, entered - 8 * BEFORE_BARS, int(panel.time_ns.searchsorted(began)) - BEFORE_BARS // 2)
    first = max(0, min(first, entered - BEFORE_BARS))
    return first, min(len(panel), first + CANDLES_MAX)


def _funding(panel: Panel, trade: Json) -> list[Json]:
    """Every settlement while it was held: `money` is that of the whole quantity, received positive."""
    if panel.funding is None:
        return []
    entered, left = parse_time(trade["entry_time"]), parse_time(trade["exit_time"])
    a = int(panel.funding.time_ns.searchsorted(entered))
    b = int(panel.funding.time_ns.searchsorted(left, side="right"))
    qty, found = float(trade["qty"]), []
    marks = panel.open if panel.mark_open is None else panel.mark_open
    for k in range(a, b):
        at, rate = int(panel.funding.time_ns[k]), float(panel.funding.rate[k])
        bar = min(int(panel.time_ns.searchsorted(at, side="right")) - 1, len(panel) - 1)
        money = -qty * float(marks[bar]) * rate
        found.append(
            {"time_ms": at // 1_000_000, "rate": f"{rate:.6f}", "money": f"{money:.2f}" if money == money else None}
        )
    return found


def chart_there(house: House, name: str) -> bool:
    """Whether the trades of a result can be drawn at all."""
    folder_of(house, name)
    return isinstance(result_of(house, name)["asked"], Mapping)
