"""`sweep` as a person gives it: words and files in, tables and an object out, going on where it was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bearskin
from bearskin.app._cli import run as bearskin_run
from bearskin.app._cli_sweep import TimeLeft
from bearskin.market import Store, write_synthetic
from bearskin.terms import BadInput

SYNTHETIC = ["--venue", "synthetic"]
VARY = ["--vary", "stop_scale=0.8,1", "--vary", "target_r=none,2"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sweep_store")
    write_synthetic(Store(root), seed=7, symbols=("BTCUSDT", "ETHUSDT"), days=40, interval="1h")
    return root


@pytest.fixture
def asked(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `bearskin sweep` with these words; its exit code, stdout and stderr."""

    def ask(*words: str, synthetic: bool = True) -> tuple[int, str, str]:
        venue = SYNTHETIC if synthetic else []
        code = bearskin_run(["sweep", *words, *venue, "--home", str(tmp_path / "home"), "--store", str(store)])
        out, err = capsys.readouterr()
        return code, out, err

    return ask


def test_a_sweep_leads_with_how_many_were_tried_and_warns_of_luck(asked: Any, tmp_path: Path) -> None:
    code, out, err = asked("failed_breakout", *VARY, "--out", str(tmp_path / "s"))
    assert code == 0, err
    first = " ".join(out.split("\n\n")[0].split())  # however wide the terminal is
    assert first.startswith("4 combinations tried on 2 symbols, ")
    assert first.endswith("the best of many is luck until shown otherwise")
    assert f"bearskin luck {tmp_path / 's'}".replace(" ", "") in "".join(out.split())
    assert f"results are in {tmp_path / 's'}" in err


def test_the_object_holds_the_best_the_worst_and_a_digest_and_resuming_gives_the_same(
    asked: Any, tmp_path: Path
) -> None:
    folder = str(tmp_path / "s")
    code, out, _ = asked("failed_breakout", *VARY, "--out", folder, "--json", "-q")
    assert code == 0
    told = json.loads(out)
    assert told["combinations_possible"] == told["combinations_to_try"] == told["combinations_done"] == 4
    assert told["complete"] is True
    assert told["units_done"] == told["units"] == 2
    assert told["axes"][0] == {"name": "stop_scale", "values": ["0.8", "1"]}
    assert isinstance(told["best"][0]["net"], str)
    assert set(told["best"][0]["axes"]) == {"stop_scale", "target_r"}
    code, out, _ = asked("--resume", "--out", folder, "--json", "-q", synthetic=False)
    assert code == 0
    assert json.loads(out)["digest"] == told["digest"]
    code, _, err = asked("failed_breakout", *VARY, "--out", folder)
    assert code == 2
    assert "already holds a sweep: go on with it with --resume" in err
    code, _, err = asked("failed_breakout", "--vary", "stop_scale=2", "--resume", "--out", folder)
    assert code == 2
    assert "asked for something else: --vary was" in err


