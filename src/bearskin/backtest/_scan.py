"""What stands at one moment: set-ups told within the last bars, judged and sized as an entry now would be.

Nothing after the moment is looked at: a panel is cut where its last bar closed before the first thing is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._symbols import BracketBook, first_bars
from bearskin.market import Panel
from bearskin.risk import Entry, EntryRules, Exposure, Sized, funding_over, liquidation_at, size_entry
from bearskin.setups import (
    Abstention,
    Candidate,
    Days,
    GuardRules,
    GuardVerdict,
    SetupEvent,
    abstentions,
    detect,
    entry_ok,
    facts_of,
    families_with_data,
    guard,
    merge,
    over,
)
from bearskin.terms import (
    HOUR_NS,
    BadInput,
    Brackets,
    MarginMode,
    Refused,
    Side,
    UnknownBrackets,
    dec,
    interval_word,
    iso,
)

WITHIN_BARS = 6
GUARD_BARS = 6  # guards count the set-ups of so many bars before an event
CHART_BARS = 90
CARRY_H = 24  # funding of a trade without a time stop is told for a day
F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
Word = Literal["passes", "unguarded", "smaller", "declined"]
WORDS: tuple[Word, ...] = ("passes", "unguarded", "smaller", "declined")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What is looked for at `at_ns`, with what money.

    `setups` None means all. Set-ups told at the close of one of the last `within_bars` bars are shown. `equity` is the
    whole account, nothing open in it; `rules` say how entries are sized. `guards` false asks none of them,
    `guard_rules` stand in for their defaults.
    """

    at_ns: int
    setups: tuple[str, ...] | None = None
    sides: tuple[Side, ...] = (Side.SHORT, Side.LONG)
    within_bars: int = WITHIN_BARS
    equity: Decimal = Decimal(10_000)
    rules: EntryRules
    guards: bool = True
    guard_rules: GuardRules | None = None

    def __post_init__(self) -> None:
        if self.within_bars < 1:
            raise BadInput(f"within must be at least 1 bar, was {self.within_bars}")
        if not self.equity > 0:
            raise BadInput(f"equity must be positive, was {self.equity}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """Funding if the last settled `rate` went on for `horizon_h`: `money` in the settle currency, received positive."""

    rate: Decimal
    interval_h: Decimal
    settled_ns: int
    horizon_h: Decimal
    money: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One set-up that stands, as an entry now: its guards, its size or why there is none, where it dies, its carry.

    `entry` is the limit price, or the last close for an entry at market; the next open is not known yet. `smaller` says
    that guards shrank the size. Liquidation and carry are None without a size or without what they are made of.
    """

    event: SetupEvent
    verdict: Word
    reason: str
    entry: Decimal
    age_bars: int
    expires_ns: int | None
    guards: GuardVerdict | None
    sized: Sized | None
    liquidation_price: Decimal | None
    carry: Carry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The last bars of a symbol, for a picture; `first_bar` is the index of the first of them in the panel."""

    interval_ns: int
    first_bar: int
    tick: float
    time_ns: I8
    open: F8
    high: F8
    low: F8
    close: F8


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One candidate: set-ups of a symbol and side that tell one story; `trades[0]` is the one that would be made.

    `families_enough` says whether two of the families speak, those without data in this symbol not asked for.
    """

    candidate: Candidate
    families_enough: bool
    trades: tuple[Judged, ...]
    price: Decimal
    currency: str
    bars: Bars

    @property
    def best(self) -> Judged:
        """The trade that stands for the candidate."""
        return self.trades[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A set-up of the last bars that nobody can take any more, and why."""

    event: SetupEvent
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolScan:
    """What was found in one symbol; `left_out` says why it could not be looked at."""

    symbol: str
    known_ns: int | None = None
    found: tuple[Found, ...] = ()
    gone: tuple[Gone, ...] = ()
    abstained: tuple[Abstention, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What stood at the moment asked for, sorted: to be taken, smaller, declined; then score, age, reward, symbol."""

    request: ScanRequest
    interval_ns: int
    symbols: tuple[SymbolScan, ...]

    @property
    def found(self) -> tuple[Found, ...]:
        """Every candidate, best first."""
        return tuple(sorted((one for symbol in self.symbols for one in symbol.found), key=_rank))

    @property
    def gone(self) -> tuple[Gone, ...]:
        """Set-ups of the last bars that are over."""
        return tuple(one for symbol in self.symbols for one in symbol.gone)


class _Case(NamedTuple):
    """What every judgement of a symbol needs; `told` are the set-ups that guards hear of."""

    panel: Panel
    told: tuple[SetupEvent, ...]
    request: ScanRequest
    brackets: Brackets
    days: Days | None


class _Money(NamedTuple):
    """What an entry of `qty` coins or contracts would be worth watching for."""

    sized: Sized | None
    refused: Refused | None
    liquidation_price: Decimal | None
    carry: Carry | None


def scan_panel(panel: Panel, request: ScanRequest, book: BracketBook, days: Days | None = None) -> SymbolScan:
    """The candidates of one panel at `request.at_ns`; the same whatever the panel holds after that.

    `days` stand in for the panel's own whole days where they reach further back.
    """
    name, instrument = panel.instrument.symbol, panel.instrument
    n = int(np.searchsorted(panel.time_ns + panel.interval_ns, request.at_ns, side="right"))
    if n == 0:
        return SymbolScan(symbol=name, left_out=f"no bar was complete by {iso(request.at_ns)}")
    panel = panel if n == len(panel) else first_bars(panel, n)
    known_ns = panel.known_ns(n - 1)
    if request.at_ns - known_ns >= request.within_bars * panel.interval_ns:
        why = f"its last {interval_word(panel.interval_ns)} bar before then closed at {iso(known_ns)}"
        return SymbolScan(symbol=name, known_ns=known_ns, left_out=why)
    try:
        brackets = book.get(instrument.venue, instrument.symbol, instrument.product)
    except UnknownBrackets as unknown:
        return SymbolScan(symbol=name, known_ns=known_ns, left_out=str(unknown))
    first = max(0, n - request.within_bars)
    told = detect(panel, request.setups, request.sides, first_bar=max(0, first - GUARD_BARS))
    standing, gone = [], []
    for event in told:
        if event.bar < first:
            continue
        why_over = over(event, panel)
        if why_over is None:
            standing.append(event)
        else:
            gone.append(Gone(event=event, why=why_over))
    case = _Case(panel, tuple(told), request, brackets, days)
    return SymbolScan(
        symbol=name,
        known_ns=known_ns,
        found=tuple(_found(one, case) for one in merge(standing)),
        gone=tuple(gone),
        abstained=tuple(abstentions(panel, request.setups)),
        notes=panel.notes,
    )


def scan(
    request: ScanRequest,
    panels: Iterable[Panel],
    book: BracketBook,
    progress: Callable[[str, int, int], None] | None = None,
) -> Scan:
    """Scan panels of one interval, one at a time: a generator of panels keeps no more than one in memory.

    Raises BadInput when the panels are not of one interval or there is none.
    """
    found, intervals = [], set()
    total = len(panels) if isinstance(panels, Sequence) else 0
    for done, panel in enumerate(panels, 1):
        intervals.add(panel.interval_ns)
        found.append(scan_panel(panel, request, book))
        if progress is not None:
            progress(panel.instrument.symbol, done, total)
    if len(intervals) != 1:
        raise BadInput(f"a scan needs panels of one interval, had {len(intervals)}")
    return together(request, intervals.pop(), found)


def together(request: ScanRequest, interval_ns: int, found: Iterable[SymbolScan]) -> Scan:
    """Symbols that were scanned apart, in one scan."""
    return Scan(request=request, interval_ns=interval_ns, symbols=tuple(sorted(found, key=lambda one: one.symbol)))


def reward_to_risk(judged: Judged) -> float | None:
    """Way to the nearest target over that to the stop, from the entry now; None without a target or past the stop."""
    event, entry = judged.event, float(judged.entry)
    risk, sign = int(event.side) * (entry - event.stop), int(event.side)
    if not event.targets or risk <= 0:
        return None
    return sign * (event.targets[0] - entry) / risk


def _rank(one: Found) -> tuple[object, ...]:
    ratio = reward_to_risk(one.best)
    best = one.best
    return (
        WORDS.index(best.verdict),
        -one.candidate.score,
        best.age_bars,
        -(ratio if ratio is not None else 0.0),
        one.candidate.symbol,
        int(one.candidate.side),
    )


def _found(candidate: Candidate, case: _Case) -> Found:
    panel = case.panel
    judged = [_judged(event, case) for event in candidate.events]
    judged.sort(key=lambda one: (WORDS.index(one.verdict), one.age_bars, one.event.setup))
    return Found(
        candidate=candidate,
        families_enough=candidate.families_ok(families_with_data(panel)),
        trades=tuple(judged),
        price=dec(float(panel.close[-1])),
        currency=panel.instrument.settle,
        bars=_bars(panel, candidate.events),
    )


def _judged(event: SetupEvent, case: _Case) -> Judged:
    """The event as an entry at the close of the last bar."""
    panel = case.panel
    last = len(panel) - 1
    price = float(panel.close[-1])
    entry = dec(price if event.limit_price is None else event.limit_price)
    request, facts = case.request, facts_of(case.brackets)
    verdict = guard(event, panel, case.told, request.guard_rules, case.days, facts) if request.guards else None
    money = _Money(None, None, None, None)
    refused = verdict.veto if verdict is not None else None
    if refused is None:
        refused = entry_ok(event, price)
    if refused is None:
        multiplier = Decimal(1) if verdict is None else dec(verdict.size_multiplier)
        money = _money(event, entry, case, multiplier)
        refused = money.refused
    word, reason = _word(verdict, refused)
    ends = event.valid_bars if event.limit_price is not None else event.horizon_bars
    return Judged(
        event=event,
        verdict=word,
        reason=reason,
        entry=entry,
        age_bars=last - event.bar,
        expires_ns=event.known_ns + ends * panel.interval_ns if ends else None,
        guards=verdict,
        sized=money.sized,
        liquidation_price=money.liquidation_price,
        carry=money.carry,
    )


def _word(verdict: GuardVerdict | None, refused: Refused | None) -> tuple[Word, str]:
    if refused is not None:
        return "declined", str(refused)
    if verdict is None:
        return "unguarded", "no guard was asked"
    if verdict.size_multiplier < 1:
        said = list(verdict.reasons)
        if verdict.unchecked:
            said.append(f"without data: {', '.join(verdict.unchecked)}")
        return "smaller", "; ".join(said)
    return "passes", "no guard objects"


def _money(event: SetupEvent, entry: Decimal, case: _Case, multiplier: Decimal) -> _Money:
    panel, request, brackets = case.panel, case.request, case.brackets
    zero = Decimal(0)
    sized = size_entry(
        Entry(
            side=event.side,
            price=entry,
            stop=dec(event.stop),
            resting=event.limit_price is not None,
            instrument=panel.instrument,
            brackets=brackets,
        ),
        request.rules,
        Exposure(equity=request.equity, free=request.equity, risk=zero, gross=zero, net=zero),
        multiplier,
    )
    if isinstance(sized, Refused):
        return _Money(None, sized, None, None)
    wallet = request.equity if sized.margin_mode is MarginMode.CROSS else sized.margin
    dies = liquidation_at(panel.instrument, brackets, sized.qty, entry, wallet)
    return _Money(sized, None, dies, _carry(event, panel, sized.qty, entry))


def _carry(event: SetupEvent, panel: Panel, qty: Decimal, entry: Decimal) -> Carry | None:
    funding = panel.funding
    if funding is None:
        return None
    last = int(np.searchsorted(funding.time_ns, panel.known_ns(len(panel) - 1), side="right")) - 1
    if last < 0 or not funding.interval_ns[last] > 0 or not math.isfinite(funding.rate[last]):
        return None
    rate, interval_h = dec(float(funding.rate[last])), Decimal(int(funding.interval_ns[last])) / HOUR_NS
    horizon_h = Decimal(event.horizon_bars * panel.interval_ns) / HOUR_NS if event.horizon_bars else Decimal(CARRY_H)
    return Carry(
        rate=rate,
        interval_h=interval_h,
        settled_ns=int(funding.time_ns[last]),
        horizon_h=horizon_h,
        money=funding_over(panel.instrument, qty, entry, rate, horizon_h / interval_h),
    )


def _bars(panel: Panel, events: Sequence[SetupEvent]) -> Bars:
    """The bars a picture needs: the last ones, and further back to where the structure began."""
    starts = [event.anchor_ns for event in events]
    starts += [part.start_ns for event in events for part in getattr(event, "drawing", ())]
    began = int(np.searchsorted(panel.time_ns, min(starts))) - 10
    first = max(0, min(began, len(panel) - CHART_BARS), len(panel) - 4 * CHART_BARS)
    cut = slice(first, len(panel))
    return Bars(
        interval_ns=panel.interval_ns,
        first_bar=first,
        tick=float(panel.instrument.tick),
        time_ns=panel.time_ns[cut].copy(),
        open=panel.open[cut].copy(),
        high=panel.high[cut].copy(),
        low=panel.low[cut].copy(),
        close=panel.close[cut].copy(),
    )
