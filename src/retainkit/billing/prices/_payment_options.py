"""How and how often a customer can pay, with the price of each; payments are made elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import evolve, frozen

from retainkit.billing.prices._price import Price
from retainkit.errors import NotFound, Refused
from retainkit.money import Money, Rounding
from retainkit.timing import Interval


@frozen(kw_only=True)
class PaymentOption:
    """
    A way to pay, and what it costs.

    Args:
        method: The payment method, by the host's own key, such as ``sepa_debit``.

        price: The price; its interval is how often it is paid.
    """

    method: str
    price: Price

    def amount(self, quantity: int, rounding: Rounding) -> Money:
        """
        What so many units cost each time.

        Raises:
            InvalidInput: ``price.negative_quantity``, ``price.not_exact``.
        """
        return self.price.charge(quantity).amount(rounding)


@frozen(kw_only=True)
class PaymentOffer:
    """
    The options a customer has. Paying less often may cost less; the method never costs more.

    In Germany a surcharge for a SEPA transfer or direct debit is void, and with consumers one for
    a card (section 270a BGB). A lower price for one method is a surcharge for the others: so for
    one currency and interval there is one price.

    Args:
        options: In the order in which they are shown.

    Raises:
        Refused: ``payment.surcharge`` when two methods differ in price.
    """

    options: tuple[PaymentOption, ...]

    def __attrs_post_init__(self) -> None:
        costs: dict[tuple[str, Interval | None], Counter[Price]] = {}
        by_method: dict[tuple[str, str, Interval | None], Counter[Price]] = {}
        for option in self.options:
            price = option.price
            key = (option.method, price.currency, price.interval)
            by_method.setdefault(key, Counter())[evolve(price, id="")] += 1
        for (method, currency, interval), prices in by_method.items():
            if costs.setdefault((currency, interval), prices) != prices:
                raise Refused(
                    "No payment method costs more than another",
                    code="payment.surcharge",
                    field="options",
                    value=method,
                    remedy="offer every method at the same price for the same interval",
                )

    @classmethod
    def of(cls, prices: Iterable[Price], methods: Iterable[str]) -> PaymentOffer:
        """Every price with every method, price by price."""
        ways = tuple(methods)
        return cls(
            options=tuple(
                PaymentOption(method=method, price=price) for price in prices for method in ways
            )
        )

    def choose(self, method: str, interval: Interval) -> tuple[PaymentOption, ...]:
        """
        What a customer pays who chose a method and how often: an option for each component.

        Raises:
            NotFound: ``payment.not_offered``.
        """
        found = tuple(
            option
            for option in self.options
            if option.method == method and option.price.interval == interval
        )
        if not found:
            raise NotFound(
                "This method and interval are not offered together",
                code="payment.not_offered",
                field="method",
                value=method,
                remedy="choose one of the options",
            )
        return found
