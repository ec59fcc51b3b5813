"""Whole populations: numpy answers as the interpreter does, whatever the frame is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from unittest.mock import ANY

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from attrs import evolve
from tests.rules.cases import read_cases
from tests.rules.frames import as_dict, population
from tests.rules.worlds import NOW, SEGMENTS, SIGNALS, customer, tree
from tests.rules.worlds import Customer as World

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    Duration,
    Flag,
    Number,
    Reading,
    Signals,
    Text,
    Time,
    Truth,
    amounts,
    columns,
    compiled,
    days,
    diff,
    hours,
    readings,
    signals_of,
    truth_of,
    why,
)
from retainkit.rules._masks import CHUNK


FRAMES: dict[str, Callable[[dict[str, list[Any]]], object]] = {
    "lists": lambda made: made,
    "polars": lambda made: pl.DataFrame(made, strict=False),
    "pandas": pd.DataFrame,
    "pandas' own missing values": lambda made: pd.DataFrame(made).convert_dtypes(),
    "Arrow": lambda made: pl.DataFrame(made, strict=False).to_arrow(),
    "Arrow's dictionaries": lambda made: (
        pl.DataFrame(made, strict=False)
        .with_columns(pl.col(pl.String).cast(pl.Categorical))
        .to_arrow()
    ),
    "pandas over Arrow": lambda made: (
        pl.DataFrame(made, strict=False).to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
    ),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_value_of_each_kind_is_read_and_what_is_missing_is_unknown(kind: str) -> None:
    """Whatever types the frame has for them, and for what it has not."""
    values: dict[str, object] = {
        "usage": 3,
        "before": 0.5,
        "mrr": money("7.50", "EUR"),
        "answered": hours(1),
        "renewal": NOW,
        "plan": "team",
        "opted_out": True,
    }
    everybody = [readings(World, values, at=NOW), readings(World, {}, at=NOW)]
    rules = {
        "usage": World.usage.eq(3),
        "before": World.before.eq(0.5),
        "mrr": World.mrr.eq(money("7.50", "EUR")),
        "answered": World.answered.eq(hours(1)),
        "renewal": World.renewal.eq(NOW),
        "plan": World.plan.eq("team"),
        "opted_out": World.opted_out.is_true(),
    }
    made = population(FRAMES[kind](as_dict(SIGNALS, everybody)), SIGNALS)
    answers = compiled(rules).over(made, NOW)
    for name in rules:
        assert answers.mask(name, Truth.TRUE).tolist() == [True, False], name
        assert answers.mask(name, Truth.UNKNOWN).tolist() == [False, True], name


@pytest.mark.parametrize("kind", FRAMES)
def test_columns_agree_with_the_naive_interpreter(kind: str) -> None:
    """Interpreter, closures and numpy give one answer, in 5,000 cases of each kind of frame."""
    chance = Random(f"columns {kind}")
    seen = dict.fromkeys(Truth, 0)
    for _ in range(10):
        everybody = [customer(chance) for _ in range(25)]
        rules = {f"rule {row}": tree(chance, with_segments=True) for row in range(20)}
        asked = compiled(rules, segments=SEGMENTS)
        made = population(FRAMES[kind](as_dict(SIGNALS, everybody)), SIGNALS)
        at = NOW + timedelta(hours=chance.randint(0, 200))
        answers = asked.over(made, at)
        for name, rule in rules.items():
            masks = {truth: answers.mask(name, truth).tolist() for truth in Truth}
            for row, known in enumerate(everybody):
                truth = why(rule, known, at, segments=SEGMENTS).truth
                assert [each for each in Truth if masks[each][row]] == [truth], (rule, known)
                assert asked.truths(known, at)[name] is truth
                seen[truth] += 1
    assert sum(seen.values()) == 5_000
    assert min(seen.values()) > 500


def test_the_published_cases_have_the_same_answers() -> None:
    """Each case is a population of one."""
    for case in read_cases():
        read = {**case.book.signals, **{signal.name: signal for signal in signals_of(case.rule)}}
        made = population(as_dict(read, [case.known]), read)
        answers = compiled({"a": case.rule}, segments=case.book.segments).over(made, case.at)
        assert answers.count("a", Truth(case.result)) == 1, case.name


class Customer(Signals):
    """What the stories are about."""

    mrr = Amount()
    paid = Amount(currency="EUR")
    seats = Number()
    nps = Number(fresh_for=days(30))
    plan = Text(one_of=("free", "team"))
    industry = Text()
    answered = Duration()
    last_login_at = Time(missing="never")
    renewal_at = Time()
    opted_out = Flag()


C = Customer


def _asked(rule: Condition, frame: object, **options: Any) -> list[Truth]:
    answers = compiled({"rule": rule}).over(columns(frame, Customer, **options), NOW)
    masks = {truth: answers.mask("rule", truth).tolist() for truth in Truth}
    return [
        next(truth for truth in Truth if masks[truth][row])
        for row in range(len(answers.population))
    ]


T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN

TICK = timedelta(microseconds=1)
EDGES: dict[str, list[Any]] = {
    "seats": [-0.0, 5e-324, 0.1, 0.3, 1 / 3, 1e308, -1e308, 2**53, -(2**53)]
    + [sign * 2**bits for bits in (7, 8, 15, 31) for sign in (1, -1)],
    "paid": [
        *map(
            Decimal, ("0", "0.1", "0.3", "0.000001", "0.0000001", "-0.3333333333333333333", "1e20")
        ),
        *map(Decimal, ("9223372036854.775807", "9223372036854.775808", "-9223372036854.775808")),
    ],
    "answered": [timedelta(0), days(1) - TICK, days(1), days(1) + TICK, -days(1), timedelta.max],
    "renewal_at": [
        NOW + far + off
        for far in (-days(14), timedelta(0), days(14))
        for off in (-TICK, timedelta(0), TICK)
    ],
    "industry": ["", "a", "a\0", "A", "\u00e4", "a\u0308", "\U0001f600", "None", "nan"],
}


def _at_the_edges(name: str, other: Any) -> list[Condition]:
    """What can be asked of a signal and another one of its kind, against the values themselves."""
    signal: Any = getattr(Customer, name)
    limits = [timedelta(0), days(1)] if name == "answered" else EDGES[name]
    asked = [signal.eq(other), *map(signal.eq, limits)]
    if name == "industry":
        return asked
    asked += [signal < other, *(signal < each for each in limits), *map(signal.__ge__, limits)]
    if name == "renewal_at":
        asked += [signal.more_than_ago(days(14)), signal.less_than_ago(days(14))]
        return [*asked, signal.more_than_ahead(days(14)), signal.less_than_ahead(days(14))]
    return [
        *asked,
        signal < other * 3,
        signal > other * (0.7 if name == "seats" else Decimal("0.7")),
    ]


@pytest.mark.parametrize("name", EDGES)
def test_where_types_end_they_agree(name: str) -> None:
    """Each value beside each other one: nothing is rounded, and nothing overflows."""
    signals = {
        name: getattr(Customer, name),
        "other": evolve(getattr(Customer, name), name="other"),
    }
    values = [value for value in EDGES[name] for _ in EDGES[name]]
    others = EDGES[name] * len(EDGES[name])
    frame = {"customer": [str(row) for row in range(len(values))], name: values, "other": others}
    rules = {str(at): rule for at, rule in enumerate(_at_the_edges(name, signals["other"]))}
    answers = compiled(rules).over(columns(frame, signals), NOW)
    said = {rule: answers.mask(rule).tolist() for rule in rules}
    for row, pair in enumerate(zip(values, others, strict=True)):
        cash = [money(each, "EUR") for each in pair] if name == "paid" else pair
        known = readings(signals, dict(zip(signals, cash, strict=True)))
        for rule, condition in rules.items():
            truth = why(condition, known, NOW).truth
            assert truth is (T if said[rule][row] else F), (condition, pair)
            assert truth_of(condition, known, NOW) is truth


def test_whole_numbers_of_any_width_agree() -> None:
    """However few bits hold them: limits may need more."""
    for bits in (6, 7, 8, 15, 31, 52):
        values = [0, 2**bits - 1, -(2**bits)]
        frame = pl.DataFrame({"customer": list("abc"), "seats": values})
        each = [readings(Customer, {"seats": value}) for value in values]
        for limit in EDGES["seats"]:
            for rule in (C.seats < limit, C.seats.ne(limit), C.seats.one_of(limit, 0)):
                assert _asked(rule, frame) == [truth_of(rule, known, NOW) for known in each]


def test_who_is_in_and_of_whom_nothing_is_known() -> None:
    """Three lists, and the numbers of each."""
    frame = {"customer": ["a", "b", "c", "d"], "seats": [5, None, 20, 7]}
    answers = compiled({"few": C.seats < 10}).over(columns(frame, Customer), NOW)

    assert answers.customers("few") == ("a", "d")
    assert answers.customers("few", Truth.FALSE) == ("c",)
    assert answers.customers("few", Truth.UNKNOWN) == ("b",)
    assert [answers.count("few", truth) for truth in (T, F, U)] == [2, 1, 1]
    assert (answers.names, answers.now, len(answers.population)) == (("few",), NOW, 4)


def test_amounts_are_exact_however_they_come() -> None:
    """Whole numbers, decimals, texts, money; finer or larger than an int of numpy holds."""
    limit = C.mrr >= amounts(money("0.3", "EUR"), money("5", "USD"))
    given = [Decimal("0.1") + Decimal("0.2"), "0.29", 1, money("4.99", "USD"), money(5, "CHF"), 1]
    frame = {
        "customer": list("abcdef"),
        "mrr": given,
        "code": ["EUR", "eur", "USD", None, "EUR", None],
    }
    assert _asked(limit, frame, currency="code") == [T, F, F, F, U, U]

    large, fine = 10**16, Decimal("0.0000001")
    frame = {"customer": ["a", "b", "c"], "paid": [large, fine, -large]}
    assert _asked(C.paid > large - 1, frame) == [T, F, F]
    assert _asked(C.paid > 0, frame) == [T, T, F]
    assert _asked(C.paid > Decimal("0.00000009"), frame) == [T, T, F]
    frame = {"customer": ["a", "b"], "paid": [1, 2]}
    assert _asked(C.paid >= Decimal("1.0000001"), frame) == [F, T]
    for made in (pl.DataFrame, pd.DataFrame, lambda data: pd.DataFrame(data, dtype=object)):
        assert _asked(C.paid > 0, made({"customer": ["a"], "paid": [1]})) == [T]
    gaps = pd.DataFrame({"customer": ["a", "b"], "paid": pd.array([1, None], dtype="Int64")})
    assert _asked(C.paid > 0, gaps) == [T, U]
    assert _asked(C.paid > 0, pl.DataFrame({"customer": ["a", "b"], "paid": [1, None]})) == [T, U]
    assert _asked(C.paid > 0, gaps.astype({"paid": object})) == [T, U]


def test_factors_of_amounts_are_exact() -> None:
    """A third is a third, beyond the range of numpy's ints too."""
    frame = {
        "customer": ["a", "b", "c"],
        "mrr": [1, 3 * 10**12, 1],
        "paid": [3, 9 * 10**12, 3],
        "code": ["EUR", "EUR", "USD"],
    }
    third = C.paid * Fraction(1, 3)
    assert _asked(C.mrr.eq(third), frame, currency={"mrr": "code"}) == [T, T, U]
    assert _asked(C.mrr < third, frame, currency={"mrr": "code"}) == [F, F, U]


