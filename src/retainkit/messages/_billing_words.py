"""Amounts, days and words of invoices in one language; what is said with them: ``invoices``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

from retainkit.core import JsonValue
from retainkit.messages._catalogues import language, translations
from retainkit.money import Money, currency_of, format_money, from_json, minor_digits, money
from retainkit.timing import Period
from retainkit.timing import zone as zone_named


DOMAIN = "billing"
"""The gettext domain of invoices; its msgids are keys."""

_EXACT = Context(prec=60)
_MOST_DECIMALS = 8


class Words:
    """
    What a document says, in the reader's language.

    Args:
        locale: The reader's; English when there is no catalogue.

        zone: The IANA zone of days and instants.

        directories: Own catalogues, as in `Branding`.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """

    def __init__(self, locale: str, zone: str, directories: tuple[Path, ...]) -> None:
        spoken = language(locale, directories, DOMAIN)
        self._gettext = translations(spoken.catalogues, directories, DOMAIN).gettext
        self._cldr = spoken.cldr
        self._zone = zone_named(zone)
        self.tag = spoken.tag

    def say(self, key: str, **values: str) -> str:
        """The sentence of a key with its values; what is missing is unknown."""
        return self._gettext(key) % _Values(values, self._gettext("value.unknown"))

    def word(self, key: str, otherwise: str) -> str:
        """The word of a key; what has none is shown as it is."""
        found = self._gettext(key)
        return otherwise if found == key else found

    def known(self, key: str) -> bool:
        """Whether there is a sentence for the key."""
        return self._gettext(key) != key

    def money(self, amount: Money) -> str:
        """The amount as the locale writes it, with all of its decimals."""
        return format_money(amount, self._cldr)

    def units(self, minor: str, currency: str) -> str:
        """Minor units as an amount; a fraction without an end in decimals is cut off."""
        from babel.numbers import format_decimal

        exact = Fraction(minor) / 10 ** minor_digits(currency)
        written = _decimal(exact)
        if written is not None:
            return self.money(money(written, currency_of(currency)))
        cut = Decimal(int(exact * 10**_MOST_DECIMALS)).scaleb(-_MOST_DECIMALS, _EXACT)
        with localcontext(_EXACT):
            shown = format_decimal(cut, locale=self._cldr, decimal_quantization=False)
        return f"{shown}… {currency}"

    def day(self, on: date) -> str:
        """A day, with the name of its month."""
        from babel.dates import format_date

        return format_date(on, "long", locale=self._cldr)

    def days(self, period: Period) -> str:
        """The days of a period, its last one included."""
        from babel.dates import format_interval

        first = period.start.astimezone(self._zone).date()
        last = (period.end - timedelta(microseconds=1)).astimezone(self._zone).date()
        if first == last:
            return self.day(first)
        return str(format_interval(first, last, "yMMMd", locale=self._cldr))

    def instant(self, at: str) -> str:
        """An ISO 8601 instant, to the second where it isn't a whole minute."""
        from babel.dates import format_date, format_time, get_datetime_format

        local = datetime.fromisoformat(at).astimezone(self._zone)
        pattern = str(get_datetime_format("long", locale=self._cldr)).replace("'", "")
        time = format_time(local, "medium" if local.second else "short", locale=self._cldr)
        return pattern.format(time, format_date(local, "long", locale=self._cldr))

    def number(self, value: Fraction) -> str:
        """Its decimals where they end, else the fraction itself."""
        from babel.numbers import format_decimal

        written = _decimal(value)
        if written is None:
            return str(value)
        with localcontext(_EXACT):
            return str(format_decimal(written, locale=self._cldr, decimal_quantization=False))

    def percent(self, rate: Fraction | None) -> str:
        """A rate as a percentage with all of its decimals; a dash where there is none."""
        from babel.numbers import format_percent

        written = None if rate is None else _decimal(rate)
        if written is None:
            return "–" if rate is None else f"{rate * 100} %"  # noqa: RUF001 - 'nothing to say'
        with localcontext(_EXACT):
            return str(format_percent(written, locale=self._cldr, decimal_quantization=False))

    def value(self, value: JsonValue, name: str) -> str:
        """A value of a key, whatever it is: an amount, an instant, a word, or itself."""
        if isinstance(value, Mapping):
            return self.money(from_json(value))
        text = str(value)
        if name.endswith(("_start", "_end")):
            return self.instant(text)
        return text


class _Values(dict[str, str]):
    def __init__(self, values: Mapping[str, str], unknown: str) -> None:
        super().__init__(values)
        self._unknown = unknown

    def __missing__(self, name: str) -> str:
        return self._unknown


def _decimal(value: Fraction) -> Decimal | None:
    """The fraction as an exact decimal; None when it has no end within reason."""
    for places in range(_MOST_DECIMALS + 1):
        scaled = value * 10**places
        if scaled.denominator == 1:
            return Decimal(scaled.numerator).scaleb(-places, _EXACT)
    return None
