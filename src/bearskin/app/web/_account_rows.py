"""What the venue has written down of the account: orders, fills, funding, income and what it liquidated, as rows.

Rows are plain JSON: money, prices and quantities as text, times in RFC 3339 UTC, the newest first; quantities and
amounts are signed. What a venue does not tell through ccxt is said in a sentence.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bearskin.app.web._account_link import AccountLink
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._market import unified
from bearskin.app.web._positions import plain
from bearskin.terms import BearskinError, dec, iso, our_id, parse_time

Row = dict[str, Any]
ZERO = Decimal(0)
ROWS_MOST: Final = 500
SELDOM_S: Final = 60.0  # so long stands what was told where the bot has heard of nothing since
OFTEN_S: Final = 5.0  # and so long what weighs much, whatever it has heard
FEE_WITHIN_MS: Final = 60_000  # a clearance fee is written down so soon after the fill it is for
INCOME = ("time", "type", "symbol", "amount", "asset", "id")
FUNDING = ("time", "symbol", "amount", "asset", "id")
FILLS = ("time", "symbol", "qty", "price", "realised", "fee", "fee_asset", "maker", "order", "id")
CLOSED = ("trade", "entered", "ended", "symbol", "side", "purpose", "qty", "entry", "exit", "by", "gross", "fees",
          "funding", "net", "r", "thesis")  # fmt: skip
ROLES = {"entry": "entry", "stop": "stop", "target": "target", "exit": "close", "disaster": "disaster stop"}


def line_of(desk: WebDesk) -> AccountLink:
    """The line to the account; raises BearskinError saying how to have one."""
    if desk.account is None:
        raise BearskinError("no venue is connected: `bearskin demo` or `bearskin exchange` starts one")
    return desk.account


async def orders(desk: WebDesk) -> list[Row]:
    """What rests at the venue, conditional orders too."""
    account = await line_of(desk).now()
    found = []
    for order in account.orders:
        ours = our_id(order.client_id)
        found.append(
            {
                "symbol": order.symbol,
                "leg": order.leg,
                "for": "not ours" if ours is None else ROLES[ours.role],
                "trade": None if ours is None else ours.trade,
                "kind": "stop (market)" if order.conditional else "limit" if order.price is not None else "market",
                "qty": plain(order.qty),
                "filled": plain(order.filled),
                "price": plain(order.price),
                "trigger": plain(order.trigger),
                "reduce_only": order.reduce_only,
                "status": order.status,
                "client_id": order.client_id or None,
                "venue_id": order.venue_id,
            }
        )
    return sorted(found, key=lambda row: (row["symbol"], row["trade"] or 0, row["for"]))


async def fills(desk: WebDesk, symbol: str | None = None, limit: int = 100) -> list[Row]:
    """The account's last trades."""
    line = line_of(desk)
    rows = [_fill(line, raw) for raw in await _each(desk, symbol, "fetch_my_trades", None, limit)]
    return sorted(rows, key=lambda row: (row["time"], row["id"]), reverse=True)[:limit]


async def funding(desk: WebDesk, symbol: str | None = None, limit: int = ROWS_MOST) -> list[Row]:
    """Funding that was received (negative: paid)."""
    line = line_of(desk)
    if not line.able("fetchFundingHistory"):
        raise BearskinError(f"{line.title} does not tell paid funding through ccxt")
    rows = [
        {
            "time": _time(raw["timestamp"]),
            "symbol": _own(line, raw["symbol"]),
            "amount": plain(dec(raw["amount"])),
            "asset": raw["code"],
            "id": str(raw.get("id") or ""),
        }
        for raw in await _each(desk, symbol, "fetch_funding_history", None, limit, least_s=OFTEN_S)
    ]
    return sorted(rows, key=lambda row: (row["time"], row["symbol"]), reverse=True)[:limit]


async def income(desk: WebDesk, limit: int = ROWS_MOST, *, least_s: float = OFTEN_S) -> list[Row]:
    """Everything that changed the wallet, line by line."""
    line = line_of(desk)
    if not line.able("fetchLedger"):
        raise BearskinError(f"{line.title} does not tell its ledger through ccxt")
    asset = (await line.now()).asset
    told = await line.told("fetch_ledger", asset, None, limit, least_s=least_s, most_s=SELDOM_S)
    return sorted(map(_income, told), key=lambda row: (row["time"], _number(row["id"])), reverse=True)[:limit]


async def liquidations(desk: WebDesk, symbol: str | None = None) -> list[Row]:
    """What the venue closed by force: collateral taken, fee to the insurance fund, and what is owed after it.

    `collateral` is what the position cost the account in the end, realised loss and every fee; None where the venue
    does not say which fills it were.
    """
    line = line_of(desk)
    if not line.able("fetchMyLiquidations"):
        raise BearskinError(f"{line.title} does not tell liquidations through ccxt")
    forced = await _each(desk, symbol, "fetch_my_liquidations")
    if not forced:
        return []
    trades, lines = await fills(desk, symbol, ROWS_MOST), await income(desk, least_s=0.001)
    wallet = (await line.now()).wallet
    rows = [_liquidation(line, raw, trades, lines, wallet) for raw in forced]
    return sorted(rows, key=lambda row: str(row["time"]), reverse=True)


