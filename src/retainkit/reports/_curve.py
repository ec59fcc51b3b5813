"""Shares that grow day by day, as steps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from attrs import frozen

from retainkit.reports._chart import element, key, picture, stroke, text
from retainkit.reports._table import Table, percent


_LEFT: Final = 50
_BOTTOM: Final = 40


@frozen(kw_only=True)
class Curve:
    """
    One line of a chart.

    Args:
        name: What it stands for.

        counts: How many there were by day 0, 1, 2 and so on.

        whole: How many there could be.
    """

    name: str
    counts: tuple[int, ...]
    whole: int

    def share(self, day: int) -> Fraction:
        """The share by a day; zero when there could be none."""
        return Fraction(self.counts[day], self.whole) if self.whole else Fraction(0)


@frozen(kw_only=True)
class StepChart:
    """
    Growing shares over days; at most four curves of equal length can be told apart.

    Args:
        title: What it shows.

        description: What one would say of it.

        days: What the days count from, such as ``days since the first failure``.

        curves: The lines.

        marks: Days that have a row in the table.

        note: How the figures are defined.
    """

    title: str
    description: str
    days: str
    curves: tuple[Curve, ...]
    marks: tuple[int, ...]
    note: str = ""

    @property
    def table(self) -> Table:
        """The shares at the marked days."""
        return Table(
            caption=self.title,
            head=("Day", *(curve.name for curve in self.curves)),
            rows=tuple(
                (
                    str(day),
                    *(percent(curve.counts[day], curve.whole) for curve in self.curves),
                )
                for day in self.marks
            ),
            note=self.note,
        )

    def svg(self, width: int, *, name: str) -> str:
        """The curves over a grid of quarters."""
        names = [(f"line line-{index}", curve.name) for index, curve in enumerate(self.curves)]
        legend, y = key(names, width, 14, stroke, indent=34)
        top = y + 20
        height = top + max(200, width * 2 // 5)
        plot = _Plot(left=_LEFT, right=width - 12, top=top, bottom=height, last=self._last())
        shapes = [*legend, *_grid(plot), *_days(plot, self.days)]
        for index, curve in enumerate(self.curves):
            shapes.append(
                element("path", class_=f"line line-{index}", d=_path(plot, curve), fill="none")
            )
        for index, curve in enumerate(self.curves):
            x, y = plot.x(plot.last), plot.y(curve.share(plot.last))
            shapes.append(element("circle", class_=f"series-{index}", cx=x, cy=y, r=4))
        return picture(self, name, width, height + _BOTTOM, shapes)

    def _last(self) -> int:
        return len(self.curves[0].counts) - 1


@frozen(kw_only=True)
class _Plot:
    left: int
    right: int
    top: int
    bottom: int
    last: int

    def x(self, day: int) -> int:
        return self.left + (self.right - self.left) * day // max(1, self.last)

    def y(self, share: Fraction) -> int:
        return self.bottom - round((self.bottom - self.top) * share)


def _grid(plot: _Plot) -> list[str]:
    shapes = []
    for quarter in range(5):
        y = plot.y(Fraction(quarter, 4))
        shapes.append(element("line", class_="grid", x1=plot.left, x2=plot.right, y1=y, y2=y))
        shapes.append(text(plot.left - 8, y + 4, f"{quarter * 25}\u202f%", anchor="end"))
    return shapes


def _days(plot: _Plot, label: str) -> list[str]:
    shapes = []
    for day in range(0, plot.last + 1, 7):
        x = plot.x(day)
        shapes.append(
            element("line", class_="tick", x1=x, x2=x, y1=plot.bottom, y2=plot.bottom + 5)
        )
        shapes.append(text(x, plot.bottom + 19, str(day), anchor="middle"))
    shapes.append(text(plot.right, plot.bottom + 36, label, anchor="end", class_="label axis"))
    return shapes


def _path(plot: _Plot, curve: Curve) -> str:
    """Steps: what is reached by a day holds until the next."""
    moves: Sequence[str] = [f"M{plot.x(0)} {plot.y(curve.share(0))}"]
    steps = [f"H{plot.x(day)}V{plot.y(curve.share(day))}" for day in range(1, len(curve.counts))]
    return "".join((*moves, *steps))
