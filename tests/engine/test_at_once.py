"""Two who do the same at once, and kits that know less than those who began: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from time import sleep
from typing import cast

import pytest
import sqlalchemy as sa
from attrs import evolve
from tests.engine.test_running import Mailbox
from tests.engine.test_webhooks import HINT, KNOWN, SIGNED, Reader
from tests.engine.toy import order
from tests.engine.world import ADA, DAY, LEASE, NOW, Crash, World, delivered_but, dies, run

from retainkit.core import Answer, EffectState, Event, Intent, NoEffect, NotSent, Outcome, Unknown
from retainkit.engine import AttentionKind, Guarantee, Performer, ReceiptState, RetainKit
from retainkit.engine._step import Step
from retainkit.errors import ConfigurationError, Conflict, NotFound, Refused
from retainkit.ids import EventId, PaymentMethodId, TenantId
from retainkit.payments import Payments, ProviderEvent, ProviderEventKind


MAIN = TenantId("main")


def _beside(work: Callable[[], object], found: list[object]) -> Thread:
    """Do it in another thread; what it gave, or raised."""

    def noted() -> None:
        try:
            found.append(work())
        except Exception as exc:  # noqa: BLE001 - the story looks at it
            found.append(exc)

    return Thread(target=noted)


def _unclear(world: World) -> RetainKit:
    """A parcel whose sending nobody can clear up."""

    def look_up(intent: Intent, now: object) -> Outcome:
        del intent, now
        return Unknown(reason="silent")

    world.order()
    world.post.script = [Unknown(reason="reset")]
    kit = world.kit(
        performer=Performer(
            group="post",
            guarantee=Guarantee.EXACTLY_ONCE,
            perform=world.post.perform,
            look_up=look_up,
        )
    )
    while world.intents()[:1] == () or world.intents()[0].state is not EffectState.UNCLEAR:
        run(kit)
        world.clock.advance(timedelta(hours=25))
    return kit


def test_of_two_people_who_settle_one_effect_the_first_is_heard(sql_world: World) -> None:
    """The second is refused, and neither the outcome nor the case is decided twice."""
    kit = _unclear(sql_world)
    effect, second = sql_world.intents()[0].id, []  # type: ignore[var-annotated]
    answer = Answer(data={"delivered": True})
    thread = _beside(lambda: kit.settle(effect, answer, actor="bob", reason="seen"), second)
    with kit.transaction() as k:
        k.settle(effect, NoEffect(reason="never_sent"), actor="ann", reason="asked")
        thread.start()
        sleep(0.3)
    thread.join()
    (refused,) = second
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field, refused.value) == ("effect.not_unclear", "effect", "done")
    assert refused.remedy
    assert sql_world.intents()[0].outcome == NoEffect(reason="never_sent")
    assert sql_world.names().count("effect.settled") == 1


def test_a_host_that_decides_while_a_worker_does_waits_for_it(sql_world: World) -> None:
    """It finds nothing left to do, and no private error of ours."""
    sql_world.order()
    kit, found = sql_world.kit(), []  # type: ignore[var-annotated]
    (item,) = kit._runner().claim(10)
    thread = _beside(lambda: kit.decide(ADA), found)
    with sql_world.store.for_tenant(MAIN).transaction() as tx:
        Step(kit.features, MAIN, tx, now=NOW, lease=None).timer(item)  # type: ignore[arg-type]
        thread.start()
        sleep(0.3)
    thread.join()
    assert found == [None]
    assert sql_world.names() == ["order.placed", "parcels.tried"]


def test_a_lost_claim_is_a_conflict_for_the_host(world: World) -> None:
    """Whoever holds no claim changes nothing, and is told what to do."""
    world.order()
    kit = world.kit()
    (item,) = kit._runner().claim(10)
    with (
        pytest.raises(Conflict) as caught,
        world.store.for_tenant(MAIN).transaction() as tx,
    ):
        stale = evolve(item, lease="nobody")
        Step(kit.features, MAIN, tx, now=NOW, lease=None).timer(stale)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "item.taken", "item", "parcels:ada",
    )  # fmt: skip
    assert caught.value.remedy


def test_a_kit_without_the_feature_leaves_its_effects_alone(world: World) -> None:
    """Performed there, the answer would be decided by nobody."""
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    world.clock.advance(timedelta(minutes=5))
    bare = _bare(world)
    before = world.tables()
    assert run(bare) == 0
    assert len(world.post.calls) == 1
    assert world.tables() == before
    run(world.kit())
    assert not world.case(case).open
    assert world.names()[-1] == "parcels.delivered"


def test_a_key_that_reached_a_kit_without_the_feature_is_left_alone(world: World) -> None:
    """The queue's worker is older than the one that claimed: its claim runs out."""
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    world.clock.advance(timedelta(minutes=5))
    mailbox = Mailbox()
    assert world.kit().dispatch(mailbox) == 1
    _bare(world).perform(mailbox.keys[0])
    assert len(world.post.calls) == 1
    error = world.told.failures[-1][1]
    assert isinstance(error, Refused)
    assert (error.code, error.field, error.value) == ("case.newer_schema", "feature", "parcels")
    assert error.remedy
    world.leases_run_out()
    run(world.kit())
    assert not world.case(case).open


