"""A backtest through the engine itself: the same bars, one by one, on the exchange's core in process."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable

from bearskin.backtest._core_road import Road
from bearskin.backtest._core_venue import CoreVenue, Latency
from bearskin.backtest._engine_frames import Ledger, result_of
from bearskin.backtest._entries import rates_of
from bearskin.backtest._request import BacktestRequest, BacktestResult
from bearskin.backtest._symbols import BracketBook, Gathered, Progress, Symbol, first_bars, gather
from bearskin.engine import Decider, Engine, EngineSettings, Record
from bearskin.market import Panel
from bearskin.terms import AnyEvent, BadInput, Brackets, Connected, Instrument, Side

TAG = "back"
PROGRESS_EVERY = 500
COMPILED_ONLY = (
    "params", "template", "stop_scale", "stop_frac", "target_r", "target_frac", "hold_bars", "invalidation",
)  # fmt: skip


def run_engine(
    request: BacktestRequest,
    panels: Iterable[Panel],
    brackets: BracketBook,
    progress: Progress | None = None,
    *,
    latency: Latency | None = None,
    kept: Callable[[Record], None] | None = None,
) -> BacktestResult:
    """Trade `request` through `panels` with the engine that trades live, on the exchange's core, at no spread.

    Without latency it comes to the trades of `run`. `kept` is given every record the engine would journal. Raises
    BadInput for what only the compiled run does (hold, no preflight) and where nothing can be traded.
    """
    if request.holds:
        raise BadInput("hold is a yardstick of the compiled run: the engine has nothing to decide in it")
    if request.no_preflight:
        raise BadInput("the engine takes no trade that preflight refuses: leave out --no-preflight")
    _refuse_overrides(request)
    gathered = gather(request, panels, brackets, progress)
    if not gathered.symbols:
        raise BadInput("nothing can be backtested: no panel was left")
    ledger = Ledger(request, gathered.symbols)
    latency = latency or Latency()
    drive(request, gathered, latency, ledger, kept, progress)
    return result_of(request, gathered, ledger, latency)


def _refuse_overrides(request: BacktestRequest) -> None:
    """The engine trades set-ups as they are found; what a sweep changes about them only the compiled run knows."""
    plain = BacktestRequest()
    for name in COMPILED_ONLY:
        if getattr(request, name) != getattr(plain, name):
            raise BadInput(f"the engine trades set-ups as they are found: {name} is for the compiled run only")


def settings_of(request: BacktestRequest, symbols: tuple[Symbol, ...]) -> EngineSettings:
    """The request as a bot's settings: guards as asked, no limits of the account."""
    both = len(set(request.sides)) > 1
    return EngineSettings(
        tag=TAG,
        symbols=tuple(symbol.name for symbol in symbols),
        interval_ns=symbols[0].panel.interval_ns,
        setups=request.setups,
        sides="both" if both else "short" if request.sides[0] is Side.SHORT else "long",
        preset=request.preset,
        risk_frac=request.risk_frac,
        heat_frac=request.heat_frac,
        leverage=request.leverage,
        margin_mode=request.margin_mode,
        slippage_frac=request.slippage_frac * request.cost_scale,
        stop_by=request.stop_trigger,
        entry=request.entry or "setup",
        target1_share=request.target1_share,
        trail_atr=request.trail_atr,
        guards=request.guards,
        guard_rules=request.guard_rules,
        families_min=request.families_min,
        limits=False,
    )


def drive(
    request: BacktestRequest,
    gathered: Gathered,
    latency: Latency,
    ledger: Ledger,
    kept: Callable[[Record], None] | None,
    progress: Progress | None,
) -> CoreVenue:
    """Let the engine live through the panels; the venue as it is afterwards."""
    symbols = gathered.symbols
    if len({symbol.panel.interval_ns for symbol in symbols}) > 1:
        raise BadInput("the engine lives on one interval: name panels of one")
    rates = {symbol.name: rates_of(request, symbol) for symbol in symbols}
    start_ns = min(int(symbol.panel.time_ns[symbol.first_bar]) for symbol in symbols)
    venue = CoreVenue(
        symbols,
        {name: (one.taker, one.maker) for name, one in rates.items()},
        equity=request.equity,
        slip=rates_of(request, symbols[0]).slip,
        start_ns=start_ns,
        latency=latency,
    )
    market: dict[str, tuple[Instrument, Brackets | None]] = {}
    for symbol in symbols:
        one = rates[symbol.name]
        terms = dataclasses.replace(symbol.panel.instrument, taker_fee_rate=one.taker, maker_fee_rate=one.maker)
        market[symbol.name] = (terms, symbol.brackets)
    settings = settings_of(request, symbols)
    mind = Decider(settings, market)
    engine = Engine(settings, market, mind)
    for symbol in symbols:
        if symbol.first_bar > 1:
            mind.preload(first_bars(symbol.panel, symbol.first_bar - 1))

    def hear(event: AnyEvent) -> None:
        queue = deque([event])
        while queue:
            now = queue.popleft()
            stepped = engine.step(now)
            ledger.take(now, stepped.notes)
            if kept is not None and stepped.keep:
                kept(Record(now, stepped.notes))
            for approved in stepped.commands:
                venue.send(approved.command)
            queue.extend(venue.heard())

    for event in (_connected(start_ns), venue.account_now()):
        hear(event)
    road = Road(venue, symbols, hear, lambda at: ledger.sample(at, venue))
    say = None
    if progress is not None:
        told = progress

        def say(done: int, total: int) -> None:
            if done % PROGRESS_EVERY == 0 or done == total:
                told("bars", done, total)

    road.run(say)
    return venue


def _connected(at_ns: int) -> AnyEvent:
    return Connected(time_ns=at_ns, wall_ns=at_ns, channel="account", up=True)
