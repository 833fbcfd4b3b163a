"""The words between a venue's dialect and the room that speaks it: what to call, about what, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from bearskin.terms import MarginMode, OrderNow

Env = Literal["live", "demo"]
Reason = Literal[
    "",
    "would-trigger",
    "would-take",
    "reduce-only",
    "no-change",
    "unknown-order",
    "duplicate-id",
    "margin",
    "filter",
    "rate-limit",
    "banned",
    "auth",
    "clock",
    "lost",
    "maintenance",
    "mode",
    "liquidation",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a ccxt exchange: `await getattr(exchange, method)(*args, params)`; `params` is always the last one.

    `writes` is false for questions. The answer is one ccxt structure or a list of them.
    """

    method: str
    args: tuple[Any, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    writes: bool = True

    def on(self, exchange: Any) -> Any:
        """Calls it; awaitable where the exchange is asynchronous."""
        return getattr(exchange, self.method)(*self.args, dict(self.params))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a venue took a command.

    `outcome` says whether it is known to stand: `unknown` has to be asked for. `code` is the venue's own number or
    word, `reason` what it means to us, `until_wall_ms` the end of a ban where the venue says it.
    """

    outcome: Literal["accepted", "rejected", "unknown"]
    code: str = ""
    reason: Reason = ""
    message: str = ""
    until_wall_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """A linear perpetual as its venue's orders count it.

    `unified` is ccxt's name, `symbol` ours. One contract is `contract_size` coins (of `settle` margin); `step`, `least`
    and `most` are counted in contracts, `most` per order with a price and `most_market` without, `tick` in quote.
    """

    unified: str
    symbol: str
    settle: str
    contract_size: Decimal
    step: Decimal
    tick: Decimal
    least: Decimal = Decimal(0)
    most: Decimal | None = None
    most_market: Decimal | None = None
    min_notional: Decimal | None = None

    @property
    def qty_step(self) -> Decimal:
        """The step of a quantity in coins."""
        return self.step * self.contract_size

    def coins(self, contracts: Decimal) -> Decimal:
        """A number of contracts in coins."""
        return contracts * self.contract_size


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What of an account a command depends on.

    `dual` is whether longs and shorts are held apart; `margin_mode` and `leverage` are the symbol's; `orders` are ours
    by client id, for venues that want their own number for an order, or its side, when it is changed or cancelled.
    """

    dual: bool = False
    margin_mode: MarginMode = MarginMode.ISOLATED
    leverage: int = 1
    orders: Mapping[str, OrderNow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What we can do at a venue, and what not and why.

    `attached_stops`: a stop rides on the entry. `hedge_mode`: longs and shorts can be held apart. `stop_ids`: a
    conditional order carries our client order id. `amends`: a resting order can be changed. `stream_fills`: the stream
    tells single fills with the same numbers as the question does; else fills are asked for when an order has changed.
    `countdown`: the call that cancels all orders when we fall silent, where the venue's documents say that protective
    stops survive it (None: not used). `brackets`: where maintenance tiers come from. `demo` is how its own demo
    environment is reached, empty where it has none. `late_ms`: how long after it was signed the venue may still take a
    request in. `fills_page`: the most fills of one answer. `refusals` are sentences by what they refuse ("live"
    refuses trading as a whole).
    """

    attached_stops: bool
    hedge_mode: bool
    stop_ids: bool
    amends: bool
    stream_fills: bool
    countdown: str | None
    brackets: Literal["signed", "public", "contracts", "none"]
    demo: Literal["demo-trading", "sandbox", ""]
    late_ms: int
    fills_page: int
    refusals: Mapping[str, str] = field(default_factory=dict)
    label: str = "built from documentation, not yet run against the venue"
