"""What is known of one customer: values with their time and source; where from is `signals`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from attrs import evolve, field, frozen

from retainkit.errors import InvalidInput
from retainkit.rules._attributes import Signals, declared
from retainkit.rules._declared import Signal, Value
from retainkit.rules._meant import meant
from retainkit.rules._signals import Time
from retainkit.timing import utc


NEVER = datetime.min.replace(tzinfo=UTC)
"""The instant that a time with ``missing="never"`` stands for when there is none."""

_NAMELESS = "it has no name: take it out of declared(signals), where it has one"


class Gap(StrEnum):
    """Why a condition is unknown."""

    MISSING = "missing"
    """No value is known."""

    STALE = "stale"
    """The value is older than its signal is believed, or was good until a time that has come."""

    CURRENCY = "currency"
    """The rule has no threshold in the currency of the amount, or compares two currencies."""


def _instant(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo is UTC else utc(at)


@frozen(kw_only=True)
class Reading:
    """
    A value of a signal.

    Args:
        value: Of the signal's kind; None when it was looked for and not found.

        at: As of when it is true; UTC.

        source: What made it known.

        until: When time alone makes it another one, such as the end of the day for a count over 7
            days; from then on it is unknown until it is read again.
    """

    value: Value | None
    at: datetime | None = field(default=None, converter=_instant)
    source: str | None = None
    until: datetime | None = field(default=None, converter=_instant)


@frozen
class Readings:
    """
    The readings of one customer, checked against what was declared; made by `readings`.

    A signal that is not in there is missing. What is stale is told when it is asked for.
    """

    _readings: Mapping[str, Reading]
    _values: Mapping[str, Value]
    _believed_until: Mapping[str, datetime]
    _of_nobody: bool = False

    def __iter__(self) -> Iterator[tuple[str, Reading]]:
        return iter(self._readings.items())

    def of(self, name: str) -> Reading | None:
        """The reading of a signal, stale or not."""
        return self._readings.get(name)

    def known(self, name: str, at: datetime) -> Value | None:
        """The value of a signal, when there is one and it is still believed at this instant."""
        until = self._believed_until.get(name)
        return self._values.get(name) if until is None or at < until else None

    def gap(self, name: str) -> Gap:
        """Why no value is known."""
        return Gap.STALE if name in self._values else Gap.MISSING

    def believed_until(self, name: str) -> datetime | None:
        """When its value is stale by time alone; None when it never is."""
        return self._believed_until.get(name)

    def comparable(self, signal: Signal, at: datetime) -> Value | None:
        """The known value; never, where a missing time means that."""
        value = self.known(signal.name, at)
        if value is not None or self._of_nobody or not means_never(signal):
            return value
        return NEVER if self.gap(signal.name) is Gap.MISSING else None

    def row(
        self, names: Sequence[str], never: Sequence[tuple[int, str]], at: datetime
    ) -> list[Value | None]:
        """
        What `comparable` says of many signals, in one go; and the instant after them.

        Args:
            names: The signals.

            never: Those among them whose missing value means never, each with its position.

            at: The instant.
        """
        values = self._values
        row: list[Value | None] = list(map(values.get, names))
        for index, name in () if self._of_nobody else never:
            if name not in values:
                row[index] = NEVER
        stale = {
            name for name, until in self._believed_until.items() if until <= at and name in values
        }
        if stale:
            row = [None if name in stale else row[i] for i, name in enumerate(names)]
        row.append(at)
        return row


NOBODY = Readings({}, {}, {}, True)  # noqa: FBT003 - as named above
"""What is known of a customer whose timeline is empty: nothing, not even what never happened."""


def readings(
    signals: type[Signals] | Mapping[str, Signal],
    values: Mapping[str, object],
    *,
    at: datetime | None = None,
    source: str | None = None,
) -> Readings:
    """
    What is known of one customer.

    Args:
        signals: The class that declares them, or the signals by name.

        values: By the signal's name, plain values or each a `Reading`; None is missing.

        at: As of when plain values are true.

        source: What made plain values known; that of the signal's declaration by default.

    Raises:
        InvalidInput: ``rules.unknown_signal``; ``rules.value_type``, ``rules.not_a_choice``,
            ``rules.currency`` or ``rules.not_finite`` for a value that can't be one of its signal;
            ``rules.reading_time`` when a signal with ``fresh_for`` has no time.
    """
    known = signals if isinstance(signals, Mapping) else declared(signals)
    at = _instant(at)
    found: dict[str, Reading] = {}
    until: dict[str, datetime] = {}
    for name, given in values.items():
        signal = named(known, name, name)
        if signal.name != name:
            signal = evolve(signal, name=name)  # as `declared` calls it
        reading = _reading(signal, given, at, source)
        found[name] = reading
        limit = _limit(signal, reading)
        if limit is not None:
            until[name] = limit
    there: dict[str, Value] = {
        name: reading.value for name, reading in found.items() if reading.value is not None
    }
    return Readings(found, there, until)


def changed(known: Readings, values: Mapping[str, Value | None]) -> Readings:
    """The readings with other values, fresh for ever; None is missing; inside this room only."""
    found = dict(known)
    for name, value in values.items():
        found[name] = Reading(value=value)
    there = {name: reading.value for name, reading in found.items() if reading.value is not None}
    until = {
        name: limit
        for name in found
        if name not in values and (limit := known.believed_until(name)) is not None
    }
    return Readings(found, there, until)


def named(
    signals: Mapping[str, Signal],
    name: str,
    place: str,
    otherwise: str = "declare it in your class of Signals",
) -> Signal:
    """The signal of this name, or the error that names the nearest one; inside this room only."""
    signal = signals.get(name)
    if signal is None:
        raise InvalidInput(
            "There is no such signal",
            code="rules.unknown_signal",
            field=place,
            value=name,
            remedy=meant(name, signals, otherwise if name else _NAMELESS),
        )
    return signal


def _reading(signal: Signal, given: object, at: datetime | None, source: str | None) -> Reading:
    if not isinstance(given, Reading):
        value = None if given is None else signal.value(given, signal.name)
        return Reading(value=value, at=at, source=source or signal.source)
    if given.value is None:
        return given
    value, told = signal.value(given.value, signal.name), given.source or signal.source
    if value is given.value and told == given.source:
        return given
    return Reading(value=value, at=given.at, source=told, until=given.until)


def _limit(signal: Signal, reading: Reading) -> datetime | None:
    if reading.value is None or signal.fresh_for is None:
        return reading.until
    if reading.at is None:
        raise InvalidInput(
            f"The signal {signal.name} goes stale, so its values need a time",
            code="rules.reading_time",
            field=signal.name,
            value=None,
            remedy="pass at=, as of when the values are true",
        )
    try:
        stale = reading.at + signal.fresh_for
    except OverflowError:  # at the end of the calendar
        return reading.until
    return stale if reading.until is None else min(stale, reading.until)


def means_never(signal: Signal) -> bool:
    """A missing value lies before every instant; inside this room only."""
    return isinstance(signal, Time) and signal.missing_means == "never"
