"""What a bot is told once: what it looks for, how it sizes, how it leaves, and when it must not."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bearskin.setups import GuardRules
from bearskin.terms import BadInput, MarginMode, Side

Sides = Literal["short", "long", "both", "auto", "none"]
BOOK_WAIT_S_MAX = 180.0  # what an order book says is about the next minutes
EntryStyle = Literal["setup", "market", "limit", "chase", "ladder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """A time around which nothing is entered; `symbols` empty means all.

    `at_ns` is the moment itself where it is known apart from that time. A day before it (or before the start) the bot
    says that a hedge may be due.
    """

    name: str
    start_ns: int
    end_ns: int
    symbols: tuple[str, ...] = ()
    at_ns: int | None = None

    @property
    def moment_ns(self) -> int:
        """The moment that is waited for."""
        return self.start_ns if self.at_ns is None else self.at_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How one bot trades. Fractions are of one; None switches a rule off.

    `tag` names the bot in its client order ids (four small letters or digits). `sides` auto trades with the daily
    regime. `entry` setup is what the set-up asks for; chase amends a resting limit towards the price, ladder spreads it
    over `ladder_steps` prices up to the stop's half. `target1_share` leaves at the first of two targets. `trail_atr` is
    the chandelier stop (0: as the set-up asks), `break_even_r` moves the stop to break-even after that many R.
    `equity_cap` is the most the bot sizes from, `notional_cap` the largest position (live caps). Blackouts are UTC
    hours (0 to 23, with minute 0) of every day; `low_volume_frac` bars entries in hours whose usual turnover is below
    that share of the week's median hour. `limits` on means daily loss, drawdown steps, streaks and the kill switch
    (`risk.LimitRules`).
    `book_wait_s` is how long at most an entry at market waits while the order book leans hard against it, never longer
    than a quarter of a bar (0: the book is not asked).
    `guard_rules` stand in for the guards' defaults; `families_min` is how many kinds of evidence (structure,
    positioning, flow) a signal needs, those without data not asked for (0: none).
    """

    tag: str = "demo"
    symbols: tuple[str, ...] = ()
    interval_ns: int = 3_600_000_000_000
    setups: tuple[str, ...] | None = None
    sides: Sides = "both"
    preset: str = "standard"
    risk_frac: Decimal | None = None
    heat_frac: Decimal = Decimal("0.03")
    leverage: Decimal | None = None
    margin_mode: MarginMode = MarginMode.ISOLATED
    slippage_frac: Decimal = Decimal("0.0002")
    stop_by: Literal["mark", "last"] = "mark"
    entry: EntryStyle = "setup"
    ladder_steps: int = 3
    target1_share: Decimal = Decimal("0.5")
    trail_atr: Decimal = Decimal(0)
    break_even_r: Decimal | None = None
    guards: bool = True
    guard_rules: GuardRules | None = None
    families_min: int = 0
    limits: bool = True
    positions_max: int | None = None
    equity_cap: Decimal | None = None
    notional_cap: Decimal | None = None
    calendar: tuple[CalendarEvent, ...] = field(default=())
    blackout_hours: tuple[int, ...] = ()
    low_volume_frac: float | None = None
    book_wait_s: float = 0.0
    unprotected_max_s: float = 3.0
    stale_bars: int = 3
    stale_quote_s: float = 15.0
    bars_kept: int = 3_000
    attach_stops: bool = False

    def __post_init__(self) -> None:
        """Raises BadInput for figures that make no sense."""
        if not (len(self.tag) == 4 and self.tag.isascii() and self.tag.isalnum() and self.tag == self.tag.lower()):
            raise BadInput(f"tag was {self.tag!r}, must be four small letters or digits")
        for name in ("heat_frac", "slippage_frac", "target1_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise BadInput(f"{name} was {value}, must be a fraction from 0 to 1")
        if not 0 <= self.book_wait_s <= BOOK_WAIT_S_MAX:
            raise BadInput(f"book_wait_s was {self.book_wait_s:g}, must be from 0 (off) to {BOOK_WAIT_S_MAX:g}")
        for name in ("unprotected_max_s", "stale_quote_s", "stale_bars", "bars_kept", "ladder_steps"):
            if not getattr(self, name) > 0:
                raise BadInput(f"{name} was {getattr(self, name)}, must be above zero")

    def wanted(self, regime_sides: tuple[Side, ...], sides: str = "") -> tuple[Side, ...]:
        """The sides that may be entered, given those of the daily regime; `sides` stands for the settings' own."""
        match sides or self.sides:
            case "short":
                return (Side.SHORT,)
            case "long":
                return (Side.LONG,)
            case "none":
                return ()
            case "both":
                return (Side.SHORT, Side.LONG)
            case _:
                return regime_sides
