"""Back-tests: what a score would have said against what became of customers, in worlds we know."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import NormalDist
from typing import Any

import pytest

from retainkit.errors import InvalidInput
from retainkit.health import (
    UNKNOWN,
    BackTest,
    Band,
    Bands,
    Component,
    Direction,
    Estimate,
    FalseGreen,
    Found,
    HealthModel,
    HealthModels,
    KnownValue,
    Linear,
    Stay,
    Unclaimed,
    backtest,
    known_values,
)
from retainkit.ids import CustomerId
from retainkit.rules import Flag, Number, Readings, Signals, Text, days, readings


START = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = days(90)
NEVER_LEFT = START + days(400)


class Customer(Signals):
    """What is known of customers here."""

    use = Number()
    mood = Number()
    large = Flag()


class Owner(Customer):
    """What is known where the plan is, too."""

    plan = Text()


BANDS = Bands(bands=(Band("red", 0, 40), Band("yellow", 40, 60), Band("green", 60, 100)))


def model(
    weights: Mapping[str, int] | None = None, *, id: str = "all", bands: Bands = BANDS
) -> HealthModel:
    """The mean of some signals, each from 0 to 100; of the use alone by default."""
    return HealthModel(
        id=id,
        components=[
            Component(
                signal={"use": Customer.use, "mood": Customer.mood}[name],
                direction=Direction.HIGHER_IS_BETTER,
                mapping=Linear(low=0, high=100),
                weight=weight,
            )
            for name, weight in (weights or {"use": 100}).items()
        ],
        bands=bands,
    )


def stay(name: str, left_after: int | None = None, **attributes: str) -> Stay:
    """A customer since the start, who left after so many days, or never."""
    until = NEVER_LEFT if left_after is None else START + days(left_after)
    return Stay(
        customer=CustomerId(name),
        since=START,
        until=until,
        left=left_after is not None,
        attributes=attributes,
    )


def held(
    values: Mapping[str, Mapping[str, float]],
    gone: Iterable[str],
    models: HealthModel | HealthModels | None = None,
) -> BackTest:
    """One look at customers of whom this is known; some of them leave 30 days later."""
    lost = set(gone)
    return backtest(
        models or model(),
        [stay(name, 30 if name in lost else None) for name in values],
        lambda customer, at: readings(Customer, values[customer], at=at),
        at=[START],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
    )


def course(name: str, *scores: float | None, left_after: int | None = None) -> BackTest:
    """One customer, looked at week by week."""

    def known(_: CustomerId, at: datetime) -> Readings:
        score = scores[(at - START) // days(7)]
        return readings(Customer, {"use": score}, at=at)

    return backtest(
        model(),
        [stay(name, left_after)],
        known,
        at=[START + week * days(7) for week in range(len(scores))],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
    )


def told(test: BackTest) -> list[Found]:
    """What it came to."""
    return [verdict.found for verdict in test.verdicts]


def sentence(test: BackTest, found: Found) -> str:
    """The sentence about one thing."""
    (text,) = [verdict.text for verdict in test.verdicts if verdict.found is found]
    return text


def drawn(rng: random.Random, lost: int, kept: int, shift: float) -> dict[str, dict[str, float]]:
    """Customers whose use is normal, and lower by so many deviations among the first ones."""
    use = [rng.gauss(45, 10) for _ in range(lost)] + [
        rng.gauss(45 + 10 * shift, 10) for _ in range(kept)
    ]
    return {
        f"c{n}": {"use": round(min(100.0, max(0.0, each)), 2), "mood": rng.uniform(0, 100)}
        for n, each in enumerate(use)
    }


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_interval_holds_the_truth_of_the_world_in_95_of_100(shift: float) -> None:
    """200 seeded worlds; without a shift the score knows nothing, and the truth is 0.5."""
    truth, rng, held_it = NormalDist().cdf(shift / sqrt(2)), random.Random(11), 0
    for _ in range(200):
        test = held(drawn(rng, 15, 45, shift), [f"c{n}" for n in range(15)])
        held_it += truth in test.area
    assert 180 <= held_it <= 199


def test_a_score_that_foretells_is_said_to() -> None:
    """With figures, intervals, and bands in order."""
    test = held(drawn(random.Random(1), 60, 180, 2.0), [f"c{n}" for n in range(60)])
    assert told(test)[0] is Found.FORETELLS
    assert test.area.low is not None
    assert test.area.low > 0.85
    assert test.monotone is True
    assert (test.customers, test.leavers, test.looks, test.unfollowed) == (240, 60, 240, 0)
    assert "90 days" in sentence(test, Found.FORETELLS)
    assert test.coverage == 1
    assert test.scored.value == 1


def test_a_useless_score_is_said_to_be_one() -> None:
    """Its interval holds 0.5, and the sentence says chance."""
    test = held(drawn(random.Random(12), 60, 180, 0.0), [f"c{n}" for n in range(60)])
    assert told(test)[0] is Found.CHANCE
    assert 0.5 in test.area
    assert "can't be told from chance" in sentence(test, Found.CHANCE)


def test_a_score_upside_down_is_said_to_be_one() -> None:
    """The usual mistake: a direction."""
    test = held(drawn(random.Random(3), 60, 180, -2.0), [f"c{n}" for n in range(60)])
    assert told(test)[0] is Found.REVERSED
    assert "directions" in sentence(test, Found.REVERSED)


def test_a_score_that_is_one_of_its_components_is_no_better() -> None:
    """All others add nothing, so it says so; the interval of the difference is zero wide."""
    values = drawn(random.Random(4), 60, 180, 1.5)
    test = held(values, [f"c{n}" for n in range(60)])
    (use,) = test.components
    assert (use.gain.value, use.gain.low, use.gain.high, use.beaten) == (0, 0, 0, False)
    assert use.area == test.area
    assert "no better than its component use alone" in sentence(
        test, Found.NO_BETTER_THAN_COMPONENT
    )


def test_a_score_that_is_watered_down_is_worse_than_its_component() -> None:
    """Half of it is noise; the noise itself is beaten, and not mentioned."""
    values = drawn(random.Random(5), 100, 300, 1.5)
    test = held(values, [f"c{n}" for n in range(100)], model({"use": 30, "mood": 70}))
    assert "worse than its component use alone" in sentence(test, Found.NO_BETTER_THAN_COMPONENT)
    use, mood = test.components
    assert (use.beaten, mood.beaten) == (False, True)
    assert use.gain.high is not None
    assert use.gain.high < 0


def test_a_score_of_two_that_each_know_a_half_is_better_than_either() -> None:
    """Then nothing is said against it."""
    rng = random.Random(6)
    values = {
        f"c{n}": {key: rng.gauss(40 if n < 150 else 52, 12) for key in ("use", "mood")}
        for n in range(500)
    }
    test = held(values, [f"c{n}" for n in range(150)], model({"use": 50, "mood": 50}))
    assert told(test)[0] is Found.FORETELLS
    assert Found.NO_BETTER_THAN_COMPONENT not in told(test)
    assert all(each.beaten for each in test.components)


def test_a_component_is_compared_where_it_is_known() -> None:
    """On the very same customers; how many that are stands beside it."""
    values = drawn(random.Random(7), 60, 180, 1.5)
    for name in list(values)[::2]:
        del values[name]["mood"]
    test = held(values, [f"c{n}" for n in range(60)], model({"use": 50, "mood": 50}))
    mood = next(each for each in test.components if each.component == "mood")
    assert mood.known.value == 0.5
    assert (mood.area.of, mood.gain.of, test.area.of) == (120, 120, 240)
    assert test.coverage == Decimal("0.75")


def test_ties_count_half() -> None:
    """Scores of two values only."""
    values = {f"c{n}": {"use": 30.0 if n % 3 else 70.0} for n in range(60)}
    test = held(values, [f"c{n}" for n in range(20)])
    lost = [values[f"c{n}"]["use"] for n in range(20)]
    kept = [values[f"c{n}"]["use"] for n in range(20, 60)]
    wins = sum((a < b) + (a == b) / 2 for a in lost for b in kept)
    assert test.area.value == pytest.approx(wins / (20 * 40))


@pytest.mark.parametrize(("lost", "text"), [(0, "0 left"), (30, "30 left")])
def test_where_all_or_none_left_there_is_nothing_to_compare(lost: int, text: str) -> None:
    """A defined answer; the bands still say how many left."""
    values = {f"c{n}": {"use": 20.0 + n} for n in range(30)}
    test = held(values, [f"c{n}" for n in range(lost)])
    assert told(test)[0] is Found.NOTHING
    assert text in sentence(test, Found.NOTHING)
    assert test.area == Estimate(value=None, unclaimed=Unclaimed.NOTHING)
    assert test.bands[0].left.value == lost / 30
    assert json.loads(json.dumps(test.to_json()))["area"]["value"] is None


def test_nobody_at_all_has_an_answer() -> None:
    """No customers, or none who could be followed: no division by zero anywhere."""
    empty = held({}, [])
    late = backtest(
        model(),
        [stay("a"), stay("b", 30)],
        lambda _, at: readings(Customer, {"use": 50.0}, at=at),
        at=[NEVER_LEFT - days(10)],
        horizon=HORIZON,
    )
    for test in (empty, late):
        assert (test.customers, test.looks, test.coverage, test.monotone) == (0, 0, None, None)
        assert told(test) == [Found.NOTHING]
        assert test.lead.days.value is None
        assert test.false_green_share.value is None
        assert "\u2013" in test._repr_html_()
        json.dumps(test.to_json())


def test_too_few_who_left_prove_nothing() -> None:
    """Nine of a hundred: a figure, no interval, and a sentence that says so."""
    test = held(drawn(random.Random(8), 9, 91, 3.0), [f"c{n}" for n in range(9)])
    assert told(test)[0] is Found.FEW
    assert test.area.value is not None
    assert test.area.low is None
    assert "9 of 100 left" in sentence(test, Found.FEW)


def test_bands_out_of_order_are_named() -> None:
    """And whether that may be chance."""
    values = {f"r{n}": {"use": 20.0} for n in range(100)}
    values |= {f"y{n}": {"use": 50.0} for n in range(100)}
    values |= {f"g{n}": {"use": 80.0} for n in range(100)}
    gone = [f"r{n}" for n in range(5)] + [f"y{n}" for n in range(40)] + ["g0"]
    test = held(values, gone)
    assert test.monotone is False
    text = sentence(test, Found.NOT_MONOTONE)
    assert "band yellow, 40.0\u202f% (" in text
    assert "worse band red, 5.0\u202f% (" in text
    assert "chance" not in text
    by_chance = held(values, [f"r{n}" for n in range(5)] + [f"y{n}" for n in range(6)])
    assert "that may be chance" in sentence(by_chance, Found.NOT_MONOTONE)


def test_false_greens_are_listed_with_what_misled() -> None:
    """Who, when, at which score, and which components said so; the most confident first."""
    values = {
        "calm": {"use": 90.0, "mood": 70.0},
        "calmer": {"use": 95.0, "mood": 75.0},
        "ill": {"use": 10.0, "mood": 10.0},
        "fine": {"use": 80.0, "mood": 80.0},
    }
    test = held(values, ["calm", "calmer", "ill"], model({"use": 50, "mood": 50}))
    first, second = test.false_greens
    assert (first.customer, second.customer) == ("calmer", "calm")
    assert isinstance(first, FalseGreen)
    assert (first.left_at, first.look.at, first.look.band) == (START + days(30), START, "green")
    assert first.look.components == {"use": 95, "mood": 75}
    assert (test.lead.green, test.lead.leavers) == (2, 3)
    assert test.false_green_share.value == pytest.approx(2 / 3)
    assert test.false_green_share.low == pytest.approx(0.2077, abs=5e-5)
    assert "2 of 3 who left were in a good band" in sentence(test, Found.FALSE_GREENS)


def test_lead_time_counts_from_when_the_band_turned_bad_and_stayed() -> None:
    """A dip that healed is no warning; not knowing for a week is no recovery."""
    dipped = course("a", 80, 30, 80, 50, None, 30, left_after=40)
    assert dipped.lead.days.value == 40 - 21
    assert dipped.lead.warned.value == 1
    healed = course("b", 30, 30, 80, left_after=20)
    assert (healed.lead.green, healed.lead.days.value) == (1, None)
    from_the_start = course("c", 30, 30, left_after=14)
    assert from_the_start.lead.days.value == 14


def test_who_falls_silent_is_neither_green_nor_warned() -> None:
    """Nothing was known at the end."""
    test = course("a", 80, 80, None, left_after=20)
    assert (test.lead.silent, test.lead.green, test.lead.warned.value) == (1, 0, 0)
    assert Found.SILENT in told(test)


def test_who_was_not_looked_at_for_a_horizon_is_no_leaver_of_ours() -> None:
    """Else a look of last year would be called a warning."""
    assert course("a", 30, 30, left_after=300).lead.leavers == 0


def test_the_median_lead_time_has_an_interval() -> None:
    """From six leavers on."""

    def known(customer: CustomerId, at: datetime) -> Readings:
        bad = at >= START + days(7 * int(customer[1:]))
        return readings(Customer, {"use": 20.0 if bad else 80.0}, at=at)

    test = backtest(
        model(),
        [stay(f"c{n}", 77) for n in range(1, 10)],
        known,
        at=[START + week * days(7) for week in range(11)],
        horizon=HORIZON,
    )
    lead = test.lead.days
    assert (lead.value, lead.low, lead.high, lead.of) == (42, 21, 63, 9)


def test_what_was_learned_later_is_not_used() -> None:
    """The same value, learned the day after the look, changes nothing; a day before, it does."""
    stays = [stay(f"c{n}", 30 if n < 20 else None) for n in range(60)]

    def history(learned: timedelta) -> list[KnownValue]:
        early = [
            KnownValue(
                customer=each.customer,
                signal="use",
                value=50.0,
                at=START - days(30),
                known_at=START - days(30),
            )
            for each in stays
        ]
        telling = [
            KnownValue(
                customer=each.customer,
                signal="use",
                value=10.0 if each.left else 90.0,
                at=START - days(2),
                known_at=START + learned,
            )
            for each in stays
        ]
        return [*telling, *early]

    def area(learned: timedelta) -> float | None:
        known = known_values(Customer, history(learned))
        return backtest(model(), stays, known, at=[START], horizon=HORIZON).area.value

    assert area(days(1)) == 0.5
    assert area(-days(1)) == 1


def test_a_reading_from_the_future_is_refused() -> None:
    """A function of the host's that leaks is found out."""
    with pytest.raises(InvalidInput) as caught:
        backtest(
            model(),
            [stay("a")],
            lambda _, at: readings(Customer, {"use": 1.0}, at=at + timedelta(seconds=1)),
            at=[START],
            horizon=HORIZON,
        )
    error = caught.value
    assert (error.code, error.field) == ("health.future_reading", "a.use")
    assert error.value == "2026-01-01T00:00:01+00:00"
    assert "2026-01-01T00:00:00+00:00" in error.remedy


