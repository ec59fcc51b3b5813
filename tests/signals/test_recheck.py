"""Whether what is recorded of a customer's rules is still what asking them all would say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve
from tests.signals.following import NOW, WHO, Following, happened

from retainkit.core import Event
from retainkit.ids import TenantId
from retainkit.rules import Number, Rule, Rulebook, Signals, Time, days, event, hours
from retainkit.signals import RECHECK, RECHECK_EVENT, Measures, Recheck, RulesFeature


class Customer(Signals):
    """What the rules read."""

    usage = Number()
    last_login_at = Time()
    failures = event("payment.failed").count(days(7))


C = Customer
LOW = Rule(id="low", when=C.usage < 5)
LATER = evolve(LOW, for_=days(3))
KEPT = evolve(LOW, keep_for=days(3))
WATCHED = evolve(LOW, unknown_for=days(3))
GONE = Rule(id="gone", when=C.last_login_at.more_than_ago(days(14)))


def following(*rules: Rule) -> Following:
    """A customer under these rules."""
    book = Rulebook(signals=Customer, rules=rules)
    return Following(RulesFeature(book, Measures(Customer)))


def told(at: datetime, **values: object) -> Event:
    """Facts as of a time."""
    return happened("signals.set", at, Measures(Customer).facts(values), id=f"{at} {values}")


def differs(world: Following, at: datetime) -> bool:
    """Whether a recheck would wake the customer."""
    assert world.case is not None
    counted = tuple(world.measures.recount(world.history))
    recheck = Recheck(world.feature, TenantId("main"))
    return recheck.differs(world.case, counted, happened(RECHECK_EVENT, at), at)


@pytest.mark.parametrize(
    ("rule", "first", "then"),
    [
        (LOW, 9, 3),
        (LOW, 3, 9),
        (LATER, 9, 3),
        (LATER, 3, 9),
        (KEPT, 3, 9),
        (WATCHED, 9, None),
        (WATCHED, None, 9),
        (WATCHED, None, 3),
    ],
    ids=lambda each: each.id if isinstance(each, Rule) else str(each),
)
def test_what_no_worker_saw_is_found(rule: Rule, first: object, then: object) -> None:
    """A fact on the timeline, of which nobody was told; once it is decided, nothing differs."""
    world = following(rule)
    world.tell(NOW, told(NOW, usage=first))
    assert not differs(world, NOW + hours(1))
    world.record(NOW + hours(1), told(NOW + hours(1), usage=then))
    assert differs(world, NOW + hours(1))
    world.look(NOW + hours(1))
    assert not differs(world, NOW + hours(2))


@pytest.mark.parametrize(
    ("first", "then"), [(3, 4), (9, 8), (None, None), (9, None), (3, None)], ids=str
)
def test_news_that_change_no_rule_are_none(first: object, then: object) -> None:
    """Another value on the same side of the threshold; unknown, where nobody asks for that."""
    world = following(LOW)
    world.tell(NOW, told(NOW, usage=first))
    world.record(NOW + hours(1), told(NOW + hours(1), usage=then))
    assert not differs(world, NOW + hours(1))


def test_a_time_that_came_unseen_is_found() -> None:
    """The worker slept over the fortnight: the rule is true by now, and nobody said so."""
    world = following(GONE)
    world.tell(NOW, told(NOW, last_login_at=NOW - days(14) + hours(1)))
    assert not differs(world, NOW + timedelta(minutes=59))
    assert differs(world, NOW + hours(2))


def test_a_day_that_passed_is_no_difference() -> None:
    """All is asked again after a day, though nothing may have come of it."""
    world = following(LOW)
    world.tell(NOW, told(NOW, usage=3))
    assert not differs(world, NOW + RECHECK + hours(1))


def test_a_wait_that_time_alone_prolongs_is_no_difference() -> None:
    """A payment leaves the window at midnight, and the rule reads fewer than it asks for still."""
    world = following(Rule(id="broke", when=C.failures >= 3))
    old = happened("payment.failed", NOW - days(60))
    world.tell(NOW, old, happened("payment.failed", NOW - days(6)))
    assert world.wake is not None
    assert world.wake <= NOW + RECHECK
    assert not differs(world, world.wake)


def test_another_rulebook_is_a_difference() -> None:
    """Its threshold is another one, so that all has to be asked; the same one written anew not."""
    world = following(LOW)
    world.tell(NOW, told(NOW, usage=9))
    world.feature = following(evolve(LOW, doc="Little use.")).feature
    assert not differs(world, NOW + hours(1))
    world.feature = following(evolve(LOW, when=C.usage < 4)).feature
    assert differs(world, NOW + hours(1))
    world.ask_all(NOW + hours(1))
    assert not differs(world, NOW + hours(2))
    assert world.said == []
    assert world.case is not None
    assert world.case.customer == WHO
