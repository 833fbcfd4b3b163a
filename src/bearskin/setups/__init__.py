"""setups: where a short is worth a look, and, through the mirror, where a long is."""

from bearskin.setups._events import Abstention, GuardVerdict, SetupEvent
from bearskin.setups._template import Template, entry_ok

__all__ = ["Abstention", "GuardVerdict", "SetupEvent", "Template", "entry_ok"]
