"""The guide of one desk: hears the bot and every draft, keeps how far a person is, and tells every open page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import EVERYWHERE, Draft
from bearskin.app.web._hub import BOT
from bearskin.app.web._learn import Progress, after_draft, after_state, begun, left, progress_of, said_done

SENT = "send"
GUIDE, PREF = "guide", "guide"  # the topic its progress is told under, and where the prefs keep it


@dataclass(slots=True)
class Guide:
    """Knows how far the person of this desk is; nothing is ticked off while the guide is put away."""

    desk: WebDesk
    progress: Progress
    draft: Draft | None = None  # as it was left, until it is sent: the quiz and the glossary are on other pages

    def begin(self, *, anew: bool = False) -> None:
        """Take it up where it was left, or from the first step."""
        self._set(begun(self.progress, anew=anew))
        self.heard(self.desk.bot.now)

    def leave(self) -> None:
        """Put it away; what was done is kept."""
        self._set(left(self.progress))

    def done(self, key: str) -> None:
        """The person says that a step was done; raises BadInput for what is no step."""
        self._set(said_done(self.progress, key))

    def heard(self, now: BotNow) -> None:
        """Take in how the bot stands."""
        if self.progress.on and now.state is not None and now.up:
            self._set(after_state(self.progress, now.state, now.decisions))
            if SENT in self.progress.done:
                self.draft = None

    def drafted(self, draft: Draft) -> None:
        """Take in a draft of any page."""
        if self.progress.on:
            self.draft = None if SENT in self.progress.done else draft
            self._set(after_draft(self.progress, draft, self._mark(draft.symbol)))

    def opened(self, asked: Draft) -> Draft:
        """The draft that a page opens with: the one that was left, unless its address asks for another."""
        kept = self.draft
        if self.progress.on and kept and asked == Draft(symbol=asked.symbol) and asked.symbol in ("", kept.symbol):
            return kept
        if asked.symbol:
            self.drafted(asked)
        return asked

    def _mark(self, symbol: str) -> Decimal | None:
        state = self.desk.bot.now.state
        told = {} if state is None else state["prices"].get(symbol, {})
        price = told.get("mark") or told.get("ask")
        return None if price is None else Decimal(price)

    def _set(self, progress: Progress) -> None:
        if progress != self.progress:
            self.progress = progress
            self.desk.prefer(**{PREF: progress.to_json()})
            self.desk.hub.say(GUIDE, progress)


def led(desk: WebDesk) -> bool:
    """Whether somebody is being led to a first short that is not open yet."""
    guide = desk.kept.get(GUIDE)
    return guide is not None and guide.progress.on and SENT not in guide.progress.done


def guide_of(desk: WebDesk) -> Guide:
    """The guide of this desk, listening from the first call on."""
    if GUIDE not in desk.kept:
        guide = desk.kept[GUIDE] = Guide(desk, progress_of(desk.prefs().get(PREF)))
        desk.hub.listen(BOT, guide.heard, every_s=0.25)
        drafted: Callable[[Draft], None] = guide.drafted
        EVERYWHERE.append(drafted)
    found: Guide = desk.kept[GUIDE]
    return found
