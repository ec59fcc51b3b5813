"""F7: six webhooks of one story in every order, each of them twice: one end, the same effects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, permutations
from math import factorial
from random import Random
from time import perf_counter

import pytest
from attrs import evolve, frozen
from tests.faults._campaign import Quiet, say, seed
from tests.faults._world import POLICY

from retainkit.billing import Decline
from retainkit.core import Answer, Intent, Outcome
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import Guarantee, Performer, ReceiptState, RetainKit
from retainkit.ids import CustomerId, EventId, SubscriptionId
from retainkit.money import money
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments.simulated import Declines, SimulatedPayments
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


ADA = CustomerId("ada")
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEBHOOKS = 6
ALL = factorial(WEBHOOKS)


@frozen(kw_only=True)
class End:
    """What may not depend on the order in which news arrives."""

    events: frozenset[tuple[EventId, str]]
    cases: tuple[str, ...]
    charges: tuple[str, ...]
    effects: frozenset[str]
    mails: tuple[str, ...]


class Story:
    """One customer at a provider whose story is over, and told only now."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.payments = SimulatedPayments(clock=self.clock)
        self.mails: list[str] = []
        self.kit = RetainKit(
            store=MemoryStore(),
            payments=self.payments,
            customers=StaticDirectory({ADA: Customer(id=ADA, email="ada@example.com")}),
            dunning=POLICY,
            performers={
                "messages.send": Performer(
                    group="mail",
                    guarantee=Guarantee.AT_MOST_ONCE,
                    perform=self._send,
                    look_up=self._send,
                )
            },
            clock=self.clock,
            instrumentation=Quiet(),
        )

    def _send(self, intent: Intent, now: datetime) -> Outcome:
        del now
        self.mails.append(str(intent.effect.data["message"]))
        return Answer()

    def stolen_card(self) -> tuple[ProviderEvent, ...]:
        """A provider's three tries fail for good; the subscription is cancelled; two hints more."""
        self._fails_three_times(Decline(code="stolen_card"))
        self.payments.cancel(SubscriptionId("sub_1"), seller=self.payments.seller, key="own")
        told = [*self.payments.take_events()]
        told[-1] = _of_ada(told[-1])
        invoice = told[0]
        told.append(
            _hint(invoice, "evt_seen", "invoice.updated", ProviderEventKind.INVOICE_CHANGED)
        )
        told.append(_hint(invoice, "evt_other", "customer.updated", ProviderEventKind.OTHER))
        return tuple(told)

    def new_card(self) -> tuple[ProviderEvent, ...]:
        """Three tries fail, and a card that works is given; two hints more."""
        self._fails_three_times(Decline(code="insufficient_funds"))
        self.payments.add_method(reference=ADA)
        told = [*self.payments.take_events()]
        invoice = told[0]
        told.append(
            _hint(invoice, "evt_seen", "invoice.updated", ProviderEventKind.INVOICE_CHANGED)
        )
        told.append(_hint(invoice, "evt_other", "customer.updated", ProviderEventKind.OTHER))
        return tuple(told)

    def _fails_three_times(self, decline: Decline) -> None:
        self.payments.add_method(Declines(decline), reference=ADA)
        self.payments.open_invoice(
            reference=ADA,
            id="in_1",
            amount=money("12.34", "EUR"),
            subscription="sub_1",
            retries=(HOUR, HOUR),
        )
        self.clock.advance(HOUR * 3)

    def hear(self, told: Iterable[ProviderEvent], *, at_once: bool) -> End:
        """Deliver the webhooks in this order; work after each of them, or after all."""
        seen: set[str] = set()
        for event in told:
            body = self.payments.webhook(event)
            receipt = self.kit.receive_webhook(body, self.payments.sign(body, at=self.clock.now()))
            first = ReceiptState.DUPLICATE if event.id in seen else ReceiptState.ACCEPTED
            assert receipt.state is first
            seen.add(event.id)
            if not at_once:
                self.kit.run_due()
        self.kit.run_due()
        return self.end()

    def end(self) -> End:
        """What there is now; a look that came before our charge saw less than one after it."""
        past = self.kit.timeline(ADA)
        charges = [charge for charge in self.payments.charges if charge.key is not None]
        with self.kit.store.for_tenant(self.kit.tenant).transaction() as tx:
            cases = tx.records.all("dunning")
        tables = self.kit.store._tables(self.kit.tenant)  # type: ignore[attr-defined] # the memory store's own
        return End(
            events=frozenset(
                (kept.event.id, kept.event.name)
                for kept in past
                if not (charges and kept.event.name == "invoice.observed")
            ),
            cases=tuple(f"{case.id} {case.open} {case.body['access']}" for case in cases),
            charges=tuple(f"{charge.key} {charge.payment.state}" for charge in charges),
            effects=frozenset(
                key for key, row in tables.rows.items() if isinstance(row.item, Intent)
            ),
            mails=tuple(self.mails),
        )


def _hint(of: ProviderEvent, made: str, name: str, kind: ProviderEventKind) -> ProviderEvent:
    return evolve(of, id=made, name=name, kind=kind)


def _of_ada(event: ProviderEvent) -> ProviderEvent:
    return evolve(event, reference=ADA)


def _orders(which: int, how_many: int) -> Iterable[Sequence[int]]:
    """Orders of six, all of them or a seeded sample; each webhook again somewhere behind itself."""
    rng = Random(which)
    whole = [list(order) for order in permutations(range(WEBHOOKS))]
    for order in islice(whole if how_many >= ALL else rng.sample(whole, how_many), how_many):
        doubled = list(order)
        for number in order:
            doubled.insert(rng.randrange(doubled.index(number) + 1, len(doubled) + 1), number)
        yield doubled


def _ends(story: str, order: Sequence[int], *, at_once: bool) -> End:
    told = Story()
    webhooks = getattr(told, story)()
    assert len(webhooks) == WEBHOOKS
    return told.hear([webhooks[number] for number in order], at_once=at_once)


def _campaign(which: int, how_many: int) -> None:
    began = perf_counter()
    for story, at_once in (("stolen_card", False), ("stolen_card", True), ("new_card", True)):
        first = _ends(story, range(WEBHOOKS), at_once=at_once)
        assert len(first.mails) == (story == "stolen_card")
        assert len(first.charges) == (story == "new_card")
        for order in _orders(which, how_many):
            assert _ends(story, order, at_once=at_once) == first, (which, story, at_once, order)
    say("F7", seed=which, orders=how_many, stories=3, seconds=round(perf_counter() - began, 1))


def test_a_sample_of_orders_ends_alike() -> None:
    """Sixty orders of six doubled webhooks: the same events, effects, charges and mails."""
    _campaign(7, 60)


@pytest.mark.faults
def test_every_order_ends_alike() -> None:
    """All 720 orders, with the repeats at drawn places."""
    _campaign(seed(), ALL)
