"""The history of a customer's health, read of the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from retainkit.core import Event, JsonObject
from retainkit.health._score import Standing
from retainkit.health._trend import HealthPoint
from retainkit.timing import utc


SCORED: Final = "health.scored"
"""The name of the event that tells a score: the first one, and each move that counts."""

BAND_CHANGED: Final = "health.band_changed"
"""The name of the event that tells another band."""

HISTORY_EVENTS: Final = frozenset({SCORED, BAND_CHANGED})
"""The names of the events that `history` reads."""


def history(events: Iterable[Event]) -> tuple[HealthPoint, ...]:
    """
    What the health of a customer was, the oldest first; it holds until the next point.

    Small moves are not told: between two points the score moved by less than the model's step.

    Args:
        events: Those of the customer, in any order; others than `HISTORY_EVENTS` are left out.
    """
    found: dict[datetime, HealthPoint] = {}
    told = [event for event in events if event.name in HISTORY_EVENTS]
    for event in sorted(told, key=lambda each: (each.occurred_at, each.name != BAND_CHANGED)):
        found[event.occurred_at] = _point(event)
    return tuple(found[at] for at in sorted(found))


def point_at(points: Sequence[HealthPoint], at: datetime) -> HealthPoint | None:
    """
    What was true at an instant, such as 60 days after a save; None when nothing was told by then.

    Args:
        points: From `history`.

        at: The instant.

    Raises:
        InvalidInput: ``time.naive``.
    """
    then = utc(at, "at")
    return max(
        (point for point in points if point.at <= then), key=lambda point: point.at, default=None
    )


def point_data(health: Standing, band: str) -> JsonObject:
    """A point as an event holds it; inside this room only."""
    return {
        "model": health.model,
        "version": health.version,
        "score": None if health.score is None else str(health.score),
        "coverage": str(health.coverage),
        "band": band,
    }


def _point(event: Event) -> HealthPoint:
    score = event.data.get("score")
    return HealthPoint(
        at=event.occurred_at,
        score=Decimal(score) if isinstance(score, str) else None,
        coverage=Decimal(str(event.data.get("coverage", 0))),
        band=str(event.data.get("band", "")),
        version=str(event.data.get("version", "")),
    )
