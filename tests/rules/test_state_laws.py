"""Laws of a rule's state, over random options and random lives with unknown stretches."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from tests.rules.test_state import NOW, Customer, rule

from retainkit.engine import _codec as codec
from retainkit.rules import (
    Cleared,
    Fired,
    Phase,
    Rule,
    RuleState,
    Truth,
    Turn,
    advance,
    days,
    hours,
)
from retainkit.rules._state import IDLE


LENGTHS = (None, hours(5), days(1), days(3))
ZONE = "America/New_York"
T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


class Look(NamedTuple):
    """When somebody looks, and what is so."""

    at: datetime
    truth: Truth
    clears: Truth
    term: str | None


def some_rule(chance: Random) -> Rule:
    """Any mix of options."""
    once = chance.choice((None, None, "day", "week", "month", "term", "ever"))
    return rule(
        for_=chance.choice(LENGTHS),
        keep_for=chance.choice(LENGTHS),
        clears_when=chance.choice((None, Customer.quiet)),
        cooldown=chance.choice(LENGTHS),
        once_per=once,
        term="renewal_at" if once == "term" else None,
        max_per=chance.choice((None, None, (1, days(3)), (2, days(7)))),
        unknown_for=chance.choice(LENGTHS),
        effective_until=chance.choice((None, None, NOW + days(9))),
    )


def some_life(chance: Random) -> list[Look]:
    """What is so from an instant on, until the next."""
    at, life = NOW, []
    for _ in range(chance.randint(2, 25)):
        at += chance.choice((timedelta(0), hours(1), hours(7), days(1), days(2)))
        life.append(
            Look(
                at,
                chance.choice((T, T, F, F, U)),
                chance.choice((T, F, U)),
                chance.choice(("one", "one", "two", None)),
            )
        )
    return life


def lived(
    given: Rule, life: list[Look], chance: Random | None = None
) -> tuple[list[tuple[datetime, Turn]], RuleState]:
    """Looked at with each news and at each next time; with chance, often in between, too."""
    state, turns = IDLE, []
    for index, look in enumerate(life):
        last = life[index + 1].at if index + 1 < len(life) else look.at + days(40)
        at: datetime | None = look.at
        while at is not None and (at == look.at or at < last):
            found = advance(
                given,
                codec.load(codec.dump(state), RuleState),  # a restart at each look
                at,
                truth=look.truth,
                clears=None if given.clears_when is None else look.clears,
                zone=ZONE,
                term=look.term,
            )
            turns += [(at, turn) for turn in found.turns]
            state, following = found.state, found.next
            assert following is None or following > at
            if chance is not None and chance.random() < 0.5:
                between = at + (last - at) * chance.random()
                following = between if following is None else min(between, following)
                following = None if following == at else following
            at = following
    return turns, state


def test_looking_more_often_changes_nothing() -> None:
    """Nothing happens strictly before `next`, and a restart forgets nothing; in 2,000 lives."""
    chance = Random(5)
    seen: dict[type[Turn], int] = {}
    for _ in range(2_000):
        given, life = some_rule(chance), some_life(chance)
        turns, state = lived(given, life)
        assert lived(given, life, chance) == (turns, state), (given, life)
        for _, turn in turns:
            seen[type(turn)] = seen.get(type(turn), 0) + 1
    assert len(seen) == 4
    assert min(seen.values()) > 300


def test_episodes_and_limits() -> None:
    """Fired and cleared take turns; no limit is ever passed; nothing fires on unknown."""
    chance = Random(6)
    fired = 0
    for _ in range(2_000):
        given, life = some_rule(chance), some_life(chance)
        turns, state = lived(given, life)
        ends = [(at, turn) for at, turn in turns if isinstance(turn, Fired | Cleared)]
        assert [turn.episode for _, turn in ends] == [1 + i // 2 for i in range(len(ends))]
        assert all(isinstance(turn, Cleared) is bool(i % 2) for i, (_, turn) in enumerate(ends))
        assert state.member is bool(len(ends) % 2)
        fires = [at for at, _ in ends[::2]]
        fired += len(fires)
        for (over, _), again in zip(ends[1::2], fires[1:], strict=False):
            assert given.cooldown is None or again - over >= given.cooldown
        if given.max_per is not None:
            most, window = given.max_per.count, given.max_per.window
            assert all(b - a >= window for a, b in zip(fires, fires[most:], strict=False))
        for at in fires:
            known = [look for look in life if look.at <= at]
            assert T in {look.truth for look in known if look.at in (at, known[-1].at)}
        if given.once_per == "ever":
            assert len(fires) <= 1
        assert (state.phase is Phase.IDLE) is (state.since is None)
    assert fired > 1_500
