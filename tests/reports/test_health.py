"""The health report: it says what is known, what moved and why, and holds at every size."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from attrs import evolve

from retainkit.core import Event
from retainkit.health import (
    CAUTION,
    BackTest,
    Band,
    Bands,
    Combine,
    Component,
    Direction,
    HealthModel,
    HealthModels,
    Linear,
    Override,
    Stay,
    backtest,
    engagement_effect,
    score,
)
from retainkit.ids import CustomerId, EventId
from retainkit.reports import (
    Chart,
    Dot,
    Heat,
    HeatMap,
    Histogram,
    IntervalChart,
    Page,
    Rated,
    Table,
    back_test_page,
    health_page,
    html_page,
)
from retainkit.reports._health import LOWEST, MOVERS
from retainkit.reports._health_figures import SILENT
from retainkit.rules import Flag, Number, Signals, days, readings


NOW = datetime(2026, 3, 29, 6, 30, tzinfo=UTC)
BEFORE = NOW - days(28)
VOID = {"meta", "rect", "line", "circle", "path", "wbr", "br"}


class Customer(Signals):
    """What is known of customers here."""

    use = Number()
    mood = Number()
    large = Flag()


BANDS = Bands(bands=(Band("red", 0, 40), Band("yellow", 40, 60), Band("green", 60, 100)))
PARTS = tuple(
    Component(
        signal=signal,
        direction=Direction.HIGHER_IS_BETTER,
        mapping=Linear(low=0, high=100),
        weight=50,
    )
    for signal in (Customer.use, Customer.mood)
)
MODEL = HealthModel(id="all", components=PARTS, bands=BANDS)


def rated(
    name: str,
    now: Mapping[str, object],
    before: Mapping[str, object] | None = None,
    *,
    model: HealthModel = MODEL,
    segment: str = "",
) -> Rated:
    """A customer of whom this is known now, and was known four weeks ago."""
    return Rated(
        customer=CustomerId(name),
        health=score(model, readings(Customer, now, at=NOW), NOW),
        before=None
        if before is None
        else score(model, readings(Customer, before, at=BEFORE), BEFORE),
        segment=segment,
    )


def table(page: Page, caption: str) -> Table:
    """The table, or the table of the chart, whose caption begins like this."""
    (found,) = [each for each in page.tables if each.caption.startswith(caption)]
    return found


def judged() -> BackTest:
    """Sixty customers; the twenty who left had low scores, but for one."""
    use = {f"c{n}": 80.0 if n == 0 or n >= 20 else 20.0 for n in range(60)}
    return backtest(
        MODEL,
        [
            Stay(
                customer=CustomerId(name),
                since=BEFORE,
                until=BEFORE + days(30 if int(name[1:]) < 20 else 400),
                left=int(name[1:]) < 20,
                attributes={"size": "S" if int(name[1:]) % 2 else "L"},
            )
            for name in use
        ],
        lambda customer, at: readings(
            Customer, {"use": use[customer], "mood": use[customer]}, at=at
        ),
        at=[BEFORE],
        horizon=days(90),
    )


class Nested(HTMLParser):
    """Whether each element that is opened is closed, in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One more."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """One less."""
        if tag not in VOID:
            assert self.open.pop() == tag


def check(page: Page) -> str:
    """Well nested, self-contained, ids once, charts well-formed; the text."""
    written = html_page(page)
    nested = Nested()
    nested.feed(written)
    assert nested.open == []
    assert "<script" not in written
    assert not re.findall(r"(?:src|href|url)\s*[=(]", written)
    ids = re.findall(r' id="([^"]+)"', written)
    assert len(ids) == len(set(ids))
    for names in re.findall(r'aria-labelledby="([^"]+)"', written):
        assert set(names.split()) <= set(ids)
    for drawn in re.findall(r"<svg.*?</svg>", written):
        ET.fromstring(drawn)
    assert written == html_page(page)
    return written


HISTOGRAM = Histogram(
    title="Scores & more",
    description="Two",
    edges=("0", "50", "100"),
    counts=(0, 3),
    tones=(0, 4),
    marks=((400, "red"), (1000, "green")),
    of="Score",
    counted="Customers",
)
HEAT = HeatMap(
    title="Map",
    description="One <b>",
    columns=("a component of a very long name", "b"),
    rows=(("<c>", (Heat(tone=0, figure="7"), Heat(tone=None, figure=""))),),
    of="Customer",
    ends=("0 points", "100 points"),
)
DOTS = IntervalChart(
    title="Areas",
    description="All",
    dots=(
        Dot(name="sure", value=0.75, low=0.7, high=0.8, told="0.75 (0.70 to 0.80)", of="9"),
        Dot(name="few", value=0.6, low=None, high=None, told="0.60", of="1"),
        Dot(name="none", value=None, low=None, high=None, told="", of="0"),
    ),
    head=("Of", "Area", "Customers"),
    ticks=((0.0, "0"), (1.0, "1")),
    reference=0.5,
)


@pytest.mark.parametrize("chart", [HISTOGRAM, HEAT, DOTS], ids=lambda chart: type(chart).__name__)
@pytest.mark.parametrize("width", [316, 580])
def test_a_chart_says_what_it_shows(chart: Chart, width: int) -> None:
    """Well-formed, within its width, named and described for those who can't see it."""
    drawn = ET.fromstring(chart.svg(width, name="c"))
    assert drawn.get("viewBox", "").startswith(f"0 0 {width} ")
    named = {each.get("id"): each.text for each in drawn}
    assert (named["c-title"], named["c-desc"]) == (chart.title, chart.description)
    for shape in drawn.iter():
        x, wide = float(shape.get("x", "0")), float(shape.get("width", "0"))
        if shape is not drawn:
            assert x >= 0
            assert x + wide <= width
        for end in ("x1", "x2", "cx"):
            assert 0 <= float(shape.get(end, "0")) <= width


