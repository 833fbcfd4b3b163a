"""What a rehearsal shows beside its chart: score, signals, trades; and the levels and marks on the chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from bearskin.app.web._kit import attrs, figured, money, per_cent, tone_of
from bearskin.app.web._page_backtests_parts import DASH, button, clock, price, table, words_of_setup

SIGNALS_SHOWN = 12
VERDICTS = {"passes": "would be taken", "unguarded": "no guard was asked", "smaller": "would be taken smaller",
            "declined": "declined", "over": "over already"}  # fmt: skip
Json = dict[str, Any]


def accounts(place: ui.element, found: Json) -> None:
    """Three accounts beside each other, and the sentence that puts them into place."""
    place.clear()
    rows = []
    for word, key in (("You", "mine"), ("Set-ups", "setups"), ("Nothing", "nothing")):
        one = found[key]
        trades = len(one.get("trades", ())) + len(one.get("open", ()))
        down = per_cent(one["drawdown_frac"]) if "drawdown_frac" in one else per_cent("0")
        r = DASH if one.get("sum_r") is None else f"{float(one['sum_r']):+.2f}".replace("-", "−")
        rows.append([word, (money(one["net"]), f"r {tone_of(one['net'])}"), (r, "r"), (str(trades), "r"), (down, "r")])
    with place:
        table((("", ""), ("Net", "r"), ("R", "r"), ("Trades", "r"), ("Max DD", "r")), rows, label="Score")
        ui.label(found["score"]).classes("bt-hint").props("data-figure=score role=status")


def signal_rows(place: ui.element, signals: Sequence[Json], take: Callable[[Json], None]) -> None:
    """New signals on top, the oldest fall off."""
    for one in signals:
        with place:
            row = attrs(ui.element("div").classes("bt-signal"), data_signal=one["setup"])
        row.move(target_index=0)
        with row:
            with ui.element("div").classes("head"):
                ui.label(
                    f"{'▼' if one['side'] == 'short' else '▲'} {one['side']} · {words_of_setup(one['setup'])}"
                ).classes("down" if one["side"] == "short" else "up")
                ui.label(clock(one["known"])).classes("num muted")
                attrs(ui.label(one["evidence"]).classes("bt-kind"), title=one["evidence_words"])
            ui.label(one["why"])
            targets = ", ".join(one["targets"]) or "none"
            ui.label(figured(f"at {one['price']}, stop {one['stop']}, targets {targets}")).classes("muted num").style(
                "text-align:left;white-space:normal"
            )
            ui.label(f"{VERDICTS.get(one['verdict'], one['verdict'])}: {one['reason']}").classes("muted")
            button("Use its stop and target", lambda one=one: take(one), "small", "take")
    children = list(place.default_slot.children)
    for old in children[SIGNALS_SHOWN:]:
        old.delete()


def trade_rows(rows: Sequence[Json]) -> None:
    """Trades by hand, the open one first."""
    heads = (("Entered", ""), ("Side", ""), ("Qty", "r"), ("Entry", "r"), ("Stop", "r"), ("Exit", "r"), ("Left by", ""),
             ("Fees", "r"), ("Funding", "r"), ("Net", "r"), ("R", "r"))  # fmt: skip
    cells = [
        [clock(one["entered"]), one["side"], (one["qty"].replace("-", "−"), "r"), (price(one["entry"]), "r"),
         (price(one["stop"]), "r"), (price(one["exit"]), "r"), one["left_by"], (money(one["fees"]), "r"),
         (money(one["funding"]), "r"), (money(one["net"]), f"r {tone_of(one['net'])}"),
         (DASH if one["r"] is None else f"{float(one['r']):+.2f}".replace("-", "−"), "r")]
        for one in rows
    ]  # fmt: skip
    table(heads, cells, label="Trades of yours")


def levels_of(found: Json) -> list[Json]:
    """Entry, stop and target of what is held by hand."""
    return [
        {"kind": kind, "word": kind, "price": one[kind], "from_ms": one["entered_ms"], "to_ms": None}
        for one in found["mine"]["open"]
        for kind in ("entry", "stop", "target")
        if one[kind] is not None
    ]


def hand_marks(found: Json) -> list[Json]:
    """Where trades by hand were entered and left."""
    mine = found["mine"]
    entries = [
        {"kind": "entry", "side": one["side"], "word": one["side"], "price": one["entry"], "time_ms": one["entered_ms"]}
        for one in [*mine["trades"], *mine["open"]]
    ]
    exits = [
        {"kind": "exit", "side": one["side"], "word": one["left_by"], "price": one["exit"], "time_ms": one["left_ms"],
         "won": float(one["net"]) > 0}
        for one in mine["trades"]
    ]  # fmt: skip
    return entries + exits
