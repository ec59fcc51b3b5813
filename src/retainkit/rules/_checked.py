"""What rules say of events, checked: names, keys, values, windows; nothing is counted here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from retainkit.core import EVERY_NAME, Origin, check_json
from retainkit.errors import InvalidInput
from retainkit.rules._windows import window


if TYPE_CHECKING:
    from retainkit.rules._events import EventPattern

Scalar: TypeAlias = "bool | int | str | None"
MissingTime: TypeAlias = "Literal['unknown', 'never']"

_DAY = timedelta(days=1)
_MISSING: tuple[MissingTime, ...] = ("unknown", "never")


def exact_text(text: str) -> str:
    """A text as Python's own, whatever subclass it is of; inside this room only."""
    return str.__str__(text)


def where_pairs(pairs: tuple[tuple[str, Scalar], ...]) -> tuple[tuple[str, Scalar], ...]:
    """What the data must have, checked and in order; inside this room only."""
    check_json(dict(pairs), "where")
    for key, value in pairs:
        if not isinstance(value, bool | int | str | None):
            raise InvalidInput(
                "An event's data are compared with single values",
                code="rules.where",
                field=f"where.{key}",
                value=type(value).__name__,
                remedy="name a key of the data, and the text, number or flag it must have",
            )
    return tuple(sorted((exact_text(key), _exact(value)) for key, value in pairs))


def _exact(value: Scalar) -> Scalar:
    """Of Python's own types, since those are compared, too."""
    if isinstance(value, str):
        return exact_text(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def pairs_of(where: Mapping[str, Scalar] | None) -> tuple[tuple[str, Scalar], ...]:
    """What the data must have, as pairs; inside this room only."""
    given: object = where  # from Python, whatever the annotation says
    if given is None or isinstance(given, Mapping):
        return tuple((where or {}).items())
    raise InvalidInput(
        "An event's data are compared under their keys",
        code="rules.where",
        field="where",
        value=type(given).__name__,
        remedy='pass a dict, such as {"plan": "team"}',
    )


def a_pattern(pattern: EventPattern) -> EventPattern:
    """What is meant by events, checked; inside this room only."""
    given: object = pattern  # as above
    if not hasattr(given, "takes"):
        raise InvalidInput(
            "Events are told by event(...), either(...) or anything(...)",
            code="rules.event_pattern",
            field="event",
            value=given if isinstance(given, str) else type(given).__name__,
            remedy='write event("ticket.closed"), not its name alone',
        )
    return pattern


def with_types(pairs: tuple[tuple[str, Scalar], ...]) -> tuple[tuple[str, type, Scalar], ...]:
    """Each with its type, since to Python 1 is True; inside this room only."""
    return tuple((key, type(value), value) for key, value in pairs)


def within_length(length: timedelta) -> timedelta:
    """A window, checked; inside this room only."""
    return window(length, "within")


def named_key(text: str | None) -> str | None:
    """The name of a key, or none, checked; inside this room only."""
    return None if text is None else event_name(text)


def event_name(text: str) -> str:
    """The name of an event or a key, checked; inside this room only."""
    given: object = text  # from Python, whatever the annotation says
    if not isinstance(given, str) or not given:
        raise InvalidInput(
            "An event, and a key of its data, has a name",
            code="rules.event_name",
            field="name",
            value=given,
            remedy="name it as the timeline does, such as payment.failed",
        )
    return given


def every_or_one(text: str) -> str:
    """The name of an event, or ``*`` alone for every one, checked; inside this room only."""
    return text if text == EVERY_NAME else one_event(text)


def one_event(text: str) -> str:
    """The name of an event, checked; inside this room only."""
    name = event_name(text)
    if EVERY_NAME in name:
        raise InvalidInput(
            "An event is named in full, so that what is counted is known",
            code="rules.event_name",
            field="name",
            value=name,
            remedy='name each: either("payment.failed", "payment.disputed"); of every name but '
            "some, write anything(but=...), which takes patterns",
        )
    return name


def one_of_events(names: Iterable[str]) -> tuple[str, ...]:
    """Names in full, in order, each once, checked; inside this room only."""
    return tuple(sorted({one_event(name) for name in names}))


def left_out(text: str) -> str:
    """A name to leave out, in full or by what it starts with, checked; inside this room only."""
    name = event_name(text)
    start = name.removesuffix(".*")
    if not start or EVERY_NAME in start:
        raise InvalidInput(
            "What is left out is named in full, or by what it starts with",
            code="rules.event_name",
            field="but",
            value=name,
            remedy="name it, such as payment.failed, or write payment.* for all that start with "
            "payment.",
        )
    return name


def all_left_out(names: Iterable[str]) -> tuple[str, ...]:
    """Names to leave out, in order, each once, checked; inside this room only."""
    return tuple(sorted({left_out(name) for name in names}))


def origins_of(origins: Iterable[Origin | str]) -> tuple[Origin, ...]:
    """Origins in order, each once, checked; inside this room only."""
    try:
        return tuple(sorted({Origin(origin) for origin in origins}))
    except ValueError as exc:
        raise InvalidInput(
            "There is no such origin",
            code="rules.origin",
            field="origins",
            value=", ".join(map(str, origins)),
            remedy=f"use {', '.join(origin.value for origin in Origin)}",
        ) from exc


def is_like(name: str, pattern: str) -> bool:
    """A name is this one, or starts with what stands before ``*``; inside this room only."""
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern


def missing_time(missing: MissingTime) -> MissingTime:
    """What no time means, checked; inside this room only."""
    if missing in _MISSING:
        return missing
    raise InvalidInput(
        "A missing time is unknown, or means never",
        code="rules.choice",
        field="missing",
        value=str(missing),
        remedy="use unknown or never",
    )


def times(count: object) -> int:
    """So many times, checked; inside this room only."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidInput(
            "Something happens once or more",
            code="rules.times",
            field="at_least",
            value=count,
            remedy="pass an int above zero; absent() says that it didn't happen",
        )
    return count


def least(count: object) -> int:
    """The least volume, checked; inside this room only."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidInput(
            "The least volume is a whole number above zero",
            code="rules.minimum",
            field="minimum",
            value=count if isinstance(count, bool | int | float | str) else type(count).__name__,
            remedy="below it the signal is unknown; pass 1 to have it always",
        )
    return count


