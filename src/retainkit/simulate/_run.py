"""Running a world through the production code: a kit, a clock that is turned, an hour at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Final, TypeAlias, cast

from retainkit.billing import Invoice, InvoiceState, Payment, PaymentState
from retainkit.core import Event, JsonValue, RecordedEvent
from retainkit.customers import StaticDirectory
from retainkit.dunning import AccessLevel, CaseOutcome, DunningPolicy
from retainkit.engine import Links, LoggingInstrumentation, RetainKit
from retainkit.errors import InvalidInput
from retainkit.ids import CaseId, CustomerId, InvoiceId, SubscriptionId
from retainkit.messages import Branding, Message
from retainkit.money import Money, total
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments.simulated import Charge, SimulatedPayments
from retainkit.simulate._outcome import FailedInvoice, Means, Outcome, Result, Story
from retainkit.simulate._outside import BASE_URL, Mailbox, pay_link
from retainkit.simulate._world import HOUR, Card, Renewal, SimulatedCustomer, World
from retainkit.stores import Store
from retainkit.testing import ManualClock


Progress: TypeAlias = Callable[[int, int], None]
"""Told how many days of how many are done."""

_LINK_LIFE: Final = timedelta(days=7)
_SECRET: Final = "signs the links of a world that does not exist"  # noqa: S105
_RESTRICTED: Final = (AccessLevel.LIMITED, AccessLevel.BLOCKED)


def simulate(
    world: World,
    policy: DunningPolicy,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
    stories: int = 0,
) -> Outcome:
    """
    What becomes of a world under a policy, decided by the production code.

    A kit runs on the store with a clock that is turned by hand: ``run_due`` is called each full
    hour, and whenever something happens. Renewals come, webhooks are received, tries and messages
    go out, customers follow the pay links in them. The same world and policy give the same outcome
    on every machine.

    Args:
        world: Who lives in it and what happens to them.

        policy: What to try.

        store: Where to keep it, empty and for this alone; in memory when None. It is migrated.

        progress: Told how many days are done.

        stories: How many cases to explain, step by step: with different ends first, then with
            different decline codes.

    Raises:
        InvalidInput: ``simulate.store``: the store holds something already.
    """
    if store is None:
        from retainkit.stores.memory import MemoryStore

        store = MemoryStore()
    store.migrate()
    if tuple(store.tenants()):
        raise InvalidInput(
            "A simulation starts with an empty store",
            code="simulate.store",
            field="store",
            remedy="pass a new one",
        )
    run = _Run(world, policy, store)
    run.all_days(progress or _silent)
    return run.outcome(stories)


def _silent(done: int, total: int) -> None:
    del done, total


class _Run:
    """One world, one policy: the outside's agenda, and the kit that meets it."""

    def __init__(self, world: World, policy: DunningPolicy, store: Store) -> None:
        people = {one.customer.id: one for one in world.customers}
        self._world = world
        self._policy = policy
        self._people = people
        self._by_address = {one.customer.email: one for one in world.customers}
        self._by_subscription = {_subscription(one): one for one in world.customers}
        self._clock = ManualClock(world.start)
        self._provider = SimulatedPayments(seed=world.seed, clock=self._clock)
        self._mailbox = Mailbox()
        self._troubles = _Troubles()
        directory = StaticDirectory(
            {name: one.customer for name, one in people.items()},
            {_reference(one): name for name, one in people.items()},
        )
        self._kit = RetainKit(
            store=store,
            payments=self._provider,
            messages=self._mailbox,
            dunning=policy,
            customers=directory,
            branding=Branding(product="Acme"),
            links=Links(base_url=BASE_URL, secrets=[_SECRET], ttl=_LINK_LIFE),
            clock=self._clock,
            instrumentation=self._troubles,
        )
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._sequence = count()
        self._left: set[CustomerId] = set()
        self._ended: set[CustomerId] = set()
        self._cards: dict[CustomerId, Card] = {}
        self._given: Counter[CustomerId] = Counter()
        self._invoices: dict[InvoiceId, tuple[SimulatedCustomer, Renewal]] = {}
        self._newest: dict[CustomerId, InvoiceId] = {}
        self._asked: Counter[InvoiceId] = Counter()

    # ---- the clock

    def all_days(self, progress: Progress) -> None:
        for one in self._world.customers:
            self._begin(one)
        now, days = self._world.start, -((self._world.start - self._world.end) // timedelta(days=1))
        for day in range(days):
            for _ in range(24):
                self._until(now)
                now += HOUR
            progress(day + 1, days)

    def _until(self, hour: datetime) -> None:
        """Let everything happen at its own time, and work at the full hour in any case."""
        while self._agenda and self._agenda[0][0] < hour:
            self._moment(self._agenda[0][0])
        self._moment(hour)

    def _moment(self, now: datetime) -> None:
        self._clock.set(now)
        while self._agenda and self._agenda[0][0] <= now:
            heappop(self._agenda)[2]()
        self._deliver()
        while True:
            self._kit.run_due()
            self._troubles.complain()
            for message in self._mailbox.take():
                self._read(message)
            if not self._deliver():
                return

    def _at(self, when: datetime, happen: Callable[[], None]) -> None:
        heappush(self._agenda, (when, next(self._sequence), happen))

    def _deliver(self) -> bool:
        """Hand all webhooks over, signed, in one commit; whether there were any."""
        events = self._provider.take_events()
        if not events:
            return False
        now = self._clock.now()
        with self._kit.transaction() as k:
            for event in events:
                self._noted(event)
                body = self._provider.webhook(event)
                k.receive_webhook(body, self._provider.sign(body, at=now))
        return True

    def _noted(self, event: ProviderEvent) -> None:
        """Whose subscription ended without their having left."""
        if event.kind is ProviderEventKind.SUBSCRIPTION_CANCELLED:
            one = self._by_subscription[SubscriptionId(event.subscription or "")]
            if one.customer.id not in self._left:
                self._ended.add(one.customer.id)

    # ---- what happens by itself

    def _begin(self, one: SimulatedCustomer) -> None:
        self._give(one, one.card)
        for number, renewal in enumerate(one.renewals, start=1):
            self._at(renewal.at, self._renewing(one, renewal, number))
        if one.leaves_at is not None:
            self._at(one.leaves_at, lambda: self._leave(one))

    def _give(self, one: SimulatedCustomer, card: Card) -> None:
        name = one.customer.id
        self._given[name] += 1
        self._cards[name] = card
        self._provider.add_method(
            card, reference=_reference(one), id=f"pm_{name}_{self._given[name]}"
        )

    def _renewing(
        self, one: SimulatedCustomer, renewal: Renewal, number: int
    ) -> Callable[[], None]:
        def renew() -> None:
            if self._gone(one):
                return
            invoice = InvoiceId(f"in_{one.customer.id}_{number}")
            self._invoices[invoice] = one, renewal
            self._newest[one.customer.id] = invoice
            self._provider.open_invoice(
                reference=_reference(one),
                amount=one.price,
                id=invoice,
                subscription=_subscription(one),
            )

        return renew

    def _leave(self, one: SimulatedCustomer) -> None:
        if self._gone(one):
            return
        self._left.add(one.customer.id)
        subscription = _subscription(one)
        self._provider.cancel(
            subscription, seller=self._provider.seller, key=f"left:{subscription}"
        )

    def _gone(self, one: SimulatedCustomer) -> bool:
        return one.customer.id in self._left or one.customer.id in self._ended

    # ---- what happens because of a message

    def _read(self, message: Message) -> None:
        """The customer reads a message, and decides when to act on it, if at all."""
        token, one = pay_link(message), self._by_address[message.to]
        if token is None:
            return
        invoice = self._newest[one.customer.id]
        _, renewal = self._invoices[invoice]
        self._asked[invoice] += 1
        after = next(iter(renewal.answers[self._asked[invoice] - 1 :]), None)
        if after is None:
            return
        after = after * self._world.slower.get(self._tone(one.customer.id), 100) // 100
        self._at(self._clock.now() + after, lambda: self._act(one, invoice, token))

    def _tone(self, customer: CustomerId) -> str:
        asked = [
            recorded.event
            for recorded in self._kit.timeline(customer)
            if recorded.event.name == "message.requested"
        ]
        return str(asked[-1].data["tone"])

    def _act(self, one: SimulatedCustomer, invoice: InvoiceId, token: str) -> None:
        """Follow the link, and confirm the payment or give another card."""
        if self._gone(one) or self._state(invoice) is not InvoiceState.OPEN:
            return
        try:
            self._kit.follow_link(token)
        except InvalidInput as exc:
            if exc.code == "link.expired":
                return
            raise
        card, now = self._cards[one.customer.id], self._clock.now()
        refusal = card.refusal(now)
        if refusal is not None and refusal.waits_for_customer:
            self._provider.pay(invoice)
        else:
            self._give(one, card.replaced(now))

    def _state(self, invoice: InvoiceId) -> InvoiceState:
        found = self._provider.read_invoice(invoice, seller=self._provider.seller)
        return found.state if isinstance(found, Invoice) else InvoiceState.OPEN

    # ---- what became of it

    def outcome(self, stories: int) -> Outcome:
        """Counted from the provider's own books and from the timeline."""
        charges: dict[InvoiceId, list[Charge]] = defaultdict(list)
        for charge in self._provider.charges:
            charges[charge.invoice].append(charge)
        broken = [
            invoice
            for invoice, tried in charges.items()
            if tried[0].payment.state is not PaymentState.SUCCEEDED
        ]
        told = _Told()
        for name in sorted({self._invoices[invoice][0].customer.id for invoice in broken}):
            told.read(self._kit.timeline(name), until=self._world.end)
        failed = tuple(
            self._failed(invoice, charges[invoice], told)
            for invoice in sorted(broken, key=lambda each: (charges[each][0].payment.at, each))
        )
        return Outcome(
            world=self._world,
            policy=self._policy,
            due=self._due(),
            failed=failed,
            messages=dict(sorted(told.messages.items())),
            tries=sum(charge.key is not None for tried in charges.values() for charge in tried),
            ended=len(self._ended),
            lost_access=told.lost_access,
            charged_twice=self._provider.double_charges(),
            stories=self._stories(failed, stories),
        )

    def _due(self) -> dict[str, tuple[int, Money]]:
        prices = [one.price for one, _ in self._invoices.values()]
        return {
            code: (len(of), total(of, code))
            for code in sorted({price.currency.code for price in prices})
            if (of := [price for price in prices if price.currency.code == code])
        }

    def _failed(self, invoice: InvoiceId, charges: Sequence[Charge], told: _Told) -> FailedInvoice:
        one, first = self._invoices[invoice][0], charges[0].payment
        paid = next((c for c in charges if c.payment.state is PaymentState.SUCCEEDED), None)
        result = Result.OPEN
        if paid is not None:
            result = Result.RECOVERED
        elif one.customer.id in self._left:
            result = Result.LEFT
        elif invoice in told.ended:
            result = Result.ENDED
        return FailedInvoice(
            id=invoice,
            customer=one.customer.id,
            amount=first.amount,
            failed_at=first.at,
            code="unknown" if first.decline is None else first.decline.code,
            result=result,
            paid_at=None if paid is None else paid.payment.at,
            means=None if paid is None else _means(paid, first),
            retries=sum(c.key is not None and c.payment.method == first.method for c in charges),
            case=told.cases.get(invoice),
        )

    def _stories(self, failed: Sequence[FailedInvoice], most: int) -> tuple[Story, ...]:
        ends: dict[tuple[Result, Means | None], FailedInvoice] = {}
        kinds: dict[tuple[str, Result, Means | None], FailedInvoice] = {}
        for each in failed:
            if each.case is not None:
                ends.setdefault((each.result, each.means), each)
                kinds.setdefault((each.code, each.result, each.means), each)
        first = sorted(ends, key=_place)
        chosen = list(dict.fromkeys((*(ends[end] for end in first), *kinds.values())))[:most]
        return tuple(
            Story(invoice=each, told=self._kit.explain(each.case))
            for each in chosen
            if each.case is not None
        )


def _place(end: tuple[Result, Means | None]) -> tuple[int, int]:
    """Where an end stands among all: in the order in which they are declared."""
    result, means = end
    return list(Result).index(result), 0 if means is None else list(Means).index(means)


def _means(paid: Charge, first: Payment) -> Means:
    if paid.key is None:
        return Means.CONFIRMED
    return Means.RETRY if paid.payment.method == first.method else Means.NEW_CARD


class _Troubles(LoggingInstrumentation):
    """Keeps the first error of the engine: no figure is worth anything after one."""

    def __init__(self) -> None:
        super().__init__()
        self._error: Exception | None = None

    def failed(self, what: str, error: Exception) -> None:
        """Keep it."""
        del what
        self._error = self._error or error

    def fenced(self, what: str) -> None:
        """Nothing: an earlier item of the same batch decided the case anew."""
        del what

    def complain(self) -> None:
        """Raise what was kept."""
        if self._error is not None:
            raise self._error


class _Told:
    """What the timelines of customers say of cases, messages and access."""

    def __init__(self) -> None:
        self.cases: dict[InvoiceId, CaseId] = {}
        self.ended: set[InvoiceId] = set()
        self.messages: Counter[str] = Counter()
        self.lost_access = timedelta(0)

    def read(self, timeline: Sequence[RecordedEvent], *, until: datetime) -> None:
        """Take in one customer's timeline."""
        since: dict[CaseId, datetime] = {}
        for event in (recorded.event for recorded in timeline):
            case = CaseId(str(event.data.get("case")))
            match event.name:
                case "message.sent":
                    self.messages[str(event.data["message"])] += 1
                case "dunning.invoice_joined":
                    self.cases[InvoiceId(str(event.data["invoice"]))] = case
                case "dunning.access_changed" if event.data["level"] in _RESTRICTED:
                    since.setdefault(case, event.occurred_at)
                case "dunning.access_changed" | "dunning.case_closed":
                    self.lost_access += event.occurred_at - since.pop(case, event.occurred_at)
                    self._close(event)
                case _:
                    pass
        self.lost_access += sum((until - at for at in since.values()), timedelta(0))

    def _close(self, event: Event) -> None:
        if event.data.get("outcome") == CaseOutcome.ENDED:
            invoices = cast("Sequence[Mapping[str, JsonValue]]", event.data["invoices"])
            self.ended.update(InvoiceId(str(each["invoice"])) for each in invoices)


def _reference(one: SimulatedCustomer) -> str:
    return one.customer.reference or one.customer.id


def _subscription(one: SimulatedCustomer) -> SubscriptionId:
    return SubscriptionId(f"sub_{one.customer.id}")
