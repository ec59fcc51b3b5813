"""Signals in stories: days, windows, what is unknown, and early warnings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from tests.signals.stories import MONDAY, WHO, Facts, happened, learned, value

from retainkit.core import (
    STANDING,
    Because,
    Bucket,
    Event,
    EventState,
    JsonObject,
    JsonValue,
    Origin,
)
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId
from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    EventPattern,
    Mean,
    Number,
    Share,
    Signals,
    Trend,
    Truth,
    anything,
    days,
    declared,
    either,
    event,
    hours,
    minutes,
    sequence,
    share,
    signals_of,
    truth_of,
    weeks,
)
from retainkit.signals import ZONE_METRIC, EarlyWarnings, Measures, early_warnings
from retainkit.signals._derived import metrics


# ------------------------------------------------------------------------------------ days


def test_a_window_of_days_is_days_of_the_customer() -> None:
    """23:30 in New York is tomorrow in UTC; a window of one day is today there."""
    late = happened("x", datetime(2026, 6, 2, 3, 30, tzinfo=UTC))  # 1 June, 23:30 in New York
    one = event("x").count(days(1))
    at_home = datetime(2026, 6, 2, 3, 59, tzinfo=UTC)
    assert value(one, at_home, late, zone="America/New_York") == 1
    assert value(one, at_home + minutes(1), late, zone="America/New_York") == 0
    assert value(one, at_home + minutes(1), late) == 1


def test_a_day_of_23_hours_is_a_day() -> None:
    """Clocks go forward in Berlin on 29 March: the window goes by dates, and ends at midnight."""
    first = happened("x", datetime(2026, 3, 27, 23, 0, tzinfo=UTC))  # 28 March, 0:00 in Berlin
    two = event("x").count(days(2))
    measures = Measures({"two": two}, zone="Europe/Berlin")
    now = datetime(2026, 3, 29, 21, 59, tzinfo=UTC)  # 23:59 of the short day
    known = measures.read(measures.recount(learned(first)), now)
    assert known.known("two", now) == 1
    assert known.believed_until("two") == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert value(two, now + minutes(1), first, zone="Europe/Berlin") == 0


def test_a_date_that_comes_twice_is_one_day() -> None:
    """The clocks of St. John's went from 0:01 back to 23:01 of the day before."""
    first = happened("x", datetime(2010, 11, 7, 2, 30, tzinfo=UTC), id="a")  # 00:00 .. is the 7th
    again = happened("x", datetime(2010, 11, 7, 3, 0, tzinfo=UTC), id="b")
    measures = Measures({"x": event("x").count(days(1))}, zone="America/St_Johns")
    forth = measures.recount(learned(first, again))
    back = measures.recount(learned(again, first))
    by_day = {bucket.day: bucket.count for bucket in forth if bucket.metric.startswith("m_")}
    assert by_day == {bucket.day: bucket.count for bucket in back if bucket.metric.startswith("m_")}
    there = ZoneInfo("America/St_Johns")
    local = {
        at.astimezone(there).date().toordinal() for at in (first.occurred_at, again.occurred_at)
    }
    assert set(by_day) == local


def test_an_event_keeps_the_day_that_it_had_where_the_customer_lived_then() -> None:
    """Who moves does not change the days of the past; the first zone told holds from ever."""
    zones = [
        happened("customer.zone_set", MONDAY - days(9), {"zone": "America/New_York"}),
        happened("customer.zone_set", MONDAY, {"zone": "Asia/Tokyo"}),
    ]
    before = happened("x", MONDAY - days(10) + hours(15))  # 3:00 UTC: the day before in New York
    after = happened("x", MONDAY + hours(5))  # 17:00 UTC: tomorrow in Tokyo
    measures = Measures({"x": event("x").count(days(30))})
    buckets = measures.recount(learned(before, *zones, after))
    found = sorted(bucket.day for bucket in buckets if bucket.metric.startswith("m_"))
    assert [datetime.fromordinal(day).day for day in found] == [22, 2]
    assert measures.zone_of(buckets) == "Asia/Tokyo"
    (told,) = (bucket for bucket in buckets if bucket.metric == ZONE_METRIC)
    assert (told.day, told.value) == (
        STANDING,
        f"America/New_York {int(MONDAY.timestamp()) * 1_000_000} Asia/Tokyo",
    )
    assert measures.count([after], {WHO: str(told.value)})[0].day == found[1]


