"""What is sold, in which order, and what a customer may use of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from retainkit.billing.prices import (
    AddOn,
    Catalogue,
    DataTerms,
    Flat,
    LadderStep,
    Limit,
    Overlay,
    PerUnit,
    Plan,
    PlanVersion,
    Price,
    Sla,
    Support,
    entitlements,
)
from retainkit.errors import InvalidInput, NotFound, RetainkitError
from retainkit.money import money
from retainkit.timing import Interval, Period, Unit


MONTH, YEAR = Interval(unit=Unit.MONTH), Interval(unit=Unit.YEAR)
SPRING, AUTUMN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)


def flat(price_id: str, amount: str, currency: str = "EUR", interval: Interval = MONTH) -> Price:
    """A flat price."""
    return Price(
        id=price_id,
        currency=currency,
        scheme=Flat(amount=money(amount, currency)),
        interval=interval,
    )


SEATS = Price(
    id="seat", currency="EUR", scheme=PerUnit(amount=money("5", "EUR")), interval=MONTH, included=3
)
BASE = Plan(
    id="base",
    versions=(
        PlanVersion(
            number=1,
            since=SPRING,
            prices=(
                flat("base-eur", "29"),
                SEATS,
                flat("base-usd", "35", "USD"),
                flat("base-year", "290", interval=YEAR),
            ),
            capabilities={"api", "export"},
            limits={"projects": 10, "users": 3},
        ),
        PlanVersion(
            number=2,
            since=AUTUMN,
            prices=(flat("base-eur-2", "32"), SEATS),
            capabilities={"api", "export"},
            limits={"projects": 20, "users": 3},
        ),
    ),
)
PRO = Plan(
    id="pro",
    versions=(
        PlanVersion(
            number=1,
            since=SPRING,
            prices=(flat("pro-eur", "99"), SEATS),
            capabilities={"api", "export", "audit"},
            limits={"projects": 100, "storage": 50},
            sla=Sla(availability=Decimal("99.9"), credit=Decimal(10)),
            support=Support(
                channels=("mail", "phone"), hours="Mon-Fri 9-17", first_response=timedelta(hours=4)
            ),
            data=DataTerms(
                regions=("EU",), kept_after_end=timedelta(days=90), exports=("csv", "json")
            ),
        ),
    ),
)
ENTERPRISE = Plan(
    id="enterprise",
    versions=(PlanVersion(number=1, since=SPRING, prices=(), limits={"projects": None}),),
)
SSO = AddOn(id="sso", prices=(flat("sso-eur", "20"),), plans={"base", "pro"}, capabilities={"sso"})
TEN_PROJECTS = AddOn(
    id="ten-projects", prices=(flat("ten-eur", "8"),), plans={"base"}, limits={"projects": 10}
)
CATALOGUE = Catalogue(
    ladder=("base", "pro", "enterprise"),
    plans=(ENTERPRISE, BASE, PRO),
    add_ons=(SSO, TEN_PROJECTS),
)


def test_an_availability_may_be_promised_without_a_credit() -> None:
    """Not every promise has its price."""
    assert Sla(availability=Decimal("99.5")).credit is None


def test_the_ladder_tells_up_from_down() -> None:
    """Its order is stated, not guessed from prices."""
    assert CATALOGUE.step("base", "enterprise") is LadderStep.UP
    assert CATALOGUE.step("base", "pro") is LadderStep.UP
    assert CATALOGUE.step("pro", "base") is LadderStep.DOWN
    assert CATALOGUE.step("pro", "pro") is LadderStep.SAME
    assert (CATALOGUE.above("base"), CATALOGUE.below("enterprise")) == (PRO, PRO)
    assert (CATALOGUE.above("pro"), CATALOGUE.below("pro")) == (ENTERPRISE, BASE)
    assert (CATALOGUE.above("enterprise"), CATALOGUE.below("base")) == (None, None)


def test_a_plan_is_sold_in_its_newest_version() -> None:
    """From its day on; who has an older one keeps it."""
    assert BASE.version_at(AUTUMN - timedelta(seconds=1)).number == 1
    assert BASE.version_at(AUTUMN).number == 2
    assert BASE.version(1).limits["projects"] == 10


def test_a_version_says_what_comes_with_it() -> None:
    """Service level, support and data terms are of the version."""
    held = PRO.version(1)
    assert held.sla is not None
    assert held.support is not None
    assert held.data is not None
    assert (held.sla.availability, held.sla.credit) == (Decimal("99.9"), Decimal(10))
    assert held.support.first_response == timedelta(hours=4)
    assert held.data.exports == ("csv", "json")


def test_a_plan_has_its_price_in_each_currency_and_interval() -> None:
    """All components of it; prices are never converted."""
    first = BASE.version(1)
    assert [price.id for price in first.prices_in("eur", MONTH)] == ["base-eur", "seat"]
    assert [price.id for price in first.prices_in("USD", MONTH)] == ["base-usd"]
    assert [price.id for price in first.prices_in("EUR", YEAR)] == ["base-year"]
    assert CATALOGUE.price("ten-eur") == flat("ten-eur", "8")
    assert CATALOGUE.add_on("sso") is SSO


def test_add_ons_add_to_the_plan() -> None:
    """Each capability and limit says where it is from."""
    held = entitlements(
        CATALOGUE, plan="base", version=1, at=SPRING, add_ons={"sso": 1, "ten-projects": 2}
    )
    assert dict(held.capabilities) == {"api": ("base",), "export": ("base",), "sso": ("sso",)}
    assert held.limits["projects"] == Limit(value=30, sources=("base", "ten-projects"))
    assert held.limits["users"] == Limit(value=3, sources=("base",))
    assert held.until is None
    none = entitlements(CATALOGUE, plan="base", version=1, at=SPRING, add_ons={"sso": 0})
    assert "sso" not in none.capabilities


TRIAL = Overlay(
    id="trial",
    period=Period(start=AUTUMN, end=Interval(count=30, unit=Unit.DAY).advance(AUTUMN, 1, "UTC")),
    plan="pro",
)


def test_a_higher_plan_can_be_tried_for_thirty_days() -> None:
    """What the base plan has stays; what pro does not limit is not limited; it ends by itself."""
    during = entitlements(CATALOGUE, plan="base", version=1, at=AUTUMN, overlays=[TRIAL])
    assert during.capabilities["audit"] == ("trial",)
    assert during.capabilities["api"] == ("base", "trial")
    assert during.limits["projects"] == Limit(value=100, sources=("trial",))
    assert during.limits["users"] == Limit(value=None, sources=("trial",))
    assert during.until == AUTUMN + timedelta(days=30)
    bare = entitlements(CATALOGUE, plan="base", version=1, at=SPRING)
    after = entitlements(
        CATALOGUE, plan="base", version=1, at=AUTUMN + timedelta(days=30), overlays=[TRIAL]
    )
    assert after == bare
    before = entitlements(CATALOGUE, plan="base", version=1, at=SPRING, overlays=[TRIAL])
    assert (before.capabilities, before.until) == (bare.capabilities, AUTUMN)


def test_an_overlay_never_takes_anything_away() -> None:
    """A lower limit or plan leaves what is held; the order of overlays does not matter."""
    period = TRIAL.period
    lower = Overlay(id="lower", period=period, plan="base", limits={"projects": 100})
    more = Overlay(id="more", period=period, capabilities={"beta"}, limits={"storage": None})
    kept = entitlements(CATALOGUE, plan="pro", version=1, at=AUTUMN, overlays=[lower])
    assert kept.limits["projects"] == Limit(value=100, sources=("pro",))
    results = [
        entitlements(CATALOGUE, plan="pro", version=1, at=AUTUMN, overlays=order)
        for order in permutations([more, lower])
    ]
    for result in results:
        assert set(result.capabilities) == {"api", "export", "audit", "beta"}
        assert result.limits["storage"].value is None
        assert result.limits["projects"].value == 100


def test_nothing_is_added_to_what_has_no_limit() -> None:
    """An add-on that lifts a limit lifts it; more of what is unlimited is the same."""
    unlimited = AddOn(id="all", prices=(), plans={"base"}, limits={"projects": None, "seats": 5})
    catalogue = Catalogue(ladder=("base",), plans=(BASE,), add_ons=(unlimited, TEN_PROJECTS))
    held = entitlements(
        catalogue, plan="base", version=1, at=SPRING, add_ons={"ten-projects": 1, "all": 1}
    )
    assert held.limits["projects"] == Limit(value=None, sources=("base", "all"))
    assert "seats" not in held.limits


def test_dict_order_has_no_influence() -> None:
    """However the add-ons, limits and plans are listed, the answer is the same, order and all."""
    answers = []
    for plans in permutations(CATALOGUE.plans):
        for add_ons in permutations([("sso", 1), ("ten-projects", 2)]):
            catalogue = Catalogue(ladder=CATALOGUE.ladder, plans=plans, add_ons=CATALOGUE.add_ons)
            held = entitlements(
                catalogue,
                plan="base",
                version=1,
                at=AUTUMN,
                add_ons=dict(add_ons),
                overlays=[TRIAL],
            )
            answers.append(repr(held))
    assert len(set(answers)) == 1


def _catalogue(**options: Any) -> Catalogue:
    return Catalogue(**{"ladder": ("base",), "plans": (BASE,)} | options)


def _version(**options: Any) -> PlanVersion:
    given: dict[str, Any] = {"number": 1, "since": SPRING, "prices": ()}
    return PlanVersion(**given | options)


@pytest.mark.parametrize(
    ("make", "error_type", "code", "field", "value", "remedy"),
    [
        (
            lambda: _catalogue(ladder=("base", "pro")),
            InvalidInput,
            "catalogue.ladder",
            "ladder",
            ["base", "pro"],
            "list the ids of all plans, from the lowest to the highest",
        ),
        (
            lambda: _catalogue(ladder=("base", "base")),
            InvalidInput,
            "catalogue.ladder",
            "ladder",
            ["base", "base"],
            "list the ids of all plans, from the lowest to the highest",
        ),
        (
            lambda: _catalogue(plans=(BASE, BASE)),
            InvalidInput,
            "catalogue.ladder",
            "ladder",
            ["base"],
            "list the ids of all plans, from the lowest to the highest",
        ),
        (
            lambda: _catalogue(add_ons=(TEN_PROJECTS, TEN_PROJECTS)),
            InvalidInput,
            "catalogue.duplicate",
            "add_ons",
            "ten-projects",
            "give each an id of its own; what was changed is a new one",
        ),
        (
            lambda: _catalogue(
                add_ons=(AddOn(id="x", prices=(flat("base-eur", "1"),), plans={"base"}),)
            ),
            InvalidInput,
            "catalogue.duplicate",
            "prices",
            "base-eur",
            "give each an id of its own; what was changed is a new one",
        ),
        (
            lambda: _catalogue(add_ons=(SSO,)),
            InvalidInput,
            "catalogue.unknown_plan",
            "add_ons",
            "pro",
            "name plans of the ladder",
        ),
        (
            lambda: CATALOGUE.step("base", "gold"),
            NotFound,
            "catalogue.not_found",
            "plan",
            "gold",
            "take an id of the catalogue's plans, add_ons or prices",
        ),
        (
            lambda: CATALOGUE.add_on("gold"),
            NotFound,
            "catalogue.not_found",
            "add_on",
            "gold",
            "take an id of the catalogue's plans, add_ons or prices",
        ),
        (
            lambda: CATALOGUE.price("gold"),
            NotFound,
            "catalogue.not_found",
            "price",
            "gold",
            "take an id of the catalogue's plans, add_ons or prices",
        ),
        (
            lambda: AddOn(id="x", prices=(), plans="base"),
            InvalidInput,
            "price.names",
            "names",
            "base",
            'pass a set: {"base"}',
        ),
        (
            lambda: Plan(id="p", versions=()),
            InvalidInput,
            "plan.versions",
            "versions",
            [],
            "list them from the first to the newest, each with a later since",
        ),
        (
            lambda: Plan(id="p", versions=tuple(reversed(BASE.versions))),
            InvalidInput,
            "plan.versions",
            "versions",
            [2, 1],
            "list them from the first to the newest, each with a later since",
        ),
        (
            lambda: Plan(id="p", versions=(_version(), _version(since=AUTUMN))),
            InvalidInput,
            "plan.versions",
            "versions",
            [1, 1],
            "list them from the first to the newest, each with a later since",
        ),
        (
            lambda: Plan(id="p", versions=(_version(), _version(number=2))),
            InvalidInput,
            "plan.versions",
            "versions",
            [1, 2],
            "list them from the first to the newest, each with a later since",
        ),
        (
            lambda: BASE.version(3),
            NotFound,
            "plan.no_version",
            "version",
            "3",
            "take the number of one in versions, or an instant from the first one's since on",
        ),
        (
            lambda: BASE.version_at(SPRING - timedelta(days=1)),
            NotFound,
            "plan.no_version",
            "version",
            "2026-02-28T00:00:00+00:00",
            "take the number of one in versions, or an instant from the first one's since on",
        ),
        (
            lambda: BASE.version(1).prices_in("CHF", MONTH),
            NotFound,
            "plan.no_price",
            "interval",
            "1 month",
            "choose one that is offered; prices are not converted",
        ),
        (
            lambda: _version(limits={"users": -1}),
            InvalidInput,
            "price.not_whole",
            "users",
            -1,
            "pass an int of 0 or more",
        ),
        (
            lambda: _version(number=0),
            InvalidInput,
            "price.not_whole",
            "number",
            0,
            "pass an int of 1 or more",
        ),
        (
            lambda: _version(since=datetime(2026, 1, 1)),
            InvalidInput,
            "time.naive",
            "since",
            "2026-01-01T00:00:00",
            "give it a zone: datetime(..., tzinfo=UTC)",
        ),
        (
            lambda: Sla(availability=Decimal("99.5"), credit=Decimal(0)),
            InvalidInput,
            "discount.percent",
            "credit",
            "0",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: Sla(availability=Decimal(101)),
            InvalidInput,
            "discount.percent",
            "availability",
            "101",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: entitlements(
                CATALOGUE, plan="pro", version=1, at=AUTUMN, add_ons={"ten-projects": 1}
            ),
            InvalidInput,
            "entitlement.add_on",
            "add_ons",
            "ten-projects",
            "choose one for this plan, or one of the plans ['base']",
        ),
        (
            lambda: entitlements(CATALOGUE, plan="pro", version=1, at=AUTUMN, add_ons={"sso": -1}),
            InvalidInput,
            "price.not_whole",
            "add_ons",
            -1,
            "pass an int of 0 or more",
        ),
    ],
)
def test_what_is_not_sold_is_refused(
    *,
    make: Callable[[], object],
    error_type: type[RetainkitError],
    code: str,
    field: str,
    value: object,
    remedy: str,
) -> None:
    """Each refusal names what is wrong and the way out."""
    with pytest.raises(error_type) as refused:
        make()
    error = refused.value
    assert (error.code, error.field, error.value, error.remedy) == (code, field, value, remedy)
