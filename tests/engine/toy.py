"""A toy feature: a parcel is ordered, sent by an effect, and followed up; proves the mechanism."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from retainkit.core import (
    Answer,
    Because,
    Decision,
    Due,
    Effect,
    Event,
    Facts,
    Intent,
    JsonObject,
    NoEffect,
    Outcome,
    Performed,
    Trigger,
    Unknown,
    Woken,
)
from retainkit.engine import Guarantee, Performer
from retainkit.ids import CaseId, CustomerId, EventId, derive


@frozen(kw_only=True)
class Parcel:
    """One order under way."""

    id: CaseId
    key: str
    customer: CustomerId
    open: bool = True
    tries: int = 0
    delivered: bool = False


@frozen(kw_only=True)
class ParcelPolicy:
    """How often to try, and how long to wait in between."""

    tries: int = 3
    wait: timedelta = timedelta(days=1)


@frozen
class Parcels:
    """The feature."""

    policy: ParcelPolicy = ParcelPolicy()
    name: str = "parcels"
    subscribes: frozenset[str] = frozenset({"order.placed", "order.withdrawn"})
    reads: frozenset[str] = frozenset()
    schema: int = 1
    case_type: type[Parcel] = Parcel

    @property
    def definition(self) -> JsonObject:
        """The policy as JSON."""
        return {"tries": self.policy.tries, "wait": self.policy.wait // timedelta(seconds=1)}

    def policy_of(self, definition: JsonObject) -> ParcelPolicy:
        """The policy that a definition says."""
        tries, wait = definition["tries"], definition["wait"]
        assert isinstance(tries, int)
        assert isinstance(wait, int)
        return ParcelPolicy(tries=tries, wait=timedelta(seconds=wait))

    def upcast(self, body: dict[str, object], schema: int) -> dict[str, object]:
        """There is one schema so far."""
        del schema
        return body

    def route(self, event: Event, cases: Sequence[Parcel]) -> Sequence[str]:
        """An order is its own case."""
        del cases
        return (str(event.data["order"]),)

    def decide(
        self,
        case: Parcel | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: ParcelPolicy,
    ) -> Decision[Parcel]:
        """Order -> send -> delivered, or try again a day later, or give up."""
        match trigger:
            case Woken(events=news):
                if any(recorded.event.name == "order.withdrawn" for recorded in news):
                    return (
                        Decision() if case is None else self._closed(case, facts, now, "withdrawn")
                    )
                if case is not None:
                    return Decision(case=case, wake=now + policy.wait)
                order = str(news[0].event.data["order"])
                parcel = Parcel(
                    id=CaseId(derive("parcel", order)), key=order, customer=facts.customer
                )
                return self._try(parcel, now, policy, "ordered")
            case Due():
                assert case is not None
                if case.tries >= policy.tries:
                    return self._closed(case, facts, now, "given_up")
                return self._try(case, now, policy, "again")
            case Performed(outcome=Answer(data={"delivered": True})):
                if case is None or case.delivered:
                    return Decision(case=case)
                return self._closed(evolve(case, delivered=True), facts, now, "delivered")
            case Performed(outcome=Answer() | NoEffect() | Unknown()):
                return Decision(
                    case=case, wake=now + policy.wait, because=(Because(key="toy.waits"),)
                )

    def _try(self, case: Parcel, now: datetime, policy: ParcelPolicy, why: str) -> Decision[Parcel]:
        tried = evolve(case, tries=case.tries + 1)
        return Decision(
            case=tried,
            wake=now + policy.wait,
            events=(_event("parcels.tried", tried, now),),
            effects=(
                Effect(kind="parcel.send", attempt=f"send:{tried.tries}", data={"order": case.key}),
            ),
            because=(Because(key=f"toy.{why}"),),
        )

    def _closed(self, case: Parcel, facts: Facts, now: datetime, how: str) -> Decision[Parcel]:
        del facts
        return Decision(
            case=evolve(case, open=False),
            events=(_event(f"parcels.{how}", case, now),),
            because=(Because(key=f"toy.{how}"),),
        )


def _event(name: str, case: Parcel, now: datetime) -> Event:
    return Event(
        id=EventId(derive(name, case.id, str(case.tries))),
        name=name,
        customer=case.customer,
        occurred_at=now,
        data={"case": case.id, "tries": case.tries},
    )


def order(number: str, customer: str, at: datetime) -> Event:
    """A customer orders something."""
    return Event(
        id=EventId(f"order-{number}"),
        name="order.placed",
        customer=CustomerId(customer),
        occurred_at=at,
        data={"order": number},
    )


class Post:
    """The outside: remembers what each key did, and can be told to fail."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        self.calls: list[str] = []
        self.script: list[Outcome | BaseException | Callable[[], Outcome]] = []

    def perform(self, intent: Intent, now: datetime) -> Outcome:
        """Send; the script says what happens instead, before the effect."""
        del now
        self.calls.append(intent.key)
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, BaseException):
                raise step
            return step() if callable(step) else step
        return self.deliver(intent)

    def deliver(self, intent: Intent) -> Outcome:
        """Do it once a key."""
        self.sent.setdefault(intent.key, str(intent.effect.data["order"]))
        return Answer(data={"delivered": True})

    def look_up(self, intent: Intent, now: datetime) -> Outcome:
        """What is known of the key."""
        del now
        self.calls.append(f"look:{intent.key}")
        return (
            Answer(data={"delivered": True})
            if intent.key in self.sent
            else NoEffect(reason="never_arrived")
        )

    def performer(self, guarantee: Guarantee = Guarantee.EXACTLY_ONCE) -> Performer:
        """As the engine takes it."""
        return Performer(
            group="post", guarantee=guarantee, perform=self.perform, look_up=self.look_up
        )
