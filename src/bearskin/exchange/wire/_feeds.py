"""One class for each kind of stream: what it listens to, how often it speaks and what it says.

A feed exists while somebody listens to it. Its messages are encoded once, however many listen. `period` counts beats
of `BEAT_MS` of wall time; times inside the messages are market time.
"""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar, Protocol

import msgspec

from bearskin.exchange._archive import Archive
from bearskin.exchange._candles import INTERVALS, Candle, Kind
from bearskin.exchange._rows import AggRow, Day
from bearskin.exchange._service import Service
from bearskin.exchange._state import Contract, Order
from bearskin.exchange._words import (
    AccountUpdated,
    AlgoUpdated,
    Event,
    LevelChanged,
    Listed,
    MarginCalled,
    OrderUpdated,
    SettingChanged,
    Traded,
)
from bearskin.exchange.wire._numbers import NS_PER_MS, bare, money, price_of
from bearskin.exchange.wire._shapes import DELIVERY_MS, Face, Faces
from bearskin.exchange.wire._user_events import SIDES, UserEvents
from bearskin.terms import QUOTE

Row = dict[str, Any]
BEAT_MS = 50
UM = 1  # `st`: the contract is of the USDⓈ-margined family
KLINES_AT_ONCE = 500
SOURCES: dict[str, Kind] = {"markPrice_kline": "mark", "indexPrice_kline": "index"}
_encode = msgspec.json.Encoder().encode
_by_symbol = attrgetter("symbol")
_by_account = attrgetter("account")


class Message:
    """One message of one stream as text, bare and wrapped with the stream's name; each made once."""

    __slots__ = ("_wrapped", "event", "name", "text")

    def __init__(self, name: str, row: Row | list[Row]) -> None:
        self.name = name
        self.event: str = row["e"] if isinstance(row, dict) else ""
        self.text = _encode(row).decode()
        self._wrapped: str | None = None

    @property
    def wrapped(self) -> str:
        """As combined streams send it."""
        if self._wrapped is None:
            self._wrapped = f'{{"stream":"{self.name}","data":{self.text}}}'
        return self._wrapped


class Sink(Protocol):
    """Who listens. `hear` returns at once and never raises."""

    def hear(self, message: Message) -> None:
        """Take one message."""


class Hall:
    """What all feeds of one exchange share."""

    __slots__ = ("archive", "faces", "floor", "service", "state", "touched", "user_events")

    def __init__(self, service: Service, archive: Archive) -> None:
        self.service = service
        self.archive = archive
        self.floor = service.exchange.floor
        self.state = service.exchange.state
        self.faces = Faces(self.state.markets)
        self.user_events = UserEvents(self.state, archive, self.faces)
        self.touched: dict[Feed, None] = {}

    def now_ms(self) -> int:
        """Market time."""
        return self.service.now_ns() // NS_PER_MS


class Feed:
    """One stream with those who listen to it.

    `wants` are the kinds of events it is called with, each with how to take the key from it that `key` is compared to;
    a key of None takes all.
    """

    wants: ClassVar[tuple[tuple[type[Event], Any], ...]] = ()

    def __init__(self, hall: Hall, name: str, key: str | int | None = None, period: int = 0) -> None:
        self.hall = hall
        self.name = name
        self.key = key
        self.period = period
        self.fresh = True
        self.listeners: dict[Sink, None] = {}

    def tell(self, row: Row | list[Row]) -> None:
        """Send a message to all who listen."""
        message = Message(self.name, row)
        for listener in self.listeners:
            listener.hear(message)

    def join(self, listener: Sink) -> None:
        """Somebody new listens: the next beat speaks even if nothing has changed."""
        self.listeners[listener] = None
        self.fresh = True

    def on(self, event: Any) -> None:
        """One event of those it wants."""

    def flush(self) -> None:
        """The batch of events is over; called when it put itself on `hall.touched`."""

    def beat(self) -> None:
        """Its period has passed."""


# --- books -----------------------------------------------------------------------------------------------------------