def test_a_zone_that_does_not_exist_is_no_zone() -> None:
    """What another program wrote on the timeline does not stop the counting."""
    told = happened("customer.zone_set", MONDAY, {"zone": "Europe/Berln"})
    none = happened("customer.zone_set", MONDAY, {"zone": 5})
    measures = Measures({"x": event("x").count(days(1))}, zone="Europe/London")
    assert measures.zone_of(measures.recount(learned(told, none))) == "Europe/London"


# ------------------------------------------------------------------------------------ windows


def test_windows_of_hours_end_now_and_begin_just_after() -> None:
    """An event of exactly three hours ago is out; the reading says when the next one goes."""
    measures = Measures({"x": event("x").count(hours(3))})
    past = [happened("x", MONDAY - hours(h)) for h in (9, 3, 2, 1)]
    known = measures.read(measures.recount(learned(*past)), MONDAY)
    assert known.known("x", MONDAY) == 2
    assert known.believed_until("x") == MONDAY + hours(1)


def test_a_trend_leaves_today_out_and_compares_the_same_weekdays() -> None:
    """Tuesday to Thursday against those of the week before, though the window is three days."""
    friday = datetime(2026, 6, 12, 9, tzinfo=UTC)
    past = [happened("x", friday - days(60))]
    for back, count in ((1, 3), (2, 3), (3, 3), (4, 50), (8, 4), (9, 4), (10, 4), (0, 90)):
        past += [happened("x", friday - days(back), id=f"{back}/{n}") for n in range(count)]
    assert value(event("x").trend(days(3)), friday, *past) == -0.25
    assert value(event("x").trend(days(3), minimum=13), friday, *past) is None


def test_a_trend_of_means_needs_both_means() -> None:
    """Scores of this week against those of the week before; one score alone is no mean."""
    of = Mean(pattern=event("rated"), key="score", within=days(7), minimum=2)
    fall = Number(name="fall", derivation=Trend(of=of))
    before = [
        happened("rated", MONDAY - days(60), {"score": 10}),
        happened("rated", MONDAY - days(9), {"score": 8}),
        happened("rated", MONDAY - days(10), {"score": 4}),
    ]
    now = [
        happened("rated", MONDAY - days(1), {"score": 1}),
        happened("rated", MONDAY - days(2), {"score": 2}),
    ]
    assert value(fall, MONDAY, *before, *now) == -0.75
    assert value(fall, MONDAY, *before, now[0]) is None, "of this week nothing is known"
    assert value(fall, MONDAY, *before[:2], *now) is None, "nor of the week before"


def test_nothing_before_is_no_fall_and_no_rise() -> None:
    """From zero there is no relative change; nor while the timeline is too short."""
    now = MONDAY
    recent = [happened("x", now - days(2))]
    trend = event("x").trend(days(7))
    assert value(trend, now, *recent) is None
    assert value(trend, now, *recent, happened("y", now - days(90))) is None


def test_none_is_known_to_be_none_only_when_the_timeline_is_as_long() -> None:
    """A customer of yesterday has not been quiet for a week."""
    week = event("x").count(days(7))
    assert value(week, MONDAY, happened("y", MONDAY - days(5))) is None
    assert value(week, MONDAY, happened("y", MONDAY - days(6))) == 0
    assert value(week, MONDAY) is None, "of nobody nothing is known"
    quiet = event("x").absent().within(days(7))
    measures = Measures({}, conditions=[quiet])
    new = measures.recount(learned(happened("y", MONDAY - days(5))))
    assert truth_of(quiet, measures.read(new, MONDAY), MONDAY) is Truth.UNKNOWN


def test_a_count_over_a_short_timeline_is_what_there_was() -> None:
    """Something that happened, happened: only none is unknown."""
    assert value(event("x").count(days(7)), MONDAY, happened("x", MONDAY - days(1))) == 1


# ------------------------------------------------------------------------------------ origins


def test_samples_tests_and_staff_count_only_where_they_are_asked_for() -> None:
    """Backfilled events are real ones that were told late."""
    past = [happened("x", MONDAY, id=origin, origin=origin) for origin in Origin]
    pattern = event("x")
    assert value(pattern.count(days(1)), MONDAY, *past) == 2
    assert value(pattern.of_origin(Origin.TEST, Origin.SAMPLE).count(days(1)), MONDAY, *past) == 2


def test_who_is_a_test_alone_is_known_since_never() -> None:
    """Its events count where tests are asked for; they make no timeline of a customer."""
    tests = event("x").of_origin(Origin.TEST).count(days(1))
    measures = Measures({"x": event("x").count(days(1)), "tests": tests})
    buckets = measures.count([happened("x", MONDAY, origin=Origin.TEST)], {})
    known = measures.read(buckets, MONDAY)
    assert (known.known("tests", MONDAY), known.known("x", MONDAY)) == (1, None)
    assert [bucket.count for bucket in buckets] == [1], "and nothing tells since when"


