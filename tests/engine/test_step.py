"""One step: decide, perform, decide the outcome, in two commits; whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Thread

import pytest
from attrs import evolve, field, frozen
from tests.engine.toy import Parcel, ParcelPolicy, Parcels
from tests.engine.world import ADA, DAY, NOW, Crash, Watched, World, dies, run

from retainkit.core import (
    Answer,
    Case,
    Decision,
    EffectState,
    Event,
    Facts,
    Intent,
    NotSent,
    Outcome,
    Performed,
    Trigger,
    Wanted,
    Woken,
)
from retainkit.engine import AttentionKind, Performer
from retainkit.errors import Refused
from retainkit.ids import CaseId, CustomerId, EventId, derive


def test_a_step_is_two_commits(world: World) -> None:
    """Whatever a run costs beside: ten more orders are twenty more commits, and no more claims."""
    commits = []
    for orders in (1, 11):
        for number in range(orders):
            world.order(f"{orders}/{number}", f"cus_{orders}_{number}")
        watched = Watched(world.store)
        run(world.kit(store=watched))
        commits.append(watched.commits)
    assert commits[1] - commits[0] == 20
    assert len(world.post.sent) == 12


@frozen
class CountedParcels(Parcels):
    """Wants to see what was counted."""

    def wanted(self, case: Case | None, trigger: Trigger, now: datetime) -> Wanted:
        """Nothing here."""
        del case, trigger, now
        return Wanted(metrics=frozenset())


def test_a_feature_that_routes_gets_only_what_it_subscribes_to(world: World) -> None:
    """A customer's first event is for features that keep one case of each customer."""
    kit = world.kit(feature=CountedParcels())
    kit.record(
        Event(id=EventId("signed_up"), name="customer.signed_up", customer=ADA, occurred_at=NOW)
    )
    assert run(kit) == 0
    world.order()
    assert run(kit) > 0


def test_the_first_commit_holds_the_intent_the_second_the_outcome(world: World) -> None:
    """While the effect is under way, everything the decision said is there to be read."""
    seen: list[tuple[list[str], EffectState, int]] = []

    def look(intent: Intent, now: datetime) -> Outcome:
        seen.append((world.names(), world.intent().state, world.case(case).version))
        return world.post.perform(intent, now)

    case = world.order()
    run(world.kit(performer=evolve(world.post.performer(), perform=look)))
    assert seen == [(["order.placed", "parcels.tried"], EffectState.SENT, 1)]
    assert world.names() == ["order.placed", "parcels.tried", "parcels.delivered"]
    assert (world.intent().state, world.case(case).version) == (EffectState.DONE, 2)
    assert not world.case(case).open


def _deadly(world: World, watched: Watched) -> Performer:
    def perform(intent: Intent, now: datetime) -> Outcome:
        watched.point("before the effect")
        outcome = world.post.perform(intent, now)
        watched.point("after the effect")
        return outcome

    return evolve(world.post.performer(), perform=perform)


def test_a_crash_at_any_point_leaves_exactly_one_effect(world: World) -> None:
    """Every point of a run in turn; the next worker ends what the dead one began."""
    deaths: set[str] = set()
    number = 0
    while True:
        number += 1
        case = world.order(f"order-{number}", f"cus_{number}")
        watched = Watched(world.store, die_at=number)
        died = dies(world.kit(store=watched, performer=_deadly(world, watched)))
        if died is None:
            break
        deaths.add(died)
        world.leases_run_out()
        run(world.kit())
        assert list(world.post.sent.values()).count(f"order-{number}") == 1, died
        assert not world.case(case).open, died
        customer = CustomerId(f"cus_{number}")
        assert world.names(customer) == ["order.placed", "parcels.tried", "parcels.delivered"]
        assert world.kit().scheduled(customer) == ()
    assert number > 10
    assert deaths == {
        "before the claim", "after the claim", "before a commit", "after a commit",
        "before the effect", "after the effect",
    }  # fmt: skip


def test_a_zombie_can_no_longer_write(world: World) -> None:
    """A worker sleeps through its lease in the middle of the call; another one does the work."""

    def sleeps(intent: Intent, now: datetime) -> Outcome:
        outcome = world.post.deliver(intent)
        world.leases_run_out()
        run(world.kit())
        return outcome

    case = world.order()
    run(world.kit(performer=evolve(world.post.performer(), perform=sleeps)))
    assert world.told.fences == ["parcel.send"]
    assert len(world.post.sent) == 1
    assert world.names().count("parcels.delivered") == 1
    assert world.case(case).version == 2


