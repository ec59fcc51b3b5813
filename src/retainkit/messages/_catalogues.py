"""The gettext catalogues: found, read and chained, the product's own before ours."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from retainkit.messages._locales import candidates, cldr


if TYPE_CHECKING:
    from babel.support import Translations


def roots(directories: tuple[Path, ...]) -> tuple[Traversable, ...]:
    """Where words are looked for: the product's own directories, then this package."""
    return (*directories, files("retainkit.messages"))


@frozen
class Language:
    """
    The language somebody is written to in.

    Args:
        catalogues: Names of the catalogues that speak it, best first; English is the last.

        cldr: Babel's locale for dates and amounts, in the same language as the text.
    """

    catalogues: tuple[str, ...]
    cldr: str

    @property
    def tag(self) -> str:
        """As HTML and mail headers name it: ``de-AT``."""
        return self.cldr.replace("_", "-")


@lru_cache(maxsize=256)
def language(locale: str, directories: tuple[Path, ...], domain: str) -> Language:
    """The best language there is a catalogue for; English, whole and with its dates, if none."""
    places = roots(directories)
    found = tuple(
        name
        for name in candidates(locale)
        if name == "en" or any(_source(place, name, domain) for place in places)
    )
    if not found:
        return Language(("en",), "en")
    spoken = cldr(locale)
    return Language(found if "en" in found else (*found, "en"), spoken)


@lru_cache(maxsize=64)
def translations(
    catalogues: tuple[str, ...], directories: tuple[Path, ...], domain: str
) -> Translations:
    """One view on all catalogues: what the first does not translate, the next may."""
    from babel.support import Translations

    chained = Translations()
    for name in catalogues:
        for place in roots(directories):
            source = _source(place, name, domain)
            if source is not None:
                chained.add_fallback(Translations(_readable(source), domain))
    return chained


def _source(place: Traversable, name: str, domain: str) -> Traversable | None:
    folder = place / "locale" / name / "LC_MESSAGES"
    forms = (folder / f"{domain}.mo", folder / f"{domain}.po")
    return next((form for form in forms if form.is_file()), None)


def compiled(written: bytes) -> bytes:
    """What gettext reads, of what people write; fuzzy entries are left out."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    out = BytesIO()
    write_mo(out, read_po(BytesIO(written)))
    return out.getvalue()


def _readable(source: Traversable) -> BytesIO:
    content = source.read_bytes()
    return BytesIO(content if source.name.endswith(".mo") else compiled(content))
