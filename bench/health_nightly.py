"""The nightly health of 100,000 customers with 12 components, against bare numpy arithmetic.

Both begin with columns in memory and end with a score, a coverage and a band for each customer.
Ours is exact from the points on, rounds once, knows caps, decay, staleness and unknown ones; the
anchor does the same sums by hand in floats. Scores and bands of both are compared first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
from measure import in_turns
from numpy.typing import NDArray

from retainkit.health import (
    Band,
    Bands,
    Cap,
    Component,
    Direction,
    Factors,
    HealthModel,
    Linear,
    Steps,
    score_columns,
)
from retainkit.rules import Columns, Flag, Number, Signal, Time, columns, days


ROWS = 100_000
REPEATS = 15
NOW = datetime(2026, 11, 1, tzinfo=UTC)
HALF_LIFE = days(30)
LINES, DECAYING = 10, 2
GAPS, DISPUTED, ENOUGH, STEP = 0.15, 0.03, 0.5, 0.0101
EDGES, TIERS = (6, 8), (0, 50, 100)
LINE_WEIGHT, STEP_WEIGHT, RISK_WEIGHT, CAPPED = 8, 12, 8, 40

Floats = NDArray[np.float64]


def run(_name: str) -> dict[str, object]:
    """At most 10 times the anchor's time."""
    frame, ages = _population()
    model = _model()
    started = perf_counter()
    known = columns(frame, model.signals, at=NOW)
    made = perf_counter() - started
    told = _times(frame, ages)
    ours, anchor = _ours(model, known, told), _anchor(frame, ages)
    _require_same(model, known, told, frame, ages)
    return {
        **in_turns(ours, anchor, repeats=REPEATS, bound=0.1, unit="customers a second"),
        "columns_seconds": round(made, 3),
    }


def _population() -> tuple[dict[str, object], dict[str, NDArray[np.int64]]]:
    draw = np.random.default_rng(7)

    def with_gaps(values: Floats) -> Floats:
        return np.where(draw.random(ROWS) < GAPS, np.nan, values)

    frame: dict[str, object] = {"customer": [f"c{row}" for row in range(ROWS)]}
    for index in range(LINES):
        frame[f"line_{index}"] = with_gaps(draw.uniform(-5, 30, ROWS))
    frame["nps"] = with_gaps(draw.integers(0, 11, ROWS).astype(np.float64))
    frame["disputed"] = draw.random(ROWS) < DISPUTED
    ages = {f"line_{i}": draw.integers(0, 90 * 86_400, ROWS) for i in range(DECAYING)}
    return frame, ages


def _times(frame: dict[str, object], ages: dict[str, NDArray[np.int64]]) -> Columns:
    """When the readings that decay were made."""
    times = {
        name: [NOW - timedelta(seconds=seconds) for seconds in age.tolist()]
        for name, age in ages.items()
    }
    return columns(
        {"customer": frame["customer"], **times}, {name: Time(name=name) for name in ages}
    )


def _signals() -> dict[str, Signal]:
    lines = [f"line_{index}" for index in range(LINES)]
    found: dict[str, Signal] = {name: Number(name=name) for name in (*lines, "nps")}
    return {**found, "disputed": Flag(name="disputed")}


def _model() -> HealthModel:
    signals = _signals()
    disputed = Flag(name="disputed")
    higher = Direction.HIGHER_IS_BETTER
    lines = [
        Component(
            signal=signals[f"line_{index}"],
            direction=higher,
            weight=LINE_WEIGHT,
            mapping=Linear(low=0, high=20 + index),
            half_life=HALF_LIFE if index < DECAYING else None,
        )
        for index in range(LINES)
    ]
    return HealthModel(
        id="nightly",
        bands=Bands(bands=(Band("red", 0, 50), Band("yellow", 50, 75), Band("green", 75, 100))),
        components=[
            *lines,
            Component(
                signal=signals["nps"],
                direction=higher,
                weight=STEP_WEIGHT,
                mapping=Steps(edges=EDGES, points=TIERS),
            ),
            Component(
                name="calm",
                weight=RISK_WEIGHT,
                mapping=Factors(cases=((disputed, 0),), otherwise=100),
            ),
        ],
        caps=(Cap(name="dispute", when=disputed, at=CAPPED),),
    )


def _ours(model: HealthModel, known: Columns, told: Columns) -> Callable[[], int]:
    def work() -> int:
        return len(score_columns(model, known, NOW, at=told))

    return work


def _by_hand(
    frame: dict[str, object], ages: dict[str, NDArray[np.int64]]
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    above, below = np.zeros(ROWS), np.zeros(ROWS)
    for index in range(LINES):
        name = f"line_{index}"
        values = np.asarray(frame[name])
        weight = np.where(np.isnan(values), 0.0, LINE_WEIGHT)
        if name in ages:
            weight = weight * np.exp2(-ages[name] / HALF_LIFE.total_seconds())
        above += weight * np.nan_to_num(np.clip(values / (20 + index), 0, 1) * 100)
        below += weight
    values = np.asarray(frame["nps"])
    weight = np.where(np.isnan(values), 0.0, STEP_WEIGHT)
    above += weight * np.array(TIERS)[np.searchsorted(EDGES, values, side="left").clip(0, 2)]
    below += weight
    disputed = np.asarray(frame["disputed"])
    above += RISK_WEIGHT * np.where(disputed, 0, 100)
    below += RISK_WEIGHT
    score = np.round(above / below, 2)
    score = np.where(disputed, np.minimum(score, CAPPED), score)
    coverage = np.round(below / 100, 4)
    bands = np.searchsorted((50, 75), score, side="left")
    return score, coverage, np.where(coverage < ENOUGH, -1, bands)


def _anchor(frame: dict[str, object], ages: dict[str, NDArray[np.int64]]) -> Callable[[], int]:
    def work() -> int:
        return len(_by_hand(frame, ages)[0])

    return work


def _require_same(
    model: HealthModel,
    known: Columns,
    told: Columns,
    frame: dict[str, object],
    ages: dict[str, NDArray[np.int64]],
) -> None:
    """To a hundredth: floats round a tie as they like, so one may lie beyond an edge."""
    ours = score_columns(model, known, NOW, at=told)
    score, coverage, bands = _by_hand(frame, ages)
    edges = (np.abs(score - 50) < STEP) | (np.abs(score - 75) < STEP)
    edges |= np.abs(coverage - ENOUGH) < STEP / 100
    if (
        np.abs(ours.scores - score).max() > STEP
        or np.abs(ours.coverages - coverage).max() > STEP / 100
        or (ours.bands != bands)[~edges].any()
    ):
        raise SystemExit("ours and the anchor differ")
