"""What a run left open, as rows: positions and orders, from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bearskin.journal import Projection, Reading
from bearskin.report._run import exact, moment
from bearskin.report._run_money import ZERO, Table, funded_trade, total, trade_at
from bearskin.terms import QUOTE

_LIVE = frozenset(("sent", "unknown", "open", "triggered"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One position. `qty` is signed, `pnl` is open profit at `mark_price` before fees, `roe_frac` that over the margin
    at the mark; `funding` is positive when received; `unprotected_s` is None when a confirmed stop covers all of
    it, and for a hedge, which has none by intention.

    `ours` False is a position the bot does not touch. None is what is not known.
    """

    symbol: str
    leg: str
    qty: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
    ours: bool = True
    trade: int | None = None
    origin: str = ""
    purpose: str = ""
    leverage: Decimal | None = None
    margin_mode: str | None = None
    liquidation_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_prices: tuple[Decimal, ...] = ()
    protected: bool = False
    unprotected_s: float | None = None
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    entered_ns: int | None = None
    why: str = ""
    thesis: str = ""

    @property
    def side(self) -> str:
        """`short` or `long`."""
        return "short" if self.qty < 0 else "long"

    @property
    def pnl(self) -> Decimal | None:
        """Open profit at the mark, before fees."""
        if self.mark_price is None or self.entry_price is None:
            return None
        return QUOTE.multiply(self.qty, QUOTE.subtract(self.mark_price, self.entry_price))

    @property
    def notional(self) -> Decimal | None:
        """What the position is worth at the mark, positive."""
        return None if self.mark_price is None else abs(QUOTE.multiply(self.qty, self.mark_price))

    @property
    def roe_frac(self) -> Decimal | None:
        """Open profit over notional / leverage at the mark, as venues show it."""
        if self.pnl is None or not self.notional or not self.leverage:
            return None
        return QUOTE.divide(QUOTE.multiply(self.pnl, self.leverage), self.notional)

    @property
    def liquidation_frac(self) -> Decimal | None:
        """How far the mark has to go against the position to its liquidation, as a share of the mark."""
        if not self.mark_price or self.liquidation_price is None:
            return None
        away = QUOTE.subtract(self.liquidation_price, self.mark_price)
        return QUOTE.divide(away if self.qty < 0 else -away, self.mark_price)

    def to_json(self) -> dict[str, object]:
        """The object `positions --json` prints for it."""
        return {
            "symbol": self.symbol,
            "side": self.side,
            "leg": self.leg,
            "qty": exact(self.qty),
            "entry_price": _short(self.entry_price),
            "mark_price": exact(self.mark_price),
            "notional": _short(self.notional),
            "pnl": _short(self.pnl),
            "roe_frac": _short(self.roe_frac, "0.000001"),
            "leverage": exact(self.leverage),
            "margin_mode": self.margin_mode,
            "liquidation_price": _short(self.liquidation_price),
            "liquidation_frac": _short(self.liquidation_frac, "0.000001"),
            "stop_price": exact(self.stop_price),
            "target_prices": [exact(price) for price in self.target_prices],
            "protected": self.protected,
            "unprotected_s": None if self.unprotected_s is None else round(self.unprotected_s, 3),
            "fees": exact(self.fees),
            "funding": exact(self.funding),
            "ours": self.ours,
            "trade": self.trade,
            "origin": self.origin,
            "purpose": self.purpose,
            "entered": moment(self.entered_ns),
            "why": self.why,
            "thesis": self.thesis,
        }