def test_huge_factors_are_exact() -> None:
    """Nothing overflows, be it of nothing."""
    frame = {"customer": ["a", "b"], "mrr": [0, 1], "paid": [0, 1]}
    code = {"currency": {"mrr": "code"}}
    huge = C.paid * 10**30
    assert _asked(C.mrr < huge, {**frame, "code": ["EUR", "EUR"]}, **code) == [F, T]
    assert _asked(C.mrr >= huge, {**frame, "code": ["EUR", "EUR"]}, **code) == [T, F]


def test_texts_are_compared_as_texts() -> None:
    """With each other, with some, with many; a text that the other column never has is none."""
    frame = {"customer": list("abcd"), "plan": ["team", "free", "team", None]}
    frame["industry"] = ["free", "free", "else", "free"]
    assert _asked(C.plan.eq(C.industry), frame) == [F, T, F, U]
    assert _asked(C.plan.ne(C.industry), frame) == [T, F, T, U]
    many = [f"kind {row}" for row in range(300)]
    frame = {"customer": many, "industry": many}
    assert _asked(C.industry.one_of(*many[:9]), frame) == [T] * 9 + [F] * 291
    assert _asked(C.industry.ends_with("99"), frame).count(T) == 3


@pytest.mark.parametrize("encoded", [pl.Categorical, pl.Enum(["free", "team"])])
def test_what_is_missing_of_encoded_texts_is_missing(encoded: pl.DataType) -> None:
    """Of polars, pandas and Arrow, where a dictionary's own array has the last text instead."""
    made = pl.DataFrame(
        {"customer": ["a", "b", "c"], "plan": pl.Series(["free", "team", None], dtype=encoded)}
    )
    batch = made.to_arrow().to_batches()[0]
    for frame in (made, made.to_pandas(), made.to_arrow(), batch):
        assert _asked(C.plan.eq("team"), frame) == [F, T, U]
    assert _asked(
        C.plan.missing(), pa.concat_tables([made.to_arrow()[:2], made.to_arrow()[2:]])
    ) == [F, F, T]


