"""Tests in rule files that tell what happened: rules on the timeline, as the kit counts it."""

from __future__ import annotations

from typing import Any

import pytest

from retainkit.errors import InvalidInput
from retainkit.rules import Number, Rulebook, Signals, days, event, lint, read_rulebook, signals_of
from retainkit.schema import read_rules, rules_schema


class Customer(Signals):
    """A fact, and what is counted."""

    seats = Number()
    failures = event("payment.failed").count(days(30))


NOW = "now: 2026-11-01T09:00:00Z"

DECLARE = (
    "declare it under `signals:`, or in your class of Signals; what a condition counts by itself "
    "is told by `events:` of the test"
)

DUNNING = """\
segments:
  busy: {event: {name: report.made, at_least: 1, within: 28d}}
rules:
  - id: dunning
    when: {all: [{event: {name: payment.failed, at_least: 3, within: 7d}}, {segment: busy}]}
    tests:
"""


def a_file(*tests: str) -> str:
    """The rule with these tests."""
    return DUNNING + "".join(f"      - {{{test}, {NOW}}}\n" for test in tests)


def answers(book: Rulebook) -> list[str]:
    """Each trial that failed."""
    return [f"{trial.test.name}: {trial}" for trial in book.trials() if not trial.passed]


def failed(*ago: str) -> str:
    """Payments that failed so long ago, by a customer of two months who made a report."""
    told = [f"{{name: payment.failed, at: {each} ago}}" for each in ago]
    known = "{name: account.created, at: 60d ago}, {name: report.made, at: 2026-10-20T09:00:00Z}"
    return f"events: [{', '.join([known, *told])}]"


def test_a_rule_on_the_timeline_is_tested_by_what_happened() -> None:
    """Three failures within a week fire; two do not; of a new customer nobody knows."""
    book = read_rules(
        a_file(
            f"name: three, {failed('5d', '2d', '1h')}, expect: fires",
            f"name: one is too old, {failed('8d', '2d', '1h')}, expect: no",
            "name: nothing happened yet, events: [], expect: unknown",
        )
    )
    assert answers(book) == []
    assert lint(book) == []


def test_what_a_test_expects_otherwise_fails() -> None:
    """The events are really counted: the same ones do not fire and not fire."""
    book = read_rules(a_file(f"name: three, {failed('5d', '2d', '1h')}, expect: no"))
    assert answers(book) == ["three: expected no, got fires"]


def test_events_of_a_test_have_data_an_origin_and_a_zone() -> None:
    """What the kit takes for an event of this kind, the test does, too."""
    book = read_rules("""\
rules:
  - id: declined
    when: {event: {name: payment.failed, where: {reason: declined}, at_least: 1, within: 2d}}
    tests:
      - name: another reason, and an internal one
        events:
          - {name: account.created, at: 60d ago}
          - {name: payment.failed, at: 1h ago, data: {reason: fraud}}
          - {name: payment.failed, at: 1h ago, data: {reason: declined}, origin: internal}
        now: 2026-11-01T09:00:00Z
        expect: no
      - name: the day before yesterday by UTC, and yesterday in Auckland
        events:
          - {name: account.created, at: 60d ago}
          - {name: customer.zone_set, at: 50d ago, data: {zone: Pacific/Auckland}}
          - {name: payment.failed, at: 2026-10-30T11:30:00Z, data: {reason: declined}}
        now: 2026-11-01T09:00:00Z
        expect: fires
      - name: in UTC it is too old
        events:
          - {name: account.created, at: 60d ago}
          - {name: payment.failed, at: 2026-10-30T11:30:00Z, data: {reason: declined}}
        now: 2026-11-01T09:00:00Z
        expect: no
""")
    assert answers(book) == []


def test_facts_stand_beside_events_and_what_is_told_of_a_count_holds() -> None:
    """A share is computed of facts; a counted signal may be told outright, too."""
    book = read_rules(
        """\
rules:
  - id: used
    when:
      all:
        - computed: {share: {of: {event: {name: seat.used, within: 7d}}, whole: seats}, gte: 0.5}
        - failures: {gte: 1}
    tests:
      - name: half of the seats
        customer: {seats: {value: 4, at: 30d ago}, failures: 2}
        events:
          - {name: account.created, at: 60d ago}
          - {name: seat.used, at: 1d ago}
          - {name: seat.used, at: 2d ago}
        now: 2026-11-01T09:00:00Z
        expect: fires
      - name: failures are counted as well
        customer: {seats: 4}
        events:
          - {name: account.created, at: 60d ago}
          - {name: seat.used, at: 1d ago}
          - {name: seat.used, at: 2d ago}
        now: 2026-11-01T09:00:00Z
        expect: no
      - name: nobody knows how many seats they have
        customer: {failures: 2}
        events: [{name: account.created, at: 60d ago}, {name: seat.used, at: 1d ago}]
        now: 2026-11-01T09:00:00Z
        expect: unknown
""",
        Customer,
    )
    assert answers(book) == []


