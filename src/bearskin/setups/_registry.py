"""Which set-ups there are, and running them over a panel from both sides."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearskin.market import Panel
from bearskin.setups._crowded_longs import CrowdedLongs, crowded_longs, lacks_crowd_history
from bearskin.setups._declining_volume import DecliningVolume, declining_volumes
from bearskin.setups._descending_channel import ChannelBreak, DescendingChannel, channel_breaks, descending_channels
from bearskin.setups._distribution import Distribution, distributions
from bearskin.setups._events import Abstention, Draft, SetupEvent
from bearskin.setups._failed_breakout import FailedBreakout, failed_breakouts
from bearskin.setups._head_shoulders import HeadShoulders, head_shoulders
from bearskin.setups._ma_cross import MaCross, ma_crosses
from bearskin.setups._overextended_rally import OverextendedRally, lacks_history, overextended_rallies
from bearskin.setups._rsi_divergence import RsiDivergence, rsi_divergences
from bearskin.setups._rsi_overbought import RsiOverbought, rsi_overboughts
from bearskin.setups._stop_hunt import StopHunt, stop_hunts
from bearskin.setups._template import Template, realise
from bearskin.setups._view import View
from bearskin.terms import BadInput, Reason, Refused, Side

ENTRY_POINTS = "bearskin.setups"
SERIES = {
    "funding": "funding",
    "open-interest": "open_interest",
    "long-short": "long_short_ratio",
    "sentiment": "sentiment",
    "taker": "taker_buy_volume",
    "quote-volume": "quote_volume",
    "mark": "mark_close",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One set-up: written for the short, run on the market and on its mirror.

    `detect(view, params)` yields drafts by rising bar and reads no index beyond a draft's bar; `params` holds the
    defaults, a frozen dataclass. `families` are of `structure`, `positioning`, `flow`. `needs` names series without
    which the set-up abstains, `bars_min` the bars it must have seen before it says anything; `lacks` may find more
    that is missing (a history too short), given the short's view and the parameters.
    """

    name: str
    title: str
    families: tuple[str, ...]
    detect: Callable[[View, Any], Iterable[Draft]]
    params: Any
    needs: tuple[str, ...] = ()
    bars_min: int = 30
    lacks: Callable[[View, Any], Refused | None] | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.needs if name not in SERIES]
        if unknown:
            raise BadInput(f"set-up {self.name!r} needs {unknown[0]!r}: the series are {', '.join(SERIES)}")


BUILT_IN = (
    Setup(
        name="failed_breakout",
        title="Failed breakout",
        families=("structure",),
        detect=failed_breakouts,
        params=FailedBreakout(),
        bars_min=64,
    ),
    Setup(
        name="overextended_rally",
        title="Overextended rally",
        families=("structure", "positioning"),
        detect=overextended_rallies,
        params=OverextendedRally(),
        needs=("funding",),
        bars_min=170,
        lacks=lacks_history,
    ),
    Setup(
        name="stop_hunt",
        title="Stop hunt",
        families=("structure",),
        detect=stop_hunts,
        params=StopHunt(),
        bars_min=30,
    ),
    Setup(
        name="rsi_divergence",
        title="RSI divergence",
        families=("structure",),
        detect=rsi_divergences,
        params=RsiDivergence(),
        bars_min=30,
    ),
    Setup(
        name="crowded_longs",
        title="Crowded longs",
        families=("positioning",),
        detect=crowded_longs,
        params=CrowdedLongs(),
        needs=("funding", "open-interest"),
        bars_min=60,
        lacks=lacks_crowd_history,
    ),
    Setup(
        name="distribution",
        title="Distribution",
        families=("structure", "flow"),
        detect=distributions,
        params=Distribution(),
        bars_min=98,
    ),
    Setup(
        name="declining_volume",
        title="Highs on declining volume",
        families=("structure", "flow"),
        detect=declining_volumes,
        params=DecliningVolume(),
        bars_min=201,
    ),
    Setup(
        name="ma_cross",
        title="Moving averages cross",
        families=("structure",),
        detect=ma_crosses,
        params=MaCross(),
        bars_min=150,
    ),
    Setup(
        name="rsi_overbought",
        title="RSI overbought and a lower high",
        families=("structure",),
        detect=rsi_overboughts,
        params=RsiOverbought(),
        bars_min=30,
    ),
    Setup(
        name="head_shoulders",
        title="Head and shoulders",
        families=("structure",),
        detect=head_shoulders,
        params=HeadShoulders(),
        bars_min=30,
    ),
    Setup(
        name="descending_channel",
        title="Descending channel",
        families=("structure",),
        detect=descending_channels,
        params=DescendingChannel(),
        bars_min=73,
    ),
    Setup(
        name="channel_break",
        title="Channel break",
        families=("structure", "flow"),
        detect=channel_breaks,
        params=ChannelBreak(),
        bars_min=73,
    ),
)


class _Registry(Mapping[str, Setup]):
    """Built-in set-ups, those of installed packages (entry points, looked up when first needed), and loaded ones."""

    def __init__(self, built_in: Iterable[Setup]) -> None:
        self._known = {setup.name: setup for setup in built_in}
        self._own = frozenset(self._known)
        self._installed_seen = False

    def __getitem__(self, name: str) -> Setup:
        if name not in self._known:
            self._see_installed()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        self._see_installed()
        return iter(self._known)

    def __len__(self) -> int:
        self._see_installed()
        return len(self._known)

    def add(self, setup: Setup, source: str) -> None:
        """Make a set-up known by its name; a built-in's name is taken, one's own may be loaded again."""
        if setup.name in self._own:
            raise BadInput(f"{source} defines the set-up {setup.name!r}, which is built in: give it another name")
        self._known[setup.name] = setup

    def _see_installed(self) -> None:
        if self._installed_seen:
            return
        self._installed_seen = True
        for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda p: p.name):
            source = f"the entry point {point.name!r} ({point.value})"
            try:
                found = point.load()
            except Exception as error:
                raise BadInput(f"{source} cannot be loaded: {error}") from error
            if not isinstance(found, Setup):
                raise BadInput(f"{source} must be a Setup, was {type(found).__name__}")
            self.add(found, source)


