"""YAML as data, with the line and column of everything in it; what it means is said elsewhere.

Only what a document needs: no tags, no anchors, one document, limited in size and depth, so that a
file from outside can neither make objects nor eat the memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import define, field, frozen

from retainkit.errors import ConfigurationError, InvalidInput


if TYPE_CHECKING:
    import yaml

Place: TypeAlias = tuple[str | int, ...]

MOST_CHARACTERS = 1_000_000
MOST_DEEP = 100
MOST_DIGITS = 100

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_MISREAD = re.compile(r"[-+]?0[0-9_]+|.*:.*")
"""To YAML 1.1, 010 is octal, and 1:30 counts by sixties."""


class Mark(Protocol):
    """Where something stands, as both of PyYAML's parsers say it; they count from 0."""

    @property
    def line(self) -> int:
        """The line."""
        ...

    @property
    def column(self) -> int:
        """The column."""
        ...


@frozen
class Spot:
    """A line and a column; both count from 1."""

    line: int
    column: int


@frozen(kw_only=True)
class Marked:
    """
    A document's data, and where everything stands.

    Args:
        data: Mappings, lists, texts, numbers, flags and instants.

        keys: The spots of the keys of mappings, by the place of their values.

        values: The spots of values.

        twice: Keys that a mapping has more than once.

        misread: Numbers that YAML takes for other ones than people do, each with what it takes.

        broken: What is no plain YAML, with the reasons.
    """

    data: object
    keys: Mapping[Place, Spot]
    values: Mapping[Place, Spot]
    twice: tuple[tuple[Place, Spot], ...]
    misread: tuple[tuple[str, object, Spot], ...]
    broken: tuple[tuple[str, Spot], ...]


def read_yaml(text: str) -> Marked:
    """
    The data of one YAML or JSON document.

    Raises:
        InvalidInput: ``yaml.too_large``.
        ConfigurationError: ``yaml.missing`` when PyYAML is not installed.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            f"A document has at most {MOST_CHARACTERS} characters",
            code="yaml.too_large",
            field="text",
            value=len(text),
            remedy="split it",
        )
    try:
        import yaml
    except ImportError as exc:
        raise ConfigurationError(
            "YAML needs a package",
            code="yaml.missing",
            field="yaml",
            remedy='pip install "retainkit-sdk[yaml]"',
        ) from exc
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
            if builder.broken:
                break
    except yaml.MarkedYAMLError as exc:
        builder.break_off(exc.problem or "This is no YAML", exc.problem_mark)
    except (yaml.YAMLError, UnicodeEncodeError) as exc:  # the latter of the C parser's reader
        builder.break_off(str(exc).partition("\n")[0], None)
    return Marked(
        data=builder.data,
        keys=builder.keys,
        values=builder.values,
        twice=tuple(builder.twice),
        misread=tuple(builder.misread),
        broken=tuple(builder.broken),
    )


@define
class _Open:
    """A mapping or a list that is not closed yet."""

    into: dict[object, object] | list[object]
    place: Place
    key: object = None
    has_key: bool = False


@define
class _Builder:
    data: object = None
    documents: int = 0
    keys: dict[Place, Spot] = field(factory=dict)
    values: dict[Place, Spot] = field(factory=dict)
    twice: list[tuple[Place, Spot]] = field(factory=list)
    misread: list[tuple[str, object, Spot]] = field(factory=list)
    broken: list[tuple[str, Spot]] = field(factory=list)
    stack: list[_Open] = field(factory=list)

    def take(self, event: yaml.Event) -> None:
        import yaml

        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.break_off("Here begins a second document", event.start_mark)
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.break_off("Anchors and aliases have no meaning here", event.start_mark)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event), _spot(event.start_mark))

    def break_off(self, why: str, mark: Mark | None) -> None:
        self.broken.append((why[:1].upper() + why[1:], _spot(mark)))

    def _open(
        self,
        into: dict[object, object] | list[object],
        event: yaml.MappingStartEvent | yaml.SequenceStartEvent,
    ) -> None:
        if len(self.stack) >= MOST_DEEP:
            self.break_off(f"Nothing stands more than {MOST_DEEP} deep", event.start_mark)
            return
        if event.tag is not None and event.tag != "!":
            self.break_off("Tags have no meaning here", event.start_mark)
            return
        place = self._put(into, _spot(event.start_mark))
        self.stack.append(_Open(into, place))

    def _put(self, value: object, spot: Spot) -> Place:
        """Add a key or a value to what is open; the place of a value."""
        if not self.stack:
            self.data = value
            self.values[()] = spot
            return ()
        top = self.stack[-1]
        if isinstance(top.into, list):
            place = (*top.place, len(top.into))
            top.into.append(value)
        elif not top.has_key:
            self._key(top, value, spot)
            return top.place
        else:
            place = (*top.place, str(top.key))
            top.into[top.key] = value
            top.has_key = False
        self.values[place] = spot
        return place

    def _key(self, top: _Open, key: object, spot: Spot) -> None:
        if isinstance(key, dict | list):
            self.broken.append(("A key is a single word", spot))
            key = ""
        place = (*top.place, str(key))
        if isinstance(top.into, dict) and key in top.into:
            self.twice.append((place, spot))
        top.key, top.has_key = key, True
        self.keys[place] = spot

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        import yaml

        if event.tag is not None and event.tag != "!":
            self.break_off("Tags have no meaning here", event.start_mark)
            return None
        resolver = yaml.resolver.Resolver()
        tag = resolver.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call] # stubs
        if tag in {"tag:yaml.org,2002:str", "tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"}:
            return event.value
        if len(event.value) > MOST_DIGITS:
            self.break_off("This is too long for a number or a time", event.start_mark)
            return None
        try:
            node = yaml.ScalarNode(tag, event.value)
            found: object = yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.break_off("This looks like a number or a time, and is none", event.start_mark)
            return None
        if tag in _NUMBERS and _MISREAD.fullmatch(event.value):
            self.misread.append((event.value, found, _spot(event.start_mark)))
        return found


def _spot(mark: Mark | None) -> Spot:
    return Spot(1, 1) if mark is None else Spot(mark.line + 1, mark.column + 1)
