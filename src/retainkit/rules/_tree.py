"""The tree of a rule: conditions over signals, as frozen values; who answers them is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.money import Money, to_json
from retainkit.rules._declared import Signal, Threshold, no_bool


if TYPE_CHECKING:
    from retainkit.rules._signals import Flag

MOST_DEEP = 32
"""How many conditions may stand inside each other, segments included."""

MOST_NODES = 1_000
"""How many conditions a rule may have, segments included."""


class Comparison(StrEnum):
    """How a value is compared."""

    LT = "lt"
    LTE = "lte"
    EQ = "eq"
    NE = "ne"
    GTE = "gte"
    GT = "gt"


class TextPart(StrEnum):
    """Where in a text another one is looked for; upper and lower case differ."""

    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"


class Distance(StrEnum):
    """Whether a time is farther from now than a length, or nearer."""

    MORE = "more"
    LESS = "less"


@frozen
class Amounts:
    """
    A threshold of money: one amount for each currency that the rule can judge.

    An amount in any other currency is neither above nor below it: the condition is unknown.

    Args:
        table: ISO 4217 codes and amounts, in the order of the codes.
    """

    table: tuple[tuple[str, Decimal], ...]


def amounts(*each: Money) -> Amounts:
    """
    A threshold with one amount a currency.

    ``Customer.mrr >= amounts(money("500", "EUR"), money("550", "USD"))``

    Raises:
        InvalidInput: ``rules.currency_twice``; as `retainkit.money.to_json`.
    """
    table: dict[str, Decimal] = {}
    for money in each:
        written = to_json(money)
        code = written["currency"]
        if code in table:
            raise InvalidInput(
                "A threshold has one amount a currency",
                code="rules.currency_twice",
                field="amounts",
                value=code,
                remedy="leave one of the two out",
            )
        table[code] = Decimal(written["amount"])
    return Amounts(tuple(sorted(table.items())))


@frozen(kw_only=True, order=False)
class Condition:
    """
    What is true, false or unknown of a customer at an instant.

    ``a & b``, ``a | b`` and ``~a`` make larger ones. It is no bool: ``a and b`` is an error when
    the module is imported.
    """

    depth: int = field(default=1, init=False, eq=False, repr=False)
    size: int = field(default=1, init=False, eq=False, repr=False)

    def __and__(self, other: Condition | Flag) -> Condition:
        return all_of(self, other)

    def __or__(self, other: Condition | Flag) -> Condition:
        return any_of(self, other)

    def __invert__(self) -> Condition:
        return Not(item=self)

    def __bool__(self) -> NoReturn:
        raise no_bool(type(self).__name__)

    if not TYPE_CHECKING:  # checkers refuse it by themselves

        def __rand__(self, other: object) -> NoReturn:
            """Of ``True & (a > 5)``, or of another signal than a flag."""
            raise no_bool(type(self).__name__)

        __ror__ = __rand__


@frozen(kw_only=True, order=False)
class Compare(Condition):
    """A signal against a value."""

    signal: Signal
    op: Comparison
    value: Threshold


@frozen(kw_only=True, order=False)
class CompareSignals(Condition):
    """A signal against another one of its kind, times a factor: ``left op factor * right``."""

    left: Signal
    op: Comparison
    right: Signal
    factor: int | float | Fraction = 1


@frozen(kw_only=True, order=False)
class OneOf(Condition):
    """A signal's value is among these."""

    signal: Signal
    values: tuple[str | int | float, ...]
    among: frozenset[str | int | float] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "among", frozenset(self.values))


@frozen(kw_only=True, order=False)
class Between(Condition):
    """A signal's value lies between these two, both of them included."""

    signal: Signal
    low: Threshold
    high: Threshold


@frozen(kw_only=True, order=False)
class TextMatch(Condition):
    """A text starts with, ends with or contains another one."""

    signal: Signal
    part: TextPart
    text: str


@frozen(kw_only=True, order=False)
class Ago(Condition):
    """
    A time lies in the past, at least so long ago (more), or not so long ago (less).

    With ``more``: true from the instant on that is exactly so long after it. With ``less``: from
    the time itself until just before that instant. A time yet to come is neither.
    """

    signal: Signal
    than: Distance
    length: timedelta


@frozen(kw_only=True, order=False)
class Ahead(Condition):
    """
    A time is yet to come, in more than this length, or in at most this length (less).

    With ``less``: true from the instant on that is exactly so long before it, until just before
    the time itself. A time that has come is neither.
    """

    signal: Signal
    than: Distance
    length: timedelta


@frozen(kw_only=True, order=False)
class Present(Condition):
    """A value is known and fresh; never unknown itself."""

    signal: Signal


@frozen(kw_only=True, order=False)
class Missing(Condition):
    """No value is known, or it is stale; never unknown itself."""

    signal: Signal


def _items(items: Iterable[Condition]) -> tuple[Condition, ...]:
    found = tuple(items)
    if not found:
        raise InvalidInput(
            "There is nothing to combine",
            code="rules.empty",
            field="items",
            value=[],
            remedy="name at least one condition",
        )
    return found


def _deeper(node: AllOf | AnyOf | AtLeast | Not) -> int:
    return limited_depth(1 + max(item.depth for item in children(node)))


def _larger(node: AllOf | AnyOf | AtLeast | Not) -> int:
    return limited_size(1 + sum(item.size for item in children(node)))


@frozen(kw_only=True, order=False)
class AllOf(Condition):
    """All of these are true."""

    items: tuple[Condition, ...] = field(converter=_items)

    def __attrs_post_init__(self) -> None:
        _measure(self)