def test_of_several_values_that_were_known_the_latest_true_one_counts() -> None:
    """A correction that came later replaces one of the same time."""

    def value(number: float, at: int, known_at: int) -> KnownValue:
        return KnownValue(
            customer=CustomerId("a"),
            signal="use",
            value=number,
            at=START + days(at),
            known_at=START + days(known_at),
        )

    known = known_values(Customer, [value(3, 0, 9), value(1, 0, 1), value(2, 5, 5)])
    seen = [known(CustomerId("a"), START + days(day)).of("use") for day in (0, 1, 5, 9)]
    assert [None if each is None else each.value for each in seen] == [None, 1, 2, 2]
    first = known_values(Customer, [value(1, 0, 1), value(3, 0, 9)])
    corrected = first(CustomerId("a"), START + days(9)).of("use")
    assert corrected is not None
    assert corrected.value == 3
    with pytest.raises(InvalidInput) as caught:
        known_values(Customer, [value(1, 2, 1)])
    error = caught.value
    assert (error.code, error.field) == ("health.known_early", "a.use")
    assert (error.value, error.remedy) == (
        "2026-01-02T00:00:00+00:00",
        "pass when it was learned as known_at",
    )


def test_nobody_counts_as_gone_for_leaving_early_in_an_unfinished_horizon() -> None:
    """A moment that could not be followed for a horizon does not count for anybody."""
    stays = [stay("a", 350), stay("b", 50), stay("c")]
    test = backtest(
        model(),
        stays,
        lambda _, at: readings(Customer, {"use": 50.0}, at=at),
        at=[START + week * days(7) for week in range(50)],
        horizon=HORIZON,
    )
    # Counting: day 0, 91, 182, 273 (310 is the last that could be followed to day 400).
    assert (test.looks, test.customers, test.leavers) == (4 + 1 + 4, 3, 2)
    yellow = next(each for each in test.bands if each.band == "yellow")
    assert yellow.left.value == pytest.approx(2 / 9)


