"""The simulated provider's webhooks on the wire: JSON and signatures as real providers send."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from retainkit.core import JsonObject, dumps, loads
from retainkit.ids import InvoiceId, PaymentMethodId, SubscriptionId
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments.webhooks import (
    bad_signature,
    check_age,
    check_size,
    malformed,
    signature_header,
    signed_at,
)
from retainkit.timing import utc


SIGNATURE_HEADER = "Simulated-Signature"
"""The header that `SimulatedPayments.sign` makes."""


def written(event: ProviderEvent) -> bytes:
    """The raw body of an event."""
    return dumps(_event_json(event)).encode()


def signed(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    """The headers that come with a body."""
    time = int(utc(at).timestamp())
    return {SIGNATURE_HEADER: f"t={time},v1={_signature(secret, time, body)}"}


def verified(
    body: bytes, headers: Mapping[str, str], secrets: tuple[str, ...], now: datetime
) -> ProviderEvent:
    """
    The event of a body that one of the secrets has signed, just now.

    Raises:
        InvalidInput: As `WebhookReader.read_webhook`.
    """
    check_size(body)
    header = signature_header(headers, SIGNATURE_HEADER)
    at = signed_at(header)
    given = [part[3:] for part in header.split(",") if part.startswith("v1=")]
    expected = [_signature(secret, int(at.timestamp()), body) for secret in secrets]
    if not any(
        hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected
    ):
        raise bad_signature("The webhook's signature does not match its body")
    check_age(at, now)
    try:
        return _event_of_json(loads(body.decode()))
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise malformed("The webhook's body is no event") from exc


def _signature(secret: str, time: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % time + body, hashlib.sha256).hexdigest()


def _event_json(event: ProviderEvent) -> JsonObject:
    return {
        "id": event.id,
        "seller": event.seller,
        "kind": event.kind.value,
        "name": event.name,
        "occurred_at": event.occurred_at.isoformat(),
        "reference": event.reference,
        "invoice": event.invoice,
        "method": event.method,
        "credential": event.credential,
        "subscription": event.subscription,
    }


def _event_of_json(data: JsonObject) -> ProviderEvent:
    texts = {name: None if value is None else str(value) for name, value in data.items()}
    invoice, method, subscription = texts["invoice"], texts["method"], texts["subscription"]
    return ProviderEvent(
        id=str(data["id"]),
        seller=str(data["seller"]),
        kind=ProviderEventKind(str(data["kind"])),
        name=str(data["name"]),
        occurred_at=utc(datetime.fromisoformat(str(data["occurred_at"]))),
        reference=texts["reference"],
        invoice=None if invoice is None else InvoiceId(invoice),
        method=None if method is None else PaymentMethodId(method),
        credential=texts["credential"],
        subscription=None if subscription is None else SubscriptionId(subscription),
    )
