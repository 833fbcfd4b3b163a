"""Which panels can be traded, cut to the span asked for, and what each of them offers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

import numpy as np

from bearskin.backtest._request import BacktestRequest
from bearskin.margin import Tiers, tiers_of
from bearskin.market import Funding, Known, Panel
from bearskin.paths import Course, lay
from bearskin.setups import Days, SetupEvent, detect
from bearskin.terms import Brackets, Product, UnknownBrackets, iso

Progress = Callable[[str, int, int], None]
Series = TypeVar("Series", Funding, Known)
LINEAR = (Product.LINEAR, Product.DATED)


class BracketBook(Protocol):
    """Where maintenance brackets come from; raises UnknownBrackets."""

    def get(self, venue: str, symbol: str, product: str = ...) -> Brackets: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One symbol ready to be traded: its panel (cut to the end of the span) laid out, its brackets, its first bar.

    The course knows no funding where funding is ignored; the panel keeps it, for the guards. `days` stand in for the
    panel's own whole days where they reach further back.
    """

    index: int
    name: str
    panel: Panel
    course: Course
    brackets: Brackets
    tiers: Tiers[float]
    first_bar: int
    funded: bool
    days: Days | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A signal and the bar at whose open it may be acted on; `event` is None for the yardstick."""

    order_ns: int
    known_ns: int
    symbol: Symbol
    bar: int
    event: SetupEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What came out of the panels; `interrupted` says that the user stopped it before all were seen."""

    symbols: tuple[Symbol, ...]
    offers: tuple[Offer, ...]
    left_out: tuple[tuple[str, str], ...]
    interrupted: bool


def gather(
    request: BacktestRequest,
    panels: Iterable[Panel],
    book: BracketBook,
    progress: Progress | None,
    days: Mapping[str, Days] = MappingProxyType({}),
    events: Mapping[str, Sequence[SetupEvent]] | None = None,
) -> Gathered:
    """Take every panel in, sorted by symbol; a KeyboardInterrupt keeps what is done. `events` stand in for set-ups."""
    taken: list[tuple[Panel, Brackets, tuple[SetupEvent, ...]]] = []
    left_out: list[tuple[str, str]] = []
    total = len(panels) if isinstance(panels, list | tuple) else 0
    interrupted = False
    try:
        for done, panel in enumerate(panels, 1):
            name = panel.instrument.symbol
            found = usable(request, panel, book)
            if isinstance(found, str):
                left_out.append((name, found))
                continue
            cut = cut_panel(panel, request)
            told = events_of(request, cut) if events is None else tuple(events.get(name, ()))
            taken.append((cut, found, told))
            if progress is not None:
                progress(f"set-ups of {name}", done, total)
    except KeyboardInterrupt:
        interrupted = True
    taken.sort(key=lambda item: item[0].instrument.symbol)
    symbols = tuple(symbol_of(i, request, panel, brackets, days) for i, (panel, brackets, _) in enumerate(taken))
    offers: list[Offer] = []
    for symbol, (_, _, told) in zip(symbols, taken, strict=True):
        offers += offers_of(request, symbol, told)
    # a sort is stable: within one moment, symbols and set-ups keep their order
    offers.sort(key=lambda offer: offer.order_ns)
    return Gathered(symbols=symbols, offers=tuple(offers), left_out=tuple(sorted(left_out)), interrupted=interrupted)


def usable(request: BacktestRequest, panel: Panel, book: BracketBook) -> Brackets | str:
    """The brackets of a panel that can be traded, or why it cannot."""
    instrument = panel.instrument
    if instrument.product not in LINEAR:
        return f"only linear contracts are backtested, this is {instrument.product.value}"
    start = panel.time_ns[0] if request.start_ns is None else request.start_ns
    last = panel.time_ns[-1] if request.end_ns is None else request.end_ns - 1
    if not np.any((panel.time_ns >= start) & (panel.time_ns <= last)):
        return f"no bar from {iso(int(start))} to {iso(int(last))}"
    if panel.funding is None and request.funding == "charge" and instrument.product is Product.LINEAR:
        return "no funding series: what holding cost is not known; leaving it out takes funding = ignore"
    try:
        return book.get(instrument.venue, instrument.symbol, instrument.product)
    except UnknownBrackets as unknown:
        return str(unknown)


def cut_panel(panel: Panel, request: BacktestRequest) -> Panel:
    """The panel as it stood at the end of the span: later bars, settlements and publications are dropped."""
    if request.end_ns is None or panel.time_ns[-1] < request.end_ns:
        return panel
    return first_bars(panel, int(np.searchsorted(panel.time_ns, request.end_ns)))


def first_bars(panel: Panel, n: int) -> Panel:
    """The panel as it stood when its bar `n` - 1 closed: later bars, settlements and publications are dropped."""
    until = panel.known_ns(n - 1)
    changes: dict[str, object] = {}
    for field in dataclasses.fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, np.ndarray):
            changes[field.name] = value[:n]
        elif isinstance(value, Funding):
            changes[field.name] = _first(value, int(np.searchsorted(value.time_ns, until, side="right")))
        elif isinstance(value, Known):
            changes[field.name] = _first(value, int(np.searchsorted(value.known_ns, until, side="right")))
    return dataclasses.replace(panel, **changes)  # type: ignore[arg-type]


def _first(series: Series, count: int) -> Series:
    columns = {field.name: getattr(series, field.name)[:count] for field in dataclasses.fields(series)}
    return dataclasses.replace(series, **columns)


def events_of(request: BacktestRequest, panel: Panel) -> tuple[SetupEvent, ...]:
    """The signals of the request's set-ups, with its parameters; none for the yardstick."""
    if request.holds:
        return ()
    return tuple(detect(panel, request.setups, request.sides, request.params or None, request.template))


def symbol_of(
    index: int, request: BacktestRequest, panel: Panel, brackets: Brackets, days: Mapping[str, Days]
) -> Symbol:
    """The panel laid out for trading; it must be cut to the span already."""
    funded = request.funding == "charge" and panel.funding is not None
    course = lay(panel if funded else dataclasses.replace(panel, funding=None))
    start = panel.time_ns[0] if request.start_ns is None else request.start_ns
    return Symbol(
        index=index,
        name=panel.instrument.symbol,
        panel=panel,
        course=course,
        brackets=brackets,
        tiers=tiers_of(brackets, float),
        first_bar=int(np.searchsorted(panel.time_ns, start)),
        funded=funded,
        days=days.get(panel.instrument.symbol),
    )


def offers_of(request: BacktestRequest, symbol: Symbol, events: tuple[SetupEvent, ...]) -> list[Offer]:
    """The signals from the first bar on as offers, in order of time."""
    times, first = symbol.panel.time_ns, symbol.first_bar
    if request.holds:
        opens = int(times[first])
        return [Offer(order_ns=opens, known_ns=opens, symbol=symbol, bar=first, event=None)]
    return [
        # where the data ends or has a hole the order would have gone out all the same, at the close of the signal
        Offer(order_ns=event.known_ns, known_ns=event.known_ns, symbol=symbol, bar=event.bar + 1, event=event)
        for event in events
        if event.known_ns >= int(times[first])
    ]