def test_who_was_lost_sight_of_does_not_count() -> None:
    """Neither as staying nor as leaving; they are counted apart."""
    short = Stay(customer=CustomerId("s"), since=START, until=START + days(30))
    test = backtest(
        model(),
        [short, stay("a")],
        lambda _, at: readings(Customer, {"use": 50.0}, at=at),
        at=[START],
        horizon=HORIZON,
    )
    assert (test.unfollowed, test.customers) == (1, 1)


def test_groups_are_judged_by_themselves() -> None:
    """By segment, fit, industry or size; a score may work for some and mislead for others."""
    rng = random.Random(9)
    values, stays = {}, []
    for n in range(300):
        lost, fits = n % 3 == 0, n % 2 == 0
        values[f"c{n}"] = 50 + (rng.gauss(-15 if lost else 15, 8) if fits else rng.gauss(0, 8))
        stays.append(stay(f"c{n}", 30 if lost else None, icp_fit="good" if fits else "poor"))
    test = backtest(
        model(),
        stays,
        lambda customer, at: readings(Customer, {"use": values[customer]}, at=at),
        at=[START],
        horizon=HORIZON,
    )
    good, poor = test.groups
    assert (good.attribute, good.value, good.customers) == ("icp_fit", "good", 150)
    assert good.area.low is not None
    assert good.area.low > 0.9
    assert 0.5 in poor.area
    assert good.left.value == poor.left.value == pytest.approx(1 / 3)


