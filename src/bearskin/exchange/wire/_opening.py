"""From options to an exchange that is ready: its folder, journal, prices and cast, new or as they were left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Literal

import msgspec
import numpy as np

from bearskin.exchange._archive import Archive
from bearskin.exchange._candles import Kind
from bearskin.exchange._clock import MarketClock, checked_speed
from bearskin.exchange._coins import DEFAULT_SYMBOLS
from bearskin.exchange._core import Exchange
from bearskin.exchange._driver import Driver
from bearskin.exchange._genesis import (
    DEPOSIT_MAX,
    PRICES,
    SETUP_FILE,
    USER,
    Setup,
    cast_of,
    genesis,
    packaged_contracts,
    read_setup,
    write_setup,
)
from bearskin.exchange._keys import Keys
from bearskin.exchange._prices import F8, HISTORY_DAYS, I8, Candles, ManualPrices, PriceSource
from bearskin.exchange._rows import FundingRow
from bearskin.exchange._service import Service, restored
from bearskin.exchange._state import Contract, State
from bearskin.exchange._words import Refused
from bearskin.exchange.wire._address import ADDRESS_FILE, LOCK_FILE
from bearskin.journal import Journal
from bearskin.terms import DAY_NS, MINUTE_NS, SECOND_NS, BadInput, StoreBroken, interval_ns, iso

JOURNAL_FILE, LISTEN_KEYS_FILE = "journal.sqlite", "listen_keys.json"
DEFAULT_PORT = 8700
PATIENCE_S = 0.5
KINDS: tuple[Kind, ...] = ("trade", "mark", "index")
MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOptions:
    """What an exchange is started with.

    What an exchange is begun with (`symbols`, `prices`, `seed`, `deposit`, `start_ns`, `store`, `venue`, `interval`)
    is kept in its folder: None is what stands there, or the default in a new one; something else than what stands there
    is refused, `fresh` begins anew. `crowd` None is with synthetic prices only. Without `folder` nothing outlives the
    process. Port 0 is any free one.
    """

    folder: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    symbols: tuple[str, ...] | None = None
    prices: Literal["synthetic", "replay", "manual"] | None = None
    seed: int | None = None
    deposit: Decimal | None = None
    start_ns: int | None = None
    store: Path | None = None
    venue: str | None = None
    interval: str | None = None
    speed: float = 1.0
    makers: bool = True
    crowd: bool | None = None
    fresh: bool = False
    limits: bool = True


@dataclass(slots=True, kw_only=True)
class Opened:
    """An exchange that is ready to be served; `close` writes its snapshot and lets go of the folder."""

    folder: Path
    setup: Setup
    service: Service
    driver: Driver
    keys: Keys
    began: bool
    _held: contextlib.ExitStack

    @property
    def user(self) -> int:
        """The account whose key is told."""
        return USER

    def close(self) -> None:
        """Stop for good."""
        with self._held:
            self.service.close()


def open_exchange(options: ExchangeOptions, wall_ns: Callable[[], int]) -> Opened:
    """Begin the exchange of `options.folder` or take it up where it was left, its market a moment old.

    Raises BadInput for options that do not fit and a folder that is in use, StoreBroken for one that is damaged.
    """
    checked_speed(options.speed)
    new = _foreseen(options, wall_ns())
    with contextlib.ExitStack() as stack:
        folder = _folder(options.folder, stack)
        setup, began = _setup(options, folder, new, wall_ns())
        keys = Keys.open(folder, os.urandom)
        journal = Journal.open(folder / JOURNAL_FILE, cure="bring it back from a backup, or begin anew with --fresh")
        stack.callback(journal.close)
        exchange, archive = restored(journal)
        state = exchange.state
        contracts = _contracts(setup, state)
        prices = _prices(setup, contracts, state)
        service = _service(options, setup, prices, exchange, archive, journal, wall_ns)
        if not state.sequence:
            if setup.begun:
                raise StoreBroken(f"{journal.path} is empty: bring back what was in it, or begin anew with --fresh")
            answers = service.submit_now(genesis(setup, contracts))
            refused = [answer[0] for answer in answers if answer and isinstance(answer[0], Refused)]
            assert not refused, refused
        if not setup.begun:
            setup = msgspec.structs.replace(setup, begun=True)
            write_setup(folder, setup)
        _seed(archive, prices, contracts)
        # a crowd would trade at prices that a replay's candles never had
        crowd = setup.prices == "synthetic" if options.crowd is None else options.crowd
        cast = cast_of(setup.symbols, makers=options.makers, crowd=crowd)
        driver = Driver(service, prices, cast, seed=setup.seed)
        driver.open()
        held = stack.pop_all()
    return Opened(folder=folder, setup=setup, service=service, driver=driver, keys=keys, began=began, _held=held)


def _contracts(setup: Setup, state: State) -> tuple[Contract, ...]:
    """The contracts as they are listed now, or as they will be first."""
    if not state.markets:
        # listed when their history begins: bots leave alone what was listed a moment ago
        minute_ns = setup.start_ns // MINUTE_NS * MINUTE_NS
        onboard_ns = setup.start_ns if setup.prices == "manual" else minute_ns - HISTORY_DAYS * DAY_NS
        return packaged_contracts(setup.symbols, onboard_ns, wide=setup.prices == "replay")
    return tuple(market.contract for market in state.markets.values())


def _service(
    options: ExchangeOptions,
    setup: Setup,
    prices: PriceSource,
    exchange: Exchange,
    archive: Archive,
    journal: Journal,
    wall_ns: Callable[[], int],
) -> Service:
    latest_ns = max(setup.start_ns, exchange.state.time_ns)
    if prices.follows_wall and options.speed == 1:
        latest_ns = max(latest_ns, wall_ns())
    clock = MarketClock(wall_ns, start_ns=latest_ns, speed=options.speed)
    return Service(exchange, archive, journal, clock, wall_ns)


def _folder(named: Path | None, stack: contextlib.ExitStack) -> Path:
    """The exchange's folder, made where it is missing and held against a second process."""
    if named is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bearskin-exchange-")))
    try:
        named.mkdir(parents=True, exist_ok=True)
        lock: IO[bytes] = stack.enter_context((named / LOCK_FILE).open("ab"))
        _held(lock, named)
        # left behind by one that was killed: with the lock held it would be taken for ours, and its port be another's
        (named / ADDRESS_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"the folder {named} cannot be written ({error.strerror or error}): name another") from None
    return named


