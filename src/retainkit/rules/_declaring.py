"""Signals as documents declare them: by kind, or by what they compute; see ``_document``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias, cast

from attrs import define, evolve, field

from retainkit.rules._checked import MissingTime
from retainkit.rules._computed import First, Last, Latest
from retainkit.rules._computing import FORMS
from retainkit.rules._declared import Kind, Remedy, Signal
from retainkit.rules._deriving import SignalReader
from retainkit.rules._meant import meant
from retainkit.rules._mistakes import Place
from retainkit.rules._signals import Amount, Duration, Flag, Number, Text, Time


Make: TypeAlias = Callable[..., Signal]

_COMPUTING = ("event", "sequence", *FORMS)
_SIGNAL_WORDS = (
    "kind",
    "unit",
    "currency",
    "one_of",
    "missing",
    "fresh_for",
    "source",
    "doc",
    "remedy",
    *_COMPUTING,
)
_REMEDY_WORDS = ("kind", "ref", "doc")
_KINDS: Mapping[str, type[Signal]] = {
    kind.kind.value: kind for kind in (Number, Amount, Duration, Time, Text, Flag)
}
_OPTIONS: Mapping[Kind, tuple[str, ...]] = {
    Kind.NUMBER: ("unit",),
    Kind.AMOUNT: ("currency",),
    Kind.TEXT: ("one_of",),
    Kind.TIME: ("missing",),
}
_EVERY_OPTION = tuple(key for keys in _OPTIONS.values() for key in keys)


@define(kw_only=True)
class Declarations(SignalReader):
    """
    The signals that a document declares, in order of need; inside this room only.

    Args:
        signals: As of `SignalReader`.

        declared: The same ones; those of the document are added.

        said: What the document says of each, as long as it is not declared.

        mistakes: As of `Reader`.
    """

    declared: dict[str, Signal]
    said: dict[str, object]
    path: list[str] = field(factory=list)
    wrong_ones: set[str] = field(factory=set)

    def declare(self) -> None:
        """All of them."""
        while self.said:
            self._declare(next(iter(self.said)))

    def signal(self, name: object, place: Place) -> Signal | None:
        """One that another is computed of, wherever in the document it is declared."""
        needed = str(name)
        if needed in self.path:
            self.wrong(
                place,
                "Signals are computed of each other in a circle",
                "rules.circular_signals",
                " -> ".join((*self.path[self.path.index(needed) :], needed)),
                "let the host set one of them",
            )
            return None
        if needed in self.said:
            self._declare(needed)
        return None if needed in self.wrong_ones else super().signal(name, place)

    def _declare(self, name: str) -> None:
        said, place = self.said.pop(name), ("signals", name)
        if name in self.declared:
            self.wrong(
                place,
                "A signal of this name is declared otherwise",
                "rules.signal_clash",
                name,
                "leave it out here, or there",
            )
            return
        self.path.append(name)
        signal = _read(self, name, said, place)
        self.path.pop()
        if signal is None:
            self.wrong_ones.add(name)
        else:
            self.declared[name] = signal


def _read(reader: SignalReader, name: str, said: object, place: Place) -> Signal | None:
    """The signal that is declared so, or None and a mistake."""
    data = reader.keys(said, place, _SIGNAL_WORDS)
    if not isinstance(said, Mapping):
        return None
    about = _about(reader, data, place)
    computing = [word for word in _COMPUTING if word in data]
    make = _computed(reader, computing, data, place) if computing else _of_kind(reader, data, place)
    return None if make is None else reader.made(place, lambda: make(name=name, **about))


def _about(reader: SignalReader, data: Mapping[str, object], place: Place) -> dict[str, object]:
    """What is said about a signal, beside what it means."""
    reader.text(data, "unit", place)  # kept below, by what is made of it
    texts = ((word, reader.text(data, word, place)) for word in ("doc", "source"))
    about: dict[str, object] = {word: text for word, text in texts if text is not None}
    if data.get("fresh_for") is not None:
        about["fresh_for"] = reader.length(data["fresh_for"], (*place, "fresh_for"))
    return {**about, "remedy": _remedy(reader, data, place)}


def _computed(
    reader: SignalReader, words: list[str], data: Mapping[str, object], place: Place
) -> Make | None:
    """Makes a signal that is computed, by the first of these words."""
    word, *others = words
    made = reader.derived(word, data[word], (*place, word))
    for other in others:
        _refuse(reader, (*place, other), f"leave it out: one thing is computed, {word}")
    if made is None or not _fits(reader, made, data, place):
        return None
    change: Make = evolve
    return lambda **about: _described(change(made, **about), data)


def _of_kind(reader: SignalReader, data: Mapping[str, object], place: Place) -> Make | None:
    """Makes a signal that the host sets."""
    kind = _KINDS.get(str(data.get("kind")))
    if kind is None:
        reader.wrong(
            (*place, "kind"),
            "There is no such kind of signal",
            "rules.kind",
            data.get("kind"),
            meant(str(data.get("kind")), _KINDS),
        )
        return None
    known = _OPTIONS.get(kind.kind, ())
    for key in _EVERY_OPTION:
        if key in data and key not in known:
            _refuse(reader, (*place, key), f"leave it out: the signal is of the kind {kind.kind}")
    make: Make = kind
    return partial(make, **{key: data[key] for key in known if key in data})


def _fits(reader: SignalReader, made: Signal, data: Mapping[str, object], place: Place) -> bool:
    """Whether what the file says beside a derivation belongs to the kind that it computes."""
    before = len(reader.mistakes)
    if "kind" in data and data["kind"] != made.kind:
        _refuse(
            reader, (*place, "kind"), f"leave it out: what is computed is of the kind {made.kind}"
        )
    for key in _EVERY_OPTION:
        if key == "currency" and key in data:
            _refuse(reader, (*place, key), "write it inside: sum: {event: ..., currency: EUR}")
        elif key in data and key not in _OPTIONS.get(made.kind, ()):
            _refuse(reader, (*place, key), f"leave it out: the signal is of the kind {made.kind}")
    return len(reader.mistakes) == before


def _refuse(reader: SignalReader, place: Place, remedy: str) -> None:
    reader.wrong(
        place, "This word has no meaning here", "rules.unknown_word", str(place[-1]), remedy
    )


def _described(signal: Signal, data: Mapping[str, object]) -> Signal:
    """With the unit, the texts or the meaning of a missing time that the file names beside it."""
    of = signal.derivation
    if isinstance(signal, Number) and isinstance(data.get("unit"), str):
        return signal.counting(str(data["unit"]))
    if isinstance(signal, Text) and "one_of" in data and isinstance(of, Latest):
        told = evolve(of, one_of=cast("Iterable[str]", data["one_of"]))
        return evolve(signal, one_of=told.one_of, derivation=told)
    if isinstance(signal, Time) and "missing" in data:
        missing = cast("MissingTime", data["missing"])  # checked by what is made of it
        inside = evolve(of, missing=missing) if isinstance(of, First | Last) else of
        return evolve(signal, missing=missing, derivation=inside)
    return signal


def _remedy(reader: SignalReader, data: Mapping[str, object], place: Place) -> Remedy | None:
    if "remedy" not in data:
        return None
    inside = (*place, "remedy")
    said = reader.keys(data["remedy"], inside, _REMEDY_WORDS)
    if not isinstance(data["remedy"], Mapping):
        return None
    return reader.made(
        inside,
        lambda: Remedy(
            kind=str(said.get("kind", "")),
            ref=reader.text(said, "ref", inside) or "",
            doc=reader.text(said, "doc", inside) or "",
        ),
    )
