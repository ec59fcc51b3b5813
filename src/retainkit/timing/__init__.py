"""Time: instants, zones, periods and contract terms; nothing here reads a clock.

Instants come at once; what only billing and renewals need is loaded when it is first named, since
every class of attrs costs `import retainkit` some time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from retainkit.timing._instants import (
    Clock,
    aware,
    from_micros,
    local_time,
    to_micros,
    utc,
    wall_time,
    zone,
)


if TYPE_CHECKING:
    from retainkit.timing._intervals import (
        Interval,
        Unit,
        billing_day_anchor,
        calendar_anchor,
        period_at,
        period_number,
        periods,
        trial_period,
    )
    from retainkit.timing._periods import Period
    from retainkit.timing._terms import (
        Renewal,
        Term,
        contract_end,
        notice_deadline,
        payment_deadline,
        renews,
        term_at,
    )
else:  # hidden from checkers, who would take any name for a name of this room

    def __getattr__(name: str) -> object:
        for module, names in _LATER.items():
            if name in names:
                value = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Clock",
    "Interval",
    "Period",
    "Renewal",
    "Term",
    "Unit",
    "aware",
    "billing_day_anchor",
    "calendar_anchor",
    "contract_end",
    "from_micros",
    "local_time",
    "notice_deadline",
    "payment_deadline",
    "period_at",
    "period_number",
    "periods",
    "renews",
    "term_at",
    "to_micros",
    "trial_period",
    "utc",
    "wall_time",
    "zone",
]

_LATER = {
    "_intervals": (
        "Interval",
        "Unit",
        "billing_day_anchor",
        "calendar_anchor",
        "period_at",
        "period_number",
        "periods",
        "trial_period",
    ),
    "_periods": ("Period",),
    "_terms": (
        "Renewal",
        "Term",
        "contract_end",
        "notice_deadline",
        "payment_deadline",
        "renews",
        "term_at",
    ),
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
