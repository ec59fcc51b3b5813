"""What every payment adapter must keep to, as tests a third party runs over its own adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import pytest
from attrs import evolve, fields, frozen

from retainkit.billing import Decline, Declined, Invoice, InvoiceState, Paid, PaymentState, Pending
from retainkit.core import Answer, NoEffect, NotSent, Unknown
from retainkit.errors import InvalidInput, NotFound, ProviderError
from retainkit.ids import InvoiceId, PaymentMethodId, SubscriptionId
from retainkit.money import Money
from retainkit.payments import Collect, Payments, ProviderEventKind


DECLINES = (
    Decline(code="generic_decline"),
    Decline(code="lost_card"),
    Decline(code="expired_card"),
    Decline(code="insufficient_funds", advice="try_again_later", network_code="51"),
    Decline(code="invalid_account", advice="do_not_try_again", network_code="14", network="visa"),
    Decline(
        code="do_not_honor",
        advice="try_again_later",
        network_code="05",
        network_advice="02",
        network="mastercard",
    ),
)
"""A decline of each kind: with a decline code, an error code, and the codes that outrank them."""


class Stage(StrEnum):
    """What a world may be asked to stage; one it can't is named in `PaymentWorld.missing`."""

    AUTHENTICATION = "a card that asks for the customer"
    BANK_DEBIT = "a method that is pending first"
    CUSTOMER_PAYS = "the customer pays on the provider's page"
    DECLINE_CODES = "declines by code"
    LOST_ANSWER = "a timeout after the effect"
    LOST_REQUEST = "a timeout before the effect"
    RESET_AFTER = "a reset after the effect"
    RESET_BEFORE = "a reset before the effect"
    SERVER_ERROR = "a 500 without an effect, stored for the key"
    SERVER_ERROR_AFTER = "a 500 after the effect, stored for the key"
    KEY_IN_USE = "a 409"
    RATE_LIMITED = "a 429"
    KEY_EXPIRED = "an expired API key"
    OUTAGE = "a provider that can't be reached"
    PROVIDER_RETRIES = "an invoice the provider retries by itself"
    SUBSCRIPTION = "an invoice of a subscription"
    TIME = "a turn of the provider's clock"
    WEBHOOK = "a webhook about an invoice"


LOST = (
    Stage.LOST_ANSWER,
    Stage.LOST_REQUEST,
    Stage.RESET_AFTER,
    Stage.RESET_BEFORE,
    Stage.SERVER_ERROR,
    Stage.SERVER_ERROR_AFTER,
)
"""Faults after which nobody knows."""

AFTER = (Stage.LOST_ANSWER, Stage.RESET_AFTER, Stage.SERVER_ERROR_AFTER)
"""Those that had their effect."""


class Card(StrEnum):
    """Payment methods that do not decline with a code."""

    GOOD = "good"
    AUTHENTICATION = "authentication"
    BANK_DEBIT = "bank_debit"


@frozen(kw_only=True)
class Signing:
    """
    The signing secrets of the provider under test.

    Args:
        current: The newer one.

        old: The one it replaces, still accepted.

        wrong: One of somebody else.
    """

    current: str = "whsec_current"
    old: str = "whsec_old"
    wrong: str = "whsec_wrong"


