"""What is given back of billed lines, each at most once; what is charged is in ``_charges``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import evolve

from retainkit.billing.prices import Usage
from retainkit.billing.proration._amounts import to_whole
from retainkit.billing.proration._line import Line, LineKind
from retainkit.billing.proration._policy import CreditBasis, ProrationPolicy, Unpaid
from retainkit.billing.proration._reckoning import Measured, Reckoning, measured
from retainkit.billing.proration._shares import scaled
from retainkit.billing.proration._subscription import BilledLine, SubscriptionItem, paid_of
from retainkit.billing.proration._trail import TrailStep, rounding_step
from retainkit.money import from_minor, to_minor, to_units
from retainkit.timing import Period


_ONE = Fraction(1)
_ZERO = Fraction(0)


def credit_lines(reckoning: Reckoning, item: SubscriptionItem, since: datetime) -> Iterator[Line]:
    """The credits for what was billed, or costs, from an instant on."""
    if item.price.usage is Usage.METERED:
        return
    if reckoning.policy.credit_basis is CreditBasis.CURRENT_PRICE:
        yield from _credit_of_price(reckoning, item, since)
        return
    for line in reckoning.subscription.billed:
        if line.item == item.id and line.period.end > since:
            yield from _credit_of_line(reckoning, line, since)


def difference(lines: Sequence[Line]) -> Line:
    """One line for the credits and the charge of an item."""
    last = lines[-1]
    units = sum(to_units(line.net) for line in lines)
    source = next((line for line in lines if line.source), None)
    return evolve(
        last,
        kind=LineKind.DIFFERENCE if len(lines) > 1 else last.kind,
        net=from_minor(int(units), last.net.currency),
        exact=sum((line.exact for line in lines), _ZERO),
        source=None if source is None else source.source,
        credits=None if source is None or units >= 0 else source.credits,
        unpaid=_ZERO if source is None or units >= 0 else source.unpaid,
        trail=tuple(step for line in lines for step in line.trail),
    )


def _credit_of_line(reckoning: Reckoning, line: BilledLine, since: datetime) -> Iterator[Line]:
    unused = Period(start=max(since, line.period.start), end=line.period.end)
    time = _unused_of_line(reckoning, line, unused)
    if time is not None:
        yield from _credit(reckoning, line, time, line.exact * time.share.fraction)


def _credit_of_price(
    reckoning: Reckoning, item: SubscriptionItem, since: datetime
) -> Iterator[Line]:
    lines = [
        line
        for line in reckoning.subscription.billed
        if line.item == item.id and line.period.end > since
    ]
    if not lines:
        return
    # What the item costs now counts once, up to the end of what was billed last.
    last = max(lines, key=lambda line: line.period.end)
    time = reckoning.measured(Period(start=since, end=last.period.end))
    exact = reckoning.wholes((item,))[item.id].net * time.share.fraction
    fresh = evolve(lines[-1], credited=from_minor(0, reckoning.subscription.currency))
    yield from _credit(
        reckoning,
        lines[-1] if reckoning.policy.cap_credits else fresh,
        time,
        exact,
    )


def _credit(
    reckoning: Reckoning,
    line: BilledLine,
    time: Measured,
    exact: Fraction,
) -> Iterator[Line]:
    policy, currency = reckoning.policy, reckoning.subscription.currency
    already = to_minor(line.credited) if line.credited.amount else 0
    wanted = to_whole(exact, currency, policy) - already
    left = to_minor(line.net) - already
    units = min(wanted, left) if policy.cap_credits else wanted
    if units <= 0:
        return
    billed = TrailStep(
        "proration.basis",
        {
            "source": line.id,
            "billed": str(line.exact),
            "credited": str(already),
            "basis": policy.credit_basis,
        },
    )
    capped = () if units == wanted else (TrailStep("proration.cap", {"left": left}),)
    yield Line(
        id=f"{line.id}/credit/{time.period.start.isoformat()}/{already}",
        item=line.item,
        kind=LineKind.CREDIT,
        net=from_minor(-units, currency),
        exact=already - exact,
        quantity=line.quantity,
        period=time.period,
        price=line.price,
        source=line.id,
        credits=line.tax,
        unpaid=_unpaid(line, policy),
        trail=(
            *time.steps,
            billed,
            *capped,
            rounding_step(policy, already - exact, -units),
        ),
    )


def _unused_of_line(reckoning: Reckoning, line: BilledLine, unused: Period) -> Measured | None:
    """Which share of a billed line is unused, at most one; None when its time counts nothing."""
    if line.period in (unused, reckoning.cycle):
        time = reckoning.measured(unused, line.period)
        if time.share.fraction <= 1:
            return time
        share = time.share
    else:
        part, whole = reckoning.measured(unused).share, reckoning.measured(line.period).share
        if not whole.exact:
            return None
        exact = part.exact / whole.exact
        share = evolve(
            part,
            fraction=scaled(exact, reckoning.policy.factor_scale),
            exact=exact,
            whole=whole.part if whole.rule == part.rule else whole.whole,
        )
    if share.fraction > 1:
        share = evolve(share, fraction=_ONE, exact=_ONE)
    return measured(reckoning.policy, unused, share)


def _unpaid(line: BilledLine, policy: ProrationPolicy) -> Fraction:
    if policy.unpaid is Unpaid.ALL:
        return _ZERO
    gross = to_units(line.gross)
    return _ONE - min(_ONE, to_units(paid_of(line)) / gross) if gross else _ZERO
