"""One row of a vector file: what a translation gives back, and how it is compared; no rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from attrs import field, frozen


Row: TypeAlias = Mapping[str, Any]
"""A row of the documented format: id, system, kind, rules, input, expected, recomputed, note."""


class NotApplicable(Exception):
    """The row asks what no public name of retainkit answers; its text is the reason."""


@frozen(kw_only=True)
class Answer:
    """
    What the public API says to a row.

    Args:
        got: Our values, by the keys of the row's ``expected``.

        instead: Of a TRAP row: what is right, by the same keys, where ``expected`` is not.
    """

    got: Mapping[str, object]
    instead: Mapping[str, object] = field(factory=dict)


Verdict: TypeAlias = tuple[Literal["passed", "failed", "not applicable"], str]
"""What became of a row, and what there is to say about it."""

Translation: TypeAlias = Callable[[Row], Answer | Verdict]
"""Turns a row into calls of the public API: an `Answer` is compared by key; where keys don't fit,
a translation compares by itself. A module of translations has ``KINDS``, by kind."""


def is_trap(row: Row) -> bool:
    """Whether the row's result must not be copied."""
    return bool(row.get("trap")) or str(row.get("note") or "").startswith("TRAP")


def verdict(row: Row, answer: Answer | Verdict) -> Verdict:
    """What became of a row that was answered."""
    if not isinstance(answer, Answer):
        return answer
    wrong = differences(row, answer)
    if wrong:
        return "failed", "; ".join(wrong)
    return "passed", beside(row, answer) if is_trap(row) else ""


def differences(row: Row, answer: Answer) -> list[str]:
    """Where the answer is not what the row expects; nothing when it passes."""
    stated = {key: value for key, value in row["expected"].items() if _counts(row, key)}
    wanted = {**stated, **answer.instead}
    return [
        f"{key}: expected {value!r}, got {answer.got.get(key, 'nothing')!r}"
        for key, value in wanted.items()
        if key not in answer.got or not same(value, answer.got[key])
    ]


def beside(row: Row, answer: Answer) -> str:
    """Ours beside the other's, for a TRAP row."""
    theirs = {key: value for key, value in row["expected"].items() if not key.startswith("exact")}
    return f"ours {dict(answer.got)}, theirs {theirs}"


def same(expected: object, got: object) -> bool:
    """Whether two values mean the same: 1.5, "1.50" and 3/2 do."""
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(map(same, expected, got))
    numbers = number(expected), number(got)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return expected == got


def number(value: object) -> Fraction | None:
    """The exact number of an int, a fraction, or text such as "12.50", "3/2", "7/31 + 2/28"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Fraction | Decimal):
        return Fraction(value)
    if isinstance(value, float):
        return Fraction(str(value))
    if not isinstance(value, str):
        return None
    try:
        return sum((Fraction(part.strip()) for part in value.split(" + ")), Fraction(0))
    except (ValueError, ZeroDivisionError, InvalidOperation):
        return None


def _counts(row: Row, key: str) -> bool:
    """A remark is no result, nor is what a source calls wrong or another system's own."""
    return not re.match(rf"note_|wrong|(source_)?remark|{row['system']}_", key)