def test_each_chart_has_its_figures_as_a_table() -> None:
    """What the eye reads stands there in words; nothing known is a dash."""
    dash = "\u2013"
    assert HISTOGRAM.table.rows == (
        ("0 to 50", "0\u00a0of\u00a03 (0.0\u202f%)"),
        ("50 to 100", "3\u00a0of\u00a03 (100.0\u202f%)"),
    )
    assert HEAT.table.rows == (("<c>", "7", dash),)
    assert DOTS.table.rows == (
        ("sure", "0.75 (0.70 to 0.80)", "9"),
        ("few", "0.60", "1"),
        ("none", dash, "0"),
    )


def test_bands_are_counted_with_their_coverage() -> None:
    """Half a score is half covered; the customer is counted where the score is."""
    page = health_page(
        [
            rated("a", {"use": 80, "mood": 80}),
            rated("b", {"use": 80}),
            rated("c", {"use": 10, "mood": 10}),
            rated("d", {}),
        ],
        MODEL,
        at=NOW,
    )
    assert table(page, "Bands").rows == (
        ("green", "2\u00a0of\u00a04 (50.0\u202f%)", "75.0\u202f%"),
        ("yellow", "0\u00a0of\u00a04 (0.0\u202f%)", "\u2013"),
        ("red", "1\u00a0of\u00a04 (25.0\u202f%)", "100.0\u202f%"),
        ("unknown", "1\u00a0of\u00a04 (25.0\u202f%)", "0.0\u202f%"),
    )
    facts = {fact.name: fact.value for fact in page.facts}
    assert facts["Customers"] == "4"
    assert facts["Median score"] == "80"
    assert facts["Too little known"] == "25.0\u202f%"
    assert facts["Mean coverage"] == "62.5\u202f%"
    assert "2026-03-29 06:30 UTC" in check(page)


def test_who_moved_is_told_with_the_components_that_did_it() -> None:
    """The largest first; the parts add up to the change."""
    page = health_page(
        [
            rated("fell", {"use": 20, "mood": 70}, {"use": 80, "mood": 60}),
            rated("dipped", {"use": 40, "mood": 40}, {"use": 50, "mood": 40}),
            rated("rose", {"use": 90, "mood": 90}, {"use": 50, "mood": 90}),
            rated("still", {"use": 90, "mood": 90}, {"use": 90, "mood": 90}),
            rated("new", {"use": 90, "mood": 90}),
            rated("lost", {}, {"use": 90, "mood": 90}),
        ],
        MODEL,
        at=NOW,
    )
    arrow = "\u00a0\u2192 "
    assert table(page, "Down (2)").rows == (
        ("fell", f"70{arrow}45 (\u221225), green{arrow}yellow", "use \u221230, mood +5"),
        ("dipped", f"45{arrow}40 (\u22125), yellow{arrow}red", "use \u22125"),
    )
    assert table(page, "Up (1)").rows == (("rose", f"70{arrow}90 (+20), green", "use +20"),)
    assert table(page, "Down (2)").note == "Since 2026-03-01."
    check(page)


