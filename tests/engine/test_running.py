"""Working off the schedule: limits, giving back, dispatch, shadow, tenants, what is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain, count, repeat
from threading import Thread

from attrs import evolve
from tests.engine.toy import ParcelPolicy
from tests.engine.world import ADA, DAY, LEASE, NOW, World, run

from retainkit.core import Answer, EffectState, Intent, Lease, NoEffect, NotSent, Outcome, Timer
from retainkit.engine import Guarantee, Ran, RetainKit
from retainkit.ids import CustomerId


def _orders(world: World, many: int) -> None:
    for number in range(many):
        world.order(str(number), f"cus_{number}")


def test_a_limit_is_kept(world: World) -> None:
    """And it is said whether more is due."""
    _orders(world, 10)
    kit = world.kit()
    assert kit.run_due(limit=3) == Ran(items=3, finished=False)
    assert len(world.post.sent) == 3
    assert kit.run_due(limit=0) == Ran(items=0, finished=False)
    assert kit.run_due() == Ran(items=7, finished=True)
    assert kit.run_due() == Ran(items=0, finished=True)


def test_after_the_deadline_nothing_is_begun(world: World) -> None:
    """Not even claimed: another worker finds it free."""
    _orders(world, 2)
    assert world.kit().run_due(deadline=timedelta(0)) == Ran(items=0, finished=False)
    assert world.post.calls == []
    assert run(world.kit()) == 2


def test_asked_to_stop_it_finishes_the_item_in_hand_and_gives_back_the_rest(world: World) -> None:
    """Nobody has to wait for its leases to run out."""
    _orders(world, 10)
    done = count()
    stopped = world.kit().run_due(stop=lambda: next(done) >= 3)
    assert stopped == Ran(items=2, finished=False)
    assert len(world.post.sent) == 2
    assert run(world.kit()) == 8
    assert len(world.post.sent) == 10


def test_effects_are_given_back_as_they_were(world: World) -> None:
    """What was refused before is still only refused; what is unclear is not sent."""
    _orders(world, 3)
    world.post.script = [NotSent(reason="busy")] * 3
    run(world.kit())
    world.clock.advance(timedelta(minutes=1))
    answers = chain([False, False], repeat(True))
    assert world.kit().run_due(stop=lambda: next(answers)).items == 1
    states = [world.intents(CustomerId(f"cus_{n}"))[0].state for n in range(3)]
    assert sorted(states) == [EffectState.DONE, EffectState.READY, EffectState.READY]
    assert run(world.kit()) == 2


def test_in_shadow_everything_is_decided_and_nothing_done(world: World) -> None:
    """A policy can be watched on live data before it is let loose."""
    case = world.order()
    kit = world.kit(shadow=True, policy=ParcelPolicy(tries=2))
    for _ in range(4):
        run(kit)
        world.clock.advance(DAY)
    assert world.post.calls == []
    assert [i.outcome for i in world.intents()] == [NoEffect(reason="shadow")] * 2
    assert world.names() == ["order.placed", "parcels.tried", "parcels.tried", "parcels.given_up"]
    assert not world.case(case).open


# ---- dispatch


class Mailbox:
    """A queue of somebody else's: holds keys, and loses or doubles them as it likes."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def submit(self, key: str) -> None:
        self.keys.append(key)


def test_keys_go_to_a_pool_of_threads(world: World) -> None:
    """The standard library's executor will do."""
    _orders(world, 8)
    with ThreadPoolExecutor(max_workers=4) as pool:
        assert world.kit().dispatch(pool) == 8
    assert sorted(world.post.sent.values()) == sorted(map(str, range(8)))
    assert world.told.failures == []


def test_a_lost_key_is_sent_again_when_its_lease_has_run_out(world: World) -> None:
    """Losing a message costs a minute, nothing else."""
    world.order()
    kit, mailbox = world.kit(), Mailbox()
    assert kit.dispatch(mailbox) == 1
    assert kit.dispatch(mailbox) == 0
    world.leases_run_out()
    assert kit.dispatch(mailbox) == 1
    lost, found = mailbox.keys
    kit.perform(found)
    kit.perform(lost)
    assert len(world.post.calls) == 1


def test_a_doubled_key_does_nothing_the_second_time(world: World) -> None:
    """Whether it comes after the first, or in the midst of it, mail goes out once."""
    world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    world.clock.advance(timedelta(minutes=1))
    mailbox = Mailbox()

    def doubled(intent: Intent, now: datetime) -> Outcome:
        again = Thread(target=kit.perform, args=(mailbox.keys[0],))
        again.start()
        again.join()
        return world.post.perform(intent, now)

    mail = evolve(world.post.performer(Guarantee.AT_MOST_ONCE), perform=doubled)
    kit = world.kit(performer=mail)
    assert kit.dispatch(mailbox) == 1
    kit.perform(mailbox.keys[0])
    kit.perform(mailbox.keys[0])
    assert len(world.post.sent) == 1
    assert len(world.post.calls) == 2
    assert world.intent().state is EffectState.DONE
    assert world.told.fences == []


