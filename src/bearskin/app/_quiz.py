"""The risk quiz: ten questions on what shorts are most often told wrong, each with the reason of its answer.

Figures are of Binance's BTCUSDT brackets of October 2024, where the first tier asks 0.4 % and the second 0.5 %.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bearskin.terms import BadInput

QUIZ_VERSION: Final = 1
LETTERS: Final = "abc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; the first of `answers` is right, and `reason` says why."""

    name: str
    text: str
    answers: tuple[str, str, str]
    reason: str


QUESTIONS: Final = (
    Question(
        name="funding",
        text="You are short 10,000 USDT of a perpetual. The funding rate at settlement is −0.05 %. What happens?",
        answers=("I pay 5 USDT to the longs", "I receive 5 USDT from the longs", "Nothing: I borrowed nothing"),
        reason="A positive rate is paid by longs to shorts, a negative one by shorts to longs. Negative funding costs "
        "a short, and often comes before a squeeze.",
    ),
    Question(
        name="liquidation-10x",
        text="A small BTC short at 10x, isolated. How far may the price rise before it is liquidated?",
        answers=(
            "Less than 10 %: about 9.56 %",
            "10 %, because that is when the margin is used up",
            "More than 10 %: the venue waits until the insurance fund is touched",
        ),
        reason="It ends when what is left no longer covers the maintenance margin, and not when nothing is left: "
        "(1 + 1/10) / (1 + 0.4 %) − 1 = 9.56 %. At 10 % the position would be bankrupt.",
    ),
    Question(
        name="isolated-or-cross",
        text="What can a short lose in cross margin that it cannot lose in isolated margin?",
        answers=(
            "The whole futures wallet, and with it the margin of other positions",
            "Nothing more: cross only lowers the chance of a liquidation",
            "Only its initial margin, but earlier",
        ),
        reason="Isolated loses its own margin at most. Cross stands behind a position with all of the wallet: it lives "
        "longer, and takes everything with it when it goes.",
    ),
    Question(
        name="zones-above",
        text="A liquidation map shows a dense zone above the price. Whose liquidations are these?",
        answers=(
            "Those of shorts: forced buys, which push the price further up",
            "Those of longs: forced sales, which stop the rise",
            "Those of both sides in equal parts",
        ),
        reason="A short is liquidated above its entry, by a forced buy; a long below, by a forced sale. A zone above "
        "is fuel for a squeeze: the place where your stop is hunted.",
    ),
    Question(
        name="limit-or-stop",
        text="The price is 60,000. You want to go short only if it falls to 59,000. Which order is it?",
        answers=(
            "A sell stop at 59,000",
            "A sell limit at 59,000",
            "Either: both wait for the price to fall",
        ),
        reason="A sell limit fills at its price or better, so at 59,000 it would sell at once, at 60,000. Only a stop "
        "waits until the price has fallen to its trigger.",
    ),
    Question(
        name="spot-is-no-collateral",
        text="You hold 5 BTC on spot and hedge them at 60,000 with a 5 BTC short against USDT, in cross margin, with "
        "30,000 USDT in the futures wallet. BTC rises by 10 %. What happens?",
        answers=(
            "The short is liquidated at about 65,682, before 66,000",
            "Nothing: the BTC on spot cover the loss of the short",
            "The loss is exactly 30,000 USDT and the hedge lives on",
        ),
        reason="Cross sees the futures wallet, not the spot wallet. 30,000 is lost at 66,000, and the maintenance "
        "margin is missing before that; more than 31,600 would live through it.",
    ),
    Question(
        name="125x",
        text="You short at 125x in the lowest bracket. Which rise liquidates you?",
        answers=("About 0.4 %", "About 0.8 %", "About 1.25 %"),
        reason="The margin is 0.8 % and half of it is maintenance: (1 + 1/125) / (1 + 0.4 %) − 1 = 0.40 %, an ordinary "
        "minute. Fees at both ends take a part of that too.",
    ),
    Question(
        name="mark",
        text="Which price decides whether a position is liquidated?",
        answers=(
            "The mark price, made of an index of several spot markets and the basis",
            "The last traded price on the venue",
            "The best bid of the order book",
        ),
        reason="A wick of the last price alone liquidates nobody. That is why stops here trigger on mark too, and why "
        "coins with a thin index are dangerous: there the mark itself can be pushed.",
    ),
    Question(
        name="loans",
        text="You short by borrowing coins in spot margin, and a jump liquidates the loan. Can you owe more than that?",
        answers=(
            "Yes: what the sale of the collateral does not cover stays a debt",
            "No: the collateral is the most that can be lost, as in isolated futures",
            "No: the insurance fund of the futures market pays",
        ),
        reason="A loan is owed in coins, whatever they cost. Isolated futures end at their margin, a margin loan may "
        "leave a debt, and venues do collect it.",
    ),
    Question(
        name="funding-interval",
        text="How often is funding settled?",
        answers=(
            "It differs by contract, every 8, 4 or 1 hours, and venues change it",
            "Every 8 hours, everywhere",
            "Once a day, at 00:00 UTC",
        ),
        reason="Contracts have gone from 8 hours to 1 hour in wild markets, which makes the same rate eight times as "
        "dear. The interval is a fact to be read, not a constant.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question as it was put: `right` is the letter of the right answer among `answers`."""

    question: Question
    answers: tuple[str, ...]
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizResult:
    """How it went: for every question the letter given, the right one, and the reason."""

    seed: int
    given: tuple[tuple[Asked, str], ...]

    @property
    def passed(self) -> bool:
        """Whether all ten are right."""
        return all(letter == asked.right for asked, letter in self.given)

    def to_json(self) -> dict[str, Any]:
        """The object `quiz --json` prints."""
        rows = [
            {
                "question": asked.question.name,
                "given": letter,
                "right": letter == asked.right,
                "reason": asked.question.reason,
            }
            for asked, letter in self.given
        ]
        return {"passed": self.passed, "version": QUIZ_VERSION, "seed": self.seed, "questions": rows}


def laid_out(seed: int) -> tuple[Asked, ...]:
    """All questions in their order, their answers shuffled by `seed`."""
    dice = random.Random(seed)
    asked = []
    for question in QUESTIONS:
        answers = list(question.answers)
        dice.shuffle(answers)
        right = LETTERS[answers.index(question.answers[0])]
        asked.append(Asked(question=question, answers=tuple(answers), right=right))
    return tuple(asked)


def letter_of(text: str) -> str:
    """An answer as a letter; numbers count too. Raises BadInput for anything else."""
    word = text.strip().lower().rstrip(").")
    letter = dict(zip("123", LETTERS, strict=True)).get(word, word)
    if len(letter) != 1 or letter not in LETTERS:
        raise BadInput(f"the answer was {text.strip()[:20]!r}, must be a, b or c")
    return letter


def graded(seed: int, letters: Sequence[str]) -> QuizResult:
    """The result for the letters given to the questions as `seed` lays them out; raises BadInput for too few."""
    asked = laid_out(seed)
    if len(letters) != len(asked):
        raise BadInput(f"there were {len(letters)} answers, must be {len(asked)}")
    return QuizResult(seed=seed, given=tuple(zip(asked, map(letter_of, letters), strict=True)))


def put(seed: int, ask: Callable[[str], str], tell: Callable[[str], None]) -> QuizResult:
    """Put the questions one by one: `ask` shows a text and returns the answer, `tell` shows what came of it."""
    letters = []
    for number, asked in enumerate(laid_out(seed), start=1):
        lines = [f"{number}/{len(QUESTIONS)}  {asked.question.text}"]
        lines += [f"   {letter}) {answer}" for letter, answer in zip(LETTERS, asked.answers, strict=True)]
        while True:
            said = ask("\n".join(lines))  # not below: that nobody answers must end the quiz
            try:
                letter = letter_of(said)
                break
            except BadInput as error:
                lines = [str(error)]
        letters.append(letter)
        verdict = "Right." if letter == asked.right else f"Wrong, it is {asked.right}."
        tell(f"   {verdict} {asked.question.reason}\n")
    return graded(seed, letters)
