"""What became of an effect: never a bool, and 'we don't know' is an answer of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from attrs import field, frozen

from retainkit.core._json import JsonObject


@frozen(kw_only=True)
class Answer:
    """
    The outside answered for good.

    Args:
        data: The answer in the words of the effect's kind, for example a payment outcome.
    """

    data: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class NotSent:
    """
    Refused before anything happened (409, 429, connection refused): same key, same bytes, later.

    Args:
        reason: A short machine-readable word.

        retry_after: The pause the other side asked for, if it did.
    """

    reason: str
    retry_after: timedelta | None = None


@frozen(kw_only=True)
class Unknown:
    """
    It may have happened (timeout, reset, 5xx): look it up before anything else.

    Args:
        reason: A short machine-readable word.
    """

    reason: str


@frozen(kw_only=True)
class NoEffect:
    """
    It is proved that nothing happened, and this attempt never will: a new attempt may be made.

    Args:
        reason: A short machine-readable word.
    """

    reason: str


Outcome: TypeAlias = Answer | NotSent | Unknown | NoEffect
Settled: TypeAlias = Answer | NoEffect | Unknown
"""What a feature is told: an answer, proof of nothing, or, for mail, Unknown for good."""
