"""What every signed webhook has in common, for adapters: limits, the header, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from retainkit.errors import InvalidInput


__all__ = [
    "BODY_LIMIT",
    "TOLERANCE",
    "bad_signature",
    "check_age",
    "check_size",
    "malformed",
    "signature_header",
    "signed_at",
]

BODY_LIMIT: int = 1 << 20
"""The most bytes a webhook's body may have; frameworks should refuse more while they read."""

TOLERANCE: timedelta = timedelta(seconds=300)
"""How far a signature's time may lie from now, before it or after."""

# Unix seconds have ten digits until 2286; more would overflow a datetime.
_TIME_DIGITS = 10


def check_size(body: bytes) -> None:
    """
    Refuse a body that no provider sends, before any work is done on it.

    Raises:
        InvalidInput: ``webhook.too_large``.
    """
    if len(body) > BODY_LIMIT:
        raise InvalidInput(
            f"A webhook has at most {BODY_LIMIT} bytes",
            code="webhook.too_large",
            field="body",
            value=len(body),
            remedy="limit the size of request bodies in front of the application as well",
        )


def signature_header(headers: Mapping[str, str], name: str) -> str:
    """
    The signature's header, whatever the case of its name.

    Raises:
        InvalidInput: ``webhook.signature`` when it is missing.
    """
    wanted = name.lower()
    for key, value in headers.items():
        if key.lower() == wanted:
            return value
    raise bad_signature(f"The webhook has no {name} header")


def signed_at(header: str) -> datetime:
    """
    The signed time in a header of the form ``t=1700000000,v1=...``; UTC.

    Raises:
        InvalidInput: ``webhook.signature`` when there is none.
    """
    for part in header.split(","):
        name, _, value = part.partition("=")
        digits = value.isascii() and value.isdigit() and len(value) <= _TIME_DIGITS
        if name.strip() == "t" and digits:
            return datetime.fromtimestamp(int(value), UTC)
    raise bad_signature("The webhook's signature has no time")


def check_age(at: datetime, now: datetime) -> None:
    """
    Refuse a signature that is too old, or too far ahead, to be the provider's first delivery.

    Raises:
        InvalidInput: ``webhook.too_old``.
    """
    if abs(now - at) > TOLERANCE:
        raise InvalidInput(
            f"The webhook was signed more than {TOLERANCE.seconds} seconds from now",
            code="webhook.too_old",
            field="headers",
            value=at.isoformat(),
            remedy="set the server's clock by NTP; the provider signs every delivery anew",
        )


def bad_signature(message: str) -> InvalidInput:
    """The error of a signature that is missing or wrong; it never repeats the signature."""
    return InvalidInput(
        message,
        code="webhook.signature",
        field="headers",
        remedy="pass the raw request body and the webhook's own secret",
    )


def malformed(message: str, value: object = None) -> InvalidInput:
    """The error of a body that was signed rightly and still can't be read."""
    return InvalidInput(
        message,
        code="webhook.malformed",
        field="body",
        value=value,
        remedy="send the provider's events here, and nothing else",
    )