def whole_days(length: timedelta) -> timedelta:
    """A window of whole days, checked; inside this room only."""
    length = window(length, "within")
    if length % _DAY:
        raise InvalidInput(
            "This is counted by days of the customer, so its window is some whole days long",
            code="rules.whole_days",
            field="within",
            value=str(length),
            remedy="pass days(28), or write 28d",
        )
    return length


def whole_weeks(length: timedelta) -> timedelta:
    """A window of whole weeks, checked; inside this room only."""
    if window(length, "within") % (7 * _DAY):
        raise InvalidInput(
            "Weeks are counted in a window of whole weeks",
            code="rules.whole_weeks",
            field="within",
            value=str(length),
            remedy="pass weeks(8), or write 8w",
        )
    return length


def text_choices(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts that a signal can have, each once, checked; inside this room only."""
    given: object = texts  # from Python or a file, whatever the annotation says
    listed: list[object] = []
    if isinstance(given, Iterable) and not isinstance(given, str):
        listed += given
        found = tuple(exact_text(text) for text in listed if isinstance(text, str) and text)
        if len(found) == len(listed):
            return tuple(dict.fromkeys(found))
    raise InvalidInput(
        "The choices of a text are texts",
        code="rules.choice",
        field="one_of",
        value=given if isinstance(given, str) else ", ".join(map(repr, listed)),
        remedy='list them: one_of=("free", "team")',
    )


def features(names: Iterable[str]) -> tuple[str, ...]:
    """The core features, checked; inside this room only."""
    given: object = names
    listed = () if isinstance(given, str) else tuple(names)
    if not listed or len(set(listed)) < len(listed):
        raise InvalidInput(
            "Depth is told of a list of features, each of them once",
            code="rules.features",
            field="features",
            value=given if isinstance(given, str) else ", ".join(map(str, listed)),
            remedy='name them: features=("reports", "alerts")',
        )
    return tuple(sorted(map(event_name, listed)))
