"""A health model: components, caps and bands, checked as a whole; scoring is in `_score`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.health._bands import Bands
from retainkit.health._checks import (
    check_cap,
    check_half_life,
    check_names,
    check_places,
    check_points,
    check_rounded,
    check_start,
    check_step,
    check_trend,
    check_weights,
    ends_of,
    largest,
)
from retainkit.health._data import name_of, version_of
from retainkit.health._fixed import (
    ONE_POINT,
    WHOLE,
    Points,
    exactly,
    in_points,
    nearest,
    points_of,
    weight_of,
)
from retainkit.health._given import each_of_kind, of_kind, word_of
from retainkit.health._mappings import (
    ByCondition,
    Checked,
    Direction,
    Factors,
    Linear,
    MappingOf,
    Steps,
    Table,
    as_condition,
    checked,
)
from retainkit.rules import (
    Compiled,
    Condition,
    Flag,
    Present,
    Signal,
    compiled,
    signals_of,
)


class Combine(StrEnum):
    """How components make a score."""

    MEAN = "mean"
    """The mean of their points by weight; of the known ones, whose weights are rescaled."""

    SUM = "sum"
    """What the model starts with, plus their points, cut at the ends of the scale: impacts above
    and below zero, as Planhat has them. The weight of each is its largest impact."""


def _mapping(mapping: MappingOf) -> MappingOf:
    kinds: tuple[type[MappingOf], ...] = (Linear, Steps, Table, Factors)
    return of_kind(mapping, kinds, "mapping", "pass Linear, Steps, Table or Factors")


def _signal(signal: Signal | None) -> Signal | None:
    if signal is None:
        return None
    return of_kind(signal, Signal, "signal", "pass what your class declares: signal=Customer.usage")


def _direction(direction: Direction | str | None) -> Direction | None:
    return None if direction is None else word_of(direction, Direction, "direction")


def _combine(combine: Combine | str) -> Combine:
    return word_of(combine, Combine, "combine")


def _weight(weight: object) -> Fraction | None:
    return None if weight is None else weight_of(weight, "weight")


@frozen(kw_only=True)
class Component:
    """
    One thing that makes up health.

    Args:
        name: As explanations call it; by default that of its signal, or what it counts, as in
            ``count(login, 28d)``.

        signal: What it reads; left out with `Factors`.

        direction: Whether more of the signal is good; left out with `Table` and `Factors`, which
            say it themselves.

        mapping: How a value becomes points.

        weight: Its share of the model's total; left out when points are summed up.

        half_life: After this time since the reading half of the weight (of a sum, of the points)
            is left; None is no decay.

        doc: What it means, for people.

    Raises:
        InvalidInput: ``health.weight``; ``health.form``, of what is no such thing.
    """

    mapping: MappingOf = field(converter=_mapping)
    signal: Signal | None = field(default=None, converter=_signal)
    direction: Direction | None = field(default=None, converter=_direction)
    name: str = field()
    weight: Fraction | None = field(default=None, converter=_weight)
    half_life: timedelta | None = None
    doc: str = ""

    @name.default
    def _named(self) -> str:
        return "" if self.signal is None else name_of(self.signal)


@frozen(kw_only=True)
class Cap:
    """
    A limit while something is true: ``Cap(name="open_dispute", when=Customer.disputed, at=40)``.

    Args:
        name: As explanations call it.

        when: While this is true; unknown is not true.

        at: The most that the score is then, in points.
    """

    name: str
    when: Condition = field(converter=as_condition)
    at: Points


@frozen(kw_only=True)
class Ready:
    """A component in numbers; inside this room only."""

    name: str
    signal: Signal | None
    mapping: Checked
    share: int
    half_life: float | None


def _condition(segment: Condition | Flag | None) -> Condition | None:
    return None if segment is None else as_condition(segment)


def _components(components: Iterable[Component]) -> tuple[Component, ...]:
    remedy = "pass a list: components=[Component(...)]"
    return each_of_kind(components, Component, "components", remedy)


def _caps(caps: Iterable[Cap]) -> tuple[Cap, ...]:
    return each_of_kind(caps, Cap, "caps", "pass a list: caps=[Cap(...)]")


def _bands(bands: Bands) -> Bands:
    return of_kind(bands, Bands, "bands", 'pass Bands(bands=[Band("red", 0, 50), ...])')


def _segments(segments: Mapping[str, Condition]) -> Mapping[str, Condition]:
    return MappingProxyType(dict(segments))


def _total(total: object) -> Fraction:
    return weight_of(total, "total")


def coverage_of(share: object) -> Fraction:
    """A share between none and all; inside this room only."""
    found = exactly(share)
    if found is not None and 0 <= found <= 1:
        return found
    raise InvalidInput(
        "The coverage is a share between 0 and 1",
        code="health.coverage",
        field="minimum_coverage",
        value=str(share),
        remedy="write 0.6 for six tenths of the weight",
    )


@frozen(kw_only=True)
class HealthModel:
    """
    How the health of some customers is told.

    Args:
        id: Its name; stable, as events and reports speak of it.

        components: What makes it up.

        bands: The names of stretches of the scale; they cover it.

        segment: Whose health it tells; None is everybody's.

        total: What the weights add up to.

        scale: The lowest and the highest score, in points.

        combine: How components make a score.

        start: What a sum starts from, in points.

        caps: Limits while something is true.

        minimum_coverage: The share of weight that must be known for a band; below it the band is
            ``unknown``. Both are compared to 4 places, as the coverage is told.

        trend_over: The length of own history that the trend is told from.

        step: The least move of the score that is told as an event; by default a twentieth of the
            scale.

        places: Decimal places of the score, 0 to 4; it is rounded once, a half to the even one.

        segments: The named segments that its conditions refer to.

        doc: What it is for, for people; it may change without the model's version.

    Raises:
        InvalidInput: ``health.weights`` when they don't add up to the total, or are given for a
            sum; ``health.direction``, ``health.mapping``, ``health.range``, ``health.currency``,
            ``health.half_life``, ``health.points``, ``health.scale``, ``health.name``,
            ``health.cap``, ``health.coverage``, ``health.trend``, ``health.places``,
            ``health.step``, ``health.band_gap``, ``health.form``; ``rules.value_type`` and others
            for a limit that its signal can't have.
        NotFound: ``rules.unknown_segment``.
    """

    id: str
    components: tuple[Component, ...] = field(converter=_components)
    bands: Bands = field(converter=_bands)
    segment: Condition | None = field(default=None, converter=_condition)
    total: Fraction = field(default=Fraction(100), converter=_total)
    scale: tuple[Points, Points] = (0, 100)
    combine: Combine = field(default=Combine.MEAN, converter=_combine)
    start: Points = 0
    caps: tuple[Cap, ...] = field(default=(), converter=_caps)
    minimum_coverage: Fraction = field(default=Fraction(1, 2), converter=coverage_of)
    trend_over: timedelta = timedelta(days=28)
    step: Points | None = None
    places: int = 2
    segments: Mapping[str, Condition] = field(factory=dict, converter=_segments)
    doc: str = ""
    ready: tuple[Ready, ...] = field(init=False, eq=False, repr=False)
    asked: Compiled = field(init=False, eq=False, repr=False)
    ends: tuple[int, int] = field(init=False, eq=False, repr=False)
    limits: tuple[int, ...] = field(init=False, eq=False, repr=False)
    version: str = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        ends = self._ends()
        check_names(self.id, self.components, self.caps)
        check_places(self.places)
        check_trend(self.trend_over)
        if self.step is not None:
            check_step(self.step)
        check_start(self.start, sums=self.combine is Combine.SUM)
        ready = self._ready(ends)
        limits = tuple(check_cap(cap.at, ends, f"caps.{cap.name}.at") for cap in self.caps)
        check_rounded(self.places, (*ends, *limits))
        for name, value in (
            ("ends", ends),
            ("ready", ready),
            ("limits", limits),
            ("asked", compiled(dict(self._asked(ready)), segments=self.segments)),
        ):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "version", version_of(self))

    @property
    def least_covered(self) -> int:
        """The minimum of coverage in ten-thousandths; inside this room only."""
        least = self.minimum_coverage * ONE_POINT
        return nearest(least.numerator, least.denominator)

    @property
    def least_move(self) -> Decimal:
        """The least move of the score that is told as an event."""
        low, high = self.ends
        return in_points((high - low) // 20 if self.step is None else points_of(self.step, "step"))

    @property
    def signals(self) -> Mapping[str, Signal]:
        """All signals it reads, by name."""
        found = {
            part.signal.name: part.signal for part in self.components if part.signal is not None
        }
        for when in self.conditions:
            for signal in signals_of(when, self.segments):
                found.setdefault(signal.name, signal)
        return MappingProxyType(found)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition in it; that a signal is known, for those that components read."""
        read = [Present(signal=part.signal) for part in self.components if part.signal is not None]
        return (
            *([] if self.segment is None else [self.segment]),
            *read,
            *(when for part in self.ready for when in _conditions(part)),
            *(cap.when for cap in self.caps),
        )

    def _ends(self) -> tuple[int, int]:
        low, high = ends_of(self.scale)
        if (self.bands.low, self.bands.high) != (in_points(low), in_points(high)):
            raise InvalidInput(
                "The bands cover the scale, and no more than it",
                code="health.band_gap",
                field="bands",
                value=f"{self.bands.low} to {self.bands.high}",
                remedy=f"let them go from {self.scale[0]} to {self.scale[1]}",
            )
        return low, high

    def _ready(self, ends: tuple[int, int]) -> tuple[Ready, ...]:
        mapped = [
            checked(part.mapping, part.signal, part.direction, ends, f"components.{part.name}")
            for part in self.components
        ]
        weights = self._weights(mapped, ends)
        whole = sum(weights)
        return tuple(
            Ready(
                name=part.name,
                signal=part.signal,
                mapping=mapping,
                share=round(weight / whole * WHOLE),
                half_life=check_half_life(part),
            )
            for part, mapping, weight in zip(self.components, mapped, weights, strict=True)
        )

    def _weights(self, mapped: Iterable[Checked], ends: tuple[int, int]) -> list[Fraction]:
        sums = self.combine is Combine.SUM
        given = check_weights(self.components, self.total, sums=sums)
        for part, mapping in zip(self.components, mapped, strict=True):
            check_points(part, mapping, ends, sums=sums)
        return [Fraction(largest(mapping), ONE_POINT) for mapping in mapped] if sums else given

    def _asked(self, ready: Iterable[Ready]) -> Iterator[tuple[str, Condition]]:
        """What is asked of each customer, by a name of its own."""
        if self.segment is not None:
            yield SEGMENT, self.segment
        for cap in self.caps:
            yield f"cap:{cap.name}", cap.when
        for part in ready:
            for index, when in enumerate(_conditions(part)):
                yield f"part:{part.name}:{index}", when


SEGMENT = "segment:"
"""The name under which the segment is asked; inside this room only."""


def _conditions(part: Ready) -> tuple[Condition, ...]:
    return part.mapping.conditions if isinstance(part.mapping, ByCondition) else ()
