"""What a fill does to positions and money, and how it is told."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from bearskin.exchange._algo_ends import position_closed
from bearskin.exchange._book import CAUTIOUS, Book
from bearskin.exchange._figures import cross, leverage_of, position_now, setting_of
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._resting import end_reducing
from bearskin.exchange._state import ZERO, Account, Contract, Position
from bearskin.exchange._words import AccountUpdated, BalanceNow, Income, IncomeType, UpdateReason
from bearskin.ledger import CENT_8, Holding, Ledger, filled
from bearskin.terms import QUOTE

FEES = "fees"
INSURANCE = "insurance"
HOUSE = "house"

# What a fee tier pays of the contract's maker and taker rate. The tiers have the proportions of the venue's published
# ones (0.02 % and 0.05 % at the bottom, nothing and 0.017 % at the top).
MAKER_SHARE = tuple(Decimal(text) for text in ("1", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1", "0"))
TAKER_SHARE = tuple(Decimal(text) for text in ("1", "0.8", "0.7", "0.64", "0.6", "0.54", "0.5", "0.44", "0.4", "0.34"))


def fee_rate(account: Account, contract: Contract, maker: bool) -> Decimal:
    """The fee rate of an account: the contract's, scaled by its tier; the venue's own fund pays none."""
    if account.kind == "FUND":
        return ZERO
    if maker:
        return contract.maker_fee_rate * MAKER_SHARE[account.fee_tier]
    return contract.taker_fee_rate * TAKER_SHARE[account.fee_tier]


def rounded(amount: Decimal) -> Decimal:
    """`amount` as money is kept: eight digits, half to even."""
    return QUOTE.quantize(amount, CENT_8)


def open_position(book: Book, account: Account, position_side: str) -> Position:
    """The position of an account in a symbol, made when there is none."""
    key = book.keys[position_side]
    position = account.positions.get(key)
    if position is None:
        position = Position(symbol=book.symbol, side=position_side, margin_name=f"{account.wallet_name}/{key}")
        account.positions[key] = position
    return position


def clear(
    floor: Floor, book: Book, account: Account, position: Position, qty: Decimal, price: Decimal, rate: Decimal,
    trade_id: int, reason: UpdateReason,
) -> tuple[Decimal, Decimal]:  # fmt: skip
    """Carry a fill of signed `qty` at `price` into position and money; returns the fee paid and the profit realised.

    Call `settle_closed` afterwards, when the fill has been told.
    """
    before = position.qty
    fee = rounded(abs(qty) * price * rate) if rate else ZERO
    holding, realised = filled(Holding(before, position.cost), qty, price)
    ledger = floor.state.ledgers[book.settle]
    if setting_of(account, book.symbol).isolated:
        _clear_isolated(floor, book, account, position, qty, price, fee, realised)
    elif realised:
        ledger.post((account.wallet_name, realised - fee), (book.clearing_name, -realised), (FEES, fee))
    elif fee:
        ledger.move(account.wallet_name, FEES, fee)
    position.qty, position.cost = after, _ = holding
    position.realised += realised
    position.updated_ns = floor.now_ns
    if before > 0:
        book.market.open_interest -= before
    if after > 0:
        book.market.open_interest += after
    _note(floor, book, account, position, reason)
    if realised:
        tell_income(floor, account, "REALIZED_PNL", realised, book, trade_id)
    if fee:
        tell_income(floor, account, "COMMISSION", -fee, book, trade_id)
    return fee, realised


def _note(floor: Floor, book: Book, account: Account, position: Position, reason: UpdateReason) -> None:
    floor.dirty[account.id] = None
    change = floor.change(account.id, reason)
    change.assets.setdefault(book.settle, ZERO)
    change.positions[book.keys[position.side]] = position


def tell_income(floor: Floor, account: Account, kind: IncomeType, amount: Decimal, book: Book, trade_id: int) -> None:
    """One line of an account's income from a trade."""
    floor.out.append(
        Income(
            time_ns=floor.now_ns,
            account=account.id,
            type=kind,
            asset=book.settle,
            amount=amount,
            symbol=book.symbol,
            trade_id=trade_id,
            transfer_id=next_transfer(floor),
        )
    )


def _clear_isolated(
    floor: Floor, book: Book, account: Account, position: Position, qty: Decimal, price: Decimal, fee: Decimal,
    realised: Decimal,
) -> None:  # fmt: skip
    """The money of a fill of an isolated position; a flip is a close and then an opening."""
    held = position.qty
    if not held or (held > 0) == (qty > 0):
        _take_margin(floor, book, account, position, abs(qty) * price, fee)
        return
    opening = abs(qty) - abs(held)
    if opening <= 0:
        _release_margin(floor, book, account, position, abs(qty), fee, realised)
        return
    closing_fee = QUOTE.quantize(QUOTE.divide(fee * abs(held), abs(qty)), CENT_8)
    _release_margin(floor, book, account, position, abs(held), closing_fee, realised)
    _take_margin(floor, book, account, position, opening * price, fee - closing_fee)


def _take_margin(
    floor: Floor, book: Book, account: Account, position: Position, value: Decimal, fee: Decimal
) -> None:  # fmt: skip
    """Margin for `value` more of an isolated position, as far as the cross wallet can spare it, and the fee.

    What the wallet lacks for the fee comes out of the margin.
    """
    ledger = floor.state.ledgers[book.settle]
    in_wallet = _spare(floor, account, book.settle)
    needed = CAUTIOUS.quantize(CAUTIOUS.divide(value, leverage_of(floor, account, book.symbol)), CENT_8)
    margin = min(needed, in_wallet)
    short = max(fee - (in_wallet - margin), ZERO)
    from_margin = min(short, ledger.balance(position.margin_name) + margin)
    ledger.post(
        (account.wallet_name, from_margin - fee - margin), (position.margin_name, margin - from_margin), (FEES, fee)
    )


