"""What is known of customers: facts that are set, events that are counted, and time that passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from tests.engine.measured import HOUR, Customer, buckets, export, measured, values
from tests.engine.world import ADA, DAY, NOW, Crash, Watched, World

from retainkit.core import Event, Origin, Part
from retainkit.engine import AttentionKind, RetainKit
from retainkit.errors import ConfigurationError, InvalidInput, NotFound, RetainkitError
from retainkit.ids import CustomerId, EventId
from retainkit.money import money
from retainkit.rules import Number, Signal, Signals, days, event, hours


BOB = CustomerId("bob")


# ---- facts


def test_what_the_host_sets_is_known(world: World) -> None:
    """By the signal or by its name, with the time and the source it was told with."""
    kit = measured(world)
    kit.signals.set(
        ADA,
        {
            Customer.mrr: money("499.90", "EUR"),
            "plan": "team",
            Customer.seats: 25,
            Customer.share: 0.1,
            Customer.renewal_at: datetime(2026, 9, 1, tzinfo=ZoneInfo("Europe/Berlin")),
            Customer.answered_in: timedelta(minutes=90),
            Customer.champion: True,
        },
        at=NOW - DAY,
        source="warehouse",
    )
    assert values(kit) == {
        "mrr": money("499.90", "EUR"),
        "plan": "team",
        "seats": 25,
        "share": 0.1,
        "renewal_at": datetime(2026, 8, 31, 22, tzinfo=UTC),
        "answered_in": timedelta(minutes=90),
        "champion": True,
    }
    told = kit.signals.of(ADA).of("mrr")
    assert told is not None
    assert (told.at, told.source) == (NOW - DAY, "warehouse")


def test_a_fact_without_a_source_has_that_of_its_declaration(world: World) -> None:
    """MRR is declared to come from billing; a time that is not told is now."""
    kit = measured(world)
    kit.signals.set(ADA, {Customer.mrr: money(10, "EUR")})
    told = kit.signals.of(ADA).of("mrr")
    assert told is not None
    assert (told.at, told.source) == (NOW, "billing")


def test_the_later_fact_holds_in_whatever_order_they_come(world: World) -> None:
    """A late one is kept on the timeline, and the present stays."""
    kit = measured(world)
    kit.signals.set(ADA, {"plan": "team"}, at=NOW - DAY)
    kit.signals.set(ADA, {"plan": "free"}, at=NOW - 2 * DAY)
    assert values(kit) == {"plan": "team"}
    assert len(kit.timeline(ADA)) == 2


def test_of_facts_of_one_instant_the_one_told_later_holds(world: World) -> None:
    """Corrected and corrected back; counted one by one, anew, and as it was known before."""
    kit = measured(world)
    told = [3, 8, 5, 1, 8, 3, 2]
    for seats in told:
        kit.signals.set(ADA, {"seats": seats, "plan": "team"}, at=NOW - DAY)
        again = kit.signals.set(ADA, {"seats": seats, "plan": "team"}, at=NOW - DAY)
        assert len(again.duplicates) == 1
        assert values(kit) == {"seats": seats, "plan": "team"}
    before = buckets(world, kit)
    kit.signals.rebuild(ADA)
    assert buckets(world, kit) == before
    then = [recorded.sequence for recorded in kit.timeline(ADA)]
    assert [values(kit, as_of=number)["seats"] for number in then] == told

    kit.signals.set(ADA, {"plan": "free"}, at=NOW - DAY)
    kit.signals.set(ADA, {"plan": "free"}, at=NOW - DAY, source="crm")
    reading = kit.signals.of(ADA).of("plan")
    assert reading is not None
    assert (reading.value, reading.source) == ("free", "crm")
    assert values(kit) == {"seats": 2, "plan": "free"}


def test_the_same_fact_told_twice_is_one(world: World) -> None:
    """Its id comes from what it says, so that a batch may be repeated."""
    kit = measured(world)
    first = kit.signals.set(ADA, {"plan": "team"}, at=NOW)
    again = kit.signals.set(ADA, {Customer.plan: "team"}, at=NOW)
    assert (len(first.new), len(again.new), len(again.duplicates)) == (1, 0, 1)


def test_signals_without_a_class_are_told_by_the_names_they_stand_under(world: World) -> None:
    """As a program has them that makes its signals of a file of its own."""
    reports = event("report.exported").count(days(3))
    signals = {"seats": Number(), "reports": reports, "size": Number(name="s")}
    kit = measured(world, signals=signals)
    kit.signals.set(ADA, {"seats": 25, "size": 4})
    kit.record(export(1, NOW))
    assert values(kit) == {"seats": 25, "reports": 1, "size": 4}


def test_nobody_is_made_by_counting_anew(world: World) -> None:
    """A misspelt id: nothing is counted of it, and nothing is known."""
    kit = measured(world)
    kit.signals.set(ADA, {"seats": 25})
    before = buckets(world, kit)
    assert kit.signals.rebuild(CustomerId("aad")) == 1
    assert buckets(world, kit, "aad") == ()
    assert values(kit, "aad") == {}
    assert kit.signals.rebuild() == 1, "only who has events is a customer"
    assert buckets(world, kit) == before


def test_a_fact_can_be_forgotten(world: World) -> None:
    """None says that it is not known any more: missing, not zero."""
    kit = measured(world)
    kit.signals.set(ADA, {"seats": 25}, at=NOW - DAY)
    kit.signals.set(ADA, {"seats": None}, at=NOW)
    assert values(kit) == {}


class Others(Signals):
    """Signals of another class."""

    seats = Number(unit="users")


@pytest.mark.parametrize(
    ("told", "code", "field", "value"),
    [
        ({"paln": "team"}, "rules.unknown_signal", "paln", "paln"),
        ({"plan": "gold"}, "rules.not_a_choice", "plan", "gold"),
        ({"seats": "25"}, "rules.value_type", "seats", "25"),
        ({"mrr": 500}, "rules.value_type", "mrr", 500),
        ({"mrr": money(500, "USD")}, "rules.currency", "mrr", "USD"),
        ({"share": float("inf")}, "rules.not_finite", "share", "inf"),
        ({"share": float("nan")}, "rules.not_finite", "share", "nan"),
        (cast("dict[Signal | str, object]", {5: 1}), "rules.unknown_signal", "values", "5"),
        ({"exports": 3}, "signals.computed", "exports", "exports"),
        ({Others.seats: 3}, "rules.signal_clash", "seats", "seats"),
    ],
)
def test_a_wrong_fact_is_refused_and_nothing_is_kept(
    world: World, told: dict[Signal | str, object], code: str, field: str, value: object
) -> None:
    """Neither it nor what stood beside it."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set(ADA, {"champion": True, **told})
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy
    assert world.tables() == before


