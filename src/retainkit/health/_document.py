"""A file of health models as data, with all mistakes at once; its text is read in `schema`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import ClassVar, Final, TypeVar

from attrs import define, evolve, field, frozen

from retainkit.errors import InvalidInput
from retainkit.health._bands import Band, Bands, Edge
from retainkit.health._fixed import Points, points_of, weight_of
from retainkit.health._mappings import (
    Bound,
    Direction,
    Factors,
    Linear,
    MappingOf,
    Outside,
    Steps,
    Table,
    checked,
)
from retainkit.health._model import (
    Cap,
    Combine,
    Component,
    HealthModel,
    HealthModels,
    check_half_life,
    check_weights,
    coverage_of,
)
from retainkit.money import money
from retainkit.rules import (
    Amounts,
    Compare,
    Condition,
    ConditionReader,
    Kind,
    Place,
    Reader,
    Rulebook,
    Signal,
    Signals,
    declared,
    meant,
    read_condition,
    read_rulebook,
)


T = TypeVar("T")

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
CAP_WORDS: Final = ("name", "when", "at")
LINEAR_WORDS: Final = ("low", "high", "points", "outside")
STEPS_WORDS: Final = ("edges", "points", "edge")
TABLE_WORDS: Final = ("points", "otherwise")
FACTORS_WORDS: Final = ("cases", "otherwise")
CASE_WORDS: Final = ("when", "points")

_ENDS = 2
_BAND = 3
_NOTHING = (0, "0d", "0h", "0min", "0s", "0w")


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
    given = {} if signals is None else signals
    known = dict(given if isinstance(given, Mapping) else declared(given))
    document = _Document()
    found = document.read(data, known)
    if found is None or document.mistakes:
        raise InvalidInput(
            f"There are mistakes in it: {document.told}",
            code="health.mistakes",
            value=tuple(document.mistakes),
            remedy="mend what each of them names",
        )
    return found


@define(kw_only=True)
class _Document(Reader):
    form: ClassVar[str] = "health.form"

    signals: Mapping[str, Signal] = field(factory=dict)
    segments: Mapping[str, Condition] = field(factory=dict)

    def read(self, data: object, signals: Mapping[str, Signal]) -> HealthModels | None:
        top = self.keys(data, (), FILE_WORDS)
        rules = {key: top[key] for key in ("signals", "segments") if key in top}
        book = self.made((), lambda: read_rulebook(rules, signals))
        book = Rulebook(signals=signals) if book is None else book
        self.signals, self.segments = book.signals, book.segments
        items = self.listed(top.get("models", []), ("models",))
        read = [_Model(self, ("models", i)).read(item) for i, item in enumerate(items)]
        if self.mistakes:
            return None
        return self.made(
            ("models",), lambda: HealthModels(models=[m for m in read if m is not None])
        )

    @property
    def rules(self) -> ConditionReader:
        """Reads what is said in the words of rules."""
        return ConditionReader(
            signals=self.signals, segments=self.segments.keys(), mistakes=self.mistakes
        )

    def value(self, place: Place, make: Callable[[], T]) -> T | None:
        """What the function makes of one value, in the words of rules; or a mistake right there."""
        before = len(self.mistakes)
        found = self.made(place, make)
        self.mistakes[before:] = [evolve(each, place=place) for each in self.mistakes[before:]]
        return found

    def word(self, data: object, place: Place, words: type[W], default: W) -> W | None:
        """One of some words."""
        if data is None:
            return default
        known = [each.value for each in words]
        if data in known:
            return words(data)
        self.wrong(
            place, "This word has no meaning here", "health.form", data, meant(str(data), known)
        )
        return None

    def condition(self, data: object, place: Place) -> Condition | None:
        """A condition in the words of rules."""
        return self.rules.condition(data, place)

    def text(self, data: Mapping[str, object], key: str, place: Place) -> str:
        """A name or a sentence; empty when it is not said, or is none."""
        said = data.get(key, "")
        if isinstance(said, str) or type(said) is int:
            return str(said)
        self.wrong(
            (*place, key),
            "Here stands a text",
            "health.form",
            type(said).__name__,
            "write it in quotes, or leave the word out",
        )
        return ""

    def points(self, data: object, place: Place) -> Points | None:
        """Some points."""
        found = self.made(place, lambda: _decimal(data))
        return None if found is None else self.made(place, lambda: _checked_points(found, place))

    def numbers(self, said: object, place: Place, *, first: int = 0) -> list[Points] | None:
        """Some points each, counted from the first; or None and a mistake."""
        before = len(self.mistakes)
        items = self.listed(said, place)
        found = [self.points(item, (*place, i)) for i, item in enumerate(items, first)]
        known = [each for each in found if each is not None]
        return known if len(self.mistakes) == before else None

    def all_there(self, said: Mapping[str, object], words: Sequence[str], place: Place) -> bool:
        """Whether these words are said; or a mistake."""
        missing = [word for word in words if word not in said]
        if missing:
            self.wrong(
                place,
                "Something is missing here",
                "health.form",
                missing,
                f"write {', '.join(f'`{word}: ...`' for word in missing)}",
            )
        return not missing

    def length(self, data: object, place: Place) -> timedelta | None:
        """A length such as 30d; none is zero."""
        if data in _NOTHING and not isinstance(data, bool):
            return timedelta(0)
        return self.rules.length(data, place)


W = TypeVar("W", Direction, Outside, Edge, Combine)


@frozen
class _Model:
    """One model of a document."""

    document: _Document
    place: Place

    def read(self, said: object) -> HealthModel | None:
        document, place = self.document, self.place
        before = len(document.mistakes)
        data = document.keys(said, place, MODEL_WORDS)
        if not isinstance(said, Mapping):
            return None
        segment = data.get("segment")
        options: dict[str, object] = {
            "id": document.text(data, "id", place),
            "doc": document.text(data, "doc", place),
            "segment": None
            if segment is None
            else document.condition(segment, (*place, "segment")),
            "combine": document.word(
                data.get("combine"), (*place, "combine"), Combine, Combine.MEAN
            ),
            "scale": self._scale(data),
            "bands": self._bands(data),
            "caps": self._caps(data),
        }
        for key in ("start", "total"):
            if key in data:
                options[key] = document.made((*place, key), lambda key=key: _weight(data[key]))  # type: ignore[misc] # bound now
        if "minimum_coverage" in data:
            inside = (*place, "minimum_coverage")
            options["minimum_coverage"] = document.made(
                inside, lambda: coverage_of(_share(data["minimum_coverage"]))
            )
        if "trend_over" in data:
            options["trend_over"] = document.length(data["trend_over"], (*place, "trend_over"))
        if data.get("step") is not None:
            options["step"] = document.points(data["step"], (*place, "step"))
        if "places" in data:
            options["places"] = data["places"]
        components = self._components(data, options)
        if len(document.mistakes) > before:
            return None
        make: Callable[..., HealthModel] = HealthModel
        return document.made(
            place,
            lambda: make(components=components, segments=document.segments, **options),
            lambda name: self._where(name, components, data),
        )

    def _where(
        self, name: str, components: Sequence[Component], data: Mapping[str, object]
    ) -> Place:
        """Where in the document a field of the model stands."""
        first, _, rest = name.partition(".")
        if first == "components":
            for index, part in enumerate(components):
                if rest.startswith(part.name):
                    inside = rest.removeprefix(part.name).strip(".").split(".")
                    return (*self.place, first, index, *(each for each in inside if each))
        if first == "caps":
            listed = data.get("caps")
            for index, cap in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(cap, Mapping) and rest.startswith(str(cap.get("name"))):
                    return (*self.place, first, index, *([] if "." not in rest else ["at"]))
        return (*self.place, first)

    def _scale(self, data: Mapping[str, object]) -> tuple[Points, Points]:
        if "scale" not in data:
            return (0, 100)
        ends = self.document.numbers(data["scale"], (*self.place, "scale"))
        if ends is None:
            return (0, 100)
        if len(ends) == _ENDS:
            return (ends[0], ends[1])
        self.document.wrong(
            (*self.place, "scale"),
            "A scale has two ends",
            "health.scale",
            len(ends),
            "write `scale: [0, 100]`",
        )
        return (0, 100)

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
        found: list[Band | None] = []
        if isinstance(said, Mapping):
            found = [
                self._band(str(name), ends, (*place, str(name))) for name, ends in said.items()
            ]
        else:
            for i, item in enumerate(document.listed(said, place)):
                parts = document.listed(item, (*place, i))
                name = str(parts[0]) if len(parts) == _BAND else ""
                found.append(self._band(name, list(parts[1:]), (*place, i), first=1))
        edge = document.word(data.get("edge"), (*self.place, "edge"), Edge, Edge.UPPER_INCLUDED)
        margin = (
            document.points(data["hysteresis"], (*self.place, "hysteresis"))
            if "hysteresis" in data
            else 0
        )
        bands = [band for band in found if band is not None]
        if edge is None or margin is None or len(bands) < len(found):
            return None
        names = [band.name for band in bands]

        def where(name: str) -> Place:
            if not name.startswith("bands"):
                return (*self.place, name)
            rest = name.removeprefix("bands").removeprefix(".")
            if rest not in names:
                return place
            return (*place, rest if isinstance(said, Mapping) else names.index(rest))

        return document.made(place, lambda: Bands(bands=bands, edge=edge, hysteresis=margin), where)

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

    def _caps(self, data: Mapping[str, object]) -> list[Cap]:
        document, place = self.document, (*self.place, "caps")
        found = []
        for i, item in enumerate(document.listed(data.get("caps", []), place)):
            said = document.keys(item, (*place, i), CAP_WORDS)
            if not document.all_there(said, ("name", "when", "at"), (*place, i)):
                continue
            when = document.condition(said["when"], (*place, i, "when"))
            at = document.points(said["at"], (*place, i, "at"))
            if when is not None and at is not None:
                found.append(Cap(name=document.text(said, "name", (*place, i)), when=when, at=at))
        return found

    def _components(
        self, data: Mapping[str, object], options: Mapping[str, object]
    ) -> list[Component]:
        document, place = self.document, (*self.place, "components")
        items = document.listed(data.get("components", []), place)
        found = [
            _Component(document, (*place, i)).read(item, options) for i, item in enumerate(items)
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


@frozen
class _Component:
    """One component of a model in a document."""

    document: _Document
    place: Place

    def read(self, said: object, options: Mapping[str, object]) -> Component | None:
        document, place = self.document, self.place
        before = len(document.mistakes)
        data = document.keys(said, place, COMPONENT_WORDS)
        if not isinstance(said, Mapping):
            return None
        signal = self._signal(data)
        if len(document.mistakes) > before and signal is None and data.keys() & {"signal", "event"}:
            return None
        mapping = self._mapping(data, signal)
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
            weight = document.made((*place, "weight"), lambda: _weight(data["weight"]))
        half_life = None
        if "half_life" in data:
            half_life = document.length(data["half_life"], (*place, "half_life"))
        name, doc = document.text(data, "name", place), document.text(data, "doc", place)
        if mapping is None or len(document.mistakes) > before:
            return None
        found = document.made(
            place,
            lambda: Component(
                name=name or ("" if signal is None else signal.name),
                doc=doc,
                signal=signal,
                direction=direction,
                mapping=mapping,
                weight=weight,
                half_life=half_life,
            ),
            lambda field: (*place, field),
        )
        return None if found is None else self._fits(found, options)

    def _fits(self, part: Component, options: Mapping[str, object]) -> Component | None:
        """The component, when it can be one of the model: said here, so that all are found."""
        scale = options["scale"]
        low, high = scale if isinstance(scale, tuple) else (0, 100)
        prefix = f"components.{part.name}"

        def fits() -> Component:
            ends = points_of(low, "scale"), points_of(high, "scale")
            checked(part.mapping, part.signal, part.direction, ends, prefix)
            check_half_life(part)
            return part

        def where(name: str) -> Place:
            inside = [each for each in name.removeprefix(prefix).split(".") if each]
            if inside[:1] in (["direction"], ["half_life"]):
                return (*self.place, *inside)
            return (*self.place, type(part.mapping).__name__.lower(), *inside)

        return self.document.made(self.place, fits, where)

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
        low, high = (self._limit(signal, data[end], (*place, end)) for end in ("low", "high"))
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
        edges = [self._limit(signal, item, (*place, "edges", i)) for i, item in enumerate(items)]
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

    def _limit(self, signal: Signal, raw: object, place: Place) -> Bound | None:
        if signal.kind in (Kind.TIME, Kind.DURATION):
            return self.document.length(raw, place)
        return self.document.value(place, lambda: _limit(signal, raw))


def _limit(signal: Signal, raw: object) -> Bound:
    """A limit in the words of rules: 5, 499.90 EUR, 30d."""
    if signal.kind in (Kind.TEXT, Kind.FLAG):
        raise _no_limit(signal, raw)
    found = read_condition({"limit": {"gte": raw}}, {"limit": evolve(signal, name="limit")})
    value = found.value if isinstance(found, Compare) else None
    if isinstance(value, Amounts):
        ((code, amount), *others) = value.table
        if not others:
            return money(amount, code)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _no_limit(signal, raw)


def _no_limit(signal: Signal, raw: object) -> InvalidInput:
    return InvalidInput(
        "A limit is one value on the signal's line",
        code="health.mapping",
        field=signal.name,
        value=str(raw),
        remedy="write a number, one amount such as 500 EUR, or a length such as 30d; "
        "give words and flags points with `table`",
    )


def _decimal(raw: object) -> Points:
    """A number; one with decimals may be a text, so that it is exact."""
    if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        return raw
    try:
        return Decimal(raw) if isinstance(raw, str) else _no_number(raw)
    except InvalidOperation:
        return _no_number(raw)


def _weight(raw: object) -> Points | Fraction:
    """A number, or a fraction such as 1/3."""
    if isinstance(raw, str) and "/" in raw:
        try:
            return Fraction(raw.replace(" ", ""))
        except (ValueError, ZeroDivisionError):
            return _no_number(raw)
    return _decimal(raw)


def _no_number(raw: object) -> Points:
    raise InvalidInput(
        "A number belongs here",
        code="health.form",
        field="number",
        value=raw if isinstance(raw, str | bool) else type(raw).__name__,
        remedy="write a number such as 5 or 2.5",
    )


def _checked_points(points: Points, place: Place) -> Points:
    points_of(points, ".".join(map(str, place)))
    return points


def _share(raw: object) -> Points:
    """A share such as 0.6 or 60%."""
    if isinstance(raw, str) and raw.strip().endswith("%"):
        return Decimal(str(_decimal(raw.strip()[:-1].strip()))) / 100
    return _decimal(raw)
