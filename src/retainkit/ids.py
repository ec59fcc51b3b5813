"""Typed identifiers and their derivation from natural keys; nothing here is random."""

from __future__ import annotations

from functools import lru_cache
from typing import NewType
from uuid import UUID, uuid5


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

_NAMESPACE = UUID("6f1f0f5e-3d0a-5b0e-9c53-7a1d5a0c2b11")


@lru_cache(maxsize=8192)
def derive(*parts: str) -> str:
    """
    The UUIDv5 of a natural key: the same parts always give the same id.

    Parts are joined by a separator that is escaped inside them, so ``("a", "b")`` and
    ``("a/b",)`` differ.
    """
    escaped = (part.replace("~", "~0").replace("/", "~1") for part in parts)
    return str(uuid5(_NAMESPACE, "/".join(escaped)))
