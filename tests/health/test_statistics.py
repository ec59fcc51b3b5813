"""Areas, shares and medians: published figures, definitions by brute force, coverage."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from math import sqrt
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.health._statistics import (
    FEWEST,
    NOTHING,
    Seen,
    Unclaimed,
    area,
    area_difference,
    doubled_ranks,
    median,
    parts_of,
    ratio_difference,
    share,
    share_difference,
)


# DeLong, DeLong and Clarke-Pearson (1988): albumin, total protein and K-G score of patients with
# an obstruction, and whether surgery helped; as in SAS/STAT, The LOGISTIC Procedure, Comparing
# Receiver Operating Characteristic Curves, whose results are those expected here.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1   3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1   3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0   4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1   2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1   2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""
CELLS = OVARIAN.split()
PATIENTS = [CELLS[start : start + 4] for start in range(0, len(CELLS), 4)]


def measured(column: int, sign: int = 1) -> list[Seen]:
    """One of the three tests."""
    return [
        Seen(number, sign * float(row[column]), row[3] == "0")
        for number, row in enumerate(PATIENTS)
    ]


ALBUMIN, PROTEIN, SCORE = measured(0), measured(1), measured(2, -1)

looks = st.lists(
    st.builds(Seen, st.integers(0, 10**9), st.integers(-3, 3), st.booleans()), max_size=40
)


def error_of(seen: list[Seen]) -> float:
    """The standard error of the area."""
    parts = parts_of(seen)
    assert parts is not None
    return parts.error


@pytest.mark.parametrize(
    ("seen", "value", "error"),
    [(ALBUMIN, 0.7366, 0.0927), (SCORE, 0.7258, 0.1028), (PROTEIN, 0.6478, 0.1000)],
)
def test_the_published_areas_and_their_errors(seen: list[Seen], value: float, error: float) -> None:
    """DeLong's own patients."""
    assert area(seen).value == pytest.approx(value, abs=5e-5)
    assert error_of(seen) == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize(
    ("seen", "value", "low", "high"),
    [(ALBUMIN, 0.0108, -0.1761, 0.1976), (PROTEIN, -0.0780, -0.2830, 0.1271)],
)
def test_the_published_differences(seen: list[Seen], value: float, low: float, high: float) -> None:
    """Against the K-G score, on the same patients."""
    found = area_difference(seen, SCORE)
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=1e-4)


def test_the_published_area_of_ratings_with_many_ties() -> None:
    """Hanley and McNeil (1982), table 1; error and limits as Stata's roctab prints them."""
    seen: list[Seen] = []
    for rating, (normal, ill) in enumerate(zip((33, 6, 6, 11, 2), (3, 2, 2, 11, 33), strict=True)):
        seen += [Seen(len(seen) + n, -rating, False) for n in range(normal)]
        seen += [Seen(len(seen) + n, -rating, True) for n in range(ill)]
    found, error = area(seen), error_of(seen)
    assert found.of == 109
    assert (found.value, error) == pytest.approx((0.8932, 0.0307), abs=5e-5)
    assert found.value is not None
    limits = (found.value - 1.959964 * error, found.value + 1.959964 * error)
    assert limits == pytest.approx((0.83295, 0.95339), abs=5e-6)


@given(looks)
def test_an_area_is_what_its_definition_says(seen: list[Seen]) -> None:
    """Every pair compared by hand."""
    left = [each.score for each in seen if each.left]
    stayed = [each.score for each in seen if not each.left]
    if not left or not stayed:
        assert area(seen) == NOTHING
        return
    wins = sum(Fraction((a < b) * 2 + (a == b), 2) for a in left for b in stayed)
    assert area(seen).value == float(wins / (len(left) * len(stayed)))


