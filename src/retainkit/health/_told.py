"""What a back-test found in plain sentences, as JSON, and as tables for a notebook; no figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import frozen

from retainkit.core import JsonObject
from retainkit.health._bands import UNKNOWN
from retainkit.health._statistics import CHANCE, FEWEST, Estimate, Unclaimed, share_difference


if TYPE_CHECKING:
    from retainkit.health._found import (
        BackTest,
        BandOutcome,
        ComponentTest,
        FalseGreen,
        GroupTest,
        LeadTime,
    )


class Found(StrEnum):
    """What a back-test can come to."""

    NOTHING = "nothing"
    """Nobody could be followed, or all or none of them left."""

    FEW = "few"
    """Too few left, or too few stayed, to say anything."""

    CHANCE = "chance"
    """The score can't be told from chance."""

    REVERSED = "reversed"
    """Those who left had the higher scores."""

    FORETELLS = "foretells"
    """The score is better than chance."""

    NO_BETTER_THAN_COMPONENT = "no_better_than_component"
    """One component alone is not shown to do worse."""

    NOT_MONOTONE = "not_monotone"
    """A larger share left in a better band than in a worse one."""

    FALSE_GREENS = "false_greens"
    """Customers left while the score called them healthy."""

    SILENT = "silent"
    """Customers left while too little was known for a score."""


@frozen(kw_only=True)
class Verdict:
    """
    One thing that a back-test came to.

    Args:
        found: What.

        text: The sentence, in English.
    """

    found: Found
    text: str


def verdicts(test: BackTest) -> tuple[Verdict, ...]:
    """What it means; the score against chance first."""
    found, text = _against_chance(test)
    told = [Verdict(found=found, text=text)]
    if found in (Found.FORETELLS, Found.CHANCE):
        told += _against_components(test.components)
    told += _bands(test.bands)
    lead = test.lead
    if lead.green:
        told.append(
            Verdict(
                found=Found.FALSE_GREENS,
                text=f"{lead.green} of {lead.leavers} who left were in a good band when they did: "
                f"{test.false_green_share.in_percent()}.",
            )
        )
    if lead.silent:
        told.append(
            Verdict(
                found=Found.SILENT,
                text=f"{lead.silent} of {lead.leavers} who left had no score when they did: too "
                "little was known of them.",
            )
        )
    return tuple(told)


def _against_chance(test: BackTest) -> tuple[Found, str]:
    area, shown = test.area, test.area.told()
    if area.value is None:
        return Found.NOTHING, (
            f"There is nothing to compare: of {_customers(test.customers)} that were followed for "
            f"{_days(test.horizon)}, {test.leavers} left."
        )
    if area.unclaimed is Unclaimed.FEW:
        return Found.FEW, (
            f"Too few customers left or stayed ({test.leavers} of {test.customers} left; "
            f"at least {FEWEST} of each are needed): the area of {shown} proves nothing."
        )
    if area.unclaimed is Unclaimed.SAME or CHANCE in area:
        return Found.CHANCE, (
            f"The score can't be told from chance: its area is {shown}, and 0.5 is chance."
        )
    if area.value < CHANCE:
        return Found.REVERSED, (
            f"The score is worse than chance: those who left had the higher scores, its area is "
            f"{shown}. Look at the directions of its components."
        )
    return Found.FORETELLS, (
        f"The score is better than chance: of two customers, one who leaves within "
        f"{_days(test.horizon)} and one who stays, the one who leaves has the lower score with "
        f"a probability of {shown}."
    )


def _against_components(components: Sequence[ComponentTest]) -> Iterator[Verdict]:
    rivals = [
        each for each in components if each.area.value is not None and each.gain.low is not None
    ]
    for each in sorted(rivals, key=lambda each: -(each.area.value or 0)):
        if not each.beaten and (each.area.low or 0) > CHANCE:
            yield Verdict(
                found=Found.NO_BETTER_THAN_COMPONENT,
                text=f"The score is {_compared(each.gain)} its component {each.component} alone, "
                "as far as these customers show: the component's area is "
                f"{each.area.told()}, that of the score differs by {each.gain.told()}.",
            )


def _compared(gain: Estimate) -> str:
    return "worse than" if gain.high is not None and gain.high < 0 else "no better than"


