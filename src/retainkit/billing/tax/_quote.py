"""The answer of a tax calculation; the question is in ``_request``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import frozen

from retainkit.billing.tax._findings import Finding
from retainkit.billing.tax._html import quote_html
from retainkit.billing.tax._lines import TaxedLine, TaxGroup, group_of
from retainkit.errors import Refused
from retainkit.money import Money, total


class QuoteState(StrEnum):
    """Whether the tax is known."""

    OK = "ok"
    """It is known: lines, groups and totals are there."""

    PENDING = "pending"
    """Whoever was asked will answer later."""

    UNKNOWN = "unknown"
    """Nobody knows: the findings say why. It is never zero."""


@frozen(kw_only=True)
class TaxQuote:
    """
    The tax of a request.

    Only a quote that is ``ok`` has lines, groups and totals; asking another one for a total is
    refused, so that no unknown tax becomes a zero.

    Args:
        state: Whether the tax is known.

        currency: The currency of all amounts.

        lines: Each line with its tax, in the order of the request.

        groups: The sums by category and rate, in the order of their first lines.

        findings: What a person should know.

        national_tax: The tax in the seller's national currency, where that was asked for.

        reference: A provider's id of its calculation.
    """

    state: QuoteState
    currency: str
    lines: tuple[TaxedLine, ...] = ()
    groups: tuple[TaxGroup, ...] = ()
    findings: tuple[Finding, ...] = ()
    national_tax: Money | None = None
    reference: str | None = None

    @property
    def total_net(self) -> Money:
        """
        The sum of the groups' nets.

        Raises:
            Refused: ``tax.not_known`` unless the state is ``ok``.
        """
        self._require_known()
        return total((group.net for group in self.groups), self.currency)

    @property
    def total_tax(self) -> Money:
        """
        The sum of the groups' taxes.

        Raises:
            Refused: ``tax.not_known`` unless the state is ``ok``.
        """
        self._require_known()
        return total((group.tax for group in self.groups), self.currency)

    @property
    def total_gross(self) -> Money:
        """
        Net and tax together.

        Raises:
            Refused: ``tax.not_known`` unless the state is ``ok``.
        """
        return total((self.total_net, self.total_tax), self.currency)

    def _repr_html_(self) -> str:
        return quote_html(self)

    def _require_known(self) -> None:
        if self.state is not QuoteState.OK:
            raise Refused(
                "The tax is not known",
                code="tax.not_known",
                field="state",
                value=self.state.value,
                remedy="read the findings: give what is missing, ask a tax provider, or wait",
            )


def quote_of(
    lines: Iterable[TaxedLine],
    currency: str,
    *,
    findings: tuple[Finding, ...] = (),
    reference: str | None = None,
) -> TaxQuote:
    """
    A known quote of lines that are taxed already, summed up by category, rate and place.

    For adapters of tax providers, who get their taxes line by line.

    Args:
        lines: In order; all in the currency.

        currency: The currency of all amounts.

        findings: What a person should know.

        reference: The provider's id of its calculation.

    Raises:
        InvalidInput: ``money.mixed_currencies``.
    """
    found: dict[tuple[object, ...], list[TaxedLine]] = {}
    taxed = tuple(lines)
    for line in taxed:
        of = line.treatment
        found.setdefault((of.category, of.rate, of.country, of.region), []).append(line)
    groups = tuple(
        group_of(
            each[0].treatment,
            total((line.net for line in each), currency),
            total((line.tax for line in each), currency),
        )
        for each in found.values()
    )
    return TaxQuote(
        state=QuoteState.OK,
        currency=currency,
        lines=taxed,
        groups=groups,
        findings=findings,
        reference=reference,
    )
