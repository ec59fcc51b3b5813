"""What use says about a customer: the signals, who needs a call, and the health score."""

from __future__ import annotations

from retainkit.health import (
    Band,
    Bands,
    Component,
    Direction,
    HealthModel,
    HealthModels,
    Linear,
)
from retainkit.rules import Remedy, RemedyKind, Rule, Rulebook, Signals, days, event


NOTE_WRITTEN = "note.written"
SETTLED = 3

_notes = event(NOTE_WRITTEN)


class Use(Signals):
    """What is known of a customer, counted of the timeline as it happens."""

    active_days = _notes.active_days(days(28))
    notes_trend = _notes.trend(days(14), minimum=3)
    last_note_at = _notes.last().about(
        "When somebody wrote the latest note.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="how-is-it-going"),
    )
    failed_payments = event("payment.failed").count(days(28))


FELL_SILENT = Rule(
    id="fell-silent",
    when=(Use.active_days >= SETTLED) & Use.last_note_at.more_than_ago(days(10)),
    keep_for=days(3),  # one note does not end it
)
RULES = Rulebook(signals=Use, rules=[FELL_SILENT])

HEALTH = HealthModels(
    models=[
        HealthModel(
            id="all",
            components=[
                Component(
                    signal=Use.active_days,
                    direction=Direction.HIGHER_IS_BETTER,
                    mapping=Linear(low=0, high=10),
                    weight=30,
                ),
                Component(
                    signal=Use.notes_trend,
                    direction=Direction.HIGHER_IS_BETTER,
                    mapping=Linear(low=-0.5, high=0),
                    weight=50,
                ),
                Component(
                    signal=Use.failed_payments,
                    direction=Direction.LOWER_IS_BETTER,
                    mapping=Linear(low=0, high=3),
                    weight=20,
                ),
            ],
            bands=Bands(bands=[Band("red", 0, 40), Band("yellow", 40, 65), Band("green", 65, 100)]),
        ),
    ]
)
