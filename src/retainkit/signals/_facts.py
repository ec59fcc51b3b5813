"""Facts that the host sets, as data of the event ``signals.set``; nothing is computed here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import isnan
from typing import cast

from retainkit.core import Bucket, JsonObject, JsonValue, dumps
from retainkit.errors import InvalidInput
from retainkit.ids import EventId
from retainkit.money import Money, money, to_json
from retainkit.rules import Kind, Reading, Signal, Value, readings
from retainkit.timing import from_micros


FACT_EVENT = "signals.set"
_FACT = "fact:"
_CORRECTION = re.compile(r"~(\d{6})-")
_MOST_DIGITS = 20


def fact_metric(name: str) -> str:
    """What the latest value of a fact is counted under."""
    return f"{_FACT}{name}"


def fact_data(
    signals: Mapping[str, Signal], values: Mapping[str, object], source: str | None = None
) -> JsonObject:
    """The data of a ``signals.set``, checked."""
    for name, value in values.items():
        signal = signals.get(name)
        if signal is not None and signal.derivation is not None:
            raise InvalidInput(
                f"The signal {name} is computed of the timeline, so nobody sets it",
                code="signals.computed",
                field=name,
                value=name,
                remedy="record the events that it counts, or declare a signal of another name",
            )
        if signal is not None and isinstance(value, float) and isnan(value):
            raise InvalidInput(
                "NaN is no value of a fact",
                code="rules.not_finite",
                field=name,
                value="nan",
                remedy="leave out what is not known; None says that it is not known any more",
            )
    told = readings(signals, values, at=_SOME_TIME)
    facts: dict[str, JsonValue] = {}
    for name, reading in told:
        facts[name] = None if reading.value is None else _data(reading.value)
    return {"signals": facts, **({} if source is None else {"source": source})}


def fact_told(value: JsonValue, source: JsonValue = None) -> JsonObject:
    """What a bucket keeps of a fact."""
    return {"value": value} if source is None else {"value": value, "source": source}


def telling(buckets: Iterable[Bucket], data: JsonObject, at: int) -> int:
    """
    How often something else was told of these facts as of the same instant.

    Args:
        buckets: Those of the facts, as they are known so far.

        data: Of the ``signals.set`` that is to be told.

        at: As of when it is true, in microseconds since 1970.
    """
    told, source = cast("JsonObject", data["signals"]), data.get("source")
    count = 0
    for bucket in buckets:
        name = bucket.metric.removeprefix(_FACT)
        if bucket.last != at or name not in told or bucket.metric == name:
            continue
        found = _CORRECTION.match(bucket.last_id)
        before = 0 if found is None else int(found.group(1))
        is_other = dumps(bucket.value) != dumps(fact_told(told[name], source))
        count = max(count, before + is_other)
    return count


def fact_id(content: str, times: int) -> EventId:
    """
    The id of a ``signals.set``: of its content, and after those that it corrects.

    Of two facts of one instant the greater id holds; so one that contradicts what was told before
    gets an id that is greater than those of all contents.
    """
    return EventId(f"~{times:06d}-{content}" if times else content)


def fact_of(signal: Signal, bucket: Bucket) -> Reading | None:
    """The fact that a bucket keeps; None when it is no value of the signal as declared now."""
    kept = cast("JsonObject", bucket.value)  # as `fact_told` makes it
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
