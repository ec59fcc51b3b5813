"""What a file says in a way that means nothing is told, and never left out in silence."""

from __future__ import annotations

import pytest

from retainkit.errors import InvalidInput
from retainkit.rules import Mistake, Place, read_rulebook


QUOTES = "put quotes around it, or leave it out"
EVENT = {"name": "report.sent", "within": "7d"}
STEPS = {"of": ["trial.started", "plan.bought"], "within": "30d"}
NUMBER = {"kind": "number"}


def a_rule(when: object, **more: object) -> dict[str, object]:
    """A file with one rule."""
    return {"signals": {"seats": NUMBER}, "rules": [{"id": "a", "when": when, **more}]}


def a_signal(**said: object) -> dict[str, object]:
    """A file with one signal."""
    return {"signals": {"seats": said}}


def mistakes(data: object) -> tuple[Mistake, ...]:
    """All that is wrong in it."""
    with pytest.raises(InvalidInput) as caught:
        read_rulebook(data)
    assert caught.value.code == "rules.mistakes"
    found = caught.value.value
    assert isinstance(found, tuple)
    return found


WHEN = ("rules", 0, "when")
SEATS = ("signals", "seats")


@pytest.mark.parametrize(
    ("data", "place", "value", "remedy"),
    [
        (
            a_rule({"sequence": {**STEPS, "strict": "yess"}}),
            (*WHEN, "sequence", "strict"),
            "yess",
            "write `strict: true`, without quotes, or leave it out",
        ),
        (
            a_rule({"sequence": {**STEPS, "strict": []}}),
            (*WHEN, "sequence", "strict"),
            "list",
            "write `strict: true`, without quotes, or leave it out",
        ),
        (a_rule({"sequence": {**STEPS, "same": 5}}), (*WHEN, "sequence", "same"), 5, QUOTES),
        (
            a_rule({"event": {**EVENT, "absent": "yes", "lt": 5}}),
            (*WHEN, "event", "absent"),
            "yes",
            "write `absent: true`, without quotes, or leave it out",
        ),
        (
            a_rule({"event": {**EVENT, "absent": True, "eq": 5}}),
            (*WHEN, "event", "absent"),
            "eq",
            "leave out `absent`, or `eq`",
        ),
        (
            a_rule({"event": {**EVENT, "at_least": 3, "gte": 5}}),
            (*WHEN, "event", "at_least"),
            "gte",
            "leave out `at_least`, or `gte`",
        ),
        (
            a_rule({"event": {**EVENT, "same": "user", "distinct": "report", "lt": 5}}),
            (*WHEN, "event", "same"),
            "user",
            "leave out `same`, or `distinct`",
        ),
        (
            a_rule({"event": {**EVENT, "same": ["user"], "lt": 5}}),
            (*WHEN, "event", "same"),
            "list",
            QUOTES,
        ),
        (
            a_rule({"event": {**EVENT, "distinct": True, "lt": 5}}),
            (*WHEN, "event", "distinct"),
            True,
            QUOTES,
        ),
        (
            a_rule(
                {
                    "computed": {
                        "share": {"of": {"event": EVENT, "unit": 5}, "whole": "seats"},
                        "lt": 1,
                    }
                }
            ),
            (*WHEN, "computed", "share", "of", "unit"),
            5,
            QUOTES,
        ),
        (a_rule({"seats": 5}, group=["a"]), ("rules", 0, "group"), "list", QUOTES),
        (a_rule({"seats": 5}, doc={"a": "b"}), ("rules", 0, "doc"), "dict", QUOTES),
        (a_signal(**NUMBER, source=["crm"]), (*SEATS, "source"), "list", QUOTES),
        (a_signal(**NUMBER, doc={"a": "b"}), (*SEATS, "doc"), "dict", QUOTES),
        (a_signal(**NUMBER, unit=5), (*SEATS, "unit"), 5, QUOTES),
        (a_signal(event=EVENT, unit=5), (*SEATS, "unit"), 5, QUOTES),
        (
            a_signal(**NUMBER, remedy={"kind": "call", "ref": 7}),
            (*SEATS, "remedy", "ref"),
            7,
            QUOTES,
        ),
        (
            a_rule(
                {"seats": 5},
                tests=[
                    {
                        "name": 1.5,
                        "customer": {},
                        "now": "2026-11-01T00:00:00Z",
                        "expect": "unknown",
                    }
                ],
            ),
            ("rules", 0, "tests", 0, "name"),
            1.5,
            QUOTES,
        ),
        (
            a_rule(
                {"seats": 5},
                tests=[
                    {
                        "customer": {"seats": {"value": 5, "source": ["crm"]}},
                        "now": "2026-11-01T00:00:00Z",
                        "expect": "fires",
                    }
                ],
            ),
            ("rules", 0, "tests", 0, "customer", "seats", "source"),
            "list",
            QUOTES,
        ),
    ],
)
def test_what_means_nothing_where_it_stands_is_told(
    data: object, place: Place, value: object, remedy: str
) -> None:
    """A flag in quotes, a list for a name, one thing said twice: never a rule that says less."""
    (mistake,) = mistakes(data)
    assert (mistake.place, mistake.code) == (place, "rules.form")
    assert (mistake.value, mistake.remedy) == (value, remedy)


@pytest.mark.parametrize("word", ["at_least", "absent"])
def test_how_often_is_no_part_of_what_is_counted(word: str) -> None:
    """A signal counts; the condition on it says how many."""
    (mistake,) = mistakes(a_signal(event={**EVENT, word: True}))
    assert (mistake.place, mistake.code) == ((*SEATS, "event", word), "rules.unknown_word")
    assert (mistake.value, mistake.remedy) == (
        word,
        "use one of name, where, or, but, origins, same, distinct, within",
    )


def test_null_says_nothing() -> None:
    """As if the key were not there."""
    when = {"event": {**EVENT, "same": None, "distinct": None, "absent": None, "lt": 5}}
    said = a_rule(when, doc=None, group=None)
    (rule,) = read_rulebook(said).rules
    (plain,) = read_rulebook(a_rule({"event": {**EVENT, "absent": False, "lt": 5}})).rules
    assert (rule.doc, rule.group, rule.when) == ("", None, plain.when)