@pytest.mark.parametrize("told", [None, ["plan"], "plan"])
def test_what_is_no_table_of_facts_is_refused(world: World, told: object) -> None:
    """With what to pass instead."""
    with pytest.raises(InvalidInput) as caught:
        measured(world).signals.set(ADA, cast("dict[str, object]", told))
    error = caught.value
    found = (error.code, error.field, error.value, error.remedy)
    kind = type(told).__name__
    assert found == ("rules.value_type", "values", kind, 'pass a dict, such as {"plan": "team"}')


def test_no_facts_are_nothing(world: World) -> None:
    """Nothing is written; the customer is checked all the same."""
    kit = measured(world)
    before = world.tables()
    assert kit.signals.set(ADA, {}).new == ()
    assert kit.timeline(ADA) == ()
    assert world.tables() == before
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set(CustomerId(""), {})
    assert caught.value.code == "signals.customer"


def test_a_misspelt_signal_is_told_the_nearest_name(world: World) -> None:
    """As rules do it."""
    with pytest.raises(InvalidInput) as caught:
        measured(world).signals.set(ADA, {"paln": "team"})
    assert caught.value.remedy == "did you mean 'plan'?"


@pytest.mark.parametrize(
    ("customer", "at", "code", "field"),
    [
        (ADA, NOW + 2 * DAY, "signals.ahead", "at"),
        (ADA, NOW.replace(tzinfo=None), "time.naive", "at"),
        (CustomerId(""), NOW, "signals.customer", "customer"),
        (CustomerId("  "), NOW, "signals.customer", "customer"),
        (CustomerId("half\ud800"), NOW, "json.text", "customer"),
        (7, NOW, "signals.customer", "customer"),
    ],
)
def test_a_fact_of_nobody_or_of_no_time_is_refused(
    world: World, customer: CustomerId, at: datetime, code: str, field: str
) -> None:
    """Nothing is kept."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set(customer, {"plan": "team"}, at=at)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set_zone(customer, "Asia/Kolkata", at=at)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert world.tables() == before


def test_a_kit_without_signals_says_so(world: World) -> None:
    """With the argument that is missing."""
    kit = RetainKit(store=world.store, clock=world.clock)
    with pytest.raises(ConfigurationError) as caught:
        kit.signals.of(ADA)
    error = caught.value
    assert (error.code, error.field, error.value) == ("kit.no_signals", "signals", None)
    assert error.remedy == "pass RetainKit(signals=...), a class of Signals"


# ---- what is counted


def test_events_are_counted_as_they_arrive(world: World) -> None:
    """In the commit that keeps them; each once, however often it is reported."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW - 8 * DAY), export(2, NOW - DAY), export(3, NOW, user="u2"))
    kit.record(export(3, NOW, user="u2"), export(4, NOW - HOUR))
    assert values(kit) == {"champion": True, "exports": 3, "authors": 2}