def test_groups_are_what_was_known_at_the_look() -> None:
    """Who leaves turns sad before: at the look nobody could tell by that."""

    def known(customer: CustomerId, at: datetime) -> Readings:
        late = customer == "gone" and at > START + days(20)
        mood = None if customer == "mute" else 1.0 if late else 9.0
        return readings(Customer, {"use": 50.0, "mood": mood}, at=at)

    test = backtest(
        model(),
        [stay("gone", 30, mood="gloomy"), stay("there"), stay("mute")],
        known,
        at=[START, START + days(25)],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
        by=["mood"],
    )
    (group,) = test.groups
    assert (group.attribute, group.value) == ("mood", "9")
    assert (group.customers, group.left.value) == (2, 0.5)


def test_what_became_of_them_is_no_stand_in_for_what_was_not_known_at_the_look() -> None:
    """Whose plan is told at the end only would be told apart by hindsight."""

    def known(customer: CustomerId, at: datetime) -> Readings:
        plan = "team" if customer == "there" else None
        return readings(Owner, {"use": 50.0, "plan": plan}, at=at)

    test = backtest(
        model(),
        [stay("gone", 30, plan="churned", size="small"), stay("there", plan="paying")],
        known,
        at=[START],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
        by=["plan"],
    )
    told = [(group.attribute, group.value, group.customers) for group in test.groups]
    assert told == [("plan", "team", 1), ("size", "small", 1)]


