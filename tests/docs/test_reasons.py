"""The page of reasons against the English catalogue, which has a sentence for each key in use."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po
from tests.docs._pages import coded, rows
from tests.docs._source import PACKAGE


CATALOGUE = PACKAGE / "messages" / "locale" / "en" / "LC_MESSAGES" / "reasons.po"
REMEDY = "bring docs/reference/reasons.md in line with the catalogue"


def _sentences(catalogue: Path) -> dict[str, str]:
    with catalogue.open("rb") as written:
        known = read_po(written)
    return {
        str(message.id): re.sub(r"%\((\w+)\)s", r"{\1}", str(message.string))
        for message in known
        if message.id
    }


def test_every_key_stands_with_its_sentence() -> None:
    """What explain() says in English is what the page says."""
    listed = {coded(row[0])[0]: row[-1] for row in rows("reasons")}
    assert listed == _sentences(CATALOGUE), REMEDY


def test_a_sentence_names_only_listed_values() -> None:
    """A value in a sentence is a value of the reason."""
    unlisted = {
        coded(row[0])[0]: missing
        for row in rows("reasons")
        if len(row) == 3
        if (missing := set(re.findall(r"\{(\w+)\}", row[2])) - set(coded(row[1])))
    }
    assert unlisted == {}, REMEDY
