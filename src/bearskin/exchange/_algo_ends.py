"""Conditional orders come to their end: taken out of the state, and told.

Apart from their beginning, because fills and cancels of ordinary orders end conditional ones too.
"""

from __future__ import annotations

import copy

from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Algo, AlgoStatus, Order
from bearskin.exchange._words import AlgoUpdated


def end_algo(floor: Floor, algo: Algo, status: AlgoStatus) -> None:
    """Take one that waits out of the state and tell it."""
    leave(floor, algo)
    floor.triggers.drop(algo)
    set_status(floor, algo, status)


def cancel_algos(
    floor: Floor, account: Account, symbol: str | None, status: AlgoStatus, position_side: str | None = None
) -> None:
    """End all of an account that wait, in one symbol or all, on one position side or all."""
    algos = floor.state.algos
    for number in list(account.algos):
        algo = algos[number]
        if (symbol is None or algo.symbol == symbol) and position_side in (None, algo.position_side):
            end_algo(floor, algo, status)


def order_ended(floor: Floor, order: Order) -> None:
    """Finish the conditional order whose order has ended; to be called for every order that has an `algo_id`."""
    algo = floor.state.triggered.pop(order.algo_id, None)
    if algo is not None:
        algo.order_id = order.id
        set_status(floor, algo, "FINISHED")


def position_closed(floor: Floor, account: Account, symbol: str, position_side: str) -> None:
    """Expire what only made sense with the position (close-position and GTE_GTC orders)."""
    if not account.algos:
        return
    algos = floor.state.algos
    for number in list(account.algos):
        algo = algos[number]
        if algo.symbol == symbol and algo.position_side == position_side and _needs_position(algo):
            end_algo(floor, algo, "EXPIRED")


def leave(floor: Floor, algo: Algo) -> None:
    """Take one that waits out of the state; the levels it waited at are not told."""
    state = floor.state
    account = state.accounts[algo.account]
    del state.algos[algo.id]
    del account.algos[algo.id]
    del account.algo_client_ids[algo.client_id]


def set_status(floor: Floor, algo: Algo, status: AlgoStatus) -> None:
    """Change its status and tell it."""
    algo.status = status
    algo.updated_ns = floor.now_ns
    tell_algo(floor, algo)


def tell_algo(floor: Floor, algo: Algo) -> None:
    """Tell it with a copy of it as it is now."""
    floor.out.append(AlgoUpdated(time_ns=floor.now_ns, algo=copy.copy(algo)))


def _needs_position(algo: Algo) -> bool:
    return algo.close_position or algo.tif == "GTE_GTC"
