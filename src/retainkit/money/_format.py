"""Money as text for people, in their locale; what is stored or sent is `to_json`."""

from __future__ import annotations

from decimal import Context, localcontext

from moneyed import Money

from retainkit.errors import InvalidInput
from retainkit.money._amounts import exact, of_fraction


def format_money(money: Money, locale: str) -> str:
    """
    The money as text in the locale: ``format_money(money("1234.5", "EUR"), "de")``.

    No decimal is ever dropped or rounded away: at least the currency's ISO digits are shown (where
    CLDR shows none, as for RSD or IQD), and more when the amount has more (a unit price).

    Args:
        money: Any amount.

        locale: A CLDR locale, ``de``, ``de_AT`` or ``de-AT``.

    Raises:
        InvalidInput: ``money.unknown_locale``, or the amount is not finite.
    """
    from babel import Locale, UnknownLocaleError
    from babel.numbers import parse_pattern

    try:
        spoken = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as exc:
        raise InvalidInput(
            "This locale is not known",
            code="money.unknown_locale",
            field="locale",
            value=locale,
            remedy="use a CLDR locale such as en_US or de",
        ) from exc
    written = of_fraction(exact(money), money.currency)
    places = max(0, -int(written.amount.as_tuple().exponent))
    pattern = parse_pattern(spoken.currency_formats["standard"].pattern)
    pattern.frac_prec = (places, places)
    with localcontext(Context(prec=100)):  # Babel rounds in the caller's context otherwise
        text = pattern.apply(
            written.amount, spoken, currency=written.currency.code, currency_digits=False
        )
    return str(text)