@pytest.mark.parametrize(
    ("models", "by", "code", "value", "remedy"),
    [
        (
            model(),
            "use",
            "health.form",
            "use",
            'pass a list of names, such as by=["plan"]',
        ),
        (model(), [3], "health.form", "int", 'pass a list of names, such as by=["plan"]'),
        (
            model(),
            ["plna"],
            "rules.unknown_signal",
            "plna",
            "declare it in the class of HealthModels(signals=)",
        ),
        (
            HealthModels(models=[model()], signals=Owner),
            ["use", "plna"],
            "rules.unknown_signal",
            "plna",
            "did you mean 'plan'?",
        ),
        (
            HealthModels(models=[model()]),
            ["moood"],
            "rules.unknown_signal",
            "moood",
            "did you mean 'mood'?",
        ),
    ],
    ids=["one_name", "no_name", "model_alone", "declared", "had_by_somebody"],
)
def test_names_that_nobody_knows_tell_nobody_apart(
    models: HealthModel | HealthModels, by: Any, code: str, value: str, remedy: str
) -> None:
    """A misspelt signal would be a back-test without groups, and one name its letters."""
    with pytest.raises(InvalidInput) as caught:
        backtest(
            models,
            [stay("gone", 30), stay("there")],
            lambda _, at: readings(Customer, {"use": 50.0, "mood": 9.0}, at=at),
            at=[START],
            horizon=HORIZON,
            known_until=NEVER_LEFT,
            by=by,
        )
    error = caught.value
    assert (error.code, error.field, error.value) == (code, "by", value)
    assert error.remedy == remedy


