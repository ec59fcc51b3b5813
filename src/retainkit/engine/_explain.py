"""Why everything about a case happened: the reasons on the timeline, rendered for a reader."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from retainkit.core import RecordedEvent
from retainkit.engine._features import Features
from retainkit.errors import NotFound
from retainkit.ids import CaseId
from retainkit.stores import Transaction
from retainkit.timing import zone as zone_of


@frozen(kw_only=True)
class Explained:
    """
    One event of a case with its reasons.

    Args:
        at: When it happened, in the reader's time zone.

        event: The event's name.

        reasons: One sentence a reason, in the reader's language.
    """

    at: datetime
    event: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """One line: when, what, why."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.event}: {' '.join(self.reasons)}"


def explained(
    tx: Transaction, features: Features, case: CaseId, *, locale: str, zone: str
) -> tuple[Explained, ...]:
    """The events of a case, and what became of the messages it asked for."""
    record = next(
        (found for bound in features if (found := tx.records.get(bound.feature.name, case))), None
    )
    if record is None:
        raise NotFound(
            "No case has this id",
            code="case.not_found",
            field="case",
            value=case,
            remedy="take an id from kit.dunning.open_cases()",
        )
    return tuple(
        explain_event(recorded, locale=locale, zone=zone)
        for recorded in _about(case, tx.timeline.of(record.customer))
    )


def explain_event(recorded: RecordedEvent, *, locale: str, zone: str) -> Explained:
    """One event with its reasons in the reader's language."""
    from retainkit.messages.reasons import explain_text

    event = recorded.event
    return Explained(
        at=event.occurred_at.astimezone(zone_of(zone)),
        event=event.name,
        reasons=tuple(
            explain_text(why.key, why.values, locale, zone=zone) for why in event.because
        ),
    )


def _about(case: CaseId, events: tuple[RecordedEvent, ...]) -> tuple[RecordedEvent, ...]:
    asked = {recorded.event.id for recorded in events if recorded.event.data.get("case") == case}
    return tuple(
        recorded
        for recorded in events
        if recorded.event.id in asked or recorded.event.data.get("request") in asked
    )