def test_what_no_kit_works_on_is_listed(world: World) -> None:
    """A feature was taken out of every kit: its steps wait, and that is not forgotten."""
    case = world.order()
    bare = _bare(world)
    world.clock.advance(timedelta(hours=1))
    assert bare.attention() == ()
    world.clock.advance(timedelta(seconds=1))
    (entry,) = bare.attention()
    assert (entry.kind, entry.id, entry.customer, entry.since) == (
        AttentionKind.UNSERVED, "parcels:ada", "ada", NOW,
    )  # fmt: skip
    assert entry.facts == {"feature": "parcels", "case": None, "effect": None}
    assert "worker" in entry.remedy
    assert world.kit().attention() == ()
    run(world.kit())
    assert bare.attention() == ()
    assert not world.case(case).open


def test_an_effect_that_no_kit_performs_is_listed(world: World) -> None:
    """A mail without a mail server is claimed in vain once, and then left to who has one."""
    world.order()
    run(world.kit(performers={}))
    world.clock.advance(timedelta(hours=2))
    unable = world.kit(performers={})
    assert run(unable) == 0
    (entry,) = unable.attention()
    assert (entry.kind, entry.id) == (AttentionKind.UNSERVED, world.intent().id)
    assert entry.facts["effect"] == "parcel.send"
    run(world.kit())
    assert len(world.post.sent) == 1
    assert unable.attention() == ()


def _bare(world: World) -> RetainKit:
    return RetainKit(
        store=world.store,
        performers={"parcel.send": world.post.performer()},
        clock=world.clock,
        instrumentation=world.told,
        lease=LEASE,
    )


# ---- webhooks


def _kit(world: World, *hints: ProviderEvent, sellers: dict[str, str] | None = None) -> RetainKit:
    reader = Reader({hint.id.encode(): hint for hint in hints}, [])
    return RetainKit(
        store=world.store,
        payments=cast("Payments", reader),
        customers=KNOWN,
        clock=world.clock,
        instrumentation=world.told,
        sellers=sellers,
    )


def test_one_webhook_twice_at_once_is_accepted_and_a_duplicate(sql_world: World) -> None:
    """A verified webhook is never refused, not even by a race with itself."""
    kit, found = _kit(sql_world, HINT), []  # type: ignore[var-annotated]
    thread = _beside(lambda: kit.receive_webhook(b"evt_1", SIGNED).state, found)
    with kit.transaction() as k:
        k.receive_webhook(b"evt_1", SIGNED)
        thread.start()
        sleep(0.3)
    thread.join()
    assert found == [ReceiptState.DUPLICATE]


