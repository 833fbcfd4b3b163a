"""The page of learning: the guide, the quiz, two charts that say more than a rule, and the words of the field."""

from __future__ import annotations

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._glossary import glossary, slug_of
from bearskin.app.web._glossary_words import ENTRIES, GROUPS, Entry
from bearskin.app.web._kit import panel, text
from bearskin.app.web._page_learn_charts import path_chart, reach_chart
from bearskin.app.web._page_learn_guide import guide_list
from bearskin.app.web._page_learn_quiz import quiz_part


def learn_page(desk: WebDesk, term: str = "") -> None:
    """Build it; `term` names an entry of the glossary that is to be shown."""
    with ui.element("div").classes("ln-learn"):
        with panel("A first short, in eight steps", "learn-guide"):
            guide_list(desk)
        with panel("The risk quiz", "quiz") as quiz:
            quiz_part(desk, quiz)
        with panel("A −1x token beside a short held still", "same-path"):
            path_chart(desk)
        with panel("Where liquidation really is", "reach"):
            reach_chart()
        with panel("Glossary", "glossary", "ln-wide") as words:
            _glossary(words.tools, term)


def _glossary(tools: ui.element, wanted: str) -> None:
    rows: dict[str, ui.element] = {}
    heads: dict[str, ui.element] = {}
    with tools:
        search = ui.element("input").props('type=search placeholder="find a word" aria-label="Find a word"')
        search.classes("ln-find")
        found = ui.label(f"{len(ENTRIES)} words").classes("muted").props("role=status")
    with ui.element("div").classes("ln-words"):
        for group in GROUPS:
            heads[group] = ui.element("section").classes("words-group")
            with heads[group]:
                text("h3", group)
                with ui.element("dl"):
                    for entry in ENTRIES:
                        if entry.group == group:
                            rows[slug_of(entry)] = _word(entry)

    def look(event: object) -> None:
        hits = {row["slug"] for row in glossary(str(event.args))}  # type: ignore[attr-defined]
        for slug, row in rows.items():
            row.set_visibility(slug in hits)
        for group, head in heads.items():
            head.set_visibility(any(slug_of(entry) in hits for entry in ENTRIES if entry.group == group))
        found.set_text(f"{len(hits)} words" if hits else "no such word")

    search.on("input", look, js_handler="(event) => emit(event.target.value)", throttle=0.1)
    if wanted in rows:
        rows[wanted].classes("wanted")
        ui.run_javascript(f"setTimeout(() => bearskinGuide.look(['[data-word=\"{wanted}\"]']), 300)")


def _word(entry: Entry) -> ui.element:
    row = ui.element("div").classes("ln-word").props(f'data-word={slug_of(entry)} tabindex="-1"')
    with row:
        with ui.element("dt"):
            ui.label(entry.name)
            if entry.also:
                ui.label(", ".join(entry.also)).classes("ln-also")
        with ui.element("dd"):
            ui.label(entry.says)
            if entry.wrong:
                with ui.element("div").classes("ln-wrong"):
                    ui.label("Often told wrong").classes("wrong-mark")
                    ui.label(entry.wrong)
    return row
