"""One position's arithmetic in its settle currency: linear and inverse formulas behind the same questions.

Sizing and planning ask what a position is worth, gains and survives without caring how the contract pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from bearskin import margin
from bearskin.terms import Brackets, Instrument

ZERO = Decimal(0)
Columns = margin.Tiers[Decimal]


@lru_cache(maxsize=1024)
def tiers(brackets: Brackets) -> Columns:
    """Bracket columns in Decimal, checked and converted once per snapshot and symbol."""
    return margin.tiers_of(brackets, Decimal)


class Payoff(Protocol):
    """What every contract answers; `qty` is signed, money is in the settle currency, None is "no such price"."""

    def value(self, qty: Decimal, price: Decimal) -> Decimal:
        """Unsigned notional at `price`."""
        ...

    def profit(self, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
        """Unrealised profit at `mark`."""
        ...

    def is_liquidated(self, columns: Columns, qty: Decimal, entry: Decimal, mark: Decimal, wallet: Decimal) -> bool:
        """Equity at or below maintenance."""
        ...

    def liquidation_price(self, columns: Columns, qty: Decimal, entry: Decimal, wallet: Decimal) -> Decimal | None:
        """Where equity meets maintenance."""
        ...

    def bankruptcy_price(self, qty: Decimal, entry: Decimal, wallet: Decimal) -> Decimal | None:
        """Where equity is gone."""
        ...

    def wallet_needed(self, columns: Columns, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
        """The wallet at which the position is liquidated exactly at `mark`; living there takes strictly more."""
        ...

    def funding_received(self, qty: Decimal, mark: Decimal, rate: Decimal) -> Decimal:
        """Funding of one settlement; positive is received."""
        ...

    def break_even(self, qty: Decimal, entry: Decimal, fee_in_rate: Decimal, fee_out_rate: Decimal) -> Decimal:
        """Where closing leaves nothing after both fees."""
        ...


class Linear:
    """Margined and settled in the quote currency; quantity in base units."""

    def value(self, qty: Decimal, price: Decimal) -> Decimal:
        """Unsigned notional in quote."""
        return margin.notional(qty, price)

    def profit(self, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
        """Unrealised profit in quote."""
        return margin.profit(qty, qty * entry, mark)

    def is_liquidated(self, columns: Columns, qty: Decimal, entry: Decimal, mark: Decimal, wallet: Decimal) -> bool:
        """Equity at or below maintenance."""
        return margin.is_liquidated(columns, qty, qty * entry, mark, wallet)

    def liquidation_price(self, columns: Columns, qty: Decimal, entry: Decimal, wallet: Decimal) -> Decimal | None:
        """Where equity meets maintenance."""
        return margin.liquidation_price(columns, qty, qty * entry, wallet) or None

    def bankruptcy_price(self, qty: Decimal, entry: Decimal, wallet: Decimal) -> Decimal | None:
        """Where equity is gone."""
        return margin.bankruptcy_price(qty, qty * entry, wallet) or None

    def wallet_needed(self, columns: Columns, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
        """The wallet at which the position is liquidated exactly at `mark`."""
        return margin.wallet_needed(columns, qty, qty * entry, mark)

    def funding_received(self, qty: Decimal, mark: Decimal, rate: Decimal) -> Decimal:
        """Funding of one settlement; positive is received."""
        return margin.funding_received(qty, mark, rate)

    def break_even(self, qty: Decimal, entry: Decimal, fee_in_rate: Decimal, fee_out_rate: Decimal) -> Decimal:
        """Where closing leaves nothing after both fees."""
        return margin.break_even_price_all_in(qty, qty * entry, fee_in_rate, fee_out_rate)


@dataclass(frozen=True, slots=True)
class Inverse:
    """Margined and settled in the coin; quantity in contracts of `contract_size` quote units."""

    contract_size: Decimal

    def value(self, qty: Decimal, price: Decimal) -> Decimal:
        """Unsigned notional in coin."""
        return margin.inverse_notional(qty * self.contract_size, price)

    def profit(self, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
        """Unrealised profit in coin."""
        face = qty * self.contract_size
        return margin.inverse_profit(face, face / entry, mark)

    def is_liquidated(self, columns: Columns, qty: Decimal, entry: Decimal, mark: Decimal, wallet: Decimal) -> bool:
        """Equity at or below maintenance."""
        face = qty * self.contract_size
        return margin.inverse_is_liquidated(columns, face, face / entry, mark, wallet)

    def liquidation_price(self, columns: Columns, qty: Decimal, entry: Decimal, wallet: Decimal) -> Decimal | None:
        """Where equity meets maintenance."""
        face = qty * self.contract_size
        return margin.inverse_liquidation_price(columns, face, face / entry, wallet) or None

    def bankruptcy_price(self, qty: Decimal, entry: Decimal, wallet: Decimal) -> Decimal | None:
        """Where equity is gone."""
        face = qty * self.contract_size
        return margin.inverse_bankruptcy_price(face, face / entry, wallet) or None

    def wallet_needed(self, columns: Columns, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
        """The wallet at which the position is liquidated exactly at `mark`."""
        face = qty * self.contract_size
        return margin.inverse_wallet_needed(columns, face, face / entry, mark)

    def funding_received(self, qty: Decimal, mark: Decimal, rate: Decimal) -> Decimal:
        """Funding of one settlement; positive is received."""
        return margin.inverse_funding_received(qty * self.contract_size, mark, rate)

    def break_even(self, qty: Decimal, entry: Decimal, fee_in_rate: Decimal, fee_out_rate: Decimal) -> Decimal:
        """Where closing leaves nothing after both fees.

        Solves `face/entry - face/price = |face| (fee_in_rate/entry + fee_out_rate/price)`: with the sign of the face
        cancelled, `price = entry (1 + side fee_out_rate) / (1 - side fee_in_rate)`.
        """
        side = 1 if qty > 0 else -1
        return entry * (1 + side * fee_out_rate) / (1 - side * fee_in_rate)


_LINEAR = Linear()


def payoff_of(instrument: Instrument) -> Payoff:
    """The arithmetic of the instrument's product."""
    return Inverse(instrument.contract_size) if instrument.inverse else _LINEAR
