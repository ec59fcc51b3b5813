"""Odd things that are told: none stops a batch, is counted twice or leaves a projection behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest
from attrs import evolve
from tests.faults._campaign import say, seed, size
from tests.faults._measured import DAY, buckets, judge, measured, use

from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.errors import InvalidInput, NotFound
from retainkit.ids import CustomerId, EventId
from retainkit.money import money
from retainkit.payments import ProviderEvent
from retainkit.payments.simulated import Declines, SimulatedPayments
from retainkit.rules import Signals, days, event
from retainkit.simulate import usage_world
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock
from retainkit.timing import local_time, wall_time


NOW = datetime(2026, 11, 4, 9, tzinfo=UTC)
ADA, BOB, NOBODY = CustomerId("ada"), CustomerId("bob"), CustomerId("")


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store."""
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = SqlStore(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> ManualClock:
    """Nine in the morning."""
    return ManualClock(NOW)


@pytest.fixture
def kit(store: Store, clock: ManualClock) -> RetainKit:
    """A kit of signals, rules and health."""
    return measured(store, clock)


def settle(kit: RetainKit, clock: ManualClock) -> None:
    """Some days go by, each with a worker; then everything is in order, and nobody waits."""
    for _ in range(3):
        kit.run_due()
        judge(kit)
        clock.advance(2 * DAY)
    kit.rules.recheck()  # who was told nothing that rules read was never asked
    kit.run_due()
    judge(kit)
    assert kit.sweep() == ()
    assert kit.rules.recheck().woken == 0


def value(kit: RetainKit, customer: CustomerId, name: str) -> object:
    """What a signal says now."""
    reading = kit.signals.of(customer).of(name)
    return None if reading is None else reading.value


ODD: dict[str, dict[str, object]] = {
    "a part with a NUL": {"user": "a\0b", "feature": "\0"},
    "a part without end": {"user": "ü" * 100_000, "feature": "f" * 5000},
    "a number as a part": {"user": 7**4900, "feature": -(7**3000)},
    "words for numbers": {"amount": "much"},
    "no numbers": {"amount": "NaN"},
    "too much": {"amount": 10**18},
    "a number that is written out for ever": {"amount": "1e999999999"},
    "a number too small": {"amount": "1e-999999999"},
    "other kinds": {"user": ["a"], "feature": {"a": 1}, "amount": [1], "until": 5},
    "the end of time": {"until": "9999-12-31T23:59:59+00:00"},
    "the beginning of time": {"until": "0001-01-01T00:00:00+00:00"},
    "before the beginning of time": {"until": "0001-01-01T00:00:00+14:00"},
    "right to left": {"user": "\u202eada\u2066", "feature": "e\u0301"},
}


def test_odd_data_do_not_stop_the_batch_that_they_come_in(
    kit: RetainKit, clock: ManualClock
) -> None:
    """Each with others of its customer; all are kept, counted and decided."""
    events = [
        use(f"odd{place}", f"c{place}", NOW - DAY, data=data)
        for place, data in enumerate(ODD.values())
    ]
    usual = [
        use(f"use{place}", f"c{place}", NOW - DAY, data={"amount": 1}) for place in range(len(ODD))
    ]
    assert len(kit.record(*events, *usual).new) == 2 * len(ODD)
    assert _left_out(kit, list(ODD).index("too much")) == ("amount", 1)
    assert _left_out(kit, list(ODD).index("no numbers")) == ("amount", 1)
    settle(kit, clock)
    assert kit.attention() == ()


def _left_out(kit: RetainKit, place: int) -> tuple[str, int]:
    """What a sum could not read of a customer's events, and how often: it is told."""
    assert kit.measures is not None
    counted = buckets(kit, CustomerId(f"c{place}")).values()
    (found,) = (
        each for each in kit.measures.left_out(counted, kit.clock.now()) if each.signal == "paid"
    )
    assert found.event == f"odd{place}"
    return found.key, found.count


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_never_leaves_its_column(kit: RetainKit, clock: ManualClock, sign: int) -> None:
    """Thirty numbers as large as may be summed up, on one day, in batches and one by one."""
    large = [use(f"e{number}", ADA, NOW, data={"amount": sign * 10**12}) for number in range(30)]
    kit.record(*large[:15], use("small", ADA, NOW, data={"amount": 5}))
    for each in large[15:]:
        kit.record(each)
    assert value(kit, ADA, "paid") == sign * 30 * 10**12 + 5
    assert value(kit, ADA, "lately_paid") == sign * 30 * 10**12 + 5
    settle(kit, clock)


def test_long_ids_fit_into_every_index(kit: RetainKit, clock: ManualClock) -> None:
    """Rows of hours bear the ids of their events, shortened where they are long."""
    lot = Random(1)
    text = "".join(lot.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1500))
    kit.record(*(use(f"{text}{number}", text, NOW) for number in range(3)))
    assert value(kit, CustomerId(text), "lately") == 3
    settle(kit, clock)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_the_first_and_the_last_year_have_days(
    kit: RetainKit, clock: ManualClock, zone: str
) -> None:
    """As an unset date of another language has it; it is counted, wherever the customer lives."""
    kit.record(use("now", ADA, NOW))
    kit.signals.set_zone(ADA, zone)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    kit.record(use("unset", ADA, first), use("seen", ADA, NOW))
    kit.record(use("other", ADA, last, name="contract.ends"))  # nobody counts it
    assert value(kit, ADA, "used") == 2
    kit.signals.set_zone(ADA, "Asia/Tokyo", at=first)
    settle(kit, clock)


