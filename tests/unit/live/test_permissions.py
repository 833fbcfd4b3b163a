"""What a key may do, read from the answers venues document."""

from __future__ import annotations

import ccxt
import pytest

from bearskin.live import KeyPermissions, Secret, key_permissions
from bearskin.terms import VenueBroken, VenueRejected


def asked(venue: str, method: str, answer: object) -> KeyPermissions:
    exchange = getattr(ccxt, venue)()

    def call(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert callable(getattr(exchange, method))  # ccxt has this call
    setattr(exchange, method, call)
    return key_permissions(exchange)


def binance(**changed: object) -> KeyPermissions:
    answer = {
        "ipRestrict": False, "createTime": 1623840271000, "enableReading": True, "enableWithdrawals": False,
        "enableInternalTransfer": False, "enableMargin": False, "enableFutures": True,
        "permitsUniversalTransfer": False, "enableVanillaOptions": False, "enableSpotAndMarginTrading": False,
    } | changed  # fmt: skip
    return asked("binanceusdm", "sapiGetAccountApiRestrictions", answer)


def bybit(**changed: object) -> KeyPermissions:
    permissions = {"ContractTrade": ["Order", "Position"], "Spot": [], "Wallet": [], "Derivatives": []}
    permissions |= changed.pop("permissions", {})
    answer = {"readOnly": 0, "permissions": permissions, "ips": ["*"], "apiKey": "XXXXXX", "secret": ""} | changed
    return asked("bybit", "privateGetV5UserQueryApi", {"retCode": 0, "result": answer})


def okx(perm: str, ip: str = "") -> KeyPermissions:
    return asked("okx", "privateGetAccountConfig", {"code": "0", "data": [{"perm": perm, "ip": ip, "uid": "1"}]})


def test_a_plain_trading_key_is_taken_everywhere():
    for found in (binance(), bybit(), okx("read_only,trade")):
        assert (found.withdraw, found.trade, found.refusal) == (False, True, "")
        assert found.ip_bound is False
        assert "works from any address" in found.hints[0]
    for found in (binance(ipRestrict=True), bybit(ips=["192.0.2.1"]), okx("trade", "192.0.2.1")):
        assert (found.ip_bound, found.hints) == (True, ())


def test_a_key_that_can_withdraw_is_refused_everywhere():
    wallet = {"Wallet": ["AccountTransfer", "Withdraw"]}
    for found in (binance(enableWithdrawals=True), bybit(permissions=wallet), okx("read_only,withdraw,trade")):
        assert found.withdraw
        assert "can withdraw" in found.refusal
    assert binance(enableWithdrawals="true").withdraw


def test_a_key_that_may_not_trade_is_told():
    none = {"ContractTrade": []}
    for found in (binance(enableFutures=False), bybit(permissions=none), bybit(readOnly=1), okx("read_only")):
        assert "may not trade futures" in found.refusal


def test_transfers_between_own_accounts_are_a_hint():
    for found in (binance(enableInternalTransfer=True), bybit(permissions={"Wallet": ["AccountTransfer"]})):
        assert found.refusal == ""
        assert any("between your own accounts" in hint for hint in found.hints)


def test_an_answer_without_the_field_is_not_a_no():
    assert asked("binanceusdm", "sapiGetAccountApiRestrictions", {"ipRestrict": True}).withdraw is None
    assert okx("").withdraw is None
    assert bybit(permissions={"Wallet": None}).withdraw is None
    with pytest.raises(VenueRejected, match="could not be read"):
        asked("bybit", "privateGetV5UserQueryApi", {"retCode": 0, "result": {}})
    with pytest.raises(VenueRejected, match="could not be read"):
        asked("okx", "privateGetAccountConfig", {"data": []})


def test_venues_without_a_documented_answer_are_not_asked():
    for venue in ("bingx", "mexc", "weex", "kraken"):
        assert key_permissions(getattr(ccxt, venue)()) == KeyPermissions()


def test_failures_stop_and_show_no_key():
    secret = Secret("marker-of-the-permission-test")
    words = f"binance GET https://api/x?signature=0123456789abcdef {secret.reveal()}"
    for error, kind in ((ccxt.RequestTimeout(words), VenueBroken), (ccxt.AuthenticationError(words), VenueRejected)):
        with pytest.raises(kind) as caught:
            asked("binanceusdm", "sapiGetAccountApiRestrictions", error)
        assert "marker" not in str(caught.value)
        assert "0123456789abcdef" not in str(caught.value)
        assert caught.value.__cause__ is None
