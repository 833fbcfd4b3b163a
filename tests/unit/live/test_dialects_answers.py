"""What a venue's errors mean for the command that ran into them: every class of ccxt's, and the venues' own codes."""

import ccxt
import pytest
from unit.live.dialect_kit import KEY, SECRET, offline

from bearskin.live import dialect_of

VENUES = ("binance", "bybit", "okx", "bingx", "weex")

# of every class of ccxt's tree: whether the command is known not to stand, and why
BY_CLASS = {
    "BaseError": ("rejected", ""),
    "ExchangeError": ("rejected", ""),
    "AuthenticationError": ("rejected", "auth"),
    "PermissionDenied": ("rejected", "auth"),
    "AccountNotEnabled": ("rejected", "auth"),
    "AccountSuspended": ("rejected", "auth"),
    "ArgumentsRequired": ("rejected", ""),
    "BadRequest": ("rejected", ""),
    "BadSymbol": ("rejected", "filter"),
    "OperationRejected": ("rejected", ""),
    "NoChange": ("accepted", "no-change"),
    "MarginModeAlreadySet": ("accepted", "no-change"),
    "MarketClosed": ("rejected", ""),
    "ManualInteractionNeeded": ("rejected", ""),
    "RestrictedLocation": ("rejected", "auth"),
    "InsufficientFunds": ("rejected", "margin"),
    "InvalidAddress": ("rejected", ""),
    "AddressPending": ("rejected", ""),
    "InvalidOrder": ("rejected", ""),
    "OrderNotFound": ("rejected", "unknown-order"),
    "OrderNotCached": ("rejected", "unknown-order"),
    "OrderImmediatelyFillable": ("rejected", "would-trigger"),
    "OrderNotFillable": ("rejected", "would-take"),
    "DuplicateOrderId": ("rejected", "duplicate-id"),
    "ContractUnavailable": ("rejected", ""),
    "NotSupported": ("rejected", ""),
    "InvalidProxySettings": ("rejected", ""),
    "ExchangeClosedByUser": ("unknown", "lost"),
    "OperationFailed": ("unknown", "lost"),
    "NetworkError": ("unknown", "lost"),
    "DDoSProtection": ("rejected", "rate-limit"),
    "RateLimitExceeded": ("rejected", "rate-limit"),
    "ExchangeNotAvailable": ("unknown", "lost"),
    "OnMaintenance": ("rejected", "maintenance"),
    "InvalidNonce": ("rejected", "clock"),
    "ChecksumError": ("unknown", "lost"),
    "RequestTimeout": ("unknown", "lost"),
    "BadResponse": ("unknown", "lost"),
    "NullResponse": ("unknown", "lost"),
    "CancelPending": ("unknown", "lost"),
    "UnsubscribeError": ("unknown", "lost"),
}


def every_class():
    found, stack = set(), [ccxt.BaseError]
    while stack:
        cls = stack.pop()
        found.add(cls)
        stack += cls.__subclasses__()
    return sorted(found, key=lambda cls: cls.__name__)


def test_the_table_holds_every_class_there_is():
    assert {cls.__name__ for cls in every_class()} == set(BY_CLASS)


@pytest.mark.parametrize("venue", VENUES)
def test_every_class_has_a_meaning(venue):
    for cls in every_class():
        answer = dialect_of(venue).answer_of(cls("something happened"))
        assert (answer.outcome, answer.reason) == BY_CLASS[cls.__name__], cls
        assert answer.message == "something happened"


@pytest.mark.parametrize("error", [TimeoutError(), OSError("reset"), KeyError("data"), ConnectionResetError()])
def test_what_is_no_answer_of_the_venue_leaves_the_outcome_open(error):
    """An error of ours while reading an answer says nothing about the order it was an answer to."""
    assert dialect_of("binance").answer_of(error).outcome == "unknown"


def raised(venue, status, body):
    """What ccxt makes of an answer of the venue."""
    exchange = offline(venue)
    url = "http://127.0.0.1:8788/fapi/v1/order" if venue == "binance" else "https://venue/order"
    response = exchange.parse_json(body)
    try:
        exchange.handle_errors(status, "", url, "POST", {}, body, response, {}, "")
        exchange.handle_http_status_code(status, "", url, "POST", body)
    except ccxt.BaseError as error:
        return error
    raise AssertionError(f"{venue} takes {body} for no error")


