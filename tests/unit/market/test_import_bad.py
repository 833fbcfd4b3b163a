"""Bad input: one sentence that names the place, and a store that is as it was."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from unit.market.made import candles, snapshot
from unit.market.test_import import klines, zipped

from bearskin.market import Store, import_path, list_symbols
from bearskin.terms import BadFile, BadInput

ROWS = [
    "time,open,high,low,close,volume",
    "2025-03-01 00:00:00,10,12,9,11,5",
    "2025-03-01 01:00:00,11,13,10,12,5",
    "2025-03-01 02:00:00,12,14,11,13,5",
    "2025-03-01 03:00:00,13,15,12,14,5",
]


def with_row(number: int, row: str) -> str:
    """The table with another text in line `number` (the header is line 1)."""
    return "\n".join([*ROWS[: number - 1], row, *ROWS[number:]]) + "\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    folder = tmp_path / "binance_um" / "trade"
    folder.mkdir(parents=True)
    candles(5).write_parquet(folder / "OLDUSDT_1h.parquet")
    import_path(store, folder / "OLDUSDT_1h.parquet")
    return store


BAD = {
    "a missing column": ("\n".join(row.rpartition(",")[0] for row in ROWS), r"column 'volume': the column is missing"),
    "unsorted rows": (with_row(4, "2025-03-01 00:30:00,12,14,11,13,5"), r"row 4, column 'time': rows are not sorted"),
    "a duplicated row": (with_row(4, ROWS[2]), r"row 4, column 'time': the row is a duplicate: 2025-03-01T01:00:00Z"),
    "a NaN price": (with_row(3, "2025-03-01 01:00:00,11,13,NaN,12,5"), r"row 3, column 'low': nan is not a finite"),
    "a word as price": (with_row(3, "2025-03-01 01:00:00,11,13,n/a,12,5"), r"row 3, column 'low'.*not a finite number"),
    "an empty price": (with_row(3, "2025-03-01 01:00:00,,13,10,12,5"), r"row 3, column 'open': the value is empty"),
    "an infinite volume": (with_row(5, "2025-03-01 03:00:00,13,15,12,14,inf"), r"row 5, column 'volume'"),
    "high below low": (with_row(3, "2025-03-01 01:00:00,11,9,10,10,5"), r"row 3, column 'high': high is below low"),
    "open outside": (with_row(3, "2025-03-01 01:00:00,20,13,10,12,5"), r"row 3, column 'open': open lies outside"),
    "a negative price": (
        with_row(3, "2025-03-01 01:00:00,11,13,-10,12,5"),
        r"row 3, column 'low': -10.0 must be above",
    ),
    "a negative volume": (with_row(3, "2025-03-01 01:00:00,11,13,10,12,-5"), r"row 3, column 'volume': -5.0 must not"),
    "a time that is none": (with_row(3, "yesterday,11,13,10,12,5"), r"row 3, column 'time': the time is empty or not"),
    "lines of different length": (with_row(3, "2025-03-01 01:00:00,11,13,10,12,5,6,7"), r"not a readable CSV table"),
    "no rows": (ROWS[0] + "\n", "there is no row in it"),
    "no header": ("\n".join(ROWS[1:]), "the first line should name the columns"),
    "columns nobody knows": ("time,colour\n2025-03-01,red\n", "no layout knows these columns"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_names_its_row_and_column(store: Store, tmp_path: Path, case: str) -> None:
    """One sentence; the file's own line number; the store byte for byte as before."""
    text, said = BAD[case]
    (tmp_path / "bad.csv").write_text(text)
    before = snapshot(store.root)
    with pytest.raises(BadFile, match=said) as caught:
        import_path(store, tmp_path / "bad.csv", venue="binance", symbol="BADUSDT", interval="1h")
    assert "\n" not in str(caught.value)
    assert snapshot(store.root) == before


