"""The tables of the reference pages, as rows of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.docs._source import ROOT


def page(name: str) -> str:
    """The text of a page of the reference."""
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def rows(name: str, heading: str = "") -> Iterator[list[str]]:
    """The rows of all tables of a page, or of one section of it; the first cell is in backticks."""
    text = page(name)
    if heading:
        text = text.split(f"\n## {heading}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def coded(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)
