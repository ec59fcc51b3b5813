"""What is owed and what became of it: invoices, payments, outcomes. Plans and tax come here too."""

from __future__ import annotations

from retainkit.billing._invoices import Decline, Invoice, InvoiceState, Payment, PaymentState
from retainkit.billing._outcomes import Declined, Paid, PaymentOutcome, Pending


__all__ = [
    "Decline",
    "Declined",
    "Invoice",
    "InvoiceState",
    "Paid",
    "Payment",
    "PaymentOutcome",
    "PaymentState",
    "Pending",
]
