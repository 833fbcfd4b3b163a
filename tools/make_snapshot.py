"""Make the packaged snapshots of brackets and instruments from a folder of market data.

    python tools/make_snapshot.py FOLDER

FOLDER is laid out as docs/data.md describes for the project's own sets: candles by venue, freqtrade's published
leverage tiers, Binance's exchangeInfo of 2021 and LEAN's table of symbol properties. Only figures are taken from them.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import sys
import zipfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

OUT = Path(__file__).resolve().parents[1] / "src" / "bearskin" / "market" / "data"
SNAPSHOT = "binance 2026.9"
TIERS = "brackets/binance_leverage_tiers_freqtrade_2026.9.json.gz"

USUAL = 0.999

SOURCES = [
    "tick and step measured from candles of 2025-2026: the largest grid on which 99.9 % of prices and volumes lie",
    "tick and step from LEAN's table of symbol properties",
    "tick, step and contract size from Binance's exchangeInfo of 2021-07-21",
    "smallest order 5 from Binance's exchangeInfo of 2021-07-21, assumed for later listings",
    "smallest order as Binance's exchangeInfo gave it in 2024",
    "liquidation fee from Binance's exchangeInfo of 2021-07-21, at least 1.25 %",
    "liquidation fee 1.25 % assumed",
    "smallest order not known, none assumed beyond one step",
    "tick and step measured from candles of 2020",
    "tick and step measured from minute candles of 2022-12-13",
    "steps are in coins; OKX orders count contracts (BTC 0.01, ETH 0.1, SOL 1, DOGE 1000, HYPE 0.1)",
]
MEASURED, LEAN, INFO_2021, LEAST_5, LEAST_2024, FEE_2021, FEE_ASSUMED, LEAST_UNKNOWN, MEASURED_2020, *LATER = range(11)
MEASURED_2022, OKX_COINS = LATER
LEAST = {"BTCUSDT": "100", "ETHUSDT": "20", "BCHUSDT": "20", "LTCUSDT": "20", "ETCUSDT": "20", "LINKUSDT": "20"}
FEE = Decimal("0.0125")
OKX_COINS_PER_CONTRACT = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0, "HYPE": 0.1}
NAMES = {
    "bybit": "{}USDT",
    "okx": "{}-USDT-SWAP",
    "kraken": "PF_{}USD",
    "dydx": "{}-USD",
    "hyperliquid": "{}",
    "lighter": "{}",
}
# taker and maker, ordinary customers; as the venues published them in 2025-2026
FEES = {
    "binance": {"futures": ["0.0005", "0.0002"], "spot": ["0.001", "0.001"]},
    "bybit": {"futures": ["0.00055", "0.0002"], "spot": ["0.001", "0.001"]},
    "okx": {"futures": ["0.0005", "0.0002"], "spot": ["0.001", "0.0008"]},
    "kraken": {"futures": ["0.0005", "0.0002"], "spot": ["0.004", "0.0025"]},
    "dydx": {"futures": ["0.0005", "0.0001"], "spot": ["0.0005", "0.0001"]},
    "hyperliquid": {"futures": ["0.00045", "0.00015"], "spot": ["0.0007", "0.0004"]},
    "lighter": {"futures": ["0", "0"], "spot": ["0", "0"]},
    "bitmex": {"futures": ["0.0005", "0.0002"], "spot": ["0.001", "0.001"]},
}
COLUMNS = [
    "base",
    "quote",
    "settle",
    "tick",
    "step",
    "min_notional",
    "contract_size",
    "liquidation_fee_rate",
    "sources",
]
Row = list[Any]
Grid = tuple[str, str]


def plain(number: Decimal) -> str:
    """Without exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def grid_of(values: NDArray[np.float64]) -> str:
    """The largest 1, 2 or 5 of a decade that divides 999 of 1,000 values exactly.

    Not all of them: single prints off the grid (a settlement, an averaged fill) occur in real candles.
    """
    values = values[np.isfinite(values) & (values > 0)]
    for places in range(13):
        scaled = np.rint(values * 10.0**places)
        exact = (scaled < 2**53) & np.isclose(scaled / 10.0**places, values, rtol=1e-11, atol=0)
        if exact.mean() >= USUAL:
            whole = scaled[exact].astype(np.int64)
            sizes = [count * 10**decade for decade in range(7) for count in (1, 2, 5)]
            divisor = max(size for size in sizes if (whole % size == 0).mean() >= USUAL)
            return plain(Decimal(divisor).scaleb(-places))
    raise ValueError(f"no decimal grid up to 12 places fits {values[:5]}")


