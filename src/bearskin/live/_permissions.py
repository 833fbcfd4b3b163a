"""What an API key may do, asked of the venue itself: a key that can withdraw never trades here.

Only venues whose answer is documented are asked. Elsewhere `withdraw` is None, which is not "no": then a person has to
say it. An answer without the field that matters counts as None too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bearskin.live._ccxt import load_ccxt, our_name, venue_error
from bearskin.terms import VenueRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPermissions:
    """What a key may do; None where the venue does not tell. `transfers` moves money between own accounts only."""

    withdraw: bool | None = None
    trade: bool | None = None
    ip_bound: bool | None = None
    transfers: bool | None = None
    source: str = ""

    @property
    def refusal(self) -> str:
        """Why the key cannot be used, in a sentence; empty when it can."""
        if self.withdraw:
            return (
                "this key can withdraw: whoever gets hold of it takes the money, so it is refused; "
                "make one without withdrawals"
            )
        if self.trade is False:
            return "this key may not trade futures: allow futures trading for it at the venue"
        return ""

    @property
    def hints(self) -> tuple[str, ...]:
        """What could be narrower, a sentence each."""
        said = []
        if self.ip_bound is False:
            said.append("this key works from any address: bind it to yours at the venue")
        if self.transfers:
            said.append("this key can move money between your own accounts, which no bot needs")
        return tuple(said)


def key_permissions(exchange: Any) -> KeyPermissions:
    """What the key of a ccxt exchange (the synchronous kind) may do, by one signed call.

    `KeyPermissions()` for venues that are not asked. Raises VenueRejected for a key the venue does not take,
    VenueBroken when it does not answer: then nothing is known, and nothing may be traded.
    """
    asked = _ASKED.get(our_name(str(exchange.id)))
    if asked is None:
        return KeyPermissions()
    ccxt = load_ccxt()
    try:
        return asked(exchange)
    except ccxt.BaseError as error:
        raise venue_error(error, venue=str(exchange.id)) from None  # the cause's text holds the signed address
    except (KeyError, TypeError, IndexError, AttributeError):
        name = our_name(str(exchange.id))
        raise VenueRejected(f"{name}: what the key may do could not be read from its answer") from None


def _binance(exchange: Any) -> KeyPermissions:
    """GET /sapi/v1/account/apiRestrictions: booleans by name."""
    answer = exchange.sapiGetAccountApiRestrictions()
    inner, universal = _flag(answer, "enableInternalTransfer"), _flag(answer, "permitsUniversalTransfer")
    return KeyPermissions(
        withdraw=_flag(answer, "enableWithdrawals"),
        trade=_flag(answer, "enableFutures"),
        ip_bound=_flag(answer, "ipRestrict"),
        transfers=None if inner is None and universal is None else bool(inner or universal),
        source="/sapi/v1/account/apiRestrictions",
    )


def _bybit(exchange: Any) -> KeyPermissions:
    """GET /v5/user/query-api: lists of words by area; `ips` is empty or * for a key that works from anywhere."""
    answer = exchange.privateGetV5UserQueryApi()["result"]
    areas = answer["permissions"]
    wallet = areas.get("Wallet")
    words = None if wallet is None else [str(word).lower() for word in wallet]
    read_only = str(answer["readOnly"]) == "1"
    addresses = answer.get("ips")
    return KeyPermissions(
        withdraw=None if words is None else not read_only and any("withdraw" in word for word in words),
        trade=not read_only and "Order" in (areas.get("ContractTrade") or ()),
        ip_bound=None if addresses is None else any(address not in ("", "*") for address in addresses),
        transfers=None if words is None else not read_only and any("transfer" in word for word in words),
        source="/v5/user/query-api",
    )


def _okx(exchange: Any) -> KeyPermissions:
    """GET /api/v5/account/config: `perm` is words with commas, `ip` the addresses the key is bound to."""
    answer = exchange.privateGetAccountConfig()["data"][0]
    text = str(answer.get("perm") or "").lower()
    words = {word.strip() for word in text.split(",") if word.strip()}
    addresses = answer.get("ip")
    return KeyPermissions(
        withdraw="withdraw" in words if words else None,
        trade="trade" in words if words else None,
        ip_bound=None if addresses is None else bool(str(addresses).strip()),
        source="/api/v5/account/config",
    )


def _flag(answer: Mapping[str, Any], name: str) -> bool | None:
    """A boolean that ccxt may have left as it came or as text; None where it is neither."""
    return {"true": True, "false": False}.get(str(answer.get(name)).lower())


_ASKED: Final[Mapping[str, Callable[[Any], KeyPermissions]]] = {"binance": _binance, "bybit": _bybit, "okx": _okx}
