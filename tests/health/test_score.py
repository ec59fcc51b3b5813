"""Scores: what components say, what is missing, decay, caps, bands and the reasons."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.health.worlds import (
    BANDS,
    HIGHER,
    LOWER,
    NOW,
    Customer,
    aged,
    known,
    mood,
    moods,
    one,
    usual,
)

from retainkit.health import (
    UNKNOWN,
    Band,
    Bands,
    Cap,
    Combine,
    Component,
    Edge,
    Factors,
    Health,
    HealthModel,
    HealthPoint,
    Linear,
    Outside,
    Points,
    Silence,
    Steps,
    Table,
    decayed,
    score,
    score_columns,
)
from retainkit.health._fixed import remaining
from retainkit.health._score import standing
from retainkit.messages.reasons import explain_text
from retainkit.money import money
from retainkit.rules import Number, Readings, Text, columns, days, hours, readings


WEEK = timedelta(days=7)


def _part(model: HealthModel, name: str, customer: Readings) -> Decimal:
    found = {each.name: each for each in score(model, customer, NOW).contributions}
    return found[name].part


def test_a_score_is_the_mean_of_its_components_by_weight() -> None:
    """13 of 20 logins are 65 points, an NPS of 9 is 100, 4 days ago 90, nothing disputed 100."""
    customer = known(logins=13, nps=9, last_login_at=NOW - days(4), disputed=False)
    health = score(usual(), customer, NOW)
    assert health.score == Decimal("84.00")
    assert health.coverage == 1
    assert health.band == "green"
    assert [str(each.part) for each in health.contributions] == ["26.00", "30.00", "18.00", "10.00"]


def test_the_mean_of_moods_is_rounded_once() -> None:
    """Two healthy, one poor: 6.67 of 10."""
    names = dict(enumerate(("healthy", "healthy", "poor")))
    signals = {f"mood_{i}": mood(i) for i in names}
    customer = readings(signals, {f"mood_{i}": word for i, word in names.items()})
    health = score(moods(3), customer, NOW)
    assert health.score == Decimal("6.67")
    assert sum(each.part for each in health.contributions) == health.score


def test_a_missing_component_is_neither_good_nor_bad() -> None:
    """Without the NPS, the score is that of the rest, and three tenths of the weight are gone."""
    customer = known(logins=13, last_login_at=NOW - days(4), disputed=False)
    health = score(usual(), customer, NOW)
    assert health.score == Decimal("77.14")  # (40 * 65 + 20 * 90 + 10 * 100) / 70
    assert health.coverage == Decimal("0.7")
    silent = next(each for each in health.contributions if each.name == "nps")
    assert (silent.part, silent.points, silent.silence) == (Decimal(0), None, Silence.MISSING)


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (-4 / 7, "-0.571429", "-0,571429"),
        (2 / 3 * 1000, "666.667", "666,667"),
        (0.1 + 0.2, "0.3", "0,3"),
        (1234567.891, "1,234,568", "1.234.568"),
        (1.25e-07, "0.000000125", "0,000000125"),
        (12, "12", "12"),
    ],
)
def test_a_number_is_told_with_six_digits(value: float, english: str, german: str) -> None:
    """By the reader's signs; the reason has all of them."""
    health = score(usual(), known(logins=value), NOW)
    counts = next(each for each in health.because if each.key == "health.component.counts")
    assert counts.values["value"] in (repr(value), value)
    for locale, figure in (("en", f"for {english};"), ("de", f"für {german};")):
        assert figure in explain_text(counts.key, counts.values, locale)


def test_a_text_that_looks_like_a_number_is_told_as_it_is() -> None:
    """A version 1.10 is no 1.1; nor is a text in a reason that was written elsewhere."""
    version = Text(name="version")
    table = Table(points={"1.10": 100}, otherwise=0)
    model = one(Component(signal=version, weight=100, mapping=table))
    health = score(model, readings({"version": version}, {"version": "1.10"}), NOW)
    (counts,) = health.because
    assert explain_text(counts.key, counts.values, "de") == (
        "version: 100 Punkte für 1.10; Anteil am Wert: 100,00."
    )
    values = {**counts.values, "kind": "number", "value": "many"}
    assert "für many;" in explain_text(counts.key, values, "de")


