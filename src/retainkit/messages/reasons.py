"""Reasons as sentences: a key and its values in the reader's language; nothing decides here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from retainkit.core import Because, JsonObject, JsonValue
from retainkit.errors import InvalidInput
from retainkit.messages._catalogues import Language, language, translations
from retainkit.rules import Explained, Value, WhyNot
from retainkit.timing import zone as zone_named


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["explain_text", "explained_lines", "why_not_lines"]

_DOMAIN = "reasons"
"""The gettext domain of what explains decisions; its msgids are the keys of `Because`."""

_DURATIONS = frozenset({"after", "seconds"})
"""Values that are whole seconds; every other number is a count."""

_UNITS: tuple[tuple[Literal["day", "hour", "minute", "second"], timedelta], ...] = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)
"""What durations are told in: the largest one that tells them exactly."""

_SAME_WORDS = MappingProxyType({"was": "level", "code": "decline"})
"""Values whose words stand in the catalogue under the name of another."""

_DECIMALS = frozenset({"at", "before", "by", "hysteresis", "part", "points", "score", "times"})
"""Values that are decimals where they look so; elsewhere it may be a text, such as a version."""

_DIGITS = 6
"""How many digits are told of a number that was computed; the reason itself has all of them."""

_SHARES = frozenset({"coverage", "minimum"})
"""Decimals of which 1 is the whole, told in percent."""

_ORDERED = ("rules.is.between", "rules.is.gt", "rules.is.lt")
"""How the reasons begin whose values have an order: none of them is a text."""

_DECIMAL = re.compile(r"-?\d+\.\d+")
_SHARE = re.compile(r"[01](\.\d+)?")
_LENGTH = re.compile(r"(-?\d+)(d|h|min|s)")
_LENGTHS = MappingProxyType(
    dict(zip(("d", "h", "min", "s"), (size for _, size in _UNITS), strict=True))
)

_ANSWERS = MappingProxyType({"true": "value.yes", "false": "value.no", "unknown": "value.unknown"})
_GAPS = MappingProxyType({"stale": "value.silence.stale", "currency": "value.silence.currency"})
"""Why something is not known; that nobody told a value says the sentence itself."""

_COUNTED = MappingProxyType({"signal": "counted", "other_signal": "other_counted"})
"""Signals that nobody named, and what is said instead of the hash they are called by."""

_UNKNOWN = "value.unknown"
_YES = "value.yes"
_NO = "value.no"


def explain_text(
    because_key: str,
    values: JsonObject,
    locale: str,
    *,
    zone: str = "UTC",
    directories: tuple[Path, ...] = (),
) -> str:
    """
    The sentence of one reason.

    Amounts, instants, durations, counts and lists are written as the locale does it. The code of a
    decline is told by the provider's word for it: insufficient funds (51). A value that is missing
    or None is said to be unknown. A key without a sentence, from a newer or a foreign
    feature, is shown as it is, with its values: explaining never fails.

    Args:
        because_key: As in `Because`, for example ``dunning.retry.planned``.

        values: As in `Because`.

        locale: The reader's; English when there is no catalogue.

        zone: The reader's IANA zone.

        directories: Own catalogues, as in `Branding`:
            ``locale/de/LC_MESSAGES/reasons.po``.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    spoken = language(locale, directories, _DOMAIN)
    say = translations(spoken.catalogues, directories, _DOMAIN).gettext
    there = zone_named(zone)

    def shown(name: str, value: JsonValue) -> str:
        if value is None:
            return say(_UNKNOWN)
        if isinstance(value, str):
            key = f"value.{_SAME_WORDS.get(name, name)}.{value}"
            word = say(key)
            figure = _figure(because_key, name, value, spoken, values.get("kind"))
            return word if word != key else figure or _instant(value, spoken, there)
        if isinstance(value, bool):
            return say(_YES if value else _NO)
        if isinstance(value, int):
            return _number(name, value, spoken)
        if isinstance(value, Mapping):
            return _amount(value, spoken)
        return _listed([shown(name, item) for item in value], spoken)

    written = _Values({name: shown(name, value) for name, value in values.items()}, say)
    written.update(_unnamed(values, spoken, say))
    if values.get("code") != values.get("decline", values.get("code")):
        written["code"] = f"{written['decline']} ({values.get('code')})"
    sentence = say(because_key)
    if sentence != because_key:
        try:
            return sentence % written
        except (TypeError, ValueError):  # a broken placeholder in a catalogue of the host's
            pass
    return " ".join((because_key, *(f"{name}={text}" for name, text in sorted(written.items()))))


