"""The future: a timer comes due and is decided, an effect was decided and is performed."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from attrs import field, frozen

from retainkit.core._json import JsonObject
from retainkit.core._outcome import Outcome
from retainkit.core._time import due as due_instant
from retainkit.ids import CaseId, CustomerId, EffectId, TenantId, derive


@frozen(kw_only=True)
class Lease:
    """
    The right to work on an item for a while; its id is the fence.

    Args:
        id: Unique for every claim; a write under another id is rejected.

        length: How long the right lasts, by the database's clock where there is one.
    """

    id: str
    length: timedelta


@frozen(kw_only=True)
class Timer:
    """
    Something to decide at a time: a case's next step, or news for a feature about a customer.

    Args:
        tenant: Whose item it is.

        feature: Who decides.

        customer: Whom it concerns; decisions of one customer never overlap.

        due: When; aware, kept in UTC.

        case: The case whose next step this is; None wakes the feature because of events.

        since: For a wake-up, the customer's counter of the first event it is about.

        lease: The claim that holds it, if any.
    """

    tenant: TenantId
    feature: str
    customer: CustomerId
    due: datetime = field(converter=due_instant)
    case: CaseId | None = None
    since: int = 0
    lease: str | None = None

    @property
    def id(self) -> str:
        """One a case, or one a feature and customer."""
        return f"{self.feature}:{self.customer if self.case is None else self.case}"


class EffectState(StrEnum):
    """
    Where a decided effect stands.

    ``ready`` was never sent, or proved not to be; ``sent`` may be under way; ``unknown`` is
    looked up before anything else; ``answered`` waits for its outcome to be decided; ``unclear``
    waits for a person; ``done`` stays for ever, so that its key can't be used again.
    """

    READY = "ready"
    SENT = "sent"
    UNKNOWN = "unknown"
    ANSWERED = "answered"
    UNCLEAR = "unclear"
    DONE = "done"


@frozen(kw_only=True)
class Effect:
    """
    Something to do in the outside world.

    Args:
        kind: What to do, for example ``payments.collect``.

        attempt: Unique in its case; together they give the key the provider gets.

        data: The request's ids and figures; sent unchanged at every try.
    """

    kind: str
    attempt: str
    data: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class Intent:
    """
    An effect as the schedule keeps it.

    Args:
        tenant: Whose effect it is.

        feature: Who decides the outcome.

        customer: Whom it concerns.

        case: The case that asked for it; None when a feature keeps no case.

        effect: What to do.

        state: Where it stands.

        tries: How often it was tried or looked up.

        sent_at: When it was first sent; starts the provider's idempotency window.

        outcome: What is known of the outcome.

        wake_at: When to go on; None when there is nothing to do.

        lease: The claim that holds it, if any.
    """

    tenant: TenantId
    feature: str
    customer: CustomerId
    case: CaseId | None
    effect: Effect
    state: EffectState = EffectState.READY
    tries: int = 0
    sent_at: datetime | None = None
    outcome: Outcome | None = None
    wake_at: datetime | None = None
    lease: str | None = None

    @property
    def id(self) -> EffectId:
        """Derived from feature, case and attempt: never random."""
        return EffectId(derive(self.feature, self.case or "", self.effect.attempt))

    @property
    def key(self) -> str:
        """The idempotency key the provider gets: derived from tenant, case and attempt."""
        return f"rk_{derive(self.tenant, self.id)}"


Item: TypeAlias = Timer | Intent


@frozen(kw_only=True)
class Skills:
    """
    What a kit can work on; the rest is left to kits that can.

    Args:
        features: The names of the features it has.

        kinds: The kinds of effects it can perform.
    """

    features: frozenset[str]
    kinds: frozenset[str]

    def cover(self, item: Item) -> bool:
        """Whether a kit of these skills can decide the item, and perform it if it is an effect."""
        performs = isinstance(item, Timer) or item.effect.kind in self.kinds
        return performs and item.feature in self.features
