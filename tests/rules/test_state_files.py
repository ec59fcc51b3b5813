"""What a rule file says of how often and how long a rule counts, and its mistakes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.rules.test_state import Customer

from retainkit.errors import InvalidInput
from retainkit.rules import Mistake, Rule, days, hours, read_rulebook, version
from retainkit.schema import FileMistake, read_rules, rules_schema


FILE = """\
rules:
  - id: low
    when: {usage: {lt: 5}}
    for: 2d
    keep_for: 12h
    clears_when: {usage: {gt: 8}}
    cooldown: 4w
    once_per: term
    term: renewal_at
    max_per: 3/90d
    unknown_for: 7d
    status: shadow
    effective_from: 2026-11-01T00:00:00Z
    effective_until: 2027-11-01T00:00:00Z
"""

LOW = Rule(
    id="low",
    when=Customer.usage < 5,
    for_=days(2),
    keep_for=hours(12),
    clears_when=Customer.usage > 8,
    cooldown=days(28),
    once_per="term",
    term="renewal_at",
    max_per=(3, days(90)),
    unknown_for=days(7),
    status="shadow",
    effective_from=datetime(2026, 11, 1, tzinfo=UTC),
    effective_until=datetime(2027, 11, 1, tzinfo=UTC),
)


def test_a_file_says_what_python_says() -> None:
    """Every option, either way."""
    assert read_rules(FILE, Customer).rules == (LOW,)


def test_what_clears_a_rule_is_part_of_its_version() -> None:
    """Another threshold to end it is another rule; another cooldown is not."""
    book = read_rules(FILE, Customer)
    other = read_rules(FILE.replace("gt: 8", "gt: 9"), Customer)
    cooler = read_rules(FILE.replace("cooldown: 4w", "cooldown: 1w"), Customer)
    assert book.versions() == cooler.versions()
    assert book.versions() != other.versions()
    plain = read_rules("rules: [{id: low, when: {usage: {lt: 5}}}]", Customer)
    assert plain.versions() == {"low": version(Customer.usage < 5)}


def test_all_mistakes_are_told_at_once_with_their_places() -> None:
    """Each on its line, with the way out."""
    text = """\
rules:
  - id: low
    when: {usage: {lt: 5}}
    for: 0d
    keep_fro: 12h
    clears_when: {usge: {gt: 8}}
    cooldown: soon
    once_per: weak
    max_per: 3 in 90d
    unknown_for: 7
    status: activ
    effective_from: 2026-11-01
"""
    with pytest.raises(InvalidInput) as caught:
        read_rules(text, Customer)
    found = [(m.line, m.column, m.mistake.code, m.mistake.remedy) for m in _mistakes(caught.value)]
    length = "pass days(14) in Python, or write 14d, 4w, 12h, 30min or 90s in a file"
    assert found == [
        (4, 10, "rules.window", length),
        (5, 5, "rules.unknown_word", "did you mean 'keep_for'?"),
        (6, 19, "rules.unknown_signal", "did you mean 'usage'?"),
        (7, 15, "rules.window", length),
        (8, 15, "rules.choice", "did you mean 'week'?"),
        (9, 14, "rules.max_per", "write 3/90d: three in ninety days"),
        (10, 18, "rules.window", length),
        (11, 13, "rules.choice", "did you mean 'active'?"),
        (
            12,
            21,
            "rules.value_type",
            "write the time and the zone, too: 2026-11-01T00:00:00Z",
        ),
    ]


@pytest.mark.parametrize(
    ("said", "place", "code"),
    [
        ({"once_per": "term"}, (), "rules.term"),
        ({"term": "renewal_at"}, ("term",), "rules.term"),
        ({"once_per": "term", "term": "usage"}, ("term",), "rules.term"),
        ({"once_per": "term", "term": "renewal"}, ("term",), "rules.unknown_signal"),
        (
            {
                "effective_from": "2026-11-02T00:00:00Z",
                "effective_until": "2026-11-01T00:00:00Z",
            },
            ("effective_until",),
            "rules.effective",
        ),
        (
            {"clears_when": {"all": [{"usage": {"gt": 8}}, {"usage": {"lt": 7}}]}},
            ("clears_when",),
            "rules.contradiction",
        ),
        ({"clears_when": {"segment": "big"}}, ("clears_when", "segment"), "rules.unknown_segment"),
        ({"max_per": "0/90d"}, ("max_per",), "rules.max_per"),
        ({"effective_until": "0001-01-01T00:00:00Z"}, ("effective_until",), "time.out_of_range"),
    ],
)
def test_what_contradicts_itself_is_a_mistake(
    said: dict[str, object], place: tuple[str, ...], code: str
) -> None:
    """Where it stands, whether the rule or the rulebook sees it."""
    with pytest.raises(InvalidInput) as caught:
        read_rulebook({"rules": [{"id": "low", "when": {"usage": {"lt": 5}}, **said}]}, Customer)
    assert isinstance(caught.value.value, tuple)
    (mistake,) = caught.value.value
    assert isinstance(mistake, Mistake)
    assert (mistake.place, mistake.code) == (("rules", 0, *place), code)
    assert mistake.remedy


def test_an_editor_knows_the_words() -> None:
    """The schema offers every option, with its choices."""
    schema = rules_schema(Customer)
    assert isinstance(schema["$defs"], dict)
    rule = schema["$defs"]["rule"]["properties"]
    assert rule["once_per"] == {"enum": ["day", "week", "month", "term", "ever"]}
    assert rule["status"] == {"enum": ["draft", "shadow", "active", "retired"]}
    assert rule["term"] == {"enum": ["renewal_at"]}
    assert set(rule) >= {"for", "keep_for", "clears_when", "cooldown", "max_per", "unknown_for"}


def _mistakes(error: InvalidInput) -> list[FileMistake]:
    assert isinstance(error.value, tuple)
    return [mistake for mistake in error.value if isinstance(mistake, FileMistake)]
