"""A rehearsal bar by bar: candles come one at a time, and nothing that is told knows the next one.

Every answer is made of the panel cut at the bar that is shown: signals are what a scan says at its close, trades by
hand go through the sizing and preflight of the bot, and what became of them is a backtest of the bars shown so far. So
the rules are those of the compiled kernel: entry at the next open, stop and target in one bar means the stop.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bearskin.app._house import House
from bearskin.app._made_up import SYNTHETIC, synthetic_made
from bearskin.app.web._backtests_words import market_of, planned_of, words_of
from bearskin.app.web._steps_tell import account_json, bar_json, score_words, signals_json
from bearskin.terms import BadInput, Refused, Side, dec, interval_ns, iso

if TYPE_CHECKING:
    from bearskin.backtest import BacktestRequest, BacktestResult, SymbolScan
    from bearskin.market import BracketBook, Panel
    from bearskin.risk import EntryRules, Sized
    from bearskin.setups import SetupEvent

WARM_BARS = 1_500  # what a scan looks back on
PAST_BARS = 240  # shown before the first step
BARS, BARS_MAX = 300, 2_000
OPEN_MAX = 8
BY_HAND = "by_hand"
STILL_OPEN = "end"  # how a backtest calls what is open at its last bar
NO_LIMIT = math.inf
HEARD_KEPT = 200  # signals, for a page that is opened anew
Json = dict[str, Any]


@dataclass(slots=True)
class Rehearsal:
    """One market being stepped through. `shown` bars of the panel may be known; those from `first` on are steps.

    `told` are the signals so far, each taken down at the close at which it became known, `heard` the same as they were
    shown then; `hand` are the trades by hand.
    """

    id: str
    request: BacktestRequest
    panel: Panel
    book: BracketBook
    first: int
    last: int
    shown: int
    words: Mapping[str, Any]
    told: list[SetupEvent] = field(default_factory=list)
    heard: list[Json] = field(default_factory=list)
    hand: list[SetupEvent] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def symbol(self) -> str:
        """What is traded."""
        return self.panel.instrument.symbol

    @property
    def now_ns(self) -> int:
        """The close of the last bar that is shown."""
        return self.panel.known_ns(self.shown - 1)

    @property
    def more(self) -> bool:
        """Whether a bar is left."""
        return self.shown < self.last

    @property
    def price(self) -> float:
        """The last close that is shown."""
        return float(self.panel.close[self.shown - 1])


def begin(house: House, given: Mapping[str, Any], bars: int = BARS, market: str | None = None) -> Rehearsal:
    """A rehearsal of one symbol from `start` on, or from some moment nobody names where no start is given.

    `given` are words of a backtest; symbols names one. Raises BadInput.
    """
    from bearskin import backtest
    from bearskin import market as room

    words = words_of(given)
    if not 10 <= bars <= BARS_MAX:
        raise BadInput(f"bars was {bars}, must be from 10 to {BARS_MAX:,}")
    place = market_of(house, market, words)
    names = str(words.get("symbols", "")).replace(",", " ").split()
    if len(names) != 1 or names == ["all"]:
        raise BadInput("a rehearsal is of one symbol, such as BTCUSDT")
    plan = planned_of(house, words, place)
    folder = synthetic_made(house, plan.house.settings.interval) if place == SYNTHETIC else plan.house.store_folder
    backtest.warm()
    panel = _panel(room.Store(folder), plan, names[0], bars)
    first = int(panel.time_ns.searchsorted(_start_ns(panel, plan.request, bars)))
    if first < 50:
        raise BadInput(f"only {first} bars lie before {iso(int(panel.time_ns[first]))}: start at least 50 bars later")
    book = room.load_brackets(plan.house.settings.brackets)
    book.get(panel.instrument.venue, panel.instrument.symbol, panel.instrument.product)  # raises where it knows none
    request = replace(plan.request, start_ns=int(panel.time_ns[first]), end_ns=None)
    made = Rehearsal(
        id=secrets.token_hex(6),
        request=request,
        panel=panel,
        book=book,
        first=first,
        last=min(len(panel), first + bars),
        shown=first,
        words=words,
    )
    look(made)
    return made


def _panel(store: Any, plan: Any, symbol: str, bars: int) -> Panel:
    """The symbol's bars around the stretch that is rehearsed, or all there are where its start is left to chance."""
    from bearskin import market

    settings, start_ns = plan.house.settings, plan.request.start_ns
    step = interval_ns(settings.interval)
    return market.load_panel(
        store,
        venue=settings.venue,
        product=settings.product,
        symbol=symbol,
        interval=settings.interval,
        start_ns=None if start_ns is None else start_ns - WARM_BARS * step,
        end_ns=None if start_ns is None else start_ns + bars * step,
    )