def test_large_whole_numbers_with_gaps_are_exact() -> None:
    """Polars, pandas and Arrow have numbers with gaps as floats, which end at 2 to the 53rd."""
    large = 2**60 + 1
    table = {"customer": ["a", "b"], "paid": [large, None]}
    frames = (
        pl.DataFrame(table),
        pa.table(table),
        pd.DataFrame({**table, "paid": pd.array(table["paid"], dtype="Int64")}),
        pa.table(table).to_pandas(types_mapper=pd.ArrowDtype),
    )
    for frame in frames:
        assert _asked(C.paid.eq(large), frame) == [T, U]
        with pytest.raises(InvalidInput) as caught:
            columns(frame, {"paid": evolve(Number(), name="paid")})
        assert (caught.value.code, caught.value.value) == ("rules.not_finite", str(large))
    least = {"customer": ["a"], "paid": np.array([-(2**63)])}
    assert _asked(C.paid < 0, least) == [T]


def test_lengths_of_any_size() -> None:
    """`timedelta.max` is one, too."""
    frame = {"customer": ["a", "b", "c"], "answered": [timedelta.max, hours(1), None]}
    assert _asked(C.answered > hours(2), frame) == [T, F, U]
    assert _asked(C.answered <= C.answered * 2, frame) == [T, T, U]


