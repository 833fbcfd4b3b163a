"""All symbols' set-ups, ranked: of the venue's candles now or of stored ones at a time, by the functions of `scan`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from bearskin.app._world import DEMO
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Draft, path_of
from bearskin.app.web._pace import Turn, turn
from bearskin.app.web._scan_card import positioning
from bearskin.terms import DAY_NS, BadInput, Side, dec, interval_ns, interval_word, tick_down, tick_up

if TYPE_CHECKING:
    from bearskin.app.web._kept_venue import KeptVenue
    from bearskin.backtest import Scan, ScanRequest, SymbolScan
    from bearskin.market import Panel

Source = Literal["venue", "store"]
SCAN = "scan"  # topic: ScanNow
BARS, DAYS, SYMBOLS_MAX = 1_500, 110, 60
AGAIN_S = 60.0  # after a bar has closed, at most so often by the wall: a fast market must not use up the venue's limit
INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
SIDES = ("both", "short", "long")
STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked for. `symbols` empty are those of the desk (of the store: all). `at` None is the newest bar."""

    source: Source = "venue"
    symbols: tuple[str, ...] = ()
    interval: str = ""
    sides: str = "both"
    within: int = 6
    guards: bool = True
    at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        names = ("source", "symbols", "interval", "sides", "within", "guards", "at")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanNow:
    """How a scan stands. `result` is that of the last one that came to its end; `wrong` says why another did not."""

    asked: Asked = field(default_factory=Asked)
    running: bool = False
    done: int = 0
    total: int = 0
    symbol: str = ""
    result: dict[str, Any] | None = None
    wrong: str = ""
    took_s: float | None = None
    number: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        names = ("running", "done", "total", "symbol", "wrong", "took_s", "number", "result")
        return {"asked": self.asked.to_json(), **{name: getattr(self, name) for name in names}}


class Stopped(Exception):
    """Somebody has stopped the scan."""


