"""What a whole period of each item costs; shares of it are in ``_charges`` and ``_credits``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from attrs import evolve, frozen

from retainkit.billing.prices import Charge, Coupon, DiscountLine, Usage, discount
from retainkit.billing.proration._subscription import SubscriptionItem
from retainkit.billing.proration._trail import TrailStep, whole_steps


_ZERO = Fraction(0)


@frozen(kw_only=True)
class WholeAmount:
    """What a whole period of an item costs, exactly, in minor units."""

    net: Fraction
    trail: tuple[TrailStep, ...]


def whole_amounts(
    items: Iterable[SubscriptionItem],
    coupons: Sequence[Coupon],
    own: Mapping[str, Sequence[Coupon]],
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
        if coupons or item.id in own:
            line = DiscountLine(
                id=item.id, price=item.price.id, currency=charge.currency, amount=charge.exact
            )
            mine = own.get(item.id)
            off = discount((line,), mine).taken if mine else ()
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
            trail=tuple(whole_steps(charge, taken[id])),
        )
        for id, charge in charges.items()
    }
