"""What signals are computed from beside counts, sequences and open items; `signals` computes it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias, cast, runtime_checkable

from attrs import evolve, field, frozen

from retainkit.core import JsonObject, JsonValue, content_hash
from retainkit.errors import InvalidInput
from retainkit.money import currency_of
from retainkit.rules._checked import (
    MissingTime,
    event_name,
    features,
    least,
    missing_time,
    named_key,
    text_choices,
    whole_days,
    whole_weeks,
    within_length,
)
from retainkit.rules._declared import Derivation, Kind, Signal
from retainkit.rules._windows import window, written


if TYPE_CHECKING:
    from retainkit.rules._events import Count, Distinct, EventPattern

COMPUTED = "computed"
"""The word of files for what is computed otherwise than by a count or a sequence."""


def derived_name(derivation: Derivation) -> str:
    """The name of a signal that nobody named: by its content; inside this room only."""
    return f"{type(derivation).__name__.lower()}_{content_hash(derivation.to_json())[:16]}"


def as_computed(word: str, said: dict[str, JsonValue]) -> JsonObject:
    """A derivation as files write it, without what is not said; inside this room only."""
    return {COMPUTED: {word: {key: value for key, value in said.items() if value is not None}}}


def _currency(currency: str | None) -> str | None:
    return None if currency is None else currency_of(currency).code


def _gap(length: timedelta) -> timedelta:
    return window(length, "gap")


def _never(missing: MissingTime) -> str | None:
    return None if missing == "unknown" else missing


def _minimum(count: int) -> int | None:
    return None if count == 1 else count


@frozen(kw_only=True, cache_hash=True)
class Sum:
    """
    The sum of the numbers under a key, exact to the millionth.

    What is no number, has more decimals or another currency is left out, and listed.
    """

    word: ClassVar[str] = "sum"

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    currency: str | None = field(default=None, converter=_currency)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.pattern.to_json(),
                "of": self.key,
                "within": written(self.within),
                "currency": self.currency,
            },
        )


@frozen(kw_only=True, cache_hash=True)
class Mean:
    """The mean of the numbers under a key; unknown below a least number of them."""

    word: ClassVar[str] = "mean"

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    minimum: int = field(default=1, converter=least)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.pattern.to_json(),
                "of": self.key,
                "within": written(self.within),
                "minimum": _minimum(self.minimum),
            },
        )


@frozen(kw_only=True, cache_hash=True)
class Last:
    """When the latest one happened, of all time; ``missing`` is what none means."""

    word: ClassVar[str] = "last"

    pattern: EventPattern
    missing: MissingTime = field(default="unknown", converter=missing_time)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word, {"event": self.pattern.to_json(), "missing": _never(self.missing)}
        )


@frozen(kw_only=True, cache_hash=True)
class First:
    """When the earliest one happened, of all time; ``missing`` is what none means."""

    word: ClassVar[str] = "first"

    pattern: EventPattern
    missing: MissingTime = field(default="unknown", converter=missing_time)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word, {"event": self.pattern.to_json(), "missing": _never(self.missing)}
        )


LatestKind: TypeAlias = "Literal[Kind.NUMBER, Kind.TEXT, Kind.FLAG, Kind.TIME]"


def _latest_kind(kind: Kind | str) -> LatestKind:
    if kind not in {Kind.NUMBER, Kind.TEXT, Kind.FLAG, Kind.TIME}:
        raise InvalidInput(
            "The latest value of an event is a number, a text, a flag or a time",
            code="rules.kind",
            field="kind",
            value=str(kind),
            remedy="use number, text, flag or time; set amounts as facts",
        )
    return cast("LatestKind", Kind(kind))


@frozen(kw_only=True, cache_hash=True)
class Latest:
    """What the latest event that has this key says under it, of all time; a text, one of these."""

    word: ClassVar[str] = "latest"

    pattern: EventPattern
    key: str = field(converter=event_name)
    kind: LatestKind = field(default=Kind.NUMBER, converter=_latest_kind)
    one_of: tuple[str, ...] = field(default=(), converter=text_choices)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.pattern.to_json(),
                "of": self.key,
                "kind": self.kind.value,
                "one_of": list(self.one_of) or None,
            },
        )


@frozen(kw_only=True, cache_hash=True)
class LatestChange:
    """By how much the latest number differs from the one before it; with ``same``, of that one."""

    word: ClassVar[str] = "change"

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    same: str | None = field(default=None, converter=named_key)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.pattern.to_json(),
                "of": self.key,
                "within": written(self.within),
                "same": self.same,
            },
        )


def _trend_of(of: Count | Distinct | Sum | Mean) -> Count | Distinct | Sum | Mean:
    whole_days(of.within)
    return of


@frozen(kw_only=True, cache_hash=True)
class Trend:
    """
    How a window compares with the customer's own one before: -0.3 is a fall by 30 %.

    Args:
        of: What is compared; its window is some whole days long.

        minimum: Below so much in the window before, the trend is unknown: events for a sum or a
            mean, else what is counted.
    """

    word: ClassVar[str] = "trend"

    of: Count | Distinct | Sum | Mean = field(converter=_trend_of)
    minimum: int = field(default=1, converter=least)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(self.word, {"of": inner(self.of), "minimum": _minimum(self.minimum)})


def inner(derivation: Derivation) -> JsonObject:
    """As data inside of another derivation; inside this room only."""
    data = derivation.to_json()
    found = data.get(COMPUTED, data)
    return cast("JsonObject", found)


@frozen(kw_only=True, cache_hash=True)
class Share:
    """
    One signal as a share of another, both of one unit: active seats of the paid ones.

    Args:
        part: A number or an amount.

        whole: Of the same kind and unit; none, or less than ``minimum``, leaves it unknown.

        minimum: The least whole.
    """

    word: ClassVar[str] = "share"

    part: Signal
    whole: Signal = field()
    minimum: int = field(default=1, converter=least)

    @whole.validator
    def _fits(self, _: object, whole: Signal) -> None:
        for place, signal in (("of", self.part), ("whole", whole)):
            given: object = signal
            if not isinstance(given, Signal) or given.kind not in {Kind.NUMBER, Kind.AMOUNT}:
                raise InvalidInput(
                    "A share is one of numbers or amounts",
                    code="rules.value_type",
                    field=f"share.{place}",
                    value=given.kind.value if isinstance(given, Signal) else type(given).__name__,
                    remedy="pass two signals of one kind: a Number, or an Amount",
                )
        if (self.part.kind, self.part.traits()) != (whole.kind, whole.traits()):
            raise InvalidInput(
                "A share is one of a whole in the same unit",
                code="rules.unit",
                field="share.whole",
                value=f"{_unit(self.part)} of {_unit(whole)}",
                remedy='name the unit of both: event(...).count(days(28)).counting("seats")',
            )

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that it is computed from."""
        return (self.part, self.whole)

    def with_signals(self, signals: tuple[Signal, ...]) -> Share:
        """The same of these, once they have got their names."""
        part, whole = signals
        return evolve(self, part=part, whole=whole)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "of": _told(self.part),
                "whole": _told(self.whole),
                "minimum": _minimum(self.minimum),
            },
        )


