"""100 rules on 100,000 customers with numpy, against polars streaming on the same frame and rules.

Both begin with what they take, we with `Columns`, polars with its frame, and end with true, false
or unknown for each customer and rule, equal on both sides. The peak is that of a child process
that does our part alone, polars and its frame included; it also
prints the time of making `Columns`, and what a million customers take.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from random import Random
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from measure import in_turns
from rules_world import NOW, Customer, customer, rulebook

from retainkit.rules import (
    Ago,
    Ahead,
    AllOf,
    Amounts,
    Answers,
    AnyOf,
    AtLeast,
    Between,
    Compare,
    CompareSignals,
    Comparison,
    Condition,
    Distance,
    Missing,
    Not,
    OneOf,
    Present,
    Text,
    TextMatch,
    Time,
    Truth,
    columns,
    compiled,
    declared,
)


ROWS = 100_000
MANY = 1_000_000
SEEN = 5_000
REPEATS = 15
MOST_MEGABYTES = 300
NEVER = NOW.replace(year=1)
OPERATORS: Mapping[Comparison, Callable[[pl.Expr, Any], pl.Expr]] = {
    Comparison.LT: pl.Expr.__lt__,
    Comparison.LTE: pl.Expr.__le__,
    Comparison.EQ: pl.Expr.__eq__,
    Comparison.NE: pl.Expr.__ne__,
    Comparison.GTE: pl.Expr.__ge__,
    Comparison.GT: pl.Expr.__gt__,
}


def run(_name: str) -> dict[str, object]:
    """At most 1.2 times polars' time, and at most 300 MB."""
    rules = rulebook()
    asked = compiled(rules)
    frame = population(ROWS)
    wanted = [polars_of(rule).alias(name) for name, rule in rules.items()]
    known = columns(frame, Customer, at=NOW)
    _require_same(asked.over(known, NOW), polars_answers(frame, wanted))

    def ours() -> int:
        asked.over(known, NOW)
        return ROWS

    def theirs() -> int:
        polars_answers(frame, wanted)
        return ROWS

    result = in_turns(ours, theirs, repeats=REPEATS, bound=1 / 1.2, unit="customers a second")
    child = subprocess.run(
        [sys.executable, __file__], capture_output=True, check=True, text=True, env=os.environ
    )
    alone = json.loads(child.stdout)
    return {
        **result,
        **alone,
        "met": result["met"] and alone["peak_mb"] < MOST_MEGABYTES,
        "bound": f"at least {1 / 1.2:.3f}, under {MOST_MEGABYTES} MB",
    }


def population(rows: int) -> pl.DataFrame:
    """So many customers, drawn from some; texts as categories, which polars compares fastest."""
    chance = Random(7)  # noqa: S311 - no secret
    seen = [customer(chance) for _ in range(SEEN)]
    signals = declared(Customer)
    texts = [name for name, signal in signals.items() if isinstance(signal, Text)]
    frame = pl.DataFrame({name: [each.get(name) for each in seen] for name in signals})
    return (
        frame.with_columns(pl.col(texts).cast(pl.Categorical))
        .sample(rows, with_replacement=True, seed=7)
        .with_columns(pl.int_range(rows).cast(pl.String).alias("customer"))
        .rechunk()
    )


def polars_answers(frame: pl.DataFrame, wanted: Sequence[pl.Expr]) -> pl.DataFrame:
    """True, false or null for each rule."""
    return frame.lazy().select(wanted).collect(engine="streaming")


def polars_of(node: Condition) -> pl.Expr:
    """The same in polars, whose null is unknown and whose logic is Kleene's, too."""
    match node:
        case Not():
            return ~polars_of(node.item)
        case AllOf():
            return pl.all_horizontal([polars_of(item) for item in node.items])
        case AnyOf():
            return pl.any_horizontal([polars_of(item) for item in node.items])
        case AtLeast():
            parts = [polars_of(item) for item in node.items]
            sure = pl.sum_horizontal([part.fill_null(value=False) for part in parts])
            maybe = pl.sum_horizontal([part.fill_null(value=True) for part in parts])
            undecided = pl.when(maybe < node.count).then(statement=False)
            return pl.when(sure >= node.count).then(statement=True).otherwise(undecided)
        case Present():
            return pl.col(node.signal.name).is_not_null()
        case Missing():
            return pl.col(node.signal.name).is_null()
        case CompareSignals():
            right = pl.col(node.right.name) * float(node.factor)
            return OPERATORS[node.op](pl.col(node.left.name), right)
        case Compare() | OneOf() | Between() | TextMatch() | Ago() | Ahead():
            return leaf(node)
        case _:
            raise AssertionError(node)


def leaf(node: Compare | OneOf | Between | TextMatch | Ago | Ahead) -> pl.Expr:
    """A comparison with a value."""
    column = pl.col(node.signal.name)
    if isinstance(node.signal, Time) and node.signal.missing_means == "never":
        column = column.fill_null(NEVER)
    match node:
        case Compare(value=Amounts() as table):
            return OPERATORS[node.op](column, int(table.table[0][1]))
        case Compare():
            return OPERATORS[node.op](column, node.value)
        case OneOf():
            return column.is_in(list(node.values))
        case Between():
            return column.is_between(pl.lit(node.low), pl.lit(node.high))
        case TextMatch():
            return column.cat.starts_with(node.text)
        case Ago():
            return (
                column <= NOW - node.length
                if node.than is Distance.MORE
                else ((column > NOW - node.length) & (column <= NOW))
            )
        case Ahead():
            return (
                column > NOW + node.length
                if node.than is Distance.MORE
                else ((column > NOW) & (column <= NOW + node.length))
            )


def alone() -> dict[str, object]:
    """Our part in a process of its own, from the frame on: its time and its peak."""
    asked = compiled(rulebook())
    found: dict[str, object] = {}
    for name, rows in (("", ROWS), ("million_", MANY)):
        frame = population(rows)
        started = perf_counter()
        known = columns(frame, Customer, at=NOW)
        made = perf_counter()
        asked.over(known, NOW)
        found |= {
            f"{name}columns_s": round(made - started, 3),
            f"{name}answers_s": round(perf_counter() - made, 3),
            f"{name}peak_mb": round(getrusage(RUSAGE_SELF).ru_maxrss / 1024),
        }
    return found


def _require_same(ours: Answers, theirs: pl.DataFrame) -> None:
    for name in ours.names:
        said = theirs[name]
        same = (
            np.array_equal(ours.mask(name, Truth.UNKNOWN), said.is_null().to_numpy()),
            np.array_equal(ours.mask(name), said.fill_null(value=False).to_numpy()),
        )
        if not all(same):
            raise SystemExit(f"polars answers otherwise: {name}")


if __name__ == "__main__":
    print(json.dumps(alone()))