def test_amounts_with_gaps_and_a_column_of_currencies() -> None:
    """Whole numbers with gaps are whole, as pandas has them, beside their currencies."""
    paid = pd.array([5, None], dtype="Int64")
    frame = pd.DataFrame({"customer": ["a", "b"], "mrr": paid, "code": ["EUR", "USD"]})
    rule = C.mrr >= amounts(money("5", "EUR"), money("5", "USD"))
    assert _asked(rule, frame, currency={"mrr": "code"}) == [T, U]


def test_a_text_beside_one_that_nobody_has() -> None:
    """A signal without a column is missing of everybody, on either side."""
    frame = {"customer": ["a", "b"], "industry": ["x", None]}
    assert _asked(C.industry.eq(C.plan), frame) == [U, U]
    assert _asked(C.plan.ne(C.industry), frame) == [U, U]


def test_scalars_of_numpy_are_those_of_python() -> None:
    """A list made of an array has them, and so may a customer's id."""
    frame = {
        "customer": list(np.array(["a", "b"])),
        "seats": list(np.array([1, 3])),
        "opted_out": [np.bool_(True), None],
        "industry": list(np.array(["x", "y"])),
    }
    assert _asked(C.seats > 2, frame) == [F, T]
    assert _asked(C.opted_out.is_true(), frame) == [T, U]
    assert _asked(C.industry.eq("x"), frame) == [T, F]


