"""Maintenance brackets: the packaged snapshot, and files in the layouts people have.

Three layouts are read: our own, the tiers freqtrade publishes (`.json` or `.json.gz`), and Binance's answer to
`leverageBracket`, with one symbol or many.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, Final

from bearskin.market._near import near
from bearskin.terms import BadFile, BadInput, Bracket, Brackets, Product, UnknownBrackets, dec

PACKAGED: Final = "brackets_binance_2026.9.json"
_FORMAT: Final = "bearskin-brackets"
_BYTES_MAX: Final = 256 << 20  # the tiers of every symbol of a venue are 2 million
_COLUMNS: Final = ["floor", "cap", "mmr", "max_leverage", "cum"]
_PAIR: Final = re.compile(r"(?P<base>[^/]+)/(?P<quote>[^:]+):(?P<settle>[^-]+)(?:-(?P<date>\d{6}))?")

# One row as read: floor, cap, mmr, max leverage, cum (None where the file has none).
_Row = tuple[Decimal, Decimal, Decimal, int, Decimal | None]
_Name = tuple[str, str, str]  # venue, product, symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class BracketBook:
    """The brackets of many symbols at one date; `snapshot` names where they come from."""

    snapshot: str
    source: str
    rows: Mapping[_Name, tuple[_Row, ...]]

    def get(self, venue: str, symbol: str, product: str = Product.LINEAR) -> Brackets:
        """The brackets of one symbol, lowest first; the synthetic venue has Binance's.

        Raises UnknownBrackets: nothing is guessed.
        """
        there = "binance" if venue == "synthetic" else venue
        rows = self.rows.get((there, str(product), symbol))
        if rows is None:
            of_venue = [name for where, what, name in self.rows if (where, what) == (there, str(product))]
            raise UnknownBrackets(
                f"no maintenance brackets for {symbol} ({venue}, {product}) in {self.snapshot}"
                f"{near(symbol, of_venue)}: give a file that has them with --brackets"
            )
        return Brackets(venue=venue, symbol=symbol, snapshot=self.snapshot, rows=_checked(rows, symbol))

    def symbols(self, venue: str, product: str = Product.LINEAR) -> list[str]:
        """Every symbol of a venue and product that has brackets, sorted."""
        there = "binance" if venue == "synthetic" else venue
        return sorted(name for where, what, name in self.rows if (where, what) == (there, str(product)))


def load_brackets(path: Path | str | None = None) -> BracketBook:
    """The packaged snapshot, or the brackets in the file at `path`.

    Raises BadFile when the file is not one of the layouts above, or when its tiers contradict each other.
    """
    if path is None:
        text = resources.files("bearskin.market").joinpath("data", PACKAGED).read_text()
        return _own(json.loads(text))
    path = Path(path)
    content = _json(path)
    try:
        if isinstance(content, dict) and content.get("format") == _FORMAT:
            book = _own(content)
        else:
            venue = path.name.split("_")[0] if path.name.split("_")[0] in _VENUES else "binance"
            book = _foreign(path, content, venue)
        for (_, _, symbol), rows in book.rows.items():
            _checked(rows, symbol)
    except KeyError as error:
        raise BadFile(path, f"not a bracket file: {error} is missing") from error
    except (TypeError, AttributeError, IndexError, ValueError, ArithmeticError) as error:
        raise BadFile(path, "not a bracket file: a part is not of the expected kind, or out of reach") from error
    except BadInput as error:
        raise BadFile(path, str(error)) from error
    return book


def bracket_book(
    *,
    venue: str,
    snapshot: str,
    source: str,
    tables: Mapping[tuple[str, str], Sequence[tuple[Decimal, Decimal, Decimal, int]]],
) -> BracketBook:
    """Brackets as a venue stated them: per (product, symbol) rows of floor, cap, rate and maximum leverage.

    `cum` follows from the rates. Raises BadInput when the rows of a symbol contradict each other.
    """
    rows: dict[_Name, tuple[_Row, ...]] = {}
    for (product, symbol), table in tables.items():
        checked = _checked(tuple((*row, None) for row in table), symbol)
        rows[venue, product, symbol] = tuple(
            (row.floor, row.cap, row.mmr, row.max_leverage, row.cum) for row in checked
        )
    return BracketBook(snapshot=snapshot, source=source, rows=rows)


def save_brackets(book: BracketBook, path: Path) -> None:
    """Write the book in our own format, whole or not at all; `load_brackets` reads it back.

    A file holds one venue. Raises BadInput where it cannot be written or is there already.
    """
    venues = {venue for venue, _, _ in book.rows}
    if len(venues) != 1:
        raise BadInput(f"a bracket file holds one venue, was {', '.join(sorted(venues)) or 'none'}")
    symbols: dict[str, dict[str, int]] = {}
    for at, (_, product, symbol) in enumerate(book.rows):
        symbols.setdefault(product, {})[symbol] = at
    tables = [
        [
            [f"{floor:f}", f"{cap:f}", f"{mmr:f}", leverage, None if cum is None else f"{cum:f}"]
            for floor, cap, mmr, leverage, cum in table
        ]
        for table in book.rows.values()
    ]
    content = {
        "format": _FORMAT,
        "version": 1,
        "venue": venues.pop(),
        "snapshot": book.snapshot,
        "source": book.source,
        "columns": _COLUMNS,
        "tables": tables,
        "symbols": symbols,
    }
    if path.exists():
        raise BadInput(f"{path} is there already: give another name")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(json.dumps(content, indent=1) + "\n")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror or error}") from error


_VENUES: Final = ("binance", "bybit", "okx", "bitget", "gate", "kraken", "hyperliquid", "bitmex", "bingx")


def _json(path: Path) -> Any:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                raw = file.read(_BYTES_MAX)
        return json.loads(raw, parse_float=Decimal)
    except FileNotFoundError:
        raise BadFile(path, "there is no such file") from None
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, RecursionError, zlib.error) as error:
        raise BadFile(path, f"not JSON: {error}") from error


def _own(content: dict[str, Any]) -> BracketBook:
    if content["version"] != 1 or content["columns"] != _COLUMNS:
        raise BadInput(f"bracket format {content['version']} with columns {content['columns']} is not known here")
    tables = [tuple(_row(row) for row in table) for table in content["tables"]]
    rows = {
        (content["venue"], product, symbol): tables[at]
        for product, symbols in content["symbols"].items()
        for symbol, at in symbols.items()
    }
    return BracketBook(snapshot=content["snapshot"], source=content["source"], rows=rows)


def _row(cells: list[Any]) -> _Row:
    floor, cap, mmr, leverage, cum = cells
    return dec(floor), dec(cap), dec(mmr), int(leverage), None if cum is None else dec(cum)


def _foreign(path: Path, content: Any, venue: str) -> BracketBook:
    rows: dict[_Name, tuple[_Row, ...]] = {}
    if isinstance(content, dict) and "brackets" not in content:
        said = "freqtrade's leverage tiers"
        for pair, tiers in content.items():
            product, symbol = _market_of(pair)
            rows[venue, product, symbol] = tuple(_freqtrade_rows(tiers))
    else:
        said = "Binance leverageBracket"
        for entry in content if isinstance(content, list) else [content]:
            symbol = entry["symbol"]
            rows[venue, product_of(symbol), symbol] = tuple(_binance_rows(entry["brackets"]))
    if not rows:
        raise BadInput("the file holds no brackets")
    return BracketBook(snapshot=path.name, source=f"{said}, file {path.name}", rows=rows)


def _market_of(pair: str) -> tuple[str, str]:
    """Product and symbol of a pair as freqtrade and ccxt write it: `BTC/USDT:USDT-261225` is a dated BTCUSDT_261225."""
    match = _PAIR.fullmatch(pair)
    if match is None:
        raise BadInput(f"{pair!r} is not a pair such as BTC/USDT:USDT")
    base, quote, settle, date = match.groups()
    inverse = settle == base
    tail = f"_{date}" if date else ("_PERP" if inverse else "")
    dated = Product.DATED_INVERSE if inverse else Product.DATED
    perpetual = Product.INVERSE if inverse else Product.LINEAR
    return (dated if date else perpetual).value, f"{base}{quote}{tail}"


def product_of(symbol: str) -> str:
    """Product of a symbol as Binance's futures name it: `_PERP` is inverse, `_261225` has a delivery date."""
    coin_margined = re.fullmatch(r"[A-Z0-9]+USD_(PERP|\d{6})", symbol)
    if symbol.endswith("_PERP"):
        return Product.INVERSE.value
    if re.search(r"_\d{6}$", symbol):
        return (Product.DATED_INVERSE if coin_margined else Product.DATED).value
    return Product.LINEAR.value


