"""Signals and rules of a whole kit: what is known depends on what was told, not on how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copy

import pytest
import sqlalchemy as sa
from attrs import frozen

from retainkit.core import STANDING, Event, JsonObject, Origin, Wanted, dumps
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId, EventId
from retainkit.rules import (
    Number,
    Reading,
    Readings,
    Rule,
    Rulebook,
    Signals,
    Text,
    Time,
    days,
    event,
    hours,
    sequence,
)
from retainkit.simulate import UsageWorld, usage_world
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


DAY = timedelta(days=1)
LASTS = 40
WORLD = usage_world(11, 3, 120)
USED = event("feature.used")


class Known(Signals):
    """What the world tells, in windows of days and of hours, and what the host knows."""

    plan = Text()
    seats = Number()
    size = Text()
    industry = Text()
    term_ends_at = Time()
    used = USED.count(days(7))
    users = USED.distinct("user").count(days(7))
    lately = USED.count(hours(30))
    tickets = event("ticket.opened").count(days(14))


BOOK = Rulebook(
    signals=Known,
    rules=[
        Rule(id="busy", when=Known.used >= 12, for_=days(2), keep_for=days(3)),
        Rule(id="quiet", when=(Known.lately < 3) & (Known.used < 25), cooldown=days(4)),
        Rule(
            id="exports",
            when=sequence(
                event("feature.used", {"feature": "report"}),
                event("feature.used", {"feature": "export"}),
            )
            .same("user")
            .within(days(2)),
        ),
        Rule(id="asked", when=Known.tickets >= 1, once_per="month"),
    ],
    segments={"large": Known.seats > 5, "alive": Known.lately >= 3},
)

Opened = Callable[[], Store]


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    name="opened",
)
def _opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Opens the store, and opens it again after a restart; memory itself survives."""
    if request.param == "memory":
        kept = MemoryStore()
        yield lambda: kept
        return
    url: str = request.getfixturevalue(f"{request.param}_url")
    stores: list[SqlStore] = []

    def again() -> Store:
        for store in stores:
            store.close()
        stores[:] = [SqlStore(url)]
        return stores[0]

    yield again
    for store in stores:
        store.close()


def made(store: Store, clock: ManualClock) -> RetainKit:
    """A kit as a new process builds it."""
    return RetainKit(store=store, signals=Known, rules=BOOK, clock=clock, zone="Europe/Berlin")


def told_by_day(world: UsageWorld) -> list[list[Event]]:
    """What reaches the kit on each day."""
    by_day: list[list[Event]] = [[] for _ in range(LASTS)]
    for delivery in world.events():
        day = (delivery.received_at - world.start) // DAY
        if day < LASTS:
            by_day[day].append(delivery.event)
    return by_day


def live(opened: Opened, arranged: Random | None) -> object:
    """
    Tell the world day by day, and decide in the evening of each.

    Args:
        opened: The store.

        arranged: Shuffles each day, repeats what was told, cuts it into batches and restarts the
            process between them; None tells each day at once, in the order of the world.
    """
    clock = ManualClock(WORLD.start)
    kit = made(opened(), clock)
    told: list[Event] = []
    for number, of_day in enumerate(told_by_day(WORLD)):
        clock.set(WORLD.start + (number + 1) * DAY)
        if not number:
            for one in WORLD.customers:
                kit.signals.set(one.id, one.facts, at=WORLD.start)
        events = list(of_day)
        if arranged is not None:
            told += of_day
            events += arranged.sample(told, k=min(len(told), arranged.randrange(6)))
            arranged.shuffle(events)
        while events:
            size = len(events) if arranged is None else 1 + arranged.randrange(25)
            kit.record(*events[:size])
            del events[:size]
            if arranged is not None and not arranged.randrange(6):
                kit = made(opened(), clock)
        kit.run_due()
    return {one.id: known(kit, one.id) for one in WORLD.customers}


def known(kit: RetainKit, customer: CustomerId) -> dict[str, object]:
    """All that follows from what was told: buckets, readings, states, groups and what fired."""
    return {
        "buckets": buckets(kit, customer),
        "readings": said(kit.signals.of(customer)),
        "state": state(kit, customer),
        "groups": groups(kit, customer),
        "fired": sorted(
            (recorded.event.name, recorded.event.occurred_at, dumps(recorded.event.data))
            for recorded in kit.timeline(customer)
            if recorded.event.name.startswith("rules.")
        ),
    }


