"""Stories of answers of rules as lines for a reader, without a kit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from retainkit.core import JsonValue
from retainkit.messages.reasons import explain_text, explained_lines, why_not_lines
from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    Duration,
    Number,
    Signals,
    Text,
    days,
    hours,
    readings,
    why,
    why_not,
)


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


class Customer(Signals):
    """What a shop knows."""

    mrr = Amount()
    nps = Number(fresh_for=days(90))
    breadth = Number()
    version = Text()
    first_response = Duration()


C = Customer
KNOWN = readings(
    Customer,
    {
        "mrr": money("490", "CHF"),
        "nps": 3,
        "breadth": 0.25,
        "version": "2.0",
        "first_response": timedelta(hours=30, minutes=5),
    },
    at=NOW - days(100),
)


@pytest.mark.parametrize(
    ("condition", "english", "german"),
    [
        (
            C.mrr >= money("500", "EUR"),
            "Is mrr at least €500.00? It is CHF490.00. [not known: another currency]",
            "Ist mrr mindestens 500,00\xa0€? Der Wert: 490,00\xa0CHF. [unbekannt: andere Währung]",
        ),
        (
            C.nps < 7,
            "Is nps below 7? It is not known. [not known: too old]",
            "Liegt nps unter 7? Der Wert: unbekannt. [unbekannt: zu alt]",
        ),
        (
            C.breadth < 0.3,
            "Is breadth below 0.3? It is 0.25. [yes]",
            "Liegt breadth unter 0,3? Der Wert: 0,25. [ja]",
        ),
        (
            C.version.eq("1.0"),
            "Is version 1.0? It is 2.0. [no]",
            "Ist version gleich 1.0? Der Wert: 2.0. [nein]",
        ),
        (
            C.first_response < hours(4),
            "Is first_response below 4 hours? It is 1 day 6 hours 5 minutes. [no]",
            "Liegt first_response unter 4 Stunden? Der Wert: 1 Tag 6 Stunden 5 Minuten. [nein]",
        ),
    ],
)
def test_a_leaf_is_told_in_the_readers_numbers(
    condition: Condition, english: str, german: str
) -> None:
    """With why it is not known; a text that looks like a number stays as it is."""
    explained = why(condition, KNOWN, NOW)

    assert explained_lines(explained, "en") == (english,)
    assert explained_lines(explained, "de") == (german,)


def test_what_would_have_to_change_is_told_in_the_order_of_the_rule() -> None:
    """The same lines in each process."""
    rule = (C.breadth > 0.5) & (C.first_response < hours(4)) & (C.mrr > money("500", "CHF"))

    assert why_not_lines(why_not(rule, KNOWN, NOW), "de")[-3:] == (
        "Wahr wäre es, wenn breadth 0,51 wäre; der Wert: 0,25.",
        (
            "Wahr wäre es, wenn first_response 3 Stunden 59 Minuten 59 Sekunden wäre;"
            " der Wert: 1 Tag 6 Stunden 5 Minuten."
        ),
        "Wahr wäre es, wenn mrr 500,01\xa0CHF wäre; der Wert: 490,00\xa0CHF.",
    )


def test_points_of_a_score_have_the_readers_sign() -> None:
    """And all of their digits."""
    values: dict[str, JsonValue] = {
        "component": "nps",
        "points": "80.50",
        "value": 7,
        "weight": "0.3",
        "part": "24.15",
    }

    assert explain_text("health.component.counts", values, "de") == (
        "nps: 80,50 Punkte für 7; Anteil am Wert: 24,15."
    )
