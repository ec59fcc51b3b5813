"""Who enters and who leaves when a condition is replaced: a preview, nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import frozen

from retainkit.ids import CustomerId
from retainkit.rules._closures import compiled
from retainkit.rules._explain import NO_SEGMENTS
from retainkit.rules._readings import Readings
from retainkit.rules._tree import Condition
from retainkit.rules._truth import Truth


@frozen(kw_only=True)
class Difference:
    """
    What a new condition changes in a population.

    Args:
        enters: For whom the old one was not true, and the new one is.

        leaves: For whom the old one was true, and the new one is false.

        holds: For whom the old one was true, and the new one is unknown: they stay until more is
            known.

        stays: How many are in under both.

        asked: How many customers there are.
    """

    enters: tuple[CustomerId, ...]
    leaves: tuple[CustomerId, ...]
    holds: tuple[CustomerId, ...]
    stays: int
    asked: int


def diff(
    old: Condition,
    new: Condition,
    population: Iterable[tuple[CustomerId, Readings]],
    now: datetime,
    *,
    old_segments: Mapping[str, Condition] = NO_SEGMENTS,
    new_segments: Mapping[str, Condition] = NO_SEGMENTS,
) -> Difference:
    """
    Who enters, who leaves and who is held when the new condition replaces the old one.

    The population is read once, one customer at a time.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
        NotFound: ``rules.unknown_segment``.
    """
    before = compiled({"": old}, segments=old_segments)
    after = compiled({"": new}, segments=new_segments)
    moved: dict[str, list[CustomerId]] = {"enters": [], "leaves": [], "holds": []}
    asked = stays = 0
    for customer, known in population:
        asked += 1
        was = before.truths(known, now)[""] is Truth.TRUE
        match after.truths(known, now)[""]:
            case Truth.TRUE if was:
                stays += 1
            case Truth.TRUE:
                moved["enters"].append(customer)
            case Truth.FALSE if was:
                moved["leaves"].append(customer)
            case Truth.UNKNOWN if was:
                moved["holds"].append(customer)
            case _:
                pass
    return Difference(
        enters=tuple(moved["enters"]),
        leaves=tuple(moved["leaves"]),
        holds=tuple(moved["holds"]),
        stays=stays,
        asked=asked,
    )
