"""After every command: who has to be warned or liquidated, and whose debts the insurance fund clears."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._figures import position_now
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._fund import clear_debt, give_up
from bearskin.exchange._liquidation import liquidate
from bearskin.exchange._pools import CROSS, Standing, is_due, keys_on, margins_of, standing
from bearskin.exchange._state import Account
from bearskin.exchange._watch import Exposure, Pool, lines_of
from bearskin.exchange._words import MarginCalled

WARNING = Decimal("0.8")  # the margin ratio at which a margin call is told
_WHOLE = Decimal(1)


def look(floor: Floor) -> None:
    """Look at what `floor.marked` and `floor.dirty` name and empty them; liquidate whom it must.

    Everyone who may have come to the edge is judged exactly, in the order of account and position key, so that nothing
    depends on how the watch found them. Leaves `floor.traded` alone.
    """
    accounts = floor.state.accounts
    for symbol in floor.traded:
        # without a mark the last trade stands in for it
        if floor.state.markets[symbol].mark is None:
            floor.marked[symbol] = None
    while floor.dirty or floor.marked:
        touched = sorted(floor.dirty)
        for number, margin in _judge(floor):
            if number == FUND:
                give_up(floor, margin)
            else:
                liquidate(floor, accounts[number], margin)
        for number in touched:
            _clear(floor, accounts[number])


def clear_owing(floor: Floor) -> None:
    """Try again to clear the debts that the insurance fund had no money for."""
    for number in sorted(floor.watch.owing):
        _clear(floor, floor.state.accounts[number])


def rearm(floor: Floor) -> None:
    """Build the watch from the state: nothing is told and nobody is liquidated."""
    for account in floor.state.accounts.values():
        for margin, keys in margins_of(floor, account).items():
            _arm(floor, account, margin, standing(floor, account, margin, keys))
        if _owes(floor, account):
            floor.watch.owing[account.id] = None


def _judge(floor: Floor) -> list[Pool]:
    """Judge every pool concerned, tell margin calls, watch those that live on; returns those to be liquidated."""
    accounts, markets, watch = floor.state.accounts, floor.state.markets, floor.watch
    found: dict[Pool, list[str]] = {}
    for number in floor.dirty:
        account = accounts[number]
        margins = margins_of(floor, account)
        before = watch.pools.get(number)
        if before is not None and before.keys() != margins.keys():
            for margin in [margin for margin in before if margin not in margins]:
                watch.drop((number, margin))
                account.warned.pop(margin, None)
        for margin, keys in margins.items():
            found[number, margin] = keys
    for symbol in floor.marked:
        mark = markets[symbol].mark or markets[symbol].last_price
        assert mark is not None
        for pool in watch.crossed(symbol, mark):
            if pool not in found:
                found[pool] = keys_on(floor, accounts[pool[0]], pool[1])
    floor.dirty.clear()
    floor.marked.clear()
    due = []
    for pool in sorted(found) if len(found) > 1 else found:
        account, margin = accounts[pool[0]], pool[1]
        now = standing(floor, account, margin, found[pool])
        if is_due(now):
            due.append(pool)
        elif account.id != FUND:
            _warn(floor, account, margin, now)
        _arm(floor, account, margin, now)
    return due


def _warn(floor: Floor, account: Account, margin: str, now: Standing) -> None:
    """Tell a margin call once; it may be told again after the ratio has fallen below the warning level."""
    if WARNING * now.equity > now.maintenance:
        account.warned.pop(margin, None)
    elif margin not in account.warned:
        account.warned[margin] = None
        floor.out.append(
            MarginCalled(
                time_ns=floor.now_ns,
                account=account.id,
                cross_wallet=now.balance if margin.startswith(CROSS) else None,
                positions=tuple(position_now(floor, account, stake.position) for stake in now.stakes),
            )
        )


def _arm(floor: Floor, account: Account, margin: str, now: Standing) -> None:
    share = _WHOLE if account.id == FUND else WARNING
    slack = share * now.equity - now.maintenance
    stakes = now.stakes
    if slack > 0 and margin not in account.warned:
        exposures = [Exposure(stake.position.symbol, stake.position.qty, stake.mark, stake.tiers) for stake in stakes]
        floor.watch.arm((account.id, margin), lines_of(slack, share, exposures))
    else:
        symbols = dict.fromkeys(stake.position.symbol for stake in stakes)
        floor.watch.arm_close((account.id, margin), symbols)


def _owes(floor: Floor, account: Account) -> bool:
    name = account.wallet_name
    for ledger in floor.state.ledgers.values():
        balance = ledger.balances.get(name)
        if balance is not None and balance < 0:
            return True
    return False


def _clear(floor: Floor, account: Account) -> None:
    """Clear what an account owes without cross positions to stand for it; remember it when the fund has too little."""
    if not _owes(floor, account):
        floor.watch.owing.pop(account.id, None)
        return
    owing = False
    for asset in floor.state.ledgers:
        owing = clear_debt(floor, account, asset) or owing
    if owing:
        floor.watch.owing[account.id] = None
    else:
        floor.watch.owing.pop(account.id, None)
