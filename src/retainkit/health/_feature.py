"""The feature that follows each customer's health: on news, and once a day in its zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final

from attrs import field, frozen

from retainkit.core import (
    EVERY_NAME,
    Bucket,
    Case,
    Decision,
    Event,
    Facts,
    OneCase,
    Performed,
    Trigger,
    Wanted,
    Woken,
)
from retainkit.errors import InvalidInput
from retainkit.health._follow import Following
from retainkit.health._models import HealthModels
from retainkit.health._override import OVERRIDE_END_REQUESTED, OVERRIDE_REQUESTED, Override
from retainkit.health._score import Health, Standing
from retainkit.ids import CaseId, CustomerId, EventId, derive
from retainkit.signals import Measures
from retainkit.timing import local_time, utc, wall_time


RESCORE_REQUESTED: Final = "health.rescore_requested"
"""The name of the event that has its customer scored at once."""


@frozen(kw_only=True)
class HealthCase:
    """
    What is kept of one customer's health.

    Args:
        id: Derived from the customer.

        customer: Whom it concerns.

        told: The health that the last ``health.scored`` told.

        plain: The band that the model gives, with its hysteresis; empty before the first score.

        band: The band as people see it: an override counts; empty likewise.

        override: A person's word on the band.

        days: The score at the end of each day of the trend's window, by the date in the
            customer's zone, of the present version of the model.

        version: Of the model that those days are of.

        key: Empty: a customer has one.

        open: Always: there is a next day.
    """

    id: CaseId
    customer: CustomerId
    told: Standing | None = None
    plain: str = ""
    band: str = ""
    override: Override | None = None
    days: dict[str, Decimal] = field(factory=dict)
    version: str = ""
    key: str = ""
    open: bool = True


def health_case(customer: CustomerId) -> CaseId:
    """The id of a customer's case."""
    return CaseId(derive("health", customer))


def rescore_request(customer: CustomerId, now: datetime) -> Event:
    """The event that has a customer scored at once; `HealthFeature` decides it."""
    at = utc(now, "now")
    return Event(
        id=EventId(derive(RESCORE_REQUESTED, customer, at.isoformat())),
        name=RESCORE_REQUESTED,
        customer=customer,
        occurred_at=at,
    )


@frozen
class HealthFeature(OneCase):
    """
    Follows the health of each customer.

    An event that can change a signal it reads wakes it, and the start of each day in the
    customer's zone. What it says: ``health.scored`` for the first score and for each move of at
    least the model's step, ``health.band_changed``, ``health.overridden``,
    ``health.override_ended``.

    Args:
        models: The models.

        measures: What is counted for them; it knows every signal that they read.

    Raises:
        InvalidInput: ``rules.unknown_signal``, ``rules.signal_clash``.
    """

    models: HealthModels
    measures: Measures
    name: str = "health"
    reads: frozenset[str] = frozenset()
    schema: int = 1
    policy: None = None

    def __attrs_post_init__(self) -> None:
        self.models.check(self.measures.signals)
        missing = self.models.reads - self.measures.signals.keys()
        if missing:
            raise InvalidInput(
                "The models read what nobody counts",
                code="rules.unknown_signal",
                field="measures",
                value=min(missing),
                remedy="pass Measures(..., conditions=models.conditions)",
            )

    @cached_property
    def subscribes(self) -> frozenset[str]:
        """What changes a signal that a model reads, or how it is counted; and what is asked."""
        reads = self.models.reads
        changes = {name for name in self.measures.events if self.measures.touched([name]) & reads}
        asks = {OVERRIDE_REQUESTED, OVERRIDE_END_REQUESTED, RESCORE_REQUESTED}
        every = {EVERY_NAME} if self.measures.reads_every_name(reads) else set()
        return frozenset(changes | self.measures.recounts | asks | every)

    @property
    def case_type(self) -> type[HealthCase]:
        """The class of its cases."""
        return HealthCase

    def wanted(self, case: Case | None, trigger: Trigger, now: datetime) -> Wanted:
        """What is counted for the signals that the models read."""
        del case, trigger
        return self.measures.wanted(now, self.models.reads)

    def decide(
        self,
        case: HealthCase | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: None,
    ) -> Decision[HealthCase]:
        """Hear what is asked, score, and tell what changed."""
        del policy
        if isinstance(trigger, Performed):  # it asks for nothing to be performed
            return Decision()
        if case is None:
            case = HealthCase(id=health_case(facts.customer), customer=facts.customer)
        known = self.measures.read(facts.buckets, now, self.models.reads)
        zone = self.measures.zone_of(facts.buckets)
        following = self._following(case, now, zone)
        if isinstance(trigger, Woken):
            following.hear([recorded.event for recorded in trigger.events])
        following.score(known)
        after = following.case
        wake = _wake(after, following.day, zone)
        return Decision(case=after, wake=wake, events=tuple(following.events))

    def health(
        self, case: HealthCase | None, buckets: Sequence[Bucket], now: datetime
    ) -> Health | None:
        """
        The health at this instant, as it would be told; None when no model is for the customer.

        Args:
            case: What is kept, for the trend and the hysteresis; None when nothing is.

            buckets: What was counted of the customer.

            now: The instant.
        """
        known = self.measures.read(buckets, now, self.models.reads)
        model = self.models.of(known, now)
        if model is None:
            return None
        kept = case or HealthCase(id=CaseId(""), customer=CustomerId(""))
        return self._following(kept, now, self.measures.zone_of(buckets)).health(model, known)

    def _following(self, case: HealthCase, now: datetime, zone: str) -> Following:
        day = local_time(now, zone).date()
        return Following(models=self.models, case=case, at=now, day=day)


def _wake(case: HealthCase, today: date, zone: str) -> datetime:
    """The start of the next day in the customer's zone, or the end of an override before it."""
    tomorrow = wall_time(today + timedelta(days=1), time(0), zone)
    return tomorrow if case.override is None else min(tomorrow, case.override.until)
