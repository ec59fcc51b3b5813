"""What a signal is: name, kind, unit, freshness, source; the typed kinds are in ``_signals``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol, Self, TypeAlias

from attrs import evolve, field, frozen

from retainkit.core import JsonObject
from retainkit.errors import InvalidInput
from retainkit.money import Money
from retainkit.rules._windows import window


if TYPE_CHECKING:
    from retainkit.rules._tree import Amounts

Value: TypeAlias = "bool | int | float | str | datetime | timedelta | Money"
Threshold: TypeAlias = "bool | int | float | str | datetime | timedelta | Amounts"

WORDS = frozenset(
    {"all", "any", "at_least", "computed", "event", "not", "now", "segment", "sequence"}
)
"""What rules say beside signals, and what no signal may be called, therefore."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _remedy_kind(kind: RemedyKind | str) -> RemedyKind:
    try:
        return RemedyKind(kind)
    except ValueError as exc:
        raise InvalidInput(
            "There is no such kind of remedy",
            code="rules.remedy",
            field="remedy.kind",
            value=str(kind),
            remedy=f"use one of {', '.join(RemedyKind)}",
        ) from exc


class Kind(StrEnum):
    """What a signal's value is."""

    NUMBER = "number"
    AMOUNT = "amount"
    DURATION = "duration"
    TIME = "time"
    TEXT = "text"
    FLAG = "flag"


class Derivation(Protocol):
    """
    What a signal is computed from; declared in this room, computed by `retainkit.signals`.

    Its name is its content: two that say the same are the same.
    """

    def to_json(self) -> JsonObject:
        """As data of one word, such as ``{"event": {...}}``; it is what versions depend on."""
        ...

    def __hash__(self) -> int:
        """Of its content."""
        ...


def _name(name: str) -> str:
    if name and (name in WORDS or not _NAME.fullmatch(name)):
        raise InvalidInput(
            "A signal is named by lower-case letters, digits and underscores",
            code="rules.signal_name",
            field="name",
            value=name,
            remedy=f"choose another name, and none of {', '.join(sorted(WORDS))}",
        )
    return name


def _freshness(length: timedelta | None) -> timedelta | None:
    return None if length is None else window(length, "fresh_for")


class RemedyKind(StrEnum):
    """What helps when a signal is bad."""

    TUTORIAL = "tutorial"
    """Show how it is done: an article, a video, a tour."""

    CALL = "call"
    """Somebody talks to them."""

    CONFIGURATION = "configuration"
    """Something is set up otherwise, by them or for them."""

    MESSAGE = "message"
    """A letter, or a word inside the product."""

    TASK = "task"
    """Somebody on our side does something, without a call."""


@frozen(kw_only=True)
class Remedy:
    """
    What helps when a signal is bad, as data: a playbook, or a person, acts on it.

    Args:
        kind: Of which kind.

        ref: Which one: an article's key, a playbook's id, a task's template.

        doc: For people.

    Raises:
        InvalidInput: ``rules.remedy``.
    """

    kind: RemedyKind = field(converter=_remedy_kind)
    ref: str = ""
    doc: str = ""


def _remedy(remedy: Remedy | None) -> Remedy | None:
    given: object = remedy  # from Python, whatever the annotation says
    if given is None or isinstance(given, Remedy):
        return remedy
    raise InvalidInput(
        "What helps is data: its kind, and which one",
        code="rules.remedy",
        field="remedy",
        value=given if isinstance(given, str) else type(given).__name__,
        remedy='pass Remedy(kind=RemedyKind.CALL, ref="usage-check-in")',
    )


@frozen(kw_only=True, order=False)
class Signal:
    """
    A fact about a customer, declared once; how it is computed is none of its business.

    Args:
        name: As rules and readings call it; taken from the class that declares it.

        doc: What it means, for people.

        source: What makes it known, such as ``crm``; None when the host sets it.

        fresh_for: How long a value is believed after its time; None is for ever.

        derivation: What it is computed from; None when the host sets it.

        remedy: What helps when it is bad.

    Raises:
        InvalidInput: ``rules.signal_name``, ``rules.window``, ``rules.remedy``.
    """

    kind: ClassVar[Kind]

    name: str = field(default="", converter=_name)
    doc: str = ""
    source: str | None = None
    fresh_for: timedelta | None = field(default=None, converter=_freshness)
    derivation: Derivation | None = None
    remedy: Remedy | None = field(default=None, converter=_remedy)

    def about(
        self,
        doc: str,
        *,
        source: str | None = None,
        fresh_for: timedelta | None = None,
        remedy: Remedy | None = None,
    ) -> Self:
        """
        The same signal with what is to be said about it; what is left out stays as it is.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return evolve(
            self,
            doc=doc,
            source=self.source if source is None else source,
            fresh_for=self.fresh_for if fresh_for is None else fresh_for,
            remedy=self.remedy if remedy is None else remedy,
        )

    def __bool__(self) -> NoReturn:
        raise no_bool(self.name)

    if not TYPE_CHECKING:  # checkers refuse it by themselves

        def __rand__(self, other: object) -> NoReturn:
            """Of ``a > 0 & b > 5``, where & binds before >."""
            raise no_bool(self.name)

        __ror__ = __and__ = __or__ = __rand__

    def value(self, value: object, place: str) -> Value | None:
        """A reading of it, checked; None when there is none."""
        raise NotImplementedError

    def threshold(self, value: object, place: str) -> Threshold:
        """What it is compared with, checked."""
        raise NotImplementedError

    def traits(self) -> JsonObject:
        """What its kind adds to its meaning: unit, currency, choices."""
        return {}


def no_bool(what: str) -> InvalidInput:
    """The error for ``and``, ``or``, ``not`` and chained comparisons; inside this room only."""
    return InvalidInput(
        "A condition is no bool: it is asked later, of one customer at a time",
        code="rules.and_for_ampersand",
        field="condition",
        value=what,
        remedy="write & for and, | for or, ~ for not, with brackets around comparisons; "
        "x.between(low, high) for low <= x <= high",
    )


def wrong_type(signal: Signal, value: object, place: str, remedy: str) -> InvalidInput:
    """The error for a value of another kind; inside this room only."""
    return InvalidInput(
        f"The signal {signal.name or 'here'} is of the kind {signal.kind}",
        code="rules.value_type",
        field=place,
        value=value if isinstance(value, bool | int | float | str) else type(value).__name__,
        remedy=remedy,
    )
