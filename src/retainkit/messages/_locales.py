"""Which language a customer reads: from a locale to catalogues and to CLDR; no text lives here."""

from __future__ import annotations

import re


FORMAL = "formal"


def normalised(locale: str) -> str:
    """``DE-at.UTF-8`` as ``de_AT``; what is no locale at all becomes ``en``."""
    bare = re.split(r"[.@]", locale)[0].replace("-", "_")
    if not re.fullmatch(r"[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8})*", bare):
        return "en"
    language, *rest = bare.split("_")
    return "_".join((language.lower(), *map(_subtag, rest)))


def _subtag(part: str) -> str:
    sizes = {2: str.upper, 4: str.title}  # a region, a script
    return sizes.get(len(part), str.lower)(part)


def candidates(locale: str) -> tuple[str, ...]:
    """
    The catalogues to look into, best first, without English.

    ``de_AT_formal`` gives ``de_AT_formal``, ``de_formal``, ``de_AT``, ``de``: how a customer is
    addressed matters more than the region.
    """
    plain = [part for part in normalised(locale).split("_") if part != FORMAL]
    prefixes = ["_".join(plain[:size]) for size in range(len(plain), 0, -1)]
    if FORMAL not in normalised(locale).split("_"):
        return tuple(prefixes)
    return (*(f"{prefix}_{FORMAL}" for prefix in prefixes), *prefixes)


def cldr(locale: str) -> str:
    """The nearest locale CLDR knows, for dates and amounts; ``en`` when it knows none."""
    from babel import Locale, UnknownLocaleError

    for candidate in candidates(locale):
        try:
            return str(Locale.parse(candidate))
        except (UnknownLocaleError, ValueError):
            continue
    return "en"
