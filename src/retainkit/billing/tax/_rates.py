"""Tax rates by place, category and date; the shipped figures are in ``_rate_data``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

from attrs import evolve, field, frozen

from retainkit.billing.tax._checks import check_day, check_rate
from retainkit.billing.tax._findings import Finding
from retainkit.billing.tax._territories import country_code
from retainkit.billing.tax._treatment import TaxComponent
from retainkit.errors import InvalidInput, NotFound


_Key: TypeAlias = tuple[str, str | None, str]


def _country(code: str) -> str:
    return country_code(code)


@frozen(kw_only=True)
class Rate:
    """
    One rate in one place from a day on, up to but not including another.

    Args:
        country: An ISO 3166-1 code; EL and UK are understood, Northern Ireland is GB.

        region: A part of it that has rates of its own, such as ``PT-20`` or ``CA-ON``.

        category: ``standard``, or another word that lines use.

        rate: 19 % is ``Fraction(19, 100)``.

        valid_from: The first day.

        valid_to: The first day on which it no longer holds; None as long as no end is known.

        source: Where it comes from.

        components: The parts of a combined rate; they add up to it.

    Raises:
        InvalidInput: ``tax.rate``, ``tax.rate_dates``, ``tax.rate_components``,
            ``tax.not_a_date``, ``tax.unknown_territory``.
    """

    country: str = field(converter=_country)
    region: str | None = None
    category: str = "standard"
    rate: Fraction
    valid_from: date
    valid_to: date | None = None
    source: str
    components: tuple[TaxComponent, ...] = ()

    def __attrs_post_init__(self) -> None:
        check_rate(self.rate)
        check_day(self.valid_from, "valid_from")
        if self.valid_to is not None:
            check_day(self.valid_to, "valid_to")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise InvalidInput(
                "A rate ends after it starts",
                code="tax.rate_dates",
                field="valid_to",
                value=self.valid_to.isoformat(),
                remedy="give the first day on which the rate no longer holds",
            )
        if self.components and sum(part.rate for part in self.components) != self.rate:
            raise InvalidInput(
                "The parts of a combined rate add up to it",
                code="tax.rate_components",
                field="components",
                value=str(sum(part.rate for part in self.components)),
                remedy=f"give parts that make {self.rate}",
            )

    @property
    def key(self) -> tuple[str, str | None, str]:
        """Its place and category."""
        return self.country, self.region, self.category

    def holds(self, on: date) -> bool:
        """Whether it is the rate of this day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


def _by_place(rates: Iterable[Rate]) -> Mapping[_Key, tuple[Rate, ...]]:
    """In order of dates; refuses two rates for one day."""
    found: dict[_Key, list[Rate]] = {}
    for rate in rates:
        found.setdefault(rate.key, []).append(rate)
    for key, listed in found.items():
        listed.sort(key=lambda rate: rate.valid_from)
        for earlier, later in pairwise(listed):
            if earlier.valid_to is None or later.valid_from < earlier.valid_to:
                raise InvalidInput(
                    f"Two rates of {named(*key)} hold on one day",
                    code="tax.rates_overlap",
                    field="rates",
                    value=later.valid_from.isoformat(),
                    remedy="end the earlier one on the day the later one starts,"
                    " or add it with RateTable.with_rates, which does that",
                )
    return {key: tuple(listed) for key, listed in found.items()}


