"""Combinations by their numbers: none is kept, each is worked out when its turn comes.

A number is read like a clock: the last axis turns fastest. Axes that change which signals there are come first, those
of the guards second, so that combinations with the same signals and guards (a group) stand side by side and share them.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._search_axes import GUARDS, TEMPLATE, WORDS, Axis
from bearskin.setups import SETUPS, GuardRules, Template
from bearskin.terms import BadInput

COMBINATIONS_MAX = 2**62  # a number must fit a column
BLOCK_COMBINATIONS = 2_048  # of one unit of work: what is held at a time, and at most done again after a kill
BLOCK_GROUPS = 32


@dataclass(frozen=True)
class Grid:
    """Every combination of the axes over one base request, numbered from 0 to `total` - 1."""

    base: BacktestRequest
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        """Put the axes in order; raises BadInput when there are more combinations than numbers."""
        ordered = tuple(sorted(self.axes, key=lambda axis: 0 if axis.detects else 1 if axis.guards else 2))  # stable
        object.__setattr__(self, "axes", ordered)
        if self.total >= COMBINATIONS_MAX:
            raise BadInput(f"{self.total:.1e} combinations are more than can be numbered: vary less, or in wider steps")

    @cached_property
    def total(self) -> int:
        """How many combinations there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    @cached_property
    def per_group(self) -> int:
        """How many neighbouring combinations have the same signals and the same word of the guards on them."""
        return math.prod(len(axis.values) for axis in self.axes if not axis.detects and not axis.guards)

    def group(self, number: int) -> int:
        """The group of a combination: combinations of one group have the same signals and guards."""
        return number // self.per_group

    def digits(self, number: int) -> tuple[int, ...]:
        """For each axis, which of its values combination `number` has."""
        found = []
        for axis in reversed(self.axes):
            number, digit = divmod(number, len(axis.values))
            found.append(digit)
        return tuple(reversed(found))

    def number(self, digits: Sequence[int]) -> int:
        """The combination with these values: the inverse of `digits`."""
        number = 0
        for axis, digit in zip(self.axes, digits, strict=True):
            number = number * len(axis.values) + digit
        return number

    def values(self, number: int) -> dict[str, Any]:
        """What combination `number` has for each axis."""
        pairs = zip(self.axes, self.digits(number), strict=True)
        return {axis.name: axis.values[digit] for axis, digit in pairs}

    def request(self, number: int) -> BacktestRequest:
        """The backtest that combination `number` is; raises BadInput where its values make no sense together."""
        values = self.values(number)
        changes: dict[str, Any] = {WORDS[name]: value for name, value in values.items() if "." not in name}
        dotted = {name: value for name, value in values.items() if "." in name}
        if dotted:
            changes |= _dotted(self.base, changes, dotted)
        try:
            return dataclasses.replace(self.base, **changes)
        except BadInput as error:
            told = ", ".join(f"{name}={value}" for name, value in values.items())
            raise BadInput(f"the combination {told} cannot be traded: {error}") from None

    def check(self) -> None:
        """Build every value of every axis once, and the corners; raises BadInput before any work is done."""
        for number in self._samples():
            self.request(number)

    def _samples(self) -> Iterator[int]:
        yield 0
        yield self.total - 1
        for place, axis in enumerate(self.axes):
            for digit in range(len(axis.values)):
                yield self.number([digit if i == place else 0 for i in range(len(self.axes))])

    def columns(self, numbers: Sequence[int]) -> dict[str, list[Any]]:
        """The axes' values of these combinations as the columns of a table."""
        plain = [axis.plain for axis in self.axes]
        digits = [self.digits(number) for number in numbers]
        return {axis.name: [plain[i][row[i]] for row in digits] for i, axis in enumerate(self.axes)}


def _dotted(base: BacktestRequest, changes: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The request's `params`, `template` and `guard_rules` with the values of dotted axes."""
    params: dict[str, Any] = dict(base.params)
    template, rules = base.template, base.guard_rules
    for name, value in values.items():
        head, _, path = name.partition(".")
        if head == TEMPLATE:
            template = _with(template or Template(), path, value)
        elif head == GUARDS:
            families = changes.get("families_min", base.families_min)
            rules = _with(rules or GuardRules(families_min=families), path, value)
        else:
            params[head] = _with(params.get(head, SETUPS[head].params), path, value)
    return {"params": params, "template": template, "guard_rules": rules}


def _with(params: Any, path: str, value: Any) -> Any:
    """The frozen `params` with the field at `path` changed."""
    head, _, rest = path.partition(".")
    return dataclasses.replace(params, **{head: _with(getattr(params, head), rest, value) if rest else value})


class Blocks:
    """Which combinations are tried, cut into blocks that are worked on together; nothing is listed for a whole grid."""

    def __init__(self, grid: Grid, numbers: Sequence[int] | None = None) -> None:
        """`numbers` are those tried, rising; None tries the whole grid."""
        self.grid = grid
        self.numbers: Sequence[int] = range(grid.total) if numbers is None else numbers
        self._cuts: list[int] | None = None if numbers is None else _cuts(grid, numbers)
        m = grid.per_group
        if m >= BLOCK_COMBINATIONS:
            self._in_group = -(-m // BLOCK_COMBINATIONS)
            self._size = -(-m // self._in_group)
            self._in_group = -(-m // self._size)
            self._count = grid.total // m * self._in_group
        else:
            self._in_group = 0
            self._size = min(BLOCK_COMBINATIONS // m, BLOCK_GROUPS) * m
            self._count = -(-grid.total // self._size)

    def __len__(self) -> int:
        """How many blocks there are."""
        return self._count if self._cuts is None else len(self._cuts) - 1

    def block(self, index: int) -> Sequence[int]:
        """The numbers of block `index`, rising."""
        if self._cuts is not None:
            return self.numbers[self._cuts[index] : self._cuts[index + 1]]
        if not self._in_group:
            return range(index * self._size, min((index + 1) * self._size, self.grid.total))
        group, chunk = divmod(index, self._in_group)
        first, m = group * self.grid.per_group, self.grid.per_group
        return range(first + chunk * self._size, first + min((chunk + 1) * self._size, m))


def _cuts(grid: Grid, numbers: Sequence[int]) -> list[int]:
    """Where the list of numbers is cut so that a block stays small in combinations and in groups."""
    cuts, groups, last = [0], 0, -1
    for i, number in enumerate(numbers):
        group = grid.group(number)
        groups += group != last
        last = group
        if i - cuts[-1] >= BLOCK_COMBINATIONS or groups > BLOCK_GROUPS:
            cuts.append(i)
            groups = 1
    return [*cuts, len(numbers)]


def drawn(grid: Grid, trials: int, seed: int) -> list[int]:
    """`trials` different combinations by chance, rising; all of them where there are no more. Same seed, same draw."""
    if trials >= grid.total:
        return list(range(grid.total))
    dice = random.Random(seed)
    return sorted(dice.sample(range(grid.total), trials))