def test_what_is_of_nobody_wakes_nobody(kit: RetainKit, clock: ManualClock) -> None:
    """It is kept, and that is all; nobody is measured, rebuilt or rechecked."""
    kit.record(*(use(f"e{number}", NOBODY, NOW) for number in range(5)), use("ada", ADA, NOW))
    settle(kit, clock)
    assert {recorded.event.name for recorded in kit.timeline(NOBODY)} == {"feature.used"}
    assert kit.signals.rebuild() == 1
    assert kit.health.rescore() == 1
    judge(kit)


def test_a_dismissed_event_is_never_counted(kit: RetainKit, clock: ManualClock) -> None:
    """Neither when it is told again; the sweeper does not miss it."""
    ahead = use("ahead", ADA, NOW + 5 * DAY)
    assert kit.record(ahead).quarantined == ("ahead",)
    kit.dismiss("ahead", actor="eve")
    assert kit.record(ahead).duplicates == ("ahead",)
    settle(kit, clock)
    clock.advance(5 * DAY)
    assert kit.record(ahead).duplicates == ("ahead",)
    assert "used" not in {name for name, known in kit.signals.of(ADA) if known.value}
    settle(kit, clock)


def test_a_released_event_is_counted_once(kit: RetainKit, clock: ManualClock) -> None:
    """Told twice before, released, told again, released again; to whomever it was released."""
    ahead = [use(f"ahead{number}", ADA, NOW + 3 * DAY) for number in range(2)]
    for _ in range(2):
        kit.record(*ahead, use("now", ADA, NOW))
    kit.release(EventId("ahead0"), customer=ADA, actor="eve")
    kit.release(EventId("ahead1"), customer=BOB, actor="eve")
    kit.record(*ahead)
    with pytest.raises(NotFound):
        kit.release(EventId("ahead0"), customer=BOB, actor="eve")
    clock.advance(3 * DAY)
    assert value(kit, ADA, "used") == 2
    assert value(kit, BOB, "used") == 1
    settle(kit, clock)


class Heard(Signals):
    """How often the provider told something."""

    heard = event("webhook.received").count(days(7))


def test_a_parked_webhook_is_counted_once(store: Store, clock: ManualClock) -> None:
    """When it is released, and not again when the provider repeats it; a dismissed one never."""
    payments = SimulatedPayments(clock=clock)
    kit = RetainKit(store=store, signals=Heard, payments=payments, clock=clock)
    payments.add_method(Declines(), reference="cus_1")
    for id in ("in_1", "in_2"):
        payments.open_invoice(reference="cus_1", id=id, amount=money(12, "EUR"), subscription="s")
    told = payments.take_events()
    _hear(kit, told)
    released, *dismissed = [entry.id for entry in kit.attention()]
    kit.release(EventId(released), customer=ADA, actor="eve")
    assert dismissed
    for entry in dismissed:
        kit.dismiss(entry, actor="eve")
    assert value(kit, ADA, "heard") == 1
    _hear(kit, told)
    kit.signals.rebuild()
    assert value(kit, ADA, "heard") == 1
    assert kit.attention() == ()


