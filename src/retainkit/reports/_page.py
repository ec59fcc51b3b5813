"""One-file HTML pages of charts, tables and stories; the template beside this has their look."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import frozen

from retainkit.reports._chart import Chart
from retainkit.reports._table import Table


if TYPE_CHECKING:
    from jinja2 import Environment

_NARROW: Final = 316
_WIDE: Final = 580
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - reads better


@frozen(kw_only=True)
class Fact:
    """
    A figure that stands out.

    Args:
        name: What it is.

        value: The figure.

        note: What to compare it with.
    """

    name: str
    value: str
    note: str = ""


@frozen(kw_only=True)
class Step:
    """
    What happened at one moment.

    Args:
        at: When; shown in UTC.

        lines: Of each thing, its name in a few words, and why.
    """

    at: datetime
    lines: tuple[tuple[str, str], ...]


@frozen(kw_only=True)
class Steps:
    """
    A story.

    Args:
        title: What it is about.

        lead: What came of it.

        steps: What happened, in order.
    """

    title: str
    lead: str
    steps: tuple[Step, ...]


Block: TypeAlias = Chart | Table | Steps


@frozen(kw_only=True)
class Section:
    """
    A chapter of a page.

    Args:
        title: Its heading.

        lead: A sentence or two of introduction.

        blocks: Charts, each beside its table; tables; stories.

        paired: Whether blocks stand in pairs where there is room.
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]
    paired: bool = False


@frozen(kw_only=True)
class Page:
    """
    A whole report.

    Args:
        title: Its heading.

        badge: What everybody must know before reading a figure, such as ``Simulated``.

        lead: What it is about and what came out.

        facts: The figures that stand out.

        sections: Its chapters.

        footer: How it was made; a line each.
    """

    title: str
    badge: str
    lead: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All its figures as tables, for a terminal; stories have none."""
        blocks = [block for section in self.sections for block in section.blocks]
        return tuple(
            block if isinstance(block, Table) else block.table
            for block in blocks
            if not isinstance(block, Steps)
        )


def html_page(page: Page) -> str:
    """The page as one file of HTML; the same page gives the same text."""
    return _environment().get_template("page.html.jinja").render(page=page)


def _is_chart(value: object) -> bool:
    return hasattr(value, "svg")


def _is_table(value: object) -> bool:
    return isinstance(value, Table)


def _moment(at: datetime) -> str:
    """Day, month and time, in English whatever the machine speaks."""
    return f"{at.day} {_MONTHS[at.month - 1]}, {at:%H:%M}"


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    def svg(chart: Chart, name: str, size: str) -> Markup:
        drawn = chart.svg(_NARROW if size == "narrow" else _WIDE, name=f"{name}-{size}")
        return Markup(drawn)  # noqa: S704 - the charts escape every text themselves

    made = Environment(
        loader=PackageLoader("retainkit.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["svg"] = svg
    made.filters["moment"] = _moment
    made.filters["breakable"] = lambda name: escape(name).replace("_", Markup("_<wbr>"))
    made.tests["chart"] = _is_chart
    made.tests["table"] = _is_table
    return made
