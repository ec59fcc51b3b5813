"""What was given is of the kind it must be, or is refused by name; what it means is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from retainkit.errors import InvalidInput
from retainkit.rules import meant


T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)


def word_of(given: object, words: type[W], field: str) -> W:
    """
    One of some words, also as the text that files have for it.

    Raises:
        InvalidInput: ``health.form``.
    """
    known = [each.value for each in words]
    if isinstance(given, str) and given in known:
        return words(given)
    raise InvalidInput(
        f"This is no {words.__name__}",
        code="health.form",
        field=field,
        value=str(given),
        remedy=meant(str(given), known, f"write one of {', '.join(known)}"),
    )


def of_kind(given: object, kinds: type[T] | tuple[type[T], ...], field: str, remedy: str) -> T:
    """
    What belongs there.

    Raises:
        InvalidInput: ``health.form``.
    """
    if isinstance(given, kinds):
        return given
    raise _wrong(given, field, remedy)


def each_of_kind(given: object, kind: type[T], field: str, remedy: str) -> tuple[T, ...]:
    """
    All of them; one alone is no list of one.

    Raises:
        InvalidInput: ``health.form``.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise _wrong(given, field, remedy)
    return tuple(of_kind(each, kind, field, remedy) for each in given)


def _wrong(given: object, field: str, remedy: str) -> InvalidInput:
    return InvalidInput(
        "Something else belongs here",
        code="health.form",
        field=field,
        value=given if isinstance(given, str) else type(given).__name__,
        remedy=remedy,
    )
