"""The published cases against both ways to ask, and against the browser's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.rules.cases import FILE, Case, published, read_cases

from retainkit.rules import Truth, truth_of


PUBLISHED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_code_says() -> None:
    """Answers, explanations and versions, to the letter."""
    assert published() == PUBLISHED, "run python -m tests.rules.cases, and look at the difference"


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: str(case.name))
def test_a_port_can_be_checked_by_it(case: Case) -> None:
    """From the file alone: declarations, segments, rule, customer and instant give the answer."""
    truth = truth_of(case.rule, case.known, case.at, segments=case.book.segments)

    assert truth is Truth(case.result)
    assert case.book.versions()["a"] == case.version
