"""What is typed and chosen on the ticket; everything goes through the draft, so that a chart may change it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from nicegui import ui

from bearskin.app.web._draft import TARGETS_MAX, Draft, Drafting
from bearskin.app.web._kit import attrs
from bearskin.app.web._page_ticket_fields import Choice, NumberField
from bearskin.app.web._page_ticket_sliders import Sliders
from bearskin.app.web._ticket_faults import share
from bearskin.app.web._ticket_levels import Suggested
from bearskin.app.web._ticket_price import Ticket, own_risk_frac
from bearskin.app.web._ticket_tables import exits_words, in_words
from bearskin.risk import preset_of

CENT = Decimal("0.01")
SIDES = {"short": "▼ Short", "long": "▲ Long"}
KINDS = {"market": "Market", "limit": "Limit"}
MODES = {"isolated": "Isolated", "cross": "Cross"}
PRESETS = {"beginner": "Beginner", "standard": "Standard", "pro": "Pro", "hedge": "Hedge"}
SIZES = {"stop": "Size for the stop", "qty": "Quantity"}


class Form:
    """The left of the ticket."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting, self._sizing = drafting, "qty" if drafting.draft.qty is not None else "stop"
        self._ticket: Ticket | None = None
        draft, change = drafting.draft, self._change
        with ui.element("div").classes("tk-form").props('role=form aria-label="What is to be traded"'):
            self.side = Choice("Side", "side", SIDES, draft.side, self._turned)
            self.preset = Choice("Preset", "preset", PRESETS, draft.preset or "standard", self._preset)
            with ui.element("div").classes("tk-two"):
                self.kind = Choice("Order", "kind", KINDS, draft.kind, lambda word: change(kind=word))
                self.mode = Choice("Margin", "margin", MODES, draft.margin_mode, lambda word: change(margin_mode=word))
            self.price = NumberField("Limit price", "price", lambda value: change(price=value))
            self.stop = NumberField("Stop", "stop", lambda value: change(stop=value))
            self._use_stop = Suggestions("stop", lambda one: change(stop=one.price))
            with ui.element("div").classes("tk-two"):
                self.targets = [self._target_field(at) for at in range(TARGETS_MAX)]
            self._target_fault = ui.label().classes("tk-fault").props("role=alert")
            self._use_target = Suggestions("target", self._take_target)
            self._size = Choice("How large", "size", SIZES, self._sizing, self._sized)
            with ui.element("div").classes("tk-two"):
                self.risk = NumberField("Risk", "risk", lambda value: change(risk_frac=value), suffix="%", scale=CENT)
                self.qty = NumberField("Quantity", "qty", lambda value: change(qty=value))
                self.trail = NumberField("Trail the stop", "trail", lambda v: change(trail_atr=v), suffix="ATR",
                                         placeholder="off")  # fmt: skip
                self.shock = NumberField("Survives a move of", "shock", lambda v: change(shock_frac=v), suffix="%",
                                         scale=CENT)  # fmt: skip
            self.sliders = Sliders(drafting)
            self._exits = ui.label().classes("tk-note muted").props("data-figure=ticket-exits")
            note = ui.input("Thesis, for the journal", value=draft.note, on_change=lambda e: change(note=e.value or ""))
            note.props("dense outlined stack-label debounce=300 maxlength=900 data-field=note").classes("tk-field")
        drafting.listen(self._drawn)
        self._drawn(draft)

    def fill(self, made: Ticket) -> None:
        """Show what the pricing says beside the fields."""
        self._ticket = made
        self._drawn(made.draft if made.draft == self._drafting.draft else self._drafting.draft)
        for name, field in (("price", self.price), ("stop", self.stop), ("qty", self.qty),
                            ("risk_frac", self.risk), ("shock_frac", self.shock)):  # fmt: skip
            field.fault(in_words(made.faults.get(name, "")))
        other = in_words(made.faults.get("targets", "") or made.faults.get("draft", ""))
        self._target_fault.set_text(other)
        self._target_fault.set_visibility(bool(other))
        risk_frac = own_risk_frac(made.case, made.preset)
        self.risk.hint("" if risk_frac is None else f"{share(risk_frac).removesuffix(' %')}")
        if made.sized is not None and self._sizing == "qty":
            self.qty.hint(f"at most {abs(made.sized.qty):,f}")
        else:
            self.qty.hint("")
        found = made.suggestion
        self._use_stop.fill(() if made.draft.purpose == "hedge" or found.stop is None else (found.stop,), made)
        self._use_target.fill(found.targets, made)
        self._exits.set_text(exits_words(made))
        self.sliders.fill(made)

    def unread(self) -> str:
        """What stands in a field and is no number, in words; empty where all of them were read."""
        there = (field.unread for field in self._fields() if field.unread and field.input.visible)
        return next(there, "")

    def misread(self, hears: Callable[[], None]) -> None:
        """Have `hears` called whenever that changes."""
        for field in self._fields():
            field.misread = hears

    def _fields(self) -> tuple[NumberField, ...]:
        return (self.price, self.stop, *self.targets, self.risk, self.qty, self.trail, self.shock, self.sliders.field)

    def _target_field(self, at: int) -> NumberField:
        return NumberField(f"Target {at + 1}", f"target-{at + 1}", lambda value: self._target(at, value))

    # --- what was typed ----------------------------------------------------------------------------------------------

    def _change(self, **changes: object) -> None:
        if "stop" in changes or "leverage" in changes:
            self.sliders.typed()
        self._drafting.set(**changes)

    def _turned(self, side: str) -> None:
        """The other side: what was above is below now, so the prices are asked for again."""
        self.sliders.typed()
        self._drafting.set(side=side, stop=None, targets=())

    def _preset(self, name: str) -> None:
        preset = preset_of(name)
        purpose = "hedge" if preset.hedge else "speculation"
        changes: dict[str, object] = {
            "preset": name, "purpose": purpose, "margin_mode": preset.margin_mode.value, "leverage": None,
            "risk_frac": None,
        }  # fmt: skip
        if preset.hedge:
            self._sizing = "qty"
            changes |= {
                "stop": None,
                "trail_atr": None,
                "shock_frac": self._drafting.draft.shock_frac or Decimal("0.3"),
            }
        else:
            changes["shock_frac"] = None
        self.sliders.typed()
        self._drafting.set(**changes)

    def _sized(self, how: str) -> None:
        self._sizing = how
        made = self._ticket
        if how == "stop":
            self._drafting.set(qty=None)
        else:
            plan = None if made is None else made.plan
            qty = None if plan is None or plan.qty is None else abs(plan.qty)
            self._drafting.set(qty=qty, risk_frac=None)
        self._drawn(self._drafting.draft)

    def _target(self, at: int, value: Decimal | None) -> None:
        kept: list[Decimal | None] = [*self._drafting.draft.targets]
        kept += [None] * (TARGETS_MAX - len(kept))
        kept[at] = value
        self._drafting.set(targets=tuple(one for one in kept if one is not None))

    def _take_target(self, one: Suggested) -> None:
        there = self._drafting.draft.targets
        if one.price not in there:
            self._drafting.set(targets=(*there, one.price)[-TARGETS_MAX:])

    # --- what the draft says -----------------------------------------------------------------------------------------

    def _drawn(self, draft: Draft) -> None:
        hedge = draft.purpose == "hedge"
        own = "standard" if self._ticket is None else self._ticket.case.rules.preset
        self.side.fill(draft.side)
        self.kind.fill(draft.kind)
        self.mode.fill(draft.margin_mode)
        self.preset.fill("hedge" if hedge else draft.preset or own)
        self._size.fill(self._sizing)
        self.price.fill(draft.price)
        self.stop.fill(draft.stop)
        for at, field in enumerate(self.targets):
            field.fill(draft.targets[at] if at < len(draft.targets) else None)
        self.risk.fill(draft.risk_frac)
        self.qty.fill(draft.qty)
        self.trail.fill(draft.trail_atr)
        self.shock.fill(draft.shock_frac)
        self.price.show(draft.kind == "limit")
        attrs(self.stop.input, label="Disaster stop, optional" if hedge else "Stop")
        self._size.show(not hedge)
        self.risk.show(not hedge and self._sizing == "stop")
        self.qty.show(hedge or self._sizing == "qty")
        self.trail.show(not hedge)
        self.shock.show(hedge)


