"""Rulebooks as data, as programs write them; what YAML makes of a file is in the schema's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import define, evolve

from retainkit.errors import InvalidInput
from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    ConditionReader,
    Duration,
    Flag,
    Mistake,
    Number,
    Place,
    Reader,
    Remedy,
    RemedyKind,
    Rulebook,
    Signals,
    Text,
    Time,
    Truth,
    amounts,
    days,
    declared,
    event,
    meant,
    read_condition,
    read_rulebook,
)


NOW = "2026-11-01T00:00:00Z"


class Customer(Signals):
    """A few of each kind."""

    mrr = Amount()
    spent = Amount(currency="EUR")
    seats = Number(unit="seats")
    renewal_at = Time()
    answered = Duration()
    opted_out = Flag()


def a_rule(when: object, *tests: dict[str, object], id: str = "a") -> dict[str, object]:
    """One rule, with tests of customers as of now."""
    return {"id": id, "when": when, "tests": [{"name": "t", "now": NOW, **t} for t in tests]}


def a_book(*rules: dict[str, object], **parts: object) -> Rulebook:
    """What is read of these rules."""
    return read_rulebook({"rules": list(rules), **parts}, Customer)


def mistakes(data: object) -> list[Mistake]:
    """What is wrong in a document."""
    with pytest.raises(InvalidInput) as caught:
        read_rulebook(data, Customer)
    assert caught.value.code == "rules.mistakes"
    assert caught.value.remedy == "mend what each of them names"
    found: Any = caught.value.value
    assert all(each.remedy and str(each) in str(caught.value) for each in found)
    return list(found)


def test_a_rulebook_answers_its_tests_and_for_all_rules_at_once() -> None:
    """One answer was expected otherwise, and says so in the words of a file."""
    many = {"seats": {"gte": 5}}
    book = a_book(
        a_rule(many, {"customer": {"seats": 5}, "expect": "no"}, id="many"),
        a_rule({"opted_out": True}, {"expect": "unknown"}, id="out"),
    )
    first, second = book.trials()
    assert (first.passed, second.passed) == (False, True)
    assert str(first) == "expected no, got fires"
    assert str(second) == "expected unknown, got unknown"

    known = book.rule("many").tests[0].known
    asked = book.compiled().truths(known, datetime(2026, 11, 1, tzinfo=UTC))
    assert asked == {"many": Truth.TRUE, "out": Truth.UNKNOWN}


@pytest.mark.parametrize(
    ("said", "truth"),
    [
        ({"amount": "5.00", "currency": "EUR"}, Truth.TRUE),
        ({"amount": 4, "currency": "EUR"}, Truth.FALSE),
        ({"amount": "5.00", "currency": "USD"}, Truth.UNKNOWN),
        ("5 EUR", Truth.TRUE),
        (None, Truth.UNKNOWN),
    ],
)
def test_an_amount_of_a_customer_is_a_text_or_what_a_reason_tells(
    said: object, truth: Truth
) -> None:
    """So what one customer's explanation says can be pasted into a test."""
    book = a_book(a_rule({"mrr": {"gte": "5 EUR"}}, {"customer": {"mrr": said}, "expect": "fires"}))
    (trial,) = book.trials()
    assert trial.explained.truth is truth


def test_amounts_without_a_currency_are_taken_where_one_is_declared() -> None:
    """As texts, too; and one for each currency where customers pay in several."""
    known = declared(Customer)
    for said in ("5", "5.00", 5, "5 EUR", {"EUR": "5"}):
        assert read_condition({"spent": {"gte": said}}, known) == (Customer.spent >= 5), said
    both = read_condition({"mrr": {"gte": {"EUR": "5", "USD": "6"}}}, known)
    assert both == (Customer.mrr >= amounts(money(5, "EUR"), money(6, "USD")))


@pytest.mark.parametrize("said", [0, "0s", "0min", "0h", "0d", "0w", timedelta(0)])
def test_no_time_at_all_is_a_length(said: object) -> None:
    """Of a first response, for one; in whatever unit somebody writes it."""
    waited = read_condition({"answered": {"gt": said}}, declared(Customer))
    assert waited == (Customer.answered > timedelta(0))
    book = a_book(
        a_rule({"answered": {"lt": "1h"}}, {"customer": {"answered": said}, "expect": "fires"})
    )
    assert [trial.passed for trial in book.trials()] == [True]


def test_lengths_and_instants_may_be_pythons_own() -> None:
    """Who builds the data in Python need not write them out."""
    renewal = datetime(2027, 1, 1, tzinfo=UTC)
    known = declared(Customer)
    late = read_condition({"answered": {"gte": timedelta(hours=8)}}, known)
    assert late == (Customer.answered >= timedelta(hours=8))
    soon = read_condition({"renewal_at": {"less_than_ahead": days(60)}}, known)
    assert soon == Customer.renewal_at.less_than_ahead(days(60))
    assert read_condition({"renewal_at": renewal}, known) == Customer.renewal_at.eq(renewal)


LENGTH = "pass days(14) in Python, or write 14d, 4w, 12h, 30min or 90s in a file"


