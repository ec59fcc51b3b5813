"""Which law holds at an address: special territories by their postcodes and codes."""

from __future__ import annotations

import pytest

from retainkit.billing.tax import EU_MEMBERS, TaxArea, territory_of
from retainkit.errors import InvalidInput


@pytest.mark.parametrize(
    ("country", "postcode", "name", "law", "area"),
    [
        ("AT", "6691", "Jungholz", "AT", TaxArea.EU),
        ("DE", "87491", "Jungholz", "AT", TaxArea.EU),
        ("AT", "A-6992", "Mittelberg", "AT", TaxArea.EU),
        ("CH", "8238", "Büsingen", "CH", TaxArea.NATIONAL),
        ("DE", "D-78266", "Büsingen", "CH", TaxArea.NATIONAL),
        ("DE", "27498", "Heligoland", "DE", TaxArea.NONE),
        ("DK", "3900", "Greenland", "DK", TaxArea.NONE),
        ("DK", "FO-100", "Faroe Islands", "DK", TaxArea.NONE),
        ("EL", "630 86", "Mount Athos", "GR", TaxArea.NONE),
        ("GR", "el-63086", "Mount Athos", "GR", TaxArea.NONE),
        ("ES", "35001", "Canary Islands", "ES", TaxArea.NONE),
        ("ES", "51001", "Ceuta", "ES", TaxArea.NONE),
        ("ES", "52006", "Melilla", "ES", TaxArea.NONE),
        ("FI", "22100", "Åland", "FI", TaxArea.NONE),
        ("FI", "ax-22 100", "Åland", "FI", TaxArea.NONE),
        ("FR", "FR-97100", "Guadeloupe", "FR", TaxArea.NATIONAL),
        ("FR", "MC-98000", "Monaco", "FR", TaxArea.EU),
        ("FR", "97133", "Saint-Barthélemy", "FR", TaxArea.NONE),
        ("FR", "97150", "Saint-Martin", "FR", TaxArea.NONE),
        ("FR", "F-97110", "Guadeloupe", "FR", TaxArea.NATIONAL),
        ("FR", "98000", "Monaco", "FR", TaxArea.EU),
        ("FR", "98800", "New Caledonia", "FR", TaxArea.NONE),
        ("GB", "BT1 5GS", "Northern Ireland", "GB", TaxArea.NATIONAL),
        ("GB", "im1 1ad", "Isle of Man", "GB", TaxArea.NATIONAL),
        ("GB", "JE2 3AB", "Jersey", "GB", TaxArea.NONE),
        ("IT", "22061", "Campione d'Italia", "IT", TaxArea.NONE),
        ("IT", "23041", "Livigno", "IT", TaxArea.NONE),
        ("NO", "9170", "Svalbard and Jan Mayen", "NO", TaxArea.NONE),
        ("PT", "9400-001", "Madeira", "PT", TaxArea.EU),
        ("PT", "9980", "Azores", "PT", TaxArea.EU),
        ("UK", "BFPO 58", "Akrotiri and Dhekelia", "CY", TaxArea.EU),
    ],
)
def test_a_postcode_tells_a_special_territory(
    country: str, postcode: str, name: str, law: str, area: TaxArea
) -> None:
    """However the postcode is written."""
    found = territory_of(country, postcode)
    assert (found.name, found.country, found.area) == (name, law, area)
    assert found.special


@pytest.mark.parametrize(
    ("country", "postcode"),
    [
        ("DE", "10115"),
        ("ES", "28001"),
        ("FR", "75001"),
        ("FR", "22000"),
        ("IT", "23030"),
        ("PT", "1000-001"),
        ("GB", "SW1A 1AA"),
        ("GB", "GL1"),
        ("FI", None),
        ("AT", ""),
    ],
)
def test_others_are_the_mainland(country: str, postcode: str | None) -> None:
    """
    A postcode counts in its own country alone: GL1 is Gloucester, not Greenland. 23030 is not
    Livigno any more.
    """
    found = territory_of(country, postcode)
    assert (found.country, found.special) == (country, False)


def test_a_code_of_its_own_needs_no_postcode() -> None:
    """ISO 3166-1 has many of them, ISO 3166-2 the rest."""
    assert territory_of("gp") == territory_of("FR", "97110") == territory_of("FR", region="FR-GP")
    assert territory_of("AX").name == "Åland"
    assert territory_of("PT", region="PT-20").name == "Azores"


def test_a_region_of_another_country_changes_nothing() -> None:
    """So that a field filled in wrongly never takes a sale out of VAT."""
    assert territory_of("DE", region="ES-CN") == territory_of("DE")


def test_the_union_has_twenty_seven_members() -> None:
    """Each of them is an area of its VAT."""
    assert len(EU_MEMBERS) == 27
    assert {territory_of(country).area for country in EU_MEMBERS} == {TaxArea.EU}


@pytest.mark.parametrize(
    ("country", "region", "field", "value"),
    [("ZZ", None, "country", "ZZ"), ("", None, "country", ""), ("CA", "TX", "region", "TX")],
)
def test_what_does_not_exist_is_refused(
    country: str, region: str | None, field: str, value: str
) -> None:
    """A typo must not become somebody's mainland."""
    with pytest.raises(InvalidInput) as caught:
        territory_of(country, region=region)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.unknown_territory",
        field,
        value,
    )
    assert caught.value.remedy