def _start_ns(panel: Panel, request: BacktestRequest, bars: int) -> int:
    """Where the steps begin: where it was asked, or somewhere with room before and behind."""
    if request.start_ns is not None:
        if request.start_ns > int(panel.time_ns[-1]):
            raise BadInput(f"there is no bar from {iso(request.start_ns)} on")
        return max(request.start_ns, int(panel.time_ns[0]))
    room = len(panel) - bars - min(WARM_BARS, len(panel) // 3)
    if room < 1:
        raise BadInput(f"{panel.instrument.symbol} has {len(panel):,} bars: too few to begin somewhere in them")
    return int(panel.time_ns[min(WARM_BARS, len(panel) // 3) + secrets.randbelow(room)])


def look(on: Rehearsal) -> list[Json]:
    """The signals that became known at the last close, each judged and sized as an entry now, and taken down."""
    scan = _scan(on)
    events = [trade.event for found in scan.found for trade in found.trades] + [gone.event for gone in scan.gone]
    known = {(one.bar, one.setup, one.side) for one in on.told}
    fresh = [one for one in events if (one.bar, one.setup, one.side) not in known]
    on.told += sorted(fresh, key=lambda one: (one.bar, one.setup, one.side))
    signals = signals_json(scan)
    on.heard = joined(on.heard, signals)[-HEARD_KEPT:]
    return signals


def joined(heard: Sequence[Json], signals: Sequence[Json]) -> list[Json]:
    """Signals with those of the last close behind them, each once: what is said of one may have changed since."""
    known = {(one["setup"], one["side"], one["known"]) for one in heard}
    return [*heard, *(one for one in signals if (one["setup"], one["side"], one["known"]) not in known)]


def step(on: Rehearsal) -> Json:
    """One bar more, with what became known at its close; raises BadInput at the end."""
    if not on.more:
        raise BadInput("the rehearsal has come to its last bar")
    on.shown += 1
    return {"bar": bar_json(on.panel, on.shown - 1), **state(on, look(on))}


def opened(on: Rehearsal) -> Json:
    """What a page begins with: the bars before the first step, and how all stands."""
    start = max(0, on.shown - PAST_BARS - (on.shown - on.first))
    instrument = on.panel.instrument
    return {
        "id": on.id,
        "symbol": on.symbol,
        "interval_s": on.panel.interval_ns // 1_000_000_000,
        "tick": f"{instrument.tick:f}",
        "settle": instrument.settle,
        "steps": on.last - on.first,
        "notes": [note for note in on.panel.notes if "ESTIMATED" in note],
        "bars": [bar_json(on.panel, bar) for bar in range(start, on.shown)],
        "heard": list(on.heard),
        **state(on, signals_json(_scan(on))),
    }


def state(on: Rehearsal, signals: Sequence[Json] = ()) -> Json:
    """How all three accounts stand at the last close: mine, that of the set-ups, and one that does nothing."""
    mine, theirs = mine_of(on), theirs_of(on)
    start = float(on.request.equity)
    accounts = {
        "mine": account_json(mine, start, on.hand, on.shown),
        "setups": account_json(theirs, start, on.told, on.shown),
        "nothing": {"equity": f"{start:.2f}", "net": "0.00"},
    }
    return {
        "at": iso(on.now_ns),
        "step": on.shown - on.first,
        "more": on.more,
        "price": f"{dec(on.price):f}",
        "signals": list(signals),
        **accounts,
        "score": score_words(accounts, on.shown - on.first),
    }


def trade(on: Rehearsal, side: str, stop: Any, target: Any = None, send: bool = True) -> Json:
    """A trade by hand as preflight sees it at the last close; with `send` it enters at the next open.

    The answer has `refused` with the sentence, or the size, its loss at the stop and where it would be liquidated.
    Raises BadInput for prices that make no sense.
    """
    event = _by_hand(on, side, stop, target)
    sized = _sized(on, event)
    if isinstance(sized, Refused):
        return {"refused": str(sized), "reason": sized.reason.value, "sent": False}
    from bearskin import risk
    from bearskin.terms import MarginMode

    instrument, entry = on.panel.instrument, dec(on.price)
    brackets = on.book.get(instrument.venue, instrument.symbol, instrument.product)
    wallet = dec(_equity(on)) if sized.margin_mode is MarginMode.CROSS else sized.margin
    dies = risk.liquidation_at(instrument, brackets, sized.qty, entry, wallet)
    if send:
        on.hand.append(event)
    return {
        "refused": None,
        "sent": send,
        "entry": f"{entry:f}",
        "stop": f"{dec(event.stop):f}",
        "target": f"{dec(event.targets[0]):f}" if event.targets else None,
        "qty": f"{sized.qty:f}",
        "notional": f"{sized.notional:.2f}",
        "leverage": f"{sized.leverage:f}",
        "margin": f"{sized.margin:.2f}",
        "loss_at_stop": f"{sized.loss_at_stop:.2f}",
        "bound_by": sized.bound_by,
        "liquidation": None if dies is None else f"{dies:.8g}",
    }


def leave(on: Rehearsal) -> Json:
    """Close the trade by hand at the next open, or take back one that has not entered; raises BadInput without one."""
    open_now = _open_hand(on)
    if open_now is None:
        raise BadInput("no trade of yours is open")
    held = on.shown - (open_now.bar + 1)
    if held <= 0:
        on.hand.remove(open_now)
    else:
        on.hand[on.hand.index(open_now)] = replace(open_now, horizon_bars=held)
    return state(on)


def mine_of(on: Rehearsal) -> BacktestResult | None:
    """The trades by hand as far as the bars shown tell; None before any could enter."""
    from bearskin.setups import Template

    lenient = Template(risk_min_atr=0.0, risk_max_atr=NO_LIMIT, moved_atr=NO_LIMIT, reward_min_r=0.0, cost_multiple=0.0)
    request = replace(
        on.request, setups=None, sides=(Side.SHORT, Side.LONG), guards=False, template=lenient, stop_scale=Decimal(1),
        stop_frac=None, target_r=None, target_frac=None, hold_bars=None, invalidation=True, entry=None,
        trail_atr=Decimal(0),
    )  # fmt: skip
    return _run(on, request, on.hand)


def theirs_of(on: Rehearsal) -> BacktestResult | None:
    """What doing as the set-ups say came to."""
    return _run(on, on.request, on.told)


def _run(on: Rehearsal, request: BacktestRequest, events: Sequence[SetupEvent]) -> BacktestResult | None:
    from bearskin import backtest

    enterable = [one for one in events if one.bar + 1 < on.shown]  # the next open has been shown
    if on.shown == on.first or not enterable:
        return None
    until = replace(request, end_ns=int(on.panel.time_ns[on.shown - 1]) + 1)
    return backtest.run(until, [on.panel], on.book, events={on.symbol: enterable})


def _scan(on: Rehearsal) -> SymbolScan:
    from bearskin import backtest

    request = on.request
    asked = backtest.ScanRequest(
        at_ns=on.now_ns,
        setups=request.setups,
        sides=request.sides,
        within_bars=1,
        equity=request.equity,
        rules=_rules(on),
        guards=request.guards,
    )
    return backtest.scan_panel(on.panel, asked, on.book)


def _rules(on: Rehearsal) -> EntryRules:
    from bearskin import risk

    request = on.request
    return risk.EntryRules(
        preset=request.preset,
        risk_frac=request.risk_frac,
        leverage=request.leverage,
        margin_mode=request.margin_mode,
        heat_frac=request.heat_frac,
        slippage_frac=request.slippage_frac,
        taker_fee_rate=request.taker_fee_rate,
        maker_fee_rate=request.maker_fee_rate,
        beyond=request.no_preflight,
    )


def _sized(on: Rehearsal, event: SetupEvent) -> Sized | Refused:
    """The size of a trade by hand on the account as it stands; a second one at a time is refused."""
    from bearskin import risk
    from bearskin.terms import Reason

    if _open_hand(on) is not None:
        return Refused(reason=Reason.SYMBOL_BUSY, detail="you are in a trade already: close it first")
    instrument, equity = on.panel.instrument, _equity(on)
    entry = risk.Entry(
        side=event.side,
        price=dec(on.price),
        stop=dec(event.stop),
        resting=False,
        instrument=instrument,
        brackets=on.book.get(instrument.venue, instrument.symbol, instrument.product),
    )
    return risk.size_entry(entry, _rules(on), risk.Exposure(equity, equity, 0.0, 0.0, 0.0))


def _equity(on: Rehearsal) -> float:
    mine = mine_of(on)
    return float(on.request.equity) if mine is None else float(mine.equity["equity"][-1])


def _open_hand(on: Rehearsal) -> SetupEvent | None:
    """The trade by hand that is open or about to enter."""
    if not on.hand:
        return None
    newest = on.hand[-1]
    if newest.bar + 1 >= on.shown:
        return newest
    mine = mine_of(on)
    if mine is None or not mine.trades.height:
        return None
    row = mine.trades.row(-1, named=True)
    same = row["signal_time"].timestamp() * 1_000_000_000 == newest.known_ns
    return newest if same and row["exit_reason"] == STILL_OPEN else None


def _by_hand(on: Rehearsal, side: str, stop: Any, target: Any) -> SetupEvent:
    from bearskin.app._plan import side_of
    from bearskin.app._rates import positive_of
    from bearskin.setups import SetupEvent

    if not on.more:
        raise BadInput("the rehearsal has come to its last bar: there is no next open to enter at")
    way, price = side_of(side), on.price
    if stop in (None, ""):
        raise BadInput("a trade needs a stop: above the price for a short, below it for a long")
    levels = [
        float(positive_of(one, name)) for one, name in ((stop, "stop"), (target, "target")) if one not in (None, "")
    ]
    targets = tuple(levels[1:])
    sign = int(way)
    if sign * (price - levels[0]) <= 0:
        where = "above" if way is Side.SHORT else "below"
        raise BadInput(f"the stop of a {way.word} lies {where} the price {dec(price):f}, was {dec(levels[0]):f}")
    if targets and sign * (targets[0] - price) <= 0:
        where = "below" if way is Side.SHORT else "above"
        raise BadInput(f"the target of a {way.word} lies {where} the price {dec(price):f}, was {dec(targets[0]):f}")
    bar = on.shown - 1
    return SetupEvent(
        setup=BY_HAND, side=way, symbol=on.symbol, bar=bar, known_ns=on.now_ns, level=price, entry_ref=price,
        stop=levels[0], targets=targets, invalidation=0.0, horizon_bars=0, anchor_ns=int(on.panel.time_ns[bar]),
        atr=_atr(on), why="by hand",
    )  # fmt: skip


def _atr(on: Rehearsal) -> float:
    """About how far a bar goes, in log prices."""
    import numpy as np

    cut = slice(max(0, on.shown - 14), on.shown)
    return max(float(np.mean(np.log(on.panel.high[cut] / on.panel.low[cut]))), 1e-6)


class Rehearsals:
    """Those of this dashboard, by id; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._open: dict[str, Rehearsal] = {}

    def keep(self, made: Rehearsal) -> None:
        """Take one in."""
        self._open[made.id] = made
        while len(self._open) > OPEN_MAX:
            del self._open[next(iter(self._open))]

    def get(self, name: str) -> Rehearsal:
        """The one of that id; raises BadInput."""
        if name not in self._open:
            raise BadInput(
                f"there is no rehearsal {name[:40]!r}: it ended with the dashboard, or was put away for newer ones"
            )
        return self._open[name]


REHEARSALS = Rehearsals()