@frozen(kw_only=True, order=False)
class AnyOf(Condition):
    """One of these is true, or more of them."""

    items: tuple[Condition, ...] = field(converter=_items)

    def __attrs_post_init__(self) -> None:
        _measure(self)


@frozen(kw_only=True, order=False)
class AtLeast(Condition):
    """So many of these are true."""

    count: int
    items: tuple[Condition, ...] = field(converter=_items)

    def __attrs_post_init__(self) -> None:
        most = len(self.items)
        if type(self.count) is not int or not 1 <= self.count <= most:
            raise InvalidInput(
                f"There are {most} conditions to choose from"
                if most > 1
                else "There is one condition",
                code="rules.count",
                field="count",
                value=self.count,
                remedy=f"ask for 1 to {most} of them" if most > 1 else "ask for 1, or name more",
            )
        _measure(self)


@frozen(kw_only=True, order=False)
class Not(Condition):
    """The item is false. What is unknown stays unknown."""

    item: Condition

    def __attrs_post_init__(self) -> None:
        _measure(self)


@frozen(kw_only=True, order=False)
class InSegment(Condition):
    """The customer is in the segment of this name: its condition is true."""

    name: str


Leaf: TypeAlias = (
    "Compare | CompareSignals | OneOf | Between | TextMatch | Ago | Ahead | Present | Missing"
)
Node: TypeAlias = "Leaf | AllOf | AnyOf | AtLeast | Not | InSegment"


def closed(found: Condition) -> Node:
    """The condition as one of the nodes there are, so that matches can be exhaustive."""
    return cast("Node", found)


def all_of(*items: Condition | Flag) -> Condition:
    """
    All of these are true; ``a & b`` is the same.

    Raises:
        InvalidInput: ``rules.empty``, ``rules.not_a_condition``, ``rules.too_deep``,
            ``rules.too_large``.
    """
    found = [condition(item) for item in items]
    flat = [part for item in found for part in (item.items if isinstance(item, AllOf) else (item,))]
    return AllOf(items=tuple(flat))


def any_of(*items: Condition | Flag) -> Condition:
    """
    One of these is true; ``a | b`` is the same.

    Raises:
        InvalidInput: as `all_of`.
    """
    found = [condition(item) for item in items]
    flat = [part for item in found for part in (item.items if isinstance(item, AnyOf) else (item,))]
    return AnyOf(items=tuple(flat))


def at_least(count: int, *items: Condition | Flag) -> Condition:
    """
    So many of these are true.

    Raises:
        InvalidInput: ``rules.count``; as `all_of`.
    """
    return AtLeast(count=count, items=tuple(condition(item) for item in items))


def segment(name: str) -> Condition:
    """The customer is in the segment of this name; which one that is, the rulebook says."""
    return InSegment(name=name)


def condition(found: object) -> Condition:
    """
    The condition itself; that a flag is true.

    Raises:
        InvalidInput: ``rules.not_a_condition``.
    """
    if isinstance(found, Condition):
        return found
    is_true = getattr(found, "is_true", None)
    if isinstance(found, Signal) and is_true is not None:
        return condition(is_true())
    raise InvalidInput(
        "This is no condition",
        code="rules.not_a_condition",
        field="condition",
        value=found if isinstance(found, bool | str) else type(found).__name__,
        remedy="compare a signal: Customer.plan.eq('team') (== compares the declarations)",
    )


def children(node: Condition) -> tuple[Condition, ...]:
    """The conditions right inside of one; those of a segment are in the rulebook."""
    if isinstance(node, AllOf | AnyOf | AtLeast):
        return node.items
    return (node.item,) if isinstance(node, Not) else ()


def walk(node: Condition) -> Iterator[Condition]:
    """The condition and all inside of it, from the left."""
    yield node
    for child in children(node):
        yield from walk(child)


def signals_of(node: Condition, segments: Mapping[str, Condition] | None = None) -> list[Signal]:
    """
    The signals that a condition reads, each once, in the order they are met.

    Args:
        node: The condition.

        segments: Where to look for the segments it names; left out when none is given.
    """
    found: dict[str, Signal] = {}
    for signal in _read(node, {} if segments is None else segments, set()):
        found.setdefault(signal.name, signal)
    return list(found.values())


def _read(
    node: Condition, segments: Mapping[str, Condition], entered: set[str]
) -> Iterator[Signal]:
    """Each segment is entered once, however often it is named."""
    for part in walk(node):
        match part:
            case CompareSignals(left=left, right=right):
                yield from (left, right)
            case InSegment(name=name):
                if name in segments and name not in entered:
                    entered.add(name)
                    yield from _read(segments[name], segments, entered)
            case _:
                signal = getattr(part, "signal", None)
                if isinstance(signal, Signal):
                    yield signal


def limited_depth(depth: int, place: str = "condition") -> int:
    """The depth, refused when it is too much; inside this room only."""
    if depth > MOST_DEEP:
        raise InvalidInput(
            f"Conditions stand inside each other at most {MOST_DEEP} deep",
            code="rules.too_deep",
            field=place,
            value=depth,
            remedy="flatten it, or compute a part of it as a signal of its own",
        )
    return depth


def limited_size(size: int, place: str = "condition") -> int:
    """The number of conditions, refused when it is too much; inside this room only."""
    if size > MOST_NODES:
        raise InvalidInput(
            f"A rule has at most {MOST_NODES} conditions, segments included",
            code="rules.too_large",
            field=place,
            value=size,
            remedy="use `in` for lists of values, or compute a part of it as a signal of its own",
        )
    return size


def _measure(node: AllOf | AnyOf | AtLeast | Not) -> None:
    object.__setattr__(node, "depth", _deeper(node))
    object.__setattr__(node, "size", _larger(node))
