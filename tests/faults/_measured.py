"""A kit of signals, rules and health, and the judge of all that it derives from the timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from tests.engine.test_signal_laws import BOOK, Known
from tests.faults._campaign import Quiet

from retainkit.core import STANDING, Bucket, Event, EventState, RecordedEvent, Wanted
from retainkit.engine import RetainKit
from retainkit.health import Band, Bands, Component, Direction, HealthModel, HealthModels, Linear
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Rule, Rulebook, days, event, hours, members_of
from retainkit.stores import Store
from retainkit.timing import Clock


DAY = timedelta(days=1)
LEASE = timedelta(seconds=2)


class Measured(Known):
    """What the world tells, and what somebody may tell that is odd."""

    paid = event("feature.used").sum("amount", days(7))
    lately_paid = event("feature.used").sum("amount", hours(30))
    said = event("feature.used").latest_text("feature")
    wished = event("feature.used").latest_time("until")


MODELS = HealthModels(
    models=[
        HealthModel(
            id="usual",
            bands=Bands(bands=(Band("red", 0, 50), Band("green", 50, 100))),
            components=[
                Component(
                    signal=Measured.used,
                    direction=Direction.HIGHER_IS_BETTER,
                    weight=70,
                    mapping=Linear(low=0, high=20),
                ),
                Component(
                    signal=Measured.seats,
                    direction=Direction.HIGHER_IS_BETTER,
                    weight=30,
                    mapping=Linear(low=0, high=10),
                ),
            ],
        )
    ]
)
RULES = Rulebook(
    signals=Measured,
    rules=[
        *BOOK.rules,
        Rule(id="wishes", when=Measured.wished.more_than_ago(days(3)), for_=hours(5)),
    ],
    segments=BOOK.segments,
)


def measured(
    store: Store,
    clock: Clock | None = None,
    zone: str = "Europe/Berlin",
    *,
    told: Quiet | None = None,
    tenant: str = "main",
) -> RetainKit:
    """A kit as a new process builds it; the machine's clock when none is given."""
    return RetainKit(
        store=store,
        signals=Measured,
        rules=RULES,
        health=MODELS,
        clock=clock,
        zone=zone,
        tenant=tenant,
        instrumentation=told or Quiet(),
        lease=LEASE,
    )


def everybody(kit: RetainKit) -> tuple[CustomerId, ...]:
    """Everybody who has a timeline, and nobody."""
    with kit.transaction() as k:
        return (*k.tx.timeline.customers(limit=10**6), CustomerId(""))


def judge(kit: RetainKit) -> None:
    """
    All that is kept of customers is what their timelines say.

    Buckets equal a recount, groups and their pages a fold of the events, episodes follow each
    other without a gap or a double, and no firing has the key of another.
    """
    customers, fires, members = everybody(kit), Counter[str](), Counter[str]()
    for customer in customers:
        history = kit.timeline(customer)
        assert buckets(kit, customer) == recounted(kit, customer, history), customer
        assert len({recorded.sequence for recorded in history}) == len(history), customer
        told = [recorded.event for recorded in history]
        entered, _ = members_of(told)
        with kit.transaction() as k:
            groups = k.tx.projections.groups(customer)
        assert sorted(groups, key=str) == sorted(entered, key=str), customer
        members.update(member.group for member in groups)
        for each in told:
            if each.name == "rules.fired":
                fires[str(each.data["fire"])] += 1
        for group, episodes in _episodes(told).items():
            assert episodes == _in_turn(episodes), (customer, group)
    assert max(fires.values(), default=1) == 1
    for rule in RULES.rules:
        assert _paged(kit, f"rule:{rule.id}") == members[f"rule:{rule.id}"]
    for name in RULES.segments:
        assert _paged(kit, f"segment:{name}") == members[f"segment:{name}"]


def buckets(kit: RetainKit, customer: CustomerId) -> dict[object, Bucket]:
    """What is counted, by its key."""
    assert kit.measures is not None
    every = Wanted(metrics=kit.measures.wanted(kit.clock.now()).metrics, since=STANDING)
    with kit.transaction() as k:
        return {_key(each): each for each in k.tx.projections.buckets(customer, every)}


def recounted(
    kit: RetainKit, customer: CustomerId, history: tuple[RecordedEvent, ...]
) -> dict[object, Bucket]:
    """What the whole timeline says, by its key; of nobody nothing is counted."""
    assert kit.measures is not None
    assert all(recorded.state is EventState.ACCEPTED for recorded in history)
    found = kit.measures.recount(history) if customer else []
    return {_key(each): each for each in found}


def use(
    id: str,
    customer: str,
    at: datetime,
    name: str = "feature.used",
    data: Mapping[str, object] | None = None,
) -> Event:
    """Somebody used something."""
    told = {"user": "u1", "feature": "report", **(data or {})}
    return Event(
        id=EventId(id),
        name=name,
        customer=CustomerId(customer),
        occurred_at=at,
        data=told,  # type: ignore[arg-type] # as odd as a host's
        actor="host",
    )


def _key(bucket: Bucket) -> object:
    return bucket.metric, bucket.day, bucket.part


def _episodes(told: list[Event]) -> dict[str, list[tuple[str, int]]]:
    """What began and ended, by rule and segment, in the order of the timeline."""
    found: dict[str, list[tuple[str, int]]] = {}
    names = {
        "rules.fired": "begins",
        "rules.cleared": "ends",
        "rules.segment_entered": "begins",
        "rules.segment_left": "ends",
    }
    for each in told:
        if each.name in names:
            group = f"{each.data.get('rule')} {each.data.get('segment')}"
            episode = each.data["episode"]
            assert isinstance(episode, int)
            found.setdefault(group, []).append((names[each.name], episode))
    return found


def _in_turn(episodes: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Begins 1, ends 1, begins 2, and so on, as far."""
    return [(("begins", "ends")[place % 2], place // 2 + 1) for place in range(len(episodes))]


def _paged(kit: RetainKit, group: str) -> int:
    """How many members the pages of a group have, which are in order and apart."""
    return len(list(_walk(kit, group)))


def _walk(kit: RetainKit, group: str) -> Iterator[CustomerId]:
    after: CustomerId | None = None
    while page := kit.rules.members(group, after=after, limit=3):
        for member in page:
            assert after is None or member.customer > after
            after = member.customer
            yield after
