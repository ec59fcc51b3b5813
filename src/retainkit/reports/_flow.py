"""A part of a whole, and what became of the part: a funnel that keeps its proportions."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from retainkit.reports._chart import LETTER, LINE, element, key, picture, text
from retainkit.reports._table import Table, percent


_THICK: Final = 26
_NECK: Final = 30


@frozen(kw_only=True)
class Share:
    """
    One thing that became of the part.

    Args:
        name: What.

        count: How often.

        tone: The number of its colour, from 0 to 5; the same meaning, the same colour.
    """

    name: str
    count: int
    tone: int


@frozen(kw_only=True)
class Flow:
    """
    One funnel.

    Args:
        name: What it is of.

        whole: How many there were.

        part: How many of them the funnel is about.

        shares: What became of these; they add up to the part.
    """

    name: str
    whole: int
    part: int
    shares: tuple[Share, ...]


@frozen(kw_only=True)
class FlowChart:
    """
    Funnels, one below the other.

    Args:
        title: What it shows.

        description: What one would say of it.

        whole: What the first bar counts, such as ``invoices due``.

        part: What the second one counts, such as ``failed at first``.

        flows: The funnels; all have the same shares by name.

        note: How the figures are defined.
    """

    title: str
    description: str
    whole: str
    part: str
    flows: tuple[Flow, ...]
    note: str = ""

    @property
    def table(self) -> Table:
        """Each stage, a column a funnel."""
        counts = [
            (self.whole, *(f"{flow.whole:,}" for flow in self.flows)),
            (
                self.part,
                *(f"{flow.part:,} ({percent(flow.part, flow.whole)})" for flow in self.flows),
            ),
        ]
        for index, share in enumerate(self.flows[0].shares):
            row = [flow.shares[index].count for flow in self.flows]
            counts.append(
                (
                    share.name,
                    *(
                        f"{count} ({percent(count, flow.part)})"
                        for count, flow in zip(row, self.flows, strict=True)
                    ),
                )
            )
        return Table(
            caption=self.title,
            head=("Stage", *(flow.name for flow in self.flows)),
            rows=tuple(counts),
            note=self.note,
        )

    def svg(self, width: int, *, name: str) -> str:
        """Two bars a funnel, the second one a magnified part of the first."""
        shapes: list[str] = []
        y = 0
        for flow in self.flows:
            drawn, y = self._flow(flow, width, y)
            shapes += drawn
            y += 26
        return picture(self, name, width, y - 26, shapes)

    def _flow(self, flow: Flow, width: int, y: int) -> tuple[list[str], int]:
        sliver = max(2, width * flow.part // max(1, flow.whole))
        shapes = [
            text(0, y + 12, flow.name, class_="label strong"),
            text(0, y + 12 + LINE, f"{flow.whole:,} {self.whole}"),
        ]
        y += 20 + LINE
        low = y + _THICK
        shapes += [
            element("rect", class_="rest", x=0, y=y, width=width, height=_THICK, rx=2),
            element("rect", class_="part", x=0, y=y, width=sliver, height=_THICK),
            element(
                "path",
                class_="neck",
                d=f"M0 {low}H{sliver}L{width} {low + _NECK}H0Z",
            ),
        ]
        y = low + _NECK
        note = f"{flow.part:,} {self.part} ({percent(flow.part, flow.whole)})"
        shapes.append(text(8, y - 9, note))
        shapes += _shares(flow, width, y)
        names = [
            (f"tone-{each.tone}", f"{each.name} {each.count}") for each in flow.shares if each.count
        ]
        legend, y = key(names, width, y + _THICK + LINE + 2)
        return [*shapes, *legend], y + 8


def _shares(flow: Flow, width: int, y: int) -> list[str]:
    shapes, done = [], 0
    for share in flow.shares:
        start, end = (width * n // max(1, flow.part) for n in (done, done + share.count))
        done += share.count
        if not share.count:
            continue
        shapes.append(
            element(
                "rect",
                class_=f"tone-{share.tone}",
                x=start,
                y=y,
                width=max(1, end - start - 2),
                height=_THICK,
            )
        )
        if end - start > len(str(share.count)) * LETTER + 12:
            middle = (start + end) // 2 - 1
            shapes.append(
                text(middle, y + 18, str(share.count), anchor="middle", class_=f"on-{share.tone}")
            )
    return shapes
