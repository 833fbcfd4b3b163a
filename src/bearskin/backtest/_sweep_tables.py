"""A symbol's signals and the requests of a sweep as columns of numbers, for the compiled loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._book import Book
from bearskin.backtest._entries import Gate, rates_of
from bearskin.backtest._override import insists, rules_of
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._symbols import Offer, Symbol
from bearskin.risk import preset_of
from bearskin.setups import ONE_RISK
from bearskin.terms import Decimal
