"""Rows and values: how events, records, timers and intents lie in their tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import cast

from retainkit.core import (
    Answer,
    Because,
    Effect,
    EffectState,
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    NoEffect,
    NotSent,
    Origin,
    Outcome,
    Record,
    RecordedEvent,
    Skills,
    Timer,
    Unknown,
    dumps,
    loads,
)
from retainkit.ids import CaseId, CustomerId, EventId, TenantId
from retainkit.stores.sql._statement import Row, Value
from retainkit.timing import from_micros, to_micros


_EMPTY = "{}"


def json_text(value: JsonObject) -> str:
    """The canonical text of an object; the empty one without work."""
    return dumps(value) if value else _EMPTY


def json_object(text: Value) -> JsonObject:
    """The object in a text."""
    return {} if text == _EMPTY or not isinstance(text, str) else loads(text)


def event_row(
    tenant: TenantId, event: Event, *, id: str, sequence: int, recorded_at: int, state: str
) -> Row:
    """The row of an event, its columns in the table's order."""
    data, at = dumps(event.data), to_micros(event.occurred_at)
    because = event.because
    return (
        tenant,
        id,
        event.customer,
        sequence,
        event.name,
        at,
        recorded_at,
        event.origin._value_,  # what `value` looks up, at once
        state,
        event.schema,
        event.fingerprint_of(data, at),
        data,
        dumps([[why.key, why.values] for why in because]) if because else "[]",
        event.actor,
    )


def recorded_event(row: Row) -> RecordedEvent:
    """The event in a row, its columns in the table's order."""
    (
        _,
        id,
        customer,
        sequence,
        name,
        occurred_at,
        recorded_at,
        origin,
        state,
        schema,
        _,
        data,
        because,
        actor,
    ) = row
    reasons = () if because == "[]" else json.loads(str(because))
    return RecordedEvent(
        event=Event(
            id=EventId(str(id)),
            name=str(name),
            customer=CustomerId(str(customer)),
            occurred_at=from_micros(integer(occurred_at)),
            data=json_object(data),
            origin=Origin(str(origin)),
            schema=integer(schema),
            actor=str(actor),
            because=tuple(Because(key=key, values=values) for key, values in reasons),
        ),
        sequence=integer(sequence),
        recorded_at=from_micros(integer(recorded_at)),
        state=EventState(str(state)),
    )


def record_row(tenant: TenantId, record: Record) -> dict[str, Value]:
    """The row of a record."""
    return {
        "tenant": tenant,
        "feature": record.feature,
        "id": record.id,
        "key": record.key,
        "customer": record.customer,
        "open": int(record.open),
        "version": record.version,
        "schema": record.schema,
        "definition": record.definition,
        "body": dumps(record.body),
        "w_tenant": tenant,
        "w_feature": record.feature,
        "w_id": record.id,
    }


def record(row: Row) -> Record:
    """The record in a row."""
    _, feature, id, key, customer, is_open, version, schema, definition, body = row
    return Record(
        feature=str(feature),
        id=CaseId(str(id)),
        key=str(key),
        customer=CustomerId(str(customer)),
        open=bool(is_open),
        version=integer(version),
        schema=integer(schema),
        definition=str(definition),
        body=json_object(body),
    )


def timer_row(timer: Timer) -> dict[str, Value]:
    """The row of a timer."""
    return {
        "tenant": timer.tenant,
        "id": timer.id,
        "feature": timer.feature,
        "customer": timer.customer,
        "case_id": timer.case,
        "kind": None,
        "attempt": None,
        "since": timer.since,
        "data": None,
        "state": None,
        "tries": 0,
        "sent_at": None,
        "outcome": None,
        "wake_at": to_micros(timer.due),
        "lease": None,
    }


def intent_row(intent: Intent) -> dict[str, Value]:
    """The row of an intent."""
    return {
        "tenant": intent.tenant,
        "id": intent.id,
        "feature": intent.feature,
        "customer": intent.customer,
        "case_id": intent.case,
        "kind": intent.effect.kind,
        "attempt": intent.effect.attempt,
        "since": 0,
        "data": json_text(intent.effect.data),
        "state": intent.state.value,
        "tries": intent.tries,
        "sent_at": micros_or_none(intent.sent_at),
        "outcome": outcome_text(intent.outcome),
        "wake_at": micros_or_none(intent.wake_at),
        "lease": intent.lease,
    }


def item(row: Row) -> Item:
    """The timer or intent in a row; an intent is what has a kind."""
    (
        tenant,
        _,
        feature,
        customer,
        case,
        kind,
        attempt,
        since,
        data,
        state,
        tries,
        sent_at,
        outcome,
        wake_at,
        lease,
    ) = row
    case_id = None if case is None else CaseId(str(case))
    holder = None if lease is None else str(lease)
    if kind is None:
        return Timer(
            tenant=TenantId(str(tenant)),
            feature=str(feature),
            customer=CustomerId(str(customer)),
            due=from_micros(integer(wake_at or 0)),
            case=case_id,
            since=integer(since),
            lease=holder,
        )
    return Intent(
        tenant=TenantId(str(tenant)),
        feature=str(feature),
        customer=CustomerId(str(customer)),
        case=case_id,
        effect=Effect(kind=str(kind), attempt=str(attempt), data=json_object(data)),
        state=EffectState(str(state)),
        tries=integer(tries),
        sent_at=_instant(sent_at),
        outcome=outcome_value(outcome),
        wake_at=_instant(wake_at),
        lease=holder,
    )


def outcome_text(outcome: Outcome | None) -> str | None:
    """An outcome as text."""
    match outcome:
        case None:
            return None
        case Answer(data=data):
            return dumps({"answer": data})
        case NotSent(reason=reason, retry_after=pause):
            return dumps(
                {
                    "not_sent": reason,
                    "micros": None if pause is None else micros(pause),
                }
            )
        case Unknown(reason=reason):
            return dumps({"unknown": reason})
        case NoEffect(reason=reason):
            return dumps({"no_effect": reason})


def outcome_value(text: Value) -> Outcome | None:
    """The outcome in a text."""
    if text is None:
        return None
    match json.loads(str(text)):
        case {"answer": data}:
            return Answer(data=cast("JsonObject", data))
        case {"not_sent": str(reason), "micros": int() | None as length}:
            pause = None if length is None else timedelta(microseconds=length)
            return NotSent(reason=reason, retry_after=pause)
        case {"unknown": str(reason)}:
            return Unknown(reason=reason)
        case {"no_effect": str(reason)}:
            return NoEffect(reason=reason)
        case other:
            raise ValueError(other)


def integer(value: Value) -> int:
    """The whole number in a column that holds nothing else."""
    return cast("int", value)


def skills(wanted: Skills) -> dict[str, Value]:
    """The features and kinds of a kit, as statements take them."""
    return {"features": dumps(sorted(wanted.features)), "kinds": dumps(sorted(wanted.kinds))}


def micros(length: timedelta) -> int:
    """A length of time in microseconds."""
    return length // timedelta(microseconds=1)


def micros_or_none(value: datetime | None) -> int | None:
    """An instant in microseconds, if there is one."""
    return None if value is None else to_micros(value)


def _instant(value: Value) -> datetime | None:
    return None if value is None else from_micros(integer(value)).astimezone(UTC)
