"""The fields of the ticket: numbers as people type them, and choices side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from nicegui import ui

from bearskin.app.web._kit import attrs
from bearskin.app.web._ticket_faults import plain

_APART = re.compile(r"[+-]?(?!0)\d{1,3}(,\d{3})+(\.\d*)?")  # 62,500.5, and neither 0,500 nor 62,5


def number_of(text: str) -> Decimal | None:
    """The number somebody has typed, above zero: `62,500`, `62 500.5`, `1%`; None for nothing.

    Raises ValueError, one sentence, for what is no such number.
    """
    word = text.replace(" ", "").replace("\N{NO-BREAK SPACE}", "").rstrip("%x")
    if not word:
        return None
    if "," in word:  # 0,5 is a half to whoever writes so, and must not become 5
        if not _APART.fullmatch(word):
            raise ValueError("a comma parts thousands here: write a fraction with a point, as 0.5")
        word = word.replace(",", "")
    try:
        value = Decimal(word)
    except InvalidOperation:
        raise ValueError(f"{text.strip()[:20]!r} is no number") from None
    if not (value.is_finite() and value > 0):
        raise ValueError("give it above zero: the side gives the sign")
    if abs(value.adjusted()) > 15:
        raise ValueError("that is out of reach")
    return value


class NumberField:
    """A number that may be left empty. `changed` hears what was typed, never what was filled in by the ticket.

    `scale` is what a typed 1 stands for: 0.01 in a field of per cents.
    """

    def __init__(
        self,
        label: str,
        key: str,
        changed: Callable[[Decimal | None], None],
        *,
        suffix: str = "",
        placeholder: str = "",
        scale: Decimal = Decimal(1),
    ) -> None:
        self._changed, self._scale, self._filling, self._hearing = changed, scale, False, False
        self.value: Decimal | None = None
        self.unread = ""  # what is wrong with it as a number
        self.misread: Callable[[], None] = lambda: None  # hears that it could not be read
        self._told = ""  # what is wrong with it in the trade
        field = ui.input(label, placeholder=placeholder or None, on_change=self._heard)
        props = f"dense outlined stack-label hide-bottom-space inputmode=decimal autocomplete=off data-field={key}"
        self.input = attrs(field.props(f"{props} debounce=60"), suffix=suffix).classes("tk-field num")

    def fill(self, value: Decimal | None) -> None:
        """Show a value, unless that is what stands there already or what somebody is writing over: the `0` of a `0.5`
        is no number yet, and what stood there before must not come back under the next key.
        """
        if value == self.value:
            return
        self.value, self.unread, self._filling = value, "", True
        try:
            self.input.set_value("" if value is None else plain(value / self._scale))
        finally:
            self._filling = False
        if self._hearing:  # NiceGUI sends nothing back to a field while it handles what was typed there
            self.input.update()

    def fault(self, why: str) -> None:
        """What the ticket says is wrong with it; empty takes it away."""
        self._told = why
        self.input.error = self.unread or self._told or None

    def show(self, shown: bool) -> None:
        """Put it there or away."""
        self.input.set_visibility(shown)

    def hint(self, text: str) -> None:
        """What stands there when nothing is typed."""
        if self.input.props.get("placeholder") != text:
            attrs(self.input, placeholder=text)

    def _heard(self) -> None:
        if self._filling:
            return
        try:
            value = number_of(str(self.input.value or ""))
        except ValueError as error:
            self.unread = str(error)
            self.input.error = self.unread
            self.misread()
            return
        if self.unread:
            self.unread = ""
            self.input.error = self._told or None
            self.misread()
        value = None if value is None else value * self._scale
        if value != self.value:
            self.value, self._hearing = value, True
            try:
                self._changed(value)
            finally:
                self._hearing = False


class Choice:
    """One of a few words, side by side; `changed` hears what somebody chose."""

    def __init__(
        self, label: str, key: str, options: Mapping[str, str], value: str, changed: Callable[[str], None]
    ) -> None:
        self._changed, self._filling = changed, False
        toggle = ui.toggle(dict(options), value=value, on_change=self._heard)
        look = "unelevated dense no-caps spread toggle-color=chosen toggle-text-color=chosen"
        self.toggle = attrs(toggle.props(look), role="group", aria_label=label, data_choice=key)
        self.toggle.classes(f"tk-choice tk-choice-{key}")

    def fill(self, value: str) -> None:
        """Show a choice."""
        if self.toggle.value == value:
            return
        self._filling = True
        try:
            self.toggle.set_value(value)
        finally:
            self._filling = False

    def show(self, shown: bool) -> None:
        """Put it there or away."""
        self.toggle.set_visibility(shown)

    def _heard(self) -> None:
        if not self._filling:
            self._changed(str(self.toggle.value))
