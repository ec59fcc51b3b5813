"""Columns of a frame become numbers, checked as `readings` checks; what is asked is in `_masks`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from fractions import Fraction
from itertools import count
from math import isnan
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId
from retainkit.money import Money, currency_of, money
from retainkit.rules._columns import When
from retainkit.rules._compare import micros
from retainkit.rules._declared import Kind, Signal, wrong_type
from retainkit.rules._frames import Array, Frame, Raw, frame_of
from retainkit.rules._readings import NEVER, named
from retainkit.rules._signals import LARGEST, Amount, Time
from retainkit.timing import to_micros, utc


Bits: TypeAlias = "NDArray[np.uint8]"
Bools: TypeAlias = "NDArray[np.bool_]"
Instants: TypeAlias = "NDArray[np.int64]"

T = TypeVar("T")

MILLION = 10**6
"""Amounts are kept in millionths: exact, and whole but for prices of a finer kind."""

_FOREVER = np.iinfo(np.int64).max
_NEVER = to_micros(NEVER)
_LAST = to_micros(datetime.max.replace(tzinfo=UTC))
_NAMES_OF_MISSING = frozenset({"NAType", "NaTType", "NoneType"})
_INTS = (np.int8, np.int16, np.int32, np.int64)
_DTYPES: Mapping[Kind, type] = MappingProxyType(
    {
        Kind.NUMBER: np.float64,
        Kind.DURATION: np.int64,
        Kind.TIME: np.int64,
        Kind.FLAG: np.bool_,
    }
)


@frozen(kw_only=True, eq=False)
class Column:
    """
    What is known of one signal, a row for each customer.

    Args:
        signal: Its declaration.

        values: Numbers as float64 or, whole ones, as ints; amounts in millionths, lengths in
            microseconds and instants in microseconds since 1970 as int64, or as objects where
            that is not exact; flags as bool; texts as their places in `texts`. Where none is known
            an instant is never, and anything else is anything.

        known: A bit for each row; None when all are known.

        until: From when on a value is stale, in microseconds since 1970; None when none ever is.

        texts: The texts; of amounts, the currencies.

        currencies: The currency of each amount, as its place in `texts`; None when there is one.
    """

    signal: Signal
    values: Array
    known: Bits | None
    until: NDArray[np.int64] | None
    texts: tuple[str, ...] = ()
    currencies: Array | None = None


@frozen
class _Encoded:
    """Numbers for values, and where there are none."""

    values: Array
    missing: Bools
    texts: tuple[str, ...] = ()
    currencies: Array | None = None


@frozen
class _Distinct(Generic[T]):
    """The values of a column, each checked once, and the place of each row's among them."""

    values: list[T | None]
    places: NDArray[np.intp]

    @property
    def missing(self) -> Bools:
        return self.mapped([value is None for value in self.values], np.bool_)

    def mapped(self, each: Sequence[object], dtype: type) -> Array:
        """What each row has of what each of the values has."""
        return np.array(each, dtype=dtype)[self.places]


def read(
    frame: object,
    signals: Mapping[str, Signal],
    *,
    key: str,
    currency: str | Mapping[str, str] | None,
    at: When,
    until: When,
    ignore: Collection[str],
) -> tuple[list[CustomerId], dict[str, Column]]:
    """The customers, and what is known of them, by signal."""
    there = frame_of(frame)
    customers = _customers(there.column(key, "key"), key)
    ignore = (ignore,) if isinstance(ignore, str) else ignore
    for option, given in (("currency", currency), ("at", at), ("until", until)):
        for name in given if isinstance(given, Mapping) else ():
            named(signals, name, option)
    read_beside = {key, *_columns_of(currency), *_columns_of(at), *_columns_of(until), *ignore}
    _refuse_unknown(there.names, signals, read_beside)
    reader = _Reader(there, len(customers), currency, at, until)
    return customers, {
        name: reader.column(signals[name])
        for name in there.names
        if name in signals and name != key and name not in ignore
    }


