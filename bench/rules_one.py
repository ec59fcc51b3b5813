"""100 realistic rules on one customer, three-valued, against CEL in Rust with presence guards.

Both begin with what they take: we with `Readings`, CEL with a `Context` that has the variables
already, instants and lengths as seconds. CEL answers only whether a rule fires; we, also whether
it is unknown. That both fire alike is checked for each customer. The second pair of figures has
the making of the input in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter

import cel
from measure import in_turns
from rules_world import NOW, Customer, customer, rulebook

from retainkit.money import money
from retainkit.rules import (
    Ago,
    Ahead,
    AllOf,
    Amounts,
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
    Readings,
    TextMatch,
    Time,
    Truth,
    compiled,
    declared,
    readings,
    signals_of,
)


CUSTOMERS = 500
REPEATS = 15
NEVER = -1e12
AMOUNTS = ("mrr", "overdue")
SIGNS = {
    Comparison.LT: "<",
    Comparison.LTE: "<=",
    Comparison.EQ: "==",
    Comparison.NE: "!=",
    Comparison.GTE: ">=",
    Comparison.GT: ">",
}
WORDS = {"starts_with": "startsWith", "ends_with": "endsWith", "contains": "contains"}


def run(_name: str) -> dict[str, object]:
    """At least 1.5 times as fast."""
    rules = rulebook()
    asked = compiled(rules)
    programs = [cel.compile(guarded(rule)) for rule in rules.values()]
    chance = Random(7)  # noqa: S311 - no secret
    given = [customer(chance) for _ in range(CUSTOMERS)]
    known = [ours_of(each) for each in given]
    contexts = [context_of(each) for each in given]

    for each, context in zip(known, contexts, strict=True):
        fires = [truth is Truth.TRUE for truth in asked.truths(each, NOW).values()]
        if fires != [program.execute(context) for program in programs]:
            raise SystemExit("CEL fires other rules")

    def ours() -> int:
        for each in known:
            asked.truths(each, NOW)
        return CUSTOMERS

    def theirs() -> int:
        for context in contexts:
            for program in programs:
                program.execute(context)
        return CUSTOMERS

    result = in_turns(ours, theirs, repeats=REPEATS, bound=1.5, unit="customers a second")
    inputs = {
        "our_readings_us": _microseconds(lambda: [ours_of(each) for each in given]),
        "their_contexts_us": _microseconds(lambda: [context_of(each) for each in given]),
    }
    return {**result, "rules": len(rules), "signals": len(declared(Customer)), **inputs}


def _microseconds(work: Callable[[], object]) -> float:
    """A customer; the median of some rounds."""
    times = []
    for _ in range(REPEATS):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return round(median(times) / CUSTOMERS * 1e6, 1)


def ours_of(given: dict[str, object]) -> Readings:
    """As our rules take it."""
    cash = {name: money(int(str(given[name])), "EUR") for name in AMOUNTS if name in given}
    return readings(Customer, {**given, **cash}, at=NOW)


def context_of(given: dict[str, object]) -> cel.Context:
    """As CEL takes it; null for what is missing, so that a guard can see it."""
    context = cel.Context()
    for name, signal in declared(Customer).items():
        never = isinstance(signal, Time) and signal.missing_means == "never"
        value = given.get(name)
        context.add_variable(name, NEVER if value is None and never else plain(value))
    context.add_variable("now", plain(NOW))
    return context


def plain(value: object) -> object:
    """Numbers as CEL compares them fastest."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Amounts):
        return float(value.table[0][1])
    return float(value) if type(value) is int else value


def guarded(condition: Condition, *, wanted: bool = True) -> str:
    """CEL that is true where the condition is surely as wanted: `not` stands at the leaves."""
    match condition:
        case Not():
            return guarded(condition.item, wanted=not wanted)
        case AllOf() | AnyOf():
            sign = " && " if isinstance(condition, AllOf) is wanted else " || "
            return f"({sign.join(guarded(item, wanted=wanted) for item in condition.items)})"
        case AtLeast():
            count = condition.count if wanted else len(condition.items) - condition.count + 1
            each = [f"({guarded(item, wanted=wanted)} ? 1 : 0)" for item in condition.items]
            return f"({' + '.join(each)} >= {count})"
        case Present(signal=signal) | Missing(signal=signal):
            return (
                f"{signal.name} {'!=' if isinstance(condition, Present) is wanted else '=='} null"
            )
        case CompareSignals(left=left, op=op, right=right, factor=factor):
            said = f"{left.name} {SIGNS[op]} {right.name} * {float(factor)}"
        case Compare() | OneOf() | Between() | TextMatch() | Ago() | Ahead():
            said = leaf(condition)
        case _:
            raise AssertionError(condition)
    guards = " && ".join(f"{signal.name} != null" for signal in signals_of(condition))
    return f"({guards} && {said})" if wanted else f"({guards} && !({said}))"


def leaf(node: Compare | OneOf | Between | TextMatch | Ago | Ahead) -> str:
    """CEL of what a leaf says about a value that is there."""
    name = node.signal.name
    match node:
        case Compare():
            return f"{name} {SIGNS[node.op]} {literal(node.value)}"
        case OneOf():
            return f"{name} in [{', '.join(literal(value) for value in node.values)}]"
        case Between():
            return f"{name} >= {literal(node.low)} && {name} <= {literal(node.high)}"
        case TextMatch():
            return f"{name}.{WORDS[node.part]}({literal(node.text)})"
        case Ago():
            edge = f"now - {literal(node.length)}"
            more = node.than is Distance.MORE
            return f"{name} <= {edge}" if more else f"{edge} < {name} && {name} <= now"
        case Ahead():
            edge = f"now + {literal(node.length)}"
            more = node.than is Distance.MORE
            return f"{edge} < {name}" if more else f"now < {name} && {name} <= {edge}"


def literal(value: object) -> str:
    """As CEL writes it."""
    return json.dumps(plain(value))
