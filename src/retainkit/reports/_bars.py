"""How much of each group was reached, as bars inside bars."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from retainkit.reports._chart import LETTER, LINE, element, key, picture, text
from retainkit.reports._table import Table, part_of


_THICK: Final = 14
_GAP: Final = 5
_FIGURE: Final = 64
_NARROW: Final = 480


@frozen(kw_only=True)
class BarGroup:
    """
    What is compared within one row.

    Args:
        name: What it is.

        parts: Of each series, the part and the whole it is of.
    """

    name: str
    parts: tuple[tuple[int, int], ...]


@frozen(kw_only=True)
class BarChart:
    """
    Parts of wholes, a bar for each series in each group; at most four series can be told apart.

    Args:
        title: What it shows.

        description: What one would say of it.

        series: What the parts of each group stand for.

        groups: The rows.

        of: What the first column of the table names.

        whole: What the pale bar behind each bar is.

        note: How the figures are defined.
    """

    title: str
    description: str
    series: tuple[str, ...]
    groups: tuple[BarGroup, ...]
    of: str
    whole: str
    note: str = ""

    @property
    def table(self) -> Table:
        """Part, whole and share of each bar."""
        return Table(
            caption=self.title,
            head=(self.of, *self.series),
            rows=tuple(
                (
                    group.name,
                    *(part_of(part, whole) for part, whole in group.parts),
                )
                for group in self.groups
            ),
            note=self.note,
        )

    def svg(self, width: int, *, name: str) -> str:
        """Rows of bars; on a narrow screen the row's name stands above them."""
        entries = [(f"series-{index}", series) for index, series in enumerate(self.series)]
        shapes, y = key([*entries, ("rest", self.whole)], width, 14)
        y += LINE
        above = width < _NARROW
        left = 0 if above else max(len(group.name) for group in self.groups) * LETTER + 16
        most = max((whole for group in self.groups for _, whole in group.parts), default=1)
        room = width - left - _FIGURE
        for group in self.groups:
            if above:
                shapes.append(text(0, y + 10, group.name, class_="label strong"))
                y += LINE
            else:
                middle = y + (len(group.parts) * (_THICK + _GAP) - _GAP) // 2
                shapes.append(text(left - 12, middle + 4, group.name, anchor="end"))
            for index, (part, whole) in enumerate(group.parts):
                full, reached = (room * count // max(1, most) for count in (whole, part))
                bar = {"x": left, "y": y, "height": _THICK, "rx": 2}
                shapes += [
                    element("rect", class_="rest", width=max(1, full), **bar),
                    element("rect", class_=f"series-{index}", width=reached, **bar),
                    text(left + full + 8, y + 11, f"{part}/{whole}", class_="label figure"),
                ]
                y += _THICK + _GAP
            y += 12
        return picture(self, name, width, y, shapes)
