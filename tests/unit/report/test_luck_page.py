"""The page and the tables of a result against luck."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from unit.report.made_up import HOSTILE

from bearskin.backtest import (
    BacktestRequest,
    Luck,
    Stored,
    Sweep,
    SweepRequest,
    axes_of,
    luck_of,
    luck_of_sweep,
    read_sweep,
    run_sweep,
    tried_trades,
)
from bearskin.market import Store, load_brackets, write_synthetic
from bearskin.report import luck_page, luck_tables, sweep_json, tear_sheet, write_luck
from bearskin.terms import BadInput

DAY = 86_400 * 10**9


def judged(setup: str = "stop_hunt", **more: object) -> Luck:
    dice = np.random.default_rng(5)
    days = np.sort(dice.integers(20_000, 20_200, 400))
    r = dice.standard_normal(400)
    at = pl.Series(days * DAY, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    trades = pl.DataFrame(
        {
            "setup": dice.choice([setup, "other", "third"], 400), "side": "short", "entry_time": at, "exit_time": at,
            "r": r, "net": r,
        }
    )  # fmt: skip
    return luck_of(tried_trades(trades, 1000.0, 20_000, 20_199), tests=False, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    root = tmp_path_factory.mktemp("store")
    write_synthetic(Store(root), seed=7, symbols=["BTCUSDT"], days=130, interval="1h")
    source = Stored(root=root, venue="synthetic", product="linear", interval="1h", spans=(("BTCUSDT", None, None),))
    base = BacktestRequest(setups=("stop_hunt",), guards=False)
    words = ("stop_scale=0.8,1.3", "hold_bars=6,12,24", "target_r=none,2")
    run_sweep(SweepRequest(base=base, axes=axes_of(words, base)), source, load_brackets(), root / "sweep")
    return read_sweep(root / "sweep")


def data_of(page: str, name: str) -> object:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found, name
    return json.loads(found[1])


def test_the_verdict_and_its_gates_come_before_any_row_or_chart():
    page = luck_page(judged())
    body = page[page.index("<body") :]
    assert "No edge shown" in body
    places = [body.index(part) for part in ('id="gates"', 'id="figures-part"', 'id="walk"', 'id="shape"', 'id="trust"')]
    assert places == sorted(places)
    assert body.count("✕ no") + body.count("✓ passed") == 10
    assert body.index("✕ no") < body.index("Best in hindsight")


def test_the_page_loads_nothing():
    page = luck_page(judged())
    assert "default-src &#x27;none&#x27;" in page
    outside = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!#)', outside)


def test_names_from_outside_stay_text():
    page = luck_page(judged(HOSTILE))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_charts_are_described_without_a_nan(sweep: Sweep):
    page = luck_page(luck_of_sweep(sweep, tests=False), sweep)
    figures = data_of(page, "figures")
    assert isinstance(figures, dict)
    assert sorted(figures) == ["chart-all", "chart-logits", "chart-paths", "chart-walk"]
    assert "NaN" not in json.dumps(figures)
    # three axes make three pairs, each by mean R and by net
    surfaces = [data_of(page, f"surface-{k}") for k in range(6)]
    assert f'id="surface-{len(surfaces)}"' not in page


def test_a_surface_is_the_median_over_everything_else(sweep: Sweep):
    page = luck_page(luck_of_sweep(sweep, tests=False), sweep)
    options = dict(re.findall(r'<option value="(\d+)">([^<]*)</option>', page))
    (number,) = (k for k, words in options.items() if words == "net by stop_scale and hold_bars")
    figure = data_of(page, f"surface-{number}")
    trace = figure["data"][0]  # type: ignore[index]
    rows = sweep.combinations.collect()
    for i, hold in enumerate(trace["y"]):
        for k, scale in enumerate(trace["x"]):
            part = rows.filter((pl.col("hold_bars") == int(hold)) & (pl.col("stop_scale") == float(scale)))
            assert part.height == 2
            assert trace["z"][i][k] == pytest.approx(part["net"].median(), rel=1e-3)
            assert trace["text"][i][k].endswith(f"n {part['trades'].sum():,}")


def test_the_terminal_fits_eighty_columns(sweep: Sweep):
    for luck in (judged(), luck_of_sweep(sweep, tests=False)):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(*luck_tables(luck))
        text = console.export_text()
        assert "No edge shown" in text
        assert "at least 95 %" in text
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path):
    place = write_luck(judged(), tmp_path)
    assert place.name == "luck.html"
    assert [path.name for path in tmp_path.iterdir()] == ["luck.html"]
    with pytest.raises(BadInput, match="--no-html"):
        write_luck(judged(), tmp_path / "nowhere")


def test_a_sweep_tells_its_luck_when_it_has_enough(sweep: Sweep):
    told = sweep_json(sweep)["luck"]
    assert told["verdict"] == "no edge shown"
    assert "of 10 gates passed" in told["headline"]


def test_the_tear_sheet_leads_with_luck(result):
    page = tear_sheet(result)
    assert page.index('id="luck-list"') < page.index('id="figures-list"')
