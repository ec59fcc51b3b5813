"""Tests of rules as documents tell them: customer, events, answer; rules are in ``_document``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias, cast

from retainkit.core import Event, Origin
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId
from retainkit.rules._checked import event_name
from retainkit.rules._declared import Kind, Signal
from retainkit.rules._deriving import DECLARE
from retainkit.rules._mistakes import Place
from retainkit.rules._operands import cash, operand, told_from, told_instant
from retainkit.rules._reading import ConditionReader
from retainkit.rules._readings import Reading, Readings, named, readings
from retainkit.rules._rule import RuleTest, choice
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant


Count: TypeAlias = "Callable[[Readings, list[Event], datetime], Readings]"

_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)

_TOLD = f"{DECLARE}; what a condition counts by itself is told by `events:` of the test"
_TEST_WORDS = ("name", "customer", "events", "now", "expect")
_EVENT_WORDS = ("name", "at", "data", "origin")
_READING_WORDS = ("value", "at", "source", "until")
_EXPECT = {"fires": Truth.TRUE, "no": Truth.FALSE, "unknown": Truth.UNKNOWN}


def read_test(reader: ConditionReader, said: object, place: Place, count: Count) -> RuleTest | None:
    """
    The test that is told so, or None and a mistake; inside this room only.

    Args:
        reader: Of the document.

        said: The test.

        place: Where it stands.

        count: What is known of a customer with these facts and events, at an instant.
    """
    data = reader.keys(said, place, _TEST_WORDS)
    if not isinstance(said, Mapping):
        return None
    at = reader.made((*place, "now"), lambda: instant(told_instant(data.get("now"))))
    expect = _EXPECT.get("no" if data.get("expect") is False else str(data.get("expect")))
    if expect is None:
        reader.wrong(
            (*place, "expect") if "expect" in data else place,
            "A test expects an answer",
            "rules.expect",
            data.get("expect"),
            "write `expect: fires`, `expect: no` or `expect: unknown`",
        )
    # Without its time, the customer is looked at all the same: for mistakes.
    customer = data.get("customer", {})
    known = _known(reader, customer, at or _SOME_DAY, (*place, "customer"))
    inside = (*place, "events")
    events = _events(reader, data.get("events", []), at or _SOME_DAY, inside)
    if at is None or expect is None or known is None or events is None:
        return None
    found = reader.made(inside, lambda: count(known, events, at)) if "events" in data else known
    if found is None:
        return None
    name = reader.text(data, "name", place) or ""
    return RuleTest(name=name, known=found, at=at, expect=expect)


def _known(reader: ConditionReader, said: object, at: datetime, place: Place) -> Readings | None:
    values: dict[str, object] = {}
    before = len(reader.mistakes)
    if not isinstance(said, Mapping):
        reader.keys(said, place, ())
        return None
    for key, value in said.items():
        name, inside = str(key), (*place, str(key))
        if name in reader.wrong_signals:
            continue
        signal = reader.signals.get(name)
        if signal is None:
            reader.made(inside, lambda name=name: named(reader.signals, name, name, _TOLD))  # type: ignore[misc] # bound now
            continue
        found = _reading(reader, signal, value, at, inside)
        if found is not None:
            values[name] = found
    if len(reader.mistakes) > before:
        return None
    return reader.made(place, lambda: readings(reader.signals, values))


def _events(
    reader: ConditionReader, said: object, at: datetime, place: Place
) -> list[Event] | None:
    before = len(reader.mistakes)
    listed = reader.listed(said, place)
    found = [_event(reader, each, at, (*place, i)) for i, each in enumerate(listed)]
    return None if len(reader.mistakes) > before else [event for event in found if event]


def _event(reader: ConditionReader, said: object, at: datetime, place: Place) -> Event | None:
    data = reader.keys(said, place, _EVENT_WORDS)
    if not isinstance(said, Mapping):
        return None
    happened = reader.made((*place, "at"), lambda: _happened(data.get("at"), at))
    inside = data.get("data", {})
    if not isinstance(inside, Mapping):
        reader.keys(inside, (*place, "data"), ())
        return None

    def make() -> Event:
        return Event(
            id=EventId(f"{place[-1]:06}"),
            name=event_name(cast("str", data.get("name"))),  # checked there
            customer=CustomerId("known"),
            occurred_at=happened or at,
            data={str(key): value for key, value in inside.items()},
            origin=choice(Origin, data.get("origin", "real"), "origin"),
        )

    def where(field: str) -> Place:
        word = field.partition(".")[0]
        return (*place, word) if word in data else place

    return reader.made(place, make, where)


def _happened(said: object, at: datetime) -> datetime:
    found = told_from(said, at)
    if found <= at:
        return found
    raise InvalidInput(
        "An event of a test has happened",
        code="rules.instant",
        field="at",
        value=str(said),
        remedy="write when, up to the test's now, such as `at: 3d ago`",
    )


def _reading(
    reader: ConditionReader, signal: Signal, said: object, at: datetime, place: Place
) -> Reading | None:
    data: Mapping[str, object] = {"value": said}
    if isinstance(said, Mapping) and "value" in said:
        data = reader.keys(said, place, _READING_WORDS)

    def make() -> Reading:
        raw = data.get("value")
        value = None if raw is None else signal.value(_value(signal, raw, at), signal.name)
        until = data.get("until")
        return Reading(
            value=value,
            at=told_from(data["at"], at) if "at" in data else at,
            source=reader.text(data, "source", place),
            until=None if until is None else told_from(until, at),
        )

    return reader.made(place, make)


def _value(signal: Signal, raw: object, at: datetime) -> object:
    if signal.kind is Kind.AMOUNT:
        return cash(signal, raw)
    if signal.kind is Kind.TIME and isinstance(raw, str):
        return told_from(raw, at)
    return operand(signal, raw)
