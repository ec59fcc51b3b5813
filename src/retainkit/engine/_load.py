"""Facts in bulk: rows become facts, a thousand a commit; reading rows is in ``_tables``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, cast

from attrs import field, frozen

from retainkit.core import Bucket, Event, JsonObject, JsonValue, check_text, dumps
from retainkit.engine._facts import check_customer, check_time, fact_event
from retainkit.engine._tables import Row, Table, is_missing, table
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId
from retainkit.money import Money, money
from retainkit.rules import Amount, Kind, Signal, meant
from retainkit.signals import Measures
from retainkit.timing import utc


if TYPE_CHECKING:
    from retainkit.engine._counting import Counting
    from retainkit.engine._join import JoinedKit

_CHUNK = 1000
_TRUE = frozenset({"true", "yes", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "0", "f", "n"})
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
"""A number in a text; Python alone also takes ``1_000``, ``nan`` and digits of all scripts."""
_LONGEST = 20

Progress: TypeAlias = "Callable[[int, int], None]"


@frozen(kw_only=True)
class RefusedRow:
    """
    A row that can't be right; nothing of it was kept.

    Args:
        line: Of the file, its first line being 1; of a data frame, the number of the row from 1.

        customer: Whom it is about.

        code: Of the error that `KitSignals.set` raises for it.

        field: The column.

        value: What stands there.

        remedy: The way out.
    """

    line: int
    customer: CustomerId
    code: str
    field: str | None
    value: object
    remedy: str


@frozen(kw_only=True)
class Loaded:
    """
    What became of a batch of facts.

    Args:
        set: Of how many customers something is known now that was not known before.

        unchanged: Of how many nothing is new.

        refused: The rows that can't be right.
    """

    set: int = 0
    unchanged: int = 0
    refused: tuple[RefusedRow, ...] = field(default=())


@frozen(kw_only=True)
class _Stated:
    """What a row says: values by the signals' names, the same as data, and as of when."""

    values: Mapping[str, object]
    told: JsonObject
    at: datetime


