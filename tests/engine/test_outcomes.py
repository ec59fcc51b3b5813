"""What becomes of an effect: refused, unclear, looked up, settled by a person; never done twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve
from tests.engine.toy import ParcelPolicy
from tests.engine.world import ADA, DAY, NOW, Crash, World, delivered_but, dies, run

from retainkit.core import Answer, EffectState, NoEffect, NotSent, Unknown
from retainkit.engine import Attention, AttentionKind, Guarantee
from retainkit.errors import InvalidInput, NotFound, ProviderError, Refused, RetainkitError
from retainkit.ids import EffectId


SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_a_refusal_is_repeated_with_the_same_key_after_a_pause(world: World) -> None:
    """Nothing happened: same key, same bytes, and no ladder moves."""
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    refused = world.intent()
    assert (refused.state, refused.tries, refused.sent_at) == (EffectState.READY, 1, None)
    assert refused.outcome == NotSent(reason="busy")
    assert refused.wake_at is not None
    assert 30 * SECOND <= refused.wake_at - NOW < 45 * SECOND

    world.clock.set(refused.wake_at - SECOND)
    assert run(world.kit()) == 0
    world.clock.set(refused.wake_at)
    run(world.kit())

    first, again = world.post.calls
    assert first == again
    assert list(world.post.sent) == [first]
    assert world.case(case).body["tries"] == 1
    assert world.intent().state is EffectState.DONE


def test_pauses_grow_to_an_hour_and_differ_from_key_to_key(world: World) -> None:
    """Back-off doubles; the jitter comes from key and try: a crowd spreads, a replay agrees."""
    world.order()
    pauses = []
    world.post.script = [NotSent(reason="busy")] * 9
    for tries in range(1, 10):
        run(world.kit())
        refused = world.intent()
        assert refused.tries == tries
        assert refused.wake_at is not None
        pauses.append(refused.wake_at - world.clock.now())
        world.clock.set(refused.wake_at)
    bases = [min(30 * SECOND * 2**tries, HOUR) for tries in range(9)]
    assert all(base <= pause < base * 1.5 for base, pause in zip(bases, pauses, strict=True))
    assert len({pause / base for base, pause in zip(bases, pauses, strict=True)}) > 3
    assert [pause.total_seconds() for pause in pauses] == [
        34.570312, 64.921875, 142.96875, 301.40625, 491.25, 1055.625, 2040.0, 5196.09375, 3937.5
    ]  # fmt: skip


def test_the_pause_the_other_side_asks_for_is_kept(world: World) -> None:
    """Retry-After is longer than ours: theirs counts; shorter: ours."""
    world.order()
    world.post.script = [
        NotSent(reason="busy", retry_after=20 * MINUTE),
        NotSent(reason="busy", retry_after=SECOND),
    ]
    run(world.kit())
    assert world.intent().wake_at == NOW + 20 * MINUTE
    world.clock.set(NOW + 20 * MINUTE)
    run(world.kit())
    wake_at = world.intent().wake_at
    assert wake_at is not None
    assert MINUTE <= wake_at - world.clock.now() < 1.5 * MINUTE


def test_a_lost_answer_is_looked_up_and_found(world: World) -> None:
    """It had arrived: the case learns it, and nothing is sent again."""
    case = world.order()
    world.post.script = [delivered_but(world.post, Unknown(reason="timeout"))]
    run(world.kit())
    assert world.intent().state is EffectState.UNKNOWN
    assert world.intent().wake_at == NOW + MINUTE
    world.clock.advance(MINUTE)
    run(world.kit())
    key = world.intent().key
    assert world.post.calls == [key, f"look:{key}"]
    assert not world.case(case).open
    assert "parcels.delivered" in world.names()


def test_a_lost_request_is_proved_and_made_anew_under_a_new_key(world: World) -> None:
    """Only the proof that nothing happened allows the next attempt, and with it a new key."""
    world.order()
    world.post.script = [Unknown(reason="reset")]
    run(world.kit())
    world.clock.advance(MINUTE)
    run(world.kit())
    first = world.intent()
    assert (first.state, first.outcome) == (EffectState.DONE, NoEffect(reason="never_arrived"))
    world.clock.advance(DAY)
    run(world.kit())
    _, second = world.intents()
    assert second.key != first.key
    assert list(world.post.sent) == [second.key]


def test_a_look_up_that_comes_too_early_proves_nothing(world: World) -> None:
    """Before the provider's lag is over, not having seen it is no proof."""
    world.order()
    slow = evolve(world.post.performer(), window=HOUR, lag=2 * HOUR)
    world.post.script = [Crash("in the call")]
    assert dies(world.kit(performer=slow))
    world.leases_run_out()
    world.clock.set(NOW + 50 * MINUTE)
    run(world.kit(performer=slow))
    early = world.intent()
    assert (early.state, early.outcome) == (EffectState.UNKNOWN, Unknown(reason="worker_lost"))
    assert not [call for call in world.post.calls if call.startswith("look:")]
    assert early.wake_at == NOW + 50 * MINUTE + 2 * HOUR
    world.clock.set(early.wake_at)
    run(world.kit(performer=slow))
    assert world.intent().outcome == NoEffect(reason="never_arrived")
    assert world.post.sent == {}


