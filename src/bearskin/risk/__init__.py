"""How large, how near to liquidation, how dear to hold, and whether to make the trade at all."""

from bearskin.risk._approve import approve_config, approve_entry, approve_reducing
from bearskin.risk._approved import Approved
from bearskin.risk._entry import Entry, EntryRules, Exposure, Holding, exposure, liquidation_at, size_entry
from bearskin.risk._figures import Basis, Funding, Gap, Loan, Plan, Sizing, Standing, Survival, Target, Verdict
from bearskin.risk._history import AdverseMoves, adverse_moves
from bearskin.risk._limits import Limit, LimitRules, LimitState, limits_of
from bearskin.risk._plan import plan, survive
from bearskin.risk._preflight import Check, PreflightRequest, Status, preflight
from bearskin.risk._presets import PRESETS, Preset, preset_of
from bearskin.risk._request import PlanRequest, frac
from bearskin.risk._size import Kelly, Sized, SizeRequest, size_position

__all__ = [
    "PRESETS",
    "AdverseMoves",
    "Approved",
    "Basis",
    "Check",
    "Entry",
    "EntryRules",
    "Exposure",
    "Funding",
    "Gap",
    "Holding",
    "Kelly",
    "Limit",
    "LimitRules",
    "LimitState",
    "Loan",
    "Plan",
    "PlanRequest",
    "PreflightRequest",
    "Preset",
    "SizeRequest",
    "Sized",
    "Sizing",
    "Standing",
    "Status",
    "Survival",
    "Target",
    "Verdict",
    "adverse_moves",
    "approve_config",
    "approve_entry",
    "approve_reducing",
    "exposure",
    "frac",
    "limits_of",
    "liquidation_at",
    "plan",
    "preflight",
    "preset_of",
    "size_entry",
    "size_position",
    "survive",
]
