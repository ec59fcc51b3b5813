"""The tree as data, for hashes, files and other languages; reading it is in ``_reading``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import assert_never

from retainkit.core import JsonObject, JsonValue, content_hash
from retainkit.errors import InvalidInput
from retainkit.money import Money, money, to_json
from retainkit.rules._computing import signal_of
from retainkit.rules._declared import Signal, Threshold, Value
from retainkit.rules._events import is_anonymous
from retainkit.rules._tree import (
    Ago,
    Ahead,
    AllOf,
    Amounts,
    AnyOf,
    AtLeast,
    Between,
    Compare,
    CompareSignals,
    Condition,
    InSegment,
    Missing,
    Not,
    OneOf,
    Present,
    TextMatch,
    closed,
    signals_of,
    walk,
)
from retainkit.rules._windows import written


_AS_THEY_ARE = (bool, int, str)


def condition_data(condition: Condition) -> JsonObject:
    """
    The condition as data without floats: what files, hashes and other languages hold.

    A number with decimals is its shortest text; amounts are tables of texts by currency; lengths
    are texts such as ``14d``; instants are ISO 8601 in UTC.
    """
    node = closed(condition)
    match node:
        case AllOf():
            return {"all": [condition_data(item) for item in node.items]}
        case AnyOf():
            return {"any": [condition_data(item) for item in node.items]}
        case AtLeast():
            items = [condition_data(item) for item in node.items]
            return {"at_least": {"count": node.count, "of": items}}
        case Not():
            return {"not": condition_data(node.item)}
        case InSegment():
            return {"segment": node.name}
        case CompareSignals():
            return _of(node.left, {node.op.value: _other(node)})
        case _:
            return _of(node.signal, _said(node))


def _said(
    node: Compare | OneOf | Between | TextMatch | Ago | Ahead | Present | Missing,
) -> dict[str, JsonValue]:
    """The word of a comparison, and what is compared with."""
    match node:
        case Compare():
            return {node.op.value: plain(node.value)}
        case OneOf():
            return {"in": [plain(value) for value in node.values]}
        case Between():
            return {"between": [plain(node.low), plain(node.high)]}
        case TextMatch():
            return {node.part.value: node.text}
        case Ago():
            return {f"{node.than}_than_ago": written(node.length)}
        case Ahead():
            return {f"{node.than}_than_ahead": written(node.length)}
        case Present():
            return {"present": True}
        case Missing():
            return {"missing": True}
        case _:
            assert_never(node)


def _of(signal: Signal, said: dict[str, JsonValue]) -> JsonObject:
    """What is said of a signal: by its name, or by what an anonymous one is computed from."""
    if signal.derivation is None or not is_anonymous(signal):
        return {signal.name: said}
    ((word, made),) = signal.derivation.to_json().items()
    unit, usual = (_unit(each) for each in (signal, signal_of(signal.derivation)))
    counting: dict[str, JsonValue] = {} if unit == usual else {"unit": unit}
    return {word: {**(made if isinstance(made, Mapping) else {}), **counting, **said}}


def _unit(signal: Signal) -> JsonValue:
    return signal.traits().get("unit", "")


def signal_data(signal: Signal) -> JsonObject:
    """What a signal means: kind, unit, freshness, derivation; not what is written about it."""
    return {
        "kind": signal.kind.value,
        **signal.traits(),
        **({} if signal.fresh_for is None else {"fresh_for": written(signal.fresh_for)}),
        **({} if signal.derivation is None else {"of": signal.derivation.to_json()}),
    }


def version(condition: Condition, segments: Mapping[str, Condition] | None = None) -> str:
    """
    The name of a condition's meaning: the same tree over the same signals, the same 32 digits.

    The order of items in ``all``, ``any`` and ``at_least`` does not count, nor what is written
    about signals.

    Args:
        condition: The condition.

        segments: The segments that it names count with their content, those they name, too.

    Raises:
        InvalidInput: ``json.text`` for a text with half of a character.
    """
    try:
        return _version(condition, segments or {})
    except UnicodeEncodeError as exc:
        raise InvalidInput(
            "A condition with half of a character has no version",
            code="json.text",
            field="condition",
            value=ascii(str(exc.object)[exc.start : exc.end]),
            remedy="decode the bytes that it came from as what they are",
        ) from exc


def _version(condition: Condition, known: Mapping[str, Condition]) -> str:
    parts: dict[str, JsonValue] = {}
    _add_segments(condition, known, parts)
    signals = {signal.name: signal_data(signal) for signal in signals_of(condition, known)}
    return content_hash(
        {"when": _sorted(condition_data(condition)), "segments": parts, "signals": signals}
    )


def plain(value: Value | Threshold) -> JsonValue:
    """A value or a threshold as data."""
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Amounts):
        return dict(_written_amounts(value))
    if isinstance(value, Money):
        return to_json(value)
    if isinstance(value, timedelta):
        return _length(value)
    return repr(value)


@lru_cache(maxsize=4096)
def _written_amounts(table: Amounts) -> tuple[tuple[str, str], ...]:
    """Kept: thresholds are few, and told with each reason."""
    return tuple((code, to_json(money(limit, code))["amount"]) for code, limit in table.table)


def _length(value: timedelta) -> str:
    if value > timedelta(0) and not value % timedelta(seconds=1):
        return written(value)
    seconds = Decimal(value // timedelta(microseconds=1)).scaleb(-6)
    return f"{seconds.normalize():f}s"


def _other(node: CompareSignals) -> JsonObject:
    named = _of(node.right, {})
    other: JsonObject = named if node.right.name not in named else {"signal": node.right.name}
    if node.factor == 1:
        return other
    factor = str(node.factor) if isinstance(node.factor, Fraction) else plain(node.factor)
    return {**other, "times": factor}


def _add_segments(
    condition: Condition, segments: Mapping[str, Condition], parts: dict[str, JsonValue]
) -> None:
    for part in walk(condition):
        if isinstance(part, InSegment) and part.name in segments and part.name not in parts:
            parts[part.name] = _sorted(condition_data(segments[part.name]))
            _add_segments(segments[part.name], segments, parts)


def _sorted(data: JsonValue) -> JsonObject:
    """The same with the items of combinations in an order of their own."""
    match data:
        case {"all": [*items]}:
            return {"all": _ordered(items)}
        case {"any": [*items]}:
            return {"any": _ordered(items)}
        case {"at_least": {"count": count, "of": [*items]}}:
            return {"at_least": {"count": count, "of": _ordered(items)}}
        case {"not": item}:
            return {"not": _sorted(item)}
        case _:
            return data if isinstance(data, Mapping) else {}


def _ordered(items: Iterable[JsonValue]) -> list[JsonObject]:
    return sorted((_sorted(item) for item in items), key=content_hash)
