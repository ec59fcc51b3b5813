"""Typed identifiers and their derivation from natural keys; nothing here is random."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import Final, NewType


__all__ = [
    "CaseId",
    "CustomerId",
    "EffectId",
    "EventId",
    "InvoiceId",
    "PaymentId",
    "PaymentMethodId",
    "SubscriptionId",
    "TenantId",
    "derive",
]

TenantId = NewType("TenantId", str)
CustomerId = NewType("CustomerId", str)
SubscriptionId = NewType("SubscriptionId", str)
InvoiceId = NewType("InvoiceId", str)
PaymentId = NewType("PaymentId", str)
PaymentMethodId = NewType("PaymentMethodId", str)
CaseId = NewType("CaseId", str)
EventId = NewType("EventId", str)
EffectId = NewType("EffectId", str)

_NAMESPACE: Final = bytes.fromhex("6f1f0f5e3d0a5b0e9c537a1d5a0c2b11")
_VARIANTS: Final = "89ab" * 4


@lru_cache(maxsize=8192)
def derive(*parts: str) -> str:
    """
    The UUIDv5 of a natural key: the same parts always give the same id.

    Parts are joined by a separator that is escaped inside them, so ``("a", "b")`` and
    ``("a/b",)`` differ.
    """
    name = "/".join([part.replace("~", "~0").replace("/", "~1") for part in parts])
    # As RFC 9562 writes it; the module uuid takes four times as long.
    told = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[int(told[16], 16)]
    return f"{told[:8]}-{told[8:12]}-5{told[13:16]}-{variant}{told[17:20]}-{told[20:32]}"
