"""The exchange itself: commands in, events out, nothing else."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import msgspec

from bearskin.exchange import _accounts, _algos, _listing, _orders, _tick, _watching
from bearskin.exchange._clearing import tell_changes
from bearskin.exchange._floor import Floor
from bearskin.exchange._rebuild import rebuild
from bearskin.exchange._state import State
from bearskin.exchange._words import (
    AddMargin,
    Amend,
    AnyCommand,
    Cancel,
    CancelAlgo,
    CancelAll,
    CancelAllAlgos,
    Command,
    Deposit,
    Event,
    ListContract,
    OpenAccount,
    Place,
    PlaceAlgo,
    Refused,
    SetCountdown,
    SetFundingRate,
    SetIndex,
    SetLeverage,
    SetMarginMode,
    SetMark,
    SetPositionMode,
    SettleFunding,
    SetTrading,
    Tick,
    Transfer,
)
from bearskin.ledger import digest
from bearskin.terms import EXACT

Handler = Callable[[Floor, Any], Refused | None]

HANDLERS: dict[type[Command], Handler] = {
    Place: _orders.place,
    Cancel: _orders.cancel,
    CancelAll: _orders.cancel_all,
    Amend: _orders.amend,
    PlaceAlgo: _algos.place_algo,
    CancelAlgo: _algos.cancel_algo,
    CancelAllAlgos: _algos.cancel_all_algos,
    OpenAccount: _accounts.open_account,
    Deposit: _accounts.deposit,
    Transfer: _accounts.transfer,
    SetLeverage: _accounts.set_leverage,
    SetMarginMode: _accounts.set_margin_mode,
    SetPositionMode: _accounts.set_position_mode,
    AddMargin: _accounts.add_margin,
    SetCountdown: _accounts.set_countdown,
    ListContract: _listing.list_contract,
    SetTrading: _listing.set_trading,
    SetIndex: _tick.set_index,
    SetMark: _tick.set_mark,
    SetFundingRate: _tick.set_funding_rate,
    SettleFunding: _tick.settle_funding_now,
    Tick: _tick.tick,
}


class Exchange:
    """A derivatives exchange as a fold: `apply(command)` changes the state and returns what happened.

    It reads no clock, throws no dice and knows no wire. Two exchanges given the same commands are in the same state,
    told by `state_hash()`. Money is Decimal and exact; a result that would have to be rounded silently raises.

    An exception out of `apply` is a bug of ours and leaves the state undefined: throw the object away and restore the
    last snapshot.
    """

    def __init__(self, state: State | None = None) -> None:
        self._context = EXACT.copy()
        self.floor = Floor(state if state is not None else State())
        before = decimal.getcontext()
        decimal.setcontext(self._context)
        try:
            rebuild(self.floor)
        finally:
            decimal.setcontext(before)

    @property
    def state(self) -> State:
        """What is remembered; to be read, never written, by others."""
        return self.floor.state

    def apply(self, command: AnyCommand) -> list[Event]:
        """Carry out one command; a single Refused event means that nothing changed.

        A command dated before the last one is carried out at the time of that one.
        """
        floor = self.floor
        before = decimal.getcontext()
        decimal.setcontext(self._context)
        try:
            state = floor.state
            time_before_ns = state.time_ns
            if command.time_ns > time_before_ns:
                state.time_ns = command.time_ns
            floor.now_ns = state.time_ns
            out: list[Event] = []
            floor.out = out
            refused = HANDLERS[type(command)](floor, command)
            if refused is not None:
                state.time_ns = time_before_ns
                return [refused]
            state.sequence += 1
            while floor.marked or floor.dirty or floor.traded or floor.due:
                if floor.marked:
                    floor.remarked.update(floor.marked)
                # liquidation looks before stops do: who jumps past both is liquidated
                _watching.look(floor)
                _algos.run_triggers(floor)
            if floor.changed:
                tell_changes(floor)
            return out
        finally:
            decimal.setcontext(before)

    def snapshot(self) -> bytes:
        """The whole state as bytes, for `restore`."""
        return msgspec.msgpack.encode(self.floor.state)

    @classmethod
    def restore(cls, snapshot: bytes) -> Exchange:
        """The exchange that `snapshot` was taken of."""
        return cls(msgspec.msgpack.decode(snapshot, type=State))

    def state_hash(self) -> str:
        """The digest of the whole state; equal for equal histories, across processes and restarts."""
        return digest([self.snapshot()])