def test_a_stale_reading_is_as_good_as_none() -> None:
    """An NPS is believed for 90 days; the rest is known."""
    nps = one(
        Component(signal=Customer.nps, direction=HIGHER, weight=100, mapping=Linear(low=0, high=10))
    )
    health = score(nps, known(nps=aged(10, days(91))), NOW)
    assert (health.score, health.band, health.coverage) == (None, UNKNOWN, Decimal(0))
    assert health.contributions[0].silence is Silence.STALE


def test_of_a_customer_of_whom_nothing_is_known_nothing_is_said() -> None:
    """Neither zero nor a hundred: unknown, with the reason."""
    model = usual(
        components=(
            Component(
                signal=Customer.logins, direction=HIGHER, weight=100, mapping=Linear(low=0, high=5)
            ),
        ),
        caps=(),
    )
    nothing = score(model, known(), NOW)
    assert (nothing.score, nothing.band, nothing.trend) == (None, UNKNOWN, None)
    assert nothing.because[0].key == "health.score.unknown"


def test_below_its_minimum_of_coverage_a_score_has_no_band() -> None:
    """Half of the weight must be known, unless the model asks for more or less."""
    customer = known(logins=20, disputed=False)  # and never logged in, which is known, too
    assert score(usual(), customer, NOW).coverage == Decimal("0.7")
    assert score(usual(minimum_coverage=0.7), customer, NOW).band != UNKNOWN
    low = score(usual(minimum_coverage=0.71), customer, NOW)
    assert low.band == UNKNOWN
    assert low.score is not None
    assert low.because[0].key == "health.coverage.low"


def test_exactly_the_minimum_of_coverage_is_enough() -> None:
    """Twelfths have no end: what is compared is the coverage as it is told."""
    either = Table(points={True: 0, False: 80})
    parts = [
        Component(name=f"p{i}", signal=Customer.disputed, weight=weight, mapping=either)
        for i, weight in enumerate((1, 1, 4))
    ]
    line = Linear(low=0, high=10)
    parts.append(Component(signal=Customer.logins, direction=HIGHER, weight=6, mapping=line))
    model = usual(components=parts, caps=(), total=12, minimum_coverage=0.5)
    health = score(model, known(disputed=False), NOW)
    assert (str(health.coverage), health.band) == ("0.5000", "green")
    population = columns({"customer": ["a"], "disputed": [False]}, Customer)
    assert score_columns(model, population, NOW).band(0) == "green"


def test_without_its_reasons_a_score_is_the_same() -> None:
    """As a back-test takes it: capped, half known, below its coverage, and unknown."""
    for customer in (
        known(logins=20, nps=10, last_login_at=NOW, disputed=True),
        known(logins=3),
        known(nps=9),
        known(),
    ):
        assert standing(usual(), customer, NOW) == score(usual(), customer, NOW).standing


def test_whatever_components_and_caps_are_called_each_is_asked_for_itself() -> None:
    """A component called cap, and a cap that has a number for a name."""
    part = Component(
        name="cap", weight=100, mapping=Factors(cases=((Customer.disputed, 0),), otherwise=100)
    )
    model = usual(components=(part,), caps=(Cap(name="0", when=Customer.logins < 3, at=10),))
    assert score(model, known(disputed=False, logins=1), NOW).score == 10
    assert score(model, known(disputed=True, logins=9), NOW).score == 0


def test_a_condition_that_is_unknown_is_no_reading() -> None:
    """Whether something is disputed nobody knows, so payments have no say."""
    found = score(usual(), known(logins=20), NOW)
    payments = next(each for each in found.contributions if each.name == "payments")
    assert payments.silence is Silence.CONDITION
    assert found.coverage == Decimal("0.6")


def test_the_first_true_condition_counts() -> None:
    """And an unknown one before it makes the component unknown: it might have been the first."""
    cases = ((Customer.logins < 1, 0), (Customer.disputed, 20), (Customer.logins < 5, 50))
    model = one(Component(name="risk", weight=100, mapping=Factors(cases=cases, otherwise=100)))
    assert score(model, known(logins=0, disputed=True), NOW).score == 0
    assert score(model, known(logins=3, disputed=True), NOW).score == 20
    assert score(model, known(logins=3, disputed=False), NOW).score == 50
    assert score(model, known(logins=9, disputed=False), NOW).score == 100
    assert score(model, known(logins=3), NOW).score is None


