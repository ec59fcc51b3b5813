"""What a host decides about proration, as words and one value; other systems: ``_profiles``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from attrs import frozen

from retainkit.errors import InvalidInput
from retainkit.money import Rounding


_MOST_DECIMALS = 18
_LONGEST_MONTH = 31


class Granularity(StrEnum):
    """What time is counted in."""

    SECOND = "second"
    """Whole seconds, as Stripe does."""

    MINUTE = "minute"
    """Whole minutes, as Paddle does."""

    DAY = "day"
    """Days of the calendar in the subscription's zone; see `ChangeDay`."""

    MONTH = "month"
    """Months and fractions of them: whole months from where the stretch starts, then days over
    the length of the month that would follow, as silver does."""


class Denominator(StrEnum):
    """What a stretch of time is a share of."""

    ACTUAL_PERIOD = "actual_period"
    """The period as it is, from its start to its end."""

    PLAN_PERIOD = "plan_period"
    """One interval of the plan from the period's start, also where the period was made longer or
    shorter, as Recurly does."""

    FIXED_30 = "fixed_30"
    """A month of `ProrationPolicy.fixed_days` days: where a stretch passes a month's end, the days
    that the month has above that, or below, are left out or added, as Kill Bill can."""

    STRICT_30_360 = "strict_30_360"
    """Every month has 30 days: a 31st counts nothing, and the end of February what is missing, as
    Zuora can."""

    ACTUAL_360 = "actual_360"
    """The days as they are, over 30 a month, as Zuora can."""


class Behavior(StrEnum):
    """What becomes of the lines of a change."""

    NONE = "none"
    """There are none: the new terms count from the next period on."""

    CREATE = "create"
    """They wait for the next invoice."""

    INVOICE_NOW = "invoice_now"
    """They are invoiced at once."""


