"""What a user pastes into his own client so that it trades here: one text for each client, and each text is a test.

`make clients` runs every one of these texts, as printed, in an environment of that client's own and trades on with
what the text has built. Nothing in them is specific to play money but the address, the key and the one line for ccxt.
"""

from __future__ import annotations

from string import Template

_CCXT = Template("""\
import re

import ccxt

URL = "$url"

exchange = ccxt.binanceusdm({"apiKey": "$key", "secret": "$secret"})
# every address ccxt knows points here now, the spot ones too: nothing can reach the real venue
exchange.urls["api"].update(
    {name: re.sub(r"^https://[^/]+", URL, at) for name, at in exchange.urls["api"].items() if isinstance(at, str)}
)
# ccxt chooses its table of futures errors by the address; without this line -2019 is no InsufficientFunds
exchange.exceptions["exact"] = {**exchange.exceptions["exact"], **exchange.exceptions["linear"]["exact"]}
""")

_CCXT_PRO = Template("""\
import re

import ccxt.pro

URL, WS_URL = "$url", "$ws_url"

exchange = ccxt.pro.binanceusdm({"apiKey": "$key", "secret": "$secret"})
# every address ccxt knows points here now, the spot ones too: nothing can reach the real venue
exchange.urls["api"].update(
    {name: re.sub(r"^https://[^/]+", URL, at) for name, at in exchange.urls["api"].items() if isinstance(at, str)}
)
# the stream address must end with /ws: ccxt puts /public, /market or /private before it
exchange.urls["api"]["ws"] = {"linear": WS_URL + "/ws", "ws-api": {"linear": WS_URL + "/ws-fapi/v1"}}
# ccxt chooses its table of futures errors by the address; without this line -2019 is no InsufficientFunds
exchange.exceptions["exact"] = {**exchange.exceptions["exact"], **exchange.exceptions["linear"]["exact"]}
# await exchange.close() when you are done
""")

_PYTHON_BINANCE = Template("""\
from binance import AsyncClient, BinanceSocketManager, Client
from binance.base_client import BaseClient

URL, WS_URL = "$url", "$ws_url"
KEY, SECRET = "$key", "$secret"

# set on the classes, before anything is constructed: the address of the WebSocket API is read only there
BaseClient.API_URL = URL + "/api"  # spot: answers 404 here instead of asking the real venue
BaseClient.FUTURES_URL = URL + "/fapi"
BaseClient.FUTURES_DATA_URL = URL + "/futures/data"
BaseClient.WS_FUTURES_URL = WS_URL + "/ws-fapi/v1"
BinanceSocketManager.FSTREAM_URL = WS_URL + "/"

client = Client(KEY, SECRET, ping=False)  # ping=False: the constructor would ask the spot venue first
# sockets, inside a coroutine (AsyncClient.create() would ask the spot venue first, so construct it):
#   sockets = BinanceSocketManager(AsyncClient(KEY, SECRET))
""")

_OFFICIAL_SDK = Template("""\
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

URL, WS_URL = "$url", "$ws_url"
KEY, SECRET = "$key", "$secret"

client = DerivativesTradingUsdsFutures(
    config_rest_api=ConfigurationRestAPI(api_key=KEY, api_secret=SECRET, base_path=URL),
    config_ws_api=ConfigurationWebSocketAPI(api_key=KEY, api_secret=SECRET, stream_url=WS_URL + "/ws-fapi/v1"),
    config_ws_streams=ConfigurationWebSocketStreams(stream_url=WS_URL),
)
# client.rest_api, await client.websocket_api.create_connection(), await client.websocket_streams.create_connection()
""")

_FREQTRADE = Template("""\
{
    // freqtrade trade --config this.json --strategy Yours
    "dry_run": false,  // the exchange is play money already; true lets freqtrade play by itself against the book
    "initial_state": "running",
    "trading_mode": "futures",
    "margin_mode": "isolated",
    "stake_currency": "USDT",
    "stake_amount": 100,
    "max_open_trades": 1,
    "entry_pricing": {"price_side": "other", "use_order_book": true, "order_book_top": 1},
    "exit_pricing": {"price_side": "other", "use_order_book": true, "order_book_top": 1},
    "pairlists": [{"method": "StaticPairList"}],
    "exchange": {
        "name": "binance",
        "key": "$key",
        "secret": "$secret",
        "pair_whitelist": ["BTC/USDT:USDT"],
        "pair_blacklist": [],
        "enable_ws": false,
        "ccxt_config": {
            "urls": {
                "api": {
                    "fapiPublic": "$url/fapi/v1",
                    "fapiPublicV2": "$url/fapi/v2",
                    "fapiPublicV3": "$url/fapi/v3",
                    "fapiPrivate": "$url/fapi/v1",
                    "fapiPrivateV2": "$url/fapi/v2",
                    "fapiPrivateV3": "$url/fapi/v3",
                    "fapiData": "$url/futures/data",
                    "sapi": "$url/sapi/v1",
                    "public": "$url/api/v3",
                    "private": "$url/api/v3"
                }
            },
            // futures only: no currencies, no margin pairs, no spot markets
            "options": {"fetchCurrencies": false, "fetchMargins": false, "fetchMarkets": {"types": ["linear"]}}
        }
    }
}
""")

_TEXTS = {
    "ccxt": _CCXT,
    "ccxt_pro": _CCXT_PRO,
    "python_binance": _PYTHON_BINANCE,
    "official_sdk": _OFFICIAL_SDK,
    "freqtrade": _FREQTRADE,
}


def snippets(url: str, ws_url: str, key: str, secret: str) -> dict[str, str]:
    """The text to paste for each client, by the client's name; Python, but for `freqtrade`, which is its config file.

    `url` and `ws_url` are the addresses without a slash at the end, as `http://127.0.0.1:8788` and
    `ws://127.0.0.1:8788`. The secret is in the text: print it only to the owner of the account.
    """
    words = {"url": url.rstrip("/"), "ws_url": ws_url.rstrip("/"), "key": key, "secret": secret}
    return {name: text.substitute(words) for name, text in _TEXTS.items()}