class DepthFeed(Feed):
    """Changes of the book since the last message.

    `pu` is the last message's `u`, and `U` repeats it: quantities are absolute, so an overlap of one does no harm, and
    a client that took its snapshot while the book stood still finds the first message that `U <= lastUpdateId <= u`
    promises it.
    """

    wants = ((LevelChanged, _by_symbol),)

    def __init__(self, hall: Hall, name: str, symbol: str, period: int) -> None:
        super().__init__(hall, name, symbol, period)
        self.symbol = symbol
        self.told_id = hall.state.markets[symbol].update_id
        self.update_id = self.told_id
        self.time_ns = 0
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def on(self, event: LevelChanged) -> None:
        if event.side > 0:
            self.bids[event.price] = event.qty
        else:
            self.asks[event.price] = event.qty
        self.update_id = event.update_id
        self.time_ns = event.time_ns

    def beat(self) -> None:
        if self.update_id == self.told_id:
            return
        face = self.hall.faces[self.symbol]
        row: Row = {
            "e": "depthUpdate",
            "E": self.hall.now_ms(),
            "T": self.time_ns // NS_PER_MS,
            "s": self.symbol,
            "ps": self.symbol,
            "U": self.told_id,
            "u": self.update_id,
            "pu": self.told_id,
            "b": levels_shown(sorted(self.bids.items()), face),
            "a": levels_shown(sorted(self.asks.items()), face),
            "st": UM,
        }
        self.told_id = self.update_id
        self.bids, self.asks = {}, {}
        self.tell(row)


class PartialFeed(Feed):
    """The best levels of the book, whenever it has changed."""

    def __init__(self, hall: Hall, name: str, symbol: str, period: int, levels: int) -> None:
        super().__init__(hall, name, symbol, period)
        self.symbol = symbol
        self.levels = levels
        self.told_id = hall.state.markets[symbol].update_id

    def beat(self) -> None:
        hall = self.hall
        update_id = hall.state.markets[self.symbol].update_id
        if update_id == self.told_id and not self.fresh:
            return
        book = hall.floor.books[self.symbol]
        face = hall.faces[self.symbol]
        now_ms = hall.now_ms()
        row: Row = {
            "e": "depthUpdate",
            "E": now_ms,
            "T": hall.state.time_ns // NS_PER_MS,
            "s": self.symbol,
            "ps": self.symbol,
            "U": self.told_id,
            "u": update_id,
            "pu": self.told_id,
            "b": levels_shown(book.levels(1, self.levels), face),
            "a": levels_shown(book.levels(-1, self.levels), face),
            "st": UM,
        }
        self.told_id = update_id
        self.fresh = False
        self.tell(row)


class BookTickerFeed(Feed):
    """Best bid and ask: of a symbol whenever one of them has changed, of all symbols with each beat.

    Who joins is told how they stand at the next beat, so that a book at rest keeps nobody waiting.
    """

    wants = ((LevelChanged, _by_symbol),)

    def __init__(self, hall: Hall, name: str, symbol: str | None, period: int) -> None:
        super().__init__(hall, name, symbol, period)
        self.told: dict[str, tuple[str, ...]] = {}
        self.changed: dict[str, int] = {}

    def join(self, listener: Sink) -> None:
        super().join(listener)
        markets = self.hall.state.markets
        for symbol in [self.key] if isinstance(self.key, str) else markets:
            self.told.pop(symbol, None)
            self.changed[symbol] = self.hall.state.time_ns

    def on(self, event: LevelChanged) -> None:
        self.changed[event.symbol] = event.time_ns
        if self.key is not None:
            self.hall.touched[self] = None

    def flush(self) -> None:
        changed, self.changed = self.changed, {}
        now_ms = self.hall.now_ms()
        for symbol, time_ns in changed.items():
            top = self._top(symbol)
            if top == self.told.get(symbol):
                continue
            self.told[symbol] = top
            bid, bid_qty, ask, ask_qty = top
            row: Row = {
                "e": "bookTicker",
                "u": self.hall.state.markets[symbol].update_id,
                "s": symbol,
                "ps": symbol,
                "b": bid,
                "B": bid_qty,
                "a": ask,
                "A": ask_qty,
                "T": time_ns // NS_PER_MS,
                "E": now_ms,
                "st": UM,
            }
            self.tell(row)

    beat = flush

    def _top(self, symbol: str) -> tuple[str, ...]:
        book = self.hall.floor.books[symbol]
        face = self.hall.faces[symbol]
        top: list[str] = []
        for side in (1, -1):
            levels = book.levels(side, 1)
            top += levels_shown(levels, face)[0] if levels else ["0", "0"]
        return tuple(top)


