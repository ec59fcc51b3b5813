"""What each condition means, told by examples; the same for all customers is in the laws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest

from retainkit.ids import CustomerId
from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    Duration,
    Explained,
    Flag,
    Number,
    Reading,
    Signals,
    Text,
    Time,
    Truth,
    all_of,
    amounts,
    any_of,
    at_least,
    compiled,
    days,
    diff,
    either,
    event,
    hours,
    next_flip,
    readings,
    segment,
    sequence,
    signals_of,
    truth_of,
    version,
    weeks,
    why,
    why_not,
)


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
YES, NO, OPEN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


class Customer(Signals):
    """A small product's signals."""

    mrr = Amount(source="billing")
    spent = Amount(currency="EUR")
    plan = Text(one_of=("free", "starter", "team"))
    industry = Text()
    seats = Number(unit="seats")
    paid_seats = Number(unit="seats")
    nps = Number(fresh_for=days(90), source="survey")
    last_login_at = Time(missing="never")
    renewal_at = Time()
    first_response = Duration()
    promised = Duration()
    opted_out = Flag()
    failures_7d = event("payment.failed").count(days(7))


def asked(condition: Condition | Flag, **values: object) -> Truth:
    """The answer for a customer of whom this is known, as of now."""
    return truth_of(all_of(condition), readings(Customer, values, at=NOW), NOW)


# ---------------------------------------------------------------------------------------- Kleene


A, B = Customer.seats > 5, Customer.opted_out.is_true()
SEATS = {YES: 6, NO: 5, OPEN: None}
FLAG = {YES: True, NO: False, OPEN: None}


@pytest.mark.parametrize(("a", "b"), list(product(Truth, Truth)))
def test_the_truth_tables_are_kleenes(a: Truth, b: Truth) -> None:
    """And takes the worst of the two, or the best, not turns them around."""
    order = [NO, OPEN, YES]
    both = order[min(order.index(a), order.index(b))]
    either = order[max(order.index(a), order.index(b))]
    values = {"seats": SEATS[a], "opted_out": FLAG[b]}

    assert asked(A & B, **values) is both
    assert asked(A | B, **values) is either
    assert asked(~(A & B), **values) is ~both
    assert asked(at_least(1, A, B), **values) is either
    assert asked(at_least(2, A, B), **values) is both
    assert (~YES, ~NO, ~OPEN) == (NO, YES, OPEN)


def test_two_of_three_are_decided_by_what_is_known() -> None:
    """Two that are true are enough; with two false it can't be; else it is open."""
    rule = at_least(2, Customer.seats > 5, Customer.opted_out, Customer.plan.eq("team"))

    assert asked(rule, seats=6, plan="team") is YES
    assert asked(rule, seats=1, plan="free") is NO
    assert asked(rule, seats=6, plan="free") is OPEN


# ---------------------------------------------------------------------------------------- leaves


@pytest.mark.parametrize(
    "condition",
    [
        Customer.seats < 5,
        Customer.seats >= 0,
        Customer.seats.ne(3),
        ~(Customer.seats > 0),
        Customer.seats.between(0, 10),
        Customer.seats.one_of(0, 1),
        Customer.seats < Customer.paid_seats,
        Customer.spent >= 0,
        Customer.plan.ne("free"),
        ~Customer.plan.one_of("free"),
        Customer.industry.contains("a"),
        ~Customer.opted_out,
        Customer.opted_out.is_false(),
        Customer.renewal_at.more_than_ago(days(1)),
        ~Customer.renewal_at.less_than_ahead(days(1)),
        Customer.first_response > timedelta(0),
        event("login").absent().within(days(30)),
        sequence(event("trial.started"), event("plan.bought")).within(days(30)),
    ],
    ids=str,
)
def test_what_is_missing_answers_nothing(condition: Condition) -> None:
    """No comparison with a missing value is true, and none is false."""
    assert asked(condition) is OPEN
    assert asked(~condition) is OPEN


def test_numbers_are_compared_exactly_at_the_edge() -> None:
    """More is not 'or equal'."""
    edge = {"seats": 5}
    assert asked(Customer.seats > 5, **edge) is NO
    assert asked(Customer.seats >= 5, **edge) is YES
    assert asked(Customer.seats < 5, **edge) is NO
    assert asked(Customer.seats <= 5, **edge) is YES
    assert asked(Customer.seats.between(5, 7), **edge) is YES
    assert asked(Customer.seats.between(4, 5), **edge) is YES
    assert asked(Customer.seats.one_of(1, 5), **edge) is YES
    assert asked(5 <= Customer.seats, **edge) is YES  # noqa: SIM300 - the reflected operator


