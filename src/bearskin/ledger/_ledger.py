"""Accounts, postings and the zero-sum check of one asset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal

import msgspec

CENT_8 = Decimal("0.00000001")  # what an amount is rounded to wherever a rate or a share makes it longer
_ZERO = Decimal(0)


class Unbalanced(AssertionError):
    """A posting whose legs do not sum to zero: a bug of ours, nothing was posted."""


class Ledger(msgspec.Struct, kw_only=True):
    """The balances of one asset by account name; an account that was never posted to has none.

    All amounts are exact: run it in a context that traps inexact results (`bearskin.margin.deciding`).
    """

    asset: str
    balances: dict[str, Decimal] = {}

    def post(self, *legs: tuple[str, Decimal]) -> None:
        """Add each amount to its account; raises Unbalanced, with nothing posted, when they do not sum to zero."""
        total = _ZERO
        for leg in legs:
            total += leg[1]
        if total:
            raise Unbalanced(f"{self.asset}: {legs} sum to {total}")
        balances = self.balances
        for name, amount in legs:
            balances[name] = balances.get(name, _ZERO) + amount

    def move(self, source: str, target: str, amount: Decimal) -> None:
        """Take `amount` from one account and give it to the other; a negative amount goes the other way."""
        balances = self.balances
        balances[source] = balances.get(source, _ZERO) - amount
        balances[target] = balances.get(target, _ZERO) + amount

    def balance(self, name: str) -> Decimal:
        """What the account holds; zero for one never posted to."""
        return self.balances.get(name, _ZERO)

    def close(self, name: str) -> None:
        """Forget an empty account; raises Unbalanced when something is left in it."""
        if self.balances.get(name, _ZERO):
            raise Unbalanced(f"{self.asset}: {name} still holds {self.balances[name]}")
        self.balances.pop(name, None)

    def sums(self) -> dict[str, Decimal]:
        """The balances summed by the first part of the account's name (`user`, `fees`, ...), in order of name."""
        sums: dict[str, Decimal] = {}
        for name in sorted(self.balances):
            head = name.partition("/")[0]
            sums[head] = sums.get(head, _ZERO) + self.balances[name]
        return sums

    def total(self) -> Decimal:
        """The sum over all accounts: zero, or the books are wrong."""
        return sum(self.balances.values(), _ZERO)


def digest(parts: Iterable[bytes]) -> str:
    """The hash by which two states are told apart: 32 hex digits over the parts in order."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()
