"""Who supplies and who buys; what of it must be on a document is in ``_mandatory``."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Address:
    """
    Where a party is at home.

    Args:
        lines: Street and number, and whatever stands above the city.

        city: The city.

        country: ISO 3166-1 alpha-2; VAT's own ``EL`` and ``XI`` are understood too.

        postal_code: As the country writes it.

        region: State or province, where the country has it in addresses.
    """

    lines: tuple[str, ...] = ()
    city: str = ""
    country: str = ""
    postal_code: str = ""
    region: str = ""


@frozen(kw_only=True)
class Party:
    """
    The seller or the buyer of a document. What isn't known is left empty: the checker names it.

    Args:
        name: Full name of the person or company.

        address: Its address.

        vat_id: Its VAT number, with the prefix of its country.

        tax_number: The number its tax office gave it, which Germany takes instead of a VAT id.

        registration: Its number in a register of companies.

        email: Where invoices are asked about or sent to.
    """

    name: str = ""
    address: Address = Address()
    vat_id: str = ""
    tax_number: str = ""
    registration: str = ""
    email: str = ""


NOBODY = Party()
"""A party of which nothing is known."""
