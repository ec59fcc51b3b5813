"""Facts that the host sets: checked, kept as they were told, and of two the later one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.signals.stories import MONDAY, Facts, happened

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.money import money
from retainkit.rules import Number, Reading, days, hours
from retainkit.signals import Measures


def test_facts_come_back_as_they_were_set() -> None:
    """Each kind, exactly; with the time and the source; the latest one holds."""
    measures = Measures(Facts)
    given: Mapping[str, object] = {
        "seats": 3,
        "share": 0.1,
        "mrr": money("499.90", "EUR"),
        "paying": False,
        "plan": "team",
        "renews_at": datetime(2026, 12, 31, 23, tzinfo=UTC),
        "response": timedelta(hours=1, microseconds=5),
    }
    first = happened("signals.set", MONDAY, measures.facts(given))
    later = happened("signals.set", MONDAY + days(1), measures.facts({"seats": 4}, "import"))
    now = MONDAY + days(2)
    known = measures.read(measures.count([later, first], {}), now)
    assert {name: known.known(name, now) for name in given} == {**given, "seats": 4}
    assert known.of("seats") == Reading(value=4, at=MONDAY + days(1), source="import")
    assert known.of("mrr") == Reading(value=money("499.90", "EUR"), at=MONDAY)


def test_a_fact_can_be_known_no_more() -> None:
    """None says that it was looked for and is not there."""
    measures = Measures(Facts)
    events = [
        happened("signals.set", MONDAY, measures.facts({"seats": 4})),
        happened("signals.set", MONDAY + hours(1), measures.facts({"seats": None})),
    ]
    known = measures.read(measures.count(events, {}), MONDAY + days(1))
    assert known.of("seats") == Reading(value=None, at=MONDAY + hours(1), source="crm")


@pytest.mark.parametrize(
    ("values", "code", "field", "remedy"),
    [
        ({"seat": 3}, "rules.unknown_signal", "seat", "did you mean 'seats'?"),
        ({"seats": "three"}, "rules.value_type", "seats", "pass an int or a float"),
        (
            {"plan": "tem"},
            "rules.not_a_choice",
            "plan",
            "did you mean 'team'? use one of free, team",
        ),
        (
            {"mrr": money("5", "USD")},
            "rules.currency",
            "mrr",
            "convert it before, at a rate you can show, or declare no currency",
        ),
        (
            {"seats": 3, "share": float("nan")},
            "rules.not_finite",
            "share",
            "leave out what is not known; None says that it is not known any more",
        ),
        (
            {"logins": 3},
            "signals.computed",
            "logins",
            "record the events that it counts, or declare a signal of another name",
        ),
    ],
)
def test_a_fact_that_can_not_be_one_is_refused(
    values: dict[str, object], code: str, field: str, remedy: str
) -> None:
    """With the signal's name, and the nearest one."""
    with pytest.raises(InvalidInput) as caught:
        Measures(Facts).facts(values)
    assert (caught.value.code, caught.value.field, caught.value.remedy) == (code, field, remedy)


# ------------------------------------------------------------------------------------ one instant


def told(measures: Measures, values: Mapping[str, object], known: Sequence[Event]) -> Event:
    """Facts as of Monday, told when these are known."""
    data = measures.facts(values)
    id = measures.fact_id(f"{data}", data, MONDAY, measures.count(known, {}))
    return happened("signals.set", MONDAY, data, id=id)


def test_a_fact_without_a_class_is_refused_by_the_name_it_stands_under() -> None:
    """Whatever the signal is called itself."""
    with pytest.raises(InvalidInput) as caught:
        Measures({"seats": Number()}).facts({"seats": "many"})
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.value_type", "seats", "many")
    assert error.remedy == "pass an int or a float"


def test_of_two_facts_of_one_instant_the_one_told_later_holds() -> None:
    """However often somebody changes its mind, and in whatever order they are counted."""
    measures = Measures(Facts)
    events: list[Event] = []
    for seats in (9, 5, 7, 5):
        events.append(told(measures, {"seats": seats}, events))
        for order in (events, events[::-1]):
            known = measures.read(measures.count(order, {}), MONDAY)
            assert known.known("seats", MONDAY) == seats
    assert len({event.id for event in events}) == 4


def test_facts_told_again_are_the_same_event() -> None:
    """As they hold by now, corrected or not; facts of other names and times contradict nothing."""
    measures = Measures(Facts)
    first = told(measures, {"seats": 9}, [])
    assert told(measures, {"seats": 9}, [first]).id == first.id
    second = told(measures, {"seats": 5}, [first])
    assert told(measures, {"seats": 5}, [first, second]).id == second.id
    others = [
        happened("signals.set", MONDAY - hours(1), {"signals": {"seats": 1}}),
        happened("signals.set", MONDAY, measures.facts({"share": 0.5})),
        happened("login", MONDAY),
    ]
    assert told(measures, {"seats": 9}, others).id == first.id


def test_another_source_is_another_fact() -> None:
    """What the support said is not confirmed by an import of the same time, but replaced."""
    measures = Measures(Facts)
    first = happened("signals.set", MONDAY, measures.facts({"seats": 9}, "support"), id="a")
    second = told(measures, {"seats": 9}, [first])
    known = measures.read(measures.count([second, first], {}), MONDAY)
    assert known.of("seats") == Reading(value=9, at=MONDAY, source="crm")