def test_a_zombie_that_has_only_claimed_decides_nothing(world: World) -> None:
    """Its timer belongs to another worker by now."""
    world.order()
    zombie = world.kit()._runner()
    (item,) = zombie.claim(10)
    world.leases_run_out()
    run(world.kit())
    before = world.tables()
    zombie.run(item)
    assert len(world.told.fences) == 1
    assert world.tables() == before
    assert len(world.post.calls) == 1


def test_a_burst_of_events_is_one_wake_up(world: World) -> None:
    """A hundred reports about one customer are decided once, all together."""
    feature = Watching()
    kit = world.kit(feature=feature)
    for number in range(100):
        kit.record(_event(f"e{number}"))
    assert run(kit) == 1
    (trigger,) = feature.triggers
    assert isinstance(trigger, Woken)
    assert [r.event.id for r in trigger.events] == [f"e{n}" for n in range(100)]


def test_an_event_during_a_decision_waits_and_is_not_lost(world: World) -> None:
    """It can't get in between; it is news afterwards, and nothing is told twice."""
    reporter = Thread(target=lambda: world.kit().record(_event("late")))
    waited: list[bool] = []

    def report() -> None:
        if not waited:
            reporter.start()
            reporter.join(timeout=0.2)
            waited.append(reporter.is_alive())

    feature = Watching(meanwhile=report)
    kit = world.kit(feature=feature)
    kit.record(_event("early"))
    run(kit)
    reporter.join()
    run(kit)
    assert waited == [True]
    told = [[r.event.id for r in t.events] for t in feature.triggers if isinstance(t, Woken)]
    assert told == [["early"], ["late"]]


def test_an_older_worker_leaves_a_newer_case_alone(world: World) -> None:
    """During a rolling deploy: its turn comes when a newer worker claims it."""
    newer, older = Parcels(schema=2), Parcels(schema=1)
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit(feature=newer))
    world.clock.advance(DAY)
    before = world.case(case)
    run(world.kit(feature=older))
    assert world.case(case) == before
    assert "newer than this worker" in world.told.failures[-1][0]
    world.leases_run_out()
    run(world.kit(feature=newer))
    assert not world.case(case).open
    assert world.case(case).schema == 2


def test_the_answer_about_a_newer_case_is_kept_for_a_newer_worker(world: World) -> None:
    """However long that one takes to come, and however often an older one looks at it."""
    newer, older = Parcels(schema=2), Parcels(schema=1)
    patient = ParcelPolicy(wait=99 * DAY)
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit(feature=evolve(newer, policy=patient)))
    for _ in range(30):
        world.leases_run_out()
        run(world.kit(feature=evolve(older, policy=patient)))
    assert (world.intent().state, world.intent().tries) == (EffectState.ANSWERED, 1)
    assert world.kit().attention() == ()
    world.leases_run_out()
    run(world.kit(feature=evolve(newer, policy=patient)))
    assert world.case(case).body["delivered"] is True
    assert len(world.post.sent) == 1


def test_an_older_case_is_brought_up_to_date(world: World) -> None:
    """The feature's upcast sees the body as it was written, and its schema number."""

    @frozen
    class Renamed(Parcels):
        schema: int = 2
        seen: list[int] = field(factory=list)

        def upcast(self, body: dict[str, object], schema: int) -> dict[str, object]:
            self.seen.append(schema)
            return body

    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    world.clock.advance(DAY)
    feature = Renamed()
    run(world.kit(feature=feature))
    assert feature.seen[0] == 1
    assert world.case(case).schema == 2


def test_an_effect_nobody_here_can_perform_waits_for_a_worker_that_can(world: World) -> None:
    """It was never sent, so it is not lost either; who lacks what is told."""
    world.order()
    run(world.kit(performers={}))
    waiting = world.intent()
    assert (waiting.state, waiting.sent_at) == (EffectState.READY, None)
    _, error = world.told.failures[-1]
    assert isinstance(error, Refused)
    assert (error.code, error.field, error.value) == (
        "effect.no_performer", "kind", "parcel.send",
    )  # fmt: skip
    assert error.remedy
    assert waiting.wake_at is not None
    world.clock.set(waiting.wake_at)
    run(world.kit())
    assert list(world.post.sent) == [waiting.key]


