"""The kinds of signals and how each is compared, typed; `Signals` itself is in ``_attributes``."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar, cast

from attrs import evolve, field, frozen

from retainkit.core import JsonObject
from retainkit.errors import InvalidInput
from retainkit.money import Money, compare, currency_of, money
from retainkit.rules._checked import MissingTime, exact_text, missing_time, text_choices
from retainkit.rules._comparisons import in_range, one_of, two_signals
from retainkit.rules._declared import Kind, Signal, Threshold, Value, wrong_type
from retainkit.rules._tree import (
    Ago,
    Ahead,
    Amounts,
    Compare,
    Comparison,
    Condition,
    Distance,
    Missing,
    Not,
    Present,
    TextMatch,
    TextPart,
    all_of,
    amounts,
    any_of,
)
from retainkit.rules._windows import window
from retainkit.timing import utc


V = TypeVar("V")
S = TypeVar("S", bound=Signal)


def _code(currency: str | None) -> str | None:
    return None if currency is None else currency_of(currency).code


@frozen(kw_only=True, order=False)
class Scaled(Generic[S]):
    """A signal times a factor, to compare another one with: ``usage < before * 0.7``."""

    signal: S
    factor: int | float | Fraction

    if not TYPE_CHECKING:  # checkers refuse it by themselves

        def __lt__(self, other: object) -> object:
            if isinstance(other, Signal):
                return NotImplemented  # it compares itself, the other way round
            raise InvalidInput(
                "A signal times a factor stands on the right of a comparison",
                code="rules.scaled",
                field=f"{self.signal.name}.times",
                value=str(self.factor),
                remedy="write left < right * k: one signal, compared with another one times k",
            )

        __le__ = __ge__ = __gt__ = __lt__


@frozen(kw_only=True, order=False)
class _Equal(Signal, Generic[V]):
    """What can be equal. ``==`` itself compares declarations; hence `eq` and `ne`."""

    def eq(self, other: V | Self | Scaled[Self]) -> Condition:
        """The value is this one, or that of the other signal."""
        return self._against(Comparison.EQ, other)

    def ne(self, other: V | Self | Scaled[Self]) -> Condition:
        """The value is known and another one."""
        return self._against(Comparison.NE, other)

    def present(self) -> Condition:
        """A value is known, and fresh."""
        return Present(signal=self)

    def missing(self) -> Condition:
        """No value is known, or it is stale."""
        return Missing(signal=self)

    def _against(self, op: Comparison, other: object) -> Condition:
        if isinstance(other, Scaled):
            return two_signals(self, op, other.signal, other.factor)
        if isinstance(other, Signal):
            return two_signals(self, op, other, 1)
        return Compare(signal=self, op=op, value=self.threshold(other, self.name))


@frozen(kw_only=True, order=False)
class _Ordered(_Equal[V]):
    """What has an order."""

    def __lt__(self, other: V | Self | Scaled[Self]) -> Condition:
        return self._against(Comparison.LT, other)

    def __le__(self, other: V | Self | Scaled[Self]) -> Condition:
        return self._against(Comparison.LTE, other)

    def __ge__(self, other: V | Self | Scaled[Self]) -> Condition:
        return self._against(Comparison.GTE, other)

    def __gt__(self, other: V | Self | Scaled[Self]) -> Condition:
        return self._against(Comparison.GT, other)

    def between(self, low: V, high: V) -> Condition:
        """
        The value lies between these two, both of them included.

        Raises:
            InvalidInput: ``rules.empty_range`` when the low end is above the high one.
        """
        return in_range(self, low, high)


@frozen(kw_only=True, order=False)
class Number(_Ordered[float]):
    """
    A count, a share or a score: no amount of money.

    Numbers are compared as Python, numpy and JavaScript do it, so whole numbers above 2 to the
    53rd are refused. NaN is read as missing, as data frames mean it.

    Args:
        unit: What is counted, such as ``seats``; only numbers of one unit are compared.
    """

    kind: ClassVar[Kind] = Kind.NUMBER

    unit: str = ""

    def __mul__(self, factor: float) -> Scaled[Self]:
        return Scaled(signal=self, factor=_finite(self, factor, f"{self.name}.times"))

    def __rmul__(self, factor: float) -> Scaled[Self]:
        return self * factor

    def counting(self, unit: str) -> Self:
        """The same with its unit: ``event("login").count(days(7)).counting("logins")``."""
        return evolve(self, unit=unit)

    def one_of(self, *values: float) -> Condition:
        """The value is one of these."""
        return one_of(self, values)

    def value(self, value: object, place: str) -> Value | None:
        """The number; NaN is missing."""
        return None if _is_gap(value) else _finite(self, value, place)

    def threshold(self, value: object, place: str) -> Threshold:
        """A finite number."""
        return _finite(self, value, place)

    def traits(self) -> JsonObject:
        """Its unit."""
        return {"unit": self.unit} if self.unit else {}


@frozen(kw_only=True, order=False)
class Amount(_Ordered["Money | Amounts | int | Decimal"]):
    """
    An amount of money, in the customer's currency or in one that is declared.

    Args:
        currency: The ISO 4217 code that every value is in; then a threshold may be a plain
            number. None when customers pay in several: then a threshold names its currency, or is
            `amounts` with one for each.
    """

    kind: ClassVar[Kind] = Kind.AMOUNT

    currency: str | None = field(default=None, converter=_code)

    def __mul__(self, factor: int | Fraction | Decimal) -> Scaled[Self]:
        return Scaled(signal=self, factor=_exact(self, factor))

    def __rmul__(self, factor: int | Fraction | Decimal) -> Scaled[Self]:
        return self * factor

    def value(self, value: object, place: str) -> Value | None:
        """An amount, in the declared currency if there is one."""
        if not isinstance(value, Money):
            raise wrong_type(self, value, place, 'pass money("500", "EUR")')
        compare(value, value)  # refuses what py-moneyed lets in: NaN, infinity
        self._same_currency(value.currency.code, place)
        return value

    def threshold(self, value: object, place: str) -> Threshold:
        """One amount, or one a currency."""
        if isinstance(value, Amounts):
            for code, _ in value.table:
                self._same_currency(code, place)
            return value
        if isinstance(value, Money):
            return self.threshold(amounts(value), place)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return amounts(money(value, self._declared(value, place)))
        raise wrong_type(self, value, place, 'compare it with money("500", "EUR"), never a float')

    def traits(self) -> JsonObject:
        """Its currency, if it has one."""
        return {} if self.currency is None else {"currency": self.currency}

    def _declared(self, value: object, place: str) -> str:
        if self.currency is None:
            raise InvalidInput(
                "A number is no amount where customers pay in several currencies",
                code="rules.currency_missing",
                field=place,
                value=str(value),
                remedy='name it: money("500", "EUR"), or amounts(...) with one for each currency',
            )
        return self.currency

    def _same_currency(self, code: str, place: str) -> None:
        if self.currency is not None and code != self.currency:
            raise InvalidInput(
                f"The signal {self.name} is declared in {self.currency}",
                code="rules.currency",
                field=place,
                value=code,
                remedy="convert it before, at a rate you can show, or declare no currency",
            )


@frozen(kw_only=True, order=False)
class Duration(_Ordered[timedelta]):
    """A length of time, such as that of the first response."""

    kind: ClassVar[Kind] = Kind.DURATION

    def __mul__(self, factor: int | Fraction | Decimal) -> Scaled[Self]:
        return Scaled(signal=self, factor=_exact(self, factor))

    def __rmul__(self, factor: int | Fraction | Decimal) -> Scaled[Self]:
        return self * factor

    def value(self, value: object, place: str) -> Value | None:
        """A timedelta."""
        return self._length(value, place)

    def threshold(self, value: object, place: str) -> Threshold:
        """A timedelta of whole seconds; none at all is one, too."""
        length = self._length(value, place)
        return length if not length else window(length, place)

    def _length(self, value: object, place: str) -> timedelta:
        if not isinstance(value, timedelta):
            raise wrong_type(self, value, place, "pass a timedelta, such as days(2)")
        return value


@frozen(kw_only=True, order=False)
class Time(_Ordered[datetime]):
    """
    An instant, such as the last login.

    Args:
        missing: What no value means: ``unknown``, or ``never``. Never lies before every instant:
            it counts as long ago, and as not ahead. Declare it only where whoever fills the signal
            would know: a customer who never logged in, not one whose logins were not imported. A
            stale value is unknown, not never.
    """

    kind: ClassVar[Kind] = Kind.TIME

    missing_means: MissingTime = field(default="unknown", converter=missing_time, alias="missing")

    def more_than_ago(self, length: timedelta) -> Condition:
        """It lies at least so long in the past. Raises ``rules.window``."""
        return Ago(signal=self, than=Distance.MORE, length=window(length, self.name))

    def less_than_ago(self, length: timedelta) -> Condition:
        """It lies in the past, but not so long. Raises ``rules.window``."""
        return Ago(signal=self, than=Distance.LESS, length=window(length, self.name))

    def more_than_ahead(self, length: timedelta) -> Condition:
        """It is yet to come, in more than this. Raises ``rules.window``."""
        return Ahead(signal=self, than=Distance.MORE, length=window(length, self.name))

    def less_than_ahead(self, length: timedelta) -> Condition:
        """It is yet to come, in at most this. Raises ``rules.window``."""
        return Ahead(signal=self, than=Distance.LESS, length=window(length, self.name))

    def value(self, value: object, place: str) -> Value | None:
        """An aware datetime, kept in UTC; pandas' NaT is missing."""
        return None if _is_gap(value) else self._instant(value, place)

    def threshold(self, value: object, place: str) -> Threshold:
        """An aware datetime, kept in UTC."""
        return self._instant(value, place)

    def traits(self) -> JsonObject:
        """What no value means."""
        return {"missing": "never"} if self.missing_means == "never" else {}

    def _instant(self, value: object, place: str) -> datetime:
        if not isinstance(value, datetime) or _is_gap(value):
            raise wrong_type(self, value, place, "pass a datetime with a zone")
        return utc(value, place)


