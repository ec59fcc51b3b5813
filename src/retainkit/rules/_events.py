"""Signals that a rule makes of the timeline, named by their content; `signals` computes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TypeAlias

from attrs import evolve, field, frozen

from retainkit.core import JsonObject, Origin, check_json, content_hash
from retainkit.errors import InvalidInput
from retainkit.rules._declared import Derivation, Signal
from retainkit.rules._signals import Flag, Number
from retainkit.rules._tree import Condition
from retainkit.rules._windows import window, written


Scalar: TypeAlias = "bool | int | str | None"

ANY = "*"
"""The name that stands for every name."""

_WRITTEN = frozenset({"signals.set", "customer.zone_set", "event.retagged"})
_SHORTEST_SEQUENCE = 2


def _where(pairs: tuple[tuple[str, Scalar], ...]) -> tuple[tuple[str, Scalar], ...]:
    check_json(dict(pairs), "where")
    for key, value in pairs:
        if not isinstance(value, bool | int | str | None):
            raise InvalidInput(
                "An event's data are compared with single values",
                code="rules.where",
                field=f"where.{key}",
                value=type(value).__name__,
                remedy="name a key of the data, and the text, number or flag it must have",
            )
    return tuple(sorted(pairs))


def _length(length: timedelta) -> timedelta:
    return window(length, "within")


def _named(text: str | None) -> str | None:
    return None if text is None else _name(text)


def _name(text: str) -> str:
    given: object = text  # from Python, whatever the annotation says
    if not isinstance(given, str) or not given:
        raise InvalidInput(
            "An event, and a key of its data, has a name",
            code="rules.event_name",
            field="name",
            value=given,
            remedy="name it as the timeline does, such as payment.failed",
        )
    return given


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_name(name) for name in names}))


def _origins(origins: Iterable[Origin | str]) -> tuple[Origin, ...]:
    try:
        return tuple(sorted({Origin(origin) for origin in origins}))
    except ValueError as exc:
        raise InvalidInput(
            "There is no such origin",
            code="rules.origin",
            field="origins",
            value=", ".join(map(str, origins)),
            remedy=f"use {', '.join(origin.value for origin in Origin)}",
        ) from exc


def _like(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern


def times(count: object) -> int:
    """So many times, checked; inside this room only."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidInput(
            "Something happens once or more",
            code="rules.times",
            field="at_least",
            value=count,
            remedy="pass an int above zero; absent() says that it didn't happen",
        )
    return count


def _patterns(patterns: tuple[EventPattern, ...]) -> tuple[EventPattern, ...]:
    if len(patterns) < _SHORTEST_SEQUENCE:
        raise InvalidInput(
            "A sequence has two events or more",
            code="rules.sequence",
            field="patterns",
            value=len(patterns),
            remedy="for one event, write event(...).at_least(1)",
        )
    return patterns


@frozen(kw_only=True)
class EventPattern:
    """
    Events of a name whose data have these values; made by `event`, `either` and `anything`.

    Args:
        name: As on the timeline, such as ``payment.failed``; ``*`` for every name.

        where: Keys of the data, each with the value it must have; ``payment.id`` is the key ``id``
            inside of ``payment``.

        others: More names that it may have.

        but: Of every name, not these; ``payment.*`` is all that start with ``payment.``.

        origins: Only events of these origins; none for real ones and those of a backfill.
    """

    name: str = field(converter=_name)
    where: tuple[tuple[str, Scalar], ...] = field(default=(), converter=_where)
    others: tuple[str, ...] = field(default=(), converter=_names)
    but: tuple[str, ...] = field(default=(), converter=_names)
    origins: tuple[Origin, ...] = field(default=(), converter=_origins)

    @property
    def is_any(self) -> bool:
        """It takes events of every name."""
        return self.name == ANY

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it takes; none when it takes every name."""
        return () if self.is_any else (self.name, *self.others)

    def takes(self, name: str) -> bool:
        """
        An event of this name can be one of them.

        What is only written about a customer (``signals.set``, ``customer.zone_set``,
        ``event.retagged``) is no event of every name, but can be named.
        """
        if not self.is_any:
            return name == self.name or name in self.others
        return name not in _WRITTEN and not any(_like(name, but) for but in self.but)

    def of_origin(self, *origins: Origin) -> EventPattern:
        """Events of these origins, instead of real ones and those of a backfill."""
        return evolve(self, origins=origins)

    def at_least(self, count: int) -> Times:
        """So many of them, or more: ``event("payment.failed").at_least(3).within(days(7))``."""
        return Times(pattern=self, least=count)

    def absent(self) -> Absent:
        """None of them: ``event("report.sent").absent().within(days(30))``."""
        return Absent(pattern=self)

    def distinct(self, key: str) -> DistinctValues:
        """How many different values they have under this key of their data."""
        return DistinctValues(pattern=self, key=key)

    def count(self, within: timedelta) -> Number:
        """How many there were in the window before now, as a signal to compare."""
        return counted(Count(pattern=self, within=within))

    def to_json(self) -> JsonObject:
        """As data."""
        return {
            "name": self.name,
            **({"where": dict(self.where)} if self.where else {}),
            **({"or": list(self.others)} if self.others else {}),
            **({"but": list(self.but)} if self.but else {}),
            **({"origins": [origin.value for origin in self.origins]} if self.origins else {}),
        }


@frozen(kw_only=True)
class Count:
    """How often it happened in the window; with ``same``, for the value it happened most with."""

    pattern: EventPattern
    within: timedelta = field(converter=_length)
    same: str | None = field(default=None, converter=_named)

    def to_json(self) -> JsonObject:
        """As data."""
        same = {} if self.same is None else {"same": self.same}
        return {"event": {**self.pattern.to_json(), **same, "within": written(self.within)}}


@frozen(kw_only=True)
class Distinct:
    """How many different values the events of the window have under a key of their data."""

    pattern: EventPattern
    key: str = field(converter=_name)
    within: timedelta = field(converter=_length)

    def to_json(self) -> JsonObject:
        """As data."""
        distinct = {"distinct": self.key, "within": written(self.within)}
        return {"event": {**self.pattern.to_json(), **distinct}}


@frozen(kw_only=True)
class Sequence:
    """
    Whether these happened in this order, within the window from the first one to the last.

    Args:
        patterns: Two or more, in their order.

        within: How much time the whole may take; it lies in the window of that length before now.

        same: A key of the data under which all of them have one value.

        strict: No other event of the customer lies between them.
    """

    patterns: tuple[EventPattern, ...] = field(converter=_patterns)
    within: timedelta = field(converter=_length)
    same: str | None = field(default=None, converter=_named)
    strict: bool = False

    def to_json(self) -> JsonObject:
        """As data."""
        return {
            "sequence": {
                "of": [pattern.to_json() for pattern in self.patterns],
                **({} if self.same is None else {"same": self.same}),
                **({"strict": True} if self.strict else {}),
                "within": written(self.within),
            }
        }


@frozen(kw_only=True)
class Times:
    """So many events, waiting for their window."""

    pattern: EventPattern
    least: int = field(converter=times)
    key: str | None = field(default=None, converter=_named)

    def same(self, key: str) -> Times:
        """With one value under this key: three failures of one invoice, not of three."""
        return evolve(self, key=key)

    def within(self, length: timedelta) -> Condition:
        """
        In the window of this length before now.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return counted(Count(pattern=self.pattern, within=length, same=self.key)) >= self.least


