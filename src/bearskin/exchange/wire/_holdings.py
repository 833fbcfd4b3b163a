"""Wallets and positions of an account in the JSON form of the venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from bearskin.exchange import _figures
from bearskin.exchange._accounts import movable
from bearskin.exchange._book import CAUTIOUS
from bearskin.exchange._clearing import fee_rate
from bearskin.exchange._floor import Floor
from bearskin.exchange._state import ZERO, Account, Position
from bearskin.exchange.wire._numbers import NS_PER_MS, money, price_of
from bearskin.exchange.wire._shapes import Faces, top_notional
from bearskin.margin import break_even_price, quoting
from bearskin.terms import QUOTE

Row = dict[str, Any]


class Held(NamedTuple):
    """A position at mark. `initial` is its initial margin, `resting` that of the symbol's open orders."""

    symbol: str
    side: str
    qty: Decimal
    cost: Decimal
    mark: Decimal
    notional: Decimal
    unrealised: Decimal
    isolated: bool
    wallet: Decimal
    maintenance: Decimal
    initial: Decimal
    resting: Decimal
    bid: Decimal
    ask: Decimal
    leverage: int
    updated_ns: int
    position: Position | None


def sides_of(account: Account) -> tuple[str, ...]:
    """The position sides an account has in every symbol."""
    return ("LONG", "SHORT") if account.dual else ("BOTH",)


def held(floor: Floor, account: Account, symbol: str, side: str) -> Held:
    """A position, flat or not, with what the venue tells of it. Called under an exact context."""
    key = f"{symbol}/{side}"
    position = account.positions.get(key)
    reserve = account.reserves.get(key)
    leverage = _figures.leverage_of(floor, account, symbol)
    isolated = _figures.setting_of(account, symbol).isolated
    mark = _figures.mark_of(floor, symbol)
    qty, cost, updated_ns = ZERO, ZERO, 0
    if position is not None:
        qty, cost, updated_ns = position.qty, position.cost, position.updated_ns
    notional = qty * mark
    bid, ask, resting = ZERO, ZERO, ZERO
    if reserve is not None:
        bid, ask = reserve.bid, reserve.ask
        resting = CAUTIOUS.divide(_figures.order_notional(notional, bid, ask), leverage)
    return Held(
        symbol=symbol,
        side=side,
        qty=qty,
        cost=cost,
        mark=mark,
        notional=notional,
        unrealised=notional - cost,
        isolated=isolated,
        wallet=_figures.margin_of(floor, position) if position is not None and isolated else ZERO,
        maintenance=_figures.maintenance_of(floor, position) if position is not None else ZERO,
        initial=CAUTIOUS.divide(abs(notional), leverage) if qty else ZERO,
        resting=resting,
        bid=bid,
        ask=ask,
        leverage=leverage,
        updated_ns=updated_ns,
        position=position,
    )


def holdings(floor: Floor, account: Account, symbol: str | None = None) -> list[Held]:
    """Every position slot of an account, flat ones too, in the order of the symbols."""
    symbols = floor.state.markets if symbol is None else (symbol,)
    return [held(floor, account, name, side) for name in symbols for side in sides_of(account)]


def busy(floor: Floor, account: Account) -> list[Held]:
    """The slots that hold a position or reserve margin for orders."""
    return [h for h in holdings(floor, account) if h.qty or h.bid or h.ask]


def isolated_margin(h: Held) -> str:
    """Margin of an isolated position with its profit at mark; "0" for cross, by which ccxt tells them apart."""
    return money(h.wallet + h.unrealised) if h.isolated and h.qty else "0"


def entry_text(h: Held) -> str:
    """The average entry."""
    return price_of(QUOTE.divide(h.cost, h.qty)) if h.qty else "0.0"


def break_even_text(floor: Floor, account: Account, h: Held) -> str:
    """The entry moved by the fee paid at entry."""
    if not h.qty:
        return "0.0"
    rate = fee_rate(account, floor.state.markets[h.symbol].contract, False)
    with quoting():
        return price_of(break_even_price(h.qty, h.cost, rate))


