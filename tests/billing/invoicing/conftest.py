"""Acme bills Nord: the parties and lines that the stories about invoices share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest

from retainkit.billing.invoicing import (
    Address,
    InvoiceDocument,
    InvoiceLine,
    Party,
    draft_invoice,
)
from retainkit.billing.tax import TaxCategory
from retainkit.money import money
from retainkit.timing import Period


ACME = Party(
    name="Acme GmbH",
    address=Address(lines=("Hauptstraße 1",), city="Berlin", postal_code="10115", country="DE"),
    vat_id="DE136695976",
)
NORD = Party(
    name="Nord B.V.",
    address=Address(lines=("Kade 2",), city="Utrecht", postal_code="3511", country="NL"),
    vat_id="NL123456782B12",
)
NOVEMBER = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))
NINETEEN, SEVEN = Fraction(19, 100), Fraction(7, 100)

Bill = Callable[..., InvoiceDocument]


def line(
    amount: str, rate: Fraction | None = NINETEEN, currency: str = "EUR", **more: Any
) -> InvoiceLine:
    """A line of one unit."""
    net = money(amount, currency)
    facts: dict[str, Any] = {
        "id": "1",
        "text": "Plan Pro",
        "quantity": -1 if net.amount < 0 else 1,
        "unit_price": money(net.amount.copy_abs(), currency),
        "net": net,
        "rate": rate,
        **more,
    }
    return InvoiceLine(**facts)


def untaxed(amount: str, category: TaxCategory, **more: Any) -> InvoiceLine:
    """A line without VAT."""
    rate = None if category is TaxCategory.OUTSIDE_SCOPE else Fraction(0)
    return line(amount, rate, category=category, **more)


@pytest.fixture(name="bill")
def _bill() -> Bill:
    """A complete German invoice; keywords change it."""

    def bill(*lines: InvoiceLine, **changes: Any) -> InvoiceDocument:
        facts: dict[str, Any] = {
            "currency": "EUR",
            "lines": lines or (line("500.00"),),
            "seller": ACME,
            "buyer": NORD,
            "number": "2026-0042",
            "issued": date(2026, 11, 22),
            "supplied": NOVEMBER,
            "zone": "Europe/Berlin",
            **changes,
        }
        return draft_invoice(**facts)

    return bill
