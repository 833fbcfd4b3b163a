"""The coupled sliders of the ticket."""

from __future__ import annotations

from decimal import Decimal

from nicegui import ui

from bearskin.app.web._draft import Drafting
from bearskin.app.web._kit import attrs, per_cent
from bearskin.app.web._page_ticket_fields import NumberField
from bearskin.app.web._ticket_couple import (
    DISTANCE_LEAST,
    DISTANCE_MOST,
    distance_for,
    distance_of,
    leverage_for,
    stop_at,
)
from bearskin.app.web._ticket_faults import plain, share
from bearskin.app.web._ticket_price import Ticket, lifted
from bearskin.terms import BadInput, dec

THROTTLE_S = 0.08


class Sliders:
    """Leverage and the stop's distance; held together they lose the same share of the margin at the stop."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting = drafting
        self._ticket: Ticket | None = None
        self._share: Decimal | None = None
        self._lift: tuple[str, str] | None = None  # the preset that a leverage has brought, and what is said of it
        self._filling = False
        with ui.element("fieldset").classes("tk-sliders"):
            ui.element("legend").add_slot("default", "Leverage against the stop's distance")
            with ui.element("div").classes("tk-slider"):
                ui.label("Leverage").classes("tk-label").props("id=tk-leverage-label")
                self._leverage = self._slider(1, 5, 1, "Leverage", self._levered)
                self.field = NumberField("", "leverage", self._typed_in, suffix="x")
                self.field.input.props('aria-label="Leverage, typed"').classes("tk-narrow")
            self._lock = ui.element("p").classes("tk-lock")
            with self._lock:
                ui.icon("lock").props("aria-hidden=true")
                self._lock_text = ui.label()
                ui.link("Take the quiz", "/learn").classes("tk-link")
            self._lock.set_visibility(False)
            self._lifted = ui.label().classes("tk-note muted").props("role=status data-figure=ticket-lifted")
            with ui.element("div").classes("tk-slider"):
                ui.label("Stop distance").classes("tk-label")
                least, most = float(DISTANCE_LEAST * 100), float(DISTANCE_MOST * 100)
                self._distance = self._slider(least, most, 0.05, "Stop distance in per cent of the entry", self._spread)
                self._told = ui.label("–").classes("num tk-value").props("data-figure=ticket-distance")
            self.hold = ui.checkbox("Equal risk: wider stop, lower leverage", on_change=self._held)
            self.hold.props("dense data-field=hold").classes("tk-hold")
            self._share_told = ui.label().classes("muted tk-note").props("data-figure=ticket-held-share")

    def _slider(self, low: float, high: float, step: float, label: str, heard: object) -> ui.slider:
        slider = ui.slider(min=low, max=high, step=step, value=low)
        slider.on_value_change(heard)  # type: ignore[arg-type]
        return attrs(slider.props("dense"), aria_label=label).classes("tk-range")

    def fill(self, made: Ticket) -> None:
        """Show where the draft stands."""
        self._ticket = made
        self._filling = True
        try:
            span = made.range
            top = float(max(span.reach, Decimal(2)))
            if self._leverage.props.get("max") != top:
                self._leverage.props(f"max={top:g}")
                self._leverage.props["max"] = top
            leverage = self._drafting.draft.leverage or made.leverage
            if leverage is not None:
                self._leverage.set_value(float(min(leverage, span.reach)))
            self.field.fill(made.draft.leverage)
            self.field.hint("" if made.leverage is None else plain(made.leverage))
            self.field.fault(made.faults.get("leverage", ""))
            distance = self._distance_now()
            if distance is not None and distance > 0:
                self._distance.set_value(round(float(min(distance, DISTANCE_MOST)) * 100, 2))
            elif distance is None:  # the stop was taken off: the knob stands for none
                self._distance.set_value(float(DISTANCE_LEAST * 100))
            self._told.set_text("–" if distance is None else per_cent(distance))
            self._show_lock(made)
            self._show_lift(made)
            self._show_share()
        finally:
            self._filling = False

    def _show_lock(self, made: Ticket) -> None:
        span = made.range
        shut = made.case.lock.shut
        self._lock.set_visibility(bool(shut) or (span.lock is not None and span.lock == span.reach))
        self._lock_text.set_text(f"{shut or made.case.lock.why}.")

    def _show_lift(self, made: Ticket) -> None:
        said = self._lift[1] if self._lift is not None and self._lift[0] == made.draft.preset else ""
        self._lifted.set_text(said)
        self._lifted.set_visibility(bool(said))

    def _lifting(self, leverage: Decimal) -> dict[str, str | Decimal]:
        """The changes of the draft that a leverage brings beside itself, and what is said of them."""
        made = self._ticket
        changes = {} if made is None else lifted(made, leverage)
        if made is not None and changes:
            kept = changes.get("risk_frac", made.draft.risk_frac)
            at_risk = f"; {share(kept)} of equity stays at risk" if isinstance(kept, Decimal) else ""
            limit = f"above the {plain(made.preset.leverage_max)}x of preset {made.preset.name}"
            self._lift = str(changes["preset"]), f"{limit}: preset {changes['preset']} holds now{at_risk}"
        return changes

    def _typed_in(self, leverage: Decimal | None) -> None:
        self._drafting.set(leverage=leverage, **({} if leverage is None else self._lifting(leverage)))

    def _show_share(self) -> None:
        share = self._share if self.hold.value and self._share is not None else self._share_now()
        words = "" if share is None else f"{per_cent(share, 1)} of the margin goes at the stop"
        self._share_told.set_text(f"{words}, held" if words and self.hold.value else words)

    def _distance_now(self) -> Decimal | None:
        made = self._ticket
        if made is None or made.entry is None or self._drafting.draft.stop is None:
            return None
        return distance_of(made.entry, self._drafting.draft.stop, made.side)

    def _share_now(self) -> Decimal | None:
        distance, made = self._distance_now(), self._ticket
        if distance is None or distance <= 0 or made is None or made.leverage is None:
            return None
        return distance * made.leverage

    def _held(self) -> None:
        self._share = self._share_now() if self.hold.value else None
        self._show_share()

    def typed(self) -> None:
        """Another stop or leverage was typed, or dragged on the chart: that is the risk to hold from now on."""
        self._share = None

    def _levered(self) -> None:
        made = self._ticket
        if self._filling or made is None:
            return
        leverage = Decimal(int(self._leverage.value or 1))
        changes: dict[str, str | Decimal | None] = {"leverage": leverage, **self._lifting(leverage)}
        if self.hold.value and made.entry is not None:
            self._share = self._share or self._share_now()
            if self._share is not None:
                distance = distance_for(self._share, leverage)
                changes["stop"] = stop_at(made.entry, distance, made.side, made.case.facts.instrument.tick)
        self._moved(changes)

    def _spread(self) -> None:
        made = self._ticket
        if self._filling or made is None or made.entry is None:
            return
        try:
            distance = max(dec(f"{self._distance.value:.4f}") / 100, DISTANCE_LEAST)
        except (BadInput, TypeError, ValueError):
            return
        changes: dict[str, str | Decimal | None] = {
            "stop": stop_at(made.entry, distance, made.side, made.case.facts.instrument.tick)
        }
        if self.hold.value:
            self._share = self._share or self._share_now()
            if self._share is not None:
                changes["leverage"] = leverage_for(self._share, distance, made.range.top)
        self._moved(changes)

    def _moved(self, changes: dict[str, str | Decimal | None]) -> None:
        share = self._share
        self._drafting.set(**changes)
        self._share = share  # the draft's listeners take a change for one that was typed
