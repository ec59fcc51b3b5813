"""A stateful Stripe over HTTP for tests through the real SDK; it never takes a card number.

Standard library and attrs only. It is no copy of Stripe: discounts, trials, refunds
and disputes are not here, Stripe Tax knows a few countries and taxes no invoice, and a parameter
it doesn't know is refused, never ignored.
"""

from __future__ import annotations

from retainkit.testing.stripe_server._api import RequestRecord
from retainkit.testing.stripe_server._call import SMART_RETRIES, AfterRetries
from retainkit.testing.stripe_server._cards import CARDS, TestCard
from retainkit.testing.stripe_server._faults import Fault
from retainkit.testing.stripe_server._server import API_KEY, EffectiveCharge, StripeServer
from retainkit.testing.stripe_server._webhooks import Delivery, SignedAt, signature


__all__ = [
    "API_KEY",
    "CARDS",
    "SMART_RETRIES",
    "AfterRetries",
    "Delivery",
    "EffectiveCharge",
    "Fault",
    "RequestRecord",
    "SignedAt",
    "StripeServer",
    "TestCard",
    "signature",
]