# --- trades ----------------------------------------------------------------------------------------------------------


class TradeFeed(Feed):
    """Every trade."""

    wants = ((Traded, _by_symbol),)

    def on(self, event: Traded) -> None:
        face = self.hall.faces[event.symbol]
        row: Row = {
            "e": "trade",
            "E": self.hall.now_ms(),
            "T": event.time_ns // NS_PER_MS,
            "s": event.symbol,
            "ps": event.symbol,
            "t": event.trade_id,
            "p": face.prices.show(event.price),
            "q": face.qtys.show(event.qty),
            "X": "MARKET",
            "m": event.buyer_is_maker,
            "st": UM,
        }
        self.tell(row)


class AggTradeFeed(Feed):
    """The trades of one taker order at one price as one."""

    wants = ((Traded, _by_symbol),)

    def __init__(self, hall: Hall, name: str, symbol: str) -> None:
        super().__init__(hall, name, symbol)
        self.symbol = symbol
        rows = hall.archive.agg_trades(symbol, 1)
        self.told_id = rows[-1].id if rows else 0

    def on(self, event: Traded) -> None:  # noqa: ARG002 - what traded is read from the archive
        self.hall.touched[self] = None

    def flush(self) -> None:
        face = self.hall.faces[self.symbol]
        now_ms = self.hall.now_ms()
        for agg in self.hall.archive.agg_trades(self.symbol, 100_000, self.told_id + 1):
            self.told_id = agg.id
            self.tell(agg_row(agg, face, now_ms))


def agg_row(agg: AggRow, face: Face, now_ms: int) -> Row:
    """An aggregate trade."""
    qty = face.qtys.show(agg.qty)
    return {
        "e": "aggTrade",
        "E": now_ms,
        "s": face.symbol,
        "a": agg.id,
        "p": face.prices.show(agg.price),
        "q": qty,
        "nq": qty,
        "f": agg.first_id,
        "l": agg.last_id,
        "T": agg.time_ns // NS_PER_MS,
        "m": agg.buyer_is_maker,
        "st": UM,
    }


class ForcedFeed(Feed):
    """Liquidation orders: of a symbol the largest of each second."""

    wants = ((OrderUpdated, attrgetter("order.symbol")),)

    def __init__(self, hall: Hall, name: str, symbol: str | None, period: int) -> None:
        super().__init__(hall, name, symbol, period)
        self.largest: dict[str, Order] = {}

    def on(self, event: OrderUpdated) -> None:
        order = event.order
        if order.origin != "LIQUIDATION" or not order.filled_steps or order.status in ("NEW", "PARTIALLY_FILLED"):
            return
        known = self.largest.get(order.symbol)
        if known is None or order.quote > known.quote:
            self.largest[order.symbol] = order

    def beat(self) -> None:
        if not self.largest:
            return
        largest, self.largest = self.largest, {}
        now_ms = self.hall.now_ms()
        for order in largest.values():
            told = forced_row(order, self.hall.faces[order.symbol])
            self.tell({"e": "forceOrder", "E": now_ms, "o": told, "ps": order.symbol, "st": UM})


def forced_row(order: Order, face: Face) -> Row:
    """A liquidation order."""
    filled = face.qtys.text(order.filled_steps)
    return {
        "s": order.symbol,
        "S": SIDES[order.side],
        "o": order.type,
        "f": order.tif,
        "q": face.qtys.text(order.qty_steps),
        "p": face.prices.text(order.price_ticks),
        "ap": price_of(QUOTE.divide(order.quote, face.qtys.number(order.filled_steps))),
        "X": order.status,
        "l": filled,
        "z": filled,
        "T": order.updated_ns // NS_PER_MS,
    }