@pytest.mark.parametrize(
    ("after", "calls"),
    [(timedelta(hours=19), ["{0}", "{0}"]), (timedelta(hours=20), ["{0}", "look:{0}"])],
    ids=["the key is fresh", "past 0.8 of its life"],
)
def test_an_effect_whose_worker_is_gone(world: World, after: timedelta, calls: list[str]) -> None:
    """It is repeated under its key while the provider surely knows the key, else looked up."""
    case = world.order()
    world.post.script = [delivered_but(world.post, Crash("in the call"))]
    assert dies(world.kit())
    world.leases_run_out()
    world.clock.set(NOW + after)
    run(world.kit())
    world.clock.advance(MINUTE)
    run(world.kit())
    key = world.intent().key
    assert world.post.calls == [call.format(key) for call in calls]
    assert list(world.post.sent) == [key]
    assert world.case(case).body["delivered"] is True


def test_a_refusal_says_nothing_about_what_a_lost_worker_sent(world: World) -> None:
    """The first sending counts on: when the key may be forgotten, it is looked up, not sent."""
    world.order()
    world.post.script = [
        delivered_but(world.post, Crash("in the call")),
        NotSent(reason="busy", retry_after=timedelta(hours=23)),
    ]
    assert dies(world.kit(policy=ParcelPolicy(wait=9 * DAY)))
    world.leases_run_out()
    run(world.kit())
    assert world.intent().state is EffectState.SENT
    assert world.intent().sent_at == NOW
    world.clock.advance(timedelta(hours=23))
    run(world.kit())
    world.clock.advance(MINUTE)
    run(world.kit())
    key = world.intent().key
    assert world.post.calls == [key, key, f"look:{key}"]


def test_what_can_be_sent_once_at_most_is_never_sent_again(world: World) -> None:
    """A crash after mail went out: recorded as Unknown, told, counted, listed; a person answers."""
    case = world.order()
    mail = world.post.performer(Guarantee.AT_MOST_ONCE)
    kit = world.kit(performer=mail, policy=ParcelPolicy(tries=1))
    world.post.script = [delivered_but(world.post, Crash("after sending"))]
    assert dies(kit)
    world.leases_run_out()
    run(kit)
    lost = world.intent()
    assert (lost.state, lost.outcome) == (EffectState.UNCLEAR, Unknown(reason="worker_lost"))
    (entry,) = kit.attention()
    assert (entry.kind, entry.id, entry.customer) == (AttentionKind.UNCLEAR_EFFECT, lost.id, ADA)
    assert entry.facts["reason"] == "worker_lost"
    assert kit.sweep() == ()
    assert world.told.waiting == [1]

    world.clock.advance(2 * DAY)
    run(kit)
    assert world.post.calls == [lost.key]
    assert not world.case(case).open

    kit.settle(lost.id, Answer(data={"delivered": True}), actor="usr_7", reason="seen_in_log")
    assert kit.attention() == ()
    assert world.intent().state is EffectState.DONE
    assert "parcels.delivered" in world.names()