@frozen(kw_only=True)
class Loading:
    """
    How rows are read.

    Args:
        counting: The signals that are declared, and what is counted for them.

        key: The column of customers.

        at: As of when the values are true, or the column that tells it.

        latest: No value can be true as of a later time than this.

        currency: The column of the currency of amounts whose signal declares none.

        source: What made the values known.

        ignore: Columns that are not read.

        confirm: Whether what is known already is written, too.
    """

    counting: Counting
    key: str
    at: datetime | str
    latest: datetime
    currency: str | None
    source: str | None
    ignore: Collection[str]
    confirm: bool

    @property
    def measures(self) -> Measures:
        """The signals that are declared."""
        return self.counting.measures

    def load(
        self,
        data: object,
        opened: Callable[[], AbstractContextManager[JoinedKit]],
        progress: Progress | None,
    ) -> Loaded:
        """Check the whole, then set it chunk by chunk."""
        found = table(data)
        if isinstance(self.at, datetime):
            check_time(self.at, self.latest)
        self._check_columns(found)
        total = _check_customers(found, self.key)
        rows, done, new, refused = found.rows(), 0, 0, list[RefusedRow]()
        while chunk := list(islice(rows, _CHUNK)):
            with opened() as k:
                loaded = self._chunk(k, found.columns, chunk)
            done, new = done + len(chunk), new + loaded.set
            refused += loaded.refused
            if progress is not None:
                progress(done, total)
        return Loaded(set=new, unchanged=done - new - len(refused), refused=tuple(refused))

    # ---- before anything is written

    def _check_columns(self, found: Table) -> None:
        for name in (self.key, *self._beside()):
            if name not in found.columns:
                raise InvalidInput(
                    "There is no such column",
                    code="rules.no_column",
                    field="key" if name == self.key else "at" if name == self.at else "currency",
                    value=name,
                    remedy=meant(name, found.columns, "name one of the columns"),
                )
        self.measures.facts(dict.fromkeys(self._signals(found.columns)))  # all of them can be set

    def _beside(self) -> list[str]:
        """The columns that are no signals."""
        told = (self.at, self.currency)
        return [name for name in told if isinstance(name, str)]

    def _signals(self, columns: Sequence[str]) -> list[str]:
        beside = {self.key, *self._beside(), *self.ignore}
        return [name for name in columns if name not in beside]

    # ---- a chunk

    def _chunk(self, k: JoinedKit, columns: Sequence[str], chunk: Sequence[Row]) -> Loaded:
        signals, place = self._signals(columns), columns.index(self.key)
        stated: dict[CustomerId, _Stated] = {}
        refused: list[RefusedRow] = []
        for line, cells in chunk:
            customer = CustomerId(str(cells[place]))
            try:
                said = self._stated(customer, signals, dict(zip(columns, cells, strict=True)))
            except InvalidInput as exc:
                refused.append(_refused(line, customer, exc))
                continue
            if said is not None:
                stated[customer] = said
        known = self._known(k, signals, stated)
        news = sorted(who for who, said in stated.items() if self._news(said, known.get(who, {})))
        for customer in news:  # whoever tells others at this moment is waited for
            k.tx.records.lock(customer)
        known = self._known(k, signals, news)
        events = [self._event(k, who, stated[who], known.get(who, {})) for who in news]
        new = len(k.record(*(event for event in events if event is not None)).new)
        return Loaded(set=new, unchanged=len(chunk) - new - len(refused), refused=tuple(refused))

    def _stated(
        self, customer: CustomerId, signals: Sequence[str], row: Mapping[str, object]
    ) -> _Stated | None:
        """What the row says, checked; None when that is nothing."""
        currency = None if self.currency is None else row[self.currency]
        values: dict[str, object] = {}
        for name in signals:
            if not is_missing(row[name]):
                values[name] = _value(self.measures.signals[name], row[name], currency)
        if not values:
            return None
        said = _Stated(values=values, told=_said(self.measures.facts(values)), at=self._at(row))
        check_customer(customer)
        check_text(dumps(said.told), "values")
        return said

    def _known(
        self, k: JoinedKit, signals: Sequence[str], customers: Collection[CustomerId]
    ) -> dict[CustomerId, dict[str, JsonValue]]:
        """What these customers' facts are by now, in one statement for each signal."""
        always = self.measures.wanted(self.latest, ()).metrics
        known: dict[CustomerId, dict[str, JsonValue]] = {}
        for name in signals:
            (metric,) = self.measures.wanted(self.latest, (name,)).metrics - always
            for customer, said in k.tx.projections.latest(metric, customers).items():
                fact = cast("JsonObject", said)  # as `signals` counts a fact
                known.setdefault(customer, {})[name] = fact.get("value")
        return known

    def _news(self, said: _Stated, known: Mapping[str, JsonValue]) -> list[str]:
        """The signals of which it says what is not known."""
        return [
            name
            for name, value in said.told.items()
            if self.confirm
            or self.measures.signals[name].fresh_for is not None
            or name not in known
            or known[name] != value
        ]

    def _event(
        self, k: JoinedKit, customer: CustomerId, said: _Stated, known: Mapping[str, JsonValue]
    ) -> Event | None:
        """What it says that is not known; None when that is nothing."""
        news = self._news(said, known)
        if not news:
            return None
        others = [name for name in news if name in known and known[name] != said.told[name]]
        return fact_event(
            self.measures,
            customer,
            {name: said.values[name] for name in news},
            at=said.at,
            latest=self.latest,
            source=self.source,
            known=partial(self._facts, k, customer, others),
        )

    def _facts(
        self, k: JoinedKit, customer: CustomerId, names: Collection[str]
    ) -> Sequence[Bucket]:
        """What the customer's facts are that the row contradicts; few rows of a load do."""
        if not names:
            return ()
        return self.counting.read(k.tx, customer, self.measures.wanted(self.latest, names))

    def _at(self, row: Mapping[str, object]) -> datetime:
        if isinstance(self.at, datetime):
            return self.at
        told = row[self.at]
        found = _time(told) if isinstance(told, str) else told
        if not isinstance(found, datetime) or is_missing(found):
            raise InvalidInput(
                "The values of this row need a time",
                code="rules.reading_time",
                field=self.at,
                value=None if is_missing(told) else str(told),
                remedy="write an instant with its zone, such as 2026-09-01T00:00:00Z",
            )
        return check_time(utc(found, self.at), self.latest)


