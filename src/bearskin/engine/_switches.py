"""What may keep a signal from being traded whatever it says: switches, limits, hours, the state of the market."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from bearskin.engine._book import Book
from bearskin.engine._desk import Desk
from bearskin.engine._pace import passed_ns
from bearskin.engine._settings import CalendarEvent, EngineSettings
from bearskin.engine._tape import Memory
from bearskin.risk import LimitRules, binds
from bearskin.setups import Regime
from bearskin.terms import DAY_NS, HOUR_NS, SECOND_NS, Reason, Refused, Side, iso

WEEK_HOURS = 168
HEDGE_BEFORE_NS = DAY_NS
WEEKS_MIN = 2  # an hour of the week is judged by at least so many of its kind
RULES = LimitRules()


def sides_of(settings: EngineSettings, book: Book, regime: Regime) -> tuple[Side, ...]:
    """The sides that may be entered now: the act of the user first, then the settings."""
    return settings.wanted(regime.sides, book.sides or settings.sides)


def barred(desk: Desk, memory: Memory, side: Side, regime: Regime) -> Refused | None:
    """Why a signal of this side is not traded now, before it is looked at; None when nothing speaks against it."""
    book, settings, symbol = desk.book, desk.settings, memory.instrument.symbol
    if not book.account.known:
        return Refused(reason=Reason.NO_DATA, detail="the account has not been seen yet")
    closed = closed_by_hand(book) or by_limits(book, hand=False) or market_shut(book, memory)
    if closed is not None:
        return closed
    old = stale(desk, memory)
    if old is not None:
        return old
    if side not in sides_of(settings, book, regime):
        mode = book.sides or settings.sides
        detail = f"mode {mode}" + (f", daily regime {regime.label}" if mode == "auto" else "")
        return Refused(reason=Reason.SIDE_OFF, have=side.word, detail=detail)
    shut = blackout(settings, symbol, desk.time_ns) or thin_hour(settings, memory, desk.time_ns)
    if shut is not None:
        return shut
    held = len(book.trades)
    if settings.positions_max is not None and held >= settings.positions_max:
        return Refused(reason=Reason.POSITIONS_MAX, have=str(held), need=f"fewer than {settings.positions_max}")
    return None


def closed_by_hand(book: Book) -> Refused | None:
    """Paused or panicked."""
    if book.panicked:
        return Refused(reason=Reason.PAUSED, detail="panic: closed until resumed")
    return Refused(reason=Reason.PAUSED) if book.paused else None


def by_limits(book: Book, *, hand: bool) -> Refused | None:
    """A limit of the account that bars entries by a person (`hand`) or by the bot."""
    for note in book.limits.values():
        if note.size_multiplier == 0 and _of_account(note.limit, hand):
            return Refused(reason=Reason.KILL_SWITCH, detail=f"{note.limit}: {note.detail}")
    return None


def market_shut(book: Book, memory: Memory) -> Refused | None:
    """Somebody else in the symbol, a halt or a delisting, a limit of this symbol alone."""
    symbol = memory.instrument.symbol
    if symbol in book.foreign:
        return Refused(reason=Reason.FOREIGN, detail=book.foreign[symbol])
    status = book.trading.get(symbol) or memory.status
    if status != "trading":
        ends = f" at {iso(memory.ends_ns)}" if memory.ends_ns else ""
        return Refused(reason=Reason.HALTED, have=status + ends)
    for note in book.limits.values():
        if note.limit.endswith(f" {symbol}"):  # every limit of one symbol bars it
            reason = Reason.STALE if note.limit.startswith("stale ") else Reason.KILL_SWITCH
            return Refused(reason=reason, detail=f"{note.limit}: {note.detail}")
    return None


def stale(desk: Desk, memory: Memory) -> Refused | None:
    """Quotes older than they may be, by the wall."""
    if not memory.quoted_wall_ns:
        return Refused(reason=Reason.STALE, detail="no quote has come yet")
    age_s = passed_ns(desk.wall_ns, memory.quoted_wall_ns) / SECOND_NS
    if age_s > desk.settings.stale_quote_s:
        need = f"at most {desk.settings.stale_quote_s:g} s"
        return Refused(reason=Reason.STALE, have=f"a quote of {age_s:.1f} s ago", need=need)
    return None


def blackout(settings: EngineSettings, symbol: str, time_ns: int) -> Refused | None:
    """The calendar and the barred hours of every day."""
    for event in settings.calendar:
        if event.start_ns <= time_ns < event.end_ns and (not event.symbols or symbol in event.symbols):
            return Refused(reason=Reason.BLACKOUT, detail=f"{event.name} until {iso(event.end_ns)}")
    hour = time_ns // HOUR_NS % 24
    if hour in settings.blackout_hours:
        return Refused(reason=Reason.BLACKOUT, detail=f"no entries in the hour from {hour:02d}:00 UTC")
    return None


def hedge_due(settings: EngineSettings, symbol: str, time_ns: int) -> CalendarEvent | None:
    """The first event of the calendar that this symbol meets within a day: what is held may want a hedge."""
    for event in settings.calendar:
        mine = not event.symbols or symbol in event.symbols
        if mine and event.moment_ns - HEDGE_BEFORE_NS <= time_ns < event.moment_ns:
            return event
    return None


def thin_hour(settings: EngineSettings, memory: Memory, time_ns: int) -> Refused | None:
    """Whether the symbol's usual turnover at this hour of the week is too small a share of its median hour's."""
    if settings.low_volume_frac is None or memory.interval_ns > HOUR_NS:
        return None
    usual = turnover_by_hour(memory)
    hour = time_ns // HOUR_NS % WEEK_HOURS
    middle = float(np.nanmedian(usual)) if np.isfinite(usual).any() else float("nan")
    if not (np.isfinite(usual[hour]) and middle > 0):
        return None
    share = float(usual[hour]) / middle
    if share >= settings.low_volume_frac:
        return None
    have, need = f"{share:.2f} of the median hour's turnover", f"{settings.low_volume_frac:g}"
    return Refused(reason=Reason.THIN_HOUR, have=have, need=need)


def turnover_by_hour(memory: Memory) -> np.ndarray:
    """Shape (168,): the median turnover of each hour of the week (from Thursday 00:00 UTC), NaN with too few."""
    panel = memory.panel()
    turnover = panel.quote_volume if panel.quote_volume is not None else panel.volume * panel.close
    hours = panel.time_ns // HOUR_NS
    starts = np.concatenate([[0], np.flatnonzero(np.diff(hours)) + 1]) if len(hours) else np.empty(0, dtype=np.int64)
    sums = np.add.reduceat(turnover, starts) if len(hours) else np.empty(0)
    of = hours[starts] % WEEK_HOURS if len(hours) else starts
    usual = np.full(WEEK_HOURS, np.nan)
    for hour in range(WEEK_HOURS):
        own = sums[of == hour]
        if len(own) >= WEEKS_MIN:
            usual[hour] = float(np.median(own))
    return usual


def multiplier(book: Book, *, hand: bool) -> Decimal:
    """What the limits that only shrink leave of a size that a person (`hand`) or the bot asks for."""
    product = Decimal(1)
    for note in book.limits.values():
        if note.active and _of_account(note.limit, hand):
            product *= note.size_multiplier
    return product


def _of_account(limit: str, hand: bool) -> bool:
    """Whether a limit is of the account, not of one symbol (those are named "kind SYMBOL"), and binds who asks."""
    return " " not in limit and binds(limit, hand=hand)


def shrunk(book: Book, *, hand: bool) -> str:
    """Which limits make a size asked for smaller and to what share, as the end of a sentence; empty when none does."""
    product = multiplier(book, hand=hand)
    if product == 1:
        return ""
    names = [note.limit for note in book.limits.values() if note.active and note.size_multiplier != 1]
    of = ", ".join(name for name in names if _of_account(name, hand))
    return f", at {(100 * product).normalize():f} % of the usual risk: {of}"


def told(refused: Refused) -> str:
    """The figures and the detail of a refusal, without its reason."""
    return str(refused).removeprefix(refused.reason.value).removeprefix(":").strip()