@given(looks)
def test_the_error_is_what_delong_defines(seen: list[Seen]) -> None:
    """The structural components, each summed over all the others."""
    seen = [Seen(number, each.score, each.left) for number, each in enumerate(seen)]
    left = [each.score for each in seen if each.left]
    stayed = [each.score for each in seen if not each.left]
    if len(left) < 2 or len(stayed) < 2:
        return

    def won(lower: object, higher: object) -> float:
        return 1.0 if lower < higher else 0.5 if lower == higher else 0.0  # type: ignore[operator] # numbers

    tens = [sum(won(a, b) for b in stayed) / len(stayed) for a in left]
    ones = [sum(won(a, b) for a in left) / len(left) for b in stayed]

    def spread(parts: list[float]) -> float:
        mean = sum(parts) / len(parts)
        return sum((part - mean) ** 2 for part in parts) / (len(parts) - 1)

    expected = sqrt(spread(tens) / len(tens) + spread(ones) / len(ones))
    assert error_of(seen) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(-5, 5)))
def test_equal_values_share_their_ranks(values: list[int]) -> None:
    """Twice the mean of the places they would have had."""
    ranks = doubled_ranks(values)
    for value, rank in zip(values, ranks, strict=True):
        lower, equal = sum(v < value for v in values), values.count(value)
        assert rank == 2 * lower + equal + 1


def test_looking_twice_at_everybody_tells_nothing_new() -> None:
    """Neither figure nor interval moves when each look is there a second time."""
    once, twice = area(ALBUMIN), area(ALBUMIN * 2)
    assert (once.value, once.low, once.high) == pytest.approx((twice.value, twice.low, twice.high))


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 0.5), (1.0, 0.7602), (2.0, 0.9214)])
def test_the_interval_of_an_area_holds_the_truth_in_95_of_100(shift: float, truth: float) -> None:
    """200 seeded samples of 25 who left and 75 who stayed, from two normal distributions."""
    assert truth == pytest.approx(NormalDist().cdf(shift / sqrt(2)), abs=5e-4)
    rng = random.Random(4)
    held = 0
    for _ in range(200):
        seen = [Seen(n, rng.gauss(0, 1), True) for n in range(25)]
        seen += [Seen(100 + n, rng.gauss(shift, 1), False) for n in range(75)]
        held += truth in area(seen)
    assert 180 <= held <= 199


def test_the_interval_holds_where_customers_were_looked_at_several_times() -> None:
    """Four looks each, which agree; taken as independent they would hold it far less often."""
    rng, truth = random.Random(5), NormalDist().cdf(1 / sqrt(2))
    held = naive = 0
    for _ in range(200):
        seen: list[Seen] = []
        for who in range(100):
            own = rng.gauss(0, 0.9)
            for _ in range(4):
                score = own + rng.gauss(0, sqrt(1 - 0.81)) + (who >= 30)
                seen.append(Seen(who, score, who < 30))
        held += truth in area(seen)
        naive += truth in area([Seen(n, s.score, s.left) for n, s in enumerate(seen)])
    assert 180 <= held <= 199
    assert naive < 160


def test_a_difference_of_equals_holds_zero_in_95_of_100() -> None:
    """Two scores that share most of what they see."""
    rng = random.Random(6)
    held = 0
    for _ in range(200):
        one, other = [], []
        for who in range(120):
            own, left = rng.gauss(0, 1), who < 40
            one.append(Seen(who, own + rng.gauss(0, 0.5) + (not left), left))
            other.append(Seen(who, own + rng.gauss(0, 0.5) + (not left), left))
        held += 0 in area_difference(one, other)
    assert 180 <= held <= 199


def test_a_score_is_no_better_than_itself() -> None:
    """Zero, and sure of it."""
    found = area_difference(ALBUMIN, ALBUMIN)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_too_few_who_left_have_no_interval() -> None:
    """Many looks at nine customers are still nine customers."""
    seen = [Seen(n % (FEWEST - 1), n, True) for n in range(50)]
    seen += [Seen(100 + n, n, False) for n in range(50)]
    found = area(seen)
    assert (found.low, found.high, found.unclaimed) == (None, None, Unclaimed.FEW)
    assert found.value is not None
    assert area_difference(seen, seen).unclaimed is Unclaimed.FEW