@dataclass(slots=True, repr=False)
class Scanner:
    """One scan at a time, for every open page; the newest ask replaces the one before."""

    desk: WebDesk
    now: ScanNow = field(default_factory=ScanNow)
    _task: asyncio.Task[None] | None = None
    _stop: bool = False

    def start(self, asked: Asked) -> None:
        """Begin; raises BadInput for what cannot be looked for."""
        checked(asked)
        self.cancel()
        self._stop = False
        self._say(asked=asked, running=True, done=0, total=0, symbol="", wrong="")
        self._task = asyncio.ensure_future(self._scanned(asked))
        self.desk.tasks.add(self._task)
        self._task.add_done_callback(self.desk.tasks.discard)

    def cancel(self) -> None:
        """Stop what runs; what was found before stays."""
        self._stop = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._say(running=False, wrong=STOPPED)
        self._task = None

    async def wait(self) -> ScanNow:
        """How it stands once nothing runs any more."""
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})
        return self.now

    async def _scanned(self, asked: Asked) -> None:
        began_s = time.monotonic()
        try:
            result = await (self._of_venue(asked) if asked.source == "venue" else self._of_store(asked))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the page says it, whatever it is
            self._say(running=False, wrong=str(error) or type(error).__name__)
            return
        took_s = round(time.monotonic() - began_s, 2)
        self._say(running=False, result=result, took_s=took_s, number=self.now.number + 1)

    def _say(self, **changes: Any) -> None:
        self.now = replace(self.now, **changes)
        self.desk.hub.say(SCAN, self.now)

    def _step(self, done: int, total: int, symbol: str) -> None:
        self._say(done=done, total=total, symbol=symbol)

    # --- from the venue ----------------------------------------------------------------------------------------------

    async def _of_venue(self, asked: Asked) -> dict[str, Any]:
        desk, symbols = self.desk, self._symbols(asked)
        if desk.place is None or desk.market is None:
            raise BadInput("no venue runs: `bearskin demo` starts one, or scan the stored data")
        with turn(Turn.BESIDE), desk.market.guard.plainly():
            return await self._looked(asked, desk.market.venue(symbols), symbols)

    async def _looked(self, asked: Asked, venue: KeptVenue, symbols: tuple[str, ...]) -> dict[str, Any]:
        from bearskin import backtest, live

        desk = self.desk
        word = asked.interval or default_interval(desk)
        found: list[SymbolScan] = []
        cards: dict[str, Any] = {}
        request = request_of(desk, asked, 0)
        book = await _brackets(venue, symbols)
        for at, symbol in enumerate(symbols):
            self._step(at, len(symbols), symbol)
            try:
                panel = await venue.history(symbol, word, BARS)
                days = await venue.history(symbol, "1d", DAYS) if interval_ns(word) < DAY_NS else None
            except live.NoBars as error:
                found.append(backtest.SymbolScan(symbol=symbol, left_out=str(error)))
                continue
            request = replace(request, at_ns=max(request.at_ns, panel.known_ns(len(panel) - 1)))
            one, card = await desk.aside(_judged(panel, days, request, book))
            found.append(one)
            cards[symbol] = card
        self._step(len(symbols), len(symbols), "")
        whole = backtest.together(request, interval_ns(word), found)
        told: dict[str, Any] = await desk.aside(lambda: result_of(whole, cards, "venue"))
        return told

    def _symbols(self, asked: Asked) -> tuple[str, ...]:
        symbols = asked.symbols or self.desk.symbols
        if not symbols:
            raise BadInput("no symbols: name some, such as BTCUSDT,ETHUSDT")
        if len(symbols) > SYMBOLS_MAX:
            raise BadInput(f"{len(symbols)} symbols are many to ask a venue for: name {SYMBOLS_MAX} at most")
        return symbols

    # --- from the store ----------------------------------------------------------------------------------------------

    async def _of_store(self, asked: Asked) -> dict[str, Any]:
        loop = asyncio.get_running_loop()

        def progress(_: str, done: int, total: int | None) -> None:
            if self._stop or self.now.asked is not asked:
                raise Stopped
            loop.call_soon_threadsafe(self._step, done, total or 0, "")

        told: dict[str, Any] = await self.desk.aside(lambda: stored(self.desk, asked, progress))
        return told


def scanner_of(desk: WebDesk) -> Scanner:
    """The one scanner of the desk."""
    found: Scanner = desk.kept.setdefault(SCAN, Scanner(desk))
    return found


def market_ns(desk: WebDesk) -> int:
    """Market time as the bot tells it, else the wall's."""
    from bearskin.terms import parse_time

    state = desk.bot.now.state
    return parse_time(state["time"]) if state and state["time"] else time.time_ns()


def checked(asked: Asked) -> None:
    """Raise BadInput for what cannot be looked for."""
    if asked.source not in ("venue", "store"):
        raise BadInput(f"source was {asked.source!r}, must be venue or store")
    if asked.sides not in SIDES:
        raise BadInput(f"sides was {asked.sides[:20]!r}, must be one of {', '.join(SIDES)}")
    if not 1 <= asked.within <= 500:
        raise BadInput(f"within was {asked.within}, must be from 1 to 500 bars")
    if asked.interval and asked.interval not in INTERVALS:
        raise BadInput(f"interval was {asked.interval[:20]!r}, must be one of {', '.join(INTERVALS)}")
    if asked.at and asked.source == "venue":
        raise BadInput("a time is for stored data: the venue is looked at now")


def default_interval(desk: WebDesk) -> str:
    """The bars the bot looks at, else those of the settings."""
    state = desk.bot.now.state
    return str(state["interval"]) if state else interval_word(interval_ns(desk.house.settings.interval))


def equity_of(desk: WebDesk) -> Decimal:
    """What is sized from: the account at the marks where it is known, else the settings' equity."""
    state = desk.bot.now.state
    if state is not None and state["account"]["known"] and Decimal(state["account"]["equity"]) > 0:
        return Decimal(state["account"]["equity"])
    return desk.house.settings.equity


