"""What cannot be read: left out, listed, and no reason to stop."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.signals.stories import MONDAY, happened, learned, value

from retainkit.core import Event, JsonObject, JsonValue
from retainkit.money import money
from retainkit.rules import (
    Duration,
    Flag,
    Number,
    Signal,
    Text,
    anything,
    days,
    event,
    hours,
    sequence,
    signals_of,
)
from retainkit.signals import LeftOut, Measures


def test_what_is_no_number_is_left_out_and_listed() -> None:
    """Never a silent zero: with nothing else, the sum is unknown."""
    past = [
        happened("paid", MONDAY - days(50), {"amount": 1}),
        happened("paid", MONDAY, {"amount": "much"}, id="a"),
        happened("paid", MONDAY, {"amount": "0.0000001"}, id="b"),
    ]
    measures = Measures(
        {"total": event("paid").sum("amount", days(7)), "nps": event("paid").latest("amount")}
    )
    buckets = measures.recount(learned(*past))
    known = measures.read(buckets, MONDAY)
    assert known.known("total", MONDAY) is None
    found = known.of("total")
    assert found is not None
    assert found.source == "paid", "what it is computed of"
    assert measures.left_out(buckets, MONDAY) == (
        LeftOut(signal="total", key="amount", event="b", at=MONDAY, count=2),
        LeftOut(signal="nps", key="amount", event="b", at=MONDAY, count=3),
    )
    more = measures.recount(learned(*past, happened("paid", MONDAY, {"amount": "2.5"}, id="c")))
    assert measures.read(more, MONDAY).known("total", MONDAY) == 2.5


KEYLESS: dict[str, tuple[Signal, str, JsonObject]] = {
    "distinct": (event("x").distinct("user").count(days(7)), "user", {}),
    "distinct of hours": (event("x").distinct("user").count(hours(30)), "user", {"user": ""}),
    "same": (event("x").count(days(7), same="topic"), "topic", {"topic": None}),
    "depth": (event("x").depth("f", features=("a", "b"), within=days(7)), "f", {"f": ["a"]}),
    "open": (event("x").until(event("y"), by="id", within=days(7)).count(), "id", {}),
    "open for ever": (event("x").until(event("y"), by="id").count(), "id", {}),
    "silent": (
        event("x").until(event("y"), by="id", within=days(7)).silent(days(1), touched=event("z")),
        "id",
        {},
    ),
    "again": (event("x").again(after=event("y"), by="id", gap=days(1), within=days(7)), "id", {}),
    "followed": (
        next(iter(signals_of(sequence(event("x"), event("y")).same("id").within(days(7))))),
        "id",
        {},
    ),
    "users": (event("x").distinct("user").trend(days(3)), "user", {}),
}


@pytest.mark.parametrize("case", KEYLESS)
def test_what_lacks_its_key_is_left_out_and_listed(case: str) -> None:
    """A host that sends no user has not zero users; where one event tells of one, that one is."""
    signal, key, lacking = KEYLESS[case]
    measures = Measures({"it": signal})
    past = [happened("other", MONDAY - days(40)), happened("x", MONDAY - days(5), {key: "a"})]
    lately = happened("x", MONDAY, lacking, id="lacking")
    if case == "users":
        lately = happened("x", MONDAY - days(1), lacking, id="lacking")
        past.append(happened("x", MONDAY - days(8), {key: "a"}))
    now = MONDAY
    known = measures.read(measures.recount(learned(*past[:1], lately, *past[2:])), now)
    assert known.known("it", now) is None
    buckets = measures.recount(learned(*past, lately))
    assert measures.left_out(buckets, now) == (
        LeftOut(signal="it", key=key, event="lacking", at=lately.occurred_at, count=1),
    )
    none = measures.recount(learned(past[0], *past[2:]))
    assert measures.left_out(none, now) == ()


def test_a_ticket_whose_end_can_not_be_read_is_not_open() -> None:
    """Closed without its number: nobody knows which ones are open; one number, and it is told."""
    tickets = event("opened").until(event("closed"), by="ticket", within=days(9))
    silent = tickets.silent(days(1), touched=event("replied"))
    again = event("opened").again(
        after=event("closed"), by="ticket", gap=days(3), within=hours(100)
    )
    measures = Measures(
        {"open": tickets.count(), "oldest": tickets.oldest(), "silent": silent, "again": again}
    )
    past = [
        happened("other", MONDAY - days(40)),
        happened("opened", MONDAY - days(3), {"ticket": "a"}),
        happened("opened", MONDAY - days(2), {"ticket": "b"}),
        happened("closed", MONDAY - days(1), id="closed"),
        happened("replied", MONDAY - days(1), id="replied"),
    ]

    def told(*more: Event) -> list[object]:
        buckets = measures.recount(learned(*past, *more))
        known = measures.read(buckets, MONDAY)
        return [known.known(name, MONDAY) for name in ("open", "oldest", "silent", "again")]

    assert told() == [None, None, None, None]
    closed = happened("closed", MONDAY - hours(1), {"ticket": "a"})
    assert told(closed) == [1, MONDAY - days(2), None, 0]
    replied = happened("replied", MONDAY - hours(1), {"ticket": "a"})
    assert told(closed, replied) == [1, MONDAY - days(2), 1, 0]
    both = happened("closed", MONDAY - hours(1), {"ticket": "b"})
    assert told(closed, both) == [0, None, 0, 0], "what is not open is not silent"
    del past[1:3]
    assert told() == [0, None, 0, 0], "and what never was is not open"


def test_a_window_of_hours_says_when_it_can_be_read_again() -> None:
    """An end without its number leaves the window: then all that was opened in it is open."""
    lately = event("opened").until(event("closed"), by="ticket", within=hours(30)).count()
    measures = Measures({"open": lately})
    past = [
        happened("other", MONDAY - days(40)),
        happened("closed", MONDAY - hours(29), id="closed"),
        happened("opened", MONDAY - hours(3), {"ticket": "a"}),
    ]
    found = measures.read(measures.recount(learned(*past)), MONDAY).of("open")
    assert found is not None
    assert (found.value, found.until) == (None, MONDAY + hours(1))
    then = MONDAY + hours(1)
    assert measures.read(measures.recount(learned(*past)), then).known("open", then) == 1


def test_amounts_that_can_not_be_read_are_no_fall() -> None:
    """The host writes a comma from one day on: the trend is unknown, not a fall by all there is."""
    paid = [happened("paid", MONDAY - days(8 + n), {"amount": 10}) for n in range(7)]
    odd = [happened("paid", MONDAY - days(1 + n), {"amount": "10,00"}) for n in range(7)]
    past = [happened("other", MONDAY - days(40)), *paid]
    trend = event("paid").sum_trend("amount", days(7))
    assert value(trend, MONDAY, *past, *odd) is None
    assert value(trend, MONDAY, *past) == -1, "nothing paid is nothing"
    assert (
        value(trend, MONDAY, *past, *odd[1:], happened("paid", MONDAY - days(1), {"amount": 7}))
        == -0.9
    )


def test_sums_are_exact_and_of_one_currency() -> None:
    """Ten times ten cents is one; a dollar is no euro."""
    past = [
        happened("paid", MONDAY, {"cash": {"amount": "0.10", "currency": "EUR"}}, id=str(n))
        for n in range(10)
    ]
    past.append(happened("paid", MONDAY, {"cash": {"amount": "9", "currency": "USD"}}, id="usd"))
    euros = event("paid").sum_of_money("cash", days(1), currency="EUR")
    assert value(euros, MONDAY, *past) == money("1", "EUR")


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("1e12", 10**12),
        ("1e13", None),
        ("1e999999999", None),
        ("1e-999999999", None),
        ("0e999999999", 0),
        ("NaN", None),
        ("Infinity", None),
        ("1.00000000000000000000000000000000001", None),
        ("0." + "0" * 500, None),
        ("0.0000010", 0.000001),
        (10**12 + 1, None),
        (True, None),
        (["1"], None),
    ],
)
def test_numbers_are_read_exactly_or_not_at_all(told: JsonValue, meant: object) -> None:
    """No rounding, no writing out of a number with a million digits."""
    past = happened("y", MONDAY - days(9)), happened("x", MONDAY, {"n": told})
    assert value(event("x").sum("n", days(1)), MONDAY, *past) == meant


def test_a_fact_of_a_kind_that_it_had_before_is_listed() -> None:
    """Signals are declared anew; what was told in the old kind is no value, nor an error."""
    old = Measures({"seats": Text(name="seats")})
    new = Measures({"seats": Number(name="seats")})
    buckets = new.count(
        [happened("signals.set", MONDAY, old.facts({"seats": "3 or 4"}), id="s")], {}
    )
    assert new.read(buckets, MONDAY).of("seats") is None
    assert new.left_out(buckets, MONDAY) == (
        LeftOut(signal="seats", key="seats", event="s", at=MONDAY, count=1),
    )


def test_data_that_nobody_expected_are_no_part() -> None:
    """Lists under a key of users, facts that are no mapping: nothing is counted, nothing breaks."""
    past = [
        happened("x", MONDAY, {"user": ["u"]}, id="a"),
        happened("x", MONDAY, {"user": None}, id="b"),
        happened("x", MONDAY, {"user": "u" * 500}, id="c"),
        happened("x", MONDAY, {"user": "u" * 501}, id="d"),
        happened("signals.set", MONDAY, {"signals": "all"}, id="e"),
        happened("x", MONDAY, {"user": 10**5000}, id="f"),
    ]
    assert value(event("x").distinct("user").count(days(1)), MONDAY, *past) == 3
    measures = Measures({"x": event("x").distinct("user").count(days(1)), "seats": Number()})
    assert max(len(bucket.part) for bucket in measures.recount(learned(*past))) <= 120


def test_a_text_that_is_none_of_the_choices_is_listed_and_stops_nothing() -> None:
    """An event can say what nobody declared; the other signals of the customer are read."""
    plan = event("plan.chosen").latest_text("plan", one_of=("free", "team"))
    measures = Measures({"plan": plan, "chosen": event("plan.chosen").count(days(1))})
    past = happened("plan.chosen", MONDAY, {"plan": "gold"}, id="p")
    buckets = measures.recount(learned(past))
    known = measures.read(buckets, MONDAY)
    assert known.known("plan", MONDAY) is None
    assert known.known("chosen", MONDAY) == 1
    assert measures.left_out(buckets, MONDAY) == (
        LeftOut(signal="plan", key="plan", event="p", at=MONDAY, count=1),
    )


def test_sums_beyond_what_a_number_tells_exactly_are_about_right() -> None:
    """Petabytes in bytes: above 2 to the 53rd a sum is a float, and no error."""
    past = [happened("x", MONDAY, {"n": 10**12 - 1}, id=str(n)) for n in range(9100)]
    assert value(event("x").sum("n", days(1)), MONDAY, *past) == pytest.approx(9.1e15)


def test_a_duration_of_many_digits_is_none() -> None:
    """Who writes facts past `signals.set` does not make us write out a number of a gigabyte."""
    measures = Measures({"response": Duration()})
    told = happened("signals.set", MONDAY, {"signals": {"response": "1e999999999"}}, id="s")
    buckets = measures.count([told], {})
    assert measures.read(buckets, MONDAY).of("response") is None
    assert [each.event for each in measures.left_out(buckets, MONDAY)] == ["s"]


LISTS: JsonObject = {"deal": ["a", "b"]}


@pytest.mark.parametrize(
    ("signal", "meant"),
    [
        (event("begun").elapsed(event("done"), by="deal", within=days(9)), days(2)),
        (event("begun").again(after=event("done"), by="deal", gap=days(9), within=days(9)), 1),
        (event("begun").until(event("gone"), by="deal", within=hours(200)).count(), 2),
        (event("begun").count(hours(200), same="deal"), 2),
        (event("done").change("score", days(9), same="deal"), 3),
    ],
    ids=["elapsed", "again", "until", "same", "change"],
)
def test_what_stands_in_a_list_is_nobodys(signal: Signal, meant: object) -> None:
    """Two deals under the key of one: the event belongs to neither, nor to an own third one."""
    past = [
        happened("other", MONDAY - days(20)),
        happened("begun", MONDAY - days(8), LISTS),
        happened("begun", MONDAY - days(7), {"deal": "a"}),
        happened("done", MONDAY - days(5), {"deal": "a", "score": 4}),
        happened("begun", MONDAY - days(3), {"deal": "a"}, id="again"),
        happened("begun", MONDAY - days(3), {"deal": "b"}),
        happened("done", MONDAY - days(2), {**LISTS, "score": 1}),
        happened("done", MONDAY - days(1), {"deal": "a", "score": 7}),
        happened("done", MONDAY - hours(1), {"deal": "a", "score": "seven"}),
        happened("done", MONDAY - hours(1), {**LISTS, "score": 9}, id="lists"),
        happened("begun", MONDAY - hours(1), LISTS),
    ]
    assert value(signal, MONDAY, *past) == meant


def test_a_flag_and_a_time_are_read_or_listed() -> None:
    """Yes is no flag; a date, or a time without a zone, is no instant."""
    set_up = event("set.up")
    measures = Measures({"on": set_up.latest_flag("on"), "ends": set_up.latest_time("ends")})
    good = happened("set.up", MONDAY, {"on": False, "ends": "2026-07-01T00:00:00+02:00"}, id="a")
    known = measures.read(measures.recount(learned(good)), MONDAY)
    assert known.known("on", MONDAY) is False
    assert known.known("ends", MONDAY) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert measures.left_out(measures.recount(learned(good)), MONDAY) == ()
    for ends in ("2026-07-01", "2026-07-01T00:00:00", "soon", 20260701):
        bad = happened("set.up", MONDAY + hours(1), {"on": "yes", "ends": ends}, id="b")
        buckets, now = measures.recount(learned(good, bad)), MONDAY + days(1)
        known = measures.read(buckets, now)
        assert (known.known("on", now), known.known("ends", now)) == (None, None), ends
        assert measures.left_out(buckets, now) == (
            LeftOut(signal="on", key="on", event="b", at=bad.occurred_at, count=2),
            LeftOut(signal="ends", key="ends", event="b", at=bad.occurred_at, count=2),
        )


def test_only_what_could_not_be_read_is_listed() -> None:
    """Not the facts that are right, not those that nobody has told, not scores that are numbers."""
    change = event("rated").change("score", days(9))
    facts = {name: Number(name=name) for name in ("seats", "users")}
    measures = Measures({**facts, "paying": Flag(name="paying"), "change": change})
    past = [
        happened("signals.set", MONDAY, {"signals": {"seats": 3, "paying": "yes"}}, id="told"),
        happened("rated", MONDAY, {"score": 3}, id="three"),
        happened("rated", MONDAY + hours(1), {"score": "good"}, id="good"),
        happened("rated", MONDAY + hours(2), {"score": 5}, id="five"),
    ]
    now = MONDAY + days(1)
    buckets = measures.recount(learned(*past))
    known = measures.read(buckets, now)
    assert (known.known("seats", now), known.known("change", now)) == (3, 2)
    assert measures.left_out(buckets, now) == (
        LeftOut(signal="paying", key="paying", event="told", at=MONDAY, count=1),
        LeftOut(signal="change", key="score", event="good", at=MONDAY + hours(1), count=1),
    )


def test_a_fact_that_nobody_declares_is_not_kept() -> None:
    """It stays on the timeline; declared later, it is there once the customer is counted anew."""
    told = happened("signals.set", MONDAY, {"signals": {"seats": 3, "users": 2}})
    before, after = (Measures({name: Number(name=name)}) for name in ("seats", "users"))
    buckets = before.count([told], {})
    assert before.read(buckets, MONDAY).known("seats", MONDAY) == 3
    assert [bucket.value for bucket in buckets if bucket.value is not None] == [{"value": 3}]
    assert after.read(after.recount(learned(told)), MONDAY).known("users", MONDAY) == 2


def test_a_key_that_leads_nowhere_is_no_condition_met() -> None:
    """Asked for the plan of an account, where the account is a text or is not there."""
    upgraded = event("upgraded", {"account.plan": "team"}).count(days(1))
    past = [
        happened("other", MONDAY - days(9)),
        happened("upgraded", MONDAY, {"account": {"plan": "team"}}, id="a"),
        happened("upgraded", MONDAY, {"account": "team"}, id="b"),
        happened("upgraded", MONDAY, {"plan": "team"}, id="c"),
    ]
    assert value(upgraded, MONDAY, *past) == 1


def test_yes_and_no_are_two_answers() -> None:
    """A flag of the data splits what is counted, as texts do."""
    past = [
        happened("asked", MONDAY, {"renew": answer}, id=f"{n}")
        for n, answer in enumerate([True, False, True, None])
    ]
    assert value(event("asked").distinct("renew").count(days(1)), MONDAY, *past) == 2
    assert value(event("asked").count(days(1), same="renew"), MONDAY, *past) == 2


def test_names_without_number_are_counted_all_the_same() -> None:
    """A product that writes ids into the names of events costs memory up to a bound, no counts."""
    measures = Measures({"last": anything().last(), "x": event("x").count(days(1))})
    some = [happened(f"page.{n}", MONDAY, id=f"{n}") for n in range(10_001)]
    late = [happened("x", MONDAY + hours(n), id=f"x{n}") for n in (1, 2)]
    assert max(bucket.count for bucket in measures.count(some, {})) == len(some)
    known = measures.read(measures.count(late, {}), MONDAY + hours(3))
    assert known.known("last", MONDAY + hours(3)) == MONDAY + hours(2)
    assert known.known("x", MONDAY + hours(3)) == 2


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize("year", [1, 9999])
def test_a_time_that_nobody_meant_stops_nothing(zone: str, year: int) -> None:
    """The first and the last year there is are where a zone leads out of the calendar."""
    end = datetime(1, 1, 1, tzinfo=UTC) if year == 1 else datetime(9999, 12, 31, 23, tzinfo=UTC)
    measures = Measures(
        {"x": event("x").count(days(7)), "first": event("x").first(), "last": event("x").last()},
        zone=zone,
    )
    buckets = measures.count([happened("x", end, id="odd"), happened("x", MONDAY)], {})
    known = measures.read(buckets, MONDAY)
    assert known.known("x", MONDAY) == 1
    told = known.known("first" if year == 1 else "last", MONDAY)
    assert told == end
    assert end.toordinal() in {bucket.day for bucket in buckets}, "the date in UTC"
