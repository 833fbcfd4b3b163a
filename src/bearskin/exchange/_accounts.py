"""Accounts, their money and their choices."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from bearskin.exchange import _figures
from bearskin.exchange._codes import Code
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._listing import leverage_max, notional_cap
from bearskin.exchange._state import ZERO, Account, Contract, Position, Setting
from bearskin.exchange._words import (
    AccountOpened,
    AddMargin,
    Deposit,
    Income,
    IncomeType,
    MarginMoved,
    OpenAccount,
    Refused,
    SetCountdown,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SettingChanged,
    Transfer,
    UpdateReason,
)
from bearskin.ledger import CENT_8, Ledger
from bearskin.terms import QUOTE

FEE_TIERS = 10  # tiers 0 to 9
_AMOUNT_MAX = Decimal(10) ** 15  # more play money than this is a slip of the keyboard
_COUNTDOWN_NS_MAX = 10**18  # about thirty years


def open_account(floor: Floor, command: OpenAccount) -> Refused | None:
    """Open an account, or a sub-account of one; sub-accounts have none of their own."""
    state = floor.state
    if command.parent is not None:
        parent = state.accounts.get(command.parent)
        if parent is None or parent.id == FUND:
            return _no_account(floor, command.parent)
        if parent.parent is not None:
            return floor.no(Code.INVALID_PARAMETER, "A sub-account cannot have sub-accounts.")
    if not 0 <= command.fee_tier < FEE_TIERS:
        return floor.no(Code.INVALID_PARAMETER, f"The fee tier was {command.fee_tier}, it lies between 0 and 9.")
    number = state.next_account
    state.next_account += 1
    state.accounts[number] = Account(
        id=number,
        name=command.name,
        kind=command.kind,
        wallet_name=f"user/{number}",
        spot_name=f"spot/{number}",
        parent=command.parent,
        fee_tier=command.fee_tier,
    )
    floor.out.append(AccountOpened(time_ns=floor.now_ns, account=number, name=command.name))
    return None


def deposit(floor: Floor, command: Deposit) -> Refused | None:
    """Play money in from outside, or (negative) what is free back out."""
    account = floor.state.accounts.get(command.account)
    if account is None:
        return _no_account(floor, command.account)
    amount, asset = command.amount, command.asset
    refused = _bad_amount(floor, amount.copy_abs()) or _bad_asset(floor, asset)
    if refused is not None:
        return refused
    if amount < 0 and -amount > movable(floor, account, asset):
        return floor.no(Code.BALANCE_NOT_SUFFICIENT, "Balance is insufficient.")
    _ledger(floor, asset).move("outside", account.wallet_name, amount)
    _told(floor, account, asset, amount, "DEPOSIT" if amount > 0 else "WITHDRAW", "TRANSFER", _transfer_id(floor))
    return None


def transfer(floor: Floor, command: Transfer) -> Refused | None:
    """Between the wallets of one owner: futures and spot, an account and its sub-accounts.

    Refused: amounts that are not positive or have more than eight digits, accounts of different owners, more than is
    free (-2018).
    """
    accounts = floor.state.accounts
    source, target = accounts.get(command.source), accounts.get(command.target)
    if source is None or target is None:
        return _no_account(floor, command.source if source is None else command.target)
    amount, asset = command.amount, command.asset
    from_futures, to_futures = command.source_wallet == "FUTURES", command.target_wallet == "FUTURES"
    refused = _bad_amount(floor, amount) or _bad_asset(floor, asset)
    if refused is not None:
        return refused
    if _owner(source) != _owner(target):
        return floor.no(Code.INVALID_PARAMETER, "The two accounts do not have the same owner.")
    if source is target and from_futures == to_futures:
        return floor.no(Code.INVALID_PARAMETER, "Source and target are the same wallet.")
    ledger = _ledger(floor, asset)
    free = movable(floor, source, asset) if from_futures else ledger.balance(source.spot_name)
    if amount > free:
        return floor.no(Code.BALANCE_NOT_SUFFICIENT, "Balance is insufficient.")
    number = _transfer_id(floor)
    ledger.move(
        source.wallet_name if from_futures else source.spot_name,
        target.wallet_name if to_futures else target.spot_name,
        amount,
    )
    inside = from_futures and to_futures
    income: IncomeType = "INTERNAL_TRANSFER" if inside else "TRANSFER"
    if from_futures:
        _told(floor, source, asset, -amount, "ASSET_TRANSFER" if inside else "WITHDRAW", income, number)
    if to_futures:
        _told(floor, target, asset, amount, "ASSET_TRANSFER" if inside else "DEPOSIT", income, number)
    return None


def movable(floor: Floor, account: Account, asset: str) -> Decimal:
    """What may leave the cross wallet: what is available, of what is really in it, never up to a liquidation.

    Open profit is not paid out, and where brackets ask for more than the initial margin (a position that has grown)
    the account stays above its maintenance margin.
    """
    figures = _figures.cross(floor, account, asset)
    free = min(_figures.available(floor, account, asset), figures.wallet)
    if figures.maintenance:
        above = figures.wallet + figures.unrealised - figures.maintenance - CENT_8
        free = min(free, above)
    return max(free, ZERO)


def set_leverage(floor: Floor, command: SetLeverage) -> Refused | None:
    """Set the leverage of a symbol.

    Refused: outside what the brackets allow (-4028), a position and orders too large for it (-2027), lower with an
    isolated position (-4161), lower with too little free for the margin it asks for (-2028).
    """
    account = _trader(floor, command.account)
    if account is None:
        return _no_account(floor, command.account)
    market = floor.state.markets.get(command.symbol)
    if market is None:
        return _no_symbol(floor)
    contract, leverage = market.contract, command.leverage
    if not 1 <= leverage <= leverage_max(contract):
        return floor.no(Code.BAD_LEVERAGE, f"Leverage {leverage} is not valid")
    before = Setting(
        leverage=_figures.leverage_of(floor, account, command.symbol),
        isolated=_figures.setting_of(account, command.symbol).isolated,
    )
    if leverage == before.leverage:
        return None
    if _notional_used(floor, account, contract) > notional_cap(contract, leverage):
        return floor.no(Code.MAX_LEVERAGE_RATIO, "Exceeded the maximum allowable position at current leverage.")
    if leverage < before.leverage:
        refused = _lower(floor, account, contract, before, leverage)
        if refused is not None:
            return refused
    setting = account.settings.get(command.symbol)
    if setting is None:
        setting = account.settings[command.symbol] = Setting(leverage=before.leverage, isolated=before.isolated)
    setting.leverage = leverage
    floor.dirty[account.id] = None
    floor.out.append(SettingChanged(time_ns=floor.now_ns, account=account.id, symbol=command.symbol, leverage=leverage))
    return None


def set_margin_mode(floor: Floor, command: SetMarginMode) -> Refused | None:
    """Isolated or cross, for a symbol without position (-4048) and orders (-4047); the same again is -4046."""
    account = _trader(floor, command.account)
    if account is None:
        return _no_account(floor, command.account)
    symbol = command.symbol
    if symbol not in floor.state.markets:
        return _no_symbol(floor)
    before = _figures.setting_of(account, symbol)
    if before.isolated == command.isolated:
        return floor.no(Code.MARGIN_TYPE_SAME, "No need to change margin type.")
    if _has_orders(floor, account, symbol):
        return floor.no(Code.MARGIN_TYPE_ORDERS, "Margin type cannot be changed if there exists open orders.")
    if any(position.symbol == symbol for position in account.positions.values()):
        return floor.no(Code.MARGIN_TYPE_POSITION, "Margin type cannot be changed if there exists position.")
    setting = account.settings.get(symbol)
    if setting is None:
        setting = account.settings[symbol] = Setting(leverage=before.leverage, isolated=before.isolated)
    setting.isolated = command.isolated
    floor.out.append(SettingChanged(time_ns=floor.now_ns, account=account.id, symbol=symbol, isolated=command.isolated))
    # the venue also tells it as an account update with flat positions
    told = floor.change(account.id, "MARGIN_TYPE_CHANGE").positions
    for side in ("LONG", "SHORT") if account.dual else ("BOTH",):
        key = f"{symbol}/{side}"
        told[key] = Position(symbol=symbol, side=side, margin_name=f"user/{account.id}/{key}", updated_ns=floor.now_ns)
    return None


def set_position_mode(floor: Floor, command: SetPositionMode) -> Refused | None:
    """Hedge or one-way, for an account without orders (-4067) and positions (-4068); the same again is -4059."""
    account = _trader(floor, command.account)
    if account is None:
        return _no_account(floor, command.account)
    if account.dual == command.dual:
        return floor.no(Code.POSITION_SIDE_SAME, "No need to change position side.")
    if account.orders or account.algos:
        return floor.no(Code.POSITION_SIDE_ORDERS, "Position side cannot be changed if there exists open orders.")
    if account.positions:
        return floor.no(Code.POSITION_SIDE_POSITION, "Position side cannot be changed if there exists position.")
    account.dual = command.dual
    floor.out.append(SettingChanged(time_ns=floor.now_ns, account=account.id, dual=command.dual))
    return None


def add_margin(floor: Floor, command: AddMargin) -> Refused | None:
    """More margin for an isolated position, or (negative) less: what it has beyond its initial margin at mark.

    Refused: cross (-4049), no position (-4054), more than is free in the wallet (-4050) or in the position (-4051).
    """
    account = _trader(floor, command.account)
    if account is None:
        return _no_account(floor, command.account)
    symbol, amount = command.symbol, command.amount
    market = floor.state.markets.get(symbol)
    if market is None:
        return _no_symbol(floor)
    refused = _bad_amount(floor, amount.copy_abs())
    if refused is not None:
        return refused
    if (command.position_side != "BOTH") != account.dual:
        return floor.no(Code.POSITION_SIDE_UNMATCHED, "Order's position side does not match user's setting.")
    if not _figures.setting_of(account, symbol).isolated:
        return floor.no(Code.CROSS_MARGIN_ADD, "Add margin only support for isolated position.")
    key = f"{symbol}/{command.position_side}"
    position = account.positions.get(key)
    if position is None:
        return floor.no(Code.NO_POSITION_MARGIN, "Cannot add position margin: position is 0.")
    asset = market.contract.settle
    if amount > 0 and amount > movable(floor, account, asset):
        return floor.no(Code.CROSS_BALANCE_SHORT, "Cross balance insufficient.")
    if amount < 0 and -amount > removable(floor, account, position):
        return floor.no(Code.ISOLATED_BALANCE_SHORT, "Isolated balance insufficient.")
    _ledger(floor, asset).move(account.wallet_name, position.margin_name, amount)
    position.updated_ns = floor.now_ns
    floor.dirty[account.id] = None
    change = floor.change(account.id, "MARGIN_TRANSFER")
    # the wallet as a whole has not changed, only how it is split
    change.assets[asset] = change.assets.get(asset, ZERO)
    change.positions[key] = position
    floor.out.append(
        MarginMoved(
            time_ns=floor.now_ns,
            account=account.id,
            symbol=symbol,
            position_side=command.position_side,
            amount=amount,
            asset=asset,
        )
    )
    return None


def removable(floor: Floor, account: Account, position: Position) -> Decimal:
    """What may be taken from the margin of an isolated position.

    Its equity at mark keeps the initial margin and stays above maintenance, and the margin itself never goes below
    zero: open profit stands in for margin but is not paid out.
    """
    margin = _figures.margin_of(floor, position)
    equity = margin + _figures.unrealised(floor, position)
    leverage = _figures.leverage_of(floor, account, position.symbol)
    initial = initial_margin_up(abs(position.qty) * _figures.mark_of(floor, position.symbol), leverage)
    above = equity - _figures.maintenance_of(floor, position) - CENT_8
    return max(min(margin, equity - initial, above), ZERO)


def set_countdown(floor: Floor, command: SetCountdown) -> Refused | None:
    """Cancel all open orders of a symbol unless heard from again in time; zero ends the countdown."""
    account = _trader(floor, command.account)
    if account is None:
        return _no_account(floor, command.account)
    if command.symbol not in floor.state.markets:
        return _no_symbol(floor)
    if not 0 <= command.after_ns <= _COUNTDOWN_NS_MAX:
        return floor.no(Code.INVALID_PARAMETER, "Data sent for parameter 'countdownTime' is not valid.")
    if command.after_ns:
        account.countdowns[command.symbol] = floor.now_ns + command.after_ns
        floor.triggers.note_countdown(account, command.symbol)
    else:
        account.countdowns.pop(command.symbol, None)
    return None


def initial_margin_up(notional: Decimal, leverage: int) -> Decimal:
    """Initial margin of a notional, rounded up to eight digits: what is asked for errs on the safe side."""
    return QUOTE.divide(notional, Decimal(leverage)).quantize(CENT_8, ROUND_UP, QUOTE)


def _notional_used(floor: Floor, account: Account, contract: Contract) -> Decimal:
    """The larger side of positions at mark and resting orders that would add to them."""
    symbol = contract.symbol
    most = ZERO
    for side in ("BOTH", "LONG", "SHORT"):
        key = f"{symbol}/{side}"
        position, reserve = account.positions.get(key), account.reserves.get(key)
        if position is None and reserve is None:
            continue
        held = ZERO if position is None else position.qty * _figures.mark_of(floor, symbol)
        up, down = (ZERO, ZERO) if reserve is None else (reserve.bid, reserve.ask)
        most = max(most, abs(held), abs(held + up), abs(held - down))
    return most


def _lower(floor: Floor, account: Account, contract: Contract, before: Setting, leverage: int) -> Refused | None:
    """Whether the account can bear the larger margin that a lower leverage asks for."""
    symbol = contract.symbol
    held = ZERO
    for position in account.positions.values():
        if position.symbol == symbol:
            held += abs(position.qty) * _figures.mark_of(floor, symbol)
    if held and before.isolated:
        return floor.no(
            Code.LEVERAGE_ISOLATED, "Leverage reduction is not supported in Isolated Margin Mode with open positions."
        )
    orders_before = _figures.open_order_margin(floor, account, symbol)
    if not held and not orders_before:
        return None
    # margin goes with 1 / leverage, for positions and orders alike
    more = initial_margin_up(held, leverage) - initial_margin_up(held, before.leverage)
    more += initial_margin_up(orders_before * before.leverage, leverage) - orders_before
    if more > _figures.available(floor, account, contract.settle):
        return floor.no(Code.MIN_LEVERAGE_RATIO, "Leverage is smaller than permitted: insufficient margin balance.")
    return None


def _has_orders(floor: Floor, account: Account, symbol: str) -> bool:
    if account.order_counts.get(symbol, 0):
        return True
    algos = floor.state.algos
    return any(algos[number].symbol == symbol for number in account.algos)


def _owner(account: Account) -> int:
    return account.id if account.parent is None else account.parent


def _ledger(floor: Floor, asset: str) -> Ledger:
    ledgers = floor.state.ledgers
    ledger = ledgers.get(asset)
    if ledger is None:
        ledger = ledgers[asset] = Ledger(asset=asset)
    return ledger


def _transfer_id(floor: Floor) -> int:
    number = floor.state.next_transfer
    floor.state.next_transfer = number + 1
    return number


def _told(
    floor: Floor, account: Account, asset: str, amount: Decimal, reason: UpdateReason, income: IncomeType, number: int
) -> None:
    """Note that money came into (or left) the cross wallet of an account from elsewhere."""
    floor.dirty[account.id] = None
    assets = floor.change(account.id, reason).assets
    assets[asset] = assets.get(asset, ZERO) + amount
    floor.out.append(
        Income(time_ns=floor.now_ns, account=account.id, type=income, asset=asset, amount=amount, transfer_id=number)
    )


def _bad_amount(floor: Floor, amount: Decimal) -> Refused | None:
    """The refusal of an amount that is not a positive number of at most eight digits."""
    if not amount.is_finite() or amount >= _AMOUNT_MAX:
        return floor.no(Code.INVALID_PARAMETER, "Data sent for parameter 'amount' is not valid.")
    if amount <= 0:
        return floor.no(Code.AMOUNT_NOT_POSITIVE, "Amount must be positive.")
    if amount != amount.quantize(CENT_8, ROUND_DOWN, QUOTE):
        return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
    return None


def _bad_asset(floor: Floor, asset: str) -> Refused | None:
    """Only what some contract settles in has wallets: a typing error must not open a currency."""
    if asset == "USDT" or asset in floor.state.ledgers:
        return None
    return floor.no(Code.INVALID_PARAMETER, "Data sent for parameter 'asset' is not valid.")


def _trader(floor: Floor, number: int) -> Account | None:
    """The account that makes its own choices; the insurance fund makes none: what it holds is always one-way, cross."""
    return None if number == FUND else floor.state.accounts.get(number)


def _no_account(floor: Floor, number: int) -> Refused:
    if number == FUND:
        return floor.no(Code.INVALID_PARAMETER, "Account 1 is the insurance fund.")
    return floor.no(Code.INVALID_PARAMETER, f"There is no account {number}.")


def _no_symbol(floor: Floor) -> Refused:
    return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
