"""A mistake about events, numbers of conditions and parts of texts: what was written, and where."""

from __future__ import annotations

import pytest

from retainkit.errors import InvalidInput
from retainkit.rules import Mistake, Place, read_rulebook


EVENT = {"name": "report.sent", "within": "7d"}
NAMED = "name it as the timeline does, such as payment.failed"


def mistakes(when: object) -> list[Mistake]:
    """What is wrong in a rule."""
    signals = {"plan": {"kind": "text"}, "seats": {"kind": "number"}}
    with pytest.raises(InvalidInput) as caught:
        read_rulebook({"signals": signals, "rules": [{"id": "a", "when": when}]})
    assert (caught.value.code, caught.value.remedy) == (
        "rules.mistakes",
        "mend what each of them names",
    )
    assert isinstance(caught.value.value, tuple)
    return list(caught.value.value)


@pytest.mark.parametrize(
    ("when", "place", "code", "value", "remedy"),
    [
        (
            {"event": {**EVENT, "at_lest": 3}},
            ("event", "at_lest"),
            "rules.unknown_word",
            "at_lest",
            "did you mean 'at_least'?",
        ),
        (
            {"event": {**EVENT, "at_least": 3, "betwen": [1, 2]}},
            ("event", "betwen"),
            "rules.unknown_word",
            "betwen",
            "did you mean 'between'?",
        ),
        (
            {"event": {**EVENT, "name": 5, "at_least": 3}},
            ("event", "name"),
            "rules.event_name",
            5,
            NAMED,
        ),
        (
            {"event": {"within": "7d", "at_least": 3}},
            ("event",),
            "rules.event_name",
            "",
            NAMED,
        ),
        (
            {"event": {**EVENT, "or": ["report.made", 5], "at_least": 3}},
            ("event", "or", 1),
            "rules.event_name",
            5,
            NAMED,
        ),
        (
            {"event": {"name": "*", "within": "7d", "but": [""], "at_least": 3}},
            ("event", "but", 0),
            "rules.event_name",
            "",
            NAMED,
        ),
        (
            {"event": {**EVENT, "name": "*", "but": ["a", "payment*"], "at_least": 3}},
            ("event", "but", 1),
            "rules.event_name",
            "payment*",
            "name it, such as payment.failed, or write payment.* for all that start with payment.",
        ),
        (
            {"event": {**EVENT, "name": "*", "or": ["a.b"], "at_least": 3}},
            ("event", "name"),
            "rules.event_name",
            "*",
            "leave out * to count the others alone, or leave out the others",
        ),
        (
            {"event": {**EVENT, "but": ["a.b"], "at_least": 3}},
            ("event", "but"),
            "rules.event_name",
            "a.b",
            "write anything(but=...), in a file the name *; or leave out but",
        ),
        (
            {"event": {**EVENT, "origins": ["rael"], "at_least": 3}},
            ("event", "origins"),
            "rules.origin",
            "rael",
            "use real, sample, internal, test, backfill",
        ),
        (
            {"at_least": {"count": "2", "of": [{"seats": 1}, {"plan": "team"}]}},
            ("at_least", "count"),
            "rules.count",
            "2",
            "ask for 1 to 2 of them",
        ),
        (
            {"at_least": {"count": 1, "of": []}},
            ("at_least", "of"),
            "rules.empty",
            [],
            "name at least one condition",
        ),
        (
            {"plan": {"starts_with": 5}},
            ("plan", "starts_with"),
            "rules.value_type",
            5,
            "pass a text, and not an empty one",
        ),
    ],
)
def test_what_was_written_is_told_where_it_stands(
    when: object, place: Place, code: str, value: object, remedy: str
) -> None:
    """Not an empty text or a zero in its stead, and every word that could stand there is meant."""
    (mistake,) = mistakes(when)
    assert mistake.place == ("rules", 0, "when", *place)
    assert (mistake.code, mistake.value, mistake.remedy) == (code, value, remedy)


def test_words_are_told_beside_what_is_counted_wrongly() -> None:
    """A window that is missing hides no word, and a word no window."""
    found = mistakes({"event": {"name": "report.sent", "at_lest": 3, "lt": 5}})
    assert [(each.place[3:], each.code, each.remedy) for each in found] == [
        (("event",), "rules.window", "write `within: 7d`, or another"),
        (("event", "at_lest"), "rules.unknown_word", "did you mean 'at_least'?"),
    ]