def _spare(floor: Floor, account: Account, asset: str) -> Decimal:
    """What of the cross wallet may become margin of an isolated position.

    Open profit of cross positions counts, as it does in what is available. What keeps them above maintenance stays:
    else the insurance fund would pay for what the account has put aside.
    """
    figures = cross(floor, account, asset)
    spare = figures.wallet
    if figures.maintenance:
        above = figures.wallet + figures.unrealised - figures.maintenance
        spare = above.quantize(CENT_8, ROUND_DOWN, QUOTE) - CENT_8
    return max(spare, ZERO)


def _release_margin(
    floor: Floor, book: Book, account: Account, position: Position, qty: Decimal, fee: Decimal, realised: Decimal
) -> None:
    """The money of closing `qty` coins of an isolated position, which can lose its margin and nothing more.

    The margin of the part is set free, and what loss and fee leave of it goes to the cross wallet. Where they leave
    nothing the rest of the margin pays, after it the insurance fund, and the house what that cannot.
    """
    ledger = floor.state.ledgers[book.settle]
    margin = ledger.balance(position.margin_name)
    freed = margin
    if qty != abs(position.qty):
        freed = min(margin, QUOTE.quantize(QUOTE.divide(margin * qty, abs(position.qty)), CENT_8))
    result = freed + realised - fee
    from_margin = covered = ZERO
    if result < 0:
        from_margin = min(-result, margin - freed)
        covered = -result - from_margin
        result = ZERO
    ledger.post(
        (account.wallet_name, result),
        (position.margin_name, -freed - from_margin),
        (book.clearing_name, -realised),
        (FEES, fee - covered),
    )
    if covered:
        cover(floor, account, book.settle, covered, FEES, book.symbol)


def cover(floor: Floor, account: Account, asset: str, amount: Decimal, name: str, symbol: str = "") -> None:
    """Pay `amount` that an account cannot to the ledger account `name`: the insurance fund first, then the house.

    Nobody's equity can back the house: what it carries shows as a negative balance.
    """
    ledger = floor.state.ledgers[asset]
    insured = min(amount, max(ledger.balance(INSURANCE), ZERO))
    ledger.post((INSURANCE, -insured), (HOUSE, insured - amount), (name, amount))
    floor.dirty[FUND] = None
    tell_insurance(floor, account.id, asset, amount, symbol)
    if insured:
        tell_insurance(floor, FUND, asset, -insured, symbol)


def tell_insurance(floor: Floor, account_id: int, asset: str, amount: Decimal, symbol: str = "") -> None:
    """One line of income from the insurance fund (positive), or for it."""
    floor.out.append(
        Income(
            time_ns=floor.now_ns,
            account=account_id,
            type="INSURANCE_CLEAR",
            asset=asset,
            amount=amount,
            symbol=symbol,
            transfer_id=next_transfer(floor),
        )
    )


def next_transfer(floor: Floor) -> int:
    """The number of the next movement of money."""
    state = floor.state
    number = state.next_transfer
    state.next_transfer = number + 1
    return number


def settle_closed(floor: Floor, account: Account, position: Position, before: Decimal) -> None:
    """What follows when a fill has closed (or turned round) a position that was `before`; nothing else does anything.

    Its resting reduce-only orders expire, conditional orders that were for it end, and a flat one is removed.
    """
    after = position.qty
    if after and (not before or (after > 0) == (before > 0)):
        return
    symbol = position.symbol
    if position.taken_steps:
        end_reducing(floor, account, symbol, position.side)
    if not after:
        book = floor.books[symbol]
        key = book.keys[position.side]
        if account.positions.get(key) is position:
            floor.state.ledgers[book.settle].close(position.margin_name)
            del account.positions[key]
        account.warned.pop(key, None)
    if account.algos:
        position_closed(floor, account, symbol, position.side)


def pay(floor: Floor, account: Account, asset: str, amount: Decimal, other: str, reason: UpdateReason) -> None:
    """Move `amount` from the ledger account `other` into the cross wallet (negative: out of it) and note the change."""
    floor.state.ledgers[asset].move(other, account.wallet_name, amount)
    floor.dirty[account.id] = None
    change = floor.change(account.id, reason)
    change.assets[asset] = change.assets.get(asset, ZERO) + amount


def tell_changes(floor: Floor) -> None:
    """Emit the AccountUpdated events of the command and forget them."""
    state = floor.state
    for (account_id, reason), change in floor.changed.items():
        account = state.accounts[account_id]
        balances = []
        for asset, amount in change.assets.items():
            ledger = state.ledgers[asset]
            cross = ledger.balance(account.wallet_name)
            balances.append(
                BalanceNow(
                    asset=asset,
                    wallet=cross + isolated_margins(account, ledger, floor),
                    cross_wallet=cross,
                    change=amount,
                )
            )
        floor.out.append(
            AccountUpdated(
                time_ns=floor.now_ns,
                account=account_id,
                reason=reason,
                balances=tuple(balances),
                positions=tuple(position_now(floor, account, position) for position in change.positions.values()),
            )
        )
    floor.changed.clear()


def isolated_margins(account: Account, ledger: Ledger, floor: Floor) -> Decimal:
    """What an account has set aside for isolated positions in one asset."""
    found = ZERO
    for position in account.positions.values():
        if floor.state.markets[position.symbol].contract.settle == ledger.asset:
            found += ledger.balance(position.margin_name)
    return found