def test_what_is_masked_is_missing() -> None:
    """In an array of numpy."""
    masked = np.ma.array([5, 5], mask=[False, True])
    assert _asked(C.seats > 2, {"customer": ["a", "b"], "seats": masked}) == [T, U]


def test_a_population_keeps_what_it_was_made_of() -> None:
    """Whatever becomes of the frame, which stays as it is."""
    seats, out = np.array([5.0, np.nan]), np.array([True, False])
    made = columns({"customer": ["a", "b"], "seats": seats, "opted_out": out}, Customer)
    assert (str(seats), str(out)) == ("[ 5. nan]", "[ True False]")
    seats[:], out[:] = 0, False
    answers = compiled({"few": C.seats > 2, "out": C.opted_out.is_true()}).over(made, NOW)
    assert (answers.customers("few"), answers.customers("out")) == (("a",), ("a",))


def test_one_column_is_left_out_by_its_name() -> None:
    """The whole name, not what is part of it."""
    frame = {"customer": ["a"], "seats": [5], "seats_before": [9]}
    assert _asked(C.seats > 2, frame, ignore="seats_before") == [T]


def test_arrays_of_numpy_are_columns() -> None:
    """But for instants, which have no zone in numpy."""
    frame = {
        "customer": np.array(["a", "b"]),
        "seats": np.array([3, np.nan]),
        "opted_out": np.array([True, False]),
        "answered": np.array([3_600_000_000_999, "NaT"], dtype="m8[ns]"),
        "industry": np.array(["retail", "other"]),
    }
    assert _asked(C.seats < 5, frame) == [T, U]
    assert _asked(C.opted_out.is_true(), frame) == [T, F]
    assert _asked(C.answered <= hours(1), frame) == [T, U]
    assert _asked(C.industry.contains("tai"), frame) == [T, F]
    assert _asked(C.industry.present(), frame) == [T, T]


def test_never_stale_and_missing_are_three_things() -> None:
    """Never is long ago, stale is unknown; what is missing is not stale."""
    frame = {
        "customer": ["a", "b", "c"],
        "last_login_at": [None, NOW - days(20), NOW - days(20)],
        "good_until": [NOW - days(1), NOW - days(1), None],
    }
    until = {"last_login_at": "good_until"}
    assert _asked(C.last_login_at.more_than_ago(days(14)), frame, until=until) == [T, U, T]
    assert _asked(C.last_login_at.present(), frame, until=until) == [F, F, T]
    assert _asked(C.last_login_at.more_than_ago(days(14)), {"customer": ["a"]}) == [T]
    assert _asked(C.renewal_at.missing(), {"customer": ["a"]}) == [T]


def test_never_does_not_end_with_the_day_it_was_looked_for() -> None:
    """Interpreter, closures and numpy agree."""
    ended = NOW - days(1)
    quiet = C.last_login_at.more_than_ago(days(14))
    known = readings(Customer, {"last_login_at": Reading(value=None, until=ended)})
    assert why(quiet, known, NOW).truth is truth_of(quiet, known, NOW) is T
    frame = {"customer": ["a"], "last_login_at": [None], "good_until": [ended]}
    assert _asked(quiet, frame, until={"last_login_at": "good_until"}) == [T]


