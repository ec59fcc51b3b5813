"""Tables, as values and as plain text; their HTML is the page's."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final
from unicodedata import east_asian_width

from attrs import frozen

from retainkit.errors import InvalidInput
from retainkit.money import Rounding, round_fraction


NOTHING: Final = "–"  # noqa: RUF001 - the sign for 'nothing to say', not a minus
"""What a cell holds when there is nothing to say."""

_SPACES: Final = {ord("\u00a0"): " ", ord("\u202f"): " "}
"""Spaces that don't break a line: of no use in a terminal, and unknown to some."""


@frozen(kw_only=True)
class Table:
    """
    Rows of text under a head.

    Args:
        caption: What it shows.

        head: The names of the columns; the first column names the rows.

        rows: As many cells each as the head has.

        figures: Whether all columns but the first hold figures, and stand to the right.

        note: How the figures are defined.

    Raises:
        InvalidInput: ``report.cells``: a row with more or fewer cells than the head.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: bool = True
    note: str = ""

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise InvalidInput(
                    "A row has a cell for each column",
                    code="report.cells",
                    field="rows",
                    value=row,
                    remedy=f"pass {len(self.head)} cells",
                )


def text_table(table: Table) -> str:
    """The table for a terminal; ends without a line break."""
    lines = [[cell.translate(_SPACES) for cell in line] for line in (table.head, *table.rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    head, *rows = (_line(line, widths, figures=table.figures) for line in lines)
    return "\n".join((table.caption, head, "-" * sum((*widths, 2 * len(widths) - 2)), *rows))


def _line(cells: Iterable[str], widths: Iterable[int], *, figures: bool) -> str:
    padded = []
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        gap = " " * (width - _width(cell))
        padded.append(gap + cell if figures and index else cell + gap)
    return "  ".join(padded).rstrip()


def _width(cell: str) -> int:
    return sum(2 if east_asian_width(mark) in "WF" else 1 for mark in cell)


def percent(part: int, whole: int) -> str:
    """A share as ``70.6 %``, rounded half to even; a dash when there is no whole."""
    if whole == 0:
        return NOTHING
    tenths = round_fraction(Fraction(1000 * part, whole), Rounding.HALF_EVEN)
    return f"{tenths // 10}.{tenths % 10}\u202f%"


def part_of(part: int, whole: int) -> str:
    """A part of a whole with its share, as ``12 of 17 (70.6 %)``."""
    return f"{part:,}\u00a0of\u00a0{whole:,} ({percent(part, whole)})"
