"""A product's ninety days in one process: two workers that keep dying, late news, a naive bank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from time import perf_counter

from attrs import evolve, field, frozen
from tests.faults._campaign import Quiet
from tests.faults._model import MARKS, NEWS, SETTLES, Fate, Story, foretell

from retainkit import DunningPolicy, RetainKit, Stage
from retainkit.billing import Decline, Invoice, PaymentOutcome, PaymentState
from retainkit.core import Answer, Intent, Item, Lease, NotSent, Outcome, Skills
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import Guarantee, Performer
from retainkit.ids import CustomerId, InvoiceId, SubscriptionId, TenantId
from retainkit.money import money
from retainkit.payments import Collect, ProviderEvent, ProviderEventKind
from retainkit.payments.simulated import (
    INSUFFICIENT_FUNDS,
    Behaviour,
    Declines,
    NeedsAuthentication,
    Settles,
    SimulatedPayments,
    Succeeds,
    Try,
    Verdict,
)
from retainkit.stores import TenantStore, Transaction
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


START = datetime(2026, 1, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 90
LEASE = timedelta(seconds=60)
MAIN = TenantId("main")
POLICY = DunningPolicy(
    collector="retainkit",
    retries=(HOUR * 24, HOUR * 72, HOUR * 168),
    stages=(
        Stage(after=timedelta(0), message="payment_failed", tone="friendly"),
        Stage(after=HOUR * 168, message="payment_failed", tone="firm", access="limited"),
        Stage(after=HOUR * 336, message="last_notice", tone="firm"),
        Stage(after=HOUR * 504, end="cancel"),
    ),
)
_DECLINES = {
    "soft": INSUFFICIENT_FUNDS,
    "hard": Decline(code="lost_card"),
    "unknown": Decline(code="a_code_nobody_knows"),
}


CARDS = ("good", "soft", "hard", "action", "unknown", "debit")


def story(rng: Random) -> Story:
    """A customer drawn by lot; what they do falls on half days, the plan on whole ones."""
    card = rng.choices(CARDS, (5, 40, 15, 10, 15, 15))[0]
    pays_from = rng.choice((12, 60, 132, 10**6)) if card in ("soft", "unknown", "debit") else 10**6
    if card in ("good", "debit"):
        return Story(card, pays_from)
    late = rng.choices((0, 50, 240, 360), (85, 5, 5, 5))[0]
    act = rng.choice(("", "", "pay", "void", "cancel", "good", "soft", "hard"))
    return Story(card, pays_from, late + NEWS, act, 12 + 24 * rng.randrange(1, 19))


class Crash(BaseException):
    """The process dies here; no `except Exception` sees it."""


class Perils:
    """Where the worker of this moment dies, or sleeps so long that another one takes its item."""

    def __init__(self, rng: Random, clock: ManualClock) -> None:
        self._rng = rng
        self._clock = clock
        self._left = 0
        self._asleep = False
        self.other: Callable[[], None] = lambda: None
        self.deaths: Counter[str] = Counter()
        self.attempts = 0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One step attempt; it dies at a drawn point, or else at its end: nobody lives on."""
        before, self._left = self._left, self._rng.choice((self._rng.randrange(1, 13), 99))
        self.attempts += 1
        try:
            yield
            self.deaths["after the last commit"] += 1
        except Crash as crash:
            self.deaths[str(crash)] += 1
        finally:
            self._left = before

    def point(self, name: str, *, may_sleep: bool = True) -> None:
        """Pass a point of the step."""
        self._left -= 1
        if self._left == 0:
            raise Crash(name)
        if may_sleep and not self._asleep and self._rng.random() < 0.02:
            self._asleep = True
            self.deaths["slept past the lease"] += 1
            self._clock.advance(LEASE + timedelta(seconds=1))
            self.other()
            self._asleep = False


class Perilous:
    """A store whose every commit and claim is a point."""

    def __init__(self, inner: MemoryStore, perils: Perils) -> None:
        self.inner = inner
        self.perils = perils

    def migrate(self) -> None:
        self.inner.migrate()

    def for_tenant(self, tenant: TenantId) -> TenantStore:
        return _PerilousTenant(self.inner.for_tenant(tenant), self.perils)

    def claim(
        self, lease: Lease, *, now: datetime, limit: int, skills: Skills | None = None
    ) -> tuple[Item, ...]:
        self.perils.point("before the claim")
        items = self.inner.claim(lease, now=now, limit=limit, skills=skills)
        self.perils.point("after the claim")
        return items

    def tenants(self) -> Sequence[TenantId]:
        return tuple(self.inner.tenants())

    def close(self) -> None:
        self.inner.close()


