"""A file of health models as data, with all mistakes at once; its text is read in `schema`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from attrs import evolve, frozen

from retainkit.errors import InvalidInput
from retainkit.health._bands import Band, Bands, Edge, check_margin
from retainkit.health._checks import (
    check_cap,
    check_places,
    check_step,
    check_trend,
    check_weights,
    ends_of,
)
from retainkit.health._fixed import Points, weight_of
from retainkit.health._model import Cap, Combine, Component, HealthModel
from retainkit.health._models import HealthModels
from retainkit.health._reading import ModelReader
from retainkit.health._reading_components import ComponentReader
from retainkit.rules import Place, Rulebook, Signal, Signals, declared, read_rulebook


FILE_WORDS: Final = ("signals", "segments", "models")
MODEL_WORDS: Final = (
    "id",
    "doc",
    "segment",
    "scale",
    "combine",
    "total",
    "start",
    "components",
    "caps",
    "bands",
    "edge",
    "hysteresis",
    "minimum_coverage",
    "trend_over",
    "step",
    "places",
)
CAP_WORDS: Final = ("name", "when", "at")
_ENDS = 2
_BAND = 3


def read_health_models(
    data: object, signals: type[Signals] | Mapping[str, Signal] | None = None
) -> HealthModels:
    """
    The health models that a document holds.

    Args:
        data: ``signals`` and ``segments``, as in a file of rules, and ``models``.

        signals: Declared in Python, beside those of the document.

    Raises:
        InvalidInput: ``health.mistakes``; its value has every `Mistake`, with its place.
    """
    known = dict(declared({} if signals is None else signals))
    document = ModelReader()
    found = _read(document, data, known)
    if found is None or document.mistakes:
        raise InvalidInput(
            f"There are mistakes in it: {document.told}",
            code="health.mistakes",
            value=tuple(document.mistakes),
            remedy="mend what each of them names",
        )
    return found


def _read(
    document: ModelReader, data: object, signals: Mapping[str, Signal]
) -> HealthModels | None:
    top = document.keys(data, (), FILE_WORDS)
    rules = {key: top[key] for key in ("signals", "segments") if key in top}
    book = document.made((), lambda: read_rulebook(rules, signals))
    book = Rulebook(signals=signals) if book is None else book
    document.signals, document.segments = book.signals, book.segments
    items = document.listed(top.get("models", []), ("models",))
    read = [_Model(document, ("models", i)).read(item) for i, item in enumerate(items)]
    _told_apart(document, items)
    if document.mistakes:
        return None
    return document.made(
        ("models",), lambda: HealthModels(models=[m for m in read if m is not None])
    )


def _told_apart(document: ModelReader, items: Sequence[object]) -> None:
    """Whether each model has an id of its own: said here, so that all mistakes are found."""
    seen: set[str] = set()
    for i, item in enumerate(items):
        id = item.get("id") if isinstance(item, Mapping) else None
        if id is None:
            continue  # a mistake by itself
        if str(id) in seen:
            document.wrong(
                ("models", i, "id"),
                "Each health model has an id of its own",
                "health.model_twice",
                str(id),
                "rename one of the two",
            )
        seen.add(str(id))


@frozen
class _Model:
    """One model of a document."""

    document: ModelReader
    place: Place

    def read(self, said: object) -> HealthModel | None:
        document, place = self.document, self.place
        before = len(document.mistakes)
        data = document.keys(said, place, MODEL_WORDS)
        if not isinstance(said, Mapping):
            return None
        scale = self._scale(data)
        options = {**self._parts(data), **self._numbers(data), "scale": scale}
        options["caps"] = self._caps(data, scale)
        components = self._components(data, options)
        if len(document.mistakes) > before:
            return None
        make: Callable[..., HealthModel] = HealthModel
        return document.made(
            place,
            lambda: make(components=components, segments=document.segments, **options),
            lambda name: (*place, name.partition(".")[0]),
        )

    def _parts(self, data: Mapping[str, object]) -> dict[str, object]:
        """What is said of the model in words."""
        document, place = self.document, self.place
        segment, combine = data.get("segment"), data.get("combine")
        return {
            "id": document.text(data, "id", place),
            "doc": document.text(data, "doc", place),
            "segment": None
            if segment is None
            else document.condition(segment, (*place, "segment")),
            "combine": document.word(combine, (*place, "combine"), Combine, Combine.MEAN),
            "bands": self._bands(data),
        }

    def _numbers(self, data: Mapping[str, object]) -> dict[str, object]:
        """What is said of the model in numbers, where it is said."""
        document = self.document
        readers: Mapping[str, Callable[[object, Place], object]] = {
            "start": document.weight,
            "total": document.weight,
            "minimum_coverage": document.coverage,
            "trend_over": lambda said, at: self._fit(document.length(said, at), check_trend, at),
            "step": lambda said, at: (
                None if said is None else self._fit(document.points(said, at), check_step, at)
            ),
            "places": lambda said, at: document.made(at, lambda: check_places(said)),
        }
        return {
            word: read(data[word], (*self.place, word))
            for word, read in readers.items()
            if word in data
        }

    def _fit(self, found: object, check: Callable[..., object], place: Place) -> object:
        """What was read, when it can be: said here, so that all are found."""
        return None if found is None else self.document.made(place, lambda: check(found))

    def _scale(self, data: Mapping[str, object]) -> tuple[Points, Points] | None:
        document, place = self.document, (*self.place, "scale")
        ends = document.numbers(data.get("scale", [0, 100]), place)
        if ends is None:
            return None
        if len(ends) == _ENDS:
            scale = (ends[0], ends[1])
            return None if document.made(place, lambda: ends_of(scale)) is None else scale
        document.wrong(
            place, "A scale has two ends", "health.scale", len(ends), "write `scale: [0, 100]`"
        )
        return None

    def _bands(self, data: Mapping[str, object]) -> Bands | None:
        document, place = self.document, (*self.place, "bands")
        said = data.get("bands")
        if said is None:
            document.wrong(
                self.place,
                "A model has bands",
                "health.band_gap",
                None,
                "write `bands: {red: [0, 50], yellow: [50, 75], green: [75, 100]}`",
            )
            return None
        found = self._each_band(said, place)
        edge = document.word(data.get("edge"), (*self.place, "edge"), Edge, Edge.UPPER_INCLUDED)
        margin = document.points(data.get("hysteresis", 0), (*self.place, "hysteresis"))
        bands = [band for band in found if band is not None]
        if edge is None or margin is None or len(bands) < len(found):
            return None
        names = [band.name for band in bands]

        def where(name: str) -> Place:
            first, _, band = name.partition(".")
            if band not in names:
                return (*self.place, first)
            return (*place, band if isinstance(said, Mapping) else names.index(band))

        made = document.made(place, lambda: Bands(bands=bands, edge=edge), where)
        if document.made(place, lambda: check_margin(margin, bands), where) is None:
            return None
        return None if made is None else evolve(made, hysteresis=margin)

    def _each_band(self, said: object, place: Place) -> list[Band | None]:
        """Bands by their names, or in a list whose items begin with the name."""
        if isinstance(said, Mapping):
            return [self._band(str(name), ends, (*place, str(name))) for name, ends in said.items()]
        found = []
        for i, item in enumerate(self.document.listed(said, place)):
            parts = self.document.listed(item, (*place, i))
            name = str(parts[0]) if len(parts) == _BAND else ""
            found.append(self._band(name, list(parts[1:]), (*place, i), first=1))
        return found

    def _band(self, name: str, said: object, place: Place, *, first: int = 0) -> Band | None:
        ends = self.document.numbers(said, place, first=first)
        if ends is not None and len(ends) == _ENDS:
            return Band(name, ends[0], ends[1])
        if ends is not None:
            self.document.wrong(
                place,
                "A band has two ends",
                "health.band_range",
                len(ends),
                "write `red: [0, 50]`, or `- [red, 0, 50]`",
            )
        return None

    def _caps(self, data: Mapping[str, object], scale: tuple[Points, Points] | None) -> list[Cap]:
        document, place = self.document, (*self.place, "caps")
        found = []
        for i, item in enumerate(document.listed(data.get("caps", []), place)):
            said = document.keys(item, (*place, i), CAP_WORDS)
            if not document.all_there(said, ("name", "when", "at"), (*place, i)):
                continue
            when = document.condition(said["when"], (*place, i, "when"))
            at = document.points(said["at"], (*place, i, "at"))
            if at is not None and scale is not None:
                document.made((*place, i, "at"), partial(check_cap, at, ends_of(scale), "at"))
            if when is not None and at is not None:
                found.append(Cap(name=document.text(said, "name", (*place, i)), when=when, at=at))
        return found

    def _components(
        self, data: Mapping[str, object], options: Mapping[str, object]
    ) -> list[Component]:
        document, place = self.document, (*self.place, "components")
        items = document.listed(data.get("components", []), place)
        found = [
            ComponentReader(document, (*place, i)).read(item, options)
            for i, item in enumerate(items)
        ]
        components = [each for each in found if each is not None]
        said = options.get("total", 100)
        total = (
            None
            if said is None
            else document.made((*self.place, "total"), lambda: weight_of(said, "total"))
        )
        if len(components) == len(items) and items and total is not None:
            sums = options["combine"] is Combine.SUM
            document.made(
                place, lambda: check_weights(components, total, sums=sums), lambda _: place
            )
        return components
