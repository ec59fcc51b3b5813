"""Invoices, payments and outcomes as exact JSON and back; what they mean stands elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from retainkit.billing._invoices import Decline, Invoice, InvoiceState, Payment, PaymentState
from retainkit.billing._outcomes import Declined, Paid, Pending
from retainkit.core import JsonObject
from retainkit.errors import InvalidInput
from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.money import from_json, to_json


W = TypeVar("W", bound=StrEnum)

_OUTCOMES: dict[type[Paid | Declined | Pending], str] = {
    Paid: "paid",
    Declined: "declined",
    Pending: "pending",
}


def payment_to_json(payment: Payment) -> JsonObject:
    """The payment; instants in ISO 8601 and UTC, the amount as :func:`retainkit.money.to_json`."""
    decline = payment.decline
    return {
        "id": payment.id,
        "state": payment.state.value,
        "amount": to_json(payment.amount),
        "at": _iso(payment.at),
        "method": payment.method,
        "credential": payment.credential,
        "decline": None if decline is None else _decline_to_json(decline),
    }


def payment_from_json(data: object) -> Payment:
    """
    The payment that :func:`payment_to_json` wrote.

    Raises:
        InvalidInput: ``billing.json``: a key is missing or of another type; or as
            :func:`retainkit.money.from_json`.
    """
    method, decline = _text_or_none(data, "method"), _item(data, "decline")
    return Payment(
        id=PaymentId(_text(data, "id")),
        state=_word(data, "state", PaymentState),
        amount=from_json(_item(data, "amount")),
        at=_instant(data, "at"),
        method=None if method is None else PaymentMethodId(method),
        credential=_text_or_none(data, "credential"),
        decline=None if decline is None else _decline_from_json(decline),
    )


def invoice_to_json(invoice: Invoice) -> JsonObject:
    """The snapshot of an invoice, its payments included."""
    next_attempt = invoice.next_payment_attempt
    return {
        "id": invoice.id,
        "seller": invoice.seller,
        "reference": invoice.reference,
        "subscription": invoice.subscription,
        "subscription_cancelled": invoice.subscription_cancelled,
        "state": invoice.state.value,
        "remaining": to_json(invoice.remaining),
        "payments": [payment_to_json(payment) for payment in invoice.payments],
        "tries": invoice.tries,
        "next_payment_attempt": None if next_attempt is None else _iso(next_attempt),
        "provider_retries": invoice.provider_retries,
    }


def invoice_from_json(data: object) -> Invoice:
    """
    The snapshot that :func:`invoice_to_json` wrote.

    Raises:
        InvalidInput: As :func:`payment_from_json`.
    """
    subscription, payments = _text_or_none(data, "subscription"), _item(data, "payments")
    if not isinstance(payments, (list, tuple)):
        raise _wrong("payments", payments, "a list")
    return Invoice(
        id=InvoiceId(_text(data, "id")),
        seller=_text(data, "seller"),
        reference=_text(data, "reference"),
        subscription=None if subscription is None else SubscriptionId(subscription),
        subscription_cancelled=_flag(data, "subscription_cancelled"),
        state=_word(data, "state", InvoiceState),
        remaining=from_json(_item(data, "remaining")),
        payments=tuple(payment_from_json(payment) for payment in payments),
        tries=_count(data, "tries"),
        next_payment_attempt=_instant_or_none(data, "next_payment_attempt"),
        provider_retries=_flag(data, "provider_retries"),
    )


def outcome_to_json(outcome: Paid | Declined | Pending) -> JsonObject:
    """The data of the :class:`~retainkit.core.Answer` that a try to collect came to."""
    return {"outcome": _OUTCOMES[type(outcome)], "payment": payment_to_json(outcome.payment)}


def outcome_from_json(data: object) -> Paid | Declined | Pending:
    """
    The outcome that :func:`outcome_to_json` wrote.

    Raises:
        InvalidInput: As :func:`payment_from_json`.
    """
    word = _text(data, "outcome")
    for outcome, name in _OUTCOMES.items():
        if name == word:
            return outcome(payment=payment_from_json(_item(data, "payment")))
    raise _wrong("outcome", word, f"one of {', '.join(_OUTCOMES.values())}")


def _decline_to_json(decline: Decline) -> JsonObject:
    return {
        "code": decline.code,
        "advice": decline.advice,
        "network_code": decline.network_code,
        "network_advice": decline.network_advice,
        "network": decline.network,
    }


def _decline_from_json(data: object) -> Decline:
    return Decline(
        code=_text(data, "code"),
        advice=_text_or_none(data, "advice"),
        network_code=_text_or_none(data, "network_code"),
        network_advice=_text_or_none(data, "network_advice"),
        network=_text_or_none(data, "network"),
    )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _item(data: object, name: str) -> object:
    if not isinstance(data, Mapping) or name not in data:
        raise _wrong(name, data, f"an object with the key {name!r}")
    value: object = data[name]
    return value


def _text(data: object, name: str) -> str:
    value = _item(data, name)
    if not isinstance(value, str):
        raise _wrong(name, value, "text")
    return value


def _text_or_none(data: object, name: str) -> str | None:
    return None if _item(data, name) is None else _text(data, name)


def _flag(data: object, name: str) -> bool:
    value = _item(data, name)
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _count(data: object, name: str) -> int:
    value = _item(data, name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, value, "a whole number")
    return value


def _instant(data: object, name: str) -> datetime:
    text = _text(data, name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise _wrong(name, text, "an ISO 8601 instant with an offset") from exc
    if at.tzinfo is None:
        raise _wrong(name, text, "an ISO 8601 instant with an offset")
    return at.astimezone(UTC)


def _instant_or_none(data: object, name: str) -> datetime | None:
    return None if _item(data, name) is None else _instant(data, name)


def _word(data: object, name: str, words: type[W]) -> W:
    text = _text(data, name)
    try:
        return words(text)
    except ValueError as exc:
        raise _wrong(name, text, f"one of {', '.join(words)}") from exc


def _wrong(name: str, value: object, wanted: str) -> InvalidInput:
    return InvalidInput(
        "This is not the JSON of an invoice or a payment",
        code="billing.json",
        field=name,
        value=value,
        remedy=f"pass {wanted}, as the *_to_json functions write it",
    )
