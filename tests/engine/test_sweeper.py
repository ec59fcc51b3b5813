"""Damage behind its back: each kind of row is deleted or spoiled, and mended or listed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.engine.toy import ParcelPolicy
from tests.engine.world import ADA, DAY, Crash, World, dies, run

from retainkit.core import EffectState, NotSent, Unknown
from retainkit.engine import AttentionKind, FindingKind, Guarantee
from retainkit.errors import NotFound
from retainkit.ids import CaseId


def _under_way(world: World) -> CaseId:
    """A case that waits: its effect was refused, its next step is tomorrow."""
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    return case


def _found(world: World) -> list[tuple[FindingKind, str, bool]]:
    found = world.kit().sweep()
    assert {finding.customer for finding in found} <= {ADA}
    return [(finding.kind, finding.subject, finding.repaired) for finding in found]


def test_a_healthy_store_has_nothing_to_mend(world: World) -> None:
    """Before, in the midst of and after the work: sweeping changes nothing."""
    for stage in range(4):
        before = world.tables()
        assert _found(world) == []
        assert world.tables() == before
        match stage:
            case 0:
                _under_way(world)
            case 1:
                world.clock.advance(DAY)
                world.kit()._runner().claim(1)
            case _:
                world.leases_run_out()
                run(world.kit())
    assert world.kit().attention() == ()


def test_a_case_without_a_next_step_gets_one(sql_world: World) -> None:
    """Its timer and its effect are gone: it decides now."""
    case = _under_way(sql_world)
    sql_world.sql("DELETE FROM rk_schedule WHERE case_id IS NOT NULL")
    assert run(sql_world.kit()) == 0
    assert _found(sql_world) == [(FindingKind.NO_NEXT_STEP, case, True)]
    assert _found(sql_world) == []
    run(sql_world.kit())
    assert "parcels.delivered" in sql_world.names()


def test_a_case_whose_timer_alone_is_gone_goes_on_with_its_effect(sql_world: World) -> None:
    """The outcome of what is under way plans the next step."""
    case = _under_way(sql_world)
    assert sql_world.sql("DELETE FROM rk_schedule WHERE case_id IS NOT NULL AND kind IS NULL") == 1
    assert _found(sql_world) == []
    sql_world.clock.advance(DAY)
    run(sql_world.kit())
    assert not sql_world.case(case).open


def test_a_timer_without_a_time_comes_due(sql_world: World) -> None:
    """It would have rested for ever."""
    case = _under_way(sql_world)
    sql_world.sql(
        "UPDATE rk_schedule SET wake_at = NULL WHERE case_id IS NOT NULL AND kind IS NULL"
    )
    assert _found(sql_world) == [(FindingKind.ORPHANED_ITEM, case, True)]
    assert _found(sql_world) == []
    run(sql_world.kit())
    assert sql_world.names().count("parcels.tried") == 2


@pytest.mark.parametrize("lease", ["NULL", "'gone:1'"])
def test_an_effect_without_a_time_goes_on(sql_world: World, lease: str) -> None:
    """Refused before: sent under its key; under a lost lease: treated as sent."""
    _under_way(sql_world)
    effect = sql_world.intent()
    sql_world.sql(f"UPDATE rk_schedule SET wake_at = NULL, lease = {lease} WHERE kind IS NOT NULL")
    assert _found(sql_world) == [(FindingKind.ORPHANED_ITEM, effect.id, True)]
    revived = sql_world.intent()
    assert revived.wake_at == sql_world.clock.now()
    if lease == "NULL":
        assert (revived.state, revived.sent_at) == (EffectState.READY, None)
    else:
        assert (revived.state, revived.sent_at) == (EffectState.SENT, sql_world.clock.now())
    run(sql_world.kit())
    assert list(sql_world.post.sent) == [effect.key]


def test_a_look_up_without_a_time_waits_until_it_can_prove_something(sql_world: World) -> None:
    """What was sent has surely ended ten minutes later; it was sent when it was sent."""
    sql_world.order()
    sql_world.post.script = [Unknown(reason="timeout")]
    run(sql_world.kit())
    lost = sql_world.intent()
    sql_world.sql("UPDATE rk_schedule SET wake_at = NULL WHERE kind IS NOT NULL")
    sql_world.clock.advance(DAY)
    assert _found(sql_world) == [(FindingKind.ORPHANED_ITEM, lost.id, True)]
    revived = sql_world.intent()
    assert (revived.state, revived.sent_at) == (EffectState.UNKNOWN, lost.sent_at)
    assert revived.wake_at == sql_world.clock.now() + timedelta(minutes=10)


def test_what_was_sent_keeps_its_time_when_it_is_revived(sql_world: World) -> None:
    """The age of its key counts from the sending, not from the sweep."""
    sql_world.order()
    sql_world.post.script = [Crash("in the call")]
    assert dies(sql_world.kit())
    sent = sql_world.intent()
    assert sent.state is EffectState.SENT
    sql_world.sql("UPDATE rk_schedule SET wake_at = NULL WHERE kind IS NOT NULL")
    sql_world.clock.advance(DAY)
    assert _found(sql_world) == [(FindingKind.ORPHANED_ITEM, sent.id, True)]
    revived = sql_world.intent()
    assert (revived.state, revived.sent_at) == (EffectState.SENT, sent.sent_at)
    assert revived.wake_at == sql_world.clock.now()


def test_mail_under_a_lost_lease_is_not_sent_again(sql_world: World) -> None:
    """Nobody knows how far the worker came."""
    sql_world.order()
    sql_world.post.script = [NotSent(reason="busy")]
    kit = sql_world.kit(performer=sql_world.post.performer(Guarantee.AT_MOST_ONCE))
    run(kit)
    sql_world.sql("UPDATE rk_schedule SET wake_at = NULL, lease = 'gone:1' WHERE kind IS NOT NULL")
    kit.sweep()
    run(kit)
    assert len(sql_world.post.calls) == 1
    assert [entry.kind for entry in kit.attention()] == [AttentionKind.UNCLEAR_EFFECT]


def test_a_lease_that_is_spoiled_runs_out_all_the_same(sql_world: World) -> None:
    """Its time is what counts, not whose it was."""
    case = sql_world.order()
    sql_world.kit()._runner().claim(1)
    sql_world.sql("UPDATE rk_schedule SET lease = 'gone:1'")
    assert _found(sql_world) == []
    sql_world.leases_run_out()
    run(sql_world.kit())
    assert not sql_world.case(case).open


def test_a_wake_up_that_sleeps_through_its_news_is_woken(sql_world: World) -> None:
    """It knows from where it rested: nothing is decided twice, nothing is lost."""
    _under_way(sql_world)
    case = sql_world.order("2")
    sql_world.sql("UPDATE rk_schedule SET wake_at = NULL WHERE case_id IS NULL AND kind IS NULL")
    assert run(sql_world.kit()) == 0
    assert _found(sql_world) == [(FindingKind.WAKE_UP_AT_REST, "parcels", True)]
    assert _found(sql_world) == []
    run(sql_world.kit())
    assert not sql_world.case(case).open
    assert sql_world.names().count("parcels.tried") == 2


def test_a_wake_up_that_is_gone_is_listed(sql_world: World) -> None:
    """With it went what was decided already: a person says from where to go on."""
    kit = sql_world.kit()
    case = sql_world.order()
    sql_world.sql("DELETE FROM rk_schedule")
    for _ in range(2):
        assert _found(sql_world) == [(FindingKind.WAKE_UP_MISSING, "parcels", False)]
    (entry,) = kit.attention()
    assert (entry.kind, entry.customer) == (AttentionKind.WAKE_UP_MISSING, ADA)
    assert "kit.wake" in entry.remedy
    assert sql_world.told.waiting[-1] == 1

    kit.wake("parcels", ADA, since=1)
    kit.dismiss(entry.id, actor="usr_7")
    run(kit)
    assert not sql_world.case(case).open
    assert _found(sql_world) == []
    assert kit.attention() == ()
    assert "attention.dismissed" in sql_world.names()
    with pytest.raises(NotFound) as caught:
        kit.dismiss(entry.id, actor="usr_7")
    assert (caught.value.code, caught.value.field) == ("attention.not_found", "entry")
    assert caught.value.value == entry.id
    assert caught.value.remedy


def test_a_counter_that_is_gone_is_counted_again(sql_world: World) -> None:
    """The customer's next event is numbered after the last one."""
    _under_way(sql_world)
    events = len(sql_world.names())
    sql_world.sql("DELETE FROM rk_customer")
    assert _found(sql_world) == [(FindingKind.COUNTER_BEHIND, ADA, True)]
    assert _found(sql_world) == []
    case = sql_world.order("2")
    assert sql_world.kit().timeline(ADA)[-1].sequence == events + 1
    run(sql_world.kit())
    assert not sql_world.case(case).open


