"""What a change costs, before anybody commits to it; the answer is in ``_preview``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve, field, frozen

from retainkit.billing.proration._change_lines import change_lines
from retainkit.billing.proration._changes import (
    Change,
    EndTrial,
    Resume,
    StartTrial,
    Terms,
    terms_after,
    upcoming_after,
)
from retainkit.billing.proration._charges import fee_line
from retainkit.billing.proration._coming import items_from, unspent
from retainkit.billing.proration._line import Line
from retainkit.billing.proration._policy import (
    RECOMMENDED,
    Anchor,
    Behavior,
    Biller,
    ProrationPolicy,
    When,
)
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
            ``proration.no_items``, ``proration.when``, ``time.naive``.
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
    lines: tuple[Line, ...] = ()
    pending = True
    cycle = cycle_of(subscription)
    rhythm = None
    if policy.when is When.NOW:
        terms = terms_after(subscription, asked.changes, asked.at)
        rhythm = rhythm_after(subscription, terms, asked.at, policy, cycle)
    if rhythm is None:
        terms = _terms_then(subscription, asked)
        after = _later(subscription, terms, policy)
    else:
        start = rhythm.period.start
        terms = evolve(terms, items=items_from(subscription, terms.items, start))
        reckoning = Reckoning(
            subscription=subscription,
            policy=policy,
            interval=subscription.interval,
            cycle=cycle,
            since=subscription.period.start,
            known=asked.known,
        )
        lines, billed = change_lines(reckoning, terms, rhythm, asked.at)
        pending = policy.behavior is not Behavior.INVOICE_NOW and not rhythm.whole
        after = _after(subscription, terms, rhythm, billed, asked)
        if rhythm.whole:
            lines = (*subscription.pending, *lines)
    fees = (fee_line(subscription, fee, policy, asked.at) for fee in terms.fees)
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
    asked: _Asked,
) -> Subscription:
    stays = not terms.canceled and asked.at < subscription.period.end
    upcoming = upcoming_after(subscription, asked.changes) if stays else None
    return evolve(
        subscription,
        items=terms.items,
        interval=terms.interval,
        anchor=rhythm.anchor,
        period=rhythm.period,
        billed=billed,
        trial_end=terms.trial_end,
        paused_at=terms.paused_at,
        canceled_at=asked.at if terms.canceled else None,
        pending=() if rhythm.whole else subscription.pending,
        coupons=unspent(subscription, subscription.coupons, rhythm.period.start),
        upcoming=None if upcoming == terms.items else upcoming,
        upcoming_anchor=None if upcoming is None else subscription.upcoming_anchor,
    )


def _terms_then(subscription: Subscription, asked: _Asked) -> Terms:
    """The terms with which the next period begins; what has an instant of its own is refused."""
    for change in asked.changes:
        if isinstance(change, Resume | StartTrial | EndTrial):
            raise InvalidInput(
                "A trial, or the end of a pause, is at an instant and not at a period's end",
                code="proration.when",
                field="change",
                value=type(change).__name__,
                remedy="preview it with When.NOW, by itself",
            )
    return terms_after(subscription, asked.changes, max(asked.at, subscription.period.end))


def _later(subscription: Subscription, terms: Terms, policy: ProrationPolicy) -> Subscription:
    """The subscription whose items and rhythm change with its next period."""
    anchor = terms.anchor or subscription.upcoming_anchor
    if policy.anchor is Anchor.RESET and terms.active:
        anchor = subscription.period.end
    return evolve(
        subscription,
        upcoming=terms.items,
        upcoming_anchor=anchor,
        paused_at=terms.paused_at,
        ends=subscription.ends or terms.canceled,
    )
