"""`config`: every setting, its value and where that was found; set and unset write config.toml."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearskin.app._house import ELSEWHERE, open_house
from bearskin.app._settings import MEANING, WITHOUT_VALUE, Settings, check_value, load_settings
from bearskin.terms import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: `value` as text (None: `stands_in` says what counts then) and the place it was found in."""

    name: str
    value: str | None
    origin: str
    meaning: str
    stands_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReport:
    """All settings of one home."""

    home: Path
    home_origin: str
    config_file: Path
    settings: tuple[Setting, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object `config --json` prints."""
        return {
            "home": {"value": str(self.home), "origin": self.home_origin},
            "config_file": str(self.config_file),
            "settings": {
                s.name: {"value": s.value, "origin": s.origin, "meaning": s.meaning, "stands_in": s.stands_in or None}
                for s in self.settings
            },
            "notes": list(self.notes),
        }


def config(
    *,
    set: Mapping[str, str] | None = None,  # noqa: A002 - the word of the command
    unset: Sequence[str] = (),
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> ConfigReport:
    """Show the settings; `set` and `unset` first write config.toml, whole or not at all.

    Raises BadInput for an unknown name or a bad value, before anything is written.
    """
    house = open_house(home, store=store)
    if set or unset:
        _write(house.home.config_file, dict(set or {}), unset)
        house = open_house(home, store=store)
    found = load_settings(house.home, {"store": store})
    values = house.settings.model_dump(mode="json") | {"store": str(house.store_folder)}
    rows = tuple(
        Setting(
            name=name,
            value=None if values[name] is None else str(values[name]),
            origin=house.origins[name],
            meaning=MEANING[name],
            stands_in="" if values[name] is not None else WITHOUT_VALUE[name],
        )
        for name in Settings.model_fields
    )
    return ConfigReport(
        home=house.home.root,
        home_origin=house.home.origin,
        config_file=house.home.config_file,
        settings=rows,
        notes=found.ignored,
    )


def _write(path: Path, changes: dict[str, str], removals: Sequence[str]) -> None:
    values = {name: check_value(name, text) for name, text in changes.items()}
    for name in removals:
        if name not in Settings.model_fields:
            check_value(name, "")  # raises with the near name
    old = path.read_text("utf-8") if path.exists() else ""
    wanted = {k: v for k, v in tomllib.loads(old).items() if k not in removals} | values
    text = _edited(old, values, removals)
    try:
        kept = tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        kept = False
    if not kept:  # a value over several lines: its comments are lost, its settings are not
        text = "".join(f"{name} = {_toml(value)}\n" for name, value in wanted.items())
    _replace(path, text)


def _edited(old: str, values: Mapping[str, Any], removals: Sequence[str]) -> str:
    """The text with the lines of these names replaced or dropped; other lines and comments stay as they are."""
    left = dict(values)
    lines = []
    for line in old.splitlines():
        match = re.match(r"\s*([\w-]+)\s*=", line)
        name = match[1] if match else ""
        if name in left:
            lines.append(f"{name} = {_toml(left.pop(name))}")
        elif name not in removals:
            lines.append(line)
    return "\n".join([*lines, *(f"{name} = {_toml(value)}" for name, value in left.items())]) + "\n"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and truth read the same in TOML


def _replace(path: Path, text: str) -> None:
    there = path.resolve()  # the file may be a link into the folder where someone keeps all their settings
    part: Path | None = None
    try:
        there.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=there.parent, prefix=".config-", suffix=".toml")
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(there)
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error}): {ELSEWHERE}") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
