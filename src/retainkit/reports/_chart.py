"""What a chart is, and the little SVG all charts are written with; what they draw is beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Final, Protocol

from retainkit.reports._table import Table


LETTER: Final = 7
"""How wide a letter is taken to be, in pixels: generous, since nobody measures fonts here."""
LINE: Final = 18
"""From one line of text to the next, in pixels."""


class Chart(Protocol):
    """A picture of figures that stand in a table beside it."""

    @property
    def title(self) -> str:
        """What it shows, in few words."""
        ...

    @property
    def description(self) -> str:
        """What one would say of it to somebody who can't see it."""
        ...

    @property
    def table(self) -> Table:
        """The same figures as a table."""
        ...

    def svg(self, width: int, *, name: str) -> str:
        """
        The picture as SVG of a width in pixels.

        Args:
            width: How wide; text keeps its size, so that one is made for narrow screens and one
                for wide ones.

            name: Unique on the page; part of the picture's ids.
        """
        ...


def element(name: str, *children: str, **attributes: str | int) -> str:
    """An SVG element; ``class_`` is the attribute ``class``, and ``_`` stands for ``-``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
    )
    if not children:
        return f"<{name}{written}/>"
    return f"<{name}{written}>{''.join(children)}</{name}>"


def text(x: int, y: int, content: str, *, anchor: str = "start", class_: str = "label") -> str:
    """A line of text, its baseline at ``y``."""
    return element("text", escape(content), class_=class_, x=x, y=y, text_anchor=anchor)


def picture(chart: Chart, name: str, width: int, height: int, shapes: Iterable[str]) -> str:
    """The whole SVG, with its title and description for those who can't see it."""
    return element(
        "svg",
        element("title", escape(chart.title), id=f"{name}-title"),
        element("desc", escape(chart.description), id=f"{name}-desc"),
        *shapes,
        class_="chart",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def swatch(class_: str, x: int, y: int) -> str:
    """A legend's mark for an area, beside a text on that line."""
    return element("rect", class_=class_, x=x, y=y - 10, width=12, height=12, rx=2)


def stroke(class_: str, x: int, y: int) -> str:
    """A legend's mark for a line: as dashed as the line itself."""
    return element("line", class_=class_, x1=x, x2=x + 26, y1=y - 4, y2=y - 4)


def key(
    entries: Iterable[tuple[str, str]],
    width: int,
    y: int,
    mark: Callable[[str, int, int], str] = swatch,
    *,
    indent: int = 18,
) -> tuple[list[str], int]:
    """A legend of (class, name), in as many rows as it needs; and where its last row stands."""
    shapes: list[str] = []
    x = 0
    for class_, name in entries:
        wide = indent + 14 + len(name) * LETTER
        if x and x + wide > width:
            x, y = 0, y + LINE + 4
        shapes += [mark(class_, x, y), text(x + indent, y, name)]
        x += wide
    return shapes, y
