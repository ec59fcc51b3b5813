"""How far a figure of a sample can be believed: areas, shares, medians; of what is the back-test's.

All intervals are of 95 %, two-sided. Sources:

- Area under the curve by ranks, and its variance by structural components: DeLong, DeLong and
  Clarke-Pearson, Biometrics 44 (1988) 837; by ranks in n log n: Sun and Xu, IEEE Signal Processing
  Letters 21 (2014) 1389; for customers who were looked at several times: Obuchowski, Biometrics
  53 (1997) 567. The limits are found on the scale of the log odds, so that they stay within 0 and
  1 and hold in small samples: Qin and Hotilovac, Stat. Methods Med. Res. 17 (2008) 207.
- A share: Wilson, J. Am. Stat. Assoc. 22 (1927) 209. The difference of two: Newcombe, Stat. Med.
  17 (1998) 873, method 10.
- A median: order statistics and the binomial distribution, no assumption on the values.
- A ratio of sums: the linearised variance of Cochran, Sampling Techniques (1977), 6.4.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from math import exp, log, sqrt
from typing import Final, TypeAlias

from attrs import frozen


FEWEST: Final = 10
"""Of customers who left, and of customers who stayed, below which no interval of an area is told:
the approximation behind it does not hold there."""

CHANCE: Final = 0.5
"""The area of a score that knows nothing."""

NO_VALUE: Final = "\u2013"
"""What stands where there is nothing to say."""

_Z: Final = 1.959963984540054
_TAIL: Final = 0.025


class Unclaimed(StrEnum):
    """Why no interval is claimed."""

    NOTHING = "nothing"
    """There is nothing to estimate from."""

    FEW = "few"
    """There are too few customers for an interval that holds."""

    SAME = "same"
    """All have the same score, which tells nobody from anybody."""

    @property
    def reason(self) -> str:
        """The same for a reader, in English."""
        return _UNCLAIMED[self]


_UNCLAIMED: Final = {
    Unclaimed.NOTHING: "nothing to estimate from",
    Unclaimed.FEW: "too few for an interval",
    Unclaimed.SAME: "all scores are equal",
}


@frozen(kw_only=True)
class Estimate:
    """
    A figure of a sample, and the interval that holds the true one in 95 of 100 such samples.

    Args:
        value: The figure; None when there was nothing to estimate it from.

        low: The interval's lower end; None when no interval is claimed.

        high: Its upper end, likewise.

        of: How many customers it rests on.

        unclaimed: Why there is no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    of: int = 0
    unclaimed: Unclaimed | None = None

    def told(self, places: int = 2) -> str:
        """The figure with its interval, or why it has none."""
        return self._told(lambda value: f"{value:.{places}f}")

    def in_percent(self) -> str:
        """A share with its interval, in per cent to one place."""
        return self._told(lambda value: f"{100 * value:.1f}\u202f%")

    def _told(self, shown: Callable[[float], str]) -> str:
        if self.value is None:
            return NO_VALUE
        if self.low is None or self.high is None:
            told = shown(self.value) + (f" ({self.unclaimed.reason})" if self.unclaimed else "")
        else:
            told = f"{shown(self.value)} ({shown(self.low)} to {shown(self.high)})"
        return told.replace("-", "\u2212")

    def __contains__(self, value: float) -> bool:
        """Whether the interval holds a value; an interval that is not claimed holds every one."""
        return self.low is None or self.high is None or self.low <= value <= self.high


NOTHING: Final = Estimate(value=None, unclaimed=Unclaimed.NOTHING)


@frozen
class Seen:
    """
    One look at a customer, and what became of them.

    Args:
        customer: Who; looks at one customer are not independent of each other.

        score: What was seen; more is better.

        left: Whether they left within the horizon.
    """

    customer: Hashable
    score: float | Fraction | Decimal
    left: bool


