"""A small world for dunning: a provider with a truth of its own, and an engine of sixty lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from attrs import define, evolve, field

from retainkit.billing import (
    Decline,
    Declined,
    Invoice,
    InvoiceState,
    Paid,
    Payment,
    PaymentState,
    Pending,
    invoice_to_json,
    observed_event,
    outcome_to_json,
)
from retainkit.core import (
    Answer,
    Decision,
    Due,
    Effect,
    Event,
    Facts,
    JsonObject,
    NoEffect,
    Performed,
    RecordedEvent,
    Settled,
    Trigger,
    Woken,
)
from retainkit.dunning import Dunning, DunningCase, DunningPolicy, Stage
from retainkit.ids import (
    CaseId,
    CustomerId,
    EventId,
    InvoiceId,
    PaymentId,
    PaymentMethodId,
    SubscriptionId,
    TenantId,
)
from retainkit.money import from_json, from_minor, money


START = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ANNA = CustomerId("anna")


def days(*numbers: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(days=number) for number in numbers)


STAGES = (
    Stage(after=timedelta(0), message="payment_failed", tone="friendly"),
    Stage(after=timedelta(days=7), message="payment_failed", tone="firm", access="limited"),
    Stage(after=timedelta(days=14), message="last_notice", tone="firm"),
    Stage(after=timedelta(days=21), end="cancel"),
)
RETRYING = DunningPolicy(retries=days(1, 3, 7), stages=STAGES, collector="retainkit")
WATCHING = DunningPolicy(retries=days(1, 3, 7), stages=STAGES)

SOFT = Decline(code="insufficient_funds")
HARD = Decline(code="lost_card")
ASK = Decline(code="authentication_required")
ODD = Decline(code="something_new")


@define
class Provider:
    """The truth: invoices, and what each payment method does when it is charged."""

    invoices: dict[str, Invoice] = field(factory=dict)
    behaviour: dict[str | None, Decline | str] = field(factory=dict)
    default: PaymentMethodId = field(default=PaymentMethodId("pm_old"))
    without_effect: int = 0
    shadow: bool = False
    ends: Settled = field(factory=Answer)
    now: datetime = START
    charges: list[tuple[str, str | None, datetime]] = field(factory=list)
    seen: dict[str, list[Invoice]] = field(factory=dict)
    successes: list[str] = field(factory=list)

    def bill(
        self,
        name: str = "in_1",
        *,
        at: datetime = START,
        decline: Decline | None = SOFT,
        amount: str = "29.00",
        currency: str = "EUR",
        subscription: str | None = "sub_1",
        seller: str = "acct_1",
    ) -> Invoice:
        """An invoice whose first payment, by the provider itself, was declined."""
        invoice = Invoice(
            id=InvoiceId(name),
            seller=seller,
            reference="cus_1",
            subscription=None if subscription is None else SubscriptionId(subscription),
            subscription_cancelled=False,
            state=InvoiceState.OPEN,
            remaining=money(amount, currency),
            payments=(),
            tries=1,
            next_payment_attempt=None,
            provider_retries=False,
        )
        if decline is not None:
            failure = payment(f"{name}_ch1", at=at, decline=decline, method=self.default)
            invoice = evolve(invoice, payments=(evolve(failure, amount=invoice.remaining),))
        self.invoices[name] = invoice
        return invoice

    def change(self, name: str, **changes: object) -> Invoice:
        self.invoices[name] = evolve(self.invoices[name], **changes)  # type: ignore[arg-type]  # by the test
        return self.invoices[name]

    def pay(self, name: str, *, at: datetime | None = None) -> Invoice:
        """The customer pays by the provider's page."""
        paid = payment(f"{name}_page", at=at or self.now, state=PaymentState.SUCCEEDED)
        return self._paid(name, paid)

    def _paid(self, name: str, paid: Payment) -> Invoice:
        invoice = self.invoices[name]
        self.successes.append(name)
        zero = from_minor(0, invoice.remaining.currency)
        payments = (*invoice.payments, paid)
        return self.change(name, state=InvoiceState.PAID, payments=payments, remaining=zero)

    def perform(self, effect: Effect) -> Settled:
        """What a worker would report of an effect."""
        if self.shadow:
            return NoEffect(reason="shadow")
        if effect.kind == "payments.read_invoice":
            return Answer(
                data={"invoice": invoice_to_json(self.invoices[str(effect.data["invoice"])])}
            )
        if effect.kind != "payments.collect":
            return self.ends
        return self._collect(effect.data)

    def _collect(self, data: JsonObject) -> Settled:
        name, method = str(data["invoice"]), data["method"]
        invoice = self.invoices[name]
        if invoice.state is InvoiceState.PAID:
            return Answer(data=outcome_to_json(Paid(payment=invoice.payments[-1])))
        if invoice.state is not InvoiceState.OPEN:
            return NoEffect(reason=f"invoice_{invoice.state}")
        if from_json(data["amount"]) != invoice.remaining:
            return NoEffect(reason="amount_changed")
        if self.without_effect:
            self.without_effect -= 1
            return NoEffect(reason="nothing_happened")
        assert isinstance(method, str)
        return Answer(data=outcome_to_json(self.charge(name, PaymentMethodId(method))))

    def charge(self, name: str, method: PaymentMethodId) -> Paid | Declined | Pending:
        """Charge a method, whoever asks for it."""
        invoice = self.invoices[name]
        self.charges.append((name, method, self.now))
        what = self.behaviour.get(method, SOFT)
        base = payment(
            f"{name}_ch{len(invoice.payments) + 1}",
            at=self.now,
            method=method,
            state=PaymentState.SUCCEEDED,
        )
        base = evolve(base, amount=invoice.remaining)
        if what == "paid":
            self._paid(name, base)
            return Paid(payment=base)
        if what == "pending":
            base = evolve(base, state=PaymentState.PENDING)
            self.change(name, payments=(*invoice.payments, base))
            return Pending(payment=base)
        assert isinstance(what, Decline)
        base = evolve(base, state=PaymentState.FAILED, decline=what)
        self.change(name, payments=(*invoice.payments, base), tries=invoice.tries + 1)
        return Declined(payment=base)