def test_faults_in_the_rows_are_said_before_missing_options(store: Store, tmp_path: Path) -> None:
    """Without --venue the bad price is still the news; a sound file then asks for what is missing."""
    (tmp_path / "x.csv").write_text(BAD["a NaN price"][0])
    with pytest.raises(BadFile, match="row 3, column 'low'"):
        import_path(store, tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("\n".join(ROWS))
    with pytest.raises(BadFile, match="give --venue, --product, --symbol"):
        import_path(store, tmp_path / "x.csv")


def test_a_truncated_zip(store: Store, tmp_path: Path) -> None:
    """Half of a download."""
    whole = zipped(tmp_path / "BTCUSDT-1h-2025-03.zip", klines(200))
    whole.write_bytes(whole.read_bytes()[:-300])
    before = snapshot(store.root)
    with pytest.raises(BadFile, match="the zip is damaged or cut short"):
        import_path(store, whole)
    assert snapshot(store.root) == before


def test_a_zip_with_a_flipped_byte(store: Store, tmp_path: Path) -> None:
    """The directory is fine, the content is not."""
    whole = zipped(tmp_path / "BTCUSDT-1h-2025-03.zip", klines(200))
    raw = bytearray(whole.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    whole.write_bytes(bytes(raw))
    with pytest.raises(BadFile, match="the zip is damaged or cut short"):
        import_path(store, whole)


def test_a_wrong_checksum(store: Store, tmp_path: Path) -> None:
    """The archive's own checksum file stands beside it and says otherwise."""
    file = zipped(tmp_path / "BTCUSDT-1h-2025-03.zip", klines(20))
    file.with_name(f"{file.name}.CHECKSUM").write_text(f"{'0' * 64}  {file.name}\n")
    before = snapshot(store.root)
    with pytest.raises(BadFile, match=f"wrong checksum: .* says {'0' * 64}; fetch it again"):
        import_path(store, file)
    assert snapshot(store.root) == before


def test_damaged_binary_files(store: Store, tmp_path: Path) -> None:
    """Parquet, Feather, gzip and JSON that are not."""
    for name, content in {
        "XUSDT_1h.parquet": b"PAR1 but not really",
        "X_USDT_USDT-1h-futures.feather": b"ARROW1 not",
        "x.json.gz": gzip.compress(b'{"a": ' + b"1" * 3000)[:-20],
        "x.json": b"{",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFile) as caught:
            import_path(store, tmp_path / name)
        assert "\n" not in str(caught.value), name


def test_mark_candles_without_their_folder_are_not_taken_for_trades(store: Store, tmp_path: Path) -> None:
    """The archive gives mark and trade candles one name; only the folder tells, so nothing is guessed."""
    text = "\n".join(
        ",".join(["0" if at == 5 else cell for at, cell in enumerate(row.split(","))]) for row in klines().split()
    )
    file = zipped(tmp_path / "BTCUSDT-1h-2025-03.zip", text)
    with pytest.raises(BadFile, match="say which with --kind"):
        import_path(store, file)
    import_path(store, file, kind="mark")
    assert "binance/linear/BTCUSDT/mark/1h" in map(str, store.keys())


def test_what_cannot_be_imported_at_all(store: Store, tmp_path: Path) -> None:
    """No such path, an empty folder, a single file that holds nothing for the store, a kind that is none."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "fine.csv").write_text("\n".join(ROWS))
    for path, options, said in [
        (tmp_path / "absent", {}, "does not exist"),
        (tmp_path / "empty", {}, "holds no files"),
        (tmp_path / "notes.txt", {}, "nothing to import"),
        (tmp_path / "fine.csv", {"venue": "binance", "symbol": "X", "kind": "candles"}, "is not a kind of series"),
        (tmp_path / "fine.csv", {"venue": "binance", "symbol": "B T C"}, "is not a symbol"),
        (tmp_path / "fine.csv", {"venue": "binance", "symbol": "X", "interval": "1 hour"}, "is not an interval"),
    ]:
        with pytest.raises(BadInput, match=said):
            import_path(store, path, **options)


def test_in_a_folder_good_files_go_in_and_bad_ones_are_listed(store: Store, tmp_path: Path) -> None:
    """All of a file or nothing of it: the symbol before the bad row of the same file is not taken either."""
    folder = tmp_path / "binance_um" / "more"
    folder.mkdir()
    candles(5).write_parquet(folder / "GOODUSDT_1h.parquet")
    two = [f"{row},{name}" for name in ("AUSDT", "BUSDT") for row in ROWS[1:]]
    two[-1] = two[-1].replace(",15,", ",NaN,")
    (folder / "trade_1h_2sym.csv").write_text("\n".join([ROWS[0] + ",symbol", *two]))
    report = import_path(store, folder)
    assert [file.path for file in report.taken] == ["GOODUSDT_1h.parquet"]
    assert len(report.bad) == 1
    assert "trade_1h_2sym.csv, row 9, column 'high'" in str(report.bad[0].error)
    assert [found.symbol for found in list_symbols(store, "binance", "linear", "1h")] == ["GOODUSDT", "OLDUSDT"]