def _held(lock: IO[bytes], named: Path) -> None:
    until_s = time.monotonic() + PATIENCE_S  # somebody may be looking whether an exchange runs
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() > until_s:
                raise BadInput(f"an exchange is running in {named}: stop it, or name another folder") from None
            time.sleep(0.05)


def _foreseen(options: ExchangeOptions, wall_ns: int) -> Setup | None:
    """What will be begun, None where one is taken up: what does not fit is refused before anything is written."""
    there = None if options.folder is None or options.fresh else read_setup(options.folder)
    if there is None:
        return new_setup(options, wall_ns)
    _agree(options, there)
    return None


def _setup(options: ExchangeOptions, folder: Path, new: Setup | None, wall_ns: int) -> tuple[Setup, bool]:
    """What the exchange was begun with, and whether that is now; the folder is held."""
    if options.fresh:
        # keys stay as they are, so that clients set up for them go on working
        for name in (SETUP_FILE, JOURNAL_FILE, f"{JOURNAL_FILE}-wal", f"{JOURNAL_FILE}-shm"):
            (folder / name).unlink(missing_ok=True)
    setup = read_setup(folder)
    if setup is not None:
        _agree(options, setup)
        return setup, False
    if (folder / JOURNAL_FILE).exists():
        raise BadInput(f"{folder} has a journal but no {SETUP_FILE}: bring it back, or begin anew with --fresh")
    setup = new or new_setup(options, wall_ns)
    write_setup(folder, setup)
    return setup, True


def new_setup(options: ExchangeOptions, wall_ns: int) -> Setup:
    """What `options` begin an exchange with; raises BadInput for what they cannot."""
    prices = options.prices or "synthetic"
    if prices not in PRICES:
        raise BadInput(f"prices was {prices!r}, must be one of {', '.join(PRICES)}")
    deposit = Decimal(10_000) if options.deposit is None else options.deposit
    if not (0 <= deposit <= DEPOSIT_MAX and deposit == deposit.quantize(Decimal("0.01"))):
        raise BadInput(f"deposit was {deposit}, must be an amount of USDT such as 10000")
    made = Setup(
        created_ns=wall_ns,
        start_ns=wall_ns // SECOND_NS * SECOND_NS,
        symbols=DEFAULT_SYMBOLS if options.symbols is None else options.symbols,
        prices=prices,
        seed=7 if options.seed is None else options.seed,
        deposit=deposit,
    )
    if prices == "replay":
        from bearskin.exchange._prices_replay import replay_setup

        made = replay_setup(
            made,
            store=options.store,
            venue=options.venue,
            interval=options.interval,
            symbols=options.symbols,
            start_ns=options.start_ns,
        )
    else:
        _only_of_replays(options, prices)
    packaged_contracts(made.symbols, made.start_ns)
    return made


def _only_of_replays(options: ExchangeOptions, prices: str) -> None:
    """Refuse what says nothing about prices that are not played again."""
    if options.start_ns is not None:
        raise BadInput(f"a start is for replays: {prices} prices begin now")
    for name in ("interval", "venue"):
        if getattr(options, name) is not None:
            raise BadInput(f"{name} is for replays: {prices} prices have no stored candles")