def test_a_sample_is_not_counted_until_somebody_says_it_was_real(world: World) -> None:
    """And a real one is taken out when somebody says it was a test; the event stays as it is."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW), export(2, NOW, origin=Origin.SAMPLE))
    assert values(kit)["exports"] == 1
    assert kit.signals.retag(["export-2"], Origin.REAL, actor="kim") == 1
    assert values(kit)["exports"] == 2
    world.clock.advance(HOUR)
    kit.signals.retag(["export-1"], Origin.TEST, actor="kim")
    assert values(kit)["exports"] == 1
    retagged = kit.timeline(ADA)[-1].event
    assert retagged.name == "event.retagged"
    assert retagged.data == {"events": ["export-1"], "origin": "test"}
    assert retagged.actor == "kim"
    assert kit.timeline(ADA)[1].event.origin is Origin.REAL


def test_of_tags_of_one_instant_the_one_told_last_holds(world: World) -> None:
    """A person who changes their mind, faster than the clock; and back again."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW))
    for origin, counted in ((Origin.TEST, 0), (Origin.REAL, 1)) * 2:
        for _ in range(2):  # a host that got no answer says it again
            assert kit.signals.retag(["export-1"], origin, actor="kim") == 1
            assert values(kit)["exports"] == counted
    tags = [kept for kept in kit.timeline(ADA) if kept.event.name == "event.retagged"]
    assert len(tags) == 4
    kit.signals.rebuild()
    assert values(kit)["exports"] == 1


def test_an_unknown_event_is_not_tagged(world: World) -> None:
    """And neither is the one beside it."""
    kit = measured(world)
    kit.record(export(1, NOW))
    before = world.tables()
    with pytest.raises(NotFound) as caught:
        kit.signals.retag(["export-1", "export-9"], Origin.TEST, actor="kim")
    error = caught.value
    assert (error.code, error.field, error.value) == ("event.not_found", "events", "export-9")
    assert error.remedy == "take ids from kit.timeline(customer)"
    assert world.tables() == before


