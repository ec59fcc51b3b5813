"""`kit.health`: how customers are, now and as it was known; scoring itself is in `health`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, cast

from attrs import frozen

from retainkit.core import Because
from retainkit.engine._signals import PAGE, KitSignals, Opened, Progress
from retainkit.errors import ConfigurationError
from retainkit.health import (
    HISTORY_EVENTS,
    UNKNOWN,
    Health,
    HealthCase,
    HealthFeature,
    HealthModels,
    HealthPoint,
    Override,
    health_case,
    history,
    request_end,
    request_override,
    rescore_request,
    score,
)
from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.engine._counting import Counting
    from retainkit.engine._features import AnyBound
    from retainkit.engine._kit import RetainKit


@frozen(kw_only=True)
class HealthAnswer:
    """
    How a customer is, and why.

    Args:
        customer: Who.

        health: What the model says now; None when no model is for the customer.

        band: The band as people see it: an override counts.

        override: A person's word on the band, while it holds.

        because: The reasons.

        locale: The reader's.

        zone: The reader's IANA zone.
    """

    customer: CustomerId
    health: Health | None
    band: str
    override: Override | None = None
    because: tuple[Because, ...] = ()
    locale: str = "en"
    zone: str = "UTC"

    @property
    def lines(self) -> tuple[str, ...]:
        """The reasons in the reader's language; written when they are asked for."""
        from retainkit.messages.reasons import explain_text

        return tuple(
            explain_text(each.key, each.values, self.locale, zone=self.zone)
            for each in self.because
        )

    def __str__(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


class KitHealth:
    """
    How customers are, as ``kit.health``.

    On a kit each call is a commit of its own; on a joined one all of it belongs to the host's
    transaction.
    """

    def __init__(self, kit: RetainKit, opened: Opened) -> None:
        self._kit = kit
        self._opened = opened

    @property
    def models(self) -> HealthModels:
        """
        How health is told.

        Raises:
            ConfigurationError: ``kit.no_health``.
        """
        models = self._kit.health_models
        if models is None:
            raise ConfigurationError(
                "This kit has no health models",
                code="kit.no_health",
                field="health",
                remedy="pass RetainKit(health=HealthModels(...)), or what read_health_models gives",
            )
        return models

    def of(self, customer: CustomerId, *, as_of: int | datetime | None = None) -> Health | None:
        """
        The health of a customer; None when no model is for it, as far as is known.

        Args:
            customer: The host's id.

            as_of: By what was known then, at that time; see :meth:`KitSignals.of`. None is now. It
                has no trend, and its band no hysteresis: what was told then is in `history`.

        Raises:
            InvalidInput: ``signals.as_of``, ``time.naive``.
            ConfigurationError: ``kit.no_health``.
        """
        if as_of is None:
            return self._now(customer)[0]
        models = self.models
        known, at = KitSignals(self._kit, self._opened).known(customer, as_of)
        model = models.of(known, at)
        return None if model is None else score(model, known, at)

    def why(self, customer: CustomerId, *, locale: str = "en", zone: str = "UTC") -> HealthAnswer:
        """
        How a customer is now, and what each component read and said.

        Args:
            customer: Who.

            locale: The reader's.

            zone: The reader's IANA zone.

        Raises:
            ConfigurationError: ``kit.no_health``.
        """
        health, case = self._now(customer)
        override = None if case is None else case.override
        if override is not None and override.until <= self._kit.clock.now():
            override = None
        reasons = [Because(key="health.model.none")] if health is None else [*health.because]
        if health is not None and health.score is not None:
            reasons.insert(0, _standing(health))
        if override is not None:
            reasons.insert(0, Because(key="health.overridden", values=override.to_json()))
        return HealthAnswer(
            customer=customer,
            health=health,
            band=override.band if override else UNKNOWN if health is None else health.band,
            override=override,
            because=tuple(reasons),
            locale=locale,
            zone=zone,
        )

    def history(self, customer: CustomerId) -> tuple[HealthPoint, ...]:
        """
        What was told of a customer's health, the oldest first; see `retainkit.health.history`.

        Raises:
            ConfigurationError: ``kit.no_health``.
        """
        self.models  # noqa: B018 - a kit without health says so
        with self._opened() as k:
            told = k.tx.timeline.of(customer, names=HISTORY_EVENTS)
        return history(recorded.event for recorded in told)

    def override(
        self, customer: CustomerId, band: str, *, reason: str, actor: str, until: datetime
    ) -> None:
        """
        Put a customer into a band, by a person's word, until a day; the score goes on beside it.

        The next worker decides it; ``kit.decide(customer)`` does so at once.

        Args:
            customer: Who.

            band: One of the models' bands.

            reason: Why, in one word.

            actor: The id of the person.

            until: When it ends by itself.

        Raises:
            InvalidInput: ``health.unknown_band``, ``health.override_end``, ``health.reason``,
                ``health.actor``, ``health.customer``, ``time.naive``.
            ConfigurationError: ``kit.no_health``.
        """
        said = Override(band=band, reason=reason, actor=actor, until=until)
        asked = request_override(self.models, customer, said, self._kit.clock.now())
        with self._opened() as k:
            k.record(asked)

    def end_override(self, customer: CustomerId, *, reason: str, actor: str) -> None:
        """
        End an override before its day; where there is none, nothing happens.

        Args:
            customer: Who.

            reason: Why, in one word.

            actor: The id of the person.

        Raises:
            InvalidInput: ``health.reason``, ``health.actor``, ``health.customer``.
            ConfigurationError: ``kit.no_health``.
        """
        self.models  # noqa: B018 - a kit without health says so
        asked = request_end(customer, actor=actor, reason=reason, now=self._kit.clock.now())
        with self._opened() as k:
            k.record(asked)

    def rescore(
        self,
        customers: Iterable[CustomerId] | None = None,
        *,
        progress: Progress | None = None,
    ) -> int:
        """
        Have customers scored by the next worker; how many.

        For a product that has customers already when health comes to it, and after a model was
        changed: else that is told at the start of each customer's next day.

        Args:
            customers: Whom; all by default, in commits of 1,000. Who has no events is nobody.

            progress: Told after each commit how many are asked, and of how many if that is known.

        Raises:
            ConfigurationError: ``kit.no_health``.
        """
        self.models  # noqa: B018 - a kit without health says so
        done = 0
        for page in self._pages(customers):
            done += self._asked(page)
            if progress is not None:
                progress(done, None)
        return done

    # ---- the kit's own

    def _pages(self, customers: Iterable[CustomerId] | None) -> Iterator[Sequence[CustomerId]]:
        """All who have events, or those of these."""
        if customers is not None:
            named = iter(dict.fromkeys(customers))
            while ids := tuple(islice(named, PAGE)):
                yield self._known(ids)
            return
        after: CustomerId | None = None
        while page := self._page(after):
            yield page
            after = page[-1]

    def _page(self, after: CustomerId | None) -> tuple[CustomerId, ...]:
        with self._opened() as k:
            return tuple(k.tx.timeline.customers(after=after, limit=PAGE))

    def _known(self, customers: Iterable[CustomerId]) -> list[CustomerId]:
        with self._opened() as k:
            return [customer for customer in customers if k.timeline(customer, limit=1)]

    def _asked(self, customers: Iterable[CustomerId]) -> int:
        now = self._kit.clock.now()
        asked = [rescore_request(customer, now) for customer in customers]
        with self._opened() as k:
            k.record(*asked)
        return len(asked)

    def _now(self, customer: CustomerId) -> tuple[Health | None, HealthCase | None]:
        """The health now, and what is kept of it."""
        models, now = self.models, self._kit.clock.now()
        bound = cast("AnyBound", self._kit.features.get("health"))  # there, as there are models
        feature = cast("HealthFeature", bound.feature)
        counting = cast("Counting", self._kit.features.counting)  # likewise
        with self._opened() as k:
            record = k.tx.records.get("health", health_case(customer))
            wanted = feature.measures.wanted(now, models.reads)
            counted = tuple(counting.read(k.tx, customer, wanted))
        case = None if record is None else cast("HealthCase", bound.case(record))
        return feature.health(case, counted, now), case


def _standing(health: Health) -> Because:
    """What a person wants to know first."""
    return Because(
        key="health.score.stands",
        values={
            "score": str(health.score),
            "band": health.band,
            "coverage": str(health.coverage),
        },
    )