SETUPS = _Registry(BUILT_IN)


def load_setups(path: Path | str) -> tuple[Setup, ...]:
    """Run a `.py` file and make known every `Setup` at its module level; raises BadInput when it cannot be used."""
    path = Path(path)
    if path.suffix != ".py" or not path.is_file():
        raise BadInput(f"{path} is not a Python file that can be read")
    spec = importlib.util.spec_from_file_location(f"bearskin_setups_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} is not a Python file that can be read")
    module = importlib.util.module_from_spec(spec)
    try:
        with _aside():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadInput(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    found = tuple(value for value in vars(module).values() if isinstance(value, Setup) and value not in BUILT_IN)
    if not found:
        raise BadInput(f"{path} defines no Setup: assign one to a name at module level")
    for setup in found:
        SETUPS.add(setup, str(path))
    return found


def chosen(setups: Sequence[str] | None) -> list[Setup]:
    """The set-ups of these names, all of them for None; raises BadInput for an unknown name."""
    names = list(SETUPS) if setups is None else list(dict.fromkeys(setups))
    for name in names:
        if name not in SETUPS:
            raise BadInput(f"{name!r} is not a set-up: there are {', '.join(sorted(SETUPS))}")
    return [SETUPS[name] for name in names]


def _params(setup: Setup, params: Mapping[str, object] | None) -> object:
    given = setup.params if params is None else params.get(setup.name, setup.params)
    if not isinstance(given, type(setup.params)):
        raise BadInput(f"parameters of {setup.name} must be {type(setup.params).__name__}, were {type(given).__name__}")
    return given


def _abstains(setup: Setup, view: View, params: object) -> Refused | None:
    panel = view.panel
    for need in setup.needs:
        if getattr(panel, SERIES[need]) is None:
            return Refused(reason=Reason.NO_DATA, have="none", need=need, detail=f"no {need} series")
    if len(panel) < setup.bars_min:
        have, need = f"{len(panel)} bars", f"{setup.bars_min} bars"
        return Refused(reason=Reason.NO_DATA, have=have, need=need, detail="too few bars")
    return setup.lacks(view, params) if setup.lacks is not None else None


def abstentions(
    panel: Panel, setups: Sequence[str] | None = None, params: Mapping[str, object] | None = None
) -> list[Abstention]:
    """The set-ups that `detect` does not look for in this panel, each with the series it lacks."""
    view, found = View(panel, Side.SHORT), []
    for setup in chosen(setups):
        refused = _abstains(setup, view, _params(setup, params))
        if refused is not None:
            found.append(Abstention(setup=setup.name, symbol=panel.instrument.symbol, refused=refused))
    return found


def _aside() -> contextlib.AbstractContextManager[Any]:
    """What a user's code prints goes to stderr: stdout is for the result."""
    return contextlib.redirect_stdout(sys.stderr)


def _events(setup: Setup, view: View, params: object, rules: Template) -> list[SetupEvent]:
    """The events of one set-up; what a set-up of the user's own raises is the user's news, not our bug."""
    try:
        first = max(view.first, setup.bars_min - 1)
        with contextlib.nullcontext() if setup in BUILT_IN else _aside():
            drafts = [draft for draft in setup.detect(view, params) if draft.bar >= first]
        events = (realise(view, setup.name, draft, rules) for draft in drafts)
        return [event for event in events if event is not None]
    except (Exception, SystemExit) as error:
        if setup in BUILT_IN:
            raise
        symbol = view.panel.instrument.symbol
        sentence = f"the set-up {setup.name!r} failed on {symbol}: {type(error).__name__}: {error}"
        raise BadInput(sentence) from error


def detect(
    panel: Panel,
    setups: Sequence[str] | None = None,
    sides: Sequence[Side] = (Side.SHORT, Side.LONG),
    params: Mapping[str, object] | None = None,
    template: Template | None = None,
    first_bar: int = 0,
) -> list[SetupEvent]:
    """Every event of the named set-ups (all when None) from bar `first_bar` on, sorted by bar, set-up and side.

    `params` maps a set-up's name to its parameters (a `FailedBreakout`, ...), `template` holds what all share. A
    set-up that lacks a series finds nothing; `abstentions` says so. Events known at bar i are the same whatever
    follows bar i. Raises BadInput for an unknown set-up or parameters of the wrong kind.
    """
    rules = template or Template()
    picked = [(setup, _params(setup, params)) for setup in chosen(setups)]
    short = View(panel, Side.SHORT, first=first_bar)
    speaking = [(setup, given) for setup, given in picked if _abstains(setup, short, given) is None]
    found: list[SetupEvent] = []
    for side in dict.fromkeys(sides):
        view = short if side == Side.SHORT else View(panel, Side.LONG, short, first=first_bar)
        for setup, given in speaking:
            found += _events(setup, view, given, rules)
    return sorted(found, key=lambda event: (event.bar, event.setup, event.side))