def _short(value: Decimal | None, grid: str = "0.00000001") -> str | None:
    """The value with as many decimals as it has, those of `grid` at most."""
    if value is None:
        return None
    rounded = value.quantize(Decimal(grid), context=QUOTE)
    return exact(value if rounded == value else rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order of ours; `qty` and `filled_qty` are signed, `status` as the venue told last."""

    client_id: str
    symbol: str
    role: str
    kind: str
    qty: Decimal
    filled_qty: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    status: str
    trade: int | None
    issued_ns: int | None
    why: str = ""
    code: str = ""
    message: str = ""

    @property
    def live(self) -> bool:
        """Whether it may still trade."""
        return self.status in _LIVE

    def to_json(self) -> dict[str, object]:
        """The object `orders --json` prints for it."""
        return {
            "client_id": self.client_id,
            "symbol": self.symbol,
            "role": self.role,
            "kind": self.kind,
            "qty": exact(self.qty),
            "filled_qty": exact(self.filled_qty),
            "price": exact(self.price),
            "trigger_price": exact(self.trigger_price),
            "status": self.status,
            "trade": self.trade,
            "issued": moment(self.issued_ns),
            "why": self.why,
            "code": self.code,
            "message": self.message,
        }


# --- from the tables -------------------------------------------------------------------------------------------------


def positions_of(
    projection: Projection, run: str, *, marks: Mapping[str, Decimal] | None = None, now_wall_ns: int | None = None
) -> tuple[PositionRow, ...]:
    """What is open in a run as its tables say, ours first; `marks` replace the last prices told.

    Seconds unprotected run up to `now_wall_ns`, or to when the protection was last told.
    """
    with projection.reading() as read:
        trades, fills = read.rows("trades", run), read.rows("fills", run)
        prices = _prices(read, run) | dict(marks or {})
        theirs = _at_the_venue(read, run)
        funding, adjusted = read.rows("funding", run), read.rows("adjustments", run)
    found = []
    for trade in trades:
        if trade["ended_ns"] is None and trade["planned_sequence"] is not None:
            qty = _open_qty(trade, fills, trades, adjusted)
            if qty:
                place = theirs.pop((trade["symbol"], trade["leg"]), None)
                found.append(_from_tables(trade, qty, fills, funding, trades, prices, place, now_wall_ns))
    return (*found, *(_foreign(row, prices) for row in theirs.values() if row["qty"] and not _left(row, trades)))


def _left(row: Mapping[str, Any], trades: Table) -> bool:
    """Whether a position of the last account was ours and was closed since."""
    return any(
        trade["symbol"] == row["symbol"]
        and trade["leg"] == row["leg"]
        and trade["planned_sequence"] is not None
        and trade["planned_sequence"] < row["sequence"] < (trade["ended_sequence"] or 0)
        for trade in trades
    )


def _prices(read: Reading, run: str) -> dict[str, Decimal]:
    """The last mark of each symbol, its last close where it has none."""
    found = {row["symbol"]: row["mark_price"] or row["close_price"] for row in read.rows("prices", run)}
    return {symbol: Decimal(repr(price)) for symbol, price in found.items() if price}


def _at_the_venue(read: Reading, run: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The positions of the last account that was told."""
    accounts, positions = read.rows("accounts", run), read.rows("positions", run)
    last = accounts[-1]["sequence"] if accounts else None
    return {(row["symbol"], row["leg"]): row for row in positions if row["sequence"] == last}


def _of_trade(trade: Mapping[str, Any], fills: Table, trades: Table) -> list[Mapping[str, Any]]:
    """Fills of a trade: of its orders, and forced ones while it was on."""
    found = []
    for fill in fills:
        if fill["ours"]:
            mine = fill["trade"] == trade["trade"]
        else:
            mine = bool(fill["why"]) and trade_at(fill["symbol"], fill["leg"], fill["sequence"], trades) is trade
        if mine:
            found.append(fill)
    return found


def _open_qty(trade: Mapping[str, Any], fills: Table, trades: Table, adjusted: Table) -> Decimal:
    """What is open of a trade: its fills, from the last time the venue's word was taken on."""
    start, since = (trade["qty"] if trade["origin"] == "adopted" else ZERO), trade["planned_sequence"]
    for row in adjusted:
        if row["trade"] == trade["trade"]:
            start, since = row["theirs_qty"], row["sequence"]
    return total((start, *(fill["qty"] for fill in _of_trade(trade, fills, trades) if fill["sequence"] > since)))


def _from_tables(
    trade: Mapping[str, Any],
    qty: Decimal,
    fills: Table,
    funding: Table,
    trades: Table,
    prices: Mapping[str, Decimal],
    place: Mapping[str, Any] | None,
    now_wall_ns: int | None,
) -> PositionRow:
    mine = _of_trade(trade, fills, trades)
    entries = [fill for fill in mine if fill["role"] == "entry"]
    paid = [row for row in funding if funded_trade(row, trades) is trade]
    protected = bool(trade["protected"])
    since_ns = trade["protection_wall_ns"]
    waited_s = max((now_wall_ns or since_ns) - since_ns, 0) / 1e9 if since_ns else 0.0
    return PositionRow(
        symbol=trade["symbol"],
        leg=trade["leg"],
        qty=qty,
        entry_price=_average(entries) or trade["entry_ref_price"],
        mark_price=prices.get(trade["symbol"]),
        trade=trade["trade"],
        origin=trade["origin"],
        purpose=trade["purpose"],
        leverage=trade["leverage"],
        margin_mode=trade["margin_mode"],
        liquidation_price=(place or {}).get("liquidation_price") or trade["liquidation_price"],
        stop_price=trade["stop_price"],
        target_prices=tuple(Decimal(price) for price in trade["target_prices"] or ()),
        protected=protected,
        unprotected_s=None if protected or trade["purpose"] == "hedge" else (trade["unprotected_s"] or 0.0) + waited_s,
        fees=total(fill["fee"] for fill in mine),
        funding=total(row["amount"] for row in paid),
        entered_ns=entries[0]["time_ns"] if entries else trade["planned_ns"],
        why=trade["why"] or "",
        thesis=trade["thesis"] or "",
    )


def _average(fills: Table) -> Decimal | None:
    qty = total(fill["qty"] for fill in fills)
    return QUOTE.divide(total(fill["qty"] * fill["price"] for fill in fills), qty) if qty else None


def _foreign(row: Mapping[str, Any], prices: Mapping[str, Decimal]) -> PositionRow:
    return PositionRow(
        symbol=row["symbol"],
        leg=row["leg"],
        qty=row["qty"],
        entry_price=row["entry_price"],
        mark_price=prices.get(row["symbol"], row["mark_price"]),
        ours=False,
        leverage=row["leverage"],
        margin_mode=row["margin_mode"],
        liquidation_price=row["liquidation_price"],
        stop_price=row["stop_price"],
    )


def orders_of(projection: Projection, run: str, *, ended: bool = False) -> tuple[OrderRow, ...]:
    """Orders of ours that may still trade, with `ended` all of them, oldest first."""
    with projection.reading() as read:
        rows, fills = read.rows("orders", run), read.rows("fills", run)
    filled: dict[str, list[Decimal]] = {}
    for fill in fills:
        filled.setdefault(fill["client_id"], []).append(fill["qty"])
    found = [
        OrderRow(
            client_id=row["client_id"],
            symbol=row["symbol"],
            role=row["role"],
            kind=row["kind"],
            qty=row["qty"],
            filled_qty=total(filled.get(row["client_id"], ())) or row["filled_qty"] or ZERO,
            price=row["price"],
            trigger_price=row["trigger_price"],
            status=row["status"] or "",
            trade=row["trade"],
            issued_ns=row["issued_ns"],
            why=row["why"] or "",
            code=row["code"] or "",
            message=row["message"] or "",
        )
        for row in rows
        if row["issued_sequence"] is not None and row["qty"] is not None
    ]
    found.sort(key=lambda order: (order.issued_ns or 0, order.client_id))
    return tuple(order for order in found if ended or order.live)