def test_values_are_believed_as_long_as_declared() -> None:
    """One time for all, or one for each row."""
    frame = {"customer": ["a", "b"], "nps": [3, 3], "asked_at": [NOW - days(29), NOW - days(30)]}
    assert _asked(C.nps < 7, frame, at="asked_at") == [T, U]
    frame.pop("asked_at")
    assert _asked(C.nps < 7, frame, at=NOW - days(29)) == [T, T]
    assert _asked(C.nps < 7, frame, at=NOW - days(30)) == [U, U]


def test_all_chunks_are_asked() -> None:
    """More customers than fit into one, and no multiple of eight."""
    rows = CHUNK + 13
    names = [str(row) for row in range(rows)]
    made = columns({"customer": names, "seats": list(range(rows)), "industry": names}, Customer)
    asked = compiled({"last": C.seats >= rows - 14, "zeros": C.industry.ends_with("0000")})
    answers = asked.over(made, NOW)

    assert answers.customers("last") == tuple(names[-14:])
    assert answers.count("last", Truth.FALSE) == rows - 14
    assert answers.customers("zeros") == tuple(n for n in names if n.endswith("0000"))
    again = asked.over(made, NOW)
    assert again.customers("zeros") == answers.customers("zeros")


def test_nobody_is_a_population() -> None:
    """An empty frame has no answers, and no error."""
    frame = pd.DataFrame({"customer": [], "seats": [], "plan": [], "mrr": []})
    answers = compiled({"few": C.seats < 10}).over(columns(frame, Customer, currency={}), NOW)
    assert answers.customers("few") == ()


