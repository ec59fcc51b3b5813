"""Why a score moved: the change, told by its components, adding up exactly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from attrs import frozen

from retainkit.health._fixed import apportioned
from retainkit.health._model import Combine
from retainkit.health._score import Contribution, Silence, Standing


MODEL = "model"
"""What moved a score when the model itself is another one."""


@frozen(kw_only=True)
class Shift:
    """
    What moved a score, and by how much.

    Args:
        name: Of the component or cap; ``model`` when the model is another one.

        by: In points.

        silence: Why the component has no say any more; None while it has one. Then the score moved
            by what is left, and not because anything got better or worse.
    """

    name: str
    by: Decimal
    silence: Silence | None = None


def explain_change(before: Standing, after: Standing) -> tuple[Shift, ...]:
    """
    What moved the score, the largest first; together exactly the change.

    A component is charged with the change of its own points and of its own weight: one that did
    not change has no part in it, although the weights of all are rescaled when another one goes
    missing. With p points, w weights, W their sum and S the mean of both scores, the component's
    share is (w̄·Δp + (p̄ - S)·Δw) / W̄, bars being means of before and after: an identity, not an
    approximation. Of a sum it is the change of its own impact.

    Nothing explains a change from or to a score that is not known; then there is no shift.
    """
    if before.score is None or after.score is None:
        return ()
    change = after.score - before.score
    if before.version != after.version:
        return (Shift(name=MODEL, by=change),) if change else ()
    was, now = _by_name(before), _by_name(after)
    names = [*now, *(name for name in was if name not in now)]
    cuts = {name: _part(now, name) - _part(was, name) for name in names if _cuts(was, now, name)}
    parts = [name for name in names if name not in cuts]
    exact = _exact(parts, was, now, sums=after.combine is Combine.SUM)
    unit = Decimal(1).scaleb(after.score.as_tuple().exponent)  # type: ignore[arg-type] # a finite number
    total = int((change - sum(cuts.values())) / unit)
    steps = apportioned([share / Fraction(unit) for share in exact], total)
    shifts = [
        Shift(name=name, by=step * unit, silence=now[name].silence if name in now else None)
        for name, step in zip(parts, steps, strict=True)
    ]
    shifts += [Shift(name=name, by=by) for name, by in cuts.items()]
    return tuple(sorted((s for s in shifts if s.by), key=lambda s: (-abs(s.by), s.name)))


def _by_name(health: Standing) -> Mapping[str, Contribution]:
    return {each.name: each for each in health.contributions}


def _part(by_name: Mapping[str, Contribution], name: str) -> Decimal:
    found = by_name.get(name)
    return Decimal(0) if found is None else found.part


def _cuts(was: Mapping[str, Contribution], now: Mapping[str, Contribution], name: str) -> bool:
    """A cap or a limit: it is there only while it takes something away."""
    return name not in was or name not in now or was[name].is_cut


def _exact(
    names: list[str],
    was: Mapping[str, Contribution],
    now: Mapping[str, Contribution],
    *,
    sums: bool,
) -> list[Fraction]:
    pairs = [(_ends(was[name]), _ends(now[name])) for name in names]
    if sums:
        return [now_w * now_p - was_w * was_p for (was_w, was_p), (now_w, now_p) in pairs]
    scores = [_mean([pair[side] for pair in pairs]) for side in (0, 1)]
    middle = (scores[0] + scores[1]) / 2
    whole = Fraction(sum(pair[side][0] for pair in pairs for side in (0, 1))) / 2
    found: list[Fraction] = []
    for (was_w, was_p), (now_w, now_p) in pairs:
        was_points = now_p if not was_w else was_p
        now_points = was_p if not now_w else now_p
        by_points = (was_w + now_w) / 2 * (now_points - was_points)
        by_weight = ((was_points + now_points) / 2 - middle) * (now_w - was_w)
        found.append((by_points + by_weight) / whole)
    return found


def _ends(found: Contribution) -> tuple[Fraction, Fraction]:
    """Weight and points; nothing when it had no say."""
    if found.points is None:
        return Fraction(0), Fraction(0)
    return Fraction(found.weight), Fraction(found.points)


def _mean(pairs: list[tuple[Fraction, Fraction]]) -> Fraction:
    weights = sum((weight for weight, _ in pairs), Fraction(0))
    return sum((weight * points for weight, points in pairs), Fraction(0)) / weights