def test_where_no_condition_holds_a_factor_without_a_rest_says_nothing() -> None:
    """It is known all the same: the coverage does not fall."""
    risk = Component(name="risk", weight=60, mapping=Factors(cases=((Customer.disputed, 0),)))
    usage = Component(
        signal=Customer.logins, direction=HIGHER, weight=40, mapping=Linear(low=0, high=20)
    )
    model = usual(components=(usage, risk), caps=())
    calm = score(model, known(logins=13, disputed=False), NOW)
    assert (calm.score, calm.coverage) == (Decimal(65), Decimal(1))
    silent = calm.contributions[1]
    assert (silent.name, silent.points, silent.silence) == ("risk", None, Silence.OUTSIDE)
    assert score(model, known(logins=13, disputed=True), NOW).score == 26


def test_a_sum_of_nothing_known_is_not_its_start() -> None:
    """50 to start with would look like a score; nobody knows one."""
    line = Linear(low=0, high=10, points=(-5, 5))
    part = Component(signal=Customer.nps, direction=HIGHER, mapping=line)
    nothing = score(usual(combine=Combine.SUM, start=50, components=(part,)), known(), NOW)
    assert (nothing.score, nothing.band, nothing.coverage) == (None, UNKNOWN, Decimal(0))
    assert nothing.contributions[0].silence is Silence.MISSING


@pytest.mark.parametrize(
    ("outside", "value", "impact"),
    [
        (Outside.CLAMP, 7, "2"),
        (Outside.CLAMP, 0, "-5"),
        (Outside.CLAMP, 12, "5"),
        (Outside.CLAMP, -3, "-5"),
        (Outside.IGNORE, 7, "2"),
        (Outside.IGNORE, 10, "5"),
        (Outside.IGNORE, 10.5, "0"),
        (Outside.IGNORE, -1, "0"),
    ],
)
def test_a_line_is_clamped_or_bounded(outside: Outside, value: float, impact: str) -> None:
    """Planhat's two: beyond the ends the impact is that of the end, or none."""
    mapping = Linear(low=0, high=10, points=(-5, 5), outside=outside)
    model = usual(
        scale=(0, 10),
        bands=Bands(bands=(Band("all", 0, 10),)),
        combine=Combine.SUM,
        start=5,
        caps=(),
        components=(Component(signal=Customer.nps, direction=HIGHER, mapping=mapping),),
    )
    assert _part(model, "nps", known(nps=value)) == Decimal(impact)
    assert score(model, known(nps=value), NOW).score == 5 + Decimal(impact)
    assert score(model, known(nps=value), NOW).coverage == 1


def test_a_sum_is_cut_at_the_ends_of_its_scale_and_says_so() -> None:
    """5 to start with, plus 5, plus 4 is 14: 10, and 4 are cut off."""
    model = usual(
        scale=(0, 10),
        bands=Bands(bands=(Band("all", 0, 10),)),
        combine=Combine.SUM,
        start=5,
        caps=(),
        components=(
            Component(
                signal=Customer.nps,
                direction=HIGHER,
                mapping=Linear(low=0, high=10, points=(-5, 5)),
            ),
            Component(name="calm", mapping=Factors(cases=((Customer.disputed, -4),), otherwise=4)),
        ),
    )
    health = score(model, known(nps=10, disputed=False), NOW)
    assert health.score == 10
    assert {each.name: each.part for each in health.contributions} == {
        "start": 5,
        "nps": 5,
        "calm": 4,
        "limits": -4,
    }
    half = score(model, known(nps=10), NOW)
    assert (half.score, half.coverage) == (Decimal(10), Decimal("0.5556"))


