"""What a signal is: name, kind, unit, freshness, source; the typed kinds are in ``_signals``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol, TypeAlias

from attrs import field, frozen

from retainkit.core import JsonObject
from retainkit.errors import InvalidInput
from retainkit.money import Money
from retainkit.rules._windows import window


if TYPE_CHECKING:
    from retainkit.rules._tree import Amounts

Value: TypeAlias = "bool | int | float | str | datetime | timedelta | Money"
Threshold: TypeAlias = "bool | int | float | str | datetime | timedelta | Amounts"

WORDS = frozenset({"all", "any", "at_least", "event", "not", "now", "segment", "sequence"})
"""What rules say beside signals, and what no signal may be called, therefore."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


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

    Raises:
        InvalidInput: ``rules.signal_name``, ``rules.window``.
    """

    kind: ClassVar[Kind]

    name: str = field(default="", converter=_name)
    doc: str = ""
    source: str | None = None
    fresh_for: timedelta | None = field(default=None, converter=_freshness)
    derivation: Derivation | None = None

    def __bool__(self) -> NoReturn:
        raise no_bool(self.name)

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
