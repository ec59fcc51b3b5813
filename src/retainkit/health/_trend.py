"""History as points, and the trend through them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from attrs import frozen

from retainkit.health._fixed import in_points, nearest


if TYPE_CHECKING:
    from retainkit.health._found import Look
    from retainkit.health._score import Standing

_MICROSECOND = timedelta(microseconds=1)
_WEEK = timedelta(days=7)
_FEWEST = 3
_PLACES = 2


@frozen(kw_only=True)
class HealthPoint:
    """
    A score at an instant of the past.

    Args:
        at: When; UTC.

        score: In points; None when nothing was known.

        coverage: The share of weight that was known.

        band: The band, as people saw it: an override counts.

        version: Of the model that told it.
    """

    at: datetime
    score: Decimal | None
    coverage: Decimal
    band: str
    version: str = ""


def point_of(told: Look | Standing) -> HealthPoint:
    """What was told at an instant as a point of history; inside this room only."""
    return HealthPoint(
        at=told.at,
        score=told.score,
        coverage=told.coverage,
        band=told.band,
        version=told.version,
    )


def slope(
    before: Sequence[HealthPoint],
    now: datetime,
    score: Decimal,
    version: str,
    over: timedelta,
) -> Decimal | None:
    """
    The slope of least squares in points a week, to 2 places; None with too little history.

    Exact until it is rounded; fewer than 3 points, or less than a week, make no trend.
    """
    points = [
        (point.at, point.score)
        for point in before
        if now - over <= point.at < now and point.version == version and point.score is not None
    ]
    points.append((now, score))
    first = min(at for at, _ in points)
    if len(points) < _FEWEST or now - first < _WEEK:
        return None
    xs = [(at - first) // _MICROSECOND for at, _ in points]
    ys = [Fraction(each) for _, each in points]
    count, sum_x, sum_y = len(points), sum(xs), sum(ys)
    above = count * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum_x * sum_y
    below = count * sum(x * x for x in xs) - sum_x * sum_x
    weekly = Fraction(above * (_WEEK // _MICROSECOND)) / below
    return in_points(nearest(weekly.numerator * 10**_PLACES, weekly.denominator), _PLACES)
