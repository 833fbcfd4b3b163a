"""What is said to a venue, what it answers, and what the market and the user say: the words of the one loop.

The sign is the side: `qty` of an order is positive for a buy and negative for a sell, `qty` of a position is negative
for a short. Prices are quote per coin, quantities are coins (contracts are translated at the door).
Everything is a frozen struct that can be written to a journal and read back.

Two clocks: `time_ns` is market time (candles, horizons, funding), `wall_ns` is when the word reached us on the wall
(staleness, seconds unprotected). With a real venue they differ by latency, on a demo exchange also by its speed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from bearskin.terms._words import MarginMode, Side

Leg = Literal["BOTH", "LONG", "SHORT"]
Role = Literal["entry", "stop", "target", "exit", "disaster"]
StopBy = Literal["mark", "last"]
Purpose = Literal["speculation", "hedge"]
OrderStatus = Literal["open", "triggered", "filled", "canceled", "expired", "rejected"]


class Word(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="is", omit_defaults=True):
    """Anything said in the loop."""


# --- commands: only risk approves them, only a venue carries them out ------------------------------------------------


class Command(Word, frozen=True, kw_only=True):
    """Something a venue is asked to do."""

    symbol: str


class Place(Command, frozen=True, kw_only=True):
    """A limit order, or a market order when `price` is None.

    `attached_stop` rides on the order where the venue can carry it and is ignored where it cannot (the venue's answer
    tells which: a stop of ours is confirmed by an order of its own or by the position's stop).
    """

    client_id: str
    role: Role
    qty: Decimal
    price: Decimal | None = None
    leg: Leg = "BOTH"
    reduce_only: bool = False
    post_only: bool = False
    attached_stop: Decimal | None = None
    stop_by: StopBy = "mark"


class PlaceStop(Command, frozen=True, kw_only=True):
    """A conditional market order that only reduces: the protective stop. Never with price protection."""

    client_id: str
    role: Role
    qty: Decimal
    trigger: Decimal
    by: StopBy = "mark"
    leg: Leg = "BOTH"


class Cancel(Command, frozen=True, kw_only=True):
    """Cancel an order; `conditional` where it is one that has not triggered.

    `venue_id` is the venue's own number, for an order that somebody else has placed without a client id.
    """

    client_id: str
    conditional: bool = False
    venue_id: str = ""


class Amend(Command, frozen=True, kw_only=True):
    """New price (and whole signed quantity) for a resting limit order."""

    client_id: str
    qty: Decimal
    price: Decimal


class SetLeverage(Command, frozen=True, kw_only=True):
    """The leverage of a symbol."""

    leverage: int
    margin_mode: MarginMode = MarginMode.ISOLATED


class SetMarginMode(Command, frozen=True, kw_only=True):
    """Isolated or cross, for a symbol without position and orders."""

    margin_mode: MarginMode
    leverage: int = 1


class AddMargin(Command, frozen=True, kw_only=True):
    """Add to the margin of an isolated position (negative takes out).

    `act_id` is the act that asked for it: the venue has no name for it, so the answer is told by this one.
    """

    amount: Decimal
    leg: Leg = "BOTH"
    act_id: str = ""


AnyCommand = Place | PlaceStop | Cancel | Amend | SetLeverage | SetMarginMode | AddMargin


# --- things as they are at a venue -----------------------------------------------------------------------------------


class OrderNow(Word, frozen=True, kw_only=True):
    """An order as the venue has it. `filled` has the sign of `qty`; `average` is None while nothing is filled.

    `venue_id` is the venue's own number; a triggered conditional order names the order it became in `child_id`.
    """

    symbol: str
    client_id: str
    venue_id: str
    status: OrderStatus
    qty: Decimal
    filled: Decimal = Decimal(0)
    average: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    conditional: bool = False
    reduce_only: bool = False
    leg: Leg = "BOTH"
    child_id: str = ""
    code: str = ""


class PositionNow(Word, frozen=True, kw_only=True):
    """A position as the venue has it; `liquidation_price` is the venue's own, None where it shows none.

    `stop` is a stop that the venue keeps with the position itself (attached stops), None elsewhere.
    """

    symbol: str
    qty: Decimal
    entry: Decimal
    leg: Leg = "BOTH"
    mark: Decimal | None = None
    margin_mode: MarginMode | None = None
    leverage: Decimal | None = None
    margin: Decimal | None = None
    unrealised: Decimal | None = None
    liquidation_price: Decimal | None = None
    stop: Decimal | None = None
    adl_quantile: int | None = None


# --- events: what the engine's fold takes ----------------------------------------------------------------------------


class Event(Word, frozen=True, kw_only=True):
    """Something that happened, at its market time, and when we heard of it."""

    time_ns: int
    wall_ns: int


class BarClosed(Event, frozen=True, kw_only=True):
    """A candle is complete. Floats: this is what research sees. Mark figures are None where no mark was seen."""

    symbol: str
    interval_ns: int
    opened_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None = None
    taker_buy_volume: float | None = None
    mark_open: float | None = None
    mark_high: float | None = None
    mark_low: float | None = None
    mark_close: float | None = None
    spot_close: float | None = None
    spot_quote_volume: float | None = None
    spot_buy_share: float | None = None


class Quoted(Event, frozen=True, kw_only=True):
    """Best bid and ask."""

    symbol: str
    bid: Decimal
    ask: Decimal


class Depth(Event, frozen=True, kw_only=True):
    """The best levels of an order book as (price, quantity), best first: floats, nothing is paid by them."""

    symbol: str
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


class Marked(Event, frozen=True, kw_only=True):
    """Mark and index, the funding rate the next settlement would use, and when that is."""

    symbol: str
    mark: Decimal
    index: Decimal | None = None
    rate: Decimal | None = None
    next_funding_ns: int | None = None


class RateSettled(Event, frozen=True, kw_only=True):
    """A public settlement of funding: longs paid shorts `rate` of notional at `settled_ns`."""

    symbol: str
    settled_ns: int
    rate: float
    interval_ns: int


class Published(Event, frozen=True, kw_only=True):
    """One value of a series that is no candle, public from `time_ns` on and describing `of_ns`."""

    symbol: str
    series: Literal["open_interest", "long_short_ratio", "top_positions_ratio", "sentiment"]
    of_ns: int
    value: float


class TradingChanged(Event, frozen=True, kw_only=True):
    """A symbol is open for trading, halted, or leaves (`ends_ns` is when, where it is known)."""

    symbol: str
    status: Literal["trading", "halted", "delisting", "delisted"]
    ends_ns: int | None = None
    detail: str = ""


class Answered(Event, frozen=True, kw_only=True):
    """The outcome of a command of ours.

    `accepted`: the venue has it (`order` as it is now, where the venue tells). `rejected`: it has not, and says why in
    `code` and `message`. `unknown`: the answer was lost (time-out, 5xx); the venue is being asked. `absent`: asked and
    long enough after, the venue knows no such order. `what` is the tag of the command, `act_id` the act of one that
    has no name at the venue.
    """

    symbol: str
    client_id: str
    what: str
    outcome: Literal["accepted", "rejected", "unknown", "absent"]
    code: str = ""
    message: str = ""
    order: OrderNow | None = None
    act_id: str = ""


class OrderChanged(Event, frozen=True, kw_only=True):
    """The venue tells of an order, ours or not."""

    order: OrderNow


class Filled(Event, frozen=True, kw_only=True):
    """One fill. `qty` is signed; `fee` positive when paid; `realised` is before the fee.

    The same `trade_id` may be told twice (stream and question); whoever keeps books drops the second. `why` names a
    forced close; then `client_id` is the venue's.
    """

    symbol: str
    client_id: str
    venue_id: str
    trade_id: str
    qty: Decimal
    price: Decimal
    fee: Decimal = Decimal(0)
    fee_asset: str = "USDT"
    realised: Decimal | None = None
    maker: bool = False
    leg: Leg = "BOTH"
    why: Literal["", "liquidation", "adl", "settlement"] = ""


class Funded(Event, frozen=True, kw_only=True):
    """Funding that this account received (negative: paid) in a symbol."""

    symbol: str
    amount: Decimal
    asset: str = "USDT"


class BalanceNow(Event, frozen=True, kw_only=True):
    """The wallet, what of it is free for new margin (None: unknown), without open profit.

    `transferred` is what a deposit (negative: a withdrawal) has just changed it by, where the venue tells.
    """

    asset: str
    wallet: Decimal
    available: Decimal | None = None
    transferred: Decimal = Decimal(0)


class AccountNow(Event, frozen=True, kw_only=True):
    """Everything the venue holds for this account at one moment: what is not in it is not there.

    `asked_wall_ns` is when the question was sent: what changed since then may be missing. `failed` names what could not
    be had; absence proves nothing about those.
    """

    asset: str
    wallet: Decimal
    available: Decimal | None
    positions: tuple[PositionNow, ...]
    orders: tuple[OrderNow, ...]
    asked_wall_ns: int
    dual: bool = False
    failed: tuple[str, ...] = ()


class Connected(Event, frozen=True, kw_only=True):
    """A channel came up or went down; after it came up again an `AccountNow` follows."""

    channel: Literal["market", "account", "orders"]
    up: bool
    detail: str = ""


class Throttled(Event, frozen=True, kw_only=True):
    """The venue has told us to be silent until then (429, 418)."""

    until_wall_ns: int
    detail: str = ""


class Skewed(Event, frozen=True, kw_only=True):
    """Our clock is this far ahead of the venue's (negative: behind)."""

    skew_ns: int


class Pulse(Event, frozen=True, kw_only=True):
    """Time passes: a few times a second of the wall."""


# --- acts of the user, a webhook or a script -------------------------------------------------------------------------


class Act(Event, frozen=True, kw_only=True):
    """Something asked for by hand; the engine answers each `act_id` with one note: done, or refused and why."""

    act_id: str
    by: str = "hand"


class Open(Act, frozen=True, kw_only=True):
    """Open a position: by `qty` (positive) or sized for the stop. A limit entry where `price` is given.

    A speculation needs `stop`; a hedge needs `shock_frac`, the adverse move it has to survive. `preset` names limits
    chosen for this trade alone; empty means the bot's own.
    """

    symbol: str
    side: Side
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    price: Decimal | None = None
    qty: Decimal | None = None
    risk_frac: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    purpose: Purpose = "speculation"
    shock_frac: Decimal | None = None
    trail_atr: Decimal | None = None
    note: str = ""
    preset: Literal["", "beginner", "standard", "pro"] = ""


class Close(Act, frozen=True, kw_only=True):
    """Close `share` (0 to 1) of our position in a symbol, at market or by a limit at `price`."""

    symbol: str
    share: Decimal = Decimal(1)
    price: Decimal | None = None


class MoveStop(Act, frozen=True, kw_only=True):
    """Move the stop to `stop`, or to where the trade breaks even after fees when it is None.

    `trade` is the one that is meant: it is refused where another one has come since. 0 means whichever is open.
    """

    symbol: str
    stop: Decimal | None = None
    trade: int = 0


class MoveTarget(Act, frozen=True, kw_only=True):
    """Move a target of our position, the nearest being `number` 1, to `target`; `trade` is the one that is meant."""

    symbol: str
    target: Decimal
    number: int = 1
    trade: int = 0


class Reverse(Act, frozen=True, kw_only=True):
    """Close our position and open the other side, sized for `stop`."""

    symbol: str
    stop: Decimal
    targets: tuple[Decimal, ...] = ()


class Pause(Act, frozen=True, kw_only=True):
    """No new entries until resumed; what is open is managed on."""


class Resume(Act, frozen=True, kw_only=True):
    """Lift a pause, a panic, or a limit that asks for it by hand (`limits`)."""

    limits: bool = False


class Panic(Act, frozen=True, kw_only=True):
    """Close everything of ours (`foreign`: and what is not ours) and stay closed until resumed."""

    foreign: bool = False


class Adopt(Act, frozen=True, kw_only=True):
    """Take a foreign position in as ours, with its `stop`."""

    symbol: str
    stop: Decimal | None = None
    purpose: Purpose = "speculation"
    shock_frac: Decimal | None = None


class Remark(Act, frozen=True, kw_only=True):
    """The thesis of the position in a symbol, in the user's words."""

    symbol: str
    text: str


class MoveMargin(Act, frozen=True, kw_only=True):
    """Add `amount` to the margin of our isolated position in a symbol, or `take` it out, in the settle currency."""

    symbol: str
    amount: Decimal
    take: bool = False


class Mode(Act, frozen=True, kw_only=True):
    """Which sides the bot trades from now on."""

    sides: Literal["short", "long", "both", "auto", "none"]


AnyAct = Open | Close | MoveStop | MoveTarget | MoveMargin | Reverse | Pause | Resume | Panic | Adopt | Remark | Mode
AnyEvent = (
    BarClosed
    | Quoted
    | Depth
    | Marked
    | RateSettled
    | Published
    | TradingChanged
    | Answered
    | OrderChanged
    | Filled
    | Funded
    | BalanceNow
    | AccountNow
    | Connected
    | Throttled
    | Skewed
    | Pulse
    | AnyAct
)


# --- the names we give our orders ------------------------------------------------------------------------------------

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS: dict[Role, str] = {"entry": "e", "stop": "s", "target": "t", "exit": "x", "disaster": "d"}
_ROLES: dict[str, Role] = {letter: role for role, letter in _LETTERS.items()}


class OurId(NamedTuple):
    """What a client order id of ours says: which bot, which trade, what for, and the how-manieth of that."""

    tag: str
    trade: int
    role: Role
    nth: int


def client_id(tag: str, trade: int, role: Role, nth: int) -> str:
    """The client order id of an order of ours: 17 small letters and digits, which every venue takes.

    `tag` is four small letters or digits of the bot; the same arguments give the same id, so that an order is never
    sent twice under two names. Raises ValueError for what does not fit.
    """
    if not (re.fullmatch(r"[0-9a-z]{4}", tag) and 0 <= trade < 36**6 and 0 <= nth < 36**4):
        raise ValueError(f"no client id for tag {tag!r}, trade {trade}, nth {nth}")
    return f"bs{tag}{_base36(trade, 6)}{_LETTERS[role]}{_base36(nth, 4)}"


def our_id(text: str) -> OurId | None:
    """What a client order id says, None when it is not of ours."""
    match = re.fullmatch(r"bs([0-9a-z]{4})([0-9a-z]{6})([estxd])([0-9a-z]{4})", text)
    if match is None:
        return None
    return OurId(match[1], int(match[2], 36), _ROLES[match[3]], int(match[4], 36))


def _base36(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
