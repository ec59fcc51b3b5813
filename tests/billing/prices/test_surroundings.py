"""Prices come out the same wherever they are reckoned: decimal context, hash seed, zone, locale."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Clamped, Context, FloatOperation, Inexact, Rounded, localcontext


PROGRAM = """
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from retainkit.billing.prices import *
from retainkit.money import Rounding, money
from retainkit.timing import Interval, Unit

MONTH, YEAR = Interval(unit=Unit.MONTH), Interval(unit=Unit.YEAR)
START = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def price(scheme, **options):
    given = {"id": "p", "currency": "EUR", "scheme": scheme, "interval": MONTH} | options
    return Price(**given)


def reckon():
    tiers = (
        Tier(up_to=100, unit=money("1234.56789", "EUR")),
        Tier(unit=money("0.0004", "EUR"), flat=money("98765.43", "EUR")),
    )
    graduated = price(Graduated(tiers=tiers), included=3, minimum=money("77.77", "EUR"))
    charge = graduated.charge(Fraction(12345, 7), share=Fraction(17, 31))
    yield charge.amount(Rounding.HALF_EVEN)
    lines = [
        DiscountLine(id=name, price=name, currency="EUR", amount=123_457)
        for name in ("api", "seats", "storage")
    ]
    coupons = [
        Coupon(id="a", percent=Decimal("33.3333"), applies_to={"api", "storage", "mail"}),
        Coupon(id="b", amount=money("12345.67", "EUR")),
    ]
    yield discount(lines, coupons).rounded(Rounding.HALF_UP)
    dear = price(Flat(amount=money("2469135.79", "EUR")), id="dear")
    cheap = price(Flat(amount=money("1234567.89", "EUR")))
    schedule = stepped_increase(cheap, dear, steps=6, start=START, zone="Europe/Berlin")
    yield [(step.price.scheme, step.since.isoformat()) for step in schedule.steps()]
    yield prepaid(cheap, YEAR, id="year", percent_off=Decimal("12.345"))
    base = PlanVersion(
        number=1, since=START, prices=(), capabilities={"x", "y", "z"}, limits={"b": 1, "a": 2}
    )
    catalogue = Catalogue(ladder=("base",), plans=(Plan(id="base", versions=(base,)),))
    yield entitlements(catalogue, plan="base", version=1, at=START)


def told():
    return "\\n".join(map(repr, reckon()))
"""


def test_the_decimal_context_has_no_influence() -> None:
    """A caller with one digit, who forbids whatever decimals can forbid."""
    namespace: dict[str, object] = {}
    exec(PROGRAM, namespace)
    told = namespace["told"]
    assert callable(told)
    expected = told()
    traps = [Inexact, Rounded, Clamped, FloatOperation]
    with localcontext(Context(prec=1, rounding="ROUND_UP", Emin=-2, Emax=2, traps=traps)):
        assert told() == expected


def test_the_process_has_no_influence() -> None:
    """Its zone, its locale, and the order in which its sets come out."""
    answers = set()
    for seed, zone, language in (("1", "UTC", "C"), ("2", "Asia/Kathmandu", "de_DE.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
        answers.add(
            subprocess.run(
                [sys.executable, "-c", f"{PROGRAM}\nprint(told())"],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
    (answer,) = answers
    assert answer.count("\n") == 5
