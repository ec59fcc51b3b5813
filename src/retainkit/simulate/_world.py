"""A world with known truth: who renews when, and what a card would answer at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from retainkit.billing import Decline, PaymentState
from retainkit.customers import Customer
from retainkit.errors import InvalidInput
from retainkit.money import Money
from retainkit.payments.simulated import Try, Verdict


HOUR: Final = timedelta(hours=1)
_NEEDS_CUSTOMER = "authentication_required"
_PAID = Verdict(state=PaymentState.SUCCEEDED)


@frozen(kw_only=True)
class Refusal:
    """
    A time during which a card is refused, whoever asks and however often.

    Args:
        decline: The codes the bank gives; ``authentication_required`` waits for the customer.

        since: From when on.

        until: From when on no more; None means for ever.

        of_account: Whether it belongs to the customer's account rather than to the card: a new
            card given before ``since`` is refused as well.
    """

    decline: Decline
    since: datetime
    until: datetime | None = None
    of_account: bool = False

    @property
    def waits_for_customer(self) -> bool:
        """Whether the customer can have the payment made by confirming it."""
        return self.decline.code == _NEEDS_CUSTOMER

    def covers(self, at: datetime) -> bool:
        """Whether the card is refused at an instant."""
        return self.since <= at and (self.until is None or at < self.until)


@frozen(kw_only=True)
class Card:
    """
    A card as the pretend bank knows it: what it answers depends on the time alone.

    It is a `retainkit.payments.simulated.Behaviour`. Because neither the number of tries nor who
    makes them counts, two policies meet the same cards.

    Args:
        refusals: When it is refused; where they overlap, the one that began first answers.
    """

    refusals: tuple[Refusal, ...] = ()

    def refusal(self, at: datetime) -> Refusal | None:
        """What it is refused with at an instant."""
        covering = [refusal for refusal in self.refusals if refusal.covers(at)]
        return min(covering, key=lambda refusal: refusal.since, default=None)

    def verdict(self, tried: Try) -> Verdict:
        """The bank's answer to a try."""
        refusal = self.refusal(tried.at)
        if refusal is None:
            return _PAID
        waits = refusal.waits_for_customer
        state = PaymentState.NEEDS_ACTION if waits else PaymentState.FAILED
        return Verdict(state=state, decline=refusal.decline)

    def replaced(self, at: datetime) -> Card:
        """The card the customer gives instead at an instant: it works, until the next trouble."""
        return Card(refusals=tuple(r for r in self.refusals if r.of_account and r.since > at))


@frozen(kw_only=True)
class Renewal:
    """
    One month's invoice.

    Args:
        at: When it is opened, and charged for the first time.

        answers: What the customer does about each message with a pay link, one by one: act after
            that time, or (None, and beyond the end) nothing.
    """

    at: datetime
    answers: tuple[timedelta | None, ...] = ()


@frozen(kw_only=True)
class SimulatedCustomer:
    """
    A customer, and everything that is going to happen to them.

    Args:
        customer: As the host's directory knows them; ids and addresses are unique in a world.

        price: What each renewal costs.

        renewals: When they pay, soonest first.

        card: The card they pay with at first.

        leaves_at: When they cancel by themselves; None when they don't.
    """

    customer: Customer
    price: Money
    renewals: tuple[Renewal, ...]
    card: Card = field(factory=Card)
    leaves_at: datetime | None = None


@frozen(kw_only=True)
class World:
    """
    Everything the outside does, decided beforehand and open to inspection.

    Args:
        start: When it begins.

        days: For how long renewals come.

        follow_up: How long the clock runs on after the last renewal, so that each case can end.

        customers: Who lives in it.

        slower: How long customers take to act, by the message's tone, in per cent.

        seed: What it was drawn from; for the record.

    Raises:
        InvalidInput: ``simulate.renewals``: a renewal outside of the world's time;
            ``simulate.twice``: two customers with one id or address.
    """

    start: datetime
    days: int
    customers: tuple[SimulatedCustomer, ...]
    follow_up: timedelta = timedelta(days=35)
    slower: Mapping[str, int] = field(factory=dict)
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        for one in self.customers:
            for renewal in one.renewals:
                if not self.start <= renewal.at < self.last:
                    raise InvalidInput(
                        "A renewal lies outside of the world's time",
                        code="simulate.renewals",
                        field="renewals",
                        value=renewal.at,
                        remedy=f"choose a time from {self.start} on and before {self.last}",
                    )
        for name in ("id", "email"):
            values = [getattr(one.customer, name) for one in self.customers]
            if len(set(values)) < len(values):
                raise InvalidInput(
                    "Two customers can't be told apart",
                    code="simulate.twice",
                    field=name,
                    value=next(value for value in values if values.count(value) > 1),
                    remedy="give each customer an id and an address of their own",
                )

    @property
    def last(self) -> datetime:
        """When renewals stop coming."""
        return self.start + timedelta(days=self.days)

    @property
    def end(self) -> datetime:
        """When the clock stops."""
        return self.last + self.follow_up
