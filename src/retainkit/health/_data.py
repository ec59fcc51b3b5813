"""A health model as data without floats, for hashes and files; reading it is in ``_document``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, assert_never

from retainkit.core import JsonObject, JsonValue, content_hash
from retainkit.health._bands import Bands
from retainkit.health._mappings import Bound, Factors, Linear, MappingOf, Steps, Table, as_condition
from retainkit.money import Money
from retainkit.rules import NOBODY, Present, Signal, condition_data, signal_data, version, why


if TYPE_CHECKING:
    from retainkit.health._model import Component, HealthModel


_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


def model_data(model: HealthModel) -> JsonObject:
    """
    The model as data: what files and hashes hold.

    Numbers with decimals are texts, lengths are texts such as ``30d``, amounts ``499.90 EUR``.
    """
    low, high = model.scale
    segment = {} if model.segment is None else {"segment": condition_data(model.segment)}
    caps: list[JsonValue] = [
        {"name": cap.name, "when": condition_data(cap.when), "at": number(cap.at)}
        for cap in model.caps
    ]
    return {
        "id": model.id,
        **segment,
        "scale": [number(low), number(high)],
        "combine": model.combine.value,
        **({"total": number(model.total)} if model.combine == "mean" else {}),
        **({"start": number(model.start)} if model.start else {}),
        "components": [_component(part) for part in model.components],
        **({"caps": caps} if caps else {}),
        **_bands(model.bands),
        "minimum_coverage": number(model.minimum_coverage),
        "trend_over": written(model.trend_over),
        **({} if model.step is None else {"step": number(model.step)}),
        "places": model.places,
    }


def version_of(model: HealthModel) -> str:
    """The name of a model's meaning: the same content, the same 32 digits; what is written about
    it does not count.
    """
    conditions: list[JsonValue] = [version(when, model.segments) for when in model.conditions]
    signals = {name: signal_data(signal) for name, signal in model.signals.items()}
    return content_hash({**model_data(model), "conditions": conditions, "signals": signals})


def name_of(signal: Signal) -> str:
    """
    As a component of this signal is called, when nobody names it; inside this room only.

    The name of a signal that nobody declared is a hash: it is called by what it counts of which
    events, and within which time, as in ``count(login, 28d)``.
    """
    told = why(Present(signal=signal), NOBODY, _ANY_TIME).because.values.get("counted")
    if not isinstance(told, Mapping):
        return signal.name
    of, seconds = told.get("of"), told.get("seconds")
    parts = [str(each) for each in of] if isinstance(of, list) else []
    if isinstance(seconds, int):
        parts.append(written(timedelta(seconds=seconds)))
    return f"{told.get('word')}({', '.join(parts)})"


def number(value: object) -> JsonValue:
    """A number exactly: whole ones as they are, others as text."""
    if isinstance(value, int):
        return value
    exact = Fraction(str(value))
    if exact.denominator == 1:
        return int(exact)
    if isinstance(value, Fraction):
        decimal = Decimal(exact.numerator) / exact.denominator
        return f"{decimal.normalize():f}" if Fraction(decimal) == exact else str(exact)
    return f"{Decimal(str(value)).normalize():f}"


def written(length: timedelta) -> str:
    """A length in the largest unit that tells it exactly."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if not length % timedelta(seconds=size):
            return f"{length // timedelta(seconds=size)}{unit}"
    seconds = Decimal(length // timedelta(microseconds=1)).scaleb(-6)
    return f"{seconds.normalize():f}s"


def _component(part: Component) -> JsonObject:
    plain = part.signal is not None and part.name in (part.signal.name, name_of(part.signal))
    name = {} if plain else {"name": part.name}
    return {
        **name,
        **({} if part.signal is None else _signal(part.signal)),
        **({} if part.direction is None else {"direction": part.direction.value}),
        **({} if part.weight is None else {"weight": number(part.weight)}),
        **({} if part.half_life is None else {"half_life": written(part.half_life)}),
        **_mapping(part.mapping),
    }


def _signal(signal: Signal) -> dict[str, JsonValue]:
    """By its name, or by the events that an anonymous one is computed of."""
    ((word, said),) = condition_data(Present(signal=signal)).items()
    if word == signal.name or not isinstance(said, Mapping):
        return {"signal": signal.name}
    return {word: {key: value for key, value in said.items() if key != "present"}}


def _mapping(mapping: MappingOf) -> dict[str, JsonValue]:
    match mapping:
        case Linear():
            points = {} if mapping.points is None else {"points": _numbers(mapping.points)}
            return {
                "linear": {
                    "low": limit(mapping.low),
                    "high": limit(mapping.high),
                    **points,
                    "outside": mapping.outside.value,
                }
            }
        case Steps():
            return {
                "steps": {
                    "edges": [limit(edge) for edge in mapping.edges],
                    "points": _numbers(mapping.points),
                    "edge": mapping.edge.value,
                }
            }
        case Table():
            words = {_word(word): number(points) for word, points in mapping.points.items()}
            return {"table": {"points": words, **_otherwise(mapping.otherwise)}}
        case Factors():
            cases: list[JsonValue] = [
                {"when": condition_data(as_condition(when)), "points": number(points)}
                for when, points in mapping.cases
            ]
            return {"factors": {"cases": cases, **_otherwise(mapping.otherwise)}}
        case _:
            assert_never(mapping)


def limit(value: Bound) -> JsonValue:
    """A limit of a mapping as data."""
    if isinstance(value, Money):
        return f"{value.amount:f} {value.currency.code}"
    return written(value) if isinstance(value, timedelta) else number(value)


def _word(word: str | bool) -> str:  # noqa: FBT001 - a value of a flag
    return str(word).lower() if isinstance(word, bool) else word


def _otherwise(points: object) -> dict[str, JsonValue]:
    return {} if points is None else {"otherwise": number(points)}


def _numbers(values: Sequence[object]) -> list[JsonValue]:
    return [number(value) for value in values]


def _bands(bands: Bands) -> dict[str, JsonValue]:
    margin = {"hysteresis": number(bands.hysteresis)} if bands.hysteresis else {}
    return {
        "bands": [[band.name, number(band.low), number(band.high)] for band in bands.bands],
        "edge": bands.edge.value,
        **margin,
    }
