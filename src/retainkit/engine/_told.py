"""Answers of rules in the reader's language; the sentences are in the catalogues of `messages`."""

from __future__ import annotations

from datetime import datetime, timedelta

from retainkit.core import Because, JsonObject, JsonValue
from retainkit.messages.reasons import explain_text
from retainkit.money import Money, to_json
from retainkit.rules import Explained, Truth, Value, WhyNot


_WORDS = {
    Truth.TRUE: "value.yes",
    Truth.FALSE: "value.no",
    Truth.UNKNOWN: "value.unknown",
}


def explained_lines(explained: Explained, *, locale: str, zone: str) -> tuple[str, ...]:
    """A line for each part, what is inside of it indented: the sentence, and the answer."""
    answer = explain_text(_WORDS[explained.truth], {}, locale, zone=zone)
    first = f"{_text(explained.because, locale, zone)} [{answer}]"
    inside = (
        f"  {line}"
        for part in explained.parts
        for line in explained_lines(part, locale=locale, zone=zone)
    )
    return (first, *inside)


def why_not_lines(found: WhyNot, *, locale: str, zone: str) -> tuple[str, ...]:
    """The same, and what would have to be otherwise."""
    lines = list(explained_lines(found.explained, locale=locale, zone=zone))
    for change in found.changes:
        values: JsonObject = {
            "signal": change.signal,
            "value": _plain(change.value),
            "to": _plain(change.to),
        }
        lines.append(_text(Because(key="rules.change", values=values), locale, zone))
    if found.by_time is not None:
        because = Because(key="rules.by_time", values={"at": found.by_time.isoformat()})
        lines.append(_text(because, locale, zone))
    return tuple(lines)


def _plain(value: Value | None) -> JsonValue:
    if isinstance(value, Money):
        return to_json(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, float | timedelta) else value


def _text(because: Because, locale: str, zone: str) -> str:
    return explain_text(because.key, because.values, locale, zone=zone)
