"""What is exported for browsers fires where the rule fires, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from random import Random
from shutil import which

import pytest
from tests.rules.worlds import NOW, SEGMENTS, SIGNALS, Customer, customer, tree

from retainkit.rules import (
    Scaled,
    Truth,
    days,
    json_logic_data,
    readings,
    to_json_logic,
    truth_of,
)


# The operators of JsonLogic that are exported, each as JavaScript computes it, null included.
ENGINE = """
const apply = (logic, data) => {
  if (logic === null || typeof logic !== 'object') return logic;
  if (Array.isArray(logic)) return logic.map(each => apply(each, data));
  const [op, raw] = Object.entries(logic)[0];
  const args = Array.isArray(raw) ? raw : [raw];
  if (op === 'and') return args.reduce((found, each) => found && apply(each, data), true);
  if (op === 'or') return args.reduce((found, each) => found || apply(each, data), false);
  if (op === 'if') return apply(args[0], data) ? apply(args[1], data) : apply(args[2], data);
  const [a, b, c] = args.map(each => apply(each, data));
  switch (op) {
    case 'var': return a.split('.').reduce((at, key) => at == null ? null : at[key] ?? null, data);
    case '!': return !a;
    case '!=': return a != b;
    case '===': return a === b;
    case '!==': return a !== b;
    case '<': return a < b;
    case '<=': return c === undefined ? a <= b : a <= b && b <= c;
    case '>': return a > b;
    case '>=': return a >= b;
    case '-': return a - b;
    case '*': return a * b;
    case '+': return args.map(each => apply(each, data)).reduce((sum, each) => sum + each, 0);
    case 'in': return b.includes(a);
    case 'substr': return c === undefined ? a.substr(b) : a.substr(b, c);
    default: throw new Error(op);
  }
};
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(cases.map(([logic, data]) => apply(logic, data))));
"""


def _asked(cases: list[tuple[object, object]], program: str) -> list[bool]:
    node = which("node")
    assert node is not None
    done = subprocess.run(
        [node, "-e", program], input=json.dumps(cases), capture_output=True, check=True, text=True
    )
    answers: list[bool] = json.loads(done.stdout)
    return answers


@pytest.mark.skipif(which("node") is None, reason="needs Node")
def test_javascript_fires_where_the_rule_fires() -> None:
    """2,000 random trees with customers of whom a fourth is not known; both ways round."""
    chance = Random(5)
    cases: list[tuple[object, object]] = []
    expected: list[bool] = []
    for _ in range(2_000):
        condition, known = tree(chance, with_segments=True), customer(chance)
        truth = truth_of(condition, known, NOW, segments=SEGMENTS)
        data = json_logic_data(SIGNALS.values(), known, NOW)
        for asked, wanted in ((condition, Truth.TRUE), (~condition, Truth.FALSE)):
            cases.append((to_json_logic(asked, segments=SEGMENTS), data))
            expected.append(truth is wanted)

    assert _asked(cases, ENGINE) == expected
    assert min(sum(expected), len(expected) - sum(expected)) > 1_000


def test_what_is_missing_does_not_fire_as_zero() -> None:
    """The guard stands before the comparison: null is no number."""
    assert to_json_logic(Customer.usage < 5) == {
        "and": [{"!=": [{"var": "usage"}, None]}, {"<": [{"var": "usage"}, 5]}]
    }


def test_a_third_is_a_number_in_json() -> None:
    """JSON has no fractions."""
    third = Customer.usage < Scaled(signal=Customer.before, factor=Fraction(1, 3))
    assert '{"*": [0.3333333333333333, {"var": "before"}]}' in json.dumps(to_json_logic(third))


def test_half_a_character_is_a_text_too() -> None:
    """JavaScript's own texts may have one; a rule that asks for it is exported, not an error."""
    logic = to_json_logic(Customer.industry.starts_with("\ud83d"))
    assert logic["and"][1] == {"===": [{"substr": [{"var": "industry"}, 0, 1]}, "\ud83d"]}  # type: ignore[index] # as it is exported


def test_data_tell_never_from_unknown() -> None:
    """Who never logged in has the first instant there is; who is not known has null."""
    data = json_logic_data(SIGNALS.values(), readings(Customer, {"plan": "team"}), NOW)

    assert data["login"] == -8_640_000_000_000_000
    assert data["renewal"] is None
    assert data["plan"] == "team"
    assert data["now"] == 1_793_534_400_000


def test_a_stale_time_is_null_not_never() -> None:
    """What was known once is not known to be never."""
    known = readings(Customer, {"seen": NOW - days(9)}, at=NOW - days(6))
    assert json_logic_data([Customer.seen], known, NOW)["seen"] is None