def test_two_workers_that_hold_one_claim_begin_it_once(world: World) -> None:
    """Both have read the effect as ready; the store lets only one of them send it."""
    world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    world.clock.advance(timedelta(minutes=1))
    kit = world.kit()
    (item,) = kit._runner().claim(1)
    assert isinstance(item, Intent)
    begun = []
    lease = Lease(id=item.lease or "", length=LEASE)
    for _ in range(2):
        with world.store.for_tenant(item.tenant).transaction() as tx:
            begun.append(tx.schedule.begin(item, lease, now=world.clock.now()))
    assert begun == [True, False]


def test_an_executor_that_is_late_sends_nothing(world: World) -> None:
    """Its lease has run out: another worker may claim the mail in this moment, and sends it."""
    kit, key = _dispatched_mail(world)
    world.leases_run_out()
    kit.perform(key)
    assert world.post.sent == {}
    assert world.told.fences == ["parcel.send"]
    run(kit)
    assert len(world.post.sent) == 1
    assert world.intent().state is EffectState.DONE
    assert kit.attention() == ()


def test_an_executor_that_begins_in_time_has_a_whole_lease(world: World) -> None:
    """However late in the claim it began, nobody takes the mail for lost while it is sent."""
    kit, key = _dispatched_mail(world)
    nearly = LEASE - timedelta(seconds=1)
    world.clock.advance(nearly)

    def slowly() -> Outcome:
        world.clock.advance(nearly)
        assert run(kit) == 0
        return Answer(data={"delivered": True})

    world.post.script = [slowly]
    kit.perform(key)
    assert world.intent().state is EffectState.DONE
    assert kit.attention() == ()


def _dispatched_mail(world: World) -> tuple[RetainKit, str]:
    """A mail that was refused at first is with the executor now, ready to be sent."""
    world.order()
    world.post.script = [NotSent(reason="busy")]
    kit, mailbox = world.kit(performer=world.post.performer(Guarantee.AT_MOST_ONCE)), Mailbox()
    run(kit)
    world.clock.advance(timedelta(minutes=1))
    assert kit.dispatch(mailbox) == 1
    return kit, mailbox.keys[0]


def test_a_worker_that_comes_late_to_a_case_s_timer_is_told_which(world: World) -> None:
    """Another one has claimed it since: what the first decided is dropped."""
    world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    world.clock.advance(DAY)
    late = world.kit()._runner()
    claimed = [item for item in late.claim(9) if isinstance(item, Timer)]
    world.leases_run_out()
    assert len(world.kit()._runner().claim(9)) >= len(claimed) == 1
    before = world.tables()
    late.run(claimed[0])
    assert world.told.fences == [claimed[0].id]
    assert world.tables() == before


def test_keys_are_plain_text_whatever_the_names(world: World) -> None:
    """A queue takes JSON; customers are called all sorts of things."""
    world.order("1", 'a\n"b"\\:é')
    kit, mailbox = world.kit(), Mailbox()
    kit.dispatch(mailbox)
    for key in mailbox.keys:
        kit.perform(key)
    assert len(world.post.sent) == 1


# ---- tenants


def test_tenants_with_the_same_ids_never_meet(world: World) -> None:
    """One worker serves both; timelines, cases, effects and keys stay apart."""
    case = world.order("1", tenant="main")
    assert world.order("1", tenant="other") == case
    world.kit().for_tenant("other").record()
    keys = []

    def send(intent: Intent, now: datetime) -> Outcome:
        keys.append((intent.tenant, intent.key))
        return world.post.perform(intent, now)

    kit = world.kit(performer=evolve(world.post.performer(), perform=send))
    world.post.script = [NotSent(reason="busy"), Answer(data={"delivered": True})]
    run(kit)
    assert sorted(tenant for tenant, _ in keys) == ["main", "other"]
    assert len({key for _, key in keys}) == 2
    other = kit.for_tenant("other")
    assert (kit.tenant, other.tenant) == ("main", "other")
    ends = {tenant: world.names(ADA, tenant=tenant)[-1] for tenant in ("main", "other")}
    assert sorted(ends.values()) == ["parcels.delivered", "parcels.tried"]
    opens = {tenant: world.case(case, tenant=tenant).open for tenant in ends}
    assert opens == {tenant: last == "parcels.tried" for tenant, last in ends.items()}
    assert kit.timeline(ADA) != other.timeline(ADA)
    assert world.kit(tenant="third").timeline(ADA) == ()


# ---- what is told


def test_what_the_engine_does_is_told(world: World) -> None:
    """Lag, decisions, outcomes: counts and durations, no names."""
    world.order()
    world.clock.advance(timedelta(minutes=7))
    kit = world.kit()
    run(kit)
    told = world.told
    assert told.lags == [timedelta(minutes=7)]
    assert told.decisions == [("parcels", "timer", 1, 1), ("parcels", "parcel.send", 1, 0)]
    assert told.outcomes == [("parcel.send", "Answer")]
    assert (told.fences, told.failures) == ([], [])
    kit.sweep()
    assert told.waiting == [0]


def test_an_item_claimed_again_is_as_late_as_its_lease(world: World) -> None:
    """The lag after a crash counts from the end of the lease."""
    world.order()
    world.kit()._runner().claim(1)
    world.told.lags.clear()
    world.leases_run_out()
    run(world.kit())
    assert all(lag >= timedelta(0) for lag in world.told.lags)
    assert world.clock.now() > NOW + LEASE
