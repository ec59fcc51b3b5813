"""A person's word on the band of a customer, until a day; the score beside it goes on."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from attrs import field, frozen

from retainkit.core import Event, JsonObject
from retainkit.errors import InvalidInput
from retainkit.health._bands import UNKNOWN
from retainkit.health._models import HealthModels
from retainkit.ids import CustomerId, EventId, derive
from retainkit.timing import utc


OVERRIDE_REQUESTED: Final = "health.override_requested"
"""The name of the event that asks for an override."""

OVERRIDE_END_REQUESTED: Final = "health.override_end_requested"
"""The name of the event that asks for its end."""

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def _until(at: datetime) -> datetime:
    return utc(at, "until")


def _reason(reason: str) -> str:
    if _WORD.fullmatch(str(reason)):
        return reason
    raise InvalidInput(
        "A reason is one word: free text would keep names",
        code="health.reason",
        field="reason",
        value=len(str(reason)),
        remedy="use letters, digits and _ . : - only, for example sponsor_confirmed_renewal",
    )


@frozen(kw_only=True)
class Override:
    """
    A person's word on a band.

    Args:
        band: The band that the customer is in until then.

        reason: Why, in one word.

        actor: Who says so: a person's id.

        until: When it ends by itself; what nobody repeats is not true for ever.

    Raises:
        InvalidInput: ``health.reason``, ``time.naive``.
    """

    band: str
    reason: str = field(converter=_reason)
    actor: str
    until: datetime = field(converter=_until)

    def to_json(self) -> JsonObject:
        """As an event holds it."""
        return {"band": self.band, "reason": self.reason, "until": self.until.isoformat()}


def request_override(
    models: HealthModels, customer: CustomerId, override: Override, now: datetime
) -> Event:
    """
    The event that asks for an override; `HealthFeature` decides it.

    Raises:
        InvalidInput: ``health.unknown_band``; ``health.override_end`` when it would have ended;
            ``health.actor``, ``health.customer``.
    """
    bands = {name: None for model in models.models for name in model.bands.names}
    if override.band not in bands:
        raise InvalidInput(
            "No health model has such a band",
            code="health.unknown_band",
            field="band",
            value=override.band,
            remedy=f"use one of {', '.join(bands)}; {UNKNOWN!r} can't be told",
        )
    if override.until <= now:
        raise InvalidInput(
            "The override would have ended",
            code="health.override_end",
            field="until",
            value=override.until.isoformat(),
            remedy="choose a time to come",
        )
    return _asked(OVERRIDE_REQUESTED, customer, override.actor, now, override.to_json())


def request_end(customer: CustomerId, *, actor: str, reason: str, now: datetime) -> Event:
    """
    The event that asks for the end of an override; `HealthFeature` decides it.

    Raises:
        InvalidInput: ``health.reason``, ``health.actor``, ``health.customer``.
    """
    return _asked(OVERRIDE_END_REQUESTED, customer, actor, now, {"reason": _reason(reason)})


def override_in(event: Event) -> Override | None:
    """The override that an event asks for; None when it can't be read."""
    band, reason, until = (event.data.get(name) for name in ("band", "reason", "until"))
    if not isinstance(band, str) or not isinstance(reason, str) or not isinstance(until, str):
        return None
    try:
        return Override(
            band=band, reason=reason, actor=event.actor, until=datetime.fromisoformat(until)
        )
    except ValueError:
        return None


def _asked(name: str, customer: CustomerId, actor: str, now: datetime, data: JsonObject) -> Event:
    if not actor:
        raise InvalidInput(
            "Nobody answers for this",
            code="health.actor",
            field="actor",
            value=actor,
            remedy="pass the id of the person",
        )
    if not (customer or "").strip():
        raise InvalidInput(
            "This is about nobody",
            code="health.customer",
            field="customer",
            value=customer,
            remedy="pass the id of a customer",
        )
    at = utc(now, "now")
    return Event(
        id=EventId(derive(name, customer, at.isoformat())),
        name=name,
        customer=customer,
        occurred_at=at,
        data=data,
        actor=actor,
    )
