"""A component in a file of health models, with its mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from retainkit.health._bands import Edge
from retainkit.health._checks import check_half_life, check_points, ends_of
from retainkit.health._fixed import Points
from retainkit.health._mappings import (
    Direction,
    Factors,
    Linear,
    MappingOf,
    Outside,
    Steps,
    Table,
    checked,
)
from retainkit.health._model import Combine, Component
from retainkit.health._reading import ModelReader
from retainkit.rules import Kind, Place, Signal


MAPPINGS: Final = ("linear", "steps", "table", "factors")
COMPONENT_WORDS: Final = (
    "name",
    "doc",
    "signal",
    "event",
    "direction",
    "weight",
    "half_life",
    *MAPPINGS,
)
COUNTED_WORDS: Final = ("name", "where", "or", "but", "origins", "same", "distinct", "within")
LINEAR_WORDS: Final = ("low", "high", "points", "outside")
STEPS_WORDS: Final = ("edges", "points", "edge")
TABLE_WORDS: Final = ("points", "otherwise")
FACTORS_WORDS: Final = ("cases", "otherwise")
CASE_WORDS: Final = ("when", "points")

_ENDS = 2


@frozen
class ComponentReader:
    """One component of a model in a document."""

    document: ModelReader
    place: Place

    def read(self, said: object, options: Mapping[str, object]) -> Component | None:
        """The component, or None and mistakes; ``options`` are what the model says besides."""
        document, place = self.document, self.place
        before = len(document.mistakes)
        data = document.keys(said, place, COMPONENT_WORDS)
        if not isinstance(said, Mapping):
            return None
        signal = self._signal(data)
        is_lost = signal is None and data.keys() & {"signal", "event"}  # a mistake by itself
        so_far = len(document.mistakes)
        mapping = None if is_lost else self._mapping(data, signal)
        is_whole = mapping is not None and len(document.mistakes) == so_far
        direction = None
        if "direction" in data:
            direction = document.word(
                data["direction"],
                (*place, "direction"),
                Direction,
                Direction.HIGHER_IS_BETTER,
            )
        weight = None
        if "weight" in data:
            weight = document.weight(data["weight"], (*place, "weight"))
        half_life = None
        if "half_life" in data:
            half_life = document.length(data["half_life"], (*place, "half_life"))
        name, doc = document.text(data, "name", place), document.text(data, "doc", place)
        if mapping is None or not is_whole or (direction is None and "direction" in data):
            return None
        found = document.made(
            place,
            lambda: Component(
                **({"name": name} if name else {}),
                doc=doc,
                signal=signal,
                direction=direction,
                mapping=mapping,
                weight=weight,
                half_life=half_life,
            ),
            lambda field: (*place, field),
        )
        if found is not None:
            self._fits(found, options)
        return found if len(document.mistakes) == before else None

    def _fits(self, part: Component, options: Mapping[str, object]) -> None:
        """Whether the component can be one of the model: said here, so that all are found."""
        scale, combine = options["scale"], options["combine"]
        prefix = f"components.{part.name}"

        def fits() -> None:
            ends = ends_of(scale if isinstance(scale, tuple) else (0, 100))
            mapping = checked(part.mapping, part.signal, part.direction, ends, prefix)
            if scale is not None and combine is not None:  # else they are mistakes by themselves
                check_points(part, mapping, ends, sums=combine is Combine.SUM)

        def where(name: str) -> Place:
            inside = [each for each in name.removeprefix(prefix).split(".") if each]
            if inside[:1] in (["direction"], ["half_life"]):
                return (*self.place, *inside)
            return (*self.place, type(part.mapping).__name__.lower(), *inside)

        self.document.made(self.place, fits, where)
        self.document.made(self.place, lambda: check_half_life(part), where)

    def _signal(self, data: Mapping[str, object]) -> Signal | None:
        """By its name, or counted of events."""
        document, place = self.document, self.place
        if "event" in data:
            return self._counted(data, data["event"])
        if "signal" not in data:
            return None
        return document.rules.signal(data["signal"], (*place, "signal"))

    def _counted(self, data: Mapping[str, object], said: object) -> Signal | None:
        document, inside = self.document, (*self.place, "event")
        if "signal" in data:
            document.wrong(
                inside,
                "A component reads a signal, or counts events",
                "health.mapping",
                str(data["signal"]),
                "write one of `signal: ...` and `event: ...`",
            )
            return None
        if not isinstance(said, Mapping):
            document.keys(said, inside, COUNTED_WORDS)
            return None
        before = len(document.mistakes)
        counted = document.keys(said, inside, COUNTED_WORDS)
        if len(document.mistakes) > before:
            return None
        return document.rules.derived("event", counted, inside)

    def _mapping(self, data: Mapping[str, object], signal: Signal | None) -> MappingOf | None:
        words = [word for word in MAPPINGS if word in data]
        if len(words) != 1:
            self.document.wrong(
                self.place,
                "A component has one mapping",
                "health.mapping",
                words,
                f"write one of {', '.join(MAPPINGS)}",
            )
            return None
        (word,) = words
        place = (*self.place, word)
        if word == "factors":
            return self._factors(data[word], place)
        if signal is None:
            self.document.wrong(
                self.place,
                "Only factors do without a signal",
                "health.mapping",
                word,
                "name the signal: `signal: ...`",
            )
            return None
        if word == "linear":
            return self._linear(data[word], signal, place)
        return (
            self._steps(data[word], signal, place)
            if word == "steps"
            else self._table(data[word], signal, place)
        )

    def _linear(self, said: object, signal: Signal, place: Place) -> Linear | None:
        document = self.document
        data = document.keys(said, place, LINEAR_WORDS)
        if not isinstance(said, Mapping) or not document.all_there(data, ("low", "high"), place):
            return None
        low, high = (document.limit(signal, data[end], (*place, end)) for end in ("low", "high"))
        outside = document.word(data.get("outside"), (*place, "outside"), Outside, Outside.CLAMP)
        points: tuple[Points, Points] | None = None
        if "points" in data:
            both = document.numbers(data["points"], (*place, "points"))
            if both is None:
                return None
            if len(both) != _ENDS:
                document.wrong(
                    (*place, "points"),
                    "A line has two ends",
                    "health.mapping",
                    len(both),
                    "write `points: [0, 100]`: at the low and at the high end",
                )
                return None
            points = (both[0], both[1])
        if low is None or high is None or outside is None:
            return None
        return Linear(low=low, high=high, points=points, outside=outside)

    def _steps(self, said: object, signal: Signal, place: Place) -> Steps | None:
        document = self.document
        data = document.keys(said, place, STEPS_WORDS)
        if not isinstance(said, Mapping) or not document.all_there(
            data, ("edges", "points"), place
        ):
            return None
        items = document.listed(data["edges"], (*place, "edges"))
        edges = [document.limit(signal, item, (*place, "edges", i)) for i, item in enumerate(items)]
        points = document.numbers(data["points"], (*place, "points"))
        edge = document.word(data.get("edge"), (*place, "edge"), Edge, Edge.UPPER_INCLUDED)
        known = [each for each in edges if each is not None]
        if edge is None or points is None or len(known) < len(edges):
            return None
        return Steps(edges=known, points=points, edge=edge)

    def _table(self, said: object, signal: Signal, place: Place) -> Table | None:
        document = self.document
        data = document.keys(said, place, TABLE_WORDS)
        words = data.get("points")
        if not isinstance(words, Mapping):
            document.wrong(
                (*place, "points"),
                "A table gives each value its points",
                "health.mapping",
                type(words).__name__,
                "write `points: {poor: 0, concerning: 5, healthy: 10}`",
            )
            return None
        found: dict[str | bool, Points] = {}
        for key, value in words.items():
            word = key
            if signal.kind is Kind.FLAG:
                word = {"true": True, "false": False}.get(str(key).lower(), key)
            points = document.points(value, (*place, "points", str(key)))
            if points is not None:
                found[word] = points
        return Table(points=found, otherwise=self._otherwise(data, place))

    def _factors(self, said: object, place: Place) -> Factors | None:
        document = self.document
        data = document.keys(said, place, FACTORS_WORDS)
        if not isinstance(said, Mapping):
            return None
        cases = []
        for i, item in enumerate(document.listed(data.get("cases", []), (*place, "cases"))):
            inside = (*place, "cases", i)
            each = document.keys(item, inside, CASE_WORDS)
            if not document.all_there(each, ("when", "points"), inside):
                continue
            when = document.condition(each["when"], (*inside, "when"))
            points = document.points(each["points"], (*inside, "points"))
            if when is not None and points is not None:
                cases.append((when, points))
        return Factors(cases=cases, otherwise=self._otherwise(data, place))

    def _otherwise(self, data: Mapping[str, object], place: Place) -> Points | None:
        if data.get("otherwise") is None:
            return None
        return self.document.points(data["otherwise"], (*place, "otherwise"))