def _told(signal: Signal) -> JsonValue:
    if signal.derivation is None:
        return signal.name
    unit, fresh_for = signal.traits().get("unit"), signal.fresh_for
    return {
        **inner(signal.derivation),
        **({} if unit is None else {"unit": unit}),
        **({} if fresh_for is None else {"fresh_for": written(fresh_for)}),
    }


def _unit(signal: Signal) -> str:
    traits = signal.traits()
    return str(traits.get("unit") or traits.get("currency") or f"a plain {signal.kind}")


@frozen(kw_only=True, cache_hash=True)
class Depth:
    """How much of a list of core features was used in the window, as a share of the list."""

    word: ClassVar[str] = "depth"

    pattern: EventPattern
    key: str = field(converter=event_name)
    features: tuple[str, ...] = field(converter=features)
    within: timedelta = field(converter=within_length)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.pattern.to_json(),
                "of": self.key,
                "features": list(self.features),
                "within": written(self.within),
            },
        )


@frozen(kw_only=True, cache_hash=True)
class ActiveDays:
    """On how many days of the window it happened; days of the customer, today included."""

    word: ClassVar[str] = "active_days"

    pattern: EventPattern
    within: timedelta = field(converter=whole_days)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word, {"event": self.pattern.to_json(), "within": written(self.within)}
        )


@frozen(kw_only=True, cache_hash=True)
class ActiveWeeks:
    """In how many weeks of the window it happened; the last week ends today."""

    word: ClassVar[str] = "active_weeks"

    pattern: EventPattern
    within: timedelta = field(converter=whole_weeks)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word, {"event": self.pattern.to_json(), "within": written(self.within)}
        )


@frozen(kw_only=True, cache_hash=True)
class Elapsed:
    """
    The median time from one event to the next other one of the same key; both in the window.

    What is still waiting is no part of it: see `Open`, `OldestOpen` and `Silent`.
    """

    word: ClassVar[str] = "elapsed"

    start: EventPattern
    end: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    minimum: int = field(default=1, converter=least)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.start.to_json(),
                "until": self.end.to_json(),
                "by": self.key,
                "within": written(self.within),
                "minimum": _minimum(self.minimum),
            },
        )


@frozen(kw_only=True, cache_hash=True)
class Again:
    """How many times something came back: after the other one, of the same key, within the gap."""

    word: ClassVar[str] = "again"

    pattern: EventPattern
    after: EventPattern
    key: str = field(converter=event_name)
    gap: timedelta = field(converter=_gap)
    within: timedelta = field(converter=within_length)

    def to_json(self) -> JsonObject:
        """As data."""
        return as_computed(
            self.word,
            {
                "event": self.pattern.to_json(),
                "after": self.after.to_json(),
                "by": self.key,
                "gap": written(self.gap),
                "within": written(self.within),
            },
        )


@runtime_checkable
class OfSignals(Protocol):
    """A derivation that is computed from signals; inside this room only."""

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that it is computed from."""
        ...

    def with_signals(self, signals: tuple[Signal, ...]) -> Derivation:
        """The same of these."""
        ...


def named_signals(derivation: Derivation, names: dict[int, Signal]) -> Derivation:
    """The derivation of the signals by their names, once a class gave them; in this room only."""
    if not isinstance(derivation, OfSignals):
        return derivation
    return derivation.with_signals(tuple(names.get(id(s), s) for s in derivation.signals))
