"""Whether the parts of a model fit together; each refusal names its place, for Python and files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from retainkit.errors import InvalidInput
from retainkit.health._fixed import DIGITS, Points, checked_half_life, in_points, points_of
from retainkit.health._mappings import ByWord, Checked, Factors, InTiers, OnLine


if TYPE_CHECKING:
    from retainkit.health._model import Cap, Component

START = "start"
"""The part of a sum that it starts from; no component may be called so."""

LIMITS = "limits"
"""The part that a sum was cut by at the ends of its scale; no component may be called so."""

_OWN_WORDS = (START, LIMITS)
_LONGEST_TREND = timedelta(days=92)


def ends_of(scale: tuple[Points, Points]) -> tuple[int, int]:
    """The ends of a scale in ten-thousandths; inside this room only."""
    low, high = (points_of(end, "scale") for end in scale)
    if low < high:
        return low, high
    raise InvalidInput(
        "A scale goes from the lowest score to the highest",
        code="health.scale",
        field="scale",
        value=f"{scale[0]} to {scale[1]}",
        remedy="write the lower one first",
    )


def check_rounded(places: int, ends: Iterable[int]) -> None:
    """
    Else a score that is rounded to its places could lie above its cap, or off the scale.

    Inside this room only.
    """
    if any(end % 10 ** (DIGITS - places) for end in ends):
        raise InvalidInput(
            "The ends of the scale, and caps, have no more decimal places than the score",
            code="health.places",
            field="places",
            value=places,
            remedy="give the score more places, up to 4, or round the scale and the caps",
        )


def _all_points(mapping: Checked) -> list[int]:
    """Every number of points that a mapping names."""
    if isinstance(mapping, OnLine):
        return [mapping.at_low, mapping.at_high]
    if isinstance(mapping, InTiers):
        return list(mapping.tiers)
    found = mapping.table.values() if isinstance(mapping, ByWord) else mapping.tiers
    return [*found, *([] if mapping.otherwise is None else [mapping.otherwise])]


def largest(mapping: Checked) -> int:
    """The most that a mapping can add or take, in ten-thousandths; inside this room only."""
    return max(abs(each) for each in _all_points(mapping))


def check_points(part: Component, mapping: Checked, ends: tuple[int, int], *, sums: bool) -> None:
    """Points of a mean lie on the scale, those of a sum do something; inside this room only."""
    low, high = ends
    beyond = [in_points(each) for each in _all_points(mapping) if not low <= each <= high]
    if beyond and not sums:
        raise InvalidInput(
            "Points of a mean lie on the scale",
            code="health.points",
            field=f"components.{part.name}.points",
            value=str(beyond[0]),
            remedy=f"stay between {in_points(low).normalize():f} and "
            f"{in_points(high).normalize():f}, or sum points up",
        )
    if sums and not largest(mapping):
        raise InvalidInput(
            "All points of a component are zero",
            code="health.points",
            field=f"components.{part.name}.points",
            value=0,
            remedy="leave out a component that counts for nothing",
        )


def check_weights(
    components: Sequence[Component], total: Fraction, *, sums: bool
) -> list[Fraction]:
    """The weights, if they add up; inside this room only."""
    given = [part.weight for part in components if part.weight is not None]
    if sums:
        if given:
            raise _weights(
                "Points that are summed up have no weights",
                str(sum(given)),
                "leave the weights out; the points say how much each counts",
            )
        return given
    without = [part.name for part in components if part.weight is None]
    if without:
        raise _weights("Each component has a weight", without, "give them one, too")
    if sum(given) != total:
        raise _weights(
            f"The weights add up to {total}", str(sum(given)), "change a weight, or the total"
        )
    return given


def check_half_life(part: Component) -> float | None:
    """The half-life in microseconds, if it is one; inside this room only."""
    if part.half_life is None:
        return None
    place = f"components.{part.name}.half_life"
    length = checked_half_life(part.half_life, place)
    if part.signal is None or isinstance(part.mapping, Factors):
        raise InvalidInput(
            "Only the reading of a signal has an age",
            code="health.half_life",
            field=place,
            value=str(length),
            remedy="leave it out; conditions can ask for times: less_than_ago",
        )
    return float(length // timedelta(microseconds=1))


def check_cap(limit: Points, ends: tuple[int, int], place: str) -> int:
    """The limit of a cap in ten-thousandths, if it can be; inside this room only."""
    at = points_of(limit, place)
    if not ends[0] <= at < ends[1]:
        raise InvalidInput(
            "A cap lies on the scale, below its upper end",
            code="health.cap",
            field=place,
            value=str(limit),
            remedy=f"choose one from {in_points(ends[0])} to below {in_points(ends[1])}",
        )
    return at


def check_names(id: str, components: Iterable[Component], caps: Iterable[Cap]) -> None:
    """Each has a name of its own, and there is something to name; inside this room only."""
    seen: set[str] = set(_OWN_WORDS)
    names = [("components", part.name) for part in components] + [
        ("caps", cap.name) for cap in caps
    ]
    for place, name in names:
        if not name or name in seen:
            raise InvalidInput(
                "Each component and each cap has a name of its own",
                code="health.name",
                field=f"{place}.name",
                value=name,
                remedy=f"rename it; {', '.join(_OWN_WORDS)} are taken",
            )
        seen.add(name)
    if not id or all(place == "caps" for place, _ in names):
        raise InvalidInput(
            "A model has an id and at least one component",
            code="health.name",
            field="id",
            value=id,
            remedy="name it, and what makes it up",
        )


def check_places(places: object) -> int:
    """The decimal places of a score, if they can be; inside this room only."""
    if type(places) is int and 0 <= places <= DIGITS:
        return places
    raise InvalidInput(
        f"A score has 0 to {DIGITS} decimal places",
        code="health.places",
        field="places",
        value=places,
        remedy="write 0, 1 or 2",
    )


def check_trend(length: object) -> timedelta:
    """The length that a trend is told from, if it can be; inside this room only."""
    if not isinstance(length, timedelta) or not timedelta(days=7) <= length <= _LONGEST_TREND:
        raise InvalidInput(
            "A trend is told from 7 to 92 days",
            code="health.trend",
            field="trend_over",
            value=str(length),
            remedy="pass days(28)",
        )
    return length


def check_step(step: Points) -> Points:
    """The least move that is told, if it can be; inside this room only."""
    if points_of(step, "step") <= 0:
        raise InvalidInput(
            "The least move that is told is above zero",
            code="health.step",
            field="step",
            value=str(step),
            remedy="choose some points, such as 5, or leave it out",
        )
    return step


def check_start(start: Points, *, sums: bool) -> None:
    """What a sum starts from; a mean starts from nowhere; inside this room only."""
    if points_of(start, "start") and not sums:
        raise InvalidInput(
            "Only a sum starts from somewhere",
            code="health.points",
            field="start",
            value=str(start),
            remedy="leave it out, or combine the points as a sum",
        )


def _weights(message: str, value: object, remedy: str) -> InvalidInput:
    return InvalidInput(
        message, code="health.weights", field="components.weight", value=value, remedy=remedy
    )
