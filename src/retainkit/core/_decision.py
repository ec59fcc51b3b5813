"""Deciding: what a feature is asked, and what it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from attrs import field, frozen

from retainkit.core._because import Because
from retainkit.core._event import Event, RecordedEvent
from retainkit.core._json import JsonObject
from retainkit.core._outcome import Settled
from retainkit.core._projection import Bucket, Wanted
from retainkit.core._schedule import Effect
from retainkit.ids import CaseId, CustomerId, TenantId


EVERY_NAME: Final = "*"
"""Among the names that a feature subscribes to: events of all names that nobody decided."""


class Case(Protocol):
    """What every case tells the engine about itself."""

    @property
    def id(self) -> CaseId:
        """Derived from natural keys."""
        ...

    @property
    def key(self) -> str:
        """The natural key; a customer has at most one open case of a key."""
        ...

    @property
    def customer(self) -> CustomerId:
        """Whom it concerns."""
        ...

    @property
    def open(self) -> bool:
        """Whether there is a next step."""
        ...


C = TypeVar("C", bound=Case)
P = TypeVar("P")


@frozen(kw_only=True)
class Woken:
    """
    Events arrived that the feature subscribes to.

    Args:
        events: In the order retainkit learned of them.
    """

    events: tuple[RecordedEvent, ...]


@frozen(kw_only=True)
class Due:
    """The case's own time has come."""


@frozen(kw_only=True)
class Performed:
    """
    An effect has its outcome.

    Args:
        effect: What was asked for.

        outcome: What became of it.

        actor: ``retainkit``, or the person who settled it.
    """

    effect: Effect
    outcome: Settled
    actor: str = "retainkit"


Trigger: TypeAlias = Woken | Due | Performed


@frozen(kw_only=True)
class Facts:
    """
    What the engine loads for a decision.

    Args:
        tenant: Whose data this is.

        customer: Whom the decision concerns.

        history: When events woke the feature, all events of the customer with the names it
            ``reads``; else empty.

        buckets: What a `Measuring` feature wanted of the customer's counts.
    """

    tenant: TenantId
    customer: CustomerId
    history: tuple[RecordedEvent, ...] = ()
    buckets: tuple[Bucket, ...] = ()


@frozen(kw_only=True)
class Decision(Generic[C]):
    """
    Everything one step says; written in one commit.

    Args:
        case: The case after the step; None when there is none to keep.

        wake: When the case's next step is due; an open case has exactly one.

        events: What is now part of the past.

        effects: What is to be done outside.

        withdraw: Attempts of this case, or of a feature without cases, that are not to be made any
            more; one that nobody has sent yet is answered with ``NoEffect("withdrawn")`` in the
            same commit, any other goes on.

        because: The reasons; the engine writes them with each event that has none of its own.
    """

    case: C | None = None
    wake: datetime | None = None
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    withdraw: tuple[str, ...] = ()
    because: tuple[Because, ...] = field(default=())


class Feature(Protocol[C, P]):
    """
    One job of retainkit: pure decisions over cases of one kind.

    A feature reads no clock and calls nobody; it never sees a store.
    """

    @property
    def name(self) -> str:
        """The first part of its events' names."""
        ...

    @property
    def subscribes(self) -> frozenset[str]:
        """Names of the events that wake it; `EVERY_NAME` for all that have no reasons."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """Names of the earlier events it wants to see when events wake it."""
        ...

    @property
    def schema(self) -> int:
        """Version of the shape of its cases."""
        ...

    @property
    def case_type(self) -> type[C]:
        """The frozen class of its cases."""
        ...

    @property
    def policy(self) -> P:
        """The policy that new cases run under."""
        ...

    @property
    def definition(self) -> JsonObject:
        """The policy as JSON, exactly; its content hash names the policy."""
        ...

    def policy_of(self, definition: JsonObject) -> P:
        """The policy that a ``definition`` says."""
        ...

    def upcast(self, body: dict[str, object], schema: int) -> dict[str, object]:
        """The body of a case of an older schema in the shape of the present one."""
        ...

    def route(self, event: Event, cases: Sequence[C]) -> Sequence[str]:
        """The natural keys of the cases an event concerns; ``cases`` are the open ones."""
        ...

    def decide(
        self, case: C | None, trigger: Trigger, facts: Facts, now: datetime, policy: P
    ) -> Decision[C]:
        """What to do now. Pure: the same arguments give the same decision."""
        ...


@runtime_checkable
class Measuring(Protocol):
    """
    A feature that decides over what was counted of the past, too.

    If it is a :class:`OneCase`, a customer's first event wakes it, whatever its name: silence has
    to be waited for.
    """

    def wanted(self, case: Case | None, trigger: Trigger, now: datetime) -> Wanted:
        """The buckets it wants to see for this decision. Pure."""
        ...
