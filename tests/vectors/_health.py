"""Vectors of health as calls of `health`; no rule and no arithmetic is here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.vectors._rows import NotApplicable, Row, Translation, Verdict

from retainkit.errors import InvalidInput
from retainkit.health import (
    Band,
    Bands,
    Combine,
    Component,
    Direction,
    Edge,
    Factors,
    HealthModel,
    Linear,
    MappingOf,
    Outside,
    Points,
    Table,
    decayed,
    score,
)
from retainkit.rules import Condition, Number, Signal, Text, readings


_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = {
    "less than": "__lt__",
    "more than": "__gt__",
    "greater than": "__gt__",
    "equal to": "eq",
    "not equal to": "ne",
    "at most": "__le__",
    "at least": "__ge__",
    "<": "__lt__",
    "<=": "__le__",
    ">": "__gt__",
    ">=": "__ge__",
    "=": "eq",
    "==": "eq",
    "!=": "ne",
}


def _number(value: object) -> int | float:
    found = float(str(value))
    return int(found) if found.is_integer() else found


def _scale(points: Sequence[int | float]) -> tuple[int | float, int | float]:
    low, high = min(0, *points), max(points)
    return low, high if high > low else low + 1


def _score(row: Row) -> Verdict:
    """Each condition is a component of a word; a null is a word that nobody knows."""
    given = row["input"]
    words = given.get("conditions", given.get("scores"))
    if words is None:
        raise NotApplicable("a score of what is not told by conditions or scores")
    names = list(words) if isinstance(words, Mapping) else [str(i) for i in range(len(words))]
    values = list(words.values()) if isinstance(words, Mapping) else list(words)
    weights = given.get("weights", [1] * len(names))
    if isinstance(weights, Mapping):
        weights = [weights[name] for name in names]
    worth = [_number(each) for each in given.get("points", {}).values()]
    points: dict[str | bool, Points] = dict(zip(given.get("points", {}), worth, strict=True))
    signals: dict[str, Signal] = {}
    components = []
    scale = _scale(worth or [100])
    for index, (name, weight) in enumerate(zip(names, weights, strict=True)):
        signal: Signal = Text(name=f"c{index}") if points else Number(name=f"c{index}")
        mapping: MappingOf = Table(points=points) if points else Linear(low=scale[0], high=scale[1])
        signals[signal.name] = signal
        components.append(
            Component(
                name=f"{index} {name}",
                signal=signal,
                direction=None if points else Direction.HIGHER_IS_BETTER,
                weight=Decimal(str(weight)),
                mapping=mapping,
            )
        )
    model = HealthModel(
        id=str(row["id"]),
        scale=scale,
        total=sum(Decimal(str(weight)) for weight in weights),
        bands=Bands(bands=(Band("all", *scale),)),
        components=components,
        places=4,
    )
    known = {
        f"c{i}": value if points or value is None else _number(value)
        for i, value in enumerate(values)
    }
    return _compared(row["expected"], score(model, readings(signals, known), _NOW).score)


def _factor(row: Row) -> Verdict:
    """A component of a sum that starts from nothing."""
    given = row["input"]
    signal = Number(name="value")
    mapping: MappingOf
    direction: Direction | None = None
    if "impact_lo" in given:
        mapping, direction = _line(row, given)
    elif "threshold" in given:
        asked = _WORDS.get(str(given.get("condition", given.get("op"))).lower())
        if asked is None:
            raise NotApplicable(f"a condition called {given.get('condition')}")
        when: Condition = getattr(signal, asked)(_number(given["threshold"]))
        mapping = Factors(cases=((when, _number(given["impact"])),))
    else:
        raise NotApplicable("a factor that is neither a line nor a condition")
    model = HealthModel(
        id=str(row["id"]),
        scale=(-10_000, 10_000),
        bands=Bands(bands=(Band("all", -10_000, 10_000),)),
        combine=Combine.SUM,
        components=[
            Component(
                name="factor",
                signal=None if isinstance(mapping, Factors) else signal,
                direction=direction,
                mapping=mapping,
            )
        ],
        places=4,
    )
    value = given["value"]
    known = readings({"value": signal}, {"value": None if value is None else _number(value)})
    return _compared(row["expected"], score(model, known, _NOW).score)


def _line(row: Row, given: Mapping[str, Any]) -> tuple[Linear, Direction]:
    ends = [(_number(given[end]), _number(given[f"impact_{end}"])) for end in ("lo", "hi")]
    (low, at_low), (high, at_high) = sorted(ends)
    said = f"{row.get('system')} {given.get('variant', '')} {given.get('condition', '')}"
    bounded = bool(given.get("bounded")) or "bounded" in said.lower()
    line = Linear(
        low=low,
        high=high,
        points=(at_low, at_high),
        outside=Outside.IGNORE if bounded else Outside.CLAMP,
    )
    rising = at_high > at_low
    return line, Direction.HIGHER_IS_BETTER if rising else Direction.LOWER_IS_BETTER


def _band(row: Row) -> Verdict:
    """The bands as they stand, from the lowest; a row that only states the rule is shown it."""
    given = row["input"]
    if "bands" not in given:
        return _edge_rule(str(given.get("note", "")))
    listed = sorted((_number(low), _number(high), str(name)) for low, high, name in given["bands"])
    lower = re.search(r"bottom[a-z ]* inclusive|lower[a-z _]*includ", str(given).lower())
    bands = Bands(
        bands=[Band(name, low, high) for low, high, name in listed],
        edge=Edge.LOWER_INCLUDED if lower else Edge.UPPER_INCLUDED,
    )
    values = given.get("values", [given.get("value")])
    found = [bands.of(_number(value)) for value in values]
    expected = row["expected"]
    wanted = expected if isinstance(expected, list) else [expected]
    if found == wanted:
        return "passed", ""
    return "failed", f"expected {wanted}, got {found}"


def _edge_rule(note: str) -> Verdict:
    if "top of range inclusive, bottom exclusive" not in note:
        raise NotApplicable("a rule in words")
    bands = Bands(bands=(Band("lower", 0, 50), Band("upper", 50, 100)))
    found = [bands.of(50), bands.of(50.01), bands.of(100)]
    if found == ["lower", "upper", "upper"]:
        return "passed", ""
    return "failed", f"an edge is {found}"


def _decay(row: Row) -> Verdict:
    given = row["input"]
    age, half_life = (
        timedelta(days=float(str(given[name]))) for name in ("age_days", "half_life_days")
    )
    return _compared(row["expected"], decayed(_number(given["value"]), age, half_life))


def _compared(expected: object, found: Decimal | None) -> Verdict:
    """To the places that the row has; it does not say where a half goes."""
    if expected is None or found is None:
        same = expected is None and found is None
        return ("passed", "") if same else ("failed", f"expected {expected}, got {found}")
    wanted = Decimal(str(expected))
    exponent = wanted.as_tuple().exponent
    step = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    if abs(found - wanted) <= max(step, Decimal("0.0001")) / 2:
        return "passed", ""
    return "failed", f"expected {expected}, got {found}"


def _or_refused(translate: Translation) -> Translation:
    """A row that expects an error passes when there is one."""

    def checked(row: Row) -> Any:
        try:
            return translate(row)
        except InvalidInput as error:
            if "error" in str(row["expected"]).lower():
                return "passed", error.code
            raise

    return checked


KINDS: dict[str, Translation] = {
    "health_score": _or_refused(_score),
    "health_factor": _or_refused(_factor),
    "health_band": _or_refused(_band),
    "health_signal_decay": _or_refused(_decay),
}
