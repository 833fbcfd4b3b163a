"""How easily a symbol is traded, and pushed: a grade from spread, depth and turnover, an estimate of this moment."""

from __future__ import annotations

from dataclasses import dataclass

LETTERS = "ABCD"
SPREAD_BP = (2.0, 5.0, 15.0)  # at most, for A, B, C
WIDE = 5.0  # A asks so many times what the guards ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """`letter` is A (deep) to D (thin), a dash where too little is known; `why` says what it rests on, in figures."""

    letter: str
    why: str

    @property
    def thin(self) -> bool:
        """Worth a warning before anything is traded."""
        return self.letter in ("C", "D")


def grade_of(*, spread_bp: float | None, depth_quote: float | None, turnover_24h: float | None) -> Grade:
    """The worst of what spread, depth within 1 % and a day's turnover say; a dash with fewer than two of them.

    B is what the guards ask of a coin that is not too easily pushed (`setups.OutsideRules`), A five times that, C a
    fifth of it.
    """
    from bearskin.setups import OutsideRules

    rules = OutsideRules()
    parts = {
        "spread": None if spread_bp is None else sum(spread_bp > most for most in SPREAD_BP),
        "depth": _by_size(depth_quote, rules.depth_quote),
        "turnover": _by_size(turnover_24h, rules.turnover_24h),
    }
    known = {name: rank for name, rank in parts.items() if rank is not None}
    told = [
        f"spread {'not told' if spread_bp is None else f'{spread_bp:.2f} bp'}",
        f"depth within 1 % {_millions(depth_quote)}",
        f"24 h turnover {_millions(turnover_24h)}",
    ]
    if len(known) < 2:
        return Grade(letter="–", why=f"too little is told: {', '.join(told)}")
    worst = max(known.values())
    bound = ", ".join(name for name, rank in known.items() if rank == worst) if worst else "nothing"
    return Grade(letter=LETTERS[worst], why=f"estimate: {', '.join(told)}; held down by {bound}")


def _by_size(value: float | None, asked: float) -> int | None:
    if value is None:
        return None
    return sum(value < least for least in (WIDE * asked, asked, asked / WIDE))


def _millions(value: float | None) -> str:
    return "not told" if value is None else f"{value / 1e6:,.2f} M"
