"""Settings: who wins, where a value came from, and what a bad one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bearskin.app._rates import leverage_of, positive_of, rate_of, share_of
from bearskin.terms import BadInput


def origin(ran, name: str) -> tuple[str | None, str]:
    row = ran.object["settings"][name]
    return row["value"], row["origin"]


def test_command_line_before_environment_before_file_before_default(
    bearskin, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert origin(bearskin("config", "--json"), "store") == (str(home / "store"), "default")
    kept, environment, given = (tmp_path / name for name in ("kept", "environment", "given"))
    assert bearskin("config", "set", "store", kept).code == 0
    assert origin(bearskin("config", "--json"), "store") == (str(kept), "config.toml")
    monkeypatch.setenv("BEARSKIN_STORE", str(environment))
    assert origin(bearskin("config", "--json"), "store") == (str(environment), "environment BEARSKIN_STORE")
    assert origin(bearskin("config", "--store", given, "--json"), "store") == (str(given), "command line")


def test_looking_makes_no_home(bearskin, home: Path) -> None:
    assert bearskin("config").code == 0
    assert bearskin("doctor", "--json").code in (0, 2)
    assert not home.exists()


def test_rates_are_kept_as_fractions(bearskin) -> None:
    assert origin(bearskin("config", "set", "risk", "0.5%", "--json"), "risk") == ("0.005", "config.toml")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("rsk", "1%", "did you mean 'risk'"),
        ("nonsense_of_mine", "1", "the settings are"),
        ("risk", "1", "write 1%"),
        ("risk", "plenty", "must be a number"),
        ("equity", "0", "above zero"),
        ("leverage", "0.5", "1 or more"),
        ("interval", "1x", "not an interval"),
        ("product", "option", "linear"),
        ("margin_mode", "both", "isolated"),
        ("preset", "reckless", "beginner"),
        ("archive_url", "ftp://x", "http"),
        ("log_level", "loud", "debug"),
    ],
)
def test_a_bad_setting_is_one_sentence_and_nothing_is_written(
    bearskin, home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    ran = bearskin("config", "set", name, value)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not (home / "config.toml").exists()
    if "setting" in said or "mean" in said:
        return
    monkeypatch.setenv(f"BEARSKIN_{name.upper()}", value)
    ran = bearskin("config")
    assert ran.code == 2
    assert said in ran.err
    assert f"BEARSKIN_{name.upper()}" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [("rsk = 1\n", "'rsk'"), ("risk = \n", "not TOML"), ('risk = "x"\n', "risk was 'x'"), ("[risk]\na = 1\n", "risk")],
)
def test_a_bad_file_names_itself(bearskin, home: Path, text: str, said: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text(text)
    ran = bearskin("config")
    assert ran.code == 2
    assert said in ran.err
    assert str(home / "config.toml") in ran.err


def test_set_and_unset_leave_other_lines_alone(bearskin, home: Path) -> None:
    home.mkdir()
    file = home / "config.toml"
    file.write_text('# mine\nrisk = "1%"  # careful\n\n# the venue\nvenue = "bybit"\n')
    assert bearskin("config", "set", "risk", "2%").code == 0
    assert bearskin("config", "set", "equity", "5000").code == 0
    assert file.read_text() == '# mine\nrisk = "0.02"\n\n# the venue\nvenue = "bybit"\nequity = "5000"\n'
    assert bearskin("config", "unset", "risk").code == 0
    assert "risk" not in file.read_text()
    assert origin(bearskin("config", "--json"), "risk") == (None, "default")


def test_an_unknown_variable_is_said_and_ignored(bearskin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARSKIN_LEVRAGE", "3")
    ran = bearskin("config", "--json")
    assert ran.code == 0
    assert "did you mean BEARSKIN_LEVERAGE" in ran.err
    assert ran.err.count("BEARSKIN_LEVRAGE") == 1


def test_a_home_that_cannot_be_is_one_sentence(bearskin, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ran = bearskin("config", "set", "risk", "1%", "--home", file / "home")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert "--home" in ran.err


@pytest.mark.parametrize(
    ("text", "rate"), [("1%", "0.01"), ("0.01", "0.01"), ("10bp", "0.001"), ("-0.02 %", "-0.0002")]
)
def test_rates_as_people_write_them(text: str, rate: str) -> None:
    assert str(rate_of(text, "rate")) == rate


def test_numbers_that_cannot_be_meant() -> None:
    bad = (
        (share_of, "120%"), (positive_of, "0"), (leverage_of, "0x"), (rate_of, "nan"), (rate_of, True),
        (positive_of, "1e9999999"), (rate_of, "-1e999999999999999999"), (positive_of, "1e-9999999"),
    )  # fmt: skip
    for check, value in bad:
        with pytest.raises(BadInput):
            check(value, "it")
    assert leverage_of("5x", "leverage") == 5
