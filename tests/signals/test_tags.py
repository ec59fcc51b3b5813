"""What events are taken for by now: tests, samples, or real after all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.signals.stories import MONDAY, happened, learned

from retainkit.core import Event, EventState, JsonValue, Origin, RecordedEvent
from retainkit.rules import event
from retainkit.signals import RETAG_EVENT, Measures, as_tagged


DAY = timedelta(days=1)


def tagged(origin: JsonValue, ids: JsonValue, *, id: str) -> Event:
    """Somebody says where events come from."""
    return happened(RETAG_EVENT, MONDAY, {"events": ids, "origin": origin}, id=id)


def origins(*events: Event) -> dict[str, Origin]:
    """What each is taken for, by its id; what only says so aside."""
    found = as_tagged(learned(*events))
    return {each.id: each.origin for each in found if each.name != RETAG_EVENT}


def test_the_last_word_on_an_event_holds() -> None:
    """Of a rehearsal that was none after all; everything else says nothing about it."""
    event, other = happened("used", MONDAY - DAY, id="a"), happened("used", MONDAY, id="b")
    test = tagged("test", ["a"], id="t1")
    real = tagged("real", ["a", "unheard-of"], id="t2")
    assert origins(event, other) == {"a": Origin.REAL, "b": Origin.REAL}
    assert origins(event, other, test) == {"a": Origin.TEST, "b": Origin.REAL}
    assert origins(event, test, real, other) == {"a": Origin.REAL, "b": Origin.REAL}


def test_what_was_said_before_an_event_is_not_about_it() -> None:
    """An id that somebody wrote down wrongly does not lie in wait for who bears it later."""
    assert origins(tagged("test", ["a"], id="t"), happened("used", MONDAY, id="a")) == {
        "a": Origin.REAL
    }


@pytest.mark.parametrize(
    ("origin", "ids"),
    [("tset", ["a"]), (5, ["a"]), (None, ["a"]), ("test", "a"), ("test", None)],
    ids=str,
)
def test_a_tag_that_says_nothing_changes_nothing(origin: JsonValue, ids: JsonValue) -> None:
    """What another program wrote on the timeline stops nobody who reads it."""
    used = happened("used", MONDAY, id="a")
    assert origins(used, tagged(origin, ids, id="t")) == {"a": Origin.REAL}
    measures = Measures({"used": event("used").count(DAY)})
    buckets = measures.recount(learned(used, tagged(origin, ids, id="t")))
    assert measures.read(buckets, MONDAY).known("used", MONDAY) == 1


def test_what_waits_for_a_person_is_not_told() -> None:
    """Nor what came with the id of another event."""
    history = [
        RecordedEvent(
            event=happened("used", MONDAY, id=state.value),
            sequence=number,
            recorded_at=MONDAY,
            state=state,
        )
        for number, state in enumerate(EventState)
    ]
    assert [each.id for each in as_tagged(history)] == ["accepted"]
