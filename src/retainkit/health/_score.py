"""The score of one customer: what is known becomes points, weights and a band, with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import cast

from attrs import fields, frozen

from retainkit.core import Because, JsonValue
from retainkit.health._bands import UNKNOWN
from retainkit.health._checks import LIMITS, START
from retainkit.health._fixed import (
    DIGITS,
    ONE_POINT,
    WHOLE,
    apportioned,
    in_points,
    nearest,
    points_of,
    remaining,
)
from retainkit.health._mappings import ByCondition, Checked, InTiers, OnLine
from retainkit.health._model import Combine, HealthModel, Ready
from retainkit.health._statistics import NO_VALUE
from retainkit.health._told import html_table
from retainkit.health._trend import HealthPoint, point_of, slope
from retainkit.money import Money
from retainkit.rules import Gap, Present, Reading, Readings, Signal, Truth, why
from retainkit.timing import utc


_MICROSECOND = timedelta(microseconds=1)


class Silence(StrEnum):
    """Why a component has no say."""

    MISSING = "missing"
    """No value is known."""

    STALE = "stale"
    """The value is older than its signal is believed."""

    CURRENCY = "currency"
    """The amount is in another currency than the mapping's limits."""

    UNDATED = "undated"
    """It has a half-life, and its reading has no time."""

    CONDITION = "condition"
    """One of its conditions is unknown."""

    OUTSIDE = "outside"
    """The value is known, and the mapping gives it no points: the line ends, no word matches."""


@frozen(kw_only=True)
class Contribution:
    """
    What one component, cap or limit did to a score; the parts add up to the score exactly.

    Args:
        name: Of the component or cap; ``start`` and ``limits`` of a sum.

        part: Its part of the score.

        points: What its value is worth, on the model's scale, to 4 places; None when it has no
            say, and of caps.

        weight: Its weight after decay, as a share of all weights, to 9 places; of a sum, the
            share of the points that is left.

        silence: Why it has no say.
    """

    name: str
    part: Decimal
    points: Decimal | None = None
    weight: Decimal = Decimal(0)
    silence: Silence | None = None

    @property
    def is_cut(self) -> bool:
        """A cap or the end of the scale, which only takes away."""
        return self.points is None and self.silence is None and self.name != START


@frozen(kw_only=True)
class Standing:
    """
    The health of one customer at an instant, as figures alone.

    Args:
        model: The id of its model.

        version: The content hash of the model.

        combine: How the parts made the score.

        at: The instant; UTC.

        score: In points, rounded once, a half to the even one; None when nothing is known.

        coverage: The share of weight with fresh data, to 4 places.

        trend: Points a week over the model's window of own history; None when there is too little
            of it: fewer than 3 points, or less than a week.

        band: The band's name; ``unknown`` when too little is known.

        contributions: In the order of the model; the parts add up to the score exactly.
    """

    model: str
    version: str
    combine: Combine = Combine.MEAN
    at: datetime
    score: Decimal | None
    coverage: Decimal
    trend: Decimal | None
    band: str
    contributions: tuple[Contribution, ...]

    @property
    def point(self) -> HealthPoint:
        """As a point of history."""
        return point_of(self)

    def _repr_html_(self) -> str:
        """For a notebook: the score, and what each component did to it."""
        return html_table(
            f"{self.model}: {NO_VALUE if self.score is None else self.score}, {self.band}; "
            f"coverage {self.coverage}",
            ("", "points", "weight", "part of the score"),
            [
                (
                    each.name,
                    NO_VALUE if each.points is None else f"{each.points.normalize():f}",
                    f"{each.weight:.1%}" if each.silence is None else each.silence.value,
                    f"{each.part:f}",
                )
                for each in self.contributions
            ],
        )


@frozen(kw_only=True)
class Health(Standing):
    """
    The health of one customer at an instant, with its reasons.

    Args:
        because: What each component read and said; what capped the score; what the band is kept
            or held back by.
    """

    because: tuple[Because, ...] = ()

    @property
    def standing(self) -> Standing:
        """The figures alone, to be kept."""
        return Standing(**{each.name: getattr(self, each.name) for each in fields(Standing)})


@frozen(kw_only=True)
class _Said:
    """
    What one component says.

    Points, and how many billionths of them and of its weight are left after decay; or why not.
    """

    part: Ready
    points: int | None = None
    kept: int = 0
    left: int = 0
    silence: Silence | None = None
    case: int | None = None


