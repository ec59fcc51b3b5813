"""The provider contract over Stripe: the real SDK, HTTP, and the Stripe server of the tests."""

from __future__ import annotations

import pytest

from retainkit.testing import PaymentProviderContract, PaymentWorld


class TestStripePayments(PaymentProviderContract):
    """The Stripe adapter keeps the contract."""

    @pytest.fixture
    def world(self, stripe_world: PaymentWorld) -> PaymentWorld:
        return stripe_world
