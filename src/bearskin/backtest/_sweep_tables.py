"""A symbol's signals and the requests of a sweep as rows of numbers, for the compiled loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._book import Book
from bearskin.backtest._entries import Gate, rates_of
from bearskin.backtest._override import insists, rules_of
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._symbols import Offer, Symbol
from bearskin.paths import NEVER, Index, Lane, index_of
from bearskin.risk import preset_of
from bearskin.setups import SetupEvent
from bearskin.terms import Side

Rows = NDArray[np.void]
I8 = NDArray[np.int64]
ENTER_AS_FOUND, ENTER_MARKET, ENTER_LIMIT = range(3)
ENTRIES = {None: ENTER_AS_FOUND, "market": ENTER_MARKET, "limit": ENTER_LIMIT}
GROSS_MAX, NET_MAX = 3.0, 1.5  # of equity, as sizing caps them
# what the loop counts and adds up for each request, in columns
TRADES, WINS, STOPPED, TARGETS, TIMED, LIQUIDATIONS, AMBIGUOUS, BARS, DAYS, NEXT = range(10)
NET, GROSS, FEES, FUNDING, SLIPPAGE, R_SUM, R_SQUARES, WALLET, PEAK, DRAWDOWN = range(10)

# one signal; prices are mirrored, levels in mirrored ticks of the lane, absent ones NEVER or -NEVER
OFFER = np.dtype([
    ("order_ns", "i8"), ("bar", "i8"), ("lane", "i8"), ("side", "i8"), ("may", "i8"), ("multiplier", "f8"),
    ("opening", "f8"), ("opening_log", "f8"), ("ref", "f8"), ("ref_log", "f8"), ("ref_ticks", "i8"), ("atr", "f8"),
    ("rests", "i8"), ("limit", "f8"), ("limit_ticks", "i8"), ("valid", "i8"),
    ("stop", "f8"), ("stop_log", "f8"), ("stop_ticks", "i8"), ("count", "i8"), ("target_log", "f8"),
    ("target1_ticks", "i8"), ("target2_ticks", "i8"), ("one_risk", "i8"), ("cost", "f8"),
    ("invalidation", "i8"), ("hold", "i8"), ("trail_atr", "f8"),
])  # fmt: skip
# one request
TERMS = np.dtype([
    ("may", "i8"), ("equity", "f8"), ("risk", "f8"), ("heat", "f8"), ("share", "f8"), ("leverage", "f8"),
    ("bracket", "f8"), ("tier", "f8"), ("largest", "f8"), ("beyond", "i8"), ("ratio", "f8"),
    ("taker", "f8"), ("maker", "f8"), ("slip", "f8"), ("on_mark", "i8"), ("entry", "i8"),
    ("share1_num", "i8"), ("share1_den", "i8"), ("trail_atr", "f8"),
    ("stop_kind", "i8"), ("stop_by", "f8"), ("target_kind", "i8"), ("target_by", "f8"), ("hold", "i8"),
    ("invalidates", "i8"), ("moved", "f8"), ("risk_min", "f8"), ("risk_max", "f8"), ("reward_min", "f8"),
    ("cost_multiple", "f8"),
])  # fmt: skip


class Filters(NamedTuple):
    """The instrument's grid and filters as numbers; `least` is the smallest order in steps."""

    tick_num: float
    tick_den: float
    tick: float
    step: float
    least: int
    notional_min: float
    through: int
    liquidation_fee: float
    interval_ns: int


class Prepared(NamedTuple):
    """All of a symbol that does not depend on the request: shorts' lane first, then longs'."""

    lanes: tuple[Lane[float], Lane[float]]
    indices: tuple[Index[float], Index[float]]
    times: I8
    offers: Rows
    filters: Filters


