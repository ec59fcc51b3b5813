"""What is known of a customer whose whole timeline is given: for tests; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from retainkit.core import Event, RecordedEvent
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Readings, Signal, Signals, readings
from retainkit.signals._facts import FACT_EVENT
from retainkit.signals._measures import Measures


def read_timeline(
    signals: type[Signals] | Mapping[str, Signal],
    known: Readings,
    events: Iterable[Event],
    now: datetime,
) -> Readings:
    """
    What a customer's events and facts make known, as the kit would count them; for tests.

    The earliest event tells since when the customer is there: a number is only known once they
    have been there for the whole of its window.

    Args:
        signals: The class that declares them, or the signals by name.

        known: Facts, as of their time or else now; what is given here for a signal that is
            computed holds instead of what is counted.

        events: All of one customer, in the order in which they became known.

        now: The instant it is asked at.

    Raises:
        InvalidInput: ``rules.unknown_signal`` when a signal is known, or one is computed of it,
            that is not declared.
    """
    measures, history = Measures(signals), list(events)
    given = dict(readings(measures.signals, dict(known)))
    customer = history[0].customer if history else CustomerId("known")
    told = [
        Event(
            id=EventId(f"known-{name}"),
            name=FACT_EVENT,
            customer=customer,
            occurred_at=reading.at or now,
            data=measures.facts({name: reading.value}, reading.source),
        )
        for name, reading in given.items()
        if measures.signals[name].derivation is None
    ]
    recorded = (
        RecordedEvent(event=event, sequence=number, recorded_at=now)
        for number, event in enumerate([*told, *history])
    )
    found = measures.read(measures.recount(recorded), now)
    return readings(measures.signals, {**dict(found), **given}) if given else found
