"""The form and check digits of VAT ids, by python-stdnum (extra ``vat``); no register is asked."""

from __future__ import annotations

import re
from importlib import import_module
from types import ModuleType

from attrs import frozen

from retainkit.billing.tax._territories import EU_MEMBERS, country_code
from retainkit.errors import ConfigurationError, InvalidInput


@frozen(kw_only=True)
class VatId:
    """
    A VAT id in its written form.

    Args:
        number: Without spaces, with its prefix: ``ATU14243102``.

        country: The country it belongs to; GB for Northern Ireland, and ``EU`` for an id of the
            One Stop Shop, which no buyer has.
    """

    number: str
    country: str


def vat_id(number: str, country: str | None = None) -> VatId:
    """
    The VAT id, its form and check digits examined; whether it is registered, `VatRegister` says.

    Args:
        number: As somebody wrote it, with spaces, dots, hyphens or slashes; GR for EL is taken.

        country: Whose it must be; its prefix may then be missing. Of the EU, and GB, CH and NO.

    Raises:
        InvalidInput: ``tax.vat_id`` when its form or check digit is wrong; ``tax.vat_id_country``
            when it belongs to another country; ``tax.unknown_territory``.

        ConfigurationError: ``missing_extra`` without python-stdnum.
    """
    expected = None if country is None else _law(country)
    eu = _stdnum("stdnum.eu.vat")
    compact = _compact(eu, number)
    owner = _owner(compact)
    if owner is None and country is not None:
        written = country.strip().upper()
        if expected in EU_MEMBERS or written == "XI":
            compact = _compact(eu, ("EL" if expected == "GR" else written) + compact)
        owner = expected
    if expected is not None and owner != expected:
        raise InvalidInput(
            f"This VAT id is not of {expected}",
            code="tax.vat_id_country",
            field="number",
            value=number,
            remedy="give the id of that country, or the country of that id",
        )
    if owner is None:
        raise _wrong(number)
    return VatId(number=_checked(eu, compact, owner, number), country=owner)


def _law(country: str) -> str:
    """Whose ids a country has: Northern Ireland's are GB's, the One Stop Shop's the union's."""
    written = country.strip().upper()
    return {"EU": "EU", "XI": "GB"}.get(written) or country_code(written)


# Written between the signs of an id; stdnum leaves out only those that are usual in its country.
_SEPARATORS = re.compile(r"[\s./:()\u00a0\u2010-\u2015-]+")


def _compact(eu: ModuleType, number: str) -> str:
    plain = _SEPARATORS.sub("", number).upper()
    if plain.startswith("GR"):  # Greece's prefix is EL; many write the country's code
        plain = "EL" + plain.removeprefix("GR")
    try:
        return str(eu.compact(plain))
    except Exception:  # noqa: BLE001 - stdnum raises its own and, on odd text, built-in errors
        return "".join(sign for sign in plain if sign.isalnum())


# Outside the EU: how an id begins, and the module that checks it.
_ELSEWHERE = {"GB": "stdnum.gb.vat", "CH": "stdnum.ch.vat", "NO": "stdnum.no.mva"}


def _owner(compact: str) -> str | None:
    prefix = compact[:2]
    if prefix in EU_MEMBERS - {"GR"} or prefix in {"EU", "GB", "NO"}:
        return prefix
    if compact.startswith("CHE"):
        return "CH"
    return {"EL": "GR", "XI": "GB"}.get(prefix)


def _checked(eu: ModuleType, compact: str, owner: str, number: str) -> str:
    of_eu = compact.startswith("XI") or owner not in _ELSEWHERE
    module = eu if of_eu else _stdnum(_ELSEWHERE[owner])
    plain = compact if of_eu or owner == "CH" else compact.removeprefix(owner)
    try:
        valid = str(module.validate(plain))
    except Exception as exc:
        raise _wrong(number) from exc
    return valid if of_eu or owner == "CH" else f"{owner}{valid}"


def _wrong(number: str) -> InvalidInput:
    return InvalidInput(
        "This is no VAT id: its form or its check digit is wrong",
        code="tax.vat_id",
        field="number",
        value=number,
        remedy="ask for it again, with its prefix such as DE or EL",
    )


def _stdnum(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as exc:
        raise ConfigurationError(
            "VAT ids are checked by python-stdnum, which is not installed",
            code="missing_extra",
            field="extra",
            value="vat",
            remedy="pip install 'retainkit-sdk[vat]'",
        ) from exc
