"""Builds the shipped table of tax rates from the data sets in data/vat, and checks them.

::

    python scripts/build_vat_rates.py            # writes src/retainkit/billing/tax/_rate_data.py
    python scripts/build_vat_rates.py --check    # writes nothing; fails if it would, or on a fault

The history of standard rates is kdeldycke's, today's figures are eu-vat-rates-data's, and what both
have wrong or miss is in corrections.csv, each row with its reason; data/vat/NOTICE.md names the
licences and the known faults. Reduced rates come from eu-vat-rates-data alone, from its date on.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple


ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "data" / "vat"
TARGET = ROOT / "src" / "retainkit" / "billing" / "tax" / "_rate_data.py"

TODAY_FILE = "eu_vat_rates_data_2026.9.29.json"
TODAY_NAME = "eu-vat-rates-data 2026.9.29"
HISTORY_NAME = "kdeldycke/vat-rates 7585c28"
DAY = timedelta(days=1)

# Of whom kdeldycke's history is taken; the others there are old, or special territories in which
# no VAT applies, which retainkit.billing.tax knows by rule.
HISTORY = (
    *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR"),
    *("HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)
REGIONS = {
    "AT-6691": ("AT", "AT-JUNGHOLZ"),
    "AT-6991": ("AT", "AT-MITTELBERG"),
    "FR-GP": ("FR", "FR-GP"),
    "FR-MQ": ("FR", "FR-MQ"),
    "FR-RE": ("FR", "FR-RE"),
    "PT-20": ("PT", "PT-20"),
    "PT-30": ("PT", "PT-30"),
}
# Monaco is France, Northern Ireland Great Britain: no rates of their own.
NOT_OF_THEIR_OWN = {"MC", "XI"}

# Rates of a region, or of one trade in a region, that eu-vat-rates-data lists among the reduced
# ones of the whole state.
REGIONAL = {
    "AT": {"19"},
    "FR": {"0.9", "1.05", "8.5", "13"},
    "GR": {"17"},
    "PT": {"16", "22"},
}

# Where ibericode differs, and why ours holds.
KNOWN_DISAGREEMENTS = {
    "PT/PT-20 18": "ibericode's Azores are stale",
}
IBERICODE_REGIONS = {
    ("AT", "Jungholz"): "AT-JUNGHOLZ",
    ("AT", "Mittelberg"): "AT-MITTELBERG",
    ("FR", "Guadeloupe"): "FR-GP",
    ("FR", "Martinique"): "FR-MQ",
    ("FR", "Reunion"): "FR-RE",
    ("PT", "Azores"): "PT-20",
    ("PT", "Madeira"): "PT-30",
}


class Row(NamedTuple):
    """One rate, in percent; `parts` are those of a combined one."""

    country: str
    region: str
    category: str
    rate: Decimal
    start: date
    end: date | None
    source: str
    parts: tuple[tuple[str, Decimal], ...] = ()

    @property
    def place(self) -> str:
        """The country, and the region if there is one."""
        return f"{self.country}{'/' + self.region if self.region else ''}"


def _plain(value: Decimal | float | str) -> Decimal:
    number = Decimal(str(value)).normalize()
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


def _table(name: str) -> list[dict[str, str]]:
    with (SOURCES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _json(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SOURCES / name).read_text(encoding="utf-8"))
    return found


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def history() -> Iterator[Row]:
    """Kdeldycke's standard rates; its last days that are inclusive made exclusive."""
    wanted = {country: (country, "") for country in HISTORY} | REGIONS
    raw = [
        (wanted[code], row)
        for row in _table("kdeldycke_vat_rates.csv")
        for code in row["territory_codes"].split("\n")
        if code in wanted
    ]
    starts = {(place, row["start_date"]) for place, row in raw}
    for place, row in raw:
        start, end = date.fromisoformat(row["start_date"]), _day(row["stop_date"])
        if end is not None and (place, (end + DAY).isoformat()) in starts:
            end += DAY
        rate = _plain(Decimal(row["rate"]) * 100)
        yield Row(*place, "standard", rate, start, end, HISTORY_NAME)


def today() -> Iterator[Row]:
    """The rates of eu-vat-rates-data, from its date on; of what has history, the reduced ones."""
    data = _json(TODAY_FILE)
    start = date.fromisoformat(data["version"])
    with_history = {*HISTORY, "IS", "LI"}
    for country, entry in sorted(data["rates"].items()):
        if country in NOT_OF_THEIR_OWN:
            continue
        if country not in with_history:
            yield Row(country, "", "standard", _plain(entry["standard"]), start, None, TODAY_NAME)
        reduced = {str(_plain(rate)) for rate in entry["reduced"]} - REGIONAL.get(country, set())
        if len(reduced) == 1:  # of several, nothing says which is for what
            yield Row(country, "", "reduced", _plain(min(reduced)), start, None, TODAY_NAME)
        for category in ("super_reduced", "parking"):
            rate = entry[category]
            if rate is not None and (category == "parking" or str(_plain(rate)) not in reduced):
                yield Row(country, "", category, _plain(rate), start, None, TODAY_NAME)


def corrections() -> Iterator[Row]:
    """What the sets have wrong or miss."""
    for row in _table("corrections.csv"):
        yield Row(
            row["country"],
            row["region"],
            row["category"],
            _plain(row["rate"]),
            date.fromisoformat(row["valid_from"]),
            _day(row["valid_to"]),
            row["source"],
        )


