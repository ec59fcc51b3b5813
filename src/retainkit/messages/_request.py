"""What a feature asks for: the data of ``message.requested`` as checked values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from retainkit.core import JsonObject, JsonValue
from retainkit.errors import InvalidInput
from retainkit.timing import utc


if TYPE_CHECKING:
    from retainkit.money import Money


REASONS = frozenset(
    {
        "bank_problem",
        "card_problem",
        "expired_card",
        "generic",
        "insufficient_funds",
        "needs_authentication",
    }
)
"""What a customer may be told of a decline; anything else is told as ``generic``."""

TONES = ("friendly", "neutral", "firm")

T = TypeVar("T")


@frozen(kw_only=True)
class Step:
    """
    Something that will happen to a subscription.

    Args:
        what: The access level or the end's action.

        at: When.
    """

    what: str
    at: datetime


@frozen(kw_only=True)
class Request:
    """The data of ``message.requested``; see `retainkit.messages.render`."""

    message: str
    tone: str
    reason: str
    invoices: tuple[tuple[str, Money], ...]
    total: Money
    next_try: datetime | None
    access: Step | None
    end: Step | None
    link: bool


def read_request(data: JsonObject) -> Request:
    """
    The request in checked values.

    Raises:
        InvalidInput: ``message.bad_request`` with the field; ``message.unknown_tone``.
    """
    from retainkit.money import from_json

    reason = _optional(data, "reason", _text)
    return Request(
        message=_text(data.get("message"), "message"),
        tone=_tone(data.get("tone")),
        reason=reason if reason in REASONS else "generic",
        invoices=tuple(
            (_text(invoice.get("invoice"), "invoices"), from_json(invoice.get("amount")))
            for invoice in _objects(data.get("invoices"), "invoices")
        ),
        total=from_json(data.get("total")),
        next_try=_optional(data, "next_try", _instant),
        access=_optional(data, "access", _step("level")),
        end=_optional(data, "end", _step("action")),
        link=data.get("link") is not None,
    )


def _bad(field: str, value: object, remedy: str) -> InvalidInput:
    return InvalidInput(
        "This message can't be asked for",
        code="message.bad_request",
        field=field,
        value=value,
        remedy=remedy,
    )


def _optional(data: JsonObject, name: str, read: Callable[[JsonValue, str], T]) -> T | None:
    value = data.get(name)
    return None if value is None else read(value, name)


def _text(value: JsonValue, field: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise _bad(field, value, "pass a text that is not empty")


def _tone(value: JsonValue) -> str:
    tone = _text(value, "tone")
    if tone in TONES:
        return tone
    raise InvalidInput(
        "There is no such tone",
        code="message.unknown_tone",
        field="tone",
        value=tone,
        remedy=f"use one of: {', '.join(TONES)}",
    )


def _instant(value: JsonValue, field: str) -> datetime:
    try:
        return utc(datetime.fromisoformat(_text(value, field)), field)
    except ValueError as exc:
        raise _bad(field, value, "pass an instant such as 2026-12-01T09:00:00+00:00") from exc


def _step(kind: str) -> Callable[[JsonValue, str], Step]:
    def read(value: JsonValue, field: str) -> Step:
        if not isinstance(value, Mapping):
            raise _bad(field, value, f'pass an object with "{kind}" and "at"')
        return Step(
            what=_text(value.get(kind), f"{field}.{kind}"),
            at=_instant(value.get("at"), f"{field}.at"),
        )

    return read


def _objects(value: JsonValue, field: str) -> list[JsonObject]:
    if isinstance(value, (list, tuple)) and value and all(isinstance(i, Mapping) for i in value):
        return list(value)
    raise _bad(field, value, "pass a list of at least one object with an invoice and its amount")
