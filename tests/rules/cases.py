"""The published cases: rules, customers, instants, answers and explanations, for ports elsewhere.

``python -m tests.rules.cases`` from the root writes ``tests/data/rule_cases.json`` anew; what it
says of an answer is written here by hand, and the file is refused when the code answers otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from attrs import frozen

from retainkit.core import JsonObject
from retainkit.rules import Condition, Readings, Rulebook, read_rulebook


FILE = Path(__file__).parents[1] / "data" / "rule_cases.json"

SIGNALS: Mapping[str, object] = {
    "usage": {"kind": "number"},
    "before": {"kind": "number"},
    "nps": {"kind": "number", "fresh_for": "90d"},
    "mrr": {"kind": "amount"},
    "spent": {"kind": "amount"},
    "first_response": {"kind": "duration"},
    "promised": {"kind": "duration"},
    "last_login_at": {"kind": "time", "missing": "never"},
    "seen_at": {"kind": "time", "missing": "never", "fresh_for": "5d"},
    "renewal_at": {"kind": "time"},
    "plan": {"kind": "text", "one_of": ["free", "starter", "team"]},
    "industry": {"kind": "text"},
    "opted_out": {"kind": "flag"},
    "failures_7d": {"event": {"name": "payment.failed", "within": "7d"}},
    "bought": {"sequence": {"of": ["trial.started", "plan.bought"], "within": "30d"}},
}
SEGMENTS: Mapping[str, object] = {
    "paying": {"mrr": {"gt": {"EUR": "0", "USD": "0"}}},
    "large": {"all": [{"segment": "paying"}, {"mrr": {"gte": {"EUR": "500", "USD": "550"}}}]},
}
NOW = "2026-11-01T09:00:00Z"

# When, who, and the answer; each line says one thing about one node.
CASES: list[tuple[str, object, Mapping[str, object], str]] = [
    ("below", {"usage": {"lt": 5}}, {"usage": 4}, "fires"),
    ("not below at the edge", {"usage": {"lt": 5}}, {"usage": 5}, "no"),
    ("missing is not below", {"usage": {"lt": 5}}, {}, "unknown"),
    ("at most at the edge", {"usage": {"lte": 5}}, {"usage": 5}, "fires"),
    ("above", {"usage": {"gt": 5}}, {"usage": 5.5}, "fires"),
    ("at least at the edge", {"usage": {"gte": 5}}, {"usage": 5}, "fires"),
    ("zero is known", {"usage": {"eq": 0}}, {"usage": 0}, "fires"),
    ("missing is not zero", {"usage": {"eq": 0}}, {}, "unknown"),
    ("anything but", {"usage": {"ne": 5}}, {"usage": 4}, "fires"),
    ("missing is not anything but", {"usage": {"ne": 5}}, {}, "unknown"),
    ("a decimal", {"usage": {"gte": "-0.25"}}, {"usage": -0.25}, "fires"),
    ("between includes its ends", {"usage": {"between": [1, 5]}}, {"usage": 1}, "fires"),
    ("outside of between", {"usage": {"between": [1, 5]}}, {"usage": 6}, "no"),
    ("one of", {"usage": {"in": [1, 2]}}, {"usage": 2}, "fires"),
    ("none of", {"plan": {"in": ["free", "starter"]}}, {"plan": "team"}, "no"),
    ("not one of, missing", {"not": {"plan": {"in": ["free"]}}}, {}, "unknown"),
    ("starts", {"industry": {"starts_with": "re"}}, {"industry": "retail"}, "fires"),
    ("case differs", {"industry": {"starts_with": "re"}}, {"industry": "Retail"}, "no"),
    ("ends", {"industry": {"ends_with": "ail"}}, {"industry": "retail"}, "fires"),
    ("shorter than its end", {"industry": {"ends_with": "retail"}}, {"industry": "ail"}, "no"),
    ("contains", {"industry": {"contains": "é"}}, {"industry": "café"}, "fires"),
    ("a letter beyond 16 bits", {"industry": {"starts_with": "🦊"}}, {"industry": "🦊b"}, "fires"),
    ("yes", {"opted_out": True}, {"opted_out": True}, "fires"),
    ("missing is not no", {"opted_out": False}, {}, "unknown"),
    ("present", {"nps": {"present": True}}, {"nps": 0}, "fires"),
    ("present, missing", {"nps": {"present": True}}, {}, "no"),
    ("missing", {"nps": {"missing": True}}, {}, "fires"),
    (
        "a share of another signal",
        {"usage": {"lt": {"signal": "before", "times": "0.7"}}},
        {"usage": 6, "before": 10},
        "fires",
    ),
    (
        "not below the share at the edge",
        {"usage": {"lt": {"signal": "before", "times": "0.5"}}},
        {"usage": 5, "before": 10},
        "no",
    ),
    ("the other is missing", {"usage": {"lt": {"signal": "before"}}}, {"usage": 1}, "unknown"),
    ("in its currency", {"mrr": {"gte": {"EUR": "500"}}}, {"mrr": "500 EUR"}, "fires"),
    ("in another currency", {"mrr": {"gte": {"EUR": "500"}}}, {"mrr": "900 USD"}, "unknown"),
    (
        "in the table's second currency",
        {"mrr": {"gte": {"EUR": "500", "USD": "550"}}},
        {"mrr": "540 USD"},
        "no",
    ),
    (
        "amounts of two currencies",
        {"mrr": {"gt": {"signal": "spent"}}},
        {"mrr": "5 EUR", "spent": "4 USD"},
        "unknown",
    ),
    (
        "an exact share of an amount",
        {"mrr": {"lt": {"signal": "spent", "times": "1/3"}}},
        {"mrr": "0.33 EUR", "spent": "1 EUR"},
        "fires",
    ),
    ("a length", {"first_response": {"gt": "8h"}}, {"first_response": "9h"}, "fires"),
    (
        "later than promised",
        {"first_response": {"gt": {"signal": "promised", "times": 2}}},
        {"first_response": "8h", "promised": "4h"},
        "no",
    ),
    ("ago", {"renewal_at": {"more_than_ago": "14d"}}, {"renewal_at": "14d ago"}, "fires"),
    ("not yet ago", {"renewal_at": {"more_than_ago": "14d"}}, {"renewal_at": "13d ago"}, "no"),
    ("lately", {"renewal_at": {"less_than_ago": "14d"}}, {"renewal_at": "13d ago"}, "fires"),
    ("now is lately", {"renewal_at": {"less_than_ago": "14d"}}, {"renewal_at": NOW}, "fires"),
    (
        "the future is not lately",
        {"renewal_at": {"less_than_ago": "1d"}},
        {"renewal_at": "in 1h"},
        "no",
    ),
    ("soon", {"renewal_at": {"less_than_ahead": "60d"}}, {"renewal_at": "in 60d"}, "fires"),
    ("now is not soon", {"renewal_at": {"less_than_ahead": "60d"}}, {"renewal_at": NOW}, "no"),
    ("far ahead", {"renewal_at": {"more_than_ahead": "60d"}}, {"renewal_at": "in 61d"}, "fires"),
    ("not far ahead", {"renewal_at": {"more_than_ahead": "60d"}}, {"renewal_at": "in 60d"}, "no"),
    ("never is long ago", {"last_login_at": {"more_than_ago": "14d"}}, {}, "fires"),
    ("never is not lately", {"last_login_at": {"less_than_ago": "14d"}}, {}, "no"),
    ("never is not ahead", {"last_login_at": {"more_than_ahead": "14d"}}, {}, "no"),
    ("never is before", {"last_login_at": {"lt": "2020-01-01T00:00:00Z"}}, {}, "fires"),
    ("never is missing", {"last_login_at": {"missing": True}}, {}, "fires"),
    (
        "stale is not never",
        {"seen_at": {"more_than_ago": "1d"}},
        {"seen_at": {"value": "9d ago", "at": "6d ago"}},
        "unknown",
    ),
    (
        "fresh to the last moment",
        {"nps": {"gte": 9}},
        {"nps": {"value": 9, "at": "89d ago"}},
        "fires",
    ),
    ("stale", {"nps": {"gte": 9}}, {"nps": {"value": 9, "at": "90d ago"}}, "unknown"),
    (
        "stale is missing",
        {"nps": {"missing": True}},
        {"nps": {"value": 9, "at": "90d ago"}},
        "fires",
    ),
    (
        "a reading that has ended",
        {"failures_7d": {"gte": 3}},
        {"failures_7d": {"value": 3, "until": "1h ago"}},
        "unknown",
    ),
    ("a count", {"failures_7d": {"gte": 3}}, {"failures_7d": 3}, "fires"),
    ("a sequence", {"bought": True}, {"bought": True}, "fires"),
    ("all", {"all": [{"usage": 1}, {"plan": "team"}]}, {"usage": 1, "plan": "team"}, "fires"),
    ("all, one false", {"all": [{"usage": 1}, {"plan": "team"}]}, {"usage": 2}, "no"),
    ("all, one open", {"all": [{"usage": 1}, {"plan": "team"}]}, {"usage": 1}, "unknown"),
    ("any", {"any": [{"usage": 1}, {"plan": "team"}]}, {"usage": 1}, "fires"),
    ("any, one open", {"any": [{"usage": 1}, {"plan": "team"}]}, {"usage": 2}, "unknown"),
    ("any, none", {"any": [{"usage": 1}, {"plan": "team"}]}, {"usage": 2, "plan": "free"}, "no"),
    (
        "two of three",
        {"at_least": {"count": 2, "of": [{"usage": 1}, {"plan": "team"}, {"nps": 9}]}},
        {"usage": 1, "plan": "team"},
        "fires",
    ),
    (
        "two of three can't be",
        {"at_least": {"count": 2, "of": [{"usage": 1}, {"plan": "team"}, {"nps": 9}]}},
        {"usage": 2, "plan": "free"},
        "no",
    ),
    (
        "two of three may be",
        {"at_least": {"count": 2, "of": [{"usage": 1}, {"plan": "team"}, {"nps": 9}]}},
        {"usage": 1, "plan": "free"},
        "unknown",
    ),
    ("not", {"not": {"usage": 1}}, {"usage": 2}, "fires"),
    ("not, open", {"not": {"usage": 1}}, {}, "unknown"),
    ("not not", {"not": {"not": {"usage": 1}}}, {"usage": 1}, "fires"),
    ("in a segment", {"segment": "large"}, {"mrr": "600 USD"}, "fires"),
    ("not in a segment", {"not": {"segment": "large"}}, {"mrr": "499.99 EUR"}, "fires"),
    ("in a segment, open", {"segment": "large"}, {}, "unknown"),
    (
        "quiet before the renewal",
        {
            "all": [
                {"segment": "paying"},
                {"last_login_at": {"more_than_ago": "14d"}},
                {"renewal_at": {"less_than_ahead": "60d"}},
                {"not": {"opted_out": True}},
            ]
        },
        {"mrr": "490 EUR", "renewal_at": "in 30d", "opted_out": False},
        "fires",
    ),
]


def document() -> dict[str, object]:
    """The cases as a rule file: each a rule with one test."""
    rules = [
        {
            "id": name,
            "when": when,
            "tests": [{"name": name, "customer": customer, "now": NOW, "expect": expect}],
        }
        for name, when, customer, expect in CASES
    ]
    return {"signals": SIGNALS, "segments": SEGMENTS, "rules": rules}


@frozen(kw_only=True)
class Case:
    """A published case, read from the file alone."""

    name: str
    result: str
    version: str
    rule: Condition
    book: Rulebook
    known: Readings
    at: datetime


def read_cases() -> list[Case]:
    """The cases of the file."""
    said = json.loads(FILE.read_text(encoding="utf-8"))
    return [_read(case, said) for case in said["cases"]]


def _read(case: Mapping[str, str], said: Mapping[str, object]) -> Case:
    test = {"customer": case["customer"], "now": case["now"], "expect": case["expect"]}
    rules = [{"id": "a", "when": case["when"], "tests": [test]}]
    book = read_rulebook({"signals": said["signals"], "segments": said["segments"], "rules": rules})
    (rule,) = book.rules
    (asked,) = rule.tests
    return Case(
        name=case["name"],
        result=case["result"],
        version=case["version"],
        rule=rule.when,
        book=book,
        known=asked.known,
        at=asked.at,
    )


def published() -> JsonObject:
    """What the file holds."""
    written = document()
    book = read_rulebook(written)
    cases = []
    for trial, (name, when, customer, expect) in zip(book.trials(), CASES, strict=True):
        assert trial.passed, (name, trial.explained)
        cases.append(
            {
                "name": name,
                "when": when,
                "version": book.versions()[name],
                "customer": customer,
                "now": NOW,
                "result": trial.explained.truth.value,
                "expect": expect,
                "explanation": trial.explained.to_json(),
            }
        )
    whole = {"format": 1, "signals": SIGNALS, "segments": SEGMENTS, "cases": cases}
    plain: JsonObject = json.loads(json.dumps(whole))
    return plain


if __name__ == "__main__":
    FILE.write_text(json.dumps(published(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
