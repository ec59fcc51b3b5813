"""Rule files: what they mean, and every mistake with its line and column."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.rules import (
    Amount,
    Duration,
    Flag,
    Number,
    Rule,
    Rulebook,
    Signals,
    Text,
    Time,
    Truth,
    days,
    declared,
    event,
    hours,
    read_condition,
    segment,
    sequence,
    version,
)
from retainkit.schema import read_rules, rules_schema


class Customer(Signals):
    """Declared in Python."""

    mrr = Amount(currency="EUR", doc="Recurring revenue in a month")
    plan = Text(one_of=("free", "starter", "team"))
    last_login_at = Time(missing="never")
    renewal_at = Time()
    usage = Number()
    before = Number()
    nps = Number(fresh_for=days(90))
    first_response = Duration()
    opted_out = Flag()


GOOD = """\
segments:
  paying: {mrr: {gt: 0}}
rules:
  - id: usage-drop
    doc: Use has fallen by a third
    group: usage
    priority: 60
    when:
      all:
        - usage: {lt: {signal: before, times: 0.7}}
        - segment: paying
        - not: {plan: {in: [free, starter]}}
        - opted_out: false
    tests:
      - {name: falls, customer: {usage: 60, before: 100, mrr: 500 EUR, plan: team,
         opted_out: false}, now: 2026-11-01T00:00:00Z, expect: fires}
      - {name: free is out, customer: {usage: 60, before: 100, mrr: 0, plan: free,
         opted_out: false}, now: 2026-11-01T00:00:00Z, expect: no}
      - {name: nobody knows, customer: {mrr: 500 EUR}, now: 2026-11-01T00:00:00Z,
         expect: unknown}
  - id: quiet-before-renewal
    when:
      all:
        - last_login_at: {more_than_ago: 14d}
        - renewal_at: {less_than_ahead: 60d}
        - any:
            - first_response: {gt: 8h}
            - nps: {between: [0, 6]}
    tests:
      - name: stale scores are unknown
        customer:
          last_login_at: 15d ago
          renewal_at: in 30d
          first_response: {value: 2h, source: helpdesk}
          nps: {value: 3, at: 2026-08-01T00:00:00+01:00}
        now: 2026-11-01T00:00:00+01:00
        expect: unknown
  - id: dunning
    when:
      any:
        - event: {name: payment.failed, where: {reason: declined}, same: invoice, at_least: 3,
                  within: 7d}
        - event: {name: report.sent, absent: true, within: 30d}
        - event: {name: page.seen, distinct: feature, lt: 3, within: 4w}
        - sequence: {of: [trial.started, {name: plan.bought}], within: 30d, same: workspace}
        - at_least: {count: 1, of: [{plan: team}, {nps: {missing: true}}]}
"""

C = Customer


def test_a_file_means_what_python_means() -> None:
    """The same trees, segments, tests and versions, whichever way they were written."""
    book = read_rules(GOOD, Customer)
    declined = event("payment.failed", {"reason": "declined"})
    expected = Rulebook(
        signals=Customer,
        segments={"paying": C.mrr > 0},
        rules=[
            Rule(
                id="usage-drop",
                when=(C.usage < C.before * 0.7)
                & segment("paying")
                & ~C.plan.one_of("free", "starter")
                & C.opted_out.is_false(),
            ),
            Rule(
                id="quiet-before-renewal",
                when=C.last_login_at.more_than_ago(days(14))
                & C.renewal_at.less_than_ahead(days(60))
                & ((C.first_response > hours(8)) | C.nps.between(0, 6)),
            ),
            Rule(
                id="dunning",
                when=declined.at_least(3).same("invoice").within(days(7))
                | event("report.sent").absent().within(days(30))
                | (event("page.seen").distinct("feature").count(days(28)) < 3)
                | sequence(event("trial.started"), event("plan.bought"))
                .same("workspace")
                .within(days(30))
                | read_rules(
                    "rules: [{id: a, when: {at_least: {count: 1, of: "
                    "[{plan: team}, {nps: {missing: true}}]}}}]",
                    Customer,
                )
                .rules[0]
                .when,
            ),
        ],
    )

    assert [rule.when for rule in book.rules] == [rule.when for rule in expected.rules]
    assert book.segments == expected.segments
    assert book.versions() == expected.versions()
    first = book.rules[0]
    assert (first.doc, first.group, first.priority) == ("Use has fallen by a third", "usage", 60)


def test_the_tests_in_a_file_hold() -> None:
    """Customers as people write them: lengths from now, amounts, values with their own time."""
    trials = read_rules(GOOD, Customer).trials()
    assert [trial.explained.truth for trial in trials] == [
        Truth.TRUE,
        Truth.FALSE,
        Truth.UNKNOWN,
        Truth.UNKNOWN,
    ]
    assert all(trial.passed for trial in trials)


def test_a_file_can_declare_its_signals() -> None:
    """For those who write no Python; and what it computes from events can have a name."""
    book = read_rules("""