def test_what_is_tagged_anew_is_counted_anew() -> None:
    """A demo that was taken for use; the tag that was learned of last holds."""
    past = [happened("x", MONDAY, id="a"), happened("x", MONDAY, id="b")]
    sample = happened("event.retagged", MONDAY, {"events": ["a"], "origin": "sample"}, id="t1")
    real = happened("event.retagged", MONDAY, {"events": ["a"], "origin": "real"}, id="t2")
    wrong = happened("event.retagged", MONDAY, {"events": ["b"], "origin": "demo"}, id="t3")
    one = event("x").count(days(1))
    assert value(one, MONDAY, *past, sample) == 1
    assert value(one, MONDAY, *past, sample, real) == 2
    assert value(one, MONDAY, *past, wrong) == 2
    measures = Measures({"x": one})
    assert measures.recounts == {"event.retagged", "customer.zone_set"}


def test_of_whom_all_turns_out_to_be_a_test_nothing_happened() -> None:
    """That is known: the timeline is as long as it was; a test from the start begins none."""
    one, at = event("x").count(days(7)), MONDAY - days(7)
    past = [happened("x", at, id="a"), happened("x", MONDAY, id="b")]
    ids: JsonValue = ["a", "b"]
    test = happened("event.retagged", MONDAY, {"events": ids, "origin": "test"}, id="t")
    assert value(one, MONDAY, *past, test) == 0

    tried = happened("x", at, id="a", origin=Origin.TEST)
    assert value(one, MONDAY, tried, happened("y", MONDAY, id="b")) is None
    real = happened("event.retagged", MONDAY, {"events": ["a"], "origin": "real"}, id="t")
    assert value(one, MONDAY + days(1), tried, real) == 0


def test_parked_events_are_nobodys() -> None:
    """They wait for a person, and are counted when they are released."""
    measures = Measures({"x": event("x").count(days(1))})
    parked = learned(happened("x", MONDAY), state=EventState.PARKED)
    assert measures.recount(parked) == []


# ------------------------------------------------------------------------------------ one instant


@pytest.mark.parametrize("ids", ["ab", "ba"])
def test_what_was_opened_and_closed_at_one_instant_is_closed(ids: str) -> None:
    """Hosts tell days or seconds; which of two ids is the greater means nothing."""
    opened, closed = event("ticket.opened"), event("ticket.closed")
    past = [
        happened("y", MONDAY - days(60)),
        happened("ticket.opened", MONDAY - days(2), {"ticket": "t"}, id=ids[0]),
        happened("ticket.closed", MONDAY - days(2), {"ticket": "t"}, id=ids[1]),
    ]
    items = opened.until(closed, by="ticket", within=days(30))
    assert value(items.count(), MONDAY, *past) == 0
    assert value(items.oldest(), MONDAY, *past) is None
    took = opened.elapsed(closed, by="ticket", within=days(30))
    assert value(took, MONDAY, *past) == timedelta(0)


@pytest.mark.parametrize("ids", ["".join(some) for some in permutations("abc")])
def test_steps_of_one_instant_follow_each_other_in_either_order(ids: str) -> None:
    """An import of whole days tells no order; and one event is one step all the same."""

    def followed(condition: Condition, *events: Event) -> object:
        (signal,) = signals_of(condition)
        return value(signal, MONDAY, *events)

    x, y, z = event("x"), event("y"), event("z")
    at = MONDAY - days(2)
    past = [happened("z", MONDAY - days(60), id="0")]
    past += [happened(name, at, id=id) for name, id in zip("xyz", ids, strict=True)]
    assert followed(sequence(x, y, z).within(days(7)), *past) is True
    assert followed(sequence(z, y, x).within(days(7)), *past) is True
    assert followed(sequence(x, z, strict=True).within(days(7)), *past) is True
    assert followed(sequence(x, x).within(days(7)), *past) is False
    assert followed(sequence(either("x", "y"), x).within(days(7)), *past) is True

    later = [happened("w", at + days(1), id="w"), happened("x", MONDAY, id="v")]
    through = sequence(x, y, event("w"), x, strict=True).within(days(7))
    assert followed(through, *past, *later) is True
    beside = happened("z", at + days(1), id="u")
    assert followed(through, *past, *later, beside) is False


def test_one_event_is_not_its_own_end() -> None:
    """What ends one and begins the next is told once, and lasts until the next."""
    moved = event("stage.entered")
    past = [
        happened("stage.entered", MONDAY - days(back), {"deal": "d"}, id=str(back))
        for back in (5, 3, 2)
    ]
    took = moved.elapsed(moved, by="deal", within=days(30))
    assert value(took, MONDAY, *past) == timedelta(days=1, hours=12)


# ------------------------------------------------------------------------------------ where


def test_one_is_not_true() -> None:
    """To Python they are equal; in the data of events they are a number and a flag."""
    past = [
        happened("y", MONDAY - days(9)),
        happened("x", MONDAY, {"paid": 1}, id="a"),
        happened("x", MONDAY, {"paid": 1}, id="b"),
        happened("x", MONDAY, {"paid": True}, id="c"),
    ]
    assert value(event("x", {"paid": 1}).count(days(1)), MONDAY, *past) == 2
    assert value(event("x", {"paid": True}).count(days(1)), MONDAY, *past) == 1
    assert event("x", {"paid": 1}) != event("x", {"paid": True})


# ------------------------------------------------------------------------------------ what is asked


def test_only_what_is_wanted_is_loaded_and_named() -> None:
    """The metrics of the signals that are asked for, as far back as their windows."""
    measures = Measures(Facts, conditions=[event("ticket.opened").at_least(3).within(days(90))])
    one = measures.wanted(MONDAY, ["logins"])
    assert len(one.metrics) == 3, "logins, the zone and the length of the timeline"
    assert MONDAY.toordinal() - one.since in range(7, 11)
    every = measures.wanted(MONDAY)
    assert one.metrics < every.metrics
    assert MONDAY.toordinal() - every.since in range(90, 94)
    assert measures.events == {"login", "ticket.opened", "signals.set"}
    assert measures.touched(["login"]) == {"logins"}
    assert measures.touched(["signals.set"]) == set(declared(Facts)) - {"logins"}
    assert measures.touched(["customer.zone_set"]) == set(measures.signals)
    assert measures.touched(["unheard.of"]) == set()


def test_facts_touch_what_is_computed_of_them() -> None:
    """More paid seats, a lower share; counts of use stay what they are."""

    class Seats(Signals):
        paid = Number(unit="seats")
        active = event("x").distinct("user").count(days(5)).counting("seats")
        breadth = share(active, of=paid)

    measures = Measures(Seats)
    assert measures.touched(["signals.set"]) == {"paid", "breadth"}
    assert measures.touched(["x"]) == {"active", "breadth"}


def test_customers_are_counted_apart() -> None:
    """A batch of many, in one zone and in another."""
    measures = Measures({"x": event("x").count(days(1))})
    midnight = datetime(2026, 6, 2, 2, tzinfo=UTC)  # 22:00 the day before in New York
    names = [CustomerId(name) for name in ("acme", "bolt", "cork")]
    batch = [
        evolve(happened("x", midnight, id=f"{name}/{n}"), customer=CustomerId(name))
        for n, name in enumerate(("acme", "bolt", "cork", "bolt"))
    ]
    buckets = measures.count(batch, {names[2]: "America/New_York"})
    found = {
        (bucket.customer, date.fromordinal(bucket.day).day): bucket.count
        for bucket in buckets
        if bucket.day
    }
    assert found == {(names[0], 2): 1, (names[1], 2): 2, (names[2], 1): 1}


def test_windows_of_different_lengths_share_their_rows() -> None:
    """A metric is what is counted, not for how long."""
    measures = Measures({"a": event("x").count(days(7)), "b": event("x").count(days(28))})
    assert len(measures.wanted(MONDAY).metrics) == 3


@pytest.mark.parametrize("ask", ["read", "wanted"])
def test_an_unknown_signal_is_named_with_the_nearest(ask: str) -> None:
    """Asked for by name."""
    measures = Measures(Facts)
    with pytest.raises(InvalidInput) as caught:
        if ask == "read":
            measures.read([], MONDAY, ["login"])
        else:
            measures.wanted(MONDAY, ["login"])
    assert caught.value.code == "rules.unknown_signal"
    assert (caught.value.field, caught.value.value) == ("login", "login")
    assert caught.value.remedy == "did you mean 'logins'?"


def test_a_share_of_a_signal_that_nobody_declares_is_refused() -> None:
    """At once, not when it is read."""
    part = event("x").count(days(7)).counting("seats")
    lost = share(part, of=Number(name="seat", unit="seats"))
    with pytest.raises(InvalidInput) as caught:
        Measures({"lost": lost, "seats": Number(name="seats", unit="seats")})
    assert (caught.value.code, caught.value.field) == ("rules.unknown_signal", "lost")
    assert (caught.value.value, caught.value.remedy) == ("seat", "did you mean 'seats'?")


def test_a_derivation_that_nobody_computes_is_refused() -> None:
    """Derivations are open to be declared; who declares one says how it is computed."""

    class Magic:
        def to_json(self) -> JsonObject:
            return {"magic": {}}

    with pytest.raises(ConfigurationError) as caught:
        Measures({"it": Number(name="it", derivation=Magic())})
    assert (caught.value.code, caught.value.value) == ("signals.derivation", "Magic")
    assert caught.value.remedy == "use those of retainkit.rules"


def test_a_derivation_that_is_counted_but_not_read_is_refused() -> None:
    """Half of what a new kind of derivation needs is told when it is read, by the same error."""

    class Half:
        def to_json(self) -> JsonObject:
            return {"half": {}}

    metrics.register(Half, lambda _: ())
    measures = Measures({"it": Number(name="it", derivation=Half())})
    with pytest.raises(ConfigurationError) as caught:
        measures.read([], MONDAY)
    assert (caught.value.code, caught.value.field) == ("signals.derivation", "derivation")
    assert (caught.value.value, caught.value.remedy) == ("Half", "use those of retainkit.rules")


def test_a_zone_is_checked_when_measures_are_made() -> None:
    """The zone of customers whose zone nobody told."""
    with pytest.raises(InvalidInput) as caught:
        Measures(Facts, zone="Berlin")
    assert (caught.value.code, caught.value.value) == ("time.unknown_zone", "Berlin")


@pytest.mark.parametrize(
    ("make", "code", "field", "told"),
    [
        (lambda: event("x").count(days(0)), "rules.window", "within", "0:00:00"),
        (
            lambda: event("x").sum("a", timedelta(milliseconds=5)),
            "rules.window",
            "within",
            "0:00:00.005000",
        ),
        (lambda: event("x").trend(hours(5)), "rules.whole_days", "within", "5:00:00"),
        (
            lambda: event("x").active_weeks(days(9)),
            "rules.whole_weeks",
            "within",
            "9 days, 0:00:00",
        ),
        (lambda: event("x").mean("a", days(9), minimum=0), "rules.minimum", "minimum", 0),
        (
            lambda: event("x").depth("f", features=(), within=days(9)),
            "rules.features",
            "features",
            "",
        ),
        (
            lambda: event("x").depth("f", features="ab", within=days(9)),
            "rules.features",
            "features",
            "ab",
        ),
        (
            lambda: event("x").depth("f", features=("a", "a"), within=days(9)),
            "rules.features",
            "features",
            "a, a",
        ),
        (lambda: event("x").latest(""), "rules.event_name", "name", ""),
        (lambda: event("payment.*"), "rules.event_name", "name", "payment.*"),
        (lambda: either("x", "*"), "rules.event_name", "name", "*"),
        (lambda: event("x", cast("Any", "a")), "rules.where", "where", "str"),
        (lambda: sequence(*cast("Any", "ab")), "rules.event_pattern", "event", "a"),
        (
            lambda: event("x").until(cast("Any", "y"), by="z"),
            "rules.event_pattern",
            "event",
            "y",
        ),
        (
            lambda: event("x").until(event("y"), by="z").silent(days(1), touched=cast("Any", 5)),
            "rules.event_pattern",
            "event",
            "int",
        ),
        (
            lambda: event("x").elapsed(cast("Any", "y"), by="z", within=days(1)),
            "rules.event_pattern",
            "event",
            "y",
        ),
        (
            lambda: event("x").again(after=cast("Any", "y"), by="z", gap=days(1), within=days(1)),
            "rules.event_pattern",
            "event",
            "y",
        ),
        (
            lambda: event("x").last().about("When.", remedy=cast("Any", "call")),
            "rules.remedy",
            "remedy",
            "call",
        ),
        (lambda: Number(remedy=cast("Any", 5)), "rules.remedy", "remedy", "int"),
        (lambda: Measures(cast("Any", None)), "rules.no_signal", "signals", "NoneType"),
        (lambda: Measures(cast("Any", [Number()])), "rules.no_signal", "signals", "list"),
        (lambda: Measures(cast("Any", {"a": event("x")})), "rules.no_signal", "a", "EventPattern"),
        (
            lambda: EventPattern(name="x", origins=cast("Any", ("rael",))),
            "rules.origin",
            "origins",
            "rael",
        ),
        (
            lambda: share(event("x").count(days(1)), of=Number(name="s", unit="seats")),
            "rules.unit",
            "share.whole",
            "a plain number of seats",
        ),
        (
            lambda: share(event("x").count(days(1)), of=cast("Any", event("x").last())),
            "rules.value_type",
            "share.whole",
            "time",
        ),
        (
            lambda: share(Amount(name="a", currency="EUR"), of=Amount(name="b", currency="USD")),
            "rules.unit",
            "share.whole",
            "EUR of USD",
        ),
        (
            lambda: event("x").until(event("y"), by="z").silent(days(0), touched=event("w")),
            "rules.window",
            "silent_for",
            "0:00:00",
        ),
        (
            lambda: event("x").again(after=event("y"), by="z", gap=days(-1), within=days(3)),
            "rules.window",
            "gap",
            "-1 day, 0:00:00",
        ),
    ],
)
def test_a_derivation_that_can_not_be_meant_is_refused(
    make: Any, code: str, field: str, told: object
) -> None:
    """When it is declared, with its place and what to write instead."""
    with pytest.raises(InvalidInput) as caught:
        make()
    assert (caught.value.code, caught.value.field, caught.value.value) == (code, field, told)
    assert caught.value.remedy


def test_a_pattern_of_names_is_told_what_to_write_instead() -> None:
    """It would match nothing; what is left out can be told by one, and by one alone."""
    with pytest.raises(InvalidInput) as caught:
        event("payment.*")
    assert 'either("payment.failed", "payment.disputed")' in caught.value.remedy
    assert anything(but="payment.*") == anything(but=("payment.*",))
    assert not anything(but="payment.*").takes("payment.failed")
    assert event("*") == anything()


@pytest.mark.parametrize(
    "found",
    [
        event("x"),
        event("x").at_least(3),
        event("x").absent(),
        event("x").distinct("user"),
        event("x").distinct("user").at_least(2),
        event("x").until(event("y"), by="z"),
        sequence(event("x"), event("y")),
        Number(name="seats") > 3,
    ],
    ids=lambda found: type(found).__name__,
)
def test_what_is_no_signal_is_refused_where_signals_are_declared(found: object) -> None:
    """Else it would silently be none; what only helps to declare others has an underscore."""
    with pytest.raises(InvalidInput) as caught:
        type("Customer", (Signals,), {"asked": found})
    error = caught.value
    assert (error.code, error.field, error.value) == (
        "rules.no_signal",
        "asked",
        type(found).__name__,
    )
    assert error.remedy.startswith("say what is counted of it, such as .count(days(7));")
    helped = type("Customer", (Signals,), {"_asked": found, "seats": Number(), "limit": 3})
    assert list(declared(helped)) == ["seats"]


# --------------------------------------------------------------------------- early warnings


def warned(now: datetime, *events: Event) -> set[str]:
    """The warnings that are true of a customer."""
    warnings = early_warnings()
    measures = Measures(EarlyWarnings, conditions=warnings.values())
    known = measures.read(measures.recount(learned(*events)), now)
    return {name for name, when in warnings.items() if truth_of(when, known, now) is Truth.TRUE}


def test_the_new_customer_is_warned_of_by_nothing() -> None:
    """No data is no bad news."""
    assert warned(MONDAY) == set()
    assert warned(MONDAY, happened("feature.used", MONDAY, {"user": "u"})) == set()


def test_who_has_just_begun_is_not_warned_of() -> None:
    """One of twenty seats in use, one person known: of yesterday that says nothing."""
    facts = Measures(EarlyWarnings).facts({"paid_seats": 20})

    def begun(at: datetime) -> list[Event]:
        return [
            happened("signals.set", at, {**facts}),
            happened("feature.used", at, {"user": "u", "feature": "a"}),
            happened("contact.joined", at, {"contact": "c", "role": "user"}),
        ]

    assert warned(MONDAY, *begun(MONDAY - days(1))) == set()
    assert {"narrow_use", "few_stakeholders"} <= warned(MONDAY, *begun(MONDAY - days(28)))
    unused = happened("signals.set", MONDAY - days(28), {**facts})
    assert warned(MONDAY, unused) == {"narrow_use", "silent"}, "nobody ever began"


def test_sold_but_unused_is_seen() -> None:
    """A term that began, and no use since; use before it does not count."""
    old = happened("feature.used", MONDAY - days(80), {"user": "u"})
    term = happened("term.started", MONDAY - days(40), {"ends_at": "2027-01-01T00:00:00Z"})
    assert "sold_but_unused" in warned(MONDAY, old, term)
    assert "sold_but_unused" in warned(MONDAY, term), "never used at all"
    assert "sold_but_unused" not in warned(MONDAY, term, happened("feature.used", MONDAY))


def test_the_champion_who_hands_over_is_no_loss() -> None:
    """Two champions, one leaves: nothing; the last one leaves: a warning, for 90 days."""
    role = {"role": "champion"}
    first = happened("contact.joined", MONDAY - days(99), {"contact": "a", **role})
    other = happened("contact.joined", MONDAY - days(9), {"contact": "b", **role})
    left = happened("contact.left", MONDAY - days(2), {"contact": "a", **role})
    assert "champion_left" not in warned(MONDAY, first, other, left)
    assert "champion_left" in warned(MONDAY, first, left)
    assert "champion_left" not in warned(MONDAY + days(90), first, left)


def test_a_backlog_that_nobody_speaks_of_is_seen() -> None:
    """An answer ends the silence for five days; closing it ends it for good."""
    opened = happened("ticket.opened", MONDAY - days(9), {"ticket": "t", "topic": "export"})
    replied = happened("ticket.replied", MONDAY - days(5), {"ticket": "t"})
    closed = happened("ticket.closed", MONDAY, {"ticket": "t"})
    assert "silent_backlog" in warned(MONDAY, opened)
    assert "silent_backlog" not in warned(MONDAY - minutes(1), opened, replied)
    assert "silent_backlog" in warned(MONDAY, opened, replied)
    assert "silent_backlog" not in warned(MONDAY, opened, replied, closed)


def test_one_problem_that_stays_is_seen() -> None:
    """Three tickets of one topic, not three of three."""
    same = [happened("ticket.opened", MONDAY, {"ticket": n, "topic": "export"}) for n in "abc"]
    mixed = [happened("ticket.opened", MONDAY, {"ticket": n, "topic": n}) for n in "abc"]
    assert "one_problem_stays" in warned(MONDAY, *same)
    assert "one_problem_stays" not in warned(MONDAY, *mixed)


def test_seats_given_to_people_who_never_came_are_seen() -> None:
    """Three seats of five weeks ago, one of them used: two are passive; a third makes a warning."""
    seats = [happened("seat.assigned", MONDAY - days(35), {"user": n}) for n in "abcd"]
    used = happened("feature.used", MONDAY - days(3), {"user": "a"})
    gone = happened("seat.removed", MONDAY, {"user": "b"})
    assert "passive_seats" in warned(MONDAY, *seats, used)
    assert "passive_seats" not in warned(MONDAY, *seats, used, gone)


def test_opinions_that_fall_and_recover_are_seen() -> None:
    """Each person is compared with what that person said before."""

    def said(user: str, score: int, ago: int) -> Event:
        return happened("nps.answered", MONDAY - days(ago), {"user": user, "score": score})

    assert "nps_fell" in warned(MONDAY, said("a", 9, 99), said("a", 4, 1))
    assert "nps_recovered" in warned(MONDAY, said("a", 4, 99), said("a", 9, 1))

    def rated(score: int, ago: int) -> Event:
        return happened("ticket.rated", MONDAY - days(ago), {"ticket": f"t{ago}", "score": score})

    assert "satisfaction_recovered" in warned(MONDAY, rated(2, 9), rated(4, 1))
    assert "satisfaction_recovered" not in warned(MONDAY, rated(4, 9), rated(2, 1))
    assert "satisfaction_recovered" not in warned(MONDAY, rated(2, 9), rated(3, 1))
    assert warned(MONDAY, said("a", 9, 99), said("b", 4, 1)) == set(), "of two people"


def test_who_comes_back_is_seen() -> None:
    """Twice a day, then hardly, then daily again: less than before, and more than lately."""
    ago = [*range(29, 57), *range(29, 57), *range(15, 29, 2), *range(15, 18), *range(1, 15)]
    used = [
        happened("feature.used", MONDAY - days(n), {"user": "u"}, id=f"{place}")
        for place, n in enumerate(ago)
    ]
    known = happened("customer.created", MONDAY - days(99))
    assert {"use_resumed"} == {"use_resumed", "falling_use"} & warned(MONDAY, known, *used)
    assert "use_resumed" not in warned(MONDAY, known, *used[:-9]), "not enough yet"
    assert "use_resumed" not in warned(MONDAY, known, *used[28:]), "never fell"