def buckets(kit: RetainKit, customer: CustomerId) -> object:
    """Everything that is counted of a customer."""
    assert kit.measures is not None
    every = Wanted(metrics=kit.measures.wanted(kit.clock.now()).metrics, since=STANDING)
    with kit.transaction() as k:
        return k.tx.projections.buckets(customer, every)


def state(kit: RetainKit, customer: CustomerId) -> object:
    """Where each rule stands."""
    with kit.transaction() as k:
        return [record.body for record in k.tx.records.all("rules", customer=customer)]


def groups(kit: RetainKit, customer: CustomerId) -> object:
    """The segments and rules that a customer is in."""
    with kit.transaction() as k:
        return k.tx.projections.groups(customer)


def said(found: Readings) -> dict[str, Reading]:
    """The readings, to compare."""
    return dict(found)


@pytest.fixture(scope="module", name="usual")
def _usual() -> object:
    """The world as it is told, each day in one batch."""
    kept = MemoryStore()
    return live(lambda: kept, None)


def test_the_world_moves_the_rules(usual: object) -> None:
    """Else the laws below would hold of nothing."""
    assert isinstance(usual, dict)
    fired = {name for one in usual.values() for name, *_ in one["fired"]}
    assert {"rules.fired", "rules.cleared", "rules.suppressed"} <= fired
    assert {"rules.segment_entered", "rules.segment_left"} <= fired
    assert all(one["groups"] and one["buckets"] and one["state"] for one in usual.values())


@pytest.mark.parametrize("which", range(3))
def test_order_duplicates_batches_and_restarts_change_nothing(
    opened: Opened, usual: object, which: int
) -> None:
    """The same buckets, readings, states, groups and firings."""
    assert live(opened, Random(which)) == usual


# ---- incremental equals rebuilt


def lived(opened: Opened) -> RetainKit:
    """A kit over the world as it was told."""
    live(opened, None)
    return made(opened(), ManualClock(WORLD.start + LASTS * DAY))


def test_counting_anew_changes_nothing(opened: Opened) -> None:
    """What was counted event by event is what the whole timeline says; no rule was missed."""
    kit = lived(opened)
    before = everything(kit)
    assert kit.signals.rebuild() == len(WORLD.customers)
    assert everything(kit) == before
    rechecked = kit.rules.recheck()
    assert (rechecked.asked, rechecked.woken) == (len(WORLD.customers), 0)
    assert kit.run_due().items == 0
    assert everything(kit) == before


def everything(kit: RetainKit) -> dict[str, object]:
    """All that follows from what was told of everybody."""
    return {one.id: known(kit, one.id) for one in WORLD.customers}


DAMAGE = (
    "DELETE FROM rk_bucket WHERE day > 0",
    "UPDATE rk_bucket SET count = count + 3",
    "UPDATE rk_bucket SET day = day + 90 WHERE day > 0",
    "UPDATE rk_bucket SET last = last + 1, last_id = 'nobody'",
    "DELETE FROM rk_member",
    "UPDATE rk_member SET group_name = group_name || 'x'",
    "UPDATE rk_member SET since = since + 1",
)


