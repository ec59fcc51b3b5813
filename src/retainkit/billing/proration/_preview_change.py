"""What a change costs, before anybody commits to it; the answer is in ``_preview``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve, field, frozen

from retainkit.billing.proration._change_lines import change_lines
from retainkit.billing.proration._changes import Change, Terms, terms_after
from retainkit.billing.proration._charges import fee_line
from retainkit.billing.proration._line import Line
from retainkit.billing.proration._policy import RECOMMENDED, Behavior, Biller, ProrationPolicy, When
from retainkit.billing.proration._preview import Preview
from retainkit.billing.proration._reckoning import Known, Reckoning
from retainkit.billing.proration._rhythm import Rhythm, check_time, cycle_of, rhythm_after
from retainkit.billing.proration._subscription import BilledLine, Subscription
from retainkit.billing.tax import Finding
from retainkit.errors import InvalidInput
from retainkit.timing import utc


def preview_change(
    subscription: Subscription,
    change: Change | tuple[Change, ...],
    *,
    at: datetime,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Preview:
    """
    What a change, or several at one instant, would cost; nothing is changed.

    Args:
        subscription: As it is now.

        change: What is to change, in order.

        at: When; an earlier instant of the period is allowed, and reckoned as if known then.

        policy: By which rules.

        biller: Whose figures count.

    Raises:
        InvalidInput: ``proration.outside_period``, ``proration.no_change``,
            ``proration.canceled``, ``proration.currency``, ``proration.unknown_item``,
            ``proration.duplicate_item``, ``proration.interval``, ``proration.quantity``,
            ``proration.paused``, ``proration.not_paused``, ``proration.trial``,
            ``proration.no_items``, ``time.naive``.
    """
    return _preview(subscription, _asked(change, at, policy, biller))


def preview_changes(
    subscriptions: Iterable[Subscription],
    change: Change | tuple[Change, ...],
    *,
    at: datetime,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Iterator[Preview]:
    """
    The same change for many subscriptions, such as a price increase; one preview at a time.

    What they have in common is worked out once. Memory does not grow with their number.

    Raises:
        InvalidInput: As `preview_change`, when the one that it is about comes up.
    """
    asked = _asked(change, at, policy, biller)
    for subscription in subscriptions:
        yield _preview(subscription, asked)


@frozen(kw_only=True, eq=False)
class _Asked:
    """What is asked of a subscription, and what was worked out for others already."""

    changes: tuple[Change, ...]
    at: datetime
    policy: ProrationPolicy
    biller: Biller
    known: Known = field(factory=Known)


def _asked(
    change: Change | tuple[Change, ...], at: datetime, policy: ProrationPolicy, biller: Biller
) -> _Asked:
    changes = change if isinstance(change, tuple) else (change,)
    if not changes:
        raise InvalidInput(
            "There is no change to preview",
            code="proration.no_change",
            field="change",
            value=(),
            remedy="pass at least one; preview_renewal shows the next invoice without any",
        )
    return _Asked(changes=changes, at=utc(at), policy=policy, biller=biller)


def _preview(subscription: Subscription, asked: _Asked) -> Preview:
    check_time(subscription, asked.at)
    policy = asked.policy
    terms = terms_after(subscription, asked.changes, asked.at)
    cycle = cycle_of(subscription)
    rhythm = rhythm_after(subscription, terms, asked.at, policy, cycle)
    lines: tuple[Line, ...] = ()
    pending = True
    if policy.when is When.PERIOD_END or rhythm is None:
        after = _later(subscription, terms)
    else:
        reckoning = Reckoning(
            subscription=subscription,
            policy=policy,
            interval=subscription.interval,
            cycle=cycle,
            known=asked.known,
        )
        lines, billed = change_lines(reckoning, terms, rhythm, asked.at)
        pending = policy.behavior is not Behavior.INVOICE_NOW and not rhythm.whole
        after = _after(subscription, terms, rhythm, billed, asked.at)
        if rhythm.whole:
            lines = (*subscription.pending, *lines)
    fees = (fee_line(subscription, fee, policy) for fee in terms.fees)
    lines = (*lines, *fees)
    return Preview(
        before=subscription,
        after=after,
        changes=asked.changes,
        at=asked.at,
        policy=policy,
        biller=asked.biller,
        lines=lines,
        pending=pending,
        findings=() if lines else (Finding(key="proration.no_lines"),),
        known=asked.known,
    )


def _after(
    subscription: Subscription,
    terms: Terms,
    rhythm: Rhythm,
    billed: tuple[BilledLine, ...],
    instant: datetime,
) -> Subscription:
    return evolve(
        subscription,
        items=terms.items,
        interval=terms.interval,
        anchor=rhythm.anchor,
        period=rhythm.period,
        billed=billed,
        trial_end=terms.trial_end,
        paused_at=terms.paused_at,
        canceled_at=instant if terms.canceled else None,
        pending=() if rhythm.whole else subscription.pending,
        upcoming=None,
        upcoming_interval=None,
    )


def _later(subscription: Subscription, terms: Terms) -> Subscription:
    """The subscription whose items and rhythm change with its next period."""
    if not terms.active:
        return evolve(subscription, ends=True)
    return evolve(subscription, upcoming=terms.items, upcoming_interval=terms.interval)
