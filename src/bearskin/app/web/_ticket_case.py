"""What a ticket is priced from: quote, account, the bot's rules, what is locked, and what is known of the symbol."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bearskin.app.web._bot_link import not_trading
from bearskin.risk import PRESETS, AdverseMoves, Exposure, Preset, binds, preset_of
from bearskin.terms import Brackets, Instrument, MarginMode, Side

if TYPE_CHECKING:
    from bearskin.app._licence import Licence
    from bearskin.market import Panel

ZERO, ONE = Decimal(0), Decimal(1)
HEAT_FRAC, SLIPPAGE_FRAC, TARGET1_SHARE = Decimal("0.03"), Decimal("0.0002"), Decimal("0.5")
QUIZ_HREF = "/learn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Prices of the symbol now and its funding `rate`; None where it is not told. `source` says who told."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    mark: Decimal | None = None
    rate: Decimal | None = None
    next_funding: str | None = None
    source: str = ""

    def price(self, side: Side) -> Decimal | None:
        """What a market order of this side is expected to get."""
        near = self.bid if side < 0 else self.ask
        return self.mark if near is None else near


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the bot sizes, as it tells itself; `multiplier` is of the limits that hold now."""

    preset: str = "standard"
    risk_frac: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode = MarginMode.ISOLATED
    heat_frac: Decimal = HEAT_FRAC
    slippage_frac: Decimal = SLIPPAGE_FRAC
    equity_cap: Decimal | None = None
    notional_cap: Decimal | None = None
    target1_share: Decimal = TARGET1_SHARE
    stop_by: str = "mark"
    multiplier: Decimal = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The most leverage that is open to this person (None: whatever the preset allows), and why no more is."""

    leverage_max: Decimal | None = None
    why: str = ""
    shut: str = ""  # nothing at all may be opened, and why
    href: str = QUIZ_HREF


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the venue says of a symbol. `panel` holds its last complete bars, None where it has none; `worst` its own
    worst moves by side."""

    instrument: Instrument
    brackets: Brackets | None
    panel: Panel | None = None
    funding_interval_h: Decimal = Decimal(8)
    worst: Mapping[int, AdverseMoves] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a ticket is priced from. `wallet` is what the venue's formula counts; `shut` says why the bot would
    open nothing in this symbol now, `bot` why it cannot be asked at all (empty: it can). `hurried` is how many times as
    fast as the clock the market goes where a first short is led to: the stop offered is wider then; 0 elsewhere."""

    quote: Quote
    facts: Facts
    account: Exposure[Decimal] | None
    wallet: Decimal | None = None
    account_source: str = ""
    rules: Rules = field(default_factory=Rules)
    lock: Lock = field(default_factory=Lock)
    shut: tuple[str, ...] = ()
    bot: str = ""
    hurried: float = 0.0


def rules_of(state: Mapping[str, Any] | None) -> Rules:
    """The rules in the bot's state; those every bot begins with where it does not tell."""
    told = (state or {}).get("rules") or {}
    limits = (state or {}).get("limits") or ()

    def number(name: str) -> Decimal | None:
        return None if told.get(name) is None else Decimal(told[name])

    return Rules(
        preset=told.get("preset", "standard"),
        risk_frac=number("risk_frac"),
        leverage=number("leverage"),
        margin_mode=MarginMode(told.get("margin_mode", "isolated")),
        heat_frac=Decimal(told.get("heat_frac", HEAT_FRAC)),
        slippage_frac=Decimal(told.get("slippage_frac", SLIPPAGE_FRAC)),
        equity_cap=number("equity_cap"),
        notional_cap=number("notional_cap"),
        target1_share=Decimal(told.get("target1_share", TARGET1_SHARE)),
        stop_by=told.get("stop_by", "mark"),
        multiplier=math.prod(
            (Decimal(one["size_multiplier"]) for one in limits if _of_account(one["limit"])), start=ONE
        ),
    )


