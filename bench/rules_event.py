"""One answer to the recommendation question, which 14 of 100 rules read: one of them fires.

Ours asks the 14, and those that the answer alone makes false no further; the anchor puts all 100
through the same, with the same short cut: the same kit, the same event, counting, loading, state
machine, explanation and commit in memory. Of the 34 signals, the 17 that somebody would count of
the timeline are counted of it, with as many users as the world's seats allow and four weeks of what
they do; what is in a contract or a CRM is told as facts. That one rule fires, and the same one on
both sides, is checked for each customer. What counts is the time of the thread, so that other work
does not.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from random import Random
from time import thread_time
from typing import cast

from attrs import frozen
from measure import in_turns
from rules_world import MISSING, NOW, Customer, customer, rulebook

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


EVENTS = 10
REPEATS = 15
SIGNAL = "nps"
READERS = 14
LATER = timedelta(minutes=5)
AMOUNTS = ("mrr", "overdue")
OFTEN, RARELY = 0.3, 0.1
FEATURES = tuple(f"f{number}" for number in range(12))

_opened, _used = event("ticket.opened"), event("feature.used")


class Counted(Customer):
    """The world's customer, as far as the timeline tells it."""

    usage_7d = event("report.exported").count(days(7))
    usage_28d = event("report.exported").count(days(28))
    seats_used = _used.distinct("user").count(days(28)).counting("seats")
    depth = _used.depth("feature", features=FEATURES[:8], within=days(28))
    features_used = _used.distinct("feature").count(days(28))
    nps = event("nps.answered").latest("score")
    csat = event("ticket.rated").latest("score")
    tickets_open = _opened.until(event("ticket.closed"), by="ticket", within=days(365)).count()
    tickets_28d = _opened.count(days(28))
    first_response = _opened.elapsed(event("ticket.replied"), by="ticket", within=days(90))
    resolution = _opened.elapsed(event("ticket.closed"), by="ticket", within=days(90))
    last_ticket_at = _opened.last()
    failures_7d = event("payment.failed").count(days(7))
    logins_28d = event("user.logged_in").count(days(28))
    last_login_at = event("user.logged_in").last(missing="never")
    errors_7d = event("error.seen").count(days(7))
    stakeholders = event("contact.joined").until(event("contact.left"), by="contact").count()


COUNTED = frozenset(name for name, signal in declared(Counted).items() if signal.derivation)


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
    unit = "events a second"
    result = in_turns(ours, anchor, repeats=REPEATS, bound=4.0, unit=unit, clock=thread_time)
    if _fired(few, lives) != _fired(every, lives):
        raise SystemExit("the two sides don't agree on what fired")
    ours_us, anchor_us = (round(1e6 / cast("float", result[side])) for side in ("value", "anchor"))
    return {**result, "our_us": ours_us, "anchor_us": anchor_us}


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
    known = customer(chance)
    facts = {
        name: money(cast("int", value), "EUR") if name in AMOUNTS else value
        for name, value in known.items()
        if name not in COUNTED
    }
    yield _event(who, "signals.set", NOW, measures.facts(facts))
    yield _event(who, "account.created", NOW - days(400), {})
    users = chance.randint(1, cast("int", known.get("seats_paid", 100)))
    for day in range(1, 29):
        yield from _day(who, NOW - days(day) + timedelta(minutes=day), users, chance)
    for number in range(chance.randint(0, 8)):
        told: JsonObject = {"contact": f"p{number}"}
        yield _event(who, "contact.joined", NOW - days(300), told)
        if chance.random() < RARELY:
            yield _event(who, "contact.left", NOW - days(20), told)
    for number in range(chance.randint(0, 12)):
        yield from _ticket(who, f"t{number}", chance)
    if chance.random() >= MISSING:
        yield _event(who, "nps.answered", NOW - days(90), {"score": chance.randint(0, 10)})


def _day(who: CustomerId, at: datetime, users: int, chance: Random) -> Iterator[Event]:
    """Three in ten are there on a day."""
    for number in range(users):
        if chance.random() < OFTEN:
            user = f"u{number}"
            yield _event(who, "user.logged_in", at, {"user": user})
            used: JsonObject = {"user": user, "feature": chance.choice(FEATURES)}
            yield _event(who, "feature.used", at, used)
            if chance.random() < OFTEN:
                yield _event(who, "report.exported", at, {"user": user})
    for name in ("error.seen", "payment.failed"):
        if chance.random() < RARELY:
            yield _event(who, name, at, {})


def _ticket(who: CustomerId, ticket: str, chance: Random) -> Iterator[Event]:
    """Opened, mostly answered, mostly closed, and rated now and then."""
    told: JsonObject = {"ticket": ticket}
    at = NOW - timedelta(hours=chance.randint(1, 24 * 80))
    yield _event(who, "ticket.opened", at, told)
    for name, most in (("ticket.replied", 48), ("ticket.closed", 300)):
        then = at + timedelta(minutes=chance.randint(1, 60 * most))
        if then < NOW:
            yield _event(who, name, then, told)
            if name == "ticket.closed" and chance.random() < OFTEN:
                score = chance.randint(1, 5)
                yield _event(who, "ticket.rated", then, {**told, "score": score})


def _telling(asked: Compiled, measures: Measures, past: tuple[Event, ...]) -> Event | None:
    """A score that makes one rule true which is not, and none false."""
    counted = measures.count(past, {})
    before = _true(asked, measures.read(counted, NOW + LATER), NOW + LATER)
    if before != _true(asked, measures.read(counted, NOW), NOW):
        return None  # time alone is not what is measured
    for score in range(11):
        told = _event(past[0].customer, "nps.answered", NOW + LATER, {"score": score})
        news = [*measures.count([told], {}), *counted]
        after = _true(asked, measures.read(news, NOW + LATER), NOW + LATER)
        if len(after - before) == 1 and before <= after:
            return told
    return None


def _true(asked: Compiled, known: Readings, at: datetime) -> set[str]:
    truths = asked.truths(known, at)
    return {name for name, truth in truths.items() if truth is Truth.TRUE}


def _event(who: CustomerId, name: str, at: datetime, data: JsonObject) -> Event:
    id = EventId(f"{who}-{name}-{at.isoformat()}-{'-'.join(map(str, data.values()))}")
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