def explained_lines(
    explained: Explained, locale: str, *, zone: str = "UTC", directories: tuple[Path, ...] = ()
) -> tuple[str, ...]:
    """
    The answer of a rule, as `retainkit.rules.why` explains it: a line for each part, indented.

    Each line ends with what is so of its part: yes, no, or not known, and then why, if a value is
    too old or in a currency that the rule has no amount for.

    Args:
        explained: What `retainkit.rules.why` answered.

        locale: The reader's; English when there is no catalogue.

        zone: The reader's IANA zone.

        directories: Own catalogues, as in `Branding`.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """

    def said(key: str, values: JsonObject) -> str:
        return explain_text(key, values, locale, zone=zone, directories=directories)

    def lines(part: Explained) -> tuple[str, ...]:
        answer = said(_ANSWERS[part.truth.value], {})
        gap = _GAPS.get(str(part.because.values.get("gap")))
        if gap is not None:
            answer = f"{answer}: {said(gap, {})}"
        first = f"{said(part.because.key, part.because.values)} [{answer}]"
        return (first, *(f"  {line}" for inside in part.parts for line in lines(inside)))

    return lines(explained)


def why_not_lines(
    found: WhyNot, locale: str, *, zone: str = "UTC", directories: tuple[Path, ...] = ()
) -> tuple[str, ...]:
    """
    What `retainkit.rules.why_not` found: the explanation, what would have to be otherwise, and
    when time alone makes it true.

    Args and errors are those of `explained_lines`.
    """
    spoken = language(locale, directories, _DOMAIN)
    counted: dict[JsonValue, JsonValue] = {}
    for leaf in found.explained.leaves():
        values = leaf.because.values
        counted |= {values.get(name): values.get(of) for name, of in _COUNTED.items()}
    more = [
        Because(
            key="rules.change",
            values={
                "signal": change.signal,
                "counted": counted.get(change.signal),
                "value": _plain(change.value, spoken),
                "to": _plain(change.to, spoken),
            },
        )
        for change in found.changes
    ]
    if found.by_time is not None:
        more.append(Because(key="rules.by_time", values={"at": found.by_time.isoformat()}))
    said = (
        explain_text(because.key, because.values, locale, zone=zone, directories=directories)
        for because in more
    )
    return (*explained_lines(found.explained, locale, zone=zone, directories=directories), *said)


def _plain(value: Value | None, spoken: Language) -> JsonValue:
    """What `explain_text` can't tell from a text is written here."""
    from retainkit.money import Money, to_json

    match value:
        case Money():
            return to_json(value)
        case datetime():
            return value.isoformat()
        case timedelta():
            return _length(value, spoken)
        case float():
            return _decimal(str(value), spoken)
        case _:
            return value