def risk_row(floor: Floor, account: Account, faces: Faces, h: Held, lights: int, version: int) -> Row:
    """A position as positionRisk tells it: versions 1 and 2 carry the settings, version 3 the margins."""
    face = faces[h.symbol]
    liquidation = ZERO if h.position is None else _figures.liquidation_price(floor, account, h.position)
    row: Row = {
        "symbol": h.symbol,
        "positionSide": h.side,
        "positionAmt": face.qtys.show(h.qty),
        "entryPrice": entry_text(h),
        "breakEvenPrice": break_even_text(floor, account, h),
        "markPrice": money(h.mark),
        "unRealizedProfit": money(h.unrealised),
        "liquidationPrice": price_of(liquidation),
        "isolatedMargin": isolated_margin(h),
        "notional": money(h.notional),
        "isolatedWallet": money(h.wallet) if h.isolated and h.qty else "0",
        "updateTime": h.updated_ns // NS_PER_MS,
    }
    if version == 3:
        row |= {
            "marginAsset": face.contract.settle,
            "initialMargin": money(h.initial + h.resting),
            "maintMargin": money(h.maintenance),
            "positionInitialMargin": money(h.initial),
            "openOrderInitialMargin": money(h.resting),
            "adl": lights,
            "bidNotional": money(h.bid),
            "askNotional": money(h.ask),
        }
    else:
        row |= {
            "maxNotionalValue": top_notional(face.contract, h.leverage),
            "leverage": str(h.leverage),
            "marginType": "isolated" if h.isolated else "cross",
            "isAutoAddMargin": "false",
            "isolated": h.isolated,
            "adlQuantile": lights,
        }
    return row


class Purse(NamedTuple):
    """One asset of an account, all told."""

    asset: str
    wallet: Decimal
    cross_wallet: Decimal
    cross_unrealised: Decimal
    unrealised: Decimal
    maintenance: Decimal
    initial: Decimal
    resting: Decimal
    available: Decimal
    withdrawable: Decimal
    updated_ns: int


def assets_of(floor: Floor) -> list[str]:
    """The assets the exchange settles in."""
    found = dict.fromkeys(market.contract.settle for market in floor.state.markets.values())
    found |= dict.fromkeys(floor.state.ledgers)
    return list(found) or ["USDT"]


def purse(floor: Floor, account: Account, asset: str, slots: list[Held]) -> Purse:
    """The money of one asset: `slots` are the busy positions of the account."""
    markets = floor.state.markets
    mine = [h for h in slots if markets[h.symbol].contract.settle == asset]
    cross_wallet = _figures.wallet(floor, account, asset)
    available = _figures.available(floor, account, asset)
    return Purse(
        asset=asset,
        wallet=cross_wallet + sum((h.wallet for h in mine if h.isolated), ZERO),
        cross_wallet=cross_wallet,
        cross_unrealised=sum((h.unrealised for h in mine if not h.isolated), ZERO),
        unrealised=sum((h.unrealised for h in mine), ZERO),
        maintenance=sum((h.maintenance for h in mine), ZERO),
        initial=sum((h.initial for h in mine), ZERO),
        resting=sum((h.resting for h in mine), ZERO),
        available=available,
        withdrawable=movable(floor, account, asset),
        updated_ns=max((h.updated_ns for h in mine), default=0),
    )


def purses(floor: Floor, account: Account) -> list[Purse]:
    """All assets of an account."""
    slots = busy(floor, account)
    return [purse(floor, account, asset, slots) for asset in assets_of(floor)]


def balance_row(account: Account, p: Purse, now_ms: int) -> Row:
    """An asset as /balance tells it."""
    return {
        "accountAlias": f"bearskin{account.id}",
        "asset": p.asset,
        "balance": money(p.wallet),
        "crossWalletBalance": money(p.cross_wallet),
        "crossUnPnl": money(p.cross_unrealised),
        "availableBalance": money(p.available),
        "maxWithdrawAmount": money(p.withdrawable),
        "marginAvailable": True,
        "updateTime": p.updated_ns // NS_PER_MS or now_ms,
    }


