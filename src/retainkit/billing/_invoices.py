"""Invoices and payments as a provider shows them: ids, currency, amounts, dates and states only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.money import Money


class InvoiceState(StrEnum):
    """Stripe's words for where an invoice stands; see :attr:`settled`."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"

    @property
    def settled(self) -> bool:
        """Whether nobody collects it any more: paid, void, or written off."""
        return self not in (InvoiceState.DRAFT, InvoiceState.OPEN)


class PaymentState(StrEnum):
    """Where one payment stands; ``needs_action`` waits for the customer to authenticate."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"
    NEEDS_ACTION = "needs_action"


@frozen(kw_only=True)
class Decline:
    """
    Why a payment was declined, in the provider's codes.

    Args:
        code: The provider's decline code, or its error code; ``unknown`` when it gave none.

        advice: The provider's advice code, such as Stripe's ``do_not_try_again``.

        network_code: The card network's response code, such as ``51``.

        network_advice: The card network's advice code, such as Mastercard's ``03``.

        network: The card network, such as ``visa``; tells how to read the two before.
    """

    code: str
    advice: str | None = None
    network_code: str | None = None
    network_advice: str | None = None
    network: str | None = None


@frozen(kw_only=True)
class Payment:
    """
    One try to pay an invoice; equal whether an API answer or a webhook led to it.

    Args:
        id: The provider's id of this very try, such as Stripe's charge.

        state: Where it stands.

        amount: What was tried.

        at: When the provider made it.

        method: The payment method it used.

        credential: What stands behind the method and survives re-entry, such as a card's
            fingerprint; a hard decline belongs to it.

        decline: Why it failed; None unless it did.
    """

    id: PaymentId
    state: PaymentState
    amount: Money
    at: datetime
    method: PaymentMethodId | None = None
    credential: str | None = None
    decline: Decline | None = None


@frozen(kw_only=True)
class Invoice:
    """
    An invoice as it stands at the provider right now.

    Args:
        id: The provider's id.

        seller: The provider account that issued it.

        reference: The provider's id of the customer; the host's directory translates it.

        subscription: The subscription it bills, if any.

        subscription_cancelled: Whether that subscription has ended.

        state: Where it stands.

        remaining: What is still to pay; the only amount that may be collected.

        payments: The tries made so far, oldest first.

        tries: How many tries the provider counts, its own included.

        next_payment_attempt: When the provider itself tries again; None when it does not.

        provider_retries: Whether the provider retries this invoice by itself.
    """

    id: InvoiceId
    seller: str
    reference: str
    subscription: SubscriptionId | None
    subscription_cancelled: bool
    state: InvoiceState
    remaining: Money
    payments: tuple[Payment, ...]
    tries: int
    next_payment_attempt: datetime | None
    provider_retries: bool
