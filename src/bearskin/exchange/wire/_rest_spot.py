"""The little of the spot side of the venue that clients of its futures use: money between the two wallets."""

from __future__ import annotations

from bearskin.exchange._codes import Code
from bearskin.exchange._rows import IncomeRow
from bearskin.exchange._words import Transfer
from bearskin.exchange.wire._numbers import NS_PER_MS, bare
from bearskin.exchange.wire._params import Denied, integer, limited, missing, need, number, span
from bearskin.exchange.wire._routes import KEYED, OPEN, Ask, Route, route
from bearskin.exchange.wire._shapes import Row

INTO, OUT = "MAIN_UMFUTURE", "UMFUTURE_MAIN"  # of the futures wallet
NUMBERED = {"1": INTO, "2": OUT}
PAGES_MAX = 10_000


async def nothing(_: Ask) -> list[Row]:
    """An empty list: asked for by clients on their way, used by none of them here."""
    return []


async def get_system_status(_: Ask) -> Row:
    """It is up: it answers."""
    return {"status": 0, "msg": "normal"}


async def get_spot_account(ask: Ask) -> Row:
    """What lies in the spot wallet, all of it free: nothing is traded there."""
    name = ask.account.spot_name
    found = {asset: ledger.balance(name) for asset, ledger in ask.wire.state.ledgers.items()}
    return {
        "accountType": "SPOT",
        "canTrade": False,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": ask.wire.now_ms(),
        "balances": [
            {"asset": asset, "free": bare(free), "locked": "0"} for asset, free in sorted(found.items()) if free
        ],
        "permissions": ["SPOT"],
    }


async def moved(ask: Ask, way: str) -> Row:
    """Move money between the spot and the futures wallet of the account."""
    amount = number(ask.args, "amount")
    if amount is None:
        raise missing("amount")
    command = Transfer(
        time_ns=ask.wire.service.now_ns(),
        source=ask.account_id,
        target=ask.account_id,
        amount=amount,
        asset=need(ask.args, "asset"),
        source_wallet="SPOT" if way == INTO else "FUTURES",
        target_wallet="FUTURES" if way == INTO else "SPOT",
    )
    await ask.submit(command)
    return {"tranId": ask.wire.archive.income(ask.account_id, type="TRANSFER", limit=1)[-1].tran_id}


def way_of(ask: Ask) -> str:
    """Which way `type` says; only the two wallets there are."""
    way = need(ask.args, "type")
    if way not in (INTO, OUT):
        raise Denied(Code.INVALID_PARAMETER, f"Only {INTO} and {OUT} are served here.")
    return way


def way_numbered(ask: Ask) -> str:
    """Which way the older endpoint's number says."""
    way = NUMBERED.get(need(ask.args, "type"))
    if way is None:
        raise Denied(Code.INVALID_PARAMETER, "Data sent for parameter 'type' is not valid.")
    return way


async def post_transfer(ask: Ask) -> Row:
    """A transfer by its word."""
    return await moved(ask, way_of(ask))


async def post_futures_transfer(ask: Ask) -> Row:
    """A transfer by its number: 1 into the futures wallet, 2 out of it."""
    return await moved(ask, way_numbered(ask))


def history(ask: Ask) -> list[IncomeRow]:
    """All transfers of the account within the times asked for, the latest first."""
    start_ms, end_ms = span(ask.args)
    lines = ask.wire.archive.income(
        ask.account_id, type="TRANSFER", start_ms=start_ms, end_ms=end_ms, limit=PAGES_MAX * 100
    )
    asset = ask.args.get("asset")
    return [line for line in reversed(lines) if asset is None or line.asset == asset]


def page_of(ask: Ask, lines: list[IncomeRow]) -> list[IncomeRow]:
    """The page asked for, counted from 1."""
    size, current = limited(ask.args, "size", 10, 100), integer(ask.args, "current") or 1
    return lines[(current - 1) * size : current * size]


async def get_transfers(ask: Ask) -> Row:
    """Transfers of one way. Play money put in by control is told as coming from the spot wallet."""
    way = way_of(ask)
    lines = [line for line in history(ask) if (line.amount > 0) is (way == INTO)]
    rows = [
        {
            "timestamp": line.time_ns // NS_PER_MS,
            "asset": line.asset,
            "amount": bare(abs(line.amount)),
            "type": way,
            "status": "CONFIRMED",
            "tranId": line.tran_id,
        }
        for line in page_of(ask, lines)
    ]
    return {"total": len(lines), "rows": rows}


async def get_futures_transfers(ask: Ask) -> Row:
    """Transfers of both ways."""
    lines = history(ask)
    rows = [
        {
            "asset": line.asset,
            "tranId": line.tran_id,
            "amount": bare(abs(line.amount)),
            "type": "1" if line.amount > 0 else "2",
            "timestamp": line.time_ns // NS_PER_MS,
            "status": "CONFIRMED",
        }
        for line in page_of(ask, lines)
    ]
    return {"total": len(lines), "rows": rows}


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api/v3/account"): route(get_spot_account, "omitZeroBalances", weight=20),
    ("GET", "/sapi/v1/capital/config/getall"): route(nothing, ""),
    ("GET", "/sapi/v1/system/status"): route(get_system_status, "", security=OPEN),
    ("GET", "/sapi/v1/margin/allPairs"): route(nothing, "symbol", security=KEYED),
    ("POST", "/sapi/v1/asset/transfer"): route(post_transfer, "type asset amount", once=True),
    ("GET", "/sapi/v1/asset/transfer"): route(get_transfers, "type startTime endTime current size"),
    ("POST", "/sapi/v1/futures/transfer"): route(post_futures_transfer, "type asset amount", weight=5, once=True),
    ("GET", "/sapi/v1/futures/transfer"): route(
        get_futures_transfers, "asset startTime endTime current size", weight=10
    ),
}