def area(seen: Sequence[Seen]) -> Estimate:
    """
    How often one who left had scored less than one who stayed; equal scores count half.

    0.5 is chance, 1 is a score that tells all of them apart. No interval is claimed when fewer
    than `FEWEST` customers left or stayed, or when all scores are equal.
    """
    parts = parts_of(seen)
    if parts is None:
        return NOTHING
    value, of = float(parts.area), parts.customers
    if parts.fewest < FEWEST:
        return Estimate(value=value, of=of, unclaimed=Unclaimed.FEW)
    if value in (0.0, 1.0):
        # No variance to be seen. Of as many disjoint pairs as there are, each was told apart:
        # the exact (Clopper-Pearson) limit of a share that was found to be 1.
        limit = _TAIL ** (1 / parts.fewest)
        low, high = (limit, 1.0) if value else (0.0, 1 - limit)
        return Estimate(value=value, low=low, high=high, of=of)
    error = parts.error
    if error == 0:
        return Estimate(value=value, of=of, unclaimed=Unclaimed.SAME)
    odds, reach = log(value / (1 - value)), _Z * error / (value * (1 - value))
    return Estimate(value=value, low=_share_at(odds - reach), high=_share_at(odds + reach), of=of)


def area_difference(first: Sequence[Seen], second: Sequence[Seen]) -> Estimate:
    """
    How much more often the first score tells those who left than the second one does.

    Both are of the same looks at the same customers, in the same order; that they go together is
    what narrows the interval.
    """
    one, other = parts_of(first), parts_of(second)
    if one is None or other is None:
        return NOTHING
    value, of = float(one.area - other.area), one.customers
    if one.fewest < FEWEST:
        return Estimate(value=value, of=of, unclaimed=Unclaimed.FEW)
    reach = _Z * sqrt(
        _variance(_less(one.of_left, other.of_left), _less(one.of_stayed, other.of_stayed))
    )
    return Estimate(value=value, low=max(-1.0, value - reach), high=min(1.0, value + reach), of=of)


_Influence: TypeAlias = dict[Hashable, float]


@frozen(kw_only=True)
class Parts:
    """An area, and how far each customer's looks draw it away from the mean; in this room only."""

    area: Fraction
    of_left: _Influence
    of_stayed: _Influence

    @property
    def fewest(self) -> int:
        """Of those who left and those who stayed, how many there are of the rarer ones."""
        return min(len(self.of_left), len(self.of_stayed))

    @property
    def customers(self) -> int:
        """How many were looked at."""
        return len(self.of_left.keys() | self.of_stayed.keys())

    @property
    def error(self) -> float:
        """The standard error of the area, as DeLong's is for who was looked at once."""
        return sqrt(_variance(self.of_left, self.of_stayed))


def parts_of(seen: Sequence[Seen]) -> Parts | None:
    """The area and what it is made of; None when all left, or none; inside this room only."""
    left = [index for index, each in enumerate(seen) if each.left]
    stayed = [index for index, each in enumerate(seen) if not each.left]
    if not left or not stayed:
        return None
    scores = [each.score for each in seen]
    ranks = doubled_ranks(scores)
    # How many of the others are lower, twice; those that are equal count once.
    below = _beyond(ranks, scores, left)
    above = _beyond(ranks, scores, stayed)
    lost, kept = len(left), len(stayed)
    area = 1 - Fraction(sum(below), 2 * lost * kept)
    mean = float(area)
    of_left, of_stayed = _Influence(), _Influence()
    for index, lower in zip(left, below, strict=True):
        who = seen[index].customer
        drawn = (1 - lower / (2 * kept) - mean) / lost
        of_left[who] = of_left.get(who, 0.0) + drawn
    for index, lower in zip(stayed, above, strict=True):
        who = seen[index].customer
        drawn = (lower / (2 * lost) - mean) / kept
        of_stayed[who] = of_stayed.get(who, 0.0) + drawn
    return Parts(area=area, of_left=of_left, of_stayed=of_stayed)


def _beyond(
    ranks: Sequence[int], scores: Sequence[float | Fraction | Decimal], group: Sequence[int]
) -> list[int]:
    within = doubled_ranks([scores[index] for index in group])
    return [ranks[index] - own for index, own in zip(group, within, strict=True)]


def doubled_ranks(values: Sequence[float | Fraction | Decimal]) -> list[int]:
    """Twice the rank of each value, from 2 on; equal values share the mean of their ranks."""
    ranks = [0] * len(values)
    order = sorted(range(len(values)), key=values.__getitem__)
    done = 0
    for _, group in groupby(order, key=values.__getitem__):
        equal = list(group)
        for index in equal:
            ranks[index] = 2 * done + len(equal) + 1
        done += len(equal)
    return ranks


