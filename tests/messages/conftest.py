"""Jörg, his product Acme, and a request to write to him; what the tests of messages share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from retainkit.core import JsonObject
from retainkit.customers import Customer
from retainkit.ids import CustomerId
from retainkit.messages import Branding, Message, render


Write: TypeAlias = Callable[..., Message]

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LINK = "https://pay.acme.example/l/eyJpIjoibDEifQ.aZ.s1gn"


def asked(**changes: object) -> JsonObject:
    """A request in the shape dunning writes on the timeline."""
    request = {
        "message": "payment_failed",
        "tone": "friendly",
        "feature": "dunning",
        "case": "7d1c",
        "invoices": [{"invoice": "in_1", "amount": {"amount": "1234.50", "currency": "EUR"}}],
        "total": {"amount": "1234.50", "currency": "EUR"},
        "reason": "insufficient_funds",
        "next_try": None,
        "access": None,
        "end": None,
        "link": "payment_method",
        "stage": 0,
    }
    return {**request, **changes}  # type: ignore[dict-item]  # bad values are what some tests are about


def invoices(*amounts: str, currency: str = "EUR") -> list[JsonObject]:
    """Invoices ``in_1``, ``in_2`` and so on, of these amounts."""
    return [
        {"invoice": f"in_{number}", "amount": {"amount": amount, "currency": currency}}
        for number, amount in enumerate(amounts, start=1)
    ]


@pytest.fixture(name="jorg")
def _jorg() -> Customer:
    return Customer(
        id=CustomerId("c1"),
        email="joerg@kunde.example",
        name="Jörg",
        locale="de",
        zone="Europe/Berlin",
    )


@pytest.fixture(name="acme")
def _acme() -> Branding:
    return Branding(
        product="Acme",
        footer="Acme GmbH\nHauptstraße 1, Berlin",
        support_email="hilfe@acme.example",
    )


@pytest.fixture(name="write")
def _write(jorg: Customer, acme: Branding) -> Write:
    """Renders a request for Jörg; keywords change the request, the rest of it stays."""

    def write(
        *,
        customer: Customer = jorg,
        branding: Branding = acme,
        link: str | None = LINK,
        now: datetime = NOW,
        reply_to: str | None = None,
        **changes: object,
    ) -> Message:
        return render(
            asked(**changes),
            customer,
            branding=branding,
            sender="Acme <billing@acme.example>",
            reply_to=reply_to,
            link=link,
            now=now,
        )

    return write
