"""A run of the bot against the compiled backtest of the same bars: every difference in money, trade by trade.

Pairs are made by symbol, set-up, side and the time of the signal. What a pair differs in is split so that the parts sum
to it exactly: the entry price and the exit price (latency, spread, and slippage other than was reckoned with), the
quantity, fees, funding, and what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from bearskin.backtest._request import BacktestRequest, BacktestResult
from bearskin.backtest._run import run
from bearskin.backtest._symbols import BracketBook
from bearskin.engine import Declined, Ended, EngineSettings, Planned, Record, Signalled
from bearskin.market import Panel
from bearskin.risk import preset_of
from bearskin.setups import Days
from bearskin.terms import AccountNow, BadInput, BarClosed, Filled, Side, counted, dec, iso, our_id

ZERO = Decimal(0)
CENT = Decimal("0.01")
SETUP = "setup:"
PARTS = ("entry", "exit", "quantity", "fees", "funding", "other")


class Key(NamedTuple):
    """What makes a trade of the bot and one of the backtest the same."""

    signal_ns: int
    symbol: str
    setup: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One trade as either side tells it: `qty` unsigned, `gross` after slippage, net = gross - fees + funding."""

    qty: Decimal
    entry: Decimal
    exit: Decimal
    reason: str
    entry_ns: int
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One trade on both sides; `parts` sum to `difference`, which is the bot's net less that of the backtest.

    `delay_s` is market time from the signal to the bot's first fill.
    """

    key: Key
    bot: Told
    backtest: Told
    delay_s: float
    parts: Mapping[str, Decimal]

    @property
    def difference(self) -> Decimal:
        """How much more the bot made of it."""
        return self.bot.net - self.backtest.net


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A trade that only one side has, whole, and why the other has not."""

    key: Key
    told: Told
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Both sides of a run, from `start_ns` to `end_ns`. Money in the settle currency.

    `unexplained` is what the parts and the unmatched trades leave of the total difference.
    """

    start_ns: int
    end_ns: int
    equity: Decimal
    pairs: tuple[Pair, ...]
    only_bot: tuple[Unmatched, ...]
    only_backtest: tuple[Unmatched, ...]
    bot_net: Decimal
    backtest_net: Decimal
    notes: tuple[str, ...] = field(default=())

    @property
    def difference(self) -> Decimal:
        """The bot's net of all trades less that of the backtest."""
        return self.bot_net - self.backtest_net

    @property
    def parts(self) -> dict[str, Decimal]:
        """The parts of all pairs together, and the trades that only one side has."""
        sums = {name: sum((pair.parts[name] for pair in self.pairs), ZERO) for name in PARTS}
        sums["only_bot"] = sum((one.told.net for one in self.only_bot), ZERO)
        sums["only_backtest"] = -sum((one.told.net for one in self.only_backtest), ZERO)
        return sums

    @property
    def unexplained(self) -> Decimal:
        """What is left of the difference; within a cent, or something was overlooked."""
        return self.difference - sum(self.parts.values(), ZERO)

    @property
    def adds_up(self) -> bool:
        """Whether the parts sum to the difference within a cent."""
        return abs(self.unexplained) <= CENT

    def to_json(self) -> dict[str, Any]:
        """The whole comparison: money, prices and quantities as strings, times in RFC 3339."""
        return {
            "from": iso(self.start_ns),
            "to": iso(self.end_ns),
            "equity": _shown(self.equity),
            "bot_net": _shown(self.bot_net),
            "backtest_net": _shown(self.backtest_net),
            "difference": _shown(self.difference),
            "parts": {name: _shown(value) for name, value in self.parts.items()},
            "unexplained": _shown(self.unexplained),
            "adds_up": self.adds_up,
            "pairs": [
                {
                    **_key_json(pair.key),
                    "bot": _told_json(pair.bot),
                    "backtest": _told_json(pair.backtest),
                    "delay_s": pair.delay_s,
                    "difference": _shown(pair.difference),
                    "parts": {name: _shown(value) for name, value in pair.parts.items()},
                }
                for pair in self.pairs
            ],
            "only_bot": [_unmatched_json(one) for one in self.only_bot],
            "only_backtest": [_unmatched_json(one) for one in self.only_backtest],
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class _Bot:
    """What the journal tells of the bot's trades."""

    trades: dict[Key, Told] = field(default_factory=dict)
    hands: list[tuple[Key, Told]] = field(default_factory=list)
    fates: dict[Key, str] = field(default_factory=dict)
    equity: Decimal | None = None
    start_ns: int = 0
    end_ns: int = 0


def compare(
    settings: EngineSettings,
    records: Sequence[Record],
    panels: Iterable[Panel],
    brackets: BracketBook,
    days: Mapping[str, Days] = MappingProxyType({}),
) -> Parity:
    """Run the compiled backtest with a bot's `settings` over the bars (and `days`) it saw; set it against what it did.

    Raises BadInput where the records hold no bar or tell of no account yet, or nothing can be backtested.
    """
    bot = _told_by(records)
    if bot.equity is None or not bot.end_ns:
        raise BadInput("the run has seen no account or no bar yet: there is nothing to compare")
    given = list(panels)
    request = request_of(settings, bot.equity, bot.start_ns, bot.end_ns)
    compiled = run(request, given, brackets, days=days)
    return _compared(settings, bot, compiled, request)


def request_of(settings: EngineSettings, equity: Decimal, start_ns: int, end_ns: int) -> BacktestRequest:
    """A bot's settings as a request: what has no counterpart there is said in the notes of the comparison."""
    preset = preset_of(settings.preset)
    sides = {"short": (Side.SHORT,), "long": (Side.LONG,)}.get(settings.sides, (Side.SHORT, Side.LONG))
    return BacktestRequest(
        setups=settings.setups,
        sides=sides,
        equity=equity,
        risk_frac=settings.risk_frac or preset.risk_frac or Decimal("0.01"),
        heat_frac=settings.heat_frac,
        leverage=settings.leverage or preset.leverage_max,
        margin_mode=settings.margin_mode,
        preset=settings.preset,
        slippage_frac=settings.slippage_frac,
        stop_trigger=settings.stop_by,
        funding="charge",
        guards=settings.guards,
        guard_rules=settings.guard_rules,
        families_min=settings.families_min,
        entry={"market": "market", "limit": "limit"}.get(settings.entry),  # type: ignore[arg-type]
        target1_share=settings.target1_share,
        trail_atr=settings.trail_atr,
        start_ns=start_ns,
        end_ns=end_ns,
    )


def _told_by(records: Iterable[Record]) -> _Bot:
    bot = _Bot()
    plans: dict[int, Planned] = {}
    first_fill: dict[int, int] = {}
    for record in records:
        event = record.event
        if isinstance(event, AccountNow) and bot.equity is None:
            bot.equity = event.wallet
        elif isinstance(event, BarClosed):
            # the first bar whose close it heard is the first that could be acted on
            bot.start_ns = bot.start_ns or event.opened_ns + event.interval_ns
            bot.end_ns = max(bot.end_ns, event.opened_ns + event.interval_ns)
        elif isinstance(event, Filled) and (ours := our_id(event.client_id)) is not None:
            first_fill.setdefault(ours.trade, event.time_ns)
        for note in record.notes:
            if isinstance(note, Signalled):
                bot.fates[Key(note.known_ns, note.symbol, note.setup, note.side.word)] = "found live, not decided yet"
            elif isinstance(note, Planned):
                plans[note.trade] = note
                bot.fates[_key(note)] = "not ended yet"
            elif isinstance(note, Declined):
                key = Key(note.known_ns, note.symbol, note.origin.removeprefix(SETUP), note.side.word)
                detail = note.detail if note.detail.startswith("(") else f"({note.detail})" if note.detail else ""
                bot.fates[key] = f"declined live: {note.reason} {detail}".rstrip()
            elif isinstance(note, Ended) and note.trade in plans:
                _ended(bot, plans[note.trade], note, first_fill.get(note.trade, note.entered_ns))
    return bot


def _ended(bot: _Bot, plan: Planned, ended: Ended, entry_ns: int) -> None:
    key = _key(plan)
    if ended.entry is None or ended.exit is None:
        bot.fates[key] = f"not entered live: {ended.reason}"
        return
    told = Told(
        qty=abs(ended.qty),
        entry=ended.entry,
        exit=ended.exit,
        reason=ended.reason,
        entry_ns=entry_ns,
        gross=ended.gross,
        fees=ended.fees,
        funding=ended.funding,
        net=ended.net,
    )
    if plan.origin.startswith(SETUP):
        bot.trades[key] = told
    else:
        bot.hands.append((key, told))


def _key(plan: Planned) -> Key:
    return Key(plan.known_ns, plan.symbol, plan.origin.removeprefix(SETUP), plan.side.word)


def _compared(settings: EngineSettings, bot: _Bot, compiled: BacktestResult, request: BacktestRequest) -> Parity:
    theirs = {_row_key(row): _row(row) for row in compiled.trades.iter_rows(named=True)}
    declined = {_declined_key(row): str(row["reason"]) for row in compiled.declined.iter_rows(named=True)}
    ended_at_end = {_row_key(row) for row in compiled.trades.iter_rows(named=True) if row["exit_reason"] == "end"}
    pairs = [_pair(key, bot.trades[key], theirs[key]) for key in sorted(bot.trades.keys() & theirs.keys())]
    only_bot = [
        Unmatched(key=key, told=bot.trades[key], why=_why_not_compiled(declined.get(key)))
        for key in sorted(bot.trades.keys() - theirs.keys())
    ]
    only_bot += [Unmatched(key=key, told=told, why="opened by hand") for key, told in bot.hands]
    only_backtest = [
        Unmatched(key=key, told=theirs[key], why=bot.fates.get(key, "not found live: other bars, or nobody ran"))
        for key in sorted(theirs.keys() - bot.trades.keys())
    ]
    notes = list(_notes(settings))
    if ended_at_end:
        end = "ends" if len(ended_at_end) == 1 else "end"
        notes.append(f"{counted(len(ended_at_end), 'trade')} of the backtest {end} only because the bars do")
    return Parity(
        start_ns=request.start_ns or 0,
        end_ns=request.end_ns or 0,
        equity=request.equity,
        pairs=tuple(pairs),
        only_bot=tuple(only_bot),
        only_backtest=tuple(only_backtest),
        bot_net=sum((told.net for told in [*bot.trades.values(), *(told for _, told in bot.hands)]), ZERO),
        backtest_net=sum((told.net for told in theirs.values()), ZERO),
        notes=(*notes, *compiled.notes),
    )


def _why_not_compiled(reason: str | None) -> str:
    return "no such signal in the backtest" if reason is None else f"declined in the backtest: {reason}"


def _notes(settings: EngineSettings) -> Iterable[str]:
    """What the compiled backtest does not know of."""
    if settings.sides in ("auto", "none"):
        yield f"sides {settings.sides}: the backtest trades both"
    if settings.limits:
        yield "limits of the account (daily loss, drawdown, streaks) are the bot's alone"
    if settings.entry in ("chase", "ladder"):
        yield f"entries by {settings.entry}: the backtest enters as the set-up asks"
    for name in ("break_even_r", "positions_max", "equity_cap", "notional_cap", "low_volume_frac"):
        if getattr(settings, name) is not None:
            yield f"{name} is the bot's alone"
    if settings.book_wait_s:
        yield "the order book is asked by the bot alone: stored candles have no depth"
    if settings.blackout_hours or settings.calendar:
        yield "blackouts are the bot's alone"


def _pair(key: Key, bot: Told, compiled: Told) -> Pair:
    side = Side.SHORT if key.side == Side.SHORT.word else Side.LONG
    sign = int(side)
    parts = {
        "entry": -sign * bot.qty * (bot.entry - compiled.entry),
        "exit": sign * bot.qty * (bot.exit - compiled.exit),
        "quantity": sign * (bot.qty - compiled.qty) * (compiled.exit - compiled.entry),
        "fees": compiled.fees - bot.fees,
        "funding": bot.funding - compiled.funding,
    }
    parts["other"] = bot.net - compiled.net - sum(parts.values(), ZERO)
    return Pair(key=key, bot=bot, backtest=compiled, delay_s=(bot.entry_ns - key.signal_ns) / 1e9, parts=parts)


def _row_key(row: Mapping[str, Any]) -> Key:
    return Key(_ns(row["signal_time"]), row["symbol"], row["setup"], row["side"])


def _declined_key(row: Mapping[str, Any]) -> Key:
    return Key(_ns(row["time"]), row["symbol"], row["setup"], row["side"])


def _ns(moment: Any) -> int:
    seconds: float = moment.timestamp()
    return round(seconds) * 1_000_000_000  # bars close at whole seconds


def _row(row: Mapping[str, Any]) -> Told:
    return Told(
        qty=abs(dec(row["qty"])),
        entry=dec(row["entry_price"]),
        exit=dec(row["exit_price"]),
        reason=row["exit_reason"],
        entry_ns=_ns(row["entry_time"]),
        gross=dec(row["gross"]) - dec(row["slippage"]),
        fees=dec(row["fees"]),
        funding=dec(row["funding"]),
        net=dec(row["net"]),
    )


def _shown(value: Decimal) -> str:
    """Money and prices to eight digits, without trailing zeros."""
    rounded = f"{value:.8f}".rstrip("0").rstrip(".")
    return "0" if rounded in ("-0", "") else rounded


def _key_json(key: Key) -> dict[str, str]:
    return {"signal": iso(key.signal_ns), "symbol": key.symbol, "setup": key.setup, "side": key.side}


def _told_json(told: Told) -> dict[str, str]:
    out = {name: _shown(value) for name, value in asdict(told).items() if isinstance(value, Decimal)}
    return {**out, "reason": told.reason, "entered": iso(told.entry_ns)}


def _unmatched_json(one: Unmatched) -> dict[str, Any]:
    return {**_key_json(one.key), **_told_json(one.told), "why": one.why}