def test_a_number_that_is_none_is_missing() -> None:
    """Data frames write NaN for what they don't have."""
    assert asked(Customer.seats.missing(), seats=float("nan")) is YES


def test_two_signals_are_compared_with_a_factor() -> None:
    """'Less than 70 % of the seats they pay for' needs no formula."""
    passive = Customer.seats < Customer.paid_seats * 0.7

    assert asked(passive, seats=6, paid_seats=10) is YES
    assert asked(passive, seats=7, paid_seats=10) is NO
    assert asked(passive, seats=6) is OPEN
    assert asked(passive, paid_seats=10) is OPEN


def test_a_factor_may_stand_on_either_side() -> None:
    """Twice the seats are the seats twice; of numbers, amounts and lengths."""
    assert (Customer.seats < 2 * Customer.paid_seats) == (Customer.seats < Customer.paid_seats * 2)
    assert (Customer.spent < 2 * Customer.spent) == (Customer.spent < Customer.spent * 2)
    late = Customer.first_response > 2 * Customer.promised
    assert late == (Customer.first_response > Customer.promised * 2)
    assert asked(late, first_response=hours(9), promised=hours(4)) is YES


def test_money_is_judged_in_its_own_currency() -> None:
    """EUR 600 is above EUR 500; of USD 600 the rule says nothing unless it names dollars."""
    in_euro = Customer.mrr >= money("500", "EUR")
    in_both = Customer.mrr >= amounts(money("500", "EUR"), money("550", "USD"))
    dollars = {"mrr": money("600", "USD")}

    assert asked(in_euro, mrr=money("600", "EUR")) is YES
    assert asked(in_euro, **dollars) is OPEN
    assert asked(~in_euro, **dollars) is OPEN
    assert asked(in_both, **dollars) is YES
    assert asked(in_both, mrr=money("540", "USD")) is NO


def test_an_unjudged_currency_is_a_finding() -> None:
    """Who reads the explanation sees that the rule has no threshold there."""
    known = readings(Customer, {"mrr": money("600", "USD")})
    (gap,) = why(Customer.mrr >= money("500", "EUR"), known, NOW).gaps()

    assert gap.values["gap"] == "currency"
    assert gap.values["threshold"] == {"EUR": "500.00"}
    assert gap.values["value"] == {"amount": "600.00", "currency": "USD"}


def test_a_declared_currency_takes_plain_thresholds() -> None:
    """Where everybody pays in euro, 500 is enough."""
    assert asked(Customer.spent >= 500, spent=money("500", "EUR")) is YES
    assert asked(Customer.spent < Decimal("0.01"), spent=money("0", "EUR")) is YES


def test_amounts_of_two_currencies_are_not_compared() -> None:
    """Neither more nor less."""
    grew = Customer.mrr > Customer.spent * Fraction(11, 10)
    euro = money("100", "EUR")

    assert asked(grew, mrr=money("110.01", "EUR"), spent=euro) is YES
    assert asked(grew, mrr=money("110", "EUR"), spent=euro) is NO
    assert asked(grew, mrr=money("200", "USD"), spent=euro) is OPEN


def test_lengths_are_compared_with_lengths_and_each_other() -> None:
    """Answered later than promised."""
    late = Customer.first_response > Customer.promised * 2

    assert asked(late, first_response=hours(9), promised=hours(4)) is YES
    assert asked(late, first_response=hours(8), promised=hours(4)) is NO
    assert asked(Customer.first_response >= days(1), first_response=hours(24)) is YES


def test_texts_are_matched_as_they_are_written() -> None:
    """Upper and lower case differ."""
    retail = {"industry": "Retail"}
    assert asked(Customer.industry.starts_with("Re"), **retail) is YES
    assert asked(Customer.industry.starts_with("re"), **retail) is NO
    assert asked(Customer.industry.ends_with("ail"), **retail) is YES
    assert asked(Customer.industry.contains("eta"), **retail) is YES
    assert asked(Customer.plan.one_of("free", "team"), plan="team") is YES


MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("condition", "since", "until"),
    [
        (Customer.renewal_at.more_than_ago(days(14)), days(14), None),
        (Customer.renewal_at.less_than_ago(days(14)), timedelta(0), days(14)),
        (Customer.renewal_at.less_than_ahead(days(14)), -days(14), timedelta(0)),
        (Customer.renewal_at.more_than_ahead(days(14)), None, -days(14)),
    ],
    ids=["more ago", "less ago", "less ahead", "more ahead"],
)
def test_time_alone_turns_an_answer_at_one_instant(
    condition: Condition, since: timedelta | None, until: timedelta | None
) -> None:
    """From that instant on it holds, to the microsecond; and just before the other one it ends."""
    known = readings(Customer, {"renewal_at": NOW})
    for edge, before, after in ((since, NO, YES), (until, YES, NO)):
        if edge is not None:
            assert truth_of(condition, known, NOW + edge) is after
            assert truth_of(condition, known, NOW + edge - MOMENT) is before
            assert next_flip(condition, known, NOW + edge - hours(1)) == NOW + edge


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("renewal", [FIRST, LAST])
@pytest.mark.parametrize(
    "far",
    [
        Customer.renewal_at.more_than_ago,
        Customer.renewal_at.less_than_ago,
        Customer.renewal_at.more_than_ahead,
        Customer.renewal_at.less_than_ahead,
    ],
)
def test_at_the_ends_of_the_calendar_time_turns_nothing(
    renewal: datetime, far: Callable[[timedelta], Condition]
) -> None:
    """Two weeks after the last instant there is none, nor before the first."""
    known = readings(Customer, {"renewal_at": renewal})
    assert next_flip(far(days(14)), known, NOW) is None
    ago = Customer.renewal_at.more_than_ago(days(14))
    assert truth_of(ago, known, NOW) is (YES if renewal == FIRST else NO)


def test_never_counts_as_long_ago() -> None:
    """Who never logged in has not logged in for 14 days, and will not have before today either."""
    assert asked(Customer.last_login_at.more_than_ago(days(14))) is YES
    assert asked(Customer.last_login_at.less_than_ago(days(14))) is NO
    assert asked(Customer.last_login_at.less_than_ahead(days(14))) is NO
    assert asked(Customer.last_login_at.more_than_ahead(days(14))) is NO
    assert asked(Customer.last_login_at < NOW) is YES
    assert asked(Customer.last_login_at.missing()) is YES
    assert asked(Customer.last_login_at.present()) is NO


def test_a_stale_value_is_unknown_and_not_never() -> None:
    """Knowledge ends; it does not turn into its contrary."""
    known = readings(Customer, {"nps": 9}, at=NOW)
    happy = Customer.nps >= 9

    assert truth_of(happy, known, NOW + days(90) - MOMENT) is YES
    assert truth_of(happy, known, NOW + days(90)) is OPEN
    assert next_flip(happy, known, NOW) == NOW + days(90)
    assert why(happy, known, NOW + days(90)).because.values["gap"] == "stale"


def test_a_value_may_be_believed_beyond_the_calendar() -> None:
    """Its freshness ends where no instant is; unless it is told to end before."""
    happy = Customer.nps >= 9
    known = readings(Customer, {"nps": Reading(value=9, at=LAST)})
    assert (truth_of(happy, known, NOW), next_flip(happy, known, NOW)) == (YES, None)

    ends = readings(Customer, {"nps": Reading(value=9, at=LAST, until=NOW + days(1))})
    assert (truth_of(happy, ends, NOW + days(1)), next_flip(happy, ends, NOW)) == (
        OPEN,
        NOW + days(1),
    )


def test_a_reading_that_ends_is_asked_for_again() -> None:
    """A count over 7 days holds until the day ends, unless more events come."""
    many = Customer.failures_7d >= 3
    tonight = datetime(2026, 11, 2, tzinfo=UTC)
    known = readings(Customer, {"failures_7d": Reading(value=3, until=tonight)})

    assert truth_of(many, known, NOW) is YES
    assert next_flip(many, known, NOW) == tonight
    assert next_flip(many & Customer.opted_out.is_true(), known, NOW) == tonight


