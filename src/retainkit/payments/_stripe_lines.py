"""The lines of a Stripe invoice, before and since basil, as `billing.invoicing` compares them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from retainkit.billing.invoicing import ProviderInvoice, ProviderLine
from retainkit.payments._stripe_requests import Requests, parsed
from retainkit.payments._stripe_shapes import Ref, amount, instant
from retainkit.timing import Period


_PAGE = 100


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Amount(_Shape):
    amount: int


class _Tax(_Shape):
    amount: int
    tax_behavior: str = ""
    inclusive: bool = False

    @property
    def within(self) -> bool:
        """Whether the line's amount contains it."""
        return self.inclusive or self.tax_behavior == "inclusive"


class _SubscriptionItem(_Shape):
    proration: bool = False
    subscription_item: Ref = None


class _InvoiceItem(_Shape):
    proration: bool = False


class _LineParent(_Shape):
    subscription_item_details: _SubscriptionItem | None = None
    invoice_item_details: _InvoiceItem | None = None


class _PriceDetails(_Shape):
    price: Ref = None


class _Pricing(_Shape):
    price_details: _PriceDetails | None = None


class _Span(_Shape):
    start: int
    end: int


class _Line(_Shape):
    """A line; ``proration``, ``price``, ``subscription_item`` and ``tax_amounts`` are pre-basil."""

    id: str
    amount: int
    currency: str
    description: str | None = None
    quantity: int | None = None
    period: _Span | None = None
    parent: _LineParent | None = None
    pricing: _Pricing | None = None
    discount_amounts: tuple[_Amount, ...] | None = None
    taxes: tuple[_Tax, ...] | None = None
    tax_amounts: tuple[_Tax, ...] | None = None
    proration: bool = False
    price: Ref = None
    subscription_item: Ref = None

    @property
    def all_taxes(self) -> tuple[_Tax, ...]:
        """Its taxes, wherever the version keeps them."""
        return self.taxes or self.tax_amounts or ()

    @property
    def item(self) -> str | None:
        """The subscription item that it bills."""
        details = None if self.parent is None else self.parent.subscription_item_details
        return self.subscription_item if details is None else details.subscription_item

    @property
    def price_id(self) -> str | None:
        """The price that it bills by."""
        details = None if self.pricing is None else self.pricing.price_details
        return self.price if details is None else details.price

    @property
    def prorated(self) -> bool:
        """Whether a change within a period made it."""
        if self.parent is None:
            return self.proration
        details = self.parent.subscription_item_details or self.parent.invoice_item_details
        return details is not None and details.proration


class _Lines(_Shape):
    data: tuple[_Line, ...] = ()
    has_more: bool = False


class _Invoice(_Shape):
    id: str
    number: str | None = None
    currency: str
    total: int
    total_excluding_tax: int | None = None
    lines: _Lines = Field(default_factory=_Lines)


def read_lines(requests: Requests, invoice: str, seller: str) -> ProviderInvoice | None:
    """
    The invoice with all of its lines; None when there is none.

    Raises `NoAnswerError` when Stripe doesn't answer.
    """
    path = f"/v1/invoices/{quote(invoice, safe='')}"
    found = requests.read(path, seller)
    if found is None:
        return None
    read = parsed(_Invoice, found)
    every = read.lines.data
    if read.lines.has_more:
        every = tuple(_all_lines(requests, path, seller))
    net = read.total_excluding_tax
    if net is None:
        net = read.total - sum(tax.amount for line in every for tax in line.all_taxes)
    return ProviderInvoice(
        id=read.id,
        number=read.number or "",
        currency=read.currency.upper(),
        lines=tuple(map(_read, every)),
        net=amount(net, read.currency),
        tax=amount(read.total - net, read.currency),
        gross=amount(read.total, read.currency),
    )


def _all_lines(requests: Requests, path: str, seller: str) -> Iterator[_Line]:
    after: dict[str, object] = {}
    while True:
        page = requests.must_read(_Lines, f"{path}/lines", seller, {"limit": _PAGE, **after})
        yield from page.data
        if not page.has_more:
            return
        after = {"starting_after": page.data[-1].id}


def _read(line: _Line) -> ProviderLine:
    discounts = sum(each.amount for each in line.discount_amounts or ())
    within = sum(each.amount for each in line.all_taxes if each.within)
    span = line.period
    return ProviderLine(
        id=line.id,
        text=line.description or "",
        net=amount(line.amount - discounts - within, line.currency),
        tax=amount(sum(each.amount for each in line.all_taxes), line.currency),
        quantity=1 if line.quantity is None else line.quantity,
        period=Period(start=instant(span.start), end=instant(span.end))
        if span is not None and span.start < span.end
        else None,
        item=line.item,
        price=line.price_id,
        proration=line.prorated,
    )