class PaymentWorld(ABC):
    """
    The provider's side of a test: who moves it is not the adapter.

    Subclass it for your provider, and give it to the contract by the fixture ``world``.
    """

    signing: Signing = Signing()
    missing: frozenset[Stage] = frozenset()
    """What this world can't stage; tests that need it are skipped, and say so."""

    run: str = ""
    """Begins every key; to be new each time where the provider outlives the test."""

    @property
    @abstractmethod
    def provider(self) -> Payments:
        """The adapter; its webhook secrets are ``signing.current`` and ``signing.old``."""

    @property
    @abstractmethod
    def seller(self) -> str:
        """The provider account of all invoices here."""

    @property
    @abstractmethod
    def now(self) -> datetime:
        """What time it is for provider and adapter."""

    @abstractmethod
    def open_invoice(
        self, card: Card | Decline = Card.GOOD, *, subscription: bool = False, retried: bool = False
    ) -> InvoiceId:
        """
        A fresh open invoice of a fresh customer that nobody has tried to collect.

        Args:
            card: The customer's default payment method.

            subscription: Whether it bills a subscription.

            retried: Whether the provider is going to collect it by itself.
        """

    @abstractmethod
    def add_card(self, invoice: InvoiceId, card: Card | Decline = Card.GOOD) -> PaymentMethodId:
        """Another payment method for the invoice's customer; not the default one."""

    @abstractmethod
    def taken(self, invoice: InvoiceId) -> int:
        """How often money was taken for the invoice, by the provider's own books."""

    @abstractmethod
    def void(self, invoice: InvoiceId) -> None:
        """Somebody voids the invoice."""

    @abstractmethod
    def pay(self, invoice: InvoiceId) -> None:
        """The customer pays the invoice without us."""

    @abstractmethod
    def fail_next(self, fault: Stage) -> None:
        """Let the next write go wrong; for an outage, everything from now on."""

    @abstractmethod
    def turn(self, span: timedelta) -> None:
        """Turn the clock forward."""

    @abstractmethod
    def webhook(self, invoice: InvoiceId) -> bytes:
        """The raw body of a real webhook about the invoice."""

    @abstractmethod
    def sign(self, body: bytes, *, at: datetime, secret: str) -> Mapping[str, str]:
        """The headers the provider sends with a body."""

    # What follows is written once, in terms of the above.

    def key(self, name: str) -> str:
        """An idempotency key that no other run of the contract uses."""
        return f"{self.run}{name}"

    def read(self, invoice: InvoiceId) -> Invoice:
        """The invoice as the adapter shows it."""
        shown = self.provider.read_invoice(invoice, seller=self.seller)
        assert isinstance(shown, Invoice), shown
        return shown

    def asking(self, invoice: InvoiceId, *, method: PaymentMethodId | None = None) -> Collect:
        """The request to collect the invoice as it stands."""
        shown = self.read(invoice)
        return Collect(
            invoice=invoice,
            seller=self.seller,
            amount=shown.remaining,
            method=method,
            known=tuple(payment.id for payment in shown.payments),
        )

    def need(self, *stages: Stage) -> None:
        """Skip the test when this world can't stage it."""
        unable = self.missing.intersection(stages)
        if unable:
            pytest.skip(f"not staged here: {', '.join(sorted(unable))}")