def test_whether_anything_is_known_is_asked_again_with_the_reading() -> None:
    """What is read then may be there, or not, whatever the answer is now."""
    tonight = datetime(2026, 11, 2, tzinfo=UTC)
    known = readings(Customer, {"failures_7d": Reading(value=3, until=tonight)})
    for rule in (Customer.failures_7d.missing(), Customer.failures_7d.present()):
        assert next_flip(rule, known, NOW) == tonight
    nothing = readings(Customer, {})
    assert next_flip(Customer.renewal_at.more_than_ago(days(14)), nothing, NOW) is None


def test_an_instant_that_turns_only_a_part_is_passed_over() -> None:
    """The answer is told once, and need not be asked for again by who knows it."""
    both = Customer.renewal_at.more_than_ago(days(1)) & Customer.renewal_at.more_than_ago(days(14))
    known = readings(Customer, {"renewal_at": NOW})
    assert next_flip(both, known, NOW) == NOW + days(14)
    assert compiled({"a": both}).next_flip("a", known, NOW, truth=NO) == NOW + days(14)


def test_time_turns_what_stands_in_a_segment() -> None:
    """A rule that names a segment is asked at the instants of the segment, each time it is told."""
    rules = compiled(
        {"quiet": segment("silent")},
        segments={"silent": Customer.last_login_at.more_than_ago(days(14))},
    )
    known = readings(Customer, {"last_login_at": NOW - days(3)})
    assert rules.next_flip("quiet", known, NOW) == NOW + days(11)
    assert rules.next_flip("quiet", known, NOW + days(11)) is None


def test_nothing_is_asked_again_when_another_value_would_not_matter() -> None:
    """What is false whatever the count is needs no wake-up."""
    known = readings(
        Customer,
        {"failures_7d": Reading(value=3, until=NOW + hours(3)), "opted_out": False},
    )
    rule = (Customer.failures_7d >= 3) & Customer.opted_out
    assert next_flip(rule, known, NOW) is None


# ------------------------------------------------------------------------------- what is derived


def test_what_looks_at_the_timeline_is_a_signal_named_by_its_content() -> None:
    """The same words make the same signal; other words make another one."""
    failures = event("payment.failed", {"reason": "declined"})
    (three,) = signals_of(failures.at_least(3).within(days(7)))
    (five,) = signals_of(failures.at_least(5).within(weeks(1)))
    others = [
        signals_of(failures.at_least(3).within(days(8)))[0],
        signals_of(failures.at_least(3).same("invoice").within(days(7)))[0],
        signals_of(failures.distinct("invoice").at_least(3).within(days(7)))[0],
        signals_of(event("payment.failed").at_least(3).within(days(7)))[0],
    ]

    assert three == five
    assert len({three.name, *(other.name for other in others)}) == 5
    assert three.derivation is not None
    assert three.derivation.to_json() == {
        "event": {"name": "payment.failed", "where": {"reason": "declined"}, "within": "7d"}
    }


def test_a_sequence_and_an_absence_are_signals_too() -> None:
    """Every evaluator sees signals alone."""
    bought = sequence(event("trial.started"), event("plan.bought")).same("workspace")
    (steps,) = signals_of(bought.within(days(30)))
    (absent,) = signals_of(event("report.sent").absent().within(days(30)))

    assert steps.derivation is not None
    assert steps.derivation.to_json() == {
        "sequence": {
            "of": [{"name": "trial.started"}, {"name": "plan.bought"}],
            "same": "workspace",
            "within": "30d",
        }
    }
    known = readings({steps.name: steps, absent.name: absent}, {steps.name: True, absent.name: 0})
    assert truth_of(bought.within(days(30)), known, NOW) is YES
    assert truth_of(event("report.sent").absent().within(days(30)), known, NOW) is YES


def test_a_derived_signal_can_have_a_name() -> None:
    """Declared as an attribute, it is called as the attribute is."""
    assert Customer.failures_7d.name == "failures_7d"
    assert asked(Customer.failures_7d >= 3, failures_7d=3) is YES


# ------------------------------------------------------------------------------ asking for reasons


