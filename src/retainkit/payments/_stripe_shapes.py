"""What we read of Stripe's JSON, before and since basil, and its translation into our values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from retainkit.billing import Decline, Invoice, InvoiceState, Payment, PaymentState
from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.money import STRIPE, Money, from_minor


AUTHENTICATION = frozenset(
    {
        "authentication_not_handled",
        "authentication_required",
        "invoice_payment_intent_requires_action",
        "payment_intent_action_required",
        "subscription_payment_intent_requires_action",
    }
)
"""Error and decline codes that all say: the customer has to authenticate."""

# An endpoint may send the newest shapes to a library that is years old: unknown keys are no error.
_LENIENT = ConfigDict(extra="ignore", frozen=True)


def _id(value: object) -> object:
    """The id of a reference that may be expanded."""
    return value.get("id") if isinstance(value, Mapping) else value


def _object(value: object) -> object:
    """A reference that may not be expanded, as an object all the same."""
    return {"id": value} if isinstance(value, str) else value


Ref: TypeAlias = Annotated[str | None, BeforeValidator(_id)]


class _Shape(BaseModel):
    model_config = _LENIENT


class PaymentError(_Shape):
    """The ``error`` object of a refusal, or an intent's ``last_payment_error``."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    charge: Ref = None
    message: str = ""
    param: str | None = None
    payment_intent: Annotated[PaymentIntent | None, BeforeValidator(_object)] = None
    payment_method: Annotated[Method | None, BeforeValidator(_object)] = None


class Method(_Shape):
    """A payment method."""

    id: str
    type: str | None = None
    card: Mapping[str, object] | None = None


class PaymentIntent(_Shape):
    """What collects one payment of an invoice; it may have failed many times."""

    id: str
    status: str = ""
    amount: int = 0
    currency: str = ""
    created: int = 0
    latest_charge: Ref = None
    payment_method: Ref = None
    last_payment_error: PaymentError | None = None


class Outcome(_Shape):
    """A charge's ``outcome``."""

    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    reason: str | None = None
    type: str | None = None


class Charge(_Shape):
    """One try."""

    id: str
    status: str
    amount: int
    currency: str
    created: int
    failure_code: str | None = None
    outcome: Outcome | None = None
    payment_method: Ref = None
    payment_method_details: Mapping[str, object] | None = None


class ChargeList(_Shape):
    """A page of charges, newest first."""

    data: tuple[Charge, ...]
    has_more: bool = False


class _PaidBy(_Shape):
    charge: Ref = None
    payment_intent: Annotated[PaymentIntent | None, BeforeValidator(_object)] = None


class InvoicePayment(_Shape):
    """One of an invoice's payments; since basil there may be several."""

    id: str
    status: str
    payment: _PaidBy


class InvoicePaymentList(_Shape):
    """A page of an invoice's payments."""

    data: tuple[InvoicePayment, ...] = ()
    has_more: bool = False


class Subscription(_Shape):
    """A subscription, of which we ask whether it has ended."""

    id: str
    status: str = ""
    customer: Ref = None
    default_payment_method: Ref = None

    @property
    def ended(self) -> bool:
        """Whether it will never bill again."""
        return self.status in ("canceled", "incomplete_expired")


_Subscription: TypeAlias = Annotated[Subscription | None, BeforeValidator(_object)]


class _SubscriptionDetails(_Shape):
    subscription: _Subscription = None


class _Parent(_Shape):
    subscription_details: _SubscriptionDetails | None = None


class _Transitions(_Shape):
    paid_at: int | None = None


class StripeInvoice(_Shape):
    """An invoice; ``payment_intent``, ``charge`` and ``subscription`` on top are pre-basil."""

    id: str
    status: InvoiceState
    currency: str
    created: int = 0
    amount_remaining: int
    amount_paid: int = 0
    attempt_count: int = 0
    next_payment_attempt: int | None = None
    customer: Ref = None
    parent: _Parent | None = None
    payments: InvoicePaymentList | None = None
    status_transitions: _Transitions = Field(default_factory=_Transitions)
    subscription: _Subscription = None
    payment_intent: Annotated[PaymentIntent | None, BeforeValidator(_object)] = None
    charge: Ref = None

    @property
    def remaining(self) -> Money:
        """What is still to pay."""
        return amount(self.amount_remaining, self.currency)

    @property
    def billed(self) -> Subscription | None:
        """The subscription it bills, wherever the version keeps it."""
        details = None if self.parent is None else self.parent.subscription_details
        return self.subscription if details is None else details.subscription

    @property
    def parts(self) -> tuple[InvoicePayment, ...]:
        """Its payments; before basil there was one, and it had no object of its own."""
        if self.payments is not None:
            return self.payments.data
        if self.payment_intent is None and self.charge is None:
            return ()
        only = _PaidBy(charge=self.charge, payment_intent=self.payment_intent)
        status = "paid" if self.status is InvoiceState.PAID else "open"
        return (InvoicePayment(id=self.id, status=status, payment=only),)

    @property
    def paid_at(self) -> datetime:
        """When it was paid; when it was made, if Stripe doesn't say."""
        return instant(self.status_transitions.paid_at or self.created)


class EventData(_Shape):
    """The object an event is about, and what it was before."""

    about: Mapping[str, object] = Field(default_factory=dict, alias="object")
    previous_attributes: Mapping[str, object] | None = None


class StripeEvent(_Shape):
    """A webhook's body; ``created`` is text in thin events, which have no ``data``."""

    id: str = Field(min_length=1)
    type: str = Field(min_length=1)
    created: int | datetime
    account: str | None = None
    data: EventData = Field(default_factory=EventData)

    @property
    def at(self) -> datetime:
        """When Stripe made it."""
        return instant(self.created) if isinstance(self.created, int) else self.created


