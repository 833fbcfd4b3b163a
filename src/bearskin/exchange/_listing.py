"""What is traded, and on which terms."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from bearskin.exchange._codes import Code
from bearskin.exchange._floor import Floor
from bearskin.exchange._rebuild import open_book, take_terms
from bearskin.exchange._state import Account, BracketRow, Contract, Market
from bearskin.exchange._words import ListContract, Listed, Refused, SettingChanged, SetTrading
from bearskin.margin import Tiers, tiers_of
from bearskin.terms import HOUR_NS, QUOTE, BadInput, Bracket, Brackets, Instrument, Product

_FAR = 10_000_000  # ticks and steps up to which prices and orders go where the instrument names no bound
_NAME_MAX = 40
INTERVALS_H = (1, 2, 3, 4, 6, 8, 12, 24)  # of funding: those that divide a day
_WHOLE_MAX = 2**63 - 1  # what a journal can write down
# coins whose index sources are held closer to each other, by the venue's rule
_CLOSE_BASES = ("BTC", "ETH", "BNB", "SOL", "XRP", "USDC")
# coins whose funding the venue holds closer: to three quarters of the first bracket's maintenance rate
_CAPPED_BASES = ("BTC", "ETH", "BNB", "SOL", "ADA", "XRP", "DOGE")
_CAP_SHARE, _CAP_RATE = Decimal("0.75"), Decimal("0.02")
_POSITIVE = (
    "tick", "step", "min_price", "max_price", "min_qty", "max_qty", "market_max_qty", "multiplier_up", "impact_margin",
)  # fmt: skip
_NOT_NEGATIVE = (
    "min_notional", "multiplier_down", "market_take_bound", "trigger_protect", "liquidation_fee_rate",
    "maker_fee_rate", "taker_fee_rate", "funding_cap_rate", "index_cap_rate",
)  # fmt: skip
_SHARES = ("liquidation_fee_rate", "maker_fee_rate", "taker_fee_rate", "interest_rate_8h")


def contract_of(instrument: Instrument, brackets: Brackets, /, **terms: object) -> Contract:
    """A contract from an instrument and its brackets; `terms` replace single fields of it.

    Bounds of price and size are not part of an instrument: they are set so wide that the brackets bind first. Raises
    BadInput for what is no linear perpetual, UnknownBrackets or BadInput for brackets that do not hold together.
    """
    if instrument.product is not Product.LINEAR:
        raise BadInput(f"{instrument.symbol} is {instrument.product.value}, the exchange lists linear perpetuals")
    tiers_of(brackets, Decimal)
    contract = Contract(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        settle=instrument.settle,
        tick=instrument.tick,
        step=instrument.step,
        min_price=instrument.tick,
        max_price=instrument.tick * _FAR,
        min_qty=instrument.min_qty,
        max_qty=instrument.step * _FAR,
        market_max_qty=instrument.market_max_qty or instrument.step * _FAR,
        min_notional=instrument.min_notional,
        brackets=tuple(
            BracketRow(floor=row.floor, cap=row.cap, mmr=row.mmr, max_leverage=row.max_leverage, cum=row.cum)
            for row in brackets.rows
        ),
        liquidation_fee_rate=instrument.liquidation_fee_rate,
        maker_fee_rate=instrument.maker_fee_rate,
        taker_fee_rate=instrument.taker_fee_rate,
        funding_cap_rate=brackets.rows[0].mmr * _CAP_SHARE if instrument.base in _CAPPED_BASES else _CAP_RATE,
        interest_rate_8h=Decimal(0) if instrument.base == "BNB" else Decimal("0.0001"),
        index_cap_rate=Decimal("0.01") if instrument.base in _CLOSE_BASES else Decimal("0.03"),
    )
    changes: dict[str, Any] = dict(terms)
    return msgspec.structs.replace(contract, **changes)


def tiers_from(contract: Contract) -> Tiers[Decimal]:
    """The maintenance brackets of a contract as columns; raises BadInput when they do not hold together."""
    rows = tuple(
        Bracket(floor=row.floor, cap=row.cap, mmr=row.mmr, max_leverage=row.max_leverage, cum=row.cum)
        for row in contract.brackets
    )
    return tiers_of(Brackets(venue="exchange", symbol=contract.symbol, snapshot="as listed", rows=rows), Decimal)


def list_contract(floor: Floor, command: ListContract) -> Refused | None:
    """List a contract, or change the terms of a listed one.

    New terms hold for what comes after; resting orders stay as they are. Everyone with a position is looked at again
    under new brackets, and leverage that they no longer allow falls to what they do. Tick, step and currencies can only
    change while nobody has an order or a position, which are counted in them.
    """
    contract = command.contract
    for fault in _faults(contract):
        return floor.no(Code.INVALID_PARAMETER, f"The terms of {contract.symbol[:_NAME_MAX]} do not hold: {fault}.")
    state = floor.state
    market = state.markets.get(contract.symbol)
    if market is None:
        market = Market(
            contract=contract,
            interval_h=contract.funding_interval_h,
            next_funding_ns=_next_multiple(floor.now_ns, contract.funding_interval_h),
        )
        state.markets[contract.symbol] = market
        open_book(floor, market)
    else:
        before = market.contract
        if _units(before) != _units(contract):
            if _in_use(floor, contract.symbol):
                return floor.no(Code.INVALID_PARAMETER, "Tick, step and currencies are in use.")
            if market.last_price is not None:
                last = QUOTE.divide(market.last_price, contract.tick).to_integral_value(ROUND_HALF_EVEN)
                market.last_ticks = int(last)
                market.last_price = last * contract.tick
        market.contract = contract
        if _units(before) != _units(contract):
            open_book(floor, market)
        floor.books[contract.symbol].refresh()
        if before.funding_interval_h != contract.funding_interval_h:
            market.interval_h = contract.funding_interval_h
            market.next_funding_ns = _next_multiple(floor.now_ns, contract.funding_interval_h)
        if before.brackets != contract.brackets:
            _new_brackets(floor, contract)
    floor.out.append(Listed(time_ns=floor.now_ns, symbol=contract.symbol, status=market.status))
    return None


def set_trading(floor: Floor, command: SetTrading) -> Refused | None:
    """Open or halt a symbol; a halted one takes cancels only."""
    market = floor.state.markets.get(command.symbol)
    if market is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    market.status = command.status
    floor.out.append(Listed(time_ns=floor.now_ns, symbol=command.symbol, status=command.status))
    return None


def _new_brackets(floor: Floor, contract: Contract) -> None:
    symbol = contract.symbol
    take_terms(floor, contract)
    most = leverage_max(contract)
    for account in floor.state.accounts.values():
        setting = account.settings.get(symbol)
        if setting is not None and setting.leverage > most:
            setting.leverage = most
            floor.out.append(SettingChanged(time_ns=floor.now_ns, account=account.id, symbol=symbol, leverage=most))
            floor.dirty[account.id] = None
        if _holds(account, symbol):
            floor.dirty[account.id] = None


def leverage_max(contract: Contract) -> int:
    """The highest leverage any of the brackets allows."""
    return max(row.max_leverage for row in contract.brackets)


def notional_cap(contract: Contract, leverage: int) -> Decimal:
    """The largest notional that may be held at `leverage`: the cap of the highest bracket that allows it."""
    return max((row.cap for row in contract.brackets if row.max_leverage >= leverage), default=Decimal(0))


def _units(contract: Contract) -> tuple[object, ...]:
    return (contract.tick, contract.step, contract.base, contract.quote, contract.settle)


def _in_use(floor: Floor, symbol: str) -> bool:
    """Whether anyone has an order, a conditional order or a position in the symbol."""
    state = floor.state
    return (
        any(order.symbol == symbol for order in state.orders.values())
        or any(algo.symbol == symbol for algo in state.algos.values())
        or any(
            position.symbol == symbol for account in state.accounts.values() for position in account.positions.values()
        )
    )


def _holds(account: Account, symbol: str) -> bool:
    return any(position.symbol == symbol for position in account.positions.values())


def _next_multiple(now_ns: int, hours: int) -> int:
    """The first multiple of `hours` since the epoch after now: where funding settles."""
    interval_ns = hours * HOUR_NS
    return now_ns - now_ns % interval_ns + interval_ns


def _readable(value: Decimal) -> bool:
    """Whether a number is small and short enough to be reckoned with exactly; asked without reckoning.

    A price, a quantity and a rate of twelve places each have a product that fits into the sixty digits of the context.
    """
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -12 and (not value or value.adjusted() < 18)


def _faults(contract: Contract) -> Iterator[str]:
    for name in ("symbol", "base", "quote", "settle"):
        word = getattr(contract, name)
        if not 0 < len(word) <= _NAME_MAX or not word.isprintable() or "/" in word or " " in word:
            yield f"its {name} has to be a word of at most {_NAME_MAX} letters without a slash"
            return
    numbers = list(msgspec.structs.asdict(contract).items())
    for row in contract.brackets:
        numbers += msgspec.structs.asdict(row).items()
    for name, value in numbers:
        if isinstance(value, Decimal) and not _readable(value):
            yield f"{name} was {value:.6g}, it has to be a number of at most 12 places and below 10^18"
            return
        if isinstance(value, int) and not 0 <= value <= _WHOLE_MAX:
            yield f"{name} was {value}, it has to be between 0 and {_WHOLE_MAX}"
            return
    for name in _POSITIVE:
        if getattr(contract, name) <= 0:
            yield f"{name} was {getattr(contract, name):f}, it has to be positive"
            return
    for name in _NOT_NEGATIVE:
        if getattr(contract, name) < 0:
            yield f"{name} was {getattr(contract, name):f}, it cannot be negative"
    for name in _SHARES:
        if abs(getattr(contract, name)) > 1:
            yield f"{name} was {getattr(contract, name):f}, it cannot be more than 1"
    for name, grid in (("min_price", contract.tick), ("min_qty", contract.step)):
        if QUOTE.remainder(getattr(contract, name), grid):
            yield f"{name} was not a multiple of {grid:f}"
    if contract.funding_interval_h not in INTERVALS_H:
        yield f"the funding interval was {contract.funding_interval_h} h, it has to divide a day"
    leverages = [row.max_leverage for row in contract.brackets]
    if any(leverage < 1 for leverage in leverages) or leverages != sorted(leverages, reverse=True):
        yield "every bracket has to allow a leverage of 1 or more, and a higher one no more than the one below"
    try:
        tiers_from(contract)
    except BadInput as fault:
        yield str(fault)