def test_the_heat_map_shows_the_lowest_and_the_segments() -> None:
    """A cell for each component; of a segment the mean of what is known."""
    page = health_page(
        [
            rated("a", {"use": 80, "mood": 60}, segment="small"),
            rated("b", {"use": 10, "mood": 30}, segment="small"),
            rated("c", {"use": 50}, segment="large"),
        ],
        MODEL,
        at=NOW,
    )
    lowest = table(page, "The 3 lowest scores")
    assert lowest.head == ("Customer", "use", "mood")
    assert lowest.rows == (("b", "10", "30"), ("c", "50", "\u2013"), ("a", "80", "60"))
    assert table(page, "Segments").rows == (("large", "50", "\u2013"), ("small", "45", "45"))


def test_the_silent_are_listed_with_what_is_not_known() -> None:
    """And the band they had before."""
    page = health_page(
        [
            rated("quiet", {}, {"use": 90, "mood": 90}),
            rated("loud", {"use": 1, "mood": 1}, {"use": 1, "mood": 1}),
        ],
        MODEL,
        at=NOW,
    )
    assert table(page, "1 customer, unknown").rows == (
        ("quiet", "0.0\u202f%", "green", "use (no value), mood (no value)"),
    )


def test_a_persons_word_counts_and_stands_beside_the_score() -> None:
    """Who said so, why, and until when."""
    override = Override(
        band="red", reason="sponsor_gone", actor="kim", until=datetime(2026, 5, 1, tzinfo=UTC)
    )
    page = health_page(
        [evolve(rated("a", {"use": 90, "mood": 90}), override=override)], MODEL, at=NOW
    )
    assert table(page, "Bands").rows[2][1].startswith("1\u00a0of\u00a01")
    assert table(page, "1 customer").rows[0] == (
        "a",
        "90, green",
        "red: sponsor_gone, kim",
        "2026-05-01",
    )
    check(page)


def test_a_band_of_another_model_has_a_row_as_well() -> None:
    """A person may put customers into any band; they are not lost between the rows."""
    override = Override(
        band="lost", reason="bankrupt", actor="kim", until=datetime(2026, 5, 1, tzinfo=UTC)
    )
    page = health_page([evolve(rated("a", {"use": 90}), override=override)], MODEL, at=NOW)
    (row,) = [row for row in table(page, "Bands").rows if row[0] == "lost"]
    assert row[1].startswith("1\u00a0of\u00a01")


def test_a_large_population_has_a_readable_page() -> None:
    """Tables end where nobody reads on, and say so."""
    everybody = [
        rated(f"c{n:03}", {"use": n % 100, "mood": 50}, {"use": 100 - n % 100, "mood": 50})
        for n in range(200)
    ] + [rated(f"s{n}", {}) for n in range(SILENT + 1)]
    page = health_page(everybody, MODEL, at=NOW)
    assert len(table(page, "Down").rows) == len(table(page, "Up").rows) == MOVERS
    assert f"The {MOVERS} largest" in table(page, "Down").note
    assert len(table(page, "The 25 lowest").rows) == LOWEST
    silent = table(page, f"{SILENT + 1} customers, unknown")
    assert (len(silent.rows), silent.note != "") == (SILENT, True)
    assert len(check(page)) < 150_000


