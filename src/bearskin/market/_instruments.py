"""Tick, step and contract size of every instrument we have data of: a dated snapshot inside the package.

Live trading reads the venue's own filters; this is for plans and backtests without a network. Where each figure comes
from stands in `Instrument.source`.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any, Final

from bearskin.market._near import near
from bearskin.terms import Instrument, Product, UnknownSymbol, dec, parse_time

PACKAGED: Final = "instruments_2026.9.json"


def instrument_of(venue: str, symbol: str, product: str = Product.LINEAR) -> Instrument:
    """The instrument and its filters; the synthetic venue has Binance's under its own name.

    A margin pair is the spot pair, traded with borrowed coin. Raises UnknownSymbol naming near matches.
    """
    there = "binance" if venue == "synthetic" else venue
    kind = Product.SPOT if product == Product.MARGIN else product
    rows = _snapshot()["instruments"].get(there, {}).get(str(kind), {})
    if symbol not in rows:
        raise UnknownSymbol(
            f"{symbol!r} is not a {product} instrument of {venue} known here{_elsewhere(there, symbol, rows)}"
        )
    return _instrument(venue, there, symbol, Product(product), rows[symbol])


def known_instruments(venue: str, product: str = Product.LINEAR) -> list[str]:
    """The symbols of a venue and product in the packaged snapshot, sorted."""
    there = "binance" if venue == "synthetic" else venue
    kind = Product.SPOT if product == Product.MARGIN else product
    return sorted(_snapshot()["instruments"].get(there, {}).get(str(kind), {}))


@functools.cache
def _snapshot() -> dict[str, Any]:
    text = resources.files("bearskin.market").joinpath("data", PACKAGED).read_text()
    content: dict[str, Any] = json.loads(text)
    return content


def _elsewhere(venue: str, symbol: str, rows: dict[str, Any]) -> str:
    others = [
        f"{where} {product}"
        for where, products in _snapshot()["instruments"].items()
        for product, names in products.items()
        if symbol in names
    ]
    if others:
        return f"; {symbol} is known as {', '.join(others)}"
    if venue not in _snapshot()["instruments"]:
        return f"; venues known here are {', '.join(sorted(_snapshot()['instruments']))}"
    return near(symbol, rows)


def _instrument(venue: str, there: str, symbol: str, product: Product, row: list[Any]) -> Instrument:
    """One instrument from its row: base, quote, settle, tick, step, min notional, size, liquidation fee, sources."""
    base, quote, settle, tick, step, min_notional, size, liquidation_fee, sources = row
    content = _snapshot()
    taker, maker = content["fees"][there]["spot" if product in (Product.SPOT, Product.MARGIN) else "futures"]
    date = symbol.rpartition("_")[2]
    dated = product in (Product.DATED, Product.DATED_INVERSE)
    return Instrument(
        venue=venue,
        symbol=symbol,
        product=product,
        base=base,
        quote=quote,
        settle=settle,
        tick=dec(tick),
        step=dec(step),
        min_qty=dec(step),
        min_notional=dec(min_notional),
        contract_size=dec(size),
        taker_fee_rate=dec(taker),
        maker_fee_rate=dec(maker),
        liquidation_fee_rate=dec(liquidation_fee),
        # Binance delivers at 08:00 UTC of the date in the symbol
        expiry_ns=parse_time(f"20{date[:2]}-{date[2:4]}-{date[4:]}T08:00:00Z") if dated else None,
        source="; ".join(content["sources"][at] for at in sources),
    )
