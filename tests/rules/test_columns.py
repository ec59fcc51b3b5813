"""Whole populations: numpy answers as the interpreter does, whatever the frame is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.rules.cases import FILE
from tests.rules.frames import as_dict, ids, population
from tests.rules.worlds import NOW, SEGMENTS, SIGNALS, customer, tree

from retainkit.rules import Truth, compiled, read_rulebook, why


FRAMES: dict[str, Callable[[dict[str, list[Any]]], object]] = {
    "lists": lambda made: made,
    "polars": lambda made: pl.DataFrame(made, strict=False),
    "pandas": pd.DataFrame,
    "pandas' own missing values": lambda made: pd.DataFrame(made).convert_dtypes(),
    "Arrow": lambda made: pl.DataFrame(made, strict=False).to_arrow(),
    "pandas over Arrow": lambda made: pl.DataFrame(made, strict=False)
    .to_arrow()
    .to_pandas(types_mapper=pd.ArrowDtype),
}


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
