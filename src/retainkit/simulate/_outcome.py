"""What became of a simulated world under a policy; counted from the provider and the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import frozen

from retainkit.dunning import DunningPolicy
from retainkit.engine import Explained
from retainkit.ids import CaseId, CustomerId, InvoiceId
from retainkit.money import Money
from retainkit.simulate._world import World


class Result(StrEnum):
    """
    What became of a failed invoice.

    ``recovered``: paid in the end. ``ended``: the policy reached its end, unpaid. ``left``: the
    customer had cancelled by themselves, and it stayed unpaid. ``open``: unpaid, and still tried.
    """

    RECOVERED = "recovered"
    ENDED = "ended"
    LEFT = "left"
    OPEN = "open"


class Means(StrEnum):
    """
    What brought the money.

    ``retry``: a planned try of the same card. ``new_card``: the customer gave another one, and it
    was tried at once. ``confirmed``: the customer confirmed the payment with their bank.
    """

    RETRY = "retry"
    NEW_CARD = "new_card"
    CONFIRMED = "confirmed"


@frozen(kw_only=True)
class FailedInvoice:
    """
    An invoice whose first charge failed, and what became of it.

    Args:
        id: The provider's id.

        customer: Who owed it.

        amount: What was due.

        failed_at: When the first charge failed.

        code: The decline code of that.

        result: How it ended.

        paid_at: When it was paid; None unless it was.

        means: What brought the money; None unless it was paid.

        retries: How many planned tries of the first card were made, the successful one included.

        case: The dunning case it was part of.
    """

    id: InvoiceId
    customer: CustomerId
    amount: Money
    failed_at: datetime
    code: str
    result: Result
    paid_at: datetime | None
    means: Means | None
    retries: int
    case: CaseId | None

    @property
    def took(self) -> timedelta | None:
        """From the first failure to the money; None unless it was paid."""
        return None if self.paid_at is None else self.paid_at - self.failed_at


@frozen(kw_only=True)
class Story:
    """
    One case as `retainkit.RetainKit.explain` tells it.

    Args:
        invoice: What it is about.

        told: Each event with its reasons, in English and UTC.
    """

    invoice: FailedInvoice
    told: tuple[Explained, ...]


@frozen(kw_only=True)
class Outcome:
    """
    What became of a world under a policy.

    Args:
        world: The world.

        policy: The policy.

        due: The invoices that were opened, by currency: how many, and how much.

        failed: Those whose first charge failed, in the order of their failure.

        messages: How many messages were sent, by name.

        tries: How many charges the policy asked for.

        ended: How many subscriptions the policy ended.

        lost_access: For how long customers had limited or no access while a case was open,
            added up.

        charged_twice: Invoices for which money was taken twice, by the provider's own books; none
            is the only right answer.

        stories: As many cases as were asked for, explained.
    """

    world: World
    policy: DunningPolicy
    due: Mapping[str, tuple[int, Money]]
    failed: tuple[FailedInvoice, ...]
    messages: Mapping[str, int]
    tries: int
    ended: int
    lost_access: timedelta
    charged_twice: tuple[InvoiceId, ...]
    stories: tuple[Story, ...]

    @property
    def recovered(self) -> tuple[FailedInvoice, ...]:
        """The failed invoices that were paid in the end."""
        return tuple(each for each in self.failed if each.result is Result.RECOVERED)

    @property
    def invoices(self) -> int:
        """How many invoices were opened."""
        return sum(count for count, _ in self.due.values())