def test_an_answer_that_cannot_be_decided_is_kept_and_finally_listed(world: World) -> None:
    """A bug of ours must not cost the provider's answer, nor repeat the effect."""

    def broken(trigger: Trigger) -> None:
        if isinstance(trigger, Performed):
            raise ZeroDivisionError

    feature = Watching(policy=ParcelPolicy(wait=99 * DAY), before=broken)
    case = world.order()
    tries = 0
    while world.kit().attention() == ():
        run(world.kit(feature=feature))
        kept = world.intent()
        tries += 1
        assert kept.state in {EffectState.ANSWERED, EffectState.UNCLEAR}
        assert kept.outcome == world.post.deliver(kept)
        world.clock.set(kept.wake_at or world.clock.now())
    assert tries == 11
    assert len(world.post.calls) == 1
    assert {type(error) for _, error in world.told.failures} == {ZeroDivisionError}
    (entry,) = world.kit().attention()
    assert entry.kind is AttentionKind.UNCLEAR_EFFECT

    answer = Answer(data={"delivered": True})
    world.kit().settle(entry.id, answer, actor="usr_7", reason="decide_anew")
    assert world.case(case).body["delivered"] is True


def test_the_answer_is_decided_when_the_bug_is_mended(world: World) -> None:
    """The next deploy finds it where it was left."""

    def broken(trigger: Trigger) -> None:
        if isinstance(trigger, Performed):
            raise ZeroDivisionError

    case = world.order()
    run(world.kit(feature=Watching(before=broken)))
    wake_at = world.intent().wake_at
    assert wake_at is not None
    world.clock.set(wake_at)
    run(world.kit())
    assert world.case(case).body["delivered"] is True
    assert len(world.post.calls) == 1


def test_one_bad_item_does_not_stop_the_others(world: World) -> None:
    """What can't be decided is told, and comes back; the rest goes on."""

    def broken(trigger: Trigger) -> None:
        if isinstance(trigger, Woken) and trigger.events[0].event.customer == "bad":
            raise ZeroDivisionError

    good = [world.order("1", "ada"), world.order("3", "carl")]
    bad = world.order("2", "bad")
    run(world.kit(feature=Watching(before=broken)))
    assert [world.case(case).open for case in good] == [False, False]
    (failure,) = world.told.failures
    assert failure[0] == "parcels of customer bad"
    world.leases_run_out()
    run(world.kit())
    assert not world.case(bad).open


def test_the_host_can_have_it_decided_at_once(world: World) -> None:
    """Then the answer is there before any worker runs, and effects are left to one."""
    kit = world.kit()
    with kit.transaction() as k:
        k.record(_order("1"))
        k.decide(ADA)
        assert [r.event.name for r in k.timeline(ADA)] == ["order.placed", "parcels.tried"]
    assert world.post.calls == []
    assert world.intent().state is EffectState.READY
    run(kit)
    assert len(world.post.sent) == 1


def test_deciding_at_once_decides_nothing_twice(world: World) -> None:
    """A wake-up and the case's own time at once: the first moves the second."""
    feature = Watching()
    world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit(feature=feature))
    world.clock.advance(DAY)
    kit = world.kit(feature=feature)
    kit.record(evolve(_order("1"), id=EventId("again")))
    before = len(feature.triggers)
    kit.decide(ADA)
    assert len(feature.triggers) == before + 1
    assert world.case(CaseId(derive("parcel", "1"))).body["tries"] == 1


def test_nothing_is_performed_inside_a_transaction(world: World) -> None:
    """Neither one's own nor the host's."""
    with world.kit().transaction() as k:
        with pytest.raises(Refused) as caught:
            k.run_due()
        assert caught.value.code == "join.run_due"
        assert (caught.value.field, caught.value.value) == (None, None)
        assert "after the commit" in caught.value.remedy


def test_a_dead_process_is_no_answer(world: World) -> None:
    """What no `except` may see passes through the runner: the item is left under its lease."""
    world.order()
    world.post.script = [Crash("power")]
    assert dies(world.kit()) == "power"
    assert world.intent().state is EffectState.SENT
    assert world.intent().lease is not None


@frozen
class Watching(Parcels):
    """The toy feature, remembering what it was asked, and stumbling where it is told to."""

    triggers: list[Trigger] = field(factory=list)
    before: Callable[[Trigger], None] = lambda _: None
    meanwhile: Callable[[], None] = lambda: None

    def decide(
        self,
        case: Parcel | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: ParcelPolicy,
    ) -> Decision[Parcel]:
        self.before(trigger)
        self.triggers.append(trigger)
        self.meanwhile()
        if isinstance(trigger, Woken) and trigger.events[0].event.data.get("order") == "burst":
            return Decision()
        return Parcels.decide(self, case, trigger, facts, now, policy)


def _event(name: str) -> Event:
    return Event(
        id=EventId(name),
        name="order.placed",
        customer=ADA,
        occurred_at=NOW,
        data={"order": "burst"},
    )


def _order(number: str) -> Event:
    return Event(
        id=EventId(f"order-{number}"),
        name="order.placed",
        customer=ADA,
        occurred_at=NOW,
        data={"order": number},
    )
