"""What a customer may use at an instant: plan, add-ons, and more for a time; nothing is charged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from attrs import field, frozen

from retainkit.billing.prices._catalogue import Catalogue
from retainkit.billing.prices._checks import limits_of, names_of, whole
from retainkit.errors import InvalidInput
from retainkit.timing import Period, utc


@frozen(kw_only=True)
class Overlay:
    """
    More than the plan has, for a time; it ends by itself, and never takes anything away.

    Args:
        id: The host's own.

        period: From when until when; it has an end.

        plan: The id of a plan that can be used meanwhile, in the version sold at the start.

        capabilities: What can be used meanwhile.

        limits: Limits that hold meanwhile where they are higher; None is without limit.

    Raises:
        InvalidInput: ``price.not_whole``.
    """

    id: str
    period: Period
    plan: str | None = None
    capabilities: frozenset[str] = field(default=frozenset(), converter=names_of)
    limits: Mapping[str, int | None] = field(factory=dict, converter=limits_of)


@frozen(kw_only=True)
class Limit:
    """
    How much of something a customer may use.

    Args:
        value: The limit; None is without limit.

        sources: The ids of the plan, the add-ons and the overlays that make it.
    """

    value: int | None
    sources: tuple[str, ...]


@frozen(kw_only=True)
class Entitlements:
    """
    What a customer may use, and why.

    Args:
        capabilities: Each with the ids that grant it: the plan, add-ons, overlays.

        limits: Each with its value; what is not named is not limited.

        until: When this changes by itself, since an overlay begins or ends; None when it doesn't.
    """

    capabilities: Mapping[str, tuple[str, ...]]
    limits: Mapping[str, Limit]
    until: datetime | None


def entitlements(
    catalogue: Catalogue,
    *,
    plan: str,
    version: int,
    at: datetime,
    add_ons: Mapping[str, int] = MappingProxyType({}),
    overlays: Sequence[Overlay] = (),
) -> Entitlements:
    """
    What a customer may use at an instant.

    Add-ons add to the plan's limits, once for each unit; an overlay lifts a limit to its own, if
    that is higher. Service level, support and data terms stay those of the plan.

    Args:
        catalogue: What is sold.

        plan: The id of the customer's plan.

        version: The number of its version.

        at: The instant.

        add_ons: How many units of each add-on the customer has.

        overlays: All that were ever granted; those that run count.

    Raises:
        NotFound: ``catalogue.not_found``, ``plan.no_version``.
        InvalidInput: ``entitlement.add_on`` for an add-on that is not for this plan;
            ``price.not_whole``, ``time.naive``.
    """
    instant = utc(at)
    held = catalogue.plan(plan).version(version)
    granted: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(held.capabilities), (plan,))
    limits = {name: Limit(value=value, sources=(plan,)) for name, value in held.limits.items()}
    for add_on_id, units in sorted(add_ons.items()):
        add_on = catalogue.add_on(add_on_id)
        if plan not in add_on.plans:
            raise InvalidInput(
                f"This add-on is not for the plan {plan}",
                code="entitlement.add_on",
                field="add_ons",
                value=add_on_id,
                remedy=f"choose one for this plan, or one of the plans {sorted(add_on.plans)}",
            )
        if whole(units, "add_ons", least=0):
            _grant(granted, add_on.capabilities, add_on_id)
            _add(limits, add_on.limits, units, add_on_id)
    for overlay in overlays:
        if overlay.period.contains(instant):
            _lay(catalogue, overlay, granted, limits)
    turns = [turn for each in overlays for turn in (each.period.start, each.period.end)]
    return Entitlements(
        capabilities=MappingProxyType(granted),
        limits=MappingProxyType(limits),
        until=min((turn for turn in turns if turn > instant), default=None),
    )


def _lay(
    catalogue: Catalogue,
    overlay: Overlay,
    granted: dict[str, tuple[str, ...]],
    limits: dict[str, Limit],
) -> None:
    _grant(granted, overlay.capabilities, overlay.id)
    _lift(limits, overlay.limits, overlay.id)
    if overlay.plan is not None:
        lent = catalogue.plan(overlay.plan).version_at(overlay.period.start)
        _grant(granted, lent.capabilities, overlay.id)
        _lift(limits, lent.limits, overlay.id)
        # What the lent plan does not limit is not limited meanwhile.
        _lift(limits, dict.fromkeys(limits.keys() - lent.limits.keys()), overlay.id)


def _grant(granted: dict[str, tuple[str, ...]], names: Iterable[str], source: str) -> None:
    for name in sorted(names):
        sources = granted.get(name, ())
        granted[name] = sources if source in sources else (*sources, source)


def _add(limits: dict[str, Limit], more: Mapping[str, int | None], units: int, source: str) -> None:
    for name, value in sorted(more.items()):
        held = limits.get(name)
        if held is None or held.value is None:
            continue  # not limited: there is nothing to add to
        total = None if value is None else held.value + value * units
        limits[name] = Limit(value=total, sources=(*held.sources, source))


def _lift(limits: dict[str, Limit], higher: Mapping[str, int | None], source: str) -> None:
    for name, value in sorted(higher.items()):
        held = limits.get(name)
        if held is None or held.value is None:
            continue
        if value is None or value > held.value:
            limits[name] = Limit(value=value, sources=(source,))