@frozen(kw_only=True, eq=False)
class RateTable:
    """
    Rates by place, category and date.

    Args:
        rates: In any order.

        data_as_of: The day on which they were right as far as was known.

    Raises:
        InvalidInput: ``tax.rates_overlap``.
    """

    rates: tuple[Rate, ...]
    data_as_of: date
    _places: Mapping[_Key, tuple[Rate, ...]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_places", _by_place(self.rates))

    def rate(
        self, country: str, on: date, *, region: str | None = None, category: str = "standard"
    ) -> Rate:
        """
        The rate of a place on a day.

        Raises:
            NotFound: ``tax.no_rates`` when the table doesn't have the place or category.

            InvalidInput: ``tax.rate_gap`` when it has, but not for this day. Never a zero.
                ``tax.not_a_date``.
        """
        check_day(on, "on")
        listed = self._places.get((country, region, category))
        if not listed:
            raise NotFound(
                f"The rate table has no rates of {named(country, region, category)}",
                code="tax.no_rates",
                field="category" if self.covers(country, region) else "country",
                value=named(country, region, category),
                remedy="add them with RateTable.with_rates, or ask a tax provider",
            )
        index = bisect_right(listed, on, key=lambda rate: rate.valid_from) - 1
        if index < 0 or not listed[index].holds(on):
            raise InvalidInput(
                f"The rate table has no rate of {named(country, region, category)} for this day",
                code="tax.rate_gap",
                field="on",
                value=on.isoformat(),
                remedy="add the rate of that day with RateTable.with_rates",
            )
        return listed[index]

    def during(
        self,
        country: str,
        first: date,
        last: date,
        *,
        region: str | None = None,
        category: str = "standard",
    ) -> tuple[Rate, ...]:
        """
        The rates of a place from one day to another, both included, in order.

        Raises:
            NotFound, InvalidInput: as `rate`, of the first day without a rate.
        """
        found = [self.rate(country, first, region=region, category=category)]
        while (end := found[-1].valid_to) is not None and end <= last:
            found.append(self.rate(country, end, region=region, category=category))
        return tuple(found)

    def covers(self, country: str, region: str | None = None) -> bool:
        """Whether there is any rate of the place."""
        return any(key[:2] == (country, region) for key in self._places)

    def with_rates(self, *rates: Rate, data_as_of: date | None = None) -> RateTable:
        """
        The table with the host's rates: where they overlap with ours, theirs hold.

        Args:
            rates: To add, or to override what holds on their days.

            data_as_of: The day on which the result is right; unchanged unless given.
        """
        kept = list(self.rates)
        for new in rates:
            kept = [part for old in kept for part in _without(old, new)]
        return RateTable(
            rates=(*kept, *rates),
            data_as_of=self.data_as_of if data_as_of is None else data_as_of,
        )

    def gaps(self) -> tuple[Finding, ...]:
        """The days between two rates of a place on which it has none."""
        return tuple(
            Finding(
                key="tax.rate_gap",
                values={
                    "place": named(*key),
                    "from": earlier.valid_to.isoformat(),
                    "to": later.valid_from.isoformat(),
                },
            )
            for key, listed in self._places.items()
            for earlier, later in pairwise(listed)
            if earlier.valid_to is not None and earlier.valid_to < later.valid_from
        )

    def age(self, today: date, limit: timedelta) -> tuple[Finding, ...]:
        """
        A finding when the data is older than the host allows.

        Raises:
            InvalidInput: ``tax.not_a_date``.
        """
        check_day(today, "today")
        if today - self.data_as_of <= limit:
            return ()
        return (
            Finding(
                key="tax.rates_old",
                values={"data_as_of": self.data_as_of.isoformat(), "today": today.isoformat()},
            ),
        )


def named(country: str, region: str | None, category: str) -> str:
    """A place and category in words of the table: ``PT/PT-20 standard``."""
    return f"{country}{'' if region is None else '/' + region} {category}"


def _without(old: Rate, new: Rate) -> tuple[Rate, ...]:
    """What is left of a rate outside the days of another one of its place."""
    if old.key != new.key:
        return (old,)
    left = []
    if old.valid_from < new.valid_from:
        end = new.valid_from if old.valid_to is None else min(old.valid_to, new.valid_from)
        left.append(evolve(old, valid_to=end))
    if new.valid_to is not None and (old.valid_to is None or new.valid_to < old.valid_to):
        left.append(evolve(old, valid_from=max(old.valid_from, new.valid_to)))
    return tuple(left)
