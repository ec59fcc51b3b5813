"""What the pretend outside does: payment methods and faults; its books are kept elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Protocol

from attrs import field, frozen

from retainkit.billing import Decline, PaymentState
from retainkit.money import Money


INSUFFICIENT_FUNDS = Decline(code="insufficient_funds", network_code="51", network="visa")
AUTHENTICATION_REQUIRED = Decline(code="authentication_required")


@frozen(kw_only=True)
class Try:
    """
    One try to charge a payment method.

    Args:
        amount: What is tried.

        at: When; UTC.

        number: Counts the tries on this invoice; 1 is the first.

        lot: What the seed, the invoice and the number say together; equal runs draw equal lots.
    """

    amount: Money
    at: datetime
    number: int
    lot: str

    @property
    def draw(self) -> Fraction:
        """A number in [0, 1): the same for the same seed, invoice and number of the try."""
        digest = hashlib.sha256(self.lot.encode()).digest()
        return Fraction(int.from_bytes(digest[:8], "big"), 1 << 64)


@frozen(kw_only=True)
class Verdict:
    """
    What the pretend bank says.

    Args:
        state: Where the payment stands at once.

        decline: Why it failed; for a pending one, why it will fail, or None if it won't.

        settles_after: For a pending one, how long it stays so.
    """

    state: PaymentState
    decline: Decline | None = None
    settles_after: timedelta | None = None


_SUCCEEDED = Verdict(state=PaymentState.SUCCEEDED)


class Behaviour(Protocol):
    """Says what becomes of each try; write your own for a world of your own."""

    def verdict(self, tried: Try) -> Verdict:
        """The bank's answer to this try; pure."""
        ...


@frozen
class Succeeds:
    """Always has the money."""

    def verdict(self, tried: Try) -> Verdict:
        """The payment succeeds."""
        del tried
        return _SUCCEEDED


@frozen
class Declines:
    """
    Declines, for ever or until a day.

    Args:
        decline: The codes it gives.

        until: From when on it succeeds, such as payday; None for never.
    """

    decline: Decline = INSUFFICIENT_FUNDS
    until: datetime | None = None

    def verdict(self, tried: Try) -> Verdict:
        """Declined, unless the day has come."""
        if self.until is not None and tried.at >= self.until:
            return _SUCCEEDED
        return Verdict(state=PaymentState.FAILED, decline=self.decline)


@frozen
class NeedsAuthentication:
    """Asks for the customer at every try without them."""

    def verdict(self, tried: Try) -> Verdict:
        """Declined with ``authentication_required``, waiting for the customer."""
        del tried
        return Verdict(state=PaymentState.NEEDS_ACTION, decline=AUTHENTICATION_REQUIRED)


@frozen
class Settles:
    """
    Is pending first, as bank debits are.

    Args:
        after: How long it is pending.

        decline: What it is returned with; None when the money comes.
    """

    after: timedelta = timedelta(days=3)
    decline: Decline | None = None

    def verdict(self, tried: Try) -> Verdict:
        """Pending, and settled later."""
        del tried
        return Verdict(state=PaymentState.PENDING, decline=self.decline, settles_after=self.after)


@frozen
class Chance:
    """
    Succeeds by a seeded lot, drawn anew for each try.

    Args:
        success: The share of tries that succeed, for example ``Fraction(7, 10)``.

        decline: What the others are declined with.
    """

    success: Fraction
    decline: Decline = INSUFFICIENT_FUNDS

    def verdict(self, tried: Try) -> Verdict:
        """The lot decides."""
        if tried.draw < self.success:
            return _SUCCEEDED
        return Verdict(state=PaymentState.FAILED, decline=self.decline)


class Fault(Enum):
    """
    How a write goes wrong.

    ``lost_answer`` and ``stored_error_after`` have their effect all the same. A stored error is
    the provider's answer to that key from then on.
    """

    REFUSED = "not_connected"
    RATE_LIMITED = "rate_limited"
    IN_USE = "key_in_use"
    LOST_REQUEST = "timeout"
    LOST_ANSWER = "timeout_after"
    STORED_ERROR = "server_error"
    STORED_ERROR_AFTER = "server_error_after"
    KEY_EXPIRED = "key_expired"


@frozen(kw_only=True)
class Script:
    """
    What the pretend outside does.

    Args:
        methods: The behaviour of payment methods, by id.

        usual: The behaviour of all others.

        faults: Asked before each write with its key and how often that key came; says what goes
            wrong. Used after the faults given to `SimulatedPayments.fail_next`.

        lag: How long a charge stays invisible to look-ups and reads; at most the declared one.
    """

    methods: Mapping[str, Behaviour] = field(factory=dict)
    usual: Behaviour = field(factory=Succeeds)
    faults: Callable[[str, int], Fault | None] | None = None
    lag: timedelta = timedelta(0)