def payment(
    name: str,
    *,
    at: datetime = START,
    state: PaymentState = PaymentState.FAILED,
    decline: Decline | None = None,
    method: str | None = "pm_old",
) -> Payment:
    return Payment(
        id=PaymentId(name),
        state=state,
        amount=money("29.00", "EUR"),
        at=at,
        method=None if method is None else PaymentMethodId(method),
        credential=None if method is None else f"fp_{method}",
        decline=decline,
    )


def method_changed(method: str, at: datetime, *, credential: str | None = "") -> Event:
    behind = f"fp_{method}" if credential == "" else credential
    return Event(
        id=EventId(f"changed-{method}-{at.isoformat()}"),
        name="payment_method.changed",
        customer=ANNA,
        occurred_at=at,
        data={"method": method, "credential": behind},
    )


def cancelled(subscription: str, at: datetime) -> Event:
    return Event(
        id=EventId(f"cancelled-{subscription}"),
        name="subscription.cancelled",
        customer=ANNA,
        occurred_at=at,
        data={"subscription": subscription, "seller": "acct_1"},
    )


@define
class World:
    """Engine, store and clock in one: what the real engine promises a feature, and no more."""

    policy: DunningPolicy = RETRYING
    provider: Provider = field(factory=Provider)
    now: datetime = START
    feature: Dunning = field(init=False)
    cases: dict[CaseId, DunningCase] = field(factory=dict)
    wakes: dict[CaseId, datetime] = field(factory=dict)
    waiting: list[tuple[CaseId, Effect]] = field(factory=list)  # not sent yet
    effects: list[Effect] = field(factory=list)
    events: dict[str, Event] = field(factory=dict)
    timeline: list[RecordedEvent] = field(factory=list)
    observer: Callable[[DunningCase, Decision[DunningCase]], None] = lambda *_: None

    def __attrs_post_init__(self) -> None:
        self.feature = Dunning(self.policy)

    # ---- what a test reads

    @property
    def case(self) -> DunningCase:
        """The latest case."""
        return list(self.cases.values())[-1]

    def said(self, name: str) -> list[Event]:
        return [recorded.event for recorded in self.timeline if recorded.event.name == name]

    def reasons(self, name: str) -> list[str]:
        return [event.because[0].key for event in self.said(name)]

    def asked(self, kind: str) -> list[str]:
        return [effect.attempt for effect in self.effects if effect.kind == kind]

    @property
    def messages(self) -> list[tuple[object, object, object]]:
        """Message, tone and reason of every request."""
        requests = [event.data for event in self.said("message.requested")]
        return [(data["message"], data["tone"], data["reason"]) for data in requests]

    # ---- what happens to it

    def observe(self, *invoices: Invoice) -> None:
        """The engine read these invoices, because a webhook hinted at them."""
        self.deliver(*(observed_event(invoice, ANNA, self.now) for invoice in invoices))

    def deliver(self, *events: Event) -> None:
        """Events arrive; known ones are duplicates."""
        new = [self._record(event) for event in events if event.id not in self.events]
        keyed: dict[str, list[RecordedEvent]] = {}
        for recorded in new:
            open_cases = [case for case in self.cases.values() if case.open]
            for key in self.feature.route(recorded.event, open_cases):
                keyed.setdefault(key, []).append(recorded)
        for key, group in keyed.items():
            found = [case for case in self.cases.values() if case.open and case.key == key]
            self._decide(found[0] if found else None, Woken(events=tuple(group)), new)

    def settle_all(self) -> None:
        """Perform what is asked for until nothing is."""
        while self.waiting:
            self.settle_one()

    def settle_one(self) -> None:
        case, effect = self.waiting.pop(0)
        self.provider.now = self.now
        self.answer(case, effect, self.provider.perform(effect))

    def answer(self, case: CaseId, effect: Effect, outcome: Settled) -> None:
        self._decide(self.cases[case], Performed(effect=effect, outcome=outcome))

    def fire(self) -> int:
        """Decide every timer that is due, once each round; how many there were."""
        due = [case for case, at in sorted(self.wakes.items()) if at <= self.now]
        for case in due:
            self._decide(self.cases[case], Due())
        return len(due)

    def run(self) -> None:
        """Perform and decide until nothing is due any more."""
        self.settle_all()
        for _ in range(50):
            if not self.fire():
                return
            self.settle_all()
        raise AssertionError("the timer comes due again and again")

    def until(self, at: datetime) -> None:
        """Let time pass, stopping at every timer on the way."""
        self.run()
        while ahead := [wake for wake in self.wakes.values() if wake <= at]:
            self.now = max(self.now, min(ahead))
            self.run()
        self.now = at
        self.run()

    def jump(self, at: datetime) -> None:
        """The worker slept until now; or the clock was set back."""
        self.now = at
        self.run()

    # ---- the engine

    def _record(self, event: Event) -> RecordedEvent:
        known = self.events.get(event.id)
        assert known is None or known.fingerprint == event.fingerprint, (known, event)
        recorded = RecordedEvent(event=event, sequence=len(self.timeline) + 1, recorded_at=self.now)
        if known is None:
            self.events[event.id] = event
            self.timeline.append(recorded)
        return recorded

    def _decide(
        self, case: DunningCase | None, trigger: Trigger, new: Iterable[RecordedEvent] = ()
    ) -> None:
        fresh = {recorded.event.id for recorded in new}
        history = tuple(
            recorded
            for recorded in self.timeline
            if recorded.event.name in self.feature.reads and recorded.event.id not in fresh
        )
        facts = Facts(tenant=TenantId("main"), customer=ANNA, history=history)
        decision = self.feature.decide(case, trigger, facts, self.now, self.policy)
        after = decision.case
        if after is None:
            assert not decision.effects
            return
        self.observer(after, decision)
        assert all(event.because for event in decision.events), decision.events
        assert case is not None or after.id not in self.cases
        self.cases[after.id] = after
        self.wakes.pop(after.id, None)
        if after.open:
            assert decision.wake is not None
            assert decision.wake > self.now
            self.wakes[after.id] = decision.wake
        for event in decision.events:
            self._record(event)
        for effect in decision.effects:
            assert effect.attempt not in self.asked(effect.kind) or len(self.cases) > 1
            self.effects.append(effect)
            self.waiting.append((after.id, effect))
        for attempt in decision.withdraw:
            for case_id, effect in [*self.waiting]:
                if (case_id, effect.attempt) == (after.id, attempt):
                    self.waiting.remove((case_id, effect))
                    self.answer(case_id, effect, NoEffect(reason="withdrawn"))
