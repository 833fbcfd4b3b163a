"""Limits of the whole account: what a bad day, a bad month, bad fills or a broken feed do to new entries.

Everything is a fold of plain figures: the state is rebuilt from what was written down, and says what holds at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from bearskin.terms import DAY_NS, SECOND_NS, iso

ZERO, ONE, HALF = Decimal(0), Decimal(1), Decimal("0.5")
BOT_STOPS, HAND_STOPS = "daily-stops", "hand-stops"  # limits that bind only who was stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """When an account trades smaller or not at all; fractions are of the high water mark or of the day's start.

    `drawdown_steps` are (loss from the high water mark, size multiplier), mildest first; at `drawdown_stop` everything
    speculative is closed and nothing is entered until reset by hand. `daily_loss` ends the trading day (UTC) for
    everybody, `daily_stops` stopped trades end it for who opened them: a person, or the bot. From `streak_losses`
    losses in a row on, size is halved until a trade wins. `slippage_times` is realised over expected slippage, in sum
    over the last `slippage_trades`. `errors_max` rejections within `errors_s` seconds of the wall close entries for
    `errors_pause_s`. `gap` is between mark and index, as a fraction.
    """

    drawdown_steps: tuple[tuple[Decimal, Decimal], ...] = (
        (Decimal("0.05"), Decimal("0.5")),
        (Decimal("0.10"), Decimal("0.25")),
    )
    drawdown_stop: Decimal = Decimal("0.15")
    daily_loss: Decimal = Decimal("0.02")
    daily_stops: int = 3
    streak_losses: int = 4
    slippage_times: Decimal = Decimal(2)
    slippage_trades: int = 10
    errors_max: int = 5
    errors_s: int = 60
    errors_pause_s: int = 600
    gap: Decimal = Decimal("0.01")
    skew_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit that holds: `multiplier` 0 bars every entry; `until_ns` 0 means until the state says otherwise."""

    name: str
    multiplier: Decimal
    detail: str
    until_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """What the limits remember. `day_done` and `flat` stay until the next day and until a reset by hand.

    `day_stops` are of the bot's trades, `hand_stops` of those a person opened; `transferred` is what was paid in less
    what was taken out since the first figure.
    `slips` holds (realised, expected) slippage of the last trades in the settle currency, `errors` wall times of
    rejections, `active` the limits last written down, as (name, multiplier).
    """

    equity: Decimal = ZERO
    high_water: Decimal = ZERO
    transferred: Decimal = ZERO
    day: int = -1
    day_equity: Decimal = ZERO
    day_stops: int = 0
    hand_stops: int = 0
    day_done: str = ""
    flat: bool = False
    losses: int = 0
    slips: tuple[tuple[Decimal, Decimal], ...] = ()
    errors: tuple[int, ...] = ()
    errors_until_wall_ns: int = 0
    stale: bool = True
    active: tuple[tuple[str, Decimal], ...] = field(default=())

    @property
    def drawdown(self) -> Decimal:
        """Loss from the high water mark as a fraction."""
        return ZERO if self.high_water <= 0 else max(ZERO, 1 - self.equity / self.high_water)

    def worth(self, rules: LimitRules, time_ns: int, equity: Decimal) -> LimitState:
        """The state once the account is known to be worth `equity`; the first figure of a UTC day starts that day."""
        state = replace(_at_day(self, time_ns, equity), equity=equity, stale=False)
        state = replace(state, high_water=max(state.high_water, equity))
        if state.drawdown >= rules.drawdown_stop:
            state = replace(state, flat=True)
        lost = ZERO if state.day_equity <= 0 else 1 - equity / state.day_equity
        if not state.day_done and lost >= rules.daily_loss:
            state = replace(state, day_done=f"the day has lost {100 * lost:.2f} %")
        return state

    def moved(self, amount: Decimal) -> LimitState:
        """The state after a deposit (negative: a withdrawal), which is neither profit nor loss."""
        if self.day < 0:
            return self
        return replace(
            self,
            equity=self.equity + amount,
            transferred=self.transferred + amount,
            high_water=max(ZERO, self.high_water + amount),
            day_equity=max(ZERO, self.day_equity + amount),
        )

    def ended(
        self,
        rules: LimitRules,
        time_ns: int,
        net: Decimal,
        *,
        stopped: bool,
        by_hand: bool = False,
        slipped: tuple[Decimal, Decimal] | None,
    ) -> LimitState:
        """The state after a trade: `stopped` by its stop, opened `by_hand` or by the bot, `slipped` (realised,
        expected) where it is known.
        """
        state = _at_day(self, time_ns, self.equity)
        if stopped and net < 0:
            hand = 1 if by_hand else 0
            state = replace(state, hand_stops=state.hand_stops + hand, day_stops=state.day_stops + 1 - hand)
        losses = state.losses + 1 if net < 0 else (0 if net > 0 else state.losses)
        slips = state.slips if slipped is None else (*state.slips, slipped)[-rules.slippage_trades :]
        return replace(state, losses=losses, slips=slips, stale=True)

    def rejected(self, rules: LimitRules, wall_ns: int) -> LimitState:
        """The state after the venue has refused something of ours."""
        recent = (*(at for at in self.errors if wall_ns - at < rules.errors_s * SECOND_NS), wall_ns)
        if len(recent) < rules.errors_max:
            return replace(self, errors=recent)
        return replace(self, errors=(), errors_until_wall_ns=wall_ns + rules.errors_pause_s * SECOND_NS)

    def reset(self) -> LimitState:
        """The state after a reset by hand: what the account is worth now is the new high water mark."""
        return replace(
            self,
            high_water=self.equity,
            day_equity=self.equity,
            day_stops=0,
            hand_stops=0,
            day_done="",
            flat=False,
            losses=0,
            slips=(),
            errors=(),
            errors_until_wall_ns=0,
        )