def score(
    model: HealthModel,
    known: Readings,
    now: datetime,
    *,
    before: Sequence[HealthPoint] | None = None,
) -> Health:
    """
    The health of a customer at an instant.

    What is missing or stale lowers the coverage and is read neither as healthy nor as ill: the
    mean is that of the known components, their weights rescaled.

    Args:
        model: How it is told. Whether the customer is in its segment is not asked again.

        known: What is known of the customer.

        now: The instant.

        before: Own history, the oldest first: for the trend, and for the hysteresis of the band,
            which the last one is asked for. Points of another version of the model don't count
            for the trend.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
    """
    at = utc(now, "now")
    said, found = _looked(model, known, at, before or ())
    values = {each.name: getattr(found, each.name) for each in fields(Standing)}
    return Health(**values, because=tuple(_because(model, said, found, known)))


def standing(
    model: HealthModel,
    known: Readings,
    now: datetime,
    *,
    before: Sequence[HealthPoint] | None = None,
) -> Standing:
    """What `score` says without its reasons, in two thirds of the time; inside this room only."""
    return _looked(model, known, utc(now, "now"), before or ())[1]


def _looked(
    model: HealthModel, known: Readings, at: datetime, history: Sequence[HealthPoint]
) -> tuple[Sequence[_Said], Standing]:
    """What each component says, and what that makes."""
    truths = model.asked.truths(known, at)
    said = [_said(part, known, truths, at) for part in model.ready]
    left, whole = sum(each.left for each in said), sum(part.share for part in model.ready)
    covered = nearest(left * ONE_POINT, whole)
    points, trend, band = None, None, UNKNOWN
    contributions = _contributions(model, said, truths)
    if contributions is not None:
        points = sum((each.part for each in contributions), Decimal(0))
        trend = slope(history, at, points, model.version, model.trend_over)
        if covered >= model.least_covered:
            band = model.bands.of(points, before=history[-1].band if history else None)
    return said, Standing(
        model=model.id,
        version=model.version,
        combine=model.combine,
        at=at,
        score=points,
        coverage=in_points(covered),
        trend=trend,
        band=band,
        contributions=contributions or tuple(_contribution(model, each, 0) for each in said),
    )


def _because(
    model: HealthModel, said: Sequence[_Said], found: Standing, known: Readings
) -> Iterator[Because]:
    parts = {each.name: each.part for each in found.contributions}
    if found.score is None:
        yield Because(key="health.score.unknown")
    else:
        yield from _of_band(model, found.coverage, found.band, model.bands.of(found.score))
        yield from _of_caps(model, parts)
    yield from _of_parts(said, parts, known, found.at)


def _said(part: Ready, known: Readings, truths: Mapping[str, Truth], at: datetime) -> _Said:
    mapping = part.mapping
    if isinstance(mapping, ByCondition):
        return _by_condition(part, mapping, truths)
    signal = cast("Signal", part.signal)  # only conditions do without
    value = known.comparable(signal, at)
    if value is None:
        gap = known.gap(signal.name)
        return _Said(part=part, silence=Silence.STALE if gap is Gap.STALE else Silence.MISSING)
    if isinstance(value, Money) and value.currency.code != _currency(mapping):
        return _Said(part=part, silence=Silence.CURRENCY)
    rest = _rest(part, known.of(signal.name), at)
    if rest is None:
        return _Said(part=part, silence=Silence.UNDATED)
    left = round(part.share * rest)
    if not left:
        return _Said(part=part, silence=Silence.STALE)
    points = mapping.points(value, at)
    if points is None:
        return _Said(part=part, left=left, silence=Silence.OUTSIDE)
    return _Said(part=part, points=points, kept=round(WHOLE * rest), left=left)


def _by_condition(part: Ready, mapping: ByCondition, truths: Mapping[str, Truth]) -> _Said:
    for index, tier in enumerate(mapping.tiers):
        truth = truths[f"part:{part.name}:{index}"]
        if truth is Truth.TRUE:
            return _Said(part=part, points=tier, kept=WHOLE, left=part.share, case=index + 1)
        if truth is Truth.UNKNOWN:
            return _Said(part=part, silence=Silence.CONDITION, case=index + 1)
    if mapping.otherwise is None:
        return _Said(part=part, left=part.share, silence=Silence.OUTSIDE)
    return _Said(part=part, points=mapping.otherwise, kept=WHOLE, left=part.share)


def _currency(mapping: Checked) -> str | None:
    return mapping.currency if isinstance(mapping, OnLine | InTiers) else None