def amount(units: int, currency: str) -> Money:
    """An amount in Stripe's minor units."""
    return from_minor(units, currency, profile=STRIPE)


def instant(at: int) -> datetime:
    """Stripe's Unix seconds in UTC."""
    return datetime.fromtimestamp(at, UTC)


def payment_of_charge(charge: Charge) -> Payment:
    """
    A charge in our words, from what stays true of it.

    A later try overwrites the intent's last error; the charge's own outcome stays, so that the
    same try looks the same whenever it is read.
    """
    decline = _decline_of(charge) if charge.status == "failed" else None
    return Payment(
        id=PaymentId(charge.id),
        state=_state(charge.status, decline),
        amount=amount(charge.amount, charge.currency),
        at=instant(charge.created),
        method=method_id(charge.payment_method),
        credential=_fingerprint(charge.payment_method_details),
        decline=decline,
    )


def payment_of_intent(intent: PaymentIntent) -> Payment | None:
    """An intent that waits without a charge, for the customer or for the bank."""
    if intent.status == "processing":
        state, decline = PaymentState.PENDING, None
    elif intent.status == "requires_action" or _asks(intent.last_payment_error):
        state, decline = PaymentState.NEEDS_ACTION, Decline(code="authentication_required")
    else:
        return None
    return Payment(
        id=PaymentId(intent.id),
        state=state,
        amount=amount(intent.amount, intent.currency),
        at=instant(intent.created),
        method=method_id(intent.payment_method),
        decline=decline,
    )


def charge_of_error(error: PaymentError, known: Collection[str]) -> str | None:
    """The charge that a refused try has left; None when it came to none."""
    intent = error.payment_intent
    latest = None if intent is None else intent.latest_charge
    return error.charge or (None if latest in known else latest)


def payment_of_error(error: PaymentError, expected: Money, key: str, at: datetime) -> Payment:
    """
    A refused try without a charge: its intent, if that waits for the customer now.

    Else nothing at Stripe tells of it but this refusal, so it is called by our key: the intent
    bears all tries of its invoice, and could not tell one from the next.
    """
    intent, method = error.payment_intent, error.payment_method
    waiting = None if intent is None else payment_of_intent(intent)
    if waiting is not None:
        return waiting
    decline = decline_of_error(error)
    return Payment(
        id=PaymentId(key),
        state=_state("failed", decline),
        amount=expected,
        at=at,
        method=None if method is None else method_id(method.id),
        credential=None if method is None else _fingerprint({"type": "card", "card": method.card}),
        decline=decline,
    )


def decline_of_error(error: PaymentError) -> Decline:
    """The codes of a refusal."""
    code = error.decline_code or error.code or "unknown"
    card = (error.payment_method and error.payment_method.card) or {}
    return Decline(
        code="authentication_required" if code in AUTHENTICATION else code,
        advice=error.advice_code,
        network_code=error.network_decline_code,
        network_advice=error.network_advice_code,
        network=_text(card.get("network") or card.get("brand")),
    )


def invoice_of(invoice: StripeInvoice, payments: tuple[Payment, ...], seller: str) -> Invoice:
    """The invoice in our words."""
    billed = invoice.billed
    retried_at = invoice.next_payment_attempt
    return Invoice(
        id=InvoiceId(invoice.id),
        seller=seller,
        reference=invoice.customer or "",
        subscription=None if billed is None else SubscriptionId(billed.id),
        subscription_cancelled=billed is not None and billed.ended,
        state=invoice.status,
        remaining=invoice.remaining,
        payments=payments,
        tries=invoice.attempt_count,
        next_payment_attempt=None if retried_at is None else instant(retried_at),
        provider_retries=retried_at is not None,
    )


def method_id(value: str | None) -> PaymentMethodId | None:
    """A payment method's id, typed."""
    return None if value is None else PaymentMethodId(value)


def _asks(error: PaymentError | None) -> bool:
    return error is not None and not AUTHENTICATION.isdisjoint({error.code, error.decline_code})


def _state(status: str, decline: Decline | None) -> PaymentState:
    if status == "succeeded":
        return PaymentState.SUCCEEDED
    if status == "pending":
        return PaymentState.PENDING
    if decline is not None and decline.code in AUTHENTICATION:
        return PaymentState.NEEDS_ACTION
    return PaymentState.FAILED


def _decline_of(charge: Charge) -> Decline:
    outcome = charge.outcome or Outcome()
    # A custom Radar rule's reason is "rule"; the code Stripe gives with it is `fraudulent`.
    reason = "fraudulent" if outcome.reason == "rule" else outcome.reason
    card = _details(charge.payment_method_details)
    code = reason or charge.failure_code or "unknown"
    return Decline(
        code="authentication_required" if code in AUTHENTICATION else code,
        advice=outcome.advice_code,
        network_code=outcome.network_decline_code,
        network_advice=outcome.network_advice_code,
        network=_text(card.get("network") or card.get("brand")),
    )


def _details(details: Mapping[str, object] | None) -> Mapping[str, object]:
    """What stands under the method's type: ``card``, ``sepa_debit``, ``us_bank_account``, ..."""
    if details is None:
        return {}
    inner = details.get(str(details.get("type")))
    return inner if isinstance(inner, Mapping) else {}


def _fingerprint(details: Mapping[str, object] | None) -> str | None:
    return _text(_details(details).get("fingerprint"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