def neighbours(bands: Sequence[BandOutcome]) -> Iterator[tuple[BandOutcome, BandOutcome]]:
    """A band that somebody was in, and the next better one of the model; inside this room only."""
    known = [each for each in bands if each.band != UNKNOWN and each.left.of]
    return ((worse, better) for worse, better in pairwise(known) if worse.model == better.model)


def _bands(bands: Sequence[BandOutcome]) -> Iterator[Verdict]:
    for worse, better in neighbours(bands):
        if (worse.left.value or 0) >= (better.left.value or 0):
            continue
        sure = share_difference(*_counts(better.left), *_counts(worse.left))
        chance = "; that may be chance" if 0 in sure else ""
        yield Verdict(
            found=Found.NOT_MONOTONE,
            text=f"More left in the band {better.name}, {better.left.in_percent()}, than in the "
            f"worse band {worse.name}, {worse.left.in_percent()}{chance}.",
        )


def _counts(share: Estimate) -> tuple[int, int]:
    return round((share.value or 0) * share.of), share.of


def _days(length: timedelta) -> str:
    """A length in days."""
    days = length / timedelta(days=1)
    return "1 day" if days == 1 else f"{days:g} days"


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"


def found_json(test: BackTest) -> JsonObject:
    """All of a back-test as JSON; figures as text, to 6 places."""
    return {
        "verdicts": [{"found": each.found.value, "text": each.text} for each in test.verdicts],
        "horizon_days": _number(test.horizon / timedelta(days=1)),
        "warnings": list(test.warnings),
        "customers": test.customers,
        "leavers": test.leavers,
        "looks": test.looks,
        "unfollowed": test.unfollowed,
        "coverage": None if test.coverage is None else _number(float(test.coverage)),
        "scored": estimate_json(test.scored),
        "area": estimate_json(test.area),
        "monotone": test.monotone,
        "bands": [_band_json(each) for each in test.bands],
        "lead": _lead_json(test.lead),
        "false_greens": [_green_json(each) for each in test.false_greens],
        "components": [_component_json(each) for each in test.components],
        "groups": [_group_json(each) for each in test.groups],
    }


def _band_json(band: BandOutcome) -> JsonObject:
    model = {"model": band.model} if band.model else {}
    return {**model, "band": band.band, "left": estimate_json(band.left)}


def _lead_json(lead: LeadTime) -> JsonObject:
    return {
        "leavers": lead.leavers,
        "days": estimate_json(lead.days),
        "warned": estimate_json(lead.warned),
        "green": lead.green,
        "silent": lead.silent,
    }


def _green_json(green: FalseGreen) -> JsonObject:
    look = green.look
    return {
        "customer": str(green.customer),
        "left_at": green.left_at.isoformat(),
        "looked_at": look.at.isoformat(),
        "score": None if look.score is None else str(look.score),
        "band": look.band,
        "coverage": _number(float(look.coverage)),
        "components": {name: str(value) for name, value in look.components.items()},
    }


def _component_json(test: ComponentTest) -> JsonObject:
    return {
        "component": test.component,
        "known": estimate_json(test.known),
        "area": estimate_json(test.area),
        "gain": estimate_json(test.gain),
        "beaten": test.beaten,
    }


def _group_json(test: GroupTest) -> JsonObject:
    return {
        "attribute": test.attribute,
        "value": test.value,
        "customers": test.customers,
        "left": estimate_json(test.left),
        "area": estimate_json(test.area),
    }


def estimate_json(estimate: Estimate) -> JsonObject:
    """An estimate as JSON, figures as text; inside this room only."""
    return {
        "value": _number(estimate.value),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
        "of": estimate.of,
        "unclaimed": None if estimate.unclaimed is None else estimate.unclaimed.value,
    }


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"


def found_html(test: BackTest) -> str:
    """The sentences and the main figures, for a notebook."""
    told = "".join(f"<li>{escape(each.text)}</li>" for each in test.verdicts)
    return f"<ul>{told}</ul>" + html_table(
        "Back-test",
        ("", "figure (95\u202f% interval)"),
        (
            ("customers followed, of these left", f"{test.customers:,}, {test.leavers:,}"),
            ("area under the curve (0.5 is chance)", test.area.told()),
            ("days of warning, median", test.lead.days.told(0)),
            ("left in a good band", test.false_green_share.in_percent()),
            *((f"left in band {each.name}", each.left.in_percent()) for each in test.bands),
            *((f"{each.component} alone", each.area.told()) for each in test.components),
        ),
    )


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without a style of its own; inside this room only."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
