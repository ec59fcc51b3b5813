"""The published cases against both ways to ask, and against the browser's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.rules.cases import FILE, published

from retainkit.rules import Truth, read_rulebook, truth_of


PUBLISHED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_code_says() -> None:
    """Answers, explanations and versions, to the letter."""
    assert published() == PUBLISHED, "run python -m tests.rules.cases, and look at the difference"


@pytest.mark.parametrize("case", PUBLISHED["cases"], ids=lambda case: str(case["name"]))
def test_a_port_can_be_checked_by_it(case: dict[str, Any]) -> None:
    """From the file alone: declarations, segments, rule, customer and instant give the answer."""
    book = read_rulebook(
        {
            "signals": PUBLISHED["signals"],
            "segments": PUBLISHED["segments"],
            "rules": [
                {
                    "id": "a",
                    "when": case["when"],
                    "tests": [
                        {"customer": case["customer"], "now": case["now"], "expect": case["expect"]}
                    ],
                }
            ],
        }
    )
    (rule,) = book.rules
    (test,) = rule.tests
    truth = truth_of(rule.when, test.known, test.at, segments=book.segments)

    assert truth is Truth(case["result"])
    assert book.versions()["a"] == case["version"]
