"""Whose tax law holds at a country and postcode; the rates are in ``_rates``.

Sources: Articles 5 to 7 of Directive 2006/112/EC; for the postcodes ibericode/vat-rates (MIT) and
kdeldycke/vat-rates (BSD-2-Clause), see data/vat. Where the two differ (Livigno, Campione) the
postal services' present codes are taken, which are ibericode's.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from attrs import evolve, frozen

from retainkit.errors import InvalidInput


EU_MEMBERS = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
"""The member states, by ISO 3166-1: Greece is GR."""


class TaxArea(StrEnum):
    """Which law of turnover tax holds at a place."""

    EU = "eu"
    """The VAT of a member state under Directive 2006/112/EC."""

    NATIONAL = "national"
    """A tax outside the directive: of a third country, or of the French overseas departments."""

    NONE = "none"
    """A part of a state in which that state's turnover tax doesn't apply."""


@frozen(kw_only=True)
class Territory:
    """
    A place as tax sees it.

    Args:
        name: Its name where it is a special one, such as ``Canary Islands``; else its code.

        country: Whose law holds: FR in Monaco, GB on the Isle of Man, CH in Büsingen.

        region: Its part with rates of its own, such as ``PT-20``.

        area: Under which law.

        special: Whether it is taxed otherwise than the country of its address.

        local_tax: A tax of its own that is not calculated here, such as IGIC.
    """

    name: str
    country: str
    region: str | None = None
    area: TaxArea
    special: bool = False
    local_tax: str | None = None


def _special(
    name: str,
    country: str,
    area: TaxArea,
    *,
    region: str | None = None,
    local_tax: str | None = None,
) -> Territory:
    return Territory(
        name=name, country=country, region=region, area=area, special=True, local_tax=local_tax
    )


_EU, _NATIONAL, _NONE = TaxArea.EU, TaxArea.NATIONAL, TaxArea.NONE

_CANARIES = _special("Canary Islands", "ES", _NONE, local_tax="IGIC")
_CEUTA = _special("Ceuta", "ES", _NONE, local_tax="IPSI")
_MELILLA = _special("Melilla", "ES", _NONE, local_tax="IPSI")
_GUADELOUPE = _special("Guadeloupe", "FR", _NATIONAL, region="FR-GP")
_MARTINIQUE = _special("Martinique", "FR", _NATIONAL, region="FR-MQ")
_REUNION = _special("Réunion", "FR", _NATIONAL, region="FR-RE")
_GUYANE = _special("Guyane", "FR", _NONE)
_MAYOTTE = _special("Mayotte", "FR", _NONE)
_BARTHELEMY = _special("Saint-Barthélemy", "FR", _NONE)
_MARTIN = _special("Saint-Martin", "FR", _NONE, local_tax="TGCA")
_MIQUELON = _special("Saint-Pierre-et-Miquelon", "FR", _NONE)
_SOUTHERN = _special("French Southern Territories", "FR", _NONE)
_WALLIS = _special("Wallis and Futuna", "FR", _NONE)
_POLYNESIA = _special("French Polynesia", "FR", _NONE, local_tax="TVA of French Polynesia")
_CALEDONIA = _special("New Caledonia", "FR", _NONE, local_tax="TGC")
_MONACO = _special("Monaco", "FR", _EU)
_BUESINGEN = _special("Büsingen", "CH", _NATIONAL)
_HELIGOLAND = _special("Heligoland", "DE", _NONE)
_JUNGHOLZ = _special("Jungholz", "AT", _EU, region="AT-JUNGHOLZ")
_MITTELBERG = _special("Mittelberg", "AT", _EU, region="AT-MITTELBERG")
_CAMPIONE = _special("Campione d'Italia", "IT", _NONE, local_tax="ILCCI")
_LIVIGNO = _special("Livigno", "IT", _NONE)
_ALAND = _special("Åland", "FI", _NONE)
_ATHOS = _special("Mount Athos", "GR", _NONE)
_MADEIRA = _special("Madeira", "PT", _EU, region="PT-30")
_AZORES = _special("Azores", "PT", _EU, region="PT-20")
_AKROTIRI = _special("Akrotiri and Dhekelia", "CY", _EU)
# For goods it belongs to the EU (Windsor Framework); what is sold here are services.
_NORTHERN_IRELAND = _special("Northern Ireland", "GB", _NATIONAL)
_MAN = _special("Isle of Man", "GB", _NATIONAL)
_JERSEY = _special("Jersey", "GB", _NONE, local_tax="GST of Jersey")
_GUERNSEY = _special("Guernsey", "GB", _NONE)
_GIBRALTAR = _special("Gibraltar", "GB", _NONE)
_GREENLAND = _special("Greenland", "DK", _NONE)
_FAROES = _special("Faroe Islands", "DK", _NONE, local_tax="MVG")
_SVALBARD = _special("Svalbard and Jan Mayen", "NO", _NONE)

# Codes of their own: ISO 3166-1, or in use beside it (EA, IC, XI).
_BY_CODE = {
    "AX": _ALAND,
    "BL": _BARTHELEMY,
    "EA": _CEUTA,
    "FO": _FAROES,
    "GF": _GUYANE,
    "GG": _GUERNSEY,
    "GI": _GIBRALTAR,
    "GL": _GREENLAND,
    "GP": _GUADELOUPE,
    "IC": _CANARIES,
    "IM": _MAN,
    "JE": _JERSEY,
    "MC": _MONACO,
    "MF": _MARTIN,
    "MQ": _MARTINIQUE,
    "NC": _CALEDONIA,
    "PF": _POLYNESIA,
    "PM": _MIQUELON,
    "RE": _REUNION,
    "SJ": _SVALBARD,
    "TF": _SOUTHERN,
    "WF": _WALLIS,
    "XI": _NORTHERN_IRELAND,
    "YT": _MAYOTTE,
}

# Codes of ISO 3166-2 for the parts of states that are special, where there is no postcode.
_BY_REGION = {
    "ES-CE": _CEUTA,
    "ES-CN": _CANARIES,
    "ES-GC": _CANARIES,
    "ES-ML": _MELILLA,
    "ES-TF": _CANARIES,
    "FI-01": _ALAND,
    "FR-971": _GUADELOUPE,
    "FR-972": _MARTINIQUE,
    "FR-973": _GUYANE,
    "FR-974": _REUNION,
    "FR-976": _MAYOTTE,
    "FR-BL": _BARTHELEMY,
    "FR-GF": _GUYANE,
    "FR-GP": _GUADELOUPE,
    "FR-MF": _MARTIN,
    "FR-MQ": _MARTINIQUE,
    "FR-NC": _CALEDONIA,
    "FR-PF": _POLYNESIA,
    "FR-PM": _MIQUELON,
    "FR-RE": _REUNION,
    "FR-TF": _SOUTHERN,
    "FR-WF": _WALLIS,
    "FR-YT": _MAYOTTE,
    "GB-NIR": _NORTHERN_IRELAND,
    "GR-69": _ATHOS,
    "PT-20": _AZORES,
    "PT-30": _MADEIRA,
}

# How postcodes begin, without spaces; the longest that fits counts.
_BY_POSTCODE = {
    "AT": {"6691": _JUNGHOLZ, "6991": _MITTELBERG, "6992": _MITTELBERG, "6993": _MITTELBERG},
    "CH": {"6911": _CAMPIONE, "8238": _BUESINGEN},
    "CY": {"BFPO57": _AKROTIRI, "BFPO58": _AKROTIRI, "BFPO59": _AKROTIRI},
    "DE": {
        "27498": _HELIGOLAND,
        "78266": _BUESINGEN,
        "87491": _JUNGHOLZ,
        "87567": _MITTELBERG,
        "87568": _MITTELBERG,
        "87569": _MITTELBERG,
    },
    "DK": {"39": _GREENLAND},
    "ES": {"35": _CANARIES, "38": _CANARIES, "51": _CEUTA, "52": _MELILLA},
    "FI": {"22": _ALAND},
    "FR": {
        "971": _GUADELOUPE,
        "97133": _BARTHELEMY,
        "97150": _MARTIN,
        "972": _MARTINIQUE,
        "973": _GUYANE,
        "974": _REUNION,
        "975": _MIQUELON,
        "976": _MAYOTTE,
        "977": _BARTHELEMY,
        "978": _MARTIN,
        "98000": _MONACO,
        "984": _SOUTHERN,
        "986": _WALLIS,
        "987": _POLYNESIA,
        "988": _CALEDONIA,
    },
    "GB": {
        "BFPO57": _AKROTIRI,
        "BFPO58": _AKROTIRI,
        "BFPO59": _AKROTIRI,
        "BT": _NORTHERN_IRELAND,
        "GX11": _GIBRALTAR,
        "GY": _GUERNSEY,
        "IM": _MAN,
        "JE": _JERSEY,
    },
    "GR": {"63086": _ATHOS, "63087": _ATHOS},
    "IT": {"22061": _CAMPIONE, "23041": _LIVIGNO},
    "NO": {"917": _SVALBARD},
    "PT": {str(start): _MADEIRA if start < 95 else _AZORES for start in range(90, 100)},  # noqa: PLR2004 - 95 is where the Azores begin
}

# The first letter of a Canadian postcode; X is shared, and both its territories tax alike.
_PROVINCES = {
    "A": "NL",
    "B": "NS",
    "C": "PE",
    "E": "NB",
    "G": "QC",
    "H": "QC",
    "J": "QC",
    "K": "ON",
    "L": "ON",
    "M": "ON",
    "N": "ON",
    "P": "ON",
    "R": "MB",
    "S": "SK",
    "T": "AB",
    "V": "BC",
    "X": "NT",
    "Y": "YT",
}
_ALL_PROVINCES = frozenset(_PROVINCES.values()) | {"NU"}

# ISO 3166-1, and XK, which the Commission uses for Kosovo.
_ISO_3166 = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO
BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ
DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP
GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG
KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML
MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL
SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM
US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
_COUNTRIES = frozenset(_ISO_3166.split())

# What the EU's own lists call them.
_ALIASES = {"EL": "GR", "UK": "GB"}


@lru_cache(maxsize=4096)
def territory_of(country: str, postcode: str | None = None, region: str | None = None) -> Territory:
    """
    The territory of an address.

    Args:
        country: An ISO 3166-1 code in any case; EL, UK, XI, IC and EA are understood.

        postcode: Which tells special territories; without it, the mainland is meant.

        region: The province of Canada, ``ON`` or ``CA-ON``, else told by the postcode; or the ISO
            3166-2 code of a special territory of this country, such as ``PT-20``. Others change
            nothing.

    Raises:
        InvalidInput: ``tax.unknown_territory`` for a country or province that does not exist.
    """
    code = country_code(country)
    begin = _plain(postcode, code)
    prefixes = _BY_POSTCODE.get(code, {})
    for length in range(min(len(begin), 6), 1, -1):
        if begin[:length] in prefixes:
            return prefixes[begin[:length]]
    special = _BY_CODE.get(code) or _by_letters(begin, code) or _by_region(region, code)
    if special is not None:
        return special
    area = TaxArea.EU if code in EU_MEMBERS else TaxArea.NATIONAL
    found = Territory(name=code, country=code, area=area)
    return evolve(found, region=_province(begin, region)) if code == "CA" else found


def _by_letters(postcode: str, country: str) -> Territory | None:
    """The territory whose own letters stand before the digits: ``AX-22100`` in Finland."""
    named = _BY_CODE.get(postcode[:2])
    written = named is not None and named.country == country and postcode[2:].isdigit()
    return named if written else None


def _by_region(region: str | None, country: str) -> Territory | None:
    code = (region or "").strip().upper()
    return _BY_REGION.get(code) if code.startswith(f"{country}-") else None


def country_code(country: object, field: str = "country") -> str:
    """The ISO 3166-1 code of a country's code; EL is GR, UK is GB."""
    code = country.strip().upper() if isinstance(country, str) else ""
    code = _ALIASES.get(code, code)
    if code not in _COUNTRIES and code not in _BY_CODE:
        raise InvalidInput(
            "There is no such country",
            code="tax.unknown_territory",
            field=field,
            value=country,
            remedy="use an ISO 3166-1 code of two letters; None where it is not known",
        )
    return code


def _plain(postcode: str | None, country: str) -> str:
    """Without spaces, hyphens and the country's letters in front: ``D-78 266`` is ``78266``."""
    plain = re.sub(r"[^0-9A-Z]", "", (postcode or "").upper())
    aliases = (alias for alias, meant in _ALIASES.items() if meant == country)
    for letters in (country, *aliases, country[:1]):
        rest = plain.removeprefix(letters)
        if rest != plain and rest.isdigit():
            return rest
    return plain


def _province(postcode: str, region: str | None) -> str | None:
    if region is None:
        found = _PROVINCES.get(postcode[:1])
        return None if found is None else f"CA-{found}"
    code = region.strip().upper().removeprefix("CA-")
    if code not in _ALL_PROVINCES:
        raise InvalidInput(
            "There is no such province of Canada",
            code="tax.unknown_territory",
            field="region",
            value=region,
            remedy="use its code of two letters, such as ON; None where it is not known",
        )
    return f"CA-{code}"
