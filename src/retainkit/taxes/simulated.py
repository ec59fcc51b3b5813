"""A tax provider and a register that need no network; for tests, demos and simulations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from retainkit.billing.tax import (
    Finding,
    QuoteState,
    TaxableLine,
    TaxBehavior,
    TaxCategory,
    TaxedLine,
    TaxQuote,
    TaxReason,
    TaxRequest,
    TaxTreatment,
    VatIdCheck,
    VatIdStatus,
    quote_of,
)
from retainkit.errors import InvalidInput
from retainkit.money import Rounding, rounded, share
from retainkit.taxes import Filing, FilingState


__all__ = ["SimulatedRegister", "SimulatedTaxes"]


class SimulatedTaxes:
    """
    Taxes by a list of rates; pending or unreachable when told to be.

    Args:
        rates: By country, or by country and region: ``{"US-TX": Fraction(1, 16)}``. What is not
            in it is unknown.
    """

    def __init__(self, rates: Mapping[str, Fraction]) -> None:
        self._rates = dict(rates)
        self._filings: dict[str, Filing] = {}
        self._count = 0
        self.state = QuoteState.OK
        """How it answers: set it to ``pending`` or ``unknown`` to have it late or out of reach."""

    @property
    def name(self) -> str:
        """``simulated``."""
        return "simulated"

    def quote(self, request: TaxRequest) -> TaxQuote:
        """The tax by the list, rounded line by line; see `TaxProvider.quote`."""
        if self.state is not QuoteState.OK:
            return self._without(self.state, request, "tax.provider_unreachable")
        buyer = request.buyer
        place = "-".join(part for part in (buyer.country, buyer.region) if part)
        rate = self._rates.get(place, self._rates.get(buyer.country or ""))
        if rate is None:
            return self._without(QuoteState.UNKNOWN, request, "tax.provider_needed")
        treatment = TaxTreatment(
            category=TaxCategory.STANDARD if rate else TaxCategory.ZERO,
            rate=rate,
            country=buyer.country or "",
            region=buyer.region,
            reason=TaxReason.PROVIDER,
            rate_source=self.name,
        )
        self._count += 1
        lines = [_taxed(line, line.credits or treatment) for line in request.lines]
        return quote_of(lines, request.currency, reference=f"simulated_{self._count}")

    def commit(self, quote: TaxQuote, *, reference: str) -> Filing:
        """Report a sale; see `TaxProvider.commit`."""
        if quote.state is not QuoteState.OK or quote.reference is None:
            raise InvalidInput(
                "Only a known quote of this provider can be reported",
                code="tax.quote_not_known",
                field="quote",
                value=quote.state.value,
                remedy="ask for a quote again, and report it when it is ok",
            )
        return self._file(reference, FilingState.FILED)

    def void(self, filing: Filing, *, reference: str) -> Filing:
        """Take a sale back; see `TaxProvider.void`."""
        if filing.id is None:
            raise InvalidInput(
                "This sale is not known to be reported",
                code="tax.not_filed",
                field="filing",
                value=filing.reference,
                remedy="report it again with the same reference, and take that back",
            )
        return self._file(reference, FilingState.VOIDED)

    def _file(self, reference: str, state: FilingState) -> Filing:
        if self.state is QuoteState.UNKNOWN:
            return Filing(
                state=FilingState.UNKNOWN,
                reference=reference,
                findings=(Finding(key="tax.provider_unreachable", values={"by": self.name}),),
            )
        made = Filing(state=state, reference=reference, id=f"filing_{len(self._filings) + 1}")
        return self._filings.setdefault(reference, made)

    def _without(self, state: QuoteState, request: TaxRequest, key: str) -> TaxQuote:
        return TaxQuote(
            state=state,
            currency=request.currency,
            findings=(Finding(key=key, values={"by": self.name}),),
        )


class SimulatedRegister:
    """
    A register that knows what it is told.

    Args:
        known: What it says of an id; of others, that they are invalid.
    """

    def __init__(self, known: Mapping[str, VatIdStatus]) -> None:
        self._known = dict(known)
        self.down = False
        """Whether it does not answer."""

    def check(self, vat_id: str, *, at: datetime) -> VatIdCheck:
        """What it was told; see `VatRegister.check`."""
        if self.down:
            return VatIdCheck(status=VatIdStatus.UNVERIFIED, checked_at=at, detail="down")
        status = self._known.get(vat_id, VatIdStatus.INVALID)
        return VatIdCheck(status=status, checked_at=at, consultation=f"simulated:{vat_id}")


def _taxed(line: TaxableLine, treatment: TaxTreatment) -> TaxedLine:
    amount = rounded(line.amount, Rounding.HALF_UP)
    if line.behavior is TaxBehavior.EXCLUSIVE:
        net, tax = amount, share(amount, treatment.share, Rounding.HALF_UP)
    else:
        net = share(amount, 1 / (1 + treatment.share), Rounding.HALF_UP)
        tax = amount - net
    return TaxedLine(
        id=line.id,
        net=net,
        tax=tax,
        gross=net + tax,
        treatment=treatment,
        source=line.id,
        period=line.period,
    )
