"""RetainKit: the one object a host builds; immutable, safe across threads and after a fork."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from retainkit.errors import ConfigurationError, Refused
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, TenantId


if TYPE_CHECKING:
    from concurrent.futures import Executor

    from retainkit.billing import Declined, Paid
    from retainkit.core import Answer, Event, Intent, Item, NoEffect, RecordedEvent, Skills
    from retainkit.customers import CustomerDirectory
    from retainkit.dunning import Access, DunningCase, DunningPolicy, Upcoming
    from retainkit.engine._attention import Attention
    from retainkit.engine._counting import Counting
    from retainkit.engine._dunning import Dunning
    from retainkit.engine._explain import Explained
    from retainkit.engine._features import AnyFeature, Features
    from retainkit.engine._health import KitHealth
    from retainkit.engine._instrumentation import Instrumentation
    from retainkit.engine._join import JoinedKit
    from retainkit.engine._links import Links, OpenLink
    from retainkit.engine._performers import Performer
    from retainkit.engine._rules import KitRules
    from retainkit.engine._runner import Ran, Runner
    from retainkit.engine._signals import KitSignals
    from retainkit.engine._sweeper import Finding
    from retainkit.engine._webhooks import Receipt
    from retainkit.health import HealthModels
    from retainkit.messages import Branding, Messenger
    from retainkit.payments import HostedPage, Payments, WebhookReader
    from retainkit.rules import Rulebook, Signal, Signals
    from retainkit.signals import Measures
    from retainkit.stores import Appended, Store
    from retainkit.timing import Clock

# Only what is needed to build a kit is imported with this module; the rest when it is first used,
# since a web process pays for the import at every start.
_WORKERS = count(1)
_COUNTED = 1000


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)


class Dispatch(Protocol):
    """Where :meth:`RetainKit.dispatch` sends keys: Celery, procrastinate, or a thread pool."""

    def submit(self, key: str, /) -> object:
        """Have ``kit.perform(key)`` called somewhere, at least most of the time."""
        ...


class RetainKit:
    """
    retainkit in the host's process and the host's database.

    Args:
        store: Where past, now and future are kept.

        payments: The payment provider.

        messages: Who delivers messages.

        dunning: The policy for failed payments; None leaves dunning off.

        customers: The host's knowledge of its customers.

        branding: How messages and the pages of their links look; without it, they bear the name
            of the messages' sender.

        links: How messages link to the provider's hosted page; None leaves links out.

        signals: The class that declares what is known of a customer, or the signals by name.

        rules: When what is true of a customer; None leaves rules off.

        health: How a customer's health is told; None leaves health off.

        zone: The IANA zone of customers whose own nobody told; their days are counted in it.

        future_tolerance: How far ahead of now an event that signals read may lie; what lies
            further ahead is quarantined.

        features: Further features, of the host or of third parties.

        performers: How their effects are performed, by kind.

        clock: The time; the machine's by default.

        tenant: Whose data the calls of this object concern; workers serve all tenants.

        sellers: The tenant of each provider account, for webhooks; else ``tenant``.

        shadow: Decide and record, but perform nothing.

        production: Refuses what moves no real money, such as ``SimulatedPayments``.

        instrumentation: Told what the engine does.

        lease: How long a worker may be silent before its item goes to another; more than twice
            the provider's timeout.

    Raises:
        ConfigurationError: Parts that do not fit together.
    """

    def __init__(
        self,
        *,
        store: Store,
        payments: Payments | None = None,
        messages: Messenger | None = None,
        dunning: DunningPolicy | None = None,
        customers: CustomerDirectory | None = None,
        branding: Branding | None = None,
        links: Links | None = None,
        signals: type[Signals] | Mapping[str, Signal] | None = None,
        rules: Rulebook | None = None,
        health: HealthModels | None = None,
        zone: str = "UTC",
        future_tolerance: timedelta = timedelta(days=1),
        features: Sequence[AnyFeature] = (),
        performers: Mapping[str, Performer] | None = None,
        clock: Clock | None = None,
        tenant: str = "main",
        sellers: Mapping[str, str] | None = None,
        shadow: bool = False,
        production: bool = False,
        instrumentation: Instrumentation | None = None,
        lease: timedelta = timedelta(minutes=2),
    ) -> None:
        self.store: Store = store
        self.payments: Payments | None = payments
        self.links: Links | None = links
        self.clock: Clock = clock or SystemClock()
        self.tenant: TenantId = TenantId(tenant)
        self._messages = messages
        self._look = branding
        self._customers = customers
        self._dunning = dunning
        self._declared = signals
        self.rulebook: Rulebook | None = rules
        self.health_models: HealthModels | None = health
        self._zone = zone
        self._tolerance = future_tolerance
        self._others = tuple(features)
        self._further = dict(performers or {})
        self._sellers = dict(sellers or {})
        self._shadow = shadow
        self._told = instrumentation
        self._lease = lease
        _check(payments, production=production, lease=lease)
        if signals is not None or rules is not None or health is not None:
            from retainkit.engine._parts import check_parts

            check_parts(signals, rules, health)
        if features:
            self.features  # noqa: B018 - two of one name are refused at once

    @cached_property
    def features(self) -> Features:
        """The features of this kit: the built-in ones, and the host's."""
        from retainkit.billing import Invoices
        from retainkit.contact import Contact
        from retainkit.engine._features import Features

        built_in: list[AnyFeature] = [Invoices(), Contact()]
        if self._dunning is not None:
            from retainkit.dunning import Dunning as DunningFeature

            built_in.append(DunningFeature(self._dunning))
        if self.rulebook is not None and self.measures is not None:
            from retainkit.signals import RulesFeature

            built_in.append(RulesFeature(self.rulebook, self.measures))
        if self.health_models is not None and self.measures is not None:
            from retainkit.health import HealthFeature

            built_in.append(HealthFeature(self.health_models, self.measures))
        return Features([*built_in, *self._others], self._counting)

    @cached_property
    def measures(self) -> Measures | None:
        """What is counted of the timeline, for signals, rules and health; None when nothing is."""
        parts = (self._declared, self.rulebook, self.health_models)
        if parts == (None, None, None):
            return None
        from retainkit.engine._counting import measured

        return measured(*parts, zone=self._zone)

    @cached_property
    def _counting(self) -> Counting | None:
        if self.measures is None:
            return None
        from retainkit.engine._counting import Counting

        if self.rulebook is None:
            return Counting(self.measures, tolerance=self._tolerance)
        from retainkit.rules import members_of

        return Counting(self.measures, tolerance=self._tolerance, moves=members_of)

    @cached_property
    def directory(self) -> CustomerDirectory:
        """The host's knowledge of its customers."""
        if self._customers is not None:
            return self._customers
        from retainkit.customers import StaticDirectory

        return StaticDirectory()

    @cached_property
    def branding(self) -> Branding:
        """How messages and the pages of their links look."""
        if self._look is not None:
            return self._look
        from retainkit.messages import Branding

        sender = "" if self._messages is None else self._messages.sender
        return Branding(product=sender.partition("<")[0].strip())

    @cached_property
    def _tell(self) -> Instrumentation:
        if self._told is not None:
            return self._told
        from retainkit.engine._instrumentation import LoggingInstrumentation

        return LoggingInstrumentation()

    @cached_property
    def _performing(self) -> Mapping[str, Performer]:
        from retainkit.engine import _performers as kinds

        known: dict[str, Performer] = {}
        if self.payments is not None:
            known |= kinds.payment_performers(self.payments)
            known |= kinds.subscription_performers(self.payments, self.payments.capabilities.name)
        if self._messages is not None:
            known |= kinds.message_performers(
                self._messages, self.directory, self.branding, self._link
            )
        known |= self._further
        if not self._shadow:
            return known
        return {kind: kinds.in_shadow(performer) for kind, performer in known.items()}

    @cached_property
    def skills(self) -> Skills:
        """What this kit can work on; everything else is left to kits that can."""
        from retainkit.core import Skills

        return Skills(
            features=frozenset(bound.feature.name for bound in self.features),
            kinds=frozenset(self._performing),
        )

    def _link(self, intent: Intent, now: datetime) -> str | None:
        return None if self.links is None else self.links.url(intent, now)

    def for_tenant(self, tenant: str) -> RetainKit:
        """The same kit, its calls concerning another tenant."""
        other = object.__new__(RetainKit)
        other.__dict__.update(self.__dict__, tenant=TenantId(tenant))
        return other

    # ---- joining

    @contextmanager
    def join(self, connection: object) -> Iterator[JoinedKit]:
        """
        The kit inside the host's open transaction.

        Takes a SQLAlchemy ``Connection`` or ``Session``, or Django's ``connection`` inside
        ``transaction.atomic()``. Works under a savepoint: an error of ours leaves the host's
        transaction usable. Never commits, rolls back or closes.

        Raises:
            ConfigurationError: There is no open transaction, or the store can't join it.
        """
        from retainkit.engine._join import JoinedKit

        with self.store.for_tenant(self.tenant).joined(connection) as tx:
            joined = JoinedKit(self, tx)
            yield joined
            joined.refuse_halves()

    @contextmanager
    def transaction(self) -> Iterator[JoinedKit]:
        """The kit inside a transaction of its own, for several calls in one commit."""
        from retainkit.engine._join import JoinedKit

        with self.store.for_tenant(self.tenant).transaction() as tx:
            joined = JoinedKit(self, tx)
            yield joined
            joined.refuse_halves()

    # ---- the past

    def record(self, *events: Event) -> Appended:
        """
        Append events; features that subscribe to their names are woken in the same commit.

        Raises:
            StoreError: Nothing was kept.
        """
        with self.transaction() as k:
            return k.record(*events)

    def timeline(
        self, customer: CustomerId, *, after: int = 0, limit: int | None = None
    ) -> tuple[RecordedEvent, ...]:
        """The customer's events with a counter above ``after``, oldest first."""
        with self.transaction() as k:
            return k.timeline(customer, after=after, limit=limit)

    def explain(
        self, case: CaseId | DunningCase, *, locale: str = "en", zone: str = "UTC"
    ) -> tuple[Explained, ...]:
        """
        Why everything about a case happened, in the reader's language and time zone.

        Raises:
            NotFound: No feature has a case of that id.
        """
        with self.transaction() as k:
            return k.explain(
                CaseId(case) if isinstance(case, str) else case.id, locale=locale, zone=zone
            )

    def receive_webhook(self, body: bytes, headers: Mapping[str, str]) -> Receipt:
        """
        Keep a webhook of the payment provider, and schedule a look at what it is about.

        A verified webhook is never refused: one that matches no customer is parked, and listed by
        :meth:`attention`. Pass the raw body, as it came over the wire.

        Raises:
            InvalidInput: The signature, age, size or form is wrong; nothing was stored.
            StoreError: Nothing was kept; answer with 503, and the provider sends it again.
        """
        event = self.webhook_reader().read_webhook(body, headers, now=self.clock.now())
        kit = self.for_tenant(self.tenant_of(event.seller))
        with kit.transaction() as k:
            return k.receive_event(event)

    def tenant_of(self, seller: str) -> TenantId:
        """The tenant of a provider account: as ``sellers`` says, else this kit's own."""
        return TenantId(self._sellers.get(seller, self.tenant))

    def webhook_reader(self) -> WebhookReader:
        """The provider, as a reader of webhooks."""
        return self._provider()

    def _provider(self) -> Payments:
        if self.payments is None:
            raise ConfigurationError(
                "This kit has no payment provider",
                code="kit.no_payments",
                field="payments",
                remedy="pass RetainKit(payments=...)",
            )
        return self.payments

    def release(self, event: EventId, *, customer: CustomerId, actor: str) -> None:
        """
        Accept a parked or quarantined event as the customer's; ``actor`` is who decided so.

        Raises:
            NotFound: No parked event has that id.
        """
        with self.transaction() as k:
            k.release(event, customer=customer, actor=actor)

    # ---- the present

    @property
    def dunning(self) -> Dunning:
        """Questions about dunning."""
        from retainkit.engine._dunning import Dunning

        return Dunning(self)

    @property
    def signals(self) -> KitSignals:
        """What is known of customers: set by the host, or counted from the timeline."""
        from retainkit.engine._signals import KitSignals

        return KitSignals(self, self.transaction)

    @property
    def rules(self) -> KitRules:
        """What is true of customers, why, and who is in which segment."""
        from retainkit.engine._rules import KitRules

        return KitRules(self, self.transaction)

    @property
    def health(self) -> KitHealth:
        """How customers are, and why."""
        from retainkit.engine._health import KitHealth

        return KitHealth(self, self.transaction)

    def access(self, customer: CustomerId, now: datetime | None = None) -> Access:
        """What the customer may use, now or at another time if nothing happens until then."""
        with self.transaction() as k:
            return k.access(customer, now)

    # ---- the future

    def decide(self, customer: CustomerId) -> None:
        """Decide now whatever is due for one customer; effects are left to a worker."""
        with self.transaction() as k:
            k.decide(customer)

    def upcoming(self, customer: CustomerId) -> tuple[Upcoming, ...]:
        """What is planned for a customer if nothing else happens, soonest first."""
        with self.transaction() as k:
            return k.upcoming(customer)

    def scheduled(self, customer: CustomerId) -> tuple[Item, ...]:
        """The timers and effects that are still to come for a customer, soonest first."""
        with self.transaction() as k:
            return k.scheduled(customer)

    def run_due(
        self,
        *,
        limit: int | None = None,
        deadline: timedelta | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Ran:
        """
        Work off what is due, of all tenants: decide timers, perform effects, decide outcomes.

        Call it from cron, a task queue or a worker, in as many processes as you like.

        Args:
            limit: At most so many items.

            deadline: Begin no further item after this time.

            stop: Asked before each item; True ends the run after the item in hand.
        """
        ends = None if deadline is None else monotonic() + deadline / timedelta(seconds=1)

        def until() -> bool:
            return (ends is not None and monotonic() >= ends) or (stop is not None and stop())

        return self._runner().run_due(limit=limit, until=until)

    def dispatch(self, executor: Dispatch | Executor, *, limit: int = 100) -> int:
        """
        Claim what is due and send only the keys to an executor; how many.

        The executor may lose a key (its lease runs out, and the item is claimed again) or run it
        twice (the second claim holds no more).
        """
        from concurrent.futures import Executor

        items = self._runner().claim(limit)
        for item in items:
            # The state tells a second delivery of the key from the first: nothing is sent twice.
            key = json.dumps([item.tenant, item.id, item.lease, _state(item)])
            if isinstance(executor, Executor):
                executor.submit(self.perform, key)
            else:
                executor.submit(key)
        return len(items)

    def perform(self, key: str) -> None:
        """Work on the item that :meth:`dispatch` sent; one that is done or taken is left alone."""
        tenant, id, lease, state = json.loads(key)
        with self.store.for_tenant(TenantId(tenant)).transaction() as tx:
            item: Item | None = tx.schedule.timer(id) or tx.schedule.intent(EffectId(id))
        if item is not None and (item.lease, _state(item)) == (lease, state):
            self._runner().run(item)

    def _runner(self) -> Runner:
        from retainkit.engine._runner import Runner

        return Runner(
            store=self.store,
            features=self.features,
            performers=self._performing,
            skills=self.skills,
            clock=self.clock,
            instrumentation=self._tell,
            lease=self._lease,
            # Unique for each runner of each process, also after a fork: it is the fence.
            worker=f"{os.getpid()}.{next(_WORKERS)}.{os.urandom(4).hex()}",
        )

    def sweep(self) -> tuple[Finding, ...]:
        """
        Look for damage in all tenants: mend it, or list it for :meth:`attention`.

        The worker calls it once an hour; on a healthy store it finds nothing.
        """
        from retainkit.engine._attention import attention
        from retainkit.engine._sweeper import sweep

        found: list[Finding] = []
        waiting, now = 0, self.clock.now()
        for tenant in self.store.tenants():
            with self.store.for_tenant(tenant).transaction() as tx:
                found += sweep(tx, self.features, tenant, now)
                waiting += len(attention(tx, self.skills, now=now, limit=_COUNTED))
        self._tell.attention(waiting)
        return tuple(found)

    def migrate_cases(self, *, dry_run: bool = True) -> tuple[CaseId, ...]:
        """
        Move the open cases to the policy the kit has now; which ones.

        Args:
            dry_run: Only say which cases would move.
        """
        from retainkit.engine._moving import migrate_cases

        with self.store.for_tenant(self.tenant).transaction() as tx:
            return migrate_cases(tx, self.features, self.tenant, self.clock.now(), dry_run=dry_run)

    # ---- people

    def attention(self, *, limit: int = 100) -> tuple[Attention, ...]:
        """Everything that waits for a person: what automation can't settle."""
        with self.transaction() as k:
            return k.attention(limit=limit)

    def settle(
        self,
        effect: EffectId | str,
        outcome: Paid | Declined | Answer | NoEffect,
        *,
        actor: str,
        reason: str,
    ) -> None:
        """
        Answer an unclear effect in its provider's place; see :meth:`JoinedKit.settle`.

        Raises:
            NotFound: No effect has that id.
            Refused: The effect does not wait for a person.
        """
        with self.transaction() as k:
            k.settle(EffectId(effect), outcome, actor=actor, reason=reason)

    def dismiss(self, entry: str, *, actor: str) -> None:
        """
        Close an entry of :meth:`attention` that needs no outcome.

        A parked or quarantined event is then kept as nobody's.

        Raises:
            NotFound: No open entry has that id.
        """
        with self.transaction() as k:
            k.dismiss(entry, actor=actor)

    def wake(self, feature: str, customer: CustomerId, *, since: int) -> None:
        """
        Have a feature decide a customer's events again, from a counter on.

        Raises:
            NotFound: This kit has no feature of that name.
        """
        with self.transaction() as k:
            k.wake(feature, customer, since=since)

    # ---- links

    def open_link(self, token: str) -> OpenLink:
        """
        Look at a link of a message; changes nothing, so that mail scanners do no harm.

        Raises:
            InvalidInput: It has expired, was used, or is not ours.
        """
        from retainkit.engine import _links

        links = self._links()
        effect, tenant = _links.read(links, token, self.clock.now())
        with self.store.for_tenant(tenant).transaction() as tx:
            return _links.look(tx, tenant, effect)

    def follow_link(self, token: str) -> HostedPage:
        """
        Use a link, once: a fresh page of the payment provider for its customer.

        The page is asked for first, so that an unreachable provider does not cost the link.

        Raises:
            InvalidInput: It has expired, was used, or is not ours.
            Refused: This kit is in shadow mode, and calls nobody; the link stays usable.
            ProviderError: The provider can't make a page now; the link stays usable.
        """
        from retainkit.engine import _links

        links = self._links()
        link = self.open_link(token)
        if self._shadow:
            raise Refused(
                "A kit in shadow mode leads nobody to the provider",
                code="link.shadow",
                field="shadow",
                remedy="follow links with the kit that is not in shadow mode; the link still works",
            )
        page = _links.hosted_page(
            self._provider(), self.directory, link, return_url=links.return_url
        )
        with self.for_tenant(link.tenant).transaction() as k:
            k.use_link(link)
        return page

    def _links(self) -> Links:
        if self.links is None:
            raise ConfigurationError(
                "This kit has no links",
                code="kit.no_links",
                field="links",
                remedy="pass RetainKit(links=Links(base_url=..., secrets=[...]))",
            )
        return self.links


def _check(payments: Payments | None, *, production: bool, lease: timedelta) -> None:
    if payments is None:
        return
    declared = payments.capabilities
    if declared.test_only and production:
        raise ConfigurationError(
            "This payment provider moves no real money",
            code="payments.test_only",
            field="payments",
            value=declared.name,
            remedy="use a real provider, or say SimulatedPayments(allow_production=True)",
        )
    if lease < 2 * declared.timeout:
        raise ConfigurationError(
            "A worker could lose its item while the provider still works on it",
            code="kit.lease",
            field="lease",
            value=lease,
            remedy=f"make it at least twice the provider's timeout of {declared.timeout}",
        )


def _state(item: Item) -> str:
    return str(getattr(item, "state", ""))