def request_of(desk: WebDesk, asked: Asked, at_ns: int) -> ScanRequest:
    """What is asked of the scan, sized as the bot sizes."""
    from bearskin import backtest, risk
    from bearskin.app._backtest import RISK_WITHOUT_PRESET, sides_of
    from bearskin.setups import GuardRules, OutsideRules
    from bearskin.terms import MarginMode

    settings = desk.house.settings
    told = {} if desk.bot.now.state is None else desk.bot.now.state.get("rules", {})
    preset = risk.preset_of(told.get("preset") or settings.preset)
    chosen = told.get("risk_frac")
    made_up = desk.place is not None and desk.place.venue == DEMO and asked.source == "venue"
    rules = risk.EntryRules(
        preset=told.get("preset") or settings.preset,
        risk_frac=Decimal(chosen) if chosen else settings.risk or preset.risk_frac or RISK_WITHOUT_PRESET,
        leverage=Decimal(told["leverage"]) if told.get("leverage") else settings.leverage,
        margin_mode=MarginMode(told.get("margin_mode") or settings.margin_mode or preset.margin_mode),
        heat_frac=Decimal(told.get("heat_frac") or backtest.BacktestRequest().heat_frac),
        slippage_frac=Decimal(told.get("slippage_frac") or backtest.BacktestRequest().slippage_frac),
        taker_fee_rate=settings.taker,
        maker_fee_rate=settings.maker,
    )
    return backtest.ScanRequest(
        at_ns=at_ns,
        sides=sides_of(asked.sides),
        within_bars=asked.within,
        equity=equity_of(desk),
        rules=rules,
        guards=asked.guards,
        guard_rules=GuardRules(outside=OutsideRules(made_up=True)) if made_up else None,
    )


@dataclass(frozen=True, slots=True)
class _Book:
    """Brackets of symbols as the bot has them; raises UnknownBrackets for others."""

    known: dict[str, Any]

    def get(self, venue: str, symbol: str, product: str = "linear") -> Any:
        """Those of a symbol."""
        from bearskin.terms import UnknownBrackets

        found = self.known.get(symbol)
        if found is None:
            raise UnknownBrackets(f"no maintenance brackets for {symbol} ({venue}, {product}): liquidation is unknown")
        return found


async def _brackets(venue: Any, symbols: Iterable[str]) -> Any:
    found = await venue.instruments(tuple(symbols))
    return _Book({symbol: brackets for symbol, (_, brackets) in found.items() if brackets is not None})


def _judged(panel: Panel, days: Panel | None, request: ScanRequest, book: Any) -> Any:
    """What looks at one symbol, in a thread: its scan and its card."""

    def work() -> tuple[SymbolScan, dict[str, Any]]:
        from bearskin import backtest, setups

        whole = None
        if days is not None:
            known_ns = days.time_ns + days.interval_ns
            whole = setups.Days(known_ns=known_ns, high=days.high, low=days.low, close=days.close)
        one = backtest.scan_panel(panel, request, book, whole)
        card = positioning(panel)
        setups.forget_views()
        return one, card

    return work


def stored(desk: WebDesk, asked: Asked, progress: Any) -> dict[str, Any]:
    """A scan of the store; slow, for a thread. `progress` may raise to stop it."""
    from bearskin.app._scan import scan

    settings, state = desk.house.settings, desk.bot.now.state
    found = scan(
        symbols=asked.symbols or "all",
        at=asked.at or None,
        side=asked.sides,
        within=asked.within,
        interval=asked.interval or settings.interval,
        guards=asked.guards,
        equity=f"{equity_of(desk):f}",
        preset=(state or {}).get("rules", {}).get("preset"),
        home=desk.house.home.root,
        store=desk.house.store_folder,
        progress=progress,
    )
    return result_of(found, _stored_cards(desk, found), "store")


