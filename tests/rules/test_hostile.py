"""Nothing in a rule can run code or reach an attribute, whoever wrote it and in whatever form."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import retainkit
from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId
from retainkit.messages.reasons import explain_text
from retainkit.rules import (
    MOST_DEEP,
    Amount,
    Mistake,
    Number,
    Signals,
    Text,
    Truth,
    days,
    event,
    read_condition,
    readings,
    to_json_logic,
    truth_of,
    why,
)
from retainkit.schema import FileMistake, read_rules
from retainkit.signals import Measures


NOW = datetime(2026, 11, 1, tzinfo=UTC)
CODE = "__import__('os').system('touch owned')"


class Customer(Signals):
    """A number and a text."""

    seats = Number()
    plan = Text()


KNOWN: dict[str, Any] = dict(Customer.__declared__)


def refused(data: object) -> list[tuple[str, str]]:
    """Where and why a condition in data is refused."""
    with pytest.raises(InvalidInput) as caught:
        read_condition(data, KNOWN)
    error = caught.value
    assert error.code == "rules.mistakes"
    assert isinstance(error.value, tuple)
    found: list[Mistake] = list(error.value)
    assert all(mistake.remedy for mistake in found)
    return [(".".join(map(str, mistake.place)), mistake.code) for mistake in found]


@pytest.mark.parametrize(
    "name",
    [
        "__class__",
        "__proto__",
        "_seats",
        "seats.real",
        "seats[0]",
        "seats()",
        "seats\n",
        "${seats}",
        "{0.__class__}",
        "%(seats)s",
        CODE,
        "Seats",
        "ﬁne",
        "all",
        "now",
        "a" * 65,
    ],
)
def test_a_signal_has_a_plain_name(name: str) -> None:
    """Letters, digits and underscores: nothing that any language reads as a path or a call."""
    with pytest.raises(InvalidInput) as caught:
        Number(name=name)
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.signal_name", "name", name)
    assert "choose another name" in error.remedy
    if name not in {"all", "now"}:
        assert refused({name: {"gt": 1}})[0][1] in {"rules.unknown_signal", "rules.unknown_word"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (CODE, "rules.form"),
        ([CODE], "rules.form"),
        ({CODE: []}, "rules.unknown_signal"),
        ({"eval": CODE}, "rules.unknown_signal"),
        ({"seats": {"__gt__": 1}}, "rules.unknown_word"),
        ({"seats": {"real": {"gt": 1}}}, "rules.unknown_word"),
        ({"seats": {"gt": CODE}}, "rules.value_type"),
        ({"seats": {"gt": {"var": "seats"}}}, "rules.value_type"),
        ({"seats": {"gt": {"signal": "__class__"}}}, "rules.unknown_signal"),
        ({"seats": {"gt": {"signal": "seats", "times": CODE}}}, "rules.value_type"),
        ({"segment": "__class__"}, "rules.unknown_segment"),
        ({"var": "seats.__class__"}, "rules.unknown_signal"),
        ({"method": [{"var": "plan"}, "format"]}, "rules.unknown_signal"),
        ({"event": {"name": "a", "within": CODE, "at_least": 1}}, "rules.window"),
        ({"event": {"name": ["a"], "within": "1d", "at_least": 1}}, "rules.event_name"),
        ({"at_least": {"count": CODE, "of": [{"seats": 1}]}}, None),
    ],
)
def test_data_that_would_be_code_elsewhere_is_a_mistake(data: object, code: str | None) -> None:
    """Named, with its place; JsonLogic is written and never read."""
    codes = [found for _, found in refused(data)]
    assert codes
    if code is not None:
        assert code in codes


def test_a_text_is_compared_and_nothing_else() -> None:
    """Whatever it looks like; and it is shown as it is."""
    for text in (CODE, "{0.__class__}", "%(plan)s", "{{ plan }}", "<script>", "$where", "'; --"):
        same = Customer.plan.eq(text)
        known = readings(Customer, {"plan": text})
        assert truth_of(same, known, NOW) is Truth.TRUE
        assert truth_of(Customer.plan.contains(text), known, NOW) is Truth.TRUE
        because = why(same, known, NOW).because
        assert because.values["threshold"] == text
        assert text in explain_text(because.key, because.values, "en")
        assert text in str(to_json_logic(same))


def test_a_path_leads_through_data_and_never_to_an_attribute() -> None:
    """Of an event's data only what somebody put there can be asked for."""
    happened = Event(
        id=EventId("e"),
        name="a",
        customer=CustomerId("ada"),
        occurred_at=NOW,
        data={"x": {"y": 1}, "z": [1, 2]},
    )
    for path, there in (
        ("x.y", True),
        ("x.__class__", False),
        ("__class__", False),
        ("x.keys", False),
        ("x.y.real", False),
        ("z.0", False),
        ("z.__len__", False),
    ):
        counted = event("a").distinct(path).count(days(1))
        measures = Measures({"found": counted})
        reading = measures.read(measures.count([happened], {}), NOW).of("found")
        assert (reading is not None and reading.value == 1) is there, path


# ---- files