@pytest.mark.parametrize(
    ("edge", "value", "points"),
    [
        (Edge.UPPER_INCLUDED, 10, 0),
        (Edge.UPPER_INCLUDED, 10.5, 50),
        (Edge.UPPER_INCLUDED, 20, 50),
        (Edge.UPPER_INCLUDED, 21, 100),
        (Edge.LOWER_INCLUDED, 9.5, 0),
        (Edge.LOWER_INCLUDED, 10, 50),
        (Edge.LOWER_INCLUDED, 20, 100),
    ],
)
def test_a_tier_has_the_edge_it_says(edge: Edge, value: float, points: int) -> None:
    """The top of a tier is in it and its bottom is not, or the other way round."""
    tiers = Steps(edges=(10, 20), points=(0, 50, 100), edge=edge)
    model = one(Component(signal=Customer.logins, direction=HIGHER, weight=100, mapping=tiers))
    assert score(model, known(logins=value), NOW).score == points


def test_lower_is_better_turns_the_line_round() -> None:
    """A first response within the hour is the best, one after two days the worst."""
    line = Linear(low=hours(1), high=hours(49))
    model = one(
        Component(signal=Customer.first_response, direction=LOWER, weight=100, mapping=line)
    )
    assert score(model, known(first_response=hours(25)), NOW).score == 50
    assert score(model, known(first_response=hours(1)), NOW).score == 100


def test_a_time_counts_by_how_long_ago_it_is() -> None:
    """Never is longest ago, where no value means never."""
    line = Linear(low=days(0) + hours(1), high=days(30) + hours(1))
    model = one(Component(signal=Customer.last_login_at, direction=LOWER, weight=100, mapping=line))
    assert score(model, known(last_login_at=NOW - days(15) - hours(1)), NOW).score == 50
    assert score(model, known(), NOW).score == 0


def test_an_amount_in_another_currency_says_nothing() -> None:
    """100 dollars are not 100 euros; nobody knows what they are here."""
    line = Linear(low=money("0", "EUR"), high=money("200", "EUR"))
    model = one(Component(signal=Customer.spend, direction=HIGHER, weight=100, mapping=line))
    assert score(model, known(spend=money("100", "EUR")), NOW).score == 50
    foreign = score(model, known(spend=money("100", "USD")), NOW)
    assert (foreign.score, foreign.contributions[0].silence) == (None, Silence.CURRENCY)


def test_a_word_without_points_says_nothing() -> None:
    """It is known all the same: the coverage does not fall."""
    model = one(Component(signal=Customer.plan, weight=100, mapping=Table(points={"team": 90})))
    assert score(model, known(plan="team"), NOW).score == 90
    other = score(model, known(plan="free"), NOW)
    assert (other.score, other.contributions[0].silence) == (None, Silence.OUTSIDE)
    assert other.coverage == 1


def test_what_is_old_weighs_less_and_is_not_read_as_bad() -> None:
    """After its half-life an NPS has half of its weight, after two a quarter."""
    fresh = known(logins=0, nps=aged(9, days(0)), last_login_at=NOW, disputed=False)
    older = known(logins=0, nps=aged(9, days(30)), last_login_at=NOW, disputed=False)
    assert score(usual(), fresh, NOW).score == 60
    health = score(usual(), older, NOW)
    assert health.score == Decimal("52.94")  # (15 * 100 + 20 * 100 + 10 * 100) / 85
    assert health.coverage == Decimal("0.85")


def test_of_a_sum_the_points_decay() -> None:
    """Ten points down weigh five after a half-life."""
    model = usual(
        combine=Combine.SUM,
        start=50,
        caps=(),
        components=(
            Component(
                signal=Customer.nps,
                direction=HIGHER,
                mapping=Steps(edges=(6,), points=(-10, 10)),
                half_life=days(30),
            ),
        ),
    )
    assert score(model, known(nps=aged(3, days(30))), NOW).score == 45


@pytest.mark.parametrize(
    ("value", "age", "left"),
    [(-10, 30, "-5"), (-10, 0, "-10"), (8, 60, "2"), (10, 15, "7.0711"), (10, -3, "10")],
)
def test_half_is_left_after_a_half_life(value: Points, age: int, left: str) -> None:
    """``value * 0.5 ** (age / half_life)``; what is yet to come has not aged."""
    assert decayed(value, timedelta(days=age), days(30)) == Decimal(left)


