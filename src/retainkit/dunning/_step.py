"""One decision while it is being made: the case as it changes, what is said, what is asked for."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from retainkit.core import Because, Effect, Event, JsonObject, JsonValue
from retainkit.dunning._case import CaseInvoice, DunningCase
from retainkit.dunning._plan import Reason
from retainkit.dunning._policy import DunningPolicy
from retainkit.ids import EventId, derive


class Step:
    """
    The notes of one decision; lives no longer than it.

    Args:
        case: The case as it stands; the step replaces it as it goes.

        policy: What the case runs under.

        at: The time of the decision.
    """

    __slots__ = ("at", "case", "effects", "events", "policy", "withdrawn")

    def __init__(self, case: DunningCase, policy: DunningPolicy, at: datetime) -> None:
        self.case: DunningCase = case
        self.policy: DunningPolicy = policy
        self.at: datetime = at
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.withdrawn: list[str] = []

    def because(self, reason: Reason) -> Because:
        """The reason, with the policy it was found under."""
        key, values = reason
        return Because(key=key, values={**values, "policy": self.policy.fingerprint})

    def say(
        self, name: str, data: dict[str, JsonValue], *reasons: Reason, key: str | None = None
    ) -> EventId:
        """
        Note an event, and give its id.

        ``key`` is its natural key in the case; without one it is numbered by the step.
        """
        natural = f"{self.case.steps}:{len(self.events)}" if key is None else key
        id = EventId(derive(self.case.id, name, natural))
        self.events.append(
            Event(
                id=id,
                name=name,
                customer=self.case.customer,
                occurred_at=self.at,
                data={"case": self.case.id, **data},
                because=tuple(self.because(reason) for reason in reasons),
            )
        )
        return id

    def ask(self, kind: str, attempt: str, data: JsonObject) -> None:
        """Note an effect."""
        self.effects.append(Effect(kind=kind, attempt=attempt, data=data))

    def put(self, invoice: CaseInvoice) -> CaseInvoice:
        """Replace an invoice of the case, or add it."""
        others = (other for other in self.case.invoices if other.id != invoice.id)
        invoices = tuple(sorted((*others, invoice), key=lambda each: each.id))
        self.case = evolve(self.case, invoices=invoices)
        return invoice
