"""The whole question of a tax calculation; its answer is in ``_quote``."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from enum import StrEnum

from attrs import field, frozen

from retainkit.billing.tax._checks import check_choice, check_day, check_decimal
from retainkit.billing.tax._lines import TaxableLine
from retainkit.billing.tax._parties import Buyer, Seller
from retainkit.billing.tax._rounding import TaxRounding
from retainkit.errors import InvalidInput
from retainkit.money import currency_of
from retainkit.timing import zone as zone_named


@frozen(kw_only=True)
class TaxPoint:
    """
    What the date of the rate is decided from; all dates are local ones of the place of supply.

    Which of them counts is a rule of the country: see `tax_date`. A line's own period is asked
    first where the supply is continuous.

    Args:
        on: The date, settled by the host: nothing else is asked.

        performed: When the supply was completed, of what has no period.

        invoiced: When the invoice is issued.

        paid: When it was paid, wholly or in advance.

        zone: The zone of the local dates in which periods are read.

    Raises:
        InvalidInput: ``tax.not_a_date``, ``time.unknown_zone``.
    """

    on: date | None = None
    performed: date | None = None
    invoiced: date | None = None
    paid: date | None = None
    zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        for name in ("on", "performed", "invoiced", "paid"):
            day = getattr(self, name)
            if day is not None:
                check_day(day, name)
        zone_named(self.zone)


class UnverifiedVatId(StrEnum):
    """What is done while no register has answered for a VAT id."""

    CHARGE = "charge"
    """Tax is charged, as to a consumer, until the id is verified."""

    REVERSE_CHARGE = "reverse_charge"
    """The host takes the risk: the id is believed."""


def _code(currency: str) -> str:
    return currency_of(currency).code


@frozen(kw_only=True)
class NationalCurrency:
    """
    The currency in which an invoice states its VAT as well (Art. 230 of 2006/112/EC).

    Args:
        currency: The seller's national currency.

        rate: How much of it one unit of the invoice's currency is: the rate of Art. 91, such as
            the European Central Bank's of the tax point.

        source: Whose rate it is and of which day, as the invoice may say.

    Raises:
        InvalidInput: ``tax.exchange_rate``, ``money.unknown_currency``.
    """

    currency: str = field(converter=_code)
    rate: Decimal
    source: str = ""

    def __attrs_post_init__(self) -> None:
        check_decimal(self.rate, field="rate", code="tax.exchange_rate", above_zero=True)


def _point(value: TaxPoint | date) -> TaxPoint:
    return value if isinstance(value, TaxPoint) else TaxPoint(on=value)


@frozen(kw_only=True)
class TaxRequest:
    """
    A question about tax: pure data, for `calculate` or for a tax provider.

    Args:
        currency: The currency of all lines.

        seller: Who sells.

        buyer: Who buys.

        tax_point: What the date of the rate is decided from; a date settles it.

        lines: What is taxed.

        rounding: Where tax is rounded.

        national: The seller's national currency, where the invoice is in another one.

        unverified: What is done while no register has answered for the buyer's VAT id.

    Raises:
        InvalidInput: ``tax.line_twice``, ``tax.choice``, ``tax.not_a_date``,
            ``money.mixed_currencies``, ``money.unknown_currency``.
    """

    currency: str = field(converter=_code)
    seller: Seller
    buyer: Buyer
    tax_point: TaxPoint = field(converter=_point)
    lines: tuple[TaxableLine, ...]
    rounding: TaxRounding = field(factory=TaxRounding)
    national: NationalCurrency | None = None
    unverified: UnverifiedVatId = UnverifiedVatId.CHARGE

    def __attrs_post_init__(self) -> None:
        check_choice(self.unverified, UnverifiedVatId, "unverified")
        for line in self.lines:
            if line.amount.currency.code != self.currency:
                raise InvalidInput(
                    f"This line is not in {self.currency}",
                    code="money.mixed_currencies",
                    field=f"lines[{line.id}].amount",
                    value=line.amount.currency.code,
                    remedy="ask for one currency at a time",
                )
        twice = [id for id, count in Counter(line.id for line in self.lines).items() if count > 1]
        if twice:
            raise InvalidInput(
                "Two lines have the same id",
                code="tax.line_twice",
                field="lines",
                value=twice[0],
                remedy="give each line an id of its own",
            )
