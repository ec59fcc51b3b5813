"""True, false and unknown, and what they make together; what is compared is in the tree."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NoReturn

from retainkit.errors import InvalidInput


class Truth(Enum):
    """
    The answer of a rule; never a bool, since 'we don't know' is neither yes nor no.

    A rule fires only on true, stops only on false, and holds on unknown. Kleene's strong logic
    (S. C. Kleene, Introduction to Metamathematics, 1952, section 64): whatever is decided by what
    is known is decided, the rest is unknown.
    """

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        raise InvalidInput(
            "An answer of three values is no bool",
            code="rules.truth_as_bool",
            field="truth",
            value=self.value,
            remedy="compare it: `truth is Truth.TRUE`",
        )

    def __invert__(self) -> Truth:
        if self is Truth.UNKNOWN:
            return self
        return Truth.FALSE if self is Truth.TRUE else Truth.TRUE


def all_true(truths: Iterable[Truth]) -> Truth:
    """False as soon as one is false; else unknown as soon as one is; else true."""
    seen = tuple(truths)
    if Truth.FALSE in seen:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in seen else Truth.TRUE


def any_true(truths: Iterable[Truth]) -> Truth:
    """True as soon as one is true; else unknown as soon as one is; else false."""
    return ~all_true(~truth for truth in truths)


def so_many_true(count: int, truths: Iterable[Truth]) -> Truth:
    """True when so many are true; false when so many can't be, whatever the unknown ones are."""
    seen = list(truths)
    sure = seen.count(Truth.TRUE)
    if sure >= count:
        return Truth.TRUE
    return Truth.FALSE if sure + seen.count(Truth.UNKNOWN) < count else Truth.UNKNOWN
