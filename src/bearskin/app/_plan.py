"""`plan`: one trade, priced and judged before it is made."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._house import House, open_house
from bearskin.app._rates import Number, positive_of, rate_of
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, Product, Side, UnknownSymbol, dec, interval_ns, iso

if TYPE_CHECKING:
    from bearskin.market import Panel
    from bearskin.risk import AdverseMoves, Plan

logger = logging.getLogger("bearskin.app")
WORDS = {"qty": "quantity"}
PERPETUAL = (Product.LINEAR, Product.INVERSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the store knows of the symbol: its last close, recent funding and worst moves; None where it does not."""

    close: Decimal | None = None
    close_ns: int = 0
    close_source: str = ""
    funding_rate: Decimal | None = None
    funding_interval_h: Decimal | None = None
    funding_source: str = ""
    history: AdverseMoves | None = None


def plan(
    side: str,
    symbol: str,
    *,
    entry: Number | None = None,
    stop: Number | None = None,
    target: Number | Sequence[Number] = (),
    qty: Number | None = None,
    notional: Number | None = None,
    equity: Number | None = None,
    risk: Number | None = None,
    leverage: Number | None = None,
    wallet: Number | None = None,
    margin: str | None = None,
    venue: str | None = None,
    product: str | None = None,
    preset: str | None = None,
    beyond_preset: bool = False,
    brackets: Path | str | None = None,
    taker: Number | None = None,
    maker: Number | None = None,
    limit: bool = False,
    slippage: Number | None = None,
    funding_rate: Number | None = None,
    funding_interval: str | int | float | Decimal | None = None,
    borrow_rate: Number | None = None,
    liquidation_level: Number | None = None,
    spot: Number | None = None,
    shock: Number | None = None,
    horizon: str | int | float | Decimal = "24h",
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> Plan:
    """Price one trade: size, margin, liquidation, worst loss, carry, reward to risk, and a verdict with reasons.

    `side` is short or long; prices and quantities are positive. Without `entry` it is the last close in the store. Size
    comes from `qty`, else `notional`, else from `equity`, `risk` and the stop. `wallet` is the balance the venue's
    formula uses. `limit` says that the entry rests in the book and pays the maker fee. Rates may be written 1% or
    0.01; `funding_interval` and `horizon` 8h or a number of hours. Where the store knows the symbol, funding and the
    worst hours and days come from there, labelled. Raises BadInput; a refusal by preflight is part of the plan.
    """
    from bearskin import risk as room

    settings = {"venue": venue, "product": product, "equity": equity, "risk": risk, "leverage": leverage}
    limits = {"preset": preset, "margin_mode": margin, "brackets": brackets}
    costs = {"taker": taker, "maker": maker, "slippage": slippage}
    house = open_house(home, store=store, **settings, **limits, **costs)
    seen = _seen(house, symbol, side_of(side))
    exact = _exact(stop=stop, qty=qty, notional=notional, wallet=wallet, spot=spot, liquidation_level=liquidation_level)
    now_ns = time.time_ns()
    sized = qty is not None or notional is not None
    made = room.plan(
        room.PlanRequest(
            side=side_of(side),
            symbol=symbol,
            entry=_entry(entry, seen, house, symbol),
            targets=_targets(target),
            equity=_equity(house, sized=sized),
            allow_beyond_preset=beyond_preset,
            borrow_rate_h=None if borrow_rate is None else rate_of(borrow_rate, "borrow rate"),
            shock_frac=None if shock is None else rate_of(shock, "shock"),
            horizon_h=hours_of(horizon, "horizon"),
            now_ns=now_ns,
            history=seen.history,
            **_from_settings(house, symbol, limit, made=sized and wallet is not None),
            **_funding(house, seen, funding_rate, funding_interval),
            **exact,
        )
    )
    return made if entry is not None else _aged(made, seen, now_ns)


def _aged(plan: Plan, seen: _Seen, now_ns: int) -> Plan:
    """The plan with where its entry comes from, and a warning where that is more than a day old."""
    said = f"entry {plan.entry.normalize():f}: {seen.close_source}"
    days = (now_ns - seen.close_ns) // DAY_NS
    old = (f"the entry price and what the store says of funding are {days} days old: fetch newer data or give --entry",)
    return dataclasses.replace(
        plan, assumptions=(said, *plan.assumptions), warnings=(*plan.warnings, *(old if days > 0 else ()))
    )


def _exact(**given: Number | None) -> dict[str, Any]:
    """What was given, as exact numbers above zero."""
    return {
        name: positive_of(value, WORDS.get(name, name.replace("_", " ")))
        for name, value in given.items()
        if value is not None
    }


def _targets(target: Number | Sequence[Number]) -> tuple[Decimal, ...]:
    """One target or several, nearest first as they were given."""
    several = (target,) if isinstance(target, str | int | float | Decimal) else target
    return tuple(positive_of(value, "target") for value in several)


def side_of(word: str) -> Side:
    """The side a word names; raises BadInput."""
    try:
        return Side[word.strip().upper()]
    except KeyError:
        raise BadInput(f"side was {word!r}, must be short or long") from None


def hours_of(value: str | int | float | Decimal, name: str) -> Decimal:
    """Hours of `8h`, `1d`, `30m`, or of a bare number of hours; above zero. Raises BadInput."""
    if isinstance(value, str) and value.strip()[-1:].isalpha():
        return Decimal(interval_ns(value.strip())) / HOUR_NS
    return positive_of(value, name)


def _entry(entry: Number | None, seen: _Seen, house: House, symbol: str) -> Decimal:
    if entry is not None:
        return positive_of(entry, "entry")
    if seen.close is None:
        raise BadInput(
            f"no entry was given and the store has no candles of {symbol} ({house.settings.venue},"
            f" {house.settings.product.value}) to take the last close from: give --entry"
        )
    logger.info("entry %s: %s", f"{seen.close.normalize():f}", seen.close_source)
    return seen.close


def _equity(house: House, *, sized: bool) -> Decimal | None:
    """Equity as given anywhere; the default one only where nothing else says how large."""
    if house.origins["equity"] == "default" and sized:
        return None
    return house.settings.equity


def _from_settings(house: House, symbol: str, limit: bool, *, made: bool) -> dict[str, Any]:
    """The part of a request that settings decide, fees of the entry by whether it rests in the book.

    Where size and wallet were given they have `made` the leverage: a setting does not contradict them.
    """
    settings = house.settings
    leverage = None if made and house.origins["leverage"] != "command line" else settings.leverage
    found: dict[str, Any] = {
        "venue": settings.venue,
        "product": settings.product,
        "preset": settings.preset,
        "risk_frac": settings.risk,
        "leverage": leverage,
        "margin_mode": settings.margin_mode,
        "fee_in_rate": settings.taker,
        "fee_out_rate": settings.taker,
        "slippage_frac": settings.slippage if settings.slippage is not None else Decimal(0),
    }
    if limit:
        found["fee_in_rate"] = settings.maker
        if settings.maker is None:
            from bearskin import market

            instrument = market.instrument_of(settings.venue, symbol, settings.product)
            found["fee_in_rate"] = instrument.maker_fee_rate
    elif house.origins["maker"] == "command line":
        logger.info("the maker fee counts only with --limit: a market order pays the taker fee")
    if settings.brackets is not None:
        from bearskin import market

        book = market.load_brackets(settings.brackets)
        found["brackets"] = book.get(settings.venue, symbol, settings.product)
    return found


def _funding(
    house: House, seen: _Seen, rate: Number | None, interval: str | int | float | Decimal | None
) -> dict[str, Any]:
    """Funding as given, else as last settled in the store; where neither knows, the plan labels what it assumes."""
    hours = None if interval is None else hours_of(interval, "funding interval")
    if rate is not None:
        return {"funding_rate": rate_of(rate, "funding rate"), "funding_interval_h": hours}
    if house.settings.product not in PERPETUAL or seen.funding_rate is None:
        return {"funding_interval_h": hours} if hours is not None else {}
    return {
        "funding_rate": seen.funding_rate,
        "funding_interval_h": hours if hours is not None else seen.funding_interval_h,
        "funding_source": seen.funding_source,
    }


def _seen(house: House, symbol: str, side: Side) -> _Seen:
    """What the store knows; nothing is loaded where there is no store."""
    if not house.store_folder.is_dir():
        return _Seen()
    from bearskin import market, risk

    settings = house.settings
    product = Product.SPOT if settings.product is Product.MARGIN else settings.product  # a loan trades the spot pair
    store = market.Store(house.store_folder)
    keys = store.keys(venue=settings.venue, product=product.value, symbol=symbol, kind="trade")
    intervals = sorted((key.interval for key in keys), key=lambda word: (word != settings.interval, -interval_ns(word)))
    usable = [word for word in intervals if interval_ns(word) <= DAY_NS]
    if not usable:
        return _Seen()
    load = functools.partial(
        market.load_panel, store, venue=settings.venue, product=product, symbol=symbol, interval=usable[0]
    )
    try:
        panel = load()
    except UnknownSymbol:  # candles of an instrument we have no filters of
        return _Seen()
    last = len(panel) - 1
    rate, hours, source = _recent_funding(panel)
    return _Seen(
        close=dec(float(panel.close[last])),
        close_ns=panel.known_ns(last),
        close_source=f"last close in the store, {usable[0]} bar complete at {iso(panel.known_ns(last))}",
        funding_rate=rate,
        funding_interval_h=hours,
        funding_source=source,
        history=risk.adverse_moves(_marked(panel, load), side),
    )


def _marked(panel: Panel, load: Callable[..., Panel]) -> Panel:
    """The panel up to its last mark where only its newest bars lack one, so that its moves are those of the mark."""
    missing = panel.mark_missing
    if missing is None or not missing.any() or missing.all():
        return panel
    first = int(missing.argmax())
    return load(end_ns=int(panel.time_ns[first])) if missing[first:].all() else panel


def _recent_funding(panel: Panel) -> tuple[Decimal | None, Decimal | None, str]:
    """Mean of the settlements of the last day that share the newest one's interval, with a label."""
    funding = panel.funding
    if funding is None or not len(funding.time_ns):
        return None, None, ""
    newest, step_ns = int(funding.time_ns[-1]), int(funding.interval_ns[-1])
    recent = (funding.time_ns > newest - DAY_NS) & (funding.interval_ns == step_ns)
    count = int(recent.sum())
    rate = dec(round(float(funding.rate[recent].mean()), 10))
    label = f"mean of the last {count} settlements in the store, to {iso(newest)}"
    return rate, Decimal(step_ns) / HOUR_NS, label