def _check_customers(found: Table, key: str) -> int:
    """Every row is about one customer, and each customer has one; how many."""
    place, lines = found.columns.index(key), dict[str, int]()
    for line, values in found.rows():
        customer = values[place]
        if is_missing(customer):
            raise InvalidInput(
                "A row has no customer",
                code="rules.customer_missing",
                field=f"{key}, line {line}",
                value=None,
                remedy="leave the row out, or name its customer; nothing was kept of any row",
            )
        if not isinstance(customer, str):
            raise InvalidInput(
                "The id of a customer is a text",
                code="rules.value_type",
                field=f"{key}, line {line}",
                value=str(customer),
                remedy="make the column one of texts, as the kit knows the customers",
            )
        if customer != customer.strip():
            raise InvalidInput(
                "There are spaces around the id of a customer",
                code="signals.customer",
                field=f"{key}, line {line}",
                value=customer,
                remedy="write it as the kit knows the customer; nothing was kept of any row",
            )
        check_text(customer, f"{key}, line {line}")
        if customer in lines:
            raise InvalidInput(
                "A customer has two rows",
                code="rules.customer_twice",
                field=f"{key}, lines {lines[customer]} and {line}",
                value=customer,
                remedy="keep one row a customer; nothing was kept of any row",
            )
        lines[customer] = line
    return len(lines)


def _said(data: JsonObject) -> JsonObject:
    return cast("JsonObject", data["signals"])


def _value(signal: Signal, raw: object, currency: object) -> object:
    """What a cell says, as the signal's kind has it; a wrong one stays, and is refused by it."""
    if isinstance(signal, Amount):
        return _amount(signal, raw, currency)
    if signal.kind is Kind.FLAG and _is_number(raw) and raw in (0, 1):
        return bool(raw)
    if not isinstance(raw, str):
        return raw
    match signal.kind:
        case Kind.NUMBER:
            return _number(raw)
        case Kind.FLAG:
            word = raw.strip().lower()
            return True if word in _TRUE else False if word in _FALSE else raw
        case Kind.TIME:
            return _time(raw)
        case Kind.DURATION:
            return _length(raw)
        case _:
            return raw


def _is_number(raw: object) -> bool:
    """Whether it can be compared: a decimal that signals NaN can't."""
    return isinstance(raw, int | float) or (isinstance(raw, Decimal) and raw.is_finite())


def _number(raw: str) -> object:
    if _NUMBER.fullmatch(raw.strip()) is None:
        return raw
    try:
        return int(raw)
    except ValueError:
        return float(raw)


def _time(raw: str) -> object:
    try:
        return datetime.fromisoformat(raw.strip())
    except ValueError:
        return raw


def _length(raw: str) -> object:
    seconds = Decimal(raw.strip()) if _NUMBER.fullmatch(raw.strip()) else None
    if seconds is None or seconds.adjusted() > _LONGEST:
        return raw  # before a number such as 1e999999999 is written out
    try:
        return timedelta(microseconds=int(seconds.scaleb(6)))
    except OverflowError:
        return raw


def _amount(signal: Amount, raw: object, currency: object) -> object:
    if isinstance(raw, Money):
        return raw
    code = signal.currency if is_missing(currency) else str(currency)
    if code is None:
        raise InvalidInput(
            "An amount is in a currency",
            code="rules.currency_missing",
            field=signal.name,
            value=str(raw),
            remedy="pass currency=, the column that tells it, or declare the signal's currency",
        )
    try:
        if isinstance(raw, str) and _NUMBER.fullmatch(raw.strip()) is None:
            raise _no_amount(signal, raw)
        return money(raw, code)  # type: ignore[arg-type] # it refuses floats, and what is no number
    except InvalidInput as exc:
        if exc.code == "money.unknown_currency":
            raise
        raise _no_amount(signal, raw) from exc


def _no_amount(signal: Signal, raw: object) -> InvalidInput:
    return InvalidInput(
        "This is no exact amount of money",
        code="signals.amount",
        field=signal.name,
        value=str(raw),
        remedy="make the column one of whole numbers, decimals or texts such as 499.90",
    )


def _refused(line: int, customer: CustomerId, error: InvalidInput) -> RefusedRow:
    return RefusedRow(
        line=line,
        customer=customer,
        code=error.code,
        field=error.field,
        value=error.value,
        remedy=error.remedy,
    )