def test_a_signal_that_nobody_had_tells_nobody_apart() -> None:
    """It is declared; that is no mistake."""
    test = backtest(
        HealthModels(models=[model()], signals=Owner),
        [stay("there")],
        lambda _, at: readings(Owner, {"use": 50.0}, at=at),
        at=[START],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
        by=["plan"],
    )
    assert test.groups == ()


def test_models_of_several_segments_are_judged_together_and_apart() -> None:
    """Each customer by their own model; nobody's customers have no score."""
    models = HealthModels(
        models=[
            HealthModel(
                id="large",
                segment=Customer.large,
                components=model().components,
                bands=BANDS,
            ),
            HealthModel(
                id="small",
                segment=~Customer.large,
                components=model({"mood": 100}).components,
                bands=BANDS,
            ),
        ]
    )

    def known(customer: CustomerId, at: datetime) -> Readings:
        kind = {"l": True, "s": False}.get(customer[0])
        return readings(Customer, {"use": 90.0, "mood": 10.0, "large": kind}, at=at)

    test = backtest(
        models,
        [stay("l1"), stay("s1", 30), stay("x1")],
        known,
        at=[START],
        horizon=HORIZON,
    )
    assert [(each.attribute, each.value) for each in test.groups] == [
        ("model", "large"),
        ("model", "small"),
    ]
    assert {each.name: each.left.of for each in test.bands} == {
        "large: red": 0,
        "large: yellow": 0,
        "large: green": 1,
        "small: red": 1,
        "small: yellow": 0,
        "small: green": 0,
        UNKNOWN: 1,
    }
    assert test.scored.value == pytest.approx(2 / 3)


def test_no_band_is_kept_from_another_model() -> None:
    """As a kit does: with a new model the bands begin anew."""
    sticky = Bands(bands=BANDS.bands, hysteresis=5)
    parts = model().components
    large = HealthModel(id="large", segment=Customer.large, components=parts, bands=sticky)
    models = HealthModels(models=[large, HealthModel(id="rest", components=parts, bands=sticky)])

    def known(_: CustomerId, at: datetime) -> Readings:
        first = at == START
        return readings(Customer, {"use": 70.0 if first else 58.0, "large": first}, at=at)

    test = backtest(
        models,
        [stay("a", 20)],
        known,
        at=[START, START + days(7)],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
    )
    assert (test.lead.green, test.lead.days.value) == (0, 13)


def test_hysteresis_is_lived_through() -> None:
    """A band is the one people would have seen, look after look."""
    sticky = Bands(bands=BANDS.bands, hysteresis=5)

    def known(_: CustomerId, at: datetime) -> Readings:
        week = (at - START) // days(7)
        return readings(Customer, {"use": (70.0, 58.0, 58.0)[week]}, at=at)

    test = backtest(
        model(bands=sticky),
        [stay("a", 20)],
        known,
        at=[START + week * days(7) for week in range(3)],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
    )
    assert [each.look.band for each in test.false_greens] == ["green"]


def test_warnings_may_be_fewer_bands() -> None:
    """Whoever calls yellow good enough says so."""
    values = {"a": {"use": 50.0}}

    def run(warnings: list[str] | None) -> BackTest:
        return backtest(
            model(),
            [stay("a", 30)],
            lambda customer, at: readings(Customer, values[customer], at=at),
            at=[START],
            horizon=HORIZON,
            warnings=warnings,
        )

    assert (run(None).warnings, run(None).lead.green) == (("red", "yellow"), 0)
    assert (run(["red"]).warnings, run(["red"]).lead.green) == (("red",), 1)
    with pytest.raises(InvalidInput) as caught:
        run(["rde"])
    error = caught.value
    assert (error.code, error.field, error.value) == ("health.unknown_band", "warnings", "rde")
    assert error.remedy == "did you mean 'red'?"
    with pytest.raises(InvalidInput) as caught:
        run(["x"])
    assert caught.value.remedy == "name one of red, yellow, green"


