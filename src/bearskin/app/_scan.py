"""`scan`: what stands at one moment in the symbols of the store."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._backtest import RISK_WITHOUT_PRESET, setups_of, sides_of
from bearskin.app._bot_words import floats_of
from bearskin.app._data import words_of
from bearskin.app._home import can_write, user_path
from bearskin.app._house import House, open_house
from bearskin.app._rates import Number
from bearskin.terms import BadInput, MarginMode, Product, interval_ns, iso, parse_time

if TYPE_CHECKING:
    from bearskin.backtest import Scan, ScanRequest, SymbolScan
    from bearskin.market import BracketBook, Store
    from bearskin.setups import GuardRules

Progress = Callable[[str, int, int | None], None]
BARS = 1_500
SYMBOLS_A_PROCESS = 24  # a second process costs about a second before it helps


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where panels come from: enough for another process to load them."""

    store: Path
    venue: str
    product: Product
    interval: str
    bars: int
    brackets: Path | None
    setup_file: Path | None


def scan(
    *,
    symbols: str | Sequence[str] = "all",
    at: str | None = None,
    setups: str | Sequence[str] = "all",
    side: str = "both",
    within: str | int = 6,
    interval: str | None = None,
    bars: int = BARS,
    venue: str | None = None,
    product: str | None = None,
    equity: Number | None = None,
    risk: Number | None = None,
    leverage: Number | None = None,
    margin: str | None = None,
    preset: str | None = None,
    guards: bool = True,
    floats: str | Sequence[str] | None = None,
    taker: Number | None = None,
    maker: Number | None = None,
    slippage: Number | None = None,
    brackets: Path | str | None = None,
    setup_file: Path | str | None = None,
    processes: int | None = 1,
    out: Path | str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Set-ups that were told within the last bars before `at` and still stand, each judged and sized as an entry then.

    `at` None is the close of the newest bar in the store. Nothing that became known after `at` is read: the answer is
    the same when later data are there or not. `within` is a number of bars, `bars` how many of them are loaded of each
    symbol. `floats` say which part of a coin's coins circulates, as ABC=12%. `processes` shares the symbols among that
    many, None among as many as are worth it (a script then needs `if __name__ == "__main__":`). With `out` the page is
    written there. Raises BadInput.
    """
    settings = {"venue": venue, "product": product, "interval": interval, "equity": equity, "risk": risk}
    limits = {"leverage": leverage, "margin_mode": margin, "preset": preset, "brackets": brackets}
    house = open_house(home, store=store, **settings, **limits, taker=taker, maker=maker, slippage=slippage)
    page = None if out is None else _page_path(out)
    file = None if setup_file is None else user_path(setup_file)
    if file is not None:
        from bearskin import setups as room

        room.load_setups(file)
    chosen = setups_of(setups)
    if chosen == ("hold",):
        raise BadInput("hold is a yardstick for backtests: there is nothing to scan for")
    source = _source(house, _bars(bars), file)
    names = _names(source, words_of(symbols))
    request = _request(house, source, names, at)
    request = replace(
        request, setups=chosen, sides=sides_of(side), within_bars=_within(within, _bars(bars)), guards=guards
    )
    known = house.settings.bot_floats if floats is None else floats
    if known is not None:
        request = replace(request, guard_rules=_with_floats(known))
    there = sorted(name for name, (first_ns, _) in names.items() if first_ns <= request.at_ns)
    found = _scanned(source, request, there, processes, progress)
    if page is not None:
        from bearskin import report

        try:
            page.write_text(report.scan_page(found), encoding="utf-8")
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            raise BadInput(f"the page {page} cannot be written ({error.strerror}): name another with --out") from None
    return found


def _with_floats(floats: str | Sequence[str]) -> GuardRules:
    from bearskin.setups import GuardRules, OutsideRules

    return GuardRules(outside=OutsideRules(floats=floats_of(floats, "floats")))


def processes_for(symbols: int) -> int:
    """How many processes are worth their start for so many symbols on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, symbols // SYMBOLS_A_PROCESS))


def _page_path(out: Path | str) -> Path:
    path = user_path(out)
    if path.is_dir() or path.suffix.lower() not in (".html", ".htm"):
        raise BadInput(f"{path} is not the name of a page: give one that ends in .html")
    if not can_write(path.parent):
        raise BadInput(f"the folder {path.parent} cannot be written: name another with --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _bars(bars: int) -> int:
    if not 50 <= bars <= 1_000_000:
        raise BadInput(f"bars was {bars}, must be from 50 to 1,000,000")
    return bars


def _within(within: str | int, bars: int) -> int:
    word = str(within).strip().lower().removesuffix("bars").removesuffix("bar").strip()
    if not word.isdigit() or int(word) < 1:
        raise BadInput(f"within was {within!r}, must be a number of bars, such as 6")
    if int(word) > bars:
        raise BadInput(f"within was {word} bars, and {bars:,} are loaded of each symbol: load more with --bars")
    return int(word)


def _source(house: House, bars: int, setup_file: Path | None) -> Source:
    settings = house.settings
    if not house.store_folder.is_dir():
        raise BadInput(f"the store {house.store_folder} is empty: bring candles with `bearskin data import` or `fetch`")
    return Source(
        store=house.store_folder,
        venue=settings.venue,
        product=settings.product,
        interval=settings.interval,
        bars=bars,
        brackets=settings.brackets,
        setup_file=setup_file,
    )


def _names(source: Source, words: list[str]) -> dict[str, tuple[int, int]]:
    """Symbol -> when its first and its last bar were complete."""
    from bearskin import market

    if not words:
        raise BadInput("no symbol was named: give all, or names such as BTCUSDT,ETHUSDT")
    store, step = market.Store(source.store), interval_ns(source.interval)
    there = {
        one.symbol: (one.first_ns + step, one.last_ns + step)
        for one in market.list_symbols(store, source.venue, source.product.value, source.interval)
    }
    if not there:
        raise BadInput(
            f"the store {source.store} has no {source.interval} candles of {source.venue} {source.product.value}: bring"
            " some with `bearskin data import` or `bearskin data fetch`"
        )
    if words == ["all"]:
        return there
    for word in words:
        if word not in there:
            market.load_panel(  # raises, naming what there is
                store, venue=source.venue, product=source.product, symbol=word, interval=source.interval
            )
    return {word: there[word] for word in words}


def _request(house: House, source: Source, names: dict[str, tuple[int, int]], at: str | None) -> ScanRequest:
    from bearskin import backtest, risk

    settings, preset = house.settings, risk.preset_of(house.settings.preset)
    newest = max(last for _, last in names.values())
    at_ns = newest if at is None else parse_time(at)
    if at_ns < min(first for first, _ in names.values()):
        raise BadInput(
            f"nothing was known at {iso(at_ns)}: the first {source.interval} bar was complete at"
            f" {iso(min(first for first, _ in names.values()))}"
        )
    defaults = backtest.BacktestRequest()
    rules = risk.EntryRules(
        preset=settings.preset,
        risk_frac=settings.risk or preset.risk_frac or RISK_WITHOUT_PRESET,
        leverage=settings.leverage,
        margin_mode=settings.margin_mode or MarginMode(preset.margin_mode),
        heat_frac=defaults.heat_frac,
        slippage_frac=defaults.slippage_frac if settings.slippage is None else settings.slippage,
        taker_fee_rate=settings.taker,
        maker_fee_rate=settings.maker,
    )
    return backtest.ScanRequest(at_ns=at_ns, equity=settings.equity, rules=rules)


def _scanned(
    source: Source, request: ScanRequest, names: list[str], processes: int | None, progress: Progress | None
) -> Scan:
    from bearskin import backtest

    processes = processes_for(len(names)) if processes is None else processes
    if processes < 1:
        raise BadInput(f"processes was {processes}, must be at least 1")
    found: list[SymbolScan] = []
    scans = _here(source, request, names) if processes == 1 else _shared(source, request, names, processes)
    for one, done in zip(scans, range(1, len(names) + 1), strict=False):
        found.append(one)
        if progress is not None:
            progress("scanning", done, len(names))
    return backtest.together(request, interval_ns(source.interval), found)


def _here(source: Source, request: ScanRequest, names: Sequence[str]) -> Iterator[SymbolScan]:
    store, book = _opened(source)
    for name in names:
        yield _one(source, request, store, book, name)


def _shared(source: Source, request: ScanRequest, names: Sequence[str], processes: int) -> Iterator[SymbolScan]:
    """As `_here`, by several processes, in the same order."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from bearskin import backtest

    lots = [names[at : at + SYMBOLS_A_PROCESS // 3] for at in range(0, len(names), SYMBOLS_A_PROCESS // 3)]
    context = multiprocessing.get_context("spawn")  # a forked child would inherit locks of Polars' threads
    pool = ProcessPoolExecutor(processes, mp_context=context)
    try:
        with backtest.deaf_children():  # all of them begin with the first lot that is handed in
            found = pool.map(functools.partial(_lot, source, request), lots)
        for lot in found:
            yield from lot
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _lot(source: Source, request: ScanRequest, names: Sequence[str]) -> list[SymbolScan]:
    if source.setup_file is not None:
        _load_once(source.setup_file)
    return list(_here(source, request, names))


@functools.lru_cache
def _load_once(path: Path) -> None:
    from bearskin import setups

    setups.load_setups(path)


@functools.lru_cache(maxsize=2)
def _opened(source: Source) -> tuple[Store, BracketBook]:
    from bearskin import market

    return market.Store(source.store), market.load_brackets(source.brackets)


def _one(source: Source, request: ScanRequest, store: Store, book: BracketBook, name: str) -> SymbolScan:
    """The scan of one symbol."""
    from bearskin import backtest, market, setups

    place: dict[str, Any] = {
        "venue": source.venue,
        "product": source.product,
        "symbol": name,
        "interval": source.interval,
    }
    panel = market.load_panel_at(store, **place, at_ns=request.at_ns, bars=source.bars)
    if panel is None:
        why = f"it has no {source.interval} bar among the last {source.bars:,} before then"
        return backtest.SymbolScan(symbol=name, left_out=why)
    known_ns, high, low, close = market.load_days_at(store, **place, at_ns=request.at_ns)
    days = setups.Days(known_ns=known_ns, high=high, low=low, close=close)
    return backtest.scan_panel(panel, request, book, days)