# --- prices ----------------------------------------------------------------------------------------------------------


class MarkFeed(Feed):
    """Mark, index and funding of a symbol; of all symbols as one list."""

    def __init__(self, hall: Hall, name: str, symbol: str | None, period: int) -> None:
        super().__init__(hall, name, symbol, period)
        self.symbol = symbol

    def beat(self) -> None:
        now_ms = self.hall.now_ms()
        if self.symbol is not None:
            row = self._row(self.symbol, now_ms)
            if row is not None:
                self.tell(row)
            return
        rows = [row for row in (self._row(symbol, now_ms) for symbol in self.hall.state.markets) if row is not None]
        if rows:
            self.tell(rows)

    def _row(self, symbol: str, now_ms: int) -> Row | None:
        marked = self.hall.archive.mark(symbol)
        if marked is None:
            return None
        return {
            "e": "markPriceUpdate",
            "E": now_ms,
            "s": symbol,
            "p": money(marked.mark),
            "ap": money(marked.average),
            "i": money(marked.index),
            "P": money(marked.settle_estimate),
            "r": money(marked.rate),
            "T": marked.next_funding_ns // NS_PER_MS,
            "st": UM,
        }


class KlineFeed(Feed):
    """The running candle whenever it changes, and every candle once more when it closes."""

    def __init__(self, hall: Hall, name: str, symbol: str, period: int, interval: str, kind: str) -> None:
        super().__init__(hall, name, symbol, period)
        self.symbol = symbol
        self.interval = INTERVALS[interval]
        self.kind = kind
        self.source = SOURCES.get(kind, "trade")
        self.open_ms: int | None = None
        self.seen: tuple[int, ...] = ()

    def beat(self) -> None:
        hall = self.hall
        now_ms = hall.now_ms()
        place = self.interval.place(now_ms)
        seen = (place, *hall.archive.pulse(self.symbol, self.source))
        if seen == self.seen and not self.fresh:
            return
        rows = hall.archive.candles(
            self.symbol,
            self.interval.name,
            kind=self.source,
            start_ms=self.open_ms,
            limit=1 if self.open_ms is None else KLINES_AT_ONCE,
            now_ms=now_ms,
        )
        self.seen, self.fresh = seen, False
        for candle in rows:
            self.open_ms = candle.open_ms
            self._tell_candle(candle, now_ms, self.interval.place(candle.open_ms) < place)

    def _tell_candle(self, candle: Candle, now_ms: int, closed: bool) -> None:
        price, qty = self.hall.archive.digits(self.symbol, self.source)
        paid, coins, value = f".{price}f", f".{qty if self.source == 'trade' else 0}f", f".{min(8, price + qty)}f"
        if self.source != "trade":
            value = ".0f"
        close_ms = self.interval.open_ms(self.interval.place(candle.open_ms) + 1) - 1
        told: Row = {"t": candle.open_ms, "T": close_ms}
        if self.kind != "continuous_kline":
            told["s"] = self.symbol
        told |= {
            "i": self.interval.name,
            "f": candle.first_id if self.source == "trade" else 0,
            "L": candle.last_id if self.source == "trade" else 0,
            "o": format(candle.open, paid),
            "c": format(candle.close, paid),
            "h": format(candle.high, paid),
            "l": format(candle.low, paid),
            "v": format(candle.volume, coins),
            "n": candle.count,
            "x": closed,
            "q": format(candle.quote, value),
            "V": format(candle.buy_volume, coins),
            "Q": format(candle.buy_quote, value),
            "B": "0",
        }
        row: Row = {"e": self.kind, "E": now_ms}
        if self.kind == "continuous_kline":
            row |= {"ps": self.symbol, "ct": "PERPETUAL"}
        elif self.kind == "kline":
            row["s"] = self.symbol
        else:
            row["ps"] = self.symbol
        row |= {"k": told, "st": UM}
        self.tell(row)


