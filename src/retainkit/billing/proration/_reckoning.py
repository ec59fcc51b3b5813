"""The lines of a change: what is given back, what is charged; the whole is in ``_preview``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import Factory, evolve, field, frozen

from retainkit.billing.prices import Charge, Coupon, DiscountLine, Usage, discount
from retainkit.billing.proration._amounts import to_whole
from retainkit.billing.proration._line import Line, LineKind, TrailStep
from retainkit.billing.proration._policy import (
    CreditBasis,
    ProrationPolicy,
    Unpaid,
)
from retainkit.billing.proration._shares import Share, scaled, share_of
from retainkit.billing.proration._subscription import BilledLine, Subscription, SubscriptionItem
from retainkit.errors import InvalidInput
from retainkit.money import Money, from_minor, to_minor, to_units
from retainkit.timing import Interval, Period


_ONE = Fraction(1)
_ZERO = Fraction(0)
_MOST_REMEMBERED = 512
_FEW = 4


@frozen(kw_only=True)
class WholeAmount:
    """What a whole period of an item costs, exactly, in minor units."""

    net: Fraction
    trail: tuple[TrailStep, ...]


@frozen(kw_only=True, eq=False)
class Known:
    """What was worked out before, for previews of many subscriptions; never more than some."""

    shares: dict[tuple[object, ...], Share] = field(factory=dict)
    wholes: dict[tuple[object, ...], tuple[object, dict[str, WholeAmount]]] = field(factory=dict)
    times: list[tuple[Period, Share, tuple[TrailStep, ...]]] = field(factory=list)


@frozen(kw_only=True, eq=False)
class Reckoning:
    """
    What a change is reckoned with; inside this room only.

    Args:
        subscription: As it was.

        policy: The rules.

        interval: How long a period of the new terms is.

        cycle: What shares are shares of.

        known: What was worked out before.
    """

    subscription: Subscription
    policy: ProrationPolicy
    interval: Interval
    cycle: Period
    known: Known = Factory(Known)

    def share(self, stretch: Period, of: Period | None = None) -> Share:
        """The stretch as a share of the cycle, or of another period."""
        whole = of or self.cycle
        key = (
            stretch.start,
            stretch.end,
            whole.start,
            whole.end,
            self.interval,
            self.subscription.zone,
            self.policy.name,
        )
        found = self.known.shares.get(key)
        if found is None:
            found = share_of(
                stretch,
                self.policy,
                of=whole,
                interval=self.interval,
                zone=self.subscription.zone,
            )
            if len(self.known.shares) >= _MOST_REMEMBERED:
                self.known.shares.clear()
            self.known.shares[key] = found
        return found

    def time(self, stretch: Period, share: Share) -> tuple[TrailStep, ...]:
        """The steps that say which time an amount is for, shared by the lines of a change."""
        for known, same, steps in self.known.times:
            if same is share and known == stretch:
                return steps
        steps = _time_steps(self.policy, stretch, share)
        if len(self.known.times) >= _FEW:
            self.known.times.clear()
        self.known.times.append((stretch, share, steps))
        return steps

    def wholes(self, items: Sequence[SubscriptionItem]) -> Mapping[str, WholeAmount]:
        """What a whole period costs, by item; nothing for metered prices."""
        coupons = self.subscription.coupons
        key = (
            *((item.id, id(item.price), item.quantity, id(item.discounts)) for item in items),
            *map(id, coupons),
        )
        found = self.known.wholes.get(key)
        if found is None:
            if len(self.known.wholes) >= _MOST_REMEMBERED:
                self.known.wholes.clear()
            # The items are kept with the amounts, so that no other object can get their ids.
            found = (items, coupons), whole_amounts(items, coupons)
            self.known.wholes[key] = found
        return found[1]

    def billed_before(self, id: str) -> int:
        """How many lines were billed for an item, so that ids of new ones differ."""
        return [each.item for each in self.subscription.billed].count(id)

    def period_lines(self, items: Sequence[SubscriptionItem], stretch: Period) -> Iterator[Line]:
        """The lines that bill a period, or all of it that is billed; none for metered prices."""
        wholes = self.wholes(items)
        for item in items:
            if item.id in wholes:
                yield charge_line(self, item, wholes[item.id], stretch, LineKind.PERIOD)


def whole_amounts(
    items: Iterable[SubscriptionItem], coupons: Sequence[Coupon]
) -> dict[str, WholeAmount]:
    """What a whole period of each licensed item costs, after its own and the common coupons."""
    charges: dict[str, Charge] = {}
    taken: dict[str, list[tuple[str, Fraction]]] = {}
    lines: list[DiscountLine] = []
    for item in items:
        if item.price.usage is Usage.METERED:
            continue
        charge = charges[item.id] = item.price.charge(item.quantity)
        taken[item.id] = []
        if item.discounts or coupons:
            line = DiscountLine(
                id=item.id, price=item.price.id, currency=charge.currency, amount=charge.exact
            )
            off = discount((line,), item.discounts).taken if item.discounts else ()
            taken[item.id] += ((each.coupon, each.exact) for each in off)
            lines.append(
                evolve(line, amount=charge.exact - sum(each.exact for each in off)) if off else line
            )
    if coupons:
        for each in discount(lines, coupons).taken:
            taken[each.line].append((each.coupon, each.exact))
    return {
        id: WholeAmount(
            net=charge.exact - sum((off for _, off in taken[id]), _ZERO)
            if taken[id]
            else charge.exact,
            trail=tuple(_whole_steps(charge, taken[id])),
        )
        for id, charge in charges.items()
    }


def charge_line(
    reckoning: Reckoning,
    item: SubscriptionItem,
    whole: WholeAmount,
    stretch: Period,
    kind: LineKind,
) -> Line:
    """The charge of an item for a stretch of time."""
    policy, subscription = reckoning.policy, reckoning.subscription
    share = reckoning.share(stretch)
    exact = whole.net * share.fraction
    units = to_whole(exact, subscription.currency, policy)
    number = reckoning.billed_before(item.id)
    start = stretch.start.isoformat()
    return Line(
        id=f"{subscription.id}/{item.id}/{start}/{number}",
        item=item.id,
        kind=kind,
        net=from_minor(units, subscription.currency),
        exact=exact,
        quantity=item.quantity,
        period=stretch,
        price=item.price,
        trail=(
            *reckoning.time(stretch, share),
            *whole.trail,
            _rounding_step(policy, exact, units),
        ),
    )


def fee_line(subscription: Subscription, item: SubscriptionItem, policy: ProrationPolicy) -> Line:
    """A fee that is charged once, and whole."""
    whole = whole_amounts((item,), ())[item.id]
    units = to_whole(whole.net, subscription.currency, policy)
    return Line(
        id=f"{subscription.id}/{item.id}/fee",
        item=item.id,
        kind=LineKind.ONE_OFF,
        net=from_minor(units, subscription.currency),
        exact=whole.net,
        quantity=item.quantity,
        period=None,
        price=item.price,
        trail=(*whole.trail, _rounding_step(policy, whole.net, units)),
    )


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


def _credit_of_line(reckoning: Reckoning, line: BilledLine, since: datetime) -> Iterator[Line]:
    unused = Period(start=max(since, line.period.start), end=line.period.end)
    share = _share_of_line(reckoning, line, unused)
    if share is not None:
        exact = line.exact * share.fraction
        yield from _credit(reckoning, line, unused, share, exact)


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
    unused = Period(start=since, end=last.period.end)
    share = reckoning.share(unused)
    exact = reckoning.wholes(reckoning.subscription.items)[item.id].net * share.fraction
    fresh = evolve(lines[-1], credited=from_minor(0, reckoning.subscription.currency))
    yield from _credit(
        reckoning,
        lines[-1] if reckoning.policy.cap_credits else fresh,
        unused,
        share,
        exact,
    )


def _credit(
    reckoning: Reckoning,
    line: BilledLine,
    unused: Period,
    share: Share,
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
        id=f"{line.id}/credit/{unused.start.isoformat()}/{already}",
        item=line.item,
        kind=LineKind.CREDIT,
        net=from_minor(-units, currency),
        exact=already - exact,
        quantity=line.quantity,
        period=unused,
        price=line.price,
        source=line.id,
        credits=line.tax,
        unpaid=_unpaid(line, policy),
        trail=(
            *reckoning.time(unused, share),
            billed,
            *capped,
            _rounding_step(policy, already - exact, -units),
        ),
    )


def _share_of_line(reckoning: Reckoning, line: BilledLine, unused: Period) -> Share | None:
    """Which share of a billed line is unused; None when its time counts nothing."""
    if line.period in (unused, reckoning.cycle):
        return _at_most_one(reckoning.share(unused, line.period))
    part, whole = reckoning.share(unused), reckoning.share(line.period)
    if not whole.exact:
        return None
    exact = part.exact / whole.exact
    return _at_most_one(
        evolve(
            part,
            fraction=scaled(exact, reckoning.policy.factor_scale),
            exact=exact,
            whole=whole.part if whole.rule == part.rule else whole.whole,
        )
    )


def _at_most_one(share: Share) -> Share:
    return share if share.fraction <= 1 else evolve(share, fraction=_ONE, exact=_ONE)


def _unpaid(line: BilledLine, policy: ProrationPolicy) -> Fraction:
    if policy.unpaid is Unpaid.ALL:
        return _ZERO
    gross = to_units(line.gross)
    return _ONE - min(_ONE, to_units(paid_of(line)) / gross) if gross else _ZERO


def paid_of(line: BilledLine) -> Money:
    """
    What was paid of a line.

    Raises:
        InvalidInput: ``proration.paid_unknown``.
    """
    if line.paid is None:
        raise InvalidInput(
            "It is not known what was paid of this line, and the policy asks for it",
            code="proration.paid_unknown",
            field="paid",
            value=line.id,
            remedy="give BilledLine(paid=...), zero when nothing was; or choose Unpaid.ALL with"
            " Leftover.CARRY or CREDIT_NOTE",
        )
    return line.paid


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


def _time_steps(
    policy: ProrationPolicy, stretch: Period, share: Share
) -> tuple[TrailStep, TrailStep]:
    return (
        TrailStep(
            "proration.period",
            {"start": stretch.start.isoformat(), "end": stretch.end.isoformat()},
        ),
        TrailStep(
            "proration.share",
            {
                "policy": policy.name,
                "rule": share.rule,
                "unit": share.unit,
                "part": str(share.part),
                "whole": str(share.whole),
                "exact": str(share.exact),
                "share": str(share.fraction),
            },
        ),
    )


def _whole_steps(charge: Charge, taken: list[tuple[str, Fraction]]) -> Iterator[TrailStep]:
    for part in charge.parts:
        yield TrailStep(
            "proration.part",
            {
                "part": part.kind,
                "tier": part.tier or 0,
                "quantity": str(part.quantity),
                "unit": str(part.unit.amount),
                "amount": str(part.exact),
            },
        )
    for coupon, off in taken:
        yield TrailStep("proration.discount", {"coupon": coupon, "amount": str(off)})


def _rounding_step(policy: ProrationPolicy, exact: Fraction, units: int) -> TrailStep:
    return TrailStep(
        "proration.rounding",
        {"exact": str(exact), "rounding": policy.rounding, "amount": units},
    )
