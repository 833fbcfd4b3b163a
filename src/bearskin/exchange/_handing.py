"""Positions that change hands without the book: at which price, and how it is told."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from bearskin.exchange._clearing import clear, open_position, settle_closed
from bearskin.exchange._floor import Floor
from bearskin.exchange._pools import Stake, Standing
from bearskin.exchange._resting import tell
from bearskin.exchange._state import Account, Contract, Order, Origin, Position
from bearskin.exchange._words import Fill
from bearskin.terms import EXACT, QUOTE

_FLOOR = Context(prec=34, rounding=ROUND_FLOOR)
_ZERO = Decimal(0)
_ONE = Decimal(1)
_AMOUNT_PLACES = 8  # of every amount of money


def bankruptcy_price(now: Standing, stake: Stake) -> Decimal:
    """The price for one of the positions on a margin at which nothing is left of the equity it stands for.

    Each position stands for the share of the equity that its notional has of all: if every mark moves against the
    account by the same fraction, equity / notional, nothing is left. For a position that stands alone this is the price
    at which its equity is zero. Rounded on the grid of `price_grid` in the account's favour, so that what it closes
    there never takes it below zero; with equity already below zero the price lies beyond mark. Never below the grid.
    """
    mark, grid = stake.mark, price_grid(stake.market.contract)
    away = _FLOOR.divide(mark * now.equity, now.notional)
    if stake.position.qty > 0:
        price = EXACT.subtract(mark, away).quantize(grid, ROUND_CEILING, QUOTE)
    else:
        price = EXACT.add(mark, away).quantize(grid, ROUND_FLOOR, QUOTE)
    return max(price, grid)


def price_grid(contract: Contract) -> Decimal:
    """The finest price at which every quantity of the contract is worth a whole number of 1e-8."""
    exponent = contract.step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return _ONE.scaleb(-min(max(_AMOUNT_PLACES + exponent, 0), _AMOUNT_PLACES))


def limit_ticks(price: Decimal, tick: Decimal, *, selling: bool) -> int:
    """The worst price on the grid that is no worse than `price` for who trades there: up to sell, down to buy."""
    whole, rest = divmod(price, tick)
    return int(whole) + (1 if selling and rest else 0)


def hand_off(
    floor: Floor, source: Account, position: Position, target: Account, steps: int, price: Decimal, origin: Origin
) -> Decimal:
    """Close `steps` of a position against `target` at `price`, any price, without the book and without a fee.

    Both sides are told as orders that filled, the source's as `origin`, the target's as taken by the fund or
    deleveraged. They have the number of a trade of their own, which is not public. A target in hedge mode gives up the
    leg that faces the source, which may be the source's own other leg. Returns what that brought into its wallet.
    """
    book = floor.books[position.symbol]
    market = book.market
    market.trade_id = trade_id = market.trade_id + 1
    qty = steps * book.step
    before = position.qty
    signed = -qty if before > 0 else qty
    _, realised = clear(floor, book, source, position, signed, price, _ZERO, trade_id, "ORDER")
    side = "BOTH" if not target.dual else "SHORT" if signed < 0 else "LONG"
    taken = open_position(book, target, side)
    taken_before = taken.qty
    ledger = floor.state.ledgers[book.settle]
    in_wallet = ledger.balance(target.wallet_name)
    _, taken_realised = clear(floor, book, target, taken, -signed, price, _ZERO, trade_id, "ORDER")
    fill = Fill(trade_id=trade_id, price=price, qty=qty, maker=False, fee=_ZERO, realised=realised)
    brought = ledger.balance(target.wallet_name) - in_wallet
    _tell(floor, source, position, signed, steps, fill, origin)
    fill = Fill(trade_id=trade_id, price=price, qty=qty, maker=False, fee=_ZERO, realised=taken_realised)
    _tell(floor, target, taken, -signed, steps, fill, "FUND" if target.kind == "FUND" else "ADL")
    settle_closed(floor, source, position, before)
    settle_closed(floor, target, taken, taken_before)
    return brought


def _tell(
    floor: Floor, account: Account, position: Position, signed: Decimal, steps: int, fill: Fill, origin: Origin
) -> None:
    state = floor.state
    number = state.next_order
    state.next_order = number + 1
    tick = floor.books[position.symbol].tick
    order = Order(
        id=number,
        account=account.id,
        symbol=position.symbol,
        side=1 if signed > 0 else -1,
        position_side=position.side,
        type="LIMIT",
        original_type="LIMIT",
        tif="IOC",
        price_ticks=limit_ticks(fill.price, tick, selling=signed > 0),  # no worse than its price, seen from the order
        qty_steps=steps,
        filled_steps=steps,
        quote=fill.qty * fill.price,
        client_id="adl_autoclose" if origin == "ADL" else f"autoclose-{number}",
        status="FILLED",
        origin=origin,
        created_ns=floor.now_ns,
    )
    tell(floor, order, "CALCULATED", fill)
