"""Tables, charts and pages: readable by everybody, self-contained, the same bytes each time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retainkit.errors import InvalidInput
from retainkit.reports import (
    BarChart,
    BarGroup,
    Chart,
    Curve,
    Fact,
    Flow,
    FlowChart,
    Page,
    Section,
    Share,
    Step,
    StepChart,
    Steps,
    Table,
    html_page,
    part_of,
    percent,
    text_table,
)


NASTY = "<script>\"&'"

CURVE = StepChart(
    title="Recovered & kept",
    description="Half of them by day 2",
    days="days",
    curves=(
        Curve(name="ours", counts=(0, 1, 2), whole=4),
        Curve(name=NASTY, counts=(0, 0, 0), whole=0),
    ),
    marks=(0, 2),
)
BARS = BarChart(
    title="By code",
    description="One of two",
    series=("ours", "theirs"),
    groups=(BarGroup(name="lost_card", parts=((1, 2), (0, 0))),),
    of="code",
    whole="rest",
)
FLOW = FlowChart(
    title="Funnel",
    description="One of ten failed",
    whole="due",
    part="failed",
    flows=(
        Flow(
            name="ours",
            whole=10,
            part=4,
            shares=(Share(name="paid", count=3, tone=0), Share(name="ended", count=1, tone=3)),
        ),
    ),
)
CHARTS = (CURVE, BARS, FLOW)
PAGE = Page(
    title=f"Title {NASTY}",
    badge="Simulated",
    lead="Lead",
    facts=(Fact(name="Failed", value="4", note="of 10"),),
    sections=(
        Section(title="Charts", lead="", blocks=CHARTS),
        Section(
            title="Rest",
            lead="Lead",
            blocks=(
                Table(caption="A table", head=("", "n"), rows=(("a_b", "1"),), note=NASTY),
                Steps(
                    title="A story",
                    lead="It ends",
                    steps=(
                        Step(at=datetime(2026, 3, 9, 7, 5, tzinfo=UTC), lines=(("opened", "why"),)),
                    ),
                ),
            ),
        ),
    ),
    footer=("Foot",),
)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: type(chart).__name__)
@pytest.mark.parametrize("width", [316, 580])
def test_a_chart_says_what_it_shows(chart: Chart, width: int) -> None:
    """Well-formed, as wide as asked for, named and described for those who can't see it."""
    drawn = ET.fromstring(chart.svg(width, name="c"))
    assert drawn.get("viewBox", "").startswith(f"0 0 {width} ")
    assert (drawn.get("role"), drawn.get("aria-labelledby")) == ("img", "c-title c-desc")
    named = {each.get("id"): each.text for each in drawn}
    assert (named["c-title"], named["c-desc"]) == (chart.title, chart.description)
    for shape in drawn.iter("rect"):
        assert 0 <= int(shape.get("x", "0")) <= width
        assert int(shape.get("x", "0")) + int(shape.get("width", "0")) <= width


def test_each_chart_has_its_figures_as_a_table() -> None:
    """What the eye reads from the picture stands there in words."""
    assert CURVE.table.rows == (("0", "0.0\u202f%", "–"), ("2", "50.0\u202f%", "–"))  # noqa: RUF001
    assert BARS.table.rows == (("lost_card", part_of(1, 2), part_of(0, 0)),)
    assert FLOW.table.rows == (
        ("due", "10"),
        ("failed", "4 (40.0\u202f%)"),
        ("paid", "3 (75.0\u202f%)"),
        ("ended", "1 (25.0\u202f%)"),
    )


