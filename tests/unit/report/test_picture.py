"""The picture of a set-up: sound SVG, small, everything inside it, and nothing of a symbol's name as markup."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

from bearskin.report import Trade, picture
from bearskin.report import _picture as drawing
from bearskin.setups import SETUPS, Line, Zone, detect
from bearskin.setups._worlds import walks
from bearskin.terms import HOUR_NS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def cases():
    """One event of every set-up that speaks on a few random markets, with its panel."""
    found = {}
    for panel in walks(4, 900, seed=2):
        for event in detect(panel):
            if event.bar > 60:
                found.setdefault((event.setup, event.side), (panel, event))
    assert len({name for name, _ in found}) >= 0.7 * len(SETUPS)
    return list(found.values())


def shown(panel, event, before=60):
    cut = slice(event.bar - before, event.bar + 1)
    names = ("time_ns", "open", "high", "low", "close")
    return dataclasses.replace(panel, **{name: getattr(panel, name)[cut] for name in names})


def test_every_event_is_drawn_inside_its_frame(cases):
    for panel, event in cases:
        svg = picture(shown(panel, event), Trade(event=event, entry=event.entry_ref), alone=True)
        assert len(svg) < 20_000
        tree = ET.fromstring(svg)
        assert tree.find(f"{SVG}title").text.startswith(event.symbol)
        words = [one.text for one in tree.iter(f"{SVG}text")]
        assert any(word.startswith(("stop", "↑ stop", "↓ stop")) for word in words)
        assert sum("target" in word for word in words) == len(event.targets)
        for text in tree.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x")) <= drawing.WIDTH
            assert 0 <= float(text.get("y")) <= drawing.HEIGHT
        for path in tree.iter(f"{SVG}path"):
            assert re.fullmatch(r"[MLHVhvz0-9 .-]*", path.get("d"))


def test_labels_do_not_cover_each_other(cases):
    for panel, event in cases:
        tree = ET.fromstring(picture(shown(panel, event), Trade(event=event, entry=event.entry_ref), alone=True))
        right = sorted(
            float(one.get("y"))
            for one in tree.iter(f"{SVG}text")
            if float(one.get("x")) > drawing.WIDTH - drawing.RIGHT
        )
        assert all(b - a >= drawing.LABEL_PX - 0.2 for a, b in pairwise(right))


def test_a_line_that_began_before_the_picture_is_cut_where_it_begins(cases):
    panel, event = cases[0]
    bars = shown(panel, event, before=20)
    start, end = int(bars.time_ns[0]) - 10 * HOUR_NS, int(bars.time_ns[10])
    low, high = float(bars.low.min()), float(bars.high.max())
    line = Line(name="old line", start_ns=start, start_price=low, end_ns=end, end_price=high)
    gone = Line(name="gone", start_ns=start, start_price=low, end_ns=start + HOUR_NS, end_price=low)
    zone = Zone(name="range", start_ns=int(bars.time_ns[2]), end_ns=end, low_price=low, high_price=high)
    drawn = dataclasses.replace(event, drawing=(line, gone, zone))
    tree = ET.fromstring(picture(bars, Trade(event=drawn, entry=event.entry_ref), alone=True))
    paths = [one for one in tree.iter(f"{SVG}path") if one.get("class") == "l"]
    assert len(paths) == 1
    x1, y1 = (float(part) for part in re.match(r"M([\d.]+) ([\d.]+)L", paths[0].get("d")).groups())
    ends = [float(part) for part in paths[0].get("d").split("L")[1].split()]
    assert x1 < drawing.LEFT + 20
    assert y1 > ends[1]  # half-way up by then, and rising
    assert "old line" in [one.text for one in tree.iter(f"{SVG}text")]
    assert len([one for one in tree.iter(f"{SVG}rect") if one.get("class") == "z"]) == 1


def test_a_far_target_is_told_and_does_not_flatten_the_candles(cases):
    panel, event = cases[0]
    far = dataclasses.replace(event, targets=(event.entry_ref / 50,), drawing=())
    bars = shown(panel, event)
    tree = ET.fromstring(picture(bars, Trade(event=far, entry=event.entry_ref), alone=True))
    assert any(one.text.startswith("↓ target") for one in tree.iter(f"{SVG}text"))
    wicks = next(one for one in tree.iter(f"{SVG}path") if one.get("class") == "w").get("d")
    heights = [float(y) for y in re.findall(r"V([\d.]+)", wicks)]
    assert max(heights) - min(heights) > 0.4 * drawing.HEIGHT


def test_a_hostile_name_stays_text(cases):
    panel, event = cases[0]
    hostile = dataclasses.replace(event, symbol="<script>alert(1)</script>")
    svg = picture(shown(panel, event), Trade(event=hostile, entry=event.entry_ref))
    assert "<script" not in svg
    assert ET.fromstring(svg) is not None


def test_one_bar_is_a_picture_too(cases):
    panel, event = cases[0]
    bars = shown(panel, event, before=0)
    bars = dataclasses.replace(bars, high=bars.close, low=bars.close, open=bars.close)
    assert np.all(bars.high == bars.low)
    assert ET.fromstring(picture(bars, Trade(event=event, entry=event.entry_ref))) is not None
