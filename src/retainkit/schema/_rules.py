"""Rule files: YAML with places for every mistake, and their JSON Schema; rules are in `rules`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from attrs import frozen

from retainkit.errors import InvalidInput
from retainkit.rules import Mistake, Rulebook, Signal, Signals, read_rulebook
from retainkit.schema._yaml import Marked, Spot, read_yaml
from retainkit.signals import read_timeline


T = TypeVar("T")


@frozen(kw_only=True)
class FileMistake:
    """
    A mistake in a file.

    Args:
        line: Counted from 1.

        column: Counted from 1.

        mistake: What is wrong there, and the way out.
    """

    line: int
    column: int
    mistake: Mistake

    def __str__(self) -> str:
        """As editors read it: ``line 3, column 7: There is no such signal ...``."""
        return f"line {self.line}, column {self.column}: {self.mistake}"


def read_rules(
    text: str,
    signals: type[Signals] | Mapping[str, Signal] | None = None,
    *,
    file: str = "rules.yaml",
) -> Rulebook:
    """
    The rulebook that a YAML or JSON text holds.

    Args:
        text: The file's content.

        signals: Declared in Python, beside those that the file declares.

        file: Its name, for errors.

    Raises:
        InvalidInput: ``rules.mistakes``; its value has every `FileMistake`, in the order of the
            file, and its message has them as lines. ``yaml.too_large``.
        ConfigurationError: ``yaml.missing``.
    """

    def read(data: object) -> Rulebook:
        return read_rulebook(data, signals, counting=read_timeline)

    return read_document(text, read, file, "rules.mistakes")


def read_document(text: str, read: Callable[[object], T], file: str, code: str) -> T:
    """
    What a YAML or JSON text holds, with a line and a column for every mistake.

    Args:
        text: The file's content.

        read: Makes it of the data; its mistakes are told by their places.

        file: Its name, for errors.

        code: Of the error that has all mistakes.
    """
    marked = read_yaml(text)
    found = [
        _at(spot, Mistake(place=(), message=why, code="yaml.form", remedy="write plain YAML"))
        for why, spot in marked.broken
    ]
    found += [_at(spot, _twice(str(place[-1]))) for place, spot in marked.twice]
    found += [_at(spot, _misread(text, number)) for text, number, spot in marked.misread]
    made = None
    if not marked.broken:
        try:
            made = read(marked.data)
        except InvalidInput as error:
            found += [_located(mistake, marked) for mistake in _mistakes(error)]
    if made is not None and not found:
        return made
    found.sort(key=lambda mistake: (mistake.line, mistake.column))
    raise InvalidInput(
        "\n".join(f"{file}, {mistake}" for mistake in found),
        code=code,
        value=tuple(found),
        remedy="mend what each line names",
    )


def _mistakes(error: InvalidInput) -> tuple[Mistake, ...]:
    value = error.value
    return value if isinstance(value, tuple) else ()


def _twice(key: str) -> Mistake:
    return Mistake(
        place=(),
        message="This key stands here twice",
        code="yaml.key_twice",
        value=key,
        remedy="put conditions on one signal under `all:`; leave the rest out",
    )


def _misread(text: str, number: object) -> Mistake:
    return Mistake(
        place=(),
        message="YAML reads another number than people do",
        code="yaml.number",
        value=text,
        remedy=f"write {number}, or put quotes around it",
    )


def _at(spot: Spot, mistake: Mistake) -> FileMistake:
    return FileMistake(line=spot.line, column=spot.column, mistake=mistake)


_OF_KEYS = frozenset(
    {"rules.unknown_word", "rules.unknown_signal", "rules.signal_clash", "rules.signal_name"}
)
"""Mistakes that are in the key itself, not in what follows it."""


def _located(mistake: Mistake, marked: Marked) -> FileMistake:
    place = mistake.place
    while place and place not in marked.values and place not in marked.keys:
        place = place[:-1]
    names_key = mistake.code in _OF_KEYS and mistake.value == (place[-1] if place else None)
    spots = (marked.keys, marked.values) if names_key else (marked.values, marked.keys)
    spot = spots[0].get(place) or spots[1].get(place) or Spot(1, 1)
    return _at(spot, mistake)
