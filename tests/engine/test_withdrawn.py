"""What was decided but not sent: withdrawn when it must not be any more, kept when it still may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve, frozen
from tests.dunning.conftest import ANNA, RETRYING, START, Provider, cancelled, method_changed
from tests.engine.world import LEASE, Watched, World

from retainkit.billing import InvoiceState, observed_event
from retainkit.core import (
    Case,
    Caseless,
    Decision,
    Event,
    Facts,
    Intent,
    NotSent,
    Outcome,
    Trigger,
    Unknown,
)
from retainkit.customers import Customer, StaticDirectory
from retainkit.dunning import DunningPolicy
from retainkit.engine import AttentionKind, Guarantee, Performer, RetainKit
from retainkit.errors import ProviderError
from retainkit.ids import CustomerId, EventId, TenantId
from retainkit.messages import Message, SendOutcome, Sent
from retainkit.stores import Store


class Outside:
    """A provider that first says what the story scripts."""

    def __init__(self, *script: Outcome) -> None:
        self.provider = Provider(behaviour={"pm_old": "paid"})
        self.script = list(script)

    def perform(self, intent: Intent, now: datetime) -> Outcome:
        self.provider.now = now
        return self.script.pop(0) if self.script else self.provider.perform(intent.effect)

    def kit(self, world: World) -> RetainKit:
        kind = Performer(
            group="outside",
            guarantee=Guarantee.EXACTLY_ONCE,
            perform=self.perform,
            look_up=self.perform,
        )
        return RetainKit(
            store=world.store,
            dunning=RETRYING,
            performers={"payments.collect": kind, "payments.read_invoice": kind},
            clock=world.clock,
            instrumentation=world.told,
            lease=LEASE,
        )


def _tried(world: World, outside: Outside, news: Callable[[datetime], Event]) -> RetainKit:
    """A first try is under way when the news comes; hours later the worker goes on."""
    world.clock.set(START)
    kit = outside.kit(world)
    kit.record(observed_event(outside.provider.bill(), ANNA, START))
    kit.run_due()
    world.clock.advance(timedelta(days=1))
    kit.run_due()
    kit.record(news(world.clock.now()))
    kit.run_due()
    world.clock.advance(timedelta(hours=4))
    kit.run_due()
    return kit


def _said(kit: RetainKit) -> list[str]:
    return [recorded.event.name for recorded in kit.timeline(ANNA)]


def leaving(at: datetime) -> Event:
    """The customer cancels."""
    return cancelled("sub_1", at)


def test_who_cancelled_is_not_charged_by_a_try_that_waited(world: World) -> None:
    """The provider was busy; when it is back, nobody wants the money any more."""
    outside = Outside(NotSent(reason="busy", retry_after=timedelta(hours=3)))
    kit = _tried(world, outside, leaving)
    assert outside.provider.charges == []
    (told,) = (
        recorded.event
        for recorded in kit.timeline(ANNA)
        if recorded.event.name == "dunning.retry_without_effect"
    )
    assert told.data["reason"] == "withdrawn"
    (case,) = kit.dunning.open_cases()
    assert [invoice.flight for invoice in case.invoices] == [None]


def test_what_may_have_been_sent_is_not_withdrawn(world: World) -> None:
    """Its outcome is found out: it may be money."""
    outside = Outside(Unknown(reason="timeout"))
    kit = _tried(world, outside, leaving)
    assert len(outside.provider.charges) == 1
    assert kit.dunning.open_cases() == ()
    assert "dunning.retry_without_effect" not in _said(kit)


def test_a_new_card_is_charged_at_once_and_the_old_one_never(world: World) -> None:
    """The old card's try waits for a busy provider; the new card's is made in the same run."""
    outside = Outside(NotSent(reason="busy", retry_after=timedelta(hours=3)))
    outside.provider.behaviour["pm_new"] = "paid"
    kit = _tried(world, outside, lambda at: method_changed("pm_new", at))
    assert [(name, method) for name, method, _ in outside.provider.charges] == [("in_1", "pm_new")]
    assert outside.provider.charges[0][2] == START + timedelta(days=1)
    assert kit.attention() == ()
    assert kit.dunning.open_cases() == ()


@pytest.mark.parametrize("state", [InvoiceState.PAID, InvoiceState.VOID])
def test_what_is_settled_elsewhere_is_not_charged_by_a_try_that_waited(
    world: World, state: InvoiceState
) -> None:
    """The invoice was paid by the provider's page, or declared void, while the try waited."""
    outside = Outside(NotSent(reason="busy", retry_after=timedelta(hours=3)))
    provider = outside.provider

    def settled(at: datetime) -> Event:
        paid = state is InvoiceState.PAID
        invoice = provider.pay("in_1", at=at) if paid else provider.change("in_1", state=state)
        return observed_event(invoice, ANNA, at)

    kit = _tried(world, outside, settled)
    assert provider.charges == []
    reasons = [
        recorded.event.data["reason"]
        for recorded in kit.timeline(ANNA)
        if recorded.event.name == "dunning.retry_without_effect"
    ]
    assert reasons == ["withdrawn"]
    assert kit.dunning.open_cases() == ()