def test_each_leaf_is_told_with_value_time_source_and_threshold() -> None:
    """Keys and values, no text: people read it in their language later."""
    known = readings(Customer, {"mrr": Reading(value=money("600", "EUR"), at=NOW, source="stripe")})
    explained = why((Customer.mrr >= money("500", "EUR")) & ~Customer.opted_out, known, NOW)

    assert explained.to_json() == {
        "result": "unknown",
        "because": {"key": "rules.of.all", "values": {}},
        "parts": [
            {
                "result": "true",
                "because": {
                    "key": "rules.is.gte",
                    "values": {
                        "signal": "mrr",
                        "value": {"amount": "600.00", "currency": "EUR"},
                        "at": "2026-11-01T09:00:00Z",
                        "source": "stripe",
                        "threshold": {"EUR": "500.00"},
                    },
                },
            },
            {
                "result": "unknown",
                "because": {"key": "rules.of.not", "values": {}},
                "parts": [
                    {
                        "result": "unknown",
                        "because": {
                            "key": "rules.is.eq",
                            "values": {"signal": "opted_out", "gap": "missing", "threshold": True},
                        },
                    }
                ],
            },
        ],
    }


@pytest.mark.parametrize(
    ("condition", "counted"),
    [
        (
            either("payment.failed", "payment.late", where={"reason": "declined"})
            .at_least(3)
            .same("invoice")
            .within(days(7)),
            {
                "word": "count",
                "of": ["payment.failed", "reason: declined", "payment.late", "invoice"],
                "seconds": 604_800,
            },
        ),
        (
            sequence(event("trial.started"), event("plan.bought")).within(days(30)),
            {"word": "sequence", "of": ["trial.started", "plan.bought"], "seconds": 2_592_000},
        ),
        (
            event("feature.used").distinct("user").trend(days(28)) < 0,
            {"word": "trend", "of": ["feature.used", "user"], "seconds": 2_419_200},
        ),
        (event("login").last().more_than_ago(days(14)), {"word": "last", "of": ["login"]}),
        (Customer.failures_7d >= 3, None),
        (Customer.seats >= 3, None),
    ],
)
def test_what_nobody_named_is_told_by_what_it_is_counted_of(
    condition: Condition, counted: object
) -> None:
    """What has a name is told by that."""
    values = why(condition, readings(Customer, {}), NOW).because.values
    assert values.get("counted") == counted


def test_the_leaves_that_decide_are_told_apart_from_the_others() -> None:
    """Of an ``any`` that is true those that are true, of an ``all`` that is not those that fail."""
    rule = all_of(
        any_of(Customer.seats > 5, Customer.plan.eq("team")),
        ~Customer.opted_out,
        Customer.nps.between(0, 6),
    )
    values = {"seats": 6, "plan": "free", "opted_out": True}
    explained = why(rule, readings(Customer, values, at=NOW), NOW)

    def told(parts: Iterable[Explained]) -> list[object]:
        return [part.because.values["signal"] for part in parts]

    assert told(explained.leaves()) == ["seats", "plan", "opted_out", "nps"]
    assert told(explained.decisive()) == ["opted_out"]
    assert told(explained.parts[0].decisive()) == ["seats"]
    assert [gap.values["signal"] for gap in explained.gaps()] == ["nps"]


def test_the_smallest_change_is_named() -> None:
    """One signal instead of two, and the nearest value that does."""
    rule = (Customer.seats >= 10) | ((Customer.nps >= 9) & Customer.plan.eq("team"))
    answer = why_not(rule, readings(Customer, {"seats": 7, "nps": 3, "plan": "free"}, at=NOW), NOW)

    (change,) = answer.changes
    assert (change.signal, change.value, change.to) == ("seats", 7, 10)
    (wanted,) = change.wanted
    assert (wanted.key, wanted.values["threshold"]) == ("rules.is.gte", 10)


