"""The derived parts of the floor from a state."""

from __future__ import annotations

from bearskin.exchange._book import Book
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._state import Account, Contract, Market
from bearskin.exchange._watching import rearm
from bearskin.ledger import Ledger
from bearskin.margin import Tiers


def rebuild(floor: Floor) -> None:
    """Fill books, tiers and watch from the state; a new state gets its insurance fund (account 1)."""
    state = floor.state
    if FUND not in state.accounts:
        state.accounts[FUND] = Account(
            id=FUND, name="insurance fund", kind="FUND", wallet_name="insurance", spot_name=f"spot/{FUND}"
        )
        state.next_account = FUND + 1
    for market in state.markets.values():
        open_book(floor, market)
    for order in sorted(state.orders.values(), key=lambda order: order.priority):
        floor.books[order.symbol].half(order.side).add(order)
    rearm(floor)


def open_book(floor: Floor, market: Market) -> None:
    """An empty book, the tiers and the ledger for a market that is new to the floor."""
    contract = market.contract
    floor.books[contract.symbol] = Book(market)
    take_terms(floor, contract)
    if contract.settle not in floor.state.ledgers:
        floor.state.ledgers[contract.settle] = Ledger(asset=contract.settle)


def take_terms(floor: Floor, contract: Contract) -> None:
    """The tiers of a contract whose terms are new; its book sees new terms by itself."""
    rows = contract.brackets
    floor.tiers[contract.symbol] = Tiers(
        floor=tuple(row.floor for row in rows),
        mmr=tuple(row.mmr for row in rows),
        cum=tuple(row.cum for row in rows),
        cap=tuple(row.cap for row in rows),
    )