def test_a_case_that_is_gone_is_listed_when_its_step_comes_due(sql_world: World) -> None:
    """Nothing is invented in its place."""
    case = _under_way(sql_world)
    sql_world.sql("DELETE FROM rk_record WHERE feature = 'parcels'")
    sql_world.sql("DELETE FROM rk_schedule WHERE kind IS NOT NULL")
    sql_world.clock.advance(DAY)
    run(sql_world.kit())
    (entry,) = sql_world.kit().attention()
    assert entry.kind is AttentionKind.CASE_MISSING
    assert entry.facts["case"] == case
    assert sql_world.kit().scheduled(ADA) == ()
    sql_world.kit().dismiss(entry.id, actor="usr_7")
    assert sql_world.kit().attention() == ()


def test_an_effect_that_is_gone_is_made_anew_by_its_case(sql_world: World) -> None:
    """The case's own time comes, and the next attempt has a key of its own."""
    case = _under_way(sql_world)
    sql_world.sql("DELETE FROM rk_schedule WHERE kind IS NOT NULL")
    assert _found(sql_world) == []
    sql_world.clock.advance(DAY)
    run(sql_world.kit())
    assert not sql_world.case(case).open
    assert len(sql_world.post.sent) == 1


def test_an_event_that_is_gone_stops_nothing(sql_world: World) -> None:
    """Its wake-up finds no news and rests; what was not deleted goes on."""
    sql_world.order("1")
    kept = sql_world.order("2")
    sql_world.sql("DELETE FROM rk_event WHERE id = 'order-1'")
    run(sql_world.kit(policy=ParcelPolicy()))
    assert not sql_world.case(kept).open
    assert _found(sql_world) == []
    assert sql_world.told.failures == []
