"""Laws of following rules, over random rulebooks and random lives: how often somebody looks, in
which order news came and how often the process restarted leave no trace."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
from tests.rules.test_state_laws import LENGTHS
from tests.rules.worlds import Customer, customer, tree
from tests.signals.following import NOW, Following, happened

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.rules import Rule, Rulebook, days, hours, minutes
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


def some_life(chance: Random, length: int = 8) -> list[tuple[datetime, list[Event]]]:
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
    following.until(life[-1][0] + days(10))
    return following


def traces(following: Following) -> tuple[object, ...]:
    """What is left of a life."""
    assert following.case is not None
    said = sorted(following.said, key=lambda event: event.id)
    return following.case.states, following.case.wakes, said


@pytest.mark.parametrize("seed", range(20))
def test_incremental_equals_rebuilt(seed: int) -> None:
    """Asking only who is concerned makes the same states and events as asking all; 2,000 lives."""
    chance = Random(seed)
    fired = 0
    for _ in range(100):
        feature, life = some_rules(chance), some_life(chance)
        few = lived(Following(feature), life)
        every = lived(Following(feature, whole=True), life)
        assert traces(few) == traces(every), (feature.rulebook, life)
        fired += sum(event.name == "rules.fired" for event in few.said)
    assert fired > 30
