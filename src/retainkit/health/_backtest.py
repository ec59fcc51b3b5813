"""Whether a score foretold who left: what it would have said then, against what became of them.

What is found are the values in ``_found``; how far a figure can be believed is ``_statistics``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise, takewhile
from typing import Final, TypeAlias

from attrs import evolve, frozen

from retainkit.errors import InvalidInput
from retainkit.health._bands import UNKNOWN
from retainkit.health._found import (
    BackTest,
    BandOutcome,
    ComponentTest,
    FalseGreen,
    GroupTest,
    LeadTime,
    Look,
)
from retainkit.health._given import each_of_kind
from retainkit.health._judged import Judged, judged
from retainkit.health._model import HealthModel
from retainkit.health._models import HealthModels
from retainkit.health._score import standing
from retainkit.health._statistics import (
    NOTHING,
    Estimate,
    Seen,
    area,
    area_difference,
    median,
    share,
)
from retainkit.health._stays import ReadingsAt, Stay
from retainkit.health._trend import point_of
from retainkit.ids import CustomerId
from retainkit.rules import Readings, declared, meant
from retainkit.timing import utc


_DAY: Final = timedelta(days=1)


def backtest(
    models: HealthModel | HealthModels,
    stays: Iterable[Stay],
    readings_at: ReadingsAt,
    *,
    at: Sequence[datetime],
    horizon: timedelta,
    known_until: datetime | None = None,
    warnings: Collection[str] | None = None,
    by: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> BackTest:
    """
    Hold what models would have said against what became of the customers.

    At each moment every customer who was there is scored with what was known then. The moments
    that count are those that could be followed for a whole horizon, at least a horizon apart, so
    that nobody's leaving counts twice; the others tell how long before the band had turned bad. A
    customer who is looked at several times is taken as one, whose looks belong together.

    Overrides by hand do not take part: the model is judged, not the people beside it.

    Args:
        models: What is judged.

        stays: Of every customer, those who left and those who stayed: leave nobody out.

        readings_at: What was known of a customer at an instant: `known_values` of a warehouse's
            history, `known_events` of a timeline, or any function of yours.

        at: When to look, in order; a week apart is usual.

        horizon: Within how long after a look leaving counts; by what a warning must come to help.

        known_until: Up to when it is known who left; by default the latest end of a stay.

        warnings: The bands that count as bad, in every model that has one of this name, or as
            ``model: band`` in that model alone; by default all but the best one of each model.

        by: The signals that customers are told apart by, beside their attributes: by what was
            known at each look, as nobody knew then what they would be at the end. Where nothing
            was known, an attribute of the same name doesn't stand in for it.

        progress: Told how many of how many customers are done.

    Raises:
        InvalidInput: ``health.moments``: none, not in order, or no horizon;
            ``health.stay_twice``; ``health.unknown_band``; ``health.future_reading``: a reading
            that is later than the moment it was asked for; ``health.form``: `by` is no list of
            names; ``rules.unknown_signal``: a name in `by` that the models don't know, and no
            reading has, with the nearest one.
    """
    by = each_of_kind(by, str, "by", 'pass a list of names, such as by=["plan"]')
    each_of = models.models if isinstance(models, HealthModels) else (models,)
    of = judged(models, warnings)
    population, moments = _population(stays), _moments(at)
    if horizon <= timedelta(0):
        raise _wrong("horizon", str(horizon), "pass a length above zero, such as days(90)")
    end = max((stay.until for stay in population), default=None)
    walk = _Walk(
        moments,
        end if known_until is None else utc(known_until),
        horizon,
        remembers=any(model.bands.hysteresis for model in each_of),
    )
    names = _names(models)
    for done, stay in enumerate(population, 1):
        walk.go(stay, _looking(models, readings_at, stay.customer, by, names))
        if progress is not None:
            progress(done, len(population))
    _check_names(by, names)
    return _found(walk, of, by)


def _names(models: HealthModel | HealthModels) -> set[str]:
    if isinstance(models, HealthModel):
        return set(models.signals)
    return {*models.reads, *(declared(models.signals) if models.signals is not None else ())}


def _check_names(by: Collection[str], names: Collection[str]) -> None:
    for name in by:
        if name not in names:
            raise InvalidInput(
                "There is no such signal",
                code="rules.unknown_signal",
                field="by",
                value=name,
                remedy=meant(name, names, "declare it in the class of HealthModels(signals=)"),
            )


_LookAt: TypeAlias = Callable[[datetime, "Look | None"], Look]


def _looking(
    models: HealthModel | HealthModels,
    readings_at: ReadingsAt,
    customer: CustomerId,
    by: Collection[str],
    names: set[str],
) -> _LookAt:
    def look(moment: datetime, before: Look | None) -> Look:
        known = readings_at(customer, moment)
        for name, reading in known:
            names.add(name)
            if reading.at is not None and reading.at > moment:
                raise InvalidInput(
                    "A back-test looks at what was known, and this was not yet so",
                    code="health.future_reading",
                    field=f"{customer}.{name}",
                    value=reading.at.isoformat(),
                    remedy=f"give the value that was known at {moment.isoformat()}",
                )
        found = _look(models, known, moment, before)
        return evolve(found, attributes=_told_apart(known, moment, by)) if by else found

    return look


def _told_apart(known: Readings, moment: datetime, by: Collection[str]) -> Mapping[str, str]:
    values = {name: known.known(name, moment) for name in by}
    return {name: str(value) for name, value in values.items() if value is not None}


def _look(
    models: HealthModel | HealthModels, known: Readings, moment: datetime, before: Look | None
) -> Look:
    model = models.of(known, moment) if isinstance(models, HealthModels) else models
    if model is None:
        return Look(
            at=moment, score=None, band=UNKNOWN, coverage=Decimal(0), components={}, model=""
        )
    past = [] if before is None or before.version != model.version else [point_of(before)]
    said = standing(model, known, moment, before=past)
    return Look(
        at=moment,
        score=None if said.band == UNKNOWN else said.score,
        band=said.band,
        coverage=said.coverage,
        components={
            each.name: each.points for each in said.contributions if each.points is not None
        },
        model=said.model,
        version=said.version,
    )


def _population(stays: Iterable[Stay]) -> list[Stay]:
    found: dict[CustomerId, Stay] = {}
    for stay in stays:
        if stay.customer in found:
            raise InvalidInput(
                "A customer stays once",
                code="health.stay_twice",
                field="stays",
                value=str(stay.customer),
                remedy="join the customer's stays, or give the second one an id of its own",
            )
        found[stay.customer] = stay
    return list(found.values())


def _moments(at: Sequence[datetime]) -> list[datetime]:
    moments = [utc(moment) for moment in at]
    if not moments or any(later <= earlier for earlier, later in pairwise(moments)):
        raise _wrong("at", [m.isoformat() for m in moments], "pass moments in order, each once")
    return moments


def _wrong(field: str, value: object, remedy: str) -> InvalidInput:
    return InvalidInput(
        "A back-test looks at moments in order, each with a horizon after it",
        code="health.moments",
        field=field,
        value=value,
        remedy=remedy,
    )


@frozen(kw_only=True)
class _Kept:
    """A look that counts, and what became of the customer within the horizon."""

    stay: Stay
    look: Look
    left: bool


class _Walk:
    """One customer after the other, from look to look; what counts is kept."""

    def __init__(
        self,
        moments: Sequence[datetime],
        known_until: datetime | None,
        horizon: timedelta,
        *,
        remembers: bool,
    ) -> None:
        self.horizon = horizon
        self.kept: list[_Kept] = []
        self.leavers: list[tuple[Stay, list[Look]]] = []
        self.unfollowed = 0
        self._moments = moments
        self._counting = _apart(moments, known_until, horizon)
        self._remembers = remembers

    def go(self, stay: Stay, look_at: _LookAt) -> None:
        looks: list[Look] = []
        # How a band came about matters for what follows from it, and to those who left.
        all_of_them = self._remembers or stay.left
        for moment in self._moments:
            if not all_of_them and moment not in self._counting:
                continue
            if moment < stay.since or moment > stay.until or (stay.left and moment == stay.until):
                continue
            looks.append(look_at(moment, looks[-1] if looks else None))
            if moment in self._counting:
                self._keep(stay, looks[-1])
        if stay.left and looks and looks[-1].at >= stay.until - self.horizon:
            self.leavers.append((stay, looks))

    def _keep(self, stay: Stay, look: Look) -> None:
        end = look.at + self.horizon
        if stay.left or stay.until >= end:
            left = stay.left and stay.until <= end
            self.kept.append(_Kept(stay=stay, look=look, left=left))
        else:
            self.unfollowed += 1


def _apart(
    moments: Sequence[datetime], known_until: datetime | None, horizon: timedelta
) -> frozenset[datetime]:
    """
    The moments that count: all could be followed for a horizon, and no two horizons overlap.

    Were those counted of whom it is known by chance that they left early, more would seem to leave;
    were horizons to overlap, one who left would count several times.
    """
    chosen: list[datetime] = []
    for moment in moments:
        if known_until is None or moment + horizon > known_until:
            continue
        if not chosen or moment >= chosen[-1] + horizon:
            chosen.append(moment)
    return frozenset(chosen)


def _found(walk: _Walk, of: Judged, by: Collection[str]) -> BackTest:
    kept = walk.kept
    scored = [each for each in kept if each.look.score is not None]
    lead, greens = _lead(walk.leavers, of)
    return BackTest(
        horizon=walk.horizon,
        warnings=of.warnings,
        customers=len({each.stay.customer for each in kept}),
        leavers=len({each.stay.customer for each in kept if each.left}),
        looks=len(kept),
        unfollowed=walk.unfollowed,
        coverage=(
            sum((each.look.coverage for each in kept), Decimal(0)) / len(kept) if kept else None
        ),
        scored=share(len(scored), len(kept)),
        area=area(_scores(scored, of)),
        bands=_bands(kept, of),
        lead=lead,
        false_greens=greens,
        components=_components(scored, of),
        groups=_groups(kept, of, by),
    )


def _seen(each: _Kept, points: Decimal, of: Judged) -> Seen:
    return Seen(each.stay.customer, of.placed(each.look, points), each.left)


def _scores(kept: Iterable[_Kept], of: Judged) -> list[Seen]:
    return [_seen(each, each.look.score, of) for each in kept if each.look.score is not None]


def _bands(kept: Iterable[_Kept], of: Judged) -> tuple[BandOutcome, ...]:
    found: dict[tuple[str, str], list[bool]] = {each: [] for each in of.bands}
    unknown: list[bool] = []
    for each in kept:
        found.get((each.look.model, each.look.band), unknown).append(each.left)
    return (
        *(
            BandOutcome(band=band, model=model if of.several else "", left=_left(left))
            for (model, band), left in found.items()
        ),
        BandOutcome(band=UNKNOWN, left=_left(unknown)),
    )


def _left(left: Sequence[bool]) -> Estimate:
    return share(sum(left), len(left))


def _lead(
    leavers: Sequence[tuple[Stay, list[Look]]], of: Judged
) -> tuple[LeadTime, tuple[FalseGreen, ...]]:
    days: list[float] = []
    greens: list[tuple[Decimal, FalseGreen]] = []
    silent = 0
    for stay, looks in leavers:
        last = looks[-1]
        if last.score is None:
            silent += 1
        elif of.is_bad(last):
            days.append((stay.until - _turned(looks, of)) / _DAY)
        else:
            green = FalseGreen(customer=stay.customer, left_at=stay.until, look=last)
            greens.append((of.placed(last, last.score), green))
    greens.sort(key=lambda each: (-each[0], each[1].customer))
    found = LeadTime(
        leavers=len(leavers),
        days=median(days),
        warned=share(len(days), len(leavers)),
        green=len(greens),
        silent=silent,
    )
    return found, tuple(green for _, green in greens)


def _turned(looks: Sequence[Look], of: Judged) -> datetime:
    """Since when the band has been bad; not knowing is no recovery."""
    bad = takewhile(lambda look: of.is_bad(look) or look.band == UNKNOWN, reversed(looks))
    return min(look.at for look in bad if look.band != UNKNOWN)


def _components(scored: Sequence[_Kept], of: Judged) -> tuple[ComponentTest, ...]:
    names = dict.fromkeys(name for each in scored for name in each.look.components)
    return tuple(_component(name, scored, of) for name in names)


def _component(name: str, scored: Sequence[_Kept], of: Judged) -> ComponentTest:
    known = [each for each in scored if name in each.look.components]
    alone = [_seen(each, each.look.components[name], of) for each in known]
    return ComponentTest(
        component=name,
        known=share(len(known), len(scored)),
        area=area(alone),
        gain=area_difference(_scores(known, of), alone) if known else NOTHING,
    )


def _groups(kept: Sequence[_Kept], of: Judged, by: Collection[str]) -> tuple[GroupTest, ...]:
    found: dict[tuple[str, str], list[_Kept]] = {}
    for each in kept:
        model = {"model": each.look.model} if of.several and each.look.model else {}
        # What is told at the end is no stand-in for what was not known at the look.
        told = {name: value for name, value in each.stay.attributes.items() if name not in by}
        for attribute in (*model.items(), *told.items(), *each.look.attributes.items()):
            found.setdefault(attribute, []).append(each)
    return tuple(
        GroupTest(
            attribute=attribute,
            value=value,
            customers=len({each.stay.customer for each in group}),
            left=_left([each.left for each in group]),
            area=area(_scores(group, of)),
        )
        for (attribute, value), group in sorted(found.items())
    )