class _PerilousTenant:
    def __init__(self, inner: TenantStore, perils: Perils) -> None:
        self._inner = inner
        self._perils = perils
        self.tenant = inner.tenant

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._inner.transaction() as tx:
            yield tx
            self._perils.point("before a commit", may_sleep=False)
        self._perils.point("after a commit")

    def joined(self, connection: object) -> AbstractContextManager[Transaction]:
        return self._inner.joined(connection)


class NaiveBank(SimulatedPayments):
    """
    Charges whatever it is asked for, paid or not; only a repeated key is recognised, for minutes.

    So that its own log can show a double charge: the judge must be able to turn red.
    """

    perils: Perils

    def collect(self, collect: Collect, *, key: str) -> PaymentOutcome:
        self.perils.point("before the charge")
        outcome = super().collect(collect, key=key)
        self.perils.point("after the charge")
        return outcome

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> Invoice | NotSent:
        self.perils.point("before a read")
        return super().read_invoice(invoice, seller=seller)

    def cancel(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        self.perils.point("before the end")
        outcome = super().cancel(subscription, seller=seller, key=key)
        self.perils.point("after the end")
        return outcome

    def _collect(self, collect: Collect, key: str, now: datetime) -> PaymentOutcome:
        from retainkit.payments.simulated import _outcome

        found = self._books.invoices[collect.seller, collect.invoice]
        method = collect.method or self._books.method_of(found)
        return _outcome(self._books.charge(found, now, method, key, None))


@frozen
class _Debit:
    """Pending for days, then paid if it was tried late enough."""

    pays_from: datetime

    def verdict(self, tried: Try) -> Verdict:
        pays = tried.at >= self.pays_from
        return Settles(HOUR * SETTLES, None if pays else INSUFFICIENT_FUNDS).verdict(tried)


@frozen(kw_only=True)
class Result:
    """
    What a run showed.

    Args:
        differences: Customers that ended otherwise than the model says.
        doubles: Invoices paid twice, and keys charged twice.
        lost: Open cases without a next step, and whatever the sweeper found.
        deaths: How often a worker died, by point.
        attempts: Step attempts.
        told: Webhooks that were delivered, and how many of them again.
        seconds: How long it took.
    """

    differences: tuple[str, ...]
    doubles: tuple[str, ...]
    lost: tuple[str, ...]
    deaths: Mapping[str, int] = field(repr=False)
    attempts: int
    told: tuple[int, int]
    seconds: float


class Simulation:
    """One seed's world."""

    def __init__(
        self, *, seed: int, customers: int, mail: Guarantee = Guarantee.AT_MOST_ONCE
    ) -> None:
        rng = Random(seed)
        self._guarantee = mail
        self._rng = rng
        self.clock = ManualClock(START)
        self.perils = Perils(rng, self.clock)
        self.bank = NaiveBank(seed=seed, clock=self.clock, idempotency_window=timedelta(minutes=10))
        self.bank.perils = self.perils
        self.store = MemoryStore()
        self.mail: Counter[str] = Counter()
        self.stories = {CustomerId(f"c{number}"): story(rng) for number in range(customers)}
        self.failed_at = {
            customer: START + timedelta(seconds=rng.randrange(28 * 86400))
            for customer in self.stories
        }
        self._kits = [self._kit(), self._kit()]
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()
        self._first: set[CustomerId] = set()
        self._told, self._again = 0, 0
        self._seen: dict[CustomerId, dict[int, str]] = {name: {} for name in self.stories}
        self._lost: list[str] = []
        self.perils.other = self._other_worker

    # ---- the run

    def run(self) -> Result:
        """Ninety days."""
        began = perf_counter()
        for customer in self.stories:
            self._plan_customer(customer)
        for hour in range(24 * DAYS):
            self._at(START + HOUR * hour, self._collect_news)
        for day in range(0, DAYS, 10):
            self._at(START + HOUR * 24 * day, self._look_for_lost)
        end = START + HOUR * 24 * DAYS
        while (coming := self._next()) is not None and coming <= end:
            self.clock.set(max(coming, self.clock.now()))
            if self._agenda and self._agenda[0][0] <= self.clock.now():
                heappop(self._agenda)[2]()
            else:
                self._attempt(self._rng.choice(self._kits))
        self._look_for_lost()
        return Result(
            differences=tuple(self._differences()),
            doubles=tuple(self._doubles()),
            lost=tuple(self._lost),
            deaths=self.perils.deaths,
            attempts=self.perils.attempts,
            told=(self._told, self._again),
            seconds=perf_counter() - began,
        )

    def _next(self) -> datetime | None:
        heap = self.store._agenda._heap
        times = [queue[0][0] for queue in (heap, self._agenda) if queue]
        return min(times, default=None)

    def _at(self, when: datetime, happen: Callable[[], None]) -> None:
        heappush(self._agenda, (when, next(self._numbers), happen))

    def _attempt(self, kit: RetainKit) -> None:
        with self.perils.attempt():
            kit.run_due(limit=1)

    def _other_worker(self) -> None:
        for _ in range(self._rng.randrange(1, 4)):
            self._attempt(self._kits[1])

    # ---- the outside

    def _kit(self) -> RetainKit:
        known = {
            customer: Customer(id=customer, email="a@b.example", reference=customer)
            for customer in self.stories
        }
        mail = Performer(
            group="messages",
            guarantee=self._guarantee,
            perform=self._send,
            look_up=self._send,
        )
        return RetainKit(
            store=Perilous(self.store, self.perils),
            payments=self.bank,
            customers=StaticDirectory(known),
            dunning=POLICY,
            performers={"messages.send": mail},
            clock=self.clock,
            instrumentation=Quiet(),
            lease=LEASE,
        )

    def _send(self, intent: Intent, now: datetime) -> Outcome:
        del now
        self.perils.point("before the mail")
        self.mail[intent.key] += 1
        self.perils.point("after the mail")
        return Answer(data={"message_id": intent.key})

    def _plan_customer(self, customer: CustomerId) -> None:
        told, zero = self.stories[customer], self.failed_at[customer]
        self._at(zero, lambda: self._open(customer))
        if told.act:
            self._at(zero + HOUR * told.act_at, lambda: self._act(customer))
        for mark in MARKS:
            self._at(zero + HOUR * mark, lambda mark=mark: self._look(customer, mark))  # type: ignore[misc] # a lambda's default has no type

    def _open(self, customer: CustomerId) -> None:
        told, zero = self.stories[customer], self.failed_at[customer]
        behaviour = _behaviour(told.card, zero + HOUR * min(told.pays_from, 10**5))
        self.bank.add_method(behaviour, reference=customer)
        self.bank.open_invoice(
            reference=customer,
            id=f"in_{customer}",
            amount=money(12, "EUR"),
            subscription=f"sub_{customer}",
        )
        self._collect_news()

    def _act(self, customer: CustomerId) -> None:
        invoice = self.bank._books.invoices[self.bank.seller, f"in_{customer}"]
        match self.stories[customer].act:
            case "pay" if invoice.state == "open":
                self.bank.pay(invoice.id)
            case "void" if invoice.state == "open":
                self.bank.void(invoice.id)
            case "cancel":
                SimulatedPayments.cancel(
                    self.bank, SubscriptionId(f"sub_{customer}"), seller=self.bank.seller, key="own"
                )
            case "good" | "soft" | "hard" as card:
                never = START + HOUR * 10**5
                self.bank.add_method(_behaviour(card, never), reference=customer)
            case _:
                pass
        self._collect_news()

    def _collect_news(self) -> None:
        """Send what the bank has to tell: late, in any order, nearly a third of it twice."""
        for event in self.bank.take_events():
            named = event
            if event.reference is None:
                named = evolve(event, reference=str(event.subscription).removeprefix("sub_"))
            customer = CustomerId(str(named.reference))
            late = timedelta(0)
            if customer not in self._first and named.kind is ProviderEventKind.INVOICE_CHANGED:
                self._first.add(customer)
                late = HOUR * max(0, self.stories[customer].told - NEWS)
            copies = 1 + (self._rng.random() < 0.3)
            self._again += copies - 1
            for _ in range(copies):
                when = self.clock.now() + late + timedelta(seconds=self._rng.randrange(9 * 3600))
                self._at(when, lambda named=named: self._tell(named))  # type: ignore[misc] # a lambda's default has no type

    def _tell(self, event: ProviderEvent) -> None:
        body = self.bank.webhook(event)
        headers = self.bank.sign(body, at=self.clock.now())
        self._told += 1
        while True:
            try:
                self._kits[0].receive_webhook(body, headers)
            except Crash:
                continue  # not answered: the provider sends it again
            return

    # ---- the judges

    def _look(self, customer: CustomerId, mark: int) -> None:
        self._seen[customer][mark] = self._kits[0].access(customer).level.value

    def _look_for_lost(self) -> None:
        """Each open case has exactly one next step; nothing is asleep that should not be."""
        with self.store.for_tenant(MAIN).transaction() as tx:
            self._lost += [f"no step: {case.id}" for case in tx.schedule.orphans("dunning")]
            self._lost += [f"stray: {item.id}" for item in tx.schedule.strays()]
            after = None
            while page := tx.records.open("dunning", after=after):
                after = page[-1].id
                self._lost += [
                    f"no timer: {case.customer}"
                    for case in page
                    if tx.schedule.timer(f"dunning:{case.id}") is None
                ]
        if self.clock.now() >= START + HOUR * 24 * (DAYS - 1):
            self._lost += [str(finding) for finding in self._kits[0].sweep()]

    def _doubles(self) -> Iterator[str]:
        """What the bank's own log says: the only judge."""
        paid = Counter(
            charge.invoice
            for charge in self.bank.charges
            if charge.payment.state is PaymentState.SUCCEEDED
        )
        yield from (f"paid twice: {invoice}" for invoice, times in paid.items() if times > 1)
        keys = Counter(charge.key for charge in self.bank.charges if charge.key is not None)
        yield from (f"charged twice: {key}" for key, times in keys.items() if times > 1)
        yield from (f"mailed twice: {key}" for key, times in self.mail.items() if times > 1)

    def _differences(self) -> Iterator[str]:
        tries = Counter(charge.invoice for charge in self.bank.charges if charge.key is not None)
        for customer, told in self.stories.items():
            said, found = foretell(told), self._fate(customer, tries)
            if said != found:
                yield f"{customer}: {told}\n  model {said}\n  found {found}"

    def _fate(self, customer: CustomerId, tries: Counter[InvoiceId]) -> Fate:
        names = Counter[str]()
        messages = []
        for recorded in self._kits[0].timeline(customer):
            names[recorded.event.name] += 1
            if recorded.event.name == "message.requested":
                messages.append(str(recorded.event.data["message"]))
        answered = names["message.sent"] + names["message.unconfirmed"]
        granted = names["message.granted"]
        if {len(messages), granted, answered} != {granted}:
            messages.append(f"requested {len(messages)}, granted {granted}, answered {answered}")
        return Fate(
            end=self._end(customer),
            tries=tries[InvoiceId(f"in_{customer}")],
            messages=messages,
            access=self._seen[customer],
        )

    def _end(self, customer: CustomerId) -> str:
        """Where kit and bank say that it ended; a word of its own where they do not agree."""
        with self.store.for_tenant(MAIN).transaction() as tx:
            cases = tx.records.all("dunning", customer=customer)
        if not cases:
            return "none"
        outcome = "+".join(str(case.body["outcome"]) for case in cases)
        invoice = self.bank._books.invoices[self.bank.seller, f"in_{customer}"]
        gone = (self.bank.seller, f"sub_{customer}") in self.bank._books.cancelled
        own = self.stories[customer].act == "cancel"
        ends = {
            ("recovered", "paid"): "paid",
            ("settled", "void"): "void",
            ("ended", "open"): "exhausted" if own else "cancelled",
        }
        end = ends.get((outcome, str(invoice.state.value)), f"{outcome}/{invoice.state.value}")
        return end if gone == (own or end == "cancelled") else f"{end}, subscription gone: {gone}"


def _behaviour(card: str, pays_from: datetime) -> Behaviour:
    match card:
        case "good":
            return Succeeds()
        case "action":
            return NeedsAuthentication()
        case "debit":
            return _Debit(pays_from)
        case "hard":
            return Declines(_DECLINES["hard"])
        case _:
            return Declines(_DECLINES[card], until=pays_from)