@frozen(kw_only=True)
class Absent:
    """No event, waiting for its window."""

    pattern: EventPattern

    def within(self, length: timedelta) -> Condition:
        """
        In the window of this length before now.

        Unknown, not true, while the timeline of the customer is shorter than the window.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return counted(Count(pattern=self.pattern, within=length)).eq(0)


@frozen(kw_only=True)
class DistinctValues:
    """Different values under a key, waiting for a number and a window."""

    pattern: EventPattern
    key: str = field(converter=_name)

    def at_least(self, count: int) -> DistinctTimes:
        """So many different ones, or more."""
        return DistinctTimes(values=self, least=count)

    def count(self, within: timedelta) -> Number:
        """How many in the window before now, as a signal to compare."""
        return counted(Distinct(pattern=self.pattern, key=self.key, within=within))


@frozen(kw_only=True)
class DistinctTimes:
    """So many different values, waiting for their window."""

    values: DistinctValues
    least: int = field(converter=times)

    def within(self, length: timedelta) -> Condition:
        """
        In the window of this length before now.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return self.values.count(length) >= self.least


@frozen(kw_only=True)
class Steps:
    """Events in their order, waiting for their window; made by `sequence`."""

    patterns: tuple[EventPattern, ...] = field(converter=_patterns)
    key: str | None = field(default=None, converter=_named)
    strict: bool = False

    def same(self, key: str) -> Steps:
        """All with one value under this key of their data."""
        return evolve(self, key=key)

    def within(self, length: timedelta) -> Condition:
        """
        From the first to the last in at most this time, in the window of this length before now.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return followed(
            Sequence(patterns=self.patterns, within=length, same=self.key, strict=self.strict)
        ).is_true()


def event(name: str, where: Mapping[str, Scalar] | None = None) -> EventPattern:
    """
    Events of this name, whose data have these values.

    Raises:
        InvalidInput: ``rules.event_name``, ``rules.where``, ``json.float``, ``json.type``.
    """
    return EventPattern(name=name, where=tuple((where or {}).items()))


def either(*names: str, where: Mapping[str, Scalar] | None = None) -> EventPattern:
    """
    Events of any of these names, whose data have these values.

    Raises:
        InvalidInput: ``rules.event_name``, ``rules.where``.
    """
    first, *others = names or ("",)
    return EventPattern(name=first, where=tuple((where or {}).items()), others=tuple(others))


def anything(*, but: Iterable[str] = ()) -> EventPattern:
    """
    Events of every name: signs of life.

    What retainkit decided is none, nor what is only written about a customer (facts, zones).

    Args:
        but: Names to leave out, such as ``invoice.observed`` or ``payment.*``.

    Raises:
        InvalidInput: ``rules.event_name``.
    """
    return EventPattern(name=ANY, but=tuple(but))


def sequence(*patterns: EventPattern, strict: bool = False) -> Steps:
    """
    These in this order; with ``strict``, with no other event of the customer between them.

    Raises:
        InvalidInput: ``rules.sequence`` for fewer than two.
    """
    return Steps(patterns=patterns, strict=strict)


def counted(derivation: Count | Distinct) -> Number:
    """The number it computes; inside this room only."""
    return Number(name=_derived_name(derivation), derivation=derivation)


def followed(derivation: Sequence) -> Flag:
    """The flag it computes; inside this room only."""
    return Flag(name=_derived_name(derivation), derivation=derivation)


def is_anonymous(signal: Signal) -> bool:
    """It was made by a rule and has its hash for a name; inside this room only."""
    of = signal.derivation
    return of is not None and signal.name == _derived_name(of)


def _derived_name(derivation: Derivation) -> str:
    return f"{type(derivation).__name__.lower()}_{content_hash(derivation.to_json())[:16]}"
