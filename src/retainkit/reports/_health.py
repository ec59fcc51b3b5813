"""The health report: how scores are spread, what moved, who is silent, and whether it foretells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Final

from attrs import frozen

from retainkit.health import (
    UNKNOWN,
    BackTest,
    Combine,
    Engagement,
    Health,
    HealthModel,
    HealthModels,
    Override,
    Silence,
    explain_change,
)
from retainkit.ids import CustomerId
from retainkit.reports._back_test import AREAS, tested
from retainkit.reports._health_figures import COVERAGE, SILENT, figure, number
from retainkit.reports._heat import Heat, HeatMap
from retainkit.reports._histogram import Histogram
from retainkit.reports._page import Fact, Page, Section
from retainkit.reports._table import NOTHING, Table, part_of, percent


MOVERS: Final = 15
"""How many of those who moved up, and of those who moved down, have a row."""

LOWEST: Final = 25
"""How many customers the heat map has, and how many segments."""

_REASONS: Final = 3
_STRETCHES: Final = 10
_TONES: Final = 5
_TO: Final = "\u00a0\u2192 "
_WHY: Final = {
    Silence.MISSING: "no value",
    Silence.STALE: "stale",
    Silence.CURRENCY: "another currency",
    Silence.UNDATED: "no date",
    Silence.CONDITION: "a condition is unknown",
    Silence.OUTSIDE: "outside the mapping",
}


@frozen(kw_only=True)
class Rated:
    """
    A customer in the report.

    Args:
        customer: Who; the id is shown, so a name is shown only if the id is one.

        health: Their health now.

        before: Their health at an earlier time, for what moved; of the same model.

        segment: What they are shown together with; empty for none.

        override: A person's word on the band, while it holds; the score stands beside it.
    """

    customer: CustomerId
    health: Health
    before: Health | None = None
    segment: str = ""
    override: Override | None = None

    @property
    def band(self) -> str:
        """As people see it: an override counts."""
        return self.health.band if self.override is None else self.override.band


def health_page(
    rated: Iterable[Rated],
    models: HealthModel | HealthModels,
    *,
    at: datetime,
    test: BackTest | None = None,
    engagement: Sequence[Engagement] = (),
    unmodelled: int = 0,
    left: int = 0,
    title: str = "Customer health",
    badge: str = "Health report",
) -> Page:
    """
    The report as a page; `html_page` makes one file of it.

    Args:
        rated: The customers.

        models: How their health is told.

        at: As of when; shown in UTC.

        test: The back-test, if there is one.

        engagement: How taking part in programmes goes with staying.

        unmodelled: How many more customers there are, whom no model is for.

        left: How many have left; leave them out of `rated`, as nobody can help them any more.

        title: The heading.

        badge: What marks the page at its head and in its title.
    """
    everybody = sorted(rated, key=lambda each: each.customer)
    each_of = models.models if isinstance(models, HealthModels) else (models,)
    return Page(
        title=title,
        badge=badge,
        lead=(
            f"{_customers(len(everybody))} as of {at:%Y-%m-%d %H:%M} UTC"
            + (f", by the models {_listed(m.id for m in each_of)}." if each_of[1:] else ".")
            + (f" For {_customers(unmodelled)} more there is no model." if unmodelled else "")
            + (f" Not shown: {_customers(left)} who left." if left else "")
        ),
        facts=_facts(everybody, each_of),
        sections=tuple(_sections(everybody, each_of, test, engagement)),
        footer=(COVERAGE, *([] if test is None else [AREAS])),
    )


def _sections(
    everybody: Sequence[Rated],
    models: Sequence[HealthModel],
    test: BackTest | None,
    engagement: Sequence[Engagement],
) -> Iterator[Section]:
    yield Section(
        title="How the scores are spread",
        lead="All customers with a score, and the bands they are in.",
        blocks=(*_histograms(everybody, models), _bands(everybody, models)),
    )
    if any(each.before is not None for each in everybody):
        yield Section(
            title="What moved",
            lead="The change of each score, and the components that made it; they add up to it.",
            blocks=_movers(everybody),
        )
    maps = tuple(_heat_maps(everybody, models))
    if maps:
        yield Section(
            title="What the scores are made of",
            lead="Points of each component: what is not known has no shade.",
            blocks=maps,
        )
    yield Section(
        title="Silent customers",
        lead="Too little is known of these for a band: no signal is a signal, too.",
        blocks=(_silent(everybody),),
    )
    overridden = [each for each in everybody if each.override is not None]
    if overridden:
        yield Section(
            title="By a person's word",
            lead="Somebody put these customers into a band; what the model says stands beside it.",
            blocks=(_overridden(overridden),),
        )
    if test is not None:
        yield tested(test)
    if engagement:
        yield Section(
            title="Programmes",
            lead=engagement[0].caution,
            blocks=(_programmes(engagement),),
        )


def _facts(everybody: Sequence[Rated], models: Sequence[HealthModel]) -> tuple[Fact, ...]:
    whole = len(everybody)
    best = {(model.id, model.bands.names[-1]) for model in models}
    worst = {(model.id, model.bands.names[0]) for model in models}
    banded = Counter((each.health.model, each.band) for each in everybody)
    unknown = sum(each.health.band == UNKNOWN for each in everybody)
    good, bad = (sum(banded[band] for band in bands) for bands in (best, worst))
    coverage = sum((each.health.coverage for each in everybody), Decimal(0))
    return (
        Fact(name="Customers", value=f"{whole:,}"),
        _median(everybody, models),
        Fact(name="In the best band", value=percent(good, whole), note=f"{good:,} customers"),
        Fact(name="In the worst band", value=percent(bad, whole), note=f"{bad:,} customers"),
        Fact(
            name="Too little known",
            value=percent(unknown, whole),
            note=f"{unknown:,} customers",
        ),
        Fact(
            name="Mean coverage",
            value=percent(int(coverage * 10_000), 10_000 * whole),
            note="share of weight with fresh data",
        ),
    )


def _median(everybody: Sequence[Rated], models: Sequence[HealthModel]) -> Fact:
    """Of scores on one scale; else of where each lies on the scale of its model."""
    scored = [
        (each.health.score, model.bands.low, model.bands.high)
        for model in models
        for each in everybody
        if each.health.model == model.id
        and each.health.score is not None
        and each.health.band != UNKNOWN
    ]
    note = f"of {len(scored):,} with a score"
    if len({(low, high) for _, low, high in scored}) > 1:
        middle = median((score - low) / (high - low) for score, low, high in scored)
        told = percent(int(middle * 10_000), 10_000)
        return Fact(name="Median score", value=told, note=f"on the scale of its model, {note}")
    found = number(median(score for score, _, _ in scored)) if scored else NOTHING
    return Fact(name="Median score", value=found, note=note)


def _histograms(everybody: Sequence[Rated], models: Sequence[HealthModel]) -> Iterator[Histogram]:
    for model in models:
        low, high = model.bands.low, model.bands.high
        width = (high - low) / _STRETCHES
        of = [each.health for each in everybody if each.health.model == model.id]
        scores = [health.score for health in of if health.score is not None]
        counts = Counter(min(_STRETCHES - 1, int((score - low) / width)) for score in scores)
        name = f" by the model {model.id}" if models[1:] else ""
        in_band = Counter(health.band for health in of if health.score is not None)
        yield Histogram(
            title=f"Scores{name}",
            description=f"{_customers(len(scores))} have a score{name}: by it "
            + _listed(f"{in_band[band]} in {band}" for band in model.bands.names)
            + f", {in_band[UNKNOWN]} {UNKNOWN}.",
            edges=tuple(number(low + index * width) for index in range(_STRETCHES + 1)),
            counts=tuple(counts[index] for index in range(_STRETCHES)),
            tones=tuple(index * _TONES // _STRETCHES for index in range(_STRETCHES)),
            marks=tuple(
                (int(1000 * (Decimal(str(band.high)) - low) / (high - low)), band.name)
                for band in model.bands.bands
            ),
            of="Score",
            counted="Customers",
            note="A stretch has its lower end; the last one has both. A customer may have a score "
            "and no band, when too little is known.",
        )


def _bands(everybody: Sequence[Rated], models: Sequence[HealthModel]) -> Table:
    rows = []
    for model in models:
        of_model = [each for each in everybody if each.health.model == model.id]
        own = (*reversed(model.bands.names), UNKNOWN)
        others = sorted({each.band for each in of_model}.difference(own))  # by a person's word
        for band in (*own, *others):
            of = [each for each in of_model if each.band == band]
            covered = sum((each.health.coverage for each in of), Decimal(0))
            rows.append(
                (
                    f"{model.id}: {band}" if models[1:] else band,
                    part_of(len(of), len(of_model)),
                    percent(int(covered * 10_000), 10_000 * len(of)),
                )
            )
    return Table(
        caption="Bands",
        head=("Band", "Customers", "Mean coverage"),
        rows=tuple(rows),
        note=COVERAGE + " An override by a person counts.",
    )


@frozen(kw_only=True)
class _Moved:
    rated: Rated
    before: Health
    by: Decimal


def _movers(everybody: Sequence[Rated]) -> tuple[Table, ...]:
    moved = [
        _Moved(rated=each, before=each.before, by=each.health.score - each.before.score)
        for each in everybody
        if each.before is not None
        and each.before.score is not None
        and each.health.score is not None
    ]
    down = sorted((m for m in moved if m.by < 0), key=lambda m: (m.by, m.rated.customer))
    up = sorted((m for m in moved if m.by > 0), key=lambda m: (-m.by, m.rated.customer))
    return (
        _moved("Down", down, everybody),
        _moved("Up", up, everybody),
    )


def _moved(caption: str, moved: Sequence[_Moved], everybody: Sequence[Rated]) -> Table:
    since = min(each.before.at for each in everybody if each.before is not None)
    return Table(
        caption=f"{caption} ({len(moved):,})",
        head=("Customer", "Score", "Why"),
        rows=tuple(
            (
                str(one.rated.customer),
                (
                    f"{figure(one.before.score)}{_TO}{figure(one.rated.health.score)} "
                    f"({_signed(one.by)}), {_bands_of(one)}"
                ),
                _why(one.before, one.rated.health),
            )
            for one in moved[:MOVERS]
        ),
        figures=False,
        note=f"Since {since:%Y-%m-%d}."
        + (f" The {MOVERS} largest changes are shown." if len(moved) > MOVERS else ""),
    )


def _bands_of(one: _Moved) -> str:
    before, now = one.before.band, one.rated.health.band
    return now if before == now else f"{before}{_TO}{now}"


def _why(before: Health, now: Health) -> str:
    shifts = explain_change(before, now)
    told = [
        f"{shift.name} {_signed(shift.by)}" + (" (no longer known)" if shift.silence else "")
        for shift in shifts[:_REASONS]
    ]
    more = len(shifts) - len(told)
    return ", ".join(told) + (f", {more} more" if more > 0 else "")


def _heat_maps(everybody: Sequence[Rated], models: Sequence[HealthModel]) -> Iterator[HeatMap]:
    for model in models:
        of = [each for each in everybody if each.health.model == model.id]
        scored = [each for each in of if each.health.score is not None]
        if not scored:
            continue
        name = f", model {model.id}" if models[1:] else ""
        scored.sort(key=lambda each: (each.health.score or Decimal(0), each.customer))
        shown = scored[:LOWEST]
        yield _heat_map(
            model,
            f"The {len(shown)} lowest scores{name}",
            "Customer",
            [(str(each.customer), _points([each.health])) for each in shown],
        )
        segments: dict[str, list[Health]] = {}
        for each in of:
            if each.segment:
                segments.setdefault(each.segment, []).append(each.health)
        largest = sorted(segments, key=lambda segment: (-len(segments[segment]), segment))
        if segments:
            yield _heat_map(
                model,
                f"Segments, mean points{name}",
                "Segment",
                [(segment, _points(segments[segment])) for segment in sorted(largest[:LOWEST])],
                f" The {LOWEST} largest of {len(segments):,} are shown."
                if len(segments) > LOWEST
                else "",
            )


def _points(healths: Sequence[Health]) -> dict[str, Decimal]:
    """The mean points of each component, of those of whom it is known."""
    found: dict[str, list[Decimal]] = {}
    for health in healths:
        for each in health.contributions:
            if each.points is not None:
                found.setdefault(each.name, []).append(each.points)
    return {name: sum(points, Decimal(0)) / len(points) for name, points in found.items()}


def _heat_map(
    model: HealthModel,
    title: str,
    of: str,
    rows: Sequence[tuple[str, dict[str, Decimal]]],
    shown: str = "",
) -> HeatMap:
    names = tuple(component.name for component in model.components)
    low, high = _ends(model, [points for _, row in rows for points in row.values()])
    return HeatMap(
        title=title,
        description=_weakest(names, rows),
        columns=names,
        rows=tuple(
            (name, tuple(_heat(row.get(component), low, high) for component in names))
            for name, row in rows
        ),
        of=of,
        ends=(f"{number(low)} points", f"{number(high)} points"),
        note="Points of the mapping, before weights; a dash is a component that is not known."
        + shown,
    )


def _ends(model: HealthModel, points: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """The scale of the points: the model's for a mean, that of the impacts for a sum."""
    if model.combine is Combine.MEAN:
        return model.bands.low, model.bands.high
    largest = max((abs(each) for each in points), default=Decimal(0)) or Decimal(1)
    return -largest, largest


