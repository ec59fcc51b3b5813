"""Figures with what they may be in truth: dots on whiskers along one scale."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from retainkit.reports._chart import LINE, element, picture, text
from retainkit.reports._table import NOTHING, Table


_ROW: Final = 2 * LINE + 8
_BOTTOM: Final = 26
_RADIUS: Final = 5
_MARGIN: Final = 28


@frozen(kw_only=True)
class Dot:
    """
    One figure between 0 and 1.

    Args:
        name: What it is of.

        value: The figure; None when there is none.

        low: The lower end of its interval; None when none is claimed.

        high: The upper end, likewise.

        told: The figure and its interval as text.

        of: What it rests on, as text.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    told: str
    of: str


@frozen(kw_only=True)
class IntervalChart:
    """
    Figures between 0 and 1, one below the other.

    Args:
        title: What it shows.

        description: What one would say of it.

        dots: The figures.

        head: The names of the table's columns: what the figures are of, the figure, and what it
            rests on.

        ticks: The scale: where, and what stands there.

        reference: Where a line stands to compare with; None for no line.

        most: Where the scale ends; 1 or less.

        note: How the figures are defined.
    """

    title: str
    description: str
    dots: tuple[Dot, ...]
    head: tuple[str, str, str]
    ticks: tuple[tuple[float, str], ...]
    reference: float | None = None
    most: float = 1.0
    note: str = ""

    @property
    def table(self) -> Table:
        """The figures with their intervals."""
        return Table(
            caption=self.title,
            head=self.head,
            rows=tuple((dot.name, dot.told or NOTHING, dot.of) for dot in self.dots),
            note=self.note,
        )

    def svg(self, width: int, *, name: str) -> str:
        """A row a figure: its name above, a whisker and a dot below."""
        height = _ROW * len(self.dots)
        left, right = _MARGIN, width - _MARGIN

        def x(value: float) -> int:
            return left + round((right - left) * min(1.0, max(0.0, value / self.most)))

        shapes: list[str] = []
        for at, told in self.ticks:
            shapes.append(element("line", class_="grid", x1=x(at), x2=x(at), y1=0, y2=height))
            shapes.append(text(x(at), height + 18, told, anchor="middle"))
        if self.reference is not None:
            at = x(self.reference)
            shapes.append(element("line", class_="edge", x1=at, x2=at, y1=0, y2=height))
        for index, dot in enumerate(self.dots):
            y = index * _ROW
            shapes.append(text(0, y + 14, dot.name))
            if dot.low is not None and dot.high is not None:
                shapes.append(
                    element(
                        "line",
                        class_="reach",
                        x1=x(dot.low),
                        x2=x(dot.high),
                        y1=y + LINE + 11,
                        y2=y + LINE + 11,
                    )
                )
            if dot.value is not None:
                shapes.append(
                    element(
                        "circle", class_="series-0", cx=x(dot.value), cy=y + LINE + 11, r=_RADIUS
                    )
                )
        return picture(self, name, width, height + _BOTTOM, shapes)