signals:
  mrr: {kind: amount, currency: EUR, source: billing, doc: Monthly}
  seats: {kind: number, unit: seats, fresh_for: 2d}
  plan: {kind: text, one_of: [free, team]}
  last_login_at: {kind: time, missing: never}
  answered: {kind: duration}
  opted_out: {kind: flag}
  failures_7d: {event: {name: payment.failed, within: 7d}, source: timeline}
rules:
  - id: a
    when: {failures_7d: {gte: 3}}
    tests: [{name: b, customer: {failures_7d: 3}, now: 2026-11-01T00:00:00Z, expect: fires}]
  - id: seats
    when: {seats: {gte: 3 seats}}
""")
    assert [trial.passed for trial in book.trials()] == [True]
    assert book.signals["seats"].fresh_for == days(2)
    assert book.signals["failures_7d"].source == "timeline"


def mistakes(
    text: str, signals: type[Signals] | None = Customer
) -> list[tuple[int, int, str, str]]:
    """Line, column, code and remedy of each mistake."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(text, signals, file="shop.rules.yaml")
    error = caught.value
    assert error.code == "rules.mistakes"
    found: Any = error.value
    assert str(error).count("shop.rules.yaml, line ") == len(found)
    return [(m.line, m.column, m.mistake.code, m.mistake.remedy) for m in found]


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """With line, column and the name that was probably meant."""
    found = mistakes("""\
segmnts: {}
rules:
  - id: quiet
    whn: {usage: 5}
    when:
      all:
        - segment: payin
        - lsat_login_at: {more_than_ago: 14d}
        - mrr: {gte: 9.99}
        - mrr: {gte: 5 USD}
        - usage: {gtee: 7, lt: many}
        - plan: {in: [free, tem]}
        - plan: no
        - al: [{usage: 5}]
        - usage: {lt: {signal: mrr}}
        - renewal_at: {gt: 2026-11-01}
        - last_login_at: {more_than_ago: 14}
        - at_least: {count: 3, of: [{usage: 5}]}
        - event: {name: login, within: 0d, at_least: 1}
        - event: {name: login, within: 1d}
        - {usage: 5, mrr: 5}
        - first_response: {gt: {signal: first_response, times: 0.7}}
    tests:
      - {name: a, customer: {usge: 5, mrr: 5 USD}, now: 2026-11-01, expect: fire}
  - id: quiet
    when: {usage: {between: [5]}}
""")
    assert [(line, column, code) for line, column, code, _ in found] == [
        (1, 1, "rules.unknown_word"),
        (4, 5, "rules.unknown_word"),
        (7, 20, "rules.unknown_segment"),
        (8, 11, "rules.unknown_signal"),
        (9, 22, "rules.amount"),
        (10, 22, "rules.currency"),
        (11, 19, "rules.unknown_word"),
        (11, 32, "rules.value_type"),
        (12, 29, "rules.not_a_choice"),
        (13, 17, "rules.value_type"),
        (14, 11, "rules.unknown_word"),
        (15, 23, "rules.value_type"),
        (16, 28, "rules.value_type"),
        (17, 42, "rules.window"),
        (18, 29, "rules.count"),
        (19, 40, "rules.window"),
        (20, 18, "rules.form"),
        (21, 11, "rules.form"),
        (22, 32, "rules.value_type"),
        (24, 30, "rules.unknown_signal"),
        (24, 44, "rules.currency"),
        (24, 57, "rules.value_type"),
        (24, 77, "rules.expect"),
        (25, 9, "rules.rule_twice"),
        (26, 29, "rules.form"),
    ]
    remedies = {code: remedy for _, _, code, remedy in found}
    assert remedies["rules.unknown_segment"] == "define it under `segments:`"
    assert remedies["rules.unknown_signal"] == "did you mean 'usage'?"
    assert "quotes around no" in next(r for line, _, _, r in found if line == 13)
    assert next(r for line, _, _, r in found if line == 14) == "did you mean 'all'?"


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        ("rules: }", 1, 8, "yaml.form"),
        ("rules: &a []\nsegments: *a", 1, 8, "yaml.form"),
        ("rules: !!python/object:os.system []", 1, 8, "yaml.form"),
        ("rules: !x []", 1, 8, "yaml.form"),
        ("rules: !x y", 1, 8, "yaml.form"),
        ("rules: [\x07]", 1, 1, "yaml.form"),
        ("rules: [\ud800]", 1, 1, "yaml.form"),
        ("rules: " + "9" * 101, 1, 8, "yaml.form"),
        ("rules: []\n---\nrules: []", 2, 1, "yaml.form"),
        ("rules: []\nrules: []", 2, 1, "yaml.key_twice"),
        ("a: " + "[" * 200, 1, 103, "yaml.form"),
        ("rules: [{id: a, when: {renewal_at: 2026-13-45T00:00:00Z}}]", 1, 36, "yaml.form"),
        ("just text", 1, 1, "rules.form"),
        ("rules: {id: a}", 1, 8, "rules.form"),
        ("rules: [{id: 5, when: {usage: 5}}]", 1, 14, "rules.form"),
        ("rules: [{id: a}]", 1, 9, "rules.form"),
        ("rules: [{id: a, priority: high, when: {usage: 5}}]", 1, 27, "rules.form"),
        ("rules: [a]", 1, 9, "rules.form"),
        ("rules: [{id: a, when: {all: [{usage: 1}, {usage: 2}]}}]", 1, 23, "rules.contradiction"),
        ("segments: {a: {segment: b}, b: {segment: a}}", 1, 15, "rules.circular_segments"),
        ("signals: {usage: {kind: number}}", 1, 11, "rules.signal_clash"),
        ("signals: {size: {kind: nubmer}}", 1, 24, "rules.kind"),
        ("signals: {size: {kind: number, one_of: [a]}}", 1, 32, "rules.unknown_word"),
        ("signals: {Size: {kind: number}}", 1, 11, "rules.signal_name"),
        ("signals: {size: {kind: number, fresh_for: 0d}}", 1, 43, "rules.window"),
        ("signals: {size: {kind: number, remedy: call}}", 1, 40, "rules.form"),
    ],
)  # fmt: skip
def test_what_is_no_rule_file_is_told_with_its_place(
    text: str, line: int, column: int, code: str
) -> None:
    """A file from outside can be anything."""
    assert [found[:3] for found in mistakes(text)] == [(line, column, code)]