def test_a_difference_of_populations() -> None:
    """Who enters, who leaves, who is held: of columns as of readings."""
    chance = Random(8)
    for _ in range(50):
        everybody = [customer(chance) for _ in range(20)]
        old, new = tree(chance, with_segments=True), tree(chance, with_segments=True)
        told = {"old_segments": SEGMENTS, "new_segments": SEGMENTS}
        made = population(as_dict(SIGNALS, everybody), SIGNALS)
        one_by_one = zip(made.customers, everybody, strict=True)
        assert diff(old, new, made, NOW, **told) == diff(old, new, one_by_one, NOW, **told)


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        ({"customer": ["a", None]}, {}, ("rules.customer_missing", "customer[1]", None)),
        (
            pd.DataFrame({"customer": ["a", None]}).convert_dtypes(),
            {},
            ("rules.customer_missing", "customer[1]", None),
        ),
        ({"customer": [0, 2]}, {}, ("rules.value_type", "customer[0]", "0")),
        ({"customer": ["a", ""]}, {}, ("rules.customer_missing", "customer[1]", None)),
        ({"customer": [1, 2]}, {}, ("rules.value_type", "customer[0]", "1")),
        ({"customer": ["a", "b", "a"]}, {}, ("rules.customer_twice", "customer[2]", "a")),
        ({"id": ["a"]}, {}, ("rules.no_column", "key", "customer")),
        (
            {"customer": ["a"], "renewal_at": np.array(["2026-11-01"], dtype="M8[us]")},
            {},
            ("time.naive", "renewal_at", "datetime64[us]"),
        ),
        ([1, 2], {}, ("rules.no_frame", "frame", "list")),
        (pl.LazyFrame({"customer": ["a"]}), {}, ("rules.no_frame", "frame", "LazyFrame")),
        ({"customer": ["a"], "saets": [1]}, {}, ("rules.unknown_signal", "saets", "saets")),
        ({"customer": ["a"], "seats": [1, 2]}, {}, ("rules.column_length", "seats", 2)),
        ({"customer": ["a"], "seats": 5}, {}, ("rules.column_length", "seats", "int")),
        ({"customer": ["a"], "plan": "team"}, {}, ("rules.column_length", "plan", "str")),
        (
            {"customer": ["a"], "seats": np.array(5)},
            {},
            ("rules.column_length", "seats", "ndarray"),
        ),
        (
            pd.DataFrame([["a", 1, 2]], columns=["customer", "seats", "seats"]),
            {},
            ("rules.column_twice", "seats", "seats"),
        ),
        ({"customer": ["a"], 1: [1]}, {}, ("rules.unknown_signal", "1", "1")),
        ({"customer": ["a", "b"], "seats": [1, "2"]}, {}, ("rules.value_type", "seats[1]", "2")),
        ({"customer": ["a", "b"], "seats": [1, True]}, {}, ("rules.value_type", "seats[1]", True)),
        *(
            (
                {"customer": ["a", "b"], "seats": made([1, number])},
                {},
                ("rules.not_finite", "seats[1]", str(number)),
            )
            for number in (2**53 + 1, -(2**53) - 1)
            for made in (list, np.array, pl.Series, pd.Series, pa.array)
        ),
        (
            pl.DataFrame({"customer": ["a", "b"], "seats": [1.5, float("inf")]}),
            {},
            ("rules.not_finite", "seats[1]", "inf"),
        ),
        (
            pl.DataFrame({"customer": ["a", "b"], "seats": [1, 2**60]}),
            {},
            ("rules.not_finite", "seats[1]", str(2**60)),
        ),
        ({"customer": ["a"], "plan": ["taem"]}, {}, ("rules.not_a_choice", "plan[0]", "taem")),
        ({"customer": ["a"], "industry": [["x"]]}, {}, ("rules.value_type", "industry[0]", "list")),
        ({"customer": ["a"], "opted_out": [1]}, {}, ("rules.value_type", "opted_out[0]", 1)),
        ({"customer": ["a"], "answered": [5]}, {}, ("rules.value_type", "answered[0]", 5)),
        (
            {"customer": ["a"], "industry": np.array(["2026-11-01"], dtype="M8[ns]")},
            {},
            ("rules.value_type", "industry[0]", ANY),
        ),
        (
            {"customer": ["a", "b"], "renewal_at": [NOW, NOW.replace(tzinfo=None)]},
            {},
            ("time.naive", "renewal_at[1]", ANY),
        ),
        (
            pl.DataFrame({"customer": ["a"], "renewal_at": [NOW.replace(tzinfo=None)]}),
            {},
            ("time.naive", "renewal_at", ANY),
        ),
        (
            pa.table(
                {"customer": ["a"], "renewal_at": pa.array([2**55], pa.timestamp("s", "UTC"))}
            ),
            {},
            ("time.out_of_range", "renewal_at[0]", ANY),
        ),
        ({"customer": ["a"], "paid": [9.99]}, {}, ("money.float", "paid[0]", 9.99)),
        (
            pl.DataFrame({"customer": ["a"], "paid": [9.99]}),
            {},
            ("money.float", "paid[0]", 9.99),
        ),
        ({"customer": ["a"], "paid": ["a lot"]}, {}, ("rules.value_type", "paid[0]", "a lot")),
        ({"customer": ["a"], "mrr": [5]}, {}, ("rules.currency_missing", "mrr[0]", "5")),
        (
            {"customer": ["a"], "paid": [money(5, "USD")]},
            {},
            ("rules.currency", "paid[0]", "USD"),
        ),
        (
            {"customer": ["a"], "mrr": [5], "code": ["EURO"]},
            {"currency": "code"},
            ("rules.value_type", "code[0]", "EURO"),
        ),
        (
            {"customer": ["a"], "paid": [5], "code": ["USD"]},
            {"currency": "code"},
            ("rules.currency", "code[0]", "USD"),
        ),
        (
            {"customer": ["a"], "mrr": [5]},
            {"currency": "cod"},
            ("rules.no_column", "currency", "cod"),
        ),
        ({"customer": ["a"], "nps": [5]}, {}, ("rules.reading_time", "nps", None)),
        (
            {"customer": ["a", "b"], "nps": [None, 5], "on": [None, None]},
            {"at": "on"},
            ("rules.reading_time", "nps[1]", None),
        ),
        (
            {"customer": ["a"], "nps": [5]},
            {"at": NOW.replace(tzinfo=None)},
            ("time.naive", "at", ANY),
        ),
        (
            {"customer": ["a"], "nps": [5]},
            {"at": NOW.date()},
            ("time.not_a_datetime", "at", ANY),
        ),
        *(
            (
                {"customer": ["a"], "seats": [5], "told": [None]},
                {option: {"saets": "told"}},
                ("rules.unknown_signal", option, "saets"),
            )
            for option in ("currency", "at", "until")
        ),
    ],
)
def test_what_can_not_be_right_is_refused(
    frame: object, options: dict[str, Any], said: tuple[str, str, object]
) -> None:
    """Code, place, value and a way out, for each mistake of a frame."""
    with pytest.raises(InvalidInput) as caught:
        columns(frame, Customer, **options)
    error = caught.value
    assert (error.code, error.field, error.value) == said
    assert error.remedy


