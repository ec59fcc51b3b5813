"""Populations as data frames, of customers that the laws and the published cases made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retainkit.money import Money
from retainkit.rules import Columns, Readings, Signal, columns


KEY = "customer"


def as_dict(signals: Mapping[str, Signal], everybody: Sequence[Readings]) -> dict[str, list[Any]]:
    """A list for each signal, and beside each when it was read and until when it is good."""
    made: dict[str, list[Any]] = {KEY: [f"c{row}" for row in range(len(everybody))]}
    for name in signals:
        found = [known.of(name) for known in everybody]
        values = [None if each is None else each.value for each in found]
        if any(isinstance(value, Money) for value in values):
            cash = [value if isinstance(value, Money) else None for value in values]
            made[name] = [None if value is None else value.amount for value in cash]
            made[f"{name}_in"] = [None if value is None else value.currency.code for value in cash]
        else:
            made[name] = values
        made[f"{name}_at"] = [None if each is None else each.at for each in found]
        made[f"{name}_until"] = [None if each is None else each.until for each in found]
    return made


def population(frame: Any, signals: Mapping[str, Signal]) -> Columns:
    """The frame that `as_dict` makes, whatever it became."""
    names = set(getattr(frame, "column_names", getattr(frame, "columns", frame)))
    return columns(
        frame,
        signals,
        key=KEY,
        currency={name: f"{name}_in" for name in signals if f"{name}_in" in names},
        at={name: f"{name}_at" for name in signals},
        until={name: f"{name}_until" for name in signals},
    )
