"""Tags: what events of a customer are taken for from now on; counting by them is in `signals`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from retainkit.core import Event, EventState, Origin
from retainkit.errors import InvalidInput, NotFound
from retainkit.ids import CustomerId, EventId, derive
from retainkit.signals import RETAG_EVENT


if TYPE_CHECKING:
    from retainkit.engine._join import JoinedKit


def origin_of(origin: Origin | str) -> Origin:
    """An origin, or its name; ``rules.origin`` for another word."""
    try:
        return Origin(origin)
    except ValueError as exc:
        raise InvalidInput(
            "There is no such origin",
            code="rules.origin",
            field="origin",
            value=str(origin),
            remedy=f"use {', '.join(each.value for each in Origin)}",
        ) from exc


def tags(
    k: JoinedKit, events: Sequence[EventId], origin: Origin, actor: str, now: datetime
) -> list[Event]:
    """A tag for each customer of these events; ``event.not_found`` where there is none."""
    by_customer: dict[CustomerId, list[EventId]] = {}
    for id in dict.fromkeys(events):
        recorded = k.tx.timeline.get(id)
        if recorded is None or recorded.state is not EventState.ACCEPTED:
            raise _no_event(id)
        by_customer.setdefault(recorded.event.customer, []).append(id)
    return [_tag(who, mine, origin, actor, now) for who, mine in by_customer.items()]


def is_last_word(k: JoinedKit, tag: Event) -> bool:
    """Whether the customer's latest tag is this one: said again, since its answer was lost."""
    tags = k.tx.timeline.of(tag.customer, names=frozenset({tag.name}))
    return bool(tags) and tags[-1].event.fingerprint == tag.fingerprint


def _tag(
    customer: CustomerId, ids: list[EventId], origin: Origin, actor: str, now: datetime
) -> Event:
    return Event(
        id=EventId(derive(RETAG_EVENT, customer, origin, now.isoformat(), *ids)),
        name=RETAG_EVENT,
        customer=customer,
        occurred_at=now,
        data={"events": list(ids), "origin": origin.value},
        actor=actor,
    )


def _no_event(id: EventId) -> NotFound:
    return NotFound(
        "No event has this id",
        code="event.not_found",
        field="events",
        value=id,
        remedy="take ids from kit.timeline(customer)",
    )