def test_what_is_withdrawn_is_refused_no_longer(world: World) -> None:
    """Somebody was told that the provider refuses it; there is nothing to mend any more."""
    outside = Outside(*[NotSent(reason="provider.key")] * 12)
    world.clock.set(START)
    kit = outside.kit(world)
    kit.record(observed_event(outside.provider.bill(), ANNA, START))
    kit.run_due()
    world.clock.advance(timedelta(days=1))
    while not _refused(kit):
        kit.run_due()
        world.clock.advance(timedelta(hours=2))
    kit.record(leaving(world.clock.now()))
    kit.run_due()
    assert "dunning.retry_without_effect" in _said(kit)
    assert _refused(kit) == []


def _refused(kit: RetainKit) -> list[str]:
    return [entry.id for entry in kit.attention() if entry.kind is AttentionKind.REFUSED]


class Unreachable:
    """The host's directory while its database is down."""

    down = True

    def get(self, customer: CustomerId, *, tenant: TenantId) -> Customer | None:
        if self.down:
            raise OSError("the host's database is away")
        return Customer(id=customer, email="anna@shop.example")

    def find(self, reference: str, *, tenant: TenantId) -> CustomerId | None:
        return None


class Letterbox:
    """A messenger that remembers; it may be busy."""

    sender = "Acme <billing@acme.example>"
    reply_to = None

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.busy = False
        self.crash = False

    def send(self, message: Message, *, key: str) -> SendOutcome:
        if self.busy:
            return NotSent(reason="mail_server_busy")
        self.sent.append(message)
        return Unknown(reason="lost") if self.crash else Sent(message_id=key)


@frozen
class Broken(Caseless):
    """A feature of the host's that fails at every new card."""

    name: str = "broken"
    subscribes: frozenset[str] = frozenset({"payment_method.changed"})

    def decide(
        self, case: Case | None, trigger: Trigger, facts: Facts, now: datetime, policy: None
    ) -> Decision[Case]:
        raise ZeroDivisionError


def _over(
    world: World,
    letterbox: Letterbox,
    store: Store,
    policy: DunningPolicy = RETRYING,
    features: Sequence[Broken] = (),
) -> RetainKit:
    return RetainKit(
        store=store,
        dunning=policy,
        features=features,
        customers=StaticDirectory({ANNA: Customer(id=ANNA, email="anna@shop.example")}),
        messages=letterbox,
        clock=world.clock,
        instrumentation=world.told,
        lease=LEASE,
    )


def _writing(
    world: World,
    letterbox: Letterbox,
    policy: DunningPolicy = RETRYING,
    features: Sequence[Broken] = (),
) -> RetainKit:
    """A failed payment leads to a message at once; the mail server decides what becomes of it."""
    world.clock.set(START)
    kit = _over(world, letterbox, world.store, policy, features)
    kit.record(observed_event(Provider().bill(), ANNA, START))
    kit.run_due()
    assert world.told.failures == []
    return kit


def _settled(world: World, state: InvoiceState) -> Event:
    provider = Provider(now=world.clock.now())
    provider.bill()
    paid = state is InvoiceState.PAID
    invoice = provider.pay("in_1") if paid else provider.change("in_1", state=state)
    return observed_event(invoice, ANNA, world.clock.now())


@pytest.mark.parametrize("state", [InvoiceState.PAID, InvoiceState.VOID])
def test_nobody_is_reminded_of_what_they_do_not_owe(world: World, state: InvoiceState) -> None:
    """The mail server was busy; before it is tried again, the invoice is paid, or void."""
    letterbox = Letterbox()
    letterbox.busy = True
    kit = _writing(world, letterbox)
    letterbox.busy = False
    kit.record(_settled(world, state))
    kit.run_due()
    world.clock.advance(timedelta(hours=4))
    kit.run_due()

    assert letterbox.sent == []
    [told] = [e.event for e in kit.timeline(ANNA) if e.event.name == "message.not_sent"]
    assert told.data["reason"] == "withdrawn"
    assert kit.attention() == ()


def test_a_slow_worker_asks_again_before_it_reminds(world: World) -> None:
    """The money was told of and the mail is due once more, and the worker finds both at once."""
    letterbox = Letterbox()
    letterbox.busy = True
    kit = _writing(world, letterbox)
    letterbox.busy = False
    kit.record(_settled(world, InvoiceState.PAID))
    world.clock.advance(timedelta(hours=4))
    kit.run_due()

    assert letterbox.sent == []
    assert "message.not_sent" in _said(kit)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=1)])