def test_an_origin_can_be_told_by_its_name(world: World) -> None:
    """One that does not exist is refused, and nothing is tagged."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW))
    with pytest.raises(InvalidInput) as caught:
        kit.signals.retag(["export-1"], "tset", actor="kim")
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.origin", "origin", "tset")
    assert error.remedy.startswith("use real, ")
    assert values(kit)["exports"] == 1
    assert kit.signals.retag(["export-1"], "test", actor="kim") == 1
    assert values(kit)["exports"] == 0


def test_days_end_at_midnight_where_the_customer_lives(world: World) -> None:
    """An event of the evening moves to another day; a zone that is told twice is no news."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, datetime(2026, 2, 22, 23, 30, tzinfo=UTC)))
    assert "exports" not in values(kit) or values(kit)["exports"] == 0
    assert kit.signals.set_zone(ADA, "Europe/Berlin")
    assert values(kit)["exports"] == 1
    assert not kit.signals.set_zone(ADA, "Europe/Berlin")
    assert kit.signals.set_zone(ADA, "America/New_York")


def test_a_zone_that_is_none_is_refused(world: World) -> None:
    """Nothing is kept."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set_zone(ADA, "Europe/Atlantis")
    assert (caught.value.code, caught.value.field) == ("time.unknown_zone", "zone")
    assert caught.value.value == "Europe/Atlantis"
    assert world.tables() == before


def test_rebuilding_changes_nothing(world: World) -> None:
    """What is counted event by event is what the whole timeline gives."""
    kit = measured(world)
    kit.signals.set_zone(ADA, "Asia/Kolkata")
    kit.record(*[export(n, NOW - n * 9 * HOUR, user=f"u{n % 3}") for n in range(20)])
    kit.signals.set(ADA, {"seats": 4}, at=NOW - DAY)
    kit.record(export(50, NOW, customer="bob"))
    before = buckets(world, kit), buckets(world, kit, "bob")
    told: list[int] = []
    assert kit.signals.rebuild(progress=lambda done, _: told.append(done)) == 2
    assert told == [1, 2]
    assert (buckets(world, kit), buckets(world, kit, "bob")) == before
    assert kit.signals.rebuild(ADA) == 1
    assert buckets(world, kit) == before[0]


def test_a_kit_that_begins_to_measure_counts_what_was_before(world: World) -> None:
    """Events recorded without signals are read from the timeline, and counted by rebuilding."""
    RetainKit(store=world.store, clock=world.clock).record(
        *[export(n, NOW - n * DAY) for n in range(12)]
    )
    kit = measured(world)
    assert values(kit) == {"exports": 7, "authors": 1}
    assert buckets(world, kit) == ()
    kit.signals.rebuild()
    assert buckets(world, kit)
    assert values(kit) == {"exports": 7, "authors": 1}


# ---- as it was known


def test_what_was_known_then_never_moves(world: World) -> None:
    """A late event changes the present, and nothing that was known before it."""
    kit = measured(world)
    kit.signals.set(ADA, {"plan": "free"}, at=NOW - 20 * DAY)
    kit.record(export(1, NOW - HOUR))
    then, counter = world.clock.now(), kit.timeline(ADA)[-1].sequence
    known = values(kit)
    world.clock.advance(DAY)
    kit.record(export(2, NOW - 2 * HOUR))
    kit.signals.set(ADA, {"plan": "team"}, at=NOW - DAY)
    assert values(kit)["exports"] == 2
    assert values(kit, as_of=then) == known == {"plan": "free", "exports": 1, "authors": 1}
    assert values(kit, as_of=counter) == known
    assert values(kit, as_of=0) == {}
    assert values(kit, as_of=world.clock.now()) == values(kit)


@pytest.mark.parametrize(
    ("as_of", "code"),
    [
        (-1, "signals.as_of"),
        (NOW + HOUR, "signals.as_of"),
        (cast("int", "x"), "signals.as_of"),
        (True, "signals.as_of"),
        (datetime(2026, 1, 1), "time.naive"),
    ],
)
def test_nobody_knows_what_will_be_known(world: World, as_of: int | datetime, code: str) -> None:
    """A time that is yet to come, and a counter that never was."""
    with pytest.raises(InvalidInput) as caught:
        measured(world).signals.of(ADA, as_of=as_of)
    assert (caught.value.code, caught.value.field) == (code, "as_of")


@pytest.mark.parametrize(("who", "counter"), [(ADA, 1), (BOB, 0)])
def test_a_counter_that_is_yet_to_come_has_no_answer(
    world: World, who: CustomerId, counter: int
) -> None:
    """It would be another one after the next event."""
    kit = measured(world)
    kit.signals.set(ADA, {"plan": "free"})
    assert values(kit, as_of=1) == values(kit)
    with pytest.raises(InvalidInput) as caught:
        kit.signals.of(who, as_of=counter + 1)
    error = caught.value
    assert (error.code, error.field, error.value) == ("signals.as_of", "as_of", counter + 1)
    assert error.remedy.endswith(f"from 0 on; there are {counter} by now")
    assert caught.value.remedy


# ---- in common


class Support(Signals):
    """Tickets by their topic."""

    same_topic = event("ticket.opened").count(days(30), same="topic")
    topics = event("ticket.opened").distinct("topic").count(days(7))
    tickets = event("ticket.opened").count(days(30))
    hourly = event("ticket.opened").distinct("topic").count(hours(6))


def ticket(number: int, customer: str, topic: str, at: datetime = NOW) -> Event:
    """A customer opened a ticket."""
    return Event(
        id=EventId(f"ticket-{number}"),
        name="ticket.opened",
        customer=CustomerId(customer),
        occurred_at=at,
        data={"ticket": f"t{number}", "topic": topic},
        actor="host",
    )


def test_what_many_customers_ask_about_is_found(world: World) -> None:
    """Most customers first; what one alone asks about, or long ago, is not common."""
    kit = measured(world, signals=Support)
    kit.record(
        ticket(1, "ada", "export"),
        ticket(2, "bob", "export"),
        ticket(3, "cyd", "export", NOW - 8 * DAY),
        ticket(4, "ada", "invoice"),
        ticket(5, "ada", "invoice"),
        ticket(6, "bob", "invoice"),
        ticket(7, "ada", "login"),
        ticket(8, "bob", "login", NOW - 40 * DAY),
    )
    assert kit.signals.common(Support.same_topic) == (
        Part(part="export", customers=3, count=3),
        Part(part="invoice", customers=2, count=3),
    )
    assert kit.signals.common("topics", least=1, limit=2) == (
        Part(part="invoice", customers=2, count=3),
        Part(part="export", customers=2, count=2),
    )
    longer = kit.signals.common("topics", over=days(60))
    assert [part.part for part in longer] == ["export", "invoice", "login"]


@pytest.mark.parametrize(
    ("name", "over", "code", "field"),
    [
        ("tickets", None, "signals.not_split", "signal"),
        ("hourly", None, "signals.not_split", "signal"),
        ("topic", None, "rules.unknown_signal", "topic"),
        (cast("str", 5), None, "rules.unknown_signal", "signal"),
        ("topics", timedelta(hours=3), "rules.window", "over"),
    ],
)
def test_what_is_counted_by_no_key_has_nothing_in_common(
    world: World, name: str, over: timedelta | None, code: str, field: str
) -> None:
    """It says how to declare a signal that is."""
    with pytest.raises(InvalidInput) as caught:
        measured(world, signals=Support).signals.common(name, over=over)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy


# ---- quarantine


def test_an_event_too_far_ahead_is_kept_aside(world: World) -> None:
    """It is not counted and wakes nobody; a person finds it, with what is wrong about it."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    told = kit.record(export(1, NOW), export(2, NOW + 30 * DAY))
    assert [event.id for event in told.new] == ["export-1"]
    assert told.quarantined == ("export-2",)
    assert values(kit)["exports"] == 1
    assert len(kit.timeline(ADA)) == 2
    (entry,) = kit.attention()
    assert entry.kind is AttentionKind.QUARANTINED_EVENT
    assert (entry.id, entry.customer, entry.since) == ("export-2", ADA, NOW)
    assert entry.facts["reason"] == "ahead_of_time"
    assert entry.facts["ahead_seconds"] == 30 * 24 * 3600
    assert "kit.release(id, customer=, actor=)" in entry.remedy


