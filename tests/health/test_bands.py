"""Bands: whose an edge is, and what no scale can be divided into."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.errors import InvalidInput
from retainkit.health import Band, Bands, Edge, Points


def _three(edge: Edge = Edge.UPPER_INCLUDED, hysteresis: Points = 0) -> Bands:
    bands = (Band("red", 0, 50), Band("yellow", 50, 75), Band("green", 75, 100))
    return Bands(bands=bands, edge=edge, hysteresis=hysteresis)


@pytest.mark.parametrize(
    ("edge", "score", "band"),
    [
        (Edge.UPPER_INCLUDED, 0, "red"),
        (Edge.UPPER_INCLUDED, 50, "red"),
        (Edge.UPPER_INCLUDED, 50.01, "yellow"),
        (Edge.UPPER_INCLUDED, 75, "yellow"),
        (Edge.UPPER_INCLUDED, 76, "green"),
        (Edge.UPPER_INCLUDED, 100, "green"),
        (Edge.LOWER_INCLUDED, 49.99, "red"),
        (Edge.LOWER_INCLUDED, 50, "yellow"),
        (Edge.LOWER_INCLUDED, 75, "green"),
        (Edge.LOWER_INCLUDED, 100, "green"),
    ],
)
def test_an_edge_belongs_to_the_band_that_the_convention_says(
    edge: Edge, score: float, band: str
) -> None:
    """Gainsight and ChurnZero give 50 to red; the other way is there, too."""
    assert _three(edge).of(score) == band


def test_a_band_of_one_value_has_it() -> None:
    """A lowest band from 0 to 0 has the zero; the highest one likewise where lower edges count."""
    lost = Bands(bands=(Band("lost", 0, 0), Band("rest", 0, 10)))
    assert (lost.of(0), lost.of(0.1)) == ("lost", "rest")
    bands = (Band("rest", 0, 10), Band("best", 10, 10))
    best = Bands(bands=bands, edge=Edge.LOWER_INCLUDED)
    assert (best.of(9.9), best.of(10)) == ("rest", "best")


@pytest.mark.parametrize("edge", list(Edge))
@given(scores=st.lists(st.integers(0, 10_000), min_size=1, max_size=30))
def test_within_the_hysteresis_a_band_stays(edge: Edge, scores: list[int]) -> None:
    """A band changes only when the score is beyond its edges by more than 3 points."""
    bands, plain = _three(edge, 3), _three(edge)
    band = plain.of(scores[0] / 100)
    for hundredths in scores:
        score = hundredths / 100
        found = bands.of(score, before=band)
        if found == band:
            was = next(each for each in bands.bands if each.name == band)
            assert float(was.low) - 3 <= score <= float(was.high) + 3
        else:
            assert found == plain.of(score)
        band = found


@pytest.mark.parametrize(
    ("bands", "code", "field"),
    [
        ((Band("a", 0, 50), Band("b", 40, 100)), "health.band_overlap", "bands.b"),
        ((Band("a", 0, 50), Band("b", 60, 100)), "health.band_gap", "bands.b"),
        ((Band("a", 50, 0), Band("b", 0, 100)), "health.band_range", "bands.a"),
        ((Band("a", 0, 50), Band("a", 50, 100)), "health.band_name", "bands"),
        ((Band("unknown", 0, 50), Band("b", 50, 100)), "health.band_name", "bands"),
        ((Band("", 0, 100),), "health.band_name", "bands"),
        ((), "health.band_gap", "bands"),
        ((Band("a", 0, float("nan")),), "health.points", "bands.a"),
        ((Band("a", 0, 0.00001),), "health.points", "bands.a"),
    ],
)
def test_bands_that_do_not_divide_a_scale_are_refused(
    bands: tuple[Band, ...], code: str, field: str
) -> None:
    """Overlaps, gaps, turned ones, doubled names: each with its place and the way out."""
    with pytest.raises(InvalidInput) as caught:
        Bands(bands=bands)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy


@pytest.mark.parametrize("margin", [-1, 25, 30])
def test_a_hysteresis_leaves_room_for_the_band_between(margin: int) -> None:
    """Below zero, or as wide as a band, it makes no sense."""
    with pytest.raises(InvalidInput) as caught:
        _three(hysteresis=margin)
    assert (caught.value.code, caught.value.field) == ("health.hysteresis", "hysteresis")
    assert caught.value.value == str(margin)


def test_a_band_at_the_end_of_the_scale_can_be_left() -> None:
    """A margin as wide as what lies beyond it would keep customers in it for ever."""
    two = (Band("red", 0, 50), Band("green", 50, 100))
    with pytest.raises(InvalidInput) as caught:
        Bands(bands=two, hysteresis=50)
    assert (caught.value.code, caught.value.field) == ("health.hysteresis", "hysteresis")
    assert Bands(bands=two, hysteresis=49).of(0, before="green") == "red"
    assert Bands(bands=two, hysteresis=49).of(100, before="red") == "green"
