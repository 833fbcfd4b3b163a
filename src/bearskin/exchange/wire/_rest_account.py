"""Wallets, positions, settings and listen keys."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextlib import contextmanager

from bearskin.exchange import _figures
from bearskin.exchange._adl import ranking
from bearskin.exchange._clearing import fee_rate
from bearskin.exchange._codes import Code
from bearskin.exchange._words import AddMargin, SetLeverage, SetMarginMode, SetPositionMode
from bearskin.exchange.wire import _holdings as holdings
from bearskin.exchange.wire._numbers import NS_PER_MS, bare, money
from bearskin.exchange.wire._params import Denied, choice, flag, integer, limited, missing, need, number, paged, span
from bearskin.exchange.wire._routes import KEYED, Ask, Route, Wire, route
from bearskin.exchange.wire._shapes import Row, bracket_rows, top_notional
from bearskin.margin import adl_quantile
from bearskin.terms import EXACT

LIGHTS_MS = 30_000
ONLY_SINGLE = "Multi-assets mode is not served here."
INCOME_TYPES = (
    "TRANSFER", "WELCOME_BONUS", "REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR", "REFERRAL_KICKBACK",
    "COMMISSION_REBATE", "API_REBATE", "CONTEST_REWARD", "CROSS_COLLATERAL_TRANSFER", "OPTIONS_PREMIUM_FEE",
    "OPTIONS_SETTLE_PROFIT", "INTERNAL_TRANSFER", "AUTO_EXCHANGE", "DELIVERED_SETTELMENT", "COIN_SWAP_DEPOSIT",
    "COIN_SWAP_WITHDRAW", "POSITION_LIMIT_INCREASE_FEE", "STRATEGY_UMFUTURES_TRANSFER", "FEE_RETURN", "BFUSD_REWARD",
)  # fmt: skip
DONE: Row = {"code": 200, "msg": "success"}


@contextmanager
def exactly() -> Iterator[None]:
    """Decimal arithmetic as inside the exchange: exact, or it raises."""
    before = decimal.getcontext()
    decimal.setcontext(EXACT.copy())
    try:
        yield
    finally:
        decimal.setcontext(before)


# --- money -----------------------------------------------------------------------------------------------------------


async def account_v2(ask: Ask) -> Row:
    """The account with every symbol."""
    with exactly():
        return holdings.account_rows(ask.wire.floor, ask.account, ask.wire.faces, 2, ask.wire.now_ms())


async def account_v3(ask: Ask) -> Row:
    """The account with what it holds."""
    with exactly():
        return holdings.account_rows(ask.wire.floor, ask.account, ask.wire.faces, 3, ask.wire.now_ms())


async def balance(ask: Ask) -> list[Row]:
    """Every asset."""
    now_ms = ask.wire.now_ms()
    with exactly():
        return [holdings.balance_row(ask.account, p, now_ms) for p in holdings.purses(ask.wire.floor, ask.account)]


async def get_income(ask: Ask) -> list[Row]:
    """What came in and went out, line by line."""
    face = ask.face_or_all()
    start_ms, end_ms = span(ask.args)
    start_ms, upto, skipped = paged(ask.args, start_ms, limited(ask.args, "limit", 100, 1000))
    lines = ask.wire.archive.income(
        ask.account_id,
        symbol=face.symbol if face else None,
        type=choice(ask.args, "incomeType", INCOME_TYPES, Code.INVALID_PARAMETER, "Invalid incomeType."),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=upto,
    )
    return [
        {
            "symbol": line.symbol,
            "incomeType": line.type,
            "income": money(line.amount),
            "asset": line.asset,
            "info": line.info or line.type,
            "time": line.time_ns // NS_PER_MS,
            "tranId": line.tran_id,
            "tradeId": str(line.trade_id) if line.trade_id else "",
        }
        for line in lines[skipped:]
    ]


# --- positions -------------------------------------------------------------------------------------------------------


def lights_of(wire: Wire, symbol: str) -> dict[tuple[int, str], int]:
    """How near each position of a symbol is to being deleveraged, 0 to 4, by account and side.

    Ranked as deleveraging ranks them, and looked at anew every 30 seconds as the venue does.
    """
    now_ms = wire.now_ms()
    kept = wire.lights.get(symbol)
    if kept is not None and now_ms < kept[0]:
        return kept[1]
    found: dict[tuple[int, str], int] = {}
    for direction in (1, -1):
        ranked = ranking(wire.floor, symbol, direction)
        for place, one in enumerate(ranked):
            found[one.account.id, one.position.side] = adl_quantile(place, len(ranked))
    wire.lights[symbol] = (now_ms + LIGHTS_MS, found)
    return found


def risk(ask: Ask, version: int) -> list[Row]:
    """Positions; version 3 leaves the flat ones out."""
    wire, account = ask.wire, ask.account
    face = ask.face_or_all()
    with exactly():
        slots = holdings.holdings(wire.floor, account, face.symbol if face else None)
        rows = []
        for h in slots:
            if version == 3 and not h.qty:
                continue
            light = lights_of(wire, h.symbol).get((account.id, h.side), 0) if h.qty else 0
            rows.append(holdings.risk_row(wire.floor, account, wire.faces, h, light, version))
    return rows


async def risk_v2(ask: Ask) -> list[Row]:
    """Positions of versions 1 and 2: every symbol."""
    return risk(ask, 2)


async def risk_v3(ask: Ask) -> list[Row]:
    """Positions of version 3: only what is held."""
    return risk(ask, 3)


async def get_adl(ask: Ask) -> list[Row]:
    """How near each position is to being deleveraged."""
    face = ask.face_or_all()
    account = ask.account
    found: dict[str, dict[str, int]] = {}
    with exactly():
        for position in account.positions.values():
            if face is not None and position.symbol != face.symbol:
                continue
            light = lights_of(ask.wire, position.symbol).get((account.id, position.side), 0)
            row = found.setdefault(position.symbol, {"LONG": 0, "SHORT": 0})
            row["LONG" if position.qty > 0 else "SHORT"] = light
            cross = not _figures.setting_of(account, position.symbol).isolated
            row["HEDGE" if account.dual and cross else "BOTH"] = light
    rows: list[Row] = [{"symbol": symbol, "adlQuantile": row} for symbol, row in found.items()]
    if face is not None and not rows:
        rows = [{"symbol": face.symbol, "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 0}}]
    return rows


async def post_margin(ask: Ask) -> Row:
    """Add margin to an isolated position (type 1) or take some out (type 2)."""
    face = ask.face()
    kind = need(ask.args, "type")
    if kind not in ("1", "2"):
        raise Denied(Code.INVALID_PARAMETER, "Data sent for parameter 'type' is not valid.")
    amount = number(ask.args, "amount", Code.INVALID_PARAMETER)
    if amount is None:
        raise missing("amount")
    side = choice(
        ask.args, "positionSide", ("BOTH", "LONG", "SHORT"), Code.INVALID_POSITION_SIDE, "Invalid positionSide."
    )
    command = AddMargin(
        time_ns=ask.wire.service.now_ns(),
        account=ask.account_id,
        symbol=face.symbol,
        position_side=side or "BOTH",  # type: ignore[arg-type]  # one of the three
        amount=amount if kind == "1" else -amount,
    )
    await ask.submit(command)
    word = "add" if kind == "1" else "reduce"
    return {
        "amount": float(amount),
        "code": 200,
        "msg": f"Successfully {word} position margin.",
        "type": int(kind),
    }


async def get_margin_history(ask: Ask) -> list[Row]:
    """Margin its owner added to or took from isolated positions."""
    face = ask.face()
    kind = choice(ask.args, "type", ("1", "2"), Code.INVALID_PARAMETER, "Data sent for parameter 'type' is not valid.")
    start_ms, end_ms = span(ask.args)
    moves = ask.wire.archive.margin_moves(
        ask.account_id,
        face.symbol,
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limited(ask.args, "limit", 500, 500),
    )
    rows = [
        {
            "symbol": move.symbol,
            "type": 1 if move.amount > 0 else 2,
            "deltaType": "USER_ADJUST",
            "amount": money(abs(move.amount)),
            "asset": move.asset,
            "time": move.time_ns // NS_PER_MS,
            "positionSide": move.position_side,
        }
        for move in moves
    ]
    return rows if kind is None else [row for row in rows if row["type"] == int(kind)]


# --- choices ---------------------------------------------------------------------------------------------------------


async def get_brackets(ask: Ask) -> list[Row]:
    """Maintenance tiers; a list with and without `symbol`."""
    face = ask.face_or_all()
    return [
        {"symbol": f.symbol, "notionalCoef": 1, "brackets": bracket_rows(f.contract)}
        for f in ([face] if face is not None else ask.wire.faces)
    ]


async def post_leverage(ask: Ask) -> Row:
    """Set the leverage of a symbol."""
    face = ask.face()
    leverage = integer(ask.args, "leverage")
    if leverage is None:
        raise missing("leverage")
    await ask.submit(
        SetLeverage(time_ns=ask.wire.service.now_ns(), account=ask.account_id, symbol=face.symbol, leverage=leverage)
    )
    return {"symbol": face.symbol, "leverage": leverage, "maxNotionalValue": top_notional(face.contract, leverage)}


async def post_margin_type(ask: Ask) -> Row:
    """Isolated or cross, for a symbol."""
    face = ask.face()
    kind = need(ask.args, "marginType")
    if kind not in ("ISOLATED", "CROSSED"):
        raise Denied(Code.INVALID_PARAMETER, "Invalid marginType.")
    await ask.submit(
        SetMarginMode(
            time_ns=ask.wire.service.now_ns(),
            account=ask.account_id,
            symbol=face.symbol,
            isolated=kind == "ISOLATED",
        )
    )
    return DONE


async def get_dual(ask: Ask) -> Row:
    """Hedge mode or one-way; a JSON boolean, freqtrade looks at nothing else."""
    return {"dualSidePosition": ask.account.dual}


async def post_dual(ask: Ask) -> Row:
    """Change between hedge mode and one-way."""
    dual = flag(ask.args, "dualSidePosition")
    if dual is None:
        raise missing("dualSidePosition")
    await ask.submit(SetPositionMode(time_ns=ask.wire.service.now_ns(), account=ask.account_id, dual=dual))
    return DONE


async def get_multi_assets(_: Ask) -> Row:
    """Always single-asset mode."""
    return {"multiAssetsMargin": False}


async def post_multi_assets(ask: Ask) -> Row:
    """Single-asset mode stays; multi-assets mode is refused."""
    wanted = flag(ask.args, "multiAssetsMargin")
    if wanted is None:
        raise missing("multiAssetsMargin")
    if wanted:
        raise Denied(Code.MULTI_ASSETS, ONLY_SINGLE)
    raise Denied(Code.MULTI_ASSETS_SAME, "No need to change asset mode.")


async def get_fee_burn(_: Ask) -> Row:
    """Fees are never paid in another coin."""
    return {"feeBurn": False}


async def post_fee_burn(ask: Ask) -> Row:
    """Paying fees in another coin cannot be switched on."""
    wanted = flag(ask.args, "feeBurn")
    if wanted is None:
        raise missing("feeBurn")
    if wanted:
        raise Denied(Code.INVALID_PARAMETER, "Paying fees in another coin is not served here.")
    return DONE


async def get_commission(ask: Ask) -> Row:
    """The fee rates of the account in a symbol."""
    face = ask.face()
    with exactly():
        maker = fee_rate(ask.account, face.contract, True)
        taker = fee_rate(ask.account, face.contract, False)
    return {
        "symbol": face.symbol,
        "makerCommissionRate": bare(maker),
        "takerCommissionRate": bare(taker),
        "rpiCommissionRate": bare(maker),
    }


async def get_account_config(ask: Ask) -> Row:
    """What the account may do and has chosen."""
    return holdings.rights(ask.account)


async def get_symbol_config(ask: Ask) -> list[Row]:
    """Margin type and leverage of the symbols."""
    face = ask.face_or_all()
    rows = []
    for f in [face] if face is not None else ask.wire.faces:
        setting = _figures.setting_of(ask.account, f.symbol)
        rows.append(
            {
                "symbol": f.symbol,
                "marginType": "ISOLATED" if setting.isolated else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": setting.leverage,
                "maxNotionalValue": top_notional(f.contract, setting.leverage),
            }
        )
    return rows


async def get_trading_status(ask: Ask) -> Row:
    """No rule has ever locked an account here."""
    return {"indicators": {}, "updateTime": ask.wall_ms}


async def get_order_limits(ask: Ask) -> list[Row]:
    """The order limits of the account."""
    limits = ask.wire.limits
    return [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": limits.orders_per_ten_seconds},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": limits.orders_per_minute},
    ]


# --- listen keys -----------------------------------------------------------------------------------------------------


async def post_listen_key(ask: Ask) -> Row:
    """The account's listen key, made or extended."""
    return {"listenKey": ask.wire.desk.listen_keys.create(ask.account_id)}