@pytest.mark.parametrize(
    ("condition", "known", "changes"),
    [
        (
            Customer.seats > Customer.paid_seats * 0.5,
            {"seats": 3, "paid_seats": 10},
            {"seats": 6},
        ),
        (Customer.seats > Customer.paid_seats * 0.5, {"paid_seats": 10}, {"seats": 6}),
        (Customer.seats > Customer.paid_seats * 0.5, {"seats": 3}, {"paid_seats": 5}),
        (
            Customer.mrr > Customer.spent * 2,
            {"mrr": money(100, "EUR"), "spent": money(100, "EUR")},
            {"mrr": money("200.01", "EUR")},
        ),
        (
            Customer.mrr > Customer.spent * 2,
            {"mrr": money(100, "EUR")},
            {"spent": money("49.99", "EUR")},
        ),
        (
            Customer.first_response < Customer.promised * 2,
            {"first_response": hours(9), "promised": hours(4)},
            {"first_response": hours(8) - timedelta(seconds=1)},
        ),
        (
            Customer.first_response < Customer.promised * 2,
            {"first_response": hours(9)},
            {"promised": timedelta(hours=4.5, seconds=1)},
        ),
        (
            Customer.renewal_at < Customer.last_login_at,
            {"renewal_at": NOW, "last_login_at": NOW - days(1)},
            {"renewal_at": NOW - days(1) - timedelta(seconds=1)},
        ),
        (
            Customer.plan.eq(Customer.industry),
            {"plan": "free", "industry": "team"},
            {"plan": "team"},
        ),
        (
            ~Customer.opted_out & Customer.seats.missing(),
            {"opted_out": True, "seats": 5},
            {"opted_out": False, "seats": None},
        ),
    ],
    ids=str,
)
def test_of_two_signals_one_is_moved_past_the_other(
    condition: Condition, known: dict[str, object], changes: dict[str, object]
) -> None:
    """The nearest of those that do; what else is in the way goes with it."""
    answer = why_not(condition, readings(Customer, known, at=NOW), NOW)
    assert {change.signal: change.to for change in answer.changes} == changes
    assert {change.signal: change.value for change in answer.changes} == {
        name: known.get(name) for name in changes
    }


def test_where_neither_of_two_signals_is_known_both_are_proposed() -> None:
    """And what else is in the way; together they do."""
    rule = (Customer.seats > Customer.paid_seats) & ~Customer.opted_out
    answer = why_not(rule, readings(Customer, {"opted_out": True}), NOW)
    to = {change.signal: change.to for change in answer.changes}
    assert to.keys() == {"seats", "paid_seats", "opted_out"}
    assert asked(rule, **to) is YES


def test_an_amount_stays_in_the_customers_currency() -> None:
    """Nobody is told that a Swiss customer had better pay in euros."""
    swiss = readings(Customer, {"mrr": money("490", "CHF"), "seats": 7}, at=NOW)
    both = Customer.mrr >= amounts(money("500", "EUR"), money("550", "CHF"))
    (change,) = why_not(both, swiss, NOW).changes
    assert change.to == money("550", "CHF")

    euros = Customer.mrr >= money("2", "EUR")
    assert why_not(euros, swiss, NOW).changes == ()
    (change,) = why_not(euros | (Customer.seats >= 10), swiss, NOW).changes
    assert (change.signal, change.to) == ("seats", 10)

    unknown = why_not(euros, readings(Customer, {}, at=NOW), NOW)
    assert [change.to for change in unknown.changes] == [money("2", "EUR")]


def test_waiting_may_be_enough() -> None:
    """What time alone will do is told with its time."""
    quiet = Customer.last_login_at.more_than_ago(days(14))
    answer = why_not(quiet, readings(Customer, {"last_login_at": NOW - days(3)}), NOW)

    assert answer.by_time == NOW + days(11)
    assert answer.changes[0].to == NOW - days(14)


def test_no_waiting_is_promised_where_something_is_not_known() -> None:
    """However often time turns the answer between false and unknown."""
    since = Customer.renewal_at
    odd_days = any_of(
        *(since.more_than_ago(days(n)) & since.less_than_ago(days(n + 1)) for n in range(1, 40, 2))
    )
    rule = odd_days & Customer.opted_out.is_true()
    answer = why_not(rule, readings(Customer, {"renewal_at": NOW}), NOW)
    assert (answer.explained.truth, answer.by_time) == (NO, None)


def test_at_the_end_of_the_calendar_there_is_no_later() -> None:
    """A threshold beyond which there is no instant is reached exactly, or not at all."""
    answer = why_not(Customer.renewal_at >= LAST, readings(Customer, {"renewal_at": NOW}), NOW)
    assert [change.to for change in answer.changes] == [LAST]


def test_beyond_the_largest_number_there_is_none() -> None:
    """It can be reached, and not be passed: infinity is no reading."""
    largest = sys.float_info.max
    known = readings(Customer, {"seats": 1})
    (change,) = why_not(Customer.seats >= largest, known, NOW).changes
    assert change.to == largest
    assert why_not(Customer.seats > largest, known, NOW).changes == ()


def test_one_of_some_words_is_the_smallest_change() -> None:
    """Of those that the rule names; what is only asked to be there can be any."""
    rule = Customer.industry.one_of("retail", "travel") & Customer.industry.present()
    answer = why_not(rule, readings(Customer, {"industry": "other"}), NOW)
    assert [change.to for change in answer.changes] == ["retail"]


