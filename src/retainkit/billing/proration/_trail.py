"""The steps that say how an amount came about, as keys and values; texts are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from attrs import frozen

from retainkit.billing.prices import Charge
from retainkit.billing.proration._policy import ProrationPolicy
from retainkit.billing.proration._shares import Share
from retainkit.timing import Period


@frozen
class TrailStep:
    """
    One step of how an amount came about: a message key and its values, never text.

    Args:
        key: ``proration.policy``, ``proration.period``, ``proration.share``, ``proration.basis``,
            ``proration.part``, ``proration.discount``, ``proration.cap``, ``proration.rounding``.

        values: Instants in ISO 8601, exact fractions as ``17/30``, amounts in minor units.
    """

    key: str
    values: Mapping[str, str | int]


def time_steps(
    policy: ProrationPolicy, stretch: Period, share: Share
) -> tuple[TrailStep, TrailStep]:
    return (
        TrailStep(
            "proration.period",
            {"start": stretch.start.isoformat(), "end": stretch.end.isoformat()},
        ),
        TrailStep(
            "proration.share",
            {
                "policy": policy.name,
                "rule": share.rule,
                "unit": share.unit,
                "part": str(share.part),
                "whole": str(share.whole),
                "exact": str(share.exact),
                "share": str(share.fraction),
            },
        ),
    )


def whole_steps(charge: Charge, taken: list[tuple[str, Fraction]]) -> Iterator[TrailStep]:
    for part in charge.parts:
        yield TrailStep(
            "proration.part",
            {
                "part": part.kind,
                "tier": part.tier or 0,
                "quantity": str(part.quantity),
                "unit": str(part.unit.amount),
                "amount": str(part.exact),
            },
        )
    for coupon, off in taken:
        yield TrailStep("proration.discount", {"coupon": coupon, "amount": str(off)})


def rounding_step(policy: ProrationPolicy, exact: Fraction, units: int) -> TrailStep:
    return TrailStep(
        "proration.rounding",
        {"exact": str(exact), "rounding": policy.rounding, "amount": units},
    )
