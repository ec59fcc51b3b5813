"""Facts that the host sets, as data of the event ``signals.set``; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from retainkit.core import Bucket, JsonObject, JsonValue
from retainkit.errors import InvalidInput
from retainkit.money import Money, money, to_json
from retainkit.rules import Kind, Reading, Signal, Value, readings
from retainkit.timing import from_micros


FACT_EVENT = "signals.set"
_FACT = "fact:"
_MOST_DIGITS = 20


def fact_metric(name: str) -> str:
    """What the latest value of a fact is counted under."""
    return f"{_FACT}{name}"


def fact_data(
    signals: Mapping[str, Signal], values: Mapping[str, object], source: str | None = None
) -> JsonObject:
    """The data of a ``signals.set``, checked."""
    for name in values:
        signal = signals.get(name)
        if signal is not None and signal.derivation is not None:
            raise InvalidInput(
                f"The signal {name} is computed of the timeline, so nobody sets it",
                code="signals.computed",
                field=name,
                value=name,
                remedy="record the events that it counts, or declare a signal of another name",
            )
    told = readings(signals, values, at=_SOME_TIME)
    facts: dict[str, JsonValue] = {}
    for name, reading in told:
        facts[name] = None if reading.value is None else _data(reading.value)
    return {"signals": facts, **({} if source is None else {"source": source})}


def fact_of(signal: Signal, bucket: Bucket) -> Reading | None:
    """The fact that a bucket keeps; None when it is no value of the signal as declared now."""
    kept = bucket.value
    if not isinstance(kept, Mapping):
        return None
    raw, source = kept.get("value"), kept.get("source")
    try:
        value = None if raw is None else signal.value(_value(signal.kind, raw), signal.name)
    except (InvalidInput, ValueError, ArithmeticError):
        return None
    return Reading(
        value=value,
        at=from_micros(bucket.last),
        source=source if isinstance(source, str) else None,
    )


def _data(value: Value) -> JsonValue:
    if isinstance(value, Money):
        return to_json(value)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(Decimal(value // timedelta(microseconds=1)).scaleb(-6))
    return repr(value)


def _value(kind: Kind, raw: JsonValue) -> object:
    if kind is Kind.AMOUNT and isinstance(raw, Mapping):
        return money(str(raw.get("amount")), str(raw.get("currency")))
    if not isinstance(raw, str):
        return raw
    match kind:
        case Kind.NUMBER:
            return float(raw)
        case Kind.TIME:
            return datetime.fromisoformat(raw)
        case Kind.DURATION:
            return _length(raw)
        case _:
            return raw


def _length(raw: str) -> timedelta:
    seconds = Decimal(raw)
    if not seconds.is_finite() or abs(seconds.adjusted()) > _MOST_DIGITS:
        raise ValueError(raw)  # before a number such as 1e999999999 is written out
    return timedelta(microseconds=int(Fraction(seconds) * 1_000_000))


_SOME_TIME = from_micros(0)
