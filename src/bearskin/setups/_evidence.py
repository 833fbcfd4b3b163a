"""What the last study of the set-ups found, packaged: whoever shows a set-up says this of it and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bearskin.terms import BadInput, Side

NO_EDGE = "no proven edge"
TOO_FEW = "too few cases"
AGAINST = "evidence against"
BEFORE_COSTS = "an edge before costs, none after them"
EDGE = "an edge in one history"
VERDICTS = (NO_EDGE, TOO_FEW, AGAINST, BEFORE_COSTS, EDGE)

_FILE = "evidence.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One set-up on one side, held for `horizon_h` hours after the entry at the open that follows its signal.

    Figures are of the trade (a short gains where the price falls), in basis points of the entry price: `mean_bp` and
    `excess_bp` (over random entries of the same symbol and side close in time) before costs, `net_bp` after fees and
    slippage. `t` and `p_adjusted` are of the excess; the p counts every set-up, side and horizon of the study. `start`
    and `end` are the days of the first and the last case. None where the source does not say.
    `verdict` is one of `VERDICTS`, by rules written down before the figures were known.
    """

    setup: str
    side: Side
    horizon_h: int
    n: int
    symbols: int
    start: str
    end: str
    mean_bp: float
    excess_bp: float | None
    t: float | None
    p_adjusted: float | None
    first_half_bp: float | None
    second_half_bp: float | None
    verdict: str
    net_bp: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise BadInput(f"the verdict {self.verdict!r} is not one of {', '.join(VERDICTS)}")

    @property
    def sentence(self) -> str:
        """The verdict and what it rests on, without a full stop."""
        said = f"{NO_EDGE}, {self.verdict}" if self.verdict == TOO_FEW else self.verdict
        if not self.n:
            return f"{said}: none was found"
        measured = f"{self.mean_bp:+.0f} bp" if self.excess_bp is None else _against(self.excess_bp)
        luck = [] if self.t is None else [f"t {self.t:.1f}"]
        luck += [] if self.p_adjusted is None else [f"p {_p_words(self.p_adjusted)} among all that was tried"]
        told = f" ({', '.join(luck)})" if luck else ""
        cases = f"{self.n:,} case{'' if self.n == 1 else 's'}"
        costs = "before costs" if self.net_bp is None else f"{self.net_bp:+.0f} bp a trade after fees and slippage"
        return f"{said}: {measured}{told} over {self.horizon_h} h in {cases}, {self._where}; {costs}"

    @property
    def _where(self) -> str:
        count = f"{self.symbols} perpetual{'' if self.symbols == 1 else 's'}"
        return f"{self.start[:7]} to {self.end[:7]}, {count}" if self.start else count


def _against(excess_bp: float) -> str:
    word = "less" if round(excess_bp) < 0 else "more"
    return f"{abs(excess_bp):.0f} bp {word} than random entries"


def _p_words(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.0995 else f"{p:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBook:
    """Every entry of one study, and what the study was: when, over which data, how its p values were adjusted."""

    study: str
    entries: Mapping[tuple[str, Side], Evidence]


def evidence_of(setup: str, side: Side) -> Evidence | None:
    """What the packaged study found of a set-up on one side; None for one it did not look at (your own, say)."""
    return evidence_book().entries.get((setup, side))


def evidence_verdict(setup: str, side: Side | None = None) -> str:
    """The verdict in a word or two, `no proven edge` for what was never studied; of both sides where none is named."""
    found = [evidence_of(setup, one) for one in ((Side.SHORT, Side.LONG) if side is None else (side,))]
    words = dict.fromkeys(NO_EDGE if one is None else one.verdict for one in found)
    return " / ".join(words)


def evidence_words(setup: str, side: Side | None = None) -> str:
    """Sentences for a page: of one side, or of both, each with its side named; ends with a full stop."""
    told = []
    for one in (Side.SHORT, Side.LONG) if side is None else (side,):
        found = evidence_of(setup, one)
        told.append(f"{one.word}: {f'{NO_EDGE}: not studied' if found is None else found.sentence}")
    return ". ".join(text[0].upper() + text[1:] for text in told) + "."


@cache
def evidence_book() -> EvidenceBook:
    """The packaged study."""
    text = resources.files("bearskin.setups").joinpath(_FILE).read_text(encoding="utf-8")
    return read_evidence(text)


def read_evidence(text: str) -> EvidenceBook:
    """A study's evidence from its JSON; raises BadInput for what is none."""
    try:
        kept = json.loads(text)
        if kept["format"] != _FORMAT:
            raise BadInput(f"evidence of format {kept['format']!r}: this version reads format {_FORMAT}")
        entries = [Evidence(**{**row, "side": Side[row["side"].upper()]}) for row in kept["entries"]]
        return EvidenceBook(study=str(kept["study"]), entries={(one.setup, one.side): one for one in entries})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"this is not the evidence of a study: {type(error).__name__}: {error}") from error


def evidence_json(study: str, entries: Iterable[Evidence]) -> str:
    """What `read_evidence` reads, one entry a line so that a change can be read as well."""
    rows = [json.dumps(_row(one)) for one in sorted(entries, key=lambda one: (one.setup, one.side))]
    head = f'{{"format": {_FORMAT},\n "study": {json.dumps(study)},\n "entries": [\n'
    return head + ",\n".join(f"  {row}" for row in rows) + "\n]}\n"


def _row(one: Evidence) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(one, name) for name in Evidence.__slots__}
    return {**row, "side": one.side.word}
