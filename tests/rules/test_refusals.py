"""What can't be a rule, a signal or a reading: each mistake has a name, a place and a way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from retainkit.errors import InvalidInput, NotFound
from retainkit.money import money
from retainkit.rules import (
    Amount,
    Duration,
    Flag,
    InSegment,
    Number,
    Rule,
    Rulebook,
    Signal,
    Signals,
    Text,
    Time,
    Truth,
    all_of,
    amounts,
    any_of,
    at_least,
    days,
    declared,
    event,
    hours,
    read_condition,
    readings,
    segment,
    sequence,
    why,
)


class Customer(Signals):
    """A few of each kind."""

    mrr = Amount()
    spent = Amount(currency="EUR")
    dollars = Amount(currency="USD")
    plan = Text(one_of=("free", "team"))
    seats = Number(unit="seats")
    share = Number(unit="percent")
    nps = Number(fresh_for=days(90))
    login = Time()
    answered = Duration()
    opted_out = Flag()


C: Any = Customer  # what a checker would find before: see test_typing
MANY = Customer.seats > 5
HIGH: Any = "high"
FAILED = event("payment.failed").count(days(7))

REFUSED: list[tuple[str, Callable[[], object], str, str | None, object, str]] = [
    (
        "and for &",
        lambda: MANY and Customer.opted_out,  # type: ignore[redundant-expr] # the mistake
        "rules.and_for_ampersand",
        "condition",
        "Compare",
        "write & for and",
    ),
    (
        "a chain",
        lambda: 1 < Customer.seats < 5,
        "rules.and_for_ampersand",
        "condition",
        "Compare",
        "x.between(low, high)",
    ),
    (
        "a flag as a bool",
        lambda: bool(Customer.opted_out),
        "rules.and_for_ampersand",
        "condition",
        "opted_out",
        "write & for and",
    ),
    (
        "an answer as a bool",
        lambda: bool(Truth.UNKNOWN),
        "rules.truth_as_bool",
        "truth",
        "unknown",
        "`truth is Truth.TRUE`",
    ),
    (
        "== for eq",
        lambda: Rule(id="a", when=C.plan == "team"),
        "rules.not_a_condition",
        "condition",
        False,
        "Customer.plan.eq('team')",
    ),
    (
        "a signal that is no flag",
        lambda: MANY & C.seats,
        "rules.not_a_condition",
        "condition",
        "Number",
        "compare a signal",
    ),
    ("a text for a number", lambda: C.seats > "5", "rules.value_type", "seats", "5", "pass an int"),
    (
        "a flag for a number",
        lambda: C.seats > True,
        "rules.value_type",
        "seats",
        True,
        "pass an int",
    ),
    (
        "a float for money",
        lambda: C.spent > 9.99,
        "rules.value_type",
        "spent",
        9.99,
        "never a float",
    ),
    (
        "a number of money in no currency",
        lambda: Customer.mrr > 500,
        "rules.currency_missing",
        "mrr",
        "500",
        'money("500", "EUR")',
    ),
    (
        "money of another currency",
        lambda: Customer.spent > money("5", "USD"),
        "rules.currency",
        "spent",
        "USD",
        "convert it before",
    ),
    (
        "two currencies in one comparison",
        lambda: Customer.spent > Customer.dollars,
        "rules.currency",
        "spent.gt",
        "USD",
        "convert one before",
    ),
    (
        "a currency twice",
        lambda: amounts(money("5", "EUR"), money("6", "EUR")),
        "rules.currency_twice",
        "amounts",
        "EUR",
        "leave one",
    ),
    (
        "two units",
        lambda: Customer.seats > Customer.share,
        "rules.unit",
        "seats.gt",
        "percent",
        "one unit",
    ),
    (
        "two kinds",
        lambda: C.seats > C.answered,
        "rules.value_type",
        "seats.gt",
        "duration",
        "another kind",
    ),
    (
        "a choice that is none",
        lambda: Customer.plan.eq("tem"),
        "rules.not_a_choice",
        "plan",
        "tem",
        "did you mean 'team'?",
    ),
    (
        "no choice at all",
        Customer.plan.one_of,
        "rules.empty",
        "plan.in",
        [],
        "at least one",
    ),
    ("infinity", lambda: Customer.seats > 1e999, "rules.not_finite", "seats", "inf", "leave out"),
    (
        "a number JavaScript can't hold",
        lambda: Customer.seats > 2**53 + 1,
        "rules.not_finite",
        "seats",
        str(2**53 + 1),
        "as text",
    ),
    (
        "an empty range",
        lambda: Customer.seats.between(5, 1),
        "rules.empty_range",
        "seats.between",
        ["5", "1"],
        "low end first",
    ),
    (
        "ranges in two currencies",
        lambda: Customer.mrr.between(money(1, "EUR"), money(2, "USD")),
        "rules.empty_range",
        "mrr.between",
        ["1.00 EUR", "2.00 USD"],
        "same currencies",
    ),
    (
        "a window of zero",
        lambda: Customer.login.more_than_ago(days(0)),
        "rules.window",
        "login",
        "0:00:00",
        "days(14)",
    ),
    (
        "a window that is a number",
        lambda: C.login.more_than_ago(14),
        "rules.window",
        "login",
        "14",
        "days(14)",
    ),
    (
        "a window of part of a second",
        lambda: event("login").at_least(1).within(timedelta(milliseconds=1)),
        "rules.window",
        "within",
        "0:00:00.001000",
        "days(14)",
    ),
    (
        "freshness of no time",
        lambda: Number(fresh_for=days(0)),
        "rules.window",
        "fresh_for",
        "0:00:00",
        "days(14)",
    ),
    (
        "a naive instant",
        lambda: Customer.login > datetime(2026, 1, 1),
        "time.naive",
        "login",
        "2026-01-01T00:00:00",
        "tzinfo=UTC",
    ),
    (
        "a date",
        lambda: C.login > date(2026, 1, 1),
        "rules.value_type",
        "login",
        "date",
        "datetime with a zone",
    ),
    (
        "an empty text",
        lambda: Text(name="industry").contains(""),
        "rules.value_type",
        "industry.contains",
        "",
        "not an empty one",
    ),
    (
        "an inexact factor of money",
        lambda: C.spent * 0.7,
        "rules.value_type",
        "spent.times",
        0.7,
        "a Fraction",
    ),
    ("nothing to combine", any_of, "rules.empty", "items", [], "at least one"),
    (
        "three of two",
        lambda: at_least(3, MANY, Customer.opted_out),
        "rules.count",
        "count",
        3,
        "1 to 2",
    ),
    (
        "four of one",
        lambda: at_least(4, MANY),
        "rules.count",
        "count",
        4,
        "ask for 1, or name more",
    ),
    (
        "a priority in words",
        lambda: Rule(id="a", when=MANY, priority=HIGH),
        "rules.form",
        "priority",
        "high",
        "write a number; the highest comes first",
    ),
    (
        "a priority that is no number of steps",
        lambda: Rule(id="a", when=MANY, priority=True),
        "rules.form",
        "priority",
        "True",
        "write a number; the highest comes first",
    ),
    (
        "a word for a name",
        lambda: type("S", (Signals,), {"all": Number()}),
        "rules.signal_name",
        "name",
        "all",
        "another name",
    ),
    (
        "zero times",
        lambda: event("login").at_least(0),
        "rules.times",
        "at_least",
        0,
        "absent()",
    ),
    (
        "an event without a name",
        lambda: event(""),
        "rules.event_name",
        "name",
        "",
        "payment.failed",
    ),
    (
        "a list in an event",
        lambda: event("login", {"tags": ["a"]}),  # type: ignore[dict-item] # the mistake
        "rules.where",
        "where.tags",
        "list",
        "must have",
    ),
    (
        "a sequence of one",
        lambda: sequence(event("login")),
        "rules.sequence",
        "patterns",
        1,
        "at_least(1)",
    ),
    (
        "a reading of nothing declared",
        lambda: readings(Customer, {"seets": 5}),
        "rules.unknown_signal",
        "seets",
        "seets",
        "did you mean 'seats'?",
    ),
    (
        "a reading of another kind",
        lambda: readings(Customer, {"seats": "5"}),
        "rules.value_type",
        "seats",
        "5",
        "pass an int",
    ),
    (
        "a reading in another currency",
        lambda: readings(Customer, {"spent": money("5", "USD")}),
        "rules.currency",
        "spent",
        "USD",
        "declare no currency",
    ),
    (
        "a reading that is not money",
        lambda: readings(Customer, {"spent": 5}),
        "rules.value_type",
        "spent",
        5,
        'money("500", "EUR")',
    ),
    (
        "a reading whose age nobody knows",
        lambda: readings(Customer, {"nps": 9}),
        "rules.reading_time",
        "nps",
        None,
        "pass at=",
    ),
    (
        "one id for two rules",
        lambda: Rulebook(signals=Customer, rules=[Rule(id="a", when=MANY)] * 2),
        "rules.rule_twice",
        "rules",
        "a",
        "rename",
    ),
    (
        "a rule that is not there",
        lambda: Rulebook(signals=Customer, rules=[Rule(id="quiet", when=MANY)]).rule("quite"),
        "rules.unknown_rule",
        "id",
        "quite",
        "did you mean 'quiet'?",
    ),
    (
        "a segment that is not there",
        lambda: Rulebook(
            signals=Customer, rules=[Rule(id="a", when=segment("bg"))], segments={"big": MANY}
        ),
        "rules.unknown_segment",
        "rules.a.when",
        "bg",
        "did you mean 'big'?",
    ),
    (
        "segments in a circle",
        lambda: Rulebook(
            signals=Customer,
            segments={"a": segment("b") | MANY, "b": ~segment("c"), "c": segment("a")},
        ),
        "rules.circular_segments",
        "segments.a",
        "a -> b -> c -> a",
        "by signals",
    ),
    (
        "a signal of another class",
        lambda: Rulebook(signals=Customer, rules=[Rule(id="a", when=Number(name="nbs") > 5)]),
        "rules.unknown_signal",
        "rules.a.when",
        "nbs",
        "did you mean 'nps'?",
    ),
    (
        "a signal declared otherwise",
        lambda: Rulebook(signals=Customer, rules=[Rule(id="a", when=Number(name="seats") > 5)]),
        "rules.signal_clash",
        "rules.a.when",
        "seats",
        "the class that",
    ),
    (
        "a contradiction",
        lambda: Rulebook(
            signals=Customer,
            rules=[Rule(id="a", when=Customer.opted_out & ((MANY & (Customer.seats < 3)) & MANY))],
        ),
        "rules.contradiction",
        "rules.a.when",
        ["opted_out", "seats"],
        "read again what is said of opted_out, seats",
    ),
    (
        "a contradiction about events",
        lambda: Rulebook(signals=Customer, rules=[Rule(id="a", when=(FAILED > 5) & (FAILED < 3))]),
        "rules.contradiction",
        "rules.a.when",
        ['{"event":{"name":"payment.failed","within":"7d"}}'],
        'read again what is said of {"event":{"name":"payment.failed","within":"7d"}}',
    ),
]


@pytest.mark.parametrize(
    ("make", "code", "field", "value", "remedy"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_a_mistake_is_named_with_its_place_and_remedy(
    make: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """When the module is imported, not when the rule is asked."""
    with pytest.raises(InvalidInput) as caught:
        make()
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy


def test_signals_are_called_by_the_name_they_stand_under() -> None:
    """As those of a class are."""
    named = declared({"seats": Number(), "size": Number(name="s"), "fails": FAILED})
    assert [signal.name for signal in named.values()] == ["seats", "size", "fails"]


def test_a_signal_without_a_name_is_told_where_it_has_one() -> None:
    """A rulebook could not tell which one it is."""
    signals = {"seats": Number()}
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=signals, segments={"large": signals["seats"] > 5})
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.unknown_signal", "segments.large", "")
    assert error.remedy == "it has no name: take it out of declared(signals), where it has one"
    seats: Any = declared(signals)["seats"]
    assert Rulebook(signals=signals, segments={"large": seats > 5}).segments


def test_a_reading_is_refused_under_the_name_it_stands_under() -> None:
    """Whatever the signal is called itself."""
    with pytest.raises(InvalidInput) as caught:
        readings({"seats": Number()}, {"seats": "many"})
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.value_type", "seats", "many")
    assert error.remedy == "pass an int or a float"


def test_a_tree_too_deep_is_refused() -> None:
    """Before anybody asks it; `&` and `|` alone never get deep."""
    rule = MANY
    for _ in range(15):
        rule = (rule & Customer.opted_out) | Customer.opted_out
    with pytest.raises(InvalidInput) as caught:
        (rule & Customer.opted_out) | Customer.opted_out
    assert (caught.value.code, caught.value.value) == ("rules.too_deep", 33)
    assert all_of(*[MANY] * 900).depth == 2


def test_a_tree_too_large_is_refused() -> None:
    """A list of a thousand comparisons is one `in`."""
    with pytest.raises(InvalidInput) as caught:
        any_of(*[MANY] * 1_000)
    assert (caught.value.code, caught.value.value) == ("rules.too_large", 1_001)
    assert "`in`" in caught.value.remedy


def test_segments_count_with_their_content() -> None:
    """Twenty segments, each of two of the one before, would be a million conditions."""
    segments = {"s0": MANY}
    for number in range(1, 21):
        inner = segment(f"s{number - 1}")
        segments[f"s{number}"] = inner | (inner & Customer.opted_out)
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=Customer, segments=segments)
    assert (caught.value.code, caught.value.field) == ("rules.too_large", "segments.s8")


def test_a_long_chain_of_segments_is_refused_and_not_followed() -> None:
    """A thousand segments that name each other would exhaust Python's stack."""
    segments = {"s0": MANY}
    for number in range(1, 1_001):
        segments[f"s{number}"] = segment(f"s{number - 1}")
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=Customer, segments=segments)
    assert (caught.value.code, caught.value.field) == ("rules.too_deep", "segments.s32")
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=Customer, segments=dict(reversed(segments.items())))
    assert (caught.value.code, caught.value.field) == ("rules.too_deep", "segments.s968")