@pytest.mark.parametrize(
    ("when", "place", "code", "value", "remedy"),
    [
        ({"answered": {"gt": False}}, ("answered", "gt"), "rules.window", "False", LENGTH),
        (
            {"renewal_at": {"more_than_ago": "999999999999w"}},
            ("renewal_at", "more_than_ago"),
            "rules.window",
            "999999999999w",
            LENGTH,
        ),
        (
            {"mrr": {"gt": "500"}},
            ("mrr", "gt"),
            "rules.currency_missing",
            "500",
            'name it: money("500", "EUR"), or amounts(...) with one for each currency',
        ),
        (
            {"mrr": {"gt": "many"}},
            ("mrr", "gt"),
            "rules.value_type",
            "many",
            'compare it with money("500", "EUR"), never a float',
        ),
        (
            {"mrr": {"gt": {"EUR": True}}},
            ("mrr", "gt"),
            "rules.amount",
            True,
            'put quotes around it: "499.90 EUR"',
        ),
        (
            {"seats": {"gt": {"signal": "seats", "times": "2 users"}}},
            ("seats", "gt"),
            "rules.unit",
            "users",
            "convert it, or leave the unit out",
        ),
        (
            {"mrr": {"gt": {"signal": "mrr", "times": 0.5}}},
            ("mrr", "gt"),
            "rules.value_type",
            "0.5",
            'write a whole number, or a text such as "1/2" or "0.7"',
        ),
    ],
)
def test_a_value_that_is_none_is_told_with_its_place(
    when: object, place: Place, code: str, value: object, remedy: str
) -> None:
    """One mistake each, and what to write instead."""
    (mistake,) = mistakes({"rules": [a_rule(when)]})
    assert mistake.place == ("rules", 0, "when", *place)
    assert (mistake.code, mistake.value, mistake.remedy) == (code, value, remedy)


@pytest.mark.parametrize("word", ["event", "sequence", "computed"])
@pytest.mark.parametrize("said", [5, ["x"], None])
def test_what_is_computed_of_nothing_readable_is_one_mistake(word: str, said: object) -> None:
    """In a condition; and of a signal by its name, where no word says `computed`."""
    (mistake,) = mistakes({"rules": [a_rule({word: said})]})
    assert (mistake.place, mistake.code) == (("rules", 0, "when", word), "rules.form")
    assert mistake.value == type(said).__name__
    word = {"computed": "sum"}.get(word, word)
    (mistake,) = mistakes({"signals": {"x": {word: said}}})
    assert (mistake.place, mistake.code) == (("signals", "x", word), "rules.form")
    assert mistake.value == type(said).__name__


@pytest.mark.parametrize(
    ("said", "place", "code", "value", "remedy"),
    [
        (5, (), "rules.form", "int", "write keys and values; the keys are kind, unit"),
        ({"kind": "nubmer"}, ("kind",), "rules.kind", "nubmer", "did you mean 'number'?"),
        ({}, ("kind",), "rules.kind", None, "use one of number, amount"),
        (
            {"kind": "number", "one_of": ["a"]},
            ("one_of",),
            "rules.unknown_word",
            "one_of",
            "leave it out: the signal is of the kind number",
        ),
        (
            {"kind": "flag", "remedy": "call"},
            ("remedy",),
            "rules.form",
            "str",
            "the keys are kind, ref, doc",
        ),
        (
            {"kind": "flag", "remedy": {"kind": "cal"}},
            ("remedy",),
            "rules.remedy",
            "cal",
            "use one of tutorial, call",
        ),
        ({"kind": "flag", "fresh_for": "soon"}, ("fresh_for",), "rules.window", "soon", LENGTH),
        (
            {"last": {"event": "x"}, "kind": "number"},
            ("kind",),
            "rules.unknown_word",
            "kind",
            "leave it out: what is computed is of the kind time",
        ),
        (
            {"last": {"event": "x"}, "unit": "seats"},
            ("unit",),
            "rules.unknown_word",
            "unit",
            "leave it out: the signal is of the kind time",
        ),
        (
            {"sum": {"event": "x", "of": "a", "within": "7d"}, "currency": "EUR"},
            ("currency",),
            "rules.unknown_word",
            "currency",
            "write it inside: sum: {event: ..., currency: EUR}",
        ),
        (
            {"event": {"name": "x", "within": "7d"}, "last": {"event": "x"}},
            ("last",),
            "rules.unknown_word",
            "last",
            "leave it out: one thing is computed, event",
        ),
    ],
)
def test_a_declaration_that_is_none_is_told_with_its_place(
    said: object, place: Place, code: str, value: object, remedy: str
) -> None:
    """One mistake each, and what to write instead."""
    (mistake,) = mistakes({"signals": {"x": said}})
    assert mistake.place == ("signals", "x", *place)
    assert (mistake.code, mistake.value) == (code, value)
    assert remedy in mistake.remedy