def _freqtrade_rows(tiers: list[dict[str, Any]]) -> Iterator[_Row]:
    for tier in tiers:
        info = tier.get("info") or {}
        cum = info.get("cum", tier.get("maintAmt"))
        yield (
            dec(tier["minNotional"]),
            dec(tier["maxNotional"]),
            dec(tier["maintenanceMarginRate"]),
            int(dec(tier["maxLeverage"])),
            None if cum is None else dec(cum),
        )


def _binance_rows(brackets: list[dict[str, Any]]) -> Iterator[_Row]:
    for row in brackets:
        # COIN-M names the same bounds by quantity
        floor, cap = row.get("notionalFloor", row.get("qtyFloor")), row.get("notionalCap", row.get("qtyCap"))
        if floor is None or cap is None:
            raise KeyError("notionalFloor")
        yield dec(floor), dec(cap), dec(row["maintMarginRatio"]), int(row["initialLeverage"]), dec(row["cum"])


def _checked(rows: tuple[_Row, ...], symbol: str) -> tuple[Bracket, ...]:
    """The rows as brackets; raises BadInput unless they start at 0, touch, rise and their `cum` recomputes."""
    out: list[Bracket] = []
    cum, before_cap, before_mmr = Decimal(0), Decimal(0), None
    for floor, cap, mmr, leverage, said in sorted(rows):
        if floor != before_cap or cap <= floor:
            raise BadInput(f"{symbol}: the bracket {floor} to {cap} does not follow on {before_cap}")
        if not 0 < mmr < 1 or (before_mmr is not None and mmr < before_mmr) or leverage < 1:
            raise BadInput(f"{symbol}: maintenance rate {mmr} at leverage {leverage} from {floor} is not possible")
        # continuity of N * mmr - cum over the edge at `floor` (Binance's recursion)
        cum += floor * (mmr - (before_mmr or mmr))
        if said is not None and said != cum:
            raise BadInput(f"{symbol}: cum {said} from {floor} should be {cum} to make maintenance continuous")
        out.append(Bracket(floor=floor, cap=cap, mmr=mmr, max_leverage=leverage, cum=cum))
        before_cap, before_mmr = cap, mmr
    if not out:
        raise BadInput(f"{symbol}: no brackets")
    return tuple(out)