def _hear(kit: RetainKit, told: Sequence[ProviderEvent]) -> None:
    for each in told:
        with kit.transaction() as k:
            k.receive_event(each)


def test_what_waits_is_not_tagged(kit: RetainKit, clock: ManualClock) -> None:
    """Only what is on a timeline has an origin to correct; nothing is changed."""
    kit.record(use("ahead", ADA, NOW + 5 * DAY), use("now", ADA, NOW))
    with pytest.raises(NotFound) as caught:
        kit.signals.retag(["now", "ahead"], Origin.TEST, actor="eve")
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "event.not_found", "events", "ahead",
    )  # fmt: skip
    assert "timeline" in caught.value.remedy
    assert value(kit, ADA, "used") == 1
    kit.release(EventId("ahead"), customer=ADA, actor="eve")
    settle(kit, clock)


def test_odd_tags_and_zones_change_nothing(kit: RetainKit, clock: ManualClock) -> None:
    """Told as events of a host: of another origin, of no list, before the event that they mean."""
    kit.record(use("first", ADA, NOW))
    tags: list[dict[str, object]] = [
        {"events": ["later"], "origin": "test"},
        {"events": ["first"], "origin": "another"},
        {"events": "first", "origin": "test"},
        {"events": [["first"]], "origin": ["test"]},
        {},
    ]
    zones: list[dict[str, object]] = [{"zone": "Europe"}, {"zone": "../zone"}, {"zone": 5}, {}]
    kit.record(
        *(use(f"t{n}", ADA, NOW, "event.retagged", data=tag) for n, tag in enumerate(tags)),
        *(use(f"z{n}", ADA, NOW, "customer.zone_set", data=zone) for n, zone in enumerate(zones)),
    )
    kit.record(use("later", ADA, NOW))
    assert value(kit, ADA, "used") == 2
    settle(kit, clock)


def test_an_id_with_another_payload_is_not_counted(kit: RetainKit, clock: ManualClock) -> None:
    """In one batch, in a later one, and where one of the two lies ahead."""
    first = use("e", ADA, NOW, data={"amount": 1})
    kit.record(first)
    assert kit.record(evolve(first, data={"amount": 2})).conflicts == ("e",)
    both = kit.record(
        use("f", ADA, NOW, data={"amount": 1}), use("f", ADA, NOW, data={"amount": 2})
    )
    assert (len(both.new), both.conflicts) == (1, ("f",))
    ahead = kit.record(use("g", ADA, NOW + 5 * DAY), use("g", ADA, NOW, data={"amount": 1}))
    assert (len(ahead.new), ahead.conflicts, ahead.quarantined) == (1, ("g",), ())
    assert kit.record(evolve(first, customer=BOB)).conflicts == ("e",)
    assert value(kit, ADA, "used") == 3
    assert value(kit, ADA, "paid") == 3
    settle(kit, clock)


def test_a_zone_of_a_time_to_come_is_refused(kit: RetainKit) -> None:
    """It would wait for a person, and nobody would be told."""
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set_zone(ADA, "Asia/Tokyo", at=NOW + 5 * DAY)
    assert (caught.value.code, caught.value.field) == ("signals.ahead", "at")
    assert caught.value.value == (NOW + 5 * DAY).isoformat()
    assert caught.value.remedy
    assert kit.timeline(ADA) == ()


def test_a_fact_that_no_database_keeps_is_refused(kit: RetainKit) -> None:
    """By its place, and without what it says."""
    with pytest.raises(InvalidInput) as caught:
        kit.signals.set(ADA, {"plan": "secret\ud800"})
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "json.text", "values", ascii("\ud800"),
    )  # fmt: skip
    assert caught.value.remedy
    kit.signals.set(ADA, {"plan": "a\0b"})
    assert value(kit, ADA, "plan") == "a\0b"


def test_who_is_woken_from_before_contradicts_nothing(kit: RetainKit, clock: ManualClock) -> None:
    """Late events are decided again at another time; that is no conflict, and fires nothing."""
    kit.record(*(use(f"e{number}", ADA, NOW - 2 * DAY) for number in range(5)))
    kit.run_due()
    clock.advance(DAY)
    for feature in ("rules", "health"):
        kit.wake(feature, ADA, since=1)
    settle(kit, clock)
    assert kit.attention() == ()


