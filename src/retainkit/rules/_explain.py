"""The naive interpreter: the meaning of every node in the plainest words, with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import assert_never

from attrs import frozen

from retainkit.core import Because, JsonObject, JsonValue
from retainkit.errors import NotFound
from retainkit.rules import _compare
from retainkit.rules._data import plain
from retainkit.rules._declared import Signal, Value
from retainkit.rules._events import is_anonymous
from retainkit.rules._readings import NEVER, Gap, Readings
from retainkit.rules._tree import (
    Ago,
    Ahead,
    AllOf,
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
)
from retainkit.rules._tree import condition as as_condition
from retainkit.rules._truth import Truth, all_true, any_true, so_many_true
from retainkit.rules._windows import instant


NO_SEGMENTS: Mapping[str, Condition] = MappingProxyType({})


@frozen(kw_only=True)
class Explained:
    """
    Why a condition is true, false or unknown.

    Args:
        truth: What it is.

        because: A message key such as ``rules.is.gte`` and its values; of a leaf the signal, its
            value, the time and source of that, and the threshold; when it is unknown, the `Gap`
            as ``gap``, and what was known once as ``last``; of a signal that the rule makes of
            events, what it counts as ``counted``.

        parts: The same of the conditions inside of it.
    """

    truth: Truth
    because: Because
    parts: tuple[Explained, ...] = ()

    def leaves(self) -> Iterator[Explained]:
        """The parts that read signals themselves, from the left."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def decisive(self) -> Iterator[Explained]:
        """The leaves that make the answer what it is, from the left; the others don't matter."""
        if not self.parts:
            yield self
        for part in self.parts:
            if len(self.parts) == 1 or part.truth is self.truth:
                yield from part.decisive()

    def gaps(self) -> Iterator[Because]:
        """What is not known; each is a finding about the data, whatever became of the rule."""
        return (leaf.because for leaf in self.leaves() if leaf.truth is Truth.UNKNOWN)

    def to_json(self) -> JsonObject:
        """As data."""
        parts = [part.to_json() for part in self.parts]
        return {
            "result": self.truth.value,
            "because": {"key": self.because.key, "values": self.because.values},
            **({"parts": parts} if parts else {}),
        }


def why(
    condition: Condition,
    known: Readings,
    now: datetime,
    *,
    segments: Mapping[str, Condition] = NO_SEGMENTS,
) -> Explained:
    """
    Why a condition is true, false or unknown of a customer at this instant.

    Each part is asked, also where the answer is clear before: for people, not for a hot path.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
        NotFound: ``rules.unknown_segment``.
    """
    return _Asked(known, instant(now), segments).of(as_condition(condition))


@frozen
class _Asked:
    known: Readings
    at: datetime
    segments: Mapping[str, Condition]

    def of(self, condition: Condition) -> Explained:
        node = closed(condition)
        match node:
            case AllOf():
                parts = self._parts(node.items)
                return _made("rules.of.all", all_true(part.truth for part in parts), parts)
            case AnyOf():
                parts = self._parts(node.items)
                return _made("rules.of.any", any_true(part.truth for part in parts), parts)
            case AtLeast():
                parts = self._parts(node.items)
                truth = so_many_true(node.count, (part.truth for part in parts))
                return _made("rules.of.at_least", truth, parts, {"count": node.count})
            case Not():
                parts = self._parts((node.item,))
                return _made("rules.of.not", ~parts[0].truth, parts)
            case InSegment():
                parts = self._parts((segment_of(node, self.segments),))
                return _made("rules.of.segment", parts[0].truth, parts, {"segment": node.name})
            case Present() | Missing():
                return self._presence(node)
            case CompareSignals():
                return self._two(node)
            case _:
                return self._one(node)

    def _parts(self, items: tuple[Condition, ...]) -> tuple[Explained, ...]:
        return tuple(self.of(item) for item in items)

    def _presence(self, node: Present | Missing) -> Explained:
        there = self.known.known(node.signal.name, self.at) is not None
        said = self._said(node.signal, self.known.comparable(node.signal, self.at))
        if isinstance(node, Present):
            return _leaf("rules.is.present", there, said)
        return _leaf("rules.is.missing", not there, said)

    def _two(self, node: CompareSignals) -> Explained:
        left, right = (self.known.comparable(s, self.at) for s in (node.left, node.right))
        other = self._said(node.right, right)
        values = {
            **self._said(node.left, left),
            **{f"other_{name}": value for name, value in other.items() if name != "gap"},
            "times": str(node.factor),
        }
        if left is None or right is None:
            gap = self.known.gap((node.left if left is None else node.right).name)
            return _leaf(f"rules.is.{node.op}_signal", None, {**values, "gap": gap.value})
        truth = _compare.against_signal(node.op, left, node.factor, right)
        return _leaf(f"rules.is.{node.op}_signal", truth, values)

    def _one(self, node: Compare | OneOf | Between | TextMatch | Ago | Ahead) -> Explained:
        key, threshold = _key(node)
        value = self.known.comparable(node.signal, self.at)
        values = {**self._said(node.signal, value), **threshold}
        truth = None if value is None else holds(node, value, self.at)
        return _leaf(key, truth, values)

    def _said(self, signal: Signal, value: Value | None) -> dict[str, JsonValue]:
        """The signal, its value, and where that comes from."""
        reading = self.known.of(signal.name)
        said: dict[str, JsonValue] = {"signal": signal.name, **_counted(signal)}
        if value is None:
            said["gap"] = self.known.gap(signal.name).value
        if reading is not None and reading.value is not None:
            said["last" if value is None else "value"] = plain(reading.value)
            if reading.at is not None:
                said["at"] = plain(reading.at)
            if reading.source is not None:
                said["source"] = reading.source
        elif value is NEVER:
            said["value"] = "never"
        return said