def test_axes_come_from_a_file_too(asked: Any, tmp_path: Path) -> None:
    axes = tmp_path / "axes.toml"
    axes.write_text('stop_scale = [0.8, 1]\ntarget_r = "1..2:0.5"\n\n[failed_breakout]\nfail_bars = "4..5"\n')
    words = ["failed_breakout", "--vary", str(axes), "--vary", "hold_bars=12", "--out", str(tmp_path / "s")]
    code, out, err = asked(*words, "--json", "-q", "--symbols", "BTCUSDT")
    assert code == 0, err
    told = json.loads(out)
    assert {axis["name"]: axis["values"] for axis in told["axes"]} == {
        "failed_breakout.fail_bars": ["4", "5"], "stop_scale": ["0.8", "1"], "target_r": ["1", "1.5", "2"],
        "hold_bars": ["12"],
    }  # fmt: skip
    assert told["combinations_done"] == 12
    code, out, _ = asked("--resume", "--out", str(tmp_path / "s"), "--json", "-q", synthetic=False)
    assert (code, json.loads(out)["digest"]) == (0, told["digest"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["failed_breakout"], "nothing is varied"),
        (["failed_breakot", *VARY], "'failed_breakot' is no set-up"),
        (["failed_breakout", "--vary", "axes_that_are_not.toml"], "there is no file"),
        (["failed_breakout", *VARY, "--search", "clever"], "search was 'clever', must be grid or random or optuna"),
        (["failed_breakout", *VARY, "--search", "random"], "none was given"),
        (["failed_breakout", *VARY, "--objective", "fame"], "objective was 'fame'"),
        (["failed_breakout", *VARY, "--trials", "4"], "a grid tries every combination"),
        (["failed_breakout", "--vary", "leverage=1..20"], "beyond the preset standard, which allows 5"),
        (["failed_breakout", *VARY, "--processes", "999"], "must be from 1 to 256"),
        (
            ["failed_breakout", *VARY, "--processes", "2", "--cluster", "tcp://x:1"],
            "--processes or --cluster, not both",
        ),
        (["--resume"], "name the folder of the sweep with --out"),
        (["--resume", "--out", "/tmp/there/is/no/sweep/here"], "holds no sweep"),
        (["failed_breakout", *VARY, "--symbols", "NOCOIN"], "NOCOIN"),
        (["hold", *VARY], "hold is a yardstick"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(asked: Any, tmp_path: Path, words: list[str], said: str) -> None:
    out = [] if "--out" in words or words == ["--resume"] else ["--out", str(tmp_path / "s")]
    code, _, err = asked(*words, *out)
    assert code == 2
    assert said in err.replace("\n", " ")
    assert not (tmp_path / "s").exists()


def test_damage_in_the_folder_is_the_users_news_and_mending_it_comes_to_the_same(asked: Any, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    code, out, _ = asked("failed_breakout", *VARY, "--out", str(folder), "--json", "-q")
    digest = json.loads(out)["digest"]
    part = min((folder / "rows").iterdir())
    part.write_bytes(part.read_bytes()[:100])
    for words in (["sweep", "--resume", "--out", str(folder)], ["luck", str(folder)]):
        code = bearskin_run([*words, "--home", str(tmp_path / "home")])
        assert code == 2
    code, _, err = asked("--resume", "--out", str(folder), synthetic=False)
    assert code == 2
    assert f"{part}: it is damaged" in err
    assert "Report it" not in err
    part.unlink()
    code, out, err = asked("--resume", "--out", str(folder), "--json", "-q", synthetic=False)
    assert (code, json.loads(out)["digest"]) == (0, digest), err
    about = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(about | {"words": {"nonsense": 1}}))
    code, _, err = asked("--resume", "--out", str(folder), synthetic=False)
    assert code == 2
    assert "it asks for 'nonsense', which no sweep knows" in err
    (folder / "sweep.json").write_text("{")
    code, _, err = asked("--resume", "--out", str(folder), synthetic=False)
    assert code == 2
    assert "sweep.json: it is damaged: it is no JSON" in err


def test_going_on_is_told_with_the_home_and_the_store_that_were_named(asked: Any, tmp_path: Path) -> None:
    code, out, _ = asked("failed_breakout", *VARY, "--out", str(tmp_path / "s"), "--json", "-q")
    assert code == 0
    (luck,) = (note for note in json.loads(out)["notes"] if "bearskin luck" in note)
    assert f"luck {tmp_path / 's'} --home {tmp_path / 'home'} --store " in luck


def test_guards_are_an_axis_and_change_what_is_traded(asked: Any, tmp_path: Path) -> None:
    words = ["failed_breakout", "--vary", "guards=on,off", "--vary", "stop_scale=1", "--symbols", "BTCUSDT"]
    code, out, err = asked(*words, "--out", str(tmp_path / "s"), "--json", "-q")
    assert code == 0, err
    rows = {row["axes"]["guards"]: row for row in json.loads(out)["best"]}
    assert rows["no"]["trades"] >= rows["yes"]["trades"]
    alone = bearskin.backtest.read_sweep(tmp_path / "s").combinations.collect()
    assert alone["guards"].to_list() == [True, False]


def test_python_has_the_same_verb(store: Path, tmp_path: Path) -> None:
    told: list[str] = []
    ran = bearskin.sweep(
        "failed_breakout",
        vary={"stop_scale": [0.8, 1], "hold_bars": range(12, 25, 12)},
        symbols="BTCUSDT",
        venue="synthetic",
        home=tmp_path / "home",
        store=store,
        out=tmp_path / "s",
        progress=lambda what, done, total: told.append(what),
    )
    assert ran.sweep.combinations.collect().height == 4
    assert told
    again = bearskin.sweep(resume=True, out=tmp_path / "s", home=tmp_path / "home", store=store)
    assert again.done_now == 0
    with pytest.raises(BadInput, match="nothing is varied"):
        bearskin.sweep("failed_breakout", venue="synthetic", home=tmp_path / "home", store=store, out=tmp_path / "t")


def test_time_left_is_told_once_there_is_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("bearskin.app._cli_sweep.time.monotonic", lambda: now[0])
    told: list[str] = []
    left = TimeLeft(lambda what, done, total: told.append(what))
    left.tell("BTCUSDT", 0, 100)
    now[0] = 110.0
    left.tell("BTCUSDT", 10, 100)
    now[0] = 1000.0
    left.tell("ETHUSDT", 20, 100)
    assert told == ["BTCUSDT", "BTCUSDT, about 2 min left", "ETHUSDT, about 1.0 h left"]


def test_a_local_cluster_prints_its_address_and_ends_quietly_with_ctrl_c(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    words = [sys.executable, "-m", "bearskin", "cluster", "local", "--workers", "2", "--home", str(tmp_path), "--json"]
    # Ctrl-C goes to the whole group, the workers too, and a shell may have started us deaf to it
    child = subprocess.Popen(
        words,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        assert told["address"].startswith("tcp://127.0.0.1:")
        assert told["workers"] == 2
        os.killpg(child.pid, signal.SIGINT)
        _, err = child.communicate(timeout=50)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == 0
    assert "the cluster has ended" in err
    assert "Traceback" not in err