def test_a_misspelt_column_is_named_with_the_nearest_signal() -> None:
    """And with the way to leave it out."""
    frame = {"customer": ["a"], "saets": [1]}
    with pytest.raises(InvalidInput) as caught:
        columns(frame, Customer)
    assert "did you mean 'seats'?" in caught.value.remedy
    assert "ignore=('saets',)" in caught.value.remedy
    assert len(columns(frame, Customer, ignore=("saets",))) == 1


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"customer": ["a"], "renewal_at": [NOW.date()]}), "pl.Datetime('us', 'UTC')"),
        (pd.DataFrame({"customer": ["a"]}).set_index("customer"), ".reset_index()"),
        (pd.DataFrame({"customer": ["a", "b"], "paid": [490, None]}), ".astype('Int64')"),
    ],
)
def test_what_frames_of_warehouses_are_like_has_a_way_out(frame: object, said: str) -> None:
    """Days for instants, customers as an index, whole numbers that pandas made floats of."""
    with pytest.raises(InvalidInput) as caught:
        columns(frame, Customer)
    assert said in caught.value.remedy


def test_a_column_of_another_kind_is_no_answer() -> None:
    """Rules and columns come from one declaration."""
    made = columns({"customer": ["a"], "plan": ["team"]}, Customer)
    with pytest.raises(InvalidInput) as caught:
        compiled({"rule": evolve(Number(), name="plan") > 5}).over(made, NOW)
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.signal_clash", "plan", "text")
    assert error.remedy


def test_only_what_was_asked_is_answered() -> None:
    """The nearest name is proposed."""
    asked = compiled({"few": C.seats < 10})
    known = readings(Customer, {})
    for ask in (
        asked.over(columns({"customer": ["a"]}, Customer), NOW).mask,
        lambda name: asked.truths(known, NOW, only=(name,)),
        lambda name: asked.next_flip(name, known, NOW),
    ):
        with pytest.raises(InvalidInput) as caught:
            ask("fwe")
        error = caught.value
        assert (error.code, error.field, error.value) == ("rules.unknown_rule", "name", "fwe")
        assert error.remedy == "did you mean 'few'?"


def test_without_numpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named, and nothing else of rules needs it."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ConfigurationError) as caught:
        columns({"customer": ["a"]}, Customer)
    error = caught.value
    assert (error.code, error.field, error.value) == ("missing_extra", "batch", None)
    assert error.remedy == "install retainkit-sdk[batch]"


def test_numpy_is_loaded_by_nobody_else() -> None:
    """`import retainkit.rules` stays light."""
    program = "import sys, retainkit.rules; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
