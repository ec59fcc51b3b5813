"""Many scores at a glance: a cell for each row and column, darker the farther from the middle."""

from __future__ import annotations

from html import escape
from typing import Final

from attrs import frozen

from retainkit.reports._chart import LETTER, element, key, picture, text
from retainkit.reports._table import NOTHING, Table


_ROW: Final = 24
_WIDEST_NAME: Final = 18
_ROOM_FOR_FIGURE: Final = 26


@frozen(kw_only=True)
class Heat:
    """
    One cell.

    Args:
        tone: The number of its shade, from 0 (the worst) to 4 (the best); None when nothing is
            known.

        figure: What it says, as text; short.
    """

    tone: int | None
    figure: str


@frozen(kw_only=True)
class HeatMap:
    """
    Rows of cells under the same columns.

    Args:
        title: What it shows.

        description: What one would say of it.

        columns: The names of the columns.

        rows: The name of each row, and as many cells as there are columns.

        of: What the first column of the table names.

        ends: What the worst and the best shade stand for.

        note: How the figures are defined.
    """

    title: str
    description: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Heat, ...]], ...]
    of: str
    ends: tuple[str, str]
    note: str = ""

    @property
    def table(self) -> Table:
        """The figures of all cells; a dash where nothing is known."""
        return Table(
            caption=self.title,
            head=(self.of, *self.columns),
            rows=tuple(
                (name, *(NOTHING if cell.tone is None else cell.figure for cell in cells))
                for name, cells in self.rows
            ),
            note=self.note,
        )

    def svg(self, width: int, *, name: str) -> str:
        """Cells with their figures where there is room; columns are named upright."""
        entries = [("heat-0", self.ends[0]), ("heat-4", self.ends[1]), ("heat-none", "not known")]
        shapes, y = key(entries, width, 14)
        left = max((len(_short(row)) for row, _ in self.rows), default=0) * (LETTER + 1) + 12
        wide = max(1, (width - left) // max(1, len(self.columns)))
        y += max((len(_short(column)) for column in self.columns), default=0) * LETTER + 20
        for index, column in enumerate(self.columns):
            x = left + index * wide + wide // 2 + 4
            shapes.append(
                element(
                    "text",
                    escape(_short(column)),
                    class_="label",
                    transform=f"translate({x} {y - 6}) rotate(-90)",
                )
            )
        for row, cells in self.rows:
            shapes.append(text(left - 8, y + 16, _short(row), anchor="end"))
            for index, cell in enumerate(cells):
                shapes += _cell(cell, left + index * wide, y, wide)
            y += _ROW
        return picture(self, name, width, y, shapes)


def _cell(cell: Heat, x: int, y: int, wide: int) -> list[str]:
    tone = "none" if cell.tone is None else str(cell.tone)
    shapes = [
        element(
            "rect",
            class_=f"heat-{tone}",
            x=x + 1,
            y=y + 1,
            width=max(1, wide - 2),
            height=_ROW - 2,
            rx=2,
        )
    ]
    if cell.tone is not None and wide >= _ROOM_FOR_FIGURE:
        shapes.append(
            text(x + wide // 2, y + 17, cell.figure, anchor="middle", class_=f"on-heat-{tone}")
        )
    return shapes


def _short(name: str) -> str:
    return name if len(name) <= _WIDEST_NAME else name[: _WIDEST_NAME - 1] + "…"