@frozen(kw_only=True, order=False)
class Text(_Equal[str]):
    """
    A word or a few: a plan, an industry, a role. Upper and lower case differ.

    Args:
        one_of: The only values it has, if that is known; then a misspelt one is an error.
    """

    kind: ClassVar[Kind] = Kind.TEXT

    choices: tuple[str, ...] = field(default=(), converter=text_choices, alias="one_of")

    def one_of(self, *values: str) -> Condition:
        """The value is one of these."""
        return one_of(self, values)

    def starts_with(self, text: str) -> Condition:
        """The value starts with this."""
        return self._part(TextPart.STARTS_WITH, text)

    def ends_with(self, text: str) -> Condition:
        """The value ends with this."""
        return self._part(TextPart.ENDS_WITH, text)

    def contains(self, text: str) -> Condition:
        """The value contains this."""
        return self._part(TextPart.CONTAINS, text)

    def value(self, value: object, place: str) -> Value | None:
        """A text, one of the choices if there are any."""
        return self._word(value, place)

    def threshold(self, value: object, place: str) -> Threshold:
        """A text, one of the choices if there are any."""
        return self._word(value, place)

    def traits(self) -> JsonObject:
        """Its choices."""
        return {"one_of": list(self.choices)} if self.choices else {}

    def _part(self, part: TextPart, text: str) -> Condition:
        if not text or not isinstance(text, str):
            raise wrong_type(self, text, f"{self.name}.{part}", "pass a text, and not an empty one")
        return TextMatch(signal=self, part=part, text=exact_text(text))

    def _word(self, value: object, place: str) -> str:
        if not isinstance(value, str):
            remedy = "pass a text; in YAML, put quotes around no, yes, on, off and numbers"
            raise wrong_type(self, value, place, remedy)
        if self.choices and value not in self.choices:
            near = get_close_matches(value, self.choices, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise InvalidInput(
                f"The signal {self.name} has no such value",
                code="rules.not_a_choice",
                field=place,
                value=value,
                remedy=f"{meant}use one of {', '.join(self.choices)}",
            )
        return exact_text(value)


@frozen(kw_only=True, order=False)
class Flag(_Equal[bool]):
    """Yes or no. In ``&``, ``|`` and ``~`` it stands for `is_true`."""

    kind: ClassVar[Kind] = Kind.FLAG

    def is_true(self) -> Condition:
        """It is known, and yes."""
        return self.eq(True)  # noqa: FBT003 - the value it is compared with

    def is_false(self) -> Condition:
        """It is known, and no."""
        return self.eq(False)  # noqa: FBT003 - as above

    def __and__(self, other: Condition | Flag) -> Condition:
        return all_of(self, other)

    def __or__(self, other: Condition | Flag) -> Condition:
        return any_of(self, other)

    def __invert__(self) -> Condition:
        return Not(item=self.is_true())

    def value(self, value: object, place: str) -> Value | None:
        """A bool."""
        return self._bool(value, place)

    def threshold(self, value: object, place: str) -> Threshold:
        """A bool."""
        return self._bool(value, place)

    def _bool(self, value: object, place: str) -> bool:
        if not isinstance(value, bool):
            raise wrong_type(self, value, place, "pass True or False")
        return value


LARGEST = 2**53
"""Above it, whole numbers are no longer exact as floats."""

_LEGIBLE = 10**100
"""Python does not write whole numbers of thousands of digits."""


def _finite(signal: Signal, value: object, place: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(signal, value, place, "pass an int or a float")
    if abs(value) > LARGEST if isinstance(value, int) else not isfinite(value):
        raise InvalidInput(
            "A number of a rule is finite, and whole ones are at most 2 to the 53rd",
            code="rules.not_finite",
            field=place,
            value=str(value) if isinstance(value, float) or abs(value) < _LEGIBLE else "huge",
            remedy="leave out what is not known; compare ids as text",
        )
    whole = isinstance(value, int) or (value.is_integer() and abs(value) <= LARGEST)
    return int(value) if whole else float(value)  # numpy's own floats write themselves otherwise


def _is_gap(value: object) -> bool:
    """What data frames mark as missing: NaN and NaT are not even equal to themselves."""
    return isinstance(value, float | datetime) and value != value  # noqa: PLR0124 - the mark


def _exact(signal: Signal, factor: object) -> Fraction:
    is_number = isinstance(factor, Decimal) and factor.is_finite()
    if is_number or (isinstance(factor, int | Fraction) and not isinstance(factor, bool)):
        return Fraction(cast("Decimal | int | Fraction", factor))
    raise wrong_type(
        signal, factor, f"{signal.name}.times", "multiply by an int, a Fraction or a Decimal"
    )