def _agree(options: ExchangeOptions, setup: Setup) -> None:
    """Refuse options that contradict what the exchange was begun with."""
    asked: dict[str, object] = {
        "symbols": options.symbols,
        "prices": options.prices,
        "seed": options.seed,
        "deposit": options.deposit,
    }
    if setup.prices == "replay":
        asked |= {"venue": options.venue, "interval": options.interval, "start_ns": _on_bar(options.start_ns, setup)}
    for name, value in asked.items():
        there = getattr(setup, name)
        if value is not None and value != there:
            shown = ",".join(there) if isinstance(there, tuple) else there
            told = f"from {iso(there)}" if name == "start_ns" else f"with {name} {shown}"
            raise BadInput(
                f"the exchange in {options.folder} was begun {told}: name another --folder, or begin anew with --fresh"
            )
    if setup.prices != "replay":
        _only_of_replays(options, setup.prices)


def _on_bar(start_ns: int | None, setup: Setup) -> int | None:
    """The open of the first candle at or after a start, which is where its replay begins."""
    step_ns = interval_ns(setup.interval)
    return None if start_ns is None else -(-start_ns // step_ns) * step_ns


def _prices(setup: Setup, contracts: tuple[Contract, ...], state: State) -> PriceSource:
    ticks = {contract.symbol: contract.tick for contract in contracts if contract.symbol in setup.symbols}
    if setup.prices == "manual":
        return ManualPrices(setup.symbols)
    if setup.prices == "replay":
        from bearskin.exchange._prices_replay import ReplayPrices

        return ReplayPrices(setup, ticks, lambda symbol: _user_side(state, symbol))
    from bearskin.exchange._prices_synthetic import SyntheticPrices

    levels = {symbol: float(market.index) for symbol, market in state.markets.items() if market.index is not None}
    return SyntheticPrices(
        ticks,
        seed=setup.seed,
        start_ns=setup.start_ns,
        levels=levels,
        from_ns=max(setup.start_ns, state.time_ns),
    )


def _user_side(state: State, symbol: str) -> int:
    """The sign of what users (not makers, not the crowd) hold in a symbol."""
    held = sum(
        float(position.qty)
        for account in state.accounts.values()
        if account.kind == "USER"
        for position in account.positions.values()
        if position.symbol == symbol
    )
    return (held > 0) - (held < 0)


def _seed(archive: Archive, prices: PriceSource, contracts: tuple[Contract, ...]) -> None:
    """Hand the archive the candles and the settlements of funding from before the start."""
    for contract in contracts:
        symbol = contract.symbol
        if symbol not in prices.symbols:
            continue
        trades, mark, index = (prices.history(symbol, kind) for kind in KINDS)
        for kind, candles in zip(KINDS, (trades, mark, index), strict=True):
            if candles is not None:
                archive.seed_candles(symbol, kind, _columns(candles), step_ms=candles.step_ns // MS)
        if mark is not None and index is not None and np.array_equal(mark.time_ns, index.time_ns):
            archive.seed_candles(symbol, "premium", _premiums(mark, index), step_ms=mark.step_ns // MS)
        marks = mark if mark is not None else trades
        if marks is not None:
            archive.seed_funding(symbol, _settlements(symbol, prices.settled(contract), marks))


def _premiums(mark: Candles, index: Candles) -> dict[str, F8 | I8]:
    """How far mark stood above its index at both ends of each bar; what lay between is not known."""
    opened, closed = mark.open / index.open - 1, mark.close / index.close - 1
    if not opened.any() and not closed.any():
        opened = closed = np.broadcast_to(np.zeros(1), (len(mark.time_ns),))
        high = low = opened
    else:
        high, low = np.maximum(opened, closed), np.minimum(opened, closed)
    return {"open_ms": mark.time_ns // MS, "open": opened, "high": high, "low": low, "close": closed}


def _settlements(symbol: str, settled: Sequence[tuple[int, Decimal]], marks: Candles) -> list[FundingRow]:
    """Settlements with the open of the bar they fell into as their mark; none from before the first bar."""
    places = np.searchsorted(marks.time_ns, np.array([at for at, _ in settled], dtype=np.int64), side="right") - 1
    return [
        FundingRow(symbol, rate, Decimal(f"{float(marks.open[place]):.8f}"), at)
        for (at, rate), place in zip(settled, places.tolist(), strict=True)
        if place >= 0
    ]


def _columns(candles: Candles) -> dict[str, F8 | I8]:
    columns: dict[str, F8 | I8] = {
        "open_ms": candles.time_ns // MS,
        "open": candles.open,
        "high": candles.high,
        "low": candles.low,
        "close": candles.close,
    }
    if candles.volume.any():
        share = candles.taker_buy / candles.volume.clip(min=1e-300)
        columns |= {
            "volume": candles.volume,
            "quote": candles.quote_volume,
            "count": candles.trades,
            "buy_volume": candles.taker_buy,
            "buy_quote": candles.quote_volume * share,
        }
    return columns


__all__ = ["DEFAULT_PORT", "ExchangeOptions", "Opened", "open_exchange"]