def _unnamed(
    values: JsonObject, spoken: Language, say: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """What is said of the signals that nobody named."""
    for name, counted in _COUNTED.items():
        found = values.get(counted)
        if isinstance(found, Mapping):
            yield name, _counted(found, spoken, say)


def _counted(told: JsonObject, spoken: Language, say: Callable[[str], str]) -> str:
    """What a signal counts, of which events, in which window."""
    word, of, seconds = told.get("word"), told.get("of"), told.get("seconds")
    parts = [str(each) for each in of] if isinstance(of, list | tuple) else []
    if isinstance(seconds, int):
        parts.append(_number("seconds", seconds, spoken))
    known = say(key := f"value.counted.{word}")
    return f"{word if known == key else known} ({', '.join(parts)})"


class _Values(dict[str, str]):
    """What a sentence may name; a value that is not there is unknown."""

    def __init__(self, written: Mapping[str, str], say: Callable[[str], str]) -> None:
        super().__init__(written)
        self._say = say

    def __missing__(self, name: str) -> str:
        return self._say(_UNKNOWN)


def _instant(text: str, spoken: Language, there: ZoneInfo) -> str:
    """Date and time to the minute; the text itself when it is no instant."""
    from babel.dates import format_date, format_time, get_datetime_format

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo is None:
        return text
    local = at.astimezone(there)
    pattern = str(get_datetime_format("long", locale=spoken.cldr)).replace("'", "")
    return pattern.format(
        format_time(local, "short", tzinfo=there, locale=spoken.cldr),
        format_date(local, "long", locale=spoken.cldr),
    )


def _number(name: str, value: int, spoken: Language) -> str:
    from babel.dates import format_timedelta
    from babel.numbers import format_decimal

    if name not in _DURATIONS:
        return str(format_decimal(value, locale=spoken.cldr))
    whole = timedelta(seconds=value)
    unit = next(unit for unit, size in _UNITS if whole % size == timedelta(0))
    return format_timedelta(whole, granularity=unit, threshold=10**9, locale=spoken.cldr)


def _figure(
    because_key: str, name: str, value: str, spoken: Language, kind: JsonValue
) -> str | None:
    """A decimal or a length, where it can't be a text that only looks like one."""
    if name == "value" and kind == "number":
        return _short(value, spoken)
    ordered = because_key.startswith(_ORDERED)
    if name in _SHARES and _SHARE.fullmatch(value):
        return _percent(value, spoken)
    if (ordered or name in _DECIMALS) and _DECIMAL.fullmatch(value):
        return _decimal(value, spoken)
    length = _LENGTH.fullmatch(value) if ordered else None
    return _length(int(length[1]) * _LENGTHS[length[2]], spoken) if length else None


def _short(text: str, spoken: Language) -> str:
    """A number that was computed: to six digits that count; the text itself when it is none."""
    from babel.numbers import format_decimal

    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    places = _DIGITS - 1 - number.adjusted()
    rounded = round(number, places).normalize() if places > 0 else number.to_integral_value()
    return str(format_decimal(rounded, locale=spoken.cldr, decimal_quantization=False))


def _length(length: timedelta, spoken: Language) -> str:
    """In days, hours, minutes and seconds, with those that are none left out."""
    from babel.dates import format_timedelta

    left = abs(length)
    parts: list[str] = []
    for unit, size in _UNITS:
        whole, left = divmod(left, size)
        if whole or (unit == "second" and not parts):
            parts.append(
                format_timedelta(
                    whole * size, granularity=unit, threshold=10**9, locale=spoken.cldr
                )
            )
    return ("-" if length < timedelta(0) else "") + " ".join(parts)


def _decimal(text: str, spoken: Language) -> str:
    """With the digits that it has, and the reader's sign between them."""
    from babel.numbers import get_decimal_symbol

    return text.replace(".", get_decimal_symbol(spoken.cldr))


def _percent(text: str, spoken: Language) -> str:
    """With as many digits as it takes."""
    from babel.numbers import format_percent

    return format_percent(Decimal(text), locale=spoken.cldr, decimal_quantization=False)


def _amount(value: Mapping[str, JsonValue], spoken: Language) -> str:
    """One amount, or a table of amounts by their currencies; anything else as it is."""
    from retainkit.money import format_money, from_json

    try:
        return format_money(from_json(value), spoken.cldr)
    except InvalidInput:
        pass
    try:
        table = [from_json({"amount": part, "currency": code}) for code, part in value.items()]
    except InvalidInput:
        return ", ".join(f"{name}: {part}" for name, part in value.items())
    return ", ".join(format_money(each, spoken.cldr) for each in table)


def _listed(parts: Sequence[str], spoken: Language) -> str:
    from babel.lists import format_list

    return format_list(parts, locale=spoken.cldr)
