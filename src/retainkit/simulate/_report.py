"""The demo's report: which charts, tables and stories of two outcomes, in which order and words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from retainkit.core import JsonValue
from retainkit.dunning import DunningPolicy
from retainkit.money import format_money
from retainkit.reports import (
    BarChart,
    BarGroup,
    Curve,
    Fact,
    Flow,
    FlowChart,
    Page,
    Section,
    Share,
    Step,
    StepChart,
    Steps,
    Table,
    percent,
)
from retainkit.simulate._figures import (
    DEFINITIONS,
    Compared,
    by_attempt,
    by_currency,
    codes,
    ladder,
    lost_days,
    overview,
    recovered_by,
    recovered_of,
)
from retainkit.simulate._outcome import Means, Outcome, Result, Story
from retainkit.simulate._parameters import Parameters, sources


_MARKS: Final = (0, 1, 3, 7, 14, 21, 28)
_UNTOLD: Final = ("dunning.invoice_joined", "message.granted")
_CAUTION: Final = (
    "Simulated figures say how policies compare in this world, and nothing about what any real "
    "product will recover."
)
_HOW: Final = {
    Means.RETRY: "recovered by a planned try",
    Means.NEW_CARD: "recovered by a new card",
    Means.CONFIRMED: "recovered once the customer had confirmed",
}
_ENDS: Final = {
    Result.ENDED: "ended unpaid",
    Result.LEFT: "left unpaid by a customer who had cancelled",
    Result.OPEN: "still open when the clock stopped",
}


def report(compared: Sequence[Compared]) -> Page:
    """The page; the first outcome is the one that is shown off, the others stand beside it."""
    first = compared[0].outcome
    world = first.world
    return Page(
        title="What became of every failed payment",
        badge="Simulated: no real customers, no real money",
        lead=(
            f"A made-up product with {len(world.customers):,} customers bills for {world.days} "
            f"days in {_listed(sorted(first.due))}. retainkit's production code runs it, on a "
            "clock that is turned by hand, under two policies that meet the same customers with "
            "the same cards and the same troubles."
        ),
        facts=_facts(compared),
        sections=(
            Section(
                title="How soon the money comes",
                lead="Share of the invoices that failed at first and were paid since.",
                blocks=(_curve(compared),),
            ),
            Section(
                title="What became of each invoice",
                lead="All invoices, those whose first charge failed, and what became of them.",
                blocks=(_funnel(compared),),
            ),
            Section(
                title="Why payments failed",
                lead=(
                    "A lost or stolen card is never tried again, and an expired one only once the "
                    "customer has given a new one: there the message does the work, not the try."
                ),
                blocks=(_bars(compared),),
            ),
            Section(
                title="Money and attempts",
                lead="Currencies are never added up.",
                blocks=(by_currency(compared), by_attempt(compared)),
                paired=True,
            ),
            Section(
                title="Some cases, as retainkit explains them",
                lead=(
                    f"From the run under “{compared[0].name}”. Each sentence is what "
                    "kit.explain(case) says, shortened; times are UTC."
                ),
                blocks=tuple(_story(story) for story in first.stories),
                paired=True,
            ),
            Section(
                title="All figures, and what they rest on",
                lead="The totals, the two policies, and the assumptions behind the world.",
                blocks=(overview(compared), _policies(compared), _sources()),
            ),
        ),
        footer=(
            DEFINITIONS,
            _CAUTION,
            (
                f"Made with: retainkit demo --customers {len(world.customers)} --days {world.days} "
                f"--seed {world.seed}. The same command writes the same bytes."
            ),
        ),
    )


def _facts(compared: Sequence[Compared]) -> tuple[Fact, ...]:
    first, other = compared[0].outcome, compared[1].outcome
    than = compared[1].name
    share, theirs = (percent(len(o.recovered), len(o.failed)) for o in (first, other))
    return (
        Fact(
            name="Invoices that failed at first",
            value=f"{len(first.failed):,}",
            note=f"of {first.invoices:,} due ({percent(len(first.failed), first.invoices)})",
        ),
        Fact(name="Recovered of these", value=share, note=f"{than}: {theirs}"),
        Fact(
            name="Subscriptions lost to failed payments",
            value=str(first.ended),
            note=f"{than}: {other.ended}",
        ),
        Fact(
            name="Days of lost access",
            value=f"{lost_days(first):,}",
            note=f"{than}: {lost_days(other):,}",
        ),
        Fact(
            name="Messages sent",
            value=f"{sum(first.messages.values()):,}",
            note=f"{than}: {sum(other.messages.values()):,}",
        ),
        Fact(
            name="Invoices charged twice",
            value=str(len(first.charged_twice)),
            note=f"by the provider's own books; {than}: {len(other.charged_twice)}",
        ),
    )


def _curve(compared: Sequence[Compared]) -> StepChart:
    last = _MARKS[-1]
    return StepChart(
        title="Recovered by days since the first failure",
        description=" ".join(
            f"Under “{one.name}”, {percent(*_within(one.outcome, 7))} of the failed invoices are "
            f"recovered within 7 days and {percent(*_within(one.outcome, last))} within {last}."
            for one in compared
        ),
        days="days since the first failure",
        curves=tuple(
            Curve(
                name=one.name,
                counts=recovered_by(one.outcome, last),
                whole=len(one.outcome.failed),
            )
            for one in compared
        ),
        marks=_MARKS,
        note="Recovered within n days: paid at most n times 24 hours after the first charge "
        "failed, as a share of all invoices that failed. Each invoice is followed for at least "
        "35 days.",
    )


def _within(outcome: Outcome, day: int) -> tuple[int, int]:
    return recovered_by(outcome, day)[day], len(outcome.failed)


def _funnel(compared: Sequence[Compared]) -> FlowChart:
    return FlowChart(
        title="From due to recovered",
        description=" ".join(
            f"Under “{one.name}”, {len(one.outcome.failed):,} of {one.outcome.invoices:,} invoices "
            f"failed at first; {len(one.outcome.recovered):,} of these were recovered."
            for one in compared
        ),
        whole="invoices due",
        part="failed at first",
        flows=tuple(_flow(one) for one in compared),
        note=DEFINITIONS,
    )


def _flow(one: Compared) -> Flow:
    failed = one.outcome.failed

    def came(means: Means) -> int:
        return sum(each.means is means for each in failed)

    def ended(result: Result) -> int:
        return sum(each.result is result for each in failed)

    return Flow(
        name=one.name,
        whole=one.outcome.invoices,
        part=len(failed),
        shares=(
            Share(name="planned try", count=came(Means.RETRY), tone=0),
            Share(name="new card", count=came(Means.NEW_CARD), tone=1),
            Share(name="confirmed", count=came(Means.CONFIRMED), tone=2),
            Share(name="ended", count=ended(Result.ENDED), tone=3),
            Share(name="left", count=ended(Result.LEFT), tone=4),
            Share(name="open", count=ended(Result.OPEN), tone=5),
        ),
    )


def _bars(compared: Sequence[Compared]) -> BarChart:
    shown = codes(compared)
    return BarChart(
        title="Recovered of failed, by decline code",
        description=" ".join(
            f"{code}: "
            + ", ".join(
                "{} of {} under “{}”".format(*recovered_of(one.outcome, code), one.name)
                for one in compared
            )
            + "."
            for code in shown
        ),
        series=tuple(one.name for one in compared),
        groups=tuple(
            BarGroup(name=code, parts=tuple(recovered_of(one.outcome, code) for one in compared))
            for code in shown
        ),
        of="Decline code",
        whole="not recovered",
        note="The code is that of the invoice's first failure.",
    )


def _story(story: Story) -> Steps:
    invoice = story.invoice
    days = "" if invoice.took is None else f" after {_span(invoice.took.days)}"
    came = _HOW[invoice.means] if invoice.means is not None else _ENDS[invoice.result]
    moments: dict[datetime, list[tuple[str, str]]] = {}
    for each in story.told:
        if each.event not in _UNTOLD:
            line = (f"{_words(each.event)}:", " ".join(each.reasons))
            moments.setdefault(each.at, []).append(line)
    return Steps(
        title=f"{invoice.code}: {came}",
        lead=f"Invoice {invoice.id}, {format_money(invoice.amount, 'en')}, {came}{days}.",
        steps=tuple(Step(at=at, lines=tuple(lines)) for at, lines in moments.items()),
    )


def _span(days: int) -> str:
    if days == 0:
        return "less than a day"
    return f"{days} day" if days == 1 else f"{days} days"


def _words(event: str) -> str:
    return (
        event.partition(".")[2].replace("_", " ")
        if event.startswith("dunning.")
        else (event.replace(".", " ").replace("_", " "))
    )


def _policies(compared: Sequence[Compared]) -> Table:
    rows = [
        ("tries, days after the first failure", *(ladder(one.outcome.policy) for one in compared))
    ]
    stages = max(len(one.outcome.policy.stages) for one in compared)
    rows += [
        (f"stage {index + 1}", *(_stage(one.outcome.policy, index) for one in compared))
        for index in range(stages)
    ]
    return Table(
        caption="The policies",
        head=("", *(one.name for one in compared)),
        rows=tuple(rows),
        figures=False,
        note="Messages, access and the end are the same, and so is the number of tries: only "
        "their days differ.",
    )


def _stage(policy: DunningPolicy, index: int) -> str:
    if index >= len(policy.stages):
        return ""
    stage = policy.stages[index]
    told: list[JsonValue] = [f"day {stage.after.days}"]
    if stage.message is not None:
        told.append(f"message {stage.message}, {stage.tone.value}")
    if stage.access.severity:
        told.append(f"access {stage.access.value}")
    if stage.end is not None:
        told.append(f"end: {stage.end.value}")
    return "; ".join(str(each) for each in told)


def _sources() -> Table:
    return Table(
        caption="What the world is made of",
        head=("what it is", "value", "where it comes from"),
        rows=sources(Parameters()),
        figures=False,
        note="There is no public data set of payment retries: where no source is named, the "
        "number is a plausible assumption. Paydays and time zones, and the code that draws from "
        "these numbers, are in retainkit.simulate.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)