async def put_listen_key(ask: Ask) -> Row:
    """Extend the listen key."""
    if not ask.wire.desk.listen_keys.extend(ask.account_id):
        raise Denied(Code.INVALID_LISTEN_KEY, "This listenKey does not exist.")
    return {"listenKey": ask.wire.desk.listen_keys.create(ask.account_id)}


async def delete_listen_key(ask: Ask) -> Row:
    """Close the listen key."""
    ask.wire.desk.listen_keys.close(ask.account_id)
    return {}


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/fapi/v1/account"): route(account_v2, "", weight=5),
    ("GET", "/fapi/v2/account"): route(account_v2, "", weight=5),
    ("GET", "/fapi/v3/account"): route(account_v3, "", weight=5),
    ("GET", "/fapi/v1/balance"): route(balance, "", weight=5),
    ("GET", "/fapi/v2/balance"): route(balance, "", weight=5),
    ("GET", "/fapi/v3/balance"): route(balance, "", weight=5),
    ("GET", "/fapi/v1/positionRisk"): route(risk_v2, "symbol", weight=5),
    ("GET", "/fapi/v2/positionRisk"): route(risk_v2, "symbol", weight=5),
    ("GET", "/fapi/v3/positionRisk"): route(risk_v3, "symbol", weight=5),
    ("GET", "/fapi/v1/adlQuantile"): route(get_adl, "symbol", weight=5),
    ("POST", "/fapi/v1/positionMargin"): route(post_margin, "symbol positionSide amount type", once=True),
    ("GET", "/fapi/v1/positionMargin/history"): route(get_margin_history, "symbol type startTime endTime limit"),
    ("GET", "/fapi/v1/income"): route(get_income, "symbol incomeType startTime endTime page limit", weight=30),
    ("GET", "/fapi/v1/leverageBracket"): route(get_brackets, "symbol"),
    ("POST", "/fapi/v1/leverage"): route(post_leverage, "symbol leverage"),
    ("POST", "/fapi/v1/marginType"): route(post_margin_type, "symbol marginType"),
    ("GET", "/fapi/v1/positionSide/dual"): route(get_dual, "", weight=30),
    ("POST", "/fapi/v1/positionSide/dual"): route(post_dual, "dualSidePosition"),
    ("GET", "/fapi/v1/multiAssetsMargin"): route(get_multi_assets, "", weight=30),
    ("POST", "/fapi/v1/multiAssetsMargin"): route(post_multi_assets, "multiAssetsMargin"),
    ("GET", "/fapi/v1/feeBurn"): route(get_fee_burn, "", weight=30),
    ("POST", "/fapi/v1/feeBurn"): route(post_fee_burn, "feeBurn"),
    ("GET", "/fapi/v1/commissionRate"): route(get_commission, "symbol", weight=20),
    ("GET", "/fapi/v1/accountConfig"): route(get_account_config, "", weight=5),
    ("GET", "/fapi/v1/symbolConfig"): route(get_symbol_config, "symbol", weight=5),
    ("GET", "/fapi/v1/apiTradingStatus"): route(get_trading_status, "symbol"),
    ("GET", "/fapi/v1/rateLimit/order"): route(get_order_limits, ""),
    ("POST", "/fapi/v1/listenKey"): route(post_listen_key, "listenKey", security=KEYED),
    ("PUT", "/fapi/v1/listenKey"): route(put_listen_key, "listenKey", security=KEYED),
    ("DELETE", "/fapi/v1/listenKey"): route(delete_listen_key, "listenKey", security=KEYED),
}