def test_contradictions_of_all_rules_are_told() -> None:
    """Each rule is looked at, not only the first one."""
    bad = "{all: [{usage: {gt: 3}}, {usage: {lt: 2}}]}"
    found = mistakes(f"rules:\n  - {{id: a, when: {bad}}}\n  - {{id: b, when: {bad}}}")
    assert [(line, code) for line, _, code, _ in found] == [
        (2, "rules.contradiction"),
        (3, "rules.contradiction"),
    ]


def test_a_file_too_large_is_not_read() -> None:
    """Before anything of it is looked at."""
    with pytest.raises(InvalidInput) as caught:
        read_rules("#" * 1_000_001)
    error = caught.value
    assert (error.code, error.field, error.value) == ("yaml.too_large", "text", 1_000_001)
    assert error.remedy == "split it"


def test_yaml_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes rules in Python needs no YAML."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigurationError) as caught:
        read_rules("rules: []")
    assert (caught.value.code, caught.value.field) == ("yaml.missing", "yaml")
    assert "retainkit-sdk[yaml]" in caught.value.remedy


# ------------------------------------------------------------------------------------ JSON Schema


def _fits(value: object, schema: Any, root: Any) -> bool:
    """What the keywords that are used say of a value, as JSON Schema 2020-12 defines them."""
    if schema is True:
        return True
    if "$ref" in schema:
        return _fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    checks = [
        "anyOf" not in schema or any(_fits(value, one, root) for one in schema["anyOf"]),
        "enum" not in schema or any(value is one or value == one for one in schema["enum"]),
        "const" not in schema
        or (type(value) is type(schema["const"]) and value == schema["const"]),
        "type" not in schema or _is_of(value, schema["type"]),
    ]
    if isinstance(value, str):
        checks += [
            len(value) >= schema.get("minLength", 0),
            re.search(schema.get("pattern", ""), value) is not None,
        ]
    if isinstance(value, int) and "minimum" in schema:
        checks.append(value >= schema["minimum"])
    if isinstance(value, list):
        checks += [schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10_000)]
        checks += [_fits(item, schema.get("items", True), root) for item in value]
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties", True)
        checks += [schema.get("minProperties", 0) <= len(value)]
        checks += [len(value) <= schema.get("maxProperties", 10_000)]
        checks += [key in value for key in schema.get("required", ())]
        checks += [_fits(key, schema.get("propertyNames", True), root) for key in value]
        for key, item in value.items():
            within = known.get(key, rest)
            checks.append(within is not False and _fits(item, within, root))
    return all(checks)