class TickerFeed(Feed):
    """The last 24 hours of a symbol, short or long, when something has traded; of all symbols as one list."""

    def __init__(self, hall: Hall, name: str, symbol: str | None, period: int, *, mini: bool) -> None:
        super().__init__(hall, name, symbol, period)
        self.symbols = [symbol] if symbol is not None else None
        self.shape = mini_row if mini else ticker_row
        self.seen: dict[str, tuple[int, ...]] = {}

    def beat(self) -> None:
        hall = self.hall
        if self.fresh:
            self.seen = {}
            self.fresh = False
        now_ms = hall.now_ms()
        rows: list[Row] = []
        for symbol in self.symbols if self.symbols is not None else hall.state.markets:
            pulse = hall.archive.pulse(symbol, "trade")
            if pulse == self.seen.get(symbol):
                continue
            self.seen[symbol] = pulse
            rows.append(self.shape(hall.archive.day(symbol, now_ms), hall.faces[symbol], now_ms))
        if rows:
            self.tell(rows if self.symbols is None else rows[0])


def mini_row(day: Day, face: Face, now_ms: int) -> Row:
    """The last 24 hours, short."""
    prices = face.prices.show
    return {
        "e": "24hrMiniTicker",
        "E": now_ms,
        "s": day.symbol,
        "ps": day.symbol,
        "c": prices(day.last),
        "o": prices(day.open),
        "h": prices(day.high),
        "l": prices(day.low),
        "v": face.qtys.show(day.volume),
        "q": bare(day.quote),
        "st": UM,
    }


def ticker_row(day: Day, face: Face, now_ms: int) -> Row:
    """The last 24 hours, long."""
    prices = face.prices.show
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": day.symbol,
        "ps": day.symbol,
        "p": prices(day.change),
        "P": format(day.change_rate * 100, ".3f"),
        "w": prices(day.average),
        "c": prices(day.last),
        "Q": face.qtys.show(day.last_qty),
        "o": prices(day.open),
        "h": prices(day.high),
        "l": prices(day.low),
        "v": face.qtys.show(day.volume),
        "q": bare(day.quote),
        "O": day.open_ms,
        "C": day.close_ms,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.count,
        "st": UM,
    }


# --- contracts and accounts ------------------------------------------------------------------------------------------


class ContractFeed(Feed):
    """Contracts as they are listed, changed, opened or halted, with their brackets."""

    wants = ((Listed, _by_symbol),)

    def on(self, event: Listed) -> None:
        contract = self.hall.state.markets[event.symbol].contract
        self.tell(contract_row(contract, event.status, self.hall.now_ms()))


def contract_row(contract: Contract, status: str, now_ms: int) -> Row:
    """A contract and its brackets."""
    rows = contract.brackets
    return {
        "e": "contractInfo",
        "E": now_ms,
        "s": contract.symbol,
        "ps": contract.symbol,
        "ct": "PERPETUAL",
        "dt": DELIVERY_MS,
        "ot": contract.onboard_ns // NS_PER_MS,
        "cs": status,
        "bks": [
            {
                "bs": place,
                "bnf": int(row.floor),
                "bnc": int(row.cap),
                "mmr": float(row.mmr),
                "cf": int(row.cum),
                "mi": rows[place].max_leverage + 1 if place < len(rows) else 1,
                "ma": row.max_leverage,
            }
            for place, row in enumerate(rows, 1)
        ],
        "st": UM,
    }


class PrivateFeed(Feed):
    """What one account is told of itself; its name is the listen key."""

    wants = (
        (OrderUpdated, attrgetter("order.account")),
        (AlgoUpdated, attrgetter("algo.account")),
        (AccountUpdated, _by_account),
        (MarginCalled, _by_account),
        (SettingChanged, _by_account),
    )

    def on(self, event: Event) -> None:
        for row in self.hall.user_events.rows(event, self.hall.now_ms()):
            self.tell(row)


def levels_shown(levels: list[tuple[Decimal, Decimal]], face: Face) -> list[list[str]]:
    """Prices and quantities as text; they lie on the contract's grids, so nothing is rounded."""
    price, qty = f".{face.prices.digits}f", f".{face.qtys.digits}f"
    return [[format(at, price), format(resting, qty)] for at, resting in levels]
