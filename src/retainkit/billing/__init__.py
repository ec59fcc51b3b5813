"""What is owed and what became of it: invoices, payments, outcomes. Plans and tax come here too."""

from __future__ import annotations

from retainkit.billing._invoices import Decline, Invoice, InvoiceState, Payment, PaymentState
from retainkit.billing._json import (
    invoice_from_json,
    invoice_to_json,
    outcome_from_json,
    outcome_to_json,
    payment_from_json,
    payment_to_json,
)
from retainkit.billing._observed import READ_INVOICE, Invoices, observed_event, payment_event
from retainkit.billing._outcomes import Declined, Paid, PaymentOutcome, Pending


__all__ = [
    "READ_INVOICE",
    "Decline",
    "Declined",
    "Invoice",
    "InvoiceState",
    "Invoices",
    "Paid",
    "Payment",
    "PaymentOutcome",
    "PaymentState",
    "Pending",
    "invoice_from_json",
    "invoice_to_json",
    "observed_event",
    "outcome_from_json",
    "outcome_to_json",
    "payment_event",
    "payment_from_json",
    "payment_to_json",
]
