"""What is exported for browsers fires where the rule fires, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from random import Random
from shutil import which

import pytest
from tests.rules.worlds import NOW, SEGMENTS, SIGNALS, Customer, customer, tree

from retainkit.money import money
from retainkit.rules import (
    Condition,
    Scaled,
    Truth,
    amounts,
    at_least,
    days,
    hours,
    json_logic_data,
    readings,
    segment,
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


C = Customer
DAY = 86_400_000
NOW_THERE = {"var": "now"}


def of(name: str) -> dict[str, str]:
    """What the data say of a signal."""
    return {"var": name}


def guarded(said: object, *names: str) -> dict[str, object]:
    """Nothing is said of what is not known."""
    return {"and": [*({"!=": [of(name), None]} for name in names), said]}


def in_currency(code: str, said: object) -> dict[str, object]:
    """Said of an amount in this currency alone."""
    return {"and": [{"===": [of("mrr.currency"), code]}, said]}


MANY = C.usage > 1
MANY_SAID = {">": [of("usage"), 1]}
OUT_SAID = {"===": [of("opted_out"), True]}


@pytest.mark.parametrize(
    ("condition", "logic"),
    [
        (C.usage.present(), {"!=": [of("usage"), None]}),
        (
            C.login.missing(),
            {
                "!": [
                    {
                        "and": [
                            {"!=": [of("login"), None]},
                            {"!==": [of("login"), -8_640_000_000_000_000]},
                        ]
                    }
                ]
            },
        ),
        (C.usage.between(1, 5), guarded({"<=": [1, of("usage"), 5]}, "usage")),
        (C.plan.one_of("free", "team"), guarded({"in": [of("plan"), ["free", "team"]]}, "plan")),
        (
            C.industry.ends_with("ing"),
            guarded({"===": [{"substr": [of("industry"), -3]}, "ing"]}, "industry"),
        ),
        (C.industry.contains("a"), guarded({"in": ["a", of("industry")]}, "industry")),
        (
            C.renewal.more_than_ago(days(1)),
            guarded({"<=": [of("renewal"), {"-": [NOW_THERE, DAY]}]}, "renewal"),
        ),
        (
            C.renewal.less_than_ago(days(1)),
            guarded(
                {
                    "and": [
                        {"<": [{"-": [NOW_THERE, DAY]}, of("renewal")]},
                        {"<=": [of("renewal"), NOW_THERE]},
                    ]
                },
                "renewal",
            ),
        ),
        (
            C.renewal.more_than_ahead(days(1)),
            guarded({"<": [{"+": [NOW_THERE, DAY]}, of("renewal")]}, "renewal"),
        ),
        (
            C.renewal.less_than_ahead(days(1)),
            guarded(
                {
                    "and": [
                        {"<": [NOW_THERE, of("renewal")]},
                        {"<=": [of("renewal"), {"+": [NOW_THERE, DAY]}]},
                    ]
                },
                "renewal",
            ),
        ),
        (C.renewal > C.seen, guarded({">": [of("renewal"), of("seen")]}, "renewal", "seen")),
        (
            C.answered > C.resolved * Fraction(1, 3),
            guarded(
                {">": [{"*": [3, of("answered")]}, {"*": [1, of("resolved")]}]},
                "answered",
                "resolved",
            ),
        ),
        (
            C.mrr >= C.spent * 2,
            {
                "and": [
                    {"!=": [of("mrr.units"), None]},
                    {"!=": [of("spent.units"), None]},
                    {"===": [of("mrr.currency"), of("spent.currency")]},
                    {">=": [{"*": [1, of("mrr.units")]}, {"*": [2, of("spent.units")]}]},
                ]
            },
        ),
        (
            C.mrr > amounts(money("9.99", "EUR"), money(5, "JPY")),
            {
                "or": [
                    in_currency("EUR", {">": [of("mrr.units"), 999]}),
                    in_currency("JPY", {">": [of("mrr.units"), 5]}),
                ]
            },
        ),
        (
            C.mrr.between(money(1, "EUR"), money(2, "EUR")),
            {"or": [in_currency("EUR", {"<=": [100, of("mrr.units"), 200]})]},
        ),
        (~MANY, guarded({"!": [MANY_SAID]}, "usage")),
        (
            ~(MANY & ~C.opted_out),
            {
                "or": [
                    guarded({"!": [MANY_SAID]}, "usage"),
                    guarded(OUT_SAID, "opted_out"),
                ]
            },
        ),
        (
            ~at_least(1, MANY, C.opted_out),
            {
                ">=": [
                    {
                        "+": [
                            {"if": [guarded({"!": [MANY_SAID]}, "usage"), 1, 0]},
                            {"if": [guarded({"!": [OUT_SAID]}, "opted_out"), 1, 0]},
                        ]
                    },
                    2,
                ]
            },
        ),
        (
            segment("many") | C.opted_out,
            {"or": [guarded(MANY_SAID, "usage"), guarded(OUT_SAID, "opted_out")]},
        ),
    ],
    ids=str,
)
def test_conditions_are_written_in_operators_that_every_json_logic_has(
    condition: Condition, logic: object
) -> None:
    """What is not known answers nothing, neither of a condition nor of its contrary."""
    assert to_json_logic(condition, segments={"many": MANY}) == logic


def test_data_are_in_units_and_milliseconds() -> None:
    """As JavaScript counts."""
    known = readings(
        Customer,
        {
            "mrr": money("9.99", "EUR"),
            "spent": money(5, "JPY"),
            "answered": hours(1),
            "renewal": NOW,
            "usage": 0.5,
            "opted_out": False,
        },
    )
    data = json_logic_data(SIGNALS.values(), known, NOW)
    assert data["mrr"] == {"units": 999, "currency": "EUR"}
    assert data["spent"] == {"units": 5, "currency": "JPY"}
    assert (data["answered"], data["renewal"]) == (3_600_000, data["now"])
    assert (data["usage"], data["opted_out"], data["plan"]) == (0.5, False, None)


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
