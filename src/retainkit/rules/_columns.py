"""A whole population in columns, and what rules answer of it; how is in `_population`, `_masks`.

Nothing here loads numpy, the extra ``batch``, before it is asked to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId
from retainkit.rules._attributes import Signals, declared
from retainkit.rules._declared import Signal
from retainkit.rules._meant import meant
from retainkit.rules._truth import Truth


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retainkit.rules._population import Column

When: TypeAlias = "datetime | str | Mapping[str, datetime | str] | None"
"""An instant for all, the name of a column of instants, or either for each signal by its name."""


@frozen(eq=False, repr=False)
class Columns:
    """
    What is known of many customers, a column for each signal; made by `columns`. Immutable.

    A signal without a column is missing of everybody.

    Args:
        customers: Their ids, in the order of the rows.
    """

    customers: Sequence[CustomerId]
    _columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.customers)

    def who(self, mask: NDArray[np.bool_]) -> tuple[CustomerId, ...]:
        """The customers of a mask, in their order."""
        return tuple(self.customers[row] for row in mask.nonzero()[0].tolist())

    def column(self, name: str) -> Column | None:
        """What is known of a signal; inside this room only."""
        return self._columns.get(name)


@frozen(kw_only=True, eq=False, repr=False)
class Answers:
    """
    What conditions say of a population at an instant: a bit for a customer and condition.

    Args:
        names: The conditions.

        now: The instant.

        population: Whom they were asked of.
    """

    names: tuple[str, ...]
    now: datetime
    population: Columns
    _sure: NDArray[np.uint8]
    _maybe: NDArray[np.uint8]

    def mask(self, name: str, truth: Truth = Truth.TRUE) -> NDArray[np.bool_]:
        """
        Of whom the condition is true; or false, or unknown. One bool a customer, in their order.

        Raises:
            InvalidInput: ``rules.unknown_rule``.
        """
        from retainkit.rules._masks import unpacked

        row = self._row(name)
        sure, maybe = self._sure[row], self._maybe[row]
        bits = {Truth.TRUE: sure, Truth.FALSE: ~maybe, Truth.UNKNOWN: maybe & ~sure}[truth]
        return unpacked(bits, len(self.population))

    def customers(self, name: str, truth: Truth = Truth.TRUE) -> tuple[CustomerId, ...]:
        """Of whom the condition is true; or false, or unknown. Raises as `mask`."""
        return self.population.who(self.mask(name, truth))

    def count(self, name: str, truth: Truth = Truth.TRUE) -> int:
        """Of how many the condition is true; or false, or unknown. Raises as `mask`."""
        return int(self.mask(name, truth).sum())

    def _row(self, name: str) -> int:
        if name in self.names:
            return self.names.index(name)
        raise unknown_rule(name, self.names)


def columns(
    frame: object,
    signals: type[Signals] | Mapping[str, Signal],
    *,
    key: str = "customer",
    currency: str | Mapping[str, str] | None = None,
    at: When = None,
    until: When = None,
    ignore: Collection[str] = (),
) -> Columns:
    """
    What is known of many customers, from a data frame. Needs the extra ``batch``.

    Args:
        frame: A frame of polars or pandas, an Arrow table, or a mapping of names to lists or numpy
            arrays. Each column but the key has the name of a signal; None, null and NaN are
            missing. Amounts are whole numbers, decimals or texts in units of their currency, or
            `Money`; instants have a zone, and what is finer than a microsecond is cut off.

        signals: The class that declares them, or the signals by name.

        key: The column of customers.

        currency: The column with the ISO 4217 code of the amounts, or such a column for each
            signal. Without a code an amount is missing. Amounts whose currency is declared need
            none.

        at: As of when the values are true; signals with ``fresh_for`` need it.

        until: From when on time alone makes the values others; none by default.

        ignore: Columns that are no signals.

    Raises:
        ConfigurationError: ``missing_extra``.
        InvalidInput: ``rules.no_frame``, ``rules.no_column``, ``rules.column_length``,
            ``rules.column_twice``, ``rules.customer_missing``, ``rules.customer_twice``,
            ``rules.unknown_signal``, ``rules.value_type``, ``rules.not_a_choice``,
            ``rules.not_finite``, ``rules.currency``, ``rules.currency_missing``,
            ``rules.reading_time``, ``money.float``, ``time.naive``, ``time.not_a_datetime``,
            ``time.out_of_range``; each with column and row.
    """
    require_numpy()
    from retainkit.rules._population import read

    known = declared(signals)
    return Columns(
        *read(frame, known, key=key, currency=currency, at=at, until=until, ignore=ignore)
    )


def unknown_rule(name: str, names: Sequence[str]) -> InvalidInput:
    """The error that names the nearest condition; inside this room only."""
    return InvalidInput(
        "There is no such condition",
        code="rules.unknown_rule",
        field="name",
        value=name,
        remedy=meant(name, names, "name one of those in `names`"),
    )


def require_numpy() -> None:
    """Refuses to go on without the extra; inside this room only."""
    try:
        import numpy as np  # noqa: F401
    except ImportError as exc:
        raise ConfigurationError(
            "numpy is not installed",
            code="missing_extra",
            field="batch",
            remedy="install retainkit-sdk[batch]",
        ) from exc
