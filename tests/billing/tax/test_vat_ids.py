"""VAT ids by their form and check digits, and without the extra."""

from __future__ import annotations

import sys

import pytest

from retainkit.billing.tax import vat_id
from retainkit.errors import ConfigurationError, InvalidInput


@pytest.mark.parametrize(
    ("number", "country", "written", "owner"),
    [
        ("ATU 142 43 102", None, "ATU14243102", "AT"),
        ("U14243102", "AT", "ATU14243102", "AT"),
        ("el 094259216", "GR", "EL094259216", "GR"),
        ("094259216", "EL", "EL094259216", "GR"),
        ("GB 980 7806 84", "GB", "GB980780684", "GB"),
        ("980780684", "GB", "GB980780684", "GB"),
        ("980780684", "XI", "XI980780684", "GB"),
        ("XI 980 7806 84", "XI", "XI980780684", "GB"),
        ("CHE-107.787.577 IVA", "CH", "CHE107787577IVA", "CH"),
        ("NO 995 525 828 MVA", None, "NO995525828MVA", "NO"),
        ("EU 372022452", "EU", "EU372022452", "EU"),
    ],
)
def test_an_id_in_its_written_form(
    number: str, country: str | None, written: str, owner: str
) -> None:
    """Whatever the spaces, with or without its prefix where the country is known."""
    found = vat_id(number, country)
    assert (found.number, found.country) == (written, owner)


@pytest.mark.parametrize(
    ("number", "country", "compact"),
    [
        ("CZ - 25123891", None, "CZ25123891"),
        ("CZ 640229/4448", "CZ", "CZ6402294448"),
        ("IT: 02331250163", "IT", "IT02331250163"),
        ("FI 207.747.40", "FI", "FI20774740"),
        ("SI\u00a050\u2013223054", "SI", "SI50223054"),
        ("GR 094259216", "GR", "EL094259216"),
        ("gr094259216", None, "EL094259216"),
    ],
)
def test_separators_and_the_prefix_of_greece_are_understood(
    number: str, country: str | None, compact: str
) -> None:
    """People copy ids from letterheads, whatever is usual in that country."""
    assert vat_id(number, country).number == compact


@pytest.mark.parametrize("number", ["BE 0220,764.971", "DE 246X595 415", "NL B06753742B01"])
def test_other_signs_between_are_wrong(number: str) -> None:
    """A comma or a letter is no separator."""
    with pytest.raises(InvalidInput) as caught:
        vat_id(number)
    assert (caught.value.code, caught.value.value) == ("tax.vat_id", number)


@pytest.mark.parametrize(
    ("number", "country"),
    [("DE136695977", "DE"), ("136695976", None), ("", "FR"), ("hello", "NL"), ("CHE-1", "CH")],
)
def test_a_wrong_id_is_refused(number: str, country: str | None) -> None:
    """A digit off, no prefix and no country, or no id at all."""
    with pytest.raises(InvalidInput) as caught:
        vat_id(number, country)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.vat_id",
        "number",
        number,
    )
    assert caught.value.remedy


@pytest.mark.parametrize("country", ["FR", "EU"])
def test_an_id_of_another_country_is_refused(country: str) -> None:
    """A right one, but not of whom it is said to be."""
    with pytest.raises(InvalidInput) as caught:
        vat_id("DE136695976", country)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.vat_id_country",
        "number",
        "DE136695976",
    )
    assert caught.value.remedy


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-stdnum is LGPL, so it is the host's choice."""
    monkeypatch.setitem(sys.modules, "stdnum.eu.vat", None)
    with pytest.raises(ConfigurationError) as caught:
        vat_id("DE136695976")
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "missing_extra",
        "extra",
        "vat",
    )
    assert "retainkit-sdk[vat]" in caught.value.remedy
