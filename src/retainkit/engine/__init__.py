"""Where it all meets: the kit, its runner, joining, webhooks, links, and what waits for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retainkit._lazy import lazily


if TYPE_CHECKING:
    from retainkit.engine._async import AsyncJoinedKit, AsyncRetainKit
    from retainkit.engine._attention import Attention, AttentionKind
    from retainkit.engine._dunning import Dunning
    from retainkit.engine._explain import Explained
    from retainkit.engine._health import HealthAnswer, KitHealth
    from retainkit.engine._instrumentation import Instrumentation, LoggingInstrumentation
    from retainkit.engine._join import JoinedKit
    from retainkit.engine._kit import Dispatch, RetainKit, SystemClock
    from retainkit.engine._links import Links, OpenLink
    from retainkit.engine._load import Loaded, RefusedRow
    from retainkit.engine._performers import Guarantee, Performer
    from retainkit.engine._rules import KitRules, Rechecked, RuleAnswer
    from retainkit.engine._runner import Ran
    from retainkit.engine._signals import KitSignals
    from retainkit.engine._sweeper import Finding, FindingKind
    from retainkit.engine._webhooks import Receipt, ReceiptState

__all__ = [
    "AsyncJoinedKit",
    "AsyncRetainKit",
    "Attention",
    "AttentionKind",
    "Dispatch",
    "Dunning",
    "Explained",
    "Finding",
    "FindingKind",
    "Guarantee",
    "HealthAnswer",
    "Instrumentation",
    "JoinedKit",
    "KitHealth",
    "KitRules",
    "KitSignals",
    "Links",
    "Loaded",
    "LoggingInstrumentation",
    "OpenLink",
    "Performer",
    "Ran",
    "Receipt",
    "ReceiptState",
    "Rechecked",
    "RefusedRow",
    "RetainKit",
    "RuleAnswer",
    "SystemClock",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "AsyncJoinedKit": "_async",
            "AsyncRetainKit": "_async",
            "Attention": "_attention",
            "AttentionKind": "_attention",
            "Dispatch": "_kit",
            "Dunning": "_dunning",
            "Explained": "_explain",
            "Finding": "_sweeper",
            "FindingKind": "_sweeper",
            "Guarantee": "_performers",
            "HealthAnswer": "_health",
            "Instrumentation": "_instrumentation",
            "JoinedKit": "_join",
            "KitHealth": "_health",
            "KitRules": "_rules",
            "KitSignals": "_signals",
            "Links": "_links",
            "Loaded": "_load",
            "LoggingInstrumentation": "_instrumentation",
            "OpenLink": "_links",
            "Performer": "_performers",
            "Ran": "_runner",
            "Receipt": "_webhooks",
            "ReceiptState": "_webhooks",
            "Rechecked": "_rules",
            "RefusedRow": "_load",
            "RetainKit": "_kit",
            "RuleAnswer": "_rules",
            "SystemClock": "_kit",
        },
    )