def limits_of(state: LimitState, rules: LimitRules, time_ns: int, wall_ns: int) -> tuple[Limit, ...]:
    """Every limit of the account that holds now."""
    found = [_drawdown(state, rules), _day(state, time_ns), *_stops(state, rules, time_ns)]
    found += [_streak(state, rules), _slippage(state, rules)]
    if wall_ns < state.errors_until_wall_ns:
        left_s = (state.errors_until_wall_ns - wall_ns) // SECOND_NS
        detail = f"{rules.errors_max} refusals of the venue within {rules.errors_s} s; {left_s} s to go"
        found.append(Limit(name="errors", multiplier=ZERO, detail=detail))
    return tuple(limit for limit in found if limit is not None)


def binds(name: str, *, hand: bool) -> bool:
    """Whether a limit of the account binds an entry: by a person (`hand`), or by the bot."""
    return name != (BOT_STOPS if hand else HAND_STOPS)


def _at_day(state: LimitState, time_ns: int, equity: Decimal) -> LimitState:
    day = time_ns // DAY_NS
    if day <= state.day:
        return state
    return replace(state, day=day, day_equity=equity, day_stops=0, hand_stops=0, day_done="")


def _drawdown(state: LimitState, rules: LimitRules) -> Limit | None:
    told = f"{100 * state.drawdown:.2f} % below the high water mark {state.high_water:.2f}"
    if state.flat:
        return Limit(name="drawdown", multiplier=ZERO, detail=f"{told}: nothing is entered until reset by hand")
    hit = [multiplier for loss, multiplier in rules.drawdown_steps if state.drawdown >= loss]
    return Limit(name="drawdown", multiplier=hit[-1], detail=told) if hit else None


def _day(state: LimitState, time_ns: int) -> Limit | None:
    until_ns = (state.day + 1) * DAY_NS
    if not state.day_done or time_ns >= until_ns:
        return None
    detail = f"{state.day_done}: nothing is entered before {iso(until_ns)[:10]} 00:00 UTC"
    return Limit(name="daily-loss", multiplier=ZERO, detail=detail, until_ns=until_ns)


def _stops(state: LimitState, rules: LimitRules, time_ns: int) -> list[Limit]:
    """The day of who was stopped too often. Whoever was not goes on: what both have lost is another limit."""
    until_ns = (state.day + 1) * DAY_NS
    if time_ns >= until_ns:
        return []
    midnight = f"before {iso(until_ns)[:10]} 00:00 UTC"
    told = {
        BOT_STOPS: (state.day_stops, f"trades of the bot were stopped today: it enters nothing {midnight}"),
        HAND_STOPS: (state.hand_stops, f"trades by hand were stopped today: none is opened by hand {midnight}"),
    }
    return [
        Limit(name=name, multiplier=ZERO, detail=f"{count} {words}", until_ns=until_ns)
        for name, (count, words) in told.items()
        if count >= rules.daily_stops
    ]


def _streak(state: LimitState, rules: LimitRules) -> Limit | None:
    if state.losses < rules.streak_losses:
        return None
    return Limit(name="streak", multiplier=HALF, detail=f"{state.losses} losses in a row: half the size until a win")


def _slippage(state: LimitState, rules: LimitRules) -> Limit | None:
    if len(state.slips) < rules.slippage_trades:
        return None
    realised, expected = (sum((slip[k] for slip in state.slips), start=ZERO) for k in (0, 1))
    if expected <= 0 or realised <= rules.slippage_times * expected:
        return None
    detail = f"slippage of {realised / expected:.1f} times the expected over {len(state.slips)} trades: half the size"
    return Limit(name="slippage", multiplier=HALF, detail=detail)
