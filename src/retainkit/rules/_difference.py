"""Who enters and who leaves when a condition is replaced: a preview, nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import frozen

from retainkit.ids import CustomerId
from retainkit.rules._closures import compiled
from retainkit.rules._columns import Answers, Columns
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
    population: Iterable[tuple[CustomerId, Readings]] | Columns,
    now: datetime,
    *,
    old_segments: Mapping[str, Condition] = NO_SEGMENTS,
    new_segments: Mapping[str, Condition] = NO_SEGMENTS,
) -> Difference:
    """
    Who enters, who leaves and who is held when the new condition replaces the old one.

    The population is read once, one customer at a time; or all at once, as `columns` makes it.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``; of columns ``rules.signal_clash``.
        NotFound: ``rules.unknown_segment``.
    """
    before = compiled({"": old}, segments=old_segments)
    after = compiled({"": new}, segments=new_segments)
    if isinstance(population, Columns):
        return _of_all(before.over(population, now), after.over(population, now))
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


def _of_all(before: Answers, after: Answers) -> Difference:
    was, now = before.mask(""), after.mask("")
    everybody = before.population
    return Difference(
        enters=everybody.who(now & ~was),
        leaves=everybody.who(was & after.mask("", Truth.FALSE)),
        holds=everybody.who(was & after.mask("", Truth.UNKNOWN)),
        stays=int((was & now).sum()),
        asked=len(everybody),
    )