def mistakes(text: str) -> list[tuple[int, int, str]]:
    """Where a file is refused."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(text, Customer)
    error = caught.value
    assert error.code == "rules.mistakes"
    assert isinstance(error.value, tuple)
    found: list[FileMistake] = list(error.value)
    assert all(each.mistake.remedy for each in found)
    return [(each.line, each.column, each.mistake.code) for each in found]


RULE = "rules: [{id: a, when: {seats: {gt: %s}}}]"


@pytest.mark.parametrize(
    "text",
    [
        RULE % '!!python/object/apply:os.system ["touch owned"]',
        RULE % "!!python/name:os.system",
        RULE % "!!python/object/new:os.system [x]",
        RULE % "!!python/module:os",
        RULE % "!!binary aGVsbG8=",
        RULE % "!!int '5'",
        RULE % "!own 5",
        "!!python/object:x.Y\nrules: []",
        "%TAG ! tag:yaml.org,2002:python/\n---\nrules: [!name:os.system x]",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrules: *c",
        "x: &x [*x]\nrules: []",
        "base: &base {id: a}\nrules: [{<<: *base, when: {seats: 1}}]",
        "rules: []\n---\nrules: []",
        "rules: " + "[" * 101,
        "rules: " + "{a: " * 101,
    ],
)
def test_yaml_is_plain_or_refused(text: str) -> None:
    """No tags, no anchors, no aliases, no second document, no depth: with line and column."""
    codes = {code for _, _, code in mistakes(text)}
    assert "yaml.form" in codes


def test_a_merge_key_is_a_word_like_any_other() -> None:
    """What YAML 1.1 would merge is an unknown word here."""
    found = mistakes("rules: [{<<: {id: a}, id: b, when: {seats: 1}}]")
    assert (1, 10, "rules.unknown_word") in found


def test_a_condition_too_deep_or_too_large_is_refused_before_it_is_built() -> None:
    """In a file as in Python."""
    deep = "{not: " * MOST_DEEP + "{seats: 1}" + "}" * MOST_DEEP
    assert "rules.too_deep" in {code for *_, code in mistakes(f"rules: [{{id: a, when: {deep}}}]")}
    large = "[" + ", ".join(f"{{seats: {number}}}" for number in range(1_001)) + "]"
    found = mistakes(f"rules: [{{id: a, when: {{any: {large}}}}}]")
    assert "rules.too_large" in {code for *_, code in found}


def test_numbers_that_take_long_are_refused() -> None:
    """Ten thousand digits, and exponents that would fill the memory."""
    for number in ("9" * 10_000, "1e999999999", ".inf", "1:" * 500 + "1"):
        assert mistakes(RULE % number)
    for huge in (10**400, 10**5_000, 1e999):
        assert refused({"seats": {"gt": huge}}) == [("seats.gt", "rules.not_finite")]
    for amount in ("9e999999999 EUR", "1" * 5_000 + " EUR"):
        with pytest.raises(InvalidInput) as caught:
            read_condition({"spent": {"gt": amount}}, {"spent": Amount(name="spent")})
        assert caught.value.code == "rules.mistakes"


# ---- the proof that nothing else happens


_WATCHED = """
import json, sys
from datetime import UTC, datetime
from retainkit.errors import InvalidInput
from retainkit.rules import Number, Text, json_logic_data, next_flip, readings, to_json_logic
from retainkit.rules import truth_of, why, why_not
from retainkit.schema import read_rules
import retainkit.rules

now = datetime(2026, 11, 1, tzinfo=UTC)
files = json.loads(sys.stdin.read())
signals = {"seats": Number(name="seats"), "plan": Text(name="plan")}

def live(text):
    try:
        book = read_rules(text, signals)
    except InvalidInput:
        return
    known = readings(book.signals, {"seats": 5, "plan": "__import__('os')"})
    for rule in book.rules:
        truth_of(rule.when, known, now)
        why(rule.when, known, now)
        why_not(rule.when, known, now)
        next_flip(rule.when, known, now)
        to_json_logic(rule.when)
        json_logic_data(signals.values(), known, now)
    book.trials()

for text in files:  # what is imported late is imported now
    live(text)
seen = []
sys.addaudithook(lambda event, arguments: seen.append(event))
for text in files:
    live(text)
print(json.dumps(sorted(set(seen) - {"object.__getattr__", "object.__setattr__"})))
"""


def test_reading_and_asking_hostile_files_executes_opens_and_imports_nothing() -> None:
    """Python tells of every exec, compile, import, file, socket and process: there is none."""
    good = dedent("""\
        rules:
          - id: a
            when: {any: [{seats: {gt: 5}}, {plan: {eq: "__import__('os').system('x')"}}]}
            tests:
              - {name: one, customer: {seats: 9}, now: 2026-11-01T00:00:00Z, expect: fires}
        """)
    hostile = [
        good,
        RULE % '!!python/object/apply:os.system ["touch owned"]',
        RULE % f'"{CODE}"',
        f'rules: [{{id: "{CODE}", when: {{plan: "{CODE}"}}}}]',
        "rules: [{id: a, when: {__class__: 1}}]",
        "rules: [{id: a, when: {event: {name: os.system, within: 1d, at_least: 1}}}]",
    ]
    import json

    done = subprocess.run(
        [sys.executable, "-c", _WATCHED],
        input=json.dumps(hostile),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": str(Path(retainkit.__file__).parents[1])},
    )
    assert json.loads(done.stdout) == []


def _calls(room: str) -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((Path(retainkit.__file__).parent / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield f"{path.name}:{node.lineno}", node


@pytest.mark.parametrize("room", ["rules", "schema", "signals"])
def test_no_text_becomes_code_in_these_rooms(room: str) -> None:
    """No eval, exec, compile or import of a text, and no attribute is named by data."""
    seen = 0
    for place, call in _calls(room):
        assert isinstance(call.func, ast.Name)
        seen += 1
        assert call.func.id not in {"eval", "exec", "compile", "__import__", "globals"}, place
        if call.func.id == "getattr" and "_frames" not in place:  # frames: a host's own objects
            assert isinstance(call.args[1], ast.Constant), place
    assert seen