def _is_of(value: object, types: str | list[str]) -> bool:
    kinds: dict[str, Any] = {
        "object": Mapping,
        "array": list,
        "string": str,
        "number": (int, float),
        "integer": int,
        "boolean": bool,
        "null": type(None),
    }
    for name in [types] if isinstance(types, str) else types:
        if isinstance(value, bool) and name in {"number", "integer"}:
            continue
        if isinstance(value, kinds[name]):
            return True
    return False


def test_the_schema_takes_what_is_right() -> None:
    """An editor underlines nothing in a good file."""
    import yaml

    class Plain(yaml.SafeLoader):
        """Instants stay texts, as in JSON."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - as the parent has it
            key: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    data = yaml.load(GOOD, Loader=Plain)
    schema = rules_schema(Customer)
    assert _fits(data, schema, schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_of_a_file_with_its_own_signals_takes_any_name() -> None:
    """Nobody else has declared them; the words of the language are known all the same."""
    schema = rules_schema()
    rule = {"id": "a", "when": {"seats": {"gt": 5}}, "once_per": "term", "term": "renewal_at"}
    asked = {"now": "2026-11-01T00:00:00Z", "customer": {"seats": 7}, "expect": "fires"}
    file = {"signals": {"seats": {"kind": "number"}}, "rules": [{**rule, "tests": [asked]}]}
    assert _fits(file, schema, schema)
    left_out = ["payment.*", "nps.answered"]
    quiet = {"event": {"name": "*", "but": left_out, "at_least": 1, "within": "7d"}}
    assert _fits({"rules": [{"id": "a", "when": quiet}]}, schema, schema)
    assert not _fits({"rules": [{**rule, "term": 5}]}, schema, schema)
    assert not _fits({"rules": [{**rule, "when": {"all": []}}]}, schema, schema)
    assert not _fits({"signals": {"seats": {"kind": "nubmer"}}}, schema, schema)


@pytest.mark.parametrize(
    "when",
    [
        {"usge": 5},
        {"usage": {"gtee": 5}},
        {"usage": True},
        {"plan": "tem"},
        {"plan": {"starts_with": ""}},
        {"plan": {"gt": "free"}},
        {"last_login_at": {"more_than_ago": 14}},
        {"usage": 5, "mrr": 5},
        {"al": []},
        {"at_least": {"of": [{"usage": 5}]}},
        {"event": {"name": "a", "at_least": 0, "within": "7d"}},
        {"event": {"name": "*", "but": ["payment*"], "at_least": 1, "within": "7d"}},
        {"sequence": {"of": ["a"], "within": "7d"}},
        {"mrr": {"gt": 9.99}},
    ],
    ids=str,
)
def test_the_schema_underlines_what_is_wrong(when: object) -> None:
    """A word, a name or a value that nothing has."""
    schema = rules_schema(Customer)
    assert not _fits({"rules": [{"id": "a", "when": when}]}, schema, schema)


def test_versions_do_not_depend_on_the_way_of_writing() -> None:
    """'5 EUR' and 500 cents' worth of table are one amount; 1d is 24h."""
    one = read_rules("rules: [{id: a, when: {mrr: {gt: 5 EUR}}}]", Customer)
    other = read_rules('rules: [{id: a, when: {mrr: {gt: {EUR: "5.00"}}}}]', Customer)
    assert version(one.rules[0].when) == version(other.rules[0].when)


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("{at_least: {count: 2}}", "rules.form"),
        ("{at_least: 2}", "rules.form"),
        ("{usage: {}}", "rules.form"),
        ("{usage: {present: false}}", "rules.form"),
        ("{usage: {in: 5}}", "rules.form"),
        ("{usage: {in: []}}", "rules.empty"),
        ("{usage: {between: 5}}", "rules.form"),
        ("{usage: {between: [5, 1]}}", "rules.empty_range"),
        ("{usage: {lt: {signal: befor}}}", "rules.unknown_signal"),
        ("{usage: {lt: {signal: before, times: .inf}}}", "rules.not_finite"),
        ("{usage: {gt: 5 seats}}", "rules.unit"),
        ("{mrr: {gt: {EUR: 5.5}}}", "rules.amount"),
        ("{mrr: {gt: 5 EURO}}", "money.unknown_currency"),
        ("{mrr: {gt: many}}", "money.not_a_number"),
        ("{mrr: {gt: {signal: mrr, times: 1/0}}}", "rules.value_type"),
        ("{renewal_at: {gt: tomorrow}}", "rules.value_type"),
        ("{renewal_at: {gt: 2026-11-01 09:00:00}}", "time.naive"),
        ("{last_login_at: {more_than_ago: 99999999w}}", "rules.window"),
        ("{event: login}", "rules.form"),
        ("{event: {name: login, at_least: 1}}", "rules.window"),
        ("{event: {name: login, at_least: 0, within: 7d}}", "rules.times"),
        ("{event: {name: login, where: 5, at_least: 1, within: 7d}}", "rules.form"),
        ("{event: {name: login, where: {a: [1]}, at_least: 1, within: 7d}}", "rules.where"),
        ("{event: {name: 5, at_least: 1, within: 7d}}", "rules.event_name"),
        ("{sequence: {of: [], within: 7d}}", "rules.sequence"),
        ("{sequence: {of: [a], within: 7d}}", "rules.sequence"),
        ("{sequence: {of: a, within: 7d}}", "rules.form"),
        ("{sequence: {of: [{nme: a}, b], within: 7d}}", "rules.unknown_word"),
        ("{not: 5}", "rules.form"),
        ("5", "rules.form"),
    ],
)
def test_each_mistake_of_a_condition_is_told(when: str, code: str) -> None:
    """One condition, one mistake; nothing is guessed."""
    text = f"rules: [{{id: a, when: {when}}}]"
    assert code in {found[2] for found in mistakes(text)}


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("{name: a, customer: 5, now: 2026-11-01T00:00:00Z, expect: no}", "rules.form"),
        ("{name: a, now: 0001-01-02T00:00:00Z, expect: no}", "time.out_of_range"),
        ("{name: a, now: yesterday, expect: no}", "rules.instant"),
        (
            "{name: a, now: 2026-11-01T00:00:00Z, expect: no, customer: {renewal_at: 99999d ago}}",
            "rules.window",
        ),
        (
            "{name: a, now: 2026-11-01T00:00:00Z, expect: no, customer: {renewal_at: soon}}",
            "rules.instant",
        ),
        (
            "{name: a, now: 2026-11-01T00:00:00Z, expect: no, customer: {nps: {value: 1, aat: 5}}}",
            "rules.unknown_word",
        ),
        ("fires", "rules.form"),
    ],
)
def test_each_mistake_of_a_test_is_told(test: str, code: str) -> None:
    """A test that can't be asked is no test."""
    text = f"rules: [{{id: a, when: {{usage: 5}}, priority: 1, tests: [{test}]}}]"
    assert code in {found[2] for found in mistakes(text)}