def test_a_card_that_becomes_the_default_again_is_news_again(world: World) -> None:
    """Old card, new card, old card: three changes, and none of them a conflict."""
    cards = ("old", "new", "old")
    kit = _kit(
        world,
        *(
            evolve(
                HINT,
                id=str(day),
                kind=ProviderEventKind.PAYMENT_METHOD_CHANGED,
                occurred_at=NOW + day * DAY,
                method=PaymentMethodId(card),
            )
            for day, card in enumerate(cards)
        ),
    )
    for day in range(3):
        kit.receive_webhook(str(day).encode(), SIGNED)
    changes = [
        recorded.event.data["method"]
        for recorded in kit.timeline(ADA)
        if recorded.event.name == "payment_method.changed"
    ]
    assert changes == list(cards)
    assert kit.attention() == ()


def test_a_joined_webhook_of_another_tenant_is_not_kept_under_this_one(
    sql_world: World, request: pytest.FixtureRequest
) -> None:
    """The transaction belongs to one tenant; the seller's is named."""
    kit = _kit(sql_world, HINT, sellers={"acct_1": "shop"})
    before = sql_world.tables()
    engine = sql_world._engine
    assert isinstance(engine, sa.Engine)
    with engine.begin() as host, pytest.raises(ConfigurationError) as caught, kit.join(host) as k:
        k.receive_webhook(b"evt_1", SIGNED)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "webhook.other_tenant", "seller", "acct_1",
    )  # fmt: skip
    assert "for_tenant('shop')" in caught.value.remedy
    assert sql_world.tables() == before
    with engine.begin() as host, kit.for_tenant("shop").join(host) as k:
        assert k.receive_webhook(b"evt_1", SIGNED).state is ReceiptState.ACCEPTED


# ---- shadow, and waking by hand


@pytest.mark.parametrize("lost", [Unknown(reason="reset"), Crash("sent")])
def test_the_shadow_does_not_call_nothing_what_was_sent_before_it(
    world: World, lost: Unknown | Crash
) -> None:
    """Said to be nothing, it would be sent again under another key once the shadow lifts."""
    world.order()
    world.post.script = [delivered_but(world.post, lost)]
    dies(world.kit())
    world.leases_run_out()
    for _ in range(2):
        run(world.kit(shadow=True))
        world.clock.advance(timedelta(minutes=5))
    assert world.intent().outcome == Answer(data={"delivered": True})
    assert world.names()[-1] == "parcels.delivered"


def test_a_feature_that_nobody_has_is_not_woken(world: World) -> None:
    """A slip of the pen must not look like success."""
    kit = world.kit()
    world.order()
    run(kit)
    before = world.tables()
    with pytest.raises(NotFound) as caught:
        kit.wake("parcel", ADA, since=1)
    error = caught.value
    assert (error.code, error.field, error.value) == ("feature.not_found", "feature", "parcel")
    assert "parcels" in error.remedy
    assert world.tables() == before


def test_a_feature_woken_by_hand_looks_from_where_it_is_told(world: World) -> None:
    """Not from where it rested; and what it had not decided yet is decided, too."""
    kit = world.kit()
    withdrawn = Event(
        id=EventId("w"), name="order.withdrawn", customer=ADA, occurred_at=NOW, data={"order": "9"}
    )
    kit.record(withdrawn)
    run(kit)
    kit.wake("parcels", ADA, since=1)
    assert [(item.since, item.lease) for item in kit.scheduled(ADA)] == [(1, None)]  # type: ignore[union-attr]
    kit.wake("parcels", ADA, since=5)
    assert [item.since for item in kit.scheduled(ADA)] == [1]  # type: ignore[union-attr]
    kit.record(order("2", ADA, NOW))
    run(kit)
    assert world.names()[-1] == "parcels.delivered"
