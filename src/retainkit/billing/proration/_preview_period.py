"""A whole period as a preview, the first one or the next; changes: ``_preview_change``."""

from __future__ import annotations

from attrs import evolve

from retainkit.billing.proration._charges import period_lines
from retainkit.billing.proration._coming import coming, unspent
from retainkit.billing.proration._line import Line
from retainkit.billing.proration._next_invoice import next_invoice
from retainkit.billing.proration._policy import RECOMMENDED, Biller, ProrationPolicy
from retainkit.billing.proration._preview import Preview
from retainkit.billing.proration._reckoning import Known, Reckoning
from retainkit.billing.proration._rhythm import cycle_of
from retainkit.billing.proration._subscription import BilledLine, Subscription, billed_line
from retainkit.billing.tax import Finding
from retainkit.errors import InvalidInput
from retainkit.timing import Period


def preview_start(
    subscription: Subscription,
    *,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Preview:
    """
    The invoice for the current period, of which nothing was billed: the first one.

    Of a period that is shorter than a cycle its share is billed, and so is that after a trial
    which ends within it. Its `after` has the billed lines.

    Raises:
        InvalidInput: ``proration.started`` when something was billed.
    """
    if subscription.billed:
        raise InvalidInput(
            "Something was billed for this subscription already",
            code="proration.started",
            field="billed",
            value=subscription.billed[0].id,
            remedy="use preview_renewal for the next invoice",
        )
    reckoning = Reckoning(
        subscription=subscription,
        policy=policy,
        interval=subscription.interval,
        cycle=cycle_of(subscription),
        since=subscription.period.start,
    )
    start = max(subscription.period.start, subscription.trial_end or subscription.period.start)
    lines: tuple[Line, ...] = ()
    billed: tuple[BilledLine, ...] = ()
    if start < subscription.period.end:
        stretch = Period(start=start, end=subscription.period.end)
        lines = tuple(period_lines(reckoning, subscription.items, stretch))
        billed = tuple(billed_line(line, stretch) for line in lines)
    return Preview(
        before=subscription,
        after=evolve(subscription, billed=billed, pending=()),
        changes=(),
        at=subscription.period.start,
        policy=policy,
        biller=biller,
        lines=(*subscription.pending, *lines),
        pending=False,
        findings=() if lines else (Finding(key="proration.no_lines"),),
        known=reckoning.known,
    )


def preview_renewal(
    subscription: Subscription,
    *,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Preview:
    """
    The next invoice as a preview: the lines of the next period, and those that waited.

    Its `after` is in that period, with the items that were to come.

    Raises:
        InvalidInput: ``proration.no_renewal`` when nothing is billed any more.
    """
    known = Known()
    invoice = next_invoice(subscription, policy, known, subscription.pending, subscription.carried)
    if invoice is None or invoice.period is None:
        raise InvalidInput(
            "There is no next period to bill",
            code="proration.no_renewal",
            field="subscription",
            value=subscription.id,
            remedy="renew only what is neither paused nor canceled, and does not end",
        )
    then = coming(subscription)
    new = invoice.lines[len(subscription.pending) :]
    kept = tuple(each for each in subscription.billed if each.period.end > invoice.at)
    after = evolve(
        subscription,
        items=then.items,
        interval=then.interval,
        anchor=then.anchor,
        upcoming=None if then.turned else subscription.upcoming,
        upcoming_anchor=None if then.turned else subscription.upcoming_anchor,
        coupons=unspent(subscription, subscription.coupons, invoice.at),
        period=then.cycle,
        billed=(*kept, *(billed_line(line, invoice.period) for line in new)),
        pending=(),
    )
    return Preview(
        before=subscription,
        after=after,
        changes=(),
        at=invoice.at,
        policy=policy,
        biller=biller,
        lines=invoice.lines,
        pending=False,
        known=known,
    )
