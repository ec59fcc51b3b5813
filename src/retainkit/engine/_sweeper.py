"""Finding what should not be: cases without a next step, orphaned items, wrong counters."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

from retainkit.core import EffectState, Item, Timer
from retainkit.engine._attention import list_wake_up_missing
from retainkit.engine._features import Features
from retainkit.engine._step import NOBODY
from retainkit.ids import CaseId, CustomerId, TenantId
from retainkit.stores import Transaction


_UNDER_WAY = timedelta(minutes=10)


class FindingKind(StrEnum):
    """What was out of order."""

    NO_NEXT_STEP = "no_next_step"
    ORPHANED_ITEM = "orphaned_item"
    WAKE_UP_AT_REST = "wake_up_at_rest"
    WAKE_UP_MISSING = "wake_up_missing"
    COUNTER_BEHIND = "counter_behind"


@frozen(kw_only=True)
class Finding:
    """
    One thing the sweeper came upon.

    Args:
        kind: What was out of order.

        customer: Whom it concerns.

        subject: The case, effect or feature.

        repaired: Whether it is in order now; else it is listed by ``attention()``.
    """

    kind: FindingKind
    customer: CustomerId
    subject: str
    repaired: bool


def sweep(
    tx: Transaction, features: Features, tenant: TenantId, now: datetime
) -> tuple[Finding, ...]:
    """Look for every kind of damage in one tenant; mend it, or list it for a person."""
    found = [
        Finding(kind=FindingKind.COUNTER_BEHIND, customer=customer, subject=customer, repaired=True)
        for customer in tx.schedule.recount()
    ]
    found += [_revived(tx, item, now) for item in tx.schedule.strays()]
    for bound in features:
        feature = bound.feature.name
        for record in tx.schedule.orphans(feature):
            tx.schedule.plan(
                Timer(
                    tenant=tenant,
                    feature=feature,
                    customer=record.customer,
                    due=now,
                    case=record.id,
                )
            )
            found.append(_finding(FindingKind.NO_NEXT_STEP, record.customer, record.id))
        if bound.feature.subscribes:
            found += [
                _woken(tx, timer, now)
                for timer in tx.schedule.missed(feature, bound.feature.subscribes)
                if timer.customer != NOBODY
            ]
    return tuple(found)


def _revived(tx: Transaction, item: Item, now: datetime) -> Finding:
    """An item that would never come due comes due again."""
    if isinstance(item, Timer):
        tx.schedule.finish(item, next_due=now)
        return _finding(FindingKind.ORPHANED_ITEM, item.customer, item.case or CaseId(item.feature))
    # What was under a lease may have been sent: recovery treats SENT with care, READY it sends.
    state = EffectState.SENT if item.state is EffectState.READY and item.lease else item.state
    sent_at = now if state is EffectState.SENT and item.sent_at is None else item.sent_at
    # A look-up waits until what was sent has surely ended, or it would prove nothing.
    wake_at = now + _UNDER_WAY if state is EffectState.UNKNOWN else now
    tx.schedule.settle(
        evolve(item, state=state, sent_at=sent_at, wake_at=wake_at), lease=item.lease
    )
    return _finding(FindingKind.ORPHANED_ITEM, item.customer, CaseId(item.id))


def _woken(tx: Transaction, timer: Timer, now: datetime) -> Finding:
    """Wake a feature from where it rested; if that is lost, a person says from where."""
    if timer.since == 0:
        list_wake_up_missing(tx, timer)
        missing = _finding(FindingKind.WAKE_UP_MISSING, timer.customer, CaseId(timer.feature))
        return evolve(missing, repaired=False)
    tx.schedule.wake([evolve(timer, due=now)])
    return _finding(FindingKind.WAKE_UP_AT_REST, timer.customer, CaseId(timer.feature))


def _finding(kind: FindingKind, customer: CustomerId, subject: CaseId) -> Finding:
    return Finding(kind=kind, customer=customer, subject=subject, repaired=True)
