"""How the core's values take an instant: aware, and kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from retainkit.errors import InvalidInput


def instant(value: datetime, name: str) -> datetime:
    """The instant in UTC; a naive time is refused by the field's name."""
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidInput(
            "A datetime without a time zone is no instant",
            code="time.naive",
            field=name,
            value=value,
            remedy="pass an aware datetime, for example datetime.now(UTC)",
        )
    return value.astimezone(UTC)


def occurred_at(value: datetime) -> datetime:
    """The converter of an event's time; events are made by the thousand."""
    return value if value.tzinfo is UTC else instant(value, "occurred_at")


def due(value: datetime) -> datetime:
    """The converter of a timer's time."""
    return instant(value, "due")