def test_a_legend_takes_as_many_rows_as_it_needs() -> None:
    """On a narrow screen the second name stands below the first, and no name is cut."""
    names = ("with the policy of the house", "as it was before the policy")
    curves = tuple(Curve(name=name, counts=(0, 1), whole=2) for name in names)
    chart = StepChart(title="t", description="d", days="days", curves=curves, marks=(0, 1))
    places: dict[int, list[tuple[str | None, str | None]]] = {}
    for width in (316, 900):
        drawn = ET.fromstring(chart.svg(width, name="c"))
        places[width] = [
            (each.get("x"), each.get("y")) for each in drawn if (each.text or "") in names
        ]
    (one, other), (wide, beside) = places[316], places[900]
    assert one[0] == other[0]
    assert int(other[1] or 0) > int(one[1] or 0)
    assert wide[1] == beside[1]


def test_a_share_of_nobody_is_not_drawn_and_a_slim_one_has_no_figure() -> None:
    """A figure that does not fit stands in the legend alone, a zero in the table alone."""
    shares = (
        Share(name="paid", count=990, tone=0),
        Share(name="ended", count=10, tone=3),
        Share(name="open", count=0, tone=1),
    )
    flow = Flow(name="ours", whole=9000, part=1000, shares=shares)
    chart = evolve(FLOW, flows=(flow,))
    drawn = ET.fromstring(chart.svg(316, name="c"))
    classes = [each.get("class") for each in drawn.iter("rect")]
    written = [each.text for each in drawn.iter("text")]
    assert "tone-3" in classes
    assert "tone-1" not in classes
    assert [each for each in written if each in {"990", "10", "0"}] == ["990"]
    assert "ended 10" in written
    assert "open 0" not in written
    assert chart.table.rows[-1] == ("open", "0 (0.0\u202f%)")


def test_a_page_needs_nothing_else() -> None:
    """No script, no address but its own anchors, no second file; every id is there once."""
    page = html_page(PAGE)
    assert "<script" not in page
    assert not re.findall(r"(?:src|href|url)\s*[=(]", page)
    assert "http" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for names in re.findall(r'aria-labelledby="([^"]+)"', page):
        assert set(names.split()) <= set(ids)


def test_a_page_is_marked_in_its_title_and_at_its_head() -> None:
    """Nobody takes a simulated figure for a real one."""
    page = html_page(PAGE)
    assert "(Simulated)</title>" in page
    assert page.index('class="badge">Simulated') < page.index("<h1>")


def test_what_a_page_says_is_never_markup() -> None:
    """Names come from anywhere."""
    page = html_page(PAGE)
    assert page.count("&lt;script&gt;") >= 3
    assert page == html_page(PAGE)


def test_a_moment_is_told_in_english() -> None:
    """Whatever language the machine speaks."""
    assert '<time datetime="2026-03-09T07:05Z">9 Mar, 07:05</time>' in html_page(PAGE)


def test_a_table_for_the_terminal_is_aligned() -> None:
    """Names to the left, figures to the right, wide letters counted twice, spaces that break."""
    table = Table(caption="Money", head=("", "n"), rows=(("東", "7"), ("abc", "1\u202f%")))
    assert text_table(table) == "Money\n       n\n--------\n東     7\nabc  1 %"


def test_a_table_of_words_is_aligned_to_the_left() -> None:
    """Words are not figures."""
    table = Table(caption="Words", head=("a", "b"), rows=(("1", "long"),), figures=False)
    assert text_table(table) == "Words\na  b\n-------\n1  long"


def test_a_row_with_a_cell_too_few_is_refused() -> None:
    """Else figures would stand under the wrong name."""
    with pytest.raises(InvalidInput) as caught:
        Table(caption="", head=("a", "b"), rows=(("1",),))
    error = caught.value
    assert (error.code, error.field, error.value) == ("report.cells", "rows", ("1",))
    assert error.remedy == "pass 2 cells"


@given(whole=st.integers(1, 10**9), data=st.data())
def test_a_share_is_rounded_to_the_nearest_tenth(whole: int, data: st.DataObject) -> None:
    """Never off by more than half a tenth of a per cent."""
    part = data.draw(st.integers(0, whole))
    shown = Fraction(percent(part, whole).removesuffix("\u202f%"))
    assert abs(shown - Fraction(100 * part, whole)) <= Fraction(1, 20)
