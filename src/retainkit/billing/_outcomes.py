"""What a try to collect can come to; exhaustive, and never a bool."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from retainkit.billing._invoices import Decline, Payment
from retainkit.core import NoEffect, NotSent, Unknown


@frozen(kw_only=True)
class Paid:
    """The money is collected."""

    payment: Payment


@frozen(kw_only=True)
class Declined:
    """
    The payment was refused; only this moves a retry ladder.

    Args:
        payment: The try, with its :class:`Decline`.
    """

    payment: Payment

    @property
    def decline(self) -> Decline:
        """The provider's codes; ``unknown`` when it gave none."""
        return self.payment.decline or Decline(code="unknown")

    @property
    def code(self) -> str:
        """The decline code."""
        return self.decline.code

    @property
    def advice(self) -> str | None:
        """The provider's advice code."""
        return self.decline.advice

    @property
    def network_code(self) -> str | None:
        """The network's response code."""
        return self.decline.network_code


@frozen(kw_only=True)
class Pending:
    """Accepted, but settled later, as bank debits are; blocks another try."""

    payment: Payment


PaymentOutcome: TypeAlias = Paid | Declined | Pending | NotSent | Unknown | NoEffect
"""``NoEffect`` also says that the invoice was no longer as expected: nothing was charged."""