def test_a_rule_that_grows_too_large_by_its_segments_is_named() -> None:
    """Nothing in it is wrong by itself."""
    some = any_of(*[MANY] * 400)
    with pytest.raises(InvalidInput) as caught:
        Rulebook(
            signals=Customer,
            segments={"some": some},
            rules=[
                Rule(id="fits", when=segment("some") & MANY),
                Rule(id="grows", when=any_of(*[segment("some") & MANY] * 3)),
            ],
        )
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.too_large", "rules.grows.when", 1_213)
    assert "`in`" in error.remedy


def test_a_segment_needs_its_rulebook() -> None:
    """A condition alone does not know what a segment is."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(NotFound) as caught:
        why(InSegment(name="big"), readings(Customer, {}), now)
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.unknown_segment", "segments", "big")
    assert "rulebook" in error.remedy


@pytest.mark.parametrize(
    "when",
    [
        Customer.seats.eq(3) & Customer.seats.ne(3),
        MANY & ~MANY,
        Customer.plan.eq("free") & Customer.plan.one_of("team"),
        Customer.plan.ne("free") & Customer.plan.ne("team"),
        Customer.seats.missing() & MANY,
        Customer.mrr.between(money(1, "EUR"), money(2, "EUR")) & (Customer.mrr > money(2, "EUR")),
        (Customer.mrr > money(2, "EUR")) & (Customer.mrr > money(2, "USD")),
        Customer.login.more_than_ago(days(14)) & Customer.login.less_than_ago(days(7)),
        Customer.login.more_than_ago(days(1)) & Customer.login.less_than_ahead(days(1)),
        (Customer.answered > hours(4)) & (Customer.answered < hours(4)),
        at_least(2, MANY, Customer.seats < 2, Customer.seats.eq(4)),
        Text(name="free_text").eq("a") & Text(name="free_text").starts_with("b"),
    ],
    ids=str,
)
def test_a_contradiction_is_found(when: Any) -> None:
    """No customer at no time can be so."""
    signals = {**declared(Customer), "free_text": Text(name="free_text")}
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=signals, rules=[Rule(id="a", when=when)])
    assert caught.value.code == "rules.contradiction"


@pytest.mark.parametrize(
    "when",
    [
        MANY & (Customer.seats < 7),
        MANY | ~MANY,
        (Customer.seats >= 5) & (Customer.seats <= 5),
        Customer.login.more_than_ago(days(7)) & (Customer.login > datetime(2026, 1, 1, tzinfo=UTC)),
        Customer.login.less_than_ago(days(14)) & Customer.login.more_than_ago(days(7)),
        Text(name="free_text").starts_with("a") & Text(name="free_text").contains("b"),
        (Customer.mrr > money(2, "EUR")) | (Customer.mrr > money(2, "USD")),
    ],
    ids=str,
)
def test_what_can_be_is_not_called_a_contradiction(when: Any) -> None:
    """Only what is proved is refused."""
    signals = {**declared(Customer), "free_text": Text(name="free_text")}
    Rulebook(signals=signals, rules=[Rule(id="a", when=when)])


def test_data_with_many_mistakes_names_them_all() -> None:
    """Each with the place that leads there."""
    with pytest.raises(InvalidInput) as caught:
        read_condition(
            {"all": [{"seets": 5}, {"not": {"plan": {"in": ["tem"]}}}, {"opted_out": "no"}]},
            declared(Customer),
        )
    error = caught.value
    assert error.code == "rules.mistakes"
    assert [(m.place, m.code) for m in error.value] == [  # type: ignore[attr-defined] # a tuple of mistakes
        (("all", 0, "seets"), "rules.unknown_signal"),
        (("all", 1, "not", "plan", "in", 0), "rules.not_a_choice"),
        (("all", 2, "opted_out", "eq"), "rules.value_type"),
    ]


def test_what_is_of_no_kind_has_no_values() -> None:
    """Whoever checks a value knows of which kind it is; `Signal` itself is of none."""
    for check in (Signal(name="seats").value, Signal(name="seats").threshold):
        with pytest.raises(NotImplementedError):
            check(5, "seats")