def test_whatever_is_no_condition_says_why() -> None:
    """Words of the language in any order, with any values: a condition, or its mistakes."""
    chance = Random(3)
    words: tuple[str, ...] = (
        "all",
        "not",
        "count",
        "of",
        "event",
        "sequence",
        "name",
        "where",
        "within",
        "absent",
    )
    words += ("computed", "usage", "mrr", "plan", "renewal_at", "gt", "in", "present", "signal")

    def said(depth: int) -> object:
        if chance.random() < 0.4 or not depth:
            return chance.choice(({}, [], None, 5, True, 1.5, "7d", "5 EUR", *words))
        if chance.random() < 0.2:
            return [said(depth - 1) for _ in range(chance.randrange(3))]
        return {chance.choice(words): said(depth - 1) for _ in range(chance.randint(1, 3))}

    for _ in range(1000):
        try:
            read_condition(said(4), declared(Customer))
        except InvalidInput as error:
            assert (error.code, bool(error.value)) == ("rules.mistakes", True)  # noqa: PT017


def test_a_broken_file_never_ends_in_another_error() -> None:
    """Whatever is cut out of a file or put into it: a rulebook, or its mistakes."""
    chance = Random(7)
    pieces = [
        "{",
        "]",
        ":",
        "- ",
        "\n",
        "not",
        "5",
        "null",
        "'",
        "-1",
        "1e999",
        "all: ",
        "{}",
        "0d",
    ]
    read = 0
    for _ in range(200):
        text = GOOD
        for _ in range(chance.randint(1, 3)):
            start = chance.randrange(len(text))
            end = start + chance.choice((0, 1, 4, 20))
            text = text[:start] + chance.choice(pieces) + text[end:]
        try:
            read_rules(text, Customer).trials()
            read += 1
        except InvalidInput as error:
            assert error.code == "rules.mistakes"  # noqa: PT017 - the only one there may be
    assert 3 < read < 197


