"""F1: ninety days of customers under workers that die in every attempt, held against a model."""

from __future__ import annotations

import ast
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults._campaign import say, seed, size
from tests.faults._world import Result, Simulation

from retainkit.core import Intent
from retainkit.engine import Guarantee


def _run(which: int, customers: int) -> tuple[int, Result]:
    return which, Simulation(seed=which, customers=customers).run()


def _judge(which: int, result: Result) -> None:
    assert not result.doubles, (which, result.doubles[:5])
    assert not result.lost, (which, result.lost[:5])
    assert not result.differences, (which, len(result.differences), *result.differences[:3])


@pytest.mark.parametrize("which", [1, 2, 3])
def test_whoever_dies_wherever_each_customer_ends_as_the_model_says(which: int) -> None:
    """200 customers: no double charge, no lost step, no other end than the model's."""
    _, result = _run(which, 200)
    _judge(which, result)
    assert sum(result.deaths.values()) > 4000
    assert min(result.deaths[point] for point in ("after the charge", "after a commit")) > 5
    assert result.told[1] > 100


@pytest.mark.faults
def test_twenty_seeds_of_ten_thousand_customers() -> None:
    """The long form: every seed of its own, all of them without a single difference."""
    first, seeds, customers = seed(), size("SEEDS", 20), size("CUSTOMERS", 10_000)
    totals = Counter[str]()
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        whole = pool.map(_run, range(first, first + seeds), [customers] * seeds)
        for which, result in whole:
            inside = {at: n for at, n in result.deaths.items() if at != "after the last commit"}
            totals.update(attempts=result.attempts, inside=sum(inside.values()))
            say(
                "F1",
                seed=which,
                customers=customers,
                attempts=result.attempts,
                died_inside=sum(inside.values()),
                webhooks="{}+{}".format(*result.told),
                doubles=len(result.doubles),
                lost=len(result.lost),
                differences=len(result.differences),
                seconds=round(result.seconds, 1),
            )
            _judge(which, result)
    say("F1 in all", seeds=seeds, **totals)


def test_a_key_that_changes_is_seen_by_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a random key at every sending, the bank's log shows invoices paid twice."""
    monkeypatch.setattr(Intent, "key", property(lambda self: uuid4().hex))
    assert any("paid twice" in double for double in _run(1, 60)[1].doubles)


def test_a_step_that_is_never_planned_is_seen_by_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a case's next step is forgotten, it is found missing, and the ends differ."""
    monkeypatch.setattr("retainkit.dunning._feature.wake", lambda case, policy, now: None)
    result = _run(1, 30)[1]
    assert any("no timer" in lost for lost in result.lost)
    assert result.differences


def test_mail_that_is_sent_again_is_seen_by_the_judge() -> None:
    """Where mail is taken for repeatable, the log of the mails shows it."""
    result = Simulation(seed=1, customers=60, mail=Guarantee.EXACTLY_ONCE).run()
    assert any("mailed twice" in double for double in result.doubles)


def test_the_model_knows_nothing_of_retainkit() -> None:
    """An oracle that shares code with what it judges would share its mistakes."""
    source = ast.parse((Path(__file__).parent / "_model.py").read_text())
    assert not any(isinstance(node, ast.Import) for node in ast.walk(source))
    imported = {node.module for node in ast.walk(source) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "dataclasses"}
