"""One event on a signal that 14 of 100 rules read: one of them fires, with its explanation.

Ours asks the 14; the anchor puts all 100 through the same: the same kit, the same event, counting,
loading, state machine, explanation and commit in memory. That it is one rule which fires, and the
same one on both sides, is checked for each customer.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from random import Random
from typing import cast

from attrs import frozen
from measure import in_turns
from rules_world import NOW, Customer, customer, rulebook

from retainkit import CustomerId, Event, RetainKit
from retainkit.core import Trigger
from retainkit.ids import EventId
from retainkit.money import money
from retainkit.rules import Rule, Rulebook, Truth, compiled, readings
from retainkit.signals import RulesCase, RulesFeature
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


EVENTS = 60
REPEATS = 9
SIGNAL = "nps"
READERS = 14
LATER = timedelta(minutes=5)


@frozen
class AskingAll(RulesFeature):
    """Whatever happened, all rules are asked."""

    def _asked(self, case: RulesCase | None, trigger: Trigger, now: datetime) -> Collection[str]:
        """All of them."""
        del case, trigger, now
        return self._index.followed.keys()


def run(name: str) -> dict[str, object]:
    """At least 4 times as fast as asking all."""
    del name
    book = Rulebook(
        signals=Customer, rules=[Rule(id=id, when=when) for id, when in rulebook().items()]
    )
    customers = _customers(Random(7), (REPEATS + 1) * EVENTS)  # noqa: S311 - the same for everybody
    few, every = _kit(book), _kit(book)
    bound = every.features.get("rules")
    if bound is None or every.measures is None:
        raise SystemExit("the kit follows no rules")
    bound.feature = bound.measuring = AskingAll(book, every.measures)
    rounds = [customers[at : at + EVENTS] for at in range(0, len(customers), EVENTS)]
    ours, anchor = (_rounds(kit, rounds) for kit in (few, every))
    gc.freeze()  # what was made before is nobody's work
    result = in_turns(ours, anchor, repeats=REPEATS, bound=4.0, unit="events a second")
    if _fired(few) != _fired(every):
        raise SystemExit("the two sides don't agree on what fired")
    return result


def _customers(chance: Random, count: int) -> list[tuple[dict[str, object], int]]:
    """Customers, each with a score that makes one more rule true than the one it has."""
    asked = compiled(rulebook())
    if len(asked.readers[SIGNAL]) != READERS:
        raise SystemExit("the world has changed")
    found: list[tuple[dict[str, object], int]] = []
    while len(found) < count:
        known = _typed(customer(chance))
        before = _true(asked.truths(readings(Customer, known), NOW))
        for score in range(11):
            after = asked.truths(readings(Customer, {**known, SIGNAL: score}), NOW)
            if len(_true(after) - before) == 1 and before <= _true(after):
                found.append((known, score))
                break
    return found


def _typed(known: dict[str, object]) -> dict[str, object]:
    return {
        name: money(cast("int", value), "EUR") if name in {"mrr", "overdue"} else value
        for name, value in known.items()
    }


def _true(truths: dict[str, Truth]) -> set[str]:
    return {name for name, truth in truths.items() if truth is Truth.TRUE}


def _kit(book: Rulebook) -> RetainKit:
    return RetainKit(store=MemoryStore(), rules=book, clock=ManualClock(NOW))


def _rounds(kit: RetainKit, rounds: list[list[tuple[dict[str, object], int]]]) -> Callable[[], int]:
    """A function that does one round each time; everybody is known to the kit before."""
    measures = kit.measures
    if measures is None:
        raise SystemExit("the kit counts nothing")
    prepared: list[list[Event]] = []
    for number, some in enumerate(rounds):
        events = []
        for place, (known, score) in enumerate(some):
            who = CustomerId(f"c{number}-{place}")
            with kit.transaction() as k:
                k.record(_told("first", who, measures.facts(known), NOW))
                k.decide(who)
            events.append(_told("then", who, measures.facts({SIGNAL: score}), NOW + LATER))
        prepared.append(events)
    cast("ManualClock", kit.clock).set(NOW + LATER)
    coming = iter(prepared)

    def one_round() -> int:
        events = next(coming)
        for event in events:
            with kit.transaction() as k:
                k.record(event)
                k.decide(event.customer)
        return len(events)

    return one_round


def _told(id: str, who: CustomerId, data: object, at: datetime) -> Event:
    return Event(
        id=EventId(f"{id}-{who}"),
        name="signals.set",
        customer=who,
        occurred_at=at,
        data=data,  # type: ignore[arg-type] # JSON, as measures made it
    )


def _fired(kit: RetainKit) -> list[tuple[str, object]]:
    """Who fired which rule after the score was told; each one, and one alone."""
    fired: list[tuple[str, object]] = []
    for member in _everybody():
        said = [
            recorded.event
            for recorded in kit.timeline(member)
            if recorded.event.name == "rules.fired" and recorded.event.occurred_at > NOW
        ]
        if len(said) != 1 or not said[0].because:
            raise SystemExit(f"of {member}, {len(said)} rules fired")
        fired.append((member, said[0].data["rule"]))
    return fired


def _everybody() -> list[CustomerId]:
    return [
        CustomerId(f"c{number}-{place}") for number in range(REPEATS + 1) for place in range(EVENTS)
    ]