def test_a_lost_answer_of_mail_is_unclear_at_once(world: World) -> None:
    """There is nothing to look it up with."""
    world.order()
    world.post.script = [Unknown(reason="timeout")]
    run(world.kit(performer=world.post.performer(Guarantee.AT_MOST_ONCE)))
    assert world.intent().state is EffectState.UNCLEAR
    assert len(world.post.calls) == 1


def test_five_look_ups_without_an_answer_are_raised_to_a_person(world: World) -> None:
    """After 1 and 5 minutes, 1, 6 and 24 hours nobody knows: automation stops here."""
    world.order()
    kit = world.kit(policy=ParcelPolicy(wait=99 * DAY))
    world.post.script = [Unknown(reason="timeout")]
    run(kit)
    looked: list[timedelta] = []
    performer = world.post.performer()

    def blind(_: object, now: datetime) -> Unknown:
        looked.append(now - NOW)
        return Unknown(reason="500")

    kit = world.kit(performer=evolve(performer, look_up=blind), policy=ParcelPolicy(wait=99 * DAY))
    for _ in range(5):
        wake_at = world.intent().wake_at
        assert wake_at is not None
        world.clock.set(wake_at)
        run(kit)
    assert looked == [
        MINUTE, 6 * MINUTE, 66 * MINUTE, 7 * HOUR + 6 * MINUTE, 31 * HOUR + 6 * MINUTE
    ]  # fmt: skip
    unclear = world.intent()
    assert (unclear.state, unclear.wake_at) == (EffectState.UNCLEAR, None)
    (entry,) = kit.attention()
    assert "kit.settle" in entry.remedy
    world.clock.advance(30 * DAY)
    assert run(kit) == 0


@pytest.mark.parametrize("refused", [True, False])
def test_a_look_up_that_is_refused_says_nothing_of_the_effect(world: World, refused: bool) -> None:
    """It stays Unknown, and is looked up again."""
    world.order()
    world.post.script = [Unknown(reason="timeout")]
    run(world.kit())
    world.clock.advance(MINUTE)
    error = ProviderError("No", code="provider.down")

    def down(*_: object) -> NotSent:
        if refused:
            return NotSent(reason="provider.down")
        raise error

    run(world.kit(performer=evolve(world.post.performer(), look_up=down)))
    assert world.intent().state is EffectState.UNKNOWN
    assert world.intent().outcome == Unknown(reason="provider.down")
    assert world.intent().wake_at == world.clock.now() + 5 * MINUTE


def test_whatever_an_adapter_raises_may_have_happened(world: World) -> None:
    """An error of the adapter's own is Unknown; one of the set-up was never sent."""
    world.order()
    world.post.script = [
        ProviderError("The key is wrong", code="provider.key"),
        KeyError("surprise"),
    ]
    run(world.kit())
    refused = world.intent()
    assert (refused.state, refused.outcome) == (EffectState.READY, NotSent(reason="provider.key"))
    assert refused.wake_at is not None
    world.clock.set(refused.wake_at)
    run(world.kit())
    assert world.intent().outcome == Unknown(reason="KeyError")
    assert [type(error) for _, error in world.told.failures] == [ProviderError, KeyError]
    assert world.told.outcomes == [("parcel.send", "NotSent"), ("parcel.send", "Unknown")]


def _unclear(world: World) -> EffectId:
    world.order()
    world.post.script = [Unknown(reason="timeout")]
    run(world.kit(performer=world.post.performer(Guarantee.AT_MOST_ONCE)))
    return world.intent().id


def test_a_person_finds_that_it_happened(world: World) -> None:
    """Their answer counts as the provider's, and the timeline says whose it was."""
    kit = world.kit()
    kit.settle(_unclear(world), Answer(data={"delivered": True}), actor="usr_7", reason="called")
    assert world.names()[-2:] == ["effect.settled", "parcels.delivered"]
    settled = kit.timeline(ADA)[-2].event
    assert (settled.actor, settled.data["reason"]) == ("usr_7", "called")


