"""The catalogue: all plans with their order, and add-ons; what a customer may use is elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TypeVar

from attrs import frozen

from retainkit.billing.prices._plans import AddOn, Plan
from retainkit.billing.prices._price import Price
from retainkit.errors import InvalidInput, NotFound


T = TypeVar("T")


class LadderStep(StrEnum):
    """Where a change of plan leads on the ladder."""

    UP = "up"
    DOWN = "down"
    SAME = "same"


@frozen(kw_only=True)
class Catalogue:
    """
    What is sold.

    Args:
        ladder: The ids of all plans from the lowest to the highest: ``("base", "pro",
            "enterprise")``. Prices don't tell the order: a yearly base may cost more than a
            monthly pro.

        plans: The plans, in any order.

        add_ons: What can be had on top.

    Raises:
        InvalidInput: ``catalogue.ladder`` when it does not name each plan once;
            ``catalogue.duplicate`` for two add-ons, or two prices, of one id;
            ``catalogue.unknown_plan`` for an add-on to a plan that is not there.
    """

    ladder: tuple[str, ...]
    plans: tuple[Plan, ...]
    add_ons: tuple[AddOn, ...] = ()

    def __attrs_post_init__(self) -> None:
        ids = sorted(plan.id for plan in self.plans)
        if ids != sorted(set(self.ladder)) or len(ids) != len(self.ladder):
            raise InvalidInput(
                "The ladder names each plan once",
                code="catalogue.ladder",
                field="ladder",
                value=list(self.ladder),
                remedy="list the ids of all plans, from the lowest to the highest",
            )
        _check_unique((add_on.id for add_on in self.add_ons), "add_ons")
        # The same price may stand in several plans and versions.
        _check_unique((price.id for price in set(self._prices())), "prices")
        for add_on in self.add_ons:
            for plan_id in sorted(add_on.plans.difference(self.ladder)):
                raise InvalidInput(
                    f"The add-on {add_on.id} is for a plan that is not in the catalogue",
                    code="catalogue.unknown_plan",
                    field="add_ons",
                    value=plan_id,
                    remedy="name plans of the ladder",
                )

    def plan(self, plan_id: str) -> Plan:
        """
        The plan of an id.

        Raises:
            NotFound: ``catalogue.not_found``.
        """
        return _one((plan for plan in self.plans if plan.id == plan_id), "plan", plan_id)

    def add_on(self, add_on_id: str) -> AddOn:
        """
        The add-on of an id.

        Raises:
            NotFound: ``catalogue.not_found``.
        """
        return _one((one for one in self.add_ons if one.id == add_on_id), "add_on", add_on_id)

    def price(self, price_id: str) -> Price:
        """
        The price of an id, of any version of a plan or of an add-on.

        Raises:
            NotFound: ``catalogue.not_found``.
        """
        return _one((price for price in self._prices() if price.id == price_id), "price", price_id)

    def step(self, old: str, new: str) -> LadderStep:
        """
        Whether a change from one plan to another leads up or down.

        Raises:
            NotFound: ``catalogue.not_found``.
        """
        difference = self._rung(new) - self._rung(old)
        if not difference:
            return LadderStep.SAME
        return LadderStep.UP if difference > 0 else LadderStep.DOWN

    def above(self, plan_id: str) -> Plan | None:
        """
        The next higher plan; None above the highest.

        Raises:
            NotFound: ``catalogue.not_found``.
        """
        rung = self._rung(plan_id) + 1
        return self.plan(self.ladder[rung]) if rung < len(self.ladder) else None

    def below(self, plan_id: str) -> Plan | None:
        """
        The next lower plan; None below the lowest.

        Raises:
            NotFound: ``catalogue.not_found``.
        """
        rung = self._rung(plan_id) - 1
        return self.plan(self.ladder[rung]) if rung >= 0 else None

    def _rung(self, plan_id: str) -> int:
        self.plan(plan_id)
        return self.ladder.index(plan_id)

    def _prices(self) -> Iterator[Price]:
        for plan in self.plans:
            for version in plan.versions:
                yield from version.prices
        for add_on in self.add_ons:
            yield from add_on.prices


def _one(found: Iterable[T], field: str, value: str) -> T:
    for one in found:
        return one
    raise NotFound(
        "There is nothing of this id in the catalogue",
        code="catalogue.not_found",
        field=field,
        value=value,
        remedy="take an id of the catalogue's plans, add_ons or prices",
    )


def _check_unique(ids: Iterable[str], field: str) -> None:
    for name, count in sorted(Counter(ids).items()):
        if count > 1:
            raise InvalidInput(
                "Two different things in the catalogue have the same id",
                code="catalogue.duplicate",
                field=field,
                value=name,
                remedy="give each an id of its own; what was changed is a new one",
            )
