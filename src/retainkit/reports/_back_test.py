"""The back-test as a page, and as a section of the health report: does the score foretell."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from retainkit.health import BackTest, Estimate
from retainkit.reports._health_figures import COVERAGE, SILENT, figure, number
from retainkit.reports._intervals import Dot, IntervalChart
from retainkit.reports._page import Block, Fact, Page, Section
from retainkit.reports._table import NOTHING, Table, part_of, percent


AREAS: Final = (
    "The area under the curve is the probability that, of two customers, the one who leaves had "
    "the lower score; 0.5 is chance. Intervals are of 95\u202f% (DeLong, by customer)."
)
"""What an area under the curve means, for a reader."""

_QUARTERS: Final = ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1"))


def back_test_page(test: BackTest, *, title: str = "Does the score foretell who leaves?") -> Page:
    """The back-test as a page of its own."""
    return Page(
        title=title,
        badge="Back-test",
        lead=" ".join(verdict.text for verdict in test.verdicts[:1]),
        facts=_test_facts(test),
        sections=(tested(test),),
        footer=(AREAS, COVERAGE),
    )


def tested(test: BackTest) -> Section:
    """The section of a report; inside this room only."""
    blocks: list[Block] = [_areas(test), _outcomes(test), _lead(test)]
    if test.groups:
        blocks.append(_groups(test))
    if test.false_greens:
        blocks.append(_greens(test))
    return Section(
        title="Does the score foretell who leaves?",
        lead=" ".join(verdict.text for verdict in test.verdicts),
        blocks=tuple(blocks),
    )


def _test_facts(test: BackTest) -> tuple[Fact, ...]:
    return (
        Fact(name="Area under the curve", value=_bare(test.area), note=f"{_reach(test.area)}"),
        Fact(
            name="Customers who left",
            value=f"{test.leavers:,}",
            note=f"of {test.customers:,}, within {_days(test.horizon)} of a look",
        ),
        Fact(
            name="Days of warning, median",
            value=_bare(test.lead.days, 0),
            note=_reach(test.lead.days, 0),
        ),
        Fact(
            name="Left in a good band",
            value=percent(test.lead.green, test.lead.leavers),
            note=f"{test.lead.green:,} of {test.lead.leavers:,} who left",
        ),
    )


def _bare(estimate: Estimate, places: int = 2) -> str:
    return NOTHING if estimate.value is None else f"{estimate.value:.{places}f}"


def _reach(estimate: Estimate, places: int = 2) -> str:
    if estimate.low is None or estimate.high is None:
        return "" if estimate.unclaimed is None else estimate.unclaimed.reason
    return f"{estimate.low:.{places}f} to {estimate.high:.{places}f}"


def _areas(test: BackTest) -> IntervalChart:
    rows = [("the score", test.area, test.area.of)] + [
        (f"{each.component} alone", each.area, each.area.of) for each in test.components
    ]
    return IntervalChart(
        title="Area under the curve",
        description=f"The score: {test.area.told()}. "
        + " ".join(f"{each.component}: {each.area.told()}." for each in test.components),
        dots=tuple(_dot(name, area, f"{of:,}", area.told()) for name, area, of in rows),
        head=("Of", "Area (95\u202f% interval)", "Customers"),
        ticks=_QUARTERS,
        reference=0.5,
        note=AREAS + " A component is judged where it is known, and a score that is no better "
        "than one of its components, on the same customers, is said to be so.",
    )


def _outcomes(test: BackTest) -> IntervalChart:
    shown = [each for each in reversed(test.bands) if each.left.of]
    most = max((each.left.high or 0 for each in shown), default=1) or 1
    ends = next(end for end in (0.1, 0.25, 0.5, 1.0) if most <= end)
    return IntervalChart(
        title=f"Left within {_days(test.horizon)}, by band",
        description=" ".join(f"{each.name}: {each.left.in_percent()}." for each in shown),
        dots=tuple(
            _dot(each.name, each.left, f"{each.left.of:,}", each.left.in_percent())
            for each in shown
        ),
        head=("Band", "Left (95\u202f% interval)", "Looks"),
        ticks=tuple(
            (ends * quarter / 4, f"{100 * ends * quarter / 4:g}\u202f%") for quarter in range(5)
        ),
        most=ends,
        note="Horizons don't overlap, so nobody's leaving counts twice. Intervals are Wilson's.",
    )


def _dot(name: str, estimate: Estimate, of: str, told: str) -> Dot:
    return Dot(
        name=name, value=estimate.value, low=estimate.low, high=estimate.high, told=told, of=of
    )


def _lead(test: BackTest) -> Table:
    lead = test.lead
    return Table(
        caption="Of those who left",
        head=("", "Customers"),
        rows=(
            ("looked at within the horizon before", f"{lead.leavers:,}"),
            ("in a bad band at the end", lead.warned.in_percent()),
            ("median of the days since it turned bad", lead.days.told(0)),
            ("in a good band at the end", part_of(lead.green, lead.leavers)),
            ("without a score at the end", part_of(lead.silent, lead.leavers)),
        ),
        note=f"Bad bands: {', '.join(test.warnings) or NOTHING}. The days count from when the band "
        "turned bad for good.",
    )


def _groups(test: BackTest) -> IntervalChart:
    largest = sorted(test.groups, key=lambda each: -each.customers)[:SILENT]
    shown = sorted(largest, key=lambda each: (each.attribute, each.value))
    return IntervalChart(
        title="By group: area under the curve",
        description=" ".join(
            f"{each.attribute} {each.value}: {each.area.told()}." for each in shown
        ),
        dots=tuple(
            _dot(
                f"{each.attribute}: {each.value}",
                each.area,
                f"{each.customers:,}, left {each.left.in_percent()}",
                each.area.told(),
            )
            for each in shown
        ),
        head=("Group", "Area (95\u202f% interval)", "Customers"),
        ticks=_QUARTERS,
        reference=0.5,
        note="With many groups some look good or bad by chance."
        + (f" The {SILENT} largest are shown." if len(test.groups) > SILENT else ""),
    )


def _greens(test: BackTest) -> Table:
    return Table(
        caption=f"Left in a good band ({len(test.false_greens):,})",
        head=("Customer", "Left", "Last score", "What the components said"),
        rows=tuple(
            (
                str(each.customer),
                f"{each.left_at:%Y-%m-%d}",
                f"{figure(each.look.score)}, {each.look.band}; coverage "
                + percent(int(each.look.coverage * 10_000), 10_000),
                ", ".join(
                    f"{name} {number(points)}" for name, points in each.look.components.items()
                ),
            )
            for each in test.false_greens[:SILENT]
        ),
        figures=False,
        note=f"The {SILENT} highest scores are shown." if len(test.false_greens) > SILENT else "",
    )


def _days(length: timedelta) -> str:
    days = length / timedelta(days=1)
    return "1 day" if days == 1 else f"{days:g} days"
