"""The bell of a running bot: looks whether a rule of the owner's has come true, and tells who listens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bearskin.app._home import Home
from bearskin.app._house import House
from bearskin.app._rules import Rang, Rule, RuleBook, rang_rule, read_rules, rules_stamp, shown_value
from bearskin.app._watch import Watch
from bearskin.engine import Record, Signalled, Warned
from bearskin.terms import SECOND_NS, AnyEvent, BadInput, Brackets, Marked, Pulse, iso, parse_time

if TYPE_CHECKING:
    from bearskin.app._bot import Bot

LOOK_S: Final = 0.25
KIND: Final = "rule"  # of the warning that a rule rang
logger = logging.getLogger("bearskin.app")
Told = Callable[[int, Record], None]
Subscribe = Callable[[Told], Callable[[], None]]
Clocks = Callable[[], tuple[int, int]]


@dataclass(slots=True, kw_only=True)
class Bell:
    """Rings for the rules of a home while a bot runs. `tell` are those who hear it as they hear the audit stream.

    A rule rings when it becomes true, and after a restart when it still is; a price that only touched between two looks
    counts. `clocks` are market and wall time.
    """

    home: Home
    watch: Watch
    brackets: Mapping[str, Brackets | None]
    clocks: Clocks
    tell: list[Told] = field(default_factory=list)
    _book: RuleBook = field(default_factory=RuleBook)
    _stamp: tuple[int, int] = (-1, -1)
    _extremes: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    _signals: list[Signalled] = field(default_factory=list)
    _holding: set[tuple[str, str]] = field(default_factory=set)
    _rang_wall_ns: dict[tuple[str, str], int] = field(default_factory=dict)
    _kept_wall_ns: dict[str, int] = field(default_factory=dict)  # when a rule rang in an earlier life

    def heard(self, event: AnyEvent) -> None:
        """Take in a price: the lowest and the highest mark since the last look are kept."""
        if isinstance(event, Marked):
            low, high = self._extremes.get(event.symbol, (event.mark, event.mark))
            self._extremes[event.symbol] = (min(low, event.mark), max(high, event.mark))

    def told(self, sequence: int, record: Record) -> None:  # noqa: ARG002 - the signature of a subscriber
        """Take in a record of the audit stream: set-ups that were found."""
        self._signals += [note for note in record.notes if isinstance(note, Signalled)]

    def also(self, subscribe: Subscribe) -> Subscribe:
        """`subscribe`, with what rings told to the same listeners as if it stood in the audit stream."""

        def both(told: Told) -> Callable[[], None]:
            self.tell.append(told)
            end = subscribe(told)

            def ended() -> None:
                self.tell.remove(told)
                end()

            return ended

        return both

    def look(self) -> list[Rang]:
        """What rings now; everybody is told, and it is left to the caller to keep it."""
        self._read()
        extremes, self._extremes = self._extremes, {}
        signals, self._signals = self._signals, []
        time_ns, wall_ns = self.clocks()
        found: list[Rang] = []
        positions: list[dict[str, Any]] | None = None
        for rule in self._book.rules:
            if not rule.on:
                continue
            if rule.about in ("margin-ratio", "liquidation-distance") and positions is None:
                positions = self.watch.state(wall_ns)["positions"]
            hits = self._hits(rule, extremes, signals, positions or [])
            for symbol, text in self._rings(rule, hits, wall_ns):
                found.append(Rang(at=iso(wall_ns), rule=rule.id, symbol=symbol, text=text, urgent=rule.urgent))
        for rang in found:
            self._say(rang, time_ns, wall_ns)
        return found

    def _rings(self, rule: Rule, hits: Iterator[tuple[str, bool, str]], wall_ns: int) -> Iterator[tuple[str, str]]:
        """Symbol and words of what the rule has to say now; the pause is one of each symbol."""
        for symbol, true, words in hits:
            key = (rule.id, symbol)
            if not true:
                self._holding.discard(key)
                continue
            if key in self._holding and rule.about != "setup":
                continue
            last_ns = self._rang_wall_ns.get(key, self._kept_wall_ns.get(rule.id, 0))
            if wall_ns - last_ns < rule.pause_s * SECOND_NS and rule.often == "always":
                continue  # it is not held yet: once the pause is over it rings, if it still is so
            self._holding.add(key)
            self._rang_wall_ns[key] = wall_ns
            yield symbol, f"{symbol} {words}" + (f" ({rule.note})" if rule.note else "")
            if rule.often == "once":
                return

    def _hits(
        self,
        rule: Rule,
        extremes: Mapping[str, tuple[Decimal, Decimal]],
        signals: list[Signalled],
        positions: list[dict[str, Any]],
    ) -> Iterator[tuple[str, bool, str]]:
        """(symbol, whether the rule is true there, in which words) for each symbol that it can be said of."""
        above = rule.compare == "above"
        if rule.about == "setup":
            for note in signals:
                fits = note.setup == rule.setup or not rule.setup
                if fits and rule.symbol in ("", note.symbol) and rule.side in ("", note.side.word):
                    yield note.symbol, True, f"{note.side.word} set-up {note.setup}: {note.why}"
            return
        for symbol, value, words in self._values(rule, extremes, positions, above):
            assert rule.value is not None
            true = value >= rule.value if above else value <= rule.value
            limit = shown_value(rule.about, rule.value)
            yield symbol, true, f"{words} is {shown_value(rule.about, _short(value))}, {rule.compare} {limit}"

    def _values(
        self,
        rule: Rule,
        extremes: Mapping[str, tuple[Decimal, Decimal]],
        positions: list[dict[str, Any]],
        above: bool,
    ) -> Iterator[tuple[str, Decimal, str]]:
        if rule.about in ("price", "funding"):
            for symbol, told in self.watch.prices.items():
                if rule.symbol not in ("", symbol):
                    continue
                if rule.about == "funding" and told.rate is not None:
                    yield symbol, told.rate, "funding rate"
                elif rule.about == "price" and told.mark is not None:
                    low, high = extremes.get(symbol, (told.mark, told.mark))
                    yield symbol, high if above else low, "mark price"
            return
        for one in positions:
            if rule.symbol not in ("", one["symbol"]) or not Decimal(one["qty"]):
                continue
            if rule.about == "liquidation-distance":
                if one["liquidation_frac"] is not None:
                    yield one["symbol"], Decimal(one["liquidation_frac"]), "the way to liquidation"
            else:
                ratio = position_ratio(one, self.brackets.get(one["symbol"]))
                if ratio is not None:
                    yield one["symbol"], ratio, "the margin ratio"

    def _read(self) -> None:
        stamp = rules_stamp(self.home)
        if stamp == self._stamp:
            return
        first, self._stamp = self._stamp == (-1, -1), stamp
        before = {rule.id: rule for rule in self._book.rules}
        try:
            self._book = read_rules(self.home)
        except BadInput as error:
            logger.warning("alert rules: %s", error)
            return
        for rule in self._book.rules:
            if rule.rang_at and first:
                self._kept_wall_ns[rule.id] = parse_time(rule.rang_at)
            old = before.get(rule.id)
            if old is not None and (old.value, old.compare, old.symbol, old.on) != (
                rule.value,
                rule.compare,
                rule.symbol,
                rule.on,
            ):
                self._holding = {key for key in self._holding if key[0] != rule.id}

    def _say(self, rang: Rang, time_ns: int, wall_ns: int) -> None:
        note = Warned(
            time_ns=time_ns,
            wall_ns=wall_ns,
            kind=KIND,
            symbol=rang.symbol,
            text=rang.text,
            severity="critical" if rang.urgent else "warning",
        )
        record = Record(Pulse(time_ns=time_ns, wall_ns=wall_ns), (note,))
        for told in list(self.tell):
            told(self.watch.sequence, record)


def position_ratio(one: Mapping[str, Any], brackets: Brackets | None) -> Decimal | None:
    """Maintenance over what is left of the margin, of a position as the bot's state tells it; 1 is liquidation.

    What is left follows from the liquidation price, where it equals maintenance; None where that or the brackets are
    not known. For cross it is that of a position alone in its wallet, as its liquidation price is.
    """
    from bearskin import margin

    if brackets is None or one["liquidation_price"] is None or one["mark"] is None:
        return None
    qty, mark, end = (Decimal(one[name]) for name in ("qty", "mark", "liquidation_price"))
    tiers = margin.tiers_of(brackets, Decimal)
    left = margin.maintenance(tiers, margin.notional(qty, end)) + qty * (mark - end)
    return margin.maintenance(tiers, margin.notional(qty, mark)) / left if left > 0 else Decimal(1)


def bell_of(house: House, bot: Bot) -> Bell:
    """The bell of a bot, which hears its prices and set-ups and is heard by who watches it."""
    brackets = {symbol: found for symbol, (_, found) in bot.instruments.items()}
    bell = Bell(home=house.home, watch=bot.watch, brackets=brackets, clocks=bot.clocks)
    bell.tell.append(bot.watch.told)
    bot.watch.listeners.append(bell.heard)
    bot.runner.subscribe(bell.told)
    return bell


@contextlib.asynccontextmanager
async def ringing(bell: Bell) -> AsyncIterator[Bell]:
    """The bell at work until the context ends; what rang is kept in the home."""

    async def work() -> None:
        while True:
            try:
                for rang in bell.look():
                    await asyncio.to_thread(rang_rule, bell.home, rang)
            except BadInput as error:
                logger.warning("alert rules: %s", error)
            except Exception:
                logger.exception("alert rules: a look failed")
            await asyncio.sleep(LOOK_S)

    task = asyncio.ensure_future(work())
    try:
        yield bell
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _short(value: Decimal) -> Decimal:
    return Decimal(f"{value:.6g}") if value else value
