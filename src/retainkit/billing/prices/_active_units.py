"""Counting units that were used: active ones are charged, passive paid ones are named."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from retainkit.billing.prices._checks import names_of, whole
from retainkit.errors import InvalidInput


@frozen(kw_only=True)
class UnitUse:
    """
    What one unit, a user or a device, did in a period.

    Args:
        id: The unit's.

        actions: How many actions that count it did; None when that is not known.

        role: The user's role, if roles matter.

        paid: Whether it is paid for, as a seat that somebody holds.

    Raises:
        InvalidInput: ``price.not_whole``.
    """

    id: str
    actions: int | None
    role: str | None = None
    paid: bool = True

    def __attrs_post_init__(self) -> None:
        if self.actions is not None:
            whole(self.actions, "actions", least=0)


@frozen(kw_only=True)
class ActiveUnits:
    """
    Which units count.

    Args:
        least_actions: How many actions make a unit active.

        roles: The roles that count; all when empty.

    Raises:
        InvalidInput: ``price.not_whole``.
    """

    least_actions: int = 1
    roles: frozenset[str] = field(default=frozenset(), converter=names_of)

    def __attrs_post_init__(self) -> None:
        whole(self.least_actions, "least_actions", least=1)

    def count(self, units: Iterable[UnitUse]) -> UnitCount:
        """
        Who was active, who is paid for and was not, and of whom that is not known.

        Raises:
            InvalidInput: ``usage.duplicate_unit``.
        """
        counted: dict[str, list[str]] = {"active": [], "passive": [], "unknown": []}
        seen: set[str] = set()
        for unit in units:
            if unit.id in seen:
                raise InvalidInput(
                    "A unit is counted once",
                    code="usage.duplicate_unit",
                    field="units",
                    value=unit.id,
                    remedy="add up the actions of each unit first",
                )
            seen.add(unit.id)
            if self.roles and unit.role not in self.roles:
                continue
            if unit.actions is None:
                counted["unknown"].append(unit.id)
            elif unit.actions >= self.least_actions:
                counted["active"].append(unit.id)
            elif unit.paid:
                counted["passive"].append(unit.id)
        return UnitCount(**{name: tuple(sorted(ids)) for name, ids in counted.items()})


@frozen(kw_only=True)
class UnitCount:
    """
    The units of a period, by their ids, in order.

    Args:
        active: Those that are charged.

        passive: Those that are paid for and were not active: seats that are better given back
            than found out about.

        unknown: Those of which nothing is known. They are not charged, and not called passive.
    """

    active: tuple[str, ...]
    passive: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def quantity(self) -> int:
        """What a metered price is charged for."""
        return len(self.active)