def candle_grid(frame: pl.DataFrame) -> Grid:
    """Tick and step of the last 120 days of candles (all of them where there are few): grids change over the years."""
    recent = frame.filter(pl.col("time") > frame["time"].max() - pl.duration(days=120))
    frame = recent if len(recent) >= 500 else frame
    prices = np.concatenate([frame[name].to_numpy() for name in ("open", "high", "low", "close")])
    return grid_of(prices), grid_of(frame["volume"].to_numpy())


def finest(grids: Iterable[Grid]) -> Grid:
    """The finest tick and step that several candle sets of one instrument show: few bars can only show too coarse."""
    ticks, steps = zip(*grids, strict=True)
    return min(ticks, key=Decimal), min(steps, key=Decimal)


def binance_grids(folder: Path) -> dict[str, Grid]:
    """Measured grids of every Binance perpetual with candles in 2025 or 2026."""
    found: dict[str, list[Grid]] = {}
    for path in sorted(folder.glob("binance_um_2025/trade/*_[15]*.parquet")):
        found.setdefault(path.name.split("_")[0], []).append(candle_grid(pl.read_parquet(path)))
    for name in ("binance_um_wide_1h/trade_1h_150sym.parquet", "binance_um_4h_2020_2026/trade_4h_59sym.parquet"):
        for (symbol,), frame in pl.read_parquet(folder / name).group_by("symbol", maintain_order=True):
            if str(symbol) not in found or "wide" in name:
                found.setdefault(str(symbol), []).append(candle_grid(frame))
    for path in sorted(folder.glob("binance_um_1m_2025/trade/*_[15]m.parquet")):
        if path.name.split("_")[0] not in found:
            found.setdefault(path.name.split("_")[0], []).append(candle_grid(pl.read_parquet(path)))
    return {symbol: finest(grids) for symbol, grids in found.items()}


def binance_symbols(folder: Path) -> set[str]:
    """Every linear perpetual of Binance that any set names."""
    names = {
        path.stem.split("_")[0] for path in folder.glob("binance_um_*/*/*USDT*.parquet") if "spot" not in path.parts
    }
    for path in (*folder.glob("binance_um_*/*sym.parquet"), *folder.glob("liquidations/binance_um_*/*.parquet")):
        names |= set(pl.scan_parquet(path).select(pl.col("symbol").cast(pl.String).unique()).collect()["symbol"])
    return names


def lean_grids(folder: Path) -> dict[tuple[str, str], Grid]:
    """Tick and lot of LEAN's table by venue and market ticker."""
    with (folder / "lean_layout" / "symbol-properties-cryptofuture.csv").open() as file:
        return {
            (row["market"], row["market_ticker"]): (
                plain(Decimal(row["minimum_price_variation"])),
                plain(Decimal(row["lot_size"])),
            )
            for row in csv.DictReader(file)
        }


