"""Signals declared as attributes of a class, which are called as the attributes are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from attrs import evolve

from retainkit.rules._computed import named_signals
from retainkit.rules._declared import Signal


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
        cls.__declared__ = MappingProxyType(known)


def declared(signals: type[Signals]) -> Mapping[str, Signal]:
    """The signals of a class, by name, in their order."""
    return signals.__declared__