def _variance(of_left: _Influence, of_stayed: _Influence) -> float:
    """Obuchowski's; DeLong's when nobody is in both."""
    both = of_left.keys() & of_stayed.keys()
    everybody = len(of_left) + len(of_stayed) - len(both)
    shared = 2 * _corrected(everybody) * sum(of_left[who] * of_stayed[who] for who in both)
    return max(
        0.0,
        _corrected(len(of_left)) * sum(each * each for each in of_left.values())
        + _corrected(len(of_stayed)) * sum(each * each for each in of_stayed.values())
        + shared,
    )


def _corrected(count: int) -> float:
    return count / (count - 1) if count > 1 else 1.0


def _less(one: _Influence, other: _Influence) -> _Influence:
    return {who: drawn - other[who] for who, drawn in one.items()}


def _share_at(odds: float) -> float:
    """The share of these log odds; far odds don't overflow."""
    if odds >= 0:
        return 1 / (1 + exp(-odds))
    return exp(odds) / (1 + exp(odds))


def share(part: int, whole: int) -> Estimate:
    """A part of a whole, with Wilson's interval: honest in small samples, never beyond 0 and 1."""
    if whole == 0:
        return NOTHING
    low, high = _wilson(part, whole)
    return Estimate(value=part / whole, low=low, high=high, of=whole)


def share_difference(part: int, whole: int, other_part: int, other_whole: int) -> Estimate:
    """How much larger the first share is than the second, of independent groups; Newcombe's."""
    if whole == 0 or other_whole == 0:
        return NOTHING
    one, other = part / whole, other_part / other_whole
    low, high = _wilson(part, whole)
    other_low, other_high = _wilson(other_part, other_whole)
    value = one - other
    return Estimate(
        value=value,
        low=value - sqrt((one - low) ** 2 + (other_high - other) ** 2),
        high=value + sqrt((high - one) ** 2 + (other - other_low) ** 2),
        of=whole + other_whole,
    )


def _wilson(part: int, whole: int) -> tuple[float, float]:
    squared = _Z * _Z
    centre = 2 * part + squared
    reach = _Z * sqrt(squared + 4 * part * (whole - part) / whole)
    below = 0.0 if part == 0 else (centre - reach) / (2 * (whole + squared))
    above = 1.0 if part == whole else (centre + reach) / (2 * (whole + squared))
    return below, above


def median(values: Iterable[float]) -> Estimate:
    """The middle of the values; below six of them no two can be named that enclose it."""
    ordered = sorted(values)
    count = len(ordered)
    if count == 0:
        return NOTHING
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    outside = _outside(count)
    if outside == 0:
        return Estimate(value=middle, of=count, unclaimed=Unclaimed.FEW)
    return Estimate(value=middle, low=ordered[outside - 1], high=ordered[-outside], of=count)


def _outside(count: int) -> int:
    """The greatest k for which fewer than k of that many coins fall heads in at most 2.5 %."""
    heads, ways, below = 0, 1, 1
    while 40 * below <= 1 << count:
        heads += 1
        ways = ways * (count - heads + 1) // heads
        below += ways
    return heads


def ratio_difference(
    first: Sequence[tuple[Fraction, Fraction]], second: Sequence[tuple[Fraction, Fraction]]
) -> Estimate:
    """
    How much larger the sum of what is over the sum of what was is in the first group.

    Args:
        first: Of each customer, what is and what was.

        second: Likewise, of the other group.
    """
    one, other = _ratio(first), _ratio(second)
    if one is None or other is None:
        return NOTHING
    value = float(one[0] - other[0])
    of = len(first) + len(second)
    if min(len(first), len(second)) < FEWEST:
        return Estimate(value=value, of=of, unclaimed=Unclaimed.FEW)
    reach = _Z * sqrt(one[1] + other[1])
    return Estimate(value=value, low=value - reach, high=value + reach, of=of)


def _ratio(pairs: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, float] | None:
    """The ratio of the sums, and its variance."""
    whole = sum((was for _, was in pairs), Fraction(0))
    if whole == 0:
        return None
    ratio = sum((is_ for is_, _ in pairs), Fraction(0)) / whole
    squares = sum(float((is_ - ratio * was) / whole) ** 2 for is_, was in pairs)
    return ratio, _corrected(len(pairs)) * squares
