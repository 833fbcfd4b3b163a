"""How large, how near to liquidation, how dear to hold, and whether to make the trade at all."""

from bearskin.risk._approve import approve_config, approve_entry, approve_reducing
from bearskin.risk._approved import Approved
from bearskin.risk._entry import (
    Entry,
    EntryRules,
    Exposure,
    Holding,
    exposure,
    funding_over,
    liquidation_at,
    size_entry,
)
from bearskin.risk._figures import Basis, Funding, Gap, Loan, Plan, Sizing, Standing, Survival, Target, Verdict
from bearskin.risk._hedge import Hedge, HedgeRequest, prove_hedge
from bearskin.risk._history import AdverseMoves, adverse_moves
from bearskin.risk._isolated import MarginMove, approve_margin, margin_refusal
from bearskin.risk._limits import Limit, LimitRules, LimitState, binds, limits_of
from bearskin.risk._plan import plan, survive
from bearskin.risk._preflight import Check, PreflightRequest, Status, preflight
from bearskin.risk._presets import PRESETS, Preset, preset_of, preset_with
from bearskin.risk._request import PlanRequest, frac
from bearskin.risk._size import Kelly, Sized, SizeRequest, size_position
from bearskin.risk._stops import StopMove, loss_at, stop_refusal

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
    "Hedge",
    "HedgeRequest",
    "Holding",
    "Kelly",
    "Limit",
    "LimitRules",
    "LimitState",
    "Loan",
    "MarginMove",
    "Plan",
    "PlanRequest",
    "PreflightRequest",
    "Preset",
    "SizeRequest",
    "Sized",
    "Sizing",
    "Standing",
    "Status",
    "StopMove",
    "Survival",
    "Target",
    "Verdict",
    "adverse_moves",
    "approve_config",
    "approve_entry",
    "approve_margin",
    "approve_reducing",
    "binds",
    "exposure",
    "frac",
    "funding_over",
    "limits_of",
    "liquidation_at",
    "loss_at",
    "margin_refusal",
    "plan",
    "preflight",
    "preset_of",
    "preset_with",
    "prove_hedge",
    "size_entry",
    "size_position",
    "stop_refusal",
    "survive",
]
