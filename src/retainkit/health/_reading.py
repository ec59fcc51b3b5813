"""The values that stand in a file of health models, each read or noted as a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import ClassVar, Final, TypeVar

from attrs import define, evolve, field

from retainkit.errors import InvalidInput
from retainkit.health._bands import Edge
from retainkit.health._fixed import Points, points_of
from retainkit.health._mappings import Bound, Direction, Outside
from retainkit.health._model import Combine, coverage_of
from retainkit.money import money
from retainkit.rules import (
    Amounts,
    Compare,
    Condition,
    ConditionReader,
    Kind,
    Place,
    Reader,
    Signal,
    meant,
    read_condition,
)


W = TypeVar("W", Direction, Outside, Edge, Combine)

_NOTHING: Final = (0, "0d", "0h", "0min", "0s", "0w")


@define(kw_only=True)
class ModelReader(Reader):
    """Reads the values of a file of models, whose signals and segments are told when known."""

    form: ClassVar[str] = "health.form"

    signals: Mapping[str, Signal] = field(factory=dict)
    segments: Mapping[str, Condition] = field(factory=dict)

    @property
    def rules(self) -> ConditionReader:
        """Reads what is said in the words of rules."""
        return ConditionReader(
            signals=self.signals, segments=self.segments.keys(), mistakes=self.mistakes
        )

    def word(self, data: object, place: Place, words: type[W], default: W) -> W | None:
        """One of some words."""
        if data is None:
            return default
        known = [each.value for each in words]
        if data in known:
            return words(data)
        self.wrong(
            place, "This word has no meaning here", "health.form", data, meant(str(data), known)
        )
        return None

    def condition(self, data: object, place: Place) -> Condition | None:
        """A condition in the words of rules."""
        return self.rules.condition(data, place)

    def text(self, data: Mapping[str, object], key: str, place: Place) -> str:
        """A name or a sentence; empty when it is not said, or is none."""
        said = data.get(key, "")
        if isinstance(said, str) or type(said) is int:
            return str(said)
        self.wrong(
            (*place, key),
            "Here stands a text",
            "health.form",
            type(said).__name__,
            "write it in quotes, or leave the word out",
        )
        return ""

    def points(self, data: object, place: Place) -> Points | None:
        """Some points."""
        found = self.made(place, lambda: _decimal(data))
        return None if found is None else self.made(place, lambda: _checked_points(found, place))

    def numbers(self, said: object, place: Place, *, first: int = 0) -> list[Points] | None:
        """Some points each, counted from the first; or None and a mistake."""
        before = len(self.mistakes)
        items = self.listed(said, place)
        found = [self.points(item, (*place, i)) for i, item in enumerate(items, first)]
        known = [each for each in found if each is not None]
        return known if len(self.mistakes) == before else None

    def all_there(self, said: Mapping[str, object], words: Sequence[str], place: Place) -> bool:
        """Whether these words are said; or a mistake."""
        missing = [word for word in words if word not in said]
        if missing:
            self.wrong(
                place,
                "Something is missing here",
                "health.form",
                missing,
                f"write {', '.join(f'`{word}: ...`' for word in missing)}",
            )
        return not missing

    def length(self, data: object, place: Place) -> timedelta | None:
        """A length such as 30d; none is zero."""
        if data in _NOTHING and not isinstance(data, bool):
            return timedelta(0)
        return self.rules.length(data, place)

    def limit(self, signal: Signal, data: object, place: Place) -> Bound | None:
        """A value on the signal's line: 5, 499.90 EUR, 30d."""
        if signal.kind in (Kind.TIME, Kind.DURATION):
            return self.length(data, place)
        before = len(self.mistakes)
        found = self.made(place, lambda: _limit(signal, data))
        self.mistakes[before:] = [evolve(each, place=place) for each in self.mistakes[before:]]
        return found

    def weight(self, data: object, place: Place) -> Points | Fraction | None:
        """A number, or a fraction such as 1/3."""
        return self.made(place, lambda: _weight(data))

    def coverage(self, data: object, place: Place) -> Fraction | None:
        """A share such as 0.6 or 60%."""
        return self.made(place, lambda: coverage_of(_share(data)))


def _limit(signal: Signal, raw: object) -> Bound:
    if signal.kind in (Kind.TEXT, Kind.FLAG):
        raise _no_limit(signal, raw)
    found = read_condition({"limit": {"gte": raw}}, {"limit": evolve(signal, name="limit")})
    value = found.value if isinstance(found, Compare) else None
    if isinstance(value, Amounts):
        ((code, amount), *others) = value.table
        if not others:
            return money(amount, code)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _no_limit(signal, raw)


def _no_limit(signal: Signal, raw: object) -> InvalidInput:
    return InvalidInput(
        "A limit is one value on the signal's line",
        code="health.mapping",
        field=signal.name,
        value=str(raw),
        remedy="write a number, one amount such as 500 EUR, or a length such as 30d; "
        "give words and flags points with `table`",
    )


def _decimal(raw: object) -> Points:
    """A number; one with decimals may be a text, so that it is exact."""
    if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        return raw
    try:
        return Decimal(raw) if isinstance(raw, str) else _no_number(raw)
    except InvalidOperation:
        return _no_number(raw)


def _weight(raw: object) -> Points | Fraction:
    """A number, or a fraction such as 1/3."""
    if isinstance(raw, str) and "/" in raw:
        try:
            return Fraction(raw.replace(" ", ""))
        except (ValueError, ZeroDivisionError):
            return _no_number(raw)
    return _decimal(raw)


def _no_number(raw: object) -> Points:
    raise InvalidInput(
        "A number belongs here",
        code="health.form",
        field="number",
        value=raw if isinstance(raw, str | bool) else type(raw).__name__,
        remedy="write a number such as 5 or 2.5",
    )


def _checked_points(points: Points, place: Place) -> Points:
    points_of(points, ".".join(map(str, place)))
    return points


def _share(raw: object) -> Points:
    """A share such as 0.6 or 60%."""
    if isinstance(raw, str) and raw.strip().endswith("%"):
        return Decimal(str(_decimal(raw.strip()[:-1].strip()))) / 100
    return _decimal(raw)
