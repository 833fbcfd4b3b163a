"""What pages say of a venue's refusals: our words, what to do next, and no JSON."""

from __future__ import annotations

import ccxt
import pytest

from bearskin.app.web._venue_words import in_our_words
from bearskin.live import NoBars, venue_error
from bearskin.terms import BadInput, BearskinError, ClockOff, NotAllowed, VenueBroken, VenueBusy, VenueRejected

TITLE = "the demo exchange"
ADDRESS = "http://127.0.0.1:9/fapi/v1/order?timestamp=1&signature=abc"
CASES = [
    (ccxt.InvalidNonce('binanceusdm {"code":-1021,"msg":"Timestamp for this request was 1000ms ahead"}'), ClockOff,
     ("the demo exchange does not take the time of this machine's clock: set the clock (timedatectl set-ntp true), "
     "then ask again")),
    (ccxt.InsufficientFunds('binanceusdm {"code":-2019,"msg":"Margin is insufficient."}'), VenueRejected,
     "the demo exchange says no (“Margin is insufficient”, code -2019): nothing was changed"),
    (ccxt.AuthenticationError('binanceusdm {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'),
     NotAllowed,
     ("the demo exchange does not take the key for this (“Invalid API-key, IP, or permissions for action”, code "
     "-2015): look at the key and its permissions under Settings")),
    (ccxt.RequestTimeout(f"binanceusdm GET {ADDRESS}"), VenueBroken,
     "the demo exchange does not answer (its answer has not come in time): it is asked again by itself"),
    (ccxt.NetworkError(f"binanceusdm GET {ADDRESS}"), VenueBroken,
     "the demo exchange does not answer (there is no connection to it): it is asked again by itself"),
    (ccxt.ExchangeError('bybit {"retCode":110001,"retMsg":"order does not exist","result":{}}'), VenueRejected,
     "the demo exchange says no (“order does not exist”, code 110001): nothing was changed"),
    (ccxt.ExchangeError(f"okx GET {ADDRESS} 400 Bad Request"), VenueRejected,
     "the demo exchange says no: nothing was changed"),
    (OSError("no route"), VenueBroken,
     "the demo exchange does not answer (there is no connection to it): it is asked again by itself"),
    (KeyError("markPrice"), VenueBroken,
     "the demo exchange does not answer (its answer cannot be read): it is asked again by itself"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "says"), CASES)
def test_errors_of_ccxt_are_said_in_our_words(error, kind, says):
    found = in_our_words(error, TITLE)
    assert type(found) is kind
    assert str(found) == says


@pytest.mark.parametrize(("error", "kind", "says"), CASES[:6])
def test_errors_that_the_live_room_has_worded_are_said_the_same(error, kind, says):
    try:
        raise venue_error(error, venue="binance") from error
    except BearskinError as made:
        found = in_our_words(made, TITLE)
    assert (type(found), str(found)) == (kind, says)
    assert in_our_words(found, TITLE) is found  # said once


def test_silence_is_told_with_its_end():
    found = in_our_words(ccxt.RateLimitExceeded("binanceusdm 429 {}"), TITLE, 1_795_381_222.0)
    assert isinstance(found, VenueBusy)
    assert str(found) == "the demo exchange wants fewer questions until 21:00:22 UTC: it is asked again then"
    assert str(in_our_words(VenueBusy("x"), TITLE)).startswith("the demo exchange wants fewer questions for a while")


def test_an_act_without_an_answer_may_have_been_done():
    found = in_our_words(ccxt.RequestTimeout("binanceusdm POST x"), TITLE, acting=True)
    assert str(found).endswith("look whether it was done before trying again")


def test_what_is_no_venues_stays_as_it_is():
    for error in (BadInput("no symbols: name some"), NoBars("binance has no 1h bars of X"), BearskinError("no run")):
        assert in_our_words(error, TITLE) is error