def test_what_is_true_needs_no_change() -> None:
    """And says why it is true."""
    answer = why_not(Customer.seats > 1, readings(Customer, {"seats": 2}), NOW)
    assert (answer.explained.truth, answer.changes, answer.by_time) == (YES, (), None)


# ------------------------------------------------------------------------- many rules, and changes


def test_many_conditions_are_asked_at_once() -> None:
    """Or only those that read what has changed."""
    rules = compiled(
        {"big": Customer.seats > 5, "late": segment("slow"), "team": Customer.plan.eq("team")},
        segments={"slow": Customer.first_response > hours(8)},
    )
    known = readings(Customer, {"seats": 6, "first_response": hours(4)})

    assert rules.truths(known, NOW) == {"big": YES, "late": NO, "team": OPEN}
    assert rules.truths(known, NOW, only=rules.readers["first_response"]) == {"late": NO}


def test_what_one_signal_makes_false_is_told_from_that_signal_alone() -> None:
    """Not where a clock or a segment goes into it, a value goes stale, or presence is asked for."""
    many = Customer.seats > 5
    rules = compiled(
        {
            "alone": many,
            "first of two": many & Customer.plan.eq("team"),
            "either": many | Customer.plan.eq("team"),
            "with presence": many & Customer.plan.missing(),
            "in a segment": segment("large"),
            "by a clock": Customer.renewal_at.more_than_ago(days(1)),
            "stale": Customer.nps > 5,
        },
        segments={"large": many},
    )
    known = readings(Customer, {"seats": 1, "renewal_at": NOW, "nps": 1}, at=NOW)

    def ruled_out(*signals: str, only: Iterable[str] = rules.names) -> set[str]:
        return rules.ruled_out(signals, known, NOW, only=set(only))

    assert ruled_out("seats") == {"alone", "first of two"}
    assert ruled_out("seats", only=("alone", "stale")) == {"alone"}
    assert ruled_out("renewal_at", "nps", "unheard_of") == set()
    few = readings(Customer, {"seats": 6}, at=NOW)
    assert rules.ruled_out(("seats",), few, NOW, only=set(rules.names)) == set()


def test_a_difference_names_who_enters_leaves_and_is_held() -> None:
    """A preview before the new rule counts."""
    known: dict[str, dict[str, object]] = {
        "stays": {"seats": 9, "plan": "team"},
        "enters": {"seats": 6, "plan": "team"},
        "leaves": {"seats": 9, "plan": "free"},
        "held": {"seats": 9},
        "outside": {"seats": 1, "plan": "team"},
    }
    people = [(CustomerId(name), readings(Customer, values)) for name, values in known.items()]
    change = diff(Customer.seats > 8, (Customer.seats > 5) & Customer.plan.eq("team"), people, NOW)

    assert (change.enters, change.leaves, change.holds) == (("enters",), ("leaves",), ("held",))
    assert (change.stays, change.asked) == (1, 5)


def test_a_version_is_the_meaning_and_not_the_words() -> None:
    """Order does not count; thresholds, segments and freshness do."""
    rule = (Customer.seats > 5) & segment("big")
    big = {"big": Customer.mrr >= money("500", "EUR")}
    same = segment("big") & (Customer.seats > 5.0)

    assert version(rule, big) == version(same, big)
    assert version(rule, big) != version(rule, {"big": Customer.mrr >= money("501", "EUR")})
    assert version(rule, big) != version((Customer.seats >= 5) & segment("big"), big)
    assert len(version(rule, big)) == 32


def test_a_flag_stands_for_is_true_among_conditions() -> None:
    """On either side of the signs."""
    flag, many = Customer.opted_out, Customer.seats > 5
    assert (flag | many) == (flag.is_true() | many)
    assert (many | flag) == (many | flag.is_true())
    assert (flag & many) == (flag.is_true() & many)
    assert asked(flag | many, opted_out=True) is YES
    assert asked(flag | many, seats=1) is OPEN


def test_any_of_one_and_all_of_one_are_that_one() -> None:
    """Combining a single condition changes nothing."""
    assert asked(any_of(Customer.opted_out), opted_out=True) is YES
    assert asked(all_of(Customer.opted_out), opted_out=False) is NO