# ---- days that are odd

# Of 30 minutes more or less, not there at all, of an odd offset, over at 23:59 and back again.
EDGES = (
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2026, 1, 1)),
    ("America/St_Johns", date(2006, 10, 29)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Europe/Berlin", date(2026, 10, 25)),
)


@pytest.mark.parametrize(("zone", "day"), EDGES, ids=str)
def test_each_instant_belongs_to_the_day_that_clocks_show(zone: str, day: date) -> None:
    """At each boundary, a microsecond to either side, in any order, told live or counted anew."""
    clock = ManualClock(wall_time(day + 3 * DAY, time(12), zone))
    kit, lot = measured(MemoryStore(), clock, zone), Random(3)
    instants = [
        wall_time(day + number * DAY, at, zone) + timedelta(microseconds=aside)
        for number in (-1, 0, 1, 2)
        for at in (time(0), time(0, 1), time(0, 30), time(1), time(2), time(12), time(23, 59))
        for aside in (-1, 0, 1)
    ]
    shown: dict[int, int] = {}
    lot.shuffle(instants)
    for number, at in enumerate(instants):
        local = local_time(at, zone).date().toordinal()
        shown[local] = shown.get(local, 0) + 1
        kit.record(use(f"e{number}", ADA, at))
    found: dict[int, int] = {}
    (used,) = _metrics(kit, "used")
    for bucket in buckets(kit, ADA).values():
        if bucket.metric == used:
            found[bucket.day] = found.get(bucket.day, 0) + bucket.count
    assert found == shown
    kit.run_due()
    judge(kit)


def _metrics(kit: RetainKit, name: str) -> frozenset[str]:
    """What a signal counts, without what every one needs."""
    assert kit.measures is not None
    now = kit.clock.now()
    return kit.measures.wanted(now, (name,)).metrics - kit.measures.wanted(now, ()).metrics


# ---- clocks that jump, and customers who move to and fro

JUMPS = tuple(timedelta(hours=hours) for hours in (1, -1, 0.5, 5, -26, 24, 24, 70, 24 * 40))
ZONES = ("Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Europe/Berlin", "UTC")


def _walk(which: int, store: Store, steps: int) -> None:
    """Things happen, move and are corrected, while the clock goes to and fro."""
    lot, clock = Random(which), ManualClock(usage_world(1, 1, 120).start + 30 * DAY)
    kit, latest, told = measured(store, clock), clock.now(), list[Event]()
    for number in range(steps):
        clock.set(clock.now() + lot.choice(JUMPS))
        latest = max(latest, clock.now())
        customer = lot.choice((ADA, BOB))
        match lot.randrange(9):
            case 0:
                kit.signals.set_zone(customer, lot.choice(ZONES))
            case 1:
                kit.signals.set(customer, {"seats": lot.choice((3, 9))})
            case 2 if told:
                mine = [each.id for each in lot.sample(told, k=min(3, len(told)))]
                kit.signals.retag(mine, lot.choice(list(Origin)), actor="eve")
            case 3 if told:
                kit.record(*lot.sample(told, k=min(5, len(told))))
            case 4:
                kit.signals.rebuild(customer)
            case _:
                at = clock.now() - timedelta(hours=lot.randrange(100))
                new = [
                    use(f"e{number}-{each}", customer, at, data={"amount": each})
                    for each in range(4)
                ]
                kit.record(*new)
                told += new
        kit.run_due()
    judge(kit)
    clock.set(latest + 3 * DAY)  # the clock is right again
    kit.run_due()
    judge(kit)
    assert kit.sweep() == ()
    assert kit.attention() == ()
    assert kit.rules.recheck().woken == 0


def test_a_clock_that_goes_back_leaves_everything_in_order() -> None:
    """Buckets, groups and firings; nothing fires twice."""
    for which in range(6):
        _walk(which, MemoryStore(), 40)


@pytest.mark.faults
def test_many_clocks_that_go_back_leave_everything_in_order() -> None:
    """The long form."""
    first, walks = seed(), size("WALKS", 300)
    for which in range(first, first + walks):
        _walk(which, MemoryStore(), 80)
    say("odd clocks", seed=first, walks=walks)