class Suggestions:
    """Prices that the market suggests, each a button that puts it into its field."""

    def __init__(self, key: str, taken: Callable[[Suggested], None]) -> None:
        self._key, self._taken = key, taken
        self._shown: tuple[Suggested, ...] = ()
        self._row = ui.element("div").classes("tk-use").props(f"data-suggested={key}")

    def fill(self, found: tuple[Suggested, ...], made: Ticket) -> None:
        """Show them, unless they are there already; those that stand in the draft are left out."""
        tick = made.case.facts.instrument.tick
        taken = {made.draft.stop, *made.draft.targets}
        wanted = tuple(replace(one, price=one.price.quantize(tick)) for one in found if one.price not in taken)
        if wanted == self._shown:
            return
        self._shown = wanted
        self._row.clear()
        with self._row:
            for one in wanted:
                reward = "" if one.reward_r is None else f" · {one.reward_r:.1f} R"
                button = ui.button(on_click=lambda _, one=one: self._taken(one), color=None)
                button.props("flat dense no-caps align=left")
                attrs(button, aria_label=f"Use {self._key} {one.price:,f}: {one.why}")
                with button.classes("tk-suggest"):
                    ui.label(f"{one.price:,f}{reward}").classes("num")
                    ui.label(one.why).classes("muted tk-ellipsis")
