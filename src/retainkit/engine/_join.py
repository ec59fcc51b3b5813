"""What can be done inside one transaction: the kit's own, or one the host has open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from attrs import evolve

from retainkit.core import (
    Answer,
    EffectState,
    Event,
    EventState,
    Item,
    NoEffect,
    RecordedEvent,
    Timer,
)
from retainkit.engine import _attention, _links, _webhooks
from retainkit.engine._attention import Attention
from retainkit.engine._explain import Explained, explained
from retainkit.engine._links import OpenLink
from retainkit.engine._step import Step
from retainkit.engine._webhooks import Receipt
from retainkit.errors import ConfigurationError, InvalidInput, NotFound, Refused
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, derive
from retainkit.payments import ProviderEvent
from retainkit.stores import Appended, Transaction


if TYPE_CHECKING:
    from retainkit.billing import Declined, Paid
    from retainkit.dunning import Access, DunningCase, DunningPolicy, Upcoming
    from retainkit.engine._health import KitHealth
    from retainkit.engine._kit import RetainKit
    from retainkit.engine._rules import KitRules
    from retainkit.engine._signals import KitSignals

_ROUNDS = 100


class JoinedKit:
    """
    The kit inside one open transaction.

    Everything it does commits or rolls back with that transaction. It never commits, rolls back
    or closes, and never performs an effect.
    """

    def __init__(self, kit: RetainKit, tx: Transaction) -> None:
        self._kit = kit
        self._tx = tx
        self._failed: BaseException | None = None

    @contextmanager
    def _step(self, now: datetime | None = None) -> Iterator[Step]:
        kit = self._kit
        try:
            yield Step(kit.features, kit.tenant, self._tx, now=now or kit.clock.now(), lease=None)
        except BaseException as exc:
            self._failed = exc
            raise

    def refuse_halves(self) -> None:
        """
        Called at the end of the block: half a step is never kept.

        Raises:
            Refused: An error of a step was caught inside the block.
        """
        if self._failed is not None:
            raise Refused(
                "A step failed, and its error was caught inside the block: nothing is kept",
                code="join.swallowed",
                value=type(self._failed).__name__,
                remedy="catch errors outside; what may fail gets a block of its own, and may nest",
            ) from self._failed

    # ---- the past

    def record(self, *events: Event) -> Appended:
        """Append events; features that subscribe to their names are woken in the same commit."""
        with self._step() as step:
            return step.record(events)

    def timeline(
        self, customer: CustomerId, *, after: int = 0, limit: int | None = None
    ) -> tuple[RecordedEvent, ...]:
        """The customer's events with a counter above ``after``, oldest first."""
        return self._tx.timeline.of(customer, after=after, limit=limit)

    def explain(
        self, case: CaseId, *, locale: str = "en", zone: str = "UTC"
    ) -> tuple[Explained, ...]:
        """
        Why everything about a case happened, in the reader's language and zone.

        Raises:
            NotFound: No feature has a case of that id.
        """
        return explained(self._tx, self._kit.features, case, locale=locale, zone=zone)

    def receive_webhook(self, body: bytes, headers: Mapping[str, str]) -> Receipt:
        """
        Keep a webhook whose signature is right; see :meth:`RetainKit.receive_webhook`.

        Raises:
            InvalidInput: The signature, age, size or form is wrong; nothing was stored.
            ConfigurationError: Its seller belongs to another tenant than this transaction.
        """
        kit = self._kit
        event = kit.webhook_reader().read_webhook(body, headers, now=kit.clock.now())
        tenant = kit.tenant_of(event.seller)
        if tenant != kit.tenant:
            raise ConfigurationError(
                "This webhook is of another tenant than the transaction",
                code="webhook.other_tenant",
                field="seller",
                value=event.seller,
                remedy=f"call kit.receive_webhook, or join with kit.for_tenant({tenant!r})",
            )
        return self.receive_event(event)

    def receive_event(self, event: ProviderEvent) -> Receipt:
        """Keep a verified event of the provider, whatever way it came."""
        with self._step() as step:
            return _webhooks.receive(step, self._kit.directory, self._kit.tenant, event)

    def release(self, event: EventId, *, customer: CustomerId, actor: str) -> None:
        """
        Accept a parked or quarantined event as the customer's; ``actor`` is who decided so.

        Raises:
            NotFound: No parked event has that id.
        """
        parked = self._tx.timeline.get(event)
        if parked is None:
            raise NotFound(
                "No parked event has this id",
                code="event.not_parked",
                field="event",
                value=event,
                remedy="take an id from kit.attention()",
            )
        told = _by_hand("event.released", customer, actor, self._kit.clock.now(), {"event": event})
        with self._step() as step:
            _webhooks.release(step, parked.event, customer)
            step.record([told])

    # ---- the present

    @property
    def tx(self) -> Transaction:
        """The transaction itself: what the store promises, for what has no call here."""
        return self._tx

    @property
    def signals(self) -> KitSignals:
        """What is known of customers; see :class:`KitSignals`."""
        from retainkit.engine._signals import KitSignals

        return KitSignals(self._kit, self._inside)

    @property
    def rules(self) -> KitRules:
        """What is true of customers; see :class:`KitRules`."""
        from retainkit.engine._rules import KitRules

        return KitRules(self._kit, self._inside)

    @property
    def health(self) -> KitHealth:
        """How customers are; see :class:`KitHealth`."""
        from retainkit.engine._health import KitHealth

        return KitHealth(self._kit, self._inside)

    def _inside(self) -> AbstractContextManager[JoinedKit]:
        return nullcontext(self)

    def open_cases(self, *, customer: CustomerId | None = None) -> tuple[DunningCase, ...]:
        """The open dunning cases of one customer, or of all."""
        bound = self._kit.features.get("dunning")
        if bound is None:
            raise ConfigurationError(
                "This kit has no dunning",
                code="kit.no_dunning",
                field="dunning",
                remedy="pass RetainKit(dunning=DunningPolicy(...))",
            )
        found, after = [], None
        while page := self._tx.records.open("dunning", customer=customer, after=after):
            found += [bound.case(record) for record in page]
            after = page[-1].id
            if customer is not None:
                break
        return tuple(found)

    def access(self, customer: CustomerId, now: datetime | None = None) -> Access:
        """What the customer may use right now: the harshest word of the open cases, else full."""
        from retainkit.dunning import access, harshest

        at = now or self._kit.clock.now()
        return harshest(access(case, policy, at) for case, policy in self._dunned(customer))

    def _dunned(self, customer: CustomerId) -> Iterator[tuple[DunningCase, DunningPolicy]]:
        """The customer's open dunning cases, each with the policy it runs under."""
        bound = self._kit.features.get("dunning")
        if bound is not None:
            for record in self._tx.records.open("dunning", customer=customer):
                yield bound.case(record), bound.policy(record.definition, self._tx)

    # ---- the future

    def decide(self, customer: CustomerId) -> None:
        """
        Decide now whatever is due for one customer; effects are left to a worker.

        For a host that wants the answer in its own transaction.

        Raises:
            Conflict: A worker took one of them in this very moment; nothing was decided here.
        """
        self._tx.records.lock(customer)
        for _ in range(_ROUNDS):
            now = self._kit.clock.now()
            due = [
                item
                for item in self._tx.schedule.of(customer)
                if isinstance(item, Timer) and (item.due <= now or item.lease is not None)
                if self._kit.features.get(item.feature) is not None
            ]
            if not due:
                return
            # One at a time: it may move or end the others.
            with self._step(now) as step:
                step.timer(due[0])

    def upcoming(self, customer: CustomerId) -> tuple[Upcoming, ...]:
        """What is planned for a customer if nothing else happens, soonest first."""
        from retainkit.dunning import upcoming

        now = self._kit.clock.now()
        planned = [
            step for case, policy in self._dunned(customer) for step in upcoming(case, policy, now)
        ]
        return tuple(sorted(planned, key=lambda step: step.at))

    def scheduled(self, customer: CustomerId) -> tuple[Item, ...]:
        """The timers and effects that are still to come for a customer, soonest first."""
        return self._tx.schedule.of(customer)

    def run_due(self) -> NoReturn:
        """
        Refused: effects are never performed inside a transaction.

        Raises:
            Refused: Always.
        """
        raise Refused(
            "Effects are not performed inside a transaction",
            code="join.run_due",
            remedy="call kit.run_due() after the commit, from a worker or a scheduler",
        )

    def use_link(self, link: OpenLink) -> None:
        """
        Mark a link as used.

        Raises:
            InvalidInput: ``link.used``: somebody was quicker.
        """
        self.record(_links.use(self._tx, link, self._kit.clock.now()))

    # ---- people

    def attention(self, *, limit: int = 100) -> tuple[Attention, ...]:
        """Everything that waits for a person."""
        now = self._kit.clock.now()
        return _attention.attention(self._tx, self._kit.skills, now=now, limit=limit)

    def settle(
        self,
        effect: EffectId,
        outcome: Paid | Declined | Answer | NoEffect,
        *,
        actor: str,
        reason: str,
    ) -> None:
        """
        Answer an unclear effect in its provider's place.

        Args:
            effect: Its id, from :meth:`attention`.

            outcome: What really happened: ``Paid``, ``Declined``, or ``NoEffect`` when nothing did.

            actor: The id of who found out.

            reason: One word on how, such as ``seen_in_dashboard``; letters, digits, ``_ . : -``.

        Raises:
            NotFound: No effect has that id.
            Refused: The effect does not wait for a person.
            InvalidInput: The reason is no single word.
        """
        _one_word(reason)
        intent = self._tx.schedule.intent(effect)
        if intent is None:
            raise NotFound(
                "No effect has this id",
                code="effect.not_found",
                field="effect",
                value=effect,
                remedy="take an id from kit.attention()",
            )
        # Of two who settle it at once, the second reads what the first has written.
        self._tx.records.lock(intent.customer)
        intent = self._tx.schedule.intent(effect) or intent
        if intent.state is not EffectState.UNCLEAR:
            raise Refused(
                "The effect does not wait for a person",
                code="effect.not_unclear",
                field="effect",
                value=intent.state.value,
                remedy="let the worker go on; only unclear effects are settled by hand",
            )
        data = {"effect": effect, "kind": intent.effect.kind, "reason": reason}
        told = _by_hand("effect.settled", intent.customer, actor, self._kit.clock.now(), data)
        with self._step() as step:
            step.record([told])
            step.outcome(evolve(intent, lease=None), _settled(outcome), actor=actor)

    def dismiss(self, entry: str, *, actor: str) -> None:
        """
        Close an entry of :meth:`attention` that needs no outcome.

        A parked or quarantined event is then kept as nobody's.

        Raises:
            NotFound: No open entry has that id.
        """
        now = self._kit.clock.now()
        told = self._tx.timeline.get(EventId(entry))
        if told is not None and told.state is EventState.PARKED:
            dismissed = _by_hand(
                "attention.dismissed", told.event.customer, actor, now, {"entry": entry}
            )
            with self._step(now) as step:
                step.dismiss(told.event)
                step.record([dismissed])
            return
        record = self._tx.records.get("attention", CaseId(entry))
        if record is not None:
            self._tx.records.lock(record.customer)  # before the entry, as every decision does
        if record is None or not _attention.dismiss(self._tx, entry):
            raise NotFound(
                "No open entry has this id",
                code="attention.not_found",
                field="entry",
                value=entry,
                remedy="take an id from kit.attention()",
            )
        self.record(_by_hand("attention.dismissed", record.customer, actor, now, {"entry": entry}))

    def wake(self, feature: str, customer: CustomerId, *, since: int) -> None:
        """
        Have a feature decide a customer's events again, from a counter on.

        Raises:
            NotFound: This kit has no feature of that name.
        """
        if self._kit.features.get(feature) is None:
            raise NotFound(
                "This kit has no feature of this name",
                code="feature.not_found",
                field="feature",
                value=feature,
                remedy="name one of: "
                + ", ".join(bound.feature.name for bound in self._kit.features),
            )
        self._tx.records.lock(customer)
        timer = Timer(
            tenant=self._kit.tenant,
            feature=feature,
            customer=customer,
            due=self._kit.clock.now(),
            since=since,
        )
        known = self._tx.schedule.timer(timer.id)
        if known is not None:
            # What it has not decided yet stays to be decided.
            timer = evolve(timer, since=min(since, known.since))
        self._tx.schedule.plan(timer)


def _settled(outcome: Paid | Declined | Answer | NoEffect) -> Answer | NoEffect:
    from retainkit.billing import outcome_to_json

    if isinstance(outcome, Answer | NoEffect):
        return outcome
    return Answer(data=outcome_to_json(outcome))


def _one_word(reason: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", reason):
        raise InvalidInput(
            "A reason is one word: free text would keep names",
            code="settle.reason",
            field="reason",
            value=len(reason),
            remedy="use letters, digits and _ . : - only, for example seen_in_dashboard",
        )


def _by_hand(
    name: str, customer: CustomerId, actor: str, now: datetime, data: Mapping[str, str]
) -> Event:
    return Event(
        id=EventId(derive(name, *data.values(), now.isoformat())),
        name=name,
        customer=customer,
        occurred_at=now,
        data=data,
        actor=actor,
    )
