"""Who holds a symbol: followed from the events alone, so that a restart notes the same, each five minutes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bearskin.exchange._candles import trim
from bearskin.exchange._rows import HeldRow, Tape
from bearskin.exchange._state import Account
from bearskin.exchange._words import PositionNow

STEP_MS = 300_000
KEPT = 8_640  # thirty days
ZERO = Decimal(0)
COUNTED = ("USER", "CROWD")  # makers and the fund are no opinion about the market


def note_position(tape: Tape, account: int, position: PositionNow) -> None:
    """A position after a change."""
    key = f"{account}/{position.side}"
    if position.qty:
        tape.holders[key] = position.qty
    else:
        tape.holders.pop(key, None)


def sample(tape: Tape, accounts: Mapping[int, Account], time_ms: int, mark: Decimal) -> None:
    """Note what is held at the first mark of each five minutes; a gap in the marks leaves a gap."""
    time_ms -= time_ms % STEP_MS
    if tape.held and tape.held[-1].time_ms >= time_ms:
        return
    coins, longs, shorts = ZERO, 0, 0
    for key, qty in tape.holders.items():
        if qty > 0:
            coins += qty
        holder = accounts.get(int(key.partition("/")[0]))
        if holder is not None and holder.kind in COUNTED:
            longs += qty > 0
            shorts += qty < 0
    tape.held.append(HeldRow(time_ms, coins, mark, longs, shorts))
    trim(tape.held, KEPT)
