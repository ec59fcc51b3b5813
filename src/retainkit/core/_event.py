"""The past: events, as somebody reports them and as the timeline keeps them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from attrs import field, frozen

from retainkit.core._because import Because
from retainkit.core._json import (
    LONGEST_ID,
    JsonObject,
    check_id,
    check_json,
    check_text,
    dumps,
)
from retainkit.core._time import occurred_at
from retainkit.ids import CustomerId, EventId
from retainkit.timing import to_micros


class Origin(StrEnum):
    """Where an event comes from; everything but ``real`` is left out of figures by default."""

    REAL = "real"
    SAMPLE = "sample"
    INTERNAL = "internal"
    TEST = "test"
    BACKFILL = "backfill"


class EventState(StrEnum):
    """
    What the timeline made of an event.

    ``parked`` waits for a person because it matches no customer; ``conflict`` came with an id
    that is taken by another payload and changed nothing.
    """

    ACCEPTED = "accepted"
    PARKED = "parked"
    CONFLICT = "conflict"


@frozen(kw_only=True)
class Event:
    """
    Something that happened to a customer.

    Args:
        id: Unique in the tenant; the same id with the same payload is a duplicate.

        name: ``feature.past_tense``, for example ``payment.failed``.

        customer: Whom it concerns; empty while nobody is known.

        occurred_at: When it happened; aware, kept in UTC.

        data: Ids and figures; no float, no name, no address.

        origin: Where it comes from.

        schema: Version of the data's shape.

        actor: Who caused it: a person's id, ``customer``, ``provider`` or ``retainkit``.

        because: The reasons, when a decision of retainkit wrote it.

    Raises:
        InvalidInput: A naive time, a float; ``json.id_type`` for an id, name or customer that is
            no text, ``json.text`` for one with a NUL or half of a surrogate pair;
            ``json.id_length`` for an id or customer of more than 2,000 bytes.
    """

    id: EventId
    name: str
    customer: CustomerId
    occurred_at: datetime = field(converter=occurred_at)
    data: JsonObject = field(factory=dict)
    origin: Origin = Origin.REAL
    schema: int = 1
    actor: str = "retainkit"
    because: tuple[Because, ...] = ()

    def __attrs_post_init__(self) -> None:
        check_json(self.data, "data")
        id, name, customer = self.id, self.name, self.customer
        named = f"{id}{name}{customer}"
        texts = type(id) is type(name) is type(customer) is str
        if not texts or len(named) > LONGEST_ID or not named.isascii() or "\0" in named:
            check_id(id, "id")
            check_text(name, "name")
            check_id(customer, "customer")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the event says; reasons, origin and actor do not count."""
        return self.fingerprint_of(dumps(self.data), to_micros(self.occurred_at))

    def fingerprint_of(self, data: str, at: int) -> str:
        """The fingerprint, from the data's canonical text and the microseconds of its time."""
        name, customer = self.name, self.customer
        said = f"{len(name)}:{name}{len(customer)}:{customer}{self.schema}:{at}{data}"
        if not data.isascii():
            check_text(data, "data")
        return sha256(said.encode()).hexdigest()


@frozen(kw_only=True)
class RecordedEvent:
    """
    An event as the timeline keeps it.

    Args:
        event: What was reported.

        sequence: The customer's counter: the order in which retainkit learned of things.

        recorded_at: When retainkit learned of it; UTC.

        state: Accepted, parked or in conflict.
    """

    event: Event
    sequence: int
    recorded_at: datetime
    state: EventState = EventState.ACCEPTED