def test_contradictions_and_circles_are_told_beside_all_other_mistakes() -> None:
    """Each segment and each rule is tried on its own, whatever else is wrong; each is told once."""
    found = mistakes("""\
segments:
  low: {all: [{usage: {gt: 5}}, {usage: {lt: 3}}]}
  high: {all: [{before: {gt: 5}}, {before: {lt: 3}}]}
  last: {segment: round}
  around: {segment: round}
  round: {segment: around}
  up: {segment: down}
  down: {segment: up}
  unknown: {usge: 5}
rules:
  - {id: a, when: {all: [{usage: {gt: 5}}, {usage: {lt: 3}}]}, once_per: wek}
  - {id: a, when: {all: [{usage: {gt: 6}}, {usage: {lt: 3}}]}}
  - {id: b, when: {segment: unknown}}
  - {id: c, when: {segment: low}}
  - {id: d, when: {segment: last}}
  - {id: e, when: {usage: 5}, clears_when: {all: [{usage: {gt: 6}}, {usage: {lt: 3}}]}}
  - {id: f, when: {usage: 5}, once_per: term, term: renewal}
""")
    assert [(line, code) for line, _, code, _ in found] == [
        (2, "rules.contradiction"),
        (3, "rules.contradiction"),
        (5, "rules.circular_segments"),
        (7, "rules.circular_segments"),
        (9, "rules.unknown_signal"),
        (11, "rules.contradiction"),
        (11, "rules.choice"),
        (12, "rules.rule_twice"),
        (12, "rules.contradiction"),
        (16, "rules.contradiction"),
        (17, "rules.unknown_signal"),
    ]


def test_each_circle_is_told_whatever_leads_into_another_one() -> None:
    """Two that name each other, and each of them one more that names itself."""
    found = mistakes("""\
segments:
  x: {all: [{segment: one}, {segment: c}]}
  c: {all: [{segment: two}, {segment: x}]}
  one: {segment: one}
  two: {segment: two}
  after: {all: [{segment: x}, {segment: unread}]}
  unread: {usage: {gtt: 5}}
rules:
  - {id: a, when: {segment: after}}
""")
    assert [(line, code) for line, _, code, _ in found] == [
        (2, "rules.circular_segments"),
        (4, "rules.circular_segments"),
        (5, "rules.circular_segments"),
        (7, "rules.unknown_word"),
    ]


def test_a_segment_that_cannot_be_met_is_told_once_before_those_that_name_it() -> None:
    """Also where it is defined below them; and each of a rule's mistakes is told at once."""
    found = mistakes("""\
segments:
  both: {all: [{segment: low}, {usage: 1}]}
  low: {all: [{usage: {gt: 5}}, {usage: {lt: 3}}]}
rules:
  - id: a
    when: {segment: both}
    clears_when: {all: [{usage: 1}, {usage: 2}]}
    once_per: term
    term: usage
""")
    assert [(line, code) for line, _, code, _ in found] == [
        (3, "rules.contradiction"),
        (7, "rules.contradiction"),
        (9, "rules.term"),
    ]