def test_an_event_within_the_tolerance_is_counted_when_its_day_has_come(world: World) -> None:
    """Clocks differ by hours, not by days; how much may be is the kit's to say."""
    kit = measured(world, future_tolerance=timedelta(days=2))
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    assert kit.record(export(1, NOW + 2 * DAY)).quarantined == ()
    assert values(kit)["exports"] == 0
    world.clock.advance(2 * DAY)
    assert values(kit)["exports"] == 1


def test_what_no_signal_reads_may_lie_ahead(world: World) -> None:
    """Nobody counts it: it is kept as it came."""
    kit = measured(world)
    booked = export(1, NOW + 90 * DAY)
    assert kit.record(evolve(booked, name="visit.booked")).quarantined == ()
    assert kit.attention() == ()


def test_a_quarantined_event_is_released_by_a_person(world: World) -> None:
    """Its time was right after all: it is counted, and told again it is a duplicate."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW + 3 * DAY))
    assert kit.record(export(1, NOW + 3 * DAY)).duplicates == ("export-1",)
    kit.release(EventId("export-1"), customer=ADA, actor="kim")
    assert kit.attention() == ()
    assert kit.timeline(ADA)[-1].event.name == "event.released"
    world.clock.advance(3 * DAY)
    assert values(kit)["exports"] == 1
    assert kit.record(export(1, NOW + 3 * DAY)).duplicates == ("export-1",)


def test_a_quarantined_event_is_dismissed_by_a_person(world: World) -> None:
    """It leaves the list and is never counted; who did it stands on the timeline."""
    kit = measured(world)
    kit.signals.set(ADA, {"champion": True}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW + 3 * DAY))
    kit.dismiss("export-1", actor="kim")
    assert kit.attention() == ()
    last = kit.timeline(ADA)[-1].event
    assert (last.name, last.actor, last.data) == (
        "attention.dismissed",
        "kim",
        {"entry": "export-1"},
    )
    world.clock.advance(3 * DAY)
    assert values(kit)["exports"] == 0
    assert kit.record(export(1, NOW + 3 * DAY)).duplicates == ("export-1",)


# ---- in one commit


def test_a_crash_leaves_events_and_counts_in_step(world: World) -> None:
    """Before the commit there is neither, after it there are both."""
    for die_at in (1, 2):
        watched = Watched(world.store, die_at=die_at)
        kit = measured(world, store=watched)
        with pytest.raises(Crash):
            kit.record(export(die_at, NOW - die_at * DAY))
        plain = measured(world)
        counted = buckets(world, plain)
        assert bool(counted) == bool(plain.timeline(ADA)) == (die_at == 2)
        plain.signals.rebuild()
        assert buckets(world, plain) == counted


def test_what_is_rolled_back_is_not_counted(world: World) -> None:
    """A transaction that fails takes facts and counts with it."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(RetainkitError), kit.transaction() as k:
        k.record(export(1, NOW))
        k.signals.set(ADA, {"seats": 4})
        assert k.signals.of(ADA).of("seats") is not None
        k.signals.set(ADA, {"seats": "many"})
    assert world.tables() == before
    assert buckets(world, kit) == ()


def test_an_error_before_anything_is_written_leaves_the_block_usable(world: World) -> None:
    """A host may catch it, and go on in the same transaction."""
    kit = measured(world)
    with kit.transaction() as k:
        with pytest.raises(InvalidInput):
            k.signals.set(ADA, {"seats": "many"})
        k.signals.set(ADA, {"seats": 4})
    assert values(kit) == {"seats": 4}


def test_customers_of_other_tenants_are_others(world: World) -> None:
    """The same id in another tenant is somebody else."""
    kit = measured(world)
    kit.signals.set(ADA, {"seats": 4})
    assert values(kit.for_tenant("acme")) == {}
    assert kit.for_tenant("acme").signals.rebuild() == 0
