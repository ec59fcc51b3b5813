"""Webhooks are hints: kept once, followed by a look; one that matches nobody waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, cast

import pytest
from attrs import evolve, frozen
from tests.engine.world import ADA, NOW, World, run

from retainkit.core import Case, Caseless, Decision, Facts, NotSent, Timer, Trigger, Woken
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import AttentionKind, ReceiptState, RetainKit
from retainkit.errors import ConfigurationError, InvalidInput, NotFound
from retainkit.ids import CustomerId, EventId, InvoiceId, PaymentMethodId, SubscriptionId
from retainkit.payments import Capabilities, Payments, ProviderEvent, ProviderEventKind


HINT = ProviderEvent(
    id="evt_1",
    seller="acct_1",
    kind=ProviderEventKind.INVOICE_CHANGED,
    name="invoice.payment_failed",
    occurred_at=NOW,
    reference="cus_ada",
    invoice=InvoiceId("in_1"),
)
KEPT = EventId("webhook:acct_1:evt_1")
KNOWN = StaticDirectory(
    customers={ADA: Customer(id=ADA, email="ada@shop.example")}, references={"cus_ada": ADA}
)
DECLARED = Capabilities(
    name="reader", idempotency_window=timedelta(hours=24), timeout=timedelta(seconds=5)
)


@frozen
class Reader:
    """A provider that reads any body as the hint of that name, and knows no invoice."""

    hints: Mapping[bytes, ProviderEvent]
    read: list[str]
    capabilities: Capabilities = DECLARED

    def read_webhook(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> ProviderEvent:
        if headers.get("signature") != "right":
            raise InvalidInput(
                "Not signed by the provider",
                code="webhook.signature",
                field="headers",
                remedy="check the secret",
            )
        return self.hints[body]

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> NotSent:
        self.read.append(f"{seller}/{invoice}")
        raise NotFound("No such invoice", code="invoice.missing")


SIGNED = {"signature": "right"}


def _kit(
    world: World, *, customers: StaticDirectory = KNOWN, sellers: Mapping[str, str] | None = None
) -> tuple[RetainKit, Reader]:
    other = evolve(HINT, occurred_at=NOW + timedelta(hours=1))
    reader = Reader({b"hint": HINT, b"lie": other}, [])
    kit = RetainKit(
        store=world.store,
        payments=cast("Payments", reader),
        customers=customers,
        clock=world.clock,
        instrumentation=world.told,
        sellers=sellers,
    )
    return kit, reader


def test_a_hint_is_kept_and_followed_by_a_look(world: World) -> None:
    """The webhook's own words decide nothing: the invoice is read."""
    kit, reader = _kit(world)
    receipt = kit.receive_webhook(b"hint", SIGNED)
    assert (receipt.event, receipt.state) == (KEPT, ReceiptState.ACCEPTED)
    assert reader.read == []
    run(kit)
    assert reader.read == ["acct_1/in_1"]
    (kept,) = kit.timeline(ADA)
    assert (kept.event.name, kept.event.actor) == ("webhook.received", "provider")


def test_a_hint_that_comes_twice_is_kept_once(world: World) -> None:
    """The provider sends until it is heard; we listen once."""
    kit, reader = _kit(world)
    kit.receive_webhook(b"hint", SIGNED)
    assert kit.receive_webhook(b"hint", SIGNED).state is ReceiptState.DUPLICATE
    run(kit)
    assert kit.receive_webhook(b"hint", SIGNED).state is ReceiptState.DUPLICATE
    run(kit)
    assert len(reader.read) == 1
    assert len(kit.timeline(ADA)) == 1


def test_the_same_id_with_other_words_is_listed(world: World) -> None:
    """Neither is overwritten, and a person sees both."""
    kit, _ = _kit(world)
    kit.receive_webhook(b"hint", SIGNED)
    assert kit.receive_webhook(b"lie", SIGNED).state is ReceiptState.CONFLICT
    assert kit.timeline(ADA)[0].event.occurred_at == NOW
    (entry,) = kit.attention()
    assert entry.kind is AttentionKind.CONFLICTING_EVENT
    assert entry.id.startswith(KEPT)


def test_a_hint_about_nobody_is_parked_listed_and_released(world: World) -> None:
    """It is never refused; a person says whose it is, and then it counts."""
    kit, reader = _kit(world, customers=StaticDirectory())
    assert kit.receive_webhook(b"hint", SIGNED).state is ReceiptState.PARKED
    assert run(kit) == 0
    (entry,) = kit.attention()
    assert (entry.kind, entry.id, entry.customer) == (AttentionKind.PARKED_EVENT, KEPT, "")
    assert entry.facts["reference"] == "cus_ada"
    assert entry.remedy == "kit.release(id, customer=, actor=), or kit.dismiss(id, actor=)"

    kit.release(KEPT, customer=ADA, actor="usr_7")
    assert kit.attention() == ()
    assert [(r.event.name, r.event.actor) for r in kit.timeline(ADA)] == [
        ("webhook.received", "provider"),
        ("event.released", "usr_7"),
    ]
    run(kit)
    assert reader.read == ["acct_1/in_1"]
    assert kit.receive_webhook(b"hint", SIGNED).state is ReceiptState.DUPLICATE


class Hears(Caseless):
    """A feature of the host that wants to know of every webhook."""

    heard: ClassVar[list[tuple[str, str]]] = []

    def decide(
        self, case: Case | None, trigger: Trigger, facts: Facts, now: datetime, policy: None
    ) -> Decision[Case]:
        """Remember what it is told."""
        assert isinstance(trigger, Woken)
        self.heard.extend((facts.customer, each.event.id) for each in trigger.events)
        return Decision()


