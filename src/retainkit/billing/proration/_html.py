"""A preview as a plain table, for notebooks; invoices are rendered elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from retainkit.money import Money


if TYPE_CHECKING:
    from retainkit.billing.proration._preview import Preview


def preview_html(preview: Preview) -> str:
    """The lines and their total."""
    cells = [
        (
            line.item,
            line.kind.value,
            "" if line.period is None else f"{line.period.start:%Y-%m-%d %H:%M}",
            "" if line.period is None else f"{line.period.end:%Y-%m-%d %H:%M}",
            written(line.net),
        )
        for line in preview.lines
    ]
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Item", "Line", "From", "Until", "Amount")
    )
    total = written(preview.total)
    when = "on the next invoice" if preview.pending else "now"
    return (
        f"<table><caption>{escape(preview.before.id)}: {escape(total)} {when}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def written(money: Money) -> str:
    """An amount for errors and notebooks, the same in every locale and decimal context."""
    return f"{money.amount:f} {money.currency.code}"
