"""Derivations as data: what rule files write of sums, trends, shares and open items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

from attrs import NOTHING, fields, frozen

from retainkit.rules._computed import (
    ActiveDays,
    ActiveWeeks,
    Again,
    Computed,
    Depth,
    Elapsed,
    First,
    Last,
    Latest,
    LatestChange,
    Mean,
    Share,
    Sum,
    Trend,
    derived_name,
)
from retainkit.rules._counted import Count, Distinct
from retainkit.rules._declared import Derivation, Kind, Signal
from retainkit.rules._events import EventPattern
from retainkit.rules._items import Items, OldestOpen, Open, Silent
from retainkit.rules._signals import Amount, Duration, Flag, Number, Text, Time


if TYPE_CHECKING:
    from retainkit.rules._deriving import SignalReader
    from retainkit.rules._mistakes import Place

Said: TypeAlias = "dict[str, object]"

PATTERN_WORDS = ("name", "where", "or", "but", "origins")
_PATTERNS = ("event", "until", "after", "touched")
_LENGTHS = ("within", "gap", "silent_for")
_ABOUT = ("unit", "fresh_for")


@frozen
class _Form:
    """How a derivation is written: its keys, and what is made of them."""

    must: tuple[str, ...]
    make: Callable[[Said], Derivation]
    may: tuple[str, ...] = ()


def _items(said: Said) -> Items:
    return Items(
        opened=cast("EventPattern", said["event"]),
        closed=cast("EventPattern", said["until"]),
        key=cast("str", said["by"]),
        within=cast("timedelta | None", said.get("within")),
    )


def _form(made: type[Computed]) -> _Form:
    """How a derivation is written that has its own names for its parts."""
    names = {made.words.get(part.name, part.name): part for part in fields(made)}
    return _Form(
        tuple(word for word, part in names.items() if part.default is NOTHING),
        lambda said: made(**{names[word].name: value for word, value in said.items()}),
        tuple(word for word, part in names.items() if part.default is not NOTHING),
    )


def _form_of_items(make: Callable[..., Derivation], *more: str) -> _Form:
    """The same of items, which are a value of their own in Python."""
    return _Form(
        ("event", "until", "by", *more),
        lambda said: make(items=_items(said), **{word: said[word] for word in more}),
        ("within",),
    )


FORMS: Mapping[str, _Form] = {
    **{
        made.word: _form(made)
        for made in (
            *(Sum, Mean, Last, First, Latest, LatestChange, Trend, Share),
            *(Depth, ActiveDays, ActiveWeeks),
        )
    },
    Open.word: _form_of_items(Open),
    OldestOpen.word: _form_of_items(OldestOpen),
    Silent.word: _form_of_items(Silent, "touched", "silent_for"),
    Elapsed.word: _form(Elapsed),
    Again.word: _form(Again),
}
"""Each derivation by the word that files have for it."""


def read_computed(reader: SignalReader, word: str, said: object, place: Place) -> Signal | None:
    """The signal that is computed so, or None and a mistake; inside this room only."""
    form = FORMS[word]
    data = reader.keys(said, place, (*form.must, *form.may))
    left = [key for key in form.must if key not in data]
    if left:
        if isinstance(said, Mapping):
            reader.wrong(
                place,
                "Something is left out",
                "rules.form",
                ", ".join(left),
                f"write {', '.join(f'`{key}: ...`' for key in left)}",
            )
        return None
    read: Said = {}
    before = len(reader.mistakes)
    for key, value in data.items():
        read[key] = _value(reader, word, key, value, (*place, key))
    is_unread = any(read[key] is None and value is not None for key, value in data.items())
    if is_unread or len(reader.mistakes) > before:
        return None
    return reader.made(place, lambda: signal_of(form.make(read)))


def read_one_computed(reader: SignalReader, said: object, place: Place) -> Signal | None:
    """What stands under ``computed``: one word of `FORMS`; inside this room only."""
    words = reader.keys(said, place, tuple(FORMS))
    if len(words) == 1:
        ((word, inside),) = words.items()
        return read_computed(reader, word, inside, (*place, word))
    if isinstance(said, Mapping) and len(words) == len(said):
        reader.wrong(
            place,
            "One thing is computed here",
            "rules.form",
            sorted(words),
            f"write one of {', '.join(FORMS)}",
        )
    return None


def signal_of(derivation: Derivation) -> Signal:
    """The signal of a derivation, named by its content; inside this room only."""
    name = derived_name(derivation)
    match derivation:
        case Last(missing=missing) | First(missing=missing):
            return Time(name=name, missing=missing, derivation=derivation)
        case OldestOpen() | Latest(kind=Kind.TIME):
            return Time(name=name, derivation=derivation)
        case Latest(kind=Kind.TEXT, one_of=one_of):
            return Text(name=name, one_of=one_of, derivation=derivation)
        case Latest(kind=Kind.FLAG):
            return Flag(name=name, derivation=derivation)
        case Elapsed():
            return Duration(name=name, derivation=derivation)
        case Sum(currency=str() as currency):
            return Amount(name=name, currency=currency, derivation=derivation)
        case ActiveDays():
            return Number(name=name, unit="days", derivation=derivation)
        case ActiveWeeks():
            return Number(name=name, unit="weeks", derivation=derivation)
        case _:
            return Number(name=name, derivation=derivation)


def _value(reader: SignalReader, word: str, key: str, value: object, place: Place) -> object:
    if key in _PATTERNS:
        return _pattern(reader, value, place)
    if key in _LENGTHS:
        return reader.length(value, place)
    if word == "trend" and key == "of":
        return _counted(reader, value, place)
    if word == "share" and key in {"of", "whole"}:
        return reader.deeper(place, lambda: _signal(reader, value, place))
    if key in {"features", "one_of"}:
        return reader.listed(value, place)
    return value  # a text or a number, checked by what is made of it


def _pattern(reader: SignalReader, said: object, place: Place) -> EventPattern | None:
    """Events, by their name or with more said of them."""
    if isinstance(said, str):
        return reader.pattern({"name": said}, place)
    data = reader.keys(said, place, PATTERN_WORDS)
    return reader.pattern(data, place) if isinstance(said, Mapping) else None


def _counted(reader: SignalReader, said: object, place: Place) -> Derivation | None:
    """What a trend compares: a count, a number of different values, a sum or a mean."""
    words = reader.keys(said, place, ("event", "sum", "mean"))
    if len(words) != 1:
        if isinstance(said, Mapping) and len(words) == len(said):
            reader.wrong(
                place,
                "A trend is one of a count, a sum or a mean",
                "rules.form",
                sorted(words),
                "write `of: {event: {name: feature.used, within: 28d}}`",
            )
        return None
    ((word, inside),) = words.items()
    found = reader.derived(word, inside, (*place, word))
    of = None if found is None else found.derivation
    return of if isinstance(of, Count | Distinct | Sum | Mean) else None


def _signal(reader: SignalReader, said: object, place: Place) -> Signal | None:
    """A signal by its name, or one that is computed here."""
    if isinstance(said, str):
        return reader.signal(said, place)
    words = dict(reader.keys(said, place, ("event", *FORMS, *_ABOUT)))
    known = len(words)
    reader.text(words, "unit", place)  # kept below
    unit, lasts = (words.pop(word, None) for word in _ABOUT)
    if len(words) != 1:
        if isinstance(said, Mapping) and known == len(said):
            reader.wrong(
                place,
                "This is one signal",
                "rules.form",
                sorted(words),
                "write its name, or one of event and what else is computed",
            )
        return None
    ((word, inside),) = words.items()
    found = reader.derived(word, inside, (*place, word))
    if found is not None and lasts is not None:
        fresh_for = reader.length(lasts, (*place, "fresh_for"))
        found = None if fresh_for is None else found.about("", fresh_for=fresh_for)
    return found.counting(unit) if isinstance(found, Number) and isinstance(unit, str) else found


def derivation_words() -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The words of files for what is computed, each with the keys it must and may have."""
    return {word: (form.must, form.may) for word, form in FORMS.items()}
