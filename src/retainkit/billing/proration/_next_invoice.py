"""The invoice that comes next, and what is due of it; as a preview it is ``_preview_period``."""

from __future__ import annotations

from datetime import date, datetime

from attrs import evolve, frozen

from retainkit.billing.proration._charges import period_lines
from retainkit.billing.proration._coming import coming
from retainkit.billing.proration._line import Line
from retainkit.billing.proration._policy import ProrationPolicy
from retainkit.billing.proration._reckoning import Known, Reckoning
from retainkit.billing.proration._settlement import gross_of
from retainkit.billing.proration._subscription import Subscription
from retainkit.billing.proration._tax_of_lines import taxed_lines
from retainkit.billing.tax import Buyer, Seller, TaxPoint, TaxQuote, TaxRequest, TaxRounding
from retainkit.money import Money, from_minor, to_units
from retainkit.timing import Period, local_time


@frozen(kw_only=True)
class NextInvoice:
    """
    The invoice that comes next.

    Args:
        at: When.

        period: What it bills; None when there is nothing but lines that waited.

        lines: Those of the period, and those that waited.

        carried: The credit that lowers it.

        zone: The subscription's, in which its day lies.
    """

    at: datetime
    period: Period | None
    lines: tuple[Line, ...]
    carried: Money
    zone: str = "UTC"

    @property
    def total(self) -> Money:
        """All lines together, with tax where it is known; may be negative."""
        return from_minor(sum(map(gross_of, self.lines)), self.carried.currency)

    @property
    def due(self) -> Money:
        """What is to be paid: the total less the credit carried, never below zero."""
        units = to_units(self.total) - to_units(self.carried)
        return from_minor(max(0, int(units)), self.carried.currency)

    def tax_request(
        self,
        *,
        seller: Seller,
        buyer: Buyer,
        tax_point: TaxPoint | date | None = None,
        rounding: TaxRounding | None = None,
    ) -> TaxRequest:
        """
        The lines as a question about tax, as `Preview.tax_request`.

        Args:
            seller: Who sells.

            buyer: Who buys.

            tax_point: What the date of the rate is decided from; the local day of the invoice
                unless given.

            rounding: Where tax is rounded.
        """
        return TaxRequest(
            currency=self.carried.currency.code,
            seller=seller,
            buyer=buyer,
            tax_point=tax_point or local_time(self.at, self.zone).date(),
            lines=tuple(line.taxable() for line in self.lines),
            rounding=rounding or TaxRounding(),
        )

    def with_tax(self, quote: TaxQuote) -> NextInvoice:
        """
        The invoice with the tax of its lines.

        Raises:
            InvalidInput: ``proration.quote``; Refused: ``proration.tax_unknown``.
        """
        return evolve(self, lines=taxed_lines(self.lines, quote))


def next_invoice(
    subscription: Subscription,
    policy: ProrationPolicy,
    known: Known,
    pending: tuple[Line, ...],
    carried: Money,
) -> NextInvoice | None:
    """The invoice that comes next for a subscription; inside this room only."""
    stopped = (
        subscription.ends
        or subscription.paused_at is not None
        or subscription.canceled_at is not None
    )
    if stopped:
        if not pending:
            return None
        return NextInvoice(
            at=subscription.canceled_at or subscription.period.end,
            period=None,
            lines=pending,
            carried=carried,
            zone=subscription.zone,
        )
    then = coming(subscription)
    reckoning = Reckoning(
        subscription=subscription,
        policy=policy,
        interval=then.interval,
        cycle=then.cycle,
        since=then.period.start,
        known=known,
    )
    return NextInvoice(
        at=then.period.start,
        period=then.period,
        lines=(*pending, *period_lines(reckoning, then.items, then.period)),
        carried=carried,
        zone=subscription.zone,
    )
