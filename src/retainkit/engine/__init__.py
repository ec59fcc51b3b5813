"""Where it all meets: the kit, its runner, joining, webhooks, links, and what waits for people."""

from __future__ import annotations

from retainkit.engine._async import AsyncJoinedKit, AsyncRetainKit
from retainkit.engine._attention import Attention, AttentionKind
from retainkit.engine._explain import Explained
from retainkit.engine._instrumentation import Instrumentation, LoggingInstrumentation
from retainkit.engine._join import JoinedKit
from retainkit.engine._kit import Dispatch, Dunning, Payments, RetainKit, SystemClock
from retainkit.engine._links import Links, OpenLink
from retainkit.engine._performers import Guarantee, Performer
from retainkit.engine._runner import Ran
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
    "Instrumentation",
    "JoinedKit",
    "Links",
    "LoggingInstrumentation",
    "OpenLink",
    "Payments",
    "Performer",
    "Ran",
    "Receipt",
    "ReceiptState",
    "RetainKit",
    "SystemClock",
]