def exposure_of(state: Mapping[str, Any], rules: Rules) -> Exposure[Decimal]:
    """What the account is worth and has at stake, from the bot's state: as the engine reckons, to a cent."""
    account, held = state["account"], state["positions"]
    equity, wallet = Decimal(account["equity"]), Decimal(account["wallet"])
    margin = gross = net = ZERO
    for one in held:
        qty = max(abs(Decimal(one["qty"])), _planned(state, one))
        price = Decimal(one["mark"] or one["entry"])
        side = -1 if one["side"] == "short" else 1
        margin += qty * Decimal(one["entry"]) / Decimal(one["leverage"])
        gross += qty * price
        net += side * qty * price
    free = (wallet if rules.margin_mode is MarginMode.ISOLATED else equity) - margin
    if state.get("foreign") and account["available"] is not None:
        free = min(free, Decimal(account["available"]))
    return Exposure(equity, free, Decimal(account["open_risk"]), gross, net)


def _planned(state: Mapping[str, Any], held: Mapping[str, Any]) -> Decimal:
    """What is open of a trade and what its entries may still open."""
    coming = [
        abs(Decimal(order["qty"])) - abs(Decimal(order["filled"]))
        for order in state["orders"]
        if order["trade"] == held["trade"] and order["role"] == "entry"
    ]
    return abs(Decimal(held["qty"])) + sum(coming, ZERO)


def quote_in(state: Mapping[str, Any] | None, symbol: str) -> Quote | None:
    """What the bot has heard last of a symbol; None where it hears nothing of it."""
    told = ((state or {}).get("prices") or {}).get(symbol)
    if told is None:
        return None
    exact = {name: None if told[name] is None else Decimal(told[name]) for name in ("bid", "ask", "mark", "rate")}
    return Quote(**exact, next_funding=told["next_funding"], source="the bot")


def shut_in(state: Mapping[str, Any], symbol: str) -> tuple[str, ...]:
    """Why the bot would open nothing in a symbol now, in the words it would use."""
    found = []
    if symbol not in state["symbols"]:
        found.append(f"{symbol} is not traded by this bot, which has {', '.join(state['symbols']) or 'no symbols'}")
    if state["mode"]["panicked"]:
        found.append("panic: nothing is opened until the bot is resumed")
    elif state["mode"]["paused"]:
        found.append("the bot is paused: nothing is opened until it is resumed")
    if why := not_trading(state, symbol):
        found.append(f"{symbol}: {why}, and nothing is opened in it")
    if symbol in state["foreign"]:
        found.append(f"something that is not ours is in {symbol}: {state['foreign'][symbol]}")
    if any(one["symbol"] == symbol for one in state["positions"]):
        found.append(f"a position of ours is open or resting in {symbol}: close it, or reverse it, before another one")
    for one in state["limits"]:
        shut = _of_account(one["limit"]) and Decimal(one["size_multiplier"]) == 0
        if shut or one["limit"].endswith(f" {symbol}"):
            found.append(f"a limit holds: {one['limit']}{': ' + one['detail'] if one['detail'] else ''}")
    return tuple(found)


def _of_account(limit: str) -> bool:
    """Whether a limit is of the account, not of one symbol ("kind SYMBOL"), and binds a person."""
    return " " not in limit and binds(limit, hand=True)


def lock_of(licence: Licence, *, live: bool) -> Lock:
    """What is locked for a person with this licence: leverage without the quiz, real venues without quiz and notice."""
    beginner = PRESETS["beginner"].leverage_max
    shut = ""
    if live and not licence.acknowledged:
        shut = "real money waits for the notice on who may trade: read and acknowledge it first"
    elif live and not licence.passed:
        shut = "real money waits for the risk quiz"
    if licence.passed:
        return Lock(shut=shut)
    return Lock(leverage_max=beginner, why=f"more than {beginner:f}x opens with the risk quiz", shut=shut)


def preset_for(name: str, purpose: str, rules: Rules) -> Preset:
    """The preset that a draft is judged by: a hedge's for a hedge, the one it names, else the bot's own."""
    if purpose == "hedge":
        return preset_of("hedge")
    chosen = preset_of(name or rules.preset)
    return preset_of("standard") if chosen.hedge else chosen
