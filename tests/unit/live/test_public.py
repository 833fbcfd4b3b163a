"""Public data of venues through real ccxt classes whose wire is answered here."""

from __future__ import annotations

import builtins
import sys
from urllib.parse import parse_qsl, urlsplit

import ccxt
import pytest

from bearskin.live import _ccxt, _public, fetch_public, venue_error
from bearskin.market import SeriesKey, Store
from bearskin.terms import (
    DAY_NS,
    HOUR_NS,
    MINUTE_NS,
    BadInput,
    BearskinError,
    ClockOff,
    NotAllowed,
    UnknownSymbol,
    VenueBroken,
    VenueBusy,
    VenueRejected,
    parse_time,
)

START = parse_time("2025-10-01")
NOW = parse_time("2025-10-21T10:30:00")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
LISTED_MS = parse_time("2025-09-20T05:00:00") // 10**6


def contract(symbol: str, base: str) -> dict:
    """A perpetual as `exchangeInfo` prints it."""
    return {
        "symbol": symbol, "pair": symbol, "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
        "onboardDate": LISTED_MS, "status": "TRADING", "maintMarginPercent": "2.5",
        "requiredMarginPercent": "5.0",
        "baseAsset": base, "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3,
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "liquidationFee": "0.0125",
        "marketTakeBound": "0.05", "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "GTX"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }  # fmt: skip


class Wire(ccxt.binanceusdm):
    """ccxt's own class; only the answers of the wire are made up, in the shapes Binance sends."""

    def __init__(self, *, now_ns: int = NOW) -> None:
        super().__init__({"enableRateLimit": False})
        self.now_ms = now_ns // 10**6
        self.asked: list[tuple[str, dict]] = []
        self.trouble: list[Exception] = []
        self.newest_first = False

    def milliseconds(self) -> int:
        return self.now_ms

    def fetch(self, url, method="GET", headers=None, body=None):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        self.asked.append((parts.path, query))
        if self.trouble and not parts.path.endswith("exchangeInfo"):
            raise self.trouble.pop(0)
        return getattr(self, "_" + parts.path.rsplit("/", 1)[-1])(query)

    def _exchangeInfo(self, query):
        return {"timezone": "UTC", "serverTime": self.now_ms, "assets": [], "rateLimits": [], "exchangeFilters": [],
                "symbols": [contract("BTCUSDT", "BTC"), contract("1000PEPEUSDT", "1000PEPE")]}  # fmt: skip

    def _times(self, query, step_ms: int, limit_max: int) -> list[int]:
        since = max(int(query.get("startTime", 0)), LISTED_MS)
        until = min(int(query.get("endTime", self.now_ms)), self.now_ms)
        times = list(range(-(-since // step_ms) * step_ms, until + 1, step_ms))
        limit = min(int(query.get("limit", limit_max)), limit_max)
        return times[-limit:] if self.newest_first else times[:limit]

    def _rows(self, query, lift: float):
        step = {"1h": HOUR_MS, "5m": 300_000, "1m": 60_000}[query["interval"]]
        return [
            [t, *(f"{price + add}" for add in (0, 3, -2, 1)), "12.5", t + step - 1, "1250.0", 9, "6.0", "600.0", "0"]
            for t in self._times(query, step, 1500)
            for price in (round(50_000 + (t // step) % 1000 + lift, 2),)
        ]  # fmt: skip

    def _klines(self, query):
        return self._rows(query, 0.0)

    def _markPriceKlines(self, query):
        return self._rows(query, 0.5)

    def _indexPriceKlines(self, query):
        assert query["pair"] == "BTCUSDT"
        return self._rows(query, -0.5)

    def _fundingRate(self, query):
        return [
            {"symbol": "BTCUSDT", "fundingTime": t + 7, "fundingRate": f"{(n % 5 - 1) / 10_000:.8f}", "markPrice": "1"}
            for n, t in enumerate(self._times(query, 8 * HOUR_MS, 1000))
        ]  # fmt: skip

    def _openInterestHist(self, query):
        step = {"1h": HOUR_MS, "5m": 300_000}[query["period"]]
        if int(query["startTime"]) < self.now_ms - 30 * DAY_MS:
            raise ccxt.BadRequest('binanceusdm {"code":-1130,"msg":"parameter \'startTime\' is invalid."}')
        return [
            {
                "symbol": "BTCUSDT",
                "sumOpenInterest": "75375.617",
                "sumOpenInterestValue": "3248828883.7",
                "timestamp": t,
            }
            for t in self._times(query, step, 500)
        ]

    def _globalLongShortAccountRatio(self, query):
        return [
            {
                "symbol": "BTCUSDT",
                "longAccount": "0.62",
                "shortAccount": "0.38",
                "longShortRatio": "1.6316",
                "timestamp": t,
            }
            for t in self._times(query, HOUR_MS, 500)
        ]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def fetch(store, wire, kinds, *, symbol="BTCUSDT", interval="1h", start_ns=START, end_ns=NOW, **more):
    waits = more.pop("waits", [])
    return fetch_public(
        store, "binanceusdm", symbol, kinds, interval, start_ns, end_ns, exchange=wire, sleep=waits.append, **more
    )


def key(kind: str, interval: str = "1h", symbol: str = "BTCUSDT") -> SeriesKey:
    return SeriesKey("binance", "linear", symbol, kind, interval)


def test_everything_public_of_a_perpetual_is_stored_under_our_names(store):
    report = fetch(store, Wire(), ["trade", "mark", "index", "funding", "open-interest", "long-short"])
    assert (report.venue, report.product, report.symbol, report.unavailable) == ("binance", "linear", "BTCUSDT", ())
    assert {str(append.key) for append in report.appends} == {
        f"binance/linear/BTCUSDT/{rest}"
        for rest in ("trade/1h", "mark/1h", "index/1h", "funding/event", "open-interest/1h", "long-short/1h")
    }
    bars = store.scan(key("trade")).collect()
    assert bars["time"].dt.epoch("ns").to_list() == list(range(START, parse_time("2025-10-21T10:00:00"), HOUR_NS))
    price = 50_000.0 + (START // 10**6 // HOUR_MS) % 1000
    assert bars.row(0)[1:6] == (price, price + 3, price - 2, price + 1, 12.5)
    assert bars["source"].unique().to_list() == ["binanceusdm-api"]
    assert store.scan(key("mark")).collect()["open"][0] == price + 0.5
    assert store.scan(key("index")).collect()["open"][0] == price - 0.5
    funding = store.scan(key("funding", "event")).collect()
    assert len(funding) == 62  # three a day, and those of 00:00 and 08:00 on the last
    assert (funding["time"].dt.epoch("ns") % MINUTE_NS == 0).all()  # without the stamp's jitter
    assert (funding["known_at"].dt.epoch("ns") - funding["time"].dt.epoch("ns") == 7_000_000).all()
    assert funding["rate"].min() == -0.0001
    interest = store.scan(key("open-interest")).collect()
    assert interest.select("oi", "oi_usd").row(0) == (75375.617, 3248828883.7)
    assert store.scan(key("long-short")).collect()["ratio"][0] == 1.6316


def test_the_bar_that_is_not_finished_is_left_out(store):
    fetch(store, Wire(), ["trade"], end_ns=NOW + DAY_NS)
    assert store.coverage(key("trade")).last_ns == parse_time("2025-10-21T09:00:00")
    fetch(store, Wire(now_ns=parse_time("2025-10-21T11:00:00")), ["trade"], end_ns=NOW + DAY_NS)
    assert store.coverage(key("trade")).last_ns == parse_time("2025-10-21T10:00:00")


@pytest.mark.parametrize("newest_first", [False, True])
def test_windows_and_short_answers_leave_no_hole(store, newest_first, monkeypatch):
    wire = Wire()
    wire.newest_first = newest_first
    monkeypatch.setitem(_public._ROWS_BINANCE, "trade", 2000)  # more than ccxt lets one answer hold
    fetch(store, wire, ["trade"], interval="5m", start_ns=START, end_ns=START + 7 * DAY_NS)
    bars = store.scan(key("trade", "5m")).collect()
    assert bars["time"].dt.epoch("ns").to_list() == list(range(START, START + 7 * DAY_NS, 5 * MINUTE_NS))


def test_a_second_fetch_goes_on_from_the_last_row(store):
    wire = Wire()
    fetch(store, wire, ["trade", "funding"], end_ns=START + 2 * DAY_NS)
    wire.asked.clear()
    report = fetch(store, wire, ["trade", "funding"], end_ns=START + 3 * DAY_NS)
    assert [append.added for append in report.appends] == [24, 3]
    assert [append.same for append in report.appends] == [0, 0]
    starts = [int(query["startTime"]) for path, query in wire.asked if "startTime" in query]
    assert starts[0] == (START + 2 * DAY_NS) // 10**6
    wire.asked.clear()
    assert fetch(store, wire, ["trade"], end_ns=START + 3 * DAY_NS).appends == ()
    assert fetch(store, wire, ["trade"], end_ns=START + 3 * DAY_NS, again=True).appends[0].same == 72


def test_an_earlier_start_than_the_store_has_is_fetched(store):
    fetch(store, Wire(), ["trade"], start_ns=START + DAY_NS, end_ns=START + 2 * DAY_NS)
    report = fetch(store, Wire(), ["trade"], end_ns=START + 2 * DAY_NS)
    assert (report.appends[0].added, report.appends[0].same) == (24, 24)


def test_time_before_the_listing_is_empty_and_not_an_error(store):
    fetch(store, Wire(), ["trade"], interval="1h", start_ns=parse_time("2025-01-01"), end_ns=parse_time("2025-09-21"))
    assert store.coverage(key("trade")).first_ns == LISTED_MS * 10**6


def test_statistics_start_where_binance_still_has_them(store):
    fetch(store, Wire(), ["open-interest"], start_ns=parse_time("2025-01-01"), interval="1m")
    reach = store.coverage(key("open-interest", "5m"))
    assert NOW - 30 * DAY_NS < reach.first_ns < NOW - 29 * DAY_NS


@pytest.mark.parametrize("name", ["BTCUSDT", "BTC/USDT:USDT"])
def test_a_symbol_may_be_the_venues_or_ccxts(store, name):
    assert fetch(store, Wire(), ["trade"], symbol=name, end_ns=START + DAY_NS).symbol == "BTCUSDT"


def test_an_unknown_symbol_names_near_ones(store):
    with pytest.raises(UnknownSymbol, match=r"no market 'BTCUSTD': did you mean .*BTCUSDT"):
        fetch(store, Wire(), ["trade"], symbol="BTCUSTD")


def test_a_passing_failure_is_tried_again(store):
    wire, waits = Wire(), []
    wire.trouble = [ccxt.RequestTimeout("slow"), ccxt.RateLimitExceeded("429"), ccxt.ExchangeNotAvailable("503")]
    report = fetch(store, wire, ["trade"], waits=waits)
    assert report.appends[0].added > 0
    assert waits == [1.0, 2.0, 4.0]


def test_a_lasting_failure_is_broken_and_keeps_what_came(store):
    wire, waits = Wire(), []
    calls = wire.fetch

    def dies_later(url, *rest):
        if len(wire.asked) >= 3:
            raise ccxt.NetworkError("binanceusdm GET connection reset")
        return calls(url, *rest)

    wire.fetch = dies_later
    with pytest.raises(VenueBroken, match="connection reset"):
        fetch(store, wire, ["trade"], interval="5m", waits=waits)
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert store.coverage(key("trade", "5m")).rows == 2000  # two windows came before
    wire.fetch = calls
    fetch(store, wire, ["trade"], interval="5m")
    bars = store.scan(key("trade", "5m")).collect()["time"].dt.epoch("ns")
    assert (bars.diff().drop_nulls() == 5 * MINUTE_NS).all()


def test_a_refusal_is_not_tried_again(store):
    wire, waits = Wire(), []
    wire.trouble = [ccxt.BadRequest("no")]
    with pytest.raises(VenueRejected, match="BadRequest: no"):
        fetch(store, wire, ["trade"], waits=waits)
    assert waits == []


def test_what_a_venue_does_not_give_is_said(store):
    class Spare(Wire):
        def describe(self):
            return self.deep_extend(super().describe(), {"has": {"fetchLongShortRatioHistory": False}})

    report = fetch(store, Spare(), ["long-short", "borrow-rate", "trade"], end_ns=START + DAY_NS)
    kinds = dict(report.unavailable)
    assert "does not publish" in kinds["long-short"]
    assert "borrow-rate" in kinds  # Binance asks for a key
    assert [append.key.kind for append in report.appends] == ["trade"]


class Loans(ccxt.okx):
    """OKX publishes borrow rates without a key."""

    def __init__(self) -> None:
        super().__init__({"enableRateLimit": False})
        market = {"id": "BTC-USDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True, "type": "spot"}
        self.set_markets([self.safe_market_structure({**market, "baseId": "BTC", "quoteId": "USDT", "active": True})])

    def fetch(self, url, method="GET", headers=None, body=None):
        query = dict(parse_qsl(urlsplit(url).query))
        rows = [
            {"amt": "1", "ccy": query["ccy"], "rate": "0.01", "ts": str(START // 10**6 + n * HOUR_MS)} for n in range(5)
        ]
        return {"code": "0", "data": rows[::-1], "msg": ""}


def test_borrow_rates_are_per_hour_and_belong_to_the_coin(store):
    report = fetch_public(
        store, "okx", "BTC-USDT", ["borrow-rate", "funding"], "1h", START, START + DAY_NS, exchange=Loans(), now_ns=NOW
    )
    assert dict(report.unavailable) == {"funding": "spot has none"}
    rates = store.scan(SeriesKey("okx", "margin", "BTC", "borrow-rate", "event")).collect()
    assert rates["rate"].to_list() == [0.01] * 5


@pytest.mark.parametrize(
    ("kinds", "interval", "end_ns", "says"),
    [
        (["trades"], "1h", NOW, "'trades'"),
        ([], "1h", NOW, "kind"),
        (["trade"], "1q", NOW, "'1q'"),
        (["trade"], "1h", START, "not after its start"),
    ],
)
def test_bad_requests_ask_nobody(store, kinds, interval, end_ns, says):
    wire = Wire()
    with pytest.raises(BadInput) as caught:
        fetch(store, wire, kinds, interval=interval, end_ns=end_ns)
    assert says in str(caught.value)
    assert wire.asked == []


def test_an_unknown_venue_names_near_ones(store):
    with pytest.raises(BadInput, match="no venue 'binanceusd': did you mean binanceusdm"):
        fetch_public(store, "binanceusd", "BTCUSDT", ["trade"], "1h", START, NOW)


def test_without_ccxt_one_sentence_says_how_to_get_it(store, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "ccxt":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "ccxt")
    with pytest.raises(BadInput, match="pip install ccxt"):
        fetch_public(store, "binanceusdm", "BTCUSDT", ["trade"], "1h", START, NOW)


def every_error() -> list[type[Exception]]:
    found, stack = [], [ccxt.BaseError]
    while stack:
        found.append(stack.pop())
        stack += found[-1].__subclasses__()
    return sorted(set(found), key=lambda cls: cls.__name__)


EXPECTED = {
    "BadSymbol": UnknownSymbol,
    "InvalidProxySettings": BadInput,
    "OperationFailed": VenueBroken, "NetworkError": VenueBroken, "RequestTimeout": VenueBroken,
    "DDoSProtection": VenueBusy, "RateLimitExceeded": VenueBusy, "ExchangeNotAvailable": VenueBroken,
    "OnMaintenance": VenueBroken, "InvalidNonce": ClockOff, "ChecksumError": VenueBroken, "BadResponse": VenueBroken,
    "NullResponse": VenueBroken, "CancelPending": VenueBroken, "ExchangeClosedByUser": VenueBroken,
    "UnsubscribeError": VenueBroken, "AuthenticationError": NotAllowed, "PermissionDenied": NotAllowed,
    "AccountNotEnabled": NotAllowed, "AccountSuspended": NotAllowed, "RestrictedLocation": NotAllowed,
}  # fmt: skip


@pytest.mark.parametrize("cls", every_error(), ids=lambda cls: cls.__name__)
def test_every_ccxt_error_has_a_place_in_our_tree(cls):
    ours = venue_error(cls("something\n happened"), venue="okx", symbol="X")
    assert isinstance(ours, BearskinError)
    assert type(ours) is EXPECTED.get(cls.__name__, VenueRejected)
    assert "okx" in str(ours)
    assert "something happened" in str(ours)


def test_the_errors_ccxt_lists_are_the_ones_tested():
    def names(tree: dict) -> set[str]:
        return set(tree) | {name for below in tree.values() for name in names(below)}

    assert names(ccxt.error_hierarchy) <= {cls.__name__ for cls in every_error()}


def test_markets_in_our_words():
    def market(**more) -> dict:
        return {"id": "X", "base": "BTC", **more}

    assert _ccxt.product_of(market(swap=True, linear=True)) == "linear"
    assert _ccxt.product_of(market(swap=True, inverse=True)) == "inverse"
    assert _ccxt.product_of(market(future=True, linear=True)) == "dated"
    assert _ccxt.product_of(market(future=True, inverse=True)) == "dated-inverse"
    assert _ccxt.product_of(market(option=True)) is None
    assert _ccxt._own_name({"id": "BTC-USDT-SWAP", "base": "BTC"}) == "BTC-USDT-SWAP"
    assert _ccxt._own_name({"id": "3", "base": "HYPE"}) == "HYPE"
    assert _ccxt._own_name({"id": "BTC/USD:BTC", "base": "BTC"}) == "BTC-USD-BTC"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'binanceusdm {"code":-2021,"msg":"Order would immediately trigger."}',
            "Order would immediately trigger. (-2021)",
        ),
        ('bybit {"retCode":10001,"retMsg":"params error"}', "params error (10001)"),
        ("binanceusdm 418 I'm a teapot {}", "binanceusdm 418 I'm a teapot {}"),
        ('okx {"code":"1","data":[]}', 'okx {"code":"1","data":[]}'),
        ("kraken {not json}", "kraken {not json}"),
    ],
)
def test_a_venue_is_quoted_without_its_json(said: str, told: str) -> None:
    assert _ccxt.plain_words(said) == told