def canada() -> Iterator[Row]:
    """The combined rates of the provinces."""
    for row in _table("canada.csv"):
        named = (("GST", "gst"), ("HST", "hst"), ("QST", "qst"), (row["pst_name"], "pst"))
        parts = tuple((name, _plain(row[column])) for name, column in named if row[column])
        yield Row(
            "CA",
            row["region"],
            "standard",
            sum((rate for _, rate in parts), Decimal(0)),
            date.fromisoformat(row["valid_from"]),
            _day(row["valid_to"]),
            row["source"],
            parts,
        )


def build() -> list[Row]:
    """All rows, corrected, in order."""
    rows = [*history(), *today(), *canada()]
    for new in corrections():
        rows = [part for old in rows for part in _without(old, new)]
        rows.append(new)
    return sorted(rows, key=lambda row: (row.country, row.region, row.category, row.start))


def _without(old: Row, new: Row) -> Iterator[Row]:
    if old[:3] != new[:3]:
        yield old
        return
    if old.start < new.start:
        yield old._replace(end=new.start if old.end is None else min(old.end, new.start))
    if new.end is not None and (old.end is None or new.end < old.end):
        yield old._replace(start=max(old.start, new.end))


def faults(rows: list[Row]) -> list[str]:
    """Gaps, overlaps, and figures on which the sources disagree without a known reason."""
    return [*_dates(rows), *_against_today(rows), *_against_ibericode(rows)]


def _dates(rows: list[Row]) -> Iterator[str]:
    for earlier, later in pairwise(rows):
        if earlier[:3] == later[:3] and earlier.end != later.start:
            kind = "gap" if earlier.end and earlier.end < later.start else "overlap"
            yield f"{kind}: {earlier.place} {earlier.category} {earlier.end} {later.start}"


def _rate_on(rows: Iterable[Row], country: str, region: str, on: date) -> Decimal | None:
    for row in rows:
        here = row[:3] == (country, region, "standard")
        if here and row.start <= on and (row.end is None or on < row.end):
            return row.rate
    return None


def _against_today(rows: list[Row]) -> Iterator[str]:
    data = _json(TODAY_FILE)
    on = date.fromisoformat(data["version"])
    for country, entry in data["rates"].items():
        if country in NOT_OF_THEIR_OWN:
            continue
        ours, theirs = _rate_on(rows, country, "", on), _plain(entry["standard"])
        if ours != theirs:
            yield f"{TODAY_NAME} disagrees: {country} {theirs}, ours {ours}"


def _against_ibericode(rows: list[Row]) -> Iterator[str]:
    on = date.fromisoformat(_json(TODAY_FILE)["version"])
    for country, periods in _json("ibericode_vat-rates.json")["items"].items():
        last = on
        for period in periods:  # newest first
            checked = {last}
            if not period["effective_from"].startswith("0000"):
                first = date.fromisoformat(period["effective_from"])
                checked.add(first)
                last = first - DAY
            said = [("", period["rates"]["standard"])]
            said += [
                (IBERICODE_REGIONS[country, special["name"]], special["standard"])
                for special in period.get("exceptions", ())
                if (country, special["name"]) in IBERICODE_REGIONS
            ]
            for region, rate in said:
                yield from _differing(rows, country, region, _plain(rate), checked)


def _differing(
    rows: list[Row], country: str, region: str, theirs: Decimal, checked: set[date]
) -> Iterator[str]:
    place = f"{country}{'/' + region if region else ''}"
    for on in sorted(checked):
        ours = _rate_on(rows, country, region, on)
        if ours is not None and ours != theirs and f"{place} {theirs}" not in KNOWN_DISAGREEMENTS:
            yield f"ibericode disagrees: {place} {on} {theirs}, ours {ours}"


def module(rows: list[Row]) -> str:
    """The source of the module that is shipped."""
    data = _json(TODAY_FILE)
    currencies = {
        country: entry["currency"] for country, entry in sorted(data["rates"].items())
    } | {"EL": "EUR"}
    sources = sorted({row.source for row in rows})
    lines = [
        '"""Made by scripts/build_vat_rates.py from the data sets in data/vat; do not edit.',
        "",
        "From eu-vat-rates-data (MIT, vatnode.dev), kdeldycke/vat-rates (BSD-2-Clause, Kevin",
        "Deldycke and contributors) and ibericode/vat-rates (MIT, ibericode): their licences are",
        "among the distribution's licence files.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "",
        f'DATA_AS_OF = "{data["version"]}"',
        "",
        "SOURCES: tuple[str, ...] = (",
        *(f'    "{source}",' for source in sources),
        ")",
        "",
        "# country|region|category|percent|first day|first day after it|source|parts of the rate",
        'RATES = """\\',
    ]
    for row in rows:
        parts = " + ".join(f"{name} {rate}" for name, rate in row.parts)
        end = "" if row.end is None else row.end.isoformat()
        cells = (row.country, row.region, row.category, str(row.rate), row.start.isoformat(), end)
        lines.append("|".join((*cells, str(sources.index(row.source)), parts)))
    lines += ['"""', "", "CURRENCIES: dict[str, str] = {"]
    lines += [f'    "{country}": "{code}",' for country, code in sorted(currencies.items())]
    lines += ["}", ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Build, or only check."""
    rows = build()
    found = faults(rows)
    if "--check" in arguments:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != module(rows):
            found.append(f"{TARGET.name} is not what the data sets give: build it again")
    elif not found:
        TARGET.write_text(module(rows), encoding="utf-8")
    for fault in found:
        print(fault)
    print(f"{len(rows)} rates, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
