"""How taking part in a programme goes with staying; whether it is why is nothing this can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from attrs import frozen

from retainkit.core import Event, JsonObject
from retainkit.errors import InvalidInput
from retainkit.health._statistics import Estimate, ratio_difference, share, share_difference
from retainkit.health._stays import COUNTED, Stay
from retainkit.health._told import estimate_json, html_table
from retainkit.ids import CustomerId
from retainkit.money import Money
from retainkit.timing import utc


ATTENDED: Final = "engagement.attended"
"""The event of taking part; its data name the ``programme`` and the ``kind``."""

CAUTION: Final = (
    "This is association, not effect: those who take part differ from those who don't in other "
    "ways as well. Only a trial that lets chance decide who is invited can tell what a programme "
    "changes."
)
"""What must be said with every such figure."""


@frozen(kw_only=True)
class Engagement:
    """
    Those who took part in one kind of programme, beside those who did not.

    Args:
        kind: Of the programme, such as ``webinar``, ``content`` or ``community``.

        stayed: The share that stayed, of those who took part.

        others_stayed: The share that stayed, of all others.

        difference: By how much the first share is larger.

        revenue: By how much larger the net revenue retention is: what the customers pay at the end
            of the horizon, over what they paid at its beginning. Nothing without amounts.

        caution: That this is association, not effect.
    """

    kind: str
    stayed: Estimate
    others_stayed: Estimate
    difference: Estimate
    revenue: Estimate
    caution: str = CAUTION

    def to_json(self) -> JsonObject:
        """All of it as JSON; figures as text, to 6 places."""
        return {
            "kind": self.kind,
            "stayed": estimate_json(self.stayed),
            "others_stayed": estimate_json(self.others_stayed),
            "difference": estimate_json(self.difference),
            "revenue": estimate_json(self.revenue),
            "caution": self.caution,
        }

    def _repr_html_(self) -> str:
        return html_table(
            f"{self.kind}: {self.caution}",
            ("", "share (95\u202f% interval)"),
            (
                ("stayed, of those who took part", self.stayed.in_percent()),
                ("stayed, of all others", self.others_stayed.in_percent()),
                ("difference", self.difference.in_percent()),
                ("difference in net revenue retention", self.revenue.in_percent()),
            ),
        )


def engagement_effect(
    stays: Iterable[Stay],
    events: Iterable[Event],
    *,
    at: datetime,
    horizon: timedelta,
    within: timedelta,
    revenue: Mapping[CustomerId, tuple[Money, Money]] | None = None,
) -> tuple[Engagement, ...]:
    """
    How taking part goes with staying, for each kind of programme.

    Whoever took part is decided by what happened before a moment, whether they stayed by what
    happened after it: else those who stay longer would take part more often for that reason alone.

    Args:
        stays: Of every customer; those count who were there at the moment, and were followed for
            the horizon or left within it.

        events: Those named ``engagement.attended`` count, of real and imported origin.

        at: The moment.

        horizon: Within how long after it leaving counts.

        within: How long before it taking part counts.

        revenue: Of each customer, what they paid at the moment and at the end of the horizon, in
            one currency; zero at the end for those who left.

    Raises:
        InvalidInput: ``health.currencies``: amounts in more than one currency.
    """
    moment = utc(at)
    there = [
        stay
        for stay in stays
        if stay.since <= moment < stay.until and (stay.left or stay.until >= moment + horizon)
    ]
    amounts = _amounts(revenue or {})
    parts = _took_part(events, moment - within, moment)
    return tuple(
        _engagement(kind, there, parts[kind], moment + horizon, amounts) for kind in sorted(parts)
    )


def _took_part(
    events: Iterable[Event], since: datetime, until: datetime
) -> dict[str, set[CustomerId]]:
    parts: dict[str, set[CustomerId]] = {}
    for event in events:
        if (
            event.name == ATTENDED
            and event.origin in COUNTED
            and since < event.occurred_at <= until
        ):
            kind = str(event.data.get("kind") or event.data.get("programme") or "")
            parts.setdefault(kind, set()).add(event.customer)
    return parts


def _amounts(
    revenue: Mapping[CustomerId, tuple[Money, Money]],
) -> dict[CustomerId, tuple[Fraction, Fraction]]:
    codes = sorted({amount.currency.code for pair in revenue.values() for amount in pair})
    if codes[1:]:
        raise InvalidInput(
            "Amounts of several currencies can't be added up",
            code="health.currencies",
            field="revenue",
            value=codes,
            remedy="pass the customers of one currency, or convert the amounts yourself",
        )
    return {
        customer: (Fraction(after.amount), Fraction(before.amount))
        for customer, (before, after) in revenue.items()
    }


def _engagement(
    kind: str,
    there: Sequence[Stay],
    took_part: set[CustomerId],
    end: datetime,
    amounts: Mapping[CustomerId, tuple[Fraction, Fraction]],
) -> Engagement:
    groups = [
        [stay for stay in there if (stay.customer in took_part) is side] for side in (True, False)
    ]
    (part, whole), (other_part, other_whole) = [
        (sum(not stay.left or stay.until > end for stay in group), len(group)) for group in groups
    ]
    paid, others_paid = (
        [amounts[stay.customer] for stay in group if stay.customer in amounts] for group in groups
    )
    return Engagement(
        kind=kind,
        stayed=share(part, whole),
        others_stayed=share(other_part, other_whole),
        difference=share_difference(part, whole, other_part, other_whole),
        revenue=ratio_difference(paid, others_paid),
    )
