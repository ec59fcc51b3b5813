"""The rate table: by date, with gaps named, overridden by the host; and the shipped figures."""

from __future__ import annotations

import runpy
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from retainkit.billing.tax import (
    Buyer,
    QuoteState,
    Rate,
    RateTable,
    Seller,
    TaxableLine,
    TaxComponent,
    TaxRequest,
    calculate,
    shipped_rates,
    tax_point_rule,
)
from retainkit.errors import InvalidInput, NotFound, RetainkitError
from retainkit.money import money


ROOT = Path(__file__).parents[3]
FIRST, SECOND, THIRD = date(2020, 1, 1), date(2020, 7, 1), date(2021, 1, 1)


def rate(percent: int, start: date, end: date | None = None, *, category: str = "standard") -> Rate:
    return Rate(
        country="DE",
        category=category,
        rate=Fraction(percent, 100),
        valid_from=start,
        valid_to=end,
        source="a test",
    )


def table(*rates: Rate) -> RateTable:
    return RateTable(rates=rates, data_as_of=date(2026, 9, 29))


def test_a_rate_holds_from_its_first_day_to_the_day_before_its_end() -> None:
    """The cut of 2020: 16 % from 1 July to 31 December."""
    shipped = shipped_rates()
    days = (date(2020, 6, 30), date(2020, 7, 1), date(2020, 12, 31), date(2021, 1, 1))
    found = [shipped.rate("DE", day).rate for day in days]
    assert found == [Fraction(p, 100) for p in (19, 16, 16, 19)]


def test_rates_of_a_stretch_of_time_come_in_order() -> None:
    """All that hold on any of its days."""
    found = shipped_rates().during("DE", date(2020, 6, 30), date(2021, 1, 1))
    assert [each.rate for each in found] == [Fraction(p, 100) for p in (19, 16, 19)]


@pytest.mark.parametrize(
    ("country", "region", "on", "percent"),
    [
        ("IE", None, date(2021, 2, 28), "21"),
        ("IE", None, date(2021, 3, 1), "23"),
        ("HR", None, date(2022, 12, 31), "25"),
        ("LU", None, date(2023, 12, 31), "16"),
        ("CH", None, date(2017, 12, 31), "8"),
        ("PT", "PT-20", date(2026, 1, 1), "16"),
        ("PT", "PT-20", date(2020, 1, 1), "18"),
    ],
)
def test_known_faults_of_the_sources_are_put_right(
    country: str, region: str | None, on: date, percent: str
) -> None:
    """Days without a rate, a missing cut, stale figures."""
    assert shipped_rates().rate(country, on, region=region).rate == Fraction(percent) / 100


def test_regional_rates_are_no_reduced_ones() -> None:
    """16 and 22 % in Portugal are standard rates of islands; 8.5 % in France is overseas."""
    categories = {
        each.category: each.rate for each in shipped_rates().rates if each.country == "PT"
    }
    assert categories.keys() == {"standard", "parking"}


def test_the_shipped_table_is_what_the_sources_give() -> None:
    """The build checks gaps, overlaps and sources that disagree, and that nobody edited it."""
    script = ROOT / "scripts" / "build_vat_rates.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(" 0 faults\n")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"start": date(2020, 9, 2)}, "gap: IE standard 2020-09-01 2020-09-02"),
        ({"end": date(2021, 3, 2)}, "overlap: IE standard 2021-03-02 2021-03-01"),
        ({"rate": Decimal(22)}, "ibericode disagrees: IE 2020-09-01 21, ours 22"),
        (
            {"end": None, "rate": Decimal(25)},
            "eu-vat-rates-data 2026.9.29 disagrees: IE 23, ours 25",
        ),
    ],
)
def test_the_build_finds_what_is_wrong(changes: dict[str, object], fault: str) -> None:
    """Ireland's half year of 21 %, put down wrongly in each of the ways."""
    build = runpy.run_path(str(ROOT / "scripts" / "build_vat_rates.py"))
    rows = build["build"]()
    assert build["faults"](rows) == []
    (index,) = (
        index
        for index, row in enumerate(rows)
        if (row.country, row.start) == ("IE", date(2020, 9, 1))
    )
    rows[index] = rows[index]._replace(**changes)
    assert fault in build["faults"](rows)


def test_the_shipped_table_has_no_gaps() -> None:
    """By its own account."""
    assert shipped_rates().gaps() == ()
    assert len(shipped_rates().rates) > 200


def test_the_age_of_the_data_is_a_finding_past_the_hosts_limit() -> None:
    """Nobody is stopped, everybody is told."""
    shipped = shipped_rates()
    limit = timedelta(days=180)
    request = TaxRequest(
        currency="EUR",
        seller=Seller(country="DE"),
        buyer=Buyer(country="DE"),
        tax_point=date(2027, 6, 1),
        lines=(TaxableLine(id="plan", amount=money(1, "EUR")),),
    )
    late = shipped.data_as_of + limit + timedelta(days=1)
    old = calculate(request, shipped, today=late, max_age=limit)
    assert [finding.key for finding in old.findings] == ["tax.rates_old"]
    assert old.findings[0].values["data_as_of"] == shipped.data_as_of.isoformat()
    on_time = calculate(request, shipped, today=late - timedelta(days=1), max_age=limit)
    assert on_time.findings == ()


