"""Money between the spot and the futures wallet, through the venue's own transfer."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Final, Literal

from bearskin.app._rates import positive_of
from bearskin.app._world import DEMO
from bearskin.app.web._account_link import AccountLink
from bearskin.app.web._account_rows import line_of
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._positions import plain
from bearskin.terms import BadInput, BearskinError, dec

SPOT, SPOT_S = "spot balance", 30.0  # it changes by a transfer alone, hardly ever by anything else
Way = Literal["to_futures", "to_spot"]
# what ccxt calls the two wallets at each venue: where coins lie, and where futures are traded
WALLETS: Final = {
    "binance": ("spot", "swap"),
    "bingx": ("spot", "swap"),
    "bybit": ("funding", "unified"),
    "mexc": ("spot", "swap"),
    "okx": ("funding", "trading"),
}


async def wallets(desk: WebDesk) -> list[dict[str, Any]]:
    """The two wallets with what is in them: total, and what may leave."""
    line = line_of(desk)
    spot, _ = names_of(line)
    account, told = await asyncio.gather(
        line.now(),
        line.line.answers.get(SPOT, SPOT_S, lambda: line.call("fetch_balance", {"type": spot, "subType": "spot"})),
    )
    asset = account.asset
    kept = {name: amount for name, amount in (told.get("total") or {}).items() if amount}
    free = (told.get("free") or {}).get(asset)
    others = {name: plain(dec(amount)) for name, amount in kept.items() if name != asset}
    return [
        {"wallet": "spot", "asset": asset, "total": plain(dec(kept.get(asset, 0))), "free": plain(dec(free or 0)),
         "others": others},
        {"wallet": "futures", "asset": asset, "total": plain(account.wallet), "free": plain(account.available),
         "others": {}},
    ]  # fmt: skip


async def transfer(desk: WebDesk, amount: str | Decimal, way: Way) -> dict[str, Any]:
    """Move `amount` of the settle currency; the wallets as they are then. The venue says no to what is not there.

    Raises BadInput for what is no amount, BearskinError with the venue's words where it refuses.
    """
    wanted = positive_of(amount, "amount")
    line = line_of(desk)
    if way not in ("to_futures", "to_spot"):
        raise BadInput(f"way was {way!r}, must be to_futures or to_spot")
    spot, futures = names_of(line)
    asset = (await line.now()).asset
    source, target = (spot, futures) if way == "to_futures" else (futures, spot)
    done = await line.call("transfer", asset, float(wanted), source, target, acting=True)
    line.line.answers.forget(SPOT)
    line.look()
    return {"id": str(done.get("id") or ""), "amount": plain(wanted), "asset": asset, "way": way,
            "wallets": await wallets(desk)}  # fmt: skip


def names_of(line: AccountLink) -> tuple[str, str]:
    """ccxt's names of the two wallets; raises BearskinError where the venue cannot be asked to transfer."""
    venue = line.market.place.venue
    found = WALLETS.get("binance" if venue == DEMO else venue)
    if found is None or not line.able("transfer"):
        raise BearskinError(f"{line.title} takes no transfers through ccxt: move the money on its own page")
    return found
