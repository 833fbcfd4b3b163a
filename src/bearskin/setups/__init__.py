"""setups: where a short is worth a look, and, through the mirror, where a long is.

Each set-up is written once, for the short side, on log prices; the long side is the same code on the mirrored market.
Events are candidates; what a study found of each set-up is packaged (`evidence_of`).
"""

import sys

from bearskin import VerbRoom
from bearskin.setups._alive import over
from bearskin.setups._book import (
    BookRules,
    book_imbalance,
    book_says_wait,
    microprice,
    order_flow_imbalance,
)
from bearskin.setups._crowd_state import CrowdRules, CrowdState, Lamp, crowd_lamps, crowd_state
from bearskin.setups._crowded_longs import CrowdedLongs
from bearskin.setups._declining_volume import DecliningVolume
from bearskin.setups._descending_channel import ChannelBreak, DescendingChannel
from bearskin.setups._distribution import Distribution
from bearskin.setups._events import Abstention, Days, Draft, GuardVerdict, Line, SetupEvent, Zone
from bearskin.setups._evidence import (
    AGAINST,
    BEFORE_COSTS,
    EDGE,
    NO_EDGE,
    TOO_FEW,
    Evidence,
    EvidenceBook,
    evidence_book,
    evidence_json,
    evidence_of,
    evidence_verdict,
    evidence_words,
    read_evidence,
)
from bearskin.setups._failed_breakout import FailedBreakout
from bearskin.setups._families import families_of, families_with_data
from bearskin.setups._guards import GuardRules, Regime, forget_views, guard, regime
from bearskin.setups._head_shoulders import HeadShoulders
from bearskin.setups._levels import Level, LevelRules, levels
from bearskin.setups._look_ahead import Checked, Fault, check_setup
from bearskin.setups._ma_cross import MaCross
from bearskin.setups._merge import Candidate, merge
from bearskin.setups._outside import Facts, OutsideRules, facts_of, hour_share
from bearskin.setups._overextended_rally import OverextendedRally
from bearskin.setups._profile import ProfileRules, VolumeProfile, volume_profile
from bearskin.setups._registry import SETUPS, Setup, abstentions, detect, load_setups
from bearskin.setups._rsi_divergence import RsiDivergence
from bearskin.setups._rsi_overbought import RsiOverbought
from bearskin.setups._stop_hunt import StopHunt
from bearskin.setups._supports import Support, SupportRules, support_targets
from bearskin.setups._template import Template, entry_ok
from bearskin.setups._view import View
from bearskin.setups._volume import VolumeConfirmation, VolumeRules, volume_confirmation

__all__ = [
    "AGAINST",
    "BEFORE_COSTS",
    "EDGE",
    "NO_EDGE",
    "SETUPS",
    "TOO_FEW",
    "Abstention",
    "BookRules",
    "Candidate",
    "ChannelBreak",
    "Checked",
    "CrowdRules",
    "CrowdState",
    "CrowdedLongs",
    "Days",
    "DecliningVolume",
    "DescendingChannel",
    "Distribution",
    "Draft",
    "Evidence",
    "EvidenceBook",
    "Facts",
    "FailedBreakout",
    "Fault",
    "GuardRules",
    "GuardVerdict",
    "HeadShoulders",
    "Lamp",
    "Level",
    "LevelRules",
    "Line",
    "MaCross",
    "OutsideRules",
    "OverextendedRally",
    "ProfileRules",
    "Regime",
    "RsiDivergence",
    "RsiOverbought",
    "Setup",
    "SetupEvent",
    "StopHunt",
    "Support",
    "SupportRules",
    "Template",
    "View",
    "VolumeConfirmation",
    "VolumeProfile",
    "VolumeRules",
    "Zone",
    "abstentions",
    "book_imbalance",
    "book_says_wait",
    "check_setup",
    "crowd_lamps",
    "crowd_state",
    "detect",
    "entry_ok",
    "evidence_book",
    "evidence_json",
    "evidence_of",
    "evidence_verdict",
    "evidence_words",
    "facts_of",
    "families_of",
    "families_with_data",
    "forget_views",
    "guard",
    "hour_share",
    "levels",
    "load_setups",
    "merge",
    "microprice",
    "order_flow_imbalance",
    "over",
    "read_evidence",
    "regime",
    "support_targets",
    "volume_confirmation",
    "volume_profile",
]

sys.modules[__name__].__class__ = VerbRoom  # `bearskin.setups(...)` is the verb
