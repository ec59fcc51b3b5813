"""The features of a kit, each with the crossing between its cases and their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from retainkit.core import (
    EVERY_NAME,
    Case,
    Event,
    Feature,
    Measuring,
    OneCase,
    Record,
    content_hash,
)
from retainkit.engine import _codec as codec
from retainkit.errors import ConfigurationError, Refused
from retainkit.stores import Transaction


if TYPE_CHECKING:
    from retainkit.engine._counting import Counting

C = TypeVar("C", bound=Case)
P = TypeVar("P")


class NewerSchema(Refused):
    """The item belongs to another worker, of a newer version or with more features."""

    def __init__(self, feature: str) -> None:
        super().__init__(
            "This case is of a feature that this kit lacks, or of a newer version of it",
            code="case.newer_schema",
            field="feature",
            value=feature,
            remedy="use a kit that has the feature, in the version that wrote the case",
        )


class Bound(Generic[C, P]):
    """A feature, its policies by content hash, and how its cases are read and written."""

    def __init__(self, feature: Feature[C, P]) -> None:
        self.feature: Feature[C, P] = feature
        self.measuring: Measuring | None = feature if isinstance(feature, Measuring) else None
        self.waits: bool = self.measuring is not None and isinstance(feature, OneCase)
        self._policies: dict[str, P] = {}
        self._current: str | None = None

    @property
    def current(self) -> str:
        """The content hash of the policy that new cases run under."""
        if self._current is None:
            self._current = content_hash(self.feature.definition)
            self._policies[self._current] = self.feature.policy
        return self._current

    def policy(self, definition: str, tx: Transaction) -> P:
        """
        The policy of that content hash.

        Raises:
            ConfigurationError: The store does not hold it.
        """
        if definition == self.current:
            return self.feature.policy
        known = self._policies.get(definition)
        if known is not None:
            return known
        body = tx.records.definition(definition)
        if body is None:
            raise ConfigurationError(
                "The policy of a running case is not in the store",
                code="definition.missing",
                field="definition",
                value=definition,
                remedy="restore the definition table, or move the case with kit.migrate_cases",
            )
        policy = self.feature.policy_of(body)
        self._policies[definition] = policy
        return policy

    def case(self, record: Record) -> C:
        """The case in a record, brought up to the present shape."""
        if record.schema > self.feature.schema:
            raise NewerSchema(record.feature)
        body: Mapping[str, object] = record.body
        if record.schema < self.feature.schema:
            body = self.feature.upcast(dict(body), record.schema)
        return codec.load(body, self.feature.case_type)

    def record(self, case: C, before: Record | None) -> Record:
        """The record of a case, one version above the one before."""
        return Record(
            feature=self.feature.name,
            id=case.id,
            key=case.key,
            customer=case.customer,
            open=case.open,
            version=1 if before is None else before.version + 1,
            schema=self.feature.schema,
            definition=self.current if before is None else before.definition,
            body=codec.dump(case),
        )


# The engine moves cases of features it knows nothing about: their types meet only inside a Bound.
AnyFeature = Feature[Any, Any]
AnyBound = Bound[Any, Any]


class Features:
    """All features of a kit, who is woken by what, and what is counted for them."""

    def __init__(self, features: Iterable[AnyFeature], counting: Counting | None = None) -> None:
        self.counting: Counting | None = counting
        self._bound: dict[str, AnyBound] = {}
        subscribers: dict[str, list[str]] = {}
        for feature in features:
            if feature.name in self._bound:
                raise ConfigurationError(
                    "Two features have the same name",
                    code="feature.twice",
                    field="features",
                    value=feature.name,
                    remedy="pass each feature once",
                )
            self._bound[feature.name] = Bound(feature)
            for name in feature.subscribes:
                subscribers.setdefault(name, []).append(feature.name)
        self._subscribers: Mapping[str, list[str]] = subscribers
        self.waiting: tuple[str, ...] = tuple(
            bound.feature.name for bound in self._bound.values() if bound.waits
        )

    def __iter__(self) -> Iterator[AnyBound]:
        return iter(self._bound.values())

    def woken_by(self, event: Event) -> Iterable[str]:
        """The features that subscribe to it; what was decided wakes nobody who only says `*`."""
        named = self._subscribers.get(event.name, ())
        every = self._subscribers.get(EVERY_NAME, ())
        return {*named, *every} if every and not event.because else named

    def get(self, name: str) -> AnyBound | None:
        """The feature of that name, if this kit has it."""
        return self._bound.get(name)
