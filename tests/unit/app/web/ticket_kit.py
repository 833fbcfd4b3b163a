"""A case to price tickets in: an account of 10,000, Bitcoin quoted at 60,000, no bot in the way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from golden.figures import brackets

from bearskin import market
from bearskin.app.web._draft import Draft
from bearskin.app.web._ticket_case import Case, Facts, Quote, Rules
from bearskin.risk import Exposure
from bearskin.terms import Product

D = Decimal
BTC = "BTCUSDT"


def case(equity: str | None = "10000", price: str = "60000", *, snapshot: str | None = None, **changes: Any) -> Case:
    """The case; `changes` are fields of it, or rules by their names."""
    zero = D(0)
    facts = Facts(
        instrument=market.instrument_of("binance", BTC, Product.LINEAR),
        brackets=market.load_brackets().get("binance", BTC, Product.LINEAR) if snapshot is None else brackets(snapshot),
    )
    account = None if equity is None else Exposure(D(equity), D(equity), zero, zero, zero)
    made = Case(
        quote=Quote(bid=D(price), ask=D(price), mark=D(price), rate=D("0.0001"), source="the bot"),
        facts=facts,
        account=account,
        wallet=None if equity is None else D(equity),
        rules=Rules(slippage_frac=zero),
    )
    return replace(made, **changes)


def draft(**changes: Any) -> Draft:
    """A short sized for a stop at 62,500."""
    return Draft(**{"symbol": BTC, "stop": D(62_500)} | changes)
