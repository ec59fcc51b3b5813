"""Seeded worlds and the demo: the same seed gives the same bytes, and figures add up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.core import check_json, dumps
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.money import Money, total
from retainkit.payments.simulated import Try
from retainkit.simulate import (
    Outcome,
    Parameters,
    Result,
    demo_policies,
    run_demo,
    seeded_world,
    simulate,
)
from retainkit.stores.sql import SqlStore


WORLD = seeded_world(customers=60, days=45, seed=11)
POLICY = demo_policies()["retainkit"]


@pytest.fixture(scope="module", name="outcome")
def _outcome() -> Outcome:
    return simulate(WORLD, POLICY)


def test_every_failed_invoice_has_one_fate(outcome: Outcome) -> None:
    """Nothing is lost, nothing counted twice; nobody pays twice."""
    fates = Counter(one.result for one in outcome.failed)
    assert sum(fates.values()) == len(outcome.failed) > 0
    assert fates[Result.OPEN] == 0
    assert len({one.id for one in outcome.failed}) == len(outcome.failed)
    assert outcome.charged_twice == ()


def test_the_money_due_is_what_the_customers_pay(outcome: Outcome) -> None:
    """What was opened is never more than what the truth has planned."""
    planned: dict[str, list[Money]] = {}
    for one in WORLD.customers:
        planned.setdefault(one.price.currency.code, []).extend([one.price] * len(one.renewals))
    for code, (count, due) in outcome.due.items():
        assert count <= len(planned[code])
        assert due.amount <= total(planned[code], code).amount


def test_recovery_follows_from_the_truth(outcome: Outcome) -> None:
    """An invoice is paid by a try exactly when the card would have said so at that time."""
    people = {one.customer.id: one for one in WORLD.customers}
    for invoice in outcome.failed:
        card = people[invoice.customer].card
        assert card.refusal(invoice.failed_at) is not None
        if invoice.means is not None and invoice.means.value == "retry":
            assert invoice.paid_at is not None
            assert card.refusal(invoice.paid_at) is None
            assert invoice.took == POLICY.retries[invoice.retries - 1]


def test_a_store_does_not_change_the_figures(outcome: Outcome, tmp_path: Path) -> None:
    """On SQLite everything comes out as in memory."""
    store = SqlStore(f"sqlite:///{tmp_path / 'simulated.db'}")
    try:
        assert simulate(WORLD, POLICY, store=store) == outcome
    finally:
        store.close()


def test_customers_are_drawn_one_by_one() -> None:
    """More customers don't change those who were there."""
    more = seeded_world(customers=70, days=45, seed=11)
    assert more.customers[:60] == WORLD.customers


def test_another_seed_is_another_world() -> None:
    """Else the seed would do nothing."""
    assert seeded_world(customers=60, days=45, seed=12).customers != WORLD.customers


def test_about_as_many_renewals_fail_as_published() -> None:
    """The parameters together meet the 7.2 % of subscribers at risk a month, within a point."""
    world = seeded_world(customers=3000, days=60, seed=1)
    refused = [
        one.card.refusal(renewal.at) is not None
        for one in world.customers
        for renewal in one.renewals[:1]  # later ones meet cards that nobody replaced
    ]
    assert 620 <= 10_000 * sum(refused) // len(refused) <= 820


def test_a_world_without_trouble_has_no_failures() -> None:
    """The parameters are what makes payments fail."""
    calm = evolve(
        Parameters(),
        funds_short=0,
        not_honoured=0,
        lost=0,
        stolen=0,
        authentication=0,
        card_updated=10_000,
        outages_per_month=0,
    )
    world = seeded_world(customers=40, days=40, seed=5, parameters=calm)
    assert simulate(world, POLICY).failed == ()


@given(hours=st.integers(0, 24 * 80), number=st.integers(1, 9), lot=st.text())
@settings(max_examples=50)
def test_a_card_answers_by_the_time_alone(hours: int, number: int, lot: str) -> None:
    """However often it was tried, and by whom: so two policies meet the same cards."""
    at = WORLD.start + timedelta(hours=hours)
    for one in WORLD.customers[:10]:
        first = Try(amount=one.price, at=at, number=1, lot="")
        other = Try(amount=one.price, at=at, number=number, lot=lot)
        assert one.card.verdict(first) == one.card.verdict(other)


@pytest.mark.parametrize(("customers", "days", "field"), [(0, 5, "customers"), (5, 0, "days")])
def test_an_empty_world_is_refused(customers: int, days: int, field: str) -> None:
    """There would be nothing to see."""
    with pytest.raises(InvalidInput) as caught:
        seeded_world(customers=customers, days=days, seed=1)
    error = caught.value
    assert (error.code, error.field, error.value) == ("simulate.size", field, 0)
    assert error.remedy == "pass 1 or more"


def test_the_demo_writes_the_same_bytes_everywhere(tmp_path: Path) -> None:
    """Whatever the hash seed, the zone and the language of the machine."""
    program = (
        "import sys; from pathlib import Path; from retainkit.core import dumps\n"
        "from retainkit.simulate import run_demo\n"
        "found = run_demo(customers=25, days=30, seed=7, out=Path(sys.argv[1]))\n"
        "sys.stdout.write(dumps(found.summary) + found.table.encode('unicode_escape').decode())"
    )
    seen = set()
    for number, (seed, zone) in enumerate([("0", "UTC"), ("77", "Pacific/Kiritimati")]):
        out = tmp_path / str(number)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        printed = subprocess.run(
            [sys.executable, "-c", program, str(out)],
            env=environment,
            capture_output=True,
            check=True,
        ).stdout
        seen.add((printed, (out / "report.html").read_bytes()))
    assert len(seen) == 1


def test_the_demo_compares_policies_with_as_many_tries(tmp_path: Path) -> None:
    """Its summary is JSON without a float, its figures agree with its table, and it says so."""
    told: list[tuple[int, int]] = []
    found = run_demo(25, 30, 7, tmp_path / "new", progress=lambda *days: told.append(days))
    check_json(found.summary, "summary")
    assert found.summary["simulated"] is True
    ours, theirs = demo_policies().values()
    assert len(ours.retries) == len(theirs.retries)
    assert ours.stages == theirs.stages
    assert found.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "Simulated" in found.table
    assert told[-1] == (130, 130)
    assert dumps(found.summary).count('"charged_twice":0') == 2


def test_the_demo_says_where_it_can_not_write(tmp_path: Path) -> None:
    """Before it has worked for a minute."""
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(ConfigurationError) as caught:
        run_demo(customers=5, days=5, seed=7, out=taken)
    error = caught.value
    assert (error.code, error.field, error.value) == ("simulate.out", "out", str(taken))
    assert error.remedy == "name a folder you may write to"


def test_seeded_worlds_begin_at_a_fixed_time() -> None:
    """Not today: the same command gives the same bytes next year."""
    assert WORLD.start == datetime.fromisoformat("2026-01-01T00:00:00+00:00")
