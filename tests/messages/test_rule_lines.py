"""Stories of answers of rules as lines for a reader, without a kit."""

from __future__ import annotations

import re
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
    Time,
    days,
    either,
    event,
    hours,
    readings,
    sequence,
    share,
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


FAILED = event("payment.failed", {"reason": "declined"})
TICKETS = event("ticket.opened").until(event("ticket.closed"), by="ticket", within=days(30))
UNNAMED: list[tuple[Condition, str, str]] = [
    (
        event("report.created").absent().within(days(14)),
        "Is the number of events (report.created, 14 days) 0?",
        "Ist die Anzahl der Ereignisse (report.created, 14 Tage) gleich 0?",
    ),
    (
        FAILED.at_least(3).same("invoice").within(hours(36)),
        "Is the number of events (payment.failed, reason: declined, invoice, 36 hours) at least 3?",
        (
            "Ist die Anzahl der Ereignisse (payment.failed, reason: declined, invoice, 36 Stunden) "
            "mindestens 3?"
        ),
    ),
    (
        either("login", "sso").distinct("user").at_least(2).within(days(7)),
        "Is the number of different values (login, sso, user, 7 days) at least 2?",
        "Ist die Anzahl verschiedener Werte (login, sso, user, 7 Tage) mindestens 2?",
    ),
    (
        sequence(event("trial"), event("paid")).within(days(2)),
        "Is the sequence of events (trial, paid, 2 days) yes?",
        "Ist die Abfolge der Ereignisse (trial, paid, 2 Tage) gleich ja?",
    ),
    (
        event("paid").sum_trend("amount", days(28)) < 0,
        "Is the trend (paid, amount, 28 days) below 0?",
        "Liegt der Trend (paid, amount, 28 Tage) unter 0?",
    ),
    (
        TICKETS.silent(days(5), touched=event("ticket.replied")) > 0,
        (
            "Is the number of silent items (ticket.opened, ticket.closed, ticket, ticket.replied, "
            "30 days) above 0?"
        ),
        (
            "Liegt die Anzahl stiller Posten (ticket.opened, ticket.closed, ticket, "
            "ticket.replied, 30 Tage) über 0?"
        ),
    ),
    (
        event("login").last().more_than_ago(days(3)),
        "Is the last time (login) at least so long ago: 3 days?",
        "Liegt das letzte Mal (login) mindestens so lange zurück: 3 Tage?",
    ),
    (
        share(event("a").count(days(1)), of=C.breadth) > 1,
        "Is the share (a, breadth) above 1?",
        "Liegt der Anteil (a, breadth) über 1?",
    ),
]


@pytest.mark.parametrize(("condition", "english", "german"), UNNAMED)
def test_what_a_rule_counts_by_itself_is_told_in_words(
    condition: Condition, english: str, german: str
) -> None:
    """Which events, under which keys, in which window: not the hash that it is kept under."""
    explained = why(condition, KNOWN, NOW)

    (line,) = explained_lines(explained, "en")
    assert line.startswith(f"{english} It is not known.")
    (line,) = explained_lines(explained, "de")
    assert line.startswith(f"{german} ")


def test_each_way_to_count_has_words() -> None:
    """In each language; one of a newer version is told by its own name."""
    patterns = event("x"), event("y")
    made: list[Number | Time | Duration] = [
        event("x").sum("n", days(1)),
        event("x").mean("n", days(1)),
        event("x").first(),
        event("x").latest("n"),
        event("x").change("n", days(1)),
        event("x").depth("f", features=("a",), within=days(1)),
        event("x").active_days(days(1)),
        event("x").active_weeks(days(7)),
        TICKETS.count(),
        TICKETS.oldest(),
        patterns[0].elapsed(patterns[1], by="k", within=days(1)),
        patterns[0].again(after=patterns[1], by="k", gap=days(1), within=days(1)),
    ]
    for signal in made:
        values = why(signal.present(), KNOWN, NOW).because.values
        for language, begins in (("en", "Is the "), ("de", r"Ist (der|die|das) ")):
            told = explain_text("rules.is.present", values, language)
            assert re.match(begins, told), "in words, not by its own name"
            assert str(values["signal"]) not in told
    newer: dict[str, JsonValue] = {"signal": "pulse_1", "counted": {"word": "pulse", "of": ["x"]}}
    assert (
        explain_text("rules.is.missing", newer, "en") == "Is pulse (x) not known? It is not known."
    )
    odd: dict[str, JsonValue] = {"signal": "pulse_1", "counted": {"word": "pulse"}}
    assert explain_text("rules.is.missing", odd, "en") == "Is pulse () not known? It is not known."


def test_two_signals_and_what_would_have_to_change_are_told_in_words_too() -> None:
    """The second signal of a comparison, and the first in the change."""
    used, before = event("used").count(days(7)), event("used").count(days(30))
    known = readings({s.name: s for s in (used, before)}, {used.name: 2, before.name: 9}, at=NOW)
    lines = why_not_lines(why_not(used > before, known, NOW), "en")

    assert lines[0] == (
        "Is the number of events (used, 7 days) above 1 \u00d7 "
        "the number of events (used, 30 days)? They are 2 and 9. [no]"
    )
    assert "It would be true if the number of events (used, 7 days) were 10; it is 2." in lines


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
