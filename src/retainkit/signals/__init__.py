"""Signals: what is known of a customer, computed of the timeline; declaring them is `rules`.

Events become day buckets as they arrive, and buckets become readings when a rule asks. Nothing
here reads a store or a clock.
"""

from __future__ import annotations

from retainkit.signals import (  # noqa: F401 - each registers what it computes
    _elapsed,
    _items,
    _latest,
    _order,
    _shares,
    _totals,
)
from retainkit.signals._catalogue import (
    ContractSignals,
    EarlyWarnings,
    PeopleSignals,
    SupportSignals,
    UsageSignals,
    early_warnings,
)
from retainkit.signals._facts import FACT_EVENT
from retainkit.signals._feature import RECHECK, RECHECK_EVENT, RulesCase, RulesFeature
from retainkit.signals._left_out import LeftOut
from retainkit.signals._measures import ZONE_METRIC, Measures
from retainkit.signals._recheck import Recheck
from retainkit.signals._tags import RETAG_EVENT, as_tagged
from retainkit.signals._timeline import read_timeline


__all__ = [
    "FACT_EVENT",
    "RECHECK",
    "RECHECK_EVENT",
    "RETAG_EVENT",
    "ZONE_METRIC",
    "ContractSignals",
    "EarlyWarnings",
    "LeftOut",
    "Measures",
    "PeopleSignals",
    "Recheck",
    "RulesCase",
    "RulesFeature",
    "SupportSignals",
    "UsageSignals",
    "as_tagged",
    "early_warnings",
    "read_timeline",
]
