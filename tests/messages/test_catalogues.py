"""Laws of the words: compiled as written, whole in each language, nothing said outside of them."""

from __future__ import annotations

import re
from collections import Counter
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import TypeAlias

import pytest
from attrs import evolve
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract
from tests.messages.conftest import LINK, Write, invoices

import retainkit.messages
from retainkit.customers import Customer
from retainkit.messages import Branding, _compile, known_messages
from retainkit.messages._catalogues import compiled, language
from retainkit.messages._locales import candidates


ROOM = Path(retainkit.messages.__file__).parent
WRITTEN = sorted(ROOM.glob("locale/*/LC_MESSAGES/*.po"))
COMPILE = "run python -m retainkit.messages._compile"


def named(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


Texts: TypeAlias = tuple[str, ...]
"""One text, or the forms of a plural."""


def entries(catalogue: Catalog) -> dict[Texts, Texts]:
    return {
        texts(message.id): texts(message.string)
        for message in catalogue
        if message.id and message.string
    }


def texts(said: object) -> Texts:
    return tuple(map(str, said)) if isinstance(said, (list, tuple)) else (str(said),)


def read(path: Path) -> Catalog:
    with path.open("rb") as source:
        return read_po(source)


def extracted() -> set[Texts]:
    """What the templates say: a msgid, or the two of a plural."""
    found: set[Texts] = set()
    for path in sorted(ROOM.glob("templates/*.jinja")):
        with path.open("rb") as source:
            for _, _, said, _ in babel_extract(
                source, ["_", "gettext", "ngettext"], [], {"trimmed": "true"}
            ):
                found.add(tuple(text for text in texts(said) if text != "None"))
    return found


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"%\((\w+)\)s", text))


# ----------------------------------------------------------------------------- the catalogues


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    """The .mo beside each .po says the same, entry for entry, and none is left behind."""
    with path.with_suffix(".mo").open("rb") as source:
        assert entries(read_mo(source)) == entries(read_mo(BytesIO(compiled(path.read_bytes())))), (
            f"{path.name} was changed: {COMPILE}"
        )