@pytest.mark.parametrize("left", [True, False])
def test_where_all_went_one_way_there_is_no_area(left: bool) -> None:
    """All left, or none: nobody to compare with."""
    seen = [Seen(n, n, left) for n in range(30)]
    assert area(seen) == area([]) == area_difference(seen, seen) == NOTHING
    assert parts_of(seen) is None


def test_a_perfect_score_is_not_believed_without_end() -> None:
    """No variance is seen, yet 20 pairs that were all told apart prove no more than 83 %."""
    seen = [Seen(n, n, n < 20) for n in range(60)]
    found, reverse = area(seen), area([Seen(n, -n, n < 20) for n in range(60)])
    limit = 0.025 ** (1 / 20)
    assert (found.value, found.low, found.high) == pytest.approx((1, limit, 1))
    assert (reverse.value, reverse.low, reverse.high) == pytest.approx((0, 0, 1 - limit))


def test_one_score_for_all_tells_nobody_from_anybody() -> None:
    """Exactly chance, and no interval that would look like knowledge."""
    found = area([Seen(n, 50, n < 20) for n in range(60)])
    assert (found.value, found.low, found.unclaimed) == (0.5, None, Unclaimed.SAME)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_limits_of_a_share(part: int, whole: int, low: float, high: float) -> None:
    """Newcombe, Stat. Med. 17 (1998) 857, table 1, method 3."""
    found = share(part, whole)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert share(0, 0) == NOTHING


@pytest.mark.parametrize(
    ("parts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
    ],
)
def test_the_published_limits_of_a_difference(
    parts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe, Stat. Med. 17 (1998) 873, table 2, method 10."""
    found = share_difference(*parts)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert share_difference(0, 0, 1, 2) == share_difference(1, 2, 0, 0) == NOTHING


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_limits_of_a_share_enclose_it(part: int, more: int) -> None:
    """And stay within 0 and 1."""
    found = share(part, part + more)
    if part + more:
        assert found.low is not None
        assert found.value is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_median_is_enclosed_by_two_of_the_values() -> None:
    """The places that tables of the binomial distribution name."""
    for count, low, high in ((6, 1, 6), (9, 2, 8), (20, 6, 15), (50, 18, 33), (100, 40, 61)):
        found = median(range(1, count + 1))
        assert (found.value, found.low, found.high) == ((count + 1) / 2, low, high)
    few = median([3, 1, 2])
    assert (few.value, few.low, few.unclaimed) == (2, None, Unclaimed.FEW)
    assert median([]) == NOTHING
    assert all(
        (median(range(a)).low or 0) <= (median(range(b)).low or 0)
        for a, b in pairwise(range(6, 60))
    )


def test_a_ratio_of_sums_is_no_mean_of_ratios() -> None:
    """One large customer weighs as much as its revenue does; the interval holds in 95 of 100."""
    ten = [(Fraction(1), Fraction(2))] * 9 + [(Fraction(100), Fraction(100))]
    found = ratio_difference(ten, [(Fraction(1), Fraction(1))] * 10)
    assert found.value == pytest.approx(109 / 118 - 1)
    assert ratio_difference(ten[:9], ten).unclaimed is Unclaimed.FEW
    assert ratio_difference([], ten) == NOTHING
    rng, held = random.Random(7), 0
    for _ in range(200):
        groups = [
            [
                (Fraction(was * (rng.random() < stay)), Fraction(was))
                for was in (rng.randint(10, 200) for _ in range(80))
            ]
            for stay in (0.9, 0.7)
        ]
        held += 0.2 in ratio_difference(groups[0], groups[1])
    assert 180 <= held <= 199