def test_who_subscribes_to_webhooks_hears_of_released_ones(world: World) -> None:
    """Once, for its customer: the features hear it in the commit that releases it."""
    kit, _ = _kit(world, customers=StaticDirectory())
    kit.receive_webhook(b"hint", SIGNED)
    Hears.heard.clear()
    hears = Hears(name="hears", subscribes=frozenset({"webhook.received"}))
    listening = RetainKit(store=world.store, features=[hears], clock=world.clock)
    run(listening)
    assert hears.heard == []
    listening.release(KEPT, customer=ADA, actor="usr_7")
    assert [item.feature for item in listening.scheduled(ADA) if isinstance(item, Timer)] == [
        "hears"
    ]
    run(listening)
    assert hears.heard == [(ADA, KEPT)]


def test_a_parked_hint_that_comes_again_finds_its_customer(world: World) -> None:
    """The host has learned who it is in the meantime: nobody needs to release it."""
    stranger, _ = _kit(world, customers=StaticDirectory())
    stranger.receive_webhook(b"hint", SIGNED)
    kit, reader = _kit(world)
    assert kit.receive_webhook(b"hint", SIGNED).state is ReceiptState.ACCEPTED
    run(kit)
    assert reader.read == ["acct_1/in_1"]
    assert kit.attention() == ()


@pytest.mark.parametrize("seen", ["never", "accepted"])
def test_only_what_is_parked_is_released(world: World, seen: str) -> None:
    """An unknown or an accepted event is not for a person to give away."""
    kit, _ = _kit(world)
    if seen == "accepted":
        kit.receive_webhook(b"hint", SIGNED)
    before = world.tables()
    with pytest.raises(NotFound) as caught:
        kit.release(KEPT, customer=CustomerId("bob"), actor="usr_7")
    assert (caught.value.code, caught.value.field) == ("event.not_parked", "event")
    assert caught.value.value == KEPT
    assert caught.value.remedy
    assert world.tables() == before


def test_what_is_not_signed_leaves_no_trace(world: World) -> None:
    """The reader refuses before anything is opened."""
    kit, _ = _kit(world)
    before = world.tables()
    with pytest.raises(InvalidInput) as caught:
        kit.receive_webhook(b"hint", {})
    assert (caught.value.code, caught.value.field) == ("webhook.signature", "headers")
    assert (caught.value.value, caught.value.remedy) == (None, "check the secret")
    assert world.tables() == before


def test_a_seller_says_which_tenant(world: World) -> None:
    """One endpoint takes the webhooks of all accounts."""
    kit, reader = _kit(world, sellers={"acct_1": "north"})
    kit.receive_webhook(b"hint", SIGNED)
    assert kit.timeline(ADA) == ()
    assert len(kit.for_tenant("north").timeline(ADA)) == 1
    run(kit)
    assert reader.read == ["acct_1/in_1"]


def test_a_kit_without_a_provider_reads_no_webhooks(world: World) -> None:
    """And says what it lacks."""
    with pytest.raises(ConfigurationError) as caught:
        world.kit().receive_webhook(b"hint", SIGNED)
    assert (caught.value.code, caught.value.field) == ("kit.no_payments", "payments")
    assert caught.value.value is None
    assert caught.value.remedy == "pass RetainKit(payments=...)"


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (
            evolve(
                HINT,
                kind=ProviderEventKind.PAYMENT_METHOD_CHANGED,
                method=PaymentMethodId("pm_2"),
            ),
            "payment_method.changed",
        ),
        (
            evolve(
                HINT,
                kind=ProviderEventKind.SUBSCRIPTION_CANCELLED,
                subscription=SubscriptionId("sub_1"),
            ),
            "subscription.cancelled",
        ),
    ],
    ids=["method", "subscription"],
)
def test_what_only_a_webhook_can_tell_is_an_event(
    world: World, hint: ProviderEvent, name: str
) -> None:
    """Two webhooks that tell the same thing make one event, whose reason is the webhook."""
    kit, _ = _kit(world)
    for id_ in ("evt_1", "evt_2"):
        with kit.transaction() as k:
            assert k.receive_event(evolve(hint, id=id_)).state is ReceiptState.ACCEPTED
    told = [r.event for r in kit.timeline(ADA) if r.event.name == name]
    assert len(told) == 1
    assert told[0].because[0].values == {"webhook": KEPT}


def test_other_hints_are_kept_and_wake_nobody(world: World) -> None:
    """There are hundreds of kinds of webhooks; none is refused."""
    kit, _ = _kit(world)
    with kit.transaction() as k:
        receipt = k.receive_event(evolve(HINT, kind=ProviderEventKind.OTHER, invoice=None))
    assert receipt.state is ReceiptState.ACCEPTED
    assert kit.scheduled(ADA) == ()


@pytest.mark.parametrize("reference", [None, "cus_stranger"])
def test_a_type_we_never_use_about_nobody_is_kept_and_ignored(
    world: World, reference: str | None
) -> None:
    """Releasing it would do nothing, so it does not fill the list of what waits for a person."""
    kit, _ = _kit(world)
    hint = evolve(HINT, kind=ProviderEventKind.OTHER, invoice=None, reference=reference)
    with kit.transaction() as k:
        receipt = k.receive_event(hint)
    assert (receipt.event, receipt.state) == (KEPT, ReceiptState.IGNORED)
    assert kit.attention() == ()
    (kept,) = kit.timeline(CustomerId(""))
    assert (kept.event.id, kept.event.data["kind"]) == (KEPT, "other")
    with kit.transaction() as k:
        assert k.receive_event(hint).state is ReceiptState.DUPLICATE
