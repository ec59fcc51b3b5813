"""Laws of rules over random trees and random customers with missing and stale values."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from tests.rules.worlds import NOW, SEGMENTS, customer, tree

from retainkit.rules import Truth, compiled, next_flip, truth_of, version, why


def test_closures_agree_with_the_naive_interpreter() -> None:
    """Two ways to ask give one answer, in 5,000 cases, all three answers among them."""
    chance = Random(1)
    seen = dict.fromkeys(Truth, 0)
    for _ in range(500):
        condition = tree(chance, with_segments=True)
        asked = compiled({"rule": condition}, segments=SEGMENTS)
        for _ in range(10):
            known = customer(chance)
            at = NOW + timedelta(hours=chance.randint(0, 200))
            explained = why(condition, known, at, segments=SEGMENTS)
            assert asked.truths(known, at)["rule"] is explained.truth, (condition, known)
            seen[explained.truth] += 1
    assert min(seen.values()) > 500


def test_nothing_changes_before_the_next_flip() -> None:
    """Between now and then time alone changes nothing, in 2,000 cases; and then it often does."""
    chance = Random(2)
    flips = changed = 0
    for _ in range(2_000):
        condition, known = tree(chance), customer(chance)
        asked = compiled({"rule": condition})
        now = NOW + timedelta(minutes=chance.randint(0, 10_000))
        before = asked.truths(known, now)["rule"]
        flip = next_flip(condition, known, now)
        if flip is None:
            last = NOW + timedelta(days=4_000)
        else:
            assert flip > now
            flips += 1
            changed += asked.truths(known, flip)["rule"] is not before
            last = flip - timedelta(microseconds=1)
        between = [now + (last - now) * chance.random() for _ in range(5)]
        for at in (*between, last):
            assert asked.truths(known, max(at, now))["rule"] is before, (condition, known, at)
    assert flips > 400
    assert changed > flips * 0.7
