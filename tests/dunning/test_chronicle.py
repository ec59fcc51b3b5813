"""
Whole cases, word for word: every event and effect, all that comes, the case as it is stored.

``python -m tests.dunning.test_chronicle`` writes them anew; the difference is what has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from tests.dunning.conftest import (
    ASK,
    DAY,
    HARD,
    HOUR,
    ODD,
    RETRYING,
    STAGES,
    START,
    WATCHING,
    World,
    cancelled,
    method_changed,
    payment,
)

from retainkit.billing import Decline
from retainkit.core import Because, NoEffect
from retainkit.dunning import Dunning, Stage, access, upcoming
from retainkit.engine import _codec
from retainkit.ids import PaymentMethodId


TOLD = Path(__file__).with_name("chronicle.txt")
NOTICED = (
    STAGES[0],
    Stage(after=3 * DAY, message="payment_failed", tone="neutral", access="notice"),
    *STAGES[1:3],
    Stage(after=17 * DAY, access="blocked"),
    Stage(after=21 * DAY, end="pause", message="subscription_paused"),
)


def recovered() -> World:
    """Two invoices, two ladders, a worker that slept, a new card, a thank-you."""
    world = World(evolve(RETRYING, stages=NOTICED, recovered_message="payment_recovered"))
    waiting = Decline(code="insufficient_funds", network_advice="25", network="mastercard")
    world.observe(world.provider.bill("in_1", decline=waiting))
    _look(world)
    world.until(START + 36 * HOUR)
    world.observe(world.provider.bill("in_2", at=world.now, amount="10.50", subscription="sub_2"))
    world.jump(START + 5 * DAY)
    _look(world)
    world.until(START + 9 * DAY)
    world.observe(world.provider.pay("in_1"))
    world.provider.behaviour["pm_new"] = "paid"
    world.deliver(method_changed("pm_new", world.now))
    world.run()
    return world


def paused() -> World:
    """The provider collects in vain; the end needs two attempts and leaves the case open."""
    world = World(evolve(WATCHING, stages=NOTICED))
    world.provider.bill("in_1", decline=ODD)
    tries = START + 2 * DAY
    world.observe(world.provider.change("in_1", next_payment_attempt=tries))
    _look(world)
    world.until(START + 8 * DAY)
    first = world.provider.invoices["in_1"].payments
    again = payment("in_1_ch2", at=world.now, decline=ASK)
    world.observe(
        world.provider.change("in_1", payments=(*first, again), tries=2, next_payment_attempt=None)
    )
    _look(world)
    world.provider.ends = NoEffect(reason="nothing_happened")
    world.until(START + 40 * DAY)
    _look(world)
    return world


def cancelled_twice() -> World:
    """One subscription is cancelled and forgiven, the other's card is dead and is cancelled."""
    world = World(evolve(RETRYING, forgive_on_cancel=True))
    world.observe(world.provider.bill("in_1"))
    world.provider.default = PaymentMethodId("pm_two")
    world.observe(world.provider.bill("in_2", decline=HARD, subscription="sub_2"))
    world.provider.without_effect = 1
    world.until(START + DAY)
    world.deliver(cancelled("sub_1", world.now))
    world.until(START + 15 * DAY)
    _look(world)
    world.until(START + 22 * DAY)
    world.now = START + 30 * DAY
    world.observe(world.provider.bill("in_3", at=world.now))
    world.until(START + 31 * DAY)
    return world


def moved() -> World:
    """Half-way through a long plan the case is moved to a shorter one, which has to announce."""
    world = World(evolve(WATCHING, stages=NOTICED))
    world.observe(world.provider.bill("in_1"))
    world.until(START + 9 * DAY)
    world.policy = evolve(WATCHING, stages=(STAGES[0], evolve(STAGES[2], after=DAY), STAGES[3]))
    world.feature = Dunning(world.policy)
    _look(world)
    world.wakes[world.case.id] = world.now
    world.until(START + 25 * DAY)
    return world


STORIES: dict[str, Callable[[], World]] = {
    story.__name__: story for story in (recovered, paused, cancelled_twice, moved)
}
_looks: list[tuple[datetime, str]] = []


def _look(world: World) -> None:
    """What somebody sees who asks now."""
    left = access(world.case, world.policy, world.now)
    _looks.append((world.now, f"case {_json(_codec.dump(world.case))}"))
    since, until = _time(left.since), _time(left.until)
    _looks.append((world.now, f"access {left.level} {since} {until} {_why(left.because)}"))
    _looks.extend(
        (world.now, f"ahead {_time(step.at)} {step.kind} {_why(step.because)}")
        for step in upcoming(world.case, world.policy, world.now)
    )


def _time(at: datetime | None) -> str:
    return "-" if at is None else _after(at - START)


def _after(passed: timedelta) -> str:
    return f"{passed.days:02}d{passed.seconds // 3600:02}h"


def _why(because: Because) -> str:
    values = {name: value for name, value in because.values.items() if name != "policy"}
    return f"{because.key} {_json(values)}"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=dict)


def _told(story: str) -> str:
    _looks.clear()
    world = STORIES[story]()
    lines = [f"== {story}", f"policy {_json(world.policy.definition)}"]
    for recorded in world.timeline:
        event = recorded.event
        at = _time(event.occurred_at)
        if not event.because:
            lines.append(f"{at} {event.name}")
            continue
        lines.append(f"{at} {event.name} {event.id}")
        lines.append(f"  {_json(event.data)}")
        lines += [f"  because {_why(because)}" for because in event.because]
    lines += [f"effect {effect.attempt} {_json(effect.data)}" for effect in world.effects]
    lines += [f"at {_time(at)} {seen}" for at, seen in _looks]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("story", STORIES)
def test_a_whole_case_is_told_as_it_was(story: str) -> None:
    """Whatever changes in what is decided, said or planned shows as a line."""
    told = TOLD.read_text(encoding="utf-8")
    assert _told(story) in told


if __name__ == "__main__":
    TOLD.write_text("".join(map(_told, STORIES)), encoding="utf-8")