@pytest.mark.parametrize(
    ("when", "names"),
    [
        (
            "all: [{not: {all: [{usage: 5}, {usage: 3}]}}, {before: {gt: 5}}, {before: 3}]",
            ["usage", "before"],
        ),
        (
            "all: [{any: [{all: [{usage: 5}, {usage: 3}]}, {usage: 1}]}, {before: 5}, {before: 3}]",
            ["usage", "before"],
        ),
        (
            "all: [{before: 1}, {any: [{usage: {gt: 5, lt: 3}}, {usage: {gt: 6, lt: 2}}]}]",
            ["usage"],
        ),
        ("any: [{all: [{usage: 5}, {usage: 3}]}, {all: [{before: 5}, {before: 3}]}]", ["usage"]),
        (
            "all: [{any: [{usage: 5}, {before: 5}]}, {usage: 3}, {before: 3}]",
            ["usage", "before"],
        ),
    ],
)
def test_a_contradiction_names_what_has_to_be_read_again(when: str, names: list[str]) -> None:
    """Not what is denied, nor a way that another one goes around."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(f"rules: [{{id: a, when: {{{when}}}}}]", Customer)
    told: Any = caught.value.value
    assert [
        (each.mistake.place, each.mistake.code, each.mistake.value, each.mistake.remedy)
        for each in told
    ] == [
        (
            ("rules", 0, "when"),
            "rules.contradiction",
            names,
            f"read again what is said of {', '.join(names)}",
        )
    ]


def test_a_signal_that_is_declared_wrongly_is_told_where_it_is_declared_alone() -> None:
    """Whoever reads it, in conditions, terms and tests; another name is still a mistake."""
    found = mistakes("""\
signals:
  seats: {kind: nubmer}
  ends: {kind: tmie}
segments:
  large: {seats: {gt: 5}}
rules:
  - id: a
    when: {all: [{usage: {gt: {signal: seats}}}, {seets: 1}]}
    once_per: term
    term: ends
    tests: [{now: 2026-11-01T09:00:00Z, customer: {seats: 5, usge: 5}, expect: no}]
""")
    assert [(line, code) for line, _, code, _ in found] == [
        (2, "rules.kind"),
        (3, "rules.kind"),
        (8, "rules.unknown_signal"),
        (11, "rules.unknown_signal"),
    ]


def test_a_name_that_looks_like_a_number_needs_quotes() -> None:
    """YAML takes it for one, and a name is a text."""
    with pytest.raises(InvalidInput) as caught:
        read_rules("segments: {1: {usage: 5}}", Customer)
    told: Any = caught.value.value
    assert [
        (each.mistake.place, each.mistake.code, each.mistake.value, each.mistake.remedy)
        for each in told
    ] == [(("segments", "1"), "rules.unknown_word", "1", "put quotes around it")]
    assert list(read_rules("segments: {'1': {usage: 5}}", Customer).segments) == ["1"]


@pytest.mark.parametrize(
    ("number", "read"),
    [("010", "8"), ("-007", "-7"), ("00", "0"), ("1:30", "90"), ("1:30.5", "90.5"), ("0_7", "7")],
)
def test_a_number_that_yaml_reads_otherwise_than_people_is_a_mistake(
    number: str, read: str
) -> None:
    """Octal and by sixties; whoever means that writes the number, or quotes what is a text."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(f"rules: [{{id: a, when: {{usage: {number}}}, priority: high}}]", Customer)
    told: Any = caught.value.value
    assert [
        (each.line, each.column, each.mistake.code, each.mistake.value, each.mistake.remedy)
        for each in told
    ] == [
        (1, 31, "yaml.number", number, f"write {read}, or put quotes around it"),
        (1, 44 + len(number), "rules.form", "high", "write a number; the highest comes first"),
    ]


@pytest.mark.parametrize("number", ["0", "-0", "0.5", "01.5", "0x10", "0b11", "1_000", "'10'"])
def test_a_number_that_reads_as_it_looks_is_one(number: str) -> None:
    """A lone zero leads nothing, and other bases say what they are."""
    assert read_rules(f"rules: [{{id: a, when: {{usage: {number}}}}}]", Customer).rules


def test_a_circle_is_told_from_its_first_segment_on() -> None:
    """Whoever leads into it: value, place and the way out are those of one mistake."""
    with pytest.raises(InvalidInput) as caught:
        read_rules("segments: {c: {segment: b}, a: {segment: b}, b: {segment: a}}")
    told: Any = caught.value.value
    assert [
        (each.mistake.place, each.mistake.code, each.mistake.value, each.mistake.remedy)
        for each in told
    ] == [
        (
            ("segments", "a"),
            "rules.circular_segments",
            "a -> b -> a",
            "say one of them by signals",
        )
    ]
