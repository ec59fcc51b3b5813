"""Bands: the names of stretches of the scale, and which of two an edge belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.health._fixed import Points, in_points, points_of
from retainkit.health._given import each_of_kind, word_of


UNKNOWN = "unknown"
"""The band of a customer of whom too little is known."""


class Edge(StrEnum):
    """To which of two neighbours the value between them belongs."""

    UPPER_INCLUDED = "upper_included"
    """To the lower one, whose upper edge it is: as Gainsight and ChurnZero do it. The lowest
    stretch has its lower edge as well."""

    LOWER_INCLUDED = "lower_included"
    """To the upper one, whose lower edge it is. The highest stretch has its upper edge as well."""


@frozen
class Band:
    """
    A stretch of the scale.

    Args:
        name: As rules, people and reports call it.

        low: Where it begins, in points.

        high: Where it ends, in points.
    """

    name: str
    low: Points
    high: Points


def _bands(bands: Iterable[Band]) -> tuple[Band, ...]:
    return each_of_kind(bands, Band, "bands", 'pass a list: bands=[Band("red", 0, 50), ...]')


def edge_of(edge: Edge | str) -> Edge:
    """An edge, also by its name; inside this room only."""
    return word_of(edge, Edge, "edge")


@frozen(kw_only=True)
class Bands:
    """
    The bands of a scale, without gaps and overlaps.

    Args:
        bands: From the lowest to the highest.

        edge: To which of two an edge belongs.

        hysteresis: How far, in points, a score must leave the band it was in before the band
            changes; so a score on an edge does not flap.

    Raises:
        InvalidInput: ``health.band_name`` for a doubled or empty one, or ``unknown``;
            ``health.band_range`` for one that ends before it begins, ``health.band_overlap``,
            ``health.band_gap``, ``health.hysteresis``; ``health.points``; ``health.form``.
    """

    bands: tuple[Band, ...] = field(converter=_bands)
    edge: Edge = field(default=Edge.UPPER_INCLUDED, converter=edge_of)
    hysteresis: Points = 0
    _lows: tuple[int, ...] = field(init=False, eq=False, repr=False)
    _highs: tuple[int, ...] = field(init=False, eq=False, repr=False)
    _margin: int = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check_names(self.bands)
        lows = [points_of(band.low, f"bands.{band.name}") for band in self.bands]
        highs = [points_of(band.high, f"bands.{band.name}") for band in self.bands]
        _check_ranges(self.bands, lows, highs)
        object.__setattr__(self, "_lows", tuple(lows))
        object.__setattr__(self, "_highs", tuple(highs))
        object.__setattr__(self, "_margin", check_margin(self.hysteresis, self.bands))

    @property
    def low(self) -> Decimal:
        """Where the lowest band begins."""
        return in_points(self._lows[0])

    @property
    def high(self) -> Decimal:
        """Where the highest band ends."""
        return in_points(self._highs[-1])

    @property
    def names(self) -> tuple[str, ...]:
        """From the lowest to the highest."""
        return tuple(band.name for band in self.bands)

    @property
    def inner(self) -> Sequence[int]:
        """The edges between two bands, in ten-thousandths; inside this room only."""
        return self._highs[:-1]

    @property
    def margin(self) -> int:
        """The hysteresis, in ten-thousandths; inside this room only."""
        return self._margin

    def of(self, score: Points, *, before: str | None = None) -> str:
        """
        The band of a score.

        Args:
            score: In points; beyond the scale it belongs to the outermost band.

            before: The band it was in, for the hysteresis.

        Raises:
            InvalidInput: ``health.points``.
        """
        return self.names[self.index(points_of(score, "score"), before)]

    def index(self, score: int, before: str | None) -> int:
        """The position of the band of a score in ten-thousandths; inside this room only."""
        found = self._at(score)
        if before is None or not self._margin or before not in self.names:
            return found
        was = self.names.index(before)
        if found > was:
            return was if self._at(score - self._margin) <= was else found
        return was if self._at(score + self._margin) >= was else found

    def _at(self, score: int) -> int:
        if self.edge is Edge.UPPER_INCLUDED:
            return sum(score > edge for edge in self.inner)
        return sum(score >= edge for edge in self.inner)


def _check_names(bands: Sequence[Band]) -> None:
    seen: set[str] = set()
    for band in bands:
        if not band.name or band.name in seen or band.name == UNKNOWN:
            raise InvalidInput(
                "Each band has a name of its own",
                code="health.band_name",
                field="bands",
                value=band.name,
                remedy=f"rename it; {UNKNOWN!r} is the band of those of whom too little is known",
            )
        seen.add(band.name)
    if not bands:
        raise InvalidInput(
            "There are no bands",
            code="health.band_gap",
            field="bands",
            value=[],
            remedy="name at least one band, over the whole scale",
        )


def _check_ranges(bands: Sequence[Band], lows: Sequence[int], highs: Sequence[int]) -> None:
    for band, low, high in zip(bands, lows, highs, strict=True):
        if low > high or (low == high and len(bands) == 1):
            raise _range(band, "health.band_range", "A band ends above its beginning")
    ends = list(zip(bands, lows, highs, strict=True))
    for (lower, _, end), (upper, start, _) in pairwise(ends):
        if start < end:
            raise _range(upper, "health.band_overlap", f"It overlaps the band {lower.name}")
        if start > end:
            raise _range(upper, "health.band_gap", f"There is a gap above the band {lower.name}")


def _range(band: Band, code: str, message: str) -> InvalidInput:
    return InvalidInput(
        message,
        code=code,
        field=f"bands.{band.name}",
        value=f"{band.low} to {band.high}",
        remedy="let each band, from the lowest to the highest, begin where the one below it ends",
    )


def check_margin(hysteresis: Points, bands: Iterable[Band]) -> int:
    """The hysteresis in ten-thousandths, if these bands can have it; inside this room only."""
    margin = points_of(hysteresis, "hysteresis")
    place = "bands"
    widths = [points_of(band.high, place) - points_of(band.low, place) for band in bands]
    if margin < 0 or (margin and any(margin >= width for width in widths)):
        raise InvalidInput(
            "The hysteresis is not below zero, and smaller than every band",
            code="health.hysteresis",
            field="hysteresis",
            value=str(hysteresis),
            remedy="choose a few points, such as 3",
        )
    return margin
