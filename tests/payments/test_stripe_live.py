"""The provider contract against Stripe's test mode: `nox -s stripe-live` with STRIPE_TEST_KEY."""

from __future__ import annotations

import pytest

from retainkit.testing import PaymentProviderContract, PaymentWorld


@pytest.mark.stripe_live
class TestStripeLive(PaymentProviderContract):
    """The Stripe adapter keeps the contract where it counts."""

    @pytest.fixture
    def world(self, live_world: PaymentWorld) -> PaymentWorld:
        return live_world