def test_compiling_writes_beside_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command makes a .mo of each .po, wherever in the folder it lies."""
    for path in WRITTEN:
        copy = tmp_path / path.relative_to(ROOM)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(_compile, "LOCALE", tmp_path)

    _compile.main()

    for path in WRITTEN:
        made = (tmp_path / path.relative_to(ROOM)).with_suffix(".mo")
        assert made.read_bytes() == compiled(path.read_bytes())


def test_no_compiled_catalogue_is_an_orphan() -> None:
    """Each .mo has its .po."""
    assert sorted(ROOM.glob("locale/*/LC_MESSAGES/*.mo")) == [
        path.with_suffix(".mo") for path in WRITTEN
    ]


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_a_translation_fills_the_same_holes(path: Path) -> None:
    """No placeholder is misspelt or invented; none a customer needs is lost."""
    keyed = path.stem != "mail"  # the msgids of reasons and invoices are mere keys
    english = entries(read(ROOM / "locale" / "en" / "LC_MESSAGES" / path.name)) if keyed else {}
    for key, said in entries(read(path)).items():
        measure = english[key] if keyed else key
        for source, target in zip(measure, said, strict=True):
            assert placeholders(source) == placeholders(target), key
            assert "%" not in re.sub(r"%\(\w+\)s", "", target)


def test_german_says_all_that_the_templates_say() -> None:
    """A new sentence in a template is missing here until it is translated; an old one goes."""
    german = entries(read(ROOM / "locale" / "de" / "LC_MESSAGES" / "mail.po"))

    assert set(german) == extracted(), "correct src/retainkit/messages/locale/de/.../mail.po"


def test_formal_german_replaces_whatever_says_du() -> None:
    """A sentence that addresses the reader exists in both forms; the others in ``de`` alone."""
    informal = entries(read(ROOM / "locale" / "de" / "LC_MESSAGES" / "mail.po"))
    formal = entries(read(ROOM / "locale" / "de_formal" / "LC_MESSAGES" / "mail.po"))
    du = re.compile(
        r"\b(du|dich|dir|dein\w*|schick|schreib|antworte|prüfe|aktualisiere|bestätige|begleiche)\b",
        re.IGNORECASE,
    )

    addressed = {key for key, said in informal.items() if du.search(" ".join(said))}
    assert set(formal) <= set(informal)
    assert addressed - set(formal) == set()
    assert [said for said in formal.values() if du.search(" ".join(said))] == []


THREATS = re.compile(
    r"\b(delet\w*|eras\w*|los[et] (your|access)|lawyer|court|collection agency|penalt\w*|"
    r"consequences|immediately|stolen|fraud\w*|theft|"
    r"lösch\w*|verlier\w* (du|Sie)|Anwalt|Gericht|Inkasso|Mahngebühr\w*|Konsequenzen|gestohlen|"
    r"Betrug|Diebstahl|unverzüglich|umgehend)\b",
    re.IGNORECASE,
)


def test_no_sentence_threatens() -> None:
    """Nothing about lost data, lawyers, theft or fraud, in any language or tone."""
    said = {text for source in extracted() for text in source}
    for path in WRITTEN:
        said |= {text for target in entries(read(path)).values() for text in target}

    assert [text for text in sorted(said) if THREATS.search(text)] == []
    assert THREATS.search("Your data will be deleted.")


# --------------------------------------------------------------------------------- the languages


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de", ("de",)),
        ("de_AT", ("de_AT", "de")),
        ("DE-at", ("de_AT", "de")),
        ("de_AT_formal", ("de_AT_formal", "de_formal", "de_AT", "de")),
        ("de-formal-AT", ("de_AT_formal", "de_formal", "de_AT", "de")),
        ("zh-Hant-TW", ("zh_Hant_TW", "zh_Hant", "zh")),
        ("de_DE@euro", ("de_DE", "de")),
        ("", ("en",)),
        ("x", ("en",)),
        ("../de", ("en",)),
        ("de/../en", ("en",)),
    ],
)
def test_where_a_locale_is_looked_for(locale: str, expected: tuple[str, ...]) -> None:
    """How somebody is addressed matters more than the region; what is no locale is English."""
    assert candidates(locale) == expected


def test_a_language_without_cldr_data_keeps_english_dates(tmp_path: Path) -> None:
    """A catalogue may speak what Babel does not know; its dates and amounts are English then."""
    folder = tmp_path / "locale" / "qqa" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "mail.po").write_text('msgid "Hello,"\nmsgstr "Qapla,"\n')

    spoken = language("qqa", (tmp_path,), "mail")

    assert (spoken.catalogues, spoken.cldr) == (("qqa", "en"), "en")


ACCENTS = str.maketrans("aeiounyAEIOU", "áéíóúñýÁÉÍÓÚ")


def pseudo(text: str) -> str:
    """Longer, accented, in brackets, with its placeholders whole: what no template writes."""
    parts = re.split(r"(%\(\w+\)s)", text)
    return "⟦" + "".join(p if p.startswith("%(") else p.translate(ACCENTS) for p in parts) + " ~~⟧"


def test_no_word_is_written_outside_the_catalogues(
    write: Write, jorg: Customer, tmp_path: Path
) -> None:
    """In a language made of marked sentences, nothing unmarked is left but values."""
    catalogue = Catalog(locale="en")
    for said in extracted():
        marked = tuple(map(pseudo, said))
        catalogue.add(*((said, marked) if len(said) > 1 else (said[0], marked[0])))
    folder = tmp_path / "locale" / "en_XA" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "mail.po").open("wb") as out:
        write_po(out, catalogue)
    branding = Branding(product="Acme", footer="Acme GmbH", directories=(tmp_path,))

    for message, tone, several, link in product(
        known_messages(branding), ("friendly", "neutral", "firm"), (False, True), (LINK, None)
    ):
        written = write(
            branding=branding,
            customer=evolve(jorg, locale="en_XA"),
            message=message,
            tone=tone,
            link=link,
            invoices=invoices("1", "2") if several else invoices("3"),
            total={"amount": "3", "currency": "EUR"},
            next_try="2026-11-24T09:00:00+00:00",
            access={"level": "limited", "at": "2026-11-29T09:00:00+00:00"},
            end={"action": "cancel", "at": "2026-12-12T09:00:00+00:00"},
        )
        body = re.sub(r"<style>.*?</style>|<[^>]*>", "\n", written.html, flags=re.DOTALL)
        for shown in (written.subject, written.text, body):
            outside = re.sub(r"⟦[^⟧]*⟧", "", shown)
            for value in (LINK, "in_1", "in_2", "€1.00", "€2.00", "Acme GmbH", "Acme"):
                outside = outside.replace(value, "")
            assert re.sub(r"[\s:-]", "", outside) == "", (message, tone, outside)