class When(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    """At the instant that is given."""

    PERIOD_END = "period_end"
    """At the end of the current period, so nothing is prorated."""


class Bill(StrEnum):
    """How a change is written down."""

    WHOLE = "whole"
    """A credit for all that is not used, and a charge for all that is new."""

    DIFFERENCE = "difference"
    """One line with the difference of the two, each rounded. It is taxed as one: where the rate
    has changed since the source was billed, only two lines are right."""


class Anchor(StrEnum):
    """Where periods start after a change."""

    KEEP = "keep"
    """Where they did. With another interval: at the anchor's boundaries of that interval."""

    RESET = "reset"
    """At the change: a new, whole period begins there."""


class CreditBasis(StrEnum):
    """What a credit is a share of."""

    BILLED = "billed"
    """What was billed for the item, after discounts."""

    CURRENT_PRICE = "current_price"
    """What the item costs now by itself, whether that was ever billed or not: a coupon of several
    items is taken off it whole. As Stripe's classic mode."""


class Unpaid(StrEnum):
    """How much of a credit can be spent when the source was not paid, or not whole."""

    ALL = "all"
    """All of it, as Stripe does."""

    PAID_SHARE = "paid_share"
    """The share that was paid; the rest lowers what is open on the source's invoice."""


class Leftover(StrEnum):
    """What becomes of credits above the charges."""

    CARRY = "carry"
    """They lower the next invoice; where there will be none, a credit note is written."""

    CREDIT_NOTE = "credit_note"
    """A credit note for the customer's balance."""

    REFUND = "refund"
    """Paid back, as far as more was paid than used; the rest as a credit note."""

    OFFSET = "offset"
    """Set against what is open on the source's invoice; the rest is paid back."""


class ChangeDay(StrEnum):
    """Who pays for the day of the change, where days are counted."""

    NEW = "new"
    """The new terms: a change on the 21st leaves 20 used days."""

    OLD = "old"
    """The old terms: a change on the 21st leaves 21 used days."""


class PartialCycle(StrEnum):
    """What a first or last stretch that is shorter than a cycle is a share of."""

    ANCHORED = "anchored"
    """The whole cycle between the anchor's boundaries."""

    FROM_BOUNDARY = "from_boundary"
    """One interval counted from the boundary that it touches, as Kill Bill does: before 28
    February, one that was moved there from the 31st, lies a cycle from 28 January."""


class Biller(StrEnum):
    """Whose figures count."""

    HOST = "host"
    """The host's: what a preview says is what is invoiced."""

    PROVIDER = "provider"
    """The provider's: a preview predicts them, and its invoice is reconciled with it."""


_WORDS: Mapping[str, type[StrEnum]] = MappingProxyType(
    {
        "granularity": Granularity,
        "denominator": Denominator,
        "change_day": ChangeDay,
        "cancel_day": ChangeDay,
        "partial_cycle": PartialCycle,
        "behavior": Behavior,
        "when": When,
        "bill": Bill,
        "anchor": Anchor,
        "credit_basis": CreditBasis,
        "unpaid": Unpaid,
        "leftover": Leftover,
        "rounding": Rounding,
    }
)


@frozen(kw_only=True)
class ProrationPolicy:
    """
    How time becomes money when terms change. The defaults are the recommended rules.

    Args:
        name: What explanations call it.

        granularity: What time is counted in.

        denominator: What a stretch is a share of.

        fixed_days: The days of a month under `Denominator.FIXED_30`; another number is allowed.

        split_months: Whether a stretch is measured month by month of the calendar, each part as
            a share of its own month.

        change_day: Who pays for the day of a change, where days are counted.

        cancel_day: The same for a cancellation; as `change_day` unless given.

        partial_cycle: What a shorter first or last stretch is a share of.

        behavior: What becomes of the lines.

        when: When a change takes effect.

        bill: Whether the whole or the difference is written down.

        anchor: Where periods start after a change.

        credit_basis: What a credit is a share of.

        cap_credits: Whether the credits for a billed line may never exceed it.

        unpaid: How much of a credit for an unpaid line can be spent.

        leftover: What becomes of credits above the charges.

        prorate_included: Whether a share of a period has only that share of included units.

        prorate_tiers: Whether the limits of tiers shrink with the period.

        rounding: Where each line goes between two minor units; it is rounded once.

        factor_scale: Decimals that a share is first rounded to, half up; None keeps it exact.

        amount_scale: Decimals of the currency's unit that an amount is first rounded to, half to
            even; None keeps it exact.

    Raises:
        InvalidInput: ``proration.option``.
    """

    name: str = "recommended"
    granularity: Granularity = Granularity.SECOND
    denominator: Denominator = Denominator.ACTUAL_PERIOD
    fixed_days: int = 30
    split_months: bool = False
    change_day: ChangeDay = ChangeDay.NEW
    cancel_day: ChangeDay | None = None
    partial_cycle: PartialCycle = PartialCycle.ANCHORED
    behavior: Behavior = Behavior.INVOICE_NOW
    when: When = When.NOW
    bill: Bill = Bill.WHOLE
    anchor: Anchor = Anchor.KEEP
    credit_basis: CreditBasis = CreditBasis.BILLED
    cap_credits: bool = True
    unpaid: Unpaid = Unpaid.ALL
    leftover: Leftover = Leftover.CARRY
    prorate_included: bool = False
    prorate_tiers: bool = False
    rounding: Rounding = Rounding.HALF_UP
    factor_scale: int | None = None
    amount_scale: int | None = None

    def __attrs_post_init__(self) -> None:
        for option, words in _WORDS.items():
            chosen = getattr(self, option)
            if not isinstance(chosen, words) and (option != "cancel_day" or chosen is not None):
                raise InvalidInput(
                    f"There is no such {option.replace('_', ' ')}",
                    code="proration.option",
                    field=option,
                    value=chosen,
                    remedy=f"pass a {words.__name__}: {', '.join(words)}",
                )
        for name, value, least, most in (
            ("fixed_days", self.fixed_days, 1, _LONGEST_MONTH),
            ("factor_scale", self.factor_scale, 0, _MOST_DECIMALS),
            ("amount_scale", self.amount_scale, 0, _MOST_DECIMALS),
        ):
            if value is not None and (type(value) is not int or not least <= value <= most):
                raise InvalidInput(
                    f"There is no such {name.replace('_', ' ')}",
                    code="proration.option",
                    field=name,
                    value=value,
                    remedy=f"pass an int from {least} to {most}",
                )


RECOMMENDED = ProrationPolicy()
"""Seconds of the actual period, credits of what was billed, rounded once: keeps every law."""