def unknown(signal: Signal, rows: int) -> Column:
    """A column of a signal of which nothing is known."""
    value = _NEVER if signal.kind is Kind.TIME else 0
    nothing: Array = np.broadcast_to(
        np.array(value, dtype=_DTYPES.get(signal.kind, np.int64)), rows
    )
    known = np.zeros(-(-rows // 8), dtype=np.uint8)
    return Column(signal=signal, values=nothing, known=known, until=None)


def _columns_of(given: When | Mapping[str, str]) -> list[str]:
    if isinstance(given, Mapping):
        return [name for name in given.values() if isinstance(name, str)]
    return [given] if isinstance(given, str) else []


def _refuse_unknown(names: Iterable[str], signals: Mapping[str, Signal], beside: set[str]) -> None:
    for name in names:
        if name in signals or name in beside:
            continue
        near = get_close_matches(name, signals, n=1)
        meant = f"did you mean {near[0]!r}? Else " if near else ""
        raise InvalidInput(
            "There is no such signal",
            code="rules.unknown_signal",
            field=name,
            value=name,
            remedy=f"{meant}pass ignore=({name!r},), or declare it in your class of Signals",
        )


def _customers(raw: Raw, key: str) -> list[CustomerId]:
    found = raw.listed()
    wrong = (row for row, each in enumerate(found) if not isinstance(each, str) or not each)
    row = next(wrong, None)
    if row is not None:
        missing = found[row] == "" if isinstance(found[row], str) else _is_missing(found[row])
        raise InvalidInput(
            "A row has no customer" if missing else "The id of a customer is a text",
            code="rules.customer_missing" if missing else "rules.value_type",
            field=f"{key}[{row}]",
            value=None if missing else str(found[row]),
            remedy="leave the row out, or name its customer"
            if missing
            else "make the column one of texts, as the kit knows the customers",
        )
    if len(set(found)) < len(found):
        seen: set[str] = set()
        row = next(i for i, each in enumerate(found) if each in seen or seen.add(each))  # type: ignore[func-returns-value] # on purpose
        raise InvalidInput(
            "A customer has two rows",
            code="rules.customer_twice",
            field=f"{key}[{row}]",
            value=found[row],
            remedy="keep one row a customer: the latest, or what you compute of all of them",
        )
    return found


@frozen
class _Reader:
    frame: Frame
    rows: int
    currency: str | Mapping[str, str] | None
    at: When
    until: When

    def column(self, signal: Signal) -> Column:
        raw = self._raw(signal.name, signal.name)
        made = self._amounts(signal, raw) if isinstance(signal, Amount) else _encoded(signal, raw)
        return Column(
            signal=signal,
            values=made.values,
            known=np.packbits(~made.missing) if made.missing.any() else None,
            until=self._believed_until(signal, made.missing),
            texts=made.texts,
            currencies=made.currencies,
        )

    def _raw(self, name: str, asked_by: str) -> Raw:
        raw = self.frame.column(name, asked_by)
        if raw.values.shape != (self.rows,):
            raise InvalidInput(
                "The columns of a frame are of one length",
                code="rules.column_length",
                field=name,
                value=len(raw.values),
                remedy=f"there are {self.rows} customers: give each a row, None where not known",
            )
        return raw

    def _amounts(self, signal: Amount, raw: Raw) -> _Encoded:
        if signal.currency is not None and self.currency is None and raw.is_whole:
            quick = _whole_amounts(raw, signal.currency)
            if quick is not None:
                return quick
        codes = self._codes(signal)
        usual = codes is not None or signal.currency is not None
        found = _distinct(raw, lambda value, place: _amount(signal, value, place, usual=usual))
        own = [None if each is None else each[1] for each in found.values]
        told = [signal.currency] if codes is None else codes.values
        texts = tuple(sorted({code for code in (*own, *told) if code is not None}))
        place_of = {code: place for place, code in enumerate(texts)}
        of_row = found.mapped([place_of.get(code or "", -1) for code in own], np.int16)
        of_told = [place_of.get(code or "", -1) for code in told]
        others = of_told[0] if codes is None else codes.mapped(of_told, np.int16)
        currencies = np.where(of_row < 0, others, of_row)
        return _Encoded(
            _exactly(found, [0 if each is None else each[0] * MILLION for each in found.values]),
            found.missing | (currencies < 0),
            texts,
            currencies if len(texts) > 1 else None,
        )

    def _codes(self, signal: Amount) -> _Distinct[str] | None:
        """The currency of each row, where a column tells it."""
        name = self.currency
        if isinstance(name, Mapping):
            name = name.get(signal.name)
        if name is None:
            return None
        return _distinct(
            self._raw(name, "currency"), lambda value, place: _code(signal, value, place)
        )

    def _believed_until(self, signal: Signal, missing: Bools) -> Instants | None:
        until = self._instants(self.until, signal.name, "until")
        if signal.fresh_for is not None:
            at = self._instants(self.at, signal.name, "at")
            if at is None or bool(np.any(gaps := (at == _FOREVER) & ~missing)):
                raise InvalidInput(
                    f"The signal {signal.name} goes stale, so its values need a time",
                    code="rules.reading_time",
                    field=signal.name if at is None else f"{signal.name}[{_first(gaps)}]",
                    value=None,
                    remedy="pass at=, as of when the values are true: an instant or a column",
                )
            stale = np.where(at == _FOREVER, _FOREVER, at + micros(signal.fresh_for))
            until = stale if until is None else np.minimum(until, stale)
        return None if until is None else np.where(missing, _FOREVER, until)

    def _instants(self, given: When, name: str, asked_by: str) -> Instants | None:
        told = given.get(name) if isinstance(given, Mapping) else given
        if told is None:
            return None
        if not isinstance(told, str):
            return np.full(self.rows, to_micros(utc(told, asked_by)), dtype=np.int64)
        found = _encoded(Time(), self._raw(told, asked_by))
        return np.where(found.missing, _FOREVER, found.values)


def _encoded(signal: Signal, raw: Raw) -> _Encoded:
    """Any kind but amounts: at once where numpy has such a type, else each distinct value once."""
    kind = raw.values.dtype.kind
    match signal.kind:
        case Kind.NUMBER if kind in "iuf":
            return _numbers(signal, raw)
        case Kind.FLAG if kind == "b":
            return _Encoded(raw.values.copy(), np.zeros(len(raw.values), dtype=np.bool_))
        case Kind.FLAG if raw.is_flags and hasattr(raw.column, "fill_null"):
            values = np.asarray(raw.column.fill_null(False))  # noqa: FBT003 - of polars and Arrow
            return _Encoded(values, np.asarray(raw.column.is_null()))
        case Kind.DURATION if kind == "m":
            return _lengths(raw, -_FOREVER, _FOREVER)
        case Kind.TIME if kind == "M":
            return _instants(raw)
        case _:
            return _by_value(signal, raw)


def _by_value(signal: Signal, raw: Raw) -> _Encoded:
    found = _distinct(raw, signal.value)
    if signal.kind is Kind.TEXT:
        texts = tuple(sorted({str(value) for value in found.values if value is not None}))
        place_of = {text: place for place, text in enumerate(texts)}
        places = [0 if value is None else place_of[str(value)] for value in found.values]
        return _Encoded(
            found.mapped(places, np.min_scalar_type(len(texts)).type), found.missing, texts
        )
    plain = [_plain(value) for value in found.values]
    if signal.kind is Kind.DURATION:
        return _Encoded(_exactly(found, plain), found.missing)
    return _Encoded(found.mapped(plain, _DTYPES[signal.kind]), found.missing)


def _plain(value: object) -> Any:
    """As numpy compares it; what is missing lies before everything."""
    if value is None:
        return _NEVER
    if isinstance(value, datetime):
        return to_micros(value)
    return micros(value) if isinstance(value, timedelta) else value


def _numbers(signal: Signal, raw: Raw) -> _Encoded:
    values = raw.values.astype(np.float64)
    refused = np.isinf(values)
    if raw.is_whole:  # before they are floats: 2 to the 53rd and one would be one less
        refused |= (raw.values > LARGEST) | (raw.values < -LARGEST)
    if refused.any():
        row = _first(refused)
        number = raw.values[row].item()
        signal.value(int(number) if raw.is_whole else number, raw.at(row))
    missing = np.isnan(values)
    return _Encoded(_smallest(np.where(missing, 0, values)) if raw.is_whole else values, missing)


def _smallest(whole: Array) -> Array:
    """Whole numbers in as few bits as hold them: fewer are compared sooner."""
    low, high = (int(whole.min()), int(whole.max())) if len(whole) else (0, 0)
    dtype = next(d for d in _INTS if np.iinfo(d).min <= low and high <= np.iinfo(d).max)
    return whole.astype(dtype)


def _instants(raw: Raw) -> _Encoded:
    if not raw.has_zone and not np.isnat(raw.values).all():
        zone = (
            "give the column one, by .dt.replace_time_zone('UTC') in polars or "
            ".dt.tz_localize('UTC') in pandas; numpy has none: pass a list of datetimes"
        )
        instant = "make instants of these days, by .cast(pl.Datetime('us', 'UTC')) in polars"
        raise InvalidInput(
            "The instants of this column have no zone",
            code="time.naive",
            field=raw.name,
            value=str(raw.dtype),
            remedy=instant if np.datetime_data(raw.values.dtype)[0] == "D" else zone,
        )
    found = _lengths(raw, _NEVER, _LAST)
    found.values[found.missing] = _NEVER
    return found


def _lengths(raw: Raw, low: int, high: int) -> _Encoded:
    """In microseconds; what is finer is cut off."""
    kind, missing = raw.values.dtype.kind, np.isnat(raw.values)
    unit, count_of = np.datetime_data(raw.values.dtype)
    size = int(np.array(count_of, f"m8[{unit}]").astype("m8[us]").view(np.int64))
    if size:  # in nanoseconds, nothing is out of range
        counted = raw.values.view(np.int64)
        outside = ((counted < low // size) | (counted > high // size)) & ~missing
        if outside.any():
            row = _first(outside)
            raise InvalidInput(
                "This time is outside the years 1 to 9999",
                code="time.out_of_range",
                field=raw.at(row),
                value=str(raw.values[row]),
                remedy="check the unit: microseconds, seconds and milliseconds are easily confused",
            )
    return _Encoded(raw.values.astype(f"{kind}8[us]").view(np.int64), missing)


def _whole_amounts(raw: Raw, code: str) -> _Encoded | None:
    """Whole units of one currency at once; None where they are too large for that."""
    missing = np.isnan(raw.values)
    units = np.where(missing, 0, raw.values)
    most = _FOREVER // MILLION
    if ((units > most) | (units < -most)).any():
        return None
    return _Encoded(units.astype(np.int64) * MILLION, missing, (code,))


def _amount(
    signal: Amount, value: object, place: str, *, usual: bool
) -> tuple[Fraction, str | None]:
    """In units of its currency, and the currency where the value itself tells it."""
    if isinstance(value, Money):
        signal.value(value, place)
        return Fraction(value.amount), value.currency.code
    if isinstance(value, float):
        raise InvalidInput(
            "A float can't hold an amount of money exactly",
            code="money.float",
            field=place,
            value=value,
            remedy="make the column one of decimals or texts, where the amounts come from; or, "
            "where pandas made floats of whole ones with gaps, .astype('Int64')",
        )
    if not usual:
        raise InvalidInput(
            "An amount is in a currency",
            code="rules.currency_missing",
            field=place,
            value=str(value),
            remedy="pass currency=, the column that tells it, or declare the signal's currency",
        )
    try:
        return Fraction(money(value, "EUR").amount), None  # type: ignore[arg-type] # it checks
    except InvalidInput as exc:
        remedy = "make the column one of whole numbers, decimals or texts such as 499.90"
        raise wrong_type(signal, value, place, remedy) from exc


def _code(signal: Amount, value: object, place: str) -> str:
    """The ISO 4217 code, one that the signal can be in."""
    try:
        code = currency_of(value).code  # type: ignore[arg-type] # it checks
    except InvalidInput as exc:
        raise wrong_type(signal, value, place, "use an ISO 4217 code such as EUR") from exc
    signal.value(money(0, code), place)
    return code


def _exactly(found: _Distinct[Any], numbers: Sequence[int | Fraction]) -> Array:
    """As int64 where that is exact, else as Python's own numbers."""
    if all(each.denominator == 1 and -_FOREVER < each < _FOREVER for each in numbers):
        return found.mapped([int(each) for each in numbers], np.int64)
    return found.mapped(numbers, np.object_)


def _distinct(raw: Raw, checked: Callable[[Any, str], T | None]) -> _Distinct[T]:
    """Each value checked once; the first refused one is told with its row."""
    listed = raw.listed()
    for kind in set(map(type, listed)):  # 1, 1.0 and True are equal, and not alike
        if kind.__name__ not in _NAMES_OF_MISSING:
            own = (row for row, v in enumerate(listed) if type(v) is kind and not _is_missing(v))
            row = next(own, None)
            if row is not None:
                checked(listed[row], raw.at(row))
    places: defaultdict[object, int] = defaultdict(count().__next__)
    of_row = np.fromiter(map(places.__getitem__, listed), np.intp, len(listed))
    values: list[T | None] = []
    for place, value in enumerate(places):
        if _is_missing(value):
            values.append(None)
            continue
        try:
            values.append(checked(value, raw.name))
        except InvalidInput:
            values.append(checked(value, raw.at(_first(of_row == place))))  # refused by its row
    return _Distinct(values or [None], of_row)


def _is_missing(value: object) -> bool:
    """None, NaN, and what pandas has for them."""
    if isinstance(value, float):
        return isnan(value)
    return type(value).__name__ in _NAMES_OF_MISSING


def _first(rows: Bools) -> int:
    return int(np.argmax(rows))
