"""Invoices and credit notes as values: drafted, checked, corrected, written off, reconciled.

What a provider reports of its own invoices is `retainkit.billing.Invoice`; how a document reads in
a language is `retainkit.messages.invoices`. Nothing here numbers, stores or sends a document.
"""

from __future__ import annotations

from retainkit.billing.invoicing._amounts import document_totals, tax_subtotals
from retainkit.billing.invoicing._credit import Creditable, creditable, draft_credit_note
from retainkit.billing.invoicing._documents import (
    CreditNote,
    DocumentKind,
    InvoiceDocument,
    InvoiceReference,
    TaxSubtotal,
    Totals,
)
from retainkit.billing.invoicing._draft import draft_invoice
from retainkit.billing.invoicing._findings import Finding
from retainkit.billing.invoicing._lines import Adjustment, AdjustmentKind, InvoiceLine, line_net
from retainkit.billing.invoicing._mandatory import (
    SMALL_AMOUNT,
    check_mandatory,
    is_small_amount,
    require_complete,
)
from retainkit.billing.invoicing._of_lines import invoice_of_lines
from retainkit.billing.invoicing._parties import Address, Party
from retainkit.billing.invoicing._provider import ProviderInvoice, ProviderLine
from retainkit.billing.invoicing._reconcile import (
    Difference,
    DifferenceKind,
    Reconciliation,
    reconcile,
)
from retainkit.billing.invoicing._rules import check_totals
from retainkit.billing.invoicing._write_off import Voided, WriteOff, recovered, void, write_off


__all__ = [
    "SMALL_AMOUNT",
    "Address",
    "Adjustment",
    "AdjustmentKind",
    "CreditNote",
    "Creditable",
    "Difference",
    "DifferenceKind",
    "DocumentKind",
    "Finding",
    "InvoiceDocument",
    "InvoiceLine",
    "InvoiceReference",
    "Party",
    "ProviderInvoice",
    "ProviderLine",
    "Reconciliation",
    "TaxSubtotal",
    "Totals",
    "Voided",
    "WriteOff",
    "check_mandatory",
    "check_totals",
    "creditable",
    "document_totals",
    "draft_credit_note",
    "draft_invoice",
    "invoice_of_lines",
    "is_small_amount",
    "line_net",
    "reconcile",
    "recovered",
    "require_complete",
    "tax_subtotals",
    "void",
    "write_off",
]