def test_a_person_finds_that_nothing_happened(world: World) -> None:
    """Then, and only then, there is a next attempt with a key of its own."""
    effect = _unclear(world)
    kit = world.kit()
    kit.settle(effect, NoEffect(reason="not_in_dashboard"), actor="usr_7", reason="dashboard")
    world.clock.advance(DAY)
    run(kit)
    assert [intent.id == effect for intent in world.intents()] == [True, False]
    assert list(world.post.sent) == [world.intents()[1].key]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"effect": "nope"}, NotFound("", code="effect.not_found", field="effect", value="nope")),
        (
            {"reason": "he told me, honestly"},
            InvalidInput("", code="settle.reason", field="reason", value=20),
        ),
        ({"reason": ""}, InvalidInput("", code="settle.reason", field="reason", value=0)),
    ],
)
def test_a_wrong_answer_of_a_person_changes_nothing(
    world: World, change: dict[str, str], error: RetainkitError
) -> None:
    """An unknown effect, or a reason that could hold a name."""
    settle = {"effect": _unclear(world), "actor": "usr_7", "reason": "called", **change}
    before = world.tables()
    with pytest.raises(type(error)) as caught:
        world.kit().settle(
            settle["effect"],
            Answer(data={"delivered": True}),
            actor=settle["actor"],
            reason=settle["reason"],
        )
    found = caught.value
    assert (found.code, found.field, found.value) == (error.code, error.field, error.value)
    assert found.remedy
    assert world.tables() == before


def test_only_what_is_unclear_is_answered_by_hand(world: World) -> None:
    """What is done, or what the worker still works on, is not for a person to overrule."""
    world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    for state in ("ready", "done"):
        before = world.tables()
        with pytest.raises(Refused) as caught:
            world.kit().settle(world.intent().id, NoEffect(reason="x"), actor="usr_7", reason="x")
        assert (caught.value.code, caught.value.field) == ("effect.not_unclear", "effect")
        assert caught.value.value == state
        assert "unclear" in caught.value.remedy
        assert world.tables() == before
        world.clock.advance(MINUTE)
        run(world.kit())


def test_what_is_refused_for_long_is_listed_until_it_is_done(world: World) -> None:
    """A wrong key or a broken template is no loss, but somebody has to hear of it."""
    world.order()
    world.post.script = [NotSent(reason="provider.key")] * 12
    listed: list[Attention] = []
    for refusals in range(1, 13):
        run(world.kit())
        listed = [entry for entry in world.kit().attention() if entry.kind is AttentionKind.REFUSED]
        assert len(listed) == (refusals >= 10)
        world.clock.set(world.intent().wake_at or NOW)
    assert listed[0].facts["effect"] == world.intent().id
    run(world.kit())
    assert list(world.post.sent) == [world.intent().key]
    assert world.kit().attention() == ()


def test_who_has_dismissed_a_refusal_is_not_told_of_it_at_every_try(world: World) -> None:
    """It was heard of, and goes on being tried."""
    world.order()
    world.post.script = [NotSent(reason="provider.key")] * 12
    for refusals in range(1, 13):
        run(world.kit())
        listed = world.kit().attention()
        assert len(listed) == (refusals == 10)
        for entry in listed:
            world.kit().dismiss(entry.id, actor="usr_7")
        world.clock.set(world.intent().wake_at or NOW)


def test_a_worker_that_slept_past_the_key_does_not_send_it(world: World) -> None:
    """Between the mark and the call a machine may be suspended: the key may be forgotten."""
    world.order()
    short = world.post.performer()
    asleep = evolve(short, window=timedelta(0))
    run(world.kit(performer=asleep))
    assert world.post.calls == []
    assert (world.intent().state, world.intent().outcome) == (
        EffectState.UNKNOWN, Unknown(reason="key_too_old"),
    )  # fmt: skip
