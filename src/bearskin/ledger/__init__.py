"""Double entry: every amount that arrives somewhere left somewhere else, to the last digit.

One `Ledger` holds one asset. Its accounts are named by text (`user/7`, `user/7/BTCUSDT/BOTH`, `fees`, `insurance`, ...)
and their balances always sum to zero, because only `post` changes them and it refuses legs that do not. A position is
a quantity and its open cost, both signed: the average entry is shown, never stored.
"""

from bearskin.ledger._ledger import CENT_8, Ledger, Unbalanced, digest
from bearskin.ledger._positions import Holding, filled

__all__ = ["CENT_8", "Holding", "Ledger", "Unbalanced", "digest", "filled"]
