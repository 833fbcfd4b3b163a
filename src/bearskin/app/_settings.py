"""Settings and where each came from: command line, then BEARSKIN_* environment, then config.toml, then defaults."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_serializer, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bearskin.app._alert_settings import checked_url, kinds_of, quiet_hours
from bearskin.app._bot_words import BOT_SETTINGS, BOT_WORDS, checked
from bearskin.app._home import Home, user_path
from bearskin.app._keyring import is_key_variable
from bearskin.app._logs import HIDDEN
from bearskin.app._rates import leverage_of, positive_of, rate_of, share_of
from bearskin.terms import BadInput, MarginMode, Product, interval_ns

PREFIX = "BEARSKIN_"
# read elsewhere than in Settings: the home itself, and where tests find real data
OTHER_VARIABLES = ("BEARSKIN_HOME", "BEARSKIN_DATA")
LOG_LEVELS = ("debug", "info", "warning", "error")
PRESETS = ("beginner", "standard", "pro", "hedge")

MEANING = {
    "store": "folder of the market data",
    "venue": "where symbols are looked up",
    "product": "linear, inverse, dated, dated-inverse, spot or margin",
    "interval": "time frame of a backtest",
    "equity": "money to size from, in quote currency",
    "risk": "share of equity lost at the stop",
    "leverage": "notional over margin",
    "preset": "limits: beginner, standard, pro or hedge",
    "margin_mode": "isolated or cross",
    "taker": "fee rate of market orders",
    "maker": "fee rate of resting orders",
    "slippage": "share of price lost by a market order",
    "brackets": "file of maintenance brackets",
    "port": "port of the demo exchange",
    "archive_url": "public archive that `data fetch` reads",
    "bot_port": "port of a bot's local door; 0 is any free one",
    "log_level": "debug, info, warning or error",
    "database": "where tables of runs are kept: sqlite:///FILE or postgresql://...",
    "alert_urls": "where alerts go: Apprise addresses, blanks between",
    "alert_off": "kinds of alerts that are not told",
    "quiet_hours": "local hours in which only critical alerts are told",
    "webhook_url": "where notes are posted",
    "webhook_kinds": "kinds of notes that are posted",
    **{kept: BOT_WORDS[name].meaning for kept, name in BOT_SETTINGS.items()},
}
WITHOUT_VALUE = {  # what stands in where a setting has no value
    "risk": "as the preset",
    "leverage": "as the preset",
    "margin_mode": "as the preset",
    "taker": "as the instrument",
    "maker": "as the instrument",
    "slippage": "as the command",
    "brackets": "the packaged snapshot",
    "database": "a file in the home's cache",
    "alert_urls": "no alerts",
    "alert_off": "plan, declined",
    "quiet_hours": "none",
    "webhook_url": "nowhere",
    "webhook_kinds": "all but plan and declined",
    **{kept: BOT_WORDS[name].otherwise for kept, name in BOT_SETTINGS.items()},
}
# their values are never shown, only what kind of address they are
SECRET = ("alert_urls", "webhook_url", "database")


class Settings(BaseSettings):
    """What can be set once instead of typed every time; every field is also an option of the commands that use it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    store: Path | None = None
    venue: str = "binance"
    product: Product = Product.LINEAR
    interval: str = "1h"
    equity: Decimal = Decimal(10_000)
    risk: Decimal | None = None
    leverage: Decimal | None = None
    preset: str = "standard"
    margin_mode: MarginMode | None = None
    taker: Decimal | None = None
    maker: Decimal | None = None
    slippage: Decimal | None = None
    brackets: Path | None = None
    port: int = Field(default=8700, ge=0, le=65_535)
    archive_url: str = "https://data.binance.vision"
    bot_port: int = Field(default=0, ge=0, le=65_535)
    log_level: str = "info"
    database: SecretStr | None = None
    alert_urls: SecretStr | None = None
    alert_off: str | None = None
    quiet_hours: str | None = None
    webhook_url: SecretStr | None = None
    webhook_kinds: str | None = None
    bot_sides: str | None = None
    bot_setups: str | None = None
    bot_heat: str | None = None
    bot_positions_max: str | None = None
    bot_equity_cap: str | None = None
    bot_notional_cap: str | None = None
    bot_entry: str | None = None
    bot_ladder_steps: str | None = None
    bot_target1_share: str | None = None
    bot_trail_atr: str | None = None
    bot_break_even_r: str | None = None
    bot_stop_by: str | None = None
    bot_attach_stops: str | None = None
    bot_unprotected_max: str | None = None
    bot_guards: str | None = None
    bot_families: str | None = None
    bot_floats: str | None = None
    bot_limits: str | None = None
    bot_calendar: str | None = None
    bot_blackout_hours: str | None = None
    bot_low_volume: str | None = None
    bot_book_wait: str | None = None
    bot_stale_bars: str | None = None
    bot_stale_quote: str | None = None
    bot_bars_kept: str | None = None

    @field_validator(*BOT_SETTINGS, mode="before")
    @classmethod
    def _of_bot(cls, value: Any, info: Any) -> Any:
        return value if value is None else _said(lambda one, name: checked(name, one), value, str(info.field_name))

    @field_validator("equity", mode="before")
    @classmethod
    def _money(cls, value: Any) -> Any:
        return _said(positive_of, value, "equity")

    @field_validator("risk", "slippage", mode="before")
    @classmethod
    def _share(cls, value: Any, info: Any) -> Any:
        share = value if value is None else _said(share_of, value, str(info.field_name))
        if info.field_name == "risk" and share == 0:
            raise ValueError("risk was 0, must be above zero, such as 1%")
        return share

    @field_validator("taker", "maker", mode="before")
    @classmethod
    def _fee(cls, value: Any, info: Any) -> Any:  # a maker fee may be a rebate, so below zero
        rate = value if value is None else _said(rate_of, value, str(info.field_name))
        if rate is not None and abs(rate) >= 1:
            raise ValueError(f"{info.field_name} was {value}, must be below 1: it is a rate such as 0.05%")
        return rate

    @field_validator("leverage", mode="before")
    @classmethod
    def _leverage(cls, value: Any) -> Any:
        return value if value is None else _said(leverage_of, value, "leverage")

    @field_validator("interval")
    @classmethod
    def _interval(cls, value: str) -> str:
        _said(lambda word, _: interval_ns(word), value, "interval")
        return value

    @field_validator("venue", "preset", "log_level")
    @classmethod
    def _word(cls, value: str, info: Any) -> str:
        word = value.strip().lower()
        allowed = {"preset": PRESETS, "log_level": LOG_LEVELS}.get(str(info.field_name))
        if allowed and word not in allowed:
            raise ValueError(f"{info.field_name} was {value!r}, must be one of {', '.join(allowed)}")
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", word):
            raise ValueError(f"{info.field_name} was {value[:120]!r}, must be a name such as binance")
        return word

    @field_validator("store", "brackets")
    @classmethod
    def _path(cls, value: Path | None) -> Path | None:
        return value if value is None else Path(_said(lambda path, _: user_path(path), value, ""))

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: Any, info: Any) -> Any:
        if info.field_name in SECRET:
            return _address(value, str(info.field_name))
        if isinstance(value, str) and not (value.strip() and value.isprintable()):
            raise ValueError(f"{info.field_name} was {value!r}, must be something that can be printed")
        return value

    @field_validator("archive_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"archive_url was {value!r}, must begin with http:// or https://")
        if "@" in value:
            raise ValueError("archive_url names a user or a password, and nothing here keeps such: leave them away")
        if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:_-]+(/[!-~]*)?", value):
            raise ValueError(f"archive_url was {value!r}, must be http(s)://host[:port][/path]")
        return value.rstrip("/")

    @field_validator("alert_off", "webhook_kinds", "quiet_hours")
    @classmethod
    def _alerts(cls, value: str | None, info: Any) -> str | None:
        check = quiet_hours if info.field_name == "quiet_hours" else kinds_of
        if value is not None:
            _said(lambda text, _: check(text), value, "")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _said(lambda url, _: checked_url(url.get_secret_value()), value, "")
        return value

    @field_validator("database")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"(sqlite:///|postgresql(\+psycopg)?://)\S+$", value.get_secret_value()):
            raise ValueError("database holds no address of a database: write sqlite:///FILE or postgresql://...")
        return value

    @field_serializer("alert_urls", "webhook_url", "database", when_used="json")
    def _hidden(self, value: SecretStr | None) -> str | None:
        return None if value is None else shown(value)

    @field_serializer("store", "brackets", "equity", "risk", "leverage", "taker", "maker", "slippage")
    def _plain(self, value: Any) -> Any:
        return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Settings as they came together: `origins` says for each name where its value was found."""

    settings: Settings
    origins: Mapping[str, str]
    ignored: tuple[str, ...]  # BEARSKIN_* variables that are no setting, each with a hint


def load_settings(home: Home, given: Mapping[str, Any] | None = None) -> Found:
    """The settings under `home`; `given` are those of the command line (None values count as not given).

    Raises BadInput with one sentence: the place (file, variable or option), the value and what would be right.
    """
    named = {name: value for name, value in (given or {}).items() if value is not None}
    kept = _read_toml(home.config_file)
    for name in kept:
        if name not in Settings.model_fields:
            raise BadInput(f"{home.config_file} has {name!r}, which is no setting{_near(name)}")
    in_environment = {n: v for n in Settings.model_fields if (v := _variable(n))}
    origins = {
        name: "command line"
        if name in named
        else f"environment {PREFIX}{name.upper()}"
        if name in in_environment
        else "config.toml"
        if name in kept
        else "default"
        for name in Settings.model_fields
    }
    try:
        settings = _class_reading(home.config_file)(**named)
    except ValidationError as error:
        raise BadInput(_sentence(error, origins, home)) from None
    return Found(settings=settings, origins=origins, ignored=_ignored_variables())


def check_value(name: str, text: str) -> Any:
    """`text` as the setting `name` would take it from config.toml; raises BadInput for a bad name or value."""
    if name not in Settings.model_fields:
        raise BadInput(f"{name!r} is no setting{_near(name)}")
    try:
        given: dict[str, Any] = {name: text}
        whole = _class_reading(None)(**given)
    except ValidationError as error:
        raise BadInput(_what(error.errors()[0], name)) from None
    value = text if name in SECRET else whole.model_dump(mode="json")[name]
    return text if value is None else value


def _class_reading(config_file: Path | None) -> type[Settings]:
    class Reading(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            if config_file is None:
                return (init_settings,)
            return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file))

    return Reading


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # nothing to read; writing there says what is wrong
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error})") from None


def _variable(name: str) -> str:
    return os.environ.get(PREFIX + name.upper(), "") or os.environ.get(PREFIX.lower() + name, "")


def _ignored_variables() -> tuple[str, ...]:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | set(OTHER_VARIABLES)
    found = []
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable not in known and not is_key_variable(variable):
            near = difflib.get_close_matches(variable, sorted(known), n=1)
            found.append(f"{variable} is no setting and was ignored" + (f"; did you mean {near[0]}?" if near else ""))
    return tuple(found)


def _near(name: str) -> str:
    near = difflib.get_close_matches(name, list(Settings.model_fields), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; the settings are {', '.join(Settings.model_fields)}"


def _address(value: Any, name: str) -> Any:
    """One text of addresses, from a text or a list; what is wrong with it is said without showing it."""
    texts = value if isinstance(value, list | tuple) else [value]
    if value is None or isinstance(value, SecretStr):
        return value
    if not all(isinstance(text, str) and text.strip() and text.isprintable() for text in texts):
        raise ValueError(f"{name} holds something that is no address")
    words = " ".join(texts).split()
    if not all(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", word) for word in words):
        raise ValueError(f"{name} holds something that is no address: they begin like https:// or mailto://")
    return " ".join(words)


def shown(value: SecretStr) -> str:
    """What may be shown of addresses: how many, and their schemes."""
    words = value.get_secret_value().split()
    return ", ".join(f"{word.partition('://')[0].lower()}://{HIDDEN}" for word in words)


def _said(check: Any, value: Any, name: str) -> Any:
    try:
        return check(value, name)
    except BadInput as error:
        raise ValueError(str(error)) from None  # pydantic gathers ValueError only


def _what(fault: Any, name: str) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message if message.startswith(name) else f"{name} was {fault['input']!r}: {message[:1].lower()}{message[1:]}"


def _sentence(error: ValidationError, origins: Mapping[str, str], home: Home) -> str:
    fault = error.errors()[0]
    name = str(fault["loc"][0]) if fault["loc"] else ""
    origin = origins.get(name, "command line")
    if fault["type"] == "extra_forbidden":
        return f"{name!r} is no setting{_near(name)}"
    place = {"command line": "", "config.toml": f" (from {home.config_file})"}.get(origin, f" (from {origin})")
    return f"{_what(fault, name)}{place}"
