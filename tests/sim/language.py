"""The little language scenarios are told in, and what runs them.

A line is an act, or after `->` what must be so now; several claims are parted by semicolons. Acts:

    market ETHUSDT tick 0.01 step 0.001 brackets steep taker 0.0005 clearance 0.01 protect 0.05
    fund deposit 500                          the insurance fund
    alice deposit 1000
    alice sell 1 BTCUSDT @ 10000 x10 isolated   fills at that price against the desk; also: long, short, reduce
    alice offers 1 BTCUSDT @ 10500 reduce as t1  rests (bids to buy)
    alice buy 1 BTCUSDT market reduce           takes what rests
    alice stop buy 1 BTCUSDT at 10500 by mark protect reduce as s1     (target: take profit; `all` closes the position)
    alice hedge mode | alice adds 50 to BTCUSDT | alice cancels t1 | alice countdown BTCUSDT 5s
    mark floats
    mark 10680 | index 10500 | last 12000 | funding -0.03 | wait 5s     of BTCUSDT, or named: mark ETHUSDT 500

Claims: `alice liquidated` (also with `: equity 20 < maintenance 42.72`), `nobody liquidated`, `alice short 1`,
`alice flat`, `alice wallet 700`, `alice margin 100`, `alice free 0`, `alice liquidation price 10956.17`,
`alice deleveraged 1 at 11000`, `alice t1 open` (filled, expired, canceled, triggered, finished, rejected),
`insurance 0`, `refused -4118`, `alice liquidated before bob`, `last 10500`, `all accounts sum to 0`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from model.auditor import Auditor
from model.margins import tax
from sim.desk import ZERO, Desk, refused

from bearskin.exchange import _figures
from bearskin.exchange._words import (
    AddMargin,
    AlgoUpdated,
    Cancel,
    CancelAlgo,
    Deleveraged,
    Event,
    Liquidating,
    OrderUpdated,
    PlaceAlgo,
    Refused,
    SetCountdown,
)
from bearskin.terms import SECOND_NS

BRACKETS: dict[str, list[list[Any]]] = {
    "flat": [["0", "1000000000000", "0.004", 125, "0"]],
    "low": [
        ["0", "20000", "0.004", 100, "0"],
        ["20000", "100000", "0.01", 50, "120"],
        ["100000", "10000000", "0.05", 10, "4120"],
    ],
    "steep": [
        ["0", "5000", "0.01", 50, "0"],
        ["5000", "30000", "0.025", 20, "75"],
        ["30000", "10000000", "0.1", 5, "2325"],
    ],
}
BRACKETS["2026.9"] = [
    [*row[:3], 200, row[4]]
    for row in json.loads((Path(__file__).parents[1] / "golden" / "brackets.json").read_text())["2026.9"]["rows"]
]
ACTS: list[tuple[re.Pattern[str], str]] = []
CLAIMS: list[tuple[re.Pattern[str], str]] = []
N = r"-?[\d.]+"
REST = r"(?P<more>.*)"
TOLD = re.compile(r"(->|[a-z]+ )")  # what begins with a capital is said to the reader


def line(pattern: str, table: list[tuple[re.Pattern[str], str]]) -> Callable[[Any], Any]:
    """Enter a method of World as what a line of this form does."""

    def enter(method: Any) -> Any:
        table.append((re.compile(pattern + r"\s*"), method.__name__))
        return method

    return enter


class World(Desk):
    """A desk that understands the language; the auditor looks after every command."""

    def __init__(self) -> None:
        super().__init__()
        self.auditor = Auditor(self.exchange)
        self.window: list[Event] = []
        self.surprise: Refused | None = None  # a refusal that no claim has spoken of
        self.named: dict[tuple[str, str], tuple[str, int]] = {}
        self.figures: dict[str, tuple[Decimal, Decimal]] = {}
        self.market_named("BTCUSDT", "")

    def do(self, kind: Any, **words: Any) -> list[Event]:
        self.auditor.before(kind(time_ns=self.now_ns, **words))
        events = super().do(kind, **words)
        self.window += events
        self.surprise = self.surprise or refused(events)
        self.auditor.follow(kind(time_ns=self.now_ns, **words), events)
        if not refused(events):
            self.auditor.step()
        return events

    def run(self, story: str) -> None:
        """Carry out a story line by line; an AssertionError names the line."""
        claimed = False
        lines = (part.strip() for part in story.splitlines())
        for text in filter(TOLD.match, lines):
            try:
                if text.startswith("->"):
                    for claim in text[2:].split(";"):
                        self._find(claim.strip(), CLAIMS)
                    claimed = True
                else:
                    assert self.surprise is None, f"refused before this: {self.surprise}"
                    if claimed:
                        self.window, claimed = [], False
                    self._find(text, ACTS)
            except AssertionError as fault:
                raise AssertionError(f"{text}\n{fault}") from fault
        assert self.surprise is None, f"refused: {self.surprise}"
        self.auditor.audit()

    def _find(self, text: str, table: list[tuple[re.Pattern[str], str]]) -> None:
        for pattern, method in table:
            found = pattern.fullmatch(text)
            if found is not None:
                getattr(self, method)(**found.groupdict())
                return
        raise AssertionError(f"nobody understands {text!r}")

    # --- acts --------------------------------------------------------------------------------------------------------

    @line(rf"market (?P<symbol>\w+){REST}", ACTS)
    def market_named(self, symbol: str, more: str) -> None:
        words = dict(zip(*[iter(more.split())] * 2, strict=True))
        names = {"taker": "taker_fee_rate", "clearance": "liquidation_fee_rate", "protect": "trigger_protect"}
        terms = {names[word]: value for word, value in words.items() if word in names}
        grid = (words.get("tick", "0.1"), words.get("step", "0.001"))
        self.list(symbol, *grid, BRACKETS[words.get("brackets", "flat")], **terms)

    @line(rf"(?P<who>\w+) deposit (?P<amount>{N})( USDT)?", ACTS)
    def deposits(self, who: str, amount: str) -> None:
        self.deposit(who, amount)

    @line(r"(?P<who>\w+) hedge mode", ACTS)
    def hedges(self, who: str) -> None:
        self.dual(who)

    @line(rf"(?P<who>\w+) (?P<way>sell|buy|offers|bids) (?P<qty>{N}) (?P<symbol>\w+) @ (?P<price>{N}){REST}", ACTS)
    def trades(self, who: str, way: str, qty: str, symbol: str, price: str, more: str) -> None:
        words = self._words(who, symbol, more)
        side = -1 if way in ("sell", "offers") else 1
        if self.market(symbol).mark is None:
            self.mark(symbol, price)
        name = words.pop("name")
        if way in ("sell", "buy"):
            assert not refused(self.trade(who, symbol, side, qty, price, **words)), self.events
            return
        self.place(who, symbol, side, qty, price=Decimal(price), client_id=name, **words)
        self._name(who, name)

    @line(rf"(?P<who>\w+) (?P<way>sell|buy) (?P<qty>{N}) (?P<symbol>\w+) market{REST}", ACTS)
    def takes(self, who: str, way: str, qty: str, symbol: str, more: str) -> None:
        words = self._words(who, symbol, more)
        self.place(who, symbol, -1 if way == "sell" else 1, qty, client_id=words.pop("name"), **words)

    @line(
        rf"(?P<who>\w+) (?P<kind>stop|target) (?P<way>sell|buy) (?P<qty>{N}|all) (?P<symbol>\w+) at (?P<price>{N})"
        rf"{REST}",
        ACTS,
    )
    def stops(self, who: str, kind: str, way: str, qty: str, symbol: str, price: str, more: str) -> None:
        words = self._words(who, symbol, more)
        name = words.pop("name")
        self.do(
            PlaceAlgo, account=self.who(who), symbol=symbol, side=-1 if way == "sell" else 1,
            type="STOP_MARKET" if kind == "stop" else "TAKE_PROFIT_MARKET", trigger_price=Decimal(price),
            qty=None if qty == "all" else Decimal(qty), close_position=qty == "all", by_mark="by mark" in more,
            price_protect="protect" in more, client_id=name, **words,
        )  # fmt: skip
        self._name(who, name)

    def _words(self, who: str, symbol: str, more: str) -> dict[str, Any]:
        leverage = re.search(r"\bx(\d+)", more)
        isolated = True if "isolated" in more else False if "cross" in more else None
        self.who(who)
        self.settings(who, symbol, int(leverage[1]) if leverage else None, isolated)
        words: dict[str, Any] = {"name": "", "reduce_only": bool(re.search(r"\breduce\b", more))}
        for side in ("long", "short"):
            if re.search(rf"\b{side}\b", more):
                words["position_side"] = side.upper()
        named = re.search(r"\bas (\w+)", more)
        if named:
            words["name"] = named[1]
        return words

    def _name(self, who: str, name: str) -> None:
        for event in self.events:
            if isinstance(event, OrderUpdated) and event.order.client_id == name and name:
                self.named[who, name] = ("order", event.order.id)
            if isinstance(event, AlgoUpdated) and event.algo.client_id == name and name:
                self.named[who, name] = ("algo", event.algo.id)

    @line(rf"(?P<who>\w+) adds (?P<amount>{N}) to (?P<symbol>\w+)", ACTS)
    def adds(self, who: str, amount: str, symbol: str) -> None:
        self.do(
            AddMargin, account=self.who(who), symbol=symbol, position_side="BOTH", amount=Decimal(amount)
        )  # fmt: skip

    @line(r"(?P<who>\w+) cancels (?P<name>\w+)", ACTS)
    def cancels(self, who: str, name: str) -> None:
        kind, number = self.named[who, name]
        if kind == "algo":
            self.do(CancelAlgo, account=self.who(who), algo_id=number)
        else:
            symbol = self.exchange.state.orders[number].symbol
            self.do(Cancel, account=self.who(who), symbol=symbol, order_id=number)

    @line(r"(?P<who>\w+) countdown (?P<symbol>\w+) (?P<seconds>\d+)s", ACTS)
    def counts_down(self, who: str, symbol: str, seconds: str) -> None:
        self.must(SetCountdown, account=self.who(who), symbol=symbol, after_ns=int(seconds) * SECOND_NS)

    @line(rf"(?P<what>mark|index|last|funding)( (?P<symbol>[A-Z]\w+))? (?P<price>{N})", ACTS)
    def moves(self, what: str, symbol: str | None, price: str) -> None:
        symbol = symbol or "BTCUSDT"
        if what == "mark":
            self._weigh(symbol, Decimal(price))
        act = {"mark": self.mark, "index": self.index, "last": self.print_last, "funding": self.fund_rate}[what]
        act(symbol, price)

    @line(r"wait (?P<seconds>\d+)s", ACTS)
    def waits(self, seconds: str) -> None:
        self.wait(int(seconds))

    @line(r"mark( (?P<symbol>[A-Z]\w+))? floats", ACTS)
    def floats(self, symbol: str | None) -> None:
        self.mark(symbol or "BTCUSDT", None)

    def _weigh(self, symbol: str, mark: Decimal) -> None:
        """What everyone is worth and must have once the mark is there."""
        self.figures = {}
        for name, number in self.people.items():
            account = self.exchange.state.accounts[number]
            equity, due = self.balance(account.wallet_name), ZERO
            for position in account.positions.values():
                market = self.market(position.symbol)
                price = mark if position.symbol == symbol else market.mark
                assert price is not None
                setting = account.settings.get(position.symbol)
                if setting is not None and setting.isolated:
                    equity = self.balance(position.margin_name)
                equity += position.qty * price - position.cost
                due += tax(market.contract.brackets, abs(position.qty) * price)
            self.figures[name] = (equity, due)

    # --- claims ------------------------------------------------------------------------------------------------------

    def forced(self) -> list[int]:
        """Whom the venue took hold of; two legs closed against each other are told as orders only."""
        found = []
        for event in self.window:
            if isinstance(event, Liquidating):
                found.append(event.account)
            elif isinstance(event, OrderUpdated) and event.order.origin == "LIQUIDATION":
                found += [event.order.account] if event.order.account not in found else []
        return found

    @line(rf"(?P<who>\w+) liquidated(: equity (?P<equity>{N}) <=? maintenance (?P<due>{N}))?", CLAIMS)
    def is_liquidated(self, who: str, equity: str | None, due: str | None) -> None:
        if who == "nobody":
            assert not self.forced(), self.forced()
            return
        assert self.who(who) in self.forced(), f"{who} was not liquidated"
        if equity is not None and due is not None:
            assert self.figures[who] == (Decimal(equity), Decimal(due)), self.figures[who]

    @line(r"(?P<who>\w+) liquidated before (?P<other>\w+)", CLAIMS)
    def is_before(self, who: str, other: str) -> None:
        forced = self.forced()
        assert forced.index(self.who(who)) < forced.index(self.who(other)), forced

    @line(r"(?P<who>\w+) liquidated in (?P<steps>\d+) steps", CLAIMS)
    def is_in_steps(self, who: str, steps: str) -> None:
        assert self.forced().count(self.who(who)) == int(steps), self.forced()

    @line(rf"(?P<who>\w+) (?P<way>long|short) (?P<qty>{N})( (?P<symbol>[A-Z]\w+))?", CLAIMS)
    def holds(self, who: str, way: str, qty: str, symbol: str | None) -> None:
        side = way.upper() if self.account(who).dual else "BOTH"
        position = self.position(who, symbol or "BTCUSDT", side)
        held = ZERO if position is None else position.qty
        assert held == Decimal(qty) * (1 if way == "long" else -1), f"{who} holds {held}"

    @line(r"(?P<who>\w+) flat( (?P<symbol>[A-Z]\w+))?", CLAIMS)
    def is_flat(self, who: str, symbol: str | None) -> None:
        mine = [p for p in self.account(who).positions.values() if symbol in (None, p.symbol)]
        assert not mine, mine

    @line(rf"(?P<who>\w+) (?P<what>wallet|margin|free) (?P<amount>{N})", CLAIMS)
    def has(self, who: str, what: str, amount: str) -> None:
        have = {
            "wallet": lambda: self.wallet(who),
            "margin": lambda: self.margin(who, "BTCUSDT"),
            "free": lambda: _figures.available(self.exchange.floor, self.account(who), "USDT"),
        }[what]()
        assert have == Decimal(amount), f"{who} {what} is {have}"

    @line(rf"(?P<who>\w+) liquidation price (?P<price>{N})", CLAIMS)
    def dies(self, who: str, price: str) -> None:
        (position,) = self.account(who).positions.values()
        shown = _figures.liquidation_price(self.exchange.floor, self.account(who), position)
        assert round(shown, 2) == Decimal(price), shown

    @line(rf"(?P<who>\w+) deleveraged (?P<qty>{N}) at (?P<price>{N})", CLAIMS)
    def is_deleveraged(self, who: str, qty: str, price: str) -> None:
        mine = [
            (e.qty, e.price) for e in self.window if isinstance(e, Deleveraged) and e.account == self.who(who)
        ]  # fmt: skip
        assert mine == [(Decimal(qty), Decimal(price))], [e for e in self.window if isinstance(e, Deleveraged)]

    @line(r"nobody deleveraged", CLAIMS)
    def is_nobody_deleveraged(self) -> None:
        assert not [e for e in self.window if isinstance(e, Deleveraged)]

    @line(r"refused (?P<code>-\d+)", CLAIMS)
    def is_refused(self, code: str) -> None:
        last = self.window[-1] if self.window else None
        assert isinstance(last, Refused), last
        assert last.code == int(code), last
        self.surprise = None

    @line(rf"insurance (?P<sign>[<>] )?(?P<amount>{N})", CLAIMS)
    def insures(self, sign: str | None, amount: str) -> None:
        have, want = self.balance("insurance"), Decimal(amount)
        assert {"> ": have > want, "< ": have < want, None: have == want}[sign], have

    @line(rf"last (?P<price>{N})", CLAIMS)
    def is_last(self, price: str) -> None:
        assert self.market("BTCUSDT").last_price == Decimal(price), self.market("BTCUSDT").last_price

    @line(r"all accounts sum to 0", CLAIMS)
    def sums(self) -> None:
        assert all(book.total() == 0 for book in self.exchange.state.ledgers.values())

    @line(
        r"(?P<who>\w+) (?P<name>\w+) (?P<status>open|filled|expired|canceled|triggered|finished|rejected|untriggered)",
        CLAIMS,
    )
    def stands(self, who: str, name: str, status: str) -> None:
        kind, number = self.named[who, name]
        told = [
            e.order.status if isinstance(e, OrderUpdated) else e.algo.status
            for e in self.story
            if (isinstance(e, OrderUpdated) and kind == "order" and e.order.id == number)
            or (isinstance(e, AlgoUpdated) and kind == "algo" and e.algo.id == number)
        ]
        if status == "triggered":
            assert "TRIGGERED" in told, told
        else:
            want = "NEW" if status in ("open", "untriggered") else status.upper()
            assert told[-1] == want, told


def scenario(test: Callable[[World], None]) -> Callable[[], None]:
    """Make a test of a function whose docstring is the story; its body may look further."""

    @functools.wraps(test)
    def told() -> None:
        world = World()
        assert test.__doc__ is not None
        world.run(test.__doc__)
        test(world)

    del told.__wrapped__  # type: ignore[attr-defined]  # pytest would ask for the world as a fixture
    return told
