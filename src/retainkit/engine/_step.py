"""One step: load, decide, write. Everything a decision says goes into the one open transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product

from attrs import evolve

from retainkit.core import (
    EVERY_NAME,
    Bucket,
    Case,
    Decision,
    Due,
    Effect,
    EffectState,
    Event,
    EventState,
    Facts,
    Intent,
    Lease,
    NoEffect,
    Performed,
    Record,
    RecordedEvent,
    Settled,
    Timer,
    Trigger,
    Unknown,
    Woken,
)
from retainkit.engine._attention import list_case_missing, unlist_refused
from retainkit.engine._features import AnyBound, Features, NewerSchema
from retainkit.errors import Conflict
from retainkit.ids import CaseId, CustomerId, EffectId, TenantId, derive
from retainkit.stores import Appended, Change, Transaction


NOBODY = CustomerId("")
"""Whose events are that concern no customer: kept, but never decided."""

FIRST = 1
"""The counter of a customer's first event."""


class Fenced(Conflict):
    """The claim was lost: somebody else works on the item, and this work must be dropped."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "Somebody else works on this item; nothing was changed",
            code="item.taken",
            field="item",
            value=what,
            remedy="try again; it may be decided by now",
        )


class Step:
    """
    The one place where decisions are made and written.

    Args:
        features: The features of the kit.

        tenant: Whose data the transaction holds.

        tx: The open transaction.

        now: The kit's time.

        lease: Under which the first effect is written as already under way; None leaves every
            effect to a worker.

        defined: Whether the present policies are known to be in the store.
    """

    def __init__(
        self,
        features: Features,
        tenant: TenantId,
        tx: Transaction,
        *,
        now: datetime,
        lease: Lease | None,
        defined: bool = False,
    ) -> None:
        self.tx: Transaction = tx
        self._features = features
        self._tenant = tenant
        self._now = now
        self._lease = lease
        self._defined = defined
        self._counter = 0
        self.under_way: Intent | None = None
        self.events: int = 0
        self.effects: int = 0

    # ---- entering

    def record(self, events: Sequence[Event]) -> Appended:
        """
        Append events and wake the features that subscribe to them, in the same commit.

        What would be counted on a day too far ahead is kept aside, and wakes nobody.
        """
        counting = self._features.counting
        ahead = () if counting is None else counting.ahead(events, self._now)
        if not ahead:
            return self._appended(events)
        # Customers are locked first, then ids taken in their order: nobody waits in a circle.
        these = {id(event) for event in ahead}
        appended = self._appended([event for event in events if id(event) not in these])
        aside = self.tx.timeline.append(
            sorted(ahead, key=lambda event: event.id),
            recorded_at=self._now,
            state=EventState.PARKED,
        )
        return evolve(
            appended,
            duplicates=appended.duplicates + aside.duplicates,
            conflicts=appended.conflicts + aside.conflicts,
            quarantined=tuple(event.id for event in aside.new),
        )

    def _appended(self, events: Sequence[Event]) -> Appended:
        appended = self.tx.timeline.append(events, recorded_at=self._now)
        self._recorded(appended)
        return appended

    def _recorded(self, appended: Appended) -> None:
        """Count what is new, and tell whoever subscribes to it."""
        if self._features.counting is not None:
            self._features.counting.fold(self.tx, appended)
        self._tell(appended.new, since=appended.first)
        self.events += len(appended.new)

    def _tell(self, events: Sequence[Event], *, since: Mapping[CustomerId, int]) -> None:
        """
        Wake the features that subscribe to these events, each once for a customer.

        A customer's first event, whatever its name, wakes those that wait: who does nothing ever
        after is told by no other.
        """
        wakes = {
            (feature, event.customer)
            for event in events
            if event.customer != NOBODY
            for feature in self._features.woken_by(event)
        }
        known = (who for who, first in since.items() if first == FIRST and who != NOBODY)
        wakes.update(product(self._features.waiting, known))
        if not wakes:
            return
        self.tx.schedule.wake(
            [
                Timer(
                    tenant=self._tenant,
                    feature=feature,
                    customer=customer,
                    due=self._now,
                    since=since[customer],
                )
                for feature, customer in sorted(wakes)
            ]
        )

    def park(self, event: Event) -> None:
        """Keep an event that matches no customer; it wakes nobody until it is released."""
        self.tx.timeline.append([event], recorded_at=self._now, state=EventState.PARKED)

    def release(self, parked: Event, customer: CustomerId) -> None:
        """
        Accept a parked event as the customer's, and wake the features that subscribe to it.

        Raises:
            NotFound: No parked event has that id.
        """
        counter = self.tx.timeline.release(parked.id, customer, recorded_at=self._now)
        released = evolve(parked, customer=customer)
        self._recorded(Appended(new=(released,), first={customer: counter}, taken={customer: 1}))

    def dismiss(self, parked: Event) -> None:
        """
        Keep a parked event as nobody's: it wakes nobody and is counted nowhere.

        Raises:
            NotFound: No parked event has that id.
        """
        self.tx.timeline.release(parked.id, NOBODY, recorded_at=self._now)

    def intend(self, feature: str, customer: CustomerId, effect: Effect) -> None:
        """Leave an effect to a worker, for a feature that keeps no case."""
        intents = self._intents(feature, customer, None, [effect])
        self._written(Change(intended=intents, lease=self._lease_for(intents)))

    def timer(self, timer: Timer) -> None:
        """
        Decide a timer that came due.

        Raises:
            Fenced: The claim no longer holds.
        """
        bound = self._features.get(timer.feature)
        if bound is None:
            return
        counter = self._counter = self.tx.records.lock(timer.customer)
        if timer.case is None:
            self._wake(bound, timer, counter)
        else:
            self._due(bound, timer, timer.case)

    def outcome(self, intent: Intent, outcome: Settled, *, actor: str = "retainkit") -> None:
        """
        Decide the outcome of an effect, and close the effect.

        Raises:
            Fenced: The claim no longer holds.
            NewerSchema: This kit lacks the feature; the answer is for one that has it.
        """
        bound = self._features.get(intent.feature)
        if bound is None:
            raise NewerSchema(intent.feature)
        self._counter = self.tx.records.lock(intent.customer)
        self._performed(bound, intent, outcome, actor, closed=_closed(intent, outcome))

    # ---- deciding

    def _performed(
        self,
        bound: AnyBound,
        intent: Intent,
        outcome: Settled,
        actor: str,
        *,
        closed: Intent | None = None,
    ) -> None:
        trigger = Performed(effect=intent.effect, outcome=outcome, actor=actor)
        record = None if intent.case is None else self.tx.records.get(intent.feature, intent.case)
        self._decide(bound, intent.customer, record, trigger, closed)
        if intent.tries:
            unlist_refused(self.tx, intent)

    def _wake(self, bound: AnyBound, timer: Timer, counter: int) -> None:
        if not self.tx.schedule.rest(timer, since=counter + 1):
            raise Fenced(timer.id)
        feature = bound.feature
        everything = EVERY_NAME in feature.subscribes or _is_first(bound, timer)
        names = None if everything else feature.subscribes
        events = self.tx.timeline.of(timer.customer, after=timer.since - 1, names=names)
        if not events:
            return
        records = {
            record.key: record
            for record in self.tx.records.open(feature.name, customer=timer.customer)
        }
        cases = {key: bound.case(record) for key, record in records.items()}
        known = list(cases.values())
        concerned: dict[str, list[RecordedEvent]] = {}
        for recorded in events:
            for key in feature.route(recorded.event, known):
                concerned.setdefault(key, []).append(recorded)
        for key, news in concerned.items():
            woken = Woken(events=tuple(news))
            self._decide(bound, timer.customer, records.get(key), woken, case=cases.get(key))

    def _due(self, bound: AnyBound, timer: Timer, case: CaseId) -> None:
        record = self.tx.records.get(timer.feature, case)
        if record is None or not record.open:
            if not self.tx.schedule.finish(timer):
                raise Fenced(timer.id)
            if record is None:
                list_case_missing(self.tx, timer)
            return
        self._decide(bound, timer.customer, record, Due(), timer)

    def _decide(
        self,
        bound: AnyBound,
        customer: CustomerId,
        record: Record | None,
        trigger: Trigger,
        decided: Timer | Intent | None = None,
        *,
        case: Case | None = None,
    ) -> None:
        feature = bound.feature
        history = self._history(customer, feature.reads) if isinstance(trigger, Woken) else ()
        policy = feature.policy if record is None else bound.policy(record.definition, self.tx)
        if case is None and record is not None:
            case = bound.case(record)
        facts = Facts(
            tenant=self._tenant,
            customer=customer,
            history=history,
            buckets=self._buckets(bound, customer, case, trigger),
        )
        decision = feature.decide(case, trigger, facts, self._now, policy)
        self._write(bound, customer, record, decision, decided)

    def _history(self, customer: CustomerId, names: frozenset[str]) -> tuple[RecordedEvent, ...]:
        return self.tx.timeline.of(customer, names=names) if names else ()

    def _buckets(
        self, bound: AnyBound, customer: CustomerId, case: Case | None, trigger: Trigger
    ) -> tuple[Bucket, ...]:
        """What a feature wants to see of what was counted; who was not counted wholly, is now."""
        if bound.measuring is None:
            return ()
        wanted = bound.measuring.wanted(case, trigger, self._now)
        if not wanted.metrics:
            return ()
        counting = self._features.counting
        if counting is None:
            return self.tx.projections.buckets(customer, wanted)
        asked = counting.asked(wanted)
        found = self.tx.projections.buckets(customer, asked)
        if counting.is_whole(found, self._counter) or not counting.lags(self.tx, customer, found):
            return found
        counting.recount(self.tx, [customer])
        return self.tx.projections.buckets(customer, asked)

    # ---- writing

    def _write(
        self,
        bound: AnyBound,
        customer: CustomerId,
        before: Record | None,
        decision: Decision[Case],
        decided: Timer | Intent | None,
    ) -> None:
        feature, case = bound.feature.name, decision.case
        id = None if case is None else case.id
        finished = decided if isinstance(decided, Timer) else None
        planned = self._planned(feature, customer, id, decision.wake)
        intents = self._intents(feature, customer, id, decision.effects)
        change = Change(
            settled=decided if isinstance(decided, Intent) else None,
            finished=finished,
            record=None if case is None else self._changed(bound, case, before),
            planned=planned,
            dropped=None if id is None or planned or finished else (feature, id),
            intended=intents,
            lease=self._lease_for(intents),
            events=tuple(_with_reasons(event, decision) for event in decision.events),
        )
        self._written(change)
        for attempt in decision.withdraw:
            self._withdraw(bound, id, attempt)

    def _changed(self, bound: AnyBound, case: Case, before: Record | None) -> Record | None:
        """The record of the case, if it is another than before."""
        after = bound.record(case, before)
        if before is None and not self._defined:
            self.tx.records.define(after.definition, bound.feature.definition)
        if before is None or after.body != before.body or after.open != before.open:
            return after
        return None

    def _planned(
        self, feature: str, customer: CustomerId, case: CaseId | None, wake: datetime | None
    ) -> Timer | None:
        if case is None or wake is None:
            return None
        return Timer(tenant=self._tenant, feature=feature, customer=customer, due=wake, case=case)

    def _withdraw(self, bound: AnyBound, case: CaseId | None, attempt: str) -> None:
        """End an effect that was never sent, and decide that."""
        intent = self.tx.schedule.intent(EffectId(derive(bound.feature.name, case or "", attempt)))
        nothing = NoEffect(reason="withdrawn")
        if intent is not None and self.tx.schedule.withdraw(_closed(intent, nothing)):
            self._performed(bound, intent, nothing, "retainkit")

    def _intents(
        self, feature: str, customer: CustomerId, case: CaseId | None, effects: Sequence[Effect]
    ) -> tuple[Intent, ...]:
        return tuple(
            Intent(
                tenant=self._tenant,
                feature=feature,
                customer=customer,
                case=case,
                effect=effect,
                wake_at=self._now,
            )
            for effect in effects
        )

    def _lease_for(self, intents: Sequence[Intent]) -> Lease | None:
        return self._lease if intents and self.under_way is None else None

    def _written(self, change: Change) -> None:
        """Write it, fenced; what it leases of the new effects is under way from here on."""
        appended = self.tx.write(change, now=self._now)
        if appended is None:
            raise Fenced(_name(change))
        if change.events:
            self._recorded(appended)
        self.effects += len(change.intended)
        if change.lease is not None:
            self.under_way = evolve(
                change.intended[0],
                state=EffectState.SENT,
                sent_at=self._now,
                lease=change.lease.id,
            )


def _is_first(bound: AnyBound, timer: Timer) -> bool:
    """Whether a customer became known, and may be one who never does anything else."""
    return bound.waits and timer.since == FIRST


def _with_reasons(event: Event, decision: Decision[Case]) -> Event:
    if event.because or not decision.because:
        return event
    return evolve(event, because=decision.because)


def _closed(intent: Intent, outcome: Settled) -> Intent:
    # Mail that may have gone out is told to its feature, and stays listed for a person.
    state = EffectState.UNCLEAR if isinstance(outcome, Unknown) else EffectState.DONE
    return evolve(intent, state=state, outcome=outcome, wake_at=None)


def _name(change: Change) -> str:
    """What the claim that was lost was on."""
    if change.settled is not None:
        return change.settled.effect.kind
    return "" if change.finished is None else change.finished.id
