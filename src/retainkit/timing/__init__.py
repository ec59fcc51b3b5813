"""Time: instants, zones, periods and contract terms; nothing here reads a clock."""

from __future__ import annotations

from retainkit.timing._instants import (
    Clock,
    aware,
    from_micros,
    to_micros,
    utc,
    wall_time,
    zone,
)


__all__ = [
    "Clock",
    "aware",
    "from_micros",
    "to_micros",
    "utc",
    "wall_time",
    "zone",
]
