"""What the tests of this room stand on: instruments and brackets typed from published tables, no file needed."""

from decimal import Decimal

from bearskin.risk import PlanRequest, SizeRequest
from bearskin.terms import Bracket, Brackets, Instrument, Product, Side


def brackets(symbol, snapshot, rows):
    """Brackets from (floor, cap, mmr, leverage, cum)."""
    return Brackets(
        venue="binance",
        symbol=symbol,
        snapshot=snapshot,
        rows=tuple(
            Bracket(floor=Decimal(floor), cap=Decimal(cap), mmr=Decimal(mmr), max_leverage=leverage, cum=Decimal(cum))
            for floor, cap, mmr, leverage, cum in rows
        ),
    )


# Binance USDⓈ-M, BTCUSDT, as published at the two dates; COIN-M-like rows for the inverse contract
BRACKETS = {
    "2024-10": brackets(
        "BTCUSDT",
        "binance 2024-10",
        [
            ("0", "50000", "0.004", 125, "0"),
            ("50000", "600000", "0.005", 100, "50"),
            ("600000", "3000000", "0.0065", 75, "950"),
            ("3000000", "12000000", "0.01", 50, "11450"),
        ],
    ),
    "2026.9": brackets(
        "BTCUSDT",
        "binance 2026.9",
        [
            ("0", "300000", "0.004", 150, "0"),
            ("300000", "800000", "0.005", 100, "300"),
            ("800000", "3000000", "0.0065", 75, "1500"),
            ("3000000", "12000000", "0.01", 50, "12000"),
        ],
    ),
    "coin": brackets("BTCUSD_PERP", "coin", [("0", "5", "0.004", 125, "0"), ("5", "10", "0.005", 100, "0.005")]),
}


def instrument(product=Product.LINEAR, **changes):
    """BTC against USDT, or the coin-margined contract of 100 USD."""
    inverse = product in (Product.INVERSE, Product.DATED_INVERSE)
    known = {
        "venue": "binance",
        "symbol": "BTCUSD_PERP" if inverse else "BTCUSDT",
        "product": product,
        "base": "BTC",
        "quote": "USD" if inverse else "USDT",
        "settle": "BTC" if inverse else "USDT",
        "tick": Decimal("0.1"),
        "step": Decimal(1) if inverse else Decimal("0.001"),
        "min_qty": Decimal(1) if inverse else Decimal("0.001"),
        "min_notional": Decimal(0) if inverse else Decimal(100),
        "contract_size": Decimal(100) if inverse else Decimal(1),
    }
    return Instrument(**{**known, **changes})


def ask(brackets="2026.9", **words):
    """A plan request for a short of BTC at 60,000 unless told otherwise."""
    said = {"side": "short", "symbol": "BTCUSDT", "entry": "60000", **words}
    said.setdefault("instrument", instrument(Product(said.get("product", "linear"))))
    return PlanRequest(**said, brackets=BRACKETS[brackets] if brackets else None)


def size_request(**words):
    """The sizing example of the docs: 1 % of 10,000 at risk, entry 60,000, stop 62,500, 5x."""
    known = {
        "side": Side.SHORT,
        "entry": Decimal(60000),
        "stop": Decimal(62500),
        "equity": Decimal(10000),
        "instrument": instrument(),
        "brackets": BRACKETS["2026.9"],
        "leverage": Decimal(5),
    }
    return SizeRequest(**{**known, **words})
