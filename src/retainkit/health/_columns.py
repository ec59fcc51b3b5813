"""The scores of a whole population at once; the same digits as one by one. Needs extra ``batch``.

Nothing here loads numpy before it is asked to; how it is computed is in ``_masses``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import frozen

from retainkit.health._bands import UNKNOWN
from retainkit.health._fixed import DIGITS, in_points
from retainkit.health._model import HealthModel
from retainkit.rules import Columns
from retainkit.timing import utc


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@frozen(kw_only=True, eq=False, repr=False)
class HealthColumns:
    """
    The health of many customers by one model; made by `score_columns`.

    Args:
        model: The model.

        at: The instant; UTC.

        population: Whom it was asked of.

        known: Of whom there is a score.

        steps: The score, in steps of its last place; anything where none is known.

        covered: The coverage, in ten-thousandths.

        bands: The place of the band among the model's; -1 is ``unknown``.
    """

    model: HealthModel
    at: datetime
    population: Columns
    known: NDArray[np.bool_]
    steps: NDArray[np.int64]
    covered: NDArray[np.int64]
    bands: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.population)

    @property
    def scores(self) -> NDArray[np.float64]:
        """The scores for arithmetic and charts: NaN where none is known."""
        import numpy as np

        return np.where(self.known, self.steps / 10**self.model.places, np.nan)

    @property
    def coverages(self) -> NDArray[np.float64]:
        """The share of weight with fresh data."""
        shares: NDArray[np.float64] = self.covered / 10**DIGITS
        return shares

    def score(self, row: int) -> Decimal | None:
        """The score of a row, as `retainkit.health.score` gives it."""
        if not self.known[row]:
            return None
        return in_points(int(self.steps[row]), self.model.places)

    def coverage(self, row: int) -> Decimal:
        """The coverage of a row."""
        return in_points(int(self.covered[row]))

    def band(self, row: int) -> str:
        """The band of a row."""
        place = int(self.bands[row])
        return UNKNOWN if place < 0 else self.model.bands.names[place]


def score_columns(
    model: HealthModel,
    population: Columns,
    now: datetime,
    *,
    at: datetime | Columns | None = None,
    before: Sequence[str | None] | None = None,
) -> HealthColumns:
    """
    The health of everybody in a population. Needs the extra ``batch``.

    The results are those of `score`, digit for digit; of trends and reasons nothing is said.
    Whether a customer is in the model's segment is not asked: ``model.asked.over`` does.

    Args:
        model: How it is told.

        population: What is known, from `retainkit.rules.columns`.

        now: The instant.

        at: As of when readings with a half-life are true: an instant for all, or the times of the
            same customers as columns of their own, each called as the signal is:
            ``columns(times, {"nps": Time(name="nps")})``. A reading without a time is not believed.

        before: The band of each customer before, for the hysteresis.

    Raises:
        ConfigurationError: ``missing_extra``.
        InvalidInput: ``time.naive``, ``time.out_of_range``, ``rules.column_length``;
            ``health.other_customers`` when the times are those of others; ``health.too_large``
            when sums would leave 64 bits.
    """
    instant = utc(now, "now")
    asked = model.asked.over(population, instant)  # says what is missing without numpy
    from retainkit.health._masses import scored

    return scored(model, population, asked, instant, times=at, before=before)