def _heat(points: Decimal | None, low: Decimal, high: Decimal) -> Heat:
    if points is None:
        return Heat(tone=None, figure="")
    tone = int(_TONES * (points - low) / (high - low))
    return Heat(tone=max(0, min(_TONES - 1, tone)), figure=number(points.quantize(Decimal(1))))


def _weakest(names: Sequence[str], rows: Sequence[tuple[str, dict[str, Decimal]]]) -> str:
    means = {
        name: sum(known, Decimal(0)) / len(known)
        for name in names
        if (known := [row[name] for _, row in rows if name in row])
    }
    if not means:
        return "No component here has any points."
    weakest = min(means, key=means.__getitem__)
    return f"The weakest component here is {weakest}, with {number(means[weakest])} points."


def _silent(everybody: Sequence[Rated]) -> Table:
    silent = [each for each in everybody if each.health.band == UNKNOWN]
    silent.sort(key=lambda each: (each.health.coverage, each.customer))
    return Table(
        caption=f"{_customers(len(silent))}, {UNKNOWN}",
        head=("Customer", "Coverage", "Before", "Not known"),
        rows=tuple(
            (
                str(each.customer),
                percent(int(each.health.coverage * 10_000), 10_000),
                NOTHING if each.before is None else each.before.band,
                ", ".join(
                    f"{part.name} ({_WHY[part.silence]})"
                    for part in each.health.contributions
                    if part.silence is not None and part.silence is not Silence.OUTSIDE
                )
                or NOTHING,
            )
            for each in silent[:SILENT]
        ),
        figures=False,
        note=f"The {SILENT} with the least coverage are shown." if len(silent) > SILENT else "",
    )


def _overridden(overridden: Sequence[Rated]) -> Table:
    return Table(
        caption=_customers(len(overridden)),
        head=("Customer", "The model says", "The person says", "Until"),
        rows=tuple(
            (
                str(each.customer),
                f"{figure(each.health.score)}, {each.health.band}",
                f"{override.band}: {override.reason}, {override.actor}",
                f"{override.until:%Y-%m-%d}",
            )
            for each in overridden[:SILENT]
            if (override := each.override) is not None
        ),
        figures=False,
        note=f"The first {SILENT} are shown." if len(overridden) > SILENT else "",
    )


def _programmes(engagement: Sequence[Engagement]) -> Table:
    return Table(
        caption="Taking part and staying",
        head=("Kind", "Stayed, took part", "Stayed, others", "Difference", "Net revenue retention"),
        rows=tuple(
            (
                each.kind,
                each.stayed.in_percent(),
                each.others_stayed.in_percent(),
                each.difference.in_percent(),
                each.revenue.in_percent(),
            )
            for each in engagement
        ),
        note=engagement[0].caution,
    )


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:-1]) + f" and {found[-1]}" if found[1:] else "".join(found)


def _signed(value: Decimal) -> str:
    return f"+{number(value)}" if value > 0 else number(value)
