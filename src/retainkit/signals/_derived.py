"""What every derivation is asked; what is answered stands in the file of its kind."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, singledispatch
from typing import Final

from attrs import evolve

from retainkit.errors import ConfigurationError
from retainkit.rules import Derivation, Reading, Signal, Text
from retainkit.signals._facts import fact_metric, fact_of
from retainkit.signals._metric import DAY, Metric
from retainkit.signals._seen import Seen, Span


MILLION: Final = 1_000_000
NEVER: Final = (-(2**63), "")
"""Before all that ever happened, as `happened` tells it."""

_EXACT = 2**53


@lru_cache(maxsize=4096)
def metrics_of(derivation: Derivation) -> tuple[Metric, ...]:
    """The metrics that it needs, in its own order; made once, since their names are hashes."""
    return metrics(derivation)


@singledispatch
def metrics(derivation: Derivation) -> tuple[Metric, ...]:
    """The metrics that it needs, as its kind says; ask `metrics_of`."""
    raise _unknown(derivation)


@singledispatch
def read(derivation: Derivation, seen: Seen) -> Reading | None:
    """Its value now; None when nothing is known."""
    del seen
    raise _unknown(derivation)


@singledispatch
def days_of(derivation: Derivation) -> int:
    """How many days back it looks; 0 for what belongs to no day."""
    within = getattr(derivation, "within", None)
    return 0 if within is None else -(-within // DAY)


@singledispatch
def facts_of(derivation: Derivation) -> tuple[str, ...]:
    """The names of the facts that it is computed from."""
    del derivation
    return ()


def read_signal(signal: Signal, seen: Seen) -> Reading | None:
    """A signal's value now, computed or set; None when nothing is known."""
    if signal.derivation is None:
        row = seen.one(fact_metric(signal.name))
        return None if row is None else fact_of(signal, row)
    reading = read(signal.derivation, seen)
    if reading is not None and isinstance(signal, Text) and not is_choice(signal, reading.value):
        return evolve(reading, value=None)
    return reading


def is_choice(signal: Text, value: object) -> bool:
    """The text is one that the signal can have; any can be, where none are declared."""
    return not signal.choices or value is None or value in signal.choices


def as_count(number: int, span: Span, seen: Seen) -> Reading:
    """So many; none is only known of a timeline as long as the window, if all can be read."""
    known = number > 0 or (span.is_covered and not span.is_unread)
    return Reading(value=number if known else None, at=seen.at, until=span.until)


def as_number(exact: Fraction) -> int | float:
    """Whole where it is whole."""
    is_whole = exact.denominator == 1 and abs(exact) <= _EXACT
    return exact.numerator if is_whole else float(exact)


def _unknown(derivation: Derivation) -> ConfigurationError:
    return ConfigurationError(
        "Nobody can compute this derivation",
        code="signals.derivation",
        field="derivation",
        value=type(derivation).__name__,
        remedy="use those of retainkit.rules",
    )