@pytest.fixture(scope="module", name="lived_file")
def _lived_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after the world, to be copied."""
    file = tmp_path_factory.mktemp("lived") / "app.db"
    with closing(SqlStore(f"sqlite:///{file}")) as store:
        store.migrate()
        lived(lambda: store)
    return file


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_projection_that_was_damaged_is_rebuilt(
    lived_file: Path, tmp_path: Path, damage: str
) -> None:
    """It is only a copy: the timeline is the truth."""
    url = f"sqlite:///{copy(lived_file, tmp_path)}"
    with closing(SqlStore(url)) as store:
        kit, engine = made(store, ManualClock(WORLD.start + LASTS * DAY)), sa.create_engine(url)
        before = everything(kit)
        with engine.begin() as connection:
            assert connection.execute(sa.text(damage)).rowcount > 0
        engine.dispose()
        assert everything(kit) != before
        kit.signals.rebuild()
        assert everything(kit) == before


def test_a_state_that_was_lost_is_found_by_the_recheck(lived_file: Path, tmp_path: Path) -> None:
    """Whose rules nobody remembers is asked again; who is in order is left alone."""
    url = f"sqlite:///{copy(lived_file, tmp_path)}"
    with closing(SqlStore(url)) as store:
        kit, engine = made(store, ManualClock(WORLD.start + LASTS * DAY)), sa.create_engine(url)
        lost = WORLD.customers[0].id
        with engine.begin() as connection:
            forget = sa.text("DELETE FROM rk_record WHERE feature = 'rules' AND customer = :lost")
            assert connection.execute(forget, {"lost": lost}).rowcount == 1
        engine.dispose()
        assert kit.rules.recheck().woken == 1
        kit.run_due()
        assert state(kit, lost)
        assert kit.rules.recheck().woken == 0


# ---- as-of answers never move


STEPS = {"memory": 200, "sqlite": 80, "postgres": 60}
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles", "UTC")
ADA = CustomerId("ada")


def step(kit: RetainKit, clock: ManualClock, lot: Random, number: int) -> None:
    """Something happens, or is told late, tagged anew, set, or moves to another zone."""
    clock.advance(timedelta(minutes=lot.randrange(900)))
    now = clock.now()
    match lot.randrange(10):
        case 0:
            some = [recorded.event.id for recorded in kit.timeline(ADA)[:-1]]
            ids = lot.sample(some, k=min(3, len(some)))
            kit.signals.retag(ids, lot.choice(list(Origin)), actor="usr_1")
        case 1:
            kit.signals.set_zone(ADA, lot.choice(ZONES), at=now - lot.randrange(3) * DAY)
        case 2:
            late = now - lot.randrange(4) * DAY
            kit.signals.set(ADA, {"seats": lot.choice((None, 3, 9))}, at=late)
        case _:
            ago = timedelta(hours=lot.randrange(200)) if lot.randrange(3) else timedelta(0)
            data: JsonObject = {
                "user": f"u{lot.randrange(4)}",
                "feature": lot.choice(("report", "export")),
            }
            kit.record(
                Event(
                    id=EventId(f"e{number}"),
                    name=lot.choice(("feature.used", "feature.used", "ticket.opened")),
                    customer=ADA,
                    occurred_at=now - ago,
                    data=data,
                    origin=lot.choice((Origin.REAL, Origin.REAL, Origin.TEST)),
                )
            )
    kit.run_due()


@frozen
class Answer:
    """What was known at a step, asked by its counter and by its time."""

    counter: int
    at: datetime
    by_counter: dict[str, Reading]
    by_time: dict[str, Reading]

    def holds(self, kit: RetainKit) -> bool:
        """Whether the same is answered now."""
        return (
            said(kit.signals.of(ADA, as_of=self.counter)) == self.by_counter
            and said(kit.signals.of(ADA, as_of=self.at)) == self.by_time
        )


def test_what_was_known_then_never_changes(opened: Opened, request: pytest.FixtureRequest) -> None:
    """
    After each step it is asked what was known at that step; all those answers stay, by the
    counter and by the time, whatever comes later; and the last one is the present.
    """
    steps = STEPS[request.node.callspec.params["opened"]]
    lot, clock = Random(5), ManualClock(WORLD.start + 30 * DAY)
    kit = made(opened(), clock)
    kit.record(Event(id=EventId("e"), name="feature.used", customer=ADA, occurred_at=WORLD.start))
    answers: list[Answer] = []
    for number in range(steps):
        step(kit, clock, lot, number)
        counter, now = kit.timeline(ADA)[-1].sequence, clock.now()
        answer = Answer(
            counter,
            now,
            said(kit.signals.of(ADA, as_of=counter)),
            said(kit.signals.of(ADA, as_of=now)),
        )
        assert values(answer.by_time) == values(said(kit.signals.of(ADA)))
        answers.append(answer)
        assert lot.choice(answers).holds(kit)
    assert all(answer.holds(kit) for answer in answers)
    assert len({str(values(answer.by_counter)) for answer in answers}) > steps // 4
    before = buckets(kit, ADA)
    kit.signals.rebuild(ADA)
    assert buckets(kit, ADA) == before


def values(found: dict[str, Reading]) -> dict[str, object]:
    """The values alone."""
    return {name: reading.value for name, reading in found.items()}
