"""Signals declared as attributes of a class, which are called as the attributes are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from attrs import evolve

from retainkit.errors import InvalidInput
from retainkit.rules._computed import named_signals
from retainkit.rules._declared import Signal
from retainkit.rules._events import EventPattern
from retainkit.rules._tree import Condition
from retainkit.rules._waiting import (
    Absent,
    DistinctTimes,
    DistinctValues,
    OpenItems,
    Steps,
    Times,
)


_ASKED = (
    *(EventPattern, Condition),
    *(Times, Absent, DistinctValues, DistinctTimes, OpenItems, Steps),
)
"""What events and signals are asked, and is no signal itself."""


class Signals:
    """
    Declares signals as attributes: the one place for their names, kinds, units and freshness.

    ::

        class Customer(Signals):
            mrr = Amount(currency="EUR", source="billing")
            plan = Text(one_of=("free", "starter", "team"))
            last_login_at = Time(missing="never", fresh_for=days(2))

    The names of attributes are those of the signals. There are no instances: of one customer, what
    is known is `Readings`.

    Raises:
        InvalidInput: ``rules.no_signal`` for events or a condition under a name that begins with
            no underscore.
    """

    __declared__: ClassVar[Mapping[str, Signal]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        """Name the signals of the class; a subclass has those of its parents, too."""
        known: dict[str, Signal] = {}
        for base in reversed(cls.__mro__[1:]):
            known.update(vars(base).get("__declared__", {}))
        own: dict[str, Signal] = {}
        for name, found in vars(cls).items():
            if isinstance(found, Signal):
                own[name] = found
            elif not name.startswith("_") and isinstance(found, _ASKED):
                raise _no_signal(name, found)
        called = _called(own)
        for name, signal in called.items():
            setattr(cls, name, signal)
        cls.__declared__ = MappingProxyType({**known, **called})


def _no_signal(name: str, found: object) -> InvalidInput:
    return InvalidInput(
        "Events and conditions are no signals: nobody would count or ask this one",
        code="rules.no_signal",
        field=name,
        value=type(found).__name__,
        remedy="say what is counted of it, such as .count(days(7)); put a condition into a rule or "
        "a segment; begin the name of what only helps to declare others with an underscore",
    )


def _called(signals: Mapping[str, Signal]) -> dict[str, Signal]:
    """Each by the name that it stands under, in what is computed of it, too."""
    known: dict[str, Signal] = {}
    names: dict[int, Signal] = {}
    for name, signal in signals.items():
        of = signal.derivation
        derivation = None if of is None else named_signals(of, names)
        known[name] = names[id(signal)] = evolve(signal, name=name, derivation=derivation)
    return known


def declared(signals: type[Signals] | Mapping[str, Signal]) -> Mapping[str, Signal]:
    """
    The signals of a class, or of a mapping, by name, in their order.

    Those of a mapping are called by the name that they stand under, as a class calls its own: take
    them from here for a condition or a health model.

    Raises:
        InvalidInput: ``rules.no_signal`` for what is no class of signals, and no signal.
    """
    given: object = signals  # from Python, whatever the annotation says
    if isinstance(given, type) and issubclass(given, Signals):
        return given.__declared__
    if not isinstance(given, Mapping):
        raise _undeclared("signals", given)
    for name, each in given.items():
        if not isinstance(each, Signal):
            raise _undeclared(str(name), each)
    if all(name == each.name for name, each in given.items()):
        return given
    return _called(given)


def _undeclared(field: str, found: object) -> InvalidInput:
    return InvalidInput(
        "Signals are declared in a class, or told by name",
        code="rules.no_signal",
        field=field,
        value=type(found).__name__,
        remedy='pass your class of Signals, or a dict such as {"seats": Number()}',
    )