def _rest(part: Ready, reading: Reading | None, at: datetime) -> float | None:
    """The share that is left after decay; None when nobody knows how old the reading is."""
    if part.half_life is None or reading is None or reading.value is None:
        return 1.0
    if reading.at is None:
        return None
    return remaining(float((at - reading.at) // _MICROSECOND), part.half_life)


def _contributions(
    model: HealthModel, said: Sequence[_Said], truths: Mapping[str, Truth]
) -> tuple[Contribution, ...] | None:
    """Every part of the score; None when nothing is known."""
    step = 10 ** (DIGITS - model.places)  # ten-thousandths in the last place of the score
    if model.combine is Combine.SUM:
        if not any(each.left for each in said):
            return None
        start, below = points_of(model.start, "start"), WHOLE
    else:
        start, below = 0, sum(each.left for each in said if each.points is not None)
        if not below:
            return None
    above = [0 if each.points is None else each.points * _pull(model, each) for each in said]
    total = nearest(start * WHOLE + sum(above) if start else sum(above), below * step)
    exact = [Fraction(each, below * step) for each in above]
    firm = [Fraction(start, step)] if model.combine is Combine.SUM else []
    steps = apportioned([*firm, *exact], total)
    found = [
        Contribution(name=START, part=in_points(each, model.places)) for each in steps[: len(firm)]
    ]
    found += [
        _contribution(model, each, part)
        for each, part in zip(said, steps[len(firm) :], strict=True)
    ]
    return (*found, *_cuts(model, total, step, truths))


def _pull(model: HealthModel, said: _Said) -> int:
    """What points are multiplied by: the weight, or what is left of them."""
    return said.left if model.combine is Combine.MEAN else said.kept


def _contribution(model: HealthModel, said: _Said, part: int) -> Contribution:
    known = said.points is not None
    return Contribution(
        name=said.part.name,
        part=in_points(part, model.places),
        points=None if said.points is None else in_points(said.points),
        weight=Decimal(_pull(model, said) if known else 0).scaleb(-9),
        silence=said.silence,
    )


def _cuts(
    model: HealthModel, total: int, step: int, truths: Mapping[str, Truth]
) -> Iterator[Contribution]:
    """What the ends of the scale and the caps take away, each only what is still there."""
    low, high = (end // step for end in model.ends)
    cut = min(max(total, low), high)
    if cut != total:
        yield Contribution(name=LIMITS, part=in_points(cut - total, model.places))
    for cap, limit in zip(model.caps, model.limits, strict=True):
        at = limit // step
        if truths[f"cap:{cap.name}"] is Truth.TRUE and cut > at:
            yield Contribution(name=cap.name, part=in_points(at - cut, model.places))
            cut = at


def _of_band(model: HealthModel, coverage: Decimal, band: str, plain: str) -> Iterator[Because]:
    if band == UNKNOWN:
        minimum = str(model.minimum_coverage)
        values = {"coverage": str(coverage), "minimum": minimum}
        yield Because(key="health.coverage.low", values=values)
    elif band != plain:
        values = {"band": band, "plain": plain, "hysteresis": str(model.bands.hysteresis)}
        yield Because(key="health.band.kept", values=values)


def _of_caps(model: HealthModel, parts: Mapping[str, Decimal]) -> Iterator[Because]:
    for cap in model.caps:
        if cap.name in parts:
            values = {"cap": cap.name, "at": str(cap.at), "part": str(parts[cap.name])}
            yield Because(key="health.capped", values=values)


def _of_parts(
    said: Sequence[_Said],
    parts: Mapping[str, Decimal],
    known: Readings,
    at: datetime,
) -> Iterator[Because]:
    for each in said:
        values: dict[str, JsonValue] = {"component": each.part.name}
        if each.part.signal is not None:
            values |= why(Present(signal=each.part.signal), known, at).because.values
            values["kind"] = each.part.signal.kind.value
        if each.case is not None:
            values["case"] = each.case
        if each.points is None:
            values["silence"] = (each.silence or Silence.MISSING).value
            yield Because(key="health.component.silent", values=values)
            continue
        values |= {
            "part": str(parts[each.part.name]),
            "points": f"{in_points(each.points).normalize():f}",
            "weight": f"{Decimal(each.left).scaleb(-9).normalize():f}",
        }
        if each.part.signal is not None:
            yield Because(key="health.component.counts", values=values)
        elif each.case is not None:
            yield Because(key="health.component.condition", values=values)
        else:
            yield Because(key="health.component.otherwise", values=values)
