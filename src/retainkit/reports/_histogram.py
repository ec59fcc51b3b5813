"""How many lie in each stretch of a scale, as columns."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from retainkit.reports._chart import element, picture, text
from retainkit.reports._table import Table, part_of


_TOP: Final = 30
_BOTTOM: Final = 40


@frozen(kw_only=True)
class Histogram:
    """
    Counts along a scale; stretches of equal width stand side by side.

    Args:
        title: What it shows.

        description: What one would say of it.

        edges: The ends of the stretches as text: one more than there are counts.

        counts: How many lie in each stretch.

        tones: The number of each column's shade, from 0 (the worst) to 4 (the best).

        marks: Between which bands of the scale a line stands: where along the scale, from 0 to
            1000, and the name of the band that ends there. The last one ends at 1000.

        of: What the first column of the table names.

        counted: What is counted.

        note: How the figures are defined.
    """

    title: str
    description: str
    edges: tuple[str, ...]
    counts: tuple[int, ...]
    tones: tuple[int, ...]
    marks: tuple[tuple[int, str], ...]
    of: str
    counted: str
    note: str = ""

    @property
    def table(self) -> Table:
        """Each stretch with its count and share."""
        whole = sum(self.counts)
        return Table(
            caption=self.title,
            head=(self.of, self.counted),
            rows=tuple(
                (f"{low} to {high}", part_of(count, whole))
                for low, high, count in zip(self.edges, self.edges[1:], self.counts, strict=False)
            ),
            note=self.note,
        )

    def svg(self, width: int, *, name: str) -> str:
        """Columns over the scale, the bands' names above them."""
        height = max(160, width * 2 // 5)
        low = _TOP + height
        most = max((*self.counts, 1))
        step = width // len(self.counts)
        whole = step * len(self.counts)
        shapes = [element("line", class_="tick", x1=0, x2=whole, y1=low, y2=low)]
        for index, count in enumerate(self.counts):
            tall = (height - 24) * count // most
            x = index * step
            if count:
                tall = max(1, tall)
                shapes.append(
                    element(
                        "rect",
                        class_=f"heat-{self.tones[index]}",
                        x=x + 2,
                        y=low - tall,
                        width=step - 4,
                        height=tall,
                        rx=2,
                    )
                )
                shapes.append(
                    text(
                        x + step // 2,
                        low - tall - 6,
                        f"{count:,}",
                        anchor="middle",
                        class_="label figure",
                    )
                )
        for index, edge in enumerate(self.edges):
            if index % 2 == 0:
                anchor = "start" if index == 0 else "end" if index == len(self.counts) else "middle"
                shapes.append(text(index * step, low + 19, edge, anchor=anchor))
        shapes += _marks(self.marks, whole, low)
        shapes.append(text(whole, low + 36, self.of, anchor="end", class_="label axis"))
        return picture(self, name, width, low + _BOTTOM, shapes)


def _marks(marks: tuple[tuple[int, str], ...], width: int, low: int) -> list[str]:
    shapes, start = [], 0
    for end, band in marks:
        x = width * end // 1000
        if x < width:
            shapes.append(element("line", class_="edge", x1=x, x2=x, y1=0, y2=low))
        shapes.append(text((start + x) // 2, 12, band, anchor="middle", class_="label strong"))
        start = x
    return shapes
