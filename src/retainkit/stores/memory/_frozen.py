"""JSON that can't be changed: what is stored is shared with its readers, so it is copied once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from attrs import evolve

from retainkit.core import Answer, Because, Event, JsonObject, JsonValue, Outcome


_SCALARS: Final = frozenset({str, int, bool, type(None)})


class _FrozenObject(dict[str, JsonValue]):
    """A JSON object that can't be changed; equal to a dict, and read by json like one."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return dict, (dict(self),)


class _FrozenArray(list[JsonValue]):
    """A JSON array that can't be changed; equal to a list, and read by json like one."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return list, (list(self),)


def _refuse(_self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError("What is stored can't be changed: copy it first")


_CHANGES: Final[Mapping[type, str]] = {
    _FrozenObject: "__delitem__ __ior__ __setitem__ clear pop popitem setdefault update",
    _FrozenArray: (
        "__delitem__ __iadd__ __imul__ __setitem__ append clear extend insert pop remove reverse"
        " sort"
    ),
}
for _kind, _names in _CHANGES.items():
    for _name in _names.split():
        setattr(_kind, _name, _refuse)


def frozen_object(value: JsonObject) -> JsonObject:
    """The same JSON object, as one that can't be changed."""
    if type(value) is _FrozenObject:
        return value
    if _SCALARS.issuperset(map(type, value.values())):
        return _FrozenObject(value)
    return _FrozenObject(
        {k: v if type(v) in _SCALARS else frozen_value(v) for k, v in value.items()}
    )


def frozen_value(value: JsonValue) -> JsonValue:
    """The same JSON value, as one that can't be changed."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return frozen_object(value)
    if isinstance(value, (list, tuple)) and type(value) is not _FrozenArray:
        return _FrozenArray([frozen_value(item) for item in value])
    return value


def frozen_event(event: Event) -> Event:
    """The event, its data and reasons as JSON that can't be changed."""
    because = tuple(Because(key=why.key, values=frozen_object(why.values)) for why in event.because)
    return evolve(event, data=frozen_object(event.data), because=because)


def frozen_outcome(outcome: Outcome | None) -> Outcome | None:
    """The outcome, an answer's data as JSON that can't be changed."""
    return Answer(data=frozen_object(outcome.data)) if isinstance(outcome, Answer) else outcome
