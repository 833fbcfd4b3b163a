"""What every client script shares: where the exchange is, an independent look at it, and steps that are told.

Only the standard library is used, since each script runs in an environment of its own that holds one client.
"""

import hashlib
import hmac
import json
import os
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from decimal import Decimal

SYMBOL = "BTCUSDT"


class Demo:
    """The exchange as `bearskin exchange --json` introduced itself, asked without any client in between."""

    def __init__(self):
        told = json.loads(os.environ["CLIENT_EXCHANGE"])
        self.url, self.ws_url = told["url"], told["ws_url"]
        self.key, self.secret = told["key"], told["secret"]
        self.control_url, self.token = told["control_url"].rstrip("/"), told["token"]
        self.account = int(self.key[:8], 16)  # a key begins with the number of its account

    def snippet(self, name):
        """The text the exchange gives for this client, with the key of the account in use."""
        return self.control("GET", f"/accounts/{self.account}/snippets")[name]

    def run_snippet(self, name):
        """Paste the text for this client; the names it defines."""
        names = {}
        exec(compile(self.snippet(name), f"<snippet {name}>", "exec"), names)
        return names

    def control(self, method, path, **words):
        """One call of the control room: words go into the query of a GET and into the JSON body otherwise."""
        address, body = self.control_url + path, None
        if method == "GET":
            address += "?" + urllib.parse.urlencode(words) if words else ""
        else:
            body = json.dumps(words).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return _ask(urllib.request.Request(address, data=body, method=method, headers=headers))

    def signed(self, method, path, **words):
        """One signed request made by hand, to see what a client made without asking that client."""
        words["timestamp"] = int(time.time() * 1000)
        query = urllib.parse.urlencode(words)
        signature = hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        address = f"{self.url}{path}?{query}&signature={signature}"
        return _ask(urllib.request.Request(address, method=method, headers={"X-MBX-APIKEY": self.key}))

    def public(self, path, **words):
        """One unsigned request made by hand."""
        return _ask(urllib.request.Request(f"{self.url}{path}?{urllib.parse.urlencode(words)}"))

    def mark(self):
        """The mark price as the exchange tells it now."""
        return Decimal(self.public("/fapi/v1/premiumIndex", symbol=SYMBOL)["markPrice"])

    def pin_mark(self, price):
        """Hold the mark at a price; None lets it follow the market again."""
        return self.control("POST", f"/symbols/{SYMBOL}/mark", price=None if price is None else str(price))

    def settle_funding(self):
        """Let the sides pay each other now instead of at the next full interval."""
        return self.control("POST", f"/symbols/{SYMBOL}/settle")

    def position(self):
        """The signed quantity of the position in the symbol."""
        rows = self.signed("GET", "/fapi/v3/positionRisk", symbol=SYMBOL)
        return sum((Decimal(row["positionAmt"]) for row in rows), Decimal(0))

    def wallet(self):
        """The wallet balance in USDT, without open profit."""
        rows = self.signed("GET", "/fapi/v3/balance")
        return next(Decimal(row["balance"]) for row in rows if row["asset"] == "USDT")

    def income(self):
        """What the account received and paid, summed by kind."""
        sums = {}
        for row in self.signed("GET", "/fapi/v1/income", limit=1000):
            sums[row["incomeType"]] = sums.get(row["incomeType"], Decimal(0)) + Decimal(row["income"])
        return sums


def _ask(request):
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as wrong:
        raise AssertionError(f"{request.method} {request.full_url}: {wrong.code} {wrong.read()[:300]!r}") from None


class Steps:
    """Steps of one client, one printed line each; a failed step does not hide the next."""

    def __init__(self):
        self.failed = 0

    @contextmanager
    def __call__(self, name):
        notes = []
        began = time.monotonic()
        try:
            yield notes.append
        except BaseException as wrong:
            if isinstance(wrong, KeyboardInterrupt | SystemExit):
                raise
            self.failed += 1
            what = f"{type(wrong).__name__}: {wrong}".replace("\n", " ")[:400]
            print(f"FAIL {name}: {what}", flush=True)
            traceback.print_exc(file=sys.stderr)
        else:
            told = f": {'; '.join(str(note) for note in notes)}" if notes else ""
            print(f"ok   {name}{told} ({time.monotonic() - began:.2f} s)", flush=True)

    def end(self):
        """Leave with what the steps came to."""
        sys.exit(1 if self.failed else 0)


def raises(kind, call, *args, **words):
    """Call and demand exactly this class of exception (a subclass of it is another class); its text."""
    try:
        answer = call(*args, **words)
    except Exception as wrong:
        assert type(wrong) is kind, f"{kind.__name__} expected, was {type(wrong).__name__}: {wrong}"
        return str(wrong)
    raise AssertionError(f"{kind.__name__} expected, but it went through: {str(answer)[:200]}")


def wait_for(what, seen, seconds=10.0, pause=0.1):
    """Ask again until it is there; what it was. The pause keeps within the rate limit, which asking costs as well."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = seen()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"no {what} within {seconds} s")
