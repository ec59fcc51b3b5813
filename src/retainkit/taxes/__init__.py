"""The outside that knows of tax: providers that calculate it, registers that know VAT ids."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from attrs import frozen

from retainkit.billing.tax import Finding, TaxQuote, TaxRequest, VatIdCheck


__all__ = ["Filing", "FilingState", "TaxProvider", "VatRegister"]


class FilingState(StrEnum):
    """What became of a sale that was reported to a tax provider."""

    FILED = "filed"
    VOIDED = "voided"
    UNKNOWN = "unknown"
    """Nobody knows whether it got there; ask again with the same reference."""


@frozen(kw_only=True)
class Filing:
    """
    A sale as a tax provider keeps it for the return.

    Args:
        state: What became of it.

        reference: The host's own name of it, such as the invoice's number.

        id: The provider's id; None where it is not known.

        findings: Why it is not known.
    """

    state: FilingState
    reference: str
    id: str | None = None
    findings: tuple[Finding, ...] = ()


class TaxProvider(Protocol):
    """Somebody who knows the tax where retainkit doesn't, as in the United States."""

    @property
    def name(self) -> str:
        """How it is called in findings and documents."""
        ...

    def quote(self, request: TaxRequest) -> TaxQuote:
        """
        The tax of a request: ``ok``, ``pending``, or ``unknown`` with the reason; never a zero for
        what is not known, and no error for what may pass.

        Raises:
            InvalidInput: The request can't be put to this provider.

            ProviderError: The adapter is set up wrongly.
        """
        ...

    def commit(self, quote: TaxQuote, *, reference: str) -> Filing:
        """
        Report the sale of a quote. The same reference reports it once.

        Raises:
            InvalidInput: ``tax.quote_not_known`` for a quote that is not ``ok``, or not of here.

            ProviderError: As `quote`.
        """
        ...

    def void(self, filing: Filing, *, reference: str) -> Filing:
        """
        Take a reported sale back, wholly. The same reference takes it back once.

        Args:
            filing: What `commit` gave.

            reference: The host's own name of the correction, such as the credit note's number.

        Raises:
            InvalidInput: ``tax.not_filed`` for a filing whose id is not known.

            ProviderError: As `quote`.
        """
        ...


class VatRegister(Protocol):
    """Somebody who knows whether a VAT id is registered, such as VIES."""

    def check(self, vat_id: str, *, at: datetime) -> VatIdCheck:
        """
        What the register says of an id: valid, invalid, or unverified when it does not answer.

        Args:
            vat_id: With its prefix: ``DE136695976``.

            at: The time now, kept with the answer.

        Raises:
            InvalidInput: The id has no prefix that the register knows.
        """
        ...