def test_the_host_overrides_what_overlaps_and_keeps_the_rest() -> None:
    """A new rate from a day on, or a correction of some days in the middle."""
    changed = table(rate(19, FIRST)).with_rates(rate(16, SECOND, THIRD))
    days = (FIRST, SECOND, THIRD)
    assert [changed.rate("DE", day).rate * 100 for day in days] == [19, 16, 19]
    again = changed.with_rates(rate(20, SECOND), data_as_of=THIRD)
    assert [again.rate("DE", day).rate * 100 for day in days] == [19, 20, 20]
    assert again.data_as_of == THIRD


@pytest.mark.parametrize(("written", "country"), [("el", "GR"), ("UK", "GB"), ("de", "DE")])
def test_the_hosts_rate_holds_however_its_country_is_written(written: str, country: str) -> None:
    """Else the shipped one would go on without a word."""
    own = Rate(country=written, rate=Fraction(1, 2), valid_from=date(2026, 1, 1), source="a law")
    assert shipped_rates().with_rates(own).rate(country, date(2026, 6, 1)).rate == Fraction(1, 2)
    assert tax_point_rule(written) is tax_point_rule(country)


def test_the_host_adds_a_category() -> None:
    """E-books in Germany, which the shipped table leaves to the host."""
    books = shipped_rates().with_rates(rate(7, date(2019, 12, 18), category="ebook"))
    request = TaxRequest(
        currency="EUR",
        seller=Seller(country="DE"),
        buyer=Buyer(country="DE"),
        tax_point=date(2026, 11, 22),
        lines=(
            TaxableLine(id="book", amount=money(10, "EUR"), category="ebook"),
            TaxableLine(id="plan", amount=money(10, "EUR")),
        ),
    )
    assert [str(group.tax.amount) for group in calculate(request, books).groups] == [
        "0.70",
        "1.90",
    ]


def test_a_gap_is_reported_and_never_a_zero() -> None:
    """By the table, as an error when asked for the day, and as unknown tax."""
    holed = table(rate(19, FIRST, SECOND), rate(16, THIRD))
    assert [finding.values for finding in holed.gaps()] == [
        {"place": "DE standard", "from": "2020-07-01", "to": "2021-01-01"}
    ]
    with pytest.raises(InvalidInput) as caught:
        holed.rate("DE", SECOND)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.rate_gap",
        "on",
        "2020-07-01",
    )
    assert caught.value.remedy
    request = TaxRequest(
        currency="EUR",
        seller=Seller(country="DE"),
        buyer=Buyer(country="DE"),
        tax_point=SECOND,
        lines=(TaxableLine(id="plan", amount=money(10, "EUR")),),
    )
    quote = calculate(request, holed)
    assert (quote.state, quote.findings[0].key) == (QuoteState.UNKNOWN, "tax.rate_gap")
    assert quote.findings[0].values["line"] == "plan"


@pytest.mark.parametrize(
    ("country", "category", "field"),
    [("DE", "ebook", "category"), ("US", "standard", "country")],
)
def test_what_the_table_does_not_have_is_not_found(country: str, category: str, field: str) -> None:
    """A place or a category."""
    with pytest.raises(NotFound) as caught:
        table(rate(19, FIRST)).rate(country, THIRD, category=category)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.no_rates",
        field,
        f"{country} {category}",
    )
    assert caught.value.remedy


def test_before_the_first_rate_there_is_none() -> None:
    """Today's figure is no history."""
    with pytest.raises(InvalidInput) as caught:
        shipped_rates().rate("DE", date(1950, 1, 1))
    assert caught.value.code == "tax.rate_gap"


def _overlap() -> object:
    return table(rate(19, FIRST), rate(16, SECOND, THIRD))


def _backwards() -> object:
    return rate(19, SECOND, FIRST)


def _float() -> object:
    return Rate(country="DE", rate=0.19, valid_from=FIRST, source="")  # type: ignore[arg-type]


def _percent() -> object:
    return Rate(country="DE", rate=Fraction(19), valid_from=FIRST, source="")


def _parts() -> object:
    parts = (TaxComponent(name="GST", rate=Fraction(5, 100)),)
    return Rate(country="CA", rate=Fraction(11, 100), valid_from=FIRST, source="", components=parts)


@pytest.mark.parametrize(
    ("make", "code", "field", "value"),
    [
        (_overlap, "tax.rates_overlap", "rates", "2020-07-01"),
        (_backwards, "tax.rate_dates", "valid_to", "2020-01-01"),
        (_float, "tax.rate", "rate", 0.19),
        (_percent, "tax.rate", "rate", Fraction(19)),
        (_parts, "tax.rate_components", "components", "1/20"),
    ],
)
def test_a_table_that_can_not_be_right_is_refused(
    make: object, code: str, field: str, value: object
) -> None:
    """Before anybody calculates with it."""
    assert callable(make)
    with pytest.raises(RetainkitError) as caught:
        make()
    assert (caught.value.code, caught.value.field, caught.value.value) == (code, field, value)
    assert caught.value.remedy