async def _each(desk: WebDesk, symbol: str | None, method: str, *args: Any, least_s: float = 0.001) -> list[Any]:
    """What a call tells of the symbol, or of each: asked again where something has happened, else seldom."""
    line, names = line_of(desk), {one: unified(desk, one) for one in _symbols(desk, symbol)}
    found = await asyncio.gather(
        *(line.told(method, name, *args, symbol=one, least_s=least_s, most_s=SELDOM_S) for one, name in names.items())
    )
    return [raw for told in found for raw in told]


def csv_of(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Rows as comma separated text with a heading; text that a spreadsheet would take for a formula gets a quote."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _inert(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        try:
            Decimal(value)
        except InvalidOperation:
            return f"'{value}"
    return value


# --- one row ---------------------------------------------------------------------------------------------------------


def _fill(line: AccountLink, raw: Mapping[str, Any]) -> Row:
    info = raw.get("info") or {}
    size = dec((line.exchange.markets.get(raw["symbol"]) or {}).get("contractSize") or 1)
    qty = dec(raw["amount"]) * size * (1 if raw["side"] == "buy" else -1)
    fee = raw.get("fee") or {}
    realised = info.get("realizedPnl")
    return {
        "time": _time(raw["timestamp"]),
        "symbol": _own(line, raw["symbol"]),
        "qty": plain(qty),
        "price": plain(dec(raw["price"])),
        "fee": None if fee.get("cost") is None else plain(dec(fee["cost"])),
        "fee_asset": fee.get("currency"),
        "realised": None if realised is None else plain(dec(realised)),
        "maker": raw.get("takerOrMaker") == "maker",
        "order": str(raw.get("order") or ""),
        "id": str(raw["id"]),
    }


def _income(raw: Mapping[str, Any]) -> Row:
    info = raw.get("info") or {}
    amount = dec(raw["amount"])
    return {
        "time": _time(raw["timestamp"]),
        "type": str(info.get("incomeType") or raw.get("type") or "").lower().replace("_", " "),
        "symbol": info.get("symbol") or None,
        "amount": plain(-abs(amount) if raw.get("direction") == "out" else amount),
        "asset": raw.get("currency"),
        "id": str(raw.get("id") or ""),
    }


def _liquidation(
    line: AccountLink, raw: Mapping[str, Any], trades: Sequence[Row], lines: Sequence[Row], wallet: Decimal
) -> Row:
    info = raw.get("info") or {}
    symbol, order = _own(line, raw["symbol"]), str(info.get("orderId") or "")
    mine = [one for one in trades if order and one["order"] == order and one["symbol"] == symbol]
    at_ms = int(info.get("updateTime") or info.get("time") or raw.get("timestamp") or 0)
    cleared = [one for one in lines if one["symbol"] == symbol and one["type"] == "insurance clear"
               and 0 <= _ms(one["time"]) - at_ms <= FEE_WITHIN_MS]  # fmt: skip
    realised = sum((Decimal(one["realised"] or 0) for one in mine), ZERO)
    fees = sum((Decimal(one["fee"] or 0) for one in mine), ZERO)
    clearance = -sum((Decimal(one["amount"]) for one in cleared), ZERO)
    closed = sum((Decimal(one["qty"]) for one in mine), ZERO)
    price = _average(mine) or _told_price(info, raw)
    if not closed:
        sign = 1 if str(info.get("side", "")).upper() == "BUY" else -1
        closed = sign * dec(info.get("executedQty") or raw.get("contracts") or 0)
    return {
        "time": _time(at_ms),
        "symbol": symbol,
        "qty": plain(-closed),  # of the position that was there
        "price": plain(price),
        "realised": plain(realised) if mine else None,
        "fee": plain(fees + clearance) if mine else None,
        "collateral": plain(max(ZERO, fees + clearance - realised)) if mine else None,
        "insurance": plain(clearance) if mine else None,
        "debt": plain(max(ZERO, -wallet)),
        "order": order,
        "words": _words(clearance, wallet) if mine else "the venue does not tell what it took",
    }


def _words(clearance: Decimal, wallet: Decimal) -> str:
    if clearance > 0:
        into = f"a clearance fee of {clearance:.2f} went into the insurance fund"
    else:
        into = "nothing was left for a clearance fee: the insurance fund stands behind what was missing"
    owed = f"{-wallet:.2f} are owed" if wallet < 0 else "nothing is owed"
    return f"{into}; {owed}"


def _average(mine: Sequence[Row]) -> Decimal | None:
    qty = sum((abs(Decimal(one["qty"])) for one in mine), ZERO)
    value = sum((abs(Decimal(one["qty"])) * Decimal(one["price"]) for one in mine), ZERO)
    return value / qty if qty else None


def _told_price(info: Mapping[str, Any], raw: Mapping[str, Any]) -> Decimal | None:
    told = info.get("avgPrice") or raw.get("price")
    return None if told is None else dec(told)


def _symbols(desk: WebDesk, symbol: str | None) -> list[str]:
    """The symbols to ask for: the one named, else all of the bot's and what it found that is not ours."""
    if symbol is not None:
        return [symbol.upper()]
    state = desk.bot.now.state or {}
    return list(dict.fromkeys((*desk.symbols, *state.get("foreign", ()))))


def _own(line: AccountLink, unified: str) -> str:
    market = line.exchange.markets.get(unified)
    return unified if market is None else str(market["id"])


def _time(ms: int) -> str:
    return iso(int(ms) * 1_000_000)


def _ms(time: str) -> int:
    return parse_time(time) // 1_000_000


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
