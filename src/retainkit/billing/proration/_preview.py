"""What a change comes to, shown and then applied; how it is worked out: ``_preview_change``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from attrs import evolve, field, frozen

from retainkit.billing.proration._changes import Change
from retainkit.billing.proration._html import preview_html, written
from retainkit.billing.proration._line import Line
from retainkit.billing.proration._next_invoice import NextInvoice, next_invoice
from retainkit.billing.proration._policy import Biller, Leftover, ProrationPolicy
from retainkit.billing.proration._reckoning import Known
from retainkit.billing.proration._settlement import (
    Balance,
    Settlement,
    balance_of,
    gross_of,
    settled,
)
from retainkit.billing.proration._subscription import Subscription
from retainkit.billing.proration._tax_of_lines import tax_unknown, taxed_billed, taxed_lines
from retainkit.billing.tax import (
    Buyer,
    Finding,
    NationalCurrency,
    Seller,
    TaxPoint,
    TaxQuote,
    TaxRequest,
    TaxRounding,
    UnverifiedVatId,
)
from retainkit.errors import Refused
from retainkit.money import Money, from_minor, to_units
from retainkit.timing import local_time


@frozen(kw_only=True)
class Applied:
    """
    A change that was shown and agreed to.

    Args:
        subscription: As it is now.

        lines: What is invoiced, or waits.

        total: All of it.

        settlement: Where the money goes.

        authoritative: Whether these figures count; with `Biller.PROVIDER` they are what its
            invoice is reconciled with.
    """

    subscription: Subscription
    lines: tuple[Line, ...]
    total: Money
    settlement: Settlement
    authoritative: bool


@frozen(kw_only=True)
class Preview:
    """
    What a change comes to. Pure: the same arguments give the same preview.

    Args:
        before: The subscription as it was.

        changes: What is changed.

        at: When.

        policy: By which rules.

        biller: Whose figures count.

        lines: What is given back and charged.

        pending: Whether the lines wait for the next invoice.

        findings: What a person should know.

        quote: The tax, once it was given.

        untaxed: Whether it was said that there is none to reckon here.
    """

    before: Subscription
    _after: Subscription = field(repr=False)
    changes: tuple[Change, ...]
    at: datetime
    policy: ProrationPolicy
    biller: Biller
    lines: tuple[Line, ...]
    pending: bool
    findings: tuple[Finding, ...] = ()
    quote: TaxQuote | None = None
    untaxed: bool = False
    _known: Known = field(factory=Known, eq=False, repr=False)
    _balance: list[Balance] = field(factory=list, init=False, eq=False, repr=False)

    @property
    def after(self) -> Subscription:
        """The subscription as it will be, with the lines that wait and the credit carried."""
        billed = self._after.billed
        if self.quote is not None:
            billed = taxed_billed(billed, self.lines, self.before)
        return evolve(self._after, billed=billed, pending=self._waiting(), carried=self._carried())

    def _waiting(self) -> tuple[Line, ...]:
        return (*self._after.pending, *self.lines) if self.pending else self._after.pending

    def _carried(self) -> Money:
        if self.pending or not self.lines:
            return self.before.carried
        left = self._weighed().left if self._leftover() is Leftover.CARRY else 0
        return from_minor(left, self.before.currency)

    def _leftover(self) -> Leftover:
        if self._after.canceled_at is not None and self.policy.leftover is Leftover.CARRY:
            return Leftover.CREDIT_NOTE  # there is no next invoice to lower
        return self.policy.leftover

    def _weighed(self) -> Balance:
        if not self._balance:
            self._balance.append(balance_of(self.lines, self.before))
        return self._balance[0]

    @property
    def credits(self) -> tuple[Line, ...]:
        """The lines that give something back."""
        return tuple(line for line in self.lines if to_units(line.net) < 0)

    @property
    def charges(self) -> tuple[Line, ...]:
        """The lines that cost something: the fees that have to be shown."""
        return tuple(line for line in self.lines if to_units(line.net) > 0)

    @property
    def total(self) -> Money:
        """All lines together, with tax where it is known; may be negative."""
        return from_minor(sum(map(gross_of, self.lines)), self.before.currency)

    @property
    def settlement(self) -> Settlement:
        """
        Where the money goes; all zero but what was carried when the lines wait.

        Raises:
            InvalidInput: ``proration.paid_unknown`` when the policy asks for what was paid.
        """
        if self.pending or not self.lines:
            nothing = from_minor(0, self.before.currency)
            return Settlement(
                due=nothing,
                carried=self.before.carried,
                credit_note=nothing,
                refund=nothing,
                offset=nothing,
            )
        return settled(self.lines, self.before, self._leftover(), self._weighed())

    @property
    def due_now(self) -> Money:
        """What is to be paid at once, with tax where it is known."""
        return self.settlement.due

    @property
    def next_invoice(self) -> NextInvoice | None:
        """The invoice that comes next; None when there is none, as after a cancellation."""
        return next_invoice(self._after, self.policy, self._known, self._waiting(), self._carried())

    def _repr_html_(self) -> str:
        return preview_html(self)

    def tax_request(
        self,
        *,
        seller: Seller,
        buyer: Buyer,
        tax_point: TaxPoint | date | None = None,
        rounding: TaxRounding | None = None,
        national: NationalCurrency | None = None,
        unverified: UnverifiedVatId = UnverifiedVatId.CHARGE,
    ) -> TaxRequest:
        """
        The lines as a question about tax, for `retainkit.billing.tax.calculate` or a provider.

        Args:
            seller: Who sells.

            buyer: Who buys.

            tax_point: What the date of the rate is decided from; the local day of the change
                unless given.

            rounding: Where tax is rounded.

            national: The seller's national currency, where the invoice is in another one.

            unverified: What is done while no register has answered for the buyer's VAT id.
        """
        return TaxRequest(
            currency=self.before.currency,
            seller=seller,
            buyer=buyer,
            tax_point=tax_point or local_time(self.at, self.before.zone).date(),
            lines=tuple(line.taxable() for line in self.lines),
            rounding=rounding or TaxRounding(),
            national=national,
            unverified=unverified,
        )

    def with_tax(self, quote: TaxQuote) -> Preview:
        """
        The preview with the tax of its lines.

        Raises:
            InvalidInput: ``proration.quote`` when the quote is not about these lines.
            Refused: ``proration.tax_unknown`` when it has no answer.
        """
        return evolve(
            self,
            lines=taxed_lines(self.lines, quote),
            quote=quote,
            untaxed=False,
            findings=(*self.findings, *quote.findings),
        )

    def without_tax(self) -> Preview:
        """The preview, where there is no tax to reckon: the provider's, or none at all."""
        return evolve(self, untaxed=True)

    def apply(self, shown_total: Money, shown_fees: Mapping[str, Money] | None = None) -> Applied:
        """
        The change itself, when its total and each of its fees were shown to who agrees to it.

        Args:
            shown_total: The total that was shown: `total`.

            shown_fees: By line id, the amount of each of `charges` that was shown: `Line.net`.

        Raises:
            Refused: ``proration.tax_unknown`` without tax; ``proration.total_shown`` when another
                total was shown; ``proration.fee_shown`` when a fee was not, or another amount.
        """
        if self.quote is None and not self.untaxed and self.lines:
            raise tax_unknown(None)
        if shown_total != self.total:
            raise Refused(
                "The total that was shown is not the one that would be charged",
                code="proration.total_shown",
                field="shown_total",
                value=written(shown_total),
                remedy=f"show {written(self.total)}, and ask again",
            )
        shown = shown_fees or {}
        for line in self.charges:
            if shown.get(line.id) != line.net:
                raise Refused(
                    "A fee was not shown as it would be charged",
                    code="proration.fee_shown",
                    field="shown_fees",
                    value=line.id,
                    remedy=f"show {written(line.net)} for it, and ask again",
                )
        return Applied(
            subscription=self.after,
            lines=self.lines,
            total=self.total,
            settlement=self.settlement,
            authoritative=self.biller is Biller.HOST,
        )