def _counted(signal: Signal) -> dict[str, JsonValue]:
    """What a signal that nobody named is counted of, for people: its name is a hash."""
    of = signal.derivation
    if of is None or not is_anonymous(signal):
        return {}
    told: dict[str, JsonValue] = {
        "word": type(of).__name__.lower(),
        "of": list(dict.fromkeys(_named(of.to_json()))),
    }
    within = getattr(of, "within", None) or getattr(getattr(of, "of", None), "within", None)
    if isinstance(within, timedelta):
        told["seconds"] = int(within.total_seconds())
    return {"counted": told}


def _named(data: JsonValue) -> Iterator[str]:
    """The events, keys and values that a derivation names, in their order."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            match name, value:
                case "name" | "distinct" | "same" | "of" | "whole" | "by", str():
                    yield value
                case "where", Mapping():
                    yield from (f"{key}: {wanted}" for key, wanted in value.items())
                case "or", list():
                    yield from map(str, value)
                case _:
                    yield from _named(value)
    elif isinstance(data, list | tuple):
        for each in data:
            yield from () if isinstance(each, str) else _named(each)


def holds(
    node: Compare | OneOf | Between | TextMatch | Ago | Ahead, value: Value, at: datetime
) -> bool | None:
    """What a condition on one signal says of its known value; inside this room only."""
    match node:
        case Compare():
            return _compare.against(node.op, value, node.value)
        case OneOf():
            return value in node.among
        case Between():
            return _compare.inside(value, node.low, node.high)
        case TextMatch():
            return _compare.matches(node, str(value))
        case Ago() | Ahead():
            return isinstance(value, datetime) and _compare.far(node, value, at)
        case _:
            assert_never(node)


def segment_of(node: InSegment, segments: Mapping[str, Condition]) -> Condition:
    """The condition of a segment; inside this room only."""
    found = segments.get(node.name)
    if found is None:
        raise NotFound(
            "There is no such segment",
            code="rules.unknown_segment",
            field="segments",
            value=node.name,
            remedy="pass the segments of the rulebook that the rule is from",
        )
    return found


def _key(
    node: Compare | OneOf | Between | TextMatch | Ago | Ahead,
) -> tuple[str, dict[str, JsonValue]]:
    match node:
        case Compare():
            return f"rules.is.{node.op}", {"threshold": plain(node.value)}
        case OneOf():
            return "rules.is.in", {"threshold": [plain(value) for value in node.values]}
        case Between():
            return "rules.is.between", {"low": plain(node.low), "high": plain(node.high)}
        case TextMatch():
            return f"rules.is.{node.part}", {"threshold": node.text}
        case Ago():
            return f"rules.is.{node.than}_than_ago", {"seconds": int(node.length.total_seconds())}
        case Ahead():
            return f"rules.is.{node.than}_than_ahead", {"seconds": int(node.length.total_seconds())}
        case _:
            assert_never(node)


def _leaf(key: str, holds: bool | None, values: dict[str, JsonValue]) -> Explained:  # noqa: FBT001 - an answer
    if holds is None:
        said = {**values, "gap": values.get("gap", Gap.CURRENCY.value)}
        return Explained(truth=Truth.UNKNOWN, because=Because(key=key, values=said))
    truth = Truth.TRUE if holds else Truth.FALSE
    return Explained(truth=truth, because=Because(key=key, values=values))


def _made(
    key: str, truth: Truth, parts: tuple[Explained, ...], values: JsonObject | None = None
) -> Explained:
    return Explained(truth=truth, because=Because(key=key, values=values or {}), parts=parts)
