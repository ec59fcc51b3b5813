"""Dunning: from a failed payment to recovered money, or to a fair end. Pure decisions only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retainkit._lazy import lazily


if TYPE_CHECKING:
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

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Access": "_wake",
            "AccessLevel": "_policy",
            "CaseInvoice": "_case",
            "CaseOutcome": "_case",
            "Classified": "_declines",
            "Collector": "_policy",
            "DeclineClass": "_declines",
            "Dunning": "_feature",
            "DunningCase": "_case",
            "DunningPolicy": "_policy",
            "EndAction": "_policy",
            "Stage": "_policy",
            "Tone": "_policy",
            "Upcoming": "_wake",
            "UpcomingKind": "_wake",
            "access": "_wake",
            "classify": "_declines",
            "full_access": "_wake",
            "harshest": "_wake",
            "upcoming": "_wake",
        },
    )
