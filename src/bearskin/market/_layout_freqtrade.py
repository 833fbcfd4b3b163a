"""freqtrade's data folder: `XRP_USDT_USDT-1h-futures.feather`, `...-mark`, `...-funding_rate`, spot without a suffix.

The venue is the folder's name (`user_data/data/binance/futures/`); without one the series are kept apart as those of
no known venue, for two venues' bars in one series would be worse than none. A funding file is shaped like candles
whose `open` is the rate.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bearskin.market._keys import EVENT, SeriesKey
from bearskin.market._names import UNNAMED, perpetual, venue_in
from bearskin.market._parts import Hints, Left, Piece, Taken, columns_of, settled
from bearskin.market._read import read_table
from bearskin.market._rules import PRICES
from bearskin.terms import Product

NAME: Final = "freqtrade"
_FILE = re.compile(
    r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)(?:_(?P<settle>[A-Z0-9]+))?(?:-(?P<date>\d{6}))?"
    r"-(?P<interval>\d+[smhdwM])(?:-(?P<what>futures|mark|index|funding_rate|premiumIndex|spot))?\.(?:feather|parquet)"
)
_KINDS: Final = {None: "trade", "spot": "trade", "futures": "trade", "mark": "mark", "index": "index"}


def knows(path: Path) -> bool:
    """Whether the name is one of freqtrade's."""
    return _FILE.fullmatch(path.name) is not None


def read(path: Path, hints: Hints) -> Taken | Left:
    """The rows of one freqtrade file; raises BadFile."""
    match = _FILE.fullmatch(path.name)
    assert match is not None, "read after knows"
    what, interval = match["what"], match["interval"]
    if what == "premiumIndex" or interval.endswith("M"):
        return Left(layout=NAME, reason="the premium index and months have no place in the store")
    notes = []
    venue = hints.venue or venue_in(path)
    if venue is None:
        venue = UNNAMED
        notes.append(f"no folder names the venue: stored as {UNNAMED!r}, give --venue to say whose it is")
    product, symbol = _market(venue, match)
    kind = hints.kind or ("funding" if what == "funding_rate" else _KINDS[what])
    frame = read_table(path)
    time = "date" if "date" in frame.columns else "time"
    wanted = ("open",) if kind == "funding" else (*PRICES, "volume") if kind == "trade" else PRICES
    names = {name: name for name in (*wanted, time) if name in frame.columns}
    if time in names:
        names["time"] = names.pop(time)
    if kind == "funding":
        names = {ours: theirs for ours, theirs in (("time", time), ("rate", "open")) if theirs in frame.columns}
    rows = columns_of(path, frame, kind, names)
    if kind == "funding":
        rows = settled(rows)
    grid = EVENT if kind == "funding" else hints.interval or interval
    key = SeriesKey(venue, hints.product or product, hints.symbol or symbol, kind, grid)
    return Taken(layout=NAME, pieces=[Piece(key=key, frame=rows, names=names)], notes=tuple(notes))


def _market(venue: str, match: re.Match[str]) -> tuple[str, str]:
    base, quote, settle, date = match["base"], match["quote"], match["settle"], match["date"]
    if settle is None:
        return Product.SPOT.value, f"{base}{quote}"
    inverse = settle == base
    if date is not None:
        return (Product.DATED_INVERSE if inverse else Product.DATED).value, f"{base}{quote}_{date}"
    return (Product.INVERSE if inverse else Product.LINEAR).value, perpetual(venue, base, quote, inverse=inverse)