def asset_row(p: Purse, now_ms: int) -> Row:
    """An asset as /account tells it."""
    return {
        "asset": p.asset,
        "walletBalance": money(p.wallet),
        "unrealizedProfit": money(p.unrealised),
        "marginBalance": money(p.wallet + p.unrealised),
        "maintMargin": money(p.maintenance),
        "initialMargin": money(p.initial + p.resting),
        "positionInitialMargin": money(p.initial),
        "openOrderInitialMargin": money(p.resting),
        "crossWalletBalance": money(p.cross_wallet),
        "crossUnPnl": money(p.cross_unrealised),
        "availableBalance": money(p.available),
        "maxWithdrawAmount": money(p.withdrawable),
        "marginAvailable": True,
        "updateTime": p.updated_ns // NS_PER_MS or now_ms,
    }


def account_position_row(floor: Floor, account: Account, faces: Faces, h: Held, version: int) -> Row:
    """A position as /account tells it."""
    face = faces[h.symbol]
    row: Row = {
        "symbol": h.symbol,
        "positionSide": h.side,
        "positionAmt": face.qtys.show(h.qty),
        "unrealizedProfit": money(h.unrealised),
        "isolatedMargin": isolated_margin(h),
        "notional": money(h.notional),
        "isolatedWallet": money(h.wallet) if h.isolated and h.qty else "0",
        "initialMargin": money(h.initial + h.resting),
        "maintMargin": money(h.maintenance),
        "updateTime": h.updated_ns // NS_PER_MS,
    }
    if version < 3:
        row |= {
            "positionInitialMargin": money(h.initial),
            "openOrderInitialMargin": money(h.resting),
            "leverage": str(h.leverage),
            "isolated": h.isolated,
            "entryPrice": entry_text(h),
            "breakEvenPrice": break_even_text(floor, account, h),
            "maxNotional": top_notional(face.contract, h.leverage),
            "bidNotional": money(h.bid),
            "askNotional": money(h.ask),
        }
    return row


def account_rows(floor: Floor, account: Account, faces: Faces, version: int, now_ms: int) -> Row:
    """The whole account; version 3 lists only what is held, version 2 every symbol and the rights of the account."""
    every = holdings(floor, account)
    slots = [h for h in every if h.qty or h.bid or h.ask]
    all_purses = [purse(floor, account, asset, slots) for asset in assets_of(floor)]
    total = {
        "totalInitialMargin": sum((p.initial + p.resting for p in all_purses), ZERO),
        "totalMaintMargin": sum((p.maintenance for p in all_purses), ZERO),
        "totalWalletBalance": sum((p.wallet for p in all_purses), ZERO),
        "totalUnrealizedProfit": sum((p.unrealised for p in all_purses), ZERO),
        "totalMarginBalance": sum((p.wallet + p.unrealised for p in all_purses), ZERO),
        "totalPositionInitialMargin": sum((p.initial for p in all_purses), ZERO),
        "totalOpenOrderInitialMargin": sum((p.resting for p in all_purses), ZERO),
        "totalCrossWalletBalance": sum((p.cross_wallet for p in all_purses), ZERO),
        "totalCrossUnPnl": sum((p.cross_unrealised for p in all_purses), ZERO),
        "availableBalance": sum((p.available for p in all_purses), ZERO),
        "maxWithdrawAmount": sum((p.withdrawable for p in all_purses), ZERO),
    }
    row: Row = {} if version == 3 else rights(account)
    row |= {name: money(amount) for name, amount in total.items()}
    row["assets"] = [asset_row(p, now_ms) for p in all_purses]
    shown = slots if version == 3 else every
    row["positions"] = [account_position_row(floor, account, faces, h, version) for h in shown]
    return row


def rights(account: Account) -> Row:
    """What an account may do: everything."""
    return {
        "feeTier": account.fee_tier,
        "feeBurn": False,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": account.dual,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }
