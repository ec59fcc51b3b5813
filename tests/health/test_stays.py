"""Timelines as stays, and as what was known at any instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retainkit.core import Because, Event, EventState, JsonObject, JsonValue, Origin, RecordedEvent
from retainkit.health import (
    UNKNOWN,
    Band,
    Bands,
    Component,
    Direction,
    Factors,
    HealthModel,
    Linear,
    Stay,
    known_events,
    score,
    stay_of,
)
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Number, Signals, days, event
from retainkit.signals import Measures


START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + days(300)
ANNA = CustomerId("anna")


class Customer(Signals):
    """What is counted here."""

    seats = Number()
    logins = event("user.logged_in").count(days(7))


NAMES = ("user.logged_in", "signals.set", "customer.zone_set")
SAID: dict[str, dict[str, JsonValue]] = {
    "user.logged_in": {},
    "signals.set": {"values": {"seats": 7}},
    "customer.zone_set": {"zone": "Asia/Tokyo"},
}


def told(
    name: str,
    day: float,
    *,
    learned: float | None = None,
    origin: Origin = Origin.REAL,
    **data: JsonValue,
) -> RecordedEvent:
    """An event of a day, learned then or later."""
    return RecordedEvent(
        event=Event(
            id=EventId(f"{name}-{day}-{data}"),
            name=name,
            customer=ANNA,
            occurred_at=START + days(1) * day,
            data=data,
            origin=origin,
        ),
        sequence=int(day * 100) + 1,
        recorded_at=START + days(1) * (day if learned is None else learned),
    )


def stay(*history: RecordedEvent) -> Stay | None:
    """As the timeline tells it."""
    return stay_of(history, until=END)


def ends(*history: RecordedEvent) -> tuple[datetime, bool]:
    """When it ends, and whether the customer left."""
    found = stay(*history)
    assert found is not None
    assert found.customer == ANNA
    return found.until, found.left


def test_nobody_is_there_before_their_first_event() -> None:
    """Nor is anybody who was only tried out."""
    found = stay(told("user.logged_in", 3), told("user.logged_in", 9))
    assert found is not None
    assert (found.since, found.until, found.left) == (START + days(3), END, False)
    assert stay() is None
    assert stay(told("user.logged_in", 3, origin=Origin.TEST)) is None


def test_who_cancelled_left_when_the_subscription_ended() -> None:
    """On the day it occurred, not when it was learned."""
    cancelled = told("subscription.cancelled", 40, learned=50, subscription="s1")
    assert ends(told("user.logged_in", 3), cancelled) == (START + days(40), True)


def test_who_has_another_subscription_stays() -> None:
    """Until that ends as well; an invoice tells of one, too."""
    first = told("subscription.cancelled", 40, subscription="s1")
    other: Mapping[str, JsonValue] = {"id": "in_1", "subscription": "s2"}
    second = told("invoice.observed", 20, invoice=other)
    assert ends(second, first) == (END, False)
    last = told("subscription.cancelled", 90, subscription="s2")
    assert ends(second, first, last) == (START + days(90), True)


def test_what_ends_after_the_end_has_not_ended() -> None:
    """Nobody knows the future."""
    assert ends(
        told("user.logged_in", 3), told("subscription.cancelled", 301, subscription="s1")
    ) == (END, False)


def retagged(day: float, origin: Origin, *events: RecordedEvent) -> RecordedEvent:
    """A person's word of a day on where these events are from."""
    said = told("event.retagged", day)
    data: JsonObject = {"events": [each.event.id for each in events], "origin": origin.value}
    return evolve(said, event=evolve(said.event, data=data))


def test_a_cancellation_that_was_a_test_ended_nothing() -> None:
    """Nor does one that is a test by now, whoever said so when."""
    paid = told("payment.succeeded", 1, subscription="s1")
    cancelled = told("subscription.cancelled", 40, subscription="s1")
    assert ends(paid, cancelled) == (START + days(40), True)
    assert ends(paid, cancelled, retagged(41, Origin.TEST, cancelled)) == (END, False)
    again = retagged(42, Origin.REAL, cancelled)
    assert ends(paid, cancelled, retagged(41, Origin.TEST, cancelled), again)[1]


def test_a_customer_who_was_a_test_was_never_there() -> None:
    """What the kit decided about them, and what people asked it for, makes no customer."""
    trial = (told("user.logged_in", 1), told("subscription.cancelled", 9, subscription="s1"))
    scored = told("health.scored", 2)
    decided = evolve(scored, event=evolve(scored.event, because=(Because(key="health.shift"),)))
    asked = told("health.rescore_requested", 20)
    assert stay(*trial, decided, asked, retagged(30, Origin.TEST, *trial)) is None


def test_what_proved_to_be_real_counts() -> None:
    """A customer whose events came as tests."""
    came = told("user.logged_in", 1, origin=Origin.TEST)
    cancelled = told("subscription.cancelled", 9, origin=Origin.TEST, subscription="s1")
    found = stay(came, cancelled, retagged(30, Origin.REAL, came, cancelled))
    assert found is not None
    assert (found.since, found.until, found.left) == (START + days(1), START + days(9), True)


def test_what_waits_for_a_person_ends_nothing() -> None:
    """A cancellation of the future, or with the id of another event."""
    came = told("user.logged_in", 1)
    cancelled = told("subscription.cancelled", 9, subscription="s1")
    assert ends(came, evolve(cancelled, state=EventState.PARKED)) == (END, False)


def test_who_pays_an_open_invoice_afterwards_has_left_all_the_same() -> None:
    """The pay link outlives the subscription; a new one brings the customer back."""
    cancelled = told("subscription.cancelled", 40, subscription="s1")
    late = told("payment.succeeded", 60, subscription="s1")
    assert ends(cancelled, late) == (START + days(40), True)
    assert ends(cancelled, late, told("payment.succeeded", 70, subscription="s2")) == (END, False)


def test_before_anything_was_known_nothing_is_known_to_be_never() -> None:
    """A login that never was is one of a customer who is there; before, nobody is unhealthy."""
    came = event("user.logged_in").last(missing="never")
    model = HealthModel(
        id="all",
        components=[
            Component(
                signal=came,
                name="last login",
                direction=Direction.LOWER_IS_BETTER,
                mapping=Linear(low=days(0), high=days(30)),
                weight=60,
            ),
            Component(
                name="silence",
                mapping=Factors(cases=((came.more_than_ago(days(30)), 0),), otherwise=100),
                weight=40,
            ),
        ],
        bands=Bands(bands=(Band("red", 0, 50), Band("green", 50, 100))),
    )
    history = [told("customer.created", 3, learned=5)]
    measures = Measures({}, conditions=model.conditions)
    known = known_events(measures, lambda _: history)
    before, after = (score(model, known(ANNA, at), at) for at in (START, START + days(6)))
    assert (before.score, before.band, before.coverage) == (None, UNKNOWN, Decimal(0))
    assert (after.score, after.band) == (Decimal(0), "red")


def at_day(history: Sequence[RecordedEvent], day: int, *, trust: bool = False) -> object:
    """The logins of the last 7 days, as known on a day."""
    known = known_events(Measures(Customer), lambda _: history, trust_backfill=trust)
    return known(ANNA, START + days(day)).known("logins", START + days(day))


def test_what_was_recorded_later_was_not_known() -> None:
    """A late event revises the present and no past."""
    history = [told("user.logged_in", day) for day in range(20)]
    assert at_day(history, 14) == 7
    late = [*history, told("user.logged_in", 13.5, learned=15)]
    assert (at_day(late, 14), at_day(late, 15)) == (7, 8)


def test_what_was_imported_was_known_only_if_one_says_so() -> None:
    """By default since the import."""
    history = [
        told("user.logged_in", day, learned=100, origin=Origin.BACKFILL) for day in range(20)
    ]
    assert at_day(history, 14) is None
    assert at_day(history, 14, trust=True) == 7


def test_one_may_ask_for_an_earlier_day_after_a_later_one() -> None:
    """What the later days added is not known to the earlier one."""
    history = [told("user.logged_in", day) for day in range(20)]
    known = known_events(Measures(Customer), lambda _: history)
    counts = [
        known(ANNA, START + days(day)).known("logins", START + days(day)) for day in (19, 2, 14)
    ]
    assert counts == [7, 3, 7]


def test_who_moved_is_counted_anew_from_then_on() -> None:
    """At 20:00 in London it is the next day in Tokyo; before the move was known it was not."""
    move = told("customer.zone_set", 12, zone="Asia/Tokyo")
    history = [
        told("user.logged_in", 2.8),
        *(told("user.logged_in", day) for day in (4.5, 8.9, 9.5)),
        move,
    ]
    known = known_events(Measures(Customer), lambda _: history)
    nine, twelve = (START + days(1) * day for day in (9.6, 12.1))
    assert known(ANNA, nine).known("logins", nine) == 3
    later = known(ANNA, twelve)
    assert later.known("logins", twelve) == 2
    assert dict(later) == dict(Measures(Customer).read(Measures(Customer).recount(history), twelve))


@given(st.data())
def test_what_was_known_is_what_a_recount_of_it_says(data: st.DataObject) -> None:
    """Whatever came late, whatever changed how it counts, in whatever order one asks."""
    day = st.integers(0, 30)
    events = data.draw(st.lists(st.tuples(day, day, st.sampled_from(NAMES)), max_size=15))
    history = [
        evolve(
            told(name, at, learned=at + later, origin=Origin.REAL, **SAID[name]), sequence=number
        )
        for number, (at, later, name) in enumerate(events, 1)
    ]
    measures = Measures(Customer)
    known = known_events(measures, lambda _: history)
    for asked in data.draw(st.lists(st.integers(0, 60), max_size=6)):
        instant = START + days(1) * asked
        past = [each for each in history if each.recorded_at <= instant]
        expected = measures.read(measures.recount(past), instant)
        assert dict(known(ANNA, instant)) == dict(expected)


def test_each_timeline_is_read_once() -> None:
    """However many moments are looked at."""
    read: list[CustomerId] = []

    def history(customer: CustomerId) -> list[RecordedEvent]:
        read.append(customer)
        return []

    known = known_events(Measures(Customer), history)
    for day in range(5):
        known(ANNA, START + days(day))
    known(CustomerId("ben"), START)
    assert read == ["anna", "ben"]
