"""One event on a signal that 14 of 100 rules read: one of them fires, with its explanation.

Ours asks the 14; the anchor puts all 100 through the same: the same kit, the same event, counting,
loading, state machine, explanation and commit in memory. Seven of the 34 signals are windows over
two months of the customer's timeline, as their names say; the others are facts. That one rule
fires, and the same one on both sides, is checked for each customer.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import cast

from attrs import frozen
from measure import in_turns
from rules_world import NOW, Customer, customer, rulebook

from retainkit import CustomerId, Event, RetainKit
from retainkit.core import JsonObject, Trigger
from retainkit.ids import EventId
from retainkit.money import money
from retainkit.rules import (
    Compiled,
    Readings,
    Rule,
    Rulebook,
    Truth,
    condition_data,
    days,
    declared,
    event,
    read_condition,
)
from retainkit.signals import Measures, RulesCase, RulesFeature
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


EVENTS = 30
REPEATS = 7
SIGNAL = "nps"
READERS = 14
LATER = timedelta(minutes=5)
AMOUNTS = ("mrr", "overdue")


class Counted(Customer):
    """The world's customer, whose windows are counted."""

    usage_7d = event("report.exported").count(days(7))
    usage_28d = event("report.exported").count(days(28))
    tickets_28d = event("ticket.opened").count(days(28))
    failures_7d = event("payment.failed").count(days(7))
    logins_28d = event("user.logged_in").count(days(28))
    errors_7d = event("error.seen").count(days(7))
    features_used = event("feature.used").distinct("feature").count(days(28))


WINDOWS = tuple(name for name, signal in declared(Counted).items() if signal.derivation)


@frozen
class AskingAll(RulesFeature):
    """Whatever happened, all rules are asked."""

    def _asked(self, case: RulesCase | None, trigger: Trigger, now: datetime) -> Collection[str]:
        """All of them."""
        del case, trigger, now
        return self._index.followed.keys()


@frozen
class Life:
    """A customer: the past, and a score that makes one more rule true."""

    past: tuple[Event, ...]
    then: Event


def run(name: str) -> dict[str, object]:
    """At least 4 times as fast as asking all."""
    del name
    book = _book()
    few, every = _kit(book), _kit(book)
    bound = every.features.get("rules")
    if bound is None or every.measures is None:
        raise SystemExit("the kit follows no rules")
    bound.feature = bound.measuring = AskingAll(book, every.measures)
    lives = _lives(book, every.measures, (REPEATS + 1) * EVENTS)
    rounds = [lives[at : at + EVENTS] for at in range(0, len(lives), EVENTS)]
    ours, anchor = (_rounds(kit, rounds) for kit in (few, every))
    gc.freeze()  # what was made before is nobody's work
    result = in_turns(ours, anchor, repeats=REPEATS, bound=4.0, unit="events a second")
    if _fired(few, lives) != _fired(every, lives):
        raise SystemExit("the two sides don't agree on what fired")
    return result


def _book() -> Rulebook:
    """The 100 rules, of the counted customer."""
    signals = declared(Counted)
    rules = [
        Rule(id=id, when=read_condition(condition_data(when), signals))
        for id, when in rulebook().items()
    ]
    return Rulebook(signals=Counted, rules=rules)


def _kit(book: Rulebook) -> RetainKit:
    return RetainKit(store=MemoryStore(), rules=book, clock=ManualClock(NOW))


# ---- customers


def _lives(book: Rulebook, measures: Measures, count: int) -> list[Life]:
    asked, chance = book.compiled(), Random(7)  # noqa: S311 - the same for everybody
    if len(asked.readers[SIGNAL]) != READERS:
        raise SystemExit("the world has changed")
    found: list[Life] = []
    while len(found) < count:
        who = CustomerId(f"c{len(found)}")
        past = tuple(_past(who, measures, chance))
        then = _telling(asked, measures, past)
        if then is not None:
            found.append(Life(past, then))
    return found


def _past(who: CustomerId, measures: Measures, chance: Random) -> Iterator[Event]:
    facts = {
        name: money(cast("int", value), "EUR") if name in AMOUNTS else value
        for name, value in customer(chance).items()
        if name not in WINDOWS
    }
    yield _event(who, "signals.set", NOW, measures.facts(facts))
    yield _event(who, "user.signed_up", NOW - days(60), {})
    often = chance.choice((1, 2, 4))
    for day in range(56):
        at = NOW - days(day) - timedelta(minutes=chance.randint(0, 200))
        for name, most in (("report.exported", often), ("user.logged_in", 2)):
            for _ in range(chance.randint(0, most)):
                yield _event(who, name, at, {}, chance)
        yield _event(who, "feature.used", at, {"feature": f"f{chance.randint(1, 12)}"}, chance)
        if chance.random() < 0.1:  # noqa: PLR2004 - now and then
            yield _event(who, "ticket.opened", at, {"ticket": f"t{day}"}, chance)
            yield _event(who, "error.seen", at, {}, chance)


def _telling(asked: Compiled, measures: Measures, past: tuple[Event, ...]) -> Event | None:
    """A score that makes one rule true which is not, and none false."""
    counted = measures.count(past, {})
    before = _true(asked, measures.read(counted, NOW + LATER))
    for score in range(11):
        told = _event(past[0].customer, "signals.set", NOW + LATER, measures.facts({SIGNAL: score}))
        after = _true(asked, measures.read([*measures.count([told], {}), *counted], NOW + LATER))
        if len(after - before) == 1 and before <= after:
            return told
    return None


def _true(asked: Compiled, known: Readings) -> set[str]:
    truths = asked.truths(known, NOW + LATER)
    return {name for name, truth in truths.items() if truth is Truth.TRUE}


def _event(
    who: CustomerId, name: str, at: datetime, data: JsonObject, chance: Random | None = None
) -> Event:
    some = "" if chance is None else f"-{chance.getrandbits(48)}"
    id = EventId(f"{who}-{name}-{at.isoformat()}{some}")
    return Event(id=id, name=name, customer=who, occurred_at=at, data=data)


# ---- rounds


def _rounds(kit: RetainKit, rounds: list[list[Life]]) -> Callable[[], int]:
    """A function that does one round each time; everybody is known to the kit before."""
    for lives in rounds:
        for life in lives:
            with kit.transaction() as k:
                k.record(*life.past)
                k.decide(life.then.customer)
    cast("ManualClock", kit.clock).set(NOW + LATER)
    coming = iter(rounds)

    def one_round() -> int:
        lives = next(coming)
        for life in lives:
            with kit.transaction() as k:
                k.record(life.then)
                k.decide(life.then.customer)
        return len(lives)

    return one_round


def _fired(kit: RetainKit, lives: list[Life]) -> list[tuple[str, object]]:
    """Who fired which rule after the score was told; each one, and one alone."""
    fired: list[tuple[str, object]] = []
    for life in lives:
        who = life.then.customer
        said = [
            recorded.event
            for recorded in kit.timeline(who)
            if recorded.event.name == "rules.fired" and recorded.event.occurred_at > NOW
        ]
        if len(said) != 1 or not said[0].because:
            raise SystemExit(f"of {who}, {len(said)} rules fired")
        fired.append((who, said[0].data["rule"]))
    return fired
