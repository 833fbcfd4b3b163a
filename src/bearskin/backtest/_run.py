"""The portfolio in strict order of time: offers come in, the book moves on, what was bound to happen happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bearskin.backtest._book import ENTRIES, Book, Position
from bearskin.backtest._entries import Declined, Gate
from bearskin.backtest._flows import Settlement, commit
from bearskin.backtest._frames import (
    by_columns,
    declined_frame,
    equity_frame,
    missing_frame,
    monthly_frame,
    trades_frame,
)
from bearskin.backtest._request import BacktestRequest, BacktestResult
from bearskin.backtest._symbols import BracketBook, Gathered, Progress, Symbol, gather
from bearskin.backtest._words import notes_of, summary_of
from bearskin.market import Panel
from bearskin.paths import UNFILLED
from bearskin.paths import warm as warm_paths
from bearskin.setups import SETUPS, Days, SetupEvent
from bearskin.terms import BadInput, MarginMode, Reason, Refused

FOREVER_NS = 2**63 - 1
PROGRESS_EVERY = 500


@dataclass(slots=True)
class Traded:
    """What the loop leaves behind."""

    book: Book
    declined: list[Declined]
    settlements: dict[int, list[Settlement]]
    liquidations: int
    interrupted: bool


def run(
    request: BacktestRequest,
    panels: Iterable[Panel],
    brackets: BracketBook,
    progress: Progress | None = None,
    days: Mapping[str, Days] = MappingProxyType({}),
    events: Mapping[str, Sequence[SetupEvent]] | None = None,
) -> BacktestResult:
    """Trade `request` through `panels`; a KeyboardInterrupt ends it early with what was done, said in the notes.

    `progress(what, done, total)` is called now and then; total is 0 where it is not known. `days` (by symbol) stand in
    for the whole days of a panel that is too short for the daily trend. `events` (by symbol) are traded instead
    of what the request's set-ups find. Raises BadInput when a name is unknown or no panel can be traded.
    """
    if not request.holds:
        for name in request.setups or ():
            if name not in SETUPS:
                raise BadInput(f"{name!r} is not a set-up: choose from {', '.join(SETUPS)}, or hold")
    gathered = gather(request, panels, brackets, progress, days, events)
    if not gathered.symbols and not gathered.interrupted:
        raise BadInput(f"nothing can be backtested: {_left_out(gathered.left_out)}")
    traded = trade_through(request, gathered, progress)
    return _result(request, gathered, traded)


def _left_out(left_out: Sequence[tuple[str, str]]) -> str:
    """The first symbol that was left out and why, and how many more there are."""
    if not left_out:
        return "no panel was given"
    symbol, why = left_out[0]
    more = f" (and {len(left_out) - 1} more left out)" if len(left_out) > 1 else ""
    return f"{symbol}: {why}{more}"


def warm(say: Callable[[str], None] | None = None) -> None:
    """Compile all kernels of a backtest, or load them from the cache; `say` hears of compiling before it starts."""
    from bearskin.backtest._compiled import warm as warm_account

    warm_paths(say)
    warm_account(say)


def trade_through(request: BacktestRequest, gathered: Gathered, progress: Progress | None = None) -> Traded:
    """The account after all offers, every position closed; a KeyboardInterrupt ends it early."""
    book = Book(float(request.equity))
    gate = Gate(request, book, gathered.offers)
    watch = None
    if request.margin_mode is MarginMode.CROSS and not request.holds:
        from bearskin.backtest._cross import Watch

        watch = book.watch = Watch(book, gathered.symbols)
    traded = Traded(book, [], {}, 0, gathered.interrupted)
    try:
        for done, offer in enumerate(gathered.offers):
            book.advance(offer.order_ns, ENTRIES)
            taken = gate.consider(offer)
            if isinstance(taken, Declined):
                traded.declined.append(taken)
            else:
                traded.settlements[id(taken)] = commit(book, taken)
            if progress is not None and done % PROGRESS_EVERY == 0:
                progress("signals", done, len(gathered.offers))
    except KeyboardInterrupt:
        traded.interrupted = True
    book.advance(FOREVER_NS, ENTRIES)
    traded.liquidations = 0 if watch is None else watch.liquidations
    return traded


def _unfilled(position: Position) -> Declined:
    detail = "the resting order was not traded through while it was valid"
    return Declined(offer=position.offer, refused=Refused(reason=Reason.ENTRY_MOVED, detail=detail))


def _result(request: BacktestRequest, gathered: Gathered, traded: Traded) -> BacktestResult:
    symbols: tuple[Symbol, ...] = gathered.symbols
    done = sorted(
        (p for p in traded.book.done if p.outcome.reason != UNFILLED), key=lambda p: (p.entry_ns, p.symbol.index)
    )
    declined = traded.declined + [_unfilled(p) for p in traded.book.done if p.outcome.reason == UNFILLED]
    declined.sort(key=lambda item: (item.offer.known_ns, item.offer.symbol.index))
    trades = trades_frame(request, done)
    turned_down = declined_frame(declined)
    equity = equity_frame(request, symbols, traded.book)
    by_setup = by_columns(trades, turned_down, ("setup", "side"))
    missing = missing_frame(symbols, done, traded.settlements)
    notes = notes_of(request, gathered, traded.interrupted, traded.liquidations, traded.book.insured)
    summary = summary_of(request, gathered, trades, turned_down, equity, by_setup, notes)
    return BacktestResult(
        request=request,
        trades=trades,
        equity=equity,
        declined=turned_down,
        summary=summary,
        by_setup=by_setup,
        by_side=by_columns(trades, turned_down, ("side",)),
        monthly=monthly_frame(equity, trades),
        missing=missing,
        notes=notes,
        panels=tuple(symbol.panel for symbol in symbols),
    )
