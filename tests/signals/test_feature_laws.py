"""Laws of following rules, over random rulebooks and random lives.

How often somebody looks, in which order news came, and how often the process restarted leave no
trace.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from random import Random

import pytest
from tests.rules.test_state_laws import LENGTHS
from tests.rules.worlds import Customer, customer, tree
from tests.signals.following import NOW, Following, happened

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.rules import Rule, Rulebook, RuleState, days, hours, minutes
from retainkit.signals import Measures, RulesFeature


ZONE = "America/New_York"
FACTS = Measures(Customer)


def some_rules(chance: Random) -> RulesFeature:
    """Three rules and a segment, with any mix of options."""
    while True:
        rules = [_rule(chance, f"r{number}") for number in range(3)]
        segments = {"some": tree(chance, 2), "big": Customer.mrr >= Customer.spent}
        try:
            book = Rulebook(signals=Customer, rules=rules, segments=segments)
        except InvalidInput:  # a contradiction: thrown again
            continue
        return RulesFeature(book, Measures(Customer, zone=ZONE))


def _rule(chance: Random, id: str) -> Rule:
    once = chance.choice((None, None, "day", "week", "term"))
    return Rule(
        id=id,
        when=tree(chance, 3, with_segments=True),
        for_=chance.choice(LENGTHS),
        keep_for=chance.choice(LENGTHS),
        clears_when=tree(chance, 2) if chance.random() < 0.3 else None,
        cooldown=chance.choice(LENGTHS),
        once_per=once,
        term="renewal" if once == "term" else None,
        max_per=chance.choice((None, None, (2, days(7)))),
        unknown_for=chance.choice(LENGTHS),
        status=chance.choice(("active", "active", "active", "shadow", "draft")),
        effective_until=chance.choice((None, None, NOW + days(9))),
    )


def some_news(chance: Random, at: datetime) -> list[Event]:
    """What comes in at an instant: facts, failures, a new zone, something nobody reads."""
    return [_some_event(chance, at, number) for number in range(chance.choice((0, 1, 1, 2, 4)))]


def _some_event(chance: Random, at: datetime, number: int) -> Event:
    kind = chance.random()
    id = f"{at.isoformat()}#{number}"
    if kind < 0.6:
        known = dict(customer(chance))
        some = chance.sample(sorted(known), min(3, len(known)))
        data = FACTS.facts({n: known[n].value for n in some if n != "failures"})
        return happened("signals.set", at, data, id=id)
    if kind < 0.9:
        then = at - chance.choice((timedelta(0), timedelta(0), minutes(3), days(1), days(5)))
        return happened("payment.failed", then, {"number": number}, id=id)
    if kind < 0.95:
        zone = chance.choice(("UTC", "Asia/Tokyo", ZONE))
        return happened("customer.zone_set", at, {"zone": zone}, id=id)
    return happened("page.seen", at, id=id)


def some_life(chance: Random, length: int = 6) -> list[tuple[datetime, list[Event]]]:
    """News at some instants of two weeks."""
    at, life = NOW, [(NOW, [happened("payment.failed", NOW, id="first")])]
    for _ in range(length):
        at += chance.choice((minutes(5), hours(2), hours(11), days(1), days(3)))
        life.append((at, some_news(chance, at)))
    return life


def lived(following: Following, life: list[tuple[datetime, list[Event]]]) -> Following:
    """Through all news, each looked at at once, and through the time between."""
    for at, news in life:
        following.until(at - timedelta(microseconds=1))
        following.tell(at, *news)
        following.until(at)
    following.until(life[-1][0] + days(6))
    return following


def traces(
    following: Following,
) -> tuple[dict[str, RuleState], dict[str, datetime], list[Event]]:
    """What is left of a life."""
    assert following.case is not None
    said = sorted(following.said, key=lambda event: event.id)
    return following.case.states, following.case.wakes, said


@pytest.mark.parametrize("seed", range(10))
def test_incremental_equals_rebuilt(seed: int) -> None:
    """Asking only who is concerned makes the same states and events as asking all; 1,000 lives."""
    chance = Random(seed)
    fired = 0
    for _ in range(100):
        feature, life = some_rules(chance), some_life(chance)
        few = lived(Following(feature), life)
        every = lived(Following(feature, whole=True), life)
        assert traces(few) == traces(every), (feature.rulebook, life)
        fired += sum(event.name == "rules.fired" for event in few.said)
    assert fired > 30


def test_a_restart_forgets_nothing() -> None:
    """Written and read at each look, or kept in memory: the same life."""
    chance = Random(101)
    for _ in range(100):
        feature, life = some_rules(chance), some_life(chance)
        kept = lived(Following(feature, restarts=False), life)
        assert traces(kept) == traces(lived(Following(feature), life))


def test_the_order_of_news_leaves_no_trace() -> None:
    """Shuffled, told twice and in batches, and then looked at once: the same states."""
    chance = Random(102)
    for _ in range(300):
        feature = some_rules(chance)
        start = [happened("payment.failed", NOW, id="first")]
        news = [event for _ in range(6) for event in some_news(chance, NOW)]
        news = list({event.id: event for event in news}.values())
        left: list[tuple[object, ...]] = []
        for _ in range(3):
            following = Following(feature)
            following.tell(NOW, *start)
            told = news + chance.sample(news, len(news) // 2)
            chance.shuffle(told)
            middle = chance.randint(0, len(told))
            following.record(NOW, *told[:middle])
            following.record(NOW, *told[middle:])
            following.look(NOW + minutes(1))
            following.until(NOW + days(4))
            states, wakes, said = traces(following)
            left.append((states, wakes, [event for event in said if "revised" not in event.name]))
        assert left[0] == left[1] == left[2], (feature.rulebook, news)


def test_nothing_changes_before_the_next_time() -> None:
    """Whoever asks all rules before it finds every state and every time as it was; 2,000 looks."""
    chance = Random(103)
    looks = changed = 0
    for _ in range(400):
        following = Following(some_rules(chance))
        for at, news in some_life(chance):
            following.until(at - timedelta(microseconds=1))
            following.tell(at, *news)
            following.until(at)
            wake, before = following.wake, traces(following)
            assert wake is not None
            between = at + (wake - at) * chance.random()
            assert following.ask_all(min(between, wake - timedelta(microseconds=1))) == []
            assert traces(following) == before, (following.feature.rulebook, at, between)
            following.wake = wake
            looks += 1
            then = copy(following)
            then.said = []
            then.until(wake)
            changed += bool(then.said)
    assert looks > 2_000
    assert changed > 500
