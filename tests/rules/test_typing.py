"""A type checker finds what is wrong about a rule before it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import retainkit


RIGHT = """
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from retainkit.money import money
from retainkit.rules import (
    Amount, Condition, Duration, Flag, Number, Signals, Text, Time, amounts, any_of, at_least,
    days, event, hours, segment, sequence,
)


class Customer(Signals):
    mrr = Amount(currency="EUR")
    plan = Text(one_of=("free", "team"))
    last_login_at = Time(missing="never")
    usage = Number()
    before = Number()
    answered = Duration(fresh_for=days(2))
    opted_out = Flag()
    failures = event("payment.failed").count(days(7))


RULES: list[Condition] = [
    (Customer.mrr >= 500) & Customer.last_login_at.more_than_ago(days(14)) & ~Customer.opted_out,
    Customer.opted_out | (Customer.failures >= 3),
    Customer.mrr >= amounts(money(500, "EUR"), money(550, "USD")),
    Customer.mrr < Customer.mrr * Fraction(1, 2),
    Customer.mrr > Decimal("0.5"),
    Customer.usage < Customer.before * 0.7,
    5 <= Customer.usage,
    Customer.answered.between(hours(1), days(1)),
    Customer.last_login_at < datetime(2026, 1, 1, tzinfo=UTC),
    Customer.plan.one_of("free", "team") & segment("paying"),
    any_of(Customer.opted_out, at_least(2, Customer.opted_out, Customer.plan.present())),
    event("payment.failed", {"code": "51"}).at_least(3).same("invoice").within(days(7)),
    sequence(event("a"), event("b")).within(days(7)) & event("c").absent().within(days(7)),
]
"""

WRONG = """
Customer.usge < 5                           # attr-defined
Customer.plan > 5                           # operator
Customer.mrr >= "500"                       # operator
Customer.mrr >= 9.99                        # operator
Customer.usage < Customer.mrr               # operator
Customer.usage < Customer.mrr * 2           # operator
Customer.mrr * 0.7                          # operator
Customer.plan.one_of("team", 3)             # arg-type
Customer.plan.eq(True)                      # arg-type
Customer.last_login_at.more_than_ago(14)    # arg-type
Customer.last_login_at >= days(3)           # operator
Customer.usage & Customer.opted_out         # operator
(Customer.usage > 3) & (Customer.plan == "team")  # comparison-overlap operator
Customer.answered.between(1, 2)             # arg-type
Time(missing="nevr")                        # arg-type
event("payment.failed").at_least(3) & Customer.opted_out  # operator
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, set[str]]:
    """What mypy says of each line."""
    folder = tmp_path_factory.mktemp("typing")
    program = folder / "rules_of_a_shop.py"
    program.write_text(RIGHT + WRONG, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), program.name],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(Path(retainkit.__file__).parents[1])},
        capture_output=True,
        check=False,
        text=True,
    )
    found: dict[int, set[str]] = {}
    for line, code in re.findall(
        r"^rules_of_a_shop\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE
    ):
        found.setdefault(int(line), set()).add(code)
    assert found, done.stdout + done.stderr
    return found


def test_right_rules_pass(said: dict[int, set[str]]) -> None:
    """Every operator and word, with the types it takes."""
    right = len(RIGHT.splitlines())
    assert {line: codes for line, codes in said.items() if line <= right} == {}


@pytest.mark.parametrize(("number", "line"), list(enumerate(WRONG.splitlines()))[1:])
def test_wrong_rules_are_found(said: dict[int, set[str]], number: int, line: str) -> None:
    """A wrong name, a wrong type, a wrong unit of time, a missing window."""
    expected = set(line.partition("# ")[2].split())
    assert said.get(len(RIGHT.splitlines()) + 1 + number, set()) == expected, line