CODES = [
    ("binance", 400, '{"code":-2021,"msg":"Order would immediately trigger."}', "rejected", "would-trigger", "-2021"),
    ("binance", 400, '{"code":-2022,"msg":"ReduceOnly Order is rejected."}', "rejected", "reduce-only", "-2022"),
    ("binance", 400, '{"code":-4118,"msg":"ReduceOnly Order Failed."}', "rejected", "reduce-only", "-4118"),
    ("binance", 400, '{"code":-4046,"msg":"No need to change margin type."}', "accepted", "no-change", "-4046"),
    ("binance", 400, '{"code":-4059,"msg":"No need to change position side."}', "accepted", "no-change", "-4059"),
    ("binance", 400, '{"code":-2011,"msg":"Unknown order sent."}', "rejected", "unknown-order", "-2011"),
    ("binance", 400, '{"code":-2013,"msg":"Order does not exist."}', "rejected", "unknown-order", "-2013"),
    ("binance", 400, '{"code":-4116,"msg":"ClientOrderId is duplicated."}', "rejected", "duplicate-id", "-4116"),
    ("binance", 400, '{"code":-2019,"msg":"Margin is insufficient."}', "rejected", "margin", "-2019"),
    ("binance", 400, '{"code":-4164,"msg":"Order\'s notional"}', "rejected", "filter", "-4164"),
    ("binance", 400, '{"code":-1021,"msg":"Timestamp for this request"}', "rejected", "clock", "-1021"),
    ("binance", 401, '{"code":-2015,"msg":"Invalid API-key, IP, or permissions"}', "rejected", "auth", "-2015"),
    ("binance", 400, '{"code":-1106,"msg":"Parameter \'reduceonly\' sent"}', "rejected", "mode", "-1106"),
    ("binance", 408, '{"code":-1007,"msg":"Timeout waiting for response"}', "unknown", "lost", "-1007"),
    ("binance", 503, '{"code":-1001,"msg":"Internal error"}', "unknown", "lost", "-1001"),
    ("binance", 503, '{"code":-1008,"msg":"Request throttled"}', "rejected", "rate-limit", "-1008"),
    ("binance", 429, '{"code":-1003,"msg":"Too many requests"}', "rejected", "rate-limit", "-1003"),
    ("binance", 502, "<html>Bad Gateway</html>", "unknown", "lost", ""),
    ("bybit", 200, '{"retCode":110017,"retMsg":"reduce-only rule not satisfied"}', "rejected", "reduce-only", "110017"),
    ("bybit", 200, '{"retCode":110093,"retMsg":"expect Falling"}', "rejected", "would-trigger", "110093"),
    ("bybit", 200, '{"retCode":110043,"retMsg":"Set leverage not modified"}', "accepted", "no-change", "110043"),
    ("bybit", 200, '{"retCode":110026,"retMsg":"not modified"}', "accepted", "no-change", "110026"),
    ("bybit", 200, '{"retCode":110001,"retMsg":"order not exists"}', "rejected", "unknown-order", "110001"),
    ("bybit", 200, '{"retCode":110072,"retMsg":"OrderLinkedID is duplicate"}', "rejected", "duplicate-id", "110072"),
    ("bybit", 200, '{"retCode":110007,"retMsg":"ab not enough"}', "rejected", "margin", "110007"),
    ("bybit", 200, '{"retCode":10002,"retMsg":"recv_window"}', "rejected", "clock", "10002"),
    ("bybit", 200, '{"retCode":10016,"retMsg":"Internal error"}', "unknown", "lost", "10016"),
    ("bybit", 200, '{"retCode":10006,"retMsg":"Too many visits"}', "rejected", "rate-limit", "10006"),
    ("okx", 200, '{"code":"1","data":[{"sCode":"51280","sMsg":"SL"}],"msg":""}', "rejected", "would-trigger", "51280"),
    ("okx", 200, '{"code":"1","data":[{"sCode":"51400","sMsg":"no"}],"msg":""}', "rejected", "unknown-order", "51400"),
    ("okx", 200, '{"code":"1","data":[{"sCode":"51016","sMsg":"no"}],"msg":""}', "rejected", "duplicate-id", "51016"),
    ("okx", 200, '{"code":"1","data":[{"sCode":"51008","sMsg":"no"}],"msg":""}', "rejected", "margin", "51008"),
    ("okx", 200, '{"code":"1","data":[{"sCode":"51205","sMsg":"no"}],"msg":""}', "rejected", "reduce-only", "51205"),
    ("okx", 200, '{"code":"50004","data":[],"msg":"Endpoint request timeout"}', "unknown", "lost", "50004"),
    ("okx", 401, '{"code":"50102","data":[],"msg":"Timestamp request expired"}', "rejected", "clock", "50102"),
    ("okx", 200, '{"code":"50011","data":[],"msg":"Too Many Requests"}', "rejected", "rate-limit", "50011"),
    ("bingx", 200, '{"code":101205,"msg":"No position to close"}', "rejected", "reduce-only", "101205"),
    ("bingx", 200, '{"code":109201,"msg":"duplicate"}', "rejected", "duplicate-id", "109201"),
    ("bingx", 200, '{"code":80016,"msg":"order does not exist"}', "rejected", "unknown-order", "80016"),
    ("bingx", 200, '{"code":100500,"msg":"busy"}', "unknown", "lost", "100500"),
    ("bingx", 200, '{"code":100410,"msg":"rate limited"}', "rejected", "rate-limit", "100410"),
    ("weex", 200, '{"code":-1046,"msg":"Request timestamp expired"}', "rejected", "clock", "-1046"),
    ("weex", 200, '{"code":-3200,"msg":"Order does not exist"}', "rejected", "unknown-order", "-3200"),
    ("weex", 200, '{"code":-1054,"msg":"System error"}', "unknown", "lost", "-1054"),
]


@pytest.mark.parametrize(("venue", "status", "body", "outcome", "reason", "code"), CODES)
def test_a_code_of_the_venue(venue, status, body, outcome, reason, code):
    answer = dialect_of(venue).answer_of(raised(venue, status, body))
    assert (answer.outcome, answer.reason, answer.code) == (outcome, reason, code)


def test_a_ban_says_until_when():
    body = '{"code":-1003,"msg":"Way too many requests; IP banned until 1795347771991."}'
    answer = dialect_of("binance").answer_of(raised("binance", 418, body))
    assert (answer.outcome, answer.reason, answer.until_wall_ms) == ("rejected", "banned", 1795347771991)


def test_no_key_and_no_signature_is_repeated():
    """ccxt puts the whole signed address into a time-out."""
    offline("binance")  # what knows the keys has been opened
    words = (
        f"binance GET https://fapi.binance.com/fapi/v1/order?apiKey={KEY}&signature=0123456789abcdef {SECRET} timed out"
    )
    answer = dialect_of("binance").answer_of(ccxt.RequestTimeout(words))
    assert KEY not in answer.message
    assert SECRET not in answer.message
    assert "0123456789abcdef" not in answer.message
    assert "timed out" in answer.message
