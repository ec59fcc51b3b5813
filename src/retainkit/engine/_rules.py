"""`kit.rules`: who is in which segment, what is true of a customer, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from attrs import frozen

from retainkit.core import Bucket, Event, Member, Wanted
from retainkit.engine._signals import PAGE, KitSignals, Opened, Progress, record_anew
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CaseId, CustomerId, EventId, derive
from retainkit.rules import (
    Change,
    Condition,
    Difference,
    Explained,
    Rulebook,
    RuleState,
    Truth,
    meant,
    why,
    why_not,
)
from retainkit.signals import RECHECK_EVENT, Measures, Recheck, RulesCase, RulesFeature


if TYPE_CHECKING:
    from retainkit.engine._counting import Counting
    from retainkit.engine._features import AnyBound
    from retainkit.engine._join import JoinedKit
    from retainkit.engine._kit import RetainKit

Counted: TypeAlias = "tuple[CustomerId, tuple[Bucket, ...]]"
_Found = TypeVar("_Found")
_LONGEST_PAGE = 2**31


@frozen(kw_only=True)
class RuleAnswer:
    """
    What a rule says of a customer, and why.

    Args:
        rule: Its id.

        customer: Of whom.

        at: The instant it was asked at.

        explained: The answer with its reasons, as data.

        changes: The fewest signals that would have to change for it to be true; only told by
            :meth:`KitRules.why_not`.

        by_time: When it becomes true although nothing happens; likewise.

        lines: The same in the reader's language.
    """

    rule: str
    customer: CustomerId
    at: datetime
    explained: Explained
    changes: tuple[Change, ...] = ()
    by_time: datetime | None = None
    lines: tuple[str, ...] = ()

    @property
    def truth(self) -> Truth:
        """True, false or unknown."""
        return self.explained.truth

    def __str__(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@frozen(kw_only=True)
class Rechecked:
    """
    What a recheck found.

    Args:
        asked: Of how many customers all rules were asked.

        woken: Of how many the recorded state was another one, or missing; their rules are decided
            by the next worker.
    """

    asked: int = 0
    woken: int = 0


class KitRules:
    """
    What is true of customers, as ``kit.rules``.

    On a kit each call is a commit of its own; on a joined one all of it belongs to the host's
    transaction.
    """

    def __init__(self, kit: RetainKit, opened: Opened) -> None:
        self._kit = kit
        self._opened = opened

    # ---- who

    def members(
        self, group: str, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Member, ...]:
        """
        Who is in a segment, or under a rule that has fired, in the order of their ids.

        Args:
            group: ``segment:NAME`` or ``rule:ID``.

            after: Only customers with an id above this one: the last of the page before.

            limit: At most so many.

        Raises:
            InvalidInput: ``rules.unknown_group``, ``rules.page``.
            ConfigurationError: ``kit.no_rules``.
        """
        _check_group(self._rulebook(), group)
        _check_page(limit)
        with self._opened() as k:
            return k.tx.projections.members(group, after=after, limit=limit)

    def states(self, customer: CustomerId) -> Mapping[str, RuleState]:
        """
        Where each rule and segment stands for a customer, by ``rule:ID`` or ``segment:NAME``.

        In the order of the rulebook, segments first. Those that are idle and of which nothing has
        to be known are left out.

        Raises:
            ConfigurationError: ``kit.no_rules``.
        """
        book = self._rulebook()
        with self._opened() as k:
            case = _case(k, self._bound(), customer)
        return {} if case is None else _in_order(book, case.states)

    # ---- why

    def why(
        self, customer: CustomerId, rule: str, *, locale: str = "en", zone: str = "UTC"
    ) -> RuleAnswer:
        """
        Why a rule is true, false or unknown of a customer now: each part with what is known.

        Args:
            customer: Of whom.

            rule: The rule's id, or ``segment:NAME``.

            locale: The reader's.

            zone: The reader's IANA zone.

        Raises:
            InvalidInput: ``rules.unknown_rule``, ``rules.unknown_group``.
            ConfigurationError: ``kit.no_rules``.
        """
        from retainkit.messages.reasons import explained_lines

        at, found = self._asked(why, customer, rule)
        return RuleAnswer(
            rule=rule,
            customer=customer,
            at=at,
            explained=found,
            lines=explained_lines(found, locale, zone=zone),
        )

    def why_not(
        self, customer: CustomerId, rule: str, *, locale: str = "en", zone: str = "UTC"
    ) -> RuleAnswer:
        """
        Why a rule is not true of a customer now, and the smallest change that would make it so.

        Args:
            customer: Of whom.

            rule: The rule's id, or ``segment:NAME``.

            locale: The reader's.

            zone: The reader's IANA zone.

        Raises:
            InvalidInput: ``rules.unknown_rule``, ``rules.unknown_group``.
            ConfigurationError: ``kit.no_rules``.
        """
        from retainkit.messages.reasons import why_not_lines

        at, found = self._asked(why_not, customer, rule)
        return RuleAnswer(
            rule=rule,
            customer=customer,
            at=at,
            explained=found.explained,
            changes=found.changes,
            by_time=found.by_time,
            lines=why_not_lines(found, locale, zone=zone),
        )

    # ---- all customers

    def recheck(
        self,
        customers: Iterable[CustomerId] | None = None,
        *,
        progress: Progress | None = None,
    ) -> Rechecked:
        """
        Ask all rules of all customers, and wake those whose recorded state is another one.

        The batch of the night: it finds who was missed, for example because rules came to a
        product that has customers already. On a healthy store it wakes nobody. It changes no
        state by itself: ``rules.recheck_requested`` is recorded, and the next worker decides.

        It goes by states. Members of segments that were lost from the store although their states
        are there, and buckets, are put right by `KitSignals.rebuild`.

        Args:
            customers: Whom to look at; all by default. Who has no events is nobody.

            progress: Told after each page how many are done, and of how many if that is known.

        Raises:
            ConfigurationError: ``kit.no_rules``.
        """
        self._rulebook()
        bound, asked, woken = self._bound(), 0, 0
        recheck = Recheck(cast("RulesFeature", bound.feature), self._kit.tenant)
        for k, page in self._pages(self._measures().wanted(self._kit.clock.now()), customers):
            now = self._kit.clock.now()
            wishes: list[Event] = []
            for customer, counted in page:
                wish, case = _wish(customer, now), _case(k, bound, customer)
                if case is None or recheck.differs(case, counted, wish, now):
                    wishes.append(wish)
            asked, woken = asked + len(page), woken + len(wishes)
            record_anew(k, wishes)
            if progress is not None:
                progress(asked, None)
        return Rechecked(asked=asked, woken=woken)

    def diff(self, new: Rulebook) -> Mapping[str, Difference]:
        """
        Who would enter and who would leave if another rulebook were in force; nothing is kept.

        It is asked of all who have events, at this instant, by the conditions alone:
        ``for``, limits and the like have no part in it.

        Args:
            new: The other one; its drafts count as if they were active.

        Returns:
            By ``rule:ID`` and ``segment:NAME``, of those whose condition is another one, that are
            new, or that are gone.

        Raises:
            ConfigurationError: ``kit.no_rules``; ``signals.clash`` when it declares a signal
                otherwise.
        """
        from retainkit.engine._preview import Preview

        book, now = self._rulebook(), self._kit.clock.now()
        preview = Preview(self._measures(), book, new)
        for k, page in self._pages(preview.wanted(now), None):
            for customer, counted in page:
                preview.add(customer, preview.read(k, customer, counted, now), now)
        return preview.differences()

    # ---- the kit's own

    def _rulebook(self) -> Rulebook:
        book = self._kit.rulebook
        if book is None:
            raise ConfigurationError(
                "This kit has no rules",
                code="kit.no_rules",
                field="rules",
                remedy="pass RetainKit(rules=Rulebook(...)), or what read_rules gives of a file",
            )
        return book

    def _bound(self) -> AnyBound:
        return cast("AnyBound", self._kit.features.get("rules"))  # there, as there are rules

    def _measures(self) -> Measures:
        return cast("Measures", self._kit.measures)  # likewise

    def _asked(
        self, ask: Callable[..., _Found], customer: CustomerId, rule: str
    ) -> tuple[datetime, _Found]:
        """What `why` or `why_not` says of a customer now, and when now was."""
        book, now = self._rulebook(), self._kit.clock.now()
        when, known = _condition(book, rule), KitSignals(self._kit, self._opened).of(customer)
        return now, ask(when, known, now, segments=book.segments)

    def _pages(
        self, wanted: Wanted, customers: Iterable[CustomerId] | None
    ) -> Iterator[tuple[JoinedKit, Sequence[Counted]]]:
        """All customers, or these, with what was counted; each page in a transaction."""
        named = None if customers is None else iter(dict.fromkeys(customers))
        counting = cast("Counting", self._kit.features.counting)  # there, as there are rules
        after: CustomerId | None = None
        while True:
            with self._opened() as k:
                if named is None:
                    ids = k.tx.timeline.customers(after=after, limit=PAGE)
                    page = _page(k, counting, wanted, ids, after)
                else:
                    ids = tuple(islice(named, PAGE))
                    known = [id for id in ids if k.timeline(id, limit=1)]
                    page = [(id, tuple(counting.read(k.tx, id, wanted))) for id in known]
                if not ids:
                    return
                yield k, page
            after = ids[-1]


def _wish(customer: CustomerId, now: datetime) -> Event:
    return Event(
        id=EventId(derive(RECHECK_EVENT, customer, now.isoformat())),
        name=RECHECK_EVENT,
        customer=customer,
        occurred_at=now,
    )


def _page(
    k: JoinedKit,
    counting: Counting,
    wanted: Wanted,
    customers: Sequence[CustomerId],
    after: CustomerId | None,
) -> list[Counted]:
    """The next customers who have events, whether or not anything was counted of them."""
    rows = k.tx.projections.page(counting.asked(wanted), after=after, limit=PAGE)
    found = {id: tuple(mine) for id, mine in groupby(rows, key=lambda each: each.customer)}
    return [(id, tuple(counting.completed(k.tx, id, found.get(id, ())))) for id in customers]


def _case(k: JoinedKit, bound: AnyBound, customer: CustomerId) -> RulesCase | None:
    record = k.tx.records.get("rules", CaseId(derive("rules", customer)))
    return None if record is None else cast("RulesCase", bound.case(record))


def _condition(book: Rulebook, name: str) -> Condition:
    if not name.startswith("segment:"):
        return book.rule(name.removeprefix("rule:")).when
    _check_group(book, name)
    return book.segments[name.removeprefix("segment:")]


def _in_order(book: Rulebook, states: Mapping[str, RuleState]) -> dict[str, RuleState]:
    """Stores keep no order of keys, so none of them is told; what has left the book comes last."""
    groups = [f"segment:{name}" for name in book.segments]
    groups += [f"{kind}:{rule.id}" for rule in book.rules for kind in ("rule", "shadow")]
    known = {group: states[group] for group in groups if group in states}
    return known | {group: states[group] for group in sorted(states.keys() - known)}


def _check_group(book: Rulebook, group: str) -> None:
    groups = [f"rule:{rule.id}" for rule in book.rules]
    groups += [f"segment:{name}" for name in book.segments]
    if group not in groups:
        raise InvalidInput(
            "There is no such rule or segment",
            code="rules.unknown_group",
            field="group",
            value=group,
            remedy=meant(group, groups, "write rule:ID or segment:NAME"),
        )


def _check_page(limit: int) -> None:
    if type(limit) is int and 0 < limit < _LONGEST_PAGE:
        return
    raise InvalidInput(
        "A page has some members, and not more than a store can count",
        code="rules.page",
        field="limit",
        value=limit,
        remedy="pass an int above zero, such as 1000",
    )