def info_of(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    """exchangeInfo by symbol, its filters flattened into one mapping."""
    symbols = json.loads((folder / "brackets" / f"{name}_exchangeInfo_20210721.json").read_text())["symbols"]
    return {
        entry["symbol"]: entry | {key: value for f in entry["filters"] for key, value in f.items()} for entry in symbols
    }


def base_of(
    symbol: str, quotes: Iterable[str] = ("USDT", "USDC", "BUSD", "USD1", "USD", "BTC", "U")
) -> tuple[str, str]:
    """Base and quote of a symbol written without a separator."""
    for quote in quotes:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    raise ValueError(f"{symbol} ends in no known quote currency")


def binance_linear(folder: Path, fapi: Mapping[str, Any]) -> dict[str, Row]:
    """Rows of Binance's linear perpetuals: measured where there are candles, else as the table has them."""
    measured, lean = binance_grids(folder), lean_grids(folder)
    rows: dict[str, Row] = {}
    for symbol in sorted(binance_symbols(folder)):
        base, quote = base_of(symbol)
        table = lean.get(("binance", symbol))
        grid, grid_source = (measured[symbol], MEASURED) if symbol in measured else (table, LEAN)
        if grid is None:
            print(f"left out, neither candles nor table: {symbol}")
            continue
        if table is not None and grid != table:
            print(f"{symbol}: measured tick and step {grid}, table {table}")
        old = fapi.get(symbol)
        fee = max(FEE, Decimal(old["liquidationFee"])) if old else FEE
        least = LEAST_2024 if symbol in LEAST else LEAST_5
        sources = [grid_source, least, FEE_2021 if old else FEE_ASSUMED]
        rows[symbol] = [base, quote, quote, *grid, LEAST.get(symbol, "5"), "1", plain(fee), sources]
    return rows


def binance_dated(tiers: Mapping[str, Any], fapi: Mapping[str, Any]) -> dict[str, Row]:
    """Dated linear futures named in the tiers, with the grid the dated futures of 2021 had."""
    rows: dict[str, Row] = {}
    for pair in tiers:
        name, _, date = pair.partition(":")[0].replace("/", ""), "", pair.rpartition("-")[2]
        if "-" in pair:
            old = next(info for symbol, info in fapi.items() if symbol.startswith(f"{name}_"))
            base, quote = base_of(name)
            grid = [plain(Decimal(old["tickSize"])), plain(Decimal(old["stepSize"]))]
            fee = plain(max(FEE, Decimal(old["liquidationFee"])))
            rows[f"{name}_{date}"] = [
                base,
                quote,
                quote,
                *grid,
                LEAST[name],
                "1",
                fee,
                [INFO_2021, LEAST_2024, FEE_2021],
            ]
    return rows


def binance_inverse(dapi: Mapping[str, Any]) -> dict[str, Row]:
    """Coin-margined perpetuals: quantities in contracts of 100 or 10 USD."""
    rows: dict[str, Row] = {}
    for symbol, info in dapi.items():
        if symbol.endswith("_PERP"):
            grid = [plain(Decimal(info["tickSize"])), plain(Decimal(info["stepSize"]))]
            fee = plain(max(FEE, Decimal(info["liquidationFee"])))
            size = str(info["contractSize"])
            rows[symbol] = [info["baseAsset"], "USD", info["marginAsset"], *grid, "0", size, fee]
            rows[symbol].append([INFO_2021, LEAST_UNKNOWN, FEE_2021])
    return rows


def binance_spot(folder: Path) -> dict[str, Row]:
    """Spot pairs, which are margin pairs too; smallest order 5 USDT as the perpetuals."""
    found: dict[str, list[Grid]] = {}
    for path in sorted(folder.glob("binance_um_2025/spot/*.parquet")):
        found.setdefault(path.name.split("_")[0], []).append(candle_grid(pl.read_parquet(path)))
    rows: dict[str, Row] = {}
    for symbol, grids in found.items():
        base, quote = base_of(symbol)
        rows[symbol] = [base, quote, quote, *finest(grids), "5", "1", "0", [MEASURED, LEAST_5]]
    return rows


def old_spot(folder: Path, venue: str) -> dict[str, Row]:
    """Spot pairs that only LEAN's minute files of 2022 have."""
    rows: dict[str, Row] = {}
    for path in sorted(folder.glob(f"lean_layout/crypto/{venue}/minute/*/*_trade.zip")):
        with zipfile.ZipFile(path) as box:
            raw = box.read(box.namelist()[0])
        names = ["time", "open", "high", "low", "close", "volume"]
        frame = pl.read_csv(raw, has_header=False, new_columns=names)
        symbol = path.parent.name.upper()
        base, quote = base_of(symbol)
        grid = candle_grid(frame.with_columns(pl.from_epoch("time", time_unit="ms")))
        rows[symbol] = [base, quote, quote, *grid, "5", "1", "0", [MEASURED_2022, LEAST_5]]
    return rows


def other_venues(folder: Path, lean: Mapping[tuple[str, str], Grid]) -> dict[str, dict[str, dict[str, Row]]]:
    """Linear perpetuals of the other venues in the multi-venue set, and the inverse ones of BitMEX and Bybit."""
    out: dict[str, dict[str, dict[str, Row]]] = {venue: {"linear": {}} for venue in NAMES}
    candles = pl.read_parquet(folder / "multi_venue_2025" / "candles.parquet").rename(
        {"timestamp": "time", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
    )
    for (venue, coin), frame in candles.sort("venue", "coin", "time").group_by("venue", "coin", maintain_order=True):
        if venue not in NAMES:
            continue
        tick, step = candle_grid(frame)
        sources = [MEASURED, LEAST_UNKNOWN, FEE_ASSUMED]
        if venue == "okx":
            step = plain(Decimal(step) * Decimal(str(OKX_COINS_PER_CONTRACT[str(coin)])))
            sources.append(OKX_COINS)
        name = "XBT" if venue == "kraken" and coin == "BTC" else str(coin)
        quote = "USDT" if venue in ("bybit", "okx") else ("USDC" if venue in ("hyperliquid", "lighter") else "USD")
        row = [coin, quote, quote, tick, step, "0", "1", str(FEE), sources]
        out[str(venue)]["linear"][NAMES[str(venue)].format(name)] = row
    tick, step = candle_grid(
        pl.read_parquet(folder / "bitmex_inverse_1m" / "XBTUSD_1m_2020.parquet").rename({"timestamp": "time"})
    )
    sources = [MEASURED_2020, LEAST_UNKNOWN, FEE_ASSUMED]
    out["bitmex"] = {"inverse": {"XBTUSD": ["XBT", "USD", "XBT", tick, step, "0", "1", str(FEE), sources]}}
    tick, step = lean["bybit", "BTCUSD"]
    sources = [LEAN, LEAST_UNKNOWN, FEE_ASSUMED]
    out["bybit"]["spot"] = old_spot(folder, "bybit")
    out["bybit"]["inverse"] = {"BTCUSD": ["BTC", "USD", "BTC", tick, step, "0", "1", str(FEE), sources]}
    return out


def brackets(tiers: Mapping[str, Any], wanted: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Our own format: the distinct tables, and which symbol has which."""
    tables: list[list[Row]] = []
    symbols: dict[str, dict[str, int]] = {product: {} for product in wanted}
    for pair, rows in tiers.items():
        name, _, date = pair.partition(":")[0].replace("/", ""), "", pair.rpartition("-")[2] if "-" in pair else ""
        product, symbol = ("dated", f"{name}_{date}") if date else ("linear", name)
        if symbol not in wanted[product]:
            continue
        table: list[Row] = []
        for row in rows:
            values = [row["minNotional"], row["maxNotional"], row["maintenanceMarginRate"]]
            floor, cap, mmr = (plain(Decimal(str(value))) for value in values)
            table.append([floor, cap, mmr, int(row["maxLeverage"]), plain(Decimal(str(row["info"]["cum"])))])
        check(symbol, table)
        if table not in tables:
            tables.append(table)
        symbols[product][symbol] = tables.index(table)
    source = "figures of freqtrade 2026.9's published file binance_leverage_tiers.json (Binance leverageBracket)"
    columns = ["floor", "cap", "mmr", "max_leverage", "cum"]
    head = {"format": "bearskin-brackets", "version": 1, "venue": "binance", "snapshot": SNAPSHOT, "source": source}
    return head | {"columns": columns, "tables": tables, "symbols": symbols}


def check(symbol: str, table: list[Row]) -> None:
    """Every `cum` follows from the rates: cum_i = floor_i * (mmr_i - mmr_(i-1)) + cum_(i-1)."""
    cum, before = Decimal(0), Decimal(table[0][2])
    for floor, _, mmr, _, said in table:
        cum += Decimal(floor) * (Decimal(mmr) - before)
        before = Decimal(mmr)
        if cum != Decimal(said):
            raise ValueError(f"{symbol}: cum {said} from {floor} should be {cum}")


def main(folder: Path) -> None:
    """Write both snapshots into the package."""
    tiers = json.loads(gzip.decompress((folder / TIERS).read_bytes()))
    fapi, dapi = info_of(folder, "fapi"), info_of(folder, "dapi")
    linear, dated = binance_linear(folder, fapi), binance_dated(tiers, fapi)
    binance = {
        "linear": linear,
        "dated": dated,
        "inverse": binance_inverse(dapi),
        "spot": old_spot(folder, "binance") | binance_spot(folder),
    }
    instruments = {
        "format": "bearskin-instruments",
        "version": 1,
        "snapshot": "2026.9",
        "columns": COLUMNS,
        "sources": SOURCES,
        "fees": FEES,
        "instruments": {"binance": binance} | other_venues(folder, lean_grids(folder)),
    }
    OUT.mkdir(exist_ok=True)
    book = brackets(tiers, {"linear": linear, "dated": dated})
    for name, content in (("brackets_binance_2026.9.json", book), ("instruments_2026.9.json", instruments)):
        text = json.dumps(content, separators=(",", ":"))
        (OUT / name).write_text(text.replace('],"', '],\n"').replace("]],", "]],\n") + "\n")
        print(f"{name}: {math.ceil((OUT / name).stat().st_size / 1024)} KiB")
    missing = sorted(set(linear) - set(book["symbols"]["linear"]))
    print(f"{len(linear)} linear, {len(dated)} dated; without brackets: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