def prepared(
    symbol: Symbol,
    offers: Sequence[Offer],
    request: BacktestRequest,
    indices: tuple[Index[float], Index[float]] | None = None,
) -> Prepared:
    """Blocks of both lanes, and every offer with the guards' word on it (`request` says whether they are asked).

    `indices` are the blocks where they are known already.
    """
    course, instrument = symbol.course, symbol.panel.instrument
    lanes = (course.lanes[Side.SHORT], course.lanes[Side.LONG])
    gate = Gate(request, Book(1.0), offers)
    rows = np.zeros(len(offers), dtype=OFFER)
    for i, offer in enumerate(offers):
        assert offer.event is not None
        rows[i] = _offer_row(symbol, offer, offer.event, _multiplier(gate, offer) if request.guards else 1.0)
    num, den = instrument.tick.as_integer_ratio()
    smallest = max(instrument.step, instrument.min_qty)
    filters = Filters(
        tick_num=float(num),
        tick_den=float(den),
        tick=float(instrument.tick),
        step=float(instrument.step),
        least=math.ceil(smallest / instrument.step),
        notional_min=float(instrument.min_notional),
        through=course.through,
        liquidation_fee=float(instrument.liquidation_fee_rate),
        interval_ns=symbol.panel.interval_ns,
    )
    times = np.array(symbol.panel.time_ns, dtype=np.int64)  # our own: what may not be written is another type
    return Prepared(lanes, indices or (index_of(lanes[0]), index_of(lanes[1])), times, rows, filters)


def _multiplier(gate: Gate, offer: Offer) -> float:
    """How much of the usual size the guards allow, 0 with a veto."""
    verdict = gate.guarded(offer)
    return 0.0 if verdict.veto is not None else verdict.size_multiplier


def _offer_row(symbol: Symbol, offer: Offer, event: SetupEvent, multiplier: float) -> tuple[Any, ...]:
    course, side, panel = symbol.course, event.side, symbol.panel
    mirror, bar = -int(side), offer.bar
    there = bar < len(panel) and int(panel.time_ns[bar]) == offer.order_ns
    opening = float(panel.open[bar]) if there else event.entry_ref
    limit = event.limit_price if event.limit_price is not None else event.entry_ref
    targets = event.targets
    return (
        offer.order_ns, bar, 0 if side is Side.SHORT else 1, int(side), int(there and multiplier > 0), multiplier,
        opening, math.log(opening), mirror * event.entry_ref, math.log(event.entry_ref),
        course.ticks(side, event.entry_ref, up=True), event.atr,
        int(event.entry == "limit"), limit, course.ticks(side, limit, up=True), event.valid_bars,
        mirror * event.stop, math.log(event.stop), course.ticks(side, event.stop, up=True), len(targets),
        math.log(targets[0]) if targets else 0.0,
        course.ticks(side, targets[0], up=False) if targets else -NEVER,
        course.ticks(side, targets[1], up=False) if len(targets) > 1 else -NEVER,
        int(event.attrs.get("target_rule") == "1R"), float(event.attrs.get("cost_frac", 0.0)),
        course.ticks(side, event.invalidation, up=True) if event.invalidation > 0 else NEVER,
        event.horizon_bars, event.trail_atr,
    )  # fmt: skip


def terms_of(symbol: Symbol, requests: Sequence[BacktestRequest]) -> Rows:
    """One row for each request."""
    rows = np.zeros(len(requests), dtype=TERMS)
    for i, request in enumerate(requests):
        rows[i] = _terms_row(symbol, request)
    return rows


def _terms_row(symbol: Symbol, request: BacktestRequest) -> tuple[Any, ...]:
    preset, rates, rules, asked = (
        preset_of(request.preset),
        rates_of(request, symbol),
        rules_of(request),
        insists(request),
    )
    brackets, beyond = symbol.brackets.rows, request.no_preflight
    refused = request.leverage > brackets[0].max_leverage or (
        not beyond
        and (
            request.leverage > preset.leverage_max
            or (preset.risk_frac is not None and request.risk_frac > preset.risk_frac)
        )
    )
    bracket = max((row.cap for row in brackets if row.max_leverage >= request.leverage), default=0)
    tier = math.inf
    if preset.tier_max is not None and not beyond:
        tier = float(brackets[min(preset.tier_max, len(brackets)) - 1].cap)
    largest = symbol.panel.instrument.market_max_qty
    num, den = request.target1_share.as_integer_ratio()
    return (
        int(not refused), float(request.equity), float(request.risk_frac), float(request.heat_frac),
        math.inf if preset.margin_share_frac is None else float(preset.margin_share_frac), float(request.leverage),
        float(bracket), tier, math.inf if largest is None else float(largest), int(beyond),
        float(preset.liquidation_stop_ratio), float(rates.taker), float(rates.maker), float(rates.slip),
        int(request.stop_trigger == "mark"), ENTRIES[request.entry], num, den, float(request.trail_atr),
        asked.stop_kind, asked.stop_by, asked.target_kind, asked.target_by, asked.hold, int(asked.invalidates),
        rules.moved_atr, rules.risk_min_atr, rules.risk_max_atr, rules.reward_min_r, rules.cost_multiple,
    )  # fmt: skip
