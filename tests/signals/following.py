"""A kit without a store: what a rules feature makes of one customer's news and of time."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import define, evolve, field

from retainkit.core import (
    EVERY_NAME,
    Due,
    Event,
    Facts,
    JsonObject,
    Origin,
    RecordedEvent,
    Trigger,
    Woken,
)
from retainkit.engine import _codec as codec
from retainkit.ids import CustomerId, EventId, TenantId
from retainkit.signals import Measures, RulesCase, RulesFeature


NOW = datetime(2026, 11, 4, 9, tzinfo=UTC)  # a Wednesday
WHO = CustomerId("c1")


def happened(
    name: str,
    at: datetime,
    data: JsonObject | None = None,
    *,
    id: str | None = None,
    origin: Origin = Origin.REAL,
) -> Event:
    """An event of the customer; without an id of its own, one of its content."""
    return Event(
        id=EventId(id or f"{name}@{at.isoformat()}"),
        name=name,
        customer=WHO,
        occurred_at=at,
        data=data or {},
        origin=origin,
    )


@define
class Following:
    """
    The life of one customer under a rulebook, decided as an engine decides it.

    Args:
        feature: The rules.

        whole: Every look asks all rules, as a nightly batch does.

        restarts: The case is written and read again at each look.
    """

    feature: RulesFeature
    whole: bool = False
    restarts: bool = True
    case: RulesCase | None = None
    wake: datetime | None = None
    history: list[RecordedEvent] = field(factory=list)
    said: list[Event] = field(factory=list)
    _news: list[RecordedEvent] = field(factory=list)

    @property
    def measures(self) -> Measures:
        """What is counted."""
        return self.feature.measures

    def record(self, at: datetime, *events: Event) -> None:
        """Keep what is new, as the timeline does; nobody looks yet."""
        known = {recorded.event.id for recorded in self.history}
        for event in events:
            if event.id in known:
                continue
            known.add(event.id)
            recorded = RecordedEvent(event=event, sequence=len(self.history) + 1, recorded_at=at)
            self.history.append(recorded)
            subscribes = self.feature.subscribes
            if event.name in subscribes or (EVERY_NAME in subscribes and not event.because):
                self._news.append(recorded)

    def look(self, at: datetime) -> list[str]:
        """Decide the news; the names of the events that it made."""
        if not self._news:
            return []
        news, self._news = tuple(self._news), []
        return self._decide(Woken(events=news), at)

    def tell(self, at: datetime, *events: Event) -> list[str]:
        """Record, and look at once."""
        self.record(at, *events)
        return self.look(at)

    def lose(self) -> None:
        """Forget that there is news."""
        self._news = []

    def until(self, at: datetime) -> list[str]:
        """Let time go by, up to and including this instant, and look whenever it is time to."""
        names: list[str] = []
        while self.wake is not None and self.wake <= at:
            names += self._decide(Due(), self.wake)
        return names

    def ask_all(self, at: datetime) -> list[str]:
        """Look at everything, whoever asked for that."""
        whole, self.whole = self.whole, True
        names = self._decide(Due(), at)
        self.whole = whole
        return names

    def _decide(self, trigger: Trigger, at: datetime) -> list[str]:
        case = self.case
        if case is not None and self.restarts:
            case = codec.load(codec.dump(case), self.feature.case_type)
        if case is not None and self.whole:
            case = evolve(case, rulebook="another")
        wanted = self.feature.wanted(case, trigger, at)
        buckets = tuple(
            bucket
            for bucket in self.measures.recount(self.history)
            if bucket.metric in wanted.metrics and (not bucket.day or bucket.day >= wanted.since)
        )
        facts = Facts(tenant=TenantId("main"), customer=WHO, buckets=buckets)
        decision = self.feature.decide(case, trigger, facts, at, None)
        self.case, self.wake = decision.case, decision.wake
        assert self.wake is not None
        assert self.wake > at
        self.said += decision.events
        return [event.name for event in decision.events]