def test_as_many_segments_as_customers_do_not_make_the_page_longer() -> None:
    """Whoever shows customers by an amount gets the largest groups."""
    page = health_page(
        [rated(f"c{n:03}", {"use": 50, "mood": 50}, segment=f"s{n // 2}") for n in range(99)],
        MODEL,
        at=NOW,
    )
    segments = table(page, "Segments")
    assert (len(segments.rows), f"The {LOWEST} largest of 50 are shown" in segments.note) == (
        LOWEST,
        True,
    )
    assert "s49" not in {row[0] for row in segments.rows}  # of one customer
    group = judged().groups[0]
    many = [evolve(group, value=f"v{n:03}", customers=n) for n in range(SILENT + 5)]
    groups = table(back_test_page(evolve(judged(), groups=tuple(many))), "By group")
    assert len(groups.rows) == SILENT
    assert groups.rows[0][0].endswith("v005")
    assert f"The {SILENT} largest are shown" in groups.note
    check(page)


def test_segments_of_whom_nothing_is_known_have_a_row() -> None:
    """Although no component there has points, and of those who have some the segment is not."""
    page = health_page(
        [rated("a", {"use": 3, "mood": 4}), rated("b", {}, segment="eu")], MODEL, at=NOW
    )
    assert table(page, "Segments").rows == (("eu", "\u2013", "\u2013"),)
    check(page)


def test_who_has_no_model_is_counted() -> None:
    """They are nobody's, but they are there."""
    page = health_page([rated("a", {"use": 3})], MODEL, at=NOW, unmodelled=2)
    assert "1 customer as of" in page.lead
    assert page.lead.endswith("For 2 customers more there is no model.")


def test_nobody_at_all_has_a_page() -> None:
    """No customers: dashes and zeros, no error."""
    page = health_page([], MODEL, at=NOW)
    facts = {fact.name: fact.value for fact in page.facts}
    assert facts["Customers"] == "0"
    assert facts["Median score"] == facts["In the best band"] == "\u2013"
    check(page)


def test_each_model_has_its_own_scale() -> None:
    """A sum from -10 to 10 beside a mean from 0 to 100."""
    sums = HealthModel(
        id="large",
        segment=Customer.large,
        combine=Combine.SUM,
        scale=(-10, 10),
        components=[
            Component(
                signal=Customer.use,
                direction=Direction.HIGHER_IS_BETTER,
                mapping=Linear(low=0, high=100, points=(-8, 8)),
            )
        ],
        bands=Bands(bands=(Band("low", -10, 0), Band("fine", 0, 10))),
    )
    models = HealthModels(models=[sums, MODEL])
    page = health_page(
        [
            rated("big", {"use": 25}, model=sums),
            rated("small", {"use": 25, "mood": 25}),
        ],
        models,
        at=NOW,
    )
    assert [row[0] for row in table(page, "Bands").rows] == [
        "large: fine",
        "large: low",
        "large: unknown",
        "all: green",
        "all: yellow",
        "all: red",
        "all: unknown",
    ]
    assert table(page, "Scores by the model large").rows[3][1].startswith("1\u00a0of\u00a01")
    assert table(page, "The 1 lowest scores, model large").rows == (("big", "\u22124"),)
    assert "by the models large and all" in check(page)
    (middle,) = [fact for fact in page.facts if fact.name == "Median score"]
    assert middle.value == "27.5\u202f%"  # -4 of -10 to 10, and 25 of 0 to 100
    assert middle.note == "on the scale of its model, of 2 with a score"


def test_what_moved_since_it_is_silent_is_said_to_be_silent() -> None:
    """Nothing got better when the bad mood went missing."""
    page = health_page([rated("a", {"use": 80}, {"use": 80, "mood": 20})], MODEL, at=NOW)
    assert table(page, "Up").rows[0][2] == "mood +30 (no longer known)"


def test_who_left_is_counted_in_words() -> None:
    """They are not shown, and nobody wonders where they are."""
    page = health_page([rated("a", {"use": 3})], MODEL, at=NOW, left=1)
    assert page.lead == "1 customer as of 2026-03-29 06:30 UTC. Not shown: 1 customer who left."


def test_the_text_of_a_histogram_adds_up() -> None:
    """An override of a customer without a score is no score; of one with a score, no other one."""
    red = Override(band="red", reason="sponsor_left", actor="kim", until=NOW + days(9))
    silent, fine = rated("silent", {}), rated("fine", {"use": 90, "mood": 90})
    half = rated("half", {"use": 20})
    page = health_page(
        [evolve(silent, override=red), evolve(fine, override=red), half], MODEL, at=NOW
    )
    chart = next(each for each in page.sections[0].blocks if isinstance(each, Histogram))
    assert chart.description == (
        "2 customers have a score: by it 1 in red, 0 in yellow and 1 in green, 0 unknown."
    )