CASES: list[tuple[str, str, str, Any, str]] = [
    (
        "events: [{nmae: payment.failed, at: 1d ago}]",
        "nmae",
        "rules.unknown_word",
        "nmae",
        "did you mean 'name'?",
    ),
    (
        "events: [{name: 5, at: 1d ago}]",
        "name",
        "rules.event_name",
        5,
        "name it as the timeline does, such as payment.failed",
    ),
    (
        "events: [{name: payment.failed, at: in 5d}]",
        "at",
        "rules.instant",
        "in 5d",
        "write when, up to the test's now, such as `at: 3d ago`",
    ),
    (
        "events: [{name: payment.failed, at: 1d ago, data: {lost: 1.5}}]",
        "data",
        "json.float",
        1.5,
        "pass an int, or the decimal as text",
    ),
    (
        "events: [{name: payment.failed, at: 1d ago, data: all}]",
        "data",
        "rules.form",
        "str",
        "write names, each with what it is",
    ),
    (
        "events: [{name: payment.failed, at: 1d ago, origin: rael}]",
        "origin",
        "rules.choice",
        "rael",
        "did you mean 'real'?",
    ),
    (
        "events: [payment.failed]",
        "",
        "rules.form",
        "str",
        "write keys and values; the keys are name, at, data, origin",
    ),
    (
        "events: payment.failed",
        "events",
        "rules.form",
        "str",
        "write `- ` before each, or put them into [brackets]",
    ),
]


@pytest.mark.parametrize(("said", "word", "code", "value", "remedy"), CASES)
def test_an_event_that_can_not_have_happened_is_told_with_its_place(
    said: str, word: str, code: str, value: object, remedy: str
) -> None:
    """What, where, and the way out."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(a_file(f"{said}, expect: no"))
    assert (caught.value.code, caught.value.remedy) == (
        "rules.mistakes",
        "mend what each line names",
    )
    told: Any = caught.value.value
    mistake = next(each.mistake for each in told if each.mistake.code == code)
    assert mistake.place[:4] == ("rules", 0, "tests", 0)
    assert mistake.place[-1] == (word or 0)
    assert (mistake.value, mistake.remedy) == (value, remedy)


def test_a_condition_that_is_wrong_counts_nothing() -> None:
    """The mistake is told once, at the condition; its test adds none."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(
            f"rules: [{{id: a, when: {{evnt: 5}}, tests: [{{events: [], {NOW}, expect: no}}]}}]"
        )
    told: Any = caught.value.value
    assert [each.mistake.code for each in told] == ["rules.unknown_signal"]


def test_what_a_condition_counts_is_no_value_of_a_customer() -> None:
    """It has no name of its own: whoever looks it up is told where to say it."""
    when = event("payment.failed").at_least(3).within(days(7))
    (name,) = (signal.name for signal in signals_of(when))
    with pytest.raises(InvalidInput) as caught:
        read_rules(a_file(f"customer: {{{name}: 3}}, expect: fires"))
    told: Any = caught.value.value
    assert [(each.mistake.code, each.mistake.value, each.mistake.remedy) for each in told] == [
        (
            "rules.unknown_signal",
            name,
            DECLARE,
        )
    ]


def test_whoever_reads_a_document_says_who_counts() -> None:
    """Rules stand below what counts events, so that is passed."""
    asked = {"events": [], "now": "2026-11-01T09:00:00Z", "expect": "unknown"}
    when = {"event": {"name": "a", "at_least": 1, "within": "7d"}}
    with pytest.raises(InvalidInput) as caught:
        read_rulebook({"rules": [{"id": "a", "when": when, "tests": [asked]}]})
    told: Any = caught.value.value
    assert [(each.place, each.code, each.value, each.remedy) for each in told] == [
        (
            ("rules", 0, "tests", 0, "events"),
            "rules.form",
            0,
            "pass counting=retainkit.signals.read_timeline, as read_rules does",
        )
    ]


def test_an_editor_knows_the_events_of_a_test() -> None:
    """Their words are in the schema."""
    definitions: Any = rules_schema()["$defs"]
    items = definitions["test"]["properties"]["events"]["items"]
    assert sorted(items["properties"]) == ["at", "data", "name", "origin"]
    assert items["required"] == ["name", "at"]
    assert items["additionalProperties"] is False
