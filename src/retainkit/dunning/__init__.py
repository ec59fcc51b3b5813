"""Dunning: from a failed payment to recovered money, or to a fair end. Pure decisions only."""

from __future__ import annotations

from retainkit.dunning._case import CaseInvoice, CaseOutcome, DunningCase
from retainkit.dunning._declines import Classified, DeclineClass, classify
from retainkit.dunning._feature import Dunning
from retainkit.dunning._policy import (
    AccessLevel,
    Collector,
    DunningPolicy,
    EndAction,
    Stage,
    Tone,
)
from retainkit.dunning._wake import (
    Access,
    Upcoming,
    UpcomingKind,
    access,
    full_access,
    harshest,
    upcoming,
)


__all__ = [
    "Access",
    "AccessLevel",
    "CaseInvoice",
    "CaseOutcome",
    "Classified",
    "Collector",
    "DeclineClass",
    "Dunning",
    "DunningCase",
    "DunningPolicy",
    "EndAction",
    "Stage",
    "Tone",
    "Upcoming",
    "UpcomingKind",
    "access",
    "classify",
    "full_access",
    "harshest",
    "upcoming",
]