def test_a_reading_without_a_time_can_not_decay() -> None:
    """So it is not believed."""
    plain = Component(
        signal=Customer.logins,
        direction=HIGHER,
        weight=100,
        mapping=Linear(low=0, high=10),
        half_life=days(7),
    )
    undated = readings(Customer, {"logins": 5})
    assert score(one(plain), undated, NOW).contributions[0].silence is Silence.UNDATED


def test_what_is_forgotten_is_gone() -> None:
    """After many half-lives nothing is left to be believed."""
    plain = Component(
        signal=Customer.logins,
        direction=HIGHER,
        weight=100,
        mapping=Linear(low=0, high=10),
        half_life=hours(1),
    )
    health = score(one(plain), known(days(60), logins=5), NOW)
    assert (health.score, health.coverage, health.contributions[0].silence) == (
        None,
        Decimal(0),
        Silence.STALE,
    )


def test_an_open_dispute_caps_the_score() -> None:
    """However healthy the rest is; the lower of two caps counts."""
    customer = known(logins=20, nps=10, last_login_at=NOW, disputed=True)
    health = score(usual(), customer, NOW)
    assert (health.score, health.band) == (Decimal(40), "red")
    assert health.contributions[-1].name == "open_dispute"
    assert health.contributions[-1].part == -50
    assert sum(each.part for each in health.contributions) == 40
    assert "health.capped" in {each.key for each in health.because}
    both = usual(
        caps=(
            Cap(name="open_dispute", when=Customer.disputed, at=40),
            Cap(name="busy", when=Customer.logins >= 20, at=30),
        )
    )
    parts = {each.name: each.part for each in score(both, customer, NOW).contributions}
    assert (parts["open_dispute"], parts["busy"]) == (Decimal(-50), Decimal(-10))


def test_a_cap_that_is_unknown_caps_nothing() -> None:
    """Nobody knows of a dispute."""
    customer = known(logins=20, nps=10, last_login_at=NOW)
    assert score(usual(), customer, NOW).score == 100


def test_a_component_says_which_value_it_read() -> None:
    """With its time and source, as everything that decides."""
    because = score(usual(), known(logins=13, nps=9, disputed=True), NOW).because
    logins = next(each for each in because if each.values.get("component") == "logins")
    assert logins.key == "health.component.counts"
    assert logins.values["value"] == 13
    assert logins.values["at"] == "2026-11-01T09:00:00Z"
    assert logins.values["points"] == "65"
    payments = next(each for each in because if each.values.get("component") == "payments")
    assert (payments.key, payments.values["case"]) == ("health.component.condition", 1)


def _history(*scores: int, version: str, step: timedelta = WEEK) -> list[HealthPoint]:
    return [
        HealthPoint(
            at=NOW - step * (len(scores) - index),
            score=Decimal(each),
            coverage=Decimal(1),
            band=BANDS.of(each),
            version=version,
        )
        for index, each in enumerate(scores)
    ]


def test_a_trend_is_the_slope_of_own_history() -> None:
    """From 90 by 5 points a week to 75."""
    model = usual()
    customer = known(logins=12.5, nps=9, last_login_at=NOW - days(16), disputed=False)
    assert score(model, customer, NOW).score == 75
    past = _history(90, 85, 80, version=model.version)
    assert score(model, customer, NOW, before=past).trend == Decimal("-5.00")


def test_scores_that_were_kept_are_the_history_of_the_next() -> None:
    """Each as a point: three Sundays down by ten points of usage make a trend."""
    model, told = usual(), list[Health]()
    for weeks, logins in ((2, 20), (1, 15), (0, 10)):
        customer = known(WEEK * weeks, logins=logins, nps=9, last_login_at=NOW, disputed=False)
        past = [each.point for each in told]
        told.append(score(model, customer, NOW - WEEK * weeks, before=past))
    points = [each.point for each in told]
    assert [(point.at, point.score, point.band) for point in points] == [
        (NOW - WEEK * 2, Decimal(100), "green"),
        (NOW - WEEK, Decimal(90), "green"),
        (NOW, Decimal(80), "green"),
    ]
    assert {(point.coverage, point.version) for point in points} == {(Decimal(1), model.version)}
    assert told[-1].trend == Decimal("-10.00")