def test_errors_that_nobody_reports_and_what_is_asked_for_are_seen() -> None:
    """Ten of one code, not of ten; three features, not one of them three times."""
    same = [happened("error.occurred", MONDAY, {"code": "E7"}, id=f"e{n}") for n in range(10)]
    mixed = [happened("error.occurred", MONDAY, {"code": f"E{n}"}) for n in range(10)]
    assert "one_error_stays" in warned(MONDAY, *same)
    assert "one_error_stays" not in warned(MONDAY, *same[1:], *mixed[:7])
    assert "one_error_stays" not in warned(MONDAY, *mixed)
    asked = [happened("feature.requested", MONDAY, {"feature": each}) for each in "abc"]
    again = [happened("feature.requested", MONDAY, {"feature": "a"}, id=f"f{n}") for n in range(3)]
    assert "features_missing" in warned(MONDAY, *asked)
    assert "features_missing" not in warned(MONDAY, *again)


def test_silence_is_a_signal() -> None:
    """Three weeks of nothing; invoices and facts break no silence."""
    last = happened("login", MONDAY - days(21))
    noise = [
        happened("payment.succeeded", MONDAY),
        happened("signals.set", MONDAY, {"signals": {"paid_seats": 5}}),
    ]
    assert "silent" in warned(MONDAY, last, *noise)
    assert "silent" in warned(
        MONDAY, last, happened("rules.recheck_requested", MONDAY - days(1))
    ), "what the nightly batch asks for is no sign of life"
    because = (Because(key="rules.state.fired", values={}),)
    fired = happened("rules.fired", MONDAY - days(1), because=because)
    assert "silent" in warned(MONDAY, last, fired), "nor is what a rule decides"
    assert "silent" not in warned(MONDAY, last, happened("anything.else", MONDAY - days(1)))


def test_who_pays_and_never_gave_a_sign_is_silent() -> None:
    """Seven payments in 200 days and nothing else; of three weeks and a day, not of a new one."""
    paid = [happened("payment.succeeded", MONDAY - days(200 - 30 * n)) for n in range(7)]
    assert "silent" in warned(MONDAY, *paid)
    assert "silent" not in warned(MONDAY, *paid, happened("login", MONDAY - days(1)))
    assert "silent" not in warned(paid[0].occurred_at + days(19), paid[0])
    assert "silent" in warned(paid[0].occurred_at + days(20), paid[0])


def test_weeks_are_counted_back_from_today() -> None:
    """Today and seven days ago are two weeks; yesterday and today are one."""
    regular = event("x").active_weeks(weeks(4))
    assert value(regular, MONDAY, happened("x", MONDAY), happened("x", MONDAY - days(7))) == 2
    assert value(regular, MONDAY, happened("x", MONDAY), happened("x", MONDAY - days(1))) == 1


def test_an_event_of_the_future_counts_when_its_day_has_come() -> None:
    """Clocks differ by a little; what is told for tomorrow is not today's."""
    measures = Measures({"x": event("x").count(days(7))})
    buckets: list[Bucket] = measures.recount(
        learned(happened("y", MONDAY - days(30)), happened("x", MONDAY + days(1)))
    )
    assert measures.read(buckets, MONDAY).known("x", MONDAY) == 0
    later = MONDAY + days(1)
    assert measures.read(buckets, later).known("x", later) == 1


def test_what_a_share_is_computed_of_goes_stale_with_its_facts() -> None:
    """Seats that were told too long ago make no share."""

    class Seats(Signals):
        paid = Number(unit="seats", fresh_for=days(10))
        breadth = share(event("x").distinct("user").count(days(5)).counting("seats"), of=paid)

    assert isinstance(Seats.breadth.derivation, Share)
    measures = Measures(Seats)
    buckets = measures.count(
        [
            happened("signals.set", MONDAY, measures.facts({"paid": 4})),
            *(happened("x", MONDAY + days(8), {"user": user}) for user in "abc"),
        ],
        {},
    )
    then = MONDAY + days(10) - minutes(1)
    known = measures.read(buckets, then)
    assert known.known("breadth", then) == 0.75
    assert known.believed_until("breadth") == MONDAY + days(10)
    assert measures.read(buckets, MONDAY + days(10)).known("breadth", MONDAY + days(10)) is None


def test_a_share_of_money_is_of_one_currency() -> None:
    """What was paid of what was billed; billed in another currency, nobody knows."""

    class Money(Signals):
        paid = Amount()
        billed = Amount()
        quota = share(paid, of=billed)

    measures = Measures(Money)
    for billed, meant in (
        (money("50.00", "EUR"), 0.25),
        (money("50.00", "USD"), None),
        (money("0.00", "EUR"), None),
    ):
        facts = measures.facts({"paid": money("12.50", "EUR"), "billed": billed})
        known = measures.read(measures.count([happened("signals.set", MONDAY, facts)], {}), MONDAY)
        assert known.known("quota", MONDAY) == meant