def test_the_back_test_is_a_chapter_and_a_page_of_its_own() -> None:
    """Its sentences, areas, bands, groups and false greens."""
    test = judged()
    for page in (
        health_page([rated("a", {"use": 1, "mood": 1})], MODEL, at=NOW, test=test),
        back_test_page(test),
    ):
        section = page.sections[-1]
        for verdict in test.verdicts:
            assert verdict.text in section.lead
        assert table(page, "Area under the curve").rows[0] == (
            "the score",
            test.area.told(),
            "60",
        )
        assert [row[0] for row in table(page, "By group").rows] == ["size: L", "size: S"]
        assert table(page, "Left within 90 days, by band").rows[-1] == (
            "red",
            test.bands[0].left.in_percent(),
            "19",
        )
        assert table(page, "Left in a good band (1)").rows == (
            ("c0", "2026-03-31", "80, green; coverage 100.0\u202f%", "use 80, mood 80"),
        )
        assert "DeLong" in check(page)


def test_a_back_test_of_nobody_says_that_there_is_nothing() -> None:
    """No groups, no false greens, and no figure without a reason for its lack."""
    nobody = backtest(
        MODEL,
        [],
        lambda _, at: readings(Customer, {}, at=at),
        at=[BEFORE],
        horizon=days(90),
    )
    page = back_test_page(nobody)
    area, left, warned, green = page.facts
    assert (area.value, area.note) == ("\u2013", "nothing to estimate from")
    assert (left.value, left.note) == ("0", "of 0, within 90 days of a look")
    assert (warned.value, warned.note) == ("\u2013", "nothing to estimate from")
    assert (green.value, green.note) == ("\u2013", "0 of 0 who left")
    assert [each.caption for each in page.tables] == [
        "Area under the curve",
        "Left within 90 days, by band",
        "Of those who left",
    ]
    assert "There is nothing to compare" in check(page)


@pytest.mark.parametrize(
    ("left", "score", "area", "note"),
    [(20, 50.0, "0.50", "all scores are equal"), (3, None, "1.00", "too few for an interval")],
)
def test_an_area_without_an_interval_says_why(
    left: int, score: float | None, area: str, note: str
) -> None:
    """That all scores are equal is no lack of customers."""
    use = {f"c{n:02}": float(n) if score is None else score for n in range(60)}
    test = backtest(
        MODEL,
        [
            Stay(
                customer=CustomerId(name),
                since=BEFORE,
                until=BEFORE + days(30 if int(name[1:]) < left else 400),
                left=int(name[1:]) < left,
            )
            for name in use
        ],
        lambda customer, at: readings(Customer, {"use": use[customer], "mood": 50}, at=at),
        at=[BEFORE],
        horizon=days(90),
    )
    fact = back_test_page(test).facts[0]
    assert (fact.name, fact.value, fact.note) == ("Area under the curve", area, note)


def test_programmes_stand_with_their_caution() -> None:
    """The sentence leads the chapter."""
    stays = [
        Stay(customer=CustomerId(name), since=BEFORE, until=NOW + days(90)) for name in ("a", "b")
    ]
    attended = Event(
        id=EventId("e"),
        name="engagement.attended",
        customer=CustomerId("a"),
        occurred_at=BEFORE,
        data={"kind": "webinar", "programme": "spring"},
    )
    found = engagement_effect(stays, [attended], at=NOW, horizon=days(30), within=days(60))
    page = health_page([], MODEL, at=NOW, engagement=found)
    assert page.sections[-1].lead == CAUTION
    assert table(page, "Taking part and staying").rows[0][0] == "webinar"
    check(page)


def test_names_are_never_markup() -> None:
    """Ids come from anywhere."""
    page = health_page(
        [rated("<script>", {"use": 1, "mood": 2}, {"use": 2, "mood": 2}, segment="<b>")],
        MODEL,
        at=NOW,
        title="<i>",
    )
    written = check(page)
    assert "<b>" not in written
    assert "<i>" not in written
