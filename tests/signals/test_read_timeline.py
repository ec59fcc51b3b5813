"""What a whole timeline makes known, for whoever tests rules: counted as a kit counts it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.signals.stories import MONDAY, Facts, happened

from retainkit.errors import InvalidInput
from retainkit.rules import Number, Reading, Signals, days, event, hours, readings, share
from retainkit.signals import read_timeline


class Seats(Signals):
    """Facts, a count, and a share of both."""

    paid = Number(unit="seats", source="crm")
    active = event("used").distinct("user").count(days(5)).counting("seats")
    breadth = share(active, of=paid)


def test_events_are_counted_beside_the_facts_that_are_given() -> None:
    """The earliest event tells since when the customer is there; a fact has its own time."""
    known = readings(Seats, {"paid": Reading(value=4, at=MONDAY - days(3))})
    used = [happened("used", MONDAY - hours(n), {"user": f"u{n}"}) for n in range(3)]
    found = read_timeline(Seats, known, used, MONDAY)
    assert {name: found.known(name, MONDAY) for name in ("paid", "active", "breadth")} == {
        "paid": 4,
        "active": 3,
        "breadth": 0.75,
    }
    assert found.of("paid") == Reading(value=4, at=MONDAY - days(3), source="crm")
    assert found.believed_until("active") == MONDAY + timedelta(hours=12)


def test_facts_of_the_timeline_are_read_too() -> None:
    """The later one holds, whether it is given or told by an event."""
    told = happened("signals.set", MONDAY - days(2), {"signals": {"paid": 9}})
    assert read_timeline(Seats, readings(Seats, {}), [told], MONDAY).known("paid", MONDAY) == 9
    given = readings(Seats, {"paid": 4}, at=MONDAY)
    assert read_timeline(Seats, given, [told], MONDAY).known("paid", MONDAY) == 4


def test_what_is_given_of_a_count_holds() -> None:
    """So that a test can say how many, without an event for each."""
    given = readings(Seats, {"active": 7}, at=MONDAY)
    found = read_timeline(Seats, given, [happened("used", MONDAY, {"user": "u"})], MONDAY)
    assert found.known("active", MONDAY) == 7


def test_of_nobody_nothing_is_known() -> None:
    """No event and no fact: no zero either."""
    found = read_timeline(Facts, readings(Facts, {}), [], MONDAY)
    assert [name for name, reading in found if reading.value is not None] == []


def test_a_share_of_what_is_not_declared_is_refused() -> None:
    """As in a kit."""
    lost = share(Seats.active, of=Seats.paid)
    with pytest.raises(InvalidInput) as caught:
        read_timeline({"lost": lost}, readings({"lost": lost}, {}), [], MONDAY)
    assert (caught.value.code, caught.value.field) == ("rules.unknown_signal", "lost")
    assert (caught.value.value, caught.value.remedy) == (
        "paid",
        "declare it in your class of Signals",
    )


def test_what_is_known_of_a_signal_that_is_not_declared_is_refused() -> None:
    """With the nearest one: the readings are of another class, or of an older one."""
    known = readings({"payed": Number(name="payed")}, {"payed": 4}, at=MONDAY)
    with pytest.raises(InvalidInput) as caught:
        read_timeline(Seats, known, [], MONDAY)
    assert (caught.value.code, caught.value.field) == ("rules.unknown_signal", "payed")
    assert (caught.value.value, caught.value.remedy) == ("payed", "did you mean 'paid'?")