def test_too_little_history_makes_no_trend() -> None:
    """Two points, some days, or the scores of another model."""
    model = usual()
    customer = known(logins=12, nps=9, disputed=False)
    for past in (
        _history(90, version=model.version),
        _history(90, 80, 70, version=model.version, step=days(2)),
        _history(90, 80, 70, version="another"),
        _history(90, 80, 70, version=model.version, step=days(60)),
    ):
        assert score(model, customer, NOW, before=past).trend is None


def test_a_band_is_left_only_by_more_than_its_hysteresis() -> None:
    """From green at 75 upwards, down to 72 it stays green; below that it is yellow."""
    bands = Bands(bands=BANDS.bands, hysteresis=3)
    model = one(
        Component(
            signal=Customer.logins, direction=HIGHER, weight=100, mapping=Linear(low=0, high=100)
        ),
        bands=bands,
    )
    green = _history(80, version=model.version)
    assert score(model, known(logins=73), NOW).band == "yellow"
    kept = score(model, known(logins=73), NOW, before=green)
    assert kept.band == "green"
    assert kept.because[0].key == "health.band.kept"
    assert kept.because[0].values["plain"] == "yellow"
    assert score(model, known(logins=71), NOW, before=green).band == "yellow"
    assert score(model, known(logins=40), NOW, before=green).band == "red"


@pytest.mark.parametrize(("places", "shown"), [(0, "67"), (1, "66.7"), (4, "66.6667")])
def test_a_score_has_the_places_it_is_told_with(places: int, shown: str) -> None:
    """Rounded once, from the exact mean."""
    table = Table(points={"poor": 0, "concerning": 50, "healthy": 100})
    model = usual(
        total=3,
        places=places,
        caps=(),
        components=[Component(signal=mood(i), weight=1, mapping=table) for i in range(3)],
    )
    customer = readings(
        {f"mood_{i}": mood(i) for i in range(3)},
        {"mood_0": "healthy", "mood_1": "poor", "mood_2": "healthy"},
    )
    assert str(score(model, customer, NOW).score) == shown


@given(age=st.floats(0, 10_000, allow_nan=False), half_life=st.floats(0.5, 400))
def test_decay_is_the_power_of_a_half(age: float, half_life: float) -> None:
    """To the last bits; and never more than before."""
    left = remaining(age, half_life)
    assert left == pytest.approx(0.5 ** (age / half_life), rel=1e-15, abs=1e-18)
    assert remaining(age * 2, half_life) <= left <= 1


@given(
    values=st.lists(
        st.tuples(st.integers(1, 50), st.none() | st.integers(0, 10_000)), min_size=1, max_size=8
    ),
    seed=st.randoms(use_true_random=False),
)
def test_a_mean_is_what_it_is(values: list[tuple[int, int | None]], seed: Random) -> None:
    """Of what is known, exact before it is rounded; whatever the order of the components."""
    signals = {f"n{i}": Number(name=f"n{i}") for i in range(len(values))}
    parts = [
        Component(
            signal=signals[f"n{i}"],
            direction=HIGHER,
            weight=weight,
            mapping=Linear(low=0, high=100),
        )
        for i, (weight, _) in enumerate(values)
    ]
    total = sum(weight for weight, _ in values)
    customer = readings(
        signals, {f"n{i}": None if v is None else v / 100 for i, (_, v) in enumerate(values)}
    )
    found = score(usual(components=parts, total=total, caps=()), customer, NOW)
    said = [(weight, value) for weight, value in values if value is not None]
    assert found.coverage == pytest.approx(
        Decimal(sum(weight for weight, _ in said)) / total, abs=Decimal("0.0001")
    )
    if not said:
        assert found.score is None
        return
    assert found.score is not None
    mean = Fraction(sum(w * v for w, v in said), 100 * sum(w for w, _ in said))
    # A weight is rounded to billionths of the whole, hence the last digit.
    assert abs(Fraction(found.score) - mean) <= Fraction(1, 200) + Fraction(1, 10**5)
    assert sum(each.part for each in found.contributions) == found.score
    shuffled = list(parts)
    seed.shuffle(shuffled)
    again = score(usual(components=shuffled, total=total, caps=()), customer, NOW)
    assert (again.score, again.coverage, again.band) == (found.score, found.coverage, found.band)
