"""The world of use: the same seed gives the same bytes, and what is told follows from the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from hashlib import sha256
from statistics import mean

import pytest
from attrs import evolve

from retainkit.core import Event, Origin
from retainkit.errors import InvalidInput
from retainkit.simulate import (
    Fate,
    Lull,
    Trouble,
    UsageCustomer,
    UsageParameters,
    UsageWorld,
    usage_world,
)


WORLDS = [usage_world(seed, 30, 130) for seed in (1, 2)]
DAY = timedelta(days=1)


def _with(trouble: Trouble | None) -> list[tuple[UsageWorld, UsageCustomer]]:
    return [
        (world, one) for world in WORLDS for one in world.customers if one.fate.trouble is trouble
    ]


def _told(customer: UsageCustomer, *names: str) -> list[Event]:
    events = {delivery.event.id: delivery.event for delivery in customer.deliveries}
    return [event for event in events.values() if event.name in names]


def _use_a_day(customer: UsageCustomer, since: datetime, until: datetime) -> float:
    """Over whole weeks: their weekdays have nothing to say."""
    until -= (until - since) % (7 * DAY)
    used = [
        event
        for event in _told(customer, "feature.used")
        if event.origin is Origin.REAL and since <= event.occurred_at < until
    ]
    return len(used) / ((until - since) / DAY)


def test_a_seed_gives_the_same_world_to_the_byte() -> None:
    """On this machine and every other one: the digest is written down."""
    said = "\n".join(
        f"{each.received_at.isoformat()} {each.event.id} {each.event.fingerprint}"
        for each in usage_world(7, 6, 120).events()
    )
    assert sha256(said.encode()).hexdigest()[:16] == "f70b7648fcdd5d29"


def test_a_fate_is_its_own() -> None:
    """More neighbours change nothing for the first ones."""
    few, many = usage_world(3, 4, 120), usage_world(3, 9, 120)
    assert many.customers[:4] == few.customers


def test_every_trouble_has_an_onset_and_a_departure_within_the_world() -> None:
    """And those who are well have neither; nothing happens after a departure."""
    for world in WORLDS:
        for customer, fate in world.truth().items():
            if fate.trouble is None:
                assert (fate.onset, fate.leaves_at, fate.lead) == (None, None, None)
                continue
            assert fate.quiet == ()
            assert fate.onset is not None
            assert fate.leaves_at is not None
            assert world.start + 57 * DAY < fate.onset < fate.leaves_at <= world.end
            assert fate.lead is not None
            assert 26 * DAY < fate.lead < 58 * DAY
            assert all(
                event.occurred_at < fate.leaves_at
                for event in world.happened()
                if event.customer == customer
            )
    assert {one.fate.trouble for world in WORLDS for one in world.customers} == {None, *Trouble}


def test_falling_use_falls_and_only_that() -> None:
    """From the onset on, week by week; the others go on as before until they leave."""
    for trouble, least, most in (
        (Trouble.FALLING_USE, 0.1, 0.65),
        (Trouble.CHAMPION_LEFT, 0.75, 1.3),
        (Trouble.SILENT_BACKLOG, 0.75, 1.3),
    ):
        shares = []
        for world, one in _with(trouble):
            onset, leaves_at = one.fate.onset, one.fate.leaves_at
            assert onset is not None
            assert leaves_at is not None
            before = _use_a_day(one, world.start, onset)
            shares.append(_use_a_day(one, leaves_at - 14 * DAY, leaves_at) / before)
        assert len(shares) >= 5
        assert least < mean(shares) < most, trouble


def test_a_lull_passes() -> None:
    """Less while it lasts, as ever afterwards."""
    seen: Counter[Lull] = Counter()
    during: dict[Lull, list[float]] = defaultdict(list)
    for world, one in _with(None):
        for quiet in one.fate.quiet:
            seen[quiet.lull] += 1
            before = _use_a_day(one, world.start, quiet.since)
            during[quiet.lull].append(_use_a_day(one, quiet.since, quiet.until) / before)
            if world.end - quiet.until > 21 * DAY:
                assert _use_a_day(one, quiet.until, world.end) > 0.6 * before
    assert set(seen) == set(Lull)
    assert mean(during[Lull.HOLIDAY]) < 0.4
    assert 0.4 < mean(during[Lull.SEASON]) < 0.8


def test_the_champion_leaves_at_the_onset_and_nobody_follows() -> None:
    """Where one hands over to another, there is always a champion."""
    for _, one in _with(Trouble.CHAMPION_LEFT):
        left = [e for e in _told(one, "contact.left") if e.data["role"] == "champion"]
        assert [event.occurred_at for event in left] == [one.fate.onset]
    handed = 0
    for trouble in (None, Trouble.FALLING_USE, Trouble.SILENT_BACKLOG):
        for _, one in _with(trouble):
            joined = [e for e in _told(one, "contact.joined") if e.data["role"] == "champion"]
            left = [e for e in _told(one, "contact.left") if e.data["role"] == "champion"]
            assert len(joined) > len(left)
            handed += len(left)
    assert handed


def test_tickets_are_answered_but_where_the_backlog_is_silent() -> None:
    """The first unanswered one is opened at the onset; at least three are."""
    for world in WORLDS:
        for one in world.customers:
            opened = {e.data["ticket"]: e.occurred_at for e in _told(one, "ticket.opened")}
            replied = {e.data["ticket"] for e in _told(one, "ticket.replied")}
            until = (one.fate.leaves_at or world.end) - 2 * DAY
            waiting = sorted(
                at for ticket, at in opened.items() if ticket not in replied and at < until
            )
            if one.fate.trouble is Trouble.SILENT_BACKLOG:
                assert waiting[0] == one.fate.onset
                assert len(waiting) >= 3
            else:
                assert waiting == []


def test_events_come_late_twice_and_out_of_order() -> None:
    """Nothing comes before it happened; what comes twice says the same."""
    world = WORLDS[0]
    events = world.events()
    assert [each.received_at for each in events] == sorted(each.received_at for each in events)
    assert all(each.received_at >= each.event.occurred_at for each in events)
    late = sum(each.received_at - each.event.occurred_at > timedelta(hours=1) for each in events)
    assert 0.03 < late / len(events) < 0.07
    assert 0.01 < 1 - len(world.happened()) / len(events) < 0.03
    occurred = [each.event.occurred_at for each in events]
    assert occurred != sorted(occurred)
    said: dict[str, str] = {}
    for each in events:
        assert said.setdefault(each.event.id, each.event.fingerprint) == each.event.fingerprint


def test_what_is_no_use_of_theirs_says_so() -> None:
    """Sample data, tests and our probe by their origin; a visit of ours when it is re-tagged."""
    origins = Counter(event.origin for world in WORLDS for event in world.happened())
    assert set(origins) == set(Origin) - {Origin.BACKFILL}
    for world in WORLDS:
        events = {event.id: event for event in world.happened()}
        for retag in (event for event in events.values() if event.name == "event.retagged"):
            assert retag.data["origin"] == "internal"
            named = retag.data["events"]
            assert isinstance(named, list)
            assert {events[str(each)].data["user"] for each in named} == {"staff"}  # type: ignore[index] # ids are texts


def test_the_parameters_are_obeyed() -> None:
    """A world without noise, lateness and trouble has none."""
    calm = UsageParameters(
        falling_use=0,
        champion_left=0,
        silent_backlog=0,
        holidays=0,
        seasons=0,
        noise=0,
        late=0,
        doubled=0,
        monitored=0,
        visited=0,
        movers=0,
        handovers=0,
        leavers=0,
    )
    world = usage_world(5, 12, 120, parameters=calm)
    assert all(fate == Fate(customer=customer) for customer, fate in world.truth().items())
    assert len(world.events()) == len(world.happened())
    assert {event.name for event in world.happened()}.isdisjoint({"contact.left", "event.retagged"})
    busy = usage_world(5, 12, 120, parameters=evolve(calm, falling_use=1000))
    assert {fate.trouble for fate in busy.truth().values()} == {Trouble.FALLING_USE}


def test_the_facts_are_those_of_the_customer() -> None:
    """Seats are paid for whether or not somebody sits on them."""
    for world in WORLDS:
        for one in world.customers:
            assert set(one.facts) == {"plan", "size", "industry", "seats", "term_ends_at"}
            seats = one.facts["seats"]
            assert isinstance(seats, int)
            assert 0 < len(one.users) <= seats
            assert world.days_of(one) <= world.days
    assert len(list(WORLDS[0].mornings())) == WORLDS[0].days


@pytest.mark.parametrize(
    ("field", "customers", "days", "least"), [("customers", 0, 120, 1), ("days", 1, 119, 120)]
)
def test_a_world_too_small_is_refused(field: str, customers: int, days: int, least: int) -> None:
    """It could not hold a trouble with its lead."""
    with pytest.raises(InvalidInput) as caught:
        usage_world(1, customers, days)
    error = caught.value
    assert (error.code, error.field) == ("simulate.size", field)
    assert error.value == (customers if field == "customers" else days)
    assert error.remedy == f"pass {least} or more"
