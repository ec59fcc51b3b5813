"""What signals are computed from beside counts, sequences and open items; `signals` computes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias, cast, runtime_checkable

from attrs import asdict, evolve, field, fields, frozen

from retainkit.core import JsonObject, JsonValue, content_hash
from retainkit.errors import InvalidInput
from retainkit.money import currency_of
from retainkit.rules._checked import (
    MissingTime,
    a_pattern,
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
    from retainkit.rules._counted import Count, Distinct
    from retainkit.rules._events import EventPattern

COMPUTED = "computed"
"""The word of files for what is computed otherwise than by a count or a sequence."""


def derived_name(derivation: Derivation) -> str:
    """The name of a signal that nobody named: by its content; inside this room only."""
    return f"{type(derivation).__name__.lower()}_{content_hash(derivation.to_json())[:16]}"


@frozen(kw_only=True, cache_hash=True)
class Computed:
    """What a derivation is called in files, and so are its parts; inside this room only."""

    word: ClassVar[str]

    words: ClassVar[Mapping[str, str]] = {"pattern": "event", "key": "of"}
    """Of the parts that files call otherwise than Python does."""

    always: ClassVar[tuple[str, ...]] = ()
    """The parts that are told even where they are as they are by default."""

    def to_json(self) -> JsonObject:
        """As data."""
        values = asdict(self, recurse=False)
        said = {
            self.words.get(part.name, part.name): _plain(values[part.name])
            for part in fields(type(self))
            if values[part.name] != part.default or part.name in self.always
        }
        return {COMPUTED: {self.word: said}}


def _plain(value: object) -> JsonValue:
    match value:
        case Signal():
            return _told(value)
        case timedelta():
            return written(value)
        case tuple():
            return list(value)
        case int():
            return value
        case str():
            return str(value)
        case _:
            return inner(cast("Derivation", value))


def _currency(currency: str | None) -> str | None:
    return None if currency is None else currency_of(currency).code


def _gap(length: timedelta) -> timedelta:
    return window(length, "gap")


@frozen(kw_only=True, cache_hash=True)
class Sum(Computed):
    """
    The sum of the numbers under a key, exact to the millionth.

    What is no number, has more decimals or another currency is left out, and listed.
    """

    word: ClassVar[str] = "sum"

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    currency: str | None = field(default=None, converter=_currency)


@frozen(kw_only=True, cache_hash=True)
class Mean(Computed):
    """The mean of the numbers under a key; unknown below a least number of them."""

    word: ClassVar[str] = "mean"

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    minimum: int = field(default=1, converter=least)


@frozen(kw_only=True, cache_hash=True)
class Last(Computed):
    """When the latest one happened, of all time; ``missing`` is what none means."""

    word: ClassVar[str] = "last"

    pattern: EventPattern
    missing: MissingTime = field(default="unknown", converter=missing_time)


@frozen(kw_only=True, cache_hash=True)
class First(Computed):
    """When the earliest one happened, of all time; ``missing`` is what none means."""

    word: ClassVar[str] = "first"

    pattern: EventPattern
    missing: MissingTime = field(default="unknown", converter=missing_time)


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
class Latest(Computed):
    """What the latest event that has this key says under it, of all time; a text, one of these."""

    word: ClassVar[str] = "latest"
    always: ClassVar[tuple[str, ...]] = ("kind",)

    pattern: EventPattern
    key: str = field(converter=event_name)
    kind: LatestKind = field(default=Kind.NUMBER, converter=_latest_kind)
    one_of: tuple[str, ...] = field(default=(), converter=text_choices)


@frozen(kw_only=True, cache_hash=True)
class LatestChange(Computed):
    """By how much the latest number differs from the one before it; with ``same``, of that one."""

    word: ClassVar[str] = "change"

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    same: str | None = field(default=None, converter=named_key)


def _trend_of(of: Count | Distinct | Sum | Mean) -> Count | Distinct | Sum | Mean:
    whole_days(of.within)
    return of


@frozen(kw_only=True, cache_hash=True)
class Trend(Computed):
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


def inner(derivation: Derivation) -> JsonObject:
    """As data inside of another derivation; inside this room only."""
    data = derivation.to_json()
    found = data.get(COMPUTED, data)
    return cast("JsonObject", found)


@frozen(kw_only=True, cache_hash=True)
class Share(Computed):
    """
    One signal as a share of another, both of one unit: active seats of the paid ones.

    Args:
        part: A number or an amount.

        whole: Of the same kind and unit; none, or less than ``minimum``, leaves it unknown.

        minimum: The least whole.
    """

    word: ClassVar[str] = "share"
    words: ClassVar[Mapping[str, str]] = {"part": "of"}

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
class Depth(Computed):
    """How much of a list of core features was used in the window, as a share of the list."""

    word: ClassVar[str] = "depth"

    pattern: EventPattern
    key: str = field(converter=event_name)
    features: tuple[str, ...] = field(converter=features)
    within: timedelta = field(converter=within_length)


@frozen(kw_only=True, cache_hash=True)
class ActiveDays(Computed):
    """On how many days of the window it happened; days of the customer, today included."""

    word: ClassVar[str] = "active_days"

    pattern: EventPattern
    within: timedelta = field(converter=whole_days)


@frozen(kw_only=True, cache_hash=True)
class ActiveWeeks(Computed):
    """In how many weeks of the window it happened; the last week ends today."""

    word: ClassVar[str] = "active_weeks"

    pattern: EventPattern
    within: timedelta = field(converter=whole_weeks)


@frozen(kw_only=True, cache_hash=True)
class Elapsed(Computed):
    """
    The median time from one event to the next other one of the same key; both in the window.

    What is still waiting is no part of it: see `Open`, `OldestOpen` and `Silent`.
    """

    word: ClassVar[str] = "elapsed"
    words: ClassVar[Mapping[str, str]] = {"start": "event", "end": "until", "key": "by"}

    start: EventPattern = field(converter=a_pattern)
    end: EventPattern = field(converter=a_pattern)
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)
    minimum: int = field(default=1, converter=least)


@frozen(kw_only=True, cache_hash=True)
class Again(Computed):
    """How many times something came back: after the other one, of the same key, within the gap."""

    word: ClassVar[str] = "again"
    words: ClassVar[Mapping[str, str]] = {"pattern": "event", "key": "by"}

    pattern: EventPattern
    after: EventPattern = field(converter=a_pattern)
    key: str = field(converter=event_name)
    gap: timedelta = field(converter=_gap)
    within: timedelta = field(converter=within_length)


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
