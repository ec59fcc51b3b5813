"""The truth tables of the page of rules against the interpreter, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.docs._pages import coded, page

from retainkit.rules import (
    Compiled,
    Condition,
    Flag,
    Signals,
    Time,
    Truth,
    at_least,
    compiled,
    readings,
    segment,
    why,
)


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
TRUTHS: dict[str, Truth] = {truth.value: truth for truth in Truth}
FLAGS = {"true": True, "false": False, "unknown": None}
TIMES: dict[str, tuple[str, datetime | None]] = {
    "never": ("never", None),
    "known": ("known", NOW),
    "unknown": ("known", None),
}


class Customer(Signals):
    """Three flags, and times whose absence means never or nothing, on either side."""

    a = Flag()
    b = Flag()
    c = Flag()
    left_never = Time(missing="never")
    left_known = Time()
    right_never = Time(missing="never")
    right_known = Time()


def table(*head: str) -> list[list[str]]:
    """The rows of the table of the page that has this head."""
    lines = iter(page("rules").splitlines())
    wanted = "| " + " | ".join(head) + " |"
    next(line for line in lines if line == wanted)
    next(lines)
    found: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    assert found
    return found


def answers(when: Condition, values: dict[str, object], segments: dict[str, Condition]) -> set[str]:
    """What every way of asking says."""
    known = readings(Customer, values, at=NOW)
    book: Compiled = compiled({"when": when}, segments=segments)
    told = why(when, known, NOW, segments=segments).truth
    return {told.value, book.truths(known, NOW)["when"].value}


def flags(*truths: str) -> dict[str, object]:
    """A customer whose flags say so."""
    return dict(zip("abc", (FLAGS[truth] for truth in truths), strict=False))


A, B, C = (each.is_true() for each in (Customer.a, Customer.b, Customer.c))


def test_and_or_and_not() -> None:
    """All nine rows."""
    rows = table("a", "b", "`a & b`", r"`a \| b`", "`~a`")
    assert len({(row[0], row[1]) for row in rows}) == len(TRUTHS) ** 2
    for a, b, both, either, neither in rows:
        for when, said in ((A & B, both), (A | B, either), (~A, neither)):
            assert answers(when, flags(a, b), {}) == {said}, (a, b, when)


def test_so_many_of_three() -> None:
    """All ten rows, with each number that can be asked for."""
    numbers = (1, 2, 3)
    said = [f"`at_least({count}, a, b, c)`" for count in numbers]
    rows = table("true", "false", "unknown", *said)
    assert {sum(map(int, row[:3])) for row in rows} == {3}
    assert len({tuple(row[:3]) for row in rows}) == len(rows) == 10
    for row in rows:
        each = [truth for truth, many in zip(FLAGS, row[:3], strict=True) for _ in range(int(many))]
        for count, cell in zip(numbers, row[3:], strict=True):
            assert answers(at_least(count, A, B, C), flags(*each), {}) == {cell}, (row, count)


def test_a_segment() -> None:
    """What its condition says, and the contrary of it."""
    rows = table("its condition", '`segment("s")`', '`~segment("s")`')
    assert {row[0] for row in rows} == set(TRUTHS)
    for inside, is_in, is_out in rows:
        for when, said in ((segment("s"), is_in), (~segment("s"), is_out)):
            assert answers(when, flags(inside), {"s": A}) == {said}, (inside, when)


OPS: list[tuple[str, Callable[[Any, Any], Condition]]] = [
    ("<", lambda left, right: left < right),
    ("<=", lambda left, right: left <= right),
    ("eq", lambda left, right: left.eq(right)),
    ("ne", lambda left, right: left.ne(right)),
    (">=", lambda left, right: left >= right),
    (">", lambda left, right: left > right),
]


def test_two_times_of_which_one_is_never() -> None:
    """Every comparison of what never was with what was, is unknown, or never was."""
    signals = Customer.__dict__
    rows = table("left", "right", *(f"`{op}`" for op, _ in OPS))
    assert {frozenset(row[:2]) for row in rows} == {
        frozenset({"never"}),
        frozenset({"never", "known"}),
        frozenset({"never", "unknown"}),
    }
    for left, right, *cells in rows:
        (one, first), (other, second) = TIMES[left], TIMES[right]
        values: dict[str, object] = {f"left_{one}": first, f"right_{other}": second}
        for (op, compared), cell in zip(OPS, cells, strict=True):
            when = compared(signals[f"left_{one}"], signals[f"right_{other}"])
            assert answers(when, values, {}) == {cell}, (left, op, right)


@pytest.mark.parametrize("column", [1, 2])
def test_a_time_that_is_not_there(column: int) -> None:
    """Unknown, or what the row of `Compare` says of never."""
    rows = table("leaf", "no value", 'no value, and `missing="never"`', "too old", "other currency")
    cell = next(row[column] for row in rows if "Compare" in coded(row[0]))
    true = set() if column == 1 else set(coded(cell))
    signal = Customer.left_known if column == 1 else Customer.left_never
    for op, compared in OPS:
        said = cell if column == 1 else ("true" if op in true else "false")
        assert answers(compared(signal, NOW), {}, {}) == {said}, op
    assert true == (set() if column == 1 else {"<", "<=", "ne"})
