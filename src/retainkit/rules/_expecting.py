"""Tests of rules as documents tell them: customer, time, answer; rules are in ``_document``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from retainkit.rules._declared import Kind, Signal
from retainkit.rules._deriving import SignalReader
from retainkit.rules._mistakes import Place
from retainkit.rules._operands import cash, operand, told_from, told_instant
from retainkit.rules._readings import Reading, Readings, readings
from retainkit.rules._rule import RuleTest
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant


_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)

_TEST_WORDS = ("name", "customer", "now", "expect")
_READING_WORDS = ("value", "at", "source", "until")
_EXPECT = {"fires": Truth.TRUE, "no": Truth.FALSE, "unknown": Truth.UNKNOWN}


def read_test(reader: SignalReader, said: object, place: Place) -> RuleTest | None:
    """The test that is told so, or None and a mistake; inside this room only."""
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
    if at is None or expect is None or known is None:
        return None
    return RuleTest(name=str(data.get("name", "")), known=known, at=at, expect=expect)


def _known(reader: SignalReader, said: object, at: datetime, place: Place) -> Readings | None:
    values: dict[str, object] = {}
    before = len(reader.mistakes)
    if not isinstance(said, Mapping):
        reader.keys(said, place, ())
        return None
    for key, value in said.items():
        name, inside = str(key), (*place, str(key))
        signal = reader.signals.get(name)
        if signal is None:
            reader.signal(name, inside)
            continue
        found = _reading(reader, signal, value, at, inside)
        if found is not None:
            values[name] = found
    if len(reader.mistakes) > before:
        return None
    return reader.made(place, lambda: readings(reader.signals, values))


def _reading(
    reader: SignalReader, signal: Signal, said: object, at: datetime, place: Place
) -> Reading | None:
    data: Mapping[str, object] = {"value": said}
    if isinstance(said, Mapping) and "value" in said:
        data = reader.keys(said, place, _READING_WORDS)

    def make() -> Reading:
        raw = data.get("value")
        value = None if raw is None else signal.value(_value(signal, raw, at), signal.name)
        source = data.get("source")
        until = data.get("until")
        return Reading(
            value=value,
            at=told_from(data["at"], at) if "at" in data else at,
            source=None if source is None else str(source),
            until=None if until is None else told_from(until, at),
        )

    return reader.made(place, make)


def _value(signal: Signal, raw: object, at: datetime) -> object:
    if signal.kind is Kind.AMOUNT:
        return cash(signal, raw)
    if signal.kind is Kind.TIME and isinstance(raw, str):
        return told_from(raw, at)
    return operand(signal, raw)
