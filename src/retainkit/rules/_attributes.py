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
        names: dict[int, Signal] = {}
        for name, found in list(vars(cls).items()):
            if isinstance(found, Signal):
                of = found.derivation
                derivation = None if of is None else named_signals(of, names)
                known[name] = evolve(found, name=name, derivation=derivation)
                names[id(found)] = known[name]
                setattr(cls, name, known[name])
            elif not name.startswith("_") and isinstance(found, _ASKED):
                raise _no_signal(name, found)
        cls.__declared__ = MappingProxyType(known)


def _no_signal(name: str, found: object) -> InvalidInput:
    return InvalidInput(
        "Events and conditions are no signals: nobody would count or ask this one",
        code="rules.no_signal",
        field=name,
        value=type(found).__name__,
        remedy="say what is counted of it, such as .count(days(7)); put a condition into a rule or "
        "a segment; begin the name of what only helps to declare others with an underscore",
    )


def declared(signals: type[Signals]) -> Mapping[str, Signal]:
    """The signals of a class, by name, in their order."""
    return signals.__declared__