def test_a_long_run_says_how_far_it_is() -> None:
    """Customer by customer."""
    heard: list[tuple[int, int]] = []
    backtest(
        model(),
        [stay("a"), stay("b")],
        lambda _, at: readings(Customer, {}, at=at),
        at=[START],
        horizon=HORIZON,
        progress=lambda done, total: heard.append((done, total)),
    )
    assert heard == [(1, 2), (2, 2)]


def test_moments_and_horizon_make_sense() -> None:
    """None, doubled, backwards; a horizon of nothing."""
    for at, horizon, field in (
        ([], HORIZON, "at"),
        ([START, START], HORIZON, "at"),
        ([START + days(1), START], HORIZON, "at"),
        ([START], timedelta(0), "horizon"),
    ):
        with pytest.raises(InvalidInput) as caught:
            backtest(model(), [], lambda _, __: readings(Customer, {}), at=at, horizon=horizon)
        error = caught.value
        assert (error.code, error.field) == ("health.moments", field)
        assert error.remedy


def test_a_customer_stays_once_and_forwards() -> None:
    """Two stays of one customer, or one that ends before it begins, are mistakes."""
    with pytest.raises(InvalidInput) as caught:
        backtest(
            model(),
            [stay("a"), stay("a", 3)],
            lambda _, __: readings(Customer, {}),
            at=[START],
            horizon=HORIZON,
        )
    error = caught.value
    assert (error.code, error.field, error.value) == ("health.stay_twice", "stays", "a")
    assert "join" in error.remedy
    with pytest.raises(InvalidInput) as caught:
        Stay(customer=CustomerId("a"), since=START, until=START - days(1))
    error = caught.value
    assert (error.code, error.field) == ("health.stay", "a")
    assert error.value == "2025-12-31T00:00:00+00:00"
    assert error.remedy == "pass an end after 2026-01-01T00:00:00+00:00"


def test_all_of_it_goes_into_json_and_a_notebook() -> None:
    """Figures are text of six places; names are never markup."""
    values = {f"<c{n}>": {"use": float(n)} for n in range(60)}
    test = held(values, [f"<c{n}>" for n in range(0, 60, 3)])
    data = json.loads(json.dumps(test.to_json()))
    assert data["area"]["value"] == f"{test.area.value:.6f}"
    assert [each["band"] for each in data["bands"]] == ["red", "yellow", "green", UNKNOWN]
    assert data["horizon_days"] == "90.000000"
    assert data["verdicts"][0]["text"] == test.verdicts[0].text
    shown = test._repr_html_()
    assert "<table>" in shown
    assert "<c1>" not in shown
    assert test.to_json() == held(values, [f"<c{n}>" for n in range(0, 60, 3)]).to_json()


def test_who_misled_and_in_which_group_goes_into_json() -> None:
    """Of each false green what was said of it, and of each group its figures."""
    use = {"calm": 90.0, "ill": 10.0, "fine": 80.0}
    test = backtest(
        model(),
        [stay("calm", 30, size="S"), stay("ill", 30, size="L"), stay("fine", size="S")],
        lambda customer, at: readings(Customer, {"use": use[customer]}, at=at),
        at=[START],
        horizon=HORIZON,
        known_until=NEVER_LEFT,
    )
    data = json.loads(json.dumps(test.to_json()))
    assert data["false_greens"] == [
        {
            "customer": "calm",
            "left_at": "2026-01-31T00:00:00+00:00",
            "looked_at": "2026-01-01T00:00:00+00:00",
            "score": "90.00",
            "band": "green",
            "coverage": "1.000000",
            "components": {"use": "90.0000"},
        }
    ]
    large, small = data["groups"]
    assert (large["attribute"], large["value"], large["customers"]) == ("size", "L", 1)
    assert large["area"]["unclaimed"] == "nothing"
    assert (small["value"], small["customers"]) == ("S", 2)
    assert (small["left"]["value"], small["area"]["value"]) == ("0.500000", "0.000000")
