"""What a back-test found, as values; how it is found is in ``_backtest``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import field, frozen

from retainkit.core import JsonObject
from retainkit.health._statistics import Estimate, share
from retainkit.health._told import Verdict, found_html, found_json, neighbours, verdicts
from retainkit.ids import CustomerId


@frozen(kw_only=True)
class Look:
    """
    What the model would have said of a customer at one moment.

    Args:
        at: When.

        score: Of the health then; None when too little was known.

        band: The score's band; ``unknown`` without a score.

        coverage: The share of the weight with fresh data.

        components: The points of each component that was known; more is healthier.

        model: The id of the model; empty when there is none for this customer.

        version: The model's content hash.

        attributes: The signals that customers are told apart by, as they were known then.
    """

    at: datetime
    score: Decimal | None
    band: str
    coverage: Decimal
    components: Mapping[str, Decimal]
    model: str
    version: str = ""
    attributes: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class FalseGreen:
    """
    A customer who left while the score called them healthy.

    Args:
        customer: Who.

        left_at: When they left.

        look: What the score said last, with the components that said so.
    """

    customer: CustomerId
    left_at: datetime
    look: Look


@frozen(kw_only=True)
class LeadTime:
    """
    How long before leaving the band turned bad for good.

    Args:
        leavers: How many left who had been looked at within the horizon before.

        days: The median of the days between, among those whose band was bad at the end. Where it
            was bad at the first look already, the days since that look count.

        warned: The share of leavers whose band was bad at the end.

        green: How many left while it was good: the false greens.

        silent: How many left while too little was known for a score.
    """

    leavers: int
    days: Estimate
    warned: Estimate
    green: int
    silent: int


@frozen(kw_only=True)
class BandOutcome:
    """
    What became of those who were in one band.

    Args:
        band: Its name; ``unknown`` for those without a score.

        left: The share that left within the horizon; `Estimate.of` is how many looks there were.

        model: The id of the model whose band it is, when several were judged; else empty.
    """

    band: str
    left: Estimate
    model: str = ""

    @property
    def name(self) -> str:
        """As reports call it: with the model, when several were judged."""
        return f"{self.model}: {self.band}" if self.model else self.band


@frozen(kw_only=True)
class ComponentTest:
    """
    How well one component alone tells who leaves.

    Args:
        component: Its name.

        known: The share of looks at which it was known.

        area: Its own area under the curve, where it was known.

        gain: By how much the score's area is larger, on the very same looks.
    """

    component: str
    known: Estimate
    area: Estimate
    gain: Estimate

    @property
    def beaten(self) -> bool:
        """Whether the score is shown to be better; not shown is no."""
        return self.gain.low is not None and self.gain.low > 0


@frozen(kw_only=True)
class GroupTest:
    """
    How well the score does among customers who share an attribute.

    Args:
        attribute: Such as ``segment``, ``industry``, ``size`` or ``icp_fit``.

        value: Its value.

        customers: How many there were; one who changed counts in each.

        left: The share that left within the horizon, of their looks.

        area: The area under the curve among them.
    """

    attribute: str
    value: str
    customers: int
    left: Estimate
    area: Estimate


@frozen(kw_only=True)
class BackTest:
    """
    What a back-test found.

    Args:
        horizon: Within how long after a look leaving counts.

        warnings: The bands that count as bad; each as ``model: band`` when several were judged.

        customers: How many customers were looked at and followed for a whole horizon.

        leavers: How many of them left within a horizon after a look.

        looks: How many looks that makes.

        unfollowed: How many looks do not count, since the customer was not followed for a horizon
            after them.

        coverage: The mean share of the weight with fresh data.

        scored: The share of looks at which enough was known for a score.

        area: How often a customer who left had scored less than one who stayed: 0.5 is chance.
            Scores of several models are compared by where they lie on the scale of their model.

        bands: What became of each band, model by model from the worst to the best; those without
            a score last.

        lead: How long before.

        false_greens: Who left while the score called them healthy, the highest score first.

        components: Each component alone.

        groups: The score among customers who share an attribute.
    """

    horizon: timedelta
    warnings: tuple[str, ...]
    customers: int
    leavers: int
    looks: int
    unfollowed: int
    coverage: Decimal | None
    scored: Estimate
    area: Estimate
    bands: tuple[BandOutcome, ...]
    lead: LeadTime
    false_greens: tuple[FalseGreen, ...]
    components: tuple[ComponentTest, ...]
    groups: tuple[GroupTest, ...]

    @property
    def monotone(self) -> bool | None:
        """
        Whether in no band a larger share left than in a worse one of the same model.

        None when no model has two bands that somebody was in.
        """
        pairs = list(neighbours(self.bands))
        if not pairs:
            return None
        return all((worse.left.value or 0) >= (better.left.value or 0) for worse, better in pairs)

    @property
    def false_green_share(self) -> Estimate:
        """The share of leavers who left while the score called them healthy."""
        return share(self.lead.green, self.lead.leavers)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What it means, in plain sentences."""
        return verdicts(self)

    def to_json(self) -> JsonObject:
        """All of it as JSON; figures as text, to 6 places."""
        return found_json(self)

    def _repr_html_(self) -> str:
        return found_html(self)
