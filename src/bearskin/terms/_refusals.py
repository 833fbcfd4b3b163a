"""Why not: refusals are values, because "no" is a normal answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Every reason for which a trade is declined, grouped by who says it."""

    # the order itself
    NO_STOP = "no stop"
    STOP_WRONG_SIDE = "stop on the wrong side of the entry"
    TARGET_WRONG_SIDE = "target on the wrong side of the entry"
    STOP_TOO_TIGHT = "stop too tight"
    STOP_TOO_WIDE = "stop too wide"
    REWARD_TOO_SMALL = "reward too small for the risk"
    COST_EATS_TARGET = "costs eat the target"
    ENTRY_MOVED = "price moved away before the entry"
    # size and margin
    SIZE_ZERO = "size rounds to zero"
    BELOW_MIN_NOTIONAL = "below the venue's smallest order"
    LEVERAGE_ABOVE_PRESET = "leverage above the preset"
    LEVERAGE_ABOVE_BRACKET = "leverage above the bracket"
    RISK_ABOVE_PRESET = "risk above the preset"
    MARGIN_SHORT = "not enough margin"
    MARGIN_SHARE = "margin share above the preset"
    LIQUIDATION_BEFORE_STOP = "liquidation comes before the stop"
    LIQUIDATION_TOO_CLOSE = "liquidation too close behind the stop"
    LIQUIDATED_AT_ENTRY = "liquidated at once"
    # the book of positions
    SYMBOL_BUSY = "a position in this symbol is open"
    POSITIONS_MAX = "as many positions are open as may be"
    MIXED_PURPOSE = "hedge and speculation in one symbol of one account"
    FOREIGN = "a position or an order that is not ours is in this symbol"
    HEAT = "total open risk above the limit"
    KILL_SWITCH = "kill switch or drawdown limit"
    # the bot's own switches
    PAUSED = "paused until resumed"
    SIDE_OFF = "this side is not traded now"
    BLACKOUT = "blackout around an event or at a barred hour"
    THIN_HOUR = "an hour in which little is traded"
    # the market
    SQUEEZE = "squeeze guard: funding against the position"
    TREND = "trend guard"
    LOW_CAP = "low-cap and manipulability guard"
    RSI = "RSI guard"
    FAMILIES = "too few kinds of evidence"
    NO_DATA = "a series this trade needs is absent"
    STALE = "the prices at hand are old"
    HALTED = "the symbol is not open for trading"
    # what risk does not stamp
    NOT_REDUCING = "this order would not lessen the position"
    NOT_SIZED = "this order is beyond what was sized"
    # the venue
    VENUE = "the venue refused what the trade needs first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A declined trade: the reason, the figure it had and the figure it needed (as shown, may be empty)."""

    reason: Reason
    have: str = ""
    need: str = ""
    detail: str = ""

    def __str__(self) -> str:
        figures = f" (is {self.have}, needs {self.need})" if self.have and self.need else ""
        return f"{self.reason.value}{figures}{': ' + self.detail if self.detail else ''}"
