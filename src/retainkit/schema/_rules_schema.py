"""The JSON Schema of rule files, for editors: which words there are, and what follows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from retainkit.core import Origin
from retainkit.rules import (
    Amount,
    Duration,
    Flag,
    Kind,
    Number,
    OncePer,
    RemedyKind,
    RuleStatus,
    Signal,
    Signals,
    Text,
    Time,
    conditions_on,
    declared,
    derivation_words,
)


Schema: TypeAlias = dict[str, object]

_LENGTH: Schema = {"type": "string", "pattern": r"^\d{1,12}(w|d|h|min|s)$"}
_MAX_PER = r"^\s*\d{1,6}\s*/\s*\d{1,12}(w|d|h|min|s)\s*$"
_NUMBER: Schema = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]"}]}
_AMOUNT: Schema = {
    "anyOf": [
        {"type": "integer"},
        {"type": "string", "pattern": r"^-?[0-9.]+( [A-Za-z]{3})?$"},
        {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Z]{3}$"},
            "additionalProperties": {"type": ["string", "integer"]},
            "minProperties": 1,
        },
    ]
}
_INSTANT: Schema = {"type": "string"}
_TEXT: Schema = {"type": "string", "minLength": 1}
_TRUE: Schema = {"const": True}
_CONDITION: Schema = {"$ref": "#/$defs/condition"}
_VALUES: Mapping[Kind, Schema] = {
    Kind.NUMBER: _NUMBER,
    Kind.AMOUNT: _AMOUNT,
    Kind.DURATION: {"anyOf": [_LENGTH, {"const": 0}]},
    Kind.TIME: _INSTANT,
    Kind.FLAG: {"type": "boolean"},
    Kind.TEXT: {"type": "string"},
}
_ORIGIN: Schema = {"enum": [origin.value for origin in Origin]}
_PATTERN: Schema = {
    "name": {"type": "string", "minLength": 1},
    "where": {
        "type": "object",
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
    },
    "or": {"type": "array", "items": {"type": "string"}},
    "but": {"type": "array", "items": {"type": "string", "pattern": r"^[^*]+(\.\*)?$"}},
    "origins": {"type": "array", "items": _ORIGIN},
}
_HAPPENED: Schema = {
    "name": _TEXT,
    "at": _INSTANT,
    "data": {"type": "object"},
    "origin": _ORIGIN,
}


def rules_schema(
    signals: type[Signals] | Mapping[str, Signal] | None = None,
) -> Mapping[str, object]:
    """
    The JSON Schema (2020-12) of rule files over these signals.

    An editor that knows it offers names and words, and underlines the rest. It is weaker than
    `read_rules`, which also knows currencies, contradictions and circles.

    Args:
        signals: Declared in Python. A file that declares signals of its own needs a schema without
            these, or with them.
    """
    known = dict(declared({} if signals is None else signals))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules",
        **closed(
            {
                "signals": {"type": "object", "additionalProperties": {"$ref": "#/$defs/signal"}},
                "segments": {"type": "object", "additionalProperties": _CONDITION},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
            }
        ),
        "$defs": {
            "condition": _condition(known.values()),
            "event": _event(),
            "computed": _computed(),
            "derived": _declared(),
            "signal": _signal(),
            "rule": _rule(known.values()),
            "test": _test(known),
        },
    }


def _rule(signals: Iterable[Signal]) -> Schema:
    return closed(
        {
            "id": {"type": "string", "minLength": 1},
            "when": _CONDITION,
            "doc": {"type": "string"},
            "group": {"type": "string"},
            "priority": {"type": "integer"},
            **dict.fromkeys(("for", "keep_for", "cooldown", "unknown_for"), _LENGTH),
            "clears_when": _CONDITION,
            "once_per": {"enum": [each.value for each in OncePer]},
            "term": _term(signals),
            "max_per": {"type": "string", "pattern": _MAX_PER},
            "status": {"enum": [each.value for each in RuleStatus]},
            "effective_from": _INSTANT,
            "effective_until": _INSTANT,
            "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
        },
        ("id", "when"),
    )


def _test(signals: Mapping[str, Signal]) -> Schema:
    return closed(
        {
            "name": {"type": "string"},
            "customer": _customer(signals),
            "events": {"type": "array", "items": closed(_HAPPENED, ("name", "at"))},
            "now": _INSTANT,
            "expect": {"enum": ["fires", "no", "unknown", False]},
        },
        ("now", "expect"),
    )


def _condition(signals: Iterable[Signal]) -> Schema:
    listed = {"type": "array", "items": _CONDITION, "minItems": 1}
    words: Schema = {
        "all": listed,
        "any": listed,
        "at_least": closed(
            {"count": {"type": "integer", "minimum": 1}, "of": listed}, ("count", "of")
        ),
        "not": _CONDITION,
        "segment": {"type": "string"},
        "event": {"$ref": "#/$defs/event"},
        "sequence": _sequence(),
        "computed": {"$ref": "#/$defs/computed"},
    }
    leaves: Schema = {signal.name: _leaf(signal) for signal in signals}
    schema: Schema = {"type": "object", "minProperties": 1, "maxProperties": 1}
    if not leaves:
        return {**schema, "properties": words}  # the file declares its own
    return {**schema, "properties": {**words, **leaves}, "additionalProperties": False}


def _leaf(signal: Signal) -> Schema:
    said = closed({word: _operand(signal, word) for word in conditions_on(signal)})
    said["minProperties"] = 1
    if signal.doc:
        said["description"] = signal.doc
    return {"anyOf": [said, _value(signal)]}


def _operand(signal: Signal, word: str) -> Schema:
    if word in {"present", "missing"}:
        return _TRUE
    if word.endswith(("_than_ago", "_than_ahead")):
        return _LENGTH
    if word in {"starts_with", "ends_with", "contains"}:
        return {"type": "string", "minLength": 1}
    value = _value(signal)
    if word == "in":
        return {"type": "array", "items": value, "minItems": 1}
    if word == "between":
        return {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
    other = closed(
        {
            "signal": {"type": "string"},
            "event": {"$ref": "#/$defs/event"},
            "computed": {"$ref": "#/$defs/computed"},
            "times": _NUMBER,
        }
    )
    return {"anyOf": [value, other]}


def _value(signal: Signal) -> Schema:
    if isinstance(signal, Text) and signal.choices:
        return {"enum": list(signal.choices)}
    return _VALUES[signal.kind]


def _term(signals: Iterable[Signal]) -> Schema:
    """The name of a time; any name where the file declares its own."""
    known = list(signals)
    times = [signal.name for signal in known if signal.kind is Kind.TIME]
    return {"enum": times} if known else {"type": "string"}


def _customer(signals: Mapping[str, Signal]) -> Schema:
    if not signals:
        return {"type": "object"}
    return closed(dict.fromkeys(signals, True))


def _event() -> Schema:
    counted = dict.fromkeys(("lt", "lte", "eq", "ne", "gte", "gt"), _NUMBER)
    return closed(
        {
            **_PATTERN,
            "same": {"type": "string"},
            "distinct": {"type": "string"},
            "within": _LENGTH,
            "at_least": {"type": "integer", "minimum": 1},
            "absent": _TRUE,
            "between": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
            "unit": {"type": "string"},
            **counted,
        },
        ("name", "within"),
    )


def _sequence() -> Schema:
    step = {"anyOf": [{"type": "string"}, closed(dict(_PATTERN), ("name",))]}
    return closed(
        {
            "of": {"type": "array", "items": step, "minItems": 2},
            "within": _LENGTH,
            "same": {"type": "string"},
            "strict": {"type": "boolean"},
            "eq": {"type": "boolean"},
        },
        ("of", "within"),
    )


def _signal() -> Schema:
    """A signal that the file declares: set by the host, or computed of the timeline."""
    remedy = {"kind": {"enum": [kind.value for kind in RemedyKind]}, "ref": _TEXT, "doc": _TEXT}
    return closed(
        {
            "kind": {"enum": [kind.value for kind in Kind]},
            "unit": _TEXT,
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "one_of": {"type": "array", "items": _TEXT},
            "missing": {"enum": ["unknown", "never"]},
            "fresh_for": _LENGTH,
            "source": _TEXT,
            "doc": _TEXT,
            "remedy": closed(remedy, ("kind",)),
            "event": {"$ref": "#/$defs/event"},
            "sequence": _sequence(),
            **_derived(),
        }
    )


def _declared() -> Schema:
    """What is computed inside another derivation, as a signal that only it knows."""
    own: Schema = {"event": {"$ref": "#/$defs/event"}, "unit": _TEXT, "fresh_for": _LENGTH}
    return closed({**_derived(), **own})


def _computed() -> Schema:
    """One thing that is computed, and what it is compared with."""
    kinds = (Number(), Amount(), Duration(), Time(), Text(), Flag())
    said = dict.fromkeys((word for kind in kinds for word in conditions_on(kind)), True)
    return closed({**_derived(), "unit": {"type": "string"}, **said})


def _derived() -> Schema:
    return {
        word: closed({key: _derived_value(word, key) for key in (*must, *may)}, must)
        for word, (must, may) in derivation_words().items()
    }


def _derived_value(word: str, key: str) -> object:
    if key in {"event", "until", "after", "touched"}:
        return {"anyOf": [_TEXT, closed(dict(_PATTERN), ("name",))]}
    if key in {"within", "gap", "silent_for"}:
        return _LENGTH
    if word in {"trend", "share"} and key in {"of", "whole"}:
        derived: Schema = {"$ref": "#/$defs/derived"}
        return derived if word == "trend" else {"anyOf": [_TEXT, derived]}
    return {
        "minimum": {"type": "integer", "minimum": 1},
        "features": {"type": "array", "items": _TEXT, "minItems": 1},
        "kind": {"enum": ["number", "text", "flag", "time"]},
        "missing": {"enum": ["unknown", "never"]},
        "one_of": {"type": "array", "items": _TEXT, "minItems": 1},
    }.get(key, _TEXT)


def closed(properties: Mapping[str, object], required: Sequence[str] = ()) -> Schema:
    """An object with these keys and no others; inside this room only."""
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }
