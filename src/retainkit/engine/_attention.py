"""What waits for a person: unclear effects, parked and conflicting events, damaged cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import field, frozen

from retainkit.core import (
    EventState,
    Intent,
    Item,
    JsonObject,
    Record,
    RecordedEvent,
    Skills,
    Timer,
)
from retainkit.ids import CaseId, CustomerId, derive
from retainkit.stores import Transaction


class AttentionKind(StrEnum):
    """Why a person is needed."""

    UNCLEAR_EFFECT = "unclear_effect"
    PARKED_EVENT = "parked_event"
    QUARANTINED_EVENT = "quarantined_event"
    CONFLICTING_EVENT = "conflicting_event"
    CASE_MISSING = "case_missing"
    WAKE_UP_MISSING = "wake_up_missing"
    UNDECIDABLE = "undecidable"
    REFUSED = "refused"
    UNSERVED = "unserved"


@frozen(kw_only=True)
class Attention:
    """
    One thing that automation can't settle.

    Args:
        kind: Why a person is needed.

        id: What to name in the remedy: an effect, an event or an entry.

        customer: Whom it concerns; empty when nobody is known.

        since: When it came up, where that is known.

        facts: Ids and figures to decide by.

        remedy: The call that settles it.
    """

    kind: AttentionKind
    id: str
    customer: CustomerId
    since: datetime | None
    remedy: str
    facts: JsonObject = field(factory=dict)


_FEATURE = "attention"
# What a kit lacks is another one's, until it has waited for so long that there seems to be none.
_LONG_DUE = timedelta(hours=1)


def attention(
    tx: Transaction, skills: Skills, *, now: datetime, limit: int
) -> tuple[Attention, ...]:
    """Everything that waits for a person, the newest kinds of trouble last."""
    found = [_of_intent(intent) for intent in tx.schedule.unclear(limit=limit)]
    for state in (EventState.PARKED, EventState.CONFLICT):
        found += [_of_event(event) for event in tx.timeline.listed(state, limit=limit)]
    found += [_of_record(record) for record in tx.records.open(_FEATURE, limit=limit)]
    unserved = tx.schedule.unserved(skills, before=now - _LONG_DUE, limit=limit)
    found += [_of_unserved(item) for item in unserved]
    return tuple(found[:limit])


def list_case_missing(tx: Transaction, timer: Timer) -> None:
    """A next step came due for a case that the store has lost."""
    _list(
        tx,
        AttentionKind.CASE_MISSING,
        timer.customer,
        {"feature": timer.feature, "case": timer.case},
    )


def list_wake_up_missing(tx: Transaction, timer: Timer) -> None:
    """A customer has events for a feature that no longer knows what it decided."""
    _list(tx, AttentionKind.WAKE_UP_MISSING, timer.customer, {"feature": timer.feature})


def list_undecidable(tx: Transaction, timer: Timer, error: Exception) -> None:
    """Deciding raised; the timer comes back with every lease, and fails until somebody mends it."""
    facts: JsonObject = {
        "feature": timer.feature,
        "case": timer.case,
        "error": getattr(error, "code", type(error).__name__),
    }
    _list(tx, AttentionKind.UNDECIDABLE, timer.customer, facts)


def list_refused(tx: Transaction, intent: Intent) -> None:
    """An effect is refused again and again; it is tried on, but somebody should know."""
    _list(tx, AttentionKind.REFUSED, intent.customer, _of_refused(intent))


def unlist_refused(tx: Transaction, intent: Intent) -> None:
    """An effect that was refused for long has its outcome."""
    dismiss(tx, _id(AttentionKind.REFUSED, intent.customer, _of_refused(intent)))


def _of_refused(intent: Intent) -> JsonObject:
    return {"effect": intent.id, "effect_kind": intent.effect.kind}


def dismiss(tx: Transaction, id: str) -> bool:
    """Close an entry; whether there was one."""
    record = tx.records.get(_FEATURE, CaseId(id))
    if record is None or not record.open:
        return False
    tx.records.put(
        _record(record.id, record.customer, record.body, version=record.version + 1, is_open=False)
    )
    return True


def _list(tx: Transaction, kind: AttentionKind, customer: CustomerId, facts: JsonObject) -> None:
    body: JsonObject = {"kind": kind.value, **facts}
    id = _id(kind, customer, facts)
    known = tx.records.get(_FEATURE, id)
    if known is None:
        tx.records.put(_record(id, customer, body, version=1, is_open=True))
    elif not known.open:
        tx.records.put(_record(id, customer, body, version=known.version + 1, is_open=True))


def _id(kind: AttentionKind, customer: CustomerId, facts: JsonObject) -> CaseId:
    return CaseId(derive(_FEATURE, kind.value, *map(str, facts.values()), customer))


def _record(
    id: CaseId, customer: CustomerId, body: JsonObject, *, version: int, is_open: bool
) -> Record:
    return Record(
        feature=_FEATURE,
        id=id,
        key=id,
        customer=customer,
        open=is_open,
        version=version,
        schema=1,
        definition="",
        body=body,
    )


def _of_intent(intent: Intent) -> Attention:
    reason = getattr(intent.outcome, "reason", None)
    return Attention(
        kind=AttentionKind.UNCLEAR_EFFECT,
        id=intent.id,
        customer=intent.customer,
        since=intent.sent_at,
        remedy="find out what happened, then kit.settle(id, outcome, actor=, reason=)",
        facts={
            **intent.effect.data,
            "effect": intent.effect.kind,
            "key": intent.key,
            "reason": reason,
        },
    )


def _of_event(recorded: RecordedEvent) -> Attention:
    event, kind = recorded.event, _kind(recorded)
    facts: JsonObject = {"event": event.name, **event.data}
    if kind is AttentionKind.QUARANTINED_EVENT:
        ahead = event.occurred_at - recorded.recorded_at
        facts = {
            "reason": "ahead_of_time",
            "occurred_at": event.occurred_at.isoformat(),
            "ahead_seconds": ahead // timedelta(seconds=1),
            **facts,
        }
    return Attention(
        kind=kind,
        id=event.id,
        customer=event.customer,
        since=recorded.recorded_at,
        remedy=_EVENT_REMEDIES[kind],
        facts=facts,
    )


def _kind(recorded: RecordedEvent) -> AttentionKind:
    """What is parked though its customer is known came too far ahead of its time."""
    if recorded.state is not EventState.PARKED:
        return AttentionKind.CONFLICTING_EVENT
    known = recorded.event.customer
    return AttentionKind.QUARANTINED_EVENT if known else AttentionKind.PARKED_EVENT


_EVENT_REMEDIES = {
    AttentionKind.PARKED_EVENT: "kit.release(id, customer=, actor=), or kit.dismiss(id, actor=)",
    AttentionKind.QUARANTINED_EVENT: (
        "correct the source's clock; kit.release(id, customer=, actor=) when the time is right,"
        " else kit.dismiss(id, actor=)"
    ),
    AttentionKind.CONFLICTING_EVENT: "compare the two payloads and correct the source",
}


def _of_unserved(item: Item) -> Attention:
    since, kind = (item.due, None) if isinstance(item, Timer) else (item.wake_at, item.effect.kind)
    return Attention(
        kind=AttentionKind.UNSERVED,
        id=item.id,
        customer=item.customer,
        since=since,
        remedy="run a worker whose kit has this feature, and what performs this effect",
        facts={"feature": item.feature, "case": item.case, "effect": kind},
    )


def _of_record(record: Record) -> Attention:
    kind = AttentionKind(str(record.body["kind"]))
    remedies = {
        AttentionKind.CASE_MISSING: "restore the record, or kit.dismiss(id, actor=)",
        AttentionKind.REFUSED: (
            "mend what the log names; it is tried again by itself, and then leaves this list"
        ),
        AttentionKind.UNDECIDABLE: (
            "mend the cause; the step is tried again by itself. Then kit.dismiss(id, actor=)"
        ),
        AttentionKind.WAKE_UP_MISSING: (
            "kit.wake(feature, customer, since=) from the first undecided event, then kit.dismiss"
        ),
    }
    return Attention(
        kind=kind,
        id=record.id,
        customer=record.customer,
        since=None,
        remedy=remedies.get(kind, "kit.dismiss(id, actor=)"),
        facts=record.body,
    )