def _stored_cards(desk: WebDesk, found: Scan) -> dict[str, Any]:
    from bearskin import market

    settings = desk.house.settings
    store, cards = market.Store(desk.house.store_folder), {}
    for symbol in dict.fromkeys(one.candidate.symbol for one in found.found):
        panel = market.load_panel_at(
            store, venue=settings.venue, product=settings.product, symbol=symbol,
            interval=interval_word(found.interval_ns), at_ns=found.request.at_ns, bars=BARS,
        )  # fmt: skip
        if panel is not None:
            cards[symbol] = positioning(panel)
    return cards


# --- what is told -----------------------------------------------------------------------------------------------------


def result_of(scan: Scan, cards: dict[str, Any], source: str) -> dict[str, Any]:
    """What `scan --json` tells, and of each candidate the draft it would fill, its digits and its card."""
    from bearskin.report import scan_json

    told = scan_json(scan)
    rows = []
    for row, one in zip(told["candidates"], scan.found, strict=True):
        tick = dec(one.bars.tick)
        draft = draft_of_trade(one.best, tick)
        rows.append(
            {
                **row,
                "key": f"{row['symbol']}:{row['side']}:{row['setup']}",
                "digits": max(0, -int(tick.normalize().as_tuple().exponent)),
                "path": path_of(draft),
                "notes": notes_of(row),
                "warnings": warnings_of({**row, "families_enough": one.families_enough}),
            }
        )
    return {**told, "candidates": rows, "source": source, "interval": interval_word(scan.interval_ns), "cards": cards}


def draft_of_trade(judged: Any, tick: Decimal) -> Draft:
    """What the ticket takes of a set-up: prices on the grid, off it the cautious way; sized by the preset."""
    event = judged.event
    short = event.side is Side.SHORT
    against, towards = (tick_up, tick_down) if short else (tick_down, tick_up)
    limit = event.limit_price is not None
    trail = getattr(event, "trail_atr", 0.0)
    return Draft(
        symbol=event.symbol,
        side=event.side.word,
        kind="limit" if limit else "market",
        price=against(judged.entry, tick).normalize() if limit else None,
        stop=_plain(against(dec(event.stop), tick)),
        targets=tuple(_plain(towards(dec(target), tick)) for target in event.targets[:2]),
        margin_mode="isolated" if judged.sized is None else judged.sized.margin_mode.value,
        trail_atr=dec(trail) if trail else None,
        setup=event.setup,
    )


def _plain(value: Decimal) -> Decimal:
    return Decimal(f"{value.normalize():f}")


def notes_of(row: dict[str, Any]) -> list[str]:
    """What the guards only tell: they leave the size as it is."""
    guards = row["guards"]
    calm = guards is not None and guards["veto"] is None and Decimal(guards["size_multiplier"]) >= 1
    return list(guards["reasons"]) if calm else []


def warnings_of(row: dict[str, Any]) -> list[str]:
    """What to look at before this trade: guards, what was not checked, funding that is paid, a near liquidation."""
    guards = row["guards"]
    said = [] if guards is None or notes_of(row) else list(guards["reasons"])
    if guards is not None and guards["unchecked"]:
        said.append(f"not checked for want of data: {', '.join(guards['unchecked'])}")
    carry = row["carry"]
    if carry is not None and Decimal(carry["money"]) < 0:
        said.append(f"funding would cost {-Decimal(carry['money']):.2f} over {carry['horizon_h']:g} h at the last rate")
    if carry is None and row["qty"] is not None:
        said.append("funding is not known: the carry is not reckoned")
    dies, stop = row["liquidation_distance_frac"], row["stop_distance_frac"]
    if dies is not None and Decimal(dies) < 2 * Decimal(stop):
        said.append("liquidation lies less than twice as far as the stop")
    if not row.get("families_enough", True):
        said.append("one family of evidence alone speaks for it")
    return said
