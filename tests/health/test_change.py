"""Why a score moved: the shifts add up, and only what changed has a part in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.health.worlds import HIGHER, NOW, Customer, aged, known, one, usual

from retainkit.health import (
    Combine,
    Component,
    Factors,
    HealthModel,
    Linear,
    Outside,
    Silence,
    explain_change,
    score,
)


SUM = usual(
    combine=Combine.SUM,
    start=50,
    components=(
        Component(
            signal=Customer.nps,
            direction=HIGHER,
            mapping=Linear(low=0, high=10, points=(-40, 40)),
            half_life=timedelta(days=30),
        ),
        Component(
            signal=Customer.logins,
            direction=HIGHER,
            mapping=Linear(low=5, high=20, points=(-10, 15), outside=Outside.IGNORE),
        ),
        Component(name="calm", mapping=Factors(cases=((Customer.disputed, -20),), otherwise=3)),
    ),
)


@st.composite
def customers(draw: st.DrawFn) -> Mapping[str, object]:
    """Some values, each perhaps missing."""
    nps = draw(st.none() | st.integers(0, 10))
    ago = draw(st.none() | st.integers(0, 60))
    return {
        "logins": draw(st.none() | st.floats(-5, 30, allow_nan=False)),
        "nps": None if nps is None else aged(nps, timedelta(days=draw(st.integers(0, 80)))),
        "last_login_at": None if ago is None else NOW - timedelta(days=ago),
        "disputed": draw(st.none() | st.booleans()),
    }


def test_shifts_are_of_the_scores_that_people_saw() -> None:
    """11.5 and 12.5 are both told as 12, so nothing moved them."""
    line = Linear(low=0, high=100)
    part = Component(signal=Customer.logins, direction=HIGHER, weight=100, mapping=line)
    was, now = (score(one(part, places=0), known(logins=logins), NOW) for logins in (11.5, 12.5))
    assert was.score == now.score == 12
    assert explain_change(was, now) == ()


@given(
    model=st.sampled_from([usual(), usual(places=0), usual(places=4), SUM]),
    before=customers(),
    after=customers(),
)
def test_the_shifts_add_up_to_the_change(
    model: HealthModel, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """Exactly, whatever came, went, decayed or was capped; and so do the parts of each score."""
    was, now = (score(model, known(**values), NOW) for values in (before, after))
    shifts = explain_change(was, now)
    if was.score is None or now.score is None:
        assert shifts == ()
        return
    assert sum(shift.by for shift in shifts) == now.score - was.score
    assert sum(each.part for each in now.contributions) == now.score
    moved = {
        each.name
        for each in (*was.contributions, *now.contributions)
        if each not in was.contributions or each not in now.contributions
    }
    assert {shift.name for shift in shifts} <= moved


@given(values=customers())
def test_without_a_change_nothing_shifts(values: Mapping[str, object]) -> None:
    """The same customer at the same instant."""
    found = score(usual(), known(**values), NOW)
    assert explain_change(found, found) == ()


def test_who_went_missing_is_charged_not_those_who_stayed() -> None:
    """The bad NPS is gone: the score rises by it alone, although the others weigh more now."""
    rest = {"logins": 16, "last_login_at": NOW - timedelta(days=7), "disputed": False}
    before = score(usual(), known(nps=3, **rest), NOW)
    after = score(usual(), known(**rest), NOW)
    assert (before.score, after.score) == (Decimal("58.00"), Decimal("82.86"))
    (shift,) = explain_change(before, after)
    assert (shift.name, shift.by) == ("nps", Decimal("24.86"))
    assert shift.silence is Silence.MISSING
    (back,) = explain_change(after, before)
    assert (back.by, back.silence) == (Decimal("-24.86"), None)


def test_two_changes_are_told_apart() -> None:
    """Fewer logins cost 10 points, a better NPS brings 15: the largest is told first."""
    before = score(usual(), known(logins=15, nps=7, last_login_at=NOW, disputed=False), NOW)
    after = score(usual(), known(logins=10, nps=9, last_login_at=NOW, disputed=False), NOW)
    told = [(shift.name, shift.by) for shift in explain_change(before, after)]
    assert told == [("nps", Decimal(15)), ("logins", Decimal(-10))]


def test_what_is_summed_up_shifts_by_its_own_impact() -> None:
    """An NPS from 5 to 8 brings 24 points, decayed or not, and the dispute costs 23."""
    was = score(SUM, known(nps=5, logins=20, disputed=False), NOW)
    now = score(SUM, known(nps=8, logins=20, disputed=True), NOW)
    assert (was.score, now.score) == (Decimal(68), Decimal(40))  # by the cap; else 69
    told = [(shift.name, int(shift.by)) for shift in explain_change(was, now)]
    assert told == [("open_dispute", -29), ("nps", 24), ("calm", -23)]


def test_a_cap_is_told_by_its_name() -> None:
    """The dispute costs the points of payments, and the cap what is above it."""
    values = {"logins": 20, "nps": 10, "last_login_at": NOW}
    before = score(usual(), known(disputed=False, **values), NOW)
    after = score(usual(), known(disputed=True, **values), NOW)
    told = {shift.name: shift.by for shift in explain_change(before, after)}
    assert told == {"open_dispute": -50, "payments": -10}


def test_another_model_moves_a_score_by_itself() -> None:
    """What a component did in one model can't be compared with what it does in another."""
    customer = known(logins=20, nps=3, last_login_at=NOW, disputed=False)
    before = score(usual(), customer, NOW)
    after = score(SUM, customer, NOW)
    assert before.score is not None
    assert after.score is not None
    (shift,) = explain_change(before, after)
    assert (shift.name, shift.by) == ("model", after.score - before.score)
