"""Stripe's webhooks in our words, old shapes and new; ``stripe`` verifies them before."""

from __future__ import annotations

from collections.abc import Mapping

from retainkit.ids import InvoiceId, SubscriptionId
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments._stripe_shapes import StripeEvent, method_id


def event_of(event: StripeEvent, *, account: str, setup_sessions: bool) -> ProviderEvent:
    """
    What an event hints at; one we don't understand is ``other``, never an error.

    Args:
        event: As Stripe sent it.

        account: Our name for the account whose key we hold; events without one are its own.

        setup_sessions: Whether methods come by Checkout, which makes none of them the default:
            then a succeeded set-up is the news.
    """
    about = event.data.about
    kind, invoice, method, subscription = _meaning(event, setup_sessions=setup_sessions)
    reference = _ref(about.get("id" if event.type.startswith(_OF_CUSTOMER) else "customer"))
    return ProviderEvent(
        id=event.id,
        seller=event.account or account,
        kind=kind,
        name=event.type,
        occurred_at=event.at,
        reference=reference,
        invoice=None if invoice is None else InvoiceId(invoice),
        method=method_id(method),
        subscription=None if subscription is None else SubscriptionId(subscription),
    )


_OF_CUSTOMER = ("customer.created", "customer.updated", "customer.deleted")
_Meaning = tuple[ProviderEventKind, str | None, str | None, str | None]
_OTHER: _Meaning = (ProviderEventKind.OTHER, None, None, None)


def _meaning(event: StripeEvent, *, setup_sessions: bool) -> _Meaning:
    about, name = event.data.about, event.type
    if name.startswith("invoice."):
        return _changed(_ref(about.get("id")), _subscription_of(about))
    if name == "customer.updated":
        settings = about.get("invoice_settings")
        before = (event.data.previous_attributes or {}).get("invoice_settings")
        return _new_default(settings, before, None)
    if name == "customer.subscription.updated":
        return _new_default(about, event.data.previous_attributes, _ref(about.get("id")))
    if name == "customer.subscription.deleted":
        return ProviderEventKind.SUBSCRIPTION_CANCELLED, None, None, _ref(about.get("id"))
    if name == "setup_intent.succeeded" and setup_sessions:
        return _new_method(_ref(about.get("payment_method")), None)
    return _OTHER


def _changed(invoice: str | None, subscription: str | None) -> _Meaning:
    if invoice is None:  # an upcoming invoice has no id yet
        return _OTHER
    return ProviderEventKind.INVOICE_CHANGED, invoice, None, subscription


def _new_default(now: object, before: object, subscription: str | None) -> _Meaning:
    """A default payment method that was not there before; losing one is no news."""
    changed = isinstance(before, Mapping) and "default_payment_method" in before
    method = _ref(now.get("default_payment_method")) if isinstance(now, Mapping) else None
    if not changed:
        return ProviderEventKind.OTHER, None, None, subscription
    return _new_method(method, subscription)


def _new_method(method: str | None, subscription: str | None) -> _Meaning:
    if method is None:
        return ProviderEventKind.OTHER, None, None, subscription
    return ProviderEventKind.PAYMENT_METHOD_CHANGED, None, method, subscription


def _subscription_of(invoice: Mapping[str, object]) -> str | None:
    parent = invoice.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, Mapping) else None
    since_basil = details.get("subscription") if isinstance(details, Mapping) else None
    return _ref(since_basil or invoice.get("subscription"))


def _ref(value: object) -> str | None:
    """The id of a reference that may be expanded."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None
