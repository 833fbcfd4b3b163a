"""The quiz in the page: ten questions, and for what was wrong the reason."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import Panel, attrs, text
from bearskin.app.web._learn_quiz import locks_of, quiz_answered, quiz_put, quiz_state
from bearskin.app.web._page_learn_parts import Says, act, tried
from bearskin.terms import BearskinError


def quiz_part(desk: WebDesk, frame: Panel) -> None:
    """What is locked, and the quiz that unlocks it."""
    place = ui.element("div").classes("ln-quiz")

    def first() -> None:
        place.clear()
        with place:
            try:
                _standing(desk, put)
            except BearskinError as error:
                frame.failed(str(error))

    def put() -> None:
        place.clear()
        with place:
            _questions(desk, quiz_put(), first)

    first()


def _standing(desk: WebDesk, put: Any) -> None:
    state = quiz_state(desk.house)
    with ui.element("ul").classes("ln-locks"):
        for lock in locks_of(desk.house):
            with ui.element("li").props(f"data-lock={lock.key}"):
                ui.icon("lock" if lock.locked else "lock_open").props("aria-hidden=true").classes(
                    "warn" if lock.locked else "up"
                )
                ui.label(lock.what)
                ui.label(f"locked: {lock.why}" if lock.locked else "open").classes("muted")
    if state["passed"]:
        ui.label(f"✓ passed on {state['at'][:10]}").classes("up").props("data-figure=quiz-state role=status")
    else:
        ui.label("Ten questions on what shorts are most often told wrong. All ten right opens what is locked.")
    act("Do it again" if state["passed"] else "Begin the quiz", put, main=not state["passed"])


def _questions(desk: WebDesk, quiz: dict[str, Any], first: Any) -> None:
    given: dict[str, str] = {}
    left = ui.label().classes("muted").props("role=status data-figure=quiz-left")
    whys: dict[str, ui.element] = {}

    def chosen(name: str, letter: str) -> None:
        given[name] = letter
        left.set_text(_left(len(quiz["questions"]) - len(given)))

    left.set_text(_left(len(quiz["questions"])))
    for number, question in enumerate(quiz["questions"], 1):
        with attrs(ui.element("fieldset").classes("ln-question"), data_question=question["name"]):
            text("legend", f"{number}. {question['text']}")
            for letter, words in question["answers"].items():
                with ui.element("label").classes("ln-answer"):
                    radio = ui.element("input").props(f"type=radio name=quiz-{quiz['seed']}-{number} value={letter}")
                    radio.on("change", lambda _, n=question["name"], one=letter: chosen(n, one), args=[])
                    ui.label(words)
            whys[question["name"]] = ui.element("div").classes("ln-reason")
    says = Says("quiz-result")

    async def answer() -> None:
        if len(given) < len(quiz["questions"]):
            says.bad(_left(len(quiz["questions"]) - len(given)))
            return
        letters = [given[one["name"]] for one in quiz["questions"]]
        result = await tried(says, lambda: desk.aside(lambda: quiz_answered(desk.house, quiz["seed"], letters)))
        if result is not None:
            _graded(result, whys, says)
            send.set_visibility(not result["passed"])

    with ui.element("div").classes("ln-tools"):
        send = act("Answer all", answer, main=True)
        act("Back", first)


def _graded(result: dict[str, Any], whys: dict[str, ui.element], says: Says) -> None:
    for row in result["questions"]:
        place = whys[row["name"]]
        place.clear()
        place.classes(replace=f"ln-reason {'right' if row['right'] else 'not-right'}")
        with place:
            ui.label("✓ right" if row["right"] else f"✗ wrong; right is: {row['answer']}").classes(
                "up" if row["right"] else "down"
            )
            ui.label(row["reason"])
    total = len(result["questions"])
    if result["passed"]:
        says.good(f"{total} of {total} right: passed, and what was locked is open.")
    else:
        says.bad(f"{result['right']} of {total} right: read the reasons, change what was wrong, and answer again.")


def _left(count: int) -> str:
    return "all answered" if not count else f"{count} {'question is' if count == 1 else 'questions are'} open"
