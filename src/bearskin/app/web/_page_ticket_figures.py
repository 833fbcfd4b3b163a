"""The preflight beside the form: the verdict, the figures, the payoff, gaps, carry, caps and every check."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nicegui import ui

from bearskin.app.web._kit import Figure, attrs, dressed, figure, money, per_cent
from bearskin.app.web._ticket_payoff import Payoff, payoff_of
from bearskin.app.web._ticket_price import Ticket
from bearskin.app.web._ticket_tables import (
    caps_table,
    carry_table,
    checks_list,
    gap_table,
    in_words,
    notes_list,
    targets_table,
)

VERDICTS = {
    "go": ("✓", "Go", "nothing speaks against it; that is no promise"),
    "caution": ("!", "Caution", "it may be sent; read what warns"),
    "refused": ("✕", "Refused", ""),
    "incomplete": ("…", "Incomplete", ""),
}
FIGURES = (
    ("Size", "qty"), ("Notional", "notional"), ("Margin", "margin"), ("Of equity", "margin-share"),
    ("Loss at stop", "loss"), ("Of margin", "loss-of-margin"), ("Of account", "loss-of-account"),
    ("Reward / risk", "reward"), ("Liquidation", "liquidation"), ("Away", "liquidation-distance"),
    ("Break-even", "break-even"), ("Fees in + out", "fees"),
)  # fmt: skip


class Figures:
    """The right of the ticket."""

    def __init__(self) -> None:
        with (
            ui.element("div")
            .classes("tk-verdict")
            .props("role=status aria-live=polite data-figure=ticket-verdict") as box
        ):
            self._box = box
            self._mark = ui.label().classes("tk-verdict-mark").props("aria-hidden=true")
            self._word = ui.label().classes("tk-verdict-word")
            self._why = ui.label().classes("tk-verdict-why")
        self._red = ui.label().classes("tk-red").props("role=alert data-figure=ticket-warning")
        self._red.set_visibility(False)
        with ui.element("div").classes("tk-figures"):
            self._figures: dict[str, Figure] = {key: figure(label, f"ticket-{key}") for label, key in FIGURES}
        self._saved = ui.label().classes("tk-note muted").props("data-figure=ticket-saved")
        self._top_up = ui.label().classes("tk-note").props("data-figure=ticket-top-up")
        self._targets = _table("targets")
        self._parts: list[ui.element] = []
        with ui.element("div").classes("tk-split"):
            with self._part("Payoff after fees", "payoff"):
                self._curve = Curve()
            with self._part("Holding it", "carry"):
                self._carry = _table("carry")
        with self._part("When it jumps past every stop", "gaps"):
            self._gaps = _table("gaps")
        with ui.element("div").classes("tk-split"):
            self._binding = _part("What binds the size", "caps")
            with self._binding:
                self._caps = _table("caps")
            with _part("Checks", "checks"):
                self._checks = _table("checks")
        with ui.element("details").classes("tk-part"):
            ui.element("summary").add_slot("default", "Warnings and what is assumed")
            self._notes = _table("notes")

    def fill(self, made: Ticket) -> None:
        """Show a ticket."""
        self._verdict(made)
        self._red.set_text(made.reckless)
        self._red.set_visibility(bool(made.reckless))
        for key, (text, tone) in figures_of(made).items():
            self._figures[key].set(text, tone)
        self._saved.set_text(saved_words(made))
        self._top_up.set_text(made.top_up)
        self._top_up.set_visibility(bool(made.top_up))
        for element, content in (
            (self._targets, targets_table(made)), (self._carry, carry_table(made)), (self._gaps, gap_table(made)),
            (self._caps, caps_table(made)), (self._checks, checks_list(made)), (self._notes, notes_list(made)),
        ):  # fmt: skip
            element.set_content(content)
        self._curve.fill(made)
        priced = made.plan is not None and made.plan.qty is not None
        for part in self._parts:
            part.set_visibility(priced)
        self._binding.set_visibility(made.sized is not None)

    def _part(self, title: str, key: str) -> ui.element:
        """A part that is there once there is a size."""
        made = _part(title, key)
        made.set_visibility(False)
        self._parts.append(made)
        return made

    def _verdict(self, made: Ticket) -> None:
        mark, word, why = VERDICTS[made.verdict]
        said = made.why_not or next(iter(made.reasons), "") or why
        self._box.classes(replace=f"tk-verdict {made.verdict}")
        self._mark.set_text(mark)
        self._word.set_text(word)
        self._why.set_text(in_words(said))


def figures_of(made: Ticket) -> dict[str, tuple[str, str]]:
    """Every figure as text with its tone; dashes where there is none."""
    plan = made.plan
    found = {key: ("–", "") for _, key in FIGURES}
    if plan is None or plan.qty is None or plan.fee_in is None or plan.fee_out is None:
        return found
    instrument = made.case.facts.instrument
    digits = _digits(instrument.tick)
    ahead = plan.targets[0].reward_to_risk if plan.targets else None
    near = plan.liquidation_distance_frac
    nothing = plan.liquidation_price is None
    return found | {
        "qty": (f"{money(plan.qty, _digits(instrument.step))} {instrument.base}", ""),
        "notional": (money(plan.notional), ""),
        "margin": (f"{money(plan.initial_margin)} at {plan.leverage:g}x", ""),
        "margin-share": (per_cent(plan.margin_share_frac), ""),
        "loss": (money(None if plan.loss_at_stop is None else -plan.loss_at_stop), "down" if plan.loss_at_stop else ""),
        "loss-of-margin": (per_cent(plan.loss_at_stop_of_margin_frac), ""),
        "loss-of-account": (per_cent(plan.loss_at_stop_frac), ""),
        "reward": ("–" if ahead is None else f"{ahead:.2f}", ""),
        "liquidation": (
            "none" if nothing else money(plan.liquidation_price, min(digits, 2)),
            "" if nothing else "warn",
        ),
        "liquidation-distance": ("–" if near is None else per_cent(near), ""),
        "break-even": (money(plan.break_even_price, digits), ""),
        "fees": (f"{money(plan.fee_in)} + {money(plan.fee_out)}", ""),
    }


def saved_words(made: Ticket) -> str:
    """What a limit order saves, or has saved; empty without a size."""
    saved, plan = made.fee_saved, made.plan
    if saved is None or plan is None:
        return ""
    instrument = made.case.facts.instrument
    rates = f"{per_cent(instrument.maker_fee_rate)} instead of {per_cent(instrument.taker_fee_rate)}"
    if made.draft.kind == "limit":
        return f"The limit saves {money(saved)} {plan.currency} of fee ({rates}); it may not fill."
    return f"A limit that rests would save {money(saved)} {plan.currency} of fee ({rates}), and may not fill."


class Curve:
    """The payoff as a small chart with its two tails in words."""

    def __init__(self) -> None:
        self._shown: Payoff | None = None
        chart = ui.echart(_options()).classes("tk-curve")
        self._chart = dressed(chart).props('role=img aria-label="Profit by price, without and with the stop"')
        self._best = ui.label().classes("tk-note").props("data-figure=ticket-best")
        self._worst = ui.label().classes("tk-note").props("data-figure=ticket-worst")

    def fill(self, made: Ticket) -> None:
        """Draw it, unless nothing has changed."""
        curve = payoff_of(made)
        self._best.set_text(f"Best: {curve.best}." if curve.best else "")
        self._worst.set_text(f"Worst: {curve.worst}." if curve.worst else "")
        if curve == self._shown:
            return
        self._shown = curve
        marks = [
            {"xAxis": float(price), "name": word, "lineStyle": {"type": kind}, "label": {"align": align}}
            for word, price, kind, align in _marks(made)
            if price is not None
        ]
        self._chart.run_chart_method(
            "setOption",
            {
                "xAxis": {"max": curve.points[-1][0] if curve.points else None},
                "series": [
                    {
                        "id": "held",
                        "data": [[price, held] for price, held, _ in curve.points],
                        "markLine": {"data": marks},
                    },
                    {"id": "stopped", "data": [[price, stopped] for price, _, stopped in curve.points]},
                ],
            },
        )


def _marks(made: Ticket) -> tuple[tuple[str, Decimal | None, str, str], ...]:
    plan = made.plan
    if plan is None:
        return ()
    won, lost = ("right", "left") if made.side < 0 else ("left", "right")
    return (
        ("entry ", plan.entry, "solid", won),
        (" stop", plan.stop, "dashed", lost),
        (" liq.", plan.liquidation_price, "dotted", lost),
    )


GREY = "#7a8798"  # of the lines; text takes the colours of the theme
AMOUNT = "(v) => v.toLocaleString('en-US').replace('-', '−')"


def _options() -> dict[str, Any]:
    label = {"fontSize": 10, "color": GREY, "hideOverlap": True}
    axis: dict[str, Any] = {"axisLabel": label, "axisLine": {"show": False}, "axisTick": {"show": False}}
    return {
        "animation": False,
        "grid": {"left": 46, "right": 10, "top": 18, "bottom": 20},
        "tooltip": {"trigger": "axis", "confine": True, "textStyle": {"fontSize": 11}},
        "xAxis": {"type": "value", "min": 0, **axis, "splitLine": {"show": False}},
        "yAxis": {"type": "value", "splitNumber": 4, **axis, "axisLabel": {**label, ":formatter": AMOUNT}},
        "series": [
            {
                "id": "held", "name": "without the stop", "type": "line", "showSymbol": False, "data": [],
                "lineStyle": {"width": 1.5, "type": "dashed", "color": GREY}, "itemStyle": {"color": GREY},
                "markLine": {
                    "symbol": "none", "silent": True, "lineStyle": {"color": GREY, "width": 1},
                    "label": {"formatter": "{b}", "fontSize": 10, "color": GREY}, "data": [],
                },
            },
            {
                "id": "stopped", "name": "with the stop", "type": "line", "showSymbol": False, "data": [],
                "lineStyle": {"width": 2, "color": "#2f78e6"}, "itemStyle": {"color": "#2f78e6"},
            },
        ],
    }  # fmt: skip


def _part(title: str, key: str) -> ui.element:
    part = attrs(ui.element("section").classes("tk-part"), aria_label=title, data_part=key)
    with part:
        ui.element("h3").classes("tk-part-title").add_slot("default", title)
    return part


def _table(key: str) -> ui.html:
    made = ui.html("", sanitize=False).classes("tk-html")  # of our own making, every text in it escaped
    return made.props(f"data-table={key}")


def _digits(grid: Decimal) -> int:
    return max(0, -int(grid.normalize().as_tuple().exponent))