class PaymentProviderContract:
    """
    The tests every payment adapter passes.

    ::

        class TestMyProvider(PaymentProviderContract):
            @pytest.fixture
            def world(self) -> PaymentWorld:
                return MyWorld()

    A subclass adds tests and takes none away: what can't be staged is named in the world.
    """

    def __init_subclass__(cls) -> None:
        """Refuse a subclass that replaces a test of the contract."""
        replaced = sorted(
            name
            for name in vars(cls)
            if name.startswith("test_") and hasattr(PaymentProviderContract, name)
        )
        if replaced:
            raise TypeError(
                f"{cls.__name__} replaces {', '.join(replaced)}: a contract is kept whole; "
                "name what your world can't stage in PaymentWorld.missing"
            )

    @pytest.fixture
    def world(self) -> PaymentWorld:
        """The world under test; the subclass gives it."""
        raise NotImplementedError("give the contract a fixture `world` that returns a PaymentWorld")

    # ------------------------------------------------------------------------------- paying

    def test_open_invoice_is_paid(self, world: PaymentWorld) -> None:
        """Collecting takes the money once, and says which payment did it."""
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        outcome = world.provider.collect(asked, key=world.key("pay-1"))
        assert isinstance(outcome, Paid), outcome
        assert outcome.payment.state is PaymentState.SUCCEEDED
        assert outcome.payment.amount == asked.amount
        assert outcome.payment.decline is None
        assert world.taken(invoice) == 1

    def test_paid_invoice_shows_the_payment(self, world: PaymentWorld) -> None:
        """What collecting answers and what the invoice shows is one payment, equal in all."""
        invoice = world.open_invoice()
        outcome = world.provider.collect(world.asking(invoice), key=world.key("pay-2"))
        shown = world.read(invoice)
        assert isinstance(outcome, Paid), outcome
        assert shown.payments == (outcome.payment,)
        assert shown.state is InvoiceState.PAID
        assert shown.remaining.amount == 0

    def test_named_method_is_charged(self, world: PaymentWorld) -> None:
        """A method named in the request is used instead of the default one."""
        invoice = world.open_invoice(DECLINES[0])
        method = world.add_card(invoice)
        outcome = world.provider.collect(
            world.asking(invoice, method=method), key=world.key("pay-3")
        )
        assert isinstance(outcome, Paid), outcome
        assert outcome.payment.method == method
        assert outcome.payment.credential

    @pytest.mark.parametrize("decline", DECLINES, ids=lambda decline: decline.code)
    def test_decline_says_why(self, world: PaymentWorld, decline: Decline) -> None:
        """A decline carries the provider's and the network's codes and the credential."""
        if decline is not DECLINES[0]:
            world.need(Stage.DECLINE_CODES)
        invoice = world.open_invoice(decline)
        outcome = world.provider.collect(world.asking(invoice), key=world.key("decline-1"))
        assert isinstance(outcome, Declined), outcome
        assert outcome.payment.state is PaymentState.FAILED
        assert outcome.payment.credential
        said = {
            name: getattr(outcome.decline, name)
            for name in (field.name for field in fields(Decline))
            if getattr(decline, name) is not None
        }
        assert said == {name: getattr(decline, name) for name in said}
        assert world.read(invoice).payments == (outcome.payment,)
        assert world.taken(invoice) == 0

    def test_authentication_waits_for_the_customer(self, world: PaymentWorld) -> None:
        """A bank that asks for the customer is a decline that needs their action."""
        world.need(Stage.AUTHENTICATION)
        invoice = world.open_invoice(Card.AUTHENTICATION)
        outcome = world.provider.collect(world.asking(invoice), key=world.key("ask-1"))
        assert isinstance(outcome, Declined), outcome
        assert outcome.code == "authentication_required"
        assert outcome.payment.state is PaymentState.NEEDS_ACTION
        assert world.taken(invoice) == 0

    def test_pending_payment_blocks_another(self, world: PaymentWorld) -> None:
        """While a bank debit is under way nothing else is charged."""
        world.need(Stage.BANK_DEBIT)
        invoice = world.open_invoice(Card.BANK_DEBIT)
        first = world.provider.collect(world.asking(invoice), key=world.key("debit-1"))
        second = world.provider.collect(world.asking(invoice), key=world.key("debit-2"))
        assert isinstance(first, Pending), first
        assert second == first
        assert len(world.read(invoice).payments) == 1

    # --------------------------------------------------------------------------------- keys

    def test_same_key_charges_once(self, world: PaymentWorld) -> None:
        """The same key again gives the same answer and takes no more money."""
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        first = world.provider.collect(asked, key=world.key("twice-1"))
        assert world.provider.collect(asked, key=world.key("twice-1")) == first
        assert isinstance(first, Paid), first
        assert world.taken(invoice) == 1

    def test_same_key_declines_once(self, world: PaymentWorld) -> None:
        """The same key again repeats the decline without another try."""
        invoice = world.open_invoice(DECLINES[0])
        asked = world.asking(invoice)
        first = world.provider.collect(asked, key=world.key("twice-2"))
        assert world.provider.collect(asked, key=world.key("twice-2")) == first
        assert isinstance(first, Declined), first
        assert world.read(invoice).payments == (first.payment,)

    def test_new_key_tries_again(self, world: PaymentWorld) -> None:
        """Another attempt has another key and is another payment."""
        invoice = world.open_invoice(DECLINES[0])
        first = world.provider.collect(world.asking(invoice), key=world.key("again-1"))
        second = world.provider.collect(world.asking(invoice), key=world.key("again-2"))
        assert isinstance(first, Declined), first
        assert isinstance(second, Declined), second
        assert first.payment.id != second.payment.id
        assert world.read(invoice).payments == (first.payment, second.payment)

    def test_key_of_another_request_is_unknown(self, world: PaymentWorld) -> None:
        """A key that belongs to another content proves nothing about this one."""
        invoice = world.open_invoice(DECLINES[0])
        method = world.add_card(invoice)
        asked = world.asking(invoice)
        world.provider.collect(asked, key=world.key("other-1"))
        outcome = world.provider.collect(evolve(asked, method=method), key=world.key("other-1"))
        assert outcome == Unknown(reason="key_of_another_request")
        assert world.taken(invoice) == 0

    # ------------------------------------------------------------ the world moved meanwhile

    def test_paid_meanwhile(self, world: PaymentWorld) -> None:
        """An invoice the customer paid is Paid by that payment, and not charged."""
        world.need(Stage.CUSTOMER_PAYS)
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.pay(invoice)
        outcome = world.provider.collect(asked, key=world.key("moved-1"))
        assert isinstance(outcome, Paid), outcome
        assert (outcome.payment,) == world.read(invoice).payments
        assert world.taken(invoice) == 1

    def test_voided_meanwhile(self, world: PaymentWorld) -> None:
        """A void invoice is not charged, and nothing will come of the attempt."""
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.void(invoice)
        outcome = world.provider.collect(asked, key=world.key("moved-2"))
        assert outcome == NoEffect(reason="invoice_void")
        assert world.taken(invoice) == 0

    def test_written_off_meanwhile(self, world: PaymentWorld) -> None:
        """A written-off invoice is not charged by us."""
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.provider.mark_uncollectible(
            invoice, seller=world.seller, key=world.key("moved-3-off")
        )
        outcome = world.provider.collect(asked, key=world.key("moved-3"))
        assert outcome == NoEffect(reason="invoice_uncollectible")
        assert world.taken(invoice) == 0

    def test_amount_changed(self, world: PaymentWorld) -> None:
        """Another amount than expected is not charged."""
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        expected = evolve(asked, amount=Money(asked.amount.amount - 1, asked.amount.currency))
        outcome = world.provider.collect(expected, key=world.key("moved-4"))
        assert outcome == NoEffect(reason="amount_changed")
        assert world.taken(invoice) == 0

    def test_provider_retries(self, world: PaymentWorld) -> None:
        """Two engines never charge one invoice."""
        world.need(Stage.PROVIDER_RETRIES)
        invoice = world.open_invoice(DECLINES[0], retried=True)
        shown = world.read(invoice)
        assert shown.provider_retries
        assert shown.next_payment_attempt is not None
        assert shown.next_payment_attempt > world.now
        outcome = world.provider.collect(world.asking(invoice), key=world.key("moved-5"))
        assert outcome == NoEffect(reason="provider_retries")
        assert world.taken(invoice) == 0

    def test_missing_invoice(self, world: PaymentWorld) -> None:
        """An invoice that is not there has no effect, and can't be read."""
        missing = InvoiceId("in_missing")
        asked = evolve(world.asking(world.open_invoice()), invoice=missing)
        assert world.provider.collect(asked, key=world.key("gone-1")) == NoEffect(
            reason="invoice_missing"
        )
        assert world.provider.look_up(
            asked, key=world.key("gone-1"), sent_at=world.now
        ) == NoEffect(reason="invoice_missing")
        with pytest.raises(NotFound) as caught:
            world.provider.read_invoice(missing, seller=world.seller)
        assert caught.value.code == "provider.no_such_invoice"
        assert caught.value.field == "invoice"
        assert caught.value.value == missing
        assert caught.value.remedy

    # ------------------------------------------------------------------------------- faults

    @pytest.mark.parametrize("fault", [Stage.KEY_IN_USE, Stage.RATE_LIMITED, Stage.OUTAGE])
    def test_refused_is_not_sent(self, world: PaymentWorld, fault: Stage) -> None:
        """What never began says so: the same key may go again."""
        world.need(fault)
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.fail_next(fault)
        outcome = world.provider.collect(asked, key=world.key("refused-1"))
        assert isinstance(outcome, NotSent), outcome
        assert world.taken(invoice) == 0
        if fault is Stage.OUTAGE:
            return
        assert isinstance(world.provider.collect(asked, key=world.key("refused-1")), Paid)
        assert world.taken(invoice) == 1

    def test_expired_api_key_is_no_outcome(self, world: PaymentWorld) -> None:
        """A wrong set-up is an error for its owner, never an outcome for the customer."""
        world.need(Stage.KEY_EXPIRED)
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.fail_next(Stage.KEY_EXPIRED)
        with pytest.raises(ProviderError) as caught:
            world.provider.collect(asked, key=world.key("expired-1"))
        assert caught.value.code.endswith(".authentication")
        assert caught.value.field == "api_key"
        assert caught.value.remedy
        assert world.taken(invoice) == 0

    @pytest.mark.parametrize("fault", LOST)
    def test_lost_is_unknown(self, world: PaymentWorld, fault: Stage) -> None:
        """Whatever may have happened is Unknown."""
        world.need(fault)
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.fail_next(fault)
        outcome = world.provider.collect(asked, key=world.key("lost-1"))
        assert isinstance(outcome, Unknown), outcome
        assert world.taken(invoice) == (1 if fault in AFTER else 0)

    @pytest.mark.parametrize("fault", LOST)
    @pytest.mark.parametrize("card", [Card.GOOD, DECLINES[0]], ids=["good", "declining"])
    def test_look_up_tells_the_truth(
        self, world: PaymentWorld, fault: Stage, card: Card | Decline
    ) -> None:
        """Once the lag has passed a look-up knows what happened, or that nothing did."""
        world.need(fault)
        invoice = world.open_invoice(card)
        asked, sent_at = world.asking(invoice), world.now
        world.fail_next(fault)
        world.provider.collect(asked, key=world.key("truth-1"))
        world.turn(world.provider.capabilities.lookup_lag)
        outcome = world.provider.look_up(asked, key=world.key("truth-1"), sent_at=sent_at)
        payments = world.read(invoice).payments
        if fault not in AFTER:
            assert outcome == NoEffect(reason="not_found")
            assert payments == ()
        elif card is Card.GOOD:
            assert outcome == Paid(payment=payments[0])
        else:
            assert outcome == Declined(payment=payments[0])
        assert len(payments) <= 1

    def test_look_up_proves_nothing_too_early(self, world: PaymentWorld) -> None:
        """Within the lag, not having seen it is no proof."""
        world.need(Stage.LOST_REQUEST)
        invoice = world.open_invoice()
        asked, sent_at = world.asking(invoice), world.now
        world.fail_next(Stage.LOST_REQUEST)
        world.provider.collect(asked, key=world.key("early-1"))
        outcome = world.provider.look_up(asked, key=world.key("early-1"), sent_at=sent_at)
        assert outcome == Unknown(reason="too_early_to_tell")

    def test_look_up_does_not_take_an_earlier_try(self, world: PaymentWorld) -> None:
        """A try that was known before the request is not its own."""
        world.need(Stage.LOST_REQUEST)
        invoice = world.open_invoice(DECLINES[0])
        world.provider.collect(world.asking(invoice), key=world.key("earlier-1"))
        asked, sent_at = world.asking(invoice), world.now
        world.fail_next(Stage.LOST_REQUEST)
        world.provider.collect(asked, key=world.key("earlier-2"))
        world.turn(world.provider.capabilities.lookup_lag)
        outcome = world.provider.look_up(asked, key=world.key("earlier-2"), sent_at=sent_at)
        assert outcome == NoEffect(reason="not_found")

    def test_look_up_remembers_longer_than_keys(self, world: PaymentWorld) -> None:
        """When the provider has forgotten the key, the books still know."""
        world.need(Stage.LOST_ANSWER, Stage.TIME)
        invoice = world.open_invoice()
        asked, sent_at = world.asking(invoice), world.now
        world.fail_next(Stage.LOST_ANSWER)
        world.provider.collect(asked, key=world.key("forgotten-1"))
        world.turn(world.provider.capabilities.idempotency_window * 2)
        outcome = world.provider.look_up(asked, key=world.key("forgotten-1"), sent_at=sent_at)
        assert isinstance(outcome, Paid), outcome
        assert isinstance(world.provider.collect(asked, key=world.key("forgotten-1")), Paid)
        assert world.taken(invoice) == 1

    def test_look_up_sees_who_paid(self, world: PaymentWorld) -> None:
        """A lost request on an invoice that somebody else paid is Paid."""
        world.need(Stage.LOST_REQUEST, Stage.CUSTOMER_PAYS)
        invoice = world.open_invoice()
        asked, sent_at = world.asking(invoice), world.now
        world.fail_next(Stage.LOST_REQUEST)
        world.provider.collect(asked, key=world.key("who-1"))
        world.pay(invoice)
        outcome = world.provider.look_up(asked, key=world.key("who-1"), sent_at=sent_at)
        assert outcome == Paid(payment=world.read(invoice).payments[-1])

    def test_lost_decline_is_not_denied_when_the_invoice_is_void(self, world: PaymentWorld) -> None:
        """A try that was made stays made: a void invoice doesn't turn it into nothing."""
        world.need(Stage.LOST_ANSWER)
        invoice = world.open_invoice(DECLINES[0])
        asked, sent_at = world.asking(invoice), world.now
        world.fail_next(Stage.LOST_ANSWER)
        world.provider.collect(asked, key=world.key("denied-1"))
        world.void(invoice)
        again = world.provider.collect(asked, key=world.key("denied-1"))
        assert isinstance(again, Declined | Unknown), again
        outcome = world.provider.look_up(asked, key=world.key("denied-1"), sent_at=sent_at)
        assert outcome == Declined(payment=world.read(invoice).payments[0])

    def test_same_key_after_a_lost_answer(self, world: PaymentWorld) -> None:
        """Within the window the same key finds what it did."""
        world.need(Stage.LOST_ANSWER)
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        world.fail_next(Stage.LOST_ANSWER)
        world.provider.collect(asked, key=world.key("found-1"))
        outcome = world.provider.collect(asked, key=world.key("found-1"))
        assert isinstance(outcome, Paid), outcome
        assert world.taken(invoice) == 1

    def test_outage_of_reads(self, world: PaymentWorld) -> None:
        """Reads say that nobody answered, and pages are refused with a way out."""
        world.need(Stage.OUTAGE)
        invoice = world.open_invoice()
        asked = world.asking(invoice)
        reference = world.read(invoice).reference
        world.fail_next(Stage.OUTAGE)
        assert isinstance(world.provider.read_invoice(invoice, seller=world.seller), NotSent)
        looked = world.provider.look_up(asked, key=world.key("outage-1"), sent_at=world.now)
        assert isinstance(looked, NotSent), looked
        with pytest.raises(ProviderError) as caught:
            world.provider.payment_method_page(
                reference, seller=world.seller, return_url="https://app.example.test/billing"
            )
        assert caught.value.remedy == "try again later"

    # ------------------------------------------------------------------------------ reading

    def test_fresh_invoice(self, world: PaymentWorld) -> None:
        """An invoice nobody tried to collect is open, owed, and without a payment."""
        shown = world.read(world.open_invoice())
        assert shown.state is InvoiceState.OPEN
        assert shown.seller == world.seller
        assert shown.reference
        assert shown.remaining.amount > 0
        assert shown.payments == ()
        assert shown.tries == 0
        assert not shown.provider_retries
        assert shown.next_payment_attempt is None

    def test_subscription_of_an_invoice(self, world: PaymentWorld) -> None:
        """An invoice names its subscription, and says when that has ended."""
        world.need(Stage.SUBSCRIPTION)
        invoice = world.open_invoice(subscription=True)
        subscription = self._subscription(world, invoice)
        assert not world.read(invoice).subscription_cancelled
        world.provider.cancel(subscription, seller=world.seller, key=world.key("sub-1"))
        shown = world.read(invoice)
        assert shown.subscription_cancelled
        assert shown.state is InvoiceState.OPEN

    # ------------------------------------------------------------------- ends and new cards

    def test_cancel_twice(self, world: PaymentWorld) -> None:
        """Cancelling what is cancelled is an answer, whatever the key."""
        world.need(Stage.SUBSCRIPTION)
        subscription = self._subscription(world, world.open_invoice(subscription=True))
        first = world.provider.cancel(subscription, seller=world.seller, key=world.key("cancel-1"))
        assert isinstance(first, Answer), first
        assert (
            world.provider.cancel(subscription, seller=world.seller, key=world.key("cancel-1"))
            == first
        )
        assert (
            world.provider.cancel(subscription, seller=world.seller, key=world.key("cancel-2"))
            == first
        )

    def test_cancel_after_a_lost_answer(self, world: PaymentWorld) -> None:
        """A lost answer is Unknown; the same call again finds the end."""
        world.need(Stage.SUBSCRIPTION, Stage.LOST_ANSWER)
        subscription = self._subscription(world, world.open_invoice(subscription=True))
        world.fail_next(Stage.LOST_ANSWER)
        lost = world.provider.cancel(subscription, seller=world.seller, key=world.key("cancel-3"))
        assert isinstance(lost, Unknown), lost
        again = world.provider.cancel(subscription, seller=world.seller, key=world.key("cancel-3"))
        assert isinstance(again, Answer), again

    def test_cancel_what_is_not_there(self, world: PaymentWorld) -> None:
        """A subscription that never was has no effect."""
        outcome = world.provider.cancel(
            SubscriptionId("sub_missing"), seller=world.seller, key=world.key("cancel-4")
        )
        assert outcome == NoEffect(reason="subscription_missing")

    def test_pause(self, world: PaymentWorld) -> None:
        """A running subscription is paused; an ended one is not."""
        world.need(Stage.SUBSCRIPTION)
        subscription = self._subscription(world, world.open_invoice(subscription=True))
        paused = world.provider.pause(subscription, seller=world.seller, key=world.key("pause-1"))
        assert isinstance(paused, Answer), paused
        assert (
            world.provider.pause(subscription, seller=world.seller, key=world.key("pause-2"))
            == paused
        )
        world.provider.cancel(subscription, seller=world.seller, key=world.key("pause-3"))
        ended = world.provider.pause(subscription, seller=world.seller, key=world.key("pause-4"))
        assert ended == NoEffect(reason="subscription_canceled")

    def test_mark_uncollectible(self, world: PaymentWorld) -> None:
        """Writing off is done once, answered always, and never done to a paid invoice."""
        invoice = world.open_invoice()
        first = world.provider.mark_uncollectible(
            invoice, seller=world.seller, key=world.key("off-1")
        )
        assert isinstance(first, Answer), first
        again = world.provider.mark_uncollectible(
            invoice, seller=world.seller, key=world.key("off-2")
        )
        assert again == first
        assert world.read(invoice).state is InvoiceState.UNCOLLECTIBLE
        paid = world.open_invoice()
        world.provider.collect(world.asking(paid), key=world.key("off-3"))
        refused = world.provider.mark_uncollectible(
            paid, seller=world.seller, key=world.key("off-4")
        )
        assert refused == NoEffect(reason="invoice_paid")

    def test_hosted_page(self, world: PaymentWorld) -> None:
        """The customer gets a page of the provider; its address stays out of logs."""
        if not world.provider.capabilities.hosted_page:
            pytest.skip("this provider has no hosted page")
        reference = world.read(world.open_invoice()).reference
        page = world.provider.payment_method_page(
            reference, seller=world.seller, return_url="https://app.example.test/billing"
        )
        assert page.url.startswith(("https://", "http://127.0.0.1"))
        assert page.url not in repr(page)
        assert page.expires_at is None or page.expires_at > world.now

    # ----------------------------------------------------------------------------- webhooks

    def test_webhook_is_read(self, world: PaymentWorld) -> None:
        """A webhook about an invoice names it, its customer and the account."""
        world.need(Stage.WEBHOOK)
        invoice = world.open_invoice()
        reference = world.read(invoice).reference
        body = world.webhook(invoice)
        headers = world.sign(body, at=world.now, secret=world.signing.current)
        event = world.provider.read_webhook(body, headers, now=world.now)
        assert event.kind is ProviderEventKind.INVOICE_CHANGED
        assert event.invoice == invoice
        assert event.reference == reference
        assert event.seller == world.seller
        assert event.id
        assert event.occurred_at.utcoffset() == timedelta(0)
        again = world.provider.read_webhook(body, headers, now=world.now)
        assert again == event

    def test_webhook_header_in_any_case(self, world: PaymentWorld) -> None:
        """Frameworks change the case of header names."""
        world.need(Stage.WEBHOOK)
        body = world.webhook(world.open_invoice())
        headers = world.sign(body, at=world.now, secret=world.signing.current)
        for change in (str.lower, str.upper):
            named = {change(name): value for name, value in headers.items()}
            assert world.provider.read_webhook(body, named, now=world.now).id

    def test_webhook_secrets_in_rotation(self, world: PaymentWorld) -> None:
        """While a secret is rotated both are accepted."""
        world.need(Stage.WEBHOOK)
        body = world.webhook(world.open_invoice())
        headers = world.sign(body, at=world.now, secret=world.signing.old)
        assert world.provider.read_webhook(body, headers, now=world.now).id

    def test_webhook_of_somebody_else(self, world: PaymentWorld) -> None:
        """Another secret's signature is refused."""
        body = b"{}"
        headers = world.sign(body, at=world.now, secret=world.signing.wrong)
        self._refused(world, body, headers, "webhook.signature")

    def test_webhook_without_a_signature(self, world: PaymentWorld) -> None:
        """No header, an empty one and a rubbish one are refused alike."""
        body = b"{}"
        names = world.sign(body, at=world.now, secret=world.signing.current)
        self._refused(world, body, {}, "webhook.signature")
        for rubbish in ("", "t=", "t=1e9,v1=ab", "v1=ab", "t=99999999999999999999,v1=ab", "=,=,"):
            self._refused(world, body, dict.fromkeys(names, rubbish), "webhook.signature")

    def test_webhook_tampered(self, world: PaymentWorld) -> None:
        """One changed byte is refused, even one that JSON doesn't see."""
        world.need(Stage.WEBHOOK)
        body = world.webhook(world.open_invoice())
        headers = world.sign(body, at=world.now, secret=world.signing.current)
        self._refused(world, body + b" ", headers, "webhook.signature")
        self._refused(world, b"\xff" + body, headers, "webhook.signature")

    @pytest.mark.parametrize("off", [timedelta(seconds=301), timedelta(seconds=-301)])
    def test_webhook_too_old(self, world: PaymentWorld, off: timedelta) -> None:
        """A replay is refused after 300 seconds, and so is a signature from the future."""
        world.need(Stage.WEBHOOK)
        body = world.webhook(world.open_invoice())
        signed_at = world.now.replace(microsecond=0)
        headers = world.sign(body, at=signed_at, secret=world.signing.current)
        self._refused(world, body, headers, "webhook.too_old", now=signed_at + off)
        nearly = signed_at + (off * 300) / 301
        assert world.provider.read_webhook(body, headers, now=nearly).id

    def test_webhook_too_large(self, world: PaymentWorld) -> None:
        """A megabyte is enough; more is refused unread."""
        body = b"{" + b" " * (1 << 20)
        headers = world.sign(body, at=world.now, secret=world.signing.current)
        self._refused(world, body, headers, "webhook.too_large")

    @pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"null", b"{", b'{"id": 7}'])
    def test_webhook_malformed(self, world: PaymentWorld, body: bytes) -> None:
        """What is signed and still no event is refused by name."""
        headers = world.sign(body, at=world.now, secret=world.signing.current)
        self._refused(world, body, headers, "webhook.malformed")

    @staticmethod
    def _refused(
        world: PaymentWorld,
        body: bytes,
        headers: Mapping[str, str],
        code: str,
        *,
        now: datetime | None = None,
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            world.provider.read_webhook(body, headers, now=now or world.now)
        assert caught.value.code == code
        assert caught.value.field in {"body", "headers"}
        assert caught.value.remedy
        shown = str(caught.value)
        assert not any(secret in shown for secret in (world.signing.current, world.signing.old))

    @staticmethod
    def _subscription(world: PaymentWorld, invoice: InvoiceId) -> SubscriptionId:
        subscription = world.read(invoice).subscription
        assert subscription is not None
        return subscription
