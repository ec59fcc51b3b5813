"""Reasons as sentences: a key and its values in the reader's language; nothing decides here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from retainkit.core import JsonObject, JsonValue
from retainkit.errors import InvalidInput
from retainkit.messages._catalogues import Language, language, translations
from retainkit.timing import zone as zone_named


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["explain_text"]

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
            return word if word != key else _instant(value, spoken, there) or value
        if isinstance(value, bool):
            return say(_YES if value else _NO)
        if isinstance(value, int):
            return _number(name, value, spoken)
        if isinstance(value, Mapping):
            return _amount(value, spoken)
        return _listed([shown(name, item) for item in value], spoken)

    written = _Values({name: shown(name, value) for name, value in values.items()}, say)
    if values.get("code") != values.get("decline", values.get("code")):
        written["code"] = f"{written['decline']} ({values.get('code')})"
    sentence = say(because_key)
    if sentence != because_key:
        try:
            return sentence % written
        except (TypeError, ValueError):  # a broken placeholder in a catalogue of the host's
            pass
    return " ".join((because_key, *(f"{name}={text}" for name, text in sorted(written.items()))))


class _Values(dict[str, str]):
    """What a sentence may name; a value that is not there is unknown."""

    def __init__(self, written: Mapping[str, str], say: Callable[[str], str]) -> None:
        super().__init__(written)
        self._say = say

    def __missing__(self, name: str) -> str:
        return self._say(_UNKNOWN)


def _instant(text: str, spoken: Language, there: ZoneInfo) -> str | None:
    """Date and time to the minute; None when the text is no instant."""
    from babel.dates import format_date, format_time, get_datetime_format

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
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