def test_what_waited_for_long_is_not_sent_before_the_news_is_read(
    world: World, later: timedelta
) -> None:
    """After hours without a worker there is more due than one batch holds; the mail is older."""
    letterbox = Letterbox()
    letterbox.busy = True
    kit = _writing(world, letterbox)
    letterbox.busy = False
    world.clock.advance(timedelta(hours=4))
    kit.record(_settled(world, InvoiceState.PAID))
    world.clock.advance(later)
    while not kit.run_due(limit=1).finished:
        pass

    assert letterbox.sent == []
    assert "message.not_sent" in _said(kit)


def test_a_feature_that_fails_holds_up_no_mail_of_another(world: World) -> None:
    """Its news waits to be mended; the reminder, which still holds, does not."""
    letterbox = Letterbox()
    letterbox.busy = True
    kit = _writing(world, letterbox, features=[Broken()])
    letterbox.busy = False
    world.clock.advance(timedelta(hours=4))
    kit.record(method_changed("pm_new", world.clock.now()))
    kit.run_due(limit=1)

    assert len(letterbox.sent) == 1
    assert [what for what, _ in world.told.failures] == ["broken:anna"]
    assert "dunning.method_noted" in _said(kit)
    assert [entry.kind for entry in kit.attention()] == [AttentionKind.UNDECIDABLE]


class Meanwhile(Watched):
    """A store at which something happens after its first commit."""

    def __init__(self, inner: Store, happens: Callable[[], object]) -> None:
        super().__init__(inner)
        self.happens = [happens]

    def point(self, name: str) -> None:
        if name == "after a commit" and self.happens:
            self.happens.pop()()


def test_news_that_another_worker_was_quicker_with_is_not_decided_twice(world: World) -> None:
    """Decided and followed by more between a look at it and its decision: only the rest is new."""
    letterbox = Letterbox()
    letterbox.busy = True
    kit = _writing(world, letterbox)
    letterbox.busy = False
    world.clock.advance(timedelta(hours=4))
    (asked,) = (e.event for e in kit.timeline(ANNA) if e.event.name == "message.requested")
    kit.record(evolve(asked, id=EventId("second")))

    def quicker() -> None:
        with kit.transaction() as k:
            k.decide(ANNA)
        kit.record(evolve(asked, id=EventId("third")))

    slow = _over(world, letterbox, Meanwhile(world.store, quicker))
    slow.run_due(limit=1)
    assert world.told.failures == []
    kit.run_due()
    assert len(letterbox.sent) == 3


def test_a_thank_you_goes_out_though_the_reminder_does_not(world: World) -> None:
    """What tells of the closing itself holds."""
    letterbox = Letterbox()
    letterbox.busy = True
    kit = _writing(world, letterbox, evolve(RETRYING, recovered_message="payment_recovered"))
    letterbox.busy = False
    kit.record(_settled(world, InvoiceState.PAID))
    kit.run_due()
    world.clock.advance(timedelta(hours=4))
    kit.run_due()

    assert len(letterbox.sent) == 1
    requests = [e.event for e in kit.timeline(ANNA) if e.event.name == "message.requested"]
    assert [event.data["message"] for event in requests] == ["payment_failed", "payment_recovered"]


def test_mail_that_may_have_gone_out_is_not_said_to_be_withdrawn(world: World) -> None:
    """Nobody knows whether it arrived: that stays so, and stays listed for a person."""
    letterbox = Letterbox()
    letterbox.crash = True
    kit = _writing(world, letterbox)
    kit.record(_settled(world, InvoiceState.PAID))
    kit.run_due()

    assert len(letterbox.sent) == 1
    assert "message.unconfirmed" in _said(kit)
    assert "message.not_sent" not in _said(kit)
    assert len(kit.attention()) == 1


def test_a_message_that_could_not_be_written_is_sent_later(world: World) -> None:
    """The directory failed before anything was sent: nothing is unclear about that."""
    world.clock.set(START)
    directory, letterbox = Unreachable(), Letterbox()
    kit = RetainKit(
        store=world.store,
        dunning=RETRYING,
        customers=directory,
        messages=letterbox,
        clock=world.clock,
        instrumentation=world.told,
        lease=LEASE,
    )
    kit.record(observed_event(Provider().bill(), ANNA, START))
    kit.run_due()
    assert kit.attention() == ()
    error = world.told.failures[-1][1]
    assert isinstance(error, ProviderError)
    assert (error.code, error.field, error.value) == ("message.not_written", "customer", ANNA)
    assert error.remedy
    directory.down = False
    world.clock.advance(timedelta(minutes=10))
    kit.run_due()
    assert len(letterbox.sent) == 1