def test_what_is_said_beside_a_declaration_is_part_of_the_signal() -> None:
    """Whether the host sets it or it is computed; choices and missing times reach inside."""
    book = read_rulebook(
        {
            "signals": {
                "plan": {"kind": "text", "one_of": ["free", "team"], "doc": "As sold"},
                "chosen": {"latest": {"event": "x", "of": "p", "kind": "text"}, "one_of": ["a"]},
                "used_at": {"last": {"event": "x"}, "missing": "never", "source": "product"},
                "ended_at": {
                    "latest": {"event": "x", "of": "e", "kind": "time"},
                    "missing": "never",
                },
                "users": {"event": {"name": "x", "within": "7d"}, "unit": "seats"},
                "nps": {
                    "kind": "number",
                    "fresh_for": "90d",
                    "remedy": {"kind": "call", "ref": "why-low"},
                },
            }
        }
    )
    x = event("x")
    assert book.signals == {
        "plan": Text(name="plan", one_of=("free", "team"), doc="As sold"),
        "chosen": evolve(x.latest_text("p", one_of=("a",)), name="chosen"),
        "used_at": evolve(x.last(missing="never"), name="used_at", source="product"),
        "ended_at": evolve(x.latest_time("e"), name="ended_at", missing="never"),
        "users": evolve(x.count(days(7)).counting("seats"), name="users"),
        "nps": Number(
            name="nps", fresh_for=days(90), remedy=Remedy(kind=RemedyKind.CALL, ref="why-low")
        ),
    }


def test_what_only_segments_make_too_large_is_told_where_it_stands() -> None:
    """A rule by its position, a segment by its name; all of them."""
    some = {"any": [{"seats": count} for count in range(400)]}
    grown = {"any": [{"all": [{"segment": "some"}, {"seats": n}]} for n in range(1, 4)]}
    found = mistakes(
        {
            "segments": {"some": some},
            "rules": [a_rule({"segment": "some"}), a_rule(grown, id="b"), a_rule(grown, id="c.d")],
        }
    )
    assert [(each.place, each.code, each.value) for each in found] == [
        (("rules", 1, "when"), "rules.too_large", 1_213),
        (("rules", 2, "when"), "rules.too_large", 1_213),
    ]
    (mistake,) = mistakes({"segments": {"some": some, "v.2": grown}})
    assert (mistake.place, mistake.code) == (("segments", "v.2"), "rules.too_large")


# ------------------------------------------------------------------------- documents of other kinds


@define(kw_only=True)
class Offers(Reader):
    """Reads a document of some other product, with conditions in it."""

    form = "shop.form"

    def read(self, data: object) -> list[Condition | None]:
        """The conditions of all offers."""
        offers = self.keys(data, (), ("offers",)).get("offers", [])
        return [
            self.made(("offers", at), lambda said=said: read_condition(said, declared(Customer)))  # type: ignore[misc] # bound now
            for at, said in enumerate(self.listed(offers, ("offers",)))
        ]


def test_conditions_inside_of_another_document_keep_their_places() -> None:
    """Below that of the document; what can be read is read all the same."""
    reader = Offers()
    first, second = reader.read({"offers": [{"seats": {"gt": 5}}, {"all": [{"seets": 5}]}]})
    assert (first, second) == (Customer.seats > 5, None)
    (mistake,) = reader.mistakes
    assert mistake.place == ("offers", 1, "all", 0, "seets")
    assert (mistake.code, mistake.value) == ("rules.unknown_signal", "seets")
    assert mistake.remedy == "did you mean 'seats'?"
    assert reader.told == (
        "offers.1.all.0.seets: There is no such signal ('seets'): did you mean 'seats'?"
    )


@pytest.mark.parametrize(
    ("data", "place", "code", "value", "remedy"),
    [
        ([], (), "shop.form", "list", "write keys and values; the keys are offers"),
        ({"offers": 5}, ("offers",), "shop.form", "int", "write `- ` before each"),
        ({"ofers": []}, ("ofers",), "rules.unknown_word", "ofers", "did you mean 'offers'?"),
    ],
)
def test_other_documents_have_codes_of_their_own(
    data: object, place: Place, code: str, value: object, remedy: str
) -> None:
    """Where the form is wrong; what conditions say keeps the codes of rules."""
    reader = Offers()
    assert reader.read(data) == []
    (mistake,) = reader.mistakes
    assert (mistake.place, mistake.code, mistake.value) == (place, code, value)
    assert remedy in mistake.remedy


def test_readers_of_one_document_share_its_mistakes() -> None:
    """A reader of conditions notes them where the other one does."""
    offers = Offers()
    rules = ConditionReader(
        signals=declared(Customer), segments=("paying",), mistakes=offers.mistakes
    )
    assert rules.condition({"segment": "payin"}, ("offers", 0)) is None
    assert rules.length("soon", ("offers", 1)) is None
    assert [(each.place, each.remedy) for each in offers.mistakes] == [
        (("offers", 0, "segment"), "did you mean 'paying'?"),
        (("offers", 1), LENGTH),
    ]


def test_the_nearest_word_is_meant() -> None:
    """Or all of them are named, or what else there is to do."""
    assert meant("fier", ("fires", "no")) == "did you mean 'fires'?"
    assert meant("x", ("fires", "no")) == "use one of fires, no"
    assert meant("x", (), "define one") == "define one"
