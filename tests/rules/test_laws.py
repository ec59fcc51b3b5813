"""Laws of rules over random trees and random customers with missing and stale values."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import cast

import pytest
from tests.rules.worlds import NOW, SEGMENTS, SIGNALS, customer, tree

from retainkit.core import dumps, loads
from retainkit.errors import InvalidInput
from retainkit.rules import (
    Mistake,
    Number,
    Truth,
    compiled,
    condition_data,
    days,
    event,
    next_flip,
    read_condition,
    readings,
    truth_of,
    version,
    why,
    why_not,
)
from retainkit.rules._readings import changed


def test_closures_agree_with_the_naive_interpreter() -> None:
    """Two ways to ask give one answer, in 5,000 cases, all three answers among them."""
    chance = Random(1)
    seen = dict.fromkeys(Truth, 0)
    for _ in range(500):
        condition = tree(chance, with_segments=True)
        asked = compiled({"rule": condition}, segments=SEGMENTS)
        for _ in range(10):
            known = customer(chance)
            at = NOW + timedelta(hours=chance.randint(0, 200))
            explained = why(condition, known, at, segments=SEGMENTS)
            assert asked.truths(known, at)["rule"] is explained.truth, (condition, known)
            seen[explained.truth] += 1
    assert min(seen.values()) > 500


def test_nothing_changes_before_the_next_flip() -> None:
    """Between now and then time alone changes nothing, in 2,000 cases; and then it often does."""
    chance = Random(2)
    flips = flipped = 0
    for _ in range(2_000):
        condition, known = tree(chance), customer(chance)
        asked = compiled({"rule": condition})
        now = NOW + timedelta(minutes=chance.randint(0, 10_000))
        before = asked.truths(known, now)["rule"]
        flip = next_flip(condition, known, now)
        if flip is None:
            last = NOW + timedelta(days=4_000)
        else:
            assert flip > now
            flips += 1
            flipped += asked.truths(known, flip)["rule"] is not before
            last = flip - timedelta(microseconds=1)
        between = [now + (last - now) * chance.random() for _ in range(5)]
        for at in (*between, last):
            assert asked.truths(known, max(at, now))["rule"] is before, (condition, known, at)
    assert flips > 400
    assert flipped > flips * 0.5  # at the others a reading ends, and is to be read again


def test_what_one_signal_rules_out_is_false_for_good() -> None:
    """Whatever else is known, and however long; in 4,000 cases it often is, and never in vain."""
    chance = Random(5)
    found = 0
    for _ in range(4_000):
        condition, known = tree(chance, with_segments=True), customer(chance)
        asked = compiled({"rule": condition}, segments=SEGMENTS)
        news = chance.choice(tuple(asked.readers))
        alone = {name: reading for name, reading in known if name == news}
        out = asked.ruled_out((news, "unheard_of"), readings(SIGNALS, alone), NOW, only=("rule",))
        assert out <= {"rule"}
        if out:
            found += 1
            assert asked.truths(known, NOW)["rule"] is Truth.FALSE, (condition, known, news)
            assert asked.next_flip("rule", known, NOW) is None, (condition, known, news)
        assert not asked.ruled_out((news,), readings(SIGNALS, alone), NOW, only=())
    assert found > 200


def test_the_smallest_change_makes_it_true() -> None:
    """What is proposed was not promised in vain; and for most conditions something is found."""
    chance = Random(3)
    asked = found = 0
    for _ in range(300):
        condition, known = tree(chance), customer(chance)
        answer = why_not(condition, known, NOW)
        if answer.explained.truth is Truth.TRUE:
            assert answer.changes == ()
            continue
        asked += 1
        found += bool(answer.changes)
        if answer.changes:
            values = {change.signal: change.to for change in answer.changes}
            assert truth_of(condition, changed(known, values), NOW) is Truth.TRUE
        if answer.by_time is not None:
            assert truth_of(condition, known, answer.by_time) is Truth.TRUE
    assert asked > 100
    assert found > asked * 0.9


def test_data_keep_the_unit_that_a_condition_gives() -> None:
    """So what is compared in seats is compared in seats when it is read back."""
    paid = Number(name="paid", unit="seats")
    active = event("used").distinct("user").count(days(28)).counting("seats")
    conditions = (
        active >= paid * 0.5,
        paid > active,
        active >= 3,
        event("used").active_days(days(7)).counting("seats") < paid,
        paid > event("used").sum("people", days(7)).counting("seats"),
    )
    for condition in conditions:
        data = loads(dumps(condition_data(condition)))
        again = read_condition(data, {"paid": paid})
        assert condition_data(again) == data
        assert version(again) == version(condition)
    assert "unit" not in dumps(condition_data(event("used").active_days(days(7)) > 3))


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"event": {"name": "used", "within": "7d", "unit": 3, "gte": 1}}, 3),
        ({"computed": {"last": {"event": "used"}, "unit": "seats", "present": True}}, "seats"),
    ],
)
def test_only_a_number_has_a_unit(said: dict[str, object], value: object) -> None:
    """And a unit is a text; the place is told."""
    with pytest.raises(InvalidInput) as refused:
        read_condition(said, SIGNALS)
    (mistake,) = cast("tuple[Mistake, ...]", refused.value.value)
    assert (mistake.place[-1], mistake.code, mistake.value) == ("unit", "rules.unit", value)
    assert mistake.remedy == "leave it out, or write what is counted: `unit: seats`"


def test_data_read_back_is_the_same_tree() -> None:
    """What is written for files and other languages loses nothing."""
    chance = Random(4)
    for _ in range(500):
        condition = tree(chance, with_segments=True)
        data = loads(dumps(condition_data(condition)))
        again = read_condition(data, SIGNALS, segments=SEGMENTS)
        assert again == condition
        assert version(again, SEGMENTS) == version(condition, SEGMENTS)
