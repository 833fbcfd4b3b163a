"""What a venue says of its contracts: filters, fees, maintenance brackets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bearskin.live._ask import asked
from bearskin.live._dialects import Call, Traded
from bearskin.market import BracketBook, bracket_book, load_brackets
from bearskin.terms import Brackets, Instrument, Product, UnknownBrackets, dec, iso

if TYPE_CHECKING:
    from bearskin.live._venue import CcxtVenue

_TAKER, _MAKER = Decimal("0.0005"), Decimal("0.0002")


async def instruments_of(venue: CcxtVenue, symbols: Sequence[str]) -> dict[str, tuple[Instrument, Brackets | None]]:
    """Instrument and brackets by symbol; brackets None where neither the venue nor the packaged snapshot has them.

    Raises VenueBroken or VenueRejected when the venue does not answer.
    """
    book = await _tiers(venue, symbols)
    packaged = load_brackets()
    found: dict[str, tuple[Instrument, Brackets | None]] = {}
    for symbol in symbols:
        instrument = await _instrument(venue, venue.markets[symbol])
        known = _of(book, venue.dialect.venue, symbol) if book is not None else None
        found[symbol] = (instrument, known or _of(packaged, venue.dialect.venue, symbol))
    return found


def _of(book: BracketBook, venue: str, symbol: str) -> Brackets | None:
    try:
        return book.get(venue, symbol, Product.LINEAR)
    except UnknownBrackets:
        return None


async def _tiers(venue: CcxtVenue, symbols: Sequence[str]) -> BracketBook | None:
    """The venue's own tiers, where they are stated in notional."""
    if venue.dialect.able.brackets != "signed":
        return None
    unified = [venue.markets[symbol].unified for symbol in symbols]
    if venue.exchange.has.get("fetchLeverageTiers"):
        rows = await asked(venue, Call(method="fetch_leverage_tiers", args=(unified,), writes=False))
    else:
        call = "fetch_market_leverage_tiers"
        rows = {name: await asked(venue, Call(method=call, args=(name,), writes=False)) for name in unified}
    name, day = venue.dialect.venue, iso(venue.clock.wall_ns())[:10]
    tables = {
        (Product.LINEAR.value, venue.by_unified[of].symbol): [
            (
                dec(tier["minNotional"]),
                dec(tier["maxNotional"]),
                dec(tier["maintenanceMarginRate"]),
                int(dec(tier["maxLeverage"])),
            )
            for tier in tiers
        ]
        for of, tiers in rows.items()
        if of in unified
    }
    return bracket_book(venue=name, snapshot=f"{name} {day}", source=f"{name}'s tiers on {day}", tables=tables)


async def _instrument(venue: CcxtVenue, traded: Traded) -> Instrument:
    market = venue.exchange.markets[traded.unified]
    taker, maker = await _fees(venue, traded, market)
    most = traded.most if traded.most_market is None else traded.most_market
    return Instrument(
        venue=venue.dialect.venue,
        symbol=traded.symbol,
        product=Product.LINEAR,
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=traded.settle,
        tick=traded.tick,
        step=traded.qty_step,
        min_qty=traded.coins(traded.least),
        min_notional=traded.min_notional or Decimal(0),
        contract_size=Decimal(1),  # quantities are coins on this side of the door
        taker_fee_rate=taker,
        maker_fee_rate=maker,
        liquidation_fee_rate=dec(market["info"].get("liquidationFee") or "0.0125"),
        source=f"{venue.dialect.venue} {iso(venue.clock.wall_ns())[:10]}",
        market_max_qty=None if most is None else traded.coins(most),
    )


async def _fees(venue: CcxtVenue, traded: Traded, market: Any) -> tuple[Decimal, Decimal]:
    """Taker and maker rate: of this account where the venue tells, else those every account begins with."""
    if venue.exchange.has.get("fetchTradingFee"):
        answer, fee = await venue.question(Call(method="fetch_trading_fee", args=(traded.unified,), writes=False))
        if answer.outcome == "accepted" and fee.get("taker") is not None:
            return dec(fee["taker"]), dec(fee["maker"])
    return dec(market.get("taker") or _TAKER), dec(market.get("maker") or _MAKER)
