"""The page of errors against every error the source raises."""

from __future__ import annotations

import pytest
from tests.docs._pages import coded, rows
from tests.docs._source import argument, called, calls, words

from retainkit import errors


CLASSES = tuple(name for name in errors.__all__ if name != "RetainkitError")
REMEDY = "add a row to docs/reference/errors.md, or take the old one out"


def _raised() -> dict[str, set[str]]:
    """Each code in the source, with the classes it is raised as."""
    found: dict[str, set[str]] = {}
    for path, call in calls(*CLASSES):
        code = argument(call, "code")
        assert code is not None, f"{path}:{call.lineno}: an error has a code"
        for word in words(code, path):
            found.setdefault(word, set()).add(called(call))
    return found


def _listed() -> dict[str, list[str]]:
    """The rows of codes; those of the classes are of another table."""
    return {coded(row[0])[0]: row for row in rows("errors") if coded(row[0])[0] not in CLASSES}


def test_every_code_has_its_row() -> None:
    """A code nobody can look up is half an error."""
    assert set(_raised()) == set(_listed()), REMEDY


def test_codes_stand_with_their_classes() -> None:
    """What to catch is what is raised."""
    listed = {code: set(coded(row[1])) for code, row in _listed().items()}
    assert listed == _raised(), REMEDY


def test_every_row_says_when_and_what_to_do() -> None:
    """No cell is empty."""
    assert [code for code, row in _listed().items() if len(row) != 4 or not all(row)] == []


@pytest.mark.parametrize("name", CLASSES)
def test_the_classes_stand_with_their_parents_and_codes(name: str) -> None:
    """The first table is the hierarchy itself."""
    row = next(row for row in rows("errors") if coded(row[0]) == [name])
    class_ = getattr(errors, name)
    parents = [base.__name__ for base in class_.__bases__ if base is not errors.RetainkitError]
    assert (coded(row[1]), coded(row[3])) == (parents, [class_.default_code])
