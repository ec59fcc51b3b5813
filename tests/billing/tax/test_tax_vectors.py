"""The shared tax vectors, all of them, through the public API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.vectors._rows import is_trap, verdict
from tests.vectors._tax import KINDS


ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "tax_vectors.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
OURS = [row for row in ROWS if row["kind"] in KINDS]


@pytest.mark.parametrize("row", OURS, ids=lambda row: row["id"])
def test_a_vector_holds(row: Mapping[str, Any]) -> None:
    """A TRAP row passes with our answer, which is not the other system's."""
    outcome, detail = verdict(row, KINDS[row["kind"]](row))
    assert outcome == "passed", detail


def test_every_kind_of_tax_is_there() -> None:
    """Invoice totals have a translation of their own; nothing else is left out."""
    assert {row["kind"] for row in ROWS} - set(KINDS) == {"invoice_totals"}
    assert Counter(row["kind"] for row in OURS).total() > 200
    assert sum(is_trap(row) for row in OURS) == 7
