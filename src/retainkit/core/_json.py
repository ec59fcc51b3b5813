"""What events, reasons and effects may hold: JSON without floats; and its one canonical text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from json import encoder
from typing import TypeAlias, cast

from retainkit.errors import InvalidInput


JsonValue: TypeAlias = "bool | int | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

_PLAIN = frozenset({str, int, bool, type(None)})

LONGEST_ID = 2000
"""
Bytes of UTF-8 that an id can have. PostgreSQL keeps 2,704 bytes of one entry of an index: those of
a customer stand beside 500 of what it is looked up with.
"""

_BROKEN = re.compile("[\0\ud800-\udfff]")
_SHOWN = 40


def _encoder() -> Callable[[JsonValue, int], Sequence[str]]:
    """
    The pieces of a value's canonical text.

    `JSONEncoder.encode` sets up its C part anew for every value, which takes longer than to
    encode an event's data; here that is done once. The C part is not documented: where it is
    missing or asks for something else, the public one does the same, slower.
    """
    public = json.JSONEncoder(
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        check_circular=False,
    )
    settings = (encoder.encode_basestring, None, ":", ",", True, False, False)
    try:
        made: Callable[[JsonValue, int], Sequence[str]] = encoder.c_make_encoder(  # type: ignore[attr-defined] # not documented
            None, public.default, *settings
        )
    except (AttributeError, TypeError):
        return lambda value, _: public.encode(value)
    return made


_encode = _encoder()


def dumps(value: JsonValue) -> str:
    """
    The canonical JSON text: sorted keys, no spaces. The same value gives the same bytes.

    Raises:
        InvalidInput: ``json.number``: a whole number of more digits than Python writes.
    """
    try:
        return "".join(_encode(value, 0))
    except ValueError as exc:
        raise InvalidInput(
            "A whole number has too many digits",
            code="json.number",
            field="data",
            value="huge",
            remedy="pass it as text, or leave it out",
        ) from exc


def content_hash(value: JsonObject) -> str:
    """The name of a definition: the same content gives the same 32 hexadecimal digits."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()[:32]


def loads(text: str) -> JsonObject:
    """The JSON object in a text that :func:`dumps` wrote."""
    value: JsonObject = json.loads(text)
    return value


def check_text(text: str, field: str) -> None:
    """
    Refuse what no database keeps as text.

    Raises:
        InvalidInput: ``json.id_type`` for what is no text; ``json.text``: a NUL, or half of a
            surrogate pair.
    """
    given: object = text  # from Python, whatever the annotation says
    if not isinstance(given, str):
        raise InvalidInput(
            "An id, or a name, is a text",
            code="json.id_type",
            field=field,
            value=type(given).__name__,
            remedy="pass it as text, in quotes",
        )
    broken = _BROKEN.search(text)
    if broken is None:
        return
    raise InvalidInput(
        "This text has a character that no database keeps",
        code="json.text",
        field=field,
        value=ascii(broken[0]),
        remedy="remove NULs, and decode the bytes that it came from as what they are",
    )


def check_id(text: str, field: str, *, most: int = LONGEST_ID) -> None:
    """
    Refuse what no database keeps as an id, or has no room for in an index.

    Raises:
        InvalidInput: ``json.id_type`` for what is no text; ``json.text``; ``json.id_length`` for
            more than so many bytes of UTF-8.
    """
    check_text(text, field)
    size = len(text.encode())
    if size <= most:
        return
    raise InvalidInput(
        "This is too long for an id",
        code="json.id_length",
        field=field,
        value=f"{text[:_SHOWN]}... of {size} bytes",
        remedy=f"pass one of at most {most} bytes of UTF-8, such as a digest of this one",
    )


def check_json(value: object, field: str) -> None:
    """
    Refuse what an event can't hold exactly.

    Raises:
        InvalidInput: A float (write amounts as text), or a type JSON does not have.
    """
    kind = type(value)
    if kind is dict and _PLAIN.issuperset(map(type, cast("dict[str, object]", value).values())):
        return  # what nearly every event holds
    if kind in _PLAIN or isinstance(value, (str, int)):
        return
    if isinstance(value, float):
        raise InvalidInput(
            "A float can't be stored exactly",
            code="json.float",
            field=field,
            value=value,
            remedy="pass an int, or the decimal as text",
        )
    if isinstance(value, Mapping):
        for key, item in value.items():
            if type(item) not in _PLAIN:
                check_json(item, f"{field}.{key}")
    elif isinstance(value, (list, tuple)):
        for item in value:
            if type(item) not in _PLAIN:
                check_json(item, field)
    else:
        raise InvalidInput(
            "Not a JSON value",
            code="json.type",
            field=field,
            value=type(value).__name__,
            remedy="use None, bool, int, str, lists and mappings",
        )
